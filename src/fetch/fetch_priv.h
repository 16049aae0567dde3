#ifndef TB_FETCH_FETCH_PRIV_H
#define TB_FETCH_FETCH_PRIV_H

#include "base/json.h"
#include "catalogue/catalogue.h"
#include "fetch/client.h"
#include "fetch/digest.h"
#include "fetch/fetch.h"
#include "fetch/hub.h"

/*
 * One call of tb_fetch_model. Its files are items: planned from what the folder, the cache or the
 * hub says (plan.c), looked for where they may lie already (fetch.c), loaded (load.c), and given
 * their names all at once.
 */

/* Files by number: the T3 of each model, of which one is wanted, then those that all models have.
 */
enum {
    TURBO,
    NANO,
    COMMON = TB_CATALOGUE_MODELS,
    NAMES = COMMON + TB_CATALOGUE_FILES,
    ITEMS = 1 + TB_CATALOGUE_FILES
};
const char *tb_fetch_name(size_t i);

typedef enum {
    MISSING, /* and to be downloaded */
    THERE,   /* right, under its name */
    LINKED,  /* right, elsewhere */
    LOADED,  /* right, as .part */
} tb_fetch_item_state;

typedef struct {
    const char *name, *repo, *commit;
    uint64_t size;
    char oid[TB_OID_TEXT]; /* "": offline, and nothing tells the sum */
    tb_fetch_item_state state;
    char *path, *part;
    char *link; /* LINKED: where it lies */
} tb_fetch_item;

typedef struct {
    const tb_fetch_config *config;
    const char *revision;
    tb_fetch_watch watch;
    void *self;
    const tb_cancel *cancel;
    tb_client *client; /* NULL offline */
    tb_json *source;   /* of the folder; NULL none */
    char commit[TB_COMMIT_TEXT], base_commit[TB_COMMIT_TEXT];
    tb_fetch_item items[ITEMS]; /* the T3 file first */
    size_t n;
    tb_fetch_progress now;
    int64_t told_ns, rate_ns; /* when the watcher was told, and the rate measured, last */
    uint64_t rate_at, downloaded;
    int fd;            /* of the .part being loaded */
    tb_digest *digest; /* of it */
} tb_fetch_run;

/* ---- watch.c: what the caller hears, and sums of files that are here */
void tb_fetch_tell(tb_fetch_run *r, bool at_once);
void tb_fetch_enter(tb_fetch_run *r, tb_fetch_state state, const tb_fetch_item *it);
void tb_fetch_count(tb_fetch_run *r, uint64_t file_done);
void tb_fetch_measure_rate(tb_fetch_run *r);
void tb_fetch_on_wait(void *self, const char *why);
/* Adds the file's bytes from the start to the digest. *ok is false when it cannot be read. */
TB_MUST_CHECK tb_status tb_fetch_sum_file(tb_fetch_run *r, int fd, uint64_t size, bool *ok,
                                          tb_err *err);
/* Is the file at path what the item must be? Without a sum its size has to do. */
TB_MUST_CHECK tb_status tb_fetch_is_right(tb_fetch_run *r, const tb_fetch_item *it,
                                          const char *path, bool *right, tb_err *err);

/* ---- plan.c: which files, of which size and sum */
/* What the folder is without any connection and without writing. known: source.json tells it;
 * whole: every file is as it was when checked. */
TB_MUST_CHECK tb_status tb_fetch_plan_from_folder(tb_fetch_run *r, bool *known, bool *whole,
                                                  tb_err *err);
bool tb_fetch_revision_fits(const tb_fetch_run *r); /* source.json is about the one wanted */
TB_MUST_CHECK tb_status tb_fetch_plan_from_cache(tb_fetch_run *r, tb_err *err);
TB_MUST_CHECK tb_status tb_fetch_plan_from_hub(tb_fetch_run *r, tb_err *err);
void tb_fetch_drop_items(tb_fetch_run *r);

/* ---- load.c: one file into its .part, from where it was cut off, its sum checked */
TB_MUST_CHECK tb_status tb_fetch_load(tb_fetch_run *r, tb_fetch_item *it, tb_err *err);

#endif
