/*
 * Tests of the tokenizer: recorded ids, tags, invalid UTF-8, long words, refused files.
 */
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "text/bpe.h"
#include "text/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tokenizer_cases.h"

static const char folder[] = TB_TEST_DATA "/golden/tokenizer";

static int begin(void **state)
{
    tb_bpe *bpe = NULL;
    tb_err err = {0};
    if (tb_bpe_open(folder, &bpe, &err)) {
        fprintf(stderr, "%s\n", err.msg);
        return -1;
    }
    *state = bpe;
    return 0;
}

static int end(void **state)
{
    tb_bpe_close(*state);
    return 0;
}

static void encodes(const tb_bpe *bpe, const char *text, size_t len, const tb_json *want)
{
    tb_bpe_ids ids = {0};
    tb_err err = {0};
    assert_int_equal(tb_bpe_encode(bpe, text, len, SIZE_MAX, &ids, &err), TB_OK);
    bool same = ids.n == tb_json_len(want);
    for (size_t i = 0; same && i < ids.n; i++)
        same = ids.ids[i] == tb_json_integer(tb_json_at(want, i));
    if (!same) fail_msg("\"%.*s\" has other ids", (int)len, text);
    tb_bpe_ids_clear(&ids);
}

static void check_cases(const tb_bpe *bpe, const tb_json *cases, const char *key, size_t n)
{
    assert_int_equal(tb_json_len(cases), n);
    for (size_t i = 0; i < n; i++) {
        size_t len;
        char *text = tokenizer_text(tb_json_at(cases, i), key, &len);
        encodes(bpe, text, len, tb_json_get(tb_json_at(cases, i), "ids"));
        tb_free(text);
    }
}

static void recorded_texts_have_the_recorded_ids(void **state)
{
    tb_json *v = tokenizer_cases();
    check_cases(*state, tb_json_get(v, "cases"), "norm", 188);
    check_cases(*state, tb_json_get(v, "raw"), "text", 187);
    tb_json_free(v);
}

static void is(const tb_bpe *bpe, const char *text, const char *ids)
{
    tb_json *want = NULL;
    assert_int_equal(tb_json_parse(ids, strlen(ids), &want, NULL), TB_OK);
    encodes(bpe, text, strlen(text), want);
    tb_json_free(want);
}

static void tags_have_their_ids_and_swallow_no_blanks(void **state)
{
    const tb_bpe *bpe = *state;
    for (int tag = 0; tag < TB_TAG_SAD; tag++) { /* sad has no token of its own */
        char *text = tb_sprintf("[%s]", tb_tag_name((tb_tag)tag)), ids[32];
        snprintf(ids, sizeof ids, "[%d]", 50257 + tag);
        assert_int_equal(tb_bpe_find(bpe, text), 50257 + tag);
        is(bpe, text, ids);
        tb_free(text);
    }
    assert_int_equal(tb_bpe_find(bpe, "[sad]"), -1);
    assert_int_equal(tb_bpe_find(bpe, "laugh"), -1);
    assert_int_equal(tb_bpe_find(bpe, "hello"), -1);
    is(bpe, "a [laugh], b", "[64, 220, 50275, 11, 275]");
    is(bpe, "[laugh][laugh]", "[50275, 50275]");
    is(bpe, "[[laugh]", "[58, 50275]");
    is(bpe, "a  [laugh]", "[64, 220, 220, 50275]"); /* two blanks at the end of a piece */
    is(bpe, "<|endoftext|>", "[50256]");
    is(bpe, "", "[]");
    assert_int_equal(tb_bpe_size(bpe), 50276);
    assert_int_equal(tb_bpe_limit(bpe), 1024);
}

static void invalid_utf8_is_the_replacement_character(void **state)
{
    tb_bpe_ids bad = {0}, good = {0};
    const char *text = "a\xff\xc3 b\xe2\x80", *same = "a\uFFFD\uFFFD b\uFFFD\uFFFD";
    assert_int_equal(tb_bpe_encode(*state, text, strlen(text), 100, &bad, NULL), TB_OK);
    assert_int_equal(tb_bpe_encode(*state, same, strlen(same), 100, &good, NULL), TB_OK);
    assert_int_equal(bad.n, good.n);
    assert_memory_equal(bad.ids, good.ids, bad.n * sizeof *bad.ids);
    tb_bpe_ids_clear(&bad);
    tb_bpe_ids_clear(&good);
}

static void ids_are_appended_up_to_a_ceiling(void **state)
{
    tb_bpe_ids ids = {0};
    tb_err err = {0};
    assert_int_equal(tb_bpe_encode(*state, "hello world", 11, 100, &ids, &err), TB_OK);
    size_t n = ids.n;
    assert_int_equal(tb_bpe_encode(*state, "hello world", 11, 2 * n - 1, &ids, &err), TB_ETOOBIG);
    assert_string_equal(err.field, "text");
    assert_int_equal(ids.n, n); /* as before */
    assert_int_equal(tb_bpe_encode(*state, "hello world", 11, 2 * n, &ids, &err), TB_OK);
    assert_int_equal(ids.n, 2 * n);
    assert_memory_equal(ids.ids, ids.ids + n, n * sizeof *ids.ids);
    char *huge = tb_alloc(TB_BPE_MAX_TEXT + 1);
    assert_int_equal(tb_bpe_encode(*state, huge, TB_BPE_MAX_TEXT + 1, SIZE_MAX, &ids, &err),
                     TB_ETOOBIG);
    tb_free(huge);
    tb_bpe_ids_clear(&ids);
}

/* A million letters in one word: with a step per pair and merge this would take days. */
static void a_word_of_a_million_letters_is_no_trap(void **state)
{
    enum { LEN = 1000000 };
    tb_bpe_ids ids = {0};
    tb_rng rng;
    char *text = tb_alloc(LEN);
    tb_rng_seed(&rng, 5);
    for (size_t i = 0; i < LEN; i++)
        text[i] = (char)('a' + tb_rng_next(&rng) % 26);
    assert_int_equal(tb_bpe_encode(*state, text, LEN, SIZE_MAX, &ids, NULL), TB_OK);
    assert_in_range(ids.n, LEN / 8, LEN);
    tb_bpe_ids_clear(&ids);
    memset(text, 0xFF, LEN);
    assert_int_equal(tb_bpe_encode(*state, text, LEN, SIZE_MAX, &ids, NULL), TB_OK);
    tb_bpe_ids_clear(&ids);
    memset(text, ' ', LEN);
    assert_int_equal(tb_bpe_encode(*state, text, LEN, SIZE_MAX, &ids, NULL), TB_OK);
    tb_bpe_ids_clear(&ids);
    tb_free(text);
}

/* A tokeniser of our own: the 256 bytes, then what the test adds. */
typedef struct {
    tb_str vocab, merges, added, config;
    bool no_added;
} small;

static void put_byte(tb_str *s, unsigned b)
{
    bool itself = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
    unsigned other = 0x100;
    for (unsigned i = 0; i < b; i++)
        other += !((i >= 33 && i <= 126) || (i >= 161 && i <= 172) || i >= 174);
    tb_str_printf(s, "%s\"\\u%04x\":%u", b ? "," : "", itself ? b : other, b);
}

static void small_init(small *s)
{
    tb_str_init(&s->vocab, (size_t)1 << 20);
    tb_str_init(&s->merges, (size_t)1 << 20);
    tb_str_init(&s->added, (size_t)1 << 20);
    tb_str_init(&s->config, (size_t)1 << 20);
    s->no_added = false;
    tb_str_puts(&s->vocab, "{");
    for (unsigned b = 0; b < 256; b++)
        put_byte(&s->vocab, b);
    tb_str_puts(&s->merges, "#version: 0.2\n");
    tb_str_puts(&s->added, "{}");
    tb_str_puts(&s->config, "{}");
}

static void small_clear(small *s)
{
    tb_str_clear(&s->vocab);
    tb_str_clear(&s->merges);
    tb_str_clear(&s->added);
    tb_str_clear(&s->config);
}

static tb_status small_read(small *s, tb_bpe **out, tb_err *err)
{
    const tb_bpe_file files[] = {
        {"README.md", "no", 2},
        {"merges.txt", s->merges.data, s->merges.len},
        {"tokenizer_config.json", s->config.data, s->config.len},
        {"vocab.json", s->vocab.data, s->vocab.len},
        {"added_tokens.json", s->added.data, s->added.len},
    };
    return tb_bpe_read(files, 5 - s->no_added, out, err);
}

static void set(tb_str *s, const char *text)
{
    tb_str_clear(s);
    tb_str_puts(s, text);
}

/* Merges as the definition says: the lowest rank anywhere, from the left, again and again. Words
 * are of the letters a to d. */
typedef struct {
    char left[16], right[16];
} rule;

static size_t merge_naively(const rule *rules, size_t n_rules, char (*part)[64], size_t n)
{
    for (;;) {
        size_t best = n_rules, at = 0;
        for (size_t i = 0; i + 1 < n; i++)
            for (size_t r = 0; r < best; r++)
                if (strcmp(part[i], rules[r].left) == 0 &&
                    strcmp(part[i + 1], rules[r].right) == 0) {
                    best = r;
                    at = i;
                }
        if (best == n_rules) return n;
        memcpy(part[at] + strlen(part[at]), part[at + 1], strlen(part[at + 1]) + 1);
        memmove(part + at + 1, part + at + 2, (n - at - 2) * sizeof *part);
        n--;
    }
}

static void merging_by_heap_is_merging_by_definition(void **state)
{
    (void)state;
    enum { ROUNDS = 60, WORDS = 60, MAX_RULES = 40, MAX_WORD = 40 };
    tb_rng rng;
    tb_rng_seed(&rng, 11);
    for (int round = 0; round < ROUNDS; round++) {
        char symbol[4 + MAX_RULES][16] = {"a", "b", "c", "d"};
        rule rules[MAX_RULES];
        size_t n_symbols = 4, n_rules = 0;
        small s;
        tb_bpe *bpe = NULL;
        tb_err err = {0};
        small_init(&s);
        for (int i = 0; i < MAX_RULES; i++) { /* a random rule whose result is new */
            const char *l = symbol[tb_rng_next(&rng) % n_symbols],
                       *r = symbol[tb_rng_next(&rng) % n_symbols];
            char both[40];
            bool known = strlen(l) + strlen(r) > 12;
            snprintf(both, sizeof both, "%s%s", l, r);
            for (size_t k = 0; k < n_symbols; k++)
                known = known || strcmp(symbol[k], both) == 0;
            if (known) continue;
            snprintf(rules[n_rules].left, sizeof rules->left, "%s", l);
            snprintf(rules[n_rules++].right, sizeof rules->right, "%s", r);
            tb_str_printf(&s.vocab, ",\"%s\":%zu", both, 300 + n_symbols);
            memcpy(symbol[n_symbols++], both, strlen(both) + 1);
        }
        for (size_t i = 0; i < n_rules; i++)
            tb_str_printf(&s.merges, "%s %s\n", rules[i].left, rules[i].right);
        tb_str_puts(&s.vocab, "}");
        if (small_read(&s, &bpe, &err)) fail_msg("%s", err.msg);
        for (int w = 0; w < WORDS; w++) {
            char word[MAX_WORD], part[MAX_WORD][64];
            tb_bpe_ids ids = {0};
            size_t n = 1 + tb_rng_next(&rng) % (MAX_WORD - 1);
            for (size_t i = 0; i < n; i++) {
                word[i] = (char)('a' + tb_rng_next(&rng) % (round % 4 + 1));
                snprintf(part[i], sizeof part[i], "%c", word[i]);
            }
            assert_int_equal(tb_bpe_encode(bpe, word, n, SIZE_MAX, &ids, &err), TB_OK);
            size_t n_parts = merge_naively(rules, n_rules, part, n);
            assert_int_equal(ids.n, n_parts);
            for (size_t i = 0; i < n_parts; i++) {
                size_t k = 0;
                while (strcmp(symbol[k], part[i]) != 0)
                    k++;
                assert_int_equal(ids.ids[i], k < 4 ? 'a' + k : 300 + k);
            }
            tb_bpe_ids_clear(&ids);
        }
        tb_bpe_close(bpe);
        small_clear(&s);
    }
}

static void the_longest_added_token_wins_at_the_leftmost_place(void **state)
{
    (void)state;
    small s;
    tb_bpe *bpe = NULL;
    tb_err err = {0};
    small_init(&s);
    tb_str_puts(&s.vocab, ",\"<|endoftext|>\":256}");
    set(&s.added, "{\"[a\":1000,\"[a]\":999,\"a]b\":500,\"!\":33}"); /* ! is in the vocabulary */
    if (small_read(&s, &bpe, &err)) fail_msg("%s", err.msg);
    is(bpe, "[a]b", "[999, 98]");
    is(bpe, "[a [a", "[1000, 32, 1000]");
    is(bpe, "xa]b!", "[120, 500, 33]");
    is(bpe, "<|endoftext|><|endoftext",
       "[256, 60, 124, 101, 110, 100, 111, 102, 116, 101, 120, 116]");
    assert_int_equal(tb_bpe_size(bpe), 1001);
    assert_int_equal(tb_bpe_limit(bpe), 0);
    tb_bpe_close(bpe);
    small_clear(&s);
}

static void refused(small *s, const char *said)
{
    tb_bpe *bpe = NULL;
    tb_err err = {0};
    assert_int_equal(small_read(s, &bpe, &err), TB_EMODEL);
    assert_null(bpe);
    if (!strstr(err.msg, said)) fail_msg("\"%s\" does not say \"%s\"", err.msg, said);
    small_clear(s);
}

/* The small tokeniser with these texts in place of its own; NULL keeps it. vocab is what follows
 * the 256 bytes. */
static void refused_with(const char *vocab, const char *merges, const char *added,
                         const char *config, const char *said)
{
    small s;
    small_init(&s);
    tb_str_puts(&s.vocab, vocab ? vocab : ",\"ab\":300}");
    if (merges) set(&s.merges, merges);
    if (added) set(&s.added, added);
    if (config) set(&s.config, config);
    refused(&s, said);
}

static void a_wrong_vocabulary_is_refused_by_name(void **state)
{
    (void)state;
    refused_with("", NULL, NULL, NULL, "vocab.json: the JSON cannot be read");
    refused_with(",\"ab\":97}", NULL, NULL, NULL, "\"a\" and \"ab\" both have the id 97");
    refused_with(",\"ab\":-1}", NULL, NULL, NULL, "\"ab\" is -1");
    refused_with(",\"ab\":1048576}", NULL, NULL, NULL, "0 to 1048575 are allowed");
    refused_with(",\"ab\":1.5}", NULL, NULL, NULL, "no whole number");
    refused_with(",\"ab\":\"7\"}", NULL, NULL, NULL, "no whole number");
    refused_with(",\"\":700}", NULL, NULL, NULL, "id 700 has no text");
    refused_with(",\"a\":700}", NULL, NULL, NULL, "duplicate");

    small s;
    small_init(&s);
    set(&s.vocab, "{\"a\":97}");
    refused(&s, "stands for the byte 0, is missing");
    small_init(&s);
    set(&s.vocab, "[]");
    refused(&s, "vocab.json: this is no JSON object");
    small_init(&s);
    s.no_added = true;
    refused(&s, "added_tokens.json is missing");
}

static void wrong_merges_are_refused_with_their_line(void **state)
{
    (void)state;
    refused_with(NULL, "#version: 0.2\na b\na c\n", NULL, NULL, "merges.txt, line 3: \"a c\"");
    refused_with(NULL, "a b\nb x\n", NULL, NULL, "line 2");
    refused_with(NULL, "a  b\n", NULL, NULL, "two symbols");
    refused_with(NULL, "a b c\n", NULL, NULL, "two symbols");
    refused_with(NULL, "ab\n", NULL, NULL, "two symbols");
    refused_with(NULL, " b\n", NULL, NULL, "two symbols");
    refused_with(NULL, "a \n", NULL, NULL, "two symbols");
    refused_with(NULL, "a b\n\n", NULL, NULL, "line 2");
    refused_with(NULL, "a b\na b\n", NULL, NULL, "line 2: \"a b\" is there twice");
    /* Words that nothing makes: the file ends too early. */
    tb_str words;
    tb_str_init(&words, 4096);
    for (int i = 0; i < 20; i++)
        tb_str_printf(&words, ",\"a%c\":%d", 'b' + i, 300 + i);
    tb_str_puts(&words, "}");
    refused_with(words.data, "a b\n", NULL, NULL,
                 "1 merges, too few for a vocabulary of 276 words");
    tb_str_clear(&words);
}

static void wrong_added_tokens_and_limits_are_refused(void **state)
{
    (void)state;
    refused_with(NULL, NULL, "{\"[x]\":97}", NULL, "\"[x]\" has the id 97");
    refused_with(NULL, NULL, "{\"[x]\":400,\"[y]\":400}", NULL, "has the id 400");
    refused_with(NULL, NULL, "{\"a\":400}", NULL, "\"a\" has the id 400");
    refused_with(NULL, NULL, "{\"[x]\":2000000}", NULL, "added_tokens.json: the id of \"[x]\"");
    refused_with(NULL, NULL, "{\"\":400}", NULL, "no text");
    refused_with(NULL, NULL, "", NULL, "added_tokens.json: the JSON");
    refused_with(NULL, NULL, NULL, "{\"model_max_length\":0}", "at least 1");
    refused_with(NULL, NULL, NULL, "{\"model_max_length\":-99999999999999999999}", "at least 1");
    refused_with(NULL, NULL, NULL, "{\"model_max_length\":\"9\"}", "at least 1");
    refused_with(NULL, NULL, NULL, "nonsense", "tokenizer_config.json: the JSON");

    small s;
    small_init(&s);
    tb_str_puts(&s.vocab, "}");
    set(&s.added, "{");
    for (int i = 0; i < 1025; i++)
        tb_str_printf(&s.added, "%s\"[%d]\":%d", i ? "," : "", i, 1000 + i);
    tb_str_puts(&s.added, "}");
    refused(&s, "at most 1024");
}

static void limit_is(const char *config, size_t want)
{
    small s;
    tb_bpe *bpe = NULL;
    tb_err err = {0};
    small_init(&s);
    tb_str_puts(&s.vocab, "}");
    set(&s.config, config);
    if (small_read(&s, &bpe, &err)) fail_msg("%s", err.msg);
    assert_int_equal(tb_bpe_limit(bpe), want);
    tb_bpe_close(bpe);
    small_clear(&s);
}

static void the_limit_may_be_absent_or_endless(void **state)
{
    (void)state;
    limit_is("{}", 0);
    limit_is("{\"model_max_length\":1024}", 1024);
    limit_is("{\"model_max_length\":1}", 1);
    limit_is("{\"model_max_length\":null}", 0);
    limit_is("{\"model_max_length\":1e30}", 0);
    /* what the field's library writes for "none" */
    limit_is("{\"x\":\"\\\"1000000000000000019884624838656\",\"model_max_length\" : "
             "1000000000000000019884624838656}",
             0);
    limit_is("{\"model_max_length\":1000000000000000019884624838656.0}", 0);
}

static void every_truncation_is_refused_or_read(void **state)
{
    (void)state;
    small s;
    small_init(&s);
    tb_str_puts(&s.vocab, ",\"ab\":300,\"abc\":301}");
    tb_str_puts(&s.merges, "a b\nab c\n");
    set(&s.added, "{\"[x]\":400}");
    for (size_t cut = 0; cut < s.vocab.len; cut += 7) {
        const tb_bpe_file files[] = {{"vocab.json", s.vocab.data, cut},
                                     {"merges.txt", s.merges.data, s.merges.len},
                                     {"added_tokens.json", s.added.data, s.added.len}};
        tb_bpe *bpe = NULL;
        tb_err err = {0};
        assert_int_equal(tb_bpe_read(files, 3, &bpe, &err), TB_EMODEL);
        assert_non_null(strstr(err.msg, "vocab.json"));
    }
    for (size_t cut = 0; cut <= s.merges.len; cut++) {
        const tb_bpe_file files[] = {{"vocab.json", s.vocab.data, s.vocab.len},
                                     {"merges.txt", s.merges.data, cut},
                                     {"added_tokens.json", s.added.data, s.added.len}};
        tb_bpe *bpe = NULL;
        tb_err err = {0};
        tb_status st = tb_bpe_read(files, 3, &bpe, &err);
        assert_true(st == TB_OK ? bpe != NULL : st == TB_EMODEL && err.msg[0]);
        tb_bpe_close(bpe);
    }
    small_clear(&s);
}

static void a_folder_without_the_files_or_with_huge_ones_is_said(void **state)
{
    (void)state;
    char dir[] = "/tmp/timbre-test-bpe-XXXXXX";
    tb_bpe *bpe = NULL;
    tb_err err = {0};
    assert_non_null(mkdtemp(dir));
    assert_int_equal(tb_bpe_open(dir, &bpe, &err), TB_ENOTFOUND);
    assert_non_null(strstr(err.msg, "vocab.json"));
    char *path = tb_path_join(dir, "vocab.json");
    assert_int_equal(tb_file_write(path, "", 0, 0600, NULL), TB_OK);
    assert_int_equal(truncate(path, TB_BPE_MAX_FILE + 1), 0);
    assert_int_equal(tb_bpe_open(dir, &bpe, &err), TB_ETOOBIG);
    assert_null(bpe);
    unlink(path);
    tb_free(path);
    assert_int_equal(rmdir(dir), 0);

    small s; /* from memory too */
    small_init(&s);
    const tb_bpe_file files[] = {{"vocab.json", s.vocab.data, s.vocab.len},
                                 {"merges.txt", "", (size_t)TB_BPE_MAX_FILE + 1},
                                 {"added_tokens.json", "{}", 2}};
    assert_int_equal(tb_bpe_read(files, 3, &bpe, &err), TB_EMODEL);
    assert_non_null(strstr(err.msg, "merges.txt"));
    small_clear(&s);

    assert_string_equal(tb_bpe_file_name(0), "vocab.json");
    assert_string_equal(tb_bpe_file_name(3), "tokenizer_config.json");
    assert_null(tb_bpe_file_name(4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_texts_have_the_recorded_ids),
        cmocka_unit_test(tags_have_their_ids_and_swallow_no_blanks),
        cmocka_unit_test(invalid_utf8_is_the_replacement_character),
        cmocka_unit_test(ids_are_appended_up_to_a_ceiling),
        cmocka_unit_test(a_word_of_a_million_letters_is_no_trap),
        cmocka_unit_test(merging_by_heap_is_merging_by_definition),
        cmocka_unit_test(the_longest_added_token_wins_at_the_leftmost_place),
        cmocka_unit_test(a_wrong_vocabulary_is_refused_by_name),
        cmocka_unit_test(wrong_merges_are_refused_with_their_line),
        cmocka_unit_test(wrong_added_tokens_and_limits_are_refused),
        cmocka_unit_test(the_limit_may_be_absent_or_endless),
        cmocka_unit_test(every_truncation_is_refused_or_read),
        cmocka_unit_test(a_folder_without_the_files_or_with_huge_ones_is_said),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
