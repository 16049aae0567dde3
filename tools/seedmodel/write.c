/*
 * Writes a seeded model as safetensors, on several threads.
 *
 * Threads claim blocks of the file and write them at their place; a temporary file gets its name
 * when it is complete. The header holds a stamp of what the numbers follow from, so a file of an
 * older table is written again. Relies on seed.c.
 */
#include "seedmodel/seed.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Part of the stamp: another way of making the numbers needs another number here. */
static const char generator[] = "splitmix64-sum4-1";

/* What the numbers follow from, so that a file of an older table is written again. */
static uint64_t stamp(const tb_seed_list *list)
{
    tb_str s;
    tb_str_init(&s, (size_t)1 << 24);
    tb_str_puts(&s, generator);
    for (size_t i = 0; i < list->n; i++) {
        const tb_seed_tensor *t = &list->tensors[i];
        tb_str_printf(&s, "\n%s/%s %d %a %a", list->stem, t->name, (int)t->kind, (double)t->mean,
                      (double)t->scale);
    }
    uint64_t h = tb_fnv1a(s.data, s.len);
    tb_str_clear(&s);
    return h;
}

char *tb_seed_header(const tb_seed_list *list, size_t *size)
{
    tb_str s;
    tb_str_init(&s, (size_t)1 << 24);
    tb_str_add(&s, "\0\0\0\0\0\0\0\0", 8);
    tb_str_printf(&s, "{\"__metadata__\":{\"format\":\"pt\",\"seeded\":\"%s %016llx\"}", generator,
                  (unsigned long long)stamp(list));
    for (size_t i = 0; i < list->n; i++) {
        const tb_seed_tensor *t = &list->tensors[i];
        tb_str_printf(&s, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[", t->name,
                      t->kind == TB_SEED_INT64 ? "I64" : "F32");
        for (unsigned d = 0; d < t->n_dims; d++)
            tb_str_printf(&s, "%s%u", d ? "," : "", t->dims[d]);
        tb_str_printf(&s, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)t->offset,
                      (unsigned long long)(t->offset + t->count * tb_seed_element_bytes(t)));
    }
    tb_str_puts(&s, "}");
    while (s.len % 8)
        tb_str_puts(&s, " ");
    *size = s.len;
    for (unsigned i = 0; i < 8; i++)
        s.data[i] = (char)((s.len - 8) >> (8 * i));
    return tb_str_take(&s);
}

/* A whole file of this table is there already. */
static bool complete(const char *path, uint64_t bytes, const char *head, size_t head_size)
{
    if (tb_file_size(path) != (int64_t)bytes) return false;
    char *there = tb_alloc(head_size);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool same = fd >= 0 && pread(fd, there, head_size, 0) == (ssize_t)head_size &&
                memcmp(there, head, head_size) == 0;
    if (fd >= 0) close(fd);
    tb_free(there);
    return same;
}

static tb_status check_room(const char *folder, uint64_t bytes, tb_err *err)
{
    struct statvfs fs;
    if (statvfs(folder, &fs) != 0) return tb_fail_errno(err, errno, "cannot ask about %s", folder);
    uint64_t room = (uint64_t)fs.f_bavail * (uint64_t)fs.f_frsize;
    if (room < bytes)
        return tb_fail(err, TB_ENOSPACE,
                       "%s has %llu MB free; %llu MB are needed: free some, or choose another "
                       "folder",
                       folder, (unsigned long long)(room / 1000000),
                       (unsigned long long)((bytes + 999999) / 1000000));
    return TB_OK;
}

enum { CHUNK = 1 << 20 }; /* elements that a thread makes and writes at a time */

/* The threads take chunks in file order; everything but `list`, `fd` and `base` is under lock. */
typedef struct {
    const tb_seed_list *list;
    int fd;
    uint64_t base; /* of the data in the file */
    pthread_mutex_t lock;
    size_t tensor; /* the next chunk: of which tensor, from which element */
    uint64_t first, done;
    int failed; /* errno */
    tb_seed_progress progress;
    void *self;
} work;

static int write_all(int fd, const unsigned char *p, size_t size, uint64_t at)
{
    while (size > 0) {
        ssize_t n = pwrite(fd, p, size, (off_t)at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        p += n;
        size -= (size_t)n;
        at += (uint64_t)n;
    }
    return 0;
}

static const tb_seed_tensor *claim(work *w, uint64_t *first, size_t *n)
{
    const tb_seed_tensor *t = NULL;
    pthread_mutex_lock(&w->lock);
    if (!w->failed && w->tensor < w->list->n) {
        t = &w->list->tensors[w->tensor];
        *first = w->first;
        *n = t->count - w->first < CHUNK ? (size_t)(t->count - w->first) : CHUNK;
        w->first += *n;
        if (w->first == t->count) {
            w->tensor++;
            w->first = 0;
        }
    }
    pthread_mutex_unlock(&w->lock);
    return t;
}

static void *worker(void *self)
{
    work *w = self;
    unsigned char *buf = tb_alloc((size_t)CHUNK * 8);
    uint64_t first;
    size_t n;
    for (const tb_seed_tensor *t; (t = claim(w, &first, &n));) {
        size_t bytes = tb_seed_element_bytes(t);
        tb_seed_fill(t, first, n, buf);
        int why = write_all(w->fd, buf, n * bytes, w->base + t->offset + first * bytes);
        pthread_mutex_lock(&w->lock);
        if (why) w->failed = why;
        w->done += n * bytes;
        if (w->progress) w->progress(w->self, w->done, w->list->data_bytes);
        pthread_mutex_unlock(&w->lock);
    }
    tb_free(buf);
    return NULL;
}

static tb_status write_data(work *w, unsigned threads, const char *name, tb_err *err)
{
    pthread_t ids[64];
    unsigned started = 0;
    threads = threads > 64 ? 64 : threads;
    pthread_mutex_init(&w->lock, NULL);
    while (started + 1 < threads && pthread_create(&ids[started], NULL, worker, w) == 0)
        started++;
    worker(w); /* this thread is one of them */
    for (unsigned i = 0; i < started; i++)
        pthread_join(ids[i], NULL);
    pthread_mutex_destroy(&w->lock);
    return w->failed ? tb_fail_errno(err, w->failed, "cannot write %s", name) : TB_OK;
}

tb_status tb_seed_write(const tb_seed_list *list, const char *folder, unsigned threads,
                        tb_seed_progress progress, void *self, bool *written, tb_err *err)
{
    char *name = tb_sprintf("%s.safetensors", list->stem);
    char *path = tb_path_join(folder, name);
    size_t head_size;
    char *head = tb_seed_header(list, &head_size);
    const uint64_t bytes = head_size + list->data_bytes;
    tb_file_writer out = {.fd = -1};
    tb_status st = TB_OK;
    bool fresh = false;

    if (complete(path, bytes, head, head_size)) goto out;
    fresh = true;
    st = check_room(folder, bytes, err);
    if (!st) st = tb_file_begin(&out, folder, err);
    if (st) goto out;
    if (fchmod(out.fd, 0644) != 0) {
        st = tb_fail_errno(err, errno, "cannot set the mode of %s", path);
        goto out;
    }
    st = tb_file_append(&out, head, head_size, err);
    if (st) goto out;
    work w = {.list = list, .fd = out.fd, .base = head_size, .progress = progress, .self = self};
    st = write_data(&w, threads, path, err);
    if (!st) st = tb_file_commit(&out, path, err);

out:
    if (!st) *written = fresh;
    tb_file_abort(&out);
    tb_free(head);
    tb_free(path);
    tb_free(name);
    return st;
}
