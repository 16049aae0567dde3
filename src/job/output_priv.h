#ifndef TB_JOB_OUTPUT_PRIV_H
#define TB_JOB_OUTPUT_PRIV_H

#include "store/store.h"

#include <stdint.h>

/* Where a job's bytes go: the clip that history will keep, or an unlinked file of the data folder
 * that is gone with its last reader. One thread writes; readers use their own descriptor. */
typedef struct {
    tb_clip_writer *clip; /* NULL: not kept */
    tb_file_writer unlinked_file;
    uint64_t size;
} tb_output;

TB_MUST_CHECK tb_status tb_output_begin(tb_store *store, bool kept, const char *ext, tb_output *out,
                                        int *reader_fd, tb_err *err); /* reader_fd: the caller's */
TB_MUST_CHECK tb_status tb_output_append(tb_output *o, const void *data, size_t size, tb_err *err);
TB_MUST_CHECK tb_status tb_output_rewrite(tb_output *o, uint64_t offset, const void *data,
                                          size_t size, tb_err *err);
/* row: what the history says of it; unused when it is not kept. */
TB_MUST_CHECK tb_status tb_output_commit(tb_output *o, const tb_clip_row *row, tb_err *err);
void tb_output_abort(tb_output *o); /* also after commit */

#endif
