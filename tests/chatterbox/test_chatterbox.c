#include "chatterbox/chatterbox.h"

#include "audio/wav.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "engine/engine_priv.h"
#include "folder.h"
#include "model/convert.h"
#include "small_model.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * The engine as a whole on the small seeded model: it speaks noise, but the same noise for the same
 * seed, whoever else is speaking; it keeps its bounds, stops when told, and says what is wrong with
 * files that are.
 */

static char home[] = "/tmp/timbre-test-chatterbox-XXXXXX";
static char *folder, *endless;
static tb_chatterbox *chatter; /* one for most tests: f32, two threads */
static tb_t3_prefix *prefix;   /* of its built-in voice */

static tb_chatterbox *opened(const char *path, tb_dtype type, size_t threads)
{
    tb_chatterbox *c = NULL;
    tb_err err = {0};
    tb_chatterbox_config config = {.place = {.path = path}, .type = type, .threads = threads};
    if (tb_chatterbox_open(&config, &c, &err)) fail_msg("%s: %s", path, err.msg);
    return c;
}

static tb_t3_prefix *prefix_of(const tb_chatterbox *c, const tb_conds *conds)
{
    tb_t3_prefix *p = NULL;
    tb_err err = {0};
    if (tb_chatterbox_prefix(c, conds, NULL, &p, &err)) fail_msg("%s", err.msg);
    return p;
}

static tb_chatterbox_options usual(const tb_chatterbox *c, tb_t3_prefix *p)
{
    return (tb_chatterbox_options){.conds = tb_chatterbox_default(c),
                                   .prefix = p,
                                   .sampler = tb_sampler_defaults,
                                   .speed = 1,
                                   .seed = 42};
}

static tb_pcm say(const tb_chatterbox *c, const tb_chatterbox_options *how, const char *text)
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

static bool same(const tb_pcm *a, const tb_pcm *b)
{
    return a->len == b->len && memcmp(a->data, b->data, a->len * sizeof *a->data) == 0;
}

/* ---- the same and not the same ---- */

static const char text[] = "Good morning, how are you today?";

static void a_seed_gives_the_same_samples_and_another_others(void **state)
{
    (void)state;
    tb_chatterbox_options how = usual(chatter, prefix);
    tb_pcm first = say(chatter, &how, text), again = say(chatter, &how, text);
    assert_true(same(&first, &again));
    tb_pcm_clear(&again);
    how.seed++;
    again = say(chatter, &how, text);
    assert_false(same(&first, &again));
    tb_pcm_clear(&again);
    how.seed--;
    how.segment++;
    again = say(chatter, &how, text);
    assert_false(same(&first, &again));
    tb_pcm_clear(&again);
    how.segment--;
    how.sampler.temperature = 1.5;
    again = say(chatter, &how, text);
    assert_false(same(&first, &again));
    tb_pcm_clear(&again);
    tb_pcm_clear(&first);
}

struct voice_of_one {
    const tb_chatterbox_options *how;
    tb_pcm pcm;
};

static void *say_alone(void *arg)
{
    struct voice_of_one *v = arg;
    tb_chatterbox_report said;
    if (tb_chatterbox_speak(chatter, v->how, text, NULL, &v->pcm, &said, NULL)) v->pcm.len = 0;
    return NULL;
}

static void eight_at_once_say_what_one_says(void **state)
{
    enum { MANY = 8 };
    (void)state;
    pthread_t threads[MANY];
    struct voice_of_one v[MANY] = {{0}};
    tb_chatterbox_options how[2] = {usual(chatter, prefix), usual(chatter, prefix)};
    how[1].seed = 43;
    for (size_t i = 0; i < MANY; i++) {
        v[i].how = &how[i % 2];
        assert_int_equal(pthread_create(&threads[i], NULL, say_alone, &v[i]), 0);
    }
    for (size_t i = 0; i < MANY; i++)
        pthread_join(threads[i], NULL);
    for (size_t k = 0; k < 2; k++) {
        tb_pcm alone = say(chatter, &how[k], text);
        for (size_t i = k; i < MANY; i += 2)
            assert_true(same(&alone, &v[i].pcm));
        tb_pcm_clear(&alone);
    }
    for (size_t i = 0; i < MANY; i++)
        tb_pcm_clear(&v[i].pcm);
}

static void the_number_of_threads_is_not_heard(void **state)
{
    (void)state;
    tb_chatterbox_options how = usual(chatter, prefix);
    tb_pcm two = say(chatter, &how, text);
    static const size_t threads[] = {1, 4};
    for (size_t i = 0; i < 2; i++) {
        tb_chatterbox *c = opened(folder, TB_F32, threads[i]);
        assert_string_equal(tb_chatterbox_id(c), tb_chatterbox_id(chatter));
        tb_t3_prefix *p = prefix_of(c, tb_chatterbox_default(c));
        how = usual(c, p);
        tb_pcm other = say(c, &how, text);
        assert_true(same(&two, &other));
        tb_pcm_clear(&other);
        tb_t3_prefix_free(p);
        tb_chatterbox_close(c);
    }
    tb_pcm_clear(&two);
}

/* Each type from the folder and from one file made of it: the same model, the same sound. */
static void a_folder_and_the_one_file_made_of_it_sound_alike(void **state)
{
    static const tb_dtype types[] = {TB_F32, TB_F16, TB_BF16, TB_Q8_0, TB_Q4_0};
    enum { N = sizeof types / sizeof *types };
    (void)state;
    tb_pcm all[N] = {{0}};
    for (size_t i = 0; i < N; i++) {
        tb_err err = {0};
        char *file = tb_sprintf("%s/small-%s.gguf", home, tb_dtype_name(types[i]));
        if (tb_model_convert(&(tb_model_place){.path = folder}, &(tb_convert){.type = types[i]},
                             file, &err))
            fail_msg("%s", err.msg);
        for (size_t k = 0; k < 2; k++) {
            tb_chatterbox *c = opened(k ? file : folder, types[i], 2);
            assert_string_equal(tb_chatterbox_model(c), "ResembleAI/chatterbox-turbo");
            tb_t3_prefix *p = prefix_of(c, tb_chatterbox_default(c));
            tb_chatterbox_options how = usual(c, p);
            tb_pcm pcm = say(c, &how, text);
            if (k == 0)
                all[i] = pcm;
            else
                assert_true(same(&all[i], &pcm));
            if (k) tb_pcm_clear(&pcm);
            tb_t3_prefix_free(p);
            tb_chatterbox_close(c);
        }
        assert_int_equal(unlink(file), 0);
        tb_free(file);
        for (size_t k = 0; k < i; k++) /* and the type is heard */
            assert_false(same(&all[k], &all[i]));
    }
    for (size_t i = 0; i < N; i++)
        tb_pcm_clear(&all[i]);
}

static void the_smaller_model_is_known_by_its_name(void **state)
{
    (void)state;
    char *nano = tb_path_join(home, "nano"), *file = tb_path_join(home, "nano.gguf");
    tb_err err = {0};
    small_model(nano, "t3_nano_v1", NULL);
    if (tb_model_convert(&(tb_model_place){.path = nano}, &(tb_convert){.type = TB_F16}, file,
                         &err))
        fail_msg("%s", err.msg);
    for (size_t k = 0; k < 2; k++) {
        tb_chatterbox *c = opened(k ? file : nano, TB_F16, 1);
        assert_string_equal(tb_chatterbox_model(c), "ResembleAI/chatterbox-nano");
        tb_t3_prefix *p = prefix_of(c, tb_chatterbox_default(c));
        tb_chatterbox_options how = usual(c, p);
        tb_pcm pcm = say(c, &how, "Hello.");
        tb_pcm_clear(&pcm);
        tb_t3_prefix_free(p);
        tb_chatterbox_close(c);
    }
    tb_free(nano);
    tb_free(file);
}

/* ---- voices ---- */

static tb_pcm recording(void)
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

static void a_voice_kept_speaks_like_one_just_made(void **state)
{
    (void)state;
    tb_pcm clip = recording();
    tb_conds made = {0}, kept = {0};
    tb_t3_prefix *cold, *warm = NULL;
    void *packed = NULL;
    size_t size = 0;
    tb_err err = {0};
    if (tb_chatterbox_condition(chatter, &clip, NULL, &made, &err)) fail_msg("%s", err.msg);
    cold = prefix_of(chatter, &made);
    tb_chatterbox_options how = usual(chatter, cold);
    tb_pcm builtin = say(chatter,
                         &(tb_chatterbox_options){.conds = tb_chatterbox_default(chatter),
                                                  .prefix = prefix,
                                                  .sampler = tb_sampler_defaults,
                                                  .speed = 1,
                                                  .seed = 42},
                         text);
    how.conds = &made;
    tb_pcm first = say(chatter, &how, text);
    assert_false(same(&first, &builtin));

    assert_int_equal(tb_conds_pack(&made, &packed, &size, NULL), TB_OK);
    assert_int_equal(tb_conds_unpack(packed, size, &kept, NULL), TB_OK);
    tb_free(packed);
    size = tb_t3_prefix_packed_size(cold);
    packed = tb_alloc(size);
    tb_t3_prefix_pack(cold, packed);
    assert_int_equal(tb_chatterbox_unpack_prefix(chatter, &kept, packed, size, &warm, NULL), TB_OK);
    how.conds = &kept;
    how.prefix = warm;
    tb_pcm second = say(chatter, &how, text);
    assert_true(same(&first, &second));
    tb_t3_prefix_free(warm);

    /* Of another voice, cut, or empty: refused. */
    warm = NULL;
    kept.n_t3_prompt--;
    assert_int_equal(tb_chatterbox_unpack_prefix(chatter, &kept, packed, size, &warm, NULL),
                     TB_EMODEL);
    kept.n_t3_prompt++;
    assert_int_equal(tb_chatterbox_unpack_prefix(chatter, &kept, packed, size - 1, &warm, NULL),
                     TB_EMODEL);
    assert_int_equal(tb_chatterbox_unpack_prefix(chatter, &kept, packed, 0, &warm, NULL),
                     TB_EMODEL);
    assert_null(warm);
    tb_free(packed);
    tb_pcm_clear(&first);
    tb_pcm_clear(&second);
    tb_pcm_clear(&builtin);
    tb_t3_prefix_free(cold);
    tb_conds_clear(&made);
    tb_conds_clear(&kept);
    tb_pcm_clear(&clip);
}

static void a_short_recording_is_refused_with_a_sentence(void **state)
{
    (void)state;
    tb_pcm clip = recording();
    tb_conds made = {0};
    tb_err err = {0};
    clip.len = 3 * (size_t)clip.rate_hz;
    assert_int_equal(tb_chatterbox_condition(chatter, &clip, NULL, &made, &err), TB_EINVAL);
    assert_non_null(strstr(err.msg, "5"));
    assert_null(made.speaker);
    tb_pcm_clear(&clip);
}

/* What a voice leaves on the disk, through the engine that keeps it. */
static tb_engine *engine_of(const char *path)
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

static void what_is_kept_of_a_voice_is_whole_or_made_again(void **state)
{
    (void)state;
    tb_engine *e = engine_of(folder);
    tb_pcm clip = recording();
    tb_voice *v = NULL, *back = NULL;
    void *data[TB_VOICE_PARTS];
    size_t size[TB_VOICE_PARTS];
    tb_voice_part parts[TB_VOICE_PARTS];
    bool again = true;
    tb_err err = {0};
    char kind[TB_VOICE_KIND], other[TB_VOICE_KIND];

    if (tb_voice_make(tb_engine_model_handle(e), TB_ENGINE_CHATTERBOX, "me", "hash-of-mine", &clip,
                      "file", NULL, &v, &err))
        fail_msg("%s", err.msg);
    for (size_t i = 0; i < TB_VOICE_PARTS; i++) {
        assert_true(tb_voice_kind(tb_engine_model_handle(e), TB_ENGINE_CHATTERBOX, i, kind));
        assert_int_equal(tb_voice_pack(TB_ENGINE_CHATTERBOX, v, i, &data[i], &size[i], &err),
                         TB_OK);
        parts[i] = (tb_voice_part){data[i], size[i]};
    }
    assert_false(
        tb_voice_kind(tb_engine_model_handle(e), TB_ENGINE_CHATTERBOX, TB_VOICE_PARTS, other));
    assert_true(tb_voice_kind(tb_engine_model_handle(e), TB_ENGINE_EMBEDDED, 0, other));
    assert_string_not_equal(kind, other);

    assert_int_equal(tb_voice_unpack(tb_engine_model_handle(e), TB_ENGINE_CHATTERBOX, "me",
                                     "hash-of-mine", parts, NULL, &back, &again, &err),
                     TB_OK);
    assert_false(again);
    tb_voice_free(back);
    /* Under another's name. */
    assert_true(tb_voice_unpack(tb_engine_model_handle(e), TB_ENGINE_CHATTERBOX, "me",
                                "hash-of-hers", parts, NULL, &back, &again, &err) != TB_OK);
    /* The prefix is made again, and comes out the same, whatever happened to it. */
    unsigned char *bytes = data[1];
    for (size_t at = 0; at < size[1]; at += size[1] / 7 + 1) {
        void *remade = NULL;
        size_t n = 0;
        bytes[at] ^= 0x10;
        parts[1].size = at == 0 ? size[1] : size[1] - at % 3;
        assert_int_equal(tb_voice_unpack(tb_engine_model_handle(e), TB_ENGINE_CHATTERBOX, "me",
                                         "hash-of-mine", parts, NULL, &back, &again, &err),
                         TB_OK);
        assert_true(again);
        bytes[at] ^= 0x10;
        assert_int_equal(tb_voice_pack(TB_ENGINE_CHATTERBOX, back, 1, &remade, &n, &err), TB_OK);
        assert_int_equal(n, size[1]);
        assert_memory_equal(remade, data[1], n);
        tb_free(remade);
        tb_voice_free(back);
    }
    parts[1].size = size[1] / 2;
    assert_int_equal(tb_voice_unpack(tb_engine_model_handle(e), TB_ENGINE_CHATTERBOX, "me",
                                     "hash-of-mine", parts, NULL, &back, &again, &err),
                     TB_OK);
    assert_true(again);
    tb_voice_free(back);
    /* The first part decides: without it all of the voice is made again. */
    bytes = data[0];
    for (size_t at = 0; at < size[0]; at += size[0] / 11 + 1) {
        bytes[at] ^= 1;
        assert_true(tb_voice_unpack(tb_engine_model_handle(e), TB_ENGINE_CHATTERBOX, "me",
                                    "hash-of-mine", parts, NULL, &back, &again, &err) != TB_OK);
        bytes[at] ^= 1;
    }
    for (size_t n = 0; n < size[0]; n += size[0] / 5 + 1) {
        parts[0].size = n;
        assert_true(tb_voice_unpack(tb_engine_model_handle(e), TB_ENGINE_CHATTERBOX, "me",
                                    "hash-of-mine", parts, NULL, &back, &again, &err) != TB_OK);
    }
    for (size_t i = 0; i < TB_VOICE_PARTS; i++)
        tb_free(data[i]);
    tb_voice_free(v);
    tb_pcm_clear(&clip);
    tb_engine_close(e);
}

/* ---- tags ---- */

static tb_plan plan_of(tb_engine *e, const char *said)
{
    tb_plan plan = {0};
    tb_err err = {0};
    const tb_engine_opts opts = {.temperature = 0.8,
                                 .speed = 1,
                                 .top_p = (double)NAN,
                                 .min_p = (double)NAN,
                                 .repetition_penalty = (double)NAN,
                                 .exaggeration = (double)NAN,
                                 .cfg = (double)NAN,
                                 .top_k = -1};
    const tb_script_opts script = {.text_max = 1000};
    if (tb_engine_prepare(e, said, &script, &opts, &plan, &err)) fail_msg("%s", err.msg);
    assert_int_equal(plan.engine, TB_ENGINE_CHATTERBOX);
    assert_null(plan.unknown_tags);
    assert_null(plan.unsupported_tags);
    return plan;
}

static void every_tag_reaches_the_model_as_its_token(void **state)
{
    static const struct {
        const char *written;
        tb_tag tag;
    } more[] = {
        {"risa", TB_TAG_LAUGH},    {"jaja", TB_TAG_LAUGH},
        {"broma", TB_TAG_LAUGH},   {"risita", TB_TAG_CHUCKLE},
        {"suspiro", TB_TAG_SIGH},  {"tos", TB_TAG_COUGH},
        {"chistar", TB_TAG_SHUSH}, {"carraspeo", TB_TAG_CLEAR_THROAT},
        {"quejido", TB_TAG_GROAN}, {"olfatear", TB_TAG_SNIFF},
        {"jadeo", TB_TAG_GASP},    {"Clear  Throat", TB_TAG_CLEAR_THROAT},
        {"LAUGH", TB_TAG_LAUGH},
    };
    enum { OWN = TB_TAG_SAD, MORE = sizeof more / sizeof *more, FIRST = 50257 };
    (void)state;
    tb_engine *e = engine_of(folder);
    const tb_chatterbox *c = tb_model_handle_get(tb_engine_model_handle(e));
    tb_bpe_ids ids = {0};
    int32_t of_tag[OWN];
    bool seen[OWN] = {false};
    /* All 19 are different ids, of the 19 behind the ordinary ones. */
    for (int t = 0; t < OWN; t++) {
        char *plain = tb_sprintf("[%s]", tb_tag_name((tb_tag)t));
        ids.n = 0;
        assert_int_equal(tb_chatterbox_ids(c, plain, &ids, NULL), TB_OK);
        assert_int_equal(ids.n, 2); /* and a full stop */
        of_tag[t] = ids.ids[0];
        assert_in_range(of_tag[t], FIRST, FIRST + OWN - 1);
        assert_false(seen[of_tag[t] - FIRST]);
        seen[of_tag[t] - FIRST] = true;
        tb_free(plain);
    }
    for (int i = 0; i < OWN + MORE; i++) {
        const char *written = i < OWN ? tb_tag_name((tb_tag)i) : more[i - OWN].written;
        const tb_tag tag = i < OWN ? (tb_tag)i : more[i - OWN].tag;
        char *said = tb_sprintf("Well, [%s] that was it.", written);
        size_t found = 0;
        tb_plan plan = plan_of(e, said);
        for (size_t k = 0; k < plan.script.n; k++) {
            ids.n = 0;
            assert_int_equal(tb_chatterbox_ids(c, plan.script.items[k].text, &ids, NULL), TB_OK);
            for (size_t j = 0; j < ids.n; j++)
                found += ids.ids[j] == of_tag[tag];
        }
        if (found != 1) fail_msg("[%s] reached the model %zu times", written, found);
        tb_plan_clear(&plan);
        tb_free(said);
    }
    /* Three words move the sampling instead: the model has no token for the last, and the others
     * ask for less than its tags of that name do. */
    static const struct {
        const char *written;
        tb_tag tag;
    } styles[] = {{"feliz", TB_TAG_HAPPY}, {"serio", TB_TAG_NARRATION}, {"triste", TB_TAG_SAD}};
    for (size_t i = 0; i < sizeof styles / sizeof *styles; i++) {
        char *said = tb_sprintf("[%s] That was it.", styles[i].written);
        tb_plan plan = plan_of(e, said);
        assert_int_equal(plan.script.n, 1);
        assert_int_equal(plan.script.items[0].tag, styles[i].tag);
        assert_string_equal(plan.script.items[0].text, "That was it.");
        tb_plan_clear(&plan);
        tb_free(said);
    }
    tb_bpe_ids_clear(&ids);
    tb_engine_close(e);
}

/* ---- pieces ---- */

static tb_status collect(void *self, const tb_pcm *pcm, tb_err *err)
{
    return tb_pcm_append(self, pcm->data, pcm->len, err);
}

/* Item i of a plan as the network makes it, not as the engine hands it on. */
static tb_pcm piece_alone(const tb_chatterbox *c, const tb_plan *plan, size_t i, tb_voice *v)
{
    tb_chatterbox_options how = usual(c, v->prefix);
    tb_pcm pcm = {.rate_hz = 24000};
    tb_chatterbox_report said;
    tb_err err = {0};
    how.conds = v->conds;
    how.seed = plan->opts.seed;
    how.segment = plan->script.items[i].sentence;
    tb_status st = plan->stream ? tb_chatterbox_stream(c, &how, plan->script.items[i].text, NULL,
                                                       collect, &pcm, &said, &err)
                                : tb_chatterbox_speak(c, &how, plan->script.items[i].text, NULL,
                                                      &pcm, &said, &err);
    if (st) fail_msg("%s", err.msg);
    return pcm;
}

/*
 * Of every piece each sample is handed on: all but the last 10 ms as they were made, those as well
 * at the end of the text, and faded out before another piece. Behind it is silence, no shorter
 * than what the gap is without the model's own.
 */
static void a_piece_is_handed_on_to_its_last_sample(void **state)
{
    enum { SEAM = 240 };
    (void)state;
    tb_engine *e = engine_of(folder);
    const tb_chatterbox *c = tb_model_handle_get(tb_engine_model_handle(e));
    tb_voice *v = NULL;
    tb_spoken spoken = {0};
    tb_err err = {0};
    if (tb_voice_make(tb_engine_model_handle(e), TB_ENGINE_CHATTERBOX, "default", "", NULL, NULL,
                      NULL, &v, &err))
        fail_msg("%s", err.msg);
    for (int stream = 0; stream < 2; stream++) {
        tb_plan plan = plan_of(e, "Good morning to you all.\n\nAnd that was it for today.");
        plan.stream = stream;
        assert_int_equal(plan.script.n, 2);
        for (size_t i = 0; i < 2; i++) {
            tb_pcm got = {.rate_hz = 24000}, want = piece_alone(c, &plan, i, v);
            if (tb_engine_speak(e, &plan, i, v, NULL, collect, &got, &spoken, &err))
                fail_msg("%s", err.msg);
            assert_true(want.len > SEAM);
            const size_t body = want.len - SEAM;
            assert_memory_equal(got.data, want.data, body * sizeof *want.data);
            if (i == 0) {
                /* An empty line is half a second, of which the model made 0.12. */
                assert_int_equal(got.len, want.len + (size_t)lround((0.5 - 0.12) * 24000));
                for (size_t k = 0; k < SEAM; k++)
                    assert_true(fabsf(got.data[body + k] -
                                      want.data[body + k] * (float)(SEAM - 1 - k) / SEAM) < 1e-6F);
                for (size_t k = want.len; k < got.len; k++)
                    assert_true(got.data[k] == 0);
            } else {
                assert_true(same(&got, &want));
            }
            tb_pcm_clear(&got);
            tb_pcm_clear(&want);
        }
        tb_plan_clear(&plan);
    }
    tb_voice_free(v);
    tb_engine_close(e);
}

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
    tb_pcm clip = recording();
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

/* ---- files that are wrong ---- */

struct damage {
    const char *stem, *tensor;
    enum { MISSING, RESHAPED, EXTRA, ANY } how;
    uint32_t dims[2]; /* RESHAPED; 0: as it was */
    const char *name; /* EXTRA */
    const char *says[2];
};

static void damage(tb_seed_list *list, void *self)
{
    const struct damage *d = self;
    size_t i = 0;
    while (i < list->n && strcmp(list->tensors[i].name, d->tensor) != 0)
        i++;
    assert_true(i < list->n);
    tb_seed_tensor *t = &list->tensors[i];
    if (d->how == MISSING) {
        tb_free(t->name);
        memmove(t, t + 1, (list->n - i - 1) * sizeof *t);
        list->n--;
    } else if (d->how == RESHAPED) {
        for (unsigned k = 0; k < 2; k++)
            if (d->dims[k]) t->dims[k] = d->dims[k];
    } else { /* under another name, in place of one that is dropped anyway */
        for (size_t k = 0; k < list->n; k++)
            if (strcmp(list->tensors[k].name, "text_head.weight") == 0) {
                tb_seed_tensor *x = &list->tensors[k];
                tb_free(x->name);
                *x = *t;
                x->name = tb_strdup(d->name);
            }
    }
}

static void refused(const char *path, const struct damage *d)
{
    tb_chatterbox *c = NULL;
    tb_err err = {0};
    tb_chatterbox_config config = {.place = {.path = path}, .type = TB_F16, .threads = 1};
    tb_status st = tb_chatterbox_open(&config, &c, &err);
    if (st == TB_OK) fail_msg("%s was opened", d->tensor ? d->tensor : d->stem);
    assert_null(c);
    assert_true(st == TB_EMODEL || st == TB_ENOTFOUND);
    for (size_t i = 0; i < 2; i++)
        if (d->says[i] && !strstr(err.msg, d->says[i]))
            fail_msg("no '%s' in: %s", d->says[i], err.msg);
}

static void a_tensor_that_is_wrong_is_named(void **state)
{
    /* clang-format off */
    static struct damage all[] = {
        {"t3_turbo_v1", "speech_head.weight", MISSING, {0}, NULL, {"speech_head.weight", NULL}},
        {"t3_turbo_v1", "tfmr.h.1.mlp.c_fc.bias", MISSING, {0}, NULL, {"tfmr.h.1.mlp.c_fc", NULL}},
        {"t3_turbo_v1", "tfmr.h.0.ln_1.weight", MISSING, {0}, NULL, {"tfmr.h.", NULL}},
        {"t3_turbo_v1", "tfmr.wpe.weight", RESHAPED, {0, 63}, NULL, {"tfmr.wpe.weight", "63"}},
        {"t3_turbo_v1", "speech_head.bias", RESHAPED, {6562}, NULL, {"speech_head.bias", "6562"}},
        {"t3_turbo_v1", "text_emb.weight", RESHAPED, {50000}, NULL, {"tokenizer", "50000"}},
        {"t3_turbo_v1", "cond_enc.spkr_enc.weight", RESHAPED, {0, 192}, NULL, {"192", "256"}},
        {"t3_turbo_v1", "speech_head.bias", EXTRA, {0}, "speech_head.scale",
         {"speech_head.scale", NULL}},
        {"t3_turbo_v1", "tfmr.h.0.ln_1.weight", EXTRA, {0}, "tfmr.h.7.ln_1.weight",
         {"tfmr.h.7.ln_1.weight", NULL}},
        {"s3gen_meanflow", "mel2wav.conv_post.bias", MISSING, {0}, NULL,
         {"mel2wav.conv_post", NULL}},
        {"s3gen_meanflow", "mel2wav.conv_pre.parametrizations.weight.original0", MISSING, {0}, NULL,
         {"mel2wav.conv_pre", NULL}},
        {"s3gen_meanflow", "flow.input_embedding.weight", RESHAPED, {6560}, NULL,
         {"6560", "6561"}},
        {"s3gen_meanflow", "flow.encoder_proj.weight", RESHAPED, {79}, NULL,
         {"flow.encoder_proj.weight", "79"}},
        {"s3gen_meanflow", "mel2wav.conv_pre.parametrizations.weight.original1", RESHAPED, {0, 79},
         NULL, {"f0_predictor", "79"}},
        {"s3gen_meanflow", "tokenizer.window", RESHAPED, {399}, NULL, {"tokenizer.window", "399"}},
        {"s3gen_meanflow", "tokenizer.quantizer._codebook.project_down.weight", RESHAPED, {7}, NULL,
         {"project_down", NULL}},
        {"ve", "proj.weight", RESHAPED, {128}, NULL, {"proj", "128"}},
        {"ve", "lstm.weight_hh_l2", MISSING, {0}, NULL, {"lstm.weight_hh_l2", NULL}},
    };
    /* clang-format on */
    (void)state;
    char *broken = tb_path_join(home, "broken");
    small_model(broken, "t3_turbo_v1", NULL);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        small_file(broken, all[i].stem, damage, &all[i]);
        refused(broken, &all[i]);
        small_file(broken, all[i].stem, NULL, NULL);
    }
    tb_chatterbox_close(opened(broken, TB_F16, 1)); /* it was not the folder */
    tb_free(broken);
}

static void put(const char *path, const void *data, size_t size)
{
    assert_int_equal(tb_file_write(path, data, size, 0644, NULL), TB_OK);
}

static void a_file_that_is_cut_foreign_or_missing_is_named(void **state)
{
    static const struct {
        const char *file;
        bool needed;
    } files[] = {
        {"t3_turbo_v1.safetensors", true},
        {"s3gen_meanflow.safetensors", true},
        {"ve.safetensors", true},
        {"vocab.json", true},
        {"merges.txt", true},
        {"added_tokens.json", true},
        {"conds.pt", false},
    };
    (void)state;
    char *broken = tb_path_join(home, "broken");
    small_model(broken, "t3_turbo_v1", NULL);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *path = tb_path_join(broken, files[i].file), *data = NULL;
        size_t size = 0;
        struct damage d = {.stem = files[i].file, .how = ANY, .says = {files[i].file, NULL}};
        assert_int_equal(tb_file_read(path, (size_t)64 << 20, &data, &size, NULL), TB_OK);
        /* Fewer merges are a tokenizer as well. */
        for (int k = strcmp(files[i].file, "merges.txt") == 0 ? 2 : 0; k < 4; k++) {
            if (k < 2)
                put(path, data, k ? size / 2 : 0);
            else if (k == 2)
                put(path, "<html>Please sign in</html>\n", 28);
            else
                unlink(path);
            if (k == 3 && !files[i].needed) {
                tb_chatterbox *c = opened(broken, TB_F16, 1); /* only the built-in voice is lost */
                assert_null(tb_chatterbox_default(c));
                tb_chatterbox_close(c);
            } else {
                refused(broken, &d);
            }
        }
        put(path, data, size);
        tb_free(data);
        tb_free(path);
    }
    /* One file for the other; and what is no model at all. */
    char *a = tb_path_join(broken, "ve.safetensors"), *gguf = tb_path_join(home, "x.gguf");
    small_file(broken, "s3gen_meanflow", NULL, NULL);
    char *b = tb_path_join(broken, "s3gen_meanflow.safetensors"), *data = NULL;
    size_t size = 0;
    assert_int_equal(tb_file_read(b, (size_t)64 << 20, &data, &size, NULL), TB_OK);
    put(a, data, size);
    refused(broken, &(struct damage){.stem = "ve", .how = ANY, .says = {"ve.safetensors", NULL}});
    put(gguf, data, size);
    refused(gguf, &(struct damage){.stem = "gguf", .how = ANY, .says = {"x.gguf", NULL}});
    put(gguf, "GGUF", 4);
    refused(gguf, &(struct damage){.stem = "gguf", .how = ANY, .says = {"x.gguf", NULL}});
    refused(home, &(struct damage){.stem = "home", .how = ANY, .says = {"t3_turbo_v1", NULL}});
    refused("/nowhere",
            &(struct damage){.stem = "nowhere", .how = ANY, .says = {"/nowhere", NULL}});
    tb_free(data);
    tb_free(a);
    tb_free(b);
    tb_free(gguf);
    tb_free(broken);
}

/* ---- */

static int begin(void **state)
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

static int end(void **state)
{
    (void)state;
    tb_t3_prefix_free(prefix);
    tb_chatterbox_close(chatter);
    tb_chatterbox_close(NULL);
    tb_free(folder);
    tb_free(endless);
    return test_folder_remove(home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_gives_the_same_samples_and_another_others),
        cmocka_unit_test(eight_at_once_say_what_one_says),
        cmocka_unit_test(the_number_of_threads_is_not_heard),
        cmocka_unit_test(a_folder_and_the_one_file_made_of_it_sound_alike),
        cmocka_unit_test(the_smaller_model_is_known_by_its_name),
        cmocka_unit_test(a_voice_kept_speaks_like_one_just_made),
        cmocka_unit_test(a_short_recording_is_refused_with_a_sentence),
        cmocka_unit_test(what_is_kept_of_a_voice_is_whole_or_made_again),
        cmocka_unit_test(every_tag_reaches_the_model_as_its_token),
        cmocka_unit_test(a_piece_is_handed_on_to_its_last_sample),
        cmocka_unit_test(odd_texts_are_spoken),
        cmocka_unit_test(a_sentence_too_long_for_the_model_is_refused),
        cmocka_unit_test(speed_changes_the_length_and_nothing_else),
        cmocka_unit_test(a_runaway_is_tried_again_and_cut),
        cmocka_unit_test(bounds_grow_with_what_is_said),
        cmocka_unit_test(a_cancelled_text_ends_within_a_step),
        cmocka_unit_test(a_tensor_that_is_wrong_is_named),
        cmocka_unit_test(a_file_that_is_cut_foreign_or_missing_is_named),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
