#include "api/pronunciations.h"

#include "base/mem.h"

#include <string.h>

/* Pronunciation dictionaries as JSON: what clients send, and what the history keeps. */

static const char field[] = "pronunciations";

static tb_status no_entry(size_t i, tb_err *err)
{
    return tb_fail_field(err, TB_EINVAL, field,
                         "entry %zu of the pronunciations must be an object with word and say, and "
                         "perhaps language, all of them text",
                         i + 1);
}

static tb_status read_object(const tb_json *object, bool own, tb_pronunciations *out, tb_err *err)
{
    const char *word;
    tb_json *say;
    tb_status st = TB_OK;
    for (void *it = NULL; !st && tb_json_next(object, &it, &word, &say);)
        st = tb_json_is_string(say)
                 ? tb_pronunciations_add(out, word, tb_json_text(say), NULL, own, field, err)
                 : tb_fail_field(err, TB_EINVAL, field,
                                 "of '%.64s' the pronunciations must hold a text: how it is said",
                                 word);
    return st;
}

static tb_status read_array(const tb_json *array, bool own, tb_pronunciations *out, tb_err *err)
{
    tb_status st = TB_OK;
    for (size_t i = 0; i < tb_json_len(array) && !st; i++) {
        const tb_json *o = tb_json_at(array, i), *language = tb_json_get(o, "language");
        const char *word = tb_json_get_string(o, "word"), *say = tb_json_get_string(o, "say");
        if (!tb_json_is_object(o) || !word || !say ||
            (language && !tb_json_is_null(language) && !tb_json_is_string(language)))
            return no_entry(i, err);
        st = tb_pronunciations_add(out, word, say, tb_json_get_string(o, "language"), own, field,
                                   err);
    }
    return st;
}

static size_t members(const tb_json *v)
{
    const char *key;
    tb_json *value;
    size_t n = 0;
    if (tb_json_is_array(v)) return tb_json_len(v);
    for (void *it = NULL; tb_json_next(v, &it, &key, &value);)
        n++;
    return n;
}

tb_status tb_pronunciations_read(const char *json, size_t len, size_t most, bool own,
                                 tb_pronunciations *out, tb_err *err)
{
    tb_json *v = NULL;
    tb_err why = {0};
    if (len > TB_PRONUNCIATIONS_BYTES)
        return tb_fail_field(err, TB_EINVAL, field, "the pronunciations have more than %d bytes",
                             TB_PRONUNCIATIONS_BYTES);
    if (tb_json_parse(json, len, &v, &why) || !(tb_json_is_object(v) || tb_json_is_array(v))) {
        tb_json_free(v);
        return tb_fail_field(err, TB_EINVAL, field,
                             "the pronunciations must be JSON: {\"word\": \"how it is said\"}, or "
                             "an array of {word, say, language}%s%.200s",
                             why.msg[0] ? "; " : "", why.msg);
    }
    tb_status st = TB_OK;
    if (members(v) > most)
        st = tb_fail_field(err, TB_EINVAL, field,
                           "there are %zu pronunciations; at most %zu are allowed", members(v),
                           most);
    if (!st)
        st = tb_json_is_object(v) ? read_object(v, own, out, err) : read_array(v, own, out, err);
    tb_json_free(v);
    return st;
}

tb_json *tb_print_pronunciation(const char *word, const char *say, const char *language)
{
    tb_json *o = tb_json_object();
    tb_json_set_string(o, "word", word);
    tb_json_set_string(o, "say", say);
    tb_json_set_string(o, "language", language && *language ? language : NULL);
    return o;
}

char *tb_print_pronunciations(const tb_pronunciations *list)
{
    tb_json *all = tb_json_array();
    for (size_t i = 0; i < list->n; i++)
        tb_json_add(all, tb_print_pronunciation(list->items[i].word, list->items[i].say,
                                                list->items[i].language));
    char *text = tb_json_print(all);
    tb_json_free(all);
    return text;
}

char *tb_print_dictionary(const tb_pronunciation_list *list)
{
    tb_json *o = tb_json_object(), *all = tb_json_array();
    for (size_t i = 0; i < list->n; i++)
        tb_json_add(all, tb_print_pronunciation(list->rows[i].word, list->rows[i].say,
                                                list->rows[i].language));
    tb_json_set(o, "pronunciations", all);
    char *text = tb_json_print(o);
    tb_json_free(o);
    return text;
}
