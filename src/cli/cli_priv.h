#ifndef TB_CLI_CLI_PRIV_H
#define TB_CLI_CLI_PRIV_H

#include "base/json.h"
#include "config/config.h"

#include <stdbool.h>
#include <stdio.h>

enum { TB_EXIT_OK, TB_EXIT_FAILED, TB_EXIT_USAGE, TB_EXIT_MISSING };
enum { TB_CLI_OPTIONS = 16, TB_CLI_ARGS = 16 };

typedef struct {
    const char *flag;  /* "--output" */
    const char *brief; /* "-o" or NULL */
    const char *value; /* what the help calls its value; NULL: a switch */
    const char *help;
} tb_cli_option;

typedef struct tb_cli tb_cli;

typedef struct {
    const char *name; /* "voices add" */
    const char *args; /* "NAME FILE" for the help; "" none */
    const char *summary;
    const char *details; /* a paragraph of the help and man page; may be NULL */
    int least, most;     /* number of arguments */
    int (*run)(tb_cli *cli);
    const tb_cli_option *options; /* ends with a {0}; NULL none */
    bool hidden;                  /* children of our own */
} tb_cli_command;

/* One call of the program. */
struct tb_cli {
    const tb_cli_command *command;
    const char *program;
    const char *args[TB_CLI_ARGS];
    int n_args;
    struct {
        const char *flag, *value; /* value NULL: a switch */
    } given[TB_CLI_OPTIONS];
    int n_given;
    tb_config_override overrides[64];
    size_t n_overrides;
    char *user_data; /* DATA of the command line when nobody names one; NULL: a server's folder */
    bool json;
    tb_config config; /* loaded before run, except for hidden commands and help */
};

extern const tb_cli_command tb_cli_commands[];

/* Value of an option, "" for a switch that is on, NULL when it was not given. */
const char *tb_cli_get(const tb_cli *cli, const char *flag);
/* Prints "timbre: sentence" (or {"error": ...} with --json) to stderr and returns the exit code
 * that goes with the error. */
int tb_cli_fail(const tb_cli *cli, const tb_err *err);
int tb_cli_usage(const tb_cli *cli, const char *fmt, ...) TB_PRINTF(2, 3);
/* What tb_cli_main does before run for every command that is not hidden. */
TB_MUST_CHECK tb_status tb_cli_load_config(tb_cli *cli, tb_err *err);
void tb_cli_log_level(const char *name); /* LOG_LEVEL's value */
/* Prints and frees. */
int tb_cli_print_json(tb_json *v);

void tb_cli_help(FILE *out, const tb_cli_command *command); /* NULL: all of them */
void tb_cli_help_settings(FILE *out);
void tb_cli_man(FILE *out);
int tb_cli_completion(FILE *out, const char *shell);
int tb_cli_run_complete(tb_cli *cli); /* what the completion asks for: names, one a line */

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
int tb_cli_run_probe(tb_cli *cli);
int tb_cli_run_doctor(tb_cli *cli);
int tb_cli_run_languages(tb_cli *cli);
int tb_cli_run_ambiences(tb_cli *cli);

#endif
