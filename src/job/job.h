#ifndef TB_JOB_JOB_H
#define TB_JOB_JOB_H

#include "ambience/ambience.h"
#include "api/speech_req.h"
#include "base/cancel.h"
#include "config/config.h"
#include "engine/engine.h"
#include "store/store.h"

#include <stdint.h>

/*
 * The conductor: one queue with a lane per caller, worker threads, and the life of a job. Any
 * thread may call. HTTP threads submit, look and read; they never compute.
 *
 * What a job makes goes into a file (the clip that history keeps, or an unlinked one), never into
 * a pipe: a reader takes it with pread at its own pace while it grows, so a slow client cannot
 * hold a worker.
 */
typedef struct tb_service tb_service;
typedef struct tb_job tb_job;

TB_MUST_CHECK tb_status tb_service_open(const tb_config *config, bool exclusive, tb_service **out,
                                        tb_err *err);
/* Starts the workers (and the warm-up). */
TB_MUST_CHECK tb_status tb_service_start(tb_service *s, tb_err *err);
/* New jobs are refused with TB_EUNREADY from now on; waits for the accepted ones, at most grace_ms,
 * then cancels the rest. */
void tb_service_stop(tb_service *s, int grace_ms);
void tb_service_close(tb_service *s);

tb_store *tb_service_store(tb_service *s);
tb_engine *tb_service_engine(tb_service *s);
const tb_ambience_set *tb_service_ambiences(tb_service *s);

typedef enum { TB_JOB_QUEUED, TB_JOB_RUNNING, TB_JOB_DONE, TB_JOB_FAILED } tb_job_state;

/* What the answer's headers say; strings belong to the job and do not change once `ready`. */
typedef struct {
    const char *content_type, *extension;
    const char *engine, *engine_reason, *language;
    const char *language_guessed; /* NULL: it was said, or is the default */
    const char *stream_pace;      /* NULL: not made by pieces */
    const char *ignored, *unsupported_tags, *unknown_tags, *unspoken; /* NULL none */
    const char *history_id, *filename;                                /* NULL: not kept */
    const char *voice;
    uint64_t seed;
    double seconds; /* of audio; 0 until done */
    size_t retried; /* pieces spoken twice, the first time being far too long or short */
} tb_job_head;

typedef struct {
    tb_job_state state;
    bool ready;    /* head is valid and bytes may be sent: at the first bytes when streaming, at
                      the end otherwise */
    uint64_t size; /* bytes that may be read now; final when DONE */
    tb_err err;    /* FAILED */
} tb_job_view;

/* Called from a worker whenever the view changed. The job's wake lock is held: a caller of
 * tb_job_leave or tb_job_release may not hold a lock that its wake takes. */
typedef void (*tb_job_wake)(void *self);

/*
 * Speech. takes *req (it is {0} after), on failure too. TB_EBUSY when the caller's lane or the
 * queue is full, TB_EUNREADY when stopping.
 */
TB_MUST_CHECK tb_status tb_job_speech(tb_service *s, tb_speech_req *req, tb_job_wake wake,
                                      void *self, tb_job **out, tb_err *err);

/* An upload to be kept as a voice: decoded, checked, measured, stored. takes data and row. Its
 * result is JSON (tb_job_json). */
typedef struct {
    char *name, *language, *region, *gender, *description, *model, *user;
    bool overwrite;
    void *data;
    size_t size;
} tb_voice_upload;
TB_MUST_CHECK tb_status tb_job_voice(tb_service *s, tb_voice_upload *upload, tb_job_wake wake,
                                     void *self, tb_job **out, tb_err *err);

/* Six seconds of a bed as wav. */
TB_MUST_CHECK tb_status tb_job_preview(tb_service *s, const tb_ambience *bed, const char *user,
                                       tb_job_wake wake, void *self, tb_job **out, tb_err *err);

tb_job_view tb_job_look(tb_job *job);
const tb_job_head *tb_job_get_head(tb_job *job); /* after ready */
const char *tb_job_json(tb_job *job);            /* after DONE; NULL when the job made audio */
const char *tb_job_id(tb_job *job);
/* Bytes at offset, at most view.size; -1 on a read error. */
int64_t tb_job_read(tb_job *job, uint64_t offset, void *out, size_t size);
int tb_job_fd(tb_job *job); /* after DONE: a dup the caller closes, positioned anywhere; -1 none */

/* The client left: nobody will call wake again after this returns. The job is cancelled unless it
 * is done. Gives the caller's reference back. */
void tb_job_leave(tb_job *job);
/* Gives the reference back without cancelling. */
void tb_job_release(tb_job *job);
/* Asks it to stop; the reference stays. tb_job_look tells when it has. */
void tb_job_cancel(tb_job *job);
/* By id, for DELETE /jobs/{id}; only the same user's. */
TB_MUST_CHECK tb_status tb_job_cancel_id(tb_service *s, const char *id, const char *user,
                                         tb_err *err);
/* Blocks until done or failed (the command line). */
void tb_job_wait(tb_job *job);

typedef struct {
    int queued, running, workers;
    uint64_t done, failed, cancelled, refused;
    double audio_seconds, work_seconds;
    bool stopping, warm;
} tb_service_stats;
tb_service_stats tb_service_look(tb_service *s);

#endif
