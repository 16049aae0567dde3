/*
 * Access rights of the store's folders and files, and missing files.
 */
#include "store_help.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/wait.h>

/* Who may look into the data folder, and what is said to who may not write there. */

static unsigned mode_of(const char *folder, const char *name)
{
    struct stat info;
    char *path = *name ? tb_path_join(folder, name) : tb_strdup(folder);
    assert_int_equal(stat(path, &info), 0);
    tb_free(path);
    return (unsigned)info.st_mode & 0777U;
}

static void widen(const char *folder, const char *name, mode_t mode)
{
    char *path = *name ? tb_path_join(folder, name) : tb_strdup(folder);
    assert_int_equal(chmod(path, mode), 0);
    tb_free(path);
}

static void all_private(const char *folder)
{
    static const char *const folders[] = {"", "voices", "clips", "prompts"};
    static const char *const files[] = {"timbre.db", "timbre.db-wal", "timbre.db-shm"};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(mode_of(folder, folders[i]), 0700);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(mode_of(folder, files[i]), 0600);
}

static void what_is_kept_is_for_its_owner_only(void **state)
{
    mode_t old = umask(0);
    widen(*state, "", 0777);
    tb_store *store = store_open(*state, true);
    store_say(store, "hello", "Ana", 1, NULL);
    all_private(*state);
    tb_store_close(store);
    umask(old);
}

static void also_when_it_was_wider(void **state)
{
    tb_store *store = store_open(*state, true);
    store_say(store, "hello", "Ana", 1, NULL);
    tb_store *other = store_open(*state, false); /* keeps -wal and -shm there */
    tb_store_close(store);
    widen(*state, "", 0755);
    widen(*state, "voices", 0775);
    widen(*state, "clips", 0755);
    widen(*state, "prompts", 0711);
    widen(*state, "timbre.db", 0644);
    widen(*state, "timbre.db-wal", 0664);
    widen(*state, "timbre.db-shm", 0666);
    store = store_open(*state, true);
    store_say(store, "hello", "Ana", 1, NULL);
    all_private(*state);
    tb_store_close(other);
    tb_store_close(store);
}

/* DATA=. in a home, or in the root of a web server: the folder is not ours to close. */
static void a_folder_with_other_things_keeps_its_mode(void **state)
{
    store_file(*state, "index.html", "x", 1);
    widen(*state, "", 0755);
    tb_store *store = store_open(*state, true);
    assert_int_equal(mode_of(*state, ""), 0755);
    assert_int_equal(mode_of(*state, "voices"), 0700);
    assert_int_equal(mode_of(*state, "timbre.db"), 0600);
    tb_store_close(store);
}

/* As a user who is not root: what the store says when it is opened. */
static void said_to(uid_t uid, const char *folder, char *said, size_t size)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        tb_err err = {0};
        tb_store *store = NULL;
        if (geteuid() == 0 && (setgroups(0, NULL) || setgid(65534) || setuid(uid))) _exit(1);
        if (tb_store_open(folder, true, &store, &err) == TB_OK) strcpy(err.msg, "opened");
        _exit(write(ends[1], err.msg, strlen(err.msg)) < 0);
    }
    close(ends[1]);
    memset(said, 0, size);
    size_t n = 0;
    for (ssize_t got; n < size - 1 && (got = read(ends[0], said + n, size - 1 - n)) > 0;)
        n += (size_t)got;
    close(ends[0]);
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void says(const char *said, const char *folder, const char *file, const char *who)
{
    char *path = *file ? tb_path_join(folder, file) : tb_strdup(folder);
    if (!strstr(said, path) || !strstr(said, who)) fail_msg("%s, %s: \"%s\"", path, who, said);
    assert_non_null(strstr(said, "chown -R"));
    assert_non_null(strstr(said, "DATA"));
    tb_free(path);
}

static void another_users_folder_is_named_with_its_owner(void **state)
{
    static const char *const files[] = {"timbre.db", "timbre.db-wal", "timbre.db-shm", "lock",
                                        "voices",    "clips",         "prompts"};
    char said[600];
    if (geteuid() != 0) skip(); /* only root can be somebody else */
    tb_store *store = store_open(*state, true);
    tb_store_close(store);
    store = store_open(*state, false);
    store_say(store, "hello", "Ana", 1, NULL);
    said_to(65534, *state, said, sizeof said);
    says(said, *state, "", "root");
    /* All of it but one. */
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        widen(*state, "", 0777);
        for (size_t k = 0; k < sizeof files / sizeof files[0]; k++)
            widen(*state, files[k], k == i ? 0555 : 0777);
        said_to(65534, *state, said, sizeof said);
        says(said, *state, files[i], "root");
    }
    tb_store_close(store);
}

static void ones_own_folder_that_is_closed_is_to_be_opened(void **state)
{
    char said[600];
    tb_store_close(store_open(*state, true));
    if (geteuid() == 0) {
        static const char *const all[] = {"", "timbre.db", "lock", "voices", "clips", "prompts"};
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
            char *path = tb_path_join(*state, all[i]);
            assert_int_equal(chown(path, 65534, 65534), 0);
            tb_free(path);
        }
    }
    widen(*state, "timbre.db", 0400);
    said_to(65534, *state, said, sizeof said);
    assert_non_null(strstr(said, "chmod u+rw "));
    widen(*state, "timbre.db", 0600);
    widen(*state, "", 0500);
    said_to(65534, *state, said, sizeof said);
    assert_non_null(strstr(said, "chmod u+rwx "));
    widen(*state, "", 0700);
    said_to(65534, *state, said, sizeof said);
    assert_string_equal(said, "opened");
}

static void a_file_that_goes_is_missing_at_once(void **state)
{
    tb_store *store = store_open(*state, true);
    tb_voice_row voice = {0};
    tb_voice_list voices = {0};
    tb_clip_row clip = {0};
    tb_clip_list clips = {0};
    char id[37];
    store_voice(store, "Ana", "sound");
    store_voice(store, "Bea", "more sound");
    store_say(store, "hello", "Ana", 1, id);
    store_say(store, "hello again", "Ana", 2, NULL);
    assert_ok(tb_store_voice_get(store, "Ana", &voice, err));
    assert_false(voice.missing);
    char *path = tb_store_voice_path(store, voice.uuid);
    char *hash = tb_strdup(voice.content_hash);
    tb_voice_row_clear(&voice);
    assert_int_equal(unlink(path), 0);
    assert_ok(tb_store_voice_get(store, "Ana", &voice, err));
    assert_true(voice.missing);
    tb_voice_row_clear(&voice);
    assert_ok(tb_store_voice_by_hash(store, hash, "Ana", &voice, err));
    assert_true(voice.missing);
    tb_voice_row_clear(&voice);
    assert_ok(tb_store_voice_list(store, &voices, err));
    assert_true(voices.rows[0].missing);
    assert_false(voices.rows[1].missing);
    tb_voice_list_clear(&voices);
    store_voice(store, "Eva", "sound"); /* the same recording, and here is its file */
    assert_ok(tb_store_voice_by_hash(store, hash, "Ana", &voice, err));
    assert_string_equal(voice.id, "Eva");
    tb_voice_row_clear(&voice);
    assert_ok(tb_file_write(path, "sound", 5, 0600, err)); /* and back again */
    assert_ok(tb_store_voice_get(store, "Ana", &voice, err));
    assert_false(voice.missing);
    tb_voice_row_clear(&voice);
    tb_free(path);
    tb_free(hash);

    path = tb_sprintf("%s/clips/gen_%s.wav", (const char *)*state, id);
    assert_int_equal(unlink(path), 0);
    assert_ok(tb_store_clip_get(store, id, &clip, err));
    assert_true(clip.missing);
    tb_clip_row_clear(&clip);
    assert_ok(tb_store_clip_list(store, &(tb_clip_query){0}, &clips, err));
    assert_int_equal(clips.n, 2);
    assert_false(clips.rows[0].missing);
    assert_true(clips.rows[1].missing);
    tb_clip_list_clear(&clips);
    tb_free(path);
    tb_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(what_is_kept_is_for_its_owner_only),
        store_test(also_when_it_was_wider),
        store_test(a_folder_with_other_things_keeps_its_mode),
        store_test(another_users_folder_is_named_with_its_owner),
        store_test(ones_own_folder_that_is_closed_is_to_be_opened),
        store_test(a_file_that_goes_is_missing_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
