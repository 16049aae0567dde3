/*
 * Roman numerals: of rulers ("Henry VIII", "Felipe VI"), of centuries ("siglo XX"), of what is
 * counted ("World War II", "capítulo IV"), and in front of it in Spanish ("II Guerra Mundial").
 */
#include "base/utf8.h"
#include "text/spell_rules_priv.h"

#include <string.h>

/* The numeral at i in its only right form, 1 to 3999; its bytes, 0 none. */
static size_t read_roman(const tb_speller *sp, size_t i, long *value)
{
    static const struct {
        const char *letters;
        int value;
    } parts[] = {{"M", 1000}, {"CM", 900}, {"D", 500}, {"CD", 400}, {"C", 100},
                 {"XC", 90},  {"L", 50},   {"XL", 40}, {"X", 10},   {"IX", 9},
                 {"V", 5},    {"IV", 4},   {"I", 1}};
    size_t at = i;
    *value = 0;
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
        bool repeats = strlen(parts[k].letters) == 1 && parts[k].letters[0] != 'D' &&
                       parts[k].letters[0] != 'L' && parts[k].letters[0] != 'V';
        for (int times = 0; times < (repeats ? 3 : 1); times++) {
            if (!tb_spell_starts(sp, at, parts[k].letters)) break;
            at += strlen(parts[k].letters);
            *value += parts[k].value;
        }
    }
    return at > i && tb_spell_ends(sp, at) ? at - i : 0;
}

static const char rulers_en[] =
    " henry louis elizabeth george charles william edward richard james john paul pius benedict "
    "leo "
    "gregory francis frederick catherine peter alexander nicholas philip ferdinand napoleon ramses "
    "ramesses xerxes darius ptolemy urban innocent clement alfonso carlos felipe juan constantine "
    "otto "
    "wilhelm friedrich umberto victor emmanuel harald olaf christian gustav haakon albert leopold "
    "mary "
    "anne margaret isabella rama mehmed murad selim suleiman ivan boniface sixtus adrian celestine "
    "eugene honorius nicholas callixtus martin julius stephen robert david malcolm kenneth edgar "
    "theodosius justinian amenhotep thutmose seti cleopatra artaxerxes cyrus tiberius basil "
    "michael "
    "manuel thomas joseph maximilian rudolf charlemagne philippe henri joao pedro afonso sancho "
    "alphonse baldwin casimir sigismund vladislaus matthias bela christina beatrix juliana "
    "wilhelmina "
    "harry hussein abdullah mohammed hassan faisal ";
static const char rulers_es[] =
    " felipe alfonso carlos juan pablo pío benedicto francisco enrique luis jorge jacobo guillermo "
    "eduardo ricardo fernando isabel catalina maría margarita cristina napoleón alejandro pedro "
    "nicolás iván federico león gregorio inocencio clemente urbano bonifacio sixto julio adriano "
    "celestino constantino ramsés darío jerjes ptolomeo tolomeo cleopatra ramiro sancho garcía "
    "ordoño "
    "bermudo jaime martín berenguer otón leopoldo alberto balduino haakon olaf gustavo harald "
    "cristián "
    "víctor manuel humberto amadeo josé maximiliano solimán selim mehmed mohamed hassán abdalá "
    "hussein "
    "artajerjes amenofis tutmosis teodosio justiniano basilio miguel esteban eugenio calixto "
    "roberto "
    "david juana blanca leonor urraca ana victoria guillermina juliana beatriz abderramán alhakén "
    "muhammad yusuf boabdil moctezuma felipe_ ";
static const char queens_es[] =
    " isabel catalina maría margarita cristina cleopatra juana blanca leonor urraca ana victoria "
    "guillermina juliana beatriz ";
static const char counted_en[] =
    " vol vols ch sec fig chapters parts volumes books acts scenes sections articles wars types "
    "phases classes stages "
    "levels grades titles units figures tables episodes cantos divisions groups tiers "
    "chapter part volume book act scene section article war type phase class stage level grade "
    "title "
    "unit bowl mark vatican schedule figure table appendix apollo factor episode vol canto "
    "division "
    "group category tier rocky rambo godfather fantasy wars symphony sonata no number elements "
    "revolution series generation corps amendment olympiad quest annex exhibit option plan ";

static bool lone_letter(const tb_speller *sp, size_t i, size_t n)
{
    return n == 1 && strchr("CDLM", sp->s[i]) != NULL;
}

/* Words and initials that look like numerals. */
static bool is_word(const tb_speller *sp, size_t i, size_t n)
{
    static const char *const words[] = {"MIX", "DC",  "CD",  "MD", "MC", "DI",  "LI",
                                        "MM",  "CV",  "CI",  "CC", "DM", "DIM", "LCD",
                                        "MIL", "MCI", "DCI", "CL", "DL", "ML",  "CM",
                                        "XL",  "XXL", "MV",  "DV", "DX", "MI",  "VI_"};
    for (size_t k = 0; k < sizeof words / sizeof *words; k++)
        if (strlen(words[k]) == n && tb_spell_starts(sp, i, words[k])) return true;
    return false;
}

static bool capital_at(const tb_speller *sp, size_t i)
{
    size_t n;
    return tb_spell_capital(tb_spell_at(sp, i, &n));
}

/* All letters of the word at start are capitals: a headline. */
static bool all_capitals(const tb_speller *sp, size_t start, size_t end)
{
    size_t n, count = 0;
    for (size_t i = start; i < end; i += n, count++) {
        uint32_t cp = tb_spell_at(sp, i, &n);
        if (n == 0 || tb_utf8_fold(cp) == cp) return false;
    }
    return count > 1;
}

static size_t behind_of(const tb_speller *sp, size_t i, size_t *start, char *word)
{
    *start = tb_spell_prev_word(sp, i, word);
    if (!*word && i > 2 && sp->s[i - 1] == ' ' && sp->s[i - 2] == '.') { /* cap. IV */
        *start = tb_spell_prev_word(sp, i - 2, word);
        if (!tb_spell_in(word, " cap caps vol vols art arts fig figs ch sec s ss t lib "))
            *word = 0;
    }
    return *start;
}

/* ---- rows: siglos V, VI y X; chapters II and III; Felipe II y III ---- */

/* How a numeral is said; those behind it are said alike. */
typedef enum {
    COUNT,       /* capítulo cuatro */
    CENTURY,     /* Spanish: to ten an ordinal */
    QUEEN,       /* the same in the feminine */
    ORDINAL,     /* English: sixteenth century */
    THE_ORDINAL, /* English: Henry the eighth */
} saying;

static void say_numeral(tb_speller *sp, size_t end, long value, saying way)
{
    sp->roman_end = end;
    sp->roman_way = way;
    if (way == THE_ORDINAL) tb_spell_say(sp, "the");
    if (way == ORDINAL || way == THE_ORDINAL || (way != COUNT && value <= 10))
        tb_spell_say_ordinal(sp, value, way == QUEEN, false);
    else
        tb_spell_say_value(sp, value, TB_ES_ALONE);
}

/* A dash in front of another numeral at i: behind it, 0 none. */
static size_t dash_at(const tb_speller *sp, size_t i, bool spaced)
{
    long value;
    size_t n, at = spaced ? tb_spell_skip(sp, i) : i;
    uint32_t cp = tb_spell_at(sp, at, &n);
    if (cp != '-' && cp != 0x2013 && cp != 0x2014) return 0;
    size_t next = spaced ? tb_spell_skip(sp, at + n) : at + n;
    return (next > at + n) == (at > i) && read_roman(sp, next, &value) ? next : 0;
}

/* Is nothing but "y", "to", commas, an era between the numeral that was said and the one at i? */
static bool goes_on(const tb_speller *sp, size_t i)
{
    enum { GAP = 24 };
    static const char *const joints[] = {"hasta el", "hasta", "el",    "a. C.", "d. C.", "a.C.",
                                         "d.C.",     "y",     "e",     "o",     "u",     "a",
                                         "al",       "and",   "to",    "or",    "BC",    "AD",
                                         "&",        "del",   "siglo", "the"};
    size_t at = sp->roman_end;
    if (at == 0 || at >= i || i - at > GAP) return false;
    while (at < i) {
        size_t before = at;
        if (strchr(" ,", sp->s[at]) && sp->s[at]) at++;
        for (size_t k = 0; at == before && k < sizeof joints / sizeof *joints; k++) {
            size_t n = strlen(joints[k]);
            if (!tb_spell_starts(sp, at, joints[k]) || !tb_spell_ends(sp, at + n)) continue;
            at += n;
        }
        if (at == before) return false;
    }
    return at == i;
}

/* Behind a numeral that was said, the dash of a range: "to" is said. Returns where to go on. */
static size_t range(tb_speller *sp, size_t end)
{
    size_t n, next = dash_at(sp, end, true);
    long value;
    uint32_t dash = tb_spell_at(sp, end, &n);
    bool again = (dash == '-' || dash == 0x2013) && tb_spell_starts(sp, end + n, "s. ") &&
                 read_roman(sp, end + n + 3, &value); /* s. XV-s. XVI */
    if (again) next = end + n;
    if (!next) return end;
    tb_spell_say(sp, sp->kind == TB_SPELL_ES ? "a" : "to");
    sp->roman_end = next;
    return next;
}

/* The numeral at i, of n bytes, when it is one of a row. */
static size_t next_of_row(tb_speller *sp, size_t i, size_t n, long value)
{
    bool joined = sp->roman_end == i; /* behind a dash */
    if (!joined && !goes_on(sp, i)) return 0;
    if (lone_letter(sp, i, n)) return 0;
    if (n == 1 && sp->s[i] == 'I' && sp->kind == TB_SPELL_EN && !joined) return 0;
    say_numeral(sp, i + n, value, (saying)sp->roman_way);
    return n;
}

/* ---- the languages ---- */

static size_t english(tb_speller *sp, size_t i, size_t n, long value)
{
    char word[TB_SPELL_WORD + 1], first[TB_SPELL_WORD + 1], next[TB_SPELL_WORD + 1];
    size_t start, before, second = dash_at(sp, i + n, false);
    long other;
    tb_spell_next_word(sp, second ? second + read_roman(sp, second, &other) : i + n, next);
    if (strcmp(next, "century") == 0 || strcmp(next, "centuries") == 0) {
        say_numeral(sp, i + n, value, ORDINAL);
        return n;
    }
    behind_of(sp, i, &start, word);
    if (!*word) return 0;
    bool counted = tb_spell_in(word, counted_en);
    if (counted && !(lone_letter(sp, i, n) && !capital_at(sp, start))) {
        if (n == 1 && sp->s[i] != 'I' && sp->s[i] != 'V' && sp->s[i] != 'X') return 0;
        say_numeral(sp, i + n, value, COUNT);
        return n;
    }
    if (!capital_at(sp, start) || all_capitals(sp, start, start + strlen(word))) return 0;
    bool ruler = tb_spell_in(word, rulers_en);
    if (!ruler && n > 1) { /* John Smith III */
        behind_of(sp, start, &before, first);
        ruler = tb_spell_in(first, rulers_en) && capital_at(sp, before);
    }
    if (ruler && !lone_letter(sp, i, n)) {
        if (strcmp(word, "malcolm") == 0 && n == 1 && sp->s[i] == 'X') return 0;
        if (n == 1 && sp->s[i] == 'I') { /* "Then Henry I ...": I is more often a person */
            bool goes_on = *next && !capital_at(sp, tb_spell_skip(sp, i + n)) &&
                           !tb_spell_in(next, " of was ruled reigned became died and who ");
            if (goes_on) return 0;
        }
        say_numeral(sp, i + n, value, THE_ORDINAL);
        return n;
    }
    if (n < 2 || value > 50 || is_word(sp, i, n)) return 0;
    tb_spell_say_value(sp, value, TB_ES_ALONE);
    return n;
}

static size_t spanish(tb_speller *sp, size_t i, size_t n, long value)
{
    static const char centuries[] = " siglo siglos s ss ";
    static const char counted[] =
        " cap caps vol vols art arts fig figs t lib capítulos tomos volúmenes libros partes actos "
        "escenas secciones artículos títulos fases "
        "tipos niveles grados anexos tablas figuras guerras unidades temas módulos tema "
        "capítulo tomo volumen libro parte acto escena sección artículo título fase tipo clase "
        "nivel "
        "grado anexo tabla figura cuadro lámina canto guerra mundial unidad módulo bloque etapa "
        "vaticano "
        "apolo episodio temporada grupo categoría apéndice plan bachillerato curso salmo sonata "
        "sinfonía edición versión número núm zona región división liga internacional república ";
    char word[TB_SPELL_WORD + 1], next[TB_SPELL_WORD + 1], first[TB_SPELL_WORD + 1];
    size_t start, before;
    behind_of(sp, i, &start, word);
    tb_spell_next_word(sp, i + n, next);
    bool century = tb_spell_in(word, centuries);
    if (!century && n > 1 && tb_spell_in(word, " del el al ")) { /* finales del XIX */
        behind_of(sp, start, &before, first);
        century = tb_spell_in(first, " finales fines principios mediados inicios comienzos ");
    }
    if (century) {
        say_numeral(sp, i + n, value, CENTURY);
        return n;
    }
    bool capital = *word && capital_at(sp, start);
    /* Carlos I de España y V de Alemania */
    if (strcmp(word, "y") == 0 && strcmp(next, "de") == 0 && value <= 10 &&
        !lone_letter(sp, i, n)) {
        tb_spell_say_ordinal(sp, value, false, false);
        return n;
    }
    if (*word && tb_spell_in(word, counted)) {
        if (lone_letter(sp, i, n)) return 0;
        say_numeral(sp, i + n, value, COUNT);
        return n;
    }
    bool ruler = capital && tb_spell_in(word, rulers_es);
    if (!ruler && n > 1 && capital) {
        behind_of(sp, start, &before, first);
        ruler = tb_spell_in(first, rulers_es) && capital_at(sp, before) &&
                tb_spell_in(word, " pablo manuel josé ");
    }
    if (ruler && !lone_letter(sp, i, n)) {
        say_numeral(sp, i + n, value, tb_spell_in(word, queens_es) ? QUEEN : CENTURY);
        return n;
    }
    /* II Guerra Mundial, XX aniversario */
    size_t at = tb_spell_skip(sp, i + n);
    bool noun = at > i + n && *next &&
                (capital_at(sp, at) ||
                 tb_spell_in(next, " aniversario edición congreso centenario jornadas encuentro "
                                   "concurso festival premio semana cumbre legislatura dinastía "
                                   "milenio siglo república guerra internacional plan foro ciclo "
                                   "certamen copa torneo campeonato feria asamblea conferencia "
                                   "simposio convenio "));
    bool plain = n > 1 && !is_word(sp, i, n) && value <= 100;
    if (noun && (plain || (n == 1 && strchr("IVX", sp->s[i]) && !capital)) &&
        !all_capitals(sp, at, at + strlen(next))) {
        bool feminine = tb_es_is_feminine(next);
        tb_spell_say_ordinal(sp, value, feminine, true);
        return n;
    }
    if (plain && capital && value <= 50) {
        tb_spell_say_value(sp, value, TB_ES_ALONE);
        return n;
    }
    return 0;
}

size_t tb_spell_roman(tb_speller *sp, size_t i)
{
    long value;
    uint32_t before = tb_spell_before(sp, i);
    size_t size;
    if (i >= sp->len || !sp->s[i] || !strchr("IVXLCDM", sp->s[i])) return 0;
    const bool second = sp->roman_end == i && i > 0; /* of a range */
    if (tb_utf8_is_word(before) || before == '.' || before == '\'') return 0;
    if (before == '-' && !second) return 0;
    size_t n = read_roman(sp, i, &value);
    if (!n) return 0;
    uint32_t next = tb_spell_at(sp, i + n, &size);
    bool owner = sp->kind == TB_SPELL_EN && next == '\'' && tb_spell_starts(sp, i + n + 1, "s") &&
                 tb_spell_ends(sp, i + n + 2) && (n > 1 || sp->s[i] == 'V'); /* Henry VIII's */
    if (!owner && (next == '\'' || next == 0x2019 || next == '/' || next == '&')) return 0;
    size_t taken = sp->roman_end ? next_of_row(sp, i, n, value) : 0;
    if (!taken)
        taken = sp->kind == TB_SPELL_ES ? spanish(sp, i, n, value) : english(sp, i, n, value);
    return taken && sp->roman_end == i + n ? range(sp, i + n) - i : taken;
}
