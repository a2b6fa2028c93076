#include "guests/demo/virtio/pci.h"

#define SLOTS           32
#define COMMAND         0x04
#define COMMAND_ENABLED 0x06 /* memory, bus mastering */
#define BAR_64          0x04
#define BAR_FLAGS       0x0fu

int pci_find(uint16_t vendor, uint16_t device, unsigned n)
{
    for (unsigned slot = 0; slot < SLOTS; slot++)
        if (config_read(slot << 3, 0) == ((uint32_t)device << 16 | vendor) && n-- == 0)
            return (int)(slot << 3);
    return -1;
}

/* Places are handed out one after the other, each at a multiple of its size. */
static uint64_t place_take(uint64_t size)
{
    static uint64_t next;
    if (!next)
        next = pci_window();
    uint64_t place = (next + size - 1) & ~(size - 1);
    next = place + size;
    return place;
}

uint64_t pci_bar(unsigned function, unsigned bar)
{
    unsigned at = PCI_BARS + 4 * bar;
    uint32_t low = config_read(function, at);
    uint64_t place = low & ~BAR_FLAGS;
    if (low & BAR_64)
        place |= (uint64_t)config_read(function, at + 4) << 32;
    if (!place) {
        config_write(function, at, ~0u);
        place = place_take(~(config_read(function, at) & ~BAR_FLAGS) + 1u);
        config_write(function, at, (uint32_t)place);
        if (low & BAR_64)
            config_write(function, at + 4, (uint32_t)(place >> 32));
    }
    config_write(function, COMMAND, config_read(function, COMMAND) | COMMAND_ENABLED);
    return place;
}
