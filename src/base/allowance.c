#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/*
 * How much memory this process may have. Each of the limits may be absent, and each is asked where
 * the system tells it: the machine's memory, the address space (ulimit -v), and the memory of the
 * control group that a container or a unit of systemd is. Read once, when bounds are chosen.
 */

/* A file of one number; SIZE_MAX for "max" and for anything else. */
static size_t read_number(const char *path)
{
    char text[40] = "";
    FILE *f = fopen(path, "re");
    if (!f) return SIZE_MAX;
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = 0;
    char *end;
    unsigned long long x = strtoull(text, &end, 10);
    return end == text || x > SIZE_MAX / 2 ? SIZE_MAX : (size_t)x;
}

static size_t of_machine(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (size_t)pages * (size_t)size : SIZE_MAX;
}

/* What is left of the address space. */
static size_t of_address_space(void)
{
    struct rlimit limit;
    size_t used = 0;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return SIZE_MAX;
    size_t pages = read_number("/proc/self/statm");
    if (pages != SIZE_MAX) used = pages * (size_t)sysconf(_SC_PAGESIZE);
    return limit.rlim_cur > used ? (size_t)limit.rlim_cur - used : 0;
}

/* The second version of control groups: "0::/path" leads to the folder; in a container it is "/".
 */
static size_t of_control_group(void)
{
    char line[512], path[640];
    size_t least = read_number("/sys/fs/cgroup/memory.max");
    FILE *f = fopen("/proc/self/cgroup", "re");
    while (f && fgets(line, sizeof line, f)) {
        if (strncmp(line, "0::/", 4) != 0) continue;
        line[strcspn(line, "\n")] = 0;
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.max", line + 3);
        size_t own = read_number(path);
        if (own < least) least = own;
    }
    if (f) fclose(f);
    return least;
}

size_t tb_mem_allowance(void)
{
    size_t least = of_machine();
    size_t others[] = {of_address_space(), of_control_group()};
    for (int i = 0; i < 2; i++)
        if (others[i] < least) least = others[i];
    return least;
}
