/*
 * ACPI and SMBIOS as firmware gets them: AML byte by byte as the specification (ACPI 6.5, chapter 20) encodes
 * it, and the table-loader's script carried out as firmware does.
 */
#include <string.h>

#include "base/bits.h"
#include "machine/acpi/aml.h"
#include "machine/acpi/smbios.h"
#include "machine/acpi/tables.h"
#include "tests/devices/machine_support.h"

#define FW_CFG ((uint64_t)0x09020000)

static struct aml aml;

static void check_aml(const void *expected, size_t len)
{
    if (CHECK_EQ(aml.len, len))
        CHECK_MEM(aml.bytes, expected, len);
    aml_free(&aml);
}
#define CHECK_AML(...)                                                                                       \
    do {                                                                                                     \
        const uint8_t expected[] = {__VA_ARGS__};                                                            \
        check_aml(expected, sizeof(expected));                                                               \
    } while (0)

static void integers(void)
{
    aml_int(&aml, 0);
    aml_int(&aml, 1);
    aml_int(&aml, 2);
    aml_int(&aml, 0xff);
    aml_int(&aml, 0x100);
    aml_int(&aml, 0x12345678);
    aml_int(&aml, 0x123456789a);
    CHECK_AML(0x00, 0x01, 0x0a, 0x02, 0x0a, 0xff, 0x0b, 0x00, 0x01, 0x0c, 0x78, 0x56, 0x34, 0x12, 0x0e, 0x9a,
              0x78, 0x56, 0x34, 0x12, 0, 0, 0);
}

static void names(void)
{
    aml_path(&aml, "\\");
    aml_path(&aml, "\\_SB");
    aml_path(&aml, "^A.BC");
    aml_path(&aml, "\\_SB.PCI0.ABCD");
    CHECK_AML('\\', 0, '\\', '_', 'S', 'B', '_', '^', 0x2e, 'A', '_', '_', '_', 'B', 'C', '_', '_', '\\',
              0x2f, 3, '_', 'S', 'B', '_', 'P', 'C', 'I', '0', 'A', 'B', 'C', 'D');
}

static void identifiers(void)
{
    /* 19.6.38: PNP0A08 is 0x080ad041; 19.6.142 has this order of bytes. */
    aml_eisa_id(&aml, "PNP0A08");
    CHECK_AML(0x0c, 0x41, 0xd0, 0x0a, 0x08);
    aml_uuid(&aml, "33db4d5b-1ff7-401c-9657-7441c03dd766");
    CHECK_AML(0x11, 0x13, 0x0a, 0x10, 0x5b, 0x4d, 0xdb, 0x33, 0xf7, 0x1f, 0x1c, 0x40, 0x96, 0x57, 0x74, 0x41,
              0xc0, 0x3d, 0xd7, 0x66);
}

static void blocks(void)
{
    aml_scope(&aml, "\\_SB");
    aml_device(&aml, "D");
    aml_name_int(&aml, "_UID", 0);
    aml_end(&aml);
    aml_end(&aml);
    CHECK_AML(0x10, 0x13, '\\', '_', 'S', 'B', '_', 0x5b, 0x82, 0x0b, 'D', '_', '_', '_', 0x08, '_', 'U', 'I',
              'D', 0x00);
    aml_method(&aml, "_STA", 0, false);
    aml_op(&aml, AML_RETURN);
    aml_int(&aml, 0xf);
    aml_end(&aml);
    CHECK_AML(0x14, 0x09, '_', 'S', 'T', 'A', 0x00, 0xa4, 0x0a, 0x0f);
    aml_if(&aml);
    aml_op(&aml, AML_LEQUAL);
    aml_op(&aml, AML_ARG0 + 1);
    aml_int(&aml, 1);
    aml_op(&aml, AML_SLEEP);
    aml_int(&aml, 9);
    aml_end(&aml);
    aml_else(&aml);
    aml_end(&aml);
    CHECK_AML(0xa0, 0x08, 0x93, 0x69, 0x01, 0x5b, 0x22, 0x0a, 0x09, 0xa1, 0x01);
}

/* 20.2.4: lengths of one, two and three bytes. */
static void lengths(void)
{
    static const uint8_t zeros[5000];
    static const struct {
        size_t content;
        uint8_t length[3];
        unsigned count;
    } cases[] = {
        /* A buffer's content: its size as a number (2, 3 bytes), then its bytes. */
        {60, {63}, 1},
        {61, {0x40 | 1, 4}, 2},             /* 65 */
        {4000, {0x40 | 5, 0xfa}, 2},        /* 4005 */
        {5000, {0x80 | 14, 0x38, 0x01}, 3}, /* 5006 */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        test_context("%zu bytes", cases[i].content);
        aml_buffer(&aml, zeros, cases[i].content);
        CHECK_EQ(aml.bytes[0], 0x11);
        CHECK_MEM(aml.bytes + 1, cases[i].length, cases[i].count);
        aml_free(&aml);
    }
    test_context(NULL);
    /* A field's bits don't count the length's own bytes. */
    aml_field_unit(&aml, "A", 63);
    aml_field_unit(&aml, NULL, 64);
    CHECK_AML('A', '_', '_', '_', 63, 0, 0x40, 4);
}

/* 6.4: descriptors as the specification's tables lay them out. */
static void resources(void)
{
    aml_resources(&aml);
    aml_memory32_fixed(&aml, 0x09000000, 0x1000, true);
    aml_interrupt(&aml, AML_LEVEL_HIGH, 33);
    aml_end(&aml);
    CHECK_AML(0x11, 0x1a, 0x0a, 0x17, 0x86, 0x09, 0x00, 0x01, 0x00, 0x00, 0x00, 0x09, 0x00, 0x10, 0x00, 0x00,
              0x89, 0x06, 0x00, 0x01, 0x01, 33, 0x00, 0x00, 0x00, 0x79, 0x00);
    aml_resources(&aml);
    aml_windows(&aml, &(struct aml_window){AML_RANGE_BUS, 2, 0, 256, 0}, 1);
    aml_end(&aml);
    CHECK_AML(0x11, 0x15, 0x0a, 0x12, 0x88, 0x0d, 0x00, 0x02, 0x0c, 0x00, 0, 0, 0, 0, 0xff, 0, 0, 0, 0, 1,
              0x79, 0x00);
}

/* --- as firmware --- */

/* Read a fw_cfg file through the registers; its length. */
static size_t file_read(struct test_machine *test, const char *name, uint8_t *to, size_t size)
{
    test_store(test, FW_CFG + 8, 2, __builtin_bswap16(FW_CFG_FILE_DIR));
    uint32_t count = 0;
    for (unsigned i = 0; i < 4; i++)
        count = count << 8 | (uint32_t)test_load(test, FW_CFG, 1);
    for (; count; count--) {
        uint8_t entry[64];
        for (unsigned i = 0; i < sizeof(entry); i++)
            entry[i] = (uint8_t)test_load(test, FW_CFG, 1);
        if (strcmp((char *)entry + 8, name) != 0)
            continue;
        size_t len = be32_load(entry);
        test_store(test, FW_CFG + 8, 2, __builtin_bswap16(be16_load(entry + 4)));
        for (size_t i = 0; i < len && i < size; i++)
            to[i] = (uint8_t)test_load(test, FW_CFG, 1);
        return len;
    }
    FAIL("there is no file %s", name);
    return 0;
}

static uint8_t sum(const uint8_t *bytes, size_t len)
{
    uint8_t total = 0;
    for (size_t i = 0; i < len; i++)
        total += bytes[i];
    return total;
}

/* What the script allocates: the firmware's choice of addresses. */
static struct {
    char name[56];
    uint64_t address;
    uint8_t bytes[65536];
    size_t len;
} files[2];

static unsigned file_find(const uint8_t *name)
{
    for (unsigned i = 0; i < ARRAY_LEN(files); i++) {
        if (strcmp(files[i].name, (const char *)name) == 0)
            return i;
    }
    FAIL("the script names %s before it is allocated", (const char *)name);
    return 0;
}

static void script_run(struct test_machine *test, const uint8_t *command, unsigned *allocated)
{
    const uint8_t *p = command + 4;
    unsigned to, from;
    switch (le32_load(command)) {
    case 1:
        if (!CHECK(*allocated < ARRAY_LEN(files)))
            return;
        strcpy(files[*allocated].name, (const char *)p);
        files[*allocated].len =
            file_read(test, files[*allocated].name, files[*allocated].bytes, sizeof(files[0].bytes));
        files[*allocated].address = 0x7f000000 + 0x100000 * (uint64_t)*allocated;
        CHECK(is_pow2(le32_load(p + 56)));
        ++*allocated;
        break;
    case 2: {
        to = file_find(p);
        from = file_find(p + 56);
        uint32_t at = le32_load(p + 112);
        unsigned width = p[116];
        uint64_t value = le_load(files[to].bytes + at, width);
        CHECK(at + width <= files[to].len && value < files[from].len);
        le_store(files[to].bytes + at, width, value + files[from].address);
        break;
    }
    case 3: {
        to = file_find(p);
        uint32_t at = le32_load(p + 56), first = le32_load(p + 60), len = le32_load(p + 64);
        CHECK(at < files[to].len && first + len <= files[to].len);
        CHECK_EQ(files[to].bytes[at], 0);
        files[to].bytes[at] = (uint8_t)-sum(files[to].bytes + first, len);
        break;
    }
    default: FAIL("command %u is not known", le32_load(command));
    }
}

static const uint8_t *at_address(uint64_t address)
{
    for (unsigned i = 0; i < ARRAY_LEN(files); i++) {
        if (address - files[i].address < files[i].len)
            return files[i].bytes + (address - files[i].address);
    }
    return NULL;
}

static void loader_script(void)
{
    static uint8_t script[16384];
    struct test_machine *test = test_machine_create(MIB);
    struct fw_cfg *fw_cfg = fw_cfg_create(
        &test->machine, &(struct fw_cfg_config){.bus = test->machine.mem.mmio, .base = FW_CFG}, NULL);
    struct acpi_tables tables = {0};
    acpi_table_begin(&tables, "DSDT", 2);
    acpi_put_zeros(&tables, 40);
    size_t dsdt = acpi_table_end(&tables);
    acpi_table_begin(&tables, "FACP", 6);
    acpi_put_zeros(&tables, 240);
    acpi_set_pointer(&tables, 140, 8, dsdt);
    acpi_table_end(&tables);
    acpi_table_begin(&tables, "APIC", 4);
    acpi_put(&tables, 4, 0x1234);
    acpi_table_end(&tables);
    acpi_publish(&tables, dsdt, fw_cfg);
    acpi_free(&tables);

    memset(files, 0, sizeof(files));
    size_t len = file_read(test, "etc/table-loader", script, sizeof(script));
    unsigned allocated = 0;
    CHECK_EQ(len % 128, 0);
    for (size_t i = 0; i < len; i += 128)
        script_run(test, script + i, &allocated);

    /* From the root to every table, with good checksums everywhere. */
    const uint8_t *rsdp = files[file_find((const uint8_t *)"etc/acpi/rsdp")].bytes;
    CHECK_MEM(rsdp, "RSD PTR ", 8);
    CHECK_EQ(sum(rsdp, 20), 0);
    CHECK_EQ(sum(rsdp, 36), 0);
    const uint8_t *xsdt = at_address(le64_load(rsdp + 24));
    if (!CHECK(xsdt != NULL))
        return;
    CHECK_MEM(xsdt, "XSDT", 4);
    CHECK_EQ(sum(xsdt, le32_load(xsdt + 4)), 0);
    CHECK_EQ(le32_load(xsdt + 4), 36 + 2 * 8); /* all but the DSDT */
    const char *expected[] = {"FACP", "APIC"};
    for (unsigned i = 0; i < 2; i++) {
        const uint8_t *table = at_address(le64_load(xsdt + 36 + 8 * i));
        if (!CHECK(table != NULL))
            return;
        CHECK_MEM(table, expected[i], 4);
        CHECK_EQ(sum(table, le32_load(table + 4)), 0);
    }
    const uint8_t *fadt = at_address(le64_load(xsdt + 36)), *found = at_address(le64_load(fadt + 140));
    CHECK(found && memcmp(found, "DSDT", 4) == 0);
    test_machine_destroy(test);
}

/* DSP0134: the entry point, and structures with their texts up to the end. */
static void smbios(void)
{
    uint8_t anchor[64], tables[4096];
    struct test_machine *test = test_machine_create(MIB);
    struct fw_cfg *fw_cfg = fw_cfg_create(
        &test->machine, &(struct fw_cfg_config){.bus = test->machine.mem.mmio, .base = FW_CFG}, NULL);
    smbios_publish(&(struct smbios_config){.product = "a board",
                                           .cpu = "a core",
                                           .cpus = 3,
                                           .memory_base = 0x40000000,
                                           .memory = 8192 * GIB},
                   fw_cfg);
    CHECK_EQ(file_read(test, "etc/smbios/smbios-anchor", anchor, sizeof(anchor)), 24);
    CHECK_MEM(anchor, "_SM3_", 5);
    CHECK_EQ(sum(anchor, 24), 0);
    size_t len = file_read(test, "etc/smbios/smbios-tables", tables, sizeof(tables));
    CHECK_EQ(le32_load(anchor + 12), len);
    bool seen[128] = {false};
    size_t at = 0;
    while (at < len && tables[at] != 127) {
        const uint8_t *table = tables + at;
        seen[table[0] & 127] = true;
        if (table[0] == 1)
            CHECK_STR((const char *)table + table[1] + strlen("Triarch") + 1, "a board");
        if (table[0] == 4) {
            CHECK_EQ(table[1], 0x30); /* as in 3.0 */
            CHECK_EQ(table[0x23], 3);
        }
        if (table[0] == 17) {
            CHECK_EQ(table[1], 0x28);
            CHECK_EQ(le16_load(table + 0xc), 0x7fff);
            CHECK_EQ(le32_load(table + 0x1c), 8192 * 1024);
        }
        if (table[0] == 19) {
            CHECK_EQ(table[1], 0x1f);
            CHECK_EQ(le32_load(table + 4), 0xffffffff);
            CHECK_EQ(le64_load(table + 0xf), 0x40000000);
        }
        at += table[1];
        while (at + 1 < len && (tables[at] || tables[at + 1]))
            at++;
        at += 2;
    }
    CHECK_EQ(at + 6, len);
    CHECK(seen[1] && seen[3] && seen[4] && seen[16] && seen[17] && seen[19] && seen[32]);
    test_machine_destroy(test);
}

static const struct test_case cases[] = {
    {"integers", integers}, {"names", names},         {"identifiers", identifiers},     {"blocks", blocks},
    {"lengths", lengths},   {"resources", resources}, {"loader_script", loader_script}, {"smbios", smbios},
};

TEST_SUITE(acpi_test, "unit", cases);
