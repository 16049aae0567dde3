/*
 * The mixer: speech to its target, beds below it, ducking, peak.
 *
 * One timeline in samples of speech: 0 is the first sample of speech, beds may begin before it
 * (lead-in) and end behind the last (lead-out). A track is one bed with its fades; a change of beds
 * is two tracks for a while. Buffered output is the streaming path walked once at the end, with the
 * whole speech in view; a stream measures its first second and keeps those levels. docs/audio.md,
 * "Mixer". One thread per object. Relies on src/ambience for beds, dsp/loudness.h for levels,
 * duck.c.
 */
#include "post/post.h"

#include "base/mem.h"
#include "dsp/loudness.h"
#include "params/params.h"
#include "post/duck_priv.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { TRACKS = 8, BLOCK = 1024 };

static const double lead_in_s = 0.5, fade_first_s = 0.4, fade_in_s = 0.25, fade_out_s = 0.8;
static const double measured_s = 1.0; /* streaming: speech that is measured before any leaves */
static const double quiet_lufs = -23; /* speech level assumed when there is no speech */
static const double reduction_max_db = 6;
static const double bed_max_s = 600;

static const int64_t never = INT64_MAX / 2;

typedef struct {
    tb_bed *bed; /* NULL: the track is free */
    tb_ambience which;
    int64_t on, off, least; /* least: on for that long */
    int64_t fade_in, fade_out;
    double gain;
} track;

typedef struct {
    int64_t at;
    tb_ambience bed; /* none = off; it is made when the mark is reached: texts may have hundreds */
    int64_t least;
} mark;

struct tb_post {
    tb_ambience_set *set;
    tb_post_opts opts;
    int rate_hz;
    tb_post_sink sink;
    void *self;

    tb_pcm pending;  /* speech not rendered yet */
    int64_t written; /* samples of speech so far */
    int64_t at;      /* timeline position of the next sample to render */
    bool wants_bed;  /* now or at some mark */
    bool levels_fixed;
    bool started;
    tb_pcm measured; /* the first of a stream, that its levels are measured on */

    mark *marks; /* not reached yet */
    size_t n_marks, max_marks;
    track tracks[TRACKS];

    double speech_gain, mixed_lufs;
    bool limit_speech;
    tb_duck duck;
    tb_post_report report;
};

/* ---- options */

static tb_status check(const tb_post_opts *o, tb_err *err)
{
    tb_status st = tb_param_check(TB_PARAM_AMBIENCE_LEVEL, o->level_lu, err);
    if (!st) st = tb_param_check(TB_PARAM_AMBIENCE_DUCK_DB, o->duck_db, err);
    if (st) return st;
    if (!isnan(o->loudness_lufs) &&
        !(o->loudness_lufs >= TB_LOUDNESS_LEAST && o->loudness_lufs <= TB_LOUDNESS_MOST))
        return tb_fail_field(err, TB_EINVAL, "LOUDNESS_LUFS",
                             "the loudness target is %g; it is from %g to %g LUFS",
                             o->loudness_lufs, TB_LOUDNESS_LEAST, TB_LOUDNESS_MOST);
    return TB_OK;
}

/* ---- tracks */

static int64_t samples(const tb_post *p, double seconds)
{
    return (int64_t)(seconds * p->rate_hz);
}

static void free_track(track *l)
{
    tb_bed_free(l->bed);
    *l = (track){0};
}

static track *find_running(tb_post *p, const tb_ambience *which)
{
    for (int i = 0; i < TRACKS; i++) {
        track *l = &p->tracks[i];
        if (l->bed && l->off == never && tb_ambience_same(&l->which, which)) return l;
    }
    return NULL;
}

static tb_status start_track(tb_post *p, const tb_ambience *which, int64_t on, double fade_s,
                             int64_t least, tb_err *err)
{
    tb_bed *bed = NULL;
    tb_status st = tb_bed_new(p->set, which, p->opts.seed, p->rate_hz, &bed, err);
    if (st) return st;
    track *l = &p->tracks[0];
    for (int i = 0; i < TRACKS; i++) { /* a free one, else the one that ends first */
        track *c = &p->tracks[i];
        if (!c->bed) {
            l = c;
            break;
        }
        if (c->off < l->off) l = c;
    }
    free_track(l);
    double d = isnan(p->opts.level_lu) ? which->difference_lu : p->opts.level_lu;
    double gain_db = p->mixed_lufs - d - TB_BED_REFERENCE_LUFS;
    *l = (track){.bed = bed,
                 .which = *which,
                 .on = on,
                 .off = never,
                 .least = least,
                 .fade_in = samples(p, fade_s),
                 .fade_out = samples(p, fade_out_s),
                 .gain = pow(10, gain_db / 20)};
    if (p->report.bed_gain_db == 0) p->report.bed_gain_db = gain_db;
    return TB_OK;
}

/* Ends all that run: at once, or after their least time. Returns when the last of them ends. */
static int64_t stop_tracks(tb_post *p, int64_t at, bool keep_least)
{
    int64_t last = at;
    for (int i = 0; i < TRACKS; i++) {
        track *l = &p->tracks[i];
        if (!l->bed || l->off <= at) continue;
        int64_t off = at;
        if (keep_least && l->on + l->least > at) off = l->on + l->least;
        if (l->off == never || !keep_least) l->off = off;
        if (l->off <= l->on)
            free_track(l); /* never heard */
        else if (l->off > last)
            last = l->off;
    }
    return last;
}

static tb_status apply_mark(tb_post *p, mark *m, tb_err *err)
{
    int64_t at = m->at;
    double fade = p->at < 0 ? fade_first_s : fade_in_s;
    if (m->at == 0 && p->at < 0) at = p->at; /* text that begins with a bed: lead-in */
    if (m->bed.n) {
        track *l = find_running(p, &m->bed);
        if (l && l->on <= at) {
            l->least = at - l->on + m->least;
            return TB_OK;
        }
        stop_tracks(p, at, false);
        return start_track(p, &m->bed, at, fade, m->least, err);
    }
    const tb_ambience *base = &p->opts.bed;
    track *l = base->n ? find_running(p, base) : NULL;
    if (l) return TB_OK; /* what off would go back to is there */
    int64_t then = stop_tracks(p, at, true);
    return base->n ? start_track(p, base, then, fade, 0, err) : TB_OK;
}

/* ---- levels */

static double soft_clip(double x)
{
    /* Straight to -4 dBFS, then a tanh that ends at -1 dBFS. */
    static const double knee = 0.63095734448019325, top = 0.89125093813374556;
    double a = fabs(x);
    if (a <= knee) return x;
    return copysign(knee + (top - knee) * tanh((a - knee) / (top - knee)), x);
}

static tb_status fix_levels(tb_post *p, const tb_pcm *from, tb_err *err)
{
    double lufs = 0;
    tb_status st = tb_loudness_speech(from->data, from->len, p->rate_hz, &lufs, err);
    if (st != TB_OK) return st;
    p->report.speech_lufs = lufs;
    p->speech_gain = 1;
    p->mixed_lufs = isfinite(lufs) && lufs > -70 ? lufs : quiet_lufs;
    if (!isnan(p->opts.loudness_lufs) && isfinite(lufs) && lufs > -70) {
        double gain_db = p->opts.loudness_lufs - lufs;
        p->report.speech_gain_db = gain_db;
        p->speech_gain = pow(10, gain_db / 20);
        p->mixed_lufs = p->opts.loudness_lufs;
        /* What is still to come in a stream may be louder than what was measured. */
        double peak = (double)tb_pcm_peak(from->data, from->len) * p->speech_gain;
        p->limit_speech = p->opts.streaming || peak > pow(10, -1 / 20.0);
    }
    tb_duck_init(&p->duck, p->rate_hz, p->opts.duck_db, p->mixed_lufs);
    p->levels_fixed = true;
    return TB_OK;
}

static void apply_speech_gain(const tb_post *p, float *x, size_t len)
{
    if (p->speech_gain == 1 && !p->limit_speech) return;
    for (size_t i = 0; i < len; i++) {
        double y = (double)x[i] * p->speech_gain;
        x[i] = (float)(p->limit_speech ? soft_clip(y) : y);
    }
}

/* ---- rendering */

static double track_gain(const track *l, int64_t t)
{
    double g = l->gain;
    if (t < l->on) return 0;
    if (t < l->on + l->fade_in)
        g *= 0.5 - 0.5 * cos(M_PI * (double)(t - l->on) / (double)l->fade_in);
    if (t >= l->off + l->fade_out) return 0;
    if (t >= l->off) /* the last sample is 0 */
        g *= 0.5 + 0.5 * cos(M_PI * (double)(t - l->off + 1) / (double)l->fade_out);
    return g;
}

/* The beds of n samples from p->at on, n <= BLOCK, no mark inside. speech is what the side chain
 * hears there, from p->at on: known samples, silence behind them. */
static void render_beds(tb_post *p, const float *speech, size_t known, float *out, size_t n)
{
    float x[BLOCK];
    assert(n <= BLOCK);
    memset(out, 0, n * sizeof *out);
    for (int k = 0; k < TRACKS; k++) {
        track *l = &p->tracks[k];
        if (!l->bed || l->on >= p->at + (int64_t)n) continue;
        /* A track begins inside a block only when off had to wait: then its bed starts there. */
        size_t from = l->on > p->at ? (size_t)(l->on - p->at) : 0;
        tb_bed_process(l->bed, x, n - from);
        for (size_t i = from; i < n; i++)
            out[i] += (float)((double)x[i - from] * track_gain(l, p->at + (int64_t)i));
        if (l->off < never && p->at + (int64_t)n >= l->off + l->fade_out) free_track(l);
    }
    if (p->opts.duck_db > 0)
        for (size_t i = 0; i < n; i++)
            out[i] *= (float)tb_duck_step(&p->duck, i < known ? (double)speech[i] : 0);
}

/* Limits the sum to -1 dBFS by lowering the bed; speech that is louder on its own is unchanged. */
static void mix(const float *speech, const float *bed, float *out, size_t n)
{
    static const float top = 0.89125094F;
    for (size_t i = 0; i < n; i++) {
        float s = speech[i], hi = fmaxf(top, s), lo = fminf(-top, s);
        out[i] = fminf(hi, fmaxf(lo, s + bed[i]));
    }
}

/* Renders bed samples for [p->at, p->at + len) into out, taking marks as they are reached. ahead:
 * speech from p->at + look on. */
static tb_status render_span(tb_post *p, const float *ahead, size_t known, float *out, size_t len,
                             tb_err *err)
{
    size_t done = 0;
    for (;;) {
        while (p->n_marks > 0 && (p->marks[0].at <= p->at || (p->marks[0].at == 0 && p->at < 0))) {
            mark m = p->marks[0];
            memmove(p->marks, p->marks + 1, --p->n_marks * sizeof *p->marks);
            tb_status st = apply_mark(p, &m, err);
            if (st != TB_OK) return st;
        }
        if (done == len) return TB_OK;
        size_t n = len - done < BLOCK ? len - done : BLOCK;
        if (p->n_marks > 0 && p->marks[0].at - p->at < (int64_t)n)
            n = (size_t)(p->marks[0].at - p->at);
        render_beds(p, known > done ? ahead + done : ahead, known > done ? known - done : 0,
                    out + done, n);
        p->at += (int64_t)n;
        done += n;
    }
}

static int64_t end_tracks(tb_post *p)
{
    int64_t end = p->written, last = 0;
    for (int i = 0; i < TRACKS; i++)
        if (p->tracks[i].bed && p->tracks[i].on >= end && p->tracks[i].least == 0)
            free_track(&p->tracks[i]);
    stop_tracks(p, end, true);
    for (int i = 0; i < TRACKS; i++) {
        const track *l = &p->tracks[i];
        if (l->bed && l->off + l->fade_out - end > last) last = l->off + l->fade_out - end;
    }
    return last;
}

static tb_status start_base(tb_post *p, int64_t on, double fade_s, tb_err *err)
{
    p->started = true;
    p->at = on;
    return p->opts.bed.n ? start_track(p, &p->opts.bed, on, fade_s, 0, err) : TB_OK;
}

/* Hands out len samples: speech (levelled already) with its beds. */
static tb_status emit(tb_post *p, float *speech, size_t len, tb_err *err)
{
    if (len == 0) return TB_OK;
    tb_pcm beds = {0};
    tb_status st = tb_pcm_init(&beds, len, p->rate_hz, err);
    if (st != TB_OK) return st;
    st = render_span(p, speech, len, beds.data, len, err);
    if (st == TB_OK) {
        mix(speech, beds.data, beds.data, len);
        st = p->sink(p->self, &beds, err);
    }
    tb_pcm_clear(&beds);
    return st;
}

static tb_status flush_stream(tb_post *p, tb_err *err)
{
    tb_status st = TB_OK;
    if (!p->levels_fixed) {
        st = fix_levels(p, p->measured.len ? &p->measured : &p->pending, err);
        if (st != TB_OK) return st;
        tb_pcm_clear(&p->measured);
    }
    if (!p->started) {
        st = start_base(p, p->written - (int64_t)p->pending.len, fade_in_s, err);
        if (st != TB_OK) return st;
    }
    apply_speech_gain(p, p->pending.data, p->pending.len);
    st = emit(p, p->pending.data, p->pending.len, err);
    tb_pcm_clear(&p->pending);
    return st;
}

/* How far the beds must go down as a whole so that the mix stays below -1 dBFS; at most 6 dB, the
 * rest is done sample by sample. */
static double find_bed_reduction(const float *speech, const float *bed, size_t len)
{
    double least = pow(10, -reduction_max_db / 20), top = pow(10, -1 / 20.0), reduction = 1;
    for (size_t i = 0; i < len; i++) {
        double s = (double)speech[i], b = (double)bed[i];
        if (fabs(s + b) <= top || s * b <= 0 || fabs(s) >= top) continue;
        reduction = fmin(reduction, (top - fabs(s)) / fabs(b));
    }
    return fmax(reduction, least);
}

static tb_status finish_buffered(tb_post *p, tb_err *err)
{
    tb_pcm beds = {0}, speech = {0};
    tb_status st = fix_levels(p, &p->pending, err);
    if (st != TB_OK) return st;
    apply_speech_gain(p, p->pending.data, p->pending.len);
    if (!p->wants_bed) return p->sink(p->self, &p->pending, err);

    bool first = p->opts.bed.n || (p->n_marks > 0 && p->marks[0].at == 0 && p->marks[0].bed.n);
    int64_t lead = first ? samples(p, lead_in_s) : 0, look = samples(p, 0.060);
    size_t body = (size_t)(lead + p->written);
    p->report.lead_in_s = (double)lead / p->rate_hz;
    st = start_base(p, -lead, fade_first_s, err);
    if (st != TB_OK) goto out;
    st = tb_pcm_init(&beds, body, p->rate_hz, err);
    if (st != TB_OK) goto out;
    st = tb_pcm_init(&speech, body, p->rate_hz, err);
    if (st != TB_OK) goto out;
    if (p->pending.len) memcpy(speech.data + lead, p->pending.data, p->pending.len * sizeof(float));
    tb_pcm_clear(&p->pending);
    /* The speech is known, so the side chain hears it 60 ms early. */
    size_t shift = (size_t)look < body ? (size_t)look : body;
    st = render_span(p, speech.data + shift, body - shift, beds.data, body, err);
    if (st != TB_OK) goto out;
    int64_t more = end_tracks(p);
    for (float x[BLOCK]; more > 0;) {
        size_t n = more < BLOCK ? (size_t)more : BLOCK;
        render_beds(p, x, 0, x, n);
        p->at += (int64_t)n;
        more -= (int64_t)n;
        st = tb_pcm_append(&beds, x, n, err);
        if (st != TB_OK) goto out;
    }
    double reduction = find_bed_reduction(speech.data, beds.data, body);
    p->report.peak_cut_db = -20 * log10(reduction);
    if (reduction < 1)
        for (size_t i = 0; i < beds.len; i++)
            beds.data[i] = (float)((double)beds.data[i] * reduction);
    mix(speech.data, beds.data, beds.data, body);
    st = p->sink(p->self, &beds, err);
out:
    tb_pcm_clear(&beds);
    tb_pcm_clear(&speech);
    return st;
}

static tb_status finish_stream(tb_post *p, tb_err *err)
{
    if (!p->wants_bed && isnan(p->opts.loudness_lufs)) return TB_OK;
    tb_status st = flush_stream(p, err);
    if (st != TB_OK) return st;
    st = render_span(p, NULL, 0, NULL, 0, err); /* a mark behind the last word */
    if (st != TB_OK) return st;
    for (int64_t more = end_tracks(p); more > 0 && st == TB_OK; more -= BLOCK) {
        float x[BLOCK];
        tb_pcm pcm = {x, more < BLOCK ? (size_t)more : BLOCK, p->rate_hz};
        render_beds(p, x, 0, x, pcm.len);
        p->at += (int64_t)pcm.len;
        st = p->sink(p->self, &pcm, err);
    }
    return st;
}

/* ---- the outside */

tb_status tb_post_begin(tb_ambience_set *set, const tb_post_opts *opts, int rate_hz,
                        tb_post_sink sink, void *self, tb_post **out, tb_err *err)
{
    tb_status st = check(opts, err);
    if (st != TB_OK) return st;
    tb_post *p = tb_alloc(sizeof *p);
    p->set = set;
    p->opts = *opts;
    p->wants_bed = opts->bed.n > 0;
    p->rate_hz = rate_hz;
    p->sink = sink;
    p->self = self;
    p->pending.rate_hz = rate_hz;
    p->speech_gain = 1;
    p->report.speech_lufs = (double)-INFINITY;
    *out = p;
    return TB_OK;
}

tb_status tb_post_write(tb_post *p, const tb_pcm *piece, tb_err *err)
{
    assert(piece->len == 0 || piece->rate_hz == p->rate_hz);
    if (piece->len == 0) return TB_OK;
    p->written += (int64_t)piece->len;
    size_t enough = (size_t)samples(p, measured_s);
    if (p->opts.streaming && !p->levels_fixed && p->measured.len < enough) {
        p->measured.rate_hz = p->rate_hz;
        size_t most = 2 * enough - p->measured.len;
        tb_status st =
            tb_pcm_append(&p->measured, piece->data, piece->len < most ? piece->len : most, err);
        if (st != TB_OK) return st;
    }
    if (p->opts.streaming && !p->wants_bed && isnan(p->opts.loudness_lufs))
        return p->sink(p->self, piece, err); /* bit for bit */
    p->pending.rate_hz = p->rate_hz;
    tb_status st = tb_pcm_append(&p->pending, piece->data, piece->len, err);
    if (st != TB_OK || !p->opts.streaming) return st;
    return p->levels_fixed || p->measured.len >= enough ? flush_stream(p, err) : TB_OK;
}

tb_status tb_post_mark(tb_post *p, const tb_ambience *bed, double min_seconds, tb_err *err)
{
    if (!(min_seconds >= 0 && min_seconds <= bed_max_s))
        return tb_fail_field(err, TB_EINVAL, "text",
                             "an ambience is asked for %g s; at most %g s is possible", min_seconds,
                             bed_max_s);
    if (!bed && !p->wants_bed) return TB_OK; /* nothing to switch off */
    if (p->n_marks == p->max_marks) {
        size_t max = p->max_marks ? 2 * p->max_marks : 8;
        mark *more = tb_try_realloc(p->marks, max, sizeof *more);
        if (!more) return tb_nomem(err, max, sizeof *more);
        p->marks = more;
        p->max_marks = max;
    }
    mark m = {.at = p->written, .least = samples(p, min_seconds)};
    if (bed) {
        m.bed = *bed;
        p->wants_bed = true;
    }
    p->marks[p->n_marks++] = m;
    return TB_OK;
}

tb_status tb_post_end(tb_post *p, tb_err *err)
{
    return p->opts.streaming ? finish_stream(p, err) : finish_buffered(p, err);
}

void tb_post_free(tb_post *p)
{
    if (!p) return;
    for (int i = 0; i < TRACKS; i++)
        free_track(&p->tracks[i]);
    tb_free(p->marks);
    tb_pcm_clear(&p->pending);
    tb_pcm_clear(&p->measured);
    tb_free(p);
}

void tb_post_get_report(const tb_post *p, tb_post_report *out)
{
    *out = p->report;
}
