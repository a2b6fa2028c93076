/* Atomics: results of each operation, reservations, compare-and-swap, and two harts at one counter. */
#include "tests/cpu/riscv64/bare.h"

#define AT (BARE_RAM + 0x4000)

enum {
    SWAP = 1,
    ADD_OP = 0,
    XOR = 4,
    AND = 12,
    OR = 8,
    MIN = 16,
    MAX = 20,
    MINU = 24,
    MAXU = 28,
    CAS = 5,
};

static uint32_t amo(uint32_t operation, uint32_t width_log, uint32_t rd, uint32_t rs1, uint32_t rs2)
{
    return asm_r(operation << 27 | width_log << 12 | 0x2f, rd, rs1, rs2);
}

static void operations(void)
{
    static const struct {
        uint32_t operation, width_log;
        uint64_t memory, operand, after;
    } tests[] = {
        {SWAP, 3, 1, 2, 2},
        {ADD_OP, 3, ~(uint64_t)0, 1, 0},
        {XOR, 3, 0xff00, 0x0ff0, 0xf0f0},
        {AND, 3, 0xff00, 0x0ff0, 0x0f00},
        {OR, 3, 0xff00, 0x0ff0, 0xfff0},
        {MIN, 3, 1, (uint64_t)-1, (uint64_t)-1},
        {MAX, 3, 1, (uint64_t)-1, 1},
        {MINU, 3, 1, (uint64_t)-1, 1},
        {MAXU, 3, 1, (uint64_t)-1, (uint64_t)-1},
        /* Narrow ones leave the bytes around them. */
        {ADD_OP, 2, 0x11111111ffffffff, 1, 0x1111111100000000},
        {MIN, 2, 0x1111111100000001, 0x80000000, 0x1111111180000000},
        {MAXU, 2, 0x1111111100000001, 0xffffffff80000000, 0x1111111180000000},
        {ADD_OP, 1, 0x111111111111ffff, 1, 0x1111111111110000},
        {MAX, 1, 0x1111111111118000, 0x10001, 0x1111111111110001},
        {MINU, 0, 0x11111111111111ff, 0x180, 0x1111111111111180},
        {SWAP, 0, 0x11111111111111ff, 0x123, 0x1111111111111123},
    };
    struct bare *bare = bare_create(NULL);
    for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
        test_context("operation %u, width %u", tests[i].operation, 1u << tests[i].width_log);
        unsigned bits = 8u << tests[i].width_log;
        bare_store(bare, AT, tests[i].memory);
        bare->s->x[a1] = AT;
        bare->s->x[a2] = tests[i].operand;
        BARE_EXEC(bare, amo(tests[i].operation, tests[i].width_log, a0, a1, a2));
        CHECK_EQ(bare_load(bare, AT), tests[i].after);
        CHECK_EQ(bare->s->x[a0], (uint64_t)sign_extend(tests[i].memory, bits));
    }
    bare_destroy(bare);
}

/* rd is the comparand and gets the old value, sign-extended. */
static void compare_and_swap(void)
{
    struct bare *bare = bare_create(NULL);
    bare->s->x[a1] = AT;
    for (unsigned width_log = 0; width_log < 4; width_log++) {
        test_context("width %u", 1u << width_log);
        unsigned bits = 8u << width_log;
        uint64_t old = (uint64_t)sign_extend(0x8182838485868788, bits);
        bare_store(bare, AT, 0x8182838485868788);
        bare->s->x[a2] = 5;
        bare->s->x[a0] = old ^ 1;
        BARE_EXEC(bare, amo(CAS, width_log, a0, a1, a2));
        CHECK_EQ(bare_load(bare, AT), 0x8182838485868788);
        CHECK_EQ(bare->s->x[a0], old);
        BARE_EXEC(bare, amo(CAS, width_log, a0, a1, a2));
        CHECK_EQ(bare_load(bare, AT), bits_set(0x8182838485868788, 0, bits, 5));
        CHECK_EQ(bare->s->x[a0], old);
    }
    bare_destroy(bare);
}

static void compare_and_swap_pair(void)
{
    struct bare *bare = bare_create(NULL);
    const uint32_t insn = amo(CAS, 4, a2, a1, a4); /* pairs a2:a3 and a4:a5 */
    bare->s->x[a1] = AT;
    bare_store(bare, AT, 1);
    bare_store(bare, AT + 8, 2);
    bare->s->x[a2] = 1;
    bare->s->x[a3] = 3;
    bare->s->x[a4] = 10;
    bare->s->x[a5] = 20;
    BARE_EXEC(bare, insn);
    CHECK_EQ(bare_load(bare, AT + 8), 2);
    CHECK_EQ(bare->s->x[a3], 2);
    BARE_EXEC(bare, insn);
    CHECK_EQ(bare_load(bare, AT), 10);
    CHECK_EQ(bare_load(bare, AT + 8), 20);
    CHECK_EQ(bare->s->x[a2], 1);
    BARE_EXEC(bare, amo(CAS, 4, a3, a1, a4)); /* odd pairs are reserved */
    CHECK_EQ(bare->s->mcause, EXC_ILLEGAL);
    bare->s->mcause = 0;
    bare->s->x[a1] = AT + 8;
    BARE_EXEC(bare, insn);
    CHECK_EQ(bare->s->mcause, EXC_STORE_MISALIGNED);
    bare_destroy(bare);
}

static void reservations(void)
{
    struct bare *bare = bare_create(NULL);
    bare->s->x[a1] = AT;
    bare->s->x[a2] = 7;
    bare->s->x[a3] = AT + 8;
    bare_store(bare, AT, 0xffffffff80000000);
    BARE_EXEC(bare, LR_W(a0, a1), SC_W(a4, a2, a1), SC_W(a5, a2, a1));
    CHECK_EQ(bare->s->x[a0], 0xffffffff80000000);
    CHECK_EQ(bare->s->x[a4], 0);
    CHECK_EQ(bare->s->x[a5], 1); /* an SC ends the reservation */
    CHECK_EQ(bare_load(bare, AT), 0xffffffff00000007);
    BARE_EXEC(bare, LR_D(a0, a1), SC_D(a4, a2, a3)); /* another address */
    CHECK_EQ(bare->s->x[a4], 1);
    CHECK_EQ(bare_load(bare, AT + 8), 0);
    BARE_EXEC(bare, LR_D(a0, a1), SD(a2, a1, 0), SC_D(a4, a3, a1)); /* the value changed */
    CHECK_EQ(bare->s->x[a4], 1);
    CHECK_EQ(bare_load(bare, AT), 7);
    bare_destroy(bare);
}

/* An SC without a reservation still looks where it would store. */
static void failing_stores(void)
{
    struct bare *bare = bare_create(NULL);
    bare->s->x[a1] = BARE_DEVICE;
    BARE_EXEC(bare, SC_W(a0, a2, a1));
    CHECK_EQ(bare->s->mcause, EXC_STORE_ACCESS);
    CHECK_EQ(bare->s->mtval, BARE_DEVICE);
    bare->s->x[a1] = AT;
    BARE_EXEC(bare, SC_W(a0, a2, a1));
    CHECK_EQ(bare->s->x[a0], 1);
    bare_destroy(bare);
}

/* ---- two harts ---- */

#define ROUNDS 20000

static void *hart_thread(void *opaque)
{
    struct vcpu *vcpu = opaque;
    struct vcpu_exit exit;
    vcpu_run(vcpu, &exit);
    return NULL;
}

/* Two harts add to one counter with amoadd, and to another with LR/SC; and rewrite code the other one runs.
 */
static void two_harts(void)
{
    struct bare *bare = bare_create(NULL);
    struct error err;
    struct cpu_config config = {.model = "max", .index = 1, .mem = &bare->mem, .clock = bare->clock};
    struct vcpu *other = riscv64_ops.create(&config, &err);
    struct host_thread thread;
    other->engine = &interpreter_engine;
    BARE_PUT(bare, BARE_RAM, amo(ADD_OP, 3, zero, a1, a2), LR_W(a3, a4), ADDI(a3, a3, 1), SC_W(a5, a3, a4),
             BNE(a5, zero, -12), SW(s0, s1, 0), FENCE_I, JAL(ra, 16), ADDI(a0, a0, -1), BNE(a0, zero, -36),
             WFI, JALR(zero, ra, 0), JALR(zero, ra, 0));
    struct vcpu *harts[] = {bare->vcpu, other};
    for (unsigned i = 0; i < 2; i++) {
        struct riscv_state *s = riscv_state(harts[i]);
        s->pc = BARE_RAM;
        s->x[a0] = ROUNDS;
        s->x[a1] = AT;
        s->x[a2] = 1;
        s->x[a4] = AT + 64;
        s->x[s0] = i ? NOP : ADDI(a6, a6, 0); /* one writes what the other changes: both are harmless */
        s->x[s1] = BARE_RAM + 44;             /* the first instruction of the function */
    }
    if (!CHECK(host_thread_create(&thread, "hart1", hart_thread, other, &err)))
        return;
    hart_thread(bare->vcpu);
    host_thread_join(&thread);
    CHECK_EQ(bare_load(bare, AT), 2 * ROUNDS);
    CHECK_EQ(bare_load(bare, AT + 64), 2 * ROUNDS);
    CHECK_EQ(riscv_state(other)->pc, BARE_RAM + 44);
    riscv64_ops.destroy(other);
    bare_destroy(bare);
}

static const struct test_case cases[] = {
    {"operations", operations},
    {"compare_and_swap", compare_and_swap},
    {"compare_and_swap_pair", compare_and_swap_pair},
    {"reservations", reservations},
    {"failing_stores", failing_stores},
    {"two_harts", two_harts},
};
TEST_SUITE(rv_atomic_test, "unit", cases);
