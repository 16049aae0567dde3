/*
 * The life of a job: created, queued, run, read by its client, released or cancelled.
 *
 * A job is refcounted by its submitter, its readers and the queue. Its output is a file that
 * readers read with pread while it grows. State changes under the job's lock and wakes the waiting
 * connection. What a job does is speech.c, upload.c and preview.c. Relies on queue.c.
 *
 * Invariants, whenever the lock is free (assert_invariants):
 *   - refs >= 1 while anybody may use the job; the last holder frees it;
 *   - the state only goes on, from queued over running to done or failed, and ends once;
 *   - a job that is done is ready; what is ready does not become unready, and its size only grows;
 *   - the strings of the head are constant once it is ready: a stream may have sent them.
 */
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "job/job_priv.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORK_BYTES = 8 << 20 }; /* what a job may take without asking */

tb_job *tb_job_new(tb_service *s, const char *user, tb_job_work work, tb_job_wake wake, void *self)
{
    tb_job *job = tb_alloc(sizeof *job);
    job->service = s;
    job->user = tb_strdup(user ? user : "");
    job->work = work;
    job->wake = wake;
    job->wake_self = self;
    job->fd = -1;
    atomic_init(&job->refs, 2);
    tb_uuid(job->id);
    pthread_mutex_init(&job->lock, NULL);
    pthread_mutex_init(&job->wake_lock, NULL);
    pthread_cond_init(&job->changed, NULL);
    return job;
}

static void upload_clear(tb_voice_upload *u)
{
    tb_free(u->name);
    tb_free(u->language);
    tb_free(u->region);
    tb_free(u->gender);
    tb_free(u->description);
    tb_free(u->model);
    tb_free(u->user);
    tb_free(u->data);
    *u = (tb_voice_upload){0};
}

/* The lock is held. Free in release builds. */
static void assert_invariants(const tb_job *job)
{
    assert(atomic_load(&job->refs) >= 1);
    assert(job->view.state != TB_JOB_DONE || job->view.ready);
    assert(job->fd >= -1);
    (void)job;
}

static void unref(tb_job *job)
{
    const int refs = atomic_fetch_sub(&job->refs, 1);
    assert(refs >= 1);
    if (refs != 1) return;
    if (job->fd >= 0) close(job->fd);
    tb_speech_req_clear(&job->req);
    upload_clear(&job->upload);
    tb_free(job->user);
    tb_free(job->json);
    for (size_t i = 0; i < job->n_strings; i++)
        tb_free(job->strings[i]);
    pthread_mutex_destroy(&job->lock);
    pthread_mutex_destroy(&job->wake_lock);
    pthread_cond_destroy(&job->changed);
    tb_free(job);
}

const char *tb_job_keep(tb_job *job, const char *s)
{
    enum { MOST = sizeof job->strings / sizeof job->strings[0] };
    if (!s) return NULL;
    assert(!job->view.ready);      /* only the worker that calls this makes it ready */
    assert(job->n_strings < MOST); /* a new string of the head needs a larger array */
    if (job->n_strings == MOST) return NULL;
    return job->strings[job->n_strings++] = tb_strdup(s);
}

static void wake(tb_job *job)
{
    pthread_mutex_lock(&job->wake_lock);
    if (job->wake) job->wake(job->wake_self);
    pthread_mutex_unlock(&job->wake_lock);
}

void tb_job_grew(tb_job *job, uint64_t size, bool ready)
{
    pthread_mutex_lock(&job->lock);
    bool news = ready && (size != job->view.size || !job->view.ready);
    assert(size >= job->view.size && (ready || !job->view.ready));
    job->view.size = size;
    job->view.ready = ready;
    assert_invariants(job);
    pthread_mutex_unlock(&job->lock);
    if (news) wake(job);
}

void tb_job_set_fd(tb_job *job, int fd)
{
    pthread_mutex_lock(&job->lock);
    if (job->fd >= 0) close(job->fd);
    job->fd = fd;
    pthread_mutex_unlock(&job->lock);
}

void tb_job_set_json(tb_job *job, char *json)
{
    pthread_mutex_lock(&job->lock);
    tb_free(job->json);
    job->json = json;
    pthread_mutex_unlock(&job->lock);
}

static void finish(tb_job *job, tb_status st, const tb_err *err)
{
    tb_service *s = job->service;
    pthread_mutex_lock(&job->lock);
    assert(job->view.state == TB_JOB_QUEUED || job->view.state == TB_JOB_RUNNING);
    job->view.state = st ? TB_JOB_FAILED : TB_JOB_DONE;
    if (st)
        job->view.err = *err;
    else
        job->view.ready = true;
    assert_invariants(job);
    pthread_cond_broadcast(&job->changed);
    pthread_mutex_unlock(&job->lock);
    atomic_fetch_add(st == TB_OK ? &s->done : st == TB_ECANCELLED ? &s->cancelled : &s->failed, 1);
    wake(job);
}

/* A worker that waits inside the store would block jobs that do not need the database. */
bool tb_job_must_wait(tb_job *job)
{
    enum { NAP_MS = 20 };
    const int64_t now = tb_clock_mono_ns(), most = (int64_t)10 * 1000000000;
    const bool held = tb_store_is_held(job->service->store);
    /* Once it is free, the wait for others of us who write begins anew. */
    if (!held)
        job->held_ns = 0;
    else if (!job->held_ns)
        job->held_ns = now;
    const bool waits = held && now - job->held_ns < most && !tb_cancelled(&job->cancel);
    if (waits) tb_clock_sleep_ms(NAP_MS);
    tb_store_wait_until(job->held_ns ? job->held_ns + most : 0);
    return waits;
}

tb_queue_piece tb_job_run(tb_service *s, tb_job *job)
{
    tb_err err = {0};
    tb_status st = TB_OK;
    bool again = false;
    const bool begun = job->speaking || job->pending_voice;
    const int64_t began = tb_clock_mono_ns();
    if (!begun) {
        pthread_mutex_lock(&job->lock);
        job->view.state = TB_JOB_RUNNING;
        pthread_mutex_unlock(&job->lock);
        st = tb_cancelled(&job->cancel) ? tb_fail_cancelled(&err) : tb_mem_want(WORK_BYTES, &err);
    }
    if (!st) st = job->work(job, &again, &err);
    tb_store_wait_until(0);
    const int64_t took = tb_clock_mono_ns() - began;
    job->worked_ns += took;
    atomic_fetch_add(&s->work_us, took / 1000);
    if (!again) {
        const long long ms = job->worked_ns / 1000000;
        if (st)
            tb_log(st != TB_ECANCELLED ? TB_WARN : TB_INFO, "job",
                   "id=%s status=%s ms=%lld why=\"%s\"", job->id, tb_status_name(st), ms, err.msg);
        else
            tb_log(TB_INFO, "job", "id=%s status=%s ms=%lld", job->id, tb_status_name(st), ms);
        finish(job, st, &err);
    }
    return (tb_queue_piece){.again = again, .cost = (double)took * 1e-9};
}

void tb_job_unref(tb_job *job)
{
    unref(job);
}

tb_status tb_job_submit(tb_service *s, tb_job *job, tb_job **out, tb_err *err)
{
    /* *out is written first: a worker may wake the submitter before push returns. */
    *out = job;
    tb_status st = tb_queue_push(s->queue, job->user, &job->entry, err);
    if (st) {
        *out = NULL;
        atomic_fetch_add(&s->refused, 1);
        unref(job);
        unref(job);
    }
    return st;
}

tb_job_view tb_job_look(tb_job *job)
{
    pthread_mutex_lock(&job->lock);
    tb_job_view view = job->view;
    pthread_mutex_unlock(&job->lock);
    return view;
}

const tb_job_head *tb_job_get_head(tb_job *job)
{
    return &job->head;
}

const char *tb_job_json(tb_job *job)
{
    return job->json;
}

const char *tb_job_id(tb_job *job)
{
    return job->id;
}

int64_t tb_job_read(tb_job *job, uint64_t offset, void *out, size_t size)
{
    pthread_mutex_lock(&job->lock);
    int fd = job->fd;
    uint64_t have = job->view.ready ? job->view.size : 0;
    pthread_mutex_unlock(&job->lock);
    if (fd < 0 || offset > have) return -1;
    if (size > have - offset) size = (size_t)(have - offset);
    ssize_t n;
    do
        n = pread(fd, out, size, (off_t)offset);
    while (n < 0 && errno == EINTR);
    return n;
}

int tb_job_fd(tb_job *job)
{
    pthread_mutex_lock(&job->lock);
    int fd = job->fd >= 0 ? dup(job->fd) : -1;
    pthread_mutex_unlock(&job->lock);
    return fd;
}

void tb_job_cancel(tb_job *job)
{
    tb_cancel_set(&job->cancel);
    /* Between two pieces its next one runs at once and frees what the job holds. */
    if (tb_queue_remove(job->service->queue, &job->entry)) {
        /* It never ran: it ends here, so that its waiter is woken at once. */
        tb_err err = {0};
        tb_status st = tb_fail_cancelled(&err);
        finish(job, st, &err);
        unref(job);
    }
}

void tb_job_leave(tb_job *job)
{
    pthread_mutex_lock(&job->wake_lock);
    job->wake = NULL;
    pthread_mutex_unlock(&job->wake_lock);
    tb_job_cancel(job);
    unref(job);
}

void tb_job_release(tb_job *job)
{
    pthread_mutex_lock(&job->wake_lock);
    job->wake = NULL;
    pthread_mutex_unlock(&job->wake_lock);
    unref(job);
}

void tb_job_wait(tb_job *job)
{
    pthread_mutex_lock(&job->lock);
    while (job->view.state != TB_JOB_DONE && job->view.state != TB_JOB_FAILED)
        pthread_cond_wait(&job->changed, &job->lock);
    pthread_mutex_unlock(&job->lock);
}

struct search {
    const char *id, *user;
    tb_job *found;
};

static void match(void *self, tb_queue_entry *entry)
{
    struct search *search = self;
    tb_job *job = (tb_job *)entry;
    if (strcmp(job->id, search->id) != 0 || strcmp(job->user, search->user) != 0) return;
    /* The queue's reference keeps the job alive here: the queue's lock is held. */
    atomic_fetch_add(&job->refs, 1);
    search->found = job;
}

tb_status tb_job_cancel_id(tb_service *s, const char *id, const char *user, tb_err *err)
{
    struct search search = {id, user, NULL};
    tb_queue_each(s->queue, match, &search);
    if (!search.found)
        return tb_fail_field(err, TB_ENOTFOUND, "id", "no job '%.40s' is waiting or running", id);
    tb_job_cancel(search.found);
    unref(search.found);
    return TB_OK;
}
