#ifdef __linux__
#define _GNU_SOURCE /* sendmmsg, RTLD_NEXT */
#endif
#include "http/wire_priv.h"

#include "base/log.h"
#include "base/mem.h"

#ifdef __linux__
#include <dlfcn.h>
#endif
#include <errno.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

/*
 * Hooks between libmicrohttpd and its sockets: this program defines functions under the names of
 * some of libc and GnuTLS, and the dynamic linker finds them first. Each does the same by another
 * function of that library, or by its own; other descriptors of the process have no wire and are
 * not affected.
 *
 * - `recv` and, with TLS, `gnutls_record_recv` pass received bytes to the connection's
 *   wire (wire.c).
 * - `send`, `sendmsg` and, with TLS, `gnutls_record_send` recognise an answer that libmicrohttpd
 *   makes itself to a malformed request, which lacks our headers. Ours is sent in its place, in one
 *   piece (raw_reply.c), the rest is dropped, and the connection ends.
 *
 * Called on libmicrohttpd's threads; a connection belongs to one of them.
 */
#ifdef __linux__

#include <gnutls/gnutls.h>

#define STRICT_SINCE 0x00097701 /* the first version that refuses malformed lines itself */

enum { ANSWER_MAX = 4096, STATUS_AT = 9 /* behind "HTTP/1.1 " */ };

static _Atomic(tb_wire *) wires;
static atomic_int n_wires;
static atomic_bool over_tls; /* what goes through the socket is encrypted */
static void (*make_replacement)(void *self, int status, tb_str *out);
static void *replacement_self;

void tb_wires_open(int n, bool tls, void (*instead)(void *self, int status, tb_str *out),
                   void *self)
{
    tb_wire *none = NULL, *all = tb_alloc((size_t)n * sizeof *all);
    if (!atomic_compare_exchange_strong(&wires, &none, all)) {
        tb_free(all);
        return;
    }
    atomic_store(&over_tls, tls);
    make_replacement = instead;
    replacement_self = self;
    atomic_store(&n_wires, n);
}

void tb_wires_close(void)
{
    atomic_store(&n_wires, 0);
    tb_free(atomic_exchange(&wires, NULL));
}

static tb_wire *wire_of(intptr_t fd)
{
    return fd >= 0 && fd < atomic_load(&n_wires) ? &atomic_load(&wires)[fd] : NULL;
}

/* The wire of a watched connection, with TLS or without. */
static tb_wire *watched(intptr_t fd, bool tls)
{
    tb_wire *w = atomic_load(&over_tls) == tls ? wire_of(fd) : NULL;
    return w && w->watched ? w : NULL;
}

/* libmicrohttpd's sessions hold a descriptor there; a pointer of another's is larger than any. */
static tb_wire *watched_session(gnutls_session_t session)
{
    return watched((intptr_t)gnutls_transport_get_ptr(session), true);
}

void tb_wire_begin(int fd)
{
    tb_wire *w = wire_of(fd);
    if (w) *w = (tb_wire){.watched = true};
}

void tb_wire_end(int fd)
{
    tb_wire *w = wire_of(fd);
    if (w) w->watched = false;
}

void tb_wire_own(int fd, bool own)
{
    tb_wire *w = wire_of(fd);
    if (w) w->own = own;
}

/* A request came whose bytes did not pass the hooks: this libmicrohttpd was linked so that it does
 * not call them. The log then says once that requests are read leniently. */
static void check_hooks_called(const tb_wire *w)
{
#if MHD_VERSION < STRICT_SINCE
    static atomic_flag said = ATOMIC_FLAG_INIT;
    if (!w || !w->watched || w->requests > 0 || atomic_flag_test_and_set(&said)) return;
    tb_log(TB_ERROR, "http",
           "framing=unseen why=\"libmicrohttpd does not receive through this program: bare line "
           "feeds, "
           "folded lines and NULs are not refused; put a proxy in front\"");
#else
    (void)w;
#endif
}

bool tb_wire_is_bad(int fd, unsigned requests)
{
    const tb_wire *w = wire_of(fd);
    check_hooks_called(w);
    return w && w->bad && w->requests <= requests;
}

/* ---- receiving ---- */

#if MHD_VERSION < STRICT_SINCE

ssize_t tb_hook_recv(int fd, void *data, size_t size, int flags) __asm__("recv")
    __attribute__((visibility("default"), used));

ssize_t tb_hook_recv(int fd, void *data, size_t size, int flags)
{
    ssize_t n = recvfrom(fd, data, size, flags, NULL, NULL);
    tb_wire *w = n > 0 && !(flags & MSG_PEEK) ? watched(fd, false) : NULL;
    if (w) tb_wire_look(w, data, (size_t)n);
    return n;
}

typedef ssize_t (*record_recv)(gnutls_session_t session, void *data, size_t size);

/* GnuTLS's own. It has no other function that also receives from kernel TLS (ktls = true in its
 * configuration): gnutls_record_recv_seq would read what the kernel has deciphered as records. */
static record_recv library_record_recv(void)
{
    static _Atomic(record_recv) found;
    record_recv it = atomic_load(&found);
    if (!it) {
        *(void **)&it = dlsym(RTLD_NEXT, "gnutls_record_recv");
        atomic_store(&found, it);
    }
    return it;
}

ssize_t tb_hook_record_recv(gnutls_session_t session, void *data,
                            size_t size) __asm__("gnutls_record_recv")
    __attribute__((visibility("default"), used));

ssize_t tb_hook_record_recv(gnutls_session_t session, void *data, size_t size)
{
    const record_recv receive = library_record_recv();
    if (!receive) return GNUTLS_E_INTERNAL_ERROR; /* linked statically: no build of ours */
    ssize_t n = receive(session, data, size);
    tb_wire *w = n > 0 ? watched_session(session) : NULL;
    if (w) tb_wire_look(w, data, (size_t)n);
    return n;
}

#endif

/* ---- sending ---- */

/* Whether these bytes must not be sent: the beginning of libmicrohttpd's own answer (*text is then
 * the one to send instead), or what follows it. */
static bool is_replaced(tb_wire *w, const void *data, size_t size, tb_str *text)
{
    const char *head = data;
    if (!w || w->own || w->replaced) return w && w->replaced;
    if (size < STATUS_AT + 3 || memcmp(head, "HTTP/1.", 7) != 0) return false;
    int status = 0;
    for (int i = 0; i < 3; i++)
        status = status * 10 + (head[STATUS_AT + i] - '0');
    if (status < 200 || status > 599) return false; /* 100 Continue */
    make_replacement(replacement_self, status, text);
    w->replaced = true;
    return true;
}

/* Returns what send(2) would if it had sent all. */
static ssize_t send_instead(int fd, tb_str *text, size_t size)
{
    bool sent = text->len == 0 || sendto(fd, text->data, text->len, MSG_DONTWAIT | MSG_NOSIGNAL,
                                         NULL, 0) == (ssize_t)text->len;
    tb_str_clear(text);
    if (sent) return (ssize_t)size;
    errno = ECONNRESET;
    return -1;
}

ssize_t tb_hook_send(int fd, const void *data, size_t size, int flags) __asm__("send")
    __attribute__((visibility("default"), used));

ssize_t tb_hook_send(int fd, const void *data, size_t size, int flags)
{
    tb_str text;
    tb_str_init(&text, ANSWER_MAX);
    if (is_replaced(watched(fd, false), data, size, &text)) return send_instead(fd, &text, size);
    return sendto(fd, data, size, flags, NULL, 0);
}

ssize_t tb_hook_sendmsg(int fd, const struct msghdr *m, int flags) __asm__("sendmsg")
    __attribute__((visibility("default"), used));

ssize_t tb_hook_sendmsg(int fd, const struct msghdr *m, int flags)
{
    tb_str text;
    size_t size = 0;
    tb_str_init(&text, ANSWER_MAX);
    for (size_t i = 0; i < m->msg_iovlen; i++)
        size += m->msg_iov[i].iov_len;
    if (m->msg_iovlen > 0 &&
        is_replaced(watched(fd, false), m->msg_iov[0].iov_base, m->msg_iov[0].iov_len, &text))
        return send_instead(fd, &text, size);
    struct mmsghdr one = {.msg_hdr = *m};
    int n = sendmmsg(fd, &one, 1, (unsigned)flags);
    return n == 1 ? (ssize_t)one.msg_len : -1;
}

ssize_t tb_hook_record_send(gnutls_session_t session, const void *data,
                            size_t size) __asm__("gnutls_record_send")
    __attribute__((visibility("default"), used));

ssize_t tb_hook_record_send(gnutls_session_t session, const void *data, size_t size)
{
    tb_str text;
    tb_str_init(&text, ANSWER_MAX);
    if (!data || !is_replaced(watched_session(session), data, size, &text))
        return gnutls_record_send2(session, data, size, 0, 0);
    bool sent = text.len == 0 ||
                gnutls_record_send2(session, text.data, text.len, 0, 0) == (ssize_t)text.len;
    tb_str_clear(&text);
    return sent ? (ssize_t)size : GNUTLS_E_PUSH_ERROR;
}

#else

void tb_wires_open(int n, bool tls, void (*instead)(void *self, int status, tb_str *out),
                   void *self)
{
    (void)n;
    (void)tls;
    (void)instead;
    (void)self;
}

void tb_wires_close(void) {}

void tb_wire_begin(int fd)
{
    (void)fd;
}

void tb_wire_end(int fd)
{
    (void)fd;
}

void tb_wire_own(int fd, bool own)
{
    (void)fd;
    (void)own;
}

bool tb_wire_is_bad(int fd, unsigned requests)
{
    (void)fd;
    (void)requests;
    return false;
}

#endif
