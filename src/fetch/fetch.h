#ifndef TB_FETCH_FETCH_H
#define TB_FETCH_FETCH_H

#include "base/cancel.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Model files from the Hugging Face hub into a folder of ours, checked, resumed, or linked from a
 * cache that other programs have filled. The folder holds a whole model or none: what is on its way
 * lies beside it as "<name>.<12 digits of its sum>.part", and all files get their names at the end,
 * together with source.json, which says where they come from and what was checked. Killed at any
 * instant, the next call goes on where this one stopped.
 */

/* How long a server is borne with. 0 is the value behind it. */
typedef struct {
    int connect_ms; /* 10000 */
    int stall_s;    /* 30 at less than 100 bytes a second */
    int tries;      /* 5 in a row without progress */
    int backoff_ms; /* 1000 before the second try, twice that before the third, ... */
} tb_fetch_patience;

typedef struct {
    const char *endpoint;  /* HF_ENDPOINT; NULL or "": https://huggingface.co */
    const char *token;     /* HF_TOKEN; NULL or "": none */
    bool offline;          /* HF_HUB_OFFLINE: not one connection */
    const char *repo;      /* "ResembleAI/chatterbox-turbo" */
    const char *base_repo; /* has the files that repo lacks (nano); NULL: none */
    const char *revision;  /* of repo: branch, tag or commit; NULL or "": main */
    const char
        *variant; /* "turbo" or "nano", for a repository that has both; NULL: the one it has */
    const char *folder;      /* where the files go; made when absent */
    const char *base_folder; /* a model of base_repo that is already here, linked to; NULL: none */
    const char *cache;       /* tb_fetch_cache_folder; read, never written; NULL: none */
    uint64_t need_bytes;     /* must be free besides, for what is made of the files */
    tb_fetch_patience patience;
} tb_fetch_config;

typedef enum {
    TB_FETCH_ASKING,   /* the hub, for the revision and the list */
    TB_FETCH_CHECKING, /* sums of what is here already */
    TB_FETCH_LOADING,
    TB_FETCH_WAITING, /* for another process, or before another try */
} tb_fetch_state;

typedef struct {
    tb_fetch_state state;
    const char *file; /* NULL when it is about none */
    uint64_t file_done, file_total;
    uint64_t done, total; /* of all files, those that were here included; 0 until known */
    double bytes_per_s;   /* of the network, smoothed over seconds */
    const char *note;     /* while waiting: why */
} tb_fetch_progress;

/* Called on the caller's thread, at most ten times a second and whenever file or state change. */
typedef void (*tb_fetch_watch)(void *self, const tb_fetch_progress *progress);

typedef struct {
    char *folder;
    char commit[65];     /* of repo; "" for files that somebody put there by hand */
    uint64_t downloaded; /* bytes */
    int linked;          /* files that lie elsewhere and are linked to */
} tb_fetch_result;

/*
 * Any thread; takes as long as it takes. watch and cancel may be NULL. Offline it answers from the
 * folder and the cache alone, so a start calls it offline first. A folder that is whole is never
 * written to.
 * TB_EUNREADY: unreachable, or offline and files are missing (the sentence names them).
 * TB_ETIMEOUT: the server stalls. TB_EAUTH, TB_EFORBIDDEN, TB_ENOTFOUND: what the hub said, and
 * what to do. TB_EMODEL: the server sends something else than its list promises. TB_ENOSPACE,
 * TB_ECANCELLED, TB_EINVAL (config). After any of them the model that was in the folder before is
 * still there.
 */
TB_MUST_CHECK tb_status tb_fetch_model(const tb_fetch_config *config, tb_fetch_watch watch,
                                       void *self, const tb_cancel *cancel, tb_fetch_result *result,
                                       tb_err *err);
void tb_fetch_result_clear(tb_fetch_result *result);

/* The cache of Hugging Face's own programs: hub_cache (HF_HUB_CACHE), else hf_home (HF_HOME)/hub,
 * else the user's. NULL and "" are unset. Heap; NULL when the user has no home. */
char *tb_fetch_cache_folder(const char *hub_cache, const char *hf_home);

#endif
