#ifndef TB_TEXT_SCRIPT_PRIV_H
#define TB_TEXT_SCRIPT_PRIV_H

#include "base/str.h"
#include "text/script.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Between the text and its script: the words alone, each bracket that we know replaced by one
 * space, and what those brackets ask for with the place where they stood.
 */
typedef enum { TB_MARK_TONE, TB_MARK_SOUND, TB_MARK_PAUSE, TB_MARK_BED } tb_mark_kind;

typedef struct {
    tb_mark_kind kind;
    size_t at;      /* byte in words */
    tb_tag tag;     /* TONE, SOUND */
    char *bed;      /* BED: heap; NULL = off */
    int bed_number; /* of find_bed */
    double seconds; /* PAUSE, BED */
} tb_mark;

typedef struct {
    tb_str words; /* no brackets, no controls but \n */
    tb_mark *marks;
    size_t n_marks, cap_marks;
    char **unknown; /* each once */
    size_t n_unknown;
    double asked_pause, asked_bed; /* sums of what brackets asked for, seconds */
    char *bed;                     /* folded name of the bed that is on; NULL none */
} tb_marked;

/* Stands for the blank in "[clear throat]" while sentences are cut, so that no cut falls there. */
enum { TB_TAG_BLANK = 1 };

/* Longest that one bracket, and all of a text together, may ask for. */
#define TB_PAUSE_MAX_SECONDS 10.0
#define TB_ASKED_MAX_SECONDS 600.0

/* Names kept of brackets that mean nothing; a reply's header has no room for more. */
enum { TB_UNKNOWN_MAX = 32, TB_UNKNOWN_BYTES = 64 };

/* text: valid UTF-8 of len bytes. */
TB_MUST_CHECK tb_status tb_marked_read(const char *text, size_t len, const tb_script_opts *opts,
                                       tb_marked *out, tb_err *err);
void tb_marked_clear(tb_marked *marked);

/* Does what stands in a bracket, stripped, name a tag, a pause or a bed? opts may be NULL. */
bool tb_bracket_known(const tb_script_opts *opts, const char *name);

/* "800ms", "1.5s", "1,5 s", "2" (seconds): false for anything else. */
bool tb_seconds_parse(const char *s, size_t len, double *out);

/*
 * The sentence that starts at `from` in words[0..len): *end is behind its last mark of punctuation
 * and closing quotes, *gap the silence that follows it. A sentence may be blank.
 */
void tb_sentence_next(const char *words, size_t len, size_t from, const char *language, size_t *end,
                      double *gap);

/*
 * abbreviations.c: does the full stop behind word[0..len) belong to an abbreviation of the
 * language (NULL: of any in the table)? next: the first character behind it and its blanks.
 */
enum { TB_ABBREVIATION_BYTES = 24 };
bool tb_abbreviation(const char *word, size_t len, uint32_t next, const char *language);
/* Does the language write "3." for "third"? */
bool tb_abbreviation_ordinals(const char *language);

/*
 * The first piece of at most TB_PIECE_MAX code points of s[0..len): returns the bytes it takes,
 * *gap the silence that a cut there asks for (0 when it is all of s).
 */
enum { TB_PIECE_MAX = 300 };
size_t tb_piece_next(const char *s, size_t len, double *gap);

#endif
