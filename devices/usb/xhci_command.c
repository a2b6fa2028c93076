/* The command ring (xHCI 4.6), slots and the contexts in guest memory (6.2). */
#include <stdlib.h>

#include "base/bits.h"
#include "devices/usb/xhci_internal.h"

#define COMMANDS_MAX 256 /* at a time; a ring without an end goes on later */

#define CONTEXT_SIZE 32u
#define CONTEXTS     (XHCI_ENDPOINTS * CONTEXT_SIZE)

/* 6.2.3, EP Type. */
#define EP_CONTROL 4

#define BLOCK_ADDRESS (1u << 9) /* of ADDRESS_DEVICE; of CONFIGURE_ENDPOINT: deconfigure */

/* An input context: what to drop and to add, the slot's context, and those of the endpoints. */
struct input_context {
    uint32_t drop, add;
    uint8_t contexts[CONTEXTS];
};

static uint8_t *context_of(uint8_t *contexts, unsigned ep)
{
    return contexts + ep * CONTEXT_SIZE;
}

static enum xhci_code input_load(struct xhci *xhci, uint64_t address, struct input_context *input)
{
    uint8_t control[CONTEXT_SIZE];
    address &= ~(uint64_t)0xf;
    if (!xhci_load(xhci, address, control, sizeof(control)) ||
        !xhci_load(xhci, address + CONTEXT_SIZE, input->contexts, sizeof(input->contexts)))
        return CODE_TRB_ERROR;
    input->drop = le32_load(control);
    input->add = le32_load(control + 4);
    return CODE_SUCCESS;
}

static void output_load(struct xhci *xhci, const struct xhci_slot *slot, unsigned ep, uint8_t *context)
{
    xhci_load(xhci, slot->context + ep * CONTEXT_SIZE, context, CONTEXT_SIZE);
}

static void output_store(struct xhci *xhci, const struct xhci_slot *slot, unsigned ep, const uint8_t *context)
{
    xhci_store(xhci, slot->context + ep * CONTEXT_SIZE, context, CONTEXT_SIZE);
}

/* 6.2.2: the last word has the state and the address, which is the slot's number. */
static void slot_state_set(struct xhci *xhci, unsigned number, enum xhci_slot_state state)
{
    struct xhci_slot *slot = &xhci->slots[number];
    uint8_t context[CONTEXT_SIZE];
    slot->state = (uint8_t)state;
    output_load(xhci, slot, 0, context);
    le32_store(context + 12, (uint32_t)state << 27 | (state >= SLOT_ADDRESSED ? number : 0));
    output_store(xhci, slot, 0, context);
}

/* --- endpoints --- */

/* Whether a context is one that this controller and this number can have (6.2.3.2). */
static bool ep_context_good(unsigned ep, const uint8_t *context)
{
    unsigned type = context[4] >> 3 & 7;
    bool streams = le32_load(context) >> 10 & 0x1f;
    bool in = type >> 2;
    if (streams || type == 0 || le16_load(context + 6) == 0)
        return false;
    return ep == XHCI_CONTROL ? type == EP_CONTROL : type != EP_CONTROL && in == (ep & 1);
}

static void ep_enable(struct xhci *xhci, unsigned number, unsigned ep, const uint8_t *from)
{
    struct xhci_slot *slot = &xhci->slots[number];
    uint8_t context[CONTEXT_SIZE];
    uint64_t dequeue = le64_load(from + 8);
    xhci_ep_stop(xhci, number, ep, false);
    slot->eps[ep] = (struct xhci_ep){
        .state = EP_RUNNING,
        .ring = {.dequeue = dequeue & ~(uint64_t)0xf, .cycle = dequeue & 1},
    };
    memcpy(context, from, sizeof(context));
    context[0] = (context[0] & 0xf8) | EP_RUNNING;
    output_store(xhci, slot, ep, context);
}

static void ep_disable(struct xhci *xhci, unsigned number, unsigned ep)
{
    xhci_ep_stop(xhci, number, ep, false);
    if (xhci->slots[number].eps[ep].state != EP_DISABLED)
        xhci_ep_state_set(xhci, number, ep, EP_DISABLED);
}

static void eps_disable(struct xhci *xhci, unsigned number, unsigned from)
{
    for (unsigned ep = from; ep < XHCI_ENDPOINTS; ep++)
        ep_disable(xhci, number, ep);
}

/* The number of the last context in use is part of the slot's. */
static void context_entries_set(struct xhci *xhci, struct xhci_slot *slot)
{
    uint8_t context[CONTEXT_SIZE];
    unsigned last = XHCI_CONTROL;
    for (unsigned ep = XHCI_CONTROL; ep < XHCI_ENDPOINTS; ep++) {
        if (slot->eps[ep].state != EP_DISABLED)
            last = ep;
    }
    output_load(xhci, slot, 0, context);
    context[3] = (uint8_t)((context[3] & 7) | last << 3);
    output_store(xhci, slot, 0, context);
}

/* --- commands of slots --- */

static enum xhci_code slot_enable(struct xhci *xhci, unsigned *number)
{
    unsigned most = xhci->config & 0xff;
    for (unsigned i = 1; i <= XHCI_SLOTS && i <= most; i++) {
        if (xhci->slots[i].enabled)
            continue;
        xhci->slots[i].enabled = true;
        xhci->slots[i].state = SLOT_DISABLED;
        *number = i;
        return CODE_SUCCESS;
    }
    return CODE_NO_SLOTS;
}

void xhci_slot_disable(struct xhci *xhci, unsigned number)
{
    struct xhci_slot *slot = &xhci->slots[number];
    for (unsigned ep = 1; ep < XHCI_ENDPOINTS; ep++)
        xhci_ep_stop(xhci, number, ep, false);
    free(slot->request.data);
    *slot = (struct xhci_slot){.enabled = false};
}

/* The port a device is at, from its slot context; there are no hubs, and one slot a device. */
static bool port_find(const struct xhci *xhci, unsigned number, const uint8_t *context, uint8_t *port)
{
    uint32_t route = le32_load(context) & 0xfffff;
    *port = context[6];
    if (route || *port < 1 || *port > XHCI_PORTS || !xhci->ports[*port - 1].device)
        return false;
    for (unsigned i = 1; i <= XHCI_SLOTS; i++) {
        if (i != number && xhci->slots[i].enabled && xhci->slots[i].port == *port)
            return false;
    }
    return true;
}

static enum xhci_code device_address(struct xhci *xhci, unsigned number, const struct xhci_trb *trb)
{
    struct xhci_slot *slot = &xhci->slots[number];
    struct input_context input;
    uint8_t entry[8], port;
    bool blocked = trb->control & BLOCK_ADDRESS;
    enum xhci_code code = input_load(xhci, trb->parameter, &input);
    if (code != CODE_SUCCESS)
        return code;
    if ((input.add & 3) != 3 || input.drop & 3)
        return CODE_TRB_ERROR;
    if (slot->state > (blocked ? SLOT_DISABLED : SLOT_DEFAULT))
        return CODE_CONTEXT_STATE;
    if (!ep_context_good(XHCI_CONTROL, context_of(input.contexts, XHCI_CONTROL)))
        return CODE_PARAMETER;
    if (!port_find(xhci, number, input.contexts, &port))
        return CODE_TRANSACTION_ERROR;
    if (!xhci_load(xhci, xhci->dcbaap + 8u * number, entry, sizeof(entry)))
        return CODE_TRB_ERROR;
    slot->context = le64_load(entry) & ~(uint64_t)0x3f;
    slot->port = port;
    output_store(xhci, slot, 0, input.contexts);
    ep_enable(xhci, number, XHCI_CONTROL, context_of(input.contexts, XHCI_CONTROL));
    slot_state_set(xhci, number, blocked ? SLOT_DEFAULT : SLOT_ADDRESSED);
    return CODE_SUCCESS;
}

static enum xhci_code endpoints_configure(struct xhci *xhci, unsigned number, const struct xhci_trb *trb)
{
    struct xhci_slot *slot = &xhci->slots[number];
    struct input_context input = {0};
    bool deconfigure = trb->control & BLOCK_ADDRESS;
    enum xhci_code code = deconfigure ? CODE_SUCCESS : input_load(xhci, trb->parameter, &input);
    if (code != CODE_SUCCESS)
        return code;
    if (slot->state != SLOT_ADDRESSED && slot->state != SLOT_CONFIGURED)
        return CODE_CONTEXT_STATE;
    if (input.drop & 3 || input.add & 2)
        return CODE_TRB_ERROR;
    for (unsigned ep = 2; ep < XHCI_ENDPOINTS; ep++) {
        if (input.add >> ep & 1 && !ep_context_good(ep, context_of(input.contexts, ep)))
            return CODE_PARAMETER;
    }
    for (unsigned ep = 2; ep < XHCI_ENDPOINTS; ep++) {
        if (deconfigure || input.drop >> ep & 1)
            ep_disable(xhci, number, ep);
        if (input.add >> ep & 1)
            ep_enable(xhci, number, ep, context_of(input.contexts, ep));
    }
    slot_state_set(xhci, number, deconfigure ? SLOT_ADDRESSED : SLOT_CONFIGURED);
    context_entries_set(xhci, slot);
    return CODE_SUCCESS;
}

/* 4.6.7: of the slot the latency and the interrupter, of the control endpoint its packets' size. */
static enum xhci_code context_evaluate(struct xhci *xhci, unsigned number, const struct xhci_trb *trb)
{
    struct xhci_slot *slot = &xhci->slots[number];
    struct input_context input;
    uint8_t context[CONTEXT_SIZE];
    enum xhci_code code = input_load(xhci, trb->parameter, &input);
    if (code != CODE_SUCCESS)
        return code;
    if (slot->state == SLOT_DISABLED)
        return CODE_CONTEXT_STATE;
    if (input.drop & 3)
        return CODE_TRB_ERROR;
    if (input.add & 1) {
        output_load(xhci, slot, 0, context);
        le16_store(context + 4, le16_load(input.contexts + 4));
        le16_store(context + 10,
                   (uint16_t)((le16_load(context + 10) & 0x3f) | (le16_load(input.contexts + 10) & 0xffc0)));
        output_store(xhci, slot, 0, context);
    }
    if (input.add & 2) {
        output_load(xhci, slot, XHCI_CONTROL, context);
        memcpy(context + 6, context_of(input.contexts, XHCI_CONTROL) + 6, 2);
        output_store(xhci, slot, XHCI_CONTROL, context);
    }
    return CODE_SUCCESS;
}

/* 4.6.11: as after a bus reset; what the port did itself is another matter. */
static enum xhci_code device_reset(struct xhci *xhci, unsigned number)
{
    if (xhci->slots[number].state < SLOT_ADDRESSED)
        return CODE_CONTEXT_STATE;
    eps_disable(xhci, number, 2);
    xhci_ep_stop(xhci, number, XHCI_CONTROL, false);
    slot_state_set(xhci, number, SLOT_DEFAULT);
    context_entries_set(xhci, &xhci->slots[number]);
    return CODE_SUCCESS;
}

/* --- commands of endpoints --- */

/* Whether the data toggle is kept does not matter: nothing here is sent with one. */
static enum xhci_code endpoint_reset(struct xhci *xhci, unsigned number, unsigned ep)
{
    struct xhci_ep *endpoint = &xhci->slots[number].eps[ep];
    if (endpoint->state != EP_HALTED)
        return CODE_CONTEXT_STATE;
    xhci_ep_state_set(xhci, number, ep, EP_STOPPED);
    return CODE_SUCCESS;
}

static enum xhci_code endpoint_stop(struct xhci *xhci, unsigned number, unsigned ep)
{
    if (xhci->slots[number].eps[ep].state != EP_RUNNING)
        return CODE_CONTEXT_STATE;
    xhci_ep_stop(xhci, number, ep, true);
    xhci_ep_state_set(xhci, number, ep, EP_STOPPED);
    return CODE_SUCCESS;
}

static enum xhci_code dequeue_set(struct xhci *xhci, unsigned number, unsigned ep, const struct xhci_trb *trb)
{
    struct xhci_ep *endpoint = &xhci->slots[number].eps[ep];
    if (endpoint->state != EP_STOPPED && endpoint->state != EP_ERROR)
        return CODE_CONTEXT_STATE;
    if (trb->status >> 16)
        return CODE_TRB_ERROR; /* a stream, of which there are none */
    endpoint->ring =
        (struct xhci_ring){.dequeue = trb->parameter & ~(uint64_t)0xf, .cycle = trb->parameter & 1};
    endpoint->event_bytes = 0;
    if (ep == XHCI_CONTROL)
        xhci->slots[number].request.active = false;
    xhci_ep_state_set(xhci, number, ep, EP_STOPPED);
    return CODE_SUCCESS;
}

static enum xhci_code endpoint_command(struct xhci *xhci, unsigned number, const struct xhci_trb *trb)
{
    unsigned ep = trb->control >> 16 & 0x1f;
    if (ep == 0)
        return CODE_TRB_ERROR;
    if (xhci->slots[number].eps[ep].state == EP_DISABLED)
        return CODE_ENDPOINT_NOT_ENABLED;
    switch (xhci_trb_type(trb)) {
    case TRB_RESET_ENDPOINT: return endpoint_reset(xhci, number, ep);
    case TRB_STOP_ENDPOINT: return endpoint_stop(xhci, number, ep);
    default: return dequeue_set(xhci, number, ep, trb);
    }
}

/* --- the ring --- */

/* 4.6.15: what a port still has to give, in percent: nothing is taken of it. */
static enum xhci_code bandwidth_get(struct xhci *xhci, const struct xhci_trb *trb)
{
    uint8_t context[1 + XHCI_PORTS] = {0};
    memset(context + 1, 100, XHCI_PORTS);
    xhci_store(xhci, trb->parameter & ~(uint64_t)0xf, context, sizeof(context));
    return CODE_SUCCESS;
}

static enum xhci_code slot_command(struct xhci *xhci, unsigned number, const struct xhci_trb *trb)
{
    if (number < 1 || number > XHCI_SLOTS || !xhci->slots[number].enabled)
        return CODE_SLOT_NOT_ENABLED;
    switch (xhci_trb_type(trb)) {
    case TRB_DISABLE_SLOT: xhci_slot_disable(xhci, number); return CODE_SUCCESS;
    case TRB_ADDRESS_DEVICE: return device_address(xhci, number, trb);
    case TRB_CONFIGURE_ENDPOINT: return endpoints_configure(xhci, number, trb);
    case TRB_EVALUATE_CONTEXT: return context_evaluate(xhci, number, trb);
    case TRB_RESET_DEVICE: return device_reset(xhci, number);
    default: return endpoint_command(xhci, number, trb);
    }
}

static enum xhci_code command_execute(struct xhci *xhci, const struct xhci_trb *trb, unsigned *slot)
{
    switch (xhci_trb_type(trb)) {
    case TRB_NO_OP_COMMAND: return CODE_SUCCESS;
    case TRB_ENABLE_SLOT: return slot_enable(xhci, slot);
    case TRB_PORT_BANDWIDTH: return bandwidth_get(xhci, trb);
    case TRB_DISABLE_SLOT:
    case TRB_ADDRESS_DEVICE:
    case TRB_CONFIGURE_ENDPOINT:
    case TRB_EVALUATE_CONTEXT:
    case TRB_RESET_ENDPOINT:
    case TRB_STOP_ENDPOINT:
    case TRB_SET_DEQUEUE:
    case TRB_RESET_DEVICE: *slot = trb->control >> 24; return slot_command(xhci, *slot, trb);
    default: return CODE_TRB_ERROR;
    }
}

void xhci_commands_run(struct xhci *xhci)
{
    struct xhci_trb trb;
    bool broken = false;
    for (unsigned i = 0; xhci_running(xhci) && xhci->commands_running; i++) {
        if (i == COMMANDS_MAX || !xhci_event_room(xhci, 0)) {
            if (i == COMMANDS_MAX)
                xhci_later(xhci);
            return;
        }
        if (!xhci_ring_next(xhci, &xhci->commands, &trb, &broken))
            break;
        unsigned slot = 0;
        enum xhci_code code = command_execute(xhci, &trb, &slot);
        const struct xhci_trb event = {
            .parameter = trb.address,
            .status = (uint32_t)code << 24,
            .control = slot << 24 | TRB_COMMAND_EVENT << 10,
        };
        xhci_event(xhci, 0, &event);
    }
    if (broken) {
        log_guest("xHCI: the command ring is broken at %#llx", (unsigned long long)xhci->commands.dequeue);
        xhci->commands_running = false;
    }
}
