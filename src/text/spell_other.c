/*
 * The languages beside English and Spanish: digits are left to the speech program, which knows
 * them; what it leaves out is said. (It does not see a minus in front of a number.)
 */
#include "text/spell_priv.h"

size_t tb_spell_other(tb_speller *sp, size_t i)
{
    (void)sp;
    (void)i;
    return 0;
}
