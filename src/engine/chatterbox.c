#include "engine/chatterbox.h"

#include "base/clock.h"
#include "base/counter.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "dsp/mel.h"
#include "dsp/stretch.h"
#include "engine/compute_lock.h"
#include "engine/sound.h"
#include "model/conditioner.h"
#include "model/flow.h"
#include "model/hift.h"
#include "model/perth.h"
#include "text/bpe.h"
#include "text/norm.h"
#include "text/script.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ID_LEN = 16 };

/* What is learnt after opening; everything else is constant. */
typedef struct {
    pthread_mutex_t lock;
    tb_pace pace;
} pace_box;

struct tb_chatterbox {
    tb_weights *weights;
    tb_t3 t3;
    tb_flow flow;
    tb_hift hift;
    tb_conditioner conditioner;
    tb_bpe *bpe;
    tb_conds voice; /* built in */
    bool has_voice;
    tb_perth *perth;
    tb_thread_pool *pool;
    pace_box *pace;
    tb_compute_lock *compute_lock; /* one long flow and vocoder at a time */
    tb_batcher *batcher;           /* everybody's steps of T3, together */
    char id[ID_LEN + 1];
    const char *model;
};

/*
 * Names, shapes, types and some numbers of every tensor: enough to tell two models apart (it
 * guards a cache, not a secret), without reading gigabytes at every start.
 */
static void identify(tb_chatterbox *c)
{
    enum { SOME = 64 };
    tb_str all;
    char hex[TB_HASH_HEX], shape[80];
    tb_str_init(&all, 64 << 20);
    tb_str_printf(&all, "%d\n", TB_LAYOUT_VERSION);
    for (size_t i = 0; i < tb_weights_count(c->weights); i++) {
        const tb_tensor *t = tb_weights_at(c->weights, i);
        size_t bytes = tb_tensor_bytes(t), some = bytes < SOME ? bytes : SOME;
        tb_tensor_shape(t, shape);
        tb_str_printf(&all, "%s %s %s\n", tb_weights_name(c->weights, i), tb_dtype_name(t->type),
                      shape);
        if (bytes == 0) continue;
        tb_str_add(&all, t->data, some);
        tb_str_add(&all, (const char *)t->data + bytes - some, some);
    }
    tb_hash_hex(all.data, all.len, hex);
    memcpy(c->id, hex, ID_LEN);
    tb_str_clear(&all);
}

static tb_status open_tokenizer(tb_chatterbox *c, tb_err *err)
{
    tb_bpe_file files[8];
    size_t n = 0;
    for (size_t i = 0; tb_bpe_file_name(i) && n < sizeof files / sizeof *files; i++) {
        files[n].name = tb_bpe_file_name(i);
        files[n].data = tb_model_file(c->weights, files[n].name, &files[n].size);
        if (files[n].data) n++;
    }
    tb_status st = tb_bpe_read(files, n, &c->bpe, err);
    if (!st && tb_bpe_size(c->bpe) > c->t3.text_vocab)
        st = tb_fail(err, TB_EMODEL,
                     "%s: the tokenizer has ids up to %zu, the model's table only %zu rows",
                     tb_weights_label(c->weights), tb_bpe_size(c->bpe) - 1, c->t3.text_vocab);
    return st;
}

/* Does a voice fit the networks? */
static tb_status check_voice(const tb_chatterbox *c, const tb_conds *v, tb_err *err)
{
    if (v->speaker_dim != c->t3.speaker_dim || v->mels != c->flow.mels ||
        v->embedding_dim != c->flow.embedding_dim)
        return tb_fail(err, TB_EMODEL,
                       "the voice has %zu, %zu and %zu numbers for speaker, mel and embedding; the "
                       "model wants %zu, %zu and %zu",
                       v->speaker_dim, v->mels, v->embedding_dim, c->t3.speaker_dim, c->flow.mels,
                       c->flow.embedding_dim);
    return TB_OK;
}

/* Does each network say as much as the next one hears? Alone each of them may be right. */
static tb_status check_widths(const tb_chatterbox *c, tb_err *err)
{
    const struct {
        const char *what, *from, *to;
        size_t width, expected;
    } all[] = {
        {"numbers of the speaker", "the voice encoder", "the token model", c->conditioner.ve.dim,
         c->t3.speaker_dim},
        {"numbers of the embedding", "the speaker network", "the flow network",
         c->conditioner.campplus.dim, c->flow.embedding_dim},
        {"speech tokens", "the speech tokenizer", "the token model", c->conditioner.tok.vocab,
         c->t3.codes},
        {"speech tokens", "the token model", "the flow network", c->t3.codes, c->flow.vocab},
        {"mel bands", "the flow network", "the vocoder", c->flow.mels, c->hift.mels},
        {"mel bands", "a recording", "the flow network", TB_MEL_S3GEN_BANDS, c->flow.mels},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].width != all[i].expected)
            return tb_fail(err, TB_EMODEL,
                           "%s: %s has %zu %s, %s wants %zu; these files are not of one model",
                           tb_weights_label(c->weights), all[i].from, all[i].width, all[i].what,
                           all[i].to, all[i].expected);
    return TB_OK;
}

tb_status tb_chatterbox_open(const tb_chatterbox_config *config, tb_chatterbox **out, tb_err *err)
{
    tb_chatterbox *c = tb_alloc(sizeof *c);
    c->pace = tb_alloc(sizeof *c->pace);
    pthread_mutex_init(&c->pace->lock, NULL);
    c->pace->pace = tb_pace_usual;
    c->compute_lock = tb_compute_lock_new();
    size_t threads = config->threads;
    if (threads == 0) {
        long cores = sysconf(_SC_NPROCESSORS_ONLN);
        threads = cores < 1 ? 1 : (size_t)cores;
    }
    tb_status st = tb_model_files_open(&config->place, config->type, &c->weights, err);
    if (!st) st = tb_t3_bind(&c->t3, c->weights, 0, err);
    if (!st) st = tb_flow_bind(&c->flow, c->weights, NULL, err);
    if (!st) st = tb_hift_bind(&c->hift, c->weights, err);
    if (!st) st = tb_conditioner_bind(c->weights, &c->conditioner, err);
    if (!st) {
        tb_bind rest = {.weights = c->weights, .prefix = "", .err = err};
        tb_bind_nothing_left(&rest);
        st = rest.status;
    }
    if (!st) st = check_widths(c, err);
    if (!st) st = open_tokenizer(c, err);
    if (!st) {
        size_t size;
        const void *conds = tb_model_file(c->weights, "conds.pt", &size);
        if (conds) {
            st = tb_conds_read(conds, size, "conds.pt", &c->voice, err);
            if (!st) st = check_voice(c, &c->voice, err);
            c->has_voice = !st;
        }
    }
    if (!st && config->perth && access(config->perth, R_OK) == 0)
        st = tb_perth_open(config->perth, &c->perth, err);
    if (!st) st = tb_thread_pool_new(threads, &c->pool, err);
    if (!st) c->batcher = tb_batcher_new(c->pool);
    if (st) {
        tb_chatterbox_close(c);
        return st;
    }
    c->model =
        tb_model_is_nano(c->weights) ? "ResembleAI/chatterbox-nano" : "ResembleAI/chatterbox-turbo";
    identify(c);
    *out = c;
    return TB_OK;
}

void tb_chatterbox_close(tb_chatterbox *c)
{
    if (!c) return;
    pthread_mutex_destroy(&c->pace->lock);
    tb_free(c->pace);
    tb_compute_lock_free(c->compute_lock);
    tb_batcher_free(c->batcher);
    tb_thread_pool_free(c->pool);
    tb_perth_close(c->perth);
    tb_conds_clear(&c->voice);
    tb_bpe_close(c->bpe);
    tb_conditioner_clear(&c->conditioner);
    tb_flow_clear(&c->flow);
    tb_t3_clear(&c->t3);
    tb_weights_free(c->weights);
    tb_free(c);
}

const char *tb_chatterbox_model(const tb_chatterbox *c)
{
    return c->model;
}

const char *tb_chatterbox_id(const tb_chatterbox *c)
{
    return c->id;
}

const tb_conds *tb_chatterbox_default(const tb_chatterbox *c)
{
    return c->has_voice ? &c->voice : NULL;
}

/* A new voice is rare and its networks are a quarter of the file: their pages go back until the
 * next one comes. */
static void drop_conditioning(const tb_chatterbox *c)
{
    static const char *const nets[] = {"tokenizer.", "xv.", "speaker_encoder.", "ve."};
    for (size_t i = 0; i < tb_weights_count(c->weights); i++)
        for (size_t k = 0; k < sizeof nets / sizeof *nets; k++)
            if (strncmp(tb_weights_name(c->weights, i), nets[k], strlen(nets[k])) == 0)
                tb_weights_drop_pages(c->weights, tb_weights_at(c->weights, i));
}

#define CONDITION_S 1.5 /* about what a new voice takes */

tb_status tb_chatterbox_condition(const tb_chatterbox *c, const tb_pcm *clip,
                                  const tb_cancel *cancel, tb_conds *out, tb_err *err)
{
    tb_status st = tb_compute_lock_acquire(c->compute_lock, CONDITION_S, cancel, err);
    if (st) return st;
    tb_nn nn = {.pool = c->pool, .scratch = tb_scratch_new()};
    st = tb_conditioner_run(&c->conditioner, &nn, clip, cancel, out, err);
    tb_scratch_free(nn.scratch);
    drop_conditioning(c);
    tb_compute_lock_release(c->compute_lock, CONDITION_S);
    return st;
}

static tb_t3_voice t3_voice_of(const tb_conds *v)
{
    return (tb_t3_voice){.speaker = v->speaker, .prompt = v->t3_prompt, .n_prompt = v->n_t3_prompt};
}

tb_status tb_chatterbox_prefix(const tb_chatterbox *c, const tb_conds *conds,
                               const tb_cancel *cancel, tb_t3_prefix **out, tb_err *err)
{
    tb_t3_voice voice = t3_voice_of(conds);
    tb_status st = check_voice(c, conds, err);
    if (st) return st;
    tb_nn nn = {.pool = c->pool, .scratch = tb_scratch_new()};
    st = tb_t3_prefix_new(&c->t3, &nn, &voice, cancel, out, err);
    tb_scratch_free(nn.scratch);
    return st;
}

tb_status tb_chatterbox_unpack_prefix(const tb_chatterbox *c, const tb_conds *conds,
                                      const void *data, size_t size, tb_t3_prefix **out,
                                      tb_err *err)
{
    tb_t3_prefix *prefix = NULL;
    tb_status st = tb_t3_prefix_unpack(&c->t3, data, size, &prefix, err);
    if (!st && tb_t3_prefix_positions(prefix) != conds->n_t3_prompt + 1)
        st = tb_fail(err, TB_EMODEL, "the kept prefix is of another voice");
    if (st)
        tb_t3_prefix_free(prefix);
    else
        *out = prefix;
    return st;
}

/* ---- saying ---- */

/*
 * English is spoken at about 14 letters a second; slow readings take a third of that, nobody is
 * five times as fast. A sound (a tag that is one) lasts up to three seconds. What falls outside is
 * a runaway or a swallowed text, not a way of speaking.
 */
void tb_chatterbox_bounds(const char *text, size_t *least, size_t *most)
{
    double letters = 0, sounds = 0;
    size_t len = strlen(text), n;
    for (size_t i = 0; i < len; i += n) {
        uint32_t cp = tb_utf8_next(text + i, len - i, &n);
        const char *close = cp == '[' ? strchr(text + i, ']') : NULL;
        if (close) {
            char *name = tb_strndup(text + i + 1, (size_t)(close - text) - i - 1);
            tb_tag tag = tb_tag_find(name);
            tb_free(name);
            if (tag != TB_TAG_NONE) {
                sounds += tb_tag_kind_of(tag) == TB_TAG_SOUND;
                n = (size_t)(close - text) - i + 1;
                continue;
            }
        }
        if (cp >= '0' && cp <= '9')
            letters += 4; /* "7" is read "seven" */
        else if (tb_utf8_is_word(cp))
            letters += 1;
    }
    double expected = letters / 14 * 25;
    *least = (size_t)(expected / 5);
    *most = (size_t)(expected * 3 + 75 * sounds + 50);
    if (*most > TB_T3_MAX_MORE) *most = TB_T3_MAX_MORE;
}

tb_status tb_chatterbox_ids(const tb_chatterbox *c, const char *text, tb_bpe_ids *ids, tb_err *err)
{
    char *norm = NULL;
    size_t len = 0, limit = tb_bpe_limit(c->bpe), most = c->t3.max_positions;
    if (limit && limit < most) most = limit;
    tb_status st = tb_norm_text(text, strlen(text), &norm, &len, err);
    if (!st) st = tb_bpe_encode(c->bpe, norm, len, most, ids, err);
    if (st == TB_ETOOBIG)
        st = tb_fail_field(err, TB_EINVAL, "text",
                           "one sentence of the text has more than the %zu tokens that the model "
                           "takes at once",
                           most);
    tb_free(norm);
    return st;
}

/* The name of what a segment's noise comes from: timbre/<seed>/<segment>. */
static void segment_name(const tb_chatterbox_options *how, char out[80])
{
    snprintf(out, 80, "timbre/%llu/%zu", (unsigned long long)how->seed, how->segment);
}

/* A segment on its way from text to sound. */
typedef struct {
    const tb_chatterbox *c;
    const tb_nn *nn;
    const tb_chatterbox_options *how;
    const tb_cancel *cancel;
    tb_chatterbox_report *said;
    tb_t3_run run;
    tb_sound sound;
    /* streaming only */
    tb_chatterbox_sink sink; /* NULL: whole */
    void *self;
    tb_pace pace;
    size_t next;  /* tokens at which a piece is due */
    double ahead; /* seconds of sound that are out, by the pace */
    size_t last;  /* tokens of the last piece */
} segment_run;

/* All that was said so far, as the flow wants it; closing silence only at the end. Heap. */
static int32_t *flow_tokens(const segment_run *w, bool whole, size_t *n)
{
    int32_t *speech = tb_alloc((w->run.n + TB_T3_SILENCES) * sizeof *speech);
    *n = tb_t3_flow_tokens(&w->c->t3, w->run.tokens, w->run.n, speech) -
         (whole ? 0 : TB_T3_SILENCES);
    return speech;
}

static tb_status render_chunk(segment_run *w, bool last, tb_pcm *out, tb_err *err)
{
    const tb_pace pace = tb_chatterbox_pace(w->c);
    size_t n;
    int32_t *speech = flow_tokens(w, last, &n);
    /* All but T3's part of what the pace says. */
    double cost = tb_pace_cost(&pace, w->how->conds->n_prompt, 0, n) - (double)n * pace.token_s;
    tb_status st = tb_compute_lock_acquire(w->c->compute_lock, cost, w->cancel, err);
    if (!st) {
        st = tb_sound_more(&w->sound, w->nn, speech, n, last, w->cancel, out, err);
        /* The next one inside needs as much: it is not kept by everybody who was there once. */
        tb_scratch_trim(w->nn->scratch);
        tb_compute_lock_release(w->c->compute_lock, cost);
    }
    tb_free(speech);
    w->said->pieces++;
    return st;
}

static tb_status deliver(segment_run *w, tb_pcm *pcm, tb_err *err)
{
    tb_status st = pcm->len ? w->sink(w->self, pcm, err) : TB_OK;
    tb_pcm_clear(pcm);
    return st;
}

/* T3 has said one more: is a piece due? */
static tb_status on_token(void *self, int32_t token, tb_err *err)
{
    segment_run *w = self;
    tb_pcm pcm = {0};
    (void)token;
    if (w->run.n < w->next + TB_SOUND_HELD_TOKENS) return TB_OK;
    tb_batcher_leave(w->run.batcher); /* the others go on meanwhile */
    tb_status st = render_chunk(w, false, &pcm, err);
    if (!st) st = deliver(w, &pcm, err);
    tb_batcher_join(w->run.batcher);
    w->last = tb_pace_next(&w->pace, w->how->conds->n_prompt, w->next, w->last, &w->ahead);
    w->next += w->last;
    return st;
}

/* Text ids to speech tokens, in run. */
static tb_status generate_tokens(segment_run *w, const tb_bpe_ids *ids, size_t most,
                                 const char *what, tb_err *err)
{
    char name[96], segment[80];
    tb_t3_session *session = NULL;
    segment_name(w->how, segment);
    snprintf(name, sizeof name, "%s/%s", segment, what);
    tb_t3_run_clear(&w->run);
    tb_t3_run_init(&w->run, &w->c->t3, &w->how->sampler, tb_counter_stream(name), most);
    w->run.batcher = w->c->batcher;
    tb_status st = tb_t3_session_new(&w->c->t3, w->how->prefix, &session, err);
    if (!st)
        st = tb_t3_generate(session, w->nn, ids->ids, ids->n, &w->run, w->cancel,
                            w->sink ? on_token : NULL, w, err);
    tb_t3_session_free(session);
    return st;
}

/* The tokens of a text, pieces of it sounded on the way when it is streamed. */
static tb_status speak_text(segment_run *w, const char *text, tb_err *err)
{
    tb_bpe_ids ids = {0};
    size_t least, most;
    tb_chatterbox_bounds(text, &least, &most);
    tb_status st = tb_chatterbox_ids(w->c, text, &ids, err);
    if (!st) st = generate_tokens(w, &ids, most, "t3", err);
    bool wrong = !st && (w->run.n < least || w->run.end == TB_T3_EXHAUSTED);
    /* Without a choice (top_k=1) a second run says the same; what was heard cannot be taken back.
     */
    if (wrong && w->run.chose && w->said->pieces == 0) {
        w->said->retried = true;
        st = generate_tokens(w, &ids, most, "t3/again", err);
    }
    if (!st) {
        w->said->cut = w->run.end == TB_T3_EXHAUSTED;
        w->said->tokens = w->run.n;
    }
    tb_bpe_ids_clear(&ids);
    return st;
}

static void segment_begin(segment_run *w)
{
    char name[80];
    *w->said = (tb_chatterbox_report){0};
    segment_name(w->how, name);
    tb_sound_init(&w->sound, &w->c->flow, &w->c->hift, w->how->conds, name);
}

static void segment_end(segment_run *w)
{
    w->said->flow_frames = w->sound.flow_frames;
    tb_sound_clear(&w->sound);
    tb_t3_run_clear(&w->run);
}

static bool at_normal_speed(const tb_chatterbox_options *how)
{
    return fabs(how->speed - 1) < 1e-9;
}

tb_status tb_chatterbox_stream(const tb_chatterbox *c, const tb_chatterbox_options *how,
                               const char *text, const tb_cancel *cancel, tb_chatterbox_sink sink,
                               void *self, tb_chatterbox_report *said, tb_err *err)
{
    tb_pcm pcm = {0};
    tb_status st;
    if (c->perth || !at_normal_speed(how)) {
        st = tb_chatterbox_speak(c, how, text, cancel, &pcm, said, err);
        if (!st) st = sink(self, &pcm, err);
        tb_pcm_clear(&pcm);
        return st;
    }
    tb_nn nn = {.pool = c->pool, .scratch = tb_scratch_new()};
    segment_run w = {
        .c = c, .nn = &nn, .how = how, .cancel = cancel, .said = said, .sink = sink, .self = self};
    w.pace = how->pace.token_s > 0 ? how->pace : tb_chatterbox_pace(c); /* from first to last */
    w.next = w.last = tb_pace_first(&w.pace, how->conds->n_prompt);
    segment_begin(&w);
    st = speak_text(&w, text, err);
    if (!st) st = render_chunk(&w, true, &pcm, err);
    if (!st) st = deliver(&w, &pcm, err);
    segment_end(&w);
    tb_scratch_free(nn.scratch);
    return st;
}

tb_status tb_chatterbox_speak(const tb_chatterbox *c, const tb_chatterbox_options *how,
                              const char *text, const tb_cancel *cancel, tb_pcm *out,
                              tb_chatterbox_report *said, tb_err *err)
{
    tb_nn nn = {.pool = c->pool, .scratch = tb_scratch_new()};
    tb_pcm pcm = {0}, other = {0};
    segment_run w = {.c = c, .nn = &nn, .how = how, .cancel = cancel, .said = said};
    segment_begin(&w);
    tb_status st = speak_text(&w, text, err);
    if (!st) st = render_chunk(&w, true, &pcm, err);
    if (!st && c->perth) st = tb_perth_apply(c->perth, &nn, &pcm, err);
    if (!st && !at_normal_speed(how)) {
        st = tb_stretch(&pcm, how->speed, &other, err);
        tb_pcm_clear(&pcm);
        pcm = other;
    }
    if (!st) {
        *out = pcm;
        pcm = (tb_pcm){0};
    }
    tb_pcm_clear(&pcm);
    segment_end(&w);
    tb_scratch_free(nn.scratch);
    return st;
}

/* ---- pace ---- */

tb_pace tb_chatterbox_pace(const tb_chatterbox *c)
{
    pthread_mutex_lock(&c->pace->lock);
    tb_pace pace = c->pace->pace;
    pthread_mutex_unlock(&c->pace->lock);
    return pace;
}

void tb_chatterbox_set_pace(tb_chatterbox *c, const tb_pace *pace)
{
    pthread_mutex_lock(&c->pace->lock);
    c->pace->pace = tb_pace_round(pace);
    pthread_mutex_unlock(&c->pace->lock);
}

/*
 * On one thread, by the time that it computed: that is the same on a busy machine. More threads
 * help less than their number, since they share the memory. The least of three.
 */
static tb_status measure(const tb_chatterbox *c, const tb_nn *nn, const tb_cancel *cancel,
                         tb_pace *out)
{
    enum { STEPS = 12, TOKENS = 50, PROMPT = 250, TRIES = 3 };
    const tb_conds *v = &c->voice;
    tb_t3_prefix *prefix = NULL;
    tb_t3_session *session = NULL;
    tb_sound sound;
    int32_t tokens[TOKENS] = {0};
    float *logits = tb_alloc(c->t3.vocab * sizeof *logits);
    tb_pcm pcm = {0};
    *out = (tb_pace){.token_s = 1e9, .flow_s = 1e9, .vocode_s = 1e9};
    tb_status st = tb_chatterbox_prefix(c, v, cancel, &prefix, NULL);
    if (!st) st = tb_t3_session_new(&c->t3, prefix, &session, NULL);
    if (!st) st = tb_t3_prefill(session, nn, tokens, 1, cancel, logits, NULL);
    if (!st) st = tb_t3_session_reserve(session, STEPS * TRIES, NULL);
    for (int i = 0; i < TRIES && !st; i++) {
        int64_t t = tb_clock_cpu_ns();
        for (int k = 0; k < STEPS; k++)
            tb_t3_step(&session, nn, tokens, 1, logits);
        double step = (double)(tb_clock_cpu_ns() - t) * 1e-9 / STEPS;
        tb_sound_init(&sound, &c->flow, &c->hift, v, "timbre/pace");
        t = tb_clock_cpu_ns();
        st = tb_sound_more(&sound, nn, tokens, TOKENS, true, cancel, &pcm, NULL);
        double all = (double)(tb_clock_cpu_ns() - t) * 1e-9;
        /* Vocoder alone: what was made, made again. */
        float *wav = tb_alloc(sound.done * TB_HIFT_HOP * sizeof *wav);
        t = tb_clock_cpu_ns();
        if (!st)
            st = tb_hift_decode(&c->hift, nn, sound.mel, sound.done, sound.source, cancel, wav,
                                NULL);
        double vocode = (double)(tb_clock_cpu_ns() - t) * 1e-9;
        double frames = 2.0 * (double)(v->n_prompt + TOKENS);
        tb_free(wav);
        tb_pcm_clear(&pcm);
        tb_sound_clear(&sound);
        out->token_s = fmin(out->token_s, step);
        out->vocode_s = fmin(out->vocode_s, vocode / (2.0 * TOKENS));
        out->flow_s = fmin(out->flow_s, fmax(all - vocode, 1e-6) / frames / (0.5 + frames / 2000));
    }
    const double threads = pow((double)tb_thread_pool_threads(c->pool), 0.85);
    /* T3 waits for memory: a second thread saves it a sixth where that is slow and a third where it
     * is not (17.6 to 11.4 ms); a stream must not be late in the former. */
    out->token_s /= pow((double)tb_thread_pool_threads(c->pool), 0.25);
    out->flow_s /= threads;
    out->vocode_s /= threads;
    tb_t3_session_free(session);
    tb_t3_prefix_free(prefix);
    tb_free(logits);
    return st;
}

void tb_chatterbox_find_pace(tb_chatterbox *c, const char *path, const tb_cancel *cancel)
{
    tb_pace pace;
    tb_err err = {0};
    if (path && tb_pace_read(path, &pace)) {
        tb_chatterbox_set_pace(c, &pace);
        return;
    }
    if (!c->has_voice) return;
    tb_nn nn = {.scratch = tb_scratch_new()};
    if (measure(c, &nn, cancel, &pace) == TB_OK) {
        pace = tb_pace_round(&pace);
        tb_chatterbox_set_pace(c, &pace);
        if (path && tb_pace_write(path, &pace, &err))
            tb_log(TB_WARN, "engine", "pace=not kept why=\"%s\"", err.msg);
        tb_log(TB_INFO, "engine", "pace token_ms=%.1f flow_us=%.0f vocode_us=%.0f",
               pace.token_s * 1e3, pace.flow_s * 1e6, pace.vocode_s * 1e6);
    }
    tb_scratch_free(nn.scratch);
}
