#ifndef TB_TESTS_FOLDER_H
#define TB_TESTS_FOLDER_H

/* Removes a test's folder with all that is in it; links are not followed. 0, or -1 with errno. */
int test_folder_remove(const char *path);

#endif
