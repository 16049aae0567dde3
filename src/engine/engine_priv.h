#ifndef TB_ENGINE_ENGINE_PRIV_H
#define TB_ENGINE_ENGINE_PRIV_H

#include "engine/chatterbox.h"
#include "engine/engine.h"

/* The neural engine, NULL while there is none. Once there it stays until the engine closes. */
tb_chatterbox *tb_engine_neural(const tb_engine *engine);

#endif
