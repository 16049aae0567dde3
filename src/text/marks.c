/*
 * Reads the brackets of a text: tones, sounds, pauses, beds. What is left is the words, with marks
 * at their places.
 *
 * An unknown bracket stays text. What brackets ask for is bounded in seconds and number. Invisible
 * characters are dropped so that they cannot hide a tag. Linear; fuzzed with script.c.
 */
#include "text/script_priv.h"

#include "base/mem.h"
#include "base/unicode.h"
#include "base/utf8.h"

#include <string.h>

bool tb_seconds_parse(const char *s, size_t len, double *out)
{
    double value = 0, digit = 1;
    size_t i = 0, digits = 0;
    while (i < len && s[i] == ' ')
        i++;
    while (len > i && s[len - 1] == ' ')
        len--;
    for (bool fraction = false; i < len; i++) {
        if (s[i] >= '0' && s[i] <= '9') {
            if (++digits > 9) return false;
            if (fraction) digit /= 10;
            value = fraction ? value + digit * (s[i] - '0') : value * 10 + (s[i] - '0');
        } else if ((s[i] == '.' || s[i] == ',') && !fraction && digits > 0) {
            fraction = true;
        } else {
            break;
        }
    }
    if (digits == 0) return false;
    while (i < len && s[i] == ' ')
        i++;
    size_t rest = len - i;
    const char *unit = s + i;
    if (rest == 2 && memcmp(unit, "ms", 2) == 0)
        value /= 1000;
    else if (rest != 0 && !(rest == 1 && *unit == 's') &&
             !(rest == 3 && (memcmp(unit, "sec", 3) == 0 || memcmp(unit, "seg", 3) == 0)))
        return false;
    *out = value;
    return true;
}

static tb_status add_mark(tb_marked *m, tb_mark_kind kind, tb_mark **out, tb_err *err)
{
    if (m->n_marks == m->cap_marks) {
        size_t cap = m->cap_marks ? m->cap_marks * 2 : 16;
        tb_mark *grown = tb_try_realloc(m->marks, cap, sizeof *grown);
        if (!grown) return tb_nomem(err, cap, sizeof *grown);
        m->marks = grown;
        m->cap_marks = cap;
    }
    *out = &m->marks[m->n_marks++];
    **out = (tb_mark){.kind = kind, .at = m->words.len, .tag = TB_TAG_NONE};
    return TB_OK;
}

static tb_status add_pause(tb_marked *m, double seconds, tb_err *err)
{
    tb_mark *mark;
    if (seconds > TB_PAUSE_MAX_SECONDS)
        return tb_fail_field(err, TB_EINVAL, "text",
                             "a pause of %g s is too long: at most %g s are allowed", seconds,
                             TB_PAUSE_MAX_SECONDS);
    m->asked_pause += seconds;
    if (m->asked_pause > TB_ASKED_MAX_SECONDS)
        return tb_fail_field(err, TB_EINVAL, "text",
                             "the pauses of the text are longer than %g s together",
                             TB_ASKED_MAX_SECONDS);
    tb_status st = add_mark(m, TB_MARK_PAUSE, &mark, err);
    if (!st) mark->seconds = seconds;
    return st;
}

/* The same bed a second time turns it off, another one takes its place. */
static tb_status add_bed(tb_marked *m, const char *name, int number, double seconds, tb_err *err)
{
    tb_mark *mark;
    m->asked_bed += seconds;
    if (m->asked_bed > TB_ASKED_MAX_SECONDS)
        return tb_fail_field(err, TB_EINVAL, "text",
                             "the lengths asked for the ambience [%s] and those before it are more "
                             "than %g s together",
                             name, TB_ASKED_MAX_SECONDS);
    tb_status st = add_mark(m, TB_MARK_BED, &mark, err);
    if (st) return st;
    char *folded = tb_unicode_bare(name);
    if (tb_str_starts(folded, "ambience:")) {
        char *bare = tb_unicode_bare(folded + strlen("ambience:"));
        tb_free(folded);
        folded = bare;
    }
    mark->seconds = seconds;
    mark->bed_number = number;
    bool off = m->bed && strcmp(m->bed, folded) == 0;
    tb_free(m->bed);
    m->bed = off ? NULL : folded;
    if (off)
        tb_free(folded);
    else
        mark->bed = tb_strdup(name);
    return TB_OK;
}

static void add_unknown(tb_marked *m, const char *name)
{
    char *kept = tb_strndup(name, strnlen(name, TB_UNKNOWN_BYTES));
    tb_utf8_trim(kept);
    bool known = m->n_unknown == TB_UNKNOWN_MAX;
    for (size_t i = 0; i < m->n_unknown && !known; i++)
        known = strcmp(m->unknown[i], kept) == 0;
    if (known) {
        tb_free(kept);
        return;
    }
    if (!m->unknown) m->unknown = tb_alloc(TB_UNKNOWN_MAX * sizeof *m->unknown);
    m->unknown[m->n_unknown++] = kept;
}

static bool is_pause(const char *folded)
{
    return strcmp(folded, "pause") == 0 || strcmp(folded, "pausa") == 0;
}

static int find_bed(const tb_script_opts *opts, const char *name)
{
    return opts && opts->find_bed && *name ? opts->find_bed(opts->self, name) : -1;
}

bool tb_bracket_known(const tb_script_opts *opts, const char *name)
{
    double seconds;
    char *folded = tb_str_fold(name), *colon = strrchr(folded, ':');
    bool known = tb_tag_find(name) != TB_TAG_NONE || is_pause(folded) || find_bed(opts, name) >= 0;
    if (!known && colon && tb_seconds_parse(colon + 1, strlen(colon + 1), &seconds)) {
        *colon = 0;
        char *head = tb_str_strip(folded);
        known = is_pause(head) || find_bed(opts, head) >= 0;
    }
    tb_free(folded);
    return known;
}

/* The tones that are no tokens of the model: there they only move the sampling. */
static bool is_style(tb_tag tag, const char *folded)
{
    return tag == TB_TAG_SAD || strcmp(folded, "feliz") == 0 || strcmp(folded, "serio") == 0 ||
           strcmp(folded, "seria") == 0;
}

/*
 * What a bracket says. name is what stands in it, stripped. *known is false when it means nothing:
 * its words are text then.
 */
static tb_status read_bracket(tb_marked *m, const char *name, const tb_script_opts *opts,
                              bool *known, tb_err *err)
{
    tb_status st = TB_OK;
    char *head = NULL, *folded = tb_str_fold(name);
    const char *colon = strrchr(folded, ':');
    double seconds = 0;
    int bed;
    tb_tag tag = tb_tag_find(name);
    *known = true;
    if (tag != TB_TAG_NONE && opts->tags_inline && !is_style(tag, folded)) {
        char *tag_name = tb_strdup(tb_tag_name(tag));
        for (char *c = tag_name; *c; c++)
            if (*c == ' ') *c = TB_TAG_BLANK;
        tb_str_printf(&m->words, "[%s]", tag_name);
        tb_free(tag_name);
        goto out;
    }
    if (tag != TB_TAG_NONE) {
        tb_mark *mark;
        st = add_mark(m, tb_tag_kind_of(tag) == TB_TAG_SOUND ? TB_MARK_SOUND : TB_MARK_TONE, &mark,
                      err);
        if (!st) mark->tag = tag;
        goto out;
    }
    if (is_pause(folded)) {
        st = add_pause(m, 0.5, err);
        goto out;
    }
    if (colon && tb_seconds_parse(colon + 1, strlen(colon + 1), &seconds)) {
        const char *as_written = strrchr(name, ':');
        char *cut = tb_strndup(name, (size_t)(as_written - name));
        head = tb_strdup(tb_str_strip(cut));
        tb_free(cut);
        if (tb_str_ieq(head, "pause") || tb_str_ieq(head, "pausa")) {
            /* "[pause:500]", as other services write it: no pause is that many seconds long. */
            char unit = colon[strlen(colon) - 1];
            if (seconds > TB_PAUSE_MAX_SECONDS && (unit >= '0' && unit <= '9')) seconds /= 1000;
            st = add_pause(m, seconds, err);
            goto out;
        }
        bed = find_bed(opts, head);
        if (bed >= 0) {
            st = add_bed(m, head, bed, seconds, err);
            goto out;
        }
    }
    bed = find_bed(opts, name);
    if (bed >= 0)
        st = add_bed(m, name, bed, 0, err);
    else
        *known = false;

out:
    tb_free(head);
    tb_free(folded);
    return st;
}

/* The ']' of the '[' in front of s, or len: no bracket holds another, or a line's end. Each byte is
 * looked at for one '[' only, so a text of brackets costs no more than one of words. */
static size_t closing(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (s[i] == ']') return i;
        if (s[i] == '[' || s[i] == '\n' || s[i] == '\r') break;
    }
    return len;
}

/* What is not for the ear: direction marks, soft hyphens, byte order marks. The joiners 200C and
 * 200D stay: Persian and Hindi are written with them. */
static bool invisible(uint32_t cp)
{
    return cp == 0xAD || cp == 0x200B || cp == 0x200E || cp == 0x200F ||
           (cp >= 0x202A && cp <= 0x202E) || (cp >= 0x2060 && cp <= 0x2069) || cp == 0xFEFF ||
           (cp >= 0xE0000 && cp <= 0xE007F);
}

/* One character as it goes into words: plain quotes, plain blanks, no controls. */
static uint32_t plain(uint32_t cp, bool as_it_is)
{
    if (cp == '\n' || cp == 0x85 || cp == 0x2028) return '\n';
    if (as_it_is) return cp < ' ' ? ' ' : cp;
    if (cp < ' ' || (cp >= 0x7F && cp < 0xA0) || tb_utf8_is_space(cp)) return ' ';
    if (cp == '[' || cp == ']') return ' ';
    if (cp >= 0x2018 && cp <= 0x201B) return '\'';
    if (cp >= 0x201C && cp <= 0x201F) return '"';
    return cp;
}

static bool digit_at(const char *text, size_t len, size_t i)
{
    return i < len && text[i] >= '0' && text[i] <= '9';
}

/* What a bracket that goes leaves between two words: a blank, where none is. */
static void gap(tb_str *words, const char *behind, size_t len)
{
    size_t n;
    bool before = words->len && !strchr(" \n([\"'", words->data[words->len - 1]);
    if (before && len && tb_utf8_is_word(tb_utf8_next(behind, len, &n))) tb_str_add(words, " ", 1);
}

tb_status tb_marked_read(const char *text, size_t len, const tb_script_opts *opts, tb_marked *out,
                         tb_err *err)
{
    tb_marked m = {0};
    tb_status st = TB_OK;
    size_t n;
    char utf8[4];
    /* Nothing that is put there is longer than what it is of, but for the name of a tag ([tos] is
     * [cough]). */
    tb_str_init(&m.words, opts->tags_inline ? 4 * len + 16 : len + 1);
    for (size_t i = 0; i < len && !st; i += n) {
        uint32_t cp = tb_utf8_next(text + i, len - i, &n);
        if (cp == '[') {
            size_t inside = closing(text + i + 1, len - i - 1);
            if (inside == len - i - 1) { /* a lonely bracket */
                bool stays = opts->tags_inline && !opts->plain_brackets;
                tb_str_add(&m.words, stays ? "[" : " ", 1);
                continue;
            }
            /* A bracket may be all of a text; it is copied, and folded to twice its length. */
            st = tb_mem_want(4 * inside, err);
            if (st) break;
            char *content = tb_strndup(text + i + 1, inside);
            const char *name = tb_str_strip(content);
            bool known = false;
            if (*name) st = read_bracket(&m, name, opts, &known, err);
            if (!st && *name && !known) add_unknown(&m, name);
            tb_free(content);
            if (!opts->tags_inline)
                tb_str_add(&m.words, " ", 1);
            else if (!known && opts->plain_brackets)
                gap(&m.words, text + i + 1, len - i - 1);
            else if (!known)
                tb_str_add(&m.words, "[", 1);
            if (known) n = inside + 2;
            continue;
        }
        if (cp == ']' && opts->tags_inline && opts->plain_brackets) {
            gap(&m.words, text + i + 1, len - i - 1);
            continue;
        }
        if (cp == '\r') {
            if (i + 1 < len && text[i + 1] == '\n') continue;
            cp = '\n';
        }
        if (cp == 0x2029) { /* a paragraph's end is an empty line */
            tb_str_add(&m.words, "\n\n", 2);
            continue;
        }
        if (opts->tags_inline) {
            tb_str_add(&m.words, utf8, tb_utf8_put(plain(cp, true), utf8));
            continue;
        }
        if (invisible(cp)) continue;
        /* Emphasis is for the eye; a product stays. */
        if (cp == '*' && !(i > 0 && digit_at(text, len, i - 1) && digit_at(text, len, i + 1)))
            continue;
        tb_str_add(&m.words, utf8, tb_utf8_put(plain(cp, false), utf8));
    }
    if (!st && m.words.full) st = tb_nomem(err, len, 1);
    if (st)
        tb_marked_clear(&m);
    else
        *out = m;
    return st;
}

void tb_marked_clear(tb_marked *m)
{
    if (!m) return;
    for (size_t i = 0; i < m->n_marks; i++)
        tb_free(m->marks[i].bed);
    for (size_t i = 0; i < m->n_unknown; i++)
        tb_free(m->unknown[i]);
    tb_free(m->marks);
    tb_free(m->unknown);
    tb_free(m->bed);
    tb_str_clear(&m->words);
    *m = (tb_marked){0};
}
