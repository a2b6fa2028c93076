/* The DSDT of the PC: its devices as ACPI describes them. */
#include <stdio.h>
#include <string.h>

#include "machine/pc_board.h"

static void sleep_state(struct aml *aml, const char *name, uint64_t type)
{
    aml_name(aml, name);
    aml_package(aml, 4);
    aml_int(aml, type);
    aml_int(aml, type);
    aml_int(aml, 0);
    aml_int(aml, 0);
    aml_end(aml);
}

/* PM1_CNT's sleep types (7.4.2). Waking up is the board's part without firmware; others' does not know what
 * to do here. */
static void sleep_states(struct aml *aml, const struct pc_board *board)
{
    if (!board->plan.firmware)
        sleep_state(aml, "\\_S3", 1);
    sleep_state(aml, "\\_S5", 0);
}

/* --- on the ISA bus --- */

static void isa_device(struct aml *aml, const char *name, const char *id)
{
    aml_device(aml, name);
    aml_name_eisa_id(aml, "_HID", id);
    aml_name(aml, "_CRS");
    aml_resources(aml);
}

static void isa_device_end(struct aml *aml)
{
    aml_end(aml);
    aml_end(aml);
}

static void uart(struct aml *aml, unsigned number, uint16_t port, enum pc_irq irq)
{
    char name[12];
    snprintf(name, sizeof(name), "COM%u", number);
    aml_device(aml, name);
    aml_name_eisa_id(aml, "_HID", "PNP0501");
    aml_name_int(aml, "_UID", number);
    aml_name(aml, "_CRS");
    aml_resources(aml);
    aml_io(aml, port, 8);
    aml_irq(aml, irq);
    isa_device_end(aml);
}

/* Which drives there are, an operating system asks CMOS, as it always has. */
static void diskettes(struct aml *aml)
{
    isa_device(aml, "FDC0", "PNP0700");
    aml_io(aml, 0x3f2, 4);
    aml_io(aml, 0x3f7, 1);
    aml_irq(aml, PC_IRQ_FLOPPY);
    aml_dma(aml, PC_DMA_FLOPPY);
    isa_device_end(aml);
}

static void isa_bus(struct aml *aml, const struct pc_board *board)
{
    aml_device(aml, "ISA");
    aml_name_int(aml, "_ADR", 31u << 16);

    isa_device(aml, "RTC", "PNP0B00");
    aml_io(aml, 0x70, 8);
    aml_irq(aml, PC_IRQ_RTC);
    isa_device_end(aml);

    isa_device(aml, "KBD", "PNP0303");
    aml_io(aml, 0x60, 1);
    aml_io(aml, 0x64, 1);
    aml_irq(aml, PC_IRQ_KEYBOARD);
    isa_device_end(aml);

    isa_device(aml, "MOU", "PNP0F13");
    aml_irq(aml, PC_IRQ_MOUSE);
    isa_device_end(aml);

    isa_device(aml, "DMAC", "PNP0200");
    aml_io(aml, 0x00, 16);
    aml_io(aml, 0x80, 16);
    aml_io(aml, 0xc0, 32);
    aml_dma(aml, 4); /* the cascade */
    isa_device_end(aml);

    if (board->floppies)
        diskettes(aml);
    uart(aml, 1, PC_COM1, PC_IRQ_COM1);
    uart(aml, 2, PC_COM2, PC_IRQ_COM2);
    aml_end(aml);
}

/* --- of the board itself --- */

static void hpet(struct aml *aml)
{
    aml_device(aml, "HPET");
    aml_name_eisa_id(aml, "_HID", "PNP0103");
    aml_name(aml, "_CRS");
    aml_resources(aml);
    aml_memory32_fixed(aml, (uint32_t)PC_HPET, 0x400, false);
    isa_device_end(aml);
}

static void fw_cfg(struct aml *aml)
{
    aml_device(aml, "FWCF");
    aml_name_string(aml, "_HID", "QEMU0002");
    aml_name_int(aml, "_STA", 0xb); /* present, enabled, working, not shown */
    aml_name(aml, "_CRS");
    aml_resources(aml);
    aml_io(aml, PC_FW_CFG, 12);
    isa_device_end(aml);
}

/* --- PCI --- */

/* The line that a slot's pin (0: INTA) is wired to. */
static unsigned pirq_of(unsigned slot, unsigned pin)
{
    return q35_pirq((unsigned)pci_devfn(slot, 0), pin + 1);
}

static const char *link_name(unsigned pirq)
{
    static const char *const names[ICH9_PIRQS] = {"LNKA", "LNKB", "LNKC", "LNKD",
                                                  "LNKE", "LNKF", "LNKG", "LNKH"};
    return names[pirq];
}

/* To links, whose setting the 8259 pair gets. */
static struct aml_route link_route(unsigned slot, unsigned pin)
{
    struct aml_route route = {.gsi = 0};
    strcpy(route.link, link_name(pirq_of(slot, pin)));
    return route;
}

static struct aml_route apic_route(unsigned slot, unsigned pin)
{
    return (struct aml_route){.gsi = PC_GSI_PIRQ + pirq_of(slot, pin)};
}

/* The links keep what was set up before the operating system came: two interrupts. */
static void links(struct aml *aml)
{
    for (unsigned i = 0; i < ICH9_PIRQS; i++)
        aml_pci_link(aml, link_name(i), i, AML_LEVEL_HIGH_SHARED, i & 2 ? 11 : 10);
}

/* 5.8.1: the operating system tells which interrupt controllers it uses: 1 for the I/O APIC. */
static void interrupt_model(struct aml *aml)
{
    aml_name_int(aml, "\\PICF", 0);
    aml_method(aml, "\\_PIC", 1, false);
    aml_op(aml, AML_STORE);
    aml_op(aml, AML_ARG0);
    aml_path(aml, "\\PICF");
    aml_end(aml);
}

static void routing(struct aml *aml)
{
    aml_pci_routing(aml, "PRTP", link_route);
    aml_pci_routing(aml, "PRTA", apic_route);
    aml_method(aml, "_PRT", 0, false);
    aml_if(aml);
    aml_path(aml, "\\PICF");
    aml_op(aml, AML_RETURN);
    aml_path(aml, "PRTA");
    aml_end(aml);
    aml_op(aml, AML_RETURN);
    aml_path(aml, "PRTP");
    aml_end(aml);
}

static void windows(struct aml *aml)
{
    static const struct aml_window all[] = {
        {AML_RANGE_BUS, 2, 0, PC_ECAM_SIZE / MIB, 0},
        {AML_RANGE_IO, 2, 0, 0xcf8, 0},
        {AML_RANGE_IO, 2, 0xd00, 0xf300, 0},
        {AML_RANGE_MEMORY, 4, PC_VIDEO, PC_ROM - PC_VIDEO, 0},
        {AML_RANGE_MEMORY, 4, PC_PCI_LOW, PC_PCI_LOW_SIZE, 0},
        {AML_RANGE_MEMORY, 8, PC_PCI_HIGH, PC_PCI_HIGH_SIZE, 0},
    };
    aml_name(aml, "_CRS");
    aml_resources(aml);
    aml_io(aml, 0xcf8, 8);
    aml_windows(aml, all, ARRAY_LEN(all));
    aml_end(aml);
}

/* The configuration space must be reserved by a device of the namespace (PCI Firmware 3.2, 4.1.2). */
static void reservation(struct aml *aml)
{
    aml_device(aml, "RES0");
    aml_name_eisa_id(aml, "_HID", "PNP0C02");
    aml_name(aml, "_CRS");
    aml_resources(aml);
    aml_memory32_fixed(aml, (uint32_t)PC_ECAM, (uint32_t)PC_ECAM_SIZE, true);
    aml_io(aml, PC_PM_BASE, 0x80);
    isa_device_end(aml);
}

static void pci_host(struct aml *aml, const struct pc_board *board)
{
    aml_pci_host(aml);
    links(aml);
    routing(aml);
    windows(aml);
    aml_pci_control(aml);
    isa_bus(aml, board);
    aml_end(aml);
}

void pc_dsdt_make(struct aml *aml, const struct pc_board *board)
{
    sleep_states(aml, board);
    interrupt_model(aml);
    aml_scope(aml, "\\_SB");
    aml_processors(aml, board->run->vcpu_count);
    pci_host(aml, board);
    reservation(aml);
    hpet(aml);
    fw_cfg(aml);
    aml_end(aml);
}
