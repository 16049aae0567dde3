#include "fetch/source.h"

#include "base/file.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { SOURCE_MAX = 64 * 1024 };

static const char source_name[] = "source.json";

tb_json *tb_source_read(const char *folder)
{
    char *path = tb_path_join(folder, source_name), *text = NULL;
    size_t size = 0;
    tb_json *source = NULL;
    if (tb_file_read(path, SOURCE_MAX, &text, &size, NULL) == TB_OK &&
        tb_json_parse(text, size, &source, NULL) != TB_OK)
        source = NULL;
    tb_free(text);
    tb_free(path);
    return source;
}

tb_json *tb_source_new(const char *repo, const char *revision, const char *commit)
{
    tb_json *source = tb_json_object();
    tb_json_set_string(source, "repository", repo);
    tb_json_set_string(source, "revision", revision);
    tb_json_set_string(source, "commit", commit);
    tb_json_set(source, "files", tb_json_object());
    return source;
}

static bool look(const char *folder, const char *name, int64_t *size, int64_t *modified)
{
    struct stat info;
    char *path = tb_path_join(folder, name);
    bool there = stat(path, &info) == 0 && S_ISREG(info.st_mode);
    if (there) {
        *size = (int64_t)info.st_size;
        *modified = (int64_t)info.st_mtime;
    }
    tb_free(path);
    return there;
}

void tb_source_add(tb_json *source, const char *folder, const char *name, const char *repo,
                   const char *commit, const char *oid)
{
    int64_t size = 0, modified = 0;
    tb_json *file = tb_json_object();
    if (look(folder, name, &size, &modified)) {
        tb_json_set_string(file, "repository", repo);
        tb_json_set_string(file, "commit", commit);
        tb_json_set_int(file, "size", size);
        tb_json_set_string(file, "oid", oid);
        tb_json_set_int(file, "modified", modified);
    }
    tb_json_set(tb_json_get(source, "files"), name, file);
}

tb_status tb_source_write(const tb_json *source, const char *folder, tb_err *err)
{
    char *path = tb_path_join(folder, source_name), *text = tb_json_print_pretty(source);
    tb_status st = tb_file_write(path, text, strlen(text), 0644, err);
    tb_free(text);
    tb_free(path);
    return st;
}

bool tb_source_file(const tb_json *source, const char *name, uint64_t *size, char oid[TB_OID_TEXT])
{
    const tb_json *file = source ? tb_json_get(tb_json_get(source, "files"), name) : NULL;
    const tb_json *n = file ? tb_json_get(file, "size") : NULL;
    const char *sum = file ? tb_json_get_string(file, "oid") : NULL;
    if (!n || !tb_json_is_int(n) || tb_json_integer(n) < 0) return false;
    if (!sum || (*sum && !tb_oid_valid(sum))) return false;
    *size = (uint64_t)tb_json_integer(n);
    snprintf(oid, TB_OID_TEXT, "%s", sum);
    return true;
}

bool tb_source_vouches(const tb_json *source, const char *folder, const char *name, const char *oid)
{
    int64_t size, modified;
    uint64_t noted;
    char sum[TB_OID_TEXT];
    if (!tb_source_file(source, name, &noted, sum) || strcmp(sum, oid) != 0) return false;
    if (!look(folder, name, &size, &modified) || (uint64_t)size != noted) return false;
    const tb_json *file = tb_json_get(tb_json_get(source, "files"), name);
    const tb_json *when = tb_json_get(file, "modified");
    return when && tb_json_is_int(when) && tb_json_integer(when) == modified;
}
