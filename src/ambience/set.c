/*
 * Which beds there are: the computed ones, and the .wav files of a folder.
 *
 * The folder is listed once, in order of names, and at most 256 files are taken; a file named as a
 * computed bed takes its place. Links, pipes and names that make no id are left out with a line in
 * the log. The list is constant afterwards; only the caches behind it change (cache.c, under the
 * lock).
 */
#include "ambience/set_priv.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ADDRESS(id) &tb_recipe_##id,
static const tb_recipe *const recipes[TB_RECIPES] = {TB_RECIPE_LIST(ADDRESS)};

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

static tb_entry *find_entry(tb_ambience_set *set, const char *id)
{
    for (size_t i = 0; i < set->n; i++)
        if (strcmp(set->entries[i].info.id, id) == 0) return &set->entries[i];
    return NULL;
}

/* takes id */
static void add_file(tb_ambience_set *set, char *id, const char *dir, const char *file)
{
    tb_entry *e = find_entry(set, id);
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
    char *names[TB_AMBIENCE_FILES];
    size_t n = 0;
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.' || !tb_str_ends(e->d_name, ".wav")) continue;
        if (n == TB_AMBIENCE_FILES) {
            tb_log(TB_WARN, "ambience", "more than %d files; the rest is left out",
                   TB_AMBIENCE_FILES);
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
        tb_entry *e = &set->entries[set->n++];
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
        tb_entry *e = &set->entries[i];
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
