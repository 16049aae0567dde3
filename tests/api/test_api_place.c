/*
 * The server behind a reverse proxy: prefixes of paths, absolute targets, signed links.
 */
#include "client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* Where the service stands: under a path, on an address of IPv6, behind targets of proxies; and
 * links that carry a right of their own. */

static api_server server;

static api_reply get_with(const char *path, const char *headers)
{
    return api_call(&server, "GET", path, &(api_extra){.headers = headers});
}

static void holds(api_reply r, const char *what)
{
    if (r.status != 200 || !strstr((char *)r.body, what))
        print_message("%d, without %s: %.400s\n", r.status, what, (char *)r.body);
    assert_int_equal(r.status, 200);
    assert_non_null(strstr((char *)r.body, what));
    api_reply_clear(&r);
}

static int status_of(api_reply r)
{
    int status = r.status;
    api_reply_clear(&r);
    return status;
}

/* All that answers link to, under a base. */
static void links_begin_with(const char *base, const char *headers)
{
    char text[200], path[200];
    api_reply r = api_call(&server, "POST", "/generate-tts",
                           &(api_extra){.headers = headers,
                                        .type = "application/x-www-form-urlencoded",
                                        .body = "text=Hello&voice_id=default",
                                        .size = 27});
    assert_int_equal(r.status, 200);
    char *url = api_header(&r, "X-Download-Url"), *id = api_header(&r, "X-History-Id");
    snprintf(text, sizeof text, "%s/download/gen_", base);
    assert_memory_equal(url, text, strlen(text));
    api_reply_clear(&r);
    snprintf(text, sizeof text, "\"download_url\":\"%s/download/gen_", base);
    holds(get_with("/history", headers), text);
    holds(get_with("/history?limit=1", headers), text);
    snprintf(path, sizeof path, "/history/%s", id);
    holds(get_with(path, headers), text);
    snprintf(text, sizeof text, "\"preview_url\":\"%s/ambiences/rain/preview\"", base);
    holds(get_with("/ambiences", headers), text);
    snprintf(text, sizeof text, "\"preview_url\":\"%s/demo?", base);
    holds(get_with("/voices/list", headers), text);
    snprintf(text, sizeof text, "\"servers\":[{\"url\":\"%s\"}]", *base ? base : "/");
    holds(get_with("/openapi.json", headers), text);
    snprintf(text, sizeof text, "href=%s/openapi.json>", base);
    holds(get_with("/docs", headers), text);
    snprintf(text, sizeof text, "action=%s/demo ", base);
    holds(get_with("/docs/", headers), text);
    r = api_call(&server, "POST", "/generate-tts",
                 &(api_extra){.type = "application/x-www-form-urlencoded",
                              .body = "text=Hello&voice_id=default",
                              .size = 27});
    api_reply_clear(&r);
    r = get_with("/history?limit=1", headers);
    char *link = api_header(&r, "Link");
    snprintf(text, sizeof text, "<%s/history?limit=1&cursor=", base);
    assert_non_null(link);
    assert_memory_equal(link, text, strlen(text));
    free(link);
    api_reply_clear(&r);
    r = get_with("/history?limit=1&q=hello%2B%26%20%23", headers); /* all of it comes back */
    link = api_header(&r, "Link");
    assert_non_null(link);
    assert_non_null(strstr(link, "&q=hello%2B%26%20%23>"));
    free(link);
    api_reply_clear(&r);
    free(url);
    free(id);
}

static void upload_a_voice(void)
{
    api_reply clip = api_speech_clip(&server);
    api_parts parts = {0};
    assert_int_equal(clip.status, 200);
    api_part_text(&parts, "name", "Zo\xC3\xAB B");
    api_part_file(&parts, "file", "a.wav", clip.body, clip.size);
    api_parts_end(&parts);
    assert_int_equal(status_of(api_multipart(&server, "/voices/upload", &parts)), 200);
    api_reply_clear(&clip);
}

static void links_lead_through_the_prefix_of_a_proxy(void **state)
{
    static const char *const none[] = {
        "X-Forwarded-Prefix: //evil.example\r\n", "X-Forwarded-Prefix: evil\r\n",
        "X-Forwarded-Prefix: /a/../b\r\n",        "X-Forwarded-Prefix: /a\"><script>\r\n",
        "X-Forwarded-Prefix: /a%2f\r\n",          "X-Forwarded-Prefix: /\r\n",
        "X-Forwarded-Prefix: https://evil\r\n",   "X-Forwarded-Prefix:\r\n",
    };
    (void)state;
    api_start(&server, "LOG_LEVEL=warn\n");
    upload_a_voice();
    links_begin_with("", NULL);
    links_begin_with("/tts", "X-Forwarded-Prefix: /tts\r\n");
    links_begin_with("/a/b-c", "X-Forwarded-Prefix: /a/b-c/, /inner\r\n");
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        holds(get_with("/openapi.json", none[i]), "\"servers\":[{\"url\":\"/\"}]");
    assert_int_equal(api_stop(&server), 0);
}

static void a_base_path_holds_with_and_without_it(void **state)
{
    (void)state;
    api_start(&server, "LOG_LEVEL=warn\nBASE_PATH=voice/tts/\n");
    upload_a_voice();
    links_begin_with("/voice/tts", NULL);
    links_begin_with("/other", "X-Forwarded-Prefix: /other\r\n");
    assert_int_equal(status_of(api_get(&server, "/voice/tts/voices")), 200);
    assert_int_equal(status_of(api_get(&server, "/voice/tts")), 200);
    assert_int_equal(status_of(api_get(&server, "/voice/tts/")), 200);
    assert_int_equal(status_of(api_get(&server, "/voice/ttsvoices")), 404);
    assert_int_equal(status_of(api_get(&server, "/voices/list")), 200);
    assert_int_equal(api_stop(&server), 0);
    char said[2000];
    assert_int_not_equal(api_start_fails("BASE_PATH=/a//b\n", said, sizeof said), 0);
    assert_non_null(strstr(said, "BASE_PATH"));
}

/* RFC 9112 3.2.2: a server must accept the absolute form, whoever sends it. */
static void a_target_may_be_a_whole_address(void **state)
{
    static const struct {
        const char *target;
        int status;
    } cases[] = {
        {"http://127.0.0.1:8000/health", 200},
        {"HTTP://voice.example.org/health", 200},
        {"https://voice.example.org/ready", 200},
        {"http://voice.example.org", 200},
        {"http://voice.example.org/history?limit=1", 200},
        {"http://voice.example.org/voice/tts/tags", 404},
        {"http://voice.example.org/nowhere", 404},
        {"ftp://voice.example.org/health", 404},
    };
    (void)state;
    api_start(&server, "LOG_LEVEL=warn\n");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int status = status_of(api_get(&server, cases[i].target));
        if (status != cases[i].status) print_message("%s: %d\n", cases[i].target, status);
        assert_int_equal(status, cases[i].status);
    }
    assert_int_equal(api_stop(&server), 0);
}

static bool has_ipv6(void)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0;
    if (fd >= 0) close(fd);
    return ok;
}

static void an_address_of_ipv6_may_have_its_brackets(void **state)
{
    static const char *const hosts[] = {"[::1]", "::1"};
    (void)state;
    if (!has_ipv6()) skip();
    for (size_t i = 0; i < 2; i++) {
        char env[100], got[13] = "";
        snprintf(env, sizeof env, "LOG_LEVEL=warn\nHOST=%s\n", hosts[i]);
        api_start(&server, env);
        struct sockaddr_in6 to = {.sin6_family = AF_INET6,
                                  .sin6_port = htons((uint16_t)server.port),
                                  .sin6_addr = IN6ADDR_LOOPBACK_INIT};
        int fd = socket(AF_INET6, SOCK_STREAM, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
        api_send_text(fd, "GET /health HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n\r\n");
        assert_int_equal(recv(fd, got, 12, MSG_WAITALL), 12);
        assert_string_equal(got, "HTTP/1.1 401");
        close(fd);
        assert_int_equal(api_stop(&server), 0);
    }
}

static char *link_to(const char *path, const char *seconds)
{
    api_reply r = api_form(&server, path, seconds);
    assert_int_equal(r.status, 200);
    char *at = strstr((char *)r.body, "\"url\":\"");
    assert_non_null(at);
    assert_non_null(strstr((char *)r.body, "\"expires_at\":\"20"));
    char *url = strndup(at + 7, strcspn(at + 7, "\""));
    api_reply_clear(&r);
    return url;
}

static int anonymous(const char *method, const char *url, const char *headers)
{
    return status_of(
        api_call(&server, method, url, &(api_extra){.anonymous = true, .headers = headers}));
}

static void a_signed_link_opens_one_file_for_a_while(void **state)
{
    char path[200];
    (void)state;
    api_start(&server, "LOG_LEVEL=warn\nBASE_PATH=/tts\n");
    upload_a_voice();
    char *files[2];
    for (int i = 0; i < 2; i++) {
        api_reply r = api_form(&server, "/generate-tts", "text=Hello+you&voice_id=default");
        char *url = api_header(&r, "X-Download-Url");
        assert_memory_equal(url, "/tts/download/", 14);
        files[i] = strdup(url + 4);
        free(url);
        api_reply_clear(&r);
    }
    snprintf(path, sizeof path, "%s/link", files[0]);
    char *url = link_to(path, "seconds=60");
    assert_memory_equal(url, "/tts/download/", 14);
    api_reply r = api_call(&server, "GET", url, &(api_extra){.anonymous = true});
    assert_int_equal(r.status, 200);
    assert_true(api_wav_seconds(r.body, r.size) > 0.2);
    api_reply_clear(&r);
    assert_int_equal(anonymous("HEAD", url, NULL), 200);
    assert_int_equal(anonymous("GET", url + 4, NULL), 200); /* the proxy took /tts off */
    assert_int_equal(anonymous("GET", url, "Range: bytes=0-9\r\n"), 206);

    /* Not another file, not later, not a letter changed, not what is no file. */
    const char *query = strchr(url, '?');
    snprintf(path, sizeof path, "%s%s", files[1], query);
    assert_int_equal(anonymous("GET", path, NULL), 403);
    snprintf(path, sizeof path, "/history%s", query);
    assert_int_equal(anonymous("GET", path, NULL), 401);
    assert_int_equal(anonymous("DELETE", url, NULL), 401);
    char *forged = strdup(url);
    forged[strlen(forged) - 1] = forged[strlen(forged) - 1] == '0' ? '1' : '0';
    assert_int_equal(anonymous("GET", forged, NULL), 403);
    free(forged);
    forged = strdup(url);
    char *digit = strstr(forged, "expires=") + 8;
    *digit = '9';
    assert_int_equal(anonymous("GET", forged, NULL), 403);
    free(forged);
    snprintf(path, sizeof path, "%s/link", files[1]);
    char *brief = link_to(path, "seconds=1");
    assert_int_equal(anonymous("GET", brief, NULL), 200);
    sleep(3);
    assert_int_equal(anonymous("GET", brief, NULL), 403);
    assert_int_equal(status_of(api_get(&server, brief)), 200); /* credentials count as ever */

    char *voice = link_to("/voices/Zo%C3%AB%20B/audio/link", "");
    assert_memory_equal(voice, "/tts/voices/Zo%C3%AB%20B/audio?expires=", 39);
    assert_int_equal(anonymous("GET", voice, NULL), 200);

    assert_int_equal(anonymous("POST", path, NULL), 401);
    assert_int_equal(status_of(api_form(&server, path, "seconds=0")), 422);
    assert_int_equal(status_of(api_form(&server, path, "seconds=86401")), 422);
    assert_int_equal(status_of(api_form(&server, "/download/gen_x.wav/link", "seconds=5")), 404);
    free(url);
    free(brief);
    free(voice);
    free(files[0]);
    free(files[1]);
    assert_int_equal(api_stop(&server), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_lead_through_the_prefix_of_a_proxy),
        cmocka_unit_test(a_base_path_holds_with_and_without_it),
        cmocka_unit_test(a_target_may_be_a_whole_address),
        cmocka_unit_test(an_address_of_ipv6_may_have_its_brackets),
        cmocka_unit_test(a_signed_link_opens_one_file_for_a_while),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
