/* The ITS and LPIs; expected values are those of the GICv3 architecture (IHI0069), chapters 5 and 12. */
#include "devices/irq/gicv3_its.h"

#include <string.h>

#include "base/bits.h"
#include "tests/devices/machine_support.h"

#define DIST ((uint64_t)0x08000000)
#define ITS  ((uint64_t)0x08080000)
#define GICR ((uint64_t)0x080a0000)
#define CPUS 3

#define GITS_CTLR           ITS
#define GITS_TYPER          (ITS + 0x08)
#define GITS_CBASER         (ITS + 0x80)
#define GITS_CWRITER        (ITS + 0x88)
#define GITS_CREADR         (ITS + 0x90)
#define GITS_BASER(n)       (ITS + 0x100 + 8 * (n))
#define TRANSLATER          (ITS + 0x10040)
#define REDIST(cpu)         (GICR + 0x20000 * (uint64_t)(cpu))
#define GICR_CTLR(cpu)      REDIST(cpu)
#define GICR_PROPBASER(cpu) (REDIST(cpu) + 0x70)
#define GICR_PENDBASER(cpu) (REDIST(cpu) + 0x78)

/* Where the test keeps things in RAM. */
#define DEVICES      (TEST_RAM_BASE + 0x100000)
#define COLLECTIONS  (TEST_RAM_BASE + 0x110000)
#define QUEUE        (TEST_RAM_BASE + 0x120000)
#define CONFIG       (TEST_RAM_BASE + 0x130000)
#define PENDING(cpu) (TEST_RAM_BASE + 0x140000 + 0x10000 * (uint64_t)(cpu))
#define ITT          (TEST_RAM_BASE + 0x180000)
#define LEVEL2       (TEST_RAM_BASE + 0x190000)
#define VALID        ((uint64_t)1 << 63)

#define SYSREG(crn, crm, op2) (3u << 14 | (crn) << 7 | (crm) << 3 | (op2))
#define PMR                   SYSREG(4, 6, 0)
#define IAR1                  SYSREG(12, 12, 0)
#define EOIR1                 SYSREG(12, 12, 1)
#define RPR                   SYSREG(12, 11, 3)
#define IGRPEN1               SYSREG(12, 12, 7)

static struct test_machine *test;
static struct gicv3 *gic;
static struct gicv3_its *its;
static struct test_irq irqs[CPUS];
static uint64_t queue_at;

static uint64_t get(unsigned cpu, uint32_t sysreg)
{
    uint64_t value = ~(uint64_t)0;
    CHECK(gicv3_icc_read(gicv3_cpu(gic, cpu), sysreg, &value));
    return value;
}

static void set(unsigned cpu, uint32_t sysreg, uint64_t value)
{
    CHECK(gicv3_icc_write(gicv3_cpu(gic, cpu), sysreg, value));
}

static void create(void)
{
    struct gicv3_cpu_config cpus[CPUS] = {0};
    test = test_machine_create(4 * MIB);
    for (unsigned i = 0; i < CPUS; i++) {
        irqs[i] = (struct test_irq){0};
        cpus[i] = (struct gicv3_cpu_config){.affinity = i, .irq = test_irq_line(&irqs[i])};
    }
    struct gicv3_config config = {
        .dist_base = DIST, .regions = {{GICR, CPUS}}, .spis = 32, .lpis = true, .cpus = CPUS, .cpu = cpus};
    gic = gicv3_create(&test->machine, &config, NULL);
    CHECK(gic != NULL);
    its = gicv3_its_create(&test->machine, &(struct gicv3_its_config){.base = ITS, .gic = gic}, NULL);
    CHECK(its != NULL);
}

static void cpus_open(void)
{
    test_store(test, DIST, 4, 2);
    for (unsigned i = 0; i < CPUS; i++) {
        test_store(test, REDIST(i) + 0x14, 4, 0);
        test_store(test, GICR_PROPBASER(i), 8, CONFIG | 15);
        test_store(test, GICR_PENDBASER(i), 8, PENDING(i));
        test_store(test, GICR_CTLR(i), 4, 1);
        set(i, PMR, 0xff);
        set(i, IGRPEN1, 1);
    }
}

static void its_open(uint64_t devices)
{
    test_store(test, GITS_BASER(0), 8, devices);
    test_store(test, GITS_BASER(1), 8, VALID | COLLECTIONS | 0xf);
    test_store(test, GITS_CBASER, 8, VALID | QUEUE);
    test_store(test, GITS_CWRITER, 8, 0);
    test_store(test, GITS_CTLR, 4, 1);
    queue_at = 0;
}

static void start(void)
{
    create();
    cpus_open();
    its_open(VALID | DEVICES | 0xf);
}

static void finish(void)
{
    test_machine_destroy(test);
}

/* Put a command into the queue and wait for it. */
static void command(uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3)
{
    uint64_t words[4] = {w0, w1, w2, w3};
    uint8_t bytes[32];
    for (unsigned i = 0; i < 4; i++)
        le64_store(bytes + 8 * i, words[i]);
    test_ram_put(test, QUEUE + queue_at, bytes, sizeof(bytes));
    queue_at = (queue_at + 32) % 4096;
    test_store(test, GITS_CWRITER, 8, queue_at);
    CHECK_EQ(test_load(test, GITS_CREADR, 8), queue_at);
}

static void mapd(uint32_t device, unsigned event_bits, uint64_t itt)
{
    command((uint64_t)device << 32 | 0x08, event_bits - 1, VALID | itt, 0);
}

static void mapc(uint32_t collection, uint64_t cpu)
{
    command(0x09, 0, VALID | cpu << 16 | collection, 0);
}

static void mapti(uint32_t device, uint32_t event, uint32_t intid, uint32_t collection)
{
    command((uint64_t)device << 32 | 0x0a, (uint64_t)intid << 32 | event, collection, 0);
}

/* Commands of a device and an event. */
static void event_command(uint8_t code, uint32_t device, uint32_t event, uint32_t collection)
{
    command((uint64_t)device << 32 | code, event, collection, 0);
}

static void lpi_config(uint32_t intid, uint8_t value)
{
    test_ram_put(test, CONFIG + intid - 8192, &value, 1);
}

static bool table_pending(unsigned cpu, uint32_t intid)
{
    uint8_t byte;
    test_ram_get(test, PENDING(cpu) + intid / 8, &byte, 1);
    return byte >> intid % 8 & 1;
}

static bool message(uint32_t device, uint32_t event)
{
    struct msi_target target = gicv3_its_target(its);
    return target.deliver(target.opaque, (struct msi_message){TRANSLATER, event, device});
}

static void identification(void)
{
    create();
    CHECK_EQ(test_load(test, DIST + 4, 4) >> 17 & 1, 1);     /* GICD_TYPER.LPIS */
    CHECK_EQ(test_load(test, DIST + 4, 4) >> 19 & 0x1f, 15); /* IDbits: 16 */
    CHECK_EQ(test_load(test, REDIST(0) + 8, 8) & 9, 1);      /* PLPIS, no DirectLPI */
    uint64_t typer = test_load(test, GITS_TYPER, 8);
    CHECK_EQ(typer & 3, 1);           /* physical LPIs only */
    CHECK_EQ(typer >> 8 & 0x1f, 15);  /* 16 bits of EventID */
    CHECK_EQ(typer >> 13 & 0x1f, 15); /* 16 bits of DeviceID */
    CHECK_EQ(typer >> 19 & 1, 0);     /* PTA: redistributors by number */
    CHECK_EQ(typer >> 24 & 0xff, 0);  /* no collections in hardware */
    CHECK_EQ(test_load(test, ITS + 0xffe8, 4) & 0xf0, 0x30);
    CHECK_EQ(test_load(test, GITS_BASER(0), 8) >> 56 & 7, 1); /* devices */
    CHECK_EQ(test_load(test, GITS_BASER(1), 8) >> 56 & 7, 4); /* collections */
    CHECK_EQ(test_load(test, GITS_BASER(0), 8) >> 8 & 3, 2);  /* pages of 64 KiB */
    CHECK_EQ(test_load(test, GITS_BASER(1), 8) >> 8 & 3, 2);
    CHECK_EQ(test_load(test, GITS_BASER(2), 8), 0);
    CHECK_EQ(test_load(test, GITS_CTLR, 4), 1u << 31); /* quiescent */
    /* Type and entry size can't be written. */
    uint64_t fixed = test_load(test, GITS_BASER(0), 8) & 0x071f000000000000;
    test_store(test, GITS_BASER(0), 8, ~(uint64_t)0);
    CHECK_EQ(test_load(test, GITS_BASER(0), 8) & 0x071f000000000000, fixed);
    finish();
}

/* From a message to the acknowledge: the whole way. */
static void message_to_lpi(void)
{
    start();
    lpi_config(8200, 0xa0 | 1);
    mapd(8, 5, ITT);
    mapc(7, 1);
    mapti(8, 3, 8200, 7);
    CHECK(message(8, 3));
    CHECK(irqs[1].level && !irqs[0].level);
    CHECK(table_pending(1, 8200));
    CHECK_EQ(get(1, IAR1), 8200);
    CHECK(!table_pending(1, 8200));
    CHECK_EQ(get(1, RPR), 0xa0);
    CHECK(!irqs[1].level);
    /* LPIs have no active state: the next message waits for the priority only. */
    CHECK(message(8, 3));
    CHECK(!irqs[1].level);
    set(1, EOIR1, 8200);
    CHECK(irqs[1].level);
    CHECK_EQ(get(1, IAR1), 8200);
    set(1, EOIR1, 8200);
    CHECK_EQ(get(1, IAR1), 1023);
    /* Events that are not mapped, and addresses that are not the doorbell. */
    CHECK(message(8, 4));
    CHECK(message(8, 32));
    CHECK(message(9, 3));
    CHECK(!irqs[1].level);
    struct msi_target target = gicv3_its_target(its);
    CHECK(!target.deliver(target.opaque, (struct msi_message){TRANSLATER + 4, 3, 8}));
    finish();
}

/* 5.1.1: the configuration table is read again on INV and INVALL. */
static void configuration(void)
{
    start();
    mapd(0, 4, ITT);
    mapc(0, 0);
    for (uint32_t i = 0; i < 3; i++)
        mapti(0, i, 8192 + i, 0);
    lpi_config(8192, 0xa0);
    CHECK(message(0, 0));
    CHECK(!irqs[0].level);
    CHECK(table_pending(0, 8192));
    lpi_config(8192, 0xa1);
    event_command(0x0c, 0, 0, 0); /* INV */
    CHECK(irqs[0].level);
    lpi_config(8192, 0xa0);
    event_command(0x0c, 0, 0, 0);
    CHECK(!irqs[0].level);
    /* The highest priority first, the lowest number among equals; only the implemented bits count. */
    lpi_config(8192, 0x80 | 1);
    lpi_config(8193, 0x40 | 1);
    lpi_config(8194, 0x44 | 1);
    CHECK(message(0, 1));
    CHECK(message(0, 2));
    command(0x0d, 0, 0, 0); /* INVALL */
    CHECK_EQ(get(0, IAR1), 8193);
    CHECK_EQ(get(0, RPR), 0x40);
    set(0, EOIR1, 8193);
    CHECK_EQ(get(0, IAR1), 8194);
    CHECK_EQ(get(0, RPR), 0x40);
    set(0, EOIR1, 8194);
    CHECK_EQ(get(0, IAR1), 8192);
    set(0, EOIR1, 8192);
    CHECK_EQ(get(0, IAR1), 1023);
    finish();
}

static void moves(void)
{
    start();
    mapd(0, 4, ITT);
    mapc(0, 0);
    mapc(1, 1);
    mapc(2, 2);
    for (uint32_t i = 0; i < 4; i++) {
        lpi_config(9000 + i, 0x81);
        mapti(0, i, 9000 + i, 0);
        CHECK(message(0, i));
    }
    CHECK(irqs[0].level);
    event_command(0x01, 0, 2, 1); /* MOVI: pending, so it goes along */
    CHECK(!table_pending(0, 9002) && table_pending(1, 9002));
    CHECK_EQ(get(1, IAR1), 9002);
    set(1, EOIR1, 9002);
    CHECK(message(0, 2));
    CHECK(table_pending(1, 9002));
    command(0x0e, 0, 0 << 16, 2 << 16); /* MOVALL from CPU 0 to CPU 2 */
    CHECK(!irqs[0].level && irqs[2].level && irqs[1].level);
    CHECK(table_pending(2, 9000) && table_pending(2, 9001) && table_pending(2, 9003));
    CHECK(!table_pending(0, 9000) && !table_pending(2, 9002));
    CHECK_EQ(get(2, IAR1), 9000);
    /* Collections move as a whole. */
    mapc(0, 2);
    CHECK(message(0, 0));
    CHECK(table_pending(2, 9000));
    finish();
}

static void other_commands(void)
{
    start();
    mapd(3, 14, ITT);
    mapc(5, 2);
    lpi_config(8300, 0x11);
    command((uint64_t)3 << 32 | 0x0b, 8300, 5, 0); /* MAPI: the event is the LPI */
    event_command(0x03, 3, 8300, 0);               /* INT */
    CHECK(irqs[2].level);
    event_command(0x04, 3, 8300, 0); /* CLEAR */
    CHECK(!irqs[2].level && !table_pending(2, 8300));
    CHECK(message(3, 8300));
    command(0x05, 0, (uint64_t)2 << 16, 0); /* SYNC */
    CHECK(irqs[2].level);
    event_command(0x0f, 3, 8300, 0); /* DISCARD: what was pending goes too */
    CHECK(!irqs[2].level && !table_pending(2, 8300));
    CHECK(message(3, 8300));
    CHECK(!irqs[2].level);
    command((uint64_t)3 << 32 | 0x08, 0, 0, 0); /* MAPD, not valid */
    command((uint64_t)3 << 32 | 0x0b, 8300, 5, 0);
    CHECK(message(3, 8300));
    CHECK(!irqs[2].level);
    finish();
}

/* Commands that mean nothing are skipped. */
static void wrong_commands(void)
{
    start();
    lpi_config(8200, 0x81);
    mapd(8, 17, ITT); /* more events than there can be */
    mapc(0, CPUS);    /* no such CPU */
    mapc(0, 0x7ffffffff);
    mapd(0x10000, 1, ITT); /* a DeviceID of 17 bits */
    mapd(8, 2, ITT);
    mapc(1, 1);
    mapti(8, 0, 8191, 1);      /* not an LPI */
    mapti(8, 0, 65536, 1);     /* beyond the last */
    mapti(8, 4, 8200, 1);      /* the device has 4 events */
    mapti(9, 0, 8200, 1);      /* no such device */
    mapti(8, 0, 8200, 0xffff); /* the table has no place for the collection */
    event_command(0x01, 8, 0, 1);
    event_command(0x0c, 8, 0, 1);
    event_command(0xff, 8, 0, 1);
    for (uint32_t i = 0; i < 8; i++)
        message(8, i);
    CHECK(!irqs[0].level && !irqs[1].level);
    mapti(8, 1, 8200, 1);
    mapti(8, 1, 8200, 0xffff);
    CHECK(message(8, 1));
    CHECK(irqs[1].level);
    /* An unmapping's size means nothing. */
    event_command(0x04, 8, 1, 0);
    CHECK(!irqs[1].level);
    command((uint64_t)8 << 32 | 0x08, 31, 0, 0);
    CHECK(message(8, 1));
    CHECK(!irqs[1].level);
    finish();
}

/* 5.2.1: a device table of two levels; a page of it holds 512 entries of 8 bytes. */
static void two_levels(void)
{
    create();
    cpus_open();
    uint8_t level1[8];
    le64_store(level1, VALID | LEVEL2);
    test_ram_put(test, DEVICES + 3 * 8, level1, 8);
    its_open(VALID | (uint64_t)1 << 62 | DEVICES);
    lpi_config(8200, 0x81);
    mapc(0, 0);
    mapd(3 * 512 + 7, 2, ITT);
    mapd(4 * 512 + 7, 2, ITT); /* no page for it */
    mapti(3 * 512 + 7, 0, 8200, 0);
    CHECK(message(3 * 512 + 7, 0));
    CHECK(irqs[0].level);
    uint8_t entry[8], nothing[8] = {0};
    test_ram_get(test, LEVEL2 + 7 * 8, entry, 8);
    CHECK(memcmp(entry, nothing, 8) != 0);
    mapti(4 * 512 + 7, 1, 8200, 0);
    CHECK_EQ(get(0, IAR1), 8200);
    set(0, EOIR1, 8200);
    CHECK(message(4 * 512 + 7, 1));
    CHECK(!irqs[0].level);
    finish();
}

/* 12.19.2 to 12.19.4: the queue wraps, is only read while enabled, and stalls when it isn't there. */
static void queue(void)
{
    start();
    for (unsigned i = 0; i < 300; i++)
        mapc(i & 3, 0);
    CHECK(queue_at < 4096);
    test_store(test, GITS_CWRITER, 8, 0x1000); /* beyond the queue */
    CHECK_EQ(test_load(test, GITS_CREADR, 8), queue_at);
    /* While it is enabled the queue stays where it is. */
    test_store(test, GITS_CBASER, 8, VALID | DEVICES);
    CHECK_EQ(test_load(test, GITS_CBASER, 8), VALID | QUEUE);
    test_store(test, GITS_CTLR, 4, 0);
    test_store(test, GITS_CBASER, 8, VALID | 0x1000);
    CHECK_EQ(test_load(test, GITS_CREADR, 8), 0);
    test_store(test, GITS_CWRITER, 8, 0x40);
    CHECK_EQ(test_load(test, GITS_CREADR, 8), 0);
    test_store(test, GITS_CTLR, 4, 1);
    CHECK_EQ(test_load(test, GITS_CREADR, 8), 1); /* stalled at the first command */
    CHECK_EQ(test_load(test, GITS_CTLR, 4), 1);   /* and not quiescent */
    test_store(test, GITS_CTLR, 4, 0);
    test_store(test, GITS_CBASER, 8, VALID | QUEUE);
    test_store(test, GITS_CTLR, 4, 1);
    CHECK_EQ(test_load(test, GITS_CREADR, 8), 0x40);
    CHECK_EQ(test_load(test, GITS_CTLR, 4), 0x80000001);
    finish();
}

/* A long queue is worked through in turns, so that nobody else waits for it. */
static void long_queue(void)
{
    start();
    test_store(test, GITS_CTLR, 4, 0);
    test_store(test, GITS_CBASER, 8, VALID | QUEUE | 0x3);
    test_store(test, GITS_CTLR, 4, 1);
    test_store(test, GITS_CWRITER, 8, 0x3fe0);
    CHECK(test_load(test, GITS_CREADR, 8) < 0x3fe0);
    test_advance(test, 0);
    CHECK_EQ(test_load(test, GITS_CREADR, 8), 0x3fe0);
    finish();
}

/* What was pending before LPIs are enabled, or after a load, is found in the table. */
static void pending_in_memory(void)
{
    create();
    uint8_t byte = 1 << 3;
    test_ram_put(test, PENDING(2) + 8195 / 8, &byte, 1);
    lpi_config(8195, 0x21);
    cpus_open();
    CHECK(irqs[2].level);
    test_save_load(test);
    CHECK(irqs[2].level);
    test_store(test, GICR_CTLR(2), 4, 0);
    CHECK(!irqs[2].level);
    CHECK_EQ(test_load(test, GICR_CTLR(2), 4) & 1, 0);
    test_store(test, GICR_CTLR(2), 4, 1);
    CHECK_EQ(get(2, IAR1), 8195);
    finish();
}

/* A table for 14 bits of numbers ends at 16383. */
static void small_tables(void)
{
    create();
    cpus_open();
    test_store(test, GICR_CTLR(0), 4, 0);
    test_store(test, GICR_PROPBASER(0), 8, CONFIG | 13);
    test_store(test, GICR_CTLR(0), 4, 1);
    /* In use, it is not moved. */
    test_store(test, GICR_PROPBASER(0), 8, DEVICES | 15);
    CHECK_EQ(test_load(test, GICR_PROPBASER(0), 8), CONFIG | 13);
    its_open(VALID | DEVICES | 0xf);
    mapd(0, 4, ITT);
    mapc(0, 0);
    mapti(0, 0, 16383, 0);
    mapti(0, 1, 16384, 0);
    lpi_config(16383, 0x81);
    lpi_config(16384, 0x81);
    CHECK(message(0, 1));
    CHECK(!irqs[0].level);
    CHECK(message(0, 0));
    CHECK_EQ(get(0, IAR1), 16383);
    finish();
}

static const struct test_case cases[] = {
    {"identification", identification}, {"message_to_lpi", message_to_lpi},
    {"configuration", configuration},   {"moves", moves},
    {"other_commands", other_commands}, {"wrong_commands", wrong_commands},
    {"two_levels", two_levels},         {"queue", queue},
    {"long_queue", long_queue},         {"pending_in_memory", pending_in_memory},
    {"small_tables", small_tables},
};

TEST_SUITE(gicv3_its_test, "unit", cases);
