#include "softmmu/tlb_second.h"

#include <stdlib.h>
#include <string.h>

#include "host/memory.h"

#define SET_BITS 10
#define SETS     (1u << SET_BITS)
#define WAYS     8
#define NAMES    64

#define TAG_VALID 0x80u /* beside TLB_GLOBAL and the page size, which are as in tlb_entry.page */

/* Tags first: a look-up that misses touches one cache line. */
struct set {
    uint64_t tags[WAYS]; /* virtual page | TAG_VALID | attributes */
    uint64_t names[WAYS];
    uint64_t pages[WAYS]; /* physical page | permission */
};

struct name {
    uint64_t key;
    uint64_t name; /* 0: free */
    bool shared;
};

struct tlb_second {
    struct set sets[SETS];
    struct name names[NAMES];
    uint64_t last_name;
    unsigned next_name; /* which one to replace */
    unsigned next_way;
};

struct tlb_second *tlb_second_create(void)
{
    /* Demand-zero: a guest that needs little of it costs little. */
    struct tlb_second *second = host_memory_reserve(sizeof(*second), NULL);
    if (!second)
        abort();
    return second;
}

void tlb_second_destroy(struct tlb_second *second)
{
    host_memory_unmap(second, sizeof(*second));
}

uint64_t tlb_second_name(struct tlb_second *second, uint64_t key, bool shared)
{
    struct name *name = second->names;
    while (name < second->names + NAMES && name->name && (name->key != key || name->shared != shared))
        name++;
    if (name == second->names + NAMES || !name->name) {
        name = &second->names[second->next_name++ % NAMES];
        *name = (struct name){.key = key, .shared = shared, .name = ++second->last_name};
    }
    return name->name;
}

void tlb_second_rename(struct tlb_second *second, uint64_t key, uint64_t mask, uint64_t space,
                       bool keep_global)
{
    if (mask == 0 && !keep_global) { /* everything: no name is worth keeping */
        memset(second->names, 0, sizeof(second->names));
        second->next_name = 0;
        return;
    }
    for (unsigned i = 0; i < NAMES; i++) {
        struct name *name = &second->names[i];
        uint64_t relevant = name->shared ? mask & ~space : mask;
        if (name->name && !(name->shared && keep_global) && ((name->key ^ key) & relevant) == 0)
            name->name = ++second->last_name;
    }
}

static struct set *set_of(struct tlb_second *second, uint64_t va)
{
    return &second->sets[(va >> PAGE_BITS) & (SETS - 1)];
}

void tlb_second_insert(struct tlb_second *second, const struct tlb_fill *fill, uint64_t name)
{
    struct set *set = set_of(second, fill->va);
    unsigned way = WAYS;
    for (unsigned i = 0; i < WAYS; i++) {
        bool free_way = !(set->tags[i] & TAG_VALID);
        bool same = !free_way && ((set->tags[i] ^ fill->va) & PAGE_MASK) == 0 && set->names[i] == name;
        if (same || (free_way && way == WAYS))
            way = i;
        if (same)
            break;
    }
    if (way == WAYS)
        way = second->next_way++ % WAYS;
    set->tags[way] = (fill->va & PAGE_MASK) | TAG_VALID | (fill->global ? TLB_GLOBAL : 0) | fill->page_bits;
    set->names[way] = name;
    set->pages[way] = (fill->pa & PAGE_MASK) | fill->permission;
}

bool tlb_second_find(struct tlb_second *second, uint64_t va, uint64_t own, uint64_t shared,
                     struct tlb_fill *found)
{
    const struct set *set = set_of(second, va);
    for (unsigned i = 0; i < WAYS; i++) {
        uint64_t tag = set->tags[i];
        if (((tag ^ va) & PAGE_MASK) != 0 || !(tag & TAG_VALID) ||
            (set->names[i] != own && set->names[i] != shared))
            continue;
        found->va = va & PAGE_MASK;
        found->pa = set->pages[i] & PAGE_MASK;
        found->permission = (uint8_t)(set->pages[i] & ~PAGE_MASK);
        found->page_bits = tag & TLB_PAGE_BITS_MASK;
        found->global = tag & TLB_GLOBAL;
        found->known = true;
        return true;
    }
    return false;
}

void tlb_second_drop(struct tlb_second *second, uint64_t va, bool keep_global)
{
    struct set *set = set_of(second, va);
    for (unsigned i = 0; i < WAYS; i++) {
        if (((set->tags[i] ^ va) & PAGE_MASK) == 0 && !(keep_global && (set->tags[i] & TLB_GLOBAL)))
            set->tags[i] = 0;
    }
}

void tlb_second_drop_large(struct tlb_second *second, uint64_t va, bool keep_global)
{
    for (unsigned s = 0; s < SETS; s++) {
        uint64_t *tags = second->sets[s].tags;
        for (unsigned i = 0; i < WAYS; i++) {
            if (((tags[i] & PAGE_MASK) ^ va) >> (tags[i] & TLB_PAGE_BITS_MASK) == 0 &&
                !(keep_global && (tags[i] & TLB_GLOBAL)))
                tags[i] = 0;
        }
    }
}
