/*
 * Opening a model: a folder with the published files, or one GGUF file of ours.
 *
 * Finds the files (a folder may be a snapshot that links to others, and may hold turbo and nano
 * side by side), opens them as sets of tensors and has layout.c present them under our names. The
 * small files (tokenizer, conds.pt) travel as metadata of the set. Messages name the first file
 * that is missing or wrong. docs/model/files.md.
 */
#include "model/files.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool given(const char *s)
{
    return s && *s;
}

/* The file of that name in path, else in base; NULL when it is in neither. Heap. */
static char *find_file(const tb_model_place *place, const char *name)
{
    char *path = tb_path_join(place->path, name);

    if (!tb_file_exists(path) && given(place->base)) {
        tb_free(path);
        path = tb_path_join(place->base, name);
    }
    if (tb_file_exists(path)) return path;
    tb_free(path);
    return NULL;
}

static tb_status need_file(const tb_model_place *place, const char *name, char **out, tb_err *err)
{
    *out = find_file(place, name);
    if (*out) return TB_OK;
    if (given(place->base))
        return tb_fail(err, TB_EMODEL, "neither %s nor %s has a %s", place->path, place->base,
                       name);
    return tb_fail(err, TB_EMODEL, "%s has no %s", place->path, name);
}

/* Which of the token models: what was asked for, else the one that lies in path itself. */
static tb_status find_t3(const tb_model_place *place, tb_model_paths *out, tb_err *err)
{
    const tb_catalogue_model *wanted = NULL, *there[2] = {NULL};
    size_t n = 0;

    if (given(place->variant)) {
        wanted = tb_catalogue_find(place->variant);
        if (!wanted)
            return tb_fail_field(err, TB_EINVAL, "MODEL_VARIANT",
                                 "there is no variant %.40s; " TB_MODEL_VARIANTS(" and ") " are "
                                                                                          "known",
                                 place->variant);
        out->variant = wanted->variant;
        return need_file(place, wanted->t3, &out->t3, err);
    }
    for (size_t i = 0; i < TB_CATALOGUE_MODELS && n < 2; i++) {
        char *path = tb_path_join(place->path, tb_catalogue_models[i].t3);
        if (tb_file_exists(path)) there[n++] = &tb_catalogue_models[i];
        tb_free(path);
    }
    if (n == 2)
        return tb_fail(err, TB_EMODEL,
                       "%s holds both %s and %s: MODEL_VARIANT must say which, " TB_MODEL_VARIANTS(
                           " or "),
                       place->path, there[0]->t3, there[1]->t3);
    if (n == 0)
        return tb_fail(err, TB_EMODEL, "%s has neither %s nor %s", place->path,
                       tb_catalogue_models[0].t3, tb_catalogue_models[1].t3);
    out->variant = there[0]->variant;
    out->t3 = tb_path_join(place->path, there[0]->t3);
    return TB_OK;
}

tb_status tb_model_find(const tb_model_place *place, tb_model_paths *out, tb_err *err)
{
    tb_model_paths paths = {0};
    tb_status st;

    if (!tb_file_is_dir(place->path)) {
        st = tb_file_exists(place->path)
                 ? tb_fail(err, TB_EMODEL, "%s is neither a folder nor a .gguf file", place->path)
                 : tb_fail(err, TB_ENOTFOUND, "there is no %s", place->path);
        goto out;
    }
    st = find_t3(place, &paths, err);
    if (!st) st = need_file(place, TB_FILE_S3GEN, &paths.s3gen, err);
    if (!st) st = need_file(place, TB_FILE_VE, &paths.ve, err);
    if (st) goto out;
    *out = paths;
    paths = (tb_model_paths){0};

out:
    tb_model_paths_clear(&paths);
    return st;
}

void tb_model_paths_clear(tb_model_paths *paths)
{
    tb_free(paths->t3);
    tb_free(paths->s3gen);
    tb_free(paths->ve);
    *paths = (tb_model_paths){0};
}

tb_status tb_model_sources(const tb_model_paths *paths, tb_layout_source *out, tb_err *err)
{
    tb_layout_source src = {0};
    tb_status st = tb_safetensors_open(paths->t3, &src.t3, err);

    if (!st) st = tb_safetensors_open(paths->s3gen, &src.s3gen, err);
    if (!st) st = tb_safetensors_open(paths->ve, &src.ve, err);
    if (st) {
        tb_weights_free(src.t3);
        tb_weights_free(src.s3gen);
        return st;
    }
    *out = src;
    return TB_OK;
}

tb_status tb_model_extra_read(const tb_model_place *place, const tb_catalogue_file *x, char **data,
                              size_t *size, tb_err *err)
{
    char *path = find_file(place, x->name), *bytes = NULL;
    size_t n = 0;
    tb_status st = TB_OK;

    if (!path) return TB_OK;
    st = tb_file_read(path, TB_MODEL_EXTRA_MAX, &bytes, &n, err);
    if (st) goto out;
    if (x->text && (memchr(bytes, '\0', n) || !tb_utf8_valid(bytes, n))) {
        st = tb_fail(err, TB_EMODEL, "%s is not UTF-8 text", path);
        goto out;
    }
    *data = bytes;
    *size = n;
    bytes = NULL;

out:
    tb_free(bytes);
    tb_free(path);
    return st;
}

void tb_model_key(const char *prefix, const char *name, char out[TB_MODEL_KEY])
{
    snprintf(out, TB_MODEL_KEY, "%s%s", prefix, name);
    for (char *p = out + strlen(prefix); *p; p++) /* GGUF's keys are lower_snake_case */
        if ((*p < 'a' || *p > 'z') && (*p < '0' || *p > '9')) *p = '_';
}

const void *tb_model_file(const tb_weights *w, const char *name, size_t *size)
{
    char key[TB_MODEL_KEY];

    tb_model_key(TB_MODEL_FILE_PREFIX, name, key);
    return tb_weights_blob(w, key, size);
}

const tb_catalogue_model *tb_model_entry(const tb_weights *w)
{
    size_t size;
    const char *variant = tb_weights_blob(w, TB_MODEL_VARIANT_KEY, &size);

    for (size_t i = 0; variant && i < TB_CATALOGUE_MODELS; i++) {
        const char *known = tb_catalogue_models[i].variant;
        if (size == strlen(known) && memcmp(variant, known, size) == 0)
            return &tb_catalogue_models[i];
    }
    return &tb_catalogue_models[0];
}

static tb_status add_extras(tb_weights *w, const tb_model_place *place, tb_err *err)
{
    tb_status st = TB_OK;

    const tb_catalogue_file *x;

    for (size_t i = 0; !st && (x = tb_catalogue_inside(i)); i++) {
        char key[TB_MODEL_KEY], *data = NULL;
        size_t size = 0;

        tb_model_key(TB_MODEL_FILE_PREFIX, x->name, key);
        st = tb_model_extra_read(place, x, &data, &size, err);
        if (!st && data) st = tb_weights_add_blob(w, key, data, size, data, err);
    }
    return st;
}

static tb_status open_folder(const tb_model_place *place, tb_dtype type, tb_weights **out,
                             tb_err *err)
{
    tb_model_paths paths = {0};
    tb_layout_source src = {0};
    tb_weights *w = NULL;
    tb_status st = tb_model_find(place, &paths, err);

    if (!st) st = tb_model_sources(&paths, &src, err);
    if (!st) st = tb_layout_build(&src, type, place->path, &w, err);
    if (!st) st = add_extras(w, place, err);
    if (!st)
        st = tb_weights_add_blob(w, TB_MODEL_VARIANT_KEY, paths.variant, strlen(paths.variant),
                                 NULL, err);
    if (st) goto out;
    *out = w;
    w = NULL;

out:
    tb_weights_free(w);
    tb_model_paths_clear(&paths);
    return st;
}

/* Is it ours, and of a layout that this program knows? */
static tb_status check_gguf(const tb_weights *w, tb_err *err)
{
    const char *architecture = tb_weights_meta(w, "general.architecture");
    const char *recipe = tb_weights_meta(w, TB_MODEL_RECIPE_KEY);
    unsigned long long version;

    if (!architecture || strcmp(architecture, TB_MODEL_ARCHITECTURE) != 0)
        return tb_fail(err, TB_EMODEL, "%s is a model of the architecture %.40s, wanted %s",
                       tb_weights_label(w), architecture ? architecture : "(none)",
                       TB_MODEL_ARCHITECTURE);
    if (!recipe || !tb_parse_u64(recipe, &version) || version != TB_LAYOUT_VERSION)
        return tb_fail(err, TB_EMODEL,
                       "%s is of layout %.20s; this program reads layout %d: convert the "
                       "published files again",
                       tb_weights_label(w), recipe ? recipe : "(none)", TB_LAYOUT_VERSION);
    return TB_OK;
}

tb_status tb_model_files_open(const tb_model_place *place, tb_dtype type, tb_weights **out,
                              tb_err *err)
{
    tb_weights *w = NULL;
    tb_status st;

    if (!tb_str_ends(place->path, ".gguf") || tb_file_is_dir(place->path))
        return open_folder(place, type, out, err);
    st = tb_gguf_open(place->path, &w, err);
    if (!st) st = check_gguf(w, err);
    if (!st) {
        *out = w;
        w = NULL;
    }
    tb_weights_free(w);
    return st;
}
