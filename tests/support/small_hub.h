#ifndef TB_TESTS_API_SMALL_HUB_H
#define TB_TESTS_API_SMALL_HUB_H

#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"
#include "small_model.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * A hub on loopback that has one folder as every repository, in a process of its own. It behaves,
 * but for a Range, which it does not know; tests/support/hub.h is the one that does not.
 */
#define SMALL_COMMIT "cccccccccccccccccccccccccccccccccccccccc"

typedef struct {
    _Atomic int port, requests;
    _Atomic int rest_ms; /* after each 64 kB */
} small_hub;

typedef struct {
    char *data;
    size_t size;
} small_body;

static const char *small_hub_folder;
static small_hub *small_hub_state;
static pid_t small_hub_process;

static ssize_t small_hub_read(void *self, uint64_t pos, char *buf, size_t max)
{
    const small_body *b = self;
    size_t left = pos < b->size ? b->size - (size_t)pos : 0, n = left < max ? left : max;
    if (n == 0) return MHD_CONTENT_READER_END_OF_STREAM;
    tb_clock_sleep_ms(atomic_load(&small_hub_state->rest_ms));
    memcpy(buf, b->data + pos, n);
    return (ssize_t)n;
}

static void small_hub_free(void *self)
{
    small_body *b = self;
    tb_free(b->data);
    tb_free(b);
}

static enum MHD_Result small_hub_send(struct MHD_Connection *c, struct MHD_Response *r,
                                      unsigned status, const char *type)
{
    MHD_add_response_header(r, "Content-Type", type);
    enum MHD_Result done = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return done;
}

static enum MHD_Result small_hub_text(struct MHD_Connection *c, unsigned status, const char *text)
{
    char *copy = tb_strdup(text);
    return small_hub_send(c,
                          MHD_create_response_from_buffer(strlen(copy), copy,
                                                          MHD_RESPMEM_MUST_FREE),
                          status, "application/json");
}

static const char *const small_hub_files[] = {"t3_turbo_v1.safetensors",
                                              "s3gen_meanflow.safetensors",
                                              "ve.safetensors",
                                              "conds.pt",
                                              "vocab.json",
                                              "merges.txt",
                                              "added_tokens.json",
                                              "special_tokens_map.json",
                                              "tokenizer_config.json"};
enum { SMALL_HUB_FILES = sizeof small_hub_files / sizeof *small_hub_files };

static small_body small_hub_content(const char *name)
{
    small_body b = {0};
    char *path = tb_path_join(small_hub_folder, name);
    if (tb_file_read(path, (size_t)64 << 20, &b.data, &b.size, NULL)) b.data = NULL;
    tb_free(path);
    return b;
}

static enum MHD_Result small_hub_list(struct MHD_Connection *c)
{
    tb_str out;
    tb_str_init(&out, 1 << 16);
    for (size_t i = 0; i < SMALL_HUB_FILES; i++) {
        small_body b = small_hub_content(small_hub_files[i]);
        char sum[TB_HASH_HEX];
        tb_sha256 *s = tb_sha256_begin();
        tb_sha256_add(s, b.data, b.size);
        tb_sha256_end(s, sum);
        tb_str_printf(&out,
                      "%s{\"type\":\"file\",\"path\":\"%s\",\"oid\":\"%040zu\",\"size\":%zu,"
                      "\"lfs\":{\"oid\":\"%s\",\"size\":%zu,\"pointerSize\":130}}",
                      i ? "," : "[", small_hub_files[i], i, b.size, sum, b.size);
        tb_free(b.data);
    }
    tb_str_puts(&out, "]");
    enum MHD_Result done = small_hub_text(c, 200, out.data);
    tb_str_clear(&out);
    return done;
}

static enum MHD_Result small_hub_answer(void *self, struct MHD_Connection *c, const char *url,
                                        const char *method, const char *version, const char *data,
                                        size_t *size, void **state)
{
    const char *resolve = strstr(url, "/resolve/" SMALL_COMMIT "/");
    (void)self;
    (void)method;
    (void)version;
    (void)data;
    (void)size;
    if (!*state) {
        *state = small_hub_state;
        return MHD_YES;
    }
    atomic_fetch_add(&small_hub_state->requests, 1);
    if (strstr(url, "/revision/"))
        return small_hub_text(c, 200, "{\"sha\":\"" SMALL_COMMIT "\",\"tags\":[]}");
    if (strstr(url, "/tree/")) return small_hub_list(c);
    for (size_t i = 0; resolve && i < SMALL_HUB_FILES; i++) {
        if (strcmp(resolve + strlen("/resolve/" SMALL_COMMIT "/"), small_hub_files[i]) != 0)
            continue;
        small_body *b = tb_alloc(sizeof *b);
        *b = small_hub_content(small_hub_files[i]);
        return small_hub_send(c,
                              MHD_create_response_from_callback(b->size, 65536, small_hub_read, b,
                                                                small_hub_free),
                              200, "application/octet-stream");
    }
    return small_hub_text(c, 404, "{}");
}

/* Before any thread. folder must stay. */
static inline small_hub *small_hub_start(const char *folder)
{
    pid_t parent = getpid();
    small_hub_folder = folder;
    small_hub_state = mmap(NULL, sizeof *small_hub_state, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (small_hub_state == MAP_FAILED) return NULL;
    small_hub_process = fork();
    if (small_hub_process == 0) {
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        struct MHD_Daemon *d =
            MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD, 0,
                             NULL, NULL, small_hub_answer, NULL, MHD_OPTION_SOCK_ADDR, &a,
                             MHD_OPTION_END);
        const union MHD_DaemonInfo *info =
            d ? MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT) : NULL;
        atomic_store(&small_hub_state->port, info ? info->port : -1);
        while (getppid() == parent) /* not longer than the test */
            tb_clock_sleep_ms(50);
        _exit(0);
    }
    for (int i = 0; i < 1000 && atomic_load(&small_hub_state->port) == 0; i++)
        tb_clock_sleep_ms(10);
    return atomic_load(&small_hub_state->port) > 0 ? small_hub_state : NULL;
}

static inline void small_hub_stop(void)
{
    kill(small_hub_process, SIGKILL);
    waitpid(small_hub_process, NULL, 0);
    munmap(small_hub_state, sizeof *small_hub_state);
}

#endif
