#include "api/print.h"
#include "base/mem.h"
#include "job/job_priv.h"
#include "voice/recording.h"

#include <string.h>

/* A job that makes a voice of an upload: decoded, judged, kept. */

/* An upload that has been judged and waits, between two pieces of the job, until it is stored. */
struct tb_pending_voice {
    uint8_t *wav;
    size_t size;
    tb_recording_verdict judged;
};

static void free_pending(tb_job *job)
{
    struct tb_pending_voice *k = job->pending_voice;
    job->pending_voice = NULL;
    if (!k) return;
    tb_recording_verdict_clear(job->service->voices, &k->judged);
    tb_free(k->wav);
    tb_free(k);
}

static tb_status judge(tb_job *job, tb_err *err)
{
    tb_service *s = job->service;
    tb_voice_upload *up = &job->upload;
    struct tb_pending_voice *k = job->pending_voice = tb_alloc(sizeof *k);
    const bool neural = tb_engine_current(s->engine) == TB_ENGINE_CHATTERBOX;
    tb_status st = tb_voice_name_check(up->name, err);
    if (!st)
        st = tb_recording_canon(&up->data, up->size, "file", &job->cancel, &k->wav, &k->size, err);
    if (!st)
        st = tb_recording_judge(s->voices, neural, k->wav, k->size, "file", &job->cancel,
                                &k->judged, err);
    return st;
}

static tb_status keep(tb_job *job, tb_err *err)
{
    tb_service *s = job->service;
    const tb_voice_upload *up = &job->upload;
    struct tb_pending_voice *k = job->pending_voice;
    tb_voice_row kept = {0};
    char *warnings = tb_json_print(k->judged.warnings);
    const tb_voice_row row = {
        .id = up->name,
        .language = up->language,
        .region = up->region,
        .gender = up->gender,
        .description = up->description,
        .model = up->model && *up->model ? up->model : tb_engine_model(s->engine),
        .uploaded_by = up->user,
        .seconds = k->judged.seconds,
        .warnings = warnings,
    };
    tb_status st = tb_store_voice_put(s->store, &row, k->wav, k->size, up->overwrite, &kept, err);
    if (!st && k->judged.voice)
        tb_voices_keep(s->voices, TB_ENGINE_EMBEDDED, k->judged.voice, kept.uuid);
    if (!st) tb_job_set_json(job, tb_print_voice_uploaded(&kept));
    tb_voice_row_clear(&kept);
    tb_free(warnings);
    return st;
}

tb_status tb_work_voice(tb_job *job, bool *again, tb_err *err)
{
    tb_status st = job->pending_voice ? TB_OK : judge(job, err);
    if (!st && tb_cancelled(&job->cancel)) st = tb_fail_cancelled(err);
    *again = !st && tb_job_must_wait(job);
    if (!st && !*again) st = keep(job, err);
    if (!*again) free_pending(job);
    return st;
}

tb_status tb_job_voice(tb_service *s, tb_voice_upload *upload, tb_job_wake wake, void *self,
                       tb_job **out, tb_err *err)
{
    tb_job *job = tb_job_new(s, upload->user, tb_work_voice, wake, self);
    job->upload = *upload;
    *upload = (tb_voice_upload){0};
    return tb_job_submit(s, job, out, err);
}
