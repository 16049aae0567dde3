#include "api/print.h"
#include "base/mem.h"
#include "http/route_priv.h"

#include <stdio.h>
#include <string.h>

/* Requests for speech, and what became of them. */

tb_status tb_request_speak(tb_request *r, tb_speech_req *req, tb_err *err)
{
    tb_free(req->user);
    tb_free(req->request_id);
    req->user = tb_strdup(r->user);
    req->request_id = tb_strdup(r->id);
    r->streaming = req->stream;
    return tb_job_speech(r->http->service, req, tb_request_wake, r, &r->job, err);
}

static tb_status speak(tb_request *r, tb_speech_route route, tb_err *err)
{
    tb_speech_req req = {0};
    tb_status st =
        tb_speech_req_parse(route, &r->fields, (size_t)r->http->config->text_max, &req, err);
    if (!st) st = tb_request_speak(r, &req, err);
    tb_speech_req_clear(&req);
    return st;
}

static tb_status do_demo(tb_request *r, tb_err *err)
{
    return speak(r, TB_ROUTE_DEMO, err);
}

static tb_status post_generate(tb_request *r, tb_err *err)
{
    return speak(r, TB_ROUTE_GENERATE, err);
}

static tb_status get_job(tb_request *r, tb_err *err)
{
    tb_job_row row = {0};
    tb_status st = tb_store_job_get(tb_service_store(r->http->service), r->params[0], &row, err);
    if (!st && strcmp(row.user, r->user) != 0)
        st = tb_fail_field(err, TB_ENOTFOUND, "job_id", "Job not found");
    tb_job_row shown = row; /* why it failed may name a file of ours */
    tb_err why = {0};
    if (!st && row.error) {
        snprintf(why.msg, sizeof why.msg, "%s", row.error);
        tb_hide_paths(r->http->config->data, true, why.msg);
        shown.error = why.msg;
    }
    if (!st) tb_reply_json(r, 200, tb_print_job(&shown));
    tb_job_row_clear(&row);
    return st;
}

static tb_status delete_job(tb_request *r, tb_err *err)
{
    tb_status st = tb_job_cancel_id(r->http->service, r->params[0], r->user, err);
    if (!st) tb_reply_json(r, 200, tb_strdup("{\"status\":\"Job cancelled\"}"));
    return st;
}

/* clang-format off */
const tb_route tb_routes_speech[] = {
    {"GET",    "/demo",                       do_demo,               0,        TB_GROUP_NONE,   TB_DESK_READS,  TB_SOUND, "Generate speech with default settings; not stored", "@"},
    {"POST",   "/demo",                       do_demo,               -1,       TB_GROUP_NONE,   TB_DESK_READS,  TB_SOUND, "Generate speech with default settings; not stored", "@"},
    {"POST",   "/generate-tts",               post_generate,         -1,       TB_GROUP_NONE,   TB_DESK_READS,  TB_SOUND, "Generate speech in a voice; stored in the history", "@*"},
    {"GET",    "/jobs/{id}",                  get_job,               0,        TB_GROUP_NONE,   TB_DESK_READS,  TB_JSON,  "State of one of the caller's jobs", "id* string p"},
    {"DELETE", "/jobs/{id}",                  delete_job,            0,        TB_GROUP_NONE,   TB_DESK_READS,  TB_JSON,  "Cancel one of the caller's jobs", "id* string p"},
    {0},
};
/* clang-format on */
