#include "embedded/language_names_priv.h"

#include "base/unicode.h"
#include "base/utf8.h"

#include <stdbool.h>
#include <string.h>

/*
 * Two tables: the names of languages, and words for a country or a kind that may stand in front of
 * a name or behind it. A name is folded (case, accents, punctuation) and looked for whole; then as
 * a language with the rest of the words naming its region. Rows are folded while they are compared:
 * this happens at most once per request and keeps the tables readable.
 */

/* clang-format off */
static const struct row {
    const char *code, *names;
} languages[] = {
    {"en", "English|inglés|anglais|Englisch|inglese|inglês"},
    {"es", "Spanish|español|castellano|Castilian|espagnol|spagnolo|espanhol|española"},
    {"fr", "French|francés|français|Französisch|francese|francês"},
    {"de", "German|alemán|Deutsch|allemand|tedesco|alemão"},
    {"it", "Italian|italiano|italien|Italienisch"},
    {"pt", "Portuguese|portugués|português|portugais|Portugiesisch|portoghese"},
    {"ca", "Catalan|catalán|català|valenciano|valencià|Valencian"},
    {"gl", "Galician|gallego|galego"},
    {"eu", "Basque|vasco|vascuence|euskera|euskara|eusquera"},
    {"an", "Aragonese|aragonés"},
    {"ast", "Asturian|asturiano|asturianu"},
    {"oc", "Occitan|occitano|aranés"},
    {"ro", "Romanian|rumano|română|moldavo|Moldavian|Moldovan"},
    {"nl", "Dutch|neerlandés|holandés|Nederlands|flamenco|Flemish|Vlaams"},
    {"af", "Afrikaans|afrikáans|africáans"},
    {"lb", "Luxembourgish|luxemburgués|Lëtzebuergesch"},
    {"da", "Danish|danés|dansk"},
    {"nb", "Norwegian|noruego|norsk|bokmål|Norwegian Bokmål|norsk bokmål|nynorsk"},
    {"sv", "Swedish|sueco|svenska"},
    {"is", "Icelandic|islandés|íslenska"},
    {"fi", "Finnish|finés|finlandés|suomi"},
    {"et", "Estonian|estonio|eesti|eesti keel"},
    {"lv", "Latvian|letón|latviešu|latviešu valoda"},
    {"lt", "Lithuanian|lituano|lietuvių|lietuvių kalba"},
    {"pl", "Polish|polaco|polski|język polski"},
    {"cs", "Czech|checo|čeština|česky"},
    {"sk", "Slovak|eslovaco|slovenčina|slovensky"},
    {"sl", "Slovenian|Slovene|esloveno|slovenščina"},
    {"hr", "Croatian|croata|hrvatski"},
    {"sr", "Serbian|serbio|српски|srpski"},
    {"bs", "Bosnian|bosnio|bosanski"},
    {"mk", "Macedonian|macedonio|македонски"},
    {"bg", "Bulgarian|búlgaro|български"},
    {"hu", "Hungarian|húngaro|magyar"},
    {"sq", "Albanian|albanés|shqip"},
    {"el", "Greek|griego|ελληνικά|Modern Greek"},
    {"grc", "Ancient Greek|griego antiguo"},
    {"la", "Latin|latín|lingua latina"},
    {"ru", "Russian|ruso|русский|русский язык"},
    {"uk", "Ukrainian|ucraniano|українська|українська мова"},
    {"be", "Belarusian|Byelorussian|bielorruso|беларуская"},
    {"ga", "Irish|Irish Gaelic|irlandés|gaélico irlandés|Gaeilge"},
    {"gd", "Scottish Gaelic|Scots Gaelic|gaélico escocés|Gàidhlig|Gaelic"},
    {"cy", "Welsh|galés|Cymraeg"},
    {"mt", "Maltese|maltés|Malti"},
    {"tr", "Turkish|turco|Türkçe"},
    {"az", "Azerbaijani|Azeri|azerbaiyano|azerí|azərbaycan|azərbaycanca"},
    {"kk", "Kazakh|kazajo|қазақ|қазақша"},
    {"ky", "Kyrgyz|kirguís|кыргызча"},
    {"uz", "Uzbek|uzbeko|oʻzbek|o'zbek"},
    {"tk", "Turkmen|turcomano|türkmençe"},
    {"tt", "Tatar|tártaro|татарча"},
    {"ka", "Georgian|georgiano|ქართული"},
    {"hy", "Armenian|armenio|հայերեն"},
    {"he", "Hebrew|hebreo|עברית"},
    {"ar", "Arabic|árabe|العربية|عربي"},
    {"fa", "Persian|persa|Farsi|فارسی"},
    {"ku", "Kurdish|kurdo|Kurmanji|kurdî"},
    {"ur", "Urdu|اردو"},
    {"hi", "Hindi|hindi|हिन्दी|हिंदी"},
    {"bn", "Bengali|Bangla|bengalí|বাংলা"},
    {"pa", "Punjabi|Panjabi|panyabí|ਪੰਜਾਬੀ"},
    {"gu", "Gujarati|guyaratí|ગુજરાતી"},
    {"mr", "Marathi|maratí|मराठी"},
    {"ne", "Nepali|nepalí|नेपाली"},
    {"or", "Odia|Oriya|ଓଡ଼ିଆ"},
    {"as", "Assamese|asamés|অসমীয়া"},
    {"ta", "Tamil|தமிழ்"},
    {"te", "Telugu|తెలుగు"},
    {"kn", "Kannada|canarés|ಕನ್ನಡ"},
    {"ml", "Malayalam|malabar|മലയാളം"},
    {"si", "Sinhala|Sinhalese|cingalés|සිංහල"},
    {"sd", "Sindhi|سنڌي"},
    {"kok", "Konkani|कोंकणी"},
    {"my", "Burmese|Myanmar|birmano|မြန်မာ"},
    {"th", "Thai|tailandés|ไทย|ภาษาไทย"},
    {"vi", "Vietnamese|vietnamita|tiếng việt"},
    {"id", "Indonesian|indonesio|bahasa indonesia"},
    {"ms", "Malay|malayo|bahasa melayu|melayu"},
    {"tl", "Tagalog|tagalo|Filipino"},
    {"ja", "Japanese|japonés|日本語|nihongo"},
    {"ko", "Korean|coreano|한국어|한국말"},
    {"cmn", "Chinese|chino|中文|汉语|漢語|普通话|普通話|国语|國語|Mandarin|mandarín|Mandarin Chinese|chino mandarín"},
    {"yue", "Cantonese|cantonés|chino cantonés|广东话|廣東話|粤语|粵語"},
    {"hak", "Hakka|Hakka Chinese|客家話"},
    {"am", "Amharic|amárico|አማርኛ"},
    {"om", "Oromo|afaan oromoo"},
    {"sw", "Swahili|Kiswahili|suajili|swahili"},
    {"tn", "Setswana|Tswana"},
    {"ht", "Haitian Creole|Haitian|criollo haitiano|haitiano|kreyòl|kreyòl ayisyen"},
    {"pap", "Papiamento|Papiamentu"},
    {"gn", "Guarani|guaraní|avañe'ẽ"},
    {"qu", "Quechua|quichua|runa simi"},
    {"nci", "Nahuatl|náhuatl|Classical Nahuatl"},
    {"quc", "K'iche'|Quiché"},
    {"mi", "Maori|maorí|te reo māori"},
    {"haw", "Hawaiian|hawaiano|ʻōlelo hawaiʻi"},
    {"kl", "Greenlandic|groenlandés|kalaallisut"},
    {"eo", "Esperanto"},
    {"ia", "Interlingua"},
    {"io", "Ido"},
    {"jbo", "Lojban"},
    {"piqd", "Klingon"},
    {"chr", "Cherokee|cheroqui"},
};

/* Regions: of which language, the code of both, words for the region. */
static const struct region {
    const char *of, *code, *names;
} regions[] = {
    {"en", "en-us", "America|American|US|USA|United States|Estados Unidos|americano|estadounidense|EE UU|EEUU"},
    {"en", "en-gb", "Great Britain|Britain|British|UK|GB|United Kingdom|England|Reino Unido|británico|Gran Bretaña|Inglaterra"},
    {"en", "en-gb-scotland", "Scotland|Scottish|Escocia|escocés"},
    {"en", "en-029", "Caribbean|Caribe|caribeño"},
    {"en", "en-us", "Canada|Canadian|Canadá|canadiense"},
    {"en", "en-gb", "Australia|Australian|australiano|Ireland|Irish|Irlanda|irlandés|New Zealand|Nueva Zelanda|India|Indian|South Africa|Sudáfrica"},
    {"es", "es-es", "Spain|Castilian|European|Europe|España|peninsular|europeo|castellano|de España"},
    {"es", "es-419", "Latin America|Latin American|Latino|Latinoamérica|latinoamericano|América Latina|Hispanoamérica|americano"},
    {"es", "es-mx", "Mexico|Mexican|México|mexicano|MX"},
    {"es", "es-ar", "Argentina|Argentinian|Argentine|argentino|rioplatense"},
    {"es", "es-co", "Colombia|Colombian|colombiano"},
    {"es", "es-cl", "Chile|Chilean|chileno"},
    {"es", "es-pe", "Peru|Peruvian|Perú|peruano"},
    {"es", "es-ve", "Venezuela|Venezuelan|venezolano"},
    {"es", "es-cu", "Cuba|Cuban|cubano|Puerto Rico|puertorriqueño|República Dominicana|dominicano"},
    {"es", "es-us", "US|USA|United States|Estados Unidos"},
    {"es", "es-uy", "Uruguay|uruguayo|Paraguay|paraguayo|Bolivia|boliviano|Ecuador|ecuatoriano"},
    {"es", "es-gt", "Guatemala|guatemalteco|Honduras|hondureño|El Salvador|salvadoreño|Nicaragua|nicaragüense|Costa Rica|costarricense|Panama|panameño"},
    {"pt", "pt-br", "Brazil|Brazilian|Brasil|brasileño|brasileiro|BR"},
    {"pt", "pt-pt", "Portugal|European|europeo|europeu"},
    {"fr", "fr-fr", "France|Francia|European|europeo"},
    {"fr", "fr-be", "Belgium|Belgian|Bélgica|belga|Belgique|belge"},
    {"fr", "fr-ch", "Switzerland|Swiss|Suiza|suizo|Suisse"},
    {"fr", "fr-fr", "Canada|Canadian|Canadá|canadiense|Québec|Quebec|Quebecois"},
    {"de", "de-de", "Germany|Alemania|Deutschland|Austria|Austrian|Österreich|austriaco|Switzerland|Swiss|Suiza|suizo|Schweiz"},
    {"nl", "nl-nl", "Netherlands|Países Bajos|Holanda|Belgium|Belgian|Bélgica|belga"},
    {"cmn", "cmn-cn", "China|Mainland|simplified|simplificado|Taiwan|Taiwán|traditional|tradicional"},
    {"cmn", "yue", "Hong Kong|Cantonese"},
    {"hy", "hy", "East Armenia|Eastern|oriental"},
    {"hy", "hyw", "West Armenia|Western|occidental"},
    {"vi", "vi", "Northern|Vietnam"},
    {"fa", "fa", "Iran|Irán"},
    {"el", "el", "Greece|Grecia|modern|moderno"},
    {"it", "it", "Italy|Italia"},
    {"ru", "ru", "Russia|Rusia"},
    {"ja", "ja", "Japan|Japón"},
    {"ko", "ko", "Korea|Corea"},
};
/* clang-format on */

static bool is_mark(uint32_t cp)
{
    return (cp >= 0x300 && cp <= 0x36F) || cp == 0x2BB || cp == 0x2BC || cp == 0x2018 ||
           cp == 0x2019 || cp == '\'';
}

/* The small letter below a capital and its accents, in Latin, Greek and Cyrillic. */
static uint32_t small(uint32_t cp)
{
    cp = tb_unicode_lower(cp);
    if (cp < 0x530 || (cp >= 0x1E00 && cp <= 0x1FFF)) cp = tb_unicode_base(cp);
    return tb_utf8_plain(cp); /* of those that are no letter with an accent: ø, ł */
}

/* The fold of text[0..len). What does not fit is left out: no name of the tables is so long. */
static void plain(const char *text, size_t len, char out[TB_LANGUAGE_NAME_MAX + 1])
{
    size_t o = 0, n;
    bool gap = false;
    for (size_t i = 0; i < len; i += n) {
        uint32_t cp = tb_utf8_next(text + i, len - i, &n);
        char put[4];
        if (is_mark(cp)) continue; /* combining accents and apostrophes */
        if (cp == TB_UTF8_BAD || !tb_utf8_is_word(cp)) {
            gap = o > 0;
            continue;
        }
        size_t m = tb_utf8_put(small(cp), put);
        if (o + gap + m > TB_LANGUAGE_NAME_MAX) break;
        if (gap) out[o++] = ' ';
        gap = false;
        memcpy(out + o, put, m);
        o += m;
    }
    out[o] = 0;
}

void tb_language_plain(const char *name, char out[TB_LANGUAGE_NAME_MAX + 1])
{
    plain(name, strlen(name), out);
}

static bool holds(const char *names, const char *wanted)
{
    char one[TB_LANGUAGE_NAME_MAX + 1];
    for (const char *p = names; *p;) {
        size_t len = strcspn(p, "|");
        plain(p, len, one);
        if (strcmp(one, wanted) == 0) return true;
        p += len + (p[len] == '|');
    }
    return false;
}

static const char *language_of(const char *plain_name)
{
    for (size_t i = 0; i < sizeof languages / sizeof languages[0]; i++)
        if (holds(languages[i].names, plain_name)) return languages[i].code;
    return NULL;
}

/* Words between a language and its country. */
static const char *without_of(const char *words)
{
    static const char *const of[] = {"de ",   "del ", "do ",  "du ", "of ",
                                     "from ", "la ",  "los ", "the "};
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < sizeof of / sizeof of[0]; i++)
            if (strncmp(words, of[i], strlen(of[i])) == 0) {
                words += strlen(of[i]);
                more = true;
            }
    }
    return words;
}

static const char *with_region(const char *language, const char *words)
{
    words = without_of(words);
    for (size_t i = 0; i < sizeof regions / sizeof regions[0]; i++)
        if (strcmp(regions[i].of, language) == 0 && holds(regions[i].names, words))
            return regions[i].code;
    return NULL;
}

const char *tb_language_named(const char *name)
{
    char words[TB_LANGUAGE_NAME_MAX + 1];
    tb_language_plain(name, words);
    const char *language, *found = language_of(words);
    for (char *cut = strchr(words, ' '); cut && !found; cut = strchr(cut + 1, ' ')) {
        *cut = 0;
        if ((language = language_of(words))) found = with_region(language, cut + 1);
        if (!found && (language = language_of(cut + 1))) found = with_region(language, words);
        *cut = ' ';
    }
    return found;
}

const char *tb_language_names(size_t i, const char **names)
{
    if (i >= sizeof languages / sizeof languages[0]) return NULL;
    *names = languages[i].names;
    return languages[i].code;
}
