/*
 * Reading GGUF version 3: metadata, tensor infos, then tensors in the mapped file.
 *
 * A cursor walks over the mapping and fails on the first read beyond its end. Counts, name lengths,
 * nested arrays, alignment and every tensor's range are checked before use, so a damaged or hostile
 * file gives a message that names what is wrong, in linear time. Numbers become text metadata,
 * arrays of U8 become bytes; other arrays are skipped. Tensors are not copied unless their address
 * is not aligned for their type.
 */
#include "tensor/gguf_priv.h"
#include "tensor/weights_priv.h"

#include "base/mem.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/*
 * GGUF: magic, version, counts; metadata (key, type, value); tensor infos (name, dimensions fastest
 * first, type, offset); padding; the data, each tensor at a multiple of the alignment, in the order
 * of the infos and without gaps but for padding.
 */
enum {
    ALIGNMENT_DEFAULT = 32,
    ALIGNMENT_MAX = 1 << 16,
    ARRAY_DEPTH = 4,
    INFO_BYTES_MIN = 8 + 4 + 4 + 8, /* of one tensor info: length, dimensions, type, offset */
    META_BYTES_MIN = 8 + 4 + 1,
};

static const uint32_t type_numbers[TB_DTYPE_COUNT] = {
    [TB_F32] = 0,  [TB_F16] = 1,  [TB_BF16] = 30, [TB_Q8_0] = 8,
    [TB_Q4_0] = 2, [TB_I32] = 26, [TB_I64] = 27,  [TB_U8] = UINT32_MAX,
};

bool tb_gguf_type_number(tb_dtype type, uint32_t *out)
{
    *out = type_numbers[type];
    return *out != UINT32_MAX;
}

static bool parse_type(uint32_t number, tb_dtype *out)
{
    for (unsigned i = 0; i < TB_DTYPE_COUNT; i++) {
        if (type_numbers[i] == number && number != UINT32_MAX) {
            *out = (tb_dtype)i;
            return true;
        }
    }
    return false;
}

/* Walks the file; what is past its end reads as 0 and sets cut. */
typedef struct {
    const unsigned char *data;
    size_t size, at;
    bool cut;
} cursor;

static const unsigned char *take(cursor *c, size_t n)
{
    const unsigned char *p = c->data + c->at;

    if (c->cut || n > c->size - c->at) {
        c->cut = true;
        return NULL;
    }
    c->at += n;
    return p;
}

static uint64_t take_uint(cursor *c, size_t n)
{
    const unsigned char *p = take(c, n);
    uint64_t x = 0;

    for (size_t i = n; p && i-- > 0;)
        x = x << 8 | p[i];
    return x;
}

/* A text: its bytes in the file, not terminated. */
static const char *take_text(cursor *c, size_t *len)
{
    uint64_t n = take_uint(c, 8);

    if (n > c->size) {
        c->cut = true;
        return NULL;
    }
    *len = (size_t)n;
    return (const char *)take(c, *len);
}

/* A name or key, NUL-terminated. What it may hold is checked where it is added. */
static bool take_name(cursor *c, char out[TB_WEIGHT_NAME_MAX + 1])
{
    size_t len = 0;
    const char *text = take_text(c, &len);

    if (!text || len > TB_WEIGHT_NAME_MAX || memchr(text, '\0', len)) return false;
    memcpy(out, text, len);
    out[len] = '\0';
    return true;
}

static size_t value_bytes(uint64_t type)
{
    static const unsigned char bytes[TB_GGUF_VALUE_COUNT] = {
        [TB_GGUF_U8] = 1,  [TB_GGUF_I8] = 1,  [TB_GGUF_U16] = 2, [TB_GGUF_I16] = 2,
        [TB_GGUF_U32] = 4, [TB_GGUF_I32] = 4, [TB_GGUF_F32] = 4, [TB_GGUF_BOOL] = 1,
        [TB_GGUF_U64] = 8, [TB_GGUF_I64] = 8, [TB_GGUF_F64] = 8,
    };

    return type < TB_GGUF_VALUE_COUNT ? bytes[type] : 0;
}

/* One number as text. */
static void number_text(tb_gguf_value type, uint64_t bits, char out[40])
{
    const uint32_t low = (uint32_t)bits;
    float f;
    double d;

    switch (type) {
    case TB_GGUF_I8:
        snprintf(out, 40, "%d", (int)(int8_t)bits);
        break;
    case TB_GGUF_I16:
        snprintf(out, 40, "%d", (int)(int16_t)bits);
        break;
    case TB_GGUF_I32:
        snprintf(out, 40, "%" PRId32, (int32_t)bits);
        break;
    case TB_GGUF_I64:
        snprintf(out, 40, "%" PRId64, (int64_t)bits);
        break;
    case TB_GGUF_F32:
        memcpy(&f, &low, sizeof f);
        snprintf(out, 40, "%.9g", (double)f);
        break;
    case TB_GGUF_F64:
        memcpy(&d, &bits, sizeof d);
        snprintf(out, 40, "%.17g", d);
        break;
    case TB_GGUF_BOOL:
        snprintf(out, 40, "%s", bits ? "true" : "false");
        break;
    case TB_GGUF_U8:
    case TB_GGUF_U16:
    case TB_GGUF_U32:
    case TB_GGUF_U64:
    case TB_GGUF_TEXT:
    case TB_GGUF_ARRAY:
    case TB_GGUF_VALUE_COUNT:
        snprintf(out, 40, "%" PRIu64, bits);
        break;
    }
}

/* Walks over an array's elements: false when they are of no known type or nested too deep. */
static bool skip_array(cursor *c, int depth)
{
    const uint64_t type = take_uint(c, 4), n = take_uint(c, 8);
    const size_t each = value_bytes(type);
    size_t len;

    if (each) {
        if (n > c->size / each)
            c->cut = true;
        else
            take(c, (size_t)n * each);
        return true;
    }
    if ((type != TB_GGUF_TEXT && type != TB_GGUF_ARRAY) || depth >= ARRAY_DEPTH) return false;
    for (uint64_t i = 0; i < n && !c->cut; i++) {
        if (type == TB_GGUF_TEXT)
            take_text(c, &len);
        else if (!skip_array(c, depth + 1))
            return false;
    }
    return true;
}

/* The value of one key. Arrays of bytes are kept, other arrays passed over. */
static tb_status read_value(tb_weights *w, cursor *c, const char *key, tb_err *err)
{
    const char *label = tb_weights_label(w);
    const uint64_t type = take_uint(c, 4);
    char text[40];

    if (type == TB_GGUF_TEXT) {
        size_t len = 0;
        const char *s = take_text(c, &len);

        return s ? tb_weights_add_meta(w, key, s, len, err) : TB_OK;
    }
    if (type == TB_GGUF_ARRAY) {
        cursor ahead = *c;
        const bool bytes = take_uint(&ahead, 4) == TB_GGUF_U8;
        size_t len = 0;
        const char *data = bytes ? take_text(&ahead, &len) : NULL; /* built like a text */

        if (data) {
            *c = ahead;
            return tb_weights_add_blob(w, key, data, len, NULL, err);
        }
        if (!skip_array(c, 0))
            return tb_fail(err, TB_EMODEL, "%s: the metadata %s is an array that is not read here",
                           label, key);
        return TB_OK;
    }
    if (!value_bytes(type))
        return tb_fail(err, TB_EMODEL, "%s: the metadata %s is of the unknown type %" PRIu64, label,
                       key, type);
    number_text((tb_gguf_value)type, take_uint(c, value_bytes(type)), text);
    return c->cut ? TB_OK : tb_weights_add_meta(w, key, text, strlen(text), err);
}

static tb_status cut_short(const char *label, const char *where, tb_err *err)
{
    return tb_fail(err, TB_EMODEL, "%s is cut short or damaged: its end comes in the middle of %s",
                   label, where);
}

static tb_status read_metadata(tb_weights *w, cursor *c, uint64_t n, tb_err *err)
{
    const char *label = tb_weights_label(w);
    char key[TB_WEIGHT_NAME_MAX + 1];
    tb_status st = TB_OK;

    for (uint64_t i = 0; !st && i < n; i++) {
        if (!take_name(c, key) && !c->cut)
            return tb_fail(err, TB_EMODEL,
                           "%s: the key of metadata number %" PRIu64
                           " is longer than 255 bytes or holds a NUL",
                           label, i + 1);
        if (!c->cut) st = read_value(w, c, key, err);
        if (!st && c->cut) st = cut_short(label, "the metadata", err);
    }
    return st;
}

static tb_status read_alignment(const tb_weights *w, size_t *out, tb_err *err)
{
    const char *text = tb_weights_meta(w, "general.alignment");
    size_t x = ALIGNMENT_DEFAULT;

    if (text) {
        x = 0;
        for (const char *p = text; *p >= '0' && *p <= '9' && x <= ALIGNMENT_MAX; p++)
            x = 10 * x + (size_t)(*p - '0');
    }
    if (x < 8 || x > ALIGNMENT_MAX || (x & (x - 1)) != 0)
        return tb_fail(err, TB_EMODEL,
                       "%s: its general.alignment is %s, wanted a power of two, 8 to %d",
                       tb_weights_label(w), text, ALIGNMENT_MAX);
    *out = x;
    return TB_OK;
}

/* One info: the tensor's name, shape, type, and where its data should be. */
static tb_status read_info(const char *label, cursor *c, uint64_t number, char *name, tb_tensor *t,
                           uint64_t *offset, tb_err *err)
{
    uint64_t n_dims, type;
    size_t count, bytes;
    bool small = true;

    if (!take_name(c, name) && !c->cut)
        return tb_fail(err, TB_EMODEL,
                       "%s: the name of tensor number %" PRIu64
                       " is longer than 255 bytes or holds a NUL",
                       label, number);
    n_dims = take_uint(c, 4);
    *t = (tb_tensor){0};
    if (!c->cut && n_dims > TB_MAX_DIMS)
        return tb_fail(err, TB_EMODEL,
                       "%s: tensor number %" PRIu64 " has %" PRIu64
                       " dimensions; at most %d are read",
                       label, number, n_dims, TB_MAX_DIMS);
    t->n_dims = c->cut ? 0 : (unsigned)n_dims;
    for (unsigned i = t->n_dims; i-- > 0;) { /* fastest first in the file, slowest first with us */
        const uint64_t dim = take_uint(c, 8);

        small = small && dim <= SIZE_MAX / 16;
        t->dim[i] = (size_t)dim;
    }
    type = take_uint(c, 4);
    *offset = take_uint(c, 8);
    if (c->cut) return cut_short(label, "the list of tensors", err);
    if (!parse_type((uint32_t)type, &t->type))
        return tb_fail(err, TB_EMODEL,
                       "%s: tensor number %" PRIu64 " is of GGUF's type %" PRIu64
                       ", which is not read here",
                       label, number, type);
    if (!small || !tb_tensor_measure(t, &count, &bytes))
        return tb_fail(err, TB_EMODEL,
                       "%s: tensor number %" PRIu64 " has a shape that is too large, "
                       "or whose last axis is no whole number of blocks",
                       label, number);
    return TB_OK;
}

static tb_status read_tensors(tb_weights *w, cursor *c, uint64_t n, size_t alignment, tb_err *err)
{
    const char *label = tb_weights_label(w);
    cursor ahead = *c; /* walks the infos once to find where the data begins */
    size_t start, at = 0;
    tb_status st;

    for (uint64_t i = 0; i < n; i++) {
        char name[TB_WEIGHT_NAME_MAX + 1];
        tb_tensor t;
        uint64_t offset;

        st = read_info(label, &ahead, i + 1, name, &t, &offset, err);
        if (st) return st;
    }
    start = (ahead.at + alignment - 1) & ~(alignment - 1);
    for (uint64_t i = 0; i < n; i++) {
        char name[TB_WEIGHT_NAME_MAX + 1];
        tb_tensor t;
        uint64_t offset;
        size_t bytes;

        st = read_info(label, c, i + 1, name, &t, &offset, err);
        if (st) return st;
        bytes = tb_tensor_bytes(&t);
        if (offset != at)
            return tb_fail(err, TB_EMODEL,
                           "%s: tensor number %" PRIu64 " is said to be at byte %" PRIu64
                           " of the data, where %zu is its place",
                           label, i + 1, offset, at);
        if (start > c->size || at > c->size - start || bytes > c->size - start - at)
            return cut_short(label, "the data", err);
        t.data = c->data + start + at;
        st = tb_weights_place(w, name, &t, err);
        if (st) return st;
        at = (at + bytes + alignment - 1) & ~(alignment - 1);
    }
    if (n && c->size > start && c->size - start > at)
        return tb_fail(err, TB_EMODEL, "%s: the last %zu bytes belong to nothing", label,
                       c->size - start - at);
    return TB_OK;
}

tb_status tb_gguf_read(const void *file, size_t size, const char *label, tb_weights **out,
                       tb_err *err)
{
    cursor c = {.data = file, .size = size};
    tb_weights *w = tb_weights_new(label);
    const unsigned char *magic = take(&c, 4);
    size_t alignment = ALIGNMENT_DEFAULT;
    uint64_t version, n_tensors, n_metas;
    tb_status st;

    if (!magic || memcmp(magic, TB_GGUF_MAGIC, 4) != 0) {
        st = tb_fail(err, TB_EMODEL, "%s is no GGUF file", label);
        goto out;
    }
    version = take_uint(&c, 4);
    n_tensors = take_uint(&c, 8);
    n_metas = take_uint(&c, 8);
    if (c.cut) {
        st = cut_short(label, "the header", err);
        goto out;
    }
    if (version != TB_GGUF_VERSION) {
        st = tb_fail(err, TB_EMODEL,
                     "%s is of GGUF's version %" PRIu64 ", or big endian; version %d, little "
                     "endian, is read",
                     label, version, TB_GGUF_VERSION);
        goto out;
    }
    if (n_tensors > size / INFO_BYTES_MIN || n_metas > size / META_BYTES_MIN) {
        st = tb_fail(err, TB_EMODEL,
                     "%s says that it holds %" PRIu64 " tensors and %" PRIu64
                     " metadata, more than its %zu bytes can",
                     label, n_tensors, n_metas, size);
        goto out;
    }
    st = read_metadata(w, &c, n_metas, err);
    if (!st) st = read_alignment(w, &alignment, err);
    if (!st) st = tb_weights_reserve(w, (size_t)n_tensors, err);
    if (!st) st = read_tensors(w, &c, n_tensors, alignment, err);
    if (st) goto out;
    *out = w;
    w = NULL;

out:
    tb_weights_free(w);
    return st;
}

tb_status tb_gguf_open(const char *path, tb_weights **out, tb_err *err)
{
    tb_mapping m = {0};
    tb_weights *w = NULL;
    tb_status st = tb_mapping_open(path, &m, err);

    if (!st) st = tb_gguf_read(m.data, m.size, path, &w, err);
    if (!st) {
        tb_weights_take_mapping(w, &m);
        *out = w;
    }
    tb_mapping_close(&m);
    return st;
}
