/* The ACPI tables of the PC (ACPI 6.5, chapter 5, unless another document is named). */
#include "machine/acpi/tables.h"

#include <string.h>

#include "machine/pc_board.h"

/* --- 5.2.10: FACS, which has a header of its own and no checksum --- */

static size_t facs(struct acpi_tables *t)
{
    enum { SIZE = 64, VERSION = 2 };
    size_t at = t->len;
    acpi_put_bytes(t, "FACS", 4);
    acpi_put(t, 4, SIZE);
    acpi_put_zeros(t, 24);
    acpi_put(t, 1, VERSION);
    acpi_put_zeros(t, SIZE - 33);
    return at;
}

/* --- 5.2.9: FADT --- */

#define BOOT_LEGACY_DEVICES (1u << 0)
#define BOOT_8042           (1u << 1)

#define RESET_PORT    0xcf9
#define RESET_COMMAND 0x06
#define SMI_COMMAND   0xb2
#define CENTURY_BYTE  0x32
#define LATENCY_NO_C2 0x0fff
#define LATENCY_NO_C3 0x0fff

static void fadt(struct acpi_tables *t, size_t facs_at, size_t dsdt)
{
    enum { EVENT_PORT = PC_PM_BASE, CONTROL_PORT = PC_PM_BASE + 4 };
    acpi_fadt_begin(t, dsdt);
    acpi_set_pointer(t, FADT_FIRMWARE_CTRL, 4, facs_at);
    acpi_set_pointer(t, FADT_DSDT, 4, dsdt);
    acpi_set(t, FADT_SCI_INT, 2, PC_SCI);
    acpi_set(t, FADT_SMI_CMD, 4, SMI_COMMAND);
    acpi_set(t, FADT_ACPI_ENABLE, 1, ICH9_ACPI_ENABLE);
    acpi_set(t, FADT_ACPI_DISABLE, 1, ICH9_ACPI_DISABLE);
    acpi_set(t, FADT_PM1A_EVT_BLK, 4, EVENT_PORT);
    acpi_set(t, FADT_PM1A_CNT_BLK, 4, CONTROL_PORT);
    acpi_set(t, FADT_PM_TMR_BLK, 4, PC_PM_TIMER);
    acpi_set(t, FADT_GPE0_BLK, 4, PC_GPE0);
    acpi_set(t, FADT_PM1_EVT_LEN, 1, 4);
    acpi_set(t, FADT_PM1_CNT_LEN, 1, 2);
    acpi_set(t, FADT_PM_TMR_LEN, 1, 4);
    acpi_set(t, FADT_GPE0_BLK_LEN, 1, PC_GPE0_SIZE);
    acpi_set(t, FADT_P_LVL2_LAT, 2, LATENCY_NO_C2);
    acpi_set(t, FADT_P_LVL3_LAT, 2, LATENCY_NO_C3);
    acpi_set(t, FADT_CENTURY, 1, CENTURY_BYTE);
    acpi_set(t, FADT_BOOT_ARCH, 2, BOOT_LEGACY_DEVICES | BOOT_8042);
    acpi_set(t, FADT_FLAGS, 4,
             FADT_WBINVD | FADT_PROC_C1 | FADT_SLP_BUTTON | FADT_RTC_S4 | FADT_RESET_REG_SUP);
    acpi_set_port(t, FADT_RESET_REG, RESET_PORT, 8, ACPI_BYTES);
    acpi_set(t, FADT_RESET_VALUE, 1, RESET_COMMAND);
    acpi_set_port(t, FADT_X_PM1A_EVT_BLK, EVENT_PORT, 32, ACPI_WORDS);
    acpi_set_port(t, FADT_X_PM1A_CNT_BLK, CONTROL_PORT, 16, ACPI_WORDS);
    acpi_set_port(t, FADT_X_PM_TMR_BLK, PC_PM_TIMER, 32, ACPI_DOUBLE_WORDS);
    acpi_set_port(t, FADT_X_GPE0_BLK, PC_GPE0, 8 * PC_GPE0_SIZE, ACPI_BYTES);
    acpi_table_end(t);
}

/* --- 5.2.12: MADT --- */

enum madt_type {
    MADT_LOCAL_APIC = 0,
    MADT_IO_APIC = 1,
    MADT_OVERRIDE = 2,
    MADT_NMI = 4,
    MADT_X2APIC = 9,
    MADT_X2APIC_NMI = 10,
};

#define MADT_PCAT_COMPAT 1 /* there is an 8259 pair */
#define MADT_ENABLED     1
#define MADT_LEVEL_HIGH  0x0d
#define MADT_ALL         0xff
#define XAPIC_IDS        255 /* 255 itself is everybody */

static void processor(struct acpi_tables *t, unsigned i)
{
    if (i < XAPIC_IDS) {
        acpi_put(t, 1, MADT_LOCAL_APIC);
        acpi_put(t, 1, 8);
        acpi_put(t, 1, i); /* _UID of its device */
        acpi_put(t, 1, i);
        acpi_put(t, 4, MADT_ENABLED);
        return;
    }
    acpi_put(t, 1, MADT_X2APIC);
    acpi_put(t, 1, 16);
    acpi_put(t, 2, 0);
    acpi_put(t, 4, i);
    acpi_put(t, 4, MADT_ENABLED);
    acpi_put(t, 4, i);
}

/* 5.2.12.5. */
static void override(struct acpi_tables *t, unsigned irq, unsigned gsi, unsigned flags)
{
    acpi_put(t, 1, MADT_OVERRIDE);
    acpi_put(t, 1, 10);
    acpi_put(t, 1, 0); /* ISA */
    acpi_put(t, 1, irq);
    acpi_put(t, 4, gsi);
    acpi_put(t, 2, flags);
}

/* NMI is at LINT1 of all processors. */
static void nmi(struct acpi_tables *t, bool x2apic)
{
    acpi_put(t, 1, x2apic ? MADT_X2APIC_NMI : MADT_NMI);
    acpi_put(t, 1, x2apic ? 12 : 6);
    if (!x2apic)
        acpi_put(t, 1, MADT_ALL);
    acpi_put(t, 2, 0);
    if (x2apic)
        acpi_put(t, 4, UINT32_MAX);
    acpi_put(t, 1, 1);
    if (x2apic)
        acpi_put(t, 3, 0);
}

void pc_madt_make(struct acpi_tables *t, const struct pc_board *board)
{
    unsigned cpus = board->run->vcpu_count;
    acpi_table_begin(t, "APIC", 4);
    acpi_put(t, 4, PC_LAPIC);
    acpi_put(t, 4, board->pic ? MADT_PCAT_COMPAT : 0);
    for (unsigned i = 0; i < cpus; i++)
        processor(t, i);
    acpi_put(t, 1, MADT_IO_APIC);
    acpi_put(t, 1, 12);
    acpi_put(t, 2, 0); /* its id */
    acpi_put(t, 4, PC_IOAPIC);
    acpi_put(t, 4, 0); /* its first interrupt */
    if (board->pic) {
        override(t, PC_IRQ_TIMER, 2, 0);
        override(t, PC_SCI, PC_SCI, MADT_LEVEL_HIGH);
    }
    nmi(t, false);
    if (cpus > XAPIC_IDS)
        nmi(t, true);
    acpi_table_end(t);
}

/* --- IA-PC HPET 1.0a, 3.2.4: HPET --- */

static void hpet(struct acpi_tables *t)
{
    enum { ID = 0x8086a201, PAGE_PROTECTED = 1 }; /* revision 1, three timers, 64 bits, legacy replacement */
    acpi_table_begin(t, "HPET", 1);
    acpi_put(t, 4, ID);
    acpi_put_address(t, ACPI_MEMORY, PC_HPET, 64, 0);
    acpi_put(t, 1, 0);
    acpi_put(t, 2, 0x80); /* least ticks of a periodic interrupt */
    acpi_put(t, 1, PAGE_PROTECTED);
    acpi_table_end(t);
}

/* --- the whole --- */

size_t pc_acpi_make(struct acpi_tables *tables, const struct pc_board *board)
{
    tables->rsdt = true;
    size_t facs_at = facs(tables); /* PC_FACS */
    struct aml aml = {0};
    pc_dsdt_make(&aml, board);
    size_t dsdt = acpi_dsdt_make(tables, &aml);
    fadt(tables, facs_at, dsdt);
    pc_madt_make(tables, board);
    acpi_mcfg_make(tables, PC_ECAM, PC_ECAM_SIZE);
    hpet(tables);
    return dsdt;
}
