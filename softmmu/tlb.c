/*
 * The banks. A flush costs what is there: each bank knows which of its slots are live, and walks those.
 *
 * A guest's large page is cached as 4 KiB pieces, and flushing any address of it must drop all of them. To
 * find out cheaply that there are none, the places of large pages ever inserted are kept in a hashed set
 * (large_seen); only if it says maybe are the live slots searched.
 */
#include "softmmu/tlb.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "host/memory.h"
#include "softmmu/tlb_second.h"

/* Large pages are remembered by their place in units of these sizes, each by the smallest that holds it. */
static const uint8_t large_units[] = {21, 30, 39, 63};
#define LARGE_UNITS ARRAY_LEN(large_units)
#define LARGE_WORDS 64

struct tlb {
    struct tlb_bank banks[TLB_BANKS];
    struct tlb_bank *current;
    struct tlb_second *second;
    uint64_t space_mask;
    uint64_t last_generation, clock;
    /* By half of the address space: kernels map all they have in large pages, users hardly anything. */
    uint64_t large_seen[LARGE_UNITS][2][LARGE_WORDS];
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

/* Note that a fetch slot's page can be fetched from in this generation. */
static void fetch_note(struct tlb_bank *bank, unsigned slot)
{
    set_add(bank->fetched, ARRAY_LEN(bank->fetched), bank->fetches[slot].tag >> PAGE_BITS);
    bank->fetched_local |= !(bank->fetch_attributes[slot] & TLB_GLOBAL);
}

/* Something that was fetched through this bank may have gone. */
static void generation_next(struct tlb *tlb, struct tlb_bank *bank)
{
    bank->generation = ++tlb->last_generation;
    bank->fetched_local = false;
    memset(bank->fetched, 0, sizeof(bank->fetched));
    for (unsigned word = 0; word < ARRAY_LEN(bank->live_fetches); word++) {
        for (uint64_t left = bank->live_fetches[word]; left; left &= left - 1)
            fetch_note(bank, word * 64 + (unsigned)__builtin_ctzll(left));
    }
}

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
    if (drop->keep_global && !bank->fetched_local)
        return;
    bank_drop_fetches(bank, drop);
    generation_next(tlb, bank);
}

static const struct drop drop_everything = {.all = true};

/* Make a bank hold nothing, for this key. */
static void bank_take(struct tlb *tlb, struct tlb_bank *bank, uint64_t key)
{
    if (bank->used) {
        bank_drop(tlb, bank, &drop_everything);
    } else {
        for (unsigned i = 0; i < TLB_ENTRIES; i++)
            entry_clear(&bank->entries[i]);
        for (unsigned i = 0; i < TLB_FETCHES; i++)
            bank->fetches[i].tag = TLB_NO_TAG;
        generation_next(tlb, bank);
    }
    bank->key = key;
    names_refresh(tlb, bank);
}

struct tlb_bank *tlb_select(struct tlb *tlb, uint64_t key)
{
    struct tlb_bank *bank = tlb->banks;
    for (unsigned i = 0; i < TLB_BANKS; i++) {
        if (tlb->banks[i].used && tlb->banks[i].key == key) {
            bank = &tlb->banks[i];
            break;
        }
        if (tlb->banks[i].used < bank->used)
            bank = &tlb->banks[i];
    }
    if (!bank->used || bank->key != key)
        bank_take(tlb, bank, key);
    bank->used = ++tlb->clock;
    tlb->current = bank;
    return bank;
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

static void insert_fetch(struct tlb_bank *bank, const struct tlb_fill *fill, uint64_t page)
{
    unsigned slot = (page >> PAGE_BITS) & (TLB_FETCHES - 1);
    bank->fetches[slot] = (struct tlb_fetch){
        .tag = page, .addend = (uint64_t)(uintptr_t)fill->host - page, .page = fill->pa & PAGE_MASK};
    bank->fetch_attributes[slot] = (uint8_t)attributes_of(fill);
    set_add(bank->live_fetches, ARRAY_LEN(bank->live_fetches), slot);
    fetch_note(bank, slot);
}

static void large_remember(struct tlb *tlb, uint64_t va, unsigned page_bits)
{
    unsigned unit = 0;
    while (unit < LARGE_UNITS - 1 && large_units[unit] < page_bits)
        unit++;
    set_add(tlb->large_seen[unit][va >> 63], LARGE_WORDS, va >> large_units[unit]);
}

static bool large_may_hold(const struct tlb *tlb, uint64_t va)
{
    for (unsigned unit = 0; unit < LARGE_UNITS; unit++) {
        if (set_holds(tlb->large_seen[unit][va >> 63], LARGE_WORDS, va >> large_units[unit]))
            return true;
    }
    return false;
}

void tlb_insert(struct tlb *tlb, const struct tlb_fill *fill)
{
    assert(fill->page_bits >= PAGE_BITS && fill->page_bits < 64);
    struct tlb_bank *bank = tlb->current;
    uint64_t page = fill->va & PAGE_MASK;
    if (fill->host && (fill->fast & (TLB_READ | TLB_WRITE)))
        insert_data(bank, fill, page);
    if (fill->host && (fill->fast & TLB_FETCH))
        insert_fetch(bank, fill, page);
    if (fill->page_bits > PAGE_BITS)
        large_remember(tlb, page, fill->page_bits);
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
        if (!bank->used || (!selected && keep_global))
            continue;
        if (selected)
            bank_drop(tlb, bank, &drop);
        names_refresh(tlb, bank);
    }
}

void tlb_flush_all(struct tlb *tlb)
{
    tlb_flush_context(tlb, 0, 0, false);
    memset(tlb->large_seen, 0, sizeof(tlb->large_seen));
}

static void large_seen_again(void *opaque, uint64_t va, unsigned page_bits)
{
    large_remember(opaque, va, page_bits);
}

static void bank_large_remember(struct tlb *tlb, const struct tlb_bank *bank)
{
    for (unsigned slot = 0; slot < TLB_ENTRIES; slot++) {
        unsigned page_bits = bank->entries[slot].page & TLB_PAGE_BITS_MASK;
        if (set_holds(bank->live, ARRAY_LEN(bank->live), slot) && page_bits > PAGE_BITS)
            large_remember(tlb, entry_va(&bank->entries[slot]), page_bits);
    }
    for (unsigned slot = 0; slot < TLB_FETCHES; slot++) {
        unsigned page_bits = bank->fetch_attributes[slot] & TLB_PAGE_BITS_MASK;
        if (set_holds(bank->live_fetches, ARRAY_LEN(bank->live_fetches), slot) && page_bits > PAGE_BITS)
            large_remember(tlb, bank->fetches[slot].tag, page_bits);
    }
}

/* Forget the large pages that aren't cached any more: a guest that splits one flushes its small pages from
 * now on, and should pay the search once. */
static void large_forget(struct tlb *tlb)
{
    memset(tlb->large_seen, 0, sizeof(tlb->large_seen));
    for (unsigned i = 0; i < TLB_BANKS; i++) {
        if (tlb->banks[i].used)
            bank_large_remember(tlb, &tlb->banks[i]);
    }
    tlb_second_each_large(tlb->second, large_seen_again, tlb);
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
    /* The fetch slot may have been taken by another page since, and the jump cache still know this one. */
    if (!set_holds(bank->fetched, ARRAY_LEN(bank->fetched), va >> PAGE_BITS))
        return;
    slot = (va >> PAGE_BITS) & (TLB_FETCHES - 1);
    if (set_holds(bank->live_fetches, ARRAY_LEN(bank->live_fetches), slot) &&
        drops(&drop, bank->fetches[slot].tag, bank->fetch_attributes[slot])) {
        bank->fetches[slot].tag = TLB_NO_TAG;
        bank->live_fetches[slot / 64] &= ~((uint64_t)1 << (slot % 64));
    }
    generation_next(tlb, bank);
}

void tlb_flush_page(struct tlb *tlb, uint64_t va, uint64_t key, uint64_t mask, bool keep_global)
{
    va &= PAGE_MASK;
    bool large = large_may_hold(tlb, va);
    const struct drop drop = {.va = va, .keep_global = keep_global};
    for (unsigned i = 0; i < TLB_BANKS; i++) {
        struct tlb_bank *bank = &tlb->banks[i];
        if (!bank->used || ((bank->key ^ key) & mask) != 0)
            continue;
        if (large)
            bank_drop(tlb, bank, &drop);
        else
            bank_drop_page(tlb, bank, va, keep_global);
    }
    if (large) {
        tlb_second_drop_large(tlb->second, va, keep_global);
        large_forget(tlb);
    } else {
        tlb_second_drop(tlb->second, va, keep_global);
    }
}

/* Take fast permission for a physical page out of one bank. */
static void bank_protect(struct tlb *tlb, struct tlb_bank *bank, uint64_t pa, bool all)
{
    for (unsigned word = 0; word < ARRAY_LEN(bank->live); word++) {
        for (uint64_t left = bank->live[word]; left; left &= left - 1) {
            unsigned bit = (unsigned)__builtin_ctzll(left);
            struct tlb_entry *entry = &bank->entries[word * 64 + bit];
            if ((entry->page & PAGE_MASK) != pa)
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
            if (bank->fetches[slot].page != pa)
                continue;
            bank->fetches[slot].tag = TLB_NO_TAG;
            bank->live_fetches[word] &= ~((uint64_t)1 << bit);
        }
    }
    if (all)
        generation_next(tlb, bank);
}

void tlb_protect_page(struct tlb *tlb, uint64_t pa, bool all)
{
    for (unsigned i = 0; i < TLB_BANKS; i++) {
        if (tlb->banks[i].used)
            bank_protect(tlb, &tlb->banks[i], pa & PAGE_MASK, all);
    }
}
