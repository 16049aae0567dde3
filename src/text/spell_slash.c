/*
 * What joins words. The point of a file's name: "report.pdf". A slash between words: "he/she",
 * "niño/a", "and/or", and one with blanks around, which is a pause (lines of a poem). Between other
 * words it is left to the speech program, which names it.
 */
#include "base/utf8.h"
#include "text/spell_rules_priv.h"

#include <string.h>

/* clang-format off */
static const struct {
    const char *written, *said;
} pairs_en[] = {
    {"and/or", "and or"}, {"he/she", "he or she"}, {"she/he", "she or he"}, {"him/her", "him or her"},
    {"his/her", "his or her"}, {"his/hers", "his or hers"}, {"her/his", "her or his"}, {"s/he", "he or she"},
    {"himself/herself", "himself or herself"}, {"yes/no", "yes or no"}, {"true/false", "true or false"},
    {"either/or", "either or"}, {"on/off", "on off"}, {"am/pm", "A M or P M"},
}, pairs_es[] = {
    {"y/o", "y o"}, {"él/ella", "él o ella"}, {"ellos/ellas", "ellos o ellas"}, {"sí/no", "sí o no"},
    {"el/la", "el o la"}, {"los/las", "los o las"}, {"un/una", "un o una"}, {"los/as", "los o las"},
    {"unos/as", "unos o unas"}, {"o/y", "o y"},
};
/* clang-format on */

static size_t pair(tb_speller *sp, size_t i)
{
    const bool es = sp->kind == TB_SPELL_ES;
    size_t count = es ? sizeof pairs_es / sizeof *pairs_es : sizeof pairs_en / sizeof *pairs_en;
    for (size_t k = 0; k < count; k++) {
        const char *written = es ? pairs_es[k].written : pairs_en[k].written;
        size_t n = strlen(written);
        char c = i < sp->len ? sp->s[i] : 0;
        if (c != written[0] && c != written[0] - 32) continue;
        if (n > sp->len - i || memcmp(sp->s + i + 1, written + 1, n - 1) != 0) continue;
        if (!tb_spell_ends(sp, i + n) || (i + n < sp->len && sp->s[i + n] == '/')) continue;
        tb_spell_say(sp, es ? pairs_es[k].said : pairs_en[k].said);
        return n;
    }
    return 0;
}

/* niño/a, profesores/as: the second form is the first with the other ending. */
static size_t both_genders(tb_speller *sp, size_t i)
{
    char word[TB_SPELL_WORD + 8];
    size_t end = tb_spell_word_end(sp, i), n = end - i;
    if (sp->kind != TB_SPELL_ES || n < 3 || n > TB_SPELL_WORD) return 0;
    bool many = tb_spell_starts(sp, end, "/as");
    size_t behind = end + (many ? 3 : 2);
    if ((!many && !tb_spell_starts(sp, end, "/a")) || !tb_spell_ends(sp, behind)) return 0;
    memcpy(word, sp->s + i, n);
    word[n] = 0;
    char last = word[n - 1], before = word[n - 2];
    if (many && last == 's' && before == 'o')
        word[n - 2] = 'a';
    else if (many && last == 's' && before == 'e')
        memcpy(word + n - 2, "as", 3);
    else if (!many && last == 'o')
        word[n - 1] = 'a';
    else if (!many && strchr("rnlsz", last))
        memcpy(word + n, "a", 2);
    else
        return 0;
    tb_spell_copy(sp, i, n);
    sp->apart = true;
    tb_spell_say(sp, "o");
    tb_spell_say(sp, word);
    return behind - i;
}

/* ".pdf" at i, behind a name. */
static size_t extension(tb_speller *sp, size_t i)
{
    static const char known[] = " pdf doc docx xls xlsx ppt pptx txt csv zip rar gz tar jpg jpeg "
                                "png gif svg webp mp exe dmg "
                                "iso py js ts json xml html htm css yaml yml md sh sql cpp wav "
                                "flac ogg avi mkv psd dll log "
                                "apk epub srt odt ";
    char word[TB_SPELL_WORD + 1];
    size_t end = tb_spell_next_word(sp, i + 1, word);
    if (!*word || tb_spell_skip(sp, i + 1) != i + 1 || !tb_spell_in(word, known)) return 0;
    if (tb_spell_capital((unsigned char)sp->s[i + 1]) &&
        !tb_spell_capital((unsigned char)sp->s[i + 2]))
        return 0;                          /* "ran.Log in" */
    bool number = strcmp(word, "mp") == 0; /* .mp3, .mp4 */
    if (number != tb_spell_digit(sp, end) || !tb_spell_ends(sp, end + number)) return 0;
    tb_spell_say(sp, sp->kind == TB_SPELL_ES ? "punto" : "dot");
    tb_spell_copy(sp, i + 1, end - i - 1);
    sp->apart = true;
    return end - i;
}

/* The slash of "7 days/wk" at i, behind what a number counts. */
static size_t per(tb_speller *sp, size_t i)
{
    static const struct {
        const char *written, *said;
    } en[] = {{"wk", "week"},    {"week", "week"}, {"mo", "month"},    {"month", "month"},
              {"yr", "year"},    {"year", "year"}, {"day", "day"},     {"hr", "hour"},
              {"hour", "hour"},  {"h", "hour"},    {"night", "night"}, {"person", "person"},
              {"min", "minute"}, {"s", "second"}},
      es[] = {{"sem", "semana"},
              {"semana", "semana"},
              {"mes", "mes"},
              {"a\xC3\xB1o", "a\xC3\xB1o"},
              {"d\xC3\xAD"
               "a",
               "d\xC3\xAD"
               "a"},
              {"h", "hora"},
              {"hora", "hora"},
              {"noche", "noche"},
              {"persona", "persona"},
              {"pers", "persona"},
              {"min", "minuto"},
              {"s", "segundo"}};
    const bool spanish = sp->kind == TB_SPELL_ES;
    char word[TB_SPELL_WORD + 1];
    size_t start = tb_spell_prev_word(sp, i, word), end = tb_spell_word_end(sp, i + 1);
    size_t digit = start > 0 && sp->s[start - 1] == ' ' ? start - 1 : start;
    if (digit == 0 || !tb_spell_digit(sp, digit - 1)) return 0;
    size_t count = spanish ? sizeof es / sizeof *es : sizeof en / sizeof *en;
    for (size_t k = 0; k < count; k++) {
        const char *written = spanish ? es[k].written : en[k].written;
        if (end - i - 1 != strlen(written) || !tb_spell_starts(sp, i + 1, written)) continue;
        tb_spell_say(sp, spanish ? "por" : "per");
        tb_spell_say(sp, spanish ? es[k].said : en[k].said);
        return end - i;
    }
    return 0;
}

size_t tb_spell_slash(tb_speller *sp, size_t i)
{
    size_t n, size;
    uint32_t before = tb_spell_before(sp, i), cp = tb_spell_at(sp, i, &n);
    if (cp == '/' && before == ' ' && tb_spell_at(sp, i + 1, &size) == ' ') {
        while (sp->out->len > 0 && sp->out->data[sp->out->len - 1] == ' ')
            sp->out->data[--sp->out->len] = 0;
        tb_str_puts(sp->out, ",");
        sp->apart = false;
        return 1;
    }
    if (cp == '.' && tb_utf8_is_word(before)) return extension(sp, i);
    if (cp == '/' && tb_spell_letter(before)) return per(sp, i);
    if (cp == '/' && before >= '0' && before <= '9' && tb_spell_starts(sp, i + 1, "$") &&
        tb_spell_digit(sp, i + 2)) { /* 2/$5 */
        tb_spell_say(sp, sp->kind == TB_SPELL_ES ? "por" : "for");
        return 1;
    }
    if (!tb_spell_letter(cp) || tb_utf8_is_word(before) || before == '/') return 0;
    if (tb_spell_starts(sp, i, "f/") && tb_spell_digit(sp, i + 2)) { /* f/2.8 */
        tb_spell_copy(sp, i, 1);
        sp->apart = true;
        return 2;
    }
    n = pair(sp, i);
    return n ? n : both_genders(sp, i);
}
