/*
 * Opening a Chatterbox model: binds its networks to their weights, checks that every tensor is used
 * by one network and that each network's output width matches the next one's input width, opens the
 * tokenizer, the built-in voice and the watermark, and creates the thread pool, the decode batcher
 * and the compute lock. The model's id is a hash over names, shapes, types and some numbers of all
 * tensors. Immutable afterwards, except for the pace (measure_pace.c).
 */
#include "chatterbox/chatterbox_priv.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "dsp/mel.h"

#include <string.h>
#include <unistd.h>

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

/* While a brief request is under way, long ones have a quarter of the time. */
enum { PAUSE_NS = 120000000, RUN_NS = 40000000 };

/* Checks that each network's output width matches the next one's input width. */
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
    c->priority = tb_priority_new(PAUSE_NS, RUN_NS);
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
        const void *conds = tb_model_file(c->weights, TB_FILE_VOICE, &size);
        if (conds) {
            st = tb_conds_read(conds, size, TB_FILE_VOICE, &c->voice, err);
            if (!st) st = tb_chatterbox_check_voice(c, &c->voice, err);
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
    c->model = tb_model_entry(c->weights)->repository;
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
    tb_priority_free(c->priority);
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
