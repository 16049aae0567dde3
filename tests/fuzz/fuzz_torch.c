/*
 * Fuzz target of PyTorch files: zip, pickle and storages from the input.
 */
#include "base/mem.h"
#include "model/conds.h"
#include "tensor/torch.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NUMBERS_MAX = 4096 };

/* Every value can be asked everything, and no walk is endless. Shared parts are walked as often as
 * they are used, so a budget stands in for the number of paths. */
/* NOLINTNEXTLINE(misc-no-recursion): the reader bounds the depth */
static void look_at(const tb_torch_value *v, int depth, size_t *budget)
{
    tb_err err = {0};
    float *x = NULL;
    int64_t *ids = NULL;
    if (*budget == 0) return;
    --*budget;
    if (depth > 40) abort();
    if (tb_torch_f32(v, "x", NUMBERS_MAX, &x, &err) && (x || !err.msg[0])) abort();
    if (tb_torch_i64(v, "x", NUMBERS_MAX, &ids, &err) && (ids || !err.msg[0])) abort();
    if (tb_torch_kind_of(v) == TB_TORCH_TENSOR) {
        size_t count = 1;
        for (size_t i = 0; i < tb_torch_dims(v); i++)
            count *= tb_torch_dim(v, i);
        if (count != tb_torch_count(v)) abort();
    }
    tb_free(x);
    tb_free(ids);
    (void)tb_torch_number(v);
    (void)tb_torch_text(v);
    (void)tb_torch_get(v, "t3");
    for (size_t i = 0; i < tb_torch_len(v); i++) {
        if (tb_torch_kind_of(v) == TB_TORCH_DICT) (void)tb_torch_key(v, i);
        look_at(tb_torch_at(v, i), depth + 1, budget);
    }
}

/* What was understood of a voice packs to bytes that are the same voice. */
static void keep(const tb_conds *conds)
{
    tb_conds again = {0};
    tb_err err = {0};
    void *bytes = NULL;
    size_t size = 0;
    if (tb_conds_pack(conds, &bytes, &size, &err)) abort();
    if (tb_conds_unpack(bytes, size, &again, &err)) abort();
    if (memcmp(conds->prompt, again.prompt, conds->n_prompt * sizeof *again.prompt) != 0) abort();
    tb_conds_clear(&again);
    tb_free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tb_torch *t = NULL;
    tb_conds conds = {0};
    tb_err err = {0};
    size_t budget = 2000;

    if (tb_torch_read(data, size, "x.pt", &t, &err)) {
        if (t || !err.msg[0]) abort();
    } else {
        look_at(tb_torch_root(t), 0, &budget);
    }
    tb_torch_free(t);

    err = (tb_err){0};
    if (tb_conds_read(data, size, "x.pt", &conds, &err)) {
        if (conds.speaker || !err.msg[0]) abort();
    } else {
        keep(&conds);
    }
    tb_conds_clear(&conds);

    err = (tb_err){0};
    if (tb_conds_unpack(data, size, &conds, &err)) {
        if (conds.speaker || !err.msg[0]) abort();
    } else {
        keep(&conds);
    }
    tb_conds_clear(&conds);
    return 0;
}

#ifdef TB_FUZZ
#include "torch_help.h"

/*
 * Whole files, which chance does not make: archives whose offsets are right, around a pickle whose
 * opcodes fit each other, and voices. Of a file that is there mostly a byte of it is changed, so
 * that its offsets stay right.
 */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed);

enum { STORAGES = 6, NUMEL = 24 };

static const struct {
    const char *class;
    size_t size;
} storages[STORAGES] = {{"FloatStorage", 4},  {"HalfStorage", 2}, {"BFloat16Storage", 2},
                        {"DoubleStorage", 8}, {"LongStorage", 8}, {"IntStorage", 4}};

static unsigned draw(unsigned *state, unsigned n)
{
    *state = *state * 1664525U + 1013904223U;
    return (*state >> 8) % n;
}

/* A view of a storage; one of eight lies outside, or is of another type than its member. */
static void add_tensor(tb_str *p, unsigned *r, unsigned class, size_t n_dims)
{
    char key[12];
    pickled_tensor t = {.class = storages[class].class, .key = key, .numel = NUMEL};
    snprintf(key, sizeof key, "%u", draw(r, 16) ? class : draw(r, STORAGES + 1));
    t.n_dims = n_dims;
    t.offset = draw(r, 4) ? 0 : draw(r, NUMEL);
    int64_t stride = 1;
    for (size_t i = n_dims; i-- > 0;) {
        t.dim[i] = n_dims == 1 ? 1 + draw(r, NUMEL) : 1 + draw(r, 4);
        t.stride[i] = draw(r, 16) ? stride : (int64_t)draw(r, NUMEL);
        stride *= t.dim[i];
    }
    pickle_tensor(p, &t);
}

static void add_value(tb_str *p, unsigned *r, int depth);

static void add_values(tb_str *p, unsigned *r, int depth, unsigned n)
{
    while (n-- > 0)
        add_value(p, r, depth + 1);
}

static void add_container(tb_str *p, unsigned *r, int depth)
{
    static const char *const tuples[] = {")", "\x85", "\x86", "\x87"};
    const unsigned n = draw(r, 4), how = draw(r, 6);
    if (how < 2) { /* pairs */
        tb_str_puts(p, how ? "ccollections\nOrderedDict\n)R" : "}");
        if (n > 1) tb_str_puts(p, "(");
        for (unsigned i = 0; i < n; i++) {
            pickle_text(p, &"abcd"[i]);
            add_value(p, r, depth + 1);
            if (n == 1) tb_str_puts(p, "s");
        }
        if (n > 1) tb_str_puts(p, "u");
        if (how && draw(r, 2)) {
            tb_str_puts(p, "}");
            pickle_text(p, "_metadata");
            add_value(p, r, depth + 1);
            tb_str_puts(p, "sb");
        }
    } else if (how == 2) {
        tb_str_puts(p, "](");
        add_values(p, r, depth, n);
        tb_str_puts(p, "e");
    } else if (how == 3) {
        tb_str_puts(p, "]");
        add_value(p, r, depth + 1);
        tb_str_puts(p, "a");
    } else if (how == 4) {
        add_values(p, r, depth, n);
        tb_str_puts(p, tuples[n]);
    } else {
        tb_str_puts(p, "(");
        add_values(p, r, depth, n);
        tb_str_puts(p, "t");
    }
}

/* NOLINTNEXTLINE(misc-no-recursion): to a depth of three */
static void add_value(tb_str *p, unsigned *r, int depth)
{
    switch (draw(r, depth < 3 ? 14 : 9)) {
    case 0:
        tb_str_puts(p, "N");
        break;
    case 1:
        tb_str_puts(p, draw(r, 2) ? "\x88" : "\x89");
        break;
    case 2:
        tb_str_puts(p, "K");
        put_little(p, draw(r, 256), 1);
        break;
    case 3:
        tb_str_puts(p, "M");
        put_little(p, draw(r, 65536), 2);
        break;
    case 4:
        tb_str_puts(p, "J");
        put_little(p, draw(r, 1 << 24) << 8, 4);
        break;
    case 5:
        pickle_int(p, (int64_t)draw(r, 1 << 24) - (1 << 23));
        break;
    case 6:
        tb_str_puts(p, "G");
        put_little(p, (uint64_t)draw(r, 1 << 24) << 40 | draw(r, 1 << 24), 8);
        break;
    case 7:
        pickle_text(p, "t3");
        break;
    case 8: /* remembered, and recalled beside itself */
        add_value(p, r, depth + 1);
        tb_str_puts(p, draw(r, 2) ? "q\1h\1" : "r\2");
        if (p->data[p->len - 1] == 2) tb_str_add(p, "\0\0\0j\2\0\0\0", 8);
        tb_str_puts(p, "\x86");
        break;
    case 9:
    case 10:
        add_tensor(p, r, draw(r, STORAGES), draw(r, 4));
        break;
    default:
        add_container(p, r, depth);
    }
}

/* The two dicts of a voice; a table of (3, 8) and mostly what fits it. */
static void add_voice(tb_str *p, unsigned *r)
{
    static const char *const names[] = {"speaker_emb",  "cond_prompt_speech_tokens",
                                        "prompt_token", "prompt_token_len",
                                        "prompt_feat",  "embedding"};
    static const unsigned classes[] = {0, 4, 4, 4, 0, 0};
    static const int64_t dims[6][3] = {{1, 8}, {1, 5}, {1, 3}, {1}, {1, 6, 4}, {1, 6}};
    static const size_t n_dims[] = {2, 2, 2, 1, 3, 2};
    tb_str_puts(p, "}(");
    for (size_t i = 0; i < 6; i++) {
        if (i % 2 == 0 && i < 4) pickle_text(p, i ? "gen" : "t3");
        if (i % 2 == 0 && i < 4) tb_str_puts(p, "}(");
        pickle_text(p, names[i]);
        char key[2] = {(char)('0' + classes[i]), 0};
        pickled_tensor t = {.class = storages[classes[i]].class, .key = key, .numel = NUMEL};
        if (i == 3) t.offset = 3; /* an element that is 3: how many tokens there are */
        t.n_dims = n_dims[i];
        int64_t stride = 1;
        for (size_t k = t.n_dims; k-- > 0;) {
            t.dim[k] = dims[i][k];
            t.stride[k] = stride;
            stride *= t.dim[k];
        }
        if (draw(r, 16))
            pickle_tensor(p, &t);
        else
            add_value(p, r, 2);
        if (i == 1 || i == 5) tb_str_puts(p, "u");
    }
    tb_str_puts(p, "u");
}

static size_t make_archive(uint8_t *data, size_t size_max, unsigned *r)
{
    zip_maker z = zip_begin();
    tb_str p;
    size_t size;
    z.wide = draw(r, 4) == 0;
    z.padding = (uint16_t)(draw(r, 3) ? 0 : draw(r, 64));
    tb_str_init(&p, 1 << 16);
    tb_str_puts(&p, "\x80\2");
    if (draw(r, 2))
        add_voice(&p, r);
    else
        add_container(&p, r, 0);
    tb_str_puts(&p, ".");
    zip_add(&z, "x/data.pkl", p.data, p.len);
    if (draw(r, 4) == 0) zip_add(&z, "x/byteorder", draw(r, 4) ? "little" : "big!!!", 6);
    for (unsigned i = 0; i < STORAGES; i++) {
        char name[16];
        tb_str member;
        tb_str_init(&member, 1024);
        for (unsigned k = 0; k < NUMEL; k++) {
            const float x = 1.0F + (float)k;
            if (storages[i].size == 4 && i == 0)
                tb_str_add(&member, (const char *)&x, 4);
            else
                put_little(&member, k, storages[i].size);
        }
        snprintf(name, sizeof name, "x/data/%u", i);
        zip_add(&z, name, member.data, member.len - (draw(r, 32) == 0));
        tb_str_clear(&member);
    }
    tb_str_clear(&p);
    char *file = zip_end(&z, &size);
    if (size <= size_max) memcpy(data, file, size);
    tb_free(file);
    return size <= size_max ? size : 0;
}

/* A voice as it is kept beside its recording. */
static size_t make_packed(uint8_t *data, size_t size_max, unsigned *r)
{
    float numbers[64];
    int32_t tokens[16];
    void *bytes = NULL;
    size_t size = 0;
    tb_err err;
    for (int i = 0; i < 64; i++)
        numbers[i] = (float)draw(r, 1000) / 100;
    for (int i = 0; i < 16; i++)
        tokens[i] = (int32_t)draw(r, 6561);
    tb_conds c = {.speaker = numbers,
                  .speaker_dim = 1 + draw(r, 8),
                  .t3_prompt = tokens,
                  .n_t3_prompt = draw(r, 8),
                  .prompt = tokens,
                  .n_prompt = 1 + draw(r, 3),
                  .prompt_mel = numbers,
                  .mels = 1 + draw(r, 8),
                  .embedding = numbers,
                  .embedding_dim = 1 + draw(r, 8)};
    c.prompt_frames = 2 * c.n_prompt;
    if (tb_conds_pack(&c, &bytes, &size, &err)) abort();
    if (size <= size_max) memcpy(data, bytes, size);
    tb_free(bytes);
    return size <= size_max ? size : 0;
}

/* One of eight is a new file; of the others three in four keep their length. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed)
{
    unsigned r = seed;
    if (size < 32 || seed % 8 == 0) {
        size_t made =
            draw(&r, 8) ? make_archive(data, size_max, &r) : make_packed(data, size_max, &r);
        if (made) return made;
    }
    if (seed % 4 == 1 || size == 0) return LLVMFuzzerMutate(data, size, size_max);
    for (unsigned n = 1 + draw(&r, 3); n > 0; n--) {
        uint8_t *at = &data[draw(&r, (unsigned)size)];
        *at = draw(&r, 2) ? (uint8_t)(*at ^ 1U << draw(&r, 8)) : (uint8_t)draw(&r, 256);
    }
    return size;
}
#endif
