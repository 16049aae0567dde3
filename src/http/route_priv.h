#ifndef TB_HTTP_ROUTE_PRIV_H
#define TB_HTTP_ROUTE_PRIV_H

#include "http/http_priv.h"

/*
 * A route is a row of a table and a handler, in one file per subject (routes_*.c). A handler is
 * thin: fields in, a call of the room that knows, a print out.
 *
 * All routes ask for credentials; `group` says which setting opens a few of them (PUBLIC_HEALTH,
 * PUBLIC_LISTS); TB_GROUP_FILE is opened by a signed link, too. params: "name type where" with
 * commas between, * for what must be there; where is q (query or form or JSON), f (a file of a
 * form), p (the path). @ stands for the fields of a request for speech (params/params.h), @* for
 * them with a text.
 */
typedef enum {
    TB_GROUP_NONE,
    TB_GROUP_HEALTH,
    TB_GROUP_LISTS,
    TB_GROUP_FORM,
    TB_GROUP_FILE
} tb_route_group;

/* Where its handler runs. None: on the thread that holds the socket, for what waits for nothing,
 * ever, neither database nor disk nor a large body. Else on threads of their own, where those that
 * change the store before they answer keep nobody from reading. */
typedef enum { TB_DESK_NONE, TB_DESK_READS, TB_DESK_WRITES } tb_route_desk;

/* Answers, or starts a job and leaves the answer to it. */
typedef tb_status (*tb_handler)(tb_request *r, tb_err *err);

struct tb_route {
    const char *method; /* GET (HEAD too), POST, PUT, DELETE */
    const char *path;   /* {x} stands for one segment; NULL ends a table */
    tb_handler handler;
    int64_t body_max; /* 0: no body is read; -1: UPLOAD_MAX */
    tb_route_group group;
    tb_route_desk desk;
    const char *reply; /* the type of a good answer, for the documents */
    const char *summary, *params;
};

#define TB_JSON  "application/json"
#define TB_SOUND "audio/wav"
enum { TB_KIB = 1024, TB_MIB = 1024 * 1024 };

extern const tb_route tb_routes_server[], tb_routes_docs[], tb_routes_credentials[],
    tb_routes_speech[], tb_routes_voices[], tb_routes_history[], tb_routes_pronunciations[],
    tb_routes_lists[];

/* All rows of all tables, in their order. */
size_t tb_route_count(void);
const tb_route *tb_route_at(size_t i); /* NULL behind the last */
/* Sets r->route, r->route_index and r->params. *allow (heap): the methods of its path. */
TB_MUST_CHECK tb_status tb_route_find(tb_request *r, char **allow, tb_err *err);

/* Submits a request for speech, which is taken, as the request's job. */
TB_MUST_CHECK tb_status tb_request_speak(tb_request *r, tb_speech_req *req, tb_err *err);
/* Of a file that is there: a link to base + before + name + after that opens it for a while. */
TB_MUST_CHECK tb_status tb_reply_link(tb_request *r, const char *before, const char *name,
                                      const char *after, tb_err *err);
/* A file to send: whole or one range of it. fd is taken. etag: NULL none. */
TB_MUST_CHECK tb_status tb_reply_file(tb_request *r, int fd, uint64_t size, const char *etag,
                                      const char *type, const char *name, tb_err *err);

#endif
