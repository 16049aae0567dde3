#include "text/front_priv.h"

#include <string.h>

/*
 * Addresses said shortly: of a link only the host ("https://www.example.org/a?b=c" is "example dot
 * org"), of a mail address every part. The words are those of the language; in one that is not in
 * the table the address is left to the engine, cut as well.
 */

enum { LINK_MAX = 2048, LOCAL_MAX = 64, HOST_MAX = 253 };

typedef struct {
    const char *language, *dot, *at, *dash, *underscore, *plus;
} words;

static const words tongues[] = {
    {"en", "dot", "at", "dash", "underscore", "plus"},
    {"es", "punto", "arroba", "guion", "guion bajo", "más"},
    {"de", "Punkt", "ätt", "Strich", "Unterstrich", "plus"},
    {"fr", "point", "arobase", "tiret", "tiret bas", "plus"},
    {"it", "punto", "chiocciola", "trattino", "trattino basso", "più"},
    {"pt", "ponto", "arroba", "hífen", "sublinhado", "mais"},
    {"nl", "punt", "apenstaartje", "streepje", "laag streepje", "plus"},
    {"ca", "punt", "arrova", "guionet", "guió baix", "més"},
    {"pl", "kropka", "małpa", "myślnik", "podkreślnik", "plus"},
};

/* Ends of names that are addresses even without "https" or "www". */
static const char known_ends[] =
    " com org net edu gov mil int info io dev app ai es mx ar cl uk de "
    "fr it pt br eu us ca au nl ch at be jp cn in tv ";

static bool is_known_end(const char *s, size_t len)
{
    char word[12] = " ";
    if (len == 0 || len > sizeof word - 3) return false;
    memcpy(word + 1, s, len);
    word[len + 1] = ' ';
    word[len + 2] = 0;
    return strstr(known_ends, word) != NULL;
}

static bool host_char(char c)
{
    return tb_front_letter(c) || tb_front_digit(c) || c == '-' || ((unsigned char)c & 0x80);
}

/* Bytes of a host name at s: labels with points between them. *labels counts them, *last is where
 * the last begins. */
static size_t host_len(const char *s, size_t len, size_t *labels, size_t *last)
{
    size_t i = 0;
    *labels = 0;
    *last = 0;
    while (i < len && i < HOST_MAX) {
        size_t start = i;
        while (i < len && i < HOST_MAX && host_char(s[i]))
            i++;
        if (i == start) break;
        *last = start;
        ++*labels;
        if (i + 1 < len && s[i] == '.' && host_char(s[i + 1]))
            i++;
        else
            break;
    }
    return i;
}

/* Bytes of what follows a host: port, path, query. Marks at its end belong to the sentence. */
static size_t path_len(const char *s, size_t len)
{
    size_t i = 0;
    int depth = 0;
    if (len == 0 || !strchr("/:?#", *s) || (*s == ':' && (len < 2 || !tb_front_digit(s[1]))))
        return 0;
    while (i < len && i < LINK_MAX && !tb_front_blank(s[i]) && !strchr("<>\"[]`|", s[i])) {
        if (s[i] == '(') depth++;
        if (s[i] == ')' && --depth < 0) break;
        i++;
    }
    while (i > 0 && strchr(".,;:!?'*_", s[i - 1]))
        i--;
    return i;
}

/* English: the end of an address that is no word ("uk") by its letters; its bytes, 0 none. */
static size_t spelled_end(const char *s, size_t len, const tb_front_opts *opts, tb_str *out)
{
    static const char ends[] = " uk us eu ai tv jp cn mx br io nz cz ";
    char word[] = {' ', 0, 0, ' ', 0};
    if (len != 3 || *s != '.' || !tb_front_speaks(opts, "en")) return 0;
    word[1] = (char)(s[1] | 0x20);
    word[2] = (char)(s[2] | 0x20);
    if (!strstr(ends, word)) return 0;
    tb_str_printf(out, " dot %c %c", word[1] & ~0x20, word[2] & ~0x20);
    return len;
}

/* Says the bytes of a host or a local part, its signs as words. */
static void say(const char *s, size_t len, const tb_front_opts *opts, const words *w, tb_str *out)
{
    for (size_t i = 0; i < len; i++) {
        if (spelled_end(s + i, len - i, opts, out)) break;
        const char *word = !w            ? NULL
                           : s[i] == '.' ? w->dot
                           : s[i] == '_' ? w->underscore
                           : s[i] == '-' ? w->dash
                           : s[i] == '+' ? w->plus
                           : s[i] == '@' ? w->at
                                         : NULL;
        if (word)
            tb_str_printf(out, " %s ", word);
        else
            tb_str_add(out, s + i, 1);
    }
}

static const words *find_words(const tb_front_opts *opts)
{
    for (size_t i = 0; i < sizeof tongues / sizeof *tongues; i++)
        if (tb_front_speaks(opts, tongues[i].language)) return &tongues[i];
    return NULL;
}

static bool begins(const char *s, size_t len, const char *lower)
{
    size_t n = strlen(lower);
    if (len < n) return false;
    for (size_t i = 0; i < n; i++)
        if ((s[i] | 0x20) != (lower[i] | 0x20)) return false;
    return true;
}

static size_t mail(const char *s, size_t len, const tb_front_opts *opts, tb_str *out)
{
    size_t i = begins(s, len, "mailto:") ? 7 : 0, from = i, labels, last;
    while (i < len && i - from < LOCAL_MAX &&
           (tb_front_letter(s[i]) || tb_front_digit(s[i]) || strchr("._%+-", s[i])))
        i++;
    if (i == from || i >= len || s[i] != '@') return 0;
    size_t host = host_len(s + i + 1, len - i - 1, &labels, &last);
    if (labels < 2) return 0;
    say(s + from, i + 1 + host - from, opts, find_words(opts), out);
    size_t end = i + 1 + host;
    if (from && end < len && s[end] == '?') end += path_len(s + end, len - end);
    return end;
}

size_t tb_front_address(const char *s, size_t len, const tb_front_opts *opts, tb_str *out)
{
    static const char *const schemes[] = {"https://", "http://", "ftp://", "ftps://", "sftp://",
                                          "ssh://",   "git://",  "ws://",  "wss://"};
    size_t labels, last, i = 0;
    size_t n = mail(s, len, opts, out);
    if (n) return n;
    for (size_t k = 0; k < sizeof schemes / sizeof *schemes && i == 0; k++)
        if (begins(s, len, schemes[k])) i = strlen(schemes[k]);
    bool linked = i > 0;
    for (size_t k = i; linked && k < len && k < i + LOCAL_MAX && !strchr("/ \n", s[k]); k++)
        if (s[k] == '@') i = k + 1; /* user:password@ */
    if (begins(s + i, len - i, "www.")) {
        linked = true;
        i += 4;
    }
    size_t host = host_len(s + i, len - i, &labels, &last);
    if (host == 0) return 0;
    if (!linked) {
        if (labels < 2 || !is_known_end(s + i + last, host - last)) return 0;
        if (i + host < len && (s[i + host] == '@' || s[i + host] == '_')) return 0;
    }
    say(s + i, host, opts, find_words(opts), out);
    i += host;
    return i + path_len(s + i, len - i);
}
