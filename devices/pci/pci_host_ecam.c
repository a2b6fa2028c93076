#include "devices/pci/pci_host_ecam.h"

#include <stdlib.h>

#include "base/bits.h"

/* The function software finds at 00:00.0 of a generic host: the identity of the boards this follows. */
#define BRIDGE_VENDOR 0x1b36
#define BRIDGE_DEVICE 0x0008
#define BRIDGE_CLASS  0x060000

struct window {
    struct pci_host_window place;
    struct bus *space;
};

struct pci_host_ecam {
    struct pci_host_ecam_config config;
    struct pci_bus *bus;
    struct bus *memory_space, *io_space;
    struct window memory[PCI_HOST_MEMORY_WINDOWS], io;
    struct pci_function bridge;
};

/* PCIe 7.2.2: bus number, device and function, and register from the address. */
static uint64_t ecam_read(void *opaque, uint64_t offset, unsigned width)
{
    struct pci_host_ecam *host = opaque;
    return pci_bus_config_read(host->bus, (unsigned)(offset >> 20), offset >> 12 & 0xff, offset & 0xfff,
                               width);
}

static void ecam_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct pci_host_ecam *host = opaque;
    pci_bus_config_write(host->bus, (unsigned)(offset >> 20), offset >> 12 & 0xff, offset & 0xfff, width,
                         (uint32_t)value);
}

static uint64_t window_read(void *opaque, uint64_t offset, unsigned width)
{
    struct window *window = opaque;
    uint64_t value;
    if (bus_read(window->space, window->place.address + offset, width, &value))
        return value;
    return bits_get(~(uint64_t)0, 0, 8 * width);
}

static void window_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct window *window = opaque;
    if (!bus_write(window->space, window->place.address + offset, value, width))
        log_guest("PCI: a write to %#llx, where no BAR is",
                  (unsigned long long)(window->place.address + offset));
}

static bool window_add(struct machine *machine, const char *name, struct window *window,
                       const struct pci_host_window *place, struct bus *space, struct error *err)
{
    *window = (struct window){.place = *place, .space = space};
    if (!place->size)
        return true;
    unsigned id;
    /* Unlocked: the space behind it locks as each BAR's registers ask for. */
    return bus_add(machine->mem.mmio,
                   &(struct bus_region){.name = name,
                                        .base = place->base,
                                        .size = place->size,
                                        .unlocked = true,
                                        .read = window_read,
                                        .write = window_write,
                                        .opaque = window},
                   &id, err);
}

static bool memory_reach(void *opaque, uint64_t address, uint64_t size, gpa_t *base)
{
    struct pci_host_ecam *host = opaque;
    for (unsigned i = 0; i < PCI_HOST_MEMORY_WINDOWS; i++) {
        const struct pci_host_window *place = &host->memory[i].place;
        if (address < place->address || range_beyond(address - place->address, size, place->size))
            continue;
        *base = gpa(place->base + (address - place->address));
        return true;
    }
    return false;
}

static bool regions_add(struct pci_host_ecam *host, struct machine *machine, struct error *err)
{
    const struct pci_host_ecam_config *config = &host->config;
    unsigned id;
    if (!bus_add(machine->mem.mmio,
                 &(struct bus_region){.name = "pcie-ecam",
                                      .base = config->ecam_base,
                                      .size = config->ecam_size,
                                      .min_width = 1,
                                      .max_width = 4,
                                      .read = ecam_read,
                                      .write = ecam_write,
                                      .opaque = host},
                 &id, err))
        return false;
    return window_add(machine, "pcie-memory", &host->memory[0], &config->memory[0], host->memory_space,
                      err) &&
           window_add(machine, "pcie-memory-high", &host->memory[1], &config->memory[1], host->memory_space,
                      err) &&
           window_add(machine, "pcie-io", &host->io, &config->io, host->io_space, err);
}

static const struct state_table table = {.name = "pci-host-ecam", .version = 1};

static void host_destroy(void *object)
{
    struct pci_host_ecam *host = object;
    pci_function_fini(&host->bridge);
    pci_bus_destroy(host->bus);
    bus_destroy(host->memory_space);
    bus_destroy(host->io_space);
    free(host);
}

struct pci_host_ecam *pci_host_ecam_create(struct machine *machine, const struct pci_host_ecam_config *config,
                                           struct error *err)
{
    struct pci_host_ecam *host = machine_alloc(sizeof(*host));
    host->config = *config;
    host->memory_space = bus_create("pci-memory", &machine->lock);
    host->io_space = bus_create("pci-io", &machine->lock);
    struct pci_bus_config bus = {.memory = host->memory_space,
                                 .io = host->io_space,
                                 .io_from_zero = true,
                                 .reach = memory_reach,
                                 .opaque = host,
                                 .msi = config->msi};
    memcpy(bus.intx, config->intx, sizeof(config->intx));
    host->bus = pci_bus_create(&bus);
    pci_function_init(&host->bridge, machine, host->bus,
                      &(struct pci_config){.name = config->name,
                                           .vendor = BRIDGE_VENDOR,
                                           .device = BRIDGE_DEVICE,
                                           .class_code = BRIDGE_CLASS},
                      NULL);
    machine_device_add(machine, "pcie-host", &table, host, host_destroy);
    return regions_add(host, machine, err) ? host : NULL;
}

struct pci_bus *pci_host_ecam_bus(struct pci_host_ecam *host)
{
    return host->bus;
}
