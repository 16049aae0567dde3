#ifndef TB_ENGINE_ENGINE_PRIV_H
#define TB_ENGINE_ENGINE_PRIV_H

#include "engine/chatterbox.h"
#include "engine/engine.h"
#include "engine/holder.h"

/* The model, for who has it through a plan. */
tb_holder *tb_engine_holder(const tb_engine *engine);

#endif
