/*
 * Writing GGUF version 3. Metadata and tensor infos are collected in memory; tb_gguf_write then
 * asks the caller for the tensors' rows in parts, so the file may be larger than memory. It is
 * written under a temporary name, synced and renamed: the destination is complete or untouched.
 * Free disk space is checked first.
 */
#include "tensor/gguf.h"
#include "tensor/gguf_priv.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

enum {
    HEAD_MAX = 256 << 20, /* metadata or infos; ours are some 2 MB */
    PART_BYTES = 4 << 20, /* of a tensor, made at once */
};

typedef struct {
    size_t rows, row_bytes;
} part;

struct tb_gguf {
    tb_str metas, infos;
    uint64_t n_metas;
    part *parts; /* one per tensor */
    size_t n, cap;
    uint64_t data_bytes; /* padded */
};

tb_gguf *tb_gguf_new(void)
{
    tb_gguf *g = tb_alloc(sizeof *g);

    tb_str_init(&g->metas, HEAD_MAX);
    tb_str_init(&g->infos, HEAD_MAX);
    return g;
}

void tb_gguf_free(tb_gguf *g)
{
    if (!g) return;
    tb_str_clear(&g->metas);
    tb_str_clear(&g->infos);
    tb_free(g->parts);
    tb_free(g);
}

static void put_uint(tb_str *s, uint64_t x, size_t bytes)
{
    unsigned char little[8];

    for (size_t i = 0; i < bytes; i++)
        little[i] = (unsigned char)(x >> 8 * i);
    tb_str_add(s, little, bytes);
}

static void put_text(tb_str *s, const char *text)
{
    put_uint(s, strlen(text), 8);
    tb_str_puts(s, text);
}

static void put_key(tb_gguf *g, const char *key, tb_gguf_value type)
{
    put_text(&g->metas, key);
    put_uint(&g->metas, type, 4);
    g->n_metas++;
}

void tb_gguf_put_text(tb_gguf *g, const char *key, const char *text)
{
    put_key(g, key, TB_GGUF_TEXT);
    put_text(&g->metas, text);
}

void tb_gguf_put_u32(tb_gguf *g, const char *key, uint32_t x)
{
    put_key(g, key, TB_GGUF_U32);
    put_uint(&g->metas, x, 4);
}

void tb_gguf_put_bytes(tb_gguf *g, const char *key, const void *data, size_t size)
{
    put_key(g, key, TB_GGUF_ARRAY);
    put_uint(&g->metas, TB_GGUF_U8, 4);
    put_uint(&g->metas, size, 8);
    tb_str_add(&g->metas, data, size);
}

static uint64_t padded(uint64_t x)
{
    return (x + TB_GGUF_ALIGNMENT - 1) / TB_GGUF_ALIGNMENT * TB_GGUF_ALIGNMENT;
}

tb_status tb_gguf_add(tb_gguf *g, const char *name, const tb_tensor *t, tb_err *err)
{
    const size_t rows = t->n_dims > 1 ? t->dim[0] : 1;
    const size_t bytes = tb_tensor_bytes(t);
    uint32_t number;

    if (strlen(name) > TB_GGUF_NAME_MAX)
        return tb_fail(err, TB_EMODEL,
                       "the name %s is longer than the %d bytes that GGUF's readers take", name,
                       TB_GGUF_NAME_MAX);
    if (!tb_gguf_type_number(t->type, &number))
        return tb_fail(err, TB_EMODEL, "%s is of type %s, which GGUF lacks", name,
                       tb_dtype_name(t->type));
    if (g->n == g->cap) {
        const size_t cap = g->cap ? 2 * g->cap : 256;
        part *parts = tb_try_realloc(g->parts, cap, sizeof *parts);

        if (!parts) return tb_nomem(err, cap, sizeof *parts);
        g->parts = parts;
        g->cap = cap;
    }
    put_text(&g->infos, name);
    put_uint(&g->infos, t->n_dims, 4);
    for (unsigned i = t->n_dims; i-- > 0;)
        put_uint(&g->infos, t->dim[i], 8);
    put_uint(&g->infos, number, 4);
    put_uint(&g->infos, g->data_bytes, 8);
    g->parts[g->n++] = (part){.rows = rows, .row_bytes = rows ? bytes / rows : 0};
    g->data_bytes += padded(bytes);
    return TB_OK;
}

static uint64_t head_bytes(const tb_gguf *g)
{
    return strlen(TB_GGUF_MAGIC) + 4 + 8 + 8 + g->metas.len + g->infos.len;
}

uint64_t tb_gguf_size(const tb_gguf *g)
{
    return padded(head_bytes(g)) + g->data_bytes;
}

static tb_status check_space(const char *folder, uint64_t wanted, tb_err *err)
{
    struct statvfs info;
    uint64_t room;

    if (statvfs(folder, &info) != 0) return tb_fail_errno(err, errno, "cannot examine %s", folder);
    room = (uint64_t)info.f_bavail * info.f_frsize;
    if (room < wanted)
        return tb_fail(err, TB_ENOSPACE, "%s has room for %.2f GB; the file takes %.2f GB", folder,
                       (double)room / 1e9, (double)wanted / 1e9);
    return TB_OK;
}

static tb_status append_padding(tb_file_writer *w, tb_err *err)
{
    static const char zeros[TB_GGUF_ALIGNMENT];

    return tb_file_append(w, zeros, (size_t)(padded(w->size) - w->size), err);
}

static tb_status append_head(tb_file_writer *w, const tb_gguf *g, tb_err *err)
{
    tb_str head;
    tb_status st;

    tb_str_init(&head, 64);
    tb_str_puts(&head, TB_GGUF_MAGIC);
    put_uint(&head, TB_GGUF_VERSION, 4);
    put_uint(&head, g->n, 8);
    put_uint(&head, g->n_metas, 8);
    st = tb_file_append(w, head.data, head.len, err);
    if (!st && g->metas.len) st = tb_file_append(w, g->metas.data, g->metas.len, err);
    if (!st && g->infos.len) st = tb_file_append(w, g->infos.data, g->infos.len, err);
    if (!st) st = append_padding(w, err);
    tb_str_clear(&head);
    return st;
}

static tb_status append_tensor(tb_file_writer *w, const tb_gguf *g, size_t i,
                               const tb_gguf_data *data, tb_err *err)
{
    const part *p = &g->parts[i];
    const size_t fit = p->row_bytes ? PART_BYTES / p->row_bytes : 0, step = fit ? fit : 1;
    const size_t most = p->rows < step ? p->rows : step;
    void *rows = tb_try_alloc(most * p->row_bytes + 1, 1);
    tb_status st = TB_OK;

    if (!rows) return tb_nomem(err, most, p->row_bytes);
    for (size_t at = 0; !st && at < p->rows; at += step) {
        const size_t n = p->rows - at < step ? p->rows - at : step;

        st = data->make(data->self, i, at, n, rows, err);
        if (!st) st = tb_file_append(w, rows, n * p->row_bytes, err);
        if (!st && data->progress) data->progress(data->self, w->size, tb_gguf_size(g));
    }
    if (!st) st = append_padding(w, err);
    tb_free(rows);
    return st;
}

/* "models/a.gguf" -> "models"; "a.gguf" -> "." */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash) return tb_strdup(".");
    return slash == path ? tb_strdup("/") : tb_strndup(path, (size_t)(slash - path));
}

tb_status tb_gguf_write(const tb_gguf *g, const char *path, const tb_gguf_data *data, tb_err *err)
{
    tb_file_writer w = {0};
    char *folder = folder_of(path);
    tb_status st = TB_OK;

    if (g->metas.full || g->infos.full) {
        st = tb_fail(err, TB_ETOOBIG, "the metadata of %s is larger than %d MB", path,
                     HEAD_MAX >> 20);
        goto out;
    }
    tb_file_sweep(folder, tb_clock_now_us()); /* what an interrupted call left: gigabytes */
    st = check_space(folder, tb_gguf_size(g), err);
    if (!st) st = tb_file_begin(&w, folder, err);
    /* Weights are no secret, and the server may run as somebody else. */
    if (!st && fchmod(w.fd, 0644) != 0)
        st = tb_fail_errno(err, errno, "cannot change %s", w.tmp_path);
    if (!st) st = append_head(&w, g, err);
    for (size_t i = 0; !st && i < g->n; i++)
        st = append_tensor(&w, g, i, data, err);
    if (!st) st = tb_file_commit(&w, path, err);

out:
    tb_file_abort(&w);
    tb_free(folder);
    return st;
}
