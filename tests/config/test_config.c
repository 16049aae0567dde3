/*
 * Tests of the settings: precedence, units, ranges, refusals, .env files, the table of
 * docs/config.md.
 */
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/timbre-test-config-XXXXXX";
static char *env_path;

static int begin(void **state)
{
    (void)state;
    /* What the machine's own environment says is not the test's. */
    for (size_t i = 0; tb_config_setting(i); i++)
        unsetenv(tb_config_setting(i)->name);
    if (!mkdtemp(folder)) return -1;
    env_path = tb_path_join(folder, "env");
    return 0;
}

static int end(void **state)
{
    (void)state;
    unlink(env_path);
    tb_free(env_path);
    return rmdir(folder);
}

static void write_env(const char *text)
{
    assert_int_equal(tb_file_write(env_path, text, strlen(text), 0600, NULL), TB_OK);
}

/* Reads a .env of this text. */
static tb_status load(const char *text, tb_config *c, tb_err *err)
{
    *err = (tb_err){0};
    write_env(text);
    return tb_config_load(env_path, NULL, 0, c, err);
}

static void blanks_and_tabs_behind_a_value_are_none_of_it(void **state)
{
    (void)state;
    static const char *const texts[] = {"DATA=there\t\n", "DATA=there \t ",
                                        "DATA=there\t# or not\n", "DATA=\t there\r\n",
                                        "DATA\t= 'there'\t\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        tb_config c;
        tb_err err;
        if (load(texts[i], &c, &err)) fail_msg("%s: %s", texts[i], err.msg);
        assert_string_equal(c.data, "there");
        tb_config_clear(&c);
    }
}

static void an_absent_file_means_the_defaults(void **state)
{
    (void)state;
    tb_config c;
    tb_err err;
    assert_int_equal(tb_config_load("/nonexistent/.env", NULL, 0, &c, &err), TB_OK);
    assert_string_equal(c.host, "0.0.0.0");
    assert_int_equal(c.port, 8000);
    assert_string_equal(c.data, "data");
    assert_string_equal(c.api_key, "");
    assert_false(c.public_health);
    assert_true(isnan(c.loudness_lufs));
    assert_int_equal(c.upload_max, 32 * 1024 * 1024);
    assert_int_equal(c.client_timeout_s, 30);
    assert_int_equal(c.history_max_age_s, 0);
    tb_config_clear(&c);
    tb_config_clear(&c);
}

static void a_flag_wins_over_the_environment_over_the_file_over_the_default(void **state)
{
    (void)state;
    const tb_config_override flag = {"PORT", "4"};
    tb_config c;
    tb_err err;
    write_env("PORT=2\nWORKERS=2\nTEXT_MAX=2\n");
    setenv("PORT", "3", 1);
    setenv("WORKERS", "3", 1);
    tb_status st = tb_config_load(env_path, &flag, 1, &c, &err);
    unsetenv("PORT");
    unsetenv("WORKERS");
    assert_int_equal(st, TB_OK);
    assert_int_equal(c.port, 4);
    assert_int_equal(c.workers, 3);
    assert_int_equal(c.text_max, 2);
    assert_int_equal(c.queue_max, 64);
    tb_config_clear(&c);
    assert_int_equal(tb_config_load(NULL, NULL, 0, &c, &err), TB_OK);
    assert_int_equal(c.port, 8000);
    tb_config_clear(&c);
}

static void units_are_understood(void **state)
{
    (void)state;
    tb_config c;
    tb_err err;
    assert_int_equal(load("UPLOAD_MAX=2m\nCLIENT_TIMEOUT=2m\nHISTORY_MAX_AGE=30d\n"
                          "HISTORY_MAX_BYTES=1.5G\nLOUDNESS_LUFS=-16.5\nPUBLIC_LISTS=yes\n"
                          "SHUTDOWN_GRACE=0\n",
                          &c, &err),
                     TB_OK);
    assert_int_equal(c.upload_max, 2097152);
    assert_int_equal(c.client_timeout_s, 120);
    assert_int_equal(c.history_max_age_s, 30 * 86400);
    assert_int_equal(c.history_max_bytes, 1610612736);
    assert_true(c.loudness_lufs == -16.5);
    assert_true(c.public_lists);
    assert_int_equal(c.shutdown_grace_s, 0);
    tb_config_clear(&c);
}

static void a_bad_value_is_named_with_what_is_allowed(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "PORT=65536",
        "PORT=-1",
        "PORT=http",
        "PORT=80.5",
        "PORT=",
        "PORT=8000x",
        "PORT=1e99",
        "PUBLIC_HEALTH=maybe",
        "ENGINE=gpu",
        "ENGINE=",
        "ENGINE=aut",
        "ENGINE=auto|chatterbox",
        "EMBEDDED_BASE=x",
        "LOG_LEVEL=loud",
        "TTS_MODEL=other",
        "LOUDNESS_LUFS=-41",
        "LOUDNESS_LUFS=0",
        "LOUDNESS_LUFS=loud",
        "WORKERS=257",
        "QUEUE_MAX=0",
        "UPLOAD_MAX=1",
        "UPLOAD_MAX=2T",
        "UPLOAD_MAX=2G",
        "UPLOAD_MAX=M",
        "UPLOAD_MAX=",
        "CLIENT_TIMEOUT=0s",
        "CLIENT_TIMEOUT=2w",
        "CLIENT_TIMEOUT=2h",
        "SHUTDOWN_GRACE=-1s",
        "HISTORY_MAX_AGE=old",
        "HISTORY_MAX_AGE=59s",
        "HISTORY_MAX_BYTES=-1",
        "CONNECTIONS_MAX=1",
        "TEXT_MAX=nan",
        "LOUDNESS_LUFS=-9",
        "MODEL_IDLE_TTL=366d",
        "MODEL_IDLE_TTL=-1s",
        /* Not whole: half a second would be never. */
        "MODEL_IDLE_TTL=0.5s",
        "MODEL_IDLE_TTL=0.4",
        "MODEL_IDLE_TTL=1.0001m",
        "SHUTDOWN_GRACE=0.9s",
        "CLIENT_TIMEOUT=1.5s",
        "HISTORY_MAX_AGE=60.5s",
        "HISTORY_MAX_BYTES=0.5",
        "UPLOAD_MAX=1024.5",
        "WORKERS=0.5",
        "THREADS=1.5",
        "QUEUE_MAX=1.01",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tb_config c = {0};
        tb_err err;
        if (load(bad[i], &c, &err) != TB_EINVAL) fail_msg("not refused: %s", bad[i]);
        char *name = tb_strndup(bad[i], strcspn(bad[i], "="));
        assert_string_equal(err.field, name);
        assert_true(tb_str_starts(err.msg, name));
        const char *allowed = NULL;
        char text[TB_CONFIG_ALLOWED];
        for (size_t k = 0; tb_config_setting(k); k++)
            if (strcmp(tb_config_setting(k)->name, name) == 0)
                allowed = tb_config_allowed(tb_config_setting(k), text);
        assert_non_null(allowed);
        assert_non_null(strstr(err.msg, allowed));
        assert_null(c.priv);
        tb_free(name);
    }
}

static void a_fraction_of_a_larger_unit_is_whole(void **state)
{
    (void)state;
    tb_config c = {0};
    tb_err err;
    assert_int_equal(load("MODEL_IDLE_TTL=1.5m\nUPLOAD_MAX=1.5K\nSHUTDOWN_GRACE=0.5h\n"
                          "HISTORY_MAX_AGE=0.5d\nHISTORY_MAX_BYTES=2.5g\nLOUDNESS_LUFS=-16.5",
                          &c, &err),
                     TB_OK);
    assert_int_equal(c.model_idle_ttl_s, 90);
    assert_int_equal(c.upload_max, 1536);
    assert_int_equal(c.shutdown_grace_s, 1800);
    assert_int_equal(c.history_max_age_s, 43200);
    assert_int_equal(c.history_max_bytes, (int64_t)5 << 29);
    assert_true(fabs(c.loudness_lufs + 16.5) < 1e-9);
    tb_config_clear(&c);
}

/* What stands in the table is what is taken: the ends, and no more. */
static void what_is_allowed_follows_from_the_range(void **state)
{
    static const struct {
        const char *name, *allowed, *good[3], *bad[3];
    } all[] = {
        {"PORT", "0-65535", {"0", "65535"}, {"-1", "65536"}},
        {"CONNECTIONS_MAX", "4-60000", {"4", "60000"}, {"3", "60001"}},
        {"LOUDNESS_LUFS", "off, or -40 to -10", {"-40", "-10", "off"}, {"-40.1", "-9.9", "on"}},
        {"UPLOAD_MAX", "1K-1G", {"1K", "1024M", "1048576K"}, {"1023", "1025M", "0"}},
        {"CLIENT_TIMEOUT", "1s-1h", {"1", "60m", "3600s"}, {"0", "61m", "3601"}},
        {"SHUTDOWN_GRACE", "0s-1h", {"0", "0s", "1h"}, {"-1", "3601s", "2h"}},
        {"MODEL_IDLE_TTL", "0 (never), or 1s-365d", {"0", "1", "365d"}, {"0.5", "366d", "-1"}},
        {"HISTORY_MAX_AGE", "0 (keep), or 1m and more", {"0", "1m", "9999d"}, {"59", "1s", "-1"}},
        {"HISTORY_MAX_BYTES",
         "0 (keep), or 1 and more",
         {"0", "1", "9999G"},
         {"-1", "0.5", "1e16"}},
        {"PUBLIC_HEALTH", "0 or 1", {"0", "yes"}, {"2", ""}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char text[TB_CONFIG_ALLOWED];
        for (size_t k = 0; tb_config_setting(k); k++)
            if (strcmp(tb_config_setting(k)->name, all[i].name) == 0)
                assert_string_equal(tb_config_allowed(tb_config_setting(k), text), all[i].allowed);
        for (size_t k = 0; k < 6; k++) {
            const char *value = k < 3 ? all[i].good[k] : all[i].bad[k - 3];
            if (!value) continue;
            char *line = tb_sprintf("%s=%s", all[i].name, value);
            tb_config c = {0};
            tb_err err;
            if (load(line, &c, &err) != (k < 3 ? TB_OK : TB_EINVAL)) fail_msg("%s", line);
            tb_config_clear(&c);
            tb_free(line);
        }
    }
}

static void pairs_and_colons_are_checked(void **state)
{
    (void)state;
    tb_config c;
    tb_err err;
    assert_int_equal(load("TLS_CERT=a.pem", &c, &err), TB_EINVAL);
    assert_string_equal(err.field, "TLS_KEY");
    assert_int_equal(load("TLS_KEY=a.pem", &c, &err), TB_EINVAL);
    assert_string_equal(err.field, "TLS_CERT");
    assert_int_equal(load("TLS_KEY=a.pem\nTLS_CERT=b.pem", &c, &err), TB_OK);
    tb_config_clear(&c);
    assert_int_equal(load("API_USERNAME=a:b", &c, &err), TB_EINVAL);
    char *name = tb_sprintf("API_USERNAME=%0128d", 1), *longer = tb_sprintf("%s1", name);
    assert_int_equal(load(name, &c, &err), TB_OK);
    tb_config_clear(&c);
    assert_int_equal(load(longer, &c, &err), TB_EINVAL);
    assert_string_equal(err.field, "API_USERNAME");
    tb_free(name);
    tb_free(longer);
    assert_int_equal(load("DATA=\"\"", &c, &err), TB_EINVAL);
    assert_string_equal(err.field, "DATA");
}

static void a_misspelt_key_stops_and_a_strange_one_is_passed_over(void **state)
{
    (void)state;
    tb_config c;
    tb_err err;
    assert_int_equal(load("# one\nPORT=1\nSTORAGE_DIRS=x\n", &c, &err), TB_EINVAL);
    assert_non_null(strstr(err.msg, "line 3"));
    assert_non_null(strstr(err.msg, "STORAGE_DIR?"));
    assert_non_null(strstr(err.msg, env_path));
    assert_int_equal(load("port=1\n", &c, &err), TB_EINVAL);
    assert_non_null(strstr(err.msg, "PORT?"));
    assert_int_equal(load("API_PASWORD=x\n", &c, &err), TB_EINVAL);
    assert_int_equal(load("MY_OWN_THING=1\nNVIDIA_VISIBLE_DEVICES=all\n", &c, &err), TB_OK);
    tb_config_clear(&c);
    static const char *const slips[][2] = {
        {"PROT=9\n", "PORT?"},
        {"HSOT=::\n", "HOST?"},
        {"DTAA=/x\n", "DATA?"},
        {"wrokers=2\n", "WORKERS?"},
        {"LOGLEVEL=info\n", "LOG_LEVEL?"},
        {"MAX_TEXT=9\n", "TEXT_MAX?"},
        {"DIR_VOICES=v\n", "VOICES_DIR?"},
        {"TYPE_MODEL=f16\n", "MODEL_TYPE?"},
    };
    for (size_t i = 0; i < sizeof slips / sizeof slips[0]; i++) {
        assert_int_equal(load(slips[i][0], &c, &err), TB_EINVAL);
        assert_non_null(strstr(err.msg, slips[i][1]));
    }
    /* Names of other programs that share the file. */
    assert_int_equal(load("TZ=UTC\nLANG=C\nDATABASE_URL=x\nMODEL_NAME=y\nTIMEOUT=9\n_=1\n", &c,
                          &err),
                     TB_OK);
    tb_config_clear(&c);
    const tb_config_override flag = {"NONE", "1"};
    assert_int_equal(tb_config_load(NULL, &flag, 1, &c, &err), TB_EINVAL);
}

static void quotes_comments_and_line_ends_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *line, *value;
    } cases[] = {
        {"API_KEY=plain", "plain"},
        {"  export API_KEY = plain  # comment\r", "plain"},
        {"\xEF\xBB\xBF"
         "API_KEY=bom",
         "bom"},
        {"API_KEY=a#b", "a#b"},
        {"API_KEY=#none", ""},
        {"API_KEY=", ""},
        {"API_KEY=''", ""},
        {"API_KEY=' a # b '  # c", " a # b "},
        {"API_KEY=\"a \\\"b\\\" \\$c \\\\ \\n\\x\"\r", "a \"b\" $c \\ \n\\x"},
        {"API_KEY=\"a\\\\nb\"", "a\\nb"},
        {"API_KEY='a\\n\\'", "a\\n\\"},
        {"API_KEY=$HOME", "$HOME"},
        {"API_KEY=a=b", "a=b"},
        {"API_KEY=it's", "it's"},
        {"API_KEY=one\nAPI_KEY=two", "two"},
        {"API_KEY=caf\xC3\xA9", "caf\xC3\xA9"},
        {"\n\n \t\n#\nAPI_KEY=x", "x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tb_config c;
        tb_err err;
        if (load(cases[i].line, &c, &err)) fail_msg("%s: %s", cases[i].line, err.msg);
        assert_string_equal(c.api_key, cases[i].value);
        tb_config_clear(&c);
    }
}

static void a_line_that_cannot_be_read_is_named(void **state)
{
    (void)state;
    static const char *const bad[] = {"\nAPI_KEY",         "\nAPI_KEY=\"a",
                                      "\nAPI_KEY='a",      "\n=x",
                                      "\nAPI KEY=x",       "\n1A=x",
                                      "\nAPI_KEY=\"a\" b", "\nAPI_KEY: x"};
    tb_config c;
    tb_err err;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (load(bad[i], &c, &err) != TB_EINVAL) fail_msg("not refused: %s", bad[i]);
        assert_non_null(strstr(err.msg, "line 2"));
    }
    assert_int_equal(load("API_KEY=\xff", &c, &err), TB_EINVAL);
    assert_int_equal(tb_file_write(env_path, "PORT=1\0x", 8, 0600, NULL), TB_OK);
    assert_int_equal(tb_config_load(env_path, NULL, 0, &c, &err), TB_EINVAL);
}

static void a_secret_is_not_repeated(void **state)
{
    (void)state;
    for (size_t i = 0; tb_config_setting(i); i++) {
        const tb_setting_info *s = tb_config_setting(i);
        bool secret = strstr(s->name, "PASSWORD") || strstr(s->name, "TOKEN") ||
                      strcmp(s->name, "API_KEY") == 0;
        assert_int_equal(s->secret, secret);
        assert_true(tb_str_starts(s->flag, "--"));
    }
    tb_config c;
    tb_err err;
    assert_int_equal(load("API_KEY=\"hush hush", &c, &err), TB_EINVAL);
    assert_null(strstr(err.msg, "hush"));
}

static void the_page_about_settings_is_the_table(void **state)
{
    (void)state;
    char *page = NULL;
    size_t size = 0;
    tb_str table;
    assert_int_equal(tb_file_read(TB_TEST_SOURCE "/docs/config.md", 1 << 20, &page, &size, NULL),
                     TB_OK);
    tb_str_init(&table, 1 << 20);
    tb_config_markdown(&table);
    static const char open[] = "<!-- settings -->\n", close[] = "<!-- /settings -->";
    char *start = strstr(page, open), *stop = strstr(page, close);
    assert_non_null(start);
    assert_non_null(stop);
    start += sizeof open - 1;
    while (*start == '\n')
        start++;
    while (stop > start && stop[-1] == '\n' && stop[-2] == '\n')
        stop--;
    *stop = 0;
    assert_string_equal(start, table.data);
    tb_str_clear(&table);
    tb_free(page);
}

static void the_file_has_a_mebibyte_at_most(void **state)
{
    enum { MOST = 1 << 20 };
    (void)state;
    char *text = tb_alloc(MOST + 2);
    memset(text, '#', MOST + 1);
    for (size_t over = 0; over < 2; over++) {
        tb_config c = {0};
        tb_err err;
        text[MOST + over] = 0;
        assert_int_equal(load(text, &c, &err) == TB_OK, over == 0);
        text[MOST + over] = '#';
        tb_config_clear(&c);
    }
    tb_free(text);
}

static void a_hash_in_a_word_is_part_of_it(void **state)
{
    (void)state;
    tb_config c = {0};
    tb_err err;
    assert_int_equal(load("API_KEY=a b#c # d", &c, &err), TB_OK);
    assert_string_equal(c.api_key, "a b#c");
    tb_config_clear(&c);
}

static void a_base_path_has_128_characters_at_most(void **state)
{
    char path[130];
    (void)state;
    memset(path, 'a', sizeof path);
    path[0] = '/';
    path[128] = 0;
    assert_true(tb_config_base_path_fits(path));
    path[128] = 'a';
    path[129] = 0;
    assert_false(tb_config_base_path_fits(path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_base_path_has_128_characters_at_most),
        cmocka_unit_test(a_hash_in_a_word_is_part_of_it),
        cmocka_unit_test(the_file_has_a_mebibyte_at_most),
        cmocka_unit_test(an_absent_file_means_the_defaults),
        cmocka_unit_test(blanks_and_tabs_behind_a_value_are_none_of_it),
        cmocka_unit_test(a_flag_wins_over_the_environment_over_the_file_over_the_default),
        cmocka_unit_test(units_are_understood),
        cmocka_unit_test(a_bad_value_is_named_with_what_is_allowed),
        cmocka_unit_test(a_fraction_of_a_larger_unit_is_whole),
        cmocka_unit_test(what_is_allowed_follows_from_the_range),
        cmocka_unit_test(pairs_and_colons_are_checked),
        cmocka_unit_test(a_misspelt_key_stops_and_a_strange_one_is_passed_over),
        cmocka_unit_test(quotes_comments_and_line_ends_are_read),
        cmocka_unit_test(a_line_that_cannot_be_read_is_named),
        cmocka_unit_test(a_secret_is_not_repeated),
        cmocka_unit_test(the_page_about_settings_is_the_table),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
