/*
 * timbre say: one job through the same service as the server's, then its bytes to a file or stdout.
 *
 * Options become fields and are parsed by api/speech_req.h, so ranges and errors are the API's. A
 * voice may be a file, which is then the audio prompt. Relies on job/job.h.
 */
#include "base/mem.h"
#include "cli/cli_priv.h"
#include "codec/encode.h"
#include "job/job.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static tb_status add(tb_fields *fields, const char *name, const char *value, tb_err *err)
{
    if (!value) return TB_OK;
    return tb_fields_add(fields, name, NULL, tb_strdup(value), strlen(value), err);
}

static tb_status read_stdin(char **text, tb_err *err)
{
    tb_str all;
    char chunk[4096];
    size_t n;
    tb_str_init(&all, 4 << 20);
    while ((n = fread(chunk, 1, sizeof chunk, stdin)) > 0)
        tb_str_add(&all, chunk, n);
    if (all.full) {
        tb_str_clear(&all);
        return tb_fail(err, TB_ETOOBIG, "the text on standard input has more than 4 MiB");
    }
    *text = tb_str_take(&all);
    return TB_OK;
}

/* Names of voices have neither separator nor dot; but "ana.wav" is also the voice ana, as in the
 * API. */
static bool names_a_file(const char *voice)
{
    const char *dot = strrchr(voice, '.');
    if (strchr(voice, '/')) return true;
    return dot && (strcasecmp(dot, ".wav") != 0 || tb_file_exists(voice));
}

static tb_status build(tb_cli *cli, const char *text, tb_speech_req *req, tb_err *err)
{
    static const char *const pairs[][2] = {
        {"--ambience", "ambience_id"},
        {"--ambience-level", "ambience_level"},
        {"--speed", "speed"},
        {"--temperature", "temperature"},
        {"--seed", "seed"},
        {"--pronunciations", "pronunciations"},
    };
    const char *voice = tb_cli_get(cli, "--voice"), *format = tb_cli_get(cli, "--format");
    const char *output = tb_cli_get(cli, "--output"), *dot = output ? strrchr(output, '.') : NULL;
    tb_fields fields = {0};
    tb_status st = add(&fields, "text", text, err);
    for (size_t i = 0; !st && i < sizeof pairs / sizeof pairs[0]; i++)
        st = add(&fields, pairs[i][1], tb_cli_get(cli, pairs[i][0]), err);
    if (!st && !format && dot && strchr(dot, '/') == NULL) format = dot + 1;
    if (!st) st = add(&fields, "response_format", format, err);
    if (!st && voice && names_a_file(voice)) {
        char *data = NULL;
        size_t size = 0;
        st = tb_file_read(voice, (size_t)cli->config.upload_max, &data, &size, err);
        if (!st) st = tb_fields_add(&fields, "audio_prompt", voice, data, size, err);
    } else if (!st) {
        st = add(&fields, "voice_id", voice ? voice : TB_VOICE_DEFAULT, err);
    }
    if (!st)
        st = tb_speech_req_parse(tb_cli_get(cli, "--keep") ? TB_ROUTE_GENERATE : TB_ROUTE_DEMO,
                                 &fields, (size_t)cli->config.text_max, req, err);
    if (!st) req->user = tb_strdup("cli");
    tb_fields_clear(&fields);
    return st;
}

static tb_status copy_out(tb_job *job, const char *path, tb_err *err)
{
    static char chunk[65536];
    bool to_stdout = !path || strcmp(path, "-") == 0;
    tb_job_view view = tb_job_look(job);
    tb_file_writer w = {0};
    tb_status st = TB_OK;
    if (!to_stdout) {
        char *folder = tb_strdup(path), *slash = strrchr(folder, '/');
        if (slash) *slash = 0;
        st = tb_file_begin(&w, !slash ? "." : slash == folder ? "/" : folder, err);
        tb_free(folder);
    }
    for (uint64_t at = 0; !st && at < view.size;) {
        int64_t n = tb_job_read(job, at, chunk, sizeof chunk);
        if (n <= 0) {
            st = tb_fail(err, TB_EINTERNAL, "the sound that was made cannot be read");
        } else if (!to_stdout) {
            st = tb_file_append(&w, chunk, (size_t)n, err);
        } else if (fwrite(chunk, 1, (size_t)n, stdout) != (size_t)n) {
            st = tb_fail_errno(err, errno, "cannot write to standard output");
        }
        at += (uint64_t)(n > 0 ? n : 0);
    }
    if (!st && to_stdout && fflush(stdout) != 0)
        st = tb_fail_errno(err, errno, "cannot write to standard output");
    if (!st && !to_stdout) {
        fchmod(w.fd, 0644);
        st = tb_file_commit(&w, path, err);
    }
    tb_file_abort(&w);
    return st;
}

int tb_cli_run_say(tb_cli *cli)
{
    tb_service *s = NULL;
    tb_job *job = NULL;
    tb_speech_req req = {0};
    tb_err err = {0};
    char *text = NULL;
    const char *output = tb_cli_get(cli, "--output");
    bool terminal = isatty(STDERR_FILENO) && !cli->json;
    tb_status st = TB_OK;
    int code = TB_EXIT_OK;

    if ((!output || strcmp(output, "-") == 0) && isatty(STDOUT_FILENO))
        return tb_cli_usage(cli, "sound on a terminal is of no use; name a file with -o");
    if (strcmp(cli->args[0], "-") == 0)
        st = read_stdin(&text, &err);
    else
        text = tb_strdup(cli->args[0]);
    if (!st) st = build(cli, text, &req, &err);
    if (!st) st = tb_service_open(&cli->config, false, &s, &err);
    if (!st) st = tb_service_start(s, &err);
    if (!st) {
        if (terminal) fputs("speaking ...\r", stderr);
        st = tb_job_speech(s, &req, NULL, NULL, &job, &err);
    }
    if (!st) {
        tb_job_wait(job);
        tb_job_view view = tb_job_look(job);
        err = view.err;
        st = view.state == TB_JOB_FAILED ? err.status : copy_out(job, output, &err);
    }
    if (st) {
        code = tb_cli_fail(cli, &err);
    } else {
        const tb_job_head *head = tb_job_get_head(job);
        tb_json *o = tb_json_object();
        tb_json_set_milli(o, "seconds", head->seconds);
        tb_json_set_string(o, "engine", head->engine);
        tb_json_set_string(o, "language", head->language);
        tb_json_set_string(o, "language_guessed", head->language_guessed);
        tb_json_set_string(o, "voice", head->voice);
        tb_json_set_int(o, "seed", (int64_t)head->seed);
        tb_json_set_string(o, "history_id", head->history_id);
        tb_json_set_string(o, "unsupported_tags", head->unsupported_tags);
        tb_json_set_string(o, "unknown_tags", head->unknown_tags);
        tb_json_set_string(o, "unspoken_text", head->unspoken);
        if (cli->json) {
            char *line = tb_json_print(o);
            fprintf(output && strcmp(output, "-") != 0 ? stdout : stderr, "%s\n", line);
            tb_free(line);
        } else if (terminal) {
            fprintf(stderr, "%.1f s by the %s engine, voice %s, seed %llu\n", head->seconds,
                    head->engine, head->voice, (unsigned long long)head->seed);
        }
        if (!cli->json && head->language_guessed)
            fprintf(stderr, "timbre: the text seems to be in '%s'; read in %s (--language says)\n",
                    head->language_guessed, head->language);
        if (!cli->json && head->unsupported_tags)
            fprintf(stderr, "timbre: not rendered by this engine: %s\n", head->unsupported_tags);
        if (!cli->json && head->unspoken)
            fprintf(stderr, "timbre: not spoken, since nobody here can say it: %s\n",
                    head->unspoken);
        tb_json_free(o);
    }
    if (job) tb_job_release(job);
    tb_service_close(s);
    tb_speech_req_clear(&req);
    tb_free(text);
    return code;
}
