/*
 * Money: which currency is written at a place, and amounts with their hundredths. The currencies
 * are a table of spell_currencies.c.
 */
#include "text/spell_rules_priv.h"

#include <string.h>

/* Does a number of three characters or more end in front of i: 500 Bs? */
static bool behind_amount(const tb_speller *sp, size_t i)
{
    if (i > 0 && sp->s[i - 1] == ' ') i--;
    return i > 2 && tb_spell_digit(sp, i - 1) && tb_spell_digit(sp, i - 2) &&
           strchr("0123456789.,", sp->s[i - 3]) && sp->s[i - 3];
}

const tb_currency *tb_spell_currency(const tb_speller *sp, size_t i, size_t *end)
{
    const tb_currency *best = NULL;
    size_t longest = 0;
    uint32_t before = tb_spell_before(sp, i);
    size_t n;
    bool after_word = tb_spell_letter(before);
    for (size_t k = 0; k < tb_spell_currency_count; k++) {
        const tb_currency *c = &tb_spell_currencies[k];
        const char *both[2] = {c->sign, c->code};
        for (int which = 0; which < 2; which++) {
            const char *s = both[which];
            if (!s || i >= sp->len || *s != sp->s[i]) continue;
            size_t len = strlen(s);
            if (len <= longest || !tb_spell_starts(sp, i, s)) continue;
            bool letters = tb_spell_letter(tb_spell_at(sp, i, &n)); /* US$, EUR */
            if (letters && after_word) continue;
            bool ends_in_letter = tb_spell_letter(tb_spell_before(sp, i + len));
            if (ends_in_letter && tb_spell_letter(tb_spell_at(sp, i + len, &n))) continue;
            if (c->first && !tb_spell_digit(sp, tb_spell_skip(sp, i + len)) &&
                !behind_amount(sp, i))
                continue;
            best = c;
            longest = len;
        }
    }
    *end = i + longest;
    /* "Rs. 500"; but "500 kr." may end a sentence */
    if (best && sp->s[*end - 1] == '.') *end = tb_spell_stop(sp, *end - 1);
    return best;
}

/* Two digits behind the point, of a currency with hundredths. */
static int hundredths(const tb_speller *sp, const tb_spell_number *n)
{
    if (!n->point || n->n_fraction != 2) return -1;
    return (sp->s[n->fraction] - '0') * 10 + (sp->s[n->fraction + 1] - '0');
}

static bool is_zero(const tb_spell_number *n)
{
    return strspn(n->digits, "0") == n->n;
}

static void say_cents(tb_speller *sp, const tb_currency *c, int cents)
{
    const bool es = sp->kind == TB_SPELL_ES;
    tb_spell_say_value(sp, cents, TB_ES_MASCULINE);
    if (es)
        tb_spell_say(sp, cents == 1 ? c->es_cent : c->es_cents);
    else
        tb_spell_say(sp, cents == 1 ? c->en_cent : c->en_cents);
}

void tb_spell_say_money(tb_speller *sp, const tb_currency *c, const tb_spell_number *n,
                        const char *scale, bool adjective)
{
    const bool es = sp->kind == TB_SPELL_ES;
    const tb_es_form form = es && c->feminine && !scale ? TB_ES_FEMININE : TB_ES_MASCULINE;
    int cents = scale || !(es ? c->es_cent : c->en_cent) ? -1 : hundredths(sp, n);
    bool one = tb_spell_is_one(n) && !scale;
    if (cents >= 0) {
        tb_spell_number whole = *n;
        whole.point = 0;
        whole.n_fraction = 0;
        one = tb_spell_is_one(&whole);
        if (is_zero(n) && cents > 0) {
            say_cents(sp, c, cents);
            return;
        }
        tb_spell_say_number(sp, &whole, form);
    } else {
        tb_spell_say_number(sp, n, form);
    }
    if (scale) tb_spell_say(sp, scale);
    /* un millón de euros, dos mil euros */
    size_t zeros = n->n > 6 && !n->point ? strspn(n->digits + n->n - 6, "0") : 0;
    if (es &&
        ((scale && strstr(scale, "llon")) || (scale && strstr(scale, "llón")) ||
         (scale && (strcmp(scale, "lakhs") == 0 || strcmp(scale, "crores") == 0)) || zeros == 6))
        tb_spell_say(sp, "de");
    if (es)
        tb_spell_say(sp, one ? c->es : c->es_plural);
    else
        tb_spell_say(sp, one || adjective ? c->en : c->en_plural);
    if (cents <= 0) return;
    tb_spell_say(sp, es ? "con" : "and");
    say_cents(sp, c, cents);
}
