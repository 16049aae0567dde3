/*
 * The conditioner: from a person's recording to the conditionals (tb_conds).
 *
 * The front end (front.h) computes every network's input; then the speech tokenizer runs twice (the
 * token prompts of T3 and of the flow), CAM++ once and the voice encoder once. Results are checked
 * to be finite numbers: damaged weights could produce others. docs/model/conditioning.md.
 */
#include "model/conditioner.h"

#include "base/mem.h"
#include "dsp/mel.h"
#include "model/front.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum {
    FLOW_TOKEN_LEN = 960
}; /* samples at 24 kHz for each token of the acoustic decoder's prompt */

/* ------------------------------------------------------------------ binding */

static tb_status check_bands(const char *label, const char *who, size_t found, size_t wanted,
                             tb_err *err)
{
    if (found == wanted) return TB_OK;
    return tb_fail(err, TB_EMODEL,
                   "%s: the %s looks at %zu bands; a recording is given to it in %zu", label, who,
                   found, wanted);
}

tb_status tb_conditioner_bind(tb_weights *weights, tb_conditioner *c, tb_err *err)
{
    const char *label = tb_weights_label(weights);
    tb_conditioner n = {0};

    tb_status st = tb_s3tok_bind(weights, 0, &n.tok, err);
    if (!st) st = tb_campplus_bind(weights, &n.campplus, err);
    if (!st) st = tb_ve_bind(weights, &tb_ve_published, &n.ve, err);
    if (!st) st = check_bands(label, "tokenizer", n.tok.bands, TB_MEL_S3TOK_BANDS, err);
    if (!st) st = check_bands(label, "speaker network", n.campplus.bands, TB_MEL_FBANK_BANDS, err);
    if (!st) st = check_bands(label, "voice encoder", n.ve.bands, TB_MEL_VE_BANDS, err);
    if (!st && n.tok.vocab != TB_CONDS_CODES)
        st = tb_fail(err, TB_EMODEL, "%s: the tokenizer has %zu tokens, the networks behind it %d",
                     label, n.tok.vocab, TB_CONDS_CODES);
    if (st) {
        tb_conditioner_clear(&n);
        return st;
    }
    *c = n;
    return TB_OK;
}

void tb_conditioner_clear(tb_conditioner *c)
{
    if (!c) return;
    tb_s3tok_clear(&c->tok);
    tb_campplus_clear(&c->campplus);
    tb_ve_clear(&c->ve);
}

/* ------------------------------------------------------------------ a recording */

/* All tokens of mel, of which the first `most` are kept. */
static tb_status tokens_of(const tb_conditioner *c, const tb_nn *nn, const tb_frames *mel,
                           size_t most, int32_t **out, size_t *n, tb_err *err)
{
    const size_t len = tb_s3tok_len(mel->rows);
    int32_t *tokens = tb_try_alloc(len, sizeof *tokens);
    if (!tokens) return tb_nomem(err, len, sizeof *tokens);
    tb_s3tok_run(&c->tok, nn, mel->data, mel->rows, tokens, NULL);
    *out = tokens;
    *n = len < most ? len : most;
    return TB_OK;
}

static tb_status floats_init(float **out, size_t n, tb_err *err)
{
    *out = tb_try_alloc(n, sizeof **out);
    return *out ? TB_OK : tb_nomem(err, n, sizeof **out);
}

/* Finite weights can still overflow; and the output of a cancelled network is undefined. */
static tb_status check_numbers(const tb_nn *nn, const float *x, size_t n, const char *who,
                               tb_err *err)
{
    if (tb_cancelled(nn->cancel)) return tb_fail_cancelled(err);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return tb_fail(err, TB_EMODEL, "the %s of this model makes no number of the recording",
                           who);
    return TB_OK;
}

static tb_status make_embedding(const tb_conditioner *c, const tb_nn *nn, const tb_frames *fbank,
                                tb_conds *out, tb_err *err)
{
    out->embedding_dim = c->campplus.dim;
    tb_status st = floats_init(&out->embedding, out->embedding_dim, err);
    if (st) return st;
    tb_campplus_run(&c->campplus, nn, fbank->data, fbank->rows, out->embedding);
    return check_numbers(nn, out->embedding, out->embedding_dim, "speaker network", err);
}

static tb_status make_speaker(const tb_conditioner *c, const tb_nn *nn, const tb_frames *mel,
                              tb_conds *out, tb_err *err)
{
    out->speaker_dim = c->ve.dim;
    tb_status st = floats_init(&out->speaker, out->speaker_dim, err);
    if (st) return st;
    tb_ve_run(&c->ve, nn, mel->data, mel->rows, out->speaker);
    return check_numbers(nn, out->speaker, out->speaker_dim, "voice encoder", err);
}

static tb_status check_cancelled(const tb_cancel *cancel, tb_err *err)
{
    return tb_cancelled(cancel) ? tb_fail_cancelled(err) : TB_OK;
}

tb_status tb_conditioner_run(const tb_conditioner *c, const tb_nn *caller, const tb_pcm *recording,
                             const tb_cancel *cancel, tb_conds *out, tb_err *err)
{
    const tb_nn stoppable = {.pool = caller->pool,
                             .scratch = caller->scratch,
                             .trace = caller->trace,
                             .cancel = cancel};
    const tb_nn *nn = &stoppable;
    const tb_front_tables tables = {.filters = c->tok.filters, .window = c->tok.window};
    tb_front f = {0};
    tb_conds conds = {0};

    tb_status st = check_cancelled(cancel, err);
    if (!st) st = tb_front_make(recording, &tables, cancel, &f, err);
    if (!st)
        st = tokens_of(c, nn, &f.s3_prompt, SIZE_MAX, &conds.t3_prompt, &conds.n_t3_prompt, err);
    if (!st) st = check_cancelled(cancel, err);
    /* Tokens of the whole recording; those are kept for which the mel has both frames. */
    if (!st)
        st = tokens_of(c, nn, &f.s3_flow, f.d24_len / FLOW_TOKEN_LEN, &conds.prompt,
                       &conds.n_prompt, err);
    if (!st) st = check_cancelled(cancel, err);
    if (!st) st = make_embedding(c, nn, &f.fbank, &conds, err);
    if (!st) st = make_speaker(c, nn, &f.ve, &conds, err);
    if (st) goto out;

    conds.prompt_mel = f.mel24.data;
    conds.prompt_frames = f.mel24.rows;
    conds.mels = f.mel24.cols;
    f.mel24.data = NULL; /* the conditionals' now */
    *out = conds;
    conds = (tb_conds){0}; /* the caller's now */

out:
    tb_conds_clear(&conds);
    tb_front_clear(&f);
    return st;
}
