#include "embedded/symmetric_matrix_priv.h"

#include <math.h>
#include <string.h>

enum { MAX = TB_SYMMETRIC_MAX, SWEEPS = 60 };

/* Turns rows and columns p and q so that a[p][q] becomes 0. */
static void rotate(double *a, double *v, size_t n, size_t p, size_t q)
{
    const double apq = a[p * n + q];
    if (apq == 0) return;

    const double theta = (a[q * n + q] - a[p * n + p]) / (2 * apq);
    const double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1));
    const double c = 1 / sqrt(t * t + 1), s = t * c;

    for (size_t k = 0; k < n; k++) {
        double x = a[k * n + p], y = a[k * n + q];
        a[k * n + p] = c * x - s * y;
        a[k * n + q] = s * x + c * y;
    }
    for (size_t k = 0; k < n; k++) {
        double x = a[p * n + k], y = a[q * n + k];
        a[p * n + k] = c * x - s * y;
        a[q * n + k] = s * x + c * y;
    }
    for (size_t k = 0; k < n; k++) {
        double x = v[k * n + p], y = v[k * n + q];
        v[k * n + p] = c * x - s * y;
        v[k * n + q] = s * x + c * y;
    }
}

void tb_symmetric_eigen(double *a, size_t n, double *w, double *v)
{
    memset(v, 0, n * n * sizeof *v);
    for (size_t i = 0; i < n; i++)
        v[i * n + i] = 1;

    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        double off = 0, on = 0;
        for (size_t i = 0; i < n; i++) {
            on += a[i * n + i] * a[i * n + i];
            for (size_t j = i + 1; j < n; j++)
                off += a[i * n + j] * a[i * n + j];
        }
        if (off <= 1e-26 * on) break;
        for (size_t p = 0; p < n; p++)
            for (size_t q = p + 1; q < n; q++)
                rotate(a, v, n, p, q);
    }
    for (size_t i = 0; i < n; i++)
        w[i] = a[i * n + i];
}

static void compose(const double *w, const double *v, size_t n, double *out)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double sum = 0;
            for (size_t k = 0; k < n; k++)
                sum += v[i * n + k] * w[k] * v[j * n + k];
            out[i * n + j] = sum;
        }
}

void tb_symmetric_power(const double *a, size_t n, double power, double floor, double *out)
{
    double copy[MAX * MAX], w[MAX], v[MAX * MAX];

    memcpy(copy, a, n * n * sizeof *a);
    tb_symmetric_eigen(copy, n, w, v);
    for (size_t i = 0; i < n; i++)
        w[i] = pow(fmax(w[i], floor), power);
    compose(w, v, n, out);
}

void tb_symmetric_clip(const double *a, size_t n, double low, double high, double *out)
{
    double copy[MAX * MAX], w[MAX], v[MAX * MAX];

    memcpy(copy, a, n * n * sizeof *a);
    tb_symmetric_eigen(copy, n, w, v);
    for (size_t i = 0; i < n; i++)
        w[i] = fmin(fmax(w[i], low), high);
    compose(w, v, n, out);
}

void tb_symmetric_mul(const double *a, const double *b, size_t n, double *c)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double sum = 0;
            for (size_t k = 0; k < n; k++)
                sum += a[i * n + k] * b[k * n + j];
            c[i * n + j] = sum;
        }
}
