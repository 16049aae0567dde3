#ifndef TB_CHATTERBOX_INSTALL_H
#define TB_CHATTERBOX_INSTALL_H

#include "base/cancel.h"
#include "catalogue/catalogue.h"
#include "chatterbox/chatterbox.h"
#include "fetch/fetch.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * From "no model" to a model that speaks: where it lies, how it gets there, what it becomes.
 *
 *   folder/chatterbox-turbo/                the published files
 *   folder/chatterbox-turbo-<type>.gguf     made once from them, mapped at every start
 */
typedef struct {
    const char *path;    /* a folder or a .gguf that the user names; NULL or "": ours, in folder */
    const char *folder;  /* where ours lie */
    const char *variant; /* turbo | nano */
    tb_model_type type;
    const char *perth; /* the watermark's weights; NULL or "": beside the model */
    size_t threads;    /* 0: one per core */
    double idle_ttl_s; /* without a request for so long it is closed; 0: never */
    bool download;     /* fetch what is missing, in tb_engine_warm */
    const char *endpoint, *token, *revision, *cache; /* as tb_fetch_config has them */
    bool offline;
} tb_model_config;

tb_dtype tb_model_dtype(tb_model_type type); /* as the networks know it */

typedef struct {
    const char *state; /* "downloading", "converting", "loading", "waiting", "failed": constants */
    char file[64];     /* "" when it is about none */
    uint64_t done, total;
    double bytes_per_s;
    char note[256]; /* why it waits or failed; "" */
} tb_model_progress;

typedef void (*tb_model_watch)(void *self, const tb_model_progress *progress);

/* Is there something to load, now and without the network? The path is heap; NULL: no. A folder of
 * ours whose one file is not made yet counts as not. */
char *tb_model_installed(const tb_model_config *config);

/* Opens what tb_model_installed found. */
TB_MUST_CHECK tb_status tb_model_open(const tb_model_config *config, const char *path,
                                      tb_chatterbox **out, tb_err *err);

/* Fetches (unless the files are there) and makes the one file; *path is heap. */
TB_MUST_CHECK tb_status tb_model_install(const tb_model_config *config, tb_model_watch watch,
                                         void *self, const tb_cancel *cancel, char **path,
                                         tb_err *err);

#endif
