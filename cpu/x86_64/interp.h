/*
 * The conventions of the x86-64 interpreter's handlers. Rows of the instruction table (insns.def) name an
 * instruction's handlers by its identifier and kind (kinds.h), which declares them all; the decoder fills in
 * struct x86_insn by the row's operand format and picks the handler by operand size and by the form of the
 * ModRM operand. A handler ends with `TAIL return x86_next(c, i, bank, pc);`.
 *
 * To add an instruction: a row in the right file under insns/, its handlers in the exec_*.c of its family,
 * and the feature's first model in features.def. A handler that can fault changes nothing before it is sure.
 */
#pragma once

#include "cpu/interp.h"
#include "cpu/x86_64/processor.h"

/* The interpreter reads parts of registers where they lie in memory. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "x86 cores need a little-endian host");

/*
 * A decoded instruction. `offset` counts bytes from the block's first instruction, so that with pc (RIP of
 * that first instruction) each one knows its own RIP.
 *
 * Integer registers are numbers into state.gpr; those of byte operands are byte offsets into it (AH is 1),
 * and all are read and written by x86_reg_get and x86_reg_set. x87, MMX, vector, control and segment
 * registers are plain numbers.
 */
struct x86_insn {
    const struct x86_insn *(*run)(struct x86_core *c, const struct x86_insn *i, struct tlb_bank *bank,
                                  uint64_t pc);
    union {
        struct {
            int32_t disp; /* of a memory operand */
            int32_t imm;  /* immediate, sign-extended; relative jumps: from the instruction's end */
        };
        uint64_t imm64; /* MOV r64, imm64; moffs; far pointers: offset | selector << 32 */
    };
    uint8_t reg;         /* ModRM.reg, with its REX bit */
    uint8_t rm;          /* ModRM.r/m as a register; opcodes that name a register have it here */
    uint8_t base, index; /* of a memory operand: registers, X86_ZERO for none; base may be X86_RIP */
    uint8_t scale;       /* 1, 2, 4 or 8 */
    uint8_t seg;         /* enum x86_segment_number, override included */
    uint8_t vvvv;   /* the VEX prefix's register; where the row has an is4 register, imm has that in 7..4 */
    uint8_t opsize; /* log2 of the operand size in bytes */
    uint16_t offset;
    uint8_t length;
    uint8_t left;   /* guest instructions from this one to the end of the block */
    uint8_t flags;  /* enum x86_insn_flag */
    uint8_t asize;  /* log2 of the address size in bytes: 1, 2 or 3 */
    uint8_t opcode; /* its last byte */
    uint8_t modrm;
};
_Static_assert(sizeof(struct x86_insn) == 32, "two of them a cache line");

#define X86_LENGTH_MAX 15

#define X86_RIP X86_GPRS /* insn.base: the address of the next instruction */

enum x86_insn_flag {
    INSN_MEM = 1, /* r/m is in memory */
    INSN_LOCK = 2,
    INSN_REP = 4,   /* F3 */
    INSN_REPNE = 8, /* F2 */
    INSN_W = 16,    /* REX.W or VEX.W */
    INSN_L = 32,    /* VEX.L: 256 bits */
    INSN_VEX = 64,
    INSN_BYTE_RM = 128, /* rm is a byte register though opsize is larger (MOVZX) */
};

/* Runs i, of the block at pc, and what comes after it. The value is NULL: back to the outer loop, which goes
 * on at state.rip. Without tail calls it is the instruction to go on with, of the block at core->loop_pc. */
typedef const struct x86_insn *x86_handler(struct x86_core *c, const struct x86_insn *i,
                                           struct tlb_bank *bank, uint64_t pc);

/* The head of a handler's definition. */
#define X86_HANDLER(name)                                                                                    \
    const struct x86_insn *name(struct x86_core *c, const struct x86_insn *i, struct tlb_bank *bank,         \
                                uint64_t pc)

/* Run i. Without tail calls, the loop in run.c does that. */
INLINE X86_HANDLER(x86_dispatch)
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
INLINE X86_HANDLER(x86_next)
{
    TAIL return x86_dispatch(c, i + 1, bank, pc);
}

/* Back to the outer loop; state.rip is set. */
INLINE const struct x86_insn *x86_leave(void)
{
    return NULL;
}

/* RIP of i, and of the instruction behind it. */
INLINE uint64_t x86_rip(const struct x86_insn *i, uint64_t pc)
{
    return pc + i->offset;
}

INLINE uint64_t x86_rip_mask(const struct x86_core *c)
{
    return x86_code64(c) ? ~(uint64_t)0 : 0xffffffff;
}

INLINE uint64_t x86_rip_next(const struct x86_insn *i, uint64_t pc)
{
    return pc + i->offset + i->length;
}

/*
 * Ends of handlers that don't go on. x86_raise enters the exception in c->fault with i as the instruction
 * that caused it; the two others are shorthands. They put the instruction count and state.rip right and
 * leave.
 */
x86_handler x86_raise;
x86_handler x86_undefined;   /* #UD */
x86_handler x86_unavailable; /* #NM */

/* Leave behind i: for whatever changes what the outer loop looks at. */
x86_handler x86_leave_after;

/* As x86_next, after an access that went the slow way: leaves when that hit decoded code or a breakpoint. */
INLINE X86_HANDLER(x86_next_slow)
{
    if (unlikely(c->leave_after || c->resync))
        TAIL return x86_leave_after(c, i, bank, pc);
    TAIL return x86_next(c, i, bank, pc);
}

/* ---- registers; width is 1, 2, 4 or 8 and a constant ---- */

INLINE uint64_t x86_reg_get(const struct x86_core *c, unsigned reg, unsigned width)
{
    switch (width) {
    case 1: return ((const uint8_t *)c->s.gpr)[reg];
    case 2: return (uint16_t)c->s.gpr[reg];
    case 4: return (uint32_t)c->s.gpr[reg];
    default: return c->s.gpr[reg];
    }
}

/* A 32-bit result clears the upper half, smaller ones leave the rest as it is. */
INLINE void x86_reg_set(struct x86_core *c, unsigned reg, unsigned width, uint64_t v)
{
    switch (width) {
    case 1: ((uint8_t *)c->s.gpr)[reg] = (uint8_t)v; break;
    case 2: *(host_u16 *)&c->s.gpr[reg] = (uint16_t)v; break;
    case 4: c->s.gpr[reg] = (uint32_t)v; break;
    default: c->s.gpr[reg] = v; break;
    }
}

/* The same with a size that is known when it runs only: log2, not of a byte. */
static inline void x86_operand_reg_set(struct x86_core *c, unsigned reg, unsigned opsize, uint64_t v)
{
    x86_reg_set(c, reg, opsize == 1 ? 2 : opsize == 2 ? 4 : 8, v);
}

/* ---- addresses ---- */

/* The mask of an address size, insn.asize. */
INLINE uint64_t x86_address_mask(unsigned asize)
{
    return ~(uint64_t)0 >> (64 - (8u << asize));
}

/* The offset of i's memory operand in its segment. */
INLINE uint64_t x86_offset(const struct x86_core *c, const struct x86_insn *i, uint64_t pc)
{
    uint64_t base = i->base == X86_RIP ? x86_rip_next(i, pc) : c->s.gpr[i->base & 31];
    return (base + c->s.gpr[i->index] * i->scale + (uint64_t)(int64_t)i->disp) & x86_address_mask(i->asize);
}

/*
 * The host address of [offset, offset + width) in a segment, or NULL for the slow path: any segment, any
 * address size.
 */
INLINE void *x86_read_hit(const struct x86_core *c, struct tlb_bank *bank, unsigned seg, uint64_t offset,
                          unsigned width)
{
    const struct x86_view *view = &c->view[seg];
    if (unlikely(offset + width > view->read_end))
        return NULL;
    return tlb_read_hit(bank, (view->base + offset) & c->linear_mask, width);
}

INLINE void *x86_write_hit(const struct x86_core *c, struct tlb_bank *bank, unsigned seg, uint64_t offset,
                           unsigned width)
{
    const struct x86_view *view = &c->view[seg];
    if (unlikely(offset + width > view->write_end))
        return NULL;
    return tlb_write_hit(bank, (view->base + offset) & c->linear_mask, width);
}

/* Host memory as the guest sees it: x86's order of loads and stores on every host (nothing to do on an x86
 * host, where these fences are no instructions). */
INLINE uint64_t x86_host_load(const void *p, unsigned width)
{
    uint64_t v = host_load(p, width);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return v;
}

INLINE void x86_host_store(void *p, unsigned width, uint64_t v)
{
    __atomic_thread_fence(__ATOMIC_RELEASE);
    host_store(p, width, v);
}

/*
 * Memory forms of an instruction come in three shapes, by what its address is made of. The decoder chooses:
 *   _b  base + displacement           } 64-bit mode, 64-bit addresses
 *   _x  base + index * scale + disp   }
 *   _m  any
 * A kind whose handlers are not that hot has _m alone. In 64-bit mode the decoder makes RIP-relative
 * addresses relative to X86_BLOCK, and takes FS and GS for one more register, so that these have fast shapes
 * as well.
 */
INLINE void *x86_read_hit_b(const struct x86_core *c, const struct x86_insn *i, struct tlb_bank *bank,
                            uint64_t pc, unsigned width)
{
    (void)pc;
    return tlb_read_hit(bank, c->s.gpr[i->base] + (uint64_t)(int64_t)i->disp, width);
}

INLINE void *x86_read_hit_x(const struct x86_core *c, const struct x86_insn *i, struct tlb_bank *bank,
                            uint64_t pc, unsigned width)
{
    (void)pc;
    uint64_t va = c->s.gpr[i->base] + c->s.gpr[i->index] * i->scale + (uint64_t)(int64_t)i->disp;
    return tlb_read_hit(bank, va, width);
}

INLINE void *x86_read_hit_m(const struct x86_core *c, const struct x86_insn *i, struct tlb_bank *bank,
                            uint64_t pc, unsigned width)
{
    return x86_read_hit(c, bank, i->seg, x86_offset(c, i, pc), width);
}

INLINE void *x86_write_hit_b(const struct x86_core *c, const struct x86_insn *i, struct tlb_bank *bank,
                             uint64_t pc, unsigned width)
{
    (void)pc;
    return tlb_write_hit(bank, c->s.gpr[i->base] + (uint64_t)(int64_t)i->disp, width);
}

INLINE void *x86_write_hit_x(const struct x86_core *c, const struct x86_insn *i, struct tlb_bank *bank,
                             uint64_t pc, unsigned width)
{
    (void)pc;
    uint64_t va = c->s.gpr[i->base] + c->s.gpr[i->index] * i->scale + (uint64_t)(int64_t)i->disp;
    return tlb_write_hit(bank, va, width);
}

INLINE void *x86_write_hit_m(const struct x86_core *c, const struct x86_insn *i, struct tlb_bank *bank,
                             uint64_t pc, unsigned width)
{
    return x86_write_hit(c, bank, i->seg, x86_offset(c, i, pc), width);
}

/* ---- the slow way: segment checks, translation, devices, breakpoints. False: c->fault is set and nothing
 * was changed; end with x86_raise. Both pages of an access that crosses are checked before a byte is written.
 * ---- */

struct x86_loaded {
    uint64_t value; /* zero-extended */
    bool ok;
};
struct x86_loaded x86_read(struct x86_core *c, unsigned seg, uint64_t offset, unsigned width);
bool x86_write(struct x86_core *c, unsigned seg, uint64_t offset, unsigned width, uint64_t value);

/* Read an operand that will be written: faults are those of a write. */
struct x86_loaded x86_read_to_write(struct x86_core *c, unsigned seg, uint64_t offset, unsigned width);

/* Any length up to a page. With `write_check` only the question whether a write would fault. */
bool x86_read_bytes(struct x86_core *c, unsigned seg, uint64_t offset, void *to, unsigned len);
bool x86_write_bytes(struct x86_core *c, unsigned seg, uint64_t offset, const void *from, unsigned len);
bool x86_write_check(struct x86_core *c, unsigned seg, uint64_t offset, unsigned len);
/* Whether an operand that is not read or written by its width is aligned, where that is checked: else #AC. */
bool x86_aligned(struct x86_core *c, unsigned seg, uint64_t offset, unsigned width);

/*
 * i's memory operand of `width` (1 to 32) bytes into c->operand, or from it. With `align` (a power of two; 1:
 * none) an operand that is not aligned so raises #GP(0). Fast for operands in plain RAM.
 */
bool x86_operand_load(struct x86_core *c, const struct x86_insn *i, uint64_t pc, unsigned width,
                      unsigned align);
bool x86_operand_store(struct x86_core *c, const struct x86_insn *i, uint64_t pc, unsigned width,
                       unsigned align);

/* With a constant width a copy is a few instructions, without it is a call. */
INLINE void x86_operand_copy(void *to, const void *from, unsigned width)
{
    switch (width) {
    case 4: memcpy(to, from, 4); break;
    case 8: memcpy(to, from, 8); break;
    case 16: memcpy(to, from, 16); break;
    case 32: memcpy(to, from, 32); break;
    default: memcpy(to, from, width); break;
    }
}

/* ---- handlers made from expressions ---- */

/*
 * A load of `width` bytes in all shapes: `set` is a statement that uses v. The slow path is a function of its
 * own, so that the handler keeps its hands free for the jump.
 */
#define X86_LOAD_FORM(name, shape, width, set)                                                               \
    X86_HANDLER(x86_##name##_##shape)                                                                        \
    {                                                                                                        \
        void *p = x86_read_hit_##shape(c, i, bank, pc, width);                                               \
        if (unlikely(!p))                                                                                    \
            TAIL return name##_slow(c, i, bank, pc);                                                         \
        uint64_t v = x86_host_load(p, width);                                                                \
        set;                                                                                                 \
        TAIL return x86_next(c, i, bank, pc);                                                                \
    }
#define X86_LOAD_SLOW(name, width, set)                                                                      \
    static COLD X86_HANDLER(name##_slow)                                                                     \
    {                                                                                                        \
        struct x86_loaded loaded = x86_read(c, i->seg, x86_offset(c, i, pc), width);                         \
        if (!loaded.ok)                                                                                      \
            TAIL return x86_raise(c, i, bank, pc);                                                           \
        uint64_t v = loaded.value;                                                                           \
        set;                                                                                                 \
        TAIL return x86_next_slow(c, i, bank, pc);                                                           \
    }
#define X86_LOAD_M(name, width, set)                                                                         \
    X86_LOAD_SLOW(name, width, set)                                                                          \
    X86_LOAD_FORM(name, m, width, set)
#define X86_LOAD_BXM(name, width, set)                                                                       \
    X86_LOAD_M(name, width, set)                                                                             \
    X86_LOAD_FORM(name, b, width, set)                                                                       \
    X86_LOAD_FORM(name, x, width, set)

/* A store of an expression. */
#define X86_STORE_FORM(name, shape, width, value)                                                            \
    X86_HANDLER(x86_##name##_##shape)                                                                        \
    {                                                                                                        \
        void *p = x86_write_hit_##shape(c, i, bank, pc, width);                                              \
        if (unlikely(!p))                                                                                    \
            TAIL return name##_slow(c, i, bank, pc);                                                         \
        x86_host_store(p, width, value);                                                                     \
        TAIL return x86_next(c, i, bank, pc);                                                                \
    }
#define X86_STORE_SLOW(name, width, value)                                                                   \
    static COLD X86_HANDLER(name##_slow)                                                                     \
    {                                                                                                        \
        if (!x86_write(c, i->seg, x86_offset(c, i, pc), width, value))                                       \
            TAIL return x86_raise(c, i, bank, pc);                                                           \
        TAIL return x86_next_slow(c, i, bank, pc);                                                           \
    }
#define X86_STORE_M(name, width, value)                                                                      \
    X86_STORE_SLOW(name, width, value)                                                                       \
    X86_STORE_FORM(name, m, width, value)
#define X86_STORE_BXM(name, width, value)                                                                    \
    X86_STORE_M(name, width, value)                                                                          \
    X86_STORE_FORM(name, b, width, value)                                                                    \
    X86_STORE_FORM(name, x, width, value)

/* Read, change, write: `change` is a statement that makes r from v. */
#define X86_CHANGE_FORM(name, shape, width, change)                                                          \
    X86_HANDLER(x86_##name##_##shape)                                                                        \
    {                                                                                                        \
        void *p = x86_write_hit_##shape(c, i, bank, pc, width);                                              \
        if (unlikely(!p))                                                                                    \
            TAIL return name##_slow(c, i, bank, pc);                                                         \
        uint64_t v = x86_host_load(p, width), r;                                                             \
        change;                                                                                              \
        x86_host_store(p, width, r);                                                                         \
        TAIL return x86_next(c, i, bank, pc);                                                                \
    }
#define X86_CHANGE_SLOW(name, width, change)                                                                 \
    static COLD X86_HANDLER(name##_slow)                                                                     \
    {                                                                                                        \
        uint64_t offset = x86_offset(c, i, pc);                                                              \
        struct x86_loaded loaded = x86_read_to_write(c, i->seg, offset, width);                              \
        if (!loaded.ok)                                                                                      \
            TAIL return x86_raise(c, i, bank, pc);                                                           \
        uint64_t v = loaded.value, r;                                                                        \
        change;                                                                                              \
        if (!x86_write(c, i->seg, offset, width, r))                                                         \
            TAIL return x86_raise(c, i, bank, pc);                                                           \
        TAIL return x86_next_slow(c, i, bank, pc);                                                           \
    }
#define X86_CHANGE_M(name, width, change)                                                                    \
    X86_CHANGE_SLOW(name, width, change)                                                                     \
    X86_CHANGE_FORM(name, m, width, change)
#define X86_CHANGE_BXM(name, width, change)                                                                  \
    X86_CHANGE_M(name, width, change)                                                                        \
    X86_CHANGE_FORM(name, b, width, change)                                                                  \
    X86_CHANGE_FORM(name, x, width, change)

/* Registers only. */
#define X86_PLAIN(name, statement)                                                                           \
    X86_HANDLER(x86_##name)                                                                                  \
    {                                                                                                        \
        statement;                                                                                           \
        TAIL return x86_next(c, i, bank, pc);                                                                \
    }

/*
 * An instruction that is a function, defined before with the head X86_DO(name) (out of line: it may have
 * locals whose address it hands out). state.rip is that of the next instruction while it runs. The value
 * false: raise c->fault, with the RIP of i. X86_HELPER  goes on with the next instruction unless
 * c->leave_after or c->resync say otherwise X86_SYSTEM  ends its block and goes on at state.rip, which the
 * function may change: rows have END
 */
#define X86_DO(name)                                                                                         \
    static __attribute__((noinline)) bool name##_do(struct x86_core *c, const struct x86_insn *i)
#define X86_HELPER(name)                                                                                     \
    X86_HANDLER(x86_##name)                                                                                  \
    {                                                                                                        \
        c->s.rip = x86_rip_next(i, pc);                                                                      \
        if (unlikely(!name##_do(c, i)))                                                                      \
            TAIL return x86_raise(c, i, bank, pc);                                                           \
        TAIL return x86_next_slow(c, i, bank, pc);                                                           \
    }
#define X86_SYSTEM(name)                                                                                     \
    X86_HANDLER(x86_##name)                                                                                  \
    {                                                                                                        \
        c->s.rip = x86_rip_next(i, pc) & x86_rip_mask(c);                                                    \
        if (unlikely(!name##_do(c, i)))                                                                      \
            TAIL return x86_raise(c, i, bank, pc);                                                           \
        return x86_leave();                                                                                  \
    }

/*
 * An x87 exception that waits for the next waiting x87 instruction: with CR0.NE it is #MF, and the result
 * false; without, FERR# goes to the board and the instruction goes on. True also when none waits.
 */
bool x86_x87_check(struct x86_core *c);

/* i's memory operand in a function of X86_HELPER or X86_SYSTEM. */
static inline uint64_t x86_operand_offset(const struct x86_core *c, const struct x86_insn *i)
{
    return x86_offset(c, i, c->s.rip - i->length - i->offset);
}

/* ---- vector instructions ---- */

/*
 * Kind RM: name_r takes its source from register rm, name_m from memory (`width` bytes; `align` as in
 * x86_operand_load). `body` is a statement that uses d (the register ModRM.reg), v (the register VEX.vvvv)
 * and s (the source; in memory only `width` bytes of it are there); all three point to union x86_vector, and
 * d may be the same as v or s. With X86_VECTOR the body can't fail; with X86_VECTOR_FAULTING it is an
 * expression that is false when c->fault was set (#XM): it changes nothing then but MXCSR.
 */
#define X86_VECTOR_R(name, body)                                                                             \
    X86_HANDLER(x86_##name##_r)                                                                              \
    {                                                                                                        \
        union x86_vector *d = &c->s.vector[i->reg];                                                          \
        const union x86_vector *v = &c->s.vector[i->vvvv], *s = &c->s.vector[i->rm];                         \
        (void)d, (void)v, (void)s;                                                                           \
        body;                                                                                                \
        TAIL return x86_next(c, i, bank, pc);                                                                \
    }
#define X86_VECTOR_M(name, width, align, body)                                                               \
    static COLD X86_HANDLER(name##_slow)                                                                     \
    {                                                                                                        \
        if (unlikely(!x86_operand_load(c, i, pc, width, align)))                                             \
            TAIL return x86_raise(c, i, bank, pc);                                                           \
        union x86_vector *d = &c->s.vector[i->reg];                                                          \
        const union x86_vector *v = &c->s.vector[i->vvvv], *s = &c->operand;                                 \
        (void)d, (void)v, (void)s;                                                                           \
        body;                                                                                                \
        TAIL return x86_next_slow(c, i, bank, pc);                                                           \
    }                                                                                                        \
    X86_HANDLER(x86_##name##_m)                                                                              \
    {                                                                                                        \
        const void *p = x86_read_hit_m(c, i, bank, pc, width);                                               \
        if (unlikely(!p || (uintptr_t)p & ((align)-1)))                                                      \
            TAIL return name##_slow(c, i, bank, pc);                                                         \
        x86_operand_copy(&c->operand, p, width);                                                             \
        union x86_vector *d = &c->s.vector[i->reg];                                                          \
        const union x86_vector *v = &c->s.vector[i->vvvv], *s = &c->operand;                                 \
        (void)d, (void)v, (void)s;                                                                           \
        body;                                                                                                \
        TAIL return x86_next(c, i, bank, pc);                                                                \
    }
#define X86_VECTOR(name, width, align, body)                                                                 \
    X86_VECTOR_R(name, body)                                                                                 \
    X86_VECTOR_M(name, width, align, body)

#define X86_VECTOR_FAULTING(name, width, align, body)                                                        \
    X86_HANDLER(x86_##name##_r)                                                                              \
    {                                                                                                        \
        union x86_vector *d = &c->s.vector[i->reg];                                                          \
        const union x86_vector *v = &c->s.vector[i->vvvv], *s = &c->s.vector[i->rm];                         \
        (void)d, (void)v, (void)s;                                                                           \
        if (unlikely(!(body)))                                                                               \
            TAIL return x86_raise(c, i, bank, pc);                                                           \
        TAIL return x86_next(c, i, bank, pc);                                                                \
    }                                                                                                        \
    X86_HANDLER(x86_##name##_m)                                                                              \
    {                                                                                                        \
        if (unlikely(!x86_operand_load(c, i, pc, width, align)))                                             \
            TAIL return x86_raise(c, i, bank, pc);                                                           \
        union x86_vector *d = &c->s.vector[i->reg];                                                          \
        const union x86_vector *v = &c->s.vector[i->vvvv], *s = &c->operand;                                 \
        (void)d, (void)v, (void)s;                                                                           \
        if (unlikely(!(body)))                                                                               \
            TAIL return x86_raise(c, i, bank, pc);                                                           \
        TAIL return x86_next_slow(c, i, bank, pc);                                                           \
    }
