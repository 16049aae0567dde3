/*
 * The Hugging Face hub: addresses, lists of files with sizes and sums, and the layout of its cache.
 *
 * Names that come from it are checked before they become paths. Everything here is from public
 * documentation; no other file knows the hub. Relies on client.c.
 */
#include "fetch/hub.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t file_max = (uint64_t)1 << 36; /* no file of these models is near 64 GB */

bool tb_hub_repo_valid(const char *repo)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t owner = strspn(repo, allowed);
    if (owner == 0 || repo[owner] != '/' || strlen(repo) > 200) return false;
    size_t name = strspn(repo + owner + 1, allowed);
    return name > 0 && !repo[owner + 1 + name] && repo[0] != '.' && repo[owner + 1] != '.';
}

bool tb_hub_is_commit(const char *revision)
{
    return strlen(revision) == 40 && tb_oid_valid(revision);
}

tb_status tb_hub_resolve(tb_client *client, const char *repo, const char *revision,
                         char commit[TB_COMMIT_TEXT], tb_err *err)
{
    char *escaped = tb_client_escape(client, revision); /* refs/pr/1 is one part */
    char *url =
        tb_sprintf("%s/api/models/%s/revision/%s", tb_client_endpoint(client), repo, escaped);
    char *what = tb_sprintf("revision %.60s of %s", revision, repo);
    tb_json *reply = NULL;
    tb_status st = tb_client_json(client, url, what, repo, &reply, err);
    if (!st) {
        const char *sha = tb_json_get_string(reply, "sha");
        if (sha && tb_oid_valid(sha))
            snprintf(commit, TB_COMMIT_TEXT, "%s", sha);
        else
            st = tb_fail(err, TB_EMODEL, "%s names no commit for %s", tb_client_endpoint(client),
                         what);
    }
    tb_json_free(reply);
    tb_free(what);
    tb_free(url);
    tb_free(escaped);
    return st;
}

/* One entry of the list. Large files stand there with the size and sum of the large object under
 * "lfs" and those of the pointer to it outside; old hubs say "sha256:<sum>". */
tb_status tb_hub_test(const tb_fetch_config *config, tb_err *err)
{
    tb_fetch_config once = *config;
    tb_client *client = NULL;
    char commit[TB_COMMIT_TEXT];
    once.patience = (tb_fetch_patience){.connect_ms = 5000, .stall_s = 5, .tries = 1};
    tb_status st = tb_client_new(&once, NULL, NULL, NULL, &client, err);
    const char *revision = config->revision && *config->revision ? config->revision : "main";
    if (!st && tb_hub_is_commit(revision)) revision = "main"; /* a commit would not be asked for */
    if (!st) st = tb_hub_resolve(client, config->repo, revision, commit, err);
    tb_client_free(client);
    return st;
}

static tb_status read_entry(const tb_json *entry, tb_hub_file *file, const char *repo, tb_err *err)
{
    const tb_json *lfs = tb_json_get(entry, "lfs");
    const tb_json *from = lfs && tb_json_is_object(lfs) ? lfs : entry;
    const tb_json *size = tb_json_get(from, "size");
    const char *oid = tb_json_get_string(from, "oid");
    if (oid && tb_str_starts(oid, "sha256:")) oid += strlen("sha256:");
    if (!oid || !tb_oid_valid(oid))
        return tb_fail(err, TB_EMODEL, "the list of %s has no sum for %s", repo, file->name);
    if (!size || !tb_json_is_int(size) || tb_json_integer(size) < 0 ||
        (uint64_t)tb_json_integer(size) > file_max)
        return tb_fail(err, TB_EMODEL, "the list of %s has no possible size for %s", repo,
                       file->name);
    file->found = true;
    file->size = (uint64_t)tb_json_integer(size);
    snprintf(file->oid, sizeof file->oid, "%s", oid);
    return TB_OK;
}

tb_status tb_hub_list(tb_client *client, const char *repo, const char *commit, tb_hub_file *files,
                      size_t n, tb_err *err)
{
    /* Not recursive: our files are at the top, and so they are on the first page of a thousand. */
    char *url = tb_sprintf("%s/api/models/%s/tree/%s", tb_client_endpoint(client), repo, commit);
    char *what = tb_sprintf("the list of files of %s", repo);
    tb_json *list = NULL;
    tb_status st = tb_client_json(client, url, what, repo, &list, err);
    if (!st && !tb_json_is_array(list))
        st = tb_fail(err, TB_EMODEL, "%s answers something else than %s",
                     tb_client_endpoint(client), what);
    for (size_t i = 0; !st && i < tb_json_len(list); i++) {
        const tb_json *entry = tb_json_at(list, i);
        const char *path = tb_json_get_string(entry, "path");
        const char *type = tb_json_get_string(entry, "type");
        if (!path || !type || strcmp(type, "file") != 0) continue;
        for (size_t k = 0; !st && k < n; k++)
            if (strcmp(files[k].name, path) == 0) st = read_entry(entry, &files[k], repo, err);
    }
    tb_json_free(list);
    tb_free(what);
    tb_free(url);
    return st;
}

char *tb_hub_file_url(const tb_client *client, const char *repo, const char *commit,
                      const char *name)
{
    return tb_sprintf("%s/%s/resolve/%s/%s", tb_client_endpoint(client), repo, commit, name);
}

/* "<cache>/models--owner--name" */
static char *cache_folder(const char *cache, const char *repo)
{
    const char *slash = strchr(repo, '/');
    char *name = tb_sprintf("models--%.*s--%s", (int)(slash - repo), repo, slash + 1);
    char *path = tb_path_join(cache, name);
    tb_free(name);
    return path;
}

bool tb_hub_cache_commit(const char *cache, const char *repo, const char *revision,
                         char commit[TB_COMMIT_TEXT])
{
    char *folder = cache_folder(cache, repo), *path = NULL, *text = NULL;
    size_t size = 0;
    bool known = tb_hub_is_commit(revision);
    if (known) {
        snprintf(commit, TB_COMMIT_TEXT, "%s", revision);
    } else if (!strstr(revision, "..")) {
        path = tb_sprintf("%s/refs/%s", folder, revision);
        if (tb_file_read(path, 1000, &text, &size, NULL) == TB_OK) {
            const char *sha = tb_str_strip(text);
            known = tb_oid_valid(sha);
            if (known) snprintf(commit, TB_COMMIT_TEXT, "%s", sha);
        }
    }
    tb_free(text);
    tb_free(path);
    tb_free(folder);
    return known;
}

/* The file behind path, links resolved; heap, NULL when there is none. */
static char *resolve(const char *path)
{
    char *real = tb_file_size(path) >= 0 ? realpath(path, NULL) : NULL;
    char *copy = tb_strdup(real);
    free(real);
    return copy;
}

char *tb_hub_cache_file(const char *cache, const char *repo, const char *commit, const char *name,
                        char oid[TB_OID_TEXT])
{
    char *folder = cache_folder(cache, repo);
    char *path = tb_sprintf("%s/snapshots/%s/%s", folder, commit, name), *real = resolve(path);
    *oid = 0;
    if (real) { /* the file in blobs/ is named by its sum */
        const char *blob = strrchr(real, '/') + 1;
        if (tb_oid_valid(blob)) snprintf(oid, TB_OID_TEXT, "%s", blob);
    }
    tb_free(path);
    tb_free(folder);
    return real;
}

char *tb_hub_cache_blob(const char *cache, const char *repo, const char *oid)
{
    char *folder = cache_folder(cache, repo);
    char *path = tb_sprintf("%s/blobs/%s", folder, oid), *real = resolve(path);
    tb_free(path);
    tb_free(folder);
    return real;
}
