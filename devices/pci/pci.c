#include "devices/pci/pci.h"

#include <assert.h>
#include <stdlib.h>

#include "base/bits.h"
#include "devices/pci/pci_internal.h"

#define CAPABILITIES_START 0x40
#define CAPABILITIES_END   0x100

/*
 * A register's value is `initial` with the bits of `changed` inverted. So the reset value of `changed`, the
 * only array that is state, is zero whatever the register's own is.
 */
uint32_t pci_config_get(const struct pci_function *pci, unsigned offset, unsigned width)
{
    return (uint32_t)(le_load(pci->initial + offset, width) ^ le_load(pci->changed + offset, width));
}

void pci_config_set(struct pci_function *pci, unsigned offset, unsigned width, uint32_t value)
{
    le_store(pci->changed + offset, width, value ^ le_load(pci->initial + offset, width));
}

void pci_config_define(struct pci_function *pci, unsigned offset, unsigned width, uint32_t initial,
                       uint32_t writable)
{
    le_store(pci->initial + offset, width, initial);
    le_store(pci->writable + offset, width, writable);
}

unsigned pci_capability_add(struct pci_function *pci, uint8_t id, unsigned size)
{
    unsigned offset = pci->capability_end;
    assert(offset + size <= CAPABILITIES_END);
    pci->capability_end = (unsigned)align_up(offset + size, 4);
    pci_config_define(pci, pci->capability_last, 1, offset, 0);
    pci_config_define(pci, offset, 2, id, 0);
    pci->capability_last = offset + 1;
    pci->initial[PCI_STATUS] |= PCI_STATUS_CAPABILITIES;
    return offset;
}

void pci_express_add(struct pci_function *pci)
{
    unsigned express = pci_capability_add(pci, PCI_CAP_EXPRESS, PCI_EXPRESS_SIZE);
    pci_config_define(pci, express + PCI_EXPRESS_FLAGS, 2, 2 | PCI_EXPRESS_INTEGRATED << 4, 0);
    pci_config_define(pci, express + PCI_EXPRESS_DEVCAP, 4, PCI_EXPRESS_DEVCAP_RBER, 0);
    /* Everything but the bits of features that are not there and the function-level reset. */
    pci_config_define(pci, express + PCI_EXPRESS_DEVCTL, 2, PCI_EXPRESS_DEVCTL_RESET, 0x78ff);
    le_store(pci->clearing + express + PCI_EXPRESS_DEVSTA, 2, 0x000f);
}

bool pci_bus_master(const struct pci_function *pci)
{
    return pci_config_get(pci, PCI_COMMAND, 2) & PCI_COMMAND_MASTER;
}

void pci_intx_update(struct pci_function *pci)
{
    bool disabled = pci_config_get(pci, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE;
    bool want = pci->intx && !disabled && !pci_msi_enabled(pci) && !pci_msix_enabled(pci);
    if (want == pci->intx_driven || !pci->config.interrupt_pin)
        return;
    pci->intx_driven = want;
    pci_bus_intx(pci->bus, (unsigned)pci->devfn, pci->config.interrupt_pin, want);
}

void pci_intx_set(struct pci_function *pci, bool level)
{
    pci->intx = level;
    pci_intx_update(pci);
}

uint32_t pci_function_read(struct pci_function *pci, unsigned offset, unsigned width)
{
    uint32_t value;
    if (pci->config.config_read && pci->config.config_read(pci->config.opaque, offset, width, &value))
        return value;
    value = pci_config_get(pci, offset, width);
    /* PCI 6.2.3: the interrupt status bit shows the pin's state whatever the disable bit says. */
    if (pci->intx && offset <= PCI_STATUS && offset + width > PCI_STATUS)
        value |= (uint32_t)PCI_STATUS_INTERRUPT << (8 * (PCI_STATUS - offset));
    return value;
}

void pci_function_write(struct pci_function *pci, unsigned offset, unsigned width, uint32_t value)
{
    uint32_t old = pci_config_get(pci, offset, width);
    uint32_t writable = (uint32_t)le_load(pci->writable + offset, width);
    uint32_t clearing = (uint32_t)le_load(pci->clearing + offset, width);
    pci_config_set(pci, offset, width, ((old & ~writable) | (value & writable)) & ~(value & clearing));
    pci_bars_update(pci);
    pci_msi_update(pci);
    pci_intx_update(pci);
    if (pci->config.config_written)
        pci->config.config_written(pci->config.opaque, offset, width);
}

static void header_define(struct pci_function *pci)
{
    const struct pci_config *config = &pci->config;
    pci_config_define(pci, PCI_VENDOR_ID, 2, config->vendor, 0);
    pci_config_define(pci, PCI_DEVICE_ID, 2, config->device, 0);
    pci_config_define(pci, PCI_COMMAND, 2, 0,
                      PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE);
    le_store(pci->clearing + PCI_STATUS, 2, PCI_STATUS_ERRORS);
    pci_config_define(pci, PCI_REVISION_ID, 4, config->revision | config->class_code << 8, 0);
    pci_config_define(pci, PCI_CACHE_LINE_SIZE, 1, 0, 0xff);
    pci_config_define(pci, PCI_SUBSYSTEM_VENDOR_ID, 2, config->subsystem_vendor, 0);
    pci_config_define(pci, PCI_SUBSYSTEM_ID, 2, config->subsystem, 0);
    pci_config_define(pci, PCI_INTERRUPT_LINE, 1, 0, 0xff);
    pci_config_define(pci, PCI_INTERRUPT_PIN, 1, config->interrupt_pin, 0);
    pci->capability_end = CAPABILITIES_START;
    pci->capability_last = PCI_CAPABILITIES;
    for (unsigned i = 0; i <= PCI_BAR_ROM; i++)
        pci->bars[i].address = PCI_BAR_UNMAPPED;
}

static void function_restored(void *object)
{
    struct pci_function *pci = object;
    pci_bars_update(pci);
    pci_intx_update(pci);
}

static const struct state_field fields[] = {
    STATE_ARRAY(struct pci_function, changed),          STATE(struct pci_function, intx),
    STATE_EACH(struct pci_function, vectors, address),  STATE_EACH(struct pci_function, vectors, data),
    STATE_EACH(struct pci_function, vectors, unmasked), STATE_EACH(struct pci_function, vectors, pending),
};

static const struct state_table table = {
    .name = "pci-function",
    .version = 1,
    .fields = fields,
    .count = ARRAY_LEN(fields),
    .restored = function_restored,
};

void pci_function_fini(struct pci_function *pci)
{
    pci_bars_free(pci);
    pci_bus_leave(pci->bus, pci);
}

bool pci_function_init(struct pci_function *pci, struct machine *machine, struct pci_bus *bus,
                       const struct pci_config *config, struct error *err)
{
    assert(config->interrupt_pin <= 4);
    pci->machine = machine;
    pci->bus = bus;
    pci->config = *config;
    header_define(pci);
    if (!pci_bus_join(bus, pci, err))
        return false;
    machine_device_add(machine, config->name, &table, pci, NULL);
    return true;
}
