/* Expected values are those of the RISC-V PLIC specification 1.0; chapter numbers in the comments. */
#include "devices/irq/plic.h"
#include "tests/devices/machine_support.h"

#define BASE         0xc000000
#define SIZE         0x600000
#define SOURCES      95
#define CONTEXTS     4
#define PRIORITY(n)  (BASE + 4 * (uint64_t)(n))
#define PENDING(w)   (BASE + 0x1000 + 4 * (uint64_t)(w))
#define ENABLE(c, w) (BASE + 0x2000 + 0x80 * (uint64_t)(c) + 4 * (uint64_t)(w))
#define THRESHOLD(c) (BASE + 0x200000 + 0x1000 * (uint64_t)(c))
#define CLAIM(c)     (THRESHOLD(c) + 4)

static struct test_machine *test;
static struct plic *plic;
static struct test_irq outputs[CONTEXTS];

static void start(void)
{
    struct irq_line lines[CONTEXTS];
    test = test_machine_create(MIB);
    for (unsigned i = 0; i < CONTEXTS; i++) {
        outputs[i] = (struct test_irq){0};
        lines[i] = test_irq_line(&outputs[i]);
    }
    plic = plic_create(&test->machine,
                       &(struct plic_config){.base = BASE,
                                             .size = SIZE,
                                             .sources = SOURCES,
                                             .max_priority = 7,
                                             .contexts = CONTEXTS,
                                             .lines = lines},
                       NULL);
    CHECK(plic != NULL);
}

static void source(unsigned n, bool level)
{
    struct irq_line line = plic_line(plic, n);
    irq_line_set(&line, level);
}

static void store(uint64_t address, uint32_t value)
{
    test_store(test, address, 4, value);
}

static uint32_t load(uint64_t address)
{
    return (uint32_t)test_load(test, address, 4);
}

static void claim_and_complete(void)
{
    start();
    store(PRIORITY(10), 1);
    store(ENABLE(1, 0), 1u << 10);
    source(10, true);
    CHECK(outputs[1].level);
    CHECK(!outputs[0].level && !outputs[2].level && !outputs[3].level);
    CHECK_EQ(load(PENDING(0)), 1u << 10);
    CHECK_EQ(load(CLAIM(1)), 10);
    CHECK(!outputs[1].level);
    CHECK_EQ(load(PENDING(0)), 0);
    /* Nothing more until the completion, whatever the level. */
    source(10, false);
    source(10, true);
    CHECK(!outputs[1].level);
    CHECK_EQ(load(CLAIM(1)), 0);
    store(CLAIM(1), 10);
    CHECK(outputs[1].level);
    CHECK_EQ(load(CLAIM(1)), 10);
    source(10, false);
    store(CLAIM(1), 10);
    CHECK(!outputs[1].level);
    CHECK_EQ(load(CLAIM(1)), 0);
    test_machine_destroy(test);
}

/* 9: a request the gateway has passed on stays, though the level falls before it is claimed. */
static void level_falls_before_claim(void)
{
    start();
    store(PRIORITY(3), 1);
    store(ENABLE(0, 0), 1u << 3);
    source(3, true);
    source(3, false);
    CHECK(outputs[0].level);
    CHECK_EQ(load(CLAIM(0)), 3);
    store(CLAIM(0), 3);
    CHECK(!outputs[0].level);
    CHECK_EQ(load(PENDING(0)), 0);
    test_machine_destroy(test);
}

/* 4 and 8: the highest priority first, the lowest number among equals. */
static void order(void)
{
    start();
    for (unsigned w = 0; w < 3; w++)
        store(ENABLE(0, w), ~0u);
    store(PRIORITY(5), 2);
    store(PRIORITY(40), 7);
    store(PRIORITY(41), 7);
    store(PRIORITY(95), 3);
    source(5, true);
    source(95, true);
    source(41, true);
    source(40, true);
    source(6, true); /* priority 0: never */
    CHECK_EQ(load(CLAIM(0)), 40);
    CHECK_EQ(load(CLAIM(0)), 41);
    CHECK_EQ(load(CLAIM(0)), 95);
    CHECK_EQ(load(CLAIM(0)), 5);
    CHECK_EQ(load(CLAIM(0)), 0);
    CHECK_EQ(load(PENDING(0)), 1u << 6);
    test_machine_destroy(test);
}

/* 7 and 8: the threshold masks the notification at and below it, and not the claim. */
static void threshold(void)
{
    start();
    store(PRIORITY(1), 4);
    store(ENABLE(2, 0), 2);
    store(THRESHOLD(2), 4);
    source(1, true);
    CHECK(!outputs[2].level);
    store(THRESHOLD(2), 3);
    CHECK(outputs[2].level);
    store(THRESHOLD(2), 7);
    CHECK(!outputs[2].level);
    CHECK_EQ(load(CLAIM(2)), 1);
    test_machine_destroy(test);
}

/* Two contexts that enable a source both see it, and one gets it. */
static void shared_source(void)
{
    start();
    store(PRIORITY(64), 1);
    store(ENABLE(1, 2), 1);
    store(ENABLE(3, 2), 1);
    source(64, true);
    CHECK(outputs[1].level && outputs[3].level);
    CHECK_EQ(load(CLAIM(3)), 64);
    CHECK(!outputs[1].level && !outputs[3].level);
    CHECK_EQ(load(CLAIM(1)), 0);
    /* 9: a completion from a context that does not enable the source is ignored. */
    store(CLAIM(0), 64);
    CHECK(!outputs[1].level);
    /* From one that does, it counts, though another claimed it. */
    store(CLAIM(1), 64);
    CHECK(outputs[1].level && outputs[3].level);
    test_machine_destroy(test);
}

/* Enabling, disabling and priorities take effect at once on what is pending. */
static void changes_while_pending(void)
{
    start();
    source(33, true);
    CHECK_EQ(load(PENDING(1)), 2);
    store(ENABLE(0, 1), 2);
    CHECK(!outputs[0].level);
    store(PRIORITY(33), 1);
    CHECK(outputs[0].level);
    store(ENABLE(0, 1), 0);
    CHECK(!outputs[0].level);
    CHECK_EQ(load(CLAIM(0)), 0);
    store(ENABLE(0, 1), 2);
    store(PRIORITY(33), 0);
    CHECK(!outputs[0].level);
    test_machine_destroy(test);
}

static void register_widths(void)
{
    start();
    /* Priorities and thresholds hold three bits. */
    store(PRIORITY(9), 0xffffffff);
    CHECK_EQ(load(PRIORITY(9)), 7);
    store(PRIORITY(9), 8);
    CHECK_EQ(load(PRIORITY(9)), 0);
    store(THRESHOLD(3), 0xf5);
    CHECK_EQ(load(THRESHOLD(3)), 5);
    /* Source 0 and those beyond the last are not there. */
    store(PRIORITY(0), 1);
    CHECK_EQ(load(PRIORITY(0)), 0);
    store(PRIORITY(SOURCES + 1), 1);
    CHECK_EQ(load(PRIORITY(SOURCES + 1)), 0);
    store(PRIORITY(1023), 1);
    CHECK_EQ(load(PRIORITY(1023)), 0);
    for (unsigned w = 0; w < 32; w++)
        store(ENABLE(0, w), 0xffffffff);
    CHECK_EQ(load(ENABLE(0, 0)), 0xfffffffe);
    CHECK_EQ(load(ENABLE(0, 2)), 0xffffffff);
    CHECK_EQ(load(ENABLE(0, 3)), 0);
    CHECK_EQ(load(ENABLE(0, 31)), 0);
    CHECK_EQ(load(ENABLE(1, 0)), 0);
    /* The pending bits are for reading. */
    store(PENDING(0), 0xffffffff);
    CHECK_EQ(load(PENDING(0)), 0);
    test_machine_destroy(test);
}

/* Wild accesses everywhere read something, change nothing they should not, and the device still works. */
static void wild_accesses(void)
{
    start();
    store(CLAIM(0), 0);
    store(CLAIM(0), 96);
    store(CLAIM(0), 0xffffffff);
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t address = BASE + test_random() % (SIZE - 8);
        unsigned width = 1u << test_random() % 4;
        if (test_random() & 1)
            test_load(test, address, width);
        else
            test_store(test, address, width, test_random());
        source(1 + test_random() % SOURCES, test_random() & 1);
    }
    for (unsigned n = 1; n <= SOURCES; n++)
        source(n, false);
    test_reset(test);
    for (unsigned i = 0; i < CONTEXTS; i++)
        CHECK(!outputs[i].level);
    store(PRIORITY(SOURCES), 1);
    store(ENABLE(3, SOURCES / 32), 1u << SOURCES % 32);
    source(SOURCES, true);
    CHECK(outputs[3].level);
    CHECK_EQ(load(CLAIM(3)), SOURCES);
    test_machine_destroy(test);
}

/* A context beyond the last has no registers. */
static void absent_contexts(void)
{
    start();
    store(ENABLE(CONTEXTS, 0), 2);
    store(THRESHOLD(CONTEXTS), 1);
    CHECK_EQ(load(ENABLE(CONTEXTS, 0)), 0);
    CHECK_EQ(load(THRESHOLD(CONTEXTS)), 0);
    CHECK_EQ(load(CLAIM(CONTEXTS)), 0);
    test_machine_destroy(test);
}

static void state(void)
{
    start();
    store(PRIORITY(7), 5);
    store(PRIORITY(8), 6);
    store(ENABLE(1, 0), 3u << 7);
    store(THRESHOLD(1), 2);
    source(7, true);
    source(8, true);
    CHECK_EQ(load(CLAIM(1)), 8);
    test_save_load(test);
    CHECK(outputs[1].level);
    CHECK_EQ(load(PRIORITY(8)), 6);
    CHECK_EQ(load(THRESHOLD(1)), 2);
    CHECK_EQ(load(PENDING(0)), 1u << 7);
    CHECK_EQ(load(CLAIM(1)), 7);
    store(CLAIM(1), 8);
    CHECK_EQ(load(CLAIM(1)), 8);
    test_reset(test);
    CHECK(!outputs[1].level);
    CHECK_EQ(load(ENABLE(1, 0)), 0);
    test_machine_destroy(test);
}

static const struct test_case cases[] = {{"claim_and_complete", claim_and_complete},
                                         {"level_falls_before_claim", level_falls_before_claim},
                                         {"order", order},
                                         {"threshold", threshold},
                                         {"shared_source", shared_source},
                                         {"changes_while_pending", changes_while_pending},
                                         {"register_widths", register_widths},
                                         {"wild_accesses", wild_accesses},
                                         {"absent_contexts", absent_contexts},
                                         {"state", state}};
TEST_SUITE(plic_test, "unit", cases);
