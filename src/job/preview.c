#include "audio/wav.h"
#include "base/mem.h"
#include "job/job_priv.h"
#include "job/output_priv.h"

/* A job of some seconds of a bed, to be listened to. */

enum { PREVIEW_SECONDS = 6, PREVIEW_FADE_MS = 300 };

tb_status tb_work_preview(tb_job *job, bool *again, tb_err *err)
{
    (void)again;
    tb_service *s = job->service;
    tb_bed *bed = NULL;
    tb_pcm pcm = {0};
    tb_output output = {.unlinked_file.fd = -1};
    uint8_t *wav = NULL;
    size_t size = 0;
    int reader = -1;
    tb_status st = tb_bed_new(s->ambiences, &job->bed, 1, TB_RATE_HZ, &bed, err);
    if (!st) st = tb_pcm_init(&pcm, (size_t)PREVIEW_SECONDS * TB_RATE_HZ, TB_RATE_HZ, err);
    if (st) goto out;
    tb_bed_process(bed, pcm.data, pcm.len);
    tb_pcm_fade(pcm.data, pcm.len, (size_t)PREVIEW_FADE_MS * TB_RATE_HZ / 1000);
    st = tb_wav_print(&pcm, &wav, &size, err);
    if (!st) st = tb_output_begin(s->store, false, "wav", &output, &reader, err);
    if (st) goto out;
    tb_job_set_fd(job, reader);
    st = tb_output_append(&output, wav, size, err);
    if (st) goto out;
    job->head = (tb_job_head){
        .content_type = tb_format_content_type(TB_FORMAT_WAV),
        .extension = "wav",
        .seconds = PREVIEW_SECONDS,
    };
    tb_job_grew(job, output.size, false);
out:
    tb_output_abort(&output);
    tb_bed_free(bed);
    tb_pcm_clear(&pcm);
    tb_free(wav);
    return st;
}

tb_status tb_job_preview(tb_service *s, const tb_ambience *bed, const char *user, tb_job_wake wake,
                         void *self, tb_job **out, tb_err *err)
{
    tb_job *job = tb_job_new(s, user, tb_work_preview, wake, self);
    job->bed = *bed;
    return tb_job_submit(s, job, out, err);
}
