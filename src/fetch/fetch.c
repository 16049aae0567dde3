/*
 * Downloads a model: plans the files, looks for them in caches, gets what is missing, checks every
 * sum, and installs all of them together.
 *
 * A file under way lies beside the target as .part, so an interrupted download goes on where it
 * stopped; names are given at the end, and the folder holds a whole model or none. A lock keeps two
 * downloads of one folder apart. Relies on plan.c, load.c, source.c, client.c.
 */
#include "fetch/fetch_priv.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "fetch/source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { LOCK_POLL_MS = 100, PLACES = 4 };

/* Where an item may lie besides its folder. Heap each; NULL where there is nothing. */
static void list_places(const tb_fetch_run *r, tb_fetch_item *it, char *places[PLACES])
{
    const tb_fetch_config *c = r->config;
    char oid[TB_OID_TEXT];
    places[0] = it->link; /* as planned */
    it->link = NULL;
    places[1] = places[2] = places[3] = NULL;
    if (!*it->oid) return; /* nothing would tell whether it is the same */
    if (c->base_folder && *c->base_folder) places[1] = tb_path_join(c->base_folder, it->name);
    if (c->cache && *c->cache) {
        places[2] = tb_hub_cache_blob(c->cache, it->repo, it->oid);
        places[3] = tb_hub_cache_file(c->cache, it->repo, it->commit, it->name, oid);
    }
}

/* Looks for an item that is missing elsewhere, to be linked to. */
static tb_status look_elsewhere(tb_fetch_run *r, tb_fetch_item *it, tb_err *err)
{
    char *places[PLACES];
    tb_status st = TB_OK;
    list_places(r, it, places);
    for (int i = 0; !st && i < PLACES && it->state == MISSING; i++) {
        bool right = false, tried = !places[i] || tb_file_size(places[i]) < 0;
        for (int k = 0; !tried && k < i; k++)
            tried = places[k] && strcmp(places[k], places[i]) == 0;
        if (tried) continue;
        st = tb_fetch_is_right(r, it, places[i], &right, err);
        if (!st && !right) tb_log(TB_WARN, "fetch", "damaged_or_other=%s", places[i]);
        if (st || !right) continue;
        char *real =
            realpath(places[i], NULL); /* a link is read from where it lies, not from here */
        it->link = tb_strdup(real);
        it->state = real ? LINKED : MISSING;
        free(real);
    }
    for (int i = 0; i < PLACES; i++)
        tb_free(places[i]);
    return st;
}

/* Finds what need not be downloaded: in the folder, in the base model's, in the cache. */
static tb_status locate(tb_fetch_run *r, tb_err *err)
{
    tb_status st = TB_OK;
    for (size_t i = 0; !st && i < r->n; i++) {
        tb_fetch_item *it = &r->items[i];
        bool right = tb_source_vouches(r->source, r->config->folder, it->name, it->oid);
        if (!right && (it->size > 0 || *it->oid))
            st = tb_fetch_is_right(r, it, it->path, &right, err);
        if (right) it->state = THERE;
        if (!st && !right) st = look_elsewhere(r, it, err);
        tb_fetch_count(r, 0);
    }
    return st;
}

static tb_status refuse_offline(const tb_fetch_run *r, tb_err *err)
{
    const tb_fetch_config *c = r->config;
    tb_str missing;
    tb_str_init(&missing, 400);
    for (size_t i = 0; i < r->n; i++)
        if (r->items[i].state == MISSING)
            tb_str_printf(&missing, "%s%s", missing.len ? ", " : "", r->items[i].name);
    tb_status st = tb_fail(err, TB_EUNREADY,
                           "HF_HUB_OFFLINE is set, and of %.80s these are neither in %.80s nor in "
                           "the cache: %.250s",
                           c->repo, c->folder, missing.data ? missing.data : "");
    tb_str_clear(&missing);
    return st;
}

/* Parts of contents that nobody wants any more. */
static void sweep_parts(const tb_fetch_run *r)
{
    DIR *dir = opendir(r->config->folder);
    if (!dir) return;
    for (struct dirent *e; (e = readdir(dir));) {
        bool part = false, wanted = false;
        if (!tb_str_ends(e->d_name, ".part")) continue;
        for (size_t i = 0; i < NAMES; i++) {
            size_t len = strlen(tb_fetch_name(i));
            part = part || (tb_str_starts(e->d_name, tb_fetch_name(i)) && e->d_name[len] == '.');
        }
        for (size_t i = 0; i < r->n; i++)
            wanted = wanted || (r->items[i].state == MISSING &&
                                strcmp(strrchr(r->items[i].part, '/') + 1, e->d_name) == 0);
        if (part && !wanted) unlinkat(dirfd(dir), e->d_name, 0);
    }
    closedir(dir);
}

static tb_status check_space(const tb_fetch_run *r, tb_err *err)
{
    const tb_fetch_config *c = r->config;
    struct statvfs disk;
    uint64_t files = 0;
    bool any = false;
    for (size_t i = 0; i < r->n; i++) {
        const tb_fetch_item *it = &r->items[i];
        if (it->state != MISSING) continue;
        int64_t here = tb_file_size(it->part);
        any = true;
        if (here < 0 || (uint64_t)here > it->size) here = 0;
        files += it->size - (uint64_t)here;
    }
    if (!any) return TB_OK;
    if (statvfs(c->folder, &disk) != 0)
        return tb_fail_errno(err, errno, "cannot ask for the free space of %s", c->folder);
    uint64_t room = (uint64_t)disk.f_bavail * disk.f_frsize;
    if (room >= files && room - files >= c->need_bytes) return TB_OK;
    return tb_fail(err, TB_ENOSPACE,
                   "the disk of %s has %.2f GB free; the model files need %.2f GB and what is made "
                   "of them %.2f GB",
                   c->folder, (double)room / 1e9, (double)files / 1e9, (double)c->need_bytes / 1e9);
}

/* All is here and right: names for everything, as close together as can be. */
static tb_status install(tb_fetch_run *r, tb_err *err)
{
    const tb_fetch_config *c = r->config;
    tb_status st = TB_OK;
    for (size_t i = 0; !st && i < r->n; i++) {
        const tb_fetch_item *it = &r->items[i];
        if (it->state == LINKED) {
            unlink(it->part);
            if (symlink(it->link, it->part) != 0)
                st = tb_fail_errno(err, errno, "cannot link to %s in %s", it->link, c->folder);
        }
    }
    for (size_t i = 0; !st && i < r->n; i++) {
        const tb_fetch_item *it = &r->items[i];
        if (it->state != THERE && rename(it->part, it->path) != 0)
            st = tb_fail_errno(err, errno, "cannot rename to %s", it->path);
    }
    if (!st) {
        tb_json *source = tb_source_new(c->repo, r->revision, r->commit);
        for (size_t i = 0; i < r->n; i++)
            tb_source_add(source, c->folder, r->items[i].name, r->items[i].repo, r->items[i].commit,
                          r->items[i].oid);
        st = tb_source_write(source, c->folder, err); /* syncs the folder, the renames too */
        tb_json_free(source);
    }
    return st;
}

static tb_status lock(tb_fetch_run *r, int *fd, tb_err *err)
{
    char *path = tb_path_join(r->config->folder, ".pull.lock");
    tb_err why = {0};
    tb_status st;
    while ((st = tb_file_lock(path, fd, &why)) == TB_ECONFLICT) {
        tb_fetch_on_wait(r, "another process is getting the same model");
        if (tb_cancelled(r->cancel)) break;
        tb_clock_sleep_ms(LOCK_POLL_MS);
    }
    if (st == TB_ECONFLICT)
        st = tb_fail_cancelled(err);
    else if (st && err)
        *err = why;
    tb_free(path);
    return st;
}

static tb_status check_config(const tb_fetch_config *c, tb_err *err)
{
    if (!c->folder || !*c->folder) return tb_fail(err, TB_EINVAL, "the model's folder has no name");
    if (!c->repo || !tb_hub_repo_valid(c->repo))
        return tb_fail(err, TB_EINVAL, "the repository is '%.100s'; allowed: OWNER/NAME",
                       c->repo ? c->repo : "");
    if (c->base_repo && *c->base_repo && !tb_hub_repo_valid(c->base_repo))
        return tb_fail(err, TB_EINVAL, "the base repository is '%.100s'; allowed: OWNER/NAME",
                       c->base_repo);
    if (!tb_catalogue_find(c->variant))
        return tb_fail_field(err, TB_EINVAL, "MODEL_VARIANT",
                             "MODEL_VARIANT is '%.40s'; allowed: " TB_MODEL_VARIANTS(", "),
                             c->variant);
    return TB_OK;
}

/* Under the lock. */
static tb_status work(tb_fetch_run *r, tb_err *err)
{
    bool known = false, whole = false;
    tb_status st = tb_fetch_plan_from_folder(r, &known, &whole, err);
    if (st) return st;
    if (r->config->offline) {
        if (whole && (!known || tb_fetch_revision_fits(r))) return TB_OK;
        if (!known || !tb_fetch_revision_fits(r)) {
            tb_fetch_drop_items(r);
            st = tb_fetch_plan_from_cache(r, err);
        }
    } else {
        char had[TB_COMMIT_TEXT];
        snprintf(had, sizeof had, "%s", r->commit);
        tb_fetch_enter(r, TB_FETCH_ASKING, NULL);
        st = tb_hub_resolve(r->client, r->config->repo, r->revision, r->commit, err);
        if (st || (known && whole && strcmp(had, r->commit) == 0)) return st;
        tb_fetch_drop_items(r);
        st = tb_fetch_plan_from_hub(r, err);
    }
    if (!st) st = locate(r, err);
    for (size_t i = 0; !st && r->config->offline && i < r->n; i++)
        if (r->items[i].state == MISSING) st = refuse_offline(r, err);
    if (st) return st;
    sweep_parts(r);
    st = check_space(r, err);
    for (size_t i = 0; !st && i < r->n; i++)
        if (r->items[i].state == MISSING) st = tb_fetch_load(r, &r->items[i], err);
    if (!st) st = install(r, err);
    return st;
}

tb_status tb_fetch_model(const tb_fetch_config *config, tb_fetch_watch watch, void *self,
                         const tb_cancel *cancel, tb_fetch_result *result, tb_err *err)
{
    tb_fetch_run r = {.config = config, .watch = watch, .self = self, .cancel = cancel, .fd = -1};
    bool known = false, whole = false;
    int held = -1;
    tb_status st = check_config(config, err);
    if (st) return st;
    r.revision = config->revision && *config->revision ? config->revision : "main";
    /* Without a lock first: a folder that is whole may be one that cannot be written. */
    st = tb_fetch_plan_from_folder(&r, &known, &whole, err);
    if (st) goto out;
    if (whole && ((config->offline && (!known || tb_fetch_revision_fits(&r))) ||
                  (known && strcmp(r.commit, r.revision) == 0)))
        goto done;
    tb_fetch_drop_items(&r);
    if (!config->offline) {
        st = tb_client_new(config, cancel, tb_fetch_on_wait, &r, &r.client, err);
        if (st) goto out;
    }
    st = tb_file_mkdirs(config->folder, 0755, err);
    if (!st) st = lock(&r, &held, err);
    if (!st) st = work(&r, err);
    if (st) goto out;
done:
    *result = (tb_fetch_result){.folder = tb_strdup(config->folder), .downloaded = r.downloaded};
    snprintf(result->commit, sizeof result->commit, "%s", r.commit);
    for (size_t i = 0; i < r.n; i++)
        result->linked += r.items[i].state == LINKED;
out:
    if (held >= 0) close(held);
    tb_fetch_drop_items(&r);
    tb_client_free(r.client);
    tb_json_free(r.source);
    return st;
}

void tb_fetch_result_clear(tb_fetch_result *result)
{
    tb_free(result->folder);
    *result = (tb_fetch_result){0};
}

char *tb_fetch_cache_folder(const char *hub_cache, const char *hf_home)
{
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (hub_cache && *hub_cache) return tb_strdup(hub_cache);
    if (hf_home && *hf_home) return tb_path_join(hf_home, "hub");
    if (xdg && *xdg) return tb_path_join(xdg, "huggingface/hub");
    if (home && *home) return tb_path_join(home, ".cache/huggingface/hub");
    return NULL;
}
