#define _GNU_SOURCE /* fallocate */

#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"
#include "store/store_priv.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Room that is kept for removing. A removal makes room, but first needs some itself: a row is
 * deleted by writing to the database's log. So DATA/reserve holds two megabytes, which nothing but
 * removals get: they give it up when the disk is full, write what they must, and make the file
 * again as far as there is room. Until it is whole again nothing new is kept; else those who upload
 * would have it.
 *
 * It holds nothing, so a kill at any instant costs no more than making it again at the next start.
 */
enum { WHOLE = 2 << 20, STEP = 64 << 10 };
enum {
    PORTION = 16 /* rows that one removal takes of the reserve at first */,
    MANY = 10000,
    LOG_WAIT_MS = 500
};

/* Bytes that no file system makes smaller, where it cannot promise room. */
static int write_noise(int fd, off_t at)
{
    char block[STEP];
    tb_random_bytes(block, sizeof block);
    for (size_t done = 0; done < sizeof block;) {
        ssize_t n = pwrite(fd, block + done, sizeof block - done, at + (off_t)done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return n < 0 ? errno : ENOSPC;
        done += (size_t)n;
    }
    return 0;
}

static int make_room(int fd, off_t at)
{
#ifdef __linux__
    if (fallocate(fd, 0, at, STEP) == 0) return 0;
    if (errno != EOPNOTSUPP && errno != ENOSYS) return errno;
#endif
    return write_noise(fd, at);
}

static int open_reserve(const tb_store *store, int flags)
{
    struct stat info;
    char *path = tb_path_join(store->data, TB_STORE_RESERVE);
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags, 0600);
    tb_free(path);
    if (fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) return fd;
    if (fd >= 0) {
        close(fd);
        errno = EINVAL;
    }
    return -1;
}

/* With the lock. As much of it as there is room for. */
static void restore(tb_store *store)
{
    struct stat info;
    int fd = open_reserve(store, O_CREAT), why = fd < 0 ? errno : 0;
    if (fd >= 0 && fstat(fd, &info) == 0) {
        /* A copy of the folder may be sparse: what has no blocks is room for nobody. */
        const off_t blocks = (off_t)info.st_blocks * 512;
        off_t size = (blocks < info.st_size ? blocks : info.st_size) / STEP * STEP;
        while (size < WHOLE && !why) {
            why = make_room(fd, size);
            size += why ? 0 : STEP;
        }
        if (why && ftruncate(fd, size) != 0) why = errno; /* what was begun and has no room */
    }
    if (fd >= 0) close(fd);
    const bool no_room = why == ENOSPC || why == EDQUOT;
    if ((!why && store->reserve_short) || (no_room && !store->reserve_short) ||
        (why && !no_room && !store->reserve_told))
        tb_log(why ? TB_WARN : TB_INFO, "store", "reserve=%s errno=%d",
               !why      ? "whole"
               : no_room ? "short new_things=refused"
                         : "none",
               why);
    store->reserve_told = why && !no_room;
    if (!why || no_room) store->reserve_short = no_room; /* else nobody knows */
}

void tb_store_reserve_init(tb_store *store)
{
    pthread_mutex_lock(&store->reserve_lock);
    store->keeps_reserve = true;
    restore(store);
    pthread_mutex_unlock(&store->reserve_lock);
}

bool tb_store_reserve_use(tb_store *store)
{
    struct stat info;
    pthread_mutex_lock(&store->reserve_lock);
    int fd = open_reserve(store, 0);
    bool gave = fd >= 0 && fstat(fd, &info) == 0 && info.st_size > 0 && ftruncate(fd, 0) == 0;
    if (fd >= 0) close(fd);
    if (gave) {
        tb_log(TB_WARN, "store", "disk=full reserve=used bytes=%lld", (long long)info.st_size);
        store->keeps_reserve = true;
    }
    gave |= store->reserve_users > 0; /* another removal gave it up just now */
    if (gave) store->reserve_users++;
    pthread_mutex_unlock(&store->reserve_lock);
    return gave;
}

void tb_store_reserve_return(tb_store *store)
{
    pthread_mutex_lock(&store->reserve_lock);
    assert(store->reserve_users > 0);
    if (--store->reserve_users == 0) restore(store);
    pthread_mutex_unlock(&store->reserve_lock);
}

void tb_store_reserve_mend(tb_store *store)
{
    pthread_mutex_lock(&store->reserve_lock);
    if (store->keeps_reserve && store->reserve_users == 0) restore(store);
    pthread_mutex_unlock(&store->reserve_lock);
}

/* What the log of the database holds goes into the database, and its room to whoever needs it. */
static void give_back_log(tb_store *store)
{
    const int64_t waits = tb_store_wait_within((int64_t)LOG_WAIT_MS * 1000000);
    if (tb_store_take_turn(store)) {
        int code =
            sqlite3_wal_checkpoint_v2(store->writer, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
        if (code != SQLITE_OK) tb_log(TB_DEBUG, "store", "log=kept sqlite=%d", code);
        tb_store_give_turn(store);
    }
    tb_store_wait_until(waits);
}

tb_status tb_store_remove(tb_store *store, tb_store_removal work, void *self, tb_err *err)
{
    bool more = false;
    tb_status st = work(store, self, 0, &more, err);
    if (st != TB_ENOSPACE || !tb_store_reserve_use(store)) return st;
    int most = PORTION;
    do {
        give_back_log(store);
        more = false;
        st = work(store, self, most, &more, err);
        most = st == TB_ENOSPACE ? most / 4
               : most < MANY     ? most * 2
                                 : most; /* there is more room */
    } while (most > 0 && (st == TB_ENOSPACE || (!st && more)));
    give_back_log(store);
    tb_store_reserve_return(store);
    return st;
}

tb_status tb_store_want_room(tb_store *store, tb_err *err)
{
    pthread_mutex_lock(&store->reserve_lock);
    if (store->reserve_short && store->reserve_users == 0) restore(store);
    const bool room = !store->reserve_short && store->reserve_users == 0;
    pthread_mutex_unlock(&store->reserve_lock);
    return room ? TB_OK : tb_fail(err, TB_ENOSPACE, "the disk of %s is full", store->data);
}
