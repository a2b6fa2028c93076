#include "devices/pci/pci_bus.h"

#include <assert.h>
#include <stdlib.h>

#include "base/bits.h"
#include "devices/pci/pci_internal.h"

#define DEVFNS 256

struct pci_bus {
    struct pci_bus_config config;
    struct pci_function *functions[DEVFNS];
    unsigned asserted[PCI_INTX_LINES]; /* functions that drive each line */
};

struct pci_bus *pci_bus_create(const struct pci_bus_config *config)
{
    struct pci_bus *bus = machine_alloc(sizeof(*bus));
    bus->config = *config;
    return bus;
}

void pci_bus_destroy(struct pci_bus *bus)
{
    free(bus);
}

const struct pci_bus_config *pci_bus_config(const struct pci_bus *bus)
{
    return &bus->config;
}

/* PCI 6.2.1: bit 7 of the header type of function 0 tells that its device has others. */
static void multifunction_mark(struct pci_bus *bus, unsigned slot)
{
    struct pci_function *first = bus->functions[pci_devfn(slot, 0)];
    if (!first)
        return;
    bool others = false;
    for (unsigned i = 1; i < 8; i++)
        others |= bus->functions[pci_devfn(slot, i)] != NULL;
    first->initial[PCI_HEADER_TYPE] = others ? PCI_HEADER_MULTIFUNCTION : 0;
}

static int free_slot(const struct pci_bus *bus)
{
    for (unsigned slot = 0; slot < DEVFNS / 8; slot++) {
        bool used = false;
        for (unsigned i = 0; i < 8; i++)
            used |= bus->functions[pci_devfn(slot, i)] != NULL;
        if (!used)
            return pci_devfn(slot, 0);
    }
    return PCI_DEVFN_ANY;
}

bool pci_bus_join(struct pci_bus *bus, struct pci_function *pci, struct error *err)
{
    int devfn = pci->config.devfn == PCI_DEVFN_ANY ? free_slot(bus) : pci->config.devfn;
    if (devfn == PCI_DEVFN_ANY)
        return error_set(err, ERROR_USAGE, "no PCI slot is free for %s", pci->config.name);
    if (devfn < 0 || devfn >= DEVFNS || bus->functions[devfn])
        return error_set(err, ERROR_USAGE, "the PCI slot %02x.%x wanted for %s is taken or does not exist",
                         (unsigned)devfn >> 3, (unsigned)devfn & 7, pci->config.name);
    pci->devfn = devfn;
    bus->functions[devfn] = pci;
    multifunction_mark(bus, (unsigned)devfn >> 3);
    return true;
}

void pci_bus_leave(struct pci_bus *bus, struct pci_function *pci)
{
    bus->functions[pci->devfn] = NULL;
    multifunction_mark(bus, (unsigned)pci->devfn >> 3);
}

void pci_bus_room(struct pci_bus *bus)
{
    for (unsigned i = 0; i < DEVFNS; i++) {
        if (bus->functions[i])
            pci_bars_retry(bus->functions[i]);
    }
}

void pci_bus_intx(struct pci_bus *bus, unsigned devfn, unsigned pin, bool level)
{
    unsigned line = bus->config.route ? bus->config.route(devfn, pin) : ((devfn >> 3) + pin - 1) % 4;
    assert(line < PCI_INTX_LINES);
    bus->asserted[line] += level ? 1u : ~0u;
    irq_line_set(&bus->config.intx[line], bus->asserted[line] != 0);
}

static struct pci_function *function_find(struct pci_bus *bus, unsigned number, unsigned devfn)
{
    return number == 0 && devfn < DEVFNS ? bus->functions[devfn] : NULL;
}

uint32_t pci_bus_config_read(struct pci_bus *bus, unsigned number, unsigned devfn, unsigned offset,
                             unsigned width)
{
    struct pci_function *pci = function_find(bus, number, devfn);
    return pci ? pci_function_read(pci, offset, width) : (uint32_t)bits_get(~(uint64_t)0, 0, width * 8);
}

void pci_bus_config_write(struct pci_bus *bus, unsigned number, unsigned devfn, unsigned offset,
                          unsigned width, uint32_t value)
{
    struct pci_function *pci = function_find(bus, number, devfn);
    if (pci)
        pci_function_write(pci, offset, width, value);
}
