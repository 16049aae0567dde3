#include "client.h"
#include "folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* An update while the server runs: its program is removed, and something else gets the name. What
 * runs goes on with itself, its children for flite and the decoder too. */

static api_server server;
static char folder[] = "/tmp/timbre-replaced-XXXXXX", program[64];

static void copy_program(void)
{
    char block[65536];
    size_t n;
    FILE *from = fopen(TB_TEST_PROGRAM, "r"), *to = fopen(program, "w");
    assert_non_null(from);
    assert_non_null(to);
    while ((n = fread(block, 1, sizeof block, from)) > 0)
        assert_int_equal(fwrite(block, 1, n, to), n);
    fclose(from);
    assert_int_equal(fclose(to), 0);
    assert_int_equal(chmod(program, 0755), 0);
}

static int start(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(program, sizeof program, "%s/timbre", folder);
    copy_program();
    server.program = program;
    api_start(&server, "");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    int code = api_stop(&server);
    test_folder_remove(folder);
    return code == 0 ? 0 : -1;
}

static api_reply speak(const char *text, const char *format)
{
    char form[200];
    snprintf(form, sizeof form, "text=%s&voice_id=default&response_format=%s", text, format);
    api_reply r = api_form(&server, "/generate-tts", form);
    if (r.status != 200) print_message("%d: %.300s\n", r.status, (char *)r.body);
    assert_int_equal(r.status, 200);
    return r;
}

/* flite speaks, and a recording that only the child can decode becomes a voice. */
static void works(const char *text, const char *name)
{
    api_parts parts = {0};
    api_reply spoken = speak(text, "wav"), packed = speak(text, "mp3");
    assert_true(api_wav_seconds(spoken.body, spoken.size) > 1);
    api_part_text(&parts, "name", name);
    api_part_file(&parts, "file", "x.mp3", packed.body, packed.size);
    api_parts_end(&parts);
    api_reply kept = api_multipart(&server, "/voices/upload", &parts);
    if (kept.status / 100 != 2) print_message("%d: %.300s\n", kept.status, (char *)kept.body);
    assert_int_equal(kept.status / 100, 2);
    api_reply_clear(&kept);
    api_reply_clear(&packed);
    api_reply_clear(&spoken);
}

static void write_script(const char *text)
{
    FILE *f = fopen(program, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    chmod(program, 0755);
}

static void a_program_without_a_name_goes_on(void **state)
{
    (void)state;
    assert_int_equal(unlink(program), 0);
    works("The+first+of+them+is+gone+now,+and+another+sentence+follows+it.", "one");
}

static void a_program_whose_name_another_has_goes_on(void **state)
{
    (void)state;
    write_script("#!/bin/sh\nexit 1\n");
    works("The+second+of+them+is+new+now,+and+another+sentence+follows+it.", "two");
    assert_int_equal(unlink(program), 0);
    write_script("half of a prog"); /* as a copy that is under way */
    works("The+third+of+them+is+half+there,+and+another+sentence+follows+it.", "three");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_without_a_name_goes_on),
        cmocka_unit_test(a_program_whose_name_another_has_goes_on),
    };
#ifndef __linux__
    return 0; /* there the children are started by the program's path */
#endif
    unsetenv("TIMBRE_PROGRAM");
    return cmocka_run_group_tests(tests, start, stop);
}
