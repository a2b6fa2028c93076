/* What the files of the xHCI controller share. Sections are those of the eXtensible Host Controller
 * Interface 1.1. */
#pragma once

#include "devices/usb/xhci.h"

#define XHCI_PORTS_USB2   4
#define XHCI_PORTS_USB3   4
#define XHCI_PORTS        (XHCI_PORTS_USB2 + XHCI_PORTS_USB3)
#define XHCI_SLOTS        32
#define XHCI_ENDPOINTS    32 /* numbered as contexts are: 1 is the control endpoint, 2n OUT n, 2n + 1 IN n */
#define XHCI_INTERRUPTERS 4
#define XHCI_SEGMENTS     16 /* of an event ring */
#define XHCI_CONTROL      1

/* Events for which there must be room before a TD or command is begun: a TD makes a few at most. */
#define XHCI_EVENT_ROOM 4

/* 6.4.6 */
enum xhci_trb_type {
    TRB_NORMAL = 1,
    TRB_SETUP = 2,
    TRB_DATA = 3,
    TRB_STATUS = 4,
    TRB_ISOCH = 5,
    TRB_LINK = 6,
    TRB_EVENT_DATA = 7,
    TRB_NO_OP = 8,
    TRB_ENABLE_SLOT = 9,
    TRB_DISABLE_SLOT = 10,
    TRB_ADDRESS_DEVICE = 11,
    TRB_CONFIGURE_ENDPOINT = 12,
    TRB_EVALUATE_CONTEXT = 13,
    TRB_RESET_ENDPOINT = 14,
    TRB_STOP_ENDPOINT = 15,
    TRB_SET_DEQUEUE = 16,
    TRB_RESET_DEVICE = 17,
    TRB_PORT_BANDWIDTH = 21,
    TRB_NO_OP_COMMAND = 23,
    TRB_TRANSFER_EVENT = 32,
    TRB_COMMAND_EVENT = 33,
    TRB_PORT_EVENT = 34,
    TRB_HOST_EVENT = 37,
};

/* 6.4.5 */
enum xhci_code {
    CODE_SUCCESS = 1,
    CODE_TRANSACTION_ERROR = 4,
    CODE_TRB_ERROR = 5,
    CODE_STALL = 6,
    CODE_NO_SLOTS = 9,
    CODE_SLOT_NOT_ENABLED = 11,
    CODE_ENDPOINT_NOT_ENABLED = 12,
    CODE_SHORT_PACKET = 13,
    CODE_PARAMETER = 17,
    CODE_CONTEXT_STATE = 19,
    CODE_EVENT_RING_FULL = 21,
    CODE_RING_STOPPED = 24,
    CODE_STOPPED = 26,
};

#define TRB_SIZE 16u

/* Bits of a TRB's last word. */
#define TRB_CYCLE              0x001u
#define TRB_LINK_TOGGLE        0x002u
#define TRB_INTERRUPT_ON_SHORT 0x004u
#define TRB_CHAIN              0x010u
#define TRB_INTERRUPT          0x020u /* on completion */
#define TRB_IMMEDIATE          0x040u
#define TRB_BLOCK_EVENT        0x200u /* the event interrupts nobody */

struct xhci_trb {
    uint64_t address; /* where it is */
    uint64_t parameter;
    uint32_t status, control;
};

static inline unsigned xhci_trb_type(const struct xhci_trb *trb)
{
    return trb->control >> 10 & 0x3f;
}

/* A transfer or command ring: where the next TRB is, and what its cycle bit has to be. */
struct xhci_ring {
    uint64_t dequeue;
    bool cycle;
};

enum xhci_slot_state {
    SLOT_DISABLED,
    SLOT_DEFAULT,
    SLOT_ADDRESSED,
    SLOT_CONFIGURED
}; /* "enabled" is disabled in contexts */
enum xhci_ep_state { EP_DISABLED, EP_RUNNING, EP_HALTED, EP_STOPPED, EP_ERROR };

/* A transfer descriptor that a device has. */
struct xhci_td;

struct xhci_ep {
    uint8_t state;
    struct xhci_ring ring;
    uint32_t event_bytes; /* EDTLA (4.11.5.2) */
    struct xhci_td *td;   /* pending, or waiting to be tried again; NULL */
    bool waiting;         /* the device said NAK */
    bool more;            /* its ring may hold more than was run */
    bool busy;            /* its device is being asked */
};

/* The request under way on a control endpoint. */
struct xhci_request {
    bool active;
    struct usb_setup setup;
    uint8_t status; /* enum usb_status, of an IN request */
    uint32_t actual, moved;
    uint8_t *data; /* USB_CONTROL_MAX bytes, made when first needed */
};

struct xhci_slot {
    bool enabled;
    uint8_t state, port; /* port: from 1; 0: none */
    uint64_t context;    /* of the output device context */
    struct xhci_ep eps[XHCI_ENDPOINTS];
    struct xhci_request request;
};

struct xhci_port {
    uint32_t status; /* PORTSC without CCS and speed, which are the device's */
    struct usb_device *device;
    bool usb3;
};

struct xhci_interrupter {
    uint32_t iman, imod, erstsz;
    uint64_t erstba, erdp;
    /* The segments as they were when the table was given, and where the next event goes. */
    uint64_t segment_base[XHCI_SEGMENTS];
    uint32_t segment_size[XHCI_SEGMENTS];
    uint8_t segments, segment;
    uint32_t index;
    bool cycle, pending; /* pending: IPE */
};

struct xhci {
    struct machine *machine;
    struct pci_function pci;
    char config_name[48];
    struct clock_timer *later;

    uint32_t usbcmd, usbsts, dnctrl, config;
    uint64_t crcr, dcbaap;
    struct xhci_ring commands;
    bool commands_running;
    uint64_t mfindex_base; /* clock when the frame counter was 0 */
    struct xhci_port ports[XHCI_PORTS];
    struct xhci_slot slots[XHCI_SLOTS + 1]; /* from 1 */
    struct xhci_interrupter interrupters[XHCI_INTERRUPTERS];
};

#define USBCMD_RUN    0x1u
#define USBCMD_INTE   0x4u
#define USBSTS_HALTED 0x001u
#define USBSTS_EINT   0x008u
#define USBSTS_PCD    0x010u
#define USBSTS_ERROR  0x1000u /* HCE */

static inline bool xhci_running(const struct xhci *xhci)
{
    return xhci->usbcmd & USBCMD_RUN && !(xhci->usbsts & USBSTS_ERROR);
}

/* --- xhci_ring.c: memory and rings --- */

/* Guest memory; what is not there reads as zero, and a controller that can't write stops (4.24.1). */
bool xhci_load(struct xhci *xhci, uint64_t address, void *to, size_t len);
void xhci_store(struct xhci *xhci, uint64_t address, const void *from, size_t len);

/*
 * The next TRB of a ring, with links followed; *ring is moved on. False: there is none yet, or the ring is
 * broken (then *broken is set).
 */
bool xhci_ring_next(struct xhci *xhci, struct xhci_ring *ring, struct xhci_trb *trb, bool *broken);

/* --- xhci_event.c: event rings and interrupts --- */

void xhci_event(struct xhci *xhci, unsigned interrupter, const struct xhci_trb *event);
/* Whether a ring can take what a TD makes. */
bool xhci_event_room(const struct xhci *xhci, unsigned interrupter);
void xhci_interrupts_update(struct xhci *xhci);
uint32_t xhci_runtime_read(struct xhci *xhci, uint64_t offset);
void xhci_runtime_write(struct xhci *xhci, uint64_t offset, uint32_t value);

/* --- xhci_port.c --- */

uint32_t xhci_port_read(const struct xhci *xhci, unsigned port, unsigned offset);
void xhci_port_write(struct xhci *xhci, unsigned port, unsigned offset, uint32_t value);
void xhci_ports_reset(struct xhci *xhci);
/* The controller starts: what has changed at the ports is told. */
void xhci_ports_announce(struct xhci *xhci);
/* A device that sleeps wakes its port, if it may. */
void xhci_port_wake(struct xhci *xhci, struct usb_device *device);

/* --- xhci_command.c --- */

void xhci_commands_run(struct xhci *xhci);

/* --- xhci_endpoint.c: transfers --- */

/* Run what the endpoint's ring holds. */
void xhci_ep_run(struct xhci *xhci, unsigned slot, unsigned ep);
/* Forget what a device has of it. With `report`, an event says so. */
void xhci_ep_stop(struct xhci *xhci, unsigned slot, unsigned ep, bool report);
void xhci_ep_state_set(struct xhci *xhci, unsigned slot, unsigned ep, enum xhci_ep_state state);
/* Endpoints that wait for their device, or for room in an event ring, try again. */
void xhci_device_retry(struct xhci *xhci, struct usb_device *device);
void xhci_retry_all(struct xhci *xhci);
void xhci_slot_disable(struct xhci *xhci, unsigned slot);
/* Do the rest of a long ring soon, when the guest has had its turn. */
void xhci_later(struct xhci *xhci);
