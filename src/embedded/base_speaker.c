/*
 * Base speakers: runs flite or espeak-ng once per sentence and reads the sound from a pipe.
 *
 * A sentence is cut into parts where espeak-ng could not read the script in its own voice
 * (foreign_script.c); a part on which the program fails twice is cut in halves. flite is this
 * program started again (flite_child.c) and reads ASCII only. Every child has limits of time,
 * memory and output, and runs confined. docs/embedded.md, "Base speakers". Relies on base/child.h,
 * audio/wav.h, level.c.
 */
#include "embedded/base_speaker_priv.h"

#include "audio/wav.h"
#include "base/child.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/unicode.h"
#include "base/utf8.h"
#include "embedded/foreign_script_priv.h"
#include "embedded/level_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WALL_MS = 10000, CPU_SECONDS = 10, MEMORY = 512 << 20, MOST_SECONDS = 60 };

static bool american(const tb_language *language)
{
    return strcmp(language->code, "en-us") == 0;
}

tb_base_speaker tb_base_speaker_espeak(const tb_language *language, bool higher)
{
    tb_base_speaker base = {.cut_hz = 8200};
    snprintf(base.key, sizeof base.key, "en-us%s", higher ? "+f2" : "");
    snprintf(base.language, sizeof base.language, "%s", language->code);
    snprintf(base.voice, sizeof base.voice, "%s%s",
             *language->voice ? language->voice : language->code, higher ? "+f2" : "");
    return base;
}

tb_base_speaker tb_base_speaker_choose(const tb_language *language, bool higher)
{
    if (!american(language) || !tb_flite_available())
        return tb_base_speaker_espeak(language, higher);
    tb_base_speaker base = {.flite = true, .cut_hz = 6700};
    snprintf(base.key, sizeof base.key, "%s", higher ? "slt" : "rms");
    snprintf(base.voice, sizeof base.voice, "%s", base.key);
    return base;
}

static char fold(uint32_t cp)
{
    const uint32_t plain = tb_utf8_plain(cp);
    if (plain < 0x80) return (char)plain;
    if (cp == 0x2018 || cp == 0x2019) return '\'';
    if (cp == 0x201C || cp == 0x201D) return '"';
    if (cp >= 0x2010 && cp <= 0x2015) return '-';
    uint32_t base = tb_unicode_base(cp); /* "Nguyễn" */
    return base < 0x80 ? (char)base : base != cp ? fold(base) : ' ';
}

char *tb_flite_ascii(const char *text, bool *speakable)
{
    size_t len = strlen(text), o = 0, n;
    char *out = tb_alloc(len * 3 + 1);
    *speakable = false;
    for (size_t i = 0; i < len; i += n) {
        uint32_t cp = tb_utf8_next(text + i, len - i, &n);
        if (cp == 0x2026) { /* the ellipsis */
            memcpy(out + o, "...", 3);
            o += 3;
            continue;
        }
        if (tb_unicode_is_mark(cp)) continue; /* an accent that its letter does not have in one */
        out[o] = cp < 0x20 || cp == 0x7F ? ' ' : cp < 0x80 ? (char)cp : fold(cp);
        if (tb_utf8_is_word((unsigned char)out[o])) *speakable = true;
        o++;
    }
    return out;
}

bool tb_flite_can_read(const char *text)
{
    size_t len = strlen(text), n;
    bool any = false;
    for (size_t i = 0; i < len; i += n) {
        uint32_t cp = tb_utf8_next(text + i, len - i, &n);
        if (!tb_utf8_is_word(cp) || tb_unicode_is_mark(cp)) continue;
        if (cp >= 0x80 && fold(cp) == ' ') return false;
        any = true;
    }
    return any;
}

static char *without_brackets(const char *text)
{
    char *clean = tb_strdup(text); /* "[[" starts phoneme input in espeak-ng */
    for (char *p = clean; *p; p++)
        if (*p == '[' || *p == ']' || (unsigned char)*p < 0x20) *p = ' ';
    return clean;
}

static tb_status run(const tb_speech_programs *programs, const tb_base_speaker *base,
                     const char *text, const tb_cancel *cancel, char **bytes, size_t *size,
                     tb_child_exit *how, tb_err *err)
{
    char *data_path = NULL;
    const char *reads[] = {programs->espeak_data_path, NULL};
    const char *flite[] = {tb_child_self(), "speak-flite", base->voice, NULL};
    const char *espeak[12] = {programs->espeak_program, "-b", "1", "-z", "-v", base->voice};
    size_t n = 6;
    if (programs->espeak_data_path && *programs->espeak_data_path) {
        data_path = tb_sprintf("--path=%s", programs->espeak_data_path);
        espeak[n++] = data_path;
    }
    if (programs->deterministic) espeak[n++] = "-D";
    espeak[n++] = "--stdin";
    espeak[n++] = "--stdout";
    tb_child child = {
        .argv = base->flite ? flite : espeak,
        .input = text,
        .input_size = strlen(text),
        .output_max = (size_t)MOST_SECONDS * 22050 * 2 + 4096,
        .wall_ms = WALL_MS,
        .cpu_seconds = CPU_SECONDS,
        .memory_bytes = MEMORY,
        .name = "the speech program",
        .confine = base->flite ? TB_CONFINE_SELF : TB_CONFINE_PROGRAM,
        .reads = reads,
    };
    tb_status st = tb_child_run(&child, cancel, bytes, size, how, err);
    if (st == TB_ENOTFOUND && base->flite)
        st = tb_fail(err, TB_EUNREADY,
                     "the program of the server itself is not where it was when it started; start "
                     "the server again");
    else if (st == TB_ENOTFOUND)
        st = tb_fail(err, TB_EUNREADY,
                     "the program %s is not installed; on Debian: apt-get install "
                     "espeak-ng",
                     child.argv[0]);
    tb_free(data_path);
    return st;
}

/* flite's child: the rate as one 32-bit integer, then 16-bit samples. espeak-ng: RIFF whose sizes
 * are placeholders, since it writes into a pipe. */
static tb_status read_sound(const tb_base_speaker *base, const char *bytes, size_t size,
                            tb_pcm *out, tb_err *err)
{
    if (!base->flite) return tb_wav_read(bytes, size, MOST_SECONDS, out, err);
    int32_t rate;
    if (size < sizeof rate) return tb_fail(err, TB_EINTERNAL, "its sound has no head");
    memcpy(&rate, bytes, sizeof rate);
    if (rate < 8000 || rate > 48000) return tb_fail(err, TB_EINTERNAL, "its rate is %d", (int)rate);
    tb_status st = tb_pcm_init(out, (size - sizeof rate) / 2, rate, err);
    for (size_t i = 0; !st && i < out->len; i++) {
        int16_t s;
        memcpy(&s, bytes + sizeof rate + 2 * i, sizeof s);
        out->data[i] = (float)s / 32768.0F;
    }
    return st;
}

/* All of a text by one program in one voice. */
static tb_status say_part(const tb_speech_programs *programs, const tb_base_speaker *base,
                          const char *text, const tb_cancel *cancel, tb_pcm *out, tb_err *err)
{
    tb_pcm native = {0};
    bool speakable = true;
    char *clean = base->flite ? tb_flite_ascii(text, &speakable) : without_brackets(text);
    tb_status st = TB_OK;
    *out = (tb_pcm){.rate_hz = TB_RATE_HZ};
    for (int attempt = 0; speakable && attempt < 2; attempt++) {
        char *bytes = NULL;
        size_t size = 0;
        tb_child_exit how = {0};
        st = run(programs, base, clean, cancel, &bytes, &size, &how, err);
        if (!st && (how.exit_code != 0 || how.signal))
            st = tb_fail(err, TB_EINTERNAL, "exit code %d, signal %d", how.exit_code, how.signal);
        if (!st && size > 0) st = read_sound(base, bytes, size, &native, err);
        tb_free(bytes);
        if (st != TB_EINTERNAL && st != TB_EINVAL && st != TB_EMEDIA) break;
        tb_log(TB_WARN, "embedded", "base=%s attempt=%d why=%s", base->voice, attempt + 1,
               err ? err->msg : "");
        st = tb_fail(err, TB_EINTERNAL, "the speech program failed on this sentence");
    }
    if (!st && native.len > 0) st = tb_resample(&native, TB_RATE_HZ, out, err);
    if (!st) tb_level_trim(out);
    tb_pcm_clear(&native);
    tb_free(clean);
    return st;
}

/* Where to cut a text in two: at the blank that is nearest to its middle, else between two
 * characters there. */
static size_t split_point(const char *text, size_t len)
{
    const size_t half = len / 2;
    for (size_t d = 0; d < half / 2; d++) {
        if (text[half - d] == ' ') return half - d;
        if (text[half + d] == ' ') return half + d;
    }
    size_t at = half;
    while (at < len && ((unsigned char)text[at] & 0xC0) == 0x80)
        at++;
    return at;
}

/* What a program fails on as a whole it may say in pieces: espeak-ng 1.51 dies of a sentence that
 * is one abbreviation after the other. */
static tb_status say_pieces(const tb_speech_programs *programs, const tb_base_speaker *base,
                            const char *text, const tb_cancel *cancel, tb_pcm *out, tb_err *err)
{
    enum { LEAST = 48 }; /* bytes; less is not cut */
    const size_t len = strlen(text);
    tb_status st = say_part(programs, base, text, cancel, out, err);
    if (st != TB_EINTERNAL || len < LEAST) return st;
    const size_t cut = split_point(text, len);
    tb_pcm end = {0};
    char *begin = tb_strndup(text, cut);
    st = say_pieces(programs, base, begin, cancel, out, err);
    if (!st) st = say_pieces(programs, base, text + cut, cancel, &end, err);
    if (!st && end.len) st = tb_pcm_append(out, end.data, end.len, err);
    if (st) tb_pcm_clear(out);
    tb_pcm_clear(&end);
    tb_free(begin);
    return st;
}

/* One part of a sentence in the voice that reads it; in the sentence's own where espeak-ng has been
 * installed without that one. */
static tb_status say_foreign(const tb_speech_programs *programs, const tb_base_speaker *base,
                             const char *voice, const char *text, const tb_cancel *cancel,
                             tb_pcm *out, tb_err *err)
{
    tb_base_speaker other = *base;
    const char *variant = strchr(base->voice, '+');
    if (!voice) return say_pieces(programs, base, text, cancel, out, err);
    snprintf(other.voice, sizeof other.voice, "%s%s", voice, variant ? variant : "");
    tb_status st = say_pieces(programs, &other, text, cancel, out, err);
    return st == TB_EINTERNAL ? say_pieces(programs, base, text, cancel, out, err) : st;
}

tb_status tb_base_speaker_say(const tb_speech_programs *programs, const tb_base_speaker *base,
                              const char *text, const tb_cancel *cancel, tb_pcm *out, tb_err *err)
{
    enum { MOST_PARTS = 16, GAP = TB_RATE_HZ / 20 }; /* a process each; 50 ms between two */
    static const float gap[GAP] = {0};
    const size_t len = strlen(text);
    const char *voice = NULL;
    size_t part = len;
    if (!base->flite && *base->language && len)
        part = tb_foreign_script_next(text, len, base->language, &voice);
    if (part == len) return say_foreign(programs, base, voice, text, cancel, out, err);
    tb_status st = TB_OK;
    *out = (tb_pcm){.rate_hz = TB_RATE_HZ};
    for (size_t i = 0, n = 0; !st && i < len; i += part, n++) {
        tb_pcm said = {0};
        part = tb_foreign_script_next(text + i, len - i, base->language, &voice);
        if (n + 1 == MOST_PARTS) {
            part = len - i;
            voice = NULL;
        }
        char *words = tb_strndup(text + i, part);
        st = say_foreign(programs, base, voice, words, cancel, &said, err);
        if (!st && said.len && out->len) st = tb_pcm_append(out, gap, GAP, err);
        if (!st && said.len) st = tb_pcm_append(out, said.data, said.len, err);
        tb_pcm_clear(&said);
        tb_free(words);
    }
    if (st) tb_pcm_clear(out);
    return st;
}

static char *ask(const tb_speech_programs *programs, const char *question)
{
    const char *argv[4] = {programs->espeak_program, question};
    const char *reads[] = {programs->espeak_data_path, NULL};
    char *data_path = NULL;
    char *answer = NULL;
    size_t size = 0;
    tb_child_exit how = {0};
    tb_child child = {.argv = argv,
                      .output_max = 1 << 20,
                      .wall_ms = WALL_MS,
                      .cpu_seconds = CPU_SECONDS,
                      .name = "espeak-ng",
                      .confine = TB_CONFINE_PROGRAM,
                      .reads = reads};
    if (programs->espeak_data_path && *programs->espeak_data_path) {
        data_path = tb_sprintf("--path=%s", programs->espeak_data_path);
        argv[1] = data_path; /* espeak-ng reads its data before it answers any option */
        argv[2] = question;
    }
    tb_status st = tb_child_run(&child, NULL, &answer, &size, &how, NULL);
    tb_free(data_path);
    if (!st && how.exit_code == 0) return answer;
    tb_free(answer);
    return NULL;
}

char *tb_espeak_list_voices(const tb_speech_programs *programs)
{
    return ask(programs, "--voices");
}

bool tb_espeak_has_deterministic(const tb_speech_programs *programs)
{
    char *help = ask(programs, "--help");
    bool known = help && strstr(help, "\n-D");
    tb_free(help);
    return known;
}

char *tb_espeak_version(const tb_speech_programs *programs)
{
    char *line = ask(programs, "--version");
    if (!line) return tb_strdup("");
    line[strcspn(line, "\n")] = 0;
    return line;
}
