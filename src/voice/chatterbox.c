#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "dsp/trim.h"
#include "voice/family_priv.h"

#include <stdio.h>
#include <string.h>

/*
 * Voices of chatterbox-turbo, in two parts: the conditionals, and T3's keys and values of them (the
 * prefix). Both are of one model: its id is in the names they are kept under.
 */

static bool kind(const tb_model_handle *model, size_t i, char out[TB_VOICE_KIND])
{
    snprintf(out, TB_VOICE_KIND, i == 0 ? "conds-%s" : "prefix-%s", tb_model_handle_id(model));
    return i < TB_VOICE_PARTS;
}

/* Completes a neural voice with its prefix. */
static tb_status add_prefix(const tb_chatterbox *c, tb_voice *v, const tb_cancel *cancel,
                            tb_err *err)
{
    return tb_chatterbox_prefix(c, v->conds, cancel, &v->prefix, err);
}

/* A voice outlives the loan of the model that it came with. */
static tb_status copy_conds(const tb_conds *from, tb_conds *to, tb_err *err)
{
    void *packed = NULL;
    size_t size;
    tb_status st = tb_conds_pack(from, &packed, &size, err);
    if (!st) st = tb_conds_unpack(packed, size, to, err);
    tb_free(packed);
    return st;
}

/*
 * The model hears the beginning of a recording only. Where more than two seconds of silence lead,
 * they are left out: the reference would make a voice of the silence. Other recordings stay as they
 * are.
 */
static tb_status skip_silence(tb_pcm *recording, tb_err *err)
{
    static const double below_db = 40, keep_s = 0.2, least_s = 2;
    size_t start, end;
    float *power = tb_try_alloc(tb_trim_frames(recording->len), sizeof *power);
    if (!power) return tb_nomem(err, tb_trim_frames(recording->len), sizeof *power);
    tb_trim_powers(recording->data, recording->len, power);
    tb_trim_bounds(power, recording->len, below_db, &start, &end);
    tb_free(power);
    if ((double)start > least_s * recording->rate_hz) {
        start -= (size_t)(keep_s * recording->rate_hz);
        recording->data += start;
        recording->len -= start;
    }
    return TB_OK;
}

static tb_status make(tb_model_handle *model, const char *id, const char *hash,
                      const tb_pcm *recording, const char *field, const tb_cancel *cancel,
                      tb_voice **out, tb_err *err)
{
    const tb_chatterbox *c = tb_model_handle_get(model);
    tb_voice *v = tb_voice_new(id, hash);
    tb_status st = TB_OK;
    if (recording) {
        v->seconds = tb_pcm_seconds(recording);
        tb_pcm trimmed = *recording; /* borrowed */
        st = skip_silence(&trimmed, err);
        if (!st) st = tb_chatterbox_condition(c, &trimmed, cancel, &v->own, err);
        if (st == TB_EINVAL && err && field) snprintf(err->field, sizeof err->field, "%s", field);
        if (!st) v->conds = &v->own;
    } else if (tb_chatterbox_default(c)) {
        st = copy_conds(tb_chatterbox_default(c), &v->own, err);
        if (!st) v->conds = &v->own;
    } else {
        st = tb_fail_field(err, TB_ENOTFOUND, "voice_id",
                           "this model came without a built-in voice (conds.pt); name a voice of "
                           "yours instead of 'default'");
    }
    if (!st) st = add_prefix(c, v, cancel, err);
    if (st)
        tb_voice_free(v);
    else
        *out = v;
    return st;
}

/*
 * A kept part ends in its seal: a sum of its bytes and of whose they are. A disk that lost or
 * flipped some, or a file under another's name, would be heard and not seen.
 */
enum { SEAL = TB_HASH_HEX - 1 };

static void seal(const char *hash, size_t i, const void *data, size_t size, char out[TB_HASH_HEX])
{
    char sum[TB_HASH_HEX];
    tb_hash_hex(data, size, sum);
    char *whose = tb_sprintf("%zu %s %s", i, hash, sum);
    tb_hash_hex(whose, strlen(whose), out);
    tb_free(whose);
}

/* The bytes before the seal; 0: it is broken. */
static size_t sealed(const char *hash, size_t i, const tb_voice_part *part)
{
    char want[TB_HASH_HEX];
    if (!part->data || part->size <= SEAL) return 0;
    size_t size = part->size - SEAL;
    seal(hash, i, part->data, size, want);
    return memcmp(want, (const char *)part->data + size, SEAL) == 0 ? size : 0;
}

static tb_status pack(const tb_voice *voice, size_t i, void **data, size_t *size, tb_err *err)
{
    char mark[TB_HASH_HEX];
    void *packed = NULL;
    char *whole;
    size_t n = 0;
    tb_status st = TB_OK;
    if (i == 0) {
        st = tb_conds_pack(voice->conds, &packed, &n, err);
        if (st) return st;
    } else {
        n = tb_t3_prefix_packed_size(voice->prefix);
    }
    whole = tb_try_alloc(n + SEAL, 1);
    if (!whole) {
        st = tb_nomem(err, n + SEAL, 1);
        goto out;
    }
    if (packed)
        memcpy(whole, packed, n);
    else
        tb_t3_prefix_pack(voice->prefix, whole);
    seal(voice->hash, i, whole, n, mark);
    memcpy(whole + n, mark, SEAL);
    *data = whole;
    *size = n + SEAL;
out:
    tb_free(packed);
    return st;
}

static tb_status unpack(tb_model_handle *model, const char *id, const char *hash,
                        const tb_voice_part parts[TB_VOICE_PARTS], const tb_cancel *cancel,
                        tb_voice **out, bool *again, tb_err *err)
{
    const tb_chatterbox *c = tb_model_handle_get(model);
    size_t n = sealed(hash, 0, &parts[0]);
    if (n == 0) return tb_fail(err, TB_EMALFORMED, "the kept analysis is damaged");
    tb_voice *v = tb_voice_new(id, hash);
    tb_status st = tb_conds_unpack(parts[0].data, n, &v->own, err);
    if (!st) {
        v->conds = &v->own;
        n = sealed(hash, 1, &parts[1]);
        if (n == 0 ||
            tb_chatterbox_unpack_prefix(c, v->conds, parts[1].data, n, &v->prefix, NULL)) {
            *again = true;
            st = add_prefix(c, v, cancel, err);
        }
    }
    if (st)
        tb_voice_free(v);
    else
        *out = v;
    return st;
}

const tb_voice_family tb_voice_chatterbox = {kind, make, pack, unpack};
