/*
 * Lines of guest RAM that cores have decoded, and who must hear of writes to them.
 *
 * No write may be missed between a core's look at the bytes and the end of what it made of them:
 *
 *   core: mark the line; protect the page; read the bytes    writer: write the bytes; look at the mark
 *
 * A writer that comes through ram_written either sees the mark, or its bytes were there to be read. A writer
 * with a write tag in its TLB sees nothing, so the page must have lost all write tags before the bytes are
 * read: `protect` does that, and ram_page_at gives no new ones while a line is marked. Protecting costs a
 * round trip to every vCPU, so it is done once for a page and not for each line: PAGE_CODE_SETTLED says that
 * it is done. It holds until the page has no line left; from then on new write tags appear.
 *
 * A core that finds the page not settled protects it itself, even while another is at it: waiting for the
 * other could be waiting for each other. Meanwhile a write can clear the marks; so they are looked at again
 * afterwards, and `emptied` tells whether the page was for a moment free to get write tags.
 */
#include "base/bits.h"
#include "softmmu/ram_internal.h"

static struct ram_code_stripe *stripe_of(struct ram *ram, uint64_t page)
{
    return &ram->stripes[page & (RAM_CODE_STRIPES - 1)];
}

/* The lines of a page that [first, first + len) touches; 0 < len, and all of it in the page. */
static uint64_t lines_of(uint64_t first, uint64_t len)
{
    unsigned low = (unsigned)(first >> RAM_LINE_BITS), high = (unsigned)((first + len - 1) >> RAM_LINE_BITS);
    return bits_set(0, low, high - low + 1, ~(uint64_t)0);
}

/* One round: true when the lines are marked and the page is settled. */
static bool mark(struct ram_block *block, uint64_t page, uint64_t lines)
{
    struct ram_code_stripe *stripe = stripe_of(block->ram, page);
    host_mutex_lock(&stripe->lock);
    __atomic_fetch_or(&block->code[page], lines, __ATOMIC_SEQ_CST);
    bool settled = ram_page_state(block, page) & PAGE_CODE_SETTLED;
    uint64_t emptied = stripe->emptied;
    host_mutex_unlock(&stripe->lock);
    if (settled)
        return true;

    ram_pages_protect(block, page << PAGE_BITS, PAGE_SIZE);

    host_mutex_lock(&stripe->lock);
    if (stripe->emptied == emptied)
        __atomic_fetch_or(&block->pages[page], PAGE_CODE_SETTLED, __ATOMIC_SEQ_CST);
    settled = ram_page_state(block, page) & PAGE_CODE_SETTLED;
    bool marked = (block->code[page] & lines) == lines;
    host_mutex_unlock(&stripe->lock);
    return settled && marked;
}

void ram_code_mark(struct ram *ram, gpa_t p, uint64_t len)
{
    struct ram_mapping mapping;
    while (len && ram_find(ram, p.a, &mapping)) {
        uint64_t inside = p.a & ~PAGE_MASK;
        uint64_t n = len < PAGE_SIZE - inside ? len : PAGE_SIZE - inside;
        uint64_t page = (mapping.offset + (p.a - mapping.base)) >> PAGE_BITS;
        while (!mark(mapping.block, page, lines_of(inside, n)))
            ;
        p = gpa_add(p, n);
        len -= n;
    }
    /* The bytes are read after this. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Tell everybody that all of these lines have changed, wherever they are shown. */
static void notify(struct ram_block *block, uint64_t page, uint64_t lines)
{
    unsigned first = (unsigned)__builtin_ctzll(lines), last = 63 - (unsigned)__builtin_clzll(lines);
    uint64_t offset = (page << PAGE_BITS) + ((uint64_t)first << RAM_LINE_BITS);
    uint64_t len = (uint64_t)(last - first + 1) << RAM_LINE_BITS;
    uint64_t aliases[RAM_MAPPINGS_MAX];
    unsigned count = ram_aliases(block, offset, aliases);
    struct ram_listener_node *node = __atomic_load_n(&block->ram->listeners, __ATOMIC_ACQUIRE);
    for (; node; node = node->next) {
        for (unsigned i = 0; i < count; i++)
            node->listener.written(node->listener.opaque, gpa(aliases[i]), len);
    }
}

/* Unmark the lines; which of them were marked. */
static uint64_t unmark(struct ram_block *block, uint64_t page, uint64_t lines)
{
    struct ram_code_stripe *stripe = stripe_of(block->ram, page);
    host_mutex_lock(&stripe->lock);
    uint64_t before = __atomic_fetch_and(&block->code[page], ~lines, __ATOMIC_SEQ_CST);
    if (before && !(before & ~lines)) {
        __atomic_fetch_and(&block->pages[page], (uint8_t)~PAGE_CODE_SETTLED, __ATOMIC_SEQ_CST);
        stripe->emptied++;
    }
    host_mutex_unlock(&stripe->lock);
    return before & lines;
}

void ram_code_drop(struct ram_block *block, uint64_t offset, uint64_t len)
{
    while (len) {
        uint64_t inside = offset & ~PAGE_MASK, page = offset >> PAGE_BITS;
        uint64_t n = len < PAGE_SIZE - inside ? len : PAGE_SIZE - inside;
        uint64_t lines = lines_of(inside, n);
        if (unlikely(__atomic_load_n(&block->code[page], __ATOMIC_SEQ_CST) & lines)) {
            uint64_t hit = unmark(block, page, lines);
            if (hit)
                notify(block, page, hit);
        }
        offset += n;
        len -= n;
    }
}
