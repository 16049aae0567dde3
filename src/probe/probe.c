/*
 * timbre probe: options, the table of stages, and one run over a recording's cases.
 *
 * A stage is a row: name, what it needs, what it puts out, its function in text.c, sound.c, voice.c
 * or e2e.c. docs/model/probe.md.
 */
#include "probe/probe.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "catalogue/catalogue.h"
#include "probe/probe_priv.h"

#include <string.h>
#include <unistd.h>

const tb_cli_option tb_probe_options[] = {
    {"--in", NULL, "FILE", "the golden file: safetensors with the stage's inputs"},
    {"--out", NULL, "FILE", "the safetensors file to write results to"},
    {"--case", NULL, "JSON", "parameters of the golden file that are not tensors"},
    {"--prefix", NULL, "P", "run every case <P>c<i>/ of the golden file; weights may be at <P>w/"},
    {"--noise", NULL, "KEY", "make the noise that the golden file leaves out: golden/s3_long"},
    {"--wav", NULL, "FILE", "a recording of a person"},
    {"--conds", NULL, "FILE", "a ready-made voice, conds.pt"},
    {"--text", NULL, "JSON", "a list of texts"},
    {"--set", NULL, "K=V",
     "a hyperparameter that no shape shows: heads, enc_heads, est_heads, ...; repeatable"},
    {"--type", NULL, "NAME", TB_MODEL_TYPES(", ") "; default: f32"},
    {"--sample", NULL, NULL, "24 time steps of each array, time first (s3tokenizer, campplus)"},
    {"--list", NULL, NULL, "list the stages, what each needs and writes"},
    {0},
};

/* clang-format off */
static const tb_probe_stage stages[] = {
    {"tokenizer", "--text (a list of strings)", "norm.<i>, ids.<i> (of the normalised text), raw.<i>",
     TB_PROBE_WORDS, false, tb_probe_tokenizer},
    {"sampler", "*.logits, --case", "case<i>.probs", 0, false, tb_probe_sampler},
    {"t3", "text_ids, speaker_emb, cond_prompt_speech_tokens (and rows, if there)",
     "prefill.*, greedy.*, proc.*", TB_PROBE_T3, false, tb_probe_t3},
    {"flow", "prompt_token, prompt_feat, embedding, speech_tokens, cfm_z",
     "flow.*, enc.*, est.*, mel", TB_PROBE_S3GEN, false, tb_probe_flow},
    {"f0", "mel", "hift.f0, hift.f0.*", TB_PROBE_S3GEN, false, tb_probe_f0},
    {"source", "hift.f0, sine_phase, sine_noise", "hift.source", TB_PROBE_S3GEN, false, tb_probe_source},
    {"hift", "mel, hift.source", "hift.stft and all behind it, wav_raw, wav", TB_PROBE_S3GEN, false,
     tb_probe_hift},
    {"speech", "what flow needs, sine_phase, sine_noise", "flow, f0, source and hift, one after the other",
     TB_PROBE_S3GEN, false, tb_probe_speech},
    {"dsp", "--wav", "mono_0_8192, soxr_*, wav24_*, wav16_*, mel24, s3_logmel_*, ve_*, kaldi_*, tables",
     0, false, tb_probe_dsp},
    {"s3tokenizer", "mel, or s3_logmel_t3", "its arrays, of the latter as tok/*; tokens, margin",
     TB_PROBE_S3GEN, true, tb_probe_s3tokenizer},
    {"campplus", "feat, or kaldi_fbank_cmn", "its arrays, of the latter as spk/*", TB_PROBE_S3GEN, true,
     tb_probe_campplus},
    {"ve", "mel, or ve_mel", "its arrays, of the latter as ve/* and speaker_emb", TB_PROBE_VE, false,
     tb_probe_ve},
    {"conditionals", "--wav", "t3.speaker_emb, t3.cond_prompt_speech_tokens, gen.prompt_token, "
     "gen.prompt_feat, gen.embedding", TB_PROBE_S3GEN | TB_PROBE_VE, false, tb_probe_conditionals},
    {"conds", "--conds", "the same", 0, false, tb_probe_conds},
    {"e2e", "--text (one), --conds, --noise", "text_ids, t3_tokens, speech_tokens, mel, source, wav",
     TB_PROBE_WORDS | TB_PROBE_T3 | TB_PROBE_S3GEN, false, tb_probe_e2e},
    {"perth", "signal32k", "mag, wm_mag_sub, mask, wm_signal32k", TB_PROBE_PERTH, false, tb_probe_perth},
};

static const struct {
    const char *name;
    bool whole;
    double most;
} settings[TB_PROBE_SETTINGS] = {
    [TB_PROBE_HEADS] = {"heads", true, 4096},
    [TB_PROBE_ENC_HEADS] = {"enc_heads", true, 4096},
    [TB_PROBE_EST_HEADS] = {"est_heads", true, 4096},
    [TB_PROBE_PARTIAL_FRAMES] = {"partial_frames", true, 100000},
    [TB_PROBE_STEP] = {"step", true, 100000},
    [TB_PROBE_MIN_COVERAGE] = {"min_coverage", false, 1},
    [TB_PROBE_STEPS] = {"steps", true, 100000},
    [TB_PROBE_MAX_GEN_LEN] = {"max_gen_len", true, 100000},
};
/* clang-format on */

static void print_list(const char *label, const char *text)
{
    printf("    %-7s %s\n", label, text);
}

static int list(void)
{
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        printf("%s\n", stages[i].name);
        print_list("needs", stages[i].needs);
        print_list("writes", stages[i].writes);
    }
    return TB_EXIT_OK;
}

static const tb_probe_stage *find_stage(const char *name)
{
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        if (strcmp(stages[i].name, name) == 0) return &stages[i];
    return NULL;
}

/* "heads=4"; false when it cannot be read. */
static bool read_setting(tb_probe *p, const char *text)
{
    for (size_t i = 0; i < TB_PROBE_SETTINGS; i++) {
        const size_t len = strlen(settings[i].name);
        double x;

        if (strncmp(text, settings[i].name, len) != 0 || text[len] != '=') continue;
        if (!tb_parse_double(text + len + 1, &x) || x <= 0 || x > settings[i].most) return false;
        if (settings[i].whole && x != (double)(size_t)x) return false;
        p->set[i] = x;
        return true;
    }
    return false;
}

/* TB_EXIT_OK, or the exit code after a sentence. */
static int read_options(tb_probe *p, tb_dtype *type)
{
    const tb_cli *cli = p->cli;
    const char *name = tb_cli_get(cli, "--type");

    if (!tb_cli_get(cli, "--out")) return tb_cli_usage(cli, "--out FILE is missing");
    for (int i = 0; i < cli->n_given; i++)
        if (strcmp(cli->given[i].flag, "--set") == 0 && !read_setting(p, cli->given[i].value))
            return tb_cli_usage(cli,
                                "--set %s: there are heads, enc_heads, est_heads, partial_frames, "
                                "step, min_coverage, steps and max_gen_len, all above 0",
                                cli->given[i].value);
    tb_model_type known;
    *type = TB_F32;
    if (name && (!tb_model_type_parse(name, &known) || !tb_dtype_parse(name, type)))
        return tb_cli_usage(cli, "--type %s is not one of " TB_MODEL_TYPES(", "), name);
    p->sample = tb_cli_get(cli, "--sample") && p->stage->sampled;
    p->noise = tb_cli_get(cli, "--noise");
    return TB_EXIT_OK;
}

static tb_status open_all(tb_probe *p, tb_dtype type, tb_err *err)
{
    const char *in = tb_cli_get(p->cli, "--in"), *prefix = tb_cli_get(p->cli, "--prefix");
    const char *model = p->cli->config.model;
    size_t threads = (size_t)p->cli->config.threads;

    tb_status st = in ? tb_safetensors_open(in, &p->in, err) : TB_OK;
    if (!st && tb_cli_get(p->cli, "--case"))
        st = tb_probe_read_json(p, "--case", &p->recorded, err);
    if (!st && prefix && !in) st = tb_probe_missing(p, "--in", err);
    if (st) return st;
    if (p->stage->parts && prefix && tb_probe_has_weights(p, prefix))
        st = tb_probe_load_recorded(p, in, prefix, type, err);
    else if (p->stage->parts)
        st = *model ? tb_probe_load(p, model, type, err) : tb_probe_missing(p, "--model", err);
    if (threads == 0) {
        const long cores = sysconf(_SC_NPROCESSORS_ONLN);
        threads = cores < 1 ? 1 : (size_t)cores;
    }
    p->nn.scratch = tb_scratch_new();
    return st ? st : tb_thread_pool_new(threads, &p->nn.pool, err);
}

static bool has_case(const tb_probe *p)
{
    for (size_t i = 0; i < tb_weights_count(p->in); i++)
        if (tb_str_starts(tb_weights_name(p->in, i), p->prefix)) return true;
    return false;
}

/* Without a prefix the recording is one case; with one, <prefix>c0/, <prefix>c1/, ... */
static tb_status run_cases(tb_probe *p, tb_err *err)
{
    const char *prefix = tb_cli_get(p->cli, "--prefix");
    tb_status st = TB_OK;

    if (!prefix) return p->stage->run(p, err);
    for (size_t i = 0; !st; i++) {
        if (snprintf(p->prefix, sizeof p->prefix, "%sc%zu/", prefix, i) >= TB_PROBE_NAME / 2)
            return tb_fail(err, TB_EINVAL, "the prefix is too long");
        if (!has_case(p)) return i ? TB_OK : tb_probe_missing(p, p->prefix, err);
        st = p->stage->run(p, err);
        tb_probe_end_case(p);
    }
    return st;
}

static int report(const tb_probe *p, const char *path)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n_out; i++)
        n += !p->out[i].partial;
    if (p->cli->json) {
        tb_json *o = tb_json_object();
        tb_json_set_string(o, "stage", p->stage->name);
        tb_json_set_string(o, "file", path);
        tb_json_set_int(o, "tensors", (int64_t)n);
        return tb_cli_print_json(o);
    }
    return printf("%s: %zu tensors\n", path, n) < 0 ? TB_EXIT_FAILED : TB_EXIT_OK;
}

int tb_probe_run(tb_cli *cli)
{
    tb_probe p = {.cli = cli};
    tb_dtype type = TB_F32;
    tb_err err = {0};
    int code;

    if (tb_cli_get(cli, "--list")) return list();
    if (cli->n_args == 0) return tb_cli_usage(cli, "STAGE is missing (timbre probe --list)");
    p.stage = find_stage(cli->args[0]);
    if (!p.stage)
        return tb_cli_usage(cli, "there is no stage %s (timbre probe --list)", cli->args[0]);
    code = read_options(&p, &type);
    if (code) return code;
    const char *out = tb_cli_get(cli, "--out");
    tb_status st = open_all(&p, type, &err);
    if (!st) st = run_cases(&p, &err);
    if (!st) st = tb_probe_write(&p, out, &err);
    if (!st) {
        code = report(&p, out);
    } else {
        code = tb_cli_fail(cli, &err);
        if (p.missing) code = TB_EXIT_USAGE;
    }
    tb_probe_clear(&p);
    return code;
}
