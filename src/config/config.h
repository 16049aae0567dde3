#ifndef TB_CONFIG_CONFIG_H
#define TB_CONFIG_CONFIG_H

#include "base/err.h"
#include "base/str.h"
#include "catalogue/catalogue.h"
#include "params/params.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The one table of settings (config.c): name, type, default, range, help. From it come .env
 * (STORAGE_DIR=...), the environment, the flags (--storage-dir), --help and docs/config.md. Later
 * ones win: default, .env, environment, flag. Immutable once loaded.
 */
typedef struct {
    const char *host;      /* HOST, 0.0.0.0 */
    const char *base_path; /* BASE_PATH: "" or "/tts", without a slash at its end */
    int port;              /* PORT, 8000; 0 lets the system choose (printed) */
    const char *data;      /* DATA, data */

    const char *api_username, *api_password; /* Basic; password plain or $argon2id$... */
    const char *api_key;                     /* Bearer and xi-api-key; empty: none */
    bool public_health, public_lists;
    const char *cors_origins; /* *, or a comma-separated list */
    const char *tls_cert, *tls_key;

    tb_engine_kind engine;    /* ENGINE; never unsaid */
    const char *language;     /* LANGUAGE, en */
    const char *default_base; /* EMBEDDED_BASE slt|rms: who speaks as voice `default` in English */
    const char *espeak_program;   /* ESPEAK_PROGRAM, espeak-ng */
    const char *espeak_data_path; /* ESPEAK_DATA_PATH, empty: its own */
    const char *tts_model;        /* TTS_MODEL, the old name; checked, else unused */
    const char *model;            /* MODEL: a folder or a .gguf; empty: ours, under DATA/models */
    tb_model_type model_type;     /* MODEL_TYPE */
    const char *model_variant;    /* MODEL_VARIANT turbo|nano */
    const char *model_revision;
    int model_idle_ttl_s; /* MODEL_IDLE_TTL: closed after so long without a request; 0 never */
    bool model_download;  /* MODEL_DOWNLOAD: serve fetches a model that is not there */
    const char *perth;    /* PERTH: the watermark's weights */
    int threads;          /* THREADS of one model's networks, 0 = number of cores */
    const char *hf_endpoint, *hf_token, *hf_hub_cache, *hf_home;
    bool hf_hub_offline;
    double loudness_lufs; /* LOUDNESS_LUFS, NAN = off */

    int workers;          /* WORKERS, 0 = number of cores */
    int queue_max;        /* QUEUE_MAX, 64 jobs in all */
    int queue_per_user;   /* QUEUE_PER_USER, 32 per caller */
    int text_max;         /* TEXT_MAX, 20000 code points */
    int64_t upload_max;   /* UPLOAD_MAX, 32 MiB; sizes take K, M, G */
    int connections_max;  /* CONNECTIONS_MAX, 512 */
    int client_timeout_s; /* CLIENT_TIMEOUT, 30: a body that does not come, a reader that does not
                             read */
    int shutdown_grace_s; /* SHUTDOWN_GRACE, 30 */

    const char *voices_dir, *storage_dir, *history_file; /* old folders: read once, never written */
    const char *ambience_dir;                            /* read only */
    int64_t history_max_age_s; /* HISTORY_MAX_AGE, 0 = keep; takes s, m, h, d */
    int64_t history_max_bytes; /* HISTORY_MAX_BYTES, 0 = keep */
    const char *log_level;     /* LOG_LEVEL error|warn|info|debug */

    struct tb_config_priv *priv; /* the strings above and where each value came from */
} tb_config;

typedef struct {
    const char *name, *value;
} tb_config_override;

/*
 * env_path: ".env" in the working directory (absent is fine; NULL reads none). overrides: values
 * from flags, by setting name. A value out of range, a .env line that cannot be read, or a .env key
 * that looks like a misspelling of one of ours stops with a sentence naming file and line; another
 * unknown key is a warning line. The environment is not checked for unknown keys.
 */
TB_MUST_CHECK tb_status tb_config_load(const char *env_path, const tb_config_override *overrides,
                                       size_t n, tb_config *out, tb_err *err);
void tb_config_clear(tb_config *config);

/* Whether links may begin with it: "" or a plain absolute path without a slash at its end. */
bool tb_config_base_path_fits(const char *path);

/*
 * Where the command line keeps its data when nobody names a folder: $XDG_DATA_HOME/timbre, else
 * timbre in ~/.local/share. NULL: a setting of ours is in the file env_path, which makes its folder
 * a server's with the data beside it (the table's default); or DATA is in the environment; or the
 * user has no home. Heap.
 */
char *tb_config_user_data(const char *env_path);

/* Parses the text of a .env file alone, calling set for each pair (fuzzed). Quotes ' and ", export,
 * comments, CRLF; no expansion. */
typedef tb_status (*tb_env_set)(void *self, const char *key, const char *value, int line,
                                tb_err *err);
TB_MUST_CHECK tb_status tb_env_parse(const char *text, size_t len, tb_env_set set, void *self,
                                     tb_err *err);

/* For --help, the man page and docs/config.md: the i-th setting, NULL past the end. */
typedef struct {
    const char *name, *flag, *type, *fallback;
    const char *allowed; /* in words, or choices with | between; NULL: it follows from the range */
    const char *help;
    bool secret;
} tb_setting_info;
const tb_setting_info *tb_config_setting(size_t i);
enum { TB_CONFIG_ALLOWED = 64 };
/* What is allowed, in words, of one of those; may be in out. */
const char *tb_config_allowed(const tb_setting_info *info, char out[TB_CONFIG_ALLOWED]);
void tb_config_markdown(tb_str *out); /* docs/config.md's table */

#endif
