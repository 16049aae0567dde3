#include "text/lexicon.h"

#include "base/mem.h"
#include "base/unicode.h"
#include "base/utf8.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * The words are a trie over folded characters; its edges are a hash table. From each place of the
 * text where a word can begin the trie is walked as far as it goes, at most the length of a word,
 * so the time is linear in the text, however many entries there are.
 */

enum { BRACKET_MOST = 256 };

/* ---- the list ---- */

static bool is_sign(uint32_t cp)
{
    return cp == '[' || cp == ']' || cp == TB_UTF8_BAD || cp < 0x20 || (cp >= 0x7F && cp < 0xA0);
}

/* What is wrong with an entry: with a member of it that was a field itself, or with one of many. */
static char *refuse(const char *field, const char *what, const char *must, size_t most, tb_err *err)
{
    (void)tb_fail_field(err, TB_EINVAL, field ? field : what,
                        "%s%s%s must have 1 to %zu characters%s", what,
                        field ? " of an entry of " : "", field ? field : "", most, must);
    return NULL;
}

/* Composed, blanks collapsed, nothing invisible; heap. NULL and err for what cannot be an entry's
 * text. */
static char *clean(const char *text, size_t most, const char *what, const char *field, tb_err *err)
{
    char *composed = NULL;
    const size_t len = text ? strlen(text) : 0;
    size_t n, o = 0, chars = 0;
    uint32_t before = 0;
    bool gap = false, good = true;
    if (len == 0 || len > 8 * most || !tb_utf8_valid(text, len))
        return refuse(field, what, "", most, err);
    if (tb_unicode_nfc(text, len, &composed, err)) return NULL;
    for (size_t i = 0, all = strlen(composed); i < all && good; i += n) {
        uint32_t cp = tb_utf8_next(composed + i, all - i, &n);
        /* Texts lose them, too; but for the two that join and part letters of some scripts. */
        bool joining = (cp == 0x200C || cp == 0x200D) && before >= 0x590;
        bool line = cp < 0x20 || cp == 0x2028 || cp == 0x2029;
        if (tb_unicode_is_invisible(cp) && !is_sign(cp) && !joining && !line) continue;
        before = cp;
        if (tb_utf8_is_space(cp)) {
            gap = o > 0;
            continue;
        }
        good = !is_sign(cp);
        chars += 1 + gap;
        if (gap) composed[o++] = ' ';
        gap = false;
        memmove(composed + o, composed + i, n);
        o += n;
    }
    if (good) composed[o] = 0;
    if (good && chars > 0 && chars <= most) return composed;
    refuse(field, what, good ? "" : ", no brackets and no control characters", most, err);
    tb_free(composed);
    return NULL;
}

tb_status tb_pronunciations_add(tb_pronunciations *list, const char *word, const char *say,
                                const char *language, bool own, const char *field, tb_err *err)
{
    tb_err local = {0};
    if (!err) err = &local;
    char *w = clean(word, TB_PRONUNCIATION_WORD, "word", field, err);
    char *s = w ? clean(say, TB_PRONUNCIATION_SAY, "say", field, err) : NULL;
    if (!s) {
        tb_free(w);
        return err->status;
    }
    if (list->n == list->room) {
        size_t room = list->room ? 2 * list->room : 16;
        tb_pronunciation *items = tb_alloc(room * sizeof *items);
        if (list->n) memcpy(items, list->items, list->n * sizeof *items);
        tb_free(list->items);
        list->items = items;
        list->room = room;
    }
    list->items[list->n++] = (tb_pronunciation){w, s, tb_strdup(language ? language : ""), own};
    return TB_OK;
}

void tb_pronunciations_clear(tb_pronunciations *list)
{
    if (!list) return;
    for (size_t i = 0; i < list->n; i++) {
        tb_free(list->items[i].word);
        tb_free(list->items[i].say);
        tb_free(list->items[i].language);
    }
    tb_free(list->items);
    *list = (tb_pronunciations){0};
}

/* One spelling of what is written in several. */
static uint32_t fold(uint32_t cp)
{
    return cp == 0x2019 ? '\'' : tb_utf8_is_space(cp) ? ' ' : tb_unicode_lower(cp);
}

/* A capital that does not begin a word: NASA, iOS. */
static bool has_capital_inside(const char *word)
{
    size_t n;
    bool begins = true;
    for (size_t i = 0, len = strlen(word); i < len; i += n) {
        uint32_t cp = tb_utf8_next(word + i, len - i, &n);
        if (!begins && tb_unicode_lower(cp) != cp) return true;
        begins = cp == ' ';
    }
    return false;
}

char *tb_pronunciation_key(const char *word)
{
    const size_t len = strlen(word);
    size_t n, o = 0;
    if (has_capital_inside(word)) return tb_strdup(word);
    char *key = tb_alloc(4 * len + 1);
    for (size_t i = 0; i < len; i += n)
        o += tb_utf8_put(fold(tb_utf8_next(word + i, len - i, &n)), key + o);
    key[o] = 0;
    return key;
}

/* ---- the trie ---- */

typedef struct {
    uint32_t node, cp, child; /* child 0: no edge here */
} edge;

struct tb_lexicon {
    const tb_pronunciations *list;
    bool *used, *exact; /* per entry: put in; its case matters */
    size_t *next;       /* per entry: 1 + the next one that ends at the same node */
    size_t *ends;       /* per node: 1 + the first entry that ends there */
    edge *edges;
    size_t mask; /* of edges, a power of two less one */
    uint32_t nodes;
};

static edge *edge_of(const tb_lexicon *l, uint32_t node, uint32_t cp)
{
    const uint64_t h = ((uint64_t)node << 32 | cp) * 0x9E3779B97F4A7C15u;
    size_t i = (size_t)(h ^ h >> 29 ^ h >> 47) & l->mask;
    while (l->edges[i].child && !(l->edges[i].node == node && l->edges[i].cp == cp))
        i = (i + 1) & l->mask;
    return &l->edges[i];
}

static void insert(tb_lexicon *l, size_t entry)
{
    const char *word = l->list->items[entry].word;
    uint32_t node = 0;
    size_t n;
    for (size_t i = 0, len = strlen(word); i < len; i += n) {
        uint32_t cp = fold(tb_utf8_next(word + i, len - i, &n));
        edge *e = edge_of(l, node, cp);
        if (!e->child) *e = (edge){node, cp, ++l->nodes};
        node = e->child;
    }
    l->exact[entry] = has_capital_inside(word);
    l->next[entry] = l->ends[node];
    l->ends[node] = entry + 1;
}

tb_lexicon *tb_lexicon_new(const tb_pronunciations *list,
                           bool (*speaks)(void *self, const char *language), void *self)
{
    tb_lexicon *l = tb_alloc(sizeof *l);
    size_t letters = 1, room = 16;
    for (size_t i = 0; i < list->n; i++)
        letters += strlen(list->items[i].word);
    while (room < 2 * letters)
        room *= 2;
    l->list = list;
    l->mask = room - 1;
    l->edges = tb_alloc(room * sizeof *l->edges);
    l->ends = tb_alloc(letters * sizeof *l->ends);
    l->used = tb_alloc((list->n + 1) * sizeof *l->used);
    l->exact = tb_alloc((list->n + 1) * sizeof *l->exact);
    l->next = tb_alloc((list->n + 1) * sizeof *l->next);
    for (size_t i = 0; i < list->n; i++)
        if (!*list->items[i].language || speaks(self, list->items[i].language)) insert(l, i);
    return l;
}

void tb_lexicon_free(tb_lexicon *l)
{
    if (!l) return;
    tb_free(l->edges);
    tb_free(l->ends);
    tb_free(l->used);
    tb_free(l->exact);
    tb_free(l->next);
    tb_free(l);
}

bool tb_lexicon_used(const tb_lexicon *l, size_t i)
{
    return l->used[i];
}

/* ---- the text ---- */

/* Does a character go on with a word that stands beside it? Scripts that put no blanks between
 * words have no such characters. */
static bool joins(uint32_t cp)
{
    static const uint32_t without_blanks[][2] = {
        {0xE00, 0xEFF},   {0x1000, 0x109F}, {0x1780, 0x17FF}, {0x2E80, 0x31FF},
        {0x3400, 0x9FFF}, {0xAC00, 0xD7AF}, {0xF900, 0xFAFF}, {0x20000, 0x3FFFF},
    };
    for (size_t i = 0; i < sizeof without_blanks / sizeof *without_blanks; i++)
        if (cp >= without_blanks[i][0] && cp <= without_blanks[i][1]) return false;
    return tb_utf8_is_word(cp);
}

static bool is_digit(uint32_t cp)
{
    return cp >= '0' && cp <= '9';
}

static bool is_point(uint32_t cp)
{
    return cp == '.' || cp == ',';
}

typedef struct {
    const char *text;
    size_t len;
} source;

static uint32_t at(const source *s, size_t i, size_t *n)
{
    *n = 0;
    return i < s->len ? tb_utf8_next(s->text + i, s->len - i, n) : 0;
}

/* Can a word end in front of byte i, `last` being its last character? */
static bool ends_at(const source *s, size_t i, uint32_t last)
{
    size_t n, m;
    uint32_t next = at(s, i, &n);
    if (n == 0) return true;
    if (next >= 0x300 && next <= 0x36F) return false; /* an accent of the last letter */
    if (is_digit(last) && is_point(next)) return !is_digit(at(s, i + n, &m));
    return !(joins(last) && joins(next));
}

/* The same characters, blanks and apostrophes aside. */
static bool same(const char *word, const char *text, size_t len)
{
    const source w = {word, strlen(word)}, t = {text, len};
    size_t i = 0, k = 0, n, m;
    while (i < w.len && k < t.len) {
        uint32_t a = at(&w, i, &n), b = at(&t, k, &m);
        bool blank = tb_utf8_is_space(a);
        if (a == 0x2019) a = '\'';
        if (b == 0x2019) b = '\'';
        if (a != b && !(blank && tb_utf8_is_space(b))) return false;
        i += n;
        k += m;
        while (blank && k < t.len && tb_utf8_is_space(at(&t, k, &m)))
            k += m;
    }
    return i == w.len && k == t.len;
}

/* Does entry a go before entry b, both being right for the text? */
static bool before(const tb_lexicon *l, size_t a, size_t b)
{
    const tb_pronunciation *p = &l->list->items[a], *q = &l->list->items[b];
    if (p->own != q->own) return p->own;
    if (l->exact[a] != l->exact[b]) return l->exact[a];
    return strlen(p->language) > strlen(q->language);
}

/* Of the entries that end at a node, the one for text[0..len): 1 + its number, 0 none. */
static size_t choose(const tb_lexicon *l, uint32_t node, const char *text, size_t len)
{
    size_t best = 0;
    for (size_t e = l->ends[node]; e; e = l->next[e - 1]) { /* the later ones come first */
        if (l->exact[e - 1] && !same(l->list->items[e - 1].word, text, len)) continue;
        if (!best || before(l, e - 1, best - 1)) best = e;
    }
    return best;
}

/* The entry of the longest word that stands at byte i, and its bytes; 0 none. */
static size_t find(const tb_lexicon *l, const source *s, size_t i, size_t *bytes)
{
    uint32_t node = 0;
    size_t n, best = 0;
    for (size_t k = i; k < s->len;) {
        const uint32_t cp = at(s, k, &n), folded = fold(cp);
        const edge *e = edge_of(l, node, folded);
        if (!e->child) break;
        node = e->child;
        k += n;
        for (size_t m; folded == ' ' && k < s->len && tb_utf8_is_space(at(s, k, &m)); k += m) {
        }
        if (!l->ends[node] || !ends_at(s, k, cp)) continue;
        size_t entry = choose(l, node, s->text + i, k - i);
        if (!entry) continue;
        best = entry;
        *bytes = k - i;
    }
    return best;
}

/* Bytes of a bracket that begins at byte i; 0 when it does not close soon. */
static size_t bracket(const source *s, size_t i)
{
    const size_t left = s->len - i, most = left < BRACKET_MOST ? left : BRACKET_MOST;
    const char *end = memchr(s->text + i, ']', most);
    return end ? (size_t)(end - (s->text + i)) + 1 : 0;
}

void tb_lexicon_apply(tb_lexicon *l, const char *text, size_t len, tb_str *out)
{
    const source s = {text, len};
    uint32_t second = ' ', last = ' '; /* the two characters in front of byte i */
    size_t n;
    for (size_t i = 0; i < len && !out->full; i += n) {
        size_t entry = 0;
        uint32_t cp = at(&s, i, &n);
        if (cp == '[' && (n = bracket(&s, i)) > 0) {
            tb_str_add(out, text + i, n);
            second = last = ' ';
            continue;
        }
        if (cp == '[') n = 1;
        if (!(joins(last) && joins(cp)) && !(is_digit(cp) && is_point(last) && is_digit(second)))
            entry = find(l, &s, i, &n);
        if (entry) {
            tb_str_puts(out, l->list->items[entry - 1].say);
            l->used[entry - 1] = true;
            second = last = ' ';
            continue;
        }
        tb_str_add(out, text + i, n);
        second = last;
        last = cp;
    }
}
