#ifndef TB_BASE_DESCRIPTORS_H
#define TB_BASE_DESCRIPTORS_H

#include <stddef.h>

/* The process's table of open files: everything that is opened, accepted or started needs places.
 */

/* Raises the limit towards `wanted` as far as the system lets a process do so itself; the limit
 * that holds then. */
size_t tb_descriptors_limit(size_t wanted);

/* How many are in use. */
size_t tb_descriptors_used(void);

#endif
