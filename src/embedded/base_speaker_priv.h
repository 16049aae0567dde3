#ifndef TB_EMBEDDED_BASE_SPEAKER_PRIV_H
#define TB_EMBEDDED_BASE_SPEAKER_PRIV_H

#include "audio/pcm.h"
#include "base/cancel.h"
#include "embedded/speak.h"

/* The base speakers: flite and espeak-ng, one process per sentence; docs/embedded.md, "Base
 * speakers". Any thread. */
typedef struct {
    char key[48];      /* what statistics are kept under: slt, rms, en-us+f2, en-us */
    char voice[96];    /* espeak-ng's -v; for flite the voice's name */
    char language[36]; /* espeak-ng: the code of what it speaks; "" for one that reads it all */
    bool flite;
    float cut_hz; /* usable up to */
} tb_base_speaker;

/* The base for a language and a pitch: higher or lower. */
tb_base_speaker tb_base_speaker_choose(const tb_language *language, bool higher);
/* For text in which flite finds nothing to say: the espeak-ng base of the same language and pitch.
 */
tb_base_speaker tb_base_speaker_espeak(const tb_language *language, bool higher);

typedef struct {
    const char *espeak_program, *espeak_data_path; /* the latter empty: its own */
    bool deterministic; /* tb_espeak_has_deterministic(): the same sentence is the same bytes only
                           with -D */
} tb_speech_programs;

/* Whether espeak-ng knows -D. Since 1.52 it draws its noise anew each second unless told not to;
 * before, it had no such switch and needed none. */
bool tb_espeak_has_deterministic(const tb_speech_programs *programs);

/*
 * A sentence as 24 kHz sound, trimmed of silence. No sound (length 0, TB_OK) where there is nothing
 * to say. espeak-ng says words of some scripts in the voice of their language (foreign_script.c).
 * TB_EINTERNAL when the program failed twice, TB_EUNREADY when it is not installed.
 */
TB_MUST_CHECK tb_status tb_base_speaker_say(const tb_speech_programs *programs,
                                            const tb_base_speaker *base, const char *text,
                                            const tb_cancel *cancel, tb_pcm *out, tb_err *err);
/* The text as flite can read it, heap; and whether anything of it is left to say. */
char *tb_flite_ascii(const char *text, bool *speakable);
/* Can flite read every letter of it, and is there one? Else espeak-ng says the sentence. */
bool tb_flite_can_read(const char *text);

/* What `espeak-ng --voices` prints, heap; NULL when it is not installed. */
char *tb_espeak_list_voices(const tb_speech_programs *programs);
/* Its version line, for keys; heap, "" when it is not installed. */
char *tb_espeak_version(const tb_speech_programs *programs);

#endif
