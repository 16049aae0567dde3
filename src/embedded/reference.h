#ifndef TB_EMBEDDED_REFERENCE_H
#define TB_EMBEDDED_REFERENCE_H

#include "audio/pcm.h"
#include "base/cancel.h"
#include "embedded/voice_stats.h"

#include <stddef.h>

/* Is this recording fit to map a voice toward, and what does it measure? */
enum { TB_REFERENCE_SECONDS = 30, TB_REFERENCE_WARNINGS = 6 };

typedef struct {
    tb_voice_stats stats;
    double seconds, active_seconds, voiced_seconds;
    double peak_db;
    double clipped;                            /* share of samples */
    double range_db;                           /* P95 - P5 of the frames' energy */
    double f0_ratio;                           /* upper by lower quartile */
    float cut_hz;                              /* 12000, or where a narrow-band recording ends */
    char warnings[TB_REFERENCE_WARNINGS][200]; /* sentences for the person who recorded it */
    size_t n_warnings;
} tb_reference_report;

/*
 * recording: mono, any rate, best as it was recorded (clipping is looked for before it is brought
 * to 24 kHz); the 30 s of it with the most sound are used. source_rate_hz: what it was recorded at,
 * 0 for the recording's own rate. TB_EINVAL with a sentence that says what to record again. Any
 * thread.
 */
TB_MUST_CHECK tb_status tb_reference_check(const tb_pcm *recording, int source_rate_hz,
                                           const tb_cancel *cancel, tb_reference_report *report,
                                           tb_err *err);

#endif
