/*
 * The table of the model's tensors: for each published name the rule by which it is converted and
 * the group that decides its number type, and the names both ways.
 *
 * A name fits one row or none; what fits none is refused, so a changed release is noticed.
 * docs/model/names.md is generated from this table; docs/model/files.md says why.
 */
#include "model/layout_priv.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define WB "{weight|bias}"
#define BN "{weight|bias|running_mean|running_var}"
#define PW "parametrizations.weight."
/* clang-format off */
static const tb_layout_rule rows[] = {
    { T3, "tfmr.wte.weight",                                     DROP,      TABLE },
    { T3, "tfmr.wpe.weight",                                     KEEP,      TABLE },
    { T3, "tfmr.h.#.{ln_1|ln_2}." WB,                            KEEP,      EXACT },
    { T3, "tfmr.h.#.attn.{c_attn|c_proj}.weight",                TRANSPOSE,      BLOCK },
    { T3, "tfmr.h.#.attn.{c_attn|c_proj}.bias",                  KEEP,      EXACT },
    { T3, "tfmr.h.#.mlp.{c_fc|c_proj}.weight",                   TRANSPOSE,      BLOCK },
    { T3, "tfmr.h.#.mlp.{c_fc|c_proj}.bias",                     KEEP,      EXACT },
    { T3, "tfmr.ln_f." WB,                                       KEEP,      EXACT },
    { T3, "cond_enc.spkr_enc." WB,                               KEEP,      TABLE },
    { T3, "{text_emb|speech_emb}.weight",                        KEEP,      TABLE },
    { T3, "text_head.weight",                                    DROP,      BLOCK },
    { T3, "speech_head." WB,                                     KEEP,      BLOCK },

    { S3GEN, "tokenizer.{_mel_filters|window}",                  KEEP,      EXACT },
    { S3GEN, "tokenizer.encoder.{conv1|conv2}.weight",           CONV,      SIGN },
    { S3GEN, "tokenizer.encoder.{conv1|conv2}.bias",             KEEP,      EXACT },
    { S3GEN, "tokenizer.encoder.blocks.#.attn.{query|key|value|out}." WB, KEEP, SIGN },
    { S3GEN, "tokenizer.encoder.blocks.#.attn.fsmn_block.weight", CONV,     EXACT },
    { S3GEN, "tokenizer.encoder.blocks.#.{attn_ln|mlp_ln}." WB,  KEEP,      EXACT },
    { S3GEN, "tokenizer.encoder.blocks.#.mlp.#." WB,             KEEP,      SIGN },
    { S3GEN, "tokenizer.quantizer._codebook.project_down." WB,   KEEP,      SIGN },

    { S3GEN, "speaker_encoder.*.num_batches_tracked",            DROP,      EXACT },
    { S3GEN, "speaker_encoder.head.{conv1|conv2}.weight",        CONV,      SIGN },
    { S3GEN, "speaker_encoder.head.{bn1|bn2}." BN,               KEEP,      EXACT },
    { S3GEN, "speaker_encoder.head.{layer1|layer2}.#.{conv1|conv2}.weight", CONV, SIGN },
    { S3GEN, "speaker_encoder.head.{layer1|layer2}.#.{bn1|bn2}." BN, KEEP,  EXACT },
    { S3GEN, "speaker_encoder.head.{layer1|layer2}.#.shortcut.0.weight", CONV, SIGN },
    { S3GEN, "speaker_encoder.head.{layer1|layer2}.#.shortcut.1." BN, KEEP, EXACT },
    { S3GEN, "speaker_encoder.xvector.{tdnn|dense}.linear.weight", CONV,    SIGN },
    { S3GEN, "speaker_encoder.xvector.{tdnn|dense}.nonlinear.batchnorm." BN, KEEP, EXACT },
    { S3GEN, "speaker_encoder.xvector.block#.tdnnd#.{nonlinear1|nonlinear2}.batchnorm." BN, KEEP, EXACT },
    { S3GEN, "speaker_encoder.xvector.block#.tdnnd#.linear1.weight", CONV,  SIGN },
    { S3GEN, "speaker_encoder.xvector.block#.tdnnd#.cam_layer.{linear_local|linear1|linear2}.weight", CONV, SIGN },
    { S3GEN, "speaker_encoder.xvector.block#.tdnnd#.cam_layer.{linear1|linear2}.bias", KEEP, EXACT },
    { S3GEN, "speaker_encoder.xvector.transit#.nonlinear.batchnorm." BN, KEEP, EXACT },
    { S3GEN, "speaker_encoder.xvector.transit#.linear.weight",   CONV,      SIGN },
    { S3GEN, "speaker_encoder.xvector.out_nonlinear.batchnorm." BN, KEEP,   EXACT },

    { S3GEN, "flow.input_embedding.weight",                      KEEP,      SOUND },
    { S3GEN, "flow.{spk_embed_affine_layer|encoder_proj}." WB,   KEEP,      SOUND },
    { S3GEN, "flow.encoder.{embed|up_embed}.out.#." WB,          KEEP,      SOUND },
    { S3GEN, "flow.encoder.after_norm." WB,                      KEEP,      EXACT },
    { S3GEN, "flow.encoder.pre_lookahead_layer.{conv1|conv2}.weight", CONV, SOUND },
    { S3GEN, "flow.encoder.pre_lookahead_layer.{conv1|conv2}.bias", KEEP,   EXACT },
    { S3GEN, "flow.encoder.up_layer.conv.weight",                CONV,      SOUND },
    { S3GEN, "flow.encoder.up_layer.conv.bias",                  KEEP,      EXACT },
    { S3GEN, "flow.encoder.{encoders|up_encoders}.#.self_attn.{pos_bias_u|pos_bias_v}", KEEP, EXACT },
    { S3GEN, "flow.encoder.{encoders|up_encoders}.#.self_attn.{linear_q|linear_k|linear_v|linear_out}." WB, KEEP, SOUND },
    { S3GEN, "flow.encoder.{encoders|up_encoders}.#.self_attn.linear_pos.weight", KEEP, SOUND },
    { S3GEN, "flow.encoder.{encoders|up_encoders}.#.feed_forward.{w_1|w_2}." WB, KEEP, SOUND },
    { S3GEN, "flow.encoder.{encoders|up_encoders}.#.{norm_ff|norm_mha}." WB, KEEP, EXACT },
    { S3GEN, "flow.decoder.estimator.time_mlp.{linear_1|linear_2}." WB, KEEP, EXACT },
    { S3GEN, "flow.decoder.estimator.time_embed_mixer.weight",   KEEP,      EXACT },
    { S3GEN, "flow.decoder.estimator.{down_blocks|mid_blocks|up_blocks}.#.#.mlp.#." WB, KEEP, SOUND },
    { S3GEN, "flow.decoder.estimator.{down_blocks|mid_blocks|up_blocks}.#.#.{block1|block2}.block.0.weight", CONV, SOUND },
    { S3GEN, "flow.decoder.estimator.{down_blocks|mid_blocks|up_blocks}.#.#.{block1|block2}.block.0.bias", KEEP, EXACT },
    { S3GEN, "flow.decoder.estimator.{down_blocks|mid_blocks|up_blocks}.#.#.{block1|block2}.block.2." WB, KEEP, EXACT },
    { S3GEN, "flow.decoder.estimator.{down_blocks|mid_blocks|up_blocks}.#.#.res_conv.weight", CONV, SOUND },
    { S3GEN, "flow.decoder.estimator.{down_blocks|mid_blocks|up_blocks}.#.#.res_conv.bias", KEEP, EXACT },
    { S3GEN, "flow.decoder.estimator.{down_blocks|mid_blocks|up_blocks}.#.#.#.{norm1|norm3}." WB, KEEP, EXACT },
    { S3GEN, "flow.decoder.estimator.{down_blocks|mid_blocks|up_blocks}.#.#.#.attn1.{to_q|to_k|to_v}.weight", KEEP, SOUND },
    { S3GEN, "flow.decoder.estimator.{down_blocks|mid_blocks|up_blocks}.#.#.#.attn1.to_out.0." WB, KEEP, SOUND },
    { S3GEN, "flow.decoder.estimator.{down_blocks|mid_blocks|up_blocks}.#.#.#.ff.net.0.proj." WB, KEEP, SOUND },
    { S3GEN, "flow.decoder.estimator.{down_blocks|mid_blocks|up_blocks}.#.#.#.ff.net.2." WB, KEEP, SOUND },
    { S3GEN, "flow.decoder.estimator.{down_blocks|up_blocks}.#.2.weight", CONV, SOUND },
    { S3GEN, "flow.decoder.estimator.{down_blocks|up_blocks}.#.2.bias", KEEP, EXACT },
    { S3GEN, "flow.decoder.estimator.final_block.block.0.weight", CONV,     SOUND },
    { S3GEN, "flow.decoder.estimator.final_block.block.0.bias",  KEEP,      EXACT },
    { S3GEN, "flow.decoder.estimator.final_block.block.2." WB,   KEEP,      EXACT },
    { S3GEN, "flow.decoder.estimator.final_proj.weight",         CONV,      SOUND },
    { S3GEN, "flow.decoder.estimator.final_proj.bias",           KEEP,      EXACT },

    { S3GEN, "mel2wav.m_source.l_linear." WB,                    KEEP,      EXACT },
    { S3GEN, "mel2wav.{conv_pre|conv_post}.bias",                KEEP,      EXACT },
    { S3GEN, "mel2wav.conv_pre." PW "original0",                 NORM_GAIN, EXACT },
    { S3GEN, "mel2wav.conv_pre." PW "original1",                 NORM_CONV, SOUND },
    { S3GEN, "mel2wav.conv_post." PW "original0",                NORM_GAIN, EXACT },
    { S3GEN, "mel2wav.conv_post." PW "original1",                NORM_CONV, EXACT },
    { S3GEN, "mel2wav.ups.#.bias",                               KEEP,      EXACT },
    { S3GEN, "mel2wav.ups.#." PW "original0",                    NORM_GAIN, EXACT },
    { S3GEN, "mel2wav.ups.#." PW "original1",                    NORM_UP,   SOUND },
    { S3GEN, "mel2wav.source_downs.#.weight",                    CONV,      SOUND },
    { S3GEN, "mel2wav.source_downs.#.bias",                      KEEP,      EXACT },
    { S3GEN, "mel2wav.{source_resblocks|resblocks}.#.{convs1|convs2}.#.bias", KEEP, EXACT },
    { S3GEN, "mel2wav.{source_resblocks|resblocks}.#.{convs1|convs2}.#." PW "original0", NORM_GAIN, EXACT },
    { S3GEN, "mel2wav.{source_resblocks|resblocks}.#.{convs1|convs2}.#." PW "original1", NORM_CONV, SOUND },
    { S3GEN, "mel2wav.{source_resblocks|resblocks}.#.{activations1|activations2}.#.alpha", KEEP, EXACT },
    { S3GEN, "mel2wav.f0_predictor.condnet.#.bias",              KEEP,      EXACT },
    { S3GEN, "mel2wav.f0_predictor.condnet.#." PW "original0",   NORM_GAIN, EXACT },
    { S3GEN, "mel2wav.f0_predictor.condnet.#." PW "original1",   NORM_CONV, EXACT },
    { S3GEN, "mel2wav.f0_predictor.classifier." WB,              KEEP,      EXACT },

    { VE, "lstm.{weight_ih|weight_hh|bias_ih|bias_hh}_l#",       KEEP,      SIGN },
    { VE, "proj." WB,                                            KEEP,      SIGN },
    { VE, "{similarity_weight|similarity_bias}",                 KEEP,      EXACT },
};

/* Parts of names, both ways: the readers of the single file's format stop at 63 bytes. The first
 * three stand wherever they occur; ours never occur in a published name, nor the other way round. */
static const struct { const char *published, *ours; } parts[] = {
    { "speaker_encoder.xvector.", "xv." },
    { ".nonlinear",               ".nl" },
    { ".batchnorm.",              ".bn." },
};
/* clang-format on */

static const char ve_prefix[] = "ve.";
static const char norm_part[] = "." PW; /* "<conv>.parametrizations.weight.original1" */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Does name fit the pattern? Words of a brace are tried in turn; at most a few levels deep. */
static bool fits(const char *pattern, const char *name)
{
    for (; *pattern; pattern++) {
        if (*pattern == '#') {
            size_t digits = 0;

            while (is_digit(name[digits]))
                digits++;
            if (digits == 0 || digits > 4 || (name[0] == '0' && digits > 1)) return false;
            name += digits;
        } else if (*pattern == '{') {
            const char *end = strchr(pattern, '}'), *word = pattern + 1;

            assert(end);
            while (word < end) {
                size_t len = strcspn(word, "|}");

                if (strncmp(name, word, len) == 0 && fits(end + 1, name + len)) return true;
                word += len + 1;
            }
            return false;
        } else if (*pattern == '*') {
            const char *rest = pattern + 1;
            size_t len = strlen(name), tail = strlen(rest);

            return len >= tail && fits(rest, name + len - tail); /* no variable part follows a * */
        } else if (*pattern != *name++) {
            return false;
        }
    }
    return *name == '\0';
}

const tb_layout_rule *tb_layout_find(tb_layout_file file, const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].file == file && fits(rows[i].pattern, name)) return &rows[i];
    return NULL;
}

/* Replaces every occurrence of from. False when it does not fit. */
static bool replace(char name[TB_LAYOUT_NAME], const char *from, const char *to)
{
    const size_t from_len = strlen(from), to_len = strlen(to);

    for (char *p = strstr(name, from); p; p = strstr(p + to_len, from)) {
        if (strlen(name) - from_len + to_len >= TB_LAYOUT_NAME) return false;
        memmove(p + to_len, p + from_len, strlen(p + from_len) + 1);
        memcpy(p, to, to_len);
    }
    return true;
}

bool tb_layout_rename(tb_layout_file file, const char *published, char out[TB_LAYOUT_NAME])
{
    const char *prefix = file == VE ? ve_prefix : "";
    char *norm;

    if (snprintf(out, TB_LAYOUT_NAME, "%s%s", prefix, published) >= TB_LAYOUT_NAME) return false;
    norm = strstr(out, norm_part);
    if (norm) memcpy(norm, ".weight", sizeof ".weight");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!replace(out, parts[i].published, parts[i].ours)) return false;
    return true;
}

bool tb_layout_our_name(const char *published, char out[TB_LAYOUT_NAME])
{
    for (tb_layout_file file = T3; file <= VE; file++) {
        const tb_layout_rule *r = tb_layout_find(file, published);

        if (r) return r->rule != DROP && tb_layout_rename(file, published, out);
    }
    return false;
}

bool tb_layout_published_name(const char *ours, char out[TB_LAYOUT_NAME])
{
    const size_t prefix = strlen(ve_prefix);
    const bool ve = strncmp(ours, ve_prefix, prefix) == 0;
    char whole[TB_LAYOUT_NAME + sizeof PW "original1"];
    size_t stem;

    if (snprintf(out, TB_LAYOUT_NAME, "%s", ve ? ours + prefix : ours) >= TB_LAYOUT_NAME)
        return false;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!replace(out, parts[i].ours, parts[i].published)) return false;
    for (tb_layout_file file = T3; file <= VE; file++)
        if ((file == VE) == ve && tb_layout_find(file, out)) return true;
    stem = strlen(out);
    if (stem < strlen(".weight") || strcmp(out + stem - strlen(".weight"), ".weight") != 0)
        return false;
    stem -= strlen("weight");
    snprintf(whole, sizeof whole, "%.*s" PW "original1", (int)stem, out);
    if (ve || !tb_layout_find(S3GEN, whole)) return false;
    return snprintf(out + stem, TB_LAYOUT_NAME - stem, "parametrizations.weight") <
           (int)(TB_LAYOUT_NAME - stem);
}
