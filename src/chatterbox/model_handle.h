#ifndef TB_CHATTERBOX_MODEL_HANDLE_H
#define TB_CHATTERBOX_MODEL_HANDLE_H

#include "chatterbox/chatterbox.h"
#include "chatterbox/install.h"

/*
 * The one model of an engine: loaded or not, lent to whoever speaks with it. When nobody has for a
 * while it is closed, and its memory is everybody's; the next who asks loads it again, which takes
 * some milliseconds from a single file. Any thread.
 */
typedef struct tb_model_handle tb_model_handle;

tb_model_handle *tb_model_handle_new(
    const tb_model_config *config);            /* copied; its strings are borrowed */
void tb_model_handle_free(tb_model_handle *h); /* nobody has it */

/* Loads path and keeps it; what it is called and told apart by is known from then on. */
TB_MUST_CHECK tb_status tb_model_handle_load(tb_model_handle *h, const char *path, tb_err *err);
bool tb_model_handle_ready(const tb_model_handle *h); /* loaded, or closed and to be had */
const char *tb_model_handle_name(
    const tb_model_handle *h); /* of tb_chatterbox_model; NULL while it has none */
const char *tb_model_handle_id(const tb_model_handle *h);

/* Lends it, loading it first if need be. Fails as tb_model_open does. Each take needs its give. */
TB_MUST_CHECK tb_status tb_model_handle_acquire(tb_model_handle *h, tb_chatterbox **out,
                                                tb_err *err);
void tb_model_handle_release(tb_model_handle *h);
/* For who has taken it. */
tb_chatterbox *tb_model_handle_get(const tb_model_handle *h);

/* Closes it when nobody has it and nobody had it for so many seconds. True when it did. */
bool tb_model_handle_close_idle(tb_model_handle *h, double idle_s);

#endif
