#ifndef TB_API_OPENAPI_H
#define TB_API_OPENAPI_H

#include "params/params.h"

#include <stdbool.h>
#include <stddef.h>

/* What a route says about itself; the table lives with the routes. All strings are static. */
typedef struct {
    const char *name, *type; /* string number integer boolean file */
    const char *in;          /* path query form */
    bool required;
    const char *help;
    const tb_param *param; /* a row of the table, from which the rest follows; NULL */
} tb_param_doc;

typedef struct {
    const char *method, *path, *summary; /* "POST", "/voices/{id}" */
    const tb_param_doc *params;
    size_t n_params;
    bool auth;
    const char *reply_type; /* content type of the 200 */
} tb_route_doc;

/* OpenAPI 3.1 as JSON, heap. base: where the service stands, "" or "/tts". */
char *tb_openapi_print(const tb_route_doc *routes, size_t n, const char *base);

#endif
