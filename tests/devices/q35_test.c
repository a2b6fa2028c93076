/* Expected values are those of the data sheets of the 3 Series chipset and the ICH9, and of ACPI 6.4, 4.8. */
#include "devices/pci/q35_host.h"

#include <string.h>

#include "base/bits.h"
#include "devices/misc/ich9_lpc.h"
#include "tests/devices/machine_support.h"

#define BELOW (64 * MIB)
#define ABOVE (16 * MIB)
#define PM    0x600
#define LPC   (31u << 11)

static struct test_machine *test;
static struct machine *machine;
static struct q35_host *host;
static struct ich9_lpc *lpc;
static struct ram_block *ram, *rom;
static struct test_irq pic[16], ioapic[ICH9_GSIS], smi, a20;

static uint32_t config_get(unsigned where, unsigned offset, unsigned width)
{
    test_out(test, 0xcf8, 4, 0x80000000 | where | (offset & 0xfc));
    return (uint32_t)test_in(test, (uint16_t)(0xcfc + (offset & 3)), width);
}

static void config_put(unsigned where, unsigned offset, unsigned width, uint32_t value)
{
    test_out(test, 0xcf8, 4, 0x80000000 | where | (offset & 0xfc));
    test_out(test, (uint16_t)(0xcfc + (offset & 3)), width, value);
}

static void pirq_forward(void *opaque, unsigned n, bool level)
{
    (void)opaque;
    struct irq_line line = ich9_pirq_line(lpc, n);
    irq_line_set(&line, level);
}

static void start(void)
{
    struct q35_host_config config = {.below_4g = BELOW, .above_4g = ABOVE};
    struct ich9_lpc_config lpc_config = {.smi = test_irq_line(&smi), .a20 = test_irq_line(&a20)};
    memset(pic, 0, sizeof(pic));
    memset(ioapic, 0, sizeof(ioapic));
    smi = a20 = (struct test_irq){0};
    test = test_machine_create(PAGE_SIZE);
    machine = &test->machine;
    ram = ram_block_create(machine->mem.ram, "pc.ram", BELOW + ABOVE, NULL);
    rom = ram_block_create(machine->mem.ram, "pc.rom", 128 * KIB, NULL);
    memset(ram_block_host(rom), 0xf0, 128 * KIB);
    config.ram = ram;
    config.rom = rom;
    for (unsigned i = 0; i < Q35_PIRQS; i++)
        config.pirqs[i] = (struct irq_line){pirq_forward, NULL, i};
    host = q35_host_create(machine, &config, NULL);
    CHECK(host != NULL);
    lpc_config.bus = q35_host_bus(host);
    for (unsigned i = 0; i < 16; i++)
        lpc_config.pic[i] = test_irq_line(&pic[i]);
    for (unsigned i = 0; i < ICH9_GSIS; i++)
        lpc_config.ioapic[i] = test_irq_line(&ioapic[i]);
    lpc = ich9_lpc_create(machine, &lpc_config, NULL);
    CHECK(lpc != NULL);
}

/* With the power management registers where firmware puts them. */
static void start_pm(void)
{
    start();
    config_put(LPC, 0x40, 4, PM | 1);
    config_put(LPC, 0x44, 1, 0x80);
}

static void identities(void)
{
    start();
    CHECK_EQ(config_get(0, 0, 4), 0x29c08086);
    CHECK_EQ(config_get(0, 8, 4) >> 8, 0x060000);
    CHECK_EQ(config_get(LPC, 0, 4), 0x29188086);
    CHECK_EQ(config_get(LPC, 8, 4) >> 8, 0x060100);
    CHECK_EQ(config_get(5u << 11, 0, 4), 0xffffffff);
    CHECK_EQ(config_get(1u << 16, 0, 4), 0xffffffff); /* bus 1 */
    CHECK_EQ(config_get(LPC, 2, 2), 0x2918);
    CHECK_EQ(config_get(LPC, 0x0b, 1), 0x06);
    CHECK_EQ(config_get(LPC, 0x60, 4), 0x80808080);
    test_out(test, 0xcf8, 4, 0x7fffffff); /* not enabled */
    CHECK_EQ(test_in(test, 0xcf8, 4), 0x00fffffc);
    CHECK_EQ(test_in(test, 0xcfc, 4), 0xffffffff);
    test_machine_destroy(test);
}

static void ecam(void)
{
    start();
    uint64_t value;
    config_put(0, 0x60, 4, 0xb0000001);
    CHECK_EQ(test_load(test, 0xb0000000, 4), 0x29c08086);
    CHECK_EQ(test_load(test, 0xb00f8002, 2), 0x2918);
    test_store(test, 0xb00f8061, 1, 5);
    CHECK_EQ(config_get(LPC, 0x61, 1), 5);
    CHECK_EQ(test_load(test, 0xbffff000, 4), 0xffffffff);
    config_put(0, 0x60, 4, 0xc4000005); /* 64 MiB elsewhere */
    CHECK(!bus_read(machine->mem.mmio, 0xb0000000, 4, &value));
    CHECK_EQ(test_load(test, 0xc4000000, 4), 0x29c08086);
    CHECK(!bus_read(machine->mem.mmio, 0xc8000000, 4, &value));
    test_reset(test);
    CHECK(!bus_read(machine->mem.mmio, 0xc4000000, 4, &value));
    test_machine_destroy(test);
}

static void memory_map(void)
{
    start();
    uint64_t value;
    test_store(test, 0x9fffc, 4, 0x11223344);
    test_store(test, BELOW - 4, 4, 0x55667788);
    test_store(test, 4 * GIB + ABOVE - 4, 4, 0x99aabbcc);
    CHECK_EQ(le32_load(ram_block_host(ram) + 0x9fffc), 0x11223344);
    CHECK_EQ(le32_load(ram_block_host(ram) + BELOW - 4), 0x55667788);
    CHECK_EQ(le32_load(ram_block_host(ram) + BELOW + ABOVE - 4), 0x99aabbcc);
    CHECK(!physmem_load(&machine->mem, gpa(BELOW), 4, &value));
    CHECK(!physmem_load(&machine->mem, gpa(4 * GIB + ABOVE), 4, &value));
    CHECK(!physmem_load(&machine->mem, gpa(0xa0000), 4, &value)); /* video */
    test_machine_destroy(test);
}

static void shadow(void)
{
    start();
    CHECK_EQ(test_load(test, 0xffff0, 1), 0xf0);
    CHECK_EQ(test_load(test, 0xe0000, 1), 0xf0);
    CHECK_EQ(test_load(test, 0xdfff0, 1), 0xff);
    test_store(test, 0xffff0, 1, 0x12); /* goes nowhere */
    config_put(0, 0x90, 1, 0x20);       /* write to RAM, read the ROM: how a BIOS copies itself */
    test_store(test, 0xffff0, 1, 0x34);
    CHECK_EQ(test_load(test, 0xffff0, 1), 0xf0);
    config_put(0, 0x90, 1, 0x10);
    CHECK_EQ(test_load(test, 0xffff0, 1), 0x34);
    test_store(test, 0xffff0, 1, 0x56); /* protected */
    CHECK_EQ(test_load(test, 0xffff0, 1), 0x34);
    config_put(0, 0x90, 1, 0x30);
    test_store(test, 0xffff0, 1, 0x56);
    CHECK_EQ(test_load(test, 0xffff0, 1), 0x56);
    CHECK_EQ(test_load(test, 0xe0000, 1), 0xf0);
    config_put(0, 0x93, 1, 0x30); /* 0xd4000 to 0xd7fff */
    test_store(test, 0xd4000, 4, 1);
    test_store(test, 0xd8000, 4, 2);
    test_store(test, 0xd3ffc, 4, 3);
    CHECK_EQ(test_load(test, 0xd4000, 4), 1);
    CHECK_EQ(test_load(test, 0xd8000, 4), 0xffffffff);
    CHECK_EQ(test_load(test, 0xd3ffc, 4), 0xffffffff);
    test_save_load(test);
    CHECK_EQ(test_load(test, 0xd4000, 4), 1);
    test_reset(test);
    CHECK_EQ(test_load(test, 0xffff0, 1), 0xf0);
    q35_host_shadow_open(host);
    CHECK_EQ(test_load(test, 0xffff0, 1), 0x56);
    test_machine_destroy(test);
}

#define NOTHING 0xdeadu

/* Four bytes as a processor in system-management mode sees them; NOTHING where it sees no RAM. */
static uint32_t guarded_load(uint64_t p, bool fetch)
{
    struct ram_page page = ram_page_guarded(machine->mem.ram, gpa(p), fetch);
    return page.host ? le32_load(page.host + (p & ~PAGE_MASK)) : NOTHING;
}

static void smram(void)
{
    start();
    uint64_t value;
    CHECK_EQ(config_get(0, 0x9d, 1), 0x02);
    config_put(0, 0x9d, 1, 0x48); /* open */
    test_store(test, 0xa8000, 4, 0x1234);
    config_put(0, 0x9d, 1, 0x08);
    CHECK(!physmem_load(&machine->mem, gpa(0xa8000), 4, &value));
    CHECK_EQ(guarded_load(0xa8000, false), 0x1234);
    CHECK_EQ(guarded_load(0xa8000, true), 0x1234);
    config_put(0, 0x9d, 1, 0x28); /* closed: for code alone */
    CHECK_EQ(guarded_load(0xa8000, false), NOTHING);
    CHECK_EQ(guarded_load(0xa8000, true), 0x1234);
    config_put(0, 0x9d, 1, 0x00);
    CHECK_EQ(guarded_load(0xa8000, true), NOTHING);
    config_put(0, 0x9d, 1, 0x08);
    /* The end of RAM below 4 GiB. */
    test_store(test, BELOW - MIB, 4, 0x5678);
    config_put(0, 0x9e, 1, 0x01);
    CHECK(!physmem_load(&machine->mem, gpa(BELOW - MIB), 4, &value));
    CHECK_EQ(test_load(test, BELOW - MIB - 4, 4), 0);
    CHECK_EQ(guarded_load(BELOW - MIB, false), 0x5678);
    config_put(0, 0x9d, 1, 0x48); /* open SMRAM is all of it (5.1.27, D_OPEN) */
    CHECK_EQ(test_load(test, BELOW - MIB, 4), 0x5678);
    config_put(0, 0x9d, 1, 0x08);
    config_put(0, 0x9e, 1, 0x05); /* 8 MiB */
    CHECK(!physmem_load(&machine->mem, gpa(BELOW - 8 * MIB), 4, &value));
    config_put(0, 0x9e, 1, 0x07); /* the size that EDK2 asks for */
    config_put(0, 0x50, 2, 0xffff);
    CHECK_EQ(config_get(0, 0x50, 2), 16);
    CHECK(!physmem_load(&machine->mem, gpa(BELOW - 16 * MIB), 4, &value));
    CHECK_EQ(test_load(test, BELOW - 16 * MIB - 4, 4), 0);
    config_put(0, 0xac, 4, 0x12345678); /* TSEGMB holds bits 31 to 20 */
    CHECK_EQ(config_get(0, 0xac, 4), 0x12300000);
    config_put(0, 0x9d, 1, 0x58); /* locked: closed at once, and for good */
    CHECK_EQ(config_get(0, 0x9d, 1), 0x1a);
    config_put(0, 0x9d, 1, 0x48);
    config_put(0, 0x9e, 1, 0x00);
    CHECK_EQ(config_get(0, 0x9d, 1), 0x1a);
    CHECK_EQ(guarded_load(0xa8000, false), 0x1234);
    config_put(0, 0x9d, 1, 0x20); /* D_CLS alone is not locked */
    CHECK_EQ(config_get(0, 0x9d, 1), 0x3a);
    CHECK_EQ(guarded_load(0xa8000, false), NOTHING);
    CHECK_EQ(guarded_load(0xa8000, true), 0x1234);
    config_put(0, 0x9d, 1, 0x00);
    CHECK(!physmem_load(&machine->mem, gpa(BELOW - MIB), 4, &value));
    test_reset(test);
    CHECK_EQ(test_load(test, BELOW - MIB, 4), 0x5678);
    config_put(0, 0x9d, 1, 0x48);
    CHECK_EQ(config_get(0, 0x9d, 1), 0x4a);
    test_machine_destroy(test);
}

static void reset_ports(void)
{
    start();
    test_out(test, 0xcf9, 1, 0x02);
    CHECK_EQ(test->requests, 0);
    test_out(test, 0xcf9, 1, 0x06);
    CHECK_EQ(test->requests, 1);
    CHECK_EQ(test->request, MACHINE_RESET);
    test_out(test, 0xcf9, 1, 0x06); /* no edge */
    CHECK_EQ(test->requests, 1);
    CHECK_EQ(test_in(test, 0xcf9, 1), 0x06);
    test_out(test, 0x92, 1, 0x01);
    CHECK_EQ(test->requests, 2);
    CHECK_EQ(test->request, MACHINE_RESET);
    test_machine_destroy(test);
}

static void a20_gate(void)
{
    start();
    struct irq_line keyboard = ich9_a20_line(lpc);
    CHECK(a20.level);
    irq_line_set(&keyboard, false);
    CHECK(!a20.level);
    test_out(test, 0x92, 1, 0x02);
    CHECK(a20.level);
    CHECK_EQ(test_in(test, 0x92, 1), 0x02);
    irq_line_set(&keyboard, true);
    test_out(test, 0x92, 1, 0x00);
    CHECK(a20.level);
    test_machine_destroy(test);
}

static void interrupt_routes(void)
{
    start();
    struct irq_line line = ich9_isa_line(lpc, 4), timer = ich9_isa_line(lpc, 0);
    irq_line_set(&line, true);
    CHECK(pic[4].level && ioapic[4].level);
    irq_line_set(&timer, true);
    CHECK(pic[0].level && ioapic[2].level && !ioapic[0].level);
    struct irq_line pirq = ich9_pirq_line(lpc, 1), other = ich9_pirq_line(lpc, 6);
    irq_line_set(&pirq, true);
    CHECK(ioapic[17].level);
    CHECK(!pic[10].level);
    config_put(LPC, 0x61, 1, 10);
    config_put(LPC, 0x6a, 1, 10);
    CHECK(pic[10].level);
    irq_line_set(&other, true);
    irq_line_set(&pirq, false);
    CHECK(pic[10].level && ioapic[22].level && !ioapic[17].level);
    irq_line_set(&other, false);
    CHECK(!pic[10].level && !ioapic[22].level);
    CHECK(!ioapic[10].level);
    struct irq_line gsi = ich9_gsi_line(lpc, 17); /* shared */
    irq_line_set(&gsi, true);
    irq_line_set(&pirq, true);
    irq_line_set(&gsi, false);
    CHECK(ioapic[17].level);
    test_machine_destroy(test);
}

/* A function's pins: slots are swizzled over E to H, the chipset's own are not. */
static void pirq_wiring(void)
{
    struct pci_function functions[3];
    static const struct {
        int devfn;
        uint8_t pin, gsi;
    } cases[] = {{2 << 3, 1, 22}, {3 << 3, 2, 20}, {31 << 3 | 2, 1, 16}};
    memset(functions, 0, sizeof(functions));
    start();
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        static const char *const names[] = {"one", "two", "three"};
        CHECK(pci_function_init(
            &functions[i], machine, q35_host_bus(host),
            &(struct pci_config){.name = names[i], .devfn = cases[i].devfn, .interrupt_pin = cases[i].pin},
            NULL));
        pci_intx_set(&functions[i], true);
        CHECK(ioapic[cases[i].gsi].level);
        pci_intx_set(&functions[i], false);
        CHECK(!ioapic[cases[i].gsi].level);
    }
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++)
        pci_function_fini(&functions[i]);
    test_machine_destroy(test);
}

static void pm_timer(void)
{
    start_pm();
    uint64_t value;
    CHECK_EQ(test_in(test, PM + 8, 4), 0);
    test_advance(test, 1000000000);
    CHECK_EQ(test_in(test, PM + 8, 4), 3579545);
    test_advance(test, 4000000000);
    CHECK_EQ(test_in(test, PM + 8, 4), 5 * 3579545 & 0xffffff);
    CHECK_EQ(test_in(test, PM, 2), 1); /* its top bit has changed */
    test_out(test, PM, 2, 1);
    CHECK_EQ(test_in(test, PM, 2), 0);
    test_out(test, PM + 2, 2, 1);
    test_out(test, 0xb2, 1, ICH9_ACPI_ENABLE);
    CHECK_EQ(test_in(test, PM + 4, 2), 1);
    CHECK(!ioapic[9].level);
    test_advance(test, 2400000000);
    CHECK(ioapic[9].level && pic[9].level);
    test_out(test, PM, 2, 1);
    CHECK(!ioapic[9].level && !pic[9].level);
    /* Elsewhere, and off. */
    config_put(LPC, 0x40, 4, 0xb001);
    CHECK(!bus_read(machine->mem.pio, PM, 2, &value));
    CHECK_EQ(test_in(test, 0xb002, 2), 1);
    config_put(LPC, 0x44, 1, 0);
    CHECK(!bus_read(machine->mem.pio, 0xb002, 2, &value));
    test_machine_destroy(test);
}

static void events(void)
{
    start_pm();
    test_out(test, PM + 4, 2, 1);
    test_out(test, PM + 3, 1, 0x01); /* the button, by bytes */
    ich9_power_button(lpc);
    CHECK(ioapic[9].level);
    CHECK_EQ(test_in(test, PM + 1, 1), 0x01);
    test_out(test, PM + 1, 1, 0x01);
    CHECK(!ioapic[9].level);
    struct irq_line gpe = ich9_gpe_line(lpc, 33);
    irq_line_set(&gpe, true);
    CHECK_EQ(test_in(test, PM + 0x24, 4), 2);
    CHECK(!ioapic[9].level);
    test_out(test, PM + 0x2c, 4, 2);
    CHECK(ioapic[9].level);
    test_out(test, PM + 0x24, 1, 2);
    CHECK(!ioapic[9].level);
    config_put(LPC, 0x44, 1, 0x82); /* as interrupt 11 */
    ich9_power_button(lpc);
    CHECK(ioapic[11].level && pic[11].level);
    test_machine_destroy(test);
}

static void sleeps(void)
{
    static const struct {
        unsigned type;
        enum machine_request request;
    } cases[] = {{0, MACHINE_POWER_OFF}, {7, MACHINE_POWER_OFF}, {5, MACHINE_SUSPEND}, {1, MACHINE_SUSPEND}};
    start_pm();
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        test_out(test, PM + 4, 2, cases[i].type << 10);
        CHECK_EQ(test->requests, i);
        test_out(test, PM + 4, 2, cases[i].type << 10 | 0x2000);
        CHECK_EQ(test->requests, i + 1);
        CHECK_EQ(test->request, cases[i].request);
    }
    CHECK_EQ(test_in(test, PM + 4, 2) & 0x2000, 0);
    test_machine_destroy(test);
}

/* 13.8.3.1: the clock wakes where it may, the button always; PM1_STS tells which, and that it slept. */
static void wakes(void)
{
    start_pm();
    struct irq_line rtc = ich9_rtc_line(lpc);
    ich9_sleep(lpc);
    irq_line_set(&rtc, true);
    CHECK_EQ(test->requests, 0);
    test_out(test, PM + 2, 2, 0x400);
    CHECK_EQ(test->requests, 1);
    CHECK_EQ(test->request, MACHINE_WAKE);
    machine_devices_reset(machine, false);
    config_put(LPC, 0x40, 4, PM | 1);
    config_put(LPC, 0x44, 1, 0x80);
    ich9_wake(lpc);
    CHECK_EQ(test_in(test, PM, 2), 0x8400);
    ich9_power_button(lpc); /* awake, it is an event like others */
    CHECK_EQ(test->requests, 1);
    test_out(test, PM, 2, 0xffff);
    ich9_sleep(lpc);
    ich9_power_button(lpc);
    CHECK_EQ(test->requests, 2);
    CHECK_EQ(test->request, MACHINE_WAKE);
    test_machine_destroy(test);
}

static void management_interrupts(void)
{
    start_pm();
    test_out(test, 0xb3, 1, 0x77);
    test_out(test, 0xb2, 1, 0x55);
    CHECK_EQ(smi.rises, 0);
    test_out(test, PM + 0x30, 4, 0x21);
    test_out(test, 0xb2, 1, 0x55);
    CHECK_EQ(smi.rises, 1);
    config_put(LPC, 0xa0, 1, 0x10); /* GEN_PMCON_1: SMI_LOCK keeps the global enable, and itself */
    test_out(test, PM + 0x30, 4, 0x20);
    CHECK_EQ(test_in(test, PM + 0x30, 4), 0x21);
    config_put(LPC, 0xa0, 1, 0x00);
    CHECK_EQ(config_get(LPC, 0xa0, 1), 0x10);
    CHECK_EQ(test_in(test, PM + 0x34, 4), 0x20);
    CHECK_EQ(test_in(test, 0xb2, 1), 0x55);
    CHECK_EQ(test_in(test, 0xb3, 1), 0x77);
    test_out(test, PM + 0x34, 4, 0x20);
    CHECK_EQ(test_in(test, PM + 0x34, 4), 0);
    test_out(test, 0xb2, 1, ICH9_ACPI_ENABLE);
    CHECK_EQ(test_in(test, PM + 4, 2), 1);
    test_out(test, 0xb2, 1, ICH9_ACPI_DISABLE);
    CHECK_EQ(test_in(test, PM + 4, 2), 0);
    test_machine_destroy(test);
}

static void chipset_registers(void)
{
    start();
    uint64_t value;
    CHECK(!bus_read(machine->mem.mmio, 0xfed1c000, 4, &value));
    config_put(LPC, 0xf0, 4, 0xfed1c001);
    CHECK_EQ(test_load(test, 0xfed1f140, 2), 0x3210);
    CHECK_EQ(test_load(test, 0xfed1f144, 4), 0x32103210);
    test_store(test, 0xfed1f140, 2, 0x1230);
    test_store(test, 0xfed1f404, 1, 0x80);
    CHECK_EQ(test_load(test, 0xfed1f140, 4), 0x1230);
    CHECK_EQ(test_load(test, 0xfed1f404, 4), 0x80);
    test_save_load(test);
    CHECK_EQ(test_load(test, 0xfed1f140, 4), 0x1230);
    test_machine_destroy(test);
}

static void wild_accesses(void)
{
    start_pm();
    for (unsigned i = 0; i < 30000; i++) {
        unsigned where = test_random() & 1 ? 0 : LPC, width = 1u << test_random() % 3;
        unsigned offset = (unsigned)(test_random() % 256) & ~(width - 1);
        uint32_t value = (uint32_t)test_random();
        switch (test_random() % 3) {
        case 0: config_put(where, offset, width, value); break;
        case 1: bus_write(machine->mem.pio, PM + offset % 128, value, width); break;
        default: test_out(test, test_random() & 1 ? 0x92 : 0xb2, 1, value & 0xff);
        }
    }
    test_reset(test);
    CHECK_EQ(config_get(0, 0, 4), 0x29c08086);
    test_machine_destroy(test);
}

static const struct test_case cases[] = {
    {"identities", identities},
    {"ecam", ecam},
    {"memory_map", memory_map},
    {"shadow", shadow},
    {"smram", smram},
    {"reset_ports", reset_ports},
    {"a20_gate", a20_gate},
    {"interrupt_routes", interrupt_routes},
    {"pirq_wiring", pirq_wiring},
    {"pm_timer", pm_timer},
    {"events", events},
    {"sleeps", sleeps},
    {"wakes", wakes},
    {"management_interrupts", management_interrupts},
    {"chipset_registers", chipset_registers},
    {"wild_accesses", wild_accesses},
};
TEST_SUITE(q35_test, "unit", cases);
