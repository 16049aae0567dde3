#ifndef TB_CLI_CLI_H
#define TB_CLI_CLI_H

/* The program's command line: one table of commands (commands.c), from which --help, the man page
 * and the shells' completion are made. */

/* argv as main has it. Returns the exit code: 0 done, 1 it failed, 2 the command line is wrong, 3
 * something it needs is missing. */
int tb_cli_main(int argc, char **argv);

#endif
