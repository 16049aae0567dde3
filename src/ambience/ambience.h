#ifndef TB_AMBIENCE_AMBIENCE_H
#define TB_AMBIENCE_AMBIENCE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Background beds: fifteen computed ones (docs: white pink brown room rain wind ocean forest night
 * fire street train fan office cafe) and the .wav files of a folder, which override and add ids.
 * All come out at -30 LUFS, mono, without end. How loud they lie under speech is the mixer's
 * business (post/).
 */
typedef struct tb_ambience_set tb_ambience_set;

#define TB_BED_REFERENCE_LUFS (-30.0)

enum { TB_AMBIENCE_ID_MAX = 64, TB_AMBIENCE_SUM_MAX = 4 };

typedef struct {
    const char *id;
    const char *title;
    const char *description;
    const char *generator;        /* "procedural" or "file" */
    double default_difference_lu; /* how far under the speech it lies when nobody says */
} tb_ambience_info;

/*
 * Lists the folder once (dir may be NULL, empty or absent: the computed beds only). Files are read
 * when a bed is made of them, never written to; names that are not <id>.wav of letters, digits, "-"
 * and "_" are left out with a warning in the log. The set is immutable for its users: any thread.
 */
TB_MUST_CHECK tb_status tb_ambience_open(const char *dir, tb_ambience_set **out, tb_err *err);
void tb_ambience_close(tb_ambience_set *set);

size_t tb_ambience_count(const tb_ambience_set *set);
const tb_ambience_info *tb_ambience_at(const tb_ambience_set *set, size_t i);

/*
 * A name is an id, an old alias (birds, beach, static, storm), or a sum of at most four such
 * ("rain+wind"); case and white space at the ends do not matter. "ambience:<name>" is the same as
 * <name> when that is known; free text there is known to the text (so that it is not read aloud)
 * but asks for AudioGen, and looking it up fails with TB_EINVAL that says so.
 */
bool tb_ambience_known(const tb_ambience_set *set, const char *name);

/* TB_ENOTFOUND, field ambience_id, with the list, for a name that is not there. On TB_OK (out
 * optional) the difference that a mix uses when nobody gives one: the largest of the parts. */
TB_MUST_CHECK tb_status tb_ambience_find(const tb_ambience_set *set, const char *name,
                                         double *default_difference_lu, tb_err *err);

/* One running bed. (name, seed, rate) and the position decide every sample; the block sizes of
 * tb_bed_process do not. Not for two threads at once; no allocation after tb_bed_new. A bed may not
 * outlive its set. Rates 8000 .. 96000. The first bed of a (name, seed, rate) renders 30 s ahead to
 * measure its loudness; the set remembers the gain. */
typedef struct tb_bed tb_bed;

TB_MUST_CHECK tb_status tb_bed_new(tb_ambience_set *set, const char *name, uint64_t seed,
                                   int rate_hz, tb_bed **out, tb_err *err);
void tb_bed_process(tb_bed *bed, float *out, size_t n); /* overwrites out */
double tb_bed_default_difference_lu(const tb_bed *bed);
void tb_bed_free(tb_bed *bed);

#endif
