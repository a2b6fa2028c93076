/*
 * The second level of the TLB: a larger set-associative table behind the banks, one 4 KiB page an entry,
 * tagged with the page and the context. It keeps what a walker found, not what may be fast: that changes
 * without the guest's knowing.
 *
 * Contexts have names here, numbers that are never used twice: flushing a context gives it a new name, and
 * what was tagged with the old one can't be found any more. A global translation is tagged with the name of
 * the class of contexts that differ in their address space only.
 */
#pragma once

#include "softmmu/tlb.h"

struct tlb_second;

struct tlb_second *tlb_second_create(void);
void tlb_second_destroy(struct tlb_second *second);

/* The present name of a context, or of the class of contexts that share global translations. */
uint64_t tlb_second_name(struct tlb_second *second, uint64_t key, bool shared);

/* Give new names to the contexts selected, and to the classes selected unless keep_global. `space` is the key
 * bits that a class's key lacks. Names asked for earlier are to be asked for again. */
void tlb_second_rename(struct tlb_second *second, uint64_t key, uint64_t mask, uint64_t space,
                       bool keep_global);

void tlb_second_insert(struct tlb_second *second, const struct tlb_fill *fill, uint64_t name);
bool tlb_second_find(struct tlb_second *second, uint64_t va, uint64_t own, uint64_t shared,
                     struct tlb_fill *found);

/* Drop the 4 KiB page of va, in every context; or every page whose guest page holds va. */
void tlb_second_drop(struct tlb_second *second, uint64_t va, bool keep_global);
void tlb_second_drop_large(struct tlb_second *second, uint64_t va, bool keep_global);

/* Each cached 4 KiB piece of a larger page. */
void tlb_second_each_large(struct tlb_second *second,
                           void (*fn)(void *opaque, uint64_t va, unsigned page_bits), void *opaque);
