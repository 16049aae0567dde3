/*
 * The table of settings and how they are loaded: default, .env, environment, flag; later ones win.
 *
 * A row gives name, kind, range, default and sentence once; parsing, the words for what is allowed,
 * docs and flags follow from it. A value out of range, or a key of .env that looks like a
 * misspelling, stops the start with a sentence. The result is constant. Relies on env.c for the
 * file's syntax.
 */
#include "config/config.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "catalogue/catalogue.h"
#include "params/params.h"

#include <assert.h>
#include <math.h>
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef enum { STRING, CHOICE_OF, ENUM_OF, INTEGER, BOOLEAN, REAL_OR_OFF, BYTES, SECONDS } kind;

typedef struct {
    tb_setting_info info;
    kind kind;
    size_t at, size; /* of its member in tb_config */
    double least, most;
    const char *zero;
} setting;

#define USERNAME_MAX     128 /* bytes */
#define TEXT_OF(x)       TEXT_OF_VALUE(x)
#define TEXT_OF_VALUE(x) #x

/* clang-format off */
/* A row says kind and range once: what is allowed, in words, follows from them (tb_config_allowed).
 * ENUM: the member is first for the first choice, and so on. zero: what 0 means where it is allowed beside the range; NULL where it is in the range, or not. */
#define ROW(name, flag, type, member, fallback, allowed, help, secret, kind, least, most, zero) \
    {{name, flag, type, fallback, allowed, help, secret}, kind, offsetof(tb_config, member), \
     sizeof(((tb_config *)NULL)->member), least, most, zero}
#define TEXT(name, flag, type, member, fallback, allowed, help) ROW(name, flag, type, member, fallback, allowed, help, false, STRING, 0, 0, NULL)
#define SECRET(name, flag, member, allowed, help) ROW(name, flag, "text", member, "", allowed, help, true, STRING, 0, 0, NULL)
#define CHOICE(name, flag, member, fallback, choices, help) ROW(name, flag, "choice", member, fallback, choices, help, false, CHOICE_OF, 0, 0, NULL)
#define ENUM(name, flag, member, fallback, choices, first, help) ROW(name, flag, "choice", member, fallback, choices, help, false, ENUM_OF, first, 0, NULL)
#define SWITCH(name, flag, member, fallback, help) ROW(name, flag, "switch", member, fallback, NULL, help, false, BOOLEAN, 0, 1, NULL)
#define NUMBER(name, flag, member, fallback, least, most, help) ROW(name, flag, "number", member, fallback, NULL, help, false, INTEGER, least, most, NULL)
#define LEVEL(name, flag, member, fallback, least, most, help) ROW(name, flag, "number", member, fallback, NULL, help, false, REAL_OR_OFF, least, most, NULL)
#define SIZE(name, flag, member, fallback, zero, least, most, help) ROW(name, flag, "size", member, fallback, NULL, help, false, BYTES, least, most, zero)
#define DURATION(name, flag, member, fallback, zero, least, most, help) ROW(name, flag, "duration", member, fallback, NULL, help, false, SECONDS, least, most, zero)

static const setting table[] = {
    TEXT("HOST", "--host", "text", host, "0.0.0.0", "an address of this machine", "address to listen on"),
    NUMBER("PORT", "--port", port, "8000", 0, 65535, "port to listen on; 0 lets the system choose"),
    TEXT("BASE_PATH", "--base-path", "path", base_path, "", "empty, or a path such as /tts", "path under which a reverse proxy publishes the service; links begin with it"),
    TEXT("DATA", "--data", "folder", data, "data", "a folder that can be written", "where voices, history and the database are stored; without a .env, the command line uses ~/.local/share/timbre"),
    TEXT("API_USERNAME", "--api-username", "text", api_username, "", "any text without a colon, at most " TEXT_OF(USERNAME_MAX) " bytes", "user name of Basic authentication"),
    SECRET("API_PASSWORD", "--api-password", api_password, "any text, or an $argon2id$ string", "password of Basic authentication"),
    SECRET("API_KEY", "--api-key", api_key, "any text", "key for Bearer and xi-api-key authentication; empty: both are disabled"),
    SWITCH("PUBLIC_HEALTH", "--public-health", public_health, "0", "/health and /ready answer without credentials"),
    SWITCH("PUBLIC_LISTS", "--public-lists", public_lists, "0", "lists of voices, ambiences and languages answer without credentials"),
    TEXT("CORS_ORIGINS", "--cors-origins", "text", cors_origins, "*", "* or a comma-separated list of origins", "web origins that may call the API; empty: none"),
    TEXT("TLS_CERT", "--tls-cert", "file", tls_cert, "", "a PEM file", "certificate chain; needs TLS_KEY"),
    TEXT("TLS_KEY", "--tls-key", "file", tls_key, "", "a PEM file", "private key; needs TLS_CERT"),
    ENUM("ENGINE", "--engine", engine, "auto", TB_ENGINE_WORDS, TB_ENGINE_AUTO, "which engine speaks when a request names none"),
    TEXT("LANGUAGE", "--language", "code", language, "auto", "a language code or name, or auto", "language when a request names none; auto: English, or the language that the text is clearly in"),
    CHOICE("EMBEDDED_BASE", "--embedded-base", default_base, "slt", "slt|rms", "base speaker of the voice `default`: slt (higher) or rms (lower)"),
    TEXT("ESPEAK_PROGRAM", "--espeak-program", "program", espeak_program, "espeak-ng", "a program", "the espeak-ng program"),
    TEXT("ESPEAK_DATA_PATH", "--espeak-data-path", "folder", espeak_data_path, "", "a folder", "the data of espeak-ng, if it does not find them itself"),
    CHOICE("TTS_MODEL", "--tts-model", tts_model, "", "ResembleAI/chatterbox-turbo|chatterbox-turbo|turbo|chatterbox", "the old name of the model; checked, otherwise unused"),
    TEXT("MODEL", "--model", "path", model, "", "a folder with the published files, or a .gguf", "the model of the neural engine; empty: the one under DATA/models"),
    ENUM("MODEL_TYPE", "--model-type", model_type, "q8_0", TB_MODEL_TYPES("|"), TB_MODEL_F32, "number type of the model's weights (docs/model/types.md)"),
    CHOICE("MODEL_VARIANT", "--model-variant", model_variant, "turbo", TB_MODEL_VARIANTS("|"), "which model: chatterbox-turbo, or the smaller chatterbox-nano"),
    TEXT("MODEL_REVISION", "--model-revision", "text", model_revision, "main", "a branch, tag or commit", "revision of the model to download"),
    DURATION("MODEL_IDLE_TTL", "--model-idle-ttl", model_idle_ttl_s, "0", "never", 1, 31536000, "the model is unloaded from memory after this long without a request"),
    SWITCH("MODEL_DOWNLOAD", "--model-download", model_download, "1", "serve downloads the model if it is missing"),
    TEXT("PERTH", "--perth", "file", perth, "", TB_FILE_PERTH, "weights of the watermark; empty: searched beside the model"),
    NUMBER("THREADS", "--threads", threads, "0", 0, TB_THREADS_MAX, "compute threads, shared by all requests; 0: one per core"),
    TEXT("HF_ENDPOINT", "--hf-endpoint", "text", hf_endpoint, "https://huggingface.co", "an http or https address", "hub that the model is downloaded from"),
    SECRET("HF_TOKEN", "--hf-token", hf_token, "any text", "token for downloads of model files"),
    SWITCH("HF_HUB_OFFLINE", "--hf-hub-offline", hf_hub_offline, "0", "download nothing; a filled cache is still used"),
    TEXT("HF_HUB_CACHE", "--hf-hub-cache", "folder", hf_hub_cache, "", "a folder", "cache of Hugging Face's programs; read, never written"),
    TEXT("HF_HOME", "--hf-home", "folder", hf_home, "", "a folder", "folder whose subfolder hub is that cache"),
    LEVEL("LOUDNESS_LUFS", "--loudness-lufs", loudness_lufs, "off", TB_LOUDNESS_LEAST, TB_LOUDNESS_MOST, "target loudness of the speech, before a bed is mixed in"),
    NUMBER("WORKERS", "--workers", workers, "0", 0, 256, "jobs that run at once; 0: five per four cores, at least ten"),
    NUMBER("QUEUE_MAX", "--queue-max", queue_max, "64", 1, 100000, "jobs that may wait in total"),
    NUMBER("QUEUE_PER_USER", "--queue-per-user", queue_per_user, "32", 1, 100000, "jobs that may wait per caller"),
    NUMBER("TEXT_MAX", "--text-max", text_max, TB_TEXT_MAX_FALLBACK, 1, 1000000, "longest text of a request, in characters"),
    SIZE("UPLOAD_MAX", "--upload-max", upload_max, "32M", NULL, 1024, 1073741824.0, "largest body of a request"),
    NUMBER("CONNECTIONS_MAX", "--connections-max", connections_max, "512", 4, 60000, "open connections; those without credentials are closed first"),
    DURATION("CLIENT_TIMEOUT", "--client-timeout", client_timeout_s, "30s", NULL, 1, 3600, "how long a client may send or read less than 1 KiB per second"),
    DURATION("SHUTDOWN_GRACE", "--shutdown-grace", shutdown_grace_s, "30s", NULL, 0, 3600, "time that accepted jobs have to finish after SIGTERM"),
    TEXT("VOICES_DIR", "--voices-dir", "folder", voices_dir, "voices", "a folder", "old voices folder: read once, never written"),
    TEXT("STORAGE_DIR", "--storage-dir", "folder", storage_dir, "outputs", "a folder", "old folder of generated audio: read once, never written"),
    TEXT("HISTORY_FILE", "--history-file", "file", history_file, "history.json", "a file", "old history: read once, never written"),
    TEXT("AMBIENCE_DIR", "--ambience-dir", "folder", ambience_dir, "ambience", "a folder", "your own beds, <id>.wav: they extend and override the built-in ones"),
    DURATION("HISTORY_MAX_AGE", "--history-max-age", history_max_age_s, "0", "keep", 60, 1e11, "clips older than this are removed"),
    SIZE("HISTORY_MAX_BYTES", "--history-max-bytes", history_max_bytes, "0", "keep", 1, 1e15, "the oldest clips are removed when the audio exceeds this size"),
    CHOICE("LOG_LEVEL", "--log-level", log_level, "info", "error|warn|info|debug", "how much serve logs"),
};
/* clang-format on */

enum { COUNT = sizeof table / sizeof table[0] };

struct tb_config_priv {
    char *values[COUNT]; /* what the config's strings point into */
};

const tb_setting_info *tb_config_setting(size_t i)
{
    return i < COUNT ? &table[i].info : NULL;
}

static const setting *find(const char *name)
{
    for (size_t i = 0; i < COUNT; i++)
        if (strcmp(table[i].info.name, name) == 0) return &table[i];
    return NULL;
}

typedef struct {
    char letter;
    double factor;
} unit;

static const unit byte_units[] = {{'K', 1024}, {'M', 1048576}, {'G', 1073741824}, {0, 0}};
static const unit time_units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {0, 0}};

/* A number with a unit behind it, in either case: 32M, 1.5h. */
static bool scaled(const char *value, const unit *units, double *out)
{
    char number[40];
    size_t len = strlen(value);
    double factor = 1;
    if (len == 0 || len >= sizeof number) return false;
    memcpy(number, value, len + 1);
    for (const unit *u = units; u->letter && len > 1; u++)
        if ((number[len - 1] | 0x20) == (u->letter | 0x20)) {
            factor = u->factor;
            number[len - 1] = 0;
            break;
        }
    double x;
    if (!tb_parse_double(number, &x)) return false;
    *out = x * factor;
    return true;
}

/* 90 as "90s", 3600 as "1h": in the largest unit that leaves no fraction. */
static void print_scaled(double x, const unit *units, char out[24])
{
    char letter[2] = {units == time_units ? 's' : 0, 0};
    double factor = 1;
    for (const unit *u = units; u->letter; u++)
        if (x >= u->factor && fmod(x, u->factor) < 0.5) factor = u->factor, letter[0] = u->letter;
    snprintf(out, 24, "%.12g%s", x / factor, letter);
}

const char *tb_config_allowed(const tb_setting_info *info, char out[TB_CONFIG_ALLOWED])
{
    static const double endless = 1e10; /* nobody comes near */
    const setting *s = (const setting *)info;
    char least[24], most[24];
    size_t n = 0;
    if (info->allowed) return info->allowed;
    switch (s->kind) {
    case BOOLEAN:
        return "0 or 1";
    case REAL_OR_OFF:
        snprintf(out, TB_CONFIG_ALLOWED, "off, or %g to %g", s->least, s->most);
        return out;
    case BYTES:
    case SECONDS:
        print_scaled(s->least, s->kind == BYTES ? byte_units : time_units, least);
        print_scaled(s->most, s->kind == BYTES ? byte_units : time_units, most);
        if (s->zero) n = (size_t)snprintf(out, TB_CONFIG_ALLOWED, "0 (%s), or ", s->zero);
        snprintf(out + n, TB_CONFIG_ALLOWED - n, s->most > endless ? "%s and more" : "%s-%s", least,
                 most);
        return out;
    default:
        snprintf(out, TB_CONFIG_ALLOWED, "%.12g-%.12g", s->least, s->most);
        return out;
    }
}

/* more: what else is to be said of it. */
static tb_status refuse(const setting *s, const char *value, const char *more, tb_err *err)
{
    char allowed[TB_CONFIG_ALLOWED];
    return tb_fail_field(err, TB_EINVAL, s->info.name, "%s is '%s'; allowed: %s%s", s->info.name,
                         s->info.secret ? "(hidden)" : value, tb_config_allowed(&s->info, allowed),
                         more);
}

/* A number in its range; all but levels are whole: half a second is not no time at all. */
static tb_status read_number(const setting *s, const char *value, double *out, tb_err *err)
{
    double x = 0;
    bool ok = s->kind == BYTES     ? scaled(value, byte_units, &x)
              : s->kind == SECONDS ? scaled(value, time_units, &x)
                                   : tb_parse_double(value, &x);
    if (!ok) return refuse(s, value, "", err);
    if (s->kind != REAL_OR_OFF && x != floor(x))
        return refuse(s, value,
                      s->kind == SECONDS ? ", in whole seconds"
                      : s->kind == BYTES ? ", in whole bytes"
                                         : ", a whole number",
                      err);
    if (!(x >= s->least && x <= s->most) && !(s->zero && x == 0)) return refuse(s, value, "", err);
    *out = x;
    return TB_OK;
}

/* Which word of "a|b|c"; it is one of them. */
static unsigned place_in(const char *choices, const char *word)
{
    unsigned place = 0;
    const size_t len = strlen(word);
    while (strncmp(choices, word, len) != 0 || (choices[len] && choices[len] != '|'))
        choices = strchr(choices, '|') + 1, place++;
    return place;
}

static tb_status apply(tb_config *c, const setting *s, char *value, tb_err *err)
{
    void *at = (char *)c + s->at;
    double x = (double)NAN;
    tb_status st = TB_OK;
    switch (s->kind) {
    case CHOICE_OF:
        if (!tb_str_in_list(s->info.allowed, value) && (*value || *s->info.fallback))
            return refuse(s, value, "", err);
        *(const char **)at = value;
        return TB_OK;
    case ENUM_OF:
        if (!tb_str_in_list(s->info.allowed, value)) return refuse(s, value, "", err);
        assert(s->size == sizeof(unsigned));
        *(unsigned *)at = (unsigned)s->least + place_in(s->info.allowed, value);
        return TB_OK;
    case STRING:
        *(const char **)at = value;
        return TB_OK;
    case BOOLEAN:
        return tb_parse_bool(value, at) ? TB_OK : refuse(s, value, "", err);
    case REAL_OR_OFF:
        if (*value && !tb_str_ieq(value, "off")) st = read_number(s, value, &x, err);
        if (!st) *(double *)at = x;
        return st;
    default:
        st = read_number(s, value, &x, err);
        if (!st && s->size == sizeof(int64_t)) *(int64_t *)at = (int64_t)x;
        if (!st && s->size == sizeof(int)) *(int *)at = (int)x;
        return st;
    }
}

struct env_target {
    struct tb_config_priv *priv;
    const char *path;
};

static void keep(struct tb_config_priv *priv, const setting *s, const char *value)
{
    char **slot = &priv->values[s - table];
    tb_free(*slot);
    *slot = tb_strdup(value);
}

/* MAX_TEXT for TEXT_MAX: two names of the same words, each of them once. */
static bool same_words(const char *a, const char *b)
{
    size_t words = 0;
    if (strlen(a) != strlen(b)) return false;
    for (const char *p = a; *p; words++) {
        size_t n = strcspn(p, "_");
        const char *q = b;
        while (!(strncmp(q, p, n) == 0 && strcspn(q, "_") == n)) {
            q += strcspn(q, "_");
            if (!*q) return false;
            q++;
        }
        p += n + (p[n] == '_');
    }
    return words > 1;
}

/* The setting that an unknown name looks like a misspelling of, or NULL: one edit away, two where
 * the name is long enough for them to be a slip, or the right words in another order. */
static const char *nearest(const char *key)
{
    char *upper = tb_strdup(key);
    const char *near = NULL;
    size_t best = strlen(key) >= 6 ? 2 : 1;
    for (char *p = upper; *p; p++)
        if (*p >= 'a' && *p <= 'z') *p = (char)(*p - 32);
    for (size_t i = 0; i < COUNT; i++) {
        size_t d = tb_str_distance(upper, table[i].info.name, best);
        if (d <= best && (!near || d < best)) near = table[i].info.name, best = d;
    }
    for (size_t i = 0; i < COUNT && !near; i++)
        if (same_words(upper, table[i].info.name)) near = table[i].info.name;
    tb_free(upper);
    return near;
}

static tb_status from_env_file(void *self, const char *key, const char *value, int line,
                               tb_err *err)
{
    struct env_target *target = self;
    const setting *s = find(key);
    if (s) {
        keep(target->priv, s, value);
        return TB_OK;
    }
    const char *near = nearest(key);
    if (near)
        return tb_fail_field(err, TB_EINVAL, key, "line %d: %s is not a setting; did you mean %s?",
                             line, key, near);
    tb_log(TB_WARN, "config", "file=%s line=%d key=%s is not a setting of timbre; ignored",
           target->path, line, key);
    return TB_OK;
}

bool tb_config_base_path_fits(const char *path)
{
    enum { MOST = 128 };
    if (!*path) return true;
    if (strlen(path) > MOST) return false;
    while (*path == '/') {
        size_t n =
            strspn(++path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~");
        if (n == 0 || strspn(path, ".") == n) return false; /* "//host" would lead elsewhere */
        path += n;
    }
    return !*path;
}

/* "tts/" means "/tts". */
static tb_status settle_base_path(tb_config *c, tb_err *err)
{
    char **slot = &c->priv->values[find("BASE_PATH") - table];
    size_t len = strlen(*slot);
    char *path = tb_sprintf("%s%s", len && **slot != '/' ? "/" : "", *slot);
    for (len = strlen(path); len > 0 && path[len - 1] == '/';)
        path[--len] = 0;
    if (!tb_config_base_path_fits(path)) {
        tb_free(path);
        return refuse(find("BASE_PATH"), *slot, "", err);
    }
    tb_free(*slot);
    *slot = path;
    c->base_path = path;
    return TB_OK;
}

static tb_status check_pairs(const tb_config *c, tb_err *err)
{
    if (!*c->tls_cert != !*c->tls_key)
        return tb_fail_field(err, TB_EINVAL, *c->tls_cert ? "TLS_KEY" : "TLS_CERT",
                             "TLS_CERT and TLS_KEY are needed together; one of them is empty");
    if (strchr(c->api_username, ':'))
        return tb_fail_field(err, TB_EINVAL, "API_USERNAME",
                             "API_USERNAME holds a colon, which Basic authentication cannot carry");
    if (strlen(c->api_username) > USERNAME_MAX)
        return tb_fail_field(err, TB_EINVAL, "API_USERNAME",
                             "API_USERNAME has more than " TEXT_OF(USERNAME_MAX) " bytes");
    if (!*c->data) return tb_fail_field(err, TB_EINVAL, "DATA", "DATA is empty; give a folder");
    return TB_OK;
}

tb_status tb_config_load(const char *env_path, const tb_config_override *overrides, size_t n,
                         tb_config *out, tb_err *err)
{
    struct tb_config_priv *priv = tb_alloc(sizeof *priv);
    tb_config c = {.priv = priv};
    tb_status st = TB_OK;
    for (size_t i = 0; i < COUNT; i++)
        keep(priv, &table[i], table[i].info.fallback);

    if (env_path && tb_file_exists(env_path)) {
        char *text = NULL;
        size_t len = 0;
        tb_err why = {0};
        struct env_target target = {priv, env_path};
        st = tb_file_read(env_path, 1 << 20, &text, &len, err);
        if (!st) st = tb_env_parse(text, len, from_env_file, &target, &why);
        tb_free(text);
        if (st && why.msg[0])
            tb_fail_field(err, st, why.field, "%.100s: %.300s", env_path, why.msg);
        if (st) goto out;
    }
    for (size_t i = 0; i < COUNT; i++) {
        const char *value = getenv(table[i].info.name); /* read before any thread is started */
        if (value) keep(priv, &table[i], value);
    }
    for (size_t i = 0; i < n; i++) {
        const setting *s = find(overrides[i].name);
        if (!s) {
            st = tb_fail(err, TB_EINVAL, "%s is not a setting", overrides[i].name);
            goto out;
        }
        keep(priv, s, overrides[i].value);
    }
    for (size_t i = 0; i < COUNT && !st; i++)
        st = apply(&c, &table[i], priv->values[i], err);
    if (!st) st = settle_base_path(&c, err);
    if (!st) st = check_pairs(&c, err);
out:
    if (st)
        tb_config_clear(&c);
    else
        *out = c;
    return st;
}

static tb_status note_setting(void *self, const char *key, const char *value, int line, tb_err *err)
{
    (void)value;
    (void)line;
    (void)err;
    if (find(key)) *(bool *)self = true;
    return TB_OK;
}

/* A file that cannot be read to its end counts as far as it was read: loading it tells of that. */
static bool env_file_is_ours(const char *env_path)
{
    bool ours = false;
    char *text = NULL;
    size_t len = 0;
    if (tb_file_read(env_path, 1 << 20, &text, &len, NULL) == TB_OK &&
        tb_env_parse(text, len, note_setting, &ours, NULL) != TB_OK)
        ours = true;
    tb_free(text);
    return ours;
}

char *tb_config_user_data(const char *env_path)
{
    const char *xdg = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    const char *data = getenv("DATA");
    if (data || env_file_is_ours(env_path)) return NULL;
    /* "All paths must be absolute; others are ignored" (XDG Base Directory Specification). */
    if (xdg && xdg[0] == '/') return tb_path_join(xdg, "timbre");
    if (!home || home[0] != '/') {
        const struct passwd *user = getpwuid(getuid());
        home = user && user->pw_dir ? user->pw_dir : "";
    }
    return home[0] == '/' ? tb_path_join(home, ".local/share/timbre") : NULL;
}

void tb_config_clear(tb_config *c)
{
    if (!c || !c->priv) return;
    for (size_t i = 0; i < COUNT; i++)
        tb_free(c->priv->values[i]);
    tb_free(c->priv);
    *c = (tb_config){0};
}

void tb_config_markdown(tb_str *out)
{
    tb_str_puts(out, "| setting | flag | kind | default | allowed | what it does |\n"
                     "|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < COUNT; i++) {
        const tb_setting_info *s = &table[i].info;
        char allowed[TB_CONFIG_ALLOWED];
        tb_str_printf(out, "| `%s` | `%s` | %s | %s%s%s | ", s->name, s->flag, s->type,
                      *s->fallback ? "`" : "", *s->fallback ? s->fallback : "empty",
                      *s->fallback ? "`" : "");
        for (const char *p = tb_config_allowed(s, allowed); *p; p++)
            tb_str_printf(out, *p == '|' ? "\\|" : "%c", *p);
        tb_str_printf(out, " | %s |\n", s->help);
    }
}
