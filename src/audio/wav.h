#ifndef TB_AUDIO_WAV_H
#define TB_AUDIO_WAV_H

#include "audio/pcm.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * RIFF WAVE by our own reader: PCM 8/16/24/32 bit, float 32/64 bit, A-law and mu-law, 1..8
 * channels (mixed to mono: two by tb_pcm_mix_stereo, more by their mean), 4000..192000 Hz,
 * WAVE_FORMAT_EXTENSIBLE; RF64 and BW64, whose sizes have 64 bits; chunks in any order. A data size
 * that is a placeholder (0, or beyond the end, as pipes leave it) means "the rest". Bytes come from
 * strangers: every length is checked. Fuzzed by tests/fuzz/fuzz_wav.c.
 */
bool tb_wav_sniff(const void *data, size_t size); /* RIFF....WAVE, RF64, BW64 */

/* The chunks that are used, in any order in the file: views into it, NULL when absent. */
typedef struct {
    const uint8_t *format, *fact, *sound;
    size_t format_size, fact_size, sound_size;
} tb_wav_chunks;
/* TB_EINVAL: there is no sound, or nothing that says what it is. */
TB_MUST_CHECK tb_status tb_wav_find(const void *data, size_t size, tb_wav_chunks *out, tb_err *err);
/* The sound is in a code that tb_wav_read does not know (ADPCM, GSM, MP3 and others). */
bool tb_wav_coded(const tb_wav_chunks *chunks);

TB_MUST_CHECK tb_status tb_wav_read(const void *data, size_t size, double max_seconds, tb_pcm *out,
                                    tb_err *err);

/* The 44-byte header of 16-bit mono PCM. samples == UINT32_MAX writes the placeholder sizes of a
 * stream whose end is not known yet (0xFFFFFFFF). */
enum { TB_WAV_HEADER = 44 };
void tb_wav_header(uint8_t out[TB_WAV_HEADER], uint32_t samples, int rate_hz);

/* Float to s16le: rounded to nearest, clipped, no dither. out has 2 * len bytes. */
void tb_wav_s16(const float *x, size_t len, uint8_t *out);

/* Whole files; *out is heap. The first: the smallest of 16 bits, 24 bits and 32-bit float that
 * holds every sample exactly: reading it gives the same samples. The second: 16 bits. Both mono, at
 * pcm's own rate. */
TB_MUST_CHECK tb_status tb_wav_print_exact(const tb_pcm *pcm, uint8_t **out, size_t *size,
                                           tb_err *err);
TB_MUST_CHECK tb_status tb_wav_print(const tb_pcm *pcm, uint8_t **out, size_t *size, tb_err *err);

#endif
