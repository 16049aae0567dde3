#include "api/pronunciations.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "job/beds_priv.h"
#include "job/job_priv.h"
#include "job/output_priv.h"
#include "voice/recording.h"

#include <math.h>
#include <string.h>

/*
 * The conductor: one job from text to file, by pieces: the text is read and the voice found, then
 * sentence after sentence is spoken, then the end is made and kept. Engine, mixer, encoder and
 * output are chained by sinks, so a streaming client receives each piece as soon as it is encoded;
 * for everybody else the answer waits for the end, with exact sizes. Between two pieces the worker
 * runs other jobs; the sound does not depend on it.
 */
struct tb_speaking {
    tb_job *job;
    tb_post *post;
    tb_encoder *encoder;
    tb_output output;
    uint64_t samples; /* behind the mixer, at 24 kHz */
    tb_plan plan;
    tb_beds beds; /* that the text names */
    const tb_voice *voice;
    char prompt_hash[TB_HASH_HEX];
    size_t next; /* of the plan's items */
    bool ended;  /* the sound is whole */
    tb_spoken spoken;
};

static tb_status into_output(void *self, const void *data, size_t size, tb_err *err)
{
    struct tb_speaking *l = self;
    tb_status st = tb_output_append(&l->output, data, size, err);
    if (!st) tb_job_grew(l->job, l->output.size, l->job->req.stream);
    return st;
}

static tb_status over_output(void *self, uint64_t offset, const void *data, size_t size,
                             tb_err *err)
{
    struct tb_speaking *l = self;
    return tb_output_rewrite(&l->output, offset, data, size, err);
}

static tb_status into_encoder(void *self, const tb_pcm *pcm, tb_err *err)
{
    struct tb_speaking *l = self;
    l->samples += pcm->len;
    return tb_encoder_write(l->encoder, pcm->data, pcm->len, err);
}

static tb_status into_post(void *self, const tb_pcm *pcm, tb_err *err)
{
    struct tb_speaking *l = self;
    return tb_post_write(l->post, pcm, err);
}

/* A voice by its name, or the recording that a replay was first spoken with. The record says which
 * recording it was, so that a later replay speaks with no other. */
static tb_status find_kept(tb_job *job, tb_engine_kind of, const tb_voice **voice, tb_err *err)
{
    tb_speech_req *req = &job->req;
    const tb_voice_wish wish = {
        .name = req->voice_id,
        .hash = req->voice_hash,
        .before_us = req->voice_before_us,
    };
    tb_voice_found found;
    tb_status st = tb_voices_get(job->service->voices, of, &wish, &job->cancel, voice, &found, err);
    if (st) return st;
    if (*found.hash) tb_json_set_string(req->params, "voice_hash", found.hash);
    if (req->voice_hash) { /* it may have another name by now */
        tb_free(req->voice_id);
        req->voice_id = tb_strdup(found.name);
        tb_json_set_string(req->params, "voice_id", found.name);
    }
    return TB_OK;
}

/* The voice to speak in. A prompt wins over a name; its canonical wav is kept for replays. */
static tb_status find_voice(tb_job *job, tb_engine_kind of, char prompt_hash[TB_HASH_HEX],
                            const tb_voice **voice, tb_err *err)
{
    tb_service *s = job->service;
    tb_speech_req *req = &job->req;
    uint8_t *wav = NULL;
    size_t size = 0;
    tb_status st;
    if (req->prompt) {
        st = tb_recording_canon(&req->prompt, req->prompt_size, "audio_prompt", &job->cancel, &wav,
                                &size, err);
        if (!st)
            st = tb_voices_from_wav(s->voices, of, wav, size, "audio_prompt", &job->cancel, voice,
                                    err);
        if (!st && req->keep) {
            st = tb_store_prompt_put(s->store, wav, size, prompt_hash, err);
            if (st) tb_voices_release(s->voices, *voice);
        }
        tb_free(wav);
        return st;
    }
    if (req->prompt_hash) {
        char *kept = NULL;
        st = tb_store_prompt_get(s->store, req->prompt_hash, &kept, &size, err);
        if (!st)
            st = tb_voices_from_wav(s->voices, of, kept, size, "audio_prompt", &job->cancel, voice,
                                    err);
        if (!st) memcpy(prompt_hash, req->prompt_hash, TB_HASH_HEX);
        tb_free(kept);
        return st;
    }
    if (!req->voice_id) return tb_fail_field(err, TB_EMALFORMED, "voice_id", "no voice is named");
    return find_kept(job, of, voice, err);
}

static void fill_head(tb_job *job, const tb_plan *plan, const tb_voice *voice, const tb_output *o)
{
    tb_job_head *h = &job->head;
    h->content_type = tb_format_content_type(job->req.format);
    h->extension = tb_format_extension(job->req.format);
    h->engine = tb_engine_kind_name(plan->engine);
    h->engine_reason = tb_job_keep(job, plan->reason);
    h->language = tb_job_keep(job, plan->language->code);
    h->language_guessed = plan->guessed; /* a constant */
    if (plan->stream && plan->pace.token_s > 0) {
        char pace[TB_PACE_TEXT];
        tb_pace_print(&plan->pace, pace);
        h->stream_pace = tb_job_keep(job, pace);
    }
    h->ignored = tb_job_keep(job, plan->ignored);
    h->unsupported_tags = tb_job_keep(job, plan->unsupported_tags);
    h->unknown_tags = tb_job_keep(job, plan->unknown_tags);
    h->unspoken = tb_job_keep(job, plan->unspoken);
    /* The name it was asked by: two names may share one recording, and so one analysis. */
    h->voice = tb_job_keep(job, job->req.voice_id ? job->req.voice_id : voice->id);
    h->seed = job->req.engine.seed;
    if (o->clip) {
        h->history_id = tb_job_keep(job, tb_clip_writer_id(o->clip));
        h->filename = tb_job_keep(job, tb_clip_writer_filename(o->clip));
    }
}

/* Sentence or sound at most; marks and pauses before it are nothing to come back for. */
static tb_status speak_next(struct tb_speaking *l, tb_err *err)
{
    tb_job *job = l->job;
    const tb_script *script = &l->plan.script;
    tb_status st = TB_OK;
    for (bool spoken = false; l->next < script->n && !spoken && !st; l->next++) {
        const tb_script_item *item = &script->items[l->next];
        if (tb_cancelled(&job->cancel)) return tb_fail_cancelled(err);
        spoken = item->kind == TB_ITEM_SPEECH || item->kind == TB_ITEM_SOUND;
        if (item->kind == TB_ITEM_BED)
            st = tb_post_mark(l->post, item->text ? tb_beds_at(&l->beds, item->bed) : NULL,
                              item->seconds, err);
        else
            st = tb_engine_speak(job->service->engine, &l->plan, l->next, l->voice, &job->cancel,
                                 into_post, l, &l->spoken, err);
    }
    return st;
}

static tb_status commit(struct tb_speaking *l, double seconds, tb_err *err)
{
    tb_job *job = l->job;
    const tb_plan *plan = &l->plan;
    const tb_speech_req *req = &job->req;
    /* A replay speaks the language that was spoken, whatever the setting and the guess say then. */
    tb_json_set_string(req->params, "language", plan->language->code);
    if (job->head.stream_pace)
        tb_json_set_string(req->params, "stream_pace", job->head.stream_pace);
    if (plan->pronounced.n > 0) {
        char *said = tb_print_pronunciations(&plan->pronounced);
        tb_json_set_string(req->params, "pronunciations", said);
        tb_free(said);
    }
    char *params = tb_json_print(req->params);
    tb_clip_row row = {
        .text = req->text,
        .voice_used = job->head.voice,
        .mode = "turbo",
        .language_id = plan->language->code,
        .user = job->user,
        .job_id = job->id,
        .engine = job->head.engine,
        .seed = req->engine.seed,
        .params = params,
        .prompt_hash = l->prompt_hash,
        .format = tb_format_name(req->format),
        .content_type = job->head.content_type,
        .duration_s = seconds,
    };
    tb_status st = tb_output_commit(&l->output, &row, err);
    tb_free(params);
    return st;
}

/* A note of a job is no reason to wait long: the store remembers what it cannot write now. */
static void note_soon(tb_job *job)
{
    enum { SOON_MS = 1000 };
    const int64_t ms = tb_store_is_held(job->service->store) ? 0 : SOON_MS;
    tb_store_wait_until(tb_clock_mono_ns() + ms * 1000000);
}

/* What GET /jobs/{id} tells, also after a restart. Its row is no condition for speaking. */
static void note_begin(tb_job *job)
{
    tb_err err = {0};
    enum { PARAMS_MAX = 4096 }; /* the history has them whole */
    char *params = tb_json_print(job->req.params);
    tb_job_row row = {.id = job->id,
                      .user = job->user,
                      .state = "running",
                      .params = strlen(params) <= PARAMS_MAX ? params : "{}"};
    note_soon(job);
    if (tb_store_job_add(job->service->store, &row, &err))
        tb_log(TB_WARN, "job", "id=%s noted=no why=\"%s\"", job->id, err.msg);
    tb_store_wait_until(0);
    tb_free(params);
}

static void note_end(tb_job *job, tb_status st, const tb_err *why)
{
    tb_err err = {0};
    const char *state = st == TB_OK ? "finished" : st == TB_ECANCELLED ? "cancelled" : "failed";
    note_soon(job);
    if (tb_store_job_set(job->service->store, job->id, state, st && why ? why->msg : NULL,
                         st ? NULL : job->head.history_id, &err))
        tb_log(TB_WARN, "job", "id=%s noted=no why=\"%s\"", job->id, err.msg);
}

/* The installation's dictionary behind the request's own, unless the text shall stay as it is, or
 * all is said already in what is replayed. */
static tb_status add_dictionary(tb_store *store, tb_speech_req *req, tb_err *err)
{
    tb_pronunciation_list kept = {0};
    tb_status st = TB_OK;
    if (!req->closed && !req->engine.as_written)
        st = tb_store_pronunciation_list(store, &kept, err);
    for (size_t i = 0; i < kept.n && !st; i++)
        st = tb_pronunciations_add(&req->pronunciations, kept.rows[i].word, kept.rows[i].say,
                                   kept.rows[i].language, false, NULL, err);
    tb_pronunciation_list_clear(&kept);
    req->engine.pronunciations = &req->pronunciations;
    return st;
}

static void give_up(tb_job *job)
{
    struct tb_speaking *l = job->speaking;
    job->speaking = NULL;
    tb_post_free(l->post);
    tb_encoder_free(l->encoder);
    tb_output_abort(&l->output);
    tb_voices_release(job->service->voices, l->voice);
    tb_plan_clear(&l->plan);
    tb_beds_clear(&l->beds);
    tb_free(l);
}

/* The first piece: all that can be wrong with the request, and the line from engine to file. */
static tb_status speak_begin(struct tb_speaking *l, tb_err *err)
{
    tb_job *job = l->job;
    tb_service *s = job->service;
    tb_speech_req *req = &job->req;
    int reader = -1;
    tb_script_opts script_opts = {.find_bed = tb_beds_find,
                                  .self = &l->beds,
                                  .text_max = SIZE_MAX /* the request was checked; see replay */};
    /* A stream's header has gone out with placeholders. In a wav the kept file gets the right sizes
     * all the same, for later downloads; the other formats' streams need none. */
    bool mends = !req->stream || req->format == TB_FORMAT_WAV;
    tb_encoder_sink sink = {into_output, mends ? over_output : NULL, l};

    l->beds.set = s->ambiences;
    req->post.loudness_lufs = s->config->loudness_lufs;
    tb_status st = add_dictionary(s->store, req, err);
    if (!st)
        st = tb_engine_prepare(s->engine, req->text, &script_opts, &req->engine, &l->plan, err);
    l->plan.stream = req->pieces;
    l->plan.brief = job->entry.size == TB_QUEUE_BRIEF;
    if (!st && req->ambience_id)
        st = tb_ambience_find(s->ambiences, req->ambience_id, &req->post.bed, err);
    if (!st)
        st = tb_post_begin(s->ambiences, &req->post, TB_RATE_HZ, into_encoder, l, &l->post, err);
    if (!st) st = tb_beds_check(&l->beds, &l->plan.script, err);
    if (!st) st = find_voice(job, l->plan.engine, l->prompt_hash, &l->voice, err);
    if (!st)
        st = tb_output_begin(s->store, req->keep, tb_format_extension(req->format), &l->output,
                             &reader, err);
    if (st) return st;
    tb_job_set_fd(job, reader);
    fill_head(job, &l->plan, l->voice, &l->output);
    return tb_encoder_new(req->format, req->sample_rate_hz, &sink, &l->encoder, err);
}

/* The last piece: what the mixer held back, the encoder's end, and the record. */
static tb_status speak_end(struct tb_speaking *l, bool *again, tb_err *err)
{
    tb_job *job = l->job;
    const bool streamed = job->req.stream; /* the head may be read already */
    if (tb_cancelled(&job->cancel)) return tb_fail_cancelled(err);
    if (!streamed) job->head.retried = l->spoken.retried;
    tb_status st = l->ended ? TB_OK : tb_post_end(l->post, err);
    if (!st && !l->ended) st = tb_encoder_end(l->encoder, err);
    if (st) return st;
    l->ended = true;
    *again = l->output.clip && tb_job_must_wait(job);
    if (*again) return TB_OK;
    double seconds = (double)l->samples / TB_RATE_HZ;
    if (!streamed) job->head.seconds = seconds;
    st = commit(l, seconds, err);
    atomic_fetch_add(&job->service->audio_us, (long long)(seconds * 1e6));
    return st;
}

static tb_status speak(tb_job *job, bool *again, tb_err *err)
{
    struct tb_speaking *l = job->speaking;
    tb_status st;
    if (!l) {
        l = job->speaking = tb_alloc(sizeof *l);
        l->job = job;
        l->output.unlinked_file.fd = -1;
        st = speak_begin(l, err);
        *again = !st;
    } else if (l->next < l->plan.script.n) {
        st = speak_next(l, err);
        *again = !st;
    } else {
        st = speak_end(l, again, err);
    }
    if (!*again) give_up(job);
    return st;
}

tb_status tb_work_speech(tb_job *job, bool *again, tb_err *err)
{
    const bool kept = job->req.keep;
    if (kept && !job->speaking && job->req.prompt && tb_job_must_wait(job)) {
        *again = true; /* the prompt is kept before the first word */
        return TB_OK;
    }
    if (kept && !job->speaking) note_begin(job);
    tb_status st = speak(job, again, err);
    if (kept && !*again) note_end(job, st, err);
    return st;
}

/* By the text alone, before anything is known of it. Brief: seconds of speech; medium: a minute,
 * whose sound is some megabytes. */
static tb_queue_size size_of(const char *text)
{
    enum { BRIEF = 120, MEDIUM = 1200 };
    size_t len = text ? strlen(text) : 0;
    return len <= BRIEF ? TB_QUEUE_BRIEF : len <= MEDIUM ? TB_QUEUE_MEDIUM : TB_QUEUE_LONG;
}

tb_status tb_job_speech(tb_service *s, tb_speech_req *req, tb_job_wake wake, void *self,
                        tb_job **out, tb_err *err)
{
    tb_job *job = tb_job_new(s, req->user, tb_work_speech, wake, self);
    job->req = *req;
    *req = (tb_speech_req){0};
    job->entry.size = size_of(job->req.text);
    return tb_job_submit(s, job, out, err);
}
