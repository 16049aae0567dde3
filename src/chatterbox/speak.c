/*
 * Speaking one segment: text ids, T3 in the decode batcher, flow and vocoder under the compute
 * lock.
 *
 * A segment whose length is implausible for its text is generated once more with another stream of
 * random numbers, unless some of it was streamed already. In a stream a chunk is rendered as soon
 * as its tokens are drawn; the session leaves the batcher meanwhile.
 */
#include "base/counter.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "chatterbox/chatterbox_priv.h"
#include "chatterbox/sound.h"
#include "dsp/stretch.h"
#include "text/norm.h"
#include "text/script.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/*
 * English is spoken at about 14 letters a second; slow readings take a third of that, and no
 * reading is five times as fast. A sound (from a tag) lasts up to three seconds. A length outside
 * these bounds means that T3 did not stop, or skipped text.
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

/* The state of one segment while it is generated. */
typedef struct {
    const tb_chatterbox *c;
    tb_nn nn;
    tb_nn_yield yield; /* of a background caller */
    const tb_chatterbox_options *how;
    const tb_cancel *cancel;
    tb_chatterbox_report *report;
    tb_t3_run run;
    tb_sound sound;
    /* streaming only */
    tb_chatterbox_sink sink; /* NULL: whole */
    void *self;
    tb_pace pace;
    size_t next;  /* number of tokens at which the next chunk is due */
    double ahead; /* seconds of sound delivered and not yet played, by the pace */
    size_t last;  /* tokens of the last chunk */
} segment_run;

/* The flow's input: all tokens so far; the closing silence only for the last chunk. Heap. */
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
    /* The pace's cost without T3's part. */
    double cost = tb_pace_cost(&pace, w->how->conds->n_prompt, 0, n) - (double)n * pace.token_s;
    if (w->how->brief) cost = fmin(cost, TB_BRIEF_WORK_S); /* also on a slow machine */
    tb_status st = tb_compute_lock_acquire(w->c->compute_lock, cost, w->how->brief, w->cancel, err);
    if (!st) {
        st = tb_sound_more(&w->sound, &w->nn, speech, n, last, w->cancel, out, err);
        /* The next holder needs as much memory: do not keep it in every thread that was inside
         * once. */
        tb_scratch_trim(w->nn.scratch);
        tb_compute_lock_release(w->c->compute_lock, cost);
    }
    tb_free(speech);
    w->report->pieces++;
    return st;
}

static tb_status deliver(segment_run *w, tb_pcm *pcm, tb_err *err)
{
    tb_status st = pcm->len ? w->sink(w->self, pcm, err) : TB_OK;
    tb_pcm_clear(pcm);
    return st;
}

/* T3 has drawn one more token: render a chunk if one is due. */
static tb_status on_token(void *self, int32_t token, tb_err *err)
{
    segment_run *w = self;
    tb_pcm pcm = {0};
    (void)token;
    if (w->run.n < w->next + TB_SOUND_HELD_TOKENS) return TB_OK;
    tb_batcher_leave(w->run.batcher); /* the other sessions need not wait for this one */
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
        st = tb_t3_generate(session, &w->nn, ids->ids, ids->n, &w->run, w->cancel,
                            w->sink ? on_token : NULL, w, err);
    tb_t3_session_free(session);
    return st;
}

/* Generates the tokens of a text; in a stream, chunks are rendered and delivered on the way. */
static tb_status speak_text(segment_run *w, const char *text, tb_err *err)
{
    tb_bpe_ids ids = {0};
    size_t least, most;
    tb_chatterbox_bounds(text, &least, &most);
    tb_status st = tb_chatterbox_ids(w->c, text, &ids, err);
    if (!st) st = generate_tokens(w, &ids, most, "t3", err);
    bool wrong = !st && (w->run.n < least || w->run.end == TB_T3_EXHAUSTED);
    /* With a single candidate (top_k=1) a second run gives the same; delivered chunks stand. */
    if (wrong && w->run.chose && w->report->pieces == 0) {
        w->report->retried = true;
        st = generate_tokens(w, &ids, most, "t3/again", err);
    }
    if (!st) {
        w->report->cut = w->run.end == TB_T3_EXHAUSTED;
        w->report->tokens = w->run.n;
    }
    tb_bpe_ids_clear(&ids);
    return st;
}

static bool yield_due(void *self)
{
    const segment_run *w = self;
    return tb_priority_must_wait(w->c->priority);
}

static void yield_wait(void *self)
{
    const segment_run *w = self;
    tb_priority_wait(w->c->priority, w->cancel);
}

/* The segment of a brief request is urgent from here to segment_end; that of another yields. */
static void segment_begin(segment_run *w)
{
    char name[80];
    w->yield = (tb_nn_yield){yield_due, yield_wait, w};
    w->nn = (tb_nn){.pool = w->c->pool,
                    .scratch = tb_scratch_new(),
                    .yield = w->how->brief ? NULL : &w->yield};
    if (w->how->brief) tb_priority_begin(w->c->priority);
    *w->report = (tb_chatterbox_report){0};
    segment_name(w->how, name);
    tb_sound_init(&w->sound, &w->c->flow, &w->c->hift, w->how->conds, name);
}

static void segment_end(segment_run *w)
{
    if (w->how->brief) tb_priority_end(w->c->priority);
    w->report->flow_frames = w->sound.flow_frames;
    tb_sound_clear(&w->sound);
    tb_t3_run_clear(&w->run);
    tb_scratch_free(w->nn.scratch);
}

static bool at_normal_speed(const tb_chatterbox_options *how)
{
    return fabs(how->speed - 1) < 1e-9;
}

tb_status tb_chatterbox_stream(const tb_chatterbox *c, const tb_chatterbox_options *how,
                               const char *text, const tb_cancel *cancel, tb_chatterbox_sink sink,
                               void *self, tb_chatterbox_report *report, tb_err *err)
{
    tb_pcm pcm = {0};
    tb_status st;
    if (c->perth || !at_normal_speed(how)) {
        st = tb_chatterbox_speak(c, how, text, cancel, &pcm, report, err);
        if (!st) st = sink(self, &pcm, err);
        tb_pcm_clear(&pcm);
        return st;
    }
    segment_run w = {
        .c = c, .how = how, .cancel = cancel, .report = report, .sink = sink, .self = self};
    w.pace = how->pace.token_s > 0 ? how->pace : tb_chatterbox_pace(c); /* from first to last */
    w.next = w.last = tb_pace_first(&w.pace, how->conds->n_prompt);
    segment_begin(&w);
    st = speak_text(&w, text, err);
    if (!st) st = render_chunk(&w, true, &pcm, err);
    if (!st) st = deliver(&w, &pcm, err);
    segment_end(&w);
    return st;
}

tb_status tb_chatterbox_speak(const tb_chatterbox *c, const tb_chatterbox_options *how,
                              const char *text, const tb_cancel *cancel, tb_pcm *out,
                              tb_chatterbox_report *report, tb_err *err)
{
    tb_pcm pcm = {0}, other = {0};
    segment_run w = {.c = c, .how = how, .cancel = cancel, .report = report};
    segment_begin(&w);
    tb_status st = speak_text(&w, text, err);
    if (!st) st = render_chunk(&w, true, &pcm, err);
    if (!st && c->perth) st = tb_perth_apply(c->perth, &w.nn, &pcm, err);
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
    return st;
}
