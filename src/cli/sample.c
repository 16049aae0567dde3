#include "audio/wav.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/cli_priv.h"
#include "dsp/stretch.h"
#include "embedded/speak.h"

#include <math.h>

/*
 * timbre sample: a recording to clone from, for who has none at hand. Nobody is recorded: the
 * embedded engine's base speaker reads a few sentences, then pitch and formants are moved together
 * (as a tape that runs slower, brought back to its pace), which makes another speaker of her. The
 * same program and the same base speaker give the same bytes.
 */

/* Of pitch and formants: a lower voice, with a longer throat. */
static const double lower = 0.87;

static const char *const sentences[] = {
    "The morning was quiet, and a thin fog lay over the harbour.",
    "I walked down to the water with a cup of tea, as I often do.",
    "Two boats were coming in, and somebody on the pier was laughing.",
    "What a lovely way to begin the day, I thought, and waved back at them.",
};

static tb_status speak(const tb_config *c, tb_pcm *out, tb_err *err)
{
    tb_embedded *e = NULL;
    const tb_language *english = NULL;
    const tb_embedded_config config = {.default_language = "en",
                                       .default_base = "slt",
                                       .espeak_program = c->espeak_program,
                                       .espeak_data_path = c->espeak_data_path};
    tb_status st = tb_embedded_open(&config, &e, err);
    if (!st) st = tb_embedded_language(e, "en", &english, err);
    for (size_t i = 0; !st && i < sizeof sentences / sizeof sentences[0]; i++) {
        const tb_embedded_voice voice = {.language = english,
                                         .temperature = 0.8,
                                         .speed = 0.95,
                                         .seed = i};
        char *text = tb_strdup(sentences[i]);
        const tb_script_item item = {.kind = TB_ITEM_SPEECH,
                                     .text = text,
                                     .tag = TB_TAG_NONE,
                                     .sentence = i};
        static const float pause[TB_RATE_HZ * 3 / 10] = {0};
        tb_pcm said = {0};
        st = tb_embedded_say(e, &voice, &item, NULL, &said, err);
        if (!st && i > 0) st = tb_pcm_append(out, pause, sizeof pause / sizeof pause[0], err);
        if (!st) st = tb_pcm_append(out, said.data, said.len, err);
        tb_pcm_clear(&said);
        tb_free(text);
    }
    tb_embedded_close(e);
    return st;
}

static tb_status make(const tb_config *c, tb_pcm *out, tb_err *err)
{
    tb_pcm said = {.rate_hz = TB_RATE_HZ}, low = {0};
    tb_status st = speak(c, &said, err);
    said.rate_hz = (int)lround(TB_RATE_HZ * lower);
    if (!st) st = tb_resample(&said, TB_RATE_HZ, &low, err);
    if (!st) st = tb_stretch(&low, 1 / lower, out, err);
    tb_pcm_clear(&said);
    tb_pcm_clear(&low);
    return st;
}

int tb_cli_run_sample(tb_cli *cli)
{
    const char *given = tb_cli_get(cli, "--output"), *path = given ? given : "sample.wav";
    tb_pcm pcm = {0};
    uint8_t *wav = NULL;
    size_t size = 0;
    tb_err err = {0};
    tb_status st = make(&cli->config, &pcm, &err);
    if (!st) st = tb_wav_print(&pcm, &wav, &size, &err);
    if (!st) st = tb_file_write(path, wav, size, 0644, &err);
    const double seconds = tb_pcm_seconds(&pcm);
    tb_free(wav);
    tb_pcm_clear(&pcm);
    if (st) return tb_cli_fail(cli, &err);
    if (cli->json) {
        tb_json *o = tb_json_object();
        tb_json_set_string(o, "file", path);
        tb_json_set_real(o, "seconds", seconds);
        return tb_cli_print_json(o);
    }
    printf("%s: %.1f s of a made voice; keep it with: timbre voices add NAME %s\n", path, seconds,
           path);
    return TB_EXIT_OK;
}
