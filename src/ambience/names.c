/*
 * From what a request calls a bed to the recipes and files that it is made of.
 *
 * A name is an id of the set, an alias in English or Spanish, or a sum of up to four of them with
 * "+". Accents and case do not count; a file with an alias's name comes first. What is not found is
 * refused with the list; free text behind "ambience:" is refused for want of a model. Relies on
 * set.c.
 */
#include "ambience/set_priv.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/unicode.h"
#include "base/utf8.h"

#include <string.h>

/* Other names, in English and Spanish, without accents. A file of that name takes precedence. */
/* clang-format off */
static const struct {
    const char *name, *means;
} aliases[] = {
    {"birds", "forest"},         {"beach", "ocean"},        {"static", "white"},
    {"storm", "rain+wind"},      {"sea", "ocean"},          {"waves", "ocean"},
    {"fireplace", "fire"},       {"white noise", "white"},  {"pink noise", "pink"},
    {"brown noise", "brown"},    {"coffee shop", "cafe"},   {"ruido blanco", "white"},
    {"blanco", "white"},         {"ruido rosa", "pink"},    {"rosa", "pink"},
    {"ruido marron", "brown"},   {"marron", "brown"},       {"habitacion", "room"},
    {"sala", "room"},            {"cuarto", "room"},        {"lluvia", "rain"},
    {"viento", "wind"},          {"mar", "ocean"},          {"oceano", "ocean"},
    {"olas", "ocean"},           {"playa", "ocean"},        {"bosque", "forest"},
    {"pajaros", "forest"},       {"noche", "night"},        {"fuego", "fire"},
    {"hoguera", "fire"},         {"chimenea", "fire"},      {"calle", "street"},
    {"trafico", "street"},       {"tren", "train"},         {"ventilador", "fan"},
    {"oficina", "office"},       {"cafeteria", "cafe"},     {"tormenta", "rain+wind"},
};
/* clang-format on */

static const tb_entry *lookup(const tb_ambience_set *set, const char *id)
{
    for (size_t i = 0; i < set->n; i++)
        if (strcmp(set->entries[i].info.id, id) == 0) return &set->entries[i];
    return NULL;
}

typedef enum { RESOLVED, UNKNOWN, TOO_MANY } resolved;

static resolved add_part(const tb_ambience_set *set, const char *id, bool aliases_too,
                         tb_ambience *sum);

/* parts are separated by any character of `between` */
static resolved add_parts(const tb_ambience_set *set, const char *name, const char *between,
                          bool aliases_too, tb_ambience *sum)
{
    if (strlen(name) >= 256) return UNKNOWN;
    char *text = tb_unicode_bare(name), *rest = *text ? text : NULL;
    resolved p = rest ? RESOLVED : UNKNOWN;
    while (rest && p == RESOLVED) {
        char *cut = strpbrk(rest, between);
        if (cut) *cut++ = 0;
        p = add_part(set, tb_str_strip(rest), aliases_too, sum);
        rest = cut;
    }
    tb_free(text);
    return p;
}

static resolved add_part(const tb_ambience_set *set, const char *id, bool aliases_too,
                         tb_ambience *sum)
{
    const tb_entry *e = lookup(set, id);
    for (size_t i = 0; !e && aliases_too && i < sizeof aliases / sizeof *aliases; i++)
        if (strcmp(aliases[i].name, id) == 0)
            return add_parts(set, aliases[i].means, "+", false, sum);
    if (!e) return UNKNOWN;
    const uint16_t part = (uint16_t)(e - set->entries);
    for (int i = 0; i < sum->n; i++)
        if (sum->part[i] == part) return RESOLVED; /* the same twice is once */
    if (sum->n == TB_AMBIENCE_SUM_MAX) return TOO_MANY;
    sum->part[sum->n++] = part;
    sum->difference_lu = fmax(sum->difference_lu, e->info.default_difference_lu);
    return RESOLVED;
}

static const char *free_text(const char *name)
{
    static const char prefix[] = "ambience:";
    while (*name == ' ')
        name++;
    for (size_t i = 0; i < sizeof prefix - 1; i++)
        if (((unsigned char)name[i] | 0x20) != (unsigned char)prefix[i] && name[i] != prefix[i])
            return NULL;
    return name + sizeof prefix - 1;
}

static void add_list(const tb_ambience_set *set, tb_str *out)
{
    for (size_t i = 0; i < set->n; i++)
        tb_str_printf(out, "%s%s", i ? ", " : "", set->entries[i].info.id);
}

tb_status tb_ambience_find(const tb_ambience_set *set, const char *name, tb_ambience *out,
                           tb_err *err)
{
    tb_ambience sum = {0};
    const char *text = free_text(name);
    resolved p = add_parts(set, text ? text : name, "+", true, &sum);
    if (p == UNKNOWN) { /* a blank may be a plus that a form has decoded */
        sum = (tb_ambience){0};
        p = add_parts(set, text ? text : name, "+ ", true, &sum);
    }
    if (p == RESOLVED) {
        *out = sum;
        return TB_OK;
    }
    if (p == TOO_MANY)
        return tb_fail_field(err, TB_EINVAL, "ambience_id",
                             "a sum of ambiences has at most %d parts", TB_AMBIENCE_SUM_MAX);
    char shown[65];
    size_t len = strlen(text ? text : name);
    len = len < sizeof shown - 1 ? len : sizeof shown - 1;
    memcpy(shown, text ? text : name, len);
    shown[len] = 0;
    tb_utf8_trim(shown);
    tb_str list;
    tb_str_init(&list, 360);
    add_list(set, &list);
    tb_status st =
        text ? tb_fail_field(err, TB_EINVAL, "ambience_id",
                             "\"%s\" is free text, which needs the AudioGen model, and that is not "
                             "here; there are: %s",
                             shown, list.data ? list.data : "")
             : tb_fail_field(err, TB_ENOTFOUND, "ambience_id",
                             "there is no ambience \"%s\"; there are: %s", shown,
                             list.data ? list.data : "");
    tb_str_clear(&list);
    return st;
}

bool tb_ambience_in_text(const tb_ambience_set *set, const char *name, tb_ambience *out,
                         tb_err *err)
{
    tb_ambience found = {0};
    *err = (tb_err){0};
    if (!free_text(name)) {
        resolved p = add_parts(set, name, "+", true, &found);
        if (p == RESOLVED) *out = found;
        if (p != TOO_MANY) return p == RESOLVED;
    }
    err->status = tb_ambience_find(set, name, out, err);
    return true;
}

bool tb_ambience_same(const tb_ambience *a, const tb_ambience *b)
{
    return a->n == b->n && memcmp(a->part, b->part, a->n * sizeof a->part[0]) == 0;
}
