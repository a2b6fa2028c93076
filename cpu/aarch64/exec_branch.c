/*
 * Branches, and the ways from block to block: links within a page, the jump cache between pages, and the
 * look-up behind both.
 */
#include "cpu/aarch64/branch.h"
#include "cpu/aarch64/decode.h"
#include "cpu/aarch64/mmu.h"
#include "cpu/aarch64/pauth.h"

A64_HANDLER(leave_at)
{
    (void)i, (void)bank;
    c->s.pc = pc;
    return a64_leave();
}

A64_HANDLER(leave_after)
{
    (void)bank;
    c->s.pc = a64_pc(i, pc) + 4;
    return a64_leave();
}

/* Find or make the block at pc and remember it. When that fails the outer loop tries again, and raises. */
static COLD const struct a64_insn *jump_slow(struct aarch64_core *c, const struct a64_insn *i,
                                             struct tlb_bank *bank, uint64_t pc)
{
    (void)i;
    pc = aarch64_branch_address(c, pc);
    c->s.pc = pc;
    const struct a64_insn *first = aarch64_block_at(c, pc);
    if (!first)
        return a64_leave();
    if (!(a64_block_of_first(first)->mode & MODE_GUARDED))
        c->s.btype = 0;
    TAIL return a64_enter(c, first, bank, pc);
}

/* To pc, by the jump cache. */
INLINE const struct a64_insn *jump(struct aarch64_core *c, const struct a64_insn *i, struct tlb_bank *bank,
                                   uint64_t pc)
{
    const struct aarch64_jump *entry = aarch64_jump_slot(c, pc);
    if (likely(entry->pc == pc && entry->key == c->jump_key))
        TAIL return a64_enter(c, entry->first, bank, pc);
    TAIL return jump_slow(c, i, bank, pc);
}

/* Likewise for an indirect branch, whose BTYPE is imm. Only guarded pages look at it, so elsewhere it stays
 * 0. */
INLINE const struct a64_insn *jump_indirect(struct aarch64_core *c, const struct a64_insn *i,
                                            struct tlb_bank *bank, uint64_t pc)
{
    const struct aarch64_jump *entry = aarch64_jump_slot(c, pc);
    bool hit = likely(entry->pc == pc && entry->key == c->jump_key);
    if (i->imm && (!hit || (a64_block_of_first(entry->first)->mode & MODE_GUARDED)))
        c->s.btype = (uint8_t)i->imm;
    if (hit)
        TAIL return a64_enter(c, entry->first, bank, pc);
    TAIL return jump_slow(c, i, bank, pc);
}

/*
 * A link that isn't set: the target is in another page, or wasn't reached before. Links hold within a virtual
 * page only, so whatever maps the one block maps the other; but both must have been decoded from one physical
 * page, which is compared because a page table may change before its flush.
 */
static __attribute__((noinline)) const struct a64_insn *
link_make(struct aarch64_core *c, const struct a64_insn *end, uint64_t target, bool taken)
{
    c->s.pc = target;
    struct a64_links *links = a64_links_of(end);
    uint64_t from = a64_block_of_end(end)->pa, generation = block_generation(c->blocks);
    const struct a64_insn *first = aarch64_block_at(c, target);
    if (first && generation == block_generation(c->blocks) &&
        (a64_block_of_first(first)->pa ^ from) < PAGE_SIZE)
        *(taken ? &links->taken : &links->fallen) = first;
    return first;
}

COLD A64_HANDLER(taken_slow)
{
    uint64_t target = pc + (uint64_t)(int64_t)i->imm;
    if ((target ^ pc) >= PAGE_SIZE)
        TAIL return jump(c, i, bank, target);
    const struct a64_insn *first = link_make(c, i + 1, target, true);
    if (!first)
        return a64_leave();
    TAIL return a64_enter(c, first, bank, target);
}

/* i is the end slot. */
COLD A64_HANDLER(fallen_slow)
{
    uint64_t target = a64_pc(i, pc);
    if ((target ^ pc) >= PAGE_SIZE)
        TAIL return jump(c, i, bank, target);
    const struct a64_insn *first = link_make(c, i, target, false);
    if (!first)
        return a64_leave();
    TAIL return a64_enter(c, first, bank, target);
}

A64_HANDLER(block_end)
{
    TAIL return a64_fallen(c, i, bank, pc);
}

A64_HANDLER(dropped)
{
    c->vcpu.icount -= a64_block_of_first(i)->count;
    TAIL return jump_slow(c, i, bank, pc);
}

/* Arm ARM, "Branch Target exception": ISS is the BTYPE. */
A64_HANDLER(guard)
{
    unsigned type = c->s.btype;
    if (unlikely(!((uint32_t)i->imm >> type & 1))) {
        c->fault = (struct aarch64_fault){.ec = EC_BTI, .iss = type};
        TAIL return a64_raise(c, i, bank, pc);
    }
    c->s.btype = 0;
    TAIL return a64_next(c, i, bank, pc);
}

/* ---- immediate ---- */

A64_HANDLER(b)
{
    TAIL return a64_taken(c, i, bank, pc);
}

A64_HANDLER(b__far)
{
    TAIL return jump(c, i, bank, pc + (uint64_t)(int64_t)i->imm);
}

A64_HANDLER(bl)
{
    c->s.x[REG_LR] = a64_pc(i, pc) + 4;
    TAIL return a64_taken(c, i, bank, pc);
}

A64_HANDLER(bl__far)
{
    c->s.x[REG_LR] = a64_pc(i, pc) + 4;
    TAIL return jump(c, i, bank, pc + (uint64_t)(int64_t)i->imm);
}

#define BRANCH(name, condition)                                                                              \
    A64_HANDLER(name)                                                                                        \
    {                                                                                                        \
        if (condition)                                                                                       \
            TAIL return a64_taken(c, i, bank, pc);                                                           \
        TAIL return a64_fallen(c, i + 1, bank, pc);                                                          \
    }
#define B_COND(id, cond) BRANCH(id, a64_holds(c, cond))
A64_CONDITIONS(B_COND, b)
BRANCH(cbz_w, (uint32_t)c->s.x[i->rn] == 0)
BRANCH(cbz_x, c->s.x[i->rn] == 0)
BRANCH(cbnz_w, (uint32_t)c->s.x[i->rn] != 0)
BRANCH(cbnz_x, c->s.x[i->rn] != 0)
BRANCH(tbz, !(c->s.x[i->rn] >> i->rm & 1))
BRANCH(tbnz, c->s.x[i->rn] >> i->rm & 1)

/* ---- register ---- */

A64_HANDLER(br)
{
    (void)pc;
    TAIL return jump_indirect(c, i, bank, c->s.x[i->rn]);
}

A64_HANDLER(blr)
{
    uint64_t target = c->s.x[i->rn];
    c->s.x[REG_LR] = a64_pc(i, pc) + 4;
    TAIL return jump_indirect(c, i, bank, target);
}

A64_HANDLER(ret)
{
    (void)pc;
    TAIL return jump(c, i, bank, c->s.x[i->rn]);
}

/* With authentication: `target` is an expression that gives the address or sets c->fault. */
#define AUTHENTICATED(name, link, pointer, modifier, key)                                                    \
    A64_HANDLER(name)                                                                                        \
    {                                                                                                        \
        uint64_t target = aarch64_authenticate(c, pointer, modifier, key, true);                             \
        if (unlikely(c->fault.ec))                                                                           \
            TAIL return a64_raise(c, i, bank, pc);                                                           \
        if (link)                                                                                            \
            c->s.x[REG_LR] = a64_pc(i, pc) + 4;                                                              \
        TAIL return jump_indirect(c, i, bank, target);                                                       \
    }
AUTHENTICATED(braa, false, c->s.x[i->rn], c->s.x[i->rm], KEY_IA)
AUTHENTICATED(brab, false, c->s.x[i->rn], c->s.x[i->rm], KEY_IB)
AUTHENTICATED(braaz, false, c->s.x[i->rn], 0, KEY_IA)
AUTHENTICATED(brabz, false, c->s.x[i->rn], 0, KEY_IB)
AUTHENTICATED(blraa, true, c->s.x[i->rn], c->s.x[i->rm], KEY_IA)
AUTHENTICATED(blrab, true, c->s.x[i->rn], c->s.x[i->rm], KEY_IB)
AUTHENTICATED(blraaz, true, c->s.x[i->rn], 0, KEY_IA)
AUTHENTICATED(blrabz, true, c->s.x[i->rn], 0, KEY_IB)
AUTHENTICATED(retaa, false, c->s.x[REG_LR], c->s.x[REG_SP], KEY_IA)
AUTHENTICATED(retab, false, c->s.x[REG_LR], c->s.x[REG_SP], KEY_IB)
