#ifndef TB_CODEC_ENCODE_H
#define TB_CODEC_ENCODE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Speech to bytes. One encoder per output; not for two threads at once, several at a time are fine.
 */
typedef enum {
    TB_FORMAT_WAV, /* s16le RIFF */
    TB_FORMAT_MP3,
    TB_FORMAT_OPUS, /* in Ogg */
    TB_FORMAT_AAC,  /* ADTS */
    TB_FORMAT_FLAC,
    TB_FORMAT_OGG, /* as Opus, under the name that messengers want: audio/ogg; codecs=opus */
    TB_FORMAT_PCM, /* s16le, no header */
    TB_FORMAT_COUNT
} tb_format;

const char *tb_format_name(tb_format format);
const char *tb_format_content_type(tb_format format);
const char *tb_format_extension(tb_format format); /* without the dot */
/* TB_EINVAL, field response_format, naming what is allowed. Case does not matter. */
TB_MUST_CHECK tb_status tb_format_parse(const char *name, tb_format *out, tb_err *err);

/* Where the bytes go. rewrite overwrites bytes already written (a header, once its sizes are
 * known); NULL when written bytes cannot be changed, as in a stream: then the header keeps
 * placeholders. */
typedef struct {
    tb_status (*write)(void *self, const void *data, size_t size, tb_err *err);
    tb_status (*rewrite)(void *self, uint64_t offset, const void *data, size_t size, tb_err *err);
    void *self;
} tb_encoder_sink;

typedef struct tb_encoder tb_encoder;

/*
 * Mono float at 24 kHz in. rate_hz: what comes out, 8000..48000; Opus, MP3 and AAC know only some
 * rates and take the nearest one not below (48000 for Opus in any case, which carries it in its
 * header as the original one).
 */
TB_MUST_CHECK tb_status tb_encoder_new(tb_format format, int rate_hz, const tb_encoder_sink *sink,
                                       tb_encoder **out, tb_err *err);
TB_MUST_CHECK tb_status tb_encoder_write(tb_encoder *e, const float *x, size_t len, tb_err *err);
/* Flushes, and mends the header where the sink can. */
TB_MUST_CHECK tb_status tb_encoder_end(tb_encoder *e, tb_err *err);
void tb_encoder_free(tb_encoder *e); /* at any point; NULL is fine */

#endif
