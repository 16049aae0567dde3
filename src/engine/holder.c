#include "engine/holder.h"

#include "base/clock.h"
#include "base/mem.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

struct tb_holder {
    tb_model_config config;
    pthread_mutex_t lock;
    tb_chatterbox *_Atomic model; /* changed under the lock */
    size_t users;
    int64_t used_ns; /* when somebody last had it */
    char *path;      /* NULL until the first load */
    char *name, *id; /* constant from then on, like path */
    atomic_bool has;
    tb_pace pace;
};

tb_holder *tb_holder_new(const tb_model_config *config)
{
    tb_holder *h = tb_alloc(sizeof *h);
    pthread_mutex_init(&h->lock, NULL);
    h->config = *config;
    return h;
}

void tb_holder_free(tb_holder *h)
{
    if (!h) return;
    assert(h->users == 0);
    tb_chatterbox_close(atomic_load(&h->model));
    pthread_mutex_destroy(&h->lock);
    tb_free(h->path);
    tb_free(h->name);
    tb_free(h->id);
    tb_free(h);
}

tb_status tb_holder_load(tb_holder *h, const char *path, tb_err *err)
{
    tb_chatterbox *c = NULL;
    assert(!tb_holder_has(h));
    tb_status st = tb_model_open(&h->config, path, &c, err);
    if (st) return st;
    pthread_mutex_lock(&h->lock);
    h->path = tb_strdup(path);
    h->name = tb_strdup(tb_chatterbox_model(c));
    h->id = tb_strdup(tb_chatterbox_id(c));
    h->used_ns = tb_clock_mono_ns();
    atomic_store_explicit(&h->model, c, memory_order_release);
    atomic_store_explicit(&h->has, true, memory_order_release);
    pthread_mutex_unlock(&h->lock);
    return TB_OK;
}

bool tb_holder_has(const tb_holder *h)
{
    return atomic_load_explicit(&h->has, memory_order_acquire);
}

const char *tb_holder_model(const tb_holder *h)
{
    return tb_holder_has(h) ? h->name : NULL;
}

const char *tb_holder_id(const tb_holder *h)
{
    return tb_holder_has(h) ? h->id : NULL;
}

/* Loads it again. Another file under the same name is another model: what is kept of voices is not
 * of it. Lock held. */
static tb_status wake(tb_holder *h, tb_err *err)
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

tb_status tb_holder_take(tb_holder *h, tb_chatterbox **out, tb_err *err)
{
    tb_status st = TB_OK;
    pthread_mutex_lock(&h->lock);
    if (!h->path)
        st = tb_fail(err, TB_EUNREADY, "there is no model to speak with");
    else if (!atomic_load(&h->model))
        st = wake(h, err);
    if (!st) {
        h->users++;
        *out = atomic_load(&h->model);
    }
    pthread_mutex_unlock(&h->lock);
    return st;
}

void tb_holder_give(tb_holder *h)
{
    pthread_mutex_lock(&h->lock);
    assert(h->users > 0);
    h->users--;
    h->used_ns = tb_clock_mono_ns();
    pthread_mutex_unlock(&h->lock);
}

tb_chatterbox *tb_holder_lent(const tb_holder *h)
{
    tb_chatterbox *c = atomic_load_explicit(&h->model, memory_order_acquire);
    assert(c);
    return c;
}

bool tb_holder_rest(tb_holder *h, double idle_s)
{
    tb_chatterbox *gone = NULL;
    pthread_mutex_lock(&h->lock);
    tb_chatterbox *c = atomic_load(&h->model);
    if (c && h->users == 0 && (double)(tb_clock_mono_ns() - h->used_ns) * 1e-9 >= idle_s) {
        gone = c;
        h->pace = tb_chatterbox_pace(c);
        atomic_store_explicit(&h->model, NULL, memory_order_release);
    }
    pthread_mutex_unlock(&h->lock);
    tb_chatterbox_close(gone);
    return gone != NULL;
}
