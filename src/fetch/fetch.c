#include "fetch/fetch.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "fetch/hub.h"
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

/* What is fetched: one of the first two, and all of the others. */
static const char *const names[] = {
    "t3_turbo_v1.safetensors",
    "t3_nano_v1.safetensors",
    "s3gen_meanflow.safetensors",
    "ve.safetensors",
    "conds.pt",
    "vocab.json",
    "merges.txt",
    "added_tokens.json",
    "special_tokens_map.json",
    "tokenizer_config.json",
};
enum { TURBO, NANO, COMMON, NAMES = sizeof names / sizeof names[0], ITEMS = NAMES - 1 };

enum { BLOCK = 1 << 20, WATCH_MS = 100, LOCK_POLL_MS = 100, PLACES = 4 };

typedef enum {
    MISSING, /* and to be downloaded */
    THERE,   /* right, under its name */
    LINKED,  /* right, elsewhere */
    LOADED,  /* right, as .part */
} item_state;

typedef struct {
    const char *name, *repo, *commit;
    uint64_t size;
    char oid[TB_OID_TEXT]; /* "": offline, and nothing tells the sum */
    item_state state;
    char *path, *part;
    char *link; /* LINKED: where it lies */
} item;

typedef struct {
    const tb_fetch_config *config;
    const char *revision;
    tb_fetch_watch watch;
    void *self;
    const tb_cancel *cancel;
    tb_client *client; /* NULL offline */
    tb_json *source;   /* of the folder; NULL none */
    char commit[TB_COMMIT_TEXT], base_commit[TB_COMMIT_TEXT];
    item items[ITEMS]; /* the T3 file first */
    size_t n;
    tb_fetch_progress now;
    int64_t told_ns, rate_ns; /* when the watcher was told, and the rate measured, last */
    uint64_t rate_at, downloaded;
    int fd;            /* of the .part being loaded */
    tb_digest *digest; /* of it */
} run;

static void tell(run *r, bool at_once)
{
    int64_t t = tb_clock_mono_ns();
    if (!r->watch || (!at_once && t - r->told_ns < (int64_t)WATCH_MS * 1000000)) return;
    r->told_ns = t;
    r->watch(r->self, &r->now);
}

static void enter(run *r, tb_fetch_state state, const item *it)
{
    r->now.state = state;
    r->now.file = it ? it->name : NULL;
    r->now.file_done = 0;
    r->now.file_total = it ? it->size : 0;
    r->now.note = NULL;
    tell(r, true);
}

static void count_done(run *r, uint64_t file_done)
{
    r->now.file_done = file_done;
    r->now.done = file_done;
    for (size_t i = 0; i < r->n; i++)
        if (r->items[i].state != MISSING) r->now.done += r->items[i].size;
    tell(r, false);
}

static void measure_rate(run *r)
{
    int64_t t = tb_clock_mono_ns();
    double seconds = (double)(t - r->rate_ns) / 1e9;
    if (r->rate_ns == 0) {
        r->rate_ns = t;
        r->rate_at = r->downloaded;
    } else if (seconds >= 0.5) {
        double rate = (double)(r->downloaded - r->rate_at) / seconds;
        r->now.bytes_per_s = r->now.bytes_per_s > 0 ? 0.7 * r->now.bytes_per_s + 0.3 * rate : rate;
        r->rate_ns = t;
        r->rate_at = r->downloaded;
    }
}

static void on_wait(void *self, const char *why)
{
    run *r = self;
    bool news = r->now.state != TB_FETCH_WAITING;
    r->now.state = TB_FETCH_WAITING;
    r->now.note = why;
    tell(r, news);
    r->now.note = NULL; /* why is the client's */
}

/* Adds the file's bytes from the start to the digest. *ok is false when it cannot be read. */
static tb_status add_file(run *r, int fd, uint64_t size, bool *ok, tb_err *err)
{
    char *block = tb_alloc(BLOCK);
    uint64_t done = 0;
    tb_status st = TB_OK;
    *ok = true;
    while (*ok && !st && done < size) {
        size_t want = size - done < BLOCK ? (size_t)(size - done) : BLOCK;
        ssize_t got = read(fd, block, want);
        if (got < 0 && errno == EINTR) continue;
        *ok = got > 0;
        if (!*ok) break;
        tb_digest_add(r->digest, block, (size_t)got);
        done += (uint64_t)got;
        count_done(r, done);
        if (tb_cancelled(r->cancel)) st = tb_fail_cancelled(err);
    }
    tb_free(block);
    return st;
}

/* Is the file at path what the item must be? Without a sum its size has to do. */
static tb_status is_right(run *r, const item *it, const char *path, bool *right, tb_err *err)
{
    tb_status st = TB_OK;
    *right = tb_file_size(path) == (int64_t)it->size;
    if (!*right || !*it->oid) return TB_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    *right = fd >= 0;
    if (fd < 0) return TB_OK;
    enter(r, TB_FETCH_CHECKING, it);
    r->digest = tb_digest_new(it->oid, it->size);
    st = add_file(r, fd, it->size, right, err);
    if (!st && *right) *right = tb_digest_matches(r->digest);
    tb_digest_free(r->digest);
    r->digest = NULL;
    close(fd);
    return st;
}

static void add_item(run *r, const char *name, const char *repo, const char *commit, uint64_t size,
                     const char *oid)
{
    item *it = &r->items[r->n++];
    *it = (item){.name = name, .repo = repo, .commit = commit, .size = size};
    snprintf(it->oid, sizeof it->oid, "%s", oid);
    it->path = tb_path_join(r->config->folder, name);
    it->part = tb_sprintf("%s.%.12s.part", it->path, it->oid);
    r->now.total += size;
}

static void drop_items(run *r)
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
static tb_status choose_t3(const run *r, bool turbo, bool nano, const char *where, size_t *out,
                           tb_err *err)
{
    const char *variant = r->config->variant;
    if (variant && *variant) {
        *out = strcmp(variant, "nano") == 0 ? NANO : TURBO;
        return TB_OK;
    }
    if (turbo && nano)
        return tb_fail_field(err, TB_EINVAL, "MODEL_VARIANT",
                             "%s has both %s and %s: set MODEL_VARIANT to turbo or nano", where,
                             names[TURBO], names[NANO]);
    *out = nano ? NANO : TURBO;
    return TB_OK;
}

static bool is_ours(const run *r, const char *name)
{
    char *path = tb_path_join(r->config->folder, name);
    bool there = tb_file_size(path) >= 0;
    tb_free(path);
    return there;
}

/* The folder as source.json tells it: items, and whether every file is as it was when checked.
 * False as well when source.json is about another model. */
static tb_status plan_from_source(run *r, bool *known, bool *whole, tb_err *err)
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
        noted[i] = tb_source_file(r->source, names[i], &size[i], oid[i]);
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
        const tb_json *file = tb_json_get(tb_json_get(r->source, "files"), names[i]);
        const char *from = tb_json_get_string(file, "repository");
        const char *of = tb_json_get_string(file, "commit");
        add_item(r, names[i], from ? from : repo, of ? of : commit, size[i], oid[i]);
        *whole = *whole && tb_source_vouches(r->source, r->config->folder, names[i], oid[i]);
    }
    return TB_OK;
}

/* A folder that somebody filled by hand. */
static tb_status plan_by_hand(run *r, bool *whole, tb_err *err)
{
    size_t t3;
    tb_status st = choose_t3(r, is_ours(r, names[TURBO]), is_ours(r, names[NANO]),
                             r->config->folder, &t3, err);
    if (st) return st;
    *whole = is_ours(r, names[t3]);
    for (size_t i = COMMON; i < NAMES; i++)
        *whole = *whole && is_ours(r, names[i]);
    r->commit[0] = 0;
    return TB_OK;
}

/* What the folder is without any connection and without writing. */
static tb_status plan_from_folder(run *r, bool *known, bool *whole, tb_err *err)
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
static bool revision_fits(const run *r)
{
    const char *noted = r->source ? tb_json_get_string(r->source, "revision") : NULL;
    return strcmp(r->commit, r->revision) == 0 || (noted && strcmp(noted, r->revision) == 0);
}

/* Offline, what the cache knows becomes the plan. Files that it lacks have size 0 and no link. */
static tb_status plan_from_cache(run *r, tb_err *err)
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
        found[i] = tb_hub_cache_file(c->cache, c->repo, r->commit, names[i], oid[i]);
    tb_status st =
        choose_t3(r, found[TURBO] != NULL, found[NANO] != NULL || tb_str_ends(c->repo, "nano"),
                  c->cache, &t3, err);
    for (size_t i = 0; !st && i < NAMES; i++) {
        const char *repo = c->repo, *commit = r->commit;
        if (i < COMMON && i != t3) continue;
        if (!found[i] && i >= COMMON && r->base_commit[0]) {
            found[i] = tb_hub_cache_file(c->cache, c->base_repo, r->base_commit, names[i], oid[i]);
            repo = c->base_repo;
            commit = r->base_commit;
        }
        if (!found[i] && i >= COMMON && c->base_folder) {
            found[i] = tb_path_join(c->base_folder, names[i]);
            oid[i][0] = 0;
            if (tb_file_size(found[i]) < 0) {
                tb_free(found[i]);
                found[i] = NULL;
            }
        }
        int64_t size = found[i] ? tb_file_size(found[i]) : 0;
        add_item(r, names[i], repo, commit, size > 0 ? (uint64_t)size : 0, found[i] ? oid[i] : "");
        r->items[r->n - 1].link = found[i];
        found[i] = NULL;
    }
    for (size_t i = 0; i < NAMES; i++)
        tb_free(found[i]);
    return st;
}

/* Sizes and sums of all files as the hub lists them for the commit. */
static tb_status plan_from_hub(run *r, tb_err *err)
{
    const tb_fetch_config *c = r->config;
    tb_hub_file files[NAMES] = {0}, base[NAMES] = {0};
    tb_str missing;
    size_t t3 = TURBO;
    bool lacks = false;
    tb_str_init(&missing, 1000);
    for (size_t i = 0; i < NAMES; i++)
        files[i].name = base[i].name = names[i];
    enter(r, TB_FETCH_ASKING, NULL);
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
            add_item(r, names[i], c->repo, r->commit, files[i].size, files[i].oid);
        else if (i >= COMMON && base[i].found)
            add_item(r, names[i], c->base_repo, r->base_commit, base[i].size, base[i].oid);
        else
            tb_str_printf(&missing, "%s%s", missing.len ? ", " : "", names[i]);
    }
    if (!st && missing.len)
        st = tb_fail(err, TB_ENOTFOUND, "%s at %.12s has no %s", c->repo, r->commit, missing.data);
    tb_str_clear(&missing);
    return st;
}

/* Where an item may lie besides its folder. Heap each; NULL where there is nothing. */
static void list_places(const run *r, item *it, char *places[PLACES])
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
static tb_status look_elsewhere(run *r, item *it, tb_err *err)
{
    char *places[PLACES];
    tb_status st = TB_OK;
    list_places(r, it, places);
    for (int i = 0; !st && i < PLACES && it->state == MISSING; i++) {
        bool right = false, tried = !places[i] || tb_file_size(places[i]) < 0;
        for (int k = 0; !tried && k < i; k++)
            tried = places[k] && strcmp(places[k], places[i]) == 0;
        if (tried) continue;
        st = is_right(r, it, places[i], &right, err);
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
static tb_status locate(run *r, tb_err *err)
{
    tb_status st = TB_OK;
    for (size_t i = 0; !st && i < r->n; i++) {
        item *it = &r->items[i];
        bool right = tb_source_vouches(r->source, r->config->folder, it->name, it->oid);
        if (!right && (it->size > 0 || *it->oid)) st = is_right(r, it, it->path, &right, err);
        if (right) it->state = THERE;
        if (!st && !right) st = look_elsewhere(r, it, err);
        count_done(r, 0);
    }
    return st;
}

static tb_status refuse_offline(const run *r, tb_err *err)
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
static void sweep_parts(const run *r)
{
    DIR *dir = opendir(r->config->folder);
    if (!dir) return;
    for (struct dirent *e; (e = readdir(dir));) {
        bool part = false, wanted = false;
        if (!tb_str_ends(e->d_name, ".part")) continue;
        for (size_t i = 0; i < NAMES; i++) {
            size_t len = strlen(names[i]);
            part = part || (tb_str_starts(e->d_name, names[i]) && e->d_name[len] == '.');
        }
        for (size_t i = 0; i < r->n; i++)
            wanted = wanted || (r->items[i].state == MISSING &&
                                strcmp(strrchr(r->items[i].part, '/') + 1, e->d_name) == 0);
        if (part && !wanted) unlinkat(dirfd(dir), e->d_name, 0);
    }
    closedir(dir);
}

static tb_status check_space(const run *r, tb_err *err)
{
    const tb_fetch_config *c = r->config;
    struct statvfs disk;
    uint64_t files = 0;
    bool any = false;
    for (size_t i = 0; i < r->n; i++) {
        const item *it = &r->items[i];
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

static tb_status take_bytes(void *self, const void *data, size_t size, tb_err *err)
{
    run *r = self;
    const char *p = data;
    for (size_t left = size; left > 0;) {
        ssize_t n = write(r->fd, p, left);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0)
            return tb_fail_errno(err, errno, "%s cannot be written in %s", r->now.file,
                                 r->config->folder);
        p += n;
        left -= (size_t)n;
    }
    tb_digest_add(r->digest, data, size);
    r->downloaded += size;
    r->now.state = TB_FETCH_LOADING; /* a wait is over */
    measure_rate(r);
    count_done(r, r->now.file_done + size);
    return TB_OK;
}

static tb_status forget_bytes(void *self, tb_err *err)
{
    run *r = self;
    if (ftruncate(r->fd, 0) != 0 || lseek(r->fd, 0, SEEK_SET) != 0)
        return tb_fail_errno(err, errno, "%s cannot be written anew in %s", r->now.file,
                             r->config->folder);
    tb_digest_restart(r->digest);
    count_done(r, 0);
    return TB_OK;
}

/* The .part, open, its position behind the bytes that are of use, which are in the digest. */
static tb_status open_part(run *r, const item *it, uint64_t *at, tb_err *err)
{
    struct stat info;
    bool ok = true;
    tb_status st = TB_OK;
    if (lstat(it->part, &info) == 0 && !S_ISREG(info.st_mode)) unlink(it->part);
    /* Never through a link: it might lead into the cache. */
    r->fd = open(it->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (r->fd < 0 || fstat(r->fd, &info) != 0)
        return tb_fail_errno(err, errno, "cannot open %s", it->part);
    *at = (uint64_t)info.st_size;
    enter(r, *at > 0 ? TB_FETCH_CHECKING : TB_FETCH_LOADING, it);
    if (*at <= it->size) st = add_file(r, r->fd, *at, &ok, err);
    if (!st && (!ok || *at > it->size)) {
        st = forget_bytes(r, err);
        *at = 0;
    }
    return st;
}

static tb_status load(run *r, item *it, tb_err *err)
{
    char *url = tb_hub_file_url(r->client, it->repo, it->commit, it->name);
    char *what = tb_sprintf("%s of %s", it->name, it->repo);
    tb_get get = {.url = url,
                  .what = what,
                  .repo = it->repo,
                  .size = (int64_t)it->size,
                  .self = r,
                  .take = take_bytes,
                  .restart = forget_bytes};
    bool old, right = false;
    r->digest = tb_digest_new(it->oid, it->size);
    tb_status st = open_part(r, it, &get.at, err);
    old = get.at > 0;
    while (!st && !right) {
        enter(r, TB_FETCH_LOADING, it);
        r->now.file_done = get.at;
        if (get.at < it->size) st = tb_client_get(r->client, &get, err);
        if (st) break;
        right = tb_digest_matches(r->digest);
        if (right) break;
        if (old || get.pieced) { /* the pieces may be of different files: once more, in one */
            old = get.pieced = false;
            get.at = 0;
            st = forget_bytes(r, err);
        } else {
            st = tb_fail(err, TB_EMODEL,
                         "%s came whole, but it is not the file of the hub's list: its sum is "
                         "another",
                         what);
        }
    }
    if (!st && fsync(r->fd) != 0) st = tb_fail_errno(err, errno, "cannot sync %s", it->part);
    if (!st) it->state = LOADED;
    if (r->fd >= 0) close(r->fd);
    r->fd = -1;
    /* What can be gone on with stays. A disk that is full of it would stop others. */
    if (st && (get.at == 0 || st == TB_EMODEL || st == TB_ENOSPACE)) unlink(it->part);
    tb_digest_free(r->digest);
    r->digest = NULL;
    tb_free(what);
    tb_free(url);
    return st;
}

/* All is here and right: names for everything, as close together as can be. */
static tb_status install(run *r, tb_err *err)
{
    const tb_fetch_config *c = r->config;
    tb_status st = TB_OK;
    for (size_t i = 0; !st && i < r->n; i++) {
        const item *it = &r->items[i];
        if (it->state == LINKED) {
            unlink(it->part);
            if (symlink(it->link, it->part) != 0)
                st = tb_fail_errno(err, errno, "cannot link to %s in %s", it->link, c->folder);
        }
    }
    for (size_t i = 0; !st && i < r->n; i++) {
        const item *it = &r->items[i];
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

static tb_status lock(run *r, int *fd, tb_err *err)
{
    char *path = tb_path_join(r->config->folder, ".pull.lock");
    tb_err why = {0};
    tb_status st;
    while ((st = tb_file_lock(path, fd, &why)) == TB_ECONFLICT) {
        on_wait(r, "another process is getting the same model");
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
    if (c->variant && *c->variant && strcmp(c->variant, "turbo") != 0 &&
        strcmp(c->variant, "nano") != 0)
        return tb_fail_field(err, TB_EINVAL, "MODEL_VARIANT",
                             "MODEL_VARIANT is '%.40s'; allowed: turbo, nano", c->variant);
    return TB_OK;
}

/* Under the lock. */
static tb_status work(run *r, tb_err *err)
{
    bool known = false, whole = false;
    tb_status st = plan_from_folder(r, &known, &whole, err);
    if (st) return st;
    if (r->config->offline) {
        if (whole && (!known || revision_fits(r))) return TB_OK;
        if (!known || !revision_fits(r)) {
            drop_items(r);
            st = plan_from_cache(r, err);
        }
    } else {
        char had[TB_COMMIT_TEXT];
        snprintf(had, sizeof had, "%s", r->commit);
        enter(r, TB_FETCH_ASKING, NULL);
        st = tb_hub_resolve(r->client, r->config->repo, r->revision, r->commit, err);
        if (st || (known && whole && strcmp(had, r->commit) == 0)) return st;
        drop_items(r);
        st = plan_from_hub(r, err);
    }
    if (!st) st = locate(r, err);
    for (size_t i = 0; !st && r->config->offline && i < r->n; i++)
        if (r->items[i].state == MISSING) st = refuse_offline(r, err);
    if (st) return st;
    sweep_parts(r);
    st = check_space(r, err);
    for (size_t i = 0; !st && i < r->n; i++)
        if (r->items[i].state == MISSING) st = load(r, &r->items[i], err);
    if (!st) st = install(r, err);
    return st;
}

tb_status tb_fetch_model(const tb_fetch_config *config, tb_fetch_watch watch, void *self,
                         const tb_cancel *cancel, tb_fetch_result *result, tb_err *err)
{
    run r = {.config = config, .watch = watch, .self = self, .cancel = cancel, .fd = -1};
    bool known = false, whole = false;
    int held = -1;
    tb_status st = check_config(config, err);
    if (st) return st;
    r.revision = config->revision && *config->revision ? config->revision : "main";
    /* Without a lock first: a folder that is whole may be one that cannot be written. */
    st = plan_from_folder(&r, &known, &whole, err);
    if (st) goto out;
    if (whole && ((config->offline && (!known || revision_fits(&r))) ||
                  (known && strcmp(r.commit, r.revision) == 0)))
        goto done;
    drop_items(&r);
    if (!config->offline) {
        st = tb_client_new(config, cancel, on_wait, &r, &r.client, err);
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
    drop_items(&r);
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
