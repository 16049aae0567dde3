#include "job/beds_priv.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

/* How many of the last names are compared with a new one: a text of thousands of brackets is read
 * in linear time, and one that goes back and forth between a few beds looks each up once. */
enum { REMEMBERED = 32 };

struct tb_named_bed {
    char *name;
    tb_ambience bed;
    tb_err *why; /* it cannot be had; NULL: it can */
};

static int remembered(const tb_beds *b, const char *name)
{
    const int first = b->n > REMEMBERED ? b->n - REMEMBERED : 0;
    for (int i = b->n - 1; i >= first; i--)
        if (strcmp(b->items[i].name, name) == 0) return i;
    return -1;
}

int tb_beds_find(void *beds, const char *name)
{
    tb_beds *b = beds;
    tb_err why;
    tb_ambience bed = {0};
    const int known = remembered(b, name);
    if (known >= 0 || !tb_ambience_in_text(b->set, name, &bed, &why)) return known;
    if (b->n == b->max) {
        const int max = b->max ? 2 * b->max : 8;
        struct tb_named_bed *more = tb_try_realloc(b->items, (size_t)max, sizeof *more);
        if (!more) return -1; /* then it is read aloud; what follows will want memory, too */
        b->items = more;
        b->max = max;
    }
    b->items[b->n] = (struct tb_named_bed){.name = tb_strdup(name), .bed = bed};
    if (why.status) {
        b->items[b->n].why = tb_alloc(sizeof why);
        *b->items[b->n].why = why;
    }
    return b->n++;
}

tb_status tb_beds_check(const tb_beds *b, const tb_script *script, tb_err *err)
{
    for (size_t i = 0; i < script->n; i++) {
        const tb_script_item *item = &script->items[i];
        if (item->kind != TB_ITEM_BED || !item->text) continue;
        assert(item->bed >= 0 && item->bed < b->n);
        const tb_err *why = b->items[item->bed].why;
        if (!why) continue;
        if (err) *err = *why;
        return why->status;
    }
    return TB_OK;
}

const tb_ambience *tb_beds_at(const tb_beds *b, int number)
{
    assert(number >= 0 && number < b->n);
    return &b->items[number].bed;
}

void tb_beds_clear(tb_beds *b)
{
    for (int i = 0; i < b->n; i++) {
        tb_free(b->items[i].name);
        tb_free(b->items[i].why);
    }
    tb_free(b->items);
    *b = (tb_beds){0};
}
