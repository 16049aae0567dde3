#include "http/wire_priv.h"

#include "base/mem.h"

#include <microhttpd.h>
#include <stdatomic.h>
#include <sys/socket.h>

/*
 * Where the bytes of connections are looked at on their way to libmicrohttpd: `recv`, or with TLS
 * `gnutls_record_recv`, of our program's own. The linker gives libmicrohttpd these two, because the
 * program's symbols come before those of libc and GnuTLS. Each does what the library's own does, by
 * another function of that library, and then shows the bytes to the connection's wire. Whoever else
 * in the process receives something has a descriptor without a wire, or one that is not watched.
 */
#if defined(__linux__) && MHD_VERSION < 0x00097701

#include <gnutls/gnutls.h>

static _Atomic(tb_wire *) wires;
static atomic_int n_wires;
static atomic_bool over_tls; /* what comes from the socket is not what was sent */

void tb_wires_open(int n, bool tls)
{
    tb_wire *none = NULL, *all = tb_alloc((size_t)n * sizeof *all);
    if (!atomic_compare_exchange_strong(&wires, &none, all)) {
        tb_free(all);
        return;
    }
    atomic_store(&over_tls, tls);
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

bool tb_wire_is_bad(int fd, unsigned requests)
{
    const tb_wire *w = wire_of(fd);
    return w && w->bad && w->requests <= requests;
}

static void show(tb_wire *w, const void *data, ssize_t n)
{
    if (n > 0 && w && w->watched) tb_wire_look(w, data, (size_t)n);
}

ssize_t tb_tap_recv(int fd, void *data, size_t size, int flags) __asm__("recv")
    __attribute__((visibility("default"), used));

ssize_t tb_tap_recv(int fd, void *data, size_t size, int flags)
{
    ssize_t n = recvfrom(fd, data, size, flags, NULL, NULL);
    if (!(flags & MSG_PEEK) && !atomic_load(&over_tls)) show(wire_of(fd), data, n);
    return n;
}

ssize_t tb_tap_record_recv(gnutls_session_t session, void *data,
                           size_t size) __asm__("gnutls_record_recv")
    __attribute__((visibility("default"), used));

ssize_t tb_tap_record_recv(gnutls_session_t session, void *data, size_t size)
{
    unsigned char number[8];
    ssize_t n = gnutls_record_recv_seq(session, data, size, number);
    /* libmicrohttpd's sessions hold a descriptor there; a pointer of another's is larger than any.
     */
    if (atomic_load(&over_tls)) show(wire_of((intptr_t)gnutls_transport_get_ptr(session)), data, n);
    return n;
}

#else

void tb_wires_open(int n, bool tls)
{
    (void)n;
    (void)tls;
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

bool tb_wire_is_bad(int fd, unsigned requests)
{
    (void)fd;
    (void)requests;
    return false;
}

#endif
