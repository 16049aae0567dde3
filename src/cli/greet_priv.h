#ifndef TB_CLI_GREET_PRIV_H
#define TB_CLI_GREET_PRIV_H

#include "catalogue/catalogue.h"
#include "cli/cli_priv.h"
#include "engine/engine.h"

/*
 * What `timbre serve` says to whoever started it, on standard output: which engine answers, what is
 * on its way, what to try; then how far the model is. The log is for everything else. No line but
 * "listening on ..." ends with a colon and a number: programs look for the port there.
 */
typedef struct {
    bool speaks; /* the model does, and that was said */
    int tenths;  /* of the download, said so far */
    bool converting, waiting;
    const tb_catalogue_model *model;
} tb_greet;

/* Behind the line "listening on ...". quiet: nothing to try, as at a restart or under systemd. */
void tb_greet_start(tb_greet *g, const tb_cli *cli, tb_engine *engine, int port, bool quiet);

/* Looks at the engine; says what is new. Called a few times a second. */
void tb_greet_look(tb_greet *g, tb_engine *engine);

/* The line for one look, without its end: progress NULL when nothing is being done. False when
 * there is nothing new to say. */
bool tb_greet_line(tb_greet *g, bool speaks, const tb_model_progress *progress, char *line,
                   size_t size);

/* The command that fetches /demo from here, by a program that is installed, or NULL; heap. */
char *tb_greet_command(const tb_config *c, int port, const char *env_path);

#endif
