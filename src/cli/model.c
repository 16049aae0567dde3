/*
 * timbre model convert and timbre model show: makes our single file of published weights, and
 * prints what a file of weights holds.
 *
 * Converting records where the weights came from (repository, commit, sums) when a cache or
 * source.json tells. Showing reads the table of contents only. docs/model/files.md. Relies on
 * model/convert.h and tensor/weights.h.
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "catalogue/catalogue.h"
#include "chatterbox/install.h"
#include "cli/cli_priv.h"
#include "fetch/source.h"
#include "model/convert.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ----------------------------------------------------------------- convert */

/* Progress on a terminal: one line that is written over. */
typedef struct {
    bool terminal;
    int64_t shown_ns;
    char what[64];
} meter;

static void show(void *self, const char *what, uint64_t done, uint64_t total)
{
    meter *m = self;
    const int64_t now = tb_clock_mono_ns();
    const bool ended = done >= total;

    if (!m->terminal || (!ended && now - m->shown_ns < 200000000)) return;
    m->shown_ns = now;
    fprintf(stderr, "\r%-48s %3.0f %%%s", what,
            total ? 100.0 * (double)done / (double)total : 100.0, ended ? "\n" : "");
}

/* Where the files came from: what a download of ours noted beside them, else what a folder of the
 * hub's cache is called: .../models--ResembleAI--chatterbox-turbo/snapshots/<commit>. */
typedef struct {
    char *repository, *revision; /* NULL: not known */
    tb_convert_sum sums[3];
    char texts[3][TB_OID_TEXT];
    size_t n_sums;
} origin;

static void origin_clear(origin *o)
{
    tb_free(o->repository);
    tb_free(o->revision);
}

static void add_sum(origin *o, const tb_json *source, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char *folder = slash ? tb_strndup(path, (size_t)(slash - path)) : tb_strdup(".");
    char *sum = o->texts[o->n_sums];
    uint64_t size;

    if (tb_source_file(source, name, &size, sum) && strlen(sum) == 64 &&
        tb_source_vouches(source, folder, name, sum)) {
        o->sums[o->n_sums] = (tb_convert_sum){.file = name, .sha256 = sum};
        o->n_sums++;
    }
    tb_free(folder);
}

static void origin_from_cache(origin *o, const char *folder)
{
    static const char models[] = "/models--", snapshots[] = "/snapshots/";
    char real[PATH_MAX], *repo, *commit, *dashes;

    if (!realpath(folder, real)) return;
    repo = strstr(real, models);
    commit = repo ? strstr(repo, snapshots) : NULL;
    if (!commit) return;
    *commit = '\0';
    commit += strlen(snapshots);
    commit[strcspn(commit, "/")] = '\0';
    repo += strlen(models);
    dashes = strstr(repo, "--");
    if (!dashes) return;
    o->repository = tb_sprintf("%.*s/%s", (int)(dashes - repo), repo, dashes + 2);
    o->revision = tb_strdup(commit);
}

static void find_origin(origin *o, const char *folder, const tb_model_paths *paths)
{
    tb_json *source = tb_source_read(folder);

    if (source) {
        o->repository = tb_strdup(tb_json_get_string(source, "repository"));
        o->revision = tb_strdup(tb_json_get_string(source, "commit"));
        add_sum(o, source, paths->t3);
        add_sum(o, source, paths->s3gen);
        add_sum(o, source, paths->ve);
    } else {
        origin_from_cache(o, folder);
    }
    tb_json_free(source);
}

static int print_converted(tb_cli *cli, const char *path, const tb_convert *how)
{
    const int64_t size = tb_file_size(path);
    tb_json *o;

    if (!cli->json) {
        printf("%s, %.2f GB\n", path, (double)size / 1e9);
        return TB_EXIT_OK;
    }
    o = tb_json_object();
    tb_json_set_string(o, "file", path);
    tb_json_set_string(o, "type", tb_dtype_name(how->type));
    tb_json_set_int(o, "size", size);
    return tb_cli_print_json(o);
}

int tb_cli_run_model_convert(tb_cli *cli)
{
    const char *type = tb_cli_get(cli, "--type"), *out = tb_cli_get(cli, "--out");
    const tb_model_place place = {.path = cli->args[0],
                                  .base = tb_cli_get(cli, "--base"),
                                  .variant = tb_cli_get(cli, "--variant")};
    meter m = {.terminal = isatty(STDERR_FILENO) != 0};
    tb_convert how = {.progress = show, .self = &m};
    tb_model_type weights = TB_MODEL_Q8_0;
    tb_model_paths paths = {0};
    origin o = {0};
    char *path = NULL;
    tb_err err = {0};
    int code = TB_EXIT_OK;
    tb_status st;

    if (type && !tb_model_type_parse(type, &weights))
        return tb_cli_usage(cli, "--type %s is not one of " TB_MODEL_TYPES(", "), type);
    how.type = tb_model_dtype(weights);
    st = tb_model_find(&place, &paths, &err);
    if (!st) {
        find_origin(&o, place.path, &paths);
        how.repository = o.repository;
        how.revision = o.revision;
        how.sums = o.sums;
        how.n_sums = o.n_sums;
        path = out ? tb_strdup(out)
                   : tb_sprintf("%s/%s-%s.gguf", place.path, tb_catalogue_find(paths.variant)->name,
                                tb_dtype_name(how.type));
        st = tb_model_convert(&place, &how, path, &err);
    }
    code = st ? tb_cli_fail(cli, &err) : print_converted(cli, path, &how);
    origin_clear(&o);
    tb_model_paths_clear(&paths);
    tb_free(path);
    return code;
}

/* -------------------------------------------------------------------- show */

/* A set as it lies on the disk: a GGUF file, a safetensors file, or what a folder would become. */
typedef struct {
    tb_weights *set;
    tb_layout *recipe;
} look;

static void look_clear(look *l)
{
    tb_weights_free(l->set);
    tb_layout_free(l->recipe);
}

static tb_status look_at(tb_cli *cli, look *l, tb_err *err)
{
    const tb_model_place place = {.path = cli->args[0],
                                  .base = tb_cli_get(cli, "--base"),
                                  .variant = tb_cli_get(cli, "--variant")};
    tb_model_paths paths = {0};
    tb_layout_source src = {0};
    tb_status st;

    if (!tb_file_is_dir(place.path))
        return tb_str_ends(place.path, ".gguf") ? tb_gguf_open(place.path, &l->set, err)
                                                : tb_safetensors_open(place.path, &l->set, err);
    st = tb_model_find(&place, &paths, err);
    if (!st) st = tb_model_sources(&paths, &src, err);
    if (!st) st = tb_layout_new(&src, TB_F32, place.path, &l->recipe, err);
    tb_model_paths_clear(&paths);
    return st;
}

static size_t look_count(const look *l)
{
    return l->set ? tb_weights_count(l->set) : tb_layout_count(l->recipe);
}

static const char *look_name(const look *l, size_t i)
{
    return l->set ? tb_weights_name(l->set, i) : tb_layout_name(l->recipe, i);
}

static const tb_tensor *look_tensor(const look *l, size_t i)
{
    return l->set ? tb_weights_at(l->set, i) : tb_layout_tensor(l->recipe, i);
}

/* The name on the other side: the published one of ours, ours of a published one; "" when the same.
 */
static void other_name(const char *name, char out[TB_LAYOUT_NAME])
{
    if (!tb_layout_published_name(name, out) && !tb_layout_our_name(name, out)) out[0] = '\0';
    if (strcmp(name, out) == 0) out[0] = '\0';
}

static tb_json *tensor_json(const look *l, size_t i)
{
    const tb_tensor *t = look_tensor(l, i);
    tb_json *o = tb_json_object(), *shape = tb_json_array();
    char other[TB_LAYOUT_NAME];

    for (unsigned d = 0; d < t->n_dims; d++)
        tb_json_add(shape, tb_json_int((int64_t)t->dim[d]));
    other_name(look_name(l, i), other);
    tb_json_set_string(o, "name", look_name(l, i));
    tb_json_set_string(o, "type", tb_dtype_name(t->type));
    tb_json_set(o, "shape", shape);
    tb_json_set_string(o, "other_name", other[0] ? other : NULL);
    return o;
}

static int show_json(const look *l)
{
    tb_json *o = tb_json_object(), *meta = tb_json_object(), *tensors = tb_json_array();

    for (size_t i = 0; l->set && i < tb_weights_meta_count(l->set); i++) {
        const char *key = tb_weights_meta_key(l->set, i), *text = tb_weights_meta(l->set, key);
        size_t size = 0;

        if (text && strlen(text) <= 256)
            tb_json_set_string(meta, key, text);
        else if (tb_weights_blob(l->set, key, &size))
            tb_json_set_int(meta, key, (int64_t)size);
    }
    for (size_t i = 0; i < look_count(l); i++)
        tb_json_add(tensors, tensor_json(l, i));
    tb_json_set(o, "metadata", meta);
    tb_json_set(o, "tensors", tensors);
    return tb_cli_print_json(o);
}

/* Short, and without what would move a terminal's cursor. */
static bool is_line(const char *text)
{
    size_t n = 0;

    while ((unsigned char)text[n] >= 0x20 && text[n] != 0x7f)
        n++;
    return text[n] == '\0' && n <= 128;
}

static void print_metadata(const tb_weights *w)
{
    for (size_t i = 0; i < tb_weights_meta_count(w); i++) {
        const char *key = tb_weights_meta_key(w, i), *text = tb_weights_meta(w, key);
        size_t size = 0;

        tb_weights_blob(w, key, &size);
        if (text && is_line(text))
            printf("%-42s %s\n", key, text);
        else
            printf("%-42s (%zu bytes)\n", key, size);
    }
}

static void print_totals(const look *l)
{
    size_t count[TB_DTYPE_COUNT] = {0}, bytes[TB_DTYPE_COUNT] = {0}, numbers[TB_DTYPE_COUNT] = {0};

    for (size_t i = 0; i < look_count(l); i++) {
        const tb_tensor *t = look_tensor(l, i);

        count[t->type]++;
        numbers[t->type] += tb_tensor_count(t);
        bytes[t->type] += tb_tensor_bytes(t);
    }
    for (unsigned i = 0; i < TB_DTYPE_COUNT; i++)
        if (count[i])
            printf("%-5s %5zu tensors %8.2f M numbers %9.1f MB\n", tb_dtype_name((tb_dtype)i),
                   count[i], (double)numbers[i] / 1e6, (double)bytes[i] / 1e6);
}

static void print_tensors(const look *l)
{
    for (size_t i = 0; i < look_count(l); i++) {
        char shape[80], other[TB_LAYOUT_NAME];
        const tb_tensor *t = look_tensor(l, i);

        tb_tensor_shape(t, shape);
        other_name(look_name(l, i), other);
        printf("%-62s %-5s %s%s%s\n", look_name(l, i), tb_dtype_name(t->type), shape,
               other[0] ? "  " : "", other);
    }
}

int tb_cli_run_model_show(tb_cli *cli)
{
    look l = {0};
    tb_err err = {0};
    int code = TB_EXIT_OK;

    if (look_at(cli, &l, &err)) {
        code = tb_cli_fail(cli, &err);
    } else if (cli->json) {
        code = show_json(&l);
    } else {
        if (l.set) print_metadata(l.set);
        print_totals(&l);
        if (tb_cli_get(cli, "--tensors")) print_tensors(&l);
    }
    look_clear(&l);
    return code;
}
