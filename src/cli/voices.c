/*
 * timbre voices and timbre history: lists, shows, adds, renames and removes rows of the store,
 * beside a running server or without one.
 *
 * Adding a voice goes through the same checks as an upload. Each command prints text, or JSON with
 * --json. Relies on store/store.h, which several processes may have open.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli_priv.h"
#include "job/job.h"

#include <stdlib.h>
#include <string.h>

static tb_json *voice_json(const tb_voice_row *v)
{
    char when[40];
    tb_json *o = tb_json_object();
    tb_clock_iso(v->uploaded_at_us, when, sizeof when);
    tb_json_set_string(o, "id", v->id);
    tb_json_set_string(o, "language", v->language);
    tb_json_set_string(o, "region", v->region);
    tb_json_set_string(o, "gender", v->gender);
    tb_json_set_string(o, "description", v->description);
    tb_json_set_milli(o, "seconds", v->seconds);
    tb_json_set_string(o, "uploaded_by", v->uploaded_by);
    tb_json_set_string(o, "uploaded_at", when);
    tb_json_set_bool(o, "missing", v->missing);
    return o;
}

static void voice_text(const tb_voice_row *v)
{
    printf("%-24s %5.1f s  %-8s %s%s\n", v->id, v->seconds, v->language, v->description,
           v->missing ? "  (its file is missing)" : "");
}

static int open_store(tb_cli *cli, tb_store **store)
{
    tb_err err = {0};
    return tb_store_open(cli->config.data, false, store, &err) ? tb_cli_fail(cli, &err)
                                                               : TB_EXIT_OK;
}

int tb_cli_run_voices_list(tb_cli *cli)
{
    tb_store *store = NULL;
    tb_voice_list list = {0};
    tb_err err = {0};
    int code = open_store(cli, &store);
    if (code) return code;
    if (tb_store_voice_list(store, &list, &err)) {
        code = tb_cli_fail(cli, &err);
    } else if (cli->json) {
        tb_json *all = tb_json_array();
        for (size_t i = 0; i < list.n; i++)
            tb_json_add(all, voice_json(&list.rows[i]));
        code = tb_cli_print_json(all);
    } else {
        for (size_t i = 0; i < list.n; i++)
            voice_text(&list.rows[i]);
        if (list.n == 0) puts("no voices are kept yet; timbre voices add NAME FILE keeps one");
    }
    tb_voice_list_clear(&list);
    tb_store_close(store);
    return code;
}

static int print_voice(tb_cli *cli, const tb_voice_row *row)
{
    if (cli->json) return tb_cli_print_json(voice_json(row));
    voice_text(row);
    return TB_EXIT_OK;
}

int tb_cli_run_voices_show(tb_cli *cli)
{
    tb_store *store = NULL;
    tb_voice_row row = {0};
    tb_err err = {0};
    int code = open_store(cli, &store);
    if (code) return code;
    code = tb_store_voice_get(store, cli->args[0], &row, &err) ? tb_cli_fail(cli, &err)
                                                               : print_voice(cli, &row);
    tb_voice_row_clear(&row);
    tb_store_close(store);
    return code;
}

int tb_cli_run_voices_rename(tb_cli *cli)
{
    tb_store *store = NULL;
    tb_voice_row row = {0};
    tb_err err = {0};
    tb_voice_change change = {.new_name = cli->args[1]};
    int code = open_store(cli, &store);
    if (code) return code;
    code = tb_store_voice_update(store, cli->args[0], &change, &row, &err) ? tb_cli_fail(cli, &err)
                                                                           : print_voice(cli, &row);
    tb_voice_row_clear(&row);
    tb_store_close(store);
    return code;
}

int tb_cli_run_voices_remove(tb_cli *cli)
{
    tb_store *store = NULL;
    tb_err err = {0};
    int code = open_store(cli, &store);
    if (code) return code;
    if (tb_store_voice_delete(store, cli->args[0], &err)) code = tb_cli_fail(cli, &err);
    tb_store_close(store);
    return code;
}

int tb_cli_run_voices_add(tb_cli *cli)
{
    tb_service *s = NULL;
    tb_job *job = NULL;
    tb_err err = {0};
    char *data = NULL;
    tb_voice_upload up = {
        .name = tb_strdup(cli->args[0]),
        .language =
            tb_language_is_auto(cli->config.language) ? NULL : tb_strdup(cli->config.language),
        .region = tb_strdup(tb_cli_get(cli, "--region")),
        .gender = tb_strdup(tb_cli_get(cli, "--gender")),
        .description = tb_strdup(tb_cli_get(cli, "--description")),
        .user = tb_strdup("cli"),
        .overwrite = tb_cli_get(cli, "--overwrite") != NULL,
    };
    int code = TB_EXIT_OK;
    tb_status st =
        tb_file_read(cli->args[1], (size_t)cli->config.upload_max, &data, &up.size, &err);
    up.data = data;
    if (!st) st = tb_service_open(&cli->config, false, &s, &err);
    if (!st) st = tb_service_start(s, &err);
    if (!st) st = tb_job_voice(s, &up, NULL, NULL, &job, &err);
    if (!st) {
        tb_job_wait(job);
        tb_job_view view = tb_job_look(job);
        st = view.state == TB_JOB_FAILED ? view.err.status : TB_OK;
        err = view.err;
    }
    if (st)
        code = tb_cli_fail(cli, &err);
    else if (cli->json)
        puts(tb_job_json(job));
    else
        printf("kept as %s\n", cli->args[0]);
    if (!st && !cli->json) {
        tb_json *reply = NULL;
        const char *text = tb_job_json(job);
        if (tb_json_parse(text, strlen(text), &reply, &err) == TB_OK) {
            tb_json *warnings = tb_json_get(reply, "warnings");
            for (size_t i = 0; i < tb_json_len(warnings); i++)
                printf("note: %s\n", tb_json_text(tb_json_at(warnings, i)));
            tb_json_free(reply);
        }
    }
    if (job) tb_job_release(job);
    tb_service_close(s);
    if (!job) { /* it was not handed over */
        char **strings[] = {&up.name,   &up.language,    &up.region,
                            &up.gender, &up.description, &up.user};
        for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
            tb_free(*strings[i]);
        tb_free(up.data);
    }
    return code;
}

static tb_json *clip_json(const tb_clip_row *c)
{
    char when[40];
    tb_json *o = tb_json_object();
    tb_clock_iso(c->timestamp_us, when, sizeof when);
    tb_json_set_string(o, "id", c->id);
    tb_json_set_string(o, "text", c->text);
    tb_json_set_string(o, "filename", c->filename);
    tb_json_set_string(o, "voice_used", c->voice_used);
    tb_json_set_string(o, "engine", c->engine);
    tb_json_set_int(o, "seed", (int64_t)c->seed);
    tb_json_set_milli(o, "duration", c->duration_s);
    tb_json_set_string(o, "timestamp", when);
    tb_json_set_string(o, "user", c->user);
    tb_json_set_bool(o, "missing", c->missing);
    return o;
}

static void clip_text(const tb_clip_row *c)
{
    char when[40];
    tb_clock_iso(c->timestamp_us, when, sizeof when);
    printf("%s  %.19s  %5.1f s  %-16s %.60s%s\n", c->id, when, c->duration_s, c->voice_used,
           c->text, c->missing ? "  (its file is missing)" : "");
}

int tb_cli_run_history_list(tb_cli *cli)
{
    tb_store *store = NULL;
    tb_clip_list list = {0};
    tb_err err = {0};
    unsigned long long limit = 20;
    const char *n = tb_cli_get(cli, "--limit");
    if (n && (!tb_parse_u64(n, &limit) || limit < 1 || limit > TB_CLIP_LIST_MAX))
        return tb_cli_usage(cli, "--limit is '%s'; allowed: 1 to %d", n, (int)TB_CLIP_LIST_MAX);
    tb_clip_query query = {.limit = (size_t)limit, .q = tb_cli_get(cli, "--query")};
    int code = open_store(cli, &store);
    if (code) return code;
    if (tb_store_clip_list(store, &query, &list, &err)) {
        code = tb_cli_fail(cli, &err);
    } else if (cli->json) {
        tb_json *all = tb_json_array();
        for (size_t i = 0; i < list.n; i++)
            tb_json_add(all, clip_json(&list.rows[i]));
        code = tb_cli_print_json(all);
    } else {
        for (size_t i = 0; i < list.n; i++)
            clip_text(&list.rows[i]);
        if (list.total > list.n) printf("%zu of %llu\n", list.n, (unsigned long long)list.total);
    }
    tb_clip_list_clear(&list);
    tb_store_close(store);
    return code;
}

int tb_cli_run_history_show(tb_cli *cli)
{
    tb_store *store = NULL;
    tb_clip_row row = {0};
    tb_err err = {0};
    int code = open_store(cli, &store);
    if (code) return code;
    if (tb_store_clip_get(store, cli->args[0], &row, &err))
        code = tb_cli_fail(cli, &err);
    else if (cli->json)
        code = tb_cli_print_json(clip_json(&row));
    else
        printf("%s\n%s/clips/%s\nvoice %s, engine %s, seed %llu, %.2f s\n%s\n", row.id,
               tb_store_data_dir(store), row.filename, row.voice_used, row.engine,
               (unsigned long long)row.seed, row.duration_s, row.text);
    tb_clip_row_clear(&row);
    tb_store_close(store);
    return code;
}

int tb_cli_run_history_remove(tb_cli *cli)
{
    tb_store *store = NULL;
    tb_err err = {0};
    uint64_t remaining = 0;
    size_t deleted = 0;
    int code = open_store(cli, &store);
    if (code) return code;
    bool all = cli->n_args == 1 && strcmp(cli->args[0], "all") == 0;
    tb_status st = all ? tb_store_clip_delete_all(store, &remaining, &err)
                       : tb_store_clip_delete(store, cli->args, (size_t)cli->n_args, &deleted,
                                              &remaining, &err);
    if (!st && !all && deleted < (size_t)cli->n_args)
        st = tb_fail(&err, TB_ENOTFOUND, "%zu of the %d entries named are not in the history",
                     (size_t)cli->n_args - deleted, cli->n_args);
    if (st)
        code = tb_cli_fail(cli, &err);
    else
        printf(cli->json ? "{\"remaining_count\":%llu}\n" : "%llu entries are left\n",
               (unsigned long long)remaining);
    tb_store_close(store);
    return code;
}
