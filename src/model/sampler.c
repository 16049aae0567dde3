/*
 * The sampler: logits to one token. Temperature, top-k (quickselect), top-p (sorted, f32 sums as
 * the reference rounds them), repetition penalty, softmax, and the inverse of the cumulative sum at
 * one uniform number. The order is the reference's; docs/model/t3.md, "Sampling", says why it
 * matters.
 */
#include "model/sampler.h"

#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const tb_sampler_params tb_sampler_defaults = {.temperature = 0.8,
                                               .top_k = 1000,
                                               .top_p = 0.95,
                                               .repetition_penalty = 1.2};

typedef struct {
    float x;
    uint32_t id;
} candidate;

struct tb_sampler {
    tb_sampler_params params;
    size_t n;
    bool *noted;      /* (n) */
    int32_t *history; /* the noted tokens, each once */
    size_t n_history;
    candidate *sorted; /* (n), buffer */
    float *p;          /* (n), buffer */
};

tb_sampler *tb_sampler_new(const tb_sampler_params *params, size_t n)
{
    assert(n > 0 && n <= INT32_MAX);
    tb_sampler *s = tb_alloc(sizeof *s);
    s->params = *params;
    s->n = n;
    s->noted = tb_alloc(n * sizeof *s->noted);
    s->history = tb_alloc(n * sizeof *s->history);
    s->sorted = tb_alloc(n * sizeof *s->sorted);
    s->p = tb_alloc(n * sizeof *s->p);
    return s;
}

void tb_sampler_free(tb_sampler *s)
{
    if (!s) return;
    tb_free(s->noted);
    tb_free(s->history);
    tb_free(s->sorted);
    tb_free(s->p);
    tb_free(s);
}

void tb_sampler_record(tb_sampler *s, int32_t token)
{
    assert(token >= 0 && (size_t)token < s->n);
    if (s->noted[token]) return;
    s->noted[token] = true;
    s->history[s->n_history++] = token;
}

void tb_sampler_reset(tb_sampler *s)
{
    for (size_t i = 0; i < s->n_history; i++)
        s->noted[s->history[i]] = false;
    s->n_history = 0;
}

/* The k-th largest of x (n), which is left in another order. 1 <= k <= n. Expected O(n). */
static float kth_largest(float *x, size_t n, size_t k)
{
    ptrdiff_t lo = 0, hi = (ptrdiff_t)n - 1, want = (ptrdiff_t)k - 1;
    while (lo < hi) {
        /* The middle as pivot: neither sorted logits nor many equal ones make it slow. */
        float pivot = x[lo + (hi - lo) / 2];
        ptrdiff_t i = lo - 1, j = hi + 1;
        for (;;) {
            do
                i++;
            while (x[i] > pivot);
            do
                j--;
            while (x[j] < pivot);
            if (i >= j) break;
            float t = x[i];
            x[i] = x[j];
            x[j] = t;
        }
        /* x[lo .. j] >= pivot >= x[j+1 .. hi], and lo <= j < hi. */
        if (want <= j)
            hi = j;
        else
            lo = j + 1;
    }
    return x[want];
}

static void keep_top_k(tb_sampler *s, float *x)
{
    size_t k = s->params.top_k;
    if (k == 0 || k >= s->n) return; /* the smallest as threshold removes nothing */
    memcpy(s->p, x, s->n * sizeof *x);
    float threshold = kth_largest(s->p, s->n, k);
    for (size_t i = 0; i < s->n; i++)
        if (x[i] < threshold) x[i] = -INFINITY; /* ties with the threshold stay */
}

static int ascending(const void *a, const void *b)
{
    const candidate *p = a, *q = b;
    if (p->x != q->x) return p->x < q->x ? -1 : 1;
    return p->id < q->id ? -1 : 1; /* a stable sort's order; ids differ */
}

/* Removes from the small end as long as the sum of probabilities is at most 1 - top_p; the largest
 * stays. Sums are double and rounded to f32 at every step, as the reference's cumulative sum does
 * on a CPU; the comparison is in f32. */
static void keep_top_p(tb_sampler *s, float *x)
{
    if (!(s->params.top_p < 1)) return;
    candidate *c = s->sorted;
    size_t m = 0;
    for (size_t i = 0; i < s->n; i++)
        if (x[i] > -INFINITY) c[m++] = (candidate){x[i], (uint32_t)i};
    if (m == 0) return;
    qsort(c, m, sizeof *c, ascending);

    double sum = 0;
    for (size_t i = 0; i < m; i++) {
        s->p[i] = expf(c[i].x - c[m - 1].x);
        sum += (double)s->p[i];
    }
    const float whole = (float)sum, limit = (float)(1 - s->params.top_p);
    double so_far = 0;
    for (size_t i = 0; i + 1 < m; i++) {
        so_far += (double)(s->p[i] / whole);
        if (!((float)so_far <= limit)) break; /* it only grows */
        x[c[i].id] = -INFINITY;
    }
}

static void penalise(const tb_sampler *s, float *x)
{
    const float r = (float)s->params.repetition_penalty;
    if (s->params.repetition_penalty == 1) return;
    for (size_t i = 0; i < s->n_history; i++) {
        float *v = &x[s->history[i]];
        *v = *v < 0 ? *v * r : *v / r;
    }
}

bool tb_sampler_process(tb_sampler *s, float *x)
{
    const double t = s->params.temperature;
    assert(s->params.repetition_penalty > 0);
    if (t > 0 && t != 1)
        for (size_t i = 0; i < s->n; i++)
            x[i] /= (float)t;
    keep_top_k(s, x);
    keep_top_p(s, x);
    penalise(s, x);
    for (size_t i = 0; i < s->n; i++)
        if (x[i] > -INFINITY) return true;
    return false;
}

void tb_sampler_probs(const float *x, size_t n, float *p)
{
    float largest = -INFINITY;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        if (x[i] > largest) largest = x[i];
    assert(largest > -INFINITY);
    for (size_t i = 0; i < n; i++) {
        p[i] = expf(x[i] - largest);
        sum += (double)p[i];
    }
    for (size_t i = 0; i < n; i++)
        p[i] /= (float)sum;
}

int32_t tb_sampler_pick(const float *p, size_t n, double u)
{
    double whole = 0, so_far = 0;
    int32_t last = 0;
    for (size_t i = 0; i < n; i++)
        whole += (double)p[i];
    for (size_t i = 0; i < n; i++) {
        if (!(p[i] > 0)) continue;
        last = (int32_t)i;
        so_far += (double)p[i];
        if (so_far > u * whole) break;
    }
    return last;
}
