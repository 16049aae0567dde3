/*
 * Readers of single fields of a request for speech, one per kind of value; which field goes where
 * in a request is speech_req.c's business. Ranges, choices and fallbacks come from params/params.h.
 */
#include "api/speech_fields_priv.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *tb_field_stripped(const char *text, size_t *len)
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

char *tb_field_wish(const tb_fields *fields, const char *name)
{
    size_t len;
    const char *text = tb_field_stripped(tb_fields_text(fields, name), &len);
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

tb_status tb_field_number(const tb_fields *fields, tb_param_id id, double *out, tb_err *err)
{
    const tb_param *p = &tb_params[id];
    char *text = tb_field_wish(fields, p->name), show[176];
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
tb_status tb_field_seed(const tb_fields *fields, double *out, tb_err *err)
{
    char *text = tb_field_wish(fields, tb_params[TB_PARAM_SEED].name);
    double x = 0;
    bool drawn = text && tb_parse_double(text, &x) && x == -1;
    tb_free(text);
    *out = (double)NAN;
    if (drawn) return TB_OK;
    tb_status st = tb_field_number(fields, TB_PARAM_SEED, out, err);
    if (st && err) {
        size_t len = strlen(err->msg);
        snprintf(err->msg + len, sizeof err->msg - len, ", or -1 for a drawn one");
    }
    return st;
}

tb_status tb_field_choice(const tb_fields *fields, tb_param_id id, char **out, tb_err *err)
{
    const tb_param *p = &tb_params[id];
    char *text = tb_field_wish(fields, p->name), show[176], list[96];
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

tb_status tb_field_language(const tb_fields *fields, tb_param_id id, char **out, tb_err *err)
{
    enum { LONGEST = 64 };
    const char *name = tb_params[id].name;
    char *text = tb_field_wish(fields, name), show[176];
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

tb_status tb_field_switch(const tb_fields *fields, tb_param_id id, bool *out, tb_err *err)
{
    const char *name = tb_params[id].name;
    char *text = tb_field_wish(fields, name), show[176];
    tb_status st = TB_OK;
    *out = strcmp(tb_params[id].fallback, "true") == 0;
    if (text && !tb_parse_bool(text, out))
        st = tb_fail_field(err, TB_EINVAL, name, "%s is \"%s\"; it must be true or false", name,
                           shown(text, show));
    tb_free(text);
    return st;
}

/* What X-Stream-Pace of an earlier reply said. */
tb_status tb_field_pace(const tb_fields *fields, tb_pace *out, tb_err *err)
{
    char *text = tb_field_wish(fields, "stream_pace"), show[176];
    tb_status st = TB_OK;
    if (text && !tb_pace_parse(text, out))
        st = tb_fail_field(err, TB_EINVAL, "stream_pace",
                           "stream_pace is \"%s\"; it is what X-Stream-Pace of an earlier reply "
                           "said, three numbers as in 20000-600-2000",
                           shown(text, show));
    tb_free(text);
    return st;
}
