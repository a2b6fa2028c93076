/* Two instructions in one handler. Where an operand is not at hand the instruction's own handler takes over.
 */
#include "cpu/x86_64/fuse.h"
#include "cpu/x86_64/fuse_ops.h"

#define PAIR(a, b)                                                                                           \
    static X86_HANDLER(a##_then_##b)                                                                         \
    {                                                                                                        \
        if (unlikely(!do_##a(c, i, bank, pc)))                                                               \
            TAIL return x86_##a(c, i, bank, pc);                                                             \
        if (unlikely(!do_##b(c, i + 1, bank, pc)))                                                           \
            TAIL return x86_##b(c, i + 1, bank, pc);                                                         \
        TAIL return x86_next(c, i + 1, bank, pc);                                                            \
    }
#define PAIRS(a) FUSE_SECOND(PAIR, a)
FUSE_FIRST(PAIRS)

/* The first's register is put back when the second misses. */
#define UNDONE(a, b)                                                                                         \
    static X86_HANDLER(a##_or_##b)                                                                           \
    {                                                                                                        \
        uint64_t old = c->s.gpr[i->rm];                                                                      \
        do_q_##a(c, i, bank, pc);                                                                            \
        if (unlikely(!do_##b(c, i + 1, bank, pc))) {                                                         \
            c->s.gpr[i->rm] = old;                                                                           \
            TAIL return x86_##a(c, i, bank, pc);                                                             \
        }                                                                                                    \
        TAIL return x86_next(c, i + 1, bank, pc);                                                            \
    }
#define UNDONES(a) FUSE_FAULTING(UNDONE, a)
FUSE_UNDONE(UNDONES)

#define NAME(a, b) a##_then_##b,
#define ROW(a)     {FUSE_SECOND(NAME, a)},
static x86_handler *const pairs[][64] = {FUSE_FIRST(ROW)};

#define UNDONE_NAME(a, b) a##_or_##b,
#define UNDONE_ROW(a)     {FUSE_FAULTING(UNDONE_NAME, a)},
static x86_handler *const undone_pairs[][32] = {FUSE_UNDONE(UNDONE_ROW)};

x86_handler *x86_fused_undone(const struct x86_fusible *first, const struct x86_fusible *second)
{
    return first->undone < 0 || second->faulting < 0 ? NULL : undone_pairs[first->undone][second->faulting];
}

x86_handler *x86_fused_pair(const struct x86_fusible *first, const struct x86_fusible *second)
{
    return first->first < 0 || second->second < 0 ? NULL : pairs[first->first][second->second];
}
