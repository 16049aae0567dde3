/*
 * Fuzz target of kept measurements: voices' statistics, conditionals and prefixes unpacked from the
 * input.
 */
#include "base/mem.h"
#include "embedded/voice_stats.h"
#include "model/t3.h"
#include "tiny_t3.h"
#include "voice/voice.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * What timbre writes and reads back: the analysis of a voice, the statistics of a base (bases/ in
 * the data folder), the prefix of a voice in T3. (Conditionals: fuzz_torch.) The first byte says
 * which; the rest are the bytes of the file, or, for small letters, what our own writer is given,
 * so that sums are right and the reader gets past them.
 *
 * Any bytes are what they claim to be or an error with a sentence; what is read and written again
 * is the same.
 */
static const char key[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static void read_stats(const uint8_t *data, size_t size)
{
    tb_voice_stats stats;
    tb_err err = {0};
    uint8_t again[TB_VOICE_STATS_PACKED];
    if (tb_voice_stats_unpack(data, size, key, &stats, &err)) {
        if (!err.msg[0]) abort();
        return;
    }
    tb_voice_stats_pack(&stats, key, again);
    if (size != sizeof again || memcmp(again, data, size) != 0) abort();
}

static tb_voice_stats any_stats(const uint8_t *data, size_t size)
{
    tb_voice_stats stats = {0};
    memcpy(&stats, data, size < sizeof stats ? size : sizeof stats);
    return stats;
}

static void write_stats(const uint8_t *data, size_t size)
{
    tb_voice_stats stats = any_stats(data, size), got;
    uint8_t packed[TB_VOICE_STATS_PACKED];
    tb_err err = {0};
    bool finite = true;
    for (size_t i = 0; i < sizeof stats / sizeof(float); i++) {
        float x;
        memcpy(&x, (char *)&stats + i * sizeof x, sizeof x);
        finite = finite && isfinite(x);
    }
    tb_voice_stats_pack(&stats, key, packed);
    if ((tb_voice_stats_unpack(packed, sizeof packed, key, &got, &err) == TB_OK) != finite) abort();
    if (finite && memcmp(&got, &stats, sizeof got) != 0) abort();
    read_stats(packed, sizeof packed);
}

static tb_status unpack(const void *data, size_t size, tb_voice **out, tb_err *err)
{
    const tb_voice_part parts[TB_VOICE_PARTS] = {{data, size}};
    bool again;
    return tb_voice_unpack(NULL, TB_ENGINE_EMBEDDED, "fuzz", key, parts, NULL, out, &again, err);
}

static void read_voice(const uint8_t *data, size_t size)
{
    tb_voice *voice = NULL, *again = NULL;
    tb_err err = {0};
    void *packed = NULL;
    size_t packed_size = 0;
    if (unpack(data, size, &voice, &err)) {
        if (voice || !err.msg[0]) abort();
        return;
    }
    if (tb_voice_pack(TB_ENGINE_EMBEDDED, voice, 0, &packed, &packed_size, &err)) abort();
    if (unpack(packed, packed_size, &again, &err)) abort();
    if (again->n_warnings != voice->n_warnings) abort();
    tb_voice_free(again);
    tb_voice_free(voice);
    tb_free(packed);
}

/* A voice whose warnings and statistics are the input, as its file, with the input's first two
 * bytes choosing one byte of it that is another. */
static void write_voice(const uint8_t *data, size_t size)
{
    if (size < 3) return;
    const uint8_t *stop = memchr(data + 3, 0, size - 3);
    const size_t len = stop ? (size_t)(stop - data) - 3 : 0;
    tb_voice *voice = tb_voice_new("fuzz", key);
    tb_err err = {0};
    void *packed = NULL;
    size_t n = 0;
    voice->has_embedded = true;
    voice->seconds = 7;
    voice->embedded = any_stats(data + 3 + len, size - 3 - len);
    if (tb_voice_pack(TB_ENGINE_EMBEDDED, voice, 0, &packed, &n, &err)) abort();
    /* In front of the statistics there is an empty line; the warnings go before it. */
    const size_t head = n - TB_VOICE_STATS_PACKED - 1;
    uint8_t *file = malloc(n + len);
    if (!file) abort();
    memcpy(file, packed, head);
    memcpy(file + head, data + 3, len);
    memcpy(file + head + len, (uint8_t *)packed + head, n - head);
    file[(data[0] | (size_t)data[1] << 8) % (n + len)] ^= data[2];
    read_voice(file, n + len);
    free(file);
    tb_free(packed);
    tb_voice_free(voice);
}

static tb_weights *weights; /* of the small T3 */

static void drop_weights(void)
{
    tb_weights_free(weights);
}

static const tb_t3 *small_t3(void)
{
    static tb_t3 t3; /* made once */
    tb_err err = {0};
    if (!weights) {
        weights = tiny_t3_make(TB_F32);
        if (tb_t3_bind(&t3, weights, TINY_T3_HEADS, &err) || atexit(drop_weights)) abort();
    }
    return &t3;
}

static void read_prefix(const uint8_t *data, size_t size)
{
    tb_t3_prefix *prefix = NULL;
    tb_err err = {0};
    if (tb_t3_prefix_unpack(small_t3(), data, size, &prefix, &err)) {
        if (prefix || !err.msg[0]) abort();
        return;
    }
    if (tb_t3_prefix_packed_size(prefix) != size) abort();
    uint8_t *again = malloc(size);
    if (!again) abort();
    tb_t3_prefix_pack(prefix, again);
    tb_t3_prefix_free(prefix);
    free(again);
}

/* The head of a prefix of some positions, and the input as often as it takes to fill it; two bytes
 * choose one of the head that is another. */
static void write_prefix(const uint8_t *data, size_t size)
{
    enum { D = TINY_T3_D, LAYERS = TINY_T3_LAYERS, HEADS = TINY_T3_HEADS };
    const tb_t3 *t3 = small_t3();
    if (size < 3) return;
    const uint32_t n = data[0] % 5;
    const uint32_t numbers[] = {(uint32_t)t3->kv_type, LAYERS, HEADS, D / HEADS, n};
    const size_t head = 8 + sizeof numbers, body = LAYERS * n * tb_row_bytes(t3->kv_type, 2 * D);
    uint8_t *file = malloc(head + body);
    if (!file) abort();
    memcpy(file, "TBT3KV2", 8);
    memcpy(file + 8, numbers, sizeof numbers);
    for (size_t i = 0; i < body; i++)
        file[head + i] = data[i % size];
    file[data[1] % head] ^= data[2];
    read_prefix(file, head + body);
    free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    uint8_t *rest = malloc(size); /* exactly its size, for the sanitizer */
    if (!rest) abort();
    memcpy(rest, data + 1, size - 1);
    uint8_t *own = realloc(rest, size - 1 ? size - 1 : 1);
    if (!own) abort();
    switch (data[0]) {
    case 'S':
        read_stats(own, size - 1);
        break;
    case 's':
        write_stats(own, size - 1);
        break;
    case 'V':
        read_voice(own, size - 1);
        break;
    case 'v':
        write_voice(own, size - 1);
        break;
    case 'p':
        write_prefix(own, size - 1);
        break;
    default:
        read_prefix(own, size - 1);
    }
    free(own);
    return 0;
}
