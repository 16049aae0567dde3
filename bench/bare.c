#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * The yardstick of bench/http.sh: the same HTTP library with the same threads and an answer of the
 * same size, and nothing of ours. What it reaches is what this machine allows GET / to reach.
 * usage: bench-bare BYTES; prints its port, serves until its standard input ends.
 */
static char *body;
static size_t body_size;

static enum MHD_Result answer(void *self, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **request)
{
    (void)self, (void)url, (void)method, (void)version, (void)data, (void)size;
    if (!*request) {
        *request = body;
        return MHD_YES;
    }
    struct MHD_Response *r =
        MHD_create_response_from_buffer(body_size, body, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(r, "Content-Type", "application/json");
    enum MHD_Result done = MHD_queue_response(connection, 200, r);
    MHD_destroy_response(r);
    return done;
}

int main(int argc, char **argv)
{
    body_size = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 600;
    body = calloc(1, body_size + 1);
    if (!body) return 1;
    memset(body, 'x', body_size);
    struct MHD_Daemon *d = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, answer,
                                            NULL, MHD_OPTION_THREAD_POOL_SIZE, 2U, MHD_OPTION_END);
    if (!d) return 1;
    printf("%d\n", (int)MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    MHD_stop_daemon(d);
    free(body);
    return 0;
}
