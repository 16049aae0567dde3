#include "base/mem.h"
#include "voice/recording.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* An upload as the wav that is kept: what fails names the field that it came in. */

static void an_upload_that_is_no_sound_names_its_field(void **state)
{
    static const char *const fields[] = {"file", "audio_prompt"};
    static const struct {
        const char *bytes;
        size_t size;
        tb_status status;
    } uploads[] = {{"", 0, TB_EINVAL},
                   {"this is no sound at all, however long it is", 43, TB_EMEDIA},
                   {"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0", 24, TB_EINVAL}};
    (void)state;
    for (size_t f = 0; f < 2; f++)
        for (size_t u = 0; u < sizeof uploads / sizeof *uploads; u++) {
            void *data = tb_alloc(uploads[u].size + 1);
            uint8_t *wav = NULL;
            size_t size = 0;
            tb_err err = {0};
            memcpy(data, uploads[u].bytes, uploads[u].size);
            assert_int_equal(tb_recording_canon(&data, uploads[u].size, fields[f], NULL, &wav,
                                                &size, &err),
                             uploads[u].status);
            assert_string_equal(err.field, fields[f]);
            assert_null(wav);
            tb_free(data); /* NULL once it was decoded */
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_upload_that_is_no_sound_names_its_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
