/*
 * Jumps, branches, and the ways from block to block: links within a page, the jump cache between pages, and
 * the look-up behind both.
 */
#include "cpu/riscv64/blocks.h"
#include "cpu/riscv64/interp.h"

/* Into a block: count its instructions as retired, unless that would go past the limit. */
INLINE const struct riscv_insn *enter(struct riscv_core *c, const struct riscv_insn *first,
                                      struct tlb_bank *bank, uint64_t pc)
{
    uint64_t icount = c->vcpu.icount + riscv_block_of_first(first)->count;
    if (unlikely(icount > __atomic_load_n(&c->vcpu.limit, __ATOMIC_RELAXED)))
        TAIL return riscv_leave_at(c, first, bank, pc);
    c->vcpu.icount = icount;
    TAIL return dispatch(c, first, bank, pc);
}

const struct riscv_insn *riscv_leave_at(struct riscv_core *c, const struct riscv_insn *i,
                                        struct tlb_bank *bank, uint64_t pc)
{
    (void)i, (void)bank;
    c->s.pc = pc;
    return leave();
}

const struct riscv_insn *riscv_leave_after(struct riscv_core *c, const struct riscv_insn *i,
                                           struct tlb_bank *bank, uint64_t pc)
{
    (void)bank;
    c->s.pc = pc + 2 * (uint64_t)i[1].offset;
    return leave();
}

/* Find or make the block at pc and remember it. When that fails the outer loop tries again, and raises. */
static COLD const struct riscv_insn *jump_slow(struct riscv_core *c, const struct riscv_insn *i,
                                               struct tlb_bank *bank, uint64_t pc)
{
    (void)i;
    c->s.pc = pc;
    if (vcpu_limit_reached(&c->vcpu))
        return leave();
    const struct riscv_insn *first = riscv_block_at(c, pc);
    if (!first)
        return leave();
    TAIL return enter(c, first, bank, pc);
}

/* To pc, by the jump cache. */
INLINE const struct riscv_insn *jump(struct riscv_core *c, const struct riscv_insn *i, struct tlb_bank *bank,
                                     uint64_t pc)
{
    const struct riscv_jump *entry = riscv_jump_slot(c, pc);
    if (likely(entry->pc == pc && entry->key == c->jump_key))
        TAIL return enter(c, entry->first, bank, pc);
    TAIL return jump_slow(c, i, bank, pc);
}

/*
 * A link that isn't set: the target is in another page, or wasn't reached before. Links hold within a virtual
 * page only, so whatever maps the one block maps the other; but both must have been decoded from one physical
 * page, which is compared because a page table may change before its flush.
 */
static COLD const struct riscv_insn *link_make(struct riscv_core *c, const struct riscv_insn *i,
                                               struct tlb_bank *bank, uint64_t target, bool taken)
{
    c->s.pc = target;
    if (vcpu_limit_reached(&c->vcpu))
        return leave();
    struct riscv_links *links = riscv_links_of(i + 1);
    uint64_t from = riscv_block_of_end(i + 1)->pa, generation = block_generation(c->blocks);
    const struct riscv_insn *first = riscv_block_at(c, target);
    if (!first)
        return leave();
    if (generation == block_generation(c->blocks) && (riscv_block_of_first(first)->pa ^ from) < PAGE_SIZE)
        *(taken ? &links->taken : &links->fallen) = first;
    return enter(c, first, bank, target);
}

static COLD const struct riscv_insn *taken_slow(struct riscv_core *c, const struct riscv_insn *i,
                                                struct tlb_bank *bank, uint64_t pc)
{
    uint64_t target = pc + (uint64_t)(int64_t)i->imm;
    if ((target ^ pc) >= PAGE_SIZE)
        TAIL return jump(c, i, bank, target);
    return link_make(c, i, bank, target, true);
}

static COLD const struct riscv_insn *fallen_slow(struct riscv_core *c, const struct riscv_insn *i,
                                                 struct tlb_bank *bank, uint64_t pc)
{
    uint64_t target = pc + 2 * (uint64_t)i[1].offset;
    if ((target ^ pc) >= PAGE_SIZE)
        TAIL return jump(c, i, bank, target);
    return link_make(c, i, bank, target, false);
}

/* i, a block's last instruction, jumps to pc + imm. */
INLINE const struct riscv_insn *taken(struct riscv_core *c, const struct riscv_insn *i, struct tlb_bank *bank,
                                      uint64_t pc)
{
    const struct riscv_insn *first = riscv_links_of(i + 1)->taken;
    if (unlikely(!first))
        TAIL return taken_slow(c, i, bank, pc);
    TAIL return enter(c, first, bank, pc + (uint64_t)(int64_t)i->imm);
}

/* i, a block's last instruction, doesn't jump. */
INLINE const struct riscv_insn *fallen(struct riscv_core *c, const struct riscv_insn *i,
                                       struct tlb_bank *bank, uint64_t pc)
{
    const struct riscv_insn *first = riscv_links_of(i + 1)->fallen;
    if (unlikely(!first))
        TAIL return fallen_slow(c, i, bank, pc);
    TAIL return enter(c, first, bank, pc + 2 * (uint64_t)i[1].offset);
}

const struct riscv_insn *riscv_block_end(struct riscv_core *c, const struct riscv_insn *i,
                                         struct tlb_bank *bank, uint64_t pc)
{
    TAIL return fallen(c, i - 1, bank, pc);
}

#define BRANCH(name, condition)                                                                              \
    const struct riscv_insn *rv_##name(struct riscv_core *c, const struct riscv_insn *i,                     \
                                       struct tlb_bank *bank, uint64_t pc)                                   \
    {                                                                                                        \
        uint64_t a = c->s.x[i->rs1], b = c->s.x[i->rs2];                                                     \
        if (condition)                                                                                       \
            TAIL return taken(c, i, bank, pc);                                                               \
        TAIL return fallen(c, i, bank, pc);                                                                  \
    }

/* clang-format off */
BRANCH(beq,  a == b)
BRANCH(bne,  a != b)
BRANCH(blt,  (int64_t)a < (int64_t)b)
BRANCH(bge,  (int64_t)a >= (int64_t)b)
BRANCH(bltu, a < b)
BRANCH(bgeu, a >= b)
/* clang-format on */

const struct riscv_insn *rv_jal(struct riscv_core *c, const struct riscv_insn *i, struct tlb_bank *bank,
                                uint64_t pc)
{
    c->s.x[i->rd] = pc + 2 * (uint64_t)i[1].offset;
    TAIL return taken(c, i, bank, pc);
}

const struct riscv_insn *rv_jalr(struct riscv_core *c, const struct riscv_insn *i, struct tlb_bank *bank,
                                 uint64_t pc)
{
    uint64_t target = (c->s.x[i->rs1] + (uint64_t)(int64_t)i->imm) & ~(uint64_t)1;
    c->s.x[i->rd] = pc + 2 * (uint64_t)i[1].offset;
    TAIL return jump(c, i, bank, target);
}

/* Whether a branch of these bits is taken. */
static bool branch_taken(const struct riscv_core *c, uint32_t bits)
{
    uint64_t a = c->s.x[bits_get(bits, 15, 5)], b = c->s.x[bits_get(bits, 20, 5)];
    bool holds = bits >> 14 & 1 ? (bits >> 13 & 1 ? a < b : (int64_t)a < (int64_t)b) : a == b;
    return holds != (bits >> 12 & 1);
}

/*
 * On a hart without C, targets are multiples of 4, and it is the jump, not its target, that takes the
 * exception (Unpriv. 2.5). There the decoder puts this in front of every jump; imm has the jump's bits.
 */
const struct riscv_insn *riscv_jump_check(struct riscv_core *c, const struct riscv_insn *i,
                                          struct tlb_bank *bank, uint64_t pc)
{
    const struct riscv_insn *transfer = i + 1;
    uint32_t bits = (uint32_t)i->imm;
    bool jumps = (bits & 0x7f) != 0x63 || branch_taken(c, bits), indirect = (bits & 0x7f) == 0x67;
    uint64_t target = (indirect ? c->s.x[transfer->rs1] : pc) + (uint64_t)(int64_t)transfer->imm;
    if (!jumps || !(target & 2))
        TAIL return next(c, i, bank, pc);
    c->fault = (struct riscv_fault){EXC_FETCH_MISALIGNED, target & ~(uint64_t)1};
    TAIL return riscv_raise(c, i, bank, pc);
}

/* A block that was dropped: what ran into it goes on at the block that is there now. */
const struct riscv_insn *riscv_dropped(struct riscv_core *c, const struct riscv_insn *i,
                                       struct tlb_bank *bank, uint64_t pc)
{
    c->vcpu.icount -= riscv_block_of_first(i)->count;
    TAIL return jump_slow(c, i, bank, pc);
}
