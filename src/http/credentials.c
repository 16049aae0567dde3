#include "http/route_priv.h"

#include "base/json.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

/*
 * Authentication of a request: by its head, by a signed link or by the login form. What is
 * known from before is judged at once (auth.c); an unknown password is judged by the guard's
 * threads while the connection sleeps, and r->check stands for the verdict.
 */

/* TB_OK with r->check: it waits for the answer. */
static tb_status try_credentials(tb_request *r, const tb_auth_given *given, tb_err *err)
{
    tb_auth_answer answer = tb_auth_look(r->http->auth, &r->peer, given);
    if (answer == TB_AUTH_LATER)
        return tb_auth_wait(r->http->auth, &r->peer, given, tb_request_wake, r, &r->check, err);
    if (answer != TB_AUTH_YES) return tb_fail(err, TB_EAUTH, "Incorrect username or password");
    snprintf(r->user, sizeof r->user, "%.128s", r->http->config->api_username);
    return TB_OK;
}

/* Sleeps until its credentials are judged, or its client leaves. */
bool tb_request_awaits_verdict(tb_request *r)
{
    if (r->check) tb_watch_add(r);
    while (r->check && !tb_auth_decided(r->check))
        if (tb_request_sleep(r)) return true;
    return false;
}

static tb_status take_verdict(tb_request *r, tb_err *err)
{
    tb_status st = tb_auth_verdict(r->check, err);
    tb_watch_remove(r); /* which looks at r->check */
    tb_auth_leave(r->http->auth, r->check);
    r->check = NULL;
    if (!st) snprintf(r->user, sizeof r->user, "%.128s", r->http->config->api_username);
    return st;
}

static void reply_login(tb_request *r)
{
    tb_json *o = tb_json_object();
    tb_json_set_bool(o, "success", true);
    tb_json_set_string(o, "message", "Login successful");
    tb_json_set_string(o, "user", r->http->config->api_username);
    tb_reply_json(r, 200, tb_json_print(o));
    tb_json_free(o);
}

static tb_status start_login(tb_request *r, const char *user, const char *password, tb_err *err)
{
    const tb_auth_given given = {.user = user, .password = password};
    tb_status st = try_credentials(r, &given, err);
    if (!st && !r->check) reply_login(r);
    return st;
}

enum MHD_Result tb_request_await_login(tb_request *r)
{
    tb_err err = {0};
    r->phase = TB_AT_LOGIN;
    if (tb_request_awaits_verdict(r)) return MHD_YES;
    if (take_verdict(r, &err)) return tb_reply_refused(r, &err);
    reply_login(r);
    return tb_reply_send(r);
}

tb_status tb_request_authorise(tb_request *r, tb_err *err)
{
    const tb_config *c = r->http->config;
    if (r->check) return take_verdict(r, err);
    const char *given = tb_request_header(r, "Authorization");
    if (r->route && ((r->route->group == TB_GROUP_HEALTH && c->public_health) ||
                     (r->route->group == TB_GROUP_LISTS && c->public_lists)))
        return TB_OK;
    if (r->route && r->route->group == TB_GROUP_FORM && !given) return TB_OK; /* its handler asks */
    const char *key = tb_request_header(r, "xi-api-key");
    if (!given && !key && tb_link_given(r)) {
        snprintf(r->user, sizeof r->user, "(link)");
        return tb_link_opens(r) ? TB_OK
                                : tb_fail(err, TB_EFORBIDDEN,
                                          "this link is wrong or has expired; ask for a new one");
    }
    const tb_auth_given all = {.authorization = given, .api_key = key};
    return try_credentials(r, &all, err);
}

/* The old client's page sends name and password as a form and nothing else: this route's
 * credentials are in its body. */
static tb_status post_login(tb_request *r, tb_err *err)
{
    const char *user = tb_fields_text(&r->fields, "username");
    const char *password = tb_fields_text(&r->fields, "password");
    if (user && password) return start_login(r, user, password, err);
    if (!*r->user) return tb_fail(err, TB_EAUTH, "Incorrect username or password");
    reply_login(r);
    return TB_OK;
}

/* clang-format off */
const tb_route tb_routes_credentials[] = {
    {"POST",   "/login",                      post_login,            64 * TB_KIB, TB_GROUP_FORM,   TB_DESK_READS,  TB_JSON,  "Check credentials, as the form of the older client does", "username string q,password string q"},
    {0},
};
/* clang-format on */
