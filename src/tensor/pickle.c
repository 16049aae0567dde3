/*
 * The pickle machine for files of torch.save. It knows the opcodes and the few classes that plain
 * data consists of (dict, tensor, storage, numbers, text) and refuses all others by name: it never
 * imports or calls anything.
 *
 * A stack of values with marks, and a memo, both bounded; depth, sizes and counts are limited and
 * multiplications checked, so hostile input ends with a message. Every value is owned by the
 * tb_torch it was made for and freed with it, also after a failure.
 */
#include "base/mem.h"
#include "base/utf8.h"
#include "tensor/torch_priv.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Ceilings of what a pickle may ask for. A checkpoint of 2500 tensors has 500 kB, 25000 values and
 * a depth of 4. */
enum {
    VALUES_MAX = 200000,
    MEMO_MAX = 200000,
    DEPTH_MAX = 32,
    MARKS_MAX = 64,
};

/* What a GLOBAL may name. They are labels here, never called. */
typedef enum { REBUILD_TENSOR, ORDERED_DICT, STORAGE } class_role;
struct tb_torch_class {
    const char *module, *name;
    class_role role;
    tb_torch_element type; /* of a storage */
};

static const tb_torch_class classes[] = {
    {"torch._utils", "_rebuild_tensor_v2", REBUILD_TENSOR, TB_EL_F32},
    {"collections", "OrderedDict", ORDERED_DICT, TB_EL_F32},
    {"torch", "FloatStorage", STORAGE, TB_EL_F32},
    {"torch", "HalfStorage", STORAGE, TB_EL_F16},
    {"torch", "BFloat16Storage", STORAGE, TB_EL_BF16},
    {"torch", "DoubleStorage", STORAGE, TB_EL_F64},
    {"torch", "LongStorage", STORAGE, TB_EL_I64},
    {"torch", "IntStorage", STORAGE, TB_EL_I32},
};

typedef struct {
    tb_torch *t;
    const uint8_t *start, *p, *end;
    tb_torch_value **stack;
    size_t n, cap;
    size_t marks[MARKS_MAX], n_marks; /* heights of the stack */
    tb_torch_value **memo;
    size_t memo_cap;
    tb_err *err;
} machine;

TB_PRINTF(2, 3)
static tb_status refuse(const machine *m, const char *fmt, ...)
{
    char why[200];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    return tb_fail(m->err, TB_EMODEL, "%s: %s (byte %zu of its pickle)", m->t->label, why,
                   (size_t)(m->p - m->start));
}

/* A hostile name, fit to be shown: printable ASCII, cut. */
static const char *legible(const uint8_t *s, size_t n, char out[48])
{
    size_t len = n < 47 ? n : 47;
    for (size_t i = 0; i < len; i++)
        out[i] = s[i] >= 0x20 && s[i] < 0x7F ? (char)s[i] : '?';
    out[len] = 0;
    return out;
}

static tb_torch_value *make(machine *m, tb_torch_kind kind)
{
    tb_torch_value *v = tb_alloc(sizeof *v);
    v->kind = kind;
    v->older = m->t->newest;
    m->t->newest = v;
    m->t->n_values++;
    return v;
}

/* step() has made room for one. */
static void push(machine *m, tb_torch_value *v)
{
    assert(m->n < m->cap);
    m->stack[m->n++] = v;
}

/* NULL when nothing stands above the last mark. */
static tb_torch_value *pop(machine *m)
{
    size_t floor = m->n_marks ? m->marks[m->n_marks - 1] : 0;
    return m->n > floor ? m->stack[--m->n] : NULL;
}

static tb_torch_value *top(const machine *m)
{
    size_t floor = m->n_marks ? m->marks[m->n_marks - 1] : 0;
    return m->n > floor ? m->stack[m->n - 1] : NULL;
}

/* Takes the last mark away; the items above it are stack[*first .. n). */
static bool pop_mark(machine *m, size_t *first)
{
    if (m->n_marks == 0) return false;
    *first = m->marks[--m->n_marks];
    return true;
}

static const uint8_t *take(machine *m, size_t n)
{
    if ((size_t)(m->end - m->p) < n) return NULL;
    const uint8_t *at = m->p;
    m->p += n;
    return at;
}

static uint64_t little(const uint8_t *p, size_t n)
{
    uint64_t x = 0;
    for (size_t i = n; i-- > 0;)
        x = x << 8 | p[i];
    return x;
}

static tb_status adopt(machine *m, tb_torch_value *parent, tb_torch_value *child)
{
    if (child == parent) return refuse(m, "a container holds itself");
    if (child->depth >= DEPTH_MAX) return refuse(m, "more than %d levels", DEPTH_MAX);
    if (parent->as.items.n == parent->as.items.cap) {
        size_t cap = parent->as.items.cap ? 2 * parent->as.items.cap : 4;
        tb_torch_value **grown = tb_try_realloc(parent->as.items.at, cap, sizeof(void *));
        if (!grown) return tb_nomem(m->err, cap, sizeof(void *));
        parent->as.items.at = grown;
        parent->as.items.cap = cap;
    }
    parent->as.items.at[parent->as.items.n++] = child;
    if (child->depth + 1 > parent->depth) parent->depth = child->depth + 1;
    child->sealed = true;
    return TB_OK;
}

/* Puts stack[first .. n) into parent, in order, and takes them off the stack. */
static tb_status adopt_from(machine *m, tb_torch_value *parent, size_t first)
{
    tb_status st = TB_OK;
    for (size_t i = first; !st && i < m->n; i++)
        st = adopt(m, parent, m->stack[i]);
    m->n = first;
    return st;
}

static tb_status make_tuple(machine *m, size_t first)
{
    tb_torch_value *tuple = make(m, TB_TORCH_TUPLE);
    tuple->depth = 1;
    tb_status st = adopt_from(m, tuple, first);
    if (!st) push(m, tuple);
    return st;
}

static tb_status make_tuple_of(machine *m, size_t n)
{
    size_t floor = m->n_marks ? m->marks[m->n_marks - 1] : 0;
    if (m->n - floor < n) return refuse(m, "a tuple of %zu lacks items", n);
    return make_tuple(m, m->n - n);
}

/* Into the list or dict right below first. */
static tb_status fill(machine *m, size_t first, tb_torch_kind kind)
{
    size_t floor = m->n_marks ? m->marks[m->n_marks - 1] : 0;
    tb_torch_value *into = first > floor ? m->stack[first - 1] : NULL;
    const char *noun = kind == TB_TORCH_DICT ? "dict" : "list";
    if (!into || into->kind != kind) return refuse(m, "items for no %s", noun);
    if (into->sealed) return refuse(m, "a %s is changed after it was put somewhere", noun);
    if (kind == TB_TORCH_DICT && (m->n - first) % 2) return refuse(m, "a key without a value");
    for (size_t i = first; i < m->n; i++) {
        tb_torch_kind item = m->stack[i]->kind;
        if (item == TB_TORCH_CLASS || item == TB_TORCH_STORAGE)
            return refuse(m, "a class stands where a value belongs");
        if (kind == TB_TORCH_DICT && (i - first) % 2 == 0 && item != TB_TORCH_STRING &&
            item != TB_TORCH_INT)
            return refuse(m, "a key is neither text nor a whole number");
    }
    return adopt_from(m, into, first);
}

static tb_status do_text(machine *m)
{
    const uint8_t *head = take(m, 4);
    size_t n = head ? (size_t)little(head, 4) : 0;
    const uint8_t *text = head ? take(m, n) : NULL;
    if (!text) return refuse(m, "a text is cut short");
    if (memchr(text, 0, n) || !tb_utf8_valid((const char *)text, n))
        return refuse(m, "a text is not UTF-8");
    tb_torch_value *v = make(m, TB_TORCH_STRING);
    v->as.text = tb_strndup((const char *)text, n);
    push(m, v);
    return TB_OK;
}

static tb_status do_int(machine *m, const uint8_t *bytes, size_t n)
{
    if (!bytes) return refuse(m, "a number is cut short");
    tb_torch_value *v = make(m, TB_TORCH_INT);
    v->as.integer = (int64_t)little(bytes, n);
    push(m, v);
    return TB_OK;
}

/* Two's complement of n bytes. */
static tb_status do_signed(machine *m, size_t n)
{
    const uint8_t *bytes = take(m, n);
    if (!bytes) return refuse(m, "a number is cut short");
    if (n > 8) return refuse(m, "a number of more than 64 bits");
    uint64_t x = little(bytes, n);
    if (n > 0 && n < 8 && bytes[n - 1] & 0x80) x |= UINT64_MAX << (8 * n);
    tb_torch_value *v = make(m, TB_TORCH_INT);
    memcpy(&v->as.integer, &x, sizeof x);
    push(m, v);
    return TB_OK;
}

static tb_status do_real(machine *m)
{
    const uint8_t *bytes = take(m, 8);
    uint64_t bits = 0;
    if (!bytes) return refuse(m, "a number is cut short");
    for (size_t i = 0; i < 8; i++) /* big endian, alone of all of them */
        bits = bits << 8 | bytes[i];
    tb_torch_value *v = make(m, TB_TORCH_REAL);
    memcpy(&v->as.real, &bits, sizeof bits);
    push(m, v);
    return TB_OK;
}

static tb_status do_global(machine *m)
{
    const uint8_t *word[2] = {NULL};
    size_t len[2] = {0};
    char shown[2][48];
    for (size_t i = 0; i < 2; i++) {
        word[i] = m->p;
        const uint8_t *line = memchr(m->p, '\n', (size_t)(m->end - m->p));
        if (!line) return refuse(m, "a class's name is cut short");
        len[i] = (size_t)(line - m->p);
        m->p = line + 1;
    }
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        if (strlen(classes[i].module) != len[0] || memcmp(classes[i].module, word[0], len[0]) != 0)
            continue;
        if (strlen(classes[i].name) != len[1] || memcmp(classes[i].name, word[1], len[1]) != 0)
            continue;
        tb_torch_value *v = make(m, TB_TORCH_CLASS);
        v->as.class = &classes[i];
        push(m, v);
        return TB_OK;
    }
    return refuse(m, "it asks for %s.%s, which plain tensors do not need",
                  legible(word[0], len[0], shown[0]), legible(word[1], len[1], shown[1]));
}

/* ("storage", class, key, location, elements): where a tensor's numbers are. Which device they were
 * on does not matter. */
static tb_status do_storage(machine *m)
{
    const tb_torch_value *id = pop(m);
    if (!id || id->kind != TB_TORCH_TUPLE || id->as.items.n != 5)
        return refuse(m, "a storage is named in a form of its own");
    tb_torch_value *const *part = id->as.items.at;
    if (part[0]->kind != TB_TORCH_STRING || strcmp(part[0]->as.text, "storage") != 0 ||
        part[1]->kind != TB_TORCH_CLASS || part[1]->as.class->role != STORAGE ||
        part[2]->kind != TB_TORCH_STRING || part[3]->kind != TB_TORCH_STRING ||
        part[4]->kind != TB_TORCH_INT || part[4]->as.integer < 0)
        return refuse(m, "a storage is named in a form of its own");

    char shown[48];
    const char *key = part[2]->as.text;
    tb_torch_element type = part[1]->as.class->type;
    char *name = tb_sprintf("%sdata/%s", m->t->root_folder, key);
    const tb_zip_member *member = tb_zip_find(&m->t->zip, name);
    tb_free(name);
    legible((const uint8_t *)key, strlen(key), shown);
    if (!member) return refuse(m, "the storage data/%s is missing", shown);
    uint64_t n = (uint64_t)part[4]->as.integer;
    if (n > SIZE_MAX / 8 || member->size != n * tb_torch_element_bytes[type])
        return refuse(m, "the storage data/%s has %zu bytes, not %llu times %zu", shown,
                      member->size, (unsigned long long)n, tb_torch_element_bytes[type]);

    tb_torch_value *v = make(m, TB_TORCH_STORAGE);
    v->as.storage.type = type;
    v->as.storage.data = member->data;
    v->as.storage.n = (size_t)n;
    push(m, v);
    return TB_OK;
}

/* A tuple of n sizes or strides. */
static bool sizes_of(const tb_torch_value *v, size_t n, size_t *out)
{
    if (v->kind != TB_TORCH_TUPLE || v->as.items.n != n) return false;
    for (size_t i = 0; i < n; i++) {
        const tb_torch_value *x = v->as.items.at[i];
        if (x->kind != TB_TORCH_INT || x->as.integer < 0 || (uint64_t)x->as.integer > SIZE_MAX / 16)
            return false;
        out[i] = (size_t)x->as.integer;
    }
    return true;
}

static bool multiply(size_t a, size_t b, size_t *out)
{
    if (b && a > SIZE_MAX / 16 / b) return false;
    *out = a * b;
    return true;
}

/* _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks) */
static tb_status do_tensor(machine *m, const tb_torch_value *args)
{
    tb_torch_value *const *arg = args->as.items.at;
    if (args->as.items.n != 6 || arg[0]->kind != TB_TORCH_STORAGE || arg[1]->kind != TB_TORCH_INT ||
        arg[1]->as.integer < 0 || arg[2]->kind != TB_TORCH_TUPLE || arg[4]->kind != TB_TORCH_BOOL ||
        arg[5]->kind != TB_TORCH_DICT || arg[5]->as.items.n != 0)
        return refuse(m, "a tensor is built in a form of its own");
    size_t n_dims = arg[2]->as.items.n;
    if (n_dims > TB_TORCH_MAX_DIMS)
        return refuse(m, "a tensor has %zu axes; at most %d are read", n_dims, TB_TORCH_MAX_DIMS);

    const tb_torch_value *storage = arg[0];
    tb_torch_value *v = make(m, TB_TORCH_TENSOR);
    size_t *dim = v->as.tensor.dim, *stride = v->as.tensor.stride;
    if (!sizes_of(arg[2], n_dims, dim) || !sizes_of(arg[3], n_dims, stride))
        return refuse(m, "a tensor's sizes or strides are wrong");

    uint64_t offset = (uint64_t)arg[1]->as.integer;
    size_t count = 1, last = 0; /* the farthest element, from the first */
    bool fits = offset <= storage->as.storage.n;
    for (size_t i = 0; fits && i < n_dims; i++)
        fits = multiply(count, dim[i], &count);
    for (size_t i = 0; fits && count > 0 && i < n_dims; i++) {
        size_t reach = 0;
        fits = multiply(dim[i] - 1, stride[i], &reach);
        last += reach; /* at most 6 * SIZE_MAX / 16 */
    }
    if (fits && count > 0) fits = last < storage->as.storage.n - (size_t)offset;
    if (!fits) return refuse(m, "a tensor reaches outside its storage");

    v->as.tensor.type = storage->as.storage.type;
    v->as.tensor.first =
        storage->as.storage.data + (size_t)offset * tb_torch_element_bytes[v->as.tensor.type];
    v->as.tensor.n_dims = n_dims;
    v->as.tensor.count = count;
    push(m, v);
    return TB_OK;
}

static tb_status do_reduce(machine *m)
{
    const tb_torch_value *args = pop(m), *what = pop(m);
    if (!what || !args || args->kind != TB_TORCH_TUPLE || what->kind != TB_TORCH_CLASS)
        return refuse(m, "it wants to build something that is no tensor");
    if (what->as.class->role == REBUILD_TENSOR) return do_tensor(m, args);
    if (what->as.class->role != ORDERED_DICT || args->as.items.n != 0)
        return refuse(m, "it wants to build something that is no tensor");
    tb_torch_value *v = make(m, TB_TORCH_DICT);
    v->depth = 1;
    v->ordered = true;
    push(m, v);
    return TB_OK;
}

/* A state dict is an OrderedDict with an attribute, _metadata: the versions of its modules, of no
 * use to us. */
static tb_status do_build(machine *m)
{
    const tb_torch_value *state = pop(m), *of = top(m);
    if (!state || !of || of->kind != TB_TORCH_DICT || !of->ordered || of->sealed ||
        state->kind != TB_TORCH_DICT || state->as.items.n != 2 || !tb_torch_get(state, "_metadata"))
        return refuse(m, "it sets attributes that plain tensors do not have");
    return TB_OK;
}

static tb_status do_put(machine *m, const uint8_t *index, size_t n)
{
    tb_torch_value *v = top(m);
    if (!index || !v) return refuse(m, "nothing to remember");
    size_t i = (size_t)little(index, n);
    if (i >= MEMO_MAX) return refuse(m, "more than %d things to remember", MEMO_MAX);
    if (i >= m->memo_cap) {
        size_t cap = i + 1 > 2 * m->memo_cap ? i + 1 : 2 * m->memo_cap;
        tb_torch_value **grown = tb_try_realloc(m->memo, cap, sizeof(void *));
        if (!grown) return tb_nomem(m->err, cap, sizeof(void *));
        memset(grown + m->memo_cap, 0, (cap - m->memo_cap) * sizeof(void *));
        m->memo = grown;
        m->memo_cap = cap;
    }
    m->memo[i] = v;
    return TB_OK;
}

static tb_status do_get(machine *m, const uint8_t *index, size_t n)
{
    size_t i = index ? (size_t)little(index, n) : SIZE_MAX;
    if (i >= m->memo_cap || !m->memo[i]) return refuse(m, "it recalls what it never remembered");
    push(m, m->memo[i]);
    return TB_OK;
}

static tb_status push_new(machine *m, tb_torch_kind kind, int64_t integer)
{
    tb_torch_value *v = make(m, kind);
    if (tb_torch_is_container(v))
        v->depth = 1;
    else
        v->as.integer = integer;
    push(m, v);
    return TB_OK;
}

/* One opcode; it makes one value at most. The letters are those of Python's pickletools. */
static tb_status step(machine *m, uint8_t op)
{
    size_t first = 0;
    const uint8_t *byte;

    if (m->t->n_values >= VALUES_MAX) return refuse(m, "more than %d values", VALUES_MAX);
    if (m->n == m->cap) {
        size_t cap = m->cap ? 2 * m->cap : 64;
        tb_torch_value **grown = tb_try_realloc(m->stack, cap, sizeof(void *));
        if (!grown) return tb_nomem(m->err, cap, sizeof(void *));
        m->stack = grown;
        m->cap = cap;
    }
    switch (op) {
    case '}':
        return push_new(m, TB_TORCH_DICT, 0);
    case ']':
        return push_new(m, TB_TORCH_LIST, 0);
    case ')':
        return push_new(m, TB_TORCH_TUPLE, 0);
    case 'N':
        return push_new(m, TB_TORCH_NONE, 0);
    case 0x88:
        return push_new(m, TB_TORCH_BOOL, 1);
    case 0x89:
        return push_new(m, TB_TORCH_BOOL, 0);
    case '(':
        if (m->n_marks == MARKS_MAX) return refuse(m, "more than %d levels", MARKS_MAX);
        m->marks[m->n_marks++] = m->n;
        return TB_OK;
    case 'X':
        return do_text(m);
    case 'J':
        return do_signed(m, 4);
    case 'K':
        return do_int(m, take(m, 1), 1);
    case 'M':
        return do_int(m, take(m, 2), 2);
    case 0x8A:
        byte = take(m, 1);
        return byte ? do_signed(m, *byte) : refuse(m, "a number is cut short");
    case 'G':
        return do_real(m);
    case 'c':
        return do_global(m);
    case 'Q':
        return do_storage(m);
    case 't':
        return pop_mark(m, &first) ? make_tuple(m, first) : refuse(m, "a tuple without a start");
    case 0x85:
        return make_tuple_of(m, 1);
    case 0x86:
        return make_tuple_of(m, 2);
    case 0x87:
        return make_tuple_of(m, 3);
    case 'R':
        return do_reduce(m);
    case 's':
        return m->n >= 2 ? fill(m, m->n - 2, TB_TORCH_DICT) : refuse(m, "items for no dict");
    case 'u':
        return pop_mark(m, &first) ? fill(m, first, TB_TORCH_DICT) : refuse(m, "items for no dict");
    case 'a':
        return m->n >= 1 ? fill(m, m->n - 1, TB_TORCH_LIST) : refuse(m, "items for no list");
    case 'e':
        return pop_mark(m, &first) ? fill(m, first, TB_TORCH_LIST) : refuse(m, "items for no list");
    case 'b':
        return do_build(m);
    case 'q':
        return do_put(m, take(m, 1), 1);
    case 'r':
        return do_put(m, take(m, 4), 4);
    case 'h':
        return do_get(m, take(m, 1), 1);
    case 'j':
        return do_get(m, take(m, 4), 4);
    default:
        return refuse(m, "the opcode 0x%02x is none that plain tensors need", op);
    }
}

tb_status tb_pickle_run(tb_torch *t, const uint8_t *pickle, size_t size, tb_err *err)
{
    machine m = {.t = t, .start = pickle, .p = pickle, .end = pickle + size, .err = err};
    tb_status st = TB_OK;

    const uint8_t *op = take(&m, 2);
    if (!op || op[0] != 0x80 || op[1] != 2) {
        st = refuse(&m, "it is not of pickle protocol 2");
        goto out;
    }
    while ((op = take(&m, 1)) && *op != '.') {
        st = step(&m, *op);
        if (st) goto out;
    }
    if (!op) {
        st = refuse(&m, "it is cut short");
        goto out;
    }
    if (m.n != 1 || m.n_marks != 0 || m.p != m.end || m.stack[0]->kind == TB_TORCH_CLASS ||
        m.stack[0]->kind == TB_TORCH_STORAGE) {
        st = refuse(&m, "it does not end with one value");
        goto out;
    }
    t->root = m.stack[0];
out:
    tb_free(m.stack);
    tb_free(m.memo);
    return st;
}
