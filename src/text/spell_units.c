/*
 * Units of measure behind a number: a table of symbols with their names, prefixes of the SI,
 * powers (m², m2, m^2) and quotients (km/h, kg/m³).
 */
#include "base/utf8.h"
#include "text/spell_rules_priv.h"

#include <string.h>

enum {
    FEMININE = 1,  /* in Spanish */
    ACCENT = 2,    /* Spanish: the prefix takes the accent, kilómetro */
    LENGTH = 4,    /* "square" stands in front of it; a plain 2 or 3 is a power */
    TIGHT = 8,     /* a letter that is also something else: nothing but a number in front, and no
                      word behind where a blank parts them */
    STOP = 16,     /* a word that is also something else: tight or with a full stop */
    PREFIXED = 32, /* not without a prefix: "5B" */
    LOOSE = 64,    /* without a prefix behind a blank only: "seat 4A" */
};

struct tb_unit {
    const char *symbol, *prefixes;
    const char *en, *en_plural, *es, *es_plural; /* NULL: not in that language */
    int flags;
};

/* clang-format off */
static const tb_unit units[] = {
    {"m", "kcmundh", "meter", "meters", "metro", "metros", ACCENT | LENGTH},
    {"g", "kmun", "gram", "grams", "gramo", "gramos", 0},
    {"gr", "", "gram", "grams", "gramo", "gramos", STOP},
    {"grs", "", NULL, NULL, "gramo", "gramos", 0},
    {"mcg", "", "microgram", "micrograms", "microgramo", "microgramos", 0},
    {"kgs", "", "kilogram", "kilograms", "kilogramo", "kilogramos", 0},
    {"kms", "", NULL, NULL, "kilómetro", "kilómetros", LENGTH},
    {"mts", "", NULL, NULL, "metro", "metros", LENGTH},
    {"cms", "", NULL, NULL, "centímetro", "centímetros", LENGTH},
    {"lts", "", NULL, NULL, "litro", "litros", 0},
    {"hs", "", NULL, NULL, "hora", "horas", FEMININE},
    {"pb", "", NULL, NULL, "punto básico", "puntos básicos", 0},
    {"kts", "", "knot", "knots", "nudo", "nudos", 0},
    {"kilos", "", NULL, NULL, "kilo", "kilos", 0},
    {"t", "kM", "ton", "tons", "tonelada", "toneladas", FEMININE | TIGHT},
    {"l", "mcdhu", "liter", "liters", "litro", "litros", 0},
    {"L", "mcdhu", "liter", "liters", "litro", "litros", TIGHT},
    {"s", "munp", "second", "seconds", "segundo", "segundos", 0},
    {"seg", "", NULL, NULL, "segundo", "segundos", 0},
    {"sec", "", "second", "seconds", NULL, NULL, 0},
    {"secs", "", "second", "seconds", NULL, NULL, 0},
    {"min", "", "minute", "minutes", "minuto", "minutos", 0},
    {"mins", "", "minute", "minutes", NULL, NULL, 0},
    {"h", "", "hour", "hours", "hora", "horas", FEMININE},
    {"hr", "", "hour", "hours", NULL, NULL, 0},
    {"hrs", "", "hour", "hours", "hora", "horas", FEMININE},
    {"yr", "", "year", "years", NULL, NULL, 0},
    {"yrs", "", "year", "years", NULL, NULL, 0},
    {"mo", "", "month", "months", NULL, NULL, STOP},
    {"mos", "", "month", "months", NULL, NULL, STOP},
    {"wk", "", "week", "weeks", NULL, NULL, 0},
    {"wks", "", "week", "weeks", NULL, NULL, 0},
    {"Hz", "kKMGT", "hertz", "hertz", "hercio", "hercios", 0},
    {"W", "kMGTmu", "watt", "watts", "vatio", "vatios", TIGHT},
    {"Wh", "kMGTm", "watt hour", "watt hours", "vatio hora", "vatios hora", 0},
    {"V", "kMmu", "volt", "volts", "voltio", "voltios", TIGHT},
    {"A", "kmun", "ampere", "amperes", "amperio", "amperios", TIGHT | LOOSE},
    {"Ah", "m", "ampere hour", "ampere hours", "amperio hora", "amperios hora", 0},
    {"J", "kMG", "joule", "joules", "julio", "julios", TIGHT | LOOSE},
    {"N", "kM", "newton", "newtons", "newton", "newtons", TIGHT | LOOSE},
    {"Nm", "", "newton meter", "newton meters", "newton metro", "newton metros", 0},
    {"Pa", "khMG", "pascal", "pascals", "pascal", "pascales", 0},
    {"bar", "m", "bar", "bars", "bar", "bares", 0},
    {"atm", "", "atmosphere", "atmospheres", "atmósfera", "atmósferas", FEMININE},
    {"mmHg", "", "millimeter of mercury", "millimeters of mercury", "milímetro de mercurio", "milímetros de mercurio", 0},
    {"psi", "", "pound per square inch", "pounds per square inch", NULL, NULL, 0},
    {"cal", "k", "calorie", "calories", "caloría", "calorías", FEMININE},
    {"eV", "kMGTm", "electronvolt", "electronvolts", "electronvoltio", "electronvoltios", 0},
    {"\xCE\xA9", "kMGm", "ohm", "ohms", "ohmio", "ohmios", 0},
    {"\xE2\x84\xA6", "kMGm", "ohm", "ohms", "ohmio", "ohmios", 0},
    {"F", "munp", "farad", "farads", "faradio", "faradios", PREFIXED},
    {"mol", "mun", "mole", "moles", "mol", "moles", 0},
    {"Sv", "mu", "sievert", "sieverts", "sievert", "sieverts", 0},
    {"Bq", "kMG", "becquerel", "becquerels", "becquerelio", "becquerelios", 0},
    {"dB", "", "decibel", "decibels", "decibelio", "decibelios", 0},
    {"dBm", "", "D B M", "D B M", "de be eme", "de be eme", 0},
    {"lm", "", "lumen", "lumens", "lumen", "lúmenes", 0},
    {"lx", "k", "lux", "lux", "lux", "lux", 0},
    {"B", "kKMGTP", "byte", "bytes", "byte", "bytes", PREFIXED},
    {"iB", "KMGT", "bibyte", "bibytes", "bibyte", "bibytes", PREFIXED},
    {"bit", "kMGT", "bit", "bits", "bit", "bits", 0},
    {"b", "kMGT", "bit", "bits", "bit", "bits", PREFIXED},
    {"bps", "kKMGT", "bit per second", "bits per second", "bit por segundo", "bits por segundo", 0},
    {"px", "", "pixel", "pixels", "píxel", "píxeles", 0},
    {"MP", "", "megapixel", "megapixels", "megapíxel", "megapíxeles", 0},
    {"Mpx", "", "megapixel", "megapixels", "megapíxel", "megapíxeles", 0},
    {"dpi", "", "dots per inch", "dots per inch", "puntos por pulgada", "puntos por pulgada", 0},
    {"fps", "", "frame per second", "frames per second", "fotograma por segundo", "fotogramas por segundo", 0},
    {"rpm", "", "revolution per minute", "revolutions per minute", "revolución por minuto", "revoluciones por minuto", FEMININE},
    {"bpm", "", "beat per minute", "beats per minute", "latido por minuto", "latidos por minuto", 0},
    {"lpm", "", NULL, NULL, "latido por minuto", "latidos por minuto", 0},
    {"ppm", "", "part per million", "parts per million", "parte por millón", "partes por millón", FEMININE},
    {"ppb", "", "part per billion", "parts per billion", "parte por mil millones", "partes por mil millones", FEMININE},
    {"mph", "", "mile per hour", "miles per hour", "milla por hora", "millas por hora", FEMININE},
    {"mpg", "", "mile per gallon", "miles per gallon", NULL, NULL, 0},
    {"kph", "", "kilometer per hour", "kilometers per hour", NULL, NULL, 0},
    {"kmh", "", "kilometer per hour", "kilometers per hour", "kilómetro por hora", "kilómetros por hora", 0},
    {"hp", "", "horsepower", "horsepower", "caballo de fuerza", "caballos de fuerza", 0},
    {"HP", "", "horsepower", "horsepower", "caballo de fuerza", "caballos de fuerza", 0},
    {"CV", "", NULL, NULL, "caballo de vapor", "caballos de vapor", TIGHT},
    {"ha", "", "hectare", "hectares", "hectárea", "hectáreas", FEMININE},
    {"in", "", "inch", "inches", "pulgada", "pulgadas", FEMININE | LENGTH | STOP},
    {"ft", "", "foot", "feet", "pie", "pies", LENGTH},
    {"pulg", "", NULL, NULL, "pulgada", "pulgadas", FEMININE | LENGTH},
    {"pulgs", "", NULL, NULL, "pulgada", "pulgadas", FEMININE | LENGTH},
    {"yd", "", "yard", "yards", "yarda", "yardas", FEMININE | LENGTH},
    {"yds", "", "yard", "yards", "yarda", "yardas", FEMININE | LENGTH},
    {"mi", "", "mile", "miles", NULL, NULL, LENGTH},
    {"nmi", "", "nautical mile", "nautical miles", "milla náutica", "millas náuticas", FEMININE},
    {"lb", "", "pound", "pounds", "libra", "libras", FEMININE},
    {"lbs", "", "pound", "pounds", "libra", "libras", FEMININE},
    {"oz", "", "ounce", "ounces", "onza", "onzas", FEMININE},
    {"fl oz", "", "fluid ounce", "fluid ounces", "onza líquida", "onzas líquidas", FEMININE},
    {"fl. oz", "", "fluid ounce", "fluid ounces", "onza líquida", "onzas líquidas", FEMININE},
    {"gal", "", "gallon", "gallons", "galón", "galones", 0},
    {"qt", "", "quart", "quarts", NULL, NULL, 0},
    {"qts", "", "quart", "quarts", NULL, NULL, 0},
    {"pt", "", "point", "points", "punto", "puntos", TIGHT},
    {"pts", "", "point", "points", "punto", "puntos", 0},
    {"tsp", "", "teaspoon", "teaspoons", NULL, NULL, 0},
    {"tbsp", "", "tablespoon", "tablespoons", NULL, NULL, 0},
    {"Tbsp", "", "tablespoon", "tablespoons", NULL, NULL, 0},
    {"cda", "", NULL, NULL, "cucharada", "cucharadas", FEMININE},
    {"cdas", "", NULL, NULL, "cucharada", "cucharadas", FEMININE},
    {"cdta", "", NULL, NULL, "cucharadita", "cucharaditas", FEMININE},
    {"cdtas", "", NULL, NULL, "cucharadita", "cucharaditas", FEMININE},
    {"hab", "", NULL, NULL, "habitante", "habitantes", 0},
    {"sq ft", "", "square foot", "square feet", NULL, NULL, 0},
    {"sq. ft", "", "square foot", "square feet", NULL, NULL, 0},
    {"sqft", "", "square foot", "square feet", NULL, NULL, 0},
    {"sq mi", "", "square mile", "square miles", NULL, NULL, 0},
    {"sq. mi", "", "square mile", "square miles", NULL, NULL, 0},
    {"sq m", "", "square meter", "square meters", NULL, NULL, 0},
    {"sq km", "", "square kilometer", "square kilometers", NULL, NULL, 0},
    {"sq in", "", "square inch", "square inches", NULL, NULL, 0},
    {"cu ft", "", "cubic foot", "cubic feet", NULL, NULL, 0},
    {"cc", "", "C C", "C C", "centímetro cúbico", "centímetros cúbicos", 0},
};

static const struct {
    const char *symbol;
    char key;
    const char *en, *es, *es_accent;
} prefixes[] = {
    {"k", 'k', "kilo", "kilo", "kiló"},       {"K", 'K', "kilo", "kilo", "kiló"},
    {"M", 'M', "mega", "mega", "megá"},       {"G", 'G', "giga", "giga", "gigá"},
    {"T", 'T', "tera", "tera", "terá"},       {"P", 'P', "peta", "peta", "petá"},
    {"h", 'h', "hecto", "hecto", "hectó"},    {"d", 'd', "deci", "deci", "decí"},
    {"c", 'c', "centi", "centi", "centí"},    {"m", 'm', "milli", "mili", "milí"},
    {"\xC2\xB5", 'u', "micro", "micro", "micró"}, {"\xCE\xBC", 'u', "micro", "micro", "micró"},
    {"u", 'u', "micro", "micro", "micró"},    {"n", 'n', "nano", "nano", "nanó"},
    {"p", 'p', "pico", "pico", "picó"},
};
/* clang-format on */

static const char *name_of(const tb_speller *sp, const tb_unit *u, bool one)
{
    if (sp->kind == TB_SPELL_ES) return one ? u->es : u->es_plural;
    return one ? u->en : u->en_plural;
}

/* The power behind a symbol at i: ², ³, ^2, and of lengths a plain 2 or 3; 1 none. */
static int power_at(const tb_speller *sp, size_t i, bool length, size_t *end)
{
    *end = i;
    if (tb_spell_starts(sp, i, "\xC2\xB2") || tb_spell_starts(sp, i, "\xC2\xB3")) {
        *end = i + 2;
        return (unsigned char)sp->s[i + 1] == 0xB2 ? 2 : 3;
    }
    size_t at = i < sp->len && sp->s[i] == '^' ? i + 1 : i;
    if ((length || at > i) && at < sp->len && (sp->s[at] == '2' || sp->s[at] == '3') &&
        tb_spell_ends(sp, at + 1)) {
        *end = at + 1;
        return sp->s[at] - '0';
    }
    return 1;
}

/* The longest symbol, with its prefix and power, that the text has at i. */
static size_t read_part(const tb_speller *sp, size_t i, tb_spell_unit *out, const tb_unit **which)
{
    size_t best = 0, n;
    uint32_t cp = tb_spell_at(sp, i, &n);
    if (!tb_spell_letter(cp) && cp != 0x2126) return 0;
    for (size_t k = 0; k < sizeof units / sizeof *units; k++) {
        const tb_unit *u = &units[k];
        if (!name_of(sp, u, true)) continue;
        if (!*u->prefixes && *u->symbol != sp->s[i]) continue;
        for (int p = -1; p < (int)(sizeof prefixes / sizeof *prefixes); p++) {
            size_t at = i, end;
            if (p >= 0) {
                if (sp->s[i] != *prefixes[p].symbol || !strchr(u->prefixes, prefixes[p].key))
                    continue;
                if (!tb_spell_starts(sp, i, prefixes[p].symbol)) continue;
                at += strlen(prefixes[p].symbol);
            }
            if (!tb_spell_starts(sp, at, u->symbol)) continue;
            at += strlen(u->symbol);
            int power = power_at(sp, at, u->flags & LENGTH, &end);
            if (!tb_spell_ends(sp, end) || end - i <= best) continue;
            best = end - i;
            *which = u;
            out->part[out->n].unit = u;
            out->part[out->n].en_prefix = p >= 0 ? prefixes[p].en : "";
            out->part[out->n].es_prefix = p < 0               ? ""
                                          : u->flags & ACCENT ? prefixes[p].es_accent
                                                              : prefixes[p].es;
            out->part[out->n].power = power;
            out->part[out->n].per = false;
        }
    }
    return best ? i + best : 0;
}

/* Nothing follows in this clause. */
static bool closes(const tb_speller *sp, size_t i)
{
    return i >= sp->len || (sp->s[i] && strchr("\n,;)", sp->s[i]) != NULL);
}

/* "5 A" may be amperes; "5 A students" are not, nor is "100 W Main Street". */
static bool doubtful(const tb_speller *sp, size_t end, bool apart, const tb_unit *u)
{
    size_t n;
    if (u->flags & PREFIXED) return true;
    if (!apart) return u->flags & LOOSE;
    bool stop = end < sp->len && sp->s[end] == '.';
    if (u->flags & STOP) return !stop && !closes(sp, end);
    if (!(u->flags & TIGHT)) return false;
    size_t next = tb_spell_skip(sp, end);
    return next > end && tb_spell_letter(tb_spell_at(sp, next, &n));
}

/* A '/' or a dot between units at i: its length, 0 none. */
static size_t operator_at(const tb_speller *sp, size_t i, bool *per)
{
    *per = i < sp->len && sp->s[i] == '/';
    if (*per) return 1;
    if (tb_spell_starts(sp, i, "\xC2\xB7")) return 2;
    if (tb_spell_starts(sp, i, "\xE2\x8B\x85")) return 3;
    return 0;
}

/* 12' and 24": feet, inches and what else a prime stands for. */
static size_t read_prime(const tb_speller *sp, size_t i, tb_spell_unit *out)
{
    size_t end;
    const char *symbol = tb_spell_prime_unit(sp, i, &end);
    for (size_t k = 0; symbol && k < sizeof units / sizeof *units; k++) {
        if (strcmp(units[k].symbol, symbol) != 0) continue;
        out->part[0].unit = &units[k];
        out->part[0].en_prefix = out->part[0].es_prefix = "";
        out->part[0].power = 1;
        out->feminine = units[k].flags & FEMININE;
        out->n = 1;
        return tb_spell_stop(sp, end);
    }
    return 0;
}

size_t tb_spell_read_unit(const tb_speller *sp, size_t i, bool apart, tb_spell_unit *out)
{
    const tb_unit *u = NULL;
    *out = (tb_spell_unit){0};
    if (i < sp->len && strchr("'\"\xE2", sp->s[i]) && !apart) {
        size_t behind = read_prime(sp, i, out);
        if (behind) return behind;
    }
    size_t end = read_part(sp, i, out, &u);
    if (!end) return 0;
    size_t size;
    if (end + 1 < sp->len && sp->s[end] == '.' && tb_spell_letter(tb_spell_at(sp, end + 1, &size)))
        return 0; /* 1519 A.D. */
    bool per, plain = out->part[0].power == 1 && !*out->part[0].en_prefix;
    if (plain && !operator_at(sp, end, &per) && doubtful(sp, end, apart, u)) return 0;
    out->feminine = u->flags & FEMININE;
    out->n = 1;
    while (out->n < TB_SPELL_PARTS) {
        size_t skip = operator_at(sp, end, &per);
        size_t next = skip ? read_part(sp, end + skip, out, &u) : 0;
        if (!next) break;
        out->part[out->n++].per = per;
        end = next;
    }
    return tb_spell_stop(sp, end);
}

static void add_power(char *name, size_t size, const tb_speller *sp, int power, bool one)
{
    static const char *const es[2][2] = {{" cuadrado", " cuadrados"}, {" cúbico", " cúbicos"}};
    size_t n = strlen(name);
    const char *word =
        sp->kind == TB_SPELL_ES ? es[power - 2][!one] : (power == 2 ? " squared" : " cubed");
    if (n + strlen(word) < size) strcpy(name + n, word);
}

void tb_spell_say_unit(tb_speller *sp, const tb_spell_unit *unit, bool one)
{
    const bool es = sp->kind == TB_SPELL_ES;
    for (size_t i = 0; i < unit->n; i++) {
        char name[96];
        const tb_unit *u = unit->part[i].unit;
        /* kilogramos metro, but newton meters; nothing is plural behind "per" */
        bool last = i + 1 == unit->n || unit->part[i + 1].per;
        bool single = one || unit->part[i].per || (es ? i > 0 : !last);
        int power = unit->part[i].power;
        const char *prefix = es ? unit->part[i].es_prefix : unit->part[i].en_prefix;
        const char *square = "";
        if (power > 1 && !es && (u->flags & LENGTH)) square = power == 2 ? "square " : "cubic ";
        tb_str s;
        tb_str_init(&s, sizeof name - 1);
        tb_str_printf(&s, "%s%s%s", square, prefix, name_of(sp, u, single));
        strcpy(name, s.data ? s.data : "");
        tb_str_clear(&s);
        if (power > 1 && !*square) {
            if (es && (u->flags & FEMININE)) {
                size_t n = strlen(name);
                const char *word = power == 2 ? " cuadrada" : " cúbica";
                if (n + strlen(word) + 1 < sizeof name) {
                    strcpy(name + n, word);
                    if (!single) strcat(name, "s");
                }
            } else if (es && !(u->flags & LENGTH)) {
                size_t n = strlen(name);
                const char *word = power == 2 ? " al cuadrado" : " al cubo";
                if (n + strlen(word) < sizeof name) strcpy(name + n, word);
            } else {
                add_power(name, sizeof name, sp, power, single);
            }
        }
        if (unit->part[i].per) tb_spell_say(sp, es ? "por" : "per");
        tb_spell_say(sp, name);
    }
}

bool tb_spell_is_length(const tb_spell_unit *unit)
{
    return unit->part[0].unit->flags & LENGTH;
}

const char *tb_spell_unit_article(const tb_spell_unit *unit)
{
    const char *name = *unit->part[0].en_prefix ? unit->part[0].en_prefix : unit->part[0].unit->en;
    return strchr("aeiou", name[0]) || strcmp(name, "hour") == 0 ? "an" : "a";
}

/* A unit that no number stands in front of: "per m²", "in km/h". Only what is nothing else. */
size_t tb_spell_bare_unit(tb_speller *sp, size_t i)
{
    char word[TB_SPELL_WORD + 1];
    tb_spell_unit unit;
    const bool es = sp->kind == TB_SPELL_ES;
    uint32_t before = tb_spell_before(sp, i);
    if (tb_utf8_is_word(before) || before == '.' || before == '\'' || before == '-') return 0;
    size_t end = tb_spell_read_unit(sp, i, false, &unit);
    if (!end) return 0;
    /* "h/s" may be something else, "km/h" is not: a prefix or a power says so. */
    const tb_spell_unit *u = &unit;
    bool sure = false;
    for (size_t k = 0; k < u->n; k++)
        sure |= u->part[k].power > 1 || *u->part[k].en_prefix;
    bool quotient = u->n >= 2 && u->part[1].per && (sure || tb_spell_starts(sp, i, "m/s"));
    bool power = u->n == 1 && u->part[0].power > 1 && tb_spell_is_length(u) &&
                 (unsigned char)sp->s[end - 1] >= 0x80;
    tb_spell_prev_word(sp, i, word);
    if (!quotient && !power) { /* medio kg, per GB */
        static const char known[] =
            " kg km cm mm ml cl kcal kw kwh mw gb mb tb kb mg mhz ghz khz lb oz ";
        char symbol[TB_SPELL_WORD + 1];
        tb_spell_next_word(sp, i, symbol);
        if (u->n > 1 || !tb_spell_in(symbol, known) ||
            !tb_spell_in(word,
                         es ? " medio media un por cada el al " : " half per a each every the "))
            return 0;
        tb_spell_say_unit(sp, u, true);
        return end - i;
    }
    bool one = es ? strcmp(word, "de") != 0 && power : tb_spell_in(word, " per a one each every ");
    tb_spell_say_unit(sp, u, one || before == '/');
    return end - i;
}
