#ifndef TB_CLI_PULL_PRIV_H
#define TB_CLI_PULL_PRIV_H

#include "cli/cli_priv.h"

/* One line of at most width columns: what, a bar, how much of how much, how fast, how long still.
 * total 0: not known. */
void tb_cli_bar(char *out, size_t size, int width, const char *what, uint64_t done, uint64_t total,
                double bytes_per_s);

#endif
