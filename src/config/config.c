#include "config/config.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#include <math.h>
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef enum { STRING, CHOICE, INTEGER, BOOLEAN, REAL_OR_OFF, BYTES, SECONDS } kind;

typedef struct {
    tb_setting_info info;
    kind kind;
    size_t at; /* offset in tb_config */
    double least, most;
} setting;

#define AT(member) offsetof(tb_config, member)

/* clang-format off */
static const setting table[] = {
    {{"HOST", "--host", "text", "0.0.0.0", "an address of this machine", "address to listen on", false}, STRING, AT(host), 0, 0},
    {{"PORT", "--port", "number", "8000", "0-65535", "port to listen on; 0 lets the system choose", false}, INTEGER, AT(port), 0, 65535},
    {{"BASE_PATH", "--base-path", "path", "", "empty, or a path such as /tts", "path of the host name under which a proxy shows the service: links begin with it", false}, STRING, AT(base_path), 0, 0},
    {{"DATA", "--data", "folder", "data", "a folder that can be written", "where voices, history and the database are kept; without a .env, the command line keeps its own in ~/.local/share/timbre", false}, STRING, AT(data), 0, 0},
    {{"API_USERNAME", "--api-username", "text", "", "any text without a colon", "user name of Basic authentication", false}, STRING, AT(api_username), 0, 0},
    {{"API_PASSWORD", "--api-password", "text", "", "any text, or an $argon2id$ string", "password of Basic authentication", true}, STRING, AT(api_password), 0, 0},
    {{"API_KEY", "--api-key", "text", "", "any text", "key for Bearer and xi-api-key; empty: those ways in are closed", true}, STRING, AT(api_key), 0, 0},
    {{"PUBLIC_HEALTH", "--public-health", "switch", "0", "0 or 1", "/health and /ready answer without credentials", false}, BOOLEAN, AT(public_health), 0, 0},
    {{"PUBLIC_LISTS", "--public-lists", "switch", "0", "0 or 1", "lists of voices, ambiences and languages answer without credentials", false}, BOOLEAN, AT(public_lists), 0, 0},
    {{"CORS_ORIGINS", "--cors-origins", "text", "*", "* or origins with commas between", "web origins that may call the API; empty: none", false}, STRING, AT(cors_origins), 0, 0},
    {{"TLS_CERT", "--tls-cert", "file", "", "a PEM file", "certificate chain; needs TLS_KEY", false}, STRING, AT(tls_cert), 0, 0},
    {{"TLS_KEY", "--tls-key", "file", "", "a PEM file", "private key; needs TLS_CERT", false}, STRING, AT(tls_key), 0, 0},
    {{"ENGINE", "--engine", "choice", "auto", "auto|chatterbox|embedded", "which engine speaks when a request names none", false}, CHOICE, AT(engine), 0, 0},
    {{"LANGUAGE", "--language", "code", "auto", "a language code or name, or auto", "language spoken when a request names none; auto: English, or the one that the text is clearly in", false}, STRING, AT(language), 0, 0},
    {{"EMBEDDED_BASE", "--embedded-base", "choice", "slt", "slt|rms", "who speaks as the voice `default`: slt (higher) or rms (lower)", false}, CHOICE, AT(default_base), 0, 0},
    {{"ESPEAK_PROGRAM", "--espeak-program", "program", "espeak-ng", "a program", "the espeak-ng program", false}, STRING, AT(espeak_program), 0, 0},
    {{"ESPEAK_DATA_PATH", "--espeak-data-path", "folder", "", "a folder", "its data, when it does not find it by itself", false}, STRING, AT(espeak_data_path), 0, 0},
    {{"TTS_MODEL", "--tts-model", "choice", "", "ResembleAI/chatterbox-turbo|chatterbox-turbo|turbo|chatterbox", "the old name of the model; checked, else unused", false}, CHOICE, AT(tts_model), 0, 0},
    {{"MODEL", "--model", "path", "", "a folder with the published files, or a .gguf", "the model of the neural engine; empty: the one under DATA/models", false}, STRING, AT(model), 0, 0},
    {{"MODEL_TYPE", "--model-type", "choice", "q8_0", "f32|f16|bf16|q8_0|q4_0", "numbers that the model's weights are kept in (docs/model/types.md)", false}, CHOICE, AT(model_type), 0, 0},
    {{"MODEL_VARIANT", "--model-variant", "choice", "turbo", "turbo|nano", "which model: chatterbox-turbo, or the smaller chatterbox-nano", false}, CHOICE, AT(model_variant), 0, 0},
    {{"MODEL_REVISION", "--model-revision", "text", "main", "a branch, tag or commit", "revision of the model that is downloaded", false}, STRING, AT(model_revision), 0, 0},
    {{"MODEL_IDLE_TTL", "--model-idle-ttl", "duration", "0", "0 (never), or 1s and more", "the model's memory is given back when nobody spoke with it for so long", false}, SECONDS, AT(model_idle_ttl_s), 0, 31536000},
    {{"MODEL_DOWNLOAD", "--model-download", "switch", "1", "0 or 1", "serve downloads the model when it is not there (3 GB)", false}, BOOLEAN, AT(model_download), 0, 0},
    {{"PERTH", "--perth", "file", "", "perth_net_250000.pth.tar", "weights of the watermark; empty: looked for beside the model", false}, STRING, AT(perth), 0, 0},
    {{"THREADS", "--threads", "number", "0", "0-256", "threads that the model's networks share; 0: one per core", false}, INTEGER, AT(threads), 0, 256},
    {{"HF_ENDPOINT", "--hf-endpoint", "text", "https://huggingface.co", "an http or https address", "hub that the model is downloaded from", false}, STRING, AT(hf_endpoint), 0, 0},
    {{"HF_TOKEN", "--hf-token", "text", "", "any text", "token for downloads of model files", true}, STRING, AT(hf_token), 0, 0},
    {{"HF_HUB_OFFLINE", "--hf-hub-offline", "switch", "0", "0 or 1", "nothing is downloaded; a filled cache is used all the same", false}, BOOLEAN, AT(hf_hub_offline), 0, 0},
    {{"HF_HUB_CACHE", "--hf-hub-cache", "folder", "", "a folder", "cache of Hugging Face's own programs: read, never written", false}, STRING, AT(hf_hub_cache), 0, 0},
    {{"HF_HOME", "--hf-home", "folder", "", "a folder", "the same, as hub inside this folder", false}, STRING, AT(hf_home), 0, 0},
    {{"LOUDNESS_LUFS", "--loudness-lufs", "number", "off", "off, or -40 to -10", "loudness the speech is brought to before a bed is laid under it", false}, REAL_OR_OFF, AT(loudness_lufs), -40, -10},
    {{"WORKERS", "--workers", "number", "0", "0-256", "jobs worked on at once; 0: five per four cores, ten at least", false}, INTEGER, AT(workers), 0, 256},
    {{"QUEUE_MAX", "--queue-max", "number", "64", "1-100000", "jobs that may wait in all", false}, INTEGER, AT(queue_max), 1, 100000},
    {{"QUEUE_PER_USER", "--queue-per-user", "number", "32", "1-100000", "jobs that may wait per caller", false}, INTEGER, AT(queue_per_user), 1, 100000},
    {{"TEXT_MAX", "--text-max", "number", "20000", "1-1000000", "longest text of a request, in characters", false}, INTEGER, AT(text_max), 1, 1000000},
    {{"UPLOAD_MAX", "--upload-max", "size", "32M", "1K-1G", "largest body of a request", false}, BYTES, AT(upload_max), 1024, 1073741824.0},
    {{"CONNECTIONS_MAX", "--connections-max", "number", "512", "4-60000", "connections at once; who has shown no credentials leaves first", false}, INTEGER, AT(connections_max), 4, 60000},
    {{"CLIENT_TIMEOUT", "--client-timeout", "duration", "30s", "1s-1h", "patience with a client that sends or reads less than 1 KiB a second", false}, SECONDS, AT(client_timeout_s), 1, 3600},
    {{"SHUTDOWN_GRACE", "--shutdown-grace", "duration", "30s", "0s-1h", "time that accepted jobs get to finish on SIGTERM", false}, SECONDS, AT(shutdown_grace_s), 0, 3600},
    {{"VOICES_DIR", "--voices-dir", "folder", "voices", "a folder", "old voices folder: read once, never written", false}, STRING, AT(voices_dir), 0, 0},
    {{"STORAGE_DIR", "--storage-dir", "folder", "outputs", "a folder", "old folder of generated audio: read once, never written", false}, STRING, AT(storage_dir), 0, 0},
    {{"HISTORY_FILE", "--history-file", "file", "history.json", "a file", "old history: read once, never written", false}, STRING, AT(history_file), 0, 0},
    {{"AMBIENCE_DIR", "--ambience-dir", "folder", "ambience", "a folder", "your own beds, <id>.wav: they add to the built-in ones and win over them", false}, STRING, AT(ambience_dir), 0, 0},
    {{"HISTORY_MAX_AGE", "--history-max-age", "duration", "0", "0 (keep), or 1m and more", "history older than this is removed", false}, SECONDS, AT(history_max_age_s), 0, 1e11},
    {{"HISTORY_MAX_BYTES", "--history-max-bytes", "size", "0", "0 (keep), or a size", "the oldest history goes when its audio takes more than this", false}, BYTES, AT(history_max_bytes), 0, 1e15},
    {{"LOG_LEVEL", "--log-level", "choice", "info", "error|warn|info|debug", "how much is logged by serve", false}, CHOICE, AT(log_level), 0, 0},
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

static bool one_of(const char *choices, const char *value)
{
    size_t n = strlen(value);
    if (strchr(value, '|')) return false;
    for (const char *p = choices; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL)
        if (strncmp(p, value, n) == 0 && (p[n] == '|' || p[n] == 0)) return true;
    return false;
}

/* A number with a unit behind it: 32M, 10m. */
static bool scaled(const char *value, const char *units, const double *factors, double *out)
{
    char number[40];
    size_t len = strlen(value);
    double factor = 1;
    if (len == 0 || len >= sizeof number) return false;
    memcpy(number, value, len + 1);
    const char *unit = strchr(units, number[len - 1]);
    if (unit && len > 1) {
        factor = factors[unit - units];
        number[len - 1] = 0;
    }
    double x;
    if (!tb_parse_double(number, &x)) return false;
    *out = x * factor;
    return true;
}

static tb_status refuse(const setting *s, const char *value, tb_err *err)
{
    return tb_fail_field(err, TB_EINVAL, s->info.name, "%s is '%s'; allowed: %s", s->info.name,
                         s->info.secret ? "(hidden)" : value, s->info.allowed);
}

static tb_status apply(tb_config *c, const setting *s, char *value, tb_err *err)
{
    static const double bytes[] = {1024, 1048576, 1073741824, 1024, 1048576, 1073741824};
    static const double times[] = {1, 60, 3600, 86400};
    void *at = (char *)c + s->at;
    double x = 0;
    switch (s->kind) {
    case CHOICE:
        if (!one_of(s->info.allowed, value) && (*value || *s->info.fallback))
            return refuse(s, value, err);
        *(const char **)at = value;
        return TB_OK;
    case STRING:
        *(const char **)at = value;
        return TB_OK;
    case BOOLEAN:
        return tb_parse_bool(value, at) ? TB_OK : refuse(s, value, err);
    case REAL_OR_OFF:
        if (tb_str_ieq(value, "off") || !*value) {
            *(double *)at = (double)NAN;
            return TB_OK;
        }
        if (!tb_parse_double(value, &x) || x < s->least || x > s->most)
            return refuse(s, value, err);
        *(double *)at = x;
        return TB_OK;
    case INTEGER:
        if (!tb_parse_double(value, &x) || x != floor(x) || x < s->least || x > s->most)
            return refuse(s, value, err);
        *(int *)at = (int)x;
        return TB_OK;
    case BYTES:
        if (!scaled(value, "KMGkmg", bytes, &x) || x < s->least || x > s->most)
            return refuse(s, value, err);
        *(int64_t *)at = (int64_t)x;
        return TB_OK;
    case SECONDS:
        if (!scaled(value, "smhd", times, &x) || x < s->least || x > s->most)
            return refuse(s, value, err);
        if (s->at == AT(history_max_age_s) && x > 0 && x < 60) return refuse(s, value, err);
        if (s->at == AT(history_max_age_s))
            *(int64_t *)at = (int64_t)x;
        else
            *(int *)at = (int)x;
        return TB_OK;
    }
    return TB_EINTERNAL;
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
        return refuse(find("BASE_PATH"), *slot, err);
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
    if (strlen(c->api_username) > 128)
        return tb_fail_field(err, TB_EINVAL, "API_USERNAME",
                             "API_USERNAME has more than 128 bytes");
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
        tb_str_printf(out, "| `%s` | `%s` | %s | %s%s%s | ", s->name, s->flag, s->type,
                      *s->fallback ? "`" : "", *s->fallback ? s->fallback : "empty",
                      *s->fallback ? "`" : "");
        for (const char *p = s->allowed; *p; p++)
            tb_str_printf(out, *p == '|' ? "\\|" : "%c", *p);
        tb_str_printf(out, " | %s |\n", s->help);
    }
}
