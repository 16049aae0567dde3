#ifndef TB_BASE_CLOCK_H
#define TB_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

int64_t tb_clock_mono_ns(void); /* monotonic, for durations and deadlines */
int64_t tb_clock_now_us(void);  /* microseconds since 1970, UTC; what rows are stamped with */

/* "2026-11-24T22:30:00.123456+00:00" into out (at least 33 bytes). */
void tb_clock_iso(int64_t us, char *out, size_t size);

int64_t tb_clock_cpu_ns(void); /* what this thread has computed so far */
void tb_clock_sleep_ms(int ms);

#endif
