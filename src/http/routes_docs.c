/*
 * /openapi.json and /docs, both printed from the table of routes.
 *
 * A route's parameters are read from its row's words; those of speech from the table of request
 * parameters. Relies on api/openapi.h.
 */
#include "api/openapi.h"
#include "base/mem.h"
#include "http/route_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARAMS_MAX = TB_PARAM_COUNT, WORD = 32 };

struct described {
    tb_param_doc params[PARAMS_MAX];
    char words[PARAMS_MAX][3][WORD]; /* what the params point into */
};

static const char *type_word(const tb_param *p)
{
    return p->kind == TB_KIND_NUMBER   ? "number"
           : p->kind == TB_KIND_WHOLE  ? "integer"
           : p->kind == TB_KIND_SWITCH ? "boolean"
           : p->kind == TB_KIND_FILE   ? "file"
                                       : "string";
}

/* The table's. A file does not fit into a query. */
static size_t speech_params(bool query, bool with_text, struct described *d)
{
    size_t n = 0;
    for (size_t i = 0; i < TB_PARAM_COUNT; i++)
        if (!query || tb_params[i].kind != TB_KIND_FILE)
            d->params[n++] = (tb_param_doc){
                .name = tb_params[i].name,
                .type = type_word(&tb_params[i]),
                .in = query ? "query" : "form",
                .required = i == TB_PARAM_TEXT && with_text,
                .help = "",
                .param = &tb_params[i],
            };
    return n;
}

/* "text* string q,file* file f" */
static size_t read_params(const char *text, const char *method, struct described *d)
{
    size_t n = 0;
    if (*text == '@') return speech_params(strcmp(method, "GET") == 0, text[1] == '*', d);
    for (const char *p = text; *p && n < PARAMS_MAX; n++) {
        if (sscanf(p, "%31[^ ] %31[^ ] %31[^,]", d->words[n][0], d->words[n][1], d->words[n][2]) !=
            3)
            break;
        char *star = strchr(d->words[n][0], '*');
        if (star) *star = 0;
        bool query = strcmp(method, "GET") == 0 || strcmp(method, "PUT") == 0 ||
                     strcmp(method, "DELETE") == 0;
        d->params[n] = (tb_param_doc){
            .name = d->words[n][0],
            .type = d->words[n][1],
            .in = d->words[n][2][0] == 'p' ? "path"
                  : query                  ? "query"
                                           : "form",
            .required = star != NULL,
            .help = "",
        };
        p += strcspn(p, ",");
        p += *p == ',';
        if (query && d->words[n][1][0] == 'f') n--; /* a file does not fit into a query */
    }
    return n;
}

/* One of each route; the caller frees both. */
static size_t describe(tb_route_doc **docs, struct described **d)
{
    const size_t n = tb_route_count();
    *docs = tb_alloc(n * sizeof **docs);
    *d = tb_alloc(n * sizeof **d);
    for (size_t i = 0; i < n; i++) {
        const tb_route *t = tb_route_at(i);
        (*docs)[i] = (tb_route_doc){
            .method = t->method,
            .path = t->path,
            .summary = t->summary,
            .params = (*d)[i].params,
            .n_params = read_params(t->params, t->method, &(*d)[i]),
            .auth = true,
            .reply_type = t->reply,
        };
    }
    return n;
}

static tb_status get_openapi(tb_request *r, tb_err *err)
{
    tb_route_doc *docs;
    struct described *d;
    (void)err;
    size_t n = describe(&docs, &d);
    tb_reply_json(r, 200, tb_openapi_print(docs, n, r->base));
    tb_free(docs);
    tb_free(d);
    return TB_OK;
}

/* @ stands for the base. */
static const char page_head[] =
    "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport "
    "content=\"width=device-width\"><title>timbre API</title><style>body{font:16px/1.5 "
    "system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 "
    "1rem;color:#1c2330}h2{font:600 "
    "1rem ui-monospace,monospace;margin:2rem 0 .2rem}h2 "
    "b{color:#0a6a5c}p{margin:.2rem 0}table{border-collapse:collapse}td{padding:.1rem 1rem .1rem "
    "0;font-size:.9rem}code{background:#eef2f4;padding:0 .3rem}form{margin:1rem 0;padding:1rem;"
    "background:#eef2f4;border-radius:.5rem}textarea{width:100%;box-sizing:border-box}</style>"
    "<h1>timbre API</h1><p>Every route asks for credentials (Basic, Bearer or xi-api-key). Forms, "
    "queries and JSON are read alike. Machine-readable: <a "
    "href=@/openapi.json>openapi.json</a>.</p>"
    "<form action=@/demo method=post><textarea name=text rows=2>This is a voice cloning "
    "demo.</textarea><p>ambience <input name=ambience_id placeholder=rain size=8> language <input "
    "name=language placeholder=en size=6> <button>Speak</button></p></form>";

static tb_status get_docs(tb_request *r, tb_err *err)
{
    tb_route_doc *docs;
    struct described *d;
    tb_str out;
    (void)err;
    size_t n = describe(&docs, &d);
    tb_str_init(&out, 1 << 20);
    /* A base has letters, digits and a few marks; all the rest is ours: nothing to escape. */
    for (const char *p = page_head; *p;) {
        size_t plain = strcspn(p, "@");
        tb_str_add(&out, p, plain);
        p += plain;
        if (*p) tb_str_puts(&out, r->base), p++;
    }
    for (size_t i = 0; i < n; i++) {
        tb_str_printf(&out, "<h2><b>%s</b> %s</h2><p>%s.</p><table>", docs[i].method, docs[i].path,
                      docs[i].summary);
        for (size_t k = 0; k < docs[i].n_params; k++) {
            const tb_param_doc *p = &docs[i].params[k];
            char range[128] = "", help[512] = "";
            if (p->param) {
                tb_param_range(p->param, range, sizeof range);
                tb_param_plain(p->param, help, sizeof help);
            }
            tb_str_printf(&out, "<tr><td><code>%s</code><td>%s<td>%s<td>%s<td>%s", p->name,
                          p->param ? range : p->type, p->in, p->required ? "required" : "", help);
        }
        tb_str_puts(&out, "</table>");
    }
    tb_str_puts(&out, "</html>\n");
    tb_reply_text(r, 200, "text/html; charset=utf-8", tb_str_take(&out));
    tb_reply_header(r, "Content-Security-Policy",
                    "default-src 'none'; style-src 'unsafe-inline'; media-src 'self'; "
                    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'");
    tb_free(docs);
    tb_free(d);
    return TB_OK;
}

/* clang-format off */
const tb_route tb_routes_docs[] = {
    {"GET",    "/openapi.json",               get_openapi,           0,        TB_GROUP_NONE,   TB_DESK_READS,  TB_JSON,  "The OpenAPI description", ""},
    {"GET",    "/docs",                       get_docs,              0,        TB_GROUP_NONE,   TB_DESK_READS,  "text/html",  "The API documentation as a page", ""},
    {0},
};
/* clang-format on */
