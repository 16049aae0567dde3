/*
 * RIFF WAVE: finds the chunks, reads plain samples of all common kinds as mono float, and writes.
 *
 * Bytes come from strangers: every length is compared with what is there before it is used, sizes
 * that a pipe left open mean "the rest", and samples that are no finite numbers are refused. Kinds
 * that are coded (ADPCM, MP3 in wav) are recognised and left to src/codec. Fuzzed by
 * tests/fuzz/fuzz_wav.c. Relies on audio/pcm.h for mixing two channels.
 */
#include "audio/wav.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

enum {
    FORMAT_SIZE = 16, /* least bytes of a format chunk */
    FORMAT_PCM = 1,
    FORMAT_FLOAT = 3,
    FORMAT_ALAW = 6,
    FORMAT_MULAW = 7,
    FORMAT_EXTENSIBLE = 0xFFFE,
    MOST_CHANNELS = 8,
};

static uint32_t u16(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t u32(const uint8_t *p)
{
    return u16(p) | u16(p + 2) << 16;
}

static uint64_t u64(const uint8_t *p)
{
    return (uint64_t)u32(p) | (uint64_t)u32(p + 4) << 32;
}

static bool is(const uint8_t *p, const char *name)
{
    return memcmp(p, name, 4) == 0;
}

bool tb_wav_sniff(const void *data, size_t size)
{
    const uint8_t *p = data;
    return size >= 12 && (is(p, "RIFF") || is(p, "RF64") || is(p, "BW64")) && is(p + 8, "WAVE");
}

/* How many of the `have` bytes behind its head are the data chunk's. wide: the size that RF64's
 * ds64 chunk gives, 0 when there is none. */
static size_t data_size(const uint8_t *head, uint64_t wide, size_t have)
{
    uint64_t want = u32(head + 4);
    if (want == UINT32_MAX && wide > 0) want = wide;
    if (want == 0 || want > have) return have; /* as a pipe leaves it: the rest */
    return (size_t)want;
}

/* Where the chunk after one of odd length begins. Chunks are padded to an even length, which some
 * writers forget. */
static size_t skip_padding(const uint8_t *p, size_t at, size_t size)
{
    if (size - at >= 4 && (is(p + at, "fmt ") || is(p + at, "data"))) return at;
    return at < size ? at + 1 : at;
}

tb_status tb_wav_find(const void *data, size_t size, tb_wav_chunks *out, tb_err *err)
{
    const uint8_t *p = data;
    tb_wav_chunks c = {0};
    uint64_t wide = 0;
    size_t at = 12;
    if (!tb_wav_sniff(data, size)) return tb_fail(err, TB_EMEDIA, "this is not a RIFF WAVE file");
    while (size - at >= 8 && !(c.format && c.sound)) {
        const uint8_t *head = p + at, *body = head + 8;
        size_t have = size - at - 8, len = u32(head + 4) < have ? u32(head + 4) : have;
        if (is(head, "data")) {
            len = data_size(head, wide, have);
            c.sound = body;
            c.sound_size = len;
        } else if (is(head, "fmt ")) {
            c.format = body;
            c.format_size = len;
        } else if (is(head, "fact")) {
            c.fact = body;
            c.fact_size = len;
        } else if (is(head, "ds64") && len >= 16) {
            wide = u64(body + 8);
        }
        at += 8 + len;
        if (len & 1) at = skip_padding(p, at, size);
    }
    if (!c.format)
        return tb_fail(err, TB_EINVAL, "the wav file is damaged: it has no format chunk");
    if (c.format_size < FORMAT_SIZE)
        return tb_fail(err, TB_EINVAL, "the wav file is damaged: its format chunk has %zu bytes",
                       c.format_size);
    if (!c.sound)
        return tb_fail(err, TB_EINVAL, "the wav file holds no sound: it has no data chunk");
    *out = c;
    return TB_OK;
}

struct format {
    uint32_t kind, channels, rate, block, bits;
};

/* Kinds of samples that are read here. */
static bool known(const struct format *f)
{
    if (f->kind == FORMAT_PCM)
        return f->bits == 8 || f->bits == 16 || f->bits == 24 || f->bits == 32;
    if (f->kind == FORMAT_FLOAT) return f->bits == 32 || f->bits == 64;
    return (f->kind == FORMAT_ALAW || f->kind == FORMAT_MULAW) && f->bits == 8;
}

/* The fields alone; false when the chunk is cut off. */
static bool unpack_format(const uint8_t *p, size_t size, struct format *f)
{
    if (size < FORMAT_SIZE) return false;
    *f = (struct format){u16(p), u16(p + 2), u32(p + 4), u16(p + 12), u16(p + 14)};
    if (f->kind != FORMAT_EXTENSIBLE) return true;
    if (size < 40) return false;
    f->kind = u16(p + 24); /* the first two bytes of the sub-format's GUID */
    return true;
}

bool tb_wav_coded(const tb_wav_chunks *c)
{
    struct format f;
    return unpack_format(c->format, c->format_size, &f) && !known(&f);
}

static tb_status read_format(const uint8_t *p, size_t size, struct format *f, tb_err *err)
{
    if (!unpack_format(p, size, f))
        return tb_fail(err, TB_EINVAL, "the wav file is damaged: its format chunk has %zu bytes",
                       size);
    if (!known(f))
        return tb_fail(err, TB_EINVAL,
                       "the wav file has format %u with %u bits; read are PCM of 8, "
                       "16, 24 or 32 bits, float of 32 or 64, A-law and mu-law",
                       f->kind, f->bits);
    if (f->channels < 1 || f->channels > MOST_CHANNELS)
        return tb_fail(err, TB_EINVAL, "the wav file has %u channels; 1 to %d are read",
                       f->channels, MOST_CHANNELS);
    if (f->rate < 4000 || f->rate > 192000)
        return tb_fail(err, TB_EINVAL,
                       "the wav file has %u samples per second; 4000 to 192000 are read", f->rate);
    if (f->block != f->channels * f->bits / 8)
        return tb_fail(err, TB_EINVAL,
                       "the wav file is damaged: %u bytes a frame for %u channels of "
                       "%u bits",
                       f->block, f->channels, f->bits);
    return TB_OK;
}

/* G.711: the sample as 16 bit. */
static int alaw(uint8_t c)
{
    c ^= 0x55;
    int t = (c & 0x0F) << 4, seg = (c & 0x70) >> 4;
    t += seg == 0 ? 8 : 0x108;
    if (seg > 1) t <<= seg - 1;
    return c & 0x80 ? t : -t;
}

static int mulaw(uint8_t c)
{
    c = (uint8_t)~c;
    int t = (((c & 0x0F) << 3) + 0x84) << ((c & 0x70) >> 4);
    return c & 0x80 ? 0x84 - t : t - 0x84;
}

static float sample(const uint8_t *p, const struct format *f)
{
    if (f->kind == FORMAT_ALAW) return (float)alaw(*p) / 32768.0F;
    if (f->kind == FORMAT_MULAW) return (float)mulaw(*p) / 32768.0F;
    if (f->kind == FORMAT_FLOAT) {
        double x = 0;
        if (f->bits == 32) {
            uint32_t raw = u32(p);
            float narrow;
            memcpy(&narrow, &raw, sizeof narrow);
            x = (double)narrow;
        } else {
            uint64_t raw = u64(p);
            memcpy(&x, &raw, sizeof x);
        }
        /* Far out of any range is no sound either: NAN, which the reader refuses. */
        return fabs(x) <= 1e4 ? (float)x : NAN;
    }
    switch (f->bits) {
    case 8:
        return (float)(*p - 128) / 128.0F;
    case 16:
        return (float)(int16_t)u16(p) / 32768.0F;
    case 24:
        return (float)((int32_t)(u16(p) << 8 | (uint32_t)p[2] << 24) >> 8) / 8388608.0F;
    default:
        return (float)((double)(int32_t)u32(p) / 2147483648.0);
    }
}

tb_status tb_wav_read(const void *data, size_t size, double max_seconds, tb_pcm *out, tb_err *err)
{
    tb_wav_chunks c;
    struct format f = {0};
    tb_status st = tb_wav_find(data, size, &c, err);
    if (!st) st = read_format(c.format, c.format_size, &f, err);
    if (st) return st;
    size_t frames = c.sound_size / f.block;
    if ((double)frames > max_seconds * f.rate) frames = (size_t)(max_seconds * f.rate);
    st = tb_pcm_init(out, frames, (int)f.rate, err);
    if (st) return st;
    float *right = f.channels == 2 ? tb_try_alloc(frames, sizeof *right) : NULL;
    if (f.channels == 2 && !right) st = tb_nomem(err, frames, sizeof *right);
    for (size_t i = 0; i < frames && !st; i++) {
        const uint8_t *p = c.sound + i * f.block;
        float sum = 0;
        for (uint32_t ch = 0; ch < f.channels; ch++)
            sum += sample(p + ch * (f.bits / 8), &f);
        if (!isfinite(sum))
            st = tb_fail(err, TB_EINVAL,
                         "the recording is damaged: at %.3f s it holds something that is no sound",
                         (double)i / f.rate);
        out->data[i] = right ? sample(p, &f) : sum / (float)f.channels;
        if (right) right[i] = sample(p + f.bits / 8, &f);
    }
    if (right && !st) tb_pcm_mix_stereo(out->data, right, frames, out->data);
    tb_free(right);
    if (st) tb_pcm_clear(out);
    return st;
}

static void put32(uint8_t *p, uint32_t x)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(x >> (8 * i));
}

void tb_wav_header(uint8_t out[TB_WAV_HEADER], uint32_t samples, int rate_hz)
{
    static const uint8_t shape[TB_WAV_HEADER] = {'R', 'I', 'F', 'F', 0,   0,   0,   0,   'W', 'A',
                                                 'V', 'E', 'f', 'm', 't', ' ', 16,  0,   0,   0,
                                                 1,   0,   1,   0,   0,   0,   0,   0,   0,   0,
                                                 0,   0,   2,   0,   16,  0,   'd', 'a', 't', 'a'};
    memcpy(out, shape, sizeof shape);
    bool open = samples > (UINT32_MAX - 36) / 2;
    put32(out + 4, open ? UINT32_MAX : 36 + 2 * samples);
    put32(out + 24, (uint32_t)rate_hz);
    put32(out + 28, (uint32_t)rate_hz * 2);
    put32(out + 40, open ? UINT32_MAX : 2 * samples);
}

void tb_wav_s16(const float *x, size_t len, uint8_t *out)
{
    for (size_t i = 0; i < len; i++) {
        float v = x[i] * 32768.0F;
        long s = v >= 32767.0F ? 32767 : v <= -32768.0F ? -32768 : lrintf(v);
        if (x[i] != x[i]) s = 0;
        out[2 * i] = (uint8_t)(s & 0xFF);
        out[2 * i + 1] = (uint8_t)((s >> 8) & 0xFF);
    }
}

/* The least bits that hold every sample of x exactly: 16, 24, or 32 (float). */
static int exact_bits(const float *x, size_t len)
{
    int bits = 16;
    for (size_t i = 0; i < len && bits < 32; i++) {
        const float s = x[i] * 8388608.0F;
        if (!(s >= -8388608.0F && s <= 8388607.0F) || s != truncf(s))
            bits = 32;
        else if ((int32_t)s % 256 != 0)
            bits = 24;
    }
    return bits;
}

static void put_exact(float x, int bits, uint8_t *out)
{
    uint32_t raw;
    if (bits == 32) {
        memcpy(&raw, &x, sizeof raw);
    } else {
        raw = (uint32_t)(int32_t)(x * 8388608.0F);
        if (bits == 16) raw >>= 8;
    }
    for (int i = 0; i < bits / 8; i++)
        out[i] = (uint8_t)(raw >> (8 * i));
}

tb_status tb_wav_print_exact(const tb_pcm *pcm, uint8_t **out, size_t *size, tb_err *err)
{
    const int bits = exact_bits(pcm->data, pcm->len);
    const size_t step = (size_t)bits / 8, bytes = step * pcm->len;
    if (pcm->len > (UINT32_MAX - TB_WAV_HEADER) / step)
        return tb_fail(err, TB_ETOOBIG, "%zu samples do not fit into a wav file", pcm->len);
    uint8_t *wav = tb_try_alloc(TB_WAV_HEADER + bytes, 1);
    if (!wav) return tb_nomem(err, TB_WAV_HEADER + bytes, 1);
    tb_wav_header(wav, 0, pcm->rate_hz);
    put32(wav + 4, (uint32_t)(TB_WAV_HEADER - 8 + bytes));
    wav[20] = bits == 32 ? FORMAT_FLOAT : FORMAT_PCM;
    put32(wav + 28, (uint32_t)pcm->rate_hz * (uint32_t)step);
    wav[32] = (uint8_t)step;
    wav[34] = (uint8_t)bits;
    put32(wav + 40, (uint32_t)bytes);
    for (size_t i = 0; i < pcm->len; i++)
        put_exact(pcm->data[i], bits, wav + TB_WAV_HEADER + i * step);
    *out = wav;
    *size = TB_WAV_HEADER + bytes;
    return TB_OK;
}

tb_status tb_wav_print(const tb_pcm *pcm, uint8_t **out, size_t *size, tb_err *err)
{
    if (pcm->len > (UINT32_MAX - 36) / 2)
        return tb_fail(err, TB_ETOOBIG, "%zu samples do not fit into a wav file", pcm->len);
    uint8_t *bytes = tb_try_alloc(TB_WAV_HEADER + 2 * pcm->len, 1);
    if (!bytes) return tb_nomem(err, TB_WAV_HEADER + 2 * pcm->len, 1);
    tb_wav_header(bytes, (uint32_t)pcm->len, pcm->rate_hz);
    tb_wav_s16(pcm->data, pcm->len, bytes + TB_WAV_HEADER);
    *out = bytes;
    *size = TB_WAV_HEADER + 2 * pcm->len;
    return TB_OK;
}
