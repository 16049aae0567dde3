#ifndef TB_TENSOR_GGUF_PRIV_H
#define TB_TENSOR_GGUF_PRIV_H

#include "tensor/tensor.h"

/* What reader and writer of GGUF share: the numbers of the format. All of it is little endian. */

#define TB_GGUF_MAGIC "GGUF"
enum { TB_GGUF_VERSION = 3 };

typedef enum {
    TB_GGUF_U8,
    TB_GGUF_I8,
    TB_GGUF_U16,
    TB_GGUF_I16,
    TB_GGUF_U32,
    TB_GGUF_I32,
    TB_GGUF_F32,
    TB_GGUF_BOOL,
    TB_GGUF_TEXT,
    TB_GGUF_ARRAY,
    TB_GGUF_U64,
    TB_GGUF_I64,
    TB_GGUF_F64,
    TB_GGUF_VALUE_COUNT
} tb_gguf_value;

/* The number by which GGUF knows a type of tensor; false for one that it lacks (u8). */
bool tb_gguf_type_number(tb_dtype type, uint32_t *out);

#endif
