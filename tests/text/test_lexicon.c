/*
 * Tests of pronunciations: whole words, case, order, refusals, time.
 */
#include "base/mem.h"
#include "text/lexicon.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static bool spanish(void *self, const char *language)
{
    (void)self;
    return strncmp(language, "es", 2) == 0;
}

typedef struct {
    const char *word, *say, *language;
    bool own;
} entry;

static char *apply(const entry *entries, size_t n, const char *text, size_t *used)
{
    tb_pronunciations list = {0};
    tb_str out;
    for (size_t i = 0; i < n; i++)
        assert_int_equal(tb_pronunciations_add(&list, entries[i].word, entries[i].say,
                                               entries[i].language, entries[i].own, NULL, NULL),
                         TB_OK);
    tb_lexicon *l = tb_lexicon_new(&list, spanish, NULL);
    tb_str_init(&out, 1 << 20);
    tb_lexicon_apply(l, text, strlen(text), &out);
    for (size_t i = 0; i < n && used; i++)
        *used += tb_lexicon_used(l, i);
    tb_lexicon_free(l);
    tb_pronunciations_clear(&list);
    return tb_str_take(&out);
}

static void becomes(const entry *entries, size_t n, const char *text, const char *want)
{
    char *got = apply(entries, n, text, NULL);
    assert_string_equal(got, want);
    free(got);
}

static void whole_words_are_replaced_in_any_case(void **state)
{
    static const entry e[] = {
        {"k8s", "kubernetes", NULL, false},   {"gif", "jif", NULL, false},
        {"Nguyen", "nwin", NULL, false},      {"C++", "see plus plus", NULL, false},
        {"New York", "nu york", NULL, false}, {"&", "and", NULL, false},
        {"año", "anio", NULL, false},         {"Ελλάδα", "Greece", NULL, false},
        {"don't", "do not", NULL, false},     {"3", "drei", NULL, false},
        {"重庆", "chong qing", NULL, false},  {".NET", "dot net", NULL, false},
    };
    static const char *const pairs[][2] = {
        {"k8s", "kubernetes"},
        {"K8S, k8s. (K8s)", "kubernetes, kubernetes. (kubernetes)"},
        {"ak8s k8sa k8s9 _k8s_", "ak8s k8sa k8s9 _kubernetes_"},
        {"k8s's k8s-like", "kubernetes's kubernetes-like"},
        {"A GIF, gifs", "A jif, gifs"},
        {"NGUYEN nguyen Nguyen", "nwin nwin nwin"},
        {"C++ c++17 c+++", "see plus plus see plus plus17 see plus plus+"},
        {"new  York\nNEW\nYORK new-york", "nu york\nnu york new-york"},
        {"you & me&us", "you and meandus"},
        {"EL AÑO añO años", "EL anio anio años"},
        {"ΕΛΛΆΔΑ ελλάδα", "Greece Greece"},
        {"Don’t don't DON'T", "do not do not do not"},
        {"3 3.5 1,3 3. 33 3", "drei 3.5 1,3 drei. 33 drei"},
        {"我在重庆住", "我在chong qing住"},
        {"用k8s的人", "用kubernetes的人"},
        {".NET x.NET", "dot net xdot net"},
        {"[k8s] k8s [gif", "[k8s] kubernetes [jif"},
        {"", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        becomes(e, sizeof e / sizeof *e, pairs[i][0], pairs[i][1]);
}

static void a_capital_inside_makes_case_matter(void **state)
{
    static const entry e[] = {
        {"US", "United States", NULL, false}, {"iOS", "eye oh es", NULL, false},
        {"Polish", "Pole-ish", NULL, false},  {"it", "eet", NULL, false},
        {"IT", "eye tee", NULL, false},
    };
    (void)state;
    becomes(e, 5, "Tell us about US Us ios IOS iOS",
            "Tell us about United States Us ios IOS eye oh es");
    becomes(e, 5, "polish Polish POLISH", "Pole-ish Pole-ish Pole-ish");
    becomes(e, 5, "it IT It iT", "eet eye tee eet eet");
}

static void the_longest_the_own_and_the_narrowest_go_first(void **state)
{
    static const entry e[] = {
        {"san", "saint", NULL, false},        {"san jose", "san ho-say", NULL, false},
        {"jose", "ho-say", "en", false}, /* not of this language */
        {"data", "day-ta", NULL, false},      {"data", "dah-ta", "es", false},
        {"data", "dah-tah", "es-419", false}, {"web", "first", NULL, false},
        {"web", "uep", "es", false},          {"web", "last", NULL, true},
        {"red", "one", NULL, true},           {"red", "two", NULL, true},
    };
    (void)state;
    becomes(e, 11, "San Jose, san Josef, jose", "san ho-say, saint Josef, jose");
    becomes(e, 11, "data web red", "dah-tah last two");
    size_t used = 0;
    free(apply(e, 11, "data data web", &used));
    assert_int_equal(used, 2);
}

static void what_is_said_is_not_read_again(void **state)
{
    static const entry e[] = {{"a", "a b", NULL, false}, {"b", "a a", NULL, false}};
    (void)state;
    becomes(e, 2, "a b a", "a b a a a b");
}

static void what_is_no_entry_is_refused_by_name(void **state)
{
    static const struct {
        const char *word, *say, *field;
    } bad[] = {
        {"", "x", "word"},         {"  \t", "x", "word"},   {NULL, "x", "word"},
        {"a", "", "say"},          {"a", NULL, "say"},      {"[a]", "x", "word"},
        {"a", "x [laugh]", "say"}, {"a\x01", "x", "word"},  {"\xFF", "x", "word"},
        {"a", "\xC3", "say"},      {"a", "\x1b[2J", "say"},
    };
    tb_pronunciations list = {0};
    char *longer = malloc(1000);
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tb_err err = {0};
        assert_int_equal(tb_pronunciations_add(&list, bad[i].word, bad[i].say, NULL, true, NULL,
                                               &err),
                         TB_EINVAL);
        assert_string_equal(err.field, bad[i].field);
        assert_int_equal(tb_pronunciations_add(&list, bad[i].word, bad[i].say, NULL, true,
                                               "pronunciations", &err),
                         TB_EINVAL);
        assert_string_equal(err.field, "pronunciations");
    }
    assert_non_null(longer);
    memset(longer, 'a', 999);
    longer[999] = 0;
    for (size_t n = 64; n <= 65; n++) {
        char *word = tb_strndup(longer, n);
        assert_int_equal(tb_pronunciations_add(&list, word, "x", NULL, true, NULL, NULL),
                         n == 64 ? TB_OK : TB_EINVAL);
        tb_free(word);
    }
    for (size_t n = 200; n <= 201; n++) {
        char *say = tb_strndup(longer, n);
        assert_int_equal(tb_pronunciations_add(&list, "b", say, NULL, true, NULL, NULL),
                         n == 200 ? TB_OK : TB_EINVAL);
        tb_free(say);
    }
    assert_int_equal(tb_pronunciations_add(&list, " e\xCC\x81t  e\xCC\x81 ", "x", NULL, true, NULL,
                                           NULL),
                     TB_OK);
    assert_string_equal(list.items[list.n - 1].word, "ét é");
    /* What cannot be seen is not in the texts either. */
    assert_int_equal(tb_pronunciations_add(&list,
                                           "\xEF\xBB\xBFk\xE2\x80\x8B"
                                           "8\xC2\xAD"
                                           "s\xE2\x80\x8D",
                                           "ku\xE2\x80\xAE"
                                           "ber",
                                           NULL, true, NULL, NULL),
                     TB_OK);
    assert_string_equal(list.items[list.n - 1].word, "k8s");
    assert_string_equal(list.items[list.n - 1].say, "kuber");
    assert_int_equal(tb_pronunciations_add(&list, "\xE2\x80\x8B", "x", NULL, true, NULL, NULL),
                     TB_EINVAL);
    /* Persian parts letters with a character of no width. */
    assert_int_equal(tb_pronunciations_add(&list, "می\xE2\x80\x8Cشود", "x", NULL, true, NULL, NULL),
                     TB_OK);
    assert_string_equal(list.items[list.n - 1].word, "می\xE2\x80\x8Cشود");
    tb_pronunciations_clear(&list);
    free(longer);
}

static void two_spellings_of_a_word_have_one_key(void **state)
{
    static const char *const pairs[][2] = {{"K8s", "k8s"}, {"NASA", "NASA"},
                                           {"Ñu", "ñu"},   {"New York", "new york"},
                                           {"iOS", "iOS"}, {"don’t", "don't"}};
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char *key = tb_pronunciation_key(pairs[i][0]);
        assert_string_equal(key, pairs[i][1]);
        tb_free(key);
    }
}

/* Many entries that begin alike, and a text in which they nearly stand everywhere. */
static void time_grows_with_the_text_and_not_with_the_entries(void **state)
{
    enum { ENTRIES = 1000, TEXT = 1000000 };
    tb_pronunciations list = {0};
    tb_str out;
    char word[65], *text = malloc(TEXT + 1);
    (void)state;
    assert_non_null(text);
    for (int i = 0; i < ENTRIES; i++) {
        memset(word, 'a', 64);
        word[64] = 0;
        for (int k = 1; k < 60; k += 2)
            word[k] = ' ';
        for (int k = 0, x = i; k < 10; k++, x /= 2) /* case variants and ends of their own */
            word[62 - 2 * (k % 3)] = (char)(x % 2 ? 'A' : 'b' + k);
        assert_int_equal(tb_pronunciations_add(&list, word, "x", NULL, true, NULL, NULL), TB_OK);
    }
    for (size_t i = 0; i < TEXT; i++)
        text[i] = i % 2 ? ' ' : 'a';
    text[TEXT] = 0;
    tb_str_init(&out, 4 * TEXT);
    clock_t begin = clock();
    tb_lexicon *l = tb_lexicon_new(&list, spanish, NULL);
    tb_lexicon_apply(l, text, TEXT, &out);
    assert_in_range(clock() - begin, 0, 4 * CLOCKS_PER_SEC);
    assert_int_equal(out.len, TEXT);
    tb_str_clear(&out);
    tb_str_init(&out, 100); /* a ceiling is a ceiling */
    tb_lexicon_apply(l, text, TEXT, &out);
    assert_true(out.full);
    tb_str_clear(&out);
    tb_lexicon_free(l);
    tb_pronunciations_clear(&list);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_words_are_replaced_in_any_case),
        cmocka_unit_test(a_capital_inside_makes_case_matter),
        cmocka_unit_test(the_longest_the_own_and_the_narrowest_go_first),
        cmocka_unit_test(what_is_said_is_not_read_again),
        cmocka_unit_test(what_is_no_entry_is_refused_by_name),
        cmocka_unit_test(two_spellings_of_a_word_have_one_key),
        cmocka_unit_test(time_grows_with_the_text_and_not_with_the_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
