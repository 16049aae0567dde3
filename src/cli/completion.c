#include "ambience/ambience.h"
#include "base/file.h"
#include "base/mem.h"
#include "catalogue/catalogue.h"
#include "cli/cli_priv.h"
#include "codec/encode.h"
#include "embedded/speak.h"
#include "store/store.h"

#include <string.h>

/*
 * Completion of the shells, printed from the same tables as --help. The shell's function finds the
 * command, then what may stand at the cursor: a command's word, a flag, or a value. Values that are
 * known when the function is printed stand in it; voices, beds and languages are asked for at each
 * key, by the hidden command `timbre complete KIND`. Names of voices come from clients of the
 * server, so they only ever pass through `read` and `printf %q`: compgen -W would expand them.
 */

/* What the shell offers for a value: words, what `complete` prints (@), files or folders. */
static const struct {
    const char *command, *flag, *offer;
} values[] = {
    {"say", "--voice", "default @voices files"},
    {"say", "--ambience", "@ambiences"},
    {"say", "--format", "@formats"},
    {"model convert", "--type", TB_MODEL_TYPES(" ")},
    {"model convert", "--variant", TB_MODEL_VARIANTS(" ")},
    {"model show", "--variant", TB_MODEL_VARIANTS(" ")},
    {"pronunciations add", "--in", "@languages"},
    {"pronunciations remove", "--in", "@languages"},
    {"probe", "--type", TB_MODEL_TYPES(" ")},
};

/* The same for what stands behind a command; the rest takes what --help calls its arguments. */
static const struct {
    const char *command, *offer;
} arguments[] = {
    {"voices show", "@voices"},
    {"voices rename", "@voices"},
    {"voices remove", "@voices"},
    {"voices add", "files"},
    {"model pull", TB_MODEL_VARIANTS(" ")},
    {"model convert", "folders"},
    {"model show", "files"},
    {"completion", "bash zsh"},
    {"history remove", "all"},
    {"say", "-"},
};

static const char *offer_of(const tb_cli_command *c, const tb_cli_option *o)
{
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        if (strcmp(values[i].command, c->name) == 0 && strcmp(values[i].flag, o->flag) == 0)
            return values[i].offer;
    if (strcmp(o->value, "FILE") == 0) return "files";
    if (strcmp(o->value, "DIR") == 0 || strcmp(o->value, "FOLDER") == 0) return "folders";
    return "none";
}

static const char *offer_of_setting(const tb_setting_info *s)
{
    if (strcmp(s->name, "LANGUAGE") == 0) return "@languages";
    if (strcmp(s->type, "switch") == 0) return "0 1";
    if (strcmp(s->type, "choice") == 0) return s->allowed;
    if (strcmp(s->type, "folder") == 0) return "folders";
    if (strcmp(s->type, "file") == 0 || strcmp(s->type, "path") == 0) return "files";
    return "none";
}

/* An offer as a statement of the shell. Choices have bars between them. */
static void print_offer(FILE *out, const char *offer)
{
    fputs(" offer='", out);
    for (const char *p = offer; *p; p++)
        fputc(*p == '|' ? ' ' : *p, out);
    fputs("' ;;\n", out);
}

static void print_values(FILE *out, const tb_cli_command *commands)
{
    const tb_setting_info *s;
    fputs("  case \"$cmd $prev\" in\n    *' --help') offer=settings ;;\n", out);
    for (const tb_cli_command *c = commands; c->name; c++)
        for (const tb_cli_option *o = c->options; !c->hidden && o && o->flag; o++) {
            if (!o->value) continue;
            fprintf(out, "    '%s %s'", c->name, o->flag);
            if (o->brief) fprintf(out, "|'%s %s'", c->name, o->brief);
            fputc(')', out);
            print_offer(out, offer_of(c, o));
        }
    for (size_t i = 0; (s = tb_config_setting(i)); i++) {
        /* A switch needs no value: only one that is written with = is completed. */
        if (strcmp(s->type, "switch") == 0)
            fprintf(out, "    *' %s') [[ $equals ]] &&", s->flag);
        else
            fprintf(out, "    *' %s')", s->flag);
        print_offer(out, offer_of_setting(s));
    }
    fputs("  esac\n", out);
}

/* The words that may stand first, or behind a group's first word. */
static void words(FILE *out, const tb_cli_command *commands, const char *group)
{
    size_t n = group ? strlen(group) : 0;
    const char *last = "";
    for (const tb_cli_command *c = commands; c->name; c++) {
        if (c->hidden) continue;
        if (group) {
            if (strncmp(c->name, group, n) == 0 && c->name[n] == ' ')
                fprintf(out, " %s", c->name + n + 1);
            continue;
        }
        size_t len = strcspn(c->name, " ");
        if (strlen(last) >= len && strncmp(last, c->name, len) == 0 &&
            (last[len] == 0 || last[len] == ' '))
            continue;
        last = c->name;
        fprintf(out, " %.*s", (int)len, c->name);
    }
}

static void print_places(FILE *out, const tb_cli_command *commands)
{
    static const char *const groups[] = {"voices", "pronunciations", "history", "model"};
    const tb_setting_info *s;
    fputs("  if [[ -z $offer ]]; then\n    case \"$COMP_CWORD ${COMP_WORDS[1]}\" in\n"
          "      1\\ *) offer='help --help --version",
          out);
    words(out, commands, NULL);
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        fprintf(out, "' ;;\n      2\\ %s) offer='", groups[i]);
        words(out, commands, groups[i]);
    }
    fputs("' ;;\n      2\\ help) offer='settings", out);
    words(out, commands, NULL);
    fputs(
        "' ;;\n    esac\n  fi\n  if [[ -z $offer && $cur == -* ]]; then\n    offer='--json --help",
        out);
    for (size_t i = 0; (s = tb_config_setting(i)); i++)
        fprintf(out, " %s", s->flag);
    fputs("'\n    case $cmd in\n", out);
    for (const tb_cli_command *c = commands; c->name; c++) {
        if (c->hidden || !c->options) continue;
        fprintf(out, "      '%s') offer=\"", c->name);
        for (const tb_cli_option *o = c->options; o->flag; o++)
            fprintf(out, "%s ", o->flag);
        fputs("$offer\" ;;\n", out);
    }
    fputs("    esac\n  fi\n  if [[ -z $offer ]]; then\n    case $cmd in\n", out);
    for (size_t i = 0; i < sizeof arguments / sizeof arguments[0]; i++) {
        fprintf(out, "      '%s')", arguments[i].command);
        print_offer(out, arguments[i].offer);
    }
    fputs("    esac\n  fi\n", out);
}

static void print_commands(FILE *out, const tb_cli_command *commands)
{
    fputs("  case \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n", out);
    for (const tb_cli_command *c = commands; c->name; c++) {
        if (c->hidden) continue;
        fprintf(out, strchr(c->name, ' ') ? "    '%s') cmd='%s' ;;\n" : "    '%s '*) cmd='%s' ;;\n",
                c->name, c->name);
    }
    fputs("  esac\n", out);
}

int tb_cli_run_completion(tb_cli *cli)
{
    const char *shell = cli->args[0];
    FILE *out = stdout;
    bool zsh = strcmp(shell, "zsh") == 0;
    if (!zsh && strcmp(shell, "bash") != 0) {
        fprintf(stderr, "timbre: completion is for bash or zsh, not %s\n", shell);
        return TB_EXIT_USAGE;
    }
    if (zsh) fputs("#compdef timbre\nautoload -U +X bashcompinit && bashcompinit\n", out);
    fputs(
        "# Offers the lines of its input that begin with what is typed. They are never expanded.\n"
        "_timbre_lines() {\n"
        "  local line\n"
        "  while IFS= read -r line; do\n"
        "    [[ $line == \"${cur//\\\\/}\"* ]] || continue\n"
        "    [[ -n $ZSH_VERSION ]] || printf -v line %q \"$line\"\n"
        "    COMPREPLY+=(\"$line\")\n"
        "  done\n"
        "}\n"
        "_timbre() {\n"
        "  local cur=${COMP_WORDS[COMP_CWORD]} prev= cmd= offer= equals= word= i\n"
        "  local program=${COMP_WORDS[0]} where=\n"
        "  COMPREPLY=()\n"
        "  program=${program/#\\~/$HOME}\n"
        "  [[ $COMP_CWORD -gt 0 ]] && prev=${COMP_WORDS[COMP_CWORD-1]}\n"
        "  if [[ $cur == = ]]; then\n"
        "    cur= equals=1\n"
        "  elif [[ $prev == = ]]; then\n"
        "    prev=${COMP_WORDS[COMP_CWORD-2]} equals=1\n"
        "  fi\n"
        "  for ((i = 1; i + 1 < COMP_CWORD; i++)); do\n"
        "    if [[ ${COMP_WORDS[i]} == --data ]]; then\n"
        "      where=${COMP_WORDS[i+1]}\n"
        "      [[ $where == = ]] && where=${COMP_WORDS[i+2]}\n"
        "    fi\n"
        "  done\n",
        out);
    print_commands(out, cli->commands);
    print_values(out, cli->commands);
    print_places(out, cli->commands);
    fputs("  while [[ -n $offer ]]; do\n"
          "    word=${offer%% *}\n"
          "    [[ $offer == *' '* ]] && offer=${offer#* } || offer=\n"
          "    case $word in\n"
          "      ''|none) ;;\n"
          "      files) COMPREPLY+=($(compgen -f -- \"$cur\")) ;;\n"
          "      folders) COMPREPLY+=($(compgen -d -- \"$cur\")) ;;\n"
          "      @*) _timbre_lines < <(\"$program\" complete \"${word#@}\" "
          "${where:+\"--data=$where\"} "
          "2>/dev/null) ;;\n"
          "      *) [[ $word == \"$cur\"* ]] && COMPREPLY+=(\"$word\") ;;\n"
          "    esac\n"
          "  done\n"
          "  return 0\n"
          "}\n"
          "complete -o filenames -F _timbre timbre\n",
          out);
    return TB_EXIT_OK;
}

/* ---- timbre complete KIND ---- */

static tb_status print_voices(const tb_config *c, tb_err *err)
{
    tb_store *store = NULL;
    tb_voice_list list = {0};
    char *file = tb_path_join(c->data, "timbre.db");
    tb_status st = TB_OK;
    if (tb_file_exists(file)) { /* opening would make one */
        st = tb_store_open(c->data, false, &store, err);
        if (!st) st = tb_store_voice_list(store, &list, err);
        for (size_t i = 0; i < list.n; i++)
            puts(list.rows[i].id);
    }
    tb_voice_list_clear(&list);
    tb_store_close(store);
    tb_free(file);
    return st;
}

static tb_status print_ambiences(const tb_config *c, tb_err *err)
{
    tb_ambience_set *set = NULL;
    tb_status st = tb_ambience_open(c->ambience_dir, &set, err);
    for (size_t i = 0; !st && i < tb_ambience_count(set); i++)
        puts(tb_ambience_at(set, i)->id);
    tb_ambience_close(set);
    return st;
}

static tb_status print_languages(const tb_config *c, tb_err *err)
{
    tb_embedded *embedded = NULL;
    const tb_language *list = NULL;
    tb_embedded_config config = {.default_language = c->language,
                                 .default_base = c->default_base,
                                 .espeak_program = c->espeak_program,
                                 .espeak_data_path = c->espeak_data_path};
    tb_status st = tb_embedded_open(&config, &embedded, err);
    size_t n = st ? 0 : tb_embedded_languages(embedded, &list);
    for (size_t i = 0; i < n; i++)
        puts(list[i].code);
    tb_embedded_close(embedded);
    return st;
}

int tb_cli_run_complete(tb_cli *cli)
{
    const char *kind = cli->args[0];
    tb_err err = {0};
    tb_status st = TB_OK;
    if (tb_cli_load_config(cli, &err)) return tb_cli_fail(cli, &err);
    if (strcmp(kind, "voices") == 0)
        st = print_voices(&cli->config, &err);
    else if (strcmp(kind, "ambiences") == 0)
        st = print_ambiences(&cli->config, &err);
    else if (strcmp(kind, "languages") == 0)
        st = print_languages(&cli->config, &err);
    else if (strcmp(kind, "formats") == 0)
        for (int i = 0; i < TB_FORMAT_COUNT; i++)
            puts(tb_format_name((tb_format)i));
    else
        return tb_cli_usage(cli, "complete knows voices, ambiences, languages, formats");
    return st ? tb_cli_fail(cli, &err) : TB_EXIT_OK;
}
