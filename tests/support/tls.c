/*
 * Support of the API tests: certificates and a TLS connection of the tests' own.
 */
#include "tls.h"

#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BLOCK = 16384 };

typedef struct {
    int socket, near; /* near: our end of the pair */
    gnutls_certificate_credentials_t trust;
    gnutls_session_t session;
} pump;

bool tls_write_certificate(const char *path)
{
    char command[400];
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout %s "
             "-out %s.crt -subj /CN=localhost -days 2 2>/dev/null && cat %s.crt >>%s",
             path, path, path, path);
    return system(command) == 0; /* NOLINT: a test's own line */
}

static void end(pump *p)
{
    if (p->session) gnutls_deinit(p->session);
    if (p->trust) gnutls_certificate_free_credentials(p->trust);
    close(p->socket);
    if (p->near >= 0) close(p->near);
    free(p);
}

static bool come_again(const pump *p, ssize_t code)
{
    if (code != GNUTLS_E_AGAIN && code != GNUTLS_E_INTERRUPTED) return false;
    struct pollfd f = {p->socket, POLLOUT, 0};
    poll(&f, 1, 1000);
    return true;
}

static bool send_on(pump *p, char *block)
{
    ssize_t n = read(p->near, block, BLOCK), sent = 0;
    if (n <= 0) return false;
    do {
        ssize_t some = gnutls_record_send(p->session, block + sent, (size_t)(n - sent));
        if (some > 0) sent += some;
        if (some < 0 && !come_again(p, some)) return false;
    } while (sent < n);
    return true;
}

/* All that is there. */
static bool hand_back(pump *p, char *block)
{
    for (;;) {
        ssize_t n = gnutls_record_recv(p->session, block, BLOCK), given = 0;
        if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED) return true;
        if (n <= 0) return false;
        while (given < n) {
            ssize_t some = send(p->near, block + given, (size_t)(n - given), MSG_NOSIGNAL);
            if (some <= 0) return false;
            given += some;
        }
    }
}

static void *run(void *arg)
{
    pump *p = arg;
    char block[BLOCK];
    for (bool goes_on = true; goes_on;) {
        struct pollfd f[2] = {{p->socket, POLLIN, 0}, {p->near, POLLIN, 0}};
        if (poll(f, 2, -1) < 0) continue;
        if (f[0].revents) goes_on = hand_back(p, block);
        if (goes_on && f[1].revents) goes_on = send_on(p, block);
    }
    end(p);
    return NULL;
}

static bool shake_hands(pump *p)
{
    if (gnutls_certificate_allocate_credentials(&p->trust) < 0 ||
        gnutls_init(&p->session, GNUTLS_CLIENT) < 0 ||
        gnutls_set_default_priority(p->session) < 0 ||
        gnutls_credentials_set(p->session, GNUTLS_CRD_CERTIFICATE, p->trust) < 0)
        return false;
    gnutls_transport_set_int(p->session, p->socket);
    gnutls_handshake_set_timeout(p->session, 60000);
    int code;
    do {
        code = gnutls_handshake(p->session);
    } while (code < 0 && !gnutls_error_is_fatal(code));
    return code == 0;
}

int tls_wrap(int fd)
{
    pump *p = calloc(1, sizeof *p);
    int pair[2];
    pthread_t thread;
    if (!p) abort();
    p->socket = fd;
    p->near = -1;
    if (!shake_hands(p) || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) {
        end(p);
        return -1;
    }
    p->near = pair[0];
    for (int i = 0; i < 2; i++)
        fcntl(pair[i], F_SETFD, FD_CLOEXEC);
    fcntl(p->socket, F_SETFL, fcntl(p->socket, F_GETFL) | O_NONBLOCK);
    if (pthread_create(&thread, NULL, run, p) != 0) abort();
    pthread_detach(thread);
    return pair[1];
}
