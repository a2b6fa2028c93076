/* Expected values are those of the PCI Local Bus 3.0 and PCI Express Base specifications. */
#include "devices/pci/pci.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "devices/pci/pci_host_ecam.h"
#include "tests/devices/machine_support.h"

#define ECAM     ((uint64_t)0x30000000)
#define LOW      ((uint64_t)0x40000000)
#define LOW_SIZE ((uint64_t)0x40000000)
#define HIGH     ((uint64_t)0x400000000)
#define HIGH_MAX ((uint64_t)0x400000000)
#define IO       ((uint64_t)0x3000000)
#define SLOT     3

static struct test_machine *test;
static struct pci_host_ecam *host;
static struct test_irq intx[4];
static struct msi_message messages[64];
static unsigned message_count;
static bool receiver_there;

/* A device with a register BAR of each kind, a memory BAR and a pin. */
struct probe {
    struct pci_function pci;
    uint64_t last_write, last_offset;
    unsigned config_writes;
    struct ram_block *block;
};
static struct probe probe;

static uint64_t probe_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)opaque;
    return bits_get(0x1122334455667700 | offset, 0, 8 * width);
}

static void probe_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    (void)width;
    struct probe *p = opaque;
    p->last_write = value;
    p->last_offset = offset;
}

static void probe_config_written(void *opaque, unsigned offset, unsigned width)
{
    (void)offset, (void)width;
    ((struct probe *)opaque)->config_writes++;
}

static bool deliver(void *opaque, struct msi_message message)
{
    (void)opaque;
    if (message_count < ARRAY_LEN(messages))
        messages[message_count++] = message;
    return receiver_there;
}

static void start_with(bool msi)
{
    test = test_machine_create(MIB);
    message_count = 0;
    receiver_there = true;
    struct pci_host_ecam_config config = {
        .name = "pcie",
        .ecam_base = ECAM,
        .ecam_size = 256 * MIB,
        .memory = {{LOW, LOW_SIZE, LOW}, {HIGH, HIGH_MAX, HIGH}},
        .io = {IO, 64 * KIB, 0},
        .msi = {.deliver = msi ? deliver : NULL},
    };
    for (unsigned i = 0; i < 4; i++) {
        intx[i] = (struct test_irq){0};
        config.intx[i] = test_irq_line(&intx[i]);
    }
    host = pci_host_ecam_create(&test->machine, &config, NULL);
    CHECK(host != NULL);
}

static struct bus_region registers(uint64_t offset, uint64_t size)
{
    return (struct bus_region){.name = "probe",
                               .base = offset,
                               .size = size,
                               .read = probe_read,
                               .write = probe_write,
                               .opaque = &probe};
}

#define MSIX_BAR 1

static void start(void)
{
    start_with(true);
    memset(&probe, 0, sizeof(probe));
    CHECK(pci_function_init(&probe.pci, &test->machine, pci_host_ecam_bus(host),
                            &(struct pci_config){.name = "probe",
                                                 .devfn = pci_devfn(SLOT, 0),
                                                 .vendor = 0x1234,
                                                 .device = 0x5678,
                                                 .subsystem_vendor = 0x9abc,
                                                 .subsystem = 0xdef0,
                                                 .class_code = 0x020301,
                                                 .revision = 7,
                                                 .interrupt_pin = 2,
                                                 .config_written = probe_config_written,
                                                 .opaque = &probe},
                            NULL));
    struct bus_region part = registers(0x100, 0x100);
    pci_bar_add(&probe.pci, 0, 4096, 0);
    pci_bar_region(&probe.pci, 0, &part);
    pci_bar_add(&probe.pci, MSIX_BAR, 4096, 0);
    part = registers(0, 0x20);
    pci_bar_add(&probe.pci, 2, 0x20, PCI_BAR_IO);
    pci_bar_region(&probe.pci, 2, &part);
    probe.block = ram_block_create(test->machine.mem.ram, "vram", 64 * KIB, NULL);
    pci_bar_add(&probe.pci, 4, 64 * KIB, PCI_BAR_64 | PCI_BAR_PREFETCH);
    pci_bar_memory(&probe.pci, 4, 0, probe.block);
}

static void finish(void)
{
    if (probe.pci.bus)
        pci_function_fini(&probe.pci);
    probe.pci.bus = NULL;
    test_machine_destroy(test);
}

static uint64_t config_address(unsigned slot, unsigned function, unsigned offset)
{
    return ECAM + (uint64_t)pci_devfn(slot, function) * 4096 + offset;
}

static uint32_t get(unsigned offset, unsigned width)
{
    return (uint32_t)test_load(test, config_address(SLOT, 0, offset), width);
}

static void put(unsigned offset, unsigned width, uint32_t value)
{
    test_store(test, config_address(SLOT, 0, offset), width, value);
}

static unsigned capability_find(uint8_t id)
{
    unsigned offset = get(PCI_CAPABILITIES, 1);
    for (unsigned i = 0; offset && i < 48; i++, offset = get(offset + 1, 1))
        if (get(offset, 1) == id)
            return offset;
    return 0;
}

static void absent_functions(void)
{
    start_with(false);
    CHECK_EQ(test_load(test, config_address(5, 0, 0), 4), 0xffffffff);
    CHECK_EQ(test_load(test, config_address(5, 0, 0), 2), 0xffff);
    CHECK_EQ(test_load(test, config_address(0, 1, 0), 1), 0xff);
    CHECK_EQ(test_load(test, ECAM + (1 << 20), 4), 0xffffffff);
    CHECK_EQ(test_load(test, ECAM + 256 * MIB - 4, 4), 0xffffffff);
    test_store(test, config_address(5, 0, 4), 4, 0xffffffff);
    /* The bridge itself. */
    CHECK_EQ(test_load(test, config_address(0, 0, PCI_CLASS_CODE + 1), 2), 0x0600);
    CHECK_EQ(test_load(test, config_address(0, 0, PCI_HEADER_TYPE), 1), 0);
    test_machine_destroy(test);
}

static void header(void)
{
    start();
    CHECK_EQ(get(0, 4), 0x56781234);
    CHECK_EQ(get(PCI_REVISION_ID, 4), 0x02030107);
    CHECK_EQ(get(PCI_SUBSYSTEM_VENDOR_ID, 4), 0xdef09abc);
    CHECK_EQ(get(PCI_INTERRUPT_PIN, 1), 2);
    CHECK_EQ(get(PCI_COMMAND, 4), 0);
    put(0, 4, 0);
    put(PCI_REVISION_ID, 4, 0);
    CHECK_EQ(get(0, 4), 0x56781234);
    CHECK_EQ(get(PCI_REVISION_ID, 4), 0x02030107);
    put(PCI_COMMAND, 2, 0xffff);
    CHECK_EQ(get(PCI_COMMAND, 2), 0x0547);
    put(PCI_INTERRUPT_LINE, 1, 0x5a);
    CHECK_EQ(get(PCI_INTERRUPT_LINE, 2), 0x025a);
    CHECK_EQ(probe.config_writes, 4);
    /* An 8-byte access is two of four. */
    CHECK_EQ(test_load(test, config_address(SLOT, 0, 0), 8), 0x0000054756781234);
    finish();
}

static void bar_sizing(void)
{
    start();
    CHECK_EQ(get(PCI_BAR0, 4), 0);
    CHECK_EQ(get(PCI_BAR0 + 8, 4), 1);
    CHECK_EQ(get(PCI_BAR0 + 16, 4), 0xc);
    for (unsigned i = 0; i < 6; i++)
        put(PCI_BAR0 + 4 * i, 4, 0xffffffff);
    CHECK_EQ(get(PCI_BAR0, 4), 0xfffff000);
    CHECK_EQ(get(PCI_BAR0 + 8, 4), 0xffffffe1);
    CHECK_EQ(get(PCI_BAR0 + 12, 4), 0); /* not there */
    CHECK_EQ(get(PCI_BAR0 + 16, 4), 0xffff000c);
    CHECK_EQ(get(PCI_BAR0 + 20, 4), 0xffffffff);
    /* The expansion ROM is not there either. */
    put(0x30, 4, 0xffffffff);
    CHECK_EQ(get(0x30, 4), 0);
    finish();
}

static void bar_decoding(void)
{
    start();
    put(PCI_BAR0, 4, LOW + 0x10000);
    /* Nothing is decoded until the command register says so; a window reads as ones where nothing is. */
    CHECK_EQ(test_load(test, LOW + 0x10100, 4), 0xffffffff);
    put(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    CHECK_EQ(test_load(test, LOW + 0x10104, 4), 0x55667704);
    CHECK_EQ(test_load(test, LOW + 0x10000, 4), 0xffffffff); /* in the BAR, where it has no register */
    test_store(test, LOW + 0x10108, 4, 0xabcd);
    CHECK_EQ(probe.last_write, 0xabcd);
    CHECK_EQ(probe.last_offset, 8);
    /* Moved. */
    put(PCI_BAR0, 4, LOW + 0x20000);
    CHECK_EQ(test_load(test, LOW + 0x10104, 4), 0xffffffff);
    CHECK_EQ(test_load(test, LOW + 0x20104, 4), 0x55667704);
    /* Sized while it is decoded, and put back: nothing else is hidden meanwhile. */
    put(PCI_BAR0, 4, 0xffffffff);
    CHECK_EQ(test_load(test, LOW + 0x20104, 4), 0xffffffff);
    put(PCI_BAR0, 4, LOW + 0x20000);
    CHECK_EQ(test_load(test, LOW + 0x20104, 4), 0x55667704);
    put(PCI_COMMAND, 2, 0);
    CHECK_EQ(test_load(test, LOW + 0x20104, 4), 0xffffffff);
    finish();
}

static void bar_ports(void)
{
    start();
    put(PCI_BAR0 + 8, 4, 0x1000);
    put(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    CHECK_EQ(test_load(test, IO + 0x1004, 1), 0xff);
    put(PCI_COMMAND, 2, PCI_COMMAND_IO);
    CHECK_EQ(test_load(test, IO + 0x1004, 1), 0x04);
    test_store(test, IO + 0x101c, 4, 77);
    CHECK_EQ(probe.last_offset, 0x1c);
    CHECK_EQ(test_load(test, IO + 0x1020, 1), 0xff);
    /* Ports begin with 0: firmware deals them out from there. */
    put(PCI_BAR0 + 8, 4, 0);
    CHECK_EQ(test_load(test, IO + 4, 1), 0x04);
    finish();
}

static void bar_memory(void)
{
    start();
    uint64_t value;
    const struct physmem *mem = &test->machine.mem;
    ram_block_host(probe.block)[0x123] = 0x42;
    put(PCI_BAR0 + 16, 4, 0);
    put(PCI_BAR0 + 20, 4, 5); /* in the high window */
    put(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    CHECK_EQ(test_load(test, 0x500000123, 1), 0x42);
    CHECK(ram_at(mem->ram, gpa(0x500000000), 64 * KIB, RAM_WRITE) != NULL);
    /* Outside every window the processor can't reach it. */
    put(PCI_BAR0 + 20, 4, 0x10);
    CHECK(!physmem_load(mem, gpa(0x1000000000), 4, &value));
    /* Over RAM: refused, and RAM is as it was. */
    put(PCI_BAR0 + 20, 4, 0);
    put(PCI_BAR0 + 16, 4, TEST_RAM_BASE);
    test_store(test, TEST_RAM_BASE + 0x123, 1, 9);
    CHECK_EQ(ram_block_host(probe.block)[0x123], 0x42);
    put(PCI_BAR0 + 16, 4, LOW);
    CHECK_EQ(test_load(test, LOW + 0x123, 1), 0x42);
    finish();
}

/* Two BARs at one address: one of them answers and nothing breaks. */
/* PCI 6.2.5.2: decoded while both its own enable and the function's memory space are on; never written. */
static void expansion_rom(void)
{
    start();
    struct ram_block *rom = ram_block_create(test->machine.mem.ram, "rom", 64 * KIB, NULL);
    uint64_t value;
    ram_block_host(rom)[0] = 0x55;
    ram_block_host(rom)[1] = 0xaa;
    pci_rom_add(&probe.pci, rom);
    put(PCI_ROM_ADDRESS, 4, 0xfffff800);
    CHECK_EQ(get(PCI_ROM_ADDRESS, 4), 0xffff0000);
    put(PCI_ROM_ADDRESS, 4, (uint32_t)LOW + 0x10000);
    put(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    CHECK(!ram_at(test->machine.mem.ram, gpa(LOW + 0x10000), 2, RAM_READ));
    put(PCI_ROM_ADDRESS, 4, (uint32_t)LOW + 0x10001);
    CHECK_EQ(test_load(test, LOW + 0x10000, 2), 0xaa55);
    CHECK(!ram_at(test->machine.mem.ram, gpa(LOW + 0x10000), 2, RAM_WRITE));
    put(PCI_COMMAND, 2, 0);
    CHECK(!physmem_load(&test->machine.mem, gpa(LOW + 0x10000), 2, &value) || value == 0xffff);
    finish();
}

static void bar_overlap(void)
{
    start();
    put(PCI_BAR0, 4, LOW);
    put(PCI_BAR0 + 16, 4, LOW);
    put(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    test_load(test, LOW + 0x100, 4);
    put(PCI_BAR0 + 16, 4, LOW + 0x100000);
    CHECK_EQ(test_load(test, LOW + 0x104, 4), 0x55667704);
    /* The other way round: who was hidden answers when the first one leaves. */
    put(PCI_BAR0 + 16, 4, LOW);
    put(PCI_BAR0, 4, LOW + 0x100000);
    ram_block_host(probe.block)[0x123] = 0x42;
    CHECK_EQ(test_load(test, LOW + 0x123, 1), 0x42);
    CHECK_EQ(test_load(test, LOW + 0x100104, 4), 0x55667704);
    finish();
}

/* PCI-to-PCI bridge 9.1: slot and pin together choose the line. */
static void pins(void)
{
    start();
    struct pci_function other = {0};
    CHECK(pci_function_init(
        &other, &test->machine, pci_host_ecam_bus(host),
        &(struct pci_config){.name = "other", .devfn = pci_devfn(4, 0), .interrupt_pin = 1}, NULL));
    /* INTB of slot 3 and INTA of slot 4 are the same line, 0. */
    pci_intx_set(&probe.pci, true);
    CHECK(intx[0].level && !intx[1].level && !intx[2].level && !intx[3].level);
    pci_intx_set(&other, true);
    pci_intx_set(&probe.pci, false);
    CHECK(intx[0].level);
    CHECK_EQ(get(PCI_STATUS, 2) & PCI_STATUS_INTERRUPT, 0);
    pci_intx_set(&other, false);
    CHECK(!intx[0].level);
    /* The disable bit lowers the pin and not the status. */
    pci_intx_set(&probe.pci, true);
    put(PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
    CHECK(!intx[0].level);
    CHECK_EQ(get(PCI_STATUS, 2) & PCI_STATUS_INTERRUPT, PCI_STATUS_INTERRUPT);
    CHECK_EQ(get(PCI_COMMAND, 4) >> 16 & PCI_STATUS_INTERRUPT, PCI_STATUS_INTERRUPT);
    CHECK_EQ(get(PCI_STATUS, 1) & PCI_STATUS_INTERRUPT, PCI_STATUS_INTERRUPT);
    put(PCI_COMMAND, 2, 0);
    CHECK(intx[0].level);
    test_reset(test);
    CHECK(!intx[0].level);
    pci_function_fini(&other);
    finish();
}

static void slots(void)
{
    start();
    struct error err = {0};
    struct pci_function a = {0}, b = {0}, taken = {0};
    struct pci_bus *bus = pci_host_ecam_bus(host);
    CHECK(!pci_function_init(&taken, &test->machine, bus,
                             &(struct pci_config){.name = "taken", .devfn = pci_devfn(SLOT, 0)}, &err));
    CHECK_EQ(err.kind, ERROR_USAGE);
    /* Slot 0 is the bridge, so the first free one is 1. */
    CHECK(pci_function_init(&a, &test->machine, bus,
                            &(struct pci_config){.name = "a", .devfn = PCI_DEVFN_ANY}, NULL));
    CHECK_EQ(a.devfn, pci_devfn(1, 0));
    /* A second function marks the first. */
    CHECK_EQ(get(PCI_HEADER_TYPE, 1), 0);
    CHECK(pci_function_init(&b, &test->machine, bus,
                            &(struct pci_config){.name = "b", .devfn = pci_devfn(SLOT, 7), .vendor = 0x4321},
                            NULL));
    CHECK_EQ(get(PCI_HEADER_TYPE, 1), 0x80);
    CHECK_EQ(test_load(test, config_address(SLOT, 7, 0), 2), 0x4321);
    pci_function_fini(&b);
    CHECK_EQ(get(PCI_HEADER_TYPE, 1), 0);
    pci_function_fini(&a);
    finish();
}

static void capabilities(void)
{
    start();
    CHECK_EQ(get(PCI_STATUS, 2) & PCI_STATUS_CAPABILITIES, 0);
    pci_express_add(&probe.pci);
    unsigned vendor = pci_capability_add(&probe.pci, PCI_CAP_VENDOR, 0x11);
    pci_config_define(&probe.pci, vendor + 2, 1, 0x11, 0);
    pci_config_define(&probe.pci, vendor + 4, 4, 0x01020304, 0x00ff00ff);
    CHECK_EQ(get(PCI_STATUS, 2) & PCI_STATUS_CAPABILITIES, PCI_STATUS_CAPABILITIES);
    unsigned express = capability_find(PCI_CAP_EXPRESS);
    CHECK(express >= 0x40);
    CHECK_EQ(capability_find(PCI_CAP_VENDOR), vendor);
    CHECK_EQ(capability_find(PCI_CAP_MSI), 0);
    CHECK_EQ(get(express + 2, 2), 0x0092);
    CHECK_EQ(get(express + 8, 2), 0x2810);
    put(vendor + 4, 4, 0xffffffff);
    CHECK_EQ(get(vendor + 4, 4), 0x01ff03ff);
    test_reset(test);
    CHECK_EQ(get(vendor + 4, 4), 0x01020304);
    finish();
}

static void put64(unsigned offset, uint64_t value)
{
    put(offset, 4, (uint32_t)value);
    put(offset + 4, 4, (uint32_t)(value >> 32));
}

static void check_message(unsigned n, uint64_t address, uint32_t data)
{
    if (!CHECK_EQ(message_count, n + 1))
        return;
    CHECK_EQ(messages[n].address, address);
    CHECK_EQ(messages[n].data, data);
}

static void msi(void)
{
    start();
    CHECK(pci_msi_add(&probe.pci, 4));
    unsigned cap = capability_find(PCI_CAP_MSI);
    CHECK_EQ(get(cap + PCI_MSI_CONTROL, 2), 0x0184);
    put(cap + PCI_MSI_CONTROL, 2, 0xffff);
    CHECK_EQ(get(cap + PCI_MSI_CONTROL, 2), 0x01f5);
    put(cap + PCI_MSI_CONTROL, 2, 0);
    put64(cap + PCI_MSI_ADDRESS, 0x123456789b);
    CHECK_EQ(get(cap + PCI_MSI_ADDRESS, 4), 0x34567898);
    put(cap + PCI_MSI_DATA, 4, 0xffff5aa3);
    CHECK_EQ(get(cap + PCI_MSI_DATA, 4), 0x5aa3);
    pci_msi_notify(&probe.pci, 0);
    CHECK_EQ(message_count, 0);
    put(PCI_COMMAND, 2, PCI_COMMAND_MASTER);
    put(cap + PCI_MSI_CONTROL, 2, 0x21); /* enabled, four messages */
    pci_msi_notify(&probe.pci, 2);
    check_message(0, 0x1234567898, 0x5aa2);
    pci_msi_notify(&probe.pci, 4); /* there is no such vector */
    CHECK_EQ(message_count, 1);
    put(cap + PCI_MSI_CONTROL, 2, 0x01); /* one message: no bits of the vector */
    pci_msi_notify(&probe.pci, 2);
    check_message(1, 0x1234567898, 0x5aa3);
    /* Masked: kept, and sent once when the mask goes. */
    put(cap + PCI_MSI_MASK, 4, 0xffffffff);
    CHECK_EQ(get(cap + PCI_MSI_MASK, 4), 0xf);
    pci_msi_notify(&probe.pci, 1);
    pci_msi_notify(&probe.pci, 1);
    CHECK_EQ(get(cap + PCI_MSI_PENDING, 4), 2);
    CHECK_EQ(message_count, 2);
    put(cap + PCI_MSI_MASK, 4, 0xd);
    CHECK_EQ(message_count, 3);
    CHECK_EQ(get(cap + PCI_MSI_PENDING, 4), 0);
    finish();
}

#define TABLE (LOW + 0x800)
#define PBA   (LOW + 0xc00)

static unsigned msix_start(unsigned vectors)
{
    start();
    CHECK(pci_msix_add(&probe.pci, vectors, MSIX_BAR, 0x800, 0xc00));
    put(PCI_BAR0 + 4 * MSIX_BAR, 4, LOW);
    put(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    for (unsigned i = 0; i < vectors; i++) {
        test_store(test, TABLE + 16 * i, 8, 0xfee00000 + 0x1000 * i);
        test_store(test, TABLE + 16 * i + 8, 4, 0x40 + i);
    }
    return capability_find(PCI_CAP_MSIX);
}

static void msix(void)
{
    unsigned cap = msix_start(5);
    CHECK_EQ(get(cap + PCI_MSIX_CONTROL, 2), 4);
    CHECK_EQ(get(cap + PCI_MSIX_TABLE, 4), 0x801);
    CHECK_EQ(get(cap + PCI_MSIX_PBA, 4), 0xc01);
    put(cap + PCI_MSIX_CONTROL, 2, 0xffff);
    CHECK_EQ(get(cap + PCI_MSIX_CONTROL, 2), 0xc004);
    /* 6.8.2: every vector is masked after a reset. */
    CHECK_EQ(test_load(test, TABLE + 12, 4), 1);
    put(cap + PCI_MSIX_CONTROL, 2, PCI_MSIX_CONTROL_ENABLE);
    pci_msix_notify(&probe.pci, 3);
    CHECK_EQ(message_count, 0);
    CHECK_EQ(test_load(test, PBA, 8), 8);
    test_store(test, TABLE + 16 * 3 + 12, 4, 0);
    check_message(0, 0xfee03000, 0x43);
    CHECK_EQ(test_load(test, PBA, 8), 0);
    pci_msix_notify(&probe.pci, 3);
    check_message(1, 0xfee03000, 0x43);
    /* The function mask holds all of them. */
    put(cap + PCI_MSIX_CONTROL, 2, PCI_MSIX_CONTROL_ENABLE | PCI_MSIX_CONTROL_MASK);
    pci_msix_notify(&probe.pci, 3);
    CHECK_EQ(message_count, 2);
    CHECK_EQ(test_load(test, PBA, 4), 8);
    put(cap + PCI_MSIX_CONTROL, 2, PCI_MSIX_CONTROL_ENABLE);
    CHECK_EQ(message_count, 3);
    /* Out of range, or disabled: nothing. */
    pci_msix_notify(&probe.pci, 5);
    pci_msix_notify(&probe.pci, ~0u);
    put(cap + PCI_MSIX_CONTROL, 2, 0);
    pci_msix_notify(&probe.pci, 3);
    CHECK_EQ(message_count, 3);
    finish();
}

/* While messages are in use the pin is not driven; nobody at the address is no harm. */
static void msix_and_pin(void)
{
    unsigned cap = msix_start(1);
    pci_intx_set(&probe.pci, true);
    CHECK(intx[0].level);
    put(cap + PCI_MSIX_CONTROL, 2, PCI_MSIX_CONTROL_ENABLE);
    CHECK(!intx[0].level);
    receiver_there = false;
    test_store(test, TABLE + 12, 4, 0);
    pci_msix_notify(&probe.pci, 0);
    CHECK_EQ(message_count, 1);
    /* Not a bus master: not sent at all. */
    put(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    pci_msix_notify(&probe.pci, 0);
    CHECK_EQ(message_count, 1);
    put(cap + PCI_MSIX_CONTROL, 2, 0);
    CHECK(intx[0].level);
    finish();
}

static void no_receiver(void)
{
    start_with(false);
    struct pci_function pci = {0};
    CHECK(pci_function_init(&pci, &test->machine, pci_host_ecam_bus(host),
                            &(struct pci_config){.name = "x", .devfn = pci_devfn(SLOT, 0)}, NULL));
    pci_bar_add(&pci, 1, 4096, 0);
    CHECK(!pci_msi_add(&pci, 1));
    CHECK(!pci_msix_add(&pci, 1, 1, 0, 0x800));
    CHECK_EQ(get(PCI_STATUS, 2) & PCI_STATUS_CAPABILITIES, 0);
    CHECK(!pci_msi_enabled(&pci) && !pci_msix_enabled(&pci));
    pci_msi_notify(&pci, 0);
    pci_msix_notify(&pci, 0);
    pci_function_fini(&pci);
    test_machine_destroy(test);
}

static void state(void)
{
    unsigned cap = msix_start(2);
    put(cap + PCI_MSIX_CONTROL, 2, PCI_MSIX_CONTROL_ENABLE);
    test_store(test, TABLE + 12, 4, 0);
    pci_msix_notify(&probe.pci, 1);
    put(PCI_BAR0, 4, LOW + 0x10000);
    test_save_load(test);
    CHECK_EQ(get(PCI_BAR0, 4), LOW + 0x10000);
    CHECK_EQ(test_load(test, LOW + 0x10104, 4), 0x55667704);
    CHECK_EQ(test_load(test, PBA, 8), 2);
    CHECK_EQ(test_load(test, TABLE + 16, 8), 0xfee01000);
    CHECK_EQ(message_count, 0);
    pci_msix_notify(&probe.pci, 0);
    check_message(0, 0xfee00000, 0x40);
    test_reset(test);
    CHECK_EQ(get(PCI_COMMAND, 2), 0);
    CHECK_EQ(get(PCI_BAR0, 4), 0);
    CHECK_EQ(get(cap + PCI_MSIX_CONTROL, 2), 1);
    CHECK_EQ(test_load(test, LOW + 0x10104, 4), 0xffffffff);
    finish();
}

/* Random writes to configuration space, the table and the windows; then a reset, and everything works. */
static void wild_accesses(void)
{
    unsigned cap = msix_start(5);
    CHECK(pci_msi_add(&probe.pci, 8));
    pci_express_add(&probe.pci);
    for (unsigned i = 0; i < 50000; i++) {
        unsigned width = 1u << test_random() % 4;
        unsigned offset = (unsigned)(test_random() % 0x100);
        switch (test_random() % 5) {
        case 0: test_store(test, config_address(SLOT, 0, offset), width, test_random()); break;
        case 1:
            test_store(test, config_address(SLOT, 0, PCI_BAR0 + offset % 24), width, test_random());
            break;
        case 2: test_store(test, LOW + test_random() % (LOW_SIZE - 8), width, test_random()); break;
        case 3: test_store(test, ECAM + test_random() % (256 * MIB - 8), width, test_random()); break;
        default: pci_msix_notify(&probe.pci, offset); pci_msi_notify(&probe.pci, offset);
        }
        message_count = 0;
    }
    test_reset(test);
    put(PCI_BAR0, 4, LOW);
    put(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    CHECK_EQ(test_load(test, LOW + 0x104, 4), 0x55667704);
    CHECK_EQ(get(cap + PCI_MSIX_CONTROL, 2), 4);
    finish();
}

static const struct test_case cases[] = {{"absent_functions", absent_functions},
                                         {"header", header},
                                         {"bar_sizing", bar_sizing},
                                         {"bar_decoding", bar_decoding},
                                         {"bar_ports", bar_ports},
                                         {"bar_memory", bar_memory},
                                         {"expansion_rom", expansion_rom},
                                         {"bar_overlap", bar_overlap},
                                         {"pins", pins},
                                         {"slots", slots},
                                         {"capabilities", capabilities},
                                         {"msi", msi},
                                         {"msix", msix},
                                         {"msix_and_pin", msix_and_pin},
                                         {"no_receiver", no_receiver},
                                         {"state", state},
                                         {"wild_accesses", wild_accesses}};
TEST_SUITE(pci_test, "unit", cases);
