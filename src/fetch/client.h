#ifndef TB_FETCH_CLIENT_H
#define TB_FETCH_CLIENT_H

#include "base/json.h"
#include "fetch/fetch.h"

/*
 * GET over HTTP: one transfer at a time, with redirects, resumption, bounded retries and
 * cancelling. Certificates are verified; the proxy variables of the environment are honoured. One
 * thread per client.
 */
typedef struct tb_client tb_client;

/* Told before a wait, with the sentence of what went wrong; then while nothing comes. */
typedef void (*tb_client_waiting)(void *self, const char *why);

/* config and cancel are borrowed until free. TB_EINVAL when endpoint or token cannot be one. */
TB_MUST_CHECK tb_status tb_client_new(const tb_fetch_config *config, const tb_cancel *cancel,
                                      tb_client_waiting waiting, void *self, tb_client **out,
                                      tb_err *err);
void tb_client_free(tb_client *client);

const char *tb_client_endpoint(const tb_client *client);     /* without a final slash */
char *tb_client_escape(tb_client *client, const char *text); /* for a path's part; heap */

/* What is to be got, and where its bytes go. */
typedef struct {
    const char *url;
    const char *what;  /* for sentences: "ve.safetensors of ResembleAI/chatterbox-turbo" */
    const char *repo;  /* for sentences about access */
    int64_t size;      /* of the whole; more or less than that is refused. -1: not known */
    uint64_t at;       /* bytes that are here; the rest is asked for */
    uint64_t received; /* over the network, repeated ones too */
    bool pieced;       /* what is here came in more than one piece */
    void *self;
    tb_status (*take)(void *self, const void *data, size_t size, tb_err *err);
    tb_status (*restart)(void *self, tb_err *err); /* forget what is here: it comes again from 0 */
} tb_get;

/* TB_OK: at is size. An error of take or restart ends it as it is. */
TB_MUST_CHECK tb_status tb_client_get(tb_client *client, tb_get *get, tb_err *err);

/* A small JSON reply. */
TB_MUST_CHECK tb_status tb_client_json(tb_client *client, const char *url, const char *what,
                                       const char *repo, tb_json **out, tb_err *err);

#endif
