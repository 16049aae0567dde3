#ifndef TB_MODEL_HELP_H
#define TB_MODEL_HELP_H

#include "weights_help.h"

#include <setjmp.h>
#include <unistd.h>

#include <cmocka.h>

/* A model's folder with one tensor in each file; what the files hold is test_layout's business. */
static inline void put_bytes(const char *folder, const char *name, const void *data, size_t size)
{
    char *path = tb_path_join(folder, name);
    tb_err err = {0};

    assert_int_equal(tb_file_write(path, data, size, 0600, &err), TB_OK);
    tb_free(path);
}

static inline void put_tensor(const char *folder, const char *file, const char *tensor, float step)
{
    made m;

    made_init(&m);
    made_ramp(&m, tensor, "[2,32]", 64, step);
    made_end(&m);
    put_bytes(folder, file, m.file.data, m.file.len);
    made_clear(&m);
}

static inline void put_t3(const char *folder, const char *file, float step)
{
    put_tensor(folder, file, "text_emb.weight", step);
}

static inline void put_rest(const char *folder)
{
    put_tensor(folder, "s3gen_meanflow.safetensors", "flow.encoder_proj.weight", 1.0f);
    put_tensor(folder, "ve.safetensors", "proj.weight", 1.0f);
}

static inline void remove_all(const char *folder)
{
    static const char *const names[] = {"t3_turbo_v1.safetensors",
                                        "t3_nano_v1.safetensors",
                                        "s3gen_meanflow.safetensors",
                                        "ve.safetensors",
                                        "vocab.json",
                                        "merges.txt",
                                        "added_tokens.json",
                                        "conds.pt",
                                        "model.gguf"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = tb_path_join(folder, names[i]);
        unlink(path);
        tb_free(path);
    }
    assert_int_equal(rmdir(folder), 0); /* nothing else was left behind */
}

#endif
