/*
 * Spanish numbers as words: cardinals of up to 36 digits on the long scale (a billón is a million
 * millions), with the forms that a noun asks for (veintiún años, veintiuna casas, doscientas),
 * ordinals to 999, and the gender of a noun by its ending.
 */
#include "text/spell_rules_priv.h"

#include <string.h>

static const char *const small[] = {"cero",         "uno",         "dos",        "tres",
                                    "cuatro",       "cinco",       "seis",       "siete",
                                    "ocho",         "nueve",       "diez",       "once",
                                    "doce",         "trece",       "catorce",    "quince",
                                    "dieciséis",    "diecisiete",  "dieciocho",  "diecinueve",
                                    "veinte",       "veintiuno",   "veintidós",  "veintitrés",
                                    "veinticuatro", "veinticinco", "veintiséis", "veintisiete",
                                    "veintiocho",   "veintinueve"};
static const char *const tens[] = {"",          "",        "",        "treinta", "cuarenta",
                                   "cincuenta", "sesenta", "setenta", "ochenta", "noventa"};
static const char *const hundreds[2][10] = {
    {"", "ciento", "doscientos", "trescientos", "cuatrocientos", "quinientos", "seiscientos",
     "setecientos", "ochocientos", "novecientos"},
    {"", "ciento", "doscientas", "trescientas", "cuatrocientas", "quinientas", "seiscientas",
     "setecientas", "ochocientas", "novecientas"},
};
/* Of six digits each. */
static const char *const scales[][2] = {{"", ""},
                                        {"millón", "millones"},
                                        {"billón", "billones"},
                                        {"trillón", "trillones"},
                                        {"cuatrillón", "cuatrillones"},
                                        {"quintillón", "quintillones"}};

static void add(tb_spell_words *w, const char *word)
{
    if (w->n < TB_SPELL_FORMS) w->w[w->n++] = word;
}

static void one(tb_spell_words *w, tb_es_form form, bool twenty)
{
    static const char *const forms[2][3] = {{"uno", "un", "una"},
                                            {"veintiuno", "veintiún", "veintiuna"}};
    add(w, forms[twenty][form]);
}

static void below_hundred(tb_spell_words *w, int v, tb_es_form form)
{
    if (v == 1 || v == 21) {
        one(w, form, v == 21);
    } else if (v < 30) {
        add(w, small[v]);
    } else {
        add(w, tens[v / 10]);
        if (v % 10 == 0) return;
        add(w, "y");
        if (v % 10 == 1)
            one(w, form, false);
        else
            add(w, small[v % 10]);
    }
}

static void below_thousand(tb_spell_words *w, int v, tb_es_form form)
{
    if (v == 100) {
        add(w, "cien");
        return;
    }
    if (v > 100) add(w, hundreds[form == TB_ES_FEMININE][v / 100]);
    if (v % 100) below_hundred(w, v % 100, form);
}

/* Before mil a one is cut off (veintiún mil); hundreds keep the noun's gender. */
static void below_million(tb_spell_words *w, int v, tb_es_form form)
{
    int high = v / 1000;
    if (high > 1) {
        if (high == 100)
            add(w, "cien");
        else if (high > 100)
            add(w, hundreds[form == TB_ES_FEMININE][high / 100]);
        if (high % 100) below_hundred(w, high % 100, TB_ES_MASCULINE);
    }
    if (high > 0) add(w, "mil");
    if (v % 1000) below_thousand(w, v % 1000, form);
}

void tb_es_cardinal(tb_spell_words *w, const char *digits, size_t n, tb_es_form form)
{
    while (n > 0 && *digits == '0')
        digits++, n--;
    if (n == 0) add(w, small[0]);
    for (size_t left = n; left > 0;) {
        size_t take = left % 6 ? left % 6 : 6;
        int v = 0;
        for (size_t i = 0; i < take; i++)
            v = v * 10 + (*digits++ - '0');
        left -= take;
        if (v == 0) continue;
        below_million(w, v, left ? TB_ES_MASCULINE : form);
        if (left > 0) add(w, scales[left / 6][v != 1]);
    }
}

/* ---- ordinals ---- */

static const char *const ordinals[3][2][10] = {
    {{"", "primero", "segundo", "tercero", "cuarto", "quinto", "sexto", "séptimo", "octavo",
      "noveno"},
     {"", "primera", "segunda", "tercera", "cuarta", "quinta", "sexta", "séptima", "octava",
      "novena"}},
    {{"", "décimo", "vigésimo", "trigésimo", "cuadragésimo", "quincuagésimo", "sexagésimo",
      "septuagésimo", "octogésimo", "nonagésimo"},
     {"", "décima", "vigésima", "trigésima", "cuadragésima", "quincuagésima", "sexagésima",
      "septuagésima", "octogésima", "nonagésima"}},
    {{"", "centésimo", "ducentésimo", "tricentésimo", "cuadringentésimo", "quingentésimo",
      "sexcentésimo", "septingentésimo", "octingentésimo", "noningentésimo"},
     {"", "centésima", "ducentésima", "tricentésima", "cuadringentésima", "quingentésima",
      "sexcentésima", "septingentésima", "octingentésima", "noningentésima"}},
};

bool tb_es_ordinal(tb_spell_words *w, long value, bool feminine, bool apocope)
{
    if (value == 1000) {
        add(w, feminine ? "milésima" : "milésimo");
        return true;
    }
    if (value < 1 || value > 999) return false;
    if (value >= 100) add(w, ordinals[2][feminine][value / 100]);
    value %= 100;
    if (value == 11 || value == 12) {
        static const char *const eleven[2][2] = {{"undécimo", "undécima"},
                                                 {"duodécimo", "duodécima"}};
        add(w, eleven[value - 11][feminine]);
        return true;
    }
    if (value >= 10) add(w, ordinals[1][feminine][value / 10]);
    if (value % 10 == 0) return true;
    bool cut = apocope && !feminine && (value % 10 == 1 || value % 10 == 3);
    if (cut)
        add(w, value % 10 == 1 ? "primer" : "tercer");
    else
        add(w, ordinals[0][feminine][value % 10]);
    return true;
}

/* ---- gender ---- */

/* Nouns whose ending says the other gender. */
static const char masculine_a[] =
    " día días mapa mapas tranvía tranvías planeta planetas cometa cometas poeta poetas atleta "
    "atletas profeta profetas policía policías colega colegas guardia guardias cura curas "
    "problema problemas tema temas sistema sistemas poema poemas esquema esquemas emblema emblemas "
    "teorema teoremas dilema dilemas lema lemas idioma idiomas diploma diplomas síntoma síntomas "
    "aroma aromas axioma axiomas cromosoma cromosomas átomas genoma genomas carcinoma carcinomas "
    "drama dramas panorama panoramas pijama pijamas programa programas telegrama telegramas "
    "crucigrama crucigramas organigrama organigramas diagrama diagramas pentagrama pentagramas "
    "anagrama anagramas clima climas fantasma fantasmas plasma enigma enigmas paradigma paradigmas "
    "estigma estigmas dogma dogmas carisma carismas cisma cismas reuma delta gorila gorilas puma "
    "pumas koala koalas panda pandas yoga sofa mediodía guardaespaldas paraguas rascacielos "
    "dálmata dálmatas pirata piratas demócrata demócratas aristócrata burócrata acróbata acróbatas "
    "camarada camaradas compañeros israelita patriarca patriarcas monarca monarcas jerarca "
    "jerarcas "
    "centinela centinelas recluta reclutas vigía vigías espía espías kamikaze nómada nómadas "
    "pediatra "
    "psiquiatra psiquiatras pediatras belga belgas persa persas croata croatas azteca aztecas "
    "estratega estratagemas indígenas euros más además atrás jamás apenas mientras quizás tras "
    "detrás "
    "ya para hasta contra nada hacia fuera era eran iba iban había habían ha han va van nunca "
    "ahora "
    "está están estaba estaban será cada cuya cuyas ";
static const char feminine_other[] =
    " mano manos noche noches vez veces mujer mujeres flor flores parte partes clase clases calle "
    "calles llave llaves gente gentes tarde tardes imagen imágenes luz luces cruz cruces voz voces "
    "red redes pared paredes serie series fuente fuentes nube nubes frase frases base bases fase "
    "fases torre torres muerte muertes mente mentes madre madres foto fotos moto motos radio ley "
    "leyes piel pieles señal señales catedral catedrales razón razones cárcel cárceles raíz raíces "
    "nariz narices perdiz perdices actriz actrices emperatriz cicatriz cicatrices directriz "
    "directrices "
    "matriz matrices sede sedes nave naves nieve leche sangre carne carnes costumbre costumbres "
    "legumbre legumbres cumbre cumbres muchedumbre lumbre clave claves corte cortes suerte suertes "
    "tos sal col coles miel hiel crisis tesis hipótesis dosis síntesis análisis_ sesión tableta "
    "orden_ órdenes orilla sartén sartenes virgen vírgenes res reses tribu tribus pirámide "
    "pirámides "
    "hélice hélices índole superficie superficies especie especies planicie intemperie caries "
    "labor labores sor hambre fiebre fiebres liebre liebres sobremesa variante variantes vocal "
    "vocales "
    "consonante consonantes paz paces hoz hoces nuez nueces vejez vejeces niñez codorniz postal "
    "postales diagonal diagonales credencial credenciales sucursal sucursales central centrales "
    "espiral espirales multinacional cadete_ almohada águila águilas alma almas arma armas aula "
    "aulas "
    "área áreas agua aguas hacha hachas plaza plazas letra letras mayúscula unidad libra libras ";

static bool ends(const char *word, const char *ending)
{
    size_t n = strlen(word), m = strlen(ending);
    return n >= m && strcmp(word + n - m, ending) == 0;
}

bool tb_es_is_feminine(const char *word)
{
    static const char *const endings[] = {"a",      "as",     "dad",    "dades", "tad",    "tades",
                                          "tud",    "tudes",  "umbre",  "ción",  "sión",   "xión",
                                          "ciones", "siones", "xiones", "gión",  "giones", "nión",
                                          "niones", "tión",   "tiones", "iez",   "dez",    "deces"};
    if (tb_spell_in(word, masculine_a)) return false;
    if (tb_spell_in(word, feminine_other)) return true;
    if (ends(word, "ista") || ends(word, "istas")) {
        /* Of people; but these are things. */
        return tb_spell_in(word, " vista vistas lista listas pista pistas revista revistas "
                                 "entrevista entrevistas conquista conquistas arista aristas ");
    }
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (ends(word, endings[i])) return true;
    return false;
}

tb_es_form tb_es_form_before(const char *word)
{
    /* Nothing that is counted: uno de, uno y, uno que. */
    static const char no_noun[] =
        " de del y o ó u e ni que en por para con sin a al ante bajo contra desde entre hacia "
        "hasta "
        "según sobre tras pero mas más sino aunque porque si como cuando donde es son era eran fue "
        "fueron será serán está están ha han hay había se me te le lo les nos os la las los el un "
        "una su sus mi mis tu tus no ya también tampoco muy menos cada este esta estos estas ese "
        "esa "
        "eso aquel aquella entonces luego después antes porciento por coma punto p am pm ";
    if (!*word || tb_spell_in(word, no_noun)) return TB_ES_ALONE;
    return tb_es_is_feminine(word) ? TB_ES_FEMININE : TB_ES_MASCULINE;
}
