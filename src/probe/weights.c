/*
 * timbre probe: loads the weights for a stage from a folder of published files, our single file,
 * one safetensors file, or the recording itself.
 *
 * Names are translated by the layout table, so a stage binds the same names whatever it was given.
 * docs/model/probe.md. Relies on model/layout.h and tensor/weights.h.
 */
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/files.h"
#include "probe/probe_priv.h"

#include <string.h>

static const char *const perth_files[] = {"perth.safetensors", TB_FILE_PERTH};

/* Opens one of a folder's files for the recipe. */
static tb_status open_part(const char *folder, const char *name, tb_weights **out, tb_err *err)
{
    char *path = tb_path_join(folder, name);
    tb_status st = tb_file_exists(path) ? tb_safetensors_open(path, out, err)
                                        : tb_fail(err, TB_ENOTFOUND, "%s has no %s", folder, name);

    tb_free(path);
    return st;
}

/* The variant that the settings name, or another when the folder has only that. */
static const char *t3_file(const tb_probe *p, const char *folder)
{
    const tb_catalogue_model *m = tb_catalogue_find(p->cli->config.model_variant);
    for (size_t i = 0; i <= TB_CATALOGUE_MODELS; i++) {
        const char *name = i == 0 ? m->t3 : tb_catalogue_models[i - 1].t3;
        char *path = tb_path_join(folder, name);
        const bool there = tb_file_exists(path);

        tb_free(path);
        if (there) return name;
    }
    return m->t3;
}

/* A folder may lack what this stage does not need. */
static tb_status load_folder(tb_probe *p, const char *path, tb_dtype type, tb_err *err)
{
    const unsigned parts = p->stage->parts;
    tb_layout_source src = {0};
    tb_status st = TB_OK;

    if (parts & TB_PROBE_T3) st = open_part(path, t3_file(p, path), &src.t3, err);
    if (!st && (parts & TB_PROBE_S3GEN)) st = open_part(path, TB_FILE_S3GEN, &src.s3gen, err);
    if (!st && (parts & TB_PROBE_VE)) st = open_part(path, TB_FILE_VE, &src.ve, err);
    if (st) {
        tb_weights_free(src.t3);
        tb_weights_free(src.s3gen);
        return st;
    }
    if (src.t3 || src.s3gen || src.ve) st = tb_layout_build(&src, type, path, &p->weights, err);
    if (!st && (parts & TB_PROBE_WORDS)) st = tb_bpe_open(path, &p->bpe, err);
    return st;
}

static tb_status load_gguf(tb_probe *p, const char *path, tb_dtype type, tb_err *err)
{
    const tb_model_place place = {.path = path};
    tb_bpe_file files[8];
    size_t n = 0;
    tb_status st = tb_model_files_open(&place, type, &p->weights, err);

    if (st || !(p->stage->parts & TB_PROBE_WORDS)) return st;
    for (size_t i = 0; tb_bpe_file_name(i) && n < sizeof files / sizeof *files; i++) {
        files[n].name = tb_bpe_file_name(i);
        files[n].data = tb_model_file(p->weights, files[n].name, &files[n].size);
        if (files[n].data) n++;
    }
    return tb_bpe_read(files, n, &p->bpe, err);
}

/* The place in the recipe for the one file that the stage reads. */
static tb_status one_source(const tb_probe *p, const char *path, tb_weights *set,
                            const char *prefix, tb_layout_source *src, tb_err *err)
{
    switch (p->stage->parts) {
    case TB_PROBE_T3:
        src->t3 = set;
        src->t3_prefix = prefix;
        return TB_OK;
    case TB_PROBE_S3GEN:
        src->s3gen = set;
        src->s3gen_prefix = prefix;
        return TB_OK;
    case TB_PROBE_VE:
        src->ve = set;
        src->ve_prefix = prefix;
        return TB_OK;
    default:
        return tb_fail(err, TB_EINVAL,
                       "%s is one file of weights; the stage %s needs a folder or a .gguf file",
                       path, p->stage->name);
    }
}

static tb_status load_one(tb_probe *p, const char *path, const char *prefix, tb_dtype type,
                          tb_err *err)
{
    tb_layout_source src = {0};
    tb_weights *set = NULL;
    tb_status st = tb_safetensors_open(path, &set, err);

    if (st) return st;
    st = one_source(p, path, set, prefix, &src, err);
    if (st)
        tb_weights_free(set);
    else
        st = tb_layout_build(&src, type, path, &p->weights, err);
    return st;
}

/* A convolution as torch has it, (out, in, k), to ours, (out, k, in). Heap. */
static float *transposed(const tb_tensor *t)
{
    const size_t N = t->dim[0], C = t->dim[1], k = t->dim[2];
    const float *x = t->data;
    float *y = tb_try_alloc(tb_tensor_count(t), sizeof *y);

    for (size_t n = 0; y && n < N; n++)
        for (size_t c = 0; c < C; c++)
            for (size_t j = 0; j < k; j++)
                y[(n * k + j) * C + c] = x[(n * C + c) * k + j];
    return y;
}

/* The half of the watermark's file that marks. */
static tb_status load_perth_tensors(tb_probe *p, const char *path, tb_err *err)
{
    tb_weights *set = NULL;
    tb_status st = tb_safetensors_open(path, &set, err);

    if (st) return st;
    p->weights = tb_weights_new(path);
    tb_weights_take_source(p->weights, set);
    for (size_t i = 0; !st && i < tb_weights_count(set); i++) {
        const char *name = tb_weights_name(set, i);
        tb_tensor t = *tb_weights_at(set, i);
        float *owned = NULL;

        if (!tb_str_starts(name, "encoder.")) continue;
        if (t.n_dims == 3 && t.type == TB_F32) {
            owned = transposed(&t);
            if (!owned) {
                st = tb_nomem(err, tb_tensor_count(&t), sizeof *owned);
                break;
            }
            const size_t C = t.dim[1];
            t.dim[1] = t.dim[2];
            t.dim[2] = C;
            t.data = owned;
        }
        st = tb_weights_add(p->weights, name, &t, owned, err);
    }
    if (!st) st = tb_perth_new(p->weights, &p->perth, err);
    return st;
}

static tb_status load_perth(tb_probe *p, const char *path, tb_err *err)
{
    char *inside = NULL;
    tb_status st = TB_OK;

    if (tb_file_is_dir(path)) {
        for (size_t i = 0; !inside && i < sizeof perth_files / sizeof *perth_files; i++) {
            inside = tb_path_join(path, perth_files[i]);
            if (tb_file_exists(inside)) break;
            tb_free(inside);
            inside = NULL;
        }
        if (!inside)
            return tb_fail(err, TB_ENOTFOUND, "%s has neither %s nor %s", path, perth_files[0],
                           perth_files[1]);
        path = inside;
    }
    st = tb_str_ends(path, ".safetensors") ? load_perth_tensors(p, path, err)
                                           : tb_perth_open(path, &p->perth, err);
    tb_free(inside);
    return st;
}

tb_status tb_probe_load(tb_probe *p, const char *path, tb_dtype type, tb_err *err)
{
    if (!tb_file_exists(path)) return tb_fail(err, TB_ENOTFOUND, "there is no %s", path);
    if (p->stage->parts & TB_PROBE_PERTH) return load_perth(p, path, err);
    if (tb_file_is_dir(path)) return load_folder(p, path, type, err);
    if (tb_str_ends(path, ".gguf")) return load_gguf(p, path, type, err);
    return load_one(p, path, NULL, type, err);
}

bool tb_probe_has_weights(const tb_probe *p, const char *prefix)
{
    char begin[TB_PROBE_NAME];

    snprintf(begin, sizeof begin, "%sw/", prefix);
    for (size_t i = 0; p->in && i < tb_weights_count(p->in); i++)
        if (tb_str_starts(tb_weights_name(p->in, i), begin)) return true;
    return false;
}

tb_status tb_probe_load_recorded(tb_probe *p, const char *path, const char *prefix, tb_dtype type,
                                 tb_err *err)
{
    char begin[TB_PROBE_NAME];

    snprintf(begin, sizeof begin, "%sw/", prefix);
    return load_one(p, path, begin, type, err);
}
