#include "base/err.h"

#include "base/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
    int http;
    const char *name;
} statuses[TB_STATUS_COUNT] = {
    [TB_OK] = {200, "ok"},
    [TB_EMALFORMED] = {400, "malformed"},
    [TB_EAUTH] = {401, "unauthorized"},
    [TB_EFORBIDDEN] = {403, "forbidden"},
    [TB_ENOTFOUND] = {404, "not_found"},
    [TB_EMETHOD] = {405, "method_not_allowed"},
    [TB_ECONFLICT] = {409, "conflict"},
    [TB_ETOOBIG] = {413, "too_large"},
    [TB_EMEDIA] = {415, "unsupported_media_type"},
    [TB_ERANGE] = {416, "range_not_satisfiable"},
    [TB_EINVAL] = {422, "invalid_value"},
    [TB_EBUSY] = {429, "busy"},
    [TB_ECANCELLED] = {499, "cancelled"},
    [TB_EINTERNAL] = {500, "internal"},
    [TB_EUNREADY] = {503, "unavailable"},
    [TB_ETIMEOUT] = {504, "timeout"},
    [TB_ENOSPACE] = {507, "insufficient_storage"},
    [TB_ENOMEM] = {503, "out_of_memory"},
    [TB_EMODEL] = {500, "bad_model"},
};

TB_PRINTF(4, 0)
static void fill(tb_err *err, tb_status status, const char *field, const char *fmt, va_list ap)
{
    if (!err) return;
    err->status = status;
    snprintf(err->field, sizeof err->field, "%s", field ? field : "");
    vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    tb_utf8_trim(err->msg); /* a cut in the middle of a character must not reach JSON */
    tb_utf8_trim(err->field);
}

tb_status tb_fail(tb_err *err, tb_status status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fill(err, status, NULL, fmt, ap);
    va_end(ap);
    return status;
}

tb_status tb_fail_field(tb_err *err, tb_status status, const char *field, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fill(err, status, field, fmt, ap);
    va_end(ap);
    return status;
}

tb_status tb_fail_errno(tb_err *err, int errnum, const char *fmt, ...)
{
    if (errnum == EMFILE || errnum == ENFILE) /* not about the file, whatever it is called */
        return tb_fail(err, TB_EUNREADY,
                       "the server has too many files open at the moment; try again soon");
    tb_status status = errnum == ENOSPC || errnum == EDQUOT || errnum == EFBIG ? TB_ENOSPACE
                       : errnum == ENOENT                                      ? TB_ENOTFOUND
                       : errnum == ENOMEM                                      ? TB_ENOMEM
                                                                               : TB_EINTERNAL;
    va_list ap;
    va_start(ap, fmt);
    fill(err, status, NULL, fmt, ap);
    va_end(ap);
    if (err) {
        char reason[128] = "";
        size_t len = strlen(err->msg);
        if (strerror_r(errnum, reason, sizeof reason) != 0)
            snprintf(reason, sizeof reason, "error %d", errnum);
        snprintf(err->msg + len, sizeof err->msg - len, ": %s", reason);
        tb_utf8_trim(err->msg);
    }
    return status;
}

int tb_status_http(tb_status status)
{
    return (unsigned)status < TB_STATUS_COUNT ? statuses[status].http : 500;
}

const char *tb_status_name(tb_status status)
{
    return (unsigned)status < TB_STATUS_COUNT ? statuses[status].name : "internal";
}
