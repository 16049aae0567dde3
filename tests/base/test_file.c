/*
 * Tests of files: atomic replacement, plain files only, temporary names and their removal, folders,
 * locks.
 */
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char home[] = "/tmp/timbre-test-file-XXXXXX";

static int begin(void **state)
{
    (void)state;
    return mkdtemp(home) ? chdir(home) : -1;
}

static int end(void **state)
{
    (void)state;
    return chdir("/") || rmdir(home); /* fails when a test left something behind */
}

static void is(const char *path, const char *wanted)
{
    char *data = NULL;
    size_t size = 0;
    assert_int_equal(tb_file_read(path, 1000, &data, &size, NULL), TB_OK);
    assert_int_equal(size, strlen(wanted));
    assert_string_equal(data, wanted);
    tb_free(data);
}

static void a_file_is_written_and_replaced_as_a_whole(void **state)
{
    (void)state;
    struct stat info;
    assert_int_equal(tb_file_write("a", "one", 3, 0600, NULL), TB_OK);
    is("a", "one");
    assert_int_equal(stat("a", &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(tb_file_write("a", "", 0, 0600, NULL), TB_OK);
    is("a", "");
    assert_int_equal(tb_file_size("a"), 0);
    assert_int_equal(tb_file_size("b"), -1);
    assert_true(tb_file_exists("a") && !tb_file_is_dir("a") && tb_file_is_dir("."));
    unlink("a");
}

/* Nothing waits, and nothing of another place is read. */
static void what_is_no_plain_file_is_named(void **state)
{
    static const struct {
        const char *name, *said;
    } odd[] = {{"pipe", "a pipe"},     {"link", "a link"},    {"loop", "a link"},
               {"folder", "a folder"}, {"nowhere", "a link"}, {"socket", "not a regular file"}};
    (void)state;
    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(tb_file_write("a", "one", 3, 0600, NULL), TB_OK);
    assert_int_equal(mkfifo("pipe", 0600), 0);
    assert_int_equal(symlink("a", "link"), 0);
    assert_int_equal(symlink("loop", "loop"), 0);
    assert_int_equal(symlink("nothing", "nowhere"), 0);
    assert_int_equal(mkdir("folder", 0700), 0);
    char *data = NULL;
    size_t size = 0;
    uint64_t bytes = 0;
    int fd = -1;
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        tb_err err = {0};
        assert_int_equal(tb_file_read_plain(odd[i].name, 100, &data, &size, &err), TB_EINVAL);
        if (!strstr(err.msg, odd[i].said)) fail_msg("%s: %s", odd[i].name, err.msg);
        assert_int_equal(tb_file_open_plain(odd[i].name, &fd, &bytes, NULL), TB_EINVAL);
        assert_int_equal(tb_file_plain_size(odd[i].name), -1);
    }
    is("link", "one"); /* elsewhere a link is as good as its file */
    assert_int_equal(tb_file_read("pipe", 100, &data, &size, NULL), TB_EINVAL);
    assert_int_equal(tb_file_read_plain("a", 100, &data, &size, NULL), TB_OK);
    assert_string_equal(data, "one");
    tb_free(data);
    assert_int_equal(tb_file_open_plain("a", &fd, &bytes, NULL), TB_OK);
    assert_int_equal(bytes, 3);
    close(fd);
    close(listener);
    assert_int_equal(tb_file_plain_size("a"), 3);
    assert_int_equal(tb_file_read_plain("b", 100, &data, &size, NULL), TB_ENOTFOUND);
    assert_int_equal(tb_file_plain_size("b"), -1);
    assert_int_equal(rmdir("folder"), 0);
    static const char *const names[] = {"a", "pipe", "link", "loop", "nowhere", "socket"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlink(names[i]);
}

static void a_write_that_fails_leaves_the_old_file_and_no_litter(void **state)
{
    (void)state;
    tb_err err = {0};
    assert_int_equal(mkdir("full", 0700), 0);
    assert_int_equal(mkdir("full/x", 0700), 0);
    assert_int_not_equal(tb_file_write("full", "x", 1, 0600, &err), TB_OK);
    assert_non_null(strstr(err.msg, "full"));
    assert_int_equal(tb_file_write("no/such/a", "x", 1, 0600, &err), TB_ENOTFOUND);
    assert_int_equal(rmdir("full/x"), 0);
    assert_int_equal(rmdir("full"), 0);
}

static void a_writer_shows_nothing_before_its_commit(void **state)
{
    (void)state;
    tb_file_writer w, gone, none = {0};
    assert_int_equal(tb_file_write("a", "old", 3, 0600, NULL), TB_OK);
    assert_int_equal(tb_file_begin(&w, ".", NULL), TB_OK);
    assert_true(tb_file_is_temporary(strrchr(w.tmp_path, '/') + 1));
    assert_int_equal(tb_file_append(&w, "ne", 2, NULL), TB_OK);
    assert_int_equal(tb_file_append(&w, "w", 1, NULL), TB_OK);
    assert_int_equal(w.size, 3);
    is("a", "old");
    assert_int_equal(tb_file_commit(&w, "a", NULL), TB_OK);
    is("a", "new");
    assert_int_equal(tb_file_begin(&gone, ".", NULL), TB_OK);
    char *path = tb_strdup(gone.tmp_path);
    tb_file_abort(&gone);
    assert_false(tb_file_exists(path));
    tb_free(path);
    tb_file_abort(&none);
    unlink("a");
}

static void a_sweep_takes_only_our_own_old_names(void **state)
{
    (void)state;
    static const char *const kept[] = {"a.wav", ".tb-tmp", "tb-tmp-0", ".hidden", "x.tb-tmp-0"};
    struct stat info;
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        assert_int_equal(tb_file_write(kept[i], "x", 1, 0600, NULL), TB_OK);
    tb_file_writer w;
    assert_int_equal(tb_file_begin(&w, ".", NULL), TB_OK);
    assert_int_equal(mkdir(".tb-tmp-folder", 0700), 0);
    assert_int_equal(symlink("a.wav", ".tb-tmp-link"), 0);
    assert_int_equal(stat(w.tmp_path, &info), 0);
    int64_t born = (int64_t)info.st_mtime * 1000000;
    assert_int_equal(tb_file_sweep(".", born), 0); /* made since the start: somebody's */
    assert_true(tb_file_exists(w.tmp_path));
    assert_int_equal(tb_file_sweep(".", born + 1000000), 0); /* old, but its writer lives */
    assert_true(tb_file_exists(w.tmp_path));
    char *left = tb_strdup(w.tmp_path);
    tb_file_writer dead = w; /* a process that dies closes its files and does nothing else */
    close(dead.fd);
    assert_int_equal(tb_file_sweep(".", born + 1000000), 1);
    assert_false(tb_file_exists(left));
    tb_free(left);
    tb_free(dead.tmp_path);
    assert_int_equal(tb_file_sweep("no/such", born), 0);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        assert_int_equal(unlink(kept[i]), 0);
    assert_int_equal(rmdir(".tb-tmp-folder"), 0);
    assert_int_equal(unlink(".tb-tmp-link"), 0);
}

static void reading_is_bounded_and_for_files_only(void **state)
{
    (void)state;
    char *data = NULL;
    size_t size = 0;
    tb_err err = {0};
    assert_int_equal(tb_file_write("a", "1234", 4, 0600, NULL), TB_OK);
    assert_int_equal(tb_file_read("a", 3, &data, &size, &err), TB_ETOOBIG);
    assert_int_equal(tb_file_read("a", 4, &data, &size, &err), TB_OK);
    tb_free(data);
    data = NULL;
    assert_int_equal(tb_file_read("none", 4, &data, &size, &err), TB_ENOTFOUND);
    assert_non_null(strstr(err.msg, "none"));
    assert_int_equal(tb_file_read(".", 4, &data, &size, &err), TB_EINVAL);
    assert_null(data);
    unlink("a");
}

static void folders_are_made_on_the_way(void **state)
{
    (void)state;
    tb_err err = {0};
    assert_int_equal(tb_file_mkdirs("p/q//r/", 0700, NULL), TB_OK);
    assert_int_equal(tb_file_mkdirs("p/q/r", 0700, NULL), TB_OK);
    assert_int_equal(tb_file_write("p/f", "", 0, 0600, NULL), TB_OK);
    assert_int_not_equal(tb_file_mkdirs("p/f/x", 0700, &err), TB_OK);
    assert_int_not_equal(tb_file_mkdirs("p/f", 0700, &err), TB_OK);
    unlink("p/f");
    rmdir("p/q/r");
    rmdir("p/q");
    rmdir("p");
}

static void a_lock_is_a_plain_file(void **state)
{
    int fd = -1;
    tb_err err = {0};
    (void)state;
    assert_int_equal(symlink("elsewhere", "linked"), 0);
    assert_int_equal(tb_file_lock("linked", &fd, &err), TB_EINTERNAL);
    assert_int_not_equal(access("elsewhere", F_OK), 0);
    assert_int_equal(mkfifo("pipe.lock", 0600), 0);
    assert_int_equal(tb_file_lock("pipe.lock", &fd, &err), TB_EINTERNAL);
    assert_non_null(strstr(err.msg, "pipe.lock"));
    unlink("linked");
    unlink("pipe.lock");
}

static void a_lock_keeps_another_process_out_until_it_is_closed(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++) {
        int fd = -1, status = 0;
        if (round == 0) assert_int_equal(tb_file_lock("lock", &fd, NULL), TB_OK);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            int mine = -1;
            tb_err err = {0};
            _exit((int)tb_file_lock("lock", &mine, &err));
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), round == 0 ? TB_ECONFLICT : TB_OK);
        if (fd >= 0) close(fd);
    }
    unlink("lock");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_written_and_replaced_as_a_whole),
        cmocka_unit_test(what_is_no_plain_file_is_named),
        cmocka_unit_test(a_write_that_fails_leaves_the_old_file_and_no_litter),
        cmocka_unit_test(a_writer_shows_nothing_before_its_commit),
        cmocka_unit_test(a_sweep_takes_only_our_own_old_names),
        cmocka_unit_test(reading_is_bounded_and_for_files_only),
        cmocka_unit_test(folders_are_made_on_the_way),
        cmocka_unit_test(a_lock_is_a_plain_file),
        cmocka_unit_test(a_lock_keeps_another_process_out_until_it_is_closed),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
