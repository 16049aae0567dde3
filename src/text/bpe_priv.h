#ifndef TB_TEXT_BPE_PRIV_H
#define TB_TEXT_BPE_PRIV_H

#include "text/bpe.h"

/* What bpe_read.c makes of the files and bpe.c encodes with. */

/* Two ids side by side become one; the lowest rank goes first. */
typedef struct {
    int32_t left, right; /* left < 0: an empty slot */
    int32_t joined;
    uint32_t rank;
} tb_bpe_merge;

typedef struct {
    char *text;
    size_t len;
    int32_t id;
} tb_bpe_added;

struct tb_bpe {
    int32_t bytes[256];   /* id of each byte */
    tb_bpe_merge *merges; /* open addressing, a power of two, at most half full */
    size_t n_slots;
    tb_bpe_added *added; /* longest first, so that the first that matches is the longest */
    size_t n_added;
    size_t size, limit;
};

/* NULL when the pair does not join. */
const tb_bpe_merge *tb_bpe_joins(const tb_bpe *bpe, int32_t left, int32_t right);
/* The slot of the pair, empty when it is new. */
tb_bpe_merge *tb_bpe_slot(tb_bpe_merge *merges, size_t n_slots, int32_t left, int32_t right);

#endif
