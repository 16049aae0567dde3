/*
 * Reading safetensors: a length, a JSON header, then the tensors' bytes, which stay in the mapping.
 *
 * The header is limited to 16 MB; every range must lie inside the file, be contiguous with its
 * neighbours and have the size that shape and type give. F64 is converted to F32. Relies on
 * base/json.h for the header and on weights_priv.h for the set of tensors.
 */
#include "tensor/weights_priv.h"

#include "base/json.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/*
 * safetensors: the header's length (8 bytes, little endian), the header (JSON: name -> dtype,
 * shape, data_offsets), the data. Offsets count from the end of the header.
 */
enum { LENGTH_BYTES = 8, HEADER_MAX = 16 << 20 };

/* One tensor as its header line says. */
typedef struct {
    const char *name;
    tb_tensor tensor;
    size_t begin, end; /* in the data */
    bool f64;
} item;

static uint64_t load_u64(const unsigned char *p)
{
    uint64_t x = 0;

    for (int i = 7; i >= 0; i--)
        x = x << 8 | p[i];
    return x;
}

static bool parse_dtype(const char *name, tb_dtype *type, size_t *size, bool *f64)
{
    static const struct {
        const char *name;
        tb_dtype type;
        size_t size;
    } known[] = {
        {"F32", TB_F32, 4}, {"F16", TB_F16, 2}, {"BF16", TB_BF16, 2}, {"F64", TB_F32, 8},
        {"I64", TB_I64, 8}, {"I32", TB_I32, 4}, {"U8", TB_U8, 1},
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(name, known[i].name) == 0) {
            *type = known[i].type;
            *size = known[i].size;
            *f64 = *size == 8 && *type == TB_F32;
            return true;
        }
    }
    return false;
}

static bool size_at(const tb_json *array, size_t i, size_t *out)
{
    const tb_json *v = tb_json_at(array, i);

    if (!v || !tb_json_is_int(v) || tb_json_integer(v) < 0) return false;
    *out = (size_t)tb_json_integer(v);
    return true;
}

static tb_status read_item(const char *label, const char *name, const tb_json *v, size_t data_size,
                           item *out, tb_err *err)
{
    const char *dtype = tb_json_get_string(v, "dtype");
    const tb_json *shape = tb_json_get(v, "shape"), *range = tb_json_get(v, "data_offsets");
    item x = {.name = name};
    size_t element, count, bytes;

    if (!dtype || !shape || !tb_json_is_array(shape) || !range || !tb_json_is_array(range))
        return tb_fail(err, TB_EMODEL, "%s: %s lacks its dtype, shape or data_offsets", label,
                       name);
    if (!parse_dtype(dtype, &x.tensor.type, &element, &x.f64))
        return tb_fail(err, TB_EMODEL, "%s: %s is of type %.20s, which is not read here", label,
                       name, dtype);
    if (tb_json_len(shape) > TB_MAX_DIMS)
        return tb_fail(err, TB_EMODEL, "%s: %s has %zu dimensions; at most %d are read", label,
                       name, tb_json_len(shape), TB_MAX_DIMS);
    x.tensor.n_dims = (unsigned)tb_json_len(shape);
    for (unsigned i = 0; i < x.tensor.n_dims; i++)
        if (!size_at(shape, i, &x.tensor.dim[i]))
            return tb_fail(err, TB_EMODEL, "%s: %s has a shape that is not of whole numbers", label,
                           name);
    if (!tb_tensor_measure(&x.tensor, &count, &bytes))
        return tb_fail(err, TB_EMODEL, "%s: %s has a shape that is too large", label, name);
    if (tb_json_len(range) != 2 || !size_at(range, 0, &x.begin) || !size_at(range, 1, &x.end) ||
        x.begin > x.end)
        return tb_fail(err, TB_EMODEL, "%s: %s has data_offsets that are no range", label, name);
    if (x.end > data_size)
        return tb_fail(err, TB_EMODEL,
                       "%s: %s ends at byte %zu of the data, of which there are %zu", label, name,
                       x.end, data_size);
    if (x.end - x.begin != count * element)
        return tb_fail(err, TB_EMODEL,
                       "%s: %s has %zu bytes of data, its shape and type ask for %zu", label, name,
                       x.end - x.begin, count * element);
    *out = x;
    return TB_OK;
}

static int by_place(const void *a, const void *b)
{
    const item *x = a, *y = b;

    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

/* Every byte of the data belongs to one tensor. items in the order of their places. */
static tb_status check_places(const char *label, const item *items, size_t n, size_t data_size,
                              tb_err *err)
{
    size_t at = 0;

    for (size_t i = 0; i < n; i++) {
        if (items[i].begin < at)
            return tb_fail(err, TB_EMODEL, "%s: the data of %s and %s overlap", label,
                           items[i - 1].name, items[i].name);
        if (items[i].begin > at)
            return tb_fail(err, TB_EMODEL, "%s: %zu bytes before the data of %s belong to nothing",
                           label, items[i].begin - at, items[i].name);
        at = items[i].end;
    }
    if (at != data_size)
        return tb_fail(err, TB_EMODEL, "%s: the last %zu bytes belong to nothing", label,
                       data_size - at);
    return TB_OK;
}

static tb_status add_item(tb_weights *w, const item *x, const unsigned char *data, tb_err *err)
{
    const size_t n = tb_tensor_count(&x->tensor);
    tb_tensor t = x->tensor;
    float *owned;

    t.data = data + x->begin;
    if (!x->f64) return tb_weights_place(w, x->name, &t, err);
    owned = tb_try_alloc(n + 1, sizeof *owned);
    if (!owned) return tb_nomem(err, n + 1, sizeof *owned);
    for (size_t i = 0; i < n; i++) {
        double value;

        memcpy(&value, data + x->begin + i * sizeof value, sizeof value);
        owned[i] = (float)value;
    }
    t.data = owned;
    return tb_weights_add(w, x->name, &t, owned, err);
}

static tb_status read_metadata(tb_weights *w, const tb_json *v, tb_err *err)
{
    const char *key;
    tb_json *value;
    tb_status st = TB_OK;

    if (!tb_json_is_object(v))
        return tb_fail(err, TB_EMODEL, "%s: its __metadata__ is no object", tb_weights_label(w));
    for (void *it = NULL; !st && tb_json_next(v, &it, &key, &value);) {
        if (!tb_json_is_string(value))
            st = tb_fail(err, TB_EMODEL, "%s: its __metadata__ holds something that is no text",
                         tb_weights_label(w));
        else
            st = tb_weights_add_meta(w, key, tb_json_text(value), strlen(tb_json_text(value)), err);
    }
    return st;
}

tb_status tb_safetensors_read(const void *file, size_t size, const char *label, tb_weights **out,
                              tb_err *err)
{
    const unsigned char *bytes = file, *data;
    tb_weights *w = tb_weights_new(label);
    tb_json *header = NULL, *value;
    item *items = NULL;
    tb_err why;
    const char *name;
    size_t n = 0, data_size;
    uint64_t header_size;
    tb_status st;

    if (size < LENGTH_BYTES) {
        st = tb_fail(err, TB_EMODEL, "%s is no safetensors file: it has %zu bytes", label, size);
        goto out;
    }
    header_size = load_u64(bytes);
    if (header_size > HEADER_MAX || header_size > size - LENGTH_BYTES) {
        st = tb_fail(err, TB_EMODEL,
                     "%s is no safetensors file, or cut short: a header of %llu bytes in a file of "
                     "%zu; at most 16 MB are read",
                     label, (unsigned long long)header_size, size);
        goto out;
    }
    if (header_size == 0 || bytes[LENGTH_BYTES] != '{') {
        st = tb_fail(err, TB_EMODEL, "%s is no safetensors file: its header is no JSON object",
                     label);
        goto out;
    }
    data = bytes + LENGTH_BYTES + header_size;
    data_size = size - LENGTH_BYTES - (size_t)header_size;
    st = tb_json_parse((const char *)bytes + LENGTH_BYTES, (size_t)header_size, &header, &why);
    if (st) {
        st = tb_fail(err, TB_EMODEL, "%s: in its header, %s", label, why.msg);
        goto out;
    }
    for (void *it = NULL; tb_json_next(header, &it, &name, &value);)
        n++;
    items = tb_try_alloc(n + 1, sizeof *items);
    if (!items) {
        st = tb_nomem(err, n + 1, sizeof *items);
        goto out;
    }
    st = tb_weights_reserve(w, n, err);
    n = 0;
    for (void *it = NULL; !st && tb_json_next(header, &it, &name, &value);) {
        if (strcmp(name, "__metadata__") == 0)
            st = read_metadata(w, value, err);
        else
            st = read_item(label, name, value, data_size, &items[n++], err);
    }
    if (st) goto out;
    qsort(items, n, sizeof *items, by_place);
    st = check_places(label, items, n, data_size, err);
    for (size_t i = 0; !st && i < n; i++)
        st = add_item(w, &items[i], data, err);
    if (st) goto out;
    *out = w;
    w = NULL;

out:
    tb_free(items);
    tb_json_free(header);
    tb_weights_free(w);
    return st;
}

tb_status tb_safetensors_open(const char *path, tb_weights **out, tb_err *err)
{
    tb_mapping m = {0};
    tb_weights *w = NULL;
    tb_status st = tb_mapping_open(path, &m, err);

    if (!st) st = tb_safetensors_read(m.data, m.size, path, &w, err);
    if (!st) {
        tb_weights_take_mapping(w, &m);
        *out = w;
    }
    tb_mapping_close(&m);
    return st;
}
