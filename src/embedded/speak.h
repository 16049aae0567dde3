#ifndef TB_EMBEDDED_SPEAK_H
#define TB_EMBEDDED_SPEAK_H

#include "audio/pcm.h"
#include "base/cancel.h"
#include "embedded/voice_stats.h"
#include "text/script.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The embedded engine, one object per process, any thread: the base speech programs, their
 * languages, the statistics of each base (made at first need, kept in bases_dir), and speaking one
 * sentence in a voice mapped toward a recording. The maths: docs/embedded.md.
 */
typedef struct tb_embedded tb_embedded;

typedef struct {
    const char *bases_dir;        /* where base statistics are kept; NULL: memory only */
    const char *default_language; /* a code or a name; NULL or auto: English, or as guessed */
    const char *default_base;     /* slt | rms */
    const char *espeak_program, *espeak_data_path;
} tb_embedded_config;

TB_MUST_CHECK tb_status tb_embedded_open(const tb_embedded_config *config, tb_embedded **out,
                                         tb_err *err);
void tb_embedded_close(tb_embedded *e);
/* Makes the statistics of the default language's bases if they are not kept yet (about 6 s of CPU):
 * for a background thread at start. */
void tb_embedded_warm(tb_embedded *e, const tb_cancel *cancel);

/* The sentences that a base's statistics are measured from: a judge of likeness uses others. */
const char *const *tb_embedded_base_sentences(size_t *n);

typedef struct {
    const char *code;  /* as the list writes it, lower case: es-419 */
    const char *name;  /* Spanish (Latin America) */
    const char *voice; /* espeak-ng's file column */
    bool constructed;  /* Klingon and kin: kept off short lists */
} tb_language;

/* "auto": the language is left to the text. NULL is not. */
bool tb_language_is_auto(const char *wanted);
/* May a text be read in another language than the default, by a guess? (languages.h) */
bool tb_embedded_guesses(const tb_embedded *e);
size_t tb_embedded_languages(const tb_embedded *e, const tb_language **list);
/* docs/embedded.md, "Resolving a language". TB_EINVAL (field language) names the five nearest
 * codes.
 * "" = default. */
TB_MUST_CHECK tb_status tb_embedded_language(const tb_embedded *e, const char *code,
                                             const tb_language **out, tb_err *err);

/* The code that a code or a name stands for, without a region that it does not name; TB_EINVAL as
 * above. code: room for 36 bytes. */
TB_MUST_CHECK tb_status tb_embedded_language_code(const tb_embedded *e, const char *wanted,
                                                  char code[36], tb_err *err);

typedef struct {
    const tb_language *language;
    const tb_voice_stats *reference; /* NULL: the voice `default`, no map */
    double temperature;              /* 0.05..5 */
    double speed;                    /* 0.25..4 */
    uint64_t seed;
} tb_embedded_voice;

/* One SPEECH or SOUND item of a script, trimmed, faded, levelled, 24 kHz; the gap after it is
 * not included. Bit for bit the same for the same inputs. A piece in which nothing
 * can be said gives length 0 and TB_OK. */
TB_MUST_CHECK tb_status tb_embedded_say(tb_embedded *e, const tb_embedded_voice *voice,
                                        const tb_script_item *item, const tb_cancel *cancel,
                                        tb_pcm *out, tb_err *err);

typedef enum { TB_TAG_RENDERED, TB_TAG_AS_TONE, TB_TAG_UNSUPPORTED } tb_tag_support;
tb_tag_support tb_embedded_tag(tb_tag tag);

/* A hidden subcommand of our binary: `timbre speak-flite slt|rms`, text on stdin. Exit code. */
int tb_flite_child_main(const char *voice);
bool tb_flite_available(void);

#endif
