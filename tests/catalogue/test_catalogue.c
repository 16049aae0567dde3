#include "catalogue/catalogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tensor/tensor.h"

static void the_choices_in_sentences_are_those_of_the_table(void **state)
{
    char all[64] = "";
    (void)state;
    for (size_t i = 0; i < TB_CATALOGUE_MODELS; i++)
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? "|" : "",
                 tb_catalogue_models[i].variant);
    assert_string_equal(all, TB_MODEL_VARIANTS("|"));
}

static void every_number_type_of_weights_has_a_size(void **state)
{
    char all[64] = "";
    (void)state;
    for (tb_dtype t = 0; t <= TB_Q4_0; t++) {
        assert_true(tb_model_type_bytes((tb_model_type)t) > 0);
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", t ? "|" : "",
                 tb_dtype_name(t));
    }
    assert_string_equal(all, TB_MODEL_TYPES("|"));
    assert_true(tb_model_type_bytes(TB_MODEL_F32) > tb_model_type_bytes(TB_MODEL_Q8_0));
}

static void a_model_is_found_by_variant_and_by_repository(void **state)
{
    (void)state;
    assert_ptr_equal(tb_catalogue_find(NULL), &tb_catalogue_models[0]);
    assert_ptr_equal(tb_catalogue_find(""), &tb_catalogue_models[0]);
    assert_null(tb_catalogue_find("pico"));
    assert_null(tb_catalogue_named("somebody/else"));
    for (size_t i = 0; i < TB_CATALOGUE_MODELS; i++) {
        const tb_catalogue_model *m = &tb_catalogue_models[i];
        assert_ptr_equal(tb_catalogue_find(m->variant), m);
        assert_ptr_equal(tb_catalogue_named(m->variant), m);
        assert_ptr_equal(tb_catalogue_named(m->repository), m);
        assert_string_equal(strrchr(m->repository, '/') + 1, m->name);
        if (m->base) assert_non_null(tb_catalogue_named(m->base));
    }
}

static void a_model_speaks_its_languages_and_their_regions(void **state)
{
    const tb_catalogue_model several = {.languages = "en,pt-br,es"};
    const tb_catalogue_model *turbo = tb_catalogue_find("turbo");
    (void)state;
    assert_true(tb_catalogue_speaks(turbo, "en") && tb_catalogue_speaks(turbo, "en-gb-scotland"));
    assert_false(tb_catalogue_speaks(turbo, "") || tb_catalogue_speaks(turbo, "e") ||
                 tb_catalogue_speaks(turbo, "enm") || tb_catalogue_speaks(turbo, "es"));
    assert_true(tb_catalogue_speaks(&several, "es-419") && tb_catalogue_speaks(&several, "pt-br"));
    assert_false(tb_catalogue_speaks(&several, "pt"));
    for (size_t i = 0; i < TB_CATALOGUE_MODELS; i++)
        assert_true(*tb_catalogue_models[i].spoken);
}

static void a_number_type_is_found_by_its_name(void **state)
{
    tb_model_type found;
    (void)state;
    for (int t = 0; t < TB_MODEL_TYPE_COUNT; t++) {
        assert_true(tb_model_type_parse(tb_model_type_name((tb_model_type)t), &found));
        assert_int_equal(found, t);
    }
    assert_false(tb_model_type_parse("", &found) || tb_model_type_parse("i32", &found));
}

/* The order is that of the metadata in files that exist. */
static void what_goes_into_the_one_file_is_texts_and_then_the_voice(void **state)
{
    static const char *const names[] = {"vocab.json", "merges.txt", "added_tokens.json",
                                        "tokenizer_config.json", "conds.pt"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_string_equal(tb_catalogue_inside(i)->name, names[i]);
    assert_null(tb_catalogue_inside(sizeof names / sizeof *names));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_choices_in_sentences_are_those_of_the_table),
        cmocka_unit_test(every_number_type_of_weights_has_a_size),
        cmocka_unit_test(a_model_is_found_by_variant_and_by_repository),
        cmocka_unit_test(a_model_speaks_its_languages_and_their_regions),
        cmocka_unit_test(a_number_type_is_found_by_its_name),
        cmocka_unit_test(what_goes_into_the_one_file_is_texts_and_then_the_voice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
