/*
 * Branches, and the ways from block to block: links within a page, the jump cache between pages, and the
 * look-up behind both.
 */
#include "cpu/aarch64/branch.h"
#include "cpu/aarch64/decode.h"
#include "cpu/aarch64/mmu.h"
#include "cpu/aarch64/pauth.h"
#include "cpu/aarch64/pmu.h"

A64_HANDLER(leave_at)
{
    (void)i, (void)bank;
    c->s.pc = pc;
    return a64_leave();
}

A64_HANDLER(leave_after)
{
    (void)bank;
    a64_retire(c, i);
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
    TAIL return a64_enter(c, first, bank, pc);
}

/* To pc, by the jump cache; what is jumped from has retired. */
INLINE const struct a64_insn *jump(struct aarch64_core *c, const struct a64_insn *i, struct tlb_bank *bank,
                                   uint64_t pc)
{
    const struct aarch64_jump *entry = aarch64_jump_slot(c, pc);
    if (likely(entry->pc == pc && entry->key == c->jump_key))
        TAIL return a64_enter(c, entry->first, bank, pc);
    TAIL return jump_slow(c, i, bank, pc);
}

/* Likewise for an indirect branch, whose BTYPE is imm. */
INLINE const struct a64_insn *jump_indirect(struct aarch64_core *c, const struct a64_insn *i,
                                            struct tlb_bank *bank, uint64_t pc)
{
    a64_retire(c, i);
    aarch64_btype_set(c, (unsigned)i->imm);
    TAIL return jump(c, i, bank, pc);
}

/*
 * A link that isn't set: the target is in another page, or wasn't reached before. Links hold within a virtual
 * page only, so whatever maps the one block maps the other; but both must have been decoded from one physical
 * page, which is compared because a page table may change before its flush.
 */
static __attribute__((noinline)) const struct a64_insn *link_make(struct aarch64_core *c,
                                                                  struct a64_link *link, uint64_t target)
{
    c->s.pc = target;
    uint64_t from = link->pa, generation = block_generation(c->blocks);
    const struct a64_insn *first = aarch64_block_at(c, target);
    if (first && generation == block_generation(c->blocks) &&
        (a64_block_of_first(first)->pa ^ from) < PAGE_SIZE)
        link->first = first;
    return first;
}

COLD A64_HANDLER(taken_slow)
{
    uint64_t target = pc + (uint64_t)(int64_t)i->imm;
    if ((target ^ pc) >= PAGE_SIZE)
        TAIL return jump(c, i, bank, target);
    const struct a64_insn *first = link_make(c, a64_link_at(i + 1), target);
    if (!first)
        return a64_leave();
    TAIL return a64_enter(c, first, bank, target);
}

/* Past a block's end for the first time, or into another page; i is the end slot, and what is before it has
 * retired. */
static COLD A64_HANDLER(end_slow)
{
    uint64_t target = a64_pc(i, pc);
    if ((target ^ pc) >= PAGE_SIZE)
        TAIL return jump(c, i, bank, target);
    c->s.pc = target;
    unsigned more = i->rm ? aarch64_block_grow(c, i, pc) : 0;
    if (more) {
        if (c->vcpu.icount + more > __atomic_load_n(&c->vcpu.limit, __ATOMIC_RELAXED))
            return a64_leave();
        c->vcpu.icount -= i->offset;
        TAIL return a64_dispatch(c, i, bank, pc);
    }
    const struct a64_insn *first = c->resync ? NULL : link_make(c, a64_link_at(i + 1), target);
    if (!first)
        return a64_leave();
    TAIL return a64_enter(c, first, bank, target);
}

A64_HANDLER(block_end)
{
    const struct a64_insn *first = a64_link_at(i + 1)->first;
    c->vcpu.icount += i->offset;
    if (unlikely(!first))
        TAIL return a64_end_slow(c, i, bank, pc);
    TAIL return a64_enter(c, first, bank, a64_pc(i, pc));
}

A64_HANDLER(dropped)
{
    TAIL return jump_slow(c, i, bank, pc);
}

/* Arm ARM, "Branch Target exception": ISS is the BTYPE. */
A64_HANDLER(guard)
{
    unsigned type = aarch64_btype(c);
    if (unlikely(!((uint32_t)i->imm >> type & 1))) {
        c->fault = (struct aarch64_fault){.ec = EC_BTI, .iss = type};
        TAIL return a64_raise(c, i, bank, pc);
    }
    TAIL return a64_next(c, i, bank, pc);
}

A64_HANDLER(access_counted)
{
    c->counting.events[PMU_EVENT_ACCESS]++;
    TAIL return a64_next(c, i, bank, pc);
}

/* ---- calls and returns ---- */

/* i calls; its return is to be looked for at `slot`. */
INLINE void call(struct aarch64_core *c, const struct a64_insn *i, const struct a64_insn *slot, uint64_t pc)
{
    uint64_t to = a64_pc(i, pc) + 4;
    c->s.x[REG_LR] = to;
    c->returns[++c->calls % ARRAY_LEN(c->returns)] =
        (struct aarch64_return){.pc = to, .key = c->jump_key, .link = a64_link_at(slot)};
}

/* The latest call's return, for the first time. */
static COLD const struct a64_insn *return_slow(struct aarch64_core *c, const struct a64_insn *i,
                                               struct tlb_bank *bank, uint64_t pc)
{
    /* A call at the end of its page returns to another one. */
    if (!(pc & ~PAGE_MASK))
        TAIL return jump(c, i, bank, pc);
    const struct a64_insn *first = link_make(c, c->returns[(c->calls + 1) % ARRAY_LEN(c->returns)].link, pc);
    if (!first)
        return a64_leave();
    TAIL return a64_enter(c, first, bank, pc);
}

/* To pc, which mostly is where the latest call came from. That its page is still mapped as it was, the key
 * says. */
INLINE const struct a64_insn *jump_back(struct aarch64_core *c, const struct a64_insn *i,
                                        struct tlb_bank *bank, uint64_t pc)
{
    const struct aarch64_return *latest = &c->returns[c->calls-- % ARRAY_LEN(c->returns)];
    a64_retire(c, i);
    if (unlikely(latest->pc != pc || latest->key != c->jump_key))
        TAIL return jump(c, i, bank, pc);
    const struct a64_insn *first = latest->link->first;
    if (unlikely(!first))
        TAIL return return_slow(c, i, bank, pc);
    TAIL return a64_enter(c, first, bank, pc);
}

/* ---- immediate ---- */

A64_HANDLER(b)
{
    TAIL return a64_taken(c, i, bank, pc);
}

A64_HANDLER(b__far)
{
    a64_retire(c, i);
    TAIL return jump(c, i, bank, pc + (uint64_t)(int64_t)i->imm);
}

A64_HANDLER(bl)
{
    call(c, i, i + 2, pc);
    TAIL return a64_taken(c, i, bank, pc);
}

A64_HANDLER(bl__far)
{
    call(c, i, i + 2, pc);
    a64_retire(c, i);
    TAIL return jump(c, i, bank, pc + (uint64_t)(int64_t)i->imm);
}

#define BRANCH(name, condition)                                                                              \
    A64_HANDLER(name)                                                                                        \
    {                                                                                                        \
        if (condition)                                                                                       \
            TAIL return a64_taken(c, i, bank, pc);                                                           \
        TAIL return a64_fallen(c, i, bank, pc);                                                              \
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
    call(c, i, i + 1, pc);
    TAIL return jump_indirect(c, i, bank, target);
}

A64_HANDLER(ret)
{
    (void)pc;
    TAIL return jump_back(c, i, bank, c->s.x[i->rn]);
}

/* With authentication: `target` is an expression that gives the address or sets c->fault. */
#define AUTHENTICATED(name, pointer, modifier, key, before, go)                                              \
    A64_HANDLER(name)                                                                                        \
    {                                                                                                        \
        uint64_t target = aarch64_authenticate(c, pointer, modifier, key, true);                             \
        if (unlikely(c->fault.ec))                                                                           \
            TAIL return a64_raise(c, i, bank, pc);                                                           \
        before;                                                                                              \
        TAIL return go(c, i, bank, target);                                                                  \
    }
#define JUMP(name, modifier, key) AUTHENTICATED(name, c->s.x[i->rn], modifier, key, (void)0, jump_indirect)
#define CALL(name, modifier, key)                                                                            \
    AUTHENTICATED(name, c->s.x[i->rn], modifier, key, call(c, i, i + 1, pc), jump_indirect)
#define RETURN(name, key) AUTHENTICATED(name, c->s.x[REG_LR], c->s.x[REG_SP], key, (void)0, jump_back)
JUMP(braa, c->s.x[i->rm], KEY_IA)
JUMP(brab, c->s.x[i->rm], KEY_IB)
JUMP(braaz, 0, KEY_IA)
JUMP(brabz, 0, KEY_IB)
CALL(blraa, c->s.x[i->rm], KEY_IA)
CALL(blrab, c->s.x[i->rm], KEY_IB)
CALL(blraaz, 0, KEY_IA)
CALL(blrabz, 0, KEY_IB)
RETURN(retaa, KEY_IA)
RETURN(retab, KEY_IB)
