#include "http/wire_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Streams of requests as they come from a socket, in one piece, in two and byte by byte: how many
 * requests there are, and whether the last of them is written badly. */

#define HEAD "POST / HTTP/1.1\r\nHost: a\r\n"

typedef struct {
    const char *stream;
    size_t size; /* 0: a string */
    unsigned requests;
    bool bad;
} stream;

static const stream streams[] = {
    {HEAD "\r\n", 0, 1, false},
    {HEAD "\r\n" HEAD "\r\n", 0, 2, false},
    {"\r\n\r\n" HEAD "\r\n", 0, 1, false},
    {HEAD "Content-Length: 3\r\n\r\na\nb" HEAD "\r\n", 0, 2, false},
    {HEAD "Content-Length: 3\r\n\r\n\r\n\n" HEAD "\r\n", 0, 2, false},
    {HEAD "CONTENT-LENGTH:0\r\n\r\n" HEAD "\r\n", 0, 2, false},
    {HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\n\n\n\r\n0\r\n\r\n" HEAD "\r\n", 0, 2, false},
    {HEAD "tRANSFER-eNCODING: chunked\r\n\r\nA;x=y\r\n0123456789\r\n00\r\nX: y\r\n\r\n" HEAD "\r\n",
     0, 2, false},
    {HEAD "X-Content-Length: 3\r\nContent-Length-X: 3\r\n\r\n" HEAD "\r\n", 0, 2, false},
    {HEAD "A-very-long-name-of-a-header-field: 3\r\n\r\n" HEAD "\r\n", 0, 2, false},
    {HEAD "Content-Length: 99999999999999999999999999999999\r\n\r\n\n\n", 0, 1, false},
    /* What libmicrohttpd refuses itself is not looked at any more. */
    {HEAD "Transfer-Encoding: chunked\r\n\r\nx\n\n", 0, 1, false},
    {HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\naa\n", 0, 1, false},
    {"POST / HTTP/1.1\nHost: a\r\n\r\n", 0, 1, true},
    {HEAD "\n", 0, 1, true},
    {HEAD "X: a\n\r\n", 0, 1, true},
    {HEAD "X: a\rb\r\n\r\n", 0, 1, true},
    {HEAD "X: a\r\r\n\r\n", 0, 1, true},
    {HEAD "X: a\0\r\n\r\n", sizeof HEAD + 9, 1, true},
    {HEAD "X\0: a\r\n\r\n", sizeof HEAD + 9, 1, true},
    {"POST /\0 HTTP/1.1\r\n\r\n", 20, 1, true},
    {HEAD " X: a\r\n\r\n", 0, 1, true},
    {HEAD "X: a\r\n\tb\r\n\r\n", 0, 1, true},
    {HEAD ": a\r\n\r\n", 0, 1, true},
    {HEAD "\r\n" HEAD ": a\r\n\r\n", 0, 2, true},
    {HEAD "Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n", 0, 1, true},
    {HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\na\n0\r\n\r\n", 0, 1, true},
    {HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\n\r\n", 0, 1, true},
    {HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\n", 0, 1, true},
    {HEAD "Transfer-Encoding: chunked\r\n\r\n1;x\na\r\n0\r\n\r\n", 0, 1, true},
    {HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\nX: a\n\r\n", 0, 1, true},
    {HEAD "Content-Length: 1\r\n\r\na\n" HEAD, 0, 2, true}, /* the line feed begins the second */
};

static void agree(const stream *s, const tb_wire *w)
{
    if (w->bad != s->bad || w->requests != s->requests)
        print_message("%s: %u requests, bad %d\n", s->stream, w->requests, (int)w->bad);
    assert_int_equal(w->bad, s->bad);
    assert_int_equal(w->requests, s->requests);
}

static void streams_are_read_alike_in_pieces_of_any_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++) {
        const stream *s = &streams[i];
        size_t n = s->size ? s->size : strlen(s->stream);
        for (size_t cut = 0; cut <= n; cut++) {
            tb_wire w = {0};
            tb_wire_look(&w, s->stream, cut);
            tb_wire_look(&w, s->stream + cut, n - cut);
            agree(s, &w);
        }
        tb_wire w = {0};
        for (size_t k = 0; k < n; k++)
            tb_wire_look(&w, s->stream + k, 1);
        agree(s, &w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_are_read_alike_in_pieces_of_any_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
