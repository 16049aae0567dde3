#include "base/str.h"
#include "engine/engine_priv.h"
#include "text/guess.h"

#include <string.h>

/*
 * In which language a text is read: the one that was asked for; else the configured one; where that
 * was left open, the one that the text is clearly written in. Who asks for the engine that speaks
 * English only gets English, and is told what the text seems to be.
 */
tb_status tb_engine_language(const tb_embedded *e, const char *text, const tb_engine_opts *o,
                             tb_plan *plan, tb_err *err)
{
    const char *asked = o->language ? o->language : "";
    const bool by_text = tb_language_is_auto(asked);
    const tb_language *guessed;
    tb_status st = tb_embedded_language(e, by_text ? "" : asked, &plan->language, err);
    if (st || !text || !(by_text || (!*asked && tb_embedded_guesses(e)))) return st;
    plan->guessed = tb_guess_language(text, plan->language->code);
    if (plan->guessed && o->engine != TB_ENGINE_CHATTERBOX &&
        tb_embedded_language(e, plan->guessed, &guessed, NULL) == TB_OK)
        plan->language = guessed;
    return TB_OK;
}
