#ifndef TB_COMMANDS_H
#define TB_COMMANDS_H

#include "cli/cli.h"

/* The program's commands; the last row is {0}. */
extern const tb_cli_command tb_commands[];

#endif
