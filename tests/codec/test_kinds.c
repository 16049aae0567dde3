/*
 * Every kind of recording that people send, as it comes from phones, recorders and programs:
 * containers, codes inside wav, tags in front, chunks in any order. The files are made by the
 * ffmpeg program when the test runs: two seconds of 440 Hz at an amplitude of 1/8. Kinds that it
 * cannot write (AMR) are made by hand.
 */
#include "codec/decode.h"

#include "media.h"

#include "audio/wav.h"
#include "base/str.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
/* after the four above, as it asks */
#include <cmocka.h>

static int remove_files(void **state)
{
    (void)state;
    media_remove();
    return 0;
}

/* A file by ffmpeg; rate 8000 to 48000. Heap. */
static char *make(const char *options, int rate, size_t *size)
{
    char line[512], *data = NULL, *done;
    const char *path = media_path("made");
    snprintf(line, sizeof line,
             "ffmpeg -v error -y -f lavfi -i sine=frequency=440:duration=2:sample_rate=%d %s '%s' "
             "</dev/null",
             rate, options, path);
    done = media_run(line, NULL, 0, NULL);
    if (!done) fail_msg("ffmpeg does not make %s", options);
    tb_free(done);
    assert_int_equal(tb_file_read(path, 1 << 24, &data, size, NULL), TB_OK);
    return data;
}

/* Amplitude of 440 Hz between 0.5 s and 1.5 s. */
static double tone(const tb_pcm *pcm)
{
    double re = 0, im = 0, w = 2 * 3.14159265358979 * 440 / pcm->rate_hz;
    size_t n = (size_t)pcm->rate_hz;
    if (pcm->len < n / 2 * 3) return 0;
    for (size_t i = 0; i < n; i++) {
        re += (double)pcm->data[n / 2 + i] * cos(w * (double)i);
        im += (double)pcm->data[n / 2 + i] * sin(w * (double)i);
    }
    return 2 * sqrt(re * re + im * im) / (double)n;
}

static void sounds_right(const char *what, const void *data, size_t size)
{
    tb_pcm pcm = {0};
    tb_err err = {0};
    if (tb_decode_audio(data, size, 10, NULL, &pcm, &err)) fail_msg("%s: %s", what, err.msg);
    if (fabs(tb_pcm_seconds(&pcm) - 2) > 0.15)
        fail_msg("%s: %g s instead of 2", what, tb_pcm_seconds(&pcm));
    /* Telephone codes of few bits are off by some tenths of a dB. */
    if (fabs(tone(&pcm) - 0.125) > 0.03)
        fail_msg("%s: amplitude %g instead of 0.125", what, tone(&pcm));
    tb_pcm_clear(&pcm);
}

static void every_container_and_code_is_read(void **state)
{
    static const struct {
        const char *options;
        int rate;
    } kinds[] = {
        {"-c:a pcm_s16be -f aiff", 44100},
        {"-c:a pcm_f32be -f aiff", 48000}, /* AIFF-C */
        {"-c:a pcm_mulaw -f aiff", 8000},
        {"-c:a adpcm_ima_qt -f aiff", 22050},
        {"-c:a alac -f caf", 44100},
        {"-c:a pcm_s16le -f caf", 44100},
        {"-c:a adpcm_ima_qt -f caf", 22050},
        {"-c:a aac -f mov", 44100},
        {"-c:a alac -f ipod", 44100},
        {"-c:a aac -f 3gp", 16000},
        {"-c:a aac -f latm", 44100},
        {"-c:a wmav1 -b:a 96k -f asf", 44100},
        {"-c:a wmav2 -b:a 96k -f asf", 44100},
        {"-c:a mp2 -f mp2", 44100},
        {"-c:a libspeex -f ogg", 8000},
        {"-c:a libspeex -f ogg", 16000},
        {"-c:a libspeex -f ogg", 32000},
        {"-c:a flac -f ogg", 48000},
        {"-c:a pcm_mulaw -f au", 8000},
        {"-c:a pcm_s24be -f au", 48000},
        {"-c:a pcm_s16le -f w64", 48000},
        {"-c:a wavpack -f wv", 48000},
        {"-c:a tta -f tta", 48000},
        {"-c:a ac3 -f matroska", 48000},
        {"-c:a adpcm_ima_wav -f wav", 22050},
        {"-c:a adpcm_ms -f wav", 22050},
        {"-c:a adpcm_yamaha -f wav", 22050},
        {"-c:a libgsm_ms -f wav", 8000},
        {"-c:a g726 -b:a 32k -f wav", 8000},
        {"-c:a g722 -f wav", 16000},
        {"-c:a libmp3lame -f wav", 44100},
        {"-c:a mp2 -f wav", 44100},
        {"-c:a ac3 -f wav", 48000},
        {"-c:a pcm_s16le -rf64 always -f wav", 44100},
        {"-c:a adpcm_ms -rf64 always -f wav", 44100},
        {"-c:a pcm_f64le -f wav", 44100},
        {"-c:a pcm_s24le -f wav -fflags +bitexact -write_bext 1", 44100},
    };
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t size = 0;
        char *data = make(kinds[i].options, kinds[i].rate, &size);
        sounds_right(kinds[i].options, data, size);
        tb_free(data);
    }
}

/* ID3v2.4 with a body of `len` bytes, then `padding` zeros, then the file. Heap. */
static char *with_id3(const char *data, size_t *size, size_t len, size_t padding, bool footer)
{
    const size_t all = 10 + len + (footer ? 10 : 0) + padding + *size;
    char *out = tb_alloc(all), *p = out;
    const uint8_t head[10] = {'I',
                              'D',
                              '3',
                              4,
                              0,
                              footer ? 0x10 : 0,
                              (uint8_t)(len >> 21 & 0x7F),
                              (uint8_t)(len >> 14 & 0x7F),
                              (uint8_t)(len >> 7 & 0x7F),
                              (uint8_t)(len & 0x7F)};
    memcpy(p, head, 10);
    memset(p + 10, 'x', len);
    p += 10 + len;
    if (footer) {
        memcpy(p, head, 10);
        memcpy(p, "3DI", 3);
        p += 10;
    }
    memset(p, 0, padding);
    memcpy(p + padding, data, *size);
    *size = all;
    return out;
}

static char *with_ape(const char *data, size_t *size)
{
    enum { BODY = 300 };
    uint8_t head[32] = "APETAGEX\xD0\x07\0\0";
    char *out = tb_alloc(32 + BODY + *size);
    head[12] = BODY & 0xFF;
    head[13] = BODY >> 8;
    head[23] = 0xA0; /* has a head, and this is it */
    memcpy(out, head, 32);
    memset(out + 32, 'y', BODY);
    memcpy(out + 32 + BODY, data, *size);
    *size += 32 + BODY;
    return out;
}

static void tags_in_front_are_passed_over(void **state)
{
    static const char *const kinds[] = {
        "-c:a flac -f flac",      "-c:a aac -f adts",       "-c:a pcm_s16le -f wav",
        "-c:a adpcm_ms -f wav",   "-c:a libmp3lame -f mp3", "-c:a libopus -f ogg",
        "-c:a pcm_s16be -f aiff", "-c:a alac -f caf",       "-c:a aac -f ipod",
        "-c:a wavpack -f wv",     "-c:a tta -f tta",
    };
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t size = 0, one, two;
        char *data = make(kinds[i], 48000, &size);
        one = size;
        char *tagged = with_id3(data, &one, 70000, 0, false);
        sounds_right(kinds[i], tagged, one);
        two = one;
        char *again = with_id3(tagged, &two, 5, 33, true); /* two of them */
        sounds_right(kinds[i], again, two);
        one = size;
        char *ape = with_ape(data, &one);
        sounds_right(kinds[i], ape, one);
        tb_free(ape);
        tb_free(again);
        tb_free(tagged);
        tb_free(data);
    }
}

/* A tag that says it is longer than the file, or nothing behind it, is a sentence. */
static void a_tag_without_a_recording_is_a_sentence(void **state)
{
    char lie[200] = "ID3\4\0\0\x7F\x7F\x7F\x7F", empty[100] = "ID3\4\0\0\0\0\0\x5A";
    tb_pcm pcm = {0};
    tb_err err = {0};
    (void)state;
    assert_int_equal(tb_decode_audio(lie, sizeof lie, 10, NULL, &pcm, &err), TB_EINVAL);
    assert_true(err.msg[0]);
    assert_int_equal(tb_decode_audio(empty, sizeof empty, 10, NULL, &pcm, &err), TB_EINVAL);
    assert_true(err.msg[0]);
    /* Ten thousand empty tags, one after the other. */
    char *many = tb_alloc(100000);
    for (size_t i = 0; i < 100000; i += 10)
        memcpy(many + i, "ID3\4\0\0\0\0\0\0", 10);
    assert_int_equal(tb_decode_audio(many, 100000, 10, NULL, &pcm, &err), TB_EINVAL);
    tb_free(many);
}

/* The chunks of a wav file in another order, with others between them. Heap. */
static char *shuffled(const char *wav, size_t size, bool padded, size_t *out_size)
{
    tb_wav_chunks c;
    tb_str out;
    uint8_t head[8] = {0};
    assert_int_equal(tb_wav_find(wav, size, &c, NULL), TB_OK);
    tb_str_init(&out, 4 << 20);
    tb_str_add(&out, "RIFF\xFF\xFF\xFF\xFFWAVE", 12);
    tb_str_add(&out, "LIST\5\0\0\0INFOx", 13); /* of odd length */
    if (padded) tb_str_add(&out, "", 1);
    memcpy(head, "data", 4);
    for (int i = 0; i < 4; i++)
        head[4 + i] = (uint8_t)(c.sound_size >> (8 * i));
    tb_str_add(&out, head, 8);
    tb_str_add(&out, c.sound, c.sound_size);
    if (padded) tb_str_add(&out, "bext\4\0\0\0abcd", 12);
    memcpy(head, "fmt ", 4);
    for (int i = 0; i < 4; i++)
        head[4 + i] = (uint8_t)(c.format_size >> (8 * i));
    tb_str_add(&out, head, 8);
    tb_str_add(&out, c.format, c.format_size);
    tb_str_add(&out, "cue \4\0\0\0\0\0\0\0", 12);
    *out_size = out.len;
    return tb_str_take(&out);
}

static void chunks_may_stand_in_any_order(void **state)
{
    static const char *const kinds[] = {"-c:a pcm_s16le -f wav", "-c:a pcm_f32le -f wav",
                                        "-c:a adpcm_ima_wav -f wav", "-c:a adpcm_ms -f wav",
                                        "-c:a libmp3lame -f wav"};
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t size = 0, mixed_size = 0;
        char *data = make(kinds[i], 44100, &size);
        for (int padded = 0; padded < 2; padded++) {
            char *mixed = shuffled(data, size, padded, &mixed_size);
            sounds_right(kinds[i], mixed, mixed_size);
            tb_free(mixed);
        }
        tb_free(data);
    }
}

/* What stands behind the sound of an RF64 file is not taken for sound, although the size in the
 * data chunk says "see above". */
static void the_wide_size_of_rf64_is_believed(void **state)
{
    size_t size = 0;
    (void)state;
    char *data = make("-c:a pcm_s16le -rf64 always -f wav", 44100, &size);
    char *longer = tb_alloc(size + 44100);
    memcpy(longer, data, size);
    memset(longer + size, 0x55, 44100);
    sounds_right("RF64 with something behind it", longer, size + 44100);
    memcpy(longer, "BW64", 4);
    sounds_right("BW64", longer, size + 44100);
    tb_free(longer);
    tb_free(data);
}

/* Two seconds of AMR: a hundred frames of 12.2 kbit/s (31 bytes) or 23.85 (61), all zeros. */
static void recordings_of_phones_are_read(void **state)
{
    static const struct {
        const char *head;
        uint8_t mode;
        size_t frame;
        int rate;
    } kinds[] = {{"#!AMR\n", 0x3C, 32, 8000}, {"#!AMR-WB\n", 0x44, 61, 16000}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char file[9 + 100 * 61] = {0};
        size_t at = strlen(kinds[i].head);
        tb_pcm pcm = {0};
        tb_err err = {0};
        memcpy(file, kinds[i].head, at);
        for (int f = 0; f < 100; f++, at += kinds[i].frame)
            file[at] = (char)kinds[i].mode;
        if (tb_decode_audio(file, at, 10, NULL, &pcm, &err)) fail_msg("%zu: %s", i, err.msg);
        assert_int_equal(pcm.rate_hz, kinds[i].rate);
        assert_true(fabs(tb_pcm_seconds(&pcm) - 2) < 0.1);
        tb_pcm_clear(&pcm);
    }
}

static void a_code_that_is_not_read_is_named_with_the_way_out(void **state)
{
    size_t size = 0;
    tb_pcm pcm = {0};
    tb_err err = {0};
    (void)state;
    char *data = make("-c:a truehd -strict -2 -f matroska", 48000, &size);
    assert_int_equal(tb_decode_audio(data, size, 10, NULL, &pcm, &err), TB_EINVAL);
    assert_non_null(strstr(err.msg, "truehd"));
    assert_non_null(strstr(err.msg, "ffmpeg -i"));
    tb_free(data);
    assert_int_equal(tb_decode_audio("MThd\0\0\0\6 a song, no sound", 24, 10, NULL, &pcm, &err),
                     TB_EMEDIA);
    assert_non_null(strstr(err.msg, "ffmpeg -i"));
    assert_non_null(strstr(err.msg, "wma"));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_container_and_code_is_read),
        cmocka_unit_test(tags_in_front_are_passed_over),
        cmocka_unit_test(a_tag_without_a_recording_is_a_sentence),
        cmocka_unit_test(chunks_may_stand_in_any_order),
        cmocka_unit_test(the_wide_size_of_rf64_is_believed),
        cmocka_unit_test(recordings_of_phones_are_read),
        cmocka_unit_test(a_code_that_is_not_read_is_named_with_the_way_out),
    };
    /* The decoder's child is this program. */
    if (argc == 4 && strcmp(argv[1], "decode-child") == 0)
        return tb_decode_child_main(argv[2], argv[3]);
    unsetenv("TIMBRE_PROGRAM");
    return cmocka_run_group_tests(tests, NULL, remove_files);
}
