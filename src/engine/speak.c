/*
 * Speaking one item of a plan: speech, a sound or a pause, by the engine that the plan names,
 * followed by its silence. Sound goes to a sink as it is generated. A plan of the neural engine
 * streams chunk by chunk if asked to; the embedded engine renders an item at a time.
 */
#include "engine/engine_priv.h"

#include <math.h>
#include <string.h>

static tb_status silence(double seconds, tb_pcm_sink sink, void *self, tb_err *err)
{
    tb_pcm quiet = {0};
    size_t len = (size_t)lround(seconds * TB_RATE_HZ);
    if (len == 0) return TB_OK;
    tb_status st = tb_pcm_init(&quiet, len, TB_RATE_HZ, err);
    if (!st) st = sink(self, &quiet, err);
    tb_pcm_clear(&quiet);
    return st;
}

/*
 * The tones that the model has no token for move the sampling: livelier, calmer, quieter. The same
 * words written as one of its tags (happy, narration) reach it as that tag.
 */
static double warmth(tb_tag tone)
{
    switch (tone) {
    case TB_TAG_HAPPY:
        return 1.15;
    case TB_TAG_NARRATION:
        return 0.75;
    case TB_TAG_SAD:
        return 0.9;
    default:
        return 1;
    }
}

static double given(double x, double fallback)
{
    return isnan(x) ? fallback : x;
}

/* Is anything said after item i? */
static bool has_next_segment(const tb_plan *plan, size_t i)
{
    for (i++; i < plan->script.n; i++)
        if (plan->script.items[i].kind != TB_ITEM_BED) return true;
    return false;
}

/*
 * A piece begins with a fade of the model's own; where another follows it also ends with one, so
 * that nothing clicks. The very end stays as the model made it. Streamed sound does not know its
 * end, so the last few milliseconds are always kept back for what comes.
 */
enum { SEAM = 240 }; /* samples, 10 ms */

typedef struct {
    tb_pcm_sink sink;
    void *self;
    float kept[SEAM];
    size_t n;
} seam;

static tb_status forward_chunk(seam *s, const float *data, size_t len, tb_err *err)
{
    tb_pcm pcm = {0};
    if (len == 0) return TB_OK;
    tb_status st = tb_pcm_init(&pcm, len, TB_RATE_HZ, err);
    if (st) return st;
    memcpy(pcm.data, data, len * sizeof *data);
    st = s->sink(s->self, &pcm, err);
    tb_pcm_clear(&pcm);
    return st;
}

static tb_status through_seam(void *self, const tb_pcm *pcm, tb_err *err)
{
    seam *s = self;
    const size_t all = s->n + pcm->len, out = all > SEAM ? all - SEAM : 0;
    const size_t old = out < s->n ? out : s->n; /* of what was kept, what goes now */
    tb_status st = forward_chunk(s, s->kept, old, err);
    if (!st) st = forward_chunk(s, pcm->data, out - old, err);
    memmove(s->kept, s->kept + old, (s->n - old) * sizeof *s->kept);
    memcpy(s->kept + s->n - old, pcm->data + (out - old),
           (pcm->len - (out - old)) * sizeof *s->kept);
    s->n = all - out;
    return st;
}

static tb_status end_seam(seam *s, bool more, tb_err *err)
{
    for (size_t k = 0; more && k < s->n; k++)
        s->kept[s->n - 1 - k] *= (float)k / SEAM;
    return forward_chunk(s, s->kept, s->n, err);
}

static tb_status say_neural(tb_engine *e, const tb_plan *plan, size_t i, const tb_voice *voice,
                            const tb_cancel *cancel, tb_pcm_sink sink, void *self,
                            tb_spoken *spoken, tb_err *err)
{
    const tb_script_item *item = &plan->script.items[i];
    const tb_engine_opts *o = &plan->opts;
    tb_chatterbox_report said;
    tb_pcm pcm = {0};
    tb_chatterbox_options how = {
        .conds = voice->conds,
        .prefix = voice->prefix,
        .sampler = {.temperature = o->temperature * warmth(item->tag),
                    .top_k = o->top_k >= 0 ? (size_t)o->top_k : tb_sampler_defaults.top_k,
                    .top_p = given(o->top_p, tb_sampler_defaults.top_p),
                    .repetition_penalty =
                        given(o->repetition_penalty, tb_sampler_defaults.repetition_penalty)},
        .speed = o->speed,
        .seed = o->seed,
        .pace = plan->pace,
        .brief = plan->brief,
        .segment = item->sentence,
    };
    const tb_chatterbox *c = tb_model_handle_get(e->neural);
    const bool more = has_next_segment(plan, i);
    seam end = {.sink = sink, .self = self};
    tb_status st;
    if (plan->stream) {
        st = tb_chatterbox_stream(c, &how, item->text, cancel, through_seam, &end, &said, err);
    } else {
        st = tb_chatterbox_speak(c, &how, item->text, cancel, &pcm, &said, err);
        if (!st) st = through_seam(&end, &pcm, err);
        tb_pcm_clear(&pcm);
    }
    if (!st) st = end_seam(&end, more, err);
    spoken->retried += said.retried;
    /* The model's own silence at the end of a piece is part of the gap. */
    double gap = item->gap_after - (double)TB_T3_SILENCES * 0.04;
    if (!st && more && gap > 0) st = silence(gap / o->speed, sink, self, err);
    return st;
}

tb_status tb_engine_speak(tb_engine *e, const tb_plan *plan, size_t i, const tb_voice *voice,
                          const tb_cancel *cancel, tb_pcm_sink sink, void *self, tb_spoken *spoken,
                          tb_err *err)
{
    const tb_script_item *item = &plan->script.items[i];
    tb_pcm pcm = {0};
    if (item->kind == TB_ITEM_PAUSE) return silence(item->seconds, sink, self, err);
    if (item->kind == TB_ITEM_BED) return TB_OK;
    if (tb_plan_is_neural(plan))
        return say_neural(e, plan, i, voice, cancel, sink, self, spoken, err);
    tb_embedded_voice how = {
        .language = plan->language,
        .reference = voice->has_embedded ? &voice->embedded : NULL,
        .temperature = plan->opts.temperature,
        .speed = plan->opts.speed,
        .seed = plan->opts.seed,
    };
    tb_status st = tb_embedded_say(e->embedded, &how, item, cancel, &pcm, err);
    if (!st && pcm.len > 0) st = sink(self, &pcm, err);
    /* A sound that this engine lacks still ends its sentence; a piece of no sound does not. */
    if (!st && (pcm.len > 0 || item->kind == TB_ITEM_SOUND))
        st = silence(item->gap_after / plan->opts.speed, sink, self, err);
    tb_pcm_clear(&pcm);
    return st;
}
