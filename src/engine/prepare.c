/*
 * From a text and options to a plan: which engine speaks, in which language, the script of
 * sentences, tags, pauses and beds, and which parts of the request will have no effect (so that the
 * reply can say so). Nothing is synthesised here; everything that can be refused is refused here.
 * Relies on text/front.h, text/script.h and params/.
 */
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "catalogue/catalogue.h"
#include "engine/engine_priv.h"
#include "params/params.h"
#include "text/front.h"

#include <math.h>
#include <string.h>

#define NOT_LOADED "ENGINE=embedded keeps %s from being loaded"

/* Which engine speaks: the request's word, else the configuration's, else the language decides. */
static tb_status choose(tb_engine *e, const tb_engine_opts *o, tb_plan *plan, tb_err *err)
{
    const tb_catalogue_model *model = tb_model_handle_entry(e->neural);
    const bool speaks = tb_catalogue_speaks(model, plan->language->code);
    const bool by_name = o->engine == TB_ENGINE_CHATTERBOX;
    bool there = tb_model_handle_ready(e->neural);
    plan->engine = TB_ENGINE_EMBEDDED;
    if (by_name && !there && e->chosen)
        return tb_fail_field(err, TB_EINVAL, "engine",
                             "engine is chatterbox, but " NOT_LOADED "; allowed: auto, embedded",
                             model->name);
    if (by_name && !there)
        return tb_fail_field(err, TB_EINVAL, "engine",
                             "engine is chatterbox, but " TB_ENGINE_NO_WEIGHTS
                             "; allowed: auto, embedded",
                             model->name);
    if (by_name && !speaks)
        return tb_fail_field(err, TB_EINVAL, "language",
                             "language is '%s', but %s speaks %s only; leave "
                             "engine out and the embedded engine speaks it",
                             plan->language->code, model->name, model->spoken);
    const bool wished = o->engine == TB_ENGINE_EMBEDDED ||
                        (o->engine == TB_ENGINE_UNSAID && e->chosen); /* the embedded one */
    if (by_name || (!wished && there && speaks))
        plan->engine = TB_ENGINE_CHATTERBOX;
    else if (!wished)
        plan->reason = there ? tb_sprintf("%s speaks %s only, not %s", model->name, model->spoken,
                                          plan->language->code)
                             : tb_sprintf(TB_ENGINE_NO_WEIGHTS, model->name);
    if (o->mode && strcmp(o->mode, "multilingual") == 0)
        return tb_fail_field(err, TB_EINVAL, "mode",
                             "mode is multilingual, but that model is not "
                             "installed; leave mode out and give language instead");
    return TB_OK;
}

/* The model stays loaded as long as the plan is there. */
static tb_status acquire_model(tb_engine *e, tb_plan *plan, tb_err *err)
{
    tb_chatterbox *c;
    tb_status st = tb_model_handle_acquire(e->neural, &c, err);
    if (st) return st;
    plan->model = e->neural;
    plan->pace = plan->opts.pace.token_s > 0 ? plan->opts.pace : tb_chatterbox_pace(c);
    return TB_OK;
}

bool tb_plan_is_neural(const tb_plan *plan)
{
    return plan->engine == TB_ENGINE_CHATTERBOX;
}

/* A numeric option, NAN when it was not given. */
static double option(const tb_engine_opts *o, size_t id)
{
    switch (id) {
    case TB_PARAM_TEMPERATURE:
        return o->temperature;
    case TB_PARAM_SPEED:
        return o->speed;
    case TB_PARAM_TOP_P:
        return o->top_p;
    case TB_PARAM_TOP_K:
        return o->top_k >= 0 ? o->top_k : (double)NAN;
    case TB_PARAM_MIN_P:
        return o->min_p;
    case TB_PARAM_REPETITION_PENALTY:
        return o->repetition_penalty;
    case TB_PARAM_EXAGGERATION:
        return o->exaggeration;
    case TB_PARAM_CFG:
        return o->cfg;
    default:
        return (double)NAN;
    }
}

static bool is_given(const tb_engine_opts *o, size_t id)
{
    return id == TB_PARAM_STREAM_PACE ? o->pace.token_s > 0 : !isnan(option(o, id));
}

static bool has_option(size_t id)
{
    return tb_params[id].kind == TB_KIND_NUMBER && !(tb_params[id].used_by & TB_BY_MIXER);
}

/* One that the engine ignores must still be one that an engine could take. */
static tb_status check_options(const tb_engine_opts *o, tb_err *err)
{
    tb_status st = TB_OK;
    for (size_t i = 0; i < TB_PARAM_COUNT && !st; i++)
        if (has_option(i)) st = tb_param_check((tb_param_id)i, option(o, i), err);
    return st;
}

static void list_ignored(const tb_engine_opts *o, tb_plan *plan)
{
    const unsigned mine = tb_plan_is_neural(plan) ? TB_BY_CHATTERBOX : TB_BY_EMBEDDED;
    tb_str s;
    tb_str_init(&s, 256);
    for (size_t i = 0; i < TB_PARAM_COUNT; i++)
        if (!(tb_params[i].used_by & mine) && is_given(o, i))
            tb_str_printf(&s, "%s%s", s.len ? ", " : "", tb_params[i].name);
    if (s.len) plan->ignored = tb_str_take(&s);
    tb_str_clear(&s);
}

static void list_tags(tb_plan *plan)
{
    bool seen[TB_TAG_COUNT] = {false};
    tb_str s;
    tb_str_init(&s, 4096);
    for (size_t i = 0; i < plan->script.n; i++) {
        const tb_script_item *item = &plan->script.items[i];
        if (item->kind != TB_ITEM_SOUND || seen[item->tag] || tb_plan_is_neural(plan)) continue;
        if (tb_embedded_tag(item->tag) != TB_TAG_UNSUPPORTED) continue;
        seen[item->tag] = true;
        tb_str_printf(&s, "%s%s", s.len ? ", " : "", tb_tag_name(item->tag));
    }
    if (s.len) plan->unsupported_tags = tb_str_take(&s);
    tb_str_clear(&s);
    tb_str_init(&s, 2048); /* it becomes a header: the first few will do */
    for (size_t i = 0; i < plan->script.n_unknown; i++)
        if (!tb_str_printf(&s, "%s%s", s.len ? ", " : "", plan->script.unknown_tags[i])) break;
    if (s.len) plan->unknown_tags = tb_str_take(&s);
    tb_str_clear(&s);
}

/* A text of nothing but sounds that this engine lacks would be a file without a sample. */
static tb_status check_audible(const tb_plan *plan, tb_err *err)
{
    if (tb_plan_is_neural(plan)) return TB_OK;
    for (size_t i = 0; i < plan->script.n; i++) {
        const tb_script_item *item = &plan->script.items[i];
        if (item->kind != TB_ITEM_SOUND || tb_embedded_tag(item->tag) != TB_TAG_UNSUPPORTED)
            return TB_OK;
    }
    return tb_fail_field(err, TB_EINVAL, "text",
                         "there is nothing to say in the text: the embedded engine has no sound "
                         "for %s",
                         plan->unsupported_tags);
}

/* A text within the limits, as the engine reads it; *out is heap. */
static tb_status make_text(const char *text, const tb_engine_opts *o, const tb_front_opts *front,
                           char **out, tb_plan *plan, tb_err *err)
{
    if (o->as_written && front->lexicon) return tb_engine_pronounce(front->lexicon, text, out, err);
    if (o->as_written) {
        *out = tb_try_strdup(text, err);
        return *out ? TB_OK : TB_ENOMEM;
    }
    return tb_front_run(text, strlen(text), front, out, &plan->unspoken, err);
}

/* The limit counts what was written, not what it became. */
static tb_status parse(const tb_engine *e, const char *text, const tb_engine_opts *o,
                       const tb_script_opts *script, tb_plan *plan, tb_err *err)
{
    const size_t len = text ? strlen(text) : 0;
    tb_front_opts front = {.language = plan->language->code,
                           .script = script,
                           .letters_only = tb_plan_is_neural(plan)};
    tb_script_opts opts = *script;
    char *made = NULL;
    /* A text that the script refuses is refused as it was written. */
    if (len == 0 || !tb_utf8_valid(text, len) || tb_utf8_count(text, len) > script->text_max)
        return tb_script_parse(text, script, &plan->script, err);
    opts.text_max = SIZE_MAX;
    opts.plain_brackets = !o->as_written;
    tb_status st =
        tb_engine_lexicon(e->embedded, o->pronunciations, plan->language, &front.lexicon, err);
    if (!st) st = make_text(text, o, &front, &made, plan, err);
    if (!st && !*made)
        st = tb_fail_field(err, TB_EINVAL, "text",
                           "there is nothing to say in the text: it has no letter and no digit");
    if (!st) st = tb_script_parse(made, &opts, &plan->script, err);
    if (!st)
        st = tb_engine_note_pronounced(front.lexicon, o->pronunciations, &plan->pronounced, err);
    tb_lexicon_free(front.lexicon);
    tb_free(made);
    return st;
}

tb_status tb_engine_prepare(tb_engine *e, const char *text, const tb_script_opts *script_opts,
                            const tb_engine_opts *opts, tb_plan *out, tb_err *err)
{
    tb_plan plan = {.opts = *opts, .engine = TB_ENGINE_EMBEDDED};
    tb_script_opts script = *script_opts;
    tb_status st = tb_engine_language(e->embedded, text, opts, &plan, err);
    if (!st) st = choose(e, opts, &plan, err);
    if (!st) st = check_options(opts, err);
    script.tags_inline = tb_plan_is_neural(&plan);
    script.language = plan.language ? plan.language->code : NULL;
    if (!st && tb_plan_is_neural(&plan)) st = acquire_model(e, &plan, err);
    if (!st) st = parse(e, text, opts, &script, &plan, err);
    if (st) {
        tb_plan_clear(&plan);
        return st;
    }
    plan.opts.language = plan.opts.mode = plan.opts.language_id = NULL;
    plan.opts.pronunciations = NULL;
    list_ignored(opts, &plan);
    list_tags(&plan);
    st = check_audible(&plan, err);
    if (st)
        tb_plan_clear(&plan);
    else
        *out = plan;
    return st;
}

void tb_plan_clear(tb_plan *plan)
{
    if (!plan) return;
    if (plan->model) tb_model_handle_release(plan->model);
    tb_script_clear(&plan->script);
    tb_pronunciations_clear(&plan->pronounced);
    tb_free(plan->reason);
    tb_free(plan->ignored);
    tb_free(plan->unsupported_tags);
    tb_free(plan->unknown_tags);
    tb_free(plan->unspoken);
    *plan = (tb_plan){0};
}
