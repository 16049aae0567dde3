/*
 * --help of every command, the list of settings, and the manual page: prints of the tables of
 * commands and settings. Nothing is written twice: names, sentences, defaults and ranges come from
 * the rows. Text of the manual page is escaped for roff.
 */
#include "cli/cli_priv.h"

#include "params/params.h"

#include <string.h>

/* An option's sentence with the ranges of the fields that it names; other braces stay. */
static const char *option_help(const tb_cli_option *o, char *out, size_t size)
{
    size_t n = 0;
    for (const char *c = o->help; *c && n + 1 < size; c++) {
        char name[64], range[128];
        const size_t len = *c == '{' ? strcspn(c + 1, "={}") : 0;
        const char *end = c + 1 + len;
        const bool fallback = len && *end == '=';
        const tb_param *p = NULL;
        if (len && len < sizeof name && end[fallback] == '}') {
            snprintf(name, sizeof name, "%.*s", (int)len, c + 1);
            p = tb_param_find(name);
        }
        if (!p || (fallback && !p->fallback)) {
            out[n++] = *c;
            continue;
        }
        tb_param_range(p, range, sizeof range);
        n += (size_t)snprintf(out + n, size - n, "%s", fallback ? p->fallback : range);
        if (n >= size) n = size - 1;
        c = end + fallback;
    }
    out[n] = 0;
    return out;
}

static void help_all(FILE *out, const tb_cli_command *c)
{
    fputs("timbre: speech in a person's voice, from a text and a short recording of them\n\n"
          "usage: timbre COMMAND [OPTIONS] [ARGUMENTS]\n\n",
          out);
    for (; c->name; c++) {
        char left[64];
        if (c->hidden) continue;
        snprintf(left, sizeof left, "%s %s", c->name, c->args);
        fprintf(out, "  %-26s %s\n", left, c->summary);
    }
    fputs(
        "\nEvery command takes --help, --json, and any setting as a flag (--data DIR, --port N);\n"
        "timbre --help settings lists them. They are read from .env in the working directory, the\n"
        "environment and flags; later ones win.\n",
        out);
}

void tb_cli_help(FILE *out, const tb_cli *cli)
{
    const tb_cli_command *command = cli->command;
    if (!command) {
        help_all(out, cli->commands);
        return;
    }
    fprintf(out, "usage: timbre %s [OPTIONS] %s\n\n%s\n", command->name, command->args,
            command->summary);
    if (command->details) fprintf(out, "\n%s\n", command->details);
    fputs("\noptions:\n", out);
    for (const tb_cli_option *o = command->options; o && o->flag; o++) {
        char left[64], text[400];
        snprintf(left, sizeof left, "%s%s%s%s%s", o->brief ? o->brief : "", o->brief ? ", " : "",
                 o->flag, o->value ? " " : "", o->value ? o->value : "");
        fprintf(out, "  %-26s %s\n", left, option_help(o, text, sizeof text));
    }
    fputs(
        "  --json                     print JSON\n"
        "  --help                     print this help; --help settings lists the settings, each of "
        "which is a flag too\n"
        "  --version                  print the version\n",
        out);
}

void tb_cli_help_settings(FILE *out)
{
    const tb_setting_info *s;
    fputs("Settings, from .env in the working directory (NAME=value), the environment, or as flags "
          "of\n"
          "any command; later ones win. In brackets: the default.\n\n",
          out);
    for (size_t i = 0; (s = tb_config_setting(i)); i++) {
        char allowed[TB_CONFIG_ALLOWED];
        fprintf(out, "%s, %s\n    %s; allowed: %s [%s]\n", s->name, s->flag, s->help,
                tb_config_allowed(s, allowed), *s->fallback ? s->fallback : "empty");
    }
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

int tb_cli_run_man(tb_cli *cli)
{
    FILE *out = stdout;
    fputs(".TH TIMBRE 1 2026-11-24 \"timbre " TB_VERSION "\" \"User Commands\"\n"
          ".SH NAME\ntimbre \\- speech in a person's voice, from a text and a short recording\n"
          ".SH SYNOPSIS\n.B timbre\n.I command\n[options] [arguments]\n.SH COMMANDS\n",
          out);
    for (const tb_cli_command *c = cli->commands; c->name; c++) {
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
            char left[64], text[400];
            snprintf(left, sizeof left, "%s%s%s%s%s", o->brief ? o->brief : "",
                     o->brief ? ", " : "", o->flag, o->value ? " " : "", o->value ? o->value : "");
            man_entry(out, left, option_help(o, text, sizeof text));
        }
    }
    fputs(".SH SETTINGS\nFrom .env in the working directory, the environment, or as flags of any "
          "command; later ones win.\n",
          out);
    const tb_setting_info *s;
    for (size_t i = 0; (s = tb_config_setting(i)); i++) {
        char left[96], text[400], allowed[TB_CONFIG_ALLOWED];
        snprintf(left, sizeof left, "%s, %s", s->name, s->flag);
        snprintf(text, sizeof text, "%s. Allowed: %s. Default: %s.", s->help,
                 tb_config_allowed(s, allowed), *s->fallback ? s->fallback : "empty");
        man_entry(out, left, text);
    }
    fputs(".SH EXIT STATUS\n0 done, 1 it failed, 2 the command line is wrong, 3 something needed "
          "is missing.\n",
          out);
    return TB_EXIT_OK;
}

int tb_cli_run_settings(tb_cli *cli)
{
    tb_str out;
    tb_str_init(&out, 1 << 20);
    if (tb_cli_get(cli, "--requests"))
        tb_params_markdown(&out);
    else
        tb_config_markdown(&out);
    fputs(out.data, stdout);
    tb_str_clear(&out);
    return TB_EXIT_OK;
}
