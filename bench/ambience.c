#include "ambience/ambience.h"
#include "base/clock.h"

#include <stdio.h>

/* How much faster than real time each bed is made, one core, 24 kHz, and what the first bed of a
 * seed costs (it renders 30 s ahead to measure its loudness). One JSON line per bed. */
int main(void)
{
    enum { RATE = 24000, SECONDS = 20, BLOCK = 1024 };
    static float x[BLOCK];
    tb_ambience_set *set = NULL;
    tb_err err = {0};
    if (tb_ambience_open(NULL, &set, &err) != TB_OK) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    for (size_t i = 0; i < tb_ambience_count(set); i++) {
        const char *id = tb_ambience_at(set, i)->id;
        tb_ambience which;
        tb_bed *bed = NULL;
        int64_t t0 = tb_clock_mono_ns();
        if (tb_ambience_find(set, id, &which, &err) != TB_OK ||
            tb_bed_new(set, &which, 1, RATE, &bed, &err) != TB_OK) {
            fprintf(stderr, "%s: %s\n", id, err.msg);
            tb_ambience_close(set);
            return 1;
        }
        int64_t t1 = tb_clock_mono_ns();
        for (int n = 0; n < RATE * SECONDS; n += BLOCK)
            tb_bed_process(bed, x, BLOCK);
        int64_t t2 = tb_clock_mono_ns();
        tb_bed_free(bed);
        printf("{\"bench\":\"ambience\",\"bed\":\"%s\",\"times_real_time\":%.0f,"
               "\"ns_per_sample\":%.0f,\"first_bed_ms\":%.1f}\n",
               id, SECONDS * 1e9 / (double)(t2 - t1), (double)(t2 - t1) / (RATE * SECONDS),
               (double)(t1 - t0) / 1e6);
    }
    tb_ambience_close(set);
    return 0;
}
