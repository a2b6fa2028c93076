/* The DSDT of the aarch64 "virt" board: its devices as ACPI describes them. */
#include <stdio.h>

#include "machine/arm_virt_board.h"

static void gsi(struct aml *aml, enum aml_interrupt how, unsigned irq)
{
    aml_interrupt(aml, how, ARM_INTID_SPI + irq);
}

/* A device with one range of registers and one interrupt. */
static void resources(struct aml *aml, uint64_t base, uint64_t size, enum aml_interrupt how, unsigned irq)
{
    aml_name(aml, "_CRS");
    aml_resources(aml);
    aml_memory32_fixed(aml, (uint32_t)base, (uint32_t)size, true);
    gsi(aml, how, irq);
    aml_end(aml);
}

static void uart(struct aml *aml)
{
    aml_device(aml, "COM0");
    aml_name_string(aml, "_HID", "ARMH0011");
    aml_name_int(aml, "_UID", 0);
    resources(aml, ARM_UART, 0x1000, AML_LEVEL_HIGH, ARM_IRQ_UART);
    aml_end(aml);
}

static void flash(struct aml *aml)
{
    for (unsigned i = 0; i < VIRT_FLASH_BANKS; i++) {
        char name[12];
        snprintf(name, sizeof(name), "FLS%u", i);
        aml_device(aml, name);
        aml_name_string(aml, "_HID", "LNRO0015");
        aml_name_int(aml, "_UID", i);
        aml_name(aml, "_CRS");
        aml_resources(aml);
        aml_memory32_fixed(aml, (uint32_t)(ARM_FLASH + i * ARM_FLASH_SIZE), (uint32_t)ARM_FLASH_SIZE, true);
        aml_end(aml);
        aml_end(aml);
    }
}

static void fw_cfg(struct aml *aml)
{
    aml_device(aml, "FWCF");
    aml_name_string(aml, "_HID", "QEMU0002");
    aml_name_int(aml, "_STA", 0xb); /* present, enabled, working, not shown */
    aml_name_int(aml, "_CCA", 1);
    aml_name(aml, "_CRS");
    aml_resources(aml);
    aml_memory32_fixed(aml, (uint32_t)ARM_FW_CFG, FW_CFG_MMIO_SIZE, true);
    aml_end(aml);
    aml_end(aml);
}

static void virtio_slots(struct aml *aml)
{
    for (unsigned i = 0; i < ARM_VIRTIO_SLOTS; i++) {
        char name[12];
        snprintf(name, sizeof(name), "VR%02u", i);
        aml_device(aml, name);
        aml_name_string(aml, "_HID", "LNRO0005");
        aml_name_int(aml, "_UID", i);
        aml_name_int(aml, "_CCA", 1);
        resources(aml, ARM_VIRTIO + i * ARM_VIRTIO_SIZE, ARM_VIRTIO_SIZE, AML_EDGE_HIGH, ARM_IRQ_VIRTIO + i);
        aml_end(aml);
    }
}

/* The power button: an event of the GPIO's pin 3 is told to the button device (ACPI 5.6.5). */
static void power_button(struct aml *aml)
{
    char event[12];
    snprintf(event, sizeof(event), "_E%02X", ARM_POWER_PIN);
    aml_device(aml, "GPO0");
    aml_name_string(aml, "_HID", "ARMH0061");
    aml_name_int(aml, "_UID", 0);
    resources(aml, ARM_GPIO, 0x1000, AML_LEVEL_HIGH, ARM_IRQ_GPIO);
    aml_name(aml, "_AEI");
    aml_resources(aml);
    aml_gpio_edge(aml, "GPO0", ARM_POWER_PIN);
    aml_end(aml);
    aml_method(aml, event, 0, false);
    aml_op(aml, AML_NOTIFY);
    aml_path(aml, "\\_SB.PWRB");
    aml_int(aml, 0x80);
    aml_end(aml);
    aml_end(aml);

    aml_device(aml, "PWRB");
    aml_name_eisa_id(aml, "_HID", "PNP0C0C");
    aml_name_int(aml, "_UID", 0);
    aml_end(aml);
}

/* --- PCI --- */

/* ACPI 6.2.13: four pins of each slot, to four interrupts turned by the slot's number. */
static void routing_table(struct aml *aml)
{
    enum { SLOTS = 32, PINS = 4 };
    aml_name(aml, "_PRT");
    aml_package(aml, SLOTS * PINS);
    for (unsigned i = 0; i < SLOTS * PINS; i++) {
        unsigned slot = i / PINS, pin = i % PINS;
        char link[16];
        snprintf(link, sizeof(link), "GSI%u", (slot + pin) % PINS);
        aml_package(aml, 4);
        aml_int(aml, (uint64_t)slot << 16 | 0xffff);
        aml_int(aml, pin);
        aml_path(aml, link);
        aml_int(aml, 0);
        aml_end(aml);
    }
    aml_end(aml);
}

/* The four interrupts as links that can't be changed. */
static void links(struct aml *aml)
{
    for (unsigned i = 0; i < 4; i++) {
        char name[12];
        snprintf(name, sizeof(name), "GSI%u", i);
        aml_device(aml, name);
        aml_name_eisa_id(aml, "_HID", "PNP0C0F");
        aml_name_int(aml, "_UID", i);
        static const char *const settings[] = {"_PRS", "_CRS"};
        for (unsigned j = 0; j < ARRAY_LEN(settings); j++) {
            aml_name(aml, settings[j]);
            aml_resources(aml);
            gsi(aml, AML_LEVEL_HIGH, ARM_IRQ_PCI + i);
            aml_end(aml);
        }
        aml_method(aml, "_SRS", 1, false);
        aml_end(aml);
        aml_end(aml);
    }
}

static void windows(struct aml *aml)
{
    static const struct aml_window all[] = {
        {AML_RANGE_BUS, 2, 0, ARM_ECAM_SIZE / MIB, 0},
        {AML_RANGE_MEMORY, 4, ARM_PCI_LOW, ARM_PCI_LOW_SIZE, 0},
        {AML_RANGE_IO, 4, 0, ARM_PCI_IO_SIZE, ARM_PCI_IO},
        {AML_RANGE_MEMORY, 8, ARM_PCI_HIGH, ARM_PCI_HIGH_SIZE, 0},
    };
    aml_name(aml, "_CRS");
    aml_resources(aml);
    for (unsigned i = 0; i < ARRAY_LEN(all); i++)
        aml_window(aml, &all[i]);
    aml_end(aml);
}

/* The configuration space must be reserved by a device of the namespace (PCI Firmware 3.2, 4.1.2). */
static void ecam_reservation(struct aml *aml)
{
    aml_device(aml, "RES0");
    aml_name_eisa_id(aml, "_HID", "PNP0C02");
    aml_name(aml, "_CRS");
    aml_resources(aml);
    aml_window(aml, &(struct aml_window){AML_RANGE_MEMORY, 8, ARM_ECAM, ARM_ECAM_SIZE, 0});
    aml_end(aml);
    aml_end(aml);
}

static void pci_host(struct aml *aml)
{
    aml_device(aml, "PCI0");
    aml_name_eisa_id(aml, "_HID", "PNP0A08");
    aml_name_eisa_id(aml, "_CID", "PNP0A03");
    aml_name_int(aml, "_SEG", 0);
    aml_name_int(aml, "_BBN", 0);
    aml_name_int(aml, "_UID", 0);
    aml_name_int(aml, "_CCA", 1);
    routing_table(aml);
    links(aml);
    aml_method(aml, "_CBA", 0, false);
    aml_op(aml, AML_RETURN);
    aml_int(aml, ARM_ECAM);
    aml_end(aml);
    windows(aml);
    aml_pci_control(aml);
    ecam_reservation(aml);
    aml_end(aml);
}

void arm_dsdt_make(struct aml *aml, const struct arm_board *board)
{
    aml_scope(aml, "\\_SB");
    aml_processors(aml, board->virt.run->vcpu_count);
    uart(aml);
    flash(aml);
    fw_cfg(aml);
    virtio_slots(aml);
    pci_host(aml);
    power_button(aml);
    aml_end(aml);
}
