/*
 * Tests of voices of chatterbox-turbo: kept voices speak alike, refusals, damaged parts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chatterbox_help.h"

/* Voices of the neural engine: what is kept of one is used whole or made again. */

static void a_voice_kept_speaks_like_one_just_made(void **state)
{
    (void)state;
    tb_pcm recording = make_recording();
    tb_conds made = {0}, kept = {0};
    tb_t3_prefix *cold, *warm = NULL;
    void *packed = NULL;
    size_t size = 0;
    tb_err err = {0};
    if (tb_chatterbox_condition(chatter, &recording, NULL, &made, &err)) fail_msg("%s", err.msg);
    cold = prefix_of(chatter, &made);
    tb_chatterbox_options how = usual(chatter, cold);
    tb_pcm builtin = say(chatter,
                         &(tb_chatterbox_options){.conds = tb_chatterbox_default(chatter),
                                                  .prefix = prefix,
                                                  .sampler = tb_sampler_defaults,
                                                  .speed = 1,
                                                  .seed = 42},
                         text);
    how.conds = &made;
    tb_pcm first = say(chatter, &how, text);
    assert_false(same(&first, &builtin));

    assert_int_equal(tb_conds_pack(&made, &packed, &size, NULL), TB_OK);
    assert_int_equal(tb_conds_unpack(packed, size, &kept, NULL), TB_OK);
    tb_free(packed);
    size = tb_t3_prefix_packed_size(cold);
    packed = tb_alloc(size);
    tb_t3_prefix_pack(cold, packed);
    assert_int_equal(tb_chatterbox_unpack_prefix(chatter, &kept, packed, size, &warm, NULL), TB_OK);
    how.conds = &kept;
    how.prefix = warm;
    tb_pcm second = say(chatter, &how, text);
    assert_true(same(&first, &second));
    tb_t3_prefix_free(warm);

    /* Of another voice, cut, or empty: refused. */
    warm = NULL;
    kept.n_t3_prompt--;
    assert_int_equal(tb_chatterbox_unpack_prefix(chatter, &kept, packed, size, &warm, NULL),
                     TB_EMODEL);
    kept.n_t3_prompt++;
    assert_int_equal(tb_chatterbox_unpack_prefix(chatter, &kept, packed, size - 1, &warm, NULL),
                     TB_EMODEL);
    assert_int_equal(tb_chatterbox_unpack_prefix(chatter, &kept, packed, 0, &warm, NULL),
                     TB_EMODEL);
    assert_null(warm);
    tb_free(packed);
    tb_pcm_clear(&first);
    tb_pcm_clear(&second);
    tb_pcm_clear(&builtin);
    tb_t3_prefix_free(cold);
    tb_conds_clear(&made);
    tb_conds_clear(&kept);
    tb_pcm_clear(&recording);
}

static void a_short_recording_is_refused_with_a_sentence(void **state)
{
    (void)state;
    tb_pcm recording = make_recording();
    tb_conds made = {0};
    tb_err err = {0};
    recording.len = 3 * (size_t)recording.rate_hz;
    assert_int_equal(tb_chatterbox_condition(chatter, &recording, NULL, &made, &err), TB_EINVAL);
    assert_non_null(strstr(err.msg, "5"));
    assert_null(made.speaker);
    tb_pcm_clear(&recording);
}

static void what_is_kept_of_a_voice_is_whole_or_made_again(void **state)
{
    (void)state;
    tb_engine *e = engine_of(folder);
    tb_pcm recording = make_recording();
    tb_voice *v = NULL, *back = NULL;
    void *data[TB_VOICE_PARTS];
    size_t size[TB_VOICE_PARTS];
    tb_voice_part parts[TB_VOICE_PARTS];
    bool again = true;
    tb_err err = {0};
    char kind[TB_VOICE_KIND], other[TB_VOICE_KIND];

    if (tb_voice_make(tb_engine_model_handle(e), TB_ENGINE_CHATTERBOX, "me", "hash-of-mine",
                      &recording, "file", NULL, &v, &err))
        fail_msg("%s", err.msg);
    for (size_t i = 0; i < TB_VOICE_PARTS; i++) {
        assert_true(tb_voice_kind(tb_engine_model_handle(e), TB_ENGINE_CHATTERBOX, i, kind));
        assert_int_equal(tb_voice_pack(TB_ENGINE_CHATTERBOX, v, i, &data[i], &size[i], &err),
                         TB_OK);
        parts[i] = (tb_voice_part){data[i], size[i]};
    }
    assert_false(
        tb_voice_kind(tb_engine_model_handle(e), TB_ENGINE_CHATTERBOX, TB_VOICE_PARTS, other));
    assert_true(tb_voice_kind(tb_engine_model_handle(e), TB_ENGINE_EMBEDDED, 0, other));
    assert_string_not_equal(kind, other);

    assert_int_equal(tb_voice_unpack(tb_engine_model_handle(e), TB_ENGINE_CHATTERBOX, "me",
                                     "hash-of-mine", parts, NULL, &back, &again, &err),
                     TB_OK);
    assert_false(again);
    tb_voice_free(back);
    /* Under another's name. */
    assert_true(tb_voice_unpack(tb_engine_model_handle(e), TB_ENGINE_CHATTERBOX, "me",
                                "hash-of-hers", parts, NULL, &back, &again, &err) != TB_OK);
    /* The prefix is made again, and comes out the same, whatever happened to it. */
    unsigned char *bytes = data[1];
    for (size_t at = 0; at < size[1]; at += size[1] / 7 + 1) {
        void *remade = NULL;
        size_t n = 0;
        bytes[at] ^= 0x10;
        parts[1].size = at == 0 ? size[1] : size[1] - at % 3;
        assert_int_equal(tb_voice_unpack(tb_engine_model_handle(e), TB_ENGINE_CHATTERBOX, "me",
                                         "hash-of-mine", parts, NULL, &back, &again, &err),
                         TB_OK);
        assert_true(again);
        bytes[at] ^= 0x10;
        assert_int_equal(tb_voice_pack(TB_ENGINE_CHATTERBOX, back, 1, &remade, &n, &err), TB_OK);
        assert_int_equal(n, size[1]);
        assert_memory_equal(remade, data[1], n);
        tb_free(remade);
        tb_voice_free(back);
    }
    parts[1].size = size[1] / 2;
    assert_int_equal(tb_voice_unpack(tb_engine_model_handle(e), TB_ENGINE_CHATTERBOX, "me",
                                     "hash-of-mine", parts, NULL, &back, &again, &err),
                     TB_OK);
    assert_true(again);
    tb_voice_free(back);
    /* The first part decides: without it all of the voice is made again. */
    bytes = data[0];
    for (size_t at = 0; at < size[0]; at += size[0] / 11 + 1) {
        bytes[at] ^= 1;
        assert_true(tb_voice_unpack(tb_engine_model_handle(e), TB_ENGINE_CHATTERBOX, "me",
                                    "hash-of-mine", parts, NULL, &back, &again, &err) != TB_OK);
        bytes[at] ^= 1;
    }
    for (size_t n = 0; n < size[0]; n += size[0] / 5 + 1) {
        parts[0].size = n;
        assert_true(tb_voice_unpack(tb_engine_model_handle(e), TB_ENGINE_CHATTERBOX, "me",
                                    "hash-of-mine", parts, NULL, &back, &again, &err) != TB_OK);
    }
    for (size_t i = 0; i < TB_VOICE_PARTS; i++)
        tb_free(data[i]);
    tb_voice_free(v);
    tb_pcm_clear(&recording);
    tb_engine_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_voice_kept_speaks_like_one_just_made),
        cmocka_unit_test(a_short_recording_is_refused_with_a_sentence),
        cmocka_unit_test(what_is_kept_of_a_voice_is_whole_or_made_again),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
