/*
 * An HTTP client for downloads: GET by libcurl with redirects, resumption, bounded retries,
 * cancelling.
 *
 * A reply's head is judged before its body is taken: range, size and status must fit what was asked
 * for, else the transfer starts over or ends with a sentence. The token goes to the hub's own
 * origin only, never to where it redirects. One transfer at a time; one thread per client.
 */
#include "fetch/client.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum {
    HOPS_MAX = 10,
    WAIT_MAX_MS = 30000,
    RETRY_AFTER_MAX_S = 300,   /* asked to wait longer than this, we say so instead */
    PROGRESS_BYTES = 1 << 20,  /* so many more than ever before, and the tries start anew */
    REFUSAL_BYTES = 64 * 1024, /* of an error page are read, so that the connection lives on */
    JSON_BYTES = 8 << 20,
    TICK_MS = 50,
    STALL_BYTES_PER_S = 100, /* slower is as good as nothing */
};

struct tb_client {
    CURL *curl;
    CURLM *multi;
    char *endpoint, *authorization;
    tb_fetch_patience patience;
    const tb_cancel *cancel;
    tb_client_waiting waiting;
    void *self;
};

/* One request on the wire. */
typedef struct {
    tb_client *client;
    tb_get *get;
    bool home;   /* at the hub itself, not where it redirects to */
    bool judged; /* the head of the reply was looked at, and its body is taken */
    bool ranged; /* it had a Content-Range: */
    uint64_t from, total;
    size_t refused; /* bytes of a body that is no file */
    bool *again;    /* the failure may pass */
    tb_status st;   /* of our own callbacks */
    tb_err *err;
    char why[CURL_ERROR_SIZE];
} flight;

static void init_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* One part of a URL; "" when it has none. Heap. */
static char *url_part(const char *url, CURLUPart part)
{
    CURLU *u = curl_url();
    char *text = NULL, *copy;
    if (u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(u, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK)
        text = NULL;
    copy = tb_strdup(text ? text : "");
    curl_free(text);
    curl_url_cleanup(u);
    return copy;
}

static bool same_part(const char *a, const char *b, CURLUPart part)
{
    char *x = url_part(a, part), *y = url_part(b, part);
    bool same = *x && tb_str_ieq(x, y);
    tb_free(x);
    tb_free(y);
    return same;
}

/* Whom the token was given for. */
static bool same_origin(const char *a, const char *b)
{
    return same_part(a, b, CURLUPART_SCHEME) && same_part(a, b, CURLUPART_HOST) &&
           same_part(a, b, CURLUPART_PORT);
}

static bool is_https(const char *url)
{
    return same_part(url, "https://x", CURLUPART_SCHEME);
}

static int or_default(int given, int value)
{
    return given > 0 ? given : value;
}

tb_status tb_client_new(const tb_fetch_config *config, const tb_cancel *cancel,
                        tb_client_waiting waiting, void *self, tb_client **out, tb_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const char *endpoint =
        config->endpoint && *config->endpoint ? config->endpoint : "https://huggingface.co";
    tb_client *c = tb_alloc(sizeof *c);
    char *host = NULL;
    tb_status st = TB_OK;
    pthread_once(&once, init_curl);
    c->endpoint = tb_strdup(endpoint);
    while (tb_str_ends(c->endpoint, "/"))
        c->endpoint[strlen(c->endpoint) - 1] = 0;
    host = url_part(c->endpoint, CURLUPART_HOST);
    if (!*host ||
        !(is_https(c->endpoint) || same_part(c->endpoint, "http://x", CURLUPART_SCHEME))) {
        st = tb_fail_field(err, TB_EINVAL, "HF_ENDPOINT",
                           "HF_ENDPOINT is '%.100s'; allowed: an address that begins with https:// "
                           "or http://",
                           endpoint);
        goto out;
    }
    if (config->token && *config->token) {
        for (const char *p = config->token; *p; p++)
            if (*p <= ' ' || *p == 0x7F) {
                st = tb_fail_field(err, TB_EINVAL, "HF_TOKEN",
                                   "HF_TOKEN has a blank or control character in it");
                goto out;
            }
        c->authorization = tb_sprintf("Authorization: Bearer %s", config->token);
    }
    c->patience = (tb_fetch_patience){.connect_ms = or_default(config->patience.connect_ms, 10000),
                                      .stall_s = or_default(config->patience.stall_s, 30),
                                      .tries = or_default(config->patience.tries, 5),
                                      .backoff_ms = or_default(config->patience.backoff_ms, 1000)};
    c->cancel = cancel;
    c->waiting = waiting;
    c->self = self;
    c->curl = curl_easy_init();
    c->multi = curl_multi_init();
    if (!c->curl || !c->multi) {
        st = tb_fail(err, TB_EINTERNAL, "libcurl cannot be started");
        goto out;
    }
    *out = c;
    c = NULL;
out:
    tb_free(host);
    tb_client_free(c);
    return st;
}

void tb_client_free(tb_client *client)
{
    if (!client) return;
    curl_easy_cleanup(client->curl);
    curl_multi_cleanup(client->multi);
    tb_free(client->endpoint);
    tb_free(client->authorization);
    tb_free(client);
}

const char *tb_client_endpoint(const tb_client *client)
{
    return client->endpoint;
}

char *tb_client_escape(tb_client *client, const char *text)
{
    char *escaped = curl_easy_escape(client->curl, text, 0), *copy = tb_strdup(escaped);
    curl_free(escaped);
    return copy;
}

/* "bytes 100-199/200"; false for anything else. */
static bool read_range(const char *s, uint64_t *from, uint64_t *total)
{
    unsigned long long a, b, n;
    int used = 0;
    if (sscanf(s, " bytes %20llu-%20llu/%20llu%n", &a, &b, &n, &used) != 3) return false;
    *from = a;
    *total = n;
    return a <= b && b < n && strspn(s + used, " \r\n") == strlen(s + used);
}

static size_t on_header(char *data, size_t one, size_t size, void *self)
{
    static const char name[] = "content-range:";
    flight *f = self;
    char line[128];
    size_t n = size < sizeof line - 1 ? size : sizeof line - 1;
    (void)one; /* is 1 */
    memcpy(line, data, n);
    line[n] = 0;
    if (tb_str_starts(line, "HTTP/")) f->ranged = false; /* of an earlier reply: 100, redirects */
    if (n >= sizeof name) {
        char value = line[sizeof name - 1];
        line[sizeof name - 1] = 0;
        if (tb_str_ieq(line, name)) {
            line[sizeof name - 1] = value;
            f->ranged = read_range(line + sizeof name - 1, &f->from, &f->total);
        }
    }
    return size;
}

static tb_status start_over(flight *f)
{
    f->get->at = 0;
    f->get->pieced = false;
    return f->get->restart(f->get->self, f->err);
}

/* The head of a 200 or 206, before its body is taken. */
static tb_status judge(flight *f, long code)
{
    tb_get *g = f->get;
    const char *type = NULL;
    curl_off_t length = -1;
    curl_easy_getinfo(f->client->curl, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(f->client->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    f->judged = true;
    if (type && tb_str_starts(type, "text/html"))
        return tb_fail(f->err, TB_EMODEL,
                       "a web page came in place of %s; is there a sign-in page or proxy between?",
                       g->what);
    if (code == 206 &&
        (g->at == 0 || !f->ranged || f->from != g->at || f->total != (uint64_t)g->size)) {
        /* Another piece than was asked for. Once more without asking for a piece. */
        *f->again = g->at > 0;
        tb_status st = g->at > 0 ? start_over(f) : TB_OK;
        return st ? st
                  : tb_fail(f->err, TB_EMODEL, "another part of %s came than was asked for",
                            g->what);
    }
    if (code == 200 && g->at > 0) { /* it does not do ranges */
        tb_status st = start_over(f);
        if (st) return st;
    }
    if (g->at > 0) g->pieced = true;
    if (g->size >= 0 && length >= 0 && (int64_t)g->at + (int64_t)length != g->size)
        return tb_fail(f->err, TB_EMODEL,
                       "%s has %lld bytes on its server, and %lld in the hub's list", g->what,
                       (long long)g->at + (long long)length, (long long)g->size);
    return TB_OK;
}

static size_t on_body(char *data, size_t one, size_t size, void *self)
{
    flight *f = self;
    tb_get *g = f->get;
    long code = 0;
    (void)one;
    curl_easy_getinfo(f->client->curl, CURLINFO_RESPONSE_CODE, &code);
    if (code != 200 && code != 206) {
        f->refused += size;
        return f->refused > REFUSAL_BYTES ? 0 : size;
    }
    if (!f->judged) f->st = judge(f, code);
    if (!f->st && g->size >= 0 && size > (uint64_t)g->size - g->at)
        f->st = tb_fail(f->err, TB_EMODEL, "more came of %s than the %lld bytes of the hub's list",
                        g->what, (long long)g->size);
    if (!f->st) f->st = g->take(g->self, data, size, f->err);
    if (f->st) return 0;
    g->at += size;
    g->received += size;
    return size;
}

/* curl_easy_perform that looks at the cancel flag. */
static tb_status drive(tb_client *c, CURLcode *code, tb_err *err)
{
    int running = 1, left;
    tb_status st = TB_OK;
    if (curl_multi_add_handle(c->multi, c->curl) != CURLM_OK)
        return tb_fail(err, TB_EINTERNAL, "libcurl does not start a transfer");
    while (!st && running) {
        if (curl_multi_perform(c->multi, &running) != CURLM_OK)
            st = tb_fail(err, TB_EINTERNAL, "libcurl does not go on with a transfer");
        else if (running)
            curl_multi_poll(c->multi, NULL, 0, TICK_MS, NULL);
        if (!st && tb_cancelled(c->cancel)) st = tb_fail_cancelled(err);
    }
    for (CURLMsg *m; (m = curl_multi_info_read(c->multi, &left));)
        if (m->msg == CURLMSG_DONE) *code = m->data.result;
    curl_multi_remove_handle(c->multi, c->curl);
    return st;
}

static void set_up(tb_client *c, flight *f, const char *url, const struct curl_slist *headers)
{
    CURL *h = c->curl;
    char range[32]; /* copied */
    snprintf(range, sizeof range, "%llu-", (unsigned long long)f->get->at);
    curl_easy_reset(h); /* connections stay */
    curl_easy_setopt(h, CURLOPT_URL, url);
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(h, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L); /* threads */
    curl_easy_setopt(h, CURLOPT_USERAGENT, "timbre/" TB_VERSION);
    curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(h, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L); /* a proxy's */
    curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)c->patience.connect_ms);
    curl_easy_setopt(h, CURLOPT_LOW_SPEED_LIMIT, (long)STALL_BYTES_PER_S);
    curl_easy_setopt(h, CURLOPT_LOW_SPEED_TIME, (long)c->patience.stall_s);
    curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(h, CURLOPT_HEADERDATA, f);
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, f);
    curl_easy_setopt(h, CURLOPT_ERRORBUFFER, f->why);
    /* Not RESUME_FROM: with that, curl takes a redirect for an answer without a range. */
    if (f->get->at > 0) curl_easy_setopt(h, CURLOPT_RANGE, range);
}

/* What curl says about a transfer that it could not do. */
static tb_status explain(const flight *f, CURLcode code, const char *host)
{
    const char *why = f->why[0] ? f->why : curl_easy_strerror(code);
    *f->again = true;
    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        *f->again = false;
        return tb_fail(f->err, TB_EUNREADY, "%s does not prove that it is %s: %s", host, host, why);
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_OUT_OF_MEMORY:
        *f->again = false;
        return tb_fail(f->err, TB_EUNREADY, "%s cannot be got: %s", f->get->what, why);
    case CURLE_OPERATION_TIMEDOUT:
        return tb_fail(f->err, TB_ETIMEOUT, "%s went silent while %s was coming: %s", host,
                       f->get->what, why);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
        return tb_fail(f->err, TB_EUNREADY,
                       "%s cannot be reached: %s; check the connection, the proxy variables and "
                       "HF_ENDPOINT",
                       host, why);
    default:
        return tb_fail(f->err, TB_EUNREADY, "the connection to %s broke while %s was coming: %s",
                       host, f->get->what, why);
    }
}

/* What the server says about what it does not send. */
static tb_status refuse(const flight *f, long code, const char *host)
{
    const tb_get *g = f->get;
    const tb_client *c = f->client;
    if (code == 408 || code == 429 || code >= 500) {
        *f->again = true;
        return tb_fail(f->err, TB_EUNREADY, "%s is too busy for %s (%ld); try again later", host,
                       g->what, code);
    }
    if (!f->home && code >= 400 && code < 500 && code != 404) { /* a signed address that ran out */
        *f->again = true;
        return tb_fail(f->err, TB_EUNREADY,
                       "%s, where the hub sends us, answers %ld in place of %s", host, code,
                       g->what);
    }
    if (code == 401 && !c->authorization)
        return tb_fail(f->err, TB_EAUTH,
                       "%s gives %s to nobody without a token (401): check the name %s, or set "
                       "HF_TOKEN to a token that may read it",
                       host, g->what, g->repo);
    if (code == 401)
        return tb_fail(f->err, TB_EAUTH,
                       "%s does not accept HF_TOKEN for %s (401): check the token and the name %s",
                       host, g->what, g->repo);
    if (code == 403)
        return tb_fail(
            f->err, TB_EFORBIDDEN,
            "%s does not give %s to this account (403): accept the terms at %s/%s and set "
            "HF_TOKEN to a token of that account",
            host, g->what, c->endpoint, g->repo);
    if (code == 404) return tb_fail(f->err, TB_ENOTFOUND, "%s has no %s (404)", host, g->what);
    return tb_fail(f->err, TB_EUNREADY, "%s answers %ld in place of %s", host, code, g->what);
}

/* One request. TB_OK with *next: go there instead. */
static tb_status request(tb_client *c, tb_get *get, const char *url, char **next, bool *again,
                         int *wait_s, tb_err *err)
{
    flight f = {.client = c, .get = get, .again = again, .err = err};
    struct curl_slist *headers = NULL;
    char *host = url_part(url, CURLUPART_HOST), *target = NULL;
    CURLcode done = CURLE_OK;
    curl_off_t after = 0;
    long code = 0;
    tb_status st;
    *again = false;
    f.home = same_origin(url, c->endpoint);
    if (c->authorization && f.home) headers = curl_slist_append(NULL, c->authorization);
    set_up(c, &f, url, headers);
    st = drive(c, &done, err);
    if (st) goto out;
    curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &code);
    curl_easy_getinfo(c->curl, CURLINFO_REDIRECT_URL, &target);
    curl_easy_getinfo(c->curl, CURLINFO_RETRY_AFTER, &after);
    *wait_s = after > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S + 1 : (int)after;
    if (f.st) {
        st = f.st;
    } else if (code == 416 && get->at > 0) {
        *again = true;
        st = start_over(&f);
        if (!st) st = tb_fail(err, TB_EMODEL, "%s has less of %s than is here", host, get->what);
    } else if (done != CURLE_OK && f.refused <= REFUSAL_BYTES) {
        st = explain(&f, done, host);
    } else if (target) {
        *next = tb_strdup(target);
    } else if (code != 200 && code != 206) {
        st = refuse(&f, code, host);
    } else {
        if (!f.judged) st = judge(&f, code); /* an empty body */
        if (!st && get->size >= 0 && get->at < (uint64_t)get->size) {
            *again = true;
            st = tb_fail(err, TB_EUNREADY, "%s ended %s after %llu of %lld bytes", host, get->what,
                         (unsigned long long)get->at, (long long)get->size);
        }
    }
out:
    curl_slist_free_all(headers);
    tb_free(host);
    return st;
}

/* One try: a request and the redirects behind it. */
static tb_status attempt(tb_client *c, tb_get *get, bool *again, int *wait_s, tb_err *err)
{
    char *url = tb_strdup(get->url);
    tb_status st;
    for (int hops = 0;; hops++) {
        char *next = NULL;
        st = request(c, get, url, &next, again, wait_s, err);
        if (st || !next) break;
        if (hops == HOPS_MAX)
            st = tb_fail(err, TB_EUNREADY, "%s is redirected more than %d times", get->what,
                         HOPS_MAX);
        else if (is_https(url) && !is_https(next))
            st = tb_fail(err, TB_EMODEL, "%s is redirected from https to an address without it",
                         get->what);
        tb_free(url);
        url = next;
        if (st) break;
    }
    tb_free(url);
    return st;
}

static tb_status wait(tb_client *c, int ms, const char *why, tb_err *err)
{
    int64_t until = tb_clock_mono_ns() + (int64_t)ms * 1000000;
    for (;;) {
        if (tb_cancelled(c->cancel)) return tb_fail_cancelled(err);
        if (c->waiting) c->waiting(c->self, why);
        int64_t left = (until - tb_clock_mono_ns()) / 1000000;
        if (left <= 0) return TB_OK;
        tb_clock_sleep_ms(left < TICK_MS ? (int)left : TICK_MS);
    }
}

tb_status tb_client_get(tb_client *client, tb_get *get, tb_err *err)
{
    uint64_t best = get->at;
    int failed = 0;
    for (;;) {
        tb_err why = {0};
        bool again = false;
        int wait_s = 0, ms = client->patience.backoff_ms;
        tb_status st = TB_OK;
        if (get->size < 0 && get->at > 0) { /* half of a text of unknown length is worth nothing */
            get->at = 0;
            st = get->restart(get->self, &why);
        }
        if (!st) st = attempt(client, get, &again, &wait_s, &why);
        if (!st) return TB_OK;
        /* A line that is cut every few megabytes gets the file in the end. Counted from the
         * furthest that was ever reached, since a server without ranges begins anew each time. */
        if (get->at >= best + PROGRESS_BYTES) failed = 0;
        if (get->at > best) best = get->at;
        failed++;
        if (!again || failed >= client->patience.tries || wait_s > RETRY_AFTER_MAX_S) {
            if (err) *err = why;
            return st;
        }
        for (int i = 1; i < failed && ms < WAIT_MAX_MS; i++)
            ms *= 2;
        if (ms > WAIT_MAX_MS) ms = WAIT_MAX_MS;
        st = wait(client, wait_s * 1000 > ms ? wait_s * 1000 : ms, why.msg, err);
        if (st) return st;
    }
}

static tb_status take_text(void *self, const void *data, size_t size, tb_err *err)
{
    if (tb_str_add(self, data, size)) return TB_OK;
    return tb_fail(err, TB_EMODEL, "the hub's answer has more than %d bytes", JSON_BYTES);
}

static tb_status restart_text(void *self, tb_err *err)
{
    (void)err;
    tb_str_clear(self);
    tb_str_init(self, JSON_BYTES);
    return TB_OK;
}

tb_status tb_client_json(tb_client *client, const char *url, const char *what, const char *repo,
                         tb_json **out, tb_err *err)
{
    tb_str text;
    tb_get get = {.url = url,
                  .what = what,
                  .repo = repo,
                  .size = -1,
                  .self = &text,
                  .take = take_text,
                  .restart = restart_text};
    tb_str_init(&text, JSON_BYTES);
    tb_status st = tb_client_get(client, &get, err);
    if (!st && tb_json_parse(text.data ? text.data : "", text.len, out, NULL) != TB_OK)
        st = tb_fail(err, TB_EMODEL, "%s does not answer as a hub does when asked for %s",
                     client->endpoint, what); /* not a word of the reply: it may hold anything */
    tb_str_clear(&text);
    return st;
}
