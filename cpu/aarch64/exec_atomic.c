/*
 * Exclusive, ordered and atomic accesses. Guest atomics are host atomics; the exclusive monitor remembers
 * address, size and value, and a store-exclusive is a compare-and-swap with what the load saw.
 */
#include "base/bits.h"
#include "cpu/aarch64/interp.h"
#include "cpu/aarch64/memory.h"

#define X(n)         (c->s.x[n])
#define MONITOR_OPEN (~(uint64_t)0)

typedef unsigned __int128 u128;

/* ---- host atomics of a width known at compile time ---- */

INLINE uint64_t atomic_load(const void *p, unsigned size)
{
    switch (size) {
    case 1: return __atomic_load_n((const uint8_t *)p, __ATOMIC_SEQ_CST);
    case 2: return __atomic_load_n((const uint16_t *)p, __ATOMIC_SEQ_CST);
    case 4: return __atomic_load_n((const uint32_t *)p, __ATOMIC_SEQ_CST);
    default: return __atomic_load_n((const uint64_t *)p, __ATOMIC_SEQ_CST);
    }
}

INLINE void atomic_store(void *p, unsigned size, uint64_t v)
{
    switch (size) {
    case 1: __atomic_store_n((uint8_t *)p, (uint8_t)v, __ATOMIC_SEQ_CST); break;
    case 2: __atomic_store_n((uint16_t *)p, (uint16_t)v, __ATOMIC_SEQ_CST); break;
    case 4: __atomic_store_n((uint32_t *)p, (uint32_t)v, __ATOMIC_SEQ_CST); break;
    default: __atomic_store_n((uint64_t *)p, v, __ATOMIC_SEQ_CST); break;
    }
}

INLINE uint64_t cut(uint64_t v, unsigned size)
{
    return size == 8 ? v : v & (((uint64_t)1 << (8 * size)) - 1);
}

/* __sync builtins have no variable whose address is taken, which handlers must not have. */
INLINE uint64_t atomic_swap_if(void *p, unsigned size, uint64_t expected, uint64_t v)
{
    switch (size) {
    case 1: return __sync_val_compare_and_swap((uint8_t *)p, (uint8_t)expected, (uint8_t)v);
    case 2: return __sync_val_compare_and_swap((uint16_t *)p, (uint16_t)expected, (uint16_t)v);
    case 4: return __sync_val_compare_and_swap((uint32_t *)p, (uint32_t)expected, (uint32_t)v);
    default: return __sync_val_compare_and_swap((uint64_t *)p, expected, v);
    }
}

static u128 swap_if_16(void *p, u128 expected, u128 v)
{
    __atomic_compare_exchange_n((u128 *)p, &expected, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return expected;
}

/*
 * A compare-and-swap of bytes that lie unaligned within 16 aligned ones (LSE2), through those. Returns what
 * was there.
 */
static COLD uint64_t swap_if_unaligned(void *p, unsigned size, uint64_t expected, uint64_t v)
{
    unsigned shift = 8 * (unsigned)((uintptr_t)p & 15);
    u128 *whole = (u128 *)((uintptr_t)p & ~(uintptr_t)15);
    u128 field = (u128)cut(~(uint64_t)0, size) << shift, seen = swap_if_16(whole, 0, 0);
    for (;;) {
        uint64_t old = cut((uint64_t)(seen >> shift), size);
        if (old != expected)
            return old;
        u128 before = swap_if_16(whole, seen, (seen & ~field) | (u128)cut(v, size) << shift);
        if (before == seen)
            return old;
        seen = before;
    }
}

INLINE bool unaligned(const void *p, unsigned size)
{
    return unlikely((uintptr_t)p & (size - 1));
}

INLINE uint64_t swap_if(void *p, unsigned size, uint64_t expected, uint64_t v)
{
    if (unaligned(p, size))
        return swap_if_unaligned(p, size, cut(expected, size), v);
    return atomic_swap_if(p, size, expected, v);
}

/* ---- finding the place ---- */

#define MISS(name) TAIL return a64_##name##_slow(c, i, bank, pc)
#define FAULT      TAIL return a64_raise(c, i, bank, pc)

/* The fast paths: in the TLB and aligned. */
INLINE void *write_hit(struct tlb_bank *bank, uint64_t va, unsigned size)
{
    void *p = tlb_write_hit(bank, va, size);
    return likely(!(va & (size - 1))) ? p : NULL;
}

INLINE const void *read_hit(struct tlb_bank *bank, uint64_t va, unsigned size)
{
    const void *p = tlb_read_hit(bank, va, size);
    return likely(!(va & (size - 1))) ? p : NULL;
}

INLINE void write_done(struct aarch64_core *c, unsigned size)
{
    if (unlikely(c->atomic.watched))
        aarch64_atomic_done(c, size);
}

/* ---- exclusive ---- */

INLINE void monitor_set(struct aarch64_core *c, uint64_t va, unsigned size, uint64_t lo, uint64_t hi)
{
    c->s.monitor_address = va;
    c->s.monitor_size = (uint8_t)size;
    c->s.monitor_value[0] = lo;
    c->s.monitor_value[1] = hi;
}

/* The monitor is for this access: the same address and size. It is open afterwards in any case. */
INLINE bool monitor_take(struct aarch64_core *c, uint64_t va, unsigned size)
{
    bool passes = c->s.monitor_address == va && c->s.monitor_size == size;
    c->s.monitor_address = MONITOR_OPEN;
    return passes;
}

/* `result` is a statement that uses v. */
#define LOAD_EXCLUSIVE(name, size, result)                                                                   \
    A64_HANDLERS(                                                                                            \
        name,                                                                                                \
        {                                                                                                    \
            uint64_t va = X(i->rn);                                                                          \
            const void *p = read_hit(bank, va, size);                                                        \
            if (unlikely(!p))                                                                                \
                MISS(name);                                                                                  \
            uint64_t v = atomic_load(p, size);                                                               \
            monitor_set(c, va, size, v, 0);                                                                  \
            result;                                                                                          \
        },                                                                                                   \
        {                                                                                                    \
            uint64_t va = X(i->rn);                                                                          \
            void *p = aarch64_atomic_at(c, va, size, ATOMIC_LOAD);                                           \
            if (!p)                                                                                          \
                FAULT;                                                                                       \
            uint64_t v = unaligned(p, size) ? swap_if(p, size, 0, 0) : atomic_load(p, size);                 \
            monitor_set(c, va, size, v, 0);                                                                  \
            result;                                                                                          \
        })

/* Where the monitor doesn't pass, nothing is translated and nothing can fault. The slow twin finds it taken.
 */
#define STORE_EXCLUSIVE(name, size, value)                                                                   \
    A64_HANDLERS(                                                                                            \
        name,                                                                                                \
        {                                                                                                    \
            uint64_t va = X(i->rn);                                                                          \
            uint64_t failed = 1;                                                                             \
            if (likely(monitor_take(c, va, size))) {                                                         \
                void *p = write_hit(bank, va, size);                                                         \
                if (unlikely(!p))                                                                            \
                    MISS(name);                                                                              \
                uint64_t expected = c->s.monitor_value[0];                                                   \
                failed = atomic_swap_if(p, size, expected, value) != expected;                               \
            }                                                                                                \
            X(i->rd) = failed;                                                                               \
        },                                                                                                   \
        {                                                                                                    \
            void *p = aarch64_atomic_at(c, X(i->rn), size, ATOMIC_STORE);                                    \
            if (!p)                                                                                          \
                FAULT;                                                                                       \
            uint64_t expected = c->s.monitor_value[0];                                                       \
            X(i->rd) = swap_if(p, size, expected, value) != expected;                                        \
            write_done(c, size);                                                                             \
        })
#define LDXR(name, size) LOAD_EXCLUSIVE(name, size, X(i->rd) = v)
#define STXR(name, size) STORE_EXCLUSIVE(name, size, X(i->rm))

/* clang-format off */
LDXR(ldxr_b, 1)
LDXR(ldxr_h, 2)
LDXR(ldxr_w, 4)
LDXR(ldxr_x, 8)
LDXR(ldaxr_b, 1)
LDXR(ldaxr_h, 2)
LDXR(ldaxr_w, 4)
LDXR(ldaxr_x, 8)
STXR(stxr_b, 1)
STXR(stxr_h, 2)
STXR(stxr_w, 4)
STXR(stxr_x, 8)
STXR(stlxr_b, 1)
STXR(stlxr_h, 2)
STXR(stlxr_w, 4)
STXR(stlxr_x, 8)
/* clang-format on */

/* Pairs of words are one double word. */
#define LDXP_W(name) LOAD_EXCLUSIVE(name, 8, X(i->rd) = (uint32_t)v; X(i->rm) = v >> 32)
#define STXP_W(name) STORE_EXCLUSIVE(name, 8, (uint32_t)X(i->rm) | X(i->imm) << 32)
LDXP_W(ldxp_w)
LDXP_W(ldaxp_w)
STXP_W(stxp_w)
STXP_W(stlxp_w)

/* Out of line, for the sake of the compiler's stack: sixteen bytes at c->loaded. */
static __attribute__((noinline)) bool load_16(struct aarch64_core *c, struct tlb_bank *bank, uint64_t va)
{
    const void *p = read_hit(bank, va, 16);
    if (!p)
        p = aarch64_atomic_at(c, va, 16, ATOMIC_LOAD);
    if (!p)
        return false;
    /* The one way to load sixteen bytes atomically on every host. Its writing back of zeroes is seen by
     * nobody. */
    u128 v = swap_if_16((void *)(uintptr_t)p, 0, 0);
    c->loaded[0] = (uint64_t)v;
    c->loaded[1] = (uint64_t)(v >> 64);
    return true;
}

static __attribute__((noinline)) bool swap_16(struct aarch64_core *c, struct tlb_bank *bank, uint64_t va,
                                              enum aarch64_atomic what, const uint64_t expected[2],
                                              uint64_t lo, uint64_t hi)
{
    void *p = write_hit(bank, va, 16);
    c->atomic.watched = false;
    if (!p)
        p = aarch64_atomic_at(c, va, 16, what);
    if (!p)
        return false;
    u128 v = swap_if_16(p, expected[0] | (u128)expected[1] << 64, lo | (u128)hi << 64);
    write_done(c, 16);
    c->loaded[0] = (uint64_t)v;
    c->loaded[1] = (uint64_t)(v >> 64);
    return true;
}

#define LDXP_X(name)                                                                                         \
    A64_HANDLER(name)                                                                                        \
    {                                                                                                        \
        uint64_t va = X(i->rn);                                                                              \
        if (!load_16(c, bank, va))                                                                           \
            TAIL return a64_raise(c, i, bank, pc);                                                           \
        monitor_set(c, va, 16, c->loaded[0], c->loaded[1]);                                                  \
        X(i->rd) = c->loaded[0];                                                                             \
        X(i->rm) = c->loaded[1];                                                                             \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
#define STXP_X(name)                                                                                         \
    A64_HANDLER(name)                                                                                        \
    {                                                                                                        \
        uint64_t va = X(i->rn), failed = 1;                                                                  \
        if (monitor_take(c, va, 16)) {                                                                       \
            if (!swap_16(c, bank, va, ATOMIC_STORE, c->s.monitor_value, X(i->rm), X(i->imm)))                \
                TAIL return a64_raise(c, i, bank, pc);                                                       \
            failed = c->loaded[0] != c->s.monitor_value[0] || c->loaded[1] != c->s.monitor_value[1];         \
        }                                                                                                    \
        X(i->rd) = failed;                                                                                   \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
LDXP_X(ldxp_x)
LDXP_X(ldaxp_x)
STXP_X(stxp_x)
STXP_X(stlxp_x)

A64_HANDLER(clrex)
{
    c->s.monitor_address = MONITOR_OPEN;
    TAIL return a64_next(c, i, bank, pc);
}

/* ---- ordered ---- */

#define LOAD_ORDERED(name, size, address, result)                                                            \
    A64_HANDLERS(                                                                                            \
        name,                                                                                                \
        {                                                                                                    \
            const void *p = read_hit(bank, address, size);                                                   \
            if (unlikely(!p))                                                                                \
                MISS(name);                                                                                  \
            uint64_t v = atomic_load(p, size);                                                               \
            result;                                                                                          \
        },                                                                                                   \
        {                                                                                                    \
            if (!aarch64_load_ordered(c, address, size))                                                     \
                FAULT;                                                                                       \
            uint64_t v = c->loaded[0];                                                                       \
            result;                                                                                          \
        })
#define STORE_ORDERED(name, size, address)                                                                   \
    A64_HANDLERS(                                                                                            \
        name,                                                                                                \
        {                                                                                                    \
            void *p = write_hit(bank, address, size);                                                        \
            if (unlikely(!p))                                                                                \
                MISS(name);                                                                                  \
            atomic_store(p, size, X(i->rd));                                                                 \
        },                                                                                                   \
        {                                                                                                    \
            if (!aarch64_store_ordered(c, address, size, X(i->rd)))                                          \
                FAULT;                                                                                       \
        })
#define AT_BASE   X(i->rn)
#define AT_OFFSET (X(i->rn) + (uint64_t)(int64_t)i->imm)
#define ORDERED(suffix, size)                                                                                \
    LOAD_ORDERED(ldar_##suffix, size, AT_BASE, X(i->rd) = v)                                                 \
    LOAD_ORDERED(ldlar_##suffix, size, AT_BASE, X(i->rd) = v)                                                \
    LOAD_ORDERED(ldapr_##suffix, size, AT_BASE, X(i->rd) = v)                                                \
    LOAD_ORDERED(ldapur_##suffix, size, AT_OFFSET, X(i->rd) = v)                                             \
    STORE_ORDERED(stlr_##suffix, size, AT_BASE)                                                              \
    STORE_ORDERED(stllr_##suffix, size, AT_BASE)                                                             \
    STORE_ORDERED(stlur_##suffix, size, AT_OFFSET)
/* clang-format off */
ORDERED(b, 1)
ORDERED(h, 2)
ORDERED(w, 4)
ORDERED(x, 8)
LOAD_ORDERED(ldapursb_w, 1, AT_OFFSET, X(i->rd) = (uint32_t)(int8_t)v)
LOAD_ORDERED(ldapursb_x, 1, AT_OFFSET, X(i->rd) = (uint64_t)(int8_t)v)
LOAD_ORDERED(ldapursh_w, 2, AT_OFFSET, X(i->rd) = (uint32_t)(int16_t)v)
LOAD_ORDERED(ldapursh_x, 2, AT_OFFSET, X(i->rd) = (uint64_t)(int16_t)v)
LOAD_ORDERED(ldapursw,   4, AT_OFFSET, X(i->rd) = (uint64_t)(int32_t)v)
/* clang-format on */

/* ---- compare and swap ---- */

/* What was expected is rd; XZR, which is 31 here, reads as zero and keeps it. */
INLINE uint8_t destination(uint8_t r)
{
    return r == REG_ZERO ? REG_DISCARD : r;
}

/* `expected` and `value` are expressions; `result` is a statement that uses old. */
#define COMPARE_AND_SWAP(name, size, expected, value, result)                                                \
    A64_HANDLERS(                                                                                            \
        name,                                                                                                \
        {                                                                                                    \
            void *p = write_hit(bank, X(i->rn), size);                                                       \
            if (unlikely(!p))                                                                                \
                MISS(name);                                                                                  \
            uint64_t old = atomic_swap_if(p, size, expected, value);                                         \
            result;                                                                                          \
        },                                                                                                   \
        {                                                                                                    \
            void *p = aarch64_atomic_at(c, X(i->rn), size, ATOMIC_BOTH);                                     \
            if (!p)                                                                                          \
                FAULT;                                                                                       \
            uint64_t old = swap_if(p, size, expected, value);                                                \
            write_done(c, size);                                                                             \
            result;                                                                                          \
        })
#define CAS(name, size) COMPARE_AND_SWAP(name, size, X(i->rd), X(i->rm), X(destination(i->rd)) = old)
/* clang-format off */
CAS(cas_b, 1)
CAS(cas_h, 2)
CAS(cas_w, 4)
CAS(cas_x, 8)
/* clang-format on */
COMPARE_AND_SWAP(casp_w, 8, (uint32_t)X(i->rd) | X(i->rd + 1) << 32, (uint32_t)X(i->rm) | X(i->rm + 1) << 32,
                 X(i->rd) = (uint32_t)old;
                 X(destination(i->rd + 1)) = old >> 32)

A64_HANDLER(casp_x)
{
    if (!swap_16(c, bank, X(i->rn), ATOMIC_BOTH, &X(i->rd), X(i->rm), X(i->rm + 1)))
        TAIL return a64_raise(c, i, bank, pc);
    X(i->rd) = c->loaded[0];
    X(destination(i->rd + 1)) = c->loaded[1];
    TAIL return a64_next(c, i, bank, pc);
}

/* ---- read, modify, write ---- */

/* `fast` is an expression that does it atomically at p and gives what was there; `next_value`, one of the old
 * value v and the operand b for the unaligned case, which is a compare-and-swap. */
#define AMO(name, size, type, fast, next_value)                                                              \
    A64_HANDLERS(                                                                                            \
        name,                                                                                                \
        {                                                                                                    \
            void *p = write_hit(bank, X(i->rn), size);                                                       \
            if (unlikely(!p))                                                                                \
                MISS(name);                                                                                  \
            type b = (type)X(i->rm);                                                                         \
            X(i->rd) = cut((uint64_t)(fast), size);                                                          \
        },                                                                                                   \
        {                                                                                                    \
            void *p = aarch64_atomic_at(c, X(i->rn), size, ATOMIC_BOTH);                                     \
            if (!p)                                                                                          \
                FAULT;                                                                                       \
            type b = (type)X(i->rm);                                                                         \
            uint64_t seen = swap_if(p, size, 0, 0);                                                          \
            for (bool done = false; !done;) {                                                                \
                type v = (type)seen;                                                                         \
                uint64_t before = swap_if(p, size, seen, (uint64_t)(next_value));                            \
                done = before == seen;                                                                       \
                seen = before;                                                                               \
                (void)v;                                                                                     \
            }                                                                                                \
            write_done(c, size);                                                                             \
            X(i->rd) = cut(seen, size);                                                                      \
        })

#define BY_LOOP(function, type, relation)                                                                    \
    INLINE type function(type *p, type b)                                                                    \
    {                                                                                                        \
        type seen = __atomic_load_n(p, __ATOMIC_RELAXED), before;                                            \
        for (;; seen = before) {                                                                             \
            before = __sync_val_compare_and_swap(p, seen, seen relation b ? seen : b);                       \
            if (before == seen)                                                                              \
                return seen;                                                                                 \
        }                                                                                                    \
    }

#define FAMILY(suffix, size, utype, itype)                                                                   \
    BY_LOOP(loop_smax_##suffix, itype, >)                                                                    \
    BY_LOOP(loop_smin_##suffix, itype, <)                                                                    \
    BY_LOOP(loop_umax_##suffix, utype, >)                                                                    \
    BY_LOOP(loop_umin_##suffix, utype, <)                                                                    \
    AMO(ldadd_##suffix, size, utype, __atomic_fetch_add((utype *)p, b, __ATOMIC_SEQ_CST), v + b)             \
    AMO(ldclr_##suffix, size, utype, __atomic_fetch_and((utype *)p, (utype)~b, __ATOMIC_SEQ_CST), v & ~b)    \
    AMO(ldeor_##suffix, size, utype, __atomic_fetch_xor((utype *)p, b, __ATOMIC_SEQ_CST), v ^ b)             \
    AMO(ldset_##suffix, size, utype, __atomic_fetch_or((utype *)p, b, __ATOMIC_SEQ_CST), v | b)              \
    AMO(ldsmax_##suffix, size, itype, loop_smax_##suffix(p, b), v > b ? v : b)                               \
    AMO(ldsmin_##suffix, size, itype, loop_smin_##suffix(p, b), v < b ? v : b)                               \
    AMO(ldumax_##suffix, size, utype, loop_umax_##suffix(p, b), v > b ? v : b)                               \
    AMO(ldumin_##suffix, size, utype, loop_umin_##suffix(p, b), v < b ? v : b)                               \
    AMO(swp_##suffix, size, utype, __atomic_exchange_n((utype *)p, b, __ATOMIC_SEQ_CST), b)

/* clang-format off */
FAMILY(b, 1, uint8_t, int8_t)
FAMILY(h, 2, uint16_t, int16_t)
FAMILY(w, 4, uint32_t, int32_t)
FAMILY(x, 8, uint64_t, int64_t)
/* clang-format on */
