/*
 * The ACPI tables of the minimal x86-64 board: a hardware-reduced platform (ACPI 6.5, 4.1), which has none of
 * the fixed hardware of a PC and says everything there is in its namespace.
 */
#include <stdio.h>

#include "devices/misc/acpi_power.h"
#include "machine/micro_x86.h"

#define HEADER_SIZE 36

/* --- 5.2.9: FADT --- */

enum fadt_field {
    FADT_BOOT_ARCH = 109,
    FADT_FLAGS = 112,
    FADT_RESET_REG = 116,
    FADT_RESET_VALUE = 128,
    FADT_MINOR = 131,
    FADT_X_DSDT = 140,
    FADT_SLEEP_CONTROL = 244,
    FADT_SLEEP_STATUS = 256,
    FADT_SIZE = 276,
};

#define FLAG_WBINVD        (1u << 0)
#define FLAG_PWR_BUTTON    (1u << 4) /* not as fixed hardware */
#define FLAG_SLP_BUTTON    (1u << 5)
#define FLAG_RESET_REG_SUP (1u << 10)
#define FLAG_HW_REDUCED    (1u << 20)
#define BOOT_NO_VGA        (1u << 2)
#define BOOT_NO_CMOS_RTC   (1u << 5)

static void fadt(struct acpi_tables *t, size_t dsdt)
{
    acpi_table_begin(t, "FACP", 6);
    acpi_put_zeros(t, FADT_SIZE - HEADER_SIZE);
    acpi_set(t, FADT_BOOT_ARCH, 2, BOOT_NO_VGA | BOOT_NO_CMOS_RTC);
    acpi_set(t, FADT_FLAGS, 4,
             FLAG_WBINVD | FLAG_PWR_BUTTON | FLAG_SLP_BUTTON | FLAG_RESET_REG_SUP | FLAG_HW_REDUCED);
    acpi_set_port(t, FADT_RESET_REG, MICRO_POWER + ACPI_POWER_RESET, 8, ACPI_BYTES);
    acpi_set(t, FADT_RESET_VALUE, 1, ACPI_POWER_RESET_VALUE);
    acpi_set(t, FADT_MINOR, 1, 3);
    acpi_set_pointer(t, FADT_X_DSDT, 8, dsdt);
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
    aml_device(aml, "PWRB");
    aml_name_eisa_id(aml, "_HID", "PNP0C0C");
    aml_name_int(aml, "_UID", 0);
    aml_end(aml);

    aml_device(aml, "GED0");
    aml_name_string(aml, "_HID", "ACPI0013");
    aml_name_int(aml, "_UID", 0);
    aml_name(aml, "_CRS");
    aml_resources(aml);
    aml_interrupt(aml, AML_EDGE_HIGH, MICRO_PIN_BUTTON);
    aml_end(aml);
    aml_method(aml, "_EVT", 1, false);
    aml_op(aml, AML_NOTIFY);
    aml_path(aml, "\\_SB.PWRB");
    aml_int(aml, 0x80);
    aml_end(aml);
    aml_end(aml);
}

static void virtio_slots(struct aml *aml, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof(name), "VR%02u", i);
        aml_device(aml, name);
        aml_name_string(aml, "_HID", "LNRO0005");
        aml_name_int(aml, "_UID", i);
        aml_name_int(aml, "_CCA", 1);
        aml_name(aml, "_CRS");
        aml_resources(aml);
        aml_memory32_fixed(aml, (uint32_t)(MICRO_VIRTIO + i * MICRO_VIRTIO_SIZE), MICRO_VIRTIO_SIZE, true);
        aml_interrupt(aml, AML_LEVEL_HIGH, MICRO_PIN_VIRTIO + i);
        aml_end(aml);
        aml_end(aml);
    }
}

/* ACPI 6.2.13: four pins of each slot, to four pins of the I/O APIC turned by the slot's number. */
static void routing_table(struct aml *aml)
{
    enum { SLOTS = 32, PINS = 4 };
    aml_name(aml, "_PRT");
    aml_package(aml, SLOTS * PINS);
    for (unsigned i = 0; i < SLOTS * PINS; i++) {
        unsigned slot = i / PINS, pin = i % PINS;
        aml_package(aml, 4);
        aml_int(aml, (uint64_t)slot << 16 | 0xffff);
        aml_int(aml, pin);
        aml_int(aml, 0);
        aml_int(aml, PC_GSI_PIRQ + (slot + pin) % PINS);
        aml_end(aml);
    }
    aml_end(aml);
}

static void pci_host(struct aml *aml)
{
    static const struct aml_window windows[] = {
        {AML_RANGE_BUS, 2, 0, PC_ECAM_SIZE / MIB, 0},
        {AML_RANGE_MEMORY, 4, PC_PCI_LOW, PC_PCI_LOW_SIZE, 0},
        {AML_RANGE_MEMORY, 8, PC_PCI_HIGH, PC_PCI_HIGH_SIZE, 0},
    };
    aml_device(aml, "PCI0");
    aml_name_eisa_id(aml, "_HID", "PNP0A08");
    aml_name_eisa_id(aml, "_CID", "PNP0A03");
    aml_name_int(aml, "_SEG", 0);
    aml_name_int(aml, "_BBN", 0);
    aml_name_int(aml, "_UID", 0);
    routing_table(aml);
    aml_name(aml, "_CRS");
    aml_resources(aml);
    for (unsigned i = 0; i < ARRAY_LEN(windows); i++)
        aml_window(aml, &windows[i]);
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

static size_t dsdt_put(struct acpi_tables *t, const struct pc_board *board)
{
    struct aml aml = {0};
    soft_off(&aml);
    aml_scope(&aml, "\\_SB");
    aml_processors(&aml, board->run->vcpu_count);
    uart(&aml);
    power_button(&aml);
    virtio_slots(&aml, board->parts.slot_count);
    if (board->parts.pci) {
        pci_host(&aml);
        reservation(&aml);
    }
    aml_end(&aml);
    acpi_table_begin(t, "DSDT", 2);
    acpi_put_bytes(t, aml.bytes, aml.len);
    aml_free(&aml);
    return acpi_table_end(t);
}

size_t micro_x86_acpi_make(struct acpi_tables *tables, const struct pc_board *board)
{
    size_t dsdt = dsdt_put(tables, board);
    fadt(tables, dsdt);
    pc_madt_make(tables, board);
    if (board->parts.pci)
        pc_mcfg_make(tables);
    return dsdt;
}
