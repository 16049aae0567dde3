#include "api/pronunciations.h"
#include "base/mem.h"
#include "cli/cli_priv.h"
#include "embedded/speak.h"

#include <string.h>

/* timbre pronunciations: the installation's dictionary, beside a running server or without one. */

/* The code that --in stands for; "" when it was not given. */
static tb_status find_code(tb_cli *cli, char code[36], tb_err *err)
{
    const char *wanted = tb_cli_get(cli, "--in");
    tb_embedded *embedded = NULL;
    tb_embedded_config config = {.default_language = cli->config.language,
                                 .default_base = cli->config.default_base,
                                 .espeak_program = cli->config.espeak_program,
                                 .espeak_data_path = cli->config.espeak_data_path};
    code[0] = 0;
    if (!wanted) return TB_OK;
    tb_status st = tb_embedded_open(&config, &embedded, err);
    if (!st) st = tb_embedded_language_code(embedded, wanted, code, err);
    tb_embedded_close(embedded);
    return st;
}

static void print_row(const char *word, const char *say, const char *language)
{
    printf("%-24s %-8s %s\n", word, *language ? language : "-", say);
}

int tb_cli_run_pronunciations_list(tb_cli *cli)
{
    tb_store *store = NULL;
    tb_pronunciation_list list = {0};
    tb_err err = {0};
    int code = TB_EXIT_OK;
    tb_status st = tb_store_open(cli->config.data, false, &store, &err);
    if (!st) st = tb_store_pronunciation_list(store, &list, &err);
    if (st) {
        code = tb_cli_fail(cli, &err);
    } else if (cli->json) {
        tb_json *all = tb_json_array();
        for (size_t i = 0; i < list.n; i++)
            tb_json_add(all, tb_print_pronunciation(list.rows[i].word, list.rows[i].say,
                                                    list.rows[i].language));
        code = tb_cli_print_json(all);
    } else {
        for (size_t i = 0; i < list.n; i++)
            print_row(list.rows[i].word, list.rows[i].say, list.rows[i].language);
        if (list.n == 0)
            puts("no pronunciations are kept; timbre pronunciations add WORD SAY keeps one");
    }
    tb_pronunciation_list_clear(&list);
    tb_store_close(store);
    return code;
}

int tb_cli_run_pronunciations_add(tb_cli *cli)
{
    tb_store *store = NULL;
    tb_pronunciations one = {0};
    tb_err err = {0};
    char language[36], *key = NULL;
    tb_status st = find_code(cli, language, &err);
    if (!st)
        st = tb_pronunciations_add(&one, cli->args[0], cli->args[1], language, false, NULL, &err);
    if (!st) st = tb_store_open(cli->config.data, false, &store, &err);
    if (!st) {
        const tb_pronunciation *p = one.items;
        key = tb_pronunciation_key(p->word);
        tb_pronunciation_row row = {.key = key,
                                    .word = p->word,
                                    .say = p->say,
                                    .language = p->language};
        st = tb_store_pronunciation_put(store, &row, &err);
    }
    int code = st ? tb_cli_fail(cli, &err) : TB_EXIT_OK;
    if (!st && cli->json)
        code = tb_cli_print_json(
            tb_print_pronunciation(one.items->word, one.items->say, one.items->language));
    else if (!st)
        print_row(one.items->word, one.items->say, one.items->language);
    tb_free(key);
    tb_store_close(store);
    tb_pronunciations_clear(&one);
    return code;
}

int tb_cli_run_pronunciations_remove(tb_cli *cli)
{
    tb_store *store = NULL;
    tb_err err = {0};
    char language[36], *key = tb_pronunciation_key(cli->args[0]);
    size_t deleted = 0, remaining = 0;
    tb_status st = find_code(cli, language, &err);
    if (!st) st = tb_store_open(cli->config.data, false, &store, &err);
    if (!st)
        st = tb_store_pronunciation_delete(store, key, tb_cli_get(cli, "--in") ? language : NULL,
                                           &deleted, &remaining, &err);
    if (!st && deleted == 0)
        st = tb_fail_field(&err, TB_ENOTFOUND, "word", "the dictionary has no entry '%.64s'",
                           cli->args[0]);
    tb_free(key);
    tb_store_close(store);
    return st ? tb_cli_fail(cli, &err) : TB_EXIT_OK;
}
