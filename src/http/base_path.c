#include "base/mem.h"
#include "config/config.h"
#include "http/http_priv.h"

#include <string.h>
#include <strings.h>

/*
 * The base path of the service as clients see it: the root of a host, or a path of it that a proxy
 * maps to this server. Links in answers begin with that path. A proxy either takes it off
 * (and may say X-Forwarded-Prefix) or leaves it on, as BASE_PATH says; both are understood.
 */

/* http://host:8000/health is /health: the target of a request to a proxy, and of some clients. */
static const char *without_authority(const char *url)
{
    size_t scheme = strncasecmp(url, "http://", 7) == 0    ? 7
                    : strncasecmp(url, "https://", 8) == 0 ? 8
                                                           : 0;
    if (!scheme) return url;
    const char *path = strchr(url + scheme, '/');
    return path ? path : "/";
}

/* The first one of a list: the outermost proxy. Heap; "" for none, or for what is no plain path. */
static char *forwarded_prefix(tb_request *r)
{
    const char *given = tb_request_header(r, "X-Forwarded-Prefix");
    if (!given) return NULL;
    given += strspn(given, " \t");
    char *prefix = tb_strndup(given, strcspn(given, ", \t"));
    size_t len = strlen(prefix);
    while (len > 0 && prefix[len - 1] == '/')
        prefix[--len] = 0;
    if (tb_config_base_path_fits(prefix)) return prefix;
    tb_free(prefix);
    return NULL;
}

void tb_base_path_set(tb_request *r, const char *url)
{
    const char *base = r->http->config->base_path, *path = without_authority(url);
    size_t len = strlen(base);
    r->base = forwarded_prefix(r);
    if (!r->base) r->base = tb_strdup(base);
    if (len && strncmp(path, base, len) == 0 && (path[len] == '/' || !path[len])) path += len;
    r->path = tb_strdup(*path ? path : "/");
}
