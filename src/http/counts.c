/*
 * Figures for /metrics: requests by route and status, their durations, and what job and store
 * report.
 *
 * Counters are guarded by one lock. The store is asked on a thread of its own, since it may wait
 * for the disk, and only when something changed. Printed in the text format of Prometheus
 * (api/metrics.h).
 */
#include "api/metrics.h"
#include "base/cond.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/route_priv.h"

#include <stdio.h>

/* Figures for /metrics: requests by route and status, and how long they took. A slot per route and
 * class of status would lose the status itself, so statuses get a small table per route. */
enum { STATUSES = 12, BUCKETS = 10 };

static const double bounds[BUCKETS] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30};

static const int64_t LOOK_EVERY_NS = 1000000000;

struct tb_counts {
    pthread_mutex_t lock;
    pthread_cond_t end;
    pthread_t stats_conn;
    bool looking, ending;
    bool known; /* stored was read */
    tb_store_figures stored;
    size_t n_routes;
    struct {
        int status[STATUSES];
        unsigned long long n[STATUSES];
        uint64_t bucket[BUCKETS + 1]; /* each its own requests; the last one: longer than all */
        double sum;
    } routes[]; /* one more than there are: no route of ours */
};

/* Looks at the store once a second. While another process holds the database it waits here, and
 * /metrics shows the previous figures. */
static void *look_at_store(void *arg)
{
    tb_http *http = arg;
    struct tb_counts *c = http->counts;
    tb_store_figures f = {0};
    pthread_mutex_lock(&c->lock);
    while (!c->ending) {
        tb_err err = {0};
        bool changed = false;
        pthread_mutex_unlock(&c->lock);
        tb_status st =
            tb_store_stats_if_changed(tb_service_store(http->service), &f, &changed, &err);
        if (st) tb_log(TB_DEBUG, "http", "figures=old why=\"%s\"", err.msg);
        pthread_mutex_lock(&c->lock);
        if (changed) {
            c->stored = f;
            c->known = true;
        }
        const struct timespec until = tb_cond_deadline(LOOK_EVERY_NS);
        if (!c->ending) pthread_cond_timedwait(&c->end, &c->lock, &until);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

tb_status tb_counts_start(tb_http *http, tb_err *err)
{
    const size_t n = tb_route_count();
    struct tb_counts *c = tb_alloc(sizeof *c + (n + 1) * sizeof c->routes[0]);
    c->n_routes = n;
    http->counts = c;
    pthread_mutex_init(&c->lock, NULL);
    tb_cond_init(&c->end);
    int why = pthread_create(&c->stats_conn, NULL, look_at_store, http);
    c->looking = why == 0;
    return why ? tb_fail_errno(err, why, "cannot start the thread that reads the figures") : TB_OK;
}

void tb_counts_stop(tb_http *http)
{
    struct tb_counts *c = http->counts;
    if (!c) return;
    pthread_mutex_lock(&c->lock);
    c->ending = true;
    pthread_cond_signal(&c->end);
    pthread_mutex_unlock(&c->lock);
    if (c->looking) pthread_join(c->stats_conn, NULL);
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->end);
    tb_free(c);
    http->counts = NULL;
}

void tb_counts_add(tb_http *http, const tb_request *r, double seconds)
{
    struct tb_counts *c = http->counts;
    const size_t i = r->route ? r->route_index : c->n_routes;
    pthread_mutex_lock(&c->lock);
    int s = 0;
    while (s < STATUSES - 1 && c->routes[i].status[s] && c->routes[i].status[s] != r->status)
        s++;
    c->routes[i].status[s] = r->status;
    c->routes[i].n[s]++;
    int b = 0;
    while (b < BUCKETS && seconds > bounds[b])
        b++;
    c->routes[i].bucket[b]++;
    c->routes[i].sum += seconds;
    pthread_mutex_unlock(&c->lock);
}

static void one(tb_str *out, const char *name, const char *kind, const char *help, double value)
{
    tb_metric_family(out, name, kind, help);
    tb_metric_sample(out, name, NULL, 0, value);
}

static void print_routes(struct tb_counts *c, tb_str *out)
{
    char status[16];
    tb_metric_label labels[3] = {{"method", ""}, {"route", ""}, {"status", status}};
    tb_metric_family(out, "timbre_http_requests_total", "counter", "Requests answered.");
    for (size_t i = 0; i <= c->n_routes; i++)
        for (int s = 0; s < STATUSES && c->routes[i].n[s]; s++) {
            const tb_route *t = tb_route_at(i); /* NULL: none of ours */
            labels[0].value = t ? t->method : "";
            labels[1].value = t ? t->path : "";
            snprintf(status, sizeof status, "%d", c->routes[i].status[s]);
            tb_metric_sample(out, "timbre_http_requests_total", labels, 3,
                             (double)c->routes[i].n[s]);
        }
    tb_metric_family(out, "timbre_http_request_duration_seconds", "histogram",
                     "From the headers to the last byte.");
    for (size_t i = 0; i < c->n_routes; i++) {
        if (c->routes[i].n[0] == 0) continue;
        labels[0].value = tb_route_at(i)->method;
        labels[1].value = tb_route_at(i)->path;
        tb_metric_histogram(out, "timbre_http_request_duration_seconds", labels, 2, bounds,
                            c->routes[i].bucket, BUCKETS, c->routes[i].sum);
    }
}

static void print_jobs(const tb_service_stats *s, tb_str *out)
{
    const struct {
        const char *result;
        uint64_t n;
    } ends[] = {{"done", s->done},
                {"failed", s->failed},
                {"cancelled", s->cancelled},
                {"refused", s->refused}};
    one(out, "timbre_jobs_queued", "gauge",
        "Jobs that wait, for a worker or for the turn of their next sentence.", s->queued);
    one(out, "timbre_jobs_running", "gauge", "Jobs that a worker is at now.", s->running);
    one(out, "timbre_workers", "gauge", "Worker threads.", s->workers);
    tb_metric_family(out, "timbre_jobs_total", "counter", "Jobs that ended, by how.");
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        tb_metric_label label = {"result", ends[i].result};
        tb_metric_sample(out, "timbre_jobs_total", &label, 1, (double)ends[i].n);
    }
    one(out, "timbre_audio_seconds_total", "counter", "Seconds of sound made.", s->audio_seconds);
    one(out, "timbre_work_seconds_total", "counter", "Seconds that workers spent.",
        s->work_seconds);
}

void tb_counts_print(tb_http *http, tb_str *out)
{
    tb_service_stats s = tb_service_look(http->service);
    tb_metric_label info[] = {{"version", TB_VERSION},
                              {"engine", tb_engine_kind_name(
                                             tb_engine_current(tb_service_engine(http->service)))}};
    tb_metric_family(out, "timbre_info", "gauge", "Version and engine.");
    tb_metric_sample(out, "timbre_info", info, 2, 1);
    pthread_mutex_lock(&http->counts->lock);
    print_routes(http->counts, out);
    const tb_store_figures f = http->counts->stored;
    bool known = http->counts->known;
    pthread_mutex_unlock(&http->counts->lock);
    one(out, "timbre_http_requests_in_flight", "gauge", "Requests being answered.",
        atomic_load(&http->in_flight));
    print_jobs(&s, out);
    if (!known) return;
    one(out, "timbre_voices", "gauge", "Voices kept.", (double)f.voices);
    one(out, "timbre_clips", "gauge", "Entries of the history.", (double)f.clips);
    one(out, "timbre_clips_missing", "gauge", "Entries whose file is gone.",
        (double)f.clips_missing);
    one(out, "timbre_clip_bytes", "gauge", "Bytes of the history's sound.", (double)f.clip_bytes);
    one(out, "timbre_database_bytes", "gauge", "Bytes of the database.", (double)f.db_bytes);
}
