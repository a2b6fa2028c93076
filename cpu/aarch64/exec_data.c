/* Data processing on general registers: arithmetic, logic, moves, bit fields, conditional selection. */
#include "base/bits.h"
#include "cpu/aarch64/decode.h"
#include "cpu/aarch64/flags.h"

#define X(n) (c->s.x[n])
#define W(n) ((uint32_t)c->s.x[n])

/* rd becomes `value`, of type uint64_t or uint32_t. */
#define RESULT(name, value)                                                                                  \
    A64_HANDLER(name)                                                                                        \
    {                                                                                                        \
        X(i->rd) = (value);                                                                                  \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }

INLINE uint64_t ror64(uint64_t v, unsigned n)
{
    return v >> n | v << (-n & 63);
}

INLINE uint32_t ror32(uint32_t v, unsigned n)
{
    return v >> n | v << (-n & 31);
}

/* ---- immediates ---- */

RESULT(adr, pc + (uint64_t)(int64_t)i->imm)
RESULT(adrp, (pc & PAGE_MASK) + ((uint64_t)(int64_t)i->imm << PAGE_BITS))

RESULT(add_i_w, W(i->rn) + (uint32_t)i->imm)
RESULT(sub_i_w, W(i->rn) - (uint32_t)i->imm)
RESULT(adds_i_w, a64_adds32(c, W(i->rn), (uint32_t)i->imm))
RESULT(subs_i_w, a64_subs32(c, W(i->rn), (uint32_t)i->imm))
RESULT(add_i_x, X(i->rn) + (uint32_t)i->imm)
RESULT(sub_i_x, X(i->rn) - (uint32_t)i->imm)
RESULT(adds_i_x, a64_adds64(c, X(i->rn), (uint32_t)i->imm))
RESULT(subs_i_x, a64_subs64(c, X(i->rn), (uint32_t)i->imm))

#define COMPARE(name, flags)                                                                                 \
    A64_HANDLER(name)                                                                                        \
    {                                                                                                        \
        (void)(flags);                                                                                       \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
COMPARE(cmn_i_w, a64_adds32(c, W(i->rn), (uint32_t)i->imm))
COMPARE(cmp_i_w, a64_subs32(c, W(i->rn), (uint32_t)i->imm))
COMPARE(cmn_i_x, a64_adds64(c, X(i->rn), (uint32_t)i->imm))
COMPARE(cmp_i_x, a64_subs64(c, X(i->rn), (uint32_t)i->imm))

#define IMM64 ((uint64_t)(int64_t)i->imm)
#define WIDE  (c->bitmasks[i->imm])
RESULT(and_i_w, W(i->rn) & (uint32_t)i->imm)
RESULT(orr_i_w, W(i->rn) | (uint32_t)i->imm)
RESULT(eor_i_w, W(i->rn) ^ (uint32_t)i->imm)
RESULT(mov_i_w, (uint32_t)i->imm)
RESULT(ands_i_w, a64_logic32(c, W(i->rn) & (uint32_t)i->imm))
COMPARE(tst_i_w, a64_logic32(c, W(i->rn) & (uint32_t)i->imm))
RESULT(and_i_x, X(i->rn) & IMM64)
RESULT(orr_i_x, X(i->rn) | IMM64)
RESULT(eor_i_x, X(i->rn) ^ IMM64)
RESULT(mov_i_x, IMM64)
RESULT(ands_i_x, a64_logic64(c, X(i->rn) & IMM64))
COMPARE(tst_i_x, a64_logic64(c, X(i->rn) & IMM64))
RESULT(and_i__wide_x, X(i->rn) & WIDE)
RESULT(orr_i__wide_x, X(i->rn) | WIDE)
RESULT(eor_i__wide_x, X(i->rn) ^ WIDE)
RESULT(mov_i__wide_x, WIDE)
RESULT(ands_i__wide_x, a64_logic64(c, X(i->rn) & WIDE))
COMPARE(tst_i__wide_x, a64_logic64(c, X(i->rn) & WIDE))

RESULT(movz_w, (uint32_t)i->imm << i->rm)
RESULT(movn_w, ~((uint32_t)i->imm << i->rm))
RESULT(movk_w, (W(i->rd) & ~((uint32_t)0xffff << i->rm)) | (uint32_t)i->imm << i->rm)
RESULT(movz_x, (uint64_t)i->imm << i->rm)
RESULT(movn_x, ~((uint64_t)i->imm << i->rm))
RESULT(movk_x, (X(i->rd) & ~((uint64_t)0xffff << i->rm)) | (uint64_t)i->imm << i->rm)

/* ---- bit fields ---- */

RESULT(ubfm_w, W(i->rn) << i->rm >> i->imm)
RESULT(ubfm_x, X(i->rn) << i->rm >> i->imm)
RESULT(sbfm_w, (uint32_t)((int32_t)(W(i->rn) << i->rm) >> i->imm))
RESULT(sbfm_x, (uint64_t)((int64_t)(X(i->rn) << i->rm) >> i->imm))
RESULT(lsl_i_w, W(i->rn) << i->rm)
RESULT(lsl_i_x, X(i->rn) << i->rm)
RESULT(lsr_i_w, W(i->rn) >> i->imm)
RESULT(lsr_i_x, X(i->rn) >> i->imm)
RESULT(asr_i_w, (uint32_t)((int32_t)W(i->rn) >> i->imm))
RESULT(asr_i_x, (uint64_t)((int64_t)X(i->rn) >> i->imm))
RESULT(uxtb_w, (uint8_t)X(i->rn))
RESULT(uxth_w, (uint16_t)X(i->rn))
RESULT(sxtb_w, (uint32_t)(int8_t)X(i->rn))
RESULT(sxth_w, (uint32_t)(int16_t)X(i->rn))
RESULT(sxtb_x, (uint64_t)(int8_t)X(i->rn))
RESULT(sxth_x, (uint64_t)(int16_t)X(i->rn))
RESULT(sxtw_x, (uint64_t)(int32_t)X(i->rn))

/* The bits of a bfm's field. */
INLINE uint64_t inserted(const struct a64_insn *i)
{
    return ~(uint64_t)0 >> (64 - (i->imm >> 8)) << (i->imm & 63);
}

RESULT(bfm_w, (W(i->rd) & ~(uint32_t)inserted(i)) | (ror32(W(i->rn), i->rm) & (uint32_t)inserted(i)))
RESULT(bfm_x, (X(i->rd) & ~inserted(i)) | (ror64(X(i->rn), i->rm) & inserted(i)))
RESULT(extr_w, (uint32_t)(((uint64_t)W(i->rn) << 32 | W(i->rm)) >> i->imm))
RESULT(extr_x, X(i->rm) >> i->imm | (X(i->rn) << 1) << (63 - i->imm))

/* ---- logic on registers: plain, and with each shift of rm ---- */

#define SHIFTS(op, make)                                                                                     \
    make(op##_w, op##_x, W(i->rm), X(i->rm))                                                                 \
        make(op##__lsl_w, op##__lsl_x, W(i->rm) << i->imm, X(i->rm) << i->imm)                               \
            make(op##__lsr_w, op##__lsr_x, W(i->rm) >> i->imm, X(i->rm) >> i->imm)                           \
                make(op##__asr_w, op##__asr_x, (uint32_t)((int32_t)W(i->rm) >> i->imm),                      \
                     (uint64_t)((int64_t)X(i->rm) >> i->imm))

#define AND(w, x, wm, xm) RESULT(w, W(i->rn) & (wm)) RESULT(x, X(i->rn) & (xm))
#define BIC(w, x, wm, xm) RESULT(w, W(i->rn) & ~(wm)) RESULT(x, X(i->rn) & ~(xm))
#define ORR(w, x, wm, xm) RESULT(w, W(i->rn) | (wm)) RESULT(x, X(i->rn) | (xm))
#define ORN(w, x, wm, xm) RESULT(w, W(i->rn) | ~(wm)) RESULT(x, X(i->rn) | ~(xm))
#define EOR(w, x, wm, xm) RESULT(w, W(i->rn) ^ (wm)) RESULT(x, X(i->rn) ^ (xm))
#define EON(w, x, wm, xm) RESULT(w, W(i->rn) ^ ~(wm)) RESULT(x, X(i->rn) ^ ~(xm))
#define ANDS(w, x, wm, xm)                                                                                   \
    RESULT(w, a64_logic32(c, W(i->rn) & (wm))) RESULT(x, a64_logic64(c, X(i->rn) & (xm)))
#define BICS(w, x, wm, xm)                                                                                   \
    RESULT(w, a64_logic32(c, W(i->rn) & ~(wm))) RESULT(x, a64_logic64(c, X(i->rn) & ~(xm)))

/* Logic has a rotation as well. */
#define LOGIC(op, make)                                                                                      \
    SHIFTS(op, make) make(op##__ror_w, op##__ror_x, ror32(W(i->rm), i->imm), ror64(X(i->rm), i->imm))

/* clang-format off */
LOGIC(and, AND)
LOGIC(bic, BIC)
LOGIC(orr, ORR)
LOGIC(orn, ORN)
LOGIC(eor, EOR)
LOGIC(eon, EON)
LOGIC(ands, ANDS)
LOGIC(bics, BICS)
/* clang-format on */

RESULT(mov_w, W(i->rm))
RESULT(mov_x, X(i->rm))
RESULT(mvn_w, ~W(i->rm))
RESULT(mvn_x, ~X(i->rm))
COMPARE(tst_w, a64_logic32(c, W(i->rn) & W(i->rm)))
COMPARE(tst_x, a64_logic64(c, X(i->rn) & X(i->rm)))

/* ---- sums ---- */

#define ADD(w, x, wm, xm)  RESULT(w, W(i->rn) + (wm)) RESULT(x, X(i->rn) + (xm))
#define SUB(w, x, wm, xm)  RESULT(w, W(i->rn) - (wm)) RESULT(x, X(i->rn) - (xm))
#define ADDS(w, x, wm, xm) RESULT(w, a64_adds32(c, W(i->rn), wm)) RESULT(x, a64_adds64(c, X(i->rn), xm))
#define SUBS(w, x, wm, xm) RESULT(w, a64_subs32(c, W(i->rn), wm)) RESULT(x, a64_subs64(c, X(i->rn), xm))

/* clang-format off */
SHIFTS(add, ADD)
SHIFTS(sub, SUB)
SHIFTS(adds, ADDS)
SHIFTS(subs, SUBS)
/* clang-format on */

COMPARE(cmn_w, a64_adds32(c, W(i->rn), W(i->rm)))
COMPARE(cmn_x, a64_adds64(c, X(i->rn), X(i->rm)))
COMPARE(cmp_w, a64_subs32(c, W(i->rn), W(i->rm)))
COMPARE(cmp_x, a64_subs64(c, X(i->rn), X(i->rm)))
RESULT(neg_w, 0 - W(i->rm))
RESULT(neg_x, 0 - X(i->rm))

/* rm extended and shifted as imm says. */
INLINE uint64_t extended(const struct aarch64_core *c, const struct a64_insn *i)
{
    uint64_t v = X(i->rm);
    switch (i->imm >> 4) {
    case 0: v = (uint8_t)v; break;
    case 1: v = (uint16_t)v; break;
    case 2: v = (uint32_t)v; break;
    case 4: v = (uint64_t)(int8_t)v; break;
    case 5: v = (uint64_t)(int16_t)v; break;
    case 6: v = (uint64_t)(int32_t)v; break;
    default: break;
    }
    return v << (i->imm & 7);
}

RESULT(add__ext_w, W(i->rn) + (uint32_t)extended(c, i))
RESULT(sub__ext_w, W(i->rn) - (uint32_t)extended(c, i))
RESULT(adds__ext_w, a64_adds32(c, W(i->rn), (uint32_t)extended(c, i)))
RESULT(subs__ext_w, a64_subs32(c, W(i->rn), (uint32_t)extended(c, i)))
RESULT(add__ext_x, X(i->rn) + extended(c, i))
RESULT(sub__ext_x, X(i->rn) - extended(c, i))
RESULT(adds__ext_x, a64_adds64(c, X(i->rn), extended(c, i)))
RESULT(subs__ext_x, a64_subs64(c, X(i->rn), extended(c, i)))
RESULT(add__uxtw_x, X(i->rn) + ((uint64_t)W(i->rm) << (i->imm & 7)))
RESULT(add__uxtx_x, X(i->rn) + (X(i->rm) << (i->imm & 7)))
RESULT(add__sxtw_x, X(i->rn) + ((uint64_t)(int32_t)W(i->rm) << (i->imm & 7)))
RESULT(sub__uxtw_x, X(i->rn) - ((uint64_t)W(i->rm) << (i->imm & 7)))
RESULT(sub__uxtx_x, X(i->rn) - (X(i->rm) << (i->imm & 7)))
RESULT(sub__sxtw_x, X(i->rn) - ((uint64_t)(int32_t)W(i->rm) << (i->imm & 7)))

RESULT(adc_w, W(i->rn) + W(i->rm) + c->s.flag_c)
RESULT(adc_x, X(i->rn) + X(i->rm) + c->s.flag_c)
RESULT(sbc_w, W(i->rn) + ~W(i->rm) + c->s.flag_c)
RESULT(sbc_x, X(i->rn) + ~X(i->rm) + c->s.flag_c)
RESULT(adcs_w, a64_adcs32(c, W(i->rn), W(i->rm)))
RESULT(adcs_x, a64_adcs64(c, X(i->rn), X(i->rm)))
RESULT(sbcs_w, a64_adcs32(c, W(i->rn), ~W(i->rm)))
RESULT(sbcs_x, a64_adcs64(c, X(i->rn), ~X(i->rm)))

/* ---- conditions ---- */

#define CONDITIONAL_COMPARE(name, flags)                                                                     \
    A64_HANDLER(name)                                                                                        \
    {                                                                                                        \
        if ((uint32_t)i->imm >> 16 >> a64_flags_get(c) & 1)                                                  \
            (void)(flags);                                                                                   \
        else                                                                                                 \
            a64_flags_set(c, i->imm & 15);                                                                   \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
CONDITIONAL_COMPARE(ccmn_w, a64_adds32(c, W(i->rn), W(i->rm)))
CONDITIONAL_COMPARE(ccmp_w, a64_subs32(c, W(i->rn), W(i->rm)))
CONDITIONAL_COMPARE(ccmn_i_w, a64_adds32(c, W(i->rn), i->rm))
CONDITIONAL_COMPARE(ccmp_i_w, a64_subs32(c, W(i->rn), i->rm))
CONDITIONAL_COMPARE(ccmn_x, a64_adds64(c, X(i->rn), X(i->rm)))
CONDITIONAL_COMPARE(ccmp_x, a64_subs64(c, X(i->rn), X(i->rm)))
CONDITIONAL_COMPARE(ccmn_i_x, a64_adds64(c, X(i->rn), i->rm))
CONDITIONAL_COMPARE(ccmp_i_x, a64_subs64(c, X(i->rn), i->rm))

#define CSEL_W(id, cond)  RESULT(id, a64_holds(c, cond) ? W(i->rn) : W(i->rm))
#define CSEL_X(id, cond)  RESULT(id, a64_holds(c, cond) ? X(i->rn) : X(i->rm))
#define CSINC_W(id, cond) RESULT(id, a64_holds(c, cond) ? W(i->rn) : W(i->rm) + 1)
#define CSINC_X(id, cond) RESULT(id, a64_holds(c, cond) ? X(i->rn) : X(i->rm) + 1)
#define CSINV_W(id, cond) RESULT(id, a64_holds(c, cond) ? W(i->rn) : ~W(i->rm))
#define CSINV_X(id, cond) RESULT(id, a64_holds(c, cond) ? X(i->rn) : ~X(i->rm))
#define CSNEG_W(id, cond) RESULT(id, a64_holds(c, cond) ? W(i->rn) : 0 - W(i->rm))
#define CSNEG_X(id, cond) RESULT(id, a64_holds(c, cond) ? X(i->rn) : 0 - X(i->rm))
A64_CONDITIONS(CSEL_W, csel_w)
A64_CONDITIONS(CSEL_X, csel_x)
A64_CONDITIONS(CSINC_W, csinc_w)
A64_CONDITIONS(CSINC_X, csinc_x)
A64_CONDITIONS(CSINV_W, csinv_w)
A64_CONDITIONS(CSINV_X, csinv_x)
A64_CONDITIONS(CSNEG_W, csneg_w)
A64_CONDITIONS(CSNEG_X, csneg_x)

/* ---- two sources ---- */

INLINE uint64_t signed_quotient(int64_t a, int64_t b)
{
    if (b == 0)
        return 0;
    return b == -1 ? 0 - (uint64_t)a : (uint64_t)(a / b);
}

RESULT(udiv_w, W(i->rm) ? W(i->rn) / W(i->rm) : 0)
RESULT(udiv_x, X(i->rm) ? X(i->rn) / X(i->rm) : 0)
RESULT(sdiv_w, (uint32_t)signed_quotient((int32_t)W(i->rn), (int32_t)W(i->rm)))
RESULT(sdiv_x, signed_quotient((int64_t)X(i->rn), (int64_t)X(i->rm)))
RESULT(lsl_w, W(i->rn) << (X(i->rm) & 31))
RESULT(lsl_x, X(i->rn) << (X(i->rm) & 63))
RESULT(lsr_w, W(i->rn) >> (X(i->rm) & 31))
RESULT(lsr_x, X(i->rn) >> (X(i->rm) & 63))
RESULT(asr_w, (uint32_t)((int32_t)W(i->rn) >> (X(i->rm) & 31)))
RESULT(asr_x, (uint64_t)((int64_t)X(i->rn) >> (X(i->rm) & 63)))
RESULT(ror_w, ror32(W(i->rn), X(i->rm) & 31))
RESULT(ror_x, ror64(X(i->rn), X(i->rm) & 63))

#define MIN_MAX(op, wtype, xtype, relation)                                                                  \
    RESULT(op##_w, (wtype)X(i->rn) relation(wtype) X(i->rm) ? W(i->rn) : W(i->rm))                           \
    RESULT(op##_x, (xtype)X(i->rn) relation(xtype) X(i->rm) ? X(i->rn) : X(i->rm))                           \
    RESULT(op##_i_w, (wtype)X(i->rn) relation(wtype) i->imm ? W(i->rn) : (uint32_t)i->imm)                   \
    RESULT(op##_i_x, (xtype)X(i->rn) relation(xtype) i->imm ? X(i->rn) : IMM64)
MIN_MAX(smax, int32_t, int64_t, >)
MIN_MAX(umax, uint32_t, uint64_t, >)
MIN_MAX(smin, int32_t, int64_t, <)
MIN_MAX(umin, uint32_t, uint64_t, <)

/* ---- one source ---- */

static uint64_t bits_reverse(uint64_t v)
{
    v = (v >> 1 & 0x5555555555555555) | (v & 0x5555555555555555) << 1;
    v = (v >> 2 & 0x3333333333333333) | (v & 0x3333333333333333) << 2;
    v = (v >> 4 & 0x0f0f0f0f0f0f0f0f) | (v & 0x0f0f0f0f0f0f0f0f) << 4;
    return __builtin_bswap64(v);
}

INLINE uint64_t rev16(uint64_t v)
{
    return (v >> 8 & 0x00ff00ff00ff00ff) | (v & 0x00ff00ff00ff00ff) << 8;
}

INLINE unsigned clz64(uint64_t v)
{
    return v ? (unsigned)__builtin_clzll(v) : 64;
}

INLINE unsigned clz32(uint32_t v)
{
    return v ? (unsigned)__builtin_clz(v) : 32;
}

RESULT(rbit_w, bits_reverse(W(i->rn)) >> 32)
RESULT(rbit_x, bits_reverse(X(i->rn)))
RESULT(rev16_w, (uint32_t)rev16(W(i->rn)))
RESULT(rev16_x, rev16(X(i->rn)))
RESULT(rev_w, __builtin_bswap32(W(i->rn)))
RESULT(rev_x, __builtin_bswap64(X(i->rn)))
RESULT(rev32_x, ror64(__builtin_bswap64(X(i->rn)), 32))
RESULT(clz_w, clz32(W(i->rn)))
RESULT(clz_x, clz64(X(i->rn)))
RESULT(cls_w, clz32(W(i->rn) ^ (uint32_t)((int32_t)W(i->rn) >> 1)) - 1)
RESULT(cls_x, clz64(X(i->rn) ^ (uint64_t)((int64_t)X(i->rn) >> 1)) - 1)
RESULT(ctz_w, W(i->rn) ? (uint32_t)__builtin_ctz(W(i->rn)) : 32u)
RESULT(ctz_x, X(i->rn) ? (uint32_t)__builtin_ctzll(X(i->rn)) : 64u)
RESULT(cnt_w, (uint32_t)__builtin_popcount(W(i->rn)))
RESULT(cnt_x, (uint32_t)__builtin_popcountll(X(i->rn)))
RESULT(abs_w, (int32_t)W(i->rn) < 0 ? 0 - W(i->rn) : W(i->rn))
RESULT(abs_x, (int64_t)X(i->rn) < 0 ? 0 - X(i->rn) : X(i->rn))

/* ---- products ---- */

RESULT(madd_w, W(i->imm) + W(i->rn) * W(i->rm))
RESULT(msub_w, W(i->imm) - W(i->rn) * W(i->rm))
RESULT(mul_w, W(i->rn) * W(i->rm))
RESULT(madd_x, X(i->imm) + X(i->rn) * X(i->rm))
RESULT(msub_x, X(i->imm) - X(i->rn) * X(i->rm))
RESULT(mul_x, X(i->rn) * X(i->rm))
RESULT(smaddl, X(i->imm) + (uint64_t)((int64_t)(int32_t)W(i->rn) * (int32_t)W(i->rm)))
RESULT(smsubl, X(i->imm) - (uint64_t)((int64_t)(int32_t)W(i->rn) * (int32_t)W(i->rm)))
RESULT(umaddl, X(i->imm) + (uint64_t)W(i->rn) * W(i->rm))
RESULT(umsubl, X(i->imm) - (uint64_t)W(i->rn) * W(i->rm))
RESULT(smulh, (uint64_t)(((__int128)(int64_t)X(i->rn) * (int64_t)X(i->rm)) >> 64))
RESULT(umulh, (uint64_t)(((unsigned __int128)X(i->rn) * X(i->rm)) >> 64))

/* ---- CRC32: the polynomials 0x04c11db7 and 0x1edc6f41, reflected ---- */

#define CRC32_POLYNOMIAL  0xedb88320u
#define CRC32C_POLYNOMIAL 0x82f63b78u

/* The CRC of one nibble, for tables of sixteen. */
#define NIBBLE_STEP(v, poly) ((v) >> 1 ^ (-((v)&1) & (poly)))
#define NIBBLE(n, poly)      NIBBLE_STEP(NIBBLE_STEP(NIBBLE_STEP(NIBBLE_STEP(n##u, poly), poly), poly), poly)
#define NIBBLES(poly)                                                                                        \
    {                                                                                                        \
        NIBBLE(0, poly), NIBBLE(1, poly), NIBBLE(2, poly), NIBBLE(3, poly), NIBBLE(4, poly),                 \
            NIBBLE(5, poly), NIBBLE(6, poly), NIBBLE(7, poly), NIBBLE(8, poly), NIBBLE(9, poly),             \
            NIBBLE(10, poly), NIBBLE(11, poly), NIBBLE(12, poly), NIBBLE(13, poly), NIBBLE(14, poly),        \
            NIBBLE(15, poly)                                                                                 \
    }
static const uint32_t crc32_nibbles[16] = NIBBLES(CRC32_POLYNOMIAL);
static const uint32_t crc32c_nibbles[16] = NIBBLES(CRC32C_POLYNOMIAL);

static uint32_t crc(const uint32_t *nibbles, uint32_t sum, uint64_t data, unsigned bytes)
{
    for (unsigned n = 0; n < 2 * bytes; n++, data >>= 4)
        sum = sum >> 4 ^ nibbles[(sum ^ data) & 15];
    return sum;
}

RESULT(crc32b, crc(crc32_nibbles, W(i->rn), X(i->rm), 1))
RESULT(crc32h, crc(crc32_nibbles, W(i->rn), X(i->rm), 2))
RESULT(crc32w, crc(crc32_nibbles, W(i->rn), X(i->rm), 4))
RESULT(crc32x, crc(crc32_nibbles, W(i->rn), X(i->rm), 8))
RESULT(crc32cb, crc(crc32c_nibbles, W(i->rn), X(i->rm), 1))
RESULT(crc32ch, crc(crc32c_nibbles, W(i->rn), X(i->rm), 2))
RESULT(crc32cw, crc(crc32c_nibbles, W(i->rn), X(i->rm), 4))
RESULT(crc32cx, crc(crc32c_nibbles, W(i->rn), X(i->rm), 8))

/* ---- flag manipulation ---- */

A64_HANDLER(rmif)
{
    unsigned rotated = (unsigned)ror64(X(i->rn), i->rm) & 15, mask = (unsigned)i->imm;
    a64_flags_set(c, (a64_flags_get(c) & ~mask) | (rotated & mask));
    TAIL return a64_next(c, i, bank, pc);
}

/* setf8, setf16: N, Z and V as if a sum of that width had been tested; C stays. */
INLINE void flags_of_width(struct aarch64_core *c, uint32_t v, unsigned width)
{
    c->s.flag_n = (uint64_t)v << (64 - width);
    c->s.flag_z = c->s.flag_n;
    c->s.flag_v = (v >> width ^ v >> (width - 1)) & 1;
}

A64_HANDLER(setf8)
{
    flags_of_width(c, W(i->rn), 8);
    TAIL return a64_next(c, i, bank, pc);
}

A64_HANDLER(setf16)
{
    flags_of_width(c, W(i->rn), 16);
    TAIL return a64_next(c, i, bank, pc);
}

A64_HANDLER(cfinv)
{
    c->s.flag_c ^= 1;
    TAIL return a64_next(c, i, bank, pc);
}

/* Between the flags of FCMP and the ones x86 and others use after comparisons. */
A64_HANDLER(axflag)
{
    unsigned nzcv = a64_flags_get(c);
    bool z = nzcv & 4, carry = nzcv & 2, v = nzcv & 1;
    a64_flags_set(c, (unsigned)(z || v) << 2 | (unsigned)(carry && !v) << 1);
    TAIL return a64_next(c, i, bank, pc);
}

A64_HANDLER(xaflag)
{
    unsigned nzcv = a64_flags_get(c);
    bool z = nzcv & 4, carry = nzcv & 2;
    a64_flags_set(c, (unsigned)(!carry && !z) << 3 | (unsigned)(z && carry) << 2 |
                         (unsigned)(carry || z) << 1 | (!carry && z));
    TAIL return a64_next(c, i, bank, pc);
}
