#ifndef TB_NN_SCRATCH_H
#define TB_NN_SCRATCH_H

#include <stddef.h>

/*
 * A stack of temporaries for one worker: take, take, release to a mark. Memory is kept for the next
 * call and given back by trim or free. Rows come 64-byte aligned and are not zeroed. The program
 * stops when the machine has none left: sizes were bounded where the request was checked.
 */
typedef struct tb_scratch tb_scratch;

tb_scratch *tb_scratch_new(void);
void tb_scratch_free(tb_scratch *s);
float *tb_scratch_f32(tb_scratch *s, size_t n);
void *tb_scratch_bytes(tb_scratch *s, size_t n);
size_t tb_scratch_mark(const tb_scratch *s);
void tb_scratch_release(tb_scratch *s, size_t mark);
void tb_scratch_trim(tb_scratch *s); /* gives everything above the current mark back */

#endif
