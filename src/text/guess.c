#include "text/guess.h"

#include "base/utf8.h"
#include "text/guess_priv.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

/*
 * Two questions. Which script has most of the letters: if it is not Latin, it is the language, with
 * a look at the letters that only some languages of a script have. Else, which language's frequent
 * words, letters and endings are there: a word that one language has counts four, one that several
 * have is shared. The best must be well ahead of the language in which the text would be read
 * anyway, because a wrong guess is worse than none; among the others the nearest relative will do.
 */

enum {
    READ_MOST = 16384,   /* bytes looked at */
    BRACKET_MOST = 80,   /* a longer one is text */
    WORD_MOST = 24,      /* plain letters of a word */
    HASH = 8192,         /* places; about 2000 are used */
    ENOUGH = 800,        /* two words that the usual language has not */
    ENOUGH_OF_FEW = 600, /* in a text of six words or less */
    SHORT = 3,           /* words: one is enough, if half of all are known */
    LONG = 4,            /* letters */
    POINTS = 400,        /* of a word that is in one list */
    LETTER_POINTS = 300, /* of a word with a letter of one language */
    ENDING_POINTS = 200,
};

typedef struct {
    const char *word; /* in a list: not terminated */
    uint8_t len;
    uint32_t languages;
} entry;

static entry table[HASH];
static pthread_once_t filled = PTHREAD_ONCE_INIT;

static entry *place(const char *word, size_t len)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)word[i]) * 16777619u;
    entry *e = &table[h % HASH];
    while (e->word && !(e->len == len && memcmp(e->word, word, len) == 0))
        e = e == &table[HASH - 1] ? table : e + 1;
    return e;
}

static void fill(void)
{
    for (unsigned k = 0; k < TB_GUESS_LATIN; k++)
        for (const char *p = tb_guess_lists[k].words; *p;) {
            size_t len = strcspn(p, " ");
            entry *e = place(p, len);
            *e = (entry){p, (uint8_t)len, e->languages | 1u << k};
            p += len + (p[len] == ' ');
        }
}

/* ---- scripts ---- */

typedef struct {
    uint32_t first, last;
    const char *code; /* NULL: Latin */
    bool dense;       /* one sign is a syllable or a word */
} script;

static const script scripts[] = {
    {0x41, 0x24F, NULL, false},    {0x370, 0x3FF, "el", false},   {0x400, 0x52F, "ru", false},
    {0x531, 0x58F, "hy", false},   {0x5D0, 0x5F4, "he", false},   {0x620, 0x6FF, "ar", false},
    {0x750, 0x77F, "ar", false},   {0x900, 0x97F, "hi", false},   {0x980, 0x9FF, "bn", false},
    {0xA00, 0xA7F, "pa", false},   {0xA80, 0xAFF, "gu", false},   {0xB00, 0xB7F, "or", false},
    {0xB80, 0xBFF, "ta", false},   {0xC00, 0xC7F, "te", false},   {0xC80, 0xCFF, "kn", false},
    {0xD00, 0xD7F, "ml", false},   {0xD80, 0xDFF, "si", false},   {0xE01, 0xE7F, "th", false},
    {0x1000, 0x109F, "my", false}, {0x10A0, 0x10FF, "ka", false}, {0x1100, 0x11FF, "ko", true},
    {0x1200, 0x139F, "am", true},  {0x13A0, 0x13FF, "chr", true}, {0x1C90, 0x1CBF, "ka", false},
    {0x1E00, 0x1EFF, NULL, false}, {0x1F00, 0x1FFF, "el", false}, {0x3040, 0x30FF, "ja", true},
    {0x3400, 0x4DBF, "cmn", true}, {0x4E00, 0x9FFF, "cmn", true}, {0xAC00, 0xD7A3, "ko", true},
    {0xF900, 0xFAFF, "cmn", true}, {0xFF66, 0xFF9D, "ja", true},
};

enum { SCRIPTS = sizeof scripts / sizeof scripts[0] };

static int script_of(uint32_t cp)
{
    for (int i = 0; i < SCRIPTS && cp >= scripts[i].first; i++)
        if (cp <= scripts[i].last) return i;
    return -1;
}

/* Letters by which a language is told from the first one of its script; the first row that is
 * there often enough wins. */
static const struct {
    const char *of, *code;
    uint32_t letters[8];
} relatives[] = {
    {"ru", "kk", {0x4D9, 0x493, 0x49B, 0x4A3, 0x4E9, 0x4B1, 0x4AF}},
    {"ru", "mk", {0x453, 0x45C, 0x455}},
    {"ru", "sr", {0x458, 0x459, 0x45A, 0x452, 0x45B, 0x45F}},
    {"ru", "be", {0x45E}},
    {"ru", "uk", {0x454, 0x456, 0x457, 0x491}},
    {"ar", "ur", {0x679, 0x688, 0x691, 0x6BA, 0x6D2, 0x6BE}},
    {"ar", "fa", {0x67E, 0x686, 0x698, 0x6AF, 0x6A9, 0x6CC}},
    {"hi", "mr", {0x933}},
    {"bn", "as", {0x9F0, 0x9F1}},
    {"cmn", "yue", {0x5605, 0x5497, 0x5514, 0x55BA, 0x5187, 0x54CB, 0x4F62}},
};

enum { RELATIVES = sizeof relatives / sizeof relatives[0] };

/* ---- counting ---- */

typedef struct {
    size_t scripts[SCRIPTS], relatives[RELATIVES];
    size_t hard_signs, y_or_e; /* Cyrillic: many of these and none of those is Bulgarian */
    int usual;                 /* the language to be ahead of, -1: none of ours */
    size_t words, known[TB_GUESS_LATIN], long_known[TB_GUESS_LATIN];
    double score[TB_GUESS_LATIN];  /* shared between languages: which of them is it? */
    double ahead[TB_GUESS_LATIN];  /* in full, for what `usual` has not: is it not the usual one? */
    double behind[TB_GUESS_LATIN]; /* for what only `usual` has */
} tally;

static bool has(uint32_t languages, int k)
{
    return k >= 0 && ((languages >> k) & 1);
}

static void share(tally *t, uint32_t languages, double points)
{
    const bool usual = has(languages, t->usual);
    int n = 0;
    for (int k = 0; k < TB_GUESS_LATIN; k++)
        n += has(languages, k);
    for (int k = 0; k < TB_GUESS_LATIN; k++) {
        const bool its = has(languages, k);
        if (its) t->score[k] += points / n;
        if (its && !usual) t->ahead[k] += points;
        if (!its && usual) t->behind[k] += points;
    }
}

static uint32_t ending_of(const char *word, size_t len)
{
    for (size_t i = 0; i < tb_guess_endings_n; i++) {
        size_t n = strlen(tb_guess_endings[i].ending);
        if (len >= n + 2 && memcmp(word + len - n, tb_guess_endings[i].ending, n) == 0)
            return tb_guess_endings[i].languages;
    }
    return 0;
}

typedef struct {
    char plain[WORD_MOST + 4];
    size_t len;
    uint32_t last;              /* letter, for an accent that comes as a character of its own */
    uint32_t letters;           /* languages that have all its letters */
    char before[WORD_MOST + 4]; /* the word in front: said again, it tells nothing more */
    size_t before_len;
    bool special, spoilt;
} word;

static void end_word(tally *t, word *w)
{
    const bool again = w->len > 0 && w->len == w->before_len && !w->spoilt &&
                       memcmp(w->plain, w->before, w->len) == 0;
    if (w->len > 0 && !w->spoilt && !again) {
        const uint32_t all = (1u << TB_GUESS_LATIN) - 1;
        uint32_t languages = place(w->plain, w->len)->languages;
        t->words++;
        for (int k = 0; k < TB_GUESS_LATIN; k++)
            if (has(languages, k)) t->known[k]++, t->long_known[k] += w->len >= LONG;
        if (w->special && w->letters && !has(languages, t->usual)) { /* "café" is English, too */
            share(t, w->letters, LETTER_POINTS);
            if (languages & w->letters) languages &= w->letters;
        }
        /* A single letter is in every list by chance. */
        if (languages)
            share(t, languages, w->len == 1 ? POINTS / 4 : POINTS);
        else if (w->len >= 6)
            share(t, ending_of(w->plain, w->len) & (w->letters ? w->letters : all), ENDING_POINTS);
    }
    word next = {.letters = (1u << TB_GUESS_LATIN) - 1};
    next.before_len = w->len && !w->spoilt ? w->len : w->before_len;
    memcpy(next.before, w->len && !w->spoilt ? w->plain : w->before, sizeof next.before);
    *w = next;
}

static uint32_t languages_with(uint32_t cp)
{
    for (size_t i = 0; i < tb_guess_letters_n; i++)
        if (tb_guess_letters[i].cp == cp) return tb_guess_letters[i].languages;
    return 0;
}

/* The letter that `last` and a combining accent make; 0 for those that tell nothing. */
static uint32_t composed(uint32_t last, uint32_t accent)
{
    static const struct {
        char base;
        uint32_t accent, made;
    } all[] = {
        {'n', 0x303, 0xF1}, {'a', 0x303, 0xE3}, {'o', 0x303, 0xF5}, {'a', 0x301, 0xE1},
        {'e', 0x301, 0xE9}, {'i', 0x301, 0xED}, {'o', 0x301, 0xF3}, {'u', 0x301, 0xFA},
        {'a', 0x300, 0xE0}, {'e', 0x300, 0xE8}, {'i', 0x300, 0xEC}, {'o', 0x300, 0xF2},
        {'u', 0x300, 0xF9}, {'c', 0x327, 0xE7}, {'a', 0x308, 0xE4}, {'o', 0x308, 0xF6},
        {'u', 0x308, 0xFC}, {'e', 0x302, 0xEA}, {'a', 0x302, 0xE2}, {'o', 0x302, 0xF4},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if ((uint32_t)all[i].base == last && all[i].accent == accent) return all[i].made;
    return 0;
}

static uint32_t plain_letter(uint32_t cp)
{
    if (cp == 0x218 || cp == 0x219) return 's';
    if (cp == 0x21A || cp == 0x21B) return 't';
    return tb_utf8_plain(cp);
}

static void add_letter(word *w, uint32_t cp)
{
    uint32_t with = languages_with(cp), plain = plain_letter(cp);
    if (with || cp >= 0x80) { /* what is in no list rules all of them out */
        w->special = true;
        w->letters &= with;
    }
    w->last = cp;
    if (cp == 0xDF || cp == 0xE6 || cp == 0x153) { /* two letters of the plain alphabet */
        static const char pairs[] = "ssaeoe";
        const char *pair = pairs + (cp == 0xDF ? 0 : cp == 0xE6 ? 2 : 4);
        if (w->len + 2 <= WORD_MOST) memcpy(w->plain + w->len, pair, 2);
        w->len += 2;
    } else {
        if (w->len < WORD_MOST) w->plain[w->len] = (char)plain;
        w->len++;
    }
    if (plain >= 0x80 || w->len > WORD_MOST) w->spoilt = true;
}

static void count_foreign(tally *t, uint32_t cp)
{
    for (size_t r = 0; r < RELATIVES; r++)
        for (size_t k = 0; k < 8 && relatives[r].letters[k]; k++)
            t->relatives[r] += relatives[r].letters[k] == cp;
    t->hard_signs += cp == 0x44A;
    t->y_or_e += cp == 0x44B || cp == 0x44D || cp == 0x451;
}

static void count_character(tally *t, word *w, uint32_t cp)
{
    if (cp >= 0x300 && cp <= 0x36F) {
        uint32_t made = composed(w->last, cp), with = made ? languages_with(made) : 0;
        if (with) {
            w->special = true;
            w->letters &= with;
        }
        return;
    }
    cp = tb_utf8_fold(cp);
    int s = tb_utf8_is_word(cp) && !(cp >= '0' && cp <= '9') ? script_of(cp) : -1;
    if (s >= 0) t->scripts[s]++;
    if (s >= 0 && !scripts[s].code && cp != 0xAA && cp != 0xB5 && cp != 0xBA) {
        add_letter(w, cp);
        return;
    }
    if (s >= 0) count_foreign(t, cp);
    if (cp >= '0' && cp <= '9') w->spoilt = true; /* of "4x", "mp3" */
    if (cp == 0xA1 || cp == 0xBF) share(t, languages_with(cp), POINTS);
    if (!(cp >= '0' && cp <= '9')) end_word(t, w);
}

/* ---- what is no text ---- */

static size_t bracket(const char *text, size_t left, char close)
{
    const size_t most = left < BRACKET_MOST ? left : BRACKET_MOST;
    const char *end = memchr(text, close, most);
    return end ? (size_t)(end - text) + 1 : 0;
}

static bool blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Length of an address that stands at a word's beginning; 0 for a word. */
static size_t address(const char *text, size_t left)
{
    size_t n = 0;
    bool is = left > 4 && memcmp(text, "www.", 4) == 0;
    for (; n < left && !blank(text[n]); n++)
        is = is || text[n] == '@' || (left - n > 3 && memcmp(text + n, "://", 3) == 0);
    return is ? n : 0;
}

static void count(tally *t, const char *text, size_t len)
{
    word w = {0};
    size_t n;
    end_word(t, &w);
    for (size_t i = 0; i < len; i += n) {
        n = 0;
        if (i == 0 || blank(text[i - 1])) n = address(text + i, len - i);
        if (n == 0 && text[i] == '[') n = bracket(text + i, len - i, ']');
        if (n == 0 && text[i] == '<') n = bracket(text + i, len - i, '>');
        if (n > 0) {
            end_word(t, &w);
            continue;
        }
        uint32_t cp = tb_utf8_next(text + i, len - i, &n);
        count_character(t, &w, cp == TB_UTF8_BAD ? ' ' : cp);
    }
    end_word(t, &w);
}

/* ---- judging ---- */

/* The code of the script that most letters belong to; NULL: Latin, or none. */
static const char *by_script(const tally *t)
{
    size_t latin = 0, most = 0, all = 0;
    const char *code = NULL;
    for (int i = 0; i < SCRIPTS; i++) {
        size_t n = 0;
        if (!scripts[i].code) latin += t->scripts[i];
        /* A script of several rows is counted at its first. */
        for (int k = 0; scripts[i].code && k < SCRIPTS; k++)
            if (scripts[k].code && strcmp(scripts[k].code, scripts[i].code) == 0)
                n += t->scripts[k] * (scripts[k].dense ? 2 : 1);
        all += scripts[i].code ? t->scripts[i] * (scripts[i].dense ? 2 : 1) : 0;
        if (n > most) most = n, code = scripts[i].code;
    }
    if (all < 2 || all <= latin) return NULL;
    /* Japanese is written with Chinese signs, but not without its own. */
    for (int i = 0; i < SCRIPTS; i++)
        if (strcmp(code, "cmn") == 0 && scripts[i].code && strcmp(scripts[i].code, "ja") == 0 &&
            t->scripts[i] * 20 > most / 2)
            code = "ja";
    for (size_t r = 0; r < RELATIVES; r++)
        if (strcmp(relatives[r].of, code) == 0 && t->relatives[r] > 0 &&
            t->relatives[r] * 100 > most)
            return relatives[r].code;
    if (strcmp(code, "ru") == 0 && t->hard_signs >= 2 && t->y_or_e == 0 &&
        t->hard_signs * 150 > most)
        return "bg";
    return code;
}

static const char *by_words(const tally *t)
{
    int k = -1;
    for (int i = 0; i < TB_GUESS_LATIN; i++)
        if (i != t->usual && (k < 0 || t->score[i] > t->score[k])) k = i;
    /* "Hola.", "Merci!", "Me llamo Ana", but not "EU". */
    const bool few_known = t->words <= SHORT && t->known[k] * 2 >= t->words &&
                           t->long_known[k] > 0 && t->ahead[k] >= POINTS;
    const double enough = t->words <= 2 * SHORT ? ENOUGH_OF_FEW : ENOUGH;
    if (few_known && t->behind[k] < 1) return tb_guess_lists[k].code;
    if (t->ahead[k] < enough || t->ahead[k] < 2 * t->behind[k] + POINTS / 2) return NULL;
    return t->known[k] * 5 < t->words ? NULL : tb_guess_lists[k].code;
}

const char *tb_guess_language(const char *text, const char *usual)
{
    tally t = {.usual = -1};
    size_t len = strnlen(text, READ_MOST), code_len = strcspn(usual, "-");
    pthread_once(&filled, fill);
    for (int k = 0; k < TB_GUESS_LATIN; k++)
        if (strlen(tb_guess_lists[k].code) == code_len &&
            memcmp(tb_guess_lists[k].code, usual, code_len) == 0)
            t.usual = k;
    count(&t, text, len);
    const char *code = by_script(&t);
    if (code && strlen(code) == code_len && memcmp(code, usual, code_len) == 0) return NULL;
    return code ? code : by_words(&t);
}
