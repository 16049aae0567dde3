#include "voice/voice.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "embedded/reference.h"

#include <stdio.h>
#include <string.h>

/* Packed: a head of our own, the warnings, then the engine's statistics with their own checks. */
enum { MAGIC_LEN = 8, WARNINGS_MAX = 16 };
static const char magic[MAGIC_LEN + 1] = "tbvoice1";

tb_voice *tb_voice_new(const char *id, const char *hash)
{
    tb_voice *v = tb_alloc(sizeof *v);
    v->id = tb_strdup(id);
    v->hash = tb_strdup(hash);
    return v;
}

tb_voice *tb_voice_default(void)
{
    return tb_voice_new("default", "");
}

void tb_voice_hash(const tb_pcm *clip, char out[65])
{
    /* The rate is part of what was heard. */
    char samples[TB_HASH_HEX], both[TB_HASH_HEX + 16];
    tb_hash_hex(clip->data, clip->len * sizeof(float), samples);
    snprintf(both, sizeof both, "%s@%d", samples, clip->rate_hz);
    tb_hash_hex(both, strlen(both), out);
}

static void add_warning(tb_voice *v, const char *text)
{
    if (v->n_warnings == WARNINGS_MAX) return;
    if (!v->warnings) v->warnings = tb_alloc(WARNINGS_MAX * sizeof *v->warnings);
    v->warnings[v->n_warnings++] = tb_strdup(text);
}

tb_status tb_voice_from_clip(const char *id, const tb_pcm *clip, const char *field,
                             const tb_cancel *cancel, tb_voice **out, tb_err *err)
{
    char hash[TB_HASH_HEX];
    tb_reference_report *report = tb_alloc(sizeof *report);
    tb_status st = tb_reference_check(clip, 0, cancel, report, err);
    if (st) {
        if (err && st == TB_EINVAL) snprintf(err->field, sizeof err->field, "%s", field);
        goto out;
    }
    tb_voice_hash(clip, hash);
    tb_voice *v = tb_voice_new(id, hash);
    v->has_embedded = true;
    v->embedded = report->stats;
    v->seconds = tb_pcm_seconds(clip);
    for (size_t i = 0; i < report->n_warnings; i++)
        add_warning(v, report->warnings[i]);
    *out = v;
out:
    tb_free(report);
    return st;
}

tb_status tb_voice_pack(const tb_voice *voice, void **data, size_t *size, tb_err *err)
{
    tb_str s;
    uint8_t stats[TB_BEND_PACKED];
    if (!voice->has_embedded)
        return tb_fail(err, TB_EINVAL, "the voice %s has nothing to keep", voice->id);
    tb_str_init(&s, 65536);
    tb_str_add(&s, magic, MAGIC_LEN);
    tb_str_printf(&s, "%s\n%.6f\n", voice->hash, voice->seconds);
    for (size_t i = 0; i < voice->n_warnings; i++)
        tb_str_printf(&s, "%s\n", voice->warnings[i]);
    tb_str_add(&s, "\n", 1);
    tb_bend_pack(&voice->embedded, voice->hash, stats);
    tb_str_add(&s, stats, sizeof stats);
    *size = s.len;
    *data = tb_str_take(&s);
    return TB_OK;
}

tb_status tb_voice_unpack(const char *id, const char *hash, const void *data, size_t size,
                          tb_voice **out, tb_err *err)
{
    const char *p = data, *end = p + size;
    tb_voice *v = tb_voice_new(id, hash);
    tb_status st = TB_OK;
    if (size < MAGIC_LEN || memcmp(p, magic, MAGIC_LEN) != 0) {
        st = tb_fail(err, TB_ENOTFOUND, "the kept analysis is of another version");
        goto out;
    }
    p += MAGIC_LEN;
    for (int line = 0;; line++) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        if (!stop) {
            st = tb_fail(err, TB_ENOTFOUND, "the kept analysis is cut off");
            goto out;
        }
        char *text = tb_strndup(p, (size_t)(stop - p));
        bool last = line >= 2 && !*text, other = line == 0 && strcmp(text, hash) != 0;
        if (line == 1 && !tb_parse_double(text, &v->seconds)) other = true;
        if (line >= 2 && *text) add_warning(v, text);
        tb_free(text);
        p = stop + 1;
        if (other) {
            st = tb_fail(err, TB_ENOTFOUND, "the kept analysis is of another recording");
            goto out;
        }
        if (last) break;
    }
    st = tb_bend_unpack(p, (size_t)(end - p), hash, &v->embedded, err);
    if (st) goto out;
    v->has_embedded = true;
    *out = v;
    v = NULL;
out:
    tb_voice_free(v);
    return st;
}

void tb_voice_free(tb_voice *v)
{
    if (!v) return;
    for (size_t i = 0; i < v->n_warnings; i++)
        tb_free(v->warnings[i]);
    tb_conds_clear(&v->own);
    tb_t3_prefix_free(v->prefix);
    tb_free(v->warnings);
    tb_free(v->id);
    tb_free(v->hash);
    tb_free(v);
}

size_t tb_voice_bytes(const tb_voice *v)
{
    size_t n = sizeof *v;
    if (v->conds)
        n += (v->conds->prompt_frames * v->conds->mels + v->conds->n_prompt +
              v->conds->n_t3_prompt) *
             4;
    return v->prefix ? n + tb_t3_prefix_packed_size(v->prefix) : n;
}
