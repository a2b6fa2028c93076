#include "devices/pci/q35_host.h"

#include <stdlib.h>

#include "base/bits.h"

/* Intel 3 Series Express Chipset Family data sheet, 5.1: device 0 of the memory controller hub. */
#define MCH_VENDOR 0x8086
#define MCH_DEVICE 0x29c0
#define MCH_CLASS  0x060000

#define EXT_TSEG 0x50 /* not of the data sheet: see ext_tseg_update */
#define PCIEXBAR 0x60
#define PAM0     0x90
#define SMRAM    0x9d
#define ESMRAMC  0x9e
#define TOM      0xa0
#define TOUUD    0xa2
#define TSEGMB   0xac
#define TOLUD    0xb0

#define PCIEXBAR_ENABLE  0x1u
#define PCIEXBAR_DEFAULT 0xe0000000u

#define SMRAM_DEFAULT 0x02u
#define SMRAM_ENABLE  0x08u
#define SMRAM_LOCK    0x10u
#define SMRAM_CLOSED  0x20u
#define SMRAM_OPEN    0x40u

#define ESMRAMC_DEFAULT 0x38u /* the cache bits read as ones */
#define TSEG_ENABLE     0x01u

#define EXT_TSEG_QUERY 0xffffu
#define EXT_TSEG_SIZE  (16 * MIB)

#define VIDEO_BASE ((uint64_t)0xa0000)
#define VIDEO_SIZE ((uint64_t)0x20000)
#define PAM_BASE   ((uint64_t)0xc0000)
#define PAM_END    ((uint64_t)0x100000)
#define PAM_UNIT   ((uint64_t)0x4000) /* eight of these below 0xe0000, four behind; then one of 64 KiB */
#define PAMS       13

/* The ICH9's reset control register, a byte between those of the configuration address. */
#define RESET_CONTROL       1
#define RESET_CONTROL_RESET 0x04u

/* A range of shadow RAM: reads and writes go to RAM or, each for itself, to what is on the bus. */
struct pam {
    uint64_t base, size;
    bool mapped, is_rom;
    unsigned id;
};

struct q35_host {
    struct machine *machine;
    struct q35_host_config config;
    struct pci_bus *bus;
    struct pci_function bridge;
    struct pam pams[PAMS];
    unsigned video_id;        /* RAM behind the video window */
    unsigned low_id, tseg_id; /* RAM from 1 MiB, and its end that is the system-management mode's */
    uint64_t tseg_size;       /* 0: none, and no tseg_id */
    bool ecam_shown;
    uint64_t ecam_base, ecam_size;
    unsigned ecam_id;

    uint32_t address; /* port 0xcf8 */
    uint8_t reset_control;
};

static uint64_t config_read(void *opaque, uint64_t offset, unsigned width)
{
    struct q35_host *host = opaque;
    if (!(host->address & 0x80000000))
        return UINT32_MAX;
    return pci_bus_config_read(host->bus, host->address >> 16 & 0xff, host->address >> 8 & 0xff,
                               (host->address & 0xfc) + (unsigned)offset, width);
}

static void config_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct q35_host *host = opaque;
    if (host->address & 0x80000000)
        pci_bus_config_write(host->bus, host->address >> 16 & 0xff, host->address >> 8 & 0xff,
                             (host->address & 0xfc) + (unsigned)offset, width, (uint32_t)value);
}

/* PCI 3.2.2.3.2: only an access of 32 bits is meant for the address. */
static uint64_t address_read(void *opaque, uint64_t offset, unsigned width)
{
    const struct q35_host *host = opaque;
    if (offset == 0 && width == 4)
        return host->address;
    return offset == RESET_CONTROL && width == 1 ? host->reset_control : UINT32_MAX;
}

static void address_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct q35_host *host = opaque;
    struct machine *machine = host->machine;
    if (offset == 0 && width == 4) {
        host->address = (uint32_t)value & 0x80fffffc;
    } else if (offset == RESET_CONTROL && width == 1) {
        bool rises = value & ~(uint64_t)host->reset_control & RESET_CONTROL_RESET;
        host->reset_control = value & 0x0e;
        if (rises)
            machine->request(machine, MACHINE_RESET, 0);
    }
}

/* PCIe 7.2.2. */
static uint64_t ecam_read(void *opaque, uint64_t offset, unsigned width)
{
    struct q35_host *host = opaque;
    return pci_bus_config_read(host->bus, (unsigned)(offset >> 20), offset >> 12 & 0xff, offset & 0xfff,
                               width);
}

static void ecam_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct q35_host *host = opaque;
    pci_bus_config_write(host->bus, (unsigned)(offset >> 20), offset >> 12 & 0xff, offset & 0xfff, width,
                         (uint32_t)value);
}

/* 5.1.16: 256, 128 or 64 MiB at a place that is a multiple of that. */
static void ecam_update(struct q35_host *host)
{
    uint64_t value = pci_config_get(&host->bridge, PCIEXBAR, 4) |
                     (uint64_t)pci_config_get(&host->bridge, PCIEXBAR + 4, 4) << 32;
    unsigned length = value >> 1 & 3;
    uint64_t size = (256 * MIB) >> length, base = value & 0xffc000000 & ~(size - 1);
    bool show = value & PCIEXBAR_ENABLE && length < 3;
    if (show == host->ecam_shown && (!show || (base == host->ecam_base && size == host->ecam_size)))
        return;
    if (host->ecam_shown)
        bus_remove(host->machine->mem.mmio, host->ecam_id);
    struct bus_region region = {.name = "pcie-ecam",
                                .base = base,
                                .size = size,
                                .max_width = 4,
                                .read = ecam_read,
                                .write = ecam_write,
                                .opaque = host};
    host->ecam_base = base;
    host->ecam_size = size;
    host->ecam_shown = show && bus_add(host->machine->mem.mmio, &region, &host->ecam_id, NULL);
    if (show && !host->ecam_shown)
        log_guest("q35: configuration space at %#llx overlaps something else", (unsigned long long)base);
}

/* 5.1.18: number 0 has the attributes of the last 64 KiB, the others of two units each. */
static unsigned pam_attributes(const struct q35_host *host, unsigned index)
{
    if (index == PAMS - 1)
        return pci_config_get(&host->bridge, PAM0, 1) >> 4 & 3;
    return pci_config_get(&host->bridge, PAM0 + 1 + index / 2, 1) >> (index & 1 ? 4 : 0) & 3;
}
#define PAM_READ  1u
#define PAM_WRITE 2u

static bool pam_shows_rom(const struct q35_host *host, const struct pam *pam)
{
    return host->config.rom && pam->base >= PAM_END - ram_block_size(host->config.rom);
}

/* Show RAM or the ROM, or only one of them or neither, where they are not shown yet. */
static void pam_map(struct q35_host *host, struct pam *pam, enum ram_mapping_kind kind)
{
    struct ram *ram = host->machine->mem.ram;
    bool rom = kind == RAM_HIDDEN && pam_shows_rom(host, pam);
    if (pam->mapped && pam->is_rom == rom) {
        ram_mapping_set_kind(ram, pam->id, rom ? RAM_READONLY : kind);
        return;
    }
    if (pam->mapped)
        ram_unmap(ram, pam->id);
    pam->is_rom = rom;
    if (rom) {
        uint64_t skip = PAM_END - ram_block_size(host->config.rom);
        pam->mapped = ram_map(ram, host->config.rom, pam->base - skip, gpa(pam->base), pam->size,
                              RAM_READONLY, &pam->id);
    } else {
        pam->mapped = ram_map(ram, host->config.ram, pam->base, gpa(pam->base), pam->size, kind, &pam->id);
    }
}

static void pams_update(struct q35_host *host)
{
    for (unsigned i = 0; i < PAMS; i++) {
        unsigned attributes = pam_attributes(host, i);
        enum ram_mapping_kind kind = attributes & PAM_WRITE ? RAM_MAPPED : RAM_READONLY;
        pam_map(host, &host->pams[i], attributes & PAM_READ ? kind : RAM_HIDDEN);
    }
}

void q35_host_shadow_open(struct q35_host *host)
{
    pci_config_set(&host->bridge, PAM0, 1, 0x30);
    for (unsigned i = 1; i < 7; i++)
        pci_config_set(&host->bridge, PAM0 + i, 1, 0x33);
    pams_update(host);
}

/* What RAM doesn't answer below 1 MiB: reads of nothing, and writes that may go to RAM all the same. */
static uint64_t shadow_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)opaque, (void)offset, (void)width;
    return UINT64_MAX;
}

static void shadow_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct q35_host *host = opaque;
    unsigned index = (unsigned)(offset / PAM_UNIT);
    if (!(pam_attributes(host, index < PAMS - 1 ? index : PAMS - 1) & PAM_WRITE))
        return;
    le_store(ram_block_host(host->config.ram) + PAM_BASE + offset, width, value);
    ram_block_written(host->config.ram, PAM_BASE + offset, width);
}

/* 5.1.27: open SMRAM is everybody's, else only system-management mode sees it, or, with it closed, fetches
 * its code from it. Locked SMRAM can't be open. */
static enum ram_mapping_kind smram_kind(const struct q35_host *host)
{
    uint8_t smram = (uint8_t)pci_config_get(&host->bridge, SMRAM, 1);
    if (smram & SMRAM_OPEN)
        return RAM_MAPPED;
    return smram & SMRAM_CLOSED ? RAM_GUARDED_CODE : RAM_GUARDED;
}

static uint64_t tseg_wanted(const struct q35_host *host)
{
    static const uint64_t sizes[] = {MIB, 2 * MIB, 8 * MIB, EXT_TSEG_SIZE};
    uint8_t smram = (uint8_t)pci_config_get(&host->bridge, SMRAM, 1);
    uint8_t esmramc = (uint8_t)pci_config_get(&host->bridge, ESMRAMC, 1);
    uint64_t size = smram & SMRAM_ENABLE && esmramc & TSEG_ENABLE ? sizes[esmramc >> 1 & 3] : 0;
    return size < host->config.below_4g - MIB ? size : 0;
}

/* RAM from 1 MiB up, in one piece or with its end apart. */
static bool low_map(struct q35_host *host, uint64_t tseg)
{
    struct ram *ram = host->machine->mem.ram;
    uint64_t end = host->config.below_4g;
    host->tseg_size = tseg;
    return ram_map(ram, host->config.ram, MIB, gpa(MIB), end - tseg - MIB, RAM_MAPPED, &host->low_id) &&
           (!tseg || ram_map(ram, host->config.ram, end - tseg, gpa(end - tseg), tseg, smram_kind(host),
                             &host->tseg_id));
}

/* EDK2 for virtual machines asks here for a TSEG beyond the data sheet's 8 MiB: it writes all ones and reads
 * how many MiB the size 3, which is reserved on a real bridge, stands for. */
static void ext_tseg_update(struct q35_host *host)
{
    if (pci_config_get(&host->bridge, EXT_TSEG, 2) == EXT_TSEG_QUERY)
        pci_config_set(&host->bridge, EXT_TSEG, 2, EXT_TSEG_SIZE / MIB);
}

static void smram_update(struct q35_host *host)
{
    struct ram *ram = host->machine->mem.ram;
    uint64_t tseg = tseg_wanted(host);
    bool enabled = pci_config_get(&host->bridge, SMRAM, 1) & SMRAM_ENABLE;
    ram_mapping_set_kind(ram, host->video_id, enabled ? smram_kind(host) : RAM_HIDDEN);
    if (tseg != host->tseg_size) {
        ram_unmap(ram, host->low_id);
        if (host->tseg_size)
            ram_unmap(ram, host->tseg_id);
        low_map(host, tseg);
    }
    if (tseg)
        ram_mapping_set_kind(ram, host->tseg_id, smram_kind(host));
}

/* D_LCK closes SMRAM and makes its registers read-only until the next reset. */
static void smram_lock(struct pci_function *bridge)
{
    bool locked = pci_config_get(bridge, SMRAM, 1) & SMRAM_LOCK;
    if (locked)
        pci_config_set(bridge, SMRAM, 1, pci_config_get(bridge, SMRAM, 1) & ~SMRAM_OPEN);
    bridge->writable[SMRAM] = locked ? SMRAM_CLOSED : SMRAM_ENABLE | SMRAM_LOCK | SMRAM_CLOSED | SMRAM_OPEN;
    bridge->writable[ESMRAMC] = locked ? 0 : 0x07;
    /* Firmware notes here where TSEG begins; it ends where RAM does. */
    le32_store(bridge->writable + TSEGMB, locked ? 0 : 0xfff00000);
}

static void bridge_written(void *opaque, unsigned offset, unsigned width)
{
    struct q35_host *host = opaque;
    if (ranges_overlap(offset, width, EXT_TSEG, 2))
        ext_tseg_update(host);
    if (ranges_overlap(offset, width, PCIEXBAR, 8))
        ecam_update(host);
    if (ranges_overlap(offset, width, PAM0, 7))
        pams_update(host);
    if (ranges_overlap(offset, width, SMRAM, 2)) {
        smram_lock(&host->bridge);
        smram_update(host);
    }
}

static void bridge_define(struct q35_host *host)
{
    struct pci_function *bridge = &host->bridge;
    uint64_t top = host->config.above_4g ? 4 * GIB + host->config.above_4g : host->config.below_4g;
    pci_config_define(bridge, EXT_TSEG, 2, 0, 0xffff);
    pci_config_define(bridge, PCIEXBAR, 4, PCIEXBAR_DEFAULT, 0xfc000007);
    pci_config_define(bridge, PCIEXBAR + 4, 4, 0, 0xf);
    pci_config_define(bridge, PAM0, 1, 0, 0x30);
    for (unsigned i = 1; i < 7; i++)
        pci_config_define(bridge, PAM0 + i, 1, 0, 0x33);
    pci_config_define(bridge, SMRAM, 1, SMRAM_DEFAULT, 0);
    pci_config_define(bridge, ESMRAMC, 1, ESMRAMC_DEFAULT, 0);
    pci_config_define(bridge, TOM, 2, (uint32_t)(top / (64 * MIB)), 0);
    pci_config_define(bridge, TOUUD, 2, (uint32_t)(top / MIB), 0);
    pci_config_define(bridge, TSEGMB, 4, 0, 0);
    pci_config_define(bridge, TOLUD, 2, (uint32_t)(host->config.below_4g / MIB) << 4, 0);
    smram_lock(bridge);
}

static bool ram_show(struct q35_host *host, struct error *err)
{
    struct ram *ram = host->machine->mem.ram;
    const struct q35_host_config *config = &host->config;
    unsigned id;
    if (config->below_4g < 2 * MIB)
        return error_set(err, ERROR_USAGE, "a PC needs at least 2 MiB of RAM");
    for (unsigned i = 0; i < PAMS; i++) {
        host->pams[i].base = PAM_BASE + i * PAM_UNIT;
        host->pams[i].size = i < PAMS - 1 ? PAM_UNIT : PAM_END - host->pams[i].base;
    }
    bool good =
        ram_map(ram, config->ram, 0, gpa(0), VIDEO_BASE, RAM_MAPPED, &id) &&
        ram_map(ram, config->ram, VIDEO_BASE, gpa(VIDEO_BASE), VIDEO_SIZE, RAM_HIDDEN, &host->video_id) &&
        low_map(host, 0) &&
        (!config->above_4g ||
         ram_map(ram, config->ram, config->below_4g, gpa(4 * GIB), config->above_4g, RAM_MAPPED, &id));
    return good || error_set(err, ERROR_HOST, "the PC's RAM overlaps something else");
}

static bool ports_add(struct q35_host *host, struct error *err)
{
    struct bus_region regions[] = {
        {.name = "pci-address", .base = 0xcf8, .size = 4, .read = address_read, .write = address_write},
        {.name = "pci-config", .base = 0xcfc, .size = 4, .read = config_read, .write = config_write},
        {.name = "shadow-ram",
         .base = PAM_BASE,
         .size = PAM_END - PAM_BASE,
         .read = shadow_read,
         .write = shadow_write},
    };
    for (unsigned i = 0; i < ARRAY_LEN(regions); i++) {
        unsigned id;
        bool port = i < 2;
        regions[i].max_width = port ? 4 : 8;
        regions[i].opaque = host;
        if (!bus_add(port ? host->machine->mem.pio : host->machine->mem.mmio, &regions[i], &id, err))
            return false;
    }
    return true;
}

/* The ICH9's own devices have their pins wired straight (its D25IR to D31IR as they are after reset); the
 * other slots are swizzled over the other four lines. */
unsigned q35_pirq(unsigned devfn, unsigned pin)
{
    unsigned slot = devfn >> 3;
    return slot >= 25 ? pin - 1 : 4 + (slot + pin - 1) % 4;
}

static void restored(void *object)
{
    struct q35_host *host = object;
    smram_lock(&host->bridge);
    ecam_update(host);
    pams_update(host);
    smram_update(host);
}

static const struct state_field fields[] = {
    STATE(struct q35_host, address),
    STATE(struct q35_host, reset_control),
};
static const struct state_table table = {"q35-host", 1, fields, ARRAY_LEN(fields), restored};

static void host_destroy(void *object)
{
    struct q35_host *host = object;
    pci_function_fini(&host->bridge);
    pci_bus_destroy(host->bus);
    free(host);
}

struct q35_host *q35_host_create(struct machine *machine, const struct q35_host_config *config,
                                 struct error *err)
{
    struct q35_host *host = machine_alloc(sizeof(*host));
    host->machine = machine;
    host->config = *config;
    struct pci_bus_config bus = {
        .memory = machine->mem.mmio, .io = machine->mem.pio, .route = q35_pirq, .msi = config->msi};
    memcpy(bus.intx, config->pirqs, sizeof(bus.intx));
    host->bus = pci_bus_create(&bus);
    pci_function_init(&host->bridge, machine, host->bus,
                      &(struct pci_config){.name = "q35-bridge",
                                           .devfn = pci_devfn(0, 0),
                                           .vendor = MCH_VENDOR,
                                           .device = MCH_DEVICE,
                                           .class_code = MCH_CLASS,
                                           .config_written = bridge_written,
                                           .opaque = host},
                      NULL);
    bridge_define(host);
    bool good = ram_show(host, err) && ports_add(host, err);
    machine_device_add(machine, "q35-host", &table, host, host_destroy);
    return good ? host : NULL;
}

struct pci_bus *q35_host_bus(struct q35_host *host)
{
    return host->bus;
}
