/* Expected values are those of the GICv3 architecture (IHI0069); section numbers in the comments. */
#include "devices/irq/gicv3.h"
#include "tests/devices/machine_support.h"

#define DIST ((uint64_t)0x08000000)
#define GICR ((uint64_t)0x080a0000)
#define CPUS 4
#define SPIS 96

#define GICD_CTLR       DIST
#define GICD_TYPER      (DIST + 4)
#define IGROUPR(n)      (0x080 + (n) / 32 * 4)
#define ISENABLER(n)    (0x100 + (n) / 32 * 4)
#define ICENABLER(n)    (0x180 + (n) / 32 * 4)
#define ISPENDR(n)      (0x200 + (n) / 32 * 4)
#define ICPENDR(n)      (0x280 + (n) / 32 * 4)
#define ISACTIVER(n)    (0x300 + (n) / 32 * 4)
#define ICACTIVER(n)    (0x380 + (n) / 32 * 4)
#define IPRIORITYR(n)   (0x400 + (n))
#define ICFGR(n)        (0xc00 + (n) / 16 * 4)
#define IROUTER(n)      (DIST + 0x6000 + 8 * (n))
#define BIT(n)          (1u << (n) % 32)
#define REDIST(cpu)     (GICR + 0x20000 * (uint64_t)(cpu))
#define SGI(cpu)        (REDIST(cpu) + 0x10000)
#define GICR_WAKER(cpu) (REDIST(cpu) + 0x14)

#define SYSREG(crn, crm, op2) (3u << 14 | (crn) << 7 | (crm) << 3 | (op2))
#define PMR                   SYSREG(4, 6, 0)
#define IAR0                  SYSREG(12, 8, 0)
#define EOIR0                 SYSREG(12, 8, 1)
#define HPPIR0                SYSREG(12, 8, 2)
#define BPR0                  SYSREG(12, 8, 3)
#define AP0R0                 SYSREG(12, 8, 4)
#define AP1R0                 SYSREG(12, 9, 0)
#define DIR                   SYSREG(12, 11, 1)
#define RPR                   SYSREG(12, 11, 3)
#define SGI1R                 SYSREG(12, 11, 5)
#define SGI0R                 SYSREG(12, 11, 7)
#define IAR1                  SYSREG(12, 12, 0)
#define EOIR1                 SYSREG(12, 12, 1)
#define HPPIR1                SYSREG(12, 12, 2)
#define BPR1                  SYSREG(12, 12, 3)
#define CTLR                  SYSREG(12, 12, 4)
#define SRE                   SYSREG(12, 12, 5)
#define IGRPEN0               SYSREG(12, 12, 6)
#define IGRPEN1               SYSREG(12, 12, 7)

#define EOIMODE 2
#define CBPR    1

/* Two clusters of two. */
static const uint32_t affinities[CPUS] = {0x0, 0x1, 0x100, 0x101};

static struct test_machine *test;
static struct gicv3 *gic;
static struct test_irq irqs[CPUS], fiqs[CPUS];

static void start(void)
{
    struct gicv3_cpu_config cpus[CPUS];
    test = test_machine_create(MIB);
    for (unsigned i = 0; i < CPUS; i++) {
        irqs[i] = fiqs[i] = (struct test_irq){0};
        cpus[i] = (struct gicv3_cpu_config){affinities[i], test_irq_line(&irqs[i]), test_irq_line(&fiqs[i])};
    }
    struct gicv3_config config = {
        .dist_base = DIST, .regions = {{GICR, CPUS}}, .spis = SPIS, .cpus = CPUS, .cpu = cpus};
    gic = gicv3_create(&test->machine, &config, NULL);
    CHECK(gic != NULL);
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

static uint64_t get(unsigned cpu, uint32_t sysreg)
{
    uint64_t value = ~(uint64_t)0;
    host_mutex_lock(&test->machine.lock);
    CHECK(gicv3_icc_read(gicv3_cpu(gic, cpu), sysreg, &value));
    host_mutex_unlock(&test->machine.lock);
    return value;
}

static void set(unsigned cpu, uint32_t sysreg, uint64_t value)
{
    host_mutex_lock(&test->machine.lock);
    CHECK(gicv3_icc_write(gicv3_cpu(gic, cpu), sysreg, value));
    host_mutex_unlock(&test->machine.lock);
}

static void spi(unsigned intid, bool level)
{
    struct irq_line line = gicv3_spi_line(gic, intid - 32);
    irq_line_set(&line, level);
}

static void ppi(unsigned cpu, unsigned intid, bool level)
{
    struct irq_line line = gicv3_ppi_line(gic, cpu, intid - 16);
    irq_line_set(&line, level);
}

static void cpu_open(unsigned cpu)
{
    store(GICR_WAKER(cpu), 0);
    set(cpu, PMR, 0xff);
    set(cpu, IGRPEN0, 1);
    set(cpu, IGRPEN1, 1);
}

/* Everything open: as an operating system leaves it. */
static void start_open(void)
{
    start();
    store(GICD_CTLR, 3);
    for (unsigned i = 0; i < CPUS; i++)
        cpu_open(i);
}

/* A shared interrupt in a group, with a priority, enabled, for one CPU. */
static void spi_setup(unsigned n, unsigned group, uint8_t priority, uint64_t route)
{
    uint32_t groups = load(DIST + IGROUPR(n));
    store(DIST + IGROUPR(n), group ? groups | BIT(n) : groups & ~BIT(n));
    test_store(test, DIST + IPRIORITYR(n), 1, priority);
    test_store(test, IROUTER(n), 8, route);
    store(DIST + ISENABLER(n), BIT(n));
}

static void private_setup(unsigned cpu, unsigned n, unsigned group, uint8_t priority)
{
    uint32_t groups = load(SGI(cpu) + IGROUPR(0));
    store(SGI(cpu) + IGROUPR(0), group ? groups | BIT(n) : groups & ~BIT(n));
    test_store(test, SGI(cpu) + IPRIORITYR(n), 1, priority);
    store(SGI(cpu) + ISENABLER(0), BIT(n));
}

/* 12.9 and 12.10: what never changes. */
static void identification(void)
{
    start();
    CHECK_EQ(load(GICD_CTLR), 0x50);              /* DS and ARE */
    CHECK_EQ(load(GICD_TYPER) & 0x1f, SPIS / 32); /* ITLinesNumber */
    CHECK_EQ(load(GICD_TYPER) >> 10 & 1, 0);      /* no security extension */
    CHECK_EQ(load(GICD_TYPER) >> 17 & 1, 0);      /* no LPIs */
    CHECK_EQ(load(GICD_TYPER) >> 24 & 1, 1);      /* A3V */
    CHECK_EQ(load(DIST + 0xffe8) & 0xf0, 0x30);   /* PIDR2: GICv3 */
    CHECK_EQ(load(REDIST(1) + 0xffe8) & 0xf0, 0x30);
    CHECK_EQ(load(DIST + 0xfff0), 0x0d);
    CHECK_EQ(load(DIST + 0xfffc), 0xb1);
    for (unsigned i = 0; i < CPUS; i++) {
        uint64_t typer = test_load(test, REDIST(i) + 8, 8);
        CHECK_EQ(typer >> 32, affinities[i]);
        CHECK_EQ(typer >> 8 & 0xffff, i);
        CHECK_EQ(typer >> 4 & 1, i == CPUS - 1);
        CHECK_EQ(typer & 1, 0);
    }
    CHECK_EQ(get(0, SRE), 7);
    CHECK_EQ(get(0, CTLR) >> 8 & 7, 4);  /* PRIbits: 5 */
    CHECK_EQ(get(0, CTLR) >> 11 & 7, 0); /* IDbits: 16 */
    finish();
}

/* After a reset nothing gets through. */
static void reset_state(void)
{
    start_open();
    spi_setup(40, 1, 0x80, 0);
    spi(40, true);
    CHECK_EQ(get(0, IAR1), 40);
    test_reset(test);
    CHECK_EQ(load(GICD_CTLR), 0x50);
    CHECK_EQ(load(GICR_WAKER(0)), 6);
    CHECK_EQ(load(DIST + ISENABLER(40)), 0);
    CHECK_EQ(load(DIST + ISACTIVER(40)), 0);
    CHECK_EQ(load(DIST + IPRIORITYR(40)), 0);
    CHECK_EQ(test_load(test, IROUTER(40), 8), 0);
    CHECK_EQ(get(0, PMR), 0);
    CHECK_EQ(get(0, BPR0), 2);
    CHECK_EQ(get(0, BPR1), 3);
    CHECK_EQ(get(0, RPR), 0xff);
    CHECK_EQ(get(0, IGRPEN1), 0);
    CHECK_EQ(load(SGI(0) + ICFGR(0)), 0xaaaaaaaa); /* SGIs are edge-triggered */
    /* The line is still up: its device was not told to lower it. */
    CHECK_EQ(load(DIST + ISPENDR(40)), BIT(40));
    CHECK(!irqs[0].level);
    finish();
}

/* 4.1: the life of a level-sensitive interrupt. */
static void level_life(void)
{
    start_open();
    spi_setup(33, 1, 0xa0, 1);
    spi(33, true);
    CHECK(irqs[1].level && !irqs[0].level && !fiqs[1].level);
    CHECK_EQ(load(DIST + ISPENDR(33)), BIT(33));
    CHECK_EQ(get(1, HPPIR1), 33);
    CHECK_EQ(get(1, HPPIR0), 1023);
    CHECK_EQ(get(1, IAR0), 1023); /* not of this group */
    CHECK_EQ(get(1, IAR1), 33);
    CHECK(!irqs[1].level);
    CHECK_EQ(load(DIST + ISACTIVER(33)), BIT(33));
    CHECK_EQ(load(DIST + ISPENDR(33)), BIT(33)); /* active and pending while the line is up */
    CHECK_EQ(get(1, RPR), 0xa0);
    CHECK_EQ(get(1, AP1R0), 1u << (0xa0 >> 3));
    CHECK_EQ(get(1, IAR1), 1023);
    spi(33, false);
    CHECK_EQ(load(DIST + ISPENDR(33)), 0);
    set(1, EOIR1, 33);
    CHECK_EQ(get(1, RPR), 0xff);
    CHECK_EQ(load(DIST + ISACTIVER(33)), 0);
    CHECK(!irqs[1].level);
    /* A line that stays up interrupts again. */
    spi(33, true);
    CHECK_EQ(get(1, IAR1), 33);
    set(1, EOIR1, 33);
    CHECK(irqs[1].level);
    finish();
}

static void edge_life(void)
{
    start_open();
    spi_setup(50, 1, 0x40, 0);
    store(DIST + ICFGR(50), 2u << 50 % 16 * 2);
    CHECK_EQ(load(DIST + ICFGR(50)), 2u << 50 % 16 * 2);
    spi(50, true);
    spi(50, false);
    CHECK(irqs[0].level);
    CHECK_EQ(get(0, IAR1), 50);
    CHECK_EQ(load(DIST + ISPENDR(50)), 0);
    /* An edge while it is active waits for the deactivation. */
    spi(50, true);
    CHECK_EQ(load(DIST + ISPENDR(50)), BIT(50));
    CHECK(!irqs[0].level);
    set(0, EOIR1, 50);
    CHECK(irqs[0].level);
    CHECK_EQ(get(0, IAR1), 50);
    set(0, EOIR1, 50);
    /* The line is still up, and that is no new edge. */
    CHECK(!irqs[0].level);
    finish();
}

/* Software's own pending and active bits. */
static void pending_by_software(void)
{
    start_open();
    spi_setup(64, 1, 0x80, 0x100);
    store(DIST + ISPENDR(64), BIT(64));
    CHECK(irqs[2].level);
    store(DIST + ICPENDR(64), BIT(64));
    CHECK(!irqs[2].level);
    store(DIST + ISPENDR(64), BIT(64));
    CHECK_EQ(get(2, IAR1), 64);
    CHECK_EQ(load(DIST + ISPENDR(64)), 0);
    store(DIST + ISPENDR(64), BIT(64));
    CHECK(!irqs[2].level);
    store(DIST + ICACTIVER(64), BIT(64));
    set(2, EOIR1, 64);
    CHECK(irqs[2].level);
    store(DIST + ISACTIVER(64), BIT(64));
    CHECK(!irqs[2].level);
    finish();
}

/* Enables: of the distributor, of the interrupt, of the CPU interface. */
static void enables(void)
{
    start();
    spi_setup(32, 1, 0x80, 0);
    spi(32, true);
    store(GICD_CTLR, 2);
    CHECK_EQ(load(GICD_CTLR), 0x52);
    CHECK(!irqs[0].level);
    set(0, PMR, 0xf0);
    set(0, IGRPEN1, 1);
    CHECK(!irqs[0].level); /* asleep */
    store(GICR_WAKER(0), 0);
    CHECK_EQ(load(GICR_WAKER(0)), 0);
    CHECK(irqs[0].level);
    set(0, IGRPEN1, 0);
    CHECK(!irqs[0].level);
    CHECK_EQ(get(0, IAR1), 1023);
    CHECK_EQ(get(0, HPPIR1), 1023);
    set(0, IGRPEN1, 1);
    CHECK_EQ(get(0, HPPIR1), 32);
    CHECK(irqs[0].level);
    store(DIST + ICENABLER(32), BIT(32));
    CHECK(!irqs[0].level);
    CHECK_EQ(load(DIST + ICENABLER(32)), 0);
    store(DIST + ISENABLER(32), BIT(32));
    store(GICD_CTLR, 1);
    CHECK(!irqs[0].level);
    store(GICD_CTLR, 2);
    store(GICR_WAKER(0), 2);
    CHECK_EQ(load(GICR_WAKER(0)), 6);
    CHECK(!irqs[0].level);
    finish();
}

/* 4.8: 5 bits of priority; the mask; the highest first; equal ones don't preempt. */
static void priorities(void)
{
    start_open();
    test_store(test, DIST + IPRIORITYR(36), 4, 0xffff8f07);
    CHECK_EQ(load(DIST + IPRIORITYR(36)), 0xf8f88800);
    set(0, PMR, 0x87);
    CHECK_EQ(get(0, PMR), 0x80);
    spi_setup(40, 1, 0x80, 0);
    spi_setup(41, 1, 0x78, 0);
    spi_setup(42, 1, 0x78, 0);
    spi_setup(43, 1, 0x70, 0);
    spi(40, true);
    CHECK(!irqs[0].level); /* not higher than the mask */
    CHECK_EQ(get(0, HPPIR1), 40);
    spi(42, true);
    spi(41, true);
    CHECK_EQ(get(0, IAR1), 41);
    CHECK(!irqs[0].level); /* 42 has the same priority */
    CHECK_EQ(get(0, IAR1), 1023);
    spi(43, true);
    CHECK(irqs[0].level);
    CHECK_EQ(get(0, IAR1), 43);
    CHECK_EQ(get(0, RPR), 0x70);
    spi(43, false);
    set(0, EOIR1, 43);
    CHECK_EQ(get(0, RPR), 0x78);
    spi(41, false);
    set(0, EOIR1, 41);
    CHECK_EQ(get(0, IAR1), 42);
    finish();
}

/* 4.8.2: the binary point decides what preempts. */
static void binary_point(void)
{
    start_open();
    spi_setup(40, 1, 0x98, 0);
    spi_setup(41, 1, 0x90, 0);
    spi_setup(42, 1, 0x88, 0);
    /* Group 1, binary point 4: the group priority is bits 7:4. */
    set(0, BPR1, 4);
    spi(40, true);
    CHECK_EQ(get(0, IAR1), 40);
    CHECK_EQ(get(0, RPR), 0x90);
    spi(41, true);
    CHECK(!irqs[0].level);
    spi(42, true);
    CHECK(irqs[0].level);
    CHECK_EQ(get(0, IAR1), 42);
    CHECK_EQ(get(0, RPR), 0x80);
    CHECK_EQ(get(0, AP1R0), 1u << 16 | 1u << 18);
    /* Minimum values, and the one Group 1 shares. */
    set(0, BPR0, 0);
    CHECK_EQ(get(0, BPR0), 2);
    set(0, BPR1, 0);
    CHECK_EQ(get(0, BPR1), 3);
    set(0, BPR0, 5);
    set(0, CTLR, CBPR);
    CHECK_EQ(get(0, BPR1), 6);
    set(0, BPR1, 3);
    CHECK_EQ(get(0, BPR1), 6);
    set(0, CTLR, 0);
    CHECK_EQ(get(0, BPR1), 3);
    finish();
}

/* 4.6: Group 0 is FIQ, with registers of its own. */
static void groups(void)
{
    start_open();
    spi_setup(40, 0, 0x80, 0);
    spi_setup(41, 1, 0x70, 0);
    spi(40, true);
    CHECK(fiqs[0].level && !irqs[0].level);
    CHECK_EQ(get(0, IAR1), 1023);
    CHECK_EQ(get(0, HPPIR0), 40);
    CHECK_EQ(get(0, IAR0), 40);
    CHECK_EQ(get(0, AP0R0), 1u << 16);
    CHECK_EQ(get(0, AP1R0), 0);
    spi(41, true);
    CHECK(irqs[0].level && !fiqs[0].level);
    CHECK_EQ(get(0, IAR1), 41);
    CHECK_EQ(get(0, RPR), 0x70);
    /* The end of the other group's interrupt is not the end of this one. */
    set(0, EOIR0, 40);
    CHECK_EQ(get(0, RPR), 0x70);
    spi(40, false);
    spi(41, false);
    set(0, EOIR1, 41);
    CHECK_EQ(get(0, RPR), 0x80);
    set(0, EOIR0, 40);
    CHECK_EQ(get(0, RPR), 0xff);
    finish();
}

/* 4.1.1: with EOImode the end of interrupt and the deactivation are two steps. */
static void split_end(void)
{
    start_open();
    set(0, CTLR, EOIMODE);
    CHECK_EQ(get(0, CTLR) & 3, EOIMODE);
    spi_setup(60, 1, 0x80, 0);
    spi_setup(61, 1, 0x80, 0);
    spi(60, true);
    CHECK_EQ(get(0, IAR1), 60);
    set(0, EOIR1, 60);
    CHECK_EQ(get(0, RPR), 0xff);
    CHECK_EQ(load(DIST + ISACTIVER(60)), BIT(60));
    CHECK(!irqs[0].level); /* the line is up, and it is still active */
    spi(61, true);
    CHECK_EQ(get(0, IAR1), 61);
    set(0, EOIR1, 61);
    set(0, DIR, 60);
    CHECK_EQ(load(DIST + ISACTIVER(60)), BIT(61));
    CHECK(irqs[0].level);
    CHECK_EQ(get(0, IAR1), 60);
    finish();
}

/* 4.7.2 and 12.2.19. */
static void sgis(void)
{
    start_open();
    for (unsigned i = 0; i < CPUS; i++) {
        private_setup(i, 3, 1, 0x60);
        private_setup(i, 4, 0, 0x60);
    }
    /* SGI 3 to both of the second cluster. */
    set(0, SGI1R, (uint64_t)3 << 24 | 1 << 16 | 0x3);
    CHECK(!irqs[0].level && !irqs[1].level && irqs[2].level && irqs[3].level);
    CHECK_EQ(load(SGI(2) + ISPENDR(0)), 8);
    CHECK_EQ(get(2, IAR1), 3);
    set(2, EOIR1, 3);
    CHECK_EQ(get(3, IAR1), 3);
    set(3, EOIR1, 3);
    CHECK(!irqs[2].level && !irqs[3].level);
    /* To all but the sender. */
    set(1, SGI1R, (uint64_t)3 << 24 | (uint64_t)1 << 40);
    CHECK(irqs[0].level && !irqs[1].level && irqs[2].level && irqs[3].level);
    /* A Group 1 request does not raise a Group 0 interrupt, and the reverse. */
    set(0, SGI1R, (uint64_t)4 << 24 | 0x2);
    CHECK(!fiqs[1].level && !irqs[1].level);
    set(0, SGI0R, (uint64_t)3 << 24 | 0x2);
    CHECK(!fiqs[1].level && !irqs[1].level);
    set(0, SGI0R, (uint64_t)4 << 24 | 0x2);
    CHECK(fiqs[1].level);
    /* Nobody there; a range that has none. */
    set(0, SGI1R, (uint64_t)3 << 24 | (uint64_t)5 << 32 | 0x3);
    set(0, SGI1R, (uint64_t)3 << 24 | (uint64_t)1 << 44 | 0x2);
    CHECK(!irqs[1].level);
    finish();
}

static void ppis(void)
{
    start_open();
    private_setup(1, 27, 1, 0x80);
    private_setup(2, 27, 1, 0x80);
    ppi(1, 27, true);
    CHECK(irqs[1].level && !irqs[2].level);
    CHECK_EQ(load(SGI(1) + ISPENDR(0)), BIT(27));
    CHECK_EQ(load(SGI(2) + ISPENDR(0)), 0);
    CHECK_EQ(get(1, IAR1), 27);
    CHECK_EQ(load(SGI(1) + ISACTIVER(0)), BIT(27));
    ppi(1, 27, false);
    set(1, EOIR1, 27);
    CHECK(!irqs[1].level);
    /* With affinity routing the distributor has no private interrupts. */
    CHECK_EQ(load(DIST + ISENABLER(0)), 0);
    store(DIST + ISENABLER(0), ~0u);
    CHECK_EQ(load(SGI(0) + ISENABLER(0)), 0);
    finish();
}

/* 12.9.22: routes. */
static void routing(void)
{
    start_open();
    spi_setup(45, 1, 0x80, 0x101);
    CHECK_EQ(test_load(test, IROUTER(45), 8), 0x101);
    spi(45, true);
    CHECK(irqs[3].level);
    test_store(test, IROUTER(45), 8, 0x1);
    CHECK(!irqs[3].level && irqs[1].level);
    test_store(test, IROUTER(45), 8, 0x7);
    CHECK(!irqs[1].level);
    test_store(test, IROUTER(45) + 4, 4, 9);
    test_store(test, IROUTER(45), 4, 1);
    CHECK_EQ(test_load(test, IROUTER(45), 8), 0x900000001);
    CHECK(!irqs[1].level);
    test_store(test, IROUTER(45) + 4, 4, 0);
    CHECK(irqs[1].level);
    test_store(test, IROUTER(45), 8, ~(uint64_t)0);
    CHECK_EQ(test_load(test, IROUTER(45), 8), 0xff80ffffff);
    /* The first routes belong to interrupts that have none. */
    test_store(test, IROUTER(5), 8, 1);
    CHECK_EQ(test_load(test, IROUTER(5), 8), 0);
    finish();
}

/* 3.3.2: one of those that take part gets it, and another one when that is busy. */
static void one_of_n(void)
{
    start_open();
    spi_setup(45, 1, 0x80, (uint64_t)1 << 31);
    spi_setup(46, 1, 0x80, 0);
    spi(45, true);
    unsigned signalled = 0;
    for (unsigned i = 0; i < CPUS; i++)
        signalled += irqs[i].level;
    CHECK_EQ(signalled, 1);
    spi(45, false);
    spi(46, true);
    CHECK_EQ(get(0, IAR1), 46);
    spi(45, true);
    CHECK(!irqs[0].level && irqs[1].level);
    /* The one that was chosen masks it: it goes on to the next. */
    set(1, PMR, 0);
    CHECK(!irqs[1].level && irqs[2].level);
    store(GICR_WAKER(2), 2);
    CHECK(!irqs[2].level && irqs[3].level);
    CHECK_EQ(get(3, IAR1), 45);
    CHECK_EQ(get(2, IAR1), 1023);
    finish();
}

/* 4.1.4: the numbers that say something special end nothing. */
static void special_numbers(void)
{
    start_open();
    CHECK_EQ(get(0, IAR1), 1023);
    spi_setup(40, 1, 0x80, 0);
    spi(40, true);
    CHECK_EQ(get(0, IAR1), 40);
    set(0, EOIR1, 1023);
    CHECK_EQ(get(0, RPR), 0x80);
    set(0, EOIR1, 40);
    CHECK_EQ(get(0, RPR), 0xff);
    set(0, EOIR1, 40);
    CHECK_EQ(get(0, RPR), 0xff);
    finish();
}

static void absent_registers(void)
{
    static const uint32_t absent[] = {SYSREG(12, 8, 5), SYSREG(12, 9, 1), SYSREG(12, 11, 0),
                                      SYSREG(12, 13, 0)};
    uint64_t value;
    start();
    for (size_t i = 0; i < ARRAY_LEN(absent); i++) {
        CHECK(!gicv3_icc_read(gicv3_cpu(gic, 0), absent[i], &value));
        CHECK(!gicv3_icc_write(gicv3_cpu(gic, 0), absent[i], 0));
    }
    CHECK(!gicv3_icc_read(gicv3_cpu(gic, 0), EOIR1, &value));
    CHECK(!gicv3_icc_read(gicv3_cpu(gic, 0), SGI1R, &value));
    CHECK(!gicv3_icc_write(gicv3_cpu(gic, 0), IAR1, 0));
    CHECK(!gicv3_icc_write(gicv3_cpu(gic, 0), RPR, 0));
    /* Interrupts beyond the last are not there. */
    store(DIST + ISENABLER(32 + SPIS), ~0u);
    CHECK_EQ(load(DIST + ISENABLER(32 + SPIS)), 0);
    CHECK_EQ(test_load(test, IROUTER(32 + SPIS), 8), 0);
    finish();
}

static void save_and_load(void)
{
    start_open();
    private_setup(2, 27, 1, 0x48);
    spi_setup(70, 0, 0x20, 0x100);
    spi(70, true);
    ppi(2, 27, true);
    CHECK_EQ(get(2, IAR0), 70);
    test_save_load(test);
    CHECK_EQ(get(2, RPR), 0x20);
    CHECK_EQ(load(DIST + ISACTIVER(70)), BIT(70));
    CHECK_EQ(test_load(test, IROUTER(70), 8), 0x100);
    spi(70, false);
    set(2, EOIR0, 70);
    CHECK(irqs[2].level);
    CHECK_EQ(get(2, IAR1), 27);
    finish();
}

/* Where nothing below the guest wakes them, redistributors are awake from the start. */
static void awake(void)
{
    struct gicv3_cpu_config cpu = {.irq = test_irq_line(&irqs[0])};
    irqs[0] = (struct test_irq){0};
    test = test_machine_create(MIB);
    struct gicv3_config config = {
        .dist_base = DIST, .regions = {{GICR, 1}}, .spis = 32, .awake = true, .cpus = 1, .cpu = &cpu};
    gic = gicv3_create(&test->machine, &config, NULL);
    CHECK(gic != NULL);
    CHECK_EQ(load(GICR_WAKER(0)), 0);
    store(GICD_CTLR, 2);
    set(0, PMR, 0xff);
    set(0, IGRPEN1, 1);
    private_setup(0, 27, 1, 0x80);
    ppi(0, 27, true);
    CHECK(irqs[0].level);
    finish();
}

/* Boards with more CPUs than one region holds have a second one. */
static void two_regions(void)
{
    struct gicv3_cpu_config cpus[3] = {{.affinity = 0}, {.affinity = 1}, {.affinity = 2}};
    test = test_machine_create(MIB);
    struct gicv3_config config = {
        .dist_base = DIST, .regions = {{GICR, 2}, {0x4000000000, 1}}, .spis = 32, .cpus = 3, .cpu = cpus};
    gic = gicv3_create(&test->machine, &config, NULL);
    CHECK(gic != NULL);
    CHECK_EQ(test_load(test, REDIST(0) + 8, 8) & 0x10, 0);
    CHECK_EQ(test_load(test, REDIST(1) + 8, 8) & 0x10, 0x10);
    CHECK_EQ(test_load(test, 0x4000000008, 8), (uint64_t)2 << 32 | 2 << 8 | 0x10);
    finish();
}

static const struct test_case cases[] = {
    {"identification", identification},
    {"reset_state", reset_state},
    {"level_life", level_life},
    {"edge_life", edge_life},
    {"pending_by_software", pending_by_software},
    {"enables", enables},
    {"priorities", priorities},
    {"binary_point", binary_point},
    {"groups", groups},
    {"split_end", split_end},
    {"sgis", sgis},
    {"ppis", ppis},
    {"routing", routing},
    {"one_of_n", one_of_n},
    {"special_numbers", special_numbers},
    {"absent_registers", absent_registers},
    {"save_and_load", save_and_load},
    {"awake", awake},
    {"two_regions", two_regions},
};

TEST_SUITE(gicv3_test, "unit", cases);
