/*
 * The GICs and the ITS programmed at random, with tables and commands at random in guest memory: nothing may
 * crash or hang, and what the architecture promises in every state holds. TRIARCH_FUZZ_ITERATIONS says how
 * many rounds; TRIARCH_TEST_SEED which.
 */
#include <stdlib.h>

#include "base/bits.h"
#include "devices/irq/gicv2.h"
#include "devices/irq/gicv3_its.h"
#include "tests/devices/machine_support.h"

#define DIST ((uint64_t)0x08000000)
#define GICC ((uint64_t)0x08010000)
#define ITS  ((uint64_t)0x08080000)
#define GICR ((uint64_t)0x080a0000)
#define CPUS 4
#define SPIS 64
#define RAM  (2 * MIB)

#define STEPS_A_ROUND 128

static unsigned steps(void)
{
    const char *wanted = test_env("TRIARCH_FUZZ_ITERATIONS");
    return STEPS_A_ROUND * (wanted ? (unsigned)strtoul(wanted, NULL, 0) : 150);
}

#define SYSREG(crn, crm, op2) (3u << 14 | (crn) << 7 | (crm) << 3 | (op2))
#define PMR                   SYSREG(4, 6, 0)
#define IAR0                  SYSREG(12, 8, 0)
#define RPR                   SYSREG(12, 11, 3)
#define IAR1                  SYSREG(12, 12, 0)

static struct test_machine *test;
static struct gicv3 *gic;
static struct gicv3_its *its;
static struct test_irq irqs[CPUS], fiqs[CPUS];
static unsigned accessor;

/* Values that hit something more often than noise does. */
static uint64_t value_make(void)
{
    switch (test_random_below(6)) {
    case 0: return 0;
    case 1: return ~(uint64_t)0;
    case 2: return (uint64_t)1 << test_random_below(64);
    case 3: return test_random_below(256);
    case 4:
        return TEST_RAM_BASE + (test_random_below(RAM / 4096 + 8) << 12) +
               (test_random() & 0x8000000000000fff);
    default: return test_random();
    }
}

static unsigned width_make(uint64_t *address)
{
    unsigned width = 1u << test_random_below(4);
    *address &= ~(uint64_t)(width - 1);
    return width;
}

static void register_poke(uint64_t base, uint64_t size)
{
    uint64_t address = base + test_random_below(size), value;
    unsigned width = width_make(&address);
    if (test_random_below(3))
        test_store(test, address, width, value_make());
    else
        physmem_load(&test->machine.mem, gpa(address), width, &value);
}

static void memory_poke(void)
{
    uint8_t bytes[8];
    le64_store(bytes, value_make());
    test_ram_put(test, TEST_RAM_BASE + (test_random_below(RAM / 8) << 3), bytes, sizeof(bytes));
}

static uint64_t icc_read(unsigned cpu, uint32_t sysreg)
{
    uint64_t value = 0;
    gicv3_icc_read(gicv3_cpu(gic, cpu), sysreg, &value);
    return value;
}

/* Any of the registers, and some that are none. */
static void icc_poke(unsigned cpu)
{
    uint32_t sysreg = test_random_below(8)
                          ? SYSREG(12, 8 + (uint32_t)test_random_below(5), (uint32_t)test_random_below(8))
                          : PMR;
    if (test_random_below(2))
        gicv3_icc_write(gicv3_cpu(gic, cpu), sysreg, value_make());
    else
        icc_read(cpu, sysreg);
}

/* A CPU that is signalled has something of that group to take, and the other group has not. */
static void signals_check(unsigned cpu)
{
    if (!irqs[cpu].level && !fiqs[cpu].level)
        return;
    bool irq = irqs[cpu].level;
    CHECK(!(irq && fiqs[cpu].level));
    uint64_t before = icc_read(cpu, RPR);
    CHECK_EQ(icc_read(cpu, irq ? IAR0 : IAR1), 1023);
    CHECK(icc_read(cpu, irq ? IAR1 : IAR0) != 1023);
    CHECK(icc_read(cpu, RPR) < before);
}

static void v3_lines_poke(void)
{
    struct irq_line line = test_random_below(2) ? gicv3_spi_line(gic, (unsigned)test_random_below(SPIS))
                                                : gicv3_ppi_line(gic, (unsigned)test_random_below(CPUS),
                                                                 (unsigned)test_random_below(16));
    irq_line_set(&line, test_random_below(2));
}

static void v3_create(void)
{
    struct gicv3_cpu_config cpus[CPUS];
    test = test_machine_create(RAM);
    for (unsigned i = 0; i < CPUS; i++) {
        irqs[i] = fiqs[i] = (struct test_irq){0};
        cpus[i] = (struct gicv3_cpu_config){i, test_irq_line(&irqs[i]), test_irq_line(&fiqs[i])};
    }
    struct gicv3_config config = {
        .dist_base = DIST, .regions = {{GICR, CPUS}}, .spis = SPIS, .lpis = true, .cpus = CPUS, .cpu = cpus};
    gic = gicv3_create(&test->machine, &config, NULL);
    its = gicv3_its_create(&test->machine, &(struct gicv3_its_config){.base = ITS, .gic = gic}, NULL);
    CHECK(gic && its);
}

static void gicv3_random(void)
{
    enum log_level level = log_level_get();
    unsigned limit = steps();
    v3_create();
    log_level_set(LOG_QUIET);
    for (unsigned i = 0; i < limit; i++) {
        register_poke(DIST, 0x10000);
        /* Most of a redistributor's 128 KiB is nothing. */
        register_poke(GICR + test_random_below(CPUS) * 0x20000 + test_random_below(2) * 0x10000, 0xe00);
        v3_lines_poke();
        unsigned cpu = (unsigned)test_random_below(CPUS);
        icc_poke(cpu);
        signals_check(cpu);
        if (i % 4096 == 0)
            test_save_load(test);
    }
    log_level_set(level);
    test_machine_destroy(test);
}

/* A command with fields that are small enough to name something. */
static void command_put(uint64_t at)
{
    static const uint8_t codes[] = {0x01, 0x03, 0x04, 0x05, 0x08, 0x08, 0x09, 0x09,
                                    0x0a, 0x0a, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f};
    uint64_t words[4] = {
        test_random_below(8) << 32 | codes[test_random_below(ARRAY_LEN(codes))],
        (8192 + test_random_below(64)) << 32 | test_random_below(8),
        (uint64_t)(test_random_below(4) != 0) << 63 | test_random_below(CPUS + 1) << 16 |
            test_random_below(4),
        test_random_below(CPUS + 1) << 16,
    };
    uint8_t bytes[32];
    if ((words[0] & 0xff) == 0x08)
        words[2] = (uint64_t)1 << 63 | (TEST_RAM_BASE + (test_random_below(RAM / 4096 + 8) << 12));
    if (test_random_below(16) == 0)
        words[test_random_below(4)] ^= (uint64_t)1 << test_random_below(64);
    for (unsigned i = 0; i < 4; i++)
        le64_store(bytes + 8 * i, words[i]);
    test_ram_put(test, at, bytes, sizeof(bytes));
}

static void its_random(void)
{
    enum log_level level = log_level_get();
    uint64_t queue = TEST_RAM_BASE, at = 0;
    unsigned limit = steps();
    v3_create();
    struct msi_target target = gicv3_its_target(its);
    log_level_set(LOG_QUIET);
    for (unsigned i = 0; i < limit; i++) {
        /* Now and then everything is set up as it should be, and else anyhow. */
        if (i % 512 == 0) {
            test_store(test, ITS, 4, 0);
            test_store(test, ITS + 0x80, 8, (uint64_t)1 << 63 | queue);
            test_store(test, ITS + 0x100, 8,
                       (uint64_t)1 << 63 | test_random_below(2) << 62 | (TEST_RAM_BASE + 0x10000) | 3);
            test_store(test, ITS + 0x108, 8, (uint64_t)1 << 63 | (TEST_RAM_BASE + 0x20000) | 3);
            test_store(test, ITS, 4, 1);
            at = 0;
            for (unsigned cpu = 0; cpu < CPUS; cpu++) {
                uint64_t redist = GICR + cpu * 0x20000;
                test_store(test, redist, 4, 0);
                test_store(test, redist + 0x70, 8, (TEST_RAM_BASE + 0x30000) | 15);
                test_store(test, redist + 0x78, 8, TEST_RAM_BASE + 0x40000 + cpu * 0x10000);
                test_store(test, redist, 4, 1);
            }
        }
        command_put(queue + at);
        at = (at + 32) % 4096;
        test_store(test, ITS + 0x88, 8, at);
        target.deliver(target.opaque,
                       (struct msi_message){ITS + GICV3_ITS_TRANSLATER, (uint32_t)test_random_below(8),
                                            (uint32_t)test_random_below(9)});
        memory_poke();
        if (test_random_below(8) == 0)
            register_poke(ITS + test_random_below(2) * 0x10000, 0x140);
        if (test_random_below(16) == 0)
            register_poke(GICR + test_random_below(CPUS) * 0x20000, 0x80);
        test_advance(test, 0);
        unsigned cpu = (unsigned)test_random_below(CPUS);
        icc_poke(cpu);
    }
    log_level_set(level);
    test_machine_destroy(test);
}

static unsigned accessor_get(void *opaque)
{
    (void)opaque;
    return accessor;
}

static void gicv2_random(void)
{
    enum log_level level = log_level_get();
    unsigned limit = steps();
    struct gicv2_cpu_config cpus[CPUS];
    test = test_machine_create(MIB);
    for (unsigned i = 0; i < CPUS; i++) {
        irqs[i] = fiqs[i] = (struct test_irq){0};
        cpus[i] = (struct gicv2_cpu_config){test_irq_line(&irqs[i]), test_irq_line(&fiqs[i])};
    }
    struct gicv2_config config = {.dist_base = DIST,
                                  .cpu_base = GICC,
                                  .spis = SPIS,
                                  .cpus = CPUS,
                                  .cpu = cpus,
                                  .accessor = accessor_get};
    struct gicv2 *v2 = gicv2_create(&test->machine, &config, NULL);
    CHECK(v2 != NULL);
    log_level_set(LOG_QUIET);
    for (unsigned i = 0; i < limit; i++) {
        accessor = (unsigned)test_random_below(CPUS + 1);
        register_poke(DIST, 0x1000);
        register_poke(GICC, test_random_below(2) ? 0x30 : 0x2000);
        struct irq_line line = test_random_below(2) ? gicv2_spi_line(v2, (unsigned)test_random_below(SPIS))
                                                    : gicv2_ppi_line(v2, (unsigned)test_random_below(CPUS),
                                                                     (unsigned)test_random_below(16));
        irq_line_set(&line, test_random_below(2));
        accessor = (unsigned)test_random_below(CPUS);
        if (irqs[accessor].level || fiqs[accessor].level) {
            uint64_t before = test_load(test, GICC + 0x14, 4);
            uint64_t intid = test_load(test, GICC + 0x0c, 4);
            if (intid == 1022)
                intid = test_load(test, GICC + 0x20, 4);
            CHECK(intid < 1020 || intid >> 10);
            CHECK(test_load(test, GICC + 0x14, 4) < before);
        }
        if (i % 4096 == 0)
            test_save_load(test);
    }
    log_level_set(level);
    test_machine_destroy(test);
}

static const struct test_case cases[] = {
    {"gicv3_random", gicv3_random},
    {"its_random", its_random},
    {"gicv2_random", gicv2_random},
};

TEST_SUITE(gic_fuzz_test, "fuzz", cases);
