#ifndef TB_BASE_ERR_H
#define TB_BASE_ERR_H

#include <stdarg.h>
#include <stddef.h>

/*
 * How functions of ours fail. The status is for the program, the sentence is for a person: what
 * was wrong with which value, and what is allowed.
 */
#if defined(__GNUC__)
#define TB_MUST_CHECK         __attribute__((warn_unused_result))
#define TB_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define TB_NORETURN           __attribute__((noreturn))
#else
#define TB_MUST_CHECK
#define TB_PRINTF(fmt, first)
#define TB_NORETURN
#endif

typedef enum {
    TB_OK = 0,
    TB_EMALFORMED, /* 400 the request cannot be read, or lacks what it must have */
    TB_EAUTH,      /* 401 */
    TB_EFORBIDDEN, /* 403 */
    TB_ENOTFOUND,  /* 404 */
    TB_EMETHOD,    /* 405 */
    TB_ECONFLICT,  /* 409 name taken, or the wrong state for this */
    TB_ETOOBIG,    /* 413 */
    TB_EMEDIA,     /* 415 not a kind of data we read */
    TB_ERANGE,     /* 416 a byte range outside the file */
    TB_EINVAL,     /* 422 a field's value */
    TB_EBUSY,      /* 429 queue full, with Retry-After */
    TB_ECANCELLED, /* 499 the client left or the job was stopped; only in logs */
    TB_EINTERNAL,  /* 500 our fault, or the machine's */
    TB_EUNREADY,   /* 503 loading or stopping, with Retry-After */
    TB_ETIMEOUT,   /* 504 a child or a client took too long */
    TB_ENOSPACE,   /* 507 disk full */
    TB_ENOMEM,     /* 503 not enough memory for a size that a request or file chose */
    TB_EMODEL,     /* 500 a model file is wrong: do not start with it */
    TB_STATUS_COUNT
} tb_status;

typedef struct {
    tb_status status;
    char field[40]; /* the offending request field or setting; empty when there is none */
    char msg[512];  /* one sentence, UTF-8 */
} tb_err;

/* Fills err (which may be NULL) and returns status, so that `return tb_fail(...)` reads well. */
tb_status tb_fail(tb_err *err, tb_status status, const char *fmt, ...) TB_PRINTF(3, 4);

/* The same, naming the field. */
tb_status tb_fail_field(tb_err *err, tb_status status, const char *field, const char *fmt, ...)
    TB_PRINTF(4, 5);

/* An errno as a status: ENOSPC, EDQUOT and EFBIG are TB_ENOSPACE, ENOENT TB_ENOTFOUND, ENOMEM
 * TB_ENOMEM, the rest TB_EINTERNAL. The sentence gets ": <strerror>" appended. EMFILE and ENFILE
 * are TB_EUNREADY with a sentence of their own: no file is to blame. */
tb_status tb_fail_errno(tb_err *err, int errnum, const char *fmt, ...) TB_PRINTF(3, 4);

/* The HTTP status code and the short machine-readable name ("not_found") of a status. */
int tb_status_http(tb_status status);
const char *tb_status_name(tb_status status);

#endif
