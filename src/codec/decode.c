/*
 * Uploads to mono samples: tells the kind by the first bytes, reads plain wav here, and gives the
 * rest to the decoder's child process.
 *
 * The child gets the bytes as a sealed, read-only memfd, has limits of time, memory and output, and
 * its head and samples are checked. Coded wav is handed over with its chunks in order.
 * docs/audio.md, "Decoders". Relies on base/child.h and audio/wav.h.
 */
#include "codec/decode.h"

#include "audio/wav.h"
#include "base/child.h"
#include "base/mem.h"
#include "codec/decode_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

enum { WALL_MS = 20000, CPU_SECONDS = 15, MEMORY = 512 << 20, MOST_RATE_HZ = 192000 };

/* What a file of each kind has at its beginning, and the name of libav's demuxer for it. */
static const struct {
    const char *kind;
    uint8_t at, len;
    const char *mark;
} marks[] = {
    {"flac", 0, 4, "fLaC"}, {"ogg", 0, 4, "OggS"},
    {"mov", 4, 4, "ftyp"},  {"mov", 4, 4, "moov"}, /* QuickTime from before there was ftyp */
    {"mov", 4, 4, "mdat"},  {"mov", 4, 4, "wide"},
    {"mov", 4, 4, "free"},  {"mov", 4, 4, "skip"},
    {"caf", 0, 4, "caff"},  {"matroska", 0, 4, "\x1A\x45\xDF\xA3"},
    {"aiff", 8, 4, "AIFF"}, {"aiff", 8, 4, "AIFC"},
    {"amr", 0, 5, "#!AMR"}, {"asf", 0, 8, "\x30\x26\xB2\x75\x8E\x66\xCF\x11"}, /* wma */
    {"au", 0, 4, ".snd"},   {"w64", 0, 8, "riff\x2E\x91\xCF\x11"},
    {"wav", 0, 4, "RIFX"},  {"qcp", 8, 4, "QLCM"},
    {"wv", 0, 4, "wvpk"},   {"tta", 0, 4, "TTA1"},
    {"ape", 0, 4, "MAC "},  {"mpc", 0, 3, "MP+"},
    {"mpc8", 0, 4, "MPCK"}, {"dss", 0, 4, "\2dss"},
    {"dss", 0, 4, "\3dss"},
};

/* The kind by its first bytes: the name of libav's demuxer, or NULL. */
static const char *sniff(const uint8_t *p, size_t size)
{
    if (size < 12) return NULL;
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (memcmp(p + marks[i].at, marks[i].mark, marks[i].len) == 0) return marks[i].kind;
    if (p[0] == 0x56 && (p[1] & 0xE0) == 0xE0) return "loas";                      /* AAC, LATM */
    if (p[0] == 0xFF && (p[1] & 0xF6) == 0xF0) return "aac";                       /* ADTS */
    if (p[0] == 0xFF && (p[1] & 0xE0) == 0xE0 && (p[1] & 0x06) != 0) return "mp3"; /* a frame */
    return NULL;
}

/* The length of one tag of a music player at the beginning (ID3v2, APEv2), 0 when there is none. */
static size_t tag_size(const uint8_t *p, size_t size)
{
    size_t len = 0;
    if (size < 32) return 0;
    if (memcmp(p, "ID3", 3) == 0) {
        for (int i = 6; i < 10; i++)
            len = len << 7 | (p[i] & 0x7F);
        len += p[5] & 0x10 ? 20 : 10; /* a footer repeats the head */
    } else if (memcmp(p, "APETAGEX", 8) == 0) {
        for (int i = 15; i >= 12; i--)
            len = len << 8 | p[i];
        len += 32;
    }
    return len < size ? len : 0;
}

/* Where the sound's own file begins: after tags and the zeros that pad them. The length at the
 * beginning of an MP4 file may begin with up to three zeros of its own. */
static size_t skip_tags(const uint8_t *p, size_t size)
{
    size_t at = 0, len;
    while ((len = tag_size(p + at, size - at)) > 0) {
        const size_t end = at + len;
        for (at = end; at < size && p[at] == 0;)
            at++;
        for (size_t back = 1; back <= 3 && back <= at - end; back++)
            if (sniff(p + at - back, size - at + back)) return at - back;
    }
    return at;
}

/* A file in pieces, one after the other. */
typedef struct {
    const void *data;
    size_t size;
} part;
enum { PARTS = 5 };

static tb_status write_all(int fd, const part *p, tb_err *err)
{
    for (size_t at = 0; at < p->size;) {
        ssize_t n = write(fd, (const char *)p->data + at, p->size - at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return tb_fail_errno(err, errno, "cannot hand the upload to the decoder");
        at += (size_t)n;
    }
    return TB_OK;
}

/* The bytes as a read-only seekable descriptor without a name. */
static tb_status make_sealed_file(const part parts[PARTS], int *fd, tb_err *err)
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
    for (size_t i = 0; i < PARTS; i++) {
        tb_status st = write_all(made, &parts[i], err);
        if (st) {
            close(made);
            return st;
        }
    }
    lseek(made, 0, SEEK_SET); /* the child shares the position and reads from it */
#ifdef F_ADD_SEALS
    fcntl(made, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
#endif
    *fd = made;
    return TB_OK;
}

static tb_status decode_in_child(const char *kind, const part parts[PARTS], double max_seconds,
                                 const tb_cancel *cancel, tb_pcm *out, tb_err *err)
{
    char seconds[32], *bytes = NULL;
    size_t len = 0;
    int fd = -1;
    const double most = fmin(max_seconds * MOST_RATE_HZ + 1, TB_DECODE_SAMPLES);
    tb_child_exit child_exit = {0};
    snprintf(seconds, sizeof seconds, "%.3f", max_seconds);
    const char *argv[] = {tb_child_self(), "decode-child", kind, seconds, NULL};
    tb_status st = make_sealed_file(parts, &fd, err);
    if (st) return st;
    tb_child child = {
        .argv = argv,
        .input_fd = fd,
        .output_max = sizeof(tb_decode_head) + (size_t)most * sizeof(float),
        .wall_ms = WALL_MS,
        .cpu_seconds = CPU_SECONDS,
        .memory_bytes = MEMORY,
        .name = "the decoder",
        .confine = TB_CONFINE_SELF,
    };
    st = tb_child_run(&child, cancel, &bytes, &len, &child_exit, err);
    close(fd);
    if (st) return st;

    tb_decode_head head;
    if (child_exit.exit_code == TB_DECODE_BAD) {
        st = tb_fail(err, TB_EINVAL, "the recording cannot be read: %s", child_exit.stderr_text);
    } else if (child_exit.exit_code != 0 || len < sizeof head) {
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
            memmove(bytes, bytes + sizeof head, n * sizeof(float)); /* not a second time */
            *out = (tb_pcm){.data = (float *)(void *)bytes, .len = n, .rate_hz = (int)head.rate_hz};
            bytes = NULL;
        }
    }
    tb_free(bytes);
    return st;
}

static void put32(uint8_t *p, size_t x)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(x >> (8 * i));
}

/* A wav file in a code that our own reader does not know. The child gets it with its chunks in the
 * order that libav expects, and without those that say nothing of the sound. */
static tb_status coded_wav(const tb_wav_chunks *c, double max_seconds, const tb_cancel *cancel,
                           tb_pcm *out, tb_err *err)
{
    uint8_t riff[20] = "RIFF\0\0\0\0WAVEfmt ", fact[12] = "fact\4", data[8] = "data";
    const size_t format_size = c->format_size & ~(size_t)1;
    const bool counted = c->fact_size >= 4;
    if (counted) memcpy(fact + 8, c->fact, 4);
    put32(riff + 4, 12 + format_size + (counted ? sizeof fact : 0) + 8 + c->sound_size);
    put32(riff + 16, format_size);
    put32(data + 4, c->sound_size);
    const part parts[PARTS] = {{riff, sizeof riff},
                               {c->format, format_size},
                               {fact, counted ? sizeof fact : 0},
                               {data, sizeof data},
                               {c->sound, c->sound_size}};
    return decode_in_child("wav", parts, max_seconds, cancel, out, err);
}

static tb_status read_wav(const void *data, size_t size, double max_seconds,
                          const tb_cancel *cancel, tb_pcm *out, tb_err *err)
{
    tb_wav_chunks chunks;
    tb_status st = tb_wav_find(data, size, &chunks, err);
    if (st) return st;
    if (tb_wav_coded(&chunks)) return coded_wav(&chunks, max_seconds, cancel, out, err);
    st = tb_wav_read(data, size, max_seconds, out, err);
    if (!st && out->len == 0) {
        tb_pcm_clear(out);
        st = tb_fail(err, TB_EINVAL, "the recording holds no sound");
    }
    return st;
}

tb_status tb_decode_audio(const void *data, size_t size, double max_seconds,
                          const tb_cancel *cancel, tb_pcm *out, tb_err *err)
{
    if (size == 0) return tb_fail(err, TB_EINVAL, "the recording is empty (0 bytes)");
    const size_t tags = skip_tags(data, size);
    const uint8_t *p = (const uint8_t *)data + tags;
    size -= tags;
    if (tb_wav_sniff(p, size)) return read_wav(p, size, max_seconds, cancel, out, err);
    const char *kind = sniff(p, size);
    /* MP3 has no header: behind an ID3 tag, its demuxer searches for a frame. */
    if (!kind && (tags > 0 || (size >= 3 && memcmp(p, "ID3", 3) == 0))) kind = "mp3";
    if (!kind)
        return tb_fail(err, TB_EMEDIA,
                       "this is not a kind of recording that can be read; allowed: wav, mp3, m4a, "
                       "aac, ogg, opus, flac, webm, aiff, caf, amr, 3gp, wma, au, w64, wv, ape, "
                       "tta, mpc, qcp, dss. Convert others first, for example with: ffmpeg -i "
                       "RECORDING recording.wav");
    return decode_in_child(kind, (const part[PARTS]){{p, size}}, max_seconds, cancel, out, err);
}
