/*
 * The embedded engine's interface: opens the base programs and the list of languages, makes and
 * keeps the statistics of each base, and speaks one item of a script.
 *
 * A sentence goes base speaker (base_speaker.c) -> analysis, map, prosody, resynthesis (render.c)
 * -> level (level.c). Tones of delivery are rows of `tones`. Statistics of a base are measured at
 * first need under the base's own lock and constant afterwards, so speaking threads read them
 * without one. docs/embedded.md. Relies on base_speaker.c, languages.c, render.c, nonverbal.c,
 * level.c.
 */
#include "embedded/speak.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "embedded/analysis_priv.h"
#include "embedded/base_speaker_priv.h"
#include "embedded/languages_priv.h"
#include "embedded/level_priv.h"
#include "embedded/nonverbal_priv.h"
#include "embedded/render_priv.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { BASES = 4, WAIT_MS = 5 };

/* ln of 135 Hz: from this lower quartile of the reference's F0 on the higher base speaks. */
static const float higher_from_ln = 4.905275F;

static const char *const base_keys[BASES] = {"slt", "rms", "en-us+f2", "en-us"};

/* The statistics of a base are measured on these. */
static const char *const sentences[] = {
    "The train to the city leaves at seven in the morning.",
    "Please put the clean glasses back on the kitchen table.",
    "She wrote a long letter to her brother in the army.",
    "We walked along the beach until the sun went down.",
    "The old man told us a story about the war.",
    "My sister bought a new car and sold the old one.",
    "It was too dark to see the road ahead of us.",
    "The children are playing football in the park today.",
    "He opened the window because the room was very hot.",
    "You should drink more water when you work outside.",
    "The doctor said that the pain would go away soon.",
    "They found a small dog sleeping under the bridge.",
    "Our teacher gave us three questions to answer at home.",
    "The price of oil went up again last week.",
    "I forgot my keys and had to call my wife.",
    "There is a good restaurant on the other side of the river.",
    "The president will speak to the people on Friday night.",
    "Most of the students passed the test the first time.",
    "Heavy rain and strong winds are expected this afternoon.",
    "Thank you for calling and have a nice day.",
};

struct tb_embedded {
    tb_speech_programs programs;
    char *bases_dir, *espeak_program, *espeak_data_path, *version;
    bool default_higher;
    tb_languages *languages;
    struct {
        pthread_mutex_t lock; /* one measurement at a time */
        bool ready;           /* guarded by lock; stats are constant once it is set */
        tb_voice_stats stats;
    } bases[BASES];
};

tb_status tb_embedded_open(const tb_embedded_config *config, tb_embedded **out, tb_err *err)
{
    tb_embedded *e = tb_alloc(sizeof *e);
    e->bases_dir = tb_strdup(config->bases_dir);
    e->espeak_program = tb_strdup(
        config->espeak_program && *config->espeak_program ? config->espeak_program : "espeak-ng");
    e->espeak_data_path = tb_strdup(config->espeak_data_path);
    e->programs = (tb_speech_programs){e->espeak_program, e->espeak_data_path, false};
    e->programs.deterministic = tb_espeak_has_deterministic(&e->programs);
    e->default_higher = !config->default_base || strcmp(config->default_base, "rms") != 0;
    for (int i = 0; i < BASES; i++)
        pthread_mutex_init(&e->bases[i].lock, NULL);
    char *listing = tb_espeak_list_voices(&e->programs);
    e->version = tb_espeak_version(&e->programs);
    e->languages = tb_languages_new(listing, config->default_language);
    tb_status st = TB_OK;
    const tb_language *language;
    if (!listing && !tb_flite_available())
        st = tb_fail(err, TB_EUNREADY,
                     "neither %s nor flite is there to speak with; on Debian: "
                     "apt-get install espeak-ng",
                     e->espeak_program);
    else
        st = tb_languages_find(e->languages, "", &language, err);
    tb_free(listing);
    if (st) {
        tb_embedded_close(e);
        return st;
    }
    *out = e;
    return TB_OK;
}

void tb_embedded_close(tb_embedded *e)
{
    if (!e) return;
    for (int i = 0; i < BASES; i++)
        pthread_mutex_destroy(&e->bases[i].lock);
    tb_languages_free(e->languages);
    tb_free(e->bases_dir);
    tb_free(e->espeak_program);
    tb_free(e->espeak_data_path);
    tb_free(e->version);
    tb_free(e);
}

bool tb_embedded_guesses(const tb_embedded *e)
{
    return tb_languages_guesses(e->languages);
}

size_t tb_embedded_languages(const tb_embedded *e, const tb_language **list)
{
    return tb_languages_list(e->languages, list);
}

tb_status tb_embedded_language(const tb_embedded *e, const char *code, const tb_language **out,
                               tb_err *err)
{
    return tb_languages_find(e->languages, code, out, err);
}

tb_status tb_embedded_language_code(const tb_embedded *e, const char *wanted, char code[36],
                                    tb_err *err)
{
    return tb_languages_code(e->languages, wanted, code, err);
}

/* ---- base statistics ---- */

const char *const *tb_embedded_base_sentences(size_t *n)
{
    *n = sizeof sentences / sizeof *sentences;
    return sentences;
}

static tb_status measure_base(tb_embedded *e, const tb_base_speaker *base, const tb_cancel *cancel,
                              tb_voice_stats *out, tb_err *err)
{
    tb_voice_stats_sum *sum = NULL;
    tb_status st = tb_voice_stats_sum_new(&sum, err);
    for (size_t i = 0; !st && i < sizeof sentences / sizeof sentences[0]; i++) {
        tb_pcm pcm = {0};
        st = tb_base_speaker_say(&e->programs, base, sentences[i], cancel, &pcm, err);
        if (!st && pcm.len > 0) {
            tb_analysis analysis = {0};
            st = tb_analysis_run(pcm.data, pcm.len, cancel, &analysis, err);
            if (!st) {
                tb_envelope_extend(analysis.env, analysis.frames, base->cut_hz);
                st = tb_voice_stats_sum_add(sum, analysis.f0, analysis.env, analysis.frames, cancel,
                                            err);
            }
            tb_analysis_clear(&analysis);
        }
        tb_pcm_clear(&pcm);
    }
    if (!st) st = tb_voice_stats_sum_finish(sum, out, err);
    tb_voice_stats_sum_free(sum);
    return st;
}

static tb_status load_base(tb_embedded *e, const tb_base_speaker *base, const tb_cancel *cancel,
                           tb_voice_stats *out, tb_err *err)
{
    char *key = tb_sprintf("%s|%s|%s", base->key, base->flite ? "flite 2" : e->version, TB_VERSION);
    char *path = e->bases_dir ? tb_sprintf("%s/%s.stats", e->bases_dir, base->key) : NULL;
    char *data = NULL;
    size_t size = 0;
    tb_err ignored = {0};
    tb_status st = TB_ENOTFOUND;
    if (path && tb_file_read_plain(path, 1 << 20, &data, &size, &ignored) == TB_OK)
        st = tb_voice_stats_unpack(data, size, key, out, &ignored);
    if (st) {
        uint8_t packed[TB_VOICE_STATS_PACKED];
        st = measure_base(e, base, cancel, out, err);
        if (!st && path) {
            tb_voice_stats_pack(out, key, packed);
            if (tb_file_write(path, packed, sizeof packed, 0600, &ignored))
                tb_log(TB_WARN, "embedded", "base=%s kept=no why=%s", base->key, ignored.msg);
        }
    }
    tb_free(data);
    tb_free(path);
    tb_free(key);
    return st;
}

static tb_status base_stats(tb_embedded *e, const tb_base_speaker *base, const tb_cancel *cancel,
                            const tb_voice_stats **out, tb_err *err)
{
    int i = 0;
    tb_status st = TB_OK;
    while (i < BASES - 1 && strcmp(base_keys[i], base->key) != 0)
        i++;
    /* Another thread may be measuring it for seconds; waiting can be cancelled. */
    while (pthread_mutex_trylock(&e->bases[i].lock) != 0) {
        if (tb_cancelled(cancel)) return tb_fail_cancelled(err);
        tb_clock_sleep_ms(WAIT_MS);
    }
    if (!e->bases[i].ready) {
        /* The statistics of an espeak-ng base are of English for every language: docs/embedded.md,
         * "Voice statistics". */
        tb_base_speaker english = *base;
        if (!base->flite) snprintf(english.voice, sizeof english.voice, "%s", base->key);
        st = load_base(e, &english, cancel, &e->bases[i].stats, err);
        e->bases[i].ready = st == TB_OK;
    }
    pthread_mutex_unlock(&e->bases[i].lock);
    *out = &e->bases[i].stats;
    return st;
}

void tb_embedded_warm(tb_embedded *e, const tb_cancel *cancel)
{
    const tb_language *language;
    tb_err err = {0};
    if (tb_languages_find(e->languages, "", &language, &err)) return;
    for (int higher = 1; higher >= 0; higher--) {
        tb_base_speaker base = tb_base_speaker_choose(language, higher);
        const tb_voice_stats *stats;
        if (base_stats(e, &base, cancel, &stats, &err) != TB_OK && err.status != TB_ECANCELLED)
            tb_log(TB_WARN, "embedded", "base=%s warm=no why=%s", base.key, err.msg);
    }
}

/* ---- speaking ---- */

struct tone {
    tb_speaking_style style;
    double level_db;
};

#define TONE(st, range_, rate_, db, tilt, breath_) \
    {                                              \
        .style = {.pitch_st = (st),                \
                  .range = (range_),               \
                  .rate = (rate_),                 \
                  .tilt_db = (tilt),               \
                  .breath = (breath_)},            \
        .level_db = (db)                           \
    }

static const struct tone tones[TB_TAG_COUNT] = {
    [TB_TAG_HAPPY] = TONE(1.5F, 1.35F, 1.05F, 1, 0.5F, 0),
    [TB_TAG_ANGRY] = TONE(1.0F, 1.25F, 1.08F, 3, 1.5F, 0),
    [TB_TAG_FEAR] = {.style = {2.0F, 0.90F, 1.10F, 0, 0.2F, 6, 0.3F, false}, .level_db = -1},
    [TB_TAG_SURPRISED] = TONE(2.5F, 1.60F, 1.02F, 1, 0.5F, 0),
    [TB_TAG_DRAMATIC] = TONE(-1.0F, 1.40F, 0.85F, 1, 0, 0.1F),
    [TB_TAG_NARRATION] = TONE(-0.3F, 0.90F, 0.95F, 0, 0, 0),
    [TB_TAG_ADVERTISEMENT] = TONE(0.8F, 1.30F, 1.06F, 2, 1.0F, 0),
    [TB_TAG_SARCASTIC] = TONE(-0.8F, 1.30F, 0.90F, 0, 0, 0),
    [TB_TAG_CRYING] = {.style = {1.0F, 0.80F, 0.88F, -0.5F, 0.3F, 5, 0.6F, false}, .level_db = -2},
    [TB_TAG_WHISPERING] = {.style = {0, 1, 0.95F, 1.5F, 0, 0, 0, true}, .level_db = -6},
    [TB_TAG_SAD] = TONE(-1.0F, 0.80F, 0.90F, -2, -0.5F, 0.2F),
};

tb_tag_support tb_embedded_tag(tb_tag tag)
{
    if (tb_tag_kind_of(tag) == TB_TAG_TONE) return TB_TAG_AS_TONE;
    return tb_nonverbal_known(tag) ? TB_TAG_RENDERED : TB_TAG_UNSUPPORTED;
}

/* The lower quartile of the reference decides; without one, the configuration. */
static bool wants_higher(const tb_embedded *e, const tb_voice_stats *reference)
{
    return reference ? reference->f0_q25 >= higher_from_ln : e->default_higher;
}

static void seed_piece_rng(tb_rng *rng, uint64_t seed, size_t piece)
{
    uint64_t state = seed + (uint64_t)piece * 0x9E3779B97F4A7C15U;
    tb_rng_seed(rng, tb_splitmix64(&state));
}

/* Where a text is cut in two: the space nearest before its middle, else between two characters
 * there; 0 when it is too short for that. */
static size_t split_point(const char *text)
{
    size_t at = strlen(text) / 2;
    while (at > 0 && ((unsigned char)text[at] & 0xC0) == 0x80)
        at--;
    for (size_t i = at; i > at / 2; i--)
        if (text[i] == ' ') return i;
    return at;
}

/* A text longer than a base speaker's limit (three hundred digits or kanji, each spelled out) is
 * spoken in two halves, recursively. */
static tb_status say_text(tb_embedded *e, const tb_base_speaker *base, const char *text,
                          const tb_render_job *how, tb_rng *rng, const tb_cancel *cancel,
                          tb_pcm *out, tb_err *err)
{
    tb_pcm spoken = {0}, second = {.rate_hz = TB_RATE_HZ};
    tb_render_job job = *how;
    tb_status st = tb_base_speaker_say(&e->programs, base, text, cancel, &spoken, err);
    job.base = &spoken;
    if (!st && spoken.len > 0) st = tb_render_sentence(&job, rng, cancel, out, err);
    tb_pcm_clear(&spoken);
    const size_t cut = st == TB_ETOOBIG ? split_point(text) : 0;
    if (cut == 0) return st;
    char *first = tb_strndup(text, cut);
    st = say_text(e, base, first, how, rng, cancel, out, err);
    if (!st) st = say_text(e, base, text + cut, how, rng, cancel, &second, err);
    if (!st) st = tb_pcm_append(out, second.data, second.len, err);
    if (st) tb_pcm_clear(out);
    tb_pcm_clear(&second);
    tb_free(first);
    return st;
}

tb_status tb_embedded_say(tb_embedded *e, const tb_embedded_voice *voice,
                          const tb_script_item *item, const tb_cancel *cancel, tb_pcm *out,
                          tb_err *err)
{
    tb_rng rng;
    const tb_voice_stats *stats = NULL;
    bool higher = wants_higher(e, voice->reference);
    tb_base_speaker base = tb_base_speaker_choose(voice->language, higher);
    tb_status st = TB_OK;

    *out = (tb_pcm){.rate_hz = TB_RATE_HZ};
    seed_piece_rng(&rng, voice->seed, item->sentence);
    if (item->kind == TB_ITEM_SOUND) {
        if (!tb_nonverbal_known(item->tag)) return TB_OK;
        st = base_stats(e, &base, cancel, &stats, err);
        if (!st)
            st = tb_nonverbal_make(item->tag, voice->reference ? voice->reference : stats,
                                   voice->speed, &rng, cancel, out, err);
        return st;
    }
    if (base.flite) { /* what flite cannot read, espeak-ng says in the same pitch */
        if (!tb_flite_can_read(item->text)) base = tb_base_speaker_espeak(voice->language, higher);
    }
    if (voice->reference) st = base_stats(e, &base, cancel, &stats, err);
    if (!st) {
        const struct tone *tone = item->tag >= 0 ? &tones[item->tag] : NULL;
        const tb_render_job job = {
            .base_cut_hz = base.cut_hz,
            .base_stats = stats,
            .reference = voice->reference,
            .style = tone ? tone->style : tb_speaking_style_plain(),
            .temperature = voice->temperature,
            .speed = voice->speed,
        };
        st = say_text(e, &base, item->text, &job, &rng, cancel, out, err);
        if (!st && out->len > 0) tb_level_finish(out, tone ? tone->level_db : 0);
    }
    return st;
}
