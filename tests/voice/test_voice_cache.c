/* The cache of voices in memory: how many are kept, which one goes, and that one in use stays. What
 * is kept is told by a cancelled request: a kept voice is handed out all the same, one that would
 * have to be measured again is not. */
#include "audio/wav.h"
#include "base/cancel.h"
#include "engine/engine.h"
#include "signals.h"
#include "store_help.h"
#include "voice/library.h"

enum { KEPT = 64, RECORDING = 3 * 24000 };

static tb_store *store;
static tb_engine *engine;
static tb_voices *voices;
static tb_pcm recording;

static int start(void **state)
{
    static const tb_engine_config config = {.engine = TB_ENGINE_EMBEDDED,
                                            .embedded = {.default_language = "en",
                                                         .default_base = "slt",
                                                         .espeak_program = "espeak-ng"}};
    if (store_folder_make(state)) return -1;
    store = store_open(*state, true);
    assert_ok(tb_engine_open(&config, &engine, err));
    voices = tb_voices_new(store, tb_engine_model_handle(engine));
    recording = (tb_pcm){.data = signal_speech(180, RECORDING), .len = RECORDING, .rate_hz = 24000};
    return 0;
}

static int stop(void **state)
{
    tb_pcm_clear(&recording);
    tb_voices_free(voices);
    tb_engine_close(engine);
    tb_store_close(store);
    return store_folder_remove(state);
}

/* Voice number i: the same recording but for its first sample. */
static tb_status ask(int i, const tb_cancel *cancel, const tb_voice **out, tb_err *err)
{
    uint8_t *wav = NULL;
    size_t size = 0;
    recording.data[0] = (float)i / 1024;
    assert_int_equal(tb_wav_print_exact(&recording, &wav, &size, NULL), TB_OK);
    tb_status st =
        tb_voices_from_wav(voices, TB_ENGINE_EMBEDDED, wav, size, "audio_prompt", cancel, out, err);
    tb_free(wav);
    return st;
}

static void use(int i)
{
    const tb_voice *v = NULL;
    assert_ok(ask(i, NULL, &v, err));
    tb_voices_release(voices, v);
}

static bool is_kept(int i)
{
    const tb_voice *v = NULL;
    tb_cancel cancel = {false};
    tb_cancel_set(&cancel);
    tb_status st = ask(i, &cancel, &v, NULL);
    if (st == TB_OK) tb_voices_release(voices, v);
    assert_true(st == TB_OK || st == TB_ECANCELLED);
    return st == TB_OK;
}

static void the_one_not_used_for_longest_goes_and_no_other(void **state)
{
    (void)state;
    const tb_voice *held = NULL;
    assert_false(is_kept(0));
    assert_ok(ask(0, NULL, &held, err)); /* in use all the time */
    for (int i = 1; i < KEPT; i++)
        use(i);
    for (int i = 0; i < KEPT; i++) /* which is a use of each, in this order */
        assert_true(is_kept(i));
    use(1);    /* so that 2 is the oldest one */
    use(KEPT); /* one too many */
    assert_true(is_kept(KEPT));
    assert_false(is_kept(2));
    for (int i = 0; i < KEPT; i++)
        if (i != 2) assert_true(is_kept(i));
    use(KEPT + 1); /* 0 is the oldest now, but 0 is in use */
    assert_true(is_kept(0));
    assert_false(is_kept(KEPT));
    assert_true(is_kept(KEPT + 1));
    tb_voices_release(voices, held);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_one_not_used_for_longest_goes_and_no_other),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
