#include "api/print.h"
#include "base/log.h"
#include "http/http_priv.h"

#include <stdio.h>
#include <string.h>

/* The sentence that a client gets with an error, without paths of this machine. */
enum { RETRY_AFTER_S = 2 };

/* A word that begins with the data folder, or in a fault of ours with a slash, becomes "(a file)":
 * paths are for the log only. */
void tb_hide_paths(const char *data, bool fault, char *msg)
{
    static const char instead[] = "(a file)", ends[] = " '\",;()", starts[] = " '\"(=";
    size_t folder = strlen(data);
    char *out = msg;
    for (const char *in = msg; *in;) {
        size_t word = strcspn(in, ends);
        bool path = (*in == '/' && fault) || (word > folder && folder > 1 &&
                                              strncmp(in, data, folder) == 0 && in[folder] == '/');
        if (!path || word < sizeof instead || (in > msg && !strchr(starts, in[-1]))) {
            *out++ = *in++;
            continue;
        }
        word -= in[word - 1] == ':';
        memcpy(out, instead, sizeof instead - 1);
        out += sizeof instead - 1;
        in += word;
    }
    *out = 0;
}

void tb_reply_error(tb_request *r, const tb_err *err)
{
    if (err->status == TB_EAUTH)
        tb_reply_header(r, "WWW-Authenticate", "Basic realm=\"timbre\", charset=\"UTF-8\"");
    if (err->status == TB_EBUSY || err->status == TB_EUNREADY || err->status == TB_ENOMEM) {
        char seconds[16];
        snprintf(seconds, sizeof seconds, "%d", RETRY_AFTER_S);
        tb_reply_header(r, "Retry-After", seconds);
    }
    if (tb_status_http(err->status) >= 500)
        tb_log(TB_ERROR, "http", "id=%s status=%s why=%s", r->id, tb_status_name(err->status),
               err->msg);
    tb_err said = *err;
    if (err->status ==
        TB_ENOSPACE) /* the path is for the log; the client gets what it can act on */
        tb_fail(&said, TB_ENOSPACE,
                strcmp(r->method, "DELETE") == 0
                    ? "the server's disk is so full that a removal cannot be noted: make some room "
                      "there by hand, then send this again"
                    : "the server's disk is full, and nothing of this was kept: remove what is not "
                      "needed any more (DELETE works all the same), or make room there");
    else
        tb_hide_paths(r->http->config->data, tb_status_http(err->status) >= 500, said.msg);
    tb_reply_json(r, tb_status_http(err->status), tb_print_error(TB_AS_DETAIL, &said));
}
