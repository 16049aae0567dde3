#include "text/script.h"

#include "base/mem.h"
#include "base/unicode.h"

#include <stdio.h>
#include <string.h>

static const char *const names[TB_TAG_COUNT] = {
    [TB_TAG_ANGRY] = "angry",
    [TB_TAG_FEAR] = "fear",
    [TB_TAG_SURPRISED] = "surprised",
    [TB_TAG_WHISPERING] = "whispering",
    [TB_TAG_ADVERTISEMENT] = "advertisement",
    [TB_TAG_DRAMATIC] = "dramatic",
    [TB_TAG_NARRATION] = "narration",
    [TB_TAG_CRYING] = "crying",
    [TB_TAG_HAPPY] = "happy",
    [TB_TAG_SARCASTIC] = "sarcastic",
    [TB_TAG_CLEAR_THROAT] = "clear throat",
    [TB_TAG_SIGH] = "sigh",
    [TB_TAG_SHUSH] = "shush",
    [TB_TAG_COUGH] = "cough",
    [TB_TAG_GROAN] = "groan",
    [TB_TAG_SNIFF] = "sniff",
    [TB_TAG_GASP] = "gasp",
    [TB_TAG_CHUCKLE] = "chuckle",
    [TB_TAG_LAUGH] = "laugh",
    [TB_TAG_SAD] = "sad",
};

/* What people write as well, in English and Spanish, without accents and in the order of the
 * tones and sounds. `pausa` is not here: it is a length, not a tag. */
static const struct {
    tb_tag tag;
    const char *words; /* a blank between two, "+" for a blank inside one */
} aliases[] = {
    {TB_TAG_ANGRY, " enfadado enfadada enojado enojada furioso furiosa enfado enojo ira"
                   " anger "},
    {TB_TAG_FEAR, " miedo asustado asustada temeroso temerosa scared afraid fearful "},
    {TB_TAG_SURPRISED, " sorprendido sorprendida sorpresa surprise "},
    {TB_TAG_WHISPERING, " susurro susurros susurrando susurrar susurra whisper whispers"
                        " whispered "},
    {TB_TAG_ADVERTISEMENT, " anuncio publicidad comercial advert "},
    {TB_TAG_DRAMATIC, " dramatico dramatica drama "},
    {TB_TAG_NARRATION, " serio seria narracion narrador narradora narrando serious narrator "},
    {TB_TAG_CRYING, " llorando llorar llora llanto cry cries sobbing "},
    {TB_TAG_HAPPY, " feliz alegre contento contenta alegria happily "},
    {TB_TAG_SARCASTIC, " sarcastico sarcastica sarcasmo ironico ironica sarcasm "},
    {TB_TAG_SAD, " triste tristeza sadly "},
    {TB_TAG_CLEAR_THROAT, " carraspeo carraspea carraspear clears+throat clearing+throat"
                          " throat+clearing aclararse+la+garganta se+aclara+la+garganta "},
    {TB_TAG_SIGH, " suspiro suspira suspirando suspirar sighs sighing sighed "},
    {TB_TAG_SHUSH, " chistar chisteo chiton shh shhh shushes "},
    {TB_TAG_COUGH, " tos tose tosiendo toser coughs coughing "},
    {TB_TAG_GROAN, " quejido quejidos gemido gemidos groans groaning moan moans "},
    {TB_TAG_SNIFF, " olfatear olfatea sorber sorbe sniffs sniffing sniffle sniffles "},
    {TB_TAG_GASP, " jadeo jadeos jadea jadear gasps gasping "},
    {TB_TAG_CHUCKLE, " risita risitas risilla chuckles chuckling giggle giggles giggling "},
    {TB_TAG_LAUGH, " risa risas jaja jajaja broma carcajada carcajadas rie riendo reir"
                   " laughs laughing laughter laughed "},
};

const char *tb_tag_name(tb_tag tag)
{
    return tag >= 0 && tag < TB_TAG_COUNT ? names[tag] : "";
}

tb_tag_kind tb_tag_kind_of(tb_tag tag)
{
    return tag >= TB_TAG_CLEAR_THROAT && tag <= TB_TAG_LAUGH ? TB_TAG_SOUND : TB_TAG_TONE;
}

tb_tag tb_tag_find(const char *name)
{
    enum { LONGEST = 40 };
    tb_tag found = TB_TAG_NONE;
    char *bare = tb_unicode_bare(name), word[LONGEST + 3];
    size_t len = strlen(bare);
    for (int i = 0; i < TB_TAG_COUNT && found == TB_TAG_NONE; i++)
        if (strcmp(bare, names[i]) == 0) found = (tb_tag)i;
    if (found == TB_TAG_NONE && len > 0 && len <= LONGEST && !strchr(bare, '+')) {
        snprintf(word, sizeof word, " %s ", bare);
        for (char *c = word + 1; c < word + len; c++)
            if (*c == ' ') *c = '+';
        for (size_t i = 0; i < sizeof aliases / sizeof *aliases && found == TB_TAG_NONE; i++)
            if (strstr(aliases[i].words, word)) found = aliases[i].tag;
    }
    tb_free(bare);
    return found;
}
