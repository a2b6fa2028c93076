/*
 * Instructions the peer can't be compared with: pointer authentication (its keys are random), memory copy and
 * set, CSSC. Expected values come from the manual's definitions; QARMA's from its paper.
 */
#include "tests/cpu/aarch64/a64_bare.h"

#include "cpu/aarch64/pauth.h"
#include "softmmu/walkers/arm64.h"

#define RAN_TO_END(bare) CHECK_EQ((bare)->s->pc, (bare)->end)

/* ---- pointer authentication ---- */

/* Avanzi, "The QARMA Block Cipher Family", appendix: QARMA-64 with sigma-2 and r = 5. */
static void qarma(void)
{
    CHECK_EQ(
        aarch64_qarma(0xfb623599da6e8127, 0x477d469dec0b8762, 0x84be85ce9804e94b, 0xec2802d4e0a488e9, false),
        0xc003b93999b33765);
}

#define PACIA(d, n)    (0xdac10000u | (n) << 5 | (d))
#define PACDB(d, n)    (0xdac10c00u | (n) << 5 | (d))
#define AUTIA(d, n)    (0xdac11000u | (n) << 5 | (d))
#define AUTIB(d, n)    (0xdac11400u | (n) << 5 | (d))
#define AUTDB(d, n)    (0xdac11c00u | (n) << 5 | (d))
#define XPACI(d)       (0xdac143e0u | (d))
#define PACGA(d, n, m) (0x9ac03000u | (m) << 16 | (n) << 5 | (d))
#define BRAA(n, m)     (0xd71f0800u | (n) << 5 | (m))
#define RETAA          0xd65f0bffu
#define LDRAA(t, n)    (0xf8200400u | (n) << 5 | (t))

/* Keys as in the paper's example, 48-bit addresses, all four keys on. */
static struct a64_bare *pac_create(const char *model)
{
    struct a64_bare *bare = a64_create(model);
    for (unsigned key = 0; key < 5; key++) {
        bare->s->pauth_keys[key][0] = 0xec2802d4e0a488e9 + key;
        bare->s->pauth_keys[key][1] = 0x84be85ce9804e94b;
    }
    a64_mmu_on(bare);
    a64_sysreg_set(bare, SCTLR_EL1, bare->s->sctlr_el1 | SCTLR_EnIA | SCTLR_EnIB | SCTLR_EnDA | SCTLR_EnDB);
    return bare;
}

/* Where a code goes: 39-bit addresses here, bit 55 apart. */
#define CODE_FIELD (~(uint64_t)0 << 39 & ~((uint64_t)1 << 55))

static void signing(void)
{
    static const char *const models[] = {"max", "max,+pauth-qarma3", "max,+pauth-impdef", "max,-pauth2",
                                         "max,-epac"};
    for (size_t m = 0; m < ARRAY_LEN(models); m++) {
        struct a64_bare *bare = pac_create(models[m]);
        test_context("%s", models[m]);
        const uint64_t pointer = 0x0000001234567890, modifier = 0x477d469dec0b8762;
        bare->s->x[0] = bare->s->x[3] = pointer;
        bare->s->x[1] = modifier;
        A64_EXEC(bare, PACIA(0, 1), ADD_I(2, 0, 0), AUTIA(2, 1), XPACI(0), PACDB(3, 1), ADD_I(4, 3, 0),
                 AUTDB(4, 1));
        RAN_TO_END(bare);
        CHECK_EQ(bare->s->x[2], pointer);
        CHECK_EQ(bare->s->x[0], pointer);
        CHECK_EQ(bare->s->x[4], pointer);
        CHECK(bare->s->x[3] != pointer);
        CHECK_EQ(bare->s->x[3] & ~CODE_FIELD, pointer);
        /* The upper half: bit 55 stays. */
        bare->s->x[0] = 0xffffff8012345678;
        A64_EXEC(bare, PACIA(0, 1), ADD_I(2, 0, 0), AUTIA(0, 1));
        RAN_TO_END(bare);
        CHECK_EQ(bare->s->x[0], 0xffffff8012345678);
        CHECK_EQ(bare->s->x[2] & ~CODE_FIELD, 0xffffff8012345678 & ~CODE_FIELD);
        a64_destroy(bare);
    }
    test_context(NULL);
}

/* The code itself: the cipher of the extended pointer, exclusive-ored in with PAuth2 and put in without. */
static void code_value(void)
{
    const uint64_t pointer = 0x0000001234567890, modifier = 0x477d469dec0b8762;
    uint64_t code = aarch64_qarma(pointer, modifier, 0x84be85ce9804e94b, 0xec2802d4e0a488e9, false);
    struct a64_bare *bare = pac_create("max,-pauth-impdef");
    bare->s->x[0] = pointer;
    bare->s->x[1] = modifier;
    bare->s->x[4] = 0xff00001234567890;
    A64_EXEC(bare, PACIA(0, 1), PACIA(4, 1), PACGA(5, 1, 4));
    CHECK_EQ(bare->s->x[0], pointer | (code & CODE_FIELD));
    /* Bits that were no extension: what is signed is the extended pointer, bit 63 of it saying which half. */
    uint64_t upper =
        aarch64_qarma(0xffffff9234567890, modifier, 0x84be85ce9804e94b, 0xec2802d4e0a488e9, false);
    CHECK_EQ(bare->s->x[4],
             ((0xff00001234567890 ^ upper) & CODE_FIELD) | (0x1234567890 & ~CODE_FIELD) | (uint64_t)1 << 55);
    CHECK_EQ(bare->s->x[5] & 0xffffffff, 0);
    CHECK_EQ(bare->s->x[5],
             aarch64_qarma(modifier, bare->s->x[4], 0x84be85ce9804e94b, 0xec2802d4e0a488ed, false) >>
                 32 << 32);
    a64_destroy(bare);
    bare = pac_create("max,-epac,-pauth-impdef");
    bare->s->x[0] = pointer;
    bare->s->x[1] = modifier;
    A64_EXEC(bare, PACIA(0, 1));
    CHECK_EQ(bare->s->x[0], pointer | (code & CODE_FIELD));
    a64_destroy(bare);
}

static void authentication_failures(void)
{
    const uint64_t pointer = 0x0000001234567890;
    struct a64_bare *bare = pac_create("max");
    bare->s->x[0] = pointer ^ (uint64_t)1 << 45;
    A64_EXEC(bare, NOP, AUTIA(0, 1));
    a64_check_exception(bare, A64_SYNC, EC_FPAC, 0, A64_CODE + 4);
    A64_EXEC(bare, AUTIB(0, 1));
    a64_check_exception(bare, A64_SYNC, EC_FPAC, 1, A64_CODE);
    A64_EXEC(bare, AUTDB(0, 1));
    a64_check_exception(bare, A64_SYNC, EC_FPAC, 3, A64_CODE);
    A64_EXEC(bare, BRAA(0, 1));
    a64_check_exception(bare, A64_SYNC, EC_FPAC, 0, A64_CODE);
    A64_EXEC(bare, LDRAA(2, 0));
    a64_check_exception(bare, A64_SYNC, EC_FPAC, 2, A64_CODE);
    bare->s->x[30] = pointer;
    A64_EXEC(bare, RETAA);
    a64_check_exception(bare, A64_SYNC, EC_FPAC, 0, A64_CODE);
    a64_destroy(bare);
    /* Without FPACCOMBINE the combined ones go on, and fault at the address. */
    bare = pac_create("max,-fpaccombine");
    bare->s->x[0] = pointer ^ (uint64_t)1 << 45;
    A64_EXEC(bare, BRAA(0, 1));
    CHECK_EQ(bare->s->esr_el1 >> 26, EC_FETCH_ABORT_LOWER + 1);
    a64_destroy(bare);
    /* Without PAuth2: an error code in bits 62:61, 01 for key A and 10 for key B. */
    bare = pac_create("max,-pauth2");
    bare->s->x[0] = bare->s->x[2] = pointer | (uint64_t)1 << 45;
    bare->s->x[3] = 0xffffff8000000000;
    A64_EXEC(bare, AUTIA(0, 1), AUTIB(2, 1), AUTIA(3, 1));
    RAN_TO_END(bare);
    CHECK_EQ(bare->s->x[0], pointer | (uint64_t)1 << 61);
    CHECK_EQ(bare->s->x[2], pointer | (uint64_t)2 << 61);
    CHECK_EQ(bare->s->x[3], 0xbfffff8000000000);
    a64_destroy(bare);
    /* Keys that are off do nothing. */
    bare = pac_create("max");
    a64_sysreg_set(bare, SCTLR_EL1, bare->s->sctlr_el1 & ~SCTLR_EnIA);
    bare->s->x[0] = 0x1200001234567890;
    A64_EXEC(bare, PACIA(0, 1), AUTIA(0, 1));
    RAN_TO_END(bare);
    CHECK_EQ(bare->s->x[0], 0x1200001234567890);
    a64_destroy(bare);
}

static void authenticated_branches(void)
{
    struct a64_bare *bare = pac_create("max");
    bare->s->x[0] = A64_CODE + 12;
    A64_EXEC(bare, PACIA(0, 1), BRAA(0, 1), UDF, NOP);
    RAN_TO_END(bare);
    bare->s->x[30] = A64_CODE + 12;
    A64_EXEC(bare, 0xd503233f /* paciasp */, RETAA, UDF, NOP);
    RAN_TO_END(bare);
    a64_store(bare, A64_DATA, 0x1234);
    bare->s->x[0] = A64_DATA;
    A64_EXEC(bare, 0xdac12be0 /* pacdza x0 */, LDRAA(2, 0));
    RAN_TO_END(bare);
    CHECK_EQ(bare->s->x[2], 0x1234);
    a64_destroy(bare);
}

/* ---- memory copy and set ---- */

#define SET(stage, d, s, n)  (0x19c00400u | (stage) << 14 | (s) << 16 | (n) << 5 | (d))
#define CPY(stage, d, s, n)  (0x1d000400u | (stage) << 22 | (s) << 16 | (n) << 5 | (d))
#define CPYF(stage, d, s, n) (0x19000400u | (stage) << 22 | (s) << 16 | (n) << 5 | (d))

static uint8_t pattern(uint64_t at)
{
    return (uint8_t)(at * 7 ^ at >> 8);
}

static void pattern_put(struct a64_bare *bare, uint64_t address, uint64_t len)
{
    for (uint64_t n = 0; n < len; n++) {
        uint8_t byte = pattern(n);
        ram_write(bare->ram, gpa(address + n), &byte, 1);
    }
}

static void memory_set(void)
{
    struct a64_bare *bare = a64_create(NULL);
    a64_mmu_on(bare);
    static const uint64_t sizes[] = {0, 1, 15, 4096, 10001};
    for (size_t n = 0; n < ARRAY_LEN(sizes); n++) {
        const uint64_t start = A64_DATA + 0xff3;
        pattern_put(bare, A64_DATA, 0x8000);
        bare->s->x[0] = start;
        bare->s->x[1] = sizes[n];
        bare->s->x[2] = 0xffffffffffffff5a;
        A64_EXEC(bare, SET(0, 0, 2, 1), SET(1, 0, 2, 1), SET(2, 0, 2, 1));
        RAN_TO_END(bare);
        CHECK_EQ(bare->s->x[1], 0);
        CHECK_EQ(bare->s->x[0], start + sizes[n]);
        const uint8_t *memory = ram_at(bare->ram, gpa(A64_DATA), 0x8000, RAM_READ);
        for (uint64_t at = 0; at < 0x8000; at++) {
            bool inside = at >= 0xff3 && at < 0xff3 + sizes[n];
            if (memory[at] != (inside ? 0x5a : pattern(at))) {
                FAIL("size %llu: byte %#llx is %#x", (unsigned long long)sizes[n], (unsigned long long)at,
                     memory[at]);
                break;
            }
        }
    }
    a64_destroy(bare);
}

/* Every overlap; CPYF only where the destination is below. */
static void memory_copy(void)
{
    struct a64_bare *bare = a64_create(NULL);
    a64_mmu_on(bare);
    static const int64_t distances[] = {-5000, -4096, -100, -1, 0, 1, 7, 100, 4096, 9000};
    for (size_t n = 0; n < 2 * ARRAY_LEN(distances); n++) {
        bool forward = n >= ARRAY_LEN(distances);
        int64_t distance = distances[n % ARRAY_LEN(distances)];
        if (forward && distance > 0)
            continue;
        const uint64_t from = A64_DATA + 0x4321, to = from + (uint64_t)distance, size = 8005;
        test_context("distance %lld", (long long)distance);
        pattern_put(bare, A64_DATA, 0x10000);
        bare->s->x[0] = to;
        bare->s->x[1] = size;
        bare->s->x[2] = from;
        if (forward)
            A64_EXEC(bare, CPYF(0, 0, 2, 1), CPYF(1, 0, 2, 1), CPYF(2, 0, 2, 1));
        else
            A64_EXEC(bare, CPY(0, 0, 2, 1), CPY(1, 0, 2, 1), CPY(2, 0, 2, 1));
        RAN_TO_END(bare);
        CHECK_EQ(bare->s->x[1], 0);
        const uint8_t *memory = ram_at(bare->ram, gpa(A64_DATA), 0x10000, RAM_READ);
        for (uint64_t at = 0; at < 0x10000; at++) {
            uint64_t offset = A64_DATA + at - to;
            uint8_t expected = offset < size ? pattern(from - A64_DATA + offset) : pattern(at);
            if (memory[at] != expected) {
                FAIL("byte %#llx is %#x, expected %#x", (unsigned long long)at, memory[at], expected);
                break;
            }
        }
    }
    test_context(NULL);
    a64_destroy(bare);
}

/* A fault in the middle: the registers say how far it got, and the instruction goes on afterwards. */
static void memory_set_faults(void)
{
    struct a64_bare *bare = a64_create(NULL);
    a64_mmu_on(bare);
    const uint64_t hole = A64_DATA + 0x3000;
    uint64_t descriptor = a64_page_get(bare, hole);
    a64_page_set(bare, hole, 0);
    bare->s->x[0] = A64_DATA + 0x1800;
    bare->s->x[1] = 0x3000;
    bare->s->x[2] = 0x77;
    A64_EXEC(bare, SET(0, 0, 2, 1), SET(1, 0, 2, 1), SET(2, 0, 2, 1));
    a64_check_exception(bare, A64_SYNC, EC_DATA_ABORT_LOWER + 1, FSC_TRANSLATION + 3 + (1 << 6),
                        A64_CODE + 4);
    CHECK_EQ(bare->s->far_el1, hole);
    a64_page_set(bare, hole, descriptor);
    a64_enter(bare, 1);
    a64_run(bare, A64_CODE + 4);
    RAN_TO_END(bare);
    CHECK_EQ(a64_load(bare, A64_DATA + 0x1800), 0x7777777777777777);
    CHECK_EQ(a64_load(bare, hole), 0x7777777777777777);
    CHECK_EQ(a64_load(bare, A64_DATA + 0x47f8), 0x7777777777777777);
    CHECK_EQ(a64_load(bare, A64_DATA + 0x4800), 0);
    a64_destroy(bare);
}

static void memory_options(void)
{
    struct a64_bare *bare = a64_create(NULL);
    a64_mmu_on(bare);
    /* The main instruction with C set: registers of the other option (ISS: MemInst, WrongOption, OptionA,
     * registers). */
    uint8_t cpsr[4];
    le32_store(cpsr, 0x20000000 | PSTATE_EL1H);
    CHECK(aarch64_ops.register_set(bare->vcpu, 33, cpsr));
    A64_EXEC(bare, SET(1, 0, 2, 1));
    a64_check_exception(bare, A64_SYNC, EC_MOPS, 1 << 24 | 1 << 17 | 1 << 16 | 2 << 5 | 1, A64_CODE);
    CHECK(aarch64_ops.register_set(bare->vcpu, 33, cpsr));
    A64_EXEC(bare, CPY(2, 3, 2, 1));
    a64_check_exception(bare, A64_SYNC, EC_MOPS, 1 << 18 | 1 << 17 | 1 << 16 | 3 << 10 | 2 << 5 | 1,
                        A64_CODE);
    /* EL0 needs MSCEn; and registers have to differ. */
    a64_enter(bare, 0);
    A64_EXEC(bare, SET(0, 0, 2, 1));
    a64_check_exception(bare, A64_SYNC_EL0, EC_UNKNOWN, 0, A64_CODE);
    a64_sysreg_set(bare, SCTLR_EL1, bare->s->sctlr_el1 | SCTLR_MSCEn);
    a64_enter(bare, 0);
    bare->s->x[1] = 0;
    A64_EXEC(bare, SET(0, 0, 2, 1));
    RAN_TO_END(bare);
    A64_EXEC(bare, CPY(0, 1, 2, 1));
    a64_check_exception(bare, A64_SYNC_EL0, EC_UNKNOWN, 0, A64_CODE);
    a64_destroy(bare);
}

/* ---- CSSC ---- */

static void minima_and_maxima(void)
{
    struct a64_bare *bare = a64_create(NULL);
    bare->s->x[1] = 0xffffffff80000000;
    bare->s->x[2] = 0x000000007fffffff;
    A64_EXEC(bare, 0x9ac26020 /* smax x0, x1, x2 */, 0x9ac26423 /* umax x3, x1, x2 */,
             0x1ac26824 /* smin w4, w1, w2 */, 0x1ac26c25 /* umin w5, w1, w2 */,
             0x91c3fc26 /* smax x6, x1, #-1 */, 0x91c7fc27 /* umax x7, x1, #255 */,
             0x11cbfc48 /* smin w8, w2, #-1 */, 0x11cffc49 /* umin w9, w2, #255 */);
    RAN_TO_END(bare);
    CHECK_EQ(bare->s->x[0], 0x7fffffff);
    CHECK_EQ(bare->s->x[3], 0xffffffff80000000);
    CHECK_EQ(bare->s->x[4], 0x80000000);
    CHECK_EQ(bare->s->x[5], 0x7fffffff);
    CHECK_EQ(bare->s->x[6], ~(uint64_t)0);
    CHECK_EQ(bare->s->x[7], 0xffffffff80000000);
    CHECK_EQ(bare->s->x[8], 0xffffffff);
    CHECK_EQ(bare->s->x[9], 255);
    a64_destroy(bare);
}

static void counts(void)
{
    struct a64_bare *bare = a64_create(NULL);
    bare->s->x[1] = 0x8000000000f00000;
    bare->s->x[2] = 0xffffffff00000000;
    A64_EXEC(bare, 0xdac01820 /* ctz x0, x1 */, 0x5ac01843 /* ctz w3, w2 */, 0xdac01c24 /* cnt x4, x1 */,
             0x5ac01c45 /* cnt w5, w2 */, 0xdac02026 /* abs x6, x1 */, 0x5ac02047 /* abs w7, w2 */);
    RAN_TO_END(bare);
    CHECK_EQ(bare->s->x[0], 20);
    CHECK_EQ(bare->s->x[3], 32);
    CHECK_EQ(bare->s->x[4], 5);
    CHECK_EQ(bare->s->x[5], 0);
    CHECK_EQ(bare->s->x[6], 0x7fffffffff100000);
    CHECK_EQ(bare->s->x[7], 0);
    a64_destroy(bare);
}

/* RNDR says that it gave a number: NZCV = 0000. */
static void random_numbers(void)
{
    struct a64_bare *bare = a64_create(NULL);
    uint8_t cpsr[4];
    le32_store(cpsr, 0xf0000000 | PSTATE_EL1H);
    CHECK(aarch64_ops.register_set(bare->vcpu, 33, cpsr));
    A64_EXEC(bare, MRS(0, A64_SYSREG(3, 3, 2, 4, 0)), MRS(2, NZCV), MRS(1, A64_SYSREG(3, 3, 2, 4, 1)));
    RAN_TO_END(bare);
    CHECK(bare->s->x[0] != bare->s->x[1]);
    CHECK_EQ(bare->s->x[2], 0);
    a64_destroy(bare);
}

static const struct test_case cases[] = {
    {"qarma", qarma},
    {"signing", signing},
    {"code_value", code_value},
    {"authentication_failures", authentication_failures},
    {"authenticated_branches", authenticated_branches},
    {"memory_set", memory_set},
    {"memory_copy", memory_copy},
    {"memory_set_faults", memory_set_faults},
    {"memory_options", memory_options},
    {"minima_and_maxima", minima_and_maxima},
    {"counts", counts},
    {"random_numbers", random_numbers},
};
TEST_SUITE(a64_data_test, "unit", cases);
