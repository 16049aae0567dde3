#include "job/voices.h"

#include "audio/wav.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/decode.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { KEPT = 64, CANON_SECONDS = 60, CANON_RATE_HZ = 48000 };

typedef struct slot {
    struct slot *next;
    char key[TB_HASH_HEX]; /* of the wav; "" for the built-in voice */
    tb_voice *voice;       /* NULL while somebody measures it */
    int users;
    unsigned long long used;
} slot;

struct tb_voices {
    tb_store *store;
    pthread_mutex_t lock;
    pthread_cond_t measured;
    slot *slots;
    int count;
    unsigned long long clock;
};

tb_voices *tb_voices_new(tb_store *store)
{
    tb_voices *v = tb_alloc(sizeof *v);
    v->store = store;
    pthread_mutex_init(&v->lock, NULL);
    pthread_cond_init(&v->measured, NULL);
    return v;
}

static void drop(tb_voices *v, slot *gone)
{
    for (slot **s = &v->slots; *s; s = &(*s)->next) {
        if (*s != gone) continue;
        *s = gone->next;
        v->count--;
        tb_voice_free(gone->voice);
        tb_free(gone);
        return;
    }
}

void tb_voices_free(tb_voices *v)
{
    if (!v) return;
    while (v->slots)
        drop(v, v->slots);
    pthread_mutex_destroy(&v->lock);
    pthread_cond_destroy(&v->measured);
    tb_free(v);
}

/* The oldest unused ones go when there are too many. Lock held. */
static void trim(tb_voices *v)
{
    while (v->count > KEPT) {
        slot *oldest = NULL;
        for (slot *s = v->slots; s; s = s->next)
            if (s->voice && s->users == 0 && (!oldest || s->used < oldest->used)) oldest = s;
        if (!oldest) return;
        drop(v, oldest);
    }
}

/*
 * The slot of a key, in use. *fresh: it is new and the caller measures it, then calls fill; else
 * it has its voice. Another's measurement is waited for: some 0.3 s at most.
 */
static slot *take(tb_voices *v, const char *key, bool *fresh)
{
    slot *s;
    *fresh = false;
    pthread_mutex_lock(&v->lock);
    for (;;) {
        for (s = v->slots; s && strcmp(s->key, key) != 0; s = s->next) {
        }
        if (!s || s->voice) break;
        pthread_cond_wait(&v->measured, &v->lock);
    }
    if (!s) {
        s = tb_alloc(sizeof *s);
        snprintf(s->key, sizeof s->key, "%s", key);
        s->next = v->slots;
        v->slots = s;
        v->count++;
        *fresh = true;
    }
    s->users++;
    s->used = ++v->clock;
    pthread_mutex_unlock(&v->lock);
    return s;
}

/* Ends a measurement: voice NULL when it failed, and the slot is gone. */
static void fill(tb_voices *v, slot *s, tb_voice *voice)
{
    pthread_mutex_lock(&v->lock);
    s->voice = voice;
    if (!voice) drop(v, s);
    trim(v);
    pthread_cond_broadcast(&v->measured);
    pthread_mutex_unlock(&v->lock);
}

void tb_voices_release(tb_voices *v, const tb_voice *voice)
{
    if (!voice) return;
    pthread_mutex_lock(&v->lock);
    for (slot *s = v->slots; s; s = s->next)
        if (s->voice == voice) s->users--;
    trim(v);
    pthread_mutex_unlock(&v->lock);
}

static tb_status measure(const char *id, const char *key, const void *wav, size_t size,
                         const char *field, const tb_cancel *cancel, tb_voice **out, tb_err *err)
{
    tb_pcm clip = {0};
    tb_status st = tb_wav_read(wav, size, CANON_SECONDS, &clip, err);
    if (!st) st = tb_voice_from_clip(id, &clip, field, cancel, out, err);
    if (!st) {
        tb_free((*out)->hash);
        (*out)->hash = tb_strdup(key); /* what caches are keyed by: the wav's bytes */
    }
    tb_pcm_clear(&clip);
    return st;
}

enum { KIND = 32 };

static void cache_kind(char out[KIND])
{
    snprintf(out, KIND, "embedded-%d", TB_BEND_VERSION);
}

void tb_voices_keep(tb_voices *v, const tb_voice *voice, const char *uuid)
{
    char kind[KIND];
    void *packed = NULL;
    size_t size = 0;
    tb_err err = {0};
    cache_kind(kind);
    tb_status st = tb_voice_pack(voice, &packed, &size, &err);
    if (!st) st = tb_store_voice_cache_put(v->store, uuid, kind, packed, size, &err);
    if (st) tb_log(TB_WARN, "job", "voice=%s cache=\"%s\"", uuid, err.msg);
    tb_free(packed);
}

static tb_status load(tb_voices *v, const tb_voice_row *row, const tb_cancel *cancel,
                      tb_voice **out, tb_err *err)
{
    char kind[KIND], *wav = NULL, *blob = NULL;
    size_t size = 0;
    tb_status st;
    tb_err miss = {0};
    cache_kind(kind);
    if (tb_store_voice_cache_get(v->store, row->uuid, kind, &blob, &size, &miss) == TB_OK) {
        st = tb_voice_unpack(row->id, row->content_hash, blob, size, out, &miss);
        tb_free(blob);
        if (!st) return TB_OK;
    }
    st = tb_store_voice_read(v->store, row->uuid, &wav, &size, err);
    if (!st) st = measure(row->id, row->content_hash, wav, size, "voice_id", cancel, out, err);
    if (!st) tb_voices_keep(v, *out, row->uuid);
    tb_free(wav);
    return st;
}

tb_status tb_voices_get(tb_voices *v, const char *name, const tb_cancel *cancel,
                        const tb_voice **out, tb_err *err)
{
    tb_voice_row row = {0};
    tb_voice *voice = NULL;
    tb_status st = TB_OK;
    bool builtin = strcmp(name, "default") == 0, fresh;
    if (!builtin) {
        st = tb_store_voice_get(v->store, name, &row, err);
        if (st) return st;
    }
    slot *s = take(v, builtin ? "" : row.content_hash, &fresh);
    if (fresh) {
        if (builtin)
            voice = tb_voice_default();
        else
            st = load(v, &row, cancel, &voice, err);
        fill(v, s, voice);
    }
    if (!st) *out = s->voice;
    tb_voice_row_clear(&row);
    return st;
}

tb_status tb_voices_from_wav(tb_voices *v, const void *wav, size_t size, const char *field,
                             const tb_cancel *cancel, const tb_voice **out, tb_err *err)
{
    char key[TB_HASH_HEX];
    tb_voice *voice = NULL;
    tb_status st = TB_OK;
    bool fresh;
    tb_hash_hex(wav, size, key);
    slot *s = take(v, key, &fresh);
    if (fresh) {
        st = measure("uploaded_sample", key, wav, size, field, cancel, &voice, err);
        fill(v, s, voice);
    }
    if (!st) *out = s->voice;
    return st;
}

tb_status tb_voices_canon(const void *data, size_t size, const char *field, const tb_cancel *cancel,
                          uint8_t **out, size_t *out_size, tb_err *err)
{
    tb_pcm clip = {0}, lower = {0};
    tb_status st;
    if (size == 0)
        return tb_fail_field(err, TB_EINVAL, field, "the recording in %s is empty (0 bytes)",
                             field);
    st = tb_decode_audio(data, size, CANON_SECONDS, cancel, &clip, err);
    if (!st && clip.rate_hz > CANON_RATE_HZ) st = tb_resample(&clip, CANON_RATE_HZ, &lower, err);
    if (!st) st = tb_wav_print(lower.rate_hz ? &lower : &clip, out, out_size, err);
    if (st && err && !err->field[0]) snprintf(err->field, sizeof err->field, "%s", field);
    tb_pcm_clear(&clip);
    tb_pcm_clear(&lower);
    return st;
}
