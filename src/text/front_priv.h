#ifndef TB_TEXT_FRONT_PRIV_H
#define TB_TEXT_FRONT_PRIV_H

#include "base/str.h"
#include "text/front.h"

#include <stdint.h>

/*
 * The steps of the front, in their order. Each reads a whole text and adds to out what becomes of
 * it; out has a ceiling, and who runs the steps looks at out->full once.
 */

/* front_html.c: tags go or become line ends, entities become their characters, <break> a pause. */
void tb_front_html(const char *text, size_t len, tb_str *out);

/* front_chars.c: one way to write each character; emoji and what cannot be seen go. */
void tb_front_chars(const char *text, size_t len, const tb_front_opts *opts, tb_str *out);

/* front_markup.c: headings, lists, quotes, tables, code blocks, line by line. */
void tb_front_lines(const char *text, size_t len, tb_str *out);

/* front_inline.c: emphasis, code, links, images, citations, addresses. */
void tb_front_inline(const char *text, size_t len, const tb_front_opts *opts, tb_str *out);

/* front_address.c: when text begins with a link or a mail address, says it and returns its bytes;
 * else 0. */
size_t tb_front_address(const char *text, size_t len, const tb_front_opts *opts, tb_str *out);

/* front_scripts.c: words in other scripts. What cannot be said is added to names. */
void tb_front_scripts(const char *text, size_t len, const tb_front_opts *opts, tb_str *names,
                      tb_str *out);

/* front_latin.c: a word of Greek, Cyrillic, kana or Hangul in Latin letters. */
void tb_front_latin(const char *text, size_t len, const tb_front_opts *opts, tb_str *out);

/* tb_front_run; words: the step as well that says numbers and signs (spell.h). */
TB_MUST_CHECK tb_status tb_front_steps(const char *text, size_t len, const tb_front_opts *opts,
                                       bool words, char **out, char **unspoken, tb_err *err);

/* ---- what several steps ask ---- */

/* Is the language of the options this one ("en" for en-us, too)? */
bool tb_front_speaks(const tb_front_opts *opts, const char *code);

/* A language that writes full-width marks without blanks behind them. */
bool tb_front_is_cjk(const tb_front_opts *opts);

/* Does text[0..len) (no brackets around it) name a tag, a pause or a bed? */
bool tb_front_is_tag(const tb_front_opts *opts, const char *text, size_t len);

/* Does the line that begins at text open or close a block of code (three backquotes or tildes, and
 * no others behind them)? */
bool tb_front_is_fence(const char *text, size_t len);

/* The character of a named entity ("nbsp"), 0 unknown. */
uint32_t tb_front_entity(const char *name, size_t len);

/* Adds one character. */
void tb_front_put(tb_str *out, uint32_t cp);

/* Cuts blanks (not line ends) off the end of out. */
void tb_front_trim(tb_str *out);

static inline bool tb_front_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool tb_front_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool tb_front_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

#endif
