#ifndef TB_BASE_CONFINE_PRIV_H
#define TB_BASE_CONFINE_PRIV_H

#include <seccomp.h>

/* Adds the rules of each kind of child to a filter whose default is set: KILL_PROCESS,
 * ERRNO(EPERM), ALLOW. 0, or a negative errno. */
int tb_confine_fill_self(scmp_filter_ctx f);
/* With the addresses, of the process that calls execve, of its arguments. */
int tb_confine_fill_program(scmp_filter_ctx f, const void *path, const void *argv, const void *env);
int tb_confine_fill_script(scmp_filter_ctx f);

#endif
