#include "text/unicode_tables_priv.h"

static bool within(const tb_unicode_range *table, size_t n, uint32_t cp)
{
    size_t lo = 0, hi = n; /* the first range that ends at cp or later lies in lo .. hi */
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (table[mid].last < cp)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < n && table[lo].first <= cp;
}

tb_unicode_class tb_unicode_class_of(uint32_t cp)
{
    if (within(tb_unicode_letters, tb_unicode_letters_n, cp)) return TB_UNICODE_LETTER;
    if (within(tb_unicode_numbers, tb_unicode_numbers_n, cp)) return TB_UNICODE_NUMBER;
    if (within(tb_unicode_spaces, tb_unicode_spaces_n, cp)) return TB_UNICODE_SPACE;
    return TB_UNICODE_OTHER;
}

bool tb_unicode_is_py_space(uint32_t cp)
{
    return within(tb_unicode_py_spaces, tb_unicode_py_spaces_n, cp);
}

size_t tb_unicode_upper(uint32_t cp, uint32_t out[3])
{
    for (size_t i = 0; i < tb_unicode_uppers_n; i++) { /* asked once per text: no search */
        const tb_unicode_run *run = &tb_unicode_uppers[i];
        if (cp < run->first || cp > run->last || (cp - run->first) % (uint32_t)run->step) continue;
        out[0] = (uint32_t)((int32_t)cp + run->delta);
        return 1;
    }
    for (size_t i = 0; i < tb_unicode_long_uppers_n; i++) {
        const uint32_t *upper = tb_unicode_long_uppers[i].upper;
        size_t n = 0;
        if (tb_unicode_long_uppers[i].cp != cp) continue;
        for (; n < 3 && upper[n]; n++)
            out[n] = upper[n];
        return n;
    }
    return 0;
}
