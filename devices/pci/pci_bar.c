/* BARs: sizing, decoding and moving. What a BAR holds are windows, each a bus region or a RAM mapping. */
#include <assert.h>
#include <stdlib.h>

#include "base/bits.h"
#include "base/trace.h"
#include "devices/pci/pci_internal.h"

void pci_bar_add(struct pci_function *pci, unsigned bar, uint64_t size, uint8_t flags)
{
    unsigned offset = PCI_BAR0 + 4 * bar;
    bool wide = flags & PCI_BAR_64;
    assert(bar + wide < PCI_BARS && is_pow2(size) && size >= (flags & PCI_BAR_IO ? 4 : 16));
    assert(wide || size <= 2 * GIB);
    pci->bars[bar].size = size;
    pci->bars[bar].flags = flags;
    uint64_t mask = ~(size - 1);
    pci_config_define(pci, offset, 4, flags, (uint32_t)mask);
    if (wide)
        pci_config_define(pci, offset + 4, 4, 0, (uint32_t)(mask >> 32));
    pci->writable[PCI_COMMAND] |= flags & PCI_BAR_IO ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
}

static struct pci_window *window_add(struct pci_function *pci, unsigned bar, uint64_t offset, uint64_t size)
{
    assert(bar <= PCI_BAR_ROM && size && !range_beyond(offset, size, pci->bars[bar].size));
    struct pci_window *window = machine_alloc(sizeof(*window));
    window->offset = offset;
    window->next = pci->bars[bar].windows;
    pci->bars[bar].windows = window;
    return window;
}

void pci_bar_region(struct pci_function *pci, unsigned bar, const struct bus_region *region)
{
    struct pci_window *window = window_add(pci, bar, region->base, region->size);
    window->region = *region;
}

void pci_bar_memory(struct pci_function *pci, unsigned bar, uint64_t offset, struct ram_block *block)
{
    window_add(pci, bar, offset, ram_block_size(block))->block = block;
}

void pci_rom_add(struct pci_function *pci, struct ram_block *block)
{
    uint64_t size = ram_block_size(block);
    assert(is_pow2(size) && size >= PAGE_SIZE && size <= 16 * MIB);
    pci->bars[PCI_BAR_ROM].size = size;
    pci_config_define(pci, PCI_ROM_ADDRESS, 4, 0, (uint32_t) ~(size - 1) | PCI_ROM_ENABLE);
    struct pci_window *window = window_add(pci, PCI_BAR_ROM, 0, size);
    window->block = block;
    window->readonly = true;
    pci->writable[PCI_COMMAND] |= PCI_COMMAND_MEMORY;
}

static struct bus *space_of(struct pci_function *pci, const struct pci_bar *bar)
{
    const struct pci_bus_config *config = pci_bus_config(pci->bus);
    return bar->flags & PCI_BAR_IO ? config->io : config->memory;
}

static bool memory_map(struct pci_function *pci, const struct pci_bar *bar, struct pci_window *window)
{
    const struct pci_bus_config *config = pci_bus_config(pci->bus);
    uint64_t size = ram_block_size(window->block);
    gpa_t base = gpa(bar->address + window->offset);
    if (config->reach && !config->reach(config->opaque, base.a, size, &base))
        return false;
    if ((base.a | size) & ~PAGE_MASK)
        return false;
    return ram_map(pci->machine->mem.ram, window->block, 0, base, size,
                   window->readonly ? RAM_READONLY : RAM_MAPPED, &window->id);
}

/*
 * What overlaps something else is not decoded for as long as it does: an operating system that deals out
 * addresses anew puts a BAR where another one is about to leave.
 */
static void windows_map(struct pci_function *pci, struct pci_bar *bar)
{
    for (struct pci_window *window = bar->windows; window; window = window->next) {
        if (window->mapped)
            continue;
        if (window->block) {
            window->mapped = memory_map(pci, bar, window);
        } else {
            struct bus_region region = window->region;
            region.base = bar->address + window->offset;
            window->mapped = bus_add(space_of(pci, bar), &region, &window->id, NULL);
        }
        if (!window->mapped && trace_on(TRACE_IO))
            trace_line(TRACE_IO, -1, "%s: a BAR at %#llx overlaps something else and is not decoded",
                       pci->config.name, (unsigned long long)bar->address);
    }
}

/* True when anything was decoded. */
static bool windows_unmap(struct pci_function *pci, struct pci_bar *bar)
{
    bool any = false;
    for (struct pci_window *window = bar->windows; window; window = window->next) {
        if (!window->mapped)
            continue;
        if (window->block)
            ram_unmap(pci->machine->mem.ram, window->id);
        else
            bus_remove(space_of(pci, bar), window->id);
        window->mapped = false;
        any = true;
    }
    return any;
}

/*
 * Where the guest wants the BAR decoded. Address 0, where that is no place for it, and a range that ends at
 * the very top are what software leaves behind while it sizes; decoding them would hide whatever else is
 * there.
 */
static uint64_t bar_address(const struct pci_function *pci, unsigned number)
{
    const struct pci_bar *bar = &pci->bars[number];
    uint32_t command = pci_config_get(pci, PCI_COMMAND, 2);
    if (!bar->size || !(command & (bar->flags & PCI_BAR_IO ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY)))
        return PCI_BAR_UNMAPPED;
    uint64_t limit = bar->flags & PCI_BAR_IO ? 0xffff : bar->flags & PCI_BAR_64 ? UINT64_MAX : UINT32_MAX;
    bool is_rom = number == PCI_BAR_ROM;
    uint64_t address = pci_config_get(pci, is_rom ? PCI_ROM_ADDRESS : PCI_BAR0 + 4 * number, 4);
    if (is_rom && !(address & PCI_ROM_ENABLE))
        return PCI_BAR_UNMAPPED;
    if (bar->flags & PCI_BAR_64)
        address |= (uint64_t)pci_config_get(pci, PCI_BAR0 + 4 * number + 4, 4) << 32;
    address &= ~(bar->size - 1);
    bool zero_good = bar->flags & PCI_BAR_IO && pci_bus_config(pci->bus)->io_from_zero;
    bool sizing = (address == 0 && !zero_good) || address > limit || bar->size - 1 >= limit - address;
    return sizing ? PCI_BAR_UNMAPPED : address;
}

void pci_bars_retry(struct pci_function *pci)
{
    for (unsigned i = 0; i <= PCI_BAR_ROM; i++) {
        if (pci->bars[i].address != PCI_BAR_UNMAPPED)
            windows_map(pci, &pci->bars[i]);
    }
}

void pci_bars_update(struct pci_function *pci)
{
    bool room = false;
    for (unsigned i = 0; i <= PCI_BAR_ROM; i++) {
        struct pci_bar *bar = &pci->bars[i];
        uint64_t address = bar_address(pci, i);
        if (address == bar->address)
            continue;
        room |= windows_unmap(pci, bar);
        bar->address = address;
        if (address != PCI_BAR_UNMAPPED)
            windows_map(pci, bar);
    }
    if (room)
        pci_bus_room(pci->bus);
}

void pci_bars_free(struct pci_function *pci)
{
    for (unsigned i = 0; i <= PCI_BAR_ROM; i++) {
        struct pci_bar *bar = &pci->bars[i];
        windows_unmap(pci, bar);
        while (bar->windows) {
            struct pci_window *window = bar->windows;
            bar->windows = window->next;
            free(window);
        }
    }
}
