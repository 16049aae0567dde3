#ifndef TB_CHATTERBOX_PACE_H
#define TB_CHATTERBOX_PACE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The pace: how fast a model runs on this machine, measured once and kept, and the lengths of a
 * stream's chunks that follow from it. Every chunk runs the flow over the prompt and everything so
 * far; so the first is as short as allows the second to be ready before the first has played, and
 * each later one as long as the sound in hand allows. The lengths depend on the pace alone, not on
 * the moment: with one pace a seed gives the same stream at any time and on any machine. So a reply
 * states its pace and a request may name one, in whole microseconds, which three numbers express
 * exactly.
 */
typedef struct {
    double token_s;  /* one token of T3, one session */
    double flow_s;   /* the flow over one frame among 1000 */
    double vocode_s; /* the vocoder, one frame */
} tb_pace;

/* Of a machine with two fast cores; used until it is measured. */
extern const tb_pace tb_pace_usual;

/* "20000-600-2000": the three in microseconds. parse: false for malformed text. */
enum { TB_PACE_TEXT = 64 }; /* three whole numbers of 64 bits */
void tb_pace_print(const tb_pace *pace, char out[TB_PACE_TEXT]);
bool tb_pace_parse(const char *text, tb_pace *out);
/* Rounds to what print expresses. */
tb_pace tb_pace_round(const tb_pace *pace);

/* Seconds to compute the next m tokens after `done`, with a prompt. */
double tb_pace_cost(const tb_pace *pace, size_t prompt_tokens, size_t done, size_t m);

/* Chunk lengths in tokens. first: of the first chunk. next: of the one after `done` tokens; *ahead,
 * the seconds of sound delivered and not yet played, is carried from call to call (0 at first). */
size_t tb_pace_first(const tb_pace *pace, size_t prompt_tokens);
size_t tb_pace_next(const tb_pace *pace, size_t prompt_tokens, size_t done, size_t last,
                    double *ahead);

/* Stored as JSON. read: false if there is none, or an invalid one. */
bool tb_pace_read(const char *path, tb_pace *out);
TB_MUST_CHECK tb_status tb_pace_write(const char *path, const tb_pace *pace, tb_err *err);

#endif
