#include "text/front_priv.h"

#include "base/mem.h"
#include "text/script_priv.h"

#include <stdlib.h>
#include <string.h>

/*
 * HTML and SSML as they come along with copied text. No document is built: a tag is dropped, or
 * becomes the line end, the comma or the pause that it means for an ear. What only looks like a tag
 * ("a < b and c > d", "<3") stays. Every search ahead is bounded or remembers that it failed, so
 * the time is linear. Code of Markdown is not looked into.
 */

enum { TAG_MAX = 2048, CODE_MAX = 1024, TAG_NAME = 16, ENTITY_MAX = 32 };

typedef enum {
    INLINE, /* goes without a trace */
    BLOCK,  /* a paragraph of its own */
    LINE,   /* a line of its own */
    CELL,   /* a comma between two of them */
    SKIP,   /* goes with all that is in it */
    QUOTE,  /* quotation marks */
    BREAK,  /* SSML: silence */
    IMAGE,  /* its alt text */
    SUB,    /* SSML: its alias instead of what is in it */
    SUP,    /* a power, an ordinal or a footnote */
} action;

static const struct {
    const char *names;
    action what;
} tags[] = {
    {" a abbr acronym audio b bdi bdo big button center cite code data dfn del em emphasis font i "
     "ins kbd label lang lexicon mark meter nobr phoneme progress prosody ruby rb rt rp s samp "
     "say-as small source span speak strike strong svg time token track tt u var video voice wbr w "
     "html body input ",
     INLINE},
    {" address article aside blockquote details dialog div dl fieldset figure footer form h1 h2 h3 "
     "h4 h5 h6 header hgroup main menu nav ol p pre section summary table tbody tfoot thead ul "
     "paragraph ",
     BLOCK},
    {" br caption dd dt figcaption hr legend li option optgroup select tr sentence ", LINE},
    {" td th ", CELL},
    {" script style head title template noscript iframe object textarea canvas math ", SKIP},
    {" q ", QUOTE},
    {" break ", BREAK},
    {" img ", IMAGE},
    {" sub ", SUB},
    {" sup ", SUP},
};

typedef struct {
    tb_str *out;
    bool source;         /* line ends mean nothing: it is HTML through and through */
    bool no_comment_end; /* no "-->" from here on */
    bool no_element_end; /* an end was looked for in vain: no more such searches */
} html;

typedef struct {
    char name[TAG_NAME + 1];
    bool closes;
    const char *attrs;
    size_t attrs_len;
    size_t size; /* bytes, with both angle brackets */
} tag;

static bool name_char(char c)
{
    return tb_front_letter(c) || tb_front_digit(c) || c == '-' || c == ':';
}

static bool lookup(const char *name, action *what)
{
    char word[TAG_NAME + 3];
    size_t n = strlen(name);
    word[0] = ' ';
    memcpy(word + 1, name, n);
    word[n + 1] = ' ';
    word[n + 2] = 0;
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (strstr(tags[i].names, word)) {
            *what = tags[i].what;
            return true;
        }
    return false;
}

/* Are these the attributes of a tag, and not words between two comparisons? */
static bool attributes(const char *s, size_t len)
{
    static const char *const flags[] = {"checked", "disabled", "hidden",   "open",  "selected",
                                        "async",   "defer",    "controls", "muted", "reversed"};
    while (len > 0 && (tb_front_blank(*s) || *s == '/'))
        s++, len--;
    while (len > 0 && (tb_front_blank(s[len - 1]) || s[len - 1] == '/'))
        len--;
    if (len == 0 || memchr(s, '=', len)) return true;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (strlen(flags[i]) == len && memcmp(s, flags[i], len) == 0) return true;
    return false;
}

/* A tag at s[0] == '<'. */
static bool read_tag(const char *s, size_t len, tag *t)
{
    size_t i = 1, n = 0;
    *t = (tag){0};
    if (i < len && s[i] == '/') {
        t->closes = true;
        i++;
    }
    if (i >= len || !tb_front_letter(s[i])) return false;
    for (; i < len && name_char(s[i]); i++) {
        if (n == TAG_NAME) return false;
        t->name[n++] = s[i];
    }
    tb_str_lower(t->name);
    if (i >= len || !(tb_front_blank(s[i]) || s[i] == '/' || s[i] == '>')) return false;
    t->attrs = s + i;
    char quote = 0;
    for (; i < len && i < TAG_MAX; i++) {
        if (quote) {
            if (s[i] == quote) quote = 0;
        } else if (s[i] == '>') {
            break;
        } else if (s[i] == '<') {
            return false;
        } else if ((s[i] == '"' || s[i] == '\'') && s[i - 1] == '=') {
            quote = s[i];
        }
    }
    if (i >= len || s[i] != '>') return false;
    t->attrs_len = (size_t)(s + i - t->attrs);
    t->size = i + 1;
    return attributes(t->attrs, t->attrs_len);
}

/* The value of an attribute, heap; NULL without. */
static char *attribute(const tag *t, const char *name)
{
    const size_t n = strlen(name);
    for (size_t i = 1; i + n + 1 < t->attrs_len; i++) {
        const char *s = t->attrs + i;
        if (!tb_front_blank(s[-1]) || memcmp(s, name, n) != 0 || s[n] != '=') continue;
        const char *value = s + n + 1, *end = t->attrs + t->attrs_len;
        char quote = *value == '"' || *value == '\'' ? *value++ : 0;
        size_t len = 0;
        while (value + len < end &&
               (quote ? value[len] != quote : !tb_front_blank(value[len]) && value[len] != '/'))
            len++;
        return tb_strndup(value, len);
    }
    return NULL;
}

/* Ends the line, or the paragraph. */
static void end_line(tb_str *out, int lines)
{
    int have = 0;
    tb_front_trim(out);
    while ((size_t)have < out->len && out->data[out->len - 1 - (size_t)have] == '\n')
        have++;
    if (out->len == 0) return;
    for (; have < lines; have++)
        tb_str_add(out, "\n", 1);
}

static bool same_letters(const char *a, const char *lower, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((a[i] | 0x20) != (lower[i] | 0x20)) return false;
    return true;
}

/* Behind the end of "<name>…</name>" that begins at s; 0 when it has none. */
static size_t element_end(html *h, const char *s, size_t len, const char *name)
{
    const size_t n = strlen(name);
    if (h->no_element_end) return 0;
    for (size_t i = 0; i + n + 2 < len; i++) {
        if (s[i] != '<' || s[i + 1] != '/' || !same_letters(s + i + 2, name, n)) continue;
        const char *end = memchr(s + i, '>', len - i);
        return end ? (size_t)(end - s) + 1 : len;
    }
    h->no_element_end = true;
    return 0;
}

static void add_break(html *h, const tag *t)
{
    static const struct {
        const char *strength, *time;
    } strengths[] = {{"none", "0"},       {"x-weak", "100ms"}, {"weak", "250ms"},
                     {"medium", "500ms"}, {"strong", "750ms"}, {"x-strong", "1s"}};
    char *time = attribute(t, "time"), *strength = attribute(t, "strength");
    double seconds;
    if (time && strlen(time) < 16 && tb_seconds_parse(time, strlen(time), &seconds)) {
        tb_str_printf(h->out, "[pause:%s]", time);
    } else {
        const char *length = "500ms";
        for (size_t i = 0; strength && i < sizeof strengths / sizeof *strengths; i++)
            if (strcmp(strengths[i].strength, strength) == 0) length = strengths[i].time;
        if (strcmp(length, "0") != 0) tb_str_printf(h->out, "[pause:%s]", length);
    }
    tb_free(time);
    tb_free(strength);
}

static const char *superscript(char c)
{
    static const char *const digits[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    if (tb_front_digit(c)) return digits[c - '0'];
    return c == '-' ? "⁻" : c == '+' ? "⁺" : c == 'n' ? "ⁿ" : NULL;
}

/* "m<sup>2</sup>" is m², "1<sup>st</sup>" stays 1st. Returns the bytes taken, the tag included. */
static size_t raise(html *h, const char *s, size_t len, const tag *t)
{
    size_t i = t->size;
    while (i < len && i < t->size + 5 && superscript(s[i]))
        i++;
    if (i == t->size || len - i < 6 || !same_letters(s + i, "</sup>", 6)) return t->size;
    for (size_t k = t->size; k < i; k++)
        tb_str_puts(h->out, superscript(s[k]));
    return i + 6;
}

static void separate_cell(html *h)
{
    tb_front_trim(h->out);
    char last = h->out->len ? h->out->data[h->out->len - 1] : '\n';
    if (last != '\n' && !strchr(",;:.!?", last)) tb_str_add(h->out, ",", 1);
    if (last != '\n') tb_str_add(h->out, " ", 1);
}

/* What a tag at s becomes; the bytes taken. */
static size_t do_tag(html *h, const char *s, size_t len, const tag *t)
{
    action what = INLINE;
    char *said;
    size_t end;
    if (!lookup(t->name, &what) && !t->closes && t->attrs_len == 0) {
        tb_str_puts(h->out, t->name); /* "Dear <name>": a gap to be filled, said as it is called */
        return t->size;
    }
    switch (what) {
    case INLINE:
        break;
    case BLOCK:
        end_line(h->out, 2);
        break;
    case LINE: /* two blanks are Markdown's sign that the line end is meant */
        tb_front_trim(h->out);
        if (h->out->len && h->out->data[h->out->len - 1] != '\n') tb_str_puts(h->out, "  \n");
        end_line(h->out, strcmp(t->name, "hr") == 0 ? 2 : 1);
        break;
    case CELL:
        if (!t->closes) separate_cell(h);
        break;
    case SKIP:
        end = t->closes ? 0 : element_end(h, s, len, t->name);
        if (end) return end;
        break;
    case QUOTE:
        tb_str_add(h->out, "\"", 1);
        break;
    case BREAK:
        if (!t->closes) add_break(h, t);
        break;
    case IMAGE:
        said = attribute(t, "alt");
        if (said) tb_str_puts(h->out, said);
        tb_free(said);
        break;
    case SUB:
        said = t->closes ? NULL : attribute(t, "alias");
        end = said ? element_end(h, s, len, "sub") : 0;
        if (end) tb_str_puts(h->out, said);
        tb_free(said);
        if (end) return end;
        break;
    case SUP:
        return t->closes ? t->size : raise(h, s, len, t);
    }
    return t->size;
}

/* "<https://example.org>", "<a@example.org>": only the brackets go. 0 when it is none. */
static size_t autolink(const char *s, size_t len)
{
    bool address = false;
    for (size_t i = 1; i < len && i < TAG_MAX; i++) {
        if (s[i] == '>') return address ? i + 1 : 0;
        if (tb_front_blank(s[i]) || s[i] == '<') return 0;
        if (s[i] == '@' || (s[i] == ':' && i + 2 < len && s[i + 1] == '/')) address = true;
    }
    return 0;
}

/* The bytes taken of what begins with '<' at s; 0: it is a plain sign. */
static size_t angle(html *h, const char *s, size_t len)
{
    tag t;
    if (len >= 4 && memcmp(s, "<!--", 4) == 0 && !h->no_comment_end) {
        for (size_t i = 4; i + 2 < len; i++)
            if (s[i] == '-' && s[i + 1] == '-' && s[i + 2] == '>') return i + 3;
        h->no_comment_end = true;
    }
    if (len >= 2 && (s[1] == '!' || s[1] == '?')) {
        const char *end = memchr(s, '>', len < TAG_MAX ? len : TAG_MAX);
        return end && len > 2 && tb_front_letter(s[2]) ? (size_t)(end - s) + 1 : 0;
    }
    if (read_tag(s, len, &t)) return do_tag(h, s, len, &t);
    size_t n = autolink(s, len);
    if (n) tb_str_add(h->out, s + 1, n - 2);
    return n;
}

/* The bytes of an entity at s[0] == '&', and its character; 0 when it is none. */
static size_t read_entity(const char *s, size_t len, uint32_t *cp)
{
    const char *end = memchr(s, ';', len < ENTITY_MAX ? len : ENTITY_MAX);
    if (!end || end - s < 3) return 0;
    size_t n = (size_t)(end - s);
    if (s[1] == '#') {
        char digits[12] = "";
        bool hex = s[2] == 'x' || s[2] == 'X';
        const char *from = s + 2 + hex;
        if (end == from || (size_t)(end - from) >= sizeof digits) return 0;
        memcpy(digits, from, (size_t)(end - from));
        if (strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789") != strlen(digits))
            return 0;
        unsigned long value = strtoul(digits, NULL, hex ? 16 : 10);
        if (value == 0 || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) return 0;
        *cp = (uint32_t)value;
        return n + 1;
    }
    *cp = tb_front_entity(s + 1, n - 1);
    return *cp ? n + 1 : 0;
}

static size_t entity(html *h, const char *s, size_t len)
{
    uint32_t cp, inner;
    size_t n = read_entity(s, len, &cp), more;
    if (n == 5 && cp == '&') { /* "&amp;nbsp;": written by a program that escaped twice */
        char again[ENTITY_MAX + 1] = "&";
        more = len - n < ENTITY_MAX - 1 ? len - n : ENTITY_MAX - 1;
        memcpy(again + 1, s + n, more);
        more = read_entity(again, more + 1, &inner);
        if (more) {
            n += more - 1;
            cp = inner;
        }
    }
    if (n) tb_front_put(h->out, cp);
    return n;
}

/* The bytes of a code span at s[0] == '`': up to the same row of backquotes in this paragraph. */
static size_t code_span(const char *s, size_t len)
{
    size_t open = 0;
    while (open < len && s[open] == '`')
        open++;
    for (size_t i = open; i < len && i < CODE_MAX;) {
        if (s[i] == '\n' && i + 1 < len && s[i + 1] == '\n') break;
        size_t n = 0;
        while (i + n < len && s[i + n] == '`')
            n++;
        if (n == open) return i + n;
        i += n ? n : 1;
    }
    return open;
}

static bool whole_document(const char *s, size_t len)
{
    tag t;
    action what;
    while (len > 0 && (tb_front_blank(*s) || *s == '\r'))
        s++, len--;
    if (len < 3 || *s != '<') return false;
    if (s[1] == '!' || s[1] == '?') return true;
    return read_tag(s, len, &t) && lookup(t.name, &what) &&
           (what == BLOCK || strcmp(t.name, "html") == 0 || strcmp(t.name, "speak") == 0 ||
            strcmp(t.name, "body") == 0);
}

void tb_front_html(const char *text, size_t len, tb_str *out)
{
    html h = {.out = out, .source = whole_document(text, len)};
    bool fenced = false;
    for (size_t i = 0, n; i < len && !out->full; i += n) {
        const char *s = text + i;
        bool starts_line = i == 0 || s[-1] == '\n';
        n = 0;
        bool fence = starts_line && tb_front_is_fence(s, len - i);
        if (fence || fenced) {
            fenced ^= fence;
            const char *end = memchr(s, '\n', len - i);
            n = end ? (size_t)(end - s) + 1 : len - i;
            tb_str_add(out, s, n);
        } else if (*s == '`') {
            n = code_span(s, len - i);
            tb_str_add(out, s, n);
        } else if (*s == '<') {
            n = angle(&h, s, len - i);
        } else if (*s == '&') {
            n = entity(&h, s, len - i);
        } else if (h.source && (*s == '\n' || *s == '\r')) {
            if (out->len && out->data[out->len - 1] != '\n') tb_str_add(out, " ", 1);
            n = 1;
        }
        if (n == 0) {
            tb_str_add(out, s, 1);
            n = 1;
        }
    }
}
