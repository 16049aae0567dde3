/*
 * Numbers of the languages that espeak-ng speaks, but whose digits it passes over in silence:
 * Hebrew (the feminine, as one counts), Turkmen, Chuvash and Nogai.
 */
#include "text/spell_other_priv.h"

#include <string.h>

/* 1 to 9, tens, hundred, thousand, million, in the order that they are written. */
typedef struct {
    const char *code;
    const char *zero, *ones[10], *tens[10], *hundred, *thousand, *million;
} counting;

/* clang-format off */
static const counting turkic[] = {
    {"tk", "nol", {"", "bir", "iki", "üç", "dört", "bäş", "alty", "ýedi", "sekiz", "dokuz"},
     {"", "on", "ýigrimi", "otuz", "kyrk", "elli", "altmyş", "ýetmiş", "segsen", "togsan"}, "ýüz", "müň", "million"},
    {"cv", "ноль", {"", "пӗр", "икӗ", "виҫӗ", "тӑватӑ", "пилӗк", "улт", "ҫич", "сакӑр", "тӑхӑр"},
     {"", "вун", "ҫирӗм", "вӑтӑр", "хӗрӗх", "аллӑ", "утмӑл", "ҫитмӗл", "сакӑрвун", "тӑхӑрвун"}, "ҫӗр", "пин", "миллион"},
    {"nog", "ноль", {"", "бир", "эки", "уьш", "доьрт", "бес", "алты", "йети", "сегиз", "тогыз"},
     {"", "он", "йырма", "отыз", "кырк", "элли", "алпыс", "йетпис", "сексен", "токсан"}, "юз", "мынъ", "миллион"},
};
static const char *const he_ones[] = {"אפס", "אחת", "שתיים", "שלוש", "ארבע", "חמש", "שש", "שבע", "שמונה", "תשע", "עשר"};
static const char *const he_teens[] = {"", "אחת עשרה", "שתים עשרה", "שלוש עשרה", "ארבע עשרה", "חמש עשרה", "שש עשרה", "שבע עשרה", "שמונה עשרה", "תשע עשרה"};
static const char *const he_tens[] = {"", "עשר", "עשרים", "שלושים", "ארבעים", "חמישים", "שישים", "שבעים", "שמונים", "תשעים"};
static const char *const he_thousands[] = {"", "אלף", "אלפיים", "שלושת אלפים", "ארבעת אלפים", "חמשת אלפים", "ששת אלפים", "שבעת אלפים", "שמונת אלפים", "תשעת אלפים", "עשרת אלפים"};
/* clang-format on */

static void below_thousand(tb_speller *sp, const counting *c, long v)
{
    if (v >= 200) tb_spell_say(sp, c->ones[v / 100]);
    if (v >= 100) tb_spell_say(sp, c->hundred);
    if (v % 100 >= 10) tb_spell_say(sp, c->tens[v % 100 / 10]);
    if (v % 10) tb_spell_say(sp, c->ones[v % 10]);
}

static void say_turkic(tb_speller *sp, const counting *c, long v)
{
    if (v == 0) tb_spell_say(sp, c->zero);
    if (v >= 1000000) {
        below_thousand(sp, c, v / 1000000);
        tb_spell_say(sp, c->million);
    }
    v %= 1000000;
    if (v >= 1000) {
        if (v >= 2000) below_thousand(sp, c, v / 1000);
        tb_spell_say(sp, c->thousand);
    }
    below_thousand(sp, c, v % 1000);
}

/* The last part of a Hebrew number has "and" in front of it, written with it. */
static void he_part(tb_speller *sp, const char *word, bool joined)
{
    char both[64] = "ו";
    if (joined && strlen(word) + 3 < sizeof both) {
        strcat(both, word);
        tb_spell_say(sp, both);
    } else {
        tb_spell_say(sp, word);
    }
}

static void he_below_thousand(tb_speller *sp, long v, bool after)
{
    bool spoken = after;
    if (v >= 100) {
        bool last = v % 100 == 0;
        if (v < 200)
            he_part(sp, "מאה", spoken && last);
        else if (v < 300)
            he_part(sp, "מאתיים", spoken && last);
        else {
            he_part(sp, he_ones[v / 100], spoken && last);
            tb_spell_say(sp, "מאות");
        }
        spoken = true;
    }
    v %= 100;
    if (v == 0) return;
    if (v <= 10) {
        he_part(sp, he_ones[v], spoken);
    } else if (v < 20) {
        he_part(sp, he_teens[v - 10], spoken);
    } else if (v % 10 == 0) {
        he_part(sp, he_tens[v / 10], spoken);
    } else {
        tb_spell_say(sp, he_tens[v / 10]);
        he_part(sp, he_ones[v % 10], true);
    }
}

static void say_hebrew(tb_speller *sp, long v)
{
    bool spoken = false;
    if (v == 0) tb_spell_say(sp, he_ones[0]);
    if (v >= 1000000) {
        if (v >= 3000000)
            he_below_thousand(sp, v / 1000000, false);
        else if (v >= 2000000)
            tb_spell_say(sp, "שני");
        tb_spell_say(sp, "מיליון");
        spoken = true;
    }
    v %= 1000000;
    if (v >= 11000) {
        he_below_thousand(sp, v / 1000, spoken && v % 1000 == 0);
        tb_spell_say(sp, he_thousands[1]);
        spoken = true;
    } else if (v >= 1000) {
        he_part(sp, he_thousands[v / 1000], spoken && v % 1000 == 0);
        spoken = true;
    }
    he_below_thousand(sp, v % 1000, spoken);
}

const char *tb_spell_count_point(const tb_speller *sp)
{
    if (strcmp(sp->code, "tk") == 0) return "nokat";
    return strncmp(sp->code, "he", 2) == 0 ? "נקודה" : "запятая";
}

bool tb_spell_count(tb_speller *sp, const char *digits, size_t n)
{
    const counting *c = NULL;
    bool hebrew = strncmp(sp->code, "he", 2) == 0 && (sp->code[2] == 0 || sp->code[2] == '-');
    for (size_t i = 0; i < sizeof turkic / sizeof *turkic; i++)
        if (strcmp(sp->code, turkic[i].code) == 0) c = &turkic[i];
    if (!c && !hebrew) return false;
    bool code = n > 9 || (n > 1 && digits[0] == '0');
    for (size_t at = 0; at < n;) {
        size_t take = code ? 1 : n;
        long v = 0;
        for (size_t k = 0; k < take; k++)
            v = v * 10 + (digits[at + k] - '0');
        if (hebrew)
            say_hebrew(sp, v);
        else
            say_turkic(sp, c, v);
        at += take;
    }
    return true;
}
