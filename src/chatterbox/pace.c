/*
 * The pace: measured seconds per speech token, flow frame and vocoder frame, and the lengths of a
 * stream's chunks that follow from it. A chunk costs T3's tokens, the flow over prompt and
 * everything so far (half of it grows with the square of the frames), and the vocoder. The first
 * chunk is the shortest after which the second is ready in time; each next one uses at most 80 % of
 * the playing time in hand. Deterministic: the same pace gives the same chunks.
 */
#include "chatterbox/pace.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MICROSECOND 1e-6

/* Tokens are 40 ms of sound, two frames. */
#define TOKEN_S 0.04
/* The share of the undelivered playing time that the next chunk may take to compute; the rest is a
 * margin for other callers and for an optimistic measurement. */
#define BUDGET_SHARE 0.8

enum { FIRST_MIN = 12, FIRST_MAX = 60, CHUNK_MAX = 150, CHUNK_MIN = 8, SLOW_FIRST = 25 };

const tb_pace tb_pace_usual = {.token_s = 20000 * MICROSECOND,
                               .flow_s = 600 * MICROSECOND,
                               .vocode_s = 2000 * MICROSECOND};

double tb_pace_cost(const tb_pace *p, size_t prompt_tokens, size_t done, size_t m)
{
    /* Half of the flow's work at 1000 frames grows with their square. */
    double frames = 2.0 * (double)(prompt_tokens + done + m);
    return (double)m * p->token_s + frames * p->flow_s * (0.5 + frames / 2000) +
           2 * (double)m * p->vocode_s;
}

/* The largest chunk, in tokens, that is computed within `time`; 0: none is. */
static size_t longest_chunk(const tb_pace *p, size_t prompt_tokens, size_t done, double time)
{
    size_t m = CHUNK_MAX;
    while (m >= CHUNK_MIN && tb_pace_cost(p, prompt_tokens, done, m) > time)
        m--;
    return m < CHUNK_MIN ? 0 : m;
}

size_t tb_pace_first(const tb_pace *p, size_t prompt_tokens)
{
    for (size_t m = FIRST_MIN; m <= FIRST_MAX; m++)
        if (longest_chunk(p, prompt_tokens, m, BUDGET_SHARE * TOKEN_S * (double)m) >= m) return m;
    return SLOW_FIRST; /* too slow for gapless playing: then at least start early */
}

size_t tb_pace_next(const tb_pace *p, size_t prompt_tokens, size_t done, size_t last, double *ahead)
{
    *ahead += TOKEN_S * (double)last;
    size_t m = longest_chunk(p, prompt_tokens, done, BUDGET_SHARE * *ahead);
    if (m == 0) { /* too slow: long chunks have the least overhead */
        m = last * 2 < CHUNK_MAX ? last * 2 : CHUNK_MAX;
        *ahead = 0;
        return m;
    }
    *ahead -= tb_pace_cost(p, prompt_tokens, done, m);
    return m;
}

enum { MICROSECONDS_MOST = 99999999 };

static long microseconds(double s)
{
    return lround(fmin(fmax(s / MICROSECOND, 1), MICROSECONDS_MOST));
}

void tb_pace_print(const tb_pace *p, char out[TB_PACE_TEXT])
{
    snprintf(out, TB_PACE_TEXT, "%ld-%ld-%ld", microseconds(p->token_s), microseconds(p->flow_s),
             microseconds(p->vocode_s));
}

bool tb_pace_parse(const char *text, tb_pace *out)
{
    double s[3];
    for (size_t i = 0; i < 3; i++) {
        size_t digits = strspn(text, "0123456789");
        if (digits == 0 || digits > 8 || text[digits] != (i < 2 ? '-' : 0)) return false;
        s[i] = (double)strtol(text, NULL, 10) * MICROSECOND;
        if (s[i] <= 0) return false;
        text += digits + 1;
    }
    *out = (tb_pace){.token_s = s[0], .flow_s = s[1], .vocode_s = s[2]};
    return true;
}

tb_pace tb_pace_round(const tb_pace *p)
{
    return (tb_pace){.token_s = (double)microseconds(p->token_s) * MICROSECOND,
                     .flow_s = (double)microseconds(p->flow_s) * MICROSECOND,
                     .vocode_s = (double)microseconds(p->vocode_s) * MICROSECOND};
}

bool tb_pace_read(const char *path, tb_pace *out)
{
    char *text = NULL;
    size_t size = 0;
    tb_json *v = NULL;
    tb_pace p = {0};
    if (tb_file_read(path, 4096, &text, &size, NULL) == TB_OK &&
        tb_json_parse(text, size, &v, NULL) == TB_OK) {
        p.token_s = tb_json_number(tb_json_get(v, "token_s"));
        p.flow_s = tb_json_number(tb_json_get(v, "flow_s"));
        p.vocode_s = tb_json_number(tb_json_get(v, "vocode_s"));
    }
    tb_json_free(v);
    tb_free(text);
    if (!(p.token_s > 0 && p.token_s < 100 && p.flow_s > 0 && p.flow_s < 100 && p.vocode_s > 0 &&
          p.vocode_s < 100))
        return false;
    *out = p;
    return true;
}

tb_status tb_pace_write(const char *path, const tb_pace *p, tb_err *err)
{
    tb_json *v = tb_json_object();
    tb_json_set_real(v, "token_s", p->token_s);
    tb_json_set_real(v, "flow_s", p->flow_s);
    tb_json_set_real(v, "vocode_s", p->vocode_s);
    char *text = tb_json_print(v);
    tb_status st = tb_file_write(path, text, strlen(text), 0600, err);
    tb_free(text);
    tb_json_free(v);
    return st;
}
