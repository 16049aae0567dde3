#ifndef TB_TEST_SEEDED_T3_H
#define TB_TEST_SEEDED_T3_H

#include "base/file.h"
#include "base/mem.h"
#include "golden.h"
#include "model/layout.h"

/* A seeded T3 in a type of ours, through the recipe that the engine loads with. NULL: skip. */
static inline tb_weights *seeded_t3(const char *file, tb_dtype type)
{
    tb_err err = {0};
    tb_layout_source src = {0};
    tb_weights *out = NULL;
    const char *dir = golden_seeded_dir();
    if (!dir) return NULL;
    char *path = tb_path_join(dir, file);
    if (tb_safetensors_open(path, &src.t3, &err)) fail_msg("%s", err.msg);
    if (tb_layout_build(&src, type, path, &out, &err)) fail_msg("%s", err.msg);
    tb_free(path);
    return out;
}

#endif
