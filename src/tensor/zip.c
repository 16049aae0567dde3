/*
 * Reading zip archives with stored (uncompressed) members, as torch.save writes them, ZIP64
 * included. The central directory is found from the end and walked once; local headers are only
 * used to find the data. Every offset is checked against the file's size. Members are sorted by
 * name for lookup; nothing is copied but names.
 */
#include "tensor/zip_priv.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Sizes and offsets are PKWARE's APPNOTE. */
enum {
    LOCAL_SIZE = 30,
    CENTRAL_SIZE = 46,
    END_SIZE = 22,
    END64_SIZE = 56,
    LOCATOR64_SIZE = 20,
    COMMENT_MAX = 65535,
    MEMBERS_MAX = 65536, /* a checkpoint has one per tensor: a few thousand */
    NAME_MAX_BYTES = 1024,
    FLAG_ENCRYPTED = 1,
};

#define ALL_ONES_16 0xFFFFu
#define ALL_ONES_32 0xFFFFFFFFu

static uint64_t little(const uint8_t *p, size_t n)
{
    uint64_t x = 0;
    for (size_t i = n; i-- > 0;)
        x = x << 8 | p[i];
    return x;
}

/* Is [at, at + n) inside the first size bytes? */
static bool inside(uint64_t at, uint64_t n, uint64_t size)
{
    return at <= size && n <= size - at;
}

typedef struct {
    const uint8_t *data;
    size_t size;
    const char *label;
    tb_err *err;
    uint64_t count, at, len; /* the central directory: entries, offset and bytes */
} reader;

static tb_status damaged(const reader *r, const char *what)
{
    return tb_fail(r->err, TB_EMODEL, "%s is a damaged zip file: %s", r->label, what);
}

/* The end record stands last, behind it only its own comment. Fields that are all ones are told by
 * the ZIP64 end record, whose locator stands right before. */
static tb_status find_directory(reader *r)
{
    const uint8_t *end = NULL;
    for (size_t comment = 0; comment <= COMMENT_MAX && comment + END_SIZE <= r->size; comment++) {
        const uint8_t *p = r->data + r->size - END_SIZE - comment;
        if (memcmp(p, "PK\5\6", 4) == 0 && little(p + 20, 2) == comment) {
            end = p;
            break;
        }
    }
    if (!end) return damaged(r, "its end is missing");

    uint64_t end_at = (uint64_t)(end - r->data);
    r->count = little(end + 10, 2);
    r->len = little(end + 12, 4);
    r->at = little(end + 16, 4);
    if (r->count == ALL_ONES_16 || r->len == ALL_ONES_32 || r->at == ALL_ONES_32) {
        if (end_at < LOCATOR64_SIZE || memcmp(end - LOCATOR64_SIZE, "PK\6\7", 4) != 0)
            return damaged(r, "its ZIP64 locator is missing");
        uint64_t at64 = little(end - LOCATOR64_SIZE + 8, 8);
        if (!inside(at64, END64_SIZE, end_at) || memcmp(r->data + at64, "PK\6\6", 4) != 0)
            return damaged(r, "its ZIP64 end record is missing");
        const uint8_t *end64 = r->data + at64;
        if (r->count == ALL_ONES_16) r->count = little(end64 + 32, 8);
        if (r->len == ALL_ONES_32) r->len = little(end64 + 40, 8);
        if (r->at == ALL_ONES_32) r->at = little(end64 + 48, 8);
    }
    if (!inside(r->at, r->len, end_at)) return damaged(r, "its directory is outside the file");
    if (r->count > MEMBERS_MAX)
        return tb_fail(r->err, TB_EMODEL, "%s has %llu members; at most %d are read", r->label,
                       (unsigned long long)r->count, MEMBERS_MAX);
    return TB_OK;
}

/* Sizes and offset that do not fit 32 bits stand in the ZIP64 extra field, in this order, each only
 * if the plain field is all ones. */
static bool widen(const uint8_t *extra, size_t n, uint64_t *size, uint64_t *stored, uint64_t *local)
{
    uint64_t *fields[3] = {size, stored, local};
    if (*size != ALL_ONES_32 && *stored != ALL_ONES_32 && *local != ALL_ONES_32) return true;
    while (n >= 4) {
        size_t id = (size_t)little(extra, 2), len = (size_t)little(extra + 2, 2);
        if (len > n - 4) return false;
        if (id == 1) {
            const uint8_t *p = extra + 4;
            for (size_t i = 0; i < 3; i++) {
                if (*fields[i] != ALL_ONES_32) continue;
                if (len < 8) return false;
                *fields[i] = little(p, 8);
                p += 8;
                len -= 8;
            }
            return true;
        }
        extra += 4 + len;
        n -= 4 + len;
    }
    return false;
}

static tb_status read_member(const reader *r, const uint8_t *central, const char *name,
                             size_t name_len, const uint8_t *extra, size_t extra_len,
                             tb_zip_member *out)
{
    uint64_t stored = little(central + 20, 4), size = little(central + 24, 4);
    uint64_t at = little(central + 42, 4);

    if (name_len == 0 || name_len > NAME_MAX_BYTES || memchr(name, 0, name_len) ||
        !tb_utf8_valid(name, name_len))
        return damaged(r, "a member's name cannot be read");
    if (little(central + 8, 2) & FLAG_ENCRYPTED) return damaged(r, "a member is encrypted");
    if (little(central + 10, 2) != 0)
        return tb_fail(r->err, TB_EMODEL,
                       "%s has compressed members; torch.save stores them as they are", r->label);
    if (!widen(extra, extra_len, &size, &stored, &at))
        return damaged(r, "a member's ZIP64 field is missing");
    if (size != stored) return damaged(r, "a member has two sizes");

    /* The local header repeats the name; its extra field has a length of its own (alignment). */
    if (!inside(at, LOCAL_SIZE, r->at) || memcmp(r->data + at, "PK\3\4", 4) != 0)
        return damaged(r, "a member's header is missing");
    const uint8_t *local = r->data + at;
    uint64_t skip = LOCAL_SIZE + little(local + 26, 2) + little(local + 28, 2);
    if (!inside(at, skip, r->at) || little(local + 26, 2) != name_len ||
        memcmp(local + LOCAL_SIZE, name, name_len) != 0)
        return damaged(r, "a member's header does not match the directory");
    if (!inside(at + skip, size, r->at)) return damaged(r, "a member is cut short");

    out->name = tb_strndup(name, name_len);
    out->data = local + skip;
    out->size = (size_t)size;
    return TB_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const tb_zip_member *)a)->name, ((const tb_zip_member *)b)->name);
}

tb_status tb_zip_read(const void *data, size_t size, const char *label, tb_zip *out, tb_err *err)
{
    reader r = {.data = data, .size = size, .label = label, .err = err};
    tb_zip zip = {0};

    tb_status st = find_directory(&r);
    if (st) goto out;
    zip.members = tb_try_alloc((size_t)r.count, sizeof *zip.members);
    if (!zip.members) {
        st = tb_nomem(err, (size_t)r.count, sizeof *zip.members);
        goto out;
    }
    const uint8_t *p = r.data + r.at;
    for (uint64_t left = r.len; zip.n < r.count; zip.n++) {
        if (left < CENTRAL_SIZE || memcmp(p, "PK\1\2", 4) != 0) {
            st = damaged(&r, "its directory is cut short");
            goto out;
        }
        size_t name = (size_t)little(p + 28, 2), extra = (size_t)little(p + 30, 2);
        size_t whole = CENTRAL_SIZE + name + extra + (size_t)little(p + 32, 2);
        if (whole > left) {
            st = damaged(&r, "its directory is cut short");
            goto out;
        }
        st = read_member(&r, p, (const char *)p + CENTRAL_SIZE, name, p + CENTRAL_SIZE + name,
                         extra, &zip.members[zip.n]);
        if (st) goto out;
        p += whole;
        left -= whole;
    }
    qsort(zip.members, zip.n, sizeof *zip.members, by_name);
    for (size_t i = 1; i < zip.n; i++)
        if (by_name(&zip.members[i - 1], &zip.members[i]) == 0) {
            st = damaged(&r, "two members have one name");
            goto out;
        }
    *out = zip;
    zip = (tb_zip){0};
out:
    tb_zip_clear(&zip);
    return st;
}

void tb_zip_clear(tb_zip *zip)
{
    if (!zip) return;
    for (size_t i = 0; i < zip->n; i++)
        tb_free(zip->members[i].name);
    tb_free(zip->members);
    *zip = (tb_zip){0};
}

const tb_zip_member *tb_zip_find(const tb_zip *zip, const char *name)
{
    size_t low = 0, high = zip->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = strcmp(zip->members[mid].name, name);
        if (order == 0) return &zip->members[mid];
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}
