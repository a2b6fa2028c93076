/* Expected values are those of the GICv2 architecture (IHI0048B); section numbers in the comments. */
#include "devices/irq/gicv2.h"
#include "devices/irq/gicv2m.h"
#include "tests/devices/machine_support.h"

#define DIST ((uint64_t)0x08000000)
#define GICC ((uint64_t)0x08010000)
#define V2M  ((uint64_t)0x08020000)
#define CPUS 3
#define SPIS 64

#define GICD_CTLR     (DIST + 0x000)
#define GICD_TYPER    (DIST + 0x004)
#define IGROUPR(n)    (DIST + 0x080 + (n) / 32 * 4)
#define ISENABLER(n)  (DIST + 0x100 + (n) / 32 * 4)
#define ICENABLER(n)  (DIST + 0x180 + (n) / 32 * 4)
#define ISPENDR(n)    (DIST + 0x200 + (n) / 32 * 4)
#define ICPENDR(n)    (DIST + 0x280 + (n) / 32 * 4)
#define ISACTIVER(n)  (DIST + 0x300 + (n) / 32 * 4)
#define IPRIORITYR(n) (DIST + 0x400 + (n))
#define ITARGETSR(n)  (DIST + 0x800 + (n))
#define ICFGR(n)      (DIST + 0xc00 + (n) / 16 * 4)
#define SGIR          (DIST + 0xf00)
#define CPENDSGIR(n)  (DIST + 0xf10 + (n))
#define SPENDSGIR(n)  (DIST + 0xf20 + (n))
#define BIT(n)        (1u << (n) % 32)

#define CTLR   (GICC + 0x00)
#define PMR    (GICC + 0x04)
#define BPR    (GICC + 0x08)
#define IAR    (GICC + 0x0c)
#define EOIR   (GICC + 0x10)
#define RPR    (GICC + 0x14)
#define HPPIR  (GICC + 0x18)
#define ABPR   (GICC + 0x1c)
#define AIAR   (GICC + 0x20)
#define AEOIR  (GICC + 0x24)
#define AHPPIR (GICC + 0x28)
#define APR0   (GICC + 0xd0)
#define DIR    (GICC + 0x1000)

#define ACKCTL  0x004
#define FIQEN   0x008
#define CBPR    0x010
#define EOIMODE 0x200

static struct test_machine *test;
static struct gicv2 *gic;
static struct test_irq irqs[CPUS], fiqs[CPUS];
static unsigned accessor; /* the CPU that the test is */

static unsigned accessor_get(void *opaque)
{
    (void)opaque;
    return accessor;
}

static void start_cpus(unsigned count)
{
    struct gicv2_cpu_config cpus[CPUS];
    test = test_machine_create(MIB);
    accessor = 0;
    for (unsigned i = 0; i < CPUS; i++) {
        irqs[i] = fiqs[i] = (struct test_irq){0};
        cpus[i] = (struct gicv2_cpu_config){test_irq_line(&irqs[i]), test_irq_line(&fiqs[i])};
    }
    struct gicv2_config config = {.dist_base = DIST,
                                  .cpu_base = GICC,
                                  .spis = SPIS,
                                  .cpus = count,
                                  .cpu = cpus,
                                  .accessor = accessor_get};
    gic = gicv2_create(&test->machine, &config, NULL);
    CHECK(gic != NULL);
}

static void start(void)
{
    start_cpus(CPUS);
}

static void finish(void)
{
    test_machine_destroy(test);
}

static uint32_t load(uint64_t address)
{
    return (uint32_t)test_load(test, address, 4);
}

static void store(uint64_t address, uint32_t value)
{
    test_store(test, address, 4, value);
}

static void spi(unsigned intid, bool level)
{
    struct irq_line line = gicv2_spi_line(gic, intid - 32);
    irq_line_set(&line, level);
}

static void ppi(unsigned cpu, unsigned intid, bool level)
{
    struct irq_line line = gicv2_ppi_line(gic, cpu, intid - 16);
    irq_line_set(&line, level);
}

static void start_open(void)
{
    start();
    store(GICD_CTLR, 3);
    for (accessor = CPUS; accessor-- > 0;) {
        store(PMR, 0xff);
        store(CTLR, 3);
    }
    accessor = 0;
}

static void spi_setup(unsigned n, unsigned group, uint8_t priority, uint8_t targets)
{
    uint32_t groups = load(IGROUPR(n));
    store(IGROUPR(n), group ? groups | BIT(n) : groups & ~BIT(n));
    test_store(test, IPRIORITYR(n), 1, priority);
    test_store(test, ITARGETSR(n), 1, targets);
    store(ISENABLER(n), BIT(n));
}

static void identification(void)
{
    start();
    CHECK_EQ(load(GICD_TYPER), SPIS / 32 | (CPUS - 1) << 5);
    CHECK_EQ(load(DIST + 0xfe8) & 0xf0, 0x20); /* ICPIDR2: GICv2 */
    CHECK_EQ(load(DIST + 0xff0), 0x0d);
    CHECK_EQ(load(GICC + 0xfc) >> 16 & 0xf, 2); /* GICC_IIDR: GICv2 */
    CHECK_EQ(load(GICC + 0xfc) & 0xfff, 0x43b); /* Arm */
    /* 4.3.12: a CPU reads its own bit in the targets of private interrupts. */
    for (accessor = 0; accessor < CPUS; accessor++)
        CHECK_EQ(load(ITARGETSR(0)), 0x01010101u << accessor);
    finish();
}

/* 4.3.12: a single CPU needs no targets. */
static void uniprocessor(void)
{
    start_cpus(1);
    CHECK_EQ(load(ITARGETSR(0)), 0);
    store(ITARGETSR(32), ~0u);
    store(GICD_CTLR, 1);
    store(PMR, 0xff);
    store(CTLR, 1);
    store(ISENABLER(40), BIT(40));
    spi(40, true);
    CHECK(irqs[0].level);
    CHECK_EQ(load(IAR), 40);
    finish();
}

static void life(void)
{
    start_open();
    spi_setup(34, 0, 0xa0, 1);
    spi(34, true);
    CHECK(irqs[0].level && !irqs[1].level && !fiqs[0].level);
    CHECK_EQ(load(HPPIR), 34);
    CHECK_EQ(load(IAR), 34);
    CHECK(!irqs[0].level);
    CHECK_EQ(load(RPR), 0xa0);
    CHECK_EQ(load(APR0), 1u << (0xa0 >> 3));
    CHECK_EQ(load(ISACTIVER(34)), BIT(34));
    CHECK_EQ(load(IAR), 1023);
    spi(34, false);
    store(EOIR, 34);
    CHECK_EQ(load(RPR), 0xff);
    CHECK_EQ(load(ISACTIVER(34)), 0);
    CHECK_EQ(load(HPPIR), 1023);
    store(EOIR, 34);
    CHECK_EQ(load(RPR), 0xff);
    finish();
}

/* 3.2.3: the first CPU that asks gets an interrupt for several. */
static void several_targets(void)
{
    start_open();
    spi_setup(40, 0, 0x80, 6);
    CHECK_EQ(load(ITARGETSR(40)), 6);
    test_store(test, ITARGETSR(41), 1, 0xff);
    CHECK_EQ(load(ITARGETSR(40)), 0x706); /* as many CPUs as there are */
    spi(40, true);
    CHECK(!irqs[0].level && irqs[1].level && irqs[2].level);
    accessor = 2;
    CHECK_EQ(load(IAR), 40);
    accessor = 1;
    CHECK(!irqs[1].level);
    CHECK_EQ(load(IAR), 1023);
    finish();
}

/* 4.3.15 to 4.3.17: an SGI from each CPU is one of its own. */
static void sgis(void)
{
    start_open();
    CHECK_EQ(load(ISENABLER(0)), 0xffff); /* always enabled */
    store(ICENABLER(0), 0xffff);
    CHECK_EQ(load(ISENABLER(0)), 0xffff);
    store(SGIR, 1u << 24 | 5); /* to the others */
    CHECK(!irqs[0].level && irqs[1].level && irqs[2].level);
    accessor = 2;
    store(SGIR, 2u << 16 | 5); /* to CPU 1 */
    store(SGIR, 2u << 24 | 6); /* to itself */
    accessor = 1;
    CHECK_EQ(test_load(test, SPENDSGIR(5), 1), 5);
    CHECK_EQ(load(ISPENDR(0)), 1 << 5);
    CHECK_EQ(load(HPPIR), 5);
    CHECK_EQ(load(IAR), 5); /* from CPU 0 */
    CHECK_EQ(load(ISPENDR(0)), 1 << 5);
    CHECK(!irqs[1].level); /* active */
    store(EOIR, 5);
    CHECK(irqs[1].level);
    CHECK_EQ(load(IAR), 2 << 10 | 5);
    CHECK_EQ(load(ISPENDR(0)), 0);
    store(EOIR, 2 << 10 | 5);
    CHECK(!irqs[1].level);
    accessor = 2;
    CHECK_EQ(load(IAR), 5);
    store(EOIR, 5);
    CHECK_EQ(load(IAR), 2 << 10 | 6);
    store(EOIR, 2 << 10 | 6);
    /* By the pending registers. */
    test_store(test, SPENDSGIR(9), 1, 2);
    CHECK_EQ(load(SPENDSGIR(8)), 2 << 8);
    CHECK(irqs[2].level);
    store(ICPENDR(0), 1 << 9); /* not these */
    CHECK(irqs[2].level);
    test_store(test, CPENDSGIR(9), 1, 2);
    CHECK(!irqs[2].level);
    finish();
}

static void ppis(void)
{
    start_open();
    accessor = 1;
    store(ISENABLER(0), BIT(27));
    test_store(test, IPRIORITYR(27), 1, 0x40);
    ppi(1, 27, true);
    ppi(2, 27, true);
    CHECK(irqs[1].level && !irqs[2].level);
    CHECK_EQ(load(ISPENDR(0)), BIT(27));
    CHECK_EQ(load(IAR), 27);
    ppi(1, 27, false);
    store(EOIR, 27);
    accessor = 0;
    CHECK_EQ(load(ISPENDR(0)), 0);
    CHECK_EQ(load(IPRIORITYR(24)), 0);
    accessor = 1;
    CHECK_EQ(load(IPRIORITYR(24)), 0x40000000);
    finish();
}

/* 3.3: 5 bits, the mask, and what preempts. */
static void priorities(void)
{
    start_open();
    store(IPRIORITYR(40), 0xffff8f07);
    CHECK_EQ(load(IPRIORITYR(40)), 0xf8f88800);
    store(PMR, 0x87);
    CHECK_EQ(load(PMR), 0x80);
    spi_setup(40, 0, 0x80, 1);
    spi_setup(41, 0, 0x78, 1);
    spi_setup(42, 0, 0x70, 1);
    spi_setup(43, 0, 0x60, 1);
    spi(40, true);
    CHECK(!irqs[0].level);
    store(BPR, 0);
    CHECK_EQ(load(BPR), 2);
    store(BPR, 3); /* group priority: bits 7:4 */
    spi(41, true);
    CHECK_EQ(load(IAR), 41);
    CHECK_EQ(load(RPR), 0x70);
    spi(42, true);
    CHECK(!irqs[0].level);
    spi(43, true);
    CHECK(irqs[0].level);
    CHECK_EQ(load(IAR), 43);
    CHECK_EQ(load(RPR), 0x60);
    spi(43, false);
    store(EOIR, 43);
    CHECK_EQ(load(RPR), 0x70);
    spi(41, false);
    store(EOIR, 41);
    CHECK_EQ(load(IAR), 42);
    finish();
}

/* 4.4: Group 1 is acknowledged by its own registers, or by all with AckCtl. */
static void groups(void)
{
    start_open();
    spi_setup(50, 1, 0x80, 1);
    spi_setup(51, 0, 0x40, 1);
    store(CTLR, 3 | FIQEN);
    spi(50, true);
    CHECK(irqs[0].level && !fiqs[0].level);
    CHECK_EQ(load(IAR), 1022);
    CHECK_EQ(load(HPPIR), 1022);
    CHECK_EQ(load(AHPPIR), 50);
    spi(51, true);
    CHECK(!irqs[0].level && fiqs[0].level);
    CHECK_EQ(load(AIAR), 1023);
    CHECK_EQ(load(IAR), 51);
    spi(51, false);
    store(EOIR, 51);
    CHECK_EQ(load(AIAR), 50);
    CHECK_EQ(load(RPR), 0x80);
    spi(50, false);
    store(AEOIR, 50);
    CHECK_EQ(load(RPR), 0xff);
    store(CTLR, 3 | ACKCTL);
    spi(50, true);
    CHECK_EQ(load(HPPIR), 50);
    CHECK_EQ(load(IAR), 50);
    store(EOIR, 50);
    /* Each group has its enable in the distributor and in the interface. */
    CHECK(irqs[0].level);
    store(GICD_CTLR, 1);
    CHECK(!irqs[0].level);
    store(GICD_CTLR, 2);
    CHECK(irqs[0].level);
    store(CTLR, 1);
    CHECK(!irqs[0].level);
    CHECK_EQ(load(HPPIR), 1023);
    /* 3.3.3: the binary point of Group 1. */
    store(ABPR, 0);
    CHECK_EQ(load(ABPR), 3);
    finish();
}

static void split_end(void)
{
    start_open();
    store(CTLR, 3 | EOIMODE);
    spi_setup(60, 0, 0x80, 1);
    spi(60, true);
    CHECK_EQ(load(IAR), 60);
    store(EOIR, 60);
    CHECK_EQ(load(RPR), 0xff);
    CHECK_EQ(load(ISACTIVER(60)), BIT(60));
    CHECK(!irqs[0].level);
    store(DIR, 60);
    CHECK_EQ(load(ISACTIVER(60)), 0);
    CHECK(irqs[0].level);
    finish();
}

static void save_and_load(void)
{
    start_open();
    spi_setup(70, 0, 0x20, 4);
    spi(70, true);
    store(SGIR, 4u << 16 | 3);
    accessor = 2;
    CHECK_EQ(load(IAR), 3);
    test_save_load(test);
    CHECK_EQ(load(RPR), 0);
    store(EOIR, 3);
    CHECK(irqs[2].level);
    CHECK_EQ(load(IAR), 70);
    test_reset(test);
    CHECK_EQ(load(RPR), 0xff);
    CHECK_EQ(load(PMR), 0);
    CHECK_EQ(load(CTLR), 0);
    finish();
}

/* The frame for messages: edges of interrupts 64 to 79. */
static void messages(void)
{
    start_open();
    struct irq_line lines[16];
    for (unsigned i = 0; i < ARRAY_LEN(lines); i++)
        lines[i] = gicv2_spi_line(gic, 32 + i);
    struct gicv2m *frame = gicv2m_create(
        &test->machine,
        &(struct gicv2m_config){.base = V2M, .first_intid = 64, .count = ARRAY_LEN(lines), .lines = lines},
        NULL);
    if (!CHECK(frame != NULL))
        return;
    CHECK_EQ(load(V2M + 8), 64 << 16 | 16);
    for (unsigned n = 64; n < 80; n++)
        spi_setup(n, 0, 0x80, 1);
    store(ICFGR(64), 0xaaaaaaaa);
    struct msi_target target = gicv2m_target(frame);
    CHECK(target.deliver(target.opaque, (struct msi_message){V2M + 0x40, 70, 0}));
    CHECK_EQ(load(ISPENDR(64)), BIT(70));
    CHECK_EQ(load(IAR), 70);
    store(EOIR, 70);
    CHECK(!irqs[0].level);
    store(V2M + 0x40, 79);
    CHECK_EQ(load(IAR), 79);
    store(EOIR, 79);
    CHECK(target.deliver(target.opaque, (struct msi_message){V2M + 0x40, 80, 0}));
    CHECK(target.deliver(target.opaque, (struct msi_message){V2M + 0x40, 63, 0}));
    CHECK(!target.deliver(target.opaque, (struct msi_message){V2M + 0x44, 70, 0}));
    CHECK(!irqs[0].level);
    finish();
}

static const struct test_case cases[] = {
    {"identification", identification},
    {"uniprocessor", uniprocessor},
    {"life", life},
    {"several_targets", several_targets},
    {"sgis", sgis},
    {"ppis", ppis},
    {"priorities", priorities},
    {"groups", groups},
    {"split_end", split_end},
    {"save_and_load", save_and_load},
    {"messages", messages},
};

TEST_SUITE(gicv2_test, "unit", cases);
