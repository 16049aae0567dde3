#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "fetch/fetch_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Loading one file: into its .part, from where it was cut off, and checked against its sum. */

static tb_status take_bytes(void *self, const void *data, size_t size, tb_err *err)
{
    tb_fetch_run *r = self;
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
    tb_fetch_measure_rate(r);
    tb_fetch_count(r, r->now.file_done + size);
    return TB_OK;
}

static tb_status forget_bytes(void *self, tb_err *err)
{
    tb_fetch_run *r = self;
    if (ftruncate(r->fd, 0) != 0 || lseek(r->fd, 0, SEEK_SET) != 0)
        return tb_fail_errno(err, errno, "%s cannot be written anew in %s", r->now.file,
                             r->config->folder);
    tb_digest_restart(r->digest);
    tb_fetch_count(r, 0);
    return TB_OK;
}

/* The .part, open, its position behind the bytes that are of use, which are in the digest. */
static tb_status open_part(tb_fetch_run *r, const tb_fetch_item *it, uint64_t *at, tb_err *err)
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
    tb_fetch_enter(r, *at > 0 ? TB_FETCH_CHECKING : TB_FETCH_LOADING, it);
    if (*at <= it->size) st = tb_fetch_sum_file(r, r->fd, *at, &ok, err);
    if (!st && (!ok || *at > it->size)) {
        st = forget_bytes(r, err);
        *at = 0;
    }
    return st;
}

tb_status tb_fetch_load(tb_fetch_run *r, tb_fetch_item *it, tb_err *err)
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
        tb_fetch_enter(r, TB_FETCH_LOADING, it);
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
