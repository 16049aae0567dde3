#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "fetch/fetch_priv.h"
#include "fetch/source.h"

#include <stdio.h>
#include <string.h>

/*
 * Which files a model has, of which size and sum: as source.json in the folder tells it, as the
 * cache of Hugging Face's programs knows it, or as the hub lists it.
 */

const char *tb_fetch_name(size_t i)
{
    return i < COMMON ? tb_catalogue_models[i].t3 : tb_catalogue_files[i - COMMON].name;
}

static void add_item(tb_fetch_run *r, const char *name, const char *repo, const char *commit,
                     uint64_t size, const char *oid)
{
    tb_fetch_item *it = &r->items[r->n++];
    *it = (tb_fetch_item){.name = name, .repo = repo, .commit = commit, .size = size};
    snprintf(it->oid, sizeof it->oid, "%s", oid);
    it->path = tb_path_join(r->config->folder, name);
    it->part = tb_sprintf("%s.%.12s.part", it->path, it->oid);
    r->now.total += size;
}

void tb_fetch_drop_items(tb_fetch_run *r)
{
    for (size_t i = 0; i < r->n; i++) {
        tb_free(r->items[i].path);
        tb_free(r->items[i].part);
        tb_free(r->items[i].link);
    }
    r->n = 0;
    r->now.total = 0;
}

/* Which T3 file, of those that are there. Nano and Turbo differ in nothing else. */
static tb_status choose_t3(const tb_fetch_run *r, bool turbo, bool nano, const char *where,
                           size_t *out, tb_err *err)
{
    const char *variant = r->config->variant;
    if (variant && *variant) {
        *out = (size_t)(tb_catalogue_find(variant) - tb_catalogue_models);
        return TB_OK;
    }
    if (turbo && nano)
        return tb_fail_field(err, TB_EINVAL, "MODEL_VARIANT",
                             "%s has both %s and %s: set MODEL_VARIANT to " TB_MODEL_VARIANTS(
                                 " or "),
                             where, tb_fetch_name(TURBO), tb_fetch_name(NANO));
    *out = nano ? NANO : TURBO;
    return TB_OK;
}

static bool is_ours(const tb_fetch_run *r, const char *name)
{
    char *path = tb_path_join(r->config->folder, name);
    bool there = tb_file_size(path) >= 0;
    tb_free(path);
    return there;
}

/* The folder as source.json tells it: items, and whether every file is as it was when checked.
 * False as well when source.json is about another model. */
static tb_status plan_from_source(tb_fetch_run *r, bool *known, bool *whole, tb_err *err)
{
    const char *repo = r->source ? tb_json_get_string(r->source, "repository") : NULL;
    const char *commit = r->source ? tb_json_get_string(r->source, "commit") : NULL;
    uint64_t size[NAMES];
    char oid[NAMES][TB_OID_TEXT];
    bool noted[NAMES];
    size_t t3;
    *known = *whole = false;
    if (!repo || strcmp(repo, r->config->repo) != 0 || !commit || strlen(commit) >= TB_COMMIT_TEXT)
        return TB_OK;
    for (size_t i = 0; i < NAMES; i++)
        noted[i] = tb_source_file(r->source, tb_fetch_name(i), &size[i], oid[i]);
    tb_status st = choose_t3(r, noted[TURBO], noted[NANO], r->config->folder, &t3, err);
    if (st) return st;
    *known = noted[t3];
    for (size_t i = COMMON; i < NAMES; i++)
        *known = *known && noted[i];
    if (!*known) return TB_OK;
    *whole = true;
    snprintf(r->commit, sizeof r->commit, "%s", commit);
    for (size_t i = 0; i < NAMES; i++) {
        if (i < COMMON && i != t3) continue;
        const tb_json *file = tb_json_get(tb_json_get(r->source, "files"), tb_fetch_name(i));
        const char *from = tb_json_get_string(file, "repository");
        const char *of = tb_json_get_string(file, "commit");
        add_item(r, tb_fetch_name(i), from ? from : repo, of ? of : commit, size[i], oid[i]);
        *whole =
            *whole && tb_source_vouches(r->source, r->config->folder, tb_fetch_name(i), oid[i]);
    }
    return TB_OK;
}

/* A folder that somebody filled by hand. */
static tb_status plan_by_hand(tb_fetch_run *r, bool *whole, tb_err *err)
{
    size_t t3;
    tb_status st = choose_t3(r, is_ours(r, tb_fetch_name(TURBO)), is_ours(r, tb_fetch_name(NANO)),
                             r->config->folder, &t3, err);
    if (st) return st;
    *whole = is_ours(r, tb_fetch_name(t3));
    for (size_t i = COMMON; i < NAMES; i++)
        *whole = *whole && is_ours(r, tb_fetch_name(i));
    r->commit[0] = 0;
    return TB_OK;
}

/* What the folder is without any connection and without writing. */
tb_status tb_fetch_plan_from_folder(tb_fetch_run *r, bool *known, bool *whole, tb_err *err)
{
    tb_json_free(r->source);
    r->source = tb_source_read(r->config->folder);
    if (!r->source) {
        *known = false;
        return plan_by_hand(r, whole, err);
    }
    return plan_from_source(r, known, whole, err);
}

/* source.json is about the revision that is wanted. */
bool tb_fetch_revision_fits(const tb_fetch_run *r)
{
    const char *noted = r->source ? tb_json_get_string(r->source, "revision") : NULL;
    return strcmp(r->commit, r->revision) == 0 || (noted && strcmp(noted, r->revision) == 0);
}

/* Offline, what the cache knows becomes the plan. Files that it lacks have size 0 and no link. */
tb_status tb_fetch_plan_from_cache(tb_fetch_run *r, tb_err *err)
{
    const tb_fetch_config *c = r->config;
    char oid[NAMES][TB_OID_TEXT];
    char *found[NAMES] = {0};
    size_t t3 = TURBO;
    bool base = c->base_repo && *c->base_repo;
    if (!c->cache || !tb_hub_cache_commit(c->cache, c->repo, r->revision, r->commit))
        r->commit[0] = 0;
    if (!c->cache || !base || !tb_hub_cache_commit(c->cache, c->base_repo, "main", r->base_commit))
        r->base_commit[0] = 0;
    for (size_t i = 0; i < NAMES && r->commit[0]; i++)
        found[i] = tb_hub_cache_file(c->cache, c->repo, r->commit, tb_fetch_name(i), oid[i]);
    tb_status st =
        choose_t3(r, found[TURBO] != NULL,
                  found[NANO] != NULL || tb_str_ends(c->repo, tb_catalogue_models[NANO].variant),
                  c->cache, &t3, err);
    for (size_t i = 0; !st && i < NAMES; i++) {
        const char *repo = c->repo, *commit = r->commit;
        if (i < COMMON && i != t3) continue;
        if (!found[i] && i >= COMMON && r->base_commit[0]) {
            found[i] =
                tb_hub_cache_file(c->cache, c->base_repo, r->base_commit, tb_fetch_name(i), oid[i]);
            repo = c->base_repo;
            commit = r->base_commit;
        }
        if (!found[i] && i >= COMMON && c->base_folder) {
            found[i] = tb_path_join(c->base_folder, tb_fetch_name(i));
            oid[i][0] = 0;
            if (tb_file_size(found[i]) < 0) {
                tb_free(found[i]);
                found[i] = NULL;
            }
        }
        int64_t size = found[i] ? tb_file_size(found[i]) : 0;
        add_item(r, tb_fetch_name(i), repo, commit, size > 0 ? (uint64_t)size : 0,
                 found[i] ? oid[i] : "");
        r->items[r->n - 1].link = found[i];
        found[i] = NULL;
    }
    for (size_t i = 0; i < NAMES; i++)
        tb_free(found[i]);
    return st;
}

/* Sizes and sums of all files as the hub lists them for the commit. */
tb_status tb_fetch_plan_from_hub(tb_fetch_run *r, tb_err *err)
{
    const tb_fetch_config *c = r->config;
    tb_hub_file files[NAMES] = {0}, base[NAMES] = {0};
    tb_str missing;
    size_t t3 = TURBO;
    bool lacks = false;
    tb_str_init(&missing, 1000);
    for (size_t i = 0; i < NAMES; i++)
        files[i].name = base[i].name = tb_fetch_name(i);
    tb_fetch_enter(r, TB_FETCH_ASKING, NULL);
    tb_status st = tb_hub_list(r->client, c->repo, r->commit, files, NAMES, err);
    if (!st) st = choose_t3(r, files[TURBO].found, files[NANO].found, c->repo, &t3, err);
    for (size_t i = COMMON; i < NAMES; i++)
        lacks = lacks || !files[i].found;
    if (!st && lacks && c->base_repo && *c->base_repo) {
        st = tb_hub_resolve(r->client, c->base_repo, "main", r->base_commit, err);
        if (!st) st = tb_hub_list(r->client, c->base_repo, r->base_commit, base, NAMES, err);
    }
    for (size_t i = 0; !st && i < NAMES; i++) {
        if (i < COMMON && i != t3) continue;
        if (files[i].found)
            add_item(r, tb_fetch_name(i), c->repo, r->commit, files[i].size, files[i].oid);
        else if (i >= COMMON && base[i].found)
            add_item(r, tb_fetch_name(i), c->base_repo, r->base_commit, base[i].size, base[i].oid);
        else
            tb_str_printf(&missing, "%s%s", missing.len ? ", " : "", tb_fetch_name(i));
    }
    if (!st && missing.len)
        st = tb_fail(err, TB_ENOTFOUND, "%s at %.12s has no %s", c->repo, r->commit, missing.data);
    tb_str_clear(&missing);
    return st;
}
