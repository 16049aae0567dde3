#include "engine/chatterbox.h"

#include "base/counter.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "dsp/mel.h"
#include "dsp/stretch.h"
#include "model/conditioner.h"
#include "model/flow.h"
#include "model/hift.h"
#include "model/perth.h"
#include "text/bpe.h"
#include "text/norm.h"
#include "text/script.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ID_LEN = 16 };

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
    tb_pool *pool;
    tb_talk *talk; /* everybody's steps of T3, together */
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
    tb_str_printf(&all, "%d\n", TB_RECIPE_VERSION);
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
static tb_status check_together(const tb_chatterbox *c, tb_err *err)
{
    const struct {
        const char *what, *from, *to;
        size_t said, heard;
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
        if (all[i].said != all[i].heard)
            return tb_fail(err, TB_EMODEL,
                           "%s: %s has %zu %s, %s wants %zu; these files are not of one model",
                           tb_weights_label(c->weights), all[i].from, all[i].said, all[i].what,
                           all[i].to, all[i].heard);
    return TB_OK;
}

tb_status tb_chatterbox_open(const tb_chatterbox_config *config, tb_chatterbox **out, tb_err *err)
{
    tb_chatterbox *c = tb_alloc(sizeof *c);
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
    if (!st) st = check_together(c, err);
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
    if (!st) st = tb_pool_new(threads, &c->pool, err);
    if (!st) c->talk = tb_talk_new(c->pool);
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
    tb_talk_free(c->talk);
    tb_pool_free(c->pool);
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

bool tb_chatterbox_marks(const tb_chatterbox *c)
{
    return c->perth != NULL;
}

const tb_conds *tb_chatterbox_default(const tb_chatterbox *c)
{
    return c->has_voice ? &c->voice : NULL;
}

tb_status tb_chatterbox_condition(const tb_chatterbox *c, const tb_pcm *clip,
                                  const tb_cancel *cancel, tb_conds *out, tb_err *err)
{
    tb_nn nn = {.pool = c->pool, .scratch = tb_scratch_new()};
    tb_status st = tb_conditioner_run(&c->conditioner, &nn, clip, cancel, out, err);
    tb_scratch_free(nn.scratch);
    return st;
}

static tb_t3_voice heard(const tb_conds *v)
{
    return (tb_t3_voice){.speaker = v->speaker, .prompt = v->t3_prompt, .n_prompt = v->n_t3_prompt};
}

tb_status tb_chatterbox_prefix(const tb_chatterbox *c, const tb_conds *conds,
                               const tb_cancel *cancel, tb_t3_prefix **out, tb_err *err)
{
    tb_t3_voice voice = heard(conds);
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

/* The name of one of a segment's streams: timbre/<seed>/<segment>/<what>. */
static void stream_name(const tb_chatterbox_how *how, const char *what, char out[96])
{
    snprintf(out, 96, "timbre/%llu/%zu/%s", (unsigned long long)how->seed, how->segment, what);
}

/* Text ids to speech tokens; run holds them on TB_OK. */
static tb_status to_tokens(const tb_chatterbox *c, const tb_nn *nn, const tb_chatterbox_how *how,
                           const tb_bpe_ids *ids, size_t most, const char *what,
                           const tb_cancel *cancel, tb_t3_run *run, tb_err *err)
{
    char name[96];
    tb_t3_session *session = NULL;
    stream_name(how, what, name);
    tb_t3_run_init(run, &c->t3, &how->sampler, tb_counter_stream(name), most);
    run->talk = c->talk;
    tb_status st = tb_t3_session_new(&c->t3, how->prefix, &session, err);
    if (!st) st = tb_t3_generate(session, nn, ids->ids, ids->n, run, cancel, NULL, NULL, err);
    tb_t3_session_free(session);
    if (st) tb_t3_run_clear(run);
    return st;
}

/* Speech tokens to sound. */
static tb_status to_sound(const tb_chatterbox *c, const tb_nn *nn, const tb_chatterbox_how *how,
                          const int32_t *tokens, size_t n, const tb_cancel *cancel, tb_pcm *out,
                          tb_err *err)
{
    const tb_conds *v = how->conds;
    const size_t mels = c->flow.mels, rows = 2 * (v->n_prompt + n);
    size_t mark = tb_scratch_mark(nn->scratch);
    char name[96], noise_name[96];
    tb_pcm made = {0};
    float *noise = tb_scratch_f32(nn->scratch, rows * mels);
    tb_flow_input in = {.prompt = v->prompt,
                        .n_prompt = v->n_prompt,
                        .prompt_mel = v->prompt_mel,
                        .prompt_frames = v->prompt_frames,
                        .embedding = v->embedding,
                        .tokens = tokens,
                        .n = n,
                        .noise = noise};
    const size_t frames = tb_flow_frames(&in), len = frames * TB_HIFT_HOP;
    float *mel = tb_scratch_f32(nn->scratch, frames * mels); /* (frames, mels) */
    float *f0 = tb_scratch_f32(nn->scratch, frames);
    float *source = tb_scratch_f32(nn->scratch, len);
    tb_hift_osc osc;

    stream_name(how, "flow", name);
    tb_flow_noise(name, 0, rows, mels, noise);
    tb_status st = tb_flow_run(&c->flow, nn, &in, cancel, mel, err);
    if (st) goto out;
    tb_hift_f0(&c->hift, nn, mel, frames, f0);
    stream_name(how, "phase", name);
    stream_name(how, "noise", noise_name);
    tb_hift_osc_init(&osc, name, noise_name);
    tb_hift_source(&c->hift, f0, frames, NULL, &osc, source);
    st = tb_pcm_init(&made, len, TB_HIFT_RATE_HZ, err);
    if (!st) st = tb_hift_decode(&c->hift, nn, mel, frames, source, cancel, made.data, err);
    if (st) goto out;
    tb_fade(made.data, made.len);
    *out = made;
    made = (tb_pcm){0};
out:
    tb_pcm_clear(&made);
    tb_scratch_release(nn->scratch, mark);
    return st;
}

tb_status tb_chatterbox_say(const tb_chatterbox *c, const tb_chatterbox_how *how, const char *text,
                            const tb_cancel *cancel, tb_pcm *out, tb_chatterbox_said *said,
                            tb_err *err)
{
    tb_nn nn = {.pool = c->pool, .scratch = tb_scratch_new()};
    tb_bpe_ids ids = {0};
    tb_t3_run run = {0};
    tb_pcm pcm = {0}, other = {0};
    int32_t *speech = NULL;
    size_t least, most;

    *said = (tb_chatterbox_said){0};
    tb_chatterbox_bounds(text, &least, &most);
    tb_status st = tb_chatterbox_ids(c, text, &ids, err);
    if (!st) st = to_tokens(c, &nn, how, &ids, most, "t3", cancel, &run, err);
    if (st) goto out;
    if (run.n < least || run.end == TB_T3_EXHAUSTED) {
        tb_t3_run_clear(&run);
        said->retried = true;
        st = to_tokens(c, &nn, how, &ids, most, "t3/again", cancel, &run, err);
        if (st) goto out;
        said->cut = run.end == TB_T3_EXHAUSTED;
    }
    said->tokens = run.n;
    speech = tb_alloc((run.n + TB_T3_SILENCES) * sizeof *speech);
    size_t n = tb_t3_speech(&c->t3, run.tokens, run.n, speech);
    st = to_sound(c, &nn, how, speech, n, cancel, &pcm, err);
    if (!st && c->perth) st = tb_perth_apply(c->perth, &nn, &pcm, err);
    if (!st && fabs(how->speed - 1) > 1e-9) {
        st = tb_stretch(&pcm, how->speed, &other, err);
        tb_pcm_clear(&pcm);
        pcm = other;
    }
    if (st) goto out;
    *out = pcm;
    pcm = (tb_pcm){0};
out:
    tb_pcm_clear(&pcm);
    tb_t3_run_clear(&run);
    tb_free(speech);
    tb_bpe_ids_clear(&ids);
    tb_scratch_free(nn.scratch);
    return st;
}
