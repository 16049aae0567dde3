/*
 * Abbreviations of English and Spanish as the words that they stand for, each where its neighbours
 * say that it is one: "No. 5" but not "No. Never.". The full stop of one that ends a sentence
 * stays. Acronyms with full stops (U.S., D.C.) become letters.
 */
#include "base/utf8.h"
#include "text/spell_rules_priv.h"

#include <string.h>

/* Where an abbreviation is one. */
typedef enum {
    ANY,
    NAME,   /* in front of a capital; never the end of a sentence */
    DIGIT,  /* in front of a number or a roman one */
    BEHIND, /* behind a number */
    STREET, /* behind a capital or an ordinal: Elm Ave. */
    WORD,   /* in front of a letter */
    UPPER,  /* behind a capital: Acme Inc. */
    TITLE,  /* anywhere, and a name follows: its full stop ends no sentence */
    ROMAN,  /* in front of a roman numeral */
    LONE,   /* between blanks */
    FAMILY, /* behind a family name: John Smith Sr. */
    JOB,    /* in front of a profession: Sr. Engineer */
    STATE,  /* behind a town or a party: St. Louis, Mo.; (D-Calif.) */
    DEGREE, /* behind "degrees" */
    TOWARD, /* in front of a street: N. Main St., W. 4th */
} place;

typedef struct {
    const char *written; /* a blank is for none to two; a small first letter also for a capital */
    const char *said;
    place where;
} abbreviation;

/* clang-format off */
static const abbreviation english[] = {
    {"Mr.", "Mister", TITLE}, {"Mr", "Mister", NAME}, {"Mrs.", "Missus", TITLE}, {"Mrs", "Missus", NAME},
    {"Ms.", "Miz", TITLE}, {"Ms", "Miz", NAME}, {"Mx.", "Mix", NAME}, {"Messrs.", "Messieurs", NAME},
    {"Prof.", "Professor", NAME}, {"Prof", "Professor", NAME}, {"Sen.", "Senator", NAME},
    {"Gov.", "Governor", NAME}, {"Rep.", "Representative", NAME}, {"Gen.", "General", NAME},
    {"Col.", "Colonel", NAME}, {"Capt.", "Captain", NAME}, {"Cpt.", "Captain", NAME},
    {"Lt.", "Lieutenant", NAME}, {"Lt", "Lieutenant", NAME}, {"Sgt.", "Sergeant", NAME}, {"Sgt", "Sergeant", NAME},
    {"Maj.", "Major", NAME}, {"Cmdr.", "Commander", NAME}, {"Adm.", "Admiral", NAME}, {"Cpl.", "Corporal", NAME},
    {"Pvt.", "Private", NAME}, {"Pres.", "President", NAME}, {"Rev.", "Reverend", NAME}, {"Hon.", "Honorable", NAME},
    {"Fr.", "Father", NAME}, {"Supt.", "Superintendent", NAME}, {"Insp.", "Inspector", NAME}, {"Det.", "Detective", NAME},
    {"Amb.", "Ambassador", NAME}, {"Atty.", "Attorney", NAME}, {"Msgr.", "Monsignor", NAME}, {"Mt.", "Mount", NAME},
    {"Ft.", "Fort", NAME}, {"Br.", "Brother", NAME}, {"Mme.", "Madame", NAME}, {"Mlle.", "Mademoiselle", NAME},
    {"St.", "Street", STREET}, {"Dr.", "Drive", STREET}, {"Ste.", "Suite", DIGIT}, {"Bldg", "Building", DIGIT}, {"Blk", "Block", DIGIT}, {"Blk.", "Block", DIGIT}, {"fl.", "floor", BEHIND},
    {"Aves.", "Avenues", STREET}, {"N.", "North", TOWARD}, {"S.", "South", TOWARD}, {"E.", "East", TOWARD}, {"W.", "West", TOWARD},
    {"vv.", "verses", DIGIT}, {"Ps.", "Psalm", DIGIT}, {"sc.", "scene", DIGIT}, {"St.", "Saint", NAME}, {"Ste.", "Sainte", NAME},
    {"Dr.", "Doctor", NAME}, {"Dr", "Doctor", NAME}, {"Drs.", "Doctors", NAME},
    {"Ave.", "Avenue", STREET}, {"Ave", "Avenue", STREET}, {"av.", "Avenue", STREET},
    {"Blvd.", "Boulevard", STREET}, {"Blvd", "Boulevard", STREET}, {"Rd.", "Road", STREET}, {"Rd", "Road", STREET},
    {"St", "Street", STREET}, {"Ln.", "Lane", STREET}, {"Ln", "Lane", STREET}, {"Ct.", "Court", STREET},
    {"Sq.", "Square", STREET}, {"Pl.", "Place", STREET}, {"Hwy.", "Highway", ANY}, {"Hwy", "Highway", ANY},
    {"Pkwy.", "Parkway", ANY}, {"Pkwy", "Parkway", ANY}, {"Ter.", "Terrace", STREET}, {"Cir.", "Circle", STREET},
    {"Apt.", "Apartment", DIGIT}, {"apt.", "apartment", DIGIT}, {"Rte.", "Route", DIGIT}, {"Bldg.", "Building", ANY},
    {"Jr.", "Junior", JOB}, {"Jr.", "Junior", ANY}, {"Jr", "Junior", UPPER}, {"Sr.", "Senior", JOB}, {"Sr.", "Senior", FAMILY}, {"Sr", "Senior", JOB},
    {"Sr", "Senior", FAMILY}, {"Sr.", "Señor", NAME}, {"Sr", "Señor", NAME}, {"Sra.", "Señora", TITLE},
    {"Sra", "Señora", NAME}, {"Srta.", "Señorita", TITLE}, {"Sres.", "Señores", TITLE}, {"Dña.", "Doña", TITLE}, {"Esq.", "Esquire", UPPER},
    {"Inc.", "Incorporated", ANY}, {"Inc", "Incorporated", UPPER}, {"Ltd.", "Limited", ANY}, {"Ltd", "Limited", ANY},
    {"Co.", "Company", UPPER}, {"Corp.", "Corporation", ANY}, {"Bros.", "Brothers", ANY}, {"Bros", "Brothers", UPPER},
    {"Dept.", "Department", ANY}, {"dept.", "department", ANY}, {"Univ.", "University", ANY}, {"Assn.", "Association", ANY},
    {"Assoc.", "Associates", ANY}, {"Intl.", "International", ANY}, {"Int'l", "International", ANY},
    {"Natl.", "National", ANY}, {"Nat'l", "National", ANY}, {"govt.", "government", ANY}, {"gov't", "government", ANY},
    {"Inst.", "Institute", UPPER}, {"Mfg.", "Manufacturing", ANY}, {"Cong.", "Congress", ANY},
    {"vs.", "versus", TITLE}, {"vs", "versus", ANY}, {"v.", "versus", UPPER}, {"etc.", "et cetera", ANY}, {"etc", "et cetera", ANY},
    {"&c.", "et cetera", ANY}, {"e. g.", "for example", TITLE}, {"eg.", "for example", ANY}, {"i. e.", "that is", TITLE},
    {"ie.", "that is", ANY}, {"et al.", "and others", ANY}, {"et al", "and others", ANY}, {"cf.", "compare", ANY},
    {"viz.", "namely", ANY}, {"approx.", "approximately", ANY}, {"ca.", "circa", DIGIT}, {"c.", "circa", DIGIT},
    {"est.", "established", DIGIT}, {"misc.", "miscellaneous", ANY}, {"incl.", "including", ANY}, {"excl.", "excluding", ANY},
    {"avg.", "average", ANY}, {"p. a.", "per annum", ANY}, {"doz.", "dozen", ANY}, {"km", "kilometer", DIGIT}, {"max.", "maximum", ANY}, {"min.", "minimum", ANY}, {"temp.", "temperature", ANY},
    {"aka", "also known as", ANY}, {"a. k. a.", "also known as", TITLE}, {"w/", "with", ANY}, {"w/o", "without", ANY},
    {"b/c", "because", ANY}, {"c/o", "care of", ANY}, {"N/A", "not applicable", ANY}, {"n/a", "not applicable", ANY},
    {"No.", "number", DIGIT}, {"no.", "number", DIGIT}, {"Nos.", "numbers", DIGIT}, {"nos.", "numbers", DIGIT},
    {"nr.", "number", DIGIT}, {"vol.", "volume", DIGIT}, {"vols.", "volumes", DIGIT}, {"pp.", "pages", DIGIT},
    {"pg.", "page", DIGIT}, {"pgs.", "pages", DIGIT}, {"p.", "page", DIGIT}, {"ch.", "chapter", DIGIT}, {"chap.", "chapter", DIGIT},
    {"sec.", "section", DIGIT}, {"sect.", "section", DIGIT}, {"fig.", "figure", DIGIT}, {"figs.", "figures", DIGIT},
    {"eq.", "equation", DIGIT}, {"eqs.", "equations", DIGIT}, {"art.", "article", DIGIT}, {"para.", "paragraph", DIGIT},
    {"ver.", "version", DIGIT}, {"v.", "verse", DIGIT}, {"ext.", "extension", DIGIT}, {"rm.", "room", DIGIT},
    {"app.", "appendix", DIGIT}, {"ed.", "edition", BEHIND}, {"lvl.", "level", DIGIT}, {"tel.", "telephone", ANY},
    {"ref.", "reference", ANY}, {"qty.", "quantity", ANY}, {"qty", "quantity", ANY}, {"ea.", "each", BEHIND}, {"ppl", "people", BEHIND}, {"y/o", "years old", BEHIND},
    {"pcs.", "pieces", BEHIND}, {"pcs", "pieces", BEHIND}, {"pkg.", "package", ANY}, {"acct.", "account", ANY}, {"amt.", "amount", ANY},
    {"asst.", "assistant", ANY}, {"mgr.", "manager", ANY},
    {"attn.", "attention", ANY}, {"attn", "attention", ANY}, {"oz.", "ounces", BEHIND}, {"hrs.", "hours", BEHIND},
    {"Ph. D.", "P H D", ANY}, {"PhD", "P H D", ANY}, {"M. D.", "M D", ANY}, {"P. S.", "P S", ANY}, {"R. I. P.", "R I P", ANY},
    {"a. m.", "A M", ANY}, {"p. m.", "P M", ANY}, {"B. C. E.", "B C E", ANY}, {"BCE", "B C E", BEHIND}, {"BC", "B C", BEHIND},
    {"AD", "A D", BEHIND}, {"AD", "A D", DIGIT}, {"CE", "C E", BEHIND},
    {"Mon.", "Monday", DIGIT}, {"Tue.", "Tuesday", DIGIT}, {"Tues.", "Tuesday", DIGIT}, {"Wed.", "Wednesday", DIGIT},
    {"Thu.", "Thursday", DIGIT}, {"Thur.", "Thursday", DIGIT}, {"Thurs.", "Thursday", DIGIT}, {"Fri.", "Friday", DIGIT},
    {"Sat.", "Saturday", DIGIT}, {"Sun.", "Sunday", DIGIT},
    {"F", "Fahrenheit", DEGREE}, {"C", "Celsius", DEGREE},
    {"Ala.", "Alabama", STATE}, {"Ariz.", "Arizona", STATE}, {"Ark.", "Arkansas", STATE}, {"Calif.", "California", STATE}, {"Colo.", "Colorado", STATE},
    {"Conn.", "Connecticut", STATE}, {"Del.", "Delaware", STATE}, {"Fla.", "Florida", STATE}, {"Ga.", "Georgia", STATE}, {"Ill.", "Illinois", STATE},
    {"Ind.", "Indiana", STATE}, {"Kan.", "Kansas", STATE}, {"Ky.", "Kentucky", STATE}, {"Md.", "Maryland", STATE}, {"Mass.", "Massachusetts", STATE},
    {"Mich.", "Michigan", STATE}, {"Minn.", "Minnesota", STATE}, {"Miss.", "Mississippi", STATE}, {"Mo.", "Missouri", STATE}, {"Mont.", "Montana", STATE},
    {"Neb.", "Nebraska", STATE}, {"Nev.", "Nevada", STATE}, {"Okla.", "Oklahoma", STATE}, {"Ore.", "Oregon", STATE}, {"Pa.", "Pennsylvania", STATE},
    {"Tenn.", "Tennessee", STATE}, {"Tex.", "Texas", STATE}, {"Va.", "Virginia", STATE}, {"Vt.", "Vermont", STATE}, {"Wash.", "Washington", STATE},
    {"Wis.", "Wisconsin", STATE}, {"Wyo.", "Wyoming", STATE},
};

static const abbreviation spanish[] = {
    {"ó", "o", LONE}, {"Ó", "o", LONE}, {"á", "a", LONE}, {"Á", "a", LONE}, {"é", "e", LONE}, {"ú", "u", LONE}, /* as they were written */
    {"uds.", "unidades", BEHIND}, {"ud.", "unidad", BEHIND}, {"c/u", "cada uno", ANY}, {"c/s", "cantidad suficiente", ANY}, {"mod.", "modelo", NAME}, {"of.", "oficina", DIGIT}, {"Mza.", "manzana", DIGIT}, {"Bº", "barrio", NAME},
    {"Cra.", "carrera", DIGIT}, {"Kr.", "carrera", DIGIT}, {"Cl.", "calle", DIGIT}, {"comp.", "comprimidos", BEHIND}, {"tz.", "tazas", BEHIND}, {"aniv.", "aniversario", BEHIND},
    {"M/N", "moneda nacional", ANY}, {"pers.", "personas", BEHIND}, {"pzas.", "piezas", BEHIND}, {"pza.", "pieza", BEHIND},
    {"cant.", "cantidad", ANY}, {"incl.", "incluido", ANY}, {"excl.", "excluido", ANY}, {"fra.", "factura", ANY}, {"vto.", "vencimiento", ANY}, {"obs.", "observaciones", ANY},
    {"pl.", "planta", DIGIT}, {"esc.", "escalera", DIGIT}, {"pta.", "puerta", DIGIT}, {"pta.", "puerta", NAME}, {"int.", "interior", DIGIT}, {"mz.", "manzana", DIGIT}, {"lt.", "lote", DIGIT}, {"blq.", "bloque", DIGIT},
    {"sáb", "sábado", DIGIT}, {"dom", "domingo", DIGIT}, {"lun", "lunes", DIGIT}, {"jue", "jueves", DIGIT}, {"vie", "viernes", DIGIT}, {"mié", "miércoles", DIGIT},
    {"Hnos.", "hermanos", NAME}, {"c/u.", "cada uno", ANY},
    {"Sr.", "señor", TITLE}, {"Sra.", "señora", TITLE}, {"Srta.", "señorita", TITLE}, {"Sres.", "señores", TITLE}, {"Sras.", "señoras", TITLE},
    {"sr.", "señor", TITLE}, {"sra.", "señora", TITLE}, {"Sr", "señor", NAME}, {"Sra", "señora", NAME}, {"Srta", "señorita", NAME},
    {"Dr.", "doctor", TITLE}, {"Dra.", "doctora", TITLE}, {"Dres.", "doctores", TITLE}, {"Dr", "doctor", NAME}, {"Dra", "doctora", NAME},
    {"D.ª", "doña", TITLE}, {"Dª", "doña", TITLE}, {"Dña.", "doña", TITLE}, {"Dña", "doña", NAME}, {"D.", "don", NAME},
    {"M.ª", "María", TITLE}, {"Mª", "María", TITLE}, {"Fco.", "Francisco", TITLE}, {"Fdo.", "firmado", ANY},
    {"Ud.", "usted", ANY}, {"Uds.", "ustedes", ANY}, {"Vd.", "usted", ANY}, {"Vds.", "ustedes", ANY}, {"ud.", "usted", ANY}, {"uds.", "ustedes", ANY},
    {"Lic.", "licenciado", TITLE}, {"Lcdo.", "licenciado", TITLE}, {"Lcda.", "licenciada", TITLE}, {"Licda.", "licenciada", TITLE},
    {"Ing.", "ingeniero", TITLE}, {"Arq.", "arquitecto", TITLE}, {"Prof.", "profesor", TITLE}, {"Profa.", "profesora", TITLE}, {"Prof.ª", "profesora", TITLE},
    {"Gral.", "general", TITLE}, {"Cap.", "capitán", NAME}, {"Cnel.", "coronel", TITLE}, {"Tte.", "teniente", TITLE}, {"Sgto.", "sargento", TITLE},
    {"Sto.", "santo", NAME}, {"Sta.", "santa", NAME}, {"Mons.", "monseñor", TITLE}, {"Excmo.", "excelentísimo", TITLE}, {"Excma.", "excelentísima", TITLE},
    {"Ilmo.", "ilustrísimo", TITLE}, {"Ilma.", "ilustrísima", TITLE}, {"Pbro.", "presbítero", TITLE}, {"Mtro.", "maestro", TITLE}, {"Mtra.", "maestra", TITLE},
    {"S. M.", "su majestad", TITLE}, {"SS. MM.", "sus majestades", ANY}, {"S. A. R.", "su alteza real", ANY}, {"Pdte.", "presidente", TITLE},
    {"EE. UU.", "Estados Unidos", ANY}, {"EE.UU", "Estados Unidos", ANY}, {"EEUU", "Estados Unidos", ANY}, {"EE UU", "Estados Unidos", ANY},
    {"JJ. OO.", "Juegos Olímpicos", ANY}, {"JJOO", "Juegos Olímpicos", ANY}, {"FF. AA.", "Fuerzas Armadas", ANY}, {"CC. OO.", "Comisiones Obreras", ANY},
    {"CCOO", "Comisiones Obreras", ANY}, {"RR. HH.", "recursos humanos", ANY}, {"RRHH", "recursos humanos", ANY}, {"RR. PP.", "relaciones públicas", ANY},
    {"CC. AA.", "comunidades autónomas", ANY}, {"CCAA", "comunidades autónomas", ANY}, {"DD. HH.", "derechos humanos", ANY}, {"DDHH", "derechos humanos", ANY},
    {"FF. CC.", "ferrocarriles", ANY}, {"AA. VV.", "autores varios", ANY}, {"VV. AA.", "varios autores", ANY}, {"RR. SS.", "redes sociales", ANY}, {"RRSS", "redes sociales", ANY},
    {"Bs. As.", "Buenos Aires", ANY}, {"p. ej.", "por ejemplo", ANY}, {"p. e.", "por ejemplo", ANY}, {"v. gr.", "verbigracia", ANY}, {"v. g.", "verbigracia", ANY},
    {"etc.", "etcétera", ANY}, {"etc", "etcétera", ANY}, {"et al.", "y otros", ANY}, {"aprox.", "aproximadamente", ANY}, {"vs.", "versus", ANY}, {"vs", "versus", ANY},
    {"a. C.", "antes de Cristo", ANY}, {"d. C.", "después de Cristo", ANY}, {"a. de C.", "antes de Cristo", ANY}, {"d. de C.", "después de Cristo", ANY},
    {"a. de J. C.", "antes de Jesucristo", ANY}, {"a. e. c.", "antes de la era común", ANY}, {"e. c.", "era común", BEHIND},
    {"a. m.", "de la mañana", ANY}, {"p. m.", "de la tarde", ANY}, {"q. e. p. d.", "que en paz descanse", ANY}, {"D. E. P.", "descanse en paz", ANY},
    {"págs.", "páginas", ANY}, {"pág.", "página", ANY}, {"págs", "páginas", DIGIT}, {"pág", "página", DIGIT}, {"pp.", "páginas", DIGIT}, {"p.", "página", DIGIT},
    {"núm.", "número", TITLE}, {"núms.", "números", TITLE}, {"num.", "número", DIGIT}, {"n.º", "número", TITLE}, {"n.°", "número", ANY}, {"nº", "número", ANY}, {"n°", "número", ANY},
    {"n.os", "números", ANY}, {"nro.", "número", TITLE}, {"no.", "número", DIGIT}, {"nos.", "números", DIGIT}, {"cap.", "capítulo", ANY}, {"caps.", "capítulos", ANY},
    {"vol.", "volumen", ANY}, {"vols.", "volúmenes", ANY}, {"t.", "tomo", DIGIT}, {"art.", "artículo", ANY}, {"arts.", "artículos", ANY}, {"fig.", "figura", ANY}, {"figs.", "figuras", ANY},
    {"ed.", "edición", BEHIND}, {"ed.", "editorial", NAME}, {"apdo.", "apartado", ANY}, {"párr.", "párrafo", ANY}, {"ref.", "referencia", TITLE}, {"Ref.ª", "referencia", ANY}, {"v.", "véase", NAME},
    {"tel.", "teléfono", ANY}, {"teléf.", "teléfono", ANY}, {"tfno.", "teléfono", ANY}, {"tlf.", "teléfono", ANY}, {"Tel", "teléfono", DIGIT}, {"móv.", "móvil", ANY}, {"ext.", "extensión", DIGIT},
    {"c/", "calle", ANY}, {"avda.", "avenida", TITLE}, {"av.", "avenida", TITLE}, {"Avda", "avenida", NAME}, {"pza.", "plaza", TITLE}, {"plza.", "plaza", TITLE}, {"Pl.", "plaza", NAME},
    {"p.º", "paseo", TITLE}, {"pº", "paseo", TITLE}, {"ctra.", "carretera", TITLE}, {"urb.", "urbanización", NAME}, {"edif.", "edificio", TITLE}, {"Col.", "colonia", NAME}, {"pje.", "pasaje", TITLE},
    {"izq.", "izquierda", ANY}, {"izqda.", "izquierda", ANY}, {"izda.", "izquierda", ANY}, {"dcha.", "derecha", ANY}, {"dto.", "descuento", ANY}, {"dpto.", "departamento", ANY}, {"depto.", "departamento", ANY},
    {"C. P.", "código postal", ANY}, {"C.P", "código postal", DIGIT}, {"CP", "código postal", DIGIT}, {"s/n", "sin número", ANY}, {"S/N", "sin número", ANY}, {"Apto.", "apartamento", ANY},
    {"Cía.", "compañía", ANY}, {"cía.", "compañía", ANY}, {"S. A.", "ese a", ANY}, {"S. L.", "ese ele", ANY}, {"S. A. de C. V.", "ese a de ce uve", ANY}, {"Hnos.", "hermanos", ANY},
    {"Admón.", "administración", ANY}, {"Dir.", "director", NAME}, {"Dir.ª", "directora", ANY}, {"Gob.", "gobierno", ANY}, {"Min.", "ministro", NAME}, {"Univ.", "universidad", ANY}, {"Inst.", "instituto", ANY},
    {"Atte.", "atentamente", ANY}, {"atte.", "atentamente", ANY}, {"máx.", "máximo", ANY}, {"mín.", "mínimo", ANY}, {"prov.", "provincia", ANY}, {"s. f.", "sin fecha", ANY},
    {"s.", "siglo", ROMAN}, {"ss.", "siglos", ROMAN}, {"ss.", "siguientes", ANY}, {"cf.", "compárese", ANY}, {"cfr.", "compárese", ANY}, {"ej.", "ejemplo", ANY}, {"P. D.", "posdata", ANY}, {"P. S.", "posdata", ANY}, {"V.º B.º", "visto bueno", ANY}, {"Vº Bº", "visto bueno", ANY},
    {"b/n", "blanco y negro", ANY}, {"N. del T.", "nota del traductor", ANY}, {"N. de la T.", "nota de la traductora", ANY}, {"O. M. S.", "O M S", ANY}, {"y/o", "y o", ANY},
    {"lun.", "lunes", ANY}, {"mié.", "miércoles", ANY}, {"jue.", "jueves", ANY}, {"vie.", "viernes", ANY}, {"sáb.", "sábado", ANY}, {"dom.", "domingo", ANY},
    {"F", "Fahrenheit", DEGREE}, {"C", "Celsius", DEGREE}, {"esc.", "escalera", NAME}, {"Pso.", "paseo", TITLE}, {"km.", "kilómetro", DIGIT},
    {"A/A", "a la atención de", ANY}, {"Att.", "a la atención de", NAME}, {"s/ref.", "su referencia", ANY}, {"n/ref.", "nuestra referencia", ANY},
    {"hab.", "habitantes", BEHIND}, {"km", "kilómetro", DIGIT}, {"cta.", "cuenta", ANY}, {"gtos.", "gastos", ANY}, {"imp.", "impuestos", ANY}, {"Depto.", "departamento", ANY}, {"Bco.", "banco", NAME}, {"Ntra.", "nuestra", NAME}, {"Ntro.", "nuestro", NAME},
};
/* clang-format on */

/* The end of `written` at i, 0 when the text has something else there. */
static size_t match(const tb_speller *sp, size_t i, const char *written)
{
    size_t at = i;
    const char *p = written;
    if (at >= sp->len) return 0;
    char c = sp->s[at];
    if (c != *p && !(*p >= 'a' && *p <= 'z' && c == *p - 32)) return 0;
    for (p++, at++; *p; p++) {
        if (*p == ' ')
            at = tb_spell_skip(sp, at);
        else if (at < sp->len && sp->s[at] == *p)
            at++;
        else
            return 0;
    }
    char last = p[-1];
    bool number = last == '\xBA' && tb_spell_digit(sp, at); /* nº2 */
    if (last != '.' && last != '/' && !number && !tb_spell_ends(sp, at)) return 0;
    return at;
}

/* The first character of what stands in front of i behind blanks; what it begins with. */
static uint32_t begin_of_previous(const tb_speller *sp, size_t i, bool *digit)
{
    char word[TB_SPELL_WORD + 1];
    size_t n, start = tb_spell_prev_word(sp, i, word);
    *digit = false;
    if (!*word && i > 2 && sp->s[i - 1] == ' ' && sp->s[i - 2] == '.') { /* King Jr. Blvd. */
        start = tb_spell_prev_word(sp, i - 2, word);
        if (!tb_spell_in(word, " jr sr st ")) *word = 0;
    }
    if (!*word) {
        size_t at = i;
        uint32_t before = tb_spell_before(sp, at);
        while (at > 0 && i - at < 6 && tb_spell_blank(before)) {
            char utf8[4];
            at -= tb_utf8_put(before, utf8);
            before = tb_spell_before(sp, at);
        }
        *digit = before >= '0' && before <= '9';
        return 0;
    }
    *digit = tb_spell_before(sp, start) >= '0' && tb_spell_before(sp, start) <= '9'; /* 5th */
    return tb_spell_at(sp, start, &n);
}

static bool roman_at(const tb_speller *sp, size_t i)
{
    size_t n = 0;
    while (n < 8 && i + n < sp->len && sp->s[i + n] && strchr("IVXLCDM", sp->s[i + n]))
        n++;
    return n > 0 && tb_spell_ends(sp, i + n);
}

/* "John Smith Sr."; but "Then Sr. Ruiz". */
static bool behind_family(const tb_speller *sp, size_t i)
{
    char word[TB_SPELL_WORD + 1];
    size_t n;
    if (i > 1 && sp->s[i - 1] == ' ' && sp->s[i - 2] == ',') return true;
    size_t start = tb_spell_prev_word(sp, i, word);
    return *word && tb_spell_capital(tb_spell_at(sp, start, &n)) &&
           !tb_spell_in(word, " and ask but call contact dear did does for from hello hey hi if is "
                              "later meet now said so thank that then this tell to visit "
                              "was welcome when while with yes yesterday today ");
}

static bool is_job(const tb_speller *sp, size_t i)
{
    char word[TB_SPELL_WORD + 1];
    tb_spell_next_word(sp, i, word);
    return tb_spell_in(word, " account accountant advisor analyst architect associate attorney "
                             "buyer cloud consultant content counsel data designer developer "
                             "devops director editor engineer engineering executive front "
                             "frontend backend full lead lecturer manager marketing network nurse "
                             "officer partner pastor planner producer product program programmer "
                             "project qa recruiter research researcher sales scientist security "
                             "software specialist staff system systems technical technician ux "
                             "vice vp web writer ");
}

static bool fits(const tb_speller *sp, size_t i, size_t end, place where, bool stop)
{
    size_t n, next = tb_spell_skip(sp, end);
    uint32_t cp = tb_spell_at(sp, next, &n);
    bool digit, apart = next > end;
    uint32_t previous;
    char word[TB_SPELL_WORD + 1];
    switch (where) {
    case ANY:
    case TITLE:
        return true;
    case LONE:
        return apart && tb_utf8_is_word(cp) && tb_spell_blank(tb_spell_before(sp, i));
    case FAMILY:
        return behind_family(sp, i);
    case JOB:
        tb_spell_prev_word(sp, i, word);
        return is_job(sp, end) || tb_spell_in(word, " a an the our my "); /* the Sr. Center */
    case STATE:
        previous = tb_spell_before(sp, i);
        if (previous == '-') return i > 1 && tb_spell_capital((unsigned char)sp->s[i - 2]);
        return i > 2 && previous == ' ' && sp->s[i - 2] == ',' &&
               tb_spell_letter(tb_spell_before(sp, i - 2));
    case TOWARD:
        if (cp >= '0' && cp <= '9')
            return tb_spell_letter(tb_spell_at(sp, next + tb_spell_digits_at(sp, next, 3), &n));
        if (!apart || !tb_spell_capital(cp)) return false;
        tb_spell_next_word(sp, tb_spell_word_end(sp, next), word);
        return tb_spell_in(word, " st street ave avenue blvd rd road dr drive ln lane ct pl hwy ");
    case DEGREE:
        tb_spell_prev_word(sp, i, word);
        return tb_spell_in(word, " degree degrees grado grados ");
    case ROMAN:
        return apart && sp->s[i] == 's' && roman_at(sp, next);
    case NAME:
        if (!apart && end == i + 2 && tb_spell_starts(sp, next + n, ".")) return false; /* D.N.I. */
        return (apart || stop) && tb_spell_capital(cp);
    case DIGIT:
        if (cp == 'I' && tb_spell_starts(sp, i + 1, "o.") && tb_spell_ends(sp, next + 1))
            return false; /* No. I won't. */
        return (cp >= '0' && cp <= '9') || cp == '#' || (apart && roman_at(sp, next));
    case WORD:
        return apart && tb_spell_letter(cp);
    case BEHIND:
        (void)begin_of_previous(sp, i, &digit);
        return digit;
    case UPPER:
        previous = begin_of_previous(sp, i, &digit);
        return tb_spell_capital(previous) || tb_spell_before(sp, i) == ',' ||
               (i > 1 && sp->s[i - 1] == ' ' && strchr(",.&", sp->s[i - 2]));
    case STREET:
        previous = begin_of_previous(sp, i, &digit);
        if (!tb_spell_capital(previous) && !digit) return false;
        /* "Visit St. Louis", "Then Dr. Reed": in front of a capital it is a person or a saint,
         * unless a house number stands in front of the street's name. */
        if (!tb_spell_capital(cp) || !apart) return true;
        if (digit) return true;
        size_t start = tb_spell_prev_word(sp, i, word);
        (void)begin_of_previous(sp, start, &digit);
        return digit || (sp->s[end - 1] != '.' && i > 0);
    }
    return false;
}

/* Does what begins with a capital behind an abbreviation still belong to it: "Elm Ave. NW", "King
 * Jr. Blvd.", "cap. IV"? */
static bool goes_on(const tb_speller *sp, size_t i)
{
    char word[TB_SPELL_WORD + 1];
    size_t end = tb_spell_next_word(sp, i, word), at = tb_spell_skip(sp, i);
    if (at == i || !*word) return false;
    if (roman_at(sp, at) && !(end - at == 1 && strchr("CDLM", sp->s[at])) &&
        !(end - at == 1 && sp->kind == TB_SPELL_EN && sp->s[at] == 'I'))
        return true;
    if (end - at <= 2 && tb_spell_in(word, " nw ne sw se ") && tb_spell_ends(sp, end)) return true;
    return sp->kind == TB_SPELL_EN && end < sp->len && sp->s[end] == '.' &&
           tb_spell_in(word, " blvd ave st rd dr ln hwy pkwy sr jr inc ltd apt ste bldg ");
}

/* Behind an abbreviation that ended in a full stop: does the sentence end there too? Titles never
 * end one; of the others a capital behind says so. */
static size_t behind(const tb_speller *sp, size_t end, place where)
{
    if (sp->s[end - 1] != '.' || where == NAME || where == DIGIT || where == ROMAN ||
        where == JOB || where == TOWARD)
        return end;
    size_t n, stop = tb_spell_stop(sp, end - 1);
    if (stop < end && goes_on(sp, end)) return end;
    if (where != TITLE) return stop;
    uint32_t cp = tb_spell_at(sp, tb_spell_skip(sp, end), &n);
    return n == 0 || cp == '\n' || cp == '\r' ? stop : end;
}

/* U.S., D.C., U.S.A.: letters with full stops. Their last stop is no sentence's unless the text
 * ends there. */
static size_t acronym(tb_speller *sp, size_t i)
{
    size_t at = i, n, letters = 0;
    while (letters < 6 && at + 1 < sp->len && sp->s[at] >= 'A' && sp->s[at] <= 'Z' &&
           sp->s[at + 1] == '.') {
        letters++;
        at += 2;
    }
    if (letters < 2) return 0;
    bool more = tb_spell_letter(tb_spell_at(sp, at, &n)); /* J.K.Rowling: the rest is a word */
    for (size_t k = 0; k < letters; k++) {
        char letter[2] = {sp->s[i + 2 * k], 0};
        tb_spell_say(sp, letter);
    }
    size_t next = tb_spell_skip(sp, at);
    uint32_t cp = tb_spell_at(sp, next, &n);
    bool ends = !more && (n == 0 || cp == '\n' || cp == '\r');
    return (ends ? at - 1 : at) - i;
}

/* Acronyms that flite reads as words: letters, unless the words around are capitals too. */
static size_t initials(tb_speller *sp, size_t i)
{
    static const char *const all[] = {"US",  "EU",  "UN",  "ID", "AI", "CEO", "CFO",  "COO",
                                      "CTO", "API", "EST", "UI", "HR", "IDs", "CEOs", "APIs"};
    char next[TB_SPELL_WORD + 1];
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        size_t n = strlen(all[k]), end = i + n;
        if (!tb_spell_starts(sp, i, all[k]) || !tb_spell_ends(sp, end)) continue;
        size_t dollar = tb_spell_skip(sp, end);
        if (dollar < sp->len && sp->s[dollar] == '$') return 0;
        size_t at = tb_spell_skip(sp, end), word_end = tb_spell_next_word(sp, end, next);
        if (word_end > at + 1 && tb_spell_capital((unsigned char)sp->s[at]) &&
            tb_spell_capital((unsigned char)sp->s[at + 1]))
            return 0;
        size_t start = tb_spell_prev_word(sp, i, next);
        if (start + 1 < i && tb_spell_capital((unsigned char)sp->s[start]) &&
            tb_spell_capital((unsigned char)sp->s[start + 1]))
            return 0;
        for (const char *c = all[k]; *c && *c != 's'; c++) {
            char letter[2] = {*c, 0};
            tb_spell_say(sp, letter);
        }
        if (all[k][n - 1] == 's') tb_str_puts(sp->out, "s");
        return n;
    }
    return 0;
}

/* "500 BC – AD 476": a dash behind an era and in front of a year or another era is "to", which is
 * said. Where the second begins, 0 none. */
static size_t era_range(tb_speller *sp, size_t i, const char *said)
{
    static const char *const eras[] = {
        "B C", "A D", "B C E", "C E", "antes de Cristo", "después de Cristo"};
    static const char *const begins[] = {"AD", "s.", "siglo", "c."};
    size_t n, at = tb_spell_skip(sp, i);
    uint32_t dash = tb_spell_at(sp, at, &n);
    bool era = false;
    for (size_t k = 0; k < sizeof eras / sizeof *eras; k++)
        era |= strcmp(said, eras[k]) == 0;
    if (!era || (dash != '-' && dash != 0x2013)) return 0;
    size_t next = tb_spell_skip(sp, at + n);
    bool second = tb_spell_digit(sp, next) || roman_at(sp, next);
    for (size_t k = 0; k < sizeof begins / sizeof *begins; k++)
        second |= tb_spell_starts(sp, next, begins[k]);
    if (!second) return 0;
    tb_spell_say(sp, sp->kind == TB_SPELL_ES ? "a" : "to");
    return next;
}

size_t tb_spell_abbreviation(tb_speller *sp, size_t i)
{
    const bool es = sp->kind == TB_SPELL_ES;
    const abbreviation *all = es ? spanish : english;
    const size_t count = es ? sizeof spanish / sizeof *spanish : sizeof english / sizeof *english;
    const abbreviation *best = NULL;
    size_t longest = 0;
    uint32_t before = tb_spell_before(sp, i);
    if (tb_utf8_is_word(before) || before == '\'' || before == 0x2019 || before == '/' ||
        before == '.')
        return 0;
    for (size_t k = 0; k < count; k++) {
        size_t end = match(sp, i, all[k].written);
        if (end <= longest || !fits(sp, i, end, all[k].where, sp->s[end - 1] == '.')) continue;
        longest = end;
        best = &all[k];
    }
    if (!best) {
        size_t n = acronym(sp, i);
        return n || es ? n : initials(sp, i);
    }
    tb_spell_say(sp, best->said);
    if (strcmp(best->said, "versus") == 0) return longest - i; /* both sides are names */
    size_t next = era_range(sp, longest, best->said);
    return (next ? next : behind(sp, longest, best->where)) - i;
}
