#ifndef TB_SEEDMODEL_WINDOW_H
#define TB_SEEDMODEL_WINDOW_H

/* The S3 tokenizer's periodic Hann window as the reference's library computes it: its cosine is up
 * to an ulp off in 55 places, and a seeded model is the reference's bit for bit. */
extern const float tb_seed_window[400];

#endif
