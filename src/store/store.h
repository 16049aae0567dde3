#ifndef TB_STORE_STORE_H
#define TB_STORE_STORE_H

#include "base/err.h"
#include "base/file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What timbre keeps: voices, history, clips, prompts, jobs, pronunciations. Rows are in
 * DATA/timbre.db (SQLite, WAL, synchronous=FULL), sound is in files beside it:
 *
 *   DATA/voices/<uuid>.wav           the decoded reference; <uuid>.<kind>.cache  cached analyses
 *   DATA/clips/gen_<uuid>.<ext>      what was spoken
 *   DATA/prompts/<hash>.wav          uploaded prompts that some history row was spoken with
 *   DATA/lock                        held by the one `timbre serve` of this folder
 *
 * A file is made under a temporary name, synced and renamed, and only then its row is written; a
 * delete takes the row first. So kill -9 at any instant loses nothing that was acknowledged (TB_OK
 * returned) and never leaves a row with half a file.
 *
 * Any thread may call anything (one writing connection behind a mutex, a pool of reading ones), and
 * another process may use the same folder at the same time. Every call may block on the disk: not
 * for the threads that hold sockets, except the short reads of one row.
 *
 * Rows: those that a caller passes in are borrowed, strings and all; NULL strings are stored as "".
 * Those that come out own their strings in `mem`, all of them non-NULL, and are cleared by the
 * caller. Times are microseconds since 1970, UTC.
 */
typedef struct tb_store tb_store;

/*
 * Creates data_dir and what belongs into it when absent, and brings the schema up to date.
 * exclusive: for the server: takes DATA/lock (a second server is TB_ECONFLICT), sweeps our own
 * temporary names older than this start, marks rows whose file is missing, and turns jobs of a
 * former process that never ended into "interrupted". Not exclusive (the command line): none of it.
 * A database of a newer timbre, or a damaged one, is TB_EINTERNAL with a sentence; one that another
 * process holds is TB_EUNREADY after ten seconds, of which the log tells.
 */
TB_MUST_CHECK tb_status tb_store_open(const char *data_dir, bool exclusive, tb_store **out,
                                      tb_err *err);
void tb_store_close(tb_store *store); /* no other call may be running */
/* How long the calls of this thread may wait for another process that holds the database, and for
 * other writers here: until then, all of them together. 0, as at first: ten seconds for each call.
 * When it has passed, a call that would have to wait is TB_EUNREADY at once; others go on as usual.
 */
void tb_store_wait_until(int64_t mono_ns);
/* Does another process keep us from writing at this moment? Waits for nothing. */
bool tb_store_is_held(tb_store *store);
/* From now on no call waits for another process: it is TB_EUNREADY at once. For a server that
 * stops.
 */
void tb_store_stop_waiting(tb_store *store);
const char *tb_store_data_dir(const tb_store *store);

/* ---- voices ---- */

typedef struct {
    const char *id;       /* the name people see */
    const char *uuid;     /* names the files; a new one with each new content. Ignored by put */
    const char *filename; /* "<id>.wav", for clients; ignored by put */
    const char *language, *region, *gender, *description, *model;
    const char *uploaded_by;
    int64_t uploaded_at_us;   /* put: 0 means now */
    const char *content_hash; /* of the wav's bytes; computed by put */
    double seconds;
    const char *warnings; /* JSON array as text; "" is stored as "[]" */
    bool missing;         /* its wav is gone */
    void *mem;
} tb_voice_row;

typedef struct {
    tb_voice_row *rows;
    size_t n;
} tb_voice_list;

void tb_voice_row_clear(tb_voice_row *row);
void tb_voice_list_clear(tb_voice_list *list);

enum { TB_VOICE_NAME_MAX = 64 };   /* code points */
#define TB_VOICE_DEFAULT "default" /* the built-in one; no stored voice is called so */

/*
 * 1..64 letters and digits of any script, spaces, '-' and '_', no space at either end; not one of
 * the reserved names default, list, upload. TB_EINVAL names the field "name". Combining marks count
 * as letters, behind one. What cannot be seen is refused: of two names that look the same, one
 * would be somebody else's.
 */
TB_MUST_CHECK tb_status tb_voice_name_check(const char *name, tb_err *err);

/* Notes of a voice and their bounds in characters; NULL leaves a member as it is. */
enum { TB_VOICE_NOTE_MAX = 100, TB_VOICE_DESCRIPTION_MAX = 2000, TB_VOICES_MAX = 10000 };
typedef struct {
    const char *new_name, *language, *region, *gender, *description, *model;
} tb_voice_change;
/* Not longer, UTF-8, no control or direction characters; lines in the description only. TB_EINVAL
 * names the field. new_name is not looked at. */
TB_MUST_CHECK tb_status tb_voice_notes_check(const tb_voice_change *notes, tb_err *err);

/*
 * Keeps wav (a whole decoded RIFF file) as voice row->id. Without overwrite a name that is taken is
 * TB_ECONFLICT, and so is one more than TB_VOICES_MAX. Overwriting replaces content and metadata;
 * the old file goes after the row has changed. out (may be NULL) gets the row as it was stored.
 */
TB_MUST_CHECK tb_status tb_store_voice_put(tb_store *store, const tb_voice_row *row,
                                           const void *wav, size_t size, bool overwrite,
                                           tb_voice_row *out, tb_err *err);

/* By name, case-folded; a trailing ".wav" is accepted. TB_ENOTFOUND names field voice_id and near
 * names. */
TB_MUST_CHECK tb_status tb_store_voice_get(tb_store *store, const char *name, tb_voice_row *out,
                                           tb_err *err);
/* The voice whose recording has this content_hash: the one of that name when several have it, as
 * after a rename or an upload under a second name. TB_ENOTFOUND says what became of name. */
TB_MUST_CHECK tb_status tb_store_voice_by_hash(tb_store *store, const char *hash, const char *name,
                                               tb_voice_row *out, tb_err *err);
TB_MUST_CHECK tb_status tb_store_voice_list(tb_store *store, tb_voice_list *out, tb_err *err);

/* A new_name that another voice has is TB_ECONFLICT. out may be NULL. */
TB_MUST_CHECK tb_status tb_store_voice_update(tb_store *store, const char *name,
                                              const tb_voice_change *change, tb_voice_row *out,
                                              tb_err *err);
TB_MUST_CHECK tb_status tb_store_voice_delete(tb_store *store, const char *name, tb_err *err);

/* Path of the voice's wav, heap. uuid comes from a row. */
char *tb_store_voice_path(const tb_store *store, const char *uuid);
/* Its bytes, heap; TB_ENOTFOUND when the file is gone. */
TB_MUST_CHECK tb_status tb_store_voice_read(tb_store *store, const char *uuid, char **data,
                                            size_t *size, tb_err *err);

/* Analyses kept beside a voice. kind: 1..64 of [a-z0-9._-], e.g. "embedded-3". get is TB_ENOTFOUND
 * when there is none (heap bytes otherwise). They go with the voice's content. */
TB_MUST_CHECK tb_status tb_store_voice_cache_put(tb_store *store, const char *uuid,
                                                 const char *kind, const void *data, size_t size,
                                                 tb_err *err);
TB_MUST_CHECK tb_status tb_store_voice_cache_get(tb_store *store, const char *uuid,
                                                 const char *kind, char **data, size_t *size,
                                                 tb_err *err);

/* ---- history ---- */

typedef struct {
    const char *id; /* uuid */
    const char *text;
    const char *filename;   /* gen_<uuid>.<ext> */
    const char *voice_used; /* voice id, or "uploaded_sample" */
    const char *mode, *language_id;
    int64_t timestamp_us; /* commit: 0 means now */
    const char *user, *job_id, *engine;
    uint64_t seed;           /* 0 .. 2^53-1 */
    const char *params;      /* JSON text: everything a replay needs */
    const char *prompt_hash; /* of DATA/prompts, or "" */
    const char *format;      /* "wav", "mp3", ... */
    const char *content_type;
    double duration_s;
    uint64_t size_bytes; /* filled by commit */
    bool missing;        /* its file is gone */
    void *mem;
} tb_clip_row;

typedef struct {
    tb_clip_row *rows;
    size_t n;
    uint64_t total;  /* rows that match q (and user), on all pages */
    char cursor[64]; /* of the next page; "" on the last one */
} tb_clip_list;

void tb_clip_row_clear(tb_clip_row *row);
void tb_clip_list_clear(tb_clip_list *list);

/*
 * A clip while it is made; one thread at a time. id and filename are known from the start.
 * ext: 1..8 of [a-z0-9]. rewrite overwrites bytes already appended (a WAV header at the end).
 * commit makes the file durable, then the row, and only then returns TB_OK: row's id, filename and
 * size_bytes are taken from the writer. Commit (on failure too) and abort both end it and free it;
 * abort accepts NULL.
 */
typedef struct tb_clip_writer tb_clip_writer;

TB_MUST_CHECK tb_status tb_store_clip_begin(tb_store *store, const char *ext, tb_clip_writer **out,
                                            tb_err *err);
const char *tb_clip_writer_id(const tb_clip_writer *w);
const char *tb_clip_writer_filename(const tb_clip_writer *w);
int tb_clip_writer_fd(const tb_clip_writer *w); /* the writer's; dup it to read while it grows */
TB_MUST_CHECK tb_status tb_clip_writer_append(tb_clip_writer *w, const void *data, size_t size,
                                              tb_err *err);
TB_MUST_CHECK tb_status tb_clip_writer_rewrite(tb_clip_writer *w, uint64_t offset, const void *data,
                                               size_t size, tb_err *err);
TB_MUST_CHECK tb_status tb_clip_writer_commit(tb_clip_writer *w, const tb_clip_row *row,
                                              tb_err *err);
void tb_clip_writer_abort(tb_clip_writer *w);

/* Newest first. Pages neither repeat nor lose a row while rows are added. {0} lists everything. */
typedef struct {
    size_t limit;       /* 0: no limit */
    size_t bytes_max;   /* of strings: no more rows behind it, as behind limit. 0: no limit */
    const char *cursor; /* of the former page; NULL or "": the first. A bad one is TB_EINVAL */
    const char *q; /* words that text or voice hold, in any order; NULL or blank: all. Any text */
    const char *user; /* only theirs; NULL: everybody's */
    bool uncounted;   /* total is not wanted: it costs a look at all rows */
} tb_clip_query;
/* The most that one page of the API, and one list of the command line, may ask for. */
enum { TB_CLIP_PAGE_MAX = 1000, TB_CLIP_LIST_MAX = 100000 };
TB_MUST_CHECK tb_status tb_store_clip_list(tb_store *store, const tb_clip_query *query,
                                           tb_clip_list *out, tb_err *err);
TB_MUST_CHECK tb_status tb_store_clip_get(tb_store *store, const char *id, tb_clip_row *out,
                                          tb_err *err);
/* Looked up in the table, never used as a path. */
TB_MUST_CHECK tb_status tb_store_clip_by_filename(tb_store *store, const char *filename,
                                                  tb_clip_row *out, tb_err *err);

/* Unknown ids are passed over. remaining (may be NULL): rows left in all. */
TB_MUST_CHECK tb_status tb_store_clip_delete(tb_store *store, const char *const *ids, size_t n,
                                             size_t *deleted, uint64_t *remaining, tb_err *err);
TB_MUST_CHECK tb_status tb_store_clip_delete_all(tb_store *store, uint64_t *remaining, tb_err *err);

/* Once a minute, without waiting for another process: advances the aging clock, deletes old jobs,
 * writes the pending notes. */
TB_MUST_CHECK tb_status tb_store_tidy(tb_store *store, tb_err *err);

/* By the aging clock, which does not follow a jump of the system clock at once (aging_clock.c):
 * deletes the oldest until none is older than max_age_s and the rest is at most max_bytes (0: no
 * such bound). deleted may be NULL. */
TB_MUST_CHECK tb_status tb_store_retain(tb_store *store, int64_t max_age_s, uint64_t max_bytes,
                                        size_t *deleted, tb_err *err);

/* The clip's file, open for reading: fd is the caller's and stays readable when the clip is deleted
 * meanwhile. etag is quoted, for the header. TB_ENOTFOUND ("File not found") when row or file are
 * gone. */
typedef struct {
    int fd;
    uint64_t size;
    char etag[48];
} tb_clip_file;
TB_MUST_CHECK tb_status tb_store_clip_open(tb_store *store, const tb_clip_row *row,
                                           tb_clip_file *out, tb_err *err);

/* ---- uploaded prompts, for replay ---- */

/* Keeps the decoded prompt under the hash of its bytes (hash: TB_HASH_HEX bytes, out). It stays
 * while a history row names it, and for a day in any case (the row comes after). */
TB_MUST_CHECK tb_status tb_store_prompt_put(tb_store *store, const void *wav, size_t size,
                                            char *hash, tb_err *err);
TB_MUST_CHECK tb_status tb_store_prompt_get(tb_store *store, const char *hash, char **wav,
                                            size_t *size, tb_err *err);

/* ---- jobs ---- */

typedef struct {
    const char *id, *user;
    const char *state;            /* queued running finished failed cancelled interrupted */
    int64_t created_us, ended_us; /* ended_us 0: not yet */
    const char *params;           /* JSON text */
    const char *error;            /* sentence of a failure */
    const char *clip_id;
    void *mem;
} tb_job_row;

void tb_job_row_clear(tb_job_row *row);
/* At acceptance; state NULL means "queued". A row that cannot be written is remembered like an end
 * (below), although this says why it was not. */
TB_MUST_CHECK tb_status tb_store_job_add(tb_store *store, const tb_job_row *row, tb_err *err);
/* state as above; error and clip_id NULL leave theirs. A job that has ended keeps its state:
 * TB_ECONFLICT. An end that cannot be written is remembered, told, and written by tb_store_tidy. */
TB_MUST_CHECK tb_status tb_store_job_set(tb_store *store, const char *id, const char *state,
                                         const char *error, const char *clip_id, tb_err *err);
TB_MUST_CHECK tb_status tb_store_job_get(tb_store *store, const char *id, tb_job_row *out,
                                         tb_err *err);

/* ---- pronunciations ---- */

typedef struct {
    const char *key; /* what two entries of one word have in common (text/lexicon.h) */
    const char *word, *say, *language; /* language "": every one */
    void *mem;
} tb_pronunciation_row;

typedef struct {
    tb_pronunciation_row *rows;
    size_t n;
} tb_pronunciation_list;

enum { TB_STORE_PRONUNCIATIONS = 1000 }; /* most entries */

void tb_pronunciation_list_clear(tb_pronunciation_list *list);
TB_MUST_CHECK tb_status tb_store_pronunciation_list(tb_store *store, tb_pronunciation_list *out,
                                                    tb_err *err);
/* In the place of one of the same key and language. TB_EINVAL when there are too many. */
TB_MUST_CHECK tb_status tb_store_pronunciation_put(tb_store *store, const tb_pronunciation_row *row,
                                                   tb_err *err);
/* All of them, in the place of all that are there. Of two of one key and language the later stays.
 */
TB_MUST_CHECK tb_status tb_store_pronunciation_replace(tb_store *store,
                                                       const tb_pronunciation_row *rows, size_t n,
                                                       tb_err *err);
/* key NULL: all. language NULL: of every language; "": the entry that is for all of them. */
TB_MUST_CHECK tb_status tb_store_pronunciation_delete(tb_store *store, const char *key,
                                                      const char *language, size_t *deleted,
                                                      size_t *remaining, tb_err *err);

/* ---- once ---- */

/* Any audio to a RIFF wav, heap; what tb_store_import hands files to that are not kept as they
 * are. */
typedef tb_status (*tb_store_decode)(void *self, const char *data, size_t size, char **wav,
                                     size_t *wav_size, double *seconds, tb_err *err);
typedef struct {
    size_t voices, clips, skipped;
    bool done_before; /* these folders were imported by an earlier call; nothing was done */
} tb_import_result;

/* Takes over an older service's folders, once for each set of paths (noted in the database). They
 * are only read. Any of the three may be NULL or "" or absent. Broken entries are skipped with a
 * warning line. decode NULL: voices are taken as they are when they are RIFF. */
TB_MUST_CHECK tb_status tb_store_import(tb_store *store, const char *voices_dir,
                                        const char *storage_dir, const char *history_file,
                                        tb_store_decode decode, void *self, tb_import_result *out,
                                        tb_err *err);

/* ---- doctor, metrics ---- */

typedef enum {
    TB_STORE_UNKNOWN_FILE,   /* a file in our folders that no row names; path */
    TB_STORE_MISSING_FILE,   /* a row whose file is gone; path is where it should be */
    TB_STORE_TEMPORARY_FILE, /* left by a process that died; swept at the next start */
    TB_STORE_DAMAGED,        /* the database's own check complains; path is its sentence */
} tb_store_problem;
typedef void (*tb_store_report)(void *self, tb_store_problem problem, const char *path);
/* Removes and changes nothing. */
TB_MUST_CHECK tb_status tb_store_check(tb_store *store, tb_store_report report, void *self,
                                       tb_err *err);

typedef struct {
    uint64_t voices, clips, clips_missing, prompts, jobs;
    uint64_t clip_bytes, db_bytes;
} tb_store_figures;
TB_MUST_CHECK tb_status tb_store_stats(tb_store *store, tb_store_figures *out, tb_err *err);
/* The same for one thread that polls: *changed says whether anything was written since its last
 * call; if not, out is left as it is, and the call is cheap. */
TB_MUST_CHECK tb_status tb_store_stats_if_changed(tb_store *store, tb_store_figures *out,
                                                  bool *changed, tb_err *err);

#endif
