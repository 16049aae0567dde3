#include "api/print.h"
#include "base/mem.h"
#include "http/route_priv.h"

#include <stdio.h>

/* Routes about the server itself: status, liveness, readiness, metrics. */

static tb_status get_root(tb_request *r, tb_err *err)
{
    tb_engine *engine = tb_service_engine(r->http->service);
    const tb_language *list;
    (void)err;
    size_t n = tb_embedded_languages(tb_engine_embedded(engine), &list);
    tb_model_progress progress;
    bool busy = tb_engine_progress(engine, &progress);
    tb_reply_json(r, 200,
                  tb_print_status(tb_engine_current(engine), tb_engine_model(engine), n,
                                  busy ? &progress : NULL));
    return TB_OK;
}

static tb_status get_health(tb_request *r, tb_err *err)
{
    (void)err;
    tb_reply_json(r, 200, tb_strdup("{\"status\":\"ok\"}"));
    return TB_OK;
}

static tb_status get_ready(tb_request *r, tb_err *err)
{
    tb_service_stats s = tb_service_look(r->http->service);
    if (s.stopping) return tb_fail(err, TB_EUNREADY, "the server is stopping");
    tb_reply_json(r, 200,
                  tb_sprintf("{\"status\":\"ready\",\"warm\":%s,\"queued\":%d,\"running\":%d}",
                             s.warm ? "true" : "false", s.queued, s.running));
    return TB_OK;
}

static tb_status get_metrics(tb_request *r, tb_err *err)
{
    tb_str out;
    (void)err;
    tb_str_init(&out, 1 << 20);
    tb_counts_print(r->http, &out);
    tb_reply_text(r, 200, "text/plain; version=0.0.4; charset=utf-8", tb_str_take(&out));
    return TB_OK;
}

/* clang-format off */
const tb_route tb_routes_server[] = {
    {"GET",    "/",                           get_root,              0,        TB_GROUP_HEALTH, TB_DESK_NONE,   TB_JSON,  "Status: engine, model, languages, progress of a download", ""},
    {"GET",    "/health",                     get_health,            0,        TB_GROUP_HEALTH, TB_DESK_NONE,   TB_JSON,  "Liveness", ""},
    {"GET",    "/ready",                      get_ready,             0,        TB_GROUP_HEALTH, TB_DESK_NONE,   TB_JSON,  "Readiness: 503 while stopping", ""},
    {"GET",    "/metrics",                    get_metrics,           0,        TB_GROUP_NONE,   TB_DESK_NONE,   "text/plain", "Metrics in the Prometheus text format", ""},
    {0},
};
/* clang-format on */
