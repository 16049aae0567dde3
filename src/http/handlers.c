#include "http/handlers_priv.h"

#include "api/print.h"
#include "api/range.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static tb_store *store_of(tb_request *r)
{
    return tb_service_store(r->http->service);
}

static char *text_field(tb_request *r, const char *name)
{
    return tb_strdup(tb_fields_text(&r->fields, name));
}

/* ---- the server itself ---- */

tb_status tb_get_root(tb_request *r, tb_err *err)
{
    tb_engine *engine = tb_service_engine(r->http->service);
    const tb_language *list;
    (void)err;
    size_t n = tb_embedded_languages(tb_engine_embedded(engine), &list);
    tb_model_progress progress;
    bool busy = tb_engine_progress(engine, &progress);
    tb_reply_json(r, 200,
                  tb_print_status(tb_engine_current(engine), tb_engine_model(engine), n,
                                  busy ? &progress : NULL));
    return TB_OK;
}

tb_status tb_get_health(tb_request *r, tb_err *err)
{
    (void)err;
    tb_reply_json(r, 200, tb_strdup("{\"status\":\"ok\"}"));
    return TB_OK;
}

tb_status tb_get_ready(tb_request *r, tb_err *err)
{
    tb_service_stats s = tb_service_look(r->http->service);
    if (s.stopping) return tb_fail(err, TB_EUNREADY, "the server is stopping");
    tb_reply_json(r, 200,
                  tb_sprintf("{\"status\":\"ready\",\"warm\":%s,\"queued\":%d,\"running\":%d}",
                             s.warm ? "true" : "false", s.queued, s.running));
    return TB_OK;
}

tb_status tb_get_metrics(tb_request *r, tb_err *err)
{
    tb_str out;
    (void)err;
    tb_str_init(&out, 1 << 20);
    tb_counts_print(r->http, &out);
    tb_reply_text(r, 200, "text/plain; version=0.0.4; charset=utf-8", tb_str_take(&out));
    return TB_OK;
}

/* The old client's page sends name and password as a form and nothing else: this route's
 * credentials are in its body. */
tb_status tb_post_login(tb_request *r, tb_err *err)
{
    const char *user = tb_fields_text(&r->fields, "username");
    const char *password = tb_fields_text(&r->fields, "password");
    if (user && password) return tb_request_login(r, user, password, err);
    if (!*r->user) return tb_fail(err, TB_EAUTH, "Incorrect username or password");
    tb_reply_login(r);
    return TB_OK;
}

void tb_reply_login(tb_request *r)
{
    tb_json *o = tb_json_object();
    tb_json_set_bool(o, "success", true);
    tb_json_set_string(o, "message", "Login successful");
    tb_json_set_string(o, "user", r->http->config->api_username);
    tb_reply_json(r, 200, tb_json_print(o));
    tb_json_free(o);
}

/* ---- speech ---- */

static tb_status submit(tb_request *r, tb_speech_req *req, tb_err *err)
{
    tb_free(req->user);
    tb_free(req->request_id);
    req->user = tb_strdup(r->user);
    req->request_id = tb_strdup(r->id);
    r->streaming = req->stream;
    return tb_job_speech(r->http->service, req, tb_request_wake, r, &r->job, err);
}

static tb_status speak(tb_request *r, tb_speech_route route, tb_err *err)
{
    tb_speech_req req = {0};
    tb_status st =
        tb_speech_req_parse(route, &r->fields, (size_t)r->http->config->text_max, &req, err);
    if (!st) st = submit(r, &req, err);
    tb_speech_req_clear(&req);
    tb_fields_clear(&r->fields); /* an upload has been taken over; its bytes need not live twice */
    return st;
}

tb_status tb_do_demo(tb_request *r, tb_err *err)
{
    return speak(r, TB_ROUTE_DEMO, err);
}

tb_status tb_post_generate(tb_request *r, tb_err *err)
{
    return speak(r, TB_ROUTE_GENERATE, err);
}

tb_status tb_post_replay(tb_request *r, tb_err *err)
{
    tb_clip_row row = {0};
    tb_speech_req req = {0};
    tb_status st = tb_store_clip_get(store_of(r), r->params[0], &row, err);
    if (st) return st;
    st = tb_speech_req_replay(row.text, row.params, &req, err);
    if (!st && !req.prompt_hash && *row.prompt_hash) req.prompt_hash = tb_strdup(row.prompt_hash);
    if (!st && !req.voice_id && !req.prompt_hash)
        st = tb_fail(err, TB_ENOTFOUND, "the recording this was spoken with is not kept any more");
    req.stream = false; /* it sounds as it did, but comes whole */
    if (!req.voice_hash) req.voice_before_us = row.timestamp_us;
    if (!st) st = submit(r, &req, err);
    tb_speech_req_clear(&req);
    tb_clip_row_clear(&row);
    return st;
}

tb_status tb_get_job(tb_request *r, tb_err *err)
{
    tb_job_row row = {0};
    tb_status st = tb_store_job_get(store_of(r), r->params[0], &row, err);
    if (!st && strcmp(row.user, r->user) != 0)
        st = tb_fail_field(err, TB_ENOTFOUND, "job_id", "Job not found");
    tb_job_row shown = row; /* why it failed may name a file of ours */
    tb_err why = {0};
    if (!st && row.error) {
        snprintf(why.msg, sizeof why.msg, "%s", row.error);
        tb_hide_paths(r->http->config->data, true, why.msg);
        shown.error = why.msg;
    }
    if (!st) tb_reply_json(r, 200, tb_print_job(&shown));
    tb_job_row_clear(&row);
    return st;
}

tb_status tb_delete_job(tb_request *r, tb_err *err)
{
    tb_status st = tb_job_cancel_id(r->http->service, r->params[0], r->user, err);
    if (!st) tb_reply_json(r, 200, tb_strdup("{\"status\":\"Job cancelled\"}"));
    return st;
}

/* ---- voices ---- */

tb_status tb_post_voice(tb_request *r, tb_err *err)
{
    const char *name = tb_fields_text(&r->fields, "name"),
               *over = tb_fields_text(&r->fields, "overwrite");
    const tb_field *file = tb_fields_get(&r->fields, "file");
    bool overwrite = false;
    if (!name || !*name)
        return tb_fail_field(err, TB_EINVAL, "name", "name is missing; it is the voice's id");
    if (!file || !file->filename)
        return tb_fail_field(err, TB_EINVAL, "file",
                             "file is missing; send the recording as a file "
                             "of a multipart form");
    if (over && !tb_parse_bool(over, &overwrite))
        return tb_fail_field(err, TB_EINVAL, "overwrite",
                             "overwrite is '%.40s'; allowed: true, false", over);
    const tb_voice_change notes = {
        .language = tb_fields_text(&r->fields, "language"),
        .region = tb_fields_text(&r->fields, "region"),
        .gender = tb_fields_text(&r->fields, "gender"),
        .description = tb_fields_text(&r->fields, "description"),
        .model = tb_fields_text(&r->fields, "model"),
    };
    tb_status st = tb_voice_name_check(name, err);
    if (!st) st = tb_voice_notes_check(&notes, err);
    if (st) return st;
    tb_voice_upload up = {
        .name = tb_strdup(name),
        .language = text_field(r, "language"),
        .region = text_field(r, "region"),
        .gender = text_field(r, "gender"),
        .description = text_field(r, "description"),
        .model = text_field(r, "model"),
        .user = tb_strdup(r->user),
        .overwrite = overwrite,
    };
    for (size_t i = 0; i < r->fields.n; i++) /* the job takes the bytes, no copy */
        if (&r->fields.items[i] == file) {
            up.data = r->fields.items[i].value;
            up.size = r->fields.items[i].size;
            r->fields.items[i].value = NULL;
            r->fields.items[i].size = 0;
        }
    return tb_job_voice(r->http->service, &up, tb_request_wake, r, &r->job, err);
}

static tb_status list_voices(tb_request *r, bool previews, tb_err *err)
{
    tb_voice_list list = {0};
    tb_status st = tb_store_voice_list(store_of(r), &list, err);
    if (!st)
        tb_reply_json(r, 200,
                      previews ? tb_print_voices_list(&list, r->base) : tb_print_voices(&list));
    tb_voice_list_clear(&list);
    return st;
}

tb_status tb_get_voices(tb_request *r, tb_err *err)
{
    return list_voices(r, false, err);
}

tb_status tb_get_voices_list(tb_request *r, tb_err *err)
{
    return list_voices(r, true, err);
}

tb_status tb_get_voice(tb_request *r, tb_err *err)
{
    tb_voice_row row = {0};
    tb_status st = tb_store_voice_get(store_of(r), r->params[0], &row, err);
    if (!st) tb_reply_json(r, 200, tb_print_voice(&row));
    tb_voice_row_clear(&row);
    return st;
}

tb_status tb_put_voice(tb_request *r, tb_err *err)
{
    tb_voice_row row = {0};
    tb_voice_change change = {
        .new_name = tb_fields_text(&r->fields, "new_name"),
        .language = tb_fields_text(&r->fields, "language"),
        .region = tb_fields_text(&r->fields, "region"),
        .gender = tb_fields_text(&r->fields, "gender"),
        .description = tb_fields_text(&r->fields, "description"),
        .model = tb_fields_text(&r->fields, "model"),
    };
    tb_status st = tb_store_voice_update(store_of(r), r->params[0], &change, &row, err);
    if (!st) tb_reply_json(r, 200, tb_print_voice_updated(&row));
    tb_voice_row_clear(&row);
    return st;
}

tb_status tb_delete_voice(tb_request *r, tb_err *err)
{
    tb_status st = tb_store_voice_delete(store_of(r), r->params[0], err);
    if (!st) tb_reply_json(r, 200, tb_print_voice_deleted(r->params[0]));
    return st;
}

/* ---- history ---- */

static const char *without_nothing(const char *s)
{
    return s && *s ? s : NULL;
}

/* Where the next page is. */
static void link_next(tb_request *r, const char *cursor, const char *limit, const char *q)
{
    char *words = q ? tb_print_escaped(q) : NULL;
    char *link = tb_sprintf("<%s/history?limit=%s&cursor=%s%s%s>; rel=\"next\"", r->base, limit,
                            cursor, words ? "&q=" : "", words ? words : "");
    tb_reply_header(r, "Link", link);
    tb_free(link);
    tb_free(words);
}

/* A page: as many as `limit` says, fewer when their texts are long. */
static tb_status history_page(tb_request *r, size_t limit, const char *cursor, const char *q,
                              uint64_t *total, tb_err *err)
{
    enum { PAGE_BYTES = 4 << 20 };
    tb_clip_list list = {0};
    tb_clip_query query = {.limit = limit, .bytes_max = PAGE_BYTES, .cursor = cursor, .q = q};
    char text[32];
    snprintf(text, sizeof text, "%zu", limit);
    tb_status st = tb_store_clip_list(store_of(r), &query, &list, err);
    if (!st) {
        if (list.cursor[0]) link_next(r, list.cursor, text, q);
        tb_reply_json(r, 200, tb_print_history(&list, r->base));
        *total = list.total;
    }
    tb_clip_list_clear(&list);
    return st;
}

tb_status tb_get_history(tb_request *r, tb_err *err)
{
    const char *cursor = without_nothing(tb_fields_text(&r->fields, "cursor")),
               *q = tb_fields_text(&r->fields, "q"), *limit = tb_fields_text(&r->fields, "limit");
    unsigned long long n = 0;
    uint64_t total = 0;
    char text[32];
    if (limit && (!tb_parse_u64(limit, &n) || n < 1 || n > 1000))
        return tb_fail_field(err, TB_EINVAL, "limit", "limit is '%.30s'; allowed: 1 to 1000",
                             limit);
    tb_status st = limit ? history_page(r, (size_t)n, cursor, q, &total, err)
                         : tb_reply_listing(r, q, cursor, &total, err);
    snprintf(text, sizeof text, "%llu", (unsigned long long)total);
    if (!st) tb_reply_header(r, "X-Total-Count", text);
    return st;
}

tb_status tb_get_clip(tb_request *r, tb_err *err)
{
    tb_clip_row row = {0};
    tb_status st = tb_store_clip_get(store_of(r), r->params[0], &row, err);
    if (!st) tb_reply_json(r, 200, tb_print_clip(&row, r->base));
    tb_clip_row_clear(&row);
    return st;
}

static tb_status remove_clips(tb_request *r, const char *const *ids, size_t n, bool must,
                              tb_err *err)
{
    uint64_t remaining = 0;
    size_t deleted = 0;
    tb_status st = tb_store_clip_delete(store_of(r), ids, n, &deleted, &remaining, err);
    if (!st && must && deleted == 0)
        st = tb_fail_field(err, TB_ENOTFOUND, "id", "the history has no entry '%.60s'", ids[0]);
    if (!st) tb_reply_json(r, 200, tb_print_history_deleted(remaining));
    return st;
}

tb_status tb_delete_clip(tb_request *r, tb_err *err)
{
    const char *id = r->params[0];
    return remove_clips(r, &id, 1, true, err);
}

tb_status tb_delete_history(tb_request *r, tb_err *err)
{
    enum { MOST = 1000 };
    const char *all_text = tb_fields_text(&r->fields, "delete_all");
    bool all = false;
    if (all_text && !tb_parse_bool(all_text, &all))
        return tb_fail_field(err, TB_EINVAL, "delete_all",
                             "delete_all is '%.30s'; allowed: true, false", all_text);
    if (all) {
        uint64_t remaining = 0;
        tb_status st = tb_store_clip_delete_all(store_of(r), &remaining, err);
        if (!st) tb_reply_json(r, 200, tb_print_history_deleted(remaining));
        return st;
    }
    const char **ids = tb_alloc((r->fields.n + 1) * sizeof *ids);
    size_t n = 0;
    for (size_t i = 0; i < r->fields.n && n < MOST; i++)
        if (strcmp(r->fields.items[i].name, "ids") == 0) ids[n++] = r->fields.items[i].value;
    tb_status st =
        n ? remove_clips(r, ids, n, false, err)
          : tb_fail_field(err, TB_EINVAL, "ids", "nothing is named; give ids, or delete_all=true");
    tb_free(ids);
    return st;
}

/* A file to send: whole or one range of it. fd is taken. */
static tb_status send_file(tb_request *r, int fd, uint64_t size, const char *etag, const char *type,
                           const char *name, tb_err *err)
{
    tb_range range = {.len = size};
    const char *header = tb_request_header(r, "Range");
    char text[96];
    if (etag) {
        tb_reply_header(r, "ETag", etag);
        tb_reply_header(r, "Cache-Control",
                        "private, no-cache"); /* kept, but asked for each time */
        if (tb_etag_matches(tb_request_header(r, "If-None-Match"), etag)) {
            close(fd);
            tb_reply_response(r, 304,
                              MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT));
            return TB_OK;
        }
        if (!tb_etag_allows_range(tb_request_header(r, "If-Range"), etag)) header = NULL;
    }
    tb_status st = tb_range_parse(header, size, &range, err);
    if (st) {
        close(fd);
        snprintf(text, sizeof text, "bytes */%llu", (unsigned long long)size);
        tb_reply_header(r, "Content-Range", text);
        return st;
    }
    struct MHD_Response *whole =
        MHD_create_response_from_fd_at_offset64(range.len, fd, range.first); /* takes fd */
    if (!whole) close(fd);
    tb_reply_response(r, range.partial ? 206 : 200, whole);
    if (range.partial) {
        snprintf(text, sizeof text, "bytes %llu-%llu/%llu", (unsigned long long)range.first,
                 (unsigned long long)(range.first + range.len - 1), (unsigned long long)size);
        tb_reply_header(r, "Content-Range", text);
    }
    char *disposition = tb_header_disposition(name, false);
    tb_reply_header(r, "Content-Disposition", disposition);
    tb_free(disposition);
    tb_reply_header(r, "Content-Type", type);
    tb_reply_header(r, "Accept-Ranges", "bytes");
    return TB_OK;
}

tb_status tb_get_download(tb_request *r, tb_err *err)
{
    tb_clip_row row = {0};
    tb_clip_file file = {.fd = -1};
    tb_status st = tb_store_clip_by_filename(store_of(r), r->params[0], &row, err);
    if (!st) st = tb_store_clip_open(store_of(r), &row, &file, err);
    if (!st) st = send_file(r, file.fd, file.size, file.etag, row.content_type, row.filename, err);
    tb_clip_row_clear(&row);
    return st;
}

tb_status tb_get_voice_audio(tb_request *r, tb_err *err)
{
    tb_voice_row row = {0};
    int fd = -1;
    uint64_t size = 0;
    tb_status st = tb_store_voice_get(store_of(r), r->params[0], &row, err);
    if (st) return st;
    char *path = tb_store_voice_path(store_of(r), row.uuid);
    if (tb_file_open_plain(path, &fd, &size, NULL)) {
        st = tb_fail(err, TB_ENOTFOUND, "File not found");
    } else {
        char *etag = tb_sprintf("\"%s\"", row.content_hash);
        st = send_file(r, fd, size, etag, "audio/wav", row.filename, err);
        tb_free(etag);
    }
    tb_free(path);
    tb_voice_row_clear(&row);
    return st;
}

/* ---- beds, languages, documents ---- */

tb_status tb_get_ambiences(tb_request *r, tb_err *err)
{
    (void)err;
    tb_reply_json(r, 200, tb_print_ambiences(tb_service_ambiences(r->http->service), r->base));
    return TB_OK;
}

tb_status tb_get_preview(tb_request *r, tb_err *err)
{
    tb_status st =
        tb_ambience_find(tb_service_ambiences(r->http->service), r->params[0], NULL, err);
    if (!st)
        st = tb_job_preview(r->http->service, r->params[0], r->user, tb_request_wake, r, &r->job,
                            err);
    return st;
}

tb_status tb_get_languages(tb_request *r, tb_err *err)
{
    const tb_language *list;
    (void)err;
    size_t n =
        tb_embedded_languages(tb_engine_embedded(tb_service_engine(r->http->service)), &list);
    tb_reply_json(r, 200, tb_print_languages(list, n));
    return TB_OK;
}

tb_status tb_get_tags(tb_request *r, tb_err *err)
{
    tb_json *list = tb_json_array();
    (void)err;
    for (int tag = 0; tag < TB_TAG_COUNT; tag++) {
        tb_json *o = tb_json_object();
        tb_json_set_string(o, "name", tb_tag_name((tb_tag)tag));
        tb_json_set_string(o, "kind",
                           tb_tag_kind_of((tb_tag)tag) == TB_TAG_SOUND ? "sound" : "tone");
        tb_json_add(list, o);
    }
    tb_reply_json(r, 200, tb_json_print(list));
    tb_json_free(list);
    return TB_OK;
}
