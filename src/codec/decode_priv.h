#ifndef TB_CODEC_DECODE_PRIV_H
#define TB_CODEC_DECODE_PRIV_H

#include <stdint.h>

/* Between the two sides of the decoder: this head, then float samples to the end, in the machine's
 * own order (it is one machine). Exit code TB_DECODE_BAD: stderr says what is wrong with the file.
 */
#define TB_DECODE_MAGIC "TBD1"
enum {
    TB_DECODE_BAD = 10,
    TB_DECODE_SAMPLES = 600 * 48000, /* most of one recording, whatever its rate */
};

typedef struct {
    char magic[4];
    uint32_t rate_hz;
} tb_decode_head;

#endif
