#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/store_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Who may do what with the data folder. What people said and sound like is theirs: the folder and
 * the database are for their owner only, also when they were wider before. And when this user may
 * not write there, a sentence says who could, before SQLite says less.
 */

static void user_name(uid_t uid, char *out, size_t size)
{
    char room[2048];
    struct passwd entry, *found = NULL;
    if (getpwuid_r(uid, &entry, room, sizeof room, &found) == 0 && found)
        snprintf(out, size, "%.60s", found->pw_name);
    else
        snprintf(out, size, "%lu", (unsigned long)uid);
}

static tb_status refused(const char *data, const char *path, const char *verb, tb_err *err)
{
    struct stat info;
    char me[64], owner[64];
    int why = errno;
    if (why == EROFS)
        return tb_fail_field(err, TB_EINTERNAL, "DATA",
                             "%.160s cannot be written: it lies on a read-only file system; name "
                             "another folder with DATA or --data",
                             path);
    user_name(geteuid(), me, sizeof me);
    if (stat(path, &info) != 0)
        return tb_fail_field(err, TB_EINTERNAL, "DATA",
                             "%.160s cannot be %s by user %s: %s; name another folder with DATA or "
                             "--data",
                             path, verb, me, strerror(why));
    user_name(info.st_uid, owner, sizeof owner);
    if (info.st_uid == geteuid())
        return tb_fail_field(
            err, TB_EINTERNAL, "DATA",
            "%.160s cannot be %s by user %s, its owner: its mode is %03o; allow it "
            "with: chmod u+rw%s %.160s",
            path, verb, me, (unsigned)info.st_mode & 0777U, S_ISDIR(info.st_mode) ? "x" : "", path);
    return tb_fail_field(err, TB_EINTERNAL, "DATA",
                         "%.120s cannot be %s by user %s: it belongs to user %s; run timbre as %s, "
                         "give the folder to %s (chown -R %s %.120s), or name another one with "
                         "DATA or --data",
                         path, verb, me, owner, owner, me, me, data);
}

/* Absent is fine: it will be made. */
static bool fits(const char *path, int mode)
{
    return faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0 || errno == ENOENT;
}

static tb_status check_file(const char *data, const char *path, tb_err *err)
{
    if (!fits(path, R_OK)) return refused(data, path, "read", err);
    return fits(path, W_OK) ? TB_OK : refused(data, path, "written", err);
}

static tb_status check_folder(const char *data, const char *path, tb_err *err)
{
    if (tb_file_exists(path) && !tb_file_is_dir(path)) return TB_OK; /* another sentence's matter */
    return fits(path, W_OK | X_OK) ? TB_OK : refused(data, path, "written", err);
}

/* "", "-wal" and "-shm" of a database. */
static tb_status check_database(const char *data, const char *db_path, tb_err *err)
{
    static const char *const tails[] = {"", "-wal", "-shm"};
    tb_status st = TB_OK;
    for (size_t i = 0; i < sizeof tails / sizeof tails[0] && !st; i++) {
        char *path = tb_sprintf("%s%s", db_path, tails[i]);
        st = check_file(data, path, err);
        tb_free(path);
    }
    return st;
}

/* Named for a folder and there, but no folder. */
static tb_status check_kind(const char *data, tb_err *err)
{
    struct stat info;
    if (lstat(data, &info) != 0 || tb_file_is_dir(data)) return TB_OK;
    if (S_ISLNK(info.st_mode))
        return tb_fail_field(err, TB_EINTERNAL, "DATA",
                             "%.160s is a link that leads to no folder: is a disk not mounted? "
                             "Mend the link, or name another folder with DATA or --data",
                             data);
    return tb_fail_field(err, TB_EINTERNAL, "DATA",
                         "%.160s is not a folder; name one with DATA or --data", data);
}

tb_status tb_store_access(const tb_store *store, tb_err *err)
{
    const char *const folders[] = {store->data, store->voices, store->clips, store->prompts};
    char *lock = tb_path_join(store->data, "lock");
    tb_status st = check_kind(store->data, err);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0] && !st; i++)
        st = check_folder(store->data, folders[i], err);
    if (!st) st = check_database(store->data, store->db_path, err);
    if (!st) st = check_file(store->data, lock, err);
    tb_free(lock);
    return st;
}

tb_status tb_db_access(const char *db_path, tb_err *err)
{
    const char *slash = strrchr(db_path, '/');
    char *data = slash ? tb_strndup(db_path, (size_t)(slash - db_path)) : tb_strdup(".");
    tb_status st = check_folder(data, data, err);
    if (!st) st = check_database(data, db_path, err);
    tb_free(data);
    return st;
}

/* ---- private ---- */

static void narrow(const char *path, mode_t allowed)
{
    struct stat info;
    if (lstat(path, &info) != 0 || S_ISLNK(info.st_mode) || info.st_uid != geteuid()) return;
    mode_t mode = info.st_mode & 07777;
    if ((mode & ~allowed & 0777) == 0) return;
    if (chmod(path, mode & (allowed | 07000)) == 0)
        tb_log(TB_INFO, "store", "path=\"%.200s\" mode=%03o was=%03o", path,
               (unsigned)(mode & allowed), (unsigned)(mode & 0777));
    else
        tb_log(TB_WARN, "store", "path=\"%.200s\" mode=%03o others_may_read=1", path,
               (unsigned)mode);
}

/* A folder that somebody put other things into as well: a home, the root of a volume. */
static bool has_foreign_files(const char *data)
{
    static const char *const ours[] = {
        "timbre.db",      "timbre.db-wal", "timbre.db-shm", "timbre.db-journal", "lock",
        TB_STORE_RESERVE, "voices",        "clips",         "prompts",           "models",
        "bases",          "ambience",      "lost+found"};
    bool found = false;
    DIR *dir = opendir(data);
    if (!dir) return true;
    for (struct dirent *e; !found && (e = readdir(dir));) {
        found = strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
                !tb_file_is_temporary(e->d_name);
        for (size_t i = 0; found && i < sizeof ours / sizeof ours[0]; i++)
            found = strcmp(e->d_name, ours[i]) != 0;
    }
    closedir(dir);
    return found;
}

void tb_store_make_private(const tb_store *store)
{
    static const char *const tails[] = {"-wal", "-shm"};
    const char *const folders[] = {store->voices, store->clips, store->prompts};
    struct stat info;
    /* Before SQLite makes it by the umask; it gives its other files the mode of this one. Only a
     * new one: to close a file that SQLite has open here would end its locks. */
    int fd = open(store->db_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) close(fd);
    narrow(store->db_path, 0600);
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        char *path = tb_sprintf("%s%s", store->db_path, tails[i]);
        narrow(path, 0600);
        tb_free(path);
    }
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        narrow(folders[i], 0700);
    if (stat(store->data, &info) != 0 || (info.st_mode & 077) == 0) return;
    if (has_foreign_files(store->data))
        tb_log(TB_WARN, "store",
               "folder=\"%.200s\" mode=%03o kept=1 why=\"it holds other things than timbre's\"",
               store->data, (unsigned)info.st_mode & 0777U);
    else
        narrow(store->data, 0700);
}
