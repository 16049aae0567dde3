/*
 * Speech to bytes of seven formats: wav and pcm by our own code, the others by libavcodec.
 *
 * Sound comes in blocks, is resampled by soxr where the output has another rate, gathered to the
 * codec's frames, and its bytes go to a sink. Where the sink can go back, the header is mended at
 * the end, else placeholders stay. Flags keep build and clock out of the bytes, so the same sound
 * is the same file. docs/audio.md, "Encoders". One encoder per output; several at a time are fine.
 */
#include "codec/encode.h"

#include "audio/wav.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <pthread.h>
#include <soxr.h>
#include <stdio.h>
#include <string.h>

enum { AVIO_BUFFER = 16384, BLOCK = 4096, MOST_RATES = 10 };

static const struct {
    const char *name, *content_type, *extension;
    const char *muxer, *codec; /* NULL: our own */
    enum AVSampleFormat sample_format;
    int bit_rate;
    int rates[MOST_RATES]; /* what the codec knows, rising; none: all */
} formats[TB_FORMAT_COUNT] = {
    [TB_FORMAT_WAV] = {"wav", "audio/wav", "wav", NULL, NULL, AV_SAMPLE_FMT_NONE, 0, {0}},
    [TB_FORMAT_MP3] = {"mp3",
                       "audio/mpeg",
                       "mp3",
                       "mp3",
                       "libmp3lame",
                       AV_SAMPLE_FMT_FLTP,
                       96000,
                       {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000}},
    [TB_FORMAT_OPUS] = {"opus",
                        "audio/opus",
                        "opus",
                        "ogg",
                        "libopus",
                        AV_SAMPLE_FMT_FLT,
                        48000,
                        {8000, 12000, 16000, 24000, 48000}},
    [TB_FORMAT_AAC] = {"aac",
                       "audio/aac",
                       "aac",
                       "adts",
                       "aac",
                       AV_SAMPLE_FMT_FLTP,
                       96000,
                       {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000}},
    [TB_FORMAT_FLAC] = {"flac", "audio/flac", "flac", "flac", "flac", AV_SAMPLE_FMT_S16, 0, {0}},
    [TB_FORMAT_OGG] = {"ogg",
                       "audio/ogg; codecs=opus",
                       "ogg",
                       "ogg",
                       "libopus",
                       AV_SAMPLE_FMT_FLT,
                       48000,
                       {8000, 12000, 16000, 24000, 48000}},
    [TB_FORMAT_PCM] = {"pcm", "audio/pcm", "pcm", NULL, NULL, AV_SAMPLE_FMT_NONE, 0, {0}},
};

const char *tb_format_name(tb_format format)
{
    return formats[format].name;
}

const char *tb_format_content_type(tb_format format)
{
    return formats[format].content_type;
}

const char *tb_format_extension(tb_format format)
{
    return formats[format].extension;
}

tb_status tb_format_parse(const char *name, tb_format *out, tb_err *err)
{
    for (int i = 0; i < TB_FORMAT_COUNT; i++)
        if (tb_str_ieq(name, formats[i].name)) return *out = (tb_format)i, TB_OK;
    return tb_fail_field(err, TB_EINVAL, "response_format",
                         "response_format is '%.40s'; allowed: wav, mp3, opus, ogg, aac, flac, pcm",
                         name);
}

static bool is_opus(tb_format format)
{
    return format == TB_FORMAT_OPUS || format == TB_FORMAT_OGG;
}

struct tb_encoder {
    tb_format format;
    int rate_hz;
    tb_encoder_sink sink;
    tb_err failed;      /* the error of the sink, which libav cannot pass on */
    uint64_t pos, size; /* of the bytes: where libav is, how many there are */
    uint64_t samples;
    soxr_t resampler; /* NULL at 24 kHz */
    float *resampled;
    AVFormatContext *mux;
    AVCodecContext *codec;
    AVFrame *frame;
    AVPacket *packet;
    int filled; /* samples of frame */
};

/* Bytes at pos: over what is there, then behind it. */
static tb_status write_bytes(tb_encoder *e, const uint8_t *data, size_t size, tb_err *err)
{
    tb_status st = TB_OK;
    if (e->pos < e->size) {
        size_t over = e->size - e->pos < size ? (size_t)(e->size - e->pos) : size;
        st = e->sink.rewrite(e->sink.self, e->pos, data, over, err);
        e->pos += over;
        data += over;
        size -= over;
    }
    if (!st && size > 0) {
        st = e->sink.write(e->sink.self, data, size, err);
        e->pos += size;
        e->size += size;
    }
    return st;
}

#if LIBAVFORMAT_VERSION_MAJOR >= 61 /* FFmpeg 7, in Debian 13 */
static int libav_write(void *self, const uint8_t *data, int size)
#else
static int libav_write(void *self, uint8_t *data, int size)
#endif
{
    tb_encoder *e = self;
    if (!e->failed.status) e->failed.status = write_bytes(e, data, (size_t)size, &e->failed);
    return e->failed.status ? AVERROR(EIO) : size;
}

static int64_t libav_seek(void *self, int64_t offset, int whence)
{
    tb_encoder *e = self;
    if (whence == AVSEEK_SIZE) return (int64_t)e->size;
    if (whence == SEEK_CUR) offset += (int64_t)e->pos;
    if (whence == SEEK_END) offset += (int64_t)e->size;
    if (offset < 0 || (uint64_t)offset > e->size) return AVERROR(EINVAL);
    e->pos = (uint64_t)offset;
    return offset;
}

static tb_status av_failed(const tb_encoder *e, int code, const char *what, tb_err *err)
{
    char why[128] = "";
    if (e->failed.status) { /* the sink's own words */
        if (err) *err = e->failed;
        return e->failed.status;
    }
    av_strerror(code, why, sizeof why);
    return tb_fail(err, code == AVERROR(ENOMEM) ? TB_ENOMEM : TB_EINTERNAL, "%s %s: %s", what,
                   formats[e->format].name, why);
}

/* libav has one log for the whole process; failures are also returned as error codes. */
static void log_libav(void *self, int level, const char *fmt, va_list ap) TB_PRINTF(3, 0);
static void log_libav(void *self, int level, const char *fmt, va_list ap)
{
    char line[256];
    (void)self;
    if (level > AV_LOG_WARNING || tb_log_get_level() < TB_DEBUG) return;
    vsnprintf(line, sizeof line, fmt, ap);
    size_t len = strlen(line);
    if (len > 0 && line[len - 1] == '\n') line[len - 1] = 0;
    tb_log(TB_DEBUG, "codec", "libav=\"%s\"", line);
}

static void install_log_callback(void)
{
    av_log_set_callback(log_libav);
}

static tb_status open_codec(tb_encoder *e, tb_err *err)
{
    const AVCodec *codec = avcodec_find_encoder_by_name(formats[e->format].codec);
    AVDictionary *options = NULL;
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int code;
    pthread_once(&once, install_log_callback);
    if (!codec)
        return tb_fail_field(err, TB_EINVAL, "response_format",
                             "this build of libavcodec has no encoder %s, so %s cannot be made",
                             formats[e->format].codec, formats[e->format].name);
    e->codec = avcodec_alloc_context3(codec);
    e->frame = av_frame_alloc();
    e->packet = av_packet_alloc();
    uint8_t *buffer = av_malloc(AVIO_BUFFER);
    if (!e->codec || !e->frame || !e->packet || !buffer ||
        avformat_alloc_output_context2(&e->mux, NULL, formats[e->format].muxer, NULL) < 0) {
        av_free(buffer);
        return tb_nomem(err, 1, AVIO_BUFFER);
    }
    e->mux->pb = avio_alloc_context(buffer, AVIO_BUFFER, 1, e, NULL, libav_write,
                                    e->sink.rewrite ? libav_seek : NULL);
    if (!e->mux->pb) {
        av_free(buffer);
        return tb_nomem(err, 1, AVIO_BUFFER);
    }
    e->codec->sample_fmt = formats[e->format].sample_format;
    e->codec->sample_rate = e->rate_hz;
    e->codec->bit_rate = formats[e->format].bit_rate;
    e->codec->time_base = (AVRational){1, e->rate_hz};
    e->codec->thread_count = 1;
    /* Nothing of the build or the clock in the bytes: the same sound gives the same file. */
    e->codec->flags |= AV_CODEC_FLAG_BITEXACT;
    e->mux->flags |= AVFMT_FLAG_BITEXACT | AVFMT_FLAG_FLUSH_PACKETS;
    av_channel_layout_default(&e->codec->ch_layout, 1);
    if (e->mux->oformat->flags & AVFMT_GLOBALHEADER) e->codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    if (is_opus(e->format)) av_opt_set(e->codec->priv_data, "application", "voip", 0);
    code = avcodec_open2(e->codec, codec, NULL);
    if (code < 0) return av_failed(e, code, "cannot start the encoder of", err);

    AVStream *stream = avformat_new_stream(e->mux, NULL);
    if (!stream) return tb_nomem(err, 1, sizeof *stream);
    stream->time_base = e->codec->time_base;
    code = avcodec_parameters_from_context(stream->codecpar, e->codec);
    if (code < 0) return av_failed(e, code, "cannot start the file of", err);
    if (e->format == TB_FORMAT_MP3) {
        av_dict_set(&options, "id3v2_version", "0", 0);
        av_dict_set(&options, "write_xing", e->sink.rewrite ? "1" : "0", 0);
    }
    if (is_opus(e->format)) av_dict_set(&options, "page_duration", "200000", 0); /* us */
    code = avformat_write_header(e->mux, &options);
    av_dict_free(&options);
    if (code < 0 || e->failed.status) return av_failed(e, code, "cannot start the file of", err);

    e->frame->format = e->codec->sample_fmt;
    e->frame->sample_rate = e->rate_hz;
    e->frame->nb_samples = e->codec->frame_size > 0 ? e->codec->frame_size : BLOCK;
    av_channel_layout_copy(&e->frame->ch_layout, &e->codec->ch_layout);
    code = av_frame_get_buffer(e->frame, 0);
    return code < 0 ? av_failed(e, code, "cannot start the encoder of", err) : TB_OK;
}

static int choose_rate(tb_format format, int wanted)
{
    const int *rates = formats[format].rates;
    if (!rates[0]) return wanted;
    int i = 0;
    while (i + 1 < MOST_RATES && rates[i + 1] && rates[i] < wanted)
        i++;
    return rates[i];
}

tb_status tb_encoder_new(tb_format format, int rate_hz, const tb_encoder_sink *sink,
                         tb_encoder **out, tb_err *err)
{
    if (rate_hz < 8000 || rate_hz > 48000)
        return tb_fail_field(err, TB_EINVAL, "sample_rate",
                             "sample_rate is %d; allowed: 8000 to 48000", rate_hz);
    tb_encoder *e = tb_alloc(sizeof *e);
    tb_status st = TB_OK;
    e->format = format;
    e->sink = *sink;
    e->rate_hz = choose_rate(format, rate_hz);
    if (e->rate_hz != TB_RATE_HZ) {
        soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
        soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
        soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
        soxr_error_t why = NULL;
        e->resampler = soxr_create(TB_RATE_HZ, e->rate_hz, 1, &why, &io, &quality, &runtime);
        if (why) st = tb_fail(err, TB_ENOMEM, "resampling cannot start: %s", soxr_strerror(why));
        e->resampled = tb_alloc((size_t)(BLOCK * 2 + 64) * sizeof(float)); /* 48 kHz at most */
    }
    if (!st && formats[format].muxer) {
        st = open_codec(e, err);
    } else if (!st && format == TB_FORMAT_WAV) {
        uint8_t header[TB_WAV_HEADER];
        tb_wav_header(header, UINT32_MAX, e->rate_hz);
        st = write_bytes(e, header, sizeof header, err);
    }
    if (st) {
        tb_encoder_free(e);
        return st;
    }
    *out = e;
    return TB_OK;
}

/* One frame (NULL: the end) into the codec, all packets out into the file. */
static tb_status encode(tb_encoder *e, AVFrame *frame, tb_err *err)
{
    int code = avcodec_send_frame(e->codec, frame);
    if (code < 0) return av_failed(e, code, "cannot encode", err);
    for (;;) {
        code = avcodec_receive_packet(e->codec, e->packet);
        if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return TB_OK;
        if (code < 0) return av_failed(e, code, "cannot encode", err);
        av_packet_rescale_ts(e->packet, e->codec->time_base, e->mux->streams[0]->time_base);
        code = av_write_frame(e->mux, e->packet);
        av_packet_unref(e->packet);
        if (code < 0 || e->failed.status) return av_failed(e, code, "cannot write", err);
    }
}

static tb_status send_frame(tb_encoder *e, tb_err *err)
{
    int full = e->frame->nb_samples;
    e->frame->nb_samples = e->filled; /* the last one may be short */
    e->frame->pts = (int64_t)e->samples;
    e->samples += (uint64_t)e->filled;
    e->filled = 0;
    tb_status st = encode(e, e->frame, err);
    e->frame->nb_samples = full;
    /* The codec may still hold the samples: from now on others. */
    if (!st && av_frame_make_writable(e->frame) < 0) st = tb_nomem(err, (size_t)full, 4);
    return st;
}

/* Samples at the output's rate. */
static tb_status write_resampled(tb_encoder *e, const float *x, size_t len, tb_err *err)
{
    tb_status st = TB_OK;
    if (!e->codec) {
        uint8_t bytes[2 * BLOCK];
        for (size_t at = 0; !st && at < len; at += BLOCK) {
            size_t n = len - at < BLOCK ? len - at : BLOCK;
            tb_wav_s16(x + at, n, bytes);
            st = write_bytes(e, bytes, 2 * n, err);
            e->samples += n;
        }
        return st;
    }
    while (!st && len > 0) {
        size_t n = (size_t)(e->frame->nb_samples - e->filled);
        if (n > len) n = len;
        if (e->codec->sample_fmt == AV_SAMPLE_FMT_S16) {
            tb_wav_s16(x, n, e->frame->data[0] + 2 * (size_t)e->filled);
        } else {
            memcpy(e->frame->data[0] + sizeof(float) * (size_t)e->filled, x, n * sizeof(float));
        }
        e->filled += (int)n;
        x += n;
        len -= n;
        if (e->filled == e->frame->nb_samples) st = send_frame(e, err);
    }
    return st;
}

tb_status tb_encoder_write(tb_encoder *e, const float *x, size_t len, tb_err *err)
{
    tb_status st = TB_OK;
    if (!e->resampler) return write_resampled(e, x, len, err);
    while (!st && len > 0) {
        size_t used = 0, got = 0, n = len < BLOCK ? len : BLOCK;
        soxr_error_t why =
            soxr_process(e->resampler, x, n, &used, e->resampled, BLOCK * 2 + 64, &got);
        if (why) return tb_fail(err, TB_EINTERNAL, "resampling failed: %s", soxr_strerror(why));
        st = write_resampled(e, e->resampled, got, err);
        x += used;
        len -= used;
    }
    return st;
}

tb_status tb_encoder_end(tb_encoder *e, tb_err *err)
{
    tb_status st = TB_OK;
    while (!st && e->resampler) {
        size_t got = 0;
        soxr_process(e->resampler, NULL, 0, NULL, e->resampled, BLOCK * 2 + 64, &got);
        if (got == 0) break;
        st = write_resampled(e, e->resampled, got, err);
    }
    if (!st && e->codec) {
        if (e->filled > 0) st = send_frame(e, err);
        if (!st) st = encode(e, NULL, err);
        if (!st) {
            int code = av_write_trailer(e->mux);
            avio_flush(e->mux->pb);
            if (code < 0 || e->failed.status)
                st = av_failed(e, code, "cannot end the file of", err);
        }
    } else if (!st && e->format == TB_FORMAT_WAV && e->sink.rewrite) {
        uint8_t header[TB_WAV_HEADER];
        if (e->samples > (UINT32_MAX - 36) / 2)
            return tb_fail(err, TB_ETOOBIG, "the sound is too long for a wav file");
        tb_wav_header(header, (uint32_t)e->samples, e->rate_hz);
        st = e->sink.rewrite(e->sink.self, 0, header, sizeof header, err);
    }
    return st;
}

void tb_encoder_free(tb_encoder *e)
{
    if (!e) return;
    if (e->resampler) soxr_delete(e->resampler);
    tb_free(e->resampled);
    avcodec_free_context(&e->codec);
    av_frame_free(&e->frame);
    av_packet_free(&e->packet);
    if (e->mux) {
        if (e->mux->pb) {
            av_freep(&e->mux->pb->buffer);
            avio_context_free(&e->mux->pb);
        }
        avformat_free_context(e->mux);
    }
    tb_free(e);
}
