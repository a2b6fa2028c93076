/* What is known of instructions, which flags are dead, and which neighbours are fused. */
#include "cpu/x86_64/fuse.h"

#include <assert.h>

#include "base/bits.h"
#include "cpu/x86_64/blocks.h"
#include "cpu/x86_64/fuse_ops.h"

/* Instructions that do their work without setting flags. */
#define QUIET(name)                                                                                          \
    X86_HANDLER(x86_q_##name)                                                                                \
    {                                                                                                        \
        if (unlikely(!do_q_##name(c, i, bank, pc)))                                                          \
            TAIL return x86_##name(c, i, bank, pc);                                                          \
        TAIL return x86_next(c, i, bank, pc);                                                                \
    }
FUSE_QUIET(QUIET)

/*
 * What instructions do to the flags, where it is known; of all others it is taken that they read the flags,
 * for example because they can fault.
 */
struct effect {
    x86_handler *run;
    uint16_t reads, writes;
    bool shift;
    bool faults;
};
#define FLAGS_NOT_CF (FLAGS_STATUS & ~(uint64_t)FLAG_CF)
#define FLAGS_CF_OF  (FLAG_CF | FLAG_OF)

/* clang-format off */
#define NONE(name)         {.run = x86_##name},
#define READS(name)        {.run = x86_##name, .reads = FLAGS_STATUS},
#define WRITES(name)       {.run = x86_##name, .writes = FLAGS_STATUS},
#define WRITES_BUT_C(name) {.run = x86_##name, .writes = FLAGS_NOT_CF},
#define CARRIES(name)      {.run = x86_##name, .reads = FLAG_CF, .writes = FLAGS_STATUS},
#define SHIFTS(name)       {.run = x86_##name, .writes = FLAGS_STATUS, .shift = true},
#define ROTATES(name)      {.run = x86_##name, .writes = FLAGS_CF_OF, .shift = true},
#define SIZES(M, op)       M(op##8_r) M(op##16_r) M(op##32_r) M(op##64_r)
#define WIDE(M, op)        M(op##16_r) M(op##32_r) M(op##64_r)
#define BINARY(M, op)      SIZES(M, op##_mr) SIZES(M, op##_mi)
#define LOADS(name)        {.run = x86_##name, .writes = FLAGS_STATUS, .faults = true},
#define LOAD(op)           LOADS(op##_rm8_b) LOADS(op##_rm32_b) LOADS(op##_rm32_x) LOADS(op##_rm64_b) LOADS(op##_rm64_x)
#define FAULTS(name)       {.run = x86_##name, .faults = true},
#define MEMORY(op)         FAULTS(op##_b) FAULTS(op##_x)
#define CONDITIONAL(cc)    READS(set##cc##_r) READS(cmov##cc##32_r) READS(cmov##cc##64_r)

static const struct effect effects[] = {
    NONE(nop_m) SIZES(NONE, mov_mr) SIZES(NONE, mov_mi) NONE(mov_oi32) NONE(mov_oi64)
    WIDE(NONE, movzx_8) WIDE(NONE, movzx_16) WIDE(NONE, movsx_8) WIDE(NONE, movsx_16) NONE(movsxd64_r)
    NONE(lea64_b) NONE(lea64_x) NONE(lea32_b) NONE(lea32_x) NONE(bswap32) NONE(bswap64)
    SIZES(NONE, xchg) SIZES(NONE, not_m)
    BINARY(WRITES, add) BINARY(WRITES, sub) BINARY(WRITES, and) BINARY(WRITES, or) BINARY(WRITES, xor)
    BINARY(WRITES, cmp) BINARY(WRITES, test) BINARY(CARRIES, adc) BINARY(CARRIES, sbb)
    WIDE(WRITES, imul_rm) SIZES(WRITES, neg_m) SIZES(WRITES_BUT_C, inc_m) SIZES(WRITES_BUT_C, dec_m)
    SIZES(SHIFTS, shl_i) SIZES(SHIFTS, shr_i) SIZES(SHIFTS, sar_i) WIDE(ROTATES, rol_i) WIDE(ROTATES, ror_i)
    MEMORY(mov_rm8) MEMORY(mov_rm16) MEMORY(mov_rm32) MEMORY(mov_rm64)
    MEMORY(mov_mr8) MEMORY(mov_mr16) MEMORY(mov_mr32) MEMORY(mov_mr64)
    MEMORY(mov_mi8) MEMORY(mov_mi16) MEMORY(mov_mi32) MEMORY(mov_mi64)
    MEMORY(movzx_832) MEMORY(movzx_1632) MEMORY(movsx_832) MEMORY(movsx_1632) MEMORY(movsxd64)
    FAULTS(push_r_f) FAULTS(pop_r_f)
    LOAD(add) LOAD(sub) LOAD(and) LOAD(or) LOAD(xor)
    CONDITIONAL(z) CONDITIONAL(nz) CONDITIONAL(b) CONDITIONAL(ae) CONDITIONAL(be) CONDITIONAL(a)
    CONDITIONAL(s) CONDITIONAL(ns) CONDITIONAL(l) CONDITIONAL(ge) CONDITIONAL(le) CONDITIONAL(g)
};

/* Handlers by their place in the lists. */
#define LIST(name)                        x86_##name,
#define LIST_SECOND(x, name)              x86_##name,
#define LIST_QUIET(name)                  {x86_##name, x86_q_##name},
#define LIST_CONDITION(x, name, condition) x86_j##name##_f,
static x86_handler *const firsts[] = {FUSE_FIRST(LIST)};
static x86_handler *const seconds[] = {FUSE_SECOND(LIST_SECOND, )};
static x86_handler *const undones[] = {FUSE_UNDONE(LIST)};
static x86_handler *const faultings[] = {FUSE_FAULTING(LIST_SECOND, )};
static x86_handler *const comparisons[] = {FUSE_COMPARISON(LIST)};
static x86_handler *const conditions[] = {FUSE_CONDITION(LIST_CONDITION, )};
static x86_handler *const befores[] = {FUSE_BEFORE(LIST)};
static x86_handler *const before_jumps[] = {FUSE_BEFORE_JUMP(LIST)};
static const struct { x86_handler *loud, *quiet; } quiets[] = {FUSE_QUIET(LIST_QUIET)};
/* clang-format on */

/* Found by the handler's address. */
#define TABLE_BITS 10
static struct x86_fusible table[1 << TABLE_BITS];
static const struct x86_fusible unknown = {
    .reads = FLAGS_STATUS,
    .first = -1,
    .second = -1,
    .undone = -1,
    .faulting = -1,
    .comparison = -1,
    .condition = -1,
    .before = -1,
    .before_jump = -1,
};

/* The entry of a handler, or the free one where it would be. */
static struct x86_fusible *slot_of(x86_handler *run)
{
    size_t at = (uintptr_t)run * 0x9e3779b97f4a7c15 >> (64 - TABLE_BITS);
    while (table[at].run && table[at].run != run)
        at = (at + 1) % ARRAY_LEN(table);
    return &table[at];
}

static struct x86_fusible *add(x86_handler *run)
{
    struct x86_fusible *entry = slot_of(run);
    if (!entry->run) {
        *entry = unknown;
        entry->run = run;
    }
    return entry;
}

static const struct x86_fusible *find(x86_handler *run)
{
    const struct x86_fusible *entry = slot_of(run);
    return entry->run ? entry : &unknown;
}

static void effects_add(void)
{
    for (size_t n = 0; n < ARRAY_LEN(effects); n++) {
        struct x86_fusible *entry = add(effects[n].run);
        entry->reads = effects[n].reads;
        entry->writes = effects[n].writes;
        entry->shift = effects[n].shift;
        entry->pure = !effects[n].faults;
    }
    for (size_t n = 0; n < ARRAY_LEN(quiets); n++)
        add(quiets[n].loud)->quiet = quiets[n].quiet;
}

void x86_fuse_init(void)
{
    if (find(x86_nop_m) != &unknown)
        return;
    effects_add();
    for (size_t n = 0; n < ARRAY_LEN(firsts); n++)
        add(firsts[n])->first = (int8_t)n;
    for (size_t n = 0; n < ARRAY_LEN(seconds); n++)
        add(seconds[n])->second = (int8_t)n;
    for (size_t n = 0; n < ARRAY_LEN(undones); n++)
        add(undones[n])->undone = (int8_t)n;
    for (size_t n = 0; n < ARRAY_LEN(faultings); n++)
        add(faultings[n])->faulting = (int8_t)n;
    for (size_t n = 0; n < ARRAY_LEN(comparisons); n++)
        add(comparisons[n])->comparison = (int8_t)n;
    for (size_t n = 0; n < ARRAY_LEN(conditions); n++)
        add(conditions[n])->condition = (int8_t)n;
    for (size_t n = 0; n < ARRAY_LEN(befores); n++)
        add(befores[n])->before = (int8_t)n;
    for (size_t n = 0; n < ARRAY_LEN(before_jumps); n++)
        add(before_jumps[n])->before_jump = (int8_t)n;
}

/* An instruction's place in its block, and what has been found out about it. */
struct place {
    const struct x86_fusible *insn;
    bool undone; /* its flags are dead, but for a fault of the one behind it */
};

static unsigned flags_written(const struct x86_insn *insn, const struct x86_fusible *fusible)
{
    unsigned count = (unsigned)insn->imm & (insn->opsize == 3 ? 63 : 31);
    return fusible->shift && count == 0 ? 0 : fusible->writes;
}

/*
 * Backwards through the block: flags are live that something reads before it writes them. At the end, and
 * wherever an instruction may fault, all of them are.
 */
static void flags_hush(struct x86_insn *insns, unsigned slots, struct place *places)
{
    unsigned live = FLAGS_STATUS, unless_faulting = FLAGS_STATUS;
    for (unsigned n = slots; n-- > 0;) {
        const struct x86_fusible *insn = find(insns[n].run);
        unsigned writes = flags_written(&insns[n], insn);
        places[n].undone = !(writes & unless_faulting);
        if (insn->quiet && !(writes & live)) {
            insns[n].run = insn->quiet;
            places[n].undone = false;
        }
        places[n].insn = find(insns[n].run);
        unless_faulting = (live & ~writes) | insn->reads;
        live = insn->pure ? unless_faulting : FLAGS_STATUS;
    }
}

/* The handler for the instructions at place[0] and behind, as many as *length says; or NULL. */
static x86_handler *fused(const struct place *place, unsigned left, unsigned *length)
{
    const struct x86_fusible *a = place[0].insn, *b = place[1].insn;
    const struct x86_fusible *c = left > 2 ? place[2].insn : &unknown;
    /* What is not worth fusing with both must not take a comparison away from its branch. */
    *length = 3;
    if (x86_fused_branch(b, c))
        return x86_fused_three(a, b, c);
    *length = 2;
    x86_handler *run = x86_fused_branch(a, b);
    if (!run)
        run = x86_fused_jump(a, b);
    if (!run && place[0].undone)
        run = x86_fused_undone(a, b);
    return run ? run : x86_fused_pair(a, b);
}

void x86_fuse(struct x86_insn *insns, unsigned slots)
{
    struct place places[X86_BLOCK_SLOTS];
    assert(slots <= X86_BLOCK_SLOTS);
    flags_hush(insns, slots, places);
    for (unsigned n = 0; n + 1 < slots;) {
        unsigned length;
        x86_handler *run = fused(&places[n], slots - n, &length);
        if (run)
            insns[n].run = run;
        n += run ? length : 1;
    }
}
