/*
 * A text as items to be performed: speech, sounds, pauses, beds on and off.
 *
 * The words between marks are split into sentences and pieces (split.c); a tone lasts to the next
 * one or the end of its sentence; neighbouring pieces are gathered where the engine wants longer
 * segments. Pure; fuzzed by tests/fuzz/fuzz_tags.c. Relies on marks.c for brackets.
 */
#include "text/script.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "text/script_priv.h"

#include <string.h>

/* A script while it grows. */
typedef struct {
    tb_script script;
    size_t cap;
    size_t pieces;        /* SPEECH and SOUND items */
    tb_script_item *last; /* the newest of them, NULL none; moves with the array */
    bool speech;          /* something was said in this sentence */
    bool as_it_is;        /* tb_script_opts.tags_inline */
} builder;

#define PARAGRAPH 0.5 /* the gap of an empty line */

static tb_status add_item(builder *b, tb_item_kind kind, tb_script_item **out, tb_err *err)
{
    tb_script *s = &b->script;
    if (s->n == b->cap) {
        size_t cap = b->cap ? b->cap * 2 : 16, last = b->last ? (size_t)(b->last - s->items) : 0;
        tb_script_item *grown = tb_try_realloc(s->items, cap, sizeof *grown);
        if (!grown) return tb_nomem(err, cap, sizeof *grown);
        if (b->last) b->last = grown + last;
        s->items = grown;
        b->cap = cap;
    }
    tb_script_item *item = &s->items[s->n++];
    *item = (tb_script_item){.kind = kind, .tag = TB_TAG_NONE, .sentence = b->pieces};
    if (kind == TB_ITEM_SPEECH || kind == TB_ITEM_SOUND) {
        b->pieces++;
        b->last = item;
    }
    *out = item;
    return TB_OK;
}

static bool has_word(const char *s, size_t len)
{
    size_t n;
    for (size_t i = 0; i < len; i += n)
        if (tb_utf8_is_word(tb_utf8_next(s + i, len - i, &n))) return true;
    return false;
}

static bool blank(char c)
{
    return c == ' ' || c == '\n';
}

/* One line, single blanks, without what a cut left in front: "[sigh], well" says "well". */
static char *tidy(const char *s, size_t len)
{
    char *out = tb_alloc(len + 1);
    size_t o = 0, i = 0;
    while (i < len && (blank(s[i]) || strchr(",;:.!?", s[i])))
        /* ".5" keeps its point */
        if (s[i] == '.' && i + 1 < len && s[i + 1] >= '0' && s[i + 1] <= '9')
            break;
        else
            i++;
    for (; i < len; i++) {
        if (!blank(s[i]))
            out[o++] = s[i];
        else if (o > 0 && out[o - 1] != ' ')
            out[o++] = ' ';
    }
    while (o > 0 && out[o - 1] == ' ')
        o--;
    out[o] = 0;
    return out;
}

/* The same for an engine that reads everything: blanks at the ends go, no more. */
static char *whole(const char *s, size_t len)
{
    while (len > 0 && blank(*s))
        s++, len--;
    while (len > 0 && blank(s[len - 1]))
        len--;
    char *out = tb_strndup(s, len);
    for (char *c = out; *c; c++)
        if (*c == TB_TAG_BLANK) *c = ' ';
    return out;
}

/*
 * Neighbouring sentences become one item while it stays short: an engine that knows how a sentence
 * follows another is given both, and pays its fixed cost once. An empty line keeps them apart.
 */
static void gather(tb_script *s)
{
    size_t n = 0, pieces = 0;
    for (size_t i = 0; i < s->n; i++) {
        tb_script_item item = s->items[i];
        tb_script_item *before = n ? &s->items[n - 1] : NULL;
        if (before && before->kind == TB_ITEM_SPEECH && item.kind == TB_ITEM_SPEECH &&
            before->tag == item.tag && before->gap_after < PARAGRAPH &&
            tb_utf8_count(before->text, strlen(before->text)) +
                    tb_utf8_count(item.text, strlen(item.text)) <
                TB_SEGMENT_MAX) {
            char *both = tb_sprintf("%s %s", before->text, item.text);
            tb_free(before->text);
            tb_free(item.text);
            before->text = both;
            before->gap_after = item.gap_after;
            continue;
        }
        item.sentence = pieces;
        if (item.kind == TB_ITEM_SPEECH) pieces++;
        s->items[n++] = item;
    }
    s->n = n;
}

/* What stands between two marks of a sentence, in pieces of a length that an engine can take. */
static tb_status add_speech(builder *b, const char *s, size_t len, tb_tag tone, tb_err *err)
{
    while (len > 0) {
        double gap;
        /* Blanks do not count toward a piece's length: rows of them would make empty pieces. */
        while (len > 0 && blank(*s))
            s++, len--;
        size_t take = tb_piece_next(s, len, &gap);
        if (has_word(s, take)) {
            tb_script_item *item;
            tb_status st = add_item(b, TB_ITEM_SPEECH, &item, err);
            if (st) return st;
            item->text = b->as_it_is ? whole(s, take) : tidy(s, take);
            item->tag = tone;
            item->gap_after = gap;
            b->speech = true;
        }
        s += take;
        len -= take;
    }
    return TB_OK;
}

static tb_status add_mark(builder *b, tb_mark *mark, tb_tag *tone, tb_err *err)
{
    tb_script_item *item;
    tb_status st = TB_OK;
    switch (mark->kind) {
    case TB_MARK_TONE:
        *tone = mark->tag;
        break;
    case TB_MARK_SOUND:
        st = add_item(b, TB_ITEM_SOUND, &item, err);
        if (!st) item->tag = mark->tag;
        break;
    case TB_MARK_PAUSE:
        if (mark->seconds <= 0) break;
        st = add_item(b, TB_ITEM_PAUSE, &item, err);
        if (!st) item->seconds = mark->seconds;
        break;
    case TB_MARK_BED:
        st = add_item(b, TB_ITEM_BED, &item, err);
        if (st) break;
        item->text = mark->bed;
        item->bed = mark->bed_number;
        item->seconds = mark->seconds;
        mark->bed = NULL; /* the item's now */
        break;
    }
    return st;
}

/* Walks sentences and marks together; both rise. */
static tb_status build(builder *b, tb_marked *m, const char *language, tb_err *err)
{
    const char *words = m->words.data ? m->words.data : "";
    size_t len = m->words.len, at = 0, next = 0;
    tb_tag tone = TB_TAG_NONE;
    tb_status st = TB_OK;
    while (!st && (at < len || next < m->n_marks)) {
        size_t end;
        double gap;
        tb_sentence_next(words, len, at, language, &end, &gap);
        /* A sentence of tags alone does not end the tone that it sets. */
        if (b->speech) tone = TB_TAG_NONE;
        b->speech = false;
        for (; !st && next < m->n_marks && (m->marks[next].at < end || end == len); next++) {
            size_t cut = m->marks[next].at;
            st = add_speech(b, words + at, cut - at, tone, err);
            if (!st) st = add_mark(b, &m->marks[next], &tone, err);
            at = cut;
        }
        if (!st) st = add_speech(b, words + at, end - at, tone, err);
        at = end;
        if (b->last && b->last->gap_after < gap) b->last->gap_after = gap;
    }
    if (b->last) b->last->gap_after = 0;
    return st;
}

tb_status tb_script_parse(const char *text, const tb_script_opts *opts, tb_script *out, tb_err *err)
{
    tb_marked marked = {0};
    builder b = {.as_it_is = opts->tags_inline};
    size_t len = text ? strlen(text) : 0;
    if (!tb_utf8_valid(text ? text : "", len))
        return tb_fail_field(err, TB_EINVAL, "text", "the text is not valid UTF-8");
    size_t count = tb_utf8_count(text ? text : "", len);
    if (count > opts->text_max)
        return tb_fail_field(err, TB_EINVAL, "text",
                             "the text has %zu characters; at most %zu are allowed", count,
                             opts->text_max);
    if (len == 0) return tb_fail_field(err, TB_EINVAL, "text", "the text is empty");

    tb_status st = tb_marked_read(text, len, opts, &marked, err);
    if (!st) st = build(&b, &marked, opts->language, err);
    if (!st && b.script.n == 0)
        st = tb_fail_field(err, TB_EINVAL, "text",
                           "there is nothing to say in the text: it has no letter, no digit and no "
                           "tag that makes a sound");
    if (!st) {
        if (opts->tags_inline) gather(&b.script);
        b.script.unknown_tags = marked.unknown;
        b.script.n_unknown = marked.n_unknown;
        marked.unknown = NULL;
        marked.n_unknown = 0;
        *out = b.script;
        b.script = (tb_script){0};
    }
    tb_script_clear(&b.script);
    tb_marked_clear(&marked);
    return st;
}

void tb_script_clear(tb_script *script)
{
    if (!script) return;
    for (size_t i = 0; i < script->n; i++)
        tb_free(script->items[i].text);
    for (size_t i = 0; i < script->n_unknown; i++)
        tb_free(script->unknown_tags[i]);
    tb_free(script->items);
    tb_free(script->unknown_tags);
    *script = (tb_script){0};
}
