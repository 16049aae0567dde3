/*
 * Runs the steps of the text front one after the other, each on what the one before it made.
 *
 * Steps are a table (HTML, lines, addresses, numbers, scripts, ...); what a step may make is
 * bounded by the text's length, so hostile input cannot grow without end. Words that nobody can say
 * are collected. Pure; linear time. Relies on front_*.c and spell*.c.
 */
#include "text/front_priv.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "text/script_priv.h"
#include "text/spell_priv.h"

#include <string.h>

/* A text grows by words for its signs and numbers; more than this is none that a person wrote. */
enum { GROWTH = 24, ROOM = 4096 };

bool tb_front_speaks(const tb_front_opts *opts, const char *code)
{
    size_t n = strlen(code);
    return opts->language && strncmp(opts->language, code, n) == 0 &&
           (opts->language[n] == 0 || opts->language[n] == '-');
}

bool tb_front_is_cjk(const tb_front_opts *opts)
{
    static const char *const codes[] = {"cmn", "yue", "zh", "ja", "ko", "hak"};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (tb_front_speaks(opts, codes[i])) return true;
    return false;
}

bool tb_front_is_tag(const tb_front_opts *opts, const char *text, size_t len)
{
    enum { LONGEST = 256 };
    if (len == 0 || len > LONGEST || memchr(text, '\n', len)) return false;
    char *copy = tb_strndup(text, len);
    bool known = tb_bracket_known(opts->script, tb_str_strip(copy));
    tb_free(copy);
    return known;
}

void tb_front_put(tb_str *out, uint32_t cp)
{
    char utf8[4];
    tb_str_add(out, utf8, tb_utf8_put(cp, utf8));
}

void tb_front_trim(tb_str *out)
{
    while (out->len > 0 && (out->data[out->len - 1] == ' ' || out->data[out->len - 1] == '\t'))
        out->data[--out->len] = 0;
}

typedef void (*step)(const char *text, size_t len, const tb_front_opts *opts, tb_str *out);

static void html(const char *text, size_t len, const tb_front_opts *opts, tb_str *out)
{
    (void)opts;
    tb_front_html(text, len, out);
}

static void lines(const char *text, size_t len, const tb_front_opts *opts, tb_str *out)
{
    (void)opts;
    tb_front_lines(text, len, out);
}

static void lexicon(const char *text, size_t len, const tb_front_opts *opts, tb_str *out)
{
    if (!opts->lexicon) {
        tb_str_add(out, text, len);
        return;
    }
    tb_lexicon_apply(opts->lexicon, text, len, out);
    out->full |= out->len > 2 * len + ROOM; /* nobody's words are so long */
}

static void spell(const char *text, size_t len, const tb_front_opts *opts, tb_str *out)
{
    size_t most = out->max;
    if (tb_spell(text, len, opts->language, opts->script, out, NULL)) {
        tb_str_clear(out);
        out->full = true;
    }
    out->full |= out->len > most;
}

/* The next step's input. */
static void hand_over(tb_str *from, tb_str *to)
{
    size_t most = from->max;
    tb_str_clear(from);
    *from = *to;
    tb_str_init(to, most);
}

tb_status tb_front_steps(const char *text, size_t len, const tb_front_opts *opts, bool words,
                         char **out, char **unspoken, tb_err *err)
{
    enum { NAMES = 512 }; /* they become a header */
    static const step steps[] = {html, tb_front_chars, lines, tb_front_inline, lexicon, spell};
    const size_t n = sizeof steps / sizeof *steps - (words ? 0 : 1);
    tb_str from, to, names;
    if (!tb_utf8_valid(text, len))
        return tb_fail_field(err, TB_EINVAL, "text", "the text is not valid UTF-8");
    if (len > (SIZE_MAX - ROOM) / GROWTH) return tb_nomem(err, len, GROWTH);
    tb_str_init(&from, len * GROWTH + ROOM);
    tb_str_init(&to, len * GROWTH + ROOM);
    tb_str_init(&names, NAMES);
    tb_str_add(&from, text, len);
    for (size_t i = 0; i < n && !from.full; i++) {
        steps[i](from.data ? from.data : "", from.len, opts, &to);
        hand_over(&from, &to);
    }
    if (words && !from.full) {
        tb_front_scripts(from.data ? from.data : "", from.len, opts, &names, &to);
        hand_over(&from, &to);
    }
    tb_status st = TB_OK;
    if (from.full) {
        st =
            tb_fail_field(err, TB_EINVAL, "text",
                          "the text is too long when its signs and numbers are words, and what the "
                          "pronunciations say is in it");
    } else {
        *out = tb_str_take(&from);
        if (unspoken) *unspoken = names.len ? tb_str_take(&names) : NULL;
    }
    tb_str_clear(&from);
    tb_str_clear(&names);
    return st;
}

tb_status tb_front_run(const char *text, size_t len, const tb_front_opts *opts, char **out,
                       char **unspoken, tb_err *err)
{
    return tb_front_steps(text, len, opts, true, out, unspoken, err);
}
