#include "http/handlers_priv.h"

/*
 * The table is the server. All routes ask for credentials; `group` says which setting opens a few
 * of them (PUBLIC_HEALTH, PUBLIC_LISTS); TB_GROUP_FILE is opened by a signed link, too. The switch
 * behind it: answered at once, on a thread that holds sockets; only for what waits for nothing,
 * neither database nor disk nor a large body. params: "name type where" with commas between, * for
 * what must be there; where is q (query or form or JSON), f (a file of a form), p (the
 * path). @ stands for the fields of a request for speech (params/params.h), @* for them with a
 * text.
 */
enum { KIB = 1024, MIB = 1024 * 1024 };

/* clang-format off */
const tb_route tb_routes[] = {
    {"GET",    "/",                       tb_get_root,         0,        TB_GROUP_HEALTH, true,  "Is it answering, and which engine speaks", ""},
    {"GET",    "/health",                 tb_get_health,       0,        TB_GROUP_HEALTH, true,  "Liveness", ""},
    {"GET",    "/ready",                  tb_get_ready,        0,        TB_GROUP_HEALTH, true,  "Readiness: 503 while stopping", ""},
    {"GET",    "/metrics",                tb_get_metrics,      0,        TB_GROUP_NONE,   true,  "Prometheus figures", ""},
    {"GET",    "/openapi.json",           tb_get_openapi,      0,        TB_GROUP_NONE,   false, "This description", ""},
    {"GET",    "/docs",                   tb_get_docs,         0,        TB_GROUP_NONE,   false, "This description for people", ""},
    {"POST",   "/login",                  tb_post_login,       64 * KIB, TB_GROUP_FORM,   false, "The old client's form: are these credentials right", "username string q,password string q"},
    {"GET",    "/demo",                   tb_do_demo,          0,        TB_GROUP_NONE,   false, "Speak with the default settings", "@"},
    {"POST",   "/demo",                   tb_do_demo,          -1,       TB_GROUP_NONE,   false, "Speak with the default settings", "@"},
    {"POST",   "/generate-tts",           tb_post_generate,    -1,       TB_GROUP_NONE,   false, "Speak in a voice; kept in the history", "@*"},
    {"GET",    "/jobs/{id}",              tb_get_job,          0,        TB_GROUP_NONE,   false, "What became of a job of yours", "id* string p"},
    {"DELETE", "/jobs/{id}",              tb_delete_job,       0,        TB_GROUP_NONE,   false, "Stop a job of yours", "id* string p"},
    {"POST",   "/voices/upload",          tb_post_voice,       -1,       TB_GROUP_NONE,   false, "Keep a recording as a voice", "name* string q,file* file f,language string q,region string q,gender string q,description string q,model string q,overwrite boolean q"},
    {"GET",    "/voices",                 tb_get_voices,       0,        TB_GROUP_LISTS,  false, "The voices kept", ""},
    {"GET",    "/voices/list",            tb_get_voices_list,  0,        TB_GROUP_LISTS,  false, "The voices kept, with previews", ""},
    {"GET",    "/voices/{id}",            tb_get_voice,        0,        TB_GROUP_LISTS,  false, "One voice", "id* string p"},
    {"PUT",    "/voices/{id}",            tb_put_voice,        64 * KIB, TB_GROUP_NONE,   false, "Rename a voice or change what is noted of it", "id* string p,new_name string q,language string q,region string q,gender string q,description string q,model string q"},
    {"DELETE", "/voices/{id}",            tb_delete_voice,     64 * KIB, TB_GROUP_NONE,   false, "Remove a voice", "id* string p"},
    {"GET",    "/voices/{id}/audio",      tb_get_voice_audio,  0,        TB_GROUP_FILE,   false, "The recording that is kept", "id* string p"},
    {"POST",   "/voices/{id}/audio/link", tb_post_voice_link, 64 * KIB, TB_GROUP_NONE, false, "A link to it that needs no credentials, for a while", "id* string p,seconds integer q"},
    {"GET",    "/history",                tb_get_history,      0,        TB_GROUP_NONE,   false, "What was spoken, newest first", "limit integer q,cursor string q,q string q"},
    {"DELETE", "/history",                tb_delete_history,   1 * MIB,  TB_GROUP_NONE,   false, "Remove entries", "ids string q,delete_all boolean q"},
    {"GET",    "/history/{id}",           tb_get_clip,         0,        TB_GROUP_NONE,   false, "One entry", "id* string p"},
    {"DELETE", "/history/{id}",           tb_delete_clip,      0,        TB_GROUP_NONE,   false, "Remove one entry", "id* string p"},
    {"POST",   "/history/{id}/replay",    tb_post_replay,      64 * KIB, TB_GROUP_NONE,   false, "Speak it again with everything that was stored", "id* string p"},
    {"GET",    "/download/{filename}",    tb_get_download,     0,        TB_GROUP_FILE,   false, "The sound of an entry", "filename* string p"},
    {"POST",   "/download/{filename}/link", tb_post_download_link, 64 * KIB, TB_GROUP_NONE, false, "A link to it that needs no credentials, for a while", "filename* string p,seconds integer q"},
    {"GET",    "/pronunciations",         tb_get_pronunciations, 0,      TB_GROUP_NONE,   false, "How words are said, in every request", ""},
    {"POST",   "/pronunciations",         tb_post_pronunciation, 64 * KIB, TB_GROUP_NONE, false, "Say a word so from now on", "word* string q,say* string q,language string q"},
    {"PUT",    "/pronunciations",         tb_put_pronunciations, 1 * MIB, TB_GROUP_NONE,  false, "Replace all of them", "pronunciations* string q"},
    {"DELETE", "/pronunciations",         tb_delete_pronunciations, 64 * KIB, TB_GROUP_NONE, false, "Forget a word, or all", "word string q,language string q,delete_all boolean q"},
    {"GET",    "/ambiences",              tb_get_ambiences,    0,        TB_GROUP_LISTS,  false, "The beds", ""},
    {"GET",    "/ambiences/{id}/preview", tb_get_preview,      0,        TB_GROUP_NONE,   false, "Six seconds of a bed", "id* string p"},
    {"GET",    "/languages",              tb_get_languages,    0,        TB_GROUP_LISTS,  true,  "The languages that can be spoken", ""},
    {"GET",    "/tags",                   tb_get_tags,         0,        TB_GROUP_LISTS,  true,  "The [tags] a text may hold: tones and sounds", ""},
    {NULL, NULL, NULL, 0, TB_GROUP_NONE, true, NULL, NULL},
};
/* clang-format on */
