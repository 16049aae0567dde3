#include "http/auth.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/rng.h"
#include "job/queue.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum { PAIR_MAX = 1024, REMEMBERED = 64, WAITING_MAX = 16 };
static const int64_t remember_ns = 300 * (int64_t)1000000000;

/* What a name-and-password pair turned out to be. Failures are kept too, for a moment, so that the
 * request that asked finds its answer. */
struct memory {
    unsigned char hash[TB_HASH_BYTES];
    int64_t until_ns;
    bool good;
};

struct tb_auth {
    unsigned char key[32];
    unsigned char basic[TB_HASH_BYTES], api_key[TB_HASH_BYTES];
    bool has_api_key, hashed;
    char *username, *password;
    pthread_mutex_t lock;
    struct memory memories[REMEMBERED];
    size_t next;
    tb_queue *queue;
};

struct tb_auth_check {
    tb_queue_entry entry;
    char pair[PAIR_MAX];
    size_t len;
    atomic_int refs;
    pthread_mutex_t wake_lock;
    void (*wake)(void *);
    void *self;
};

static void remember(tb_auth *a, const char *pair, size_t len, bool good)
{
    pthread_mutex_lock(&a->lock);
    struct memory *m = &a->memories[a->next++ % REMEMBERED];
    tb_hash_keyed(pair, len, a->key, m->hash);
    m->good = good;
    m->until_ns = tb_clock_mono_ns() + (good ? remember_ns : remember_ns / 60);
    pthread_mutex_unlock(&a->lock);
}

static void unref(tb_auth_check *c)
{
    if (atomic_fetch_sub(&c->refs, 1) != 1) return;
    pthread_mutex_destroy(&c->wake_lock);
    memset(c->pair, 0, sizeof c->pair);
    tb_free(c);
}

static void verify(void *self, tb_queue_entry *entry)
{
    tb_auth *a = self;
    tb_auth_check *c = (tb_auth_check *)entry;
    const char *colon = memchr(c->pair, ':', c->len);
    size_t name = (size_t)(colon - c->pair); /* tb_auth_verify made sure of the colon */
    bool good = strlen(a->username) == name && memcmp(a->username, c->pair, name) == 0;
    /* Verified in any case: a wrong name must not answer sooner than a wrong password. */
    good = tb_password_verify(a->password, colon + 1, c->len - name - 1) && good;
    remember(a, c->pair, c->len, good);
    pthread_mutex_lock(&c->wake_lock);
    if (c->wake) c->wake(c->self);
    pthread_mutex_unlock(&c->wake_lock);
}

static void release(void *self, tb_queue_entry *entry)
{
    (void)self;
    unref((tb_auth_check *)entry);
}

tb_status tb_auth_new(const tb_config *config, tb_auth **out, tb_err *err)
{
    tb_auth *a = tb_alloc(sizeof *a);
    tb_status st = TB_OK;
    tb_random_bytes(a->key, sizeof a->key);
    pthread_mutex_init(&a->lock, NULL);
    a->username = tb_strdup(config->api_username);
    a->password = tb_strdup(config->api_password);
    a->hashed = tb_password_is_hashed(a->password);
    char *pair = tb_sprintf("%s:%s", a->username, a->password);
    tb_hash_keyed(pair, strlen(pair), a->key, a->basic);
    tb_free(pair);
    a->has_api_key = *config->api_key != 0;
    tb_hash_keyed(config->api_key, strlen(config->api_key), a->key, a->api_key);
    if (a->hashed)
        st = tb_queue_new(1, WAITING_MAX, WAITING_MAX, verify, release, a, &a->queue, err);
    if (st) {
        tb_auth_free(a);
        return st;
    }
    *out = a;
    return TB_OK;
}

void tb_auth_drain(tb_auth *a)
{
    while (a->queue && !tb_queue_drain(a->queue, 1000)) {
    }
}

void tb_auth_free(tb_auth *a)
{
    if (!a) return;
    tb_queue_free(a->queue);
    pthread_mutex_destroy(&a->lock);
    tb_free(a->username);
    tb_free(a->password);
    tb_free(a);
}

/* "Basic <base64>" to name:password; false for anything else. */
static bool read_basic(const char *header, char pair[PAIR_MAX], size_t *len)
{
    if (!header || strncmp(header, "Basic ", 6) != 0) {
        char scheme[7] = "";
        if (!header || strlen(header) < 7) return false;
        memcpy(scheme, header, 6);
        if (!tb_str_ieq(scheme, "basic ")) return false;
    }
    for (header += 6; *header == ' '; header++) {
    }
    size_t size = strlen(header);
    while (size > 0 && header[size - 1] == ' ')
        size--;
    return tb_base64_decode(header, size, (unsigned char *)pair, PAIR_MAX, len) &&
           memchr(pair, ':', *len) && !memchr(pair, 0, *len);
}

static tb_auth_answer look_pair(tb_auth *a, const char *pair, size_t len)
{
    unsigned char hash[TB_HASH_BYTES];
    tb_auth_answer answer = TB_AUTH_LATER;
    tb_hash_keyed(pair, len, a->key, hash);
    if (!a->hashed) return tb_hash_equal(hash, a->basic) ? TB_AUTH_YES : TB_AUTH_NO;
    pthread_mutex_lock(&a->lock);
    for (size_t i = 0; i < REMEMBERED; i++)
        if (a->memories[i].until_ns > tb_clock_mono_ns() &&
            tb_hash_equal(hash, a->memories[i].hash))
            answer = a->memories[i].good ? TB_AUTH_YES : TB_AUTH_NO;
    pthread_mutex_unlock(&a->lock);
    return answer;
}

static bool key_fits(const tb_auth *a, const char *given)
{
    unsigned char hash[TB_HASH_BYTES];
    tb_hash_keyed(given, strlen(given), a->key, hash);
    return a->has_api_key && tb_hash_equal(hash, a->api_key);
}

tb_auth_answer tb_auth_look(tb_auth *a, const char *authorization, const char *api_key)
{
    char pair[PAIR_MAX], scheme[8] = "";
    size_t len = 0;
    if (api_key && key_fits(a, api_key)) return TB_AUTH_YES;
    if (authorization && strlen(authorization) > 7) {
        memcpy(scheme, authorization, 7);
        if (tb_str_ieq(scheme, "bearer "))
            return key_fits(a, authorization + 7 + strspn(authorization + 7, " ")) ? TB_AUTH_YES
                                                                                   : TB_AUTH_NO;
    }
    return read_basic(authorization, pair, &len) ? look_pair(a, pair, len) : TB_AUTH_NO;
}

tb_auth_answer tb_auth_password(tb_auth *a, const char *user, const char *password)
{
    char *pair = tb_sprintf("%s:%s", user, password);
    tb_auth_answer answer = look_pair(a, pair, strlen(pair));
    tb_free(pair);
    return answer;
}

tb_status tb_auth_verify(tb_auth *a, const char *authorization, void (*wake)(void *), void *self,
                         tb_auth_check **out, tb_err *err)
{
    tb_auth_check *c = tb_alloc(sizeof *c);
    if (!read_basic(authorization, c->pair, &c->len)) {
        tb_free(c);
        return tb_fail(err, TB_EAUTH, "Incorrect username or password");
    }
    c->wake = wake;
    c->self = self;
    atomic_init(&c->refs, 2);
    pthread_mutex_init(&c->wake_lock, NULL);
    *out = c;
    tb_status st = tb_queue_push(a->queue, "", &c->entry, err);
    if (st) {
        *out = NULL;
        unref(c);
        unref(c);
    }
    return st;
}

void tb_auth_leave(tb_auth *a, tb_auth_check *c)
{
    (void)a;
    if (!c) return;
    pthread_mutex_lock(&c->wake_lock);
    c->wake = NULL;
    pthread_mutex_unlock(&c->wake_lock);
    unref(c);
}
