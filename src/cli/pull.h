#ifndef TB_CLI_PULL_H
#define TB_CLI_PULL_H

#include "cli/cli_priv.h"

/* timbre model pull: a row of the command table. */
int tb_cli_run_model_pull(tb_cli *cli);
extern const tb_cli_option tb_cli_pull_options[];

/* One line of at most width columns: what, a bar, how much of how much, how fast, how long still.
 * total 0: not known. */
void tb_cli_bar(char *out, size_t size, int width, const char *what, uint64_t done, uint64_t total,
                double bytes_per_s);

#endif
