/*
 * The ACPI tables of the aarch64 "virt" board (ACPI 6.5, chapter 5, unless another document is named), and
 * its SMBIOS tables.
 */
#include <string.h>

#include "machine/acpi/smbios.h"
#include "machine/acpi/tables.h"
#include "machine/arm_virt_board.h"

/* --- 5.2.9: FADT --- */

#define ARM_BOOT_PSCI     1
#define ARM_BOOT_PSCI_HVC 2

static void fadt(struct acpi_tables *t, size_t dsdt)
{
    acpi_fadt_begin(t, dsdt);
    acpi_set(t, FADT_FLAGS, 4, FADT_HW_REDUCED);
    acpi_set(t, FADT_ARM_BOOT_ARCH, 2, ARM_BOOT_PSCI | ARM_BOOT_PSCI_HVC);
    acpi_table_end(t);
}

/* --- 5.2.12: MADT --- */

enum madt_type {
    MADT_GIC_CPU = 11,
    MADT_GIC_DIST = 12,
    MADT_GIC_MESSAGES = 13,
    MADT_GIC_REDISTS = 14,
    MADT_GIC_ITS = 15,
};

static void structure(struct acpi_tables *t, enum madt_type type, uint8_t len)
{
    acpi_put(t, 1, type);
    acpi_put(t, 1, len);
    acpi_put(t, 2, 0);
}

/* 5.2.12.14. */
static void gic_cpu(struct acpi_tables *t, const struct arm_board *board, unsigned i)
{
    bool pmu = aarch64_model_has(aarch64_model(board->virt.run->vcpus[i]), FEAT_PMU);
    structure(t, MADT_GIC_CPU, 80);
    acpi_put(t, 4, i); /* CPU interface */
    acpi_put(t, 4, i); /* _UID of its device */
    acpi_put(t, 4, 1); /* enabled */
    acpi_put(t, 4, 0); /* parking protocol */
    acpi_put(t, 4, pmu ? ARM_INTID_PPI + ARM_PPI_PMU : 0);
    acpi_put(t, 8, 0); /* parked address */
    acpi_put(t, 8, board->gicv2 ? ARM_GIC_CPU : 0);
    acpi_put(t, 8, 0); /* virtual interface, its control, its maintenance interrupt: none */
    acpi_put(t, 8, 0);
    acpi_put(t, 4, 0);
    acpi_put(t, 8, 0); /* redistributor: with the others, below */
    acpi_put(t, 8, arm_affinity(board, i));
    acpi_put(t, 4, 0); /* efficiency class, SPE interrupt */
}

/* 5.2.12.15. */
static void gic_dist(struct acpi_tables *t, const struct arm_board *board)
{
    structure(t, MADT_GIC_DIST, 24);
    acpi_put(t, 4, 0);
    acpi_put(t, 8, ARM_GIC_DIST);
    acpi_put(t, 4, 0);
    acpi_put(t, 4, board->gic_version);
}

/* 5.2.12.17. */
static void gic_redists(struct acpi_tables *t, uint64_t base, uint64_t size)
{
    structure(t, MADT_GIC_REDISTS, 16);
    acpi_put(t, 8, base);
    acpi_put(t, 4, size);
}

/* 5.2.12.18. */
static void gic_its(struct acpi_tables *t)
{
    structure(t, MADT_GIC_ITS, 20);
    acpi_put(t, 4, 0);
    acpi_put(t, 8, ARM_GIC_ITS);
    acpi_put(t, 4, 0);
}

/* 5.2.12.16. */
static void gic_messages(struct acpi_tables *t)
{
    structure(t, MADT_GIC_MESSAGES, 24);
    acpi_put(t, 4, 0);
    acpi_put(t, 8, ARM_GIC_V2M);
    acpi_put(t, 4, 1); /* the numbers below, not the frame's */
    acpi_put(t, 2, ARM_MESSAGES);
    acpi_put(t, 2, ARM_INTID_SPI + ARM_IRQ_MESSAGES);
}

static void madt(struct acpi_tables *t, const struct arm_board *board)
{
    unsigned cpus = board->virt.run->vcpu_count;
    acpi_table_begin(t, "APIC", 4);
    acpi_put(t, 8, 0); /* no local APIC, no flags */
    gic_dist(t, board);
    for (unsigned i = 0; i < cpus; i++)
        gic_cpu(t, board, i);
    if (board->gicv2) {
        gic_messages(t);
    } else {
        gic_redists(t, ARM_GIC_REDIST, ARM_GIC_REDIST_SIZE);
        if (cpus > ARM_REDISTS_LOW)
            gic_redists(t, ARM_GIC_REDIST2, ARM_GIC_REDIST2_SIZE);
        gic_its(t);
    }
    acpi_table_end(t);
}

/* --- 5.2.25: GTDT --- */

#define GTDT_LEVEL     0
#define GTDT_ALWAYS_ON 4

static void timer(struct acpi_tables *t, enum arm_ppi ppi, uint32_t flags)
{
    acpi_put(t, 4, ARM_INTID_PPI + ppi);
    acpi_put(t, 4, flags);
}

static void gtdt(struct acpi_tables *t)
{
    acpi_table_begin(t, "GTDT", 2);
    acpi_put(t, 8, ~(uint64_t)0); /* no counter in memory */
    acpi_put(t, 4, 0);
    timer(t, ARM_PPI_TIMER_SECURE, GTDT_LEVEL);
    timer(t, ARM_PPI_TIMER_PHYSICAL, GTDT_LEVEL | GTDT_ALWAYS_ON);
    timer(t, ARM_PPI_TIMER_VIRTUAL, GTDT_LEVEL);
    timer(t, ARM_PPI_TIMER_HYPERVISOR, GTDT_LEVEL);
    acpi_put(t, 8, ~(uint64_t)0);
    acpi_put(t, 8, 0); /* no platform timers */
    acpi_table_end(t);
}

/* --- the serial console: SPCR (revision 2) and DBG2, which are Microsoft's --- */

#define SERIAL_PL011   3
#define INTERRUPT_GIC  8
#define BAUD_9600      3
#define DWORD_ACCESSES 3

static void spcr(struct acpi_tables *t)
{
    acpi_table_begin(t, "SPCR", 2);
    acpi_put(t, 4, SERIAL_PL011);
    acpi_put_address(t, ACPI_MEMORY, ARM_UART, 32, DWORD_ACCESSES);
    acpi_put(t, 1, INTERRUPT_GIC);
    acpi_put(t, 1, 0); /* PC-AT interrupt */
    acpi_put(t, 4, ARM_INTID_SPI + ARM_IRQ_UART);
    acpi_put(t, 1, BAUD_9600);
    acpi_put(t, 1, 0); /* parity */
    acpi_put(t, 1, 1); /* stop bits */
    acpi_put(t, 1, 2); /* flow control by RTS and CTS */
    acpi_put(t, 1, 0); /* terminal: VT100 */
    acpi_put(t, 1, 0);
    acpi_put(t, 4, 0xffffffff); /* no PCI device */
    acpi_put(t, 3, 0);
    acpi_put(t, 4, 0);
    acpi_put(t, 1, 0);
    acpi_put(t, 4, 0);
    acpi_table_end(t);
}

static void dbg2(struct acpi_tables *t)
{
    static const char name[] = "\\_SB.COM0";
    enum { DEVICE_SIZE = 22, ADDRESS_SIZE = 12, SERIAL = 0x8000, SUBTYPE_PL011 = 3 };
    acpi_table_begin(t, "DBG2", 0);
    acpi_put(t, 4, ACPI_HEADER_SIZE + 8);
    acpi_put(t, 4, 1); /* one device */
    acpi_put(t, 1, 0); /* revision */
    acpi_put(t, 2, DEVICE_SIZE + ADDRESS_SIZE + 4 + sizeof(name));
    acpi_put(t, 1, 1); /* one range of registers */
    acpi_put(t, 2, sizeof(name));
    acpi_put(t, 2, DEVICE_SIZE + ADDRESS_SIZE + 4);
    acpi_put(t, 4, 0); /* no data of the maker's */
    acpi_put(t, 2, SERIAL);
    acpi_put(t, 2, SUBTYPE_PL011);
    acpi_put(t, 2, 0);
    acpi_put(t, 2, DEVICE_SIZE);
    acpi_put(t, 2, DEVICE_SIZE + ADDRESS_SIZE);
    acpi_put_address(t, ACPI_MEMORY, ARM_UART, 32, DWORD_ACCESSES);
    acpi_put(t, 4, 0x1000);
    acpi_put_bytes(t, name, sizeof(name));
    acpi_table_end(t);
}

/* --- DEN0049 (IORT), revision E.b: PCI functions to the ITS, their requester being the DeviceID --- */

static void iort_node(struct acpi_tables *t, uint8_t type, uint16_t len, uint8_t revision, uint32_t id,
                      uint32_t mappings, uint32_t mappings_at)
{
    acpi_put(t, 1, type);
    acpi_put(t, 2, len);
    acpi_put(t, 1, revision);
    acpi_put(t, 4, id);
    acpi_put(t, 4, mappings);
    acpi_put(t, 4, mappings_at);
}

static void iort(struct acpi_tables *t)
{
    enum { NODES = 48, ITS_GROUP = 0, ITS_GROUP_SIZE = 24, ROOT = 2, ROOT_SIZE = 36, MAPPING_SIZE = 20 };
    acpi_table_begin(t, "IORT", 3);
    acpi_put(t, 4, 2);
    acpi_put(t, 4, NODES);
    acpi_put(t, 4, 0);

    iort_node(t, ITS_GROUP, ITS_GROUP_SIZE, 1, 0, 0, 0);
    acpi_put(t, 4, 1); /* one ITS: number 0 */
    acpi_put(t, 4, 0);

    iort_node(t, ROOT, ROOT_SIZE + MAPPING_SIZE, 3, 1, 1, ROOT_SIZE);
    acpi_put(t, 4, 1); /* coherent */
    acpi_put(t, 1, 0);
    acpi_put(t, 2, 0);
    acpi_put(t, 1, 3); /* coherent path, cacheable and shareable */
    acpi_put(t, 4, 0); /* no ATS */
    acpi_put(t, 4, 0); /* segment */
    acpi_put(t, 1, 64);
    acpi_put(t, 3, 0);
    /* The mapping: 64 Ki numbers, unchanged. */
    acpi_put(t, 4, 0);
    acpi_put(t, 4, 0xffff);
    acpi_put(t, 4, 0);
    acpi_put(t, 4, NODES);
    acpi_put(t, 4, 0);
    acpi_table_end(t);
}

/* --- 5.2.30: PPTT: one package with all cores --- */

static void processor(struct acpi_tables *t, uint32_t flags, uint32_t parent, uint32_t uid)
{
    acpi_put(t, 1, 0);
    acpi_put(t, 1, 20);
    acpi_put(t, 2, 0);
    acpi_put(t, 4, flags);
    acpi_put(t, 4, parent);
    acpi_put(t, 4, uid);
    acpi_put(t, 4, 0);
}

static void pptt(struct acpi_tables *t, unsigned cpus)
{
    enum { PACKAGE = 1, UID_VALID = 2, LEAF = 8, IDENTICAL = 16 };
    acpi_table_begin(t, "PPTT", 2);
    processor(t, PACKAGE | IDENTICAL, 0, 0);
    for (unsigned i = 0; i < cpus; i++)
        processor(t, UID_VALID | LEAF, ACPI_HEADER_SIZE, i);
    acpi_table_end(t);
}

/* --- the whole --- */

void arm_acpi_publish(const struct arm_board *board)
{
    struct acpi_tables tables = {0};
    struct aml aml = {0};
    struct smbios_config smbios = {.product = "Triarch aarch64 virt",
                                   .cpu = aarch64_model(board->virt.run->vcpus[0])->name,
                                   .cpus = board->virt.run->vcpu_count,
                                   .memory_base = ARM_RAM,
                                   .memory = board->virt.config->memory};
    arm_dsdt_make(&aml, board);
    size_t dsdt = acpi_dsdt_make(&tables, &aml);
    fadt(&tables, dsdt);
    madt(&tables, board);
    gtdt(&tables);
    acpi_mcfg_make(&tables, ARM_ECAM, ARM_ECAM_SIZE);
    spcr(&tables);
    dbg2(&tables);
    if (board->gicv3)
        iort(&tables);
    pptt(&tables, board->virt.run->vcpu_count);
    acpi_publish(&tables, dsdt, board->virt.fw_cfg);
    acpi_free(&tables);
    smbios_publish(&smbios, board->virt.fw_cfg);
}
