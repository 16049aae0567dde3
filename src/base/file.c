/*
 * Files: read whole, write so that a crash leaves the old or the new one, temporary files, folders,
 * locks.
 *
 * A writer makes a temporary file of our name pattern in the target's folder, syncs it, renames it
 * and syncs the folder; leftovers of a crash are found by their names and removed at the next
 * start. Files that people placed are opened only if they are regular and no links. Errors name
 * path and reason.
 */
#include "base/file.h"

#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char tmp_prefix[] = ".tb-tmp-";

static const char *kind_of(mode_t mode)
{
    return S_ISDIR(mode)    ? "a folder"
           : S_ISLNK(mode)  ? "a link"
           : S_ISFIFO(mode) ? "a pipe"
           : S_ISSOCK(mode) ? "a socket"
                            : "a device";
}

static tb_status open_regular(const char *path, int flags, int *out, uint64_t *size, tb_err *err)
{
    struct stat info;
    tb_status st = TB_OK;
    /* A FIFO would wait for a writer; a terminal would become ours. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags);
    if (fd < 0 && errno == ELOOP && (flags & O_NOFOLLOW))
        return tb_fail(err, TB_EINVAL, "%s is a link, not a regular file", path);
    if (fd < 0 && errno == ENXIO) /* a socket */
        return tb_fail(err, TB_EINVAL, "%s is not a regular file", path);
    if (fd < 0) return tb_fail_errno(err, errno, "cannot open %s", path);
    if (fstat(fd, &info) != 0)
        st = tb_fail_errno(err, errno, "cannot read %s", path);
    else if (!S_ISREG(info.st_mode))
        st = tb_fail(err, TB_EINVAL, "%s is %s, not a regular file", path, kind_of(info.st_mode));
    if (st) {
        close(fd);
        return st;
    }
    *out = fd;
    *size = (uint64_t)info.st_size;
    return TB_OK;
}

/* Closes fd. */
static tb_status read_all(int fd, const char *path, uint64_t there, size_t max, char **data,
                          size_t *size, tb_err *err)
{
    char *bytes = NULL;
    size_t len = 0;
    tb_status st = TB_OK;
    if (there > max) {
        st = tb_fail(err, TB_ETOOBIG, "%s has %llu bytes; at most %zu are read", path,
                     (unsigned long long)there, max);
        goto out;
    }
    bytes = tb_try_alloc((size_t)there + 1, 1);
    if (!bytes) {
        st = tb_nomem(err, (size_t)there, 1);
        goto out;
    }
    while (len < (size_t)there) {
        ssize_t n = read(fd, bytes + len, (size_t)there - len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            st = tb_fail_errno(err, errno, "cannot read %s", path);
            goto out;
        }
        if (n == 0) break; /* shrank meanwhile */
        len += (size_t)n;
    }
    bytes[len] = 0;
    *data = bytes;
    *size = len;
    bytes = NULL;
out:
    free(bytes);
    close(fd);
    return st;
}

tb_status tb_file_read(const char *path, size_t max, char **data, size_t *size, tb_err *err)
{
    int fd;
    uint64_t there;
    tb_status st = open_regular(path, 0, &fd, &there, err);
    return st ? st : read_all(fd, path, there, max, data, size, err);
}

tb_status tb_file_open_plain(const char *path, int *fd, uint64_t *size, tb_err *err)
{
    return open_regular(path, O_NOFOLLOW, fd, size, err);
}

tb_status tb_file_read_plain(const char *path, size_t max, char **data, size_t *size, tb_err *err)
{
    int fd;
    uint64_t there;
    tb_status st = open_regular(path, O_NOFOLLOW, &fd, &there, err);
    return st ? st : read_all(fd, path, there, max, data, size, err);
}

static tb_status sync_folder(const char *path, tb_err *err)
{
    char *folder = tb_strdup(path), *slash = strrchr(folder, '/');
    tb_status st = TB_OK;
    if (slash && slash != folder)
        *slash = 0;
    else
        strcpy(folder, slash ? "/" : "."); /* path has at least one byte */
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
        st = tb_fail_errno(err, errno, "cannot sync %s", folder);
    if (fd >= 0) close(fd);
    free(folder);
    return st;
}

tb_status tb_file_begin(tb_file_writer *w, const char *folder, tb_err *err)
{
    uint64_t id;
    *w = (tb_file_writer){.fd = -1};
    tb_random_bytes(&id, sizeof id);
    w->tmp_path = tb_sprintf("%s/%s%016llx", folder, tmp_prefix, (unsigned long long)id);
    w->fd = open(w->tmp_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (w->fd < 0) {
        tb_status st = tb_fail_errno(err, errno, "cannot create a file in %s", folder);
        free(w->tmp_path);
        w->tmp_path = NULL;
        return st;
    }
    flock(w->fd, LOCK_SH | LOCK_NB); /* says to a sweep that somebody is writing */
    return TB_OK;
}

tb_status tb_file_append(tb_file_writer *w, const void *data, size_t size, tb_err *err)
{
    const char *p = data;
    while (size > 0) {
        ssize_t n = write(w->fd, p, size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return tb_fail_errno(err, errno, "cannot write %s", w->tmp_path);
        p += n;
        size -= (size_t)n;
        w->size += (uint64_t)n;
    }
    return TB_OK;
}

tb_status tb_file_commit(tb_file_writer *w, const char *path, tb_err *err)
{
    tb_status st = TB_OK;
    if (!w->tmp_path) return tb_fail(err, TB_EINTERNAL, "nothing was begun for %s", path);
    if (fsync(w->fd) != 0)
        st = tb_fail_errno(err, errno, "cannot sync %s", w->tmp_path);
    else if (rename(w->tmp_path, path) != 0)
        st = tb_fail_errno(err, errno, "cannot rename to %s", path);
    else
        st = sync_folder(path, err);
    if (st) {
        tb_file_abort(w);
        return st;
    }
    close(w->fd);
    free(w->tmp_path);
    *w = (tb_file_writer){.fd = -1};
    return TB_OK;
}

tb_status tb_file_place(tb_file_writer *w, const char *path, tb_err *err)
{
    if (!w->tmp_path) return tb_fail(err, TB_EINTERNAL, "nothing was begun for %s", path);
    tb_status st = TB_OK;
    if (fsync(w->fd) != 0)
        st = tb_fail_errno(err, errno, "cannot sync %s", w->tmp_path);
    else if (link(w->tmp_path, path) != 0)
        return tb_file_commit(w, path, err);
    else
        st = sync_folder(path, err);
    if (st) tb_file_abort(w);
    return st;
}

void tb_file_settle(tb_file_writer *w)
{
    tb_file_abort(w); /* takes the second name away */
}

void tb_file_abort(tb_file_writer *w)
{
    if (!w || !w->tmp_path) return;
    close(w->fd);
    unlink(w->tmp_path);
    free(w->tmp_path);
    *w = (tb_file_writer){.fd = -1};
}

tb_status tb_file_write(const char *path, const void *data, size_t size, int mode, tb_err *err)
{
    tb_file_writer w = {0};
    char *folder = tb_strdup(path), *slash = strrchr(folder, '/');
    if (slash) *slash = 0;
    tb_status st = tb_file_begin(&w, !slash ? "." : slash == folder ? "/" : folder, err);
    if (!st && fchmod(w.fd, (mode_t)mode) != 0)
        st = tb_fail_errno(err, errno, "cannot set the mode of %s", path);
    if (!st) st = tb_file_append(&w, data, size, err);
    if (!st) st = tb_file_commit(&w, path, err);
    tb_file_abort(&w);
    free(folder);
    return st;
}

bool tb_file_is_temporary(const char *name)
{
    return tb_str_starts(name, tmp_prefix);
}

/* The other name in the folder of a file; heap, NULL when there is none. (d_ino will not do: some
 * file systems tell another number there.) */
static char *other_name(const char *folder, const struct stat *file)
{
    char *found = NULL;
    struct stat info;
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && !found && (e = readdir(dir));)
        if (!tb_file_is_temporary(e->d_name) &&
            fstatat(dirfd(dir), e->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
            info.st_ino == file->st_ino && info.st_dev == file->st_dev)
            found = tb_strdup(e->d_name);
    if (dir) closedir(dir);
    return found;
}

/* Its writer has died: a lock dies with its process. */
static bool is_left(int dir, const char *name)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return false;
    bool left = flock(fd, LOCK_EX | LOCK_NB) == 0;
    close(fd);
    return left;
}

size_t tb_file_sweep_placed(const char *folder, int64_t started_us, tb_file_wanted wanted,
                            void *self)
{
    size_t gone = 0;
    DIR *dir = opendir(folder);
    if (!dir) return 0;
    for (struct dirent *e; (e = readdir(dir));) {
        struct stat info;
        if (!tb_file_is_temporary(e->d_name)) continue;
        if (fstatat(dirfd(dir), e->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
        if (!S_ISREG(info.st_mode) || (int64_t)info.st_mtime * 1000000 >= started_us) continue;
        if (!is_left(dirfd(dir), e->d_name)) continue;
        char *placed = info.st_nlink > 1 && wanted ? other_name(folder, &info) : NULL;
        if (placed && !wanted(self, placed)) gone += unlinkat(dirfd(dir), placed, 0) == 0;
        gone += unlinkat(dirfd(dir), e->d_name, 0) == 0;
        tb_free(placed);
    }
    closedir(dir);
    return gone;
}

size_t tb_file_sweep(const char *folder, int64_t started_us)
{
    return tb_file_sweep_placed(folder, started_us, NULL, NULL);
}

tb_status tb_file_mkdirs(const char *path, int mode, tb_err *err)
{
    if (!*path) return tb_fail(err, TB_EINVAL, "a folder's name is empty");
    char *part = tb_strdup(path);
    tb_status st = TB_OK;
    for (char *p = part + 1; !st; p++) {
        char at = *p;
        if (at != '/' && at != 0) continue;
        *p = 0;
        if (mkdir(part, (mode_t)mode) != 0 && errno != EEXIST)
            st = tb_fail_errno(err, errno, "cannot create the folder %s", part);
        *p = at;
        if (at == 0) break;
    }
    if (!st && !tb_file_is_dir(path)) st = tb_fail(err, TB_EINTERNAL, "%s is not a folder", path);
    free(part);
    return st;
}

bool tb_file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool tb_file_is_dir(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

int64_t tb_file_size(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) ? (int64_t)info.st_size : -1;
}

int64_t tb_file_plain_size(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0 && S_ISREG(info.st_mode) ? (int64_t)info.st_size : -1;
}

char *tb_path_join(const char *folder, const char *name)
{
    return tb_sprintf("%s%s%s", folder, tb_str_ends(folder, "/") ? "" : "/", name);
}

tb_status tb_file_lock(const char *path, int *fd, tb_err *err)
{
    /* Neither through a link, which could lead anywhere, nor waiting for a pipe's other end. */
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    struct stat st;
    if (lock < 0 && errno == ELOOP)
        return tb_fail(err, TB_EINTERNAL, "%s is a link; remove it", path);
    if (lock < 0) return tb_fail_errno(err, errno, "cannot open %s", path);
    if (fstat(lock, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(lock);
        return tb_fail(err, TB_EINTERNAL, "%s is no plain file; remove it", path);
    }
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        int why = errno;
        close(lock);
        if (why == EWOULDBLOCK)
            return tb_fail(err, TB_ECONFLICT, "%s is held by another process", path);
        return tb_fail_errno(err, why, "cannot lock %s", path);
    }
    *fd = lock;
    return TB_OK;
}
