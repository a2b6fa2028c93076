/* Section numbers are those of DSP0134 version 3.7. */
#include "machine/acpi/smbios.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

#define MANUFACTURER "Triarch"
#define TABLES_MAX   4096
#define STRINGS_MAX  8
#define ANCHOR_SIZE  24

struct tables {
    uint8_t bytes[TABLES_MAX];
    size_t len;
    size_t open;
    const char *strings[STRINGS_MAX]; /* of the open structure */
    unsigned string_count;
};

static void put(struct tables *tables, unsigned width, uint64_t value)
{
    le_store(tables->bytes + tables->len, width, value);
    tables->len += width;
}

/* 6.1.2: type, length, handle. */
static void begin(struct tables *tables, uint8_t type, uint16_t handle)
{
    tables->open = tables->len;
    tables->string_count = 0;
    put(tables, 1, type);
    put(tables, 1, 0);
    put(tables, 2, handle);
}

/* 6.1.3: a text is a number here, and comes after the structure. */
static void put_string(struct tables *tables, const char *text)
{
    tables->strings[tables->string_count++] = text;
    put(tables, 1, tables->string_count);
}

static void end(struct tables *tables)
{
    tables->bytes[tables->open + 1] = (uint8_t)(tables->len - tables->open);
    for (unsigned i = 0; i < tables->string_count; i++) {
        size_t len = strlen(tables->strings[i]) + 1;
        memcpy(tables->bytes + tables->len, tables->strings[i], len);
        tables->len += len;
    }
    put(tables, tables->string_count ? 1 : 2, 0);
}

enum handle {
    HANDLE_SYSTEM = 0x100,
    HANDLE_CHASSIS = 0x300,
    HANDLE_CPU = 0x400,
    HANDLE_MEMORY = 0x1000,
    HANDLE_DEVICE = 0x1100,
    HANDLE_MAPPING = 0x1300,
    HANDLE_BOOT = 0x2000,
    HANDLE_END = 0x7f00,
};

/* 7.2, type 1. */
static void system_put(struct tables *tables, const struct smbios_config *config)
{
    begin(tables, 1, HANDLE_SYSTEM);
    put_string(tables, MANUFACTURER);
    put_string(tables, config->product);
    put_string(tables, TRIARCH_VERSION);
    put(tables, 1, 0); /* serial number */
    put(tables, 8, 0); /* UUID: not set */
    put(tables, 8, 0);
    put(tables, 1, 6); /* woken by the power switch */
    put(tables, 2, 0); /* SKU, family */
    end(tables);
}

/* 7.4, type 3. */
static void chassis_put(struct tables *tables)
{
    begin(tables, 3, HANDLE_CHASSIS);
    put_string(tables, MANUFACTURER);
    put(tables, 1, 1); /* other */
    put(tables, 3, 0);
    for (unsigned i = 0; i < 3; i++)
        put(tables, 1, 3); /* boot-up, power supply and thermal state: safe */
    put(tables, 1, 2);     /* security status: unknown */
    put(tables, 8, 0);
    put(tables, 1, 0); /* SKU */
    end(tables);
}

/* 7.5, type 4: one socket. */
static void cpu_put(struct tables *tables, const struct smbios_config *config)
{
    unsigned cores = config->cpus < 255 ? config->cpus : 255;
    begin(tables, 4, HANDLE_CPU);
    put_string(tables, "CPU 0");
    put(tables, 1, 3); /* central processor */
    put(tables, 1, 1); /* family: other */
    put_string(tables, MANUFACTURER);
    put(tables, 8, 0); /* its own identification */
    put_string(tables, config->cpu);
    put(tables, 1, 0);
    put(tables, 6, 0);    /* clocks: unknown */
    put(tables, 1, 0x41); /* populated, enabled */
    put(tables, 1, 1);    /* upgrade: other */
    for (unsigned i = 0; i < 3; i++)
        put(tables, 2, 0xffff); /* no information about caches */
    put(tables, 3, 0);
    for (unsigned i = 0; i < 3; i++)
        put(tables, 1, cores);
    put(tables, 2, 4); /* 64-bit capable */
    put(tables, 2, 1); /* family: other */
    for (unsigned i = 0; i < 3; i++)
        put(tables, 2, config->cpus);
    end(tables);
}

/* 7.17, type 16. */
static void array_put(struct tables *tables, const struct smbios_config *config)
{
    begin(tables, 16, HANDLE_MEMORY);
    put(tables, 1, 1); /* location: other */
    put(tables, 1, 3); /* system memory */
    put(tables, 1, 2); /* error correction: unknown */
    put(tables, 4, 0x80000000);
    put(tables, 2, 0xfffe); /* no information about errors */
    put(tables, 2, 1);
    put(tables, 8, config->memory);
    end(tables);
}

/* 7.18, type 17: sizes in MiB, from 32 GiB - 1 MiB on in another field. */
static void device_put(struct tables *tables, const struct smbios_config *config)
{
    uint64_t mib = config->memory / MIB;
    begin(tables, 17, HANDLE_DEVICE);
    put(tables, 2, HANDLE_MEMORY);
    put(tables, 2, 0xfffe);
    put(tables, 2, 0xffff); /* widths: unknown */
    put(tables, 2, 0xffff);
    put(tables, 2, mib < 0x7fff ? mib : 0x7fff);
    put(tables, 1, 9); /* DIMM */
    put(tables, 1, 0);
    put_string(tables, "DIMM 0");
    put(tables, 1, 0);
    put(tables, 1, 7); /* RAM */
    put(tables, 2, 2); /* unknown detail */
    put(tables, 2, 0); /* speed */
    put_string(tables, MANUFACTURER);
    put(tables, 4, 0);
    put(tables, 4, mib < 0x7fff ? 0 : mib & 0x7fffffff);
    put(tables, 8, 0); /* speed, voltages */
    end(tables);
}

/* 7.20, type 19: in KiB, or in bytes in the extended fields. */
static void mapping_put(struct tables *tables, const struct smbios_config *config)
{
    uint64_t last = config->memory_base + config->memory - 1;
    bool extended = last / KIB >= 0xffffffff;
    begin(tables, 19, HANDLE_MAPPING);
    put(tables, 4, extended ? 0xffffffff : config->memory_base / KIB);
    put(tables, 4, extended ? 0xffffffff : last / KIB);
    put(tables, 2, HANDLE_MEMORY);
    put(tables, 1, 1);
    put(tables, 8, extended ? config->memory_base : 0);
    put(tables, 8, extended ? last : 0);
    end(tables);
}

/* 7.33 and 7.46, types 32 and 127. */
static void tail_put(struct tables *tables)
{
    begin(tables, 32, HANDLE_BOOT);
    put(tables, 7, 0); /* no errors detected */
    end(tables);
    begin(tables, 127, HANDLE_END);
    end(tables);
}

/* 5.2.2: the entry point. */
static void anchor_make(uint8_t anchor[static ANCHOR_SIZE], size_t size, uint64_t address)
{
    uint8_t sum = 0;
    memset(anchor, 0, ANCHOR_SIZE);
    memcpy(anchor, "_SM3_", 5);
    anchor[6] = ANCHOR_SIZE;
    anchor[7] = 3;
    anchor[10] = 1;
    le32_store(anchor + 12, (uint32_t)size);
    le64_store(anchor + 16, address);
    for (unsigned i = 0; i < ANCHOR_SIZE; i++)
        sum += anchor[i];
    anchor[5] = (uint8_t)-sum;
}

static struct tables *tables_make(const struct smbios_config *config)
{
    struct tables *tables = machine_alloc(sizeof(*tables));
    system_put(tables, config);
    chassis_put(tables);
    cpu_put(tables, config);
    array_put(tables, config);
    device_put(tables, config);
    mapping_put(tables, config);
    tail_put(tables);
    return tables;
}

/* The firmware fills in the address. */
void smbios_publish(const struct smbios_config *config, struct fw_cfg *fw_cfg)
{
    struct tables *tables = tables_make(config);
    uint8_t anchor[ANCHOR_SIZE];
    anchor_make(anchor, tables->len, 0);
    fw_cfg_add_file(fw_cfg, "etc/smbios/smbios-anchor", anchor, sizeof(anchor));
    fw_cfg_add_file(fw_cfg, "etc/smbios/smbios-tables", tables->bytes, tables->len);
    free(tables);
}

void smbios_place(const struct smbios_config *config, struct ram *ram, uint64_t address)
{
    enum { ANCHOR_ROOM = 32 };
    struct tables *tables = tables_make(config);
    uint8_t anchor[ANCHOR_SIZE];
    anchor_make(anchor, tables->len, address + ANCHOR_ROOM);
    ram_write(ram, gpa(address), anchor, sizeof(anchor));
    ram_write(ram, gpa(address + ANCHOR_ROOM), tables->bytes, tables->len);
    free(tables);
}
