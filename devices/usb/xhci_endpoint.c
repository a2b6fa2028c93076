/*
 * Transfers (xHCI 4.10, 4.11). A transfer descriptor is taken off the ring as a whole, its buffers become a
 * packet for the device, and when the device is done events are made for those of its TRBs that ask for one.
 * The ring is moved on only then, so that a transfer that is stopped can be begun again.
 */
#include <stdlib.h>

#include "base/bits.h"
#include "devices/usb/xhci_internal.h"

#define TDS_MAX     64 /* at a time; a ring without an end goes on later */
#define TD_TRBS_MAX 1024
#define LATER_NS    1000000ull

#define DATA_IN    (1u << 16)
#define EVENT_DATA (1u << 2)

struct xhci_td {
    struct xhci *xhci;
    unsigned slot, ep;
    struct xhci_ring next; /* behind it */
    struct usb_packet packet;
    unsigned count, room;
    struct xhci_trb *trbs;
};

static struct usb_device *slot_device(const struct xhci *xhci, unsigned slot)
{
    unsigned port = xhci->slots[slot].port;
    return port ? xhci->ports[port - 1].device : NULL;
}

/* 4.8.3: where the ring is goes into the context with the state, as drivers find there where an endpoint
 * stopped. */
void xhci_ep_state_set(struct xhci *xhci, unsigned slot, unsigned ep, enum xhci_ep_state state)
{
    struct xhci_ep *endpoint = &xhci->slots[slot].eps[ep];
    uint64_t context = xhci->slots[slot].context + ep * 32u;
    uint8_t byte, dequeue[8];
    endpoint->state = (uint8_t)state;
    xhci_load(xhci, context, &byte, 1);
    byte = (uint8_t)((byte & ~7u) | state);
    xhci_store(xhci, context, &byte, 1);
    le64_store(dequeue, endpoint->ring.dequeue | endpoint->ring.cycle);
    xhci_store(xhci, context + 8, dequeue, sizeof(dequeue));
}

/* --- taking a TD off the ring --- */

static void td_free(struct xhci_td *td)
{
    dma_free(&td->packet.data);
    free(td->trbs);
    free(td);
}

static void trb_add(struct xhci_td *td, const struct xhci_trb *trb)
{
    if (td->count == td->room) {
        td->room = td->room ? 2 * td->room : 4;
        td->trbs = realloc(td->trbs, td->room * sizeof(*td->trbs));
        if (!td->trbs)
            abort();
    }
    td->trbs[td->count++] = *trb;
}

static bool trb_has_data(const struct xhci_trb *trb)
{
    unsigned type = xhci_trb_type(trb);
    return type == TRB_NORMAL || type == TRB_DATA;
}

static uint32_t trb_length(const struct xhci_trb *trb)
{
    return trb_has_data(trb) ? trb->status & 0x1ffff : 0;
}

/* Immediate data lie where the address would be, in the TRB itself. */
static bool buffers_add(struct xhci_td *td)
{
    for (unsigned i = 0; i < td->count; i++) {
        const struct xhci_trb *trb = &td->trbs[i];
        uint32_t len = trb_length(trb);
        bool immediate = trb->control & TRB_IMMEDIATE;
        if (immediate && (len > 8 || td->packet.in))
            return false;
        if (len && !dma_add(&td->packet.data, gpa(immediate ? trb->address : trb->parameter), len))
            return false;
    }
    return true;
}

/* NULL: the ring does not hold a whole one yet, or it is broken. */
static struct xhci_td *td_take(struct xhci *xhci, unsigned slot, unsigned ep, bool *broken)
{
    struct xhci_ring ring = xhci->slots[slot].eps[ep].ring;
    struct xhci_td *td = machine_alloc(sizeof(*td));
    struct xhci_trb trb = {.control = TRB_CHAIN};
    *td = (struct xhci_td){.xhci = xhci, .slot = slot, .ep = ep};
    while (trb.control & TRB_CHAIN) {
        if (!xhci_ring_next(xhci, &ring, &trb, broken) || (*broken = td->count == TD_TRBS_MAX)) {
            td_free(td);
            return NULL;
        }
        trb_add(td, &trb);
    }
    td->next = ring;
    td->packet.endpoint = (uint8_t)(ep / 2);
    td->packet.in = ep == XHCI_CONTROL ? (td->trbs[0].control & DATA_IN) != 0 : ep & 1;
    dma_init(&td->packet.data, xhci->machine->mem.ram, td->packet.in ? RAM_WRITE : RAM_READ);
    return td;
}

/* --- telling what became of it --- */

static void event_send(const struct xhci_td *td, const struct xhci_trb *trb, enum xhci_code code,
                       uint32_t length)
{
    bool data = xhci_trb_type(trb) == TRB_EVENT_DATA;
    const struct xhci_trb event = {
        .parameter = data ? trb->parameter : trb->address,
        .status = (uint32_t)code << 24 | (length & 0xffffff),
        .control = td->slot << 24 | td->ep << 16 | TRB_TRANSFER_EVENT << 10 |
                   (trb->control & TRB_BLOCK_EVENT) | (data ? EVENT_DATA : 0),
    };
    xhci_event(td->xhci, trb->status >> 22, &event);
}

/*
 * Events along the TD: for TRBs that ask, for the one where a short packet ended the data (if it asks for
 * that), and for the one where an error did. After a short packet only an event data TRB has something more
 * to tell.
 */
static void td_report(struct xhci_td *td, enum xhci_code code)
{
    struct xhci_ep *ep = &td->xhci->slots[td->slot].eps[td->ep];
    uint64_t left = td->packet.actual;
    bool told = false;
    for (unsigned i = 0; i < td->count; i++) {
        const struct xhci_trb *trb = &td->trbs[i];
        bool data = xhci_trb_type(trb) == TRB_EVENT_DATA, last = i + 1 == td->count;
        uint32_t len = trb_length(trb), moved = len < left ? len : (uint32_t)left;
        left -= moved;
        ep->event_bytes = (ep->event_bytes + moved) & 0xffffff;
        if (moved < len && code == CODE_SUCCESS)
            code = CODE_SHORT_PACKET;
        bool failed = code != CODE_SUCCESS && code != CODE_SHORT_PACKET;
        bool asks = trb->control & TRB_INTERRUPT ||
                    (code == CODE_SHORT_PACKET && trb->control & TRB_INTERRUPT_ON_SHORT && trb_has_data(trb));
        bool here = failed && left == 0 && (moved < len || last);
        if ((asks && (!told || data) && !failed) || here)
            event_send(td, trb, code, data ? ep->event_bytes : len - moved);
        told |= asks && code == CODE_SHORT_PACKET;
        if (data)
            ep->event_bytes = 0;
        if (here)
            return;
    }
}

static void td_finish(struct xhci_td *td, enum usb_status status)
{
    struct xhci *xhci = td->xhci;
    struct xhci_ep *ep = &xhci->slots[td->slot].eps[td->ep];
    /* An endpoint that halts stays at the TD, which the driver moves it away from (4.6.8). */
    if (status == USB_STALL)
        xhci_ep_state_set(xhci, td->slot, td->ep, EP_HALTED);
    else
        ep->ring = td->next;
    td_report(td, status == USB_STALL ? CODE_STALL : CODE_SUCCESS);
    td_free(td);
}

/* A TD that makes no sense: the endpoint stops at it. */
static void td_refuse(struct xhci_td *td)
{
    log_guest("xHCI: slot %u has a wrong transfer at %#llx", td->slot,
              (unsigned long long)td->trbs[0].address);
    xhci_ep_state_set(td->xhci, td->slot, td->ep, EP_ERROR);
    event_send(td, &td->trbs[0], CODE_TRB_ERROR, trb_length(&td->trbs[0]));
    td_free(td);
}

/* --- control transfers: a TD for each stage --- */

static bool setup_stage(struct xhci_td *td, struct xhci_request *request, struct usb_device *device)
{
    const struct xhci_trb *trb = &td->trbs[0];
    uint8_t bytes[8];
    size_t actual = 0;
    if (!(trb->control & TRB_IMMEDIATE) || (trb->status & 0x1ffff) != 8 || td->count != 1)
        return false;
    le64_store(bytes, trb->parameter);
    request->setup = (struct usb_setup){
        .type = bytes[0],
        .request = bytes[1],
        .value = le16_load(bytes + 2),
        .index = le16_load(bytes + 4),
        .length = le16_load(bytes + 6),
    };
    if (!request->data)
        request->data = machine_alloc(USB_CONTROL_MAX);
    request->active = true;
    request->moved = request->actual = 0;
    request->status = USB_DONE;
    if (request->setup.type & USB_TYPE_IN) {
        request->status = (uint8_t)usb_control(device, &request->setup, request->data, &actual);
        request->actual = (uint32_t)actual;
    }
    return true;
}

static enum usb_status data_stage(struct xhci_td *td, struct xhci_request *request)
{
    uint64_t room = td->packet.data.bytes;
    bool in = request->setup.type & USB_TYPE_IN;
    uint32_t there = in ? request->actual : request->setup.length, left = there - request->moved;
    if (in != td->packet.in || request->status == USB_STALL)
        return USB_STALL;
    td->packet.actual = room < left ? room : left;
    if (in)
        dma_put(&td->packet.data, 0, request->data + request->moved, td->packet.actual);
    else
        dma_get(&td->packet.data, 0, request->data + request->moved, td->packet.actual);
    request->moved += (uint32_t)td->packet.actual;
    return USB_DONE;
}

/* A request to the device is carried out when its data are all there. */
static enum usb_status status_stage(struct xhci_request *request, struct usb_device *device)
{
    size_t actual;
    request->active = false;
    if (request->setup.type & USB_TYPE_IN)
        return (enum usb_status)request->status;
    if (request->moved < request->setup.length)
        return USB_STALL;
    return usb_control(device, &request->setup, request->data, &actual);
}

/* False: this is no stage that can come now. */
static bool control_run(struct xhci_td *td, struct usb_device *device, enum usb_status *status)
{
    struct xhci_request *request = &td->xhci->slots[td->slot].request;
    *status = USB_DONE;
    switch (xhci_trb_type(&td->trbs[0])) {
    case TRB_SETUP: return setup_stage(td, request, device);
    case TRB_DATA:
        if (!request->active || !buffers_add(td))
            return false;
        *status = data_stage(td, request);
        return true;
    case TRB_STATUS:
        if (!request->active)
            return false;
        *status = status_stage(request, device);
        return true;
    default: return false;
    }
}

/* --- the others --- */

static void packet_completed(struct usb_packet *packet, enum usb_status status)
{
    struct xhci_td *td = container_of(packet, struct xhci_td, packet);
    struct xhci *xhci = td->xhci;
    unsigned slot = td->slot, ep = td->ep;
    xhci->slots[slot].eps[ep].td = NULL;
    td_finish(td, status);
    xhci_ep_run(xhci, slot, ep);
}

/* Nothing but normal TRBs and event data may be in a TD. */
static bool td_normal(const struct xhci_td *td)
{
    for (unsigned i = 0; i < td->count; i++) {
        unsigned type = xhci_trb_type(&td->trbs[i]);
        if (type != TRB_NORMAL && type != TRB_EVENT_DATA)
            return false;
    }
    return true;
}

/* What the device has said; false: the TD was refused. */
static bool td_run(struct xhci_td *td, struct usb_device *device, enum usb_status *status)
{
    bool no_op = xhci_trb_type(&td->trbs[0]) == TRB_NO_OP && td->count == 1;
    *status = USB_DONE;
    if (no_op)
        return true;
    if (td->ep == XHCI_CONTROL)
        return control_run(td, device, status);
    if (!td->packet.complete && (!td_normal(td) || !buffers_add(td)))
        return false;
    td->packet.complete = packet_completed;
    *status = usb_transfer(device, &td->packet);
    return true;
}

/* --- endpoints --- */

static void ring_broken(struct xhci *xhci, unsigned slot, unsigned ep)
{
    const struct xhci_trb event = {
        .parameter = xhci->slots[slot].eps[ep].ring.dequeue,
        .status = (uint32_t)CODE_TRB_ERROR << 24,
        .control = slot << 24 | ep << 16 | TRB_TRANSFER_EVENT << 10,
    };
    xhci_ep_state_set(xhci, slot, ep, EP_ERROR);
    xhci_event(xhci, 0, &event);
}

/* The next TD, or the one that waits; NULL: none, or no room for its events. */
static struct xhci_td *td_next(struct xhci *xhci, unsigned slot, unsigned ep)
{
    struct xhci_ep *endpoint = &xhci->slots[slot].eps[ep];
    struct xhci_td *td = endpoint->td;
    bool broken = false;
    endpoint->td = NULL;
    endpoint->waiting = false;
    if (!td)
        td = td_take(xhci, slot, ep, &broken);
    if (broken)
        ring_broken(xhci, slot, ep);
    if (!td || xhci_event_room(xhci, td->trbs[td->count - 1].status >> 22))
        return td;
    td_free(td);
    endpoint->more = true;
    return NULL;
}

/* One TD. False: there is nothing more to do now. */
static bool ep_step(struct xhci *xhci, unsigned slot, unsigned ep)
{
    struct xhci_ep *endpoint = &xhci->slots[slot].eps[ep];
    struct usb_device *device = slot_device(xhci, slot);
    enum usb_status status;
    if (endpoint->state != EP_RUNNING || (endpoint->td && !endpoint->waiting) || !device)
        return false;
    struct xhci_td *td = td_next(xhci, slot, ep);
    if (!td)
        return false;
    if (!td_run(td, device, &status)) {
        td_refuse(td);
        return false;
    }
    if (status == USB_DONE || status == USB_STALL) {
        td_finish(td, status);
        return true;
    }
    endpoint->td = td;
    endpoint->waiting = status == USB_NAK;
    return false;
}

void xhci_ep_run(struct xhci *xhci, unsigned slot, unsigned ep)
{
    struct xhci_ep *endpoint = &xhci->slots[slot].eps[ep];
    /* A device that becomes ready while it is being asked is asked again later. */
    endpoint->more = endpoint->busy;
    if (endpoint->busy) {
        xhci_later(xhci);
        return;
    }
    endpoint->busy = true;
    unsigned done = 0;
    while (done < TDS_MAX && xhci_running(xhci) && ep_step(xhci, slot, ep))
        done++;
    endpoint->busy = false;
    if (done == TDS_MAX) {
        endpoint->more = true;
        xhci_later(xhci);
    }
}

void xhci_ep_stop(struct xhci *xhci, unsigned slot, unsigned ep, bool report)
{
    struct xhci_ep *endpoint = &xhci->slots[slot].eps[ep];
    struct xhci_td *td = endpoint->td;
    struct usb_device *device = slot_device(xhci, slot);
    if (!td)
        return;
    if (!endpoint->waiting && device)
        usb_cancel(device, &td->packet);
    endpoint->td = NULL;
    endpoint->waiting = false;
    if (report) /* 4.6.9: it stopped in this TD, of which nothing was moved */
        event_send(td, &td->trbs[0], CODE_STOPPED, trb_length(&td->trbs[0]));
    td_free(td);
}

void xhci_device_retry(struct xhci *xhci, struct usb_device *device)
{
    for (unsigned slot = 1; slot <= XHCI_SLOTS; slot++) {
        for (unsigned ep = 1; ep < XHCI_ENDPOINTS && slot_device(xhci, slot) == device; ep++) {
            if (xhci->slots[slot].eps[ep].waiting || xhci->slots[slot].eps[ep].busy)
                xhci_ep_run(xhci, slot, ep);
        }
    }
}

void xhci_retry_all(struct xhci *xhci)
{
    xhci_commands_run(xhci);
    for (unsigned slot = 1; slot <= XHCI_SLOTS; slot++) {
        for (unsigned ep = 1; ep < XHCI_ENDPOINTS; ep++) {
            if (xhci->slots[slot].eps[ep].more)
                xhci_ep_run(xhci, slot, ep);
        }
    }
}

void xhci_later(struct xhci *xhci)
{
    clock_timer_set(xhci->later, clock_now(xhci->machine->clock) + LATER_NS);
}
