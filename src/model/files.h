#ifndef TB_MODEL_FILES_H
#define TB_MODEL_FILES_H

#include "catalogue/catalogue.h"
#include "model/layout.h"

/*
 * A model on the disk: a folder with the published files, or one GGUF file of ours. Either becomes
 * one set of weights (the layout of layout.h) that also carries the tokenizer's files and the
 * built-in voice. docs/model/files.md.
 */
typedef struct {
    const char *path;    /* the folder, or a file that ends in .gguf */
    const char *base;    /* a folder for what path lacks (nano); NULL or "": none */
    const char *variant; /* "turbo" or "nano"; NULL or "": the one that is there */
} tb_model_place;

/* type: what a folder's tensors are converted to; a GGUF file's keep theirs. TB_ENOTFOUND if path
 * does not exist, TB_EMODEL with a message for everything else that is wrong. */
TB_MUST_CHECK tb_status tb_model_files_open(const tb_model_place *place, tb_dtype type,
                                            tb_weights **out, tb_err *err);

/* One of the small files, by its published name ("vocab.json", "conds.pt"): its bytes, not
 * terminated. Lives as long as w. NULL when the model came without it. */
const void *tb_model_file(const tb_weights *w, const char *name, size_t *size);

/* The catalogue entry of the model, from the file name, or from the metadata of a converted file.
 */
const tb_catalogue_model *tb_model_entry(const tb_weights *w);

/* ------------------------------------------------ for conversion to one file */

/* The files of a folder that were chosen: heap paths. */
typedef struct {
    char *t3, *s3gen, *ve;
    const char *variant; /* "turbo" or "nano" */
} tb_model_paths;

/* TB_EMODEL names the first file that is missing, or the choice that the caller has to make. */
TB_MUST_CHECK tb_status tb_model_find(const tb_model_place *place, tb_model_paths *out,
                                      tb_err *err);
void tb_model_paths_clear(tb_model_paths *paths);
TB_MUST_CHECK tb_status tb_model_sources(const tb_model_paths *paths, tb_layout_source *out,
                                         tb_err *err);

enum { TB_MODEL_EXTRA_MAX = 64 << 20, TB_MODEL_KEY = 64 };

/* One of the small files, of those inside (catalogue/catalogue.h). Heap bytes with a NUL behind
 * them; *data stays NULL when there is no such file. TB_EMODEL for a text that is none. */
TB_MUST_CHECK tb_status tb_model_extra_read(const tb_model_place *place, const tb_catalogue_file *x,
                                            char **data, size_t *size, tb_err *err);
/* The metadata key it stands under: "vocab.json" -> "timbre.file.vocab_json". */
void tb_model_key(const char *prefix, const char *name, char out[TB_MODEL_KEY]);

#define TB_MODEL_FILE_PREFIX  "timbre.file."
#define TB_MODEL_ARCHITECTURE "chatterbox-turbo"
#define TB_MODEL_RECIPE_KEY   "timbre.recipe_version"
#define TB_MODEL_VARIANT_KEY  "timbre.variant"

#endif
