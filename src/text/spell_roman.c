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
    " chapter part volume book act scene section article war type phase class stage level grade "
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
    uint32_t cp = tb_spell_at(sp, i, &n);
    return n && ((cp >= 'A' && cp <= 'Z') || (cp >= 0xC0 && tb_utf8_fold(cp) != cp));
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
    return *start;
}

static size_t english(tb_speller *sp, size_t i, size_t n, long value)
{
    char word[TB_SPELL_WORD + 1], first[TB_SPELL_WORD + 1], next[TB_SPELL_WORD + 1];
    size_t start, before;
    size_t next_end = tb_spell_next_word(sp, i + n, next);
    (void)next_end;
    if (strcmp(next, "century") == 0 || strcmp(next, "centuries") == 0) {
        tb_spell_say_ordinal(sp, value, false, false);
        return n;
    }
    behind_of(sp, i, &start, word);
    if (!*word) return 0;
    bool counted = tb_spell_in(word, counted_en);
    if (counted && !(lone_letter(sp, i, n) && !capital_at(sp, start))) {
        if (n == 1 && sp->s[i] != 'I' && sp->s[i] != 'V' && sp->s[i] != 'X') return 0;
        tb_spell_say_value(sp, value, TB_ES_ALONE);
        return n;
    }
    if (!capital_at(sp, start) || all_capitals(sp, start, start + strlen(word))) return 0;
    bool ruler = tb_spell_in(word, rulers_en);
    if (!ruler && n > 1) { /* John Smith III */
        behind_of(sp, start, &before, first);
        ruler = tb_spell_in(first, rulers_en) && capital_at(sp, before);
    }
    if (ruler && !lone_letter(sp, i, n)) {
        if (n == 1 && sp->s[i] == 'I') { /* "Then Henry I ...": I is more often a person */
            bool goes_on = *next && !capital_at(sp, tb_spell_skip(sp, i + n)) &&
                           !tb_spell_in(next, " of was ruled reigned became died and who ");
            if (goes_on) return 0;
        }
        tb_spell_say(sp, "the");
        tb_spell_say_ordinal(sp, value, false, false);
        return n;
    }
    if (n < 2 || value > 50 || is_word(sp, i, n)) return 0;
    tb_spell_say_value(sp, value, TB_ES_ALONE);
    return n;
}

/* Felipe sexto, Luis catorce; Isabel segunda. */
static void say_ruler_es(tb_speller *sp, long value, bool queen)
{
    if (value <= 10)
        tb_spell_say_ordinal(sp, value, queen, false);
    else
        tb_spell_say_value(sp, value, TB_ES_ALONE);
}

static size_t spanish(tb_speller *sp, size_t i, size_t n, long value)
{
    static const char centuries[] = " siglo siglos s ss ";
    static const char counted[] =
        " capítulo tomo volumen libro parte acto escena sección artículo título fase tipo clase "
        "nivel "
        "grado anexo tabla figura cuadro lámina canto guerra mundial unidad módulo bloque etapa "
        "vaticano "
        "apolo episodio temporada grupo categoría apéndice plan bachillerato curso salmo sonata "
        "sinfonía edición versión número núm zona región división liga internacional república ";
    char word[TB_SPELL_WORD + 1], next[TB_SPELL_WORD + 1], first[TB_SPELL_WORD + 1];
    size_t start, before;
    behind_of(sp, i, &start, word);
    tb_spell_next_word(sp, i + n, next);
    if (i >= 3 && sp->s[i - 1] == ' ' && sp->s[i - 2] == '.' && sp->s[i - 3] == 's')
        behind_of(sp, i - 2, &start, word); /* "s. XX" */
    if (tb_spell_in(word, centuries) ||
        (tb_spell_in(word, " y al o a ") && value >= 3 && value <= 25 && n > 1 && *word &&
         tb_spell_in((behind_of(sp, start, &before, first), first),
                     " i ii iii iv v vi vii viii ix x "
                     "xi xii xiii xiv xv xvi xvii xviii xix xx xxi "))) {
        if (value <= 10)
            tb_spell_say_ordinal(sp, value, false, false);
        else
            tb_spell_say_value(sp, value, TB_ES_ALONE);
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
        tb_spell_say_value(sp, value, TB_ES_ALONE);
        return n;
    }
    bool ruler = capital && tb_spell_in(word, rulers_es);
    if (!ruler && n > 1 && capital) {
        behind_of(sp, start, &before, first);
        ruler = tb_spell_in(first, rulers_es) && capital_at(sp, before) &&
                tb_spell_in(word, " pablo manuel josé ");
    }
    if (ruler && !lone_letter(sp, i, n)) {
        say_ruler_es(sp, value, tb_spell_in(word, queens_es));
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
    if (tb_utf8_is_word(before) || before == '.' || before == '\'' || before == '-') return 0;
    size_t n = read_roman(sp, i, &value);
    if (!n) return 0;
    uint32_t next = tb_spell_at(sp, i + n, &size);
    if (next == '\'' || next == 0x2019 || next == '/' || next == '&') return 0;
    return sp->kind == TB_SPELL_ES ? spanish(sp, i, n, value) : english(sp, i, n, value);
}
