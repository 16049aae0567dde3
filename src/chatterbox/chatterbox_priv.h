#ifndef TB_CHATTERBOX_CHATTERBOX_PRIV_H
#define TB_CHATTERBOX_CHATTERBOX_PRIV_H

#include "chatterbox/chatterbox.h"
#include "chatterbox/compute_lock.h"
#include "chatterbox/priority_priv.h"
#include "model/conditioner.h"
#include "model/flow.h"
#include "model/hift.h"
#include "model/perth.h"

#include <pthread.h>

enum { ID_LEN = 16 };

/* What is learnt after opening; everything else is constant. */
typedef struct {
    pthread_mutex_t lock;
    tb_pace pace;
} pace_box;

struct tb_chatterbox {
    tb_weights *weights;
    tb_t3 t3;
    tb_flow flow;
    tb_hift hift;
    tb_conditioner conditioner;
    tb_bpe *bpe;
    tb_conds voice; /* built in */
    bool has_voice;
    tb_perth *perth;
    tb_thread_pool *pool;
    pace_box *pace;
    tb_compute_lock *compute_lock; /* one long flow and vocoder at a time */
    tb_priority *priority;         /* of brief requests over long ones */
    tb_batcher *batcher;           /* everybody's steps of T3, together */
    char id[ID_LEN + 1];
    const char *model;
};

/* Does a voice fit the networks? */
TB_MUST_CHECK tb_status tb_chatterbox_check_voice(const tb_chatterbox *c, const tb_conds *v,
                                                  tb_err *err);

#endif
