/*
 * aarch64's use of the block cache: how a block is laid out, and finding or making the one at an address.
 *
 * A block is [pseudo-instruction] instructions, the end slot, the links. The end slot runs when the last
 * instruction didn't jump; its offset is the block's length and its imm the number of slots before it.
 * Instructions that do nothing have no slot.
 * Pseudo-instructions have the offset of the instruction behind them.
 */
#pragma once

#include "cpu/aarch64/interp.h"

#define A64_BLOCK_SLOTS                                                                                      \
    (2 * A64_BLOCK_MAX + 3) /* each may be followed by a check of SP; guard, end, links                      \
                             */

/* Behind a block's end slot: where it went before, within its page. NULL: not known yet, or elsewhere. */
struct a64_links {
    const struct a64_insn *taken, *fallen;
};
_Static_assert(sizeof(struct a64_links) == sizeof(struct a64_insn), "links take one slot");

INLINE const struct a64_insn *a64_block_first(const struct block *block)
{
    return (const struct a64_insn *)(const void *)block->insns;
}

INLINE const struct block *a64_block_of_first(const struct a64_insn *first)
{
    return (const struct block *)((uintptr_t)first - offsetof(struct block, insns));
}

INLINE const struct block *a64_block_of_end(const struct a64_insn *end)
{
    return a64_block_of_first(end - end->imm);
}

/* Blocks belong to the one thread that runs them, and only links change after they were made. */
INLINE struct a64_links *a64_links_of(const struct a64_insn *end)
{
    return (struct a64_links *)(uintptr_t)(end + 1);
}

INLINE struct aarch64_jump *aarch64_jump_slot(struct aarch64_core *c, uint64_t pc)
{
    return &c->jumps[(pc >> 2 ^ pc >> (JUMP_BITS + 2)) & ((1 << JUMP_BITS) - 1)];
}

/*
 * The first instruction of the block at pc, from the cache or decoded now, and put into the jump cache. NULL:
 * it can't be fetched (core->fault is set), the page allows no cached code, or the context changed meanwhile;
 * the outer loop sorts that out. State is true, pc included: other vCPUs' work may be done here.
 */
const struct a64_insn *aarch64_block_at(struct aarch64_core *c, uint64_t pc);

/* One instruction at pc as a block of its own, not cached. NULL: core->fault is set. */
const struct a64_insn *aarch64_block_single(struct aarch64_core *c, uint64_t pc);

/* Forget all decoded code. */
void aarch64_blocks_drop_all(struct aarch64_core *c);

/* Pseudo-instructions, and ways out of a block that put state.pc right. */
a64_handler a64_block_end;
a64_handler a64_guard;      /* a guarded page: imm is the set of BTYPEs its first instruction takes */
a64_handler a64_sp_written; /* SP changed: leave if its being aligned did */
a64_handler a64_dropped;
a64_handler a64_leave_at;
