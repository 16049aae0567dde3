/*
 * Reads vocab.json, merges.txt, added_tokens.json and tokenizer_config.json into the tables of
 * bpe.c.
 *
 * Every id must be in range and given once, every merge must join two known tokens; the first thing
 * wrong is named with its file. Hash tables are sized before they are filled. docs/model/text.md.
 */
#include "text/bpe_priv.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { VOCAB, MERGES, ADDED, CONFIG, N_FILES };
static const char *const names[N_FILES] = {
    [VOCAB] = "vocab.json",
    [MERGES] = "merges.txt",
    [ADDED] = "added_tokens.json",
    [CONFIG] = "tokenizer_config.json",
};

enum { MAX_ADDED = 1024 }; /* each place of a text is compared with all of them */

const char *tb_bpe_file_name(size_t i)
{
    return i < N_FILES ? names[i] : NULL;
}

/* The vocabulary while it is read: text -> id. The texts are borrowed from the JSON. */
typedef struct {
    const char *text;
    size_t len;
    int32_t id;
} entry;

typedef struct {
    entry *slots; /* open addressing, a power of two, at most half full; text NULL: empty */
    size_t n_slots;
    const char **by_id; /* up to the highest id of the files; NULL: nobody has it */
} vocab;

static entry *slot_of(const vocab *v, const char *text, size_t len)
{
    uint64_t h = tb_fnv1a(text, len);
    size_t i = (size_t)(h ^ (h >> 32)) & (v->n_slots - 1);
    while (v->slots[i].text && (v->slots[i].len != len || memcmp(v->slots[i].text, text, len) != 0))
        i = (i + 1) & (v->n_slots - 1);
    return &v->slots[i];
}

static int32_t id_of(const vocab *v, const char *text, size_t len)
{
    const entry *e = slot_of(v, text, len);
    return e->text ? e->id : -1;
}

static size_t slots_for(size_t n)
{
    size_t slots = 16;
    while (slots < 2 * n)
        slots *= 2;
    return slots;
}

/* Checks one "text": id of vocab.json or added_tokens.json. */
static tb_status read_id(const char *file, const char *text, const tb_json *value, int32_t *id,
                         tb_err *err)
{
    if (!tb_json_is_int(value))
        return tb_fail(err, TB_EMODEL, "%s: the id of \"%.60s\" is no whole number", file, text);
    int64_t x = tb_json_integer(value);
    if (x < 0 || x >= TB_BPE_MAX_ID)
        return tb_fail(err, TB_EMODEL, "%s: the id of \"%.60s\" is %lld; 0 to %d are allowed", file,
                       text, (long long)x, TB_BPE_MAX_ID - 1);
    if (!text[0]) return tb_fail(err, TB_EMODEL, "%s: id %lld has no text", file, (long long)x);
    *id = (int32_t)x;
    return TB_OK;
}

static tb_status read_object(const tb_bpe_file *f, tb_json **out, tb_err *err)
{
    tb_err why = {0};
    if (tb_json_parse(f->data, f->size, out, &why))
        return tb_fail(err, TB_EMODEL, "%s: %.400s", f->name, why.msg);
    if (!tb_json_is_object(*out))
        return tb_fail(err, TB_EMODEL, "%s: this is no JSON object", f->name);
    return TB_OK;
}

/* How many members there are, and into *ids the least that is above all ids that are allowed. */
static size_t count_members(const tb_json *object, size_t *ids)
{
    const char *key;
    tb_json *value;
    size_t n = 0;
    for (void *it = NULL; tb_json_next(object, &it, &key, &value); n++) {
        int64_t id = tb_json_integer(value);
        if (id >= (int64_t)*ids && id < TB_BPE_MAX_ID) *ids = (size_t)id + 1;
    }
    return n;
}

static tb_status read_vocab(vocab *v, const tb_json *json, const tb_json *added, tb_err *err)
{
    const char *text;
    tb_json *value;
    size_t ids = 1;
    count_members(added, &ids);
    v->n_slots = slots_for(count_members(json, &ids));
    v->slots = tb_try_alloc(v->n_slots, sizeof *v->slots);
    v->by_id = tb_try_alloc(ids, sizeof *v->by_id);
    if (!v->slots || !v->by_id) return tb_nomem(err, v->n_slots, sizeof *v->slots);
    for (void *it = NULL; tb_json_next(json, &it, &text, &value);) {
        int32_t id = 0;
        tb_status st = read_id(names[VOCAB], text, value, &id, err);
        if (st) return st;
        if (v->by_id[id])
            return tb_fail(err, TB_EMODEL, "%s: \"%.60s\" and \"%.60s\" both have the id %d",
                           names[VOCAB], v->by_id[id], text, (int)id);
        size_t len = strlen(text);
        *slot_of(v, text, len) = (entry){text, len, id};
        v->by_id[id] = text;
    }
    return TB_OK;
}

/* GPT-2 writes a byte as a printable character: most of Latin-1 as itself, the other 68 as U+0100
 * and on, in order. */
static tb_status read_bytes(tb_bpe *bpe, const vocab *v, tb_err *err)
{
    uint32_t other = 0x100;
    for (uint32_t b = 0; b < 256; b++) {
        char text[5] = "";
        bool itself = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
        size_t len = tb_utf8_put(itself ? b : other++, text);
        bpe->bytes[b] = id_of(v, text, len);
        if (bpe->bytes[b] < 0)
            return tb_fail(err, TB_EMODEL, "%s: \"%s\", which stands for the byte %u, is missing",
                           names[VOCAB], text, (unsigned)b);
    }
    return TB_OK;
}

static size_t count_lines(const char *p, size_t size)
{
    size_t n = 0;
    for (const char *end = p + size; p < end; n++) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        p = nl ? nl + 1 : end;
    }
    return n;
}

/* One line "left right". The joined text goes through buf, which has room for it. */
static tb_status read_merge(tb_bpe *bpe, const vocab *v, const char *line, size_t len,
                            size_t number, uint32_t rank, char *buf, tb_err *err)
{
    const char *blank = memchr(line, ' ', len);
    size_t left = blank ? (size_t)(blank - line) : 0, right = len - left - 1;
    int shown = len < 100 ? (int)len : 100;
    if (left == 0 || right == 0 || memchr(blank + 1, ' ', right))
        return tb_fail(err, TB_EMODEL,
                       "%s, line %zu: \"%.*s\" is not two symbols with a blank between them",
                       names[MERGES], number, shown, line);
    memcpy(buf, line, left);
    memcpy(buf + left, blank + 1, right);
    int32_t a = id_of(v, line, left), b = id_of(v, blank + 1, right),
            joined = id_of(v, buf, left + right);
    if (a < 0 || b < 0 || joined < 0)
        return tb_fail(err, TB_EMODEL,
                       "%s, line %zu: \"%.*s\" names or makes a symbol that %s lacks",
                       names[MERGES], number, shown, line, names[VOCAB]);
    tb_bpe_merge *m = tb_bpe_slot(bpe->merges, bpe->n_slots, a, b);
    if (m->left >= 0)
        return tb_fail(err, TB_EMODEL, "%s, line %zu: \"%.*s\" is there twice", names[MERGES],
                       number, shown, line);
    *m = (tb_bpe_merge){.left = a, .right = b, .joined = joined, .rank = rank};
    return TB_OK;
}

static tb_status read_merges(tb_bpe *bpe, const vocab *v, const tb_bpe_file *f, tb_err *err)
{
    static const char version[] = "#version";
    const char *p = f->data, *end = p + f->size;
    uint32_t rank = 0;
    size_t number = 0;
    tb_status st = TB_OK;
    char *buf = tb_try_alloc(f->size + 1, 1);
    bpe->n_slots = slots_for(count_lines(p, f->size));
    bpe->merges = tb_try_alloc(bpe->n_slots, sizeof *bpe->merges);
    if (!buf || !bpe->merges) {
        st = tb_nomem(err, bpe->n_slots, sizeof *bpe->merges);
        goto out;
    }
    for (size_t i = 0; i < bpe->n_slots; i++)
        bpe->merges[i].left = -1;
    while (!st && p < end) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        size_t len = (size_t)((nl ? nl : end) - p);
        bool comment = number++ == 0 && len >= sizeof version - 1 &&
                       memcmp(p, version, sizeof version - 1) == 0;
        if (!comment) st = read_merge(bpe, v, p, len, number, rank++, buf, err);
        p += len + (nl != NULL);
    }
out:
    tb_free(buf);
    return st;
}

static void add(tb_bpe *bpe, const char *text, int32_t id)
{
    size_t len = strlen(text), at = bpe->n_added++;
    for (; at > 0 && bpe->added[at - 1].len < len; at--)
        bpe->added[at] = bpe->added[at - 1];
    bpe->added[at] = (tb_bpe_added){tb_strdup(text), len, id};
}

/* A token that the vocabulary has too keeps its id; a new one needs a new id. */
static tb_status read_added(tb_bpe *bpe, vocab *v, const tb_json *json, tb_err *err)
{
    static const char end_of_text[] = "<|endoftext|>"; /* special in GPT-2, so matched as a whole */
    const char *text;
    tb_json *value;
    size_t n = count_members(json, &bpe->size);
    if (n > MAX_ADDED)
        return tb_fail(err, TB_EMODEL, "%s: there are %zu tokens; at most %d are read",
                       names[ADDED], n, MAX_ADDED);
    bpe->added = tb_try_alloc(n + 1, sizeof *bpe->added);
    if (!bpe->added) return tb_nomem(err, n + 1, sizeof *bpe->added);
    for (void *it = NULL; tb_json_next(json, &it, &text, &value);) {
        int32_t id = 0;
        tb_status st = read_id(names[ADDED], text, value, &id, err);
        if (st) return st;
        int32_t there = id_of(v, text, strlen(text));
        if (there >= 0 ? there != id : v->by_id[id] != NULL)
            return tb_fail(err, TB_EMODEL, "%s: \"%.60s\" has the id %d, %s says otherwise",
                           names[ADDED], text, (int)id, names[VOCAB]);
        v->by_id[id] = text;
        add(bpe, text, id);
    }
    int32_t id = id_of(v, end_of_text, sizeof end_of_text - 1);
    if (id >= 0 && tb_bpe_find(bpe, end_of_text) < 0) add(bpe, end_of_text, id);
    return TB_OK;
}

/* "No limit" is written as 10^30 in these files, which no JSON integer of ours holds: numbers of
 * more than 18 digits become the real 9e99. */
static void shorten_numbers(char *s, size_t len)
{
    static const char digits[] = "0123456789";
    bool quoted = false;
    for (size_t i = 0; i < len; i++) {
        if (quoted && s[i] == '\\') {
            i++;
        } else if (s[i] == '"') {
            quoted = !quoted;
        } else if (!quoted && s[i] >= '0' && s[i] <= '9') {
            size_t n = strspn(s + i, digits);
            if (n > 18 && !strchr(".eE", s[i + n] ? s[i + n] : ' ')) {
                memset(s + i, ' ', n);
                memcpy(s + i, "9e99", 4);
            }
            i += n - 1;
        }
    }
}

static tb_status read_config(tb_bpe *bpe, const tb_bpe_file *f, tb_err *err)
{
    tb_json *json = NULL, *limit;
    char *text = tb_try_alloc(f->size + 1, 1);
    if (!text) return tb_nomem(err, f->size + 1, 1);
    if (f->size) memcpy(text, f->data, f->size);
    shorten_numbers(text, f->size);
    tb_status st = read_object(&(tb_bpe_file){f->name, text, f->size}, &json, err);
    if (st) goto out;
    limit = tb_json_get(json, "model_max_length");
    if (!limit || tb_json_is_null(limit)) goto out;
    double x = tb_json_number(limit);
    if (!tb_json_is_number(limit) || !(x >= 1)) {
        st =
            tb_fail(err, TB_EMODEL, "%s: model_max_length must be a number of at least 1", f->name);
        goto out;
    }
    bpe->limit = x < 1e9 ? (size_t)x : 0;
out:
    tb_json_free(json);
    tb_free(text);
    return st;
}

void tb_bpe_close(tb_bpe *bpe)
{
    if (!bpe) return;
    for (size_t i = 0; i < bpe->n_added; i++)
        tb_free(bpe->added[i].text);
    tb_free(bpe->added);
    tb_free(bpe->merges);
    tb_free(bpe);
}

static tb_status pick(const tb_bpe_file *files, size_t n, const tb_bpe_file *of[N_FILES],
                      tb_err *err)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < N_FILES; k++)
            if (strcmp(files[i].name, names[k]) == 0) of[k] = &files[i];
    for (size_t k = 0; k < N_FILES; k++) {
        if (!of[k] && k != CONFIG)
            return tb_fail(err, TB_EMODEL, "the tokenizer's %s is missing", names[k]);
        if (of[k] && of[k]->size > TB_BPE_MAX_FILE)
            return tb_fail(err, TB_EMODEL, "%s has %zu bytes; at most %d are read", names[k],
                           of[k]->size, (int)TB_BPE_MAX_FILE);
    }
    return TB_OK;
}

/*
 * Every word is a byte, made by a merge, or one of a few markers (GPT-2 has one). More that nothing
 * makes: merges.txt is of another vocabulary, or its end is missing, and texts would come out as
 * other tokens without a word of warning.
 */
static tb_status check_whole(const tb_bpe *bpe, const tb_json *words, const tb_bpe_file *merges,
                             tb_err *err)
{
    enum { BYTES = 256, MARKERS = 16 };
    size_t ids = 0, n_merges = 0;
    const size_t n_words = count_members(words, &ids);
    for (size_t i = 0; i < bpe->n_slots; i++)
        n_merges += bpe->merges[i].left >= 0;
    if (n_words <= BYTES + n_merges + MARKERS) return TB_OK;
    return tb_fail(err, TB_EMODEL,
                   "%s has %zu merges, too few for a vocabulary of %zu words: is its end missing?",
                   merges->name, n_merges, n_words);
}

tb_status tb_bpe_read(const tb_bpe_file *files, size_t n, tb_bpe **out, tb_err *err)
{
    const tb_bpe_file *of[N_FILES] = {0};
    tb_json *words = NULL, *added = NULL;
    vocab v = {0};
    tb_bpe *bpe = tb_alloc(sizeof *bpe);
    tb_status st = pick(files, n, of, err);
    if (!st) st = read_object(of[VOCAB], &words, err);
    if (!st) st = read_object(of[ADDED], &added, err);
    if (!st) st = read_vocab(&v, words, added, err);
    if (!st) st = read_bytes(bpe, &v, err);
    if (!st) st = read_merges(bpe, &v, of[MERGES], err);
    if (!st) st = check_whole(bpe, words, of[MERGES], err);
    if (!st) count_members(words, &bpe->size);
    if (!st) st = read_added(bpe, &v, added, err);
    if (!st && of[CONFIG]) st = read_config(bpe, of[CONFIG], err);
    if (!st) {
        *out = bpe;
        bpe = NULL;
    }
    tb_bpe_close(bpe);
    tb_free(v.slots);
    tb_free(v.by_id);
    tb_json_free(added);
    tb_json_free(words);
    return st;
}

tb_status tb_bpe_open(const char *folder, tb_bpe **out, tb_err *err)
{
    tb_bpe_file files[N_FILES];
    char *data[N_FILES] = {0};
    size_t n = 0;
    tb_status st = TB_OK;
    for (size_t k = 0; !st && k < N_FILES; k++) {
        char *path = tb_path_join(folder, names[k]);
        size_t size = 0;
        st = k == CONFIG && !tb_file_exists(path)
                 ? TB_OK
                 : tb_file_read(path, TB_BPE_MAX_FILE, &data[k], &size, err);
        if (data[k]) files[n++] = (tb_bpe_file){names[k], data[k], size};
        tb_free(path);
    }
    if (!st) st = tb_bpe_read(files, n, out, err);
    for (size_t k = 0; k < N_FILES; k++)
        tb_free(data[k]);
    return st;
}
