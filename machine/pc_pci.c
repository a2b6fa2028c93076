/* What firmware does with PCI, for a start without it: addresses for all BARs, interrupt lines, decoding. */
#include "base/bits.h"
#include "machine/pc_start.h"

#define FUNCTIONS 256

/* Where BARs go; they are handed out one after the other. */
#define PORTS_START  0xc000u
#define PORTS_END    0x10000u
#define MEMORY_START PC_PCI_LOW
#define MEMORY_END   PC_SCREEN /* the VGA's first BAR is there */

struct places {
    uint64_t port, memory;
};

static uint32_t config_get(const struct pc_board *board, unsigned devfn, unsigned offset, unsigned width)
{
    return pci_bus_config_read(board->parts.pci, 0, devfn, offset, width);
}

static void config_put(const struct pc_board *board, unsigned devfn, unsigned offset, unsigned width,
                       uint32_t value)
{
    pci_bus_config_write(board->parts.pci, 0, devfn, offset, width, value);
}

static bool is_there(const struct pc_board *board, unsigned devfn)
{
    return config_get(board, devfn, PCI_VENDOR_ID, 2) != 0xffff;
}

unsigned pc_pci_pins(const struct pc_board *board, unsigned devfn)
{
    unsigned pins = 0;
    for (unsigned i = 0; i < 8; i++) {
        if (is_there(board, devfn + i))
            pins |= 1u << config_get(board, devfn + i, PCI_INTERRUPT_PIN, 1);
    }
    return pins & ~1u; /* 0: has no pin */
}

struct bar {
    bool io;
    uint64_t size; /* 0: there is none, or it is too large for this */
};

/* PCI 6.2.5.1: of what is written, the bits within the size stay zero. */
static struct bar bar_look(const struct pc_board *board, unsigned devfn, unsigned offset)
{
    config_put(board, devfn, offset, 4, UINT32_MAX);
    uint32_t found = config_get(board, devfn, offset, 4);
    config_put(board, devfn, offset, 4, 0);
    struct bar bar = {.io = found & PCI_BAR_IO};
    uint32_t mask = found & (bar.io ? ~3u : ~0xfu);
    bar.size = mask ? (uint64_t)(uint32_t)~mask + 1 : 0;
    if (bar.io)
        bar.size &= 0xffff;
    return bar;
}

static void bar_place(const struct pc_board *board, unsigned devfn, unsigned offset, const struct bar *bar,
                      struct places *places)
{
    uint64_t *next = bar->io ? &places->port : &places->memory;
    uint64_t place = align_up(*next, bar->size), end = bar->io ? PORTS_END : MEMORY_END;
    if (range_beyond(place, bar->size, end))
        return; /* it stays where nothing is decoded, and an operating system has larger windows */
    *next = place + bar->size;
    config_put(board, devfn, offset, 4, (uint32_t)place);
}

/* The BARs of a size. Large ones go first, so that nothing is lost between them. */
static void bars_place(const struct pc_board *board, unsigned devfn, uint64_t size, struct places *places)
{
    for (unsigned offset = PCI_BAR0; offset < PCI_BAR0 + 4 * PCI_BARS; offset += 4) {
        unsigned at = offset;
        uint32_t value = config_get(board, devfn, at, 4);
        if ((value & (PCI_BAR_IO | PCI_BAR_64)) == PCI_BAR_64)
            offset += 4; /* the next one is its upper half */
        if (value & ~0xfu)
            continue; /* it has its place */
        struct bar bar = bar_look(board, devfn, at);
        if (bar.size == size)
            bar_place(board, devfn, at, &bar, places);
    }
}

/* Without bus mastering, which is for a driver to switch on. */
static void function_enable(const struct pc_board *board, unsigned devfn)
{
    unsigned pin = config_get(board, devfn, PCI_INTERRUPT_PIN, 1);
    uint32_t command = config_get(board, devfn, PCI_COMMAND, 2);
    if (pin)
        config_put(board, devfn, PCI_INTERRUPT_LINE, 1, pc_pirq_interrupt(q35_pirq(devfn, pin)));
    config_put(board, devfn, PCI_COMMAND, 2, command | PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
}

void pc_pci_prepare(struct pc_board *board)
{
    struct places places = {PORTS_START, MEMORY_START};
    if (board->vga)
        config_put(board, (unsigned)pci_devfn(PC_VGA_SLOT, 0), PCI_BAR0, 4, (uint32_t)PC_SCREEN);
    for (uint64_t size = GIB; size; size /= 2) {
        for (unsigned devfn = 0; devfn < FUNCTIONS; devfn++) {
            if (is_there(board, devfn))
                bars_place(board, devfn, size, &places);
        }
    }
    for (unsigned devfn = 0; devfn < FUNCTIONS; devfn++) {
        if (is_there(board, devfn))
            function_enable(board, devfn);
    }
}
