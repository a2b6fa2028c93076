/*
 * Half of all conditional branches are right behind the comparison they depend on. Done together, the flags
 * need not be read back, and the host predicts the branch one jump earlier. The flags are stored all the
 * same; the second slot stays what it is, for whoever gets there otherwise.
 */
#include "cpu/aarch64/fuse.h"

#include "cpu/aarch64/branch.h"
#include "cpu/aarch64/flags.h"

#define X(n) (c->s.x[n])
#define W(n) ((uint32_t)c->s.x[n])

/* `compare` sets the flags of a and b; `holds` is an expression of a and b. */
#define FUSED(name, type, a_value, b_value, compare, holds)                                                  \
    static A64_HANDLER(fused_##name)                                                                         \
    {                                                                                                        \
        type a = (a_value);                                                                                  \
        type b = (b_value);                                                                                  \
        compare(c, a, b);                                                                                    \
        if (holds)                                                                                           \
            TAIL return a64_taken(c, i + 1, bank, pc);                                                       \
        TAIL return a64_fallen(c, i + 1, bank, pc);                                                          \
    }

/* The conditions of a difference, by what they mean. */
#define COMPARED(kind, type, stype, a_value, b_value, compare)                                               \
    FUSED(kind##_eq, type, a_value, b_value, compare, a == b)                                                \
    FUSED(kind##_ne, type, a_value, b_value, compare, a != b)                                                \
    FUSED(kind##_cs, type, a_value, b_value, compare, a >= b)                                                \
    FUSED(kind##_cc, type, a_value, b_value, compare, a < b)                                                 \
    FUSED(kind##_hi, type, a_value, b_value, compare, a > b)                                                 \
    FUSED(kind##_ls, type, a_value, b_value, compare, a <= b)                                                \
    FUSED(kind##_ge, type, a_value, b_value, compare, (stype)a >= (stype)b)                                  \
    FUSED(kind##_lt, type, a_value, b_value, compare, (stype)a < (stype)b)                                   \
    FUSED(kind##_gt, type, a_value, b_value, compare, (stype)a > (stype)b)                                   \
    FUSED(kind##_le, type, a_value, b_value, compare, (stype)a <= (stype)b)
#define TESTED(kind, type, a_value, b_value, compare)                                                        \
    FUSED(kind##_eq, type, a_value, b_value, compare, (a & b) == 0)                                          \
    FUSED(kind##_ne, type, a_value, b_value, compare, (a & b) != 0)

INLINE void test64(struct aarch64_core *c, uint64_t a, uint64_t b)
{
    a64_logic64(c, a & b);
}

INLINE void test32(struct aarch64_core *c, uint32_t a, uint32_t b)
{
    a64_logic32(c, a & b);
}

COMPARED(cmp_x, uint64_t, int64_t, X(i->rn), X(i->rm), a64_subs64)
COMPARED(cmp_w, uint32_t, int32_t, W(i->rn), W(i->rm), a64_subs32)
COMPARED(cmp_i_x, uint64_t, int64_t, X(i->rn), (uint32_t)i->imm, a64_subs64)
COMPARED(cmp_i_w, uint32_t, int32_t, W(i->rn), (uint32_t)i->imm, a64_subs32)
TESTED(tst_x, uint64_t, X(i->rn), X(i->rm), test64)
TESTED(tst_w, uint32_t, W(i->rn), W(i->rm), test32)
TESTED(tst_i_x, uint64_t, X(i->rn), (uint64_t)(int64_t)i->imm, test64)
TESTED(tst_i_w, uint32_t, W(i->rn), (uint32_t)i->imm, test32)

#define PAIR(kind, condition)                                                                                \
    {                                                                                                        \
        a64_##kind, a64_b_##condition, a64_fused_##kind##_##condition                                        \
    }
#define PAIRS_OF_TEST(kind) PAIR(kind, eq), PAIR(kind, ne)
#define PAIRS_OF_COMPARISON(kind)                                                                            \
    PAIRS_OF_TEST(kind), PAIR(kind, cs), PAIR(kind, cc), PAIR(kind, hi), PAIR(kind, ls), PAIR(kind, ge),     \
        PAIR(kind, lt), PAIR(kind, gt), PAIR(kind, le)

static const struct {
    a64_handler *first, *second, *fused;
} pairs[] = {
    PAIRS_OF_COMPARISON(cmp_x),   PAIRS_OF_COMPARISON(cmp_w), PAIRS_OF_COMPARISON(cmp_i_x),
    PAIRS_OF_COMPARISON(cmp_i_w), PAIRS_OF_TEST(tst_x),       PAIRS_OF_TEST(tst_w),
    PAIRS_OF_TEST(tst_i_x),       PAIRS_OF_TEST(tst_i_w),
};

a64_handler *a64_fused(const struct a64_insn *first, const struct a64_insn *second)
{
    for (size_t n = 0; n < ARRAY_LEN(pairs); n++) {
        if (pairs[n].first == first->run && pairs[n].second == second->run)
            return pairs[n].fused;
    }
    return NULL;
}
