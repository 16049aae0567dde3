#ifndef TB_PROBE_PROBE_PRIV_H
#define TB_PROBE_PROBE_PRIV_H

#include "cli/cli.h"
#include "model/perth.h"
#include "nn/ops.h"
#include "tensor/weights.h"
#include "text/bpe.h"

/*
 * timbre probe: one stage of the engine, fed from a recording, and everything it says written down
 * under the recording's names. docs/model/probe.md.
 */

/* What of a model a stage needs. */
enum {
    TB_PROBE_T3 = 1,
    TB_PROBE_S3GEN = 2,
    TB_PROBE_VE = 4,
    TB_PROBE_WORDS = 8, /* the tokenizer's files */
    TB_PROBE_PERTH = 16,
};

/* What no shape shows. */
typedef enum {
    TB_PROBE_HEADS,
    TB_PROBE_ENC_HEADS,
    TB_PROBE_EST_HEADS,
    TB_PROBE_PARTIAL_FRAMES,
    TB_PROBE_STEP,
    TB_PROBE_MIN_COVERAGE,
    TB_PROBE_STEPS,
    TB_PROBE_MAX_GEN_LEN,
    TB_PROBE_SETTINGS
} tb_probe_setting;

enum { TB_PROBE_NAME = 256 };

typedef struct tb_probe tb_probe;

typedef struct {
    const char *name, *needs, *writes; /* the last two for --list */
    unsigned parts;
    bool sampled; /* --sample means something here */
    tb_status (*run)(tb_probe *p, tb_err *err);
} tb_probe_stage;

/* One array to be written; owned. */
typedef struct {
    char *name;
    tb_tensor t;
    void *data;
    size_t cap;   /* bytes of data */
    bool partial; /* said more than once where it should not be: the pieces are no recording */
} tb_probe_output;

struct tb_probe {
    const tb_cli *cli;
    const tb_probe_stage *stage;
    double set[TB_PROBE_SETTINGS]; /* 0: not given */
    bool sample;                   /* write 24 time steps of each array, time first */
    const char *noise;             /* key of what the recording leaves out, or NULL */
    tb_json *recorded;             /* the recording's JSON, or NULL */
    bool missing;                  /* the failure is that something was not given */

    tb_weights *in;             /* the recording, or NULL */
    char prefix[TB_PROBE_NAME]; /* of the names of this case, in and out */
    tb_weights *weights;
    tb_bpe *bpe;
    tb_perth *perth;

    tb_nn nn; /* its trace is below */
    tb_trace trace;
    const char *trace_prefix; /* between the prefix and a traced name */
    const char *trace_only;   /* names that do not begin so are ignored */
    bool trace_joins;         /* arrays of one name are rows of one array */

    tb_probe_output *out;
    size_t n_out, cap_out;
    void **kept; /* heap, freed after the case */
    size_t n_kept, cap_kept;
};

/* ---- weights.c: what the stage needs of PATH. */
TB_MUST_CHECK tb_status tb_probe_load(tb_probe *p, const char *path, tb_dtype type, tb_err *err);
/* Weights that lie in the recording itself, under "<prefix>w/". False when there are none. */
bool tb_probe_has_weights(const tb_probe *p, const char *prefix);
TB_MUST_CHECK tb_status tb_probe_load_recorded(tb_probe *p, const char *path, const char *prefix,
                                               tb_dtype type, tb_err *err);

/* ---- io.c: inputs. All come under p->prefix, live until the end of the case, and are
 * checked: a missing one sets p->missing, one of another shape or type is TB_EINVAL. */
enum { TB_PROBE_FILE_MAX = 256 << 20 };

tb_status tb_probe_missing(tb_probe *p, const char *name, tb_err *err) TB_MUST_CHECK;
bool tb_probe_has(const tb_probe *p, const char *name);
/* dim (n_dims): 0 is filled in. Axes of length 1 before them are ignored. */
TB_MUST_CHECK tb_status tb_probe_f32(tb_probe *p, const char *name, unsigned n_dims, size_t *dim,
                                     const float **out, tb_err *err);
TB_MUST_CHECK tb_status tb_probe_ids(tb_probe *p, const char *name, const int32_t **out, size_t *n,
                                     tb_err *err);
/* Recorded as (cols, rows), wanted as (rows, cols). dims of 0 are filled in. */
TB_MUST_CHECK tb_status tb_probe_transposed(tb_probe *p, const char *name, size_t *rows,
                                            size_t *cols, const float **out, tb_err *err);
/* The same two, made by --noise when the recording has none. */
typedef struct {
    const char *what;  /* the noise's name after --noise */
    float mean, scale; /* its standard deviation is scale / sqrt 3 */
} tb_probe_noise_spec;
TB_MUST_CHECK tb_status tb_probe_noise(tb_probe *p, const char *name,
                                       const tb_probe_noise_spec *spec, unsigned n_dims,
                                       size_t *dim, const float **out, tb_err *err);
TB_MUST_CHECK tb_status tb_probe_noise_transposed(tb_probe *p, const char *name, size_t rows,
                                                  size_t cols, const float **out, tb_err *err);
/* A file named by an option; heap, NUL-terminated. */
TB_MUST_CHECK tb_status tb_probe_read(tb_probe *p, const char *flag, char **data, size_t *size,
                                      tb_err *err);
TB_MUST_CHECK tb_status tb_probe_read_json(tb_probe *p, const char *flag, tb_json **out,
                                           tb_err *err);
/* count * size bytes for the rest of the case. */
TB_MUST_CHECK tb_status tb_probe_alloc(tb_probe *p, size_t count, size_t size, void **out,
                                       tb_err *err);
void tb_probe_end_case(tb_probe *p);

/* ---- and outputs. put copies; a name that is there already is replaced. */
void tb_probe_put(tb_probe *p, const char *name, tb_dtype type, const void *data, unsigned n_dims,
                  const size_t *dim);
void tb_probe_put_f32(tb_probe *p, const char *name, const float *x, size_t n); /* (n) */
void tb_probe_put_rows(tb_probe *p, const char *name, const float *x, size_t rows, size_t cols);
void tb_probe_put_transposed(tb_probe *p, const char *name, const float *x, size_t rows,
                             size_t cols);
void tb_probe_put_ids(tb_probe *p, const char *name, const int32_t *ids, size_t n);
tb_probe_output *tb_probe_find(tb_probe *p, const char *name); /* NULL when not traced */
void tb_probe_rename(tb_probe *p, const char *name, const char *to);
/* The first axis, of (a * b), is two. Nothing happens to an array that is not there or sampled. */
void tb_probe_split(tb_probe *p, const char *name, size_t a);
/* Of every array whose name begins with `begin` only these rows stay. TB_EINVAL: one that is not
 * there. */
TB_MUST_CHECK tb_status tb_probe_choose(tb_probe *p, const char *begin, const int32_t *rows,
                                        size_t n, tb_err *err);
void tb_probe_record_trace(tb_probe *p);
TB_MUST_CHECK tb_status tb_probe_write(const tb_probe *p, const char *path, tb_err *err);
void tb_probe_clear(tb_probe *p);

/* ---- the stages */
tb_status tb_probe_tokenizer(tb_probe *p, tb_err *err);
tb_status tb_probe_sampler(tb_probe *p, tb_err *err);
tb_status tb_probe_t3(tb_probe *p, tb_err *err);
tb_status tb_probe_flow(tb_probe *p, tb_err *err);
tb_status tb_probe_f0(tb_probe *p, tb_err *err);
tb_status tb_probe_source(tb_probe *p, tb_err *err);
tb_status tb_probe_hift(tb_probe *p, tb_err *err);
tb_status tb_probe_speech(tb_probe *p, tb_err *err);
tb_status tb_probe_dsp(tb_probe *p, tb_err *err);
tb_status tb_probe_s3tokenizer(tb_probe *p, tb_err *err);
tb_status tb_probe_campplus(tb_probe *p, tb_err *err);
tb_status tb_probe_ve(tb_probe *p, tb_err *err);
tb_status tb_probe_conditionals(tb_probe *p, tb_err *err);
tb_status tb_probe_conds(tb_probe *p, tb_err *err);
tb_status tb_probe_e2e(tb_probe *p, tb_err *err);
tb_status tb_probe_perth(tb_probe *p, tb_err *err);

#endif
