/*
 * Follows the bytes of a connection as they arrive, to find requests whose framing two programs
 * could read differently.
 *
 * A state machine of one byte at a time, without a buffer: first line, heads, body by
 * Content-Length or chunks. A bare line feed, a NUL or a folded line marks the request, which is
 * then refused by its number. Bytes are never changed. wire_priv.h says why libmicrohttpd does not
 * do this itself.
 */
#include "http/wire_priv.h"

#include <string.h>

enum state {
    FIRST_LINE,
    LINE,
    NAME,
    VALUE,
    BODY,
    SIZE,
    EXTENSION,
    CHUNK,
    CHUNK_END,
    TRAILER,
    LOST
};

static void mark_bad(tb_wire *w)
{
    w->requests += w->state == FIRST_LINE && w->name_len == 0; /* it is the next one's */
    w->bad = true;
    w->state = LOST;
}

static void expect_request(tb_wire *w)
{
    w->state = FIRST_LINE;
    w->chunked = false;
    w->name_len = 0;
    w->left = 0;
}

static bool is_named(const tb_wire *w, const char *name)
{
    return w->name_len == strlen(name) && memcmp(w->name, name, w->name_len) == 0;
}

static void end_head(tb_wire *w)
{
    if (w->chunked) {
        w->left = 0;
        w->state = SIZE;
    } else if (w->left > 0) {
        w->state = BODY;
    } else {
        expect_request(w);
    }
}

static void end_line(tb_wire *w)
{
    unsigned char was = w->state;
    unsigned char empty = w->name_len == 0;
    w->name_len = 0;
    if (was == FIRST_LINE)
        w->state = empty ? FIRST_LINE : LINE; /* empty lines may stand before a request */
    else if (was == LINE)
        end_head(w);
    else if (was == NAME || was == VALUE)
        w->state = LINE;
    else if (was == SIZE || was == EXTENSION)
        w->state = w->left ? CHUNK : TRAILER;
    else if (was == CHUNK_END)
        w->state = SIZE;
    else if (was == TRAILER && empty)
        expect_request(w);
}

static void add_digit(tb_wire *w, unsigned base, unsigned digit)
{
    w->left = w->left > (UINT64_MAX - 15) / 16 ? UINT64_MAX : w->left * base + digit;
}

static void take_name(tb_wire *w, char c)
{
    if (w->state == LINE && (c == ' ' || c == '\t' || c == ':')) {
        mark_bad(w); /* a folded line, or one without a name */
    } else if (c == ':') {
        w->chunked = w->chunked || is_named(w, "transfer-encoding");
        w->state = VALUE;
    } else {
        w->state = NAME;
        if (w->name_len < sizeof w->name)
            w->name[w->name_len++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
}

static void take_size(tb_wire *w, char c)
{
    unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                     : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                     : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
                                            : 16;
    if (c == ';')
        w->state = EXTENSION;
    else if (digit == 16)
        w->state = LOST; /* refused by libmicrohttpd */
    else
        add_digit(w, 16, digit);
}

static void take(tb_wire *w, char c)
{
    switch ((enum state)w->state) {
    case FIRST_LINE:
        w->requests += w->name_len == 0;
        w->name_len = 1; /* not empty */
        break;
    case LINE:
    case NAME:
        take_name(w, c);
        break;
    case VALUE:
        if (c >= '0' && c <= '9' && is_named(w, "content-length"))
            add_digit(w, 10, (unsigned)(c - '0'));
        break;
    case SIZE:
        take_size(w, c);
        break;
    case TRAILER:
        w->name_len = 1;
        break;
    case CHUNK_END:
        w->state = LOST; /* refused by libmicrohttpd */
        break;
    case EXTENSION:
    case BODY:
    case CHUNK:
    case LOST:
        break;
    }
}

static void step(tb_wire *w, char c)
{
    bool cr = w->cr;
    w->cr = c == '\r';
    if (c == '\n' && cr)
        end_line(w);
    else if (c == '\n' || cr || !c) /* a bare line feed or carriage return, or NUL */
        mark_bad(w);
    else if (c != '\r')
        take(w, c);
}

void tb_wire_look(tb_wire *w, const char *data, size_t size)
{
    while (size > 0 && w->state != LOST) {
        if (w->state != BODY && w->state != CHUNK) {
            step(w, *data++);
            size--;
            continue;
        }
        size_t n = w->left < size ? (size_t)w->left : size;
        data += n;
        size -= n;
        w->left -= n;
        if (w->left > 0) continue;
        if (w->state == BODY)
            expect_request(w);
        else
            w->state = CHUNK_END;
    }
}
