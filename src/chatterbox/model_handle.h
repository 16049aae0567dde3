#ifndef TB_CHATTERBOX_MODEL_HANDLE_H
#define TB_CHATTERBOX_MODEL_HANDLE_H

#include "chatterbox/chatterbox.h"
#include "chatterbox/install.h"

/*
 * The refcounted handle of an engine's one model. A model without references that has been idle is
 * closed, which frees its memory; the next acquire opens it again, in some milliseconds from a
 * single file. Any thread.
 */
typedef struct tb_model_handle tb_model_handle;

tb_model_handle *tb_model_handle_new(
    const tb_model_config *config);            /* copied; its strings are borrowed */
void tb_model_handle_free(tb_model_handle *h); /* no references left */

/* Opens path for the first time; name and id are known from then on. */
TB_MUST_CHECK tb_status tb_model_handle_load(tb_model_handle *h, const char *path, tb_err *err);
bool tb_model_handle_ready(const tb_model_handle *h); /* open, or closed and can be opened again */
const char *tb_model_handle_name(
    const tb_model_handle *h); /* tb_chatterbox_model; NULL before the first load */
/* What the catalogue says of the loaded model; before that, and with NULL, of the one configured.
 */
const tb_catalogue_model *tb_model_handle_entry(const tb_model_handle *h);
const char *tb_model_handle_id(const tb_model_handle *h);

/* Takes a reference, opening the model if it is closed. Fails as tb_model_open does. Each acquire
 * needs a release. */
TB_MUST_CHECK tb_status tb_model_handle_acquire(tb_model_handle *h, tb_chatterbox **out,
                                                tb_err *err);
void tb_model_handle_release(tb_model_handle *h);
/* The model; the caller holds a reference. */
tb_chatterbox *tb_model_handle_get(const tb_model_handle *h);

/* Closes the model if it has no references and had none for idle_s seconds. True if it did. */
bool tb_model_handle_close_idle(tb_model_handle *h, double idle_s);

#endif
