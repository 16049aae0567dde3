#ifndef TB_CHATTERBOX_PACE_H
#define TB_CHATTERBOX_PACE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * How fast a model runs on this machine, measured once and kept, and the sizes of a stream's pieces
 * that follow from it. Every piece pays the flow over prompt and all that was said; so the first is
 * as short as lets the second be ready before it has played, and each next one as long as the sound
 * that is already out allows. The sizes depend on the pace alone, not on the moment: with one pace
 * a seed gives the same stream today and tomorrow, here and elsewhere. So a reply says its pace and
 * a request may name one; it is of whole microseconds, which three numbers tell exactly.
 */
typedef struct {
    double token_s;  /* one token of T3, one speaker */
    double flow_s;   /* the flow over one frame among 1000 */
    double vocode_s; /* the vocoder, one frame */
} tb_pace;

/* A machine of two fast cores; used until something was measured. */
extern const tb_pace tb_pace_usual;

/* "20000-600-2000": microseconds of the three. parse: false for what is none. */
enum { TB_PACE_TEXT = 40 };
void tb_pace_print(const tb_pace *pace, char out[TB_PACE_TEXT]);
bool tb_pace_parse(const char *text, tb_pace *out);
/* To what print tells. */
tb_pace tb_pace_round(const tb_pace *pace);

/* Seconds to make the next m tokens of which `said` are before, with a prompt. */
double tb_pace_cost(const tb_pace *pace, size_t prompt_tokens, size_t said, size_t m);

/* Sizes in tokens. first: of the first piece. next: of the one after `said` tokens; *ahead, the
 * seconds of sound that are out and not yet played, is carried from call to call (0 at first). */
size_t tb_pace_first(const tb_pace *pace, size_t prompt_tokens);
size_t tb_pace_next(const tb_pace *pace, size_t prompt_tokens, size_t said, size_t last,
                    double *ahead);

/* Kept as JSON. read: false when there is none that makes sense. */
bool tb_pace_read(const char *path, tb_pace *out);
TB_MUST_CHECK tb_status tb_pace_write(const char *path, const tb_pace *pace, tb_err *err);

#endif
