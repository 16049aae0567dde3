/*
 * Voices ready to speak with, kept in memory: looked up in the store, unpacked from its cache, or
 * measured once.
 *
 * There is one slot per engine and hash of the recording. A caller that wants a voice which another
 * one is measuring waits for it. Beyond 64 voices or 400 MB the least recently used ones that
 * nobody uses are freed. One lock guards the slots; voices are measured without it. Relies on
 * store/store.h and on the families of voice/family_priv.h.
 *
 * Invariants, whenever the lock is free (assert_invariants):
 *   - `count` is the length of the list, `bytes` the sum of tb_voice_bytes over its voices;
 *   - no two slots have the same key;
 *   - a slot without a voice has exactly one user, who measures it; others wait for `measured`;
 *   - a slot with users stays in the list.
 */
#include "voice/library.h"

#include "audio/wav.h"
#include "base/cond.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "voice/recording.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { KEPT = 64, KEPT_BYTES = 400 << 20 };
enum { LOOK_NS = 20000000 }; /* how often a waiter checks whether it is cancelled */
enum { KEY = TB_VOICE_KIND + TB_HASH_HEX };

typedef struct slot {
    struct slot *next;
    char key[KEY];   /* its kind, then the hash of the wav; nothing for the built-in voice */
    tb_voice *voice; /* NULL while a user measures it */
    int users;
    unsigned long long used;
} slot;

struct tb_voices {
    tb_store *store;
    tb_model_handle *model;
    pthread_mutex_t lock;
    pthread_cond_t measured;
    slot *slots;
    int count;
    size_t bytes;
    unsigned long long clock;
};

/* The lock is held. Free in release builds. */
static void assert_invariants(const tb_voices *v)
{
#ifndef NDEBUG
    int count = 0;
    size_t bytes = 0;
    for (const slot *s = v->slots; s; s = s->next, count++) {
        assert(count < v->count); /* no cycle */
        assert(s->voice ? s->users >= 0 : s->users == 1);
        if (s->voice) bytes += tb_voice_bytes(s->voice);
        for (const slot *other = s->next; other; other = other->next)
            assert(strcmp(s->key, other->key) != 0);
    }
    assert(count == v->count && bytes == v->bytes);
#endif
    (void)v;
}

tb_voices *tb_voices_new(tb_store *store, tb_model_handle *model)
{
    tb_voices *v = tb_alloc(sizeof *v);
    v->store = store;
    v->model = model;
    pthread_mutex_init(&v->lock, NULL);
    tb_cond_init(&v->measured);
    return v;
}

static void drop(tb_voices *v, slot *gone)
{
    for (slot **s = &v->slots; *s; s = &(*s)->next) {
        if (*s != gone) continue;
        *s = gone->next;
        v->count--;
        if (gone->voice) v->bytes -= tb_voice_bytes(gone->voice);
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

/* Frees the least recently used voices that nobody uses, while there are too many. Lock held. */
static void trim(tb_voices *v)
{
    while (v->count > KEPT || v->bytes > KEPT_BYTES) {
        slot *oldest = NULL;
        for (slot *s = v->slots; s; s = s->next)
            if (s->voice && s->users == 0 && (!oldest || s->used < oldest->used)) oldest = s;
        if (!oldest) return;
        drop(v, oldest);
    }
}

/*
 * Returns the slot of a key and counts a user. *fresh: it is new, so the caller measures the voice
 * and calls fill; else it has its voice. Waits while another caller measures it (about 0.3 s, or 3
 * s of the neural kind); NULL when cancelled meanwhile.
 */
static slot *take(tb_voices *v, tb_engine_kind of, const char *hash, const tb_cancel *cancel,
                  bool *fresh)
{
    slot *s;
    char kind[TB_VOICE_KIND], key[KEY];
    tb_voice_kind(v->model, of, 0, kind);
    snprintf(key, sizeof key, "%s %s", kind, hash);
    *fresh = false;
    pthread_mutex_lock(&v->lock);
    for (;;) {
        for (s = v->slots; s && strcmp(s->key, key) != 0; s = s->next) {
        }
        if (!s || s->voice) break;
        const struct timespec until = tb_cond_deadline(LOOK_NS);
        pthread_cond_timedwait(&v->measured, &v->lock, &until);
        if (tb_cancelled(cancel)) {
            pthread_mutex_unlock(&v->lock);
            return NULL;
        }
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
    assert_invariants(v);
    pthread_mutex_unlock(&v->lock);
    return s;
}

/* Ends a measurement. voice NULL: it failed, and the slot is freed. */
static void fill(tb_voices *v, slot *s, tb_voice *voice)
{
    pthread_mutex_lock(&v->lock);
    s->voice = voice;
    if (voice)
        v->bytes += tb_voice_bytes(voice);
    else
        drop(v, s);
    trim(v);
    assert_invariants(v);
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
    assert_invariants(v);
    pthread_mutex_unlock(&v->lock);
}

static tb_status measure(tb_voices *v, tb_engine_kind of, const char *id, const char *key,
                         const void *wav, size_t size, const char *field, const tb_cancel *cancel,
                         tb_voice **out, tb_err *err)
{
    tb_pcm recording = {0};
    tb_status st = tb_wav_read(wav, size, TB_RECORDING_SECONDS, &recording, err);
    if (!st) st = tb_voice_make(v->model, of, id, key, &recording, field, cancel, out, err);
    tb_pcm_clear(&recording);
    return st;
}

/* Stores the analyses from part `first` on. */
static void keep_from(tb_voices *v, tb_engine_kind of, const tb_voice *voice, const char *uuid,
                      size_t first)
{
    char kind[TB_VOICE_KIND];
    for (size_t i = first; tb_voice_kind(v->model, of, i, kind); i++) {
        void *packed = NULL;
        size_t size = 0;
        tb_err err = {0};
        tb_status st = tb_voice_pack(of, voice, i, &packed, &size, &err);
        if (!st) st = tb_store_voice_cache_put(v->store, uuid, kind, packed, size, &err);
        if (st) tb_log(TB_WARN, "voice", "voice=%s kept=no why=\"%s\"", uuid, err.msg);
        tb_free(packed);
    }
}

void tb_voices_keep(tb_voices *v, tb_engine_kind of, const tb_voice *voice, const char *uuid)
{
    keep_from(v, of, voice, uuid, 0);
}

/* Makes a voice from its stored analyses; on failure it has to be measured. */
static tb_status unpack(tb_voices *v, tb_engine_kind of, const tb_voice_row *row,
                        const tb_cancel *cancel, tb_voice **out)
{
    char kind[TB_VOICE_KIND], *blobs[TB_VOICE_PARTS] = {NULL};
    tb_voice_part parts[TB_VOICE_PARTS] = {{0}};
    tb_err miss = {0};
    bool again = false;
    for (size_t i = 0; tb_voice_kind(v->model, of, i, kind); i++)
        if (tb_store_voice_cache_get(v->store, row->uuid, kind, &blobs[i], &parts[i].size, &miss) ==
            TB_OK)
            parts[i].data = blobs[i];
    tb_status st = tb_voice_unpack(v->model, of, row->id, row->content_hash, parts, cancel, out,
                                   &again, &miss);
    if (!st && again) keep_from(v, of, *out, row->uuid, 1);
    for (size_t i = 0; i < TB_VOICE_PARTS; i++)
        tb_free(blobs[i]);
    return st;
}

static tb_status load(tb_voices *v, tb_engine_kind of, const tb_voice_row *row,
                      const tb_cancel *cancel, tb_voice **out, tb_err *err)
{
    char *wav = NULL;
    size_t size = 0;
    if (unpack(v, of, row, cancel, out) == TB_OK) return TB_OK;
    tb_status st = tb_store_voice_read(v->store, row->uuid, &wav, &size, err);
    if (!st)
        st = measure(v, of, row->id, row->content_hash, wav, size, "voice_id", cancel, out, err);
    if (!st) tb_voices_keep(v, of, *out, row->uuid);
    tb_free(wav);
    return st;
}

/* A voice whose recording is missing is refused, even if analyses of it are stored. */
static tb_status look_up(tb_voices *v, const tb_voice_wish *wish, tb_voice_row *row, tb_err *err)
{
    tb_status st = wish->hash ? tb_store_voice_by_hash(v->store, wish->hash, wish->name, row, err)
                              : tb_store_voice_get(v->store, wish->name, row, err);
    if (!st && row->missing)
        st = tb_fail_field(err, TB_ENOTFOUND, "voice_id",
                           "the sound of this voice is gone from the disk (%s.wav): upload it "
                           "again",
                           row->uuid);
    if (!st && !wish->hash && wish->before_us && row->uploaded_at_us > wish->before_us)
        st = tb_fail_field(err, TB_ENOTFOUND, "voice_id",
                           "the recording of voice '%.80s' was uploaded after this was spoken: it "
                           "was replaced since",
                           row->id);
    return st;
}

const char *tb_voices_model_name(const tb_voices *v)
{
    return tb_model_handle_entry(v->model)->name;
}

tb_status tb_voices_get(tb_voices *v, tb_engine_kind of, const tb_voice_wish *wish,
                        const tb_cancel *cancel, const tb_voice **out, tb_voice_found *found,
                        tb_err *err)
{
    tb_voice_row row = {0};
    tb_voice *voice = NULL;
    tb_status st = TB_OK;
    bool builtin = strcmp(wish->name, TB_VOICE_DEFAULT) == 0, fresh;
    if (!builtin) st = look_up(v, wish, &row, err);
    if (st) {
        tb_voice_row_clear(&row);
        return st;
    }
    snprintf(found->name, sizeof found->name, "%s", builtin ? wish->name : row.id);
    snprintf(found->hash, sizeof found->hash, "%s", builtin ? "" : row.content_hash);
    slot *s = take(v, of, builtin ? "" : row.content_hash, cancel, &fresh);
    if (!s) {
        st = tb_fail_cancelled(err);
    } else if (fresh) {
        if (builtin)
            st = tb_voice_make(v->model, of, wish->name, "", NULL, NULL, cancel, &voice, err);
        else
            st = load(v, of, &row, cancel, &voice, err);
        fill(v, s, voice);
    }
    if (!st) *out = s->voice;
    tb_voice_row_clear(&row);
    return st;
}

tb_status tb_voices_from_wav(tb_voices *v, tb_engine_kind of, const void *wav, size_t size,
                             const char *field, const tb_cancel *cancel, const tb_voice **out,
                             tb_err *err)
{
    char key[TB_HASH_HEX];
    tb_voice *voice = NULL;
    tb_status st = TB_OK;
    bool fresh;
    tb_hash_hex(wav, size, key);
    slot *s = take(v, of, key, cancel, &fresh);
    if (!s) {
        st = tb_fail_cancelled(err);
    } else if (fresh) {
        st = measure(v, of, "uploaded_sample", key, wav, size, field, cancel, &voice, err);
        fill(v, s, voice);
    }
    if (!st) *out = s->voice;
    return st;
}
