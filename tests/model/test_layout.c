/*
 * Tests of the layout table: names, weight norm, types, prefixes, refusals.
 */
#include "model/layout.h"

#include "weights_help.h"

#include <math.h>
#include <setjmp.h>

#include <cmocka.h>

/* One tensor of each kind, of sizes that tell the axes apart. */
static void add_t3(made *m)
{
    made_ramp(m, "tfmr.wte.weight", "[3,2]", 6, 1.0f);
    made_ramp(m, "tfmr.wpe.weight", "[5,2]", 10, 1.0f);
    made_ramp(m, "tfmr.h.0.ln_1.weight", "[2]", 2, 1.0f);
    made_ramp(m, "tfmr.h.0.attn.c_attn.weight", "[2,3]", 6, 1.0f);
    made_ramp(m, "tfmr.h.11.mlp.c_fc.weight", "[32,64]", 2048, 0.001f);
    made_ramp(m, "text_head.weight", "[3,2]", 6, 1.0f);
    made_ramp(m, "speech_head.weight", "[3,64]", 192, 0.01f);
    made_ramp(m, "text_emb.weight", "[3,64]", 192, 0.01f);
}

static void add_s3gen(made *m)
{
    const int64_t seen = 1000;

    made_ramp(m, "flow.encoder.up_layer.conv.weight", "[2,3,4]", 24, 1.0f);
    made_ramp(m, "tokenizer.encoder.blocks.0.attn.fsmn_block.weight", "[4,1,3]", 12, 1.0f);
    made_ramp(m, "flow.decoder.estimator.final_proj.weight", "[2,3,1]", 6, 1.0f);
    made_ramp(m, "speaker_encoder.head.conv1.weight", "[2,3,2,2]", 24, 1.0f);
    made_ramp(m, "speaker_encoder.xvector.block1.tdnnd12.nonlinear1.batchnorm.weight", "[3]", 3,
              1.0f);
    made_add(m, "speaker_encoder.head.bn1.num_batches_tracked", "I64", "[]", &seen, sizeof seen);
    made_ramp(m, "mel2wav.ups.0.parametrizations.weight.original0", "[2,1,1]", 2, 1.0f);
    made_ramp(m, "mel2wav.ups.0.parametrizations.weight.original1", "[2,3,4]", 24, 1.0f);
    made_ramp(m, "mel2wav.conv_pre.parametrizations.weight.original0", "[2,1,1]", 2, 1.0f);
    made_ramp(m, "mel2wav.conv_pre.parametrizations.weight.original1", "[2,3,4]", 24, 1.0f);
}

static void add_ve(made *m)
{
    made_ramp(m, "lstm.weight_ih_l0", "[4,32]", 128, 0.5f);
    made_ramp(m, "lstm.bias_ih_l0", "[4]", 4, 1.0f);
}

typedef struct {
    made files[3];
    tb_layout_source src;
} parts;

static void parts_open(parts *p)
{
    tb_err err = {0};

    *p = (parts){0};
    for (int i = 0; i < 3; i++)
        made_init(&p->files[i]);
    add_t3(&p->files[0]);
    add_s3gen(&p->files[1]);
    add_ve(&p->files[2]);
    assert_int_equal(made_open(&p->files[0], "t3.safetensors", &p->src.t3, &err), TB_OK);
    assert_int_equal(made_open(&p->files[1], "s3gen.safetensors", &p->src.s3gen, &err), TB_OK);
    assert_int_equal(made_open(&p->files[2], "ve.safetensors", &p->src.ve, &err), TB_OK);
}

static void parts_clear(parts *p)
{
    for (int i = 0; i < 3; i++)
        made_clear(&p->files[i]);
}

static const float *f32_of(const tb_weights *w, const char *name, unsigned n_dims, size_t d0,
                           size_t d1, size_t d2)
{
    const tb_tensor *t = tb_weights_find(w, name);

    if (!t) fail_msg("no %s", name);
    assert_int_equal(t->type, TB_F32);
    assert_int_equal(t->n_dims, n_dims);
    assert_int_equal(t->dim[0], d0);
    if (n_dims > 1) assert_int_equal(t->dim[1], d1);
    if (n_dims > 2) assert_int_equal(t->dim[2], d2);
    return t->data;
}

static void everything_gets_our_layout(void **state)
{
    (void)state;
    parts p;
    tb_weights *w = NULL;
    tb_err err = {0};
    const float *x;

    parts_open(&p);
    assert_int_equal(tb_layout_build(&p.src, TB_F32, "model", &w, &err), TB_OK);
    assert_int_equal(tb_weights_count(w), 6 + 7 + 2);
    assert_string_equal(tb_weights_label(w), "model");

    x = f32_of(w, "tfmr.h.0.attn.c_attn.weight", 2, 3, 2, 0); /* (in, out) -> (out, in) */
    for (int o = 0; o < 3; o++)
        for (int i = 0; i < 2; i++)
            assert_true(x[o * 2 + i] == (float)(i * 3 + o + 1));
    x = f32_of(w, "tfmr.h.11.mlp.c_fc.weight", 2, 64, 32, 0);
    for (int o = 0; o < 64; o++)
        for (int i = 0; i < 32; i++)
            assert_true(x[o * 32 + i] == (float)(i * 64 + o + 1) * 0.001f);
    x = f32_of(w, "flow.encoder.up_layer.conv.weight", 3, 2, 4,
               3); /* (out, in, k) -> (out, k, in) */
    for (int o = 0; o < 2; o++)
        for (int k = 0; k < 4; k++)
            for (int i = 0; i < 3; i++)
                assert_true(x[(o * 4 + k) * 3 + i] == (float)((o * 3 + i) * 4 + k + 1));
    x = f32_of(w, "speaker_encoder.head.conv1.weight", 4, 2, 2, 2); /* (out, kh, kw, in) */
    for (int o = 0; o < 2; o++)
        for (int k = 0; k < 4; k++)
            for (int i = 0; i < 3; i++)
                assert_true(x[(o * 4 + k) * 3 + i] == (float)((o * 3 + i) * 4 + k + 1));
    f32_of(w, "tokenizer.encoder.blocks.0.attn.fsmn_block.weight", 3, 4, 3, 1);
    f32_of(w, "flow.decoder.estimator.final_proj.weight", 3, 2, 1, 3);
    f32_of(w, "xv.block1.tdnnd12.nl1.bn.weight", 1, 3, 0, 0);
    f32_of(w, "ve.lstm.weight_ih_l0", 2, 4, 32, 0);
    assert_null(tb_weights_find(w, "tfmr.wte.weight"));
    assert_null(tb_weights_find(w, "text_head.weight"));
    tb_weights_free(w);
    parts_clear(&p);
}

/* Rows of v are 1..12 and 13..24; g is 1 and 2. Per first axis, which is the input channel of a
 * transposed convolution. */
static void weight_norm_is_folded(void **state)
{
    (void)state;
    parts p;
    tb_weights *w = NULL;
    double norm[2] = {0};
    const float *x;

    for (int j = 0; j < 24; j++)
        norm[j / 12] += (double)((j + 1) * (j + 1));
    parts_open(&p);
    assert_int_equal(tb_layout_build(&p.src, TB_F32, "model", &w, NULL), TB_OK);
    x = f32_of(w, "mel2wav.conv_pre.weight", 3, 2, 4, 3);
    for (int o = 0; o < 2; o++)
        for (int k = 0; k < 4; k++)
            for (int i = 0; i < 3; i++) {
                const double want = (double)((o * 3 + i) * 4 + k + 1) * (o + 1) / sqrt(norm[o]);
                assert_true(fabs((double)x[(o * 4 + k) * 3 + i] - want) <= 1e-7);
            }
    x = f32_of(w, "mel2wav.ups.0.weight", 3, 3, 4, 2); /* (in, out, k) -> (out, k, in) */
    for (int o = 0; o < 3; o++)
        for (int k = 0; k < 4; k++)
            for (int i = 0; i < 2; i++) {
                const double want = (double)((i * 3 + o) * 4 + k + 1) * (i + 1) / sqrt(norm[i]);
                assert_true(fabs((double)x[(o * 4 + k) * 2 + i] - want) <= 1e-7);
            }
    tb_weights_free(w);
    parts_clear(&p);
}

static tb_dtype type_of(const tb_weights *w, const char *name)
{
    const tb_tensor *t = tb_weights_find(w, name);

    if (!t) fail_msg("no %s", name);
    return t->type;
}

static void types_are_those_of_the_table(void **state)
{
    (void)state;
    /* asked for, matrices of T3, odd ones, embeddings, flow, speaker networks */
    static const tb_dtype want[][6] = {
        {TB_F32, TB_F32, TB_F32, TB_F32, TB_F32, TB_F32},
        {TB_F16, TB_F16, TB_F16, TB_F16, TB_F16, TB_F16},
        {TB_BF16, TB_BF16, TB_BF16, TB_BF16, TB_BF16, TB_F16},
        {TB_Q8_0, TB_Q8_0, TB_F16, TB_F16, TB_BF16, TB_F16},
        {TB_Q4_0, TB_Q4_0, TB_F16, TB_F16, TB_BF16, TB_F16},
    };

    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        parts p;
        tb_weights *w = NULL;

        parts_open(&p);
        assert_int_equal(tb_layout_build(&p.src, want[i][0], "model", &w, NULL), TB_OK);
        assert_int_equal(type_of(w, "tfmr.h.11.mlp.c_fc.weight"), want[i][1]);
        assert_int_equal(type_of(w, "speech_head.weight"), want[i][1]);
        assert_int_equal(type_of(w, "tfmr.h.0.attn.c_attn.weight"), want[i][2]); /* 2 wide */
        assert_int_equal(type_of(w, "text_emb.weight"), want[i][3]);
        assert_int_equal(type_of(w, "tfmr.wpe.weight"), want[i][3]);
        assert_int_equal(type_of(w, "flow.encoder.up_layer.conv.weight"), want[i][4]);
        assert_int_equal(type_of(w, "mel2wav.conv_pre.weight"), want[i][4]);
        assert_int_equal(type_of(w, "ve.lstm.weight_ih_l0"), want[i][5]);
        assert_int_equal(type_of(w, "speaker_encoder.head.conv1.weight"), want[i][5]);
        assert_int_equal(type_of(w, "tfmr.h.0.ln_1.weight"), TB_F32);
        assert_int_equal(type_of(w, "ve.lstm.bias_ih_l0"), TB_F32);
        assert_int_equal(type_of(w, "tokenizer.encoder.blocks.0.attn.fsmn_block.weight"), TB_F32);
        tb_weights_free(w);
        parts_clear(&p);
    }
}

static void what_is_wanted_as_it_is_is_not_copied(void **state)
{
    (void)state;
    parts p;
    tb_weights *w = NULL;

    parts_open(&p);
    assert_int_equal(tb_layout_build(&p.src, TB_F32, "model", &w, NULL), TB_OK);
    static const char *const borrowed[] = {"text_emb.weight", "tfmr.h.0.ln_1.weight",
                                           "tfmr.wpe.weight"};
    for (size_t i = 0; i < 3; i++) {
        const char *data = tb_weights_find(w, borrowed[i])->data;
        const tb_str *file = &p.files[0].file;
        assert_true(data > file->data && data < file->data + file->len);
    }
    tb_weights_free(w); /* and with it the sources */
    parts_clear(&p);
}

static void halves_are_read_exactly(void **state)
{
    (void)state;
    const uint16_t half[6] = {0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600}; /* 1 .. 6 */
    const uint16_t brain[6] = {0x3f80, 0x4000, 0x4040, 0x4080, 0x40a0, 0x40c0};
    made m;
    tb_layout_source src = {0};
    tb_weights *w = NULL;

    made_init(&m);
    made_add(&m, "tfmr.h.0.attn.c_attn.weight", "F16", "[2,3]", half, sizeof half);
    made_add(&m, "tfmr.h.0.mlp.c_fc.weight", "BF16", "[2,3]", brain, sizeof brain);
    made_add(&m, "tfmr.ln_f.weight", "F16", "[6]", half, sizeof half);
    assert_int_equal(made_open(&m, "t3", &src.t3, NULL), TB_OK);
    assert_int_equal(tb_layout_build(&src, TB_F32, "model", &w, NULL), TB_OK);
    static const float turned[6] = {1, 4, 2, 5, 3, 6}, straight[6] = {1, 2, 3, 4, 5, 6};
    assert_memory_equal(f32_of(w, "tfmr.h.0.attn.c_attn.weight", 2, 3, 2, 0), turned,
                        sizeof turned);
    assert_memory_equal(f32_of(w, "tfmr.h.0.mlp.c_fc.weight", 2, 3, 2, 0), turned, sizeof turned);
    assert_memory_equal(f32_of(w, "tfmr.ln_f.weight", 1, 6, 0, 0), straight, sizeof straight);
    tb_weights_free(w);
    made_clear(&m);
}

static void a_prefix_is_cut_off_and_one_set_may_be_several(void **state)
{
    (void)state;
    made m;
    tb_layout_source src = {.s3gen_prefix = "net/w/", .ve_prefix = "voice/"};
    tb_weights *w = NULL;

    made_init(&m);
    made_ramp(&m, "net/w/mel2wav.conv_pre.parametrizations.weight.original0", "[2,1,1]", 2, 1.0f);
    made_ramp(&m, "net/w/mel2wav.conv_pre.parametrizations.weight.original1", "[2,3,4]", 24, 1.0f);
    made_ramp(&m, "voice/proj.weight", "[2,3]", 6, 1.0f);
    made_ramp(&m, "something else", "[2]", 2, 1.0f);
    assert_int_equal(made_open(&m, "all", &src.s3gen, NULL), TB_OK);
    src.ve = src.s3gen;
    assert_int_equal(tb_layout_build(&src, TB_F32, "model", &w, NULL), TB_OK);
    assert_int_equal(tb_weights_count(w), 2);
    f32_of(w, "mel2wav.conv_pre.weight", 3, 2, 4, 3);
    f32_of(w, "ve.proj.weight", 2, 2, 3, 0);
    tb_weights_free(w);
    made_clear(&m);
}

/* A T3 file of this one tensor, in this type, is refused with these words. */
static void refuses_t3(const char *name, const char *dtype, const char *shape, const void *data,
                       size_t size, tb_dtype type, const char *words)
{
    made m;
    tb_layout_source src = {0};
    tb_weights *w = NULL;
    tb_err err = {0};

    made_init(&m);
    made_add(&m, name, dtype, shape, data, size);
    assert_int_equal(made_open(&m, "t3.safetensors", &src.t3, &err), TB_OK);
    assert_int_equal(tb_layout_build(&src, type, "model", &w, &err), TB_EMODEL);
    assert_null(w);
    if (!strstr(err.msg, words) || !strstr(err.msg, "t3.safetensors"))
        fail_msg("\"%s\" does not say \"%s\"", err.msg, words);
    made_clear(&m);
}

static void what_does_not_belong_is_refused_by_name(void **state)
{
    (void)state;
    const float x[64] = {1.0f};
    const float big[2] = {70000.0f, 0.0f}, none[2] = {0.0f, NAN};

    refuses_t3("tfmr.h.0.attn.bias", "F32", "[2]", x, 8, TB_F32, "tfmr.h.0.attn.bias");
    refuses_t3("tfmr.h.00.ln_1.bias", "F32", "[2]", x, 8, TB_F32, "tfmr.h.00.ln_1.bias");
    refuses_t3("tfmr.h..ln_1.bias", "F32", "[2]", x, 8, TB_F32, "tfmr.h..ln_1.bias");
    refuses_t3("tfmr.h.99999.ln_1.bias", "F32", "[2]", x, 8, TB_F32, "tfmr.h.99999.ln_1.bias");
    refuses_t3("tfmr.ln_f.bias.more", "F32", "[2]", x, 8, TB_F32, "tfmr.ln_f.bias.more");
    refuses_t3("lstm.weight_ih_l0", "F32", "[2]", x, 8, TB_F32, "lstm.weight_ih_l0");
    refuses_t3("text_emb.weight", "I32", "[2,1]", x, 8, TB_F32, "text_emb.weight is of type i32");
    refuses_t3("tfmr.h.0.mlp.c_fc.weight", "F32", "[2]", x, 8, TB_F32, "has shape [2]");
    refuses_t3("tfmr.h.0.mlp.c_fc.weight", "F32", "[2,1,1]", x, 8, TB_F32, "has shape [2, 1, 1]");
    refuses_t3("text_emb.weight", "F32", "[0,4]", x, 0, TB_F32, "has shape [0, 4]");
    refuses_t3("text_emb.weight", "F32", "[1,2]", big, 8, TB_F16, "text_emb.weight holds 70000");
    refuses_t3("text_emb.weight", "F32", "[1,2]", none, 8, TB_BF16, "text_emb.weight holds nan");
}

static void half_a_weight_norm_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *g, *g_shape, *v, *words;
        float step;
    } cases[] = {
        {"mel2wav.ups.0.parametrizations.weight.original0", "[2,1,1]", NULL, "but no mel2wav.ups.0",
         1},
        {NULL, NULL, "mel2wav.ups.0.parametrizations.weight.original1", "but no mel2wav.ups.0", 1},
        {"mel2wav.ups.0.parametrizations.weight.original0", "[1,1,1]",
         "mel2wav.ups.0.parametrizations.weight.original1", "wanted 2 numbers", 1},
        {"mel2wav.ups.0.parametrizations.weight.original0", "[2,1,1]",
         "mel2wav.ups.0.parametrizations.weight.original1", "a filter of zeros", 0},
        {"mel2wav.conv_pre.parametrizations.weight.original0", "[2,1,1]",
         "mel2wav.conv_pre.parametrizations.weight.original1", "a filter of zeros", 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        made m;
        tb_layout_source src = {0};
        tb_weights *w = NULL;
        tb_err err = {0};

        made_init(&m);
        if (cases[i].g)
            made_ramp(&m, cases[i].g, cases[i].g_shape, cases[i].g_shape[1] == '2' ? 2 : 1, 1.0f);
        if (cases[i].v) made_ramp(&m, cases[i].v, "[2,3,4]", 24, cases[i].step);
        assert_int_equal(made_open(&m, "s3gen.safetensors", &src.s3gen, &err), TB_OK);
        assert_int_equal(tb_layout_build(&src, TB_F32, "model", &w, &err), TB_EMODEL);
        if (!strstr(err.msg, cases[i].words)) fail_msg("case %zu: %s", i, err.msg);
        made_clear(&m);
    }
}

static void parts_of_a_tensor_are_what_the_whole_is(void **state)
{
    (void)state;
    static const tb_dtype types[] = {TB_F32, TB_Q8_0};

    for (size_t t = 0; t < 2; t++) {
        parts p, q;
        tb_weights *w = NULL;
        tb_layout *r = NULL;

        parts_open(&p);
        parts_open(&q);
        assert_int_equal(tb_layout_build(&p.src, types[t], "model", &w, NULL), TB_OK);
        assert_int_equal(tb_layout_new(&q.src, types[t], "model", &r, NULL), TB_OK);
        assert_int_equal(tb_layout_count(r), tb_weights_count(w));
        for (size_t i = 0; i < tb_layout_count(r); i++) {
            const size_t rows = tb_layout_rows(r, i), bytes = tb_layout_row_bytes(r, i);
            char *one = tb_alloc(bytes);

            assert_string_equal(tb_layout_name(r, i), tb_weights_name(w, i));
            for (size_t j = 0; j < rows; j++) {
                assert_int_equal(tb_layout_make(r, i, j, 1, one, NULL), TB_OK);
                assert_memory_equal(one, (const char *)tb_weights_at(w, i)->data + j * bytes,
                                    bytes);
            }
            tb_layout_done_with(r, i);
            tb_free(one);
        }
        tb_layout_free(r);
        tb_weights_free(w);
        parts_clear(&p);
        parts_clear(&q);
    }
}

static void names_go_both_ways(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"tfmr.h.23.attn.c_proj.bias", "tfmr.h.23.attn.c_proj.bias"},
        {"speaker_encoder.xvector.block3.tdnnd16.nonlinear2.batchnorm.running_var",
         "xv.block3.tdnnd16.nl2.bn.running_var"},
        {"speaker_encoder.xvector.out_nonlinear.batchnorm.bias", "xv.out_nonlinear.bn.bias"},
        {"speaker_encoder.head.bn1.weight", "speaker_encoder.head.bn1.weight"},
        {"flow.decoder.estimator.down_blocks.0.1.3.attn1.to_out.0.weight",
         "flow.decoder.estimator.down_blocks.0.1.3.attn1.to_out.0.weight"},
        {"similarity_weight", "ve.similarity_weight"},
        {"proj.weight", "ve.proj.weight"},
    };
    char name[TB_LAYOUT_NAME];

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        assert_true(tb_layout_our_name(pairs[i][0], name));
        assert_string_equal(name, pairs[i][1]);
        assert_true(strlen(name) <= 63);
        assert_true(tb_layout_published_name(pairs[i][1], name));
        assert_string_equal(name, pairs[i][0]);
    }
    assert_true(
        tb_layout_our_name("mel2wav.resblocks.8.convs2.2.parametrizations.weight.original1", name));
    assert_string_equal(name, "mel2wav.resblocks.8.convs2.2.weight");
    assert_true(tb_layout_published_name("mel2wav.resblocks.8.convs2.2.weight", name));
    assert_string_equal(name, "mel2wav.resblocks.8.convs2.2.parametrizations.weight");
    assert_false(tb_layout_our_name("text_head.weight", name));
    assert_false(tb_layout_our_name("nonsense", name));
    assert_false(tb_layout_our_name("", name));
    assert_false(tb_layout_published_name("", name));
    assert_false(tb_layout_published_name("weight", name));
    assert_false(tb_layout_published_name("proj.weight", name)); /* ours says ve. */
    assert_false(tb_layout_published_name("mel2wav.resblocks.8.convs3.2.weight", name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_gets_our_layout),
        cmocka_unit_test(weight_norm_is_folded),
        cmocka_unit_test(types_are_those_of_the_table),
        cmocka_unit_test(what_is_wanted_as_it_is_is_not_copied),
        cmocka_unit_test(halves_are_read_exactly),
        cmocka_unit_test(a_prefix_is_cut_off_and_one_set_may_be_several),
        cmocka_unit_test(what_does_not_belong_is_refused_by_name),
        cmocka_unit_test(half_a_weight_norm_is_refused),
        cmocka_unit_test(parts_of_a_tensor_are_what_the_whole_is),
        cmocka_unit_test(names_go_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
