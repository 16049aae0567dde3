#ifndef TB_TESTS_STORE_SQL_H
#define TB_TESTS_STORE_SQL_H

#include "store_help.h"

#include <sqlite3.h>

/* Behind the store's back. */
static inline void sql(const char *folder, const char *text)
{
    sqlite3 *db = NULL;
    char *path = tb_path_join(folder, "timbre.db"), *said = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, text, NULL, NULL, &said) != SQLITE_OK) fail_msg("%s: %s", text, said);
    sqlite3_close(db);
    tb_free(path);
}

#endif
