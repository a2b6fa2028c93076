/* The built-in SBI, call by call, against the SBI 2.0 specification's error codes and results. */
#include "base/bits.h"
#include "tests/machine/board_support.h"

enum {
    SUCCESS = 0,
    FAILED = -1,
    NOT_SUPPORTED = -2,
    INVALID_PARAM = -3,
    DENIED = -4,
    INVALID_ADDRESS = -5,
    ALREADY_AVAILABLE = -6,
    ALREADY_STARTED = -7,
    ALREADY_STOPPED = -8,
    NO_SHMEM = -9,
};

#define BASE 0x10
#define TIME 0x54494D45
#define IPI  0x735049
#define RFNC 0x52464E43
#define HSM  0x48534D
#define SRST 0x53525354
#define DBCN 0x4442434E
#define SUSP 0x53555350
#define PMU  0x504D55

#define RAM   0x80000000ull
#define HARTS 4

static struct test_board test;

static bool start(void)
{
    test_board_config(&test);
    test.config.cpus = HARTS;
    return test_board_start(&test);
}

static struct riscv_state *hart(unsigned i)
{
    return riscv_state(test.run->vcpus[i]);
}

/* Make a call from a hart; its a0, and a1 in *value. */
static int64_t call_from(unsigned from, uint64_t *value, uint64_t extension, uint64_t function,
                         const uint64_t args[6])
{
    struct riscv_state *s = hart(from);
    for (unsigned i = 0; i < 6; i++)
        s->x[10 + i] = args[i];
    s->x[16] = function;
    s->x[17] = extension;
    s->pc = RAM + 0x1000;
    sbi_call(test.board->sbi, test.run->vcpus[from]);
    *value = s->x[11];
    return (int64_t)s->x[10];
}

#define CALL(value, extension, function, ...)                                                                \
    call_from(0, &(value), extension, function, (const uint64_t[6]){__VA_ARGS__})

static void base(void)
{
    static const uint64_t there[] = {0,    1,    2,   3,    4,   5,    6,    7,    8,
                                     BASE, TIME, IPI, RFNC, HSM, SRST, DBCN, SUSP, PMU};
    uint64_t value;
    if (!start())
        return;
    CHECK_EQ(CALL(value, BASE, 0, 0), SUCCESS);
    CHECK_EQ(value, 0x02000000);
    for (size_t i = 0; i < ARRAY_LEN(there); i++) {
        CHECK_EQ(CALL(value, BASE, 3, there[i]), SUCCESS);
        CHECK_EQ(value, 1);
    }
    CHECK_EQ(CALL(value, BASE, 3, 9), SUCCESS);
    CHECK_EQ(value, 0);
    CHECK_EQ(CALL(value, BASE, 3, 0x535441), SUCCESS); /* steal time: not here */
    CHECK_EQ(value, 0);
    for (uint64_t function = 1; function < 7; function++)
        CHECK_EQ(CALL(value, BASE, function, 0), SUCCESS);
    CHECK_EQ(CALL(value, BASE, 7, 0), NOT_SUPPORTED);
    CHECK_EQ(CALL(value, 0x12345678, 0, 0), NOT_SUPPORTED);
    CHECK_EQ(CALL(value, UINT64_MAX, 0, 0), NOT_SUPPORTED);
    test_board_end(&test);
}

static void first_state(void)
{
    if (!start())
        return;
    /* The Linux boot protocol: S-mode, translation off, hart in a0, device tree in a1. */
    CHECK_EQ(hart(0)->privilege, PRIV_S);
    CHECK_EQ(hart(0)->satp, 0);
    CHECK_EQ(hart(0)->x[10], 0);
    CHECK_EQ(hart(0)->started, 1);
    CHECK_EQ(hart(0)->pc, 0x80200000);
    uint8_t magic[4];
    CHECK(ram_read(test.run->machine.mem.ram, gpa(hart(0)->x[11]), magic, 4));
    CHECK_EQ(be32_load(magic), 0xd00dfeed);
    CHECK_EQ(hart(1)->started, 0);
    /* Traps and interrupts a supervisor expects for itself; its own calls stay below. */
    uint64_t traps = 1 << EXC_BREAKPOINT | 1 << EXC_ECALL_U | 1 << EXC_FETCH_PAGE | 1 << EXC_LOAD_PAGE |
                     1 << EXC_STORE_PAGE;
    uint64_t interrupts = 1 << INT_SSI | 1 << INT_STI | 1 << INT_SEI;
    CHECK_EQ(hart(0)->medeleg & traps, traps);
    CHECK_EQ(hart(0)->medeleg >> EXC_ECALL_S & 1, 0);
    CHECK_EQ(hart(0)->mideleg & interrupts, interrupts);
    CHECK_EQ(hart(0)->mcounteren & 7, 7);
    test_board_end(&test);
}

static void hart_states(void)
{
    uint64_t value;
    if (!start())
        return;
    CHECK_EQ(CALL(value, HSM, 2, 0), SUCCESS);
    CHECK_EQ(value, 0);
    CHECK_EQ(CALL(value, HSM, 2, 1), SUCCESS);
    CHECK_EQ(value, 1);
    CHECK_EQ(CALL(value, HSM, 2, HARTS), INVALID_PARAM);
    CHECK_EQ(CALL(value, HSM, 2, UINT64_MAX), INVALID_PARAM);

    CHECK_EQ(CALL(value, HSM, 0, HARTS, RAM + 0x2000, 1), INVALID_PARAM);
    CHECK_EQ(CALL(value, HSM, 0, 1, 0x1000000000, 1), INVALID_ADDRESS);
    CHECK_EQ(CALL(value, HSM, 0, 1, UINT64_MAX, 1), INVALID_ADDRESS);
    CHECK_EQ(CALL(value, HSM, 0, 1, 0x10000000, 1), INVALID_ADDRESS); /* a device */
    CHECK_EQ(CALL(value, HSM, 0, 0, RAM + 0x2000, 1), ALREADY_AVAILABLE);
    CHECK_EQ(CALL(value, HSM, 0, 1, RAM + 0x2000, 0x1234), SUCCESS);
    CHECK_EQ(CALL(value, HSM, 0, 1, RAM + 0x2000, 0x1234), ALREADY_AVAILABLE);
    CHECK_EQ(hart(1)->started, 1);
    CHECK_EQ(hart(1)->pc, RAM + 0x2000);
    CHECK_EQ(hart(1)->x[10], 1);
    CHECK_EQ(hart(1)->x[11], 0x1234);
    CHECK_EQ(hart(1)->satp, 0);
    CHECK_EQ(hart(1)->privilege, PRIV_S);
    CHECK_EQ(hart(1)->mstatus & MSTATUS_SIE, 0);
    CHECK_EQ(CALL(value, HSM, 2, 1), SUCCESS);
    CHECK_EQ(value, 0);

    call_from(1, &value, HSM, 1, (const uint64_t[6]){0});
    CHECK_EQ(hart(1)->started, 0);
    CHECK_EQ(CALL(value, HSM, 2, 1), SUCCESS);
    CHECK_EQ(value, 1);
    CHECK_EQ(CALL(value, HSM, 4, 0), NOT_SUPPORTED);
    test_board_end(&test);
}

static void hart_suspend(void)
{
    uint64_t value;
    if (!start())
        return;
    CHECK_EQ(CALL(value, HSM, 3, 1), INVALID_PARAM);
    CHECK_EQ(CALL(value, HSM, 3, 0x80000001), INVALID_PARAM);
    CHECK_EQ(CALL(value, HSM, 3, 0x10000000), NOT_SUPPORTED);
    CHECK_EQ(CALL(value, HSM, 3, 0x80000000, 0x10000000, 0), INVALID_ADDRESS);
    CHECK_EQ(CALL(value, HSM, 0, 1, RAM + 0x2000, 0), SUCCESS);
    /* Retentive: the same registers, waiting. */
    CHECK_EQ(call_from(1, &value, HSM, 3, (const uint64_t[6]){0}), SUCCESS);
    CHECK_EQ(hart(1)->waiting, WAIT_SUSPENDED);
    CHECK_EQ(hart(1)->pc, RAM + 0x1000);
    CHECK_EQ(CALL(value, HSM, 2, 1), SUCCESS);
    CHECK_EQ(value, 4);
    /* Awake again, and then in a WFI: not suspended. */
    hart(1)->waiting = WAIT_WFI;
    CHECK_EQ(CALL(value, HSM, 2, 1), SUCCESS);
    CHECK_EQ(value, 0);
    /* Not retentive: as a hart that starts, with its interrupt enables kept. */
    hart(1)->mie = 1 << INT_SSI;
    hart(1)->mstatus = MSTATUS_SIE;
    hart(1)->satp = (uint64_t)SATP_SV39 << SATP_MODE_SHIFT;
    CHECK_EQ(call_from(1, &value, TIME, 0, (const uint64_t[6]){UINT64_MAX / 2}), SUCCESS);
    call_from(1, &value, HSM, 3, (const uint64_t[6]){0x80000000, RAM + 0x3000, 77});
    CHECK_EQ(hart(1)->waiting, WAIT_SUSPENDED);
    CHECK_EQ(hart(1)->pc, RAM + 0x3000);
    CHECK_EQ(hart(1)->x[10], 1);
    CHECK_EQ(hart(1)->x[11], 77);
    CHECK_EQ(hart(1)->mstatus & MSTATUS_SIE, 0);
    CHECK_EQ(hart(1)->satp, 0);
    CHECK_EQ(hart(1)->mie, 1 << INT_SSI);
    CHECK_EQ(hart(1)->stimecmp, UINT64_MAX / 2); /* it may be what ends the suspension */
    /* An interrupt wakes it. */
    CHECK(!test.run->vcpus[1]->ops->has_work(test.run->vcpus[1]));
    CHECK_EQ(CALL(value, IPI, 0, 2, 0), SUCCESS);
    CHECK(test.run->vcpus[1]->ops->has_work(test.run->vcpus[1]));
    test_board_end(&test);
}

static void interrupts(void)
{
    uint64_t value;
    if (!start())
        return;
    CHECK_EQ(CALL(value, IPI, 0, 1 << HARTS, 0), INVALID_PARAM);
    CHECK_EQ(CALL(value, IPI, 0, 1, HARTS), INVALID_PARAM);
    CHECK_EQ(CALL(value, IPI, 0, 1, UINT64_MAX - 1), INVALID_PARAM);
    CHECK_EQ(CALL(value, IPI, 0, 3ull << 62, HARTS - 1), INVALID_PARAM);
    for (unsigned i = 0; i < HARTS; i++)
        CHECK_EQ(hart(i)->mip >> INT_SSI & 1, 0);
    CHECK_EQ(CALL(value, IPI, 0, 2, 1), SUCCESS);
    for (unsigned i = 0; i < HARTS; i++)
        CHECK_EQ(hart(i)->mip >> INT_SSI & 1, i == 2);
    CHECK_EQ(CALL(value, IPI, 0, 0, UINT64_MAX), SUCCESS);
    for (unsigned i = 0; i < HARTS; i++)
        CHECK_EQ(hart(i)->mip >> INT_SSI & 1, 1);
    CHECK_EQ(CALL(value, IPI, 1, 0, 0), NOT_SUPPORTED);
    CHECK_EQ(CALL(value, TIME, 0, 1000), SUCCESS);
    CHECK_EQ(CALL(value, TIME, 1, 1000), NOT_SUPPORTED);
    test_board_end(&test);
}

static void fences(void)
{
    uint64_t value;
    if (!start())
        return;
    for (uint64_t function = 0; function < 3; function++) {
        CHECK_EQ(CALL(value, RFNC, function, 0xf, 0, 0x1000, 0x2000, 5), SUCCESS);
        CHECK_EQ(CALL(value, RFNC, function, 0, UINT64_MAX, 0, 0, 0), SUCCESS);
        CHECK_EQ(CALL(value, RFNC, function, 0, UINT64_MAX, UINT64_MAX - 5, UINT64_MAX, 0xffffffff), SUCCESS);
        CHECK_EQ(CALL(value, RFNC, function, 0x1f, 0, 0, 0, 0), INVALID_PARAM);
    }
    for (uint64_t function = 3; function < 8; function++)
        CHECK_EQ(CALL(value, RFNC, function, 1, 0, 0, 0, 0), NOT_SUPPORTED);
    test_board_end(&test);
}

static void console(void)
{
    uint64_t value;
    if (!start())
        return;
    CHECK_EQ(CALL(value, DBCN, 0, 5, RAM, 0), SUCCESS);
    CHECK_EQ(value, 5);
    CHECK_EQ(CALL(value, DBCN, 0, 0, RAM, 0), SUCCESS);
    CHECK_EQ(value, 0);
    CHECK_EQ(CALL(value, DBCN, 0, 5, RAM, 1), INVALID_PARAM);
    CHECK_EQ(CALL(value, DBCN, 0, 5, 0x10000000, 0), INVALID_PARAM);
    CHECK_EQ(CALL(value, DBCN, 0, 2, RAM + 64 * MIB - 1, 0), INVALID_PARAM);
    CHECK_EQ(CALL(value, DBCN, 0, UINT64_MAX, RAM, 0), INVALID_PARAM);
    CHECK_EQ(CALL(value, DBCN, 1, UINT64_MAX, RAM, 0), INVALID_PARAM);
    CHECK_EQ(CALL(value, DBCN, 1, 5, RAM, 0), SUCCESS); /* nobody typed */
    CHECK_EQ(value, 0);
    CHECK_EQ(CALL(value, DBCN, 2, 'x'), SUCCESS);
    CHECK_EQ(CALL(value, DBCN, 3, 0), NOT_SUPPORTED);
    test_board_end(&test);
}

static void system_calls(void)
{
    uint64_t value;
    if (!start())
        return;
    CHECK_EQ(CALL(value, SRST, 0, 3, 0), INVALID_PARAM);
    CHECK_EQ(CALL(value, SRST, 0, 0, 2), INVALID_PARAM);
    CHECK_EQ(CALL(value, SRST, 0, 0xf0000000, 0), NOT_SUPPORTED);
    CHECK_EQ(CALL(value, SRST, 0, 0, 0xe0000000), NOT_SUPPORTED);
    CHECK_EQ(CALL(value, SRST, 1, 0, 0), NOT_SUPPORTED);

    CHECK_EQ(CALL(value, SUSP, 0, 1, RAM, 0), INVALID_PARAM);
    CHECK_EQ(CALL(value, SUSP, 0, 0x80000000, RAM, 0), NOT_SUPPORTED);
    CHECK_EQ(CALL(value, SUSP, 0, 0, 0x10000000, 0), INVALID_ADDRESS);
    CHECK_EQ(CALL(value, HSM, 0, 1, RAM + 0x2000, 0), SUCCESS);
    CHECK_EQ(CALL(value, SUSP, 0, 0, RAM, 0), DENIED);
    call_from(1, &value, HSM, 1, (const uint64_t[6]){0});
    CALL(value, SUSP, 0, 0, RAM + 0x4000, 99);
    CHECK_EQ(hart(0)->waiting, WAIT_SUSPENDED);
    CHECK_EQ(hart(0)->pc, RAM + 0x4000);
    CHECK_EQ(hart(0)->x[10], 0);
    CHECK_EQ(hart(0)->x[11], 99);
    test_board_end(&test);
}

static void legacy(void)
{
    uint64_t value, one = 0x4;
    if (!start())
        return;
    CHECK_EQ(CALL(value, 0, 0, 1000), SUCCESS);
    CHECK_EQ(CALL(value, 1, 0, 'a'), SUCCESS);
    CHECK_EQ(CALL(value, 2, 0, 0), -1);
    /* a1 is not a result of these. */
    CHECK_EQ(CALL(value, 1, 0, 'a', 0x55), SUCCESS);
    CHECK_EQ(value, 0x55);
    /* The mask of harts lies in memory, at a virtual address, which is physical while satp is 0. */
    CHECK(ram_write(test.run->machine.mem.ram, gpa(RAM + 0x5000), &one, sizeof(one)));
    CHECK_EQ(CALL(value, 4, 0, RAM + 0x5000), SUCCESS);
    for (unsigned i = 0; i < HARTS; i++)
        CHECK_EQ(hart(i)->mip >> INT_SSI & 1, i == 2);
    CHECK_EQ(call_from(2, &value, 3, 0, (const uint64_t[6]){0}), SUCCESS);
    CHECK_EQ(hart(2)->mip >> INT_SSI & 1, 0);
    CHECK_EQ(CALL(value, 5, 0, 0), SUCCESS);
    CHECK_EQ(CALL(value, 6, 0, RAM + 0x5000, 0, 0), SUCCESS);
    CHECK_EQ(CALL(value, 7, 0, RAM + 0x5000, 0, 0, 1), SUCCESS);
    CHECK(CALL(value, 4, 0, 0xffffffff00000000) < 0);
    CHECK_EQ(CALL(value, 9, 0, 0), NOT_SUPPORTED);
    test_board_end(&test);
}

/* Counters 0 and 2 to 31 are the hart's, the next ones firmware's. */
static void counters(void)
{
    uint64_t value, count;
    if (!start())
        return;
    CHECK_EQ(CALL(count, PMU, 0, 0), SUCCESS);
    CHECK(count > 32 && count < 64);
    CHECK_EQ(CALL(value, PMU, 1, 0), SUCCESS);
    CHECK_EQ(value & 0xfff, 0xc00);
    CHECK_EQ(value >> 12 & 0x3f, 63);
    CHECK_EQ(CALL(value, PMU, 1, 2), SUCCESS);
    CHECK_EQ(value & 0xfff, 0xc02);
    CHECK_EQ(CALL(value, PMU, 1, 1), INVALID_PARAM);
    CHECK_EQ(CALL(value, PMU, 1, 31), SUCCESS);
    CHECK_EQ(value & 0xfff, 0xc1f);
    CHECK_EQ(CALL(value, PMU, 1, 32), SUCCESS);
    CHECK_EQ(value >> 63, 1);
    CHECK_EQ(CALL(value, PMU, 1, count), INVALID_PARAM);

    /* Count timer calls (firmware event 5) on any counter from 0 on: only a firmware one can. */
    uint64_t all = ((uint64_t)1 << count) - 1 - 2;
    CHECK_EQ(CALL(value, PMU, 2, 0, all, 2, 0xf0005, 0), SUCCESS);
    uint64_t counter = value;
    CHECK(counter >= 32);
    /* There is no snapshot area, and none can be set. */
    CHECK_EQ(CALL(value, PMU, 7, RAM, 0, 0), NOT_SUPPORTED);
    CHECK_EQ(CALL(value, PMU, 3, counter, 1, 2, 0), NO_SHMEM);
    CHECK_EQ(CALL(value, PMU, 4, counter, 1, 2, 0), NO_SHMEM);
    CHECK_EQ(CALL(value, PMU, 3, counter, 1, 1, 100), SUCCESS);
    CHECK_EQ(CALL(value, PMU, 3, counter, 1, 0, 0), ALREADY_STARTED);
    CALL(value, TIME, 0, 1000);
    CALL(value, TIME, 0, 1000);
    CHECK_EQ(CALL(value, PMU, 5, counter), SUCCESS);
    CHECK_EQ(value, 102);
    CHECK_EQ(CALL(value, PMU, 4, counter, 1, 0), SUCCESS);
    CALL(value, TIME, 0, 1000);
    CHECK_EQ(CALL(value, PMU, 5, counter), SUCCESS);
    CHECK_EQ(value, 102);
    CHECK_EQ(CALL(value, PMU, 4, counter, 1, 1), ALREADY_STOPPED);

    CHECK_EQ(CALL(value, PMU, 2, 0, all, 0, 2, 0), SUCCESS); /* instructions */
    CHECK_EQ(value, 2);
    CHECK_EQ(CALL(value, PMU, 2, 0, all, 0, 2, 0), SUCCESS); /* once more: a programmable one */
    CHECK(value >= 3 && value < 32);
    CHECK_EQ(hart(0)->mhpmevent[value - 3], 2);
    CHECK_EQ(CALL(value, PMU, 4, value, 1, 1), SUCCESS); /* which is given back */
    CHECK_EQ(CALL(value, PMU, 2, 0, all, 0x60, 0x10019, 0), SUCCESS);
    CHECK(value >= 3 && value < 32);
    CHECK_EQ(hart(0)->mhpmevent[value - 3], HPMEVENT_UINH | HPMEVENT_SINH | 0x10019);
    CHECK_EQ(CALL(value, PMU, 2, 0, all, 0, 0x10000, 0), NOT_SUPPORTED);
    CHECK_EQ(CALL(value, PMU, 2, 0, 5, 0, 0x10019, 0), NOT_SUPPORTED); /* not on a fixed counter */
    CHECK_EQ(CALL(value, PMU, 2, 0, all, 0, 0xf0100, 0), NOT_SUPPORTED);
    CHECK_EQ(CALL(value, PMU, 2, 60, all, 0, 2, 0), INVALID_PARAM);
    CHECK_EQ(CALL(value, PMU, 2, UINT64_MAX, all, 0, 2, 0), INVALID_PARAM);
    CHECK_EQ(CALL(value, PMU, 3, 1, 1, 0, 0), INVALID_PARAM);
    CHECK_EQ(CALL(value, PMU, 5, 0), INVALID_PARAM);
    CHECK_EQ(CALL(value, PMU, 5, UINT64_MAX), INVALID_PARAM);
    CHECK_EQ(CALL(value, PMU, 9, 0), NOT_SUPPORTED);
    test_board_end(&test);
}

/* Any call with any arguments gives a result, and harms nothing. */
static void wild_calls(void)
{
    static const uint64_t extensions[] = {0,    1,    2,   3,    4,   5,    6,    7,
                                          BASE, TIME, IPI, RFNC, HSM, DBCN, SUSP, PMU};
    static const uint64_t values[] = {
        0, 1, 3, HARTS, 63, 64, RAM, RAM + 64 * MIB - 1, UINT64_MAX, INT64_MAX, 1ull << 63};
    if (!start())
        return;
    for (int i = 0; i < 20000; i++) {
        uint64_t args[6], value;
        for (unsigned j = 0; j < 6; j++)
            args[j] = test_random() % 4 ? values[test_random() % ARRAY_LEN(values)] : test_random();
        uint64_t extension = extensions[test_random() % ARRAY_LEN(extensions)];
        unsigned from = test_random() % HARTS;
        hart(from)->started = 1;
        call_from(from, &value, extension, test_random() % 8, args);
    }
    test_board_end(&test);
}

static const struct test_case cases[] = {
    {"base", base},
    {"first_state", first_state},
    {"hart_states", hart_states},
    {"hart_suspend", hart_suspend},
    {"interrupts", interrupts},
    {"fences", fences},
    {"console", console},
    {"system_calls", system_calls},
    {"legacy", legacy},
    {"counters", counters},
    {"wild_calls", wild_calls},
};
TEST_SUITE(sbi_test, "unit", cases);
