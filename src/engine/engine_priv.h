#ifndef TB_ENGINE_ENGINE_PRIV_H
#define TB_ENGINE_ENGINE_PRIV_H

#include "chatterbox/chatterbox.h"
#include "chatterbox/model_handle.h"
#include "engine/engine.h"

#include <pthread.h>

/*
 * Two engines behind one interface. The neural one needs weights; until they are there, asking for
 * it by name is an error that says so, and `auto` is the embedded engine with the reason in every
 * answer. It is taken into service once, while requests are in flight or not. A plan has the model
 * until it is cleared.
 */
struct tb_engine {
    tb_embedded *embedded;
    bool chosen; /* ENGINE=embedded: the user's wish, no reason to give */
    tb_model_handle *neural;
    tb_model_config model; /* strings are the opener's, which outlive the engine */
    pthread_mutex_t lock;
    tb_model_progress progress; /* state NULL: nothing is being done */
};

/* A sentence's end, of the model's name. */
#define TB_ENGINE_NO_WEIGHTS "the weights of %s are not installed"

/* The neural engine speaks this plan. */
bool tb_plan_is_neural(const tb_plan *plan);

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
