/*
 * An espeak-ng that somebody has taken over, for tools/attack/sandbox.py: named as ESPEAK_PROGRAM
 * it answers questions as the real one did, and when it is to speak it makes one of the attempts of
 * tests/support/attempts.h. Its text is the attempt's number and the server's process id; how it
 * went is its exit code, which the server writes into its log.
 *
 * sandbox.py compiles it with ANSWERS (a header with what espeak-ng says), OWN_FILE and
 * OWN_PROGRAM.
 */
#define _GNU_SOURCE
#include "attempts.h"

#include ANSWERS

enum { REFUSED = 50, ALLOWED = 51, OTHER = 52 };

int main(int argc, char **argv)
{
    int number = -1;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--voices") == 0) return fwrite(voices, 1, sizeof voices, stdout) == 0;
        if (strcmp(argv[i], "--help") == 0) return fwrite(help, 1, sizeof help, stdout) == 0;
        if (strcmp(argv[i], "--version") == 0)
            return fwrite(version, 1, sizeof version, stdout) == 0;
    }
    if (argc == 2 && strcmp(argv[1], "--verdicts") == 0) {
        for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++)
            printf("%s\t%s\n", attempts[i].verdict, attempts[i].name);
        return 0;
    }
    own_file = OWN_FILE;
    own_program = OWN_PROGRAM;
    if (scanf("%d %d", &number, &victim) != 2 || number < 0 ||
        (size_t)number >= sizeof attempts / sizeof *attempts)
        return 1;
    errno = 0;
    if (attempts[number].make() >= 0) _exit(ALLOWED);
    _exit(errno == EPERM || errno == EACCES || errno == ENOSYS || errno == EAGAIN ? REFUSED
                                                                                  : OTHER);
}
