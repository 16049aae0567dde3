#include "text/script.h"

#include "base/mem.h"
#include "base/str.h"

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

/* The words that the service's first users write. `pausa` is not here: it is a length, not a tag.
 */
static const struct {
    const char *name;
    tb_tag tag;
} aliases[] = {
    {"laughs", TB_TAG_LAUGH},
    {"laughter", TB_TAG_LAUGH},
    {"laughing", TB_TAG_LAUGH},
    {"giggle", TB_TAG_CHUCKLE},
    {"giggles", TB_TAG_CHUCKLE},
    {"chuckles", TB_TAG_CHUCKLE},
    {"sighs", TB_TAG_SIGH},
    {"coughs", TB_TAG_COUGH},
    {"gasps", TB_TAG_GASP},
    {"groans", TB_TAG_GROAN},
    {"sniffs", TB_TAG_SNIFF},
    {"whisper", TB_TAG_WHISPERING},
    {"whispers", TB_TAG_WHISPERING},
    {"risa", TB_TAG_LAUGH},
    {"risas", TB_TAG_LAUGH},
    {"jaja", TB_TAG_LAUGH},
    {"broma", TB_TAG_LAUGH},
    {"risita", TB_TAG_CHUCKLE},
    {"suspiro", TB_TAG_SIGH},
    {"tos", TB_TAG_COUGH},
    {"carraspeo", TB_TAG_CLEAR_THROAT},
    {"chistar", TB_TAG_SHUSH},
    {"quejido", TB_TAG_GROAN},
    {"olfatear", TB_TAG_SNIFF},
    {"jadeo", TB_TAG_GASP},
    {"feliz", TB_TAG_HAPPY},
    {"serio", TB_TAG_NARRATION},
    {"triste", TB_TAG_SAD},
    {"susurro", TB_TAG_WHISPERING},
    {"susurrando", TB_TAG_WHISPERING},
    {"enfadado", TB_TAG_ANGRY},
    {"enojado", TB_TAG_ANGRY},
    {"miedo", TB_TAG_FEAR},
    {"sorprendido", TB_TAG_SURPRISED},
    {"sorpresa", TB_TAG_SURPRISED},
    {"anuncio", TB_TAG_ADVERTISEMENT},
    {"dramático", TB_TAG_DRAMATIC},
    {"dramatico", TB_TAG_DRAMATIC},
    {"narración", TB_TAG_NARRATION},
    {"narracion", TB_TAG_NARRATION},
    {"llorando", TB_TAG_CRYING},
    {"llanto", TB_TAG_CRYING},
    {"sarcástico", TB_TAG_SARCASTIC},
    {"sarcastico", TB_TAG_SARCASTIC},
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
    tb_tag found = TB_TAG_NONE;
    char *folded = tb_str_fold(name);
    for (int i = 0; i < TB_TAG_COUNT && found == TB_TAG_NONE; i++)
        if (strcmp(folded, names[i]) == 0) found = (tb_tag)i;
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases && found == TB_TAG_NONE; i++)
        if (strcmp(folded, aliases[i].name) == 0) found = aliases[i].tag;
    tb_free(folded);
    return found;
}
