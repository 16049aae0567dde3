/*
 * The command framework: finds the row of the table that the command line names, reads its options
 * and arguments, loads the configuration and runs it.
 *
 * Options are strings until a command asks for them; unknown ones, and settings that no setting
 * knows, are refused with a sentence and exit code 2. Help, manual page and completion are printed
 * from the same table (help.c, completion.c).
 */
#include "cli/cli_priv.h"

#include "base/child.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

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

void tb_cli_log_level(const char *name)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    for (int i = 0; i < 4; i++)
        if (strcmp(names[i], name) == 0) tb_log_set_level((tb_log_level)i);
}

/* The command whose one or two words argv starts with; *used counts them. */
static const tb_cli_command *find_command(const tb_cli_command *c, int argc, char **argv, int *used)
{
    for (; c->name; c++) {
        const char *space = strchr(c->name, ' ');
        size_t first = space ? (size_t)(space - c->name) : strlen(c->name);
        if (argc < 1 || strlen(argv[0]) != first || strncmp(argv[0], c->name, first) != 0) continue;
        if (!space) return *used = 1, c;
        if (argc > 1 && strcmp(argv[1], space + 1) == 0) return *used = 2, c;
    }
    return NULL;
}

static bool is_group(const tb_cli_command *c, const char *word)
{
    size_t n = strlen(word);
    for (; c->name; c++)
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

static int no_option(const tb_cli *cli, const char *flag, size_t len)
{
    char given[64];
    const char *near = NULL;
    size_t best = 2;
    const tb_setting_info *s;
    snprintf(given, sizeof given, "%.*s", (int)(len < 60 ? len : 60), flag);
    for (const tb_cli_option *o = cli->command->options; o && o->flag; o++) {
        size_t d = tb_str_distance(given, o->flag, best);
        if (d <= best && (!near || d < best)) near = o->flag, best = d;
    }
    for (size_t i = 0; (s = tb_config_setting(i)); i++) {
        size_t d = tb_str_distance(given, s->flag, best);
        if (d <= best && (!near || d < best)) near = s->flag, best = d;
    }
    return tb_cli_usage(cli, "there is no option %s%s%s%s", given, near ? "; did you mean " : "",
                        near ? near : "", near ? "?" : "");
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
            if (i + 1 < argc && strcmp(argv[i + 1], "settings") == 0)
                tb_cli_help_settings(stdout);
            else
                tb_cli_help(stdout, cli);
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
        if (!o && !s) return no_option(cli, a, len);
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
            if (cli->n_overrides + 1 == sizeof cli->overrides / sizeof cli->overrides[0])
                return tb_cli_usage(cli, "too many options");
            cli->overrides[cli->n_overrides++] = (tb_config_override){s->name, value};
        }
    }
    if (cli->n_args < cli->command->least || cli->n_args > cli->command->most)
        return tb_cli_usage(cli, "%s takes %s", cli->command->name,
                            *cli->command->args ? cli->command->args : "no arguments");
    return -1;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

/* The list of a group's commands: asked for, or because the word behind it is none of them. */
static int help_group(const tb_cli_command *c, int argc, char **argv, bool help)
{
    const char *group = argv[0], *sub = argc > 1 ? argv[1] : NULL;
    bool asked = !sub || strcmp(sub, "--help") == 0 || strcmp(sub, "-h") == 0;
    if (!asked) fprintf(stderr, "timbre: %s has no command %s\n", group, sub);
    for (; c->name; c++)
        if (strncmp(c->name, group, strlen(group)) == 0 && !c->hidden)
            fprintf(asked && sub ? stdout : stderr, "  timbre %-26s %s\n", c->name, c->summary);
    return asked && (sub || help) ? TB_EXIT_OK : TB_EXIT_USAGE;
}

/*
 * Commands read their settings here; serve's data stands in its working directory unless DATA says
 * otherwise, that of the others in the user's. What fails is told once, by tb_cli_fail: the log of
 * a command that is not a server is for who asks for it.
 */
tb_status tb_cli_load_config(tb_cli *cli, tb_err *err)
{
    const bool serve = strcmp(cli->command->name, "serve") == 0;
    bool data = false, log = false;
    for (size_t i = 0; i < cli->n_overrides; i++) {
        data |= strcmp(cli->overrides[i].name, "DATA") == 0;
        log |= strcmp(cli->overrides[i].name, "LOG_LEVEL") == 0;
    }
    if (!serve && !data) cli->user_data = tb_config_user_data(".env");
    if (cli->user_data)
        cli->overrides[cli->n_overrides++] = (tb_config_override){"DATA", cli->user_data};
    tb_status st = tb_config_load(".env", cli->overrides, cli->n_overrides, &cli->config, err);
    if (!st && !serve && !log) tb_log_set_level(TB_ERROR);
    if (!st && log) tb_cli_log_level(cli->config.log_level);
    return st;
}

int tb_cli_main(int argc, char **argv, const tb_cli_command *commands)
{
    tb_cli *cli = tb_alloc(sizeof *cli);
    tb_err err = {0};
    int used = 0, code;
    cli->program = argv[0];
    cli->commands = commands;
    tb_child_self(); /* fills its static storage before there are threads */

    const char *first = argc > 1 ? argv[1] : NULL;
    const bool help = first && is_help(first);
    if (!first || (help && argc == 2)) {
        tb_cli_help(first ? stdout : stderr, cli);
        code = first ? TB_EXIT_OK : TB_EXIT_USAGE;
        goto out;
    }
    if (strcmp(first, "--version") == 0) {
        puts("timbre " TB_VERSION);
        code = TB_EXIT_OK;
        goto out;
    }
    if (help && strcmp(argv[2], "settings") == 0) {
        tb_cli_help_settings(stdout);
        code = TB_EXIT_OK;
        goto out;
    }
    cli->command = find_command(commands, argc - 1 - help, argv + 1 + help, &used);
    if (!cli->command && is_group(commands, argv[1 + help])) {
        code = help_group(commands, argc - 1 - help, argv + 1 + help, help);
        goto out;
    }
    if (!cli->command) {
        code = tb_cli_usage(cli, "there is no command %s", argv[1 + help]);
        goto out;
    }
    if (help) {
        tb_cli_help(stdout, cli);
        code = TB_EXIT_OK;
        goto out;
    }
    code = read_args(cli, argc - 1 - used, argv + 1 + used);
    if (code >= 0) goto out;
    if (!cli->command->hidden && tb_cli_load_config(cli, &err)) {
        code = tb_cli_fail(cli, &err);
        goto out;
    }
    code = cli->command->run(cli);
out:
    tb_config_clear(&cli->config);
    tb_free(cli->user_data);
    tb_free(cli);
    return code;
}
