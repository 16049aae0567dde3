/*
 * Tests of scripts: sentences, tones, sounds, pauses, beds, cuts of long sentences.
 */
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "text/script.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int bed(void *self, const char *name)
{
    (void)self;
    return (tb_str_ieq(name, "rain") || tb_str_ieq(name, "wind") ||
            tb_str_starts(name, "ambience:"))
               ? 0
               : -1;
}

static const tb_script_opts usual = {.find_bed = bed, .text_max = 20000};

/* A script as one line: "Hello."(happy)+0.25 <sigh> pause 0.5 bed rain 10 bed off */
static char *show(const char *text)
{
    tb_script s = {0};
    tb_str line;
    tb_err err = {0};
    size_t pieces = 0;
    tb_str_init(&line, 1 << 20);
    if (tb_script_parse(text, &usual, &s, &err)) {
        assert_int_equal(s.n, 0);
        tb_str_printf(&line, "%d %s", (int)err.status, err.field);
        return tb_str_take(&line);
    }
    for (size_t i = 0; i < s.n; i++) {
        const tb_script_item *it = &s.items[i];
        const char *between = i ? " " : "";
        if (it->kind == TB_ITEM_SPEECH || it->kind == TB_ITEM_SOUND)
            assert_int_equal(it->sentence, pieces++);
        switch (it->kind) {
        case TB_ITEM_SPEECH:
            tb_str_printf(&line, "%s\"%s\"", between, it->text);
            if (it->tag != TB_TAG_NONE) tb_str_printf(&line, "(%s)", tb_tag_name(it->tag));
            break;
        case TB_ITEM_SOUND:
            tb_str_printf(&line, "%s<%s>", between, tb_tag_name(it->tag));
            break;
        case TB_ITEM_PAUSE:
            tb_str_printf(&line, "%spause %g", between, it->seconds);
            break;
        case TB_ITEM_BED:
            tb_str_printf(&line, "%sbed %s", between, it->text ? it->text : "off");
            if (it->seconds > 0) tb_str_printf(&line, " %g", it->seconds);
            break;
        }
        if (it->gap_after > 0) tb_str_printf(&line, "+%g", it->gap_after);
    }
    for (size_t i = 0; i < s.n_unknown; i++)
        tb_str_printf(&line, " ?%s", s.unknown_tags[i]);
    tb_script_clear(&s);
    return tb_str_take(&line);
}

#define assert_script(text, want)        \
    do {                                 \
        char *got_ = show(text);         \
        assert_string_equal(got_, want); \
        tb_free(got_);                   \
    } while (0)

static void sentences_end_where_they_end(void **state)
{
    (void)state;
    assert_script("Hello.", "\"Hello.\"");
    assert_script("Hello. How are you? Fine!", "\"Hello.\"+0.25 \"How are you?\"+0.25 \"Fine!\"");
    assert_script("Wait... what?! \"Yes.\" So be it", "\"Wait...\"+0.25 \"what?!\"+0.25 "
                                                      "\"\"Yes.\"\"+0.25 \"So be it\"");
    assert_script("Wait… now", "\"Wait…\"+0.25 \"now\"");
    assert_script("one\ntwo\r\nthree\rfour", "\"one\"+0.25 \"two\"+0.25 \"three\"+0.25 \"four\"");
    assert_script("one.\n\ntwo. \n \r\n three", "\"one.\"+0.5 \"two.\"+0.5 \"three\"");
    assert_script("你好。再见！走", "\"你好。\"+0.25 \"再见！\"+0.25 \"走\"");
    assert_script("नमस्ते। ठीक है", "\"नमस्ते।\"+0.25 \"ठीक है\"");
    assert_script("كيف حالك؟ بخير", "\"كيف حالك؟\"+0.25 \"بخير\"");
}

static void full_stops_that_end_nothing_do_not_split(void **state)
{
    (void)state;
    assert_script("Mr. Smith and Dra. Ruiz met at 3.14 p.m. today",
                  "\"Mr. Smith and Dra. Ruiz met at 3.14 p.m. today\"");
    assert_script("See J. R. Tolkien, No. 5. No. Never.",
                  "\"See J. R. Tolkien, No. 5.\"+0.25 \"No.\"+0.25 \"Never.\"");
    assert_script("I don't. It's. Go to example.com now",
                  "\"I don't.\"+0.25 \"It's.\"+0.25 \"Go to example.com now\"");
    assert_script("Pens, etc. and ink, etc. They sell",
                  "\"Pens, etc. and ink, etc.\"+0.25 \"They sell\"");
    assert_script("É. Zola. Fin", "\"É. Zola.\"+0.25 \"Fin\"");
}

/* How many sentences a text of that language has. */
static void assert_sentences(const char *language, size_t want, const char *text)
{
    tb_script s = {0};
    tb_script_opts opts = usual;
    opts.language = language;
    assert_int_equal(tb_script_parse(text, &opts, &s, NULL), TB_OK);
    if (s.n != want) {
        for (size_t i = 0; i < s.n; i++)
            print_error("  \"%s\"\n", s.items[i].text);
        fail_msg("%s: %zu sentences in \"%s\"", language, s.n, text);
    }
    tb_script_clear(&s);
}

static void abbreviations_are_those_of_the_language(void **state)
{
    (void)state;
    assert_sentences("en-us", 1, "Then Sen. Hall met Gov. Reed on Elm Ave. near the park.");
    assert_sentences("en-gb", 2, "They live on Elm Ave. The park is near.");
    assert_sentences("en-us", 1, "Smith et al. (2020) say so, cf. Jones, pp. 3.");
    assert_sentences("en-us", 2, "She did one more rep. Then she left.");
    assert_sentences("en-us", 2, "Acme Corp. is old. Beta Inc. too.");
    assert_sentences("es", 1, "Vive en EE. UU. desde la pág. 3 y la Avda. Mayor.");
    assert_sentences("es", 2, "Vive en EE. UU. Trabaja mucho.");
    assert_sentences("es-419", 1, "La Sra. Pérez, el Ilmo. Ruiz y la Dña. Ana, núm. 5.");
    assert_sentences("es", 2, "No tengo núm. Ven.");
    assert_sentences("de", 1, "Am 3. Mai kam z. B. Prof. Roth, ca. 20 Gäste usw. waren da.");
    assert_sentences("de", 2, "Er kam 2020. Dann ging er.");
    assert_sentences("en-us", 2, "He has 3. She has two.");
    assert_sentences("fr-fr", 1, "Le Dr. Roux et Mme. Petit, env. 20, réf. 5, janv. 3.");
    assert_sentences("it", 1, "Il sig. Rossi, dott. Bianchi, pag. 3, ecc. e altri.");
    assert_sentences("pt-br", 1, "A Sra. Silva, pág. 3, séc. XX, etc. e mais.");
    assert_sentences("ru", 1, "Дом на ул. Ленина, см. рис. 5, и др. вещи.");
    assert_sentences("ru", 2, "Там вещи и др. Потом всё.");
    assert_sentences("pl", 1, "Na ul. Długiej mieszka np. Jan, itd. i inni.");
    /* A language without a table of its own knows what all of them share. */
    assert_sentences("sw", 1, "Dr. Juma etc. na wengine.");
}

static void tones_hold_to_the_next_one_or_the_end_of_their_sentence(void **state)
{
    (void)state;
    assert_script("[happy] Hi there. And then?", "\"Hi there.\"(happy)+0.25 \"And then?\"");
    assert_script("One [angry] two [sad] three. Four",
                  "\"One\" \"two\"(angry) \"three.\"(sad)+0.25 \"Four\"");
    assert_script("Hi. [ Clear   THROAT ]\nNow [Susurro] go",
                  "\"Hi.\"+0.25 <clear throat> \"Now\" \"go\"(whispering)");
    assert_script("[triste]\n\nUna casa. Otra", "\"Una casa.\"(sad)+0.25 \"Otra\"");
}

static void sounds_and_pauses_stand_where_they_were_put(void **state)
{
    (void)state;
    assert_script("Well [sigh], ok.[laugh]Next", "\"Well\" <sigh> \"ok.\"+0.25 <laugh> \"Next\"");
    assert_script("[risa][jaja][broma][risita][suspiro][tos][carraspeo][chistar][quejido]"
                  "[olfatear][jadeo]",
                  "<laugh> <laugh> <laugh> <chuckle> <sigh> <cough> <clear throat> <shush> "
                  "<groan> <sniff> <gasp>");
    assert_script("a [pausa] b [pause:800ms] c [pause:1.5s] d [PAUSA: 2 s] e [pause:3]",
                  "\"a\" pause 0.5 \"b\" pause 0.8 \"c\" pause 1.5 \"d\" pause 2 \"e\" pause 3");
    assert_script("Hello [sigh]. Next", "\"Hello\" <sigh>+0.25 \"Next\"");
    /* a bare number that cannot be seconds is milliseconds, as other services have it */
    assert_script("a [pause:500] b [pausa: 1500] c [pause:10] d [pause:10.5]",
                  "\"a\" pause 0.5 \"b\" pause 1.5 \"c\" pause 10 \"d\" pause 0.0105");
    assert_script("[pause:10001] a", "10 text");
    assert_script("[pause:500s] a", "10 text");
    assert_script("[pause:10s]", "pause 10");
    assert_script("[pause:10]", "pause 10");
    assert_script("[pause:500]", "pause 0.5");
    assert_script("[pausa:1500]", "pause 1.5");
    assert_script("[pause:10.1s] a", "10 text");
    assert_script("[pause:x] a", "\"pause:x a\" ?pause:x");
    assert_script("a [pause:0] b", "\"a\" \"b\"");
}

static void beds_go_on_off_and_over(void **state)
{
    (void)state;
    assert_script("[rain] a [rain] b", "bed rain \"a\" bed off \"b\"");
    assert_script("[rain] a [Wind] b [rain] c [RAIN]",
                  "bed rain \"a\" bed Wind \"b\" bed rain \"c\" bed off");
    assert_script("[rain:10s] a", "bed rain 10 \"a\"");
    assert_script("[rain:5s] a [rain]", "bed rain 5 \"a\" bed off");
    assert_script("[ambience: a busy street] a", "bed ambience: a busy street \"a\"");
    assert_script("[rain]", "bed rain");
    assert_script("[ambience:rain] a [rain] b", "bed ambience:rain \"a\" bed off \"b\"");
    assert_script("[rain:601s] a", "10 text");
    assert_script("[snow] a", "\"snow a\" ?snow");
}

static void what_is_not_for_the_ear_goes(void **state)
{
    (void)state;
    assert_script("**Bold** and *it*, 2*3", "\"Bold and it, 2*3\"");
    assert_script("\xE2\x80\x9CHi\xE2\x80\x9D it\xE2\x80\x99s\t\x01me\x7F", "\"\"Hi\" it's me\"");
    assert_script("a\n***\n\nb", "\"a\"+0.5 \"b\"");
    assert_script("a [[rain]] b [[happy] c ] [", "\"a\" bed rain \"b\" \"c\"(happy)");
    assert_script("[what] [what] is [ ] this []", "\"what what is this\" ?what");
    assert_script("soft\xC2\xADhyphen \xEF\xBB\xBFmark", "\"softhyphen mark\"");
}

static void nothing_to_say_is_refused(void **state)
{
    (void)state;
    static const char *const nothing[] = {"",    " \n ",    "...",       "?!",
                                          "[]",  "[ ]",     "***",       "—",
                                          "[[[", "[happy]", "[pause:0]", "\xF0\x9F\x98\x80"};
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
        assert_script(nothing[i], "10 text");
    assert_script("bad \xC3( utf", "10 text");
    tb_script s = {0};
    tb_err err = {0};
    const tb_script_opts short_one = {.text_max = 3};
    assert_int_equal(tb_script_parse("ñññ", &short_one, &s, &err), TB_OK);
    tb_script_clear(&s);
    assert_int_equal(tb_script_parse("ñaña", &short_one, &s, &err), TB_EINVAL);
    assert_non_null(strstr(err.msg, "at most 3"));
    assert_int_equal(tb_script_parse(NULL, &short_one, &s, &err), TB_EINVAL);
    tb_script_clear(&s);
}

/* unit, count times over. */
static char *rows(const char *unit, size_t count)
{
    size_t len = strlen(unit);
    char *out = tb_alloc(count * len + 1);
    for (size_t i = 0; i < count; i++)
        memcpy(out + i * len, unit, len);
    return out;
}

static void check_pieces(const char *text, double gap)
{
    tb_script s = {0};
    size_t total = 0;
    assert_int_equal(tb_script_parse(text, &usual, &s, NULL), TB_OK);
    assert_true(s.n > 1);
    for (size_t i = 0; i < s.n; i++) {
        size_t len = strlen(s.items[i].text), n = tb_utf8_count(s.items[i].text, len);
        assert_true(tb_utf8_valid(s.items[i].text, len));
        assert_true(n > 0 && n <= 300);
        assert_true(fabs(s.items[i].gap_after - (i + 1 < s.n ? gap : 0)) < 1e-9);
        total += n;
    }
    assert_true(total <= tb_utf8_count(text, strlen(text)));
    assert_true(total + 2 * s.n >= tb_utf8_count(text, strlen(text)));
    tb_script_clear(&s);
}

static void long_sentences_are_cut_at_commas_then_at_blanks_then_anywhere(void **state)
{
    (void)state;
    static const struct {
        const char *unit;
        double gap;
    } all[] = {
        {"the old man, ", 0.12}, {"老人走了，", 0.12}, {"the old man ", 0}, {"x", 0}, {"老", 0},
        {"e\xCC\x81", 0}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char *text = rows(all[i].unit, 400);
        check_pieces(text, all[i].gap);
        tb_free(text);
    }
    char *exact = rows("x", 300), *number = rows("1,000", 61);
    tb_script s = {0};
    assert_int_equal(tb_script_parse(exact, &usual, &s, NULL), TB_OK);
    assert_int_equal(s.n, 1);
    tb_script_clear(&s);
    check_pieces(number, 0); /* a comma inside a number is no place to breathe */
    tb_free(exact);
    tb_free(number);
}

/* A sentence of n characters: words of nine letters, and a comma in the middle if asked for. */
static char *sentence(size_t n, bool comma)
{
    char *s = tb_alloc(n + 2);
    for (size_t i = 0; i < n; i++)
        s[i] = i % 10 == 9 && i + 4 < n ? ' ' : 'a';
    if (comma) s[n / 20 * 10 - 2] = ',';
    s[0] = 'A';
    s[n - 1] = '.';
    return s;
}

static void sentences_of_any_length_are_cut_where_one_breathes(void **state)
{
    (void)state;
    for (size_t n = 150; n <= 620; n++)
        for (int comma = 0; comma < 2; comma++) {
            char *one = sentence(n, comma), *text = tb_sprintf("Short one. %s Another.", one);
            tb_script s = {0};
            for (int tags_inline = 0; tags_inline < 2; tags_inline++) {
                tb_script_opts opts = usual;
                opts.tags_inline = tags_inline;
                assert_int_equal(tb_script_parse(text, &opts, &s, NULL), TB_OK);
                size_t total = 0;
                for (size_t i = 0; i < s.n; i++) {
                    size_t len = strlen(s.items[i].text);
                    assert_true(len <= 300);
                    total += len + 1; /* the blank where it was cut */
                    /* no piece of a single last word */
                    if (!tags_inline && i > 0 && i + 1 < s.n && n > 300 && n < 600)
                        assert_true(len > 100);
                }
                assert_int_equal(total, strlen(text) + 1);
                if (n <= 300 && !tags_inline) assert_int_equal(s.n, 3);
                tb_script_clear(&s);
            }
            tb_free(one);
            tb_free(text);
        }
}

static void hostile_texts_come_to_an_end(void **state)
{
    (void)state;
    static const char *const units[] = {"[",      "]",   "[]",       "[a]",  "[[a]]", "[rain]",
                                        "[sigh]", "a. ", "a.",       ". ",   "\n",    " ",
                                        "[rain:", "*",   "\xCC\x81", "[x\n", "\"",    "a. [happy]"};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        tb_script s = {0};
        char *row = rows(units[i], 20000 / tb_utf8_count(units[i], strlen(units[i])) - 1);
        char *text = tb_sprintf("%s b", row);
        tb_script_opts opts = usual;
        opts.text_max = 20100;
        assert_int_equal(tb_script_parse(text, &opts, &s, NULL), TB_OK);
        assert_true(s.n >= 1 && s.n <= 20000 && s.n_unknown <= 32);
        tb_script_clear(&s);
        tb_free(text);
        tb_free(row);
    }
    char *pauses = rows("[pause:10s]", 61);
    assert_script(pauses, "10 text"); /* ten minutes of silence together, no more */
    tb_free(pauses);
}

static void tags_are_found_by_any_of_their_names(void **state)
{
    (void)state;
    for (int i = 0; i < TB_TAG_COUNT; i++)
        assert_int_equal(tb_tag_find(tb_tag_name((tb_tag)i)), i);
    assert_int_equal(tb_tag_find(" CLEAR\t throat "), TB_TAG_CLEAR_THROAT);
    assert_int_equal(tb_tag_find("Feliz"), TB_TAG_HAPPY);
    assert_int_equal(tb_tag_find("serio"), TB_TAG_NARRATION);
    assert_int_equal(tb_tag_find(""), TB_TAG_NONE);
    assert_int_equal(tb_tag_find("laughs"), TB_TAG_LAUGH);
    assert_int_equal(tb_tag_find("Laughter"), TB_TAG_LAUGH);
    assert_int_equal(tb_tag_find("giggle"), TB_TAG_CHUCKLE);
    assert_int_equal(tb_tag_find("CLEARS  THROAT"), TB_TAG_CLEAR_THROAT);
    assert_int_equal(tb_tag_find("dramático"), TB_TAG_DRAMATIC);
    assert_int_equal(tb_tag_find("dramatico"), TB_TAG_DRAMATIC);
    assert_int_equal(tb_tag_find("Sarca\xCC\x81stico"), TB_TAG_SARCASTIC);
    assert_int_equal(tb_tag_find("laugh laughs"), TB_TAG_NONE);
    assert_int_equal(tb_tag_find("clears+throat"), TB_TAG_NONE);
    assert_int_equal(tb_tag_find("gigantic"), TB_TAG_NONE);
    /* Every tone and sound has a Spanish name, with or without its accent. */
    static const struct {
        const char *name;
        tb_tag tag;
    } spanish[] = {
        {"enfadado", TB_TAG_ANGRY},        {"miedo", TB_TAG_FEAR},
        {"sorprendida", TB_TAG_SURPRISED}, {"susurro", TB_TAG_WHISPERING},
        {"anuncio", TB_TAG_ADVERTISEMENT}, {"Dramática", TB_TAG_DRAMATIC},
        {"narración", TB_TAG_NARRATION},   {"llorando", TB_TAG_CRYING},
        {"alegre", TB_TAG_HAPPY},          {"sarcástico", TB_TAG_SARCASTIC},
        {"tristeza", TB_TAG_SAD},          {"aclararse la garganta", TB_TAG_CLEAR_THROAT},
    };
    for (size_t i = 0; i < sizeof spanish / sizeof *spanish; i++)
        assert_int_equal(tb_tag_find(spanish[i].name), spanish[i].tag);
    assert_int_equal(tb_tag_kind_of(TB_TAG_SAD), TB_TAG_TONE);
    assert_int_equal(tb_tag_kind_of(TB_TAG_SARCASTIC), TB_TAG_TONE);
    assert_int_equal(tb_tag_kind_of(TB_TAG_CLEAR_THROAT), TB_TAG_SOUND);
    assert_int_equal(tb_tag_kind_of(TB_TAG_LAUGH), TB_TAG_SOUND);
    assert_string_equal(tb_tag_name(TB_TAG_NONE), "");
}

/* ---- for an engine that reads tags itself ---- */

static const tb_script_opts inline_tags = {.find_bed = bed, .text_max = 20000, .tags_inline = true};

static void tags_stay_in_the_text_under_their_own_names(void **state)
{
    (void)state;
    tb_script s = {0};
    assert_int_equal(
        tb_script_parse(
            "Well [Risa], \xe2\x80\x9cyes\xe2\x80\x9d *so* [carraspeo] and [foo bar] [.",
            &inline_tags, &s, NULL),
        TB_OK);
    assert_int_equal(s.n, 1);
    assert_string_equal(
        s.items[0].text,
        "Well [laugh], \xe2\x80\x9cyes\xe2\x80\x9d *so* [clear throat] and [foo bar] [.");
    assert_int_equal(s.n_unknown, 1);
    assert_string_equal(s.unknown_tags[0], "foo bar");
    tb_script_clear(&s);
    for (tb_tag t = 0; t < TB_TAG_SAD; t++) {
        char text[64], want[64];
        snprintf(text, sizeof text, "[ %s ] yes", tb_tag_name(t));
        snprintf(want, sizeof want, "[%s] yes", tb_tag_name(t));
        assert_int_equal(tb_script_parse(text, &inline_tags, &s, NULL), TB_OK);
        assert_string_equal(s.items[0].text, want);
        assert_int_equal(s.items[0].tag, TB_TAG_NONE);
        tb_script_clear(&s);
    }
}

static void unknown_brackets_are_words_where_the_front_was(void **state)
{
    (void)state;
    tb_script_opts opts = inline_tags;
    opts.plain_brackets = true;
    tb_script s = {0};
    assert_int_equal(tb_script_parse("We met [at noon], in the [restaurante][bar]. Open[late]now "
                                     "[laugh] ([sic]) [.",
                                     &opts, &s, NULL),
                     TB_OK);
    assert_int_equal(s.n, 1);
    assert_string_equal(s.items[0].text, "We met at noon, in the restaurante bar. Open late now "
                                         "[laugh] (sic)  .");
    assert_int_equal(s.n_unknown, 5);
    assert_string_equal(s.unknown_tags[1], "restaurante");
    tb_script_clear(&s);
}

static void styles_without_a_token_stay_tones(void **state)
{
    (void)state;
    tb_script s = {0};
    assert_int_equal(tb_script_parse("[triste] It rains. It stops.", &inline_tags, &s, NULL),
                     TB_OK);
    assert_int_equal(s.n, 2);
    assert_int_equal(s.items[0].tag, TB_TAG_SAD);
    assert_string_equal(s.items[0].text, "It rains.");
    assert_int_equal(s.items[1].tag, TB_TAG_NONE);
    tb_script_clear(&s);
}

static void short_sentences_are_gathered(void **state)
{
    (void)state;
    tb_script s = {0};
    char text[2000] = "";
    for (int i = 0; i < 20; i++)
        strcat(text, "This one has thirty-five letters. ");
    assert_int_equal(tb_script_parse(text, &inline_tags, &s, NULL), TB_OK);
    assert_int_equal(s.n, 4);
    for (size_t i = 0; i < s.n; i++) {
        assert_true(strlen(s.items[i].text) < TB_SEGMENT_MAX);
        assert_int_equal(s.items[i].sentence, i);
    }
    tb_script_clear(&s);
    assert_int_equal(tb_script_parse("One.\n\nTwo. [pausa] Three.", &inline_tags, &s, NULL), TB_OK);
    assert_int_equal(s.n, 4);
    assert_int_equal(s.items[2].kind, TB_ITEM_PAUSE);
    assert_string_equal(s.items[3].text, "Three.");
    tb_script_clear(&s);
}

/* "Aaaa. Bbb.": two sentences of one letter each, first and second code points long. */
static size_t pieces_of(const char *letter, size_t first, size_t second, char *longest)
{
    char text[1000] = "";
    tb_script s = {0};
    for (size_t i = 1; i < first; i++)
        strcat(text, i == 1 ? "A" : letter);
    strcat(text, ". ");
    for (size_t i = 1; i < second; i++)
        strcat(text, i == 1 ? "B" : letter);
    strcat(text, ".");
    assert_int_equal(tb_script_parse(text, &inline_tags, &s, NULL), TB_OK);
    strcpy(longest, s.items[0].text);
    const size_t n = s.n;
    tb_script_clear(&s);
    return n;
}

static void sentences_are_gathered_to_the_last_character_and_no_further(void **state)
{
    static const char *const letters[] = {"a", "\xc3\xa9", "\xe3\x81\x82"};
    char longest[1000];
    (void)state;
    for (size_t k = 0; k < 3; k++)
        for (size_t first = 20; first < TB_SEGMENT_MAX - 20; first += 53) {
            /* With the blank between them just the longest piece, and one character more. */
            assert_int_equal(pieces_of(letters[k], first, TB_SEGMENT_MAX - 1 - first, longest), 1);
            assert_int_equal(tb_utf8_count(longest, strlen(longest)), TB_SEGMENT_MAX);
            assert_int_equal(pieces_of(letters[k], first, TB_SEGMENT_MAX - first, longest), 2);
            assert_int_equal(tb_utf8_count(longest, strlen(longest)), first);
        }
}

/* In a child that gets no more address space: what stands in a bracket may be all of a text. */
static int read_in_a_narrow_place(void)
{
    enum { LONG = 4 << 20 };
    const tb_script_opts opts = {.find_bed = bed, .text_max = SIZE_MAX};
    const struct rlimit narrow = {.rlim_cur = 16 << 20, .rlim_max = RLIM_INFINITY};
    char *text = tb_try_alloc(LONG, 1);
    tb_script s = {0};
    tb_err err = {0};
    if (!text) return 1;
    memset(text, 'a', LONG - 1);
    text[0] = '[';
    text[LONG - 2] = ']';
    if (setrlimit(RLIMIT_AS, &narrow) != 0) return 2;
    return tb_script_parse(text, &opts, &s, &err) == TB_ENOMEM && err.msg[0] ? 0 : 3;
}

static void a_long_bracket_is_read_where_there_is_room(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip();
#endif
    int status = 0;
    pid_t child = fork();
    if (child == 0) _exit(read_in_a_narrow_place());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sentences_are_gathered_to_the_last_character_and_no_further),
        cmocka_unit_test(tags_stay_in_the_text_under_their_own_names),
        cmocka_unit_test(unknown_brackets_are_words_where_the_front_was),
        cmocka_unit_test(styles_without_a_token_stay_tones),
        cmocka_unit_test(short_sentences_are_gathered),
        cmocka_unit_test(sentences_end_where_they_end),
        cmocka_unit_test(full_stops_that_end_nothing_do_not_split),
        cmocka_unit_test(abbreviations_are_those_of_the_language),
        cmocka_unit_test(sentences_of_any_length_are_cut_where_one_breathes),
        cmocka_unit_test(tones_hold_to_the_next_one_or_the_end_of_their_sentence),
        cmocka_unit_test(sounds_and_pauses_stand_where_they_were_put),
        cmocka_unit_test(beds_go_on_off_and_over),
        cmocka_unit_test(what_is_not_for_the_ear_goes),
        cmocka_unit_test(nothing_to_say_is_refused),
        cmocka_unit_test(long_sentences_are_cut_at_commas_then_at_blanks_then_anywhere),
        cmocka_unit_test(hostile_texts_come_to_an_end),
        cmocka_unit_test(a_long_bracket_is_read_where_there_is_room),
        cmocka_unit_test(tags_are_found_by_any_of_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
