/*
 * timbre doctor: looks at data, programs, model and hub, changes nothing, and says how to mend each
 * gap. Also `languages` and `ambiences`, the lists that need no store.
 *
 * Findings are lines (ok, warning, missing) in text or JSON; the exit code is 3 when something
 * needed is missing. Relies on the checks of store, fetch and engine.
 */
#include "base/child.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "chatterbox/install.h"
#include "cli/cli_priv.h"
#include "fetch/hub.h"
#include "job/job.h"
#include "model/files.h"

#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct findings {
    tb_json *list;
    bool json, missing;
};

static void say(struct findings *f, const char *level, const char *what, const char *mend)
{
    if (strcmp(level, "missing") == 0) f->missing = true;
    if (f->json) {
        tb_json *o = tb_json_object();
        tb_json_set_string(o, "level", level);
        tb_json_set_string(o, "finding", what);
        tb_json_set_string(o, "mend", mend);
        tb_json_add(f->list, o);
    } else {
        printf("%-8s %s\n", level, what);
        if (mend) printf("         %s\n", mend);
    }
}

static void problem(void *self, tb_store_problem kind, const char *path)
{
    static const struct {
        const char *level, *what, *mend;
    } text[] = {
        [TB_STORE_UNKNOWN_FILE] = {"note", "a file that timbre does not know: %s",
                                   "it is left alone; remove it yourself if it is not yours"},
        [TB_STORE_MISSING_FILE] = {"missing", "a file is gone: %s",
                                   "put it back from a backup, or remove its entry"},
        [TB_STORE_TEMPORARY_FILE] = {"note", "left by a process that died: %s",
                                     "the next start of the server removes it"},
        [TB_STORE_DAMAGED] = {"missing", "the database is damaged: %s", "restore it from a backup"},
    };
    char *line = NULL;
    const char *mark = strstr(text[kind].what, "%s");
    line = tb_sprintf("%.*s%s", (int)(mark - text[kind].what), text[kind].what, path);
    say(self, text[kind].level, line, text[kind].mend);
    tb_free(line);
}

static void look_at_data(struct findings *f, const tb_config *c)
{
    struct statvfs disk;
    tb_store *store = NULL;
    tb_err err = {0};
    if (!tb_file_is_dir(c->data)) {
        char *line = tb_sprintf("the data folder %s is not there yet", c->data);
        say(f, "note", line, "the first start makes it");
        tb_free(line);
        return;
    }
    if (access(c->data, W_OK) != 0) {
        char *line = tb_sprintf("the data folder %s cannot be written", c->data);
        say(f, "missing", line, "change its owner or mode, or name another with --data");
        tb_free(line);
        return;
    }
    if (statvfs(c->data, &disk) == 0) {
        double free_gb = (double)disk.f_bavail * (double)disk.f_frsize / 1e9;
        char *line = tb_sprintf("data folder %s, %.1f GB free", c->data, free_gb);
        say(f, free_gb < 0.2 ? "missing" : "ok", line,
            free_gb < 0.2 ? "make room, or set HISTORY_MAX_BYTES" : NULL);
        tb_free(line);
    }
    if (tb_store_open(c->data, false, &store, &err) != TB_OK ||
        tb_store_check(store, problem, f, &err) != TB_OK)
        say(f, "missing", err.msg, NULL);
    tb_store_close(store);
}

/* ---- the neural engine's model ---- */

/* What a model that speaks is worth to the engine that was asked for. */
static const char *gap(const tb_config *c)
{
    return c->engine == TB_ENGINE_CHATTERBOX ? "missing" : "note";
}

/* Opens what serve would open; of a folder only whether its files are there, since their reading
 * takes seconds. */
static void look_at_installed(struct findings *f, const tb_config *c, const char *path)
{
    const tb_model_place place = {.path = path, .variant = c->model_variant};
    tb_weights *w = NULL;
    tb_model_paths paths = {0};
    tb_err err = {0};
    char *line;

    if (tb_file_is_dir(path)) {
        if (tb_model_find(&place, &paths, &err)) {
            say(f, "missing", err.msg, "mend MODEL, or leave it empty and: timbre model pull");
            return;
        }
        line = tb_sprintf("%s, the published files in %s, read as %s at every start",
                          tb_catalogue_find(paths.variant)->name, path,
                          tb_model_type_name(c->model_type));
        say(f, "ok", line, "timbre model convert makes one file of them that opens at once");
        tb_model_paths_clear(&paths);
    } else if (tb_model_files_open(&place, TB_F32, &w, &err)) {
        say(f, "missing", err.msg, "remove it and: timbre model pull");
        return;
    } else {
        const char *type = tb_weights_meta(w, "timbre.type");
        line = tb_sprintf("%s, %s, %.2f GB, %s", tb_model_entry(w)->name,
                          type ? type : "type unknown", (double)tb_file_size(path) / 1e9, path);
        say(f, "ok", line, NULL);
        tb_weights_free(w);
    }
    tb_free(line);
}

/* Bytes free where path is, or where it would be made; -1: the system does not say. */
static double room_at(const char *path)
{
    struct statvfs disk;
    char *at = tb_strdup(path);
    bool known = statvfs(at, &disk) == 0;
    for (char *slash; !known && (slash = strrchr(at, '/')) && slash != at;) {
        *slash = 0;
        known = statvfs(at, &disk) == 0;
    }
    if (!known) known = statvfs(*path == '/' ? "/" : ".", &disk) == 0;
    tb_free(at);
    return known ? (double)disk.f_bavail * (double)disk.f_frsize : -1;
}

/* Asks the hub, once and for seconds at most. */
static void look_at_hub(struct findings *f, const tb_config *c, const char *repo)
{
    const tb_fetch_config hub = {.endpoint = c->hf_endpoint,
                                 .token = c->hf_token,
                                 .repo = repo,
                                 .revision = c->model_revision};
    tb_err err = {0};
    char *line;
    if (tb_hub_test(&hub, &err)) {
        line = tb_sprintf("the hub cannot be used: %.300s", err.msg);
        say(f, gap(c), line,
            "look at the network, HTTPS_PROXY, HF_ENDPOINT and HF_TOKEN; MODEL_DOWNLOAD=0 does "
            "without it");
    } else {
        line = tb_sprintf("the hub answers and has %s: %s", repo, c->hf_endpoint);
        say(f, "ok", line, NULL);
    }
    tb_free(line);
}

/* Where the model would come from, and whether there is room for it. */
static void look_for_source(struct findings *f, const tb_config *c, const char *folder)
{
    const tb_catalogue_model *m = tb_catalogue_find(c->model_variant); /* checked when read */
    const char *repo = m->repository, *t3 = m->t3;
    char *files = tb_path_join(folder, m->name);
    char *cache = tb_fetch_cache_folder(c->hf_hub_cache, c->hf_home);
    char commit[TB_COMMIT_TEXT], oid[TB_OID_TEXT], *line = NULL, *cached = NULL;
    /* The published files and the one made of them; what is here or linked to takes nothing. */
    double need = (double)tb_model_type_bytes(c->model_type) / 1e9;
    const double room = room_at(folder) / 1e9;
    tb_model_paths paths = {0};

    if (tb_model_find(&(tb_model_place){.path = files, .variant = c->model_variant}, &paths,
                      NULL) == TB_OK) {
        line = tb_sprintf("its published files are in %s", files);
        say(f, "note", line, "timbre model pull, or a start of serve, makes one file of them");
    } else if (cache && tb_hub_cache_commit(cache, repo, c->model_revision, commit) &&
               (cached = tb_hub_cache_file(cache, repo, commit, t3, oid))) {
        line = tb_sprintf("Hugging Face's cache has it: %s", cache);
        say(f, "note", line, "timbre model pull, or a start of serve, takes it from there");
    } else if (c->hf_hub_offline) {
        say(f, gap(c), "HF_HUB_OFFLINE is on, and neither DATA nor Hugging Face's cache has it",
            "switch it off and: timbre model pull; or name a model that you have with MODEL");
    } else {
        need += m->download_gb;
        line = tb_sprintf("it would come from %s%s", c->hf_endpoint,
                          c->model_download ? "" : ", but MODEL_DOWNLOAD is off");
        say(f, "note", line,
            c->model_download ? "serve fetches it in the background, or: timbre model pull"
                              : "timbre model pull");
        look_at_hub(f, c, repo);
    }
    tb_free(line);
    line = tb_sprintf("room for it: %.1f GB are needed, %.1f GB are free", need, room);
    if (room >= 0)
        say(f, room < need ? gap(c) : "ok", line, room < need ? "make room under DATA" : NULL);
    tb_free(line);
    tb_free(cached);
    tb_free(cache);
    tb_free(files);
    tb_model_paths_clear(&paths);
}

static void look_at_model(struct findings *f, const tb_config *c)
{
    char *folder = tb_path_join(c->data, "models");
    const tb_model_config model = {.path = c->model,
                                   .folder = folder,
                                   .variant = c->model_variant,
                                   .type = c->model_type};
    char *path = tb_model_installed(&model);
    if (c->engine == TB_ENGINE_EMBEDDED) {
        say(f, "ok", "ENGINE is embedded: no model is looked for", NULL);
    } else if (path) {
        look_at_installed(f, c, path);
    } else {
        char *line = tb_sprintf("chatterbox-%s is not installed as %s: the embedded engine answers",
                                c->model_variant, tb_model_type_name(c->model_type));
        say(f, gap(c), line, NULL);
        tb_free(line);
        look_for_source(f, c, folder);
    }
    tb_free(path);
    tb_free(folder);
}

int tb_cli_run_doctor(tb_cli *cli)
{
    const tb_config *c = &cli->config;
    struct findings f = {.list = tb_json_array(), .json = cli->json};
    tb_embedded *embedded = NULL;
    tb_err err = {0};
    char *espeak = tb_child_which(c->espeak_program);

    say(&f, "ok", "timbre " TB_VERSION, NULL);
    if (espeak)
        say(&f, "ok", "espeak-ng is installed: about a hundred languages", NULL);
    else
        say(&f, "missing", "espeak-ng is not installed: only English can be spoken",
            "apt-get install espeak-ng (macOS: brew install espeak-ng)");
    tb_free(espeak);
    if (tb_flite_available())
        say(&f, "ok", "flite is built in: the English base speakers", NULL);
    else
        say(&f, "note", "flite is not built in: English is spoken by espeak-ng",
            "apt-get install flite1-dev, then make build");
    tb_embedded_config config = {.default_language = c->language,
                                 .default_base = c->default_base,
                                 .espeak_program = c->espeak_program,
                                 .espeak_data_path = c->espeak_data_path};
    if (tb_embedded_open(&config, &embedded, &err) != TB_OK) {
        say(&f, "missing", err.msg, NULL);
    } else {
        const tb_language *list;
        char *line = tb_sprintf("%zu languages", tb_embedded_languages(embedded, &list));
        say(&f, "ok", line, NULL);
        tb_free(line);
    }
    tb_embedded_close(embedded);
    look_at_model(&f, c);
    if (!*c->api_username || !*c->api_password)
        say(&f, "note", "no credentials are set: timbre serve will not start (the rest will)",
            "put API_USERNAME and API_PASSWORD into .env (make start writes one)");
    else if (tb_password_is_hashed(c->api_password) && tb_password_check(c->api_password, &err))
        say(&f, "note", "API_PASSWORD cannot be used: timbre serve will not start", err.msg);
    else
        say(&f, "ok", "credentials are set", NULL);
    look_at_data(&f, c);

    if (f.json)
        tb_cli_print_json(f.list);
    else
        tb_json_free(f.list);
    return f.missing ? TB_EXIT_MISSING : TB_EXIT_OK;
}

int tb_cli_run_languages(tb_cli *cli)
{
    tb_embedded *embedded = NULL;
    const tb_language *list = NULL;
    tb_err err = {0};
    tb_embedded_config config = {.default_language = cli->config.language,
                                 .default_base = cli->config.default_base,
                                 .espeak_program = cli->config.espeak_program,
                                 .espeak_data_path = cli->config.espeak_data_path};
    int code = TB_EXIT_OK;
    if (tb_embedded_open(&config, &embedded, &err)) return tb_cli_fail(cli, &err);
    size_t n = tb_embedded_languages(embedded, &list);
    tb_json *all = tb_json_array();
    for (size_t i = 0; i < n; i++) {
        if (!cli->json) {
            printf("%-24s %s\n", list[i].code, list[i].name);
            continue;
        }
        tb_json *o = tb_json_object();
        tb_json_set_string(o, "code", list[i].code);
        tb_json_set_string(o, "name", list[i].name);
        tb_json_add(all, o);
    }
    if (cli->json)
        code = tb_cli_print_json(all);
    else
        tb_json_free(all);
    tb_embedded_close(embedded);
    return code;
}

int tb_cli_run_ambiences(tb_cli *cli)
{
    tb_ambience_set *set = NULL;
    tb_err err = {0};
    int code = TB_EXIT_OK;
    if (tb_ambience_open(cli->config.ambience_dir, &set, &err)) return tb_cli_fail(cli, &err);
    tb_json *all = tb_json_array();
    for (size_t i = 0; i < tb_ambience_count(set); i++) {
        const tb_ambience_info *a = tb_ambience_at(set, i);
        if (!cli->json) {
            printf("%-12s %-16s %s\n", a->id, a->title, a->description);
            continue;
        }
        tb_json *o = tb_json_object();
        tb_json_set_string(o, "id", a->id);
        tb_json_set_string(o, "title", a->title);
        tb_json_set_string(o, "description", a->description);
        tb_json_set_string(o, "generator", a->generator);
        tb_json_set_real(o, "default_level", a->default_difference_lu);
        tb_json_add(all, o);
    }
    if (cli->json)
        code = tb_cli_print_json(all);
    else
        tb_json_free(all);
    tb_ambience_close(set);
    return code;
}
