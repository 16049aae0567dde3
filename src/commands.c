/*
 * The table of commands: name, arguments, summary, details, number of arguments, function, options.
 *
 * The command line is parsed from it, and --help, the manual page and the completion of shells are
 * printed from it. The two hidden rows are the child processes of decoder and flite.
 */
#include "commands.h"

#include "bench/bench.h"
#include "catalogue/catalogue.h"
#include "cli/commands.h"
#include "codec/decode.h"
#include "embedded/speak.h"
#include "probe/probe.h"

#ifdef __linux__
#include <sys/prctl.h>
#endif

/* Executed by a link (base/child.c), it would be listed as "exe". */
static void be_named(void)
{
#ifdef __linux__
    prctl(PR_SET_NAME, "timbre", 0, 0, 0);
#endif
}

static int run_decode_child(tb_cli *cli)
{
    be_named();
    return tb_decode_child_main(cli->args[0], cli->args[1]);
}

static int run_flite_child(tb_cli *cli)
{
    be_named();
    return tb_flite_child_main(cli->args[0]);
}

static const tb_cli_option no_options[] = {{0}}; /* settings are read all the same */

static const tb_cli_option table_options[] = {
    {"--requests", NULL, NULL, "print the table of request fields for docs/api.md instead"},
    {0},
};

static const tb_cli_option serve_options[] = {
    {"--dev", NULL, NULL, "restart when the program or .env changes, without dropping requests"},
    {0},
};

static const tb_cli_option say_options[] = {
    {"--output", "-o", "FILE", "the file to write; - or none: standard output"},
    {"--voice", "-v", "ID|FILE", "a stored voice, or a file with a recording of one"},
    {"--ambience", "-a", "ID", "a bed under the speech: rain, office, ... (timbre ambiences)"},
    {"--ambience-level", NULL, "LU",
     "how far the bed lies below the speech: {ambience_level}, in LU"},
    {"--speed", "-s", "X", "speaking rate, {speed}; {speed=} is the voice's own"},
    {"--temperature", "-t", "X", "variation, {temperature}; {temperature=} is normal"},
    {"--seed", NULL, "N", "the same seed gives the same sound"},
    {"--format", "-f", "NAME", "{response_format}; default: by the file's extension"},
    {"--pronunciations", NULL, "JSON", "how words are pronounced: {\"k8s\": \"kubernetes\"}"},
    {"--keep", NULL, NULL, "store the clip in the history, as the server does"},
    {0},
};

static const tb_cli_option sample_options[] = {
    {"--output", "-o", "FILE", "the wav file to write; default: sample.wav"},
    {0},
};

static const tb_cli_option add_options[] = {
    {"--overwrite", NULL, NULL, "replace a voice of the same name"},
    {"--description", NULL, "TEXT", "a note about the voice"},
    {"--region", NULL, "TEXT", "where the person speaks"},
    {"--gender", NULL, "TEXT", "in the person's own words"},
    {0},
};

static const tb_cli_option pronunciation_options[] = {
    {"--in", NULL, "LANGUAGE", "in this language only; default: in every language"},
    {0},
};

static const tb_cli_option list_options[] = {
    {"--query", "-q", "WORDS", "only entries whose text contains these words"},
    {"--limit", "-n", "N", "at most this many; default: 20"},
    {0},
};

static const tb_cli_option convert_options[] = {
    {"--type", NULL, "NAME", TB_MODEL_TYPES(", ") "; default: q8_0"},
    {"--out", NULL, "FILE", "the file to write; default: in FOLDER, named after variant and type"},
    {"--base", NULL, "FOLDER",
     "folder with the files that FOLDER lacks (nano shares files with turbo)"},
    {"--variant", NULL, "NAME", TB_MODEL_VARIANTS(" or ") ", when FOLDER holds both"},
    {0},
};

static const tb_cli_option show_options[] = {
    {"--tensors", NULL, NULL, "list every tensor: name, type, shape and published name"},
    {"--base", NULL, "FOLDER", "folder with the files that PATH lacks"},
    {"--variant", NULL, "NAME", TB_MODEL_VARIANTS(" or ") ", when a folder holds both"},
    {0},
};

const tb_cli_command tb_commands[] = {
    {"serve", "", "answer HTTP requests",
     "Reads .env in the working directory. On SIGTERM or SIGINT, finishes the jobs it has "
     "accepted and stops; a second signal stops it at once.",
     0, 0, tb_cli_run_serve, serve_options, false},
    {"say", "TEXT", "turn a text into speech",
     "TEXT may contain [tags], [pause:1s] and [rain]...[rain]; - reads it from standard input.\n"
     "Settings used here: --language CODE, --engine NAME, --model PATH, --data DIR.",
     1, 1, tb_cli_run_say, say_options, false},
    {"sample", "", "write a sample recording to try voice cloning with",
     "A little more than ten seconds of a synthetic voice, the same each time; no person was "
     "recorded.",
     0, 0, tb_cli_run_sample, sample_options, false},
    {"voices list", "", "list the stored voices", NULL, 0, 0, tb_cli_run_voices_list, NULL, false},
    {"voices add", "NAME FILE", "store a recording as a voice",
     "FILE: about ten seconds of one person in a quiet room; wav, mp3, m4a, ogg, opus, flac, webm "
     "and others.",
     2, 2, tb_cli_run_voices_add, add_options, false},
    {"voices show", "NAME", "show one voice", NULL, 1, 1, tb_cli_run_voices_show, NULL, false},
    {"voices rename", "NAME NEW", "rename a voice", NULL, 2, 2, tb_cli_run_voices_rename, NULL,
     false},
    {"voices remove", "NAME", "remove a voice", NULL, 1, 1, tb_cli_run_voices_remove, NULL, false},
    {"pronunciations list", "", "list the words with a pronunciation of their own", NULL, 0, 0,
     tb_cli_run_pronunciations_list, NULL, false},
    {"pronunciations add", "WORD SAY", "set how a word is pronounced",
     "SAY is read in place of WORD. Case matters only if WORD has a capital letter inside (NASA).",
     2, 2, tb_cli_run_pronunciations_add, pronunciation_options, false},
    {"pronunciations remove", "WORD", "remove a word's pronunciation", NULL, 1, 1,
     tb_cli_run_pronunciations_remove, pronunciation_options, false},
    {"history list", "", "list generated clips, newest first", NULL, 0, 0, tb_cli_run_history_list,
     list_options, false},
    {"history show", "ID", "show one clip", NULL, 1, 1, tb_cli_run_history_show, NULL, false},
    {"history remove", "ID...", "remove clips; `all` removes every one", NULL, 1, TB_CLI_ARGS,
     tb_cli_run_history_remove, NULL, false},
    {"ambiences", "", "list the ambience beds", NULL, 0, 0, tb_cli_run_ambiences, NULL, false},
    {"languages", "", "list the supported languages", NULL, 0, 0, tb_cli_run_languages, NULL,
     false},
    {"model pull", "[" TB_MODEL_VARIANTS("|") "|OWNER/NAME]",
     "download a model and convert it to one file",
     "Downloads the missing files, checks them, and resumes interrupted downloads. serve "
     "does the same on its own unless MODEL_DOWNLOAD is 0.",
     0, 1, tb_cli_run_model_pull, tb_cli_pull_options, false},
    {"model convert", "FOLDER", "convert a model's published files to one GGUF file",
     "The file contains weights, tokenizer and built-in voice; nothing else is needed.", 1, 1,
     tb_cli_run_model_convert, convert_options, false},
    {"model show", "PATH", "show the contents of a model: a folder, a .gguf or a .safetensors file",
     NULL, 1, 1, tb_cli_run_model_show, show_options, false},
    {"probe", "STAGE", "run one stage of the neural engine on recorded inputs",
     "For comparing with tensors of the reference: writes the results and inner activations of "
     "this program's networks under the names of the golden file (docs/model/probe.md). "
     "--model is a folder with some or all of the published files, a .gguf, or one safetensors "
     "file with the stage's weights.",
     0, 1, tb_probe_run, tb_probe_options, false},
    {"bench", "", "measure the neural engine against this machine's limits",
     "Measures the installed model, or --model, on ten seconds of speech: each stage as a share of "
     "the memory and arithmetic limits, streaming, several callers, memory. Takes minutes on all "
     "cores; docs/bench.md explains each line.",
     0, 0, tb_bench_run, tb_bench_options, false},
    {"doctor", "", "check the installation and say how to fix it",
     "Exit code 3: something required is missing.", 0, 0, tb_cli_run_doctor, NULL, false},
    {"completion", "bash|zsh", "print the completion script of a shell", NULL, 1, 1,
     tb_cli_run_completion, NULL, false},
    {"man", "", "print the manual page (for man -l -)", NULL, 0, 0, tb_cli_run_man, NULL, false},
    {"settings", "", "print the table of settings of docs/config.md", NULL, 0, 0,
     tb_cli_run_settings, table_options, true},
    {"complete", "KIND", "names for the completion", NULL, 1, 1, tb_cli_run_complete, no_options,
     true},
    {"decode-child", "KIND SECONDS", "decode strangers' audio, contained", NULL, 2, 2,
     run_decode_child, NULL, true},
    {"speak-flite", "VOICE", "the English base speakers", NULL, 1, 1, run_flite_child, NULL, true},
    {0},
};
