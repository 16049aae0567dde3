/*
 * The conditionals of a voice: reading the reference's conds.pt, checking, and our own serialised
 * form.
 *
 * Files from outside are not trusted: sizes are limited before memory is allocated, tokens must lie
 * in their vocabulary, numbers must be finite. Our own form is a fixed header and five arrays in
 * machine byte order; whoever stores it adds a hash (voice/chatterbox.c). Relies on tensor/torch.h
 * for the file format. docs/model/conds.md.
 */
#include "model/conds.h"

#include "base/file.h"
#include "base/mem.h"
#include "tensor/torch.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum {
    FILE_MAX_BYTES = 64 << 20, /* saved after use it holds 4 kB per prompt token more */
    WIDTH_MAX = 4096,
    FRAMES_MAX = 2 * TB_CONDS_MAX_TOKENS + 1,
};

/* --------------------------------------------------------------------------------------- checks */

static tb_status check_numbers(const float *x, size_t n, tb_status bad, const char *label,
                               const char *what, tb_err *err)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return tb_fail(err, bad, "%s: %s has a value that is no number", label, what);
    return TB_OK;
}

static tb_status check_tokens(const int32_t *x, size_t n, int32_t codes, tb_status bad,
                              const char *label, const char *what, tb_err *err)
{
    for (size_t i = 0; i < n; i++)
        if (x[i] < 0 || x[i] >= codes)
            return tb_fail(err, bad, "%s: %s has the token %d; allowed: 0 to %d", label, what,
                           (int)x[i], (int)codes - 1);
    return TB_OK;
}

/* Of conditionals whose sizes are within the ceilings. bad: the status of what is wrong. */
static tb_status check(const tb_conds *c, bool tied, tb_status bad, const char *label, tb_err *err)
{
    tb_status st = check_numbers(c->speaker, c->speaker_dim, bad, label, "speaker_emb", err);
    if (!st)
        st = check_tokens(c->t3_prompt, c->n_t3_prompt, TB_CONDS_T3_CODES, bad, label,
                          "cond_prompt_speech_tokens", err);
    if (!st)
        st = check_tokens(c->prompt, c->n_prompt, TB_CONDS_CODES, bad, label, "prompt_token", err);
    if (!st)
        st = check_numbers(c->prompt_mel, c->prompt_frames * c->mels, bad, label, "prompt_feat",
                           err);
    if (!st) st = check_numbers(c->embedding, c->embedding_dim, bad, label, "embedding", err);
    if (!st && tied && c->prompt_frames != 2 * c->n_prompt &&
        c->prompt_frames != 2 * c->n_prompt + 1)
        st = tb_fail(err, bad, "%s: prompt_feat has %zu frames for %zu tokens; allowed: %zu or %zu",
                     label, c->prompt_frames, c->n_prompt, 2 * c->n_prompt, 2 * c->n_prompt + 1);
    return st;
}

/* -------------------------------------------------------------------------------------- conds.pt
 */

typedef struct {
    const char *label;
    tb_err *err;
} source;

/* The last `axes` axes of a tensor, 1 .. most each; the axes before them (a batch of one) must
 * be 1.
 */
static tb_status shape_of(const source *s, const tb_torch_value *v, const char *what, size_t axes,
                          const size_t *most, size_t *out)
{
    size_t n = tb_torch_dims(v);
    if (tb_torch_kind_of(v) != TB_TORCH_TENSOR)
        return tb_fail(s->err, TB_EMODEL, "%s: %s is missing or no tensor", s->label, what);
    bool right = n >= axes;
    for (size_t i = 0; right && i < n; i++) {
        size_t dim = tb_torch_dim(v, i);
        if (i + axes < n) {
            right = dim == 1;
        } else {
            out[i + axes - n] = dim;
            right = dim >= 1 && dim <= most[i + axes - n];
        }
    }
    if (right) return TB_OK;
    if (axes == 1)
        return tb_fail(s->err, TB_EMODEL, "%s: %s is no row of 1 to %zu numbers", s->label, what,
                       most[0]);
    return tb_fail(s->err, TB_EMODEL, "%s: %s is no table of at most %zu rows of 1 to %zu",
                   s->label, what, most[0], most[1]);
}

static tb_status read_floats(const source *s, const tb_torch_value *v, const char *what,
                             size_t axes, const size_t *most, size_t *sizes, float **out)
{
    tb_status st = shape_of(s, v, what, axes, most, sizes);
    return st ? st : tb_torch_f32(v, what, tb_torch_count(v), out, s->err);
}

/* Tokens may have become floats: the reference casts the dict they are in when it is used. */
static tb_status read_tokens(const source *s, const tb_torch_value *v, const char *what, size_t *n,
                             int32_t **out)
{
    int64_t *wide = NULL;
    int32_t *ids = NULL;
    tb_status st = shape_of(s, v, what, 1, &(size_t){TB_CONDS_MAX_TOKENS}, n);
    if (!st) st = tb_torch_i64(v, what, *n, &wide, s->err);
    if (st) goto out;
    ids = tb_try_alloc(*n, sizeof *ids);
    if (!ids) {
        st = tb_nomem(s->err, *n, sizeof *ids);
        goto out;
    }
    for (size_t i = 0; i < *n; i++) /* what does not fit is no token either */
        ids[i] = wide[i] < 0 || wide[i] > INT32_MAX ? -1 : (int32_t)wide[i];
    *out = ids;
out:
    tb_free(wide);
    return st;
}

/* prompt_token_len, if there is one, is the number of tokens. */
static tb_status read_len(const source *s, const tb_torch_value *v, size_t n)
{
    int64_t *len = NULL;
    if (tb_torch_kind_of(v) == TB_TORCH_NONE) return TB_OK;
    if (tb_torch_count(v) != 1)
        return tb_fail(s->err, TB_EMODEL, "%s: prompt_token_len is no single number", s->label);
    tb_status st = tb_torch_i64(v, "prompt_token_len", 1, &len, s->err);
    if (!st && len[0] != (int64_t)n)
        st = tb_fail(s->err, TB_EMODEL, "%s: prompt_token_len is %lld, but there are %zu", s->label,
                     (long long)len[0], n);
    tb_free(len);
    return st;
}

static tb_status take(const tb_torch *t, bool tied, tb_conds *out, tb_err *err)
{
    static const size_t width[1] = {WIDTH_MAX}, table[2] = {FRAMES_MAX, WIDTH_MAX};
    const source s = {tb_torch_label(t), err};
    const tb_torch_value *t3 = tb_torch_get(tb_torch_root(t), "t3");
    const tb_torch_value *gen = tb_torch_get(tb_torch_root(t), "gen");
    const tb_torch_value *tokens = tb_torch_get(t3, "cond_prompt_speech_tokens");
    tb_conds c = {0};
    size_t mel[2] = {0};
    tb_status st;

    if (tb_torch_kind_of(t3) != TB_TORCH_DICT || tb_torch_kind_of(gen) != TB_TORCH_DICT) {
        st =
            tb_fail(err, TB_EMODEL, "%s holds no voice: its dicts t3 and gen are missing", s.label);
        goto out;
    }
    st = read_floats(&s, tb_torch_get(t3, "speaker_emb"), "speaker_emb", 1, width, &c.speaker_dim,
                     &c.speaker);
    if (!st && tb_torch_kind_of(tokens) != TB_TORCH_NONE)
        st = read_tokens(&s, tokens, "cond_prompt_speech_tokens", &c.n_t3_prompt, &c.t3_prompt);
    if (!st)
        st = read_tokens(&s, tb_torch_get(gen, "prompt_token"), "prompt_token", &c.n_prompt,
                         &c.prompt);
    if (!st) st = read_len(&s, tb_torch_get(gen, "prompt_token_len"), c.n_prompt);
    if (!st)
        st = read_floats(&s, tb_torch_get(gen, "prompt_feat"), "prompt_feat", 2, table, mel,
                         &c.prompt_mel);
    c.prompt_frames = mel[0];
    c.mels = mel[1];
    if (!st)
        st = read_floats(&s, tb_torch_get(gen, "embedding"), "embedding", 1, width,
                         &c.embedding_dim, &c.embedding);
    if (!st) st = check(&c, tied, TB_EMODEL, s.label, err);
    if (st) goto out;
    *out = c;
    c = (tb_conds){0};
out:
    tb_conds_clear(&c);
    return st;
}

static tb_status read_any(const void *data, size_t size, const char *label, bool tied,
                          tb_conds *out, tb_err *err)
{
    tb_torch *t = NULL;
    tb_status st = tb_torch_read(data, size, label, &t, err);
    if (!st) st = take(t, tied, out, err);
    tb_torch_free(t);
    return st;
}

tb_status tb_conds_read(const void *data, size_t size, const char *label, tb_conds *out,
                        tb_err *err)
{
    return read_any(data, size, label, true, out, err);
}

tb_status tb_conds_peek(const void *data, size_t size, const char *label, tb_conds *out,
                        tb_err *err)
{
    return read_any(data, size, label, false, out, err);
}

tb_status tb_conds_open(const char *path, tb_conds *out, tb_err *err)
{
    tb_torch *t = NULL;
    tb_status st = tb_torch_open(path, FILE_MAX_BYTES, &t, err);
    if (!st) st = take(t, true, out, err);
    tb_torch_free(t);
    return st;
}

void tb_conds_clear(tb_conds *conds)
{
    if (!conds) return;
    tb_free(conds->speaker);
    tb_free(conds->t3_prompt);
    tb_free(conds->prompt);
    tb_free(conds->prompt_mel);
    tb_free(conds->embedding);
    *conds = (tb_conds){0};
}

/* ------------------------------------------------------------------------------- our own bytes */

/* The header, then the five arrays in the order of the struct, in this machine's byte order. */
typedef struct {
    char magic[8];
    uint32_t version;
    uint32_t speaker_dim, n_t3_prompt, n_prompt, prompt_frames, mels, embedding_dim;
} header;

static const char magic[8] = "tbconds";
enum { VERSION = 1 };

/* The arrays' bytes; sizes are within the ceilings. */
static size_t payload(const tb_conds *c)
{
    return (c->speaker_dim + c->prompt_frames * c->mels + c->embedding_dim) * sizeof(float) +
           (c->n_t3_prompt + c->n_prompt) * sizeof(int32_t);
}

static bool sizes_sane(const tb_conds *c)
{
    return c->speaker_dim >= 1 && c->speaker_dim <= WIDTH_MAX &&
           c->n_t3_prompt <= TB_CONDS_MAX_TOKENS && c->n_prompt >= 1 &&
           c->n_prompt <= TB_CONDS_MAX_TOKENS && c->prompt_frames >= 1 &&
           c->prompt_frames <= FRAMES_MAX && c->mels >= 1 && c->mels <= WIDTH_MAX &&
           c->embedding_dim >= 1 && c->embedding_dim <= WIDTH_MAX;
}

tb_status tb_conds_pack(const tb_conds *conds, void **data, size_t *size, tb_err *err)
{
    const header h = {.magic = "tbconds",
                      .version = VERSION,
                      .speaker_dim = (uint32_t)conds->speaker_dim,
                      .n_t3_prompt = (uint32_t)conds->n_t3_prompt,
                      .n_prompt = (uint32_t)conds->n_prompt,
                      .prompt_frames = (uint32_t)conds->prompt_frames,
                      .mels = (uint32_t)conds->mels,
                      .embedding_dim = (uint32_t)conds->embedding_dim};
    if (!sizes_sane(conds))
        return tb_fail(err, TB_EINVAL, "a voice of %zu and %zu tokens is too long to keep",
                       conds->n_t3_prompt, conds->n_prompt);
    const struct {
        const void *from;
        size_t bytes;
    } parts[] = {
        {&h, sizeof h},
        {conds->speaker, conds->speaker_dim * sizeof(float)},
        {conds->t3_prompt, conds->n_t3_prompt * sizeof(int32_t)},
        {conds->prompt, conds->n_prompt * sizeof(int32_t)},
        {conds->prompt_mel, conds->prompt_frames * conds->mels * sizeof(float)},
        {conds->embedding, conds->embedding_dim * sizeof(float)},
    };
    size_t all = sizeof h + payload(conds);
    char *bytes = tb_try_alloc(all, 1), *p = bytes;
    if (!bytes) return tb_nomem(err, all, 1);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].bytes) memcpy(p, parts[i].from, parts[i].bytes);
        p += parts[i].bytes;
    }
    *data = bytes;
    *size = all;
    return TB_OK;
}

/* n elements of 4 bytes, at *p, which moves on. */
static tb_status unpack_array(const char **p, size_t n, void **out, tb_err *err)
{
    *out = tb_try_alloc(n, 4);
    if (!*out) return tb_nomem(err, n, 4);
    if (n) memcpy(*out, *p, 4 * n);
    *p += 4 * n;
    return TB_OK;
}

tb_status tb_conds_unpack(const void *data, size_t size, tb_conds *out, tb_err *err)
{
    static const char label[] = "the kept voice";
    header h;
    tb_conds c = {0};
    void *arrays[5] = {NULL};
    tb_status st = TB_OK;

    if (size < sizeof h || memcmp(data, magic, sizeof magic) != 0)
        return tb_fail(err, TB_EMALFORMED, "%s is damaged", label);
    memcpy(&h, data, sizeof h);
    if (h.version != VERSION)
        return tb_fail(err, TB_ENOTFOUND, "%s is of version %u; this program's is %d", label,
                       (unsigned)h.version, VERSION);
    c.speaker_dim = h.speaker_dim;
    c.n_t3_prompt = h.n_t3_prompt;
    c.n_prompt = h.n_prompt;
    c.prompt_frames = h.prompt_frames;
    c.mels = h.mels;
    c.embedding_dim = h.embedding_dim;
    if (!sizes_sane(&c) || size - sizeof h != payload(&c))
        return tb_fail(err, TB_EMALFORMED, "%s is damaged", label);

    const char *p = (const char *)data + sizeof h;
    const size_t counts[5] = {c.speaker_dim, c.n_t3_prompt, c.n_prompt, c.prompt_frames * c.mels,
                              c.embedding_dim};
    for (size_t i = 0; !st && i < 5; i++)
        st = unpack_array(&p, counts[i], &arrays[i], err);
    c.speaker = arrays[0];
    c.t3_prompt = arrays[1];
    c.prompt = arrays[2];
    c.prompt_mel = arrays[3];
    c.embedding = arrays[4];
    if (!st) st = check(&c, true, TB_EMALFORMED, label, err);
    if (st) goto out;
    *out = c;
    c = (tb_conds){0};
out:
    tb_conds_clear(&c);
    return st;
}
