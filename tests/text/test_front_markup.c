/*
 * The text front on markup: headings, emphasis, links, HTML, tables, subtitles.
 */
#include "front_help.h"

static void headings_lists_and_quotes_are_their_words(void **state)
{
    (void)state;
    FRONT("en-us", {"# Results\n\nAll is well.", "Results\n\nAll is well."},
          {"### Results ###\nAll is well.", "Results.\nAll is well."},
          {"Results\n=======\nAll", "Results.\nAll"}, {"Part\n----\nAll", "Part.\nAll"},
          {"- milk\n- eggs\n* bread\n+ tea", "milk.\neggs.\nbread.\ntea"},
          {"• milk\n◦ eggs", "milk.\neggs"}, {"- [ ] milk\n- [x] eggs", "milk.\neggs"},
          {"1. One\n2) Two", "1. One.\n2. Two"}, {"> He said\n> so.", "He said.\nso."},
          {">> deep", "deep"}, {"> 5 is more", "> 5 is more"}, {"a\n\n---\n\nb", "a\n\nb"},
          {"a\n***\n\nb", "a\n\nb"}, {"#win and #1", "hashtag win and #1"}, {"C# is", "C# is"});
    FRONT("es", {"## Resumen\n\nTodo va bien.", "Resumen\n\nTodo va bien."},
          {"— Hola —dijo.", "Hola —dijo."});
}

static void emphasis_and_code_are_their_words(void **state)
{
    (void)state;
    FRONT("en-us", {"I _really_ like it.", "I really like it."},
          {"*a* **b** ***c*** __d__ ~~e~~ ==f==", "a b c d e f"},
          {"un*believ*able", "unbelievable"}, {"2*3 and 2 * 3", "2×3 and 2 × 3"},
          {"Type `make` now.", "Type make now."}, {"Use ``a `b` c``.", "Use a `b` c."},
          {"call my_long_name", "call my long name"}, {"`a[1]`", "a 1 "},
          {"Use `<br>` here", "Use <br> here"}, {"```c\nint x;\n```\nDone.", "int x;\nDone."},
          {"~~~\n# no\n~~~", "# no"}, {"a \\*b\\* \\# c", "a b # c"}, {"A || B", "A  B"},
          {"A | B", "A, B"}, {"H~2~O and ~5 km", "H2O and ~5 km"}, {"```\n$ ls -l\n```", "ls -l"});
}

static void links_are_their_words(void **state)
{
    (void)state;
    FRONT("en-us",
          {"Read [the manual](https://example.org/a/b?c=1) first.", "Read the manual first."},
          {"[a](b.html \"title\") [c][] [d][1] [e][x]", "a c d [e][x]"},
          {"![A cat](cat.png) sat", "A cat sat"}, {"[![badge](b.svg)](c.html) x", "badge x"},
          {"[laugh](softly) [sigh]", "[laugh](softly) [sigh]"},
          {"[my_bed] a_b [rain:10s]", "[my_bed] a b [rain:10s]"},
          {"See [wiki](https://a.org/x_(y)).", "See wiki."}, {"[x]: https://a.org\nText", "Text"},
          {"Note[^1].\n\n[^1]: It is.", "Note.\n\nIt is."},
          {"[https://a.com/b](https://a.com/b)", "a dot com"});
    FRONT("es", {"Lee [el manual](https://example.org/a/b?c=1) antes.", "Lee el manual antes."});
}

static void citations_go(void **state)
{
    (void)state;
    FRONT("en-us", {"I <3 you", "I you"}, {"Thanks so much <3", "Thanks so much"},
          {"If n <3 then stop.", "If n <3 then stop."},
          {"A pH <3 is bad, x <3, too.", "A pH <3 is bad, x <3, too."});
    FRONT("es", {"valor <3, si n <3, fin", "valor <3, si n <3, fin"});
    FRONT("en-us", {"It boils [1].", "It boils."}, {"So [2, 3] they say[4–6].", "So they say."},
          {"True [citation needed] it is[note 2]", "True it is"}, {"[1] Smith, J.", "1. Smith, J."},
          {"[what] it is", "[what] it is"}, {"[pause:2] a", "[pause:2] a"});
}

static void addresses_are_said_shortly(void **state)
{
    (void)state;
    FRONT("en-us", {"Go to https://www.example.org/a/b?c=1&d=2.", "Go to example dot org."},
          {"(see http://example.com)", "(see example dot com)"},
          {"www.example.co.uk, ok", "example dot co dot U K, ok"},
          {"example.com/path and example.com", "example dot com and example dot com"},
          {"john.smith@example.com.", "john dot smith at example dot com."},
          {"mailto:a_b-c+d@x.org", "a underscore b dash c plus d at x dot org"},
          {"<https://example.org/x> and <a@b.org>", "example dot org and a at b dot org"},
          {"http://localhost:8000/docs now", "localhost now"},
          {"Node.js and and/or", "Node.js and and/or"},
          {"e.g. this, 3.5 and U.S.A.", "e.g. this, 3.5 and U.S.A."}, {"https://", "https://"});
    FRONT("es", {"ana@ejemplo.es", "ana arroba ejemplo punto es"},
          {"www.ejemplo.com", "ejemplo punto com"});
    FRONT("fi", {"https://esimerkki.fi/a", "esimerkki.fi"});
}

static void html_is_its_words(void **state)
{
    (void)state;
    FRONT("en-us", {"Tom &amp; Ann met <b>here</b>.", "Tom & Ann met here."},
          {"<p>One.</p><p>Two.</p>", "One.\n\nTwo."}, {"a<br>b<br/>c", "a.\nb.\nc"},
          {"<li>a first item that is long enough</li><li>and another item here</li>",
           "a first item that is long enough.\nand another item here"},
          {"<h1>Title</h1>Text", "Title\n\nText"}, {"<ul><li>a</li><li>b</li></ul>", "a.\nb"},
          {"<a href=\"x>y\" class='z'>link</a>", "link"}, {"a <!-- no --> b", "a  b"},
          {"<script>if (a < b) x();</script>Hi", "Hi"}, {"<style>b{}</style>Hi", "Hi"},
          {"a < b and c > d", "a < b and c > d"}, {"if a <b and c> d", "if a <b and c> d"},
          {"&lt;b&gt; &#8364; &#x20AC; &eacute; &nbsp;x", "<b> € € é  x"},
          {"AT&T &unknown; &", "AT&T &unknown; &"},
          {"&aaa; &bbb; &mmm; &nbsq; &zzz; &A;", "&aaa; &bbb; &mmm; &nbsq; &zzz; &A;"},
          {"&amp;nbsp;&amp;lt;", "<"}, {"Dear <name>, hi", "Dear name, hi"},
          {"<img src=x alt=\"A dog\"> ran", "A dog ran"}, {"<q>Hi</q>", "\"Hi\""},
          {"<table><tr><td>a</td><td>b</td></tr></table>", "a, b"},
          {"<B>x</B> <My-Tag a=1>y</My-Tag>", "x y"}, {"<div>One\ntwo</div>", "One two"},
          {"H<sub>2</sub>O", "H2O"}, {"<speak>Hi</speak>", "Hi"},
          {"<sub alias=\"World Wide Web\">WWW</sub>", "World Wide Web"});
    FRONT("es", {"Esto es <b>importante</b>.", "Esto es importante."});
}

static void a_break_is_a_pause(void **state)
{
    (void)state;
    FRONT("en-us", {"One. <break time=\"500ms\"/> Two.", "One. [pause:500ms] Two."},
          {"<break time='1.5s' />a", "[pause:1.5s]a"}, {"<break/>a", "[pause:500ms]a"},
          {"<break strength=\"strong\"></break>a", "[pause:750ms]a"},
          {"a<break strength=\"none\"/>b", "ab"}, {"<break time=\"soon\"/>a", "[pause:500ms]a"});
}

static void times_of_subtitles_go(void **state)
{
    (void)state;
    FRONT("en-us",
          {"1\n00:00:01,000 --> 00:00:03,500\nHello there.\n\n2\n"
           "00:00:04.000 --> 00:00:06.000 align:start\nGoodbye.",
           "Hello there.\n\nGoodbye."},
          {"12 eggs\nand 7:12", "12 eggs.\nand 7:12"});
    FRONT("en-us", {"5:00 --> 6:00", "5:00 → 6:00"});
    FRONT("es", {"+ de 100", "+ de 100"}, {"+ pan", "pan"});
}

static void tables_are_rows_with_commas(void **state)
{
    (void)state;
    FRONT("en-us", {"| a | b |\n|---|:-:|\n| c | d |\n\nx", "a, b.\nc, d\n\nx"},
          {"a | b\n---|---\nc | d", "a, b.\nc, d"});
}

static void wrapped_lines_are_joined_and_meant_ones_stay(void **state)
{
    (void)state;
    FRONT("en-us",
          {"The ship left the harbour before\nthe sun was up, and by the time\nthe town was awake "
           "she was only\n"
           "a small mark on the far side of\nthe bay.",
           "The ship left the harbour before the sun was up, and by the time the town was awake "
           "she was only "
           "a small mark on the far side of the bay."},
          {"Milk\nEggs\nBread", "Milk.\nEggs.\nBread"},
          {"Chapter One\nThe ship left the harbour before\nthe sun was up.",
           "Chapter One.\nThe ship left the harbour before the sun was up."},
          {"Dear Ann,\nThank you for your letter of the\nsecond of May.",
           "Dear Ann,\nThank you for your letter of the second of May."},
          {"- An item that is wrapped by hand\n  and goes on here\n- Another",
           "An item that is wrapped by hand and goes on here.\nAnother"},
          {"The committee met with President\nGarcia to discuss the plan today.",
           "The committee met with President Garcia to discuss the plan today."},
          {"Buy two bottles of milk at the store\nCall the dentist about Friday morning\nSend the "
           "report to Jones",
           "Buy two bottles of milk at the store.\nCall the dentist about Friday morning.\nSend "
           "the report to Jones"},
          {"The ship left the old har-\nbour before the sun was up.",
           "The ship left the old harbour before the sun was up."},
          {"It was a story that is well-\nknown to all of us by now.",
           "It was a story that is well-known to all of us by now."},
          {"One line ends here as it should  \nand this one is another line.",
           "One line ends here as it should.\nand this one is another line."});
}

static void hostile_texts_come_to_an_end(void **state)
{
    (void)state;
    static const char *const units[] = {"<",
                                        "<a ",
                                        "<a \"",
                                        "<!--",
                                        "</",
                                        "<script>",
                                        "<sub alias=x>",
                                        "&",
                                        "&amp;",
                                        "[",
                                        "](",
                                        "![",
                                        "[a](",
                                        "[a][",
                                        "`",
                                        "` ``",
                                        "*",
                                        "_",
                                        "**a",
                                        "~~",
                                        "http://",
                                        "a@",
                                        "a.",
                                        "www.",
                                        "\n",
                                        "- ",
                                        "> ",
                                        "|",
                                        "|-",
                                        "#",
                                        "\\",
                                        ":a",
                                        "\xCC\x81",
                                        "\xF0\x9F\x98\x80",
                                        "^2",
                                        "<break/>",
                                        "a-\n",
                                        "```\n",
                                        "=",
                                        "1. "};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t n = strlen(units[i]), count = 60000 / n;
        char *text = tb_alloc(count * n + 1);
        for (size_t k = 0; k < count; k++)
            memcpy(text + k * n, units[i], n);
        char *out = front(text, "en-us");
        assert_non_null(out);
        tb_free(out);
        tb_free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headings_lists_and_quotes_are_their_words),
        cmocka_unit_test(emphasis_and_code_are_their_words),
        cmocka_unit_test(links_are_their_words),
        cmocka_unit_test(citations_go),
        cmocka_unit_test(addresses_are_said_shortly),
        cmocka_unit_test(html_is_its_words),
        cmocka_unit_test(a_break_is_a_pause),
        cmocka_unit_test(times_of_subtitles_go),
        cmocka_unit_test(tables_are_rows_with_commas),
        cmocka_unit_test(wrapped_lines_are_joined_and_meant_ones_stay),
        cmocka_unit_test(hostile_texts_come_to_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
