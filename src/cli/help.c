#include "cli/cli_priv.h"

#include <string.h>

/* --help, the manual page and completion: three prints of the same tables. */

static void help_all(FILE *out)
{
    fputs("timbre: speech in a person's voice, from a text and a short recording of them\n\n"
          "usage: timbre COMMAND [OPTIONS] [ARGUMENTS]\n\n",
          out);
    for (const tb_cli_command *c = tb_cli_commands; c->name; c++) {
        char left[64];
        if (c->hidden) continue;
        snprintf(left, sizeof left, "%s %s", c->name, c->args);
        fprintf(out, "  %-26s %s\n", left, c->summary);
    }
    fputs("\nEvery command takes --help, --json, and any setting as a flag (--data DIR, --port N;\n"
          "see timbre serve --help). Settings are read from .env in the working directory, the\n"
          "environment and flags; later ones win.\n",
          out);
}

void tb_cli_help(FILE *out, const tb_cli_command *command)
{
    if (!command) {
        help_all(out);
        return;
    }
    fprintf(out, "usage: timbre %s [OPTIONS] %s\n\n%s\n", command->name, command->args,
            command->summary);
    if (command->details) fprintf(out, "\n%s\n", command->details);
    fputs("\noptions:\n", out);
    for (const tb_cli_option *o = command->options; o && o->flag; o++) {
        char left[64];
        snprintf(left, sizeof left, "%s%s%s%s%s", o->brief ? o->brief : "", o->brief ? ", " : "",
                 o->flag, o->value ? " " : "", o->value ? o->value : "");
        fprintf(out, "  %-26s %s\n", left, o->help);
    }
    fputs("  --json                     print JSON\n"
          "  --help                     this\n"
          "  --version                  the version\n\nsettings:\n",
          out);
    const tb_setting_info *s;
    for (size_t i = 0; (s = tb_config_setting(i)); i++)
        fprintf(out, "  %-26s %s [%s]\n", s->flag, s->help, *s->fallback ? s->fallback : "empty");
}

/* A leading dot or quote would be a request, a hyphen must stay one, a backslash is special. */
static void roff(FILE *out, const char *s)
{
    if (*s == '.' || *s == '\'') fputs("\\&", out);
    for (; *s; s++) {
        if (*s == '-')
            fputs("\\-", out);
        else if (*s == '\\')
            fputs("\\e", out);
        else
            fputc(*s, out);
    }
}

static void man_entry(FILE *out, const char *left, const char *text)
{
    fputs(".TP\n.B ", out);
    roff(out, left);
    fputc('\n', out);
    roff(out, text);
    fputc('\n', out);
}

void tb_cli_man(FILE *out)
{
    fputs(".TH TIMBRE 1 2026-11-24 \"timbre " TB_VERSION "\" \"User Commands\"\n"
          ".SH NAME\ntimbre \\- speech in a person's voice, from a text and a short recording\n"
          ".SH SYNOPSIS\n.B timbre\n.I command\n[options] [arguments]\n.SH COMMANDS\n",
          out);
    for (const tb_cli_command *c = tb_cli_commands; c->name; c++) {
        if (c->hidden) continue;
        fputs(".SS ", out);
        roff(out, c->name);
        if (*c->args) fputc(' ', out);
        roff(out, c->args);
        fputc('\n', out);
        roff(out, c->summary);
        fputs(".\n", out);
        if (c->details) {
            roff(out, c->details);
            fputc('\n', out);
        }
        for (const tb_cli_option *o = c->options; o && o->flag; o++) {
            char left[64];
            snprintf(left, sizeof left, "%s%s%s%s%s", o->brief ? o->brief : "",
                     o->brief ? ", " : "", o->flag, o->value ? " " : "", o->value ? o->value : "");
            man_entry(out, left, o->help);
        }
    }
    fputs(".SH SETTINGS\nFrom .env in the working directory, the environment, or as flags of any "
          "command; later ones win.\n",
          out);
    const tb_setting_info *s;
    for (size_t i = 0; (s = tb_config_setting(i)); i++) {
        char left[96], text[400];
        snprintf(left, sizeof left, "%s, %s", s->name, s->flag);
        snprintf(text, sizeof text, "%s. Allowed: %s. Default: %s.", s->help, s->allowed,
                 *s->fallback ? s->fallback : "empty");
        man_entry(out, left, text);
    }
    fputs(".SH EXIT STATUS\n0 done, 1 it failed, 2 the command line is wrong, 3 something needed "
          "is missing.\n",
          out);
}

static void flags_of(FILE *out, const tb_cli_command *c)
{
    for (const tb_cli_option *o = c->options; o && o->flag; o++)
        fprintf(out, " %s", o->flag);
    fputs(" --json --help", out);
}

static void settings_flags(FILE *out)
{
    const tb_setting_info *s;
    for (size_t i = 0; (s = tb_config_setting(i)); i++)
        fprintf(out, " %s", s->flag);
}

/* The words that may stand first, or behind a group's first word. */
static void words(FILE *out, const char *group)
{
    size_t n = group ? strlen(group) : 0;
    const char *last = "";
    for (const tb_cli_command *c = tb_cli_commands; c->name; c++) {
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

int tb_cli_completion(FILE *out, const char *shell)
{
    bool zsh = strcmp(shell, "zsh") == 0;
    if (!zsh && strcmp(shell, "bash") != 0) {
        fprintf(stderr, "timbre: completion is for bash or zsh, not %s\n", shell);
        return TB_EXIT_USAGE;
    }
    if (zsh) fputs("#compdef timbre\nautoload -U bashcompinit && bashcompinit\n", out);
    fputs("_timbre() {\n  local cur=${COMP_WORDS[COMP_CWORD]} words=\n  case "
          "\"$COMP_CWORD ${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n    1\\ *) words='",
          out);
    words(out, NULL);
    static const char *const groups[] = {"voices", "history", "model"};
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        fprintf(out, "' ;;\n    2\\ %s*) words='", groups[i]);
        words(out, groups[i]);
    }
    fputs("' ;;\n", out);
    for (const tb_cli_command *c = tb_cli_commands; c->name; c++) {
        if (c->hidden) continue;
        const char *space = strchr(c->name, ' ');
        fprintf(out, "    *\\ %.*s\\ %s*) words='",
                (int)(space ? space - c->name : (int)strlen(c->name)), c->name,
                space ? space + 1 : "");
        flags_of(out, c);
        settings_flags(out);
        fputs("' ;;\n", out);
    }
    fputs("  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n  "
          "[[ $cur != -* && $COMP_CWORD -gt 1 ]] && COMPREPLY+=($(compgen -f -- \"$cur\"))\n  "
          "return 0\n}\ncomplete -F _timbre timbre\n",
          out);
    return TB_EXIT_OK;
}
