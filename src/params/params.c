#include "params/params.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Nothing else in the program knows a range, a default or a list of choices of a request's fields.
 * A new field is a row here, its id in the header, and the member of a request that it goes into
 * (api/speech_req.c).
 */

#define NUMBER(least, most) TB_KIND_NUMBER, least, most, NULL
#define WHOLE(least, most)  TB_KIND_WHOLE, least, most, NULL
#define CHOICE(words)       TB_KIND_CHOICE, 0, 0, words
#define OTHER(kind)         TB_KIND_##kind, 0, 0, NULL

/* clang-format off */
const tb_param tb_params[TB_PARAM_COUNT] = {
    [TB_PARAM_TEXT] = {"text", OTHER(TEXT), NULL, "required", TB_BY_SERVICE,
        "at most `TEXT_MAX` (" TB_TEXT_MAX_FALLBACK ") characters; may contain [brackets](#brackets-in-the-text)"},
    [TB_PARAM_VOICE_ID] = {"voice_id", OTHER(TEXT), NULL, "", TB_BY_SERVICE,
        "a stored voice, or `default`; case and a trailing `.wav` do not matter"},
    [TB_PARAM_AUDIO_PROMPT] = {"audio_prompt", OTHER(FILE), NULL, "", TB_BY_SERVICE,
        "a recording whose voice is used for this request only: a file, or base64 text (plain or a `data:` URL). It takes precedence over `voice_id`; one of the two is required"},
    [TB_PARAM_LANGUAGE] = {"language", OTHER(TEXT), NULL, "`LANGUAGE`", TB_BY_ENGINES,
        "a code of `GET /languages`, or a [name](#names-of-languages): `es`, `Spanish`, `español`; `auto` chooses [by the text](#the-language-of-a-text-that-names-none); an unknown one is a 422 that lists similar codes"},
    [TB_PARAM_SPEED] = {"speed", NUMBER(0.25, 4), "1", NULL, TB_BY_ENGINES,
        "speaking rate: 2 is twice as fast; the pitch stays"},
    [TB_PARAM_TEMPERATURE] = {"temperature", NUMBER(0.05, 5), "0.8", NULL, TB_BY_ENGINES,
        "variation: of the sampling (chatterbox-turbo), or of pitch and pace (embedded)"},
    [TB_PARAM_SEED] = {"seed", WHOLE(0, TB_SEED_MAX), NULL, "drawn", TB_BY_ENGINES | TB_BY_MIXER,
        "the same request with the same seed gives the same bytes; -1 draws a seed"},
    [TB_PARAM_AMBIENCE_ID] = {"ambience_id", OTHER(TEXT), NULL, "none", TB_BY_MIXER,
        "a bed, or a sum of up to four such as `rain+wind`; Spanish names work too (`lluvia`); `none` and `null` mean no bed"},
    [TB_PARAM_AMBIENCE_LEVEL] = {"ambience_level", NUMBER(6, 40), NULL, "the bed's own", TB_BY_MIXER,
        "how far the bed lies below the speech, in LU"},
    [TB_PARAM_AMBIENCE_DUCK_DB] = {"ambience_duck_db", NUMBER(0, 12), "0", NULL, TB_BY_MIXER,
        "how far the bed is lowered while there is speech, in dB"},
    [TB_PARAM_RESPONSE_FORMAT] = {"response_format", CHOICE("wav|mp3|opus|ogg|aac|flac|pcm"), "wav", NULL, TB_BY_SERVICE,
        "`pcm` is 16-bit little-endian without a header; `ogg` has the bytes of `opus` with the type `audio/ogg; codecs=opus`, which messengers expect"},
    [TB_PARAM_SAMPLE_RATE] = {"sample_rate", WHOLE(8000, 48000), "24000", NULL, TB_BY_SERVICE,
        "in Hz; Opus is always 48000, MP3 and AAC take the nearest rate they support that is not lower"},
    [TB_PARAM_STREAM] = {"stream", OTHER(SWITCH), "false", NULL, TB_BY_SERVICE,
        "send the sound while it is generated"},
    [TB_PARAM_STREAM_PACE] = {"stream_pace", OTHER(TEXT), NULL, "this machine's", TB_BY_CHATTERBOX,
        "the pace that the lengths of a stream's chunks follow from (chatterbox-turbo), three numbers such as `20000-600-2000`: the `X-Stream-Pace` of an earlier reply (see Streaming below)"},
    [TB_PARAM_NORMALIZE] = {"normalize", OTHER(SWITCH), "true", NULL, TB_BY_SERVICE,
        "write numbers, symbols and markup out as words before speaking ([details](#what-is-done-to-a-text)); `false` passes the text to the engine unchanged"},
    [TB_PARAM_PRONUNCIATIONS] = {"pronunciations", OTHER(JSON), NULL, "none", TB_BY_SERVICE,
        "[how words are pronounced](#pronunciations) in this request: `{\"k8s\": \"kubernetes\"}`"},
    [TB_PARAM_ENGINE] = {"engine", CHOICE("auto|embedded|chatterbox"), NULL, "`ENGINE`", TB_BY_SERVICE,
        "[which engine speaks](#who-speaks)"},
    [TB_PARAM_MODE] = {"mode", CHOICE("turbo|multilingual"), NULL, "", TB_BY_SERVICE,
        "`turbo` changes nothing; `multilingual` is a 422 in this version"},
    [TB_PARAM_LANGUAGE_ID] = {"language_id", OTHER(TEXT), NULL, "", TB_BY_SERVICE,
        "checked like `language`, otherwise unused"},
    [TB_PARAM_TOP_P] = {"top_p", NUMBER(0, 1), NULL, "0.95", TB_BY_CHATTERBOX,
        "chatterbox-turbo: sample from the most likely tokens whose probabilities add up to this"},
    [TB_PARAM_TOP_K] = {"top_k", WHOLE(0, 10000), NULL, "1000", TB_BY_CHATTERBOX,
        "chatterbox-turbo: sample from this many of the most likely tokens; 0 means all"},
    [TB_PARAM_MIN_P] = {"min_p", NUMBER(0, 1), NULL, "", 0,
        "checked, but used by no engine of this version"},
    [TB_PARAM_REPETITION_PENALTY] = {"repetition_penalty", NUMBER(1, 10), NULL, "1.2", TB_BY_CHATTERBOX,
        "chatterbox-turbo: how much less likely tokens become that were generated before; 1 means not at all"},
    [TB_PARAM_EXAGGERATION] = {"exaggeration", NUMBER(0, 2), NULL, "", 0,
        "checked, but used by no engine of this version"},
    [TB_PARAM_CFG] = {"cfg", NUMBER(0, 2), NULL, "", 0,
        "checked, but used by no engine of this version"},
    [TB_PARAM_AMBIENCE_PROMPT] = {"ambience_prompt", OTHER(TEXT), NULL, "", 0,
        "always a 422 in this version: it needs a model (AudioGen) that is not included"},
};
/* clang-format on */

static const char *const engine_words[] = {"", "auto", "chatterbox", "embedded"};

const char *tb_engine_kind_name(tb_engine_kind kind)
{
    return engine_words[kind];
}

bool tb_engine_kind_parse(const char *name, tb_engine_kind *out)
{
    for (int k = TB_ENGINE_AUTO; k <= TB_ENGINE_EMBEDDED; k++)
        if (strcmp(engine_words[k], name) == 0) {
            *out = (tb_engine_kind)k;
            return true;
        }
    return false;
}

const tb_param *tb_param_find(const char *name)
{
    for (size_t i = 0; i < TB_PARAM_COUNT; i++)
        if (strcmp(tb_params[i].name, name) == 0) return &tb_params[i];
    return NULL;
}

double tb_param_fallback(const tb_param *p)
{
    return p->fallback ? strtod(p->fallback, NULL) : (double)NAN;
}

tb_status tb_param_check(tb_param_id id, double x, tb_err *err)
{
    const tb_param *p = &tb_params[id];
    const bool whole = p->kind == TB_KIND_WHOLE;
    if (isnan(x) && !p->fallback) return TB_OK;
    if (x >= p->least && x <= p->most && (!whole || x == floor(x))) return TB_OK;
    return tb_fail_field(err, TB_EINVAL, p->name,
                         "%s is %g; it must be a %snumber from %g to %.16g", p->name, x,
                         whole ? "whole " : "", p->least, p->most);
}

void tb_param_range(const tb_param *p, char *out, size_t size)
{
    size_t n = 0;
    switch (p->kind) {
    case TB_KIND_NUMBER:
    case TB_KIND_WHOLE:
        snprintf(out, size, "%g-%.16g", p->least, p->most);
        break;
    case TB_KIND_CHOICE:
        for (const char *c = p->choices; *c && n + 3 < size; c++)
            if (*c == '|')
                out[n++] = ',', out[n++] = ' ';
            else
                out[n++] = *c;
        out[n] = 0;
        break;
    case TB_KIND_SWITCH:
        snprintf(out, size, "true or false");
        break;
    default:
        snprintf(out, size, "%s",
                 p->kind == TB_KIND_FILE   ? "file"
                 : p->kind == TB_KIND_JSON ? "JSON"
                                           : "text");
    }
}

/* "[brackets](#brackets-in-the-text)" becomes "brackets", and `x` is x. */
void tb_param_plain(const tb_param *p, char *out, size_t size)
{
    size_t n = 0;
    for (const char *c = p->help; *c && n + 1 < size; c++) {
        if (c[0] == ']' && c[1] == '(' && strchr(c, ')'))
            c = strchr(c, ')');
        else if (*c != '[' && *c != '`')
            out[n++] = *c;
    }
    out[n] = 0;
}

void tb_params_markdown(tb_str *out)
{
    char range[128];
    tb_str_puts(out, "| field | allowed | default | meaning |\n|---|---|---|---|\n");
    for (size_t i = 0; i < TB_PARAM_COUNT; i++) {
        const tb_param *p = &tb_params[i];
        tb_param_range(p, range, sizeof range);
        tb_str_printf(out, "| `%s` | %s | %s | %s |\n", p->name, range,
                      p->fallback ? p->fallback : p->without, p->help);
    }
}
