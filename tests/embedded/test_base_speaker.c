/*
 * Tests of the base speakers: which program speaks, reproducibility, folding of text, foreign
 * scripts, failures.
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "embedded/base_speaker_priv.h"
#include "embedded/foreign_script_priv.h"

#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/timbre-test-base-XXXXXX";
static char script[PATH_MAX];
static const tb_language english = {.code = "en-us", .name = "English", .voice = "gmw/en-US"};
static const tb_language spanish = {.code = "es", .name = "Spanish", .voice = "roa/es"};

/* The last of its letters is not one byte, so that a cut may fall into it. */
static const char text_of_three[] =
    "uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince "
    "diecisieteydieciochoydiecinueveyveinteyveinti\xC3\xBAnoyveintid\xC3\xB3syveintitr\xC3\xA9syas"
    "i";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int drop_folder(void **state)
{
    (void)state;
    unlink(script);
    return rmdir(folder);
}

/* A speech program that does what the body says. */
static tb_speech_programs program(const char *body)
{
    char text[600];
    snprintf(script, sizeof script, "%s/program", folder);
    snprintf(text, sizeof text, "#!/bin/sh\ncd %s || exit 9\n%s\n", folder, body);
    assert_int_equal(tb_file_write(script, text, strlen(text), 0700, NULL), TB_OK);
    return (tb_speech_programs){.espeak_program = script};
}

static tb_status say(const tb_speech_programs *programs, const tb_base_speaker *base,
                     const char *text, const tb_cancel *cancel, size_t *len, tb_err *err)
{
    tb_pcm out = {0};
    tb_status st = tb_base_speaker_say(programs, base, text, cancel, &out, err);
    *len = out.len;
    tb_pcm_clear(&out);
    return st;
}

static void english_goes_to_flite_and_the_rest_to_espeak(void **state)
{
    (void)state;
    tb_base_speaker high = tb_base_speaker_choose(&english, true),
                    low = tb_base_speaker_choose(&english, false);
    assert_string_equal(high.key, tb_flite_available() ? "slt" : "en-us+f2");
    assert_string_equal(low.key, tb_flite_available() ? "rms" : "en-us");
    high = tb_base_speaker_choose(&spanish, true);
    assert_false(high.flite);
    assert_string_equal(high.voice, "roa/es+f2");
    assert_string_equal(high.key, "en-us+f2"); /* statistics of English for every language */
}

/* espeak-ng 1.52 seeds its noise by the second, so the second time comes in another one. */
static void each_base_says_the_same_every_time(void **state)
{
    tb_speech_programs programs = {.espeak_program = "espeak-ng"};
    const tb_base_speaker bases[] = {tb_base_speaker_choose(&english, true),
                                     tb_base_speaker_choose(&english, false),
                                     tb_base_speaker_choose(&spanish, true),
                                     tb_base_speaker_espeak(&english, true)};
    enum { N = sizeof bases / sizeof bases[0] };
    tb_pcm first[N] = {0};
    (void)state;
    programs.deterministic = tb_espeak_has_deterministic(&programs);
    for (size_t i = 0; i < N; i++) {
        tb_pcm *a = &first[i];
        assert_int_equal(tb_base_speaker_say(&programs, &bases[i], "hello there", NULL, a, NULL),
                         TB_OK);
        assert_int_equal(a->rate_hz, TB_RATE_HZ);
        assert_in_range(a->len, 6000, 60000);
    }
    tb_clock_sleep_ms(1100);
    for (size_t i = 0; i < N; i++) {
        tb_pcm b = {0};
        assert_int_equal(tb_base_speaker_say(&programs, &bases[i], "hello there", NULL, &b, NULL),
                         TB_OK);
        assert_int_equal(first[i].len, b.len);
        assert_memory_equal(first[i].data, b.data, b.len * sizeof(float));
        tb_pcm_clear(&b);
        tb_pcm_clear(&first[i]);
    }
}

/* One program that knows the switch, one that refuses it as 1.51 does. */
static void the_switch_for_steady_noise_is_given_where_it_is_known(void **state)
{
    const tb_base_speaker base = tb_base_speaker_choose(&spanish, false);
    char path[300], *said = NULL;
    size_t size;
    (void)state;
    for (int known = 0; known < 2; known++) {
        tb_speech_programs p =
            program(known ? "[ $1 = --help ] && printf -- '-z\\n-D\\tsteady\\n'; echo \"$*\" > said"
                          : "[ $1 = --help ] && printf -- '-z\\n-Dx\\n' >&2; echo \"$*\" > said");
        p.deterministic = tb_espeak_has_deterministic(&p);
        assert_int_equal(p.deterministic, known);
        assert_int_equal(say(&p, &base, "hola", NULL, &size, NULL), TB_OK);
        snprintf(path, sizeof path, "%s/said", folder);
        assert_int_equal(tb_file_read(path, 1000, &said, &size, NULL), TB_OK);
        assert_true(!strstr(said, " -D ") == !known);
        tb_free(said);
        unlink(path);
    }
}

static void text_is_folded_to_what_flite_reads(void **state)
{
    bool speakable;
    (void)state;
    char *s = tb_flite_ascii("caf\xC3\xA9 \xE2\x80\x9Cno\xE2\x80\x9D\xE2\x80\xA6 \x01", &speakable);
    assert_string_equal(s, "cafe \"no\"...  ");
    assert_true(speakable);
    tb_free(s);
    tb_free(tb_flite_ascii("\xE6\x97\xA5\xE6\x9C\xAC, \xFF", &speakable));
    assert_false(speakable);
    s = tb_flite_ascii("Nguy\xE1\xBB\x85n re\xCC\x81sume\xCC\x81", &speakable);
    assert_string_equal(s, "Nguyen resume");
    tb_free(s);
}

static void words_of_other_scripts_have_a_voice_of_their_own(void **state)
{
    static const struct {
        const char *text, *language, *parts;
    } all[] = {
        {"Hello there.", "en-us", "-12"},
        {"The \xD9\x85\xD8\xB1 \xD8\xA8, there", "en-us", "-4 ar9 -5"},
        {"\xE5\x8C\x97 is", "es", "cmn4 -2"},
        {"\xE5\x8C\x97 is", "ja", "-6"},
        {"\xE5\x8C\x97 \xD7\xA9", "es", "cmn4 he2"},
        {"\xD9\x85", "fa", "-2"},
        {"...", "en-us", "-3"},
        {"\xD0\x9C\xD0\xBE", "en-us", "-4"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char got[100] = "";
        size_t len = strlen(all[i].text), o = 0;
        for (size_t at = 0; at < len;) {
            const char *voice;
            size_t n = tb_foreign_script_next(all[i].text + at, len - at, all[i].language, &voice);
            assert_true(n > 0);
            o += (size_t)snprintf(got + o, sizeof got - o, "%s%s%zu", at ? " " : "",
                                  voice ? voice : "-", n);
            at += n;
        }
        assert_string_equal(got, all[i].parts);
    }
}

static void a_sentence_with_letters_that_flite_lacks_is_for_espeak(void **state)
{
    (void)state;
    assert_true(
        tb_flite_can_read("Na\xC3\xAFve \xE2\x80\x94 na\xC3\xAFve, re\xCC\x81sume\xCC\x81."));
    assert_false(tb_flite_can_read("The sign said \xD0\x9C\xD0\xBE there."));
    assert_false(tb_flite_can_read("\xE6\x97\xA5\xE6\x9C\xAC"));
    assert_false(tb_flite_can_read("..."));
}

static void no_output_is_no_sound(void **state)
{
    const tb_base_speaker base = tb_base_speaker_choose(&spanish, false);
    size_t len = 1;
    (void)state;
    const tb_speech_programs p = program("cat > /dev/null");
    assert_int_equal(say(&p, &base, "hola", NULL, &len, NULL), TB_OK);
    assert_int_equal(len, 0);
}

static void a_failure_is_tried_once_more_and_then_told(void **state)
{
    static const char *const bodies[] = {"cat > said; exit 3", "cat > said; kill -SEGV $$",
                                         "cat > said; echo not a sound",
                                         "cat > said; printf RIFFxxxxWAVEfmt"};
    const tb_base_speaker base = tb_base_speaker_choose(&spanish, false);
    char path[PATH_MAX];
    (void)state;
    snprintf(path, sizeof path, "%s/said", folder);
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        tb_err err = {0};
        size_t len;
        const tb_speech_programs p = program(bodies[i]);
        assert_int_equal(say(&p, &base, "hola", NULL, &len, &err), TB_EINTERNAL);
        assert_non_null(strstr(err.msg, "the speech program failed on this sentence"));
        assert_int_equal(unlink(path), 0);
    }
    size_t len = 0;
    const tb_speech_programs p = program("if [ -e said ]; then rm said; exec espeak-ng \"$@\"; fi\n"
                                         "touch said; exit 1");
    assert_int_equal(say(&p, &base, "hola", NULL, &len, NULL), TB_OK);
    assert_true(len > 0);
}

/* One that dies of more than 60 bytes at once says a longer text in pieces, in their order; what it
 * cannot say even so is told. */
static void what_is_too_much_at_once_is_said_in_pieces(void **state)
{
    const tb_base_speaker base = tb_base_speaker_choose(&spanish, false);
    char path[PATH_MAX], *said = NULL;
    size_t len, size;
    tb_err err = {0};
    (void)state;
    snprintf(path, sizeof path, "%s/said", folder);
    const tb_speech_programs p =
        program("t=$(cat); [ ${#t} -gt 60 ] && exit 3; printf %s \"$t\" >> said\n"
                "printf %s \"$t\" | espeak-ng \"$@\"");
    assert_int_equal(say(&p, &base, text_of_three, NULL, &len, &err), TB_OK);
    assert_true(len > 0);
    assert_int_equal(tb_file_read(path, 1000, &said, &size, NULL), TB_OK);
    assert_string_equal(said, text_of_three);
    tb_free(said);
    unlink(path);
    const tb_speech_programs none = program("exit 3");
    assert_int_equal(say(&none, &base, text_of_three, NULL, &len, &err), TB_EINTERNAL);
    assert_int_equal(len, 0);
}

/* espeak-ng 1.51 writes beyond its stack here. 1.52 does not, and says all in 6 s; 1.51 in pieces
 * takes more. A tenth of a second for each is the least that three letters can take. */
static void abbreviations_one_after_the_other_are_said(void **state)
{
    const tb_speech_programs p = {.espeak_program = "espeak-ng"};
    const tb_base_speaker base = tb_base_speaker_choose(&spanish, false);
    char text[300] = "";
    size_t len = 0;
    enum { GROUPS = 36 };
    (void)state;
    for (int i = 0; i < GROUPS; i++)
        strcat(text, "a.b.c. ");
    assert_int_equal(say(&p, &base, text, NULL, &len, NULL), TB_OK);
    assert_true(len > GROUPS * TB_RATE_HZ / 10);
}

static void brackets_and_controls_never_reach_the_program(void **state)
{
    const tb_base_speaker base = tb_base_speaker_choose(&spanish, false);
    char path[PATH_MAX], *said;
    size_t len, size;
    (void)state;
    snprintf(path, sizeof path, "%s/said", folder);
    const tb_speech_programs p = program("cat > said");
    assert_int_equal(say(&p, &base,
                         "a [[b]] \x01"
                         "50S c",
                         NULL, &len, NULL),
                     TB_OK);
    assert_int_equal(tb_file_read(path, 1000, &said, &size, NULL), TB_OK);
    assert_string_equal(said, "a   b    50S c");
    tb_free(said);
    unlink(path);
}

static void a_missing_program_names_its_package(void **state)
{
    const tb_speech_programs p = {.espeak_program = "/nowhere/espeak-ng"};
    const tb_base_speaker base = tb_base_speaker_choose(&spanish, false);
    tb_err err = {0};
    size_t len;
    (void)state;
    assert_int_not_equal(say(&p, &base, "hola", NULL, &len, &err), TB_OK);
    assert_non_null(strstr(err.msg, "install espeak-ng"));
    assert_null(tb_espeak_list_voices(&p));
    assert_false(tb_espeak_has_deterministic(&p));
}

static void *cancel_soon(void *cancel)
{
    tb_clock_sleep_ms(100);
    tb_cancel_set(cancel);
    return NULL;
}

static void a_program_that_hangs_can_be_left(void **state)
{
    const tb_base_speaker base = tb_base_speaker_choose(&spanish, false);
    tb_cancel cancel = {0};
    pthread_t thread;
    size_t len;
    (void)state;
    /* Ten seconds is the program's own limit: cancelled is not timed out. */
    const tb_speech_programs p = program("sleep 60");
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
    assert_int_equal(say(&p, &base, "hola", &cancel, &len, NULL), TB_ECANCELLED);
    pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(english_goes_to_flite_and_the_rest_to_espeak),
        cmocka_unit_test(each_base_says_the_same_every_time),
        cmocka_unit_test(the_switch_for_steady_noise_is_given_where_it_is_known),
        cmocka_unit_test(text_is_folded_to_what_flite_reads),
        cmocka_unit_test(words_of_other_scripts_have_a_voice_of_their_own),
        cmocka_unit_test(a_sentence_with_letters_that_flite_lacks_is_for_espeak),
        cmocka_unit_test(no_output_is_no_sound),
        cmocka_unit_test(a_failure_is_tried_once_more_and_then_told),
        cmocka_unit_test(what_is_too_much_at_once_is_said_in_pieces),
        cmocka_unit_test(abbreviations_one_after_the_other_are_said),
        cmocka_unit_test(brackets_and_controls_never_reach_the_program),
        cmocka_unit_test(a_missing_program_names_its_package),
        cmocka_unit_test(a_program_that_hangs_can_be_left),
    };
    char self[PATH_MAX];
    if (argc == 3 && strcmp(argv[1], "speak-flite") == 0) return tb_flite_child_main(argv[2]);
    if (!realpath(argv[0], self)) return 1;
    setenv("TIMBRE_PROGRAM", self, 1);
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
