#ifndef TB_TEXT_SCRIPT_H
#define TB_TEXT_SCRIPT_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * A text as it will be performed: sentences, tones, sounds, pauses, beds going on and off. What an
 * engine can render of it is the engine's business. Pure, fuzzed by tests/fuzz/fuzz_tags.c.
 */
typedef enum {
    TB_TAG_TONE,  /* happy .. whispering: how what follows is said */
    TB_TAG_SOUND, /* sigh, laugh, ...: a sound put where it stands */
} tb_tag_kind;

/* The 19 tags of chatterbox-turbo, plus `sad` (Spanish triste, no model token). */
typedef enum {
    TB_TAG_ANGRY,
    TB_TAG_FEAR,
    TB_TAG_SURPRISED,
    TB_TAG_WHISPERING,
    TB_TAG_ADVERTISEMENT,
    TB_TAG_DRAMATIC,
    TB_TAG_NARRATION,
    TB_TAG_CRYING,
    TB_TAG_HAPPY,
    TB_TAG_SARCASTIC,
    TB_TAG_CLEAR_THROAT,
    TB_TAG_SIGH,
    TB_TAG_SHUSH,
    TB_TAG_COUGH,
    TB_TAG_GROAN,
    TB_TAG_SNIFF,
    TB_TAG_GASP,
    TB_TAG_CHUCKLE,
    TB_TAG_LAUGH,
    TB_TAG_SAD,
    TB_TAG_COUNT,
    TB_TAG_NONE = -1
} tb_tag;

const char *tb_tag_name(tb_tag tag); /* "clear throat" */
tb_tag_kind tb_tag_kind_of(tb_tag tag);
tb_tag tb_tag_find(const char *name); /* case-folded, spaces collapsed, Spanish aliases; NONE */

typedef enum {
    TB_ITEM_SPEECH, /* text in one tone */
    TB_ITEM_SOUND,
    TB_ITEM_PAUSE,
    TB_ITEM_BED, /* the ambience goes to `bed`, or off */
} tb_item_kind;

typedef struct {
    tb_item_kind kind;
    char *text;       /* SPEECH: a sentence or a part of one, clean, never empty; BED: the id as
                         written, NULL = off */
    int bed;          /* BED with a text: the number that find_bed gave */
    tb_tag tag;       /* SPEECH: its tone or NONE; SOUND: which */
    double seconds;   /* PAUSE: its length (not scaled by speed: it was asked for by length);
                         BED: the least length, 0 none */
    double gap_after; /* SPEECH: silence after it before /speed: 0.25 sentence, 0.12 comma cut,
                         0.5 empty line, 0 at a tag cut and at the very end */
    size_t
        sentence; /* SPEECH, SOUND: index of the piece, for seeds: counts SPEECH and SOUND items */
} tb_script_item;

typedef struct {
    tb_script_item *items;
    size_t n;
    char **unknown_tags; /* brackets that mean nothing to us; they stay in the text as words */
    size_t n_unknown;
} tb_script;

/* find_bed gives the number of the ambience that a bracket's content names (or "ambience:free
 * text"), which the item then carries; negative when it names none. */
typedef struct {
    int (*find_bed)(void *self, const char *name);
    void *self;
    size_t text_max;      /* code points */
    const char *language; /* whose abbreviations end no sentence; NULL: those of all we know */
    /*
     * For an engine that reads tags itself: its tags stay in the text where they stood, under their
     * own names ("[laugh]" for [risa]), unknown brackets stay as they are, and so does every other
     * character. feliz, serio and triste, which the model has no token for, stay tones. Sentences
     * are gathered to items of at most TB_SEGMENT_MAX characters.
     */
    bool tags_inline;
    /* With tags_inline: unknown brackets are words without brackets, as they are for other engines;
     * for a text that the front (front.h) has made. */
    bool plain_brackets;
} tb_script_opts;

/* About twelve seconds of English. One sentence may be longer: 300. */
enum { TB_SEGMENT_MAX = 180 };

/* TB_EINVAL (field text): empty, nothing to say, too long, invalid UTF-8, pause over 10 s. */
TB_MUST_CHECK tb_status tb_script_parse(const char *text, const tb_script_opts *opts,
                                        tb_script *out, tb_err *err);
void tb_script_clear(tb_script *script);

#endif
