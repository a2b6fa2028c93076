/*
 * The conventions of the aarch64 interpreter's handlers. One handler a row of the instruction table, named
 * a64_<identifier>; the table (insns.def) declares them all, and the decoder fills in struct a64_insn by the
 * row's operand format (formats.h). A handler ends with `TAIL return a64_next(c, i, bank, pc);`.
 *
 * To add an instruction: a row in the right file under insns/, a handler in the exec_*.c of its family. A
 * handler that can fail changes nothing before it is sure, then ends with a64_raise or a64_undefined.
 */
#pragma once

#include "cpu/aarch64/pe.h"
#include "cpu/interp.h"

/*
 * A decoded instruction. `offset` counts instructions from the block's first one, whose virtual address is
 * pc: so a64_pc() knows each one's own. Blocks have at most A64_BLOCK_MAX instructions; every instruction
 * takes one slot.
 *
 * vcpu.icount is as of the block's beginning, and brought up to date by whatever leaves it (a64_retire).
 */
struct a64_insn {
    const struct a64_insn *(*run)(struct aarch64_core *c, const struct a64_insn *i, struct tlb_bank *bank,
                                  uint64_t pc);
    int32_t imm;
    uint8_t rd, rn, rm;
    uint8_t offset;
};
_Static_assert(sizeof(struct a64_insn) == 16, "two of them a half cache line");

#define A64_BLOCK_MAX 64

/* A handler gives NULL to the outer loop, which goes on at state.pc; or, without tail calls, what to run
 * next. */
typedef const struct a64_insn *a64_handler(struct aarch64_core *c, const struct a64_insn *i,
                                           struct tlb_bank *bank, uint64_t pc);

/* The head of a handler's definition. */
#define A64_HANDLER(name)                                                                                    \
    const struct a64_insn *a64_##name(struct aarch64_core *c, const struct a64_insn *i,                      \
                                      struct tlb_bank *bank, uint64_t pc)

/* A handler and its slow twin, a64_<name>_slow: two blocks of statements, both of which go on behind the
 * instruction. The fast one has no calls, so that it keeps its registers for the jump. */
#define A64_HANDLERS(name, fast, slow)                                                                       \
    static COLD a64_handler a64_##name##_slow;                                                               \
    A64_HANDLER(name)                                                                                        \
    {                                                                                                        \
        fast;                                                                                                \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }                                                                                                        \
    static A64_HANDLER(name##_slow)                                                                          \
    {                                                                                                        \
        slow;                                                                                                \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }

/* For handlers of an INSN_CC: `M(identifier, condition number)` once for each condition. */
/* clang-format off */
#define A64_CONDITIONS(M, id)                                                      \
    M(id##_eq,  0) M(id##_ne,  1) M(id##_cs,  2) M(id##_cc,  3) M(id##_mi,  4)     \
    M(id##_pl,  5) M(id##_vs,  6) M(id##_vc,  7) M(id##_hi,  8) M(id##_ls,  9)     \
    M(id##_ge, 10) M(id##_lt, 11) M(id##_gt, 12) M(id##_le, 13) M(id##_al, 14)     \
    M(id##_nv, 15)
/* clang-format on */

/* Declares every handler of the table. */
#define A64_ROW(id, pattern, variant, format, feature, flags) a64_handler a64_##id;
#include "cpu/aarch64/insns.def"
#undef A64_ROW

/* The instruction's own virtual address. */
INLINE uint64_t a64_pc(const struct a64_insn *i, uint64_t pc)
{
    return pc + 4 * (uint64_t)i->offset;
}

/* Run i, of the block at pc. Without tail calls, the loop in run.c does that. */
INLINE A64_HANDLER(dispatch)
{
#if INTERP_TAIL_CALLS
    TAIL return i->run(c, i, bank, pc);
#else
    (void)bank;
    c->loop_pc = pc;
    return i;
#endif
}

/* On with the instruction behind i. */
INLINE A64_HANDLER(next)
{
    TAIL return a64_dispatch(c, i + 1, bank, pc);
}

/* i and what is before it in its block are retired: for handlers that don't go on to the next slot. */
INLINE void a64_retire(struct aarch64_core *c, const struct a64_insn *i)
{
    c->vcpu.icount += (uint64_t)i->offset + 1;
}

/* Back to the outer loop; state.pc and icount are true. */
INLINE const struct a64_insn *a64_leave(void)
{
    return NULL;
}

/*
 * Ends of handlers that don't go on: a64_raise enters the exception in core->fault, with i as the instruction
 * that caused it; a64_undefined is UNDEFINED. They set state.pc and leave.
 */
a64_handler a64_raise;
a64_handler a64_undefined;

/* Leave before i, to execute it (again): for long instructions that let interrupts in. State must allow that.
 */
a64_handler a64_again;

/* Leave behind i, for whatever the outer loop or its caller has to see to. */
a64_handler a64_leave_after;

/*
 * After a change of the context or of what may interrupt, which aarch64_resync has been told: go on in the
 * new context at state.pc (icount is true, too), or behind i. It is the outer loop that does so, unless all
 * there is to do is to find a block that is known.
 */
a64_handler a64_go_on;
a64_handler a64_go_on_after;

/*
 * Guest memory. The fast path is tlb_read_hit and tlb_write_hit; where they give NULL, a function of its own
 * (COLD, so that the handler keeps its registers for the jump) does the whole access by one of these. `size`
 * is 1, 2, 4, 8 or 16, at any alignment the architecture allows. Loads leave the value in core->loaded[0]
 * (zero-extended) and [1] (the high half of 16). False: core->fault is set, nothing was changed; end with
 * a64_raise.
 *
 *     void *p = tlb_read_hit(bank, va, 8);
 *     if (unlikely(!p))
 *         TAIL return a64_my_load_slow(c, i, bank, pc);
 *     c->s.x[i->rd] = host_load(p, 8);
 *     TAIL return a64_next(c, i, bank, pc);
 *
 * A base that is REG_SP needs no check: the decoder replaces such instructions where SP is misaligned.
 */
bool a64_load_slow(struct aarch64_core *c, uint64_t va, unsigned size);
bool a64_store_slow(struct aarch64_core *c, uint64_t va, unsigned size, uint64_t lo, uint64_t hi);

/* NZCV: all four at once, bit 3 N to bit 0 V. */
INLINE void a64_flags_set(struct aarch64_core *c, unsigned nzcv)
{
    c->s.flag_n = (uint64_t)nzcv << 60;
    c->s.flag_z = ~(uint64_t)nzcv & 4;
    c->s.flag_c = nzcv >> 1 & 1;
    c->s.flag_v = nzcv & 1;
}

INLINE unsigned a64_flags_get(const struct aarch64_core *c)
{
    return (unsigned)(c->s.flag_n >> 63) << 3 | (unsigned)(c->s.flag_z == 0) << 2 |
           (unsigned)c->s.flag_c << 1 | c->s.flag_v;
}

/* Whether a condition holds; fast when `condition` is a constant. */
INLINE bool a64_holds(const struct aarch64_core *c, unsigned condition)
{
    bool n = c->s.flag_n >> 63, z = c->s.flag_z == 0;
    bool holds;
    switch (condition >> 1) {
    case 0: holds = z; break;
    case 1: holds = c->s.flag_c; break;
    case 2: holds = n; break;
    case 3: holds = c->s.flag_v; break;
    case 4: holds = c->s.flag_c && !z; break;
    case 5: holds = n == c->s.flag_v; break;
    case 6: holds = n == c->s.flag_v && !z; break;
    default: return true;
    }
    return holds != (condition & 1);
}
