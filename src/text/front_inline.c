#include "text/front_priv.h"

#include <string.h>
#include <strings.h>

/*
 * The signs inside a line: emphasis, code, links and images of Markdown, citations, arrows made of
 * keyboard characters, faces. Brackets that are tags or beds stay as they are. Searches ahead are
 * bounded, so the time is linear. Addresses: front_address.c.
 */

enum { LABEL_MAX = 512, TARGET_MAX = 2048, CODE_MAX = 1024, OPEN_LINKS = 4 };

typedef struct {
    const char *s;
    size_t len;
    const tb_front_opts *opts;
    tb_str *out;
    struct {
        size_t label_end, target_end;
    } open[OPEN_LINKS]; /* links whose words are being read */
    size_t n_open;
} inl;

static char at(const inl *x, size_t i)
{
    return i < x->len ? x->s[i] : 0;
}

static char before(const inl *x, size_t i)
{
    return i > 0 ? x->s[i - 1] : '\n';
}

/* Part of a word, in any script. */
static bool wordy(char c)
{
    return tb_front_letter(c) || tb_front_digit(c) || ((unsigned char)c & 0x80);
}

static bool gap(char c)
{
    return c == 0 || tb_front_blank(c);
}

/* ---- brackets ---- */

/* The ']' of the '[' at i, brackets inside counted; 0 without. */
static size_t label_end(const inl *x, size_t i)
{
    int depth = 0;
    for (size_t k = i; k < x->len && k < i + LABEL_MAX; k++) {
        if (x->s[k] == '\n' && at(x, k + 1) == '\n') return 0;
        if (x->s[k] == '[') depth++;
        if (x->s[k] == ']' && --depth == 0) return k;
    }
    return 0;
}

/* Behind "(https://example.org "title")" at i; 0 when it is no target: "(softly)" has neither
 * slash, point, colon nor number sign, or it has blanks in it. */
static size_t target_end(const inl *x, size_t i)
{
    int depth = 0;
    bool address = at(x, i + 1) == ')' || at(x, i + 1) == '#', title = false;
    for (size_t k = i; k < x->len && k < i + TARGET_MAX && x->s[k] != '\n'; k++) {
        char c = x->s[k];
        if (c == '(' && !title) depth++;
        if (c == ')' && !title && --depth == 0) return address ? k + 1 : 0;
        if (c == '"' && (title || before(x, k) == ' ')) title = !title;
        if (c == ' ' && !title && at(x, k + 1) != '"' && at(x, k + 1) != ')') return 0;
        if (!title && (c == '/' || c == '.' || c == ':')) address = true;
    }
    return 0;
}

static bool is_word(const char *s, size_t len, const char *word)
{
    if (strlen(word) != len) return false;
    for (size_t i = 0; i < len; i++)
        if ((s[i] | 0x20) != (word[i] | 0x20)) return false;
    return true;
}

/* "1", "2, 3", "4–6", "note 2", "^7": what stands in a citation's brackets. */
static bool citation(const char *s, size_t len)
{
    static const char *const words[] = {"citation needed",      "cita requerida", "edit", "editar",
                                        "clarification needed", "who?",           "when?"};
    static const char *const notes[] = {"note ", "nota ", "n ", "nb ", "^", "fn:"};
    size_t digits = 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (is_word(s, len, words[i])) return true;
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
        size_t n = strlen(notes[i]);
        if (len > n && is_word(s, n, notes[i])) {
            s += n;
            len -= n;
            if (notes[i][0] == '^') return true;
            break;
        }
    }
    for (size_t i = 0; i < len; i++) {
        if (tb_front_digit(s[i]))
            digits++;
        else if (!strchr(" ,;-", s[i]) && (unsigned char)s[i] != 0xE2 &&
                 (unsigned char)s[i] != 0x80 && (unsigned char)s[i] != 0x93)
            return false;
    }
    return digits > 0 && digits <= 12;
}

/* The bytes taken of a '[' at i. */
static size_t bracket(inl *x, size_t i)
{
    size_t end = label_end(x, i), behind = end + 1;
    if (!end) {
        tb_str_add(x->out, "[", 1);
        return 1;
    }
    const char *label = x->s + i + 1;
    const size_t len = end - i - 1;
    size_t target = at(x, behind) == '(' ? target_end(x, behind) : 0;
    if (!target && tb_front_is_tag(x->opts, label, len)) {
        tb_str_add(x->out, x->s + i, len + 2);
        return len + 2;
    }
    if (!target && citation(label, len)) {
        if (before(x, i) == '\n' && *label != '^') { /* the list of what is cited */
            tb_str_add(x->out, label, len);
            tb_str_add(x->out, ".", 1);
        } else {
            tb_front_trim(x->out);
        }
        return len + 2;
    }
    if (!target && at(x, behind) == '[') { /* "[words][3]" */
        size_t ref = label_end(x, behind);
        if (ref == behind + 1 || (ref && citation(x->s + behind + 1, ref - behind - 1)))
            target = ref + 1;
    }
    if (!target || x->n_open == OPEN_LINKS) {
        tb_str_add(x->out, "[", 1);
        return 1;
    }
    x->open[x->n_open].label_end = end;
    x->open[x->n_open++].target_end = target;
    return 1;
}

/* ---- emphasis, code ---- */

static size_t run_of(const inl *x, size_t i)
{
    size_t n = 1;
    while (at(x, i + n) == x->s[i])
        n++;
    return n;
}

/* Stars are for the eye, but for a product. */
static size_t stars(inl *x, size_t i)
{
    size_t n = run_of(x, i), left = i, right = i + n;
    while (left > 0 && x->s[left - 1] == ' ' && i - left < 2)
        left--;
    while (at(x, right) == ' ' && right - i - n < 2)
        right++;
    bool operands = (tb_front_digit(before(x, left)) || before(x, left) == ')') &&
                    (tb_front_digit(at(x, right)) || at(x, right) == '(');
    if (n == 1 && operands && (left < i) == (right > i + n)) tb_str_puts(x->out, "×");
    return n;
}

static size_t underscores(inl *x, size_t i)
{
    size_t n = run_of(x, i);
    if (wordy(before(x, i)) && wordy(at(x, i + n))) tb_str_add(x->out, " ", 1);
    return n;
}

/* "==words==" and "~~words~~" go, "a == b" and "~5" stay. */
static size_t pairs(inl *x, size_t i)
{
    size_t n = run_of(x, i);
    bool outside = wordy(before(x, i)), inside = wordy(at(x, i + n));
    if (n == 2 && (x->s[i] == '~' || outside != inside)) return n;
    if (n == 1 && x->s[i] == '~' && outside) return n; /* "H~2~O" */
    tb_str_add(x->out, x->s + i, n);
    return n;
}

static size_t code(inl *x, size_t i)
{
    size_t n = run_of(x, i), k = i + n;
    while (k < x->len && k < i + CODE_MAX) {
        size_t close = 0;
        while (at(x, k + close) == '`')
            close++;
        if (close == n) break;
        if (at(x, k) == '\n' && at(x, k + 1) == '\n') return n;
        k += close ? close : 1;
    }
    if (at(x, k) != '`') return n;
    for (size_t c = i + n; c < k; c++) {
        char sign = x->s[c];
        tb_str_add(x->out, strchr("[]_*", sign) ? " " : x->s + c, 1);
    }
    return k + n - i;
}

/* "x^2" is x². */
static size_t power(inl *x, size_t i)
{
    static const char *const digits[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    size_t n = 1, sign;
    bool braces = at(x, i + 1) == '{';
    n += braces;
    sign = at(x, i + n) == '-';
    size_t from = i + n + sign, k = from;
    while (tb_front_digit(at(x, k)) && k - from < 3)
        k++;
    if (k == from || !(wordy(before(x, i)) || before(x, i) == ')') || tb_front_digit(at(x, k)) ||
        (braces && at(x, k) != '}')) {
        tb_str_add(x->out, " ", 1);
        return 1;
    }
    if (sign) tb_str_puts(x->out, "⁻");
    for (size_t d = from; d < k; d++)
        tb_str_puts(x->out, digits[x->s[d] - '0']);
    return k + braces - i;
}

/* ---- what is made of keyboard characters ---- */

static const struct {
    const char *sign, *means;
} arrows[] = {{"<->", "↔"}, {"-->", "→"}, {"==>", "→"}, {"->", "→"},  {"=>", "→"}, {"<=", "≤"},
              {">=", "≥"},  {"!=", "≠"},  {"<-", "←"},  {"+/-", "±"}, {"--", "—"}};

static size_t keyboard_sign(inl *x, size_t i)
{
    for (size_t k = 0; k < sizeof arrows / sizeof *arrows; k++) {
        size_t n = strlen(arrows[k].sign);
        if (i + n > x->len || memcmp(x->s + i, arrows[k].sign, n) != 0) continue;
        if (x->s[i] == '<' && n == 2 && at(x, i + n) == '-') continue;
        if (strcmp(arrows[k].sign, "<-") == 0 && tb_front_digit(at(x, i + n))) continue;
        if (strcmp(arrows[k].sign, "--") == 0 &&
            !(gap(before(x, i)) ? gap(at(x, i + n)) : wordy(at(x, i + n)) && wordy(before(x, i))))
            continue;
        tb_str_puts(x->out, arrows[k].means);
        return n;
    }
    return 0;
}

/* A heart, not "n <3": at the end of what is said, or behind who loves. */
static bool is_heart(const inl *x, size_t i, size_t n)
{
    static const char *const lovers[] = {"i", "we", "you", "u", "love", "te", "os", "yo"};
    size_t end = i;
    while (end > 0 && gap(x->s[end - 1]))
        end--;
    size_t start = end;
    while (start > 0 && wordy(x->s[start - 1]))
        start--;
    for (size_t k = 0; k < sizeof lovers / sizeof *lovers; k++)
        if (end - start == strlen(lovers[k]) &&
            strncasecmp(x->s + start, lovers[k], end - start) == 0)
            return true;
    char behind = at(x, i + n);
    bool variable = end > start && end - start <= 2;
    return !variable && (behind == 0 || behind == '\n' || behind == '!');
}

/* ":-)", ";)", "<3", ":tada:" between blanks: as silent as the pictures that they stand for. */
static size_t face(const inl *x, size_t i)
{
    static const char *const faces[] = {":-)", ":)",  ";-)", ";)",  ":-(", ":(",  ":-D",
                                        ":D",  ":-P", ":P",  ":-p", ":p",  ":'(", "<3",
                                        ":-/", ":-|", ":-O", ":O",  ":o",  "XD",  "xD",
                                        "^^",  "^_^", "-_-", ":*",  ":-*", "=)",  "</3"};
    if (!gap(before(x, i)) && before(x, i) != '.' && before(x, i) != '!') return 0;
    for (size_t k = 0; k < sizeof faces / sizeof *faces; k++) {
        size_t n = strlen(faces[k]);
        if (i + n > x->len || memcmp(x->s + i, faces[k], n) != 0) continue;
        char behind = at(x, i + n);
        if (strcmp(faces[k], "<3") == 0 && !is_heart(x, i, n)) return 0;
        if (gap(behind) || strchr(".,!?", behind)) return n;
    }
    if (x->s[i] != ':' || !tb_front_letter(at(x, i + 1))) return 0;
    for (size_t k = i + 1; k < x->len && k < i + 40; k++) {
        if (x->s[k] == ':') return gap(at(x, k + 1)) || at(x, k + 1) == ':' ? k + 1 - i : 0;
        if (!wordy(x->s[k]) && x->s[k] != '_' && x->s[k] != '-' && x->s[k] != '+') return 0;
    }
    return 0;
}

/* A blank in front of what went, and behind it, are one. */
static void close_gap(inl *x, size_t behind)
{
    char next = at(x, behind);
    if (next == ' ' || next == '\n' || next == 0 || strchr(".,!?", next)) tb_front_trim(x->out);
}

static size_t hash(inl *x, size_t i)
{
    /* "#A1-2345" is a number */
    bool number = at(x, i + 1) >= 'A' && at(x, i + 1) <= 'Z' && tb_front_digit(at(x, i + 2));
    if (number)
        tb_str_puts(x->out, tb_front_speaks(x->opts, "es")   ? "número "
                            : tb_front_speaks(x->opts, "en") ? "number "
                                                             : "#");
    else if (gap(before(x, i)) && wordy(at(x, i + 1)) && !tb_front_digit(at(x, i + 1)))
        tb_str_puts(x->out, "hashtag ");
    else
        tb_str_add(x->out, "#", 1);
    return 1;
}

static size_t bar(inl *x, size_t i)
{
    size_t n = run_of(x, i);
    if (n == 1 && gap(before(x, i)) && gap(at(x, i + 1))) {
        tb_front_trim(x->out);
        tb_str_add(x->out, ",", 1);
    } else if (n == 1) {
        tb_str_add(x->out, "|", 1);
    }
    return n;
}

static size_t one(inl *x, size_t i)
{
    size_t n = face(x, i);
    if (n) {
        close_gap(x, i + n);
        bool starts = x->out->len == 0 || x->out->data[x->out->len - 1] == '\n';
        return starts && at(x, i + n) == ' ' ? n + 1 : n;
    }
    switch (x->s[i]) {
    case '[':
        return bracket(x, i);
    case '!':
        if (at(x, i + 1) == '[' && label_end(x, i + 1)) {
            size_t open = x->n_open;
            size_t taken = bracket(x, i + 1);
            if (x->n_open > open || taken > 1) return 1 + taken;
            x->out->data[--x->out->len] = 0; /* the bracket: it is read again below */
        }
        break;
    case '*':
        return stars(x, i);
    case '_':
        return underscores(x, i);
    case '~':
        return pairs(x, i);
    case '`':
        return code(x, i);
    case '^':
        return power(x, i);
    case '#':
        return hash(x, i);
    case '|':
        return bar(x, i);
    case '\\':
        if (at(x, i + 1) && strchr("\\`*_{}[]()#+-.!|~>$", at(x, i + 1))) {
            if (!strchr("*_`[]", at(x, i + 1))) tb_str_add(x->out, x->s + i + 1, 1);
            return 2;
        }
        break;
    default:
        break;
    }
    n = strchr("<-=>!+", x->s[i]) ? keyboard_sign(x, i) : 0;
    if (!n && x->s[i] == '=') n = pairs(x, i);
    if (!n) tb_str_add(x->out, x->s + i, n = 1);
    return n;
}

void tb_front_inline(const char *text, size_t len, const tb_front_opts *opts, tb_str *out)
{
    inl x = {.s = text, .len = len, .opts = opts, .out = out};
    for (size_t i = 0; i < len && !out->full;) {
        size_t n = 0;
        if (x.n_open && i == x.open[x.n_open - 1].label_end) {
            i = x.open[--x.n_open].target_end;
            continue;
        }
        bool starts = !wordy(before(&x, i)) && before(&x, i) != '@' && before(&x, i) != '.';
        if (starts && (tb_front_letter(text[i]) || tb_front_digit(text[i]))) {
            size_t most = x.n_open ? x.open[x.n_open - 1].label_end : len;
            n = tb_front_address(text + i, most - i, opts, out);
        }
        if (n == 0) n = one(&x, i);
        i += n;
    }
}
