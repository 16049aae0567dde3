#ifndef TB_TESTS_MEDIA_H
#define TB_TESTS_MEDIA_H

/* Recordings made by the ffmpeg program when the test runs, and what ffprobe says of a file. */
#include "base/child.h"
#include "base/file.h"
#include "base/mem.h"
#include "patience.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Runs a shell line; its output, heap, NULL when it failed. */
static char *media_run(const char *line, const void *input, size_t input_size, size_t *size)
{
    const char *argv[] = {"/bin/sh", "-c", line, NULL};
    tb_child child = {.argv = argv,
                      .input = input,
                      .input_size = input_size,
                      .output_max = 64u << 20,
                      .wall_ms = (int)test_patient(60000),
                      .name = line};
    tb_child_exit how = {0};
    char *out = NULL;
    size_t len = 0;
    if (tb_child_run(&child, NULL, &out, &len, &how, NULL) || how.exit_code != 0) {
        fprintf(stderr, "failed: %s: %s\n", line, how.stderr_text);
        tb_free(out);
        return NULL;
    }
    if (size) *size = len;
    return out;
}

static char media_folder[64];

static const char *media_path(const char *name)
{
    static char path[128];
    if (!media_folder[0]) {
        snprintf(media_folder, sizeof media_folder, "/tmp/tb-media-XXXXXX");
        if (!mkdtemp(media_folder)) abort();
    }
    snprintf(path, sizeof path, "%s/%s", media_folder, name);
    return path;
}

static void media_remove(void)
{
    char line[128];
    snprintf(line, sizeof line, "rm -rf '%s'", media_folder);
    if (media_folder[0]) tb_free(media_run(line, NULL, 0, NULL));
}

#endif
