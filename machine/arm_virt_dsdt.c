/* The DSDT of the aarch64 "virt" board: its devices as ACPI describes them. */
#include <stdio.h>

#include "machine/arm_virt_board.h"

/* A device with one range of registers and one interrupt. */
static void resources(struct aml *aml, uint64_t base, uint64_t size, enum aml_interrupt how, unsigned irq)
{
    aml_name(aml, "_CRS");
    aml_resources(aml);
    aml_memory32_fixed(aml, (uint32_t)base, (uint32_t)size, true);
    aml_interrupt(aml, how, ARM_INTID_SPI + irq);
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
    for (unsigned i = 0; i < ARM_VIRTIO_SLOTS; i++)
        aml_virtio_slot(aml, i, (uint32_t)(ARM_VIRTIO + i * ARM_VIRTIO_SIZE), ARM_VIRTIO_SIZE, AML_EDGE_HIGH,
                        ARM_INTID_SPI + ARM_IRQ_VIRTIO + i);
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
    aml_power_notify(aml, event, 0);
    aml_end(aml);
    aml_power_button(aml);
}

/* --- PCI --- */

static struct aml_route route(unsigned slot, unsigned pin)
{
    struct aml_route route = {.gsi = 0};
    snprintf(route.link, sizeof(route.link), "GSI%u", (slot + pin) % AML_PCI_PINS);
    return route;
}

/* The four interrupts as links that can't be changed. */
static void links(struct aml *aml)
{
    for (unsigned i = 0; i < AML_PCI_PINS; i++)
        aml_pci_link(aml, route(0, i).link, i, AML_LEVEL_HIGH, ARM_INTID_SPI + ARM_IRQ_PCI + i);
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
    aml_windows(aml, all, ARRAY_LEN(all));
    aml_end(aml);
}

/* The configuration space must be reserved by a device of the namespace (PCI Firmware 3.2, 4.1.2). */
static void ecam_reservation(struct aml *aml)
{
    aml_device(aml, "RES0");
    aml_name_eisa_id(aml, "_HID", "PNP0C02");
    aml_name(aml, "_CRS");
    aml_resources(aml);
    aml_windows(aml, &(struct aml_window){AML_RANGE_MEMORY, 8, ARM_ECAM, ARM_ECAM_SIZE, 0}, 1);
    aml_end(aml);
    aml_end(aml);
}

static void pci_host(struct aml *aml)
{
    aml_pci_host(aml);
    aml_name_int(aml, "_CCA", 1);
    aml_pci_routing(aml, "_PRT", route);
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
