/*
 * Tests of opening a model: folder, missing files, variants, base folder, foreign files.
 */
#include "model/files.h"

#include "model_help.h"

typedef struct {
    char folder[64];
} place;

static int set_up(void **state)
{
    place *p = tb_alloc(sizeof *p);

    snprintf(p->folder, sizeof p->folder, "/tmp/timbre-files-XXXXXX");
    *state = p;
    return mkdtemp(p->folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    place *p = *state;

    remove_all(p->folder);
    tb_free(p);
    return 0;
}

static tb_status open_place(const tb_model_place *p, tb_weights **out, tb_err *err)
{
    *out = NULL;
    *err = (tb_err){0};
    return tb_model_files_open(p, TB_F32, out, err);
}

static void refuses(const tb_model_place *p, tb_status status, const char *words)
{
    tb_weights *w;
    tb_err err;

    assert_int_equal(open_place(p, &w, &err), status);
    assert_null(w);
    if (!strstr(err.msg, words)) fail_msg("\"%s\" does not say \"%s\"", err.msg, words);
}

static void a_folder_becomes_one_set_with_its_small_files(void **state)
{
    const place *p = *state;
    tb_weights *w;
    tb_err err;
    size_t size = 0;

    put_t3(p->folder, "t3_turbo_v1.safetensors", 1.0f);
    put_rest(p->folder);
    put_bytes(p->folder, "vocab.json", "{\"a\":0}", 7);
    put_bytes(p->folder, "conds.pt", "P\0K", 3);
    assert_int_equal(open_place(&(tb_model_place){.path = p->folder}, &w, &err), TB_OK);
    assert_int_equal(tb_weights_count(w), 3);
    assert_non_null(tb_weights_find(w, "text_emb.weight"));
    assert_non_null(tb_weights_find(w, "flow.encoder_proj.weight"));
    assert_non_null(tb_weights_find(w, "ve.proj.weight"));
    assert_string_equal(tb_weights_label(w), p->folder);
    assert_non_null(
        strstr(tb_weights_file(w, tb_weights_find(w, "ve.proj.weight")), "/ve.safetensors"));
    assert_memory_equal(tb_model_file(w, "vocab.json", &size), "{\"a\":0}", 7);
    assert_int_equal(size, 7);
    assert_memory_equal(tb_model_file(w, "conds.pt", &size), "P\0K", 3);
    assert_int_equal(size, 3);
    assert_null(tb_model_file(w, "merges.txt", &size));
    tb_weights_free(w);
}

static void what_is_missing_is_named(void **state)
{
    const place *p = *state;
    const tb_model_place here = {.path = p->folder};

    refuses(&here, TB_EMODEL, "neither t3_turbo_v1.safetensors nor t3_nano_v1.safetensors");
    put_t3(p->folder, "t3_turbo_v1.safetensors", 1.0f);
    refuses(&here, TB_EMODEL, "has no s3gen_meanflow.safetensors");
    put_rest(p->folder);
    refuses(&(tb_model_place){.path = p->folder, .variant = "nano"}, TB_EMODEL,
            "has no t3_nano_v1.safetensors");
    refuses(&(tb_model_place){.path = p->folder, .variant = "giant"}, TB_EINVAL, "giant");
    refuses(&(tb_model_place){.path = "/nonexistent/model"}, TB_ENOTFOUND, "/nonexistent/model");
    refuses(&(tb_model_place){.path = "/nonexistent/model.gguf"}, TB_ENOTFOUND, "model.gguf");
    refuses(&(tb_model_place){.path = "/dev/null"}, TB_EMODEL, "neither a folder nor");
    put_bytes(p->folder, "vocab.json", "\xff", 1);
    refuses(&here, TB_EMODEL, "vocab.json is not UTF-8");
    put_bytes(p->folder, "vocab.json", "a\0b", 3);
    refuses(&here, TB_EMODEL, "vocab.json is not UTF-8");
}

static void of_two_token_models_one_must_be_chosen(void **state)
{
    const place *p = *state;
    tb_weights *w;
    tb_err err;

    put_t3(p->folder, "t3_turbo_v1.safetensors", 1.0f);
    put_t3(p->folder, "t3_nano_v1.safetensors", 2.0f);
    put_rest(p->folder);
    refuses(&(tb_model_place){.path = p->folder}, TB_EMODEL, "MODEL_VARIANT");
    static const char *const variants[] = {"turbo", "nano"};
    for (int i = 0; i < 2; i++) {
        const tb_model_place chosen = {.path = p->folder, .variant = variants[i]};

        assert_int_equal(open_place(&chosen, &w, &err), TB_OK);
        const float *x = tb_weights_find(w, "text_emb.weight")->data;
        assert_true(x[0] == (float)(i + 1));
        tb_weights_free(w);
    }
}

static void what_a_folder_lacks_comes_from_its_base(void **state)
{
    const place *p = *state;
    char base[] = "/tmp/timbre-base-XXXXXX";
    tb_weights *w;
    tb_err err;
    size_t size;

    assert_non_null(mkdtemp(base));
    put_t3(base, "t3_turbo_v1.safetensors", 1.0f);
    put_rest(base);
    put_bytes(base, "merges.txt", "a b", 3);
    put_t3(p->folder, "t3_nano_v1.safetensors", 2.0f);
    const tb_model_place both = {.path = p->folder, .base = base};
    assert_int_equal(open_place(&both, &w, &err), TB_OK);
    const float *x = tb_weights_find(w, "text_emb.weight")->data;
    assert_true(x[0] == 2.0f); /* nano, though the base has turbo */
    assert_non_null(tb_weights_find(w, "ve.proj.weight"));
    assert_non_null(tb_model_file(w, "merges.txt", &size));
    tb_weights_free(w);
    const tb_model_place empty_base = {.path = p->folder, .base = ""};
    refuses(&empty_base, TB_EMODEL, "has no s3gen_meanflow.safetensors");
    remove_all(base);
}

/* Of the least that a file of ours holds, with this architecture and layout. */
static void put_gguf(const char *folder, const char *architecture, const char *layout)
{
    tb_str s;
    const char *const pairs[][2] = {{"general.architecture", architecture},
                                    {TB_MODEL_RECIPE_KEY, layout}};

    tb_str_init(&s, 1000);
    tb_str_add(&s, "GGUF\3\0\0\0\0\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0", 24);
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 2; j++) {
            const unsigned char len[8] = {(unsigned char)strlen(pairs[i][j])};
            tb_str_add(&s, len, 8);
            tb_str_puts(&s, pairs[i][j]);
            if (j == 0) tb_str_add(&s, "\10\0\0\0", 4);
        }
    }
    put_bytes(folder, "model.gguf", s.data, s.len);
    tb_str_clear(&s);
}

static void a_file_of_another_architecture_or_layout_is_refused(void **state)
{
    const place *p = *state;
    char *path = tb_path_join(p->folder, "model.gguf");
    const tb_model_place file = {.path = path};
    tb_weights *w;
    tb_err err;

    put_gguf(p->folder, "llama", "1");
    refuses(&file, TB_EMODEL, "architecture llama, wanted chatterbox-turbo");
    put_gguf(p->folder, "chatterbox-turbo", "2");
    refuses(&file, TB_EMODEL, "layout 2; this program reads layout 1");
    put_gguf(p->folder, "chatterbox-turbo", "one");
    refuses(&file, TB_EMODEL, "layout one");
    put_gguf(p->folder, "chatterbox-turbo", "1");
    assert_int_equal(open_place(&file, &w, &err), TB_OK);
    tb_weights_free(w);
    put_bytes(p->folder, "model.gguf", "GGUF", 4);
    refuses(&file, TB_EMODEL, "model.gguf");
    tb_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_folder_becomes_one_set_with_its_small_files, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_missing_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(of_two_token_models_one_must_be_chosen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_folder_lacks_comes_from_its_base, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_of_another_architecture_or_layout_is_refused, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
