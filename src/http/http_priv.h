#ifndef TB_HTTP_HTTP_PRIV_H
#define TB_HTTP_HTTP_PRIV_H

#include "api/fields.h"
#include "http/auth_priv.h"
#include "http/server.h"
#include "job/queue.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

typedef struct tb_request tb_request;
typedef struct tb_listing tb_listing;
typedef struct tb_route tb_route; /* route_priv.h */

/* What a connection waits for: the client's head or body, the server's work, the client's reading.
 */
typedef enum { TB_SEAT_HEAD, TB_SEAT_BODY, TB_SEAT_WORK, TB_SEAT_REPLY } tb_seat_phase;

enum { TB_PATH_PARAMS = 2, TB_REPLY_HEADERS = 32 };

struct tb_request {
    tb_http *http;
    struct MHD_Connection *connection;
    const tb_route *route;
    size_t route_index; /* of tb_route_at; with a route */
    const char *method;
    char *path;                   /* decoded by MHD, without the query, as routes know it */
    char *base;                   /* prefix of links: "", or "/tts" behind a proxy */
    char *query;                  /* after the question mark, undecoded; NULL: none */
    char *params[TB_PATH_PARAMS]; /* what {x} stood for */
    char id[65];                  /* X-Request-Id */
    char user[129];
    tb_peer peer;
    bool blank_target, nul_in_path;
    bool begun; /* its head was complete */
    int64_t began_ns;
    tb_str body;
    tb_fields fields; /* of the query and the body together */
    enum {
        TB_AT_START,
        TB_AT_PASSWORD,
        TB_AT_BODY,
        TB_AT_REFUSED,
        TB_AT_DESK,
        TB_AT_LOGIN,
        TB_AT_JOB,
        TB_AT_END
    } phase;

    pthread_mutex_t lock; /* guards the three below against a job's wake */
    bool asleep, woken, at_desk;
    tb_queue_entry desk_entry;
    int64_t desk_ns; /* when it came to the desk */
    void (*desk_work)(tb_request *r);
    tb_err err; /* why it cannot be answered as it was asked; TB_OK: it can */
    tb_job *job;
    tb_auth_check *check;
    tb_listing *listing; /* a history that is sent in pieces */
    size_t charged;      /* bytes of body counted against the budget of all */
    uint64_t sent;       /* bytes of the answer's body; of a stream, those handed over */
    uint64_t arrived;    /* of all that was sent, what the client has; UINT64_MAX: not known */
    tb_err *refusal;     /* why the body is not wanted; NULL: it is */
    int64_t refused_ns;  /* since when its body is read and dropped */
    uint64_t dropped;    /* bytes of it */
    bool early;          /* answered while a body may still be on its way */
    char trace_id[56];   /* traceparent (W3C), or empty */
    bool streaming;

    int status; /* of the answer; 0: none yet */
    struct MHD_Response *response;
    struct {
        char *name, *value;
    } headers[TB_REPLY_HEADERS];
    int n_headers;

    int seat; /* in the table of connections; -1: none */
    tb_seat_phase seat_phase;
    unsigned number;          /* of the connection's requests, from 1 */
    tb_request *next_watched; /* the watcher's list */
    bool watched;
};

struct tb_http {
    const tb_config *config;
    tb_service *service;
    tb_auth *auth;
    struct MHD_Daemon *daemon;
    tb_queue *desk, *writing_desk;
    int listen_fd, port;
    bool quiesced;
    struct tb_door *door;
    struct tb_seats *seats;
    atomic_bool closing;  /* suspended requests are woken, and none is suspended any more */
    atomic_size_t bodies; /* bytes of all bodies in memory */
    size_t bodies_max;
    atomic_int in_flight;
    char *tls_cert, *tls_key;
    unsigned char link_key[32];

    struct tb_linger *linger;
    pthread_t watcher;
    pthread_mutex_t watch_lock;
    tb_request *watched;
    atomic_bool ending;
    struct tb_counts *counts;
};

/* Answers past libmicrohttpd (raw_reply.c), each the last of its connection: the status and what is
 * the same for all such; a whole one; sent in one piece, or false; one in the place of
 * libmicrohttpd's own with this status. */
#define TB_REPLY_POLICY "default-src 'none'; media-src 'self'; frame-ancestors 'none'"
void tb_raw_reply_begin(tb_str *out, int status, size_t size);
void tb_raw_reply_make(const tb_http *http, const char *id, int status, const char *why,
                       tb_str *out);
bool tb_raw_reply_send(int fd, const tb_str *text);
void tb_raw_reply_instead(void *http, int status, tb_str *out);

/* What handlers use. */
void tb_reply_text(tb_request *r, int status, const char *type, char *text); /* takes text */
void tb_reply_json(tb_request *r, int status, char *json);                   /* takes json */
void tb_reply_header(tb_request *r, const char *name, const char *value); /* cleaned; NULL: none */
/* Takes the response; size is that of its body, or 0 when its callback counts r->sent. */
void tb_reply_response(tb_request *r, int status, struct MHD_Response *response, uint64_t size);
void tb_reply_error(tb_request *r, const tb_err *err);
/* In a sentence for clients; fault: of ours. */
void tb_hide_paths(const char *data, bool fault, char *msg);
const char *tb_request_header(tb_request *r, const char *name);
/* The wake of this request's job. */
void tb_request_wake(void *request);
/* The answer of the request's job, when it has one: true. */
bool tb_reply_job(tb_request *r);

/* At the desk: the whole history that q holds for, from cursor on, as JSON (listing.c). */
TB_MUST_CHECK tb_status tb_reply_listing(tb_request *r, const char *q, const char *cursor,
                                         uint64_t *total, tb_err *err);
void tb_listing_free(tb_listing *listing); /* NULL is fine */

/* Connections (door.c): prepare when the listening socket is there, open when the daemon is. After
 * close nobody new comes in; the listening socket stays open. */
TB_MUST_CHECK tb_status tb_door_prepare(tb_http *http, tb_err *err);
TB_MUST_CHECK tb_status tb_door_open(tb_http *http, tb_err *err);
void tb_door_close(tb_http *http);
void tb_door_free(tb_http *http);

/* The table of connections (seat.c). */
void tb_seats_prepare(tb_http *http, int most);
void tb_seats_free(tb_http *http);
int tb_seats_open(const tb_http *http); /* connections that are served at once */
int tb_seats_most(const tb_http *http); /* connections at once, at the very most */
/* Whether there is room for one more; if need be another connection is closed and waited for. */
bool tb_seats_room(tb_http *http);
/* False: it cannot have one. */
bool tb_seat_take(tb_http *http, int fd, const struct sockaddr *from);
void tb_seat_give_up(tb_http *http, int fd);
void tb_seats_look(tb_http *http); /* closes those that are late; call it now and then */
/* libmicrohttpd's callback; self is the tb_http. */
void tb_seat_on_connection(void *self, struct MHD_Connection *connection, void **context,
                           enum MHD_ConnectionNotificationCode what);
/* A request's way, on the HTTP threads: it begins at work and unauthenticated. */
void tb_seat_begin(tb_request *r);
void tb_seat_go_on(tb_request *r, tb_seat_phase phase);
void tb_seat_authenticated(tb_request *r); /* its credentials are right */
void tb_seat_end(tb_request *r);
/* Wakes all that sleep; how many are being worked for or sent their answer. */
void tb_seats_wake(tb_http *http);
int tb_seats_served(tb_http *http);

/* The threads that may wait (desk.c). */
TB_MUST_CHECK tb_status tb_desk_start(tb_http *http, tb_err *err);
void tb_desk_drain(
    tb_http *http); /* until all requests at the desk are done; later ones are refused */
void tb_desk_stop(tb_http *http);
/* From a callback of libmicrohttpd: puts the connection to sleep and has work done at the desk; the
 * connection wakes when it is done. False (and r->err set) when the desk takes nothing more; it
 * wakes at once then. */
bool tb_desk_take(tb_request *r, void (*work)(tb_request *r));
bool tb_desk_done(tb_request *r);

/* Sends the answer that was set (reply.c); the headers that every answer has come with it. */
void tb_reply_common(tb_request *r); /* those headers alone */
enum MHD_Result tb_reply_send(tb_request *r);
enum MHD_Result tb_reply_refused(tb_request *r, const tb_err *err); /* sends an error */
/* Sleeps until it has an answer from its job, and sends it (job_reply.c). */
enum MHD_Result tb_request_await_job(tb_request *r);
/* Sleeps unless something happened since the last look (false: look again). */
bool tb_request_sleep(tb_request *r);

/* Authentication (credentials.c). TB_OK with r->check: the verdict is pending. */
TB_MUST_CHECK tb_status tb_request_authorise(tb_request *r, tb_err *err);
bool tb_request_awaits_verdict(tb_request *r); /* sleeps until the credentials are judged */
enum MHD_Result tb_request_await_login(tb_request *r);
bool tb_request_has_body(tb_request *r);
int64_t tb_request_body_limit(const tb_request *r); /* 0 without a route */

/* Sets the path and the base of its links (base_path.c). */
void tb_base_path_set(tb_request *r, const char *url);

/* What a request is made of must be beyond doubt (framing.c). version: as the client wrote it. */
TB_MUST_CHECK tb_status tb_framing_check(tb_request *r, const char *version, tb_err *err);
/* The body, too, as far as it has come; also before an answer is sent. */
bool tb_framing_is_bad(const tb_request *r);
/* libmicrohttpd's callback when a request's first line is there; self is the tb_http. What it
 * returns is the tb_request. */
void *tb_request_announce(void *self, const char *target, struct MHD_Connection *connection);
/* Of the query, undecoded, heap; NULL when it is not there. */
char *tb_query_value(const tb_request *r, const char *name);

/* Signed links (links.c): whether one came with the request, and whether it is good. */
void tb_links_init(tb_http *http);
bool tb_link_given(tb_request *r);
bool tb_link_opens(tb_request *r);

/* Requests that are refused before their body has arrived (refusal.c). The first three are for HTTP
 * threads only. */
enum MHD_Result tb_refuse(tb_request *r, const tb_err *err);
enum MHD_Result tb_refuse_midway(tb_request *r, const tb_err *err);
enum MHD_Result tb_refusal_drop(tb_request *r, size_t size);
TB_MUST_CHECK tb_status tb_linger_start(tb_http *http, tb_err *err);
void tb_linger_stop(tb_http *http);
/* Keeps a duplicate of the socket open; called before libmicrohttpd closes its own. */
void tb_linger_add(tb_http *http, struct MHD_Connection *connection);

/* Clients that leave while their connection sleeps (watch.c). */
TB_MUST_CHECK tb_status tb_watch_start(tb_http *http, tb_err *err);
void tb_watch_stop(tb_http *http);
void tb_watch_add(tb_request *r);
void tb_watch_remove(tb_request *r);

/* Figures for /metrics (counts.c). Their own thread queries the store once a second, so that
 * /metrics never waits for it. */
TB_MUST_CHECK tb_status tb_counts_start(tb_http *http, tb_err *err);
void tb_counts_stop(tb_http *http);
void tb_counts_add(tb_http *http, const tb_request *r, double seconds);
void tb_counts_print(tb_http *http, tb_str *out);

#endif
