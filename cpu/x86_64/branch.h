/*
 * The ways from block to block that handlers of branches take: links within a page. What is not linked yet,
 * or elsewhere, is for the slow functions in exec_branch.c.
 */
#pragma once

#include "cpu/x86_64/blocks.h"

/* Both: i is the block's last instruction. */
x86_handler x86_taken_slow;
x86_handler x86_fallen_slow;

/* Into a block: count its instructions as retired, unless that would go past the limit. */
INLINE const struct x86_insn *x86_enter(struct x86_core *c, const struct x86_insn *first,
                                        struct tlb_bank *bank, uint64_t pc)
{
    uint64_t icount = c->vcpu.icount + x86_block_of_first(first)->count;
    if (unlikely(icount > __atomic_load_n(&c->vcpu.limit, __ATOMIC_RELAXED)))
        TAIL return x86_leave_at(c, first, bank, pc);
    c->vcpu.icount = icount;
    c->s.gpr[X86_BLOCK] = pc;
    TAIL return x86_dispatch(c, first, bank, pc);
}

/* i, a block's last instruction, jumps by its immediate (where code is flat). */
INLINE X86_HANDLER(x86_taken)
{
    const struct x86_links *links = x86_links_of(i + 1);
    if (unlikely(!links->taken))
        TAIL return x86_taken_slow(c, i, bank, pc);
    TAIL return x86_enter(c, links->taken, bank, pc + (uint64_t)links->taken_by);
}

/* i, a block's last instruction, doesn't jump. */
INLINE X86_HANDLER(x86_fallen)
{
    const struct x86_links *links = x86_links_of(i + 1);
    if (unlikely(!links->fallen))
        TAIL return x86_fallen_slow(c, i, bank, pc);
    TAIL return x86_enter(c, links->fallen, bank, pc + (uint64_t)links->fallen_by);
}
