#include "dsp/stretch.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include <sonic.h>

tb_status tb_stretch(const tb_pcm *in, double speed, tb_pcm *out, tb_err *err)
{
    enum { PIECE = 1 << 16 };
    tb_pcm stretched = {0};
    sonicStream stream = NULL;
    size_t len = (size_t)lround((double)in->len / speed), n = 0;
    tb_status st = tb_pcm_init(&stretched, len, in->rate_hz, err);
    if (st) return st;
    stream = sonicCreateStream(in->rate_hz, 1);
    if (!stream) {
        st = tb_fail(err, TB_ENOMEM, "no memory to change the speed of %zu samples", in->len);
        goto out;
    }
    sonicSetSpeed(stream, (float)speed);
    /* It takes a pointer to what it does not change. */
    float piece[1024];
    for (size_t at = 0; at < in->len || n < len;) {
        if (at < in->len) {
            size_t take = in->len - at < 1024 ? in->len - at : 1024;
            memcpy(piece, in->data + at, take * sizeof *piece);
            at += take;
            if (!sonicWriteFloatToStream(stream, piece, (int)take) ||
                (at == in->len && !sonicFlushStream(stream))) {
                st = tb_fail(err, TB_ENOMEM, "no memory to change the speed of %zu samples",
                             in->len);
                goto out;
            }
        }
        int got;
        while (n < len &&
               (got = sonicReadFloatFromStream(stream, stretched.data + n,
                                               len - n < PIECE ? (int)(len - n) : PIECE)) > 0)
            n += (size_t)got;
        /* A few samples less than asked for are zeros at the end. */
        if (at == in->len) break;
    }
    *out = stretched;
    stretched = (tb_pcm){0};
out:
    if (stream) sonicDestroyStream(stream);
    tb_pcm_clear(&stretched);
    return st;
}
