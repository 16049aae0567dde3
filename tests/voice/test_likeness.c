#include "base/mem.h"
#include "embedded/analysis_priv.h"
#include "embedded/base_speaker_priv.h"
#include "embedded/speak.h"
#include "voice/voice.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/*
 * Does what is spoken move toward the person? Recordings are made by espeak-ng variants whose pitch
 * and colour are far from the base's. Judged by the statistics (docs/embedded.md, "Voice
 * statistics") of the finished sound: pitch by its median, colour by the distance of the mean
 * voiced cepstra (without c0). The bound on pitch is 1.3 semitones, the mean error that
 * bench-embedded allows; colour must come at least a third of the way.
 */
static tb_embedded *engine;

static tb_voice_stats measure(const tb_pcm *pcm)
{
    tb_analysis vox = {0};
    tb_voice_stats stats;
    assert_int_equal(tb_analysis_run(pcm->data, pcm->len, NULL, &vox, NULL), TB_OK);
    assert_int_equal(tb_voice_stats_measure(vox.f0, vox.env, vox.frames, 6700, NULL, &stats, NULL),
                     TB_OK);
    tb_analysis_clear(&vox);
    return stats;
}

static tb_pcm say(const tb_voice_stats *reference)
{
    static char text[] = "We walked along the beach until the sun went down over the water.";
    tb_script_item item = {.kind = TB_ITEM_SPEECH, .text = text, .tag = TB_TAG_NONE};
    tb_embedded_voice voice = {.reference = reference, .temperature = 0.8, .speed = 1, .seed = 7};
    tb_pcm pcm = {0};
    assert_int_equal(tb_embedded_language(engine, "en", &voice.language, NULL), TB_OK);
    assert_int_equal(tb_embedded_say(engine, &voice, &item, NULL, &pcm, NULL), TB_OK);
    assert_true(pcm.len > 0);
    return pcm;
}

static double colour(const tb_voice_stats *a, const tb_voice_stats *b)
{
    double sum = 0;
    for (int i = 1; i < TB_CEPSTRUM_DIM; i++) {
        double d = (double)a->mean[TB_CLASS_VOICED][i] - (double)b->mean[TB_CLASS_VOICED][i];
        sum += d * d;
    }
    return sqrt(sum);
}

static double semitones(const tb_voice_stats *a, const tb_voice_stats *b)
{
    return fabs((double)a->f0_median - (double)b->f0_median) * 12 / log(2);
}

static void toward(const char *variant)
{
    static const tb_speech_programs programs = {.espeak_program = "espeak-ng"};
    tb_base_speaker base = {.cut_hz = 8200};
    tb_pcm recording = {0};
    tb_voice *voice = NULL;
    snprintf(base.voice, sizeof base.voice, "%s", variant);
    assert_int_equal(
        tb_base_speaker_say(&programs, &base,
                            "The old man told us a story about the war. My sister bought a "
                            "new car and sold the old one. Please put the clean glasses back.",
                            NULL, &recording, NULL),
        TB_OK);
    assert_int_equal(tb_voice_make(NULL, TB_ENGINE_EMBEDDED, "reference", "", &recording, "file",
                                   NULL, &voice, NULL),
                     TB_OK);
    tb_pcm plain = say(NULL), bent = say(&voice->embedded);
    tb_voice_stats p = measure(&plain), b = measure(&bent), r = measure(&recording);
    print_message("%s: pitch %.2f -> %.2f st off, colour %.2f -> %.2f\n", variant,
                  semitones(&p, &r), semitones(&b, &r), colour(&p, &r), colour(&b, &r));
    assert_true(semitones(&b, &r) < 1.3);
    assert_true(colour(&b, &r) < 0.67 * colour(&p, &r));
    tb_pcm_clear(&plain);
    tb_pcm_clear(&bent);
    tb_pcm_clear(&recording);
    tb_voice_free(voice);
}

static void a_low_voice_is_approached(void **state)
{
    (void)state;
    toward("en-us+m3");
}

static void a_high_voice_is_approached(void **state)
{
    (void)state;
    toward("en-us+f5");
}

static int open_engine(void **state)
{
    (void)state;
    tb_embedded_config config = {.default_language = "en", .default_base = "slt"};
    return tb_embedded_open(&config, &engine, NULL);
}

static int close_engine(void **state)
{
    (void)state;
    tb_embedded_close(engine);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_low_voice_is_approached),
        cmocka_unit_test(a_high_voice_is_approached),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
