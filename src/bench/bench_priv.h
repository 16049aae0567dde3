#ifndef TB_BENCH_BENCH_PRIV_H
#define TB_BENCH_BENCH_PRIV_H

#include "bench/bench.h"
#include "chatterbox/compute_lock.h"
#include "chatterbox/sound.h"
#include "model/conditioner.h"
#include "model/flow.h"
#include "model/hift.h"
#include "model/t3.h"
#include "nn/roofline.h"
#include "tensor/weights.h"

/*
 * timbre bench: how fast the neural engine is on this machine, beside what the machine allows.
 * docs/bench.md.
 */

/* ---- the report: lines, and what is done with them ---- */

/* What a line is measured against. */
typedef enum {
    TB_YARD_NONE,
    TB_YARD_READ, /* bytes a second from memory */
    TB_YARD_F32,  /* multiplications and additions a second */
    TB_YARD_BF16,
    TB_YARD_INT8,
    TB_YARD_COUNT
} tb_yard;

extern const char *const tb_yard_names[TB_YARD_COUNT];

/* What has to be done: operations by the rate they can be done at, and bytes that have to move. */
typedef struct {
    double flop[TB_YARD_COUNT];
    double bytes;
} tb_bench_work;

typedef enum {
    TB_BENCH_SECONDS, /* less is better */
    TB_BENCH_RATE,    /* more is better: something a second, grows with the machine */
    TB_BENCH_MB,      /* less is better, and no matter of the machine's speed */
    TB_BENCH_NUMBER,  /* reported, not compared */
} tb_bench_kind;

enum { TB_BENCH_PARTS = 8 };

typedef struct {
    const char *section; /* "stages" */
    char name[48];       /* "t3.step" */
    char what[72];       /* for people */
    tb_bench_kind kind;
    const char *unit; /* of a rate or number */
    double value;
    double cpu_s; /* computed by all threads; 0: not measured */
    /* One after the other, so that the limits add up. All {0}: there is no limit. */
    tb_bench_work work[TB_BENCH_PARTS];
} tb_bench_line;

typedef struct {
    double yards[TB_YARD_COUNT]; /* per second; 0: the CPU has none */
    size_t threads;
    char *model, *isa;
    double load[2]; /* of the machine, at the beginning and the end; < 0: not known */
    tb_bench_line *lines;
    size_t n, cap;
} tb_bench_report;

void tb_bench_report_clear(tb_bench_report *r);
/* The line is the report's, and valid until the next is added. */
tb_bench_line *tb_bench_add(tb_bench_report *r, const char *section, const char *name,
                            tb_bench_kind kind, const char *unit, double value, const char *fmt,
                            ...) TB_PRINTF(7, 8);
const tb_bench_line *tb_bench_find(const tb_bench_report *r, const char *name);

/* The least time that work can take, and which yardstick it hangs on. 0 for no work. */
double tb_bench_limit(const double yards[TB_YARD_COUNT], const tb_bench_work *work, tb_yard *by);
double tb_bench_line_limit(const tb_bench_report *r, const tb_bench_line *line, tb_yard *by);
void tb_bench_more_work(tb_bench_work *w, const tb_bench_work *more, double times);

void tb_bench_print(const tb_bench_report *r, FILE *out);
tb_json *tb_bench_to_json(const tb_bench_report *r);

/*
 * This run beside an earlier one of the same program, both as tb_bench_to_json makes them. Each
 * line's ratio is divided by that of the yardstick it hangs on (f32 when it hangs on none), so that
 * a busy or another machine is no regression. *slower counts lines that are worse by more than
 * factor. TB_EMALFORMED when then is no such report.
 */
TB_MUST_CHECK tb_status tb_bench_compare(const tb_json *now, const tb_json *then, double factor,
                                         tb_str *out, size_t *slower, tb_err *err);
/* Beside other programs: {"name": "...", "stages": {"t3.prefill": seconds, ...}}, or a list. */
TB_MUST_CHECK tb_status tb_bench_peer(const tb_json *now, const tb_json *peer, tb_str *out,
                                      tb_err *err);

/* ---- sums ---- */

/* Least squares of t = fixed * segments + slope * seconds. False when they do not determine it. */
bool tb_bench_fit(const double *segments, const double *seconds, const double *t, size_t n,
                  double *fixed, double *slope);
/*
 * When pieces that lasted `seconds` each were ready at `ready` (from the beginning): how long
 * a listener who starts with the first has to wait in all.
 */
double tb_bench_gaps(const double *ready, const double *seconds, size_t n);
/* Mean difference of rows of two (rows, cols) arrays: of those within `near` rows of a join, and of
 * the others. NAN for a kind that has none. */
typedef struct {
    const size_t *row; /* (n) */
    size_t n, near;
} tb_bench_joins;
void tb_bench_seams(const float *a, const float *b, size_t rows, size_t cols,
                    const tb_bench_joins *joins, double *at_joins, double *elsewhere);

/* ---- what is measured ---- */

enum {
    TB_BENCH_TOKENS = 250,     /* 10 s of speech */
    TB_BENCH_TEXT = 43,        /* ids of a text that long */
    TB_BENCH_RECORDING_S = 15, /* of the voice: 375 tokens for T3, 250 for the flow */
    TB_BENCH_WINDOW = 5,       /* tokens that are timed together */
};

/* The networks of one model, as the engine opens them, and the case they are measured on. */
typedef struct {
    tb_bench_report *report;
    const char *path; /* of the model */
    const char *variant;
    tb_dtype type;
    size_t threads, runs;
    bool lengthy;

    tb_weights *weights;
    tb_t3 t3;
    tb_flow flow;
    tb_hift hift;
    tb_conditioner conditioner;
    tb_thread_pool *pool;
    tb_nn nn;
    tb_conds voice;
    tb_t3_prefix *prefix;
    int32_t ids[TB_BENCH_TEXT];
} tb_bench;

TB_MUST_CHECK tb_status tb_bench_open(tb_bench *b, tb_err *err); /* nothing when it is open */
/* The same with b->voice there and its prefix kept: nothing is computed. */
TB_MUST_CHECK tb_status tb_bench_reopen(tb_bench *b, const void *prefix, size_t size, tb_err *err);
void tb_bench_close(tb_bench *b);

/* A made-up voice: a hum of harmonics in syllables. */
TB_MUST_CHECK tb_status tb_bench_recording(double seconds, tb_pcm *out, tb_err *err);
/* The i-th made-up speech token. */
int32_t tb_bench_token(const tb_bench *b, size_t i);

/* One utterance as the engine makes it, except that what is said is known before: the model is
 * asked, the sampler draws, and then a made-up token is taken. So it has the length asked for,
 * whatever the weights. */
typedef struct {
    tb_batcher *batcher; /* NULL: steps alone */
    tb_compute_lock
        *compute_lock; /* to the flow and the vocoder, one at a time; NULL: nobody else is there */
    size_t tokens;
    double step_s[TB_T3_MAX_MORE / TB_BENCH_WINDOW + 1]; /* the best of each window of tokens */
    double step_cpu_s[TB_T3_MAX_MORE / TB_BENCH_WINDOW + 1];
    tb_bandwidth *reading; /* looked at after every window; NULL: not */
    double read_s[TB_T3_MAX_MORE / TB_BENCH_WINDOW + 1]; /* the best run after each */
    int64_t first_ns;                   /* when the first token after the text was there */
    int32_t speech[TB_T3_MAX_MORE + 4]; /* the tokens, and how many */
    size_t n;
} tb_bench_utterance;
TB_MUST_CHECK tb_status tb_bench_generate(const tb_bench *b, const tb_nn *nn, tb_bench_utterance *s,
                                          tb_err *err);
TB_MUST_CHECK tb_status tb_bench_speak(const tb_bench *b, const tb_nn *nn, tb_bench_utterance *s,
                                       tb_pcm *out, tb_err *err);

/* ---- work, from the shapes of a model's tensors ---- */

tb_bench_work tb_bench_work_t3(const tb_bench *b, size_t past, size_t rows, size_t heads);
tb_bench_work tb_bench_work_step(const tb_bench *b, size_t past, size_t speakers);
tb_bench_work tb_bench_work_encoder(const tb_bench *b, size_t tokens);
tb_bench_work tb_bench_work_unet(const tb_bench *b, size_t frames);
tb_bench_work tb_bench_work_f0(const tb_bench *b, size_t frames);
tb_bench_work tb_bench_work_decode(const tb_bench *b, size_t frames);
tb_bench_work tb_bench_work_conditioning(const tb_bench *b, double seconds);

/* ---- sections: each adds its lines ---- */

tb_status tb_bench_memory(tb_bench *b, tb_err *err);
tb_status tb_bench_stages(tb_bench *b, tb_err *err);
tb_status tb_bench_voice(tb_bench *b, tb_err *err);
tb_status tb_bench_lengths(tb_bench *b, tb_err *err);
tb_status tb_bench_stream(tb_bench *b, tb_err *err);
tb_status tb_bench_together(tb_bench *b, tb_err *err);

#endif
