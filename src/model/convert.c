/*
 * Conversion: a folder of published files to one GGUF file that needs no other: weights in the
 * chosen type, tokenizer, built-in voice, and the SHA-256 of every source file.
 *
 * The layout (layout.h) says what tensors the file will have; the GGUF writer asks for them in
 * parts of whole rows, several threads at once, so memory stays constant. The result is renamed
 * into place at the end. docs/model/files.md.
 */
#include "model/convert.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "tensor/gguf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUM_PREFIX "timbre.source.sha256."

enum { SUM_PART = 1 << 20 };

/* One conversion. */
typedef struct {
    const tb_convert *how;
    tb_layout *recipe;
    tb_gguf *gguf;
    size_t making; /* the tensor of the last part */
} work;

static void tell(const tb_convert *how, const char *what, uint64_t done, uint64_t total)
{
    if (how->progress) how->progress(how->self, what, done, total);
}

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* The sha256 of a file, read once more: the mapping's pages would stay in memory. */
static tb_status sum_file(const tb_convert *how, const char *path, char out[TB_HASH_HEX],
                          tb_err *err)
{
    char *part = tb_alloc(SUM_PART), what[64];
    tb_sha256 *sum = tb_sha256_begin();
    uint64_t done = 0, total = 0;
    struct stat info;
    ssize_t n;
    tb_status st = TB_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    snprintf(what, sizeof what, "summing %.48s", file_name(path));
    if (fd < 0 || fstat(fd, &info) != 0) {
        st = tb_fail_errno(err, errno, "cannot read %s", path);
        goto out;
    }
    total = (uint64_t)info.st_size;
    while ((n = read(fd, part, SUM_PART)) != 0) {
        if (tb_cancelled(how->cancel)) {
            st = tb_fail_cancelled(err);
            goto out;
        }
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            st = tb_fail_errno(err, errno, "cannot read %s", path);
            goto out;
        }
        tb_sha256_add(sum, part, (size_t)n);
        done += (uint64_t)n;
        tell(how, what, done, total);
    }

out:
    if (fd >= 0) close(fd);
    tb_sha256_end(sum, out);
    tb_free(part);
    return st;
}

static tb_status put_sum(work *w, const char *path, tb_err *err)
{
    const char *name = file_name(path), *known = NULL;
    char key[TB_MODEL_KEY], sum[TB_HASH_HEX];
    tb_status st = TB_OK;

    for (size_t i = 0; i < w->how->n_sums && !known; i++)
        if (strcmp(w->how->sums[i].file, name) == 0) known = w->how->sums[i].sha256;
    if (!known) st = sum_file(w->how, path, sum, err);
    if (st) return st;
    tb_model_key(SUM_PREFIX, name, key);
    tb_gguf_put_text(w->gguf, key, known ? known : sum);
    return TB_OK;
}

static const tb_tensor *find(const tb_layout *r, const char *name)
{
    for (size_t i = 0; i < tb_layout_count(r); i++)
        if (strcmp(tb_layout_name(r, i), name) == 0) return tb_layout_tensor(r, i);
    return NULL;
}

/* The token model's sizes under the names that the field's tools show. Nobody here reads them: the
 * tensors' shapes say it all. */
static void put_sizes(work *w)
{
    static const struct {
        const char *key, *tensor;
        unsigned axis;
    } sizes[] = {
        {"embedding_length", "tfmr.wpe.weight", 1},
        {"context_length", "tfmr.wpe.weight", 0},
        {"feed_forward_length", "tfmr.h.0.mlp.c_fc.weight", 0},
        {"text_vocab_size", "text_emb.weight", 0},
        {"speech_vocab_size", "speech_emb.weight", 0},
    };
    enum { HEAD_WIDTH = 64 }; /* of every published model */
    const tb_tensor *wpe = find(w->recipe, "tfmr.wpe.weight");
    char key[96];
    uint32_t layers = 0;

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const tb_tensor *t = find(w->recipe, sizes[i].tensor);

        if (!t || sizes[i].axis >= t->n_dims) continue;
        snprintf(key, sizeof key, TB_MODEL_ARCHITECTURE ".%s", sizes[i].key);
        tb_gguf_put_u32(w->gguf, key, (uint32_t)t->dim[sizes[i].axis]);
    }
    for (;; layers++) {
        snprintf(key, sizeof key, "tfmr.h.%u.ln_1.weight", layers);
        if (!find(w->recipe, key)) break;
    }
    tb_gguf_put_u32(w->gguf, TB_MODEL_ARCHITECTURE ".block_count", layers);
    if (wpe && wpe->n_dims == 2 && wpe->dim[1] % HEAD_WIDTH == 0)
        tb_gguf_put_u32(w->gguf, TB_MODEL_ARCHITECTURE ".attention.head_count",
                        (uint32_t)(wpe->dim[1] / HEAD_WIDTH));
}

/* The numbers by which GGUF's tools name the type of most of a file's tensors. */
static uint32_t file_type(tb_dtype type)
{
    switch (type) {
    case TB_F16:
        return 1;
    case TB_Q4_0:
        return 2;
    case TB_Q8_0:
        return 7;
    case TB_BF16:
        return 32;
    case TB_F32:
    case TB_I32:
    case TB_I64:
    case TB_U8:
    case TB_DTYPE_COUNT:
        break;
    }
    return 0;
}

static void put_general(work *w, const tb_model_paths *paths)
{
    const tb_convert *how = w->how;
    const tb_catalogue_model *m = tb_catalogue_find(paths->variant);
    tb_gguf *g = w->gguf;

    tb_gguf_put_text(g, "general.architecture", TB_MODEL_ARCHITECTURE);
    tb_gguf_put_text(g, "general.name", m->title);
    tb_gguf_put_text(g, "general.license", m->licence);
    tb_gguf_put_u32(g, "general.alignment", TB_GGUF_ALIGNMENT);
    tb_gguf_put_u32(g, "general.file_type", file_type(how->type));
    if (how->type == TB_Q8_0 || how->type == TB_Q4_0)
        tb_gguf_put_u32(g, "general.quantization_version", 2);
    tb_gguf_put_u32(g, TB_MODEL_RECIPE_KEY, TB_LAYOUT_VERSION);
    tb_gguf_put_text(g, "timbre.type", tb_dtype_name(how->type));
    tb_gguf_put_text(g, TB_MODEL_VARIANT_KEY, paths->variant);
    if (how->repository) tb_gguf_put_text(g, "timbre.source.repository", how->repository);
    if (how->revision) tb_gguf_put_text(g, "timbre.source.revision", how->revision);
    put_sizes(w);
}

static tb_status put_extras(work *w, const tb_model_place *place, tb_err *err)
{
    tb_status st = TB_OK;

    const tb_catalogue_file *x;
    for (size_t i = 0; !st && (x = tb_catalogue_inside(i)); i++) {
        char key[TB_MODEL_KEY], *data = NULL;
        size_t size = 0;

        st = tb_model_extra_read(place, x, &data, &size, err);
        tb_model_key(TB_MODEL_FILE_PREFIX, x->name, key);
        if (!st && data && x->text)
            tb_gguf_put_text(w->gguf, key, data);
        else if (!st && data)
            tb_gguf_put_bytes(w->gguf, key, data, size);
        else if (!st && x->needed)
            st = tb_fail(err, TB_EMODEL, "%s has no %s, without which nothing can be spoken",
                         place->path, x->name);
        else if (!st && !x->text)
            tb_log(TB_WARN, "model", "folder=%s missing=%s: the file will have no built-in voice",
                   place->path, x->name);
        tb_free(data);
    }
    return st;
}

static tb_status make(void *self, size_t i, size_t first, size_t n, void *out, tb_err *err)
{
    work *w = self;

    if (tb_cancelled(w->how->cancel)) return tb_fail_cancelled(err);
    if (i != w->making) tb_layout_done_with(w->recipe, w->making);
    w->making = i;
    return tb_layout_make(w->recipe, i, first, n, out, err);
}

static void written(void *self, uint64_t done, uint64_t total)
{
    work *w = self;

    tell(w->how, "writing", done, total);
}

tb_status tb_model_convert(const tb_model_place *place, const tb_convert *how, const char *path,
                           tb_err *err)
{
    tb_model_paths paths = {0};
    tb_layout_source src = {0};
    work w = {.how = how, .gguf = tb_gguf_new()};
    tb_status st = tb_model_find(place, &paths, err);

    if (!st) st = tb_model_sources(&paths, &src, err);
    if (!st) st = tb_layout_new(&src, how->type, place->path, &w.recipe, err);
    if (!st) put_general(&w, &paths);
    if (!st) st = put_extras(&w, place, err); /* what is missing is missed before minutes pass */
    if (!st) st = put_sum(&w, paths.t3, err);
    if (!st) st = put_sum(&w, paths.s3gen, err);
    if (!st) st = put_sum(&w, paths.ve, err);
    for (size_t i = 0; !st && i < tb_layout_count(w.recipe); i++)
        st = tb_gguf_add(w.gguf, tb_layout_name(w.recipe, i), tb_layout_tensor(w.recipe, i), err);
    if (!st)
        st = tb_gguf_write(w.gguf, path,
                           &(tb_gguf_data){.make = make, .progress = written, .self = &w}, err);
    tb_gguf_free(w.gguf);
    tb_layout_free(w.recipe);
    tb_model_paths_clear(&paths);
    return st;
}
