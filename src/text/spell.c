/*
 * The loop of tb_spell and how it writes. It asks the rules (spell_priv.h) at each character where
 * something may begin and copies what none of them wants. Tags and addresses of the web are copied
 * whole, so that no rule sees their inside.
 */
#include "text/spell_priv.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "text/script_priv.h"
#include "text/spell_other_priv.h"
#include "text/spell_rules_priv.h"

#include <ctype.h>
#include <string.h>

enum { CODE_MAX = 35, ADDRESS_LOOK = 256 };

/* ---- writing ---- */

static bool opening(char c)
{
    return strchr(" \n\t([{\"'-/_", c) != NULL;
}

void tb_spell_say(tb_speller *sp, const char *words)
{
    if (!*words) return;
    const tb_str *o = sp->out;
    bool first = o->len == 0;
    if (!first && (sp->apart || !opening(o->data[o->len - 1]))) {
        uint32_t last = sp->apart ? 'a' : 0;
        if (!last) {
            size_t from = o->len - 1, n;
            while (from > 0 && ((unsigned char)o->data[from] & 0xC0) == 0x80)
                from--;
            last = tb_utf8_next(o->data + from, o->len - from, &n);
        }
        /* Opening marks of Spanish and of quotations stay with what they open. */
        if (last != 0xBF && last != 0xA1 && last != 0xAB && last != 0x201C && last != 0x2018 &&
            last != 0x2014 && !tb_spell_blank(last))
            tb_str_add(sp->out, " ", 1);
    }
    tb_str_puts(sp->out, words);
    sp->apart = true;
}

void tb_spell_say_words(tb_speller *sp, const tb_spell_words *words)
{
    for (size_t i = 0; i < words->n; i++)
        if (words->w[i][0] == '-')
            tb_str_puts(sp->out, words->w[i]);
        else
            tb_spell_say(sp, words->w[i]);
}

void tb_spell_copy(tb_speller *sp, size_t i, size_t n)
{
    size_t size;
    if (n == 0) return;
    if (sp->apart && (tb_utf8_is_word(tb_spell_at(sp, i, &size)) || sp->s[i] == '['))
        tb_str_add(sp->out, " ", 1);
    tb_str_add(sp->out, sp->s + i, n);
    sp->apart = false;
}

void tb_spell_digits(tb_speller *sp, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        tb_spell_words w = {0};
        if (s[i] < '0' || s[i] > '9') continue;
        if (sp->kind == TB_SPELL_ES)
            tb_es_cardinal(&w, s + i, 1, TB_ES_ALONE);
        else
            tb_en_cardinal(&w, s + i, 1, false);
        tb_spell_say_words(sp, &w);
    }
}

/* ---- what no rule may see ---- */

/* A [bracket], to its end; no bracket holds another, or a line's end. Anything else that stands
 * before the next '[' or line's end was looked at once, so rows of brackets cost no more. */
static size_t bracket(const tb_speller *sp, size_t i)
{
    for (size_t k = i + 1; k < sp->len && sp->s[k] != '[' && sp->s[k] != '\n' && sp->s[k] != '\r';
         k++)
        if (sp->s[k] == ']') return k + 1 - i;
    return 1;
}

/* Does the bracket of n bytes at i mean something, as a tag, or as a note's number? What is in any
 * other is text. */
static bool is_tag(const tb_speller *sp, size_t i, size_t n)
{
    enum { LONGEST = 256 };
    if (n > LONGEST || tb_spell_digits_at(sp, i + 1, LONGEST) == n - 2) return n <= LONGEST;
    char *copy = tb_strndup(sp->s + i + 1, n - 2);
    bool known = tb_bracket_known(sp->script, tb_str_strip(copy));
    tb_free(copy);
    return known;
}

/* An address of the web or of mail that begins at i, to the next blank; 0 none. */
static size_t address(const tb_speller *sp, size_t i)
{
    size_t end = i, n;
    bool is = tb_spell_starts(sp, i, "www.") || tb_spell_starts(sp, i, "http://") ||
              tb_spell_starts(sp, i, "https://");
    for (uint32_t cp; end < sp->len && (is || end - i < ADDRESS_LOOK); end += n) {
        cp = tb_spell_at(sp, end, &n);
        if (tb_utf8_is_space(cp) || cp == '[' || cp == '<' || cp == '>') break;
        if (end > i && cp == ':' && tb_spell_starts(sp, end, "://")) is = true;
        if (end > i && cp == '@' && tb_spell_letter(tb_spell_at(sp, end + 1, &n)) &&
            tb_utf8_is_word(tb_spell_before(sp, end)))
            is = true;
        (void)tb_spell_at(sp, end, &n);
    }
    while (is && end > i + 1 && strchr(".,;:!?)\"'", sp->s[end - 1]))
        end--;
    return is ? end - i : 0;
}

/* ---- the loop ---- */

static size_t by_rule(tb_speller *sp, size_t i)
{
    static size_t (*const rules[])(tb_speller *, size_t) = {
        tb_spell_date,    tb_spell_time,     tb_spell_span,     tb_spell_day,
        tb_spell_literal, tb_spell_names,    tb_spell_month,    tb_spell_abbreviation,
        tb_spell_roman,   tb_spell_quantity, tb_spell_fraction, tb_spell_bare_unit,
        tb_spell_slash,   tb_spell_sign};
    if (sp->kind == TB_SPELL_OTHER) return tb_spell_other(sp, i);
    for (size_t k = 0; k < sizeof rules / sizeof *rules; k++) {
        size_t n = rules[k](sp, i);
        if (n) return n;
    }
    return 0;
}

/* The letters that no rule wants, or one other character. */
static size_t untouched(const tb_speller *sp, size_t i)
{
    size_t n, end = tb_spell_word_end(sp, i);
    if (end > i) return end - i;
    (void)tb_spell_at(sp, i, &n);
    return n;
}

static void walk(tb_speller *sp)
{
    size_t n;
    for (size_t i = 0; i < sp->len; i += n) {
        uint32_t before = tb_spell_before(sp, i);
        if (sp->s[i] == '[' && (n = bracket(sp, i)) > 1 && is_tag(sp, i, n)) {
            tb_spell_copy(sp, i, n);
            continue;
        }
        if (isalnum((unsigned char)sp->s[i]) &&
            (before == 0 || tb_utf8_is_space(before) || before == '(' || before == '<') &&
            (n = address(sp, i)) > 0) {
            tb_spell_copy(sp, i, n);
            continue;
        }
        n = by_rule(sp, i);
        if (n) continue;
        n = untouched(sp, i);
        tb_spell_copy(sp, i, n);
    }
}

static bool is_language(const char *code, const char *wanted)
{
    size_t n = strlen(wanted);
    return strncmp(code, wanted, n) == 0 && (code[n] == 0 || code[n] == '-');
}

tb_status tb_spell(const char *text, size_t len, const char *language, const tb_script_opts *script,
                   tb_str *out, tb_err *err)
{
    char code[CODE_MAX + 1] = "en";
    if (language && *language && strlen(language) <= CODE_MAX) strcpy(code, language);
    tb_str_lower(code);
    for (char *p = code; *p; p++)
        if (*p == '_') *p = '-';
    if (!tb_utf8_valid(text, len))
        return tb_fail_field(err, TB_EINVAL, "text", "the text is not valid UTF-8");
    if (len > SIZE_MAX / TB_SPELL_GROWTH - 8) return tb_nomem(err, len, TB_SPELL_GROWTH);
    tb_str_init(out, TB_SPELL_GROWTH * (len + 8));
    tb_speller sp = {.s = text, .len = len, .out = out, .code = code, .script = script};
    sp.kind = is_language(code, "en")   ? TB_SPELL_EN
              : is_language(code, "es") ? TB_SPELL_ES
                                        : TB_SPELL_OTHER;
    sp.british = sp.kind == TB_SPELL_EN && code[2] && !tb_str_starts(code, "en-us");
    sp.america = sp.kind == TB_SPELL_ES && code[2] && strcmp(code, "es-es") != 0;
    if (sp.kind == TB_SPELL_OTHER) sp.signs = tb_sign_words_of(code);
    walk(&sp);
    if (!out->full) return TB_OK;
    tb_str_clear(out);
    return tb_nomem(err, len, TB_SPELL_GROWTH);
}
