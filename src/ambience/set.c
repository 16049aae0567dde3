#include "ambience/bed_priv.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/unicode.h"
#include "base/utf8.h"

#include <dirent.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    FILES_MAX = 256,
    ENTRIES_MAX = TB_RECIPES + FILES_MAX,
    GAINS = 128,                 /* remembered; the oldest goes */
    LOOPS_BYTES_MAX = 128 << 20, /* of decoded files kept while no bed uses them */
};

static const tb_recipe *const recipes[TB_RECIPES] = {
    &tb_recipe_white,  &tb_recipe_pink,  &tb_recipe_brown,  &tb_recipe_room,   &tb_recipe_rain,
    &tb_recipe_wind,   &tb_recipe_ocean, &tb_recipe_forest, &tb_recipe_night,  &tb_recipe_fire,
    &tb_recipe_street, &tb_recipe_train, &tb_recipe_fan,    &tb_recipe_office, &tb_recipe_cafe,
};

/* Other names, in English and Spanish, without accents. A file of that name comes before them. */
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

typedef struct {
    tb_ambience_info info;
    const tb_recipe *recipe;               /* NULL for a file */
    char *id, *title, *description, *path; /* heap, of files */
    tb_loop *loop;                         /* kept, with one reference; under the lock */
} entry;

typedef struct {
    const tb_recipe *recipe;
    uint64_t seed;
    int rate_hz;
    double gain_db;
} gain;

struct tb_ambience_set {
    entry entries[ENTRIES_MAX];
    size_t n;
    pthread_mutex_t lock; /* of the two caches below and of references to loops */
    gain gains[GAINS];
    size_t n_gains; /* ever remembered */
};

/* ---- the listing */

/* "<id>.wav" -> the id in lower case, or NULL when the name is not for us. */
static char *id_of(const char *file)
{
    size_t len = strlen(file);
    if (len < 5 || len - 4 > TB_AMBIENCE_ID_MAX || !tb_str_ieq(file + len - 4, ".wav")) return NULL;
    char *id = tb_strndup(file, len - 4);
    tb_str_lower(id);
    if (strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-_") == len - 4) return id;
    tb_free(id);
    return NULL;
}

static entry *find_entry(tb_ambience_set *set, const char *id)
{
    for (size_t i = 0; i < set->n; i++)
        if (strcmp(set->entries[i].info.id, id) == 0) return &set->entries[i];
    return NULL;
}

/* takes id */
static void add_file(tb_ambience_set *set, char *id, const char *dir, const char *file)
{
    entry *e = find_entry(set, id);
    if (e && e->path) { /* Rain.wav beside rain.wav: the first in order stays */
        tb_log(TB_WARN, "ambience", "file=%s left out: the id %s is taken", file, id);
        tb_free(id);
        return;
    }
    if (!e) {
        e = &set->entries[set->n++];
        e->title = tb_strdup(id);
        for (char *c = e->title; *c; c++)
            if (*c == '-' || *c == '_') *c = ' ';
        if (*e->title >= 'a' && *e->title <= 'z') *e->title = (char)(*e->title - 'a' + 'A');
        e->info.title = e->title;
        e->info.default_difference_lu = 18;
    }
    e->id = id;
    e->path = tb_path_join(dir, file);
    e->description = tb_sprintf("From the file %s.", file);
    e->recipe = NULL;
    e->info.id = id;
    e->info.description = e->description;
    e->info.generator = "file";
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list_files(tb_ambience_set *set, const char *dir)
{
    DIR *d = opendir(dir);
    if (!d) return;
    char *names[FILES_MAX];
    size_t n = 0;
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.' || !tb_str_ends(e->d_name, ".wav")) continue;
        if (n == FILES_MAX) {
            tb_log(TB_WARN, "ambience", "more than %d files; the rest is left out", FILES_MAX);
            break;
        }
        names[n++] = tb_strdup(e->d_name);
    }
    closedir(d);
    qsort(names, n, sizeof *names, by_name);
    for (size_t i = 0; i < n; i++) {
        char *id = id_of(names[i]), *path = tb_path_join(dir, names[i]);
        bool plain = tb_file_plain_size(path) >= 0;
        tb_free(path);
        if (!plain)
            tb_log(TB_WARN, "ambience", "file=%s left out: a link, pipe or folder is no recording",
                   names[i]);
        else if (id)
            add_file(set, id, dir, names[i]);
        else
            tb_log(TB_WARN, "ambience",
                   "file=%s left out: an id is at most %d of a-z, 0-9, \"-\" and \"_\"", names[i],
                   TB_AMBIENCE_ID_MAX);
        if (!plain) tb_free(id);
        tb_free(names[i]);
    }
}

tb_status tb_ambience_open(const char *dir, tb_ambience_set **out, tb_err *err)
{
    tb_ambience_set *set = tb_alloc(sizeof *set);
    if (pthread_mutex_init(&set->lock, NULL) != 0) {
        tb_free(set);
        return tb_fail(err, TB_EINTERNAL, "no lock for the ambience set could be made");
    }
    for (size_t i = 0; i < TB_RECIPES; i++) {
        const tb_recipe *r = recipes[i];
        entry *e = &set->entries[set->n++];
        e->recipe = r;
        e->info =
            (tb_ambience_info){r->id, r->title, r->description, "procedural", r->difference_lu};
    }
    if (dir && *dir) list_files(set, dir);
    *out = set;
    return TB_OK;
}

void tb_ambience_close(tb_ambience_set *set)
{
    if (!set) return;
    for (size_t i = 0; i < set->n; i++) {
        entry *e = &set->entries[i];
        tb_loop_free(e->loop);
        tb_free(e->id);
        tb_free(e->title);
        tb_free(e->description);
        tb_free(e->path);
    }
    pthread_mutex_destroy(&set->lock);
    tb_free(set);
}

size_t tb_ambience_count(const tb_ambience_set *set)
{
    return set->n;
}

const tb_ambience_info *tb_ambience_at(const tb_ambience_set *set, size_t i)
{
    return i < set->n ? &set->entries[i].info : NULL;
}

/* ---- names */

static const entry *lookup(const tb_ambience_set *set, const char *id)
{
    for (size_t i = 0; i < set->n; i++)
        if (strcmp(set->entries[i].info.id, id) == 0) return &set->entries[i];
    return NULL;
}

typedef enum { PICKED, UNKNOWN, TOO_MANY } picked;

static picked add_part(const tb_ambience_set *set, const char *id, bool follow, tb_pick *pick);

/* parts are separated by any character of `between` */
static picked add_parts(const tb_ambience_set *set, const char *name, const char *between,
                        bool follow, tb_pick *pick)
{
    if (strlen(name) >= 256) return UNKNOWN;
    char *text = tb_unicode_bare(name), *rest = *text ? text : NULL;
    picked p = rest ? PICKED : UNKNOWN;
    while (rest && p == PICKED) {
        char *cut = strpbrk(rest, between);
        if (cut) *cut++ = 0;
        p = add_part(set, tb_str_strip(rest), follow, pick);
        rest = cut;
    }
    tb_free(text);
    return p;
}

static picked add_part(const tb_ambience_set *set, const char *id, bool follow, tb_pick *pick)
{
    const entry *e = lookup(set, id);
    for (size_t i = 0; !e && follow && i < sizeof aliases / sizeof *aliases; i++)
        if (strcmp(aliases[i].name, id) == 0)
            return add_parts(set, aliases[i].means, "+", false, pick);
    if (!e) return UNKNOWN;
    tb_source source = {e->recipe, (size_t)(e - set->entries)};
    for (int i = 0; i < pick->n; i++)
        if (pick->source[i].file == source.file) return PICKED; /* the same twice is once */
    if (pick->n == TB_AMBIENCE_SUM_MAX) return TOO_MANY;
    pick->source[pick->n++] = source;
    pick->difference_lu = fmax(pick->difference_lu, e->info.default_difference_lu);
    return PICKED;
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

bool tb_ambience_known(const tb_ambience_set *set, const char *name)
{
    tb_pick pick = {0};
    return free_text(name) || add_parts(set, name, "+", true, &pick) != UNKNOWN;
}

static void add_list(const tb_ambience_set *set, tb_str *out)
{
    for (size_t i = 0; i < set->n; i++)
        tb_str_printf(out, "%s%s", i ? ", " : "", set->entries[i].info.id);
}

tb_status tb_ambience_pick(const tb_ambience_set *set, const char *name, tb_pick *out, tb_err *err)
{
    tb_pick pick = {0};
    const char *text = free_text(name);
    picked p = add_parts(set, text ? text : name, "+", true, &pick);
    if (p == UNKNOWN) { /* a blank may be a plus that a form has decoded */
        pick = (tb_pick){0};
        p = add_parts(set, text ? text : name, "+ ", true, &pick);
    }
    if (p == PICKED) {
        *out = pick;
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

tb_status tb_ambience_find(const tb_ambience_set *set, const char *name,
                           double *default_difference_lu, tb_err *err)
{
    tb_pick pick = {0};
    tb_status st = tb_ambience_pick(set, name, &pick, err);
    if (st == TB_OK && default_difference_lu) *default_difference_lu = pick.difference_lu;
    return st;
}

/* ---- what is remembered */

tb_status tb_ambience_gain(tb_ambience_set *set, const tb_recipe *recipe, uint64_t seed,
                           int rate_hz, double *gain_db, tb_err *err)
{
    bool found = false;
    pthread_mutex_lock(&set->lock);
    for (size_t i = 0; i < GAINS && i < set->n_gains && !found; i++) {
        const gain *g = &set->gains[i];
        found = g->recipe == recipe && g->seed == seed && g->rate_hz == rate_hz;
        if (found) *gain_db = g->gain_db;
    }
    pthread_mutex_unlock(&set->lock);
    if (found) return TB_OK;
    /* Measured outside the lock: two threads may do it twice, with the same result. */
    tb_status st = tb_part_measure(recipe, seed, rate_hz, gain_db, err);
    if (st != TB_OK) return st;
    pthread_mutex_lock(&set->lock);
    set->gains[set->n_gains++ % GAINS] = (gain){recipe, seed, rate_hz, *gain_db};
    pthread_mutex_unlock(&set->lock);
    return TB_OK;
}

static void release(tb_loop *loop)
{
    if (loop && --loop->refs == 0) tb_loop_free(loop);
}

static bool is_current(const tb_loop *loop, const char *path, int rate_hz)
{
    struct stat info;
    return loop && loop->rate_hz == rate_hz && lstat(path, &info) == 0 &&
           loop->changed_s == (int64_t)info.st_mtime && loop->size == (int64_t)info.st_size;
}

static size_t bytes_of(const tb_loop *loop)
{
    return loop ? loop->len * sizeof *loop->x : 0;
}

tb_status tb_ambience_loop(tb_ambience_set *set, size_t file, int rate_hz, tb_loop **out,
                           tb_err *err)
{
    entry *e = &set->entries[file];
    pthread_mutex_lock(&set->lock);
    tb_loop *loop = is_current(e->loop, e->path, rate_hz) ? e->loop : NULL;
    if (loop) loop->refs++;
    pthread_mutex_unlock(&set->lock);
    if (loop) {
        *out = loop;
        return TB_OK;
    }
    tb_err why = {0};
    tb_status st = tb_loop_load(e->path, rate_hz, &loop, &why);
    if (st != TB_OK)
        return tb_fail_field(err, st == TB_ENOMEM ? st : TB_EINTERNAL, "ambience_id",
                             "the ambience file %s.wav of this server cannot be used: %s", e->id,
                             why.msg);
    loop->refs = 2; /* the caller's and the set's */
    pthread_mutex_lock(&set->lock);
    release(e->loop);
    e->loop = loop;
    size_t kept = 0;
    for (size_t i = 0; i < set->n; i++)
        kept += bytes_of(set->entries[i].loop);
    for (size_t i = 0; i < set->n && kept > LOOPS_BYTES_MAX; i++) {
        if (i == file) continue;
        kept -= bytes_of(set->entries[i].loop);
        release(set->entries[i].loop);
        set->entries[i].loop = NULL;
    }
    pthread_mutex_unlock(&set->lock);
    *out = loop;
    return TB_OK;
}

void tb_ambience_loop_done(tb_ambience_set *set, tb_loop *loop)
{
    pthread_mutex_lock(&set->lock);
    release(loop);
    pthread_mutex_unlock(&set->lock);
}
