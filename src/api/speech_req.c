/*
 * A request for speech from its fields, and from the record of an earlier one. The table of
 * params/params.h says what may be sent; `members` says where each field goes in a tb_speech_req,
 * and parsing, the record and freeing follow from it. What a replay reads is a record, so it is a
 * parse, too. Relies on speech_fields_priv.h for single fields.
 */
#include "api/speech_req.h"

#include "api/pronunciations.h"
#include "api/speech_fields_priv.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "base/utf8.h"
#include "params/params.h"
#include "store/store.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEMO_TEXT "This is a voice cloning demo."

/*
 * Where each field of the table of params/params.h goes: what is read into a request and written
 * into its record. A new field of one of these kinds is a row here; one of a kind of its own is
 * read by name in read_all. What is not here is not recorded: the text (a column of its own), the
 * prompt (by its hash) and the pronunciations (those that were put in, once that is known).
 */
typedef enum {
    AS_NOTHING,
    AS_TEXT,     /* char *, NULL: not given; read by a reader of its own */
    AS_WORD,     /* char *, a choice */
    AS_LANGUAGE, /* char * */
    AS_ENGINE,   /* tb_engine_kind */
    AS_REAL,     /* double, NAN: not given, the engine's own */
    AS_COUNT,    /* int, -1: not given */
    AS_SWITCH,   /* bool */
    AS_OPPOSITE, /* bool, the other way round */
    AS_SEED,     /* uint64_t, drawn when it is not given */
    AS_FORMAT,   /* tb_format */
    AS_PACE,     /* tb_pace, {0}: not given */
} member_kind;

#define AT(member) offsetof(tb_speech_req, member)
static const struct {
    member_kind kind;
    size_t offset;
} members[TB_PARAM_COUNT] = {
    [TB_PARAM_VOICE_ID] = {AS_TEXT, AT(voice_id)},
    [TB_PARAM_LANGUAGE] = {AS_LANGUAGE, AT(engine.language)},
    [TB_PARAM_SPEED] = {AS_REAL, AT(engine.speed)},
    [TB_PARAM_TEMPERATURE] = {AS_REAL, AT(engine.temperature)},
    [TB_PARAM_SEED] = {AS_SEED, AT(engine.seed)},
    [TB_PARAM_AMBIENCE_ID] = {AS_TEXT, AT(ambience_id)},
    [TB_PARAM_AMBIENCE_LEVEL] = {AS_REAL, AT(post.level_lu)},
    [TB_PARAM_AMBIENCE_DUCK_DB] = {AS_REAL, AT(post.duck_db)},
    [TB_PARAM_RESPONSE_FORMAT] = {AS_FORMAT, AT(format)},
    [TB_PARAM_SAMPLE_RATE] = {AS_COUNT, AT(sample_rate_hz)},
    [TB_PARAM_STREAM] = {AS_SWITCH, AT(stream)},
    [TB_PARAM_STREAM_PACE] = {AS_PACE, AT(engine.pace)},
    [TB_PARAM_NORMALIZE] = {AS_OPPOSITE, AT(engine.as_written)},
    [TB_PARAM_ENGINE] = {AS_ENGINE, AT(engine.engine)},
    [TB_PARAM_MODE] = {AS_WORD, AT(engine.mode)},
    [TB_PARAM_LANGUAGE_ID] = {AS_LANGUAGE, AT(engine.language_id)},
    [TB_PARAM_TOP_P] = {AS_REAL, AT(engine.top_p)},
    [TB_PARAM_TOP_K] = {AS_COUNT, AT(engine.top_k)},
    [TB_PARAM_MIN_P] = {AS_REAL, AT(engine.min_p)},
    [TB_PARAM_REPETITION_PENALTY] = {AS_REAL, AT(engine.repetition_penalty)},
    [TB_PARAM_EXAGGERATION] = {AS_REAL, AT(engine.exaggeration)},
    [TB_PARAM_CFG] = {AS_REAL, AT(engine.cfg)},
};

/* Fields that are one word, number or text, never a file, an object or an array. */
static const char *plain_field(size_t id)
{
    const tb_param *p = &tb_params[id];
    return p->kind == TB_KIND_FILE || p->kind == TB_KIND_JSON ? NULL : p->name;
}

/* A body of nothing but names that nobody knows here means something else than the default text:
 * {"input": "..."}. Those of the query are passed over, ?_=1234 goes past caches. */
static bool only_strangers(const tb_fields *fields)
{
    for (size_t i = fields->asked; i < fields->n; i++) {
        if (tb_param_find(fields->items[i].name)) return false;
    }
    return fields->n > fields->asked;
}

/* The bytes of the field are moved, not copied. */
static tb_status read_text(tb_speech_req *req, tb_fields *fields, size_t text_max, tb_err *err)
{
    const char *sent = tb_fields_text(fields, "text"), *text = sent;
    if (!text && req->route == TB_ROUTE_DEMO && !only_strangers(fields)) text = DEMO_TEXT;
    if (!text) return tb_fail_field(err, TB_EINVAL, "text", "text is missing: what shall be said?");
    size_t n;
    if (!tb_field_stripped(text, &n))
        return tb_fail_field(err, TB_EINVAL, "text", "text is empty: what shall be said?");
    n = tb_utf8_count(text, strlen(text));
    if (n > text_max)
        return tb_fail_field(err, TB_EINVAL, "text",
                             "text has %zu characters; at most %zu are allowed", n, text_max);
    req->text = sent ? tb_fields_take(fields, "text", &n) : tb_strdup(text);
    return TB_OK;
}

/* Base64 sent as text: plain, or data:audio/wav;base64,... White space inside is passed over. */
static tb_status read_base64(tb_speech_req *req, const char *text, tb_err *err)
{
    const char *start = text;
    if (tb_str_starts(text, "data:")) {
        const char *comma = strchr(text, ',');
        if (!comma || comma - text < 7 || strncmp(comma - 7, ";base64", 7) != 0)
            return tb_fail_field(err, TB_EINVAL, "audio_prompt",
                                 "audio_prompt is a data: URL that is not ;base64");
        start = comma + 1;
    }
    size_t len = strlen(start), room = len / 4 * 3 + 3, size = 0;
    unsigned char *bytes = tb_try_alloc(room, 1);
    if (!bytes) return tb_nomem(err, room, 1);
    if (!tb_base64_decode_lines(start, len, bytes, room, &size) || size == 0) {
        tb_free(bytes);
        return tb_fail_field(err, TB_EINVAL, "audio_prompt",
                             "audio_prompt must be a file, or a sound in base64");
    }
    req->prompt = bytes;
    req->prompt_size = size;
    return TB_OK;
}

/* The bytes of a file are moved; of base64, the text is gone as soon as it is decoded. */
static tb_status read_prompt(tb_speech_req *req, tb_fields *fields, tb_err *err)
{
    const tb_field *f = tb_fields_get(fields, "audio_prompt");
    if (!f) return TB_OK;
    if (f->nested)
        return tb_fail_field(err, TB_EINVAL, "audio_prompt",
                             "audio_prompt is an object or an array; it must be a file, or a sound "
                             "in base64");
    if (!f->filename) {
        size_t len;
        const char *text = tb_field_stripped(f->value, &len);
        tb_status st = text ? read_base64(req, text, err) : TB_OK;
        tb_free(tb_fields_take(fields, "audio_prompt", &len));
        return st;
    }
    if (f->size == 0)
        return tb_fail_field(err, TB_EINVAL, "audio_prompt", "audio_prompt is an empty file");
    req->prompt = tb_fields_take(fields, "audio_prompt", &req->prompt_size);
    return TB_OK;
}

static tb_status read_voice(tb_speech_req *req, tb_fields *fields, tb_err *err)
{
    tb_status st = read_prompt(req, fields, err);
    if (st || req->prompt || req->prompt_hash) return st; /* the prompt wins */
    char *id = tb_field_wish(fields, "voice_id");
    if (id && strlen(id) > 4 && tb_str_ieq(id + strlen(id) - 4, ".wav")) id[strlen(id) - 4] = 0;
    if (!id && req->route == TB_ROUTE_DEMO) id = tb_strdup(TB_VOICE_DEFAULT);
    if (!id)
        return tb_fail(
            err, TB_EMALFORMED,
            "name a voice with voice_id (\"default\" is always there) or send a sound as "
            "audio_prompt");
    if (tb_utf8_count(id, strlen(id)) > TB_VOICE_NAME_MAX)
        st = tb_fail_field(err, TB_EINVAL, "voice_id", "voice_id has more than %d characters",
                           (int)TB_VOICE_NAME_MAX);
    req->voice_id = id;
    return st;
}

/* What clients send for an empty choice. */
static bool is_none(const char *value)
{
    static const char *const words[] = {"none", "null",    "nil",    "undefined",
                                        "off",  "ninguno", "ninguna"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (tb_str_ieq(value, words[i])) return true;
    return false;
}

/* What was put in when it was first spoken may be more than one request may bring. */
static tb_status read_pronunciations(tb_speech_req *req, const tb_fields *fields, tb_err *err)
{
    const tb_field *f = tb_fields_get(fields, "pronunciations");
    if (!f || f->size == 0) return TB_OK;
    return tb_pronunciations_read(f->value, f->size, req->closed ? SIZE_MAX : TB_PRONUNCIATIONS_OWN,
                                  true, &req->pronunciations, err);
}

static tb_status read_ambience(tb_speech_req *req, const tb_fields *fields, tb_err *err)
{
    char *prompt = tb_field_wish(fields, "ambience_prompt");
    if (prompt && !is_none(prompt)) {
        tb_free(prompt);
        return tb_fail_field(err, TB_EINVAL, "ambience_prompt",
                             "ambience_prompt needs AudioGen, whose weights are not installed; "
                             "ambience_id names the ambiences that are there");
    }
    tb_free(prompt);
    char *id = tb_field_wish(fields, "ambience_id");
    if (id && is_none(id)) {
        tb_free(id);
        id = NULL;
    }
    req->ambience_id = id;
    if (id && strlen(id) > 256)
        return tb_fail_field(err, TB_EINVAL, "ambience_id", "ambience_id has more than 256 bytes");
    req->post.loudness_lufs = (double)NAN;
    return TB_OK;
}

static tb_status read_engine(const tb_fields *fields, tb_param_id id, tb_engine_kind *out,
                             tb_err *err)
{
    char *word;
    tb_status st = tb_field_choice(fields, id, &word, err);
    if (word && !tb_engine_kind_parse(word, out))
        st = tb_fail_field(err, TB_EINTERNAL, tb_params[id].name, "%s is no engine", word);
    tb_free(word);
    return st;
}

static tb_status read_seed(tb_speech_req *req, const tb_fields *fields, uint64_t *out, tb_err *err)
{
    double seed;
    tb_status st = tb_field_seed(fields, &seed, err);
    if (st) return st;
    req->seed_given = !isnan(seed);
    *out = req->seed_given ? (uint64_t)seed : tb_random_seed();
    return TB_OK;
}

static tb_status read_format(const tb_fields *fields, tb_param_id id, tb_format *out, tb_err *err)
{
    char *name = tb_field_wish(fields, tb_params[id].name);
    tb_status st = TB_OK;
    *out = TB_FORMAT_WAV;
    if (name) st = tb_format_parse(name, out, err);
    tb_free(name);
    return st;
}

static tb_status read_member(tb_speech_req *req, const tb_fields *fields, tb_param_id id,
                             tb_err *err)
{
    void *at = (char *)req + members[id].offset;
    double x = 0;
    tb_status st;
    switch (members[id].kind) {
    case AS_WORD:
        return tb_field_choice(fields, id, at, err);
    case AS_LANGUAGE:
        return tb_field_language(fields, id, at, err);
    case AS_ENGINE:
        return read_engine(fields, id, at, err);
    case AS_REAL:
        return tb_field_number(fields, id, at, err);
    case AS_COUNT:
        st = tb_field_number(fields, id, &x, err);
        *(int *)at = st || isnan(x) ? -1 : (int)x;
        return st;
    case AS_SWITCH:
        return tb_field_switch(fields, id, at, err);
    case AS_OPPOSITE:
        st = tb_field_switch(fields, id, at, err);
        *(bool *)at = !*(bool *)at;
        return st;
    case AS_SEED:
        return read_seed(req, fields, at, err);
    case AS_FORMAT:
        return read_format(fields, id, at, err);
    case AS_PACE:
        return tb_field_pace(fields, at, err);
    case AS_TEXT:
    case AS_NOTHING:
        break;
    }
    return TB_OK;
}

/* What was wished, under the name of its field, so that a replay is a parse. */
static void record_member(tb_json *o, const tb_speech_req *req, size_t id)
{
    const char *name = tb_params[id].name;
    const void *at = (const char *)req + members[id].offset;
    char pace[TB_PACE_TEXT];
    switch (members[id].kind) {
    case AS_TEXT:
    case AS_WORD:
    case AS_LANGUAGE:
        if (*(char *const *)at) tb_json_set_string(o, name, *(char *const *)at);
        break;
    case AS_ENGINE:
        if (*(const tb_engine_kind *)at != TB_ENGINE_UNSAID)
            tb_json_set_string(o, name, tb_engine_kind_name(*(const tb_engine_kind *)at));
        break;
    case AS_REAL:
        if (!isnan(*(const double *)at)) tb_json_set_real(o, name, *(const double *)at);
        break;
    case AS_COUNT:
        if (*(const int *)at >= 0) tb_json_set_int(o, name, *(const int *)at);
        break;
    case AS_SWITCH:
        tb_json_set_bool(o, name, *(const bool *)at);
        break;
    case AS_OPPOSITE:
        tb_json_set_bool(o, name, !*(const bool *)at);
        break;
    case AS_SEED:
        tb_json_set_int(o, name, (int64_t) * (const uint64_t *)at);
        break;
    case AS_FORMAT:
        tb_json_set_string(o, name, tb_format_name(*(const tb_format *)at));
        break;
    case AS_PACE:
        if (((const tb_pace *)at)->token_s <= 0) break;
        tb_pace_print(at, pace);
        tb_json_set_string(o, name, pace);
        break;
    case AS_NOTHING:
        break;
    }
}

static tb_json *record(const tb_speech_req *req)
{
    tb_json *o = tb_json_object();
    if (req->prompt_hash && *req->prompt_hash)
        tb_json_set_string(o, "prompt_hash", req->prompt_hash);
    tb_json_set_bool(o, "prompted", req->prompt || req->prompt_hash);
    tb_json_set_string(o, "route", req->route == TB_ROUTE_DEMO ? "demo" : "generate-tts");
    tb_json_set_bool(o, "seed_given", req->seed_given);
    for (size_t i = 0; i < TB_PARAM_COUNT; i++)
        record_member(o, req, i);
    return o;
}

/* What is no text to be said is a word or a number: megabytes of it are not copied about. */
static tb_status check_sizes(const tb_fields *fields, tb_err *err)
{
    enum { MOST = 4096 };
    for (size_t i = 0; i < TB_PARAM_COUNT; i++) {
        const char *name = plain_field(i);
        const tb_field *f = name ? tb_fields_get(fields, name) : NULL;
        if (f && f->size > MOST && i != TB_PARAM_TEXT)
            return tb_fail_field(err, TB_EINVAL, f->name, "%s has %zu bytes; at most %d are taken",
                                 f->name, f->size, (int)MOST);
    }
    return TB_OK;
}

/* req: route set, and prompt_hash when there is one. Cleared on failure. */
static tb_status read_all(tb_speech_req *req, tb_fields *fields, size_t text_max, tb_err *err)
{
    const char *plain[TB_PARAM_COUNT + 1] = {0};
    for (size_t i = 0, n = 0; i < TB_PARAM_COUNT; i++)
        if (plain_field(i)) plain[n++] = plain_field(i);
    tb_status st = tb_fields_want_text(fields, plain, err);
    if (!st) st = check_sizes(fields, err);
    if (!st) st = read_text(req, fields, text_max, err);
    if (!st) st = read_voice(req, fields, err);
    if (!st) st = read_pronunciations(req, fields, err);
    if (!st) st = read_ambience(req, fields, err);
    for (size_t i = 0; !st && i < TB_PARAM_COUNT; i++)
        st = read_member(req, fields, (tb_param_id)i, err);
    if (!st) {
        req->keep = req->route == TB_ROUTE_GENERATE;
        req->post.streaming = req->pieces = req->stream;
        req->post.seed = req->engine.seed;
        req->params = record(req);
    } else {
        tb_speech_req_clear(req);
    }
    return st;
}

tb_status tb_speech_req_parse(tb_speech_route route, tb_fields *fields, size_t text_max,
                              tb_speech_req *out, tb_err *err)
{
    tb_speech_req req = {.route = route};
    tb_status st = read_all(&req, fields, text_max, err);
    if (!st) *out = req;
    return st;
}

tb_status tb_speech_req_replay(const char *text, const char *params_json, tb_speech_req *out,
                               tb_err *err)
{
    tb_fields fields = {0};
    tb_speech_req req = {.route = TB_ROUTE_GENERATE, .closed = true};
    bool given = true;
    tb_status st = tb_fields_from_json(params_json, strlen(params_json), &fields, err);
    if (!st) {
        char *copy = tb_try_strdup(text, err);
        st = copy ? tb_fields_add(&fields, "text", NULL, copy, strlen(copy), err) : TB_ENOMEM;
    }
    if (!st) {
        const char *hash = tb_fields_text(&fields, "prompt_hash");
        const char *route = tb_fields_text(&fields, "route");
        const char *was_given = tb_fields_text(&fields, "seed_given");
        const char *prompted = tb_fields_text(&fields, "prompted");
        /* "" stands for the hash that the caller will put there, and keeps read_voice content. */
        if (prompted && strcmp(prompted, "true") == 0)
            req.prompt_hash = tb_strdup(hash ? hash : "");
        else if (hash && *hash)
            req.prompt_hash = tb_strdup(hash);
        if (route && strcmp(route, "demo") == 0) req.route = TB_ROUTE_DEMO;
        if (was_given && !tb_parse_bool(was_given, &given)) given = true;
        /* No limit: it was within it when it was spoken, and the limit may have changed since. */
        st = read_all(&req, &fields, SIZE_MAX, err);
    }
    if (!st) {
        if (!given) { /* the record says what the person did, not what the replay does */
            req.seed_given = false;
            tb_json_set_bool(req.params, "seed_given", false);
        }
        if (!tb_fields_text(&fields, "normalize")) { /* spoken before there was a front */
            req.engine.as_written = true;
            tb_json_set_bool(req.params, "normalize", false);
        }
        const char *voice = tb_fields_text(&fields, "voice_hash");
        if (voice && *voice && req.voice_id) req.voice_hash = tb_strdup(voice);
        if (req.prompt_hash && !*req.prompt_hash) {
            tb_free(req.prompt_hash);
            req.prompt_hash = NULL;
        }
        *out = req;
    } else {
        tb_speech_req_clear(&req);
    }
    tb_fields_clear(&fields);
    return st;
}

void tb_speech_req_clear(tb_speech_req *req)
{
    if (!req) return;
    tb_free(req->text);
    tb_free(req->prompt);
    tb_free(req->prompt_hash);
    tb_free(req->voice_hash);
    tb_free(req->user);
    tb_free(req->request_id);
    tb_json_free(req->params);
    tb_pronunciations_clear(&req->pronunciations);
    for (size_t i = 0; i < TB_PARAM_COUNT; i++)
        if (members[i].kind == AS_TEXT || members[i].kind == AS_WORD ||
            members[i].kind == AS_LANGUAGE)
            tb_free(*(char **)(void *)((char *)req + members[i].offset));
    *req = (tb_speech_req){0};
}
