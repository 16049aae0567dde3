/*
 * Damaged files of a model: the wrong tensor or file is named.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chatterbox_help.h"

/* What is wrong with a file of the model is said. */

/* ---- files that are wrong ---- */

struct damage {
    const char *stem, *tensor;
    enum { MISSING, RESHAPED, EXTRA, ANY } how;
    uint32_t dims[2]; /* RESHAPED; 0: as it was */
    const char *name; /* EXTRA */
    const char *says[2];
};

static void damage(tb_seed_list *list, void *self)
{
    const struct damage *d = self;
    size_t i = 0;
    while (i < list->n && strcmp(list->tensors[i].name, d->tensor) != 0)
        i++;
    assert_true(i < list->n);
    tb_seed_tensor *t = &list->tensors[i];
    if (d->how == MISSING) {
        tb_free(t->name);
        memmove(t, t + 1, (list->n - i - 1) * sizeof *t);
        list->n--;
    } else if (d->how == RESHAPED) {
        for (unsigned k = 0; k < 2; k++)
            if (d->dims[k]) t->dims[k] = d->dims[k];
    } else { /* under another name, in place of one that is dropped anyway */
        for (size_t k = 0; k < list->n; k++)
            if (strcmp(list->tensors[k].name, "text_head.weight") == 0) {
                tb_seed_tensor *x = &list->tensors[k];
                tb_free(x->name);
                *x = *t;
                x->name = tb_strdup(d->name);
            }
    }
}

static void refused(const char *path, const struct damage *d)
{
    tb_chatterbox *c = NULL;
    tb_err err = {0};
    tb_chatterbox_config config = {.place = {.path = path}, .type = TB_F16, .threads = 1};
    tb_status st = tb_chatterbox_open(&config, &c, &err);
    if (st == TB_OK) fail_msg("%s was opened", d->tensor ? d->tensor : d->stem);
    assert_null(c);
    assert_true(st == TB_EMODEL || st == TB_ENOTFOUND);
    for (size_t i = 0; i < 2; i++)
        if (d->says[i] && !strstr(err.msg, d->says[i]))
            fail_msg("no '%s' in: %s", d->says[i], err.msg);
}

static void a_tensor_that_is_wrong_is_named(void **state)
{
    /* clang-format off */
    static struct damage all[] = {
        {"t3_turbo_v1", "speech_head.weight", MISSING, {0}, NULL, {"speech_head.weight", NULL}},
        {"t3_turbo_v1", "tfmr.h.1.mlp.c_fc.bias", MISSING, {0}, NULL, {"tfmr.h.1.mlp.c_fc", NULL}},
        {"t3_turbo_v1", "tfmr.h.0.ln_1.weight", MISSING, {0}, NULL, {"tfmr.h.", NULL}},
        {"t3_turbo_v1", "tfmr.wpe.weight", RESHAPED, {0, 63}, NULL, {"tfmr.wpe.weight", "63"}},
        {"t3_turbo_v1", "speech_head.bias", RESHAPED, {6562}, NULL, {"speech_head.bias", "6562"}},
        {"t3_turbo_v1", "text_emb.weight", RESHAPED, {50000}, NULL, {"tokenizer", "50000"}},
        {"t3_turbo_v1", "cond_enc.spkr_enc.weight", RESHAPED, {0, 192}, NULL, {"192", "256"}},
        {"t3_turbo_v1", "speech_head.bias", EXTRA, {0}, "speech_head.scale",
         {"speech_head.scale", NULL}},
        {"t3_turbo_v1", "tfmr.h.0.ln_1.weight", EXTRA, {0}, "tfmr.h.7.ln_1.weight",
         {"tfmr.h.7.ln_1.weight", NULL}},
        {"s3gen_meanflow", "mel2wav.conv_post.bias", MISSING, {0}, NULL,
         {"mel2wav.conv_post", NULL}},
        {"s3gen_meanflow", "mel2wav.conv_pre.parametrizations.weight.original0", MISSING, {0}, NULL,
         {"mel2wav.conv_pre", NULL}},
        {"s3gen_meanflow", "flow.input_embedding.weight", RESHAPED, {6560}, NULL,
         {"6560", "6561"}},
        {"s3gen_meanflow", "flow.encoder_proj.weight", RESHAPED, {79}, NULL,
         {"flow.encoder_proj.weight", "79"}},
        {"s3gen_meanflow", "mel2wav.conv_pre.parametrizations.weight.original1", RESHAPED, {0, 79},
         NULL, {"f0_predictor", "79"}},
        {"s3gen_meanflow", "tokenizer.window", RESHAPED, {399}, NULL, {"tokenizer.window", "399"}},
        {"s3gen_meanflow", "tokenizer.quantizer._codebook.project_down.weight", RESHAPED, {7}, NULL,
         {"project_down", NULL}},
        {"ve", "proj.weight", RESHAPED, {128}, NULL, {"proj", "128"}},
        {"ve", "lstm.weight_hh_l2", MISSING, {0}, NULL, {"lstm.weight_hh_l2", NULL}},
    };
    /* clang-format on */
    (void)state;
    char *broken = tb_path_join(home, "broken");
    small_model(broken, "t3_turbo_v1", NULL);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        small_file(broken, all[i].stem, damage, &all[i]);
        refused(broken, &all[i]);
        small_file(broken, all[i].stem, NULL, NULL);
    }
    tb_chatterbox_close(opened(broken, TB_F16, 1)); /* it was not the folder */
    tb_free(broken);
}

static void put(const char *path, const void *data, size_t size)
{
    assert_int_equal(tb_file_write(path, data, size, 0644, NULL), TB_OK);
}

static void a_file_that_is_cut_foreign_or_missing_is_named(void **state)
{
    static const struct {
        const char *file;
        bool needed;
    } files[] = {
        {"t3_turbo_v1.safetensors", true},
        {"s3gen_meanflow.safetensors", true},
        {"ve.safetensors", true},
        {"vocab.json", true},
        {"merges.txt", true},
        {"added_tokens.json", true},
        {"conds.pt", false},
    };
    (void)state;
    char *broken = tb_path_join(home, "broken");
    small_model(broken, "t3_turbo_v1", NULL);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *path = tb_path_join(broken, files[i].file), *data = NULL;
        size_t size = 0;
        struct damage d = {.stem = files[i].file, .how = ANY, .says = {files[i].file, NULL}};
        assert_int_equal(tb_file_read(path, (size_t)64 << 20, &data, &size, NULL), TB_OK);
        /* Fewer merges are a tokenizer as well. */
        for (int k = strcmp(files[i].file, "merges.txt") == 0 ? 2 : 0; k < 4; k++) {
            if (k < 2)
                put(path, data, k ? size / 2 : 0);
            else if (k == 2)
                put(path, "<html>Please sign in</html>\n", 28);
            else
                unlink(path);
            if (k == 3 && !files[i].needed) {
                tb_chatterbox *c = opened(broken, TB_F16, 1); /* only the built-in voice is lost */
                assert_null(tb_chatterbox_default(c));
                tb_chatterbox_close(c);
            } else {
                refused(broken, &d);
            }
        }
        put(path, data, size);
        tb_free(data);
        tb_free(path);
    }
    /* One file for the other; and what is no model at all. */
    char *a = tb_path_join(broken, "ve.safetensors"), *gguf = tb_path_join(home, "x.gguf");
    small_file(broken, "s3gen_meanflow", NULL, NULL);
    char *b = tb_path_join(broken, "s3gen_meanflow.safetensors"), *data = NULL;
    size_t size = 0;
    assert_int_equal(tb_file_read(b, (size_t)64 << 20, &data, &size, NULL), TB_OK);
    put(a, data, size);
    refused(broken, &(struct damage){.stem = "ve", .how = ANY, .says = {"ve.safetensors", NULL}});
    put(gguf, data, size);
    refused(gguf, &(struct damage){.stem = "gguf", .how = ANY, .says = {"x.gguf", NULL}});
    put(gguf, "GGUF", 4);
    refused(gguf, &(struct damage){.stem = "gguf", .how = ANY, .says = {"x.gguf", NULL}});
    refused(home, &(struct damage){.stem = "home", .how = ANY, .says = {"t3_turbo_v1", NULL}});
    refused("/nowhere",
            &(struct damage){.stem = "nowhere", .how = ANY, .says = {"/nowhere", NULL}});
    tb_free(data);
    tb_free(a);
    tb_free(b);
    tb_free(gguf);
    tb_free(broken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tensor_that_is_wrong_is_named),
        cmocka_unit_test(a_file_that_is_cut_foreign_or_missing_is_named),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
