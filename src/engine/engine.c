/*
 * The two engines of a process: opening and closing them, and how the neural model comes into
 * service while the embedded engine already speaks.
 *
 * The model is opened at the start if it is installed; else the warm-up thread fetches it, converts
 * it and opens it, with retries, and publishes it through the model handle, without a restart. The
 * same thread measures the pace. Plans hold a reference to the model, so none is closed while it is
 * used. Relies on chatterbox/install.h, chatterbox/model_handle.h and embedded/.
 */
#include "engine/engine_priv.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

tb_model_handle *tb_engine_model_handle(const tb_engine *e)
{
    return e->neural;
}

/* Loads what is installed. Weights that are there and wrong stop the start. */
static tb_status open_installed(tb_engine *e, bool must, tb_err *err)
{
    char *path = tb_model_installed(&e->model);
    tb_status st = TB_OK;
    if (path && !e->chosen) st = tb_model_handle_load(e->neural, path, err);
    if (!st && must && !tb_model_handle_ready(e->neural))
        st = tb_fail_field(err, TB_EUNREADY, "ENGINE",
                           "ENGINE is chatterbox, but " TB_ENGINE_NO_WEIGHTS
                           "; get them with: timbre model pull, or "
                           "use one of the engines allowed without them: auto, embedded",
                           tb_model_handle_entry(e->neural)->name);
    tb_free(path);
    return st;
}

static bool will_install(const tb_engine *e)
{
    return e->model.download && e->model.folder && !e->chosen && !tb_model_handle_ready(e->neural);
}

tb_status tb_engine_open(const tb_engine_config *config, tb_engine **out, tb_err *err)
{
    tb_engine *e = tb_alloc(sizeof *e);
    pthread_mutex_init(&e->lock, NULL);
    e->chosen = config->engine == TB_ENGINE_EMBEDDED;
    e->model = config->model;
    e->neural = tb_model_handle_new(&e->model);
    tb_status st = tb_embedded_open(&config->embedded, &e->embedded, err);
    if (!st) st = open_installed(e, config->engine == TB_ENGINE_CHATTERBOX, err);
    /* Told from the first request on, not only once the fetching has begun. */
    if (!st && will_install(e))
        e->progress =
            (tb_model_progress){.state = "waiting",
                                .note = "it is fetched as soon as the embedded engine is warm"};
    if (st)
        tb_engine_close(e);
    else
        *out = e;
    return st;
}

void tb_engine_close(tb_engine *e)
{
    if (!e) return;
    tb_model_handle_free(e->neural);
    tb_embedded_close(e->embedded);
    pthread_mutex_destroy(&e->lock);
    tb_free(e);
}

/* ---- getting the model while the embedded engine speaks ---- */

static void on_progress(void *self, const tb_model_progress *p)
{
    tb_engine *e = self;
    pthread_mutex_lock(&e->lock);
    e->progress = *p;
    pthread_mutex_unlock(&e->lock);
}

bool tb_engine_progress(tb_engine *e, tb_model_progress *out)
{
    pthread_mutex_lock(&e->lock);
    *out = e->progress;
    pthread_mutex_unlock(&e->lock);
    return out->state != NULL;
}

/* False when cancelled meanwhile. */
static bool wait_s(double seconds, const tb_cancel *cancel)
{
    for (int64_t until = tb_clock_mono_ns() + (int64_t)(seconds * 1e9);
         tb_clock_mono_ns() < until;) {
        if (tb_cancelled(cancel)) return false;
        tb_clock_sleep_ms(100);
    }
    return !tb_cancelled(cancel);
}

/* How fast this machine speaks; known from then on, and from an earlier start. */
static void find_pace(tb_engine *e, const tb_cancel *cancel)
{
    tb_chatterbox *c;
    char *name = NULL, *path = NULL;
    if (!tb_model_handle_ready(e->neural) || tb_cancelled(cancel)) return;
    if (tb_model_handle_acquire(e->neural, &c, NULL)) return;
    if (e->model.folder && tb_file_mkdirs(e->model.folder, 0700, NULL) == TB_OK) {
        name = tb_sprintf("pace-%s.json", tb_chatterbox_id(c));
        path = tb_path_join(e->model.folder, name);
    }
    tb_chatterbox_find_pace(c, path, cancel);
    tb_model_handle_release(e->neural);
    tb_free(path);
    tb_free(name);
}

/* Until the model speaks or somebody cancels: what fails today may succeed in an hour, and every
 * failure is told where people look, in GET / and in the log. */
static void install(tb_engine *e, const tb_cancel *cancel)
{
    enum { FIRST_WAIT_S = 60, LONGEST_WAIT_S = 3600 };
    for (double pause = FIRST_WAIT_S;; pause = fmin(2 * pause, LONGEST_WAIT_S)) {
        tb_err err = {0};
        char *path = NULL;
        tb_status st = tb_model_install(&e->model, on_progress, e, cancel, &path, &err);
        if (!st) {
            on_progress(e, &(tb_model_progress){.state = "loading"});
            st = tb_model_handle_load(e->neural, path, &err);
        }
        tb_free(path);
        if (!st) {
            on_progress(e, &(tb_model_progress){0});
            find_pace(e, cancel);
            tb_log(TB_INFO, "engine", "model=%s state=speaking type=%s",
                   tb_model_handle_name(e->neural), tb_model_type_name(e->model.type));
            return;
        }
        if (st == TB_ECANCELLED) return;
        tb_model_progress failed = {.state = "failed"};
        snprintf(failed.note, sizeof failed.note, "%.255s", err.msg);
        on_progress(e, &failed);
        tb_log(TB_WARN, "engine", "model=failed why=\"%s\" again_in_s=%.0f", err.msg, pause);
        if (!wait_s(pause, cancel)) return;
    }
}

void tb_engine_warm(tb_engine *e, const tb_cancel *cancel)
{
    tb_embedded_warm(e->embedded, cancel);
}

void tb_engine_get_ready(tb_engine *e, const tb_cancel *cancel)
{
    find_pace(e, cancel);
    if (will_install(e) && !tb_cancelled(cancel)) install(e, cancel);
    while (e->model.idle_ttl_s > 0 && wait_s(1, cancel))
        if (tb_model_handle_close_idle(e->neural, e->model.idle_ttl_s))
            tb_log(TB_INFO, "engine", "model=%s state=resting", tb_model_handle_name(e->neural));
}

tb_embedded *tb_engine_embedded(tb_engine *e)
{
    return e->embedded;
}

tb_engine_kind tb_engine_current(const tb_engine *e)
{
    return tb_model_handle_ready(e->neural) ? TB_ENGINE_CHATTERBOX : TB_ENGINE_EMBEDDED;
}

const char *tb_engine_model(const tb_engine *e)
{
    const char *model = tb_model_handle_name(e->neural);
    return model ? model : "embedded";
}
