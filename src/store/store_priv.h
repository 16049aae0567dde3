#ifndef TB_STORE_STORE_PRIV_H
#define TB_STORE_STORE_PRIV_H

#include "store/store.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

enum { TB_STORE_OPEN_MS = 10000 }; /* a start waits so long for another process */
#define TB_STORE_VFS "timbre"
#define TB_STORE_BUSY                                                                             \
    "timbre.db, in the data folder, is busy: if another program holds it (a database viewer, an " \
    "sqlite3 shell, a backup), close that; then send this again"
enum { TB_STORE_READERS = 8 }; /* idle reading connections kept; more are opened and closed */
enum { TB_STORE_PENDING_MAX = 1000 }; /* notes of jobs that wait to be written */

/* aging_clock.c: the time by which stored things grow old; a jump of the system clock does not move
 * it at once. clock_us: its time, 0 until it is known. hold_us: for how long the system clock has
 * to stay where it jumped to before it is believed; held_us: how long it has. */
typedef struct {
    int64_t clock_us, hold_us, held_us;
} tb_aging_clock;
/* elapsed_us: since the last call; negative after a start, when it is not known. */
void tb_aging_clock_advance(tb_aging_clock *s, int64_t wall_us, int64_t elapsed_us);

/*
 * Invariants, each whenever its lock is free; debug builds assert them:
 *   - write_lock (wait.c): `writing` is true exactly while one thread, turn_owner, has the turn,
 * and only that thread uses `writer`, `aging` and `aging_saved` and gives the turn back;
 *   - pool_lock (connect.c): 0 <= idle_n <= TB_STORE_READERS; the first idle_n of `idle` are open
 *     connections, each there once, and nobody uses them;
 *   - pending_lock (pending_notes.c): n_pending is the length of the list `pending`, at most
 *     TB_STORE_PENDING_MAX (one more while a note is added); a note is `changed` only while it is
 *     being written;
 *   - reserve_lock (reserve.c): reserve_users >= 0 counts the removals that use the reserve.
 */
struct tb_store {
    char *data, *db_path;
    char *voices, *clips, *prompts; /* folders */
    int lock_fd;                    /* -1: not exclusive */
    pthread_mutex_t write_lock;     /* guards writing; never taken together with pool_lock */
    pthread_cond_t write_free;
    bool writing;         /* a thread has the turn, and with it the writer */
    pthread_t turn_owner; /* who, while writing */
    sqlite3 *writer;
    int64_t opening_ns; /* when opening began, while it lasts: a long wait is logged, once */
    bool warned;
    atomic_bool held; /* by another process, at the last attempt to write */
    pthread_mutex_t pool_lock;
    sqlite3 *idle[TB_STORE_READERS];
    int idle_n;
    sqlite3 *stats_conn;  /* of tb_store_stats_if_changed */
    int64_t seen_version; /* its PRAGMA data_version */
    atomic_bool stop_waiting;
    tb_aging_clock aging, aging_saved; /* in a write only */
    int64_t machine_us;                /* when aging was last advanced */
    _Atomic int64_t lag_us;            /* how far the system clock is ahead of the aging clock */
    pthread_mutex_t pending_lock;
    struct tb_pending_note *pending; /* notes of jobs that could not be written */
    int n_pending;
    pthread_mutex_t reserve_lock; /* guards these */
    bool keeps_reserve, reserve_short, reserve_told;
    int reserve_users;
};

/* In a write. */
TB_MUST_CHECK tb_status tb_store_aging_clock_advance(tb_store *store, bool first, tb_err *err);
TB_MUST_CHECK tb_status tb_store_jobs_prune(tb_store *store, tb_err *err);
/* The time of the aging clock, now. */
int64_t tb_store_aging_now_us(tb_store *store);
/* pending_notes.c: notes of jobs that cannot be written now: the row of a new job, or the end of
 * one that has a row. Nothing is added to a job that has a note already. */
void tb_store_pending_row(tb_store *store, const tb_job_row *row);
void tb_store_pending_end(tb_store *store, const tb_job_row *end);
/* The end of a job whose row is not written yet; false: it is not among these. */
bool tb_store_pending_change(tb_store *store, const tb_job_row *end);
/* Merges the note of a job into its row, {0} when there is none; false: row is left as it is. */
bool tb_store_pending_merge(tb_store *store, const char *id, tb_job_row *row);
void tb_store_pending_write(tb_store *store);
/* jobs.c: writes a row; sets state, error, clip_id (NULL: as they are) and ended_us of one. */
TB_MUST_CHECK tb_status tb_store_job_insert(tb_store *store, const tb_job_row *row, tb_err *err);
TB_MUST_CHECK tb_status tb_store_job_update(tb_store *store, const tb_job_row *end, tb_err *err);
void tb_store_pending_free(tb_store *store);

/* ---- wait.c */
void tb_store_wait_init(void); /* once, before the first connection */
/* From now on the thread waits no longer than ns. Returns what to give tb_store_wait_until after.
 */
int64_t tb_store_wait_within(int64_t ns);
bool tb_store_take_turn(tb_store *store); /* by the thread's deadline; without beginning a write */
void tb_store_give_turn(tb_store *store);
int tb_store_wait_busy(void *self, int times); /* SQLite's busy handler; self is the store */

/* ---- connect.c */
void tb_db_configure(void); /* once, before the first connection */
/* A connection of its own, for the caller to close. */
TB_MUST_CHECK tb_status tb_db_connect(tb_store *store, bool writer, sqlite3 **out, tb_err *err);

/* db.c: statements. The error of a connection as ours; says what was being done. */
tb_status tb_db_fail(sqlite3 *db, const char *doing, tb_err *err);

/* Prepares sql and binds by fmt: s const char * (NULL is ""), i int64_t, f double, - nothing
 * (NULL). finalize with tb_db_end, also after failure. */
TB_MUST_CHECK tb_status tb_db_begin(sqlite3 *db, sqlite3_stmt **out, tb_err *err, const char *sql,
                                    const char *fmt, ...);
/* *row: there is one. */
TB_MUST_CHECK tb_status tb_db_step(sqlite3_stmt *s, bool *row, tb_err *err);
void tb_db_end(sqlite3_stmt *s);
/* All three, for statements without rows. */
TB_MUST_CHECK tb_status tb_db_run(sqlite3 *db, tb_err *err, const char *sql, const char *fmt, ...);
/* The one integer of the first row; `none` when there is no row. */
TB_MUST_CHECK tb_status tb_db_int(sqlite3 *db, int64_t none, int64_t *out, tb_err *err,
                                  const char *sql, const char *fmt, ...);
/* Copies columns 0..n-1 of the row into one heap block; fields[i] point into it. */
void *tb_db_texts(sqlite3_stmt *s, const char **const *fields, int n);

/* A reading connection; give it back. */
TB_MUST_CHECK tb_status tb_store_reader(tb_store *store, sqlite3 **out, tb_err *err);
void tb_store_reader_done(tb_store *store, sqlite3 *db);

/* A write (wait.c): takes the turn and begins; tb_store_write_end commits when st is TB_OK, else
 * rolls back, gives the turn to the next, and returns what became of it. Between the two only
 * store->writer is used. TB_EUNREADY when the thread's deadline passed first. */
TB_MUST_CHECK tb_status tb_store_write(tb_store *store, tb_err *err);
/* Begins only when that needs no waiting. */
TB_MUST_CHECK tb_status tb_store_try_write(tb_store *store, bool *begun, tb_err *err);
TB_MUST_CHECK tb_status tb_store_write_end(tb_store *store, tb_status st, tb_err *err);

/* trash.c: files whose row was deleted. A line in the table `trash` is written in the transaction
 * that deletes the row, so that a kill before the unlink does not leave the sound behind. Empties
 * it; failures are logged and tried again at the next call. */
void tb_store_trash_empty(tb_store *store);
/* In a write: prompts that nothing refers to go to the trash. */
TB_MUST_CHECK tb_status tb_store_prompts_prune(tb_store *store, tb_err *err);

/* reserve.c: DATA/reserve, room for removing. A removal does at most so many rows in one call, 0:
 * all of them; *more: there are others. */
#define TB_STORE_RESERVE "reserve"
typedef tb_status (*tb_store_removal)(tb_store *store, void *self, int most, bool *more,
                                      tb_err *err);
/* Does it, on a full disk in portions and from the reserve. */
TB_MUST_CHECK tb_status tb_store_remove(tb_store *store, tb_store_removal work, void *self,
                                        tb_err *err);
void tb_store_reserve_init(tb_store *store); /* makes it, and from now on keeps it */
bool tb_store_reserve_use(tb_store *store);  /* gives it up; false: there was none */
void tb_store_reserve_return(tb_store *store);
void tb_store_reserve_mend(tb_store *store); /* makes it whole again if there is room */
/* Before something new is kept: TB_ENOSPACE while the reserve is not whole. */
TB_MUST_CHECK tb_status tb_store_want_room(tb_store *store, tb_err *err);

/* schema.c: nothing stands where the database's files belong; the schema is brought up to date, and
 * has all that a fresh one has. */
TB_MUST_CHECK tb_status tb_store_check_files(const tb_store *store, tb_err *err);
TB_MUST_CHECK tb_status tb_store_migrate(tb_store *store, tb_err *err);

/* check.c: is there a row for this file in one of our folders? */
TB_MUST_CHECK tb_status tb_store_is_known(sqlite3 *db, const char *folder, const char *name,
                                          bool *known, tb_err *err);
/* check.c: no database, but files that one would name: it was lost, and must not begin anew in
 * silence. */
TB_MUST_CHECK tb_status tb_store_check_lost(const tb_store *store, tb_err *err);
/* open.c: a file under its name, to be settled when its row is there. */
TB_MUST_CHECK tb_status tb_store_place(const char *path, const void *data, size_t size,
                                       tb_file_writer *w, tb_err *err);

/* voice.c: the name that voices are told apart by: composed (NFC), case folded. Heap. */
char *tb_voice_fold(const char *name);

/* history.c: in a write: the row of a clip whose file is in place. */
TB_MUST_CHECK tb_status tb_store_clip_insert(tb_store *store, const tb_clip_row *row, tb_err *err);
char *tb_store_clip_path(const tb_store *store, const char *filename);

/* access.c: whether this user may write where it must; the sentence names path, owner and remedy.
 */
TB_MUST_CHECK tb_status tb_store_access(const tb_store *store, tb_err *err);
TB_MUST_CHECK tb_status tb_db_access(const char *db_path, tb_err *err);
/* The database 0600 and the folders 0700, whatever they were; makes the database's file. */
void tb_store_make_private(const tb_store *store);

#endif
