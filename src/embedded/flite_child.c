#include "base/confine.h"
#include "embedded/speak.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The American English base speakers in a process of their own, because flite uses rand(), keeps
 * state between calls, and parses untrusted text with old code. */

#ifdef TB_HAVE_FLITE
#include <flite/flite.h>

/* Debian ships no header for the voices. */
cst_voice *register_cmu_us_slt(const char *path);
cst_voice *register_cmu_us_rms(const char *path);

enum { TEXT_MAX = 65536 };

bool tb_flite_available(void)
{
    return true;
}

static int put(const void *data, size_t size)
{
    const char *p = data;
    while (size > 0) {
        ssize_t n = write(STDOUT_FILENO, p, size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return 1;
        p += n;
        size -= (size_t)n;
    }
    return 0;
}

/* The voice is loaded before the process enters the sandbox; the untrusted text is read inside it.
 */
int tb_flite_child_main(const char *name)
{
    static char text[TEXT_MAX + 1];
    size_t len = 0;
    ssize_t n;
    flite_init();
    cst_voice *voice = strcmp(name, "slt") == 0   ? register_cmu_us_slt(NULL)
                       : strcmp(name, "rms") == 0 ? register_cmu_us_rms(NULL)
                                                  : NULL;
    if (!voice) {
        fprintf(stderr, "there is no flite voice %s; allowed: slt, rms\n", name);
        return 2;
    }
    if (tb_confine_self(NULL)) {
        fprintf(stderr, "the sandbox cannot be made\n");
        return 3;
    }
    while (len < TEXT_MAX && (n = read(STDIN_FILENO, text + len, TEXT_MAX - len)) != 0) {
        if (n < 0 && errno != EINTR) return 1;
        if (n > 0) len += (size_t)n;
    }
    text[len] = 0;
    srand(1); /* its noise: the same sentence is the same sound */
    cst_wave *wave = flite_text_to_wave(text, voice);
    if (!wave) return 1;
    int32_t rate = wave->sample_rate;
    int bad = put(&rate, sizeof rate);
    if (!bad) bad = put(wave->samples, (size_t)wave->num_samples * sizeof(short));
    _exit(bad); /* without exit handlers, which could not run in the sandbox */
}

#else

bool tb_flite_available(void)
{
    return false;
}

int tb_flite_child_main(const char *name)
{
    fprintf(stderr, "this build has no flite, so no voice %s\n", name);
    return 2;
}

#endif
