/*
 * The log: one event, one line of key=value, to stderr.
 *
 * A line is formatted into a buffer on the stack by a small printf of our own, which knows where a
 * value begins and quotes and escapes text; so nothing that a client sent can look like another
 * field. Lines may be held back during a start until it is known whether anybody needs them. One
 * lock orders lines.
 */
#include "base/log.h"

#include "base/clock.h"
#include "base/str.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static _Atomic int max_level = TB_WARN;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the next two */
static bool holding;
static tb_str held;

static void put(const char *line, size_t n)
{
    ssize_t ignored = write(STDERR_FILENO, line, n);
    (void)ignored;
}

void tb_log_hold(void)
{
    pthread_mutex_lock(&lock);
    if (!holding) tb_str_init(&held, 1 << 16);
    holding = true;
    pthread_mutex_unlock(&lock);
}

void tb_log_release(bool print)
{
    pthread_mutex_lock(&lock);
    if (holding) {
        if (print && held.len) put(held.data, held.len);
        tb_str_clear(&held);
    }
    holding = false;
    pthread_mutex_unlock(&lock);
}

void tb_log_set_level(tb_log_level level)
{
    atomic_store(&max_level, (int)level);
}

tb_log_level tb_log_get_level(void)
{
    return (tb_log_level)atomic_load(&max_level);
}

/* ---- lines ---- */

/*
 * A line is name=value name="value" …, and values come from anybody: a path that was asked for, a
 * file's name, what a client called itself. So no value can look like a further name, or like
 * another line: behind `=` it is put into quotes where it must be, and within quotes quotes are
 * escaped. tb_log does this for every %s, so that nobody has to remember it.
 */
typedef struct {
    char text[1024];
    size_t n;
    char before; /* what the format put in front of the next value */
} line;

static void put_char(line *l, char c)
{
    if (l->n + 1 < sizeof l->text) l->text[l->n++] = c;
}

static void put_number(line *l, const char *text)
{
    while (*text)
        put_char(l, *text++);
}

static bool needs_quotes(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] <= ' ' || s[i] == '"' || s[i] == '=' || s[i] == '\\') return true;
    return false;
}

static void put_value(line *l, const char *s, size_t n)
{
    bool inside = l->before == '"', quotes = l->before == '=' && needs_quotes(s, n);
    if (quotes) put_char(l, '"');
    for (size_t i = 0; i < n; i++) {
        if ((inside || quotes) && (s[i] == '"' || s[i] == '\\')) put_char(l, '\\');
        put_char(l, s[i]);
    }
    if (quotes) put_char(l, '"');
}

/* One conversion of a printf format, taken apart: as much as lines of a log want. */
typedef struct {
    int width, precision; /* precision -1: none */
    bool zeros;
    int longs; /* of l; 3: z or t */
    char kind;
} conversion;

static const char *read_conversion(const char *p, conversion *c, va_list *ap)
{
    *c = (conversion){.precision = -1};
    for (; *p == '0'; p++)
        c->zeros = true;
    for (; *p >= '0' && *p <= '9'; p++)
        c->width = c->width * 10 + (*p - '0');
    if (*p == '.') {
        p++;
        c->precision = 0;
        if (*p == '*') {
            c->precision = va_arg(*ap, int);
            p++;
        }
        for (; *p >= '0' && *p <= '9'; p++)
            c->precision = c->precision * 10 + (*p - '0');
    }
    for (; *p == 'l' || *p == 'z' || *p == 't' || *p == 'h'; p++)
        c->longs = *p == 'l' ? c->longs + 1 : *p == 'h' ? 0 : 3;
    c->kind = *p;
    return *p ? p + 1 : p;
}

static unsigned long long take_unsigned(const conversion *c, va_list *ap)
{
    return c->longs == 0   ? va_arg(*ap, unsigned)
           : c->longs == 1 ? va_arg(*ap, unsigned long)
           : c->longs == 2 ? va_arg(*ap, unsigned long long)
                           : va_arg(*ap, size_t);
}

static long long take_signed(const conversion *c, va_list *ap)
{
    return c->longs == 0   ? va_arg(*ap, int)
           : c->longs == 1 ? va_arg(*ap, long)
           : c->longs == 2 ? va_arg(*ap, long long)
                           : va_arg(*ap, ptrdiff_t);
}

static void put_conversion(line *l, const conversion *c, va_list *ap)
{
    char text[400] = ""; /* %f of the largest double has 309 digits */
    const int digits = c->precision >= 0 ? c->precision : 6;
    switch (c->kind) {
    case 's': {
        const char *s = va_arg(*ap, const char *);
        if (!s) s = "(null)";
        put_value(l, s, c->precision >= 0 ? strnlen(s, (size_t)c->precision) : strlen(s));
        return;
    }
    case 'f':
        snprintf(text, sizeof text, "%*.*f", c->width, digits, va_arg(*ap, double));
        break;
    case 'e':
    case 'g':
        snprintf(text, sizeof text, "%*.*g", c->width, digits, va_arg(*ap, double));
        break;
    case 'd':
    case 'i':
        snprintf(text, sizeof text, c->zeros ? "%0*lld" : "%*lld", c->width, take_signed(c, ap));
        break;
    case 'u':
        snprintf(text, sizeof text, c->zeros ? "%0*llu" : "%*llu", c->width, take_unsigned(c, ap));
        break;
    case 'x':
    case 'X':
        snprintf(text, sizeof text, c->zeros ? "%0*llx" : "%*llx", c->width, take_unsigned(c, ap));
        break;
    case 'o':
        snprintf(text, sizeof text, c->zeros ? "%0*llo" : "%*llo", c->width, take_unsigned(c, ap));
        break;
    case 'c':
        text[0] = (char)va_arg(*ap, int);
        break;
    default:
        text[0] = c->kind; /* %% */
    }
    put_number(l, text);
}

static void format_line(line *l, const char *fmt, va_list *ap)
{
    while (*fmt) {
        if (*fmt != '%') {
            l->before = *fmt;
            put_char(l, *fmt++);
            continue;
        }
        conversion c;
        fmt = read_conversion(fmt + 1, &c, ap);
        put_conversion(l, &c, ap);
        l->before = 0;
    }
    l->text[l->n] = 0;
}

/* What a terminal would act upon: controls of either kind, and marks that turn the reading around.
 */
static size_t hidden(const unsigned char *p)
{
    if (*p < 0x20 || *p == 0x7F) return 1;
    if (p[0] == 0xC2 && p[1] >= 0x80 && p[1] <= 0x9F) return 2;
    if (p[0] == 0xE2 && p[1] == 0x80 && (p[2] == 0x8E || p[2] == 0x8F)) return 3;
    if (p[0] == 0xE2 && p[1] == 0x80 && p[2] >= 0xA8 && p[2] <= 0xAE) return 3;
    return p[0] == 0xE2 && p[1] == 0x81 && p[2] >= 0xA6 && p[2] <= 0xA9 ? 3 : 0;
}

void tb_log(tb_log_level level, const char *room, const char *fmt, ...)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    char out[4400], when[40];
    line l = {.n = 0};
    va_list ap;

    if ((int)level > atomic_load(&max_level)) return;
    va_start(ap, fmt);
    format_line(&l, fmt, &ap);
    va_end(ap);
    tb_clock_iso(tb_clock_now_us(), when, sizeof when);
    size_t n =
        (size_t)snprintf(out, sizeof out, "time=%s level=%s room=%s ", when, names[level], room);
    for (const unsigned char *p = (const unsigned char *)l.text; *p && n + 16 < sizeof out;) {
        size_t bytes = hidden(p);
        if (!bytes) out[n++] = (char)*p++;
        for (; bytes > 0; bytes--)
            n += (size_t)snprintf(out + n, sizeof out - n, "\\x%02x", *p++);
    }
    out[n++] = '\n';
    pthread_mutex_lock(&lock);
    const bool keep = holding && atomic_load(&max_level) < TB_DEBUG;
    if (keep) tb_str_add(&held, out, n);
    pthread_mutex_unlock(&lock);
    /* One write, so that lines of several threads and processes do not mix. */
    if (!keep) put(out, n);
}
