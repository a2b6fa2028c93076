#include "tests/devices/pci_support.h"

#include <string.h>

static bool deliver(void *opaque, struct msi_message message)
{
    struct test_pci *pci = opaque;
    pci->last = message;
    pci->messages++;
    return true;
}

void test_pci_start(struct test_pci *pci, struct test_machine *test)
{
    memset(pci, 0, sizeof(*pci));
    struct pci_bus_config config = {
        .memory = test->machine.mem.mmio, .io = test->machine.mem.pio, .msi = {deliver, pci}};
    for (unsigned i = 0; i < PCI_INTX_LINES; i++)
        config.intx[i] = test_irq_line(&pci->pins[i]);
    pci->test = test;
    pci->bus = pci_bus_create(&config);
    pci->next_mmio = TEST_PCI_MMIO;
    pci->next_port = TEST_PCI_PORTS;
}

void test_pci_finish(struct test_pci *pci)
{
    pci_bus_destroy(pci->bus);
}

uint32_t test_pci_get(struct test_pci *pci, int devfn, unsigned offset, unsigned width)
{
    host_mutex_lock(&pci->test->machine.lock);
    uint32_t value = pci_bus_config_read(pci->bus, 0, (unsigned)devfn, offset, width);
    host_mutex_unlock(&pci->test->machine.lock);
    return value;
}

void test_pci_put(struct test_pci *pci, int devfn, unsigned offset, unsigned width, uint32_t value)
{
    host_mutex_lock(&pci->test->machine.lock);
    pci_bus_config_write(pci->bus, 0, (unsigned)devfn, offset, width, value);
    host_mutex_unlock(&pci->test->machine.lock);
}

uint64_t test_pci_bar(struct test_pci *pci, int devfn, unsigned bar)
{
    unsigned offset = PCI_BAR0 + 4 * bar;
    test_pci_put(pci, devfn, offset, 4, 0xffffffff);
    uint32_t found = test_pci_get(pci, devfn, offset, 4);
    bool io = found & PCI_BAR_IO;
    uint64_t size = ~(found & (io ? ~3u : ~0xfu)) + 1u;
    uint64_t *next = io ? &pci->next_port : &pci->next_mmio;
    size &= io ? 0xffff : UINT32_MAX;
    *next = (*next + size - 1) & ~(size - 1);
    uint64_t place = *next;
    *next += size;
    test_pci_put(pci, devfn, offset, 4, (uint32_t)place);
    test_pci_put(pci, devfn, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    return place;
}

unsigned test_pci_capability(struct test_pci *pci, int devfn, uint8_t id)
{
    unsigned offset = test_pci_get(pci, devfn, PCI_CAPABILITIES, 1);
    while (offset && test_pci_get(pci, devfn, offset, 1) != id)
        offset = test_pci_get(pci, devfn, offset + 1, 1);
    return offset;
}

bool test_pci_pin(const struct test_pci *pci)
{
    bool level = false;
    for (unsigned i = 0; i < PCI_INTX_LINES; i++)
        level |= pci->pins[i].level;
    return level;
}
