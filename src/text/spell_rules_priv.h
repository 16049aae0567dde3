#ifndef TB_TEXT_SPELL_RULES_PRIV_H
#define TB_TEXT_SPELL_RULES_PRIV_H

#include "base/str.h"
#include "text/spell_priv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How tb_spell works. A loop walks over the text. At each place where a word, a number or a sign
 * may begin it asks the rules in order; a rule either says what stands there and returns how many
 * bytes that was, or returns 0 and has written nothing. What no rule wants is copied. A rule looks
 * ahead a bounded number of bytes beyond what it takes, and back a bounded number of bytes, so the
 * whole is linear.
 */
typedef enum { TB_SPELL_OTHER, TB_SPELL_EN, TB_SPELL_ES } tb_spell_kind;

typedef struct tb_sign_words tb_sign_words;

typedef struct {
    const char *s; /* the text */
    size_t len;
    tb_str *out;
    tb_spell_kind kind;
    bool british;     /* en-gb and its like: "and" in numbers, the day before the month */
    bool america;     /* es-419, es-mx: 1,500 is a thousand and a half */
    bool apart;       /* the last thing written was spoken: a letter that follows wants a blank */
    const char *code; /* language, lower case, "-" between its parts */
    const tb_sign_words *signs;   /* of the other languages; NULL none */
    const tb_script_opts *script; /* which brackets are tags */
    size_t roman_end;             /* behind the last roman numeral that was said; 0 none */
    size_t size_end; /* behind the last measure that is an adjective: a 6' x 3' table */
    int roman_way;   /* how it was said (spell_roman.c) */
} tb_speller;

/* ---- writing (spell.c) ---- */

/* One or more words, with a blank in front where one is needed. */
void tb_spell_say(tb_speller *sp, const char *words);
/* n bytes of the text at i as they are. */
void tb_spell_copy(tb_speller *sp, size_t i, size_t n);
/* Each digit of n bytes at s by its name; other bytes are left out. */
void tb_spell_digits(tb_speller *sp, const char *s, size_t n);

/* ---- looking (spell_scan.c) ---- */

enum { TB_SPELL_WORD = 40 }; /* the longest word that rules know, in bytes */

/* The character at i, 0 at the end; *n its bytes. */
uint32_t tb_spell_at(const tb_speller *sp, size_t i, size_t *n);
/* The character in front of i, 0 at the start. */
uint32_t tb_spell_before(const tb_speller *sp, size_t i);
bool tb_spell_digit(const tb_speller *sp, size_t i);
bool tb_spell_letter(uint32_t cp); /* a letter of any script, no digit */
bool tb_spell_capital(uint32_t cp);
bool tb_spell_blank(uint32_t cp); /* any white space but line ends */
/* Behind at most two blanks at i. */
size_t tb_spell_skip(const tb_speller *sp, size_t i);
/* Does the text at i begin with s? Bytes as they are. */
bool tb_spell_starts(const tb_speller *sp, size_t i, const char *s);
/* Spanish 3'14: the length of the ' at i when it is a decimal mark: digits without a mark of inches
 * are behind it; 0 else. */
size_t tb_spell_decimal_quote(const tb_speller *sp, size_t i);
/* The end of the letters that begin at i, at most TB_SPELL_WORD bytes on. */
size_t tb_spell_word_end(const tb_speller *sp, size_t i);
/* The word at i or behind blanks there, folded; "" where none is. Returns its end. */
size_t tb_spell_next_word(const tb_speller *sp, size_t i, char word[TB_SPELL_WORD + 1]);
/* The word in front of i, blanks between them passed over, folded; "" where none is. Returns its
 * start. */
size_t tb_spell_prev_word(const tb_speller *sp, size_t i, char word[TB_SPELL_WORD + 1]);
/* Is word one of list, blanks between and around: " a b c "? */
bool tb_spell_in(const char *word, const char *list);
/* Does nothing that belongs to a word or number go on at i? */
bool tb_spell_ends(const tb_speller *sp, size_t i);
/* Behind a full stop at i that belongs to an abbreviation: passed over where the sentence goes on,
 * kept (i is returned) where it ends. */
size_t tb_spell_stop(const tb_speller *sp, size_t i);

/* How many digits stand at i; most + 1 when there are more than that. */
size_t tb_spell_digits_at(const tb_speller *sp, size_t i, size_t most);
/* One to `most` digits at i as a number; their count, 0 none or more. */
size_t tb_spell_small(const tb_speller *sp, size_t i, size_t most, long *value);

/* ---- numbers ---- */

enum {
    TB_SPELL_DIGITS = 36, /* of numbers that are read as such */
    TB_SPELL_FORMS = 120, /* words of the longest number */
};

/* A number as written: 1,234.5 */
typedef struct {
    char digits[TB_SPELL_DIGITS + 1]; /* the whole part without separators */
    size_t n;                         /* 0: ".5" */
    size_t fraction, n_fraction;      /* where the digits behind the point are */
    char point;                       /* '.' or ','; 0 none */
    bool grouped;
    int above, below; /* a fraction behind it: 2½, 2 1/2; 0 none */
    size_t start, end;
} tb_spell_number;

/* Reads the number at i: a digit or a point and a digit. False: none, or more digits than fit. */
bool tb_spell_read(const tb_speller *sp, size_t i, tb_spell_number *out);
/* Its value where it is whole and has at most nine digits, else -1. */
long tb_spell_value(const tb_spell_number *n);
bool tb_spell_is_one(const tb_spell_number *n);

/* Words of a number. One that begins with '-' is joined to the one in front. */
typedef struct {
    const char *w[TB_SPELL_FORMS];
    size_t n;
} tb_spell_words;

void tb_spell_say_words(tb_speller *sp, const tb_spell_words *words);

/* How a Spanish number ends: veintiuno; veintiún años; veintiuna casas. */
typedef enum { TB_ES_ALONE, TB_ES_MASCULINE, TB_ES_FEMININE } tb_es_form;

void tb_en_cardinal(tb_spell_words *w, const char *digits, size_t n, bool british);
void tb_en_ordinal(tb_spell_words *w, const char *digits, size_t n, bool british);
void tb_en_year(tb_spell_words *w, long year, bool british);
void tb_es_cardinal(tb_spell_words *w, const char *digits, size_t n, tb_es_form form);
/* 1 to 999; apocope: primer, tercer. */
bool tb_es_ordinal(tb_spell_words *w, long value, bool feminine, bool apocope);
/* The gender of a noun by its ending and a list; word folded. */
bool tb_es_is_feminine(const char *word);
/* Which form a number in front of this word takes. */
tb_es_form tb_es_form_before(const char *word);

/* In English, Spanish. A number that stands by itself; form: Spanish only. */
void tb_spell_say_number(tb_speller *sp, const tb_spell_number *n, tb_es_form form);
void tb_spell_say_value(tb_speller *sp, long value, tb_es_form form);
void tb_spell_say_ordinal(tb_speller *sp, long value, bool feminine, bool apocope);

/* ---- rules: bytes taken, 0 none. English and Spanish ---- */

size_t tb_spell_quantity(tb_speller *sp, size_t i);  /* spell_quantity.c */
size_t tb_spell_date(tb_speller *sp, size_t i);      /* spell_date.c: 12/25/2024 */
size_t tb_spell_time(tb_speller *sp, size_t i);      /* spell_time.c */
size_t tb_spell_span(tb_speller *sp, size_t i);      /* spell_span.c: 7h 45m */
size_t tb_spell_day(tb_speller *sp, size_t i);       /* spell_date.c: 25 of "December 25" */
size_t tb_spell_month(tb_speller *sp, size_t i);     /* spell_date.c: "Dec." */
size_t tb_spell_names(tb_speller *sp, size_t i);     /* spell_names.c: "Mon.-Fri." */
size_t tb_spell_slash(tb_speller *sp, size_t i);     /* spell_slash.c */
size_t tb_spell_bare_unit(tb_speller *sp, size_t i); /* spell_units.c: "per m²" */
void tb_spell_say_year(tb_speller *sp, long year);
/* 1 to 12 for a month's name, folded, whole or short; 0 none. And its whole name. */
int tb_spell_month_of(const tb_speller *sp, const char *word);
const char *tb_spell_month_name(const tb_speller *sp, long month);
size_t tb_spell_literal(tb_speller *sp, size_t i);      /* spell_literal.c: asks the next seven */
size_t tb_spell_telephone(tb_speller *sp, size_t i);    /* spell_telephone.c; so are the next two */
size_t tb_spell_code(tb_speller *sp, size_t i);         /* PIN 4711, NY 10118 */
size_t tb_spell_serial(tb_speller *sp, size_t i);       /* 978-3-16-148410-0 */
size_t tb_spell_ordinal(tb_speller *sp, size_t i);      /* spell_ordinal.c: 21st, 3.º */
size_t tb_spell_decade(tb_speller *sp, size_t i);       /* spell_ordinal.c: 1990s, '80 */
size_t tb_spell_primes(tb_speller *sp, size_t i);       /* spell_primes.c: 5'10", 12' x 10', 45' */
size_t tb_spell_abbreviation(tb_speller *sp, size_t i); /* spell_abbreviations.c */
size_t tb_spell_roman(tb_speller *sp, size_t i);        /* spell_roman.c */
size_t tb_spell_sign(tb_speller *sp, size_t i);         /* spell_signs.c */
size_t tb_spell_other(tb_speller *sp, size_t i);        /* spell_other.c: of the other languages */

/* ---- money (spell_money.c) ---- */

typedef struct {
    const char *sign, *code;
    const char *en, *en_plural, *en_cent, *en_cents;
    const char *es, *es_plural, *es_cent, *es_cents;
    bool feminine; /* in Spanish */
    bool first;    /* letters that are one only in front of a number: "Rs 500", not "the 3 Rs" */
} tb_currency;

extern const tb_currency tb_spell_currencies[]; /* spell_currencies.c */
extern const size_t tb_spell_currency_count;

/* The currency written at i, *end behind it; NULL none. prefix: in front of a number, so that a
 * letter in front of it is part of it (US$). */
const tb_currency *tb_spell_currency(const tb_speller *sp, size_t i, size_t *end);
void tb_spell_say_money(tb_speller *sp, const tb_currency *c, const tb_spell_number *n,
                        const char *scale, bool adjective);

/* ---- scales (spell_scale.c) ---- */

/* The scale behind a number at i, which currency measures (NULL none), and its word; the end, 0
 * none. */
size_t tb_spell_read_scale(const tb_speller *sp, size_t i, const tb_currency *currency,
                           const char **said);

/* ---- units (spell_units.c) ---- */

enum { TB_SPELL_PARTS = 4 };

typedef struct tb_unit tb_unit;

/* kg/m² is two parts, the second in the denominator with power 2. */
typedef struct {
    struct {
        const tb_unit *unit;
        const char *en_prefix, *es_prefix;
        int power;
        bool per;
    } part[TB_SPELL_PARTS];
    size_t n;
    bool feminine; /* in Spanish, of the first */
} tb_spell_unit;

/* The unit at i, which follows a number directly or behind a blank (apart). Returns its end, 0
 * where there is none. */
size_t tb_spell_read_unit(const tb_speller *sp, size_t i, bool apart, tb_spell_unit *out);
void tb_spell_say_unit(tb_speller *sp, const tb_spell_unit *unit, bool one);
/* What the ' or " at i, behind a number, measures: the symbol of a unit, *end behind it. NULL:
 * none, or it closes a quotation (spell_primes.c). */
const char *tb_spell_prime_unit(const tb_speller *sp, size_t i, size_t *end);
bool tb_spell_is_length(const tb_spell_unit *unit);
const char *tb_spell_unit_article(const tb_spell_unit *unit); /* English: a, an */

/* ---- fraction signs: ½ and its like (spell_fraction.c) ---- */

/* The fraction at i, a sign or plain (3/4) as `plain` allows; returns its bytes, 0 none. */
size_t tb_spell_read_fraction(const tb_speller *sp, size_t i, bool plain, int *above, int *below);
/* "and a half", behind a whole number. */
void tb_spell_say_half(tb_speller *sp, int above, int below, tb_es_form form);
size_t tb_spell_fraction(tb_speller *sp, size_t i);       /* rule: a sign */
size_t tb_spell_plain_fraction(tb_speller *sp, size_t i); /* rule: 3/4 */

#endif
