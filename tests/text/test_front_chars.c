#include "front_help.h"

static void letters_have_one_form(void **state)
{
    (void)state;
    FRONT("en-us", {"Her re\xCC\x81sume\xCC\x81 is here.", "Her résumé is here."},
          {"man\xCC\x83"
           "ana",
           "mañana"},
          {"Zu\xCC\x88rich", "Zürich"},
          {"The o\xEF\xAC\x83"
           "ce is on the \xEF\xAC\x81rst \xEF\xAC\x82oor.",
           "The office is on the first floor."},
          {"\xEF\xAC\x80 \xEF\xAC\x84 \xEF\xAC\x86", "ff ffl st"},
          {"Ｆｕｌｌ　ｗｉｄｔｈ！ ５", "Full width! 5"}, {"𝐛𝐨𝐥𝐝 𝑖𝑡𝑎𝑙𝑖𝑐 𝟙𝟚", "bold italic 12"},
          {"Ⅳ and ⅻ", "IV and xii"}, {"CO₂", "CO2"}, {"7⁄8 inch", "7/8 inch"},
          {"５０ ㎏, 20 ㎡, 3 ㎥", "50 kg, 20 m², 3 m³"}, {"21 ℃ or 70 ℉", "21 °C or 70 °F"},
          {"5 \xCE\xBCg of \xC2\xB5", "5 µg of µ"});
    FRONT("cmn", {"你好！走，１２", "你好！走，12"});
}

static void what_cannot_be_seen_goes(void **state)
{
    (void)state;
    FRONT("en-us", {"soft\xC2\xADhyphen", "softhyphen"}, {"zero\xE2\x80\x8Bwidth", "zerowidth"},
          {"\xEF\xBB\xBFmark", "mark"},
          {"a\xE2\x80\x8E\xE2\x80\x8F\xE2\x81\xA0"
           "b",
           "ab"},
          {"no\xC2\xA0"
           "break\xE2\x80\xAFspace",
           "no break space"},
          {"har\xC2\xAD\nbour", "harbour"}, {"a\r\nb\rc", "a.\nb.\nc"}, {"bell\x07!", "bell!"},
          {"wo\xE2\x80\x8Drd", "word"}, {"private \xEE\x80\x80.", "private ."});
    FRONT("fa", {"می\xE2\x80\x8Cخواهم", "می\xE2\x80\x8Cخواهم"});
}

static void quotes_and_minus_signs_are_those_of_a_keyboard(void **state)
{
    (void)state;
    FRONT("en-us", {"“Hi” it’s ‘me’", "\"Hi\" it's 'me'"}, {"don´t", "don't"},
          {"It was −5 degrees.", "It was -5 degrees."}, {"from −10 to −2.5", "from -10 to -2.5"},
          {"5 − 3", "5 − 3"}, {"non‑breaking‐hyphen", "non-breaking-hyphen"},
          {"Wait… now", "Wait… now"}, {"What⁈ No‼", "What?! No!!"}, {"one‥ two", "one.. two"});
}

static void pictures_are_silent_in_every_language(void **state)
{
    (void)state;
    static const char *const languages[] = {"en-us", "es", "de", "ru", "cmn", "ar"};
    for (size_t i = 0; i < sizeof languages / sizeof *languages; i++)
        FRONT(languages[i], {"Listo ✅ amigo.", "Listo amigo."}, {"Hola 👋 amiga.", "Hola amiga."},
              {"Hola 👋🏽, amiga", "Hola, amiga"}, {"Hola👋amiga", "Hola amiga"},
              {"✅ Listo", "Listo"}, {"a 👨‍👩‍👧‍👦 b", "a b"}, {"a 🇪🇸 b", "a b"},
              {"a ❤️ b ☀ c ★ d", "a b c d"}, {"1️⃣ uno", "1 uno"},
              {"Adios 🎉🎉", "Adios"}, {"a 🏴󠁧󠁢󠁥󠁮󠁧󠁿 b", "a b"}, {"😀", ""},
              {"► a ■ b", "a b"});
    FRONT("en-us", {"Hi :) there :-D", "Hi there"}, {"I <3 you", "I you"}, {":tada: Yes!", "Yes!"},
          {"Good! :)", "Good!"}, {"at 10:30:45", "at 10:30:45"}, {"ratio:D", "ratio:D"},
          {"© 2024 Tom™", "© 2024 Tom™"});
}

static void powers_stay_and_footnotes_go(void **state)
{
    (void)state;
    FRONT("en-us", {"20 m² and 10⁶", "20 m² and 10⁶"},
          {"He said.¹ So did\nshe", "He said. So did.\nshe"}, {"the word² here", "the word here"},
          {"It is¹ so", "It is so"}, {"x¹⁰", "x¹⁰"}, {"(a+b)²", "(a+b)²"},
          {"x^2 and x^10 and 2^-3", "x² and x¹⁰ and 2⁻³"}, {"m<sup>2</sup>", "m²"},
          {"1<sup>st</sup>", "1st"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_have_one_form),
        cmocka_unit_test(what_cannot_be_seen_goes),
        cmocka_unit_test(quotes_and_minus_signs_are_those_of_a_keyboard),
        cmocka_unit_test(pictures_are_silent_in_every_language),
        cmocka_unit_test(powers_stay_and_footnotes_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
