#include "base/mem.h"
#include "model/t3.h"
#include "probe/sound_priv.h"
#include "text/norm.h"

/* The whole engine, greedily: a text in a voice to a waveform. */

/* The text itself, or a list of one. */
static tb_status take_text(const tb_probe *p, const tb_json *v, const tb_json **out, tb_err *err)
{
    *out = tb_json_is_array(v) && tb_json_len(v) == 1 ? tb_json_at(v, 0) : v;
    if (tb_json_is_string(*out)) return TB_OK;
    return tb_fail(err, TB_EINVAL, "%s does not hold one text", tb_cli_get(p->cli, "--text"));
}

static tb_status read_ids(tb_probe *p, tb_bpe_ids *ids, tb_err *err)
{
    tb_json *text = NULL;
    const tb_json *one = NULL;
    char *norm = NULL;
    size_t len = 0;

    tb_status st = tb_probe_read_json(p, "--text", &text, err);
    if (!st) st = take_text(p, text, &one, err);
    if (!st) st = tb_norm_text(tb_json_text(one), tb_json_text_len(one), &norm, &len, err);
    if (!st) st = tb_bpe_encode(p->bpe, norm, len, TB_BPE_MAX_TEXT, ids, err);
    if (!st) tb_probe_put_ids(p, "text_ids", ids->ids, ids->n);
    tb_free(norm);
    tb_json_free(text);
    return st;
}

/* top_k of 1 is the largest logit, so what is drawn does not depend on the stream. */
static const tb_sampler_params greedy = {.temperature = 1,
                                         .top_k = 1,
                                         .top_p = 1,
                                         .repetition_penalty = 1};

static tb_status say(tb_probe *p, const tb_t3 *t3, const tb_conds *voice, const tb_bpe_ids *ids,
                     tb_t3_run *run, tb_err *err)
{
    const tb_t3_voice heard = {.speaker = voice->speaker,
                               .prompt = voice->t3_prompt,
                               .n_prompt = voice->n_t3_prompt};
    tb_t3_prefix *prefix = NULL;
    tb_t3_session *s = NULL;

    if (voice->speaker_dim != t3->speaker_dim)
        return tb_fail(err, TB_EINVAL, "the voice's speaker has %zu numbers, the model wants %zu",
                       voice->speaker_dim, t3->speaker_dim);
    tb_status st = tb_t3_prefix_new(t3, &p->nn, &heard, NULL, &prefix, err);
    if (!st) st = tb_t3_session_new(t3, prefix, &s, err);
    if (!st) st = tb_t3_generate(s, &p->nn, ids->ids, ids->n, run, NULL, NULL, NULL, err);
    tb_t3_session_free(s);
    tb_t3_prefix_free(prefix);
    return st;
}

tb_status tb_probe_e2e(tb_probe *p, tb_err *err)
{
    const char *path = tb_cli_get(p->cli, "--conds");
    const double most = p->set[TB_PROBE_MAX_GEN_LEN];
    tb_conds voice = {0};
    tb_bpe_ids ids = {0};
    tb_t3 t3 = {0};
    tb_t3_run run = {0};
    tb_probe_sound sound = {0};
    void *speech = NULL;

    tb_status st = path ? tb_conds_open(path, &voice, err) : tb_probe_missing(p, "--conds", err);
    if (!st) st = read_ids(p, &ids, err);
    if (!st) st = tb_t3_bind(&t3, p->weights, (size_t)p->set[TB_PROBE_HEADS], err);
    if (st) goto out;
    tb_t3_run_init(&run, &t3, &greedy, 0, most > 0 ? (size_t)most : TB_T3_MAX_MORE);
    st = say(p, &t3, &voice, &ids, &run, err);
    if (!st) st = tb_probe_alloc(p, run.n + TB_T3_SILENCES, sizeof(int32_t), &speech, err);
    if (st) goto out;
    const size_t n = tb_t3_flow_tokens(&t3, run.tokens, run.n, speech);
    tb_probe_put_ids(p, "t3_tokens", run.tokens, run.n);
    tb_probe_put_ids(p, "speech_tokens", speech, n);
    st = tb_probe_voice_sound(p, &voice, speech, n, &sound, err);
    if (st) goto out;
    tb_probe_rename(p, "hift.source", "source");
    tb_probe_put_transposed(p, "mel", sound.mel, sound.frames, sound.mels);
out:
    tb_t3_run_clear(&run);
    tb_t3_clear(&t3);
    tb_bpe_ids_clear(&ids);
    tb_conds_clear(&voice);
    return st;
}
