/*
 * Tests of the encoders: format, rate and length by ffprobe, round trips, headers, streams,
 * failures of the sink.
 */
#include "codec/encode.h"

#include "media.h"

#include "audio/wav.h"
#include "base/str.h"
#include "codec/decode.h"
#include "params/params.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
/* after the four above, as it asks */
#include <cmocka.h>

struct bytes {
    uint8_t *data;
    size_t size, cap, writes;
    bool full;
};

static tb_status add(void *self, const void *data, size_t size, tb_err *err)
{
    struct bytes *b = self;
    if (b->full) return tb_fail(err, TB_ENOSPACE, "no room left");
    if (b->size + size > b->cap) {
        b->cap = 2 * (b->size + size);
        b->data = tb_try_realloc(b->data, b->cap, 1);
    }
    memcpy(b->data + b->size, data, size);
    b->size += size;
    b->writes++;
    return TB_OK;
}

static tb_status over(void *self, uint64_t offset, const void *data, size_t size, tb_err *err)
{
    struct bytes *b = self;
    if (offset + size > b->size) return tb_fail(err, TB_EINTERNAL, "beyond the end");
    memcpy(b->data + offset, data, size);
    return TB_OK;
}

/* seconds of 440 Hz at 1/4, whose loudness goes up and down as a voice's does */
static void encode(tb_format format, int rate_hz, bool stream, double seconds, struct bytes *b)
{
    tb_encoder_sink sink = {add, stream ? NULL : over, b};
    tb_encoder *e = NULL;
    tb_err err = {0};
    float x[1000];
    size_t len = (size_t)(seconds * 24000);
    if (tb_encoder_new(format, rate_hz, &sink, &e, &err)) fail_msg("%s", err.msg);
    for (size_t at = 0; at < len; at += 1000) {
        for (size_t i = 0; i < 1000; i++) {
            float t = (float)(at + i) / 24000.0F;
            x[i] = 0.25F * sinf(6.2831853F * 440 * t) * (0.6F + 0.4F * sinf(6.2831853F * 4 * t));
        }
        size_t n = len - at < 1000 ? len - at : 1000;
        if (tb_encoder_write(e, x, n, &err)) fail_msg("%s", err.msg);
    }
    if (tb_encoder_end(e, &err)) fail_msg("%s", err.msg);
    tb_encoder_free(e);
}

/* One value of ffprobe's, "" when it has none. */
static void probe(const char *path, const char *entry, char out[64])
{
    char line[300];
    snprintf(line, sizeof line, "ffprobe -v error -show_entries %s -of csv=p=0 '%s' </dev/null",
             entry, path);
    char *text = media_run(line, NULL, 0, NULL);
    assert_non_null(text);
    snprintf(out, 64, "%s", tb_str_strip(text));
    tb_free(text);
}

static const struct {
    const char *container, *codec, *magic;
    size_t magic_size;
    int rate_hz; /* at 24 kHz */
} expected[TB_FORMAT_PCM] = {
    [TB_FORMAT_WAV] = {"wav", "pcm_s16le", "RIFF", 4, 24000},
    [TB_FORMAT_MP3] = {"mp3", "mp3", "\xFF", 1, 24000},
    [TB_FORMAT_OPUS] = {"ogg", "opus", "OggS", 4, 48000},
    [TB_FORMAT_OGG] = {"ogg", "opus", "OggS", 4, 48000},
    [TB_FORMAT_AAC] = {"aac", "aac", "\xFF\xF1", 2, 24000},
    [TB_FORMAT_FLAC] = {"flac", "flac", "fLaC", 4, 24000},
};

static void ffprobe_finds_format_codec_rate_and_length(void **state)
{
    (void)state;
    for (int f = 0; f < TB_FORMAT_PCM; f++) {
        struct bytes b = {0};
        char got[64];
        const char *path = media_path("out");
        encode((tb_format)f, 24000, false, 2, &b);
        assert_memory_equal(b.data, expected[f].magic, expected[f].magic_size);
        assert_int_equal(tb_file_write(path, b.data, b.size, 0600, NULL), TB_OK);
        probe(path, "format=format_name", got);
        assert_string_equal(got, expected[f].container);
        probe(path, "stream=codec_name", got);
        assert_string_equal(got, expected[f].codec);
        probe(path, "stream=sample_rate", got);
        assert_int_equal(atoi(got), expected[f].rate_hz);
        probe(path, "format=duration", got);
        /* ADTS has no length anywhere: ffprobe guesses it from the bit rate, the next test counts
         * its samples. MP3's counts its codec's padding, which players cut off: three frames. */
        double slack = f == TB_FORMAT_AAC ? 9 : f == TB_FORMAT_MP3 ? 0.075 : 0.06;
        if (fabs(atof(got) - 2) > slack)
            fail_msg("%s lasts %s s instead of 2", tb_format_name((tb_format)f), got);
        tb_free(b.data);
    }
}

static void what_comes_back_is_what_went_in(void **state)
{
    (void)state;
    for (int f = 0; f < TB_FORMAT_PCM; f++) {
        for (int stream = 0; stream < 2; stream++) {
            struct bytes b = {0};
            tb_pcm pcm = {0};
            tb_err err = {0};
            double power = 0;
            encode((tb_format)f, 24000, stream, 2, &b);
            if (tb_decode_audio(b.data, b.size, 10, NULL, &pcm, &err)) fail_msg("%s", err.msg);
            for (size_t i = 0; i < pcm.len; i++)
                power += (double)pcm.data[i] * (double)pcm.data[i];
            /* AAC and streamed MP3 carry their codecs' own padding, up to three frames. */
            if (fabs(tb_pcm_seconds(&pcm) - 2) > 0.15)
                fail_msg("%s: %g s", tb_format_name((tb_format)f), tb_pcm_seconds(&pcm));
            /* 0.25^2 / 2 * (0.6^2 + 0.4^2 / 2) * 2 s; LAME takes 5 % off for headroom. */
            double want = f == TB_FORMAT_MP3 ? 0.0275 * 0.95 * 0.95 : 0.0275;
            power /= pcm.rate_hz;
            if (fabs(power - want) > 0.0015)
                fail_msg("%s: power %g", tb_format_name((tb_format)f), power);
            tb_pcm_clear(&pcm);
            tb_free(b.data);
        }
    }
}

static void wav_sizes_are_exact_unless_it_streams(void **state)
{
    struct bytes b = {0}, s = {0};
    uint8_t want[TB_WAV_HEADER];
    (void)state;
    encode(TB_FORMAT_WAV, 24000, false, 1, &b);
    tb_wav_header(want, 24000, 24000);
    assert_int_equal(b.size, TB_WAV_HEADER + 48000);
    assert_memory_equal(b.data, want, TB_WAV_HEADER);
    encode(TB_FORMAT_WAV, 24000, true, 1, &s);
    tb_wav_header(want, UINT32_MAX, 24000);
    assert_memory_equal(s.data, want, TB_WAV_HEADER);
    tb_free(b.data);
    tb_free(s.data);
}

static void other_rates_keep_the_length(void **state)
{
    static const int rates[] = {8000, 16000, 22050, 44100, 48000};
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        struct bytes b = {0};
        encode(TB_FORMAT_PCM, rates[i], true, 1, &b);
        if (abs((int)b.size - 2 * rates[i]) > 8) fail_msg("%zu bytes at %d", b.size, rates[i]);
        tb_free(b.data);
    }
}

static void it_streams_while_it_is_made(void **state)
{
    (void)state;
    for (int f = 0; f < TB_FORMAT_COUNT; f++) {
        struct bytes b = {0};
        tb_encoder_sink sink = {add, NULL, &b};
        tb_encoder *e = NULL;
        static const float x[24000];
        assert_int_equal(tb_encoder_new((tb_format)f, 24000, &sink, &e, NULL), TB_OK);
        size_t before = b.writes;
        assert_int_equal(tb_encoder_write(e, x, 24000, NULL), TB_OK);
        if (b.writes == before) fail_msg("%s holds a second back", tb_format_name((tb_format)f));
        tb_encoder_free(e);
        tb_free(b.data);
    }
}

static void nothing_at_all_is_still_a_file(void **state)
{
    (void)state;
    for (int f = 0; f < TB_FORMAT_COUNT; f++) {
        struct bytes b = {0}, s = {0};
        encode((tb_format)f, 24000, false, 0, &b);
        encode((tb_format)f, 24000, true, 0, &s);
        tb_free(b.data);
        tb_free(s.data);
    }
}

/* Else an update of the system's libraries would change the bytes of the same sound. */
static void no_version_of_a_library_is_in_the_bytes(void **state)
{
    (void)state;
    for (int f = 0; f < TB_FORMAT_COUNT; f++) {
        struct bytes b = {0};
        encode((tb_format)f, 24000, false, 1, &b);
        for (size_t i = 0; i + 5 <= b.size; i++)
            if ((memcmp(b.data + i, "Lavc", 4) == 0 || memcmp(b.data + i, "Lavf", 4) == 0) &&
                b.data[i + 4] >= '0' && b.data[i + 4] <= '9')
                fail_msg("%s holds %.16s", tb_format_name((tb_format)f), (char *)b.data + i);
        tb_free(b.data);
    }
}

static void the_sinks_own_failure_comes_out(void **state)
{
    (void)state;
    for (int f = 0; f < TB_FORMAT_COUNT; f++) {
        struct bytes b = {0};
        tb_encoder_sink sink = {add, NULL, &b};
        tb_encoder *e = NULL;
        tb_err err = {0};
        static const float x[24000];
        assert_int_equal(tb_encoder_new((tb_format)f, 24000, &sink, &e, NULL), TB_OK);
        b.full = true;
        assert_int_equal(tb_encoder_write(e, x, 24000, &err), TB_ENOSPACE);
        assert_string_equal(err.msg, "no room left");
        tb_encoder_free(e);
        tb_free(b.data);
    }
}

static void a_wrong_name_or_rate_is_refused_with_what_is_allowed(void **state)
{
    tb_format f;
    tb_err err = {0};
    tb_encoder *e = NULL;
    tb_encoder_sink sink = {add, NULL, NULL};
    (void)state;
    assert_int_equal(tb_format_parse("MP3", &f, NULL), TB_OK);
    assert_int_equal(f, TB_FORMAT_MP3);
    assert_int_equal(tb_format_parse("wma", &f, &err), TB_EINVAL);
    assert_non_null(strstr(err.msg, "flac"));
    assert_int_equal(tb_encoder_new(TB_FORMAT_PCM, 7999, &sink, &e, &err), TB_EINVAL);
    assert_int_equal(tb_encoder_new(TB_FORMAT_PCM, 48001, &sink, &e, &err), TB_EINVAL);
}

static int clean(void **state)
{
    (void)state;
    media_remove();
    return 0;
}

/* The frame that says how long it is, which players seek by: "Xing", or "Info" of even bit rates.
 */
static void an_mp3_says_its_length_where_it_can_be_gone_back_to(void **state)
{
    (void)state;
    for (int stream = 0; stream < 2; stream++) {
        struct bytes b = {0};
        bool found = false;
        encode(TB_FORMAT_MP3, 24000, stream, 2, &b);
        for (size_t i = 0; i + 4 < 200; i++)
            found |= memcmp(b.data + i, "Xing", 4) == 0 || memcmp(b.data + i, "Info", 4) == 0;
        assert_int_equal(found, !stream);
        tb_free(b.data);
    }
}

/* This room cannot see the table of fields; its range is the same. */
static void the_rates_are_those_of_the_table_of_fields(void **state)
{
    (void)state;
    const tb_param *p = &tb_params[TB_PARAM_SAMPLE_RATE];
    const int tried[] = {(int)p->least - 1, (int)p->least, (int)p->most, (int)p->most + 1};
    for (size_t i = 0; i < 4; i++) {
        struct bytes b = {0};
        tb_encoder_sink sink = {add, over, &b};
        tb_encoder *e = NULL;
        tb_err err = {0};
        const bool fits = i == 1 || i == 2;
        assert_int_equal(tb_encoder_new(TB_FORMAT_WAV, tried[i], &sink, &e, &err),
                         fits ? TB_OK : TB_EINVAL);
        tb_encoder_free(e);
        tb_free(b.data);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rates_are_those_of_the_table_of_fields),
        cmocka_unit_test(an_mp3_says_its_length_where_it_can_be_gone_back_to),
        cmocka_unit_test(ffprobe_finds_format_codec_rate_and_length),
        cmocka_unit_test(what_comes_back_is_what_went_in),
        cmocka_unit_test(wav_sizes_are_exact_unless_it_streams),
        cmocka_unit_test(other_rates_keep_the_length),
        cmocka_unit_test(it_streams_while_it_is_made),
        cmocka_unit_test(nothing_at_all_is_still_a_file),
        cmocka_unit_test(no_version_of_a_library_is_in_the_bytes),
        cmocka_unit_test(the_sinks_own_failure_comes_out),
        cmocka_unit_test(a_wrong_name_or_rate_is_refused_with_what_is_allowed),
    };
    /* The decoder's child is this program. */
    if (argc == 4 && strcmp(argv[1], "decode-child") == 0)
        return tb_decode_child_main(argv[2], argv[3]);
    unsetenv("TIMBRE_PROGRAM");
    return cmocka_run_group_tests(tests, NULL, clean);
}
