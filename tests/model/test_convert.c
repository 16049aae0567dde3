/*
 * Tests of converting a folder to one file: contents, origin, refusals.
 */
#include "model/convert.h"

#include "base/hash.h"
#include "model_help.h"

static int set_up(void **state)
{
    char *folder = tb_strdup("/tmp/timbre-convert-XXXXXX");

    *state = folder;
    if (!mkdtemp(folder)) return -1;
    put_t3(folder, "t3_turbo_v1.safetensors", 0.01f);
    put_rest(folder);
    put_bytes(folder, "vocab.json", "{\"a\":0}", 7);
    put_bytes(folder, "merges.txt", "#version\na b\n", 13);
    put_bytes(folder, "added_tokens.json", "{}", 2);
    put_bytes(folder, "conds.pt", "P\0K\xff", 4);
    return 0;
}

static int tear_down(void **state)
{
    remove_all(*state);
    tb_free(*state);
    return 0;
}

static void the_file_holds_what_the_folder_would_become(void **state)
{
    static const tb_dtype types[] = {TB_F32, TB_F16, TB_BF16, TB_Q8_0, TB_Q4_0};
    static const char *const numbers[] = {"0", "1", "32", "7", "2"}; /* as GGUF's tools name them */
    const char *folder = *state;
    const tb_model_place from = {.path = folder};
    char *path = tb_path_join(folder, "model.gguf");

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const tb_convert how = {.type = types[i]};
        const tb_model_place to = {.path = path};
        tb_weights *want = NULL, *got = NULL;
        tb_err err = {0};
        size_t size = 0;

        assert_int_equal(tb_model_convert(&from, &how, path, &err), TB_OK);
        assert_int_equal(tb_model_files_open(&from, types[i], &want, &err), TB_OK);
        assert_int_equal(tb_model_files_open(&to, TB_F32, &got, &err), TB_OK);
        assert_int_equal(tb_weights_count(got), tb_weights_count(want));
        for (size_t j = 0; j < tb_weights_count(want); j++) {
            const tb_tensor *x = tb_weights_at(want, j);
            const tb_tensor *y = tb_weights_find(got, tb_weights_name(want, j));

            assert_non_null(y);
            assert_int_equal(y->type, x->type);
            assert_int_equal(y->n_dims, x->n_dims);
            assert_memory_equal(y->dim, x->dim, sizeof x->dim);
            assert_memory_equal(y->data, x->data, tb_tensor_bytes(x));
        }
        assert_memory_equal(tb_model_file(got, "conds.pt", &size), "P\0K\xff", 4);
        assert_int_equal(size, 4);
        assert_memory_equal(tb_model_file(got, "merges.txt", &size), "#version\na b\n", 13);
        assert_int_equal(size, 13);
        assert_null(tb_model_file(got, "tokenizer_config.json", &size));
        assert_string_equal(tb_weights_meta(got, "general.file_type"), numbers[i]);
        assert_string_equal(tb_weights_meta(got, "timbre.type"), tb_dtype_name(types[i]));
        assert_string_equal(tb_weights_meta(got, "timbre.variant"), "turbo");
        assert_null(tb_weights_meta(got, "timbre.source.repository"));
        tb_weights_free(want);
        tb_weights_free(got);
    }
    tb_free(path);
}

typedef struct {
    uint64_t done;
    char what[64];
    size_t whats;
} watcher;

static void watch(void *self, const char *what, uint64_t done, uint64_t total)
{
    watcher *w = self;

    if (strcmp(what, w->what) != 0) {
        snprintf(w->what, sizeof w->what, "%s", what);
        w->done = 0;
        w->whats++;
    }
    assert_true(done >= w->done && done <= total);
    w->done = done;
}

static void where_it_came_from_is_noted(void **state)
{
    const char *folder = *state;
    char *path = tb_path_join(folder, "model.gguf"), *ve = tb_path_join(folder, "ve.safetensors");
    const tb_convert_sum known = {.file = "t3_turbo_v1.safetensors", .sha256 = "known before"};
    watcher seen = {0};
    const tb_convert how = {.type = TB_F32,
                            .repository = "somebody/something",
                            .revision = "0123abcd",
                            .sums = &known,
                            .n_sums = 1,
                            .progress = watch,
                            .self = &seen};
    tb_weights *w = NULL;
    tb_err err = {0};
    char *bytes = NULL, sum[TB_HASH_HEX];
    size_t size;

    assert_int_equal(tb_model_convert(&(tb_model_place){.path = folder}, &how, path, &err), TB_OK);
    assert_int_equal(seen.whats, 3); /* two files summed, one written */
    assert_string_equal(seen.what, "writing");
    assert_int_equal(tb_gguf_open(path, &w, &err), TB_OK);
    assert_string_equal(tb_weights_meta(w, "timbre.source.repository"), "somebody/something");
    assert_string_equal(tb_weights_meta(w, "timbre.source.revision"), "0123abcd");
    assert_string_equal(tb_weights_meta(w, "timbre.source.sha256.t3_turbo_v1_safetensors"),
                        "known before");
    assert_int_equal(tb_file_read(ve, 1 << 20, &bytes, &size, &err), TB_OK);
    tb_sha256 *s = tb_sha256_begin();
    tb_sha256_add(s, bytes, size);
    tb_sha256_end(s, sum);
    assert_string_equal(tb_weights_meta(w, "timbre.source.sha256.ve_safetensors"), sum);
    tb_weights_free(w);
    tb_free(bytes);
    tb_free(ve);
    tb_free(path);
}

static void what_could_not_speak_is_not_written(void **state)
{
    const char *folder = *state;
    char *path = tb_path_join(folder, "model.gguf"), *vocab = tb_path_join(folder, "vocab.json");
    const tb_model_place from = {.path = folder};
    const tb_convert how = {.type = TB_F16};
    tb_err err = {0};

    unlink(vocab);
    assert_int_equal(tb_model_convert(&from, &how, path, &err), TB_EMODEL);
    assert_non_null(strstr(err.msg, "vocab.json"));
    assert_false(tb_file_exists(path));
    put_bytes(folder, "vocab.json", "{}", 2);
    put_t3(folder, "t3_turbo_v1.safetensors", 1e5f); /* more than f16 holds: seen while writing */
    assert_int_equal(tb_model_convert(&from, &how, path, &err), TB_EMODEL);
    assert_non_null(strstr(err.msg, "text_emb.weight"));
    assert_false(tb_file_exists(path));
    put_tensor(folder, "ve.safetensors", "what.weight", 1.0f);
    assert_int_equal(tb_model_convert(&from, &how, path, &err), TB_EMODEL);
    assert_non_null(strstr(err.msg, "what.weight"));
    assert_false(tb_file_exists(path));
    tb_free(vocab);
    tb_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_file_holds_what_the_folder_would_become, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(where_it_came_from_is_noted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_could_not_speak_is_not_written, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
