/* The root hub's ports (xHCI 4.19, 5.4.8). */
#include "devices/usb/xhci_internal.h"

#define PORTSC_CONNECTED (1u << 0)
#define PORTSC_ENABLED   (1u << 1)
#define PORTSC_RESET     (1u << 4)
#define PORTSC_LINK_LOW  5
#define PORTSC_LINK      (0xfu << PORTSC_LINK_LOW)
#define PORTSC_POWER     (1u << 9)
#define PORTSC_SPEED_LOW 10
#define PORTSC_LINK_SET  (1u << 16)
#define PORTSC_CSC       (1u << 17)
#define PORTSC_WRC       (1u << 19)
#define PORTSC_PRC       (1u << 21)
#define PORTSC_PLC       (1u << 22)
#define PORTSC_CHANGES   (0x7fu << 17)
#define PORTSC_WAKE      (7u << 25)
#define PORTSC_WARM      (1u << 31)

enum { PORTSC = 0 };

enum { LINK_U0 = 0, LINK_U3 = 3, LINK_DISABLED = 4, LINK_RX_DETECT = 5, LINK_POLLING = 7, LINK_RESUME = 15 };

static unsigned link_state(const struct xhci_port *port)
{
    return (port->status & PORTSC_LINK) >> PORTSC_LINK_LOW;
}

static void link_state_set(struct xhci_port *port, unsigned state)
{
    port->status = (port->status & ~PORTSC_LINK) | state << PORTSC_LINK_LOW;
}

static void change_tell(struct xhci *xhci, unsigned number)
{
    const struct xhci_trb event = {
        .parameter = (uint64_t)(number + 1) << 24,
        .status = (uint32_t)CODE_SUCCESS << 24,
        .control = TRB_PORT_EVENT << 10,
    };
    xhci->usbsts |= USBSTS_PCD;
    if (xhci_running(xhci))
        xhci_event(xhci, 0, &event);
}

/* 4.19.2: an event when a change bit is set that was clear. */
static void change(struct xhci *xhci, unsigned number, uint32_t bits)
{
    struct xhci_port *port = &xhci->ports[number];
    bool news = bits & ~port->status;
    port->status |= bits;
    if (news)
        change_tell(xhci, number);
}

void xhci_ports_announce(struct xhci *xhci)
{
    for (unsigned i = 0; i < XHCI_PORTS; i++) {
        if (xhci->ports[i].status & PORTSC_CHANGES)
            change_tell(xhci, i);
    }
}

/* A device at a USB 3 port trains its link by itself; at a USB 2 port it waits for a reset. */
void xhci_ports_reset(struct xhci *xhci)
{
    for (unsigned i = 0; i < XHCI_PORTS; i++) {
        struct xhci_port *port = &xhci->ports[i];
        port->status = PORTSC_POWER;
        link_state_set(port, !port->device ? LINK_RX_DETECT : port->usb3 ? LINK_U0 : LINK_POLLING);
        if (!port->device)
            continue;
        usb_reset(port->device);
        port->status |= PORTSC_CSC | (port->usb3 ? PORTSC_ENABLED : 0);
    }
}

uint32_t xhci_port_read(const struct xhci *xhci, unsigned number, unsigned offset)
{
    const struct xhci_port *port = &xhci->ports[number];
    if (offset != PORTSC)
        return 0;
    uint32_t value = port->status;
    if (port->device)
        value |= PORTSC_CONNECTED;
    if (port->device && (port->usb3 || port->status & PORTSC_ENABLED))
        value |= (uint32_t)port->device->class->speed << PORTSC_SPEED_LOW;
    return value;
}

/* It takes no time. */
static void port_reset(struct xhci *xhci, unsigned number, bool warm)
{
    struct xhci_port *port = &xhci->ports[number];
    if (!port->device)
        return;
    usb_reset(port->device);
    port->status |= PORTSC_ENABLED;
    link_state_set(port, LINK_U0);
    change(xhci, number, warm ? PORTSC_PRC | PORTSC_WRC : PORTSC_PRC);
}

static void link_write(struct xhci *xhci, unsigned number, unsigned to)
{
    struct xhci_port *port = &xhci->ports[number];
    unsigned from = link_state(port);
    bool enabled = port->status & PORTSC_ENABLED;
    if (to == LINK_U3 && enabled) {
        link_state_set(port, LINK_U3);
    } else if (to == LINK_U0 && enabled && from != LINK_U0) {
        link_state_set(port, LINK_U0);
        change(xhci, number, PORTSC_PLC);
        xhci_device_retry(xhci, port->device);
    } else if (to == LINK_RESUME && !port->usb3 && from == LINK_U3) {
        link_state_set(port, LINK_RESUME);
    } else if (to == LINK_DISABLED && port->usb3) {
        port->status &= ~PORTSC_ENABLED;
        link_state_set(port, LINK_DISABLED);
    } else if (to == LINK_RX_DETECT && port->usb3 && from == LINK_DISABLED) {
        port->status |= port->device ? PORTSC_ENABLED : 0;
        link_state_set(port, port->device ? LINK_U0 : LINK_RX_DETECT);
    }
}

void xhci_port_write(struct xhci *xhci, unsigned number, unsigned offset, uint32_t value)
{
    struct xhci_port *port = &xhci->ports[number];
    if (offset != PORTSC)
        return;
    port->status &= ~(value & PORTSC_CHANGES);
    port->status = (port->status & ~PORTSC_WAKE) | (value & PORTSC_WAKE);
    if (value & PORTSC_WARM && port->usb3) {
        port_reset(xhci, number, true);
    } else if (value & PORTSC_RESET) {
        port_reset(xhci, number, false);
    } else if (value & PORTSC_ENABLED && port->status & PORTSC_ENABLED) { /* a one disables */
        port->status &= ~PORTSC_ENABLED;
        link_state_set(port, port->usb3 ? LINK_DISABLED : LINK_POLLING);
    } else if (value & PORTSC_LINK_SET) {
        link_write(xhci, number, (value & PORTSC_LINK) >> PORTSC_LINK_LOW);
    }
}

/* 4.15.2.1: the port resumes, and the system says when it is to go on. USB 3 ports go on by themselves. */
void xhci_port_wake(struct xhci *xhci, struct usb_device *device)
{
    for (unsigned i = 0; i < XHCI_PORTS; i++) {
        struct xhci_port *port = &xhci->ports[i];
        if (port->device != device || link_state(port) != LINK_U3 || !device->remote_wakeup)
            continue;
        link_state_set(port, port->usb3 ? LINK_U0 : LINK_RESUME);
        change(xhci, i, PORTSC_PLC);
    }
}
