/*
 * The decoder's child process: libav reads one upload and writes mono float samples into a pipe.
 *
 * It confines itself before it opens the file: no other files, no network, no threads. Only
 * decoders of a list may run, whatever libav knows. The protocol to the parent is decode_priv.h;
 * what is wrong with a file goes to stderr with exit code TB_DECODE_BAD. docs/audio.md,
 * "Decoders". Relies on base/confine.h; limits of time and memory are the parent's (decode.c).
 */
#include "audio/pcm.h"
#include "base/confine.h"
#include "base/err.h"
#include "codec/decode.h"
#include "codec/decode_priv.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswresample/swresample.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_FD = 3, AVIO_BUFFER = 32768, MOST_CHANNELS = 8, OUT = 8192 };

TB_NORETURN static void exit_with_reason(const char *fmt, ...) TB_PRINTF(1, 2);
static void exit_with_reason(const char *fmt, ...)
{
    char line[200];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    ssize_t ignored =
        write(STDERR_FILENO, line, n < (int)sizeof line ? (size_t)n : sizeof line - 1);
    (void)ignored;
    _exit(TB_DECODE_BAD);
}

static int file_read(void *self, uint8_t *data, int size)
{
    (void)self;
    ssize_t n;
    do
        n = read(FILE_FD, data, (size_t)size);
    while (n < 0 && errno == EINTR);
    return n > 0 ? (int)n : n == 0 ? AVERROR_EOF : AVERROR(errno);
}

static int64_t file_seek(void *self, int64_t offset, int whence)
{
    struct stat info;
    (void)self;
    if (whence == AVSEEK_SIZE) return fstat(FILE_FD, &info) == 0 ? (int64_t)info.st_size : -1;
    return lseek(FILE_FD, offset, whence);
}

/* A file that names other files (a playlist, an external track) gets none. */
static int no_other_file(AVFormatContext *s, AVIOContext **pb, const char *url, int flags,
                         AVDictionary **options)
{
    (void)s, (void)pb, (void)url, (void)flags, (void)options;
    return AVERROR(EPERM);
}

static void write_all(const void *data, size_t size)
{
    const char *p = data;
    while (size > 0) {
        ssize_t n = write(STDOUT_FILENO, p, size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) _exit(1); /* the parent has closed the pipe */
        p += n;
        size -= (size_t)n;
    }
}

/* What may decode: codes of speech and music that recorders, phones and programs write. libav knows
 * hundreds more, of games and broadcasts, that no upload needs. No space between the names. */
static const char decoders[] =
    "mp3float,mp3,mp2float,mp2,mp1float,mp1,aac,aac_latm,alac,flac,opus,libopus,vorbis,libvorbis,"
    "speex,libspeex,amrnb,amrwb,gsm,libgsm,gsm_ms,libgsm_ms,ilbc,qcelp,evrc,dss_sp,truespeech,"
    "g722,g726,g726le,g723_1,g729,wmav1,wmav2,wmapro,wmalossless,wmavoice,ac3,eac3,ape,tta,wavpack,"
    "mpc7,mpc8,mace3,mace6,qdm2,qdmc,nellymoser,adpcm_ms,adpcm_ima_wav,adpcm_ima_qt,adpcm_ima_dk3,"
    "adpcm_ima_dk4,adpcm_ima_oki,adpcm_yamaha,adpcm_swf,adpcm_ct,adpcm_adx,pcm_alaw,pcm_mulaw,"
    "pcm_u8,pcm_s8,pcm_s8_planar,pcm_u16le,pcm_u16be,pcm_s16le,pcm_s16be,pcm_s16le_planar,"
    "pcm_s16be_planar,pcm_u24le,pcm_u24be,pcm_s24le,pcm_s24be,pcm_s24le_planar,pcm_u32le,pcm_u32be,"
    "pcm_s32le,pcm_s32be,pcm_s32le_planar,pcm_s64le,pcm_s64be,pcm_f16le,pcm_f24le,pcm_f32le,"
    "pcm_f32be,pcm_f64le,pcm_f64be";

static bool is_allowed_decoder(const char *name)
{
    const size_t len = strlen(name);
    for (const char *p = strstr(decoders, name); p; p = strstr(p + 1, name))
        if ((p == decoders || p[-1] == ',') && (p[len] == ',' || p[len] == 0)) return true;
    return false;
}

/* One channel is written as it is decoded. How two are mixed is decided at their end, so both are
 * buffered. */
struct mono {
    SwrContext *swr;
    int rate_hz, format, channels;
    uint64_t left; /* samples that may still go out */
    bool begun;
    float *stereo[2]; /* (n) left and right, NULL when the file is not stereo */
    size_t n, cap;
};

static void buffer_stereo(struct mono *m, float *const x[2], size_t n)
{
    if (m->n + n > m->cap) {
        m->cap = m->cap + m->cap / 2 + OUT;
        for (int c = 0; c < 2; c++) {
            m->stereo[c] = realloc(m->stereo[c], m->cap * sizeof **x);
            if (!m->stereo[c]) exit_with_reason("it is too long for the decoder's memory");
        }
    }
    for (int c = 0; c < 2; c++)
        memcpy(m->stereo[c] + m->n, x[c], n * sizeof **x);
    m->n += n;
}

static void write_samples(struct mono *m, float *const x[2], int n)
{
    if (n <= 0) return;
    size_t take = (uint64_t)n < m->left ? (size_t)n : (size_t)m->left;
    if (m->channels == 2)
        buffer_stereo(m, x, take);
    else
        write_all(x[0], take * sizeof **x);
    m->left -= take;
}

static void write_stereo_mix(struct mono *m)
{
    tb_pcm_mix_stereo(m->stereo[0], m->stereo[1], m->n, m->stereo[0]);
    write_all(m->stereo[0], m->n * sizeof **m->stereo);
}

/* Mixes a frame to mono at its own rate. A stream that changes rate, format or channels ends there.
 */
static bool mix_frame(struct mono *m, const AVFrame *frame, double seconds)
{
    static float out[2][OUT];
    float *const both[2] = {out[0], out[1]};
    if (!m->begun) {
        AVChannelLayout one = AV_CHANNEL_LAYOUT_MONO, two = AV_CHANNEL_LAYOUT_STEREO, in = {0};
        if (frame->sample_rate < 1000 || frame->sample_rate > 192000)
            exit_with_reason("it has %d samples per second; 1000 to 192000 are read",
                             frame->sample_rate);
        if (frame->ch_layout.nb_channels < 1 || frame->ch_layout.nb_channels > MOST_CHANNELS)
            exit_with_reason("it has %d channels; 1 to %d are read", frame->ch_layout.nb_channels,
                             MOST_CHANNELS);
        const bool stereo = frame->ch_layout.nb_channels == 2;
        av_channel_layout_default(&in, frame->ch_layout.nb_channels);
        if (swr_alloc_set_opts2(&m->swr, stereo ? &two : &one, AV_SAMPLE_FMT_FLTP,
                                frame->sample_rate, &in, frame->format, frame->sample_rate, 0,
                                NULL) < 0)
            exit_with_reason("its kind of samples cannot be converted");
        /* The mean, as audio/wav.h has it: libav's own matrix makes stereo 3 dB louder. */
        double mean[MOST_CHANNELS];
        for (int c = 0; c < MOST_CHANNELS; c++)
            mean[c] = 1.0 / in.nb_channels;
        if ((!stereo && swr_set_matrix(m->swr, mean, in.nb_channels) < 0) || swr_init(m->swr) < 0)
            exit_with_reason("its kind of samples cannot be converted");
        m->rate_hz = frame->sample_rate;
        m->format = frame->format;
        m->channels = frame->ch_layout.nb_channels;
        m->left = (uint64_t)(seconds * m->rate_hz);
        if (m->left > TB_DECODE_SAMPLES) m->left = TB_DECODE_SAMPLES;
        m->begun = true;
        tb_decode_head head = {.rate_hz = (uint32_t)m->rate_hz};
        memcpy(head.magic, TB_DECODE_MAGIC, sizeof head.magic);
        write_all(&head, sizeof head);
    }
    if (frame->sample_rate != m->rate_hz || frame->format != m->format ||
        frame->ch_layout.nb_channels != m->channels)
        return false;
    const uint8_t **planes = (const uint8_t **)(uintptr_t)frame->extended_data;
    for (int n = frame->nb_samples; m->left > 0; planes = NULL, n = 0) {
        uint8_t *to[2] = {(uint8_t *)out[0], (uint8_t *)out[1]};
        int got = swr_convert(m->swr, to, OUT, planes, n);
        write_samples(m, both, got);
        if (got < OUT) break;
    }
    return m->left > 0;
}

int tb_decode_child_main(const char *kind, const char *seconds_text)
{
    double seconds = strtod(seconds_text, NULL);
    const AVInputFormat *demuxer = av_find_input_format(kind);
    uint8_t *buffer = av_malloc(AVIO_BUFFER);
    AVFormatContext *file = avformat_alloc_context();
    AVPacket *packet = av_packet_alloc();
    AVFrame *frame = av_frame_alloc();
    struct mono mono = {0};
    av_log_set_level(AV_LOG_QUIET);
    if (!demuxer || !buffer || !file || !packet || !frame)
        exit_with_reason("the decoder cannot start");
    file->pb = avio_alloc_context(buffer, AVIO_BUFFER, 0, NULL, file_read, NULL, file_seek);
    if (!file->pb) exit_with_reason("the decoder cannot start");
    file->flags |= AVFMT_FLAG_CUSTOM_IO;
    file->io_open = no_other_file;
    file->codec_whitelist = av_strdup(decoders);
    if (tb_confine_self(NULL)) exit_with_reason("the sandbox cannot be made");

    if (avformat_open_input(&file, NULL, demuxer, NULL) < 0)
        exit_with_reason("it is damaged, or cut off before its sound begins");
    /* Streams that are not the sound are thrown away as early as possible: covers, video. */
    for (unsigned i = 0; i < file->nb_streams; i++)
        if (file->streams[i]->codecpar->codec_type != AVMEDIA_TYPE_AUDIO)
            file->streams[i]->discard = AVDISCARD_ALL;
    if (avformat_find_stream_info(file, NULL) < 0) exit_with_reason("its sound cannot be found");
    const AVCodec *codec = NULL;
    int which = av_find_best_stream(file, AVMEDIA_TYPE_AUDIO, -1, -1, &codec, 0);
    if (which < 0) which = av_find_best_stream(file, AVMEDIA_TYPE_AUDIO, -1, -1, NULL, 0);
    if (which < 0) exit_with_reason("it holds no sound that can be decoded");
    /* FFmpeg's own decoder of Speex, since 6.1, makes twice the samples of a wideband stream. */
    const AVCodec *speex = avcodec_find_decoder_by_name("libspeex");
    if (codec && codec->id == AV_CODEC_ID_SPEEX && speex) codec = speex;
    if (!codec || !is_allowed_decoder(codec->name))
        exit_with_reason(
            "its sound is in a code that is not read (%s); convert it first, for example with: "
            "ffmpeg -i RECORDING recording.wav",
            avcodec_get_name(file->streams[which]->codecpar->codec_id));
    AVCodecContext *decoder = avcodec_alloc_context3(codec);
    if (!decoder || avcodec_parameters_to_context(decoder, file->streams[which]->codecpar) < 0)
        exit_with_reason("the decoder cannot start");
    decoder->thread_count = 1; /* the sandbox has no threads */
    if (avcodec_open2(decoder, codec, NULL) < 0) exit_with_reason("its sound cannot be decoded");

    bool more = true;
    while (more) {
        int code = av_read_frame(file, packet);
        if (code >= 0 && packet->stream_index != which) {
            av_packet_unref(packet);
            continue;
        }
        bool end = code < 0;
        avcodec_send_packet(decoder, end ? NULL : packet);
        av_packet_unref(packet);
        /* A damaged packet is skipped, as players do; what is left decides. */
        while (more && avcodec_receive_frame(decoder, frame) >= 0) {
            more = mix_frame(&mono, frame, seconds);
            av_frame_unref(frame);
        }
        if (end) break;
    }
    if (!mono.begun) exit_with_reason("it holds no sound that can be decoded");
    if (mono.channels == 2) write_stereo_mix(&mono);
    /* The system frees the memory: exit handlers could not run in the sandbox, and a leak checker
     * would report what is still allocated. */
    _exit(0);
}
