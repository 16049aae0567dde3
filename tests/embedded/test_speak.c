/*
 * The embedded engine as a whole: seeds, speed, tones, nonverbal sounds, odd and long texts,
 * languages, cancelling.
 */
#include "base/mem.h"
#include "embedded/analysis_priv.h"
#include "embedded/base_speaker_priv.h"
#include "embedded/level_priv.h"
#include "embedded/speak.h"

#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static tb_embedded *engine;
static tb_voice_stats person;
static char plain[] =
    "The children are playing football in the park today, and the old man told us "
    "a long story about the war.";

/* A reference: another of espeak-ng's speakers, so that nothing is recorded. */
static int start(void **state)
{
    const tb_embedded_config config = {.default_language = "en",
                                       .default_base = "slt",
                                       .espeak_program = "espeak-ng"};
    tb_speech_programs programs = {.espeak_program = "espeak-ng"};
    const tb_base_speaker other = {.key = "en-us+f2", .voice = "en-us+f5", .cut_hz = 8200};
    tb_pcm clip = {0};
    tb_analysis vox = {0};
    (void)state;
    programs.deterministic = tb_espeak_has_deterministic(&programs);
    if (tb_embedded_open(&config, &engine, NULL)) return -1;
    if (tb_base_speaker_say(&programs, &other, plain, NULL, &clip, NULL)) return -1;
    if (tb_analysis_run(clip.data, clip.len, NULL, &vox, NULL)) return -1;
    if (tb_voice_stats_measure(vox.f0, vox.env, vox.frames, 12000, NULL, &person, NULL)) return -1;
    tb_analysis_clear(&vox);
    tb_pcm_clear(&clip);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    tb_embedded_close(engine);
    return 0;
}

static tb_embedded_voice voice_of(const char *language, const tb_voice_stats *reference)
{
    tb_embedded_voice v = {.reference = reference, .temperature = 0.8, .speed = 1, .seed = 7};
    assert_int_equal(tb_embedded_language(engine, language, &v.language, NULL), TB_OK);
    return v;
}

static tb_pcm say(const tb_embedded_voice *v, const char *text, tb_tag tag)
{
    char *copy = tb_strdup(text);
    const tb_script_item item = {.kind = text ? TB_ITEM_SPEECH : TB_ITEM_SOUND,
                                 .text = copy,
                                 .tag = tag,
                                 .sentence = 3};
    tb_err err = {0};
    tb_pcm out = {0};
    tb_status st = tb_embedded_say(engine, v, &item, NULL, &out, &err);
    tb_free(copy);
    if (st) print_error("%s\n", err.msg);
    assert_int_equal(st, TB_OK);
    for (size_t i = 0; i < out.len; i++)
        assert_true(fabsf(out.data[i]) <= 0.8913F); /* also false for NaN */
    return out;
}

static void assert_same(const tb_pcm *a, const tb_pcm *b)
{
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->data, b->data, a->len * sizeof *a->data);
}

static void *say_in_thread(void *reference)
{
    tb_pcm *out = tb_alloc(sizeof *out);
    const tb_embedded_voice v = voice_of("en", reference);
    *out = say(&v, plain, TB_TAG_NONE);
    return out;
}

static void the_same_seed_gives_the_same_bytes_alone_and_beside_others(void **state)
{
    pthread_t threads[8];
    (void)state;
    tb_embedded_voice v = voice_of("en", &person);
    tb_pcm alone = say(&v, plain, TB_TAG_NONE);
    assert_true(alone.len > 24000);
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, say_in_thread, &person), 0);
    for (int i = 0; i < 8; i++) {
        void *out;
        pthread_join(threads[i], &out);
        assert_same(&alone, out);
        tb_pcm_clear(out);
        tb_free(out);
    }
    v.seed++;
    tb_pcm other = say(&v, plain, TB_TAG_NONE);
    assert_true(other.len != alone.len ||
                memcmp(other.data, alone.data, alone.len * sizeof(float)) != 0);
    tb_pcm_clear(&other);
    tb_pcm_clear(&alone);
}

static void speed_changes_the_length_and_nothing_else_does(void **state)
{
    static const double speeds[] = {0.25, 0.5, 2, 4};
    (void)state;
    tb_embedded_voice v = voice_of("en", NULL);
    tb_pcm one = say(&v, plain, TB_TAG_NONE);
    for (size_t i = 0; i < sizeof speeds / sizeof *speeds; i++) {
        v.speed = speeds[i];
        tb_pcm out = say(&v, plain, TB_TAG_NONE);
        assert_true(fabs((double)out.len * speeds[i] / (double)one.len - 1) < 0.01);
        tb_pcm_clear(&out);
    }
    tb_pcm_clear(&one);
}

static void every_tone_can_be_said_and_has_its_level(void **state)
{
    (void)state;
    const tb_embedded_voice v = voice_of("en", &person);
    for (int tag = TB_TAG_NONE; tag < TB_TAG_COUNT; tag++) {
        if (tag != TB_TAG_NONE && tb_tag_kind_of(tag) != TB_TAG_TONE) continue;
        if (tag != TB_TAG_NONE) assert_int_equal(tb_embedded_tag(tag), TB_TAG_AS_TONE);
        tb_pcm out = say(&v, plain, tag);
        assert_true(out.len > 24000);
        double db = 20 * log10(tb_level_active_rms(&out));
        double peak = 20 * log10((double)tb_pcm_peak(out.data, out.len));
        double least = tag == TB_TAG_WHISPERING ? -29.2 : -25.2;
        assert_true(db < -19.8 && (db > least || peak > -1.1));
        if (tag == TB_TAG_NONE) assert_true(fabs(db + 23) < 0.1 || peak > -1.1);
        tb_pcm_clear(&out);
    }
}

static void every_sound_is_made_or_is_nothing(void **state)
{
    (void)state;
    const tb_embedded_voice v = voice_of("en", &person);
    for (int tag = 0; tag < TB_TAG_COUNT; tag++) {
        if (tb_tag_kind_of(tag) != TB_TAG_SOUND) continue;
        tb_pcm out = say(&v, NULL, tag);
        if (tb_embedded_tag(tag) == TB_TAG_RENDERED) {
            assert_true(out.len > 24000 / 4);
            assert_true(tb_pcm_peak(out.data, out.len) > 0.005F);
            for (size_t i = 0; i < 1000; i++) /* silence on both sides */
                assert_true(out.data[i] == 0 && out.data[out.len - 1 - i] == 0);
        } else {
            assert_int_equal(tb_embedded_tag(tag), TB_TAG_UNSUPPORTED);
            assert_int_equal(out.len, 0);
        }
        tb_pcm_clear(&out);
    }
}

static void odd_texts_are_said_or_are_nothing(void **state)
{
    static char longest[301];
    const char *const texts[] = {"...",
                                 "?!",
                                 "[[h@'loU]] there",
                                 "I said \xE6\x97\xA5\xE6\x9C\xAC today",
                                 "\xE6\x97\xA5\xE6\x9C\xAC",
                                 "\xD0\xBF\xD1\x80\xD0\xB8",
                                 longest,
                                 "a"};
    static const bool sound[] = {false, false, true, true, true, true, true, true};
    (void)state;
    memset(longest, 0, sizeof longest);
    while (strlen(longest) + 12 < sizeof longest)
        strcat(longest, "seven words ");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const tb_embedded_voice v = voice_of("en", NULL);
        tb_pcm out = say(&v, texts[i], TB_TAG_NONE);
        if (sound[i]) assert_true(out.len > 0);
        tb_pcm_clear(&out);
    }
}

static void a_text_that_is_minutes_of_sound_is_said_in_parts(void **state)
{
    static char kanji[3 * 240 + 1];
    (void)state;
    for (size_t i = 0; i + 1 < sizeof kanji; i += 3)
        strcat(kanji, "\xE6\x97\xA5");
    tb_embedded_voice v = voice_of("en", NULL);
    v.speed = 4;
    tb_pcm out = say(&v, kanji, TB_TAG_NONE);
    assert_true(out.len > 10 * 24000);
    tb_pcm_clear(&out);
}

static void other_languages_speak(void **state)
{
    static const char *const codes[] = {"es", "zh", "ar", "ja", "hi"};
    static const char *const texts[] = {"Buenas tardes", "\xE4\xBD\xA0\xE5\xA5\xBD",
                                        "\xD9\x85\xD8\xB1\xD8\xAD\xD8\xA8\xD8\xA7",
                                        "\xE3\x81\x93\xE3\x82\x93\xE3\x81\xAB\xE3\x81\xA1",
                                        "\xE0\xA4\xA8\xE0\xA4\xAE"};
    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        const tb_embedded_voice v = voice_of(codes[i], NULL);
        tb_pcm out = say(&v, texts[i], TB_TAG_NONE);
        assert_true(out.len > 4800);
        tb_pcm_clear(&out);
    }
}

static void a_cancelled_piece_is_not_said(void **state)
{
    tb_cancel cancel = {0};
    const tb_script_item item = {.kind = TB_ITEM_SPEECH, .text = plain, .tag = TB_TAG_NONE};
    tb_pcm out = {0};
    (void)state;
    const tb_embedded_voice v = voice_of("es", &person);
    tb_cancel_set(&cancel);
    assert_int_equal(tb_embedded_say(engine, &v, &item, &cancel, &out, NULL), TB_ECANCELLED);
    tb_pcm_clear(&out);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_bytes_alone_and_beside_others),
        cmocka_unit_test(speed_changes_the_length_and_nothing_else_does),
        cmocka_unit_test(every_tone_can_be_said_and_has_its_level),
        cmocka_unit_test(every_sound_is_made_or_is_nothing),
        cmocka_unit_test(odd_texts_are_said_or_are_nothing),
        cmocka_unit_test(a_text_that_is_minutes_of_sound_is_said_in_parts),
        cmocka_unit_test(other_languages_speak),
        cmocka_unit_test(a_cancelled_piece_is_not_said),
    };
    char self[PATH_MAX];
    if (argc == 3 && strcmp(argv[1], "speak-flite") == 0) return tb_flite_child_main(argv[2]);
    if (!realpath(argv[0], self)) return 1;
    setenv("TIMBRE_PROGRAM", self, 1);
    return cmocka_run_group_tests(tests, start, stop);
}
