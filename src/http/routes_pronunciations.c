/*
 * /pronunciations: the installation's dictionary, listed, extended, replaced, removed.
 *
 * A body is parsed and checked by api/pronunciations.h before a row is made; a language is resolved
 * to its code first. Handlers run at the desk. Relies on store/store.h.
 */
#include "api/pronunciations.h"
#include "base/mem.h"
#include "http/route_priv.h"

#include <string.h>

static tb_store *store_of(tb_request *r)
{
    return tb_service_store(r->http->service);
}

/* "" for none; else a code that is known. */
static tb_status find_code(tb_request *r, const char *language, char code[36], tb_err *err)
{
    const tb_embedded *e = tb_engine_embedded(tb_service_engine(r->http->service));
    code[0] = 0;
    return language && *language ? tb_embedded_language_code(e, language, code, err) : TB_OK;
}

static tb_status get_pronunciations(tb_request *r, tb_err *err)
{
    tb_pronunciation_list list = {0};
    tb_status st = tb_store_pronunciation_list(store_of(r), &list, err);
    if (!st) tb_reply_json(r, 200, tb_print_dictionary(&list));
    tb_pronunciation_list_clear(&list);
    return st;
}

/* The entries of a list as rows; *rows and their keys are the caller's. */
static tb_status make_rows(tb_request *r, const tb_pronunciations *list,
                           tb_pronunciation_row **rows, tb_err *err)
{
    char code[36];
    tb_status st = TB_OK;
    *rows = tb_alloc((list->n + 1) * sizeof **rows);
    for (size_t i = 0; i < list->n && !st; i++) {
        const tb_pronunciation *p = &list->items[i];
        st = find_code(r, p->language, code, err);
        (*rows)[i] = (tb_pronunciation_row){.key = tb_pronunciation_key(p->word),
                                            .word = p->word,
                                            .say = p->say,
                                            .language = st ? NULL : tb_strdup(code)};
    }
    return st;
}

static void free_rows(tb_pronunciation_row *rows, size_t n)
{
    for (size_t i = 0; rows && i < n; i++) {
        tb_free((char *)(uintptr_t)rows[i].key);
        tb_free((char *)(uintptr_t)rows[i].language);
    }
    tb_free(rows);
}

static tb_status post_pronunciation(tb_request *r, tb_err *err)
{
    tb_pronunciations list = {0};
    tb_pronunciation_row *rows = NULL;
    tb_status st = tb_pronunciations_add(&list, tb_fields_text(&r->fields, "word"),
                                         tb_fields_text(&r->fields, "say"),
                                         tb_fields_text(&r->fields, "language"), false, NULL, err);
    if (!st) st = make_rows(r, &list, &rows, err);
    if (!st) st = tb_store_pronunciation_put(store_of(r), rows, err);
    if (!st) {
        tb_json *o = tb_json_object();
        tb_json_set_string(o, "status", "Pronunciation saved");
        tb_json_set(o, "pronunciation",
                    tb_print_pronunciation(rows[0].word, rows[0].say, rows[0].language));
        tb_reply_json(r, 200, tb_json_print(o));
        tb_json_free(o);
    }
    free_rows(rows, list.n);
    tb_pronunciations_clear(&list);
    return st;
}

static tb_status put_pronunciations(tb_request *r, tb_err *err)
{
    const tb_field *f = tb_fields_get(&r->fields, "pronunciations");
    tb_pronunciations list = {0};
    tb_pronunciation_row *rows = NULL;
    if (!f)
        return tb_fail_field(err, TB_EINVAL, "pronunciations",
                             "pronunciations are missing; they replace all that are there ([] for "
                             "none)");
    tb_status st =
        tb_pronunciations_read(f->value, f->size, TB_STORE_PRONUNCIATIONS, false, &list, err);
    if (!st) st = make_rows(r, &list, &rows, err);
    if (!st) st = tb_store_pronunciation_replace(store_of(r), rows, list.n, err);
    free_rows(rows, list.n);
    tb_pronunciations_clear(&list);
    return st ? st : get_pronunciations(r, err);
}

static tb_status delete_pronunciations(tb_request *r, tb_err *err)
{
    const char *word = tb_fields_text(&r->fields, "word"),
               *language = tb_fields_text(&r->fields, "language"),
               *all_text = tb_fields_text(&r->fields, "delete_all");
    size_t deleted = 0, remaining = 0;
    bool all = false;
    char code[36];
    if (all_text && !tb_parse_bool(all_text, &all))
        return tb_fail_field(err, TB_EINVAL, "delete_all",
                             "delete_all is '%.30s'; allowed: true, false", all_text);
    if (!all && (!word || !*word))
        return tb_fail_field(err, TB_EINVAL, "word",
                             "nothing is named; give word, or delete_all=true");
    tb_status st = find_code(r, language, code, err);
    if (st) return st;
    char *key = all ? NULL : tb_pronunciation_key(word);
    st = tb_store_pronunciation_delete(store_of(r), key, language ? code : NULL, &deleted,
                                       &remaining, err);
    if (!st && !all && deleted == 0)
        st = tb_fail_field(err, TB_ENOTFOUND, "word", "the dictionary has no entry '%.64s'", word);
    if (!st)
        tb_reply_json(r, 200,
                      tb_sprintf("{\"status\":\"Pronunciations updated\",\"remaining_count\":%zu}",
                                 remaining));
    tb_free(key);
    return st;
}

/* clang-format off */
const tb_route tb_routes_pronunciations[] = {
    {"GET",    "/pronunciations",             get_pronunciations,    0,        TB_GROUP_NONE,   TB_DESK_READS,  TB_JSON,  "List the stored pronunciations", ""},
    {"POST",   "/pronunciations",             post_pronunciation,    64 * TB_KIB, TB_GROUP_NONE,   TB_DESK_WRITES, TB_JSON,  "Set a word's pronunciation", "word* string q,say* string q,language string q"},
    {"PUT",    "/pronunciations",             put_pronunciations,    1 * TB_MIB,  TB_GROUP_NONE,   TB_DESK_WRITES, TB_JSON,  "Replace all pronunciations", "pronunciations* string q"},
    {"DELETE", "/pronunciations",             delete_pronunciations, 64 * TB_KIB, TB_GROUP_NONE,   TB_DESK_WRITES, TB_JSON,  "Remove a word's pronunciation, or all", "word string q,language string q,delete_all boolean q"},
    {0},
};
/* clang-format on */
