#ifndef TB_JOB_BEDS_PRIV_H
#define TB_JOB_BEDS_PRIV_H

#include "ambience/ambience.h"
#include "text/script.h"

/*
 * The beds that a text names, each looked up once, when the text is read: what the script's items
 * carry from then on is their number here. A name whose bed cannot be had is kept with the reason,
 * which counts only if an item of the script is that bed.
 */
typedef struct {
    const tb_ambience_set *set;
    struct tb_named_bed *items;
    int n, max;
} tb_beds;

int tb_beds_find(void *beds, const char *name); /* tb_script_opts.find_bed; self is a tb_beds */
TB_MUST_CHECK tb_status tb_beds_check(const tb_beds *beds, const tb_script *script, tb_err *err);
const tb_ambience *tb_beds_at(const tb_beds *beds, int number);
void tb_beds_clear(tb_beds *beds);

#endif
