/* Guest memory and the rings in it (xHCI 4.9). */
#include "base/bits.h"
#include "devices/usb/xhci_internal.h"

/* Links that lead to links: more is a circle. */
#define LINKS_MAX 64

bool xhci_load(struct xhci *xhci, uint64_t address, void *to, size_t len)
{
    if (pci_bus_master(&xhci->pci) && ram_read(xhci->machine->mem.ram, gpa(address), to, len))
        return true;
    memset(to, 0, len);
    log_guest("xHCI: there is nothing to read at %#llx", (unsigned long long)address);
    return false;
}

void xhci_store(struct xhci *xhci, uint64_t address, const void *from, size_t len)
{
    if (pci_bus_master(&xhci->pci) && ram_write(xhci->machine->mem.ram, gpa(address), from, len))
        return;
    log_guest("xHCI: there is nothing to write at %#llx", (unsigned long long)address);
    xhci->usbsts |= USBSTS_ERROR;
}

bool xhci_ring_next(struct xhci *xhci, struct xhci_ring *ring, struct xhci_trb *trb, bool *broken)
{
    uint8_t bytes[TRB_SIZE];
    *broken = false;
    for (unsigned links = 0; links < LINKS_MAX; links++) {
        if (!xhci_load(xhci, ring->dequeue, bytes, sizeof(bytes)))
            break;
        *trb = (struct xhci_trb){
            .address = ring->dequeue,
            .parameter = le64_load(bytes),
            .status = le32_load(bytes + 8),
            .control = le32_load(bytes + 12),
        };
        if ((trb->control & TRB_CYCLE) != ring->cycle)
            return false;
        ring->dequeue += TRB_SIZE;
        if (xhci_trb_type(trb) != TRB_LINK)
            return true;
        ring->dequeue = trb->parameter & ~(uint64_t)0xf;
        ring->cycle ^= (trb->control & TRB_LINK_TOGGLE) != 0;
    }
    *broken = true;
    return false;
}
