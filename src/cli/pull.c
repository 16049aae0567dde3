/*
 * timbre model pull: downloads a model's files and makes our single file of them.
 *
 * Draws a progress line on a terminal and plain sentences elsewhere, each once. Relies on
 * fetch/fetch.h for downloading and on src/chatterbox for making the file; the model's row is the
 * catalogue's.
 */
#include "cli/pull_priv.h"

#include "base/file.h"
#include "base/mem.h"
#include "catalogue/catalogue.h"
#include "chatterbox/install.h"
#include "fetch/fetch.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

const tb_cli_option tb_cli_pull_options[] = {
    {"--folder", NULL, "DIR", "the folder to download into; default: under DATA/models"},
    {"--base", NULL, "DIR", "a folder with Turbo's files, some of which Nano shares"},
    {0},
};

enum { BAR = 20, WIDTH = 79, LINE = 256 };

typedef struct {
    bool terminal, quiet;
    tb_str told; /* plain lines that were said, one a line: none of them is said twice */
    int tenths;  /* of everything, of those that were said */
} teller;

static void amount(char *out, size_t size, uint64_t bytes)
{
    if (bytes >= 1000000000)
        snprintf(out, size, "%.2f GB", (double)bytes / 1e9);
    else if (bytes >= 1000000)
        snprintf(out, size, "%.1f MB", (double)bytes / 1e6);
    else
        snprintf(out, size, "%.1f kB", (double)bytes / 1e3);
}

void tb_cli_bar(char *out, size_t size, int width, const char *what, uint64_t done, uint64_t total,
                double bytes_per_s)
{
    char bar[BAR + 1], have[24], all[24], rest[80] = "", line[LINE];
    double part = total > 0 ? (double)done / (double)total : 0;
    int full = (int)(part * BAR);
    memset(bar, '-', BAR);
    memset(bar, '#', full < BAR ? (size_t)full : BAR);
    bar[BAR] = 0;
    amount(have, sizeof have, done);
    amount(all, sizeof all, total);
    if (bytes_per_s >= 1 && total > done) {
        double s = (double)(total - done) / bytes_per_s;
        char speed[24];
        amount(speed, sizeof speed, (uint64_t)bytes_per_s);
        if (s < 360000)
            snprintf(rest, sizeof rest, "  %s/s  %d:%02d left", speed, (int)s / 60, (int)s % 60);
        else
            snprintf(rest, sizeof rest, "  %s/s", speed);
    }
    if (total > 0)
        snprintf(line, sizeof line, "%3d %% [%s] %s of %s%s  %s", (int)(part * 100), bar, have, all,
                 rest, what);
    else
        snprintf(line, sizeof line, "%s", what);
    snprintf(out, size, "%.*s", width, line);
}

static int columns(void)
{
    struct winsize w;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 1 ? w.ws_col - 1 : WIDTH;
}

/* True the first time that this is said. Sentences of a wait differ in their figures ("after 12
 * ms") each time, so those do not count. */
static bool is_news(teller *t, const char *what, const char *about)
{
    char *line = tb_sprintf("\n%s %s\n", what, about);
    bool waits = strncmp(what, "waiting", 7) == 0;
    for (char *p = line; waits && *p; p++)
        if (*p >= '0' && *p <= '9') *p = '#';
    bool news = !t->told.data || !strstr(t->told.data, line);
    if (news) tb_str_printf(&t->told, "%s", line);
    tb_free(line);
    return news;
}

static void tell_plain(teller *t, const char *what, const char *about, const tb_fetch_progress *p)
{
    char line[LINE], all[24];
    const int tenths = p->total ? (int)(10 * p->done / p->total) : 0;
    if (is_news(t, what, about)) { /* a log or a file: a line for each thing that is begun */
        amount(all, sizeof all, p->file_total);
        /* Of a wait what went wrong and not what to do: that comes at the end, if it does. */
        int len = (int)(p->state == TB_FETCH_WAITING ? strcspn(about, ":;") : strlen(about));
        fprintf(stderr, "%s%s%.*s%s%s\n", what, len ? " " : "", len, about,
                p->file_total && p->file ? ", " : "", p->file_total && p->file ? all : "");
    } else if (p->state == TB_FETCH_LOADING && tenths > t->tenths) {
        tb_cli_bar(line, sizeof line, WIDTH, about, p->done, p->total, p->bytes_per_s);
        fprintf(stderr, "%s\n", line);
        t->tenths = tenths;
    }
}

static void tell(void *self, const tb_fetch_progress *p)
{
    static const char *const doing[] = {
        [TB_FETCH_ASKING] = "asking the hub",
        [TB_FETCH_CHECKING] = "checking",
        [TB_FETCH_LOADING] = "getting",
        [TB_FETCH_WAITING] = "waiting to try again:",
    };
    teller *t = self;
    const char *file = p->file ? p->file : "";
    const char *about = p->state == TB_FETCH_WAITING ? (p->note ? p->note : "") : file;
    if (t->quiet) return;
    if (t->terminal) {
        char line[LINE], *what = tb_sprintf("%s %s", doing[p->state], about);
        tb_cli_bar(line, sizeof line, columns(), what, p->done, p->total, p->bytes_per_s);
        fprintf(stderr, "\r\033[K%s", line);
        tb_free(what);
    } else {
        tell_plain(t, doing[p->state], about, p);
    }
    fflush(stderr);
}

/* A variant or OWNER/NAME. A repository that is not known may be like nano: with its own T3 only.
 */
static void name_model(const char *given, tb_fetch_config *c)
{
    const tb_catalogue_model *m = tb_catalogue_named(given);
    c->repo = m ? m->repository : given;
    c->variant = m ? m->variant : NULL;
    c->base_repo = m ? m->base : tb_catalogue_models[0].repository;
}

static void tell_making(void *self, const tb_model_progress *p)
{
    teller *t = self;
    char line[LINE];
    if (t->quiet || strcmp(p->state, "converting") != 0) return;
    if (t->terminal) {
        tb_cli_bar(line, sizeof line, columns(), p->note, p->done, p->total, 0);
        fprintf(stderr, "\r\033[K%s", line);
    } else if (is_news(t, "converting", p->note)) {
        fprintf(stderr, "%s\n", p->note);
    }
}

/* The one file that `say` and `serve` open. Offline: everything was just fetched. */
static tb_status make_one(const tb_cli *cli, const char *variant, const char *folder, teller *t,
                          char **path, tb_err *err)
{
    tb_model_config m = {.folder = folder,
                         .variant = variant,
                         .type = cli->config.model_type,
                         .revision = cli->config.model_revision,
                         .offline = true};
    return tb_model_install(&m, tell_making, t, NULL, path, err);
}

static int print_result(const tb_cli *cli, const tb_fetch_config *c, const tb_fetch_result *r,
                        const char *one)
{
    char bytes[24];
    if (cli->json) {
        tb_json *o = tb_json_object();
        tb_json_set_string(o, "repository", c->repo);
        tb_json_set_string(o, "commit", r->commit);
        tb_json_set_string(o, "folder", r->folder);
        tb_json_set_int(o, "downloaded_bytes", (int64_t)r->downloaded);
        tb_json_set_int(o, "linked_files", r->linked);
        if (one) tb_json_set_string(o, "file", one);
        return tb_cli_print_json(o);
    }
    amount(bytes, sizeof bytes, r->downloaded);
    printf("%s is in %s\n", c->repo, r->folder);
    if (r->commit[0]) printf("commit %s\n", r->commit);
    if (r->downloaded) printf("downloaded %s\n", bytes);
    if (r->linked) printf("%d files are linked from where they were already\n", r->linked);
    if (one) printf("made into %s, which timbre speaks from now on\n", one);
    return TB_EXIT_OK;
}

int tb_cli_run_model_pull(tb_cli *cli)
{
    teller t = {.terminal = isatty(STDERR_FILENO), .quiet = cli->json};
    const char *folder = tb_cli_get(cli, "--folder"), *base = tb_cli_get(cli, "--base");
    char *models_folder = tb_path_join(cli->config.data, "models");
    char *cache = tb_fetch_cache_folder(cli->config.hf_hub_cache, cli->config.hf_home);
    char *ours = NULL, *turbo = NULL, *one = NULL;
    tb_fetch_config c = {.endpoint = cli->config.hf_endpoint,
                         .token = cli->config.hf_token,
                         .offline = cli->config.hf_hub_offline,
                         .revision = cli->config.model_revision,
                         .cache = cache};
    tb_fetch_result result = {0};
    tb_err err = {0};
    int code;
    tb_str_init(&t.told, 1 << 16);
    name_model(cli->n_args > 0 ? cli->args[0] : cli->config.model_variant, &c);
    const char *slash = strrchr(c.repo, '/');
    ours = tb_path_join(models_folder, slash ? slash + 1 : c.repo);
    turbo = tb_path_join(models_folder, tb_catalogue_models[0].name);
    c.folder = folder ? folder : ours;
    if (base)
        c.base_folder = base;
    else if (c.base_repo)
        c.base_folder = turbo;
    tb_status st = tb_fetch_model(&c, tell, &t, NULL, &result, &err);
    /* Files that somebody wants elsewhere, or of a repository of theirs, are left as they are. */
    if (!st && c.variant && !folder) st = make_one(cli, c.variant, models_folder, &t, &one, &err);
    if (t.terminal && !t.quiet) fputs("\r\033[K", stderr);
    code = st ? tb_cli_fail(cli, &err) : print_result(cli, &c, &result, one);
    tb_str_clear(&t.told);
    tb_free(one);
    tb_fetch_result_clear(&result);
    tb_free(turbo);
    tb_free(ours);
    tb_free(cache);
    tb_free(models_folder);
    return code;
}
