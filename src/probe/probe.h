#ifndef TB_PROBE_PROBE_H
#define TB_PROBE_PROBE_H

#include "cli/cli.h"

/* timbre probe: a row of the table of commands. docs/model/probe.md. */
int tb_probe_run(tb_cli *cli);
extern const tb_cli_option tb_probe_options[];

#endif
