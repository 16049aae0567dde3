#ifndef TB_AMBIENCE_AMBIENCE_H
#define TB_AMBIENCE_AMBIENCE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Background beds: the computed ones (recipe_priv.h) and the .wav files of a folder, which override
 * and add ids. All come out at -30 LUFS, mono, without end. The mixer (post/) decides their level
 * under speech. A name is looked up once, where a request is understood; from there on a
 * tb_ambience goes its way.
 */
typedef struct tb_ambience_set tb_ambience_set;

#define TB_BED_REFERENCE_LUFS (-30.0)

enum { TB_AMBIENCE_ID_MAX = 64, TB_AMBIENCE_SUM_MAX = 4 };

typedef struct {
    const char *id;
    const char *title;
    const char *description;
    const char *generator;        /* "procedural" or "file" */
    double default_difference_lu; /* default distance below the speech, in LU */
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

/* A bed, or a sum of beds, that was found: a value, good as long as its set. {0} is none. */
typedef struct {
    uint16_t part[TB_AMBIENCE_SUM_MAX]; /* indices of tb_ambience_at, in the order of the name */
    uint16_t n;
    double difference_lu; /* default distance below the speech: the largest of the parts' */
} tb_ambience;

bool tb_ambience_same(const tb_ambience *a, const tb_ambience *b); /* the same parts */

/*
 * A name is an id, another name in English or Spanish (birds, storm, lluvia), or a sum of at most
 * four such ("rain+wind"); case and white space at the ends do not matter. "ambience:<name>" is the
 * same as <name> when that is known; free text there asks for AudioGen and fails with TB_EINVAL
 * that says so. TB_ENOTFOUND, field ambience_id, with the list, for a name that is not there.
 */
TB_MUST_CHECK tb_status tb_ambience_find(const tb_ambience_set *set, const char *name,
                                         tb_ambience *out, tb_err *err);
/*
 * The same for what stands in a bracket of a text: false when it names no bed and its words are
 * read aloud. True: err->status is TB_OK and *out the bed, or err says why it cannot be had (free
 * text, a sum of too many).
 */
bool tb_ambience_in_text(const tb_ambience_set *set, const char *name, tb_ambience *out,
                         tb_err *err);

/* One running bed. (which, seed, rate) and the position decide every sample; the block sizes of
 * tb_bed_process do not. Not for two threads at once; no allocation after tb_bed_new. A bed may not
 * outlive its set. Rates 8000 .. 96000; which has at least one part. The first bed of a (part,
 * seed, rate) renders 30 s ahead to measure its loudness; the set remembers the gain. */
typedef struct tb_bed tb_bed;

TB_MUST_CHECK tb_status tb_bed_new(tb_ambience_set *set, const tb_ambience *which, uint64_t seed,
                                   int rate_hz, tb_bed **out, tb_err *err);
void tb_bed_process(tb_bed *bed, float *out, size_t n); /* overwrites out */
void tb_bed_free(tb_bed *bed);

#endif
