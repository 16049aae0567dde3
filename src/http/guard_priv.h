#ifndef TB_HTTP_GUARD_PRIV_H
#define TB_HTTP_GUARD_PRIV_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/*
 * How often credentials may be tried. A wrong guess costs its address one credit, and credit is
 * refilled at a fixed rate; a right guess costs nothing. A guess from an address without credit
 * waits in that address's queue and is judged in its turn, right or wrong: answering only correct
 * credentials at once would be an oracle. So guessing has a rate, and an owner behind the same
 * address as the guessers waits for a turn, but is not locked out.
 */
typedef struct tb_guard tb_guard;

/* Where a request comes from: the address (of IPv6 the first 64 bits, which one customer has), and
 * the connection. */
typedef struct {
    unsigned char address[16];
    uint16_t port;
} tb_peer;

/* forwarded: X-Forwarded-For, believed when a proxy on this machine speaks; NULL for none. */
void tb_peer_set(tb_peer *peer, const struct sockaddr *from, const char *forwarded);

typedef struct tb_guess {
    struct tb_guess *next;
    struct tb_address_queue *queue; /* while it waits */
    tb_peer peer;
} tb_guess;

typedef enum {
    TB_GUESS_WAITS,
    TB_GUESS_RIGHT,
    TB_GUESS_WRONG,
    TB_GUESS_FAILED,  /* it could not be judged */
    TB_GUESS_EVICTED, /* removed: more came than may wait */
    TB_GUESS_LEFT,    /* its client went away before its turn */
    TB_GUESS_STOPPED
} tb_guess_end;

/* judge: on the guard's thread, may take its time. done: once for each guess that waited and was
 * not removed, from any thread, no lock held. */
typedef tb_guess_end (*tb_guess_judge)(void *self, tb_guess *guess);
typedef void (*tb_guess_done)(void *self, tb_guess *guess, tb_guess_end how);

TB_MUST_CHECK tb_status tb_guard_new(tb_guess_judge judge, tb_guess_done done, void *self,
                                     tb_guard **out, tb_err *err);
/* A guess that waits holds its connection: of so many connections an eighth may wait of one
 * address, and half in all, so that the others stay for those who are right. */
void tb_guard_room(tb_guard *g, int connections);
/* Ends what waits as TB_GUESS_STOPPED, finishes what is being judged, and refuses to let others
 * wait; tries without waiting go on. */
void tb_guard_close(tb_guard *g);
void tb_guard_free(tb_guard *g);

/* Whether this very connection has been right before, and not wrong since: it may be compared at
 * once, and forgotten if that fails. */
bool tb_guard_knows(tb_guard *g, const tb_peer *peer);
/* The connection sent wrong credentials, or a proxy uses it for another client now. */
void tb_guard_forget(tb_guard *g, const tb_peer *peer);
/* Whether this one may try now. Takes a credit; tb_guard_report gives it back unless the guess was
 * wrong. */
bool tb_guard_try(tb_guard *g, const tb_peer *peer);
void tb_guard_report(tb_guard *g, const tb_peer *peer, tb_guess_end how);
/* guess->peer is set. TB_EBUSY when too many wait there, TB_EUNREADY after close. */
TB_MUST_CHECK tb_status tb_guard_wait(tb_guard *g, tb_guess *guess, tb_err *err);
/* Takes a waiting one out: true, and done is not called. */
bool tb_guard_remove(tb_guard *g, tb_guess *guess);

#endif
