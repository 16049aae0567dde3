#include "base/clock.h"
#include "base/mem.h"
#include "bench/bench_priv.h"
#include "chatterbox/chatterbox.h"
#include "dsp/mel.h"

#include <math.h>
#include <string.h>

/*
 * timbre bench: the way to the first sound and the pieces after it. Times are those of the engine's
 * own stream; what a stream costs and how it sounds at its joins is seen on the case's tokens,
 * which are known to the last.
 */

static const char STREAM[] = "streaming";

enum { PIECES = 64 };

/* A text as long as ten seconds. A model of made-up weights speaks on; it is stopped then. */
static const char text[] =
    "The ferry leaves at half past seven, and whoever wants to see the lighthouse before the fog "
    "comes in should be at the harbour by six, with a warm coat.";

typedef struct {
    int64_t begun;
    double ready[PIECES], seconds[PIECES], out_s;
    size_t n;
} listener;

static tb_status on_piece(void *self, const tb_pcm *pcm, tb_err *err)
{
    listener *l = self;
    if (l->n < PIECES) {
        l->ready[l->n] = (double)(tb_clock_mono_ns() - l->begun) * 1e-9;
        l->seconds[l->n++] = tb_pcm_seconds(pcm);
    }
    l->out_s += tb_pcm_seconds(pcm);
    return l->out_s < TB_BENCH_TOKENS / 25.0 ? TB_OK : tb_fail_cancelled(err);
}

static tb_status listen(const tb_chatterbox *c, const tb_chatterbox_options *how, listener *l,
                        tb_err *err)
{
    tb_chatterbox_report report;
    *l = (listener){.begun = tb_clock_mono_ns()};
    tb_status st = tb_chatterbox_stream(c, how, text, NULL, on_piece, l, &report, err);
    return st == TB_ECANCELLED && l->n ? TB_OK : st;
}

/* The least that the first piece needs: the text read, its tokens, the flow over prompt and them,
 * the vocoder over what is new. */
static void first_work(const tb_bench *b, size_t first, tb_bench_line *line)
{
    const size_t past = tb_t3_prefix_positions(b->prefix), held = TB_SOUND_HELD_TOKENS;
    tb_bench_work one;
    line->work[0] = tb_bench_work_t3(b, past, TB_BENCH_TEXT + 1, 1);
    for (size_t i = 0; i < first + held; i++) {
        one = tb_bench_work_step(b, past + TB_BENCH_TEXT + 1 + i, 1);
        tb_bench_more_work(&line->work[1], &one, 1);
    }
    line->work[2] = tb_bench_work_encoder(b, b->voice.n_prompt + first + held);
    line->work[3] = tb_bench_work_unet(b, 2 * (b->voice.n_prompt + first + held));
    line->work[4] = tb_bench_work_f0(b, 2 * first);
    line->work[5] = tb_bench_work_decode(b, 2 * first);
}

static tb_status time_stream(tb_bench *b, tb_chatterbox *c, tb_err *err)
{
    const tb_chatterbox_options how = {.conds = &b->voice,
                                       .prefix = b->prefix,
                                       .sampler = tb_sampler_defaults,
                                       .speed = 1,
                                       .seed = 1};
    listener l, best = {0};
    tb_status st = TB_OK;
    char sizes[72] = "pieces, seconds:", ready[72] = "ready after:";
    double waited = 1e9;
    for (size_t i = 0; !st && i < b->runs; i++) {
        st = listen(c, &how, &l, err);
        if (st) break;
        if (i == 0 || l.ready[0] < best.ready[0]) best = l;
        waited = fmin(waited, tb_bench_gaps(l.ready, l.seconds, l.n));
    }
    if (st) return st;
    for (size_t i = 0; i < best.n && strlen(sizes) + 8 < sizeof sizes; i++) {
        snprintf(sizes + strlen(sizes), sizeof sizes - strlen(sizes), " %.1f", best.seconds[i]);
        snprintf(ready + strlen(ready), sizeof ready - strlen(ready), " %.1f", best.ready[i]);
    }
    tb_bench_line *line = tb_bench_add(b->report, STREAM, "stream.first", TB_BENCH_SECONDS, NULL,
                                       best.ready[0], "to the first sound, known voice");
    first_work(b, (size_t)lround(best.seconds[0] * 25), line);
    tb_bench_add(b->report, STREAM, "stream.gaps", TB_BENCH_NUMBER, "s", waited,
                 "silence because a piece was late, in ten seconds");
    tb_bench_add(b->report, STREAM, "stream.pieces", TB_BENCH_NUMBER, NULL, (double)best.n, "%s",
                 sizes);
    tb_bench_add(b->report, STREAM, "stream.last", TB_BENCH_NUMBER, "s", best.ready[best.n - 1],
                 "%s", ready);
    return TB_OK;
}

/* ---- what pieces cost, and how they join ---- */

/* The case's tokens in the pieces that the pace wants. joins: frames of sound at each piece's end.
 */
static tb_status in_pieces(const tb_bench *b, const tb_pace *pace, const int32_t *speech, size_t n,
                           tb_pcm *out, size_t *joins, size_t *n_joins, uint64_t *flow_frames,
                           tb_err *err)
{
    const size_t spoken = n - TB_T3_SILENCES;
    size_t next = tb_pace_first(pace, b->voice.n_prompt), last = next;
    double ahead = 0;
    tb_sound sound;
    tb_status st = TB_OK;
    bool done = false;
    *n_joins = 0;
    tb_sound_init(&sound, &b->flow, &b->hift, &b->voice, "timbre/bench/0");
    st = tb_pcm_init(out, 0, TB_RATE_HZ, err);
    while (!st && !done) {
        tb_pcm piece = {0};
        const size_t so_far = next + TB_SOUND_HELD_TOKENS;
        done = so_far >= spoken || *n_joins == PIECES;
        st = tb_sound_more(&sound, &b->nn, speech, done ? n : so_far, done, NULL, &piece, err);
        if (!st) st = tb_pcm_append(out, piece.data, piece.len, err);
        tb_pcm_clear(&piece);
        if (!done) {
            joins[(*n_joins)++] = sound.done;
            last = tb_pace_next(pace, b->voice.n_prompt, next, last, &ahead);
            next += last;
        }
    }
    *flow_frames = sound.flow_frames;
    tb_sound_clear(&sound);
    return st;
}

static tb_status log_mel_of(const tb_pcm *pcm, float **mel, size_t *rows, tb_err *err)
{
    *rows = tb_mel_s3gen_frames(pcm->len);
    *mel = tb_alloc((*rows + 1) * TB_MEL_S3GEN_BANDS * sizeof **mel);
    return tb_mel_s3gen(pcm->data, pcm->len, *mel, err);
}

static tb_status compare_pieces(tb_bench *b, const tb_pace *pace, tb_err *err)
{
    enum { NEAR = 1 }; /* 20 ms frames on each side; the fade is 10 ms long */
    const size_t n = TB_BENCH_TOKENS + TB_T3_SILENCES;
    int32_t speech[TB_BENCH_TOKENS + TB_T3_SILENCES];
    size_t joins[PIECES], n_joins = 0, rows = 0, whole_rows = 0;
    uint64_t flow_frames = 0;
    double at_joins, elsewhere;
    tb_pcm whole = {0}, pieces = {0};
    float *a = NULL, *c = NULL;
    tb_sound sound;

    for (size_t i = 0; i < n; i++)
        speech[i] = i < TB_BENCH_TOKENS ? tb_bench_token(b, i) : TB_T3_SILENCE;
    tb_sound_init(&sound, &b->flow, &b->hift, &b->voice, "timbre/bench/0");
    tb_status st = tb_sound_more(&sound, &b->nn, speech, n, true, NULL, &whole, err);
    const uint64_t whole_frames = sound.flow_frames;
    tb_sound_clear(&sound);
    if (!st) st = in_pieces(b, pace, speech, n, &pieces, joins, &n_joins, &flow_frames, err);
    if (!st) st = log_mel_of(&whole, &a, &whole_rows, err);
    if (!st) st = log_mel_of(&pieces, &c, &rows, err);
    if (st) goto out;
    tb_bench_seams(a, c, rows < whole_rows ? rows : whole_rows, TB_MEL_S3GEN_BANDS,
                   &(tb_bench_joins){joins, n_joins, NEAR}, &at_joins, &elsewhere);
    tb_bench_add(b->report, STREAM, "stream.flow", TB_BENCH_NUMBER, NULL,
                 (double)flow_frames / (double)whole_frames,
                 "frames through the flow, over those of the whole, %zu pieces", n_joins + 1);
    tb_bench_add(b->report, STREAM, "stream.joins", TB_BENCH_NUMBER, NULL, at_joins,
                 "difference from the whole at joins, mean of log-mel");
    tb_bench_add(b->report, STREAM, "stream.elsewhere", TB_BENCH_NUMBER, NULL, elsewhere,
                 "the same elsewhere");
out:
    tb_free(a);
    tb_free(c);
    tb_pcm_clear(&whole);
    tb_pcm_clear(&pieces);
    return st;
}

tb_status tb_bench_stream(tb_bench *b, tb_err *err)
{
    const tb_chatterbox_config config = {.place = {.path = b->path, .variant = b->variant},
                                         .type = b->type,
                                         .threads = b->threads};
    tb_chatterbox *c = NULL;
    tb_status st = tb_chatterbox_open(&config, &c, err);
    if (st) return st;
    tb_chatterbox_find_pace(c, NULL, NULL);
    const tb_pace pace = tb_chatterbox_pace(c);
    tb_bench_add(b->report, STREAM, "pace.token", TB_BENCH_SECONDS, NULL, pace.token_s,
                 "the pace found at start: a token");
    tb_bench_add(b->report, STREAM, "pace.flow", TB_BENCH_SECONDS, NULL, pace.flow_s,
                 "a frame of the flow among 1000");
    tb_bench_add(b->report, STREAM, "pace.vocoder", TB_BENCH_SECONDS, NULL, pace.vocode_s,
                 "a frame of the vocoder");
    st = time_stream(b, c, err);
    tb_chatterbox_close(c);
    if (!st) st = compare_pieces(b, &pace, err);
    return st;
}
