/*
 * The languages of the installed espeak-ng, and how a requested code or name finds one.
 *
 * Reads the output of `espeak-ng --voices` once. A request is looked up as a code (aliases, the
 * list, the other codes of a row; parts are cut off from the end until one is found), then as a
 * name (language_names.c); what is not found is refused with the five nearest. docs/embedded.md,
 * "Resolving a language". Immutable once made, so any thread may look up.
 */
#include "embedded/languages_priv.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "embedded/language_names_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 400, OTHERS = 12, CODE_MAX = 35 };

struct other {
    char code[CODE_MAX + 1];
    int priority;
};

struct row {
    struct other others[OTHERS];
    int n_others, priority;
};

struct tb_languages {
    tb_language list[MOST];
    struct row rows[MOST];
    size_t n, n_left_out;
    char *default_code;
    bool guesses;
};

static const char *const constructed[] = {"piqd", "qya", "sjn", "jbo", "py"};

/* Ours, before the list is looked at. */
static const char *const aliases[][2] = {
    {"en", "en-us"},
    {"en-uk", "en-gb"},
    {"zh", "cmn"},
    {"zh-cn", "cmn"},
    {"zh-hans", "cmn"},
    {"zh-sg", "cmn"},
    {"zh-tw", "cmn"},
    {"zh-hant", "cmn"},
    {"zh-hk", "yue"},
    {"es-es", "es"},
    {"pt-pt", "pt"},
    {"fr", "fr-fr"},
    {"no", "nb"},
    {"nn", "nb"},
    {"iw", "he"},
    {"in", "id"},
    {"chr", "chr-us-qaaa-x-west"},
    {"tlh", "piqd"},
    /* ISO 639-3 (and the bibliographic forms) of the most common ones */
    {"afr", "af"},
    {"amh", "am"},
    {"ara", "ar"},
    {"aze", "az"},
    {"bel", "be"},
    {"ben", "bn"},
    {"bos", "bs"},
    {"bul", "bg"},
    {"cat", "ca"},
    {"ces", "cs"},
    {"cze", "cs"},
    {"cym", "cy"},
    {"wel", "cy"},
    {"dan", "da"},
    {"deu", "de"},
    {"ger", "de"},
    {"ell", "el"},
    {"gre", "el"},
    {"eng", "en-us"},
    {"epo", "eo"},
    {"est", "et"},
    {"eus", "eu"},
    {"baq", "eu"},
    {"fas", "fa"},
    {"per", "fa"},
    {"fin", "fi"},
    {"fra", "fr-fr"},
    {"fre", "fr-fr"},
    {"gle", "ga"},
    {"guj", "gu"},
    {"heb", "he"},
    {"hin", "hi"},
    {"hrv", "hr"},
    {"hun", "hu"},
    {"hye", "hy"},
    {"arm", "hy"},
    {"ind", "id"},
    {"isl", "is"},
    {"ice", "is"},
    {"ita", "it"},
    {"jpn", "ja"},
    {"kan", "kn"},
    {"kat", "ka"},
    {"geo", "ka"},
    {"kaz", "kk"},
    {"kor", "ko"},
    {"lat", "la"},
    {"lav", "lv"},
    {"lit", "lt"},
    {"mal", "ml"},
    {"mar", "mr"},
    {"mkd", "mk"},
    {"mac", "mk"},
    {"msa", "ms"},
    {"may", "ms"},
    {"nep", "ne"},
    {"nld", "nl"},
    {"dut", "nl"},
    {"nob", "nb"},
    {"nor", "nb"},
    {"pan", "pa"},
    {"pol", "pl"},
    {"por", "pt"},
    {"ron", "ro"},
    {"rum", "ro"},
    {"rus", "ru"},
    {"slk", "sk"},
    {"slo", "sk"},
    {"slv", "sl"},
    {"spa", "es"},
    {"sqi", "sq"},
    {"alb", "sq"},
    {"srp", "sr"},
    {"swa", "sw"},
    {"swe", "sv"},
    {"tam", "ta"},
    {"tel", "te"},
    {"tha", "th"},
    {"tur", "tr"},
    {"ukr", "uk"},
    {"urd", "ur"},
    {"vie", "vi"},
    {"zho", "cmn"},
    {"chi", "cmn"},
};

static const char americas[] = " ar bo cl co cr cu do ec gt hn mx ni pa pe pr py sv us uy ve ";

static const char *alias(const char *code)
{
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
        if (strcmp(aliases[i][0], code) == 0) return aliases[i][1];
    if (strlen(code) == 5 && strncmp(code, "es-", 3) == 0) {
        char country[5];
        snprintf(country, sizeof country, " %.2s ", code + 3);
        if (strstr(americas, country)) return "es-419";
    }
    return code;
}

static bool is_constructed(const char *code)
{
    for (size_t i = 0; i < sizeof constructed / sizeof constructed[0]; i++)
        if (strcmp(constructed[i], code) == 0) return true;
    return false;
}

static void read_others(const char *text, struct row *row)
{
    for (const char *p = strchr(text, '('); p && row->n_others < OTHERS; p = strchr(p + 1, '(')) {
        struct other *o = &row->others[row->n_others];
        if (sscanf(p, "(%35[^ )] %d)", o->code, &o->priority) != 2) continue;
        tb_str_lower(o->code);
        row->n_others++;
    }
}

/* One line of the listing: priority, code, age/gender, name, file, other languages. */
static void read_line(tb_languages *l, const char *line)
{
    char code[64], gender[16], name[128], file[128];
    int priority, used = 0;
    if (sscanf(line, "%d %63s %15s %127s %127s%n", &priority, code, gender, name, file, &used) != 5)
        return;
    tb_str_lower(code);
    for (char *p = name; *p; p++)
        if (*p == '_') *p = ' ';
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->list[i].code, code) == 0) return; /* a second voice of the same code */
    if (l->n == MOST) { /* it is another program's list: none of ours to be sure of */
        l->n_left_out++;
        return;
    }
    tb_language *lang = &l->list[l->n];
    lang->code = tb_strdup(code);
    lang->name = tb_strdup(tb_str_strip(name));
    lang->voice = tb_strdup(file);
    lang->constructed = is_constructed(code);
    l->rows[l->n].priority = priority;
    read_others(line + used, &l->rows[l->n]);
    l->n++;
}

bool tb_language_is_auto(const char *wanted)
{
    return wanted && tb_str_ieq(wanted, "auto");
}

/* What "" means, by the setting; and whether that is only a beginning. */
static void set_default(tb_languages *l, const char *wanted)
{
    const char *colon = wanted ? strchr(wanted, ':') : NULL;
    l->guesses = !wanted || !*wanted || colon || tb_language_is_auto(wanted);
    l->default_code = colon ? tb_sprintf("%.*s", (int)(colon - wanted), wanted)
                            : tb_strdup(l->guesses ? "en" : wanted);
}

/* gettext's LANGUAGE may name a language without a voice; it was not set for this program. */
static void check_default(tb_languages *l)
{
    const tb_language *language;
    if (!l->guesses || tb_languages_find(l, l->default_code, &language, NULL) == TB_OK) return;
    tb_free(l->default_code);
    l->default_code = tb_strdup("en");
}

tb_languages *tb_languages_new(const char *listing, const char *wanted)
{
    tb_languages *l = tb_alloc(sizeof *l);
    set_default(l, wanted);
    for (const char *p = listing; p && *p;) {
        char line[512];
        size_t len = strcspn(p, "\n");
        snprintf(line, sizeof line, "%.*s", (int)(len < sizeof line ? len : sizeof line - 1), p);
        read_line(l, line);
        p += len + (p[len] == '\n');
    }
    if (l->n == 0) {
        l->list[0].code = tb_strdup("en-us");
        l->list[0].name = tb_strdup("English (America)");
        l->list[0].voice = tb_strdup("");
        l->n = 1;
    }
    if (l->n_left_out)
        tb_log(TB_WARN, "embedded",
               "espeak-ng lists %zu languages; the last %zu of them are left out",
               MOST + l->n_left_out, l->n_left_out);
    check_default(l);
    return l;
}

void tb_languages_free(tb_languages *l)
{
    if (!l) return;
    for (size_t i = 0; i < l->n; i++) {
        free((char *)(uintptr_t)l->list[i].code);
        free((char *)(uintptr_t)l->list[i].name);
        free((char *)(uintptr_t)l->list[i].voice);
    }
    tb_free(l->default_code);
    tb_free(l);
}

bool tb_languages_guesses(const tb_languages *l)
{
    return l->guesses;
}

size_t tb_languages_list(const tb_languages *l, const tb_language **list)
{
    *list = l->list;
    return l->n;
}

/* One code: an alias of ours, a code of the list, another code of a row by lowest priority. */
static const tb_language *look_up(const tb_languages *l, const char *code)
{
    const tb_language *best = NULL;
    int least = 0;
    code = alias(code);
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->list[i].code, code) == 0) return &l->list[i];
    for (size_t i = 0; i < l->n; i++)
        for (int k = 0; k < l->rows[i].n_others; k++) {
            const struct other *o = &l->rows[i].others[k];
            if (strcmp(o->code, code) != 0 || (best && o->priority >= least)) continue;
            best = &l->list[i];
            least = o->priority;
        }
    return best;
}

/* The code without its last parts, until it is one that is known. code is cut. */
static const tb_language *look_up_cut(const tb_languages *l, char *code)
{
    for (;;) {
        const tb_language *found = look_up(l, code);
        char *cut = strrchr(code, '-');
        if (found || !cut) return found;
        *cut = 0;
    }
}

static const tb_language *look_up_name(const tb_languages *l, const char *name)
{
    char code[CODE_MAX + 1], wanted[TB_LANGUAGE_NAME_MAX + 1], listed[TB_LANGUAGE_NAME_MAX + 1];
    const char *known = tb_language_named(name);
    if (known) {
        snprintf(code, sizeof code, "%s", known);
        return look_up_cut(l, code);
    }
    tb_language_plain(name, wanted);
    for (size_t i = 0; i < l->n && *wanted; i++) {
        tb_language_plain(l->list[i].name, listed);
        if (strcmp(listed, wanted) == 0) return &l->list[i];
    }
    return NULL;
}

/* A distance to the beginning of a name that is as long as what was asked for. */
static size_t distance_to_start(const char *wanted, const char *name, size_t name_len)
{
    char start[TB_LANGUAGE_NAME_MAX + 1], folded[TB_LANGUAGE_NAME_MAX + 1];
    if (name_len > TB_LANGUAGE_NAME_MAX) name_len = TB_LANGUAGE_NAME_MAX;
    snprintf(start, sizeof start, "%.*s", (int)name_len, name);
    tb_language_plain(start, folded);
    if (strlen(folded) > strlen(wanted)) folded[strlen(wanted)] = 0;
    return tb_str_distance(wanted, folded, TB_LANGUAGE_NAME_MAX);
}

/* For each language of the list, how far the nearest of its code and names is from `wanted`. */
static void measure(const tb_languages *l, const char *wanted, size_t distance[MOST])
{
    const char *names, *code;
    for (size_t i = 0; i < l->n; i++) {
        size_t d = tb_str_distance(wanted, l->list[i].code, TB_LANGUAGE_NAME_MAX);
        size_t e = distance_to_start(wanted, l->list[i].name, strlen(l->list[i].name));
        distance[i] = d < e ? d : e;
    }
    for (size_t i = 0; (code = tb_language_names(i, &names)); i++) {
        const tb_language *language = look_up(l, code);
        for (const char *p = names; language && *p;) {
            size_t len = strcspn(p, "|"), d = distance_to_start(wanted, p, len);
            if (d < distance[language - l->list]) distance[language - l->list] = d;
            p += len + (p[len] == '|');
        }
    }
}

/* The five nearest codes. */
static void nearest(const tb_languages *l, const char *wanted, char *out, size_t size)
{
    enum { FIVE = 5 };
    size_t at[FIVE], distance[MOST], n = 0, used = 0;
    measure(l, wanted, distance);
    for (size_t i = 0; i < l->n; i++) {
        if (n == FIVE && distance[i] >= distance[at[n - 1]]) continue;
        size_t k = n < FIVE ? n++ : n - 1;
        for (; k > 0 && distance[at[k - 1]] > distance[i]; k--)
            at[k] = at[k - 1];
        at[k] = i;
    }
    out[0] = 0;
    for (size_t i = 0; i < n && used < size; i++)
        used +=
            (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", l->list[at[i]].code);
}

static bool is_code(const char *s)
{
    size_t len = strlen(s);
    for (const char *p = s; *p; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '-')) return false;
    return len >= 2 && len <= CODE_MAX;
}

/* Letters of any script and the punctuation of names; nothing with a meaning in a shell, a path or
 * markup. */
static bool is_name(const char *s)
{
    size_t len = strlen(s), n;
    if (len < 2 || len > TB_LANGUAGE_NAME_MAX) return false;
    for (size_t i = 0; i < len; i += n) {
        uint32_t cp = tb_utf8_next(s + i, len - i, &n);
        if (cp == TB_UTF8_BAD || cp == 0 ||
            (cp < 0x80 && !tb_utf8_is_word(cp) && !strchr(" -_'(),.", (int)cp)))
            return false;
    }
    return true;
}

tb_status tb_languages_find(const tb_languages *l, const char *wanted, const tb_language **out,
                            tb_err *err)
{
    char code[TB_LANGUAGE_NAME_MAX + 1], folded[TB_LANGUAGE_NAME_MAX + 1], near[200];
    if (!wanted || !*wanted) wanted = l->default_code;
    snprintf(code, sizeof code, "%s", wanted);
    tb_str_lower(code);
    for (char *p = code; *p; p++)
        if (*p == '_') *p = '-';
    *out = is_code(code) ? look_up_cut(l, code) : NULL;
    if (*out) return TB_OK;
    if (!is_name(wanted)) {
        snprintf(near, sizeof near, "%.40s", wanted);
        tb_utf8_trim(near);
        return tb_fail_field(err, TB_EINVAL, "language",
                             "language '%s' is neither a language code (es, pt-br) nor the name of "
                             "a language (Spanish, español); either has 2 to 64 letters",
                             near);
    }
    *out = look_up_name(l, wanted);
    if (*out) return TB_OK;
    tb_language_plain(wanted, folded);
    nearest(l, folded, near, sizeof near);
    return tb_fail_field(err, TB_EINVAL, "language",
                         "language '%s' cannot be spoken; near it are %s "
                         "(GET /languages lists them all)",
                         wanted, near);
}

tb_status tb_languages_code(const tb_languages *l, const char *wanted,
                            char code[TB_LANGUAGE_CODE + 1], tb_err *err)
{
    char cut[CODE_MAX + 1];
    const tb_language *found;
    tb_status st = tb_languages_find(l, wanted, &found, err);
    if (st) return st;
    const char *named = tb_language_named(wanted);
    snprintf(code, TB_LANGUAGE_CODE + 1, "%s", wanted);
    tb_str_lower(code);
    for (char *p = code; *p; p++)
        if (*p == '_') *p = '-';
    snprintf(cut, sizeof cut, "%s", code);
    if (!is_code(code) || !look_up_cut(l, cut))
        snprintf(code, TB_LANGUAGE_CODE + 1, "%s", named ? named : found->code);
    return TB_OK;
}
