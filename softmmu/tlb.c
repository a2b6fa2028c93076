/*
 * The banks. A flush costs what is there: each bank knows which of its slots are live, and walks those.
 *
 * A guest's large page is cached as 4 KiB pieces, and flushing any address of it must drop all of them. That
 * takes a search of the live slots; so the large pages that may be cached are kept in a table, and where it
 * has none for the address and the contexts flushed (a guest that uses large pages flushes small ones all the
 * time) there is no search.
 */
#include "softmmu/tlb.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "host/memory.h"
#include "softmmu/tlb_second.h"

/* A large page that may be cached; 0: none. */
struct large {
    uint64_t place; /* its virtual address | TLB_GLOBAL | log2 of its size */
    uint64_t key;   /* the context it was cached for, unless it is global */
};

#define LARGE_BUCKETS 512
#define LARGE_WAYS    4
struct large_bucket {
    struct large pages[LARGE_WAYS];
    bool overflown; /* there were more: any page of this bucket may be cached */
};

/* Of contexts that differ in their address space only: what they have fetched of global pages. */
struct family {
    uint64_t key; /* without the address space */
    uint64_t generation;
    struct tlb_fetched fetched;
};

struct tlb {
    struct tlb_bank banks[TLB_BANKS];
    struct family families[TLB_BANKS];
    struct tlb_bank *current;
    uint64_t keys[TLB_BANKS]; /* the banks' keys, side by side: a context switch looks through them */
    uint64_t used[TLB_BANKS]; /* for replacement; 0: never selected */
    struct tlb_second *second;
    uint64_t space_mask;
    uint64_t last_generation, clock;
    uint64_t large_sizes; /* bit n: pages of 2^n bytes are in the table */
    struct large_bucket large[LARGE_BUCKETS];
};

/* A set of small numbers, hashed by their low bits. */
static bool set_holds(const uint64_t *words, unsigned count, uint64_t number)
{
    return words[number / 64 % count] >> (number % 64) & 1;
}

static void set_add(uint64_t *words, unsigned count, uint64_t number)
{
    words[number / 64 % count] |= (uint64_t)1 << (number % 64);
}

struct tlb *tlb_create(void)
{
    /* Page-aligned and demand-zero; a bank is made valid when it is first selected. */
    struct tlb *tlb = host_memory_reserve(sizeof(*tlb), NULL);
    if (!tlb)
        abort();
    tlb->second = tlb_second_create();
    tlb_select(tlb, 0);
    return tlb;
}

void tlb_destroy(struct tlb *tlb)
{
    if (!tlb)
        return;
    tlb_second_destroy(tlb->second);
    host_memory_unmap(tlb, sizeof(*tlb));
}

void tlb_set_space_mask(struct tlb *tlb, uint64_t mask)
{
    tlb->space_mask = mask;
    tlb_flush_all(tlb);
}

static void entry_clear(struct tlb_entry *entry)
{
    entry->read_tag = TLB_NO_TAG;
    entry->write_tag = TLB_NO_TAG;
}

/* The virtual page a live entry is for. */
static uint64_t entry_va(const struct tlb_entry *entry)
{
    return entry->read_tag != TLB_NO_TAG ? entry->read_tag : entry->write_tag;
}

/* ---- what may have been fetched ---- */

static struct tlb_fetched *fetched_of(struct tlb *tlb, struct tlb_bank *bank)
{
    return bank->apart ? &bank->fetched : &tlb->families[bank->family].fetched;
}

/* Note that a page can be fetched from in this bank's generation. */
static void fetch_note(struct tlb *tlb, struct tlb_bank *bank, uint64_t va)
{
    uint64_t *pages = fetched_of(tlb, bank)->pages[va >> 63];
    set_add(pages, TLB_ENTRIES / 64, va >> PAGE_BITS);
}

/* Likewise for all its live slots; returns whether one of them is not global. */
static bool fetches_note(struct tlb *tlb, struct tlb_bank *bank)
{
    bool local = false;
    for (unsigned word = 0; word < ARRAY_LEN(bank->live_fetches); word++) {
        for (uint64_t left = bank->live_fetches[word]; left; left &= left - 1) {
            unsigned slot = word * 64 + (unsigned)__builtin_ctzll(left);
            fetch_note(tlb, bank, bank->fetches[slot].tag);
            local |= !(bank->fetch_attributes[slot] & TLB_GLOBAL);
        }
    }
    return local;
}

/* From now on the bank has a generation of its own, a new one; returns whether it needs one. */
static bool bank_part(struct tlb *tlb, struct tlb_bank *bank)
{
    bank->apart = true;
    bank->generation = ++tlb->last_generation;
    bank->fetched = (struct tlb_fetched){0};
    return fetches_note(tlb, bank);
}

/* Or that of its family: it holds no fetch but of global pages. */
static void bank_join(struct tlb *tlb, struct tlb_bank *bank)
{
    bank->apart = false;
    bank->generation = tlb->families[bank->family].generation;
    fetches_note(tlb, bank);
}

/* A global page that was fetched from in this family may have gone. */
static void family_renew(struct tlb *tlb, unsigned family)
{
    tlb->families[family].generation = ++tlb->last_generation;
    tlb->families[family].fetched = (struct tlb_fetched){0};
    for (unsigned i = 0; i < TLB_BANKS; i++) {
        struct tlb_bank *bank = &tlb->banks[i];
        if (tlb->used[i] && bank->family == family && !bank->apart)
            bank_join(tlb, bank);
    }
}

/* Something that was fetched through this bank may have gone; with keep_global, nothing global. */
static void generation_next(struct tlb *tlb, struct tlb_bank *bank, bool keep_global)
{
    if (!keep_global)
        family_renew(tlb, bank->family);
    if (bank->apart && !bank_part(tlb, bank))
        bank_join(tlb, bank);
}

/* The family of contexts that this one is of. */
static unsigned family_of(struct tlb *tlb, const struct tlb_bank *bank, uint64_t key)
{
    bool taken[TLB_BANKS] = {false};
    key &= ~tlb->space_mask;
    for (unsigned i = 0; i < TLB_BANKS; i++) {
        if (!tlb->used[i] || &tlb->banks[i] == bank)
            continue;
        if (tlb->families[tlb->banks[i].family].key == key)
            return tlb->banks[i].family;
        taken[tlb->banks[i].family] = true;
    }
    unsigned family = 0;
    while (taken[family])
        family++;
    tlb->families[family] = (struct family){.key = key, .generation = ++tlb->last_generation};
    return family;
}

/* ---- flushes ---- */

static void names_refresh(struct tlb *tlb, struct tlb_bank *bank)
{
    bank->own = tlb_second_name(tlb->second, bank->key, false);
    bank->shared = tlb_second_name(tlb->second, bank->key & ~tlb->space_mask, true);
}

/* Which of a bank's live slots a flush drops: those of the guest page that holds va (in full: all), except
 * global ones with keep_global. */
struct drop {
    uint64_t va;
    bool all;
    bool keep_global;
};

static bool drops(const struct drop *drop, uint64_t slot_va, unsigned attributes)
{
    if (drop->keep_global && (attributes & TLB_GLOBAL))
        return false;
    return drop->all || (slot_va ^ drop->va) >> (attributes & TLB_PAGE_BITS_MASK) == 0;
}

static void bank_drop_data(struct tlb_bank *bank, const struct drop *drop)
{
    for (unsigned word = 0; word < ARRAY_LEN(bank->live); word++) {
        for (uint64_t left = bank->live[word]; left; left &= left - 1) {
            unsigned bit = (unsigned)__builtin_ctzll(left);
            struct tlb_entry *entry = &bank->entries[word * 64 + bit];
            if (!drops(drop, entry_va(entry), entry->page & (TLB_GLOBAL | TLB_PAGE_BITS_MASK)))
                continue;
            entry_clear(entry);
            bank->live[word] &= ~((uint64_t)1 << bit);
        }
    }
}

static void bank_drop_fetches(struct tlb_bank *bank, const struct drop *drop)
{
    for (unsigned word = 0; word < ARRAY_LEN(bank->live_fetches); word++) {
        for (uint64_t left = bank->live_fetches[word]; left; left &= left - 1) {
            unsigned bit = (unsigned)__builtin_ctzll(left), slot = word * 64 + bit;
            if (!drops(drop, bank->fetches[slot].tag, bank->fetch_attributes[slot]))
                continue;
            bank->fetches[slot].tag = TLB_NO_TAG;
            bank->live_fetches[word] &= ~((uint64_t)1 << bit);
        }
    }
}

/* Walk the live slots of a bank and drop. */
static void bank_drop(struct tlb *tlb, struct tlb_bank *bank, const struct drop *drop)
{
    bank_drop_data(bank, drop);
    /* A kernel's bank is often asked to drop all but the global pages, when it fetches from no others. */
    if (drop->keep_global && !bank->apart)
        return;
    bank_drop_fetches(bank, drop);
    generation_next(tlb, bank, drop->keep_global);
}

/* Make a bank hold nothing, for this key. What was fetched of global pages stays known to its old family. */
static void bank_take(struct tlb *tlb, struct tlb_bank *bank, uint64_t key)
{
    if (tlb->used[bank - tlb->banks]) {
        static const struct drop everything = {.all = true};
        bank_drop_data(bank, &everything);
        bank_drop_fetches(bank, &everything);
    } else {
        for (unsigned i = 0; i < TLB_ENTRIES; i++)
            entry_clear(&bank->entries[i]);
        for (unsigned i = 0; i < TLB_FETCHES; i++)
            bank->fetches[i].tag = TLB_NO_TAG;
    }
    bank->key = tlb->keys[bank - tlb->banks] = key;
    bank->family = (uint8_t)family_of(tlb, bank, key);
    bank_join(tlb, bank);
    names_refresh(tlb, bank);
}

struct tlb_bank *tlb_select(struct tlb *tlb, uint64_t key)
{
    unsigned chosen = 0;
    for (unsigned i = 0; i < TLB_BANKS; i++) {
        if (tlb->used[i] && tlb->keys[i] == key) {
            chosen = i;
            break;
        }
        if (tlb->used[i] < tlb->used[chosen])
            chosen = i;
    }
    tlb->current = &tlb->banks[chosen];
    if (!tlb->used[chosen] || tlb->keys[chosen] != key)
        bank_take(tlb, tlb->current, key);
    tlb->used[chosen] = ++tlb->clock;
    return tlb->current;
}

struct tlb_bank *tlb_current(struct tlb *tlb)
{
    return tlb->current;
}

static unsigned attributes_of(const struct tlb_fill *fill)
{
    return fill->page_bits | (fill->global ? TLB_GLOBAL : 0);
}

static void insert_data(struct tlb_bank *bank, const struct tlb_fill *fill, uint64_t page)
{
    struct tlb_entry *entry = tlb_slot(bank, page);
    entry->read_tag = fill->fast & TLB_READ ? page : TLB_NO_TAG;
    entry->write_tag = fill->fast & TLB_WRITE ? page : TLB_NO_TAG;
    entry->addend = (uint64_t)(uintptr_t)fill->host - page;
    entry->page = (fill->pa & PAGE_MASK) | attributes_of(fill);
    set_add(bank->live, ARRAY_LEN(bank->live), (uint64_t)(entry - bank->entries));
}

static void insert_fetch(struct tlb *tlb, const struct tlb_fill *fill, uint64_t page)
{
    struct tlb_bank *bank = tlb->current;
    unsigned slot = (page >> PAGE_BITS) & (TLB_FETCHES - 1);
    bank->fetches[slot] = (struct tlb_fetch){
        .tag = page, .addend = (uint64_t)(uintptr_t)fill->host - page, .page = fill->pa & PAGE_MASK};
    bank->fetch_attributes[slot] = (uint8_t)attributes_of(fill);
    set_add(bank->live_fetches, ARRAY_LEN(bank->live_fetches), slot);
    if (fill->global || bank->apart)
        fetch_note(tlb, bank, page);
    else
        bank_part(tlb, bank);
}

static struct large_bucket *large_bucket(struct tlb *tlb, uint64_t va, unsigned page_bits)
{
    return &tlb->large[(va >> page_bits ^ page_bits) % LARGE_BUCKETS];
}

static uint64_t large_place(uint64_t va, unsigned page_bits)
{
    return (va >> page_bits << page_bits) | page_bits;
}

static void large_remember(struct tlb *tlb, const struct tlb_fill *fill, uint64_t key)
{
    struct large_bucket *bucket = large_bucket(tlb, fill->va, fill->page_bits);
    struct large page = {.place = large_place(fill->va, fill->page_bits) | (fill->global ? TLB_GLOBAL : 0),
                         .key = fill->global ? 0 : key};
    struct large *free = NULL;
    tlb->large_sizes |= (uint64_t)1 << fill->page_bits;
    for (unsigned i = 0; i < LARGE_WAYS; i++) {
        struct large *known = &bucket->pages[i];
        if (known->place == page.place && known->key == page.key)
            return;
        if (!known->place)
            free = known;
    }
    if (free)
        *free = page;
    else
        bucket->overflown = true;
}

/* Whether a large page that holds va may be cached for a selected context. They are forgotten: the caller
 * drops them. */
static bool large_forget(struct tlb *tlb, uint64_t va, uint64_t key, uint64_t mask, bool keep_global)
{
    bool found = false;
    for (uint64_t left = tlb->large_sizes; left; left &= left - 1) {
        unsigned page_bits = (unsigned)__builtin_ctzll(left);
        struct large_bucket *bucket = large_bucket(tlb, va, page_bits);
        uint64_t place = large_place(va, page_bits);
        found |= bucket->overflown;
        for (unsigned i = 0; i < LARGE_WAYS; i++) {
            struct large *known = &bucket->pages[i];
            bool global = known->place & TLB_GLOBAL;
            bool selected = global ? !keep_global : ((known->key ^ key) & mask) == 0;
            if ((known->place & ~(uint64_t)TLB_GLOBAL) != place || !selected)
                continue;
            known->place = 0;
            found = true;
        }
    }
    return found;
}

void tlb_insert(struct tlb *tlb, const struct tlb_fill *fill)
{
    assert(fill->page_bits >= PAGE_BITS && fill->page_bits < 64);
    struct tlb_bank *bank = tlb->current;
    uint64_t page = fill->va & PAGE_MASK;
    if (fill->host && (fill->fast & (TLB_READ | TLB_WRITE)))
        insert_data(bank, fill, page);
    if (fill->host && (fill->fast & TLB_FETCH))
        insert_fetch(tlb, fill, page);
    if (fill->known)
        return;
    if (fill->page_bits > PAGE_BITS)
        large_remember(tlb, fill, bank->key);
    tlb_second_insert(tlb->second, fill, fill->global ? bank->shared : bank->own);
}

bool tlb_second_level(struct tlb *tlb, uint64_t va, struct tlb_fill *found)
{
    *found = (struct tlb_fill){.context = tlb->current->key};
    return tlb_second_find(tlb->second, va, tlb->current->own, tlb->current->shared, found);
}

void tlb_flush_context(struct tlb *tlb, uint64_t key, uint64_t mask, bool keep_global)
{
    const struct drop drop = {.all = true, .keep_global = keep_global};
    tlb_second_rename(tlb->second, key, mask, tlb->space_mask, keep_global);
    for (unsigned i = 0; i < TLB_BANKS; i++) {
        struct tlb_bank *bank = &tlb->banks[i];
        bool selected = ((bank->key ^ key) & mask) == 0;
        if (!tlb->used[i] || (!selected && keep_global))
            continue;
        if (selected)
            bank_drop(tlb, bank, &drop);
        names_refresh(tlb, bank);
    }
}

void tlb_flush_all(struct tlb *tlb)
{
    tlb_flush_context(tlb, 0, 0, false);
    if (tlb->large_sizes)
        memset(tlb->large, 0, sizeof(tlb->large));
    tlb->large_sizes = 0;
}

/* The page of va in one bank, when it is known not to be part of a large one. */
static void bank_drop_page(struct tlb *tlb, struct tlb_bank *bank, uint64_t va, bool keep_global)
{
    const struct drop drop = {.va = va, .keep_global = keep_global};
    unsigned slot = (va >> PAGE_BITS) & (TLB_ENTRIES - 1);
    struct tlb_entry *entry = &bank->entries[slot];
    if (set_holds(bank->live, ARRAY_LEN(bank->live), slot) &&
        drops(&drop, entry_va(entry), entry->page & (TLB_GLOBAL | TLB_PAGE_BITS_MASK))) {
        entry_clear(entry);
        bank->live[slot / 64] &= ~((uint64_t)1 << (slot % 64));
    }
    if (keep_global && !bank->apart)
        return;
    /* The fetch slot may have been taken by another page since, and the jump cache still know this one. */
    const uint64_t *pages = fetched_of(tlb, bank)->pages[va >> 63];
    if (!set_holds(pages, TLB_ENTRIES / 64, va >> PAGE_BITS))
        return;
    slot = (va >> PAGE_BITS) & (TLB_FETCHES - 1);
    if (set_holds(bank->live_fetches, ARRAY_LEN(bank->live_fetches), slot) &&
        drops(&drop, bank->fetches[slot].tag, bank->fetch_attributes[slot])) {
        bank->fetches[slot].tag = TLB_NO_TAG;
        bank->live_fetches[slot / 64] &= ~((uint64_t)1 << (slot % 64));
    }
    generation_next(tlb, bank, keep_global);
}

void tlb_flush_page(struct tlb *tlb, uint64_t va, uint64_t key, uint64_t mask, bool keep_global)
{
    va &= PAGE_MASK;
    bool large = large_forget(tlb, va, key, mask, keep_global);
    const struct drop drop = {.va = va, .keep_global = keep_global};
    for (unsigned i = 0; i < TLB_BANKS; i++) {
        struct tlb_bank *bank = &tlb->banks[i];
        if (!tlb->used[i] || ((bank->key ^ key) & mask) != 0)
            continue;
        if (large)
            bank_drop(tlb, bank, &drop);
        else
            bank_drop_page(tlb, bank, va, keep_global);
    }
    if (large)
        tlb_second_drop_large(tlb->second, va, keep_global);
    else
        tlb_second_drop(tlb->second, va, keep_global);
}

/* Take fast permission for physical pages out of one bank. */
static void bank_protect(struct tlb *tlb, struct tlb_bank *bank, uint64_t pa, uint64_t len, bool all)
{
    for (unsigned word = 0; word < ARRAY_LEN(bank->live); word++) {
        for (uint64_t left = bank->live[word]; left; left &= left - 1) {
            unsigned bit = (unsigned)__builtin_ctzll(left);
            struct tlb_entry *entry = &bank->entries[word * 64 + bit];
            if ((entry->page & PAGE_MASK) - pa >= len)
                continue;
            entry->write_tag = TLB_NO_TAG;
            if (all)
                entry->read_tag = TLB_NO_TAG;
            if (entry->read_tag == TLB_NO_TAG)
                bank->live[word] &= ~((uint64_t)1 << bit);
        }
    }
    for (unsigned word = 0; all && word < ARRAY_LEN(bank->live_fetches); word++) {
        for (uint64_t left = bank->live_fetches[word]; left; left &= left - 1) {
            unsigned bit = (unsigned)__builtin_ctzll(left), slot = word * 64 + bit;
            if (bank->fetches[slot].page - pa >= len)
                continue;
            bank->fetches[slot].tag = TLB_NO_TAG;
            bank->live_fetches[word] &= ~((uint64_t)1 << bit);
        }
    }
    if (all)
        generation_next(tlb, bank, false);
}

void tlb_protect(struct tlb *tlb, uint64_t pa, uint64_t len, bool all)
{
    for (unsigned i = 0; i < TLB_BANKS; i++) {
        if (tlb->used[i])
            bank_protect(tlb, &tlb->banks[i], pa, len, all);
    }
}
