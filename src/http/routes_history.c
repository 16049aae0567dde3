/*
 * The history: clips listed, fetched, downloaded, spoken again, removed.
 *
 * Pages are continued by a cursor in a Link header. A replay parses the stored request as a new one
 * and becomes a job. Handlers run at the desk and may wait for the database. Relies on
 * store/store.h.
 */
#include "api/print.h"
#include "base/mem.h"
#include "base/str.h"
#include "http/route_priv.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static tb_store *store_of(tb_request *r)
{
    return tb_service_store(r->http->service);
}

static const char *null_if_empty(const char *s)
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
    if (!st) st = tb_print_room(list.rows, list.n, err);
    if (!st) {
        if (list.cursor[0]) link_next(r, list.cursor, text, q);
        tb_reply_json(r, 200, tb_print_history(&list, r->base));
        *total = list.total;
    }
    tb_clip_list_clear(&list);
    return st;
}

static tb_status get_history(tb_request *r, tb_err *err)
{
    const char *cursor = null_if_empty(tb_fields_text(&r->fields, "cursor")),
               *q = tb_fields_text(&r->fields, "q"), *limit = tb_fields_text(&r->fields, "limit");
    unsigned long long n = 0;
    uint64_t total = 0;
    char text[32];
    if (limit && (!tb_parse_u64(limit, &n) || n < 1 || n > TB_CLIP_PAGE_MAX))
        return tb_fail_field(err, TB_EINVAL, "limit", "limit is '%.30s'; allowed: 1 to %d", limit,
                             (int)TB_CLIP_PAGE_MAX);
    tb_status st = limit ? history_page(r, (size_t)n, cursor, q, &total, err)
                         : tb_reply_listing(r, q, cursor, &total, err);
    snprintf(text, sizeof text, "%llu", (unsigned long long)total);
    if (!st) tb_reply_header(r, "X-Total-Count", text);
    return st;
}

static tb_status get_clip(tb_request *r, tb_err *err)
{
    tb_clip_row row = {0};
    tb_status st = tb_store_clip_get(store_of(r), r->params[0], &row, err);
    if (!st) st = tb_print_room(&row, 1, err);
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

static tb_status delete_clip(tb_request *r, tb_err *err)
{
    const char *id = r->params[0];
    return remove_clips(r, &id, 1, true, err);
}

static tb_status delete_history(tb_request *r, tb_err *err)
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

static tb_status post_replay(tb_request *r, tb_err *err)
{
    tb_clip_row row = {0};
    tb_speech_req req = {0};
    tb_status st = tb_store_clip_get(store_of(r), r->params[0], &row, err);
    if (st) return st;
    st = tb_speech_req_replay(row.text, row.params, &req, err);
    if (!st && !req.prompt_hash && *row.prompt_hash) req.prompt_hash = tb_strdup(row.prompt_hash);
    if (!st && !req.voice_id && !req.prompt_hash)
        st = tb_fail(err, TB_ENOTFOUND, "the recording this was spoken with is not kept any more");
    req.stream = false; /* the same sound, sent as a whole */
    if (!req.voice_hash) req.voice_before_us = row.timestamp_us;
    if (!st) st = tb_request_speak(r, &req, err);
    tb_speech_req_clear(&req);
    tb_clip_row_clear(&row);
    return st;
}

static tb_status get_download(tb_request *r, tb_err *err)
{
    tb_clip_row row = {0};
    tb_clip_file file = {.fd = -1};
    tb_status st = tb_store_clip_by_filename(store_of(r), r->params[0], &row, err);
    if (!st) st = tb_store_clip_open(store_of(r), &row, &file, err);
    if (!st)
        st = tb_reply_file(r, file.fd, file.size, file.etag, row.content_type, row.filename, err);
    tb_clip_row_clear(&row);
    return st;
}

static tb_status post_download_link(tb_request *r, tb_err *err)
{
    tb_clip_row row = {0};
    tb_clip_file file = {.fd = -1};
    tb_status st = tb_store_clip_by_filename(store_of(r), r->params[0], &row, err);
    if (!st) st = tb_store_clip_open(store_of(r), &row, &file, err);
    if (!st) {
        close(file.fd);
        st = tb_reply_link(r, "/download/", row.filename, "", err);
    }
    tb_clip_row_clear(&row);
    return st;
}

/* clang-format off */
const tb_route tb_routes_history[] = {
    {"GET",    "/history",                    get_history,           0,        TB_GROUP_NONE,   TB_DESK_READS,  TB_JSON,  "List generated clips, newest first", "limit integer q,cursor string q,q string q"},
    {"DELETE", "/history",                    delete_history,        1 * TB_MIB,  TB_GROUP_NONE,   TB_DESK_WRITES, TB_JSON,  "Remove clips", "ids string q,delete_all boolean q"},
    {"GET",    "/history/{id}",               get_clip,              0,        TB_GROUP_NONE,   TB_DESK_READS,  TB_JSON,  "Get one clip's entry", "id* string p"},
    {"DELETE", "/history/{id}",               delete_clip,           0,        TB_GROUP_NONE,   TB_DESK_WRITES, TB_JSON,  "Remove one clip", "id* string p"},
    {"POST",   "/history/{id}/replay",        post_replay,           64 * TB_KIB, TB_GROUP_NONE,   TB_DESK_READS,  TB_SOUND, "Generate a clip again from its stored request", "id* string p"},
    {"GET",    "/download/{filename}",        get_download,          0,        TB_GROUP_FILE,   TB_DESK_READS,  TB_SOUND, "Download a clip", "filename* string p"},
    {"POST",   "/download/{filename}/link",   post_download_link,    64 * TB_KIB, TB_GROUP_NONE,   TB_DESK_READS,  TB_JSON,  "Create a temporary link to a clip that needs no credentials", "filename* string p,seconds integer q"},
    {0},
};
/* clang-format on */
