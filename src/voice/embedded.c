#include "base/mem.h"
#include "base/str.h"
#include "embedded/reference.h"
#include "voice/family_priv.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/*
 * Voices of the embedded engine: the statistics that it maps its base speech toward. Packed: a
 * head of our own, the warnings, then the statistics with their own checks.
 */
enum { MAGIC_LEN = 8, WARNINGS_MAX = TB_REFERENCE_WARNINGS };
static const char magic[MAGIC_LEN + 1] = "tbvoice1";

static void add_warning(tb_voice *v, const char *text)
{
    assert(v->n_warnings < WARNINGS_MAX);
    if (!v->warnings) v->warnings = tb_alloc(WARNINGS_MAX * sizeof *v->warnings);
    v->warnings[v->n_warnings++] = tb_strdup(text);
}

static bool kind(const tb_model_handle *model, size_t i, char out[TB_VOICE_KIND])
{
    (void)model;
    snprintf(out, TB_VOICE_KIND, "embedded-%d", TB_VOICE_STATS_VERSION);
    return i == 0;
}

static tb_status make(tb_model_handle *model, const char *id, const char *hash,
                      const tb_pcm *recording, const char *field, const tb_cancel *cancel,
                      tb_voice **out, tb_err *err)
{
    (void)model;
    if (!recording) {
        *out = tb_voice_default();
        return TB_OK;
    }
    tb_reference_report *report = tb_alloc(sizeof *report);
    tb_status st = tb_reference_check(recording, 0, cancel, report, err);
    if (st) {
        if (err && st == TB_EINVAL) snprintf(err->field, sizeof err->field, "%s", field);
        goto out;
    }
    tb_voice *v = tb_voice_new(id, hash);
    v->has_embedded = true;
    v->embedded = report->stats;
    v->seconds = tb_pcm_seconds(recording);
    for (size_t i = 0; i < report->n_warnings; i++)
        add_warning(v, report->warnings[i]);
    *out = v;
out:
    tb_free(report);
    return st;
}

static tb_status pack(const tb_voice *voice, size_t i, void **data, size_t *size, tb_err *err)
{
    (void)i; /* there is one part */
    tb_str s;
    uint8_t stats[TB_VOICE_STATS_PACKED];
    if (!voice->has_embedded)
        return tb_fail(err, TB_EINVAL, "the voice %s has nothing to keep", voice->id);
    tb_str_init(&s, 65536);
    tb_str_add(&s, magic, MAGIC_LEN);
    tb_str_printf(&s, "%s\n%.6f\n", voice->hash, voice->seconds);
    for (size_t k = 0; k < voice->n_warnings; k++)
        tb_str_printf(&s, "%s\n", voice->warnings[k]);
    tb_str_add(&s, "\n", 1);
    tb_voice_stats_pack(&voice->embedded, voice->hash, stats);
    tb_str_add(&s, stats, sizeof stats);
    *size = s.len;
    *data = tb_str_take(&s);
    return TB_OK;
}

static tb_status unpack(tb_model_handle *model, const char *id, const char *hash,
                        const tb_voice_part parts[TB_VOICE_PARTS], const tb_cancel *cancel,
                        tb_voice **out, bool *again, tb_err *err)
{
    const size_t size = parts[0].size;
    const char *p = parts[0].data, *end = p + size;
    (void)model, (void)cancel, (void)again;
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
        if (line >= 2 + WARNINGS_MAX && *text) other = true;
        if (line >= 2 && *text && !other) add_warning(v, text);
        tb_free(text);
        p = stop + 1;
        if (other) {
            st = tb_fail(err, TB_ENOTFOUND, "the kept analysis is of another recording");
            goto out;
        }
        if (last) break;
    }
    st = tb_voice_stats_unpack(p, (size_t)(end - p), hash, &v->embedded, err);
    if (st) goto out;
    v->has_embedded = true;
    *out = v;
    v = NULL;
out:
    tb_voice_free(v);
    return st;
}

const tb_voice_family tb_voice_embedded = {kind, make, pack, unpack};
