/*
 * Atomic operations: guest atomics are host atomics on the bytes themselves, sequentially consistent whatever
 * aq and rl say. A reservation is an address and the value read there: SC is a compare-and-swap with that
 * value.
 */
#include "cpu/riscv64/interp.h"

#define NO_RESERVATION (~(uint64_t)0)

/* Where an aligned operation can be done (c->atomic describes it), or NULL: c->fault is set. An LR (`load`)
 * only reads; all others need both tags. */
INLINE void *atomic_place(struct riscv_core *c, struct tlb_bank *bank, uint64_t va, unsigned width, bool load)
{
    const struct tlb_entry *entry = tlb_slot(bank, va);
    uint64_t page = va & (PAGE_MASK | (width - 1)); /* misaligned: no tag is like that */
    if (unlikely(entry->read_tag != page || (!load && entry->write_tag != page)))
        return riscv_atomic_at(c, va, width, load);
    c->atomic.pa = (entry->page & PAGE_MASK) | (va & ~PAGE_MASK);
    c->atomic.watched = false;
    return (void *)(uintptr_t)(va + entry->addend);
}

INLINE void atomic_end(struct riscv_core *c, unsigned width)
{
    if (unlikely(c->atomic.watched))
        riscv_atomic_done(c, width);
}

/* An operation: p is the place, b is rs2, the expression is the value before. */
#define AMO(name, type, value)                                                                               \
    const struct riscv_insn *rv_##name(struct riscv_core *c, const struct riscv_insn *i,                     \
                                       struct tlb_bank *bank, uint64_t pc)                                   \
    {                                                                                                        \
        type *p = atomic_place(c, bank, c->s.x[i->rs1], sizeof(type), false);                                \
        if (unlikely(!p))                                                                                    \
            TAIL return riscv_raise(c, i, bank, pc);                                                         \
        type b = (type)c->s.x[i->rs2];                                                                       \
        c->s.x[i->rd] = (uint64_t)(int64_t)(value);                                                          \
        atomic_end(c, sizeof(type));                                                                         \
        TAIL return next(c, i, bank, pc);                                                                    \
    }

/* Replace *p by one of the two, chosen by `keep` (the old value `old` stays); returns the old value. */
#define AMO_CHOOSE(name, type, keep)                                                                         \
    INLINE type name##_at(type *p, type b)                                                                   \
    {                                                                                                        \
        type old = __atomic_load_n(p, __ATOMIC_RELAXED), seen;                                               \
        while ((seen = __sync_val_compare_and_swap(p, old, (keep) ? old : b)) != old)                        \
            old = seen;                                                                                      \
        return old;                                                                                          \
    }                                                                                                        \
    AMO(name, type, name##_at(p, b))

/* amocas: rd is the value to compare with. */
#define AMO_CAS(name, type) AMO(name, type, __sync_val_compare_and_swap(p, (type)c->s.x[i->rd & 31], b))

/* clang-format off */
AMO(amoswap_b, int8_t,  __atomic_exchange_n(p, b, __ATOMIC_SEQ_CST))
AMO(amoswap_h, int16_t, __atomic_exchange_n(p, b, __ATOMIC_SEQ_CST))
AMO(amoswap_w, int32_t, __atomic_exchange_n(p, b, __ATOMIC_SEQ_CST))
AMO(amoswap_d, int64_t, __atomic_exchange_n(p, b, __ATOMIC_SEQ_CST))
AMO(amoadd_b,  int8_t,  __atomic_fetch_add(p, b, __ATOMIC_SEQ_CST))
AMO(amoadd_h,  int16_t, __atomic_fetch_add(p, b, __ATOMIC_SEQ_CST))
AMO(amoadd_w,  int32_t, __atomic_fetch_add(p, b, __ATOMIC_SEQ_CST))
AMO(amoadd_d,  int64_t, __atomic_fetch_add(p, b, __ATOMIC_SEQ_CST))
AMO(amoxor_b,  int8_t,  __atomic_fetch_xor(p, b, __ATOMIC_SEQ_CST))
AMO(amoxor_h,  int16_t, __atomic_fetch_xor(p, b, __ATOMIC_SEQ_CST))
AMO(amoxor_w,  int32_t, __atomic_fetch_xor(p, b, __ATOMIC_SEQ_CST))
AMO(amoxor_d,  int64_t, __atomic_fetch_xor(p, b, __ATOMIC_SEQ_CST))
AMO(amoand_b,  int8_t,  __atomic_fetch_and(p, b, __ATOMIC_SEQ_CST))
AMO(amoand_h,  int16_t, __atomic_fetch_and(p, b, __ATOMIC_SEQ_CST))
AMO(amoand_w,  int32_t, __atomic_fetch_and(p, b, __ATOMIC_SEQ_CST))
AMO(amoand_d,  int64_t, __atomic_fetch_and(p, b, __ATOMIC_SEQ_CST))
AMO(amoor_b,   int8_t,  __atomic_fetch_or(p, b, __ATOMIC_SEQ_CST))
AMO(amoor_h,   int16_t, __atomic_fetch_or(p, b, __ATOMIC_SEQ_CST))
AMO(amoor_w,   int32_t, __atomic_fetch_or(p, b, __ATOMIC_SEQ_CST))
AMO(amoor_d,   int64_t, __atomic_fetch_or(p, b, __ATOMIC_SEQ_CST))

AMO_CHOOSE(amomin_b, int8_t,  old < b)
AMO_CHOOSE(amomin_h, int16_t, old < b)
AMO_CHOOSE(amomin_w, int32_t, old < b)
AMO_CHOOSE(amomin_d, int64_t, old < b)
AMO_CHOOSE(amomax_b, int8_t,  old > b)
AMO_CHOOSE(amomax_h, int16_t, old > b)
AMO_CHOOSE(amomax_w, int32_t, old > b)
AMO_CHOOSE(amomax_d, int64_t, old > b)
AMO_CHOOSE(amominu_b, int8_t,  (uint8_t)old < (uint8_t)b)
AMO_CHOOSE(amominu_h, int16_t, (uint16_t)old < (uint16_t)b)
AMO_CHOOSE(amominu_w, int32_t, (uint32_t)old < (uint32_t)b)
AMO_CHOOSE(amominu_d, int64_t, (uint64_t)old < (uint64_t)b)
AMO_CHOOSE(amomaxu_b, int8_t,  (uint8_t)old > (uint8_t)b)
AMO_CHOOSE(amomaxu_h, int16_t, (uint16_t)old > (uint16_t)b)
AMO_CHOOSE(amomaxu_w, int32_t, (uint32_t)old > (uint32_t)b)
AMO_CHOOSE(amomaxu_d, int64_t, (uint64_t)old > (uint64_t)b)

AMO_CAS(amocas_b, int8_t)
AMO_CAS(amocas_h, int16_t)
AMO_CAS(amocas_w, int32_t)
AMO_CAS(amocas_d, int64_t)
/* clang-format on */

/* A pair of registers as one number; x0 as the first of a pair stands for the number 0. */
INLINE unsigned __int128 pair_get(const struct riscv_core *c, unsigned r)
{
    return (r & 31) == 0 ? 0 : c->s.x[r] | (unsigned __int128)c->s.x[r + 1] << 64;
}

INLINE unsigned __int128 pair_swap(unsigned __int128 *p, unsigned __int128 expected, unsigned __int128 b)
{
    __atomic_compare_exchange_n(p, &expected, b, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return expected;
}

/* Out of line: the compiler may need the stack for 128 bits. */
static __attribute__((noinline)) bool pair_operate(struct riscv_core *c, const struct riscv_insn *i,
                                                   struct tlb_bank *bank)
{
    unsigned __int128 *p = atomic_place(c, bank, c->s.x[i->rs1], 16, false);
    if (!p)
        return false;
    unsigned __int128 old = pair_swap(p, pair_get(c, i->rd), pair_get(c, i->rs2));
    if (i->rd != 32) {
        c->s.x[i->rd] = (uint64_t)old;
        c->s.x[i->rd + 1] = (uint64_t)(old >> 64);
    }
    atomic_end(c, 16);
    return true;
}

const struct riscv_insn *rv_amocas_q(struct riscv_core *c, const struct riscv_insn *i, struct tlb_bank *bank,
                                     uint64_t pc)
{
    if (!pair_operate(c, i, bank))
        TAIL return riscv_raise(c, i, bank, pc);
    TAIL return next(c, i, bank, pc);
}

/* ---- LR and SC ---- */

/* Read and reserve. False: c->fault is set. */
static __attribute__((noinline)) bool reserve(struct riscv_core *c, const struct riscv_insn *i,
                                              struct tlb_bank *bank, unsigned width)
{
    const void *p = atomic_place(c, bank, c->s.x[i->rs1], width, true);
    if (!p)
        return false;
    uint64_t value = width == 4 ? (uint64_t)(int64_t)__atomic_load_n((const int32_t *)p, __ATOMIC_SEQ_CST)
                                : __atomic_load_n((const uint64_t *)p, __ATOMIC_SEQ_CST);
    c->s.reservation_address = c->atomic.pa;
    c->s.reservation_value = value;
    c->s.reservation_width = (uint8_t)width;
    c->s.x[i->rd] = value;
    return true;
}

static bool swap_reserved(struct riscv_core *c, void *p, unsigned width, uint64_t value)
{
    uint64_t expected = c->s.reservation_value;
    if (width == 4)
        return __sync_bool_compare_and_swap((uint32_t *)p, (uint32_t)expected, (uint32_t)value);
    return __sync_bool_compare_and_swap((uint64_t *)p, expected, value);
}

/* Store if still reserved. False: c->fault is set. Whether one that fails looks at its address all the same
 * is left open; software that expects the exceptions of a store is served by looking. */
static __attribute__((noinline)) bool conditionally_store(struct riscv_core *c, const struct riscv_insn *i,
                                                          struct tlb_bank *bank, unsigned width)
{
    uint64_t address = c->s.reservation_address;
    c->s.reservation_address = NO_RESERVATION;
    void *p = atomic_place(c, bank, c->s.x[i->rs1], width, false);
    if (!p)
        return false;
    bool stored = c->atomic.pa == address && c->s.reservation_width == width &&
                  swap_reserved(c, p, width, c->s.x[i->rs2]);
    if (stored)
        atomic_end(c, width);
    c->s.x[i->rd] = !stored;
    return true;
}

#define RESERVE(name, operation, width)                                                                      \
    const struct riscv_insn *rv_##name(struct riscv_core *c, const struct riscv_insn *i,                     \
                                       struct tlb_bank *bank, uint64_t pc)                                   \
    {                                                                                                        \
        if (unlikely(!operation(c, i, bank, width)))                                                         \
            TAIL return riscv_raise(c, i, bank, pc);                                                         \
        TAIL return next(c, i, bank, pc);                                                                    \
    }

/* clang-format off */
RESERVE(lr_w, reserve, 4)
RESERVE(lr_d, reserve, 8)
RESERVE(sc_w, conditionally_store, 4)
RESERVE(sc_d, conditionally_store, 8)
/* clang-format on */
