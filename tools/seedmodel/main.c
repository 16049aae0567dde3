/*
 * timbre-seedmodel: writes a model of the true names, shapes and layout whose numbers follow from
 * their names, for tests, benches and whoever has no weights.
 *
 * Options choose the files; a file that is there and complete stays. docs/model/seeded.md.
 */
#include "seedmodel/seed.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: timbre-seedmodel DIR [options]\n"
    "Writes a model of the true size, names and layout whose numbers come from their names, for\n"
    "tests, benches and whoever has no weights. 3 GB; a file that is there already stays.\n"
    "  --small          a whole model of true names and vocabularies, but of 20 MB\n"
    "  --stop-bias X    with --small: STOP's logit; -1e9 makes a model that never ends\n"
    "  --nano           the smaller T3 (t3_nano_v1) instead of t3_turbo_v1\n"
    "  --perth          also the watermark's weights, perth.safetensors\n"
    "  --only STEM      only this file; may be given several times\n"
    "  --tokenizer DIR  the tokenizer's five files come from here, not from the tests' data\n"
    "  --conds FILE     the built-in voice, copied as conds.pt; default: the tests' own\n"
    "  --threads N      default 2\n";

static const char *const tokenizer_files[] = {"vocab.json", "merges.txt", "added_tokens.json",
                                              "special_tokens_map.json", "tokenizer_config.json"};

enum { MAX_STEMS = 8 };

typedef struct {
    const char *dir;
    const char *stems[MAX_STEMS];
    size_t n_stems;
    bool extras; /* tokenizer and voice too */
    const char *tokenizer, *conds;
    unsigned threads;
    bool small, stop_given;
    double stop;
} wish;

typedef struct {
    const char *stem;
    int64_t shown_ns;
} meter;

static void show(void *self, uint64_t done, uint64_t total)
{
    meter *m = self;
    int64_t now = tb_clock_mono_ns();
    if (done < total && now - m->shown_ns < 200000000) return;
    m->shown_ns = now;
    fprintf(stderr, "\r%s %3llu %%", m->stem, (unsigned long long)(done * 100 / total));
}

static tb_status write_model(const wish *w, const char *stem, tb_err *err)
{
    tb_seed_list list = {0};
    meter m = {.stem = stem};
    bool written = false;
    const tb_seed_table *table = w->small ? tb_seed_small_find(stem) : NULL;
    tb_seed_list_init(&list, table ? table : tb_seed_table_find(stem)); /* perth has one size */
    if (w->stop_given) tb_seed_list_stop(&list, w->stop);
    tb_status st =
        tb_seed_write(&list, w->dir, w->threads, isatty(2) ? show : NULL, &m, &written, err);
    if (isatty(2) && (written || st)) fprintf(stderr, "\r");
    if (!st)
        printf("%s/%s.safetensors: %zu tensors, %llu MB%s\n", w->dir, stem, list.n,
               (unsigned long long)(list.data_bytes / 1000000), written ? "" : ", was there");
    tb_seed_list_clear(&list);
    return st;
}

static tb_status copy(const char *from, const char *dir, const char *name, tb_err *err)
{
    char *data = NULL, *to = tb_path_join(dir, name);
    size_t size = 0;
    tb_status st = tb_file_read(from, (size_t)64 << 20, &data, &size, err);
    if (!st) st = tb_file_write(to, data, size, 0644, err);
    if (!st) printf("%s: a copy of %s\n", to, from);
    tb_free(data);
    tb_free(to);
    return st;
}

static tb_status write_all(const wish *w, tb_err *err)
{
    tb_status st = tb_file_mkdirs(w->dir, 0755, err);
    if (!st) tb_file_sweep(w->dir, tb_clock_now_us()); /* what an interrupted run left */
    for (size_t i = 0; !st && i < w->n_stems; i++)
        st = write_model(w, w->stems[i], err);
    if (!w->extras) return st;
    for (size_t i = 0; !st && i < sizeof tokenizer_files / sizeof *tokenizer_files; i++) {
        char *from = tb_path_join(w->tokenizer, tokenizer_files[i]);
        st = copy(from, w->dir, tokenizer_files[i], err);
        tb_free(from);
    }
    if (!st) st = copy(w->conds, w->dir, "conds.pt", err);
    return st;
}

static tb_status add_stem(wish *w, const char *stem, tb_err *err)
{
    if (!tb_seed_table_find(stem)) {
        char known[256] = "";
        for (size_t i = 0; i < tb_seed_n_tables; i++)
            snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? ", " : "",
                     tb_seed_tables[i].stem);
        return tb_fail(err, TB_EINVAL, "there is no file %s; there are %s", stem, known);
    }
    for (size_t i = 0; i < w->n_stems; i++)
        if (strcmp(w->stems[i], stem) == 0) return TB_OK;
    w->stems[w->n_stems++] = stem; /* distinct and known, so there is room */
    return TB_OK;
}

static tb_status parse(int argc, char **argv, wish *w, tb_err *err)
{
    bool nano = false, perth = false;
    tb_status st = TB_OK;
    *w = (wish){.tokenizer = TB_SEED_DATA "/tokenizer",
                .conds = TB_SEED_DATA "/conds.pt",
                .threads = 2};
    for (int i = 1; !st && i < argc; i++) {
        const char *a = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        bool takes = strcmp(a, "--only") == 0 || strcmp(a, "--tokenizer") == 0 ||
                     strcmp(a, "--conds") == 0 || strcmp(a, "--threads") == 0 ||
                     strcmp(a, "--stop-bias") == 0;
        if (takes && !value) return tb_fail(err, TB_EINVAL, "%s needs a value", a);
        i += takes;
        unsigned long long n = 0;
        if (strcmp(a, "--nano") == 0) {
            nano = true;
        } else if (strcmp(a, "--perth") == 0) {
            perth = true;
        } else if (strcmp(a, "--small") == 0) {
            w->small = true;
        } else if (strcmp(a, "--stop-bias") == 0) {
            if (!tb_parse_double(value, &w->stop))
                return tb_fail(err, TB_EINVAL, "--stop-bias is %s; it must be a number", value);
            w->stop_given = true;
        } else if (strcmp(a, "--only") == 0) {
            st = add_stem(w, value, err);
        } else if (strcmp(a, "--tokenizer") == 0) {
            w->tokenizer = value;
        } else if (strcmp(a, "--conds") == 0) {
            w->conds = value;
        } else if (strcmp(a, "--threads") == 0) {
            if (!tb_parse_u64(value, &n) || n < 1 || n > 64)
                return tb_fail(err, TB_EINVAL, "--threads is %s; 1 to 64 are allowed", value);
            w->threads = (unsigned)n;
        } else if (a[0] == '-' || w->dir) {
            return tb_fail(err, TB_EINVAL, "%s is not understood", a);
        } else {
            w->dir = a;
        }
    }
    if (st) return st;
    if (!w->dir) return tb_fail(err, TB_EINVAL, "no folder is given");
    if (w->stop_given && !w->small)
        return tb_fail(err, TB_EINVAL, "--stop-bias goes with --small only");
    w->extras = w->n_stems == 0;
    if (w->extras) {
        st = add_stem(w, nano ? "t3_nano_v1" : "t3_turbo_v1", err);
        if (!st) st = add_stem(w, "s3gen_meanflow", err);
        if (!st) st = add_stem(w, "ve", err);
    }
    if (!st && perth) st = add_stem(w, "perth", err);
    return st;
}

int main(int argc, char **argv)
{
    wish w;
    tb_err err = {0};
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    tb_status st = parse(argc, argv, &w, &err);
    if (st) {
        fprintf(stderr, "timbre-seedmodel: %s\n%s", err.msg, usage);
        return 2;
    }
    st = write_all(&w, &err);
    if (st) fprintf(stderr, "timbre-seedmodel: %s\n", err.msg);
    return st ? 1 : 0;
}
