/* The ACPI tables of the minimal x86-64 board (ACPI 6.5), as a kernel finds them. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "machine/micro.h"
#include "machine/micro_x86.h"
#include "machine/run_private.h"
#include "tests/harness/test.h"
#include "tests/machine/iasl_support.h"

static struct machine_config config;
static struct machine_run *run;

static bool make(enum device_transport transport)
{
    struct error err = {0};
    static const char *const nets[] = {"none"};
    config = (struct machine_config){.arch = GUEST_X86_64,
                                     .cpus = 2,
                                     .memory = 64 * MIB,
                                     .kernel = "/dev/null",
                                     .nets = nets,
                                     .net_count = 1,
                                     .transport = transport,
                                     .engine = &interpreter_engine};
    run = micro_x86_create(&config, &err);
    return CHECK(run != NULL);
}

static const uint8_t *table_find(const struct acpi_tables *tables, const char *signature)
{
    for (unsigned i = 0; i < tables->table_count; i++) {
        if (memcmp(tables->bytes + tables->tables[i], signature, 4) == 0)
            return tables->bytes + tables->tables[i];
    }
    return NULL;
}

/* 4.1 and 5.2.9: HW_REDUCED_ACPI and RESET_REG_SUP, no VGA, no CMOS clock, no 8042, no fixed registers. */
static void facp_check(const uint8_t *facp)
{
    if (!CHECK(facp))
        return;
    CHECK_EQ(le32_load(facp + 112) & (1u << 20 | 1u << 10), 1u << 20 | 1u << 10);
    CHECK_EQ(le16_load(facp + 109), 1u << 2 | 1u << 5);
    for (unsigned i = 46; i < 109; i++)
        CHECK_EQ(facp[i], 0);
    CHECK_EQ(facp[116], 1);                     /* the reset register: I/O space */
    CHECK_EQ(le64_load(facp + 116 + 4), 0x602); /* where machine/micro_x86.h says */
    CHECK_EQ(facp[128], 1);
    CHECK_EQ(le64_load(facp + 244 + 4), 0x600);
    CHECK_EQ(le64_load(facp + 256 + 4), 0x601);
}

static void tables(void)
{
    for (int pci = 0; pci < 2; pci++) {
        struct acpi_tables made = {0};
        if (!make(pci ? TRANSPORT_PCI : TRANSPORT_MMIO))
            return;
        size_t dsdt = micro_x86_acpi_make(&made, run->private->board.opaque);
        facp_check(table_find(&made, "FACP"));
        const uint8_t *apic = table_find(&made, "APIC");
        if (CHECK(apic)) {
            CHECK_EQ(le32_load(apic + 36), 0xfee00000);
            CHECK_EQ(le32_load(apic + 40), 0); /* 5.2.12: no 8259 pair */
        }
        CHECK_EQ(table_find(&made, "MCFG") != NULL, pci == 1);
        CHECK(!table_find(&made, "HPET"));
        iasl_check(made.bytes + dsdt + 36, le32_load(made.bytes + dsdt + 4) - 36);
        acpi_free(&made);
        machine_run_destroy(run);
    }
}

/* The user's word on the processor counts. */
static void processors(void)
{
    static const struct {
        const char *model;
        bool clock;
    } rows[] = {
        {NULL, true}, {"x86-64-v2", true}, {"x86-64-v2,-kvmclock", false}, {"max,-hypervisor", false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct error err = {0};
        if (!make(TRANSPORT_PCI))
            return;
        machine_run_destroy(run);
        config.cpu_model = rows[i].model;
        run = micro_x86_create(&config, &err);
        if (!CHECK(run))
            return;
        CHECK_EQ(x86_model_has(x86_model(run->vcpus[1]), FEAT_KVMCLOCK), rows[i].clock);
        machine_run_destroy(run);
    }
}

static const struct test_case cases[] = {{"tables", tables}, {"processors", processors}};
TEST_SUITE(micro_x86_test, "unit", cases);
