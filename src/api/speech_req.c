/*
 * A request for speech from its fields, checked once: numbers, seed, choices, language, text,
 * prompt, voice, ambience, output.
 *
 * Numbers are rows of `numbers` (parameter, offset in the request); ranges come from
 * params/params.h. What a request was is recorded as JSON for the history, and a replay reads that
 * record through the same parser. Relies on api/fields.h; whether a voice or a language exists is
 * the rooms' behind.
 */
#include "api/speech_req.h"

#include "api/pronunciations.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "base/utf8.h"
#include "params/params.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEMO_TEXT "This is a voice cloning demo."
/* The numbers of a request that are doubles in it. NAN: not given, the engine's own. */
typedef struct {
    tb_param_id id;
    size_t offset; /* of a double in tb_speech_req */
} number_field;

static const number_field numbers[] = {
    {TB_PARAM_TEMPERATURE, offsetof(tb_speech_req, engine.temperature)},
    {TB_PARAM_SPEED, offsetof(tb_speech_req, engine.speed)},
    {TB_PARAM_EXAGGERATION, offsetof(tb_speech_req, engine.exaggeration)},
    {TB_PARAM_CFG, offsetof(tb_speech_req, engine.cfg)},
    {TB_PARAM_MIN_P, offsetof(tb_speech_req, engine.min_p)},
    {TB_PARAM_TOP_P, offsetof(tb_speech_req, engine.top_p)},
    {TB_PARAM_REPETITION_PENALTY, offsetof(tb_speech_req, engine.repetition_penalty)},
    {TB_PARAM_AMBIENCE_LEVEL, offsetof(tb_speech_req, post.level_lu)},
    {TB_PARAM_AMBIENCE_DUCK_DB, offsetof(tb_speech_req, post.duck_db)},
};

/* Fields that are one word, number or text, never a file, an object or an array. */
static const char *plain_field(size_t id)
{
    const tb_param *p = &tb_params[id];
    return p->kind == TB_KIND_FILE || p->kind == TB_KIND_JSON ? NULL : p->name;
}

/* Where text begins and how long it is without the white space round it; NULL for blank or NULL. */
static const char *stripped(const char *text, size_t *len)
{
    static const char blanks[] = " \t\r\n\v\f";
    if (!text) return NULL;
    text += strspn(text, blanks);
    size_t n = strlen(text);
    while (n > 0 && strchr(blanks, text[n - 1]))
        n--;
    *len = n;
    return n ? text : NULL;
}

/* Empty and blank are the same as absent: forms send every input they have. Heap, stripped. */
static char *wish(const tb_fields *fields, const char *name)
{
    size_t len;
    const char *text = stripped(tb_fields_text(fields, name), &len);
    return text ? tb_strndup(text, len) : NULL;
}

/* For a sentence: at most 40 characters of what was sent, without control characters. */
static const char *shown(const char *value, char out[128])
{
    size_t o = 0, chars = 0, n;
    for (size_t i = 0, len = strlen(value); i < len; i += n) {
        uint32_t cp = tb_utf8_next(value + i, len - i, &n);
        if (chars++ == 40) {
            memcpy(out + o, "...", 3);
            o += 3;
            break;
        }
        o += tb_utf8_put(cp == TB_UTF8_BAD || cp < 0x20 || cp == 0x7f ? '?' : cp, out + o);
    }
    out[o] = 0;
    return out;
}

/* A number of the table; its fallback, or NAN, when it is not given. */
static tb_status read_number(const tb_fields *fields, tb_param_id id, double *out, tb_err *err)
{
    const tb_param *p = &tb_params[id];
    char *text = wish(fields, p->name), show[176];
    double x;
    *out = tb_param_fallback(p);
    if (!text) return TB_OK;
    tb_status st = TB_OK;
    if (!tb_parse_double(text, &x) || isnan(x) || tb_param_check(id, x, NULL)) {
        st = tb_fail_field(err, TB_EINVAL, p->name,
                           "%s is \"%s\"; it must be a %snumber from %g to %.16g", p->name,
                           shown(text, show), p->kind == TB_KIND_WHOLE ? "whole " : "", p->least,
                           p->most);
    } else {
        /* The record prints twelve digits: speak with what it will say, so that a replay is exact.
         */
        snprintf(show, sizeof show, p->kind == TB_KIND_WHOLE ? "%.0f" : "%.12g", x);
        *out = strtod(show, NULL) + 0.0; /* and no negative zero */
    }
    tb_free(text);
    return st;
}

/* -1 is how many clients ask for a drawn one; NAN stands for that, too. */
static tb_status read_seed(const tb_fields *fields, double *out, tb_err *err)
{
    char *text = wish(fields, tb_params[TB_PARAM_SEED].name);
    double x = 0;
    bool drawn = text && tb_parse_double(text, &x) && x == -1;
    tb_free(text);
    *out = (double)NAN;
    if (drawn) return TB_OK;
    tb_status st = read_number(fields, TB_PARAM_SEED, out, err);
    if (st && err) {
        size_t len = strlen(err->msg);
        snprintf(err->msg + len, sizeof err->msg - len, ", or -1 for a drawn one");
    }
    return st;
}

/* One of the table's words, lower-cased into *out (heap), NULL when absent. */
static tb_status read_choice(const tb_fields *fields, tb_param_id id, char **out, tb_err *err)
{
    const tb_param *p = &tb_params[id];
    char *text = wish(fields, p->name), show[176], list[96];
    *out = NULL;
    if (!text) return TB_OK;
    tb_str_lower(text);
    if (tb_str_in_list(p->choices, text)) {
        *out = text;
        return TB_OK;
    }
    tb_param_range(p, list, sizeof list);
    tb_status st = tb_fail_field(err, TB_EINVAL, p->name, "%s is \"%s\"; it must be one of %s",
                                 p->name, shown(text, show), list);
    tb_free(text);
    return st;
}

/* A language's code or name is looked up later; here only that it looks like one. */
static tb_status read_language(const tb_fields *fields, const char *name, char **out, tb_err *err)
{
    enum { LONGEST = 64 };
    char *text = wish(fields, name), show[176];
    *out = NULL;
    if (!text) return TB_OK;
    bool ok = strlen(text) <= LONGEST;
    for (const char *c = text; *c && ok; c++)
        ok = (unsigned char)*c >= 0x20 && *c != 0x7F && !strchr("/\\;:<>\"|&$`%{}[]*?!#=+@^~", *c);
    if (ok) {
        *out = text;
        return TB_OK;
    }
    tb_status st = tb_fail_field(err, TB_EINVAL, name,
                                 "%s is \"%s\"; it must be a language code or name such as en, "
                                 "es-419 or Spanish",
                                 name, shown(text, show));
    tb_free(text);
    return st;
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

static tb_status read_text(tb_speech_req *req, const tb_fields *fields, size_t text_max,
                           tb_err *err)
{
    const char *text = tb_fields_text(fields, "text");
    if (!text && req->route == TB_ROUTE_DEMO && !only_strangers(fields)) text = DEMO_TEXT;
    if (!text) return tb_fail_field(err, TB_EINVAL, "text", "text is missing: what shall be said?");
    size_t n;
    if (!stripped(text, &n))
        return tb_fail_field(err, TB_EINVAL, "text", "text is empty: what shall be said?");
    n = tb_utf8_count(text, strlen(text));
    if (n > text_max)
        return tb_fail_field(err, TB_EINVAL, "text",
                             "text has %zu characters; at most %zu are allowed", n, text_max);
    req->text = tb_strdup(text);
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

static tb_status read_prompt(tb_speech_req *req, const tb_fields *fields, tb_err *err)
{
    const tb_field *f = tb_fields_get(fields, "audio_prompt");
    if (!f) return TB_OK;
    if (f->nested)
        return tb_fail_field(err, TB_EINVAL, "audio_prompt",
                             "audio_prompt is an object or an array; it must be a file, or a sound "
                             "in base64");
    if (!f->filename) {
        size_t len;
        const char *text = stripped(f->value, &len);
        return text ? read_base64(req, text, err) : TB_OK;
    }
    if (f->size == 0)
        return tb_fail_field(err, TB_EINVAL, "audio_prompt", "audio_prompt is an empty file");
    req->prompt = tb_try_alloc(f->size, 1);
    if (!req->prompt) return tb_nomem(err, f->size, 1);
    memcpy(req->prompt, f->value, f->size);
    req->prompt_size = f->size;
    return TB_OK;
}

static tb_status read_voice(tb_speech_req *req, const tb_fields *fields, tb_err *err)
{
    tb_status st = read_prompt(req, fields, err);
    if (st || req->prompt || req->prompt_hash) return st; /* the prompt wins */
    char *id = wish(fields, "voice_id");
    if (id && strlen(id) > 4 && tb_str_ieq(id + strlen(id) - 4, ".wav")) id[strlen(id) - 4] = 0;
    if (!id && req->route == TB_ROUTE_DEMO) id = tb_strdup("default");
    if (!id)
        return tb_fail(
            err, TB_EMALFORMED,
            "name a voice with voice_id (\"default\" is always there) or send a sound as "
            "audio_prompt");
    if (tb_utf8_count(id, strlen(id)) > 64)
        st = tb_fail_field(err, TB_EINVAL, "voice_id", "voice_id has more than 64 characters");
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
    char *prompt = wish(fields, "ambience_prompt");
    if (prompt && !is_none(prompt)) {
        tb_free(prompt);
        return tb_fail_field(err, TB_EINVAL, "ambience_prompt",
                             "ambience_prompt needs AudioGen, whose weights are not installed; "
                             "ambience_id names the ambiences that are there");
    }
    tb_free(prompt);
    char *id = wish(fields, "ambience_id");
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

static tb_status read_switch(const tb_fields *fields, tb_param_id id, bool *out, tb_err *err)
{
    const char *name = tb_params[id].name;
    char *text = wish(fields, name), show[176];
    tb_status st = TB_OK;
    *out = strcmp(tb_params[id].fallback, "true") == 0;
    if (text && !tb_parse_bool(text, out))
        st = tb_fail_field(err, TB_EINVAL, name, "%s is \"%s\"; it must be true or false", name,
                           shown(text, show));
    tb_free(text);
    return st;
}

static tb_status read_engine(tb_speech_req *req, const tb_fields *fields, tb_err *err)
{
    double top_k = (double)NAN;
    bool normalize = true;
    tb_status st = read_choice(fields, TB_PARAM_ENGINE, &req->strings[0], err);
    if (!st) st = read_language(fields, "language", &req->strings[1], err);
    if (!st) st = read_choice(fields, TB_PARAM_MODE, &req->strings[2], err);
    if (!st) st = read_language(fields, "language_id", &req->strings[3], err);
    if (!st) st = read_number(fields, TB_PARAM_TOP_K, &top_k, err);
    if (!st) st = read_switch(fields, TB_PARAM_NORMALIZE, &normalize, err);
    req->engine.as_written = !normalize;
    req->engine.engine = req->strings[0];
    req->engine.language = req->strings[1];
    req->engine.mode = req->strings[2];
    req->engine.language_id = req->strings[3];
    req->engine.top_k = isnan(top_k) ? -1 : (int)top_k;
    return st;
}

/* What X-Stream-Pace of an earlier reply said. */
static tb_status read_pace(const tb_fields *fields, tb_pace *out, tb_err *err)
{
    char *text = wish(fields, "stream_pace"), show[176];
    tb_status st = TB_OK;
    if (text && !tb_pace_parse(text, out))
        st = tb_fail_field(err, TB_EINVAL, "stream_pace",
                           "stream_pace is \"%s\"; it is what X-Stream-Pace of an earlier reply "
                           "said, three numbers as in 20000-600-2000",
                           shown(text, show));
    tb_free(text);
    return st;
}

static tb_status read_output(tb_speech_req *req, const tb_fields *fields, tb_err *err)
{
    double rate = 0;
    tb_status st = TB_OK;
    char *format = wish(fields, "response_format");
    req->format = TB_FORMAT_WAV;
    if (format) st = tb_format_parse(format, &req->format, err);
    if (!st) st = read_number(fields, TB_PARAM_SAMPLE_RATE, &rate, err);
    if (!st) req->sample_rate_hz = (int)rate;
    if (!st) st = read_switch(fields, TB_PARAM_STREAM, &req->stream, err);
    if (!st) st = read_pace(fields, &req->engine.pace, err);
    req->keep = req->route == TB_ROUTE_GENERATE;
    req->post.streaming = req->pieces = req->stream;
    tb_free(format);
    return st;
}

/* What was wished, under the names of the fields, so that a replay is a parse. */
static tb_json *record(const tb_speech_req *req)
{
    tb_json *o = tb_json_object();
    const struct {
        const char *name, *value;
    } texts[] = {
        {"voice_id", req->voice_id},
        {"prompt_hash", req->prompt_hash && *req->prompt_hash ? req->prompt_hash : NULL},
        {"engine", req->engine.engine},
        {"language", req->engine.language},
        {"mode", req->engine.mode},
        {"language_id", req->engine.language_id},
        {"ambience_id", req->ambience_id},
    };
    tb_json_set_bool(o, "prompted", req->prompt || req->prompt_hash);
    tb_json_set_string(o, "route", req->route == TB_ROUTE_DEMO ? "demo" : "generate-tts");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i].value) tb_json_set_string(o, texts[i].name, texts[i].value);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        double x;
        memcpy(&x, (const char *)req + numbers[i].offset, sizeof x);
        if (!isnan(x)) tb_json_set_real(o, tb_params[numbers[i].id].name, x);
    }
    if (req->engine.top_k >= 0) tb_json_set_int(o, "top_k", req->engine.top_k);
    tb_json_set_int(o, "seed", (int64_t)req->engine.seed);
    tb_json_set_bool(o, "seed_given", req->seed_given);
    tb_json_set_string(o, "response_format", tb_format_name(req->format));
    tb_json_set_int(o, "sample_rate", req->sample_rate_hz);
    tb_json_set_bool(o, "stream", req->stream);
    if (req->engine.pace.token_s > 0) {
        char pace[TB_PACE_TEXT];
        tb_pace_print(&req->engine.pace, pace);
        tb_json_set_string(o, "stream_pace", pace);
    }
    tb_json_set_bool(o, "normalize", !req->engine.as_written);
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
static tb_status read_all(tb_speech_req *req, const tb_fields *fields, size_t text_max, tb_err *err)
{
    const char *plain[TB_PARAM_COUNT + 1] = {0};
    double seed = 0;
    for (size_t i = 0, n = 0; i < TB_PARAM_COUNT; i++)
        if (plain_field(i)) plain[n++] = plain_field(i);
    tb_status st = tb_fields_want_text(fields, plain, err);
    if (!st) st = check_sizes(fields, err);
    if (!st) st = read_text(req, fields, text_max, err);
    if (!st) st = read_voice(req, fields, err);
    if (!st) st = read_engine(req, fields, err);
    if (!st) st = read_pronunciations(req, fields, err);
    if (!st) st = read_ambience(req, fields, err);
    for (size_t i = 0; !st && i < sizeof numbers / sizeof numbers[0]; i++) {
        double x;
        st = read_number(fields, numbers[i].id, &x, err);
        memcpy((char *)req + numbers[i].offset, &x, sizeof x);
    }
    if (!st) st = read_output(req, fields, err);
    if (!st) st = read_seed(fields, &seed, err);
    if (!st) {
        req->seed_given = !isnan(seed);
        req->engine.seed = req->seed_given ? (uint64_t)seed : tb_random_seed();
        req->post.seed = req->engine.seed;
        req->params = record(req);
    } else {
        tb_speech_req_clear(req);
    }
    return st;
}

tb_status tb_speech_req_parse(tb_speech_route route, const tb_fields *fields, size_t text_max,
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
    if (!st) st = tb_fields_add(&fields, "text", NULL, tb_strdup(text), strlen(text), err);
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
    tb_free(req->voice_id);
    tb_free(req->prompt);
    tb_free(req->prompt_hash);
    tb_free(req->voice_hash);
    tb_free(req->ambience_id);
    tb_free(req->user);
    tb_free(req->request_id);
    tb_json_free(req->params);
    tb_pronunciations_clear(&req->pronunciations);
    for (size_t i = 0; i < sizeof req->strings / sizeof req->strings[0]; i++)
        tb_free(req->strings[i]);
    *req = (tb_speech_req){0};
}
