#ifndef TB_TENSOR_SAFETENSORS_WRITE_H
#define TB_TENSOR_SAFETENSORS_WRITE_H

#include "tensor/tensor.h"

/*
 * Writing safetensors (the reader is tensor/weights.h's tb_safetensors_open): n tensors of type
 * f32, i32 or u8, with names of UTF-8, each once. The bytes come last, so that every number lies at
 * a multiple of its size. The file is there whole or not at all. TB_EINVAL for a name that cannot
 * be one.
 */
TB_MUST_CHECK tb_status tb_safetensors_write(const char *path, const char *const *names,
                                             const tb_tensor *tensors, size_t n, tb_err *err);

#endif
