#ifndef TB_TENSOR_ZIP_PRIV_H
#define TB_TENSOR_ZIP_PRIV_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Zip archives whose members are stored, not compressed, which is what torch.save writes. The
 * central directory is what counts: local headers may leave sizes open. Nothing is copied but
 * names.
 */
typedef struct {
    char *name; /* UTF-8 */
    const uint8_t *data;
    size_t size; /* bytes */
} tb_zip_member;

typedef struct {
    tb_zip_member *members; /* in the order of their names */
    size_t n;
} tb_zip;

/* data is borrowed for as long as the zip is used. label names it in sentences; what is wrong with
 * it is TB_EMODEL. */
TB_MUST_CHECK tb_status tb_zip_read(const void *data, size_t size, const char *label, tb_zip *out,
                                    tb_err *err);
void tb_zip_clear(tb_zip *zip);
const tb_zip_member *tb_zip_find(const tb_zip *zip, const char *name); /* NULL when absent */

#endif
