/*
 * The generation loop of T3: from the logits of a step to the next token, until the stop token, the
 * limit or a runaway. A run is what one session draws with (sampler, tokens so far, why it ended);
 * the batcher keeps several and steps them together, tb_t3_generate runs one alone, with the same
 * result. docs/model/t3.md. Relies on sampler.h.
 */
#include "model/t3.h"

#include "base/counter.h"
#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <string.h>

void tb_t3_run_init(tb_t3_run *run, const tb_t3 *t3, const tb_sampler_params *params,
                    uint64_t stream, size_t max_more)
{
    *run = (tb_t3_run){.t3 = t3, .stream = stream, .max_more = max_more};
    run->sampler = tb_sampler_new(params, t3->vocab);
    run->tokens = tb_alloc((1 + max_more) * sizeof *run->tokens);
    run->probs = tb_alloc(t3->vocab * sizeof *run->probs);
    /* START is the history of the first draw only. */
    tb_sampler_record(run->sampler, t3->start);
}

void tb_t3_run_clear(tb_t3_run *run)
{
    if (!run) return;
    tb_sampler_free(run->sampler);
    tb_free(run->tokens);
    tb_free(run->probs);
    *run = (tb_t3_run){0};
}

static void finish(tb_t3_run *run, tb_t3_end end)
{
    run->end = end;
    if (run->n && run->tokens[run->n - 1] == run->t3->stop) run->n--;
}

static bool several_left(const float *logits, size_t n)
{
    size_t left = 0;
    for (size_t i = 0; i < n && left < 2; i++)
        left += logits[i] > -INFINITY;
    return left > 1;
}

bool tb_t3_run_filter(tb_t3_run *run, float *logits)
{
    assert(run->end == TB_T3_RUNNING);
    if (!tb_sampler_process(run->sampler, logits)) finish(run, TB_T3_NO_CANDIDATE);
    if (!run->chose) run->chose = several_left(logits, run->t3->vocab);
    return run->end == TB_T3_RUNNING;
}

int32_t tb_t3_run_draw(const tb_t3_run *run, const float *logits)
{
    tb_sampler_probs(logits, run->t3->vocab, run->probs);
    return tb_sampler_pick(run->probs, run->t3->vocab, tb_counter_uniform(run->stream, run->draws));
}

void tb_t3_run_append(tb_t3_run *run, int32_t token)
{
    const bool first = run->draws == 0;
    if (first) tb_sampler_reset(run->sampler);
    tb_sampler_record(run->sampler, token);
    run->tokens[run->n++] = token;
    run->draws++;
    if (token == run->t3->stop && !first) /* the reference does not look at the first */
        finish(run, TB_T3_STOPPED);
    else if (run->draws == 1 + run->max_more)
        finish(run, TB_T3_EXHAUSTED);
}

tb_status tb_t3_run_next(tb_t3_run *run, float *logits, tb_err *err)
{
    for (size_t i = 0; i < run->t3->vocab; i++)
        if (!(logits[i] < INFINITY))
            return tb_fail(err, TB_EMODEL,
                           "the model's answer is not a number (token %zu at step %zu)", i,
                           run->draws);
    if (tb_t3_run_filter(run, logits)) tb_t3_run_append(run, tb_t3_run_draw(run, logits));
    return TB_OK;
}

/* Pauses for more urgent work, outside the batcher: the other sessions need not wait for this one.
 */
static void yield_between_steps(const tb_t3_run *run, const tb_nn *nn)
{
    if (!tb_nn_yield_due(nn)) return;
    if (run->batcher) tb_batcher_leave(run->batcher);
    nn->yield->wait(nn->yield->self);
    if (run->batcher) tb_batcher_join(run->batcher);
}

tb_status tb_t3_generate(tb_t3_session *session, const tb_nn *nn, const int32_t *ids, size_t n,
                         tb_t3_run *run, const tb_cancel *cancel,
                         tb_status (*on_token)(void *self, int32_t token, tb_err *err), void *self,
                         tb_err *err)
{
    const tb_t3 *t3 = tb_t3_session_model(session);
    size_t mark = tb_scratch_mark(nn->scratch);
    float *logits = tb_scratch_f32(nn->scratch, t3->vocab);

    tb_status st = tb_t3_prefill(session, nn, ids, n, cancel, logits, err);
    if (run->batcher) tb_batcher_join(run->batcher);
    while (!st) {
        size_t before = run->n;
        st = tb_t3_run_next(run, logits, err);
        if (!st && on_token && run->n > before && (size_t)run->tokens[before] < t3->codes)
            st = on_token(self, run->tokens[before], err);
        if (st || run->end != TB_T3_RUNNING) break;
        yield_between_steps(run, nn);
        if (tb_cancelled(cancel)) st = tb_fail_cancelled(err);
        if (!st) st = tb_t3_session_reserve(session, 1, err);
        if (st) break;
        if (run->batcher)
            tb_batcher_step(run->batcher, session, run->tokens[run->n - 1], logits);
        else
            tb_t3_step(&session, nn, &run->tokens[run->n - 1], 1, logits);
    }
    if (run->batcher) tb_batcher_leave(run->batcher);
    tb_scratch_release(nn->scratch, mark);
    return st;
}

size_t tb_t3_flow_tokens(const tb_t3 *t3, const int32_t *tokens, size_t n, int32_t *out)
{
    size_t m = 0;
    for (size_t i = 0; i < n; i++)
        if (tokens[i] >= 0 && (size_t)tokens[i] < t3->codes) out[m++] = tokens[i];
    for (size_t i = 0; i < TB_T3_SILENCES; i++)
        out[m++] = TB_T3_SILENCE;
    return m;
}
