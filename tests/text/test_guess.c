/*
 * Tests of guessing a text's language: clear texts, names, accents, bounds.
 */
#include "base/mem.h"
#include "text/guess.h"
#include "text/guess_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void guessed(const char *text, const char *usual, const char *code)
{
    const char *got = tb_guess_language(text, usual);
    if ((!got && code) || (got && (!code || strcmp(got, code) != 0)))
        fail_msg("%s: %s, not %s", text, got ? got : "-", code ? code : "-");
}

/* clang-format off */
static const char *const clear[][2] = {
    {"es", "Buenos días, ¿cómo estás?"},
    {"es", "El perro come en la cocina."},
    {"es", "La reunión empieza a las nueve de la mañana."},
    {"es", "Hola, me llamo Ana y vivo en Madrid."},
    {"es", "hola que tal"},
    {"es", "Hola."},
    {"es", "Hola amigos"},
    {"es", "[rain] Hola [/rain] amigos"},
    {"es", "Me llamo Ana"},
    {"es", "Perfecto"},
    {"es", "Hola, Marcos"},
    {"es", "Trabajo en Bilbao"},
    {"es", "Gracias por su compra. Su pedido llegará mañana."},
    {"es", "Llueve. Nos quedamos dentro y leemos."},
    {"es", "El servidor no responde, por favor reinicie el router."},
    {"es", "Bienvenidos al podcast de tecnología."},
    {"es", "No hay nada que hacer."},
    {"es", "Instrucciones: abra la tapa y pulse el botón rojo."},
    {"es", "Quiero un café con leche."},
    {"es", "[happy] ¡Qué día tan bonito! [sigh] Bueno."},
    {"es", "Me gusta mucho el software libre y uso Linux en el trabajo."},
    {"es", "SU LLAMADA ES IMPORTANTE PARA NOSOTROS"},
    {"es", "La temperatura es de 25 grados."},
    {"es", "Mi casa es tu casa, amigo."},
    {"es", "Tengo tres gatos."},
    {"es", "Estoy cansado."},
    {"es", "Había una vez una princesa."},
    {"es", "En un lugar de la Mancha, de cuyo nombre no quiero acordarme, no ha mucho tiempo que vivía un hidalgo."},
    {"fr", "Bonjour, comment allez-vous ?"},
    {"fr", "Il fait beau aujourd'hui."},
    {"fr", "C'est la vie, mon ami."},
    {"fr", "Le chat dort sur le canapé."},
    {"fr", "Bonjour"},
    {"fr", "Je ne sais pas."},
    {"fr", "Merci beaucoup pour votre aide."},
    {"de", "Guten Morgen, wie geht es Ihnen?"},
    {"de", "Der Hund schläft im Garten."},
    {"de", "Ich möchte ein Bier."},
    {"de", "Das ist nicht gut."},
    {"de", "Vielen Dank für Ihre Bestellung."},
    {"pt", "Bom dia, como você está?"},
    {"pt", "O cachorro não quer comer."},
    {"pt", "Obrigado pela sua compra."},
    {"pt", "A reunião começa às nove horas."},
    {"pt", "Eu gosto muito de música brasileira."},
    {"it", "Buongiorno, come stai?"},
    {"it", "Il cane dorme nel giardino."},
    {"it", "Grazie mille per il tuo aiuto."},
    {"it", "Vorrei un caffè, per favore."},
    {"it", "La riunione inizia alle nove."},
    {"it", "Nel mezzo del cammin di nostra vita mi ritrovai per una selva oscura"},
    {"ca", "Bon dia, com estàs?"},
    {"ca", "El gos dorm a la cuina i no vol sortir."},
    {"ca", "Moltes gràcies per la vostra ajuda."},
    {"ca", "La reunió comença a les nou del matí."},
    {"ca", "Aquesta nit plourà amb força a Barcelona."},
    {"gl", "Bos días, como estás?"},
    {"gl", "O can non quere saír á rúa."},
    {"gl", "A xente vai á feira con moito tempo."},
    {"gl", "Moitas grazas pola túa axuda."},
    {"nl", "Goedemorgen, hoe gaat het met jou?"},
    {"nl", "De hond slaapt in de tuin en de kat ligt op het bed."},
    {"eu", "Kaixo, zer moduz zaude? Gaur eguraldi ona dago."},
    {"ro", "Bună ziua, ce mai faceți?"},
    {"ro", "Câinele doarme în grădină și nu vrea să iasă."},
    {"pl", "Dzień dobry, jak się masz?"},
    {"pl", "Pies śpi w ogrodzie, a kot jest w domu."},
    {"sv", "Hej, hur mår du idag?"},
    {"sv", "Hunden sover i trädgården och katten ligger på sängen."},
    {"tr", "Merhaba, nasılsın? Bugün hava çok güzel."},
    {"ru", "Привет, как дела?"},
    {"uk", "Доброго дня, як ваші справи?"},
    {"be", "Добры дзень, як у вас справы? Ён быў у школе."},
    {"bg", "Добър ден, как сте? Времето днес е хубаво и къщата е голяма."},
    {"sr", "Добар дан, како сте? Љубав је лепа."},
    {"mk", "Ќе дојдам утре во куќата, со ѓаволот."},
    {"kk", "Сәлеметсіз бе, қалыңыз қалай?"},
    {"el", "Καλημέρα, τι κάνεις;"},
    {"ar", "صباح الخير كيف حالك"},
    {"fa", "سلام، حال شما چطور است؟ من یک کتاب دارم"},
    {"ur", "آپ کیسے ہیں؟ میں ٹھیک ہوں"},
    {"he", "שלום, מה שלומך?"},
    {"hi", "नमस्ते, आप कैसे हैं?"},
    {"bn", "আপনি কেমন আছেন?"},
    {"ta", "நீங்கள் எப்படி இருக்கிறீர்கள்?"},
    {"th", "สวัสดีครับ"},
    {"ja", "こんにちは、元気ですか。"},
    {"ja", "東京は日本の首都です。"},
    {"ja", "カタカナ"},
    {"cmn", "你好，今天天气怎么样？"},
    {"yue", "你喺邊度呀？我唔知佢去咗邊。"},
    {"ko", "안녕하세요. 만나서 반갑습니다."},
    {"ka", "გამარჯობა, როგორ ხარ?"},
    {"hy", "Բարև, ինչպես ես?"},
    {"am", "ሰላም እንዴት ነህ"},
};

/* English, or nothing that could be told apart from a name. */
static const char *const unclear[] = {
    "Hello there.",
    "Good morning.",
    "The quick brown fox jumps over the lazy dog.",
    "This is a voice cloning demo.",
    "I love San Francisco and Los Angeles.",
    "He said hola, buenos días to everyone.",
    "El Niño is a climate pattern.",
    "La La Land is a film by Damien Chazelle.",
    "Don Quixote de la Mancha is a novel by Miguel de Cervantes.",
    "Die!",
    "War.",
    "No.",
    "OK",
    "Yes",
    "Café",
    "Taco Bell",
    "Des Moines, Iowa",
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit",
    "It's a déjà vu.",
    "A la carte menu, please.",
    "Le Monde reported that the president of France resigned.",
    "Per capita income in Brazil",
    "Pros and cons",
    "Santa Maria del Mar",
    "Error 404: page not found",
    "12345",
    "...",
    "Chapter One",
    "Mozart",
    "Barcelona",
    "The word \"español\" means Spanish.",
    "Deutsche Bank shares fell.",
    "Rio de Janeiro",
    "Los Angeles",
    "Hi Ana",
    "Ha ha ha!",
    "ha [giggles] ha",
    "La la la",
    "Ja ja",
    "Carpe diem.",
    "The purple cat sings.",
    "Alright.",
    "Uh, hmm.",
    "Buy one get one free",
    "Press any key",
    "Wireless charging supported",
    "Loading",
    "He said 你好 to me and I answered.",
    "The Greek letter Ω is the last one.",
};
/* clang-format on */

static void a_text_that_is_clearly_in_a_language_is_recognised(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof clear / sizeof *clear; i++)
        guessed(clear[i][1], "en", clear[i][0]);
}

static void english_names_and_single_words_stay_what_they_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof unclear / sizeof *unclear; i++)
        guessed(unclear[i], "en-us", NULL);
}

static void the_usual_language_is_no_guess(void **state)
{
    (void)state;
    guessed("El perro come en la cocina.", "es", NULL);
    guessed("El perro come en la cocina.", "es-419", NULL);
    guessed("The dog eats in the kitchen.", "es", "en");
    guessed("The dog eats in the kitchen.", "ru", "en");
    guessed("Привет, как дела?", "ru", NULL);
}

static void accents_may_be_missing_or_characters_of_their_own(void **state)
{
    (void)state;
    guessed("Manana vamos a la reunion con el senor Nunez", "en", "es");
    guessed("El nin\xCC\x83o suen\xCC\x83"
            "a",
            "en", "es");
    guessed("A informac\xCC\xA7"
            "a\xCC\x83o esta\xCC\x81 correta",
            "en", "pt");
}

static void brackets_markup_and_addresses_do_not_count(void **state)
{
    (void)state;
    guessed("[suspiro] [lluvia] [pausa:2s] Well, that was it.", "en", NULL);
    guessed("[happy] [sigh] [rain] Llueve y nos quedamos en casa.", "en", "es");
    guessed("<p class=\"the and of\">Hola a todos</p>", "en", "es");
    guessed("See https://example.org/el/perro/de/la/casa or mail el.de.la@uno.es", "en", NULL);
}

static void every_word_of_a_list_is_plain_and_there_once(void **state)
{
    (void)state;
    for (size_t k = 0; k < TB_GUESS_LATIN; k++) {
        const char *words = tb_guess_lists[k].words;
        assert_non_null(words);
        assert_int_equal(strspn(words, "abcdefghijklmnopqrstuvwxyz "), strlen(words));
        assert_null(strstr(words, "  "));
        for (const char *p = words; *p;) {
            char *one = NULL;
            size_t len = strcspn(p, " ");
            assert_in_range(len, 1, 24);
            one = tb_sprintf(" %.*s ", (int)len, p);
            if (p[len] && strstr(p + len, one)) fail_msg("%s:%s", tb_guess_lists[k].code, one);
            tb_free(one);
            p += len + (p[len] == ' ');
        }
    }
}

static void hostile_texts_are_looked_at_in_bounded_time(void **state)
{
    static const char *const pieces[] = {"[",  "<",   "a",  "\xCC\x81",    "el ",
                                         "@ ", "://", "aé", "¿",           "漢 字 ",
                                         "'",  "1a",  "я",  "\xE2\x80\x8B"};
    (void)state;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        const size_t len = strlen(pieces[i]), times = 2000000 / len;
        char *text = malloc(times * len + 1);
        assert_non_null(text);
        for (size_t k = 0; k < times; k++)
            memcpy(text + k * len, pieces[i], len);
        text[times * len] = 0;
        clock_t begin = clock();
        tb_guess_language(text, "en");
        assert_in_range(clock() - begin, 0, CLOCKS_PER_SEC / 5);
        free(text);
    }
    guessed("", "en", NULL);
    guessed("\xFF\xFE\xC3", "en", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_that_is_clearly_in_a_language_is_recognised),
        cmocka_unit_test(english_names_and_single_words_stay_what_they_are),
        cmocka_unit_test(the_usual_language_is_no_guess),
        cmocka_unit_test(accents_may_be_missing_or_characters_of_their_own),
        cmocka_unit_test(brackets_markup_and_addresses_do_not_count),
        cmocka_unit_test(every_word_of_a_list_is_plain_and_there_once),
        cmocka_unit_test(hostile_texts_are_looked_at_in_bounded_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
