#include "small_model.h"

static const char *const small_extras[] = {"vocab.json", "merges.txt", "added_tokens.json",
                                           "special_tokens_map.json", "tokenizer_config.json"};

void small_must(tb_status st, const tb_err *err)
{
    if (st == TB_OK) return;
    fprintf(stderr, "small model: %s\n", err->msg);
    exit(1);
}

static void small_copy(const char *from, const char *folder, const char *name)
{
    tb_err err = {0};
    char *data = NULL, *to = tb_path_join(folder, name);
    size_t size = 0;
    small_must(tb_file_read(from, (size_t)64 << 20, &data, &size, &err), &err);
    small_must(tb_file_write(to, data, size, 0644, &err), &err);
    tb_free(data);
    tb_free(to);
}

void small_file(const char *folder, const char *stem,
                void (*change)(tb_seed_list *list, void *self), void *self)
{
    tb_err err = {0};
    tb_seed_list list = {0};
    bool written;
    tb_seed_list_init(&list, tb_seed_small_find(stem));
    if (change) change(&list, self);
    list.data_bytes = 0; /* the tensors follow each other again, whatever was done to them */
    for (size_t i = 0; i < list.n; i++) {
        tb_seed_tensor *t = &list.tensors[i];
        t->offset = list.data_bytes;
        t->count = 1;
        for (unsigned d = 0; d < t->n_dims; d++)
            t->count *= t->dims[d];
        list.data_bytes += t->count * tb_seed_element_bytes(t);
    }
    small_must(tb_seed_write(&list, folder, 1, NULL, NULL, &written, &err), &err);
    tb_seed_list_clear(&list);
}

static void small_stop(tb_seed_list *list, void *bias)
{
    tb_seed_list_stop(list, *(double *)bias);
}

void small_model(const char *folder, const char *t3, double *bias)
{
    tb_err err = {0};
    small_must(tb_file_mkdirs(folder, 0755, &err), &err);
    small_file(folder, t3, bias ? small_stop : NULL, bias);
    small_file(folder, "s3gen_meanflow", NULL, NULL);
    small_file(folder, "ve", NULL, NULL);
    for (size_t i = 0; i < sizeof small_extras / sizeof *small_extras; i++) {
        char *from = tb_sprintf("%s/golden/tokenizer/%s", TB_TEST_DATA, small_extras[i]);
        small_copy(from, folder, small_extras[i]);
        tb_free(from);
    }
    small_copy(TB_TEST_DATA "/golden/conds.pt", folder, "conds.pt");
}
