/* Message-signalled interrupts: the MSI capability with per-vector masks, and MSI-X (PCI 3.0, 6.8). */
#include <assert.h>

#include "base/bits.h"
#include "devices/pci/pci_internal.h"

static void message_send(struct pci_function *pci, uint64_t address, uint32_t data)
{
    const struct msi_message message = {address, data, (uint32_t)pci->devfn}; /* all are on bus 0 */
    const struct msi_target *target = &pci_bus_config(pci->bus)->msi;
    /* A message is a memory write, which the function may only make as a bus master. */
    if (!pci_bus_master(pci)) {
        log_guest("%s: an interrupt message while bus mastering is off is lost", pci->config.name);
        return;
    }
    if (!target->deliver || !target->deliver(target->opaque, message))
        log_guest("%s: nobody takes the interrupt message %#x to %#llx", pci->config.name, message.data,
                  (unsigned long long)message.address);
}

bool pci_msi_add(struct pci_function *pci, unsigned vectors)
{
    assert(is_pow2(vectors) && vectors <= 32);
    if (!pci_bus_config(pci->bus)->msi.deliver)
        return false;
    unsigned msi = pci_capability_add(pci, PCI_CAP_MSI, PCI_MSI_SIZE);
    unsigned log2 = (unsigned)__builtin_ctz(vectors);
    pci_config_define(pci, msi + PCI_MSI_CONTROL, 2, PCI_MSI_CONTROL_64 | PCI_MSI_CONTROL_MASK | log2 << 1,
                      PCI_MSI_CONTROL_ENABLE | 0x70);
    pci_config_define(pci, msi + PCI_MSI_ADDRESS, 4, 0, 0xfffffffc);
    pci_config_define(pci, msi + PCI_MSI_ADDRESS_HIGH, 4, 0, 0xffffffff);
    pci_config_define(pci, msi + PCI_MSI_DATA, 4, 0, 0xffff);
    pci_config_define(pci, msi + PCI_MSI_MASK, 4, 0, (uint32_t)bits_get(~(uint64_t)0, 0, vectors));
    pci->msi = msi;
    pci->msi_vectors = vectors;
    return true;
}

bool pci_msi_enabled(const struct pci_function *pci)
{
    return pci->msi && pci_config_get(pci, pci->msi + PCI_MSI_CONTROL, 2) & PCI_MSI_CONTROL_ENABLE;
}

/* PCI 6.8.1.3: a function given 2^n messages puts the vector into the low n bits of the data. */
static void msi_send(struct pci_function *pci, unsigned vector)
{
    uint32_t control = pci_config_get(pci, pci->msi + PCI_MSI_CONTROL, 2);
    unsigned given = 1u << bits_get(control, 4, 3);
    if (given > pci->msi_vectors)
        given = pci->msi_vectors;
    uint64_t address = pci_config_get(pci, pci->msi + PCI_MSI_ADDRESS, 4) |
                       (uint64_t)pci_config_get(pci, pci->msi + PCI_MSI_ADDRESS_HIGH, 4) << 32;
    uint32_t data = pci_config_get(pci, pci->msi + PCI_MSI_DATA, 4);
    message_send(pci, address, (data & ~(given - 1)) | (vector & (given - 1)));
}

void pci_msi_notify(struct pci_function *pci, unsigned vector)
{
    if (!pci_msi_enabled(pci) || vector >= pci->msi_vectors)
        return;
    if (pci_config_get(pci, pci->msi + PCI_MSI_MASK, 4) >> vector & 1) {
        uint32_t pending = pci_config_get(pci, pci->msi + PCI_MSI_PENDING, 4);
        pci_config_set(pci, pci->msi + PCI_MSI_PENDING, 4, pending | 1u << vector);
        return;
    }
    msi_send(pci, vector);
}

static void msi_pending_send(struct pci_function *pci)
{
    if (!pci_msi_enabled(pci))
        return;
    uint32_t mask = pci_config_get(pci, pci->msi + PCI_MSI_MASK, 4);
    uint32_t pending = pci_config_get(pci, pci->msi + PCI_MSI_PENDING, 4);
    pci_config_set(pci, pci->msi + PCI_MSI_PENDING, 4, pending & mask);
    for (uint32_t ready = pending & ~mask; ready; ready &= ready - 1)
        msi_send(pci, (unsigned)__builtin_ctz(ready));
}

bool pci_msix_enabled(const struct pci_function *pci)
{
    return pci->msix && pci_config_get(pci, pci->msix + PCI_MSIX_CONTROL, 2) & PCI_MSIX_CONTROL_ENABLE;
}

static bool msix_sendable(const struct pci_function *pci, unsigned vector)
{
    uint32_t control = pci_config_get(pci, pci->msix + PCI_MSIX_CONTROL, 2);
    return control & PCI_MSIX_CONTROL_ENABLE && !(control & PCI_MSIX_CONTROL_MASK) &&
           pci->vectors[vector].unmasked;
}

static void msix_pending_send(struct pci_function *pci)
{
    if (!pci_msix_enabled(pci))
        return;
    for (unsigned i = 0; i < pci->msix_vectors; i++) {
        if (!pci->vectors[i].pending || !msix_sendable(pci, i))
            continue;
        pci->vectors[i].pending = false;
        message_send(pci, pci->vectors[i].address, pci->vectors[i].data);
    }
}

void pci_msix_notify(struct pci_function *pci, unsigned vector)
{
    if (!pci_msix_enabled(pci) || vector >= pci->msix_vectors)
        return;
    if (msix_sendable(pci, vector))
        message_send(pci, pci->vectors[vector].address, pci->vectors[vector].data);
    else
        pci->vectors[vector].pending = true;
}

void pci_msi_update(struct pci_function *pci)
{
    msi_pending_send(pci);
    msix_pending_send(pci);
}

static uint32_t table_word(const struct pci_function *pci, unsigned vector, unsigned word)
{
    switch (word) {
    case 0: return (uint32_t)pci->vectors[vector].address;
    case 1: return (uint32_t)(pci->vectors[vector].address >> 32);
    case 2: return pci->vectors[vector].data;
    default: return pci->vectors[vector].unmasked ? 0 : PCI_MSIX_ENTRY_MASKED;
    }
}

static uint64_t table_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)width;
    return table_word(opaque, (unsigned)(offset / PCI_MSIX_ENTRY_SIZE), offset / 4 % 4);
}

static void table_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    (void)width;
    struct pci_function *pci = opaque;
    unsigned vector = (unsigned)(offset / PCI_MSIX_ENTRY_SIZE);
    uint64_t *address = &pci->vectors[vector].address;
    switch (offset / 4 % 4) {
    case 0: *address = bits_set(*address, 0, 32, value & 0xfffffffc); break;
    case 1: *address = bits_set(*address, 32, 32, value); break;
    case 2: pci->vectors[vector].data = (uint32_t)value; break;
    default: pci->vectors[vector].unmasked = !(value & PCI_MSIX_ENTRY_MASKED); msix_pending_send(pci);
    }
}

static uint64_t pending_read(void *opaque, uint64_t offset, unsigned width)
{
    struct pci_function *pci = opaque;
    uint64_t bits = 0;
    for (unsigned i = 0; i < 8 * width; i++) {
        uint64_t vector = offset * 8 + i;
        if (vector < pci->msix_vectors && pci->vectors[vector].pending)
            bits |= (uint64_t)1 << i;
    }
    return bits;
}

static void pending_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    (void)offset, (void)value, (void)width;
    struct pci_function *pci = opaque;
    log_guest("%s: a write to the pending bits of MSI-X is ignored", pci->config.name);
}

bool pci_msix_add(struct pci_function *pci, unsigned vectors, unsigned bar, uint32_t table, uint32_t pba)
{
    assert(vectors >= 1 && vectors <= PCI_MSIX_VECTORS_MAX && bar < PCI_BARS && !((table | pba) & 7));
    if (!pci_bus_config(pci->bus)->msi.deliver)
        return false;
    unsigned msix = pci_capability_add(pci, PCI_CAP_MSIX, PCI_MSIX_SIZE);
    pci_config_define(pci, msix + PCI_MSIX_CONTROL, 2, vectors - 1,
                      PCI_MSIX_CONTROL_ENABLE | PCI_MSIX_CONTROL_MASK);
    pci_config_define(pci, msix + PCI_MSIX_TABLE, 4, table | bar, 0);
    pci_config_define(pci, msix + PCI_MSIX_PBA, 4, pba | bar, 0);
    pci->msix = msix;
    pci->msix_vectors = vectors;
    pci_bar_region(pci, bar,
                   &(struct bus_region){.name = "msix-table",
                                        .base = table,
                                        .size = vectors * PCI_MSIX_ENTRY_SIZE,
                                        .min_width = 4,
                                        .max_width = 4,
                                        .read = table_read,
                                        .write = table_write,
                                        .opaque = pci});
    pci_bar_region(pci, bar,
                   &(struct bus_region){.name = "msix-pba",
                                        .base = pba,
                                        .size = align_up(vectors, 64) / 8,
                                        .min_width = 4,
                                        .max_width = 8,
                                        .read = pending_read,
                                        .write = pending_write,
                                        .opaque = pci});
    return true;
}
