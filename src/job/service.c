/*
 * Opens and closes what jobs need: store, engine, ambiences, voices, queue; starts workers and
 * warm-up.
 *
 * Rooms are opened in order of dependence and closed in reverse; a failure undoes what was opened.
 * In a server all of it starts on a thread of lower priority, which its threads inherit, so
 * answering requests goes before computing. Workers live until tb_service_stop, which drains and
 * then cancels.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "job/job_priv.h"

#include <stdlib.h>
#include <unistd.h>

/* Strings are the configuration's and the service's. Only a server downloads: somebody who says one
 * sentence on the command line does not wait for gigabytes. */
static tb_model_config model_config(const tb_service *s, bool server)
{
    const tb_config *c = s->config;
    return (tb_model_config){
        .path = c->model,
        .folder = s->models,
        .variant = c->model_variant,
        .type = c->model_type,
        .perth = c->perth,
        .threads = (size_t)c->threads,
        .idle_ttl_s = c->model_idle_ttl_s,
        .download = server && c->model_download && !*c->model,
        .endpoint = c->hf_endpoint,
        .token = c->hf_token,
        .revision = c->model_revision,
        .cache = s->cache,
        .offline = c->hf_hub_offline,
    };
}

/* Opens the rooms in their order and closes them in reverse. */

static tb_status open_rooms(tb_service *s, tb_err *err)
{
    const tb_config *config = s->config;
    const bool exclusive = s->server;
    tb_status st = TB_OK;
    char *bases = NULL;
    s->models = tb_path_join(config->data, "models");
    s->cache = tb_fetch_cache_folder(config->hf_hub_cache, config->hf_home);
    st = tb_store_open(config->data, exclusive, &s->store, err);
    if (st) goto out;
    bases = tb_path_join(config->data, "bases");
    st = tb_file_mkdirs(bases, 0700, err);
    if (st) goto out;
    if (exclusive) tb_file_sweep(bases, tb_clock_now_us()); /* as the store does with its folders */
    st = tb_engine_open(&(tb_engine_config){.engine = config->engine,
                                            .embedded = {.bases_dir = bases,
                                                         .default_language = config->language,
                                                         .default_base = config->default_base,
                                                         .espeak_program = config->espeak_program,
                                                         .espeak_data_path =
                                                             config->espeak_data_path},
                                            .model = model_config(s, exclusive)},
                        &s->engine, err);
    if (st) goto out;
    st = tb_ambience_open(config->ambience_dir, &s->ambiences, err);
    if (st) goto out;
    s->voices = tb_voices_new(s->store, tb_engine_model_handle(s->engine));
out:
    tb_free(bases);
    return st;
}

/* A server computes on threads that give way to those who answer. All that compute are started by
 * what is called through here, now or later: they inherit it. Whoever waits at a terminal has no
 * others to give way to. */
struct start {
    tb_service *s;
    tb_status (*step)(tb_service *s, tb_err *err);
    tb_status st;
    tb_err *err;
};

static void take_step(void *self)
{
    struct start *start = self;
    start->st = start->step(start->s, start->err);
}

static tb_status lowered(tb_service *s, tb_status (*step)(tb_service *s, tb_err *err), tb_err *err)
{
    struct start start = {s, step, TB_OK, err};
    if (!s->server) return step(s, err);
    tb_thread_lowered(take_step, &start);
    return start.st;
}

tb_status tb_service_open(const tb_config *config, bool exclusive, tb_service **out, tb_err *err)
{
    tb_service *s = tb_alloc(sizeof *s);
    s->config = config;
    s->server = exclusive;
    tb_status st = lowered(s, open_rooms, err);
    if (st)
        tb_service_close(s);
    else
        *out = s;
    return st;
}

static tb_queue_piece run(void *self, tb_queue_entry *entry)
{
    return tb_job_run(self, (tb_job *)entry);
}

static void release(void *self, tb_queue_entry *entry)
{
    (void)self;
    tb_job_unref((tb_job *)entry);
}

static void *warm_up(void *arg)
{
    tb_service *s = arg;
    tb_engine_warm(s->engine, &s->warm_cancel);
    atomic_store(&s->warm, true);
    if (s->server) tb_engine_get_ready(s->engine, &s->warm_cancel);
    return NULL;
}

/* A quarter of four workers and more takes no long texts, and one worker of it brief
 * work only: a sentence, a bed's preview, an upload. */
static int reserved_workers(int workers)
{
    return workers / 4;
}

static tb_status start_workers(tb_service *s, tb_err *err)
{
    int workers = s->config->workers;
    if (workers == 0) {
        long cores = sysconf(_SC_NPROCESSORS_ONLN);
        /* Speakers share the passes over the model's weights: eight on two cores are three times
         * as much speech as two. Two more are for shorter work. */
        workers = cores < 8 ? 10 : cores > 64 ? 80 : (int)cores * 5 / 4;
    }
    tb_status st = tb_queue_new(workers, s->config->queue_max, s->config->queue_per_user, run,
                                release, s, &s->queue, err);
    if (st) return st;
    tb_queue_reserve_workers(s->queue, reserved_workers(workers));
    int why = pthread_create(&s->warmer, NULL, warm_up, s);
    s->warming = why == 0;
    return why ? tb_fail_errno(err, why, "cannot start the warm-up") : TB_OK;
}

tb_status tb_service_start(tb_service *s, tb_err *err)
{
    return lowered(s, start_workers, err);
}

static void cancel_one(void *self, tb_queue_entry *entry)
{
    (void)self;
    tb_cancel_set(&((tb_job *)entry)->cancel);
}

void tb_service_stop(tb_service *s, int grace_ms)
{
    if (!s->queue) return;
    if (!tb_queue_drain(s->queue, grace_ms)) {
        tb_log(TB_WARN, "job", "stop=cancelling the jobs that did not end within the grace time");
        tb_queue_each(s->queue, cancel_one, NULL);
        /* They may wait for a database that another process holds. */
        tb_store_stop_waiting(s->store);
        tb_queue_drain(s->queue, 5000);
    }
    tb_store_stop_waiting(s->store);
}

void tb_service_close(tb_service *s)
{
    if (!s) return;
    tb_cancel_set(&s->warm_cancel);
    if (s->warming) pthread_join(s->warmer, NULL);
    tb_queue_free(s->queue);
    tb_voices_free(s->voices);
    tb_ambience_close(s->ambiences);
    tb_engine_close(s->engine);
    tb_store_close(s->store);
    tb_free(s->models);
    tb_free(s->cache);
    tb_free(s);
}

tb_store *tb_service_store(tb_service *s)
{
    return s->store;
}

tb_engine *tb_service_engine(tb_service *s)
{
    return s->engine;
}

const tb_ambience_set *tb_service_ambiences(tb_service *s)
{
    return s->ambiences;
}

tb_service_stats tb_service_look(tb_service *s)
{
    tb_service_stats stats = {
        .done = atomic_load(&s->done),
        .failed = atomic_load(&s->failed),
        .cancelled = atomic_load(&s->cancelled),
        .refused = atomic_load(&s->refused),
        .audio_seconds = (double)atomic_load(&s->audio_us) / 1e6,
        .work_seconds = (double)atomic_load(&s->work_us) / 1e6,
        .warm = atomic_load(&s->warm),
    };
    if (s->queue)
        tb_queue_look(s->queue, &stats.queued, &stats.running, &stats.workers, &stats.stopping);
    return stats;
}
