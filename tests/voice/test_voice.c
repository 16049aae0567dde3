/*
 * Tests of voices of the embedded engine: any rate, refusals, cancelling, keeping.
 */
#include "base/mem.h"
#include "signals.h"
#include "voice/voice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { N = 8 * 24000 };

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static int start(void **state)
{
    tb_pcm *recording = tb_alloc(sizeof *recording);
    *recording = (tb_pcm){.data = signal_speech(180, N), .len = N, .rate_hz = 24000};
    *state = recording;
    return 0;
}

static int stop(void **state)
{
    tb_pcm_clear(*state);
    tb_free(*state);
    return 0;
}

static tb_status make(const char *id, const tb_pcm *recording, const char *field,
                      const tb_cancel *cancel, tb_voice **out, tb_err *err)
{
    return tb_voice_make(NULL, TB_ENGINE_EMBEDDED, id, HASH, recording, field, cancel, out, err);
}

static tb_status unpack(const char *id, const char *hash, const void *data, size_t size,
                        tb_voice **out)
{
    const tb_voice_part parts[TB_VOICE_PARTS] = {{data, size}};
    bool again = true;
    tb_status st =
        tb_voice_unpack(NULL, TB_ENGINE_EMBEDDED, id, hash, parts, NULL, out, &again, NULL);
    assert_false(again);
    return st;
}

static tb_voice *from(const tb_pcm *recording)
{
    tb_voice *v = NULL;
    tb_err err = {0};
    tb_status st = make("Ana", recording, "file", NULL, &v, &err);
    if (st) print_error("%s\n", err.msg);
    assert_int_equal(st, TB_OK);
    return v;
}

static void the_built_in_voice_has_no_map(void **state)
{
    (void)state;
    tb_voice *v = tb_voice_default();
    assert_string_equal(v->id, "default");
    assert_string_equal(v->hash, "");
    assert_false(v->has_embedded);
    void *data = NULL;
    size_t size = 0;
    assert_int_equal(tb_voice_pack(TB_ENGINE_EMBEDDED, v, 0, &data, &size, NULL), TB_EINVAL);
    tb_voice_free(v);
    tb_voice_free(NULL);
}

static void a_recording_becomes_a_voice_at_any_rate(void **state)
{
    const tb_pcm *recording = *state;
    tb_voice *v = from(recording), *w;
    tb_pcm fast = {0};
    assert_string_equal(v->id, "Ana");
    assert_string_equal(v->hash, HASH);
    assert_true(v->has_embedded);
    assert_close(v->seconds, 8, 0.01);
    assert_close(exp((double)v->embedded.f0_median), 180, 10);
    assert_int_equal(tb_resample(recording, 48000, &fast, NULL), TB_OK);
    w = from(&fast);
    assert_close(exp((double)w->embedded.f0_median), 180, 10);
    tb_pcm_clear(&fast);
    tb_voice_free(v);
    tb_voice_free(w);
}

static void a_short_or_silent_recording_is_refused_by_its_field(void **state)
{
    tb_pcm recording = *(const tb_pcm *)*state;
    tb_voice *v = NULL;
    tb_err err = {0};
    recording.len = 24000;
    assert_int_equal(make("a", &recording, "audio_prompt", NULL, &v, &err), TB_EINVAL);
    assert_string_equal(err.field, "audio_prompt");
    assert_true(strlen(err.msg) > 20);
    recording.len = 0;
    assert_int_equal(make("a", &recording, "file", NULL, &v, &err), TB_EINVAL);
    assert_string_equal(err.field, "file");
    assert_null(v);
}

static void a_cancelled_measurement_makes_no_voice(void **state)
{
    tb_cancel cancel = {false};
    tb_voice *v = NULL;
    tb_cancel_set(&cancel);
    assert_int_equal(make("a", *state, "file", &cancel, &v, NULL), TB_ECANCELLED);
    assert_null(v);
}

static void a_kept_voice_is_the_same_voice(void **state)
{
    tb_pcm recording = *(const tb_pcm *)*state;
    recording.len = 5 * 24000; /* short enough for a warning to be kept too */
    tb_voice *v = from(&recording), *w = NULL;
    void *data = NULL;
    size_t size = 0;
    assert_true(v->n_warnings > 0);
    assert_int_equal(tb_voice_pack(TB_ENGINE_EMBEDDED, v, 0, &data, &size, NULL), TB_OK);
    assert_int_equal(unpack("Eva", v->hash, data, size, &w), TB_OK);
    assert_string_equal(w->id, "Eva");
    assert_string_equal(w->hash, v->hash);
    assert_close(w->seconds, v->seconds, 1e-5);
    assert_true(w->has_embedded);
    assert_memory_equal(&w->embedded, &v->embedded, sizeof v->embedded);
    assert_int_equal(w->n_warnings, v->n_warnings);
    for (size_t i = 0; i < v->n_warnings; i++)
        assert_string_equal(w->warnings[i], v->warnings[i]);
    tb_voice_free(v);
    tb_voice_free(w);
    tb_free(data);
}

static void bytes_of_another_recording_or_cut_or_damaged_are_not_found(void **state)
{
    tb_voice *v = from(*state), *w = NULL;
    void *data = NULL;
    size_t size = 0;
    char other[65];
    memset(other, 'a', 64);
    other[64] = 0;
    assert_int_equal(tb_voice_pack(TB_ENGINE_EMBEDDED, v, 0, &data, &size, NULL), TB_OK);
    assert_int_equal(unpack("a", other, data, size, &w), TB_ENOTFOUND);
    for (size_t cut = 0; cut < size; cut += cut < 300 ? 1 : 97) {
        char *copy = tb_alloc(cut + 1); /* heap of that size: a step too far is seen */
        memcpy(copy, data, cut);
        char *exact = tb_try_realloc(copy, cut ? cut : 1, 1);
        assert_int_equal(unpack("a", v->hash, exact, cut, &w), TB_ENOTFOUND);
        tb_free(exact);
    }
    for (size_t at = size - 4096; at < size; at += 211) {
        ((char *)data)[at] ^= 0x41;
        assert_int_equal(unpack("a", v->hash, data, size, &w), TB_ENOTFOUND);
        ((char *)data)[at] ^= 0x41;
    }
    assert_null(w);
    tb_voice_free(v);
    tb_free(data);
}

/* No measurement has so many: it is not one of ours, and is made again. */
static void a_kept_voice_with_too_many_warnings_is_not_found(void **state)
{
    static const char more[] = "a\nb\nc\nd\ne\nf\ng\nh\n";
    enum { HEAD = 8, MORE = sizeof more - 1 };
    tb_voice *v = from(*state), *w = NULL;
    void *data = NULL;
    size_t size = 0;
    assert_int_equal(tb_voice_pack(TB_ENGINE_EMBEDDED, v, 0, &data, &size, NULL), TB_OK);
    char *copy = tb_alloc(size + MORE), *at = (char *)data + HEAD;
    for (int line = 0; line < 2; line++) /* hash and seconds */
        at = strchr(at, '\n') + 1;
    const size_t head = (size_t)(at - (char *)data);
    memcpy(copy, data, head);
    memcpy(copy + head, more, MORE);
    memcpy(copy + head + MORE, at, size - head);
    assert_int_equal(unpack("a", v->hash, copy, size + MORE, &w), TB_ENOTFOUND);
    assert_null(w);
    tb_voice_free(v);
    tb_free(copy);
    tb_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_built_in_voice_has_no_map),
        cmocka_unit_test(a_recording_becomes_a_voice_at_any_rate),
        cmocka_unit_test(a_short_or_silent_recording_is_refused_by_its_field),
        cmocka_unit_test(a_cancelled_measurement_makes_no_voice),
        cmocka_unit_test(a_kept_voice_is_the_same_voice),
        cmocka_unit_test(a_kept_voice_with_too_many_warnings_is_not_found),
        cmocka_unit_test(bytes_of_another_recording_or_cut_or_damaged_are_not_found),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
