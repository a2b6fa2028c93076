/* The ACPI tables of the minimal x86-64 board (ACPI 6.5), as a kernel finds them. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

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

/* --- kernels that are packed in a bzImage --- */

#define SETUP_SECTORS 1
#define PAYLOAD_AT    ((SETUP_SECTORS + 1) * 512)
#define STUB          0x400 /* what would unpack it: the 64-bit entry is 0x200 in */
#define IMAGE_SIZE    (PAYLOAD_AT + 4096)
#define LINKED_AT     0x1000000ull
#define ENTRY         (LINKED_AT + 0x40)
#define PREFERRED     0x2000000ull

static uint8_t image[IMAGE_SIZE];

/* An ELF file for LINKED_AT, whose one segment has 64 bytes of code and a MiB without content. */
static size_t kernel_build(uint8_t *file)
{
    memset(file, 0, 256);
    memcpy(file, "\177ELF\2\1\1", 7);
    le16_store(file + 16, 2);
    le16_store(file + 18, 62);
    le64_store(file + 24, ENTRY);
    le64_store(file + 32, 64);
    le16_store(file + 54, 56);
    le16_store(file + 56, 1);
    le32_store(file + 64, 1);
    le64_store(file + 64 + 8, 128);
    le64_store(file + 64 + 16, 0xffffffff81000000);
    le64_store(file + 64 + 24, LINKED_AT);
    le64_store(file + 64 + 32, 128);
    le64_store(file + 64 + 40, MIB);
    memset(file + 128, 0x90, 128);
    return 256;
}

/* A bzImage of protocol 2.15 (boot.rst) with that file packed in it by gzip, and its length behind. */
static void image_build(void)
{
    uint8_t kernel[256];
    z_stream stream = {.next_in = kernel, .avail_in = (uInt)kernel_build(kernel)};
    memset(image, 0, sizeof(image));
    stream.next_out = image + PAYLOAD_AT + STUB;
    stream.avail_out = 1024;
    CHECK_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    CHECK_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
    image[0x1f1] = SETUP_SECTORS;
    le32_store(image + 0x1f4, (IMAGE_SIZE - PAYLOAD_AT) / 16);
    le16_store(image + 0x1fe, 0xaa55);
    image[0x200] = 0xeb;
    image[0x201] = 0x6a;
    memcpy(image + 0x202, "HdrS", 4);
    le16_store(image + 0x206, 0x020f);
    image[0x211] = 1;
    le32_store(image + 0x22c, 0x7fffffff);
    le32_store(image + 0x230, 2 * MIB);
    image[0x234] = 1;
    image[0x235] = 21;
    le16_store(image + 0x236, 1);
    le32_store(image + 0x238, 255);
    le32_store(image + 0x248, STUB);
    le32_store(image + 0x24c, (uint32_t)stream.total_out + 4);
    le64_store(image + 0x258, PREFERRED);
    le32_store(image + 0x260, 2 * MIB);
    deflateEnd(&stream);
}

/* Boot the image; where the first processor is, or 0 and *err. */
static uint64_t start_of(struct error *err)
{
    char path[] = "/tmp/triarch-micro-XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0 && write(fd, image, sizeof(image)) == sizeof(image));
    close(fd);
    if (!make(TRANSPORT_MMIO))
        return 0;
    config.kernel = path;
    *err = (struct error){0};
    bool ok = run->private->board.boot(run->private->board.opaque, err);
    uint64_t rip = ok ? x86_state(run->vcpus[0])->rip : 0;
    if (ok)
        CHECK_EQ(x86_state(run->vcpus[0])->gpr[RSI], 0x7000); /* the zero page: PC_START_ZEROPAGE */
    machine_run_destroy(run);
    unlink(path);
    return rip;
}

static void packed_kernels(void)
{
    struct error err;
    image_build();
    CHECK_EQ(start_of(&err), ENTRY);
    /* Packed in a way that is not known: the kernel does it, from its 64-bit entry. */
    memcpy(image + PAYLOAD_AT + STUB,
           "\xfd"
           "7zXZ",
           5);
    CHECK_EQ(start_of(&err), PREFERRED + 0x200);
    /* Beyond the end: likewise the kernel's business. */
    image_build();
    le32_store(image + 0x24c, IMAGE_SIZE);
    CHECK_EQ(start_of(&err), PREFERRED + 0x200);
    le32_store(image + 0x248, 0xfffffff0);
    CHECK_EQ(start_of(&err), PREFERRED + 0x200);
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

static const struct test_case cases[] = {
    {"tables", tables}, {"packed_kernels", packed_kernels}, {"processors", processors}};
TEST_SUITE(micro_x86_test, "unit", cases);
