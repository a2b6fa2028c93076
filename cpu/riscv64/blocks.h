/*
 * RISC-V's use of the block cache: how a block is laid out, and finding or making the one at an address.
 *
 * A block is [pseudo-instructions] instructions, the end slot, the links. The end slot runs when the last
 * instruction didn't jump; its offset is the block's length and its imm the number of slots before it.
 * Pseudo-instructions (breakpoint checks and the like) have the offset of the instruction behind them.
 */
#pragma once

#include "cpu/riscv64/interp.h"

#define RISCV_BLOCK_INSNS 64
#define RISCV_BLOCK_SLOTS (RISCV_BLOCK_INSNS + 5) /* two in front, one in the middle, end, links */

INLINE const struct riscv_insn *riscv_block_first(const struct block *block)
{
    return (const struct riscv_insn *)(const void *)block->insns;
}

INLINE const struct block *riscv_block_of_first(const struct riscv_insn *first)
{
    return (const struct block *)((uintptr_t)first - offsetof(struct block, insns));
}

INLINE const struct block *riscv_block_of_end(const struct riscv_insn *end)
{
    return riscv_block_of_first(end - end->imm);
}

/* Blocks belong to the one thread that runs them, and only links change after they were made. */
INLINE struct riscv_links *riscv_links_of(const struct riscv_insn *end)
{
    return (struct riscv_links *)(uintptr_t)(end + 1);
}

INLINE struct riscv_jump *riscv_jump_slot(struct riscv_core *c, uint64_t pc)
{
    return &c->jumps[(pc >> 1 ^ pc >> (JUMP_BITS + 1)) & ((1 << JUMP_BITS) - 1)];
}

/*
 * The first instruction of the block at pc, from the cache or decoded now, and put into the jump cache. NULL:
 * it can't be fetched (core->fault is set), the page allows no cached code, or the context changed meanwhile;
 * the outer loop sorts that out. State is true, pc included: other vCPUs' work may be done here.
 */
const struct riscv_insn *riscv_block_at(struct riscv_core *c, uint64_t pc);

/* One instruction at pc as a block of its own, not cached: for single steps, traces, and pages of which not
 * every byte may be fetched. No breakpoints. NULL: core->fault is set. */
const struct riscv_insn *riscv_block_single(struct riscv_core *c, uint64_t pc);

/* Forget all decoded code. */
void riscv_blocks_drop_all(struct riscv_core *c);

/* Pseudo-instructions, and ways out of a block that put state.pc right. */
riscv_handler riscv_block_end;
riscv_handler riscv_break_check;
riscv_handler riscv_jump_check;
riscv_handler riscv_straddle;
riscv_handler riscv_dropped;
riscv_handler riscv_leave_at;
