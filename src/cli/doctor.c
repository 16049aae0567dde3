#include "base/child.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/cli_priv.h"
#include "job/job.h"

#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* timbre doctor: looks at everything, changes nothing, says how to mend each gap. Also the two
 * lists that need no store. */

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
    say(&f, "note", "the weights of chatterbox-turbo are not installed",
        "the embedded engine answers, and every reply says so");
    if (strcmp(c->engine, "chatterbox") == 0)
        say(&f, "missing", "ENGINE is chatterbox", "set ENGINE=auto or ENGINE=embedded");
    if (!*c->api_username || !*c->api_password)
        say(&f, "missing", "no credentials are set: timbre serve will not start",
            "put API_USERNAME and API_PASSWORD into .env (make start writes one)");
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
