#include "engine/engine.h"

#include "base/mem.h"
#include "base/str.h"

#include <math.h>
#include <string.h>

/*
 * Two engines are foreseen behind this interface. The neural one needs weights; while none can be
 * loaded, asking for it by name is an error that says so, and `auto` is the embedded engine with
 * the reason in every answer.
 */
struct tb_engine {
    tb_embedded *embedded;
    bool chosen; /* ENGINE=embedded: the user's wish, no reason to give */
};

static const char no_weights[] = "the weights of chatterbox-turbo are not installed";

tb_status tb_engine_open(const tb_engine_config *config, tb_engine **out, tb_err *err)
{
    if (config->engine && strcmp(config->engine, "chatterbox") == 0)
        return tb_fail_field(err, TB_EUNREADY, "ENGINE",
                             "ENGINE is chatterbox, but %s; allowed "
                             "without them: auto, embedded",
                             no_weights);
    tb_engine *e = tb_alloc(sizeof *e);
    e->chosen = config->engine && strcmp(config->engine, "embedded") == 0;
    tb_status st = tb_embedded_open(&config->embedded, &e->embedded, err);
    if (st) {
        tb_free(e);
        return st;
    }
    *out = e;
    return TB_OK;
}

void tb_engine_close(tb_engine *e)
{
    if (!e) return;
    tb_embedded_close(e->embedded);
    tb_free(e);
}

void tb_engine_warm(tb_engine *e, const tb_cancel *cancel)
{
    tb_embedded_warm(e->embedded, cancel);
}

tb_embedded *tb_engine_embedded(tb_engine *e)
{
    return e->embedded;
}

const char *tb_engine_current(const tb_engine *e)
{
    (void)e;
    return "embedded";
}

const char *tb_engine_model(const tb_engine *e)
{
    (void)e;
    return "embedded";
}

/* ---- prepare ---- */

static tb_status choose(const tb_engine *e, const tb_engine_opts *o, tb_plan *plan, tb_err *err)
{
    const char *asked = o->engine && *o->engine ? o->engine : NULL;
    plan->engine = "embedded";
    if (asked && strcmp(asked, "chatterbox") == 0)
        return tb_fail_field(err, TB_EINVAL, "engine",
                             "engine is chatterbox, but %s; allowed: auto, embedded", no_weights);
    if (asked && strcmp(asked, "auto") != 0 && strcmp(asked, "embedded") != 0)
        return tb_fail_field(err, TB_EINVAL, "engine",
                             "engine is '%.40s'; allowed: auto, chatterbox, embedded", asked);
    bool wished = asked ? strcmp(asked, "embedded") == 0 : e->chosen;
    if (!wished) plan->reason = tb_strdup(no_weights);
    if (o->mode && *o->mode) {
        if (strcmp(o->mode, "multilingual") == 0)
            return tb_fail_field(err, TB_EINVAL, "mode",
                                 "mode is multilingual, but that model is not "
                                 "installed; leave mode out and give language instead");
        if (strcmp(o->mode, "turbo") != 0)
            return tb_fail_field(err, TB_EINVAL, "mode", "mode is '%.40s'; allowed: turbo",
                                 o->mode);
    }
    return TB_OK;
}

static tb_status in_range(const char *field, double x, double least, double most, tb_err *err)
{
    if (x >= least && x <= most) return TB_OK;
    return tb_fail_field(err, TB_EINVAL, field, "%s is %g; allowed: %g to %g", field, x, least,
                         most);
}

/* Sampling parameters: of no effect here, but a value that no engine could take is a mistake. */
static tb_status check_sampling(const tb_engine_opts *o, tb_err *err)
{
    const struct {
        const char *field;
        double x, least, most;
    } all[] = {
        {"top_p", o->top_p, 0, 1},
        {"min_p", o->min_p, 0, 1},
        {"repetition_penalty", o->repetition_penalty, 1, 10},
        {"exaggeration", o->exaggeration, 0, 2},
        {"cfg", o->cfg, 0, 2},
    };
    tb_status st = TB_OK;
    for (size_t i = 0; i < sizeof all / sizeof all[0] && !st; i++)
        if (!isnan(all[i].x)) st = in_range(all[i].field, all[i].x, all[i].least, all[i].most, err);
    return st;
}

static void list_ignored(const tb_engine_opts *o, tb_plan *plan)
{
    const struct {
        const char *name;
        bool given;
    } all[] = {
        {"top_p", !isnan(o->top_p)},
        {"top_k", o->top_k >= 0},
        {"min_p", !isnan(o->min_p)},
        {"repetition_penalty", !isnan(o->repetition_penalty)},
        {"exaggeration", !isnan(o->exaggeration)},
        {"cfg", !isnan(o->cfg)},
    };
    tb_str s;
    tb_str_init(&s, 256);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i].given) tb_str_printf(&s, "%s%s", s.len ? ", " : "", all[i].name);
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
        if (item->kind != TB_ITEM_SOUND || seen[item->tag]) continue;
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

tb_status tb_engine_prepare(tb_engine *e, const char *text, const tb_script_opts *script_opts,
                            const tb_engine_opts *opts, tb_plan *out, tb_err *err)
{
    tb_plan plan = {.opts = *opts};
    tb_status st = choose(e, opts, &plan, err);
    if (!st) st = in_range("temperature", opts->temperature, 0.05, 5, err);
    if (!st) st = in_range("speed", opts->speed, 0.25, 4, err);
    if (!st) st = check_sampling(opts, err);
    if (!st) st = tb_embedded_language(e->embedded, opts->language, &plan.language, err);
    if (!st) st = tb_script_parse(text, script_opts, &plan.script, err);
    if (st) {
        tb_plan_clear(&plan);
        return st;
    }
    plan.opts.engine = plan.opts.language = plan.opts.mode = plan.opts.language_id = NULL;
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
    tb_script_clear(&plan->script);
    tb_free(plan->reason);
    tb_free(plan->ignored);
    tb_free(plan->unsupported_tags);
    tb_free(plan->unknown_tags);
    *plan = (tb_plan){0};
}

/* ---- speak ---- */

static tb_status silence(double seconds, tb_pcm_sink sink, void *self, tb_err *err)
{
    tb_pcm quiet = {0};
    size_t len = (size_t)lround(seconds * TB_RATE_HZ);
    if (len == 0) return TB_OK;
    tb_status st = tb_pcm_init(&quiet, len, TB_RATE_HZ, err);
    if (!st) st = sink(self, &quiet, err);
    tb_pcm_clear(&quiet);
    return st;
}

tb_status tb_engine_speak(tb_engine *e, const tb_plan *plan, size_t i, const tb_voice *voice,
                          const tb_cancel *cancel, tb_pcm_sink sink, void *self, tb_err *err)
{
    const tb_script_item *item = &plan->script.items[i];
    tb_pcm pcm = {0};
    if (item->kind == TB_ITEM_PAUSE) return silence(item->seconds, sink, self, err);
    if (item->kind == TB_ITEM_BED) return TB_OK;
    tb_embedded_voice how = {
        .language = plan->language,
        .reference = voice->has_embedded ? &voice->embedded : NULL,
        .temperature = plan->opts.temperature,
        .speed = plan->opts.speed,
        .seed = plan->opts.seed,
    };
    tb_status st = tb_embedded_say(e->embedded, &how, item, cancel, &pcm, err);
    if (!st && pcm.len > 0) st = sink(self, &pcm, err);
    /* A sound that this engine lacks still ends its sentence; a piece of no sound does not. */
    if (!st && (pcm.len > 0 || item->kind == TB_ITEM_SOUND))
        st = silence(item->gap_after / plan->opts.speed, sink, self, err);
    tb_pcm_clear(&pcm);
    return st;
}
