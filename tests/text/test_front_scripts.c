#include "front_help.h"

/* What both engines are given: "text" or "text|what is named". */
static void said(const char *text, const char *language, bool letters_only, const char *want)
{
    const tb_front_opts opts = {.language = language,
                                .script = &front_script,
                                .letters_only = letters_only};
    char *out = NULL, *names = NULL;
    tb_err err = {0};
    if (tb_front_run(text, strlen(text), &opts, &out, &names, &err)) fail_msg("%s", err.msg);
    char *got = names ? tb_sprintf("%s|%s", out, names) : tb_strdup(out);
    assert_string_equal(got, want);
    tb_free(got);
    tb_free(out);
    tb_free(names);
}

static void some_scripts_are_written_in_latin_letters(void **state)
{
    (void)state;
    said("The sign said Москва there.", "en-us", false, "The sign said Moskva there.");
    said("Київ, Щука, Ћирић", "en-us", true, "Kiyiv, Shchuka, Chirich");
    said("Хабаровск", "es", false, "Jabarovsk");
    said("Ελλάδα, ψυχή, Ουρανός", "en-us", false, "Ellada, psyhi, Ouranos");
    said("ひらがな キャット きって しゃしん", "en-us", false, "hiragana kyatto kitte shashin");
    said("서울", "en-us", true, "seoul");
    said("Nguyễn ate phở", "en-us", true, "Nguyễn ate phở");
}

static void what_espeak_reads_is_left_to_it(void **state)
{
    (void)state;
    said("In 서울 and नमस्ते", "en-us", false, "In 서울 and नमस्ते");
    said("In 서울 and नमस्ते.", "en-us", true, "In seoul and  .|नमस्ते");
    said("Москва", "ru", false, "Москва");
    said("東京タワー", "ja", false, "東京タワー");
    said("你好", "cmn", false, "你好");
    said("مرحبا", "ar", false, "مرحبا");
    said("Ελλάδα", "el", false, "Ελλάδα");
    said("Hello", "ru", false, "Hello");
}

static void the_rest_is_named(void **state)
{
    (void)state;
    said("I love 東京 and مرحبا and 東京.", "en-us", true, "I love   and   and  .|東京, مرحبا");
    said("I love 東京 and مرحبا.", "en-us", false, "I love 東京 and مرحبا.");
    said("I love བོད here.", "en-us", false, "I love   here.|བོད");
    said("Un ☭ aquí \xEF\xBF\xBD", "es", false, "Un aquí  |\xEF\xBF\xBD");
    said("[happy] 北京", "en-us", true, "[happy] 北京|北京"); /* or nothing would be left */
    said("[北京] is", "en-us", true, "[ ] is|北京");
}

static void names_have_a_bound(void **state)
{
    (void)state;
    tb_str all;
    tb_str_init(&all, 1 << 20);
    for (int i = 0; i < 5000; i++) {
        char ch[4] = {(char)0xE4, (char)(0xB8 + i / 64 % 8), (char)(0x80 + i % 64), 0};
        tb_str_printf(&all, "a %s ", ch);
    }
    const tb_front_opts opts = {.language = "en-us", .script = &front_script, .letters_only = true};
    char *out = NULL, *names = NULL;
    assert_int_equal(tb_front_run(all.data, all.len, &opts, &out, &names, NULL), TB_OK);
    assert_true(strlen(names) > 400 && strlen(names) <= 512);
    tb_free(out);
    tb_free(names);
    tb_str_clear(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(some_scripts_are_written_in_latin_letters),
        cmocka_unit_test(what_espeak_reads_is_left_to_it),
        cmocka_unit_test(the_rest_is_named),
        cmocka_unit_test(names_have_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
