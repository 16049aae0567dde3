/*
 * A set of named tensors and metadata. Tensors borrow their bytes from a mapping, from memory or
 * from another set that the set keeps alive, or own them. Names are found through an
 * open-addressing hash index. Also here: read-only file mappings, returning their pages to the
 * system, and the marks that tell which tensors were bound.
 *
 * Immutable after opening, except for the marks: any number of threads may read.
 */
#include "tensor/weights_priv.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TENSORS_MAX = 1000000 }; /* ours are 2500; a hostile header must not cost gigabytes */

typedef struct {
    tb_tensor tensor; /* first: a tensor handed out finds its entry again */
    char *name;
    void *owned;      /* heap, or NULL */
    const char *file; /* label of the set it came from, or NULL: this one's */
    bool marked;
} entry;

typedef struct {
    char *key;
    bool text; /* NUL-terminated UTF-8; else bytes */
    const void *data;
    size_t size;
    void *owned; /* heap, or NULL */
} meta;

/* Names by hash: slots hold index + 1, 0 is free, linear probing, at most half full. */
typedef struct {
    uint32_t *slots;
    size_t n_slots; /* a power of two, or 0 */
} name_index;

struct tb_weights {
    char *label;
    entry *entries;
    size_t n, cap;
    meta *metas;
    size_t n_metas, metas_cap;
    name_index names, keys;
    tb_mapping mapping;
    tb_weights **sources; /* sets that tensors here are borrowed from */
    size_t n_sources;
    const char *from; /* label for tensors to come; NULL: label */
};

tb_status tb_mapping_open(const char *path, tb_mapping *out, tb_err *err)
{
    struct stat info;
    void *data = MAP_FAILED;
    tb_status st = TB_OK;
    /* O_NONBLOCK: a FIFO of that name must not hold us until somebody writes to it. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0) {
        st = tb_fail_errno(err, errno, "cannot open %s", path);
        goto out;
    }
    if (fstat(fd, &info) != 0) {
        st = tb_fail_errno(err, errno, "cannot examine %s", path);
        goto out;
    }
    if (!S_ISREG(info.st_mode)) {
        st = tb_fail(err, TB_EMODEL, "%s is not a file", path);
        goto out;
    }
    if (info.st_size <= 0 || (uintmax_t)info.st_size > SIZE_MAX / 2) {
        st = tb_fail(err, TB_EMODEL, "%s is %s", path, info.st_size <= 0 ? "empty" : "too large");
        goto out;
    }
    data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) {
        st = tb_fail_errno(err, errno, "cannot map %s", path);
        goto out;
    }
    *out = (tb_mapping){data, (size_t)info.st_size};

out:
    if (fd >= 0) close(fd);
    return st;
}

void tb_mapping_close(tb_mapping *m)
{
    if (m->data) munmap(m->data, m->size);
    *m = (tb_mapping){0};
}

bool tb_tensor_measure(const tb_tensor *t, size_t *count, size_t *bytes)
{
    const bool blocks = t->type == TB_Q8_0 || t->type == TB_Q4_0;
    size_t n = 1;

    for (unsigned i = 0; i < t->n_dims; i++)
        if (__builtin_mul_overflow(n, t->dim[i], &n)) return false;
    if (n > SIZE_MAX / 16) return false; /* so that no product with an element's size overflows */
    if (blocks && (t->n_dims == 0 || t->dim[t->n_dims - 1] % TB_QUANT_BLOCK)) return false;
    *count = n;
    *bytes = tb_row_bytes(t->type, n);
    return true;
}

/* The slot where name is, or the free one where it would go. name_of gives an index its name. */
static uint32_t *probe(const name_index *x, const char *name, const tb_weights *w,
                       const char *(*name_of)(const tb_weights *, size_t))
{
    size_t i = (size_t)tb_fnv1a(name, strlen(name)) & (x->n_slots - 1);

    while (x->slots[i] && strcmp(name_of(w, x->slots[i] - 1), name) != 0)
        i = (i + 1) & (x->n_slots - 1);
    return &x->slots[i];
}

/* Makes the table fit for n names, which are known by name_of already but for the last ones. */
static bool index_grow(name_index *x, size_t n, size_t known, const tb_weights *w,
                       const char *(*name_of)(const tb_weights *, size_t))
{
    name_index fresh = {.n_slots = x->n_slots ? x->n_slots : 64};

    if (x->n_slots && n <= x->n_slots / 2) return true;
    while (n > fresh.n_slots / 2)
        fresh.n_slots *= 2;
    fresh.slots = tb_try_alloc(fresh.n_slots, sizeof *fresh.slots);
    if (!fresh.slots) return false;
    for (size_t i = 0; i < known; i++)
        *probe(&fresh, name_of(w, i), w, name_of) = (uint32_t)(i + 1);
    tb_free(x->slots);
    *x = fresh;
    return true;
}

tb_weights *tb_weights_new(const char *label)
{
    tb_weights *w = tb_alloc(sizeof *w);

    w->label = tb_strdup(label);
    return w;
}

void tb_weights_free(tb_weights *w)
{
    if (!w) return;
    for (size_t i = 0; i < w->n; i++) {
        tb_free(w->entries[i].name);
        tb_free(w->entries[i].owned);
    }
    for (size_t i = 0; i < w->n_metas; i++) {
        tb_free(w->metas[i].key);
        tb_free(w->metas[i].owned);
    }
    for (size_t i = 0; i < w->n_sources; i++)
        tb_weights_free(w->sources[i]);
    tb_free(w->entries);
    tb_free(w->metas);
    tb_free(w->sources);
    tb_free(w->names.slots);
    tb_free(w->keys.slots);
    tb_mapping_close(&w->mapping);
    tb_free(w->label);
    tb_free(w);
}

void tb_weights_take_mapping(tb_weights *w, tb_mapping *m)
{
    assert(!w->mapping.data);
    w->mapping = *m;
    *m = (tb_mapping){0};
}

void tb_weights_take_source(tb_weights *w, tb_weights *source)
{
    tb_weights **sources;

    if (!source) return;
    sources = tb_alloc((w->n_sources + 1) * sizeof *sources);
    if (w->n_sources) memcpy(sources, w->sources, w->n_sources * sizeof *sources);
    sources[w->n_sources++] = source;
    tb_free(w->sources);
    w->sources = sources;
}

tb_status tb_weights_reserve(tb_weights *w, size_t n, tb_err *err)
{
    entry *entries;

    if (n > w->cap) {
        if (n > TENSORS_MAX)
            return tb_fail(err, TB_EMODEL, "%s has too many tensors: %zu", w->label, n);
        entries = tb_try_realloc(w->entries, n, sizeof *entries);
        if (!entries) return tb_nomem(err, n, sizeof *entries);
        w->entries = entries;
        w->cap = n;
    }
    if (!index_grow(&w->names, n, w->n, w, tb_weights_name))
        return tb_nomem(err, 2 * n, sizeof *w->names.slots);
    return TB_OK;
}

/* A name that may stand in a sentence and in a file of ours. Says what is wrong with it, or NULL.
 */
static const char *name_fault(const char *name)
{
    const size_t len = strlen(name);

    if (len == 0) return "is empty";
    if (len > TB_WEIGHT_NAME_MAX) return "is longer than 255 bytes";
    if (!tb_utf8_valid(name, len)) return "is not UTF-8";
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f) return "has control characters in it";
    return NULL;
}

tb_status tb_weights_add(tb_weights *w, const char *name, const tb_tensor *t, void *owned,
                         tb_err *err)
{
    const char *fault = name_fault(name);
    uint32_t *slot;
    tb_status st = TB_OK;

    assert(t->type < TB_DTYPE_COUNT && t->n_dims <= TB_MAX_DIMS);
    if (fault) {
        st = tb_fail(err, TB_EMODEL, "%s: the name of tensor number %zu %s", w->label, w->n + 1,
                     fault);
        goto out;
    }
    if (w->n == w->cap) {
        st = tb_weights_reserve(w, w->cap ? 2 * w->cap : 64, err);
        if (st) goto out;
    }
    slot = probe(&w->names, name, w, tb_weights_name);
    if (*slot) {
        st = tb_fail(err, TB_EMODEL, "%s: two tensors are named %s", w->label, name);
        goto out;
    }
    w->entries[w->n] =
        (entry){.tensor = *t, .name = tb_strdup(name), .owned = owned, .file = w->from};
    owned = NULL;
    *slot = (uint32_t)++w->n;

out:
    tb_free(owned);
    return st;
}

tb_status tb_weights_place(tb_weights *w, const char *name, const tb_tensor *t, tb_err *err)
{
    const size_t size = tb_tensor_bytes(t);
    const bool blocks = t->type == TB_Q8_0 || t->type == TB_Q4_0; /* begin with an f16 */
    const size_t align = blocks ? sizeof(uint16_t) : tb_row_bytes(t->type, 1);
    tb_tensor copy = *t;
    void *owned = NULL;

    if ((uintptr_t)t->data % align != 0) {
        owned = tb_try_alloc(size ? size : 1, 1);
        if (!owned) return tb_nomem(err, size, 1);
        memcpy(owned, t->data, size);
        copy.data = owned;
    }
    return tb_weights_add(w, name, &copy, owned, err);
}

void tb_weights_from(tb_weights *w, const tb_weights *source)
{
    w->from = source->label;
}

const char *tb_weights_label(const tb_weights *w)
{
    return w->label;
}

size_t tb_weights_count(const tb_weights *w)
{
    return w->n;
}

const char *tb_weights_name(const tb_weights *w, size_t i)
{
    assert(i < w->n);
    return w->entries[i].name;
}

const tb_tensor *tb_weights_at(const tb_weights *w, size_t i)
{
    assert(i < w->n);
    return &w->entries[i].tensor;
}

const tb_tensor *tb_weights_find(const tb_weights *w, const char *name)
{
    uint32_t slot = w->n ? *probe(&w->names, name, w, tb_weights_name) : 0;

    return slot ? &w->entries[slot - 1].tensor : NULL;
}

/* Copies key; m->owned is taken, on failure too. */
static tb_status add_meta(tb_weights *w, const char *key, const meta *m, tb_err *err)
{
    const char *fault = name_fault(key);
    uint32_t *slot;
    tb_status st = TB_OK;

    if (fault) {
        st = tb_fail(err, TB_EMODEL, "%s: the key of metadata number %zu %s", w->label,
                     w->n_metas + 1, fault);
        goto out;
    }
    if (w->n_metas == w->metas_cap) {
        size_t cap = w->metas_cap ? 2 * w->metas_cap : 16;
        meta *metas = tb_try_realloc(w->metas, cap, sizeof *metas);

        if (!metas) {
            st = tb_nomem(err, cap, sizeof *metas);
            goto out;
        }
        w->metas = metas;
        w->metas_cap = cap;
    }
    if (!index_grow(&w->keys, w->n_metas + 1, w->n_metas, w, tb_weights_meta_key)) {
        st = tb_nomem(err, 2 * w->n_metas, sizeof *w->keys.slots);
        goto out;
    }
    slot = probe(&w->keys, key, w, tb_weights_meta_key);
    if (*slot) {
        st = tb_fail(err, TB_EMODEL, "%s: the metadata has %s twice", w->label, key);
        goto out;
    }
    w->metas[w->n_metas] = *m;
    w->metas[w->n_metas].key = tb_strdup(key);
    *slot = (uint32_t)++w->n_metas;

out:
    if (st) tb_free(m->owned);
    return st;
}

tb_status tb_weights_add_meta(tb_weights *w, const char *key, const char *text, size_t len,
                              tb_err *err)
{
    char *copy;

    if (memchr(text, '\0', len) || !tb_utf8_valid(text, len))
        return tb_fail(err, TB_EMODEL, "%s: the text of metadata number %zu is not UTF-8", w->label,
                       w->n_metas + 1);
    copy = tb_try_alloc(len + 1, 1);
    if (!copy) return tb_nomem(err, len + 1, 1);
    memcpy(copy, text, len);
    return add_meta(w, key, &(meta){.text = true, .data = copy, .size = len, .owned = copy}, err);
}

tb_status tb_weights_add_blob(tb_weights *w, const char *key, const void *data, size_t size,
                              void *owned, tb_err *err)
{
    return add_meta(w, key, &(meta){.data = data, .size = size, .owned = owned}, err);
}

static const meta *find_meta(const tb_weights *w, const char *key)
{
    uint32_t slot = w->n_metas ? *probe(&w->keys, key, w, tb_weights_meta_key) : 0;

    return slot ? &w->metas[slot - 1] : NULL;
}

const char *tb_weights_meta(const tb_weights *w, const char *key)
{
    const meta *m = find_meta(w, key);

    return m && m->text ? m->data : NULL;
}

const void *tb_weights_blob(const tb_weights *w, const char *key, size_t *size)
{
    const meta *m = find_meta(w, key);

    if (m) *size = m->size;
    return m ? m->data : NULL;
}

size_t tb_weights_meta_count(const tb_weights *w)
{
    return w->n_metas;
}

const char *tb_weights_meta_key(const tb_weights *w, size_t i)
{
    assert(i < w->n_metas);
    return w->metas[i].key;
}

static size_t index_of(const tb_weights *w, const tb_tensor *t)
{
    size_t i = (size_t)((const entry *)(const void *)t - w->entries);

    assert(i < w->n);
    return i;
}

const char *tb_weights_file(const tb_weights *w, const tb_tensor *t)
{
    const char *file = w->entries[index_of(w, t)].file;

    return file ? file : w->label;
}

void tb_weights_mark(tb_weights *w, const tb_tensor *t)
{
    w->entries[index_of(w, t)].marked = true;
}

bool tb_weights_marked(const tb_weights *w, size_t i)
{
    assert(i < w->n);
    return w->entries[i].marked;
}

static void drop_from(const tb_mapping *m, uintptr_t from, uintptr_t to)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const uintptr_t start = (uintptr_t)m->data;
    size_t first, last;

    if (!m->data || from < start || to > start + m->size) return;
    first = (from - start + page - 1) / page * page; /* the pages at the ends are others' too */
    last = (to - start) / page * page;
    if (first < last) madvise((char *)m->data + first, last - first, MADV_DONTNEED);
}

void tb_weights_drop_pages(const tb_weights *w, const tb_tensor *t)
{
    const uintptr_t from = (uintptr_t)t->data, to = from + tb_tensor_bytes(t);

    drop_from(&w->mapping, from, to);
    for (size_t i = 0; i < w->n_sources; i++)
        drop_from(&w->sources[i]->mapping, from, to);
}
