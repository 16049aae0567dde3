#ifndef TB_AMBIENCE_SET_PRIV_H
#define TB_AMBIENCE_SET_PRIV_H

#include "ambience/bed_priv.h"

#include <pthread.h>

/* The beds of a server: set.c makes the list, names.c reads names, cache.c remembers levels and
 * decoded files. */

enum {
    TB_AMBIENCE_FILES = 256,
    TB_AMBIENCE_ENTRIES = TB_RECIPES + TB_AMBIENCE_FILES,
    TB_AMBIENCE_GAINS = 128, /* kept; the oldest is replaced */
};

typedef struct {
    tb_ambience_info info;
    const tb_recipe *recipe;               /* NULL for a file */
    char *id, *title, *description, *path; /* heap, of files */
    tb_loop *loop;                         /* kept, with one reference; under the lock */
} tb_entry;

typedef struct {
    const tb_recipe *recipe;
    uint64_t seed;
    int rate_hz;
    double gain_db;
} tb_gain;

struct tb_ambience_set {
    tb_entry entries[TB_AMBIENCE_ENTRIES];
    size_t n;
    pthread_mutex_t lock; /* of the two caches below and of references to loops */
    tb_gain gains[TB_AMBIENCE_GAINS];
    size_t n_gains; /* ever remembered */
};

/* Releases a reference; the set's lock is held, or no other thread exists. */
void tb_ambience_release(tb_loop *loop);

#endif
