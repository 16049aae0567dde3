#include "http/http_priv.h"
#include "http/wire_priv.h"

#include "base/clock.h"
#include "base/cond.h"
#include "base/descriptors.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"

#include <assert.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#ifdef __linux__
#include <linux/sockios.h>
#include <linux/tcp.h>
#endif

/*
 * The table of connections: one seat per connection, indexed by its descriptor. It enforces
 * deadlines, and chooses the connection to close when all seats are taken.
 *
 * A head must be complete within HEAD_MS. A body, and the reading of an answer, may fall behind
 * LEAST_RATE by CLIENT_TIMEOUT, measured by the kernel's counters of received and acknowledged
 * bytes (elsewhere than on Linux only libmicrohttpd's timeout applies). No clock runs while we
 * work. For a new connection an unauthenticated one is closed: among the LOOKED_AT oldest, one
 * whose address has most of them; else the oldest idle one. One that is authenticated and served
 * stays. Closing is shutdown(2): libmicrohttpd calls tb_seat_on_connection before it closes the
 * socket, so under the lock a descriptor in the table is never another's. Relies on Linux's
 * TCP_INFO.
 *
 * Invariants, under the lock: taken counts the seats not FREE, leaving those SHUT; a seat is in the
 * list that list_for names; per_address[] counts the unauthenticated list by hash of the address.
 */
enum {
    HEAD_MS = 10000,
    LEAST_RATE = 1024, /* bytes a second */
    LOOK_MS = 500,
    LOST_MS = 20000, /* handed over, and libmicrohttpd never announced it */
    LOOKED_AT = 32,
    LEAVING_MS = 100, /* a connection that is shut is closed within some milliseconds */
    ADDRESS_SLOTS = 4096,
    BESIDE_MOST = 32, /* closed by us, but not yet by libmicrohttpd */
    NONE = -1,
};

enum state { FREE, HANDED, OPEN, SHUT };
enum { UNAUTHENTICATED, IDLE, LISTS };

struct seat {
    enum state state;
    tb_seat_phase phase;
    bool authenticated;
    int list, before, behind; /* list is NONE when it is in none */
    unsigned address_slot;
    int64_t since_ms, behind_ms; /* when the phase began; how far it is behind the least rate */
    uint64_t moved;              /* bytes at the last check */
    uint64_t arrived;            /* bytes that the client had when its request began */
    unsigned requests;           /* that have begun on it */
    tb_request *request;
};

struct tb_seats {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a seat was freed, or can be */
    struct seat *at;
    int n, used, most, beside; /* used: no seat at or above it is taken */
    int taken, leaving;
    int first[LISTS], last[LISTS];
    unsigned short per_address[ADDRESS_SLOTS];
    uint64_t key;
    int64_t patience_ms, looked_ms;
};

static int64_t now_ms(void)
{
    return tb_clock_mono_ns() / 1000000;
}

/* ---- lists; the lock is held in all of these ---- */

static void unlist(struct tb_seats *s, int i)
{
    struct seat *seat = &s->at[i];
    if (seat->list == NONE) return;
    if (seat->before == NONE)
        s->first[seat->list] = seat->behind;
    else
        s->at[seat->before].behind = seat->behind;
    if (seat->behind == NONE)
        s->last[seat->list] = seat->before;
    else
        s->at[seat->behind].before = seat->before;
    if (seat->list == UNAUTHENTICATED) s->per_address[seat->address_slot]--;
    seat->list = NONE;
}

static int list_for(const struct seat *seat)
{
    if (seat->state != HANDED && seat->state != OPEN) return NONE;
    if (seat->authenticated) return seat->phase == TB_SEAT_HEAD ? IDLE : NONE;
    return seat->phase == TB_SEAT_WORK ? NONE : UNAUTHENTICATED;
}

static void relist(struct tb_seats *s, int i)
{
    struct seat *seat = &s->at[i];
    int list = list_for(seat);
    if (list == seat->list) return;
    unlist(s, i);
    if (list == NONE) return;
    seat->list = list;
    seat->behind = NONE;
    seat->before = s->last[list];
    if (seat->before == NONE)
        s->first[list] = i;
    else
        s->at[seat->before].behind = i;
    s->last[list] = i;
    if (list == UNAUTHENTICATED) s->per_address[seat->address_slot]++;
}

static void set_free(struct tb_seats *s, int i)
{
    struct seat *seat = &s->at[i];
    if (seat->state == FREE) return;
    unlist(s, i);
    tb_wire_end(i);
    pthread_cond_signal(&s->changed);
    s->leaving -= seat->state == SHUT;
    s->taken--;
    *seat = (struct seat){.list = NONE};
    while (s->used > 0 && s->at[s->used - 1].state == FREE)
        s->used--;
}

/* Only a connection that libmicrohttpd has announced: the descriptor could be another's by now. */
static void shut(struct tb_seats *s, int i)
{
    struct seat *seat = &s->at[i];
    if (seat->state != OPEN) return;
    unlist(s, i);
    seat->state = SHUT;
    s->leaving++;
    shutdown(i, SHUT_RDWR);
}

static int pick_victim(const struct tb_seats *s)
{
    int picked = NONE, looked = 0;
    for (int i = s->first[UNAUTHENTICATED]; i != NONE && looked < LOOKED_AT; i = s->at[i].behind) {
        if (s->at[i].state != OPEN) continue;
        looked++;
        if (picked == NONE ||
            s->per_address[s->at[i].address_slot] > s->per_address[s->at[picked].address_slot])
            picked = i;
    }
    return picked != NONE ? picked : s->first[IDLE];
}

/* ---- the door's side ---- */

void tb_seats_prepare(tb_http *http, int most)
{
    struct tb_seats *s = http->seats = tb_alloc(sizeof *s);
    pthread_mutex_init(&s->lock, NULL);
    tb_cond_init(&s->changed);
    s->most = most;
    s->beside = most / 4 < BESIDE_MOST ? most / 4 + 1 : BESIDE_MOST;
    /* Descriptors are given out from below: a connection may have a file each, and the work some.
     */
    s->n = (int)tb_descriptors_used() + 2 * most + 1024;
    s->at = tb_alloc((size_t)s->n * sizeof *s->at);
    for (int i = 0; i < s->n; i++)
        s->at[i].list = NONE;
    for (int l = 0; l < LISTS; l++)
        s->first[l] = s->last[l] = NONE;
    tb_wires_open(s->n, http->tls_cert != NULL, tb_raw_reply_instead, http);
    tb_random_bytes(&s->key, sizeof s->key);
    s->patience_ms = (int64_t)http->config->client_timeout_s * 1000;
}

void tb_seats_free(tb_http *http)
{
    struct tb_seats *s = http->seats;
    if (!s) return;
    tb_wires_close();
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    tb_free(s->at);
    tb_free(s);
    http->seats = NULL;
}

enum room { ROOM, SOON, NO_ROOM };

static enum room make_room(struct tb_seats *s)
{
    if (s->taken - s->leaving >= s->most) {
        int victim = pick_victim(s);
        if (victim != NONE) shut(s, victim);
    }
    if (s->taken - s->leaving >= s->most) /* those not OPEN yet can be shut soon */
        return s->first[UNAUTHENTICATED] == NONE ? NO_ROOM : SOON;
    return s->taken >= s->most + s->beside ? SOON : ROOM;
}

bool tb_seats_room(tb_http *http)
{
    struct tb_seats *s = http->seats;
    enum room room;
    struct timespec until = tb_cond_deadline((int64_t)LEAVING_MS * 1000000);
    pthread_mutex_lock(&s->lock);
    while ((room = make_room(s)) == SOON &&
           pthread_cond_timedwait(&s->changed, &s->lock, &until) == 0) {
    }
    pthread_mutex_unlock(&s->lock);
    return room == ROOM;
}

int tb_seats_most(const tb_http *http)
{
    return http->seats->most + http->seats->beside;
}

int tb_seats_open(const tb_http *http)
{
    return http->seats->most;
}

/* Whose address it is, roughly: of IPv6 the network, as one client has all of it. */
static unsigned address_slot_of(const struct tb_seats *s, const struct sockaddr *from)
{
    uint64_t word = 0;
    if (from->sa_family == AF_INET)
        word = ((const struct sockaddr_in *)(const void *)from)->sin_addr.s_addr;
    else if (from->sa_family == AF_INET6) {
        const unsigned char *a =
            ((const struct sockaddr_in6 *)(const void *)from)->sin6_addr.s6_addr;
        static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
        if (memcmp(a, mapped, sizeof mapped) == 0)
            memcpy(&word, a + 12, 4);
        else
            memcpy(&word, a, 8);
    }
    return (unsigned)(tb_mix64(word ^ s->key) % ADDRESS_SLOTS);
}

bool tb_seat_take(tb_http *http, int fd, const struct sockaddr *from)
{
    struct tb_seats *s = http->seats;
    if (fd >= s->n) return false;
    pthread_mutex_lock(&s->lock);
    set_free(s, fd); /* one that was handed over and closed unannounced */
    s->at[fd] = (struct seat){.state = HANDED,
                              .list = NONE,
                              .address_slot = address_slot_of(s, from),
                              .since_ms = now_ms()};
    s->taken++;
    tb_wire_begin(fd);
    if (fd >= s->used) s->used = fd + 1;
    relist(s, fd);
    pthread_mutex_unlock(&s->lock);
    return true;
}

void tb_seat_give_up(tb_http *http, int fd)
{
    pthread_mutex_lock(&http->seats->lock);
    set_free(http->seats, fd);
    pthread_mutex_unlock(&http->seats->lock);
}

/* ---- deadlines ---- */

/* Bytes that moved in the direction of the phase, and whether the client is what it waits for.
 * False: there is no telling. */
#ifdef __linux__
static bool measure(int fd, tb_seat_phase phase, uint64_t *moved, bool *client)
{
    struct tcp_info info;
    socklen_t len = sizeof info;
    int unread = 0;
    memset(&info, 0, sizeof info);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0) return false;
    if (len < offsetof(struct tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received)
        return false;
    *moved = phase == TB_SEAT_REPLY ? info.tcpi_bytes_acked : info.tcpi_bytes_received;
    *client = phase != TB_SEAT_REPLY || (ioctl(fd, SIOCOUTQ, &unread) == 0 && unread > 0);
    return true;
}
#else
static bool measure(int fd, tb_seat_phase phase, uint64_t *moved, bool *client)
{
    (void)fd;
    (void)phase;
    (void)moved;
    (void)client;
    return false;
}
#endif

static bool rate_is_too_low(struct tb_seats *s, int i, int64_t passed_ms)
{
    struct seat *seat = &s->at[i];
    uint64_t moved = 0;
    bool client = true;
    if (!measure(i, seat->phase, &moved, &client)) return false;
    int64_t bytes = moved > seat->moved ? (int64_t)(moved - seat->moved) : 0;
    seat->moved = moved;
    seat->behind_ms += passed_ms - bytes * 1000 / LEAST_RATE;
    if (seat->behind_ms < 0 || !client) seat->behind_ms = 0;
    return seat->behind_ms > s->patience_ms;
}

/* Whether bytes wait that the server has not read yet. */
static bool has_sent(int fd)
{
    int unread = 0;
    return ioctl(fd, FIONREAD, &unread) == 0 && unread > 0;
}

static bool is_late(struct tb_seats *s, int i, int64_t now, int64_t passed_ms)
{
    struct seat *seat = &s->at[i];
    int64_t head = s->patience_ms < HEAD_MS ? s->patience_ms : HEAD_MS;
    switch (seat->phase) {
    case TB_SEAT_HEAD: /* an authenticated one may also be idle between two requests */
        return now - seat->since_ms > head + (seat->authenticated ? s->patience_ms : 0) &&
               !has_sent(i);
    case TB_SEAT_WORK:
        return false;
    case TB_SEAT_BODY:
    case TB_SEAT_REPLY:
        return now - seat->since_ms > passed_ms && rate_is_too_low(s, i, passed_ms);
    }
    return false;
}

static void check_invariants(const struct tb_seats *s)
{
#ifndef NDEBUG
    int taken = 0, leaving = 0, unauthenticated = 0;
    for (int i = 0; i < s->used; i++) {
        taken += s->at[i].state != FREE;
        leaving += s->at[i].state == SHUT;
        assert(s->at[i].list == list_for(&s->at[i]));
        unauthenticated += s->at[i].list == UNAUTHENTICATED;
    }
    for (int slot = 0; slot < ADDRESS_SLOTS; slot++)
        unauthenticated -= s->per_address[slot];
    assert(unauthenticated == 0);
    assert(taken == s->taken && leaving == s->leaving);
#else
    (void)s;
#endif
}

void tb_seats_look(tb_http *http)
{
    struct tb_seats *s = http->seats;
    int late = 0;
    pthread_mutex_lock(&s->lock);
    int64_t now = now_ms(), passed_ms = now - s->looked_ms;
    if (passed_ms >= LOOK_MS) {
        if (passed_ms > 4 * LOOK_MS)
            passed_ms = 4 * LOOK_MS; /* this thread was delayed, not the clients */
        s->looked_ms = now;
        check_invariants(s);
        for (int i = 0; i < s->used; i++) {
            if (s->at[i].state == HANDED && (s->at[i].behind_ms += passed_ms) > LOST_MS)
                set_free(s, i);
            if (s->at[i].state != OPEN || !is_late(s, i, now, passed_ms)) continue;
            shut(s, i);
            late++;
        }
    }
    pthread_mutex_unlock(&s->lock);
    if (late) tb_log(TB_DEBUG, "http", "connections=closed n=%d why=\"too slow\"", late);
}

/* ---- libmicrohttpd's side ---- */

static int descriptor_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

void tb_seat_on_connection(void *self, struct MHD_Connection *connection, void **context,
                           enum MHD_ConnectionNotificationCode what)
{
    struct tb_seats *s = ((tb_http *)self)->seats;
    int fd = descriptor_of(connection);
    (void)context;
    if (fd < 0 || fd >= s->n) return;
    pthread_mutex_lock(&s->lock);
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        set_free(s, fd);
    } else if (s->at[fd].state == HANDED) {
        s->at[fd].state = OPEN;
        pthread_cond_signal(&s->changed);
    }
    pthread_mutex_unlock(&s->lock);
}

static void enter(struct tb_seats *s, int i, tb_seat_phase phase)
{
    struct seat *seat = &s->at[i];
    seat->phase = phase;
    seat->since_ms = now_ms();
    seat->behind_ms = 0;
    seat->moved = 0;
    bool client;
    if (phase == TB_SEAT_BODY || phase == TB_SEAT_REPLY)
        (void)measure(i, phase, &seat->moved, &client);
    relist(s, i);
}

void tb_seat_begin(tb_request *r)
{
    struct tb_seats *s = r->http->seats;
    bool client;
    r->seat = descriptor_of(r->connection);
    if (r->seat >= s->n) r->seat = -1;
    if (r->seat < 0) return;
    pthread_mutex_lock(&s->lock);
    s->at[r->seat].request = r;
    r->number = ++s->at[r->seat].requests;
    s->at[r->seat].authenticated = false; /* each request shows its own */
    enter(s, r->seat, r->seat_phase = TB_SEAT_WORK);
    (void)measure(r->seat, TB_SEAT_REPLY, &s->at[r->seat].arrived, &client);
    pthread_mutex_unlock(&s->lock);
}

void tb_seat_go_on(tb_request *r, tb_seat_phase phase)
{
    struct tb_seats *s = r->http->seats;
    if (r->seat < 0 || r->seat_phase == phase) return;
    r->seat_phase = phase;
    pthread_mutex_lock(&s->lock);
    enter(s, r->seat, phase);
    pthread_mutex_unlock(&s->lock);
}

void tb_seat_authenticated(tb_request *r)
{
    struct tb_seats *s = r->http->seats;
    if (r->seat < 0) return;
    pthread_mutex_lock(&s->lock);
    s->at[r->seat].authenticated = true;
    relist(s, r->seat);
    pthread_mutex_unlock(&s->lock);
}

void tb_seat_end(tb_request *r)
{
    struct tb_seats *s = r->http->seats;
    uint64_t arrived = 0;
    bool client;
    r->arrived = UINT64_MAX;
    if (r->seat < 0) return;
    pthread_mutex_lock(&s->lock);
    if (measure(r->seat, TB_SEAT_REPLY, &arrived, &client) && arrived >= s->at[r->seat].arrived)
        r->arrived = arrived - s->at[r->seat].arrived;
    s->at[r->seat].request = NULL;
    tb_wire_own(r->seat, false);
    enter(s, r->seat, TB_SEAT_HEAD);
    pthread_mutex_unlock(&s->lock);
    r->seat = -1;
}

/* ---- stopping ---- */

void tb_seats_wake(tb_http *http)
{
    struct tb_seats *s = http->seats;
    pthread_mutex_lock(&s->lock);
    for (int i = 0; i < s->used; i++)
        if (s->at[i].request) tb_request_wake(s->at[i].request);
    pthread_mutex_unlock(&s->lock);
}

int tb_seats_served(tb_http *http)
{
    struct tb_seats *s = http->seats;
    int n = 0;
    pthread_mutex_lock(&s->lock);
    for (int i = 0; i < s->used; i++)
        n += s->at[i].request && s->at[i].state == OPEN &&
             (s->at[i].phase == TB_SEAT_WORK || s->at[i].phase == TB_SEAT_REPLY);
    pthread_mutex_unlock(&s->lock);
    return n;
}
