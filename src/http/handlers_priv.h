#ifndef TB_HTTP_HANDLERS_PRIV_H
#define TB_HTTP_HANDLERS_PRIV_H

#include "http/http_priv.h"

/* One function per route of routes.c; thin: fields in, a call of the room that knows, a print out.
 */
tb_status tb_get_root(tb_request *r, tb_err *err);
tb_status tb_get_health(tb_request *r, tb_err *err);
tb_status tb_get_ready(tb_request *r, tb_err *err);
tb_status tb_get_metrics(tb_request *r, tb_err *err);
tb_status tb_get_openapi(tb_request *r, tb_err *err);
tb_status tb_get_docs(tb_request *r, tb_err *err);
tb_status tb_post_login(tb_request *r, tb_err *err);
tb_status tb_do_demo(tb_request *r, tb_err *err);
tb_status tb_post_generate(tb_request *r, tb_err *err);
tb_status tb_get_job(tb_request *r, tb_err *err);
tb_status tb_delete_job(tb_request *r, tb_err *err);
tb_status tb_post_voice(tb_request *r, tb_err *err);
tb_status tb_get_voices(tb_request *r, tb_err *err);
tb_status tb_get_voices_list(tb_request *r, tb_err *err);
tb_status tb_get_voice(tb_request *r, tb_err *err);
tb_status tb_get_voice_audio(tb_request *r, tb_err *err);
tb_status tb_put_voice(tb_request *r, tb_err *err);
tb_status tb_delete_voice(tb_request *r, tb_err *err);
tb_status tb_get_history(tb_request *r, tb_err *err);
tb_status tb_get_clip(tb_request *r, tb_err *err);
tb_status tb_delete_history(tb_request *r, tb_err *err);
tb_status tb_delete_clip(tb_request *r, tb_err *err);
tb_status tb_post_replay(tb_request *r, tb_err *err);
tb_status tb_get_download(tb_request *r, tb_err *err);
tb_status tb_post_download_link(tb_request *r, tb_err *err);
tb_status tb_post_voice_link(tb_request *r, tb_err *err);
tb_status tb_get_pronunciations(tb_request *r, tb_err *err);
tb_status tb_post_pronunciation(tb_request *r, tb_err *err);
tb_status tb_put_pronunciations(tb_request *r, tb_err *err);
tb_status tb_delete_pronunciations(tb_request *r, tb_err *err);
tb_status tb_get_ambiences(tb_request *r, tb_err *err);
tb_status tb_get_preview(tb_request *r, tb_err *err);
tb_status tb_get_languages(tb_request *r, tb_err *err);
tb_status tb_get_tags(tb_request *r, tb_err *err);

#endif
