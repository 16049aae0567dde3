#ifndef TB_TEST_HUB_H
#define TB_TEST_HUB_H

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "fetch/digest.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * A hub on loopback with two small repositories, in a process of its own, so that the tests stay
 * of one thread and may fork. Large files are redirected to a second server under another host
 * name. It misbehaves as the shared state says.
 */
#define HUB_TURBO "Some-One/voice-turbo"
#define HUB_NANO  "Some-One/voice-nano"

enum { HUB_T3, HUB_T3_NANO, HUB_S3GEN, HUB_VE, HUB_CONDS, HUB_VOCAB, HUB_FILES = 10 };

static const struct {
    const char *name;
    int size;
    bool lfs;
} hub_files[HUB_FILES] = {
    {"t3_turbo_v1.safetensors", 300000, true},
    {"t3_nano_v1.safetensors", 90000, true},
    {"s3gen_meanflow.safetensors", 70000, true},
    {"ve.safetensors", 5000, true},
    {"conds.pt", 3000, true},
    {"vocab.json", 2000, false},
    {"merges.txt", 1000, false},
    {"added_tokens.json", 400, false},
    {"special_tokens_map.json", 300, false},
    {"tokenizer_config.json", 0, false},
};

typedef enum {
    HUB_HONEST,
    HUB_STATUS,       /* answers `status` */
    HUB_CUT,          /* closes the connection after `after` bytes of a body */
    HUB_SHORT,        /* ends a body after `after` bytes as if that were all */
    HUB_NO_RANGE,     /* sends the whole when a part is asked for */
    HUB_OTHER_RANGE,  /* sends another part than was asked for, and says so */
    HUB_SILENT_RANGE, /* sends another part and says it is the right one */
    HUB_TORN,         /* cuts as HUB_CUT, and goes on as HUB_SILENT_RANGE */
    HUB_WRONG_SUM,    /* other bytes, as many */
    HUB_WRONG_SIZE,   /* one byte more, with its Content-Length */
    HUB_ENDLESS,      /* goes on and on (64 MB, lest a red test fills the disk) */
    HUB_STALL,        /* stops after `after` bytes and holds the line */
    HUB_SLOW,         /* 4 kB, and a rest */
    HUB_PAGE,         /* a web page */
    HUB_LOOP,         /* redirects to itself */
} hub_misdeed;

typedef struct {
    /* for the hub */
    _Atomic int misdeed, file, times; /* of this file (-1: any); so often, -1: always */
    _Atomic int status, after, retry_after;
    _Atomic int gated;              /* 401 without the token "secret" */
    _Atomic int generation;         /* main is another commit, with another T3 file */
    _Atomic int same_host;          /* the second server by the same name, only another port */
    _Atomic(const char *) revision; /* answered in place of the revision; static text */
    _Atomic(const char *) list;     /* answered in place of the list; static text */
    /* from the hub */
    _Atomic int port, elsewhere_port;
    _Atomic int tls_port; /* with a certificate that nobody vouches for; 0: no openssl here */
    _Atomic int requests, gets[HUB_FILES], sent;
    _Atomic int token_here, token_elsewhere; /* requests that came with a token */
    _Atomic int range_from;                  /* of the last one that had a Range */
    _Atomic int by_proxy;
} hub_state;

static hub_state *hub;
static pid_t hub_process;

static inline const char *hub_commit(int generation)
{
    return generation ? "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
                      : "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
}

/* The content of a file: heap, the same each time. */
static inline char *hub_content(int file, int generation)
{
    size_t size = (size_t)hub_files[file].size;
    char *data = tb_alloc(size + 1);
    uint64_t seed = (uint64_t)file + (file == HUB_T3 && generation ? 100 : 0);
    for (size_t i = 0; i < size; i++)
        data[i] = (char)(tb_splitmix64(&seed) >> 56);
    return data;
}

/* Its sum as the hub lists it, by the system's programs: not by the code under test. */
static inline void hub_oid(int file, int generation, char oid[TB_OID_TEXT])
{
    char *data = hub_content(file, generation), path[] = "/tmp/timbre-test-hub-XXXXXX", line[300];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, (size_t)hub_files[file].size), hub_files[file].size);
    close(fd);
    if (hub_files[file].lfs)
        snprintf(line, sizeof line, "(sha256sum %s || shasum -a 256 %s) 2>/dev/null", path, path);
    else
        snprintf(line, sizeof line,
                 "{ printf 'blob %d\\0'; cat %s; } | (sha1sum || shasum) 2>/dev/null",
                 hub_files[file].size, path);
    FILE *f = popen(line, "r"); /* NOLINT: a test's own line */
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%64[0-9a-f]", oid), 1);
    pclose(f);
    unlink(path);
    tb_free(data);
}

static char hub_oids[2][HUB_FILES][TB_OID_TEXT];

static inline bool hub_has(const char *repo, int file)
{
    bool nano = strcmp(repo, HUB_NANO) == 0;
    return nano ? file == HUB_T3_NANO || file == HUB_VE : file != HUB_T3_NANO;
}

typedef struct {
    char *data;
    size_t size; /* that there are */
    hub_misdeed misdeed;
    size_t after;
} hub_body;

static ssize_t hub_read(void *self, uint64_t pos, char *buf, size_t max)
{
    hub_body *b = self;
    size_t left = pos < b->size ? b->size - (size_t)pos : 0, n = left < max ? left : max;
    if (b->misdeed == HUB_ENDLESS) {
        if (pos > 64u << 20) return MHD_CONTENT_READER_END_WITH_ERROR;
        memset(buf, 'x', max);
        n = max;
    } else if (b->misdeed == HUB_CUT || b->misdeed == HUB_SHORT || b->misdeed == HUB_STALL) {
        size_t may = pos < b->after ? b->after - (size_t)pos : 0;
        if (may == 0 && b->misdeed == HUB_CUT) return MHD_CONTENT_READER_END_WITH_ERROR;
        if (may == 0 && b->misdeed == HUB_SHORT) return MHD_CONTENT_READER_END_OF_STREAM;
        if (may == 0) { /* until the next test */
            if (hub->misdeed != HUB_STALL) return MHD_CONTENT_READER_END_WITH_ERROR;
            tb_clock_sleep_ms(20);
            return 0;
        }
        n = n < may ? n : may;
    } else if (b->misdeed == HUB_SLOW) {
        tb_clock_sleep_ms(15);
        n = n < 4096 ? n : 4096;
    }
    if (n == 0) return MHD_CONTENT_READER_END_OF_STREAM;
    if (b->misdeed != HUB_ENDLESS) memcpy(buf, b->data + pos, n);
    atomic_fetch_add(&hub->sent, (int)n);
    return (ssize_t)n;
}

static void hub_body_free(void *self)
{
    hub_body *b = self;
    tb_free(b->data);
    tb_free(b);
}

static enum MHD_Result hub_text(struct MHD_Connection *c, unsigned status, const char *type,
                                const char *text)
{
    char *copy = tb_strdup(text), seconds[16];
    struct MHD_Response *r =
        MHD_create_response_from_buffer(strlen(copy), copy, MHD_RESPMEM_MUST_FREE);
    MHD_add_response_header(r, "Content-Type", type);
    if (status == 302 || status == 307) MHD_add_response_header(r, "Location", text);
    if (hub->retry_after && status >= 400) {
        snprintf(seconds, sizeof seconds, "%d", hub->retry_after);
        MHD_add_response_header(r, "Retry-After", seconds);
    }
    enum MHD_Result done = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return done;
}

/* What it does wrong this time. */
static hub_misdeed hub_now(int file)
{
    hub_misdeed m = (hub_misdeed)hub->misdeed;
    if (m == HUB_HONEST || (hub->file >= 0 && hub->file != file) || hub->times == 0)
        return HUB_HONEST;
    if (hub->times > 0) hub->times--;
    return m;
}

static enum MHD_Result hub_send(struct MHD_Connection *c, int file, int generation,
                                hub_misdeed misdeed)
{
    const char *range = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Range");
    unsigned long from = 0;
    char told[100];
    hub_body *b = tb_alloc(sizeof *b);
    size_t size = (size_t)hub_files[file].size;
    atomic_fetch_add(&hub->gets[file], 1);
    if (misdeed == HUB_STATUS) {
        tb_free(b);
        return hub_text(c, (unsigned)hub->status, "text/plain", "no");
    }
    if (misdeed == HUB_PAGE) {
        tb_free(b);
        return hub_text(c, 200, "text/html; charset=utf-8", "<html>Please sign in</html>");
    }
    if (range && sscanf(range, "bytes=%lu-", &from) == 1) hub->range_from = (int)from;
    if (misdeed == HUB_TORN) misdeed = range ? HUB_SILENT_RANGE : HUB_CUT;
    b->data = hub_content(file, generation);
    b->misdeed = misdeed;
    b->after = (size_t)hub->after;
    if (misdeed == HUB_NO_RANGE) from = 0;
    if (misdeed == HUB_WRONG_SUM && size > 0) b->data[size / 2] ^= 1;
    if (misdeed == HUB_WRONG_SIZE) { /* content has a NUL behind it */
        size++;
    }
    snprintf(told, sizeof told, "bytes %lu-%zu/%zu", from, size - 1, size);
    if (from > 0 && (misdeed == HUB_OTHER_RANGE || misdeed == HUB_SILENT_RANGE)) {
        if (misdeed == HUB_OTHER_RANGE)
            snprintf(told, sizeof told, "bytes %lu-%zu/%zu", from - 1, size - 2, size);
        memmove(b->data + 1, b->data, size - 1);
    }
    b->size = size - from;
    memmove(b->data, b->data + from, b->size);
    bool open = misdeed == HUB_ENDLESS || misdeed == HUB_SHORT;
    struct MHD_Response *r = MHD_create_response_from_callback(open ? MHD_SIZE_UNKNOWN : b->size,
                                                               4096, hub_read, b, hub_body_free);
    MHD_add_response_header(r, "Content-Type", "application/octet-stream");
    if (from > 0) MHD_add_response_header(r, "Content-Range", told);
    enum MHD_Result done = MHD_queue_response(c, from > 0 ? 206 : 200, r);
    MHD_destroy_response(r);
    return done;
}

static enum MHD_Result hub_list(struct MHD_Connection *c, const char *repo, int generation,
                                bool cut)
{
    tb_str out;
    tb_str_init(&out, 1 << 16);
    tb_str_puts(&out, "[{\"type\":\"directory\",\"oid\":\"x\",\"size\":0,\"path\":\"assets\"}");
    for (int i = 0; i < HUB_FILES; i++) {
        const char *oid = hub_oids[generation][i];
        if (!hub_has(repo, i)) continue;
        tb_str_printf(&out, ",{\"type\":\"file\",\"path\":\"%s\",", hub_files[i].name);
        if (hub_files[i].lfs)
            tb_str_printf(&out,
                          "\"oid\":\"%040d\",\"size\":%d,\"lfs\":{\"oid\":\"%s\",\"size\":%d,"
                          "\"pointerSize\":133}}",
                          i, i % 2 ? 133 : hub_files[i].size, oid, hub_files[i].size);
        else
            tb_str_printf(&out, "\"oid\":\"%s\",\"size\":%d}", oid, hub_files[i].size);
    }
    tb_str_puts(&out, ",{\"type\":\"file\",\"path\":\"README.md\",\"oid\":\"x\",\"size\":7}]");
    if (!cut) {
        enum MHD_Result done = hub_text(c, 200, "application/json", out.data);
        tb_str_clear(&out);
        return done;
    }
    hub_body *b = tb_alloc(sizeof *b);
    *b = (hub_body){.size = out.len, .misdeed = HUB_CUT, .after = (size_t)hub->after};
    b->data = tb_str_take(&out);
    struct MHD_Response *r =
        MHD_create_response_from_callback(b->size, 4096, hub_read, b, hub_body_free);
    enum MHD_Result done = MHD_queue_response(c, 200, r);
    MHD_destroy_response(r);
    return done;
}

static enum MHD_Result hub_answer(void *self, struct MHD_Connection *c, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **state)
{
    bool elsewhere = self != NULL;
    const char *token = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Authorization");
    char repo[100], revision[100], name[100], text[300], oid[100];
    (void)method;
    (void)version;
    (void)data;
    (void)size;
    if (!*state) { /* the head came; answered when the (empty) body has come as well */
        *state = hub;
        return MHD_YES;
    }
    atomic_fetch_add(&hub->requests, 1);
    if (token) atomic_fetch_add(elsewhere ? &hub->token_elsewhere : &hub->token_here, 1);
    if (tb_str_starts(url, "http://")) { /* we are a proxy */
        atomic_fetch_add(&hub->by_proxy, 1);
        url = strchr(url + strlen("http://"), '/');
    }
    if (sscanf(url, "/large/%99[0-9a-f]", oid) == 1) {
        for (int g = 0; g < 2; g++)
            for (int i = 0; i < HUB_FILES; i++)
                if (strcmp(hub_oids[g][i], oid) == 0) return hub_send(c, i, g, hub_now(i));
        return hub_text(c, 404, "text/plain", "");
    }
    if (elsewhere) return hub_text(c, 404, "text/plain", "");
    if (hub->gated && (!token || strcmp(token, "Bearer secret") != 0))
        return hub_text(c, 401, "application/json",
                        "{\"error\":\"Invalid username or password.\"}");
    if (tb_str_starts(url, "/api/models/Old/name/")) { /* it was renamed */
        snprintf(text, sizeof text, "/api/models/" HUB_TURBO "/%s",
                 url + strlen("/api/models/Old/name/"));
        return hub_text(c, 307, "text/plain", text);
    }
    if (tb_str_starts(url, "/Old/name/")) {
        snprintf(text, sizeof text, "/" HUB_TURBO "/%s", url + strlen("/Old/name/"));
        return hub_text(c, 307, "text/plain", text);
    }
    hub_misdeed general = hub->file == HUB_FILES ? hub_now(HUB_FILES) : HUB_HONEST;
    if (general == HUB_STATUS) return hub_text(c, (unsigned)hub->status, "text/plain", "no");
    if (general == HUB_PAGE) return hub_text(c, 200, "text/html", "<html>hello</html>");
    if (general == HUB_LOOP) return hub_text(c, 302, "text/plain", url);
    if (sscanf(url, "/api/models/%49[^/]/%40[^/]/revision/%99s", repo, name, revision) == 3) {
        int g = strcmp(revision, hub_commit(1)) == 0 ||
                (strcmp(revision, "main") == 0 && hub->generation);
        if (hub->revision) return hub_text(c, 200, "application/json", hub->revision);
        if (strcmp(revision, "main") != 0 && strcmp(revision, hub_commit(g)) != 0)
            return hub_text(c, 404, "application/json", "{\"error\":\"Invalid rev id\"}");
        snprintf(text, sizeof text, "{\"id\":\"%s/%s\",\"sha\":\"%s\",\"tags\":[]}", repo, name,
                 hub_commit(g));
        return hub_text(c, 200, "application/json", text);
    }
    if (sscanf(url, "/api/models/%49[^/]/%40[^/]/tree/%99s", repo, name, revision) == 3) {
        if (hub->list) return hub_text(c, 200, "application/json", hub->list);
        snprintf(text, sizeof text, "%s/%s", repo, name);
        return hub_list(c, text, strcmp(revision, hub_commit(1)) == 0, general == HUB_CUT);
    }
    if (sscanf(url, "/%49[^/]/%40[^/]/resolve/%60[^/]/%99s", repo, text, revision, name) == 4) {
        int g = strcmp(revision, hub_commit(1)) == 0;
        for (int i = 0; i < HUB_FILES; i++) {
            if (strcmp(hub_files[i].name, name) != 0) continue;
            if (!hub_files[i].lfs) return hub_send(c, i, g, hub_now(i));
            snprintf(text, sizeof text, "http://%s:%d/large/%s?signed=1",
                     hub->same_host ? "127.0.0.1" : "localhost", hub->elsewhere_port,
                     hub_oids[g][i]);
            return hub_text(c, 302, "text/plain", text);
        }
    }
    return hub_text(c, 404, "text/plain", "");
}

/* pem: key and certificate, or NULL for plain HTTP. */
static int hub_listen(void *self, const char *pem)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct MHD_OptionItem tls[] = {{MHD_OPTION_HTTPS_MEM_KEY, 0, tb_strdup(pem)},
                                         {MHD_OPTION_HTTPS_MEM_CERT, 0, tb_strdup(pem)},
                                         {MHD_OPTION_END, 0, NULL}};
    const unsigned flags =
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | (pem ? MHD_USE_TLS : 0);
    struct MHD_Daemon *d =
        MHD_start_daemon(flags, 0, NULL, NULL, hub_answer, self, MHD_OPTION_SOCK_ADDR, &a,
                         MHD_OPTION_ARRAY, pem ? tls : tls + 2, MHD_OPTION_END);
    const union MHD_DaemonInfo *info = d ? MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    return info ? info->port : -1;
}

/* A key and its own certificate for localhost. */
static inline size_t hub_certificate(char *pem, size_t size)
{
    FILE *f = popen("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
                    "-keyout - -subj /CN=localhost -days 2 2>/dev/null",
                    "r"); /* NOLINT: a test's own line */
    size_t n = f ? fread(pem, 1, size - 1, f) : 0;
    if (f) pclose(f);
    pem[n] = 0;
    return n;
}

/* 0 when it runs. Once per program, before any thread. */
static inline int hub_start(void)
{
    pid_t parent = getpid();
    char pem[8192];
    bool tls = hub_certificate(pem, sizeof pem) > 0;
    for (int g = 0; g < 2; g++)
        for (int i = 0; i < HUB_FILES; i++)
            hub_oid(i, g, hub_oids[g][i]);
    hub = mmap(NULL, sizeof *hub, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (hub == MAP_FAILED) return -1;
    hub_process = fork();
    if (hub_process == 0) {
        hub->elsewhere_port = hub_listen(hub, NULL);
        if (tls) hub->tls_port = hub_listen(NULL, pem);
        hub->port = hub_listen(NULL, NULL);
        while (getppid() == parent) /* not longer than the test */
            tb_clock_sleep_ms(50);
        _exit(0);
    }
    for (int i = 0; i < 500 && hub->port == 0; i++)
        tb_clock_sleep_ms(10);
    return hub_process > 0 && hub->port > 0 && hub->elsewhere_port > 0 ? 0 : -1;
}

static inline void hub_stop(void)
{
    kill(hub_process, SIGKILL);
    waitpid(hub_process, NULL, 0);
    munmap(hub, sizeof *hub);
}

/* Honest again, nothing counted. */
static inline void hub_reset(void)
{
    int port = hub->port, elsewhere = hub->elsewhere_port, tls = hub->tls_port;
    memset(hub, 0, sizeof *hub);
    hub->port = port;
    hub->elsewhere_port = elsewhere;
    hub->tls_port = tls;
    hub->times = -1;
    hub->file = -1;
}

static inline void hub_misbehave(hub_misdeed misdeed, int file, int times)
{
    hub->misdeed = (int)misdeed;
    hub->file = file;
    hub->times = times;
}

#endif
