#include "base/descriptors.h"

#include <fcntl.h>
#include <sys/resource.h>

enum { LIMIT_MOST = 1 << 20, LOOKED_AT = 4096 };

size_t tb_descriptors_limit(size_t wanted)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) != 0) return LIMIT_MOST;
    if (r.rlim_cur < wanted && r.rlim_cur < r.rlim_max) {
        struct rlimit raised = r;
        raised.rlim_cur = r.rlim_max < wanted ? r.rlim_max : (rlim_t)wanted;
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0) r = raised;
    }
    return r.rlim_cur < LIMIT_MOST ? (size_t)r.rlim_cur : LIMIT_MOST;
}

size_t tb_descriptors_used(void)
{
    size_t used = 0;
    for (int fd = 0; fd < LOOKED_AT; fd++) /* they are given out from below */
        used += fcntl(fd, F_GETFD) != -1;
    return used;
}
