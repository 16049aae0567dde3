/*
 * Tests of timbre-seedmodel: numbers and checksums against recorded ones, sizes against the
 * published files, the small model against the true one, and writing (once, whole, again when
 * damaged).
 */
#include "seedmodel/seed.h"

#include "base/counter.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { CHUNK = 1 << 16 };

static tb_json *golden(void)
{
    char *text = NULL;
    size_t size = 0;
    tb_json *v = NULL;
    assert_int_equal(tb_file_read(TB_TEST_DATA "/golden/generator.json", (size_t)1 << 20, &text,
                                  &size, NULL),
                     TB_OK);
    assert_int_equal(tb_json_parse(text, size, &v, NULL), TB_OK);
    tb_free(text);
    return v;
}

/* xor of the bit patterns, and their sum. */
static void checksum(const tb_seed_tensor *t, uint32_t *x, uint64_t *sum)
{
    static uint32_t bits[CHUNK];
    *x = 0;
    *sum = 0;
    for (uint64_t first = 0; first < t->count; first += CHUNK) {
        size_t n = t->count - first < CHUNK ? (size_t)(t->count - first) : CHUNK;
        tb_seed_fill(t, first, n, bits);
        for (size_t i = 0; i < n; i++) {
            *x ^= bits[i];
            *sum += bits[i];
        }
    }
}

static void the_stream_gives_the_recorded_numbers(void **state)
{
    (void)state;
    tb_json *v = golden(), *vectors = tb_json_get(v, "vectors");
    assert_int_equal(tb_json_len(vectors), 4);
    for (size_t k = 0; k < tb_json_len(vectors); k++) {
        tb_json *one = tb_json_at(vectors, k), *hex = tb_json_get(one, "w_hex");
        uint64_t stream = tb_counter_stream(tb_json_get_string(one, "key"));
        assert_int_equal(stream, strtoull(tb_json_get_string(one, "seed"), NULL, 16));
        for (size_t i = 0; i < tb_json_len(hex); i++) {
            float want = strtof(tb_json_text(tb_json_at(hex, i)), NULL);
            float got =
                tb_counter_weight(stream, i, (float)tb_json_number(tb_json_get(one, "mean")),
                                  (float)tb_json_number(tb_json_get(one, "scale")));
            assert_memory_equal(&got, &want, sizeof got);
        }
    }
    tb_json_free(v);
}

/* Every name that was recorded is in the tables; small tensors are made in full, and one in
 * sixteen of the large ones. */
static void tensors_have_the_recorded_checksums(void **state)
{
    (void)state;
    tb_json *v = golden(), *of_stem;
    const char *stem, *name;
    size_t checked = 0, large = 0;
    for (void *s = NULL; tb_json_next(tb_json_get(v, "tensors"), &s, &stem, &of_stem);) {
        tb_seed_list list = {0};
        tb_json *want;
        tb_seed_list_init(&list, tb_seed_table_find(stem));
        for (void *it = NULL; tb_json_next(of_stem, &it, &name, &want);) {
            const tb_seed_tensor *t = tb_seed_list_find(&list, name);
            uint32_t x;
            uint64_t sum;
            if (!t) fail_msg("%s/%s is in no table", stem, name);
            if (t->count > 300000 && large++ % 16) continue;
            checksum(t, &x, &sum);
            if (x != (uint64_t)tb_json_integer(tb_json_at(want, 0)) ||
                sum != (uint64_t)tb_json_integer(tb_json_at(want, 1)))
                fail_msg("%s/%s differs from the recording", stem, name);
            checked++;
        }
        tb_seed_list_clear(&list);
    }
    assert_true(checked > 2000);
    tb_json_free(v);
}

/* The seeded files have as many tensors and bytes as the published ones. */
static void files_have_their_true_size(void **state)
{
    static const struct {
        const char *stem;
        size_t n;
        uint64_t bytes;
    } want[] = {
        {"t3_turbo_v1", 299, 478862755u * UINT64_C(4)},
        {"t3_nano_v1", 155, 217471139u * UINT64_C(4)},
        {"s3gen_meanflow", 2491, 266139345u * UINT64_C(4) + 122 * 4}, /* 122 numbers are I64 */
        {"ve", 16, 0},
        {"perth", 56, 0},
    };
    (void)state;
    assert_int_equal(tb_seed_n_tables, sizeof want / sizeof *want);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        tb_seed_list list = {0};
        tb_seed_list_init(&list, tb_seed_table_find(want[i].stem));
        assert_int_equal(list.n, want[i].n);
        if (want[i].bytes) assert_int_equal(list.data_bytes, want[i].bytes);
        for (size_t k = 1; k < list.n; k++) /* no name twice, I64 first */
            if (list.tensors[k - 1].kind != TB_SEED_INT64 || list.tensors[k].kind == TB_SEED_INT64)
                assert_true(strcmp(list.tensors[k - 1].name, list.tensors[k].name) < 0);
        tb_seed_list_clear(&list);
    }
    assert_null(tb_seed_table_find("t3_turbo"));
}

/* The small model is the true one with fewer blocks: no name that the true one lacks, tables of the
 * same rows, and STOP as likely as is asked. */
static void the_small_model_is_the_true_one_made_small(void **state)
{
    (void)state;
    uint64_t bytes = 0;
    for (size_t i = 0; i < tb_seed_n_small; i++) {
        tb_seed_list list = {0}, truly = {0};
        tb_seed_list_init(&list, &tb_seed_small[i]);
        tb_seed_list_init(&truly, tb_seed_table_find(tb_seed_small[i].stem));
        assert_ptr_equal(tb_seed_small_find(list.stem), &tb_seed_small[i]);
        for (size_t k = 0; k < list.n; k++) {
            const tb_seed_tensor *t = &list.tensors[k], *of = tb_seed_list_find(&truly, t->name);
            if (!of) fail_msg("%s/%s is no true name", list.stem, t->name);
            assert_int_equal(t->n_dims, of->n_dims);
            assert_true(t->count <= of->count);
            if (strstr(t->name, "_emb.weight")) assert_int_equal(t->dims[0], of->dims[0]);
        }
        const tb_seed_tensor *head = tb_seed_list_find(&list, "speech_head.bias");
        if (head) {
            float last[2], other[2];
            assert_int_equal(head->count, 6563);
            tb_seed_fill(head, 6561, 2, last);
            tb_seed_list_stop(&list, -1e9);
            tb_seed_fill(head, 6561, 2, other);
            assert_true(last[0] == other[0] && last[1] > 0 && other[1] == -1e9f);
        }
        bytes += list.data_bytes;
        tb_seed_list_clear(&list);
        tb_seed_list_clear(&truly);
    }
    assert_true(bytes < (UINT64_C(40) << 20));
    assert_null(tb_seed_small_find("perth"));
}

static void constants_and_buffers_are_right(void **state)
{
    (void)state;
    tb_seed_list list = {0};
    tb_seed_list_init(&list, tb_seed_table_find("s3gen_meanflow"));
    int64_t batches = 0;
    const tb_seed_tensor *t =
        tb_seed_list_find(&list, "speaker_encoder.xvector.dense.nonlinear.batchnorm."
                                 "num_batches_tracked");
    assert_int_equal(t->n_dims, 0);
    tb_seed_fill(t, 0, 1, &batches);
    assert_int_equal(batches, 1000);

    /* The checksums of the two arrays that the reference's checkpoint carries. */
    uint32_t x;
    uint64_t sum;
    checksum(tb_seed_list_find(&list, "tokenizer.window"), &x, &sum);
    assert_int_equal(x, 0x3f8030eau);
    assert_int_equal(sum, 418356977106);
    checksum(tb_seed_list_find(&list, "tokenizer._mel_filters"), &x, &sum);
    assert_int_equal(x, 0x8b51bba5u);
    assert_int_equal(sum, 395945054767);
    tb_seed_list_clear(&list);
}

/* A piece from the middle is what a whole fill has there. */
static void a_piece_is_a_piece_of_the_whole(void **state)
{
    (void)state;
    tb_seed_list list = {0};
    tb_seed_list_init(&list, tb_seed_table_find("ve"));
    const tb_seed_tensor *t = tb_seed_list_find(&list, "lstm.weight_ih_l0");
    float *whole = tb_alloc(t->count * sizeof *whole), piece[100];
    tb_seed_fill(t, 0, t->count, whole);
    tb_seed_fill(t, 12345, 100, piece);
    assert_memory_equal(piece, whole + 12345, sizeof piece);
    tb_free(whole);
    tb_seed_list_clear(&list);
}

static void a_file_is_written_once_whole_and_again_when_it_is_damaged(void **state)
{
    (void)state;
    char dir[] = "seedmodel-XXXXXX", *data = NULL, *path;
    size_t size = 0, head_size = 0;
    bool written = false;
    tb_seed_list list = {0};
    tb_err err = {0};
    assert_non_null(mkdtemp(dir));
    path = tb_path_join(dir, "ve.safetensors");
    tb_seed_list_init(&list, tb_seed_table_find("ve"));
    char *head = tb_seed_header(&list, &head_size);

    assert_int_equal(tb_seed_write(&list, dir, 3, NULL, NULL, &written, &err), TB_OK);
    assert_true(written);
    assert_int_equal(tb_file_read(path, (size_t)1 << 24, &data, &size, &err), TB_OK);
    assert_int_equal(size, head_size + list.data_bytes);
    assert_int_equal(head_size % 8, 0);
    assert_memory_equal(data, head, head_size);
    for (size_t i = 0; i < list.n; i++) {
        const tb_seed_tensor *t = &list.tensors[i];
        float *want = tb_alloc(t->count * sizeof *want);
        tb_seed_fill(t, 0, t->count, want);
        assert_memory_equal(data + head_size + t->offset, want, t->count * sizeof *want);
        tb_free(want);
    }
    assert_int_equal(tb_seed_write(&list, dir, 1, NULL, NULL, &written, &err), TB_OK);
    assert_false(written);

    data[20] ^= 1; /* in the head: another table's file */
    assert_int_equal(tb_file_write(path, data, size, 0644, &err), TB_OK);
    assert_int_equal(tb_seed_write(&list, dir, 1, NULL, NULL, &written, &err), TB_OK);
    assert_true(written);
    assert_int_equal(truncate(path, 100), 0);
    assert_int_equal(tb_seed_write(&list, dir, 1, NULL, NULL, &written, &err), TB_OK);
    assert_true(written);

    tb_free(data);
    tb_free(head);
    unlink(path);
    assert_int_equal(rmdir(dir), 0); /* nothing else was left in it */
    tb_free(path);
    tb_seed_list_clear(&list);
}

static void a_short_disk_and_a_missing_folder_are_said(void **state)
{
    (void)state;
    char dir[] = "seedmodel-XXXXXX";
    bool written = false;
    tb_seed_list list = {0};
    tb_err err = {0};
    assert_non_null(mkdtemp(dir));
    tb_seed_list_init(&list, tb_seed_table_find("ve"));
    assert_int_equal(tb_seed_write(&list, "no-such-folder", 1, NULL, NULL, &written, &err),
                     TB_ENOTFOUND);
    list.data_bytes = UINT64_C(1) << 62;
    assert_int_equal(tb_seed_write(&list, dir, 1, NULL, NULL, &written, &err), TB_ENOSPACE);
    assert_non_null(strstr(err.msg, "MB are needed"));
    assert_int_equal(rmdir(dir), 0);
    tb_seed_list_clear(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_stream_gives_the_recorded_numbers),
        cmocka_unit_test(tensors_have_the_recorded_checksums),
        cmocka_unit_test(files_have_their_true_size),
        cmocka_unit_test(the_small_model_is_the_true_one_made_small),
        cmocka_unit_test(constants_and_buffers_are_right),
        cmocka_unit_test(a_piece_is_a_piece_of_the_whole),
        cmocka_unit_test(a_file_is_written_once_whole_and_again_when_it_is_damaged),
        cmocka_unit_test(a_short_disk_and_a_missing_folder_are_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
