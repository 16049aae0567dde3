#include "tensor/safetensors_write.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { HEADER_ALIGNMENT = 8 };

static const char *type_name(tb_dtype type)
{
    assert(type == TB_F32 || type == TB_I32 || type == TB_U8);
    return type == TB_F32 ? "F32" : type == TB_I32 ? "I32" : "U8";
}

/* What the header says of one tensor whose bytes begin at *end; moves it on. */
static tb_json *describe(const tb_tensor *t, size_t *end)
{
    tb_json *o = tb_json_object(), *shape = tb_json_array(), *offsets = tb_json_array();

    for (unsigned d = 0; d < t->n_dims; d++)
        tb_json_add(shape, tb_json_int((int64_t)t->dim[d]));
    tb_json_add(offsets, tb_json_int((int64_t)*end));
    *end += tb_tensor_bytes(t);
    tb_json_add(offsets, tb_json_int((int64_t)*end));
    tb_json_set_string(o, "dtype", type_name(t->type));
    tb_json_set(o, "shape", shape);
    tb_json_set(o, "data_offsets", offsets);
    return o;
}

/* The order of the data: words, then bytes. */
static bool in_turn(const tb_tensor *t, int pass)
{
    return (t->type == TB_U8) == (pass == 1);
}

static tb_status make_header(const char *const *names, const tb_tensor *tensors, size_t n,
                             char **out, tb_err *err)
{
    tb_json *all = tb_json_object();
    size_t end = 0;
    tb_status st = TB_OK;

    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < n; i++) {
            if (!in_turn(&tensors[i], pass)) continue;
            if (!tb_utf8_valid(names[i], strlen(names[i])) ||
                strcmp(names[i], "__metadata__") == 0 || tb_json_get(all, names[i])) {
                st = tb_fail(err, TB_EINVAL, "no tensor can be called %.100s here", names[i]);
                goto out;
            }
            tb_json_set(all, names[i], describe(&tensors[i], &end));
        }
    *out = tb_json_print(all);
out:
    tb_json_free(all);
    return st;
}

static tb_status append_header(tb_file_writer *w, const char *text, tb_err *err)
{
    const size_t len = strlen(text),
                 padded = (len + HEADER_ALIGNMENT - 1) / HEADER_ALIGNMENT * HEADER_ALIGNMENT;
    unsigned char size[8];

    for (size_t i = 0; i < sizeof size; i++)
        size[i] = (unsigned char)((uint64_t)padded >> 8 * i);
    tb_status st = tb_file_append(w, size, sizeof size, err);
    if (!st) st = tb_file_append(w, text, len, err);
    if (!st) st = tb_file_append(w, "       ", padded - len, err);
    return st;
}

tb_status tb_safetensors_write(const char *path, const char *const *names, const tb_tensor *tensors,
                               size_t n, tb_err *err)
{
    const char *slash = strrchr(path, '/');
    char *folder =
             slash ? tb_strndup(path, slash == path ? 1 : (size_t)(slash - path)) : tb_strdup("."),
         *header = NULL;
    tb_file_writer w = {0};
    tb_status st = make_header(names, tensors, n, &header, err);

    if (!st) st = tb_file_begin(&w, folder, err);
    if (!st && fchmod(w.fd, 0644) != 0)
        st = tb_fail_errno(err, errno, "cannot change %s", w.tmp_path);
    if (!st) st = append_header(&w, header, err);
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; !st && i < n; i++)
            if (in_turn(&tensors[i], pass) && tb_tensor_bytes(&tensors[i]) > 0)
                st = tb_file_append(&w, tensors[i].data, tb_tensor_bytes(&tensors[i]), err);
    if (!st) st = tb_file_commit(&w, path, err);
    tb_file_abort(&w);
    tb_free(header);
    tb_free(folder);
    return st;
}
