#ifndef TB_MODEL_T3_H
#define TB_MODEL_T3_H

#include "base/cancel.h"
#include "model/batcher.h"
#include "model/kv_cache.h"
#include "model/sampler.h"
#include "nn/bind.h"

/*
 * T3: text to speech tokens, 25 a second. A GPT-2 decoder over embeddings:
 *
 *   [speaker][prompt speech tokens, P] [text ids, N] [START] | speech tokens ...
 *    \--------- the prefix --------/    \--- prefill ---/       steps
 *
 * The prefix depends on the voice alone. It is always computed by itself, so a prefix that was kept
 * and a new one hold the same bits, and so does all speech generated with them.
 * The maths: docs/model/t3.md.
 */

enum {
    TB_T3_MAX_MORE = 1000, /* tokens after the first, in the reference: 40 s in all */
    TB_T3_SILENCE = 4299,  /* the speech token that the vocoder is given three of at the end */
    TB_T3_SILENCES = 3,
};

typedef struct {
    tb_mat qkv, out, fc, proj;
    const float *ln1_g, *ln1_b, *ln2_g, *ln2_b; /* (D) */
} tb_t3_layer;

/* Bound weights: views, immutable, shared by threads. The sizes are the tensors'. */
typedef struct {
    size_t D, n_layers, heads;
    size_t text_vocab, vocab, codes; /* speech: codes, then START and STOP: vocab = codes + 2 */
    size_t max_positions;            /* of prefix, text and speech together */
    size_t speaker_dim;
    int32_t start, stop;
    tb_dtype kv_type;                       /* f32 when the matrices are, else f16 */
    tb_mat speaker, head;                   /* (D, speaker_dim), (vocab, D) */
    tb_mat text_emb, speech_emb, positions; /* tables of D-wide rows */
    tb_t3_layer *layers;                    /* (n_layers) */
    const float *lnf_g, *lnf_b;             /* (D) */
} tb_t3;

/* heads 0: D / 64, as in every published model. The set must outlive t3. TB_EMODEL names the tensor
 * that is missing or wrong. */
TB_MUST_CHECK tb_status tb_t3_bind(tb_t3 *t3, tb_weights *weights, size_t heads, tb_err *err);
void tb_t3_clear(tb_t3 *t3);

/* T3's input from a voice. */
typedef struct {
    const float *speaker;  /* (speaker_dim) */
    const int32_t *prompt; /* (n_prompt) speech tokens; 375 are 15 s of reference */
    size_t n_prompt;
    const float *prompt_emb; /* (n_prompt, D): used in place of the lookup; usually NULL */
} tb_t3_voice;

/* A voice's keys and values. Immutable; threads may share one, each with its own reference. */
typedef struct tb_t3_prefix tb_t3_prefix;

/* TB_EINVAL: a prompt token outside the vocabulary, or more positions than the model has. */
TB_MUST_CHECK tb_status tb_t3_prefix_new(const tb_t3 *t3, const tb_nn *nn, const tb_t3_voice *voice,
                                         const tb_cancel *cancel, tb_t3_prefix **out, tb_err *err);
tb_t3_prefix *tb_t3_prefix_ref(tb_t3_prefix *prefix);
void tb_t3_prefix_free(tb_t3_prefix *prefix); /* gives the caller's reference back */
size_t tb_t3_prefix_positions(const tb_t3_prefix *prefix);

/* As bytes to keep beside the voice. They say which sizes they are of, not which weights: key them
 * by the model's hash. unpack: TB_EMODEL when they are not a prefix for a model of these sizes. */
size_t tb_t3_prefix_packed_size(const tb_t3_prefix *prefix);
void tb_t3_prefix_pack(const tb_t3_prefix *prefix, void *out);
TB_MUST_CHECK tb_status tb_t3_prefix_unpack(const tb_t3 *t3, const void *data, size_t size,
                                            tb_t3_prefix **out, tb_err *err);

/* One utterance in the network: its KV cache behind a voice's prefix. One thread at a time. */
typedef struct tb_t3_session tb_t3_session;

/* The prefix is not copied but held: the session has a reference of its own. t3 must outlive it. */
TB_MUST_CHECK tb_status tb_t3_session_new(const tb_t3 *t3, tb_t3_prefix *prefix,
                                          tb_t3_session **out, tb_err *err);
void tb_t3_session_free(tb_t3_session *session);
size_t tb_t3_session_positions(const tb_t3_session *session);
const tb_t3 *tb_t3_session_model(const tb_t3_session *session);

/* Text and START after the prefix, once per session. logits (vocab): of the first speech token.
 * TB_EINVAL: an id outside the vocabulary, or more positions than the model has. */
TB_MUST_CHECK tb_status tb_t3_prefill(tb_t3_session *session, const tb_nn *nn, const int32_t *ids,
                                      size_t n, const tb_cancel *cancel, float *logits,
                                      tb_err *err);

/* Makes sure that n more steps have room: TB_EINVAL beyond the model's positions, TB_ENOMEM. */
TB_MUST_CHECK tb_status tb_t3_session_reserve(tb_t3_session *session, size_t n, tb_err *err);

/* One token for each of n different sessions of one model, each with room for it, wherever it
 * stands. A session's logits do not depend on the others.
 *   tokens (n)         each session's last token
 *   logits (n, vocab)  of each session's next token
 */
void tb_t3_step(tb_t3_session *const *sessions, const tb_nn *nn, const int32_t *tokens, size_t n,
                float *logits);

/*
 * The state of a generation loop, one draw at a time, so that a caller that steps many sessions
 * together can drive it as well as tb_t3_generate. Call tb_t3_run_next after the prefill and after
 * every step.
 */
typedef enum {
    TB_T3_RUNNING,
    TB_T3_STOPPED,      /* the model drew STOP */
    TB_T3_EXHAUSTED,    /* max_more tokens after the first, and no STOP */
    TB_T3_NO_CANDIDATE, /* the filters left nothing to draw from */
} tb_t3_end;

typedef struct {
    const tb_t3 *t3;
    tb_sampler *sampler;
    uint64_t stream; /* of base/counter.h; draw i uses its i-th number */
    size_t max_more;
    int32_t
        *tokens; /* (n) drawn so far, without the STOP that ended it; START or STOP may be inside */
    size_t n;
    size_t draws;
    bool chose; /* some draw had more than one candidate: another seed may give other speech */
    tb_t3_end end;
    float *probs;        /* (vocab), buffer */
    tb_batcher *batcher; /* that runs generate's decode steps; NULL: it steps alone */
} tb_t3_run;

void tb_t3_run_init(tb_t3_run *run, const tb_t3 *t3, const tb_sampler_params *params,
                    uint64_t stream, size_t max_more);
void tb_t3_run_clear(tb_t3_run *run);
/* The three parts of next: filter (false when no candidate is left), draw, append. */
bool tb_t3_run_filter(tb_t3_run *run, float *logits);
int32_t tb_t3_run_draw(const tb_t3_run *run, const float *logits);
void tb_t3_run_append(tb_t3_run *run, int32_t token);
/* Changes logits. While run->end is TB_T3_RUNNING, step with run->tokens[run->n - 1]. TB_EMODEL
 * when the logits are no numbers. */
TB_MUST_CHECK tb_status tb_t3_run_next(tb_t3_run *run, float *logits, tb_err *err);

/* Prefill and loop for one utterance; run was made by init, run->batcher may be set. on_token (may
 * be NULL) is called with each drawn token except START and STOP, and may end it with a status of
 * its own; if it takes its time it leaves run->batcher before and joins it after. Cancelled within
 * one step. */
TB_MUST_CHECK tb_status tb_t3_generate(tb_t3_session *session, const tb_nn *nn, const int32_t *ids,
                                       size_t n, tb_t3_run *run, const tb_cancel *cancel,
                                       tb_status (*on_token)(void *self, int32_t token,
                                                             tb_err *err),
                                       void *self, tb_err *err);

/* The flow's input: the drawn tokens that are sounds, then the closing silence. out has room for n
 * + TB_T3_SILENCES; returns how many there are. */
size_t tb_t3_flow_tokens(const tb_t3 *t3, const int32_t *tokens, size_t n, int32_t *out);

#endif
