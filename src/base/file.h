#ifndef TB_BASE_FILE_H
#define TB_BASE_FILE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Files. Errors name the path and the system's reason. */

/* Whole file, NUL-terminated behind its size bytes, heap. TB_ETOOBIG above max. */
TB_MUST_CHECK tb_status tb_file_read(const char *path, size_t max, char **data, size_t *size,
                                     tb_err *err);

/*
 * For folders that programs and people may put things into that were never meant to be read: only a
 * regular file that is no link, and opened without waiting for whoever holds the other end of a
 * pipe. TB_EINVAL says what it is instead.
 */
TB_MUST_CHECK tb_status tb_file_open_plain(const char *path, int *fd, uint64_t *size, tb_err *err);
TB_MUST_CHECK tb_status tb_file_read_plain(const char *path, size_t max, char **data, size_t *size,
                                           tb_err *err);
int64_t tb_file_plain_size(const char *path); /* -1 when there is none */

/*
 * Writes a file so that at any instant, power cut included, either the old one or the whole new
 * one is there: a temporary name of ours in the same folder, fsync, rename, fsync of the folder.
 */
TB_MUST_CHECK tb_status tb_file_write(const char *path, const void *data, size_t size, int mode,
                                      tb_err *err);

/*
 * The same in steps, for files written while they are made. begin opens "<folder>/.tb-tmp-<hex>";
 * commit makes it durable under its final name; abort removes it. Exactly one of commit and abort
 * ends it (both accept a {0} writer). The rename replaces an existing file.
 */
typedef struct {
    int fd; /* valid while open */
    char *tmp_path;
    uint64_t size;
} tb_file_writer;

TB_MUST_CHECK tb_status tb_file_begin(tb_file_writer *w, const char *folder, tb_err *err);
TB_MUST_CHECK tb_status tb_file_append(tb_file_writer *w, const void *data, size_t size,
                                       tb_err *err);
TB_MUST_CHECK tb_status tb_file_commit(tb_file_writer *w, const char *path, tb_err *err);
void tb_file_abort(tb_file_writer *w);

/*
 * For a file that something else has to name before it counts (a row of the store): place makes it
 * durable under its final name like commit, but keeps the temporary name as a second one until
 * settle. So after a death in between the file is known as one that was left there by us, and not
 * by somebody else. Where a file cannot have two names, or path is there already, place is a
 * commit. Failure ends the writer; else settle does.
 */
TB_MUST_CHECK tb_status tb_file_place(tb_file_writer *w, const char *path, tb_err *err);
void tb_file_settle(tb_file_writer *w);

/* Removes our own temporary names (".tb-tmp-*") in folder that are older than started_us (wall
 * clock) and whose writer, of whatever process, has died. Nothing else is ever touched. Returns how
 * many went. */
size_t tb_file_sweep(const char *folder, int64_t started_us);
/* The same, but asks about files that were placed and not settled: name is the final one in folder.
 * When wanted says no, both names go. */
typedef bool (*tb_file_wanted)(void *self, const char *name);
size_t tb_file_sweep_placed(const char *folder, int64_t started_us, tb_file_wanted wanted,
                            void *self);
bool tb_file_is_temporary(const char *name);

TB_MUST_CHECK tb_status tb_file_mkdirs(const char *path, int mode, tb_err *err);
bool tb_file_exists(const char *path);
bool tb_file_is_dir(const char *path);
int64_t tb_file_size(const char *path);                   /* -1 when there is none */
char *tb_path_join(const char *folder, const char *name); /* heap */

/* An exclusive advisory lock on path, created when absent, held until close or death. TB_ECONFLICT
 * when another process has it. */
TB_MUST_CHECK tb_status tb_file_lock(const char *path, int *fd, tb_err *err);

#endif
