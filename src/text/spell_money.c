/*
 * Money: signs and ISO codes of currencies, their names, and amounts with their hundredths.
 */
#include "text/spell_rules_priv.h"

#include <string.h>

/* clang-format off */
static const tb_currency currencies[] = {
    {"\xE2\x82\xAC", "EUR", "euro", "euros", "cent", "cents", "euro", "euros", "céntimo", "céntimos", false, false},
    {"$", "USD", "dollar", "dollars", "cent", "cents", "dólar", "dólares", "centavo", "centavos", false, false},
    {"US$", NULL, "U S dollar", "U S dollars", "cent", "cents", "dólar estadounidense", "dólares estadounidenses", "centavo", "centavos", false, false},
    {"US $", NULL, "U S dollar", "U S dollars", "cent", "cents", "dólar estadounidense", "dólares estadounidenses", "centavo", "centavos", false, false},
    {"A$", "AUD", "Australian dollar", "Australian dollars", "cent", "cents", "dólar australiano", "dólares australianos", "centavo", "centavos", false, false},
    {"AU$", NULL, "Australian dollar", "Australian dollars", "cent", "cents", "dólar australiano", "dólares australianos", "centavo", "centavos", false, false},
    {"C$", "CAD", "Canadian dollar", "Canadian dollars", "cent", "cents", "dólar canadiense", "dólares canadienses", "centavo", "centavos", false, false},
    {"CA$", NULL, "Canadian dollar", "Canadian dollars", "cent", "cents", "dólar canadiense", "dólares canadienses", "centavo", "centavos", false, false},
    {"NZ$", "NZD", "New Zealand dollar", "New Zealand dollars", "cent", "cents", "dólar neozelandés", "dólares neozelandeses", "centavo", "centavos", false, false},
    {"HK$", "HKD", "Hong Kong dollar", "Hong Kong dollars", "cent", "cents", "dólar de Hong Kong", "dólares de Hong Kong", "centavo", "centavos", false, false},
    {"S$", "SGD", "Singapore dollar", "Singapore dollars", "cent", "cents", "dólar de Singapur", "dólares de Singapur", "centavo", "centavos", false, false},
    {"R$", "BRL", "real", "reais", "centavo", "centavos", "real", "reales", "centavo", "centavos", false, false},
    {"MX$", "MXN", "Mexican peso", "Mexican pesos", "centavo", "centavos", "peso mexicano", "pesos mexicanos", "centavo", "centavos", false, false},
    {NULL, "ARS", "Argentine peso", "Argentine pesos", "centavo", "centavos", "peso argentino", "pesos argentinos", "centavo", "centavos", false, false},
    {NULL, "CLP", "Chilean peso", "Chilean pesos", "centavo", "centavos", "peso chileno", "pesos chilenos", "centavo", "centavos", false, false},
    {NULL, "COP", "Colombian peso", "Colombian pesos", "centavo", "centavos", "peso colombiano", "pesos colombianos", "centavo", "centavos", false, false},
    {NULL, "UYU", "Uruguayan peso", "Uruguayan pesos", "centesimo", "centesimos", "peso uruguayo", "pesos uruguayos", "centésimo", "centésimos", false, false},
    {"S/", "PEN", "sol", "soles", "centimo", "centimos", "sol", "soles", "céntimo", "céntimos", false, false},
    {NULL, "GTQ", "quetzal", "quetzales", "centavo", "centavos", "quetzal", "quetzales", "centavo", "centavos", false, false},
    {NULL, "DOP", "Dominican peso", "Dominican pesos", "centavo", "centavos", "peso dominicano", "pesos dominicanos", "centavo", "centavos", false, false},
    {NULL, "BOB", "boliviano", "bolivianos", "centavo", "centavos", "boliviano", "bolivianos", "centavo", "centavos", false, false},
    {NULL, "VES", "bolivar", "bolivars", "centimo", "centimos", "bolívar", "bolívares", "céntimo", "céntimos", false, false},
    {"\xC2\xA3", "GBP", "pound", "pounds", "penny", "pence", "libra", "libras", "penique", "peniques", true, false},
    {"\xC2\xA5", "JPY", "yen", "yen", NULL, NULL, "yen", "yenes", NULL, NULL, false, false},
    {"\xEF\xBF\xA5", NULL, "yen", "yen", NULL, NULL, "yen", "yenes", NULL, NULL, false, false},
    {"CN\xC2\xA5", "CNY", "yuan", "yuan", NULL, NULL, "yuan", "yuanes", NULL, NULL, false, false},
    {NULL, "RMB", "yuan", "yuan", NULL, NULL, "yuan", "yuanes", NULL, NULL, false, false},
    {"\xE2\x82\xB9", "INR", "rupee", "rupees", "paisa", "paise", "rupia", "rupias", "paisa", "paisas", true, false},
    {"\xE2\x82\xA8", NULL, "rupee", "rupees", "paisa", "paise", "rupia", "rupias", "paisa", "paisas", true, false},
    {"\xE2\x82\xBD", "RUB", "ruble", "rubles", "kopek", "kopeks", "rublo", "rublos", "kopek", "kopeks", false, false},
    {"\xE2\x82\xA9", "KRW", "won", "won", NULL, NULL, "won", "wones", NULL, NULL, false, false},
    {"\xE2\x82\xBF", "BTC", "bitcoin", "bitcoins", NULL, NULL, "bitcóin", "bitcoines", NULL, NULL, false, false},
    {NULL, "ETH", "ether", "ether", NULL, NULL, "éter", "éteres", NULL, NULL, false, false},
    {"\xE2\x82\xAA", "ILS", "shekel", "shekels", "agora", "agorot", "séquel", "séqueles", NULL, NULL, false, false},
    {"\xE2\x82\xBA", "TRY", "lira", "liras", "kurush", "kurush", "lira", "liras", NULL, NULL, true, false},
    {"\xE2\x82\xA4", NULL, "lira", "liras", NULL, NULL, "lira", "liras", NULL, NULL, true, false},
    {"\xE2\x82\xB4", "UAH", "hryvnia", "hryvnias", "kopiyka", "kopiykas", "grivna", "grivnas", NULL, NULL, true, false},
    {"\xE2\x82\xAB", "VND", "dong", "dong", NULL, NULL, "dong", "dongs", NULL, NULL, false, false},
    {"\xE2\x82\xB1", "PHP", "peso", "pesos", "centavo", "centavos", "peso", "pesos", "centavo", "centavos", false, false},
    {"\xE2\x82\xA6", "NGN", "naira", "naira", "kobo", "kobo", "naira", "nairas", NULL, NULL, true, false},
    {"\xE2\x82\xB5", "GHS", "cedi", "cedis", "pesewa", "pesewas", "cedi", "cedis", NULL, NULL, false, false},
    {"\xE0\xB8\xBF", "THB", "baht", "baht", "satang", "satang", "baht", "bahts", NULL, NULL, false, false},
    {"\xE2\x82\xA1", "CRC", "colon", "colones", "centimo", "centimos", "colón", "colones", "céntimo", "céntimos", false, false},
    {"\xE2\x82\xB2", "PYG", "guarani", "guaranies", NULL, NULL, "guaraní", "guaraníes", NULL, NULL, false, false},
    {"\xE2\x82\xB8", "KZT", "tenge", "tenge", NULL, NULL, "tenge", "tenges", NULL, NULL, false, false},
    {"\xE2\x82\xBC", "AZN", "manat", "manats", NULL, NULL, "manat", "manats", NULL, NULL, false, false},
    {"\xE2\x82\xBE", "GEL", "lari", "lari", "tetri", "tetri", "lari", "laris", NULL, NULL, false, false},
    {"\xE2\x82\xAD", "LAK", "kip", "kip", NULL, NULL, "kip", "kips", NULL, NULL, false, false},
    {"\xE2\x82\xAE", "MNT", "tugrik", "tugriks", NULL, NULL, "tugrik", "tugriks", NULL, NULL, false, false},
    {NULL, "CHF", "Swiss franc", "Swiss francs", "centime", "centimes", "franco suizo", "francos suizos", "céntimo", "céntimos", false, false},
    {NULL, "SEK", "Swedish krona", "Swedish kronor", NULL, NULL, "corona sueca", "coronas suecas", NULL, NULL, true, false},
    {NULL, "NOK", "Norwegian krone", "Norwegian kroner", NULL, NULL, "corona noruega", "coronas noruegas", NULL, NULL, true, false},
    {NULL, "DKK", "Danish krone", "Danish kroner", NULL, NULL, "corona danesa", "coronas danesas", NULL, NULL, true, false},
    {NULL, "CZK", "Czech koruna", "Czech korunas", NULL, NULL, "corona checa", "coronas checas", NULL, NULL, true, false},
    {"z\xC5\x82", "PLN", "zloty", "zlotys", "grosz", "groszy", "esloti", "eslotis", NULL, NULL, false, false},
    {NULL, "HUF", "forint", "forints", NULL, NULL, "forinto", "forintos", NULL, NULL, false, false},
    {NULL, "RON", "leu", "lei", NULL, NULL, "leu", "leus", NULL, NULL, false, false},
    {NULL, "ZAR", "rand", "rand", "cent", "cents", "rand", "rands", NULL, NULL, false, false},
    {NULL, "AED", "dirham", "dirhams", NULL, NULL, "dírham", "dírhams", NULL, NULL, false, false},
    {NULL, "SAR", "riyal", "riyals", NULL, NULL, "riyal", "riyales", NULL, NULL, false, false},
    {NULL, "EGP", "Egyptian pound", "Egyptian pounds", NULL, NULL, "libra egipcia", "libras egipcias", NULL, NULL, true, false},
    {NULL, "KES", "Kenyan shilling", "Kenyan shillings", NULL, NULL, "chelín keniano", "chelines kenianos", NULL, NULL, false, false},
    {NULL, "IDR", "rupiah", "rupiah", NULL, NULL, "rupia indonesia", "rupias indonesias", NULL, NULL, true, false},
    {NULL, "MYR", "ringgit", "ringgit", "sen", "sen", "ringgit", "ringgits", NULL, NULL, false, false},
    {"\xC2\xA2", NULL, "cent", "cents", NULL, NULL, "centavo", "centavos", NULL, NULL, false, false},
    {"\xC2\xA4", NULL, "currency unit", "currency units", NULL, NULL, "unidad monetaria", "unidades monetarias", NULL, NULL, true, false},
};
/* clang-format on */

const tb_currency *tb_spell_currency(const tb_speller *sp, size_t i, size_t *end)
{
    const tb_currency *best = NULL;
    size_t longest = 0;
    uint32_t before = tb_spell_before(sp, i);
    size_t n;
    bool after_word = tb_spell_letter(before);
    for (size_t k = 0; k < sizeof currencies / sizeof *currencies; k++) {
        const tb_currency *c = &currencies[k];
        const char *both[2] = {c->sign, c->code};
        for (int which = 0; which < 2; which++) {
            const char *s = both[which];
            if (!s || i >= sp->len || *s != sp->s[i]) continue;
            size_t len = strlen(s);
            if (len <= longest || !tb_spell_starts(sp, i, s)) continue;
            bool letters = tb_spell_letter(tb_spell_at(sp, i, &n)); /* US$, EUR */
            if (letters && after_word) continue;
            bool ends_in_letter = tb_spell_letter(tb_spell_before(sp, i + len));
            if (ends_in_letter && tb_spell_letter(tb_spell_at(sp, i + len, &n))) continue;
            best = c;
            longest = len;
        }
    }
    *end = i + longest;
    return best;
}

/* Two digits behind the point, of a currency with hundredths. */
static int hundredths(const tb_speller *sp, const tb_spell_number *n)
{
    if (!n->point || n->n_fraction != 2) return -1;
    return (sp->s[n->fraction] - '0') * 10 + (sp->s[n->fraction + 1] - '0');
}

static bool is_zero(const tb_spell_number *n)
{
    return strspn(n->digits, "0") == n->n;
}

static void say_cents(tb_speller *sp, const tb_currency *c, int cents)
{
    const bool es = sp->kind == TB_SPELL_ES;
    tb_spell_say_value(sp, cents, TB_ES_MASCULINE);
    if (es)
        tb_spell_say(sp, cents == 1 ? c->es_cent : c->es_cents);
    else
        tb_spell_say(sp, cents == 1 ? c->en_cent : c->en_cents);
}

void tb_spell_say_money(tb_speller *sp, const tb_currency *c, const tb_spell_number *n,
                        const char *scale, bool adjective)
{
    const bool es = sp->kind == TB_SPELL_ES;
    const tb_es_form form = es && c->feminine && !scale ? TB_ES_FEMININE : TB_ES_MASCULINE;
    int cents = scale || !(es ? c->es_cent : c->en_cent) ? -1 : hundredths(sp, n);
    bool one = tb_spell_is_one(n) && !scale;
    if (cents >= 0) {
        tb_spell_number whole = *n;
        whole.point = 0;
        whole.n_fraction = 0;
        one = tb_spell_is_one(&whole);
        if (is_zero(n) && cents > 0) {
            say_cents(sp, c, cents);
            return;
        }
        tb_spell_say_number(sp, &whole, form);
    } else {
        tb_spell_say_number(sp, n, form);
    }
    if (scale) tb_spell_say(sp, scale);
    /* un millón de euros, dos mil euros */
    size_t zeros = n->n > 6 && !n->point ? strspn(n->digits + n->n - 6, "0") : 0;
    if (es && ((scale && strstr(scale, "llon")) || (scale && strstr(scale, "llón")) || zeros == 6))
        tb_spell_say(sp, "de");
    if (es)
        tb_spell_say(sp, one ? c->es : c->es_plural);
    else
        tb_spell_say(sp, one || adjective ? c->en : c->en_plural);
    if (cents <= 0) return;
    tb_spell_say(sp, es ? "con" : "and");
    say_cents(sp, c, cents);
}
