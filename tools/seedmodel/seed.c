/*
 * The tensors of a seeded model and their numbers.
 *
 * A table of patterns is expanded to a list of tensors in the order of the file; any part of any
 * tensor is computed from its name by base/counter.h, so tests take what they need without files.
 * Windows and filterbanks are the true ones. docs/model/seeded.md.
 */
#include "seedmodel/seed.h"

#include "base/counter.h"
#include "base/mem.h"
#include "seedmodel/window.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const tb_seed_table *find(const tb_seed_table *tables, size_t n, const char *stem)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(tables[i].stem, stem) == 0) return &tables[i];
    return NULL;
}

const tb_seed_table *tb_seed_table_find(const char *stem)
{
    return find(tb_seed_tables, tb_seed_n_tables, stem);
}

const tb_seed_table *tb_seed_small_find(const char *stem)
{
    return find(tb_seed_small, tb_seed_n_small, stem);
}

size_t tb_seed_element_bytes(const tb_seed_tensor *t)
{
    return t->kind == TB_SEED_INT64 ? 8 : 4;
}

static void add(tb_seed_list *list, size_t *room, const tb_seed_row *row, const char *name,
                tb_seed_kind kind, double mean, double scale)
{
    if (list->n == *room) {
        *room = *room ? *room * 2 : 64;
        tb_seed_tensor *more = tb_alloc(*room * sizeof *more);
        if (list->n) memcpy(more, list->tensors, list->n * sizeof *more);
        tb_free(list->tensors);
        list->tensors = more;
    }
    tb_seed_tensor *t = &list->tensors[list->n++];
    char *key = tb_sprintf("%s/%s", list->stem, name);
    *t = (tb_seed_tensor){.name = tb_strdup(name),
                          .kind = kind,
                          .mean = (float)mean,
                          .scale = (float)scale,
                          .count = 1,
                          .stream = tb_counter_stream(key)};
    if (kind != TB_SEED_INT64) /* the only I64 tensors are a batch norm's counters: scalars */
        for (; t->n_dims < TB_SEED_MAX_DIMS && row->dims[t->n_dims]; t->n_dims++) {
            t->dims[t->n_dims] = row->dims[t->n_dims];
            t->count *= row->dims[t->n_dims];
        }
    tb_free(key);
}

static void add_row(tb_seed_list *list, size_t *room, const tb_seed_row *row, const char *name)
{
    static const struct {
        const char *name;
        double mean, scale;
    } parts[] = {{"weight", 1, 0.25981},
                 {"bias", 0, 0.25981},
                 {"running_mean", 0, 0.34641},
                 {"running_var", 1, 0.25981},
                 {"num_batches_tracked", 1000, 0}};
    const size_t n_parts = sizeof parts / sizeof *parts;
    if (row->kind != TB_SEED_BATCHNORM) {
        add(list, room, row, name, row->kind, row->mean, row->scale);
        return;
    }
    for (size_t i = 0; i < n_parts; i++) {
        char *full = tb_sprintf("%.*s%s", (int)strlen(name) - 1, name, parts[i].name);
        add(list, room, row, full, i + 1 == n_parts ? TB_SEED_INT64 : TB_SEED_NORMAL, parts[i].mean,
            parts[i].scale);
        tb_free(full);
    }
}

/* Replaces the first group of pattern by each of its numbers, and the rest by recursion. */
static void expand(tb_seed_list *list, size_t *room, const tb_seed_row *row, const char *pattern)
{
    const char *open = strchr(pattern, '{');
    if (!open) {
        add_row(list, room, row, pattern);
        return;
    }
    const char *close = strchr(open, '}');
    for (const char *p = open; p != close;) {
        char *end;
        unsigned long from = strtoul(p + 1, &end, 10), to = from;
        if (end[0] == '.') to = strtoul(end + 2, &end, 10);
        p = end;
        for (unsigned long i = from; i <= to; i++) {
            char *name = tb_sprintf("%.*s%lu%s", (int)(open - pattern), pattern, i, close + 1);
            expand(list, room, row, name);
            tb_free(name);
        }
    }
}

/* The order in which the safetensors library writes: the type that needs most alignment first. */
static int by_file_order(const void *a, const void *b)
{
    const tb_seed_tensor *x = a, *y = b;
    if (tb_seed_element_bytes(x) != tb_seed_element_bytes(y))
        return tb_seed_element_bytes(x) > tb_seed_element_bytes(y) ? -1 : 1;
    return strcmp(x->name, y->name);
}

void tb_seed_list_init(tb_seed_list *list, const tb_seed_table *table)
{
    size_t room = 0;
    *list = (tb_seed_list){.stem = table->stem};
    for (size_t i = 0; i < table->n; i++)
        expand(list, &room, &table->rows[i], table->rows[i].pattern);
    qsort(list->tensors, list->n, sizeof *list->tensors, by_file_order);
    for (size_t i = 0; i < list->n; i++) {
        tb_seed_tensor *t = &list->tensors[i];
        t->offset = list->data_bytes;
        list->data_bytes += t->count * tb_seed_element_bytes(t);
    }
}

void tb_seed_list_stop(tb_seed_list *list, double bias)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->tensors[i].kind == TB_SEED_STOP) list->tensors[i].mean = (float)bias;
}

void tb_seed_list_clear(tb_seed_list *list)
{
    if (!list) return;
    for (size_t i = 0; i < list->n; i++)
        tb_free(list->tensors[i].name);
    tb_free(list->tensors);
    *list = (tb_seed_list){0};
}

const tb_seed_tensor *tb_seed_list_find(const tb_seed_list *list, const char *name)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->tensors[i].name, name) == 0) return &list->tensors[i];
    return NULL;
}

static double hz(double mel) /* Slaney: linear below 1 kHz, which is 15 mel */
{
    return mel < 15 ? mel * 200 / 3 : 1000 * exp(log(6.4) / 27 * (mel - 15));
}

/* Slaney's triangles, 128 bands of 0 to 8 kHz over the 201 bins of 400 samples at 16 kHz. The
 * height is rounded before the area is normalised, which the last bit shows. A corner on a bin is a
 * zero with the sign that the slope leaves. */
static float mel_filter(uint64_t i)
{
    const double top = 15 + 27 * log(8.0) / log(6.4);
    const uint64_t band = i / 201, bin = i % 201;
    double f = 40.0 * (double)bin;
    double lo = hz(top * (double)band / 129), mid = hz(top * (double)(band + 1) / 129),
           hi = hz(top * (double)(band + 2) / 129);
    double up = -(lo - f) / (mid - lo), down = (hi - f) / (hi - mid);
    float v = (float)(up < down ? up : down);
    return v < 0 ? 0 : (float)((double)v * (2.0 / (hi - lo)));
}

static void put_f32(unsigned char *out, size_t i, float x)
{
    memcpy(out + i * sizeof x, &x, sizeof x);
}

void tb_seed_fill(const tb_seed_tensor *t, uint64_t first, size_t n, void *out)
{
    unsigned char *p = out;
    for (size_t i = 0; i < n; i++) {
        uint64_t at = first + i;
        switch (t->kind) {
        case TB_SEED_INT64: {
            int64_t x = (int64_t)t->mean;
            memcpy(p + i * sizeof x, &x, sizeof x);
            break;
        }
        case TB_SEED_WINDOW:
            put_f32(p, i, tb_seed_window[at]);
            break;
        case TB_SEED_MEL:
            put_f32(p, i, mel_filter(at));
            break;
        case TB_SEED_STOP:
            put_f32(p, i,
                    at + 1 == t->count ? t->mean : tb_counter_weight(t->stream, at, 0, t->scale));
            break;
        case TB_SEED_NORMAL:
        case TB_SEED_BATCHNORM:
            put_f32(p, i, tb_counter_weight(t->stream, at, t->mean, t->scale));
            break;
        }
    }
}
