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
    {"--requests", NULL, NULL, "the fields of a request instead, for docs/api.md"},
    {0},
};

static const tb_cli_option serve_options[] = {
    {"--dev", NULL, NULL,
     "restart by itself when the program or .env changes, without dropping requests"},
    {0},
};

static const tb_cli_option say_options[] = {
    {"--output", "-o", "FILE", "where the sound goes; - or nothing: standard output"},
    {"--voice", "-v", "ID|FILE", "a voice that is kept, or a recording of one"},
    {"--ambience", "-a", "ID", "a bed under the speech: rain, office, ... (timbre ambiences)"},
    {"--ambience-level", NULL, "LU", "how far the bed lies under the speech, 6-40"},
    {"--speed", "-s", "X", "0.25-4, 1 is the voice's own"},
    {"--temperature", "-t", "X", "0.05-5: how lively, 0.8 is plain"},
    {"--seed", NULL, "N", "the same seed gives the same sound"},
    {"--format", "-f", "NAME",
     "wav, mp3, opus, ogg, aac, flac, pcm; by the file's name when not given"},
    {"--pronunciations", NULL, "JSON", "how words are said: {\"k8s\": \"kubernetes\"}"},
    {"--keep", NULL, NULL, "keep it in the history as the server would"},
    {0},
};

static const tb_cli_option sample_options[] = {
    {"--output", "-o", "FILE", "the wav file to write; sample.wav when not given"},
    {0},
};

static const tb_cli_option add_options[] = {
    {"--overwrite", NULL, NULL, "replace a voice of the same name"},
    {"--description", NULL, "TEXT", "a note about it"},
    {"--region", NULL, "TEXT", "where the person speaks"},
    {"--gender", NULL, "TEXT", "as the person wants it said"},
    {0},
};

static const tb_cli_option pronunciation_options[] = {
    {"--in", NULL, "LANGUAGE", "in this language only; every one when not given"},
    {0},
};

static const tb_cli_option list_options[] = {
    {"--query", "-q", "WORDS", "only what holds these words"},
    {"--limit", "-n", "N", "at most so many, 20 when not given"},
    {0},
};

static const tb_cli_option convert_options[] = {
    {"--type", NULL, "NAME", "f32, f16, bf16, q8_0 or q4_0; q8_0 when not given"},
    {"--out", NULL, "FILE", "the file to write; in FOLDER, named after variant and type"},
    {"--base", NULL, "FOLDER", "where files are that FOLDER lacks (nano has only its own)"},
    {"--variant", NULL, "NAME", TB_MODEL_VARIANTS(" or ") ", when FOLDER holds both"},
    {0},
};

static const tb_cli_option show_options[] = {
    {"--tensors", NULL, NULL, "every tensor: name, type, shape, and its published name"},
    {"--base", NULL, "FOLDER", "where files are that a folder lacks"},
    {"--variant", NULL, "NAME", TB_MODEL_VARIANTS(" or ") ", when a folder holds both"},
    {0},
};

const tb_cli_command tb_commands[] = {
    {"serve", "", "answer HTTP requests",
     "Reads .env in the working directory. Stops on SIGTERM or SIGINT after the jobs it has "
     "accepted; a second signal stops at once.",
     0, 0, tb_cli_run_serve, serve_options, false},
    {"say", "TEXT", "speak a text into a file",
     "TEXT may hold [tags], [pause:1s] and [rain]...[rain]; - reads it from standard input.\n"
     "Settings that matter here: --language CODE, --engine NAME, --model PATH, --data DIR.",
     1, 1, tb_cli_run_say, say_options, false},
    {"sample", "", "make a recording to try cloning with",
     "More than ten seconds of a computed voice, the same each time; nobody was recorded.", 0, 0,
     tb_cli_run_sample, sample_options, false},
    {"voices list", "", "list the voices that are kept", NULL, 0, 0, tb_cli_run_voices_list, NULL,
     false},
    {"voices add", "NAME FILE", "keep a recording as a voice",
     "Ten seconds of one person in a quiet room; wav, mp3, m4a, ogg, opus, flac, webm and others.",
     2, 2, tb_cli_run_voices_add, add_options, false},
    {"voices show", "NAME", "show one voice", NULL, 1, 1, tb_cli_run_voices_show, NULL, false},
    {"voices rename", "NAME NEW", "give a voice another name", NULL, 2, 2, tb_cli_run_voices_rename,
     NULL, false},
    {"voices remove", "NAME", "remove a voice", NULL, 1, 1, tb_cli_run_voices_remove, NULL, false},
    {"pronunciations list", "", "list the words that are said otherwise than written", NULL, 0, 0,
     tb_cli_run_pronunciations_list, NULL, false},
    {"pronunciations add", "WORD SAY", "say a word so from now on",
     "Case does not matter, unless WORD has a capital inside (NASA): then it does. SAY is what is "
     "read in its place.",
     2, 2, tb_cli_run_pronunciations_add, pronunciation_options, false},
    {"pronunciations remove", "WORD", "forget how a word is said", NULL, 1, 1,
     tb_cli_run_pronunciations_remove, pronunciation_options, false},
    {"history list", "", "list what was spoken, newest first", NULL, 0, 0, tb_cli_run_history_list,
     list_options, false},
    {"history show", "ID", "show one entry", NULL, 1, 1, tb_cli_run_history_show, NULL, false},
    {"history remove", "ID...", "remove entries; `all` removes every one", NULL, 1, TB_CLI_ARGS,
     tb_cli_run_history_remove, NULL, false},
    {"ambiences", "", "list the beds", NULL, 0, 0, tb_cli_run_ambiences, NULL, false},
    {"languages", "", "list the languages that can be spoken", NULL, 0, 0, tb_cli_run_languages,
     NULL, false},
    {"model pull", "[" TB_MODEL_VARIANTS("|") "|OWNER/NAME]",
     "download a model and make one file of it",
     "Downloads what is missing (3 GB), checks it, resumes where it was cut off. serve does the "
     "same by itself unless MODEL_DOWNLOAD is 0.",
     0, 1, tb_cli_run_model_pull, tb_cli_pull_options, false},
    {"model convert", "FOLDER", "make one GGUF file of a model's published files",
     "The file holds weights, tokenizer and built-in voice and needs nothing besides it.", 1, 1,
     tb_cli_run_model_convert, convert_options, false},
    {"model show", "PATH", "what is in a model: a folder, a .gguf or a .safetensors file", NULL, 1,
     1, tb_cli_run_model_show, show_options, false},
    {"probe", "STAGE", "run one stage of the engine on a recording's inputs",
     "For whoever holds tensors of the reference and wants to compare: the program's own networks "
     "say everything they say inside, under the names of the recording (docs/model/probe.md). "
     "--model is a folder with some or all of the published files, a .gguf, or one safetensors "
     "file with the stage's weights.",
     0, 1, tb_probe_run, tb_probe_options, false},
    {"bench", "", "how fast the neural engine is here, beside what this machine allows",
     "Measures the model that is installed, or --model, on ten seconds of speech: every stage as a "
     "share of what memory and arithmetic allow, streaming, several speakers, memory. Minutes of "
     "work for all cores; docs/bench.md says what each line means.",
     0, 0, tb_bench_run, tb_bench_options, false},
    {"doctor", "", "what is installed, what is missing, how to mend it",
     "Exits with 3 when something needed is missing.", 0, 0, tb_cli_run_doctor, NULL, false},
    {"completion", "bash|zsh", "print the shell's completion", NULL, 1, 1, tb_cli_run_completion,
     NULL, false},
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
