/* The fast path against the portable arithmetic, bit for bit: results and flags, in every kind of
 * environment. */
#include "cpu/fp/fast.h"
#include "tests/cpu/fp/fp_support.h"
#include "tests/harness/test.h"

#define ROUNDS 100000

/* One operation, fast and portable, on operands widened to 64 bits. */
struct pair {
    const char *name;
    bool is_f32;
    uint64_t (*fast)(struct fp_env *env, uint64_t a, uint64_t b, uint64_t c);
    uint64_t (*soft)(struct fp_env *env, uint64_t a, uint64_t b, uint64_t c);
};

#define PAIR(name, fast_result, soft_result)                                                                 \
    static uint64_t fast_##name(struct fp_env *env, uint64_t a, uint64_t b, uint64_t c)                      \
    {                                                                                                        \
        (void)a, (void)b, (void)c;                                                                           \
        return (uint64_t)(fast_result);                                                                      \
    }                                                                                                        \
    static uint64_t soft_##name(struct fp_env *env, uint64_t a, uint64_t b, uint64_t c)                      \
    {                                                                                                        \
        (void)a, (void)b, (void)c;                                                                           \
        return (uint64_t)(soft_result);                                                                      \
    }

#define KIND(value) (value % 4)

#define PAIRS(f)                                                                                             \
    PAIR(f##_add, f##_add(env, (f##_t)a, (f##_t)b), f##_add_soft(env, (f##_t)a, (f##_t)b))                   \
    PAIR(f##_sub, f##_sub(env, (f##_t)a, (f##_t)b), f##_sub_soft(env, (f##_t)a, (f##_t)b))                   \
    PAIR(f##_mul, f##_mul(env, (f##_t)a, (f##_t)b), f##_mul_soft(env, (f##_t)a, (f##_t)b))                   \
    PAIR(f##_div, f##_div(env, (f##_t)a, (f##_t)b), f##_div_soft(env, (f##_t)a, (f##_t)b))                   \
    PAIR(f##_sqrt, f##_sqrt(env, (f##_t)a), f##_sqrt_soft(env, (f##_t)a))                                    \
    PAIR(f##_fma, f##_fma(env, (f##_t)a, (f##_t)b, (f##_t)c, KIND(c)),                                       \
         f##_fma_soft(env, (f##_t)a, (f##_t)b, (f##_t)c, KIND(c)))                                           \
    PAIR(f##_compare, f##_compare(env, (f##_t)a, (f##_t)b, c & 1),                                           \
         f##_compare_soft(env, (f##_t)a, (f##_t)b, c & 1))                                                   \
    PAIR(f##_min, f##_min(env, (f##_t)a, (f##_t)b, (enum fp_minmax)KIND(c)),                                 \
         f##_min_soft(env, (f##_t)a, (f##_t)b, (enum fp_minmax)KIND(c)))                                     \
    PAIR(f##_max, f##_max(env, (f##_t)a, (f##_t)b, (enum fp_minmax)KIND(c)),                                 \
         f##_max_soft(env, (f##_t)a, (f##_t)b, (enum fp_minmax)KIND(c)))                                     \
    PAIR(f##_round_int, f##_round_int(env, (f##_t)a, (enum fp_round)(c % 6), c & 8),                         \
         f##_round_int_soft(env, (f##_t)a, (enum fp_round)(c % 6), c & 8))                                   \
    PAIRS_INT(f, i32, int32_t)                                                                               \
    PAIRS_INT(f, u32, uint32_t)                                                                              \
    PAIRS_INT(f, i64, int64_t)                                                                               \
    PAIRS_INT(f, u64, uint64_t)

#define PAIRS_INT(f, suffix, type)                                                                           \
    PAIR(f##_to_##suffix, f##_to_##suffix(env, (f##_t)a, (enum fp_round)(c & 1)),                            \
         (type)f##_to_int_soft(env, (f##_t)a, fp_##suffix, (enum fp_round)(c & 1)))                          \
    PAIR(f##_from_##suffix, f##_from_##suffix(env, (type)integer),                                           \
         f##_from_int_soft(env, (uint64_t)(type)integer, fp_##suffix))

static uint64_t integer;

PAIRS(f32)
PAIRS(f64)
PAIR(f32_widen, f32_to_f64(env, (f32_t)a), f32_to_f64_soft(env, (f32_t)a))
PAIR(f64_narrow, f64_to_f32(env, a), f64_to_f32_soft(env, a))

#define ROW(f, name)                                                                                         \
    {                                                                                                        \
#f "_" #name, sizeof(f##_t) == 4, fast_##f##_##name, soft_##f##_##name                               \
    }
#define ROWS_INT(f, suffix) ROW(f, to_##suffix), ROW(f, from_##suffix)
#define ROWS(f)                                                                                              \
    ROW(f, add), ROW(f, sub), ROW(f, mul), ROW(f, div), ROW(f, sqrt), ROW(f, fma), ROW(f, compare),          \
        ROW(f, min), ROW(f, max), ROW(f, round_int), ROWS_INT(f, i32), ROWS_INT(f, u32), ROWS_INT(f, i64),   \
        ROWS_INT(f, u64)

static const struct pair pairs[] = {ROWS(f32), ROWS(f64), ROW(f32, widen), ROW(f64, narrow)};

/* Mostly what the fast path is for: to nearest, and often FP_INEXACT not raised yet. */
static struct fp_env random_env(void)
{
    static const struct fp_env *const bases[] = {&fp_env_riscv, &fp_env_arm, &fp_env_sse};
    uint64_t r = test_random();
    struct fp_env env = *bases[r % ARRAY_LEN(bases)];
    env.flags = r >> 8 & FP_IEEE_FLAGS;
    if ((r >> 16 & 3) == 0)
        env.round = (r >> 20) % 6;
    if ((r >> 18 & 3) == 0)
        env.denormals ^= r >> 24 & (FP_FLUSH_INPUTS | FP_FLUSH_OUTPUTS | FP_DENORMAL_FLAGGED);
    return env;
}

static void pair_check(const struct pair *pair)
{
    uint64_t a = pair->is_f32 ? fp_test_f32() : fp_test_f64();
    uint64_t b = pair->is_f32 ? fp_test_f32() : fp_test_f64();
    uint64_t c = pair->is_f32 ? fp_test_f32() : fp_test_f64();
    integer = fp_test_int();
    struct fp_env start = random_env(), fast_env = start, soft_env = start;
    uint64_t fast = pair->fast(&fast_env, a, b, c), soft = pair->soft(&soft_env, a, b, c);
    soft_env.flags |= fast_env.flags & FP_ROUNDED_UP; /* for f80 only */
    fast_env.flags |= soft_env.flags & FP_ROUNDED_UP;
    if (fast != soft || fast_env.flags != soft_env.flags)
        FAIL("%s round %d denormals %x flags %x of %llx %llx %llx %llx: %llx flags %x, should be %llx flags "
             "%x",
             pair->name, start.round, start.denormals, start.flags, (unsigned long long)a,
             (unsigned long long)b, (unsigned long long)c, (unsigned long long)integer,
             (unsigned long long)fast, fast_env.flags, (unsigned long long)soft, soft_env.flags);
}

static void fast_is_portable(void)
{
    for (size_t p = 0; p < ARRAY_LEN(pairs); p++) {
        for (unsigned i = 0; i < ROUNDS; i++)
            pair_check(&pairs[p]);
    }
}

/* Products, quotients and roots that are exact are rare among random ones: make some. */
static void exact_results(void)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint32_t x = (uint32_t)test_random() >> (test_random() % 32), y = (uint32_t)test_random() >> 11;
        f64_t a = f64_from_host(x + 1.0), b = f64_from_host(y + 1.0);
        struct fp_env env = fp_env_riscv;
        f64_t product = f64_mul(&env, a, b);
        CHECK_EQ(f64_div(&env, product, b), a);
        CHECK_EQ(f64_to_host(f64_sub(&env, product, b)), (double)x * (y + 1.0));
        CHECK_EQ(f64_sqrt(&env, f64_mul(&env, b, b)), b);
        CHECK_EQ(env.flags, 0);
    }
}

static const struct test_case cases[] = {{"fast_is_portable", fast_is_portable},
                                         {"exact_results", exact_results}};
TEST_SUITE(fp_fast_test, "unit", cases);
