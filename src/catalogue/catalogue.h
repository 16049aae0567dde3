#ifndef TB_CATALOGUE_CATALOGUE_H
#define TB_CATALOGUE_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The neural models that this program knows: where they are published, as which files, how large,
 * under which licence, what they can do, and the number types that one file is made in. Everything
 * that names a model, a file or a size takes it from here. A new model is a row.
 */

/* Choices as constant text, for tables and sentences: TB_MODEL_TYPES(", "). A test compares them
 * with the tables below. */
#define TB_MODEL_VARIANTS(between) "turbo" between "nano"
#define TB_MODEL_TYPES(between)    "f32" between "f16" between "bf16" between "q8_0" between "q4_0"

typedef struct {
    const char *variant;    /* "turbo": as MODEL_VARIANT calls it */
    const char *name;       /* "chatterbox-turbo": its folder, its one file, and in sentences */
    const char *title;      /* "Chatterbox Turbo" */
    const char *repository; /* on the hub */
    const char *base; /* repository that has the files which this one lacks; NULL: it has all */
    const char *t3;   /* the token model's file; the other files are of all models */
    const char *licence;
    const char *languages; /* codes that it speaks, comma-separated */
    const char *spoken;    /* the same in words, for sentences: "English" */
    double download_gb;    /* of all its files */
} tb_catalogue_model;

enum { TB_CATALOGUE_MODELS = 2 };
/* The first is the default. */
extern const tb_catalogue_model tb_catalogue_models[TB_CATALOGUE_MODELS];

/* NULL for a variant that is none. NULL and "" are the default. */
const tb_catalogue_model *tb_catalogue_find(const char *variant);
/* By "turbo" or "ResembleAI/chatterbox-turbo"; NULL for none of them. */
const tb_catalogue_model *tb_catalogue_named(const char *name);

/* Whether it speaks a language, with or without a region: "en", "en-us". */
bool tb_catalogue_speaks(const tb_catalogue_model *model, const char *code);

/* ---- published files ---- */

#define TB_FILE_S3GEN "s3gen_meanflow.safetensors"
#define TB_FILE_VE    "ve.safetensors"
#define TB_FILE_VOICE "conds.pt"                 /* the built-in voice */
#define TB_FILE_PERTH "perth_net_250000.pth.tar" /* the watermark; published elsewhere */

typedef struct {
    const char *name;
    bool inside; /* goes into the one file as it is: tokenizer and voice */
    bool text;
    bool needed; /* a single file without it could not speak */
} tb_catalogue_file;

/* Besides its t3 a model has all of them. */
enum { TB_CATALOGUE_FILES = 8 };
extern const tb_catalogue_file tb_catalogue_files[TB_CATALOGUE_FILES];

/* The i-th that goes into the one file: texts first. NULL past the last. */
const tb_catalogue_file *tb_catalogue_inside(size_t i);

/* ---- number types of the one file ---- */

/* In the order of TB_MODEL_TYPES, and of tb_dtype. */
typedef enum {
    TB_MODEL_F32,
    TB_MODEL_F16,
    TB_MODEL_BF16,
    TB_MODEL_Q8_0,
    TB_MODEL_Q4_0,
    TB_MODEL_TYPE_COUNT
} tb_model_type;

const char *tb_model_type_name(tb_model_type type);
/* One of TB_MODEL_TYPES; false for other words. */
bool tb_model_type_parse(const char *name, tb_model_type *out);
/* What one file of this type takes of the disk, at most. */
uint64_t tb_model_type_bytes(tb_model_type type);

#endif
