/*
 * x86's use of the block cache: how a block is laid out, and finding or making the one at an address.
 *
 * A block is [pseudo-instructions] instructions, the end slot, the links. The end slot runs when the last
 * instruction didn't jump; its imm is the number of slots before it, its offset the block's length.
 * Pseudo-instructions have the offset and `left` of the instruction behind them.
 */
#pragma once

#include "cpu/x86_64/interp.h"

#define X86_BLOCK_INSNS 64
#define X86_BLOCK_SLOTS (X86_BLOCK_INSNS + 5) /* limit check, breakpoint check, straddle; end, links */

/* After a block's end slot. */
struct x86_links {
    /* First instructions of blocks of the same page, or NULL: not known yet, or elsewhere. */
    const struct x86_insn *taken, *fallen;
    int64_t taken_by, fallen_by; /* their RIP, from the block's own */
};
_Static_assert(sizeof(struct x86_links) <= sizeof(struct x86_insn), "links take one slot");

/* An instruction whose last bytes lie in the next page: they are compared with these each time, because which
 * page that is depends on the mapping. In front of the instruction as it was decoded from them. */
struct x86_straddle {
    x86_handler *run;
    uint8_t tail[X86_LENGTH_MAX];
    uint8_t tail_length;
    uint16_t offset;
    uint8_t length, left;
    uint8_t unused[4];
};
_Static_assert(sizeof(struct x86_straddle) == sizeof(struct x86_insn), "it takes one slot");
_Static_assert(offsetof(struct x86_straddle, offset) == offsetof(struct x86_insn, offset) &&
                   offsetof(struct x86_straddle, left) == offsetof(struct x86_insn, left),
               "x86_raise finds the same things in both");

INLINE const struct x86_insn *x86_block_first(const struct block *block)
{
    return (const struct x86_insn *)(const void *)block->insns;
}

INLINE const struct block *x86_block_of_first(const struct x86_insn *first)
{
    return (const struct block *)((uintptr_t)first - offsetof(struct block, insns));
}

INLINE const struct block *x86_block_of_end(const struct x86_insn *end)
{
    return x86_block_of_first(end - end->imm);
}

/* Blocks belong to the one thread that runs them, and only links change after they were made. */
INLINE struct x86_links *x86_links_of(const struct x86_insn *end)
{
    return (struct x86_links *)(uintptr_t)(end + 1);
}

INLINE uint64_t x86_code_linear(const struct x86_core *c, uint64_t rip)
{
    return (c->code_base + rip) & c->linear_mask;
}

INLINE struct x86_jump *x86_jump_slot(struct x86_core *c, uint64_t linear)
{
    return &c->jumps[(linear ^ linear >> JUMP_BITS) & ((1 << JUMP_BITS) - 1)];
}

/* Whether code may be at rip: canonical, or within CS's limit. False: #GP(0) is in c->fault. */
bool x86_code_valid(struct x86_core *c, uint64_t rip);

/*
 * The first instruction of the block at rip (which is valid), from the cache or decoded now, and put into the
 * jump cache. NULL: it can't be fetched (core->fault is set), it isn't in RAM, or the context changed
 * meanwhile; the outer loop sorts that out. State is true, rip included: other vCPUs' work may be done here.
 */
const struct x86_insn *x86_block_at(struct x86_core *c, uint64_t rip);

/* One instruction at rip as a block of its own, not cached: for single steps, traces, instructions near a
 * limit, and code in devices. No breakpoints. NULL: core->fault is set. */
const struct x86_insn *x86_block_single(struct x86_core *c, uint64_t rip);

/* Forget all decoded code. */
void x86_blocks_drop_all(struct x86_core *c);

/* Pseudo-instructions, and ways out of a block that put state.rip right. */
x86_handler x86_block_end;
x86_handler x86_limit_check;
x86_handler x86_straddle;
x86_handler x86_dropped;
x86_handler x86_leave_at;
