/*
 * A number as it was read, said: whole part, point and fraction, fraction sign.
 */
#include "text/spell_rules_priv.h"

#include <string.h>

static void cardinal(tb_speller *sp, const char *digits, size_t n, tb_es_form form)
{
    tb_spell_words w = {0};
    if (sp->kind == TB_SPELL_ES)
        tb_es_cardinal(&w, digits, n, form);
    else
        tb_en_cardinal(&w, digits, n, sp->british);
    tb_spell_say_words(sp, &w);
}

/* Digits of a fraction: one by one; in Spanish up to three together unless a zero begins them. */
static void fraction(tb_speller *sp, const tb_spell_number *n)
{
    const char *digits = sp->s + n->fraction;
    if (sp->kind == TB_SPELL_ES && n->n_fraction <= 3 && digits[0] != '0')
        cardinal(sp, digits, n->n_fraction, TB_ES_ALONE);
    else
        tb_spell_digits(sp, digits, n->n_fraction);
}

/* Numbers of this length without separators are names of things: accounts, telephones. */
static bool is_code(const tb_spell_number *n)
{
    if (n->grouped || n->point) return false;
    if (n->n > 1 && n->digits[0] == '0') return true;
    return n->n >= 10 && strcmp(n->digits + n->n - 3, "000") != 0;
}

void tb_spell_say_number(tb_speller *sp, const tb_spell_number *n, tb_es_form form)
{
    const bool es = sp->kind == TB_SPELL_ES;
    if (is_code(n)) {
        tb_spell_digits(sp, n->digits, n->n);
        return;
    }
    /* uno coma cinco kilómetros: nothing is counted */
    if (n->n > 0) cardinal(sp, n->digits, n->n, n->point ? TB_ES_ALONE : form);
    if (n->point) {
        if (n->n == 0 && es) tb_spell_say(sp, "cero");
        tb_spell_say(sp, !es ? "point" : n->point == ',' ? "coma" : "punto");
        fraction(sp, n);
    }
    if (n->above) tb_spell_say_half(sp, n->above, n->below, form);
}

void tb_spell_say_value(tb_speller *sp, long value, tb_es_form form)
{
    char digits[24];
    size_t n = 0;
    long power = 1;
    if (value < 0) value = 0; /* no caller has one */
    while (power <= value / 10)
        power *= 10;
    for (; power > 0; power /= 10)
        digits[n++] = (char)('0' + value / power % 10);
    cardinal(sp, digits, n, form);
}

void tb_spell_say_ordinal(tb_speller *sp, long value, bool feminine, bool apocope)
{
    tb_spell_words w = {0};
    if (sp->kind == TB_SPELL_ES) {
        if (tb_es_ordinal(&w, value, feminine, apocope))
            tb_spell_say_words(sp, &w);
        else
            tb_spell_say_value(sp, value, feminine ? TB_ES_FEMININE : TB_ES_ALONE);
        return;
    }
    char digits[24];
    size_t n = 0;
    long power = 1;
    if (value < 0) value = 0; /* no caller has one */
    while (power <= value / 10)
        power *= 10;
    for (; power > 0; power /= 10)
        digits[n++] = (char)('0' + value / power % 10);
    tb_en_ordinal(&w, digits, n, sp->british);
    tb_spell_say_words(sp, &w);
}
