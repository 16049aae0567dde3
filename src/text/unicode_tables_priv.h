#ifndef TB_TEXT_UNICODE_TABLES_PRIV_H
#define TB_TEXT_UNICODE_TABLES_PRIV_H

#include "text/unicode_priv.h"

/* The tables behind unicode_priv.h, each in ascending order. */
typedef struct {
    uint32_t first, last;
} tb_unicode_range;

typedef struct { /* first, first + step .. last: the upper case is delta away */
    uint32_t first, last;
    int32_t step, delta;
} tb_unicode_run;

typedef struct {
    uint32_t cp, upper[3]; /* 0 ends it */
} tb_unicode_several;

extern const tb_unicode_range tb_unicode_letters[], tb_unicode_numbers[], tb_unicode_spaces[],
    tb_unicode_py_spaces[];
extern const size_t tb_unicode_letters_n, tb_unicode_numbers_n, tb_unicode_spaces_n,
    tb_unicode_py_spaces_n;
extern const tb_unicode_run tb_unicode_uppers[];
extern const size_t tb_unicode_uppers_n;
extern const tb_unicode_several tb_unicode_long_uppers[];
extern const size_t tb_unicode_long_uppers_n;

#endif
