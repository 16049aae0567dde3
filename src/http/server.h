#ifndef TB_HTTP_SERVER_H
#define TB_HTTP_SERVER_H

#include "config/config.h"
#include "job/job.h"

/*
 * Sockets to requests and back. Its threads parse, look up and send; they never compute: what takes
 * time is a job, and its connection sleeps until the job has news.
 */
typedef struct tb_http tb_http;

/* listen_fd: a listening socket to use (taken), or -1 to open one for config's host and port.
 * config and service outlive it. */
TB_MUST_CHECK tb_status tb_http_start(const tb_config *config, tb_service *service, int listen_fd,
                                      tb_http **out, tb_err *err);
int tb_http_port(const tb_http *http);
int tb_http_listen_fd(const tb_http *http);
void tb_http_quiesce(tb_http *http); /* no new connections; those that are go on */
/* Call it after tb_service_stop: no job may be waiting. NULL is fine. */
void tb_http_stop(tb_http *http);

#endif
