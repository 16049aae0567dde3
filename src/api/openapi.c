/*
 * /openapi.json from the table of routes and the table of request parameters (params/params.h).
 *
 * Ranges, choices, defaults and sentences of a parameter are printed from its row, so the document
 * cannot differ from what is checked. Strings are static; the JSON is heap.
 */
#include "api/openapi.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#include <string.h>

static const char *type_of(const tb_param *p)
{
    switch (p->kind) {
    case TB_KIND_NUMBER:
        return "number";
    case TB_KIND_WHOLE:
        return "integer";
    case TB_KIND_SWITCH:
        return "boolean";
    default:
        return "string";
    }
}

static tb_json *words_of(const char *choices)
{
    tb_json *all = tb_json_array();
    char *text = tb_strdup(choices), *save = NULL;
    for (char *w = strtok_r(text, "|", &save); w; w = strtok_r(NULL, "|", &save))
        tb_json_add(all, tb_json_string(w));
    tb_free(text);
    return all;
}

/* Range, choices and default of a row of the table. */
static tb_json *schema_of(const tb_param *p)
{
    tb_json *s = tb_json_object();
    char help[512];
    const bool number = p->kind == TB_KIND_NUMBER || p->kind == TB_KIND_WHOLE;
    tb_json_set_string(s, "type", type_of(p));
    if (p->kind == TB_KIND_FILE) tb_json_set_string(s, "format", "binary");
    if (number) {
        /* A seed of -1 draws one. */
        tb_json_set_real(s, "minimum", p == &tb_params[TB_PARAM_SEED] ? -1 : p->least);
        tb_json_set_real(s, "maximum", p->most);
    }
    if (p->choices) tb_json_set(s, "enum", words_of(p->choices));
    if (p->fallback && number)
        tb_json_set_real(s, "default", tb_param_fallback(p));
    else if (p->fallback && p->kind == TB_KIND_SWITCH)
        tb_json_set_bool(s, "default", strcmp(p->fallback, "true") == 0);
    else if (p->fallback)
        tb_json_set_string(s, "default", p->fallback);
    tb_param_plain(p, help, sizeof help);
    tb_json_set_string(s, "description", help);
    return s;
}

static tb_json *schema(const tb_param_doc *p)
{
    if (p->param) return schema_of(p->param);
    tb_json *s = tb_json_object();
    bool file = strcmp(p->type, "file") == 0;
    tb_json_set_string(s, "type", file ? "string" : p->type);
    if (file) tb_json_set_string(s, "format", "binary");
    if (p->help) tb_json_set_string(s, "description", p->help);
    return s;
}

static tb_json *operation(const tb_route_doc *r)
{
    tb_json *op = tb_json_object(), *params = tb_json_array(), *fields = tb_json_object();
    tb_json *required = tb_json_array(), *replies = tb_json_object(), *ok = tb_json_object();
    size_t n_fields = 0;
    tb_json_set_string(op, "summary", r->summary);
    for (size_t i = 0; i < r->n_params; i++) {
        const tb_param_doc *p = &r->params[i];
        if (strcmp(p->in, "form") == 0) {
            tb_json_set(fields, p->name, schema(p));
            if (p->required) tb_json_add(required, tb_json_string(p->name));
            n_fields++;
            continue;
        }
        tb_json *o = tb_json_object();
        tb_json_set_string(o, "name", p->name);
        tb_json_set_string(o, "in", p->in);
        tb_json_set_bool(o, "required", p->required || strcmp(p->in, "path") == 0);
        tb_json_set(o, "schema", schema(p));
        tb_json_add(params, o);
    }
    tb_json_set(op, "parameters", params);
    tb_json *form = tb_json_object();
    tb_json_set_string(form, "type", "object");
    tb_json_set(form, "properties", fields);
    tb_json_set(form, "required", required);
    if (n_fields) {
        /* The three kinds of body that are read alike; a file only travels in the first. */
        static const char *const kinds[] = {"multipart/form-data", "application/json",
                                            "application/x-www-form-urlencoded"};
        tb_json *body = tb_json_object(), *content = tb_json_object();
        char *text = tb_json_print(form);
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
            tb_json *media = tb_json_object(), *copy = NULL;
            if (tb_json_parse(text, strlen(text), &copy, NULL) != TB_OK) copy = tb_json_object();
            tb_json_set(media, "schema", copy);
            tb_json_set(content, kinds[i], media);
        }
        tb_free(text);
        tb_json_free(form);
        tb_json_set(body, "content", content);
        tb_json_set(op, "requestBody", body);
    } else {
        tb_json_free(form);
    }
    tb_json_set_string(ok, "description", "OK");
    if (r->reply_type) {
        tb_json *content = tb_json_object();
        tb_json_set(content, r->reply_type, tb_json_object());
        tb_json_set(ok, "content", content);
    }
    tb_json_set(replies, "200", ok);
    tb_json *failed = tb_json_object();
    tb_json_set_string(failed, "description",
                       "An error: detail is one sentence, errors names the fields");
    tb_json_set(replies, "default", failed);
    tb_json_set(op, "responses", replies);
    if (!r->auth) tb_json_set(op, "security", tb_json_array());
    return op;
}

/* One principal, three ways in. */
static void add_security(tb_json *root)
{
    static const char *const schemes[][2] = {{"basic", "basic"}, {"bearer", "bearer"}};
    tb_json *components = tb_json_object(), *all = tb_json_object(), *any = tb_json_array();
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        tb_json *scheme = tb_json_object(), *one = tb_json_object();
        tb_json_set_string(scheme, "type", "http");
        tb_json_set_string(scheme, "scheme", schemes[i][1]);
        tb_json_set(all, schemes[i][0], scheme);
        tb_json_set(one, schemes[i][0], tb_json_array());
        tb_json_add(any, one);
    }
    tb_json *key = tb_json_object(), *one = tb_json_object();
    tb_json_set_string(key, "type", "apiKey");
    tb_json_set_string(key, "in", "header");
    tb_json_set_string(key, "name", "xi-api-key");
    tb_json_set(all, "key", key);
    tb_json_set(one, "key", tb_json_array());
    tb_json_add(any, one);
    tb_json_set(components, "securitySchemes", all);
    tb_json_set(root, "components", components);
    tb_json_set(root, "security", any);
}

char *tb_openapi_print(const tb_route_doc *routes, size_t n, const char *base)
{
    tb_json *root = tb_json_object(), *info = tb_json_object(), *paths = tb_json_object();
    tb_json_set_string(root, "openapi", "3.1.0");
    tb_json_set_string(info, "title", "timbre");
    tb_json_set_string(info, "version", TB_VERSION);
    tb_json_set(root, "info", info);
    tb_json *servers = tb_json_array(), *server = tb_json_object();
    tb_json_set_string(server, "url", *base ? base : "/");
    tb_json_add(servers, server);
    tb_json_set(root, "servers", servers);
    for (size_t i = 0; i < n; i++) {
        tb_json *path = tb_json_get(paths, routes[i].path);
        if (!path) tb_json_set(paths, routes[i].path, path = tb_json_object());
        char *method = tb_strdup(routes[i].method);
        tb_str_lower(method);
        tb_json_set(path, method, operation(&routes[i]));
        tb_free(method);
    }
    tb_json_set(root, "paths", paths);
    add_security(root);
    char *text = tb_json_print(root);
    tb_json_free(root);
    return text;
}
