/*
 * The tables tests/data/text/spell_<language>.tsv: a text and how it is spoken, read by a person.
 * A line that begins with # is a comment; "#lang es-419" changes the language of the lines that
 * follow.
 */
#include "base/mem.h"
#include "base/str.h"
#include "text/spell_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char *spell(const char *text, const char *language)
{
    tb_str out = {0};
    assert_int_equal(tb_spell(text, strlen(text), language, NULL, &out, NULL), TB_OK);
    return tb_str_take(&out);
}

/* Counts the cases; prints those that do not hold. */
static int table(const char *language, int *bad)
{
    char path[512], line[4096], code[40];
    int count = 0, number = 0;
    snprintf(path, sizeof path, "%s/text/spell_%s.tsv", TB_TEST_DATA, language);
    snprintf(code, sizeof code, "%s", language);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        number++;
        line[strcspn(line, "\n")] = 0;
        if (sscanf(line, "#lang %39s", code) == 1 || !*line || (line[0] == '#' && line[1] == ' '))
            continue;
        char *want = strchr(line, '\t');
        if (!want) {
            print_error("%s:%d: no tab\n", path, number);
            ++*bad;
            continue;
        }
        *want++ = 0;
        char *got = spell(line, code);
        if (strcmp(got, want) != 0) {
            print_error("%s:%d: [%s]\n   said   [%s]\n   wanted [%s]\n", path, number, line, got,
                        want);
            ++*bad;
        }
        tb_free(got);
        count++;
    }
    fclose(f);
    return count;
}

static void english_is_spoken_as_the_table_says(void **state)
{
    int bad = 0;
    (void)state;
    assert_true(table("en", &bad) >= 300);
    assert_int_equal(bad, 0);
}

static void spanish_is_spoken_as_the_table_says(void **state)
{
    int bad = 0;
    (void)state;
    assert_true(table("es", &bad) >= 300);
    assert_int_equal(bad, 0);
}

static void other_languages_lose_no_sign(void **state)
{
    int bad = 0;
    (void)state;
    assert_true(table("other", &bad) >= 300);
    assert_int_equal(bad, 0);
}

/* Twice the text, twice the time: no row of one thing costs more by its length. Rows of 200,000
 * bytes would take minutes if a rule looked at the rest of them again and again. */
static void rows_of_anything_take_linear_time(void **state)
{
    static const char *const rows[] = {"1",        "1,",    "1.",      "1 ",   "1-",       "1/",
                                       "$",        "-",     "[",       "[1",   "½",        "a.",
                                       "A.",       "I",     "X ",      "1:",   "(",        "(1",
                                       "+",        "'",     "°",       "%",    "\xC2\xB2", "é",
                                       "@",        "a@",    "http://", "1st ", "Dr. ",     "á ",
                                       "\xCE\xB1", "5 km/", "1'",      "6\"",  "12' x ",   "V y ",
                                       "[a]",      "1,23,", "1:1,",    "X-",   "3rd-"};
    enum { SIZE = 200000 };
    char *text = tb_alloc(SIZE + 1);
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t n = strlen(rows[i]), len = 0;
        for (; len + n <= SIZE; len += n)
            memcpy(text + len, rows[i], n);
        text[len] = 0;
        static const char *const languages[] = {"en", "es", "de", "he"};
        for (size_t k = 0; k < sizeof languages / sizeof *languages; k++) {
            char *said = spell(text, languages[k]);
            assert_true(strlen(said) <= (size_t)TB_SPELL_GROWTH * (len + 8));
            tb_free(said);
        }
    }
    tb_free(text);
}

static void what_is_not_utf8_is_refused(void **state)
{
    tb_str out = {0};
    tb_err err = {0};
    (void)state;
    assert_int_equal(tb_spell("a\xFF", 2, "en", NULL, &out, &err), TB_EINVAL);
    assert_string_equal(err.field, "text");
    assert_null(out.data);
    assert_int_equal(tb_spell("", 0, NULL, NULL, &out, &err), TB_OK);
    assert_int_equal(out.len, 0);
    tb_str_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(english_is_spoken_as_the_table_says),
        cmocka_unit_test(spanish_is_spoken_as_the_table_says),
        cmocka_unit_test(other_languages_lose_no_sign),
        cmocka_unit_test(rows_of_anything_take_linear_time),
        cmocka_unit_test(what_is_not_utf8_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
