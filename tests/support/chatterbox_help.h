#ifndef TB_TEST_CHATTERBOX_HELP_H
#define TB_TEST_CHATTERBOX_HELP_H

#include "audio/wav.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "chatterbox/chatterbox.h"
#include "engine/engine_priv.h"
#include "folder.h"
#include "model/convert.h"
#include "small_model.h"

#include <math.h>
#include <pthread.h>
#include <unistd.h>

/* The engine as a whole on the small seeded model, for the tests of it. */

/*
 * The engine as a whole on the small seeded model: it speaks noise, but the same noise for the same
 * seed, whoever else is speaking; it keeps its bounds, stops when told, and says what is wrong with
 * files that are.
 */

static char home[] = "/tmp/timbre-test-chatterbox-XXXXXX";

static char *folder, *endless;

static tb_chatterbox *chatter; /* one for most tests: f32, two threads */

static tb_t3_prefix *prefix; /* of its built-in voice */

static inline tb_chatterbox *opened(const char *path, tb_dtype type, size_t threads)
{
    tb_chatterbox *c = NULL;
    tb_err err = {0};
    tb_chatterbox_config config = {.place = {.path = path}, .type = type, .threads = threads};
    if (tb_chatterbox_open(&config, &c, &err)) fail_msg("%s: %s", path, err.msg);
    return c;
}

static inline tb_t3_prefix *prefix_of(const tb_chatterbox *c, const tb_conds *conds)
{
    tb_t3_prefix *p = NULL;
    tb_err err = {0};
    if (tb_chatterbox_prefix(c, conds, NULL, &p, &err)) fail_msg("%s", err.msg);
    return p;
}

static inline tb_chatterbox_options usual(const tb_chatterbox *c, tb_t3_prefix *p)
{
    return (tb_chatterbox_options){.conds = tb_chatterbox_default(c),
                                   .prefix = p,
                                   .sampler = tb_sampler_defaults,
                                   .speed = 1,
                                   .seed = 42};
}

static inline tb_pcm say(const tb_chatterbox *c, const tb_chatterbox_options *how, const char *text)
{
    tb_pcm pcm = {0};
    tb_chatterbox_report said;
    tb_err err = {0};
    if (tb_chatterbox_speak(c, how, text, NULL, &pcm, &said, &err))
        fail_msg("'%.60s': %s", text, err.msg);
    assert_int_equal(pcm.rate_hz, 24000);
    /* Two mel frames of 480 samples for each token, and the model's own silence behind them; a
     * START or STOP in between is no sound. */
    if (fabs(how->speed - 1) < 1e-9) assert_true(pcm.len <= (said.tokens + TB_T3_SILENCES) * 960);
    assert_true(pcm.len >= TB_T3_SILENCES * 960);
    for (size_t i = 0; i < pcm.len; i++)
        assert_true(fabsf(pcm.data[i]) <= 1);
    return pcm;
}

static inline bool same(const tb_pcm *a, const tb_pcm *b)
{
    return a->len == b->len && memcmp(a->data, b->data, a->len * sizeof *a->data) == 0;
}

/* ---- the same and not the same ---- */

static const char text[] = "Good morning, how are you today?";

/* ---- voices ---- */

static inline tb_pcm make_recording(void)
{
    char *data = NULL;
    size_t size = 0;
    tb_pcm clip = {0};
    assert_int_equal(tb_file_read(TB_TEST_DATA "/golden/cond_ref.wav", (size_t)8 << 20, &data,
                                  &size, NULL),
                     TB_OK);
    assert_int_equal(tb_wav_read(data, size, 60, &clip, NULL), TB_OK);
    tb_free(data);
    return clip;
}

/* What a voice leaves on the disk, through the engine that keeps it. */
static inline tb_engine *engine_of(const char *path)
{
    tb_engine *e = NULL;
    tb_err err = {0};
    tb_engine_config config = {
        .engine = TB_ENGINE_AUTO,
        .embedded = {.default_language = "en",
                     .default_base = "slt",
                     .espeak_program = "espeak-ng"},
        .model = {.path = path, .type = TB_MODEL_F16, .threads = 2},
    };
    if (tb_engine_open(&config, &e, &err)) fail_msg("%s", err.msg);
    return e;
}

/* ---- */

static inline int begin(void **state)
{
    (void)state;
    double never = -1e9;
    if (!mkdtemp(home)) return -1;
    folder = tb_path_join(home, "small");
    endless = tb_path_join(home, "endless");
    small_model(folder, "t3_turbo_v1", NULL);
    small_model(endless, "t3_turbo_v1", &never);
    chatter = opened(folder, TB_F32, 2);
    prefix = prefix_of(chatter, tb_chatterbox_default(chatter));
    return 0;
}

static inline int end(void **state)
{
    (void)state;
    tb_t3_prefix_free(prefix);
    tb_chatterbox_close(chatter);
    tb_chatterbox_close(NULL);
    tb_free(folder);
    tb_free(endless);
    return test_folder_remove(home);
}

#endif
