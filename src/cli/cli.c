#include "cli/cli.h"

#include "base/child.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/cli_priv.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const char *tb_cli_get(const tb_cli *cli, const char *flag)
{
    for (int i = 0; i < cli->n_given; i++)
        if (strcmp(cli->given[i].flag, flag) == 0)
            return cli->given[i].value ? cli->given[i].value : "";
    return NULL;
}

int tb_cli_fail(const tb_cli *cli, const tb_err *err)
{
    if (cli->json) {
        tb_json *v = tb_json_object();
        tb_json_set_string(v, "error", err->msg);
        tb_json_set_string(v, "code", tb_status_name(err->status));
        if (err->field[0]) tb_json_set_string(v, "field", err->field);
        char *text = tb_json_print(v);
        fprintf(stderr, "%s\n", text);
        tb_free(text);
        tb_json_free(v);
    } else {
        fprintf(stderr, "timbre: %s\n", err->msg);
    }
    return err->status == TB_EUNREADY ? TB_EXIT_MISSING : TB_EXIT_FAILED;
}

int tb_cli_usage(const tb_cli *cli, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("timbre: ", stderr);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "\ntry: timbre%s%s --help\n", cli->command ? " " : "",
            cli->command ? cli->command->name : "");
    return TB_EXIT_USAGE;
}

int tb_cli_print_json(tb_json *v)
{
    char *text = tb_json_print_pretty(v);
    bool ok = puts(text) >= 0 && fflush(stdout) == 0;
    tb_free(text);
    tb_json_free(v);
    return ok ? TB_EXIT_OK : TB_EXIT_FAILED;
}

/* The command whose one or two words argv starts with; *used counts them. */
static const tb_cli_command *find_command(int argc, char **argv, int *used)
{
    for (const tb_cli_command *c = tb_cli_commands; c->name; c++) {
        const char *space = strchr(c->name, ' ');
        size_t first = space ? (size_t)(space - c->name) : strlen(c->name);
        if (argc < 1 || strlen(argv[0]) != first || strncmp(argv[0], c->name, first) != 0) continue;
        if (!space) return *used = 1, c;
        if (argc > 1 && strcmp(argv[1], space + 1) == 0) return *used = 2, c;
    }
    return NULL;
}

static bool is_group(const char *word)
{
    size_t n = strlen(word);
    for (const tb_cli_command *c = tb_cli_commands; c->name; c++)
        if (strncmp(c->name, word, n) == 0 && c->name[n] == ' ') return true;
    return false;
}

static const tb_cli_option *find_option(const tb_cli_command *c, const char *flag, size_t len)
{
    for (const tb_cli_option *o = c->options; o && o->flag; o++)
        if ((strlen(o->flag) == len && strncmp(o->flag, flag, len) == 0) ||
            (o->brief && strlen(o->brief) == len && strncmp(o->brief, flag, len) == 0))
            return o;
    return NULL;
}

static const tb_setting_info *find_setting(const char *flag, size_t len)
{
    const tb_setting_info *s;
    for (size_t i = 0; (s = tb_config_setting(i)); i++)
        if (strlen(s->flag) == len && strncmp(s->flag, flag, len) == 0) return s;
    return NULL;
}

/* Reads options and arguments behind the command; -1 to go on, else the exit code. */
static int read_args(tb_cli *cli, int argc, char **argv)
{
    bool plain = cli->command->hidden && !cli->command->options;
    for (int i = 0; i < argc; i++) {
        const char *a = argv[i], *eq = strchr(a, '='), *value = NULL;
        size_t len = eq && a[0] == '-' && a[1] == '-' ? (size_t)(eq - a) : strlen(a);
        if (plain || a[0] != '-' || !a[1]) {
            if (cli->n_args == TB_CLI_ARGS) return tb_cli_usage(cli, "too many arguments");
            cli->args[cli->n_args++] = a;
            continue;
        }
        if (strcmp(a, "--") == 0) {
            plain = true;
            continue;
        }
        if (strcmp(a, "--help") == 0 || strcmp(a, "-h") == 0) {
            tb_cli_help(stdout, cli->command);
            return TB_EXIT_OK;
        }
        if (strcmp(a, "--version") == 0) {
            puts("timbre " TB_VERSION);
            return TB_EXIT_OK;
        }
        if (strcmp(a, "--json") == 0) {
            cli->json = true;
            continue;
        }
        const tb_cli_option *o = find_option(cli->command, a, len);
        const tb_setting_info *s = o ? NULL : find_setting(a, len);
        if (!o && !s) return tb_cli_usage(cli, "there is no option %.*s", (int)len, a);
        if (s || o->value) {
            if (a[len] == '=')
                value = a + len + 1;
            else if (s && strcmp(s->type, "switch") == 0)
                value = "1";
            else if (i + 1 < argc)
                value = argv[++i];
            else
                return tb_cli_usage(cli, "%s needs a value", a);
        }
        if (o) {
            if (cli->n_given == TB_CLI_OPTIONS) return tb_cli_usage(cli, "too many options");
            cli->given[cli->n_given].flag = o->flag;
            cli->given[cli->n_given++].value = value;
        } else {
            if (cli->n_overrides == sizeof cli->overrides / sizeof cli->overrides[0])
                return tb_cli_usage(cli, "too many options");
            cli->overrides[cli->n_overrides++] = (tb_config_override){s->name, value};
        }
    }
    if (cli->n_args < cli->command->least || cli->n_args > cli->command->most)
        return tb_cli_usage(cli, "%s takes %s", cli->command->name,
                            *cli->command->args ? cli->command->args : "no arguments");
    return -1;
}

int tb_cli_main(int argc, char **argv)
{
    tb_cli *cli = tb_alloc(sizeof *cli);
    tb_err err = {0};
    int used = 0, code;
    cli->program = argv[0];
    tb_child_self(); /* fills its static storage before there are threads */

    const char *first = argc > 1 ? argv[1] : NULL;
    if (!first || strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 ||
        (strcmp(first, "help") == 0 && argc == 2)) {
        tb_cli_help(first ? stdout : stderr, NULL);
        code = first ? TB_EXIT_OK : TB_EXIT_USAGE;
        goto out;
    }
    if (strcmp(first, "--version") == 0) {
        puts("timbre " TB_VERSION);
        code = TB_EXIT_OK;
        goto out;
    }
    bool help = strcmp(first, "help") == 0;
    cli->command = find_command(argc - 1 - help, argv + 1 + help, &used);
    if (!cli->command && is_group(argv[1 + help])) {
        const char *sub = argc > 2 + help ? argv[2 + help] : NULL;
        bool asked = !sub || strcmp(sub, "--help") == 0 || strcmp(sub, "-h") == 0;
        if (!asked) fprintf(stderr, "timbre: %s has no command %s\n", argv[1 + help], sub);
        for (const tb_cli_command *c = tb_cli_commands; c->name; c++)
            if (strncmp(c->name, argv[1 + help], strlen(argv[1 + help])) == 0 && !c->hidden)
                fprintf(asked && sub ? stdout : stderr, "  timbre %-26s %s\n", c->name, c->summary);
        code = asked && (sub || help) ? TB_EXIT_OK : TB_EXIT_USAGE;
        goto out;
    }
    if (!cli->command) {
        code = tb_cli_usage(cli, "there is no command %s", argv[1 + help]);
        goto out;
    }
    if (help) {
        tb_cli_help(stdout, cli->command);
        code = TB_EXIT_OK;
        goto out;
    }
    code = read_args(cli, argc - 1 - used, argv + 1 + used);
    if (code >= 0) goto out;
    if (!cli->command->hidden) {
        if (tb_config_load(".env", cli->overrides, cli->n_overrides, &cli->config, &err)) {
            code = tb_cli_fail(cli, &err);
            goto out;
        }
    }
    code = cli->command->run(cli);
out:
    tb_config_clear(&cli->config);
    tb_free(cli);
    return code;
}
