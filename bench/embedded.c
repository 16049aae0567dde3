/*
 * How near does the embedded engine come to a voice, is it understood, is it fast (the figures are
 * in docs/engine-embedded.md)? Every voice's first half is given to the engine, the judges compare
 * with the second. One line per figure: what it is, what it must be, verdict.
 *
 *   bench-embedded [--json] [--no-wer] [--voices FOLDER]
 */
#include "judge.h"

#include "audio/wav.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "embedded/base_speaker_priv.h"
#include "embedded/reference.h"
#include "embedded/speak.h"

#include <dirent.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { VOICES_MAX = 64, SPOKEN = 5, HEARD = 10, THREADS = 8 };

/* None of them is among those that the statistics of a base are measured from. */
static const char *const sentences[HEARD] = {
    "The farmer counted his sheep before he closed the gate.",
    "A cup of hot tea stood beside the lamp on her desk.",
    "Nobody knew why the bell had stopped at half past nine.",
    "Two boats came slowly around the corner of the island.",
    "Could you show me which bus goes to the museum?",
    "The baker sold his last loaf of bread just before noon.",
    "Snow fell all night, and the village was quiet.",
    "Our neighbour plays the piano every evening after dinner.",
    "They planted nine young trees behind the school.",
    "I would rather take the stairs than wait for the lift.",
};

typedef struct {
    char name[64];
    tb_pcm first, second; /* halves, 24 kHz */
    tb_voice_stats stats;
    judge_timbre timbre; /* of the second half */
    double ltas[JUDGE_BANDS];
} voice;

typedef struct {
    bool json, wer;
    const char *folder;
    tb_embedded *engine;
    const tb_language *english;
    tb_speech_programs programs;
    voice *voices;
    size_t n;
    size_t failed;
} bench;

/* A failure here ends the bench: nothing can be measured without. */
static void need(tb_status st, const tb_err *err)
{
    if (!st) return;
    fprintf(stderr, "bench-embedded: %s\n", err->msg);
    exit(2);
}

/* A base sounds most like itself in the sentences that it was measured from. */
static void need_other_sentences(void)
{
    size_t n;
    const char *const *measured = tb_embedded_base_sentences(&n);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < HEARD; k++)
            if (strcmp(measured[i], sentences[k]) == 0) {
                fprintf(stderr, "bench-embedded: the base was measured from \"%s\"\n",
                        sentences[k]);
                exit(2);
            }
}

static void line(bench *b, const char *name, double value, const char *unit, bool at_most,
                 double threshold)
{
    bool ok = isfinite(value) && (at_most ? value <= threshold : value >= threshold);
    if (!ok) b->failed++;
    if (b->json)
        printf("{\"figure\":\"%s\",\"value\":%.6g,\"unit\":\"%s\",\"%s\":%.6g,\"ok\":%s}\n", name,
               value, unit, at_most ? "at_most" : "at_least", threshold, ok ? "true" : "false");
    else
        printf("%-34s %10.4g %-6s %s %-8.4g %s\n", name, value, unit,
               at_most ? "<=" : ">=", threshold, ok ? "ok" : "FAILED");
    fflush(stdout);
}

static void skipped(const bench *b, const char *name, const char *why)
{
    if (b->json)
        printf("{\"figure\":\"%s\",\"skipped\":\"%s\"}\n", name, why);
    else
        printf("%-34s skipped: %s\n", name, why);
}

/* Takes pcm. */
static void add_voice(bench *b, const char *name, tb_pcm *pcm)
{
    voice *v = &b->voices[b->n];
    tb_pcm at24k = {0};
    tb_reference_report report;
    tb_err err;

    if (b->n == VOICES_MAX) exit(2);
    snprintf(v->name, sizeof v->name, "%.*s", (int)strcspn(name, "."), name);
    if (pcm->rate_hz == TB_RATE_HZ) {
        at24k = *pcm;
        *pcm = (tb_pcm){0};
    } else {
        need(tb_resample(pcm, TB_RATE_HZ, &at24k, &err), &err);
    }
    const size_t half = at24k.len / 2;
    v->first.rate_hz = v->second.rate_hz = TB_RATE_HZ;
    need(tb_pcm_append(&v->first, at24k.data, half, &err), &err);
    need(tb_pcm_append(&v->second, at24k.data + half, at24k.len - half, &err), &err);
    need(tb_reference_check(&v->first, 0, NULL, &report, &err), &err);
    v->stats = report.stats;
    if (!judge_timbre_of(v->second.data, v->second.len, &v->timbre)) exit(2);
    judge_ltas(v->second.data, v->second.len, v->ltas);
    b->n++;
    tb_pcm_clear(&at24k);
    tb_pcm_clear(pcm);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void read_voices(bench *b)
{
    DIR *dir = opendir(b->folder);
    char *names[VOICES_MAX];
    size_t n = 0;
    tb_err err;

    if (!dir) {
        fprintf(stderr, "bench-embedded: cannot open the folder %s\n", b->folder);
        exit(2);
    }
    for (struct dirent *e; n < VOICES_MAX && (e = readdir(dir));)
        if (tb_str_ends(e->d_name, ".wav")) names[n++] = tb_strdup(e->d_name);
    closedir(dir);
    qsort(names, n, sizeof *names, by_name);
    for (size_t i = 0; i < n; i++) {
        char *path = tb_path_join(b->folder, names[i]), *data = NULL;
        size_t size = 0;
        tb_pcm pcm = {0};
        need(tb_file_read(path, 64 << 20, &data, &size, &err), &err);
        need(tb_wav_read(data, size, 60, &pcm, &err), &err);
        add_voice(b, names[i], &pcm);
        tb_free(data);
        tb_free(path);
        tb_free(names[i]);
    }
}

/* Voices for a machine that has no recordings: four variants of espeak-ng, other sentences. */
static void make_voices(bench *b)
{
    static const char *const variants[] = {"en-us+m3", "en-us+f5", "en-us+m7", "en-us+f3"};
    static const char text[] =
        "A rainbow is a division of white light into many beautiful colours. These take the shape "
        "of a long round arch, with its path high above, and its two ends apparently beyond the "
        "horizon. There is, according to legend, a boiling pot of gold at one end.";

    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) {
        const char *argv[] = {"espeak-ng", "-b",      "1",        "-z", "-v",
                              variants[i], "--stdin", "--stdout", NULL};
        const tb_child child = {.argv = argv,
                                .input = text,
                                .input_size = strlen(text),
                                .output_max = 16 << 20,
                                .wall_ms = 20000,
                                .name = "espeak-ng"};
        tb_child_exit how;
        tb_pcm pcm = {0};
        char *data = NULL;
        size_t size = 0;
        tb_err err;
        need(tb_child_run(&child, NULL, &data, &size, &how, &err), &err);
        need(tb_wav_read(data, size, 60, &pcm, &err), &err);
        add_voice(b, variants[i], &pcm);
        tb_free(data);
    }
}

static tb_status say(const bench *b, const tb_voice_stats *reference, const char *text,
                     double speed, uint64_t seed, tb_pcm *out, tb_err *err)
{
    const tb_embedded_voice how = {.language = b->english,
                                   .reference = reference,
                                   .temperature = 0.8,
                                   .speed = speed,
                                   .seed = seed};
    tb_script_item item = {.kind = TB_ITEM_SPEECH, .tag = TB_TAG_NONE};
    item.text = tb_strdup(text);
    tb_status st = tb_embedded_say(b->engine, &how, &item, NULL, out, err);
    tb_free(item.text);
    return st;
}

/* Likeness, colour and pitch of all voices. */
static void judge_voices(bench *b)
{
    double first = 0, ranks = 0, own = 0, ltas = 0, f0 = 0, f0_worst = 0, peak = 0, edge = 0;
    size_t wrong = 0, judged = 0;

    for (size_t i = 0; i < b->n; i++) {
        tb_pcm all = {.rate_hz = TB_RATE_HZ};
        judge_timbre timbre;
        double bands[JUDGE_BANDS], mine, range, theirs, their_range;
        tb_err err;
        for (size_t s = 0; s < SPOKEN; s++) {
            tb_pcm pcm = {0};
            need(say(b, &b->voices[i].stats, sentences[s], 1, 100 + s, &pcm, &err), &err);
            if (pcm.len > 0)
                edge = fmax(edge, (double)fmaxf(fabsf(pcm.data[0]), fabsf(pcm.data[pcm.len - 1])));
            need(tb_pcm_append(&all, pcm.data, pcm.len, &err), &err);
            tb_pcm_clear(&pcm);
        }
        for (size_t k = 0; k < all.len; k++) {
            if (!isfinite(all.data[k])) wrong++;
            peak = fmax(peak, (double)fabsf(all.data[k]));
        }
        if (!judge_timbre_of(all.data, all.len, &timbre)) exit(2);
        size_t rank = 1;
        double d = judge_timbre_distance(&timbre, &b->voices[i].timbre);
        for (size_t j = 0; j < b->n; j++)
            if (j != i && judge_timbre_distance(&timbre, &b->voices[j].timbre) < d) rank++;
        judge_ltas(all.data, all.len, bands);
        double l = judge_ltas_distance(bands, b->voices[i].ltas), e = (double)NAN;
        const tb_pcm *second = &b->voices[i].second;
        if (judge_pitch(all.data, all.len, &mine, &range) &&
            judge_pitch(second->data, second->len, &theirs, &their_range)) {
            e = fabs(mine - theirs);
            f0 += e;
            f0_worst = fmax(f0_worst, e);
            judged++;
        }
        if (!b->json)
            printf("  %-20s rank %zu, own distance %.2f, spectrum %.1f dB, pitch %.2f st off\n",
                   b->voices[i].name, rank, d, l, e);
        first += rank == 1;
        ranks += (double)rank;
        own += d;
        ltas += l;
        tb_pcm_clear(&all);
    }
    const double n = (double)b->n;
    line(b, "rank-1", first / n, "", false, 0.75);
    line(b, "mean rank", ranks / n, "", true, 1.5);
    line(b, "own distance", own / n, "", true, 0.55);
    line(b, "long-term spectrum", ltas / n, "dB", true, 5.6);
    line(b, "pitch error, mean", judged ? f0 / (double)judged : (double)NAN, "st", true, 1.3);
    line(b, "pitch error, largest", f0_worst, "st", true, 3.8);
    line(b, "values that are not numbers", (double)wrong, "", true, 0);
    line(b, "peak", peak, "", true, 0.891255);
    line(b, "sample at a piece's edge", edge, "", true, 0.02);
}

static void judge_speed(bench *b)
{
    static const double speeds[] = {0.25, 0.5, 2, 4};
    tb_pcm plain = {0}, fast = {0};
    tb_err err;
    double worst = 0;

    need(say(b, &b->voices[0].stats, sentences[0], 1, 7, &plain, &err), &err);
    for (size_t i = 0; i < sizeof speeds / sizeof *speeds; i++) {
        need(say(b, &b->voices[0].stats, sentences[0], speeds[i], 7, &fast, &err), &err);
        worst = fmax(worst, fabs((double)fast.len * speeds[i] / (double)plain.len - 1));
        tb_pcm_clear(&fast);
    }
    line(b, "length at 0.25, 0.5, 2, 4: off by", 100 * worst, "%", true, 1);
    tb_pcm_clear(&plain);
}

typedef struct {
    const bench *b;
    tb_pcm pcm;
} speaker;

static void *speaker_main(void *arg)
{
    speaker *s = arg;
    tb_err err;
    need(say(s->b, &s->b->voices[0].stats, sentences[1], 1, 9, &s->pcm, &err), &err);
    return NULL;
}

static void judge_seeds(bench *b)
{
    speaker alone = {.b = b}, many[THREADS];
    pthread_t threads[THREADS];
    size_t differ = 0;

    speaker_main(&alone);
    for (size_t i = 0; i < THREADS; i++) {
        many[i] = (speaker){.b = b};
        if (pthread_create(&threads[i], NULL, speaker_main, &many[i])) exit(2);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        differ += many[i].pcm.len != alone.pcm.len ||
                  memcmp(many[i].pcm.data, alone.pcm.data, alone.pcm.len * sizeof(float)) != 0;
        tb_pcm_clear(&many[i].pcm);
    }
    tb_pcm_clear(&alone.pcm);
    line(b, "same seed, 8 at once: differ", (double)differ, "", true, 0);
}

static double seconds_since(int64_t start)
{
    return 1e-9 * (double)(tb_clock_mono_ns() - start);
}

static void judge_time(bench *b)
{
    tb_pcm pcm = {0}, ten = {.rate_hz = TB_RATE_HZ};
    tb_reference_report report;
    tb_err err;
    double sound = 0;

    int64_t start = tb_clock_mono_ns();
    for (size_t i = 0; i < SPOKEN; i++) {
        need(say(b, &b->voices[0].stats, sentences[i], 1, i, &pcm, &err), &err);
        sound += tb_pcm_seconds(&pcm);
        tb_pcm_clear(&pcm);
    }
    line(b, "time over sound, all included", seconds_since(start) / sound, "", true, 0.15);
    start = tb_clock_mono_ns();
    need(say(b, &b->voices[0].stats, sentences[0], 1, 1, &pcm, &err), &err);
    line(b, "first piece", 1000 * seconds_since(start), "ms", true, 300);
    tb_pcm_clear(&pcm);

    while (ten.len < 10 * TB_RATE_HZ) {
        size_t n = 10 * TB_RATE_HZ - ten.len;
        if (n > b->voices[0].first.len) n = b->voices[0].first.len;
        need(tb_pcm_append(&ten, b->voices[0].first.data, n, &err), &err);
    }
    start = tb_clock_mono_ns();
    need(tb_reference_check(&ten, 0, NULL, &report, &err), &err);
    line(b, "analysis of a 10 s reference", seconds_since(start), "s", true, 1);
    tb_pcm_clear(&ten);
}

/* --- words understood --- */

/* Writes a sentence for the recogniser: 16 kHz, 0.3 s of silence on both ends. */
static void write_heard(const char *folder, const char *id, const tb_pcm *pcm)
{
    tb_pcm at16k = {0}, padded = {0};
    char name[80];
    uint8_t *data = NULL;
    size_t size = 0;
    tb_err err;

    need(tb_resample(pcm, 16000, &at16k, &err), &err);
    need(tb_pcm_init(&padded, at16k.len + 2 * 4800, 16000, &err), &err);
    memcpy(padded.data + 4800, at16k.data, at16k.len * sizeof(float));
    need(tb_wav_print(&padded, &data, &size, &err), &err);
    snprintf(name, sizeof name, "%s.wav", id);
    char *path = tb_path_join(folder, name);
    need(tb_file_write(path, data, size, 0600, &err), &err);
    tb_free(path);
    tb_free(data);
    tb_pcm_clear(&padded);
    tb_pcm_clear(&at16k);
}

/* Runs the recogniser over everything in the control file; its hypotheses, heap. */
static char *recognise(const char *folder, const char *control)
{
    char *ctl = tb_path_join(folder, "control"), *hyp = tb_path_join(folder, "heard"), *out = NULL;
    size_t size = 0;
    tb_child_exit how;
    tb_err err;
    const char *argv[] = {"pocketsphinx_batch",
                          "-adcin",
                          "yes",
                          "-adchdr",
                          "44",
                          "-cepext",
                          ".wav",
                          "-ctl",
                          ctl,
                          "-cepdir",
                          folder,
                          "-hyp",
                          hyp,
                          "-logfn",
                          "/dev/null",
                          NULL};
    const tb_child child = {.argv = argv,
                            .output_max = 1 << 20,
                            .wall_ms = 900000,
                            .name = "pocketsphinx_batch"};

    need(tb_file_write(ctl, control, strlen(control), 0600, &err), &err);
    need(tb_child_run(&child, NULL, &out, &size, &how, &err), &err);
    tb_free(out);
    out = NULL;
    need(tb_file_read(hyp, 1 << 20, &out, &size, &err), &err);
    unlink(ctl);
    unlink(hyp);
    tb_free(ctl);
    tb_free(hyp);
    return out;
}

static void judge_words(bench *b)
{
    static const char *const wanted[] = {"Abigail", "Alice", "Axel", "Eli"};
    char *program = tb_child_which("pocketsphinx_batch");
    char folder[] = "/tmp/bench-embedded-XXXXXX", id[64];
    tb_str control;
    const voice *chosen[4];
    size_t n = 0, errors[2] = {0}, words[2] = {0};
    tb_err err;

    const bool installed = program;
    tb_free(program);
    if (!installed || !b->wer) {
        skipped(b, "word errors", installed ? "not asked for" : "pocketsphinx is not installed");
        return;
    }
    for (size_t i = 0; i < b->n; i++)
        for (size_t k = 0; k < 4; k++)
            if (n < 4 && (strcmp(b->voices[i].name, wanted[k]) == 0 || !b->folder))
                if (n == 0 || chosen[n - 1] != &b->voices[i]) chosen[n++] = &b->voices[i];
    if (n == 0 || !mkdtemp(folder)) {
        skipped(b, "word errors", "none of the voices they are known for");
        return;
    }

    tb_str_init(&control, 1 << 20);
    for (size_t v = 0; v < n; v++)
        for (size_t s = 0; s < HEARD; s++) {
            tb_base_speaker base =
                tb_base_speaker_choose(b->english, exp((double)chosen[v]->stats.f0_q25) >= 135);
            tb_pcm pcm = {0};
            for (int bent = 0; bent < 2; bent++) {
                if (bent)
                    need(say(b, &chosen[v]->stats, sentences[s], 1, s, &pcm, &err), &err);
                else
                    need(tb_base_speaker_say(&b->programs, &base, sentences[s], NULL, &pcm, &err),
                         &err);
                snprintf(id, sizeof id, "%zu-%zu-%d", v, s, bent);
                write_heard(folder, id, &pcm);
                tb_str_printf(&control, "%s\n", id);
                tb_pcm_clear(&pcm);
            }
        }
    char *text = tb_str_take(&control), *heard = recognise(folder, text), *rest = NULL;
    for (char *row = strtok_r(heard, "\n", &rest); row; row = strtok_r(NULL, "\n", &rest)) {
        size_t v, s, count;
        int bent;
        char *open = strrchr(row, '(');
        if (!open || sscanf(open, "(%zu-%zu-%d", &v, &s, &bent) != 3) continue;
        if (v >= n || s >= HEARD || bent < 0 || bent > 1) continue;
        *open = 0;
        errors[bent] += judge_word_errors(sentences[s], row, &count);
        words[bent] += count;
    }
    for (size_t v = 0; v < n; v++)
        for (size_t s = 0; s < HEARD; s++)
            for (int bent = 0; bent < 2; bent++) {
                snprintf(id, sizeof id, "%zu-%zu-%d.wav", v, s, bent);
                char *path = tb_path_join(folder, id);
                unlink(path);
                tb_free(path);
            }
    rmdir(folder);
    double plain = 100.0 * (double)errors[0] / (double)words[0];
    line(b, "word errors", 100.0 * (double)errors[1] / (double)words[1], "%", true, plain + 7);
    if (!b->json)
        printf("  the base as it is: %.1f %% of %zu words; bent: of %zu\n", plain, words[0],
               words[1]);
    tb_free(heard);
    tb_free(text);
}

int main(int argc, char **argv)
{
    bench b = {.wer = true, .programs = {.espeak_program = "espeak-ng", .espeak_data_path = ""}};
    const tb_embedded_config config = {.default_language = "en",
                                       .default_base = "slt",
                                       .espeak_program = "espeak-ng",
                                       .espeak_data_path = ""};
    tb_err err;

    /* The engine starts its own program for flite's voices: here that is this one. */
    if (argc == 3 && strcmp(argv[1], "speak-flite") == 0) return tb_flite_child_main(argv[2]);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            b.json = true;
        } else if (strcmp(argv[i], "--no-wer") == 0) {
            b.wer = false;
        } else if (strcmp(argv[i], "--voices") == 0 && i + 1 < argc) {
            b.folder = argv[++i];
        } else {
            fprintf(stderr, "usage: bench-embedded [--json] [--no-wer] [--voices FOLDER]\n");
            return 2;
        }
    }
    (void)tb_child_self();
    need_other_sentences();
    b.voices = tb_alloc(VOICES_MAX * sizeof *b.voices);
    need(tb_embedded_open(&config, &b.engine, &err), &err);
    need(tb_embedded_language(b.engine, "en", &b.english, &err), &err);
    tb_embedded_warm(b.engine, NULL);
    if (b.folder)
        read_voices(&b);
    else
        make_voices(&b);
    if (b.n == 0) {
        fprintf(stderr, "bench-embedded: no .wav file in %s\n", b.folder);
        return 2;
    }
    if (!b.folder && !b.json)
        printf("(voices made by espeak-ng: the thresholds are those of recordings)\n");
    judge_voices(&b);
    judge_speed(&b);
    judge_seeds(&b);
    judge_time(&b);
    judge_words(&b);
    for (size_t i = 0; i < b.n; i++) {
        tb_pcm_clear(&b.voices[i].first);
        tb_pcm_clear(&b.voices[i].second);
    }
    tb_free(b.voices);
    tb_embedded_close(b.engine);
    return b.folder && b.failed ? 1 : 0;
}
