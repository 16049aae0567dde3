#ifndef TB_VOICE_RECORDING_H
#define TB_VOICE_RECORDING_H

#include "base/json.h"
#include "voice/library.h"

/* A recording before it is a voice: what is kept of an upload, and what it is good for. */

enum { TB_RECORDING_SECONDS = 600 }; /* of a recording that are kept */

/*
 * Any upload as the wav that is kept and measured: decoded, mono, its own rate (48 kHz at most),
 * its first 600 s, every sample exact (16 or 24 bit, or float). What is kept is what was measured,
 * so that a replay finds the same voice. *out is heap.
 *
 * *data is freed as soon as it is decoded, and *data is NULL then: the upload, its samples and the
 * wav together would be more than three times the upload.
 */
TB_MUST_CHECK tb_status tb_recording_canon(void **data, size_t size, const char *field,
                                           const tb_cancel *cancel, uint8_t **out, size_t *out_size,
                                           tb_err *err);

/* What a canonical wav is good for. */
typedef struct {
    double seconds;
    tb_json *warnings;     /* an array of sentences for the person who recorded it */
    const tb_voice *voice; /* the embedded engine's, from the library; NULL: only chatterbox-turbo
                              can use the recording */
} tb_recording_verdict;

/*
 * Measures it before it is kept: a recording that no engine can use is refused now, not later
 * (TB_EINVAL of field). chatterbox: that engine is in service. clear releases the voice.
 */
TB_MUST_CHECK tb_status tb_recording_judge(tb_voices *voices, bool chatterbox, const void *wav,
                                           size_t size, const char *field, const tb_cancel *cancel,
                                           tb_recording_verdict *out, tb_err *err);
void tb_recording_verdict_clear(tb_voices *voices, tb_recording_verdict *verdict);

#endif
