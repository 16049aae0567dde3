#ifndef TB_TEXT_GUESS_H
#define TB_TEXT_GUESS_H

/*
 * The language that a text is clearly written in, as a code ("es", "ja"), a constant; NULL when the
 * text is too short or too mixed to say, or is in `usual`: a code such as "en" or "en-us", in
 * which the text will be read then. Brackets, markup and addresses do not count. Looks at the
 * first 16 KiB; linear. text is valid UTF-8. Any thread.
 */
const char *tb_guess_language(const char *text, const char *usual);

#endif
