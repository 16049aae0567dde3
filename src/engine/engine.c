#include "engine/engine.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "engine/engine_priv.h"
#include "params/params.h"
#include "text/front.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

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

static const char no_weights[] = "the weights of chatterbox-turbo are not installed";

static const char not_loaded[] = "ENGINE=embedded keeps chatterbox-turbo from being loaded";

tb_model_handle *tb_engine_model_handle(const tb_engine *e)
{
    return e->neural;
}

/* Loads what is installed. Weights that are there and wrong stop the start. */
static tb_status open_installed(tb_engine *e, const char *wanted, tb_err *err)
{
    bool must = strcmp(wanted, "chatterbox") == 0;
    char *path = tb_model_installed(&e->model);
    tb_status st = TB_OK;
    if (path && !e->chosen) st = tb_model_handle_load(e->neural, path, err);
    if (!st && must && !tb_model_handle_ready(e->neural))
        st = tb_fail_field(err, TB_EUNREADY, "ENGINE",
                           "ENGINE is chatterbox, but %s; get them with: timbre model pull, or "
                           "use one of the engines allowed without them: auto, embedded",
                           no_weights);
    tb_free(path);
    return st;
}

static bool will_install(const tb_engine *e)
{
    return e->model.download && e->model.folder && !e->chosen && !tb_model_handle_ready(e->neural);
}

tb_status tb_engine_open(const tb_engine_config *config, tb_engine **out, tb_err *err)
{
    const char *wanted = config->engine ? config->engine : "auto";
    tb_engine *e = tb_alloc(sizeof *e);
    pthread_mutex_init(&e->lock, NULL);
    e->chosen = strcmp(wanted, "embedded") == 0;
    e->model = config->model;
    if (!e->model.type) e->model.type = "q8_0";
    e->neural = tb_model_handle_new(&e->model);
    tb_status st = tb_embedded_open(&config->embedded, &e->embedded, err);
    if (!st) st = open_installed(e, wanted, err);
    /* Told from the first request on, not only once the fetching has begun. */
    if (!st && will_install(e))
        e->progress =
            (tb_model_progress){.state = "waiting",
                                .note = "it is fetched as soon as the embedded engine is warm"};
    if (st)
        tb_engine_close(e);
    else
        *out = e;
    return st;
}

void tb_engine_close(tb_engine *e)
{
    if (!e) return;
    tb_model_handle_free(e->neural);
    tb_embedded_close(e->embedded);
    pthread_mutex_destroy(&e->lock);
    tb_free(e);
}

/* ---- getting the model while the embedded engine speaks ---- */

static void on_progress(void *self, const tb_model_progress *p)
{
    tb_engine *e = self;
    pthread_mutex_lock(&e->lock);
    e->progress = *p;
    pthread_mutex_unlock(&e->lock);
}

bool tb_engine_progress(tb_engine *e, tb_model_progress *out)
{
    pthread_mutex_lock(&e->lock);
    *out = e->progress;
    pthread_mutex_unlock(&e->lock);
    return out->state != NULL;
}

/* False when cancelled meanwhile. */
static bool wait_s(double seconds, const tb_cancel *cancel)
{
    for (int64_t until = tb_clock_mono_ns() + (int64_t)(seconds * 1e9);
         tb_clock_mono_ns() < until;) {
        if (tb_cancelled(cancel)) return false;
        tb_clock_sleep_ms(100);
    }
    return !tb_cancelled(cancel);
}

/* How fast this machine speaks; known from then on, and from an earlier start. */
static void find_pace(tb_engine *e, const tb_cancel *cancel)
{
    tb_chatterbox *c;
    char *name = NULL, *path = NULL;
    if (!tb_model_handle_ready(e->neural) || tb_cancelled(cancel)) return;
    if (tb_model_handle_acquire(e->neural, &c, NULL)) return;
    if (e->model.folder && tb_file_mkdirs(e->model.folder, 0700, NULL) == TB_OK) {
        name = tb_sprintf("pace-%s.json", tb_chatterbox_id(c));
        path = tb_path_join(e->model.folder, name);
    }
    tb_chatterbox_find_pace(c, path, cancel);
    tb_model_handle_release(e->neural);
    tb_free(path);
    tb_free(name);
}

/* Until the model speaks or somebody cancels: what fails today may succeed in an hour, and every
 * failure is told where people look, in GET / and in the log. */
static void install(tb_engine *e, const tb_cancel *cancel)
{
    enum { FIRST_WAIT_S = 60, LONGEST_WAIT_S = 3600 };
    for (double pause = FIRST_WAIT_S;; pause = fmin(2 * pause, LONGEST_WAIT_S)) {
        tb_err err = {0};
        char *path = NULL;
        tb_status st = tb_model_install(&e->model, on_progress, e, cancel, &path, &err);
        if (!st) {
            on_progress(e, &(tb_model_progress){.state = "loading"});
            st = tb_model_handle_load(e->neural, path, &err);
        }
        tb_free(path);
        if (!st) {
            on_progress(e, &(tb_model_progress){0});
            find_pace(e, cancel);
            tb_log(TB_INFO, "engine", "model=%s state=speaking type=%s",
                   tb_model_handle_name(e->neural), e->model.type);
            return;
        }
        if (st == TB_ECANCELLED) return;
        tb_model_progress failed = {.state = "failed"};
        snprintf(failed.note, sizeof failed.note, "%.255s", err.msg);
        on_progress(e, &failed);
        tb_log(TB_WARN, "engine", "model=failed why=\"%s\" again_in_s=%.0f", err.msg, pause);
        if (!wait_s(pause, cancel)) return;
    }
}

void tb_engine_warm(tb_engine *e, const tb_cancel *cancel)
{
    tb_embedded_warm(e->embedded, cancel);
}

void tb_engine_get_ready(tb_engine *e, const tb_cancel *cancel)
{
    find_pace(e, cancel);
    if (will_install(e) && !tb_cancelled(cancel)) install(e, cancel);
    while (e->model.idle_ttl_s > 0 && wait_s(1, cancel))
        if (tb_model_handle_close_idle(e->neural, e->model.idle_ttl_s))
            tb_log(TB_INFO, "engine", "model=%s state=resting", tb_model_handle_name(e->neural));
}

tb_embedded *tb_engine_embedded(tb_engine *e)
{
    return e->embedded;
}

const char *tb_engine_current(const tb_engine *e)
{
    return tb_model_handle_ready(e->neural) ? "chatterbox" : "embedded";
}

const char *tb_engine_model(const tb_engine *e)
{
    const char *model = tb_model_handle_name(e->neural);
    return model ? model : "embedded";
}

/* ---- prepare ---- */

static bool english(const tb_language *language)
{
    return strncmp(language->code, "en", 2) == 0 &&
           (language->code[2] == 0 || language->code[2] == '-');
}

/* Which engine speaks: the request's word, else the configuration's, else the language decides. */
static tb_status choose(tb_engine *e, const tb_engine_opts *o, tb_plan *plan, tb_err *err)
{
    const char *asked = o->engine && *o->engine ? o->engine : NULL;
    bool by_name = asked && strcmp(asked, "chatterbox") == 0;
    bool there = tb_model_handle_ready(e->neural);
    plan->engine = "embedded";
    if (asked && !by_name && strcmp(asked, "auto") != 0 && strcmp(asked, "embedded") != 0)
        return tb_fail_field(err, TB_EINVAL, "engine",
                             "engine is '%.40s'; allowed: auto, chatterbox, embedded", asked);
    if (by_name && !there)
        return tb_fail_field(err, TB_EINVAL, "engine",
                             "engine is chatterbox, but %s; allowed: auto, embedded",
                             e->chosen ? not_loaded : no_weights);
    if (by_name && !english(plan->language))
        return tb_fail_field(err, TB_EINVAL, "language",
                             "language is '%s', but chatterbox-turbo speaks English only; leave "
                             "engine out and the embedded engine speaks it",
                             plan->language->code);
    bool wished = asked && strcmp(asked, "auto") != 0 ? !by_name : !asked && e->chosen;
    if (by_name || (!wished && there && english(plan->language)))
        plan->engine = "chatterbox";
    else if (!wished)
        plan->reason =
            there ? tb_sprintf("chatterbox-turbo speaks English only, not %s", plan->language->code)
                  : tb_strdup(no_weights);
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

static bool is_neural(const tb_plan *plan)
{
    return strcmp(plan->engine, "chatterbox") == 0;
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
    const unsigned mine = is_neural(plan) ? TB_BY_CHATTERBOX : TB_BY_EMBEDDED;
    tb_str s;
    tb_str_init(&s, 256);
    for (size_t i = 0; i < TB_PARAM_COUNT; i++)
        if (!(tb_params[i].used_by & mine) && !isnan(option(o, i)))
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
        if (item->kind != TB_ITEM_SOUND || seen[item->tag] || is_neural(plan)) continue;
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
    if (is_neural(plan)) return TB_OK;
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
        *out = tb_strdup(text);
        return TB_OK;
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
                           .letters_only = is_neural(plan)};
    tb_script_opts opts = *script;
    char *made = NULL;
    /* A text that the script refuses is refused as it was written. */
    if (len == 0 || !tb_utf8_valid(text, len) || tb_utf8_count(text, len) > script->text_max)
        return tb_script_parse(text, script, &plan->script, err);
    opts.text_max = SIZE_MAX;
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
    tb_plan plan = {.opts = *opts, .engine = "embedded"};
    tb_script_opts script = *script_opts;
    tb_status st = tb_engine_language(e->embedded, text, opts, &plan, err);
    if (!st) st = choose(e, opts, &plan, err);
    if (!st) st = check_options(opts, err);
    script.tags_inline = is_neural(&plan);
    script.language = plan.language ? plan.language->code : NULL;
    if (!st && is_neural(&plan)) st = acquire_model(e, &plan, err);
    if (!st) st = parse(e, text, opts, &script, &plan, err);
    if (st) {
        tb_plan_clear(&plan);
        return st;
    }
    plan.opts.engine = plan.opts.language = plan.opts.mode = plan.opts.language_id = NULL;
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

/*
 * The tones that the model has no token for move the sampling: livelier, calmer, quieter. The same
 * words written as one of its tags (happy, narration) reach it as that tag.
 */
static double warmth(tb_tag tone)
{
    switch (tone) {
    case TB_TAG_HAPPY:
        return 1.15;
    case TB_TAG_NARRATION:
        return 0.75;
    case TB_TAG_SAD:
        return 0.9;
    default:
        return 1;
    }
}

static double given(double x, double fallback)
{
    return isnan(x) ? fallback : x;
}

/* Is anything said after item i? */
static bool has_next_segment(const tb_plan *plan, size_t i)
{
    for (i++; i < plan->script.n; i++)
        if (plan->script.items[i].kind != TB_ITEM_BED) return true;
    return false;
}

/*
 * A piece begins with a fade of the model's own; where another follows it also ends with one, so
 * that nothing clicks. The very end stays as the model made it. Streamed sound does not know its
 * end, so the last few milliseconds are always kept back for what comes.
 */
enum { SEAM = 240 }; /* samples, 10 ms */

typedef struct {
    tb_pcm_sink sink;
    void *self;
    float kept[SEAM];
    size_t n;
} seam;

static tb_status forward_chunk(seam *s, const float *data, size_t len, tb_err *err)
{
    tb_pcm pcm = {0};
    if (len == 0) return TB_OK;
    tb_status st = tb_pcm_init(&pcm, len, TB_RATE_HZ, err);
    if (st) return st;
    memcpy(pcm.data, data, len * sizeof *data);
    st = s->sink(s->self, &pcm, err);
    tb_pcm_clear(&pcm);
    return st;
}

static tb_status through_seam(void *self, const tb_pcm *pcm, tb_err *err)
{
    seam *s = self;
    const size_t all = s->n + pcm->len, out = all > SEAM ? all - SEAM : 0;
    const size_t old = out < s->n ? out : s->n; /* of what was kept, what goes now */
    tb_status st = forward_chunk(s, s->kept, old, err);
    if (!st) st = forward_chunk(s, pcm->data, out - old, err);
    memmove(s->kept, s->kept + old, (s->n - old) * sizeof *s->kept);
    memcpy(s->kept + s->n - old, pcm->data + (out - old),
           (pcm->len - (out - old)) * sizeof *s->kept);
    s->n = all - out;
    return st;
}

static tb_status end_seam(seam *s, bool more, tb_err *err)
{
    for (size_t k = 0; more && k < s->n; k++)
        s->kept[s->n - 1 - k] *= (float)k / SEAM;
    return forward_chunk(s, s->kept, s->n, err);
}

static tb_status say_neural(tb_engine *e, const tb_plan *plan, size_t i, const tb_voice *voice,
                            const tb_cancel *cancel, tb_pcm_sink sink, void *self,
                            tb_spoken *spoken, tb_err *err)
{
    const tb_script_item *item = &plan->script.items[i];
    const tb_engine_opts *o = &plan->opts;
    tb_chatterbox_report said;
    tb_pcm pcm = {0};
    tb_chatterbox_options how = {
        .conds = voice->conds,
        .prefix = voice->prefix,
        .sampler = {.temperature = o->temperature * warmth(item->tag),
                    .top_k = o->top_k >= 0 ? (size_t)o->top_k : tb_sampler_defaults.top_k,
                    .top_p = given(o->top_p, tb_sampler_defaults.top_p),
                    .repetition_penalty =
                        given(o->repetition_penalty, tb_sampler_defaults.repetition_penalty)},
        .speed = o->speed,
        .seed = o->seed,
        .pace = plan->pace,
        .segment = item->sentence,
    };
    const tb_chatterbox *c = tb_model_handle_get(e->neural);
    const bool more = has_next_segment(plan, i);
    seam end = {.sink = sink, .self = self};
    tb_status st;
    if (plan->stream) {
        st = tb_chatterbox_stream(c, &how, item->text, cancel, through_seam, &end, &said, err);
    } else {
        st = tb_chatterbox_speak(c, &how, item->text, cancel, &pcm, &said, err);
        if (!st) st = through_seam(&end, &pcm, err);
        tb_pcm_clear(&pcm);
    }
    if (!st) st = end_seam(&end, more, err);
    spoken->retried += said.retried;
    /* The model's own silence at the end of a piece is part of the gap. */
    double gap = item->gap_after - (double)TB_T3_SILENCES * 0.04;
    if (!st && more && gap > 0) st = silence(gap / o->speed, sink, self, err);
    return st;
}

tb_status tb_engine_speak(tb_engine *e, const tb_plan *plan, size_t i, const tb_voice *voice,
                          const tb_cancel *cancel, tb_pcm_sink sink, void *self, tb_spoken *spoken,
                          tb_err *err)
{
    const tb_script_item *item = &plan->script.items[i];
    tb_pcm pcm = {0};
    if (item->kind == TB_ITEM_PAUSE) return silence(item->seconds, sink, self, err);
    if (item->kind == TB_ITEM_BED) return TB_OK;
    if (is_neural(plan)) return say_neural(e, plan, i, voice, cancel, sink, self, spoken, err);
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
