/*
 * The TLB: one format for all guests and engines. A bank holds the translations of one context (address
 * space, privilege, and the bits that change permission), so that a context switch is a change of bank and
 * not a flush; behind the banks a larger second level is asked before the walker. Interpreter and translator
 * share these offsets.
 *
 * Everything that makes an access special (permission, page crossing, MMIO, watchpoints, dirty tracking,
 * pages that hold decoded code) is folded into the tag: such a page has no tag of that kind, and the access
 * takes the slow path.
 */
#pragma once

#include "base/bits.h"
#include "base/types.h"

#define TLB_BITS       11
#define TLB_ENTRIES    (1u << TLB_BITS)
#define TLB_FETCH_BITS 8
#define TLB_FETCHES    (1u << TLB_FETCH_BITS)
#define TLB_BANKS      8
#define TLB_NO_TAG     (~(uint64_t)0) /* not page-aligned: no compare can hit */

struct tlb_entry {
    uint64_t read_tag;  /* the virtual page, or TLB_NO_TAG */
    uint64_t write_tag; /* likewise */
    uint64_t addend;    /* host address = virtual address + addend */
    uint64_t page;      /* physical page | TLB_GLOBAL | the guest page size's log2, for flushes */
};

#define TLB_PAGE_BITS_MASK 0x3fu
#define TLB_GLOBAL         0x40u

struct tlb_fetch {
    uint64_t tag;
    uint64_t addend;
    uint64_t page; /* physical page */
};

/* Hashed: pages fetched from since a generation began, of each half of the address space. */
struct tlb_fetched {
    uint64_t pages[2][TLB_ENTRIES / 64];
};

struct tlb_bank {
    struct tlb_entry entries[TLB_ENTRIES];
    struct tlb_fetch fetches[TLB_FETCHES];
    uint64_t key; /* the context, as the core composes it */
    /*
     * Names what is fetched through this bank: a new number (never 0) whenever a translation for fetches may
     * have gone. Caches keyed by virtual address (the interpreter's jump cache) compare it. Contexts that
     * differ in their address space only have the same number as long as they fetch from global pages, so
     * that what is known of a kernel's code outlives a switch of processes; fetching from another page gives
     * the bank a number of its own, in tlb_insert.
     */
    uint64_t generation;

    /* From here on tlb.c's own. */
    uint64_t own, shared;            /* the second level's names for this context */
    uint64_t live[TLB_ENTRIES / 64]; /* which entries hold something, so that a flush costs what is there */
    uint64_t live_fetches[TLB_FETCHES / 64];
    uint8_t fetch_attributes[TLB_FETCHES]; /* as the low bits of tlb_entry.page */
    uint8_t family;                        /* of contexts that differ in their address space only */
    bool apart;                            /* it has fetched from a page that is not global */
    struct tlb_fetched fetched;            /* while it is apart; else its family has that */
};

_Static_assert(sizeof(struct tlb_entry) == 32, "the translator indexes entries by shifting");
_Static_assert(offsetof(struct tlb_entry, read_tag) == 0 && offsetof(struct tlb_entry, write_tag) == 8 &&
                   offsetof(struct tlb_entry, addend) == 16,
               "the translator's fast path uses these offsets");

/* What a walker found, as a fill needs it. */
enum tlb_permission {
    TLB_READ = 1,
    TLB_WRITE = 2,
    TLB_FETCH = 4,
};

struct tlb_fill {
    uint64_t va;      /* any address in the page */
    uint64_t pa;      /* the physical address of the 4 KiB page */
    uint64_t context; /* out only: the bank's key */
    uint8_t *host;    /* host memory of the page, or NULL for a device: then only the second level keeps it */
    uint8_t permission; /* enum tlb_permission, what the guest may do */
    uint8_t fast; /* the subset that may hit without the slow path (not watched, RAM, dirty already set) */
    uint8_t page_bits; /* log2 of the guest's page */
    bool global;       /* the same in every address space */
    bool known;        /* out, in: it comes from the second level, as it is there */
};

/* A vCPU's TLB. All of it belongs to the vCPU's thread; others ask for flushes through vcpu_call. */
struct tlb;

struct tlb *tlb_create(void);
void tlb_destroy(struct tlb *tlb);

/*
 * Which bits of a key name the address space, and nothing else: what a global translation ignores when the
 * second level is asked (privilege and permission bits it never ignores). 0, as created: global translations
 * are kept for each context apart. Set before the first tlb_select.
 */
void tlb_set_space_mask(struct tlb *tlb, uint64_t mask);

/* The bank of this context, made empty if no bank held it; it becomes the current one. */
struct tlb_bank *tlb_select(struct tlb *tlb, uint64_t key);
struct tlb_bank *tlb_current(struct tlb *tlb);

/*
 * Put a translation into the current bank (a data entry when `fast` has READ or WRITE, a fetch entry when it
 * has FETCH) and the second level. What the bank had for the page is replaced; without READ and WRITE in
 * `fast` the data entry stays as it is, without FETCH the fetch entry. With FETCH the bank's generation may
 * change.
 */
void tlb_insert(struct tlb *tlb, const struct tlb_fill *fill);

/*
 * Ask the second level for the page of va in the current bank's context; on success *found holds pa,
 * permission, page_bits, global and known; host and fast are the caller's to find.
 */
bool tlb_second_level(struct tlb *tlb, uint64_t va, struct tlb_fill *found);

/*
 * Flushes. `mask` and `key` select contexts: those with (context & mask) == (key & mask); mask 0 selects all.
 * A page is flushed with all of the guest's large page that was cached around it. More may go than was asked.
 * Without keep_global, what the selected contexts share with others goes as well.
 */
void tlb_flush_all(struct tlb *tlb);
void tlb_flush_context(struct tlb *tlb, uint64_t key, uint64_t mask, bool keep_global);
void tlb_flush_page(struct tlb *tlb, uint64_t va, uint64_t key, uint64_t mask, bool keep_global);

/* Drop the fast write (or, with `all`, every fast) permission for the physical pages of [pa, pa + len) in
 * every bank: they became special. Whole pages. */
void tlb_protect(struct tlb *tlb, uint64_t pa, uint64_t len, bool all);

static inline struct tlb_entry *tlb_slot(struct tlb_bank *bank, uint64_t va)
{
    return &bank->entries[(va >> PAGE_BITS) & (TLB_ENTRIES - 1)];
}

/* Where a hit leads: never NULL, which spares callers that ask a second comparison. */
static inline void *tlb_host(const struct tlb_entry *entry, uint64_t va)
{
    void *host = (void *)(uintptr_t)(va + entry->addend);
    if (!host)
        __builtin_unreachable();
    return host;
}

/*
 * The hot path: the host address for an access of `size` bytes at va, or NULL for the slow path. An access
 * that crosses its page compares the next page's number with this page's slot and misses.
 */
static inline void *tlb_read_hit(struct tlb_bank *bank, uint64_t va, unsigned size)
{
    struct tlb_entry *entry = tlb_slot(bank, va);
    if (likely(((va + (size - 1)) & PAGE_MASK) == entry->read_tag))
        return tlb_host(entry, va);
    return NULL;
}

static inline void *tlb_write_hit(struct tlb_bank *bank, uint64_t va, unsigned size)
{
    struct tlb_entry *entry = tlb_slot(bank, va);
    if (likely(((va + (size - 1)) & PAGE_MASK) == entry->write_tag))
        return tlb_host(entry, va);
    return NULL;
}

/* Host address of the instruction bytes at va, or NULL; *pa gets the physical address. */
static inline const void *tlb_fetch_hit(struct tlb_bank *bank, uint64_t va, uint64_t *pa)
{
    struct tlb_fetch *fetch = &bank->fetches[(va >> PAGE_BITS) & (TLB_FETCHES - 1)];
    if (unlikely((va & PAGE_MASK) != fetch->tag))
        return NULL;
    *pa = fetch->page | (va & ~PAGE_MASK);
    return (const void *)(uintptr_t)(va + fetch->addend);
}
