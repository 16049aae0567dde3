#include "api/print.h"
#include "base/json.h"
#include "http/route_priv.h"

/* What a request may name: beds, languages, tags. */

static tb_status get_ambiences(tb_request *r, tb_err *err)
{
    (void)err;
    tb_reply_json(r, 200, tb_print_ambiences(tb_service_ambiences(r->http->service), r->base));
    return TB_OK;
}

static tb_status get_preview(tb_request *r, tb_err *err)
{
    tb_ambience bed;
    tb_status st =
        tb_ambience_find(tb_service_ambiences(r->http->service), r->params[0], &bed, err);
    if (!st) st = tb_job_preview(r->http->service, &bed, r->user, tb_request_wake, r, &r->job, err);
    return st;
}

static tb_status get_languages(tb_request *r, tb_err *err)
{
    const tb_language *list;
    (void)err;
    size_t n =
        tb_embedded_languages(tb_engine_embedded(tb_service_engine(r->http->service)), &list);
    tb_reply_json(r, 200, tb_print_languages(list, n));
    return TB_OK;
}

static tb_status get_tags(tb_request *r, tb_err *err)
{
    tb_json *list = tb_json_array();
    (void)err;
    for (int tag = 0; tag < TB_TAG_COUNT; tag++) {
        tb_json *o = tb_json_object();
        tb_json_set_string(o, "name", tb_tag_name((tb_tag)tag));
        tb_json_set_string(o, "kind",
                           tb_tag_kind_of((tb_tag)tag) == TB_TAG_SOUND ? "sound" : "tone");
        tb_json_add(list, o);
    }
    tb_reply_json(r, 200, tb_json_print(list));
    tb_json_free(list);
    return TB_OK;
}

/* clang-format off */
const tb_route tb_routes_lists[] = {
    {"GET",    "/ambiences",                  get_ambiences,         0,        TB_GROUP_LISTS,  TB_DESK_READS,  TB_JSON,  "List the ambience beds", ""},
    {"GET",    "/ambiences/{id}/preview",     get_preview,           0,        TB_GROUP_NONE,   TB_DESK_READS,  TB_SOUND, "A preview of a bed, six seconds long", "id* string p"},
    {"GET",    "/languages",                  get_languages,         0,        TB_GROUP_LISTS,  TB_DESK_NONE,   TB_JSON,  "List the supported languages", ""},
    {"GET",    "/tags",                       get_tags,              0,        TB_GROUP_LISTS,  TB_DESK_NONE,   TB_JSON,  "List the [tags] that a text may contain: tones and sounds", ""},
    {0},
};
/* clang-format on */
