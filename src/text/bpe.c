/*
 * GPT-2's byte-level BPE: text to ids.
 *
 * Text is cut at added tokens, then into words as the reference's pattern does, and each word's
 * bytes are merged by rank with a heap of candidates over a linked list: n log n in the length of a
 * word. Tables are read by bpe_read.c and immutable. docs/model/text.md.
 */
#include "text/bpe_priv.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "text/unicode_priv.h"

#include <stdbool.h>
#include <string.h>

size_t tb_bpe_size(const tb_bpe *bpe)
{
    return bpe->size;
}

size_t tb_bpe_limit(const tb_bpe *bpe)
{
    return bpe->limit;
}

int32_t tb_bpe_find(const tb_bpe *bpe, const char *added)
{
    for (size_t i = 0; i < bpe->n_added; i++)
        if (strcmp(bpe->added[i].text, added) == 0) return bpe->added[i].id;
    return -1;
}

void tb_bpe_ids_clear(tb_bpe_ids *ids)
{
    if (!ids) return;
    tb_free(ids->ids);
    *ids = (tb_bpe_ids){0};
}

tb_bpe_merge *tb_bpe_slot(tb_bpe_merge *merges, size_t n_slots, int32_t left, int32_t right)
{
    uint64_t h = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9E3779B97F4A7C15u;
    size_t i = (size_t)(h >> 32) & (n_slots - 1);
    while (merges[i].left >= 0 && (merges[i].left != left || merges[i].right != right))
        i = (i + 1) & (n_slots - 1);
    return &merges[i];
}

const tb_bpe_merge *tb_bpe_joins(const tb_bpe *bpe, int32_t left, int32_t right)
{
    const tb_bpe_merge *m = tb_bpe_slot(bpe->merges, bpe->n_slots, left, right);
    return m->left >= 0 ? m : NULL;
}

/* A symbol of the word that is being merged; the living ones are a doubly linked list. */
typedef struct {
    int32_t id; /* -1: merged into the one before it */
    uint32_t prev, next;
} symbol;

/* A pair that could be merged: by rank, then from the left. */
typedef struct {
    uint32_t rank, at;
} candidate;

#define END UINT32_MAX /* no neighbour */

/* Working memory of one call. A word of n bytes starts with n - 1 candidates, and each of at most
 * n - 1 merges makes two more. */
typedef struct {
    const tb_bpe *bpe;
    symbol *word;
    size_t n_word, cap_word;
    candidate *heap;
    size_t n_heap, cap_heap;
    tb_bpe_ids *out;
    size_t max;
} encoder;

static bool sooner(candidate a, candidate b)
{
    return a.rank != b.rank ? a.rank < b.rank : a.at < b.at;
}

static void push(encoder *e, candidate c)
{
    size_t i = e->n_heap++;
    for (; i > 0 && sooner(c, e->heap[(i - 1) / 2]); i = (i - 1) / 2)
        e->heap[i] = e->heap[(i - 1) / 2];
    e->heap[i] = c;
}

static candidate pop(encoder *e)
{
    candidate top = e->heap[0], last = e->heap[--e->n_heap];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < e->n_heap; i = child) {
        if (child + 1 < e->n_heap && sooner(e->heap[child + 1], e->heap[child])) child++;
        if (!sooner(e->heap[child], last)) break;
        e->heap[i] = e->heap[child];
    }
    e->heap[i] = last;
    return top;
}

static const tb_bpe_merge *joins_at(const encoder *e, uint32_t at)
{
    const symbol *s = &e->word[at];
    return s->id < 0 || s->next == END ? NULL : tb_bpe_joins(e->bpe, s->id, e->word[s->next].id);
}

static void consider(encoder *e, uint32_t at)
{
    const tb_bpe_merge *m = joins_at(e, at);
    if (m) push(e, (candidate){m->rank, at});
}

/* Merges the word's symbols as far as they go. A candidate is stale when what stands at its place
 * now joins by another rule, or by none; it was pushed again then, if need be. */
static void merge_word(encoder *e)
{
    e->n_heap = 0;
    for (size_t i = 0; i < e->n_word; i++) {
        e->word[i].prev = i > 0 ? (uint32_t)(i - 1) : END;
        e->word[i].next = i + 1 < e->n_word ? (uint32_t)(i + 1) : END;
    }
    for (size_t i = 0; i + 1 < e->n_word; i++)
        consider(e, (uint32_t)i);
    while (e->n_heap > 0) {
        candidate c = pop(e);
        const tb_bpe_merge *m = joins_at(e, c.at);
        if (!m || m->rank != c.rank) continue;
        symbol *s = &e->word[c.at], *gone = &e->word[s->next];
        s->id = m->joined;
        s->next = gone->next;
        gone->id = -1;
        if (s->next != END) e->word[s->next].prev = c.at;
        if (s->prev != END) consider(e, s->prev);
        consider(e, c.at);
    }
}

static tb_status emit(encoder *e, int32_t id, tb_err *err)
{
    tb_bpe_ids *out = e->out;
    if (out->n >= e->max)
        return tb_fail_field(err, TB_ETOOBIG, "text",
                             "the text has more than %zu tokens, which is the most that is taken",
                             e->max);
    if (out->n == out->cap) {
        size_t cap = out->cap ? out->cap * 2 : 64;
        int32_t *more = tb_try_realloc(out->ids, cap, sizeof *more);
        if (!more) return tb_nomem(err, cap, sizeof *more);
        out->ids = more;
        out->cap = cap;
    }
    out->ids[out->n++] = id;
    return TB_OK;
}

/* Room for a word of n bytes. */
static tb_status reserve(encoder *e, size_t n, tb_err *err)
{
    if (n <= e->cap_word) return TB_OK;
    const size_t cap = n < 256 ? 256 : n;
    tb_free(e->word);
    tb_free(e->heap);
    e->cap_word = 0;
    e->word = tb_try_alloc(cap, sizeof *e->word);
    e->heap = tb_try_alloc(3 * cap, sizeof *e->heap);
    if (!e->word || !e->heap) return tb_nomem(err, cap, sizeof *e->word);
    e->cap_word = cap;
    return TB_OK;
}

static tb_status encode_word(encoder *e, const char *s, size_t len, tb_err *err)
{
    size_t n;
    tb_status st = reserve(e, 3 * len, err); /* an invalid byte becomes the three of U+FFFD */
    if (st) return st;
    e->n_word = 0;
    for (size_t i = 0; i < len; i += n) {
        bool bad = tb_utf8_next(s + i, len - i, &n) == TB_UTF8_BAD;
        const char *bytes = bad ? "\xEF\xBF\xBD" : s + i;
        for (size_t k = 0; k < (bad ? 3 : n); k++)
            e->word[e->n_word++].id = e->bpe->bytes[(unsigned char)bytes[k]];
    }
    merge_word(e);
    for (size_t i = 0; !st && i < e->n_word; i++)
        if (e->word[i].id >= 0) st = emit(e, e->word[i].id, err);
    return st;
}

static tb_unicode_class class_at(const char *s, size_t len, size_t at, size_t *n)
{
    uint32_t cp = tb_utf8_next(s + at, len - at, n);
    return tb_unicode_class_of(cp == TB_UTF8_BAD ? 0xFFFD : cp);
}

/* Bytes from s on that are of one class; *last is where the last character of them begins. */
static size_t run(const char *s, size_t len, size_t at, tb_unicode_class class, size_t *last)
{
    size_t n;
    for (; at < len && class_at(s, len, at, &n) == class; at += n)
        *last = at;
    return at;
}

/*
 * Length of the first piece of s by GPT-2's pattern, whose alternatives are tried in this order:
 *   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 */
static size_t piece(const char *s, size_t len)
{
    static const char *const endings[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
    size_t n, last = 0, start = 0;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        n = strlen(endings[i]);
        if (len >= n && memcmp(s, endings[i], n) == 0) return n;
    }
    tb_unicode_class class = class_at(s, len, 0, &n);
    if (s[0] == ' ' && len > 1) {
        tb_unicode_class next = class_at(s, len, 1, &n);
        if (next != TB_UNICODE_SPACE) {
            class = next;
            start = 1;
        }
    }
    size_t end = run(s, len, start, class, &last);
    /* White space before a word leaves it the last character, unless that is all there is. */
    return class == TB_UNICODE_SPACE && end < len && last > 0 ? last : end;
}

static tb_status encode_plain(encoder *e, const char *s, size_t len, tb_err *err)
{
    tb_status st = TB_OK;
    while (!st && len > 0) {
        size_t n = piece(s, len);
        st = encode_word(e, s, n, err);
        s += n;
        len -= n;
    }
    return st;
}

/* The longest added token at s, or NULL. */
static const tb_bpe_added *added_at(const tb_bpe *bpe, const char *s, size_t len)
{
    for (size_t i = 0; i < bpe->n_added; i++) {
        const tb_bpe_added *a = &bpe->added[i];
        if (a->len <= len && a->text[0] == s[0] && memcmp(a->text, s, a->len) == 0) return a;
    }
    return NULL;
}

tb_status tb_bpe_encode(const tb_bpe *bpe, const char *text, size_t len, size_t max,
                        tb_bpe_ids *out, tb_err *err)
{
    encoder e = {.bpe = bpe, .out = out, .max = max};
    const size_t before = out->n;
    size_t from = 0; /* text up to here is encoded */
    tb_status st = TB_OK;
    if (len > TB_BPE_MAX_TEXT)
        return tb_fail_field(err, TB_ETOOBIG, "text", "the text has %zu bytes; at most %d are read",
                             len, (int)TB_BPE_MAX_TEXT);
    for (size_t i = 0; !st && i < len;) {
        const tb_bpe_added *a = added_at(bpe, text + i, len - i);
        if (!a) {
            i++;
            continue;
        }
        st = encode_plain(&e, text + from, i - from, err);
        if (!st) st = emit(&e, a->id, err);
        from = i += a->len;
    }
    if (!st) st = encode_plain(&e, text + from, len - from, err);
    if (st) out->n = before;
    tb_free(e.word);
    tb_free(e.heap);
    return st;
}
