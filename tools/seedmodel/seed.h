#ifndef TB_SEEDMODEL_SEED_H
#define TB_SEEDMODEL_SEED_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The tensors of a seeded model: true names, shapes and file layout; every number is a function of
 * (file stem, tensor name, flat index), see base/counter.h. How loud each tensor is was tuned so
 * that no stage saturates; the figures stand in tables.c and are part of the recorded tests.
 */
typedef enum {
    TB_SEED_NORMAL,    /* tb_counter_weight of the stream "<stem>/<name>"; scale 0 is a constant */
    TB_SEED_BATCHNORM, /* five tensors, the row's pattern ends in ".*" */
    TB_SEED_INT64,     /* the constant `mean` */
    TB_SEED_WINDOW,    /* the S3 tokenizer's STFT window */
    TB_SEED_MEL,       /* the S3 tokenizer's mel filterbank */
    TB_SEED_STOP,      /* as NORMAL around 0, but the last number, STOP's, is exactly `mean` */
} tb_seed_kind;

enum { TB_SEED_MAX_DIMS = 4 };

/* One line of a table: every name that pattern expands to. {0..3} is 0 to 3, {0,2} is 0 and 2. */
typedef struct {
    const char *pattern;
    uint32_t dims[TB_SEED_MAX_DIMS]; /* slowest first, ends at a 0; a scalar has none */
    tb_seed_kind kind;
    double mean, scale;
} tb_seed_row;

typedef struct {
    const char *stem; /* "t3_turbo_v1": the file's name without .safetensors */
    const tb_seed_row *rows;
    size_t n;
} tb_seed_table;

extern const tb_seed_table tb_seed_tables[];
extern const size_t tb_seed_n_tables;
const tb_seed_table *tb_seed_table_find(const char *stem); /* NULL when there is none */

/* The small model's tables, of the same stems: a whole model of some 20 MB. */
extern const tb_seed_table tb_seed_small[];
extern const size_t tb_seed_n_small;
const tb_seed_table *tb_seed_small_find(const char *stem);

typedef struct {
    char *name;
    uint32_t dims[TB_SEED_MAX_DIMS];
    unsigned n_dims;
    tb_seed_kind kind; /* never BATCHNORM */
    float mean, scale;
    uint64_t count;  /* elements */
    uint64_t stream; /* of tb_counter_* */
    uint64_t offset; /* bytes from the start of the data; the tensors follow each other */
} tb_seed_tensor;

/* A table expanded, in the order of the file: I64 before F32, then by name. */
typedef struct {
    const char *stem; /* borrowed from the table */
    tb_seed_tensor *tensors;
    size_t n;
    uint64_t data_bytes;
} tb_seed_list;

void tb_seed_list_init(tb_seed_list *list, const tb_seed_table *table);
/* How likely the end of a text is: STOP's logit beside those of the codes. -1e9: it never ends. */
void tb_seed_list_stop(tb_seed_list *list, double bias);
void tb_seed_list_clear(tb_seed_list *list);
const tb_seed_tensor *tb_seed_list_find(const tb_seed_list *list, const char *name);
size_t tb_seed_element_bytes(const tb_seed_tensor *t); /* 8 for I64, else 4 */

/* Elements first .. first + n - 1 of t, as they stand in the file (little endian F32 or I64). */
void tb_seed_fill(const tb_seed_tensor *t, uint64_t first, size_t n, void *out);

/* The file's head: length, JSON and padding. Heap. */
char *tb_seed_header(const tb_seed_list *list, size_t *size);

typedef void (*tb_seed_progress)(void *self, uint64_t done, uint64_t total);

/*
 * Writes <folder>/<stem>.safetensors with `threads` threads. A file of the same size whose head is
 * the same (it carries a hash of the table) is left alone: *written is false then. TB_ENOSPACE,
 * before anything is written, when the disk cannot hold it. On failure nothing is left behind.
 */
TB_MUST_CHECK tb_status tb_seed_write(const tb_seed_list *list, const char *folder,
                                      unsigned threads, tb_seed_progress progress, void *self,
                                      bool *written, tb_err *err);

#endif
