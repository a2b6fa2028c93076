/* The x87's exact oddities. */
#include "cpu/fp/x87.h"

#include <string.h>

#include "cpu/fp/finite.h"
#include "cpu/fp/operations.h"

/* SDM vol. 2, FPREM: exponents further apart than this are brought closer step by step. */
#define FPREM_FULL_DISTANCE 64

struct x87_remainder x87_fprem(struct fp_env *env, f80_t a, f80_t b, bool nearest)
{
    struct x87_remainder result = {0};
    struct fp_number x = f80_unpack(env, a), y = f80_unpack(env, b), r;
    if (fp_is_nan(x) || fp_is_nan(y)) {
        r = fp_nan_of_two(env, x, y);
    } else if (x.kind == FP_INFINITE || y.kind == FP_ZERO) {
        r = fp_invalid_result(env);
    } else {
        fp_denormal_raise(env, x.is_denormal || y.is_denormal);
        int32_t distance = x.exp - y.exp;
        uint64_t quotient = 0;
        if (x.kind != FP_FINITE || y.kind != FP_FINITE) {
            r = x;
        } else if (distance < FPREM_FULL_DISTANCE) {
            r = fp_rem_finite(x, y, nearest, &quotient);
        } else {
            /* The manual leaves the step's size open; Intel's processors take the exponent down by a multiple
             * of 32. */
            y.exp += (distance & ~31) - 32;
            r = fp_rem_finite(x, y, false, &quotient);
            quotient = 0;
            result.is_partial = true;
        }
        result.quotient = quotient & 7;
    }
    result.value = f80_pack(env, r);
    return result;
}

/* trunc(b), as far as it matters. */
static int32_t scale_exponent(struct fp_number b)
{
    if (b.kind != FP_FINITE || b.exp < 0)
        return 0;
    int32_t magnitude = b.exp > 16 ? 1 << 17 : (int32_t)(b.sig >> (127 - b.exp));
    return b.negative ? -magnitude : magnitude;
}

static struct fp_number scaled(struct fp_env *env, struct fp_number x, struct fp_number y)
{
    if (fp_is_nan(x) || fp_is_nan(y))
        return fp_nan_of_two(env, x, y);
    if (y.kind == FP_INFINITE) {
        /* 0 * 2^inf and inf * 2^-inf have no value; else 2^b alone decides. */
        if (x.kind == (y.negative ? FP_INFINITE : FP_ZERO))
            return fp_invalid_result(env);
        x.kind = y.negative ? FP_ZERO : FP_INFINITE;
    }
    fp_denormal_raise(env, x.is_denormal || y.is_denormal);
    x.exp += scale_exponent(y);
    return x;
}

/* SDM vol. 1, 8.5.4 and 8.5.5: a result beyond what the wrapped exponent of an unmasked exception can hold is
 * an infinity or a zero. */
#define WRAPPED_MAX (16383 + 24576)

f80_t x87_fscale(struct fp_env *env, f80_t a, f80_t b)
{
    struct fp_number x = scaled(env, f80_unpack(env, a), f80_unpack(env, b));
    if (x.kind == FP_FINITE && x.exp > WRAPPED_MAX && env->unmasked & FP_OVERFLOW) {
        env->flags |= FP_OVERFLOW | FP_INEXACT | FP_ROUNDED_UP;
        x.kind = FP_INFINITE;
    }
    if (x.kind == FP_FINITE && x.exp < 1 - WRAPPED_MAX && env->unmasked & FP_UNDERFLOW) {
        env->flags |= FP_UNDERFLOW | FP_INEXACT;
        x.kind = FP_ZERO;
    }
    return f80_pack(env, x);
}

f80_t x87_fxtract(struct fp_env *env, f80_t a, f80_t *exponent)
{
    struct fp_number x = f80_unpack(env, a), e;
    if (fp_is_nan(x)) {
        x = e = fp_nan_of_two(env, x, x);
    } else if (x.kind == FP_INFINITE) {
        e = (struct fp_number){.kind = FP_INFINITE};
    } else if (x.kind == FP_ZERO) {
        env->flags |= FP_DIVBYZERO;
        e = (struct fp_number){.kind = FP_INFINITE, .negative = true};
    } else {
        fp_denormal_raise(env, x.is_denormal);
        e = fp_number_from_u64((uint64_t)(x.exp < 0 ? -x.exp : x.exp), x.exp < 0);
        x.exp = 0;
    }
    *exponent = f80_pack(env, e);
    return f80_pack(env, x);
}

f80_t x87_fbld(const uint8_t bytes[10])
{
    uint64_t v = 0;
    for (int i = 8; i >= 0; i--)
        v = v * 100 + (bytes[i] >> 4) * 10u + (bytes[i] & 15);
    struct fp_env plain = fp_env_x87;
    return f80_pack(&plain, fp_number_from_u64(v, bytes[9] >> 7));
}

void x87_fbstp(struct fp_env *env, f80_t a, uint8_t bytes[10])
{
    static const uint8_t indefinite[10] = {0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0xff};
    const uint64_t limit = 1000000000000000000; /* 10^18 */
    const struct fp_int kind = {.width = 64, .is_signed = true};
    uint8_t before = env->flags;
    uint64_t v = f80_to_int(env, a, kind, fp_env_round(env));
    uint64_t magnitude = (int64_t)v < 0 ? -v : v;
    if (magnitude >= limit) {
        env->flags = before | FP_INVALID;
        memcpy(bytes, indefinite, sizeof(indefinite));
        return;
    }
    for (unsigned i = 0; i < 9; i++, magnitude /= 100)
        bytes[i] = (uint8_t)(magnitude / 10 % 10 << 4 | magnitude % 10);
    bytes[9] = (uint8_t)(a.se >> 8 & 0x80);
}

f80_t x87_fld_constant(const struct fp_env *env, enum x87_constant which)
{
    static const struct fp_number constants[] = {
        [X87_LOG2_10] = {.kind = FP_FINITE, .exp = 1, .sig = U128(0xd49a784bcd1b8afe, 0x492bf6ff4dafdb4d)},
        [X87_LOG2_E] = {.kind = FP_FINITE, .exp = 0, .sig = U128(0xb8aa3b295c17f0bb, 0xbe87fed0691d3e89)},
        [X87_PI] = {.kind = FP_FINITE, .exp = 1, .sig = U128(0xc90fdaa22168c234, 0xc4c6628b80dc1cd1)},
        [X87_LOG10_2] = {.kind = FP_FINITE, .exp = -2, .sig = U128(0x9a209a84fbcff798, 0x8f8959ac0b7c9178)},
        [X87_LN_2] = {.kind = FP_FINITE, .exp = -1, .sig = U128(0xb17217f7d1cf79ab, 0xc9e3b39803f2f6af)},
    };
    struct fp_env scratch = *env;
    return f80_pack(&scratch, constants[which]);
}
