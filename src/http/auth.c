#include "http/auth_priv.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/rng.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

/*
 * Checks the credentials of a request: Basic or form (user and password), Bearer and xi-api-key.
 *
 * What a request sends is hashed with a key at once; the pair in clear is kept only while an
 * argon2id string has to be verified with it. A request is judged once: immediately if the guard
 * grants its address a try, otherwise when the guard's thread reaches it. The pair that argon2id
 * has accepted, and the last WRONG guesses, are remembered as hashes. Relies on guard.c for the
 * rate and on base/hash.h.
 *
 * Invariants, under the lock: n_wrong is at most WRONG, and less than WRONG only before the ring
 * of hashes was filled once.
 */
enum { PAIR_MAX = 1024, WRONG = 64 };

/* The secrets of one request. */
struct given {
    unsigned char keys[2][TB_HASH_BYTES]; /* xi-api-key, Bearer */
    unsigned char pair[TB_HASH_BYTES];
    bool has_key[2], has_pair;
    char text[PAIR_MAX]; /* name:password */
    size_t len;
};

struct tb_auth {
    unsigned char key[32];
    unsigned char api_key[TB_HASH_BYTES];
    unsigned char right[TB_HASH_BYTES]; /* the one right pair, when it is known */
    bool has_api_key, hashed, known;
    char *username, *password;
    pthread_mutex_t lock; /* guards right, known and these: */
    /* The last wrong ones, a ring: repeated wrong guesses are not counted again. */
    unsigned char wrong[WRONG][TB_HASH_BYTES];
    size_t n_wrong, next_wrong;
    tb_guard *guard;
};

struct tb_auth_check {
    tb_guess guess;
    struct given given;
    atomic_int refs, end;
    pthread_mutex_t wake_lock;
    void (*wake)(void *);
    void *self;
};

/* ---- what was given ---- */

static bool has_scheme(const char *header, const char *scheme)
{
    size_t n = strlen(scheme);
    char start[8] = "";
    if (!header || strlen(header) < n) return false;
    memcpy(start, header, n);
    return tb_str_ieq(start, scheme);
}

/* "Basic <base64>" to name:password; false for anything else. */
static bool read_basic(const char *header, char pair[PAIR_MAX], size_t *len)
{
    if (!has_scheme(header, "basic ")) return false;
    for (header += 6; *header == ' '; header++) {
    }
    size_t size = strlen(header);
    while (size > 0 && header[size - 1] == ' ')
        size--;
    return tb_base64_decode(header, size, (unsigned char *)pair, PAIR_MAX, len) &&
           memchr(pair, ':', *len) && !memchr(pair, 0, *len);
}

static bool read_form(const char *user, const char *password, char pair[PAIR_MAX], size_t *len)
{
    size_t name = strlen(user), size = strlen(password);
    if (strchr(user, ':') || name + 1 + size > PAIR_MAX) return false;
    memcpy(pair, user, name);
    pair[name] = ':';
    memcpy(pair + name + 1, password, size);
    *len = name + 1 + size;
    return true;
}

static void keep_key(tb_auth *a, struct given *g, int which, const char *key)
{
    tb_hash_keyed(key, strlen(key), a->key, g->keys[which]);
    g->has_key[which] = true;
}

/* False when there is nothing in it that could be right. */
static bool read_given(tb_auth *a, const tb_auth_given *in, struct given *g)
{
    const char *header = in->authorization;
    memset(g, 0, sizeof *g);
    if (in->user)
        g->has_pair = read_form(in->user, in->password, g->text, &g->len);
    else if (has_scheme(header, "bearer ") && a->has_api_key)
        keep_key(a, g, 1, header + 7 + strspn(header + 7, " "));
    else
        g->has_pair = read_basic(header, g->text, &g->len);
    if (in->api_key && !in->user && a->has_api_key) keep_key(a, g, 0, in->api_key);
    if (g->has_pair) tb_hash_keyed(g->text, g->len, a->key, g->pair);
    return g->has_pair || g->has_key[0] || g->has_key[1];
}

/* ---- judging ---- */

/* Without waiting, and in constant time: both keys and the pair are compared in any case. */
static tb_auth_answer compare(tb_auth *a, const struct given *g)
{
    bool right = false, later = false;
    for (int i = 0; i < 2; i++)
        right |= g->has_key[i] && tb_hash_equal(g->keys[i], a->api_key);
    if (g->has_pair) {
        pthread_mutex_lock(&a->lock);
        later = !a->known;
        right |= a->known && tb_hash_equal(g->pair, a->right);
        pthread_mutex_unlock(&a->lock);
    }
    return right ? TB_AUTH_YES : later ? TB_AUTH_LATER : TB_AUTH_NO;
}

/* One hash of all that was given. */
static void fingerprint(tb_auth *a, const struct given *g, unsigned char out[TB_HASH_BYTES])
{
    unsigned char all[3 * TB_HASH_BYTES];
    memcpy(all, g->keys, sizeof g->keys);
    memcpy(all + sizeof g->keys, g->pair, sizeof g->pair);
    tb_hash_keyed(all, sizeof all, a->key, out);
}

static void check_invariants(const tb_auth *a)
{
#ifndef NDEBUG
    assert(a->n_wrong <= WRONG);
    assert(a->n_wrong == (a->next_wrong < WRONG ? a->next_wrong : WRONG));
#else
    (void)a;
#endif
}

static void note_wrong(tb_auth *a, const struct given *g)
{
    pthread_mutex_lock(&a->lock);
    fingerprint(a, g, a->wrong[a->next_wrong++ % WRONG]);
    if (a->n_wrong < WRONG) a->n_wrong++;
    check_invariants(a);
    pthread_mutex_unlock(&a->lock);
}

static bool was_wrong(tb_auth *a, const struct given *g)
{
    unsigned char hash[TB_HASH_BYTES];
    bool found = false;
    fingerprint(a, g, hash);
    pthread_mutex_lock(&a->lock);
    for (size_t i = 0; i < a->n_wrong && !found; i++)
        found = tb_hash_equal(hash, a->wrong[i]);
    pthread_mutex_unlock(&a->lock);
    return found;
}

/* Slow: verifies the pair with the argon2id string. */
static tb_guess_end verify(tb_auth *a, const struct given *g)
{
    const char *colon = memchr(g->text, ':', g->len);
    size_t name = (size_t)(colon - g->text); /* read_given has checked that there is a colon */
    bool user = strlen(a->username) == name && memcmp(a->username, g->text, name) == 0;
    /* Verified in any case: a wrong name must not answer sooner than a wrong password. */
    tb_status st = tb_password_verify(a->password, colon + 1, g->len - name - 1);
    if (st == TB_ENOMEM) return TB_GUESS_FAILED;
    if (st || !user) return TB_GUESS_WRONG;
    pthread_mutex_lock(&a->lock);
    memcpy(a->right, g->pair, sizeof a->right);
    a->known = true;
    pthread_mutex_unlock(&a->lock);
    return TB_GUESS_RIGHT;
}

static tb_guess_end judge(void *self, tb_guess *guess)
{
    tb_auth *a = self;
    tb_auth_check *c = (tb_auth_check *)guess;
    tb_auth_answer answer = compare(a, &c->given);
    tb_guess_end end = answer == TB_AUTH_YES     ? TB_GUESS_RIGHT
                       : answer == TB_AUTH_LATER ? verify(a, &c->given)
                                                 : TB_GUESS_WRONG;
    if (end == TB_GUESS_WRONG) note_wrong(a, &c->given);
    return end;
}

tb_auth_answer tb_auth_look(tb_auth *a, const tb_peer *peer, const tb_auth_given *in)
{
    struct given g;
    tb_auth_answer answer;
    if (!read_given(a, in, &g)) return TB_AUTH_NO;
    if (tb_guard_knows(a->guard, peer)) {
        answer = compare(a, &g);
        if (answer == TB_AUTH_YES) goto out;
        tb_guard_forget(a->guard, peer);
    }
    answer = TB_AUTH_NO;
    if (was_wrong(a, &g)) goto out;
    answer = TB_AUTH_LATER;
    if (!tb_guard_try(a->guard, peer)) goto out;
    answer = compare(a, &g);
    if (answer == TB_AUTH_NO) note_wrong(a, &g);
    tb_guard_report(a->guard, peer,
                    answer == TB_AUTH_YES  ? TB_GUESS_RIGHT
                    : answer == TB_AUTH_NO ? TB_GUESS_WRONG
                                           : TB_GUESS_FAILED);
out:
    tb_secret_wipe(&g, sizeof g);
    return answer;
}

/* ---- waiting ---- */

static void unref(tb_auth_check *c)
{
    if (atomic_fetch_sub(&c->refs, 1) != 1) return;
    pthread_mutex_destroy(&c->wake_lock);
    tb_secret_wipe(&c->given, sizeof c->given);
    tb_free(c);
}

static void done(void *self, tb_guess *guess, tb_guess_end how)
{
    tb_auth_check *c = (tb_auth_check *)guess;
    (void)self;
    atomic_store(&c->end, (int)how);
    pthread_mutex_lock(&c->wake_lock);
    if (c->wake) c->wake(c->self);
    pthread_mutex_unlock(&c->wake_lock);
    unref(c);
}

tb_status tb_auth_wait(tb_auth *a, const tb_peer *peer, const tb_auth_given *in,
                       void (*wake)(void *), void *self, tb_auth_check **out, tb_err *err)
{
    tb_auth_check *c = tb_alloc(sizeof *c);
    if (!read_given(a, in, &c->given)) {
        tb_free(c);
        return tb_fail(err, TB_EAUTH, "Incorrect username or password");
    }
    c->guess.peer = *peer;
    c->wake = wake;
    c->self = self;
    atomic_init(&c->refs, 2);
    pthread_mutex_init(&c->wake_lock, NULL);
    *out = c;
    tb_status st = tb_guard_wait(a->guard, &c->guess, err);
    if (st) {
        *out = NULL;
        unref(c);
        unref(c);
    }
    return st;
}

bool tb_auth_decided(const tb_auth_check *c)
{
    return atomic_load(&c->end) != TB_GUESS_WAITS;
}

tb_status tb_auth_verdict(const tb_auth_check *c, tb_err *err)
{
    switch ((tb_guess_end)atomic_load(&c->end)) {
    case TB_GUESS_RIGHT:
        return TB_OK;
    case TB_GUESS_EVICTED:
        return tb_fail(err, TB_EBUSY,
                       "too many wrong passwords come from this address; try again in a moment");
    case TB_GUESS_STOPPED:
        return tb_fail(err, TB_EUNREADY, "the server is stopping; try again in a moment");
    case TB_GUESS_LEFT:
        return tb_fail(err, TB_ECANCELLED, "the client left before the password was looked at");
    case TB_GUESS_FAILED:
        return tb_fail(err, TB_ENOMEM,
                       "there is not enough memory to check the password; try again in a moment");
    default:
        return tb_fail(err, TB_EAUTH, "Incorrect username or password");
    }
}

void tb_auth_abandon(tb_auth *a, tb_auth_check *c)
{
    if (tb_guard_remove(a->guard, &c->guess)) done(a, &c->guess, TB_GUESS_LEFT);
}

void tb_auth_leave(tb_auth *a, tb_auth_check *c)
{
    if (!c) return;
    pthread_mutex_lock(&c->wake_lock);
    c->wake = NULL;
    pthread_mutex_unlock(&c->wake_lock);
    if (tb_guard_remove(a->guard, &c->guess)) unref(c);
    unref(c);
}

/* ---- beginning and end ---- */

tb_status tb_auth_new(const tb_config *config, tb_auth **out, tb_err *err)
{
    tb_auth *a = tb_alloc(sizeof *a);
    tb_random_bytes(a->key, sizeof a->key);
    pthread_mutex_init(&a->lock, NULL);
    a->username = tb_strdup(config->api_username);
    a->password = tb_strdup(config->api_password);
    a->known = !tb_password_is_hashed(a->password);
    char *pair = tb_sprintf("%s:%s", a->username, a->password);
    if (a->known) tb_hash_keyed(pair, strlen(pair), a->key, a->right);
    tb_free(pair);
    a->has_api_key = *config->api_key != 0;
    tb_hash_keyed(config->api_key, strlen(config->api_key), a->key, a->api_key);
    tb_status st = tb_guard_new(judge, done, a, &a->guard, err);
    if (st) {
        tb_auth_free(a);
        return st;
    }
    *out = a;
    return TB_OK;
}

void tb_auth_room(tb_auth *a, int connections)
{
    tb_guard_room(a->guard, connections);
}

void tb_auth_drain(tb_auth *a)
{
    tb_guard_close(a->guard);
}

void tb_auth_free(tb_auth *a)
{
    if (!a) return;
    tb_guard_free(a->guard);
    pthread_mutex_destroy(&a->lock);
    tb_free(a->username);
    tb_free(a->password);
    tb_free(a);
}
