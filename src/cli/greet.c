/*
 * What `timbre serve` prints for a person: where it listens, which engines speak, a command to try,
 * and how far a download is.
 *
 * Lines are made by functions that tests call alone (tb_greet_line, tb_greet_command). The command
 * for a shell is left out where the shell could not read name and password from .env.
 */
#include "cli/greet_priv.h"

#include "base/child.h"
#include "base/file.h"
#include "base/mem.h"
#include "catalogue/catalogue.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- while the model is on its way ---- */

static void gigabytes(char *out, size_t size, uint64_t bytes)
{
    if (bytes >= 100000000)
        snprintf(out, size, "%.1f GB", (double)bytes / 1e9);
    else
        snprintf(out, size, "%.1f MB", (double)bytes / 1e6);
}

static bool downloading(tb_greet *g, const tb_model_progress *p, char *line, size_t size)
{
    char all[24], rest[48] = "";
    if (p->total == 0) return false;
    const int tenths = (int)(10 * (double)p->done / (double)p->total);
    g->waiting = false; /* something comes again */
    if (tenths <= g->tenths) return false;
    g->tenths = tenths;
    gigabytes(all, sizeof all, p->total);
    if (p->bytes_per_s >= 1 && p->total > p->done) {
        const double minutes = (double)(p->total - p->done) / p->bytes_per_s / 60;
        if (minutes < 6000) snprintf(rest, sizeof rest, ", about %.0f min left", fmax(1, minutes));
    }
    snprintf(line, size, "%s: %d %% of %s are here%s", g->model->name, 10 * tenths, all, rest);
    return true;
}

bool tb_greet_line(tb_greet *g, bool speaks, const tb_model_progress *p, char *line, size_t size)
{
    if (speaks) {
        if (g->speaks) return false;
        g->speaks = true;
        snprintf(line, size, "%s speaks from now on, in %s", g->model->name, g->model->spoken);
        return true;
    }
    if (!p) return false;
    if (strcmp(p->state, "downloading") == 0) return downloading(g, p, line, size);
    if (strcmp(p->state, "converting") == 0) {
        if (g->converting) return false;
        g->converting = true;
        snprintf(line, size, "%s: everything is here; one file is made of it", g->model->name);
        return true;
    }
    if (strcmp(p->state, "waiting") == 0 && p->total > 0) { /* not before it has begun */
        if (g->waiting) return false;
        g->waiting = true;
        snprintf(line, size, "%s: nothing comes at the moment (%s); it is tried again",
                 g->model->name, p->note);
        return true;
    }
    return false; /* a failure is a line of the log */
}

void tb_greet_look(tb_greet *g, tb_engine *engine)
{
    tb_model_progress p;
    char line[512];
    const bool busy = tb_engine_progress(engine, &p);
    const bool speaks = tb_engine_current(engine) == TB_ENGINE_CHATTERBOX;
    if (!tb_greet_line(g, speaks, busy ? &p : NULL, line, sizeof line)) return;
    printf("%s\n", line);
    fflush(stdout);
}

/* ---- at the start ---- */

static tb_status look_for_password(void *self, const char *key, const char *value, int line,
                                   tb_err *err)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    (void)line;
    (void)err;
    if (strcmp(key, "API_PASSWORD") == 0) *(bool *)self = value[strspn(value, plain)] == 0;
    return TB_OK;
}

/* Whether `. ./.env` gives a shell the password: it stands there, and as a shell reads it. */
static bool shell_reads(const char *env_path)
{
    bool plain = false;
    char *text = NULL;
    size_t len = 0;
    if (tb_file_read(env_path, 1 << 20, &text, &len, NULL) ||
        tb_env_parse(text, len, look_for_password, &plain, NULL))
        plain = false;
    tb_free(text);
    return plain && !strstr(env_path, "/");
}

/* Where a program on this machine finds the server. */
static char *address(const tb_config *c, int port)
{
    const char *host = c->host;
    if (!*host || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0 ||
        strcmp(host, "[::]") == 0)
        host = "localhost";
    const bool bare6 = strchr(host, ':') && host[0] != '[';
    return tb_sprintf("%s://%s%s%s:%d", *c->tls_cert ? "https" : "http", bare6 ? "[" : "", host,
                      bare6 ? "]" : "", port);
}

char *tb_greet_command(const tb_config *c, int port, const char *env_path)
{
    static const struct {
        const char *program, *known, *asked;
    } ways[] = {
        {"curl", "curl -u \"$API_USERNAME:$API_PASSWORD\" -o demo.wav", "curl -u NAME -o demo.wav"},
        {"wget",
         "wget --auth-no-challenge --user=\"$API_USERNAME\" "
         "--password=\"$API_PASSWORD\" -O demo.wav",
         "wget --auth-no-challenge --user=NAME --ask-password -O demo.wav"},
    };
    char *command = NULL, *base = address(c, port);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0] && !command; i++) {
        char *program = tb_child_which(ways[i].program);
        if (program)
            command = tb_sprintf("%s%s %s/demo", shell_reads(env_path) ? ". ./.env; " : "",
                                 shell_reads(env_path) ? ways[i].known : ways[i].asked, base);
        tb_free(program);
    }
    tb_free(base);
    return command;
}

static void say_engines(const tb_greet *g, const tb_cli *cli, tb_engine *engine)
{
    const tb_config *c = &cli->config;
    tb_model_progress p;
    const tb_language *list;
    const size_t languages = tb_embedded_languages(tb_engine_embedded(engine), &list);
    char size[24];
    snprintf(size, sizeof size, "%.1f GB", g->model->download_gb);
    if (g->speaks) {
        printf("%s is spoken by %s, %zu languages by the embedded engine\n", g->model->spoken,
               g->model->name, languages);
        return;
    }
    printf("The embedded engine answers now, in %zu languages\n", languages);
    if (tb_engine_progress(engine, &p))
        printf("%s, %s, is fetched in the background into %s/models; to stop that for good, write\n"
               "MODEL_DOWNLOAD=0 into .env and start again. It speaks as soon as it is here\n",
               g->model->name, size, c->data);
    else if (c->engine != TB_ENGINE_EMBEDDED)
        printf("%s is not fetched (MODEL_DOWNLOAD is off); %s model pull gets it, %s\n",
               g->model->name, cli->program, size);
}

void tb_greet_start(tb_greet *g, const tb_cli *cli, tb_engine *engine, int port, bool quiet)
{
    const tb_config *c = &cli->config;
    char *base = address(c, port), *command = tb_greet_command(c, port, ".env");
    *g = (tb_greet){.model = tb_catalogue_find(c->model_variant),
                    .speaks = tb_engine_current(engine) == TB_ENGINE_CHATTERBOX};
    say_engines(g, cli, engine);
    if (!quiet) {
        printf("Try in another terminal\n  %s say \"Good morning.\" -o hello.wav\n", cli->program);
        if (command) printf("  %s\n", command);
        printf("  %s/docs in a browser; name and password are in .env\n", base);
        puts("^C stops it.");
    }
    fflush(stdout);
    tb_free(command);
    tb_free(base);
}
