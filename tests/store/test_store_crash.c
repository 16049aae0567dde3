/*
 * The store under threads, kills, full disks and leftovers.
 */
#include "base/hash.h"
#include "store_help.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* ---- several at once ---- */

enum { THREADS = 8, TURNS = 20 };

typedef struct {
    tb_store *store;
    int number;
    atomic_int *failures;
} worker;

/* No assertions here: they would leave the thread by a jump. */
static void *work(void *self)
{
    worker *w = self;
    char name[32];
    snprintf(name, sizeof name, "Voice %d", w->number);
    for (int i = 0; i < TURNS; i++) {
        const tb_clip_row row = {.text = "one of many", .voice_used = name};
        const tb_clip_query query = {.q = "many", .limit = 5};
        const tb_voice_row voice = {.id = name};
        tb_clip_list list = {0};
        tb_voice_list voices = {0};
        tb_clip_row back = {0};
        char id[TB_UUID_TEXT];
        tb_err err = {0};
        tb_status st = store_clip(w->store, &row, 64, id, &err);
        if (!st) st = tb_store_clip_get(w->store, id, &back, &err);
        if (!st) st = tb_store_clip_list(w->store, &query, &list, &err);
        if (!st && i % 4 == 0)
            st = tb_store_voice_put(w->store, &voice, name, sizeof name, true, NULL, &err);
        if (!st) st = tb_store_voice_list(w->store, &voices, &err);
        const char *const ids[] = {id};
        if (!st && i % 2 == 1) st = tb_store_clip_delete(w->store, ids, 1, NULL, NULL, &err);
        if (st) {
            fprintf(stderr, "%s\n", err.msg);
            atomic_fetch_add(w->failures, 1);
        }
        tb_clip_row_clear(&back);
        tb_clip_list_clear(&list);
        tb_voice_list_clear(&voices);
    }
    return NULL;
}

static void eight_threads_read_and_write_at_once(void **state)
{
    tb_store *store = store_open(*state, true);
    atomic_int failures = 0;
    pthread_t thread[THREADS];
    worker workers[THREADS];
    tb_store_figures figures = {0};
    store_found f = {{0}};
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker){store, i, &failures};
        assert_int_equal(pthread_create(&thread[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(failures, 0);
    assert_ok(tb_store_stats(store, &figures, err));
    assert_int_equal(figures.clips, THREADS * TURNS / 2);
    assert_int_equal(figures.voices, THREADS);
    assert_int_equal(store_count(*state, "clips"), THREADS * TURNS / 2);
    assert_int_equal(store_count(*state, "voices"), THREADS);
    assert_ok(tb_store_check(store, store_count_problem, &f, err));
    for (int i = 0; i < 4; i++)
        assert_int_equal(f.of[i], 0);
    tb_store_close(store);
}

/* ---- the bad days ---- */

enum { CLIP_BYTES = 5000 };

/* In a child: clips without end; each id goes out once it was acknowledged. */
static void speak_for_ever(const char *folder, int out)
{
    tb_store *store = NULL;
    const tb_clip_row row = {.text = "spoken until the end"};
    char id[TB_UUID_TEXT];
    if (tb_store_open(folder, true, &store, NULL)) _exit(2);
    while (store_clip(store, &row, CLIP_BYTES, id, NULL) == TB_OK)
        if (write(out, id, sizeof id) != (ssize_t)sizeof id) break;
    _exit(3);
}

static void whole(tb_store *store, const char *id)
{
    tb_clip_row row = {0};
    tb_clip_file file = {.fd = -1};
    assert_ok(tb_store_clip_get(store, id, &row, err));
    assert_false(row.missing);
    assert_int_equal(row.size_bytes, CLIP_BYTES);
    assert_ok(tb_store_clip_open(store, &row, &file, err));
    assert_int_equal(file.size, CLIP_BYTES);
    close(file.fd);
    tb_clip_row_clear(&row);
}

static void a_kill_at_any_instant_loses_nothing_acknowledged(void **state)
{
    enum { KILLS = 20, MAX = 20000 };
    char(*ids)[TB_UUID_TEXT] = tb_alloc(MAX * sizeof *ids);
    size_t n = 0;
    for (int turn = 0; turn < KILLS; turn++) {
        const tb_clip_query all = {0};
        tb_clip_list list = {0};
        size_t before = n;
        int ends[2], how = 0;
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            close(ends[0]);
            speak_for_ever(*state, ends[1]);
        }
        close(ends[1]);
        /* From before it has opened the folder to a few dozen clips later. */
        tb_clock_sleep_ms(1 + (turn * 37) % 90);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &how, 0), child);
        assert_true(WIFSIGNALED(how));
        while (n < MAX && read(ends[0], ids[n], TB_UUID_TEXT) == TB_UUID_TEXT)
            n++;
        close(ends[0]);

        tb_store *store = store_open(*state, true);
        for (size_t i = before; i < n; i++)
            whole(store, ids[i]);
        /* Rows that were written but not yet acknowledged are whole as well. */
        assert_ok(tb_store_clip_list(store, &all, &list, err));
        assert_true(list.n >= n);
        for (size_t i = 0; i < list.n; i++)
            if (i < list.n - before) whole(store, list.rows[i].id);
        tb_clip_list_clear(&list);
        char *path = tb_path_join(*state, "clips");
        DIR *dir = opendir(path);
        assert_non_null(dir);
        for (struct dirent *e; (e = readdir(dir));)
            assert_false(tb_file_is_temporary(e->d_name));
        closedir(dir);
        tb_free(path);
        store_found f = {{0}}; /* nor is there a file that was renamed and had no row yet */
        assert_ok(tb_store_check(store, store_count_problem, &f, err));
        for (int k = 0; k < 4; k++)
            assert_int_equal(f.of[k], 0);
        tb_store_close(store);
    }
    assert_true(n > 0);
    tb_free(ids);
}

/* In a child: no file may grow over `limit` bytes. 0 when every refusal was an error with a
 * sentence and what is listed is whole. */
static int with_a_full_disk(const char *folder, rlim_t limit)
{
    const struct rlimit full = {limit, limit};
    const tb_clip_row row = {.text = "a clip that may not fit"};
    const tb_clip_query all = {0};
    tb_clip_list list = {0};
    tb_store *store = NULL;
    tb_err err = {0};
    size_t kept = 0;
    bool refused = false;
    signal(SIGXFSZ, SIG_IGN);
    if (tb_store_open(folder, true, &store, NULL)) return 10;
    if (setrlimit(RLIMIT_FSIZE, &full)) return 11;
    for (int i = 0; i < 200; i++) { /* until the log of the database is full, or at once */
        const tb_voice_row voice = {.id = "Ana"};
        tb_status st = store_clip(store, &row, CLIP_BYTES, NULL, &err);
        if (st && !err.msg[0]) return 12;
        kept += st == TB_OK;
        refused |= st != TB_OK;
        if (st) {
            st = tb_store_voice_put(store, &voice, folder, strlen(folder), true, NULL, &err);
            break;
        }
    }
    if (!refused) return 13;
    if (tb_store_clip_list(store, &all, &list, &err)) return 14;
    if (list.n != kept) return 15;
    for (size_t i = 0; i < list.n; i++) {
        tb_clip_file file = {.fd = -1};
        if (tb_store_clip_open(store, &list.rows[i], &file, &err)) return 16;
        if (file.size != CLIP_BYTES) return 17;
        close(file.fd);
    }
    tb_clip_list_clear(&list);
    tb_store_close(store);
    return 0;
}

static void a_full_disk_is_an_error_and_nothing_half_is_listed(void **state)
{
    static const rlim_t limits[] = {1000, 4999, 120000, 200000};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        char *data = tb_sprintf("%s/%zu", (const char *)*state, i);
        int how = 0;
        fflush(NULL);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) _exit(with_a_full_disk(data, limits[i]));
        assert_int_equal(waitpid(child, &how, 0), child);
        assert_true(WIFEXITED(how));
        assert_int_equal(WEXITSTATUS(how), 0);
        /* With room again it goes on; every file has its row. */
        tb_store *store = store_open(data, true);
        store_found f = {{0}};
        assert_ok(tb_store_check(store, store_count_problem, &f, err));
        for (int k = 0; k < 4; k++)
            assert_int_equal(f.of[k], 0);
        store_say(store, "room again", "Ana", 0, NULL);
        tb_store_close(store);
        tb_free(data);
    }
}

static void temporary_files_of_others_names_stay(void **state)
{
    tb_store_close(store_open(*state, true));
    char *dir = tb_path_join(*state, "clips");
    store_file(dir, ".tb-tmp-dead", "x", 1);
    store_file(dir, ".somebody-else's", "x", 1);
    char *path = tb_path_join(dir, ".tb-tmp-dead");
    const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
    tb_store_close(store_open(*state, false)); /* the command line sweeps nothing */
    assert_int_equal(store_count(*state, "clips"), 2);
    tb_store_close(store_open(*state, true));
    assert_int_equal(store_count(*state, "clips"), 1);
    assert_false(tb_file_exists(path));
    tb_free(path);
    tb_free(dir);
}

/* As death leaves it between the file and its row: the file has its name, and a temporary one. */
static void place_and_die(const char *dir, const char *name, bool ours)
{
    const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    char *tmp = tb_sprintf("%s/.tb-tmp-%s", dir, name), *path = tb_path_join(dir, name);
    store_file(dir, name, "x", 1);
    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
    if (ours) assert_int_equal(link(path, tmp), 0);
    tb_free(tmp);
    tb_free(path);
}

static void what_death_left_without_a_row_goes_and_strangers_files_stay(void **state)
{
    static const char *const folders[] = {"clips", "voices", "prompts"};
    static const char *const names[][2] = {
        {"gen_11111111-1111-4111-8111-111111111111.wav",
         "gen_22222222-2222-4222-8222-222222222222.wav"},
        {"11111111-1111-4111-8111-111111111111.wav", "22222222-2222-4222-8222-222222222222.wav"},
        {"1111.wav", "2222.wav"},
    };
    tb_store *store = store_open(*state, true);
    const tb_voice_row voice = {.id = "Ana"};
    tb_voice_row kept = {0};
    store_say(store, "kept", "Ana", 0, NULL);
    assert_ok(tb_store_voice_put(store, &voice, "wav", 3, false, &kept, err));
    tb_store_close(store);
    for (int i = 0; i < 3; i++) {
        char *dir = tb_path_join(*state, folders[i]);
        place_and_die(dir, names[i][0], true);
        place_and_die(dir, names[i][1], false);
        tb_free(dir);
    }
    /* The row was written, only the second name is left. */
    char *wav = tb_sprintf("%s/voices/%s.wav", (const char *)*state, kept.uuid);
    char *second = tb_sprintf("%s/voices/.tb-tmp-2", (const char *)*state);
    const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    assert_int_equal(link(wav, second), 0);
    assert_int_equal(utimensat(AT_FDCWD, wav, old, 0), 0);
    tb_store_close(store_open(*state, false)); /* the command line touches nothing */
    assert_true(tb_file_exists(second));

    tb_store_close(store_open(*state, true));
    assert_int_equal(store_count(*state, "clips"), 2);
    assert_int_equal(store_count(*state, "voices"), 2);
    assert_int_equal(store_count(*state, "prompts"), 1);
    assert_true(tb_file_exists(wav) && !tb_file_exists(second));
    for (int i = 0; i < 3; i++) {
        char *ours = tb_sprintf("%s/%s/%s", (const char *)*state, folders[i], names[i][0]);
        char *theirs = tb_sprintf("%s/%s/%s", (const char *)*state, folders[i], names[i][1]);
        assert_false(tb_file_exists(ours));
        assert_true(tb_file_exists(theirs));
        tb_free(ours);
        tb_free(theirs);
    }
    tb_voice_row_clear(&kept);
    tb_free(wav);
    tb_free(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(eight_threads_read_and_write_at_once),
        store_test(a_kill_at_any_instant_loses_nothing_acknowledged),
        store_test(a_full_disk_is_an_error_and_nothing_half_is_listed),
        store_test(what_death_left_without_a_row_goes_and_strangers_files_stay),
        store_test(temporary_files_of_others_names_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
