/*
 * A slash between words: "he/she", "niño/a", "and/or", and one with blanks around, which is a pause
 * (lines of a poem). Between other words it is left to the speech program, which names it.
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
    if (!tb_spell_letter(cp) || tb_utf8_is_word(before) || before == '/') return 0;
    n = pair(sp, i);
    return n ? n : both_genders(sp, i);
}
