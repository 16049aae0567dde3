#include "http/guard_priv.h"

#include "base/clock.h"
#include "base/cond.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/rng.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>

/*
 * A rate limiter for credentials: a token bucket per address and one for all addresses together,
 * with a queue of waiting guesses per address.
 *
 * The queues are a table of sets, indexed by a keyed hash of the address: a lookup costs the same
 * however many addresses there are, and nobody can choose an address to evict another one. Only a
 * queue without waiting guesses is evicted; at worst that refills its bucket early, which the
 * bucket for all bounds. An address that sent right credentials in the last hour has a higher rate
 * and does not draw on the bucket for all, so that guessing from elsewhere does not slow it. One
 * thread serves the queues round robin and judges. Relies on base/hash.h and on the clock only.
 *
 * Invariants, under the lock: a queue is in the ring when guesses wait in it; `waiting` is the sum
 * over the ring and at most all_most; n_known is at most KNOWN.
 */
enum {
    SETS = 256,
    WAYS = 4,
    PER_ADDRESS_MAX = 64, /* guesses that may wait of one address, at most */
    ALL_MAX = 256,        /* and in all */
    KNOWN = 256,          /* connections that were right */
};
static const double burst = 20, per_second = 10, good_per_second = 40;
static const double all_burst = 100, all_per_second = 50;
static const int64_t good_ns = 3600 * (int64_t)1000000000;

struct credit {
    double n;
    int64_t at_ns;
};

struct tb_address_queue {
    unsigned char address[16];
    struct credit credit;
    int64_t used_ns, good_until_ns;
    tb_guess *first, *last;
    int waiting;
    struct tb_address_queue *next, *before; /* in the ring */
};

struct tb_guard {
    unsigned char key[32];
    tb_guess_judge judge;
    tb_guess_done done;
    void *self;
    pthread_mutex_t lock;
    pthread_cond_t changed, idle;
    pthread_t thread;
    struct tb_address_queue queues[SETS][WAYS];
    struct credit all;
    struct tb_address_queue *ring;       /* those where guesses wait, from the next to be served */
    int waiting, address_most, all_most; /* how many may wait: tb_guard_room */
    tb_peer known[KNOWN];
    size_t n_known, next_known;
    bool busy, closed, ending;
};

/* ---- addresses ---- */

static void set_v4(tb_peer *peer, const void *four)
{
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    memcpy(peer->address, mapped, 12);
    memcpy(peer->address + 12, four, 4);
}

static void set_v6(tb_peer *peer, const struct in6_addr *a)
{
    memset(peer->address, 0, 16);
    if (IN6_IS_ADDR_V4MAPPED(a) || IN6_IS_ADDR_LOOPBACK(a))
        memcpy(peer->address, a, 16);
    else
        memcpy(peer->address, a, 8);
}

/* The last one of the list, which the nearest proxy wrote; [::1]:80 and 1.2.3.4:80 are understood.
 */
static bool set_forwarded(tb_peer *peer, const char *list)
{
    char text[64];
    struct in6_addr six;
    struct in_addr four;
    const char *comma = strrchr(list, ','), *p = comma ? comma + 1 : list;
    p += strspn(p, " \t\"[");
    size_t len = strcspn(p, " \t\"],");
    if (len == 0 || len >= sizeof text) return false;
    memcpy(text, p, len);
    text[len] = 0;
    if (inet_pton(AF_INET6, text, &six) == 1) {
        set_v6(peer, &six);
        return true;
    }
    text[strcspn(text, ":")] = 0;
    if (inet_pton(AF_INET, text, &four) != 1) return false;
    set_v4(peer, &four);
    return true;
}

static bool is_loopback(const tb_peer *peer)
{
    static const unsigned char six[16] = {[15] = 1};
    static const unsigned char mapped[13] = {[10] = 0xFF, [11] = 0xFF, [12] = 127};
    return memcmp(peer->address, six, 16) == 0 || memcmp(peer->address, mapped, 13) == 0;
}

void tb_peer_set(tb_peer *peer, const struct sockaddr *from, const char *forwarded)
{
    memset(peer, 0, sizeof *peer); /* whole objects are compared */
    if (from && from->sa_family == AF_INET) {
        struct sockaddr_in a;
        memcpy(&a, from, sizeof a);
        set_v4(peer, &a.sin_addr);
        peer->port = ntohs(a.sin_port);
    } else if (from && from->sa_family == AF_INET6) {
        struct sockaddr_in6 a;
        memcpy(&a, from, sizeof a);
        set_v6(peer, &a.sin6_addr);
        peer->port = ntohs(a.sin6_port);
    }
    if (forwarded && is_loopback(peer)) (void)set_forwarded(peer, forwarded);
}

/* ---- credit ---- */

static void refill(struct credit *t, double rate, double most, int64_t now)
{
    if (now > t->at_ns) t->n += rate * (double)(now - t->at_ns) / 1e9;
    if (t->n > most) t->n = most;
    t->at_ns = now;
}

static bool is_good(const struct tb_address_queue *queue, int64_t now)
{
    return queue->good_until_ns > now;
}

/* Nanoseconds until the first guess of the queue may be tried; 0: now. */
static int64_t wait_ns(tb_guard *g, struct tb_address_queue *queue, int64_t now)
{
    const double rate = is_good(queue, now) ? good_per_second : per_second;
    double seconds = 0;
    refill(&queue->credit, rate, burst, now);
    refill(&g->all, all_per_second, all_burst, now);
    if (queue->credit.n < 1) seconds = (1 - queue->credit.n) / rate;
    if (!is_good(queue, now) && g->all.n < 1) {
        const double more = (1 - g->all.n) / all_per_second;
        if (more > seconds) seconds = more;
    }
    return seconds > 0 ? (int64_t)(seconds * 1e9) + 1 : 0;
}

static void take_credit(tb_guard *g, struct tb_address_queue *queue, int64_t now)
{
    queue->credit.n -= 1;
    if (!is_good(queue, now)) g->all.n -= 1;
}

static void give_back(tb_guard *g, struct tb_address_queue *queue)
{
    queue->credit.n += 1;
    g->all.n += 1; /* one too many of a good queue: bounded by the burst */
}

/* ---- queues ---- */

/* Whether a is evicted before b: first those where nobody waits, then those that were not right
 * lately, then the least recently used. */
static bool evicted_before(const struct tb_address_queue *a, const struct tb_address_queue *b,
                           int64_t now)
{
    if (!a->waiting != !b->waiting) return !a->waiting;
    if (is_good(a, now) != is_good(b, now)) return !is_good(a, now);
    return a->used_ns < b->used_ns;
}

/* The queue of this address. When guesses wait in every queue of the set, one of them is shared. */
static struct tb_address_queue *queue_of(tb_guard *g, const tb_peer *peer, int64_t now)
{
    unsigned char hash[TB_HASH_BYTES];
    tb_hash_keyed(peer->address, sizeof peer->address, g->key, hash);
    struct tb_address_queue *set = g->queues[hash[0] % SETS], *worst = &set[0];
    for (int i = 0; i < WAYS; i++) {
        if (set[i].used_ns && memcmp(set[i].address, peer->address, 16) == 0) {
            set[i].used_ns = now;
            return &set[i];
        }
        if (evicted_before(&set[i], worst, now)) worst = &set[i];
    }
    if (worst->waiting) return worst;
    *worst = (struct tb_address_queue){.used_ns = now, .credit = {burst, now}};
    memcpy(worst->address, peer->address, 16);
    return worst;
}

static void ring_insert(tb_guard *g, struct tb_address_queue *queue)
{
    if (!g->ring) {
        g->ring = queue->next = queue->before = queue;
        return;
    }
    queue->next = g->ring;
    queue->before = g->ring->before;
    queue->before->next = queue->next->before = queue;
}

static void ring_remove(tb_guard *g, struct tb_address_queue *queue)
{
    if (g->ring == queue) g->ring = queue->next == queue ? NULL : queue->next;
    queue->next->before = queue->before;
    queue->before->next = queue->next;
    queue->next = queue->before = NULL;
}

static void check_invariants(const tb_guard *g)
{
#ifndef NDEBUG
    int in_ring = 0, in_table = 0, sum = 0;
    const struct tb_address_queue *queue = g->ring;
    while (queue) {
        assert(queue->waiting > 0 && queue->first && queue->last && !queue->last->next);
        sum += queue->waiting;
        in_ring++;
        queue = queue->next == g->ring ? NULL : queue->next;
    }
    for (int set = 0; set < SETS; set++)
        for (int way = 0; way < WAYS; way++)
            in_table += g->queues[set][way].waiting > 0;
    assert(in_ring == in_table);
    assert(sum == g->waiting && g->waiting <= g->all_most);
    assert(g->n_known <= KNOWN);
#else
    (void)g;
#endif
}

/* Removes the guess behind before (NULL: the first) from its queue. */
static void unlink_guess(tb_guard *g, struct tb_address_queue *queue, tb_guess *before,
                         tb_guess *guess)
{
    if (before)
        before->next = guess->next;
    else
        queue->first = guess->next;
    if (queue->last == guess) queue->last = before;
    guess->next = NULL;
    guess->queue = NULL;
    g->waiting--;
    if (--queue->waiting == 0) ring_remove(g, queue);
    check_invariants(g);
}

static bool take_out(tb_guard *g, tb_guess *guess)
{
    struct tb_address_queue *queue = guess->queue;
    tb_guess *before = NULL;
    if (!queue) return false;
    for (tb_guess *p = queue->first; p != guess; p = p->next)
        before = p;
    unlink_guess(g, queue, before, guess);
    return true;
}

/* Makes room for one more guess: removes the newest of the longest queue, if that is longer than
 * the queue that the new one goes to, and returns it. */
static tb_guess *evict_newest(tb_guard *g, const struct tb_address_queue *for_this)
{
    struct tb_address_queue *longest = g->ring, *queue = g->ring;
    check_invariants(g);
    do {
        if (queue->waiting > longest->waiting) longest = queue;
        queue = queue->next;
    } while (queue != g->ring);
    if (longest->waiting <= for_this->waiting + 1) return NULL;
    tb_guess *last = longest->last;
    (void)take_out(g, last);
    return last;
}

/* ---- connections that were right ---- */

static tb_peer *find_known(tb_guard *g, const tb_peer *peer)
{
    for (size_t i = 0; i < g->n_known; i++)
        if (memcmp(&g->known[i], peer, sizeof *peer) == 0) return &g->known[i];
    return NULL;
}

static void account(tb_guard *g, const tb_peer *peer, struct tb_address_queue *queue,
                    tb_guess_end how, int64_t now)
{
    tb_peer *known = find_known(g, peer);
    if (how != TB_GUESS_WRONG) give_back(g, queue);
    if (how == TB_GUESS_RIGHT) {
        queue->good_until_ns = now + good_ns;
        if (known || peer->port == 0) return;
        g->known[g->next_known++ % KNOWN] = *peer;
        if (g->n_known < KNOWN) g->n_known++;
    } else if (how == TB_GUESS_WRONG && known) {
        memset(known, 0, sizeof *known);
    }
}

bool tb_guard_knows(tb_guard *g, const tb_peer *peer)
{
    pthread_mutex_lock(&g->lock);
    bool known = peer->port && find_known(g, peer);
    pthread_mutex_unlock(&g->lock);
    return known;
}

void tb_guard_forget(tb_guard *g, const tb_peer *peer)
{
    pthread_mutex_lock(&g->lock);
    tb_peer *known = find_known(g, peer);
    if (known) memset(known, 0, sizeof *known);
    pthread_mutex_unlock(&g->lock);
}

bool tb_guard_try(tb_guard *g, const tb_peer *peer)
{
    int64_t now = tb_clock_mono_ns();
    pthread_mutex_lock(&g->lock);
    struct tb_address_queue *queue = queue_of(g, peer, now);
    bool may = !queue->waiting && wait_ns(g, queue, now) == 0;
    if (may) take_credit(g, queue, now);
    pthread_mutex_unlock(&g->lock);
    return may;
}

void tb_guard_report(tb_guard *g, const tb_peer *peer, tb_guess_end how)
{
    int64_t now = tb_clock_mono_ns();
    pthread_mutex_lock(&g->lock);
    account(g, peer, queue_of(g, peer, now), how, now);
    pthread_mutex_unlock(&g->lock);
}

/* ---- waiting ---- */

tb_status tb_guard_wait(tb_guard *g, tb_guess *guess, tb_err *err)
{
    int64_t now = tb_clock_mono_ns();
    tb_guess *evicted = NULL;
    tb_status st = TB_OK;
    pthread_mutex_lock(&g->lock);
    struct tb_address_queue *queue = queue_of(g, &guess->peer, now);
    bool full = queue->waiting >= g->address_most;
    if (!full && g->waiting >= g->all_most) {
        evicted = evict_newest(g, queue);
        full = !evicted;
    }
    if (g->closed) {
        st = tb_fail(err, TB_EUNREADY, "the server is stopping; try again in a moment");
    } else if (full) {
        st = tb_fail(err, TB_EBUSY,
                     "too many wrong passwords come from this address; try again in a moment");
    } else {
        guess->next = NULL;
        guess->queue = queue;
        if (queue->last)
            queue->last->next = guess;
        else
            queue->first = guess;
        queue->last = guess;
        if (queue->waiting++ == 0) ring_insert(g, queue);
        g->waiting++;
        check_invariants(g);
        pthread_cond_signal(&g->changed);
    }
    pthread_mutex_unlock(&g->lock);
    if (evicted) g->done(g->self, evicted, TB_GUESS_EVICTED);
    return st;
}

bool tb_guard_remove(tb_guard *g, tb_guess *guess)
{
    pthread_mutex_lock(&g->lock);
    bool out = take_out(g, guess);
    pthread_mutex_unlock(&g->lock);
    return out;
}

/* The next queue in turn that may try, good ones first; NULL, and after how long to look again. */
static struct tb_address_queue *next_queue(tb_guard *g, int64_t now, int64_t *sleep_ns)
{
    struct tb_address_queue *queue = g->ring, *found = NULL;
    *sleep_ns = INT64_MAX;
    do {
        int64_t ns = wait_ns(g, queue, now);
        if (ns < *sleep_ns) *sleep_ns = ns;
        if (ns == 0 && (!found || (is_good(queue, now) && !is_good(found, now)))) found = queue;
        queue = queue->next;
    } while (queue != g->ring);
    return found;
}

static void serve(tb_guard *g, struct tb_address_queue *queue, int64_t now)
{
    tb_guess *guess = queue->first;
    take_credit(g, queue, now);
    g->ring = queue->next; /* the others' turn; unlink_guess mends it when there are none */
    unlink_guess(g, queue, NULL, guess);
    g->busy = true;
    pthread_mutex_unlock(&g->lock);
    tb_guess_end how = g->judge(g->self, guess);
    tb_guard_report(g, &guess->peer, how);
    g->done(g->self, guess, how); /* it may be freed after this line */
    pthread_mutex_lock(&g->lock);
    g->busy = false;
    pthread_cond_broadcast(&g->idle);
}

static void *run(void *self)
{
    tb_guard *g = self;
    int64_t sleep_ns;
    pthread_mutex_lock(&g->lock);
    while (!g->ending) {
        int64_t now = tb_clock_mono_ns();
        struct tb_address_queue *queue = g->ring ? next_queue(g, now, &sleep_ns) : NULL;
        if (queue) {
            serve(g, queue, now);
        } else if (g->ring) {
            const struct timespec until = tb_cond_deadline(sleep_ns);
            pthread_cond_timedwait(&g->changed, &g->lock, &until);
        } else {
            pthread_cond_wait(&g->changed, &g->lock);
        }
    }
    pthread_mutex_unlock(&g->lock);
    return NULL;
}

tb_status tb_guard_new(tb_guess_judge judge, tb_guess_done done, void *self, tb_guard **out,
                       tb_err *err)
{
    tb_guard *g = tb_alloc(sizeof *g);
    g->judge = judge;
    g->done = done;
    g->self = self;
    g->address_most = PER_ADDRESS_MAX;
    g->all_most = ALL_MAX;
    g->all = (struct credit){all_burst, tb_clock_mono_ns()};
    tb_random_bytes(g->key, sizeof g->key);
    pthread_mutex_init(&g->lock, NULL);
    tb_cond_init(&g->changed);
    pthread_cond_init(&g->idle, NULL);
    int why = pthread_create(&g->thread, NULL, run, g);
    if (why) {
        pthread_cond_destroy(&g->changed);
        pthread_cond_destroy(&g->idle);
        pthread_mutex_destroy(&g->lock);
        tb_free(g);
        return tb_fail_errno(err, why, "cannot start the thread that checks passwords");
    }
    *out = g;
    return TB_OK;
}

void tb_guard_room(tb_guard *g, int connections)
{
    const int address = connections / 8, all = connections / 2;
    pthread_mutex_lock(&g->lock);
    g->address_most = address < 1 ? 1 : address < PER_ADDRESS_MAX ? address : PER_ADDRESS_MAX;
    g->all_most = all < 1 ? 1 : all < ALL_MAX ? all : ALL_MAX;
    pthread_mutex_unlock(&g->lock);
}

void tb_guard_close(tb_guard *g)
{
    pthread_mutex_lock(&g->lock);
    g->closed = true;
    while (g->ring) {
        tb_guess *guess = g->ring->first;
        (void)take_out(g, guess);
        pthread_mutex_unlock(&g->lock);
        g->done(g->self, guess, TB_GUESS_STOPPED);
        pthread_mutex_lock(&g->lock);
    }
    while (g->busy)
        pthread_cond_wait(&g->idle, &g->lock);
    pthread_mutex_unlock(&g->lock);
}

void tb_guard_free(tb_guard *g)
{
    if (!g) return;
    tb_guard_close(g);
    pthread_mutex_lock(&g->lock);
    g->ending = true;
    pthread_cond_signal(&g->changed);
    pthread_mutex_unlock(&g->lock);
    pthread_join(g->thread, NULL);
    pthread_cond_destroy(&g->changed);
    pthread_cond_destroy(&g->idle);
    pthread_mutex_destroy(&g->lock);
    tb_free(g);
}
