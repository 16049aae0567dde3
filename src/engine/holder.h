#ifndef TB_ENGINE_HOLDER_H
#define TB_ENGINE_HOLDER_H

#include "engine/chatterbox.h"
#include "engine/install.h"

/*
 * The one model of an engine: loaded or not, lent to whoever speaks with it. When nobody has for a
 * while it is closed, and its memory is everybody's; the next who asks loads it again, which takes
 * some milliseconds from a single file. Any thread.
 */
typedef struct tb_holder tb_holder;

tb_holder *tb_holder_new(const tb_model_config *config); /* copied; its strings are borrowed */
void tb_holder_free(tb_holder *h);                       /* nobody has it */

/* Loads path and keeps it; what it is called and told apart by is known from then on. */
TB_MUST_CHECK tb_status tb_holder_load(tb_holder *h, const char *path, tb_err *err);
bool tb_holder_has(const tb_holder *h); /* loaded, or closed and to be had */
const char *tb_holder_model(
    const tb_holder *h); /* of tb_chatterbox_model; NULL while it has none */
const char *tb_holder_id(const tb_holder *h);

/* Lends it, loading it first if need be. Fails as tb_model_open does. Each take needs its give. */
TB_MUST_CHECK tb_status tb_holder_take(tb_holder *h, tb_chatterbox **out, tb_err *err);
void tb_holder_give(tb_holder *h);
/* For who has taken it. */
tb_chatterbox *tb_holder_lent(const tb_holder *h);

/* Closes it when nobody has it and nobody had it for so many seconds. True when it did. */
bool tb_holder_rest(tb_holder *h, double idle_s);

#endif
