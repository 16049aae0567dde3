#ifndef TB_CLI_CLI_PRIV_H
#define TB_CLI_CLI_PRIV_H

#include "cli/cli.h"
#include "cli/commands.h"

/* What tb_cli_main does before run for every command that is not hidden. */
TB_MUST_CHECK tb_status tb_cli_load_config(tb_cli *cli, tb_err *err);
void tb_cli_log_level(const char *name); /* LOG_LEVEL's value */

void tb_cli_help(FILE *out, const tb_cli *cli); /* of its command; NULL: of the whole table */
void tb_cli_help_settings(FILE *out);

#endif
