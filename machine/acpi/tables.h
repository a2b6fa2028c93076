/*
 * Writing ACPI tables, and handing them to firmware through fw_cfg: it puts them where it likes and is told
 * by a script ("etc/table-loader") which fields are addresses and which are checksums. Without firmware the
 * addresses are known at once.
 */
#pragma once

#include "devices/misc/fw_cfg.h"
#include "machine/acpi/aml.h"

#define ACPI_HEADER_SIZE  36 /* of every table (ACPI 5.2.6) */
#define ACPI_POINTERS_MAX 64
#define ACPI_TABLES_MAX   32

struct acpi_tables {
    uint8_t *bytes; /* all tables, one after the other */
    size_t len, size;
    size_t open; /* the table that is being written */
    struct {
        uint32_t at;
        uint8_t width;
    } pointers[ACPI_POINTERS_MAX]; /* fields that hold an offset in `bytes`, and will hold an address */
    unsigned pointer_count;
    uint32_t tables[ACPI_TABLES_MAX]; /* offsets */
    unsigned table_count;
    bool rsdt; /* with an RSDT, by which systems and loaders from before ACPI 2.0 find the tables */
};

/* A table: its header, then what is put; acpi_table_end completes it and returns its offset. */
void acpi_table_begin(struct acpi_tables *tables, const char *signature, uint8_t revision);
size_t acpi_table_end(struct acpi_tables *tables);

void acpi_put(struct acpi_tables *tables, unsigned width, uint64_t value);
void acpi_put_bytes(struct acpi_tables *tables, const void *bytes, size_t len);
void acpi_put_zeros(struct acpi_tables *tables, size_t len);
/* The address of the table at this offset. */
void acpi_put_pointer(struct acpi_tables *tables, unsigned width, size_t offset);

/* The same, at an offset in the open table that was put before. */
void acpi_set(struct acpi_tables *tables, size_t at, unsigned width, uint64_t value);
void acpi_set_pointer(struct acpi_tables *tables, size_t at, unsigned width, size_t offset);

/* How much of the open table there is; for the length fields of structures in it. */
size_t acpi_table_len(const struct acpi_tables *tables);

/* A Generic Address Structure (ACPI 5.2.3.2). */
enum acpi_space {
    ACPI_MEMORY,
    ACPI_IO,
};
void acpi_put_address(struct acpi_tables *tables, enum acpi_space space, uint64_t address, uint8_t bits,
                      uint8_t access);

/* One of ports, in the middle of the open table. */
enum acpi_access {
    ACPI_BYTES = 1,
    ACPI_WORDS = 2,
    ACPI_DOUBLE_WORDS = 3,
};
void acpi_set_port(struct acpi_tables *tables, size_t at, uint16_t port, uint8_t bits,
                   enum acpi_access access);

/* The DSDT with this content, which is freed. Returns its offset. */
size_t acpi_dsdt_make(struct acpi_tables *tables, struct aml *aml);

/* The MCFG: configuration space of all buses of one PCI segment (PCI Firmware 3.2, 4.1.2). */
void acpi_mcfg_make(struct acpi_tables *tables, uint64_t ecam, uint64_t size);

/* The fields of a FADT that boards set (ACPI 5.2.9), and its flags. */
enum acpi_fadt_field {
    FADT_FIRMWARE_CTRL = 36,
    FADT_DSDT = 40,
    FADT_SCI_INT = 46,
    FADT_SMI_CMD = 48,
    FADT_ACPI_ENABLE = 52,
    FADT_ACPI_DISABLE = 53,
    FADT_PM1A_EVT_BLK = 56,
    FADT_PM1A_CNT_BLK = 64,
    FADT_PM_TMR_BLK = 76,
    FADT_GPE0_BLK = 80,
    FADT_PM1_EVT_LEN = 88,
    FADT_PM1_CNT_LEN = 89,
    FADT_PM_TMR_LEN = 91,
    FADT_GPE0_BLK_LEN = 92,
    FADT_P_LVL2_LAT = 96,
    FADT_P_LVL3_LAT = 98,
    FADT_CENTURY = 108,
    FADT_BOOT_ARCH = 109,
    FADT_FLAGS = 112,
    FADT_RESET_REG = 116,
    FADT_RESET_VALUE = 128,
    FADT_ARM_BOOT_ARCH = 129,
    FADT_X_PM1A_EVT_BLK = 148,
    FADT_X_PM1A_CNT_BLK = 172,
    FADT_X_PM_TMR_BLK = 208,
    FADT_X_GPE0_BLK = 220,
    FADT_SLEEP_CONTROL = 244,
    FADT_SLEEP_STATUS = 256,
};
enum acpi_fadt_flag {
    FADT_WBINVD = 1 << 0,
    FADT_PROC_C1 = 1 << 2,
    FADT_PWR_BUTTON = 1 << 4, /* these two: none as fixed hardware */
    FADT_SLP_BUTTON = 1 << 5,
    FADT_RTC_S4 = 1 << 7,
    FADT_RESET_REG_SUP = 1 << 10,
    FADT_HW_REDUCED = 1 << 20,
};

/* A FADT of ACPI 6.3 with nothing but the DSDT's address; fields are set, then acpi_table_end. */
void acpi_fadt_begin(struct acpi_tables *tables, size_t dsdt);

/* The last tables, the XSDT and where it is asked for the RSDT, over all but those that others point to
 * (`hidden`: the DSDT's offset); and the files for the firmware. */
void acpi_publish(struct acpi_tables *tables, size_t hidden, struct fw_cfg *fw_cfg);

/* The same for a start without firmware: the tables as they are at `base`, with pointers and checksums, and
 * the root pointer, which is put where it is looked for. */
#define ACPI_RSDP_SIZE 36
void acpi_resolve(struct acpi_tables *tables, size_t hidden, uint64_t base, uint8_t rsdp[ACPI_RSDP_SIZE]);

void acpi_free(struct acpi_tables *tables);
