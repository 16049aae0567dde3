/*
 * Where the model is on disk and how it gets there: found as a file or folder, or fetched from the
 * hub, checked, and converted to one file in the data folder. Decides only; fetch/ and
 * model/convert.h do the work.
 */
#include "chatterbox/install.h"

#include "base/file.h"
#include "base/mem.h"
#include "catalogue/catalogue.h"
#include "model/convert.h"

#include <stdio.h>
#include <string.h>

/* The catalogue knows no numbers in memory. */
static const tb_dtype dtypes[TB_MODEL_TYPE_COUNT] = {
    [TB_MODEL_F32] = TB_F32,   [TB_MODEL_F16] = TB_F16,   [TB_MODEL_BF16] = TB_BF16,
    [TB_MODEL_Q8_0] = TB_Q8_0, [TB_MODEL_Q4_0] = TB_Q4_0,
};

tb_dtype tb_model_dtype(tb_model_type type)
{
    return dtypes[type];
}

/* MODEL_VARIANT is checked where it is read; here an unknown one is the default. */
static const tb_catalogue_model *model_of(const tb_model_config *config)
{
    const tb_catalogue_model *m = tb_catalogue_find(config->variant);
    return m ? m : &tb_catalogue_models[0];
}

static char *one_file(const tb_model_config *config)
{
    char *name = tb_sprintf("%s-%s.gguf", model_of(config)->name, tb_model_type_name(config->type));
    char *path = tb_path_join(config->folder, name);
    tb_free(name);
    return path;
}

char *tb_model_installed(const tb_model_config *config)
{
    if (config->path && *config->path) return tb_strdup(config->path);
    if (!config->folder) return NULL;
    char *path = one_file(config);
    if (tb_file_exists(path)) return path;
    tb_free(path);
    return NULL;
}

tb_status tb_model_open(const tb_model_config *config, const char *path, tb_chatterbox **out,
                        tb_err *err)
{
    tb_chatterbox_config c = {.place = {.path = path, .variant = config->variant},
                              .type = tb_model_dtype(config->type),
                              .threads = config->threads};
    char *perth = NULL;
    if (config->perth && *config->perth) {
        if (!tb_file_exists(config->perth))
            return tb_fail_field(err, TB_ENOTFOUND, "PERTH",
                                 "PERTH is '%s', and no such file is there", config->perth);
        c.perth = config->perth;
    } else {
        /* Beside the model: in the folder, or next to the one file. */
        char *folder = tb_strdup(path), *slash = strrchr(folder, '/');
        if (!tb_file_is_dir(path)) {
            if (slash)
                *slash = 0;
            else
                strcpy(folder, ".");
        }
        c.perth = perth = tb_path_join(folder, TB_FILE_PERTH);
        tb_free(folder);
    }
    tb_status st = tb_chatterbox_open(&c, out, err);
    tb_free(perth);
    return st;
}

/* ---- getting it ---- */

typedef struct {
    tb_model_watch watch;
    void *self;
} teller;

static void tell(const teller *t, const tb_model_progress *p)
{
    if (t->watch) t->watch(t->self, p);
}

static void on_fetch(void *self, const tb_fetch_progress *f)
{
    tb_model_progress p = {.state = f->state == TB_FETCH_WAITING ? "waiting" : "downloading",
                           .done = f->done,
                           .total = f->total,
                           .bytes_per_s = f->bytes_per_s};
    snprintf(p.file, sizeof p.file, "%s", f->file ? f->file : "");
    snprintf(p.note, sizeof p.note, "%s", f->note ? f->note : "");
    tell(self, &p);
}

static void on_convert(void *self, const char *what, uint64_t done, uint64_t total)
{
    tb_model_progress p = {.state = "converting", .done = done, .total = total};
    snprintf(p.note, sizeof p.note, "%s", what);
    tell(self, &p);
}

tb_status tb_model_install(const tb_model_config *config, tb_model_watch watch, void *self,
                           const tb_cancel *cancel, char **path, tb_err *err)
{
    teller t = {watch, self};
    tb_fetch_result got = {0};
    char *made = NULL, *files = NULL, *base = NULL;
    const tb_catalogue_model *m = model_of(config), *base_model = NULL;
    tb_status st;
    files = tb_path_join(config->folder, m->name);
    if (m->base) base_model = tb_catalogue_named(m->base);
    if (base_model) base = tb_path_join(config->folder, base_model->name);
    made = one_file(config);
    tb_fetch_config f = {
        .endpoint = config->endpoint,
        .token = config->token,
        .offline = config->offline,
        .repo = m->repository,
        .base_repo = m->base,
        .revision = config->revision,
        .variant = m->variant,
        .folder = files,
        .base_folder = base && tb_file_is_dir(base) ? base : NULL,
        .cache = config->cache,
        .need_bytes = tb_model_type_bytes(config->type),
    };
    /* What is here already needs no network, not even to look. */
    f.offline = true;
    st = tb_fetch_model(&f, on_fetch, &t, cancel, &got, err);
    if (st && st != TB_ECANCELLED && !config->offline) {
        f.offline = false;
        st = tb_fetch_model(&f, on_fetch, &t, cancel, &got, err);
    }
    if (!st) {
        tb_convert how = {.type = tb_model_dtype(config->type),
                          .repository = f.repo,
                          .revision = *got.commit ? got.commit : NULL,
                          .cancel = cancel,
                          .progress = on_convert,
                          .self = &t};
        st = tb_model_convert(&(tb_model_place){.path = got.folder, .variant = m->variant}, &how,
                              made, err);
    }
    if (!st) {
        *path = made;
        made = NULL;
    }
    tb_fetch_result_clear(&got);
    tb_free(made);
    tb_free(base);
    tb_free(files);
    return st;
}
