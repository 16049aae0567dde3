#include "client.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What a request may cost. Each asks for something that is small to send or cheap to make; the
 * server's memory and time are looked at from outside. */

enum { MIB = 1 << 20 };

/* A line of /proc/<server>/status in bytes; 0 where there is none (no Linux). */
static size_t proc(const api_server *s, const char *name)
{
    char path[64], line[256];
    size_t kib = 0, n = strlen(name);
    snprintf(path, sizeof path, "/proc/%d/status", (int)s->pid);
    FILE *f = fopen(path, "r");
    if (!f) return 0;
    while (fgets(line, sizeof line, f))
        if (strncmp(line, name, n) == 0 && line[n] == ':') kib = strtoul(line + n + 1, NULL, 10);
    fclose(f);
    return kib * 1024;
}

/* Waits for the resident size to come below bytes; what it was at last. */
static size_t settles_below(const api_server *s, size_t bytes)
{
    size_t is = proc(s, "VmRSS");
    for (int i = 0; i < 100 && is > bytes; i++) {
        poll(NULL, 0, 100);
        is = proc(s, "VmRSS");
    }
    return is;
}

/* head, unit again and again up to size, tail. Heap. */
static char *long_body(const char *head, const char *unit, size_t size, const char *tail)
{
    size_t h = strlen(head), u = strlen(unit), n = h;
    char *body = malloc(size + u + strlen(tail) + 1);
    memcpy(body, head, h);
    for (; n < size; n += u)
        memcpy(body + n, unit, u);
    strcpy(body + n, tail);
    return body;
}

#ifndef __SANITIZE_ADDRESS__
static const bool sanitized = false;
#else
static const bool sanitized = true;
#endif

static void json_costs_three_times_its_size_and_is_given_back(void **state)
{
    static const struct {
        const char *head, *unit, *tail;
        int status;
    } bodies[] = {
        {"{\"text\":\"Hi\",\"audio_prompt\":\"", "QUJD", "\"}", 415}, /* base64 of no sound */
        {"{\"text\":\"Hi\",\"voice_id\":\"", "a", "\"}", 422},
        {"{\"text\":\"", "a ", "\"}", 422},
        {"{\"text\":\"Hi\",\"unknown\":\"", "\\n", "\"}", 200},
        {"{\"text\":\"Hi\",\"x\":[", "[],", "1]}", 413},
        {"{\"text\":\"Hi\",\"x\":[", "{},", "1]}", 413},
        {"{\"text\":\"Hi\",\"x\":{", "\"kkkk\":0,", "\"z\":0}}", 413},
        {"{\"text\":\"Hi\",\"x\":", "[", "", 400},
    };
    enum { SIZE = 30 * MIB };
    api_server s;
    (void)state;
    api_start(&s, "");
    api_reply r = api_form(&s, "/demo", "text=Hello");
    assert_int_equal(r.status, 200);
    api_reply_clear(&r);
    size_t before = proc(&s, "VmRSS");
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        char *body = long_body(bodies[i].head, bodies[i].unit, SIZE, bodies[i].tail);
        r = api_json(&s, "/demo", body);
        free(body);
        if (r.status != bodies[i].status)
            fail_msg("body %zu: %d instead of %d: %s", i, r.status, bodies[i].status,
                     (char *)r.body);
        if (r.total_ms > 15000) fail_msg("body %zu took %lld ms", i, (long long)r.total_ms);
        api_reply_clear(&r);
    }
    size_t most = proc(&s, "VmHWM"), after = settles_below(&s, before + 24 * (size_t)MIB);
    print_message("resident before %zu, at most %zu, after %zu MiB\n", before / MIB, most / MIB,
                  after / MIB);
    if (before && !sanitized) {
        assert_true(most < before + 3 * (size_t)SIZE);
        assert_true(after < before + 24 * (size_t)MIB);
    }
    assert_int_equal(api_stop(&s), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_costs_three_times_its_size_and_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
