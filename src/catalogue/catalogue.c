#include "catalogue/catalogue.h"

#include <string.h>

const tb_catalogue_model tb_catalogue_models[TB_CATALOGUE_MODELS] = {
    {.variant = "turbo",
     .name = "chatterbox-turbo",
     .title = "Chatterbox Turbo",
     .repository = "ResembleAI/chatterbox-turbo",
     .t3 = "t3_turbo_v1.safetensors",
     .licence = "mit",
     .languages = "en",
     .spoken = "English",
     .download_gb = 3.0},
    {.variant = "nano",
     .name = "chatterbox-nano",
     .title = "Chatterbox Nano",
     .repository = "ResembleAI/chatterbox-nano",
     .base = "ResembleAI/chatterbox-turbo",
     .t3 = "t3_nano_v1.safetensors",
     .licence = "mit",
     .languages = "en",
     .spoken = "English",
     .download_gb = 1.9},
};

const tb_catalogue_file tb_catalogue_files[TB_CATALOGUE_FILES] = {
    {.name = TB_FILE_S3GEN},
    {.name = TB_FILE_VE},
    {.name = TB_FILE_VOICE, .inside = true},
    {.name = "vocab.json", .inside = true, .text = true, .needed = true},
    {.name = "merges.txt", .inside = true, .text = true, .needed = true},
    {.name = "added_tokens.json", .inside = true, .text = true, .needed = true},
    {.name = "special_tokens_map.json", .text = true},
    {.name = "tokenizer_config.json", .inside = true, .text = true},
};

static const struct {
    const char *name;
    uint64_t bytes;
} types[TB_MODEL_TYPE_COUNT] = {
    [TB_MODEL_F32] = {"f32", UINT64_C(2700) << 20},
    [TB_MODEL_F16] = {"f16", UINT64_C(1400) << 20},
    [TB_MODEL_BF16] = {"bf16", UINT64_C(1400) << 20},
    [TB_MODEL_Q8_0] = {"q8_0", UINT64_C(1100) << 20},
    [TB_MODEL_Q4_0] = {"q4_0", UINT64_C(1100) << 20},
};

const tb_catalogue_model *tb_catalogue_find(const char *variant)
{
    if (!variant || !*variant) return &tb_catalogue_models[0];
    for (size_t i = 0; i < TB_CATALOGUE_MODELS; i++)
        if (strcmp(tb_catalogue_models[i].variant, variant) == 0) return &tb_catalogue_models[i];
    return NULL;
}

const tb_catalogue_model *tb_catalogue_named(const char *name)
{
    for (size_t i = 0; i < TB_CATALOGUE_MODELS; i++)
        if (strcmp(tb_catalogue_models[i].variant, name) == 0 ||
            strcmp(tb_catalogue_models[i].repository, name) == 0)
            return &tb_catalogue_models[i];
    return NULL;
}

bool tb_catalogue_speaks(const tb_catalogue_model *model, const char *code)
{
    for (const char *p = model->languages; *p;) {
        const size_t len = strcspn(p, ",");
        if (strncmp(code, p, len) == 0 && (code[len] == 0 || code[len] == '-')) return true;
        p += len + (p[len] == ',');
    }
    return false;
}

const tb_catalogue_file *tb_catalogue_inside(size_t i)
{
    for (int text = 1; text >= 0; text--)
        for (size_t k = 0; k < TB_CATALOGUE_FILES; k++)
            if (tb_catalogue_files[k].inside && tb_catalogue_files[k].text == text && i-- == 0)
                return &tb_catalogue_files[k];
    return NULL;
}

const char *tb_model_type_name(tb_model_type type)
{
    return types[type].name;
}

bool tb_model_type_parse(const char *name, tb_model_type *out)
{
    for (int t = 0; t < TB_MODEL_TYPE_COUNT; t++)
        if (strcmp(types[t].name, name) == 0) {
            *out = (tb_model_type)t;
            return true;
        }
    return false;
}

uint64_t tb_model_type_bytes(tb_model_type type)
{
    return types[type].bytes;
}
