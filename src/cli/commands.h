#ifndef TB_CLI_COMMANDS_H
#define TB_CLI_COMMANDS_H

#include "cli/cli.h"

/* What the rows of main's table of commands run. Each returns the exit code. */

int tb_cli_run_serve(tb_cli *cli);
int tb_cli_run_say(tb_cli *cli);
int tb_cli_run_sample(tb_cli *cli);
int tb_cli_run_voices_add(tb_cli *cli);
int tb_cli_run_voices_list(tb_cli *cli);
int tb_cli_run_voices_show(tb_cli *cli);
int tb_cli_run_voices_rename(tb_cli *cli);
int tb_cli_run_voices_remove(tb_cli *cli);
int tb_cli_run_pronunciations_list(tb_cli *cli);
int tb_cli_run_pronunciations_add(tb_cli *cli);
int tb_cli_run_pronunciations_remove(tb_cli *cli);
int tb_cli_run_history_list(tb_cli *cli);
int tb_cli_run_history_show(tb_cli *cli);
int tb_cli_run_history_remove(tb_cli *cli);
int tb_cli_run_model_convert(tb_cli *cli);
int tb_cli_run_model_show(tb_cli *cli);
int tb_cli_run_doctor(tb_cli *cli);
int tb_cli_run_languages(tb_cli *cli);
int tb_cli_run_ambiences(tb_cli *cli);
int tb_cli_run_completion(tb_cli *cli);
int tb_cli_run_complete(tb_cli *cli); /* what the completion asks for: names, one a line */
int tb_cli_run_man(tb_cli *cli);
int tb_cli_run_settings(tb_cli *cli);

int tb_cli_run_model_pull(tb_cli *cli);
extern const tb_cli_option tb_cli_pull_options[];

#endif
