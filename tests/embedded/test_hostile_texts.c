/*
 * Texts that nobody would speak and somebody might send: one unit again and again. What the front
 * and the script do with them takes time in proportion to their length, in processor time of this
 * thread. TEXTS_VERBOSE=1 prints the figures.
 */
#include "base/mem.h"
#include "base/str.h"
#include "text/front.h"
#include "text/guess.h"
#include "text/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* The whole text is head, unit again and again, tail. */
static const struct {
    const char *name, *unit, *head, *tail;
} texts[] = {
    {"one word", "a", "", ""},
    {"one word of capitals", "W", "", ""},
    {"one word with accents", "\xC3\xA9", "", ""},
    {"opening brackets", "[", "", ""},
    {"closing brackets", "]", "", ""},
    {"pairs of brackets", "[]", "", ""},
    {"tags", "[laugh]", "", ""},
    {"unknown tags", "[x]", "", ""},
    {"nested brackets", "[a[", "", ""},
    {"beds", "[rain]", "", ""},
    {"pauses", "[pause:1]", "", ""},
    {"parentheses", "(", "", ""},
    {"braces", "{a}", "", ""},
    {"combining marks", "\xCC\x81", "e", ""},
    {"combining marks of two classes", "\xCC\x81\xCC\xA7", "e", ""},
    {"Hangul letters", "\xE1\x84\x80\xE1\x85\xA1", "", ""},
    {"dots", ".", "", ""},
    {"dots and blanks", ". ", "", ""},
    {"commas", ",", "", ""},
    {"exclamations", "!?", "", ""},
    {"quotes", "\"", "", ""},
    {"curly quotes", "\xE2\x80\x9C", "", ""},
    {"apostrophes", "'", "", ""},
    {"contractions", "o'", "", ""},
    {"hyphens", "-", "", ""},
    {"dashes", "\xE2\x80\x94", "", ""},
    {"hyphenated", "a-", "", ""},
    {"emoji", "\xF0\x9F\x98\x80", "", ""},
    {"families", "\xF0\x9F\x91\xA8\xE2\x80\x8D", "", ""},
    {"flags", "\xF0\x9F\x87\xAA", "", ""},
    {"keycaps", "1\xEF\xB8\x8F\xE2\x83\xA3", "", ""},
    {"zero-width spaces", "\xE2\x80\x8B", "", ""},
    {"zero-width joiners", "a\xE2\x80\x8D", "", ""},
    {"soft hyphens", "a\xC2\xAD", "", ""},
    {"right-to-left marks", "\xE2\x80\x8F", "", ""},
    {"overrides",
     "\xE2\x80\xAE"
     "a",
     "", ""},
    {"less than", "<", "", ""},
    {"less than and a letter", "<a", "", ""},
    {"opened elements", "<b>", "", ""},
    {"closed elements", "</b>", "", ""},
    {"an attribute", "a=\"", "<p ", ""},
    {"comments", "<!--", "", ""},
    {"comments closed", "<!-- -->", "", ""},
    {"scripts", "<script>", "", ""},
    {"styles", "<style>a", "", ""},
    {"breaks", "<br>", "", ""},
    {"times of a break", "<break time=\"1s\"/>", "", ""},
    {"ampersands", "&", "", ""},
    {"entities", "&amp;", "", ""},
    {"numbered entities", "&#65;", "", ""},
    {"entities of nothing", "&aaaaaaaa", "", ""},
    {"a long entity", "0", "&#", ";"},
    {"digits", "7", "", ""},
    {"digits with commas", "1,", "", ""},
    {"groups of thousands", "000,", "1,", "000"},
    {"decimal points", "1.", "", ""},
    {"numbers and blanks", "1 ", "", ""},
    {"colons between digits", "1:", "", ""},
    {"slashes between digits", "1/", "", ""},
    {"hyphens between digits", "1-", "", ""},
    {"telephone numbers", "555-0100 ", "", ""},
    {"signs and digits", "-1", "", ""},
    {"money", "$1", "", ""},
    {"signs of money", "$", "", ""},
    {"euros", "5\xE2\x82\xAC ", "", ""},
    {"percent", "%", "", ""},
    {"degrees", "1\xC2\xB0", "", ""},
    {"powers", "2\xC2\xB2", "", ""},
    {"exponents", "^2", "x", ""},
    {"fractions", "\xC2\xBD", "", ""},
    {"units", "1kg ", "", ""},
    {"units per", "km/", "1 ", "h"},
    {"plus", "+", "", ""},
    {"equal", "=", "", ""},
    {"a roman number", "M", "Henry ", ""},
    {"roman numbers", "XIV ", "", ""},
    {"roman letters", "IVXLCDM", "", ""},
    {"abbreviations", "a.b.c. ", "", ""},
    {"one abbreviation", "a.", "", ""},
    {"titles", "Mr. ", "", ""},
    {"abbreviations of Spanish", "EE. UU. ", "", ""},
    {"stars", "*", "", ""},
    {"stars and letters", "*a", "", ""},
    {"bold", "**a** ", "", ""},
    {"nested emphasis", "*_", "", ""},
    {"underscores", "_a", "", ""},
    {"tildes", "~", "", ""},
    {"backticks", "`", "", ""},
    {"backticks and letters", "`a", "", ""},
    {"backticks of many lengths", "`a``b```c", "", ""},
    {"fences", "```\n", "", ""},
    {"headings", "# a\n", "", ""},
    {"hashes", "#", "", ""},
    {"quotations", ">", "", ""},
    {"lists", "- a\n", "", ""},
    {"nested lists", " - ", "", ""},
    {"tables", "|a", "", ""},
    {"rows of tables", "|a|b|\n|-|-|\n", "", ""},
    {"links", "[a](b)", "", ""},
    {"half links", "[a](", "", ""},
    {"nested links", "[![", "", ""},
    {"footnotes", "[1]", "", ""},
    {"references", "[a][", "", ""},
    {"backslashes", "\\", "", ""},
    {"escapes", "\\*", "", ""},
    {"addresses", "https://a.b/c?d ", "", ""},
    {"one address", "a/", "https://x.org/", ""},
    {"dots of an address", "a.", "www.", ""},
    {"half addresses", "https://", "", ""},
    {"mail", "a@", "", ""},
    {"mails", "a@b.c ", "", ""},
    {"at signs", "@", "", ""},
    {"line ends", "\n", "", ""},
    {"carriage returns", "\r", "", ""},
    {"short lines", "a\n", "", ""},
    {"blanks", " ", "a", "b"},
    {"tabs", "\t", "a", "b"},
    {"no-break spaces", "\xC2\xA0", "a", "b"},
    {"Han", "\xE4\xB8\xAD", "", ""},
    {"Han and full stops", "\xE4\xB8\xAD\xE3\x80\x82", "", ""},
    {"kana", "\xE3\x81\x82", "", ""},
    {"Arabic", "\xD8\xB9", "", ""},
    {"Hebrew with points", "\xD7\xA9\xD6\xB8", "", ""},
    {"Thai", "\xE0\xB8\x81\xE0\xB8\xB2", "", ""},
    {"Devanagari", "\xE0\xA4\x95\xE0\xA5\x8D", "", ""},
    {"Cyrillic", "\xD0\xB6 ", "", ""},
    {"two scripts in turn", "a\xD0\xB6", "", ""},
    {"unknown letters", "\xF0\x90\x80\x80 ", "", ""},
    {"ligatures", "\xEF\xAC\x83", "", ""},
    {"the longest decomposition", "\xEF\xB7\xBA", "", ""},
    {"full width", "\xEF\xBC\xA1", "", ""},
    {"mathematical letters", "\xF0\x9D\x90\x80", "", ""},
    {"private use", "\xEE\x80\x80", "", ""},
    {"dates", "1/2/2023 ", "", ""},
    {"ordinals", "1st ", "", ""},
    {"times", "12:30 ", "", ""},
    {"codes", "A1", "", ""},
    {"plain prose", "The quick brown fox jumps over the lazy dog. ", "", ""},
};

enum { TEXTS = sizeof texts / sizeof *texts, SIZE = 12 << 10 };

static int a_bed(void *self, const char *name)
{
    (void)self;
    return tb_str_ieq(name, "rain") ? 0 : -1;
}

static char *long_text(size_t i, size_t size)
{
    tb_str s;
    tb_str_init(&s, size + 1000);
    tb_str_puts(&s, texts[i].head);
    while (s.len < size)
        tb_str_puts(&s, texts[i].unit);
    tb_str_puts(&s, texts[i].tail);
    return tb_str_take(&s);
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void parse(const char *text, bool inline_tags, const char *language)
{
    const tb_script_opts opts = {.find_bed = a_bed,
                                 .text_max = SIZE_MAX,
                                 .language = language,
                                 .tags_inline = inline_tags};
    tb_script script = {0};
    tb_err err = {0};
    if (tb_script_parse(text, &opts, &script, &err) == TB_OK) tb_script_clear(&script);
}

/* All that is done to a text before an engine gets it; with the front and without. ms. */
static double work(const char *text, const char *language, bool normalize)
{
    const tb_script_opts script = {.find_bed = a_bed, .text_max = SIZE_MAX, .language = language};
    const tb_front_opts opts = {.language = language,
                                .script = &script,
                                .letters_only = strcmp(language, "en-us") == 0};
    char *out = NULL, *unspoken = NULL;
    tb_err err = {0};
    const double began = now_ms();
    (void)tb_guess_language(text, "en");
    if (!normalize) {
        parse(text, false, language);
        parse(text, true, language);
    } else if (tb_front_run(text, strlen(text), &opts, &out, &unspoken, &err) == TB_OK) {
        parse(out, false, language);
        parse(out, true, language);
    }
    const double took = now_ms() - began;
    tb_free(out);
    tb_free(unspoken);
    return took;
}

/* The least of some tries: what a machine does besides makes none of them faster. */
static double least(const char *text, const char *language, bool normalize, int tries)
{
    double best = 1e30;
    for (int i = 0; i < tries; i++) {
        const double t = work(text, language, normalize);
        if (t < best) best = t;
    }
    return best;
}

static void time_is_in_proportion(const char *language, bool normalize)
{
    const bool verbose = getenv("TEXTS_VERBOSE") != NULL;
    double worst = 0;
    size_t worst_text = 0, bad = 0;
    for (size_t i = 0; i < TEXTS; i++) {
        char *one = long_text(i, SIZE), *two = long_text(i, 2 * (size_t)SIZE);
        double t1 = 0, t2 = 0, ratio = 0;
        for (int tries = 1; tries <= 16; tries *= 4) { /* a doubt is looked at again */
            t1 = least(one, language, normalize, tries);
            t2 = least(two, language, normalize, tries);
            ratio = t2 / (t1 + 0.2);
            if (ratio <= 2.5) break;
        }
        const double per_kb = t2 / (2.0 * SIZE / 1000);
        if (verbose)
            print_message("%s%s %-32s %8.2f %8.2f ms %5.2f %7.3f ms/kB\n", language,
                          normalize ? "" : " raw", texts[i].name, t1, t2, ratio, per_kb);
        if (ratio > 2.5) {
            print_error("%s%s, %s: %.2f ms for %d kB, %.2f ms for twice that\n", language,
                        normalize ? "" : " raw", texts[i].name, t1, SIZE >> 10, t2);
            bad++;
        }
        if (per_kb > worst) worst = per_kb, worst_text = i;
        free(one);
        free(two);
    }
    print_message("%s%s: at most %.3f ms a kB (%s)\n", language, normalize ? "" : " raw", worst,
                  texts[worst_text].name);
    assert_int_equal(bad, 0);
}

static void in_english(void **state)
{
    (void)state;
    time_is_in_proportion("en-us", true);
}

static void in_spanish(void **state)
{
    (void)state;
    time_is_in_proportion("es", true);
}

static void in_other_languages(void **state)
{
    (void)state;
    time_is_in_proportion("de", true);
    time_is_in_proportion("cmn", true);
}

static void as_written(void **state)
{
    (void)state;
    time_is_in_proportion("en-us", false);
    time_is_in_proportion("es", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_english),
        cmocka_unit_test(in_spanish),
        cmocka_unit_test(in_other_languages),
        cmocka_unit_test(as_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
