#ifndef TB_BASE_STR_H
#define TB_BASE_STR_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* A byte string that grows, with a ceiling. {0} is empty with no room: tb_str_init gives it one. */
typedef struct {
    char *data; /* NUL-terminated once anything was added; NULL before */
    size_t len, cap, max;
    bool full; /* something did not fit; sticky, so that a printer checks once at its end */
} tb_str;

void tb_str_init(tb_str *s, size_t max_bytes);
void tb_str_clear(tb_str *s);
bool tb_str_add(tb_str *s, const void *data, size_t size); /* false (and full) past the ceiling */
bool tb_str_puts(tb_str *s, const char *text);
bool tb_str_printf(tb_str *s, const char *fmt, ...) TB_PRINTF(2, 3);
char *tb_str_take(tb_str *s); /* the heap string, the caller's; never NULL; s is empty after */

/* ASCII only. */
bool tb_str_ieq(const char *a, const char *b);
bool tb_str_in_list(const char *list, const char *word); /* list: words with | between */
bool tb_str_starts(const char *s, const char *prefix);
bool tb_str_ends(const char *s, const char *suffix);
void tb_str_lower(char *s);
char *tb_str_strip(char *s); /* cuts ASCII white space off both ends, in place; returns the start */

/* Whole-string numbers: no trailing text, no locale, no NaN or infinity. */
bool tb_parse_double(const char *s, double *out);
bool tb_parse_u64(const char *s, unsigned long long *out);
bool tb_parse_bool(const char *s, bool *out); /* 1/0 true/false yes/no on/off */

/* Edits between two byte strings, at most `limit` (else limit + 1): a byte put in, left out,
 * changed, or two neighbours that changed places. For "did you mean". */
size_t tb_str_distance(const char *a, const char *b, size_t limit);

/* Case-folds UTF-8 (tb_utf8_fold), collapses white space to one space, strips the ends. Heap. */
char *tb_str_fold(const char *s);

#endif
