/*
 * Signs by the words of the languages beside English and Spanish. A word left NULL is one that
 * espeak-ng says by itself, or that nobody told us. Forms for one, few and many are parted by '|',
 * chosen by the rule of the row.
 */
#include "text/spell_other_priv.h"

#include <string.h>

/* clang-format off */
static const tb_sign_words all[] = {
/*  codes, rule, percent in front,
    minus, plus, times, equals, to, percent, per mille, plus or minus, degrees, Celsius, Fahrenheit,
    euro, dollar, pound, yen, half, quarter, three quarters, at most, at least, and, other money */
{" de ", TB_PLURAL_NONE, false, "minus", "plus", "mal", "gleich", "bis", "Prozent", "Promille", "plus minus", "Grad", "Grad Celsius", "Grad Fahrenheit",
 "Euro", "Dollar", "Pfund", "Yen", "ein halb", "ein Viertel", "drei Viertel", "kleiner oder gleich", "größer oder gleich", "und", "CHF=Franken;₽=Rubel;zł=Zloty;₺=Lira;₹=Rupien;₩=Won;№=Nummer"},
{" lb ", TB_PLURAL_NONE, false, "minus", "plus", "mol", "ass gläich", "bis", "Prozent", "Promill", "plus minus", "Grad", "Grad Celsius", "Grad Fahrenheit",
 "Euro", "Dollar", "Pond", "Yen", "en hallef", "e Véierel", "dräi Véierel", "méi kleng oder gläich", "méi grouss oder gläich", "an", NULL},
{" nl ", TB_PLURAL_NONE, false, "min", "plus", "keer", "is gelijk aan", "tot", "procent", "promille", "plus min", "graden", "graden Celsius", "graden Fahrenheit",
 "euro", "dollar", "pond", "yen", "een half", "een kwart", "drie kwart", "kleiner dan of gelijk aan", "groter dan of gelijk aan", "en", "CHF=frank;₽=roebel;₺=lira;₹=roepie;§=paragraaf;№=nummer"},
{" af ", TB_PLURAL_NONE, false, "minus", "plus", "maal", "is gelyk aan", "tot", "persent", "per duisend", "plus of minus", "grade", "grade Celsius", "grade Fahrenheit",
 "euro", "dollar", "pond", "jen", "'n half", "'n kwart", "driekwart", "kleiner as of gelyk aan", "groter as of gelyk aan", "en", "ZAR=rand"},
{" fr fr-fr fr-be fr-ch ", TB_PLURAL_FRENCH, false, "moins", "plus", "fois", "égale", "à", "pour cent", "pour mille", "plus ou moins", "degré|degrés", "degré Celsius|degrés Celsius", "degré Fahrenheit|degrés Fahrenheit",
 "euro|euros", "dollar|dollars", "livre|livres", "yen|yens", "un demi", "un quart", "trois quarts", "inférieur ou égal à", "supérieur ou égal à", "et", "CHF=franc|francs;₽=rouble|roubles;₹=roupie|roupies;₺=livre turque|livres turques;₩=won|wons;¢=cent|cents;§=paragraphe;№=numéro"},
{" it ", TB_PLURAL_ONE, false, "meno", "più", "per", "uguale", "a", "per cento", "per mille", "più o meno", "grado|gradi", "grado Celsius|gradi Celsius", "grado Fahrenheit|gradi Fahrenheit",
 "euro", "dollaro|dollari", "sterlina|sterline", "yen", "un mezzo", "un quarto", "tre quarti", "minore o uguale a", "maggiore o uguale a", "e", "CHF=franco|franchi;₽=rublo|rubli;₹=rupia|rupie;№=numero"},
{" pt pt-br ", TB_PLURAL_ONE, false, "menos", "mais", "vezes", "igual a", "a", "por cento", "por mil", "mais ou menos", "grau|graus", "grau Celsius|graus Celsius", "grau Fahrenheit|graus Fahrenheit",
 "euro|euros", "dólar|dólares", "libra|libras", "iene|ienes", "meio", "um quarto", "três quartos", "menor ou igual a", "maior ou igual a", "e", "BRL=real|reais;CHF=franco|francos;₽=rublo|rublos;₹=rupia|rupias;¢=centavo|centavos;№=número"},
{" ca ", TB_PLURAL_ONE, false, "menys", "més", "per", "igual a", "a", "per cent", "per mil", "més o menys", "grau|graus", "grau Celsius|graus Celsius", "grau Fahrenheit|graus Fahrenheit",
 "euro|euros", "dòlar|dòlars", "lliura|lliures", "ien|iens", "mig", "un quart", "tres quarts", "menor o igual que", "major o igual que", "i", "CHF=franc|francs;§=secció;№=número"},
{" an ", TB_PLURAL_ONE, false, "menos", "más", "por", "igual a", "a", "por cient", "por mil", "más u menos", "grau|graus", "grau Celsius|graus Celsius", "grau Fahrenheit|graus Fahrenheit",
 "euro|euros", "dólar|dólars", "libra|libras", "yen|yens", "medio", "un cuarto", "tres cuartos", "menor u igual que", "mayor u igual que", "y", NULL},
{" ro ", TB_PLURAL_ROMANIAN, false, "minus", "plus", "ori", "egal cu", "la", "la sută", "la mie", "plus minus", "grad|grade|de grade", "grad Celsius|grade Celsius|de grade Celsius", "grad Fahrenheit|grade Fahrenheit|de grade Fahrenheit",
 "euro|euro|de euro", "dolar|dolari|de dolari", "liră|lire|de lire", "yen|yeni|de yeni", "o jumătate", "un sfert", "trei sferturi", "mai mic sau egal cu", "mai mare sau egal cu", "și", "RON=leu|lei|de lei;§=paragraful;№=numărul"},
{" la ", TB_PLURAL_ONE, false, "minus", "plus", "per", "aequat", "ad", "per centum", "per mille", "plus minus", "gradus", "gradus Celsii", "gradus Fahrenheit",
 "euro", "dollarius|dollarii", "libra|librae", "yen", "dimidium", "quadrans", "dodrans", "minus aut aequale", "maius aut aequale", "et", NULL},
{" eo ", TB_PLURAL_ONE, false, "minus", "plus", "oble", "egalas", "ĝis", "procento|procentoj", "promilo|promiloj", "plus minus", "grado|gradoj", "grado celsia|gradoj celsiaj", "grado farenhejta|gradoj farenhejtaj",
 "eŭro|eŭroj", "dolaro|dolaroj", "pundo|pundoj", "eno|enoj", "duono", "kvarono", "tri kvaronoj", "malpli ol aŭ egala al", "pli ol aŭ egala al", "kaj", "№=numero"},
{" sv ", TB_PLURAL_ONE, false, "minus", "plus", "gånger", "lika med", "till", "procent", "promille", "plus minus", "grad|grader", "grad Celsius|grader Celsius", "grad Fahrenheit|grader Fahrenheit",
 "euro", "dollar", "pund", "yen", "en halv", "en fjärdedel", "tre fjärdedelar", "mindre än eller lika med", "större än eller lika med", "och", "SEK=kronor;kr=kronor;kr.=kronor;NOK=norska kronor;DKK=danska kronor;§=paragraf;№=nummer"},
{" nb no nn ", TB_PLURAL_ONE, false, "minus", "pluss", "ganger", "er lik", "til", "prosent", "promille", "pluss minus", "grad|grader", "grad celsius|grader celsius", "grad fahrenheit|grader fahrenheit",
 "euro", "dollar", "pund", "yen", "en halv", "en kvart", "tre kvart", "mindre enn eller lik", "større enn eller lik", "og", "NOK=kroner;kr=kroner;kr.=kroner;SEK=svenske kroner;DKK=danske kroner;§=paragraf;№=nummer"},
{" da ", TB_PLURAL_ONE, false, "minus", "plus", "gange", "lig med", "til", "procent", "promille", "plus minus", "grad|grader", "grad celsius|grader celsius", "grad fahrenheit|grader fahrenheit",
 "euro", "dollar", "pund", "yen", "en halv", "en kvart", "tre kvart", "mindre end eller lig med", "større end eller lig med", "og", "DKK=kroner;kr=kroner;kr.=kroner;SEK=svenske kroner;NOK=norske kroner;§=paragraf;№=nummer"},
{" is ", TB_PLURAL_ONE, false, "mínus", "plús", "sinnum", "jafnt og", "til", "prósent", "prómill", "plús mínus", "gráða|gráður", "gráða á Celsíus|gráður á Celsíus", "gráða á Fahrenheit|gráður á Fahrenheit",
 "evra|evrur", "dalur|dalir", "pund", "jen", "hálfur", "fjórðungur", "þrír fjórðu", "minna en eða jafnt og", "meira en eða jafnt og", "og", "ISK=króna|krónur;kr=króna|krónur;kr.=króna|krónur"},
{" fi ", TB_PLURAL_ONE, false, "miinus", "plus", "kertaa", "on yhtä kuin", "viiva", "prosentti|prosenttia", "promille|promillea", "plus miinus", "aste|astetta", "celsiusaste|celsiusastetta", "fahrenheitaste|fahrenheitastetta",
 "euro|euroa", "dollari|dollaria", "punta|puntaa", "jeni|jeniä", "puoli", "neljännes", "kolme neljännestä", "pienempi tai yhtä suuri kuin", "suurempi tai yhtä suuri kuin", "ja", "SEK=kruunu|kruunua;₽=rupla|ruplaa;§=pykälä;№=numero"},
{" et ", TB_PLURAL_ONE, false, "miinus", "pluss", "korda", "võrdub", "kuni", "protsent|protsenti", "promill|promilli", "pluss miinus", "kraad|kraadi", "kraad Celsiust|kraadi Celsiust", "kraad Fahrenheiti|kraadi Fahrenheiti",
 "euro|eurot", "dollar|dollarit", "nael|naela", "jeen|jeeni", "pool", "veerand", "kolmveerand", "väiksem või võrdne", "suurem või võrdne", "ja", "₽=rubla;§=paragrahv;№=number"},
{" hu ", TB_PLURAL_NONE, false, "mínusz", "plusz", "szorozva", "egyenlő", "", "százalék", "ezrelék", "plusz mínusz", "fok", "Celsius fok", "Fahrenheit fok",
 "euró", "dollár", "font", "jen", "fél", "negyed", "háromnegyed", "kisebb vagy egyenlő", "nagyobb vagy egyenlő", "és", "HUF=forint;§=paragrafus;№=szám"},
{" pl ", TB_PLURAL_POLISH, false, "minus", "plus", "razy", "równa się", "do", "procent", "promil|promile|promili", "plus minus", "stopień|stopnie|stopni", "stopień Celsjusza|stopnie Celsjusza|stopni Celsjusza", "stopień Fahrenheita|stopnie Fahrenheita|stopni Fahrenheita",
 "euro", "dolar|dolary|dolarów", "funt|funty|funtów", "jen|jeny|jenów", "jedna druga", "jedna czwarta", "trzy czwarte", "mniejsze lub równe", "większe lub równe", "i", "PLN=złoty|złote|złotych;₽=rubel|ruble|rubli;CHF=frank|franki|franków;№=numer"},
{" cs ", TB_PLURAL_CZECH, false, "minus", "plus", "krát", "rovná se", "až", "procento|procenta|procent", "promile", "plus minus", "stupeň|stupně|stupňů", "stupeň Celsia|stupně Celsia|stupňů Celsia", "stupeň Fahrenheita|stupně Fahrenheita|stupňů Fahrenheita",
 "euro|eura|eur", "dolar|dolary|dolarů", "libra|libry|liber", "jen|jeny|jenů", "půl", "čtvrt", "tři čtvrtě", "menší nebo rovno", "větší nebo rovno", "a", "CZK=koruna|koruny|korun;Kč=koruna|koruny|korun;zł=zlotý|zloté|zlotých;§=paragraf;№=číslo"},
{" sk ", TB_PLURAL_CZECH, false, "mínus", "plus", "krát", "rovná sa", "až", "percento|percentá|percent", "promile", "plus mínus", "stupeň|stupne|stupňov", "stupeň Celzia|stupne Celzia|stupňov Celzia", "stupeň Fahrenheita|stupne Fahrenheita|stupňov Fahrenheita",
 "euro|eurá|eur", "dolár|doláre|dolárov", "libra|libry|libier", "jen|jeny|jenov", "pol", "štvrť", "tri štvrte", "menšie alebo rovné", "väčšie alebo rovné", "a", "CZK=koruna|koruny|korún;§=paragraf;№=číslo"},
{" sl ", TB_PLURAL_SLOVENE, false, "minus", "plus", "krat", "je enako", "do", "odstotek|odstotka|odstotki|odstotkov", "promil|promila|promili|promilov", "plus minus", "stopinja|stopinji|stopinje|stopinj", "stopinja Celzija|stopinji Celzija|stopinje Celzija|stopinj Celzija", "stopinja Fahrenheita|stopinji Fahrenheita|stopinje Fahrenheita|stopinj Fahrenheita",
 "evro|evra|evri|evrov", "dolar|dolarja|dolarji|dolarjev", "funt|funta|funti|funtov", "jen|jena|jeni|jenov", "pol", "četrt", "tri četrt", "manjše ali enako", "večje ali enako", "in", "§=paragraf;№=številka"},
{" hr bs ", TB_PLURAL_RUSSIAN, false, "minus", "plus", "puta", "jednako", "do", "posto", "promil|promila|promila", "plus minus", "stupanj|stupnja|stupnjeva", "stupanj Celzija|stupnja Celzija|stupnjeva Celzija", "stupanj Fahrenheita|stupnja Fahrenheita|stupnjeva Fahrenheita",
 "euro|eura|eura", "dolar|dolara|dolara", "funta|funte|funti", "jen|jena|jena", "pola", "četvrtina", "tri četvrtine", "manje ili jednako", "veće ili jednako", "i", "§=paragraf;№=broj"},
{" sr ", TB_PLURAL_RUSSIAN, false, "минус", "плус", "пута", "једнако", "до", "посто", "промил|промила|промила", "плус минус", "степен|степена|степени", "степен Целзијуса|степена Целзијуса|степени Целзијуса", "степен Фаренхајта|степена Фаренхајта|степени Фаренхајта",
 "евро|евра|евра", "долар|долара|долара", "фунта|фунте|фунти", "јен|јена|јена", "пола", "четвртина", "три четвртине", "мање или једнако", "веће или једнако", "и", "RSD=динар|динара|динара;§=параграф;№=број"},
{" mk ", TB_PLURAL_ENDS_IN_ONE, false, "минус", "плус", "пати", "еднакво на", "до", "процент|проценти", "промил|промили", "плус минус", "степен|степени", "степен Целзиусов|степени Целзиусови", "степен Фаренхајтов|степени Фаренхајтови",
 "евро|евра", "долар|долари", "фунта|фунти", "јен|јени", "половина", "четвртина", "три четвртини", "помало или еднакво на", "поголемо или еднакво на", "и", "№=број"},
{" bg ", TB_PLURAL_ONE, false, "минус", "плюс", "по", "равно на", "до", "процент|процента", "промил|промила", "плюс минус", "градус|градуса", "градус по Целзий|градуса по Целзий", "градус по Фаренхайт|градуса по Фаренхайт",
 "евро", "долар|долара", "лира|лири", "йена|йени", "половина", "една четвърт", "три четвърти", "по-малко или равно на", "по-голямо или равно на", "и", "BGN=лев|лева;₽=рубла|рубли;§=параграф;№=номер"},
{" ru ru-lv ", TB_PLURAL_RUSSIAN, false, "минус", "плюс", "умножить на", "равно", "", "процент|процента|процентов", "промилле", "плюс минус", "градус|градуса|градусов", "градус Цельсия|градуса Цельсия|градусов Цельсия", "градус Фаренгейта|градуса Фаренгейта|градусов Фаренгейта",
 "евро", "доллар|доллара|долларов", "фунт|фунта|фунтов", "иена|иены|иен", "одна вторая", "одна четвёртая", "три четвёртых", "меньше или равно", "больше или равно", "и", "₽=рубль|рубля|рублей;₴=гривна|гривны|гривен;₸=тенге;¢=цент|цента|центов;№=номер;§=параграф"},
{" uk ", TB_PLURAL_RUSSIAN, false, "мінус", "плюс", "помножити на", "дорівнює", "", "відсоток|відсотки|відсотків", "проміле", "плюс мінус", "градус|градуси|градусів", "градус Цельсія|градуси Цельсія|градусів Цельсія", "градус Фаренгейта|градуси Фаренгейта|градусів Фаренгейта",
 "євро", "долар|долари|доларів", "фунт|фунти|фунтів", "єна|єни|єн", "одна друга", "одна четверта", "три четвертих", "менше або дорівнює", "більше або дорівнює", "і", "₴=гривня|гривні|гривень;₽=рубль|рублі|рублів;№=номер;§=параграф"},
{" be ", TB_PLURAL_RUSSIAN, false, "мінус", "плюс", "памножыць на", "роўна", "", "працэнт|працэнты|працэнтаў", "праміле", "плюс мінус", "градус|градусы|градусаў", "градус Цэльсія|градусы Цэльсія|градусаў Цэльсія", "градус Фарэнгейта|градусы Фарэнгейта|градусаў Фарэнгейта",
 "еўра", "долар|долары|долараў", "фунт|фунты|фунтаў", "іена|іены|іен", "адна другая", "адна чацвёртая", "тры чацвёртыя", "менш або роўна", "больш або роўна", "і", "₽=рубель|рублі|рублёў;№=нумар;§=параграф"},
{" lt ", TB_PLURAL_LITHUANIAN, false, "minus", "plius", "kart", "lygu", "iki", "procentas|procentai|procentų", "promilė|promilės|promilių", "plius minus", "laipsnis|laipsniai|laipsnių", "laipsnis Celsijaus|laipsniai Celsijaus|laipsnių Celsijaus", "laipsnis Farenheito|laipsniai Farenheito|laipsnių Farenheito",
 "euras|eurai|eurų", "doleris|doleriai|dolerių", "svaras|svarai|svarų", "jena|jenos|jenų", "pusė", "ketvirtis", "trys ketvirčiai", "mažiau arba lygu", "daugiau arba lygu", "ir", "§=paragrafas;№=numeris"},
{" lv ltg ", TB_PLURAL_ENDS_IN_ONE, false, "mīnus", "plus", "reiz", "ir vienāds ar", "līdz", "procents|procenti", "promile|promiles", "plus mīnus", "grāds|grādi", "grāds pēc Celsija|grādi pēc Celsija", "grāds pēc Fārenheita|grādi pēc Fārenheita",
 "eiro", "dolārs|dolāri", "mārciņa|mārciņas", "jena|jenas", "puse", "ceturtdaļa", "trīs ceturtdaļas", "mazāks vai vienāds ar", "lielāks vai vienāds ar", "un", "§=paragrāfs;№=numurs"},
{" el ", TB_PLURAL_ONE, false, "μείον", "συν", "επί", "ίσον", "έως", "τοις εκατό", "τοις χιλίοις", "συν πλην", "βαθμός|βαθμοί", "βαθμός Κελσίου|βαθμοί Κελσίου", "βαθμός Φαρενάιτ|βαθμοί Φαρενάιτ",
 "ευρώ", "δολάριο|δολάρια", "λίρα|λίρες", "γεν", "μισό", "ένα τέταρτο", "τρία τέταρτα", "μικρότερο ή ίσο με", "μεγαλύτερο ή ίσο με", "και", "§=παράγραφος;№=αριθμός"},
{" sq ", TB_PLURAL_ONE, false, "minus", "plus", "herë", "baraz me", "deri", "për qind", "për mijë", "plus minus", "gradë", "gradë Celsius", "gradë Farenhait",
 "euro", "dollar|dollarë", "paund|paundë", "jen", "gjysmë", "një çerek", "tre çerekë", "më i vogël ose i barabartë me", "më i madh ose i barabartë me", "dhe", "ALL=lek|lekë"},
{" eu ", TB_PLURAL_NONE, true, "minus", "plus", "bider", "berdin", "", "ehuneko", "milako", "plus minus", "gradu", "gradu Celsius", "gradu Fahrenheit",
 "euro", "dolar", "libera", "yen", "erdi", "laurden", "hiru laurden", "txikiago edo berdin", "handiago edo berdin", "eta", NULL},
{" cy ", TB_PLURAL_NONE, false, "minws", "plws", "gwaith", "yn hafal i", "i", "y cant", "y fil", "plws minws", "gradd", "gradd Celsius", "gradd Fahrenheit",
 "ewro", "doler", "punt", "ien", "hanner", "chwarter", "tri chwarter", "llai na neu'n hafal i", "mwy na neu'n hafal i", "a", NULL},
{" ga ", TB_PLURAL_NONE, false, "lúide", "móide", "faoi", "cothrom le", "go", "faoin gcéad", "faoin míle", "móide nó lúide", "céim", "céim Celsius", "céim Fahrenheit",
 "euro", "dollar", "punt", "yen", "leath", "ceathrú", "trí cheathrú", "níos lú ná nó cothrom le", "níos mó ná nó cothrom le", "agus", NULL},
{" mt ", TB_PLURAL_ONE, false, "minus", "plus", "għal", "ugwali għal", "sa", "fil-mija", "fil-elf", "plus jew minus", "grad|gradi", "grad Celsius|gradi Celsius", "grad Fahrenheit|gradi Fahrenheit",
 "ewro", "dollaru|dollari", "lira|liri", "yen", "nofs", "kwart", "tliet kwarti", "inqas jew ugwali għal", "aktar jew ugwali għal", "u", NULL},
{" tr ", TB_PLURAL_NONE, true, "eksi", "artı", "çarpı", "eşittir", "", "yüzde", "binde", "artı eksi", "derece", "santigrat derece", "fahrenhayt derece",
 "avro", "dolar", "sterlin", "yen", "yarım", "çeyrek", "dörtte üç", "küçük veya eşit", "büyük veya eşit", "ve", "₺=lira;₽=ruble;§=paragraf;№=numara"},
{" az ", TB_PLURAL_NONE, false, "mənfi", "üstəgəl", "vurulsun", "bərabərdir", "", "faiz", "promil", "üstəgəl mənfi", "dərəcə", "dərəcə Selsi", "dərəcə Farenheyt",
 "avro", "dollar", "funt", "yen", "yarım", "dörddə bir", "dörddə üç", "kiçik və ya bərabər", "böyük və ya bərabər", "və", "₼=manat;₽=rubl"},
{" tk ", TB_PLURAL_NONE, false, "minus", "plýus", "köpeltmek", "deň", "", "göterim", "promil", "plýus minus", "gradus", "gradus Selsiý", "gradus Farengeýt",
 "ýewro", "dollar", "funt", "ýena", "ýarym", "çärýek", "üç çärýek", "kiçi ýa-da deň", "uly ýa-da deň", "we", NULL},
{" uz ", TB_PLURAL_NONE, false, "minus", "plyus", "karra", "teng", "", "foiz", "promille", "plyus minus", "daraja", "daraja Selsiy", "daraja Farengeyt",
 "yevro", "dollar", "funt", "iyena", "yarim", "chorak", "uch chorak", "kichik yoki teng", "katta yoki teng", "va", NULL},
{" kk ", TB_PLURAL_NONE, false, "минус", "плюс", "көбейту", "тең", "", "пайыз", "промилле", "плюс минус", "градус", "градус Цельсий", "градус Фаренгейт",
 "еуро", "доллар", "фунт", "иена", "жарты", "төрттен бір", "төрттен үш", "кіші немесе тең", "үлкен немесе тең", "және", "₸=теңге;₽=рубль;№=нөмір"},
{" ky tt ba cv nog ", TB_PLURAL_NONE, false, "минус", "плюс", NULL, NULL, NULL, "процент", "промилле", "плюс минус", "градус", "градус Цельсий", "градус Фаренгейт",
 "евро", "доллар", "фунт", "иена", NULL, NULL, NULL, NULL, NULL, NULL, "₽=сум;₸=тенге"},
{" ku ", TB_PLURAL_NONE, true, "minus", "plus", "caran", "wekhev", "heta", "ji sedî", "ji hezarî", "plus minus", "derece", "derece Celsius", "derece Fahrenheit",
 "euro", "dolar", "paund", "yen", "nîv", "çarek", "sê çarek", "kêmtir an wekhev", "zêdetir an wekhev", "û", NULL},
{" id ", TB_PLURAL_NONE, false, "minus", "tambah", "kali", "sama dengan", "sampai", "persen", "per seribu", "plus minus", "derajat", "derajat Celsius", "derajat Fahrenheit",
 "euro", "dolar", "pound", "yen", "setengah", "seperempat", "tiga perempat", "kurang dari atau sama dengan", "lebih dari atau sama dengan", "dan", "IDR=rupiah;MYR=ringgit;№=nomor"},
{" ms ", TB_PLURAL_NONE, false, "negatif", "tambah", "kali", "sama dengan", "hingga", "peratus", "per seribu", "tambah tolak", "darjah", "darjah Celsius", "darjah Fahrenheit",
 "euro", "dolar", "paun", "yen", "setengah", "suku", "tiga suku", "kurang daripada atau sama dengan", "lebih daripada atau sama dengan", "dan", "MYR=ringgit;IDR=rupiah"},
{" vi ", TB_PLURAL_NONE, false, "âm", "cộng", "nhân", "bằng", "đến", "phần trăm", "phần nghìn", "cộng trừ", "độ", "độ C", "độ F",
 "ơ rô", "đô la", "bảng Anh", "yên", "một phần hai", "một phần tư", "ba phần tư", "nhỏ hơn hoặc bằng", "lớn hơn hoặc bằng", "và", "VND=đồng"},
{" sw ", TB_PLURAL_NONE, true, "hasi", "jumlisha", "mara", "sawa na", "hadi", "asilimia", "kwa elfu", "kuongeza au kutoa", "digrii", "digrii Selsiasi", "digrii Farenhaiti",
 "yuro", "dola", "pauni", "yeni", "nusu", "robo", "robo tatu", "chini ya au sawa na", "zaidi ya au sawa na", "na", "KES=shilingi"},
{" ht ", TB_PLURAL_NONE, false, "mwens", "plis", "fwa", "egal", "a", "pousan", "pou mil", "plis oswa mwens", "degre", "degre Sèlsiyis", "degre Farennayt",
 "ewo", "dola", "liv", "yèn", "mwatye", "yon ka", "twa ka", "pi piti oswa egal a", "pi gwo oswa egal a", "ak", NULL},
{" pap ", TB_PLURAL_NONE, false, "menos", "plus", "bia", "ta igual na", "te", "porshento", "pro mil", "mas o menos", "grado", "grado Celsius", "grado Fahrenheit",
 "euro", "dòler", "liber", "yèn", "mitar", "kwart", "tres kwart", "menos ku òf igual na", "mas ku òf igual na", "i", NULL},
{" hi ", TB_PLURAL_ONE, false, "माइनस", "प्लस", "गुणा", "बराबर", "से", "प्रतिशत", "प्रति हज़ार", "प्लस माइनस", "डिग्री", "डिग्री सेल्सियस", "डिग्री फ़ारेनहाइट",
 "यूरो", "डॉलर", "पाउंड", "येन", "आधा", "एक चौथाई", "तीन चौथाई", "से कम या बराबर", "से अधिक या बराबर", "और", "₹=रुपया|रुपये;₨=रुपया|रुपये"},
{" ne ", TB_PLURAL_NONE, false, "माइनस", "प्लस", "गुणा", "बराबर", "देखि", "प्रतिशत", "प्रति हजार", "प्लस माइनस", "डिग्री", "डिग्री सेल्सियस", "डिग्री फरेनहाइट",
 "युरो", "डलर", "पाउन्ड", "येन", "आधा", "एक चौथाई", "तीन चौथाई", "भन्दा कम वा बराबर", "भन्दा बढी वा बराबर", "र", "₹=रुपैयाँ;₨=रुपैयाँ"},
{" mr kok ", TB_PLURAL_NONE, false, "उणे", "अधिक", "गुणिले", "बरोबर", "ते", "टक्के", "प्रति हजार", "अधिक उणे", "अंश", "अंश सेल्सियस", "अंश फॅरेनहाइट",
 "युरो", "डॉलर", "पाउंड", "येन", "अर्धा", "पाव", "पाऊण", "पेक्षा कमी किंवा समान", "पेक्षा जास्त किंवा समान", "आणि", "₹=रुपये"},
{" bn bpy as ", TB_PLURAL_NONE, false, "মাইনাস", "প্লাস", "গুণ", "সমান", "থেকে", "শতাংশ", "প্রতি হাজারে", "প্লাস মাইনাস", "ডিগ্রি", "ডিগ্রি সেলসিয়াস", "ডিগ্রি ফারেনহাইট",
 "ইউরো", "ডলার", "পাউন্ড", "ইয়েন", "অর্ধেক", "এক চতুর্থাংশ", "তিন চতুর্থাংশ", "এর কম বা সমান", "এর বেশি বা সমান", "এবং", "₹=রুপি;৳=টাকা"},
{" gu ", TB_PLURAL_NONE, false, "માઇનસ", "પ્લસ", "ગુણ્યા", "બરાબર", "થી", "ટકા", "પ્રતિ હજાર", "પ્લસ માઇનસ", "ડિગ્રી", "ડિગ્રી સેલ્સિયસ", "ડિગ્રી ફેરનહીટ",
 "યુરો", "ડોલર", "પાઉન્ડ", "યેન", "અડધું", "પા", "પોણું", "થી ઓછું અથવા બરાબર", "થી વધુ અથવા બરાબર", "અને", "₹=રૂપિયા"},
{" pa ", TB_PLURAL_NONE, false, "ਮਾਈਨਸ", "ਪਲੱਸ", "ਗੁਣਾ", "ਬਰਾਬਰ", "ਤੋਂ", "ਪ੍ਰਤੀਸ਼ਤ", "ਪ੍ਰਤੀ ਹਜ਼ਾਰ", "ਪਲੱਸ ਮਾਈਨਸ", "ਡਿਗਰੀ", "ਡਿਗਰੀ ਸੈਲਸੀਅਸ", "ਡਿਗਰੀ ਫਾਰਨਹੀਟ",
 "ਯੂਰੋ", "ਡਾਲਰ", "ਪੌਂਡ", "ਯੇਨ", "ਅੱਧਾ", "ਇੱਕ ਚੌਥਾਈ", "ਤਿੰਨ ਚੌਥਾਈ", "ਤੋਂ ਘੱਟ ਜਾਂ ਬਰਾਬਰ", "ਤੋਂ ਵੱਧ ਜਾਂ ਬਰਾਬਰ", "ਅਤੇ", "₹=ਰੁਪਏ"},
{" or ", TB_PLURAL_NONE, false, "ମାଇନସ", "ପ୍ଲସ", "ଗୁଣ", "ସମାନ", "ରୁ", "ପ୍ରତିଶତ", NULL, "ପ୍ଲସ ମାଇନସ", "ଡିଗ୍ରୀ", "ଡିଗ୍ରୀ ସେଲସିଅସ", "ଡିଗ୍ରୀ ଫାରେନହାଇଟ",
 "ୟୁରୋ", "ଡଲାର", "ପାଉଣ୍ଡ", "ୟେନ", "ଅଧା", NULL, NULL, NULL, NULL, "ଏବଂ", "₹=ଟଙ୍କା"},
{" ur ", TB_PLURAL_NONE, false, "منفی", "جمع", "ضرب", "برابر", "سے", "فیصد", "فی ہزار", "جمع منفی", "ڈگری", "ڈگری سیلسیس", "ڈگری فارن ہائیٹ",
 "یورو", "ڈالر", "پاؤنڈ", "ین", "آدھا", "ایک چوتھائی", "تین چوتھائی", "سے کم یا برابر", "سے زیادہ یا برابر", "اور", "₨=روپے;₹=روپے"},
{" fa ", TB_PLURAL_NONE, false, "منفی", "به علاوه", "ضرب در", "مساوی", "تا", "درصد", "در هزار", "مثبت منفی", "درجه", "درجه سلسیوس", "درجه فارنهایت",
 "یورو", "دلار", "پوند", "ین", "نیم", "یک چهارم", "سه چهارم", "کمتر یا مساوی", "بیشتر یا مساوی", "و", NULL},
{" ar ", TB_PLURAL_NONE, false, "سالب", "زائد", "ضرب", "يساوي", "إلى", "بالمئة", "بالألف", "زائد أو ناقص", "درجة", "درجة مئوية", "درجة فهرنهايت",
 "يورو", "دولار", "جنيه", "ين", "نصف", "ربع", "ثلاثة أرباع", "أصغر من أو يساوي", "أكبر من أو يساوي", "و", "SAR=ريال;AED=درهم;EGP=جنيه"},
{" he ", TB_PLURAL_ONE, false, "מינוס", "ועוד", "כפול", "שווה", "עד", "אחוז|אחוזים", "פרומיל", "פלוס מינוס", "מעלה|מעלות", "מעלת צלזיוס|מעלות צלזיוס", "מעלת פרנהייט|מעלות פרנהייט",
 "אירו", "דולר", "פאונד", "ין", "חצי", "רבע", "שלושה רבעים", "קטן או שווה", "גדול או שווה", "וגם", "₪=שקל|שקלים"},
{" ta ", TB_PLURAL_NONE, false, "மைனஸ்", "கூட்டல்", "பெருக்கல்", "சமம்", "முதல்", "சதவீதம்", "ஆயிரத்தில்", "கூட்டல் கழித்தல்", "டிகிரி", "டிகிரி செல்சியஸ்", "டிகிரி ஃபாரன்ஹீட்",
 "யூரோ", "டாலர்", "பவுண்டு", "யென்", "அரை", "கால்", "முக்கால்", "குறைவு அல்லது சமம்", "அதிகம் அல்லது சமம்", "மற்றும்", "₹=ரூபாய்"},
{" te ", TB_PLURAL_ONE, false, "మైనస్", "ప్లస్", "ఇంటూ", "సమానం", "నుండి", "శాతం", "వెయ్యికి", "ప్లస్ మైనస్", "డిగ్రీ|డిగ్రీలు", "డిగ్రీ సెల్సియస్|డిగ్రీల సెల్సియస్", "డిగ్రీ ఫారెన్హీట్|డిగ్రీల ఫారెన్హీట్",
 "యూరో|యూరోలు", "డాలరు|డాలర్లు", "పౌండు|పౌండ్లు", "యెన్", "సగం", "పావు", "ముప్పావు", "కంటే తక్కువ లేదా సమానం", "కంటే ఎక్కువ లేదా సమానం", "మరియు", "₹=రూపాయి|రూపాయలు"},
{" kn ", TB_PLURAL_NONE, false, "ಮೈನಸ್", "ಪ್ಲಸ್", "ಇಂಟು", "ಸಮ", "ರಿಂದ", "ಶೇಕಡಾ", "ಪ್ರತಿ ಸಾವಿರ", "ಪ್ಲಸ್ ಮೈನಸ್", "ಡಿಗ್ರಿ", "ಡಿಗ್ರಿ ಸೆಲ್ಸಿಯಸ್", "ಡಿಗ್ರಿ ಫ್ಯಾರನ್ಹೀಟ್",
 "ಯೂರೋ", "ಡಾಲರ್", "ಪೌಂಡ್", "ಯೆನ್", "ಅರ್ಧ", "ಕಾಲು", "ಮುಕ್ಕಾಲು", "ಕಡಿಮೆ ಅಥವಾ ಸಮ", "ಹೆಚ್ಚು ಅಥವಾ ಸಮ", "ಮತ್ತು", "₹=ರೂಪಾಯಿ"},
{" ml ", TB_PLURAL_NONE, false, "മൈനസ്", "പ്ലസ്", "ഗുണം", "സമം", "മുതൽ", "ശതമാനം", "ആയിരത്തിൽ", "പ്ലസ് മൈനസ്", "ഡിഗ്രി", "ഡിഗ്രി സെൽഷ്യസ്", "ഡിഗ്രി ഫാരൻഹീറ്റ്",
 "യൂറോ", "ഡോളർ", "പൗണ്ട്", "യെൻ", "പകുതി", "കാൽ", "മുക്കാൽ", "കുറവ് അല്ലെങ്കിൽ തുല്യം", "കൂടുതൽ അല്ലെങ്കിൽ തുല്യം", "കൂടാതെ", "₹=രൂപ"},
{" si ", TB_PLURAL_NONE, true, "ඍණ", "ධන", "ගුණ", "සමානයි", "සිට", "සියයට", "දහසකට", "ධන හෝ ඍණ", "අංශක", "අංශක සෙල්සියස්", "අංශක ෆැරන්හයිට්",
 "යුරෝ", "ඩොලර්", "පවුම්", "යෙන්", "භාගය", "කාල", "තුන්කාල", "අඩු හෝ සමාන", "වැඩි හෝ සමාන", "සහ", "₨=රුපියල්"},
{" ka ", TB_PLURAL_NONE, false, "მინუს", "პლუს", "გამრავლებული", "უდრის", "", "პროცენტი", "პრომილე", "პლუს მინუს", "გრადუსი", "გრადუსი ცელსიუსი", "გრადუსი ფარენჰაიტი",
 "ევრო", "დოლარი", "ფუნტი", "იენი", "ნახევარი", "მეოთხედი", "სამი მეოთხედი", "ნაკლები ან ტოლი", "მეტი ან ტოლი", "და", "₾=ლარი"},
{" hy hyw ", TB_PLURAL_NONE, false, "մինուս", "գումարած", "անգամ", "հավասար է", "մինչև", "տոկոս", "պրոմիլ", "գումարած հանած", "աստիճան", "աստիճան Ցելսիուս", "աստիճան Ֆարենհայթ",
 "եվրո", "դոլար", "ֆունտ", "իեն", "կես", "քառորդ", "երեք քառորդ", "փոքր կամ հավասար", "մեծ կամ հավասար", "և", "֏=դրամ"},
{" ko ", TB_PLURAL_NONE, false, "마이너스", "더하기", "곱하기", "는", "에서", "퍼센트", "퍼밀", "플러스 마이너스", "도", "도", "화씨 도",
 "유로", "달러", "파운드", "엔", "이분의 일", "사분의 일", "사분의 삼", "작거나 같은", "크거나 같은", "그리고", "₩=원"},
{" ja ", TB_PLURAL_NONE, false, "マイナス", "プラス", "かける", "イコール", "から", "パーセント", "パーミル", "プラスマイナス", "ど", "ど", "かしど",
 "ユーロ", "ドル", "ポンド", "えん", "にぶんのいち", "よんぶんのいち", "よんぶんのさん", "しょうなりイコール", "だいなりイコール", "と", "₩=ウォン;CNY=げん"},
{" cmn ", TB_PLURAL_NONE, true, "负", "加", "乘", "等于", "到", "百分之", "千分之", "正负", "度", "摄氏度", "华氏度",
 "欧元", "美元", "英镑", "元", "二分之一", "四分之一", "四分之三", "小于等于", "大于等于", "和", "₩=韩元;₽=卢布;₹=卢比;№=号"},
{" yue ", TB_PLURAL_NONE, true, "負", "加", "乘", "等於", "至", "百分之", "千分之", "正負", "度", "攝氏度", "華氏度",
 "歐元", "美元", "英鎊", "元", "二分之一", "四分之一", "四分之三", "小於等於", "大於等於", "同", "₩=韓元;HKD=港元"},
{" th ", TB_PLURAL_NONE, false, "ลบ", "บวก", "คูณ", "เท่ากับ", "ถึง", "เปอร์เซ็นต์", "ต่อพัน", "บวกลบ", "องศา", "องศาเซลเซียส", "องศาฟาเรนไฮต์",
 "ยูโร", "ดอลลาร์", "ปอนด์", "เยน", "ครึ่ง", "หนึ่งส่วนสี่", "สามส่วนสี่", "น้อยกว่าหรือเท่ากับ", "มากกว่าหรือเท่ากับ", "และ", "฿=บาท"},
{" my ", TB_PLURAL_NONE, false, "အနုတ်", "အပေါင်း", "အမြှောက်", "ညီမျှ", "မှ", "ရာခိုင်နှုန်း", NULL, "အပေါင်းအနုတ်", "ဒီဂရီ", "ဒီဂရီ ဆဲလ်စီးယပ်စ်", "ဒီဂရီ ဖာရင်ဟိုက်",
 "ယူရို", "ဒေါ်လာ", "ပေါင်", "ယန်း", "တစ်ဝက်", "လေးပုံတစ်ပုံ", "လေးပုံသုံးပုံ", NULL, NULL, NULL, NULL},
{" am ", TB_PLURAL_NONE, false, "ሲቀነስ", "ሲደመር", "ሲባዛ", "እኩል", "እስከ", "በመቶ", "በሺህ", "ሲደመር ሲቀነስ", "ዲግሪ", "ዲግሪ ሴልሺየስ", "ዲግሪ ፋራናይት",
 "ዩሮ", "ዶላር", "ፓውንድ", "የን", "ግማሽ", "ሩብ", "ሶስት ሩብ", "ያነሰ ወይም እኩል", "የበለጠ ወይም እኩል", "እና", NULL},
};

/* International words, for the rest: better than silence. */
static const tb_sign_words rest = {
 "", TB_PLURAL_NONE, false, "minus", "plus", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
 "euro", "dollar", "pound", "yen", NULL, NULL, NULL, NULL, NULL, NULL, NULL};
/* clang-format on */

const tb_sign_words *tb_sign_words_of(const char *code)
{
    char part[40];
    size_t n = strlen(code);
    if (n >= sizeof part || strstr(code, "latn")) return &rest;
    memcpy(part, code, n + 1);
    for (;;) {
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            if (tb_spell_in(part, all[i].codes)) return &all[i];
        char *cut = strrchr(part, '-');
        if (!cut) return &rest;
        *cut = 0;
    }
}

/* Which of the forms a number takes: by its last two digits, and whether it is 1 as a whole. */
static int form_of(tb_plural rule, const tb_count *n)
{
    const int last = n->low % 10, two = n->low % 100;
    const bool teen = two >= 11 && two <= 19, one = !n->large && n->low == 1;
    switch (rule) {
    case TB_PLURAL_NONE:
        return 0;
    case TB_PLURAL_ONE:
        return n->decimal || !one;
    case TB_PLURAL_FRENCH:
        return n->large || n->low > 1;
    case TB_PLURAL_ENDS_IN_ONE:
        return n->decimal || last != 1 || two == 11;
    case TB_PLURAL_RUSSIAN:
        if (n->decimal) return 1; /* the genitive */
        return last == 1 && two != 11 ? 0 : last >= 2 && last <= 4 && !teen ? 1 : 2;
    case TB_PLURAL_POLISH:
        if (n->decimal) return 2;
        return one ? 0 : last >= 2 && last <= 4 && !teen ? 1 : 2;
    case TB_PLURAL_CZECH:
        if (n->decimal) return 1;
        return one ? 0 : !n->large && n->low >= 2 && n->low <= 4 ? 1 : 2;
    case TB_PLURAL_SLOVENE:
        return n->decimal ? 2 : two == 1 ? 0 : two == 2 ? 1 : two == 3 || two == 4 ? 2 : 3;
    case TB_PLURAL_ROMANIAN:
        if (n->decimal) return 1;
        return one ? 0 : (!n->large && n->low == 0) || (two >= 1 && two <= 19) ? 1 : 2;
    case TB_PLURAL_LITHUANIAN:
        if (n->decimal) return 2;
        return teen || last == 0 ? 2 : last == 1 ? 0 : 1;
    }
    return 0;
}

void tb_sign_form(const char *forms, tb_plural rule, const tb_count *n, char out[TB_SIGN_WORD])
{
    const char *end;
    for (int k = form_of(rule, n); k > 0 && (end = strchr(forms, '|')); k--)
        forms = end + 1;
    size_t len = strcspn(forms, "|;");
    if (len >= TB_SIGN_WORD) len = 0;
    memcpy(out, forms, len);
    out[len] = 0;
}

const char *tb_sign_more(const tb_sign_words *w, const char *sign)
{
    size_t n = sign ? strlen(sign) : 0;
    for (const char *p = n ? w->more : NULL; p; p = (p = strchr(p, ';')) ? p + 1 : NULL)
        if (strncmp(p, sign, n) == 0 && p[n] == '=') return p + n + 1;
    return NULL;
}

const char *tb_sign_money(const tb_sign_words *w, const tb_currency *c)
{
    static const char dollar[] = "USD", euro[] = "EUR", pound[] = "GBP", yen[] = "JPY";
    const char *own = tb_sign_more(w, c->sign);
    if (!own) own = tb_sign_more(w, c->code);
    if (own) return own;
    if (c->code && strcmp(c->code, euro) == 0) return w->euro;
    if (c->code && strcmp(c->code, dollar) == 0) return w->dollar;
    if (c->sign && strcmp(c->sign, "US$") == 0) return w->dollar;
    if (c->code && strcmp(c->code, pound) == 0) return w->pound;
    if (c->code && strcmp(c->code, yen) == 0) return w->yen;
    return c->en_plural;
}
