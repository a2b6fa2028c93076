#include "devices/irq/aclint.h"
#include "tests/devices/machine_support.h"

#define BASE     0x2000000
#define SSWI     0x2f00000
#define MTIMECMP (BASE + 0x4000)
#define MTIME    (BASE + 0xbff8)
#define HARTS    3
#define TICK_NS  100 /* 10 MHz */

static struct test_machine *test;
static struct aclint *aclint;
static struct test_irq msip[HARTS], mtip[HARTS], ssip[HARTS];

static void start(void)
{
    struct aclint_hart lines[HARTS];
    test = test_machine_create(MIB);
    for (unsigned i = 0; i < HARTS; i++) {
        msip[i] = mtip[i] = ssip[i] = (struct test_irq){0};
        lines[i] = (struct aclint_hart){.msip = test_irq_line(&msip[i]),
                                        .mtip = test_irq_line(&mtip[i]),
                                        .ssip = test_irq_line(&ssip[i])};
    }
    aclint = aclint_create(
        &test->machine,
        &(struct aclint_config){
            .base = BASE, .sswi_base = SSWI, .frequency = 10000000, .harts = HARTS, .lines = lines},
        NULL);
    CHECK(aclint != NULL);
}

static void software_interrupts(void)
{
    start();
    test_store(test, BASE + 4, 4, 1);
    CHECK(!msip[0].level && msip[1].level && !msip[2].level);
    CHECK_EQ(test_load(test, BASE + 4, 4), 1);
    /* Only bit 0 exists. */
    test_store(test, BASE + 4, 4, 0xfffffffe);
    CHECK(!msip[1].level);
    CHECK_EQ(test_load(test, BASE + 4, 4), 0);
    /* 64 bits are two registers. */
    test_store(test, BASE, 8, 0x100000001);
    CHECK(msip[0].level && msip[1].level);
    CHECK_EQ(test_load(test, BASE, 8), 0x100000001);
    /* Registers of harts that are not there read as zero and take nothing. */
    test_store(test, BASE + 4 * HARTS, 4, 1);
    CHECK_EQ(test_load(test, BASE + 4 * HARTS, 4), 0);
    test_store(test, BASE + 0x3ffc, 4, 1);
    CHECK_EQ(test_load(test, BASE + 0x3ffc, 4), 0);
    test_machine_destroy(test);
}

static void time_counts(void)
{
    start();
    CHECK_EQ(test_load(test, MTIME, 8), 0);
    test_advance(test, 12345 * TICK_NS + 99);
    CHECK_EQ(test_load(test, MTIME, 8), 12345);
    CHECK_EQ(aclint_time(aclint), 12345);
    test_store(test, MTIME, 8, 0x1fffffff0);
    test_advance(test, 0x20 * TICK_NS);
    CHECK_EQ(test_load(test, MTIME, 8), 0x200000010);
    CHECK_EQ(test_load(test, MTIME, 4), 0x10);
    CHECK_EQ(test_load(test, MTIME + 4, 4), 2);
    test_store(test, MTIME + 4, 4, 7);
    CHECK_EQ(test_load(test, MTIME, 8), 0x700000010);
    test_machine_destroy(test);
}

static void timer(void)
{
    start();
    /* Nothing is due after a reset. */
    test_advance(test, 1000000);
    CHECK(!mtip[0].level && !mtip[1].level);
    uint64_t now = test_load(test, MTIME, 8);
    test_store(test, MTIMECMP + 8, 8, now + 50);
    test_advance(test, 50 * TICK_NS - 1);
    CHECK(!mtip[1].level);
    test_advance(test, 1);
    CHECK(mtip[1].level);
    CHECK(!mtip[0].level && !mtip[2].level);
    /* Moving the comparison into the future lowers it; the 32-bit way writes all ones first. */
    test_store(test, MTIMECMP + 8 + 4, 4, 0xffffffff);
    CHECK(!mtip[1].level);
    test_store(test, MTIMECMP + 8, 4, (uint32_t)(now + 100));
    test_store(test, MTIMECMP + 8 + 4, 4, 0);
    CHECK_EQ(test_load(test, MTIMECMP + 8, 8), now + 100);
    test_advance(test, 50 * TICK_NS);
    CHECK(mtip[1].level);
    /* At and before now it is pending at once. */
    test_store(test, MTIMECMP, 8, 0);
    CHECK(mtip[0].level);
    test_store(test, MTIMECMP, 8, UINT64_MAX);
    CHECK(!mtip[0].level);
    /* Setting the time counts too, both ways. */
    test_store(test, MTIME, 8, UINT64_MAX);
    CHECK(mtip[0].level && mtip[1].level && mtip[2].level);
    test_store(test, MTIME, 8, 0);
    CHECK(!mtip[0].level && !mtip[1].level && !mtip[2].level);
    test_machine_destroy(test);
}

static void supervisor_software_interrupts(void)
{
    start();
    test_store(test, SSWI + 8, 4, 1);
    CHECK_EQ(ssip[2].rises, 1);
    test_store(test, SSWI + 8, 4, 2);
    CHECK_EQ(ssip[2].rises, 1);
    test_store(test, SSWI + 4 * HARTS, 4, 1);
    CHECK_EQ(ssip[0].rises + ssip[1].rises, 0);
    CHECK_EQ(test_load(test, SSWI + 8, 4), 0);
    test_machine_destroy(test);
}

static void state(void)
{
    start();
    test_store(test, BASE + 8, 4, 1);
    test_store(test, MTIMECMP + 16, 8, 1000);
    test_save_load(test);
    CHECK(msip[2].level && !msip[0].level);
    CHECK_EQ(test_load(test, MTIMECMP + 16, 8), 1000);
    test_advance(test, 1000 * TICK_NS);
    CHECK(mtip[2].level);
    test_reset(test);
    CHECK(!msip[2].level && !mtip[2].level);
    CHECK_EQ(test_load(test, MTIMECMP, 8), UINT64_MAX);
    test_machine_destroy(test);
}

static const struct test_case cases[] = {{"software_interrupts", software_interrupts},
                                         {"time_counts", time_counts},
                                         {"timer", timer},
                                         {"supervisor_software_interrupts", supervisor_software_interrupts},
                                         {"state", state}};
TEST_SUITE(aclint_test, "unit", cases);
