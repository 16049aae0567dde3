/*
 * English numbers as words: cardinals of up to 36 digits, ordinals, years in pairs. British English
 * says "and" before what follows a hundred.
 */
#include "text/spell_rules_priv.h"

#include <string.h>

static const char *const small[] = {"zero",    "one",     "two",       "three",    "four",
                                    "five",    "six",     "seven",     "eight",    "nine",
                                    "ten",     "eleven",  "twelve",    "thirteen", "fourteen",
                                    "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
static const char *const joined[] = {"",      "-one", "-two",   "-three", "-four",
                                     "-five", "-six", "-seven", "-eight", "-nine"};
static const char *const tens[] = {"",      "",      "twenty",  "thirty", "forty",
                                   "fifty", "sixty", "seventy", "eighty", "ninety"};
static const char *const scales[] = {"",           "thousand",    "million",     "billion",
                                     "trillion",   "quadrillion", "quintillion", "sextillion",
                                     "septillion", "octillion",   "nonillion",   "decillion"};

static void add(tb_spell_words *w, const char *word)
{
    if (w->n < TB_SPELL_FORMS) w->w[w->n++] = word;
}

static void below_hundred(tb_spell_words *w, int v)
{
    if (v < 20) {
        add(w, small[v]);
        return;
    }
    add(w, tens[v / 10]);
    if (v % 10) add(w, joined[v % 10]);
}

static void below_thousand(tb_spell_words *w, int v, bool british)
{
    if (v >= 100) {
        add(w, small[v / 100]);
        add(w, "hundred");
        if (british && v % 100) add(w, "and");
    }
    if (v % 100) below_hundred(w, v % 100);
}

void tb_en_cardinal(tb_spell_words *w, const char *digits, size_t n, bool british)
{
    while (n > 0 && *digits == '0')
        digits++, n--;
    if (n == 0) add(w, small[0]);
    bool any = false;
    for (size_t left = n; left > 0;) {
        size_t take = left % 3 ? left % 3 : 3;
        int v = 0;
        for (size_t i = 0; i < take; i++)
            v = v * 10 + (*digits++ - '0');
        left -= take;
        if (v == 0) continue;
        if (british && any && left == 0 && v < 100) add(w, "and");
        below_thousand(w, v, british);
        if (left > 0) add(w, scales[left / 3]);
        any = true;
    }
}

/* first, second, ...: the last word of a cardinal changes. */
static const char *const last_words[][2] = {
    {"one", "first"},           {"two", "second"},
    {"three", "third"},         {"five", "fifth"},
    {"eight", "eighth"},        {"nine", "ninth"},
    {"twelve", "twelfth"},      {"-one", "-first"},
    {"-two", "-second"},        {"-three", "-third"},
    {"-five", "-fifth"},        {"-eight", "-eighth"},
    {"-nine", "-ninth"},        {"twenty", "twentieth"},
    {"thirty", "thirtieth"},    {"forty", "fortieth"},
    {"fifty", "fiftieth"},      {"sixty", "sixtieth"},
    {"seventy", "seventieth"},  {"eighty", "eightieth"},
    {"ninety", "ninetieth"},    {"zero", "zeroth"},
    {"four", "fourth"},         {"six", "sixth"},
    {"seven", "seventh"},       {"ten", "tenth"},
    {"eleven", "eleventh"},     {"thirteen", "thirteenth"},
    {"fourteen", "fourteenth"}, {"fifteen", "fifteenth"},
    {"sixteen", "sixteenth"},   {"seventeen", "seventeenth"},
    {"eighteen", "eighteenth"}, {"nineteen", "nineteenth"},
    {"-four", "-fourth"},       {"-six", "-sixth"},
    {"-seven", "-seventh"},     {"hundred", "hundredth"},
    {"thousand", "thousandth"}, {"million", "millionth"},
    {"billion", "billionth"},   {"trillion", "trillionth"},
};

void tb_en_ordinal(tb_spell_words *w, const char *digits, size_t n, bool british)
{
    tb_en_cardinal(w, digits, n, british);
    for (size_t i = 0; i < sizeof last_words / sizeof *last_words; i++)
        if (strcmp(w->w[w->n - 1], last_words[i][0]) == 0) {
            w->w[w->n - 1] = last_words[i][1];
            return;
        }
}

void tb_en_year(tb_spell_words *w, long year, bool british)
{
    int high = (int)(year / 100), low = (int)(year % 100);
    if (year < 1000 || year > 9999 || high % 10 == 0) { /* 2000 to 2099 below */
        if (year >= 1000 && year <= 9999 && low >= 10) {
            below_hundred(w, high);
            below_hundred(w, low);
            return;
        }
        char digits[24];
        size_t n = 0, power = 1;
        while (power <= (size_t)(year < 0 ? 0 : year) / 10)
            power *= 10;
        for (; power > 0; power /= 10)
            digits[n++] = (char)('0' + (size_t)(year < 0 ? 0 : year) / power % 10);
        tb_en_cardinal(w, digits, n, british);
        return;
    }
    below_hundred(w, high);
    if (low == 0) {
        add(w, "hundred");
    } else if (low < 10) {
        add(w, "oh");
        add(w, small[low]);
    } else {
        below_hundred(w, low);
    }
}
