/*
 * Bounds of chatterbox-turbo: odd and long texts, speed, runaway tokens, cancelling.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chatterbox_help.h"

/* The engine keeps its bounds, whatever the text, and stops when told. */

/* ---- bounds ---- */

static void odd_texts_are_spoken(void **state)
{
    static const char *const odd[] = {
        "",
        " ",
        ".",
        "a",
        "A",
        "7",
        "Hi",
        "[laugh]",
        "[sigh] [laugh]",
        "\n\n",
        "\xE4\xBD\xA0\xE5\xA5\xBD",
        "\xFF\xFE",
        "\xF0\x9F\x98\x80",
        "[",
        "]]]",
        "{}<>",
        "?!",
    };
    (void)state;
    tb_chatterbox_options how = usual(chatter, prefix);
    how.sampler.temperature = 0.5;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        tb_pcm pcm = say(chatter, &how, odd[i]);
        tb_pcm_clear(&pcm);
    }
}

static void a_sentence_too_long_for_the_model_is_refused(void **state)
{
    (void)state;
    tb_chatterbox_options how = usual(chatter, prefix);
    tb_pcm pcm = {0};
    tb_chatterbox_report said;
    tb_err err = {0};
    enum { WORDS = 3000 };
    char *many = tb_alloc(WORDS * 3 + 1);
    for (size_t i = 0; i < WORDS; i++)
        memcpy(many + 3 * i, "a, ", 4);
    assert_int_equal(tb_chatterbox_speak(chatter, &how, many, NULL, &pcm, &said, &err), TB_EINVAL);
    assert_string_equal(err.field, "text");
    assert_non_null(strstr(err.msg, "tokens"));
    assert_null(pcm.data);
    tb_free(many);
}

static void speed_changes_the_length_and_nothing_else(void **state)
{
    (void)state;
    tb_chatterbox_options how = usual(chatter, prefix);
    tb_pcm one = say(chatter, &how, text);
    static const double speeds[] = {0.25, 0.8, 2, 4};
    for (size_t i = 0; i < sizeof speeds / sizeof *speeds; i++) {
        tb_pcm other;
        tb_chatterbox_report said;
        how.speed = speeds[i];
        assert_int_equal(tb_chatterbox_speak(chatter, &how, text, NULL, &other, &said, NULL),
                         TB_OK);
        assert_int_equal(other.len, lround((double)one.len / speeds[i]));
        tb_pcm_clear(&other);
    }
    tb_pcm_clear(&one);
}

static void a_runaway_is_tried_again_and_cut(void **state)
{
    (void)state;
    tb_chatterbox *c = opened(endless, TB_F32, 2);
    assert_string_not_equal(tb_chatterbox_id(c), tb_chatterbox_id(chatter));
    tb_t3_prefix *p = prefix_of(c, tb_chatterbox_default(c));
    tb_chatterbox_options how = usual(c, p);
    static const char *const texts[] = {"Hi.", "[laugh]", "It goes on and on."};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        tb_pcm pcm = {0};
        tb_chatterbox_report said;
        size_t least, most;
        tb_chatterbox_bounds(texts[i], &least, &most);
        assert_true(least < most && most <= TB_T3_MAX_MORE);
        assert_int_equal(tb_chatterbox_speak(c, &how, texts[i], NULL, &pcm, &said, NULL), TB_OK);
        assert_true(said.retried && said.cut);
        assert_int_equal(said.tokens, 1 + most);
        assert_true(pcm.len <= (1 + most + TB_T3_SILENCES) * 960);
        assert_true(pcm.len > most * 900);
        tb_pcm_clear(&pcm);
    }
    /* Where no draw has a choice a second run would say the same. */
    const tb_sampler_params certain[] = {{0.8, 1, 0.95, 1.2}, {5, 1, 1, 1}, {0.8, 1000, 0, 1.2}};
    for (size_t i = 0; i < sizeof certain / sizeof *certain; i++) {
        tb_pcm pcm = {0};
        tb_chatterbox_report said;
        how.sampler = certain[i];
        assert_int_equal(tb_chatterbox_speak(c, &how, texts[0], NULL, &pcm, &said, NULL), TB_OK);
        assert_true(!said.retried && said.cut);
        tb_pcm_clear(&pcm);
    }
    tb_t3_prefix_free(p);
    tb_chatterbox_close(c);
}

static void bounds_grow_with_what_is_said(void **state)
{
    (void)state;
    size_t least[3], most[3];
    char *long_text = tb_alloc(100001);
    tb_chatterbox_bounds("", &least[0], &most[0]);
    tb_chatterbox_bounds(text, &least[1], &most[1]);
    tb_chatterbox_bounds("Good morning, how are you today? [laugh]", &least[2], &most[2]);
    assert_int_equal(least[0], 0);
    assert_true(most[0] > 0 && least[1] > 0 && most[1] > most[0]);
    assert_int_equal(least[1], least[2]);
    assert_true(most[2] > most[1]); /* a laugh takes its time */
    memset(long_text, 'a', 100000);
    tb_chatterbox_bounds(long_text, &least[0], &most[0]);
    assert_int_equal(most[0], TB_T3_MAX_MORE);
    memset(long_text, '[', 100000); /* a bracket that never closes, over and over */
    tb_chatterbox_bounds(long_text, &least[0], &most[0]);
    assert_int_equal(least[0], 0);
    tb_free(long_text);
}

/* ---- cancelling ---- */

struct endless_talk {
    tb_chatterbox *c;
    tb_chatterbox_options how;
    tb_cancel cancel;
    tb_status st;
    tb_pcm pcm;
    int64_t ended_ns;
};

static void *speak(void *arg)
{
    struct endless_talk *t = arg;
    tb_chatterbox_report said;
    char *long_text = tb_alloc(601);
    memset(long_text, 'e', 600); /* TB_T3_MAX_MORE tokens, twice */
    t->st = tb_chatterbox_speak(t->c, &t->how, long_text, &t->cancel, &t->pcm, &said, NULL);
    t->ended_ns = tb_clock_mono_ns();
    tb_free(long_text);
    return NULL;
}

static void a_cancelled_text_ends_within_a_step(void **state)
{
    (void)state;
    tb_conds conds = {0};
    tb_t3_prefix *none = NULL;
    tb_pcm clip = make_recording();
    tb_cancel set = {true};
    struct endless_talk t = {.c = opened(endless, TB_F32, 1)};
    tb_t3_prefix *p = prefix_of(t.c, tb_chatterbox_default(t.c));
    t.how = usual(t.c, p);

    /* Before it begins. */
    tb_cancel_set(&t.cancel);
    speak(&t);
    assert_int_equal(t.st, TB_ECANCELLED);
    assert_null(t.pcm.data);
    assert_int_equal(tb_chatterbox_prefix(chatter, tb_chatterbox_default(chatter), &set, &none,
                                          NULL),
                     TB_ECANCELLED);
    assert_int_equal(tb_chatterbox_condition(chatter, &clip, &set, &conds, NULL), TB_ECANCELLED);
    assert_null(none);

    /* At instants all over what takes seconds: tokens first, then flow and vocoder. A step lasts a
     * few milliseconds; the bound forgives a machine that is busy. */
    int64_t began = tb_clock_mono_ns();
    t.cancel = (tb_cancel){false};
    speak(&t);
    int64_t whole = tb_clock_mono_ns() - began;
    assert_int_equal(t.st, TB_OK);
    tb_pcm_clear(&t.pcm);
    int64_t worst = 0;
    for (int i = 0; i < 8; i++) {
        pthread_t thread;
        t.cancel = (tb_cancel){false};
        assert_int_equal(pthread_create(&thread, NULL, speak, &t), 0);
        tb_clock_sleep_ms((int)(whole / 1000000 * (2 * i + 1) / 20));
        int64_t at = tb_clock_mono_ns();
        tb_cancel_set(&t.cancel);
        pthread_join(thread, NULL);
        if (t.st == TB_OK) { /* it was faster than the first time */
            tb_pcm_clear(&t.pcm);
            continue;
        }
        assert_int_equal(t.st, TB_ECANCELLED);
        assert_null(t.pcm.data);
        if (t.ended_ns - at > worst) worst = t.ended_ns - at;
    }
    print_message("whole %lld ms; from the cancel to the end %lld ms at worst\n",
                  (long long)(whole / 1000000), (long long)(worst / 1000000));
    assert_true(worst < whole / 3);
    tb_t3_prefix_free(p);
    tb_chatterbox_close(t.c);
    tb_pcm_clear(&clip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_texts_are_spoken),
        cmocka_unit_test(a_sentence_too_long_for_the_model_is_refused),
        cmocka_unit_test(speed_changes_the_length_and_nothing_else),
        cmocka_unit_test(a_runaway_is_tried_again_and_cut),
        cmocka_unit_test(bounds_grow_with_what_is_said),
        cmocka_unit_test(a_cancelled_text_ends_within_a_step),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
