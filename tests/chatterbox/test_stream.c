/*
 * Tests of streams: length and bytes, joins, cancelling, lengths of chunks by the pace, the pace's
 * file and text.
 */
/* Sentences that are sounded while they are being spoken: pieces that fit together, sizes that
 * follow from the pace, an end when somebody wants it. */

#include "base/cancel.h"
#include "base/file.h"
#include "base/mem.h"
#include "chatterbox/chatterbox.h"
#include "folder.h"
#include "small_model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char home[] = "/tmp/timbre-test-stream-XXXXXX";
static char *folder;
static tb_chatterbox *chatter;
static tb_t3_prefix *prefix;

static int start(void **state)
{
    (void)state;
    tb_err err = {0};
    if (!mkdtemp(home)) return -1;
    folder = tb_path_join(home, "model");
    double never = -1e9; /* it speaks to its bounds */
    small_model(folder, "t3_turbo_v1", &never);
    tb_chatterbox_config config = {.place = {.path = folder}, .type = TB_F32, .threads = 2};
    if (tb_chatterbox_open(&config, &chatter, &err) ||
        tb_chatterbox_prefix(chatter, tb_chatterbox_default(chatter), NULL, &prefix, &err)) {
        print_error("%s\n", err.msg);
        return -1;
    }
    return 0;
}

static int stop(void **state)
{
    (void)state;
    tb_t3_prefix_free(prefix);
    tb_chatterbox_close(chatter);
    tb_free(folder);
    return test_folder_remove(home);
}

typedef struct {
    tb_pcm all;
    size_t joins[64], n;
    tb_cancel *cancel;
    size_t fail_at; /* pieces; 0 never */
} heard;

static tb_status hear(void *self, const tb_pcm *pcm, tb_err *err)
{
    heard *h = self;
    if (++h->n == h->fail_at) return tb_fail(err, TB_ENOSPACE, "the disk is full");
    if (h->cancel) tb_cancel_set(h->cancel);
    h->joins[h->n] = h->all.len;
    assert_true(h->n < 63 && pcm->len > 0);
    return tb_pcm_append(&h->all, pcm->data, pcm->len, err);
}

static tb_chatterbox_options usual(void)
{
    return (tb_chatterbox_options){.conds = tb_chatterbox_default(chatter),
                                   .prefix = prefix,
                                   .sampler = tb_sampler_defaults,
                                   .speed = 1,
                                   .seed = 7};
}

/* Long enough for several pieces. */
static const char text[] =
    "This is a sentence that goes on and on, so that it is heard in more than one piece, and it "
    "does not stop before it has said all that there is to be said about pieces of sentences.";

static heard stream(const tb_chatterbox_options *how, tb_chatterbox_report *said)
{
    heard h = {.all = {.rate_hz = 24000}};
    tb_err err = {0};
    if (tb_chatterbox_stream(chatter, how, text, NULL, hear, &h, said, &err))
        fail_msg("%s", err.msg);
    return h;
}

static void a_stream_is_as_long_as_the_whole_and_the_same_every_time(void **state)
{
    (void)state;
    tb_chatterbox_options how = usual();
    tb_chatterbox_report said, whole_said;
    tb_pcm whole = {0};
    heard a = stream(&how, &said), b = stream(&how, &said);
    assert_int_equal(tb_chatterbox_speak(chatter, &how, text, NULL, &whole, &whole_said, NULL),
                     TB_OK);
    assert_true(said.pieces > 2);
    assert_int_equal(whole_said.pieces, 1);
    assert_true(said.flow_frames > whole_said.flow_frames);
    /* Both run to the same bound; only the whole one is tried again, since nothing of it was heard.
     */
    assert_true(whole_said.retried && !said.retried && said.cut && whole_said.cut);
    assert_int_equal(said.tokens, whole_said.tokens);
    assert_true(a.all.len > 0 && a.all.len % 960 == 0 && whole.len % 960 == 0);
    assert_int_equal(a.all.len, b.all.len);
    assert_memory_equal(a.all.data, b.all.data, a.all.len * sizeof *a.all.data);
    tb_pcm_clear(&a.all);
    tb_pcm_clear(&b.all);
    tb_pcm_clear(&whole);
}

static int by_size(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void joins_are_no_steeper_than_the_rest(void **state)
{
    (void)state;
    tb_chatterbox_options how = usual();
    tb_chatterbox_report said;
    heard h = stream(&how, &said);
    float *steps = tb_alloc(h.all.len * sizeof *steps);
    for (size_t i = 0; i + 1 < h.all.len; i++)
        steps[i] = fabsf(h.all.data[i + 1] - h.all.data[i]);
    qsort(steps, h.all.len - 1, sizeof *steps, by_size);
    float usual_most = steps[(h.all.len - 1) * 999 / 1000];
    for (size_t k = 2; k <= h.n; k++) {
        size_t i = h.joins[k];
        float step = fabsf(h.all.data[i] - h.all.data[i - 1]);
        if (step > usual_most)
            fail_msg("join %zu steps %.3f; of all steps 99.9 %% are below %.3f", k, (double)step,
                     (double)usual_most);
    }
    tb_free(steps);
    tb_pcm_clear(&h.all);
}

static void a_listener_who_leaves_or_fails_ends_it(void **state)
{
    (void)state;
    tb_chatterbox_options how = usual();
    tb_chatterbox_report said;
    tb_cancel cancel = {false};
    heard h = {.all = {.rate_hz = 24000}, .fail_at = 2};
    tb_err err = {0};
    assert_int_equal(tb_chatterbox_stream(chatter, &how, text, NULL, hear, &h, &said, &err),
                     TB_ENOSPACE);
    assert_int_equal(h.n, 2);
    tb_pcm_clear(&h.all);
    h = (heard){.all = {.rate_hz = 24000}, .cancel = &cancel};
    assert_int_equal(tb_chatterbox_stream(chatter, &how, text, &cancel, hear, &h, &said, &err),
                     TB_ECANCELLED);
    assert_int_equal(h.n, 1);
    tb_pcm_clear(&h.all);
}

static void another_speed_comes_in_one_piece(void **state)
{
    (void)state;
    tb_chatterbox_options how = usual();
    tb_chatterbox_report said;
    tb_pcm whole = {0};
    how.speed = 1.5;
    heard h = stream(&how, &said);
    assert_int_equal(h.n, 1);
    assert_int_equal(tb_chatterbox_speak(chatter, &how, text, NULL, &whole, &said, NULL), TB_OK);
    assert_int_equal(h.all.len, whole.len);
    assert_memory_equal(h.all.data, whole.data, whole.len * sizeof *whole.data);
    tb_pcm_clear(&h.all);
    tb_pcm_clear(&whole);
}

/* ---- pace ---- */

/* Every piece is ready before what is out has played, by the pace itself. */
static void at_its_pace_no_piece_comes_late(void **state)
{
    (void)state;
    const tb_pace paces[] = {
        tb_pace_usual,
        {.token_s = 0.01, .flow_s = 0.0003, .vocode_s = 0.0005},
        {.token_s = 0.017, .flow_s = 0.0012, .vocode_s = 0.001},
    };
    for (size_t k = 0; k < 3; k++) {
        const tb_pace *p = &paces[k];
        size_t last = tb_pace_first(p, 250), said = last;
        double ahead = 0, now = tb_pace_cost(p, 250, 0, last), ends = now + 0.04 * (double)last;
        assert_true(last >= 12 && last <= 60);
        while (said < 400) {
            size_t m = tb_pace_next(p, 250, said, last, &ahead);
            now += tb_pace_cost(p, 250, said, m);
            if (now > ends)
                fail_msg("pace %zu: a piece of %zu after %zu comes %.3f s late", k, m, said,
                         now - ends);
            ends += 0.04 * (double)m;
            said += m;
            last = m;
            assert_true(m >= 8 && m <= 150);
        }
    }
}

static void a_slow_machine_gets_long_pieces(void **state)
{
    (void)state;
    const tb_pace slow = {.token_s = 0.2, .flow_s = 0.02, .vocode_s = 0.02};
    double ahead = 0;
    size_t last = tb_pace_first(&slow, 250), said = last, pieces = 1;
    while (said < 600) {
        last = tb_pace_next(&slow, 250, said, last, &ahead);
        said += last;
        pieces++;
        assert_true(last > 0);
    }
    assert_true(pieces < 9);
}

static void a_pace_is_kept_and_nonsense_is_not_believed(void **state)
{
    (void)state;
    char *path = tb_path_join(home, "pace.json");
    tb_pace p = {.token_s = 0.01, .flow_s = 0.002, .vocode_s = 0.003}, q = {0};
    assert_false(tb_pace_read(path, &q));
    assert_int_equal(tb_pace_write(path, &p, NULL), TB_OK);
    assert_true(tb_pace_read(path, &q));
    assert_true(fabs(q.flow_s - 0.002) < 1e-9);
    static const char *const bad[] = {"",
                                      "{",
                                      "[]",
                                      "{\"token_s\":1}",
                                      "{\"token_s\":0,\"flow_s\":1,\"vocode_s\":1}",
                                      "{\"token_s\":1e9,\"flow_s\":1,\"vocode_s\":1}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(tb_file_write(path, bad[i], strlen(bad[i]), 0600, NULL), TB_OK);
        assert_false(tb_pace_read(path, &q));
    }
    assert_int_equal(unlink(path), 0);
    tb_chatterbox_find_pace(chatter, path, NULL); /* measured and kept */
    assert_true(tb_pace_read(path, &q));
    tb_pace now = tb_chatterbox_pace(chatter);
    assert_true(now.token_s > 0 && fabs(now.token_s - q.token_s) < 1e-9);
    tb_free(path);
}

static void a_pace_is_told_in_three_numbers(void **state)
{
    (void)state;
    static const char *const bad[] = {"",       "1",      "1-2",     "1-2-3-4", "1-2-3 ",
                                      "-1-2-3", "1-0-3",  "1-2-x",   "1--2-3",  "+1-2-3",
                                      "1-2-",   " 1-2-3", "1.5-2-3", "1e3-2-3", "123456789-2-3"};
    char told[TB_PACE_TEXT];
    tb_pace p = {.token_s = 0.0123456, .flow_s = 1e-9, .vocode_s = 1e9}, q;
    p = tb_pace_round(&p);
    tb_pace_print(&p, told);
    assert_string_equal(told, "12346-1-99999999");
    assert_true(tb_pace_parse(told, &q));
    assert_memory_equal(&p, &q, sizeof p); /* to the bit: sizes of pieces follow from it */
    tb_pace_print(&tb_pace_usual, told);
    assert_true(tb_pace_parse(told, &q));
    assert_memory_equal(&tb_pace_usual, &q, sizeof q);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(tb_pace_parse(bad[i], &q));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_is_as_long_as_the_whole_and_the_same_every_time),
        cmocka_unit_test(joins_are_no_steeper_than_the_rest),
        cmocka_unit_test(a_listener_who_leaves_or_fails_ends_it),
        cmocka_unit_test(another_speed_comes_in_one_piece),
        cmocka_unit_test(at_its_pace_no_piece_comes_late),
        cmocka_unit_test(a_slow_machine_gets_long_pieces),
        cmocka_unit_test(a_pace_is_told_in_three_numbers),
        cmocka_unit_test(a_pace_is_kept_and_nonsense_is_not_believed),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
