#ifndef TB_TEST_MODEL_SERVER_H
#define TB_TEST_MODEL_SERVER_H

#include "base/json.h"
#include "base/str.h"
#include "client.h"
#include "folder.h"
#include "patience.h"
#include "small_hub.h"

#include <ftw.h>
#include <poll.h>
#include <pthread.h>

/*
 * The server with the small seeded model: who speaks and why, that a seed means what it says, and
 * that a model which arrives while people are being served disturbs none of them.
 */

static char home[] = "/tmp/timbre-api-model-XXXXXX";

static api_server server; /* with the model, for most tests */

static small_hub *hub;

static inline void assert_status(const api_reply *r, int status)
{
    if (r->status != status)
        print_message("status %d, body: %.400s\n", r->status, r->body ? (char *)r->body : "");
    assert_int_equal(r->status, status);
    assert_true(r->complete);
}

static inline void header_is(const api_reply *r, const char *name, const char *value)
{
    char *got = api_header(r, name);
    if (!got != !value || (got && value && strcmp(got, value) != 0))
        fail_msg("%s is %s, wanted %s", name, got ? got : "(none)", value ? value : "(none)");
    free(got);
}

static inline int stop(void **state)
{
    (void)state;
    small_hub_stop();
    test_folder_remove(home);
    return api_stop(&server);
}

#endif
