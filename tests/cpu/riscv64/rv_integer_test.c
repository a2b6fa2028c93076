/* RV64I and M: results at the edges (Unpriv. 2, 4, 13), links, branches, and what x0 is. */
#include "tests/cpu/riscv64/bare.h"

#define MIN64 ((uint64_t)1 << 63)

struct binary {
    const char *name;
    uint32_t match;
    uint64_t a, b, result;
};

static const struct binary binaries[] = {
    {"add", 0x33, ~(uint64_t)0, 1, 0},
    {"sub", 0x40000033, 0, 1, ~(uint64_t)0},
    {"sll", 0x1033, 1, 64 + 3, 8},
    {"srl", 0x5033, MIN64, 63, 1},
    {"sra", 0x40005033, MIN64, 63, ~(uint64_t)0},
    {"slt", 0x2033, ~(uint64_t)0, 0, 1},
    {"sltu", 0x3033, ~(uint64_t)0, 0, 0},
    {"addw", 0x3b, 0x7fffffff, 1, 0xffffffff80000000},
    {"subw", 0x4000003b, 0x100000000, 1, 0xffffffffffffffff},
    {"sllw", 0x103b, 1, 32 + 31, 0xffffffff80000000},
    {"srlw", 0x503b, 0xffffffff80000000, 31, 1},
    {"sraw", 0x4000503b, 0x80000000, 31, 0xffffffffffffffff},
    {"mul", 0x02000033, 0x123456789abcdef0, 0x10, 0x23456789abcdef00},
    {"mulh", 0x02001033, MIN64, MIN64, 0x4000000000000000},
    {"mulh", 0x02001033, ~(uint64_t)0, 1, ~(uint64_t)0},
    {"mulhsu", 0x02002033, ~(uint64_t)0, ~(uint64_t)0, ~(uint64_t)0},
    {"mulhu", 0x02003033, ~(uint64_t)0, ~(uint64_t)0, ~(uint64_t)1},
    {"div by zero", 0x02004033, 42, 0, ~(uint64_t)0},
    {"div overflow", 0x02004033, MIN64, ~(uint64_t)0, MIN64},
    {"div", 0x02004033, (uint64_t)-7, 2, (uint64_t)-3},
    {"divu by zero", 0x02005033, 42, 0, ~(uint64_t)0},
    {"rem by zero", 0x02006033, (uint64_t)-42, 0, (uint64_t)-42},
    {"rem overflow", 0x02006033, MIN64, ~(uint64_t)0, 0},
    {"rem", 0x02006033, (uint64_t)-7, 2, (uint64_t)-1},
    {"remu by zero", 0x02007033, 42, 0, 42},
    {"mulw", 0x0200003b, 0x10000, 0x8000, 0xffffffff80000000},
    {"divw by zero", 0x0200403b, 5, 0x100000000, ~(uint64_t)0},
    {"divw overflow", 0x0200403b, 0x80000000, 0xffffffff, 0xffffffff80000000},
    {"divuw", 0x0200503b, 0xffffffff, 1, ~(uint64_t)0},
    {"divuw by zero", 0x0200503b, 7, 0, ~(uint64_t)0},
    {"remw by zero", 0x0200603b, 0x80000001, 0, 0xffffffff80000001},
    {"remw overflow", 0x0200603b, 0x80000000, 0xffffffff, 0},
    {"remuw by zero", 0x0200703b, 0x80000001, 0, 0xffffffff80000001},
    {"czero.eqz", 0x0e005033, 5, 0, 0},
    {"czero.eqz", 0x0e005033, 5, 1, 5},
    {"czero.nez", 0x0e007033, 5, 0, 5},
    {"czero.nez", 0x0e007033, 5, MIN64, 0},
};

static void two_operands(void)
{
    struct bare *bare = bare_create(NULL);
    for (size_t i = 0; i < ARRAY_LEN(binaries); i++) {
        const struct binary *test = &binaries[i];
        test_context("%s", test->name);
        bare->s->x[a1] = test->a;
        bare->s->x[a2] = test->b;
        BARE_EXEC(bare, asm_r(test->match, a0, a1, a2));
        CHECK_EQ(bare->s->x[a0], test->result);
    }
    bare_destroy(bare);
}

static void immediates(void)
{
    struct bare *bare = bare_create(NULL);
    bare->s->x[a1] = 0x80000000;
    BARE_EXEC(bare, LUI(s0, 0x80000), AUIPC(s1, 0x12345), asm_i(0x1b, 0, a2, a1, -1), /* addiw */
              asm_i(0x13, 3, a3, zero, -1),                                           /* sltiu */
              asm_i(0x13, 2, a4, zero, -1),                                           /* slti */
              asm_i(0x1b, 1, a5, a1, 0), asm_i(0x13, 5, a6, s0, 0x400 | 63));         /* slliw, srai */
    CHECK_EQ(bare->s->x[s0], 0xffffffff80000000);
    CHECK_EQ(bare->s->x[s1], BARE_RAM + 4 + 0x12345000);
    CHECK_EQ(bare->s->x[a2], 0x7fffffff);
    CHECK_EQ(bare->s->x[a3], 1);
    CHECK_EQ(bare->s->x[a4], 0);
    CHECK_EQ(bare->s->x[a5], 0xffffffff80000000);
    CHECK_EQ(bare->s->x[a6], ~(uint64_t)0);
    bare_destroy(bare);
}

static void zero_register(void)
{
    struct bare *bare = bare_create(NULL);
    BARE_EXEC(bare, LI(zero, 5), ADD(a0, zero, zero), JAL(zero, 4), LUI(zero, 1), ADD(a1, zero, zero));
    CHECK_EQ(bare->s->x[a0], 0);
    CHECK_EQ(bare->s->x[a1], 0);
    CHECK_EQ(bare->s->x[0], 0);
    bare_destroy(bare);
}

static void links(void)
{
    struct bare *bare = bare_create(NULL);
    /* jalr clears the target's bit 0, and reads rs1 before it writes rd. */
    BARE_EXEC(bare, JAL(ra, 8), WFI, AUIPC(t0, 0), JALR(t0, t0, 13), WFI, LI(a0, 1));
    CHECK_EQ(bare->s->x[ra], BARE_RAM + 4);
    CHECK_EQ(bare->s->x[t0], BARE_RAM + 16);
    CHECK_EQ(bare->s->x[a0], 1);
    CHECK_EQ(bare->s->pc, BARE_RAM + 24);
    bare_destroy(bare);
}

static void branches(void)
{
    static const struct {
        unsigned f3;
        uint64_t a, b;
        bool taken;
    } tests[] = {
        {0, 1, 1, true},
        {0, 1, 2, false},
        {1, 1, 1, false},
        {1, 1, 2, true},
        {4, (uint64_t)-1, 0, true},
        {4, 0, (uint64_t)-1, false},
        {4, 3, 3, false},
        {5, (uint64_t)-1, 0, false},
        {5, 3, 3, true},
        {6, (uint64_t)-1, 0, false},
        {6, 0, 1, true},
        {7, 0, 1, false},
        {7, (uint64_t)-1, 0, true},
        {7, 2, 2, true},
    };
    struct bare *bare = bare_create(NULL);
    for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
        test_context("branch %u, %#llx, %#llx", tests[i].f3, (unsigned long long)tests[i].a,
                     (unsigned long long)tests[i].b);
        bare->s->x[a1] = tests[i].a;
        bare->s->x[a2] = tests[i].b;
        BARE_EXEC(bare, LI(a0, 0), asm_b(tests[i].f3, a1, a2, 8), LI(a0, 1));
        CHECK_EQ(bare->s->x[a0], !tests[i].taken);
    }
    bare_destroy(bare);
}

/* A loop backwards over blocks that are linked, with a call in it. */
static void loop_with_call(void)
{
    struct bare *bare = bare_create(NULL);
    BARE_EXEC(bare, LI(a0, 0), LI(a1, 100), JAL(ra, 20), ADDI(a1, a1, -1), BNE(a1, zero, -8), WFI, NOP,
              ADDI(a0, a0, 3), JALR(zero, ra, 0));
    CHECK_EQ(bare->s->x[a0], 300);
    CHECK_EQ(bare->exit.reason, EXIT_HALT);
    CHECK_EQ(bare->s->pc, BARE_RAM + 24);
    bare_destroy(bare);
}

static const struct test_case cases[] = {
    {"two_operands", two_operands},   {"immediates", immediates},
    {"zero_register", zero_register}, {"links", links},
    {"branches", branches},           {"loop_with_call", loop_with_call},
};
TEST_SUITE(rv_integer_test, "unit", cases);
