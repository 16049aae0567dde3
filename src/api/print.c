/*
 * The bodies of replies as JSON text: errors in three families, voices, clips, jobs, lists.
 *
 * Each function takes rows of the store or of another room and returns heap text. Links begin with
 * the base path that the caller gives. Fields that are empty become null, times ISO 8601.
 */
#include "api/print.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#include <string.h>

static char *finish(tb_json *v)
{
    char *text = tb_json_print(v);
    tb_json_free(v);
    return text;
}

/* "" becomes null: rows have no NULL strings. */
static void set_or_null(tb_json *o, const char *key, const char *s)
{
    tb_json_set_string(o, key, s && *s ? s : NULL);
}

char *tb_print_escaped(const char *s)
{
    tb_str out;
    tb_str_init(&out, strlen(s) * 3 + 1);
    for (const unsigned char *c = (const unsigned char *)s; *c; c++) {
        bool plain = (*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') ||
                     (*c >= 'A' && *c <= 'Z') || strchr("-._~", *c);
        if (plain)
            tb_str_add(&out, c, 1);
        else
            tb_str_printf(&out, "%%%02X", *c);
    }
    return tb_str_take(&out);
}

/* Sets key to base + before + the escaped name + after. */
static void set_link(tb_json *o, const char *key, const char *base, const char *before,
                     const char *name, const char *after)
{
    char *part = tb_print_escaped(name), *link = tb_sprintf("%s%s%s%s", base, before, part, after);
    tb_json_set_string(o, key, link);
    tb_free(link);
    tb_free(part);
}

static void set_time(tb_json *o, const char *key, int64_t us)
{
    char iso[40];
    tb_clock_iso(us, iso, sizeof iso);
    tb_json_set_string(o, key, iso);
}

/* ---- errors ---- */

static const char *openai_type(tb_status status)
{
    switch (status) {
    case TB_EAUTH:
        return "authentication_error";
    case TB_EFORBIDDEN:
        return "permission_error";
    case TB_ENOTFOUND:
        return "not_found_error";
    case TB_EBUSY:
        return "rate_limit_error";
    default:
        return tb_status_http(status) >= 500 ? "server_error" : "invalid_request_error";
    }
}

char *tb_print_error(tb_error_family family, const tb_err *err)
{
    const char *msg = err->msg[0] ? err->msg : "something went wrong";
    tb_json *root = tb_json_object();
    if (family == TB_AS_OPENAI) {
        tb_json *e = tb_json_object();
        tb_json_set_string(e, "message", msg);
        tb_json_set_string(e, "type", openai_type(err->status));
        set_or_null(e, "param", err->field);
        tb_json_set_string(e, "code", tb_status_name(err->status));
        tb_json_set(root, "error", e);
    } else if (family == TB_AS_ELEVENLABS) {
        tb_json *detail = tb_json_object();
        tb_json_set_string(detail, "status", tb_status_name(err->status));
        tb_json_set_string(detail, "message", msg);
        tb_json_set(root, "detail", detail);
    } else {
        tb_json_set_string(root, "detail", msg);
        if (tb_status_http(err->status) == 422) {
            tb_json *errors = tb_json_array(), *e = tb_json_object();
            tb_json_set_string(e, "field", err->field);
            tb_json_set_string(e, "message", msg);
            tb_json_add(errors, e);
            tb_json_set(root, "errors", errors);
        }
    }
    return finish(root);
}

/* ---- status ---- */

static tb_json *progress_of(const tb_model_progress *p)
{
    if (!p) return tb_json_null();
    tb_json *o = tb_json_object();
    tb_json_set_string(o, "state", p->state);
    tb_json_set_string(o, "file", *p->file ? p->file : NULL);
    tb_json_set_int(o, "done_bytes", (int64_t)p->done);
    tb_json_set_int(o, "total_bytes", (int64_t)p->total);
    tb_json_set_int(o, "bytes_per_second", (int64_t)p->bytes_per_s);
    tb_json_set_string(o, "note", *p->note ? p->note : NULL);
    return o;
}

/* What the engine that answers makes of a tag. The neural one has a token for each of its own. */
static const char *support_of(tb_engine_kind engine, tb_tag tag)
{
    static const char *const support[] = {"rendered", "tone", "unsupported"};
    if (engine == TB_ENGINE_CHATTERBOX) return tag == TB_TAG_SAD ? "tone" : "rendered";
    return support[tb_embedded_tag(tag)];
}

char *tb_print_status(tb_engine_kind engine, const char *model, size_t languages,
                      const tb_model_progress *progress)
{
    tb_json *root = tb_json_object(), *tags = tb_json_object();
    tb_json_set_string(root, "status", "Voice Backend Running"); /* these three: the old client's */
    tb_json_set_string(root, "model", model);
    tb_json_set_string(root, "auth", "enabled");
    tb_json_set_string(root, "engine", tb_engine_kind_name(engine));
    tb_json_set_string(root, "version", TB_VERSION);
    tb_json_set_int(root, "languages", (int64_t)languages);
    for (int t = 0; t < TB_TAG_COUNT; t++)
        tb_json_set_string(tags, tb_tag_name((tb_tag)t), support_of(engine, (tb_tag)t));
    tb_json_set(root, "tags", tags);
    tb_json_set(root, "progress", progress_of(progress));
    return finish(root);
}

/* ---- voices ---- */

static tb_json *warnings_of(const tb_voice_row *row)
{
    tb_json *v = NULL;
    const char *text = row->warnings && *row->warnings ? row->warnings : "[]";
    if (tb_json_parse(text, strlen(text), &v, NULL) == TB_OK && tb_json_is_array(v)) return v;
    tb_json_free(v);
    return tb_json_array();
}

static tb_json *voice(const tb_voice_row *row)
{
    tb_json *o = tb_json_object();
    tb_json_set_string(o, "id", row->id);
    tb_json_set_string(o, "name", row->id);
    tb_json_set_string(o, "filename", row->filename);
    set_or_null(o, "language", row->language);
    set_or_null(o, "region", row->region);
    set_or_null(o, "gender", row->gender);
    set_or_null(o, "description", row->description);
    set_or_null(o, "model", row->model);
    set_or_null(o, "uploaded_by", row->uploaded_by);
    set_time(o, "uploaded_at", row->uploaded_at_us);
    tb_json_set_milli(o, "seconds", row->seconds);
    tb_json_set_bool(o, "missing", row->missing);
    return o;
}

/* base NULL: without previews. */
static tb_json *voices(const tb_voice_list *list, const char *base)
{
    tb_json *root = tb_json_object(), *all = tb_json_array();
    for (size_t i = 0; i < list->n; i++) {
        tb_json *o = voice(&list->rows[i]);
        if (base)
            set_link(o, "preview_url", base,
                     "/demo?text=This%20is%20a%20voice%20cloning%20demo.&voice_id=",
                     list->rows[i].id, "");
        tb_json_add(all, o);
    }
    tb_json_set(root, "voices", all);
    return root;
}

char *tb_print_voice(const tb_voice_row *row)
{
    tb_json *o = voice(row);
    tb_json_set(o, "warnings", warnings_of(row));
    return finish(o);
}

char *tb_print_voices(const tb_voice_list *list)
{
    return finish(voices(list, NULL));
}

char *tb_print_voices_list(const tb_voice_list *list, const char *base)
{
    tb_json *root = voices(list, base);
    tb_json_set_int(root, "total", (int64_t)list->n);
    return finish(root);
}

char *tb_print_voice_uploaded(const tb_voice_row *row)
{
    tb_json *root = tb_json_object();
    tb_json_set_string(root, "status", "Voice clone saved locally");
    tb_json_set_string(root, "voice_id", row->id);
    tb_json_set(root, "metadata", voice(row));
    tb_json_set(root, "warnings", warnings_of(row));
    return finish(root);
}

char *tb_print_voice_updated(const tb_voice_row *row)
{
    tb_json *root = tb_json_object();
    tb_json_set_string(root, "status", "Voice updated");
    tb_json_set(root, "metadata", voice(row));
    return finish(root);
}

char *tb_print_voice_deleted(const char *id)
{
    tb_json *root = tb_json_object();
    char *status = tb_sprintf("Voice '%s' deleted", id);
    tb_json_set_string(root, "status", status);
    tb_free(status);
    return finish(root);
}

/* ---- history ---- */

/* The tree has a copy of each text, what is printed another, in a buffer that doubles. */
tb_status tb_print_room(const tb_clip_row *rows, size_t n, tb_err *err)
{
    enum { COPIES = 4, REST = 2048 };
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += strlen(rows[i].text) * COPIES + REST;
    return tb_mem_want(bytes, err);
}

static tb_json *clip(const tb_clip_row *row, const char *base)
{
    tb_json *o = tb_json_object();
    tb_json_set_string(o, "id", row->id);
    tb_json_set_string(o, "text", row->text);
    tb_json_set_string(o, "filename", row->filename);
    tb_json_set_string(o, "voice_used", row->voice_used);
    set_or_null(o, "mode", row->mode);
    set_or_null(o, "language_id", row->language_id);
    set_or_null(o, "language", row->language_id); /* both names are in use */
    set_time(o, "timestamp", row->timestamp_us);
    tb_json_set_string(o, "user", row->user);
    tb_json_set_string(o, "engine", row->engine);
    tb_json_set_int(o, "seed", (int64_t)row->seed);
    tb_json_set_milli(o, "duration", row->duration_s);
    tb_json_set_string(o, "format", row->format);
    tb_json_set_int(o, "size", (int64_t)row->size_bytes);
    tb_json_set_bool(o, "missing", row->missing);
    set_link(o, "download_url", base, "/download/", row->filename, "");
    return o;
}

char *tb_print_history(const tb_clip_list *list, const char *base)
{
    tb_json *all = tb_json_array();
    for (size_t i = 0; i < list->n; i++)
        tb_json_add(all, clip(&list->rows[i], base));
    return finish(all);
}

char *tb_print_clip(const tb_clip_row *row, const char *base)
{
    return finish(clip(row, base));
}

char *tb_print_link(const char *before, const char *name, const char *after, int64_t expires_us)
{
    tb_json *o = tb_json_object();
    set_link(o, "url", "", before, name, after);
    set_time(o, "expires_at", expires_us);
    return finish(o);
}

char *tb_print_job(const tb_job_row *row)
{
    tb_json *o = tb_json_object();
    tb_json_set_string(o, "id", row->id);
    tb_json_set_string(o, "state", row->state);
    set_time(o, "created_at", row->created_us);
    if (row->ended_us)
        set_time(o, "ended_at", row->ended_us);
    else
        tb_json_set(o, "ended_at", tb_json_null());
    set_or_null(o, "error", row->error);
    set_or_null(o, "history_id", row->clip_id);
    return finish(o);
}

char *tb_print_history_deleted(uint64_t remaining)
{
    tb_json *root = tb_json_object();
    tb_json_set_string(root, "status", "History updated");
    tb_json_set_int(root, "remaining_count", (int64_t)remaining);
    return finish(root);
}

/* ---- lists ---- */

char *tb_print_ambiences(const tb_ambience_set *set, const char *base)
{
    tb_json *all = tb_json_array();
    for (size_t i = 0; i < tb_ambience_count(set); i++) {
        const tb_ambience_info *info = tb_ambience_at(set, i);
        tb_json *o = tb_json_object();
        tb_json_set_string(o, "id", info->id);
        tb_json_set_string(o, "title", info->title);
        tb_json_set_string(o, "description", info->description);
        tb_json_set_string(o, "generator", info->generator);
        tb_json_set_real(o, "default_level", info->default_difference_lu);
        set_link(o, "preview_url", base, "/ambiences/", info->id, "/preview");
        tb_json_add(all, o);
    }
    return finish(all);
}

char *tb_print_languages(const tb_language *list, size_t n)
{
    tb_json *all = tb_json_array();
    for (size_t i = 0; i < n; i++) {
        tb_json *o = tb_json_object();
        tb_json_set_string(o, "code", list[i].code);
        tb_json_set_string(o, "name", list[i].name);
        tb_json_set_bool(o, "constructed", list[i].constructed);
        tb_json_add(all, o);
    }
    return finish(all);
}
