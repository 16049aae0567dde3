#include "base/json.h"
#include "base/mem.h"
#include "commands.h"

#include <signal.h>

int main(int argc, char **argv)
{
    tb_mem_setup();
    tb_json_setup();
    signal(SIGPIPE, SIG_IGN); /* a reader who left is an error of write, not the end of us */
    signal(SIGXFSZ, SIG_IGN); /* nor is a limit of a file's size (ulimit -f) */
    return tb_cli_main(argc, argv, tb_commands);
}
