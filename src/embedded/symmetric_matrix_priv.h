#ifndef TB_EMBEDDED_SYMMETRIC_MATRIX_PRIV_H
#define TB_EMBEDDED_SYMMETRIC_MATRIX_PRIV_H

#include <stddef.h>

/* Functions of symmetric matrices, by a Jacobi eigen-decomposition. n <= TB_SYMMETRIC_MAX. */
enum { TB_SYMMETRIC_MAX = 24 };

/* a (n, n) = v diag(w) v^T; v's columns are the eigenvectors. a is destroyed. */
void tb_symmetric_eigen(double *a, size_t n, double *w, double *v);

/* out = a^power, eigenvalues floored first; out may be a. */
void tb_symmetric_power(const double *a, size_t n, double power, double floor, double *out);

/* Eigenvalues limited to low .. high; out may be a. */
void tb_symmetric_clip(const double *a, size_t n, double low, double high, double *out);

/* c = a b; c may be neither. */
void tb_symmetric_mul(const double *a, const double *b, size_t n, double *c);

#endif
