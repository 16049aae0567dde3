/*
 * timbre probe: the stages from a text to speech tokens (tokenizer, sampler, T3).
 *
 * T3 is run greedily, so that each step's logits can be compared, and through the sampler's
 * processors. docs/model/probe.md. Relies on io.c, text/bpe.h, model/sampler.h, model/t3.h.
 */
#include "base/mem.h"
#include "model/sampler.h"
#include "model/t3.h"
#include "probe/probe_priv.h"
#include "text/norm.h"

#include <math.h>
#include <string.h>

/* --------------------------------------------------------------- tokenizer */

static tb_status put_ids(tb_probe *p, const char *kind, size_t i, const char *text, size_t len,
                         tb_err *err)
{
    char name[32];
    tb_bpe_ids ids = {0};
    tb_status st = tb_bpe_encode(p->bpe, text, len, TB_BPE_MAX_TEXT, &ids, err);

    snprintf(name, sizeof name, "%s.%zu", kind, i);
    if (!st) tb_probe_put_ids(p, name, ids.ids, ids.n);
    tb_bpe_ids_clear(&ids);
    return st;
}

static tb_status put_text(tb_probe *p, size_t i, const tb_json *v, tb_err *err)
{
    char name[32], *norm = NULL;
    size_t len = 0;

    if (!tb_json_is_string(v)) return tb_fail(err, TB_EINVAL, "text %zu is no string", i);
    tb_status st = put_ids(p, "raw", i, tb_json_text(v), tb_json_text_len(v), err);
    if (!st) st = tb_norm_text(tb_json_text(v), tb_json_text_len(v), &norm, &len, err);
    if (!st) st = put_ids(p, "ids", i, norm, len, err);
    if (!st) {
        snprintf(name, sizeof name, "norm.%zu", i);
        tb_probe_put(p, name, TB_U8, norm, 1, &len);
    }
    tb_free(norm);
    return st;
}

tb_status tb_probe_tokenizer(tb_probe *p, tb_err *err)
{
    tb_json *texts = NULL;
    tb_status st = tb_probe_read_json(p, "--text", &texts, err);

    if (!st && !tb_json_is_array(texts))
        st = tb_fail(err, TB_EINVAL, "%s holds no list", tb_cli_get(p->cli, "--text"));
    for (size_t i = 0; !st && i < tb_json_len(texts); i++)
        st = put_text(p, i, tb_json_at(texts, i), err);
    tb_json_free(texts);
    return st;
}

/* ----------------------------------------------------------------- sampler */

static tb_status read_params(const tb_json *c, size_t i, tb_sampler_params *out, tb_err *err)
{
    static const char *const names[] = {"temperature", "top_k", "top_p", "repetition_penalty"};
    double x[4];

    for (size_t j = 0; j < 4; j++) {
        const tb_json *v = tb_json_get(c, names[j]);

        if (!tb_json_is_number(v))
            return tb_fail(err, TB_EINVAL, "case %zu has no number %s", i, names[j]);
        x[j] = tb_json_number(v);
        if (!(x[j] >= 0 && x[j] <= 1e9))
            return tb_fail(err, TB_EINVAL, "case %zu: %s is %g", i, names[j], x[j]);
    }
    if (!(x[3] > 0)) return tb_fail(err, TB_EINVAL, "case %zu: %s must be above 0", i, names[3]);
    *out = (tb_sampler_params){.temperature = x[0],
                               .top_k = (size_t)x[1],
                               .top_p = x[2],
                               .repetition_penalty = x[3]};
    return TB_OK;
}

static tb_status note_history(tb_sampler *s, const tb_json *history, size_t n, tb_err *err)
{
    for (size_t i = 0; i < tb_json_len(history); i++) {
        const tb_json *v = tb_json_at(history, i);
        const int64_t token = tb_json_is_int(v) ? tb_json_integer(v) : -1;

        if (token < 0 || (uint64_t)token >= n)
            return tb_fail(err, TB_EINVAL, "the history's entry %zu is no token of %zu", i, n);
        tb_sampler_record(s, (int32_t)token);
    }
    return TB_OK;
}

/* The sampler takes no others. */
static tb_status check_numbers(const float *x, size_t n, tb_err *err)
{
    for (size_t i = 0; i < n; i++)
        if (!(x[i] < INFINITY)) return tb_fail(err, TB_EINVAL, "logit %zu is no number", i);
    return TB_OK;
}

static tb_status run_sampler_case(tb_probe *p, size_t i, const tb_json *c, tb_err *err)
{
    const char *logits = tb_json_get_string(c, "logits");
    const float *x;
    size_t n = 0;
    void *made;
    tb_sampler *s = NULL;
    tb_sampler_params params;
    char name[32];

    if (!logits) return tb_fail(err, TB_EINVAL, "case %zu does not name its logits", i);
    tb_status st = tb_probe_f32(p, logits, 1, &n, &x, err);
    if (!st) st = read_params(c, i, &params, err);
    if (!st) st = tb_probe_alloc(p, n, sizeof *x, &made, err);
    if (st) return st;
    st = check_numbers(x, n, err);
    if (st) return st;
    memcpy(made, x, n * sizeof *x);
    s = tb_sampler_new(&params, n);
    st = note_history(s, tb_json_get(c, "history"), n, err);
    if (!st && !tb_sampler_process(s, made))
        st = tb_fail(err, TB_EINVAL, "case %zu leaves nothing to draw from", i);
    if (!st) {
        tb_sampler_probs(made, n, made);
        snprintf(name, sizeof name, "case%zu.probs", i);
        tb_probe_put_f32(p, name, made, n);
    }
    tb_sampler_free(s);
    return st;
}

tb_status tb_probe_sampler(tb_probe *p, tb_err *err)
{
    const tb_json *cases = p->recorded ? tb_json_get(p->recorded, "cases") : NULL;
    tb_status st = TB_OK;

    if (!p->recorded) return tb_probe_missing(p, "--case", err);
    if (!tb_json_is_array(cases))
        return tb_fail(err, TB_EINVAL, "%s has no list of cases", tb_cli_get(p->cli, "--case"));
    for (size_t i = 0; !st && i < tb_json_len(cases); i++)
        st = run_sampler_case(p, i, tb_json_at(cases, i), err);
    return st;
}

/* ---------------------------------------------------------------------- t3 */

enum { GREEDY_STEPS = 12, PROC_STEPS = 40 };

typedef struct {
    tb_t3 t3;
    tb_t3_prefix *prefix;
    const int32_t *ids, *prompt, *rows; /* rows NULL: all of them */
    size_t n_ids, n_prompt, n_rows;
    float *logits; /* (vocab) */
    float *probs;  /* (vocab) */
} t3_run;

static int32_t argmax(const float *x, size_t n)
{
    size_t best = 0;

    for (size_t i = 1; i < n; i++)
        if (x[i] > x[best]) best = i;
    return (int32_t)best;
}

static tb_status begin_t3(tb_probe *p, t3_run *r, tb_err *err)
{
    tb_t3_voice voice = {0};
    void *floats = NULL;
    size_t dim[1];
    tb_status st = tb_t3_bind(&r->t3, p->weights, (size_t)p->set[TB_PROBE_HEADS], err);

    dim[0] = r->t3.speaker_dim;
    if (!st) st = tb_probe_ids(p, "text_ids", &r->ids, &r->n_ids, err);
    if (!st) st = tb_probe_ids(p, "cond_prompt_speech_tokens", &r->prompt, &r->n_prompt, err);
    if (!st) st = tb_probe_f32(p, "speaker_emb", 1, dim, &voice.speaker, err);
    if (!st && tb_probe_has(p, "rows")) st = tb_probe_ids(p, "rows", &r->rows, &r->n_rows, err);
    if (!st) st = tb_probe_alloc(p, 2 * r->t3.vocab, sizeof(float), &floats, err);
    if (st) return st;
    r->logits = floats;
    r->probs = r->logits + r->t3.vocab;
    voice.prompt = r->prompt;
    voice.n_prompt = r->n_prompt;
    return tb_t3_prefix_new(&r->t3, &p->nn, &voice, NULL, &r->prefix, err);
}

static tb_status next_logits(tb_probe *p, t3_run *r, tb_t3_session *s, int32_t token, tb_err *err)
{
    tb_status st = tb_t3_session_reserve(s, 1, err);

    if (!st) tb_t3_step(&s, &p->nn, &token, 1, r->logits);
    return st;
}

/* The prefill's arrays, and the steps of the largest raw logit. */
static tb_status run_greedy(tb_probe *p, t3_run *r, tb_err *err)
{
    const size_t n = p->set[TB_PROBE_STEPS] > 0 ? (size_t)p->set[TB_PROBE_STEPS] : GREEDY_STEPS;
    const size_t V = r->t3.vocab;
    tb_t3_session *s = NULL;
    int32_t *tokens = tb_alloc(n * sizeof *tokens);
    tb_status st = tb_t3_session_new(&r->t3, r->prefix, &s, err);

    if (!st) st = tb_t3_prefill(s, &p->nn, r->ids, r->n_ids, NULL, r->logits, err);
    if (!st && r->rows) st = tb_probe_choose(p, "prefill.", r->rows, r->n_rows, err);
    p->trace_only = "step."; /* a step has no other names, but says the prefill's */
    for (size_t i = 0; !st && i < n; i++) {
        tokens[i] = argmax(r->logits, V);
        if (i + 1 < n) st = next_logits(p, r, s, tokens[i], err);
    }
    if (!st) {
        tb_probe_rename(p, "step.hidden", "greedy.hidden");
        tb_probe_rename(p, "step.logits", "greedy.logits");
        tb_probe_put_ids(p, "greedy.tokens", tokens, n);
        const float *all = tb_probe_find(p, "greedy.logits")->data;
        float *both = tb_alloc(2 * V * sizeof *both);
        memcpy(both, all, V * sizeof *both);
        memcpy(both + V, all + (n - 1) * V, V * sizeof *both);
        tb_probe_put_rows(p, "greedy.logits_first_last", both, 2, V);
        tb_free(both);
    }
    tb_t3_session_free(s);
    tb_free(tokens);
    return st;
}

/* The sampler at its defaults, each draw replaced by the largest processed logit. */
static tb_status run_processed(tb_probe *p, t3_run *r, tb_err *err)
{
    const size_t V = r->t3.vocab;
    tb_t3_session *s = NULL;
    tb_t3_run run;
    char name[32];
    tb_status st = tb_t3_session_new(&r->t3, r->prefix, &s, err);

    p->nn.trace = NULL;
    tb_t3_run_init(&run, &r->t3, &tb_sampler_defaults, 0, PROC_STEPS - 1);
    if (!st) st = tb_t3_prefill(s, &p->nn, r->ids, r->n_ids, NULL, r->logits, err);
    for (size_t i = 0; !st; i++) {
        snprintf(name, sizeof name, "proc.logits%zu", i);
        tb_probe_put_f32(p, name, r->logits, V);
        st = check_numbers(r->logits, V, err);
        if (st) break;
        if (!tb_t3_run_filter(&run, r->logits)) break;
        tb_sampler_probs(r->logits, V, r->probs);
        snprintf(name, sizeof name, "proc.probs%zu", i);
        tb_probe_put_f32(p, name, r->probs, V);
        tb_t3_run_append(&run, argmax(r->logits, V));
        if (run.end != TB_T3_RUNNING) break;
        st = next_logits(p, r, s, run.tokens[run.n - 1], err);
    }
    if (!st) tb_probe_put_ids(p, "proc.tokens", run.tokens, run.n);
    tb_t3_run_clear(&run);
    tb_t3_session_free(s);
    return st;
}

tb_status tb_probe_t3(tb_probe *p, tb_err *err)
{
    t3_run r = {0};

    p->trace_joins = true; /* the prefix's rows, the text's, one per step */
    p->trace_only = NULL;
    tb_probe_record_trace(p);
    tb_status st = begin_t3(p, &r, err);
    if (!st) st = run_greedy(p, &r, err);
    if (!st) st = run_processed(p, &r, err);
    tb_t3_prefix_free(r.prefix);
    tb_t3_clear(&r.t3);
    return st;
}
