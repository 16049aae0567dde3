#include "golden.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "tensor/safetensors_write.h"
#include "tiny_t3.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * `timbre probe` as somebody uses it who holds nothing but recordings: the program is run, and
 * every recorded output must be in what it writes, of the recorded shape and within the recorded
 * tolerance. What each network computes is tested beside it; here it is that the program says all
 * of it under the right names.
 */
#define DATA "'" TB_TEST_DATA "/golden/"
#define TINY " --model " DATA "tiny_s3gen.weights.safetensors' --set enc_heads=2 --set est_heads=4"

static char home[] = "/tmp/timbre-test-probe-XXXXXX";

static char *shell(const char *line, int *status)
{
    tb_str out;
    char piece[4096];
    tb_str_init(&out, 1 << 20);
    FILE *f = popen(line, "r"); /* NOLINT: a test's own lines */
    assert_non_null(f);
    for (size_t n; (n = fread(piece, 1, sizeof piece, f)) > 0;)
        tb_str_add(&out, piece, n);
    int how = pclose(f);
    *status = WIFEXITED(how) ? WEXITSTATUS(how) : 1000;
    return tb_str_take(&out);
}

static void expect(const char *args, int wanted, const char *part)
{
    int status;
    char *line = tb_sprintf("\"$T\" probe %s 2>&1", args), *out = shell(line, &status);
    if (status != wanted || !strstr(out, part))
        fail_msg("%s\nexit %d, wanted %d with \"%s\":\n%s", line, status, wanted, part, out);
    tb_free(out);
    tb_free(line);
}

/* What the stage writes. */
static tb_weights *probe(const char *args)
{
    tb_weights *w = NULL;
    tb_err err = {0};
    char *line = tb_sprintf("%s --threads 2 --out out.safetensors", args);
    unlink("out.safetensors");
    expect(line, 0, " tensors");
    if (tb_safetensors_open("out.safetensors", &w, &err)) fail_msg("%s: %s", line, err.msg);
    tb_free(line);
    return w;
}

static int begin(void **state)
{
    (void)state;
    const char *program = getenv("TIMBRE_PROGRAM");
    if (setenv("T", program && *program ? program : TB_TEST_PROGRAM, 1) != 0) return -1;
    unsetenv("MODEL");
    unsetenv("MODEL_VARIANT");
    return mkdtemp(home) ? chdir(home) : -1;
}

static int end(void **state)
{
    (void)state;
    int status;
    if (chdir("/") != 0) return -1;
    char *line = tb_sprintf("rm -r '%s'", home);
    tb_free(shell(line, &status));
    tb_free(line);
    return status;
}

/* -------------------------------------------------------------- comparisons */

/* How far an output may be off; negative: the name is none of the stage's outputs. */
typedef double tolerance(const golden *g, const char *name);

static double manifest(const golden *g, const char *name, const char *key)
{
    const tb_json *one = tb_json_get(tb_json_get(g->json, "tensors"), name);
    const tb_json *e = tb_json_get(one, key);
    return e ? 10 * tb_json_number(e) + 1e-6 : -1;
}

static double err32(const golden *g, const char *name)
{
    return tb_str_ends(name, ".tokens") ? 0 : manifest(g, name, "err32");
}

static bool is_flow(const char *name)
{
    return tb_str_starts(name, "flow.") || tb_str_starts(name, "enc.") ||
           tb_str_starts(name, "est.") || strcmp(name, "mel") == 0;
}

static double flow(const golden *g, const char *name)
{
    return is_flow(name) ? err32(g, name) : -1;
}

static double f0(const golden *g, const char *name)
{
    return tb_str_starts(name, "hift.f0") ? err32(g, name) : -1;
}

static double source(const golden *g, const char *name)
{
    return strcmp(name, "hift.source") == 0 ? err32(g, name) : -1;
}

static double hift(const golden *g, const char *name)
{
    return is_flow(name) || f0(g, name) >= 0 || source(g, name) >= 0 ? -1 : err32(g, name);
}

/* Behind the flow the recording knows of three arrays what rounding before them does. */
static double chain(const golden *g, const char *name)
{
    const double far = manifest(g, name, "err32_chain");
    return far >= 0 ? far : flow(g, name);
}

static void compare_one(const char *name, const tb_tensor *want, const tb_tensor *got, double most)
{
    const size_t n = tb_tensor_count(want);
    double worst = 0;

    if (want->type != got->type || want->n_dims != got->n_dims ||
        memcmp(want->dim, got->dim, want->n_dims * sizeof want->dim[0]) != 0) {
        char a[80], b[80];
        tb_tensor_shape(want, a);
        tb_tensor_shape(got, b);
        fail_msg("%s is %s %s, recorded %s %s", name, tb_dtype_name(got->type), b,
                 tb_dtype_name(want->type), a);
    }
    if (want->type != TB_F32) {
        assert_memory_equal(got->data, want->data, tb_tensor_bytes(want));
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const double off =
            fabs((double)((const float *)got->data)[i] - (double)((const float *)want->data)[i]);
        if (!(off <= most)) fail_msg("%s, number %zu, is off by %g of %g", name, i, off, most);
        worst = off > worst ? off : worst;
    }
    if (getenv("GOLDEN_VERBOSE")) printf("%s: off by %.2e of %.2e\n", name, worst, most);
}

/* Every recorded output whose name begins with recorded, in what was written under written and the
 * rest of the name. How many there were. */
static size_t compare(const golden *g, const char *recorded, const tb_weights *out,
                      const char *written, tolerance *allowed)
{
    size_t n = 0;

    for (size_t i = 0; i < tb_weights_count(g->tensors); i++) {
        const char *name = tb_weights_name(g->tensors, i);
        if (!tb_str_starts(name, recorded)) continue;
        const double most = allowed(g, name + strlen(recorded));
        if (most < 0) continue;
        char *ours = tb_sprintf("%s%s", written, name + strlen(recorded));
        const tb_tensor *got = tb_weights_find(out, ours);
        if (!got) fail_msg("%s: %s was not written", g->name, ours);
        compare_one(ours, tb_weights_at(g->tensors, i), got, most);
        tb_free(ours);
        n++;
    }
    return n;
}

/* One stage on one recording. */
static void check(const char *stage, const char *name, const char *options, tolerance *allowed,
                  size_t outputs)
{
    golden g;
    golden_open(&g, name);
    char *args = tb_sprintf("%s --in " DATA "%s.safetensors' --case " DATA "%s.json' %s", stage,
                            name, name, options);
    tb_weights *out = probe(args);
    assert_int_equal(compare(&g, "", out, "", allowed), outputs);
    tb_weights_free(out);
    tb_free(args);
    golden_close(&g);
}

/* ----------------------------------------------------------- reduced stages */

/* The set's matrices are (out, in); GPT-2's are published as (in, out). */
static void write_tiny_t3(const char *path)
{
    tb_weights *w = tiny_t3_make(TB_F32);
    const size_t n = tb_weights_count(w);
    const char **names = tb_alloc(n * sizeof *names);
    tb_tensor *tensors = tb_alloc(n * sizeof *tensors);
    float **owned = tb_alloc(n * sizeof *owned);
    tb_err err = {0};

    for (size_t i = 0; i < n; i++) {
        tb_tensor t = *tb_weights_at(w, i);
        names[i] = tb_weights_name(w, i);
        if (t.n_dims == 2 && tb_str_starts(names[i], "tfmr.h.")) {
            const float *x = t.data;
            owned[i] = tb_alloc(tb_tensor_bytes(&t));
            for (size_t r = 0; r < t.dim[0]; r++)
                for (size_t c = 0; c < t.dim[1]; c++)
                    owned[i][c * t.dim[0] + r] = x[r * t.dim[1] + c];
            t = (tb_tensor){.n_dims = 2, .dim = {t.dim[1], t.dim[0]}, .data = owned[i]};
        }
        tensors[i] = t;
    }
    if (tb_safetensors_write(path, names, tensors, n, &err)) fail_msg("%s", err.msg);
    for (size_t i = 0; i < n; i++)
        tb_free(owned[i]);
    tb_free(owned);
    tb_free(tensors);
    tb_free(names);
    tb_weights_free(w);
}

static void t3_says_its_prefill_and_its_steps(void **state)
{
    (void)state;
    write_tiny_t3("t3.safetensors");
    check("t3", "t3_tiny", "--model t3.safetensors --set heads=4", err32, 22);
    /* As a model's folder that has nothing else. */
    assert_int_equal(mkdir("folder", 0700), 0);
    assert_int_equal(rename("t3.safetensors", "folder/t3_nano_v1.safetensors"), 0);
    check("t3", "t3_tiny", "--model folder --set heads=4 --set steps=12", err32, 22);
    /* Other weights say other things; the names stay. */
    tb_weights *out = probe("t3 --model folder --set heads=4 --set steps=3 --type q8_0 --in " DATA
                            "t3_tiny.safetensors'");
    assert_int_equal(tb_weights_find(out, "greedy.tokens")->dim[0], 3);
    assert_int_equal(tb_weights_find(out, "greedy.logits")->dim[0], 3);
    assert_int_equal(tb_weights_find(out, "greedy.logits_first_last")->dim[0], 2);
    tb_weights_free(out);
}

static void flow_and_vocoder_say_all_they_do(void **state)
{
    (void)state;
    check("flow", "s3_tiny", TINY, flow, 54);
    check("f0", "s3_tiny", TINY, f0, 6);
    check("source", "s3_tiny", TINY, source, 1);
    check("hift", "s3_tiny", TINY, hift, 28);
    check("speech", "s3_tiny", TINY, chain, 57);
}

static void noise_that_is_not_recorded_is_made(void **state)
{
    (void)state;
    check("speech", "s3_tiny_odd", TINY " --noise golden/s3_tiny_odd", chain, 4);
    expect("speech --in " DATA "s3_tiny_odd.safetensors'" TINY " --out x", 2,
           "sine_noise is missing");
}

/* The manifest states no error for these. The worst difference is 3e-8. */
static double probability(const golden *g, const char *name)
{
    (void)g;
    return tb_str_starts(name, "case") ? 1e-7 : -1;
}

static void the_sampler_says_the_recorded_probabilities(void **state)
{
    (void)state;
    check("sampler", "sampler", "", probability, 28);
}

/* Tolerances that were set for each array of the front end when it was recorded: test_front.c. */
static double front(const golden *g, const char *name)
{
    static const struct {
        const char *name;
        double most;
    } list[] = {{"mono_0_8192", 0},        {"kweighted_60000_62048", 1e-7},
                {"ta_kernel", 3e-8},       {"mel24_fb", 2e-8},
                {"s3_mel_fb", 2e-8},       {"ve_mel_fb", 2e-8},
                {"kaldi_mel_banks", 5e-5}, {"povey_window", 5e-7},
                {"mel24", 1e-4},           {"s3_logmel_t3", 3e-5},
                {"s3_logmel_gen", 3e-5},   {"ve_trim_rms", 1e-7},
                {"ve_mel", 2e-6 * 5.94},   {"kaldi_fbank_raw", 1e-3},
                {"kaldi_fbank_cmn", 1e-3}};

    (void)g;
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (strcmp(list[i].name, name) == 0) return list[i].most;
    return 1e-6; /* through soxr */
}

static void the_front_end_says_every_array(void **state)
{
    (void)state;
    check("dsp", "cond_dsp", "--wav " DATA "cond_ref.wav'", front, 25);
}

static double tokenizer_array(const golden *g, const char *name)
{
    (void)g;
    return strcmp(name, "mel") == 0 ? -1 : strcmp(name, "project_down") == 0 ? 5e-5 : 2e-4;
}

static double speaker_array(const golden *g, const char *name)
{
    (void)g;
    return strcmp(name, "feat") == 0 ? -1 : strcmp(name, "embedding") == 0 ? 2e-5 : 1e-4;
}

static double encoder_array(const golden *g, const char *name)
{
    (void)g;
    return strcmp(name, "mel") == 0 ? -1 : 5e-6;
}

/* Every case of a recording that holds its network's weights. */
static void check_cases(const char *stage, const char *name, const char *prefix,
                        const char *options, size_t cases, tolerance *allowed, size_t outputs)
{
    golden g;
    size_t n = 0;
    golden_open(&g, name);
    char *args =
        tb_sprintf("%s --in " DATA "%s.safetensors' --prefix %s %s", stage, name, prefix, options);
    tb_weights *out = probe(args);
    for (size_t i = 0; i < cases; i++) {
        char begins[64];
        snprintf(begins, sizeof begins, "%sc%zu/", prefix, i);
        n += compare(&g, begins, out, begins, allowed);
    }
    assert_int_equal(n, outputs);
    tb_weights_free(out);
    tb_free(args);
    golden_close(&g);
}

static void the_networks_of_conditioning_run_every_case(void **state)
{
    (void)state;
    check_cases("s3tokenizer", "cond_tiny", "tiny_s3tok/", "--set heads=2", 2, tokenizer_array, 32);
    check_cases("campplus", "cond_tiny", "tiny_campplus/", "", 3, speaker_array, 29);
    check_cases("ve", "cond_ve", "tiny_ve/",
                "--set partial_frames=20 --set step=10 --set min_coverage=0.8", 3, encoder_array,
                15);
}

static float ramp(size_t i)
{
    return (float)(37 * i % 1009) / 64;
}

/* This file's numbers are formulas. Its mel has more frames than its tokens: it can be looked at,
 * not spoken with. */
static void a_ready_made_voice_is_laid_open(void **state)
{
    (void)state;
    tb_weights *out = probe("conds --conds " DATA "cond_conds_variant.pt'");
    const float *speaker = tb_weights_find(out, "t3.speaker_emb")->data;
    const int32_t *t3 = tb_weights_find(out, "t3.cond_prompt_speech_tokens")->data;
    const int32_t *prompt = tb_weights_find(out, "gen.prompt_token")->data;
    const tb_tensor *mel = tb_weights_find(out, "gen.prompt_feat");
    const float *embedding = tb_weights_find(out, "gen.embedding")->data;

    for (size_t k = 0; k < 256; k++)
        assert_true(speaker[k] == ramp(3 + k));
    for (size_t k = 0; k < 375; k++)
        assert_int_equal(t3[k], 11 * (25 + k) % 6561);
    for (size_t k = 0; k < 250; k++)
        assert_int_equal(prompt[k], 11 * k % 6561);
    for (size_t k = 0; k < 192; k++)
        assert_true(embedding[k] == ramp(259 + k));
    assert_int_equal(mel->dim[0], 900);
    assert_int_equal(mel->dim[1], 80);
    for (size_t t = 0; t < 900; t++)
        for (size_t m = 0; m < 80; m++)
            assert_true(((const float *)mel->data)[t * 80 + m] == ramp(900 * m + t));
    tb_weights_free(out);
}

/* --------------------------------------------------------------- the texts */

static void assert_ids(const tb_weights *out, const char *kind, size_t i, const tb_json *want)
{
    char name[32];
    snprintf(name, sizeof name, "%s.%zu", kind, i);
    const tb_tensor *t = tb_weights_find(out, name);
    if (!t || t->type != TB_I32 || tb_tensor_count(t) != tb_json_len(want))
        fail_msg("%s is not as it should be", name);
    for (size_t j = 0; j < tb_json_len(want); j++)
        assert_int_equal(((const int32_t *)t->data)[j], tb_json_integer(tb_json_at(want, j)));
}

static void assert_norm(const tb_weights *out, size_t i, const tb_json *want)
{
    char name[32];
    snprintf(name, sizeof name, "norm.%zu", i);
    const tb_tensor *t = tb_weights_find(out, name);
    if (!t || t->type != TB_U8 || tb_tensor_count(t) != tb_json_text_len(want))
        fail_msg("%s is not as it should be", name);
    assert_memory_equal(t->data, tb_json_text(want), tb_json_text_len(want));
}

/* The recording is kept with U+E000 where the reference was given U+0000, for readers that know no
 * such text. */
static void put_nuls_back(char *text)
{
    static const char stand_in[] = "\\ue000";
    for (char *at = text; (at = strstr(at, stand_in));)
        at[2] = '0';
}

static void the_tokenizer_says_norms_and_ids(void **state)
{
    char *text = NULL;
    size_t size = 0, nuls = 0;
    tb_json *all = NULL;
    tb_err err = {0};
    tb_str list;
    (void)state;
    if (tb_file_read(TB_TEST_DATA "/golden/tokenizer.json", 1 << 24, &text, &size, &err))
        fail_msg("%s", err.msg);
    put_nuls_back(text);
    if (tb_json_parse_nul(text, size, &all, &err)) fail_msg("%s", err.msg);
    const tb_json *cases = tb_json_get(all, "cases"), *raw = tb_json_get(all, "raw");
    const size_t n = tb_json_len(cases), n_raw = tb_json_len(raw);
    assert_true(n > 100 && n_raw > 100);
    tb_str_init(&list, 1 << 24);
    for (size_t i = 0; i < n + n_raw; i++) {
        const tb_json *one = i < n ? tb_json_at(cases, i) : tb_json_at(raw, i - n);
        const tb_json *v = tb_json_get(one, "text");
        char *quoted = tb_json_print(v);
        tb_str_printf(&list, "%c%s", i ? ',' : '[', quoted);
        nuls += tb_json_text_len(v) != strlen(tb_json_text(v));
        tb_free(quoted);
    }
    tb_str_puts(&list, "]");
    assert_true(nuls > 0);
    assert_int_equal(tb_file_write("texts.json", list.data, list.len, 0600, NULL), TB_OK);
    tb_weights *out = probe("tokenizer --text texts.json --model " DATA "tokenizer'");
    for (size_t i = 0; i < n; i++) {
        assert_norm(out, i, tb_json_get(tb_json_at(cases, i), "norm"));
        assert_ids(out, "ids", i, tb_json_get(tb_json_at(cases, i), "ids"));
    }
    for (size_t i = 0; i < n_raw; i++)
        assert_ids(out, "raw", n + i, tb_json_get(tb_json_at(raw, i), "ids"));
    assert_int_equal(tb_weights_count(out), 3 * (n + n_raw));
    tb_weights_free(out);
    tb_str_clear(&list);
    tb_json_free(all);
    tb_free(text);
}

/* ------------------------------------------------------------ the watermark */

/* The half that marks of the seeded file, as torch has it: out, in, width; scale of the weights. */
static void write_perth(const char *path)
{
    static const struct {
        size_t N, C, k;
        float scale;
    } layers[] = {{256, 128, 1, 0.18371F},  {256, 256, 7, 0.049099F}, {256, 256, 7, 0.049099F},
                  {256, 256, 7, 0.049099F}, {256, 256, 7, 0.049099F}, {256, 256, 7, 0.049099F},
                  {128, 256, 1, 0.0032476F}};
    enum { LAYERS = sizeof layers / sizeof *layers, FILE_TENSORS = 2 * LAYERS + 1 };
    char names[FILE_TENSORS][64];
    const char *pointers[FILE_TENSORS];
    tb_tensor tensors[FILE_TENSORS];
    float *owned[FILE_TENSORS];
    tb_err err = {0};

    for (size_t i = 0; i < FILE_TENSORS; i++) {
        const size_t l = i / 2 < LAYERS ? i / 2 : 0;
        const bool bias = i % 2, other = i == 2 * LAYERS;
        if (other)
            snprintf(names[i], sizeof names[i], "decoder.layers.0.conv.weight");
        else
            snprintf(names[i], sizeof names[i], "encoder.layers.%zu.conv.%s", l,
                     bias ? "bias" : "weight");
        tensors[i] =
            (tb_tensor){.n_dims = bias ? 1 : 3, .dim = {layers[l].N, layers[l].C, layers[l].k}};
        const size_t n = tb_tensor_count(&tensors[i]);
        char *key = tb_sprintf("perth/%s", names[i]);
        tensors[i].data = owned[i] = tb_alloc(n * sizeof *owned[i]);
        golden_noise(key, 0, bias ? 0.086603F : layers[l].scale, owned[i], n);
        pointers[i] = names[i];
        tb_free(key);
    }
    if (tb_safetensors_write(path, pointers, tensors, FILE_TENSORS, &err)) fail_msg("%s", err.msg);
    for (size_t i = 0; i < FILE_TENSORS; i++)
        tb_free(owned[i]);
}

static double mark(const golden *g, const char *name)
{
    return strcmp(name, "signal32k") == 0 ? -1 : err32(g, name);
}

static void the_watermark_says_what_it_adds(void **state)
{
    (void)state;
    write_perth("perth.safetensors");
    check("perth", "perth", "--model perth.safetensors", mark, 4);
    check("perth", "perth", "--model .", mark, 4);
}

/* ---------------------------------------------------------------- full size */

static double end_to_end(const golden *g, const char *name)
{
    (void)g;
    if (strcmp(name, "mel") == 0) return 1e-3;
    return strcmp(name, "source") == 0 ? 5e-3 : strcmp(name, "wav") == 0 ? 2e-2 : 0;
}

static void the_whole_engine_says_the_recorded_sentence(void **state)
{
    golden g;
    (void)state;
    const char *dir = golden_seeded_dir();
    if (!dir) skip();
    golden_open(&g, "e2e");
    char *text = tb_json_print(tb_json_get(g.json, "text"));
    char *list = tb_sprintf("[%s]", text);
    assert_int_equal(tb_file_write("text.json", list, strlen(list), 0600, NULL), TB_OK);
    char *args = tb_sprintf("e2e --text text.json --conds " DATA "conds.pt' --noise golden/e2e "
                            "--set max_gen_len=11 --model '%s'",
                            dir);
    tb_weights *out = probe(args);
    assert_int_equal(compare(&g, "", out, "", end_to_end), 6);
    tb_weights_free(out);
    tb_free(args);
    tb_free(list);
    tb_free(text);
    golden_close(&g);
}

static void a_long_prompt_and_its_noise_are_made(void **state)
{
    (void)state;
    const char *dir = golden_seeded_dir();
    if (!dir) skip();
    char *options = tb_sprintf("--noise golden/s3_long --model '%s'", dir);
    check("speech", "s3_long", options, chain, 8);
    tb_free(options);
}

/* Memories run up to 16 here. */
static double full_encoder_array(const golden *g, const char *name)
{
    (void)g;
    (void)name;
    return 1e-5;
}

/* From the recorded spectrograms, 24 moments of each array. */
static void the_networks_of_conditioning_say_moments(void **state)
{
    golden g;
    (void)state;
    const char *dir = golden_seeded_dir();
    if (!dir) skip();
    golden_open(&g, "cond_full");
    char *args =
        tb_sprintf("s3tokenizer --sample --in " DATA "cond_dsp.safetensors' --model '%s'", dir);
    tb_weights *out = probe(args);
    assert_int_equal(compare(&g, "tok/", out, "tok/", tokenizer_array), 11);
    compare_one("tokens", tb_weights_find(g.tensors, "main/t3_tokens"),
                tb_weights_find(out, "tokens"), 0);
    compare_one("margin", tb_weights_find(g.tensors, "main/t3_margin"),
                tb_weights_find(out, "margin"), 5e-5);
    tb_weights_free(out);
    tb_free(args);
    args = tb_sprintf("campplus --sample --in " DATA "cond_dsp.safetensors' --model '%s'", dir);
    out = probe(args);
    assert_int_equal(compare(&g, "spk/", out, "spk/", speaker_array), 15);
    tb_weights_free(out);
    tb_free(args);
    golden_close(&g);
}

static void the_voice_encoder_says_what_it_remembers(void **state)
{
    golden g;
    (void)state;
    const char *dir = golden_seeded_dir();
    if (!dir) skip();
    golden_open(&g, "cond_ve");
    char *args =
        tb_sprintf("ve --in " DATA "cond_dsp.safetensors' --model '%s/ve.safetensors'", dir);
    tb_weights *out = probe(args);
    assert_int_equal(compare(&g, "ve/", out, "ve/", full_encoder_array), 4);
    compare_one("speaker_emb", tb_weights_find(g.tensors, "main/speaker_emb"),
                tb_weights_find(out, "speaker_emb"), 2e-6);
    tb_weights_free(out);
    tb_free(args);
    golden_close(&g);
}

static void a_recording_becomes_the_recorded_conditionals(void **state)
{
    static const struct {
        const char *recording, *want, *got;
        double most;
    } list[] = {{"cond_full", "main/t3_tokens", "t3.cond_prompt_speech_tokens", 0},
                {"cond_full", "main/prompt_token", "gen.prompt_token", 0},
                {"cond_full", "main/embedding", "gen.embedding", 1e-4},
                {"cond_ve", "main/speaker_emb", "t3.speaker_emb", 1e-5},
                {"cond_dsp", "mel24", "gen.prompt_feat", 1e-4}};
    (void)state;
    const char *dir = golden_seeded_dir();
    if (!dir) skip();
    char *args = tb_sprintf("conditionals --wav " DATA "cond_ref.wav' --model '%s'", dir);
    tb_weights *out = probe(args);
    assert_int_equal(tb_weights_count(out), 5);
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        golden g;
        golden_open(&g, list[i].recording);
        const tb_tensor *got = tb_weights_find(out, list[i].got);
        assert_non_null(got);
        compare_one(list[i].got, tb_weights_find(g.tensors, list[i].want), got, list[i].most);
        golden_close(&g);
    }
    tb_weights_free(out);
    tb_free(args);
}

/* ---------------------------------------------------------------- wrong use */

static void the_stages_are_listed(void **state)
{
    static const char *const stages[] = {"tokenizer",    "sampler",     "t3",       "flow",
                                         "f0",           "source",      "hift",     "speech",
                                         "dsp",          "s3tokenizer", "campplus", "ve",
                                         "conditionals", "conds",       "e2e",      "perth"};
    (void)state;
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        char *line = tb_sprintf("%s\n    needs ", stages[i]);
        expect("--list", 0, line);
        tb_free(line);
    }
}

static void a_wrong_use_is_2_and_names_what_is_wrong(void **state)
{
    (void)state;
    expect("", 2, "STAGE");
    expect("sing --out x", 2, "no stage sing");
    expect("flow extra --out x", 2, "probe takes STAGE");
    expect("flow", 2, "--out FILE is missing");
    expect("flow --out x --set", 2, "--set needs a value");
    expect("flow --out x --set hands=2", 2, "--set hands=2");
    expect("flow --out x --set heads=0", 2, "--set heads=0");
    expect("flow --out x --set heads=1.5", 2, "--set heads=1.5");
    expect("flow --out x --set heads=", 2, "--set heads=");
    expect("flow --out x --set heads", 2, "--set heads");
    expect("flow --out x --set steps=1e99", 2, "--set steps=1e99");
    expect("ve --out x --set min_coverage=1.5", 2, "--set min_coverage=1.5");
    expect("flow --out x --type i32", 2, "--type i32");
    expect("flow --out x --type f31", 2, "--type f31");
    expect("flow --out x --in " DATA "s3_tiny.safetensors'", 2, "--model is missing");
    assert_false(tb_file_exists("x"));
}

static void a_missing_input_is_2_and_has_its_name(void **state)
{
    (void)state;
    expect("flow --out x" TINY, 2, "prompt_token is missing");
    expect("flow --out x --in " DATA "cond_dsp.safetensors'" TINY, 2, "prompt_token is missing");
    expect("hift --out x --in " DATA "s3_tiny_odd.safetensors'" TINY, 2, "hift.source is missing");
    expect("ve --out x --prefix tiny_ve/", 2, "--in is missing");
    expect("ve --out x --in " DATA "cond_ve.safetensors' --prefix tiny/", 2, "--model is missing");
    expect("flow --out x --in " DATA "cond_ve.safetensors' --prefix tiny/" TINY, 2,
           "tiny/c0/ is missing");
    expect("sampler --out x --in " DATA "sampler.safetensors'", 2, "--case is missing");
    expect("sampler --out x --case " DATA "sampler.json'", 2, "big.logits is missing");
    expect("dsp --out x", 2, "--wav is missing");
    expect("conds --out x", 2, "--conds is missing");
    expect("tokenizer --out x --model " DATA "tokenizer'", 2, "--text is missing");
    assert_false(tb_file_exists("x"));
}

static void write_one(const char *name, const tb_tensor *t)
{
    tb_err err = {0};
    if (tb_safetensors_write("one.safetensors", &name, t, 1, &err)) fail_msg("%s", err.msg);
}

static void shapes_and_types_that_do_not_fit_are_refused(void **state)
{
    static const float floats[2 * 79] = {0};
    static const int32_t words[4] = {0};
    (void)state;
    write_one("mel", &(tb_tensor){.n_dims = 2, .dim = {79, 2}, .data = floats});
    expect("f0 --out x --in one.safetensors" TINY, 1, "mel has shape [79, 2], wanted [80, any]");
    write_one("mel", &(tb_tensor){.n_dims = 2, .dim = {80, 0}});
    expect("f0 --out x --in one.safetensors" TINY, 1, "mel has shape [80, 0]");
    write_one("hift.f0", &(tb_tensor){.n_dims = 2, .dim = {2, 4}, .data = floats});
    expect("source --out x --in one.safetensors" TINY, 1, "hift.f0 has shape [2, 4]");
    write_one("hift.f0", &(tb_tensor){.type = TB_I32, .n_dims = 1, .dim = {4}, .data = words});
    expect("source --out x --in one.safetensors" TINY, 1, "hift.f0 is of type i32");
    write_one("prompt_token", &(tb_tensor){.n_dims = 1, .dim = {4}, .data = floats});
    expect("flow --out x --in one.safetensors" TINY, 1, "prompt_token is of type f32");
    write_one("signal32k", &(tb_tensor){.n_dims = 1, .dim = {100}, .data = floats});
    write_perth("perth.safetensors");
    expect("perth --out x --in one.safetensors --model perth.safetensors", 1, "100 samples");
    expect("flow --out x --in " DATA "s3_tiny.safetensors'" TINY " --set est_heads=5", 1, "heads");
    expect("ve --out x --prefix tiny_ve/ --set partial_frames=5 --set step=6 --in " DATA
           "cond_ve.safetensors'",
           1, "step");
    assert_false(tb_file_exists("x"));
}

static void files_that_cannot_be_read_are_named(void **state)
{
    (void)state;
    assert_int_equal(tb_file_write("bad", "[1,", 3, 0600, NULL), TB_OK);
    assert_int_equal(tb_file_write("number.json", "[1]", 3, 0600, NULL), TB_OK);
    expect("flow --out x --in nowhere" TINY, 1, "nowhere");
    expect("flow --out x --in bad" TINY, 1, "bad");
    expect("flow --out x --model nowhere --in " DATA "s3_tiny.safetensors'", 1, "nowhere");
    expect("flow --out x --model bad --in " DATA "s3_tiny.safetensors'", 1, "bad");
    expect("flow --out x --model . --in " DATA "s3_tiny.safetensors'", 1,
           ". has no s3gen_meanflow.safetensors");
    expect("t3 --out x" TINY, 1, "not part of this model");
    expect("e2e --out x" TINY, 1, "needs a folder or a .gguf");
    expect("perth --out x --model bad --in " DATA "perth.safetensors'", 1, "bad");
    expect("dsp --out x --wav bad", 1, "timbre: ");
    expect("dsp --out x --wav nowhere.wav", 1, "nowhere.wav");
    expect("conds --out x --conds bad", 1, "bad");
    expect("tokenizer --out x --text bad --model " DATA "tokenizer'", 1, "bad: the JSON");
    expect("tokenizer --out x --text number.json --model " DATA "tokenizer'", 1,
           "text 0 is no string");
    expect("sampler --out x --case bad", 1, "bad: the JSON");
    expect("sampler --out x --case number.json --in " DATA "sampler.safetensors'", 1,
           "no list of cases");
    expect("dsp --wav " DATA "cond_ref.wav' --out nowhere/x", 1, "nowhere");
    assert_false(tb_file_exists("x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t3_says_its_prefill_and_its_steps),
        cmocka_unit_test(flow_and_vocoder_say_all_they_do),
        cmocka_unit_test(noise_that_is_not_recorded_is_made),
        cmocka_unit_test(the_sampler_says_the_recorded_probabilities),
        cmocka_unit_test(the_front_end_says_every_array),
        cmocka_unit_test(the_networks_of_conditioning_run_every_case),
        cmocka_unit_test(a_ready_made_voice_is_laid_open),
        cmocka_unit_test(the_tokenizer_says_norms_and_ids),
        cmocka_unit_test(the_watermark_says_what_it_adds),
        cmocka_unit_test(the_whole_engine_says_the_recorded_sentence),
        cmocka_unit_test(a_long_prompt_and_its_noise_are_made),
        cmocka_unit_test(the_networks_of_conditioning_say_moments),
        cmocka_unit_test(the_voice_encoder_says_what_it_remembers),
        cmocka_unit_test(a_recording_becomes_the_recorded_conditionals),
        cmocka_unit_test(the_stages_are_listed),
        cmocka_unit_test(a_wrong_use_is_2_and_names_what_is_wrong),
        cmocka_unit_test(a_missing_input_is_2_and_has_its_name),
        cmocka_unit_test(shapes_and_types_that_do_not_fit_are_refused),
        cmocka_unit_test(files_that_cannot_be_read_are_named),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
