#ifndef TB_TEXT_GUESS_PRIV_H
#define TB_TEXT_GUESS_PRIV_H

#include <stddef.h>
#include <stdint.h>

/* The languages in Latin letters that a guess can tell apart; equal scores go to the first. */
enum { EN, ES, FR, DE, PT, IT, CA, GL, NL, EU, RO, PL, SV, TR, HU, CS, DA, FI, TB_GUESS_LATIN };

typedef struct {
    const char *code;
    const char *words; /* frequent ones, plain (lower case, without accents), one blank between */
} tb_guess_list;

/* A letter, or an ending of words of six letters and more, that says which languages it can be. */
typedef struct {
    uint32_t cp;
    uint32_t languages; /* bits 1u << EN .. */
} tb_guess_letter;

typedef struct {
    const char *ending;
    uint32_t languages;
} tb_guess_ending;

extern const tb_guess_list tb_guess_lists[TB_GUESS_LATIN];
extern const tb_guess_letter tb_guess_letters[];
extern const tb_guess_ending tb_guess_endings[];
extern const size_t tb_guess_letters_n, tb_guess_endings_n;

#endif
