#ifndef TB_TEST_FETCH_HELP_H
#define TB_TEST_FETCH_HELP_H

#include "base/file.h"
#include "base/json.h"
#include "fetch/fetch.h"
#include "hub.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* Each test has an empty working folder, a hub that is honest and counts, and a configuration. */

/* Each test has an empty working folder, a hub that is honest and counts, and this configuration.
 */
static char home[] = "/tmp/timbre-test-fetch-XXXXXX";

static char endpoint[64];

static tb_fetch_config config;

static inline int shell(const char *line)
{
    int status = system(line); /* NOLINT: a test's own lines */
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
}

static inline int begin(void **state)
{
    (void)state;
    static const char *const unset[] = {"http_proxy",  "https_proxy", "all_proxy",
                                        "HTTPS_PROXY", "ALL_PROXY",   "no_proxy"};
    for (size_t i = 0; i < sizeof unset / sizeof unset[0]; i++)
        unsetenv(unset[i]);
    signal(SIGPIPE, SIG_IGN);
    return mkdtemp(home) && chdir(home) == 0 ? hub_start() : -1;
}

static inline int end(void **state)
{
    (void)state;
    hub_stop();
    return chdir("/") || rmdir(home);
}

static inline int before(void **state)
{
    (void)state;
    hub_reset();
    snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%d", hub->port);
    config = (tb_fetch_config){
        .endpoint = endpoint,
        .repo = HUB_TURBO,
        .folder = "model",
        .patience = {.connect_ms = 2000, .stall_s = 1, .tries = 3, .backoff_ms = 10}};
    return 0;
}

static inline int after(void **state)
{
    (void)state;
    return shell("rm -rf model nano cache other");
}

#define hub_test(f) cmocka_unit_test_setup_teardown(f, before, after)

static inline void has(const char *folder, int file, int generation)
{
    char *path = tb_path_join(folder, hub_files[file].name), *data = NULL;
    char *wanted = hub_content(file, generation);
    size_t size = 0;
    tb_err err = {0};
    if (tb_file_read(path, 1 << 20, &data, &size, &err) != TB_OK) fail_msg("%s", err.msg);
    assert_int_equal(size, hub_files[file].size);
    assert_memory_equal(data, wanted, size);
    tb_free(wanted);
    tb_free(data);
    tb_free(path);
}

static inline void has_turbo(const char *folder, int generation)
{
    for (int i = 0; i < HUB_FILES; i++)
        if (i != HUB_T3_NANO) has(folder, i, generation);
}

/* Names in a folder that end so. */
static inline int count(const char *folder, const char *suffix)
{
    DIR *dir = opendir(folder);
    int n = 0;
    if (!dir) return 0;
    for (struct dirent *e; (e = readdir(dir));)
        n += tb_str_ends(e->d_name, suffix) && strcmp(e->d_name, ".") != 0 &&
             strcmp(e->d_name, "..") != 0;
    closedir(dir);
    return n;
}

/* Nothing under a model's name, and no part but what can be gone on with. */
static inline void nothing_broken(int parts)
{
    assert_int_equal(count("model", ".safetensors"), 0);
    assert_int_equal(count("model", ".json"), 0);
    assert_int_equal(count("model", ".part"), parts);
}

static inline tb_fetch_result pull(void)
{
    tb_fetch_result result = {0};
    tb_err err = {0};
    if (tb_fetch_model(&config, NULL, NULL, NULL, &result, &err) != TB_OK)
        fail_msg("not pulled: %s", err.msg);
    return result;
}

static inline uint64_t pulled(void)
{
    tb_fetch_result result = pull();
    uint64_t bytes = result.downloaded;
    tb_fetch_result_clear(&result);
    return bytes;
}

/* The sentence must have both words. */
static inline void refused(tb_status wanted, const char *word, const char *other)
{
    tb_fetch_result result = {0};
    tb_err err = {0};
    tb_status st = tb_fetch_model(&config, NULL, NULL, NULL, &result, &err);
    if (st != wanted || !strstr(err.msg, word) || !strstr(err.msg, other))
        fail_msg("status %s, \"%s\"", tb_status_name(st), err.msg);
    assert_null(result.folder);
}

static inline uint64_t turbo_bytes(void)
{
    uint64_t n = 0;
    for (int i = 0; i < HUB_FILES; i++)
        if (i != HUB_T3_NANO) n += (uint64_t)hub_files[i].size;
    return n;
}

typedef struct {
    int calls, waits;
    bool noted;
    uint64_t done, total;
    tb_cancel *cancel;
    tb_fetch_state cancel_in;
    uint64_t cancel_at;
    int64_t asked_ns;
} watched;

static inline void on_progress(void *self, const tb_fetch_progress *p)
{
    watched *w = self;
    w->calls++;
    if (p->state == TB_FETCH_WAITING) {
        w->waits++;
        w->noted = w->noted || (p->note && *p->note);
    }
    assert_true(p->file_done <= p->file_total || !p->file);
    assert_true(p->done <= p->total || p->total == 0);
    w->done = p->done;
    w->total = p->total;
    if (w->cancel && p->state == w->cancel_in && p->file_done >= w->cancel_at &&
        !tb_cancelled(w->cancel)) {
        tb_cancel_set(w->cancel);
        w->asked_ns = tb_clock_mono_ns();
    }
}

#endif
