#ifndef TB_TEXT_SPELL_OTHER_PRIV_H
#define TB_TEXT_SPELL_OTHER_PRIV_H

#include "text/spell_rules_priv.h"

/* How a language makes forms for numbers: of "one|few|many". */
typedef enum {
    TB_PLURAL_NONE,
    TB_PLURAL_ONE,         /* 1; else */
    TB_PLURAL_FRENCH,      /* below 2; else */
    TB_PLURAL_ENDS_IN_ONE, /* 1, 21, 31; else */
    TB_PLURAL_RUSSIAN,     /* 1, 21; 2 to 4, 22 to 24; else */
    TB_PLURAL_POLISH,      /* 1; 2 to 4, 22 to 24; else */
    TB_PLURAL_CZECH,       /* 1; 2 to 4; else */
    TB_PLURAL_SLOVENE,     /* 1, 101; 2, 102; 3 and 4; else */
    TB_PLURAL_ROMANIAN,    /* 1; 2 to 19; else */
    TB_PLURAL_LITHUANIAN,  /* 1, 21; 2 to 9, 22 to 29; else */
} tb_plural;

/* What forms depend on. */
typedef struct {
    int low; /* the whole part modulo 100 */
    bool large, decimal;
} tb_count;

struct tb_sign_words {
    const char *codes; /* " fr fr-be " */
    tb_plural rule;
    bool percent_first; /* yüzde 50 */
    const char *minus, *plus, *times, *equals, *to, *percent, *per_mille, *plus_minus;
    const char *degrees, *celsius, *fahrenheit;
    const char *euro, *dollar, *pound, *yen;
    const char *half, *quarter, *three_quarters, *at_most, *at_least, *and;
    const char *more; /* "sign or code=forms;" of other currencies, of § and № */
};

enum { TB_SIGN_WORD = 128 }; /* room for any of them */

/* Never NULL: languages without a row get international words. */
const tb_sign_words *tb_sign_words_of(const char *code);
void tb_sign_form(const char *forms, tb_plural rule, const tb_count *n, char out[TB_SIGN_WORD]);
/* The forms of one of the others, by its sign or code; NULL none. */
const char *tb_sign_more(const tb_sign_words *w, const char *sign);
/* The forms of a currency; of one without a word the English name. */
const char *tb_sign_money(const tb_sign_words *w, const tb_currency *c);

/* Says the digits of a whole number in the languages for which espeak-ng knows none (Hebrew,
 * Turkmen, Chuvash, Nogai). False: not one of them; nothing was said. */
bool tb_spell_count(tb_speller *sp, const char *digits, size_t n);
/* What stands between the whole and the digits behind it, of those languages. */
const char *tb_spell_count_point(const tb_speller *sp);

#endif
