#include "job/output_priv.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

tb_status tb_output_begin(tb_store *store, bool kept, const char *ext, tb_output *out,
                          int *reader_fd, tb_err *err)
{
    tb_status st;
    *out = (tb_output){.unlinked_file.fd = -1};
    int fd = -1;
    if (kept) {
        st = tb_store_clip_begin(store, ext, &out->clip, err);
        if (!st) fd = tb_clip_writer_fd(out->clip);
    } else {
        st = tb_file_begin(&out->unlinked_file, tb_store_data_dir(store), err);
        if (!st) {
            /* Without a name, so that kill -9 leaves nothing behind. */
            unlink(out->unlinked_file.tmp_path);
            fd = out->unlinked_file.fd;
        }
    }
    if (st) return st;
    *reader_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (*reader_fd < 0) {
        st = tb_fail_errno(err, errno, "cannot open the output for reading");
        tb_output_abort(out);
    }
    return st;
}

tb_status tb_output_append(tb_output *o, const void *data, size_t size, tb_err *err)
{
    tb_status st = o->clip ? tb_clip_writer_append(o->clip, data, size, err)
                           : tb_file_append(&o->unlinked_file, data, size, err);
    if (!st) o->size += size;
    return st;
}

tb_status tb_output_rewrite(tb_output *o, uint64_t offset, const void *data, size_t size,
                            tb_err *err)
{
    const char *p = data;
    if (o->clip) return tb_clip_writer_rewrite(o->clip, offset, data, size, err);
    while (size > 0) {
        ssize_t n = pwrite(o->unlinked_file.fd, p, size, (off_t)offset);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return tb_fail_errno(err, errno, "cannot write the output");
        p += n;
        offset += (uint64_t)n;
        size -= (size_t)n;
    }
    return TB_OK;
}

tb_status tb_output_commit(tb_output *o, const tb_clip_row *row, tb_err *err)
{
    if (!o->clip) return TB_OK;
    tb_clip_writer *clip = o->clip;
    o->clip = NULL; /* commit ends it, on failure too */
    return tb_clip_writer_commit(clip, row, err);
}

void tb_output_abort(tb_output *o)
{
    tb_clip_writer_abort(o->clip);
    tb_file_abort(&o->unlinked_file);
    *o = (tb_output){.unlinked_file.fd = -1};
}
