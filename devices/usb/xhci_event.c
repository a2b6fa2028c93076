/* Event rings, interrupters and the runtime registers (xHCI 4.9.4, 4.17, 5.5). */
#include "base/bits.h"
#include "devices/usb/xhci_internal.h"

#define IMAN_PENDING 0x1u
#define IMAN_ENABLE  0x2u
#define ERDP_BUSY    0x8u

#define MFINDEX          0x00
#define INTERRUPTER      0x20 /* and 32 bytes for each */
#define INTERRUPTER_SIZE 0x20
enum { IMAN = 0x00, IMOD = 0x04, ERSTSZ = 0x08, ERSTBA = 0x10, ERDP = 0x18 };

#define SEGMENT_TRBS_MIN 16u /* 6.5 */
#define SEGMENT_TRBS_MAX 4096u
#define FRAME_NS         125000ull

/* --- the ring --- */

/* 4.9.4: the table is read when its address is written. A segment of a wrong size makes a ring of none. */
static void table_read(struct xhci *xhci, struct xhci_interrupter *interrupter)
{
    uint8_t entry[16];
    interrupter->segments = 0;
    interrupter->segment = 0;
    interrupter->index = 0;
    interrupter->cycle = true;
    for (unsigned i = 0; i < interrupter->erstsz && i < XHCI_SEGMENTS; i++) {
        if (!xhci_load(xhci, interrupter->erstba + 16u * i, entry, sizeof(entry)))
            return;
        uint32_t size = le32_load(entry + 8) & 0xffff;
        if (size < SEGMENT_TRBS_MIN || size > SEGMENT_TRBS_MAX) {
            log_guest("xHCI: an event ring segment can't have %u entries", size);
            return;
        }
        interrupter->segment_base[i] = le64_load(entry) & ~(uint64_t)0x3f;
        interrupter->segment_size[i] = size;
        interrupter->segments++;
    }
}

/* Entries from the start of the ring to a place in it; the whole of it when the place is elsewhere. */
static uint32_t entries_before(const struct xhci_interrupter *interrupter, uint64_t address)
{
    uint32_t before = 0;
    for (unsigned i = 0; i < interrupter->segments; i++) {
        uint64_t offset = address - interrupter->segment_base[i];
        if (offset < (uint64_t)interrupter->segment_size[i] * TRB_SIZE)
            return before + (uint32_t)(offset / TRB_SIZE);
        before += interrupter->segment_size[i];
    }
    return before;
}

static uint64_t enqueue_at(const struct xhci_interrupter *interrupter)
{
    return interrupter->segment_base[interrupter->segment] + (uint64_t)interrupter->index * TRB_SIZE;
}

/* The ring is full when one more would make it look empty. */
static uint32_t room(const struct xhci_interrupter *interrupter)
{
    if (interrupter->segments == 0)
        return 0;
    uint32_t total = entries_before(interrupter, UINT64_MAX);
    uint32_t to = entries_before(interrupter, enqueue_at(interrupter));
    uint32_t from = entries_before(interrupter, interrupter->erdp & ~(uint64_t)0xf) % total;
    return (from + total - to - 1) % total;
}

bool xhci_event_room(const struct xhci *xhci, unsigned interrupter)
{
    return room(&xhci->interrupters[interrupter % XHCI_INTERRUPTERS]) > XHCI_EVENT_ROOM;
}

static void event_store(struct xhci *xhci, struct xhci_interrupter *interrupter, const struct xhci_trb *event)
{
    uint8_t bytes[TRB_SIZE];
    le64_store(bytes, event->parameter);
    le32_store(bytes + 8, event->status);
    le32_store(bytes + 12, (event->control & ~(TRB_CYCLE | TRB_BLOCK_EVENT)) | interrupter->cycle);
    xhci_store(xhci, enqueue_at(interrupter), bytes, sizeof(bytes));
    if (++interrupter->index < interrupter->segment_size[interrupter->segment])
        return;
    interrupter->index = 0;
    if (++interrupter->segment < interrupter->segments)
        return;
    interrupter->segment = 0;
    interrupter->cycle = !interrupter->cycle;
}

void xhci_event(struct xhci *xhci, unsigned number, const struct xhci_trb *event)
{
    struct xhci_interrupter *interrupter = &xhci->interrupters[number % XHCI_INTERRUPTERS];
    uint32_t left = room(interrupter);
    if (left == 0) {
        log_guest("xHCI: event ring %u is full, and an event is lost", number);
        return;
    }
    /* 4.9.4: the last free entry tells that the ring is full. */
    static const struct xhci_trb full = {.status = (uint32_t)CODE_EVENT_RING_FULL << 24,
                                         .control = TRB_HOST_EVENT << 10};
    event_store(xhci, interrupter, left == 1 ? &full : event);
    interrupter->pending |= !(event->control & TRB_BLOCK_EVENT) || left == 1;
    xhci_interrupts_update(xhci);
}

/* --- interrupts (4.17) --- */

/* Moderation takes no time: the handler's being busy is what holds interrupts back. */
static void interrupter_update(struct xhci *xhci, unsigned number)
{
    struct xhci_interrupter *interrupter = &xhci->interrupters[number];
    if (interrupter->pending && !(interrupter->erdp & ERDP_BUSY)) {
        interrupter->pending = false;
        interrupter->iman |= IMAN_PENDING;
        interrupter->erdp |= ERDP_BUSY;
        xhci->usbsts |= USBSTS_EINT;
    }
    bool asks = (interrupter->iman & (IMAN_PENDING | IMAN_ENABLE)) == (IMAN_PENDING | IMAN_ENABLE);
    if (!asks || !(xhci->usbcmd & USBCMD_INTE))
        return;
    /* 4.17.5: a message takes the pending bit with it. */
    if (pci_msix_enabled(&xhci->pci)) {
        interrupter->iman &= ~IMAN_PENDING;
        pci_msix_notify(&xhci->pci, number);
    } else if (pci_msi_enabled(&xhci->pci)) {
        interrupter->iman &= ~IMAN_PENDING;
        pci_msi_notify(&xhci->pci, 0);
    }
}

void xhci_interrupts_update(struct xhci *xhci)
{
    bool level = false;
    for (unsigned i = 0; i < XHCI_INTERRUPTERS; i++) {
        interrupter_update(xhci, i);
        level |= (xhci->interrupters[i].iman & (IMAN_PENDING | IMAN_ENABLE)) == (IMAN_PENDING | IMAN_ENABLE);
    }
    pci_intx_set(&xhci->pci, level && xhci->usbcmd & USBCMD_INTE);
}

/* --- registers --- */

static uint32_t frame_number(const struct xhci *xhci)
{
    if (!xhci_running(xhci))
        return 0;
    return (uint32_t)((clock_now(xhci->machine->clock) - xhci->mfindex_base) / FRAME_NS) & 0x3fff;
}

static uint32_t interrupter_read(const struct xhci_interrupter *interrupter, uint64_t offset)
{
    switch (offset) {
    case IMAN: return interrupter->iman;
    case IMOD: return interrupter->imod;
    case ERSTSZ: return interrupter->erstsz;
    case ERSTBA: return (uint32_t)interrupter->erstba;
    case ERSTBA + 4: return (uint32_t)(interrupter->erstba >> 32);
    case ERDP: return (uint32_t)interrupter->erdp;
    case ERDP + 4: return (uint32_t)(interrupter->erdp >> 32);
    default: return 0;
    }
}

/* The handler says how far it is: with the busy bit written as one, that it is done with this interrupt. */
static void erdp_write(struct xhci *xhci, struct xhci_interrupter *interrupter, uint32_t value)
{
    uint64_t busy = interrupter->erdp & ERDP_BUSY & ~(uint64_t)value;
    interrupter->erdp = bits_set(interrupter->erdp, 0, 32, (value & ~0xfu) | (value & 7));
    interrupter->erdp = (interrupter->erdp & ~(uint64_t)ERDP_BUSY) | busy;
    bool empty =
        interrupter->segments == 0 || (interrupter->erdp & ~(uint64_t)0xf) == enqueue_at(interrupter);
    if (!busy && !empty)
        interrupter->pending = true;
    else if (empty)
        interrupter->pending = false;
    xhci_later(xhci); /* there is room now for what waited for it */
}

static void interrupter_write(struct xhci *xhci, struct xhci_interrupter *interrupter, uint64_t offset,
                              uint32_t value)
{
    switch (offset) {
    case IMAN: interrupter->iman = (interrupter->iman & IMAN_PENDING & ~value) | (value & IMAN_ENABLE); break;
    case IMOD: interrupter->imod = value; break;
    case ERSTSZ: interrupter->erstsz = value & 0xffff; break;
    case ERSTBA:
        /* A 64-bit write comes as two, the low one first; both parts start the ring anew. */
        interrupter->erstba = bits_set(interrupter->erstba, 0, 32, value & ~0x3fu);
        table_read(xhci, interrupter);
        break;
    case ERSTBA + 4:
        interrupter->erstba = bits_set(interrupter->erstba, 32, 32, value);
        table_read(xhci, interrupter);
        break;
    case ERDP: erdp_write(xhci, interrupter, value); break;
    case ERDP + 4: interrupter->erdp = bits_set(interrupter->erdp, 32, 32, value); break;
    default: break;
    }
    xhci_interrupts_update(xhci);
}

uint32_t xhci_runtime_read(struct xhci *xhci, uint64_t offset)
{
    uint64_t number = (offset - INTERRUPTER) / INTERRUPTER_SIZE;
    if (offset == MFINDEX)
        return frame_number(xhci);
    if (offset < INTERRUPTER || number >= XHCI_INTERRUPTERS)
        return 0;
    return interrupter_read(&xhci->interrupters[number], (offset - INTERRUPTER) % INTERRUPTER_SIZE);
}

void xhci_runtime_write(struct xhci *xhci, uint64_t offset, uint32_t value)
{
    uint64_t number = (offset - INTERRUPTER) / INTERRUPTER_SIZE;
    if (offset >= INTERRUPTER && number < XHCI_INTERRUPTERS)
        interrupter_write(xhci, &xhci->interrupters[number], (offset - INTERRUPTER) % INTERRUPTER_SIZE,
                          value);
}
