#ifndef TB_API_SPEECH_FIELDS_PRIV_H
#define TB_API_SPEECH_FIELDS_PRIV_H

#include "api/fields.h"
#include "chatterbox/pace.h"
#include "params/params.h"

#include <stdbool.h>

/*
 * One field of a request for speech, read as the table of params/params.h says: its value, or its
 * fallback when it is absent, empty or blank (forms send every input they have). TB_EINVAL names
 * the field, shows what was sent and says what would be right.
 */
/* Where text begins and how long it is without the white space round it; NULL for blank or NULL. */
const char *tb_field_stripped(const char *text, size_t *len);
char *tb_field_wish(const tb_fields *fields, const char *name); /* heap, stripped; NULL absent */

TB_MUST_CHECK tb_status tb_field_number(const tb_fields *fields, tb_param_id id, double *out,
                                        tb_err *err); /* NAN: absent, and no fallback */
TB_MUST_CHECK tb_status tb_field_seed(const tb_fields *fields, double *out, tb_err *err);
/* One of the table's words, in lower case; *out is heap, NULL when absent. */
TB_MUST_CHECK tb_status tb_field_choice(const tb_fields *fields, tb_param_id id, char **out,
                                        tb_err *err);
/* What looks like a code or name of a language; which one is looked up later. Likewise. */
TB_MUST_CHECK tb_status tb_field_language(const tb_fields *fields, tb_param_id id, char **out,
                                          tb_err *err);
TB_MUST_CHECK tb_status tb_field_switch(const tb_fields *fields, tb_param_id id, bool *out,
                                        tb_err *err);
/* Left as it is when absent. */
TB_MUST_CHECK tb_status tb_field_pace(const tb_fields *fields, tb_pace *out, tb_err *err);

#endif
