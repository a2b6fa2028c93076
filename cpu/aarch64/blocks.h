/*
 * aarch64's use of the block cache: how a block is laid out, and finding or making the one at an address.
 *
 * A block is [pseudo-instruction] instructions, and unless the last one jumps for good the end slot with its
 * link. Instructions that do nothing have no slot. A direct branch has a link behind it, a call one for where
 * it returns to (behind that, if it is direct). A conditional branch that isn't taken goes on behind its
 * link: the block ends there when it is made, but goes on when that is the first thing to happen then
 * (aarch64_block_grow). Pseudo-instructions have the offset of the instruction behind them; the end slot's
 * imm is the number of slots before it, its rm says whether the block may go on there.
 */
#pragma once

#include "cpu/aarch64/interp.h"

/* Each instruction may be followed by a link or a check of SP; guard, second link, end, link. Where accesses
 * are counted, instructions have three slots, and blocks fewer of them. */
#define A64_BLOCK_SLOTS       (2 * A64_BLOCK_MAX + 4)
#define A64_BLOCK_MAX_COUNTED (A64_BLOCK_MAX / 2)

/* Where a block went before, within its page. It takes one slot. */
struct a64_link {
    const struct a64_insn *first; /* NULL: not known yet, or elsewhere */
    uint64_t pa;                  /* of the block the link is in */
};
_Static_assert(sizeof(struct a64_link) == sizeof(struct a64_insn), "a link takes one slot");

INLINE const struct a64_insn *a64_block_first(const struct block *block)
{
    return (const struct a64_insn *)(const void *)block->insns;
}

INLINE const struct block *a64_block_of_first(const struct a64_insn *first)
{
    return (const struct block *)((uintptr_t)first - offsetof(struct block, insns));
}

/* Blocks belong to the one thread that runs them, and only links change while they are run. */
INLINE struct a64_link *a64_link_at(const struct a64_insn *slot)
{
    return (struct a64_link *)(uintptr_t)slot;
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

/*
 * At the end slot of a block that was entered at pc, for the first time: let the block go on here. Returns by
 * how many instructions, of which the slot has the first now; 0: it can't, or the context changed meanwhile
 * (core->resync is set). State as for aarch64_block_at.
 */
unsigned aarch64_block_grow(struct aarch64_core *c, const struct a64_insn *end, uint64_t pc);

/* One instruction at pc as a block of its own, not cached. NULL: core->fault is set. */
const struct a64_insn *aarch64_block_single(struct aarch64_core *c, uint64_t pc);

/* Forget where jumps, or calls, went. */
void aarch64_jumps_forget(struct aarch64_core *c);
void aarch64_returns_forget(struct aarch64_core *c);

/* Forget all decoded code. */
void aarch64_blocks_drop_all(struct aarch64_core *c);

/* Pseudo-instructions, and ways out of a block that put state.pc right. */
a64_handler a64_block_end;
a64_handler a64_guard;          /* a guarded page: imm is the set of BTYPEs its first instruction takes */
a64_handler a64_sp_written;     /* SP changed: leave if its being aligned did */
a64_handler a64_access_counted; /* the instruction behind it loads or stores */
a64_handler a64_dropped;
a64_handler a64_leave_at;
