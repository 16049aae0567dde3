#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "bench/bench_priv.h"
#include "chatterbox/chatterbox.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/*
 * timbre bench: memory, and the time from the start to the first answer. Memory is read from /proc;
 * elsewhere only the times are reported.
 */

static const char MEMORY[] = "memory and start";

/* MB of this process. */
typedef struct {
    double anon, file; /* what is its own, and resident pages of files */
} resident;

static bool read_resident(resident *r)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[256];
    bool anon = false, file = false;
    while (f && fgets(line, sizeof line, f)) {
        if (tb_str_starts(line, "RssAnon:")) {
            r->anon = (double)strtoull(line + strlen("RssAnon:"), NULL, 10) * 1024 / 1e6;
            anon = true;
        } else if (tb_str_starts(line, "RssFile:")) {
            r->file = (double)strtoull(line + strlen("RssFile:"), NULL, 10) * 1024 / 1e6;
            file = true;
        }
    }
    if (f) fclose(f);
    return anon && file;
}

/* Samples memory until it is stopped, and keeps the peak. */
typedef struct {
    atomic_bool stop;
    resident most; /* of the sum */
    bool known;
    pthread_t thread;
} watch;

static void *watching(void *self)
{
    watch *w = self;
    resident r;
    bool last = false;
    while (!last) {
        last = atomic_load(&w->stop);
        if (read_resident(&r)) {
            w->known = true;
            if (r.anon + r.file > w->most.anon + w->most.file) w->most = r;
        }
        tb_clock_sleep_ms(3);
    }
    return NULL;
}

static tb_status watch_start(watch *w, tb_err *err)
{
    *w = (watch){0};
    if (pthread_create(&w->thread, NULL, watching, w) != 0)
        return tb_fail(err, TB_EINTERNAL, "cannot start a thread");
    return TB_OK;
}

static void watch_stop(watch *w)
{
    atomic_store(&w->stop, true);
    pthread_join(w->thread, NULL);
}

static void add_resident(tb_bench *b, const char *name, const resident *r, const char *what)
{
    tb_bench_add(b->report, MEMORY, name, TB_BENCH_MB, NULL, r->anon + r->file,
                 "%s: %.0f own, %.0f of files", what, r->anon, r->file);
}

/* ---- start ---- */

static tb_status first_piece(void *self, const tb_pcm *pcm, tb_err *err)
{
    (void)pcm;
    *(int64_t *)self = tb_clock_mono_ns();
    return tb_fail_cancelled(err); /* the first chunk is all that is measured */
}

/* From nothing to a model that speaks in a voice that was kept. */
static tb_status time_start(tb_bench *b, const void *packed, size_t size, tb_err *err)
{
    const tb_chatterbox_config config = {.place = {.path = b->path, .variant = b->variant},
                                         .type = b->type,
                                         .threads = b->threads};
    double opened = 1e9, first_sound_s = 1e9;
    resident loaded = {0};
    tb_status st = TB_OK;
    for (size_t i = 0; !st && i < b->runs; i++) {
        tb_chatterbox *c = NULL;
        tb_t3_prefix *prefix = NULL;
        tb_chatterbox_report report;
        int64_t begun = tb_clock_mono_ns(), first = begun;
        st = tb_chatterbox_open(&config, &c, err);
        if (st) break;
        opened = fmin(opened, (double)(tb_clock_mono_ns() - begun) * 1e-9);
        if (i == 0) read_resident(&loaded);
        st = tb_chatterbox_unpack_prefix(c, &b->voice, packed, size, &prefix, err);
        const tb_chatterbox_options how = {.conds = &b->voice,
                                           .prefix = prefix,
                                           .sampler = tb_sampler_defaults,
                                           .speed = 1,
                                           .seed = 1};
        if (!st)
            st = tb_chatterbox_stream(c, &how, "And so it begins.", NULL, first_piece, &first,
                                      &report, err);
        if (st == TB_ECANCELLED && first > begun) st = TB_OK;
        first_sound_s = fmin(first_sound_s, (double)(first - begun) * 1e-9);
        tb_t3_prefix_free(prefix);
        tb_chatterbox_close(c);
    }
    if (st) return st;
    tb_bench_add(b->report, MEMORY, "start.open", TB_BENCH_SECONDS, NULL, opened,
                 "opening the model: from then on it answers");
    tb_bench_add(b->report, MEMORY, "start.first", TB_BENCH_SECONDS, NULL, first_sound_s,
                 "from nothing to the first sound, known voice");
    if (loaded.anon > 0) add_resident(b, "memory.loaded", &loaded, "loaded");
    return TB_OK;
}

/* ---- memory ---- */

enum { SEGMENT = 300, MOST = 4 };

typedef struct {
    const tb_bench *b;
    tb_batcher *batcher;
    tb_compute_lock *compute_lock;
    tb_status status;
    tb_err err;
} caller;

static void *call(void *self)
{
    caller *c = self;
    tb_nn nn = {.pool = c->b->pool, .scratch = tb_scratch_new()};
    tb_bench_utterance *utterance = tb_alloc(sizeof *utterance);
    tb_pcm pcm = {0};
    utterance->batcher = c->batcher;
    utterance->compute_lock = c->compute_lock;
    utterance->tokens = SEGMENT;
    c->status = tb_bench_speak(c->b, &nn, utterance, &pcm, &c->err);
    tb_pcm_clear(&pcm);
    tb_free(utterance);
    tb_scratch_free(nn.scratch);
    return NULL;
}

static tb_status speak_together(tb_bench *b, size_t n, watch *w, tb_err *err)
{
    pthread_t threads[MOST];
    caller all[MOST];
    size_t started = 0;
    tb_batcher *batcher = tb_batcher_new(b->pool);
    tb_compute_lock *compute_lock = tb_compute_lock_new();
    tb_status st = watch_start(w, err);
    const bool watched = !st;
    for (; !st && started < n; started++) {
        all[started] = (caller){.b = b, .batcher = batcher, .compute_lock = compute_lock};
        if (pthread_create(&threads[started], NULL, call, &all[started]) == 0) continue;
        st = tb_fail(err, TB_EINTERNAL, "cannot start a thread");
        break;
    }
    for (size_t i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
        if (st || !all[i].status) continue;
        *err = all[i].err;
        st = all[i].status;
    }
    if (watched) watch_stop(w);
    tb_compute_lock_free(compute_lock);
    tb_batcher_free(batcher);
    return st;
}

static tb_status measure_memory(tb_bench *b, tb_err *err)
{
    watch one, many, condition;
    resident rest, after;
    tb_pcm recording = {0};
    tb_conds conds = {0};
    tb_status st = speak_together(b, 1, &one, err);
    if (st) return st;
    const bool known = read_resident(&rest);
    st = speak_together(b, MOST, &many, err);
    if (st) return st;
    st = tb_bench_recording(10, &recording, err);
    if (!st) st = watch_start(&condition, err);
    if (st) goto out;
    tb_scratch_trim(b->nn.scratch);
    st = tb_conditioner_run(&b->conditioner, &b->nn, &recording, NULL, &conds, err);
    tb_scratch_trim(b->nn.scratch);
    watch_stop(&condition);
    tb_conds_clear(&conds);
    if (st || !known || !read_resident(&after)) goto out;
    add_resident(b, "memory.one", &one.most, "most, one utterance of 300 tokens");
    add_resident(b, "memory.rest", &rest, "afterwards");
    tb_bench_add(b->report, MEMORY, "memory.more", TB_BENCH_MB, NULL,
                 (many.most.anon + many.most.file - one.most.anon - one.most.file) / (MOST - 1),
                 "each further request of 300 tokens at once");
    add_resident(b, "memory.voice", &condition.most, "most, while a voice is made");
    add_resident(b, "memory.voice_rest", &after, "afterwards");
out:
    tb_pcm_clear(&recording);
    return st;
}

/* The first section: memory that others have used and given back would be counted with it. */
tb_status tb_bench_memory(tb_bench *b, tb_err *err)
{
    resident before = {0};
    void *packed = NULL;
    size_t size = 0;
    const bool known = read_resident(&before);
    tb_status st = tb_bench_open(b, err);
    if (st) return st;
    size = tb_t3_prefix_packed_size(b->prefix);
    packed = tb_try_alloc(size, 1);
    if (!packed) return tb_nomem(err, size, 1);
    tb_t3_prefix_pack(b->prefix, packed);
    if (known) add_resident(b, "memory.before", &before, "before the model is opened");

    /* The voice stays; the networks are opened anew, untouched by the making of it. */
    tb_conds voice = b->voice;
    b->voice = (tb_conds){0};
    tb_bench_close(b);
    b->voice = voice;
    st = time_start(b, packed, size, err);
    if (!st) st = tb_bench_reopen(b, packed, size, err);
    if (!st) st = measure_memory(b, err);
    tb_free(packed);
    return st;
}
