#include "codec/decode.h"

#include "audio/wav.h"
#include "base/child.h"
#include "base/mem.h"
#include "codec/decode_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

enum { WALL_MS = 20000, CPU_SECONDS = 15, MEMORY = 512 << 20, MOST_RATE_HZ = 192000 };

/* The kind by its first bytes: the name of libav's demuxer, "wav", or NULL. */
static const char *sniff(const uint8_t *p, size_t size)
{
    if (tb_wav_sniff(p, size)) return "wav";
    if (size < 12) return NULL;
    if (memcmp(p, "fLaC", 4) == 0) return "flac";
    if (memcmp(p, "OggS", 4) == 0) return "ogg";
    if (memcmp(p + 4, "ftyp", 4) == 0) return "mov";
    if (memcmp(p, "\x1A\x45\xDF\xA3", 4) == 0) return "matroska";
    if (memcmp(p, "ID3", 3) == 0) return "mp3";
    if (p[0] == 0xFF && (p[1] & 0xF6) == 0xF0) return "aac";                       /* ADTS */
    if (p[0] == 0xFF && (p[1] & 0xE0) == 0xE0 && (p[1] & 0x06) != 0) return "mp3"; /* a frame */
    return NULL;
}

/* The bytes as a read-only seekable descriptor without a name. */
static tb_status nameless(const void *data, size_t size, int *fd, tb_err *err)
{
    int made = -1;
#if defined(__linux__) && defined(SYS_memfd_create)
    made = (int)syscall(SYS_memfd_create, "upload", 3u /* close-on-exec, may be sealed */);
#endif
    if (made < 0) {
        char path[] = "/tmp/timbre-upload-XXXXXX";
        made = mkstemp(path);
        if (made >= 0) unlink(path);
    }
    if (made < 0) return tb_fail_errno(err, errno, "cannot hand the upload to the decoder");
    fcntl(made, F_SETFD, FD_CLOEXEC);
    for (size_t at = 0; at < size;) {
        ssize_t n = write(made, (const char *)data + at, size - at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            tb_status st = tb_fail_errno(err, errno, "cannot hand the upload to the decoder");
            close(made);
            return st;
        }
        at += (size_t)n;
    }
    lseek(made, 0, SEEK_SET); /* the child shares the position and reads from it */
#ifdef F_ADD_SEALS
    fcntl(made, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
#endif
    *fd = made;
    return TB_OK;
}

static tb_status in_child(const char *kind, const void *data, size_t size, double max_seconds,
                          const tb_cancel *cancel, tb_pcm *out, tb_err *err)
{
    char seconds[32], *bytes = NULL;
    size_t len = 0;
    int fd = -1;
    tb_child_exit how = {0};
    snprintf(seconds, sizeof seconds, "%.3f", max_seconds);
    const char *argv[] = {tb_child_self(), "decode-child", kind, seconds, NULL};
    tb_status st = nameless(data, size, &fd, err);
    if (st) return st;
    tb_child child = {
        .argv = argv,
        .input_fd = fd,
        .output_max =
            sizeof(tb_decode_head) + (size_t)(max_seconds * MOST_RATE_HZ + 1) * sizeof(float),
        .wall_ms = WALL_MS,
        .cpu_seconds = CPU_SECONDS,
        .memory_bytes = MEMORY,
        .name = "the decoder",
    };
    st = tb_child_run(&child, cancel, &bytes, &len, &how, err);
    close(fd);
    if (st) return st;

    tb_decode_head head;
    if (how.exit_code == TB_DECODE_BAD) {
        st = tb_fail(err, TB_EINVAL, "the recording cannot be read: %s", how.stderr_text);
    } else if (how.exit_code != 0 || len < sizeof head) {
        /* Killed by its own limits or by a file made to harm: the file's fault either way. */
        st = tb_fail(err, TB_EINVAL, "the recording cannot be read: the decoder gave up on it");
    } else {
        memcpy(&head, bytes, sizeof head);
        size_t n = (len - sizeof head) / sizeof(float);
        if (memcmp(head.magic, TB_DECODE_MAGIC, sizeof head.magic) != 0 || head.rate_hz < 1000 ||
            head.rate_hz > MOST_RATE_HZ) {
            st = tb_fail(err, TB_EINVAL,
                         "the recording cannot be read: its rate is not 1 to 192 kHz");
        } else if (n == 0) {
            st = tb_fail(err, TB_EINVAL, "the recording holds no sound");
        } else {
            st = tb_pcm_init(out, n, (int)head.rate_hz, err);
            if (!st) memcpy(out->data, bytes + sizeof head, n * sizeof(float));
        }
    }
    tb_free(bytes);
    return st;
}

tb_status tb_decode_audio(const void *data, size_t size, double max_seconds,
                          const tb_cancel *cancel, tb_pcm *out, tb_err *err)
{
    if (size == 0) return tb_fail(err, TB_EINVAL, "the recording is empty (0 bytes)");
    const char *kind = sniff(data, size);
    if (!kind)
        return tb_fail(err, TB_EMEDIA,
                       "this is not a kind of recording that can be read; allowed: "
                       "wav, mp3, m4a, aac, ogg, opus, flac, webm");
    if (strcmp(kind, "wav") != 0) return in_child(kind, data, size, max_seconds, cancel, out, err);
    tb_status st = tb_wav_read(data, size, max_seconds, out, err);
    if (!st && out->len == 0) {
        tb_pcm_clear(out);
        st = tb_fail(err, TB_EINVAL, "the recording holds no sound");
    }
    return st;
}
