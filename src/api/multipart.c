#include "api/fields.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

#include <string.h>

/*
 * multipart/form-data (RFC 7578 over RFC 2046), strictly: lines end in CRLF, nothing is folded, the
 * last boundary must be there. What browsers, curl and the usual libraries write passes; what two
 * readers could understand differently does not.
 */
enum { BOUNDARY_MAX = 70, HEAD_MAX = 8192, HEAD_LINES_MAX = 16 };

typedef struct {
    const char *p, *end;
} cursor;

/* One part's head. */
typedef struct {
    char *name, *filename, *filename_star, *type;
    bool disposition;
} part_head;

static bool token_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

static void skip_blanks(cursor *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\t'))
        c->p++;
}

static char *take_token(cursor *c)
{
    const char *start = c->p;
    while (c->p < c->end && token_char(*c->p))
        c->p++;
    return c->p > start ? tb_strndup(start, (size_t)(c->p - start)) : NULL;
}

/* Whether a value may end here: a parameter or nothing follows. */
static bool ends_at(const cursor *c)
{
    cursor after = *c;
    skip_blanks(&after);
    return after.p == after.end || *after.p == ';';
}

/*
 * "..." with \" and \\ undone; another backslash stays, since old browsers send C:\clip.wav.
 * Letters of GBK and Shift-JIS may end in the byte of a backslash, even before the closing quote: a
 * value that does not end is read again without undoing anything, as all are with `plain`. A quote
 * in the middle belongs to it.
 */
static char *take_quoted(cursor *c, bool plain)
{
    const char *start = c->p + 1;
    for (int undo = !plain; undo >= 0; undo--) {
        tb_str out;
        tb_str_init(&out, HEAD_MAX);
        for (c->p = start; c->p < c->end; c->p++) {
            const cursor behind = {c->p + 1, c->end};
            if (*c->p == '"' && ends_at(&behind)) {
                c->p++;
                return tb_str_take(&out);
            }
            bool escape = undo && *c->p == '\\' && c->p + 1 < c->end;
            if (escape && (c->p[1] == '"' || c->p[1] == '\\')) c->p++;
            tb_str_add(&out, c->p, 1);
        }
        tb_str_clear(&out);
    }
    return NULL;
}

/* A file's name as some clients write it, without quotes or without the last one: up to the next
 * parameter, or the end. */
static char *take_loose(cursor *c)
{
    const char *start = c->p;
    while (c->p < c->end && *c->p != ';')
        c->p++;
    return tb_strndup(start, (size_t)(c->p - start));
}

static char *take_value(cursor *c, bool plain, bool loose)
{
    const char *start = c->p;
    bool quoted = c->p < c->end && *c->p == '"';
    char *value = quoted ? take_quoted(c, plain) : take_token(c);
    if (!loose || (value && ends_at(c))) return value;
    tb_free(value);
    c->p = start;
    return take_loose(c);
}

/* The next `; name=value`. 1: there is one (both heap), 0: the end, -1: malformed. */
static int take_param(cursor *c, bool plain, char **name, char **value)
{
    skip_blanks(c);
    if (c->p == c->end) return 0;
    if (*c->p != ';') return -1;
    c->p++;
    skip_blanks(c);
    if (c->p == c->end) return 0; /* a last ';' is harmless */
    *name = take_token(c);
    if (!*name) return -1;
    skip_blanks(c);
    if (c->p < c->end && *c->p == '=') {
        c->p++;
        skip_blanks(c);
        *value = take_value(c, plain, tb_str_starts(*name, "filename"));
        if (*value) return 1;
    }
    tb_free(*name);
    *name = NULL;
    return -1;
}

static bool boundary_fits(const char *b)
{
    size_t len = strlen(b);
    if (len == 0 || len > BOUNDARY_MAX || b[len - 1] == ' ') return false;
    for (; *b; b++) {
        bool alnum =
            (*b >= '0' && *b <= '9') || (*b >= 'a' && *b <= 'z') || (*b >= 'A' && *b <= 'Z');
        if (!alnum && !strchr("'()+_,-./:=? ", *b)) return false;
    }
    return true;
}

/* "\r\n--boundary" of a Content-Type, heap. */
static tb_status read_boundary(const char *content_type, char **delimiter, tb_err *err)
{
    static const char kind[] = "multipart/form-data";
    char *name = NULL, *value = NULL, *boundary = NULL;
    tb_status st = TB_OK;
    int more = 0;
    size_t len = content_type ? strlen(content_type) : 0;
    cursor c = {content_type, content_type + len};

    char *head = len >= sizeof kind - 1 ? tb_strndup(content_type, sizeof kind - 1) : NULL;
    if (!head || !tb_str_ieq(head, kind)) {
        tb_free(head);
        return tb_fail(err, TB_EMEDIA, "the body is not multipart/form-data");
    }
    tb_free(head);
    c.p += sizeof kind - 1;
    while (!st && (more = take_param(&c, false, &name, &value)) > 0) {
        if (tb_str_ieq(name, "boundary")) {
            if (boundary) st = tb_fail(err, TB_EMALFORMED, "Content-Type has two boundaries");
            tb_free(boundary);
            boundary = value;
            value = NULL;
        }
        tb_free(name);
        tb_free(value);
        name = value = NULL;
    }
    if (!st && (more < 0 || !boundary || !boundary_fits(boundary)))
        st = tb_fail(err, TB_EMALFORMED,
                     "Content-Type: multipart/form-data needs a boundary of 1 to %d characters",
                     BOUNDARY_MAX);
    if (!st) *delimiter = tb_sprintf("\r\n--%s", boundary);
    tb_free(boundary);
    return st;
}

/* The delimiter has one CR, at its front, so trying it at each CR reads no byte more than twice. */
static const char *find_delimiter(const char *p, const char *end, const char *delimiter, size_t len)
{
    while (p < end && (size_t)(end - p) >= len) {
        p = memchr(p, '\r', (size_t)(end - p) - len + 1);
        if (!p) return NULL;
        if (memcmp(p, delimiter, len) == 0) return p;
        p++;
    }
    return NULL;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* RFC 8187 charset'lang'caf%C3%A9.wav, its bytes as they are; what is none stays as it came. */
static char *extended_value(const char *s)
{
    const char *language = strchr(s, '\''), *p = language ? strchr(language + 1, '\'') : NULL;
    p = p ? p + 1 : s;
    char *out = tb_alloc(strlen(p) + 1);
    for (size_t o = 0; *p; p++) {
        int high = *p == '%' ? hex(p[1]) : -1, low = high < 0 ? -1 : hex(p[2]);
        int byte = low < 0 ? (unsigned char)*p : high * 16 + low;
        if (low >= 0) p += 2;
        out[o++] = (char)(byte ? byte : '_');
    }
    return out;
}

/* Heap: without folders, and with marks instead of what is no UTF-8 or cannot be printed. Clients
 * write names in any encoding; nothing of ours is called by them. */
static char *clean_filename(const char *name)
{
    size_t len = strlen(name), n, o = 0;
    char *out = tb_alloc(len * 3 + 1);
    for (size_t i = 0; i < len; i += n) {
        uint32_t cp = tb_utf8_next(name + i, len - i, &n);
        if (cp == '/' || cp == '\\')
            o = 0;
        else if (cp == TB_UTF8_BAD)
            o += tb_utf8_put(0xFFFD, out + o);
        else
            o += tb_utf8_put(cp < 0x20 || cp == 0x7F ? '_' : cp, out + o);
    }
    out[o] = 0;
    return out;
}

static tb_status keep_param(part_head *head, const char *name, char **value, tb_err *err)
{
    char **where = tb_str_ieq(name, "name")        ? &head->name
                   : tb_str_ieq(name, "filename")  ? &head->filename
                   : tb_str_ieq(name, "filename*") ? &head->filename_star
                                                   : NULL;
    if (!where) return TB_OK;
    if (*where)
        return tb_fail(err, TB_EMALFORMED, "a part's Content-Disposition has two %s",
                       where == &head->name ? "names" : "file names");
    *where = *value;
    *value = NULL;
    return TB_OK;
}

static void forget_params(part_head *head)
{
    tb_free(head->name);
    tb_free(head->filename);
    tb_free(head->filename_star);
    head->name = head->filename = head->filename_star = NULL;
}

/* `; name="..."; filename="..."`: whether it could be read and has a name says whole. */
static tb_status read_params(cursor c, bool plain, part_head *head, bool *whole, tb_err *err)
{
    char *name = NULL, *param = NULL;
    int more = 0;
    tb_status st = TB_OK;
    while (!st && (more = take_param(&c, plain, &name, &param)) > 0) {
        st = keep_param(head, name, &param, err);
        tb_free(name);
        tb_free(param);
        name = param = NULL;
    }
    *whole = more == 0 && head->name;
    return st;
}

static tb_status read_disposition(const char *value, const char *end, part_head *head, tb_err *err)
{
    cursor c = {value, end};
    bool whole = false;
    if (head->disposition)
        return tb_fail(err, TB_EMALFORMED, "a part has two Content-Disposition lines");
    head->disposition = true;
    skip_blanks(&c);
    char *kind = take_token(&c);
    bool form = kind && tb_str_ieq(kind, "form-data");
    tb_free(kind);
    tb_status st = form ? read_params(c, false, head, &whole, err) : TB_OK;
    if (form && !st && !whole) { /* filename="C:\clips\"; name="file" hid the name: once more */
        forget_params(head);
        st = read_params(c, true, head, &whole, err);
    }
    if (st) return st;
    if (!whole)
        return tb_fail(err, TB_EMALFORMED,
                       "a part's Content-Disposition must read: form-data; name=\"...\"");
    const char *given = head->filename_star ? head->filename_star : head->filename;
    if (given) {
        char *plain = head->filename_star ? extended_value(given) : tb_strdup(given);
        tb_free(head->filename);
        head->filename = clean_filename(plain);
        tb_free(plain);
    }
    return TB_OK;
}

/* One header line without its CRLF. */
static tb_status read_line(const char *line, const char *end, part_head *head, tb_err *err)
{
    for (const char *p = line; p < end; p++)
        if (*p == '\r' || *p == '\n' || *p == 0)
            return tb_fail(err, TB_EMALFORMED, "a part's header has a bare CR, LF or NUL");
    cursor c = {line, end};
    char *name = take_token(&c); /* a folded line starts with a blank and fails here */
    tb_status st = TB_OK;
    if (!name || c.p == end || *c.p != ':') {
        st = tb_fail(err, TB_EMALFORMED, "a part's header line is not \"Name: value\"");
    } else if (tb_str_ieq(name, "content-disposition")) {
        st = read_disposition(c.p + 1, end, head, err);
    } else if (tb_str_ieq(name, "content-type")) {
        tb_free(head->type);
        head->type = tb_strndup(c.p + 1, (size_t)(end - c.p - 1));
        tb_str_lower(head->type);
    } else if (tb_str_ieq(name, "content-transfer-encoding")) {
        char *value = tb_strndup(c.p + 1, (size_t)(end - c.p - 1)), *v = tb_str_strip(value);
        if (!tb_str_ieq(v, "binary") && !tb_str_ieq(v, "8bit") && !tb_str_ieq(v, "7bit"))
            st = tb_fail(err, TB_EMALFORMED,
                         "a part's Content-Transfer-Encoding must be binary, 8bit or 7bit");
        tb_free(value);
    }
    tb_free(name);
    return st;
}

/* Header lines from *p to the empty one; *p is left behind it. */
static tb_status read_head(const char **p, const char *end, part_head *head, tb_err *err)
{
    const char *stop = (size_t)(end - *p) > HEAD_MAX ? *p + HEAD_MAX : end;
    for (int lines = 0; lines <= HEAD_LINES_MAX; lines++) {
        const char *eol = find_delimiter(*p, stop, "\r\n", 2);
        if (!eol) break;
        const char *line = *p;
        *p = eol + 2;
        if (eol == line) {
            if (head->disposition) return TB_OK;
            return tb_fail(err, TB_EMALFORMED, "a part has no Content-Disposition");
        }
        tb_status st = read_line(line, eol, head, err);
        if (st) return st;
    }
    return tb_fail(err, TB_EMALFORMED, "a part's header does not end within %d lines and %d bytes",
                   HEAD_LINES_MAX, HEAD_MAX);
}

/* Some clients leave the file's name out. A recording may also be text: audio_prompt in base64. */
static bool is_file(const part_head *head, const char *body, size_t size)
{
    if (head->filename) return true;
    if (strcmp(head->name, "file") == 0) return true;
    if (strcmp(head->name, "audio_prompt") != 0) return false;
    const char *type = head->type ? head->type + strspn(head->type, " \t") : "";
    return tb_str_starts(type, "audio/") || tb_str_starts(type, "video/") ||
           tb_str_starts(type, "application/octet-stream") || memchr(body, 0, size) ||
           !tb_utf8_valid(body, size);
}

static tb_status add_part(tb_fields *out, const part_head *head, const char *body, size_t size,
                          tb_err *err)
{
    if (head->filename && !*head->filename && size == 0) return TB_OK; /* an empty file input */
    char *value = tb_try_alloc(size + 1, 1);
    if (!value) return tb_nomem(err, size + 1, 1);
    if (size) memcpy(value, body, size);
    const char *filename = head->filename ? head->filename : "";
    return tb_fields_add(out, head->name, is_file(head, body, size) ? filename : NULL, value, size,
                         err);
}

/* Behind a delimiter: 1 another part follows (*p at its header), 0 it was the last, -1 neither. */
static int after_delimiter(const char **p, const char *end)
{
    bool last = end - *p >= 2 && (*p)[0] == '-' && (*p)[1] == '-';
    cursor c = {*p + (last ? 2 : 0), end};
    skip_blanks(&c);
    if (last && c.p == end) return 0;
    if (end - c.p < 2 || c.p[0] != '\r' || c.p[1] != '\n') return -1;
    *p = c.p + 2;
    return !last;
}

static tb_status read_parts(const char *body, size_t len, const char *delimiter, tb_fields *out,
                            tb_err *err)
{
    size_t size = strlen(delimiter);
    const char *p = body, *end = body + len;
    /* The first delimiter needs no CRLF before it; a preamble is passed over. */
    if (len >= size - 2 && memcmp(body, delimiter + 2, size - 2) == 0) {
        p += size - 2;
    } else {
        p = find_delimiter(body, end, delimiter, size);
        if (!p)
            return tb_fail(err, TB_EMALFORMED, "the boundary of Content-Type is not in the body");
        p += size;
    }
    for (;;) {
        int more = after_delimiter(&p, end);
        if (more == 0) return TB_OK;
        if (more < 0)
            return tb_fail(err, TB_EMALFORMED,
                           "a boundary in the body is not at the end of its line");
        part_head head = {0};
        tb_status st = read_head(&p, end, &head, err);
        if (!st) {
            /* An empty body may share its CRLF with the end of the head. */
            const char *stop = find_delimiter(p - 2, end, delimiter, size);
            if (!stop)
                st = tb_fail(err, TB_EMALFORMED,
                             "the body ends before the final boundary; was it cut off?");
            else
                st = add_part(out, &head, p, stop > p ? (size_t)(stop - p) : 0, err);
            if (stop) p = stop + size;
        }
        forget_params(&head);
        tb_free(head.type);
        if (st) return st;
    }
}

tb_status tb_fields_from_multipart(const char *body, size_t len, const char *content_type,
                                   tb_fields *out, tb_err *err)
{
    char *delimiter = NULL;
    tb_fields parts = {0};
    tb_status st = read_boundary(content_type, &delimiter, err);
    if (st) return st;
    size_t before = out->n;
    st = read_parts(body, len, delimiter, &parts, err);
    tb_free(delimiter);
    for (size_t i = 0; i < parts.n; i++) {
        tb_field *f = &parts.items[i];
        char *value = f->value;
        f->value = NULL;
        if (st)
            tb_free(value);
        else
            st = tb_fields_add(out, f->name, f->filename, value, f->size, err);
    }
    tb_fields_clear(&parts);
    if (st) tb_fields_truncate(out, before);
    return st;
}
