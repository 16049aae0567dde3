#define _GNU_SOURCE /* unshare */

#include "store_help.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#ifdef __linux__
#include <sched.h>
#include <sys/mount.h>
#endif

/*
 * A file system that is really full: a small one in memory, mounted where nobody else sees it. Each
 * test runs in a child that has it at *state; where the system permits no mounts they are skipped.
 */
enum { DISK_MIB = 24, CLIP_BYTES = 20000, SKIPPED = 77 };

static void write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    (void)!write(fd, text, strlen(text));
    close(fd);
}

static bool mount_small(const char *folder)
{
#ifdef __linux__
    char map[64], options[32];
    const bool root = geteuid() == 0;
    snprintf(map, sizeof map, "0 %d 1", (int)geteuid());
    if (unshare(CLONE_NEWNS | (root ? 0 : CLONE_NEWUSER)) != 0) return false;
    if (!root) {
        write_text("/proc/self/setgroups", "deny");
        write_text("/proc/self/uid_map", map);
    }
    snprintf(options, sizeof options, "size=%dm", DISK_MIB);
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("small", folder, "tmpfs", 0, options) == 0;
#else
    (void)folder;
    return false;
#endif
}

static void in_a_small_disk(void **state, void (*work)(const char *folder))
{
    int how = 0;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (!mount_small(*state)) _exit(SKIPPED);
        work(*state);
        _exit(0); /* a failed assertion ends with another number */
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how));
    if (WEXITSTATUS(how) == SKIPPED) skip();
    assert_int_equal(WEXITSTATUS(how), 0);
}

/* In the child cmocka's own end of a test would run the tests behind it. */
#define must(what)                                                             \
    do {                                                                       \
        if (!(what)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what); \
            _exit(1);                                                          \
        }                                                                      \
    } while (0)
#define must_ok(call)                                                                \
    do {                                                                             \
        tb_err err_ = {0}, *err = &err_;                                             \
        if ((call) != TB_OK) {                                                       \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, err_.msg); \
            _exit(1);                                                                \
        }                                                                            \
    } while (0)

/* Others take every byte that is left. */
static void stuff(const char *folder)
{
    char *path = tb_path_join(folder, "somebody's"), block[4096] = {1};
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    must(fd >= 0);
    while (write(fd, block, sizeof block) > 0) {
    }
    must(errno == ENOSPC);
    close(fd);
    tb_free(path);
}

static void make_room(const char *folder)
{
    char *path = tb_path_join(folder, "somebody's");
    must(unlink(path) == 0);
    tb_free(path);
}

static int64_t reserve(const char *folder)
{
    char *path = tb_path_join(folder, "reserve");
    int64_t size = tb_file_size(path);
    tb_free(path);
    return size;
}

static tb_status say(tb_store *store, char *id, size_t size)
{
    static const char sound[CLIP_BYTES];
    const tb_clip_row row = {.text = "a text of some words that the index of words takes apart"};
    tb_clip_writer *w = NULL;
    tb_err err = {0};
    tb_status st = tb_store_clip_begin(store, "wav", &w, &err);
    if (st) return st;
    snprintf(id, size, "%s", tb_clip_writer_id(w));
    st = tb_clip_writer_append(w, sound, sizeof sound, &err);
    if (!st) return tb_clip_writer_commit(w, &row, &err);
    tb_clip_writer_abort(w);
    return st;
}

static tb_status put_voice(tb_store *store, const char *name)
{
    static const char wav[CLIP_BYTES];
    tb_err err = {0};
    return tb_store_voice_put(store, &(tb_voice_row){.id = name}, wav, sizeof wav, false, NULL,
                              &err);
}

static size_t count(tb_store *store)
{
    const tb_clip_query all = {0};
    tb_clip_list list = {0};
    must_ok(tb_store_clip_list(store, &all, &list, err));
    size_t n = list.n;
    for (size_t i = 0; i < n; i++)
        must(!list.rows[i].missing);
    tb_clip_list_clear(&list);
    return n;
}

static void count_problem(void *self, tb_store_problem problem, const char *path)
{
    (void)problem;
    fprintf(stderr, "problem %d: %s\n", (int)problem, path);
    ++*(int *)self;
}

static void must_be_whole(tb_store *store)
{
    int problems = 0;
    must_ok(tb_store_check(store, count_problem, &problems, err));
    must(problems == 0);
}

enum { CLIPS = 60 };

static tb_store *fill(const char *folder, char ids[CLIPS][40])
{
    tb_store *store = NULL;
    char none[40];
    must_ok(tb_store_open(folder, true, &store, err));
    must(reserve(folder) == 2 << 20);
    for (int i = 0; i < CLIPS; i++)
        must(say(store, ids[i], sizeof ids[i]) == TB_OK);
    must(put_voice(store, "Ana") == TB_OK);
    must(put_voice(store, "Eva") == TB_OK);
    stuff(folder);
    must(say(store, none, sizeof none) == TB_ENOSPACE);
    must(put_voice(store, "Ida") == TB_ENOSPACE);
    return store;
}

/* Everything new is refused; what was said before goes, one by one, by age and by size. */
static void remove_all_sorts(const char *folder)
{
    char ids[CLIPS][40], none[40];
    tb_store *store = fill(folder, ids);
    const char *one[] = {ids[0]}, *three[] = {ids[1], "unknown", ids[2]};
    size_t gone = 0;
    uint64_t left = 0;
    must_ok(tb_store_clip_delete(store, one, 1, &gone, &left, err));
    must(gone == 1 && left == CLIPS - 1);
    stuff(folder);
    must_ok(tb_store_voice_delete(store, "Ana", err));
    must(tb_store_voice_delete(store, "Ana", NULL) == TB_ENOTFOUND);
    stuff(folder);
    must_ok(tb_store_clip_delete(store, three, 3, &gone, &left, err));
    must(gone == 2 && left == CLIPS - 3);
    stuff(folder);
    must_ok(tb_store_retain(store, 0, 40 * CLIP_BYTES, &gone, err));
    must(gone == CLIPS - 3 - 40 && count(store) == 40);
    stuff(folder);
    must(say(store, none, sizeof none) == TB_ENOSPACE);
    must(put_voice(store, "Ida") == TB_ENOSPACE);
    tb_store_close(store);

    /* It starts on a full disk, for a server and for a command, and removes there, too. */
    for (int server = 1; server >= 0; server--) {
        stuff(folder);
        must_ok(tb_store_open(folder, server, &store, err));
        must(count(store) == (server ? 40 : 39));
        stuff(folder);
        one[0] = ids[server ? CLIPS - 1 : CLIPS - 2];
        must_ok(tb_store_clip_delete(store, one, 1, &gone, NULL, err));
        must(gone == 1);
        must_be_whole(store);
        tb_store_close(store);
    }
    stuff(folder);
    must_ok(tb_store_open(folder, true, &store, err));
    stuff(folder);
    must_ok(tb_store_clip_delete_all(store, &left, err));
    must(left == 0 && count(store) == 0);

    /* Room again: the reserve is whole, and new things are kept. */
    make_room(folder);
    must_ok(tb_store_tidy(store, err));
    must(reserve(folder) == 2 << 20);
    must(say(store, none, sizeof none) == TB_OK && put_voice(store, "Ida") == TB_OK);
    must_be_whole(store);
    tb_store_close(store);
}

static void a_full_disk_removes_and_refuses_what_is_new(void **state)
{
    in_a_small_disk(state, remove_all_sorts);
}

/* Killed while the reserve was given up, and others took all of it: the start says what to do. */
static void spend_the_reserve(const char *folder)
{
    char ids[CLIPS][40], *path = tb_path_join(folder, "reserve");
    tb_err why = {0};
    tb_store *store = fill(folder, ids);
    make_room(folder); /* so that the log goes into the database, and its room is free */
    tb_store_close(store);
    must(truncate(path, 0) == 0);
    stuff(folder);
    for (int server = 0; server < 2; server++) {
        must(tb_store_open(folder, server, &store, &why) == TB_ENOSPACE);
        must(strstr(why.msg, folder) && strstr(why.msg, "make some room"));
    }
    make_room(folder);
    must_ok(tb_store_open(folder, true, &store, err));
    must(count(store) == CLIPS && reserve(folder) == 2 << 20);
    tb_store_close(store);
    tb_free(path);
}

static void a_start_without_any_room_says_what_to_do(void **state)
{
    in_a_small_disk(state, spend_the_reserve);
}

/* Removes one after the other and says which are gone. */
static void remove_each(const char *folder, char ids[CLIPS][40], int from, int to)
{
    tb_store *store = NULL;
    must_ok(tb_store_open(folder, true, &store, err));
    for (int i = from; i < CLIPS; i++) {
        const char *one[] = {ids[i]};
        size_t gone = 0;
        stuff(folder);
        must_ok(tb_store_clip_delete(store, one, 1, &gone, NULL, err));
        (void)!write(to, &i, sizeof i);
    }
    tb_store_close(store);
    _exit(0);
}

static void kill_while_removing(const char *folder)
{
    enum { ROUNDS = 12 };
    char ids[CLIPS][40];
    int done = -1;
    tb_store_close(fill(folder, ids));
    for (int round = 0; round < ROUNDS && done < CLIPS - 1; round++) {
        int ends[2], i;
        tb_store *store = NULL;
        must(pipe(ends) == 0);
        pid_t child = fork();
        if (child == 0) remove_each(folder, ids, done + 1, ends[1]);
        close(ends[1]);
        tb_clock_sleep_ms(20 + 7 * round);
        kill(child, SIGKILL);
        must(waitpid(child, NULL, 0) == child);
        while (read(ends[0], &i, sizeof i) == (ssize_t)sizeof i)
            done = i;
        close(ends[0]);
        must_ok(tb_store_open(folder, true, &store, err));
        must(reserve(folder) > 1 << 20);
        const int left = (int)count(store); /* one more may be gone than was said */
        must(left == CLIPS - 1 - done || left == CLIPS - 2 - done);
        must_be_whole(store);
        if (left == CLIPS - 2 - done) done++;
        tb_store_close(store);
    }
    must(done >= 0);
}

static void a_kill_while_a_full_disk_is_cleared_loses_nothing_else(void **state)
{
    in_a_small_disk(state, kill_while_removing);
}

/* Far more rows than the log could hold in the reserve: portion by portion. */
static void remove_thousands(const char *folder)
{
    enum { ROWS = 1500 };
    tb_store *store = NULL;
    uint64_t left = 1;
    char text[1500];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 7 == 6 ? ' ' : (char)('a' + i * i % 26);
    text[sizeof text - 1] = 0;
    must_ok(tb_store_open(folder, true, &store, err));
    tb_err why = {0};
    tb_status st = TB_OK;
    for (int i = 0; i < ROWS && !st; i++) {
        tb_clip_writer *w = NULL;
        snprintf(text, sizeof text, "%6d", i);
        text[6] = ' ';
        st = tb_store_clip_begin(store, "wav", &w, &why);
        if (!st) st = tb_clip_writer_commit(w, &(tb_clip_row){.text = text}, &why);
    }
    stuff(folder);
    const size_t rows = count(store);
    must(rows > 300);
    must_ok(tb_store_clip_delete_all(store, &left, err));
    must(left == 0 && count(store) == 0);
    must_be_whole(store);
    tb_store_close(store);
}

static void any_number_of_rows_goes_from_a_full_disk(void **state)
{
    in_a_small_disk(state, remove_thousands);
}

static void somebody_elses_reserve_is_left_alone(void **state)
{
    char *path = tb_path_join(*state, "reserve"), *elsewhere = tb_path_join(*state, "elsewhere");
    store_file(*state, "elsewhere", "precious", 8);
    assert_int_equal(symlink("elsewhere", path), 0);
    tb_store *store = store_open(*state, true); /* without a reserve, but it starts */
    store_say(store, "hello", "Ana", 0, NULL);
    tb_store_close(store);
    assert_int_equal(tb_file_size(elsewhere), 8);
    tb_free(path);
    tb_free(elsewhere);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(a_full_disk_removes_and_refuses_what_is_new),
        store_test(a_start_without_any_room_says_what_to_do),
        store_test(a_kill_while_a_full_disk_is_cleared_loses_nothing_else),
        store_test(any_number_of_rows_goes_from_a_full_disk),
        store_test(somebody_elses_reserve_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
