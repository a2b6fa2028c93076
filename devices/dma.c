#include "devices/dma.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void dma_init(struct dma_list *list, struct ram *ram, enum ram_access access)
{
    *list = (struct dma_list){.ram = ram, .access = access};
}

void dma_free(struct dma_list *list)
{
    free(list->vecs);
    free(list->places);
    dma_init(list, list->ram, list->access);
}

static void room_make(struct dma_list *list)
{
    if (list->count < list->room)
        return;
    list->room = list->room ? 2 * list->room : 8;
    list->vecs = realloc(list->vecs, list->room * sizeof(list->vecs[0]));
    list->places = realloc(list->places, list->room * sizeof(list->places[0]));
    if (!list->vecs || !list->places)
        abort();
}

static void piece_add(struct dma_list *list, uint8_t *host, gpa_t p, uint64_t len)
{
    struct block_vec *last = list->count ? &list->vecs[list->count - 1] : NULL;
    list->bytes += len;
    if (last && (uint8_t *)last->base + last->len == host &&
        list->places[list->count - 1].a + last->len == p.a) {
        last->len += len;
        return;
    }
    room_make(list);
    list->vecs[list->count] = (struct block_vec){host, len};
    list->places[list->count++] = p;
}

bool dma_add(struct dma_list *list, gpa_t p, uint64_t len)
{
    const struct dma_list before = *list;
    size_t last_len = list->count ? list->vecs[list->count - 1].len : 0;
    while (len) {
        /* All at once, or, where it crosses from one mapping to another, by pages. */
        uint64_t piece = len;
        uint8_t *host = ram_at(list->ram, p, piece, list->access);
        if (!host) {
            uint64_t in_page = PAGE_SIZE - p.a % PAGE_SIZE;
            piece = len < in_page ? len : in_page;
            host = ram_at(list->ram, p, piece, list->access);
        }
        if (!host) {
            list->count = before.count;
            list->bytes = before.bytes;
            if (list->count)
                list->vecs[list->count - 1].len = last_len;
            return false;
        }
        piece_add(list, host, p, piece);
        p = gpa_add(p, piece);
        len -= piece;
    }
    return true;
}

/* Walk the pieces of [offset, offset + len). */
static void copy(const struct dma_list *list, uint64_t offset, uint8_t *bytes, uint64_t len, bool to_guest)
{
    assert(offset <= list->bytes && len <= list->bytes - offset);
    for (unsigned i = 0; len; i++) {
        const struct block_vec *vec = &list->vecs[i];
        if (offset >= vec->len) {
            offset -= vec->len;
            continue;
        }
        uint64_t piece = vec->len - offset < len ? vec->len - offset : len;
        uint8_t *host = (uint8_t *)vec->base + offset;
        if (to_guest) {
            memcpy(host, bytes, piece);
            ram_written(list->ram, gpa_add(list->places[i], offset), piece);
        } else {
            memcpy(bytes, host, piece);
        }
        bytes += piece;
        len -= piece;
        offset = 0;
    }
}

void dma_get(const struct dma_list *list, uint64_t offset, void *to, uint64_t len)
{
    copy(list, offset, to, len, false);
}

void dma_put(const struct dma_list *list, uint64_t offset, const void *from, uint64_t len)
{
    copy(list, offset, (uint8_t *)(uintptr_t)from, len, true); /* only read from */
}

void dma_written(const struct dma_list *list, uint64_t len)
{
    for (unsigned i = 0; i < list->count && len; i++) {
        uint64_t piece = list->vecs[i].len < len ? list->vecs[i].len : len;
        ram_written(list->ram, list->places[i], piece);
        len -= piece;
    }
}
