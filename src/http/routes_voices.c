/*
 * Voices: uploaded, listed, changed, removed, and their recordings downloaded.
 *
 * An upload becomes a job, since decoding and measuring take seconds; everything else is answered
 * at the desk from the store. Relies on job/job.h and store/store.h.
 */
#include "api/print.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "http/route_priv.h"

static tb_store *store_of(tb_request *r)
{
    return tb_service_store(r->http->service);
}

static char *text_field(tb_request *r, const char *name)
{
    return tb_strdup(tb_fields_text(&r->fields, name));
}

static tb_status post_voice(tb_request *r, tb_err *err)
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
    up.data = tb_fields_take(&r->fields, "file", &up.size); /* no copy */
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

static tb_status get_voices(tb_request *r, tb_err *err)
{
    return list_voices(r, false, err);
}

static tb_status get_voices_list(tb_request *r, tb_err *err)
{
    return list_voices(r, true, err);
}

static tb_status get_voice(tb_request *r, tb_err *err)
{
    tb_voice_row row = {0};
    tb_status st = tb_store_voice_get(store_of(r), r->params[0], &row, err);
    if (!st) tb_reply_json(r, 200, tb_print_voice(&row));
    tb_voice_row_clear(&row);
    return st;
}

static tb_status put_voice(tb_request *r, tb_err *err)
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

static tb_status delete_voice(tb_request *r, tb_err *err)
{
    tb_status st = tb_store_voice_delete(store_of(r), r->params[0], err);
    if (!st) tb_reply_json(r, 200, tb_print_voice_deleted(r->params[0]));
    return st;
}

static tb_status get_voice_audio(tb_request *r, tb_err *err)
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
        st = tb_reply_file(r, fd, size, etag, "audio/wav", row.filename, err);
        tb_free(etag);
    }
    tb_free(path);
    tb_voice_row_clear(&row);
    return st;
}

static tb_status post_voice_link(tb_request *r, tb_err *err)
{
    tb_voice_row row = {0};
    tb_status st = tb_store_voice_get(store_of(r), r->params[0], &row, err);
    if (!st) st = tb_reply_link(r, "/voices/", row.id, "/audio", err);
    tb_voice_row_clear(&row);
    return st;
}

/* clang-format off */
const tb_route tb_routes_voices[] = {
    {"POST",   "/voices/upload",              post_voice,            -1,       TB_GROUP_NONE,   TB_DESK_READS,  TB_JSON,  "Store a recording as a voice", "name* string q,file* file f,language string q,region string q,gender string q,description string q,model string q,overwrite boolean q"},
    {"GET",    "/voices",                     get_voices,            0,        TB_GROUP_LISTS,  TB_DESK_READS,  TB_JSON,  "List the stored voices", ""},
    {"GET",    "/voices/list",                get_voices_list,       0,        TB_GROUP_LISTS,  TB_DESK_READS,  TB_JSON,  "List the stored voices, with links to their recordings", ""},
    {"GET",    "/voices/{id}",                get_voice,             0,        TB_GROUP_LISTS,  TB_DESK_READS,  TB_JSON,  "Get one voice", "id* string p"},
    {"PUT",    "/voices/{id}",                put_voice,             64 * TB_KIB, TB_GROUP_NONE,   TB_DESK_WRITES, TB_JSON,  "Rename a voice or change its notes", "id* string p,new_name string q,language string q,region string q,gender string q,description string q,model string q"},
    {"DELETE", "/voices/{id}",                delete_voice,          64 * TB_KIB, TB_GROUP_NONE,   TB_DESK_WRITES, TB_JSON,  "Remove a voice", "id* string p"},
    {"GET",    "/voices/{id}/audio",          get_voice_audio,       0,        TB_GROUP_FILE,   TB_DESK_READS,  TB_SOUND, "Download a voice's recording", "id* string p"},
    {"POST",   "/voices/{id}/audio/link",     post_voice_link,       64 * TB_KIB, TB_GROUP_NONE,   TB_DESK_READS,  TB_JSON,  "Create a temporary link to the recording that needs no credentials", "id* string p,seconds integer q"},
    {0},
};
/* clang-format on */
