#include "http/guard_priv.h"

#include "base/clock.h"
#include "base/cond.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/rng.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>

/*
 * A lane per address with tokens of its own, and tokens for all together. Lanes lie in small sets
 * by a keyed hash of the address, so that looking one up costs the same however many there are, and
 * nobody can choose an address to push another one out. A lane that is pushed out was idle: what it
 * forgets are tokens, which time would have brought, too.
 *
 * An address that was right lately has more tokens, and needs none of those for all: guessing from
 * everywhere else does not slow it. One thread serves the lanes in turn, and judges.
 */
enum {
    SETS = 256,
    WAYS = 4,
    LANE_MAX = 64, /* guesses that may wait of one address, at most */
    ALL_MAX = 256, /* and in all */
    KNOWN = 256,   /* connections that were right */
};
static const double burst = 20, per_second = 10, good_per_second = 40;
static const double all_burst = 100, all_per_second = 50;
static const int64_t good_ns = 3600 * (int64_t)1000000000;

struct tokens {
    double n;
    int64_t at_ns;
};

struct tb_lane {
    unsigned char address[16];
    struct tokens tokens;
    int64_t used_ns, good_until_ns;
    tb_guess *first, *last;
    int waiting;
    struct tb_lane *next, *before; /* of those that have somebody waiting */
};

struct tb_guard {
    unsigned char key[32];
    tb_guess_judge judge;
    tb_guess_done done;
    void *self;
    pthread_mutex_t lock;
    pthread_cond_t news, idle;
    pthread_t thread;
    struct tb_lane lanes[SETS][WAYS];
    struct tokens all;
    struct tb_lane *queue;            /* a ring; the next one to be served */
    int waiting, lane_most, all_most; /* who may wait: tb_guard_room */
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

/* ---- tokens ---- */

static void refill(struct tokens *t, double rate, double most, int64_t now)
{
    if (now > t->at_ns) t->n += rate * (double)(now - t->at_ns) / 1e9;
    if (t->n > most) t->n = most;
    t->at_ns = now;
}

static bool is_good(const struct tb_lane *lane, int64_t now)
{
    return lane->good_until_ns > now;
}

/* Nanoseconds until the lane may try; 0: now. */
static int64_t wait_ns(tb_guard *g, struct tb_lane *lane, int64_t now)
{
    const double rate = is_good(lane, now) ? good_per_second : per_second;
    double seconds = 0;
    refill(&lane->tokens, rate, burst, now);
    refill(&g->all, all_per_second, all_burst, now);
    if (lane->tokens.n < 1) seconds = (1 - lane->tokens.n) / rate;
    if (!is_good(lane, now) && g->all.n < 1) {
        const double more = (1 - g->all.n) / all_per_second;
        if (more > seconds) seconds = more;
    }
    return seconds > 0 ? (int64_t)(seconds * 1e9) + 1 : 0;
}

static void take_token(tb_guard *g, struct tb_lane *lane, int64_t now)
{
    lane->tokens.n -= 1;
    if (!is_good(lane, now)) g->all.n -= 1;
}

static void give_back(tb_guard *g, struct tb_lane *lane)
{
    lane->tokens.n += 1;
    g->all.n += 1; /* one too many of a good lane: bounded by the burst */
}

/* ---- lanes ---- */

/* Which of two is missed less; never one where somebody waits, if there is another. */
static bool goes_before(const struct tb_lane *a, const struct tb_lane *b, int64_t now)
{
    if (!a->waiting != !b->waiting) return !a->waiting;
    if (is_good(a, now) != is_good(b, now)) return !is_good(a, now);
    return a->used_ns < b->used_ns;
}

/* Of this address; where all of a set are waited in, a neighbour's is shared. */
static struct tb_lane *lane_of(tb_guard *g, const tb_peer *peer, int64_t now)
{
    unsigned char hash[TB_HASH_BYTES];
    tb_hash_keyed(peer->address, sizeof peer->address, g->key, hash);
    struct tb_lane *set = g->lanes[hash[0] % SETS], *worst = &set[0];
    for (int i = 0; i < WAYS; i++) {
        if (set[i].used_ns && memcmp(set[i].address, peer->address, 16) == 0) {
            set[i].used_ns = now;
            return &set[i];
        }
        if (goes_before(&set[i], worst, now)) worst = &set[i];
    }
    if (worst->waiting) return worst;
    *worst = (struct tb_lane){.used_ns = now, .tokens = {burst, now}};
    memcpy(worst->address, peer->address, 16);
    return worst;
}

static void line_up(tb_guard *g, struct tb_lane *lane)
{
    if (!g->queue) {
        g->queue = lane->next = lane->before = lane;
        return;
    }
    lane->next = g->queue;
    lane->before = g->queue->before;
    lane->before->next = lane->next->before = lane;
}

static void step_out(tb_guard *g, struct tb_lane *lane)
{
    if (g->queue == lane) g->queue = lane->next == lane ? NULL : lane->next;
    lane->next->before = lane->before;
    lane->before->next = lane->next;
    lane->next = lane->before = NULL;
}

/* Takes the guess behind before (NULL: the first) out of its lane. */
static void unlink_guess(tb_guard *g, struct tb_lane *lane, tb_guess *before, tb_guess *guess)
{
    if (before)
        before->next = guess->next;
    else
        lane->first = guess->next;
    if (lane->last == guess) lane->last = before;
    guess->next = NULL;
    guess->lane = NULL;
    g->waiting--;
    if (--lane->waiting == 0) step_out(g, lane);
}

static bool take_out(tb_guard *g, tb_guess *guess)
{
    struct tb_lane *lane = guess->lane;
    tb_guess *before = NULL;
    if (!lane) return false;
    for (tb_guess *p = lane->first; p != guess; p = p->next)
        before = p;
    unlink_guess(g, lane, before, guess);
    return true;
}

/* Makes room in all lanes together: the newest one of the longest lane goes, if that is longer than
 * the one that wants in. */
static tb_guess *crowd_out(tb_guard *g, const struct tb_lane *for_this)
{
    struct tb_lane *longest = g->queue, *lane = g->queue;
    do {
        if (lane->waiting > longest->waiting) longest = lane;
        lane = lane->next;
    } while (lane != g->queue);
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

static void account(tb_guard *g, const tb_peer *peer, struct tb_lane *lane, tb_guess_end how,
                    int64_t now)
{
    tb_peer *known = find_known(g, peer);
    if (how != TB_GUESS_WRONG) give_back(g, lane);
    if (how == TB_GUESS_RIGHT) {
        lane->good_until_ns = now + good_ns;
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
    struct tb_lane *lane = lane_of(g, peer, now);
    bool may = !lane->waiting && wait_ns(g, lane, now) == 0;
    if (may) take_token(g, lane, now);
    pthread_mutex_unlock(&g->lock);
    return may;
}

void tb_guard_tell(tb_guard *g, const tb_peer *peer, tb_guess_end how)
{
    int64_t now = tb_clock_mono_ns();
    pthread_mutex_lock(&g->lock);
    account(g, peer, lane_of(g, peer, now), how, now);
    pthread_mutex_unlock(&g->lock);
}

/* ---- waiting ---- */

tb_status tb_guard_wait(tb_guard *g, tb_guess *guess, tb_err *err)
{
    int64_t now = tb_clock_mono_ns();
    tb_guess *crowded = NULL;
    tb_status st = TB_OK;
    pthread_mutex_lock(&g->lock);
    struct tb_lane *lane = lane_of(g, &guess->peer, now);
    bool full = lane->waiting >= g->lane_most;
    if (!full && g->waiting >= g->all_most) {
        crowded = crowd_out(g, lane);
        full = !crowded;
    }
    if (g->closed) {
        st = tb_fail(err, TB_EUNREADY, "the server is stopping; try again in a moment");
    } else if (full) {
        st = tb_fail(err, TB_EBUSY,
                     "too many wrong passwords come from this address; try again in a moment");
    } else {
        guess->next = NULL;
        guess->lane = lane;
        if (lane->last)
            lane->last->next = guess;
        else
            lane->first = guess;
        lane->last = guess;
        if (lane->waiting++ == 0) line_up(g, lane);
        g->waiting++;
        pthread_cond_signal(&g->news);
    }
    pthread_mutex_unlock(&g->lock);
    if (crowded) g->done(g->self, crowded, TB_GUESS_CROWDED);
    return st;
}

bool tb_guard_remove(tb_guard *g, tb_guess *guess)
{
    pthread_mutex_lock(&g->lock);
    bool out = take_out(g, guess);
    pthread_mutex_unlock(&g->lock);
    return out;
}

/* The next lane in turn that may try, good ones first; NULL, and for how long there is none. */
static struct tb_lane *next_lane(tb_guard *g, int64_t now, int64_t *sleep_ns)
{
    struct tb_lane *lane = g->queue, *found = NULL;
    *sleep_ns = INT64_MAX;
    do {
        int64_t ns = wait_ns(g, lane, now);
        if (ns < *sleep_ns) *sleep_ns = ns;
        if (ns == 0 && (!found || (is_good(lane, now) && !is_good(found, now)))) found = lane;
        lane = lane->next;
    } while (lane != g->queue);
    return found;
}

static void serve(tb_guard *g, struct tb_lane *lane, int64_t now)
{
    tb_guess *guess = lane->first;
    take_token(g, lane, now);
    g->queue = lane->next; /* the others' turn; unlink_guess mends it when there are none */
    unlink_guess(g, lane, NULL, guess);
    g->busy = true;
    pthread_mutex_unlock(&g->lock);
    tb_guess_end how = g->judge(g->self, guess);
    tb_guard_tell(g, &guess->peer, how);
    g->done(g->self, guess, how); /* it may be gone behind this */
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
        struct tb_lane *lane = g->queue ? next_lane(g, now, &sleep_ns) : NULL;
        if (lane) {
            serve(g, lane, now);
        } else if (g->queue) {
            const struct timespec until = tb_cond_deadline(sleep_ns);
            pthread_cond_timedwait(&g->news, &g->lock, &until);
        } else {
            pthread_cond_wait(&g->news, &g->lock);
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
    g->lane_most = LANE_MAX;
    g->all_most = ALL_MAX;
    g->all = (struct tokens){all_burst, tb_clock_mono_ns()};
    tb_random_bytes(g->key, sizeof g->key);
    pthread_mutex_init(&g->lock, NULL);
    tb_cond_init(&g->news);
    pthread_cond_init(&g->idle, NULL);
    int why = pthread_create(&g->thread, NULL, run, g);
    if (why) {
        pthread_cond_destroy(&g->news);
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
    const int lane = connections / 8, all = connections / 2;
    pthread_mutex_lock(&g->lock);
    g->lane_most = lane < 1 ? 1 : lane < LANE_MAX ? lane : LANE_MAX;
    g->all_most = all < 1 ? 1 : all < ALL_MAX ? all : ALL_MAX;
    pthread_mutex_unlock(&g->lock);
}

void tb_guard_close(tb_guard *g)
{
    pthread_mutex_lock(&g->lock);
    g->closed = true;
    while (g->queue) {
        tb_guess *guess = g->queue->first;
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
    pthread_cond_signal(&g->news);
    pthread_mutex_unlock(&g->lock);
    pthread_join(g->thread, NULL);
    pthread_cond_destroy(&g->news);
    pthread_cond_destroy(&g->idle);
    pthread_mutex_destroy(&g->lock);
    tb_free(g);
}
