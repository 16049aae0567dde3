#include "base/mem.h"
#include "http/http_priv.h"

#include <string.h>

/* Figures for /metrics: requests by route and status, and how long they took. A slot per route and
 * class of status would lose the status itself, so statuses get a small table per route. */
enum { ROUTES = 64, STATUSES = 12, BUCKETS = 10 };

static const double bounds[BUCKETS] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30};

struct tb_counts {
    pthread_mutex_t lock;
    struct {
        int status[STATUSES];
        unsigned long long n[STATUSES];
        unsigned long long bucket[BUCKETS], count;
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
    for (int b = 0; b < BUCKETS; b++)
        c->routes[i].bucket[b] += seconds <= bounds[b];
    c->routes[i].count++;
    c->routes[i].sum += seconds;
    pthread_mutex_unlock(&c->lock);
}

static void head(tb_str *out, const char *name, const char *kind, const char *help)
{
    tb_str_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

static void one(tb_str *out, const char *name, const char *kind, const char *help, double value)
{
    head(out, name, kind, help);
    tb_str_printf(out, "%s %.17g\n", name, value);
}

static void print_routes(struct tb_counts *c, tb_str *out)
{
    head(out, "timbre_http_requests_total", "counter", "Requests answered.");
    for (size_t i = 0; i <= ROUTES; i++)
        for (int s = 0; s < STATUSES && c->routes[i].n[s]; s++)
            tb_str_printf(
                out, "timbre_http_requests_total{method=\"%s\",route=\"%s\",status=\"%d\"} %llu\n",
                i < ROUTES ? tb_routes[i].method : "", i < ROUTES ? tb_routes[i].path : "",
                c->routes[i].status[s], c->routes[i].n[s]);
    head(out, "timbre_http_request_duration_seconds", "histogram",
         "From the headers to the last byte.");
    for (size_t i = 0; i < ROUTES; i++) {
        const char *m = tb_routes[i].method, *p = tb_routes[i].path;
        if (!p) break;
        if (c->routes[i].count == 0) continue;
        for (int b = 0; b < BUCKETS; b++)
            tb_str_printf(out,
                          "timbre_http_request_duration_seconds_bucket{method=\"%s\",route=\"%s\","
                          "le=\"%g\"} %llu\n",
                          m, p, bounds[b], c->routes[i].bucket[b]);
        tb_str_printf(
            out,
            "timbre_http_request_duration_seconds_bucket{method=\"%s\",route=\"%s\",le=\"+Inf\"} "
            "%llu\n"
            "timbre_http_request_duration_seconds_sum{method=\"%s\",route=\"%s\"} %.9g\n"
            "timbre_http_request_duration_seconds_count{method=\"%s\",route=\"%s\"} %llu\n",
            m, p, c->routes[i].count, m, p, c->routes[i].sum, m, p, c->routes[i].count);
    }
}

void tb_counts_print(tb_http *http, tb_str *out)
{
    tb_service_stats s = tb_service_look(http->service);
    tb_store_figures f = {0};
    tb_err err = {0};
    pthread_mutex_lock(&http->counts->lock);
    print_routes(http->counts, out);
    pthread_mutex_unlock(&http->counts->lock);
    one(out, "timbre_http_requests_in_flight", "gauge", "Requests being answered.",
        atomic_load(&http->in_flight));
    one(out, "timbre_jobs_queued", "gauge", "Jobs that wait.", s.queued);
    one(out, "timbre_jobs_running", "gauge", "Jobs being worked on.", s.running);
    one(out, "timbre_workers", "gauge", "Worker threads.", s.workers);
    head(out, "timbre_jobs_total", "counter", "Jobs that ended, by how.");
    tb_str_printf(
        out,
        "timbre_jobs_total{result=\"done\"} %llu\ntimbre_jobs_total{result=\"failed\"} %llu\n"
        "timbre_jobs_total{result=\"cancelled\"} %llu\ntimbre_jobs_total{result=\"refused\"} "
        "%llu\n",
        (unsigned long long)s.done, (unsigned long long)s.failed, (unsigned long long)s.cancelled,
        (unsigned long long)s.refused);
    one(out, "timbre_audio_seconds_total", "counter", "Seconds of sound made.", s.audio_seconds);
    one(out, "timbre_work_seconds_total", "counter", "Seconds that workers spent.", s.work_seconds);
    if (tb_store_stats(tb_service_store(http->service), &f, &err) == TB_OK) {
        one(out, "timbre_voices", "gauge", "Voices kept.", (double)f.voices);
        one(out, "timbre_clips", "gauge", "Entries of the history.", (double)f.clips);
        one(out, "timbre_clips_missing", "gauge", "Entries whose file is gone.",
            (double)f.clips_missing);
        one(out, "timbre_clip_bytes", "gauge", "Bytes of the history's sound.",
            (double)f.clip_bytes);
        one(out, "timbre_database_bytes", "gauge", "Bytes of the database.", (double)f.db_bytes);
    }
    one(out, "timbre_up", "gauge", "1 while the server answers.", 1);
    head(out, "timbre_info", "gauge", "Version and engine.");
    tb_str_printf(out, "timbre_info{version=\"%s\",engine=\"%s\"} 1\n", TB_VERSION,
                  tb_engine_current(tb_service_engine(http->service)));
}
