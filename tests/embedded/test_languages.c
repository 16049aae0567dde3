/*
 * Tests of finding a language by code or name, with the installed espeak-ng, and of refusals.
 */
#include "base/mem.h"
#include "embedded/base_speaker_priv.h"
#include "embedded/language_names_priv.h"
#include "embedded/languages_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static tb_languages *real;

static int read_the_list(void **state)
{
    const tb_speech_programs programs = {.espeak_program = "espeak-ng"};
    (void)state;
    char *listing = tb_espeak_list_voices(&programs);
    if (!listing) return -1;
    real = tb_languages_new(listing, "en");
    tb_free(listing);
    return 0;
}

static int drop_the_list(void **state)
{
    (void)state;
    tb_languages_free(real);
    return 0;
}

static const char *found(const char *code)
{
    const tb_language *language = NULL;
    tb_err err = {0};
    return tb_languages_find(real, code, &language, &err) ? err.msg[0] ? "-" : "" : language->code;
}

static void the_program_lists_at_least_a_hundred_languages_each_code_once(void **state)
{
    const tb_language *list;
    const size_t n = tb_languages_list(real, &list);
    (void)state;
    assert_in_range(n, 100, 1000);
    for (size_t i = 0; i < n; i++) {
        assert_true(*list[i].code && *list[i].name && *list[i].voice);
        assert_null(strchr(list[i].name, '_'));
        assert_string_equal(found(list[i].code), list[i].code);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(list[i].code, list[k].code);
    }
}

static void a_requested_code_finds_the_language_that_people_mean(void **state)
{
    static const char *const pairs[][2] = {
        {"", "en-us"},
        {"en", "en-us"},
        {"es", "es"},
        {"fr", "fr-fr"},
        {"de", "de"},
        {"it", "it"},
        {"pt", "pt"},
        {"ru", "ru"},
        {"zh", "cmn"},
        {"hi", "hi"},
        {"ar", "ar"},
        {"ja", "ja"},
        {"ko", "ko"},
        {"de-AT", "de"},
        {"es-MX", "es-419"},
        {"es_ve", "es-419"},
        {"es-ES", "es"},
        {"zh-CN", "cmn"},
        {"zh-HK", "yue"},
        {"zh-Hans-CN", "cmn"},
        {"spa", "es"},
        {"fra", "fr-fr"},
        {"deu", "de"},
        {"zho", "cmn"},
        {"eng", "en-us"},
        {"EN_us", "en-us"},
        {"en-uk", "en-gb"},
        {"en-AU", "en-us"},
        {"fr-CA", "fr-fr"},
        {"pt-BR", "pt-br"},
        {"pt-PT", "pt"},
        {"no", "nb"},
        {"nn", "nb"},
        {"iw", "he"},
        {"in", "id"},
        {"tlh", "piqd"},
        {"chr", "chr-us-qaaa-x-west"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        assert_string_equal(found(pairs[i][0]), pairs[i][1]);
}

static void a_language_is_found_by_its_names(void **state)
{
    static const char *const pairs[][2] = {
        {"Spanish", "es"},
        {"español", "es"},
        {"ESPAÑOL", "es"},
        {"espan\xCC\x83ol", "es"}, /* the accent as a character of its own */
        {"espanol", "es"},
        {"  castellano ", "es"},
        {"Castilian", "es"},
        {"Spanish_Mexico", "es-419"},
        {"Mexican Spanish", "es-419"},
        {"español de México", "es-419"},
        {"Spanish (Latin America)", "es-419"},
        {"español de España", "es"},
        {"español de la Argentina", "es-419"},
        {"English", "en-us"},
        {"inglés", "en-us"},
        {"British English", "en-gb"},
        {"inglés británico", "en-gb"},
        {"English (UK)", "en-gb"},
        {"English (America)", "en-us"},
        {"french", "fr-fr"},
        {"francés", "fr-fr"},
        {"Français (Suisse)", "fr-ch"},
        {"Canadian French", "fr-fr"},
        {"Deutsch", "de"},
        {"alemán", "de"},
        {"Austrian German", "de"},
        {"italiano", "it"},
        {"Portuguese", "pt"},
        {"Brazilian Portuguese", "pt-br"},
        {"português do Brasil", "pt-br"},
        {"portugués de Brasil", "pt-br"},
        {"català", "ca"},
        {"valenciano", "ca"},
        {"euskara", "eu"},
        {"Русский", "ru"},
        {"ελληνικά", "el"},
        {"ΕΛΛΗΝΙΚΆ", "el"},
        {"русскии\xCC\x86", "ru"}, /* and so in Cyrillic */
        {"tiê\xCC\x81ng viê\xCC\xA3t", "vi"},
        {"한국어", "ko"},
        {"日本語", "ja"},
        {"中文", "cmn"},
        {"Mandarin Chinese", "cmn"},
        {"Chinese (Hong Kong)", "yue"},
        {"Cantonese", "yue"},
        {"हिन्दी", "hi"},
        {"Türkçe", "tr"},
        {"Norsk Bokmål", "nb"},
        {"tiếng Việt", "vi"},
        {"Gaelic (Scottish)", "gd"}, /* as the list prints it */
        {"k’iche’", "quc"},
        {"Western Armenian", "hyw"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        assert_string_equal(found(pairs[i][0]), pairs[i][1]);
}

static void every_name_of_the_table_finds_its_language_or_none(void **state)
{
    const char *names, *code;
    (void)state;
    for (size_t i = 0; (code = tb_language_names(i, &names)); i++)
        for (const char *p = names; *p;) {
            char one[TB_LANGUAGE_NAME_MAX + 1], folded[TB_LANGUAGE_NAME_MAX + 1];
            size_t len = strcspn(p, "|");
            snprintf(one, sizeof one, "%.*s", (int)len, p);
            tb_language_plain(one, folded);
            assert_in_range(strlen(folded), 2, TB_LANGUAGE_NAME_MAX - 1);
            assert_string_equal(tb_language_named(one), code); /* no name stands twice */
            p += len + (p[len] == '|');
        }
}

static void a_misspelt_name_is_refused_with_the_code_that_was_meant(void **state)
{
    static const char *const pairs[][2] = {
        {"Spansh", "es"}, {"espanyol", "es"},  {"inglish", "en"},
        {"frances", ""},  {"portugese", "pt"}, {"Germann", "de"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const tb_language *language;
        tb_err err = {0};
        char near[16];
        if (!*pairs[i][1]) {
            assert_int_equal(tb_languages_find(real, pairs[i][0], &language, &err), TB_OK);
            continue;
        }
        assert_int_equal(tb_languages_find(real, pairs[i][0], &language, &err), TB_EINVAL);
        snprintf(near, sizeof near, " %s", pairs[i][1]);
        assert_non_null(strstr(err.msg, near));
    }
}

static void a_language_that_nobody_speaks_is_refused_with_five_near_ones(void **state)
{
    static const char *const codes[] = {"xx", "spanisch", "tl", "fil", "qq-qq", "--"};
    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        const tb_language *language;
        tb_err err = {0};
        size_t commas = 0;
        assert_int_equal(tb_languages_find(real, codes[i], &language, &err), TB_EINVAL);
        assert_string_equal(err.field, "language");
        for (const char *p = err.msg; *p; p++)
            commas += *p == ',';
        assert_int_equal(commas, 4);
    }
}

static void hostile_codes_are_refused(void **state)
{
    static const char *const codes[] = {
        "e",
        "en us",
        "../en",
        "en;ls",
        "-v/etc\n",
        "en\x01",
        "\xC3\xA9s",
        "en+f2",
        "gmw/en",
        "%n%n",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        const tb_language *language;
        tb_err err = {0};
        assert_int_equal(tb_languages_find(real, codes[i], &language, &err), TB_EINVAL);
        assert_string_equal(err.field, "language");
    }
}

static void constructed_languages_are_marked(void **state)
{
    const tb_language *list;
    const size_t n = tb_languages_list(real, &list);
    size_t marked = 0;
    (void)state;
    for (size_t i = 0; i < n; i++)
        marked += list[i].constructed;
    assert_in_range(marked, 1, 5);
}

static void a_damaged_list_is_read_as_far_as_it_goes(void **state)
{
    const char *text = "Pty Language Age/Gender VoiceName File Other\n"
                       " 5 de --/M German gmw/de\n broken\n 5\n 5 a --/M\n"
                       " 5 es-419 --/M Spanish_(Latin_America) roa/es-419 (es-mx 6)(es 6)((( 3\n"
                       " 5 nb --/M Norwegian gmq/nb (no 5";
    const tb_language *list, *language;
    (void)state;
    tb_languages *l = tb_languages_new(text, "de");
    assert_int_equal(tb_languages_list(l, &list), 3);
    assert_string_equal(list[1].name, "Spanish (Latin America)");
    assert_int_equal(tb_languages_find(l, "es", &language, NULL), TB_OK);
    assert_string_equal(language->code, "es-419");
    assert_int_equal(tb_languages_find(l, "", &language, NULL), TB_OK);
    assert_string_equal(language->code, "de");
    tb_languages_free(l);
}

/* More languages than there is room for: what fits is kept, and the log says what does not. */
static void a_list_that_is_too_long_is_cut(void **state)
{
    enum { LINES = 500 };
    char *listing = tb_alloc(LINES * 64), *p = listing;
    const tb_language *list, *language;
    (void)state;
    for (int i = 0; i < LINES; i++)
        p += sprintf(p, " 5  x%c%c%c  --/M  Name_%d  file%d\n", 'a' + i / 100, 'a' + i / 10 % 10,
                     'a' + i % 10, i, i);
    tb_languages *l = tb_languages_new(listing, "xaaa");
    const size_t n = tb_languages_list(l, &list);
    assert_in_range(n, 300, LINES - 1);
    assert_int_equal(tb_languages_find(l, list[n - 1].code, &language, NULL), TB_OK);
    tb_languages_free(l);
    tb_free(listing);
}

static void a_default_that_is_left_open_is_english_until_a_text_says_otherwise(void **state)
{
    static const struct {
        const char *wanted, *code;
        bool guesses;
    } all[] = {
        {NULL, "en-us", true},    {"", "en-us", true},
        {"auto", "en-us", true},  {"en", "en-us", false},
        {"español", "es", false}, {"de", "de", false},
        {"es_ES:es", "es", true}, {"de_AT:en", "de", true},
        {":", "en-us", true},     {"tlh_nowhere?:en", "en-us", true},
    };
    char *listing = tb_espeak_list_voices(&(tb_speech_programs){.espeak_program = "espeak-ng"});
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const tb_language *language;
        tb_languages *l = tb_languages_new(listing, all[i].wanted);
        assert_int_equal(tb_languages_find(l, "", &language, NULL), TB_OK);
        assert_string_equal(language->code, all[i].code);
        assert_int_equal(tb_languages_guesses(l), all[i].guesses);
        tb_languages_free(l);
    }
    tb_free(listing);
}

static void without_the_program_there_is_english(void **state)
{
    const tb_language *language;
    (void)state;
    tb_languages *l = tb_languages_new(NULL, NULL);
    assert_int_equal(tb_languages_find(l, "", &language, NULL), TB_OK);
    assert_string_equal(language->code, "en-us");
    assert_int_equal(tb_languages_find(l, "es", &language, NULL), TB_EINVAL);
    tb_languages_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_program_lists_at_least_a_hundred_languages_each_code_once),
        cmocka_unit_test(a_requested_code_finds_the_language_that_people_mean),
        cmocka_unit_test(a_language_is_found_by_its_names),
        cmocka_unit_test(every_name_of_the_table_finds_its_language_or_none),
        cmocka_unit_test(a_misspelt_name_is_refused_with_the_code_that_was_meant),
        cmocka_unit_test(a_language_that_nobody_speaks_is_refused_with_five_near_ones),
        cmocka_unit_test(hostile_codes_are_refused),
        cmocka_unit_test(constructed_languages_are_marked),
        cmocka_unit_test(a_damaged_list_is_read_as_far_as_it_goes),
        cmocka_unit_test(a_list_that_is_too_long_is_cut),
        cmocka_unit_test(a_default_that_is_left_open_is_english_until_a_text_says_otherwise),
        cmocka_unit_test(without_the_program_there_is_english),
    };
    return cmocka_run_group_tests(tests, read_the_list, drop_the_list);
}
