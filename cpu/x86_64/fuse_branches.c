/*
 * A comparison and the branch that depends on it in one handler: the flags need not be read back, and the
 * host predicts the branch one jump earlier. The flags are set all the same.
 */
#include "cpu/x86_64/branch.h"
#include "cpu/x86_64/fuse.h"
#include "cpu/x86_64/fuse_ops.h"

/* i is the branch; what sets its flags has just been done, so that the compiler sees what they are. */
#define DECIDE(name, condition)                                                                              \
    INLINE X86_HANDLER(decide_##name)                                                                        \
    {                                                                                                        \
        if (!x86_condition_known(c, condition))                                                              \
            TAIL return x86_j##name##_f(c, i, bank, pc);                                                     \
        if (x86_condition_fast(c, condition))                                                                \
            TAIL return x86_taken(c, i, bank, pc);                                                           \
        TAIL return x86_fallen(c, i, bank, pc);                                                              \
    }
#define DECIDE_OF(unused, name, condition) DECIDE(name, condition)
FUSE_CONDITION(DECIDE_OF, )

#define BRANCH(a, name, condition)                                                                           \
    static X86_HANDLER(a##_j##name)                                                                          \
    {                                                                                                        \
        if (unlikely(!do_##a(c, i, bank, pc)))                                                               \
            TAIL return x86_##a(c, i, bank, pc);                                                             \
        TAIL return decide_##name(c, i + 1, bank, pc);                                                       \
    }
#define BRANCHES(a) FUSE_CONDITION(BRANCH, a)
FUSE_COMPARISON(BRANCHES)

#define NAME(a, name, condition) a##_j##name,
#define ROW(a)                   {FUSE_CONDITION(NAME, a)},
static x86_handler *const branches[][16] = {FUSE_COMPARISON(ROW)};

x86_handler *x86_fused_branch(const struct x86_fusible *comparison, const struct x86_fusible *branch)
{
    if (comparison->comparison < 0 || branch->condition < 0)
        return NULL;
    return branches[comparison->comparison][branch->condition];
}

#define THREE(a, b, name)                                                                                    \
    static X86_HANDLER(a##_##b##_j##name)                                                                    \
    {                                                                                                        \
        if (unlikely(!do_##a(c, i, bank, pc)))                                                               \
            TAIL return x86_##a(c, i, bank, pc);                                                             \
        if (unlikely(!do_##b(c, i + 1, bank, pc)))                                                           \
            TAIL return x86_##b(c, i + 1, bank, pc);                                                         \
        TAIL return decide_##name(c, i + 2, bank, pc);                                                       \
    }
#define THREES(a) FUSE_COMPARED(THREE, a)
FUSE_BEFORE(THREES)

#define NAME3(a, b, name)  a##_##b##_j##name,
#define ROW3(a)            {FUSE_COMPARED(NAME3, a)},
#define COLUMN(a, b, name) {x86_##b, x86_j##name##_f},
static const struct {
    x86_handler *comparison, *branch;
} columns[] = {FUSE_COMPARED(COLUMN, )};
static x86_handler *const threes[][ARRAY_LEN(columns)] = {FUSE_BEFORE(ROW3)};

x86_handler *x86_fused_three(const struct x86_fusible *before, const struct x86_fusible *comparison,
                             const struct x86_fusible *branch)
{
    if (before->before < 0)
        return NULL;
    for (size_t n = 0; n < ARRAY_LEN(columns); n++) {
        if (columns[n].comparison == comparison->run && columns[n].branch == branch->run)
            return threes[before->before][n];
    }
    return NULL;
}

#define JUMP(a)                                                                                              \
    static X86_HANDLER(a##_jmp)                                                                              \
    {                                                                                                        \
        if (unlikely(!do_##a(c, i, bank, pc)))                                                               \
            TAIL return x86_##a(c, i, bank, pc);                                                             \
        TAIL return x86_taken(c, i + 1, bank, pc);                                                           \
    }
FUSE_BEFORE_JUMP(JUMP)

#define JUMP_NAME(a) a##_jmp,
static x86_handler *const jumps[] = {FUSE_BEFORE_JUMP(JUMP_NAME)};

x86_handler *x86_fused_jump(const struct x86_fusible *before, const struct x86_fusible *jump)
{
    return before->before_jump < 0 || jump->run != x86_jmp_f ? NULL : jumps[before->before_jump];
}
