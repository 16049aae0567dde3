#ifndef TB_JOB_JOB_PRIV_H
#define TB_JOB_JOB_PRIV_H

#include "job/job.h"
#include "job/queue.h"
#include "voice/library.h"

#include <pthread.h>
#include <stdatomic.h>

/* Runs the next piece of a job on a worker. *again: there is another piece; the last one, which
 * also runs when the job is cancelled between two, frees what the job holds. Sets head, output or
 * json through the functions below. */
typedef tb_status (*tb_job_work)(tb_job *job, bool *again, tb_err *err);
struct tb_speaking;
struct tb_pending_voice;

struct tb_job {
    tb_queue_entry entry; /* the queue's; first, so that the queue hands back the job */
    tb_service *service;
    char id[37];
    char *user;
    tb_job_work work;
    tb_cancel cancel;
    struct tb_speaking *speaking;           /* between two pieces of speech */
    struct tb_pending_voice *pending_voice; /* an upload that is judged and not stored yet */
    int64_t held_ns;   /* since when it waits for the database; 0: it does not */
    int64_t worked_ns; /* so far; the worker's */
    atomic_int refs;   /* of the submitter, the queue and readers */

    /* what it works on: one of them, by kind of work */
    tb_speech_req req;
    tb_voice_upload upload;
    tb_ambience bed;

    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t changed;
    tb_job_view view;
    tb_job_head head; /* constant once view.ready */
    char *json;
    int fd; /* the output; -1 until begun */
    char *strings[12];
    size_t n_strings; /* owns what head points into */

    pthread_mutex_t wake_lock; /* held while wake runs, so that leaving can wait for it */
    tb_job_wake wake;
    void *wake_self;
};

struct tb_service {
    const tb_config *config;
    char *models, *cache; /* folders: our model files, and those of Hugging Face's programs */
    tb_store *store;
    tb_engine *engine;
    tb_ambience_set *ambiences;
    tb_voices *voices;
    tb_queue *queue;
    pthread_t warmer;
    bool warming, server;
    tb_cancel warm_cancel;
    atomic_bool warm;
    atomic_ullong done, failed, cancelled, refused;
    atomic_llong audio_us, work_us;
};

tb_status tb_job_submit(tb_service *s, tb_job *job, tb_job **out, tb_err *err); /* takes job */
tb_job *tb_job_new(tb_service *s, const char *user, tb_job_work work, tb_job_wake wake, void *self);
/* A copy that lives as long as the job, for the head. NULL gives NULL. */
const char *tb_job_keep(tb_job *job, const char *s);
/* The output grew to size bytes; ready says that the head is complete and may be sent. */
void tb_job_grew(tb_job *job, uint64_t size, bool ready);
void tb_job_set_fd(tb_job *job, int fd);       /* takes fd */
void tb_job_set_json(tb_job *job, char *json); /* takes json */

/* Before a write that the job depends on. True: another process holds the database, so end the
 * piece and ask again in the next one; other jobs run meanwhile. False: write now, which is
 * TB_EUNREADY when the database has been held for ten seconds. */
bool tb_job_must_wait(tb_job *job);

tb_queue_piece tb_job_run(tb_service *s, tb_job *job); /* on a worker: the next piece */
void tb_job_unref(tb_job *job);

/* The conductor (speech.c), uploads (upload.c), previews (preview.c). */
tb_status tb_work_speech(tb_job *job, bool *again, tb_err *err);
tb_status tb_work_voice(tb_job *job, bool *again, tb_err *err);
tb_status tb_work_preview(tb_job *job, bool *again, tb_err *err);

#endif
