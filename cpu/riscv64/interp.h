/*
 * The conventions of the RISC-V interpreter's handlers. One handler an instruction, named rv_<identifier in
 * the instruction table>; the table (insns.def) declares them all, and the decoder fills in struct riscv_insn
 * by the row's operand format. A handler ends with `TAIL return next(c, i, bank, pc);`.
 *
 * To add an instruction: a row in the right file under insns/, a handler in the exec_*.c of its family. A
 * handler that can fail sets nothing before it is sure, then ends with one of the riscv_raise functions.
 */
#pragma once

#include "cpu/interp.h"
#include "cpu/riscv64/mmu.h"

/*
 * A decoded instruction. `offset` counts 2-byte units from the block's first instruction, so that with pc
 * (the virtual address of that first instruction) each one knows its own address; i[1].offset gives the
 * next's.
 *
 * imm is the format's immediate; branches, jal and auipc have `2 * offset` added, so that pc + imm is final.
 * rd == 0 becomes 32 (a register nobody reads) where rd is an integer register; floating-point registers
 * index f[]. Formats with a rounding mode have it in bits 0..2 of imm, and rs3 in bits 8..12; 5 and 6 never
 * get here.
 */
struct riscv_insn {
    const struct riscv_insn *(*run)(struct riscv_core *c, const struct riscv_insn *i, struct tlb_bank *bank,
                                    uint64_t pc);
    int32_t imm;
    uint8_t rd, rs1, rs2;
    uint8_t offset;
};
_Static_assert(sizeof(struct riscv_insn) == 16, "two of them a half cache line");

/* After a block's last instruction: the slot that runs when it didn't jump, and the links. */
struct riscv_links {
    /* First instructions of blocks of the same page, or NULL: not known yet, or elsewhere. */
    const struct riscv_insn *taken, *fallen;
};
_Static_assert(sizeof(struct riscv_links) == sizeof(struct riscv_insn), "links take one slot");

typedef const struct riscv_insn *riscv_handler(struct riscv_core *c, const struct riscv_insn *i,
                                               struct tlb_bank *bank, uint64_t pc);

/* Declares every handler of the table. */
#define INSN(id, match, mask, format, ext, flags) riscv_handler rv_##id;
#include "cpu/riscv64/insns.def"
#undef INSN

/* Run i, of the block at pc. Without tail calls, the loop in run.c does that. */
INLINE const struct riscv_insn *dispatch(struct riscv_core *c, const struct riscv_insn *i,
                                         struct tlb_bank *bank, uint64_t pc)
{
#if INTERP_TAIL_CALLS
    TAIL return i->run(c, i, bank, pc);
#else
    (void)bank;
    c->loop_pc = pc;
    return i;
#endif
}

/* The one after i. */
INLINE const struct riscv_insn *next(struct riscv_core *c, const struct riscv_insn *i, struct tlb_bank *bank,
                                     uint64_t pc)
{
    TAIL return dispatch(c, i + 1, bank, pc);
}

/* Back to the outer loop; state.pc is set. */
INLINE const struct riscv_insn *leave(void)
{
    return NULL;
}

/*
 * Exceptions at i: these put the instruction count right, enter the trap handler and leave. riscv_raise takes
 * cause and tval from core->fault; the others are shorthands. riscv_illegal finds the instruction's bits for
 * tval itself.
 */
riscv_handler riscv_raise;
riscv_handler riscv_illegal;

/* Leave after i, with state.pc at the instruction behind it: for whatever changes what the outer loop looks
 * at (privilege, translation, interrupt enables, pending work). */
riscv_handler riscv_leave_after;

/*
 * The usual shapes of integer instructions. `a` is rs1, `b` is rs2, `imm` the immediate; the last argument is
 * the value of rd.
 */
#define RISCV_RR(name, value)                                                                                \
    const struct riscv_insn *rv_##name(struct riscv_core *c, const struct riscv_insn *i,                     \
                                       struct tlb_bank *bank, uint64_t pc)                                   \
    {                                                                                                        \
        uint64_t a = c->s.x[i->rs1], b = c->s.x[i->rs2];                                                     \
        c->s.x[i->rd] = (uint64_t)(value);                                                                   \
        TAIL return next(c, i, bank, pc);                                                                    \
    }
#define RISCV_R1(name, value)                                                                                \
    const struct riscv_insn *rv_##name(struct riscv_core *c, const struct riscv_insn *i,                     \
                                       struct tlb_bank *bank, uint64_t pc)                                   \
    {                                                                                                        \
        uint64_t a = c->s.x[i->rs1];                                                                         \
        c->s.x[i->rd] = (uint64_t)(value);                                                                   \
        TAIL return next(c, i, bank, pc);                                                                    \
    }
#define RISCV_RI(name, value)                                                                                \
    const struct riscv_insn *rv_##name(struct riscv_core *c, const struct riscv_insn *i,                     \
                                       struct tlb_bank *bank, uint64_t pc)                                   \
    {                                                                                                        \
        uint64_t a = c->s.x[i->rs1];                                                                         \
        int64_t imm = i->imm;                                                                                \
        c->s.x[i->rd] = (uint64_t)(value);                                                                   \
        TAIL return next(c, i, bank, pc);                                                                    \
    }
#define RISCV_CONSTANT(name, value)                                                                          \
    const struct riscv_insn *rv_##name(struct riscv_core *c, const struct riscv_insn *i,                     \
                                       struct tlb_bank *bank, uint64_t pc)                                   \
    {                                                                                                        \
        int64_t imm = i->imm;                                                                                \
        c->s.x[i->rd] = (uint64_t)(value);                                                                   \
        TAIL return next(c, i, bank, pc);                                                                    \
    }

/*
 * Loads and stores of rs1 + imm. A load's `set` is a statement that uses v, the zero-extended value of
 * `width` bytes; a store's `value` is what goes out. The slow path (a TLB miss and all that is special) is a
 * function of its own, so that the handler keeps its hands free for the jump.
 */
#define RISCV_LOAD(name, width, set)                                                                         \
    static COLD riscv_handler name##_slow;                                                                   \
    const struct riscv_insn *rv_##name(struct riscv_core *c, const struct riscv_insn *i,                     \
                                       struct tlb_bank *bank, uint64_t pc)                                   \
    {                                                                                                        \
        void *p = tlb_read_hit(bank, c->s.x[i->rs1] + (uint64_t)(int64_t)i->imm, width);                     \
        if (unlikely(!p))                                                                                    \
            TAIL return name##_slow(c, i, bank, pc);                                                         \
        uint64_t v = host_load(p, width);                                                                    \
        set;                                                                                                 \
        TAIL return next(c, i, bank, pc);                                                                    \
    }                                                                                                        \
    static const struct riscv_insn *name##_slow(struct riscv_core *c, const struct riscv_insn *i,            \
                                                struct tlb_bank *bank, uint64_t pc)                          \
    {                                                                                                        \
        struct riscv_loaded loaded = riscv_read(c, c->s.x[i->rs1] + (uint64_t)(int64_t)i->imm, width);       \
        if (!loaded.ok)                                                                                      \
            TAIL return riscv_raise(c, i, bank, pc);                                                         \
        uint64_t v = loaded.value;                                                                           \
        set;                                                                                                 \
        TAIL return next(c, i, bank, pc);                                                                    \
    }
#define RISCV_STORE(name, width, value)                                                                      \
    static COLD riscv_handler name##_slow;                                                                   \
    const struct riscv_insn *rv_##name(struct riscv_core *c, const struct riscv_insn *i,                     \
                                       struct tlb_bank *bank, uint64_t pc)                                   \
    {                                                                                                        \
        void *p = tlb_write_hit(bank, c->s.x[i->rs1] + (uint64_t)(int64_t)i->imm, width);                    \
        if (unlikely(!p))                                                                                    \
            TAIL return name##_slow(c, i, bank, pc);                                                         \
        host_store(p, width, value);                                                                         \
        TAIL return next(c, i, bank, pc);                                                                    \
    }                                                                                                        \
    static const struct riscv_insn *name##_slow(struct riscv_core *c, const struct riscv_insn *i,            \
                                                struct tlb_bank *bank, uint64_t pc)                          \
    {                                                                                                        \
        if (!riscv_write(c, c->s.x[i->rs1] + (uint64_t)(int64_t)i->imm, width, value))                       \
            TAIL return riscv_raise(c, i, bank, pc);                                                         \
        TAIL return next(c, i, bank, pc);                                                                    \
    }

/*
 * Floating point. Rows of flag FP are only reached while mstatus.FS is not Off. A handler that writes an f
 * register or fflags calls riscv_fp_dirty. riscv_rounding gives the rounding mode of i (its own or frm); a
 * value above 4 is reserved, and the handler ends with riscv_illegal.
 */
INLINE void riscv_fp_dirty(struct riscv_core *c)
{
    c->s.mstatus |= MSTATUS_FS;
}

INLINE unsigned riscv_rounding(const struct riscv_core *c, const struct riscv_insn *i)
{
    unsigned rm = i->imm & 7;
    return rm == 7 ? c->s.frm : rm;
}
