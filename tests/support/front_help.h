/* What the front makes of a text before numbers become words, for tests. */
#ifndef TB_TESTS_FRONT_HELP_H
#define TB_TESTS_FRONT_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "text/front_priv.h"

#include <string.h>

static int front_bed(void *self, const char *name)
{
    (void)self;
    return (tb_str_ieq(name, "rain") || tb_str_ieq(name, "my_bed") ||
            tb_str_starts(name, "ambience:"))
               ? 0
               : -1;
}

static const tb_script_opts front_script = {.find_bed = front_bed, .text_max = 1000000};

static inline char *front(const char *text, const char *language)
{
    const tb_front_opts opts = {.language = language, .script = &front_script};
    tb_err err = {0};
    char *out = NULL;
    if (tb_front_steps(text, strlen(text), &opts, false, &out, NULL, &err))
        fail_msg("%s: %s", text, err.msg);
    return out;
}

/* A row of a table: what goes in, what comes out. */
typedef struct {
    const char *text, *want;
} front_case;

static inline void front_cases(const front_case *cases, size_t n, const char *language)
{
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++) {
        char *got = front(cases[i].text, language);
        if (strcmp(got, cases[i].want) != 0) {
            print_error("%s: \"%s\"\n  is   \"%s\"\n  want \"%s\"\n", language, cases[i].text, got,
                        cases[i].want);
            wrong++;
        }
        tb_free(got);
    }
    assert_int_equal(wrong, 0);
}

#define FRONT(language, ...)                                           \
    do {                                                               \
        static const front_case cases_[] = {__VA_ARGS__};              \
        front_cases(cases_, sizeof cases_ / sizeof *cases_, language); \
    } while (0)

#endif
