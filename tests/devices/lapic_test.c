/* Expected values are those of the Intel SDM, volume 3, chapter 11. */
#include "devices/irq/lapic.h"

#include <string.h>

#include "tests/devices/machine_support.h"

#define CPUS 4
#define HZ   1000000000u
#define PAGE ((uint64_t)0xfee00000)

enum { ID = 0x20, VERSION = 0x30, TPR = 0x80, PPR = 0xa0, EOI = 0xb0, LDR = 0xd0, DFR = 0xe0, SVR = 0xf0 };
enum { ISR = 0x100, TMR = 0x180, IRR = 0x200, ESR = 0x280, ICR = 0x300, ICR_HIGH = 0x310, TIMER = 0x320 };
enum { LINT0 = 0x350, LINT1 = 0x360, LVT_ERROR = 0x370, INITIAL = 0x380, CURRENT = 0x390, DIVIDE = 0x3e0 };

static struct test_machine *test;
static struct lapic *lapic;
static int current;
static struct {
    bool intr;
    unsigned nmis, smis, inits, sipis;
    uint8_t sipi_vector;
} cpus[CPUS];
static int external_vector;
static unsigned ends;
static uint8_t ended_vector;

static int current_get(void *opaque)
{
    (void)opaque;
    return current;
}

static void intr_set(void *opaque, unsigned cpu, bool level)
{
    (void)opaque;
    cpus[cpu].intr = level;
}

static void nmi(void *opaque, unsigned cpu)
{
    (void)opaque;
    cpus[cpu].nmis++;
}

static void smi(void *opaque, unsigned cpu)
{
    (void)opaque;
    cpus[cpu].smis++;
}

static void init(void *opaque, unsigned cpu)
{
    (void)opaque;
    cpus[cpu].inits++;
}

static void sipi(void *opaque, unsigned cpu, uint8_t vector)
{
    (void)opaque;
    cpus[cpu].sipis++;
    cpus[cpu].sipi_vector = vector;
}

static int external_acknowledge(void *opaque)
{
    (void)opaque;
    return external_vector;
}

static uint64_t tsc_time(void *opaque, unsigned cpu, uint64_t tsc)
{
    (void)opaque, (void)cpu;
    return tsc / 2; /* a counter of 2 GHz */
}

static void ended(void *opaque, uint8_t vector)
{
    (void)opaque;
    ends++;
    ended_vector = vector;
}

static uint32_t get(unsigned cpu, unsigned offset)
{
    current = (int)cpu;
    return (uint32_t)test_load(test, PAGE + offset, 4);
}

static void put(unsigned cpu, unsigned offset, uint32_t value)
{
    current = (int)cpu;
    test_store(test, PAGE + offset, 4, value);
}

static void start(void)
{
    memset(cpus, 0, sizeof(cpus));
    current = 0;
    ends = 0;
    external_vector = -1;
    test = test_machine_create(4096);
    lapic = lapic_create(&test->machine,
                         &(struct lapic_config){.cpus = CPUS,
                                                .timer_hz = HZ,
                                                .physical_bits = 40,
                                                .processors = {.current = current_get,
                                                               .intr_set = intr_set,
                                                               .nmi = nmi,
                                                               .smi = smi,
                                                               .init = init,
                                                               .sipi = sipi,
                                                               .external_acknowledge = external_acknowledge,
                                                               .tsc_time = tsc_time}},
                         NULL);
    CHECK(lapic != NULL);
    lapic_eoi_connect(lapic, ended, NULL);
}

/* All enabled, with flat logical ids 1, 2, 4, 8. */
static void start_enabled(void)
{
    start();
    for (unsigned i = 0; i < CPUS; i++) {
        put(i, SVR, 0x1ff);
        put(i, LDR, 0x01000000u << i);
    }
}

static bool message(uint32_t destination, unsigned flags, uint32_t data)
{
    struct msi_target target = lapic_msi(lapic);
    return target.deliver(target.opaque,
                          (struct msi_message){.address = PAGE | destination << 12 | flags, .data = data});
}

static bool requested(unsigned cpu, uint8_t vector)
{
    return get(cpu, IRR + vector / 32 * 16u) >> vector % 32 & 1;
}

static bool in_service(unsigned cpu, uint8_t vector)
{
    return get(cpu, ISR + vector / 32 * 16u) >> vector % 32 & 1;
}

static void reset_values(void)
{
    start();
    CHECK_EQ(get(2, ID), 2u << 24);
    CHECK_EQ(get(0, VERSION) & 0xff, 0x14);
    CHECK_EQ(get(0, VERSION) >> 16 & 0xff, 6);
    CHECK_EQ(get(0, DFR), 0xffffffff);
    CHECK_EQ(get(0, SVR), 0xff);
    CHECK_EQ(get(0, LINT0), 0x10000);
    CHECK_EQ(get(0, TPR) | get(0, LDR) | get(0, ICR) | get(0, CURRENT) | get(0, ESR), 0);
    CHECK_EQ(lapic_base_get(lapic, 0), 0xfee00900);
    CHECK_EQ(lapic_base_get(lapic, 1), 0xfee00800);
    /* 11.4.7.2: disabled by software, the masks can't be cleared and nothing is accepted. */
    put(0, LINT0, 0x0700);
    CHECK_EQ(get(0, LINT0), 0x10700);
    message(0, 0, 0x40);
    CHECK(!requested(0, 0x40) && !cpus[0].intr);
    test_machine_destroy(test);
}

static void priorities(void)
{
    start_enabled();
    message(0, 0, 0x41);
    message(0, 0, 0x83);
    CHECK(cpus[0].intr && requested(0, 0x41) && requested(0, 0x83));
    CHECK_EQ(lapic_acknowledge(lapic, 0), 0x83);
    CHECK(!cpus[0].intr && in_service(0, 0x83));
    CHECK_EQ(get(0, PPR), 0x80);
    message(0, 0, 0x8f); /* the same class waits */
    CHECK(!cpus[0].intr);
    message(0, 0, 0x91); /* a higher one nests */
    CHECK(cpus[0].intr);
    CHECK_EQ(lapic_acknowledge(lapic, 0), 0x91);
    put(0, EOI, 0);
    CHECK(!cpus[0].intr && in_service(0, 0x83));
    put(0, EOI, 0);
    CHECK(cpus[0].intr);
    put(0, TPR, 0x85);
    CHECK(!cpus[0].intr);
    CHECK_EQ(get(0, PPR), 0x85);
    CHECK_EQ(lapic_acknowledge(lapic, 0), -1);
    CHECK_EQ(lapic_cr8_get(lapic, 0), 8);
    lapic_cr8_set(lapic, 0, 7);
    CHECK_EQ(get(0, TPR), 0x70);
    CHECK_EQ(lapic_acknowledge(lapic, 0), 0x8f);
    CHECK_EQ(ends, 0); /* edges: nobody else is told */
    test_machine_destroy(test);
}

static void level_end(void)
{
    start_enabled();
    message(1, 0, 0xc055);
    CHECK_EQ(get(1, TMR + 0x20) >> 0x15 & 1, 1);
    CHECK_EQ(lapic_acknowledge(lapic, 1), 0x55);
    put(1, EOI, 0);
    CHECK_EQ(ends, 1);
    CHECK_EQ(ended_vector, 0x55);
    /* Suppressed by bit 12 of SVR. */
    put(1, SVR, 0x11ff);
    message(1, 0, 0xc055);
    lapic_acknowledge(lapic, 1);
    put(1, EOI, 0);
    CHECK_EQ(ends, 1);
    /* The same vector as an edge clears TMR. */
    message(1, 0, 0x55);
    CHECK_EQ(get(1, TMR + 0x20), 0);
    test_machine_destroy(test);
}

static unsigned receivers(uint8_t vector)
{
    unsigned set = 0;
    for (unsigned i = 0; i < CPUS; i++)
        set |= (unsigned)requested(i, vector) << i;
    return set;
}

static void destinations(void)
{
    start_enabled();
    message(2, 0, 0x30);
    CHECK_EQ(receivers(0x30), 4);
    message(0xff, 0, 0x31);
    CHECK_EQ(receivers(0x31), 0xf);
    message(0x0a, 4, 0x32); /* flat logical */
    CHECK_EQ(receivers(0x32), 0xa);
    for (unsigned i = 0; i < CPUS; i++) { /* clusters 1 and 2 of two processors each */
        put(i, DFR, 0x0fffffff);
        put(i, LDR, (i / 2 + 1) << 28 | 1u << (24 + i % 2));
    }
    message(0x12, 4, 0x33);
    CHECK_EQ(receivers(0x33), 2);
    message(0x23, 4, 0x34);
    CHECK_EQ(receivers(0x34), 0xc);
    message(7, 0, 0x35);
    CHECK_EQ(receivers(0x35), 0);
    struct msi_target target = lapic_msi(lapic);
    CHECK(!target.deliver(target.opaque, (struct msi_message){.address = 0xfed00000, .data = 0x40}));
    CHECK(!target.deliver(target.opaque, (struct msi_message){.address = 0x1fee00000, .data = 0x40}));
    /* A processor's own write to the address of a message. */
    current = 0;
    test_store(test, PAGE | 3 << 12, 4, 0x36);
    CHECK_EQ(receivers(0x36), 8);
    test_machine_destroy(test);
}

static void lowest_priority(void)
{
    start_enabled();
    put(0, TPR, 0x20);
    put(1, TPR, 0x50);
    put(2, TPR, 0x10);
    put(3, TPR, 0x30);
    message(0xff, 4, 0x0160);
    CHECK_EQ(receivers(0x60), 4);
    message(0x03, 4, 0x0161);
    CHECK_EQ(receivers(0x61), 1);
    message(0x0b, 0xc, 0x62); /* redirection hint */
    CHECK_EQ(receivers(0x62), 1);
    for (unsigned i = 0; i < CPUS; i++)
        put(i, TPR, 0);
    unsigned seen = 0;
    for (uint8_t i = 0; i < CPUS; i++) { /* equals take turns */
        message(0xff, 4, 0x0170u + i);
        seen |= receivers(0x70 + i);
    }
    CHECK_EQ(seen, 0xf);
    test_machine_destroy(test);
}

static void commands(void)
{
    start_enabled();
    put(0, ICR_HIGH, 3u << 24);
    put(0, ICR, 0x4041);
    CHECK_EQ(receivers(0x41), 8);
    CHECK_EQ(get(0, ICR), 0x4041); /* never busy */
    put(1, ICR, 0x44042);          /* self */
    CHECK_EQ(receivers(0x42), 2);
    put(1, ICR, 0x84043); /* all */
    CHECK_EQ(receivers(0x43), 0xf);
    put(1, ICR, 0xc4044); /* all others */
    CHECK_EQ(receivers(0x44), 0xd);
    put(0, ICR, 0xc4400);
    CHECK_EQ(cpus[0].nmis * 100 + cpus[1].nmis * 10 + cpus[3].nmis, 11);
    put(0, ICR_HIGH, 1u << 24);
    put(0, ICR, 0x4200);
    CHECK_EQ(cpus[1].smis, 1);
    /* The start of another processor: INIT, its de-assertion, two SIPIs. */
    put(1, TPR, 0x33);
    put(0, ICR, 0xc500);
    put(0, ICR, 0x8500);
    put(0, ICR, 0x4699);
    put(0, ICR, 0x4699);
    CHECK_EQ(cpus[1].inits, 1);
    CHECK_EQ(cpus[1].sipis, 2);
    CHECK_EQ(cpus[1].sipi_vector, 0x99);
    CHECK_EQ(get(1, TPR), 0);
    CHECK_EQ(get(1, SVR), 0xff);
    CHECK_EQ(cpus[0].inits + cpus[2].inits + cpus[3].inits, 0);
    test_machine_destroy(test);
}

static void errors(void)
{
    start_enabled();
    put(0, LVT_ERROR, 0xfe);
    put(0, ICR, 0x4400f); /* 11.5.3: an illegal vector is not sent */
    CHECK_EQ(get(0, ESR), 0);
    put(0, ESR, 0);
    CHECK_EQ(get(0, ESR), 0x20);
    CHECK_EQ(lapic_acknowledge(lapic, 0), 0xfe);
    put(0, EOI, 0);
    put(0, ESR, 0);
    CHECK_EQ(get(0, ESR), 0);
    message(0, 0, 0x05);
    put(0, ESR, 0);
    CHECK_EQ(get(0, ESR), 0x40);
    get(0, 0x3f0);
    put(0, 0x40, 1);
    put(0, ESR, 0);
    CHECK_EQ(get(0, ESR), 0x80);
    put(0, LVT_ERROR, 0x01); /* an illegal vector of its own */
    put(0, ICR, 0x4400f);
    put(0, ESR, 0);
    CHECK_EQ(get(0, ESR), 0x60);
    test_machine_destroy(test);
}

static void timer_one_shot(void)
{
    start_enabled();
    put(0, DIVIDE, 0x3); /* 16 */
    put(0, TIMER, 0x20);
    put(0, INITIAL, 1000);
    test_advance(test, 8000);
    CHECK_EQ(get(0, CURRENT), 500);
    CHECK(!cpus[0].intr);
    put(0, DIVIDE, 0xb); /* 1: the rest goes sixteen times as fast */
    CHECK_EQ(get(0, CURRENT), 500);
    test_advance(test, 499);
    CHECK(!cpus[0].intr);
    test_advance(test, 1);
    CHECK(cpus[0].intr);
    CHECK_EQ(get(0, CURRENT), 0);
    CHECK_EQ(lapic_acknowledge(lapic, 0), 0x20);
    put(0, EOI, 0);
    test_advance(test, 1000000);
    CHECK(!cpus[0].intr);
    put(0, INITIAL, 1000);
    put(0, INITIAL, 0); /* stops it */
    test_advance(test, 1000000);
    CHECK(!cpus[0].intr);
    test_machine_destroy(test);
}

static void timer_periodic(void)
{
    start_enabled();
    put(3, DIVIDE, 0xb);
    put(3, TIMER, 0x20021);
    put(3, INITIAL, 1000000);
    for (unsigned i = 1; i <= 5; i++) {
        test_advance(test, 1000000);
        CHECK_EQ(lapic_acknowledge(lapic, 3), 0x21);
        put(3, EOI, 0);
    }
    CHECK_EQ(get(3, CURRENT), 1000000);
    put(3, TIMER, 0x30021); /* masked, it counts */
    test_advance(test, 1200000);
    CHECK(!cpus[3].intr);
    CHECK_EQ(get(3, CURRENT), 800000);
    put(3, INITIAL, 1); /* a wild one ends nowhere near a hang */
    put(3, TIMER, 0x20021);
    test_advance(test, 100000000);
    CHECK(cpus[3].intr);
    test_machine_destroy(test);
}

/* From one-shot to periodic and back: the count goes on, and one that has ended does not begin again. */
static void timer_mode_change(void)
{
    start_enabled();
    put(0, DIVIDE, 0xb);
    put(0, TIMER, 0x20);
    put(0, INITIAL, 1000);
    test_advance(test, 600);
    put(0, TIMER, 0x20020);
    CHECK_EQ(get(0, CURRENT), 400);
    test_advance(test, 500);
    CHECK_EQ(lapic_acknowledge(lapic, 0), 0x20);
    put(0, EOI, 0);
    CHECK_EQ(get(0, CURRENT), 900);
    put(0, TIMER, 0x20);
    CHECK_EQ(get(0, CURRENT), 900);
    test_advance(test, 899);
    CHECK(!cpus[0].intr);
    test_advance(test, 1);
    CHECK_EQ(lapic_acknowledge(lapic, 0), 0x20);
    put(0, EOI, 0);
    put(0, TIMER, 0x20020);
    CHECK_EQ(get(0, CURRENT), 0);
    CHECK_EQ(get(0, INITIAL), 1000);
    test_advance(test, 100000);
    CHECK(!cpus[0].intr);
    put(0, INITIAL, 1000);
    test_advance(test, 1000);
    CHECK(cpus[0].intr);
    test_machine_destroy(test);
}

static void timer_deadline(void)
{
    uint64_t value;
    start_enabled();
    CHECK(lapic_msr_write(lapic, 0, 0x6e0, 5000)); /* ignored outside its mode */
    CHECK(lapic_msr_read(lapic, 0, 0x6e0, &value) && value == 0);
    put(0, TIMER, 0x40022);
    put(0, INITIAL, 55); /* and so is the count in it */
    CHECK_EQ(get(0, INITIAL) | get(0, CURRENT), 0);
    lapic_msr_write(lapic, 0, 0x6e0, 20000);
    test_advance(test, 9999);
    CHECK(!cpus[0].intr);
    CHECK(lapic_msr_read(lapic, 0, 0x6e0, &value) && value == 20000);
    test_advance(test, 1);
    CHECK_EQ(lapic_acknowledge(lapic, 0), 0x22);
    CHECK(lapic_msr_read(lapic, 0, 0x6e0, &value) && value == 0);
    put(0, EOI, 0);
    lapic_msr_write(lapic, 0, 0x6e0, 40000);
    lapic_msr_write(lapic, 0, 0x6e0, 0);
    test_advance(test, 100000);
    CHECK(!cpus[0].intr);
    lapic_msr_write(lapic, 0, 0x6e0, 1000); /* has passed: at once */
    CHECK_EQ(lapic_acknowledge(lapic, 0), 0x22);
    CHECK(lapic_msr_read(lapic, 0, 0x6e0, &value) && value == 0);
    put(0, EOI, 0);
    lapic_msr_write(lapic, 0, 0x6e0, 400000);
    put(0, TIMER, 0x22); /* leaving the mode disarms */
    test_advance(test, 1000000);
    CHECK(!cpus[0].intr);
    test_machine_destroy(test);
}

static void local_pins(void)
{
    start();
    struct irq_line intr = lapic_lint(lapic, 0), line1 = lapic_lint(lapic, 1);
    put(0, SVR, 0x1ff);
    put(0, LINT0, 0x8700); /* as firmware sets up the virtual wire */
    put(0, LINT1, 0x8400);
    external_vector = 0x08;
    irq_line_set(&intr, true);
    CHECK(cpus[0].intr && !cpus[1].intr);
    CHECK_EQ(lapic_acknowledge(lapic, 0), 0x08);
    irq_line_set(&intr, false);
    CHECK(!cpus[0].intr);
    CHECK_EQ(get(0, ISR), 0);
    irq_line_pulse(&line1);
    CHECK_EQ(cpus[0].nmis * 10 + cpus[1].nmis, 10);
    /* As a level-triggered local interrupt. */
    put(0, LINT0, 0x8045);
    irq_line_set(&intr, true);
    CHECK_EQ(get(0, LINT0), 0xc045);
    CHECK_EQ(lapic_acknowledge(lapic, 0), 0x45);
    put(0, EOI, 0);
    CHECK(cpus[0].intr); /* still up */
    irq_line_set(&intr, false);
    lapic_acknowledge(lapic, 0);
    put(0, EOI, 0);
    CHECK(!cpus[0].intr);
    CHECK_EQ(get(0, LINT0), 0x8045);
    /* Switched off, the pins are the processor's own. */
    CHECK(lapic_base_set(lapic, 1, 0xfee00000));
    irq_line_set(&intr, true);
    CHECK(cpus[1].intr);
    CHECK_EQ(lapic_acknowledge(lapic, 1), 0x08);
    irq_line_pulse(&line1);
    CHECK_EQ(cpus[1].nmis, 1);
    test_machine_destroy(test);
}

static void external_message(void)
{
    start_enabled();
    external_vector = 0x77;
    message(2, 0, 0x0700);
    CHECK(cpus[2].intr);
    CHECK_EQ(lapic_acknowledge(lapic, 2), 0x77);
    CHECK(!cpus[2].intr);
    test_machine_destroy(test);
}

static void modes(void)
{
    start_enabled();
    CHECK(!lapic_base_set(lapic, 1, 0xfee00400)); /* x2APIC without enable */
    CHECK(!lapic_base_set(lapic, 1, 0xfee00a00)); /* reserved bit 9 */
    CHECK(!lapic_base_set(lapic, 1, 0xfee00801));
    CHECK(!lapic_base_set(lapic, 1, (uint64_t)1 << 40 | 0xfee00800));
    CHECK(lapic_base_set(lapic, 1, 0xfee00c00));
    CHECK(!lapic_base_set(lapic, 1, 0xfee00800)); /* back only through off */
    CHECK_EQ(get(1, ID), 0xffffffff);             /* no page any more */
    CHECK(lapic_base_set(lapic, 1, 0xfee00000));
    CHECK(!lapic_base_set(lapic, 1, 0xfee00c00));
    CHECK(lapic_base_set(lapic, 1, 0xfee00800));
    CHECK_EQ(get(1, SVR), 0xff);
    /* The page of one processor elsewhere. */
    CHECK(lapic_base_set(lapic, 1, 0xfe000800));
    CHECK_EQ(get(1, SVR), 0xffffffff);
    CHECK_EQ(get(0, SVR), 0x1ff);
    current = 1;
    CHECK_EQ(test_load(test, 0xfe0000f0, 4), 0xff);
    CHECK(lapic_base_set(lapic, 1, 0xfee00800));
    uint64_t value;
    CHECK(!bus_read(test->machine.mem.mmio, 0xfe0000f0, 4, &value));
    test_machine_destroy(test);
}

static uint64_t msr_get(unsigned cpu, uint32_t msr)
{
    uint64_t value = 0;
    CHECK(lapic_msr_read(lapic, cpu, msr, &value));
    return value;
}

static void x2apic(void)
{
    start_enabled();
    uint64_t value;
    CHECK(!lapic_msr_read(lapic, 0, 0x802, &value)); /* not in this mode yet */
    for (unsigned i = 0; i < CPUS; i++) {
        CHECK(lapic_base_set(lapic, i, 0xfee00c00));
        CHECK_EQ(msr_get(i, 0x802), i);
        CHECK_EQ(msr_get(i, 0x80d), 1u << i);
    }
    CHECK_EQ(msr_get(0, 0x80f), 0x1ff);
    CHECK(lapic_msr_write(lapic, 0, 0x830, (uint64_t)2 << 32 | 0x4050));
    CHECK_EQ(msr_get(2, 0x822), 1u << 16);
    CHECK_EQ(msr_get(0, 0x830), (uint64_t)2 << 32 | 0x4050);
    CHECK(lapic_msr_write(lapic, 0, 0x830, (uint64_t)0xa << 32 | 0x4851)); /* cluster 0, logical */
    CHECK_EQ(msr_get(1, 0x822) & msr_get(3, 0x822), 1u << 17);
    CHECK_EQ(msr_get(0, 0x822), 0);
    CHECK(lapic_msr_write(lapic, 0, 0x830, (uint64_t)0xffffffff << 32 | 0x4052));
    CHECK_EQ(msr_get(0, 0x822) & msr_get(1, 0x822) & msr_get(2, 0x822) & msr_get(3, 0x822), 1u << 18);
    CHECK(lapic_msr_write(lapic, 3, 0x83f, 0x66));
    CHECK_EQ(lapic_acknowledge(lapic, 3), 0x66);
    CHECK(lapic_msr_write(lapic, 3, 0x80b, 0));
    message(1, 0, 0x67); /* a device knows 8 bits of destination */
    CHECK_EQ(lapic_acknowledge(lapic, 1), 0x67);
    /* Table 11-6: faults. */
    CHECK(!lapic_msr_write(lapic, 0, 0x802, 0));
    CHECK(!lapic_msr_write(lapic, 0, 0x80b, 1));
    CHECK(!lapic_msr_write(lapic, 0, 0x80d, 0));
    CHECK(!lapic_msr_write(lapic, 0, 0x828, 1));
    CHECK(!lapic_msr_write(lapic, 0, 0x808, 0x100));
    CHECK(!lapic_msr_write(lapic, 0, 0x832, (uint64_t)1 << 40));
    CHECK(!lapic_msr_write(lapic, 0, 0x831, 0));
    CHECK(!lapic_msr_read(lapic, 0, 0x831, &value));
    CHECK(!lapic_msr_read(lapic, 0, 0x80e, &value));
    CHECK(!lapic_msr_read(lapic, 0, 0x83f, &value));
    CHECK(!lapic_msr_read(lapic, 0, 0x8ff, &value));
    /* INIT keeps the mode. */
    CHECK(lapic_msr_write(lapic, 0, 0x830, (uint64_t)1 << 32 | 0x4500));
    CHECK_EQ(cpus[1].inits, 1);
    CHECK_EQ(lapic_base_get(lapic, 1), 0xfee00c00);
    CHECK_EQ(msr_get(1, 0x80d), 2);
    test_machine_destroy(test);
}

static void sources(void)
{
    start_enabled();
    put(0, 0x340, 0x400); /* performance counters by NMI */
    put(0, 0x330, 0x59);
    lapic_signal(lapic, 0, LAPIC_PERFORMANCE);
    CHECK_EQ(cpus[0].nmis, 1);
    CHECK_EQ(get(0, 0x340), 0x10400);
    lapic_signal(lapic, 0, LAPIC_THERMAL);
    CHECK_EQ(lapic_acknowledge(lapic, 0), 0x59);
    test_machine_destroy(test);
}

static void state(void)
{
    start_enabled();
    put(0, DIVIDE, 0xb);
    put(0, TIMER, 0x20);
    put(0, INITIAL, 1000);
    message(1, 0, 0x90);
    CHECK(lapic_base_set(lapic, 2, 0xfe000800));
    CHECK(lapic_base_set(lapic, 3, 0xfee00c00));
    test_save_load(test);
    CHECK(cpus[1].intr);
    current = 2;
    CHECK_EQ(test_load(test, 0xfe0000f0, 4), 0x1ff);
    CHECK_EQ(msr_get(3, 0x802), 3);
    test_advance(test, 1000);
    CHECK_EQ(lapic_acknowledge(lapic, 0), 0x20);
    test_reset(test);
    CHECK(!cpus[1].intr);
    CHECK_EQ(get(2, SVR), 0xff);
    test_machine_destroy(test);
}

static void wild_accesses(void)
{
    start_enabled();
    for (unsigned i = 0; i < 200000; i++) {
        unsigned cpu = test_random() % CPUS, offset = test_random() % 0x41 * 16;
        uint32_t value = (uint32_t)test_random();
        uint64_t ignored;
        switch (test_random() % 8) {
        case 0: get(cpu, offset); break;
        case 1: lapic_msr_write(lapic, cpu, 0x800 + value % 0x100, test_random() & test_random()); break;
        case 2: lapic_msr_read(lapic, cpu, 0x800 + value % 0x100, &ignored); break;
        case 3: lapic_base_set(lapic, cpu, 0xfee00000 | (test_random() & 0x13c00)); break;
        case 4: lapic_acknowledge(lapic, cpu); break;
        case 5: message(value & 0xff, (unsigned)test_random() & 0xc, value >> 8 & 0xffff); break;
        case 6: test_advance(test, value % 1000); break;
        default: put(cpu, offset, value);
        }
    }
    CHECK(cpus[0].inits > 0);
    test_machine_destroy(test);
}

static const struct test_case cases[] = {
    {"reset_values", reset_values},
    {"priorities", priorities},
    {"level_end", level_end},
    {"destinations", destinations},
    {"lowest_priority", lowest_priority},
    {"commands", commands},
    {"errors", errors},
    {"timer_one_shot", timer_one_shot},
    {"timer_periodic", timer_periodic},
    {"timer_mode_change", timer_mode_change},
    {"timer_deadline", timer_deadline},
    {"local_pins", local_pins},
    {"external_message", external_message},
    {"modes", modes},
    {"x2apic", x2apic},
    {"sources", sources},
    {"state", state},
    {"wild_accesses", wild_accesses},
};
TEST_SUITE(lapic_test, "unit", cases);
