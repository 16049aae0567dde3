/*
 * Tests of the decoder: every kind of file, cut and damaged files, false headers, refusals,
 * cancelling, threads.
 */
#include "codec/decode.h"

#include "media.h"

#include "audio/wav.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
/* after the four above, as it asks */
#include <cmocka.h>

static const struct {
    const char *name, *options;
} kinds[] = {
    {"a.mp3", "-c:a libmp3lame"},  {"a.m4a", "-c:a aac"}, /* its index at the end: needs seeking */
    {"a.aac", "-c:a aac -f adts"}, {"a.ogg", "-c:a libvorbis"}, {"a.opus", "-c:a libopus"},
    {"a.flac", "-c:a flac"},       {"a.webm", "-c:a libopus"},  {"a.wav", "-c:a pcm_s24le"},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static struct {
    char *data;
    size_t size;
} files[KINDS];

/* Three seconds of 440 Hz, stereo, 48 kHz; the amplitude is ffmpeg's: 1/8. */
static int make_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        char line[512];
        const char *path = media_path(kinds[i].name);
        snprintf(line, sizeof line,
                 "ffmpeg -v error -y -f lavfi -i sine=frequency=440:duration=3:sample_rate=48000 "
                 "-af 'pan=stereo|c0=c0|c1=c0' %s '%s' </dev/null",
                 kinds[i].options, path);
        char *done = media_run(line, NULL, 0, NULL);
        tb_free(done);
        if (!done || tb_file_read(path, 1 << 24, &files[i].data, &files[i].size, NULL)) return -1;
    }
    return 0;
}

static int free_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++)
        tb_free(files[i].data);
    media_remove();
    return 0;
}

/* Amplitude of 440 Hz between 1 s and 2 s. */
static double tone(const tb_pcm *pcm)
{
    double re = 0, im = 0, w = 2 * 3.14159265358979 * 440 / pcm->rate_hz;
    size_t n = (size_t)pcm->rate_hz;
    if (pcm->len < 2 * n) return 0;
    for (size_t i = 0; i < n; i++) {
        re += (double)pcm->data[n + i] * cos(w * (double)i);
        im += (double)pcm->data[n + i] * sin(w * (double)i);
    }
    return 2 * sqrt(re * re + im * im) / (double)n;
}

static void check_whole(size_t i)
{
    tb_pcm pcm = {0};
    tb_err err = {0};
    if (tb_decode_audio(files[i].data, files[i].size, 10, NULL, &pcm, &err))
        fail_msg("%s: %s", kinds[i].name, err.msg);
    if (fabs(tb_pcm_seconds(&pcm) - 3) > 0.1)
        fail_msg("%s: %g s instead of 3", kinds[i].name, tb_pcm_seconds(&pcm));
    if (fabs(tone(&pcm) - 0.125) > 0.02)
        fail_msg("%s: amplitude %g instead of 0.125", kinds[i].name, tone(&pcm));
    tb_pcm_clear(&pcm);
}

static void every_kind_is_read_with_its_length_and_its_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++)
        check_whole(i);
}

static void no_more_than_asked_comes_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        tb_pcm pcm = {0};
        assert_int_equal(tb_decode_audio(files[i].data, files[i].size, 1, NULL, &pcm, NULL), TB_OK);
        assert_true(tb_pcm_seconds(&pcm) <= 1.0 && tb_pcm_seconds(&pcm) > 0.99);
        tb_pcm_clear(&pcm);
    }
}

static void half_a_file_is_half_a_sound_or_a_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        for (size_t part = 1; part < 4; part++) {
            tb_pcm pcm = {0};
            tb_err err = {0};
            tb_status st =
                tb_decode_audio(files[i].data, files[i].size * part / 4, 10, NULL, &pcm, &err);
            if (st != TB_OK && st != TB_EINVAL) fail_msg("%s: %s", kinds[i].name, err.msg);
            if (st)
                assert_true(err.msg[0]);
            else
                assert_true(pcm.len > 0 && tb_pcm_seconds(&pcm) < 3);
            tb_pcm_clear(&pcm);
        }
    }
}

static void noise_behind_a_known_beginning_is_refused_or_read_but_never_a_fault(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        char *noise = tb_alloc(60000);
        uint32_t x = 12345;
        tb_pcm pcm = {0};
        tb_err err = {0};
        memcpy(noise, files[i].data, 16);
        for (size_t k = 16; k < 60000; k++)
            noise[k] = (char)((x = x * 1664525u + 1013904223u) >> 24);
        tb_status st = tb_decode_audio(noise, 60000, 10, NULL, &pcm, &err);
        if (st != TB_OK && st != TB_EINVAL) fail_msg("%s: %d %s", kinds[i].name, st, err.msg);
        tb_pcm_clear(&pcm);
        tb_free(noise);
    }
}

/* STREAMINFO's 36-bit number of samples, all ones: over 16 days at 48 kHz. */
static void a_flac_that_claims_days_gives_what_it_has(void **state)
{
    tb_pcm pcm = {0};
    char *lie = tb_alloc(files[5].size);
    (void)state;
    memcpy(lie, files[5].data, files[5].size);
    lie[21] = (char)(lie[21] | 0x0F);
    memset(lie + 22, 0xFF, 4);
    assert_int_equal(tb_decode_audio(lie, files[5].size, 10, NULL, &pcm, NULL), TB_OK);
    assert_true(fabs(tb_pcm_seconds(&pcm) - 3) < 0.1);
    tb_pcm_clear(&pcm);
    tb_free(lie);
}

static void other_kinds_are_refused_with_the_list(void **state)
{
    static const char *const others[] = {"just some text, long enough", "PK\3\4 a zip file, really",
                                         "<html><body>hello</body></html>", "x"};
    tb_pcm pcm = {0};
    tb_err err = {0};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(tb_decode_audio(others[i], strlen(others[i]), 10, NULL, &pcm, &err),
                         TB_EMEDIA);
        assert_non_null(strstr(err.msg, "flac"));
    }
    assert_int_equal(tb_decode_audio("", 0, 10, NULL, &pcm, &err), TB_EINVAL);
}

static void a_set_flag_stops_it(void **state)
{
    tb_cancel cancel = {true};
    tb_pcm pcm = {0};
    (void)state;
    assert_int_equal(tb_decode_audio(files[0].data, files[0].size, 10, &cancel, &pcm, NULL),
                     TB_ECANCELLED);
}

static void *worker(void *self)
{
    int *bad = self;
    for (size_t i = 0; i < KINDS; i++) {
        tb_pcm pcm = {0};
        if (tb_decode_audio(files[i].data, files[i].size, 10, NULL, &pcm, NULL) ||
            fabs(tone(&pcm) - 0.125) > 0.02)
            ++*bad;
        tb_pcm_clear(&pcm);
    }
    return NULL;
}

static void many_threads_decode_at_once(void **state)
{
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    int bad[THREADS] = {0};
    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, worker, &bad[i]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(bad[i], 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_read_with_its_length_and_its_sound),
        cmocka_unit_test(no_more_than_asked_comes_back),
        cmocka_unit_test(half_a_file_is_half_a_sound_or_a_sentence),
        cmocka_unit_test(noise_behind_a_known_beginning_is_refused_or_read_but_never_a_fault),
        cmocka_unit_test(a_flac_that_claims_days_gives_what_it_has),
        cmocka_unit_test(other_kinds_are_refused_with_the_list),
        cmocka_unit_test(a_set_flag_stops_it),
        cmocka_unit_test(many_threads_decode_at_once),
    };
    /* The decoder's child is this program. */
    if (argc == 4 && strcmp(argv[1], "decode-child") == 0)
        return tb_decode_child_main(argv[2], argv[3]);
    unsetenv("TIMBRE_PROGRAM");
    return cmocka_run_group_tests(tests, make_files, free_files);
}
