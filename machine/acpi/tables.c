#include "machine/acpi/tables.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

/* ACPI 5.2.6: the header of every table. */
#define HEADER_LENGTH   4
#define HEADER_CHECKSUM 9

static const char oem[6] = {'T', 'R', 'I', 'A', 'R', 'C'};
static const char oem_table[8] = {'T', 'R', 'I', 'A', 'R', 'C', 'H', ' '};
static const char creator[4] = {'T', 'R', 'I', 'A'};

static uint8_t *room_make(struct acpi_tables *tables, size_t len)
{
    if (tables->size - tables->len < len) {
        tables->size = 2 * tables->size + len + 1024;
        tables->bytes = realloc(tables->bytes, tables->size);
        if (!tables->bytes)
            abort();
    }
    tables->len += len;
    return tables->bytes + tables->len - len;
}

void acpi_put_bytes(struct acpi_tables *tables, const void *bytes, size_t len)
{
    memcpy(room_make(tables, len), bytes, len);
}

void acpi_put(struct acpi_tables *tables, unsigned width, uint64_t value)
{
    le_store(room_make(tables, width), width, value);
}

void acpi_put_zeros(struct acpi_tables *tables, size_t len)
{
    memset(room_make(tables, len), 0, len);
}

void acpi_set(struct acpi_tables *tables, size_t at, unsigned width, uint64_t value)
{
    assert(tables->open + at + width <= tables->len);
    le_store(tables->bytes + tables->open + at, width, value);
}

void acpi_set_pointer(struct acpi_tables *tables, size_t at, unsigned width, size_t offset)
{
    assert(tables->pointer_count < ACPI_POINTERS_MAX);
    acpi_set(tables, at, width, offset);
    tables->pointers[tables->pointer_count].at = (uint32_t)(tables->open + at);
    tables->pointers[tables->pointer_count++].width = (uint8_t)width;
}

void acpi_put_pointer(struct acpi_tables *tables, unsigned width, size_t offset)
{
    acpi_put(tables, width, 0);
    acpi_set_pointer(tables, acpi_table_len(tables) - width, width, offset);
}

size_t acpi_table_len(const struct acpi_tables *tables)
{
    return tables->len - tables->open;
}

void acpi_put_address(struct acpi_tables *tables, enum acpi_space space, uint64_t address, uint8_t bits,
                      uint8_t access)
{
    acpi_put(tables, 1, space);
    acpi_put(tables, 1, bits);
    acpi_put(tables, 1, 0); /* bit offset */
    acpi_put(tables, 1, access);
    acpi_put(tables, 8, address);
}

void acpi_set_port(struct acpi_tables *tables, size_t at, uint16_t port, uint8_t bits,
                   enum acpi_access access)
{
    acpi_set(tables, at, 1, ACPI_IO);
    acpi_set(tables, at + 1, 1, bits);
    acpi_set(tables, at + 3, 1, access);
    acpi_set(tables, at + 4, 8, port);
}

void acpi_table_begin(struct acpi_tables *tables, const char *signature, uint8_t revision)
{
    assert(strlen(signature) == 4 && tables->table_count < ACPI_TABLES_MAX);
    tables->open = tables->len;
    tables->tables[tables->table_count++] = (uint32_t)tables->open;
    acpi_put_bytes(tables, signature, 4);
    acpi_put(tables, 4, 0);
    acpi_put(tables, 1, revision);
    acpi_put(tables, 1, 0);
    acpi_put_bytes(tables, oem, sizeof(oem));
    acpi_put_bytes(tables, oem_table, sizeof(oem_table));
    acpi_put(tables, 4, 1);
    acpi_put_bytes(tables, creator, sizeof(creator));
    acpi_put(tables, 4, 1);
}

size_t acpi_table_end(struct acpi_tables *tables)
{
    acpi_set(tables, HEADER_LENGTH, 4, acpi_table_len(tables));
    return tables->open;
}

/* --- tables that boards have in common --- */

size_t acpi_dsdt_make(struct acpi_tables *tables, struct aml *aml)
{
    acpi_table_begin(tables, "DSDT", 2);
    acpi_put_bytes(tables, aml->bytes, aml->len);
    aml_free(aml);
    return acpi_table_end(tables);
}

void acpi_mcfg_make(struct acpi_tables *tables, uint64_t ecam, uint64_t size)
{
    acpi_table_begin(tables, "MCFG", 1);
    acpi_put_zeros(tables, 8);
    acpi_put(tables, 8, ecam);
    acpi_put(tables, 2, 0); /* segment */
    acpi_put(tables, 1, 0); /* first and last bus */
    acpi_put(tables, 1, size / MIB - 1);
    acpi_put_zeros(tables, 4);
    acpi_table_end(tables);
}

void acpi_fadt_begin(struct acpi_tables *tables, size_t dsdt)
{
    enum { REVISION = 6, MINOR = 131, X_DSDT = 140, SIZE = 276 };
    acpi_table_begin(tables, "FACP", REVISION);
    acpi_put_zeros(tables, SIZE - ACPI_HEADER_SIZE);
    acpi_set(tables, MINOR, 1, 3);
    acpi_set_pointer(tables, X_DSDT, 8, dsdt);
}

void acpi_free(struct acpi_tables *tables)
{
    free(tables->bytes);
    *tables = (struct acpi_tables){0};
}

/* --- the root --- */

/* The root pointer (5.2.5.3), of revision 2. */
#define RSDP_V1_SIZE           20
#define RSDP_CHECKSUM          8
#define RSDP_RSDT              16
#define RSDP_XSDT              24
#define RSDP_EXTENDED_CHECKSUM 32

/* A list of the first `count` tables: the XSDT, or with 32 bits an address the RSDT. */
static size_t list_make(struct acpi_tables *tables, unsigned count, size_t hidden, unsigned width)
{
    acpi_table_begin(tables, width == 8 ? "XSDT" : "RSDT", 1);
    for (unsigned i = 0; i < count; i++) {
        if (tables->tables[i] != hidden)
            acpi_put_pointer(tables, width, tables->tables[i]);
    }
    return acpi_table_end(tables);
}

/* The lists, and the root pointer with their offsets. */
static void rsdp_make(struct acpi_tables *tables, size_t hidden, uint8_t rsdp[ACPI_RSDP_SIZE])
{
    unsigned count = tables->table_count;
    size_t xsdt = list_make(tables, count, hidden, 8);
    size_t rsdt = tables->rsdt ? list_make(tables, count, hidden, 4) : 0;
    memset(rsdp, 0, ACPI_RSDP_SIZE);
    memcpy(rsdp, "RSD PTR ", 8);
    memcpy(rsdp + 9, oem, sizeof(oem));
    rsdp[15] = 2;
    le32_store(rsdp + RSDP_RSDT, (uint32_t)rsdt);
    le32_store(rsdp + 20, ACPI_RSDP_SIZE);
    le64_store(rsdp + RSDP_XSDT, xsdt);
}

/* --- at a place that is known --- */

static void checksum_set(uint8_t *bytes, size_t len, size_t at)
{
    uint8_t sum = 0;
    bytes[at] = 0;
    for (size_t i = 0; i < len; i++)
        sum += bytes[i];
    bytes[at] = (uint8_t)-sum;
}

void acpi_resolve(struct acpi_tables *tables, size_t hidden, uint64_t base, uint8_t rsdp[ACPI_RSDP_SIZE])
{
    rsdp_make(tables, hidden, rsdp);
    le64_store(rsdp + RSDP_XSDT, le64_load(rsdp + RSDP_XSDT) + base);
    if (tables->rsdt)
        le32_store(rsdp + RSDP_RSDT, (uint32_t)(le32_load(rsdp + RSDP_RSDT) + base));
    for (unsigned i = 0; i < tables->pointer_count; i++) {
        uint8_t *field = tables->bytes + tables->pointers[i].at;
        unsigned width = tables->pointers[i].width;
        le_store(field, width, le_load(field, width) + base);
    }
    for (unsigned i = 0; i < tables->table_count; i++) {
        uint8_t *table = tables->bytes + tables->tables[i];
        checksum_set(table, le32_load(table + HEADER_LENGTH), HEADER_CHECKSUM);
    }
    checksum_set(rsdp, RSDP_V1_SIZE, RSDP_CHECKSUM);
    checksum_set(rsdp, ACPI_RSDP_SIZE, RSDP_EXTENDED_CHECKSUM);
}

/* --- what the firmware gets --- */

#define FILE_TABLES "etc/acpi/tables"
#define FILE_RSDP   "etc/acpi/rsdp"
#define FILE_LOADER "etc/table-loader"

/* The script: commands of 128 bytes, as QEMU's specification of this interface has them. */
#define COMMAND_SIZE 128
#define COMMANDS_MAX (6 + ACPI_POINTERS_MAX + ACPI_TABLES_MAX + ACPI_TABLES_MAX)
enum loader_command {
    LOADER_ALLOCATE = 1,
    LOADER_ADD_POINTER = 2,
    LOADER_ADD_CHECKSUM = 3,
};
enum loader_zone {
    ZONE_HIGH = 1,
    ZONE_FSEG = 2,
};

struct script {
    uint8_t bytes[COMMANDS_MAX][COMMAND_SIZE];
    unsigned count;
};

static uint8_t *command_add(struct script *script, enum loader_command command)
{
    assert(script->count < COMMANDS_MAX);
    uint8_t *bytes = script->bytes[script->count++];
    le32_store(bytes, command);
    return bytes + 4;
}

static void allocate(struct script *script, const char *file, uint32_t align, enum loader_zone zone)
{
    uint8_t *bytes = command_add(script, LOADER_ALLOCATE);
    strcpy((char *)bytes, file);
    le32_store(bytes + FW_CFG_NAME_MAX, align);
    bytes[FW_CFG_NAME_MAX + 4] = zone;
}

static void pointer_add(struct script *script, const char *in, uint32_t at, uint8_t width)
{
    uint8_t *bytes = command_add(script, LOADER_ADD_POINTER);
    strcpy((char *)bytes, in);
    strcpy((char *)bytes + FW_CFG_NAME_MAX, FILE_TABLES);
    le32_store(bytes + 2 * FW_CFG_NAME_MAX, at);
    bytes[2 * FW_CFG_NAME_MAX + 4] = width;
}

static void checksum_add(struct script *script, const char *file, uint32_t at, uint32_t start, uint32_t len)
{
    uint8_t *bytes = command_add(script, LOADER_ADD_CHECKSUM);
    strcpy((char *)bytes, file);
    le32_store(bytes + FW_CFG_NAME_MAX, at);
    le32_store(bytes + FW_CFG_NAME_MAX + 4, start);
    le32_store(bytes + FW_CFG_NAME_MAX + 8, len);
}

/* Addresses first: the checksums are over them. */
static void script_make(struct script *script, const struct acpi_tables *tables)
{
    allocate(script, FILE_RSDP, 16, ZONE_FSEG);
    allocate(script, FILE_TABLES, 64, ZONE_HIGH);
    for (unsigned i = 0; i < tables->pointer_count; i++)
        pointer_add(script, FILE_TABLES, tables->pointers[i].at, tables->pointers[i].width);
    for (unsigned i = 0; i < tables->table_count; i++) {
        uint32_t at = tables->tables[i];
        checksum_add(script, FILE_TABLES, at + HEADER_CHECKSUM, at,
                     le32_load(tables->bytes + at + HEADER_LENGTH));
    }
    pointer_add(script, FILE_RSDP, RSDP_XSDT, 8);
    if (tables->rsdt)
        pointer_add(script, FILE_RSDP, RSDP_RSDT, 4);
    checksum_add(script, FILE_RSDP, RSDP_CHECKSUM, 0, RSDP_V1_SIZE);
    checksum_add(script, FILE_RSDP, RSDP_EXTENDED_CHECKSUM, 0, ACPI_RSDP_SIZE);
}

void acpi_publish(struct acpi_tables *tables, size_t hidden, struct fw_cfg *fw_cfg)
{
    uint8_t rsdp[ACPI_RSDP_SIZE];
    struct script *script = machine_alloc(sizeof(*script));
    rsdp_make(tables, hidden, rsdp);
    script_make(script, tables);
    fw_cfg_add_file(fw_cfg, FILE_TABLES, tables->bytes, tables->len);
    fw_cfg_add_file(fw_cfg, FILE_RSDP, rsdp, sizeof(rsdp));
    fw_cfg_add_file(fw_cfg, FILE_LOADER, script->bytes, (size_t)script->count * COMMAND_SIZE);
    free(script);
}
