#ifndef TB_CLI_CLI_H
#define TB_CLI_CLI_H

#include "base/json.h"
#include "config/config.h"

#include <stdbool.h>
#include <stdio.h>

/*
 * The framework of the program's commands. main has one table of them (src/commands.c), from which
 * the command line is parsed and --help, the manual page and the shells' completion are made. The
 * commands themselves are of this room (commands.h), of bench and of probe.
 */

enum { TB_EXIT_OK, TB_EXIT_FAILED, TB_EXIT_USAGE, TB_EXIT_MISSING };
enum { TB_CLI_OPTIONS = 16, TB_CLI_ARGS = 16 };

typedef struct {
    const char *flag;  /* "--output" */
    const char *brief; /* "-o" or NULL */
    const char *value; /* what the help calls its value; NULL: a switch */
    const char *help;  /* {speed} stands for the range of that field of a request, {speed=} for
                          what it is when it is not given (params/params.h) */
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
    const tb_cli_command *commands; /* the whole table; its last row is {0} */
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

/* argv as main has it. Returns the exit code: 0 done, 1 it failed, 2 the command line is wrong, 3
 * something it needs is missing. */
int tb_cli_main(int argc, char **argv, const tb_cli_command *commands);

/* Value of an option, "" for a switch that is on, NULL when it was not given. */
const char *tb_cli_get(const tb_cli *cli, const char *flag);
/* Prints "timbre: sentence" (or {"error": ...} with --json) to stderr and returns the exit code
 * that goes with the error. */
int tb_cli_fail(const tb_cli *cli, const tb_err *err);
int tb_cli_usage(const tb_cli *cli, const char *fmt, ...) TB_PRINTF(2, 3);
/* Prints and frees. */
int tb_cli_print_json(tb_json *v);
#endif
