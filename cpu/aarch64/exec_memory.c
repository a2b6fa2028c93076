/* Loads and stores by every addressing mode. */
#include "base/bits.h"
#include "cpu/aarch64/interp.h"
#include "cpu/aarch64/memory.h"
#include "cpu/aarch64/pauth.h"

#define X(n) (c->s.x[n])

/* Addressing modes: the address, and what becomes of the base afterwards. */
#define AT_BASE   X(i->rn)
#define AT_OFFSET (X(i->rn) + (uint64_t)(int64_t)i->imm)
#define AT_LSL    (X(i->rn) + (X(i->rm) << i->imm))
#define AT_UXTW   (X(i->rn) + ((uint64_t)(uint32_t)X(i->rm) << i->imm))
#define AT_SXTW   (X(i->rn) + ((uint64_t)(int64_t)(int32_t)X(i->rm) << i->imm))
#define AT_PC     (pc + (uint64_t)(int64_t)i->imm)
#define KEEP      (void)0
#define POST      X(i->rn) = base + (uint64_t)(int64_t)i->imm
#define PRE       X(i->rn) = va

#define MISS(name) TAIL return a64_##name##_slow(c, i, bank, pc)
#define FAULT      TAIL return a64_raise(c, i, bank, pc)
#define BASE_READ  uint64_t base __attribute__((unused)) = X(i->rn)

/*
 * A load of `size` bytes: `result` is a statement that uses v. The base is written before the register, so
 * that a load into its own base (CONSTRAINED UNPREDICTABLE) leaves what was loaded.
 */
#define LOAD(name, size, address, writeback, result)                                                         \
    A64_HANDLERS(                                                                                            \
        name,                                                                                                \
        {                                                                                                    \
            BASE_READ;                                                                                       \
            uint64_t va = (address);                                                                         \
            const void *p = tlb_read_hit(bank, va, size);                                                    \
            if (unlikely(!p))                                                                                \
                MISS(name);                                                                                  \
            uint64_t v = host_load(p, size);                                                                 \
            writeback;                                                                                       \
            result;                                                                                          \
        },                                                                                                   \
        {                                                                                                    \
            BASE_READ;                                                                                       \
            uint64_t va = (address);                                                                         \
            if (!a64_load_slow(c, va, size))                                                                 \
                FAULT;                                                                                       \
            uint64_t v = c->loaded[0];                                                                       \
            writeback;                                                                                       \
            result;                                                                                          \
        })

#define STORE(name, size, address, writeback, value)                                                         \
    A64_HANDLERS(                                                                                            \
        name,                                                                                                \
        {                                                                                                    \
            BASE_READ;                                                                                       \
            uint64_t va = (address);                                                                         \
            uint64_t v = (value);                                                                            \
            void *p = tlb_write_hit(bank, va, size);                                                         \
            if (unlikely(!p))                                                                                \
                MISS(name);                                                                                  \
            host_store(p, size, v);                                                                          \
            writeback;                                                                                       \
        },                                                                                                   \
        {                                                                                                    \
            BASE_READ;                                                                                       \
            uint64_t va = (address);                                                                         \
            if (!a64_store_slow(c, va, size, value, 0))                                                      \
                FAULT;                                                                                       \
            writeback;                                                                                       \
        })

#define MODES(make, name, size, what)                                                                        \
    make(name##_u, size, AT_OFFSET, KEEP, what) make(name##__unscaled, size, AT_OFFSET, KEEP, what)          \
        make(name##__post, size, AT_BASE, POST, what) make(name##__pre, size, AT_OFFSET, PRE, what)          \
            make(name##__uxtw, size, AT_UXTW, KEEP, what) make(name##__lsl, size, AT_LSL, KEEP, what)        \
                make(name##__sxtw, size, AT_SXTW, KEEP, what) make(name##__sxtx, size, AT_LSL, KEEP, what)

/* clang-format off */
MODES(STORE, strb,  1, X(i->rd))
MODES(STORE, strh,  2, X(i->rd))
MODES(STORE, str_w, 4, X(i->rd))
MODES(STORE, str_x, 8, X(i->rd))
MODES(LOAD, ldrb,    1, X(i->rd) = v)
MODES(LOAD, ldrh,    2, X(i->rd) = v)
MODES(LOAD, ldr_w,   4, X(i->rd) = v)
MODES(LOAD, ldr_x,   8, X(i->rd) = v)
MODES(LOAD, ldrsb_w, 1, X(i->rd) = (uint32_t)(int8_t)v)
MODES(LOAD, ldrsb_x, 1, X(i->rd) = (uint64_t)(int8_t)v)
MODES(LOAD, ldrsh_w, 2, X(i->rd) = (uint32_t)(int16_t)v)
MODES(LOAD, ldrsh_x, 2, X(i->rd) = (uint64_t)(int16_t)v)
MODES(LOAD, ldrsw,   4, X(i->rd) = (uint64_t)(int32_t)v)
LOAD(ldr_w__lit, 4, AT_PC, KEEP, X(i->rd) = v)
LOAD(ldr_x__lit, 8, AT_PC, KEEP, X(i->rd) = v)
LOAD(ldrsw__lit, 4, AT_PC, KEEP, X(i->rd) = (uint64_t)(int32_t)v)
/* clang-format on */

/* ---- SIMD&FP registers ---- */

#define VLOAD(d0)                                                                                            \
    do {                                                                                                     \
        c->s.v[i->rd].d[0] = (d0);                                                                           \
        c->s.v[i->rd].d[1] = 0;                                                                              \
    } while (0)

/* clang-format off */
MODES(STORE, str_b, 1, c->s.v[i->rd].b[0])
MODES(STORE, str_h, 2, c->s.v[i->rd].h[0])
MODES(STORE, str_s, 4, c->s.v[i->rd].s[0])
MODES(STORE, str_d, 8, c->s.v[i->rd].d[0])
MODES(LOAD, ldr_b, 1, VLOAD(v))
MODES(LOAD, ldr_h, 2, VLOAD(v))
MODES(LOAD, ldr_s, 4, VLOAD(v))
MODES(LOAD, ldr_d, 8, VLOAD(v))
LOAD(ldr_s__lit, 4, AT_PC, KEEP, VLOAD(v))
LOAD(ldr_d__lit, 8, AT_PC, KEEP, VLOAD(v))
/* clang-format on */

#define LOAD_Q(name, size, address, writeback, what)                                                         \
    A64_HANDLERS(                                                                                            \
        name,                                                                                                \
        {                                                                                                    \
            BASE_READ;                                                                                       \
            uint64_t va = (address);                                                                         \
            const void *p = tlb_read_hit(bank, va, 16);                                                      \
            if (unlikely(!p))                                                                                \
                MISS(name);                                                                                  \
            *(host_u128 *)&c->s.v[i->rd] = host_load16(p);                                                   \
            writeback;                                                                                       \
        },                                                                                                   \
        {                                                                                                    \
            BASE_READ;                                                                                       \
            uint64_t va = (address);                                                                         \
            if (!a64_load_slow(c, va, 16))                                                                   \
                FAULT;                                                                                       \
            *(host_u128 *)&c->s.v[i->rd] = host_load16(c->loaded);                                           \
            writeback;                                                                                       \
        })
#define STORE_Q(name, size, address, writeback, what)                                                        \
    A64_HANDLERS(                                                                                            \
        name,                                                                                                \
        {                                                                                                    \
            BASE_READ;                                                                                       \
            uint64_t va = (address);                                                                         \
            void *p = tlb_write_hit(bank, va, 16);                                                           \
            if (unlikely(!p))                                                                                \
                MISS(name);                                                                                  \
            *(volatile host_u128 *)p = host_load16(&c->s.v[i->rd]);                                          \
            writeback;                                                                                       \
        },                                                                                                   \
        {                                                                                                    \
            BASE_READ;                                                                                       \
            uint64_t va = (address);                                                                         \
            const union aarch64_vector *v = &c->s.v[i->rd];                                                  \
            if (!a64_store_slow(c, va, 16, v->d[0], v->d[1]))                                                \
                FAULT;                                                                                       \
            writeback;                                                                                       \
        })
MODES(LOAD_Q, ldr_q, 16, )
MODES(STORE_Q, str_q, 16, )
LOAD_Q(ldr_q__lit, 16, AT_PC, KEEP, )

/* ---- pairs ---- */

#define PAIR_MODES(make, name, ...)                                                                          \
    make(name, AT_OFFSET, KEEP, __VA_ARGS__) make(name##__post, AT_BASE, POST, __VA_ARGS__)                  \
        make(name##__pre, AT_OFFSET, PRE, __VA_ARGS__)
#define PAIR_MODES_NP(make, name, ...)                                                                       \
    PAIR_MODES(make, name, __VA_ARGS__) make(name##__np, AT_OFFSET, KEEP, __VA_ARGS__)

/* Two words, in one access of eight bytes; `first` and `second` are statements that use a and b. */
#define LOAD_PAIR_4(name, address, writeback, first, second)                                                 \
    LOAD_PAIR(name, 4, address, writeback, first, second, uint64_t both = host_load(p, 8), (uint32_t)both,   \
              both >> 32)
#define LOAD_PAIR_8(name, address, writeback, first, second)                                                 \
    LOAD_PAIR(name, 8, address, writeback, first, second, host_u128 both = host_load16(p), both[0], both[1])
#define LOAD_PAIR(name, size, address, writeback, first, second, load, low, high)                            \
    A64_HANDLERS(                                                                                            \
        name,                                                                                                \
        {                                                                                                    \
            BASE_READ;                                                                                       \
            uint64_t va = (address);                                                                         \
            const void *p = tlb_read_hit(bank, va, 2 * size);                                                \
            if (unlikely(!p))                                                                                \
                MISS(name);                                                                                  \
            load;                                                                                            \
            uint64_t a = (low);                                                                              \
            uint64_t b = (high);                                                                             \
            writeback;                                                                                       \
            first;                                                                                           \
            second;                                                                                          \
        },                                                                                                   \
        {                                                                                                    \
            BASE_READ;                                                                                       \
            uint64_t va = (address);                                                                         \
            if (!aarch64_load_pair(c, va, size))                                                             \
                FAULT;                                                                                       \
            uint64_t a = c->loaded[0];                                                                       \
            uint64_t b = c->loaded[1];                                                                       \
            writeback;                                                                                       \
            first;                                                                                           \
            second;                                                                                          \
        })

#define STORE_PAIR_4(name, address, writeback, first, second)                                                \
    STORE_PAIR(name, 4, address, writeback, first, second, host_store(p, 8, (uint32_t)a | b << 32))
#define STORE_PAIR_8(name, address, writeback, first, second)                                                \
    STORE_PAIR(name, 8, address, writeback, first, second, host_store16(p, a, b))
#define STORE_PAIR(name, size, address, writeback, first, second, store)                                     \
    A64_HANDLERS(                                                                                            \
        name,                                                                                                \
        {                                                                                                    \
            BASE_READ;                                                                                       \
            uint64_t va = (address);                                                                         \
            uint64_t a = (first);                                                                            \
            uint64_t b = (second);                                                                           \
            void *p = tlb_write_hit(bank, va, 2 * size);                                                     \
            if (unlikely(!p))                                                                                \
                MISS(name);                                                                                  \
            store;                                                                                           \
            writeback;                                                                                       \
        },                                                                                                   \
        {                                                                                                    \
            BASE_READ;                                                                                       \
            uint64_t va = (address);                                                                         \
            if (!aarch64_store_pair(c, va, size, first, second))                                             \
                FAULT;                                                                                       \
            writeback;                                                                                       \
        })
#define VLOAD2(d0)                                                                                           \
    do {                                                                                                     \
        c->s.v[i->rm].d[0] = (d0);                                                                           \
        c->s.v[i->rm].d[1] = 0;                                                                              \
    } while (0)

/* clang-format off */
PAIR_MODES_NP(LOAD_PAIR_4, ldp_w, X(i->rd) = a, X(i->rm) = b)
PAIR_MODES_NP(LOAD_PAIR_8, ldp_x, X(i->rd) = a, X(i->rm) = b)
PAIR_MODES(LOAD_PAIR_4, ldpsw, X(i->rd) = (uint64_t)(int32_t)a, X(i->rm) = (uint64_t)(int32_t)b)
PAIR_MODES_NP(STORE_PAIR_4, stp_w, X(i->rd), X(i->rm))
PAIR_MODES_NP(STORE_PAIR_8, stp_x, X(i->rd), X(i->rm))
PAIR_MODES_NP(LOAD_PAIR_4, ldp_s, VLOAD(a), VLOAD2(b))
PAIR_MODES_NP(LOAD_PAIR_8, ldp_d, VLOAD(a), VLOAD2(b))
PAIR_MODES_NP(STORE_PAIR_4, stp_s, c->s.v[i->rd].s[0], c->s.v[i->rm].s[0])
PAIR_MODES_NP(STORE_PAIR_8, stp_d, c->s.v[i->rd].d[0], c->s.v[i->rm].d[0])
/* clang-format on */

/* Thirty-two bytes: both loaded before either register changes; the halves may be in different pages. */
static __attribute__((noinline)) bool load_32(struct aarch64_core *c, const struct a64_insn *i, uint64_t va)
{
    if (!a64_load_slow(c, va, 16))
        return false;
    host_u128 first = host_load16(c->loaded);
    if (!a64_load_slow(c, va + 16, 16))
        return false;
    *(host_u128 *)&c->s.v[i->rm] = host_load16(c->loaded);
    *(host_u128 *)&c->s.v[i->rd] = first;
    return true;
}

static __attribute__((noinline)) bool store_32(struct aarch64_core *c, const struct a64_insn *i, uint64_t va)
{
    const union aarch64_vector *a = &c->s.v[i->rd], *b = &c->s.v[i->rm];
    return a64_store_slow(c, va, 16, a->d[0], a->d[1]) && a64_store_slow(c, va + 16, 16, b->d[0], b->d[1]);
}

#define LOAD_PAIR_16(name, address, writeback, what)                                                         \
    A64_HANDLERS(                                                                                            \
        name,                                                                                                \
        {                                                                                                    \
            BASE_READ;                                                                                       \
            uint64_t va = (address);                                                                         \
            const uint8_t *p = tlb_read_hit(bank, va, 32);                                                   \
            if (unlikely(!p))                                                                                \
                MISS(name);                                                                                  \
            *(host_u128 *)&c->s.v[i->rd] = host_load16(p);                                                   \
            *(host_u128 *)&c->s.v[i->rm] = host_load16(p + 16);                                              \
            writeback;                                                                                       \
        },                                                                                                   \
        {                                                                                                    \
            BASE_READ;                                                                                       \
            uint64_t va = (address);                                                                         \
            if (!load_32(c, i, va))                                                                          \
                FAULT;                                                                                       \
            writeback;                                                                                       \
        })
#define STORE_PAIR_16(name, address, writeback, what)                                                        \
    A64_HANDLERS(                                                                                            \
        name,                                                                                                \
        {                                                                                                    \
            BASE_READ;                                                                                       \
            uint64_t va = (address);                                                                         \
            uint8_t *p = tlb_write_hit(bank, va, 32);                                                        \
            if (unlikely(!p))                                                                                \
                MISS(name);                                                                                  \
            *(volatile host_u128 *)p = host_load16(&c->s.v[i->rd]);                                          \
            *(volatile host_u128 *)(p + 16) = host_load16(&c->s.v[i->rm]);                                   \
            writeback;                                                                                       \
        },                                                                                                   \
        {                                                                                                    \
            BASE_READ;                                                                                       \
            uint64_t va = (address);                                                                         \
            if (!store_32(c, i, va))                                                                         \
                FAULT;                                                                                       \
            writeback;                                                                                       \
        })
PAIR_MODES_NP(LOAD_PAIR_16, ldp_q, )
PAIR_MODES_NP(STORE_PAIR_16, stp_q, )

/* ---- as if at EL0 ---- */

/* core->user_bank had the context last; where its key says otherwise, the slow path finds the bank. */
#define LOAD_USER(name, size, result)                                                                        \
    A64_HANDLERS(                                                                                            \
        name,                                                                                                \
        {                                                                                                    \
            bool known = likely(c->user_bank->key == c->user_key);                                           \
            const void *p = known ? tlb_read_hit(c->user_bank, AT_OFFSET, size) : NULL;                      \
            if (unlikely(!p))                                                                                \
                MISS(name);                                                                                  \
            uint64_t v = host_load(p, size);                                                                 \
            result;                                                                                          \
        },                                                                                                   \
        {                                                                                                    \
            if (!aarch64_load_user(c, AT_OFFSET, size))                                                      \
                FAULT;                                                                                       \
            uint64_t v = c->loaded[0];                                                                       \
            result;                                                                                          \
        })
#define STORE_USER(name, size)                                                                               \
    A64_HANDLERS(                                                                                            \
        name,                                                                                                \
        {                                                                                                    \
            bool known = likely(c->user_bank->key == c->user_key);                                           \
            void *p = known ? tlb_write_hit(c->user_bank, AT_OFFSET, size) : NULL;                           \
            if (unlikely(!p))                                                                                \
                MISS(name);                                                                                  \
            host_store(p, size, X(i->rd));                                                                   \
        },                                                                                                   \
        {                                                                                                    \
            if (!aarch64_store_user(c, AT_OFFSET, size, X(i->rd)))                                           \
                FAULT;                                                                                       \
        })

/* clang-format off */
STORE_USER(sttrb,  1)
STORE_USER(sttrh,  2)
STORE_USER(sttr_w, 4)
STORE_USER(sttr_x, 8)
LOAD_USER(ldtrb,    1, X(i->rd) = v)
LOAD_USER(ldtrh,    2, X(i->rd) = v)
LOAD_USER(ldtr_w,   4, X(i->rd) = v)
LOAD_USER(ldtr_x,   8, X(i->rd) = v)
LOAD_USER(ldtrsb_w, 1, X(i->rd) = (uint32_t)(int8_t)v)
LOAD_USER(ldtrsb_x, 1, X(i->rd) = (uint64_t)(int8_t)v)
LOAD_USER(ldtrsh_w, 2, X(i->rd) = (uint32_t)(int16_t)v)
LOAD_USER(ldtrsh_x, 2, X(i->rd) = (uint64_t)(int16_t)v)
LOAD_USER(ldtrsw,   4, X(i->rd) = (uint64_t)(int32_t)v)
/* clang-format on */

/* ---- authenticated loads ---- */

#define LOAD_PAC(name, key, writeback)                                                                       \
    A64_HANDLER(name)                                                                                        \
    {                                                                                                        \
        uint64_t va = aarch64_authenticate(c, X(i->rn), 0, key, true) + (uint64_t)(int64_t)i->imm;           \
        if (unlikely(c->fault.ec) || !a64_load_slow(c, va, 8))                                               \
            FAULT;                                                                                           \
        writeback;                                                                                           \
        X(i->rd) = c->loaded[0];                                                                             \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
LOAD_PAC(ldraa, KEY_DA, KEEP)
LOAD_PAC(ldrab, KEY_DB, KEEP)
LOAD_PAC(ldraa__pre, KEY_DA, PRE)
LOAD_PAC(ldrab__pre, KEY_DB, PRE)

/* ---- prefetch ---- */

#define NOTHING(name)                                                                                        \
    A64_HANDLER(name)                                                                                        \
    {                                                                                                        \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
NOTHING(prfm_u)
NOTHING(prfum)
NOTHING(prfm_r)
NOTHING(prfm_lit)
