#ifndef TB_ENGINE_ENGINE_PRIV_H
#define TB_ENGINE_ENGINE_PRIV_H

#include "engine/chatterbox.h"
#include "engine/engine.h"
#include "engine/model_handle_priv.h"

/* The model, for who has it through a plan. */
tb_model_handle *tb_engine_model_handle(const tb_engine *engine);

/* plan->language and plan->guessed for a text. */
TB_MUST_CHECK tb_status tb_engine_language(const tb_embedded *e, const char *text,
                                           const tb_engine_opts *o, tb_plan *plan, tb_err *err);
/* The entries of a list that are of the text's language, made ready; NULL when there are none.
 * TB_EINVAL (field pronunciations) when one of the request's names a language that is none. */
TB_MUST_CHECK tb_status tb_engine_lexicon(const tb_embedded *e, const tb_pronunciations *list,
                                          const tb_language *language, tb_lexicon **out,
                                          tb_err *err);
/* A text with nothing done to it but this. *out is heap. */
TB_MUST_CHECK tb_status tb_engine_pronounce(tb_lexicon *lexicon, const char *text, char **out,
                                            tb_err *err);
/* Adds the entries that were put in to out. */
TB_MUST_CHECK tb_status tb_engine_note_pronounced(const tb_lexicon *lexicon,
                                                  const tb_pronunciations *list,
                                                  tb_pronunciations *out, tb_err *err);

#endif
