#ifndef TB_NN_SCRATCH_H
#define TB_NN_SCRATCH_H

#include <stddef.h>

/*
 * An arena for one thread's temporaries, used as a stack: allocate, allocate, release to a mark.
 * Memory is kept for the next call until trim or free returns it to the system. Allocations are
 * 64-byte aligned and not zeroed. The program aborts when the machine is out of memory: sizes were
 * bounded where the request was checked.
 */
typedef struct tb_scratch tb_scratch;

tb_scratch *tb_scratch_new(void);
void tb_scratch_free(tb_scratch *s);
float *tb_scratch_f32(tb_scratch *s, size_t n);
void *tb_scratch_bytes(tb_scratch *s, size_t n);
size_t tb_scratch_mark(const tb_scratch *s);
void tb_scratch_release(tb_scratch *s, size_t mark);
void tb_scratch_trim(tb_scratch *s); /* frees what lies above the current mark */

#endif
