/*
 * The ACPI tables of the minimal x86-64 board: a hardware-reduced platform (ACPI 6.5, 4.1), which has none of
 * the fixed hardware of a PC and says everything there is in its namespace.
 */
#include "devices/misc/acpi_power.h"
#include "machine/micro_x86.h"

/* --- 5.2.9: FADT --- */

#define BOOT_NO_VGA      (1u << 2)
#define BOOT_NO_CMOS_RTC (1u << 5)

static void fadt(struct acpi_tables *t, size_t dsdt_at)
{
    acpi_fadt_begin(t, dsdt_at);
    acpi_set(t, FADT_BOOT_ARCH, 2, BOOT_NO_VGA | BOOT_NO_CMOS_RTC);
    acpi_set(t, FADT_FLAGS, 4,
             FADT_WBINVD | FADT_PWR_BUTTON | FADT_SLP_BUTTON | FADT_RESET_REG_SUP | FADT_HW_REDUCED);
    acpi_set_port(t, FADT_RESET_REG, MICRO_POWER + ACPI_POWER_RESET, 8, ACPI_BYTES);
    acpi_set(t, FADT_RESET_VALUE, 1, ACPI_POWER_RESET_VALUE);
    acpi_set_port(t, FADT_SLEEP_CONTROL, MICRO_POWER + ACPI_POWER_SLEEP_CONTROL, 8, ACPI_BYTES);
    acpi_set_port(t, FADT_SLEEP_STATUS, MICRO_POWER + ACPI_POWER_SLEEP_STATUS, 8, ACPI_BYTES);
    acpi_table_end(t);
}

/* --- the DSDT --- */

/* 7.4.2.6: only the first number means something here. */
static void soft_off(struct aml *aml)
{
    aml_name(aml, "\\_S5");
    aml_package(aml, 4);
    aml_int(aml, ACPI_POWER_S5);
    for (unsigned i = 1; i < 4; i++)
        aml_int(aml, 0);
    aml_end(aml);
}

static void uart(struct aml *aml)
{
    aml_device(aml, "COM1");
    aml_name_eisa_id(aml, "_HID", "PNP0501");
    aml_name_int(aml, "_UID", 1);
    aml_name(aml, "_CRS");
    aml_resources(aml);
    aml_io(aml, PC_COM1, 8);
    aml_interrupt(aml, AML_EDGE_HIGH, PC_IRQ_COM1);
    aml_end(aml);
    aml_end(aml);
}

/* 5.6.9: the generic event device tells of its one interrupt, which is the power button. */
static void power_button(struct aml *aml)
{
    aml_power_button(aml);
    aml_device(aml, "GED0");
    aml_name_string(aml, "_HID", "ACPI0013");
    aml_name_int(aml, "_UID", 0);
    aml_name(aml, "_CRS");
    aml_resources(aml);
    aml_interrupt(aml, AML_EDGE_HIGH, MICRO_PIN_BUTTON);
    aml_end(aml);
    aml_power_notify(aml, "_EVT", 1);
    aml_end(aml);
}

static void virtio_slots(struct aml *aml, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        aml_virtio_slot(aml, i, (uint32_t)(MICRO_VIRTIO + i * MICRO_VIRTIO_SIZE), MICRO_VIRTIO_SIZE,
                        AML_LEVEL_HIGH, MICRO_PIN_VIRTIO + i);
}

static struct aml_route route(unsigned slot, unsigned pin)
{
    return (struct aml_route){.gsi = PC_GSI_PIRQ + (slot + pin) % AML_PCI_PINS};
}

static void pci_host(struct aml *aml)
{
    static const struct aml_window windows[] = {
        {AML_RANGE_BUS, 2, 0, PC_ECAM_SIZE / MIB, 0},
        {AML_RANGE_MEMORY, 4, PC_PCI_LOW, PC_PCI_LOW_SIZE, 0},
        {AML_RANGE_MEMORY, 8, PC_PCI_HIGH, PC_PCI_HIGH_SIZE, 0},
    };
    aml_pci_host(aml);
    aml_pci_routing(aml, "_PRT", route);
    aml_name(aml, "_CRS");
    aml_resources(aml);
    aml_windows(aml, windows, ARRAY_LEN(windows));
    aml_end(aml);
    aml_pci_control(aml);
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
    aml_end(aml);
    aml_end(aml);
}

static void dsdt(struct aml *aml, const struct pc_board *board)
{
    soft_off(aml);
    aml_scope(aml, "\\_SB");
    aml_processors(aml, board->run->vcpu_count);
    uart(aml);
    power_button(aml);
    virtio_slots(aml, board->parts.slot_count);
    if (board->parts.pci) {
        pci_host(aml);
        reservation(aml);
    }
    aml_end(aml);
}

size_t micro_x86_acpi_make(struct acpi_tables *tables, const struct pc_board *board)
{
    struct aml aml = {0};
    dsdt(&aml, board);
    size_t dsdt_at = acpi_dsdt_make(tables, &aml);
    fadt(tables, dsdt_at);
    pc_madt_make(tables, board);
    if (board->parts.pci)
        acpi_mcfg_make(tables, PC_ECAM, PC_ECAM_SIZE);
    return dsdt_at;
}
