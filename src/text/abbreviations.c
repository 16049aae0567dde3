#include "text/script_priv.h"

#include "base/mem.h"
#include "base/unicode.h"
#include "base/utf8.h"

#include <string.h>

/*
 * Words whose full stop ends no sentence, by language, in small letters. Numbers and most
 * abbreviations of English and Spanish are words before sentences are looked for (spell.h); this
 * table is for other languages, and for texts that are spoken as they are written.
 */
typedef enum {
    ALWAYS, /* "Sr. Ruiz": something always follows */
    TITLE,  /* the same where it begins with a capital: "Rep. Hall", but "one more rep. Rest" */
    NUMBER, /* before a number: "No. 5", but "No. Never." */
    SOFT,   /* unless a capital follows: "etc. and so on", "etc. They" */
} kind;

/* clang-format off */
static const struct {
    const char *language; /* "" is every language */
    kind what;
    const char *words;
} rows[] = {
    {"", ALWAYS, " dr prof st vs cf ca "},
    {"", NUMBER, " fig figs no nr vol art pp cap "},
    {"", SOFT, " etc inc ltd co corp al ibid approx "},

    {"en", ALWAYS, " mr mrs ms mx messrs mme mlle msgr approx eg ie viz est mt "},
    {"en", TITLE, " gen capt cpt sgt col lt rev hon sen gov rep pres maj adm cmdr cpl pvt supt insp det atty "
                  "ste ft amb sec "},
    {"en", NUMBER, " vols nos p sec secs ch chap eq eqs ex para app tab ref refs pg pt ser jan feb mar apr jun jul "
                   "aug sep sept oct nov dec mon tue tues wed thu thur thurs fri "},
    {"en", SOFT, " jr sr esq bros ave blvd rd hwy pkwy ln sq dept univ assn intl natl govt misc max min avg temp "
                 "ed eds trans ext "},

    {"es", ALWAYS, " sr sra sres sras srta srtas dra dres dras profa lic licda ing arq ud uds vd vds gral cnel tte sgto "
                   "alm sto sta mons fr hno hna excmo excma ilmo ilma rvdo dña doña pág págs pag pags tel tfno teléf av "
                   "avda avd pza plza pl ctra dpto depto edif ee ff rr jj ccaa aprox ej op adm "},
    {"es", NUMBER, " núm num nº arts fasc párr apdo kilóm ene feb mar abr jun jul ago sep sept oct nov dic lám "},
    {"es", SOFT, " uu aa hh oo cía cia ltda hnos máx mín max min izq izda dcha cit ibíd ed eds trad vol esq ss mm "},

    {"ca", ALWAYS, " sr sra sres dra pàg pàgs tel av pl ctra ex aprox núm "},
    {"ca", NUMBER, " núm art gen febr abr jul ag set oct nov des "},
    {"gl", ALWAYS, " sr sra dra páx páxs tel av ex aprox núm "},

    {"pt", ALWAYS, " sr sra srs sras srta dra drs profa eng exmo exma exmos v av pág págs tel ex aprox obs séc dep "
                   "gov sen gen cel maj ten arq adv "},
    {"pt", NUMBER, " núm arts jan fev mar abr mai jun jul ago set out nov dez cap inc "},
    {"pt", SOFT, " ltda cia máx mín ed trad ss "},

    {"fr", ALWAYS, " m mm mme mmes mlle mlles me mgr pr ste av bd boul env tél ex cf réf st apr "},
    {"fr", NUMBER, " n nos chap art p pp janv févr avr juil sept oct nov déc "},
    {"fr", SOFT, " ed éd trad max min cie "},

    {"de", ALWAYS, " hr fr frl bzw ca ggf evtl inkl exkl vgl sog zzgl bspw dipl ing gem lt mind max min tel abs "
                   "allg bes bzgl einschl engl eigtl geb gest jew lat mio mrd nachf österr schweiz sel spez tgl übl "
                   "ungef urspr usf verh zt zw "},
    {"de", NUMBER, " s bd abb kap tab anm ziff art jan feb mär apr jun jul aug sep sept okt nov dez hausnr "},
    {"de", SOFT, " usw str stk std uvm ff jh jhd co "},

    {"it", ALWAYS, " sig sigg sigra ra dott dottssa ssa ing avv geom rag arch on egr gent spett pag pagg tel es cfr vd "
                   "mons fra s cit "},
    {"it", NUMBER, " n art artt cap gen feb mar apr mag giu lug ago set ott nov dic vol "},
    {"it", SOFT, " ecc eccetera max min ed trad cm spa srl "},

    {"nl", ALWAYS, " dhr mevr mw mr drs ir ing bijv evt incl excl resp jl ll ca zgn "},
    {"nl", NUMBER, " blz p jan feb mrt apr jun jul aug sep okt nov dec hfst afb "},
    {"nl", SOFT, " enz max min "},

    {"pl", ALWAYS, " np mgr inż ul al św ks tzw tzn godz pt im red gen płk kpt por tel wg zob "},
    {"pl", NUMBER, " ok nr str rozdz tab rys poz "},
    {"pl", SOFT, " itd itp in tys mln mld zł gr wlkp "},

    {"cs", ALWAYS, " např tzv mgr ing bc tj resp ul nám sv č str tel "},
    {"cs", SOFT, " atd apod tis mil kč "},
    {"sv", ALWAYS, " ca dvs bl kl nr tel jfr resp "},
    {"sv", SOFT, " osv etc "},
    {"da", ALWAYS, " ca dvs bl fx kl nr tlf jf hhv hr fru "},
    {"da", SOFT, " osv mv "},
    {"nb", ALWAYS, " ca dvs bl kl nr tlf jf hhv hr fru "},
    {"nb", SOFT, " osv mv "},
    {"fi", ALWAYS, " esim ks n klo puh os vrt ns toim "},
    {"fi", SOFT, " jne yms ym "},
    {"ro", ALWAYS, " dl dna dvs str nr pag tel ex cca sf "},
    {"tr", ALWAYS, " sn doç av cad sok mah bkz örn yy "},
    {"tr", SOFT, " vb vd "},
    {"hu", ALWAYS, " pl ún kb id ifj özv u ti tel "},
    {"hu", SOFT, " stb "},
    {"ru", ALWAYS, " ул им см рис стр напр проф акад обл просп пер тел гл ред пл ср англ лат гос "},
    {"ru", SOFT, " тыс млн млрд руб коп др пр гг вв мин сек кв "},
    {"uk", ALWAYS, " вул ім див рис стор напр проф акад обл просп пров тел гл ред пл "},
    {"uk", SOFT, " тис млн млрд грн ін рр ст хв "},
    {"el", ALWAYS, " κ κα κος δρ καθ σελ αρ τηλ οδ λεωφ βλ πρβλ "},
    {"el", SOFT, " κλπ κτλ "},
};
/* clang-format on */

/* Is the code this language, or one of its countries'? */
static bool speaks(const char *code, const char *language)
{
    size_t n = strlen(language);
    return !code || !*code || (strncmp(code, language, n) == 0 && (code[n] == 0 || code[n] == '-'));
}

bool tb_abbreviation_ordinals(const char *language)
{
    static const char *const all[] = {"de", "da", "nb", "cs", "sk", "sl", "hr", "bs", "sr",
                                      "fi", "hu", "et", "lv", "lt", "is", "pl", "tr", "lb"};
    for (size_t i = 0; language && *language && i < sizeof all / sizeof *all; i++)
        if (speaks(language, all[i])) return true;
    return false;
}

bool tb_abbreviation(const char *word, size_t len, uint32_t next, const char *language)
{
    char key[2 * TB_ABBREVIATION_BYTES + 4];
    size_t n;
    if (len == 0 || len > TB_ABBREVIATION_BYTES) return false;
    char *copy = tb_strndup(word, len), *folded = tb_str_fold(copy);
    const bool capital = tb_unicode_is_upper(tb_utf8_next(word, len, &n));
    n = strlen(folded);
    key[0] = ' ';
    memcpy(key + 1, folded, n + 1);
    key[n + 1] = ' ';
    key[n + 2] = 0;
    tb_free(folded);
    tb_free(copy);
    const bool digit = next >= '0' && next <= '9';
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (*rows[i].language && !speaks(language, rows[i].language)) continue;
        if (!strstr(rows[i].words, key)) continue;
        switch (rows[i].what) {
        case ALWAYS:
            return true;
        case TITLE:
            if (capital) return true;
            break;
        case NUMBER:
            if (digit) return true;
            break;
        case SOFT:
            if (digit || next == '(' || tb_unicode_is_lower(next)) return true;
            break;
        }
    }
    return false;
}
