#ifndef TB_TEST_BEDS_H
#define TB_TEST_BEDS_H

#include "ambience/bed_priv.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

#include <math.h>

/* What the tests of beds share. */

enum { RATE = 24000 };

/* clang-format off */
#define BED_ADDRESS(id) &tb_recipe_##id,
static const tb_recipe *const recipes[TB_RECIPES] = {TB_RECIPE_LIST(BED_ADDRESS)};
/* clang-format on */

static inline tb_ambience_set *open_set(const char *dir)
{
    tb_ambience_set *set = NULL;
    tb_err err = {0};
    assert_int_equal(tb_ambience_open(dir, &set, &err), TB_OK);
    return set;
}

static inline tb_status bed_named(tb_ambience_set *set, const char *name, uint64_t seed, int rate,
                                  tb_bed **out, tb_err *err)
{
    tb_ambience which;
    tb_status st = tb_ambience_find(set, name, &which, err);
    return st ? st : tb_bed_new(set, &which, seed, rate, out, err);
}

static inline float *render(tb_ambience_set *set, const char *id, uint64_t seed, int rate, size_t n,
                            size_t block)
{
    tb_bed *bed = NULL;
    tb_err err = {0};
    assert_int_equal(bed_named(set, id, seed, rate, &bed, &err), TB_OK);
    float *x = tb_alloc(n * sizeof *x);
    for (size_t a = 0; a < n; a += block)
        tb_bed_process(bed, x + a, n - a < block ? n - a : block);
    tb_bed_free(bed);
    return x;
}

static inline char *data_file(const char *name, size_t *size)
{
    char *path = tb_sprintf("%s/ambience/%s", TB_TEST_DATA, name), *data = NULL;
    tb_err err = {0};
    assert_int_equal(tb_file_read(path, 4 << 20, &data, size, &err), TB_OK);
    tb_free(path);
    return data;
}

static inline tb_json *data_json(const char *name)
{
    size_t size = 0;
    char *text = data_file(name, &size);
    tb_json *v = NULL;
    tb_err err = {0};
    assert_int_equal(tb_json_parse(text, size, &v, &err), TB_OK);
    tb_free(text);
    return v;
}

static inline void near(double a, double b, double tolerance)
{
    if (fabs(a - b) <= tolerance) return;
    print_error("%.10g is not within %g of %.10g\n", a, tolerance, b);
    fail();
}

#endif
