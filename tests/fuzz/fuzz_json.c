#include "api/speech_req.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was parsed prints to what parses to the same print. */
static void round_trip(const char *text, size_t size)
{
    tb_json *v = NULL, *again = NULL;
    tb_err err = {0};
    tb_status st = tb_json_parse(text, size, &v, &err);
    if (st) {
        if (v || !err.msg[0]) abort();
        return;
    }
    char *once = tb_json_print(v);
    if (!tb_utf8_valid(once, strlen(once))) abort();
    if (tb_json_parse(once, strlen(once), &again, &err)) abort();
    char *twice = tb_json_print(again);
    if (strcmp(once, twice) != 0) abort();
    tb_free(once);
    tb_free(twice);
    tb_json_free(v);
    tb_json_free(again);
}

/* A wish that is understood can be spoken again. */
static void speak(const char *text, size_t size)
{
    tb_fields fields = {0};
    tb_speech_req req = {0}, again = {0};
    tb_err err = {0};
    if (tb_fields_from_json(text, size, &fields, &err) == TB_OK &&
        tb_speech_req_parse(TB_ROUTE_DEMO, &fields, 1000, &req, &err) == TB_OK) {
        char *params = tb_json_print(req.params);
        if (tb_speech_req_replay(req.text, params, &again, &err)) abort();
        if (again.engine.seed != req.engine.seed || again.engine.speed != req.engine.speed) abort();
        char *params_again = tb_json_print(again.params);
        if (strcmp(params, params_again) != 0) abort();
        tb_free(params);
        tb_free(params_again);
    }
    tb_speech_req_clear(&req);
    tb_speech_req_clear(&again);
    tb_fields_clear(&fields);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + !size);
    if (!text) abort();
    if (size) memcpy(text, data, size);
    round_trip(text, size);
    speak(text, size);
    free(text);
    return 0;
}
