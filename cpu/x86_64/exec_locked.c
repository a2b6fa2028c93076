/*
 * Atomic read-modify-write: everything LOCK may stand before, and XCHG with memory. The operand is exchanged
 * on the host for what the operation makes of it, until nobody came between; then the flags are set.
 */
#include "base/bits.h"
#include "cpu/x86_64/arith.h"
#include "cpu/x86_64/decode.h"
#include "cpu/x86_64/mmu.h"

enum locked_op {
    LOCKED_ADD,
    LOCKED_OR,
    LOCKED_ADC,
    LOCKED_SBB,
    LOCKED_AND,
    LOCKED_SUB,
    LOCKED_XOR,
    LOCKED_INC,
    LOCKED_DEC,
    LOCKED_NOT,
    LOCKED_NEG,
    LOCKED_BTS,
    LOCKED_BTR,
    LOCKED_BTC,
    LOCKED_XADD,
    LOCKED_XCHG,
    LOCKED_CMPXCHG,
};

/* One that is on its way. */
struct locked {
    enum locked_op op;
    unsigned width;
    uint64_t offset;
    uint64_t operand; /* the second one: a register, an immediate, a bit number */
};

/* The operand of BTS and its kin with a register is where the bit is. */
static void bit_locate(const struct x86_core *c, const struct x86_insn *i, struct locked *l)
{
    int64_t bit = i->imm;
    if (i->opcode != 0xba) {
        bit = sign_extend(c->s.gpr[i->reg], 8 * l->width);
        l->offset += (uint64_t)((bit >> (i->opsize + 3)) << i->opsize);
        l->offset &= x86_address_mask(i->asize);
    }
    l->operand = (uint64_t)bit & (8 * l->width - 1);
}

static uint64_t register_operand(const struct x86_core *c, const struct x86_insn *i)
{
    return i->opsize == 0 ? x86_reg_get(c, i->reg, 1) : c->s.gpr[i->reg];
}

/* What i does, by its opcode; none of those that can be locked means two things. */
static struct locked locked_decode(const struct x86_core *c, const struct x86_insn *i, uint64_t pc)
{
    unsigned digit = i->modrm >> 3 & 7;
    struct locked l = {.width = 1u << i->opsize, .offset = x86_offset(c, i, pc)};
    l.operand = register_operand(c, i);
    switch (i->opcode) {
    case 0x80:
    case 0x81:
    case 0x82:
    case 0x83:
        l.op = digit < 7 ? (enum locked_op)digit : LOCKED_ADD;
        l.operand = (uint64_t)(int64_t)i->imm;
        break;
    case 0xfe:
    case 0xff: l.op = digit == 0 ? LOCKED_INC : LOCKED_DEC; break;
    case 0xf6:
    case 0xf7: l.op = digit == 2 ? LOCKED_NOT : LOCKED_NEG; break;
    case 0x86:
    case 0x87: l.op = LOCKED_XCHG; break;
    case 0xc0:
    case 0xc1: l.op = LOCKED_XADD; break;
    case 0xb0:
    case 0xb1: l.op = LOCKED_CMPXCHG; break;
    case 0xab:
    case 0xb3:
    case 0xbb:
    case 0xba:
        l.op = (enum locked_op)(LOCKED_BTS + (i->opcode == 0xba ? digit - 5 : (i->opcode - 0xab) / 8u));
        bit_locate(c, i, &l);
        break;
    default: l.op = (enum locked_op)(i->opcode >> 3); break;
    }
    return l;
}

/* The new value. */
static uint64_t locked_value(const struct x86_core *c, const struct locked *l, uint64_t a)
{
    uint64_t b = l->operand;
    unsigned unused = 64 - 8 * l->width;
    switch (l->op) {
    case LOCKED_ADD:
    case LOCKED_XADD: return a + b;
    case LOCKED_OR: return a | b;
    case LOCKED_ADC: return a + b + x86_carry(c);
    case LOCKED_SBB: return a - b - x86_carry(c);
    case LOCKED_AND: return a & b;
    case LOCKED_SUB: return a - b;
    case LOCKED_XOR: return a ^ b;
    case LOCKED_INC: return a + 1;
    case LOCKED_DEC: return a - 1;
    case LOCKED_NOT: return ~a;
    case LOCKED_NEG: return 0 - a;
    case LOCKED_BTS: return a | (uint64_t)1 << b;
    case LOCKED_BTR: return a & ~((uint64_t)1 << b);
    case LOCKED_BTC: return a ^ (uint64_t)1 << b;
    case LOCKED_CMPXCHG: return (a ^ c->s.gpr[RAX]) << unused ? a : b;
    default: return b;
    }
}

/* Registers and flags, when the old value was `a`. */
static void locked_finish(struct x86_core *c, const struct x86_insn *i, const struct locked *l, uint64_t a)
{
    unsigned width = l->width;
    uint64_t b = l->operand, acc = c->s.gpr[RAX];
    switch (l->op) {
    case LOCKED_ADD: op_add(c, width, a, b); break;
    case LOCKED_OR: op_or(c, width, a, b); break;
    case LOCKED_ADC: op_adc(c, width, a, b); break;
    case LOCKED_SBB: op_sbb(c, width, a, b); break;
    case LOCKED_AND: op_and(c, width, a, b); break;
    case LOCKED_SUB: op_sub(c, width, a, b); break;
    case LOCKED_XOR: op_xor(c, width, a, b); break;
    case LOCKED_INC: op_inc(c, width, a); break;
    case LOCKED_DEC: op_dec(c, width, a); break;
    case LOCKED_NEG: op_neg(c, width, a); break;
    case LOCKED_BTS:
    case LOCKED_BTR:
    case LOCKED_BTC: flags_bit(c, a, (unsigned)b); break;
    case LOCKED_XADD:
        op_add(c, width, a, b);
        x86_reg_set(c, i->reg, width, a);
        break;
    case LOCKED_XCHG: x86_reg_set(c, i->reg, width, a); break;
    case LOCKED_CMPXCHG:
        x86_flags_sub(c, width, acc, a);
        if ((acc ^ a) << (64 - 8 * width))
            x86_reg_set(c, RAX, width, a);
        break;
    default: break;
    }
}

/* The exchange on the host; *old is what was there. False: somebody came between, *old is what is there now.
 */
#define EXCHANGE(bits)                                                                                       \
    static bool exchange##bits(void *host, uint64_t *old, uint64_t new)                                      \
    {                                                                                                        \
        uint##bits##_t expected = (uint##bits##_t) * old;                                                    \
        bool done = __atomic_compare_exchange_n((uint##bits##_t *)host, &expected, (uint##bits##_t) new,     \
                                                false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                  \
        *old = expected;                                                                                     \
        return done;                                                                                         \
    }
EXCHANGE(8)
EXCHANGE(16)
EXCHANGE(32)
EXCHANGE(64)

static bool exchange(void *host, unsigned width, uint64_t *old, uint64_t new)
{
    switch (width) {
    case 1: return exchange8(host, old, new);
    case 2: return exchange16(host, old, new);
    case 4: return exchange32(host, old, new);
    default: return exchange64(host, old, new);
    }
}

/* Where the host can't do it in one: everybody who can't takes turns. */
static bool locked_split(struct x86_core *c, const struct x86_insn *i, const struct locked *l)
{
    x86_split_lock();
    struct x86_loaded loaded = x86_read_to_write(c, i->seg, l->offset, l->width);
    bool ok = loaded.ok && x86_write(c, i->seg, l->offset, l->width, locked_value(c, l, loaded.value));
    x86_split_unlock();
    if (ok)
        locked_finish(c, i, l, loaded.value);
    return ok;
}

static __attribute__((noinline)) bool locked_do(struct x86_core *c, const struct x86_insn *i, uint64_t pc)
{
    struct locked l = locked_decode(c, i, pc);
    bool split;
    void *host = x86_atomic_at(c, i->seg, l.offset, l.width, &split);
    if (!host)
        return split && locked_split(c, i, &l);
    uint64_t old = x86_host_load(host, l.width);
    while (!exchange(host, l.width, &old, locked_value(c, &l, old)))
        ;
    x86_atomic_done(c, l.width);
    locked_finish(c, i, &l, old);
    return true;
}

X86_HANDLER(x86_locked)
{
    if (i->opcode == 0xc7 && i->flags & INSN_W)
        TAIL return x86_cmpxchg16b(c, i, bank, pc);
    if (i->opcode == 0xc7)
        TAIL return x86_cmpxchg8b(c, i, bank, pc);
    if (unlikely(!locked_do(c, i, pc)))
        TAIL return x86_raise(c, i, bank, pc);
    TAIL return x86_next_slow(c, i, bank, pc);
}

/*
 * ---- the frequent ones, with an operand in plain RAM at its alignment: one atomic access of the host each.
 * All else is done the long way. ----
 */

INLINE void *locked_hit(struct x86_core *c, const struct x86_insn *i, struct tlb_bank *bank, uint64_t pc,
                        unsigned width)
{
    void *p = x86_write_hit_m(c, i, bank, pc, width);
    return (uintptr_t)p & (width - 1) ? NULL : p;
}

/* `fetch` leaves the old value in v. */
#define LOCKED(name, bits, width, fetch, finish)                                                             \
    static X86_HANDLER(lock_##name##bits)                                                                    \
    {                                                                                                        \
        uint##bits##_t *p = locked_hit(c, i, bank, pc, width);                                               \
        if (unlikely(!p))                                                                                    \
            TAIL return x86_locked(c, i, bank, pc);                                                          \
        uint##bits##_t v = fetch;                                                                            \
        finish;                                                                                              \
        TAIL return x86_next(c, i, bank, pc);                                                                \
    }
#define LOCKED_BINARY(op, fetch, bits, width)                                                                \
    LOCKED(op##_mr, bits, width,                                                                             \
           __atomic_fetch_##fetch(p, (uint##bits##_t)c->s.gpr[i->reg], __ATOMIC_SEQ_CST),                    \
           op_##op(c, width, v, x86_reg_get(c, i->reg, width)))                                              \
    LOCKED(op##_mi, bits, width, __atomic_fetch_##fetch(p, (uint##bits##_t)i->imm, __ATOMIC_SEQ_CST),        \
           op_##op(c, width, v, (uint##bits##_t)i->imm))
#define LOCKED_SIZE(bits, width)                                                                             \
    LOCKED_BINARY(add, add, bits, width)                                                                     \
    LOCKED_BINARY(or, or, bits, width)                                                                       \
    LOCKED_BINARY(and, and, bits, width)                                                                     \
    LOCKED_BINARY(sub, sub, bits, width)                                                                     \
    LOCKED_BINARY(xor, xor, bits, width)                                                                     \
    LOCKED(inc, bits, width, __atomic_fetch_add(p, 1, __ATOMIC_SEQ_CST), op_inc(c, width, v))                \
    LOCKED(dec, bits, width, __atomic_fetch_sub(p, 1, __ATOMIC_SEQ_CST), op_dec(c, width, v))                \
    LOCKED(xchg, bits, width, __atomic_exchange_n(p, (uint##bits##_t)c->s.gpr[i->reg], __ATOMIC_SEQ_CST),    \
           x86_reg_set(c, i->reg, width, v))                                                                 \
    static X86_HANDLER(lock_xadd##bits)                                                                      \
    {                                                                                                        \
        uint##bits##_t *p = locked_hit(c, i, bank, pc, width);                                               \
        if (unlikely(!p))                                                                                    \
            TAIL return x86_locked(c, i, bank, pc);                                                          \
        uint64_t b = x86_reg_get(c, i->reg, width);                                                          \
        uint64_t v = __atomic_fetch_add(p, (uint##bits##_t)b, __ATOMIC_SEQ_CST);                             \
        op_add(c, width, v, b);                                                                              \
        x86_reg_set(c, i->reg, width, v);                                                                    \
        TAIL return x86_next(c, i, bank, pc);                                                                \
    }                                                                                                        \
    static X86_HANDLER(lock_cmpxchg##bits)                                                                   \
    {                                                                                                        \
        uint##bits##_t *p = locked_hit(c, i, bank, pc, width);                                               \
        if (unlikely(!p))                                                                                    \
            TAIL return x86_locked(c, i, bank, pc);                                                          \
        uint64_t acc = x86_reg_get(c, RAX, width);                                                           \
        uint64_t v = __sync_val_compare_and_swap(p, (uint##bits##_t)acc, (uint##bits##_t)c->s.gpr[i->reg]);  \
        x86_flags_sub(c, width, acc, v);                                                                     \
        if (v != acc)                                                                                        \
            x86_reg_set(c, RAX, width, v);                                                                   \
        TAIL return x86_next(c, i, bank, pc);                                                                \
    }

LOCKED_SIZE(32, 4)
LOCKED_SIZE(64, 8)

#define SIZES(name)                                                                                          \
    {                                                                                                        \
        lock_##name##32, lock_##name##64                                                                     \
    }
#define BINARY(op, digit)                                                                                    \
    {digit * 8 + 1, -1, SIZES(op##_mr)}, {0x81, digit, SIZES(op##_mi)},                                      \
    {                                                                                                        \
        0x83, digit, SIZES(op##_mi)                                                                          \
    }

static const struct {
    uint8_t opcode;
    int8_t digit; /* ModRM.reg; -1: any */
    x86_handler *run[2];
} locked_fast[] = {
    BINARY(add, 0),          BINARY(or, 1),
    BINARY(and, 4),          BINARY(sub, 5),
    BINARY(xor, 6),          {0xff, 0, SIZES(inc)},
    {0xff, 1, SIZES(dec)},   {0x87, -1, SIZES(xchg)},
    {0xc1, -1, SIZES(xadd)}, {0xb1, -1, SIZES(cmpxchg)},
};

x86_handler *x86_locked_choose(const struct x86_insn *insn)
{
    for (size_t n = 0; insn->opsize >= 2 && n < ARRAY_LEN(locked_fast); n++) {
        bool digit = locked_fast[n].digit < 0 || locked_fast[n].digit == (insn->modrm >> 3 & 7);
        if (locked_fast[n].opcode == insn->opcode && digit)
            return locked_fast[n].run[insn->opsize - 2];
    }
    return x86_locked;
}

/* ---- without LOCK ---- */

/* The destination is written in either case: with what it was when the accumulator differs. */
#define CMPXCHG(bits, width)                                                                                 \
    X86_HANDLER(x86_cmpxchg##bits##_r)                                                                       \
    {                                                                                                        \
        uint64_t a = x86_reg_get(c, i->rm, width), acc = x86_reg_get(c, RAX, width);                         \
        x86_flags_sub(c, width, acc, a);                                                                     \
        if (acc == a)                                                                                        \
            x86_reg_set(c, i->rm, width, x86_reg_get(c, i->reg, width));                                     \
        else                                                                                                 \
            x86_reg_set(c, RAX, width, a);                                                                   \
        TAIL return x86_next(c, i, bank, pc);                                                                \
    }                                                                                                        \
    X86_HANDLER(x86_cmpxchg##bits##_m)                                                                       \
    {                                                                                                        \
        TAIL return x86_locked(c, i, bank, pc);                                                              \
    }                                                                                                        \
    X86_HANDLER(x86_xadd##bits##_r)                                                                          \
    {                                                                                                        \
        uint64_t a = x86_reg_get(c, i->rm, width), b = x86_reg_get(c, i->reg, width);                        \
        x86_reg_set(c, i->reg, width, a);                                                                    \
        x86_reg_set(c, i->rm, width, op_add(c, width, a, b));                                                \
        TAIL return x86_next(c, i, bank, pc);                                                                \
    }                                                                                                        \
    X86_HANDLER(x86_xadd##bits##_m)                                                                          \
    {                                                                                                        \
        TAIL return x86_locked(c, i, bank, pc);                                                              \
    }
CMPXCHG(8, 1)
CMPXCHG(16, 2)
CMPXCHG(32, 4)
CMPXCHG(64, 8)

/* CMPXCHG8B and CMPXCHG16B compare with EDX:EAX or RDX:RAX and store ECX:EBX or RCX:RBX; only ZF changes. */
static bool zero_flag(struct x86_core *c, bool zero)
{
    x86_flags_set(c, FLAG_ZF, zero ? FLAG_ZF : 0);
    return true;
}

X86_DO(cmpxchg8b)
{
    uint64_t offset = x86_operand_offset(c, i), acc, new;
    bool split;
    acc = (c->s.gpr[RDX] << 32) | (uint32_t)c->s.gpr[RAX];
    new = (c->s.gpr[RCX] << 32) | (uint32_t)c->s.gpr[RBX];
    void *host = x86_atomic_at(c, i->seg, offset, 8, &split);
    uint64_t old = acc;
    bool same;
    if (host) {
        same = exchange64(host, &old, new);
        x86_atomic_done(c, 8);
    } else {
        struct x86_loaded loaded = {0};
        x86_split_lock();
        if (split)
            loaded = x86_read_to_write(c, i->seg, offset, 8);
        old = loaded.value;
        same = old == acc;
        bool ok = loaded.ok && x86_write(c, i->seg, offset, 8, same ? new : old);
        x86_split_unlock();
        if (!ok)
            return false;
    }
    if (!same) {
        c->s.gpr[RAX] = (uint32_t)old;
        c->s.gpr[RDX] = old >> 32;
    }
    return zero_flag(c, same);
}
X86_HELPER(cmpxchg8b)

/* The 16 bytes at host, which are aligned. */
static bool exchange128(void *host, uint64_t old[2], uint64_t low, uint64_t high)
{
    unsigned __int128 expected = old[0] | (unsigned __int128)old[1] << 64;
    bool done =
        __atomic_compare_exchange_n((unsigned __int128 *)host, &expected, low | (unsigned __int128)high << 64,
                                    false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    old[0] = (uint64_t)expected;
    old[1] = (uint64_t)(expected >> 64);
    return done;
}

X86_DO(cmpxchg16b)
{
    uint64_t offset = x86_operand_offset(c, i), old[2] = {c->s.gpr[RAX], c->s.gpr[RDX]};
    uint64_t linear = (c->view[i->seg].base + offset) & c->linear_mask;
    if (linear & 15)
        return x86_fault_gp(c, 0);
    bool split;
    void *host = x86_atomic_at(c, i->seg, offset, 16, &split);
    if (!host && !split)
        return false;
    bool same;
    if (host) {
        same = exchange128(host, old, c->s.gpr[RBX], c->s.gpr[RCX]);
        x86_atomic_done(c, 16);
    } else {
        x86_split_lock();
        bool ok = x86_read_bytes(c, i->seg, offset, old, 16);
        same = ok && old[0] == c->s.gpr[RAX] && old[1] == c->s.gpr[RDX];
        uint64_t new[2] = {same ? c->s.gpr[RBX] : old[0], same ? c->s.gpr[RCX] : old[1]};
        ok = ok && x86_write_bytes(c, i->seg, offset, new, 16);
        x86_split_unlock();
        if (!ok)
            return false;
    }
    if (!same) {
        c->s.gpr[RAX] = old[0];
        c->s.gpr[RDX] = old[1];
    }
    return zero_flag(c, same);
}
X86_HELPER(cmpxchg16b)
