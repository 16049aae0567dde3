#ifndef TB_ENGINE_ENGINE_PRIV_H
#define TB_ENGINE_ENGINE_PRIV_H

#include "engine/chatterbox.h"
#include "engine/engine.h"
#include "engine/holder.h"

/* The model, for who has it through a plan. */
tb_holder *tb_engine_holder(const tb_engine *engine);

/* plan->language and plan->guessed for a text. */
TB_MUST_CHECK tb_status tb_engine_language(const tb_embedded *e, const char *text,
                                           const tb_engine_opts *o, tb_plan *plan, tb_err *err);

#endif
