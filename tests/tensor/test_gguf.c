/*
 * Tests of GGUF: reading, damaged files, metadata, writing.
 */
#include "tensor/gguf.h"

#include "weights_help.h"

#include <dirent.h>
#include <setjmp.h>
#include <unistd.h>

#include <cmocka.h>

/* ------------------------------------------------------------- by hand */

static void put(tb_str *s, uint64_t x, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        const unsigned char c = (unsigned char)(x >> 8 * i);
        tb_str_add(s, &c, 1);
    }
}

static void put_text(tb_str *s, const char *text)
{
    put(s, strlen(text), 8);
    tb_str_puts(s, text);
}

static void begin(tb_str *s, uint64_t tensors, uint64_t metas)
{
    tb_str_init(s, 1 << 20);
    tb_str_puts(s, "GGUF");
    put(s, 3, 4);
    put(s, tensors, 8);
    put(s, metas, 8);
}

static void put_info(tb_str *s, const char *name, const uint64_t *ne, unsigned n, uint64_t type,
                     uint64_t offset)
{
    put_text(s, name);
    put(s, n, 4);
    for (unsigned i = 0; i < n; i++)
        put(s, ne[i], 8);
    put(s, type, 4);
    put(s, offset, 8);
}

static void pad(tb_str *s, size_t to)
{
    while (s->len % to)
        tb_str_add(s, "", 1);
}

/* In memory of its own and exactly as long, so that a read past the end is seen. */
static tb_status read_copy(const tb_str *s, size_t len, tb_weights **out, tb_err *err)
{
    char *exact = malloc(len + !len);
    tb_weights *w = NULL;
    if (len) memcpy(exact, s->data, len);
    *err = (tb_err){0};
    tb_status st = tb_gguf_read(exact, len, "model.gguf", &w, err);
    if (st) {
        assert_null(w);
        assert_int_equal(st, err->status);
        assert_non_null(strstr(err->msg, "model.gguf"));
    }
    tb_weights_free(w);
    free(exact);
    *out = NULL;
    return st;
}

static void refuses(tb_str *s, const char *words)
{
    tb_weights *w;
    tb_err err;
    assert_int_equal(read_copy(s, s->len, &w, &err), TB_EMODEL);
    if (!strstr(err.msg, words)) fail_msg("\"%s\" does not say \"%s\"", err.msg, words);
    tb_str_clear(s);
}

/* As the field's own tools write it: every kind of metadata, two tensors, padding between. */
static void make_sample(tb_str *s)
{
    static const float a[3] = {1, 2, 3}, b[2] = {4, 5};

    begin(s, 2, 15);
    put_text(s, "general.architecture");
    put(s, 8, 4);
    put_text(s, "test");
    static const struct {
        const char *key;
        uint64_t type, bits;
        size_t bytes;
    } numbers[] = {
        {"n.u8", 0, 255, 1},
        {"n.i8", 1, 0xff, 1},
        {"n.u16", 2, 65535, 2},
        {"n.i16", 3, 0xfffe, 2},
        {"n.u32", 4, 1, 4},
        {"n.i32", 5, 0xfffffffd, 4},
        {"n.f32", 6, 0x3fc00000, 4},
        {"n.bool", 7, 1, 1},
        {"n.u64", 10, UINT64_MAX, 8},
        {"n.i64", 11, UINT64_MAX, 8},
        {"n.f64", 12, 0x3ff8000000000000, 8},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        put_text(s, numbers[i].key);
        put(s, numbers[i].type, 4);
        put(s, numbers[i].bits, numbers[i].bytes);
    }
    put_text(s, "list.text"); /* two texts */
    put(s, 9, 4);
    put(s, 8, 4);
    put(s, 2, 8);
    put_text(s, "one");
    put_text(s, "two");
    put_text(s, "list.list"); /* one list of two u16 */
    put(s, 9, 4);
    put(s, 9, 4);
    put(s, 1, 8);
    put(s, 2, 4);
    put(s, 2, 8);
    put(s, 7, 4);
    put_text(s, "bytes");
    put(s, 9, 4);
    put(s, 0, 4);
    put(s, 3, 8);
    tb_str_add(s, "x\0y", 3);
    put_info(s, "a", (const uint64_t[]){3, 1}, 2, 0, 0);
    put_info(s, "b", (const uint64_t[]){2}, 1, 0, 32);
    pad(s, 32);
    tb_str_add(s, a, sizeof a);
    pad(s, 32);
    tb_str_add(s, b, sizeof b);
}

static void a_file_of_other_tools_is_read(void **state)
{
    (void)state;
    tb_str s;
    tb_weights *w = NULL;
    tb_err err = {0};
    size_t size = 0;

    make_sample(&s);
    assert_int_equal(tb_gguf_read(s.data, s.len, "x", &w, &err), TB_OK);
    assert_int_equal(tb_weights_count(w), 2);
    const tb_tensor *a = tb_weights_find(w, "a");
    assert_int_equal(a->n_dims, 2);
    assert_int_equal(a->dim[0], 1); /* slowest first again */
    assert_int_equal(a->dim[1], 3);
    assert_true(((const float *)a->data)[2] == 3.0f);
    assert_true(((const float *)tb_weights_find(w, "b")->data)[1] == 5.0f);
    assert_string_equal(tb_weights_meta(w, "general.architecture"), "test");
    static const char *const texts[][2] = {
        {"n.u8", "255"},  {"n.i8", "-1"},     {"n.u16", "65535"},
        {"n.i16", "-2"},  {"n.u32", "1"},     {"n.i32", "-3"},
        {"n.f32", "1.5"}, {"n.bool", "true"}, {"n.u64", "18446744073709551615"},
        {"n.i64", "-1"},  {"n.f64", "1.5"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_string_equal(tb_weights_meta(w, texts[i][0]), texts[i][1]);
    assert_null(tb_weights_meta(w, "list.text")); /* passed over */
    assert_null(tb_weights_meta(w, "bytes"));
    assert_memory_equal(tb_weights_blob(w, "bytes", &size), "x\0y", 3);
    assert_int_equal(size, 3);
    assert_memory_equal(tb_weights_blob(w, "general.architecture", &size), "test", 4);
    assert_int_equal(size, 4);
    assert_null(tb_weights_blob(w, "nothing", &size));
    tb_weights_free(w);

    pad(&s, 32); /* padding behind the last tensor is allowed */
    assert_int_equal(tb_gguf_read(s.data, s.len, "x", &w, &err), TB_OK);
    tb_weights_free(w);
    tb_str_add(&s, "!", 1);
    refuses(&s, "the last 1 bytes belong to nothing");
}

static void a_file_cut_anywhere_is_refused(void **state)
{
    (void)state;
    tb_str s;
    tb_weights *w;
    tb_err err;

    make_sample(&s);
    for (size_t n = 0; n < s.len; n++)
        assert_int_equal(read_copy(&s, n, &w, &err), TB_EMODEL);
    assert_int_equal(read_copy(&s, s.len, &w, &err), TB_OK);
    tb_str_clear(&s);
}

/* Any one byte of the head changed: an answer or a sentence, never a crash. */
static void a_byte_changed_anywhere_is_survived(void **state)
{
    (void)state;
    static const unsigned char values[] = {0, 1, 0x7f, 0x80, 0xff};
    tb_str s;
    tb_weights *w;
    tb_err err;

    make_sample(&s);
    for (size_t i = 0; i < s.len; i++) {
        const char was = s.data[i];
        for (size_t v = 0; v < sizeof values; v++) {
            s.data[i] = (char)values[v];
            const tb_status st = read_copy(&s, s.len, &w, &err);
            assert_true(st == TB_OK || st == TB_EMODEL);
        }
        s.data[i] = was;
    }
    tb_str_clear(&s);
}

static void the_head_is_checked(void **state)
{
    (void)state;
    tb_str s;

    tb_str_init(&s, 100);
    tb_str_puts(&s, "GGML");
    refuses(&s, "no GGUF file");
    begin(&s, 0, 0);
    s.data[4] = 2;
    refuses(&s, "version 2");
    begin(&s, 0, 0);
    memcpy(s.data + 4, "\0\0\0\3", 4); /* big endian */
    refuses(&s, "big endian");
    begin(&s, UINT64_MAX, 0);
    refuses(&s, "18446744073709551615 tensors");
    begin(&s, 0, (uint64_t)1 << 60);
    refuses(&s, "metadata, more than");
}

static void metadata_is_checked(void **state)
{
    (void)state;
    tb_str s;

    begin(&s, 0, 1); /* a text longer than the file */
    put_text(&s, "k");
    put(&s, 8, 4);
    put(&s, UINT64_MAX, 8);
    tb_str_puts(&s, "text");
    refuses(&s, "the metadata");
    begin(&s, 0, 1); /* a key longer than the file */
    put(&s, UINT64_MAX - 7, 8);
    tb_str_puts(&s, "key.and.more");
    refuses(&s, "the metadata");
    begin(&s, 0, 1); /* more elements than bytes, of both kinds */
    put_text(&s, "k");
    put(&s, 9, 4);
    put(&s, 12, 4);
    put(&s, UINT64_MAX / 8 + 2, 8);
    refuses(&s, "the metadata");
    begin(&s, 0, 1);
    put_text(&s, "k");
    put(&s, 9, 4);
    put(&s, 0, 4);
    put(&s, 1000, 8);
    refuses(&s, "the metadata");
    begin(&s, 0, 1);
    put_text(&s, "k");
    put(&s, 13, 4);
    put(&s, 0, 8);
    refuses(&s, "unknown type 13");
    begin(&s, 0, 1);
    put_text(&s, "k");
    put(&s, 9, 4);
    put(&s, 77, 4);
    put(&s, 1, 8);
    refuses(&s, "array that is not read");
    begin(&s, 0, 1); /* lists of lists of lists ... */
    put_text(&s, "k");
    put(&s, 9, 4);
    for (int i = 0; i < 1000; i++) {
        put(&s, 9, 4);
        put(&s, 1, 8);
    }
    refuses(&s, "array that is not read");
    begin(&s, 0, 2);
    for (int i = 0; i < 2; i++) {
        put_text(&s, "twice");
        put(&s, 4, 4);
        put(&s, 1, 4);
    }
    refuses(&s, "twice twice");
    begin(&s, 0, 1);
    put_text(&s, "k");
    put(&s, 8, 4);
    put_text(&s, "\xff");
    refuses(&s, "not UTF-8");
    begin(&s, 0, 1);
    put_text(&s, "bad\nkey");
    put(&s, 4, 4);
    put(&s, 1, 4);
    refuses(&s, "control characters");
    static const uint64_t alignments[] = {0, 1, 4, 24, 33, 1u << 17, UINT32_MAX};
    for (size_t i = 0; i < sizeof alignments / sizeof *alignments; i++) {
        begin(&s, 0, 1);
        put_text(&s, "general.alignment");
        put(&s, 4, 4);
        put(&s, alignments[i], 4);
        refuses(&s, "general.alignment");
    }
}

/* One tensor, refused with these words. */
static void refuses_tensor(const char *name, const uint64_t *ne, unsigned n, uint64_t type,
                           uint64_t offset, size_t bytes, const char *words)
{
    tb_str s;

    begin(&s, 1, 0);
    put_info(&s, name, ne, n, type, offset);
    pad(&s, 32);
    for (size_t i = 0; i < bytes; i++)
        tb_str_add(&s, "", 1);
    refuses(&s, words);
}

static void tensors_are_checked(void **state)
{
    (void)state;
    static const uint64_t two[] = {2}, many[] = {1, 1, 1, 1, 1}, odd[] = {33, 2},
                          huge[] = {1ull << 32, 1ull << 32, 2}, all[] = {UINT64_MAX},
                          most[] = {(uint64_t)1 << 60};
    char name[300];
    tb_str s;

    refuses_tensor("a", two, 1, 0, 32, 64, "is said to be at byte 32");
    refuses_tensor("a", two, 1, 0, UINT64_MAX, 8, "is said to be at byte");
    refuses_tensor("a", two, 1, 0, 0, 7, "the data");
    refuses_tensor("a", two, 1, 0, 0, 0, "the data");
    refuses_tensor("a", two, 1, 3, 0, 8, "GGUF's type 3");
    refuses_tensor("a", two, 1, UINT32_MAX, 0, 8, "GGUF's type 4294967295");
    refuses_tensor("a", many, 5, 0, 0, 4, "5 dimensions");
    refuses_tensor("a", odd, 2, 8, 0, 80, "blocks");
    refuses_tensor("a", odd, 0, 8, 0, 80, "blocks");
    refuses_tensor("a", huge, 3, 0, 0, 8, "too large");
    refuses_tensor("a", all, 1, 0, 0, 8, "too large");
    refuses_tensor("a", most, 1, 0, 0, 8, "too large");
    refuses_tensor("", two, 1, 0, 0, 8, "is empty");
    refuses_tensor("\x01", two, 1, 0, 0, 8, "control characters");
    memset(name, 'n', sizeof name);
    name[256] = '\0';
    refuses_tensor(name, two, 1, 0, 0, 8, "longer than 255");
    begin(&s, 2, 0);
    put_info(&s, "twin", two, 1, 0, 0);
    put_info(&s, "twin", two, 1, 0, 32);
    pad(&s, 32);
    for (size_t i = 0; i < 40; i++)
        tb_str_add(&s, "", 1);
    refuses(&s, "two tensors are named twin");
}

static void crooked_memory_is_copied(void **state)
{
    (void)state;
    tb_str s;
    tb_weights *w = NULL;

    make_sample(&s);
    char *shifted = malloc(s.len + 1);
    memcpy(shifted + 1, s.data, s.len);
    assert_int_equal(tb_gguf_read(shifted + 1, s.len, "x", &w, NULL), TB_OK);
    assert_true(((const float *)tb_weights_find(w, "b")->data)[0] == 4.0f);
    tb_weights_free(w);
    free(shifted);
    tb_str_clear(&s);
}

/* -------------------------------------------------------- written and read */

enum { ROWS = 3000, COLS = 512 }; /* f32: 6 MB, more than is made at once */

typedef struct {
    size_t parts; /* calls of make */
    uint64_t done, total;
    bool fail;
} maker;

static float number(size_t tensor, size_t row, size_t col)
{
    return (float)((row * 31 + col * 7 + tensor) % 255) - 127.0f;
}

static tb_status make(void *self, size_t i, size_t first, size_t n, void *out, tb_err *err)
{
    static const tb_dtype types[] = {TB_F32, TB_F16, TB_BF16, TB_Q8_0, TB_Q4_0};
    maker *m = self;
    float row[COLS];

    m->parts++;
    if (m->fail && i == 2) return tb_fail(err, TB_EMODEL, "no more");
    if (i == 5) { /* a vector */
        for (size_t c = 0; c < 7; c++)
            ((float *)out)[c] = (float)c;
        return TB_OK;
    }
    for (size_t r = 0; r < n; r++) {
        for (size_t c = 0; c < COLS; c++)
            row[c] = number(i, first + r, c);
        tb_from_f32(types[i], row, (char *)out + r * tb_row_bytes(types[i], COLS), COLS);
    }
    return TB_OK;
}

static void progress(void *self, uint64_t done, uint64_t total)
{
    maker *m = self;
    assert_true(done >= m->done && done <= total);
    m->done = done;
    m->total = total;
}

static tb_gguf *sample_writer(void)
{
    tb_gguf *g = tb_gguf_new();
    static const tb_dtype types[] = {TB_F32, TB_F16, TB_BF16, TB_Q8_0, TB_Q4_0};

    tb_gguf_put_text(g, "general.architecture", "test");
    tb_gguf_put_u32(g, "general.alignment", TB_GGUF_ALIGNMENT);
    tb_gguf_put_bytes(g, "voice", "a\0b\xff", 4);
    tb_gguf_put_bytes(g, "silence", "", 0);
    tb_gguf_put_text(g, "empty", "");
    for (size_t i = 0; i < 5; i++) {
        const tb_tensor t = {.type = types[i], .n_dims = 3, .dim = {ROWS, 2, COLS / 2}};
        assert_int_equal(tb_gguf_add(g, tb_dtype_name(types[i]), &t, NULL), TB_OK);
    }
    assert_int_equal(tb_gguf_add(g, "vector", &(tb_tensor){.type = TB_F32, .n_dims = 1, .dim = {7}},
                                 NULL),
                     TB_OK);
    return g;
}

static size_t files_in(const char *folder)
{
    size_t n = 0;
    DIR *d = opendir(folder);
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.' || tb_file_is_temporary(e->d_name);
    closedir(d);
    return n;
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    char folder[] = "/tmp/timbre-gguf-XXXXXX";
    tb_gguf *g = sample_writer();
    tb_weights *w = NULL;
    maker m = {0};
    tb_err err = {0};
    size_t size = 99;
    static float row[COLS];

    assert_non_null(mkdtemp(folder));
    char *path = tb_path_join(folder, "a.gguf");
    const tb_gguf_data data = {.make = make, .progress = progress, .self = &m};
    assert_int_equal(tb_gguf_write(g, path, &data, &err), TB_OK);
    assert_int_equal(files_in(folder), 1);
    assert_int_equal((uint64_t)tb_file_size(path), tb_gguf_size(g));
    assert_true(m.done <= m.total && m.total == tb_gguf_size(g));
    assert_true(m.parts > 6); /* the largest came in parts */

    assert_int_equal(tb_gguf_open(path, &w, &err), TB_OK);
    assert_string_equal(tb_weights_meta(w, "general.architecture"), "test");
    assert_string_equal(tb_weights_meta(w, "general.alignment"), "32");
    assert_string_equal(tb_weights_meta(w, "empty"), "");
    assert_memory_equal(tb_weights_blob(w, "voice", &size), "a\0b\xff", 4);
    assert_int_equal(size, 4);
    assert_non_null(tb_weights_blob(w, "silence", &size));
    assert_int_equal(size, 0);
    for (size_t i = 0; i < 5; i++) {
        const tb_tensor *t = tb_weights_at(w, i);
        assert_string_equal(tb_weights_name(w, i), tb_dtype_name(t->type));
        assert_int_equal(t->n_dims, 3);
        assert_int_equal(t->dim[0], ROWS);
        assert_int_equal(t->dim[1], 2);
        assert_int_equal(t->dim[2], COLS / 2);
        assert_int_equal((uintptr_t)t->data % TB_GGUF_ALIGNMENT, 0);
        for (size_t r = 0; r < ROWS; r += 37) {
            const size_t bytes = tb_row_bytes(t->type, COLS);
            tb_to_f32(t->type, (const char *)t->data + r * bytes, row, COLS);
            for (size_t c = 0; c < COLS; c++) {
                const float step = t->type == TB_Q4_0 ? 16.1f : t->type == TB_Q8_0 ? 0.51f : 0.0f;
                const float d = row[c] - number(i, r, c);
                assert_true(d <= step && d >= -step);
            }
        }
    }
    assert_true(((const float *)tb_weights_find(w, "vector")->data)[6] == 6.0f);
    tb_weights_free(w);

    m = (maker){.fail = true}; /* the old file stays, nothing else is left */
    const int64_t before = tb_file_size(path);
    assert_int_equal(tb_gguf_write(g, path, &data, &err), TB_EMODEL);
    assert_string_equal(err.msg, "no more");
    assert_int_equal(tb_file_size(path), before);
    assert_int_equal(files_in(folder), 1);
    tb_gguf_free(g);
    unlink(path);
    tb_free(path);

    path = tb_path_join(folder, "nowhere/a.gguf");
    g = sample_writer();
    m = (maker){0};
    assert_int_equal(tb_gguf_write(g, path, &data, &err), TB_ENOTFOUND);
    assert_int_equal(m.parts, 0);
    tb_gguf_free(g);
    tb_free(path);
    rmdir(folder);
}

static void a_full_disk_is_known_before(void **state)
{
    (void)state;
    tb_gguf *g = tb_gguf_new();
    maker m = {0};
    tb_err err = {0};
    const tb_tensor t = {.type = TB_F32, .n_dims = 2, .dim = {(size_t)1 << 28, (size_t)1 << 22}};

    assert_int_equal(tb_gguf_add(g, "huge", &t, NULL), TB_OK); /* 4 PB */
    assert_int_equal(tb_gguf_write(g, "/tmp/timbre-never.gguf",
                                   &(tb_gguf_data){.make = make, .self = &m}, &err),
                     TB_ENOSPACE);
    assert_non_null(strstr(err.msg, "room"));
    assert_int_equal(m.parts, 0);
    assert_false(tb_file_exists("/tmp/timbre-never.gguf"));
    tb_gguf_free(g);
    tb_gguf_free(NULL);
}

static void what_gguf_cannot_hold_is_refused(void **state)
{
    (void)state;
    tb_gguf *g = tb_gguf_new();
    char name[65];
    tb_err err = {0};
    const tb_tensor t = {.type = TB_F32, .n_dims = 1, .dim = {1}};

    memset(name, 'n', 64);
    name[64] = '\0';
    assert_int_equal(tb_gguf_add(g, name, &t, &err), TB_EMODEL);
    assert_non_null(strstr(err.msg, name));
    name[63] = '\0';
    assert_int_equal(tb_gguf_add(g, name, &t, &err), TB_OK);
    assert_int_equal(tb_gguf_add(g, "u", &(tb_tensor){.type = TB_U8, .n_dims = 1, .dim = {1}},
                                 &err),
                     TB_EMODEL);
    assert_non_null(strstr(err.msg, "u8"));
    tb_gguf_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_of_other_tools_is_read),
        cmocka_unit_test(a_file_cut_anywhere_is_refused),
        cmocka_unit_test(a_byte_changed_anywhere_is_survived),
        cmocka_unit_test(the_head_is_checked),
        cmocka_unit_test(metadata_is_checked),
        cmocka_unit_test(tensors_are_checked),
        cmocka_unit_test(crooked_memory_is_copied),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(a_full_disk_is_known_before),
        cmocka_unit_test(what_gguf_cannot_hold_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
