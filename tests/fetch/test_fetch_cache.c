/*
 * Downloads with caches and offline: what is linked, what is not believed, nano beside turbo.
 */
#include "fetch_help.h"

/* Without a network: the folder, the cache of Hugging Face's programs, and a model put together of
 * two. */

static void offline_makes_no_connection_and_says_what_is_missing(void **state)
{
    (void)state;
    config.offline = true;
    refused(TB_EUNREADY, "HF_HUB_OFFLINE", "t3_turbo_v1.safetensors");
    refused(TB_EUNREADY, "ve.safetensors", "tokenizer_config.json");
    config.offline = false;
    pulled();
    hub_reset();
    config.offline = true;
    tb_fetch_result result = pull();
    assert_string_equal(result.commit, hub_commit(0));
    tb_fetch_result_clear(&result);
    assert_int_equal(shell("rm model/conds.pt model/.pull.lock"), 0);
    refused(TB_EUNREADY, "conds.pt", "HF_HUB_OFFLINE");
    assert_int_equal(hub->requests, 0);
}

static void a_whole_folder_is_not_written_to(void **state)
{
    (void)state;
    pulled();
    assert_int_equal(shell("rm model/.pull.lock"), 0);
    config.offline = true;
    tb_fetch_result result = pull();
    tb_fetch_result_clear(&result);
    assert_int_equal(count("model", ".pull.lock"), 0);
    assert_int_equal(shell("rm model/source.json"), 0); /* as somebody has copied it by hand */
    result = pull();
    assert_string_equal(result.commit, "");
    tb_fetch_result_clear(&result);
    assert_int_equal(count("model", ".pull.lock"), 0);
    assert_int_equal(tb_file_write("model/t3_nano_v1.safetensors", "", 0, 0600, NULL), TB_OK);
    refused(TB_EINVAL, "MODEL_VARIANT", "t3_nano_v1.safetensors");
    config.variant = "turbo";
    result = pull();
    tb_fetch_result_clear(&result);
}

/* As Hugging Face's programs leave it. */
static void fill_cache(const char *repo, int generation, int but)
{
    char *folder = tb_sprintf("cache/models--%s", repo), *slash = strchr(folder + 7, '/'), *path;
    *slash = 0;
    char *base = tb_sprintf("%s--%s", folder, slash + 1);
    char *made[] = {tb_sprintf("%s/refs", base), tb_sprintf("%s/blobs", base),
                    tb_sprintf("%s/snapshots/%s", base, hub_commit(generation))};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(tb_file_mkdirs(made[i], 0755, NULL), TB_OK);
    path = tb_path_join(made[0], "main");
    assert_int_equal(tb_file_write(path, hub_commit(generation), 40, 0644, NULL), TB_OK);
    tb_free(path);
    for (int i = 0; i < HUB_FILES; i++) {
        const char *oid = hub_oids[generation][i];
        if (!hub_has(repo, i) || i == but) continue;
        char *data = hub_content(i, generation), *target = tb_sprintf("../../blobs/%s", oid);
        path = tb_path_join(made[1], oid);
        assert_int_equal(tb_file_write(path, data, (size_t)hub_files[i].size, 0644, NULL), TB_OK);
        tb_free(path);
        path = tb_path_join(made[2], hub_files[i].name);
        assert_int_equal(symlink(target, path), 0);
        tb_free(path);
        tb_free(target);
        tb_free(data);
    }
    for (size_t i = 0; i < 3; i++)
        tb_free(made[i]);
    tb_free(base);
    tb_free(folder);
    assert_int_equal(shell("find cache -type f -exec cksum {} + | sort > other"), 0);
}

static void cache_is_untouched(void)
{
    assert_int_equal(shell("find cache -type f -exec cksum {} + | sort | cmp -s - other"), 0);
}

static void what_the_cache_has_is_linked_and_the_cache_left_alone(void **state)
{
    (void)state;
    struct stat info;
    fill_cache(HUB_TURBO, 0, HUB_VE);
    config.cache = "cache";
    tb_fetch_result result = pull();
    assert_int_equal(result.downloaded, hub_files[HUB_VE].size);
    assert_int_equal(result.linked, 8);
    tb_fetch_result_clear(&result);
    has_turbo("model", 0);
    assert_int_equal(lstat("model/t3_turbo_v1.safetensors", &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    hub_reset();
    assert_int_equal(pulled(), 0);
    assert_int_equal(hub->requests, 1); /* links are as good as files */
    hub->generation = 1;                /* replaces the link, not what it leads to */
    assert_int_equal(pulled(), hub_files[HUB_T3].size);
    has_turbo("model", 1);
    cache_is_untouched();
}

static void a_damaged_cache_is_not_believed(void **state)
{
    (void)state;
    fill_cache(HUB_TURBO, 0, -1);
    char *line =
        tb_sprintf("printf X | dd of=cache/models--Some-One--voice-turbo/blobs/%s bs=1 seek=99 "
                   "conv=notrunc 2>/dev/null",
                   hub_oids[0][HUB_VE]);
    assert_int_equal(shell(line), 0);
    tb_free(line);
    config.cache = "cache";
    config.offline = true;
    refused(TB_EUNREADY, "ve.safetensors", "HF_HUB_OFFLINE");
    config.offline = false;
    assert_int_equal(pulled(), hub_files[HUB_VE].size);
    has_turbo("model", 0);
}

static void offline_the_cache_is_enough(void **state)
{
    (void)state;
    fill_cache(HUB_TURBO, 0, -1);
    config.cache = "cache";
    config.offline = true;
    tb_fetch_result result = pull();
    assert_string_equal(result.commit, hub_commit(0));
    assert_int_equal(result.linked, 9);
    tb_fetch_result_clear(&result);
    has_turbo("model", 0);
    config.revision = hub_commit(1);
    refused(TB_EUNREADY, "t3_turbo_v1.safetensors", "HF_HUB_OFFLINE");
    assert_int_equal(hub->requests, 0);
    cache_is_untouched();
}

static void a_cache_without_links_will_do(void **state)
{
    (void)state;
    fill_cache(HUB_TURBO, 0, -1);
    assert_int_equal(shell(
                         "cd cache/models--*/snapshots/* && for f in *; do cp -L $f x && mv x $f; "
                         "done && rm -r ../../blobs"),
                     0);
    config.cache = "cache";
    assert_int_equal(pulled(), 0);
    has_turbo("model", 0);
    after(state);
    fill_cache(HUB_TURBO, 0, -1);
    assert_int_equal(shell(
                         "cd cache/models--*/snapshots/* && for f in *; do cp -L $f x && mv x $f; "
                         "done && rm -r ../../blobs"),
                     0);
    config.offline = true; /* nothing tells the sums: as good as files put there by hand */
    assert_int_equal(pulled(), 0);
    has_turbo("model", 0);
}

static void nano_takes_what_it_lacks_from_turbo(void **state)
{
    (void)state;
    config.base_repo = HUB_TURBO;
    pulled();
    hub_reset();
    config.repo = HUB_NANO;
    config.folder = "nano";
    config.base_folder = "model";
    tb_fetch_result result = pull();
    assert_int_equal(result.downloaded, hub_files[HUB_T3_NANO].size); /* the VE is the same */
    assert_int_equal(result.linked, 8);
    tb_fetch_result_clear(&result);
    for (int i = 0; i < HUB_FILES; i++)
        if (i != HUB_T3) has("nano", i, 0);
    assert_int_equal(count("nano", "t3_turbo_v1.safetensors"), 0);
    assert_int_equal(shell("rm -r nano"), 0);
    config.base_folder = NULL;
    assert_int_equal(pulled(), turbo_bytes() - (uint64_t)hub_files[HUB_T3].size +
                                   (uint64_t)hub_files[HUB_T3_NANO].size);
    for (int i = 0; i < HUB_FILES; i++)
        if (i != HUB_T3) has("nano", i, 0);
}

static void offline_nano_is_put_together_from_both_caches(void **state)
{
    (void)state;
    fill_cache(HUB_TURBO, 0, -1);
    fill_cache(HUB_NANO, 0, -1);
    config.repo = HUB_NANO;
    config.folder = "nano";
    config.cache = "cache";
    config.offline = true;
    refused(TB_EUNREADY, "vocab.json", HUB_NANO);
    config.base_repo = HUB_TURBO;
    assert_int_equal(pulled(), 0);
    for (int i = 0; i < HUB_FILES; i++)
        if (i != HUB_T3) has("nano", i, 0);
}

static void a_damaged_source_note_is_as_none(void **state)
{
    (void)state;
    static const char *const notes[] = {
        "",
        "{",
        "[]",
        "null",
        "{\"repository\":\"" HUB_TURBO "\"}",
        "{\"repository\":\"" HUB_TURBO "\",\"commit\":\"x\",\"files\":[]}",
        "{\"repository\":\"" HUB_TURBO "\",\"commit\":\"x\",\"files\":{\"ve.safetensors\":3}}",
    };
    pulled();
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
        assert_int_equal(tb_file_write("model/source.json", notes[i], strlen(notes[i]), 0644, NULL),
                         TB_OK);
        hub_reset();
        assert_int_equal(pulled(), 0);
        assert_true(hub->requests > 1);
    }
    has_turbo("model", 0);
}

static void the_cache_is_found_as_its_programs_find_it(void **state)
{
    (void)state;
    static const struct {
        const char *hub_cache, *hf_home, *xdg, *home, *wanted;
    } cases[] = {
        {"/a", "/b", "/c", "/d", "/a"},
        {"", "/b", "/c", "/d", "/b/hub"},
        {NULL, NULL, "/c", "/d", "/c/huggingface/hub"},
        {NULL, "", "", "/d", "/d/.cache/huggingface/hub"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        setenv("XDG_CACHE_HOME", cases[i].xdg ? cases[i].xdg : "", 1);
        setenv("HOME", cases[i].home, 1);
        char *found = tb_fetch_cache_folder(cases[i].hub_cache, cases[i].hf_home);
        assert_string_equal(found, cases[i].wanted);
        tb_free(found);
    }
    unsetenv("HOME");
    unsetenv("XDG_CACHE_HOME");
    assert_null(tb_fetch_cache_folder(NULL, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        hub_test(offline_makes_no_connection_and_says_what_is_missing),
        hub_test(a_whole_folder_is_not_written_to),
        hub_test(what_the_cache_has_is_linked_and_the_cache_left_alone),
        hub_test(a_damaged_cache_is_not_believed),
        hub_test(offline_the_cache_is_enough),
        hub_test(a_cache_without_links_will_do),
        hub_test(nano_takes_what_it_lacks_from_turbo),
        hub_test(offline_nano_is_put_together_from_both_caches),
        hub_test(a_damaged_source_note_is_as_none),
        cmocka_unit_test(the_cache_is_found_as_its_programs_find_it),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
