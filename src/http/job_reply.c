#include "http/http_priv.h"

#include "api/range.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * The answer of a request that started a job: its headers from the job's head, its body from the
 * file that the job writes. A stream reads that file while it grows and the connection sleeps
 * between two pieces; everybody else sleeps until the job has ended. Relies on the job's wake
 * (tb_request_wake) and on the watcher for clients that leave meanwhile.
 */
enum { STREAM_BLOCK = 16384 };

static ssize_t read_stream(void *self, uint64_t pos, char *out, size_t max)
{
    tb_request *r = self;
    for (;;) {
        tb_job_view view = tb_job_look(r->job);
        if (view.state == TB_JOB_FAILED) return MHD_CONTENT_READER_END_WITH_ERROR;
        if (pos < view.size) {
            int64_t n = tb_job_read(r->job, pos, out, max);
            if (n <= 0) return MHD_CONTENT_READER_END_WITH_ERROR;
            r->sent += (uint64_t)n;
            tb_seat_go_on(r, TB_SEAT_REPLY);
            return (ssize_t)n;
        }
        if (view.state == TB_JOB_DONE) return MHD_CONTENT_READER_END_OF_STREAM;
        if (atomic_load(&r->http->closing)) return MHD_CONTENT_READER_END_WITH_ERROR;
        if (tb_request_sleep(r)) return 0;
    }
}

static void speech_headers(tb_request *r, const tb_job_head *h, bool done)
{
    char text[64];
    tb_reply_header(r, "Content-Type", h->content_type);
    tb_reply_header(r, "X-Job-Id", tb_job_id(r->job));
    tb_reply_header(r, "X-Engine", h->engine);
    tb_reply_header(r, "X-Engine-Reason", h->engine_reason);
    tb_reply_header(r, "X-Language", h->language);
    tb_reply_header(r, "X-Language-Guessed", h->language_guessed);
    tb_reply_header(r, "X-Stream-Pace", h->stream_pace);
    tb_reply_header(r, "X-Ignored-Parameters", h->ignored);
    tb_reply_header(r, "X-Unsupported-Tags", h->unsupported_tags);
    tb_reply_header(r, "X-Unknown-Tags", h->unknown_tags);
    tb_reply_header(r, "X-Unspoken-Text", h->unspoken);
    tb_reply_header(r, "X-History-Id", h->history_id);
    if (h->retried) {
        snprintf(text, sizeof text, "%zu", h->retried);
        tb_reply_header(r, "X-Retried-Segments", text);
    }
    if (h->engine) {
        snprintf(text, sizeof text, "%llu", (unsigned long long)h->seed);
        tb_reply_header(r, "X-Seed", text);
    }
    if (done) {
        snprintf(text, sizeof text, "%.3f", h->seconds);
        tb_reply_header(r, "X-Audio-Duration", text);
    }
    if (h->filename) {
        char *url = tb_sprintf("%s/download/%s", r->base, h->filename);
        tb_reply_header(r, "X-Download-Url", url);
        tb_free(url);
    }
    char *name = strncmp(r->path, "/demo", 5) == 0 && h->voice
                     ? tb_sprintf("demo_%s.%s", h->voice, h->extension)
                     : tb_sprintf("speech.%s", h->extension);
    char *disposition = tb_header_disposition(name, false);
    tb_reply_header(r, "Content-Disposition", disposition);
    tb_free(disposition);
    tb_free(name);
}

bool tb_reply_job(tb_request *r)
{
    tb_job_view view = tb_job_look(r->job);
    if (view.state == TB_JOB_FAILED) {
        tb_err why = view.err;
        if (why.status ==
            TB_ECANCELLED) { /* 499 is for the log: a client that reads this has not left */
            if (tb_service_look(r->http->service).stopping)
                tb_fail(&why, TB_EUNREADY, "the server is stopping");
            else
                tb_fail(&why, TB_ECONFLICT, "the job was cancelled");
        }
        tb_reply_error(r, &why);
        return true;
    }
    if (view.state == TB_JOB_DONE && tb_job_json(r->job)) {
        tb_reply_json(r, 200, tb_strdup(tb_job_json(r->job)));
        return true;
    }
    if (!view.ready) return false;
    if (r->streaming) {
        tb_reply_response(r, 200,
                          MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK,
                                                            read_stream, r, NULL),
                          0);
    } else {
        int fd = tb_job_fd(r->job);
        struct MHD_Response *whole =
            fd >= 0 ? MHD_create_response_from_fd64(view.size, fd) : NULL; /* takes fd */
        if (!whole && fd >= 0) close(fd);
        tb_reply_response(r, 200, whole, view.size);
    }
    speech_headers(r, tb_job_get_head(r->job), !r->streaming);
    return true;
}

enum MHD_Result tb_request_await_job(tb_request *r)
{
    r->phase = TB_AT_JOB;
    tb_watch_add(r); /* before the first look: a stream that is ready at once may sleep later */
    for (;;) {
        if (tb_reply_job(r)) return tb_reply_send(r);
        if (atomic_load(&r->http->closing)) {
            tb_fail(&r->err, TB_EUNREADY, "the server is stopping");
            return tb_reply_refused(r, &r->err);
        }
        if (tb_request_sleep(r)) return MHD_YES;
    }
}
