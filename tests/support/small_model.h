#ifndef TB_TEST_SMALL_MODEL_H
#define TB_TEST_SMALL_MODEL_H

#include "base/file.h"
#include "base/mem.h"
#include "seedmodel/seed.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The small seeded model (docs/model/seeded.md) in a folder. Whatever goes wrong in here ends the
 * test program with a line. */

void small_must(tb_status st, const tb_err *err);

/* One of its weight files; change (may be NULL) sees the list before it is written. */
void small_file(const char *folder, const char *stem,
                void (*change)(tb_seed_list *list, void *self), void *self);

/* All of it. bias: of STOP; NULL: the usual one. */
void small_model(const char *folder, const char *t3, double *bias);

#endif
