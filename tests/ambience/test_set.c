/*
 * Tests of the set of beds: ids, aliases and sums, files of a folder, what is refused and with
 * which sentence.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "audio/wav.h"
#include "beds.h"
#include "dsp/loudness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Which beds there are: names, sums, and the files of a folder. */

static void names_are_ids_aliases_and_sums(void **state)
{
    (void)state;
    tb_ambience_set *set = open_set("/nonexistent");
    tb_err err = {0};
    tb_ambience found = {0};
    assert_int_equal(tb_ambience_count(set), TB_RECIPES);
    assert_string_equal(tb_ambience_at(set, 0)->id, "white");
    static const char *const good[] = {"rain",  " Rain ",         "birds",
                                       "beach", "static",         "storm",
                                       "STORM", "rain+wind+fire", "ambience:cafe"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        tb_ambience in_text = {0};
        assert_true(tb_ambience_in_text(set, good[i], &in_text, &err));
        assert_int_equal(err.status, TB_OK);
        assert_int_equal(tb_ambience_find(set, good[i], &found, &err), TB_OK);
        assert_true(tb_ambience_same(&found, &in_text));
    }
    near(found.difference_lu, 20, 0);
    static const char *const bad[] = {"lofi",  "",        " ",        "+",
                                      "rain+", "../rain", "rain.wav", "rain+x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(tb_ambience_in_text(set, bad[i], &found, &err));
        assert_int_equal(tb_ambience_find(set, bad[i], &found, &err), TB_ENOTFOUND);
        assert_string_equal(err.field, "ambience_id");
    }
    assert_non_null(strstr(err.msg, "rain+x"));
    assert_non_null(strstr(err.msg, "cafe"));
    assert_false(tb_ambience_in_text(set, "rain wind", &found, &err)); /* words of a text */
    static const char *const refused[] = {"ambience:a herd of cows", "rain+wind+fire+fan+cafe"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_true(tb_ambience_in_text(set, refused[i], &found, &err));
        assert_int_equal(err.status, TB_EINVAL);
        assert_int_equal(tb_ambience_find(set, refused[i], &found, &err), TB_EINVAL);
    }
    tb_ambience_close(set);
}

/* A second of a bed. */
static void hear_bed(tb_ambience_set *set, const char *name, float *out)
{
    tb_bed *bed = NULL;
    tb_err err = {0};
    if (bed_named(set, name, 3, 24000, &bed, &err)) fail_msg("%s: %s", name, err.msg);
    tb_bed_process(bed, out, 24000);
    tb_bed_free(bed);
}

static void a_bed_named_twice_is_heard_once(void **state)
{
    static const char *const pairs[][2] = {
        {"rain+rain", "rain"},
        {"rain+lluvia+ RAIN ", "rain"},
        {"storm+rain", "rain+wind"},
        {"rain+wind+storm", "rain+wind"},
        {"fan+fan+fan+fan+fan+fan", "fan"}, /* nor is it counted against the most parts */
        {"rain+wind+fire+fan+rain+wind", "rain+wind+fire+fan"},
    };
    static float twice[24000], once[24000];
    (void)state;
    tb_ambience_set *set = open_set("/nonexistent");
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        hear_bed(set, pairs[i][0], twice);
        hear_bed(set, pairs[i][1], once);
        if (memcmp(twice, once, sizeof once) != 0)
            fail_msg("%s is not %s", pairs[i][0], pairs[i][1]);
    }
    hear_bed(set, "rain+wind", twice); /* and two that differ are two */
    hear_bed(set, "rain", once);
    assert_true(memcmp(twice, once, sizeof once) != 0);
    tb_ambience_close(set);
}

static void names_are_spanish_as_well(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"lluvia", "rain"},
        {"Cafetería", "cafe"},
        {"cafeteria", "cafe"},
        {"café", "cafe"},
        {"OCÉANO", "ocean"},
        {"ruido blanco", "white"},
        {"oficina", "office"},
        {"calle", "street"},
        {"tren", "train"},
        {"ventilador", "fan"},
        {"noche", "night"},
        {"bosque", "forest"},
        {"viento", "wind"},
        {"chimenea", "fire"},
        {"habitación", "room"},
        {"ruido marrón", "brown"},
        {"ruido rosa", "pink"},
        {"lluvia+tren", "rain+train"},
        {"lluvia tren", "rain+train"},
    };
    tb_ambience_set *set = open_set("/nonexistent");
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        tb_ambience a = {0}, b = {0};
        assert_int_equal(tb_ambience_find(set, pairs[i][0], &a, NULL), TB_OK);
        assert_int_equal(tb_ambience_find(set, pairs[i][1], &b, NULL), TB_OK);
        assert_true(a.n > 0 && tb_ambience_same(&a, &b));
    }
    tb_ambience_close(set);
}

static void write_file(const char *dir, const char *name, const void *data, size_t size)
{
    char *path = tb_path_join(dir, name);
    tb_err err = {0};
    assert_int_equal(tb_file_write(path, data, size, 0600, &err), TB_OK);
    tb_free(path);
}

static void files_override_and_add_and_are_looped(void **state)
{
    (void)state;
    char dir[] = "/tmp/tb-ambience-XXXXXX";
    assert_non_null(mkdtemp(dir));
    tb_pcm pcm = {0};
    tb_err err = {0};
    uint8_t *wav = NULL;
    size_t size = 0;
    assert_int_equal(tb_pcm_init(&pcm, 3 * 16000, 16000, &err), TB_OK);
    for (size_t i = 0; i < pcm.len; i++)
        pcm.data[i] = (float)(0.5 * sin(2 * M_PI * 440 * (double)i / 16000));
    assert_int_equal(tb_wav_print(&pcm, &wav, &size, &err), TB_OK);
    write_file(dir, "rain.wav", wav, size);
    write_file(dir, "lofi.wav", wav, size);
    write_file(dir, "broken.wav", wav, 20);
    write_file(dir,
               "b\xc3\xa4"
               "d name.wav",
               wav, size);
    write_file(dir, "notes.txt", wav, size);
    static const char *const odd[] = {"link.wav", "pipe.wav", "folder.wav"};
    char *at[3];
    for (size_t i = 0; i < 3; i++)
        at[i] = tb_path_join(dir, odd[i]);
    assert_int_equal(symlink("lofi.wav", at[0]), 0);
    assert_int_equal(mkfifo(at[1], 0600), 0);
    assert_int_equal(mkdir(at[2], 0700), 0);

    tb_ambience_set *set = open_set(dir);
    assert_int_equal(tb_ambience_count(set), TB_RECIPES + 2);
    assert_string_equal(tb_ambience_at(set, 4)->generator, "file");
    assert_string_equal(tb_ambience_at(set, 4)->title, "Rain");
    assert_string_equal(tb_ambience_at(set, TB_RECIPES)->id, "broken");
    assert_string_equal(tb_ambience_at(set, TB_RECIPES + 1)->title, "Lofi");
    float *x = render(set, "lofi", 1, RATE, 12 * RATE, 1000);
    double lufs = 0, step = 0;
    assert_int_equal(tb_loudness_integrated(x, 12 * RATE, RATE, &lufs, &err), TB_OK);
    near(lufs, -30, 0.5);
    for (size_t i = 1; i < 12 * RATE; i++)
        step = fmax(step, fabs((double)(x[i] - x[i - 1])));
    assert_true(step < 0.01); /* no click where it goes round */
    tb_free(x);
    tb_bed *bed = NULL;
    assert_int_equal(bed_named(set, "broken", 1, RATE, &bed, &err), TB_EINTERNAL);
    assert_non_null(strstr(err.msg, "broken.wav"));
    assert_null(bed);
    /* One that became a link later: what it leads to is not read. */
    char *broken = tb_path_join(dir, "broken.wav");
    assert_int_equal(unlink(broken), 0);
    assert_int_equal(symlink("lofi.wav", broken), 0);
    assert_int_equal(bed_named(set, "broken", 1, RATE, &bed, &err), TB_EINTERNAL);
    assert_null(bed);
    tb_free(broken);
    assert_int_equal(rmdir(at[2]), 0);
    for (size_t i = 0; i < 3; i++) {
        unlink(at[i]);
        tb_free(at[i]);
    }
    tb_ambience_close(set);
    tb_free(wav);
    tb_pcm_clear(&pcm);
    char *command = tb_sprintf("rm -r '%s'", dir);
    assert_int_equal(system(command), 0);
    tb_free(command);
}

/* Noise of even loudness goes round: where its end meets its start it is neither louder nor softer,
 * and nothing there is no number. */
static void a_file_goes_round_without_a_seam(void **state)
{
    enum { LEN = 4 * RATE, WINDOW = RATE / 20 };
    (void)state;
    char dir[] = "/tmp/tb-ambience-XXXXXX";
    assert_non_null(mkdtemp(dir));
    tb_pcm pcm = {0};
    tb_err err = {0};
    uint8_t *wav = NULL;
    size_t size = 0;
    assert_int_equal(tb_pcm_init(&pcm, LEN, RATE, &err), TB_OK);
    uint32_t x = 1;
    for (size_t i = 0; i < LEN; i++) {
        x = x * 1664525 + 1013904223;
        pcm.data[i] = 0.25F * (float)((double)x / 2147483648.0 - 1);
    }
    assert_int_equal(tb_wav_print(&pcm, &wav, &size, &err), TB_OK);
    write_file(dir, "hiss.wav", wav, size);
    tb_ambience_set *set = open_set(dir);
    float *y = render(set, "hiss", 3, RATE, 2 * LEN, 4096); /* over the seam at least once */
    double all = 0;
    for (size_t i = 0; i < 2 * LEN; i++) {
        assert_true(isfinite(y[i]));
        all += (double)y[i] * (double)y[i];
    }
    all /= 2 * LEN;
    for (size_t at = 0; at + WINDOW <= 2 * LEN; at += WINDOW) {
        double e = 0;
        for (size_t i = at; i < at + WINDOW; i++)
            e += (double)y[i] * (double)y[i];
        near(10 * log10(e / WINDOW / all), 0, 1);
    }
    tb_free(y);
    tb_ambience_close(set);
    char *path = tb_path_join(dir, "hiss.wav");
    unlink(path);
    rmdir(dir);
    tb_free(path);
    tb_free(wav);
    tb_pcm_clear(&pcm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_ids_aliases_and_sums),
        cmocka_unit_test(a_bed_named_twice_is_heard_once),
        cmocka_unit_test(names_are_spanish_as_well),
        cmocka_unit_test(files_override_and_add_and_are_looped),
        cmocka_unit_test(a_file_goes_round_without_a_seam),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
