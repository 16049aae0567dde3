#include "api/metrics.h"
#include "base/mem.h"
#include "http/http_priv.h"

#include <stdio.h>

/* Figures for /metrics: requests by route and status, and how long they took. A slot per route and
 * class of status would lose the status itself, so statuses get a small table per route. */
enum { ROUTES = 64, STATUSES = 12, BUCKETS = 10 };

static const double bounds[BUCKETS] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30};

struct tb_counts {
    pthread_mutex_t lock;
    struct {
        int status[STATUSES];
        unsigned long long n[STATUSES];
        uint64_t bucket[BUCKETS + 1]; /* each its own requests; the last one: longer than all */
        double sum;
    } routes[ROUTES + 1]; /* the last one: no route of ours */
};

struct tb_counts *tb_counts_new(void)
{
    struct tb_counts *c = tb_alloc(sizeof *c);
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

void tb_counts_free(struct tb_counts *c)
{
    if (!c) return;
    pthread_mutex_destroy(&c->lock);
    tb_free(c);
}

void tb_counts_add(tb_http *http, const tb_request *r, double seconds)
{
    struct tb_counts *c = http->counts;
    size_t i = r->route ? (size_t)(r->route - tb_routes) : ROUTES;
    if (i > ROUTES) i = ROUTES;
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
    for (size_t i = 0; i <= ROUTES; i++)
        for (int s = 0; s < STATUSES && c->routes[i].n[s]; s++) {
            labels[0].value = i < ROUTES ? tb_routes[i].method : "";
            labels[1].value = i < ROUTES ? tb_routes[i].path : "";
            snprintf(status, sizeof status, "%d", c->routes[i].status[s]);
            tb_metric_sample(out, "timbre_http_requests_total", labels, 3,
                             (double)c->routes[i].n[s]);
        }
    tb_metric_family(out, "timbre_http_request_duration_seconds", "histogram",
                     "From the headers to the last byte.");
    for (size_t i = 0; i < ROUTES && tb_routes[i].path; i++) {
        if (c->routes[i].n[0] == 0) continue;
        labels[0].value = tb_routes[i].method;
        labels[1].value = tb_routes[i].path;
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
    one(out, "timbre_jobs_queued", "gauge", "Jobs that wait.", s->queued);
    one(out, "timbre_jobs_running", "gauge", "Jobs being worked on.", s->running);
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
    tb_store_figures f = {0};
    tb_err err = {0};
    tb_metric_label info[] = {{"version", TB_VERSION},
                              {"engine", tb_engine_current(tb_service_engine(http->service))}};
    tb_metric_family(out, "timbre_info", "gauge", "Version and engine.");
    tb_metric_sample(out, "timbre_info", info, 2, 1);
    pthread_mutex_lock(&http->counts->lock);
    print_routes(http->counts, out);
    pthread_mutex_unlock(&http->counts->lock);
    one(out, "timbre_http_requests_in_flight", "gauge", "Requests being answered.",
        atomic_load(&http->in_flight));
    print_jobs(&s, out);
    if (tb_store_stats(tb_service_store(http->service), &f, &err) != TB_OK) return;
    one(out, "timbre_voices", "gauge", "Voices kept.", (double)f.voices);
    one(out, "timbre_clips", "gauge", "Entries of the history.", (double)f.clips);
    one(out, "timbre_clips_missing", "gauge", "Entries whose file is gone.",
        (double)f.clips_missing);
    one(out, "timbre_clip_bytes", "gauge", "Bytes of the history's sound.", (double)f.clip_bytes);
    one(out, "timbre_database_bytes", "gauge", "Bytes of the database.", (double)f.db_bytes);
}
