#ifndef TB_TESTS_PATIENCE_H
#define TB_TESTS_PATIENCE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * Bounds on time are written for an idle machine. On a loaded one they are multiplied by how many
 * want each core, now or over the last minute, so that a test fails for what it tests. An idle
 * machine's bounds stay sharp. TIMBRE_TEST_PATIENCE names a factor by hand.
 */
static inline double test_patience(void)
{
    const char *given = getenv("TIMBRE_TEST_PATIENCE");
    double by_hand = given ? atof(given) : 0, minute = 0, running = 0;
    if (by_hand >= 1) return by_hand;
    FILE *f = fopen("/proc/loadavg", "r"); /* "0.50 0.40 0.30 3/200 1234" */
    if (f) {
        if (fscanf(f, "%lf %*s %*s %lf", &minute, &running) != 2) minute = running = 0;
        fclose(f);
    } else if (getloadavg(&minute, 1) != 1) {
        minute = 0;
    }
    const double wanted = minute > running ? minute : running;
    const double each = wanted / (double)sysconf(_SC_NPROCESSORS_ONLN);
    return each < 1 ? 1 : each > 100 ? 100 : 2 * each;
}

/* So many milliseconds of an idle machine. */
static inline int64_t test_patient(int64_t ms)
{
    return (int64_t)((double)ms * test_patience());
}

#endif
