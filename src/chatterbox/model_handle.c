/*
 * The refcounted handle of an engine's model. acquire opens the model again if it was closed for
 * being idle; release drops a reference; close_idle closes a model without references that has not
 * been used for a while. Reading `model` and `has` needs no lock (release stores, acquire loads);
 * everything else is under it. Opening happens under the lock, so that several callers open it
 * once.
 *
 * Invariants, whenever the lock is free (assert_invariants): refs > 0 only while model is set;
 * model set implies path, name and id are set; these three never change after the first load.
 */
#include "chatterbox/model_handle.h"

#include "base/clock.h"
#include "base/mem.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

struct tb_model_handle {
    tb_model_config config;
    pthread_mutex_t lock;
    tb_chatterbox *_Atomic model; /* changed under the lock */
    size_t refs;                  /* acquired and not yet released */
    int64_t released_ns;          /* time of the last release */
    char *path;                   /* NULL until the first load */
    char *name, *id;              /* constant from then on, like path */
    atomic_bool has;
    tb_pace pace;
};

/* The lock is held. Free in release builds. */
static void assert_invariants(const tb_model_handle *h)
{
    assert(h->refs == 0 || atomic_load(&h->model));
    assert(!atomic_load(&h->model) || (h->path && h->name && h->id));
    (void)h;
}

tb_model_handle *tb_model_handle_new(const tb_model_config *config)
{
    tb_model_handle *h = tb_alloc(sizeof *h);
    pthread_mutex_init(&h->lock, NULL);
    h->config = *config;
    return h;
}

void tb_model_handle_free(tb_model_handle *h)
{
    if (!h) return;
    assert(h->refs == 0);
    tb_chatterbox_close(atomic_load(&h->model));
    pthread_mutex_destroy(&h->lock);
    tb_free(h->path);
    tb_free(h->name);
    tb_free(h->id);
    tb_free(h);
}

tb_status tb_model_handle_load(tb_model_handle *h, const char *path, tb_err *err)
{
    tb_chatterbox *c = NULL;
    assert(!tb_model_handle_ready(h));
    tb_status st = tb_model_open(&h->config, path, &c, err);
    if (st) return st;
    pthread_mutex_lock(&h->lock);
    h->path = tb_strdup(path);
    h->name = tb_strdup(tb_chatterbox_model(c));
    h->id = tb_strdup(tb_chatterbox_id(c));
    h->released_ns = tb_clock_mono_ns();
    atomic_store_explicit(&h->model, c, memory_order_release);
    atomic_store_explicit(&h->has, true, memory_order_release);
    pthread_mutex_unlock(&h->lock);
    return TB_OK;
}

bool tb_model_handle_ready(const tb_model_handle *h)
{
    return atomic_load_explicit(&h->has, memory_order_acquire);
}

const char *tb_model_handle_name(const tb_model_handle *h)
{
    return tb_model_handle_ready(h) ? h->name : NULL;
}

const tb_catalogue_model *tb_model_handle_entry(const tb_model_handle *h)
{
    const char *name = h ? tb_model_handle_name(h) : NULL;
    const tb_catalogue_model *m = name ? tb_catalogue_named(name) : NULL;
    if (!m && h) m = tb_catalogue_find(h->config.variant);
    return m ? m : tb_catalogue_find(NULL);
}

const char *tb_model_handle_id(const tb_model_handle *h)
{
    return tb_model_handle_ready(h) ? h->id : NULL;
}

/* Opens the model again; the lock is held. A different file under the same path is a different
 * model, to which stored voices do not belong: an error. */
static tb_status reopen(tb_model_handle *h, tb_err *err)
{
    tb_chatterbox *c = NULL;
    tb_status st = tb_model_open(&h->config, h->path, &c, err);
    if (st) return st;
    if (strcmp(tb_chatterbox_id(c), h->id) != 0) {
        tb_chatterbox_close(c);
        return tb_fail(err, TB_EUNREADY,
                       "the model in %s was replaced while it was not in use; restart the server",
                       h->path);
    }
    tb_chatterbox_set_pace(c, &h->pace);
    atomic_store_explicit(&h->model, c, memory_order_release);
    return TB_OK;
}

tb_status tb_model_handle_acquire(tb_model_handle *h, tb_chatterbox **out, tb_err *err)
{
    tb_status st = TB_OK;
    pthread_mutex_lock(&h->lock);
    if (!h->path)
        st = tb_fail(err, TB_EUNREADY, "there is no model to speak with");
    else if (!atomic_load(&h->model))
        st = reopen(h, err);
    if (!st) {
        h->refs++;
        *out = atomic_load(&h->model);
    }
    assert_invariants(h);
    pthread_mutex_unlock(&h->lock);
    return st;
}

void tb_model_handle_release(tb_model_handle *h)
{
    pthread_mutex_lock(&h->lock);
    assert(h->refs > 0);
    h->refs--;
    h->released_ns = tb_clock_mono_ns();
    assert_invariants(h);
    pthread_mutex_unlock(&h->lock);
}

tb_chatterbox *tb_model_handle_get(const tb_model_handle *h)
{
    tb_chatterbox *c = atomic_load_explicit(&h->model, memory_order_acquire);
    assert(c);
    return c;
}

bool tb_model_handle_close_idle(tb_model_handle *h, double idle_s)
{
    tb_chatterbox *closing = NULL;
    pthread_mutex_lock(&h->lock);
    tb_chatterbox *c = atomic_load(&h->model);
    if (c && h->refs == 0 && (double)(tb_clock_mono_ns() - h->released_ns) * 1e-9 >= idle_s) {
        closing = c;
        h->pace = tb_chatterbox_pace(c);
        atomic_store_explicit(&h->model, NULL, memory_order_release);
    }
    assert_invariants(h);
    pthread_mutex_unlock(&h->lock);
    tb_chatterbox_close(closing);
    return closing != NULL;
}
