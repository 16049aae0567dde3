/*
 * Tests of PyTorch files: values, types, variants, refusals, ceilings.
 */
#include "tensor/torch.h"

#include "base/file.h"
#include "torch_help.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* A file whose pickle is PROTO, the opcodes given, STOP. Members data/0 (24 bytes) and data/1 (8
 * bytes) are there: 0x3F800000 six times, which is 1.0F, and -2 as an int64. */
static char *file_of(const tb_str *ops, size_t *size)
{
    zip_maker z = zip_begin();
    uint8_t ones[24] = {0};
    int64_t minus_two = -2;
    tb_str pickle;
    for (size_t i = 0; i < 6; i++)
        memcpy(ones + 4 * i, &(float){1}, 4);
    tb_str_init(&pickle, 8 << 20);
    tb_str_add(&pickle, "\x80\2", 2);
    if (ops->len) tb_str_add(&pickle, ops->data, ops->len);
    tb_str_puts(&pickle, ".");
    zip_add(&z, "a/data.pkl", pickle.data, pickle.len);
    zip_add(&z, "a/byteorder", "little", 6);
    zip_add(&z, "a/data/0", ones, sizeof ones);
    zip_add(&z, "a/data/1", &minus_two, sizeof minus_two);
    tb_str_clear(&pickle);
    return zip_end(&z, size);
}

/* Reads such a file; *bytes holds it for as long as *out is used. Clears ops. */
static tb_status read_ops(tb_str *ops, char **bytes, tb_torch **out, tb_err *err)
{
    size_t size = 0;
    *bytes = file_of(ops, &size);
    tb_str_clear(ops);
    return tb_torch_read(*bytes, size, "a.pt", out, err);
}

static tb_status read_text(const char *ops, size_t n, char **bytes, tb_torch **out, tb_err *err)
{
    tb_str s;
    tb_str_init(&s, 8 << 20);
    tb_str_add(&s, ops, n);
    return read_ops(&s, bytes, out, err);
}

static void plain_values_come_as_they_were(void **state)
{
    static const char ops[] = "}(X\1\0\0\0aNX\1\0\0\0b\x88X\1\0\0\0cK\xFFX\1\0\0\0dM\xFF\xFF"
                              "X\1\0\0\0eJ\xFE\xFF\xFF\xFFX\1\0\0\0f\x8A\0X\1\0\0\0g\x8A\2\0\x80"
                              "X\1\0\0\0hG\x3F\xE0\0\0\0\0\0\0X\1\0\0\0i]q\7(K\1K\2eX\1\0\0\0jh\7"
                              "X\1\0\0\0kX\2\0\0\0\xC3\xA9K\7]K\5a"
                              "X\1\0\0\0l)X\1\0\0\0mK\1\x85X\1\0\0\0n(K\1K\2K\3t"
                              "X\1\0\0\0b\x89u";
    tb_torch *t = NULL;
    tb_err err = {0};
    char *bytes = NULL;
    (void)state;
    if (read_text(ops, sizeof ops - 1, &bytes, &t, &err)) fail_msg("%s", err.msg);
    const tb_torch_value *v = tb_torch_root(t);
    assert_int_equal(tb_torch_kind_of(v), TB_TORCH_DICT);
    assert_int_equal(tb_torch_len(v), 16);
    assert_string_equal(tb_torch_key(v, 0), "a");
    assert_int_equal(tb_torch_kind_of(tb_torch_at(v, 0)), TB_TORCH_NONE);
    assert_int_equal(tb_torch_kind_of(tb_torch_get(v, "b")), TB_TORCH_BOOL);
    assert_true(tb_torch_number(tb_torch_get(v, "b")) == 0); /* the later of two */
    assert_true(tb_torch_number(tb_torch_get(v, "c")) == 255);
    assert_true(tb_torch_number(tb_torch_get(v, "d")) == 65535);
    assert_true(tb_torch_number(tb_torch_get(v, "e")) == -2);
    assert_true(tb_torch_number(tb_torch_get(v, "f")) == 0);
    assert_true(tb_torch_number(tb_torch_get(v, "g")) == -32768);
    assert_true(tb_torch_number(tb_torch_get(v, "h")) == 0.5);
    assert_int_equal(tb_torch_kind_of(tb_torch_get(v, "h")), TB_TORCH_REAL);
    assert_int_equal(tb_torch_len(tb_torch_get(v, "i")), 2);
    assert_ptr_equal(tb_torch_get(v, "i"), tb_torch_get(v, "j"));
    assert_true(tb_torch_number(tb_torch_at(tb_torch_get(v, "i"), 1)) == 2);
    assert_string_equal(tb_torch_text(tb_torch_get(v, "k")), "é");
    assert_null(tb_torch_key(v, 11)); /* a number */
    assert_int_equal(tb_torch_len(tb_torch_at(v, 11)), 1);
    assert_int_equal(tb_torch_kind_of(tb_torch_get(v, "l")), TB_TORCH_TUPLE);
    assert_int_equal(tb_torch_len(tb_torch_get(v, "m")), 1);
    assert_int_equal(tb_torch_len(tb_torch_get(v, "n")), 3);
    assert_null(tb_torch_get(v, "o"));
    assert_null(tb_torch_get(tb_torch_get(v, "i"), "a"));
    assert_int_equal(tb_torch_kind_of(NULL), TB_TORCH_NONE);
    assert_int_equal(tb_torch_len(NULL), 0);
    assert_true(tb_torch_number(NULL) == 0);
    assert_null(tb_torch_text(tb_torch_get(v, "c")));
    tb_torch_free(t);
    tb_free(bytes);
}

/* The recording's variant: half, bfloat16, offsets, shared storages, a transposed view. */
static void the_variant_follows_its_formulas(void **state)
{
    tb_torch *t = NULL;
    tb_err err = {0};
    (void)state;
    if (tb_torch_open(TB_TEST_DATA "/golden/cond_conds_variant.pt", 1 << 20, &t, &err))
        fail_msg("%s", err.msg);
    const tb_torch_value *t3 = tb_torch_get(tb_torch_root(t), "t3");
    const tb_torch_value *gen = tb_torch_get(tb_torch_root(t), "gen");
    assert_non_null(tb_torch_get(tb_torch_root(t), "extra"));
#define RAMP(i) ((float)(37 * (i) % 1009) / 64)
#define TOK(i)  (11 * (i) % 6561)
    float *x = NULL;
    int64_t *ids = NULL;
    assert_int_equal(tb_torch_f32(tb_torch_get(t3, "speaker_emb"), "", 256, &x, NULL), TB_OK);
    for (int k = 0; k < 256; k++)
        assert_true(x[k] == RAMP(3 + k));
    tb_free(x);
    const tb_torch_value *v = tb_torch_get(t3, "cond_prompt_speech_tokens");
    assert_int_equal(tb_torch_dims(v), 2);
    assert_int_equal(tb_torch_dim(v, 0), 1);
    assert_int_equal(tb_torch_dim(v, 1), 375);
    assert_int_equal(tb_torch_i64(v, "", 375, &ids, NULL), TB_OK);
    for (int k = 0; k < 375; k++)
        assert_int_equal(ids[k], TOK(25 + k));
    tb_free(ids);
    v = tb_torch_get(t3, "cond_prompt_speech_emb");
    assert_int_equal(tb_torch_count(v), 1500);
    assert_int_equal(tb_torch_f32(v, "", 1500, &x, NULL), TB_OK);
    for (int k = 0; k < 1500; k++) /* bfloat16: 8 bits of the number stay */
        assert_true(fabsf(x[k] - RAMP(k)) <= RAMP(k) / 256);
    tb_free(x);
    assert_true(tb_torch_number(tb_torch_get(t3, "emotion_adv")) == 0.5);
    assert_int_equal(tb_torch_i64(tb_torch_get(gen, "prompt_token"), "", 250, &ids, NULL), TB_OK);
    for (int k = 0; k < 250; k++)
        assert_int_equal(ids[k], TOK(k));
    tb_free(ids);
    assert_int_equal(tb_torch_i64(tb_torch_get(gen, "prompt_token_len"), "", 1, &ids, NULL), TB_OK);
    assert_int_equal(ids[0], 250);
    tb_free(ids);
    v = tb_torch_get(gen, "prompt_feat");
    assert_int_equal(tb_torch_dim(v, 1), 900);
    assert_int_equal(tb_torch_f32(v, "", 72000, &x, NULL), TB_OK);
    for (int i = 0; i < 900; i++)
        for (int j = 0; j < 80; j++) /* all values of the ramp are exact in half precision */
            assert_true(x[80 * i + j] == RAMP(900 * j + i));
    tb_free(x);
    assert_int_equal(tb_torch_f32(tb_torch_get(gen, "embedding"), "", 192, &x, NULL), TB_OK);
    for (int k = 0; k < 192; k++)
        assert_true(x[k] == RAMP(259 + k));
    tb_free(x);
    tb_torch_free(t);
}

/* One tensor over data/0 (six 1.0F) or data/1 as the file's whole value. */
static tb_status read_tensor(const pickled_tensor *tensor, char **bytes, tb_torch **t, tb_err *err)
{
    tb_str ops;
    tb_str_init(&ops, 4096);
    pickle_tensor(&ops, tensor);
    return read_ops(&ops, bytes, t, err);
}

static void every_type_of_number_is_read(void **state)
{
    /* What the bytes 00 00 80 3F ... are in each type: at element `offset`. */
    static const struct {
        pickled_tensor tensor;
        double want;
    } cases[] = {
        {{"FloatStorage", "0", 6, 5, 0, {0}, {0}}, 1},
        {{"HalfStorage", "0", 12, 1, 0, {0}, {0}}, 1.875}, /* 0x3F80 */
        {{"BFloat16Storage", "0", 12, 1, 0, {0}, {0}}, 1}, /* 0x3F80 */
        {{"BFloat16Storage", "0", 12, 0, 0, {0}, {0}}, 0}, /* 0x0000 */
        {{"DoubleStorage", "0", 3, 2, 0, {0}, {0}}, 0x1.000003f8p-7},
        {{"IntStorage", "0", 6, 3, 0, {0}, {0}}, 0x3F800000},
        {{"LongStorage", "1", 1, 0, 0, {0}, {0}}, -2},
        {{"IntStorage", "1", 2, 1, 0, {0}, {0}}, -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tb_torch *t = NULL;
        tb_err err = {0};
        char *bytes = NULL;
        float *x = NULL;
        if (read_tensor(&cases[i].tensor, &bytes, &t, &err)) fail_msg("%zu: %s", i, err.msg);
        assert_int_equal(tb_torch_dims(tb_torch_root(t)), 0);
        assert_int_equal(tb_torch_count(tb_torch_root(t)), 1);
        assert_int_equal(tb_torch_f32(tb_torch_root(t), "x", 1, &x, &err), TB_OK);
        if (x[0] != (float)cases[i].want) fail_msg("%zu: %g", i, (double)x[0]);
        tb_free(x);
        tb_torch_free(t);
        tb_free(bytes);
    }
}

static void whole_numbers_of_any_type_are_ids(void **state)
{
    static const pickled_tensor whole = {"FloatStorage", "0", 6, 0, 1, {6}, {1}};
    static const pickled_tensor broken = {"HalfStorage", "0", 12, 0, 1, {12}, {1}};
    tb_torch *t = NULL;
    tb_err err = {0};
    char *bytes = NULL;
    int64_t *ids = NULL;
    (void)state;
    assert_int_equal(read_tensor(&whole, &bytes, &t, NULL), TB_OK);
    assert_int_equal(tb_torch_i64(tb_torch_root(t), "tokens", 6, &ids, NULL), TB_OK);
    assert_int_equal(ids[5], 1);
    tb_free(ids);
    ids = NULL;
    assert_int_equal(tb_torch_i64(tb_torch_root(t), "tokens", 5, &ids, &err), TB_EMODEL);
    assert_non_null(strstr(err.msg, "tokens has 6"));
    tb_torch_free(t);
    tb_free(bytes);
    assert_int_equal(read_tensor(&broken, &bytes, &t, NULL), TB_OK);
    assert_int_equal(tb_torch_i64(tb_torch_root(t), "tokens", 12, &ids, &err), TB_EMODEL);
    assert_non_null(strstr(err.msg, "1.875"));
    assert_null(ids);
    tb_torch_free(t);
    tb_free(bytes);
}

static void a_small_file_cannot_ask_for_a_large_tensor(void **state)
{
    static const pickled_tensor wide = {"FloatStorage",        "0",      6, 0, 3,
                                        {1 << 20, 1 << 20, 6}, {0, 0, 1}};
    static const pickled_tensor empty = {"FloatStorage", "0", 6, 6, 2, {0, 7}, {7, 1}};
    tb_torch *t = NULL;
    tb_err err = {0};
    char *bytes = NULL;
    float *x = NULL;
    (void)state;
    assert_int_equal(read_tensor(&wide, &bytes, &t, NULL), TB_OK);
    assert_int_equal(tb_torch_f32(tb_torch_root(t), "x", 1000, &x, &err), TB_EMODEL);
    assert_non_null(strstr(err.msg, "at most 1000"));
    assert_null(x);
    tb_torch_free(t);
    tb_free(bytes);
    assert_int_equal(read_tensor(&empty, &bytes, &t, NULL), TB_OK);
    assert_int_equal(tb_torch_f32(tb_torch_root(t), "x", 0, &x, &err), TB_OK);
    tb_free(x);
    tb_torch_free(t);
    tb_free(bytes);
}

static void a_tensor_outside_its_storage_is_refused(void **state)
{
    static const pickled_tensor wrong[] = {
        {"FloatStorage", "0", 6, 0, 1, {7}, {1}},
        {"FloatStorage", "0", 6, 6, 0, {0}, {0}},
        {"FloatStorage", "0", 6, 7, 1, {0}, {1}},
        {"FloatStorage", "0", 6, 1, 2, {2, 3}, {3, 1}},
        {"FloatStorage", "0", 6, 0, 2, {2, 3}, {4, 1}},
        {"FloatStorage", "0", 6, -1, 1, {1}, {1}},
        {"FloatStorage", "0", 6, 0, 1, {-1}, {1}},
        {"FloatStorage", "0", 6, 5, 1, {2}, {-1}},
        {"FloatStorage", "0", 6, INT64_MAX, 1, {1}, {1}},
        {"FloatStorage", "0", 6, 0, 1, {INT64_MAX}, {1}},
        {"FloatStorage", "0", 6, 0, 2, {2, 2}, {INT64_MAX, INT64_MAX}},
        {"FloatStorage", "0", 6, 0, 2, {1LL << 32, 1LL << 32}, {0, 0}},
        {"FloatStorage", "0", 6, 0, 2, {1LL << 40, 1LL << 20}, {1LL << 24, 1}},
        {"FloatStorage", "0", 5, 0, 1, {1}, {1}}, /* the member has six */
        {"DoubleStorage", "0", 6, 0, 1, {1}, {1}},
        {"FloatStorage", "0", -1, 0, 1, {1}, {1}},
        {"FloatStorage", "0", INT64_MAX, 0, 1, {1}, {1}},
        {"FloatStorage", "0", (1LL << 62) + 6, 0, 1, {1}, {1}},
        {"FloatStorage", "2", 6, 0, 1, {1}, {1}},
        {"FloatStorage", "../data.pkl", 6, 0, 1, {1}, {1}},
        {"ByteStorage", "0", 24, 0, 1, {1}, {1}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        tb_torch *t = NULL;
        tb_err err = {0};
        char *bytes = NULL;
        if (read_tensor(&wrong[i], &bytes, &t, &err) != TB_EMODEL) fail_msg("%zu is read", i);
        assert_null(t);
        assert_non_null(strstr(err.msg, "a.pt: "));
        tb_free(bytes);
    }
}

#define STORAGE_OF(n) "(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0000X\3\0\0\0cpuK" n "tQ"
#define TENSOR        "ctorch._utils\n_rebuild_tensor_v2\n(" STORAGE_OF("\6")
#define ORDERED       "ccollections\nOrderedDict\n)R"

static void every_wrong_pickle_has_its_sentence(void **state)
{
    static const struct {
        const char *ops;
        size_t n;
        const char *word;
    } wrong[] = {
#define OPS(text, word) {text, sizeof(text) - 1, word}
        OPS("", "one value"),
        OPS("NN", "one value"),
        OPS("(N", "one value"),
        OPS("N.N", "one value"),
        OPS("ctorch\nFloatStorage\n", "one value"),
        OPS("cos\nsystem\nX\2\0\0\0lst\x85R", "os.system"),
        OPS("c__builtin__\neval\n", "__builtin__.eval"),
        OPS("c\xFF\x01\nx\n", "??.x"),
        OPS("ctorch", "cut short"),
        OPS("ctorch\nFloatStorage", "cut short"),
        OPS("(X\2\0\0\0lsios\nsystem\n", "opcode 0x69"),
        OPS("}\x81", "opcode 0x81"),
        OPS("\x80\2N", "opcode 0x80"),
        OPS("X\xFF\xFF\xFF\xFFxx", "cut short"),
        OPS("X\1\0", "cut short"),
        OPS("X\1\0\0\0\xFF", "UTF-8"),
        OPS("X\3\0\0\0a\0b", "UTF-8"),
        OPS("J\1", "cut short"),
        OPS("M\1", "cut short"),
        OPS("K", "cut short"),
        OPS("G\1", "cut short"),
        OPS("\x8A", "cut short"),
        OPS("\x8A\5\1", "cut short"),
        OPS("\x8A\x0A\1\1\1\1\1\1\1\1\1\1", "64 bits"),
        OPS("h\1", "never remembered"),
        OPS("Nq\1h\2", "never remembered"),
        OPS("j\1", "never remembered"),
        OPS("Nr\xFF\xFF\xFF\x7F", "to remember"),
        OPS("q\1", "nothing to remember"),
        OPS("N(q\1", "nothing to remember"),
        OPS("r\1", "nothing to remember"),
        OPS("t", "without a start"),
        OPS("\x85", "lacks items"),
        OPS("NN\x87", "lacks items"),
        OPS("NN(N\x86", "lacks items"),
        OPS("u", "no dict"),
        OPS("(NNu", "no dict"),
        OPS("](NNu", "no dict"),
        OPS("}(X\1\0\0\0au", "without a value"),
        OPS("}(NNu", "neither text"),
        OPS("}(]Nu", "neither text"),
        OPS("NNs", "no dict"),
        OPS("s", "no dict"),
        OPS("}N(s", "no dict"),
        OPS("}X\1\0\0\0a(Ns", "no dict"),
        OPS("a", "no list"),
        OPS("Na", "no list"),
        OPS("}Na", "no list"),
        OPS("](Na", "no list"),
        OPS("(e", "no list"),
        OPS("e", "no list"),
        OPS("]ctorch\nFloatStorage\na", "class stands"),
        OPS("]q\1h\1a", "holds itself"),
        OPS("]q\1]q\2h\1ah\2a", "holds itself"),
        OPS("]q\1]h\1ah\1h\2a", "never remembered"),
        OPS("]q\1]q\2h\1a0", "opcode 0x30"),
        OPS("(]q\1h\1\x85h\1h\1at", "changed"),
        OPS("(]q\1h\1\x85h\1Nat", "changed"),
        OPS("(}q\1]h\1ah\1K\1Nst", "changed"),
        OPS("R", "no tensor"),
        OPS("NR", "no tensor"),
        OPS("N)R", "no tensor"),
        OPS("ccollections\nOrderedDict\nNR", "no tensor"),
        OPS("ccollections\nOrderedDict\nN\x85R", "no tensor"),
        OPS("ctorch\nFloatStorage\n)R", "no tensor"),
        OPS("ctorch._utils\n_rebuild_tensor_v2\n)R", "form of its own"),
        OPS("ctorch._utils\n_rebuild_tensor_v2\n(NNNNNNtR", "form of its own"),
        OPS(TENSOR "K\0)))" ORDERED "tR", "form of its own"),
        OPS(TENSOR "K\0))\x89NtR", "form of its own"),
        OPS(TENSOR "N))\x89" ORDERED "tR", "form of its own"),
        OPS(TENSOR "K\0])\x89" ORDERED "tR", "form of its own"),
        OPS(TENSOR "K\0)K\1\x85\x89" ORDERED "tR", "sizes or strides"),
        OPS(TENSOR "K\0N\x85K\1\x85\x89" ORDERED "tR", "sizes or strides"),
        OPS(TENSOR "K\0K\1\x85N\x89" ORDERED "tR", "sizes or strides"),
        OPS(TENSOR "K\0(NNNNNNNt)\x89" ORDERED "tR", "7 axes"),
        OPS("Q", "form of its own"),
        OPS("NQ", "form of its own"),
        OPS(")Q", "form of its own"),
        OPS("(NNNNNtQ", "form of its own"),
        OPS("(X\7\0\0\0storageccollections\nOrderedDict\nX\1\0\0\0000X\3\0\0\0cpuK\6tQ",
            "form of its own"),
        OPS("b", "attributes"),
        OPS("}}b", "attributes"),
        OPS(ORDERED "}b", "attributes"),
        OPS(ORDERED "Nb", "attributes"),
        OPS(ORDERED "}X\1\0\0\0aNsb", "attributes"),
        OPS(ORDERED "}X\x09\0\0\0_metadataNsX\1\0\0\0aNsb", "attributes"),
        OPS("}}X\x09\0\0\0_metadataNsb", "attributes"),
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        tb_torch *t = NULL;
        tb_err err = {0};
        char *bytes = NULL;
        tb_status st = read_text(wrong[i].ops, wrong[i].n, &bytes, &t, &err);
        if (st != TB_EMODEL || !strstr(err.msg, wrong[i].word) || !strstr(err.msg, "a.pt"))
            fail_msg("%zu (%s): %d %s", i, wrong[i].ops, (int)st, err.msg);
        assert_null(t);
        tb_free(bytes);
    }
}

static void the_attribute_of_a_state_dict_is_ignored(void **state)
{
    static const char ops[] =
        "}X\5\0\0\0model" ORDERED "q\1(X\1\0\0\0wK\7u}X\x09\0\0\0_metadata" ORDERED
        "X\0\0\0\0}X\7\0\0\0versionK\1sssbs";
    tb_torch *t = NULL;
    tb_err err = {0};
    char *bytes = NULL;
    (void)state;
    if (read_text(ops, sizeof ops - 1, &bytes, &t, &err)) fail_msg("%s", err.msg);
    const tb_torch_value *model = tb_torch_get(tb_torch_root(t), "model");
    assert_int_equal(tb_torch_len(model), 1);
    assert_true(tb_torch_number(tb_torch_get(model, "w")) == 7);
    tb_torch_free(t);
    tb_free(bytes);
}

static void depth_number_and_memory_have_ceilings(void **state)
{
    static const char *const words[] = {"levels", "levels", "values", "bytes; at most"};
    (void)state;
    for (int i = 0; i < 4; i++) {
        tb_torch *t = NULL;
        tb_err err = {0};
        char *bytes = NULL;
        tb_str ops;
        tb_str_init(&ops, 8 << 20);
        size_t n = i < 2 ? 100 : i == 2 ? 200001 : 5 << 20;
        for (size_t k = 0; k < n; k++)
            tb_str_puts(&ops, i == 0 ? "(" : i == 1 ? "]" : "N");
        for (size_t k = 1; i == 1 && k < n; k++)
            tb_str_puts(&ops, "a");
        assert_int_equal(read_ops(&ops, &bytes, &t, &err), TB_EMODEL);
        if (!strstr(err.msg, words[i])) fail_msg("%d: %s", i, err.msg);
        tb_free(bytes);
    }
}

static void other_files_are_told_apart(void **state)
{
    static const struct {
        const char *member[3];
        const char *value[3];
        const char *word;
    } wrong[] = {
        {{"a/data.pk"}, {""}, "no data.pkl"},
        {{"data.pkl"}, {""}, "no data.pkl"},
        {{"a/data.pkl", "b/data.pkl"}, {"\x80\2N.", "\x80\2N."}, "more than one"},
        {{"a/data.pkl", "a/byteorder"}, {"\x80\2N.", "big"}, "big-endian"},
        {{"a/data.pkl"}, {""}, "protocol 2"},
        {{"a/data.pkl"}, {"\x80\4N."}, "protocol 2"},
        {{"a/data.pkl"}, {"\x80\2N"}, "cut short"},
    };
    tb_torch *t = NULL;
    tb_err err = {0};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        zip_maker z = zip_begin();
        size_t size = 0;
        for (size_t k = 0; k < 3 && wrong[i].member[k]; k++)
            zip_add(&z, wrong[i].member[k], wrong[i].value[k], strlen(wrong[i].value[k]));
        char *bytes = zip_end(&z, &size);
        assert_int_equal(tb_torch_read(bytes, size, "a.pt", &t, &err), TB_EMODEL);
        if (!strstr(err.msg, wrong[i].word)) fail_msg("%zu: %s", i, err.msg);
        tb_free(bytes);
    }
    assert_int_equal(tb_torch_read("\x80\2\x8A\nl\xFC", 6, "a.pt", &t, &err), TB_EMODEL);
    assert_non_null(strstr(err.msg, "older than 1.6"));
    assert_int_equal(tb_torch_read("", 0, "a.pt", &t, &err), TB_EMODEL);
    assert_int_equal(tb_torch_read("PK\3\4", 4, "a.pt", &t, &err), TB_EMODEL);
    assert_int_equal(tb_torch_read("GGUF", 4, "a.pt", &t, &err), TB_EMODEL);
    assert_non_null(strstr(err.msg, "no file of torch.save"));
    assert_int_equal(tb_torch_open("/nowhere/a.pt", 100, &t, &err), TB_ENOTFOUND);
    assert_int_equal(tb_torch_open(TB_TEST_DATA "/golden/conds.pt", 100, &t, &err), TB_ETOOBIG);
    assert_null(t);
}

/* Every byte of a small file is changed in turn to what has a meaning somewhere, and the file is
 * cut at every length: what comes is a value or a sentence, and nothing is read outside. */
static void damage_anywhere_is_no_crash(void **state)
{
    static const pickled_tensor tensor = {"FloatStorage", "0", 6, 1, 2, {2, 2}, {1, 2}};
    static const uint8_t values[] = {0, 1, 0x7F, 0x80, 0xFF, '(', '.', 'R', 'h', 't', 'u', 'b'};
    size_t size = 0, readable = 0;
    tb_str ops;
    (void)state;
    tb_str_init(&ops, 4096);
    tb_str_puts(&ops, "}q");
    put_little(&ops, 0, 1);
    tb_str_puts(&ops, "(");
    pickle_text(&ops, "w");
    pickle_tensor(&ops, &tensor);
    pickle_text(&ops, "l");
    tb_str_puts(&ops, "](K\1K\2eu");
    char *whole = file_of(&ops, &size);
    tb_str_clear(&ops);
    for (size_t i = 0; i < size * (sizeof values + 1); i++) {
        size_t at = i / (sizeof values + 1), which = i % (sizeof values + 1);
        size_t n = which == sizeof values ? at : size;
        char *bytes = tb_alloc(n);
        tb_torch *t = NULL;
        tb_err err = {0};
        float *x = NULL;
        if (n) memcpy(bytes, whole, n);
        if (which < sizeof values) bytes[at] = (char)values[which];
        if (tb_torch_read(bytes, n, "a.pt", &t, &err)) {
            assert_true(err.msg[0]);
            assert_null(t);
        } else {
            readable++;
            const tb_torch_value *w = tb_torch_get(tb_torch_root(t), "w");
            if (tb_torch_f32(w, "w", 4, &x, &err)) assert_true(err.msg[0]);
        }
        tb_free(x);
        tb_torch_free(t);
        tb_free(bytes);
    }
    assert_in_range(readable, 1, size * sizeof values);
    tb_free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_values_come_as_they_were),
        cmocka_unit_test(the_variant_follows_its_formulas),
        cmocka_unit_test(every_type_of_number_is_read),
        cmocka_unit_test(whole_numbers_of_any_type_are_ids),
        cmocka_unit_test(a_small_file_cannot_ask_for_a_large_tensor),
        cmocka_unit_test(a_tensor_outside_its_storage_is_refused),
        cmocka_unit_test(every_wrong_pickle_has_its_sentence),
        cmocka_unit_test(the_attribute_of_a_state_dict_is_ignored),
        cmocka_unit_test(depth_number_and_memory_have_ceilings),
        cmocka_unit_test(other_files_are_told_apart),
        cmocka_unit_test(damage_anywhere_is_no_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
