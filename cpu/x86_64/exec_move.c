/* Moves, extensions, exchanges, addresses, conditional moves. */
#include "base/bits.h"
#include "cpu/x86_64/decode.h"
#include "cpu/x86_64/flags.h"
#include "cpu/x86_64/kinds.h"
#include "host/thread.h"

#define REG(width) x86_reg_get(c, i->reg, width)
#define RM(width)  x86_reg_get(c, i->rm, width)
#define IMM        ((uint64_t)(int64_t)i->imm)

#define MOVE(bits, width)                                                                                    \
    X86_PLAIN(mov_mr##bits##_r, x86_reg_set(c, i->rm, width, REG(width)))                                    \
    X86_PLAIN(mov_rm##bits##_r, x86_reg_set(c, i->reg, width, RM(width)))                                    \
    X86_PLAIN(mov_mi##bits##_r, x86_reg_set(c, i->rm, width, IMM))                                           \
    X86_PLAIN(mov_oi##bits, x86_reg_set(c, i->rm, width, i->imm64))                                          \
    X86_STORE_BXM(mov_mr##bits, width, REG(width))                                                           \
    X86_LOAD_BXM(mov_rm##bits, width, x86_reg_set(c, i->reg, width, v))                                      \
    X86_STORE_BXM(mov_mi##bits, width, IMM)

MOVE(8, 1)
MOVE(16, 2)
MOVE(32, 4)
MOVE(64, 8)

/* Zero and sign extension from `from` bytes. */
#define EXTEND(id, from, type, bits, width)                                                                  \
    X86_PLAIN(id##bits##_r, x86_reg_set(c, i->reg, width, (uint64_t)(int64_t)(type)RM(from)))                \
    X86_LOAD_BXM(id##bits, from, x86_reg_set(c, i->reg, width, (uint64_t)(int64_t)(type)v))

/* clang-format off */
EXTEND(movzx_8,  1, uint8_t,  16, 2)
EXTEND(movzx_8,  1, uint8_t,  32, 4)
EXTEND(movzx_8,  1, uint8_t,  64, 8)
EXTEND(movzx_16, 2, uint16_t, 16, 2)
EXTEND(movzx_16, 2, uint16_t, 32, 4)
EXTEND(movzx_16, 2, uint16_t, 64, 8)
EXTEND(movsx_8,  1, int8_t,   16, 2)
EXTEND(movsx_8,  1, int8_t,   32, 4)
EXTEND(movsx_8,  1, int8_t,   64, 8)
EXTEND(movsx_16, 2, int16_t,  16, 2)
EXTEND(movsx_16, 2, int16_t,  32, 4)
EXTEND(movsx_16, 2, int16_t,  64, 8)
/* MOVSXD without REX.W moves. */
EXTEND(movsxd,   2, uint16_t, 16, 2)
EXTEND(movsxd,   4, uint32_t, 32, 4)
EXTEND(movsxd,   4, int32_t,  64, 8)
/* clang-format on */

#define LEA(bits, width)                                                                                     \
    X86_PLAIN(lea##bits##_b, x86_reg_set(c, i->reg, width, c->s.gpr[i->base] + (uint64_t)(int64_t)i->disp))  \
    X86_PLAIN(lea##bits##_x,                                                                                 \
              x86_reg_set(c, i->reg, width,                                                                  \
                          c->s.gpr[i->base] + c->s.gpr[i->index] * i->scale + (uint64_t)(int64_t)i->disp))   \
    X86_PLAIN(lea##bits##_m, x86_reg_set(c, i->reg, width, x86_offset(c, i, pc)))                            \
    X86_HANDLER(x86_lea##bits##_r)                                                                           \
    {                                                                                                        \
        TAIL return x86_undefined(c, i, bank, pc);                                                           \
    }
LEA(16, 2)
LEA(32, 4)
LEA(64, 8)

/* ---- moves with an absolute address ---- */

#define MOFFS(bits, width)                                                                                   \
    static COLD X86_HANDLER(ao##bits##_slow)                                                                 \
    {                                                                                                        \
        struct x86_loaded loaded = x86_read(c, i->seg, i->imm64, width);                                     \
        if (!loaded.ok)                                                                                      \
            TAIL return x86_raise(c, i, bank, pc);                                                           \
        x86_reg_set(c, RAX, width, loaded.value);                                                            \
        TAIL return x86_next_slow(c, i, bank, pc);                                                           \
    }                                                                                                        \
    X86_HANDLER(x86_mov_ao##bits)                                                                            \
    {                                                                                                        \
        const void *p = x86_read_hit(c, bank, i->seg, i->imm64, width);                                      \
        if (unlikely(!p))                                                                                    \
            TAIL return ao##bits##_slow(c, i, bank, pc);                                                     \
        x86_reg_set(c, RAX, width, x86_host_load(p, width));                                                 \
        TAIL return x86_next(c, i, bank, pc);                                                                \
    }                                                                                                        \
    X86_HANDLER(x86_mov_oa##bits)                                                                            \
    {                                                                                                        \
        if (!x86_write(c, i->seg, i->imm64, width, x86_reg_get(c, RAX, width)))                              \
            TAIL return x86_raise(c, i, bank, pc);                                                           \
        TAIL return x86_next_slow(c, i, bank, pc);                                                           \
    }
MOFFS(8, 1)
MOFFS(16, 2)
MOFFS(32, 4)
MOFFS(64, 8)

/* ---- exchanges ---- */

/* With memory XCHG is atomic with or without LOCK. */

#define EXCHANGE(bits, width)                                                                                \
    X86_HANDLER(x86_xchg##bits##_r)                                                                          \
    {                                                                                                        \
        uint64_t a = RM(width), b = REG(width);                                                              \
        x86_reg_set(c, i->rm, width, b);                                                                     \
        x86_reg_set(c, i->reg, width, a);                                                                    \
        TAIL return x86_next(c, i, bank, pc);                                                                \
    }                                                                                                        \
    X86_HANDLER(x86_xchg##bits##_m)                                                                          \
    {                                                                                                        \
        TAIL return x86_locked(c, i, bank, pc);                                                              \
    }
EXCHANGE(8, 1)
EXCHANGE(16, 2)
EXCHANGE(32, 4)
EXCHANGE(64, 8)

/* With the accumulator itself this is NOP, and doesn't clear the upper half. */
#define EXCHANGE_A(bits, width)                                                                              \
    X86_HANDLER(x86_xchg_a##bits)                                                                            \
    {                                                                                                        \
        uint64_t a = RM(width), b = x86_reg_get(c, RAX, width);                                              \
        if (i->rm != RAX) {                                                                                  \
            x86_reg_set(c, i->rm, width, b);                                                                 \
            x86_reg_set(c, RAX, width, a);                                                                   \
        }                                                                                                    \
        TAIL return x86_next(c, i, bank, pc);                                                                \
    }
EXCHANGE_A(16, 2)
EXCHANGE_A(32, 4)
EXCHANGE_A(64, 8)

/* ---- widths and byte order ---- */

/* clang-format off */
X86_PLAIN(cbw16, x86_reg_set(c, RAX, 2, (uint64_t)(int8_t)c->s.gpr[RAX]))
X86_PLAIN(cbw32, x86_reg_set(c, RAX, 4, (uint64_t)(int16_t)c->s.gpr[RAX]))
X86_PLAIN(cbw64, x86_reg_set(c, RAX, 8, (uint64_t)(int64_t)(int32_t)c->s.gpr[RAX]))
X86_PLAIN(cwd16, x86_reg_set(c, RDX, 2, (uint64_t)((int16_t)c->s.gpr[RAX] >> 15)))
X86_PLAIN(cwd32, x86_reg_set(c, RDX, 4, (uint64_t)((int32_t)c->s.gpr[RAX] >> 31)))
X86_PLAIN(cwd64, x86_reg_set(c, RDX, 8, (uint64_t)((int64_t)c->s.gpr[RAX] >> 63)))
X86_PLAIN(bswap16, x86_reg_set(c, i->rm, 2, 0)) /* undefined; what processors do */
X86_PLAIN(bswap32, x86_reg_set(c, i->rm, 4, __builtin_bswap32((uint32_t)c->s.gpr[i->rm])))
X86_PLAIN(bswap64, x86_reg_set(c, i->rm, 8, __builtin_bswap64(c->s.gpr[i->rm])))
/* clang-format on */

/* MOVBE has memory forms only. */
#define MOVBE(bits, width)                                                                                   \
    X86_HANDLER(x86_movbe_rm##bits)                                                                          \
    {                                                                                                        \
        struct x86_loaded loaded = x86_read(c, i->seg, x86_offset(c, i, pc), width);                         \
        if (!loaded.ok)                                                                                      \
            TAIL return x86_raise(c, i, bank, pc);                                                           \
        x86_reg_set(c, i->reg, width, __builtin_bswap##bits((uint##bits##_t)loaded.value));                  \
        TAIL return x86_next_slow(c, i, bank, pc);                                                           \
    }                                                                                                        \
    X86_HANDLER(x86_movbe_mr##bits)                                                                          \
    {                                                                                                        \
        uint64_t value = __builtin_bswap##bits((uint##bits##_t)c->s.gpr[i->reg]);                            \
        if (!x86_write(c, i->seg, x86_offset(c, i, pc), width, value))                                       \
            TAIL return x86_raise(c, i, bank, pc);                                                           \
        TAIL return x86_next_slow(c, i, bank, pc);                                                           \
    }
MOVBE(16, 2)
MOVBE(32, 4)
MOVBE(64, 8)

X86_HANDLER(x86_xlat)
{
    uint64_t offset = (c->s.gpr[RBX] + (uint8_t)c->s.gpr[RAX]) & x86_address_mask(i->asize);
    struct x86_loaded loaded = x86_read(c, i->seg, offset, 1);
    if (!loaded.ok)
        TAIL return x86_raise(c, i, bank, pc);
    x86_reg_set(c, RAX, 1, loaded.value);
    TAIL return x86_next_slow(c, i, bank, pc);
}

/* ---- conditional ---- */

/* A 32-bit CMOV clears the upper half even when it doesn't move; a memory operand is read either way. */
#define CMOV_SIZE(cc, condition, bits, width)                                                                \
    static COLD X86_HANDLER(cmov##cc##bits##_unknown)                                                        \
    {                                                                                                        \
        bool holds = x86_condition_holds(c, condition);                                                      \
        x86_reg_set(c, i->reg, width, holds ? RM(width) : REG(width));                                       \
        TAIL return x86_next(c, i, bank, pc);                                                                \
    }                                                                                                        \
    X86_HANDLER(x86_cmov##cc##bits##_r)                                                                      \
    {                                                                                                        \
        if (unlikely(!x86_condition_known(c, condition)))                                                    \
            TAIL return cmov##cc##bits##_unknown(c, i, bank, pc);                                            \
        bool holds = x86_condition_fast(c, condition);                                                       \
        x86_reg_set(c, i->reg, width, holds ? RM(width) : REG(width));                                       \
        TAIL return x86_next(c, i, bank, pc);                                                                \
    }                                                                                                        \
    X86_LOAD_M(cmov##cc##bits, width,                                                                        \
               x86_reg_set(c, i->reg, width, x86_condition_holds(c, condition) ? v : REG(width)))
#define CONDITIONAL(cc, condition)                                                                           \
    CMOV_SIZE(cc, condition, 16, 2)                                                                          \
    CMOV_SIZE(cc, condition, 32, 4)                                                                          \
    CMOV_SIZE(cc, condition, 64, 8)                                                                          \
    static COLD X86_HANDLER(set##cc##_unknown)                                                               \
    {                                                                                                        \
        x86_reg_set(c, i->rm, 1, x86_condition_holds(c, condition));                                         \
        TAIL return x86_next(c, i, bank, pc);                                                                \
    }                                                                                                        \
    X86_HANDLER(x86_set##cc##_r)                                                                             \
    {                                                                                                        \
        if (unlikely(!x86_condition_known(c, condition)))                                                    \
            TAIL return set##cc##_unknown(c, i, bank, pc);                                                   \
        x86_reg_set(c, i->rm, 1, x86_condition_fast(c, condition));                                          \
        TAIL return x86_next(c, i, bank, pc);                                                                \
    }                                                                                                        \
    X86_STORE_M(set##cc, 1, x86_condition_holds(c, condition))

/* clang-format off */
CONDITIONAL(o,  COND_O)
CONDITIONAL(no, COND_NO)
CONDITIONAL(b,  COND_B)
CONDITIONAL(ae, COND_AE)
CONDITIONAL(z,  COND_Z)
CONDITIONAL(nz, COND_NZ)
CONDITIONAL(be, COND_BE)
CONDITIONAL(a,  COND_A)
CONDITIONAL(s,  COND_S)
CONDITIONAL(ns, COND_NS)
CONDITIONAL(p,  COND_P)
CONDITIONAL(np, COND_NP)
CONDITIONAL(l,  COND_L)
CONDITIONAL(ge, COND_GE)
CONDITIONAL(le, COND_LE)
CONDITIONAL(g,  COND_G)
/* clang-format on */

/* ---- nothing ---- */

/* clang-format off */
X86_PLAIN(nop_m, (void)c)
X86_PLAIN(lfence, __atomic_thread_fence(__ATOMIC_SEQ_CST))
X86_PLAIN(mfence, __atomic_thread_fence(__ATOMIC_SEQ_CST))
X86_PLAIN(sfence, __atomic_thread_fence(__ATOMIC_SEQ_CST))
/* clang-format on */

/*
 * A spinning processor: let the outer loop look, so that other vCPUs of a deterministic machine get on. Where
 * there are more processors than the host has, the one that is waited for may need this thread's; not each
 * time, because most waits are shorter than a yield.
 */
#define PAUSES_PER_YIELD 32

X86_HANDLER(x86_pause)
{
    if (++c->pauses % PAUSES_PER_YIELD == 0)
        host_thread_yield();
    TAIL return x86_leave_after(c, i, bank, pc);
}
