#ifndef TB_BENCH_BENCH_H
#define TB_BENCH_BENCH_H

#include "cli/cli.h"

/* timbre bench: a row of the table of commands. docs/bench.md. */
int tb_bench_run(tb_cli *cli);
extern const tb_cli_option tb_bench_options[];

#endif
