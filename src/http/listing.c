#include "api/print.h"
#include "base/mem.h"
#include "http/http_priv.h"

#include <string.h>

/*
 * The whole history as one JSON array, however long it is: read and printed in pieces at the desk,
 * each when the former one has been sent. It costs the memory of one piece, and no thread between
 * two. A piece is read only when the client has received the one before it.
 */
enum { PIECE_ROWS = 200, PIECE_BYTES = 1 << 20, BLOCK = 16384, PRINTED_MAX = 64 << 20 };

struct tb_listing {
    char *q;         /* NULL: everything */
    char cursor[64]; /* of the next piece */
    tb_str text;
    size_t sent; /* bytes of text */
    bool begun, last, failed;
};

/* "[a,b]" becomes "[a,b" or ",c,d"; the last one ends with the bracket. */
static bool put_piece(tb_listing *l, const tb_clip_list *rows, const char *base)
{
    char *printed = tb_print_history(rows, base);
    size_t len = strlen(printed);
    bool whole = len >= 2;
    l->last = !rows->cursor[0];
    l->sent = 0;
    tb_str_clear(&l->text);
    whole = whole && tb_str_puts(&l->text, !l->begun ? "[" : rows->n ? "," : "");
    whole = whole && tb_str_add(&l->text, printed + 1, len - 2);
    whole = whole && (!l->last || tb_str_puts(&l->text, "]"));
    l->begun = true;
    memcpy(l->cursor, rows->cursor, sizeof l->cursor);
    tb_free(printed);
    return whole;
}

static tb_status read_piece(tb_request *r, uint64_t *total, tb_err *err)
{
    tb_listing *l = r->listing;
    tb_clip_list rows = {0};
    const tb_clip_query query = {.limit = PIECE_ROWS,
                                 .bytes_max = PIECE_BYTES,
                                 .cursor = l->cursor,
                                 .q = l->q,
                                 .uncounted = total == NULL};
    tb_status st = tb_store_clip_list(tb_service_store(r->http->service), &query, &rows, err);
    if (!st) st = tb_print_room(rows.rows, rows.n, err);
    if (!st && !put_piece(l, &rows, r->base)) st = tb_nomem(err, rows.n, sizeof rows.rows[0]);
    if (!st && total) *total = rows.total;
    tb_clip_list_clear(&rows);
    return st;
}

/* At the desk. The head was sent already, so the only way to report a failure is to break off. */
static void next_piece(tb_request *r)
{
    if (read_piece(r, NULL, &r->err)) r->listing->failed = true;
}

static ssize_t send_piece(void *self, uint64_t pos, char *out, size_t max)
{
    tb_request *r = self;
    tb_listing *l = r->listing;
    (void)pos;
    if (!tb_desk_done(r)) return 0;
    size_t left = l->text.len - l->sent;
    if (l->failed) return MHD_CONTENT_READER_END_WITH_ERROR;
    if (left > 0) {
        if (left > max) left = max;
        memcpy(out, l->text.data + l->sent, left);
        l->sent += left;
        r->sent += left;
        tb_seat_go_on(r, TB_SEAT_REPLY);
        return (ssize_t)left;
    }
    if (l->last) return MHD_CONTENT_READER_END_OF_STREAM;
    tb_seat_go_on(r, TB_SEAT_WORK);
    if (!tb_desk_take(r, next_piece)) l->failed = true;
    return 0;
}

tb_status tb_reply_listing(tb_request *r, const char *q, const char *cursor, uint64_t *total,
                           tb_err *err)
{
    tb_listing *l = r->listing = tb_alloc(sizeof *l);
    l->q = tb_strdup(q);
    if (cursor && strlen(cursor) >= sizeof l->cursor) cursor = "?"; /* nor is a longer one ours */
    if (cursor) strcpy(l->cursor, cursor);
    tb_str_init(&l->text, PRINTED_MAX);
    tb_status st = read_piece(r, total, err);
    if (st) return st;
    if (l->last)
        tb_reply_json(r, 200, tb_str_take(&l->text));
    else
        tb_reply_response(r, 200,
                          MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, send_piece, r,
                                                            NULL),
                          0);
    if (!l->last) tb_reply_header(r, "Content-Type", "application/json");
    return TB_OK;
}

void tb_listing_free(tb_listing *l)
{
    if (!l) return;
    tb_free(l->q);
    tb_str_clear(&l->text);
    tb_free(l);
}
