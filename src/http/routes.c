#include "http/route_priv.h"

#include "base/mem.h"
#include "base/str.h"

#include <assert.h>
#include <string.h>

/*
 * The routes of the server: one table per subject, in the file that has its handlers. A request
 * gets the first row whose path matches, so /voices/list stands before /voices/{id}.
 */
static const tb_route *const tables[] = {
    tb_routes_server, tb_routes_docs,    tb_routes_credentials,    tb_routes_speech,
    tb_routes_voices, tb_routes_history, tb_routes_pronunciations, tb_routes_lists,
};

size_t tb_route_count(void)
{
    size_t n = 0;
    while (tb_route_at(n))
        n++;
    return n;
}

const tb_route *tb_route_at(size_t i)
{
    for (size_t k = 0; k < sizeof tables / sizeof tables[0]; k++)
        for (const tb_route *t = tables[k]; t->path; t++)
            if (i-- == 0) return t;
    return NULL;
}

/* Matches a path with a pattern; {x} takes one non-empty segment. */
static bool match(const char *pattern, const char *path, char *params[TB_PATH_PARAMS])
{
    int n = 0;
    for (;;) {
        if (*pattern == '{') {
            size_t len = strcspn(path, "/");
            if (len == 0) return false;
            assert(n < TB_PATH_PARAMS); /* the rows are ours: one with more needs the room */
            tb_free(params[n]);
            params[n++] = tb_strndup(path, len);
            pattern += strcspn(pattern, "}") + 1;
            path += len;
            continue;
        }
        if (*pattern != *path) return *pattern == 0 && path[0] == '/' && path[1] == 0;
        if (!*pattern) return true;
        pattern++;
        path++;
    }
}

tb_status tb_route_find(tb_request *r, char **allow, tb_err *err)
{
    bool head = strcmp(r->method, "HEAD") == 0, known = false;
    tb_str methods;
    tb_str_init(&methods, 200);
    const tb_route *t;
    for (size_t i = 0; !r->route && (t = tb_route_at(i)); i++) {
        if (!match(t->path, r->path, r->params)) continue;
        known = true;
        tb_str_printf(&methods, "%s%s", methods.len ? ", " : "", t->method);
        if (strcmp(t->method, r->method) == 0 || (head && strcmp(t->method, "GET") == 0))
            r->route = t, r->route_index = i;
    }
    *allow = tb_str_take(&methods);
    if (r->nul_in_path) return tb_fail(err, TB_EMALFORMED, "the path holds a NUL byte (%%00)");
    if (r->route) return TB_OK;
    if (known)
        return tb_fail(err, TB_EMETHOD, "%s is not allowed here; allowed: %s",
                       *r->method == '?' ? "this method" : r->method, *allow);
    return tb_fail(err, TB_ENOTFOUND, "Not Found");
}
