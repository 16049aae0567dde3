#ifndef TB_HTTP_REQUEST_PRIV_H
#define TB_HTTP_REQUEST_PRIV_H

#include <microhttpd.h>

/* libmicrohttpd's two callbacks (request.c); self is the tb_http. */
enum MHD_Result tb_request_handle(void *self, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **request);
void tb_request_completed(void *self, struct MHD_Connection *connection, void **request,
                          enum MHD_RequestTerminationCode how);

#endif
