#include "base/log.h"

#include "base/clock.h"
#include "base/str.h"

#include <pthread.h>
#include <stdatomic.h>
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

void tb_log(tb_log_level level, const char *room, const char *fmt, ...)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    char text[1024], line[2600], when[40];
    size_t n = 0;
    va_list ap;

    if ((int)level > atomic_load(&max_level)) return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    tb_clock_iso(tb_clock_now_us(), when, sizeof when);
    n = (size_t)snprintf(line, sizeof line, "time=%s level=%s room=%s ", when, names[level], room);
    for (const unsigned char *p = (const unsigned char *)text; *p && n + 8 < sizeof line; p++) {
        if (*p < 0x20 || *p == 0x7F)
            n += (size_t)snprintf(line + n, sizeof line - n, "\\x%02x", *p);
        else
            line[n++] = (char)*p;
    }
    line[n++] = '\n';
    pthread_mutex_lock(&lock);
    const bool keep = holding && atomic_load(&max_level) < TB_DEBUG;
    if (keep) tb_str_add(&held, line, n);
    pthread_mutex_unlock(&lock);
    /* One write, so that lines of several threads and processes do not mix. */
    if (!keep) put(line, n);
}
