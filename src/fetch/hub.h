#ifndef TB_FETCH_HUB_H
#define TB_FETCH_HUB_H

#include "fetch/client.h"
#include "fetch/digest.h"

/*
 * What is known of the Hugging Face hub: its addresses, its lists, the layout of its cache. All of
 * it is from public documentation and lives in hub.c.
 */
enum { TB_COMMIT_TEXT = 65 };

/* "owner/name", of letters, digits, '.', '_', '-': fit for addresses and folder names. */
bool tb_hub_repo_valid(const char *repo);
bool tb_hub_is_commit(const char *revision);

/* Branch or tag -> commit. */
TB_MUST_CHECK tb_status tb_hub_resolve(tb_client *client, const char *repo, const char *revision,
                                       char commit[TB_COMMIT_TEXT], tb_err *err);

/* A file that the hub lists, of those that were asked for. */
typedef struct {
    const char *name;
    bool found;
    uint64_t size;
    char oid[TB_OID_TEXT];
} tb_hub_file;

/* Fills in found, size and oid of the files that repo has at its top. */
TB_MUST_CHECK tb_status tb_hub_list(tb_client *client, const char *repo, const char *commit,
                                    tb_hub_file *files, size_t n, tb_err *err);
/* One question with little patience, for `timbre doctor`: does the hub answer, and does it know
 * config's repo and revision? The sentence of err says what it is that does not. */
TB_MUST_CHECK tb_status tb_hub_test(const tb_fetch_config *config, tb_err *err);
char *tb_hub_file_url(const tb_client *client, const char *repo, const char *commit,
                      const char *name);

/* The cache of Hugging Face's own programs. */

/* The commit that revision had when the cache was filled; false when it does not know. */
bool tb_hub_cache_commit(const char *cache, const char *repo, const char *revision,
                         char commit[TB_COMMIT_TEXT]);
/* Where a file of a commit lies, links resolved: heap, NULL when it is not there. oid gets the sum
 * that the cache's name for it tells, "" when it tells none. */
char *tb_hub_cache_file(const char *cache, const char *repo, const char *commit, const char *name,
                        char oid[TB_OID_TEXT]);
/* Where the content with this sum lies, whatever the commit. */
char *tb_hub_cache_blob(const char *cache, const char *repo, const char *oid);

#endif
