/*
 * The ways from block to block that handlers of branches take: links within a page. What is not linked yet,
 * or elsewhere, is for the slow functions in exec_branch.c.
 */
#pragma once

#include "cpu/aarch64/blocks.h"

/* i is the branch; it has retired. */
a64_handler a64_taken_slow;

/* Into a block, unless its instructions would go past the limit. */
INLINE const struct a64_insn *a64_enter(struct aarch64_core *c, const struct a64_insn *first,
                                        struct tlb_bank *bank, uint64_t pc)
{
    uint64_t icount = c->vcpu.icount + a64_block_of_first(first)->count;
    if (unlikely(icount > __atomic_load_n(&c->vcpu.limit, __ATOMIC_RELAXED)))
        TAIL return a64_leave_at(c, first, bank, pc);
    TAIL return a64_dispatch(c, first, bank, pc);
}

/* i, with a link behind it, jumps to pc + imm. */
INLINE const struct a64_insn *a64_taken(struct aarch64_core *c, const struct a64_insn *i,
                                        struct tlb_bank *bank, uint64_t pc)
{
    const struct a64_insn *first = a64_link_at(i + 1)->first;
    a64_retire(c, i);
    if (unlikely(!first))
        TAIL return a64_taken_slow(c, i, bank, pc);
    TAIL return a64_enter(c, first, bank, pc + (uint64_t)(int64_t)i->imm);
}

/* i, with a link behind it, is a conditional branch and doesn't jump. */
INLINE const struct a64_insn *a64_fallen(struct aarch64_core *c, const struct a64_insn *i,
                                         struct tlb_bank *bank, uint64_t pc)
{
    TAIL return a64_dispatch(c, i + 2, bank, pc);
}
