#ifndef TB_FETCH_SOURCE_H
#define TB_FETCH_SOURCE_H

#include "base/json.h"
#include "fetch/digest.h"

/*
 * source.json in a model's folder: where its files come from and what each one was when its sum
 * was checked, so that gigabytes are summed once and not at every start.
 *
 * {"repository": ..., "revision": "main", "commit": ..., "files": {"ve.safetensors": {"repository":
 * ..., "commit": ..., "size": ..., "oid": sum as in digest.h, "modified": seconds since 1970}}}
 */

/* NULL when there is none that can be read. */
tb_json *tb_source_read(const char *folder);
tb_json *tb_source_new(const char *repo, const char *revision, const char *commit);
/* Notes a file that lies in folder and was checked against oid ("" when nothing could be). */
void tb_source_add(tb_json *source, const char *folder, const char *name, const char *repo,
                   const char *commit, const char *oid);
TB_MUST_CHECK tb_status tb_source_write(const tb_json *source, const char *folder, tb_err *err);

/* What is noted of a file; false when nothing (usable) is. */
bool tb_source_file(const tb_json *source, const char *name, uint64_t *size, char oid[TB_OID_TEXT]);
/* The file lies there as it did when it was checked against oid. */
bool tb_source_vouches(const tb_json *source, const char *folder, const char *name,
                       const char *oid);

#endif
