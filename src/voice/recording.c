#include "voice/recording.h"

#include "audio/wav.h"
#include "base/mem.h"
#include "base/str.h"
#include "codec/decode.h"

#include <math.h>
#include <stdio.h>

/* chatterbox-turbo's own rule for a recording: longer than this. */
enum { CHATTERBOX_SECONDS = 5, CANON_RATE_HZ = 48000 };

/* What only the neural engine can use is kept when it is there; this much is needed to hear
 * anything at all. */
static const double SILENT_DBFS = -80;

tb_status tb_recording_canon(void **data, size_t size, const char *field, const tb_cancel *cancel,
                             uint8_t **out, size_t *out_size, tb_err *err)
{
    tb_pcm recording = {0}, lower = {0};
    tb_status st;
    if (size == 0)
        return tb_fail_field(err, TB_EINVAL, field, "the recording in %s is empty (0 bytes)",
                             field);
    st = tb_decode_audio(*data, size, TB_RECORDING_SECONDS, cancel, &recording, err);
    tb_free(*data);
    *data = NULL;
    if (!st && recording.rate_hz > CANON_RATE_HZ) {
        st = tb_resample(&recording, CANON_RATE_HZ, &lower, err);
        tb_pcm_clear(&recording);
    }
    if (!st) st = tb_wav_print_exact(lower.rate_hz ? &lower : &recording, out, out_size, err);
    if (st && err && !err->field[0]) snprintf(err->field, sizeof err->field, "%s", field);
    tb_pcm_clear(&recording);
    tb_pcm_clear(&lower);
    return st;
}

static void add_warning(tb_json *list, const char *sentence)
{
    tb_json_add(list, tb_json_string(sentence));
}

/* Can the neural engine use a recording that the embedded engine refused for `why`? */
static bool only_neural(const tb_voices *voices, const void *wav, size_t size,
                        tb_recording_verdict *v, const tb_err *why)
{
    tb_pcm recording = {0};
    tb_err err = {0};
    if (tb_wav_read(wav, size, (double)INFINITY, &recording, &err)) return false;
    v->seconds = tb_pcm_seconds(&recording);
    bool fits =
        v->seconds > CHATTERBOX_SECONDS &&
        20 * log10((double)tb_pcm_peak(recording.data, recording.len) + 1e-10) > SILENT_DBFS;
    tb_pcm_clear(&recording);
    if (!fits) return false;
    char *sentence = tb_sprintf("the embedded engine cannot use this recording (%s); "
                                "%s can",
                                why->msg, tb_voices_model_name(voices));
    add_warning(v->warnings, sentence);
    tb_free(sentence);
    return true;
}

static void warn_short(tb_json *list, const char *model)
{
    char *sentence = tb_sprintf("this recording has %d seconds or less: enough for the embedded "
                                "engine, too little for %s",
                                (int)CHATTERBOX_SECONDS, model);
    add_warning(list, sentence);
    tb_free(sentence);
}

tb_status tb_recording_judge(tb_voices *voices, bool chatterbox, const void *wav, size_t size,
                             const char *field, const tb_cancel *cancel, tb_recording_verdict *out,
                             tb_err *err)
{
    tb_recording_verdict v = {.warnings = tb_json_array()};
    tb_err why = {0};
    tb_status st =
        tb_voices_from_wav(voices, TB_ENGINE_EMBEDDED, wav, size, field, cancel, &v.voice, &why);
    if (st == TB_EINVAL && chatterbox && only_neural(voices, wav, size, &v, &why)) st = TB_OK;
    if (st) {
        if (err) *err = why;
        tb_recording_verdict_clear(voices, &v);
        return st;
    }
    if (v.voice) {
        v.seconds = v.voice->seconds;
        for (size_t i = 0; i < v.voice->n_warnings; i++)
            add_warning(v.warnings, v.voice->warnings[i]);
        if (v.seconds <= CHATTERBOX_SECONDS) warn_short(v.warnings, tb_voices_model_name(voices));
    }
    if (v.seconds >= TB_RECORDING_SECONDS)
        add_warning(v.warnings, "this recording is longer than is kept: its first 10 minutes are");
    *out = v;
    return TB_OK;
}

void tb_recording_verdict_clear(tb_voices *voices, tb_recording_verdict *v)
{
    tb_voices_release(voices, v->voice);
    tb_json_free(v->warnings);
    *v = (tb_recording_verdict){0};
}
