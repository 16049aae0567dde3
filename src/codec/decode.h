#ifndef TB_CODEC_DECODE_H
#define TB_CODEC_DECODE_H

#include "audio/pcm.h"
#include "base/cancel.h"

/*
 * Any upload to mono samples at its own rate. Wav of plain samples is read here (audio/wav.h); wav
 * in other codes, mp3, m4a, aac, ogg, opus, flac, webm, aiff, caf, amr, wma and rarer kinds by
 * libav in a child of our own binary that has nothing to lose: no files, no network, limits on
 * time, memory and output, one read-only descriptor, a list of decoders. The kind is told by the
 * first bytes behind the tags of music players (ID3v2, APEv2).
 *
 * TB_EMEDIA: not a kind we read, with the list. TB_EINVAL: of such a kind, but damaged, empty or
 * without sound. TB_ETIMEOUT, TB_ECANCELLED. At most max_seconds are returned. Any thread.
 */
TB_MUST_CHECK tb_status tb_decode_audio(const void *data, size_t size, double max_seconds,
                                        const tb_cancel *cancel, tb_pcm *out, tb_err *err);

/* The child's side: `timbre decode-child KIND SECONDS`, the file on descriptor 3. Exit code. */
int tb_decode_child_main(const char *kind, const char *seconds);

#endif
