#include "http/http_priv.h"

#include "base/mem.h"
#include "http/wire_priv.h"

#include <string.h>
#include <strings.h>

/*
 * Refuses ambiguous requests. A proxy that reads a head differently than this server could be made
 * to forward a second request that it never saw (request smuggling), so whatever can be read in
 * two ways is answered with 400 and the connection is closed
 * (RFC 9112, sections 3.2, 5.1, 6.1 and 6.3).
 *
 * libmicrohttpd reads heads leniently before 1.0, and takes the first of two lengths; what it hands
 * over is checked here before anything else. It is set to be strict where it can be (server.c);
 * where not, the bytes themselves are inspected (wire_priv.h).
 */
typedef struct {
    tb_err *err;
    int hosts, lengths, codings;
    const char *host, *length, *coding;
} framing;

static bool is_token(const char *s, size_t n)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < n; i++) {
        char c = s[i];
        bool fits = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    (c && strchr(others, c));
        if (!fits) return false;
    }
    return n > 0;
}

static bool is_text(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (((unsigned char)s[i] < 0x20 && s[i] != '\t') || s[i] == 0x7f) return false;
    return true;
}

static bool is_named(const char *name, size_t n, const char *wanted)
{
    return strlen(wanted) == n && strncasecmp(name, wanted, n) == 0;
}

static enum MHD_Result look_at(void *self, enum MHD_ValueKind kind, const char *name, size_t name_n,
                               const char *value, size_t value_n)
{
    framing *f = self;
    (void)kind;
    if (!value) value_n = 0;
    if (!is_token(name, name_n)) {
        tb_fail(f->err, TB_EMALFORMED, "a header's name holds a character that names cannot have");
        return MHD_NO;
    }
    if (!is_text(value, value_n)) {
        tb_fail(f->err, TB_EMALFORMED, "the header %.40s holds a control character", name);
        return MHD_NO;
    }
    if (is_named(name, name_n, "Host")) {
        f->hosts++;
        f->host = value;
    } else if (is_named(name, name_n, "Content-Length")) {
        f->lengths++;
        f->length = value;
    } else if (is_named(name, name_n, "Transfer-Encoding")) {
        f->codings++;
        f->coding = value;
    }
    return MHD_YES;
}

static tb_status check_body(const framing *f, bool old, tb_err *err)
{
    if (f->lengths > 1) return tb_fail(err, TB_EMALFORMED, "Content-Length is given twice");
    if (f->lengths && f->codings)
        return tb_fail(err, TB_EMALFORMED, "Content-Length and Transfer-Encoding are both given");
    if (f->lengths &&
        (!f->length || !*f->length || strspn(f->length, "0123456789") != strlen(f->length)))
        return tb_fail(err, TB_EMALFORMED, "Content-Length is '%.30s', which is not a number",
                       f->length ? f->length : "");
    if (f->codings > 1) return tb_fail(err, TB_EMALFORMED, "Transfer-Encoding is given twice");
    if (f->codings && old) return tb_fail(err, TB_EMALFORMED, "HTTP/1.0 has no Transfer-Encoding");
    if (f->codings && (!f->coding || strcasecmp(f->coding, "chunked") != 0))
        return tb_fail(err, TB_EMALFORMED,
                       "Transfer-Encoding is '%.30s'; only chunked is understood",
                       f->coding ? f->coding : "");
    return TB_OK;
}

bool tb_framing_is_bad(const tb_request *r)
{
    return tb_wire_is_bad(r->seat, r->number);
}

tb_status tb_framing_check(tb_request *r, const char *version, tb_err *err)
{
    framing f = {.err = err};
    bool old = strcmp(version, "HTTP/1.0") == 0;
    MHD_get_connection_values_n(r->connection, MHD_HEADER_KIND, look_at, &f);
    if (err->status) return err->status;
    if (tb_framing_is_bad(r))
        return tb_fail(
            err, TB_EMALFORMED,
            "the head holds a NUL, a folded line, or a line that does not end with CR LF");
    if (r->blank_target)
        return tb_fail(err, TB_EMALFORMED, "the address holds a blank or a control character");
    if (f.hosts != 1 && !(old && f.hosts == 0))
        return tb_fail(err, TB_EMALFORMED, "Host must be given once; it is given %d times",
                       f.hosts);
    if (f.host && strpbrk(f.host, " \t,/\\@?#<>\""))
        return tb_fail(err, TB_EMALFORMED, "Host is '%.60s', which is no name of a host", f.host);
    return check_body(&f, old, err);
}

/* ---- the target ---- */

/* libmicrohttpd parses the query into its own bounded memory and drops silently what does not fit.
 * So its copy is cut at the question mark, and ours is parsed with the bounds of all fields. */
void *tb_request_announce(void *self, const char *target, struct MHD_Connection *connection)
{
    tb_request *r = tb_alloc(sizeof *r);
    (void)connection;
    r->http = self;
    r->seat = -1;
    if (!target) return r;
    char *end = (char *)(uintptr_t)target + strcspn(target, "?");
    r->blank_target = strpbrk(target, " \t") || !is_text(target, strlen(target));
    if (*end) {
        r->query = tb_strdup(end + 1);
        end[1] = 0;
    }
    for (const char *p = target; p + 3 <= end && !r->nul_in_path; p++)
        r->nul_in_path = strncmp(p, "%00", 3) == 0;
    return r;
}

char *tb_query_value(const tb_request *r, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = r->query; p && *p; p += *p == '&') {
        size_t len = strcspn(p, "&");
        if (len > n && strncmp(p, name, n) == 0 && p[n] == '=')
            return tb_strndup(p + n + 1, len - n - 1);
        p += len;
    }
    return NULL;
}
