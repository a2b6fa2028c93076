/* The controller on the PCI bus: capability and operational registers, doorbells (xHCI 5). */
#include "devices/usb/xhci.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bits.h"
#include "devices/usb/xhci_internal.h"

/* The identity of the peer's controller, which drivers know no faults of. */
#define XHCI_VENDOR            0x1b36
#define XHCI_DEVICE            0x000d
#define XHCI_CLASS             0x0c0330
#define XHCI_SUBSYSTEM_VENDOR  0x1af4
#define XHCI_SUBSYSTEM         0x1100
#define PCI_SERIAL_BUS_RELEASE 0x60
#define PCI_FRAME_LENGTH       0x61

#define BAR             0
#define BAR_SIZE        0x4000u
#define BAR_OPERATIONAL 0x0040u
#define BAR_PORTS       0x0440u
#define BAR_RUNTIME     0x1000u
#define BAR_DOORBELLS   0x2000u
#define BAR_TABLE       0x3000u
#define BAR_PENDING     0x3800u
#define PORT_SIZE       0x10u
#define DOORBELL_COUNT  (XHCI_SLOTS + 1u)

/* 5.3. No hubs' power switches, no streams, 64-bit addresses, contexts of 32 bytes. */
#define VERSION     0x0110u
#define HCSPARAMS1  (XHCI_SLOTS | XHCI_INTERRUPTERS << 8 | (uint32_t)XHCI_PORTS << 24)
#define HCSPARAMS2  (1u | 4u << 4) /* 2^4 segments of an event ring */
#define EXTENDED_AT 0x20u          /* in the capability registers */
#define HCCPARAMS1  (1u | (EXTENDED_AT / 4) << 16)

/* 5.4 */
enum {
    USBCMD = 0x00,
    USBSTS = 0x04,
    PAGESIZE = 0x08,
    DNCTRL = 0x14,
    CRCR = 0x18,
    DCBAAP = 0x30,
    CONFIG = 0x38,
};
#define USBCMD_RESET 0x002u
#define USBCMD_KEPT  0x0c0du /* run, INTE, HSEE, EWE, EU3S */
#define USBSTS_CLEAR 0x041cu /* bits that a one clears: HSE, EINT, PCD, SRE */

#define CRCR_CYCLE   0x1u
#define CRCR_STOP    0x2u
#define CRCR_ABORT   0x4u
#define CRCR_RUNNING 0x8u

/* 7.2: which ports speak which protocol. */
static const uint32_t extended[8] = {
    0x02000402, 0x20425355, 1 | XHCI_PORTS_USB2 << 8,
    0, /* "USB " 2.0 */
    0x03000002, 0x20425355, (1 + XHCI_PORTS_USB2) | XHCI_PORTS_USB3 << 8,
    0, /* "USB " 3.0, the last */
};

static uint32_t capability_read(uint64_t offset)
{
    switch (offset) {
    case 0x00: return BAR_OPERATIONAL | VERSION << 16;
    case 0x04: return HCSPARAMS1;
    case 0x08: return HCSPARAMS2;
    case 0x10: return HCCPARAMS1;
    case 0x14: return BAR_DOORBELLS;
    case 0x18: return BAR_RUNTIME;
    default: break;
    }
    uint64_t index = (offset - EXTENDED_AT) / 4;
    return offset >= EXTENDED_AT && index < ARRAY_LEN(extended) ? extended[index] : 0;
}

/* --- operational registers --- */

static void controller_reset(struct xhci *xhci)
{
    for (unsigned i = 1; i <= XHCI_SLOTS; i++)
        xhci_slot_disable(xhci, i);
    for (unsigned i = 0; i < XHCI_INTERRUPTERS; i++)
        xhci->interrupters[i] = (struct xhci_interrupter){.imod = 4000};
    xhci->usbcmd = xhci->dnctrl = xhci->config = 0;
    xhci->usbsts = USBSTS_HALTED;
    xhci->crcr = xhci->dcbaap = 0;
    xhci->commands_running = false;
    clock_timer_set(xhci->later, CLOCK_NEVER);
    xhci_ports_reset(xhci);
    xhci_interrupts_update(xhci);
}

static void usbcmd_write(struct xhci *xhci, uint32_t value)
{
    bool ran = xhci->usbcmd & USBCMD_RUN, runs = value & USBCMD_RUN;
    if (value & USBCMD_RESET) {
        controller_reset(xhci);
        return;
    }
    xhci->usbcmd = value & USBCMD_KEPT;
    if (runs && !ran) {
        xhci->usbsts &= ~USBSTS_HALTED;
        xhci->mfindex_base = clock_now(xhci->machine->clock);
        xhci_ports_announce(xhci);
    } else if (!runs && ran) {
        xhci->usbsts |= USBSTS_HALTED;
        xhci->commands_running = false;
    }
    xhci_interrupts_update(xhci);
}

/* 5.4.5: the ring's place can be set while no command runs; the other way round it is stopped, which takes no
 * time. */
static void crcr_write(struct xhci *xhci, uint32_t value)
{
    if (xhci->commands_running) {
        if (!(value & (CRCR_STOP | CRCR_ABORT)))
            return;
        const struct xhci_trb event = {
            .parameter = xhci->commands.dequeue,
            .status = (uint32_t)CODE_RING_STOPPED << 24,
            .control = TRB_COMMAND_EVENT << 10,
        };
        xhci->commands_running = false;
        xhci_event(xhci, 0, &event);
        return;
    }
    xhci->crcr = bits_set(xhci->crcr, 0, 32, value & ~0x3fu);
    xhci->commands = (struct xhci_ring){.dequeue = xhci->crcr, .cycle = value & CRCR_CYCLE};
}

static uint32_t operational_read(const struct xhci *xhci, uint64_t offset)
{
    switch (offset) {
    case USBCMD: return xhci->usbcmd;
    case USBSTS: return xhci->usbsts;
    case PAGESIZE: return 1; /* 4 KiB */
    case DNCTRL: return xhci->dnctrl;
    case CRCR: return xhci->commands_running ? CRCR_RUNNING : 0;
    case DCBAAP: return (uint32_t)xhci->dcbaap;
    case DCBAAP + 4: return (uint32_t)(xhci->dcbaap >> 32);
    case CONFIG: return xhci->config;
    default: return 0;
    }
}

static void operational_write(struct xhci *xhci, uint64_t offset, uint32_t value)
{
    switch (offset) {
    case USBCMD: usbcmd_write(xhci, value); break;
    case USBSTS:
        xhci->usbsts &= ~(value & USBSTS_CLEAR);
        xhci_interrupts_update(xhci);
        break;
    case DNCTRL: xhci->dnctrl = value & 0xffff; break;
    case CRCR: crcr_write(xhci, value); break;
    case CRCR + 4:
        if (!xhci->commands_running) {
            xhci->crcr = bits_set(xhci->crcr, 32, 32, value);
            xhci->commands.dequeue = xhci->crcr;
        }
        break;
    case DCBAAP: xhci->dcbaap = bits_set(xhci->dcbaap, 0, 32, value & ~0x3fu); break;
    case DCBAAP + 4: xhci->dcbaap = bits_set(xhci->dcbaap, 32, 32, value); break;
    case CONFIG: xhci->config = value & 0x3ff; break;
    default: break;
    }
}

static void doorbell_ring(struct xhci *xhci, unsigned number, uint32_t value)
{
    unsigned target = value & 0xff;
    if (!xhci_running(xhci) || number > XHCI_SLOTS)
        return;
    if (number == 0) {
        if (target != 0)
            return;
        xhci->commands_running = true;
        xhci_commands_run(xhci);
        return;
    }
    if (!xhci->slots[number].enabled || target < 1 || target >= XHCI_ENDPOINTS) {
        log_guest("xHCI: doorbell %u rings for %u, and nobody is there", number, target);
        return;
    }
    /* 4.8.3: a stopped endpoint runs again. */
    if (xhci->slots[number].eps[target].state == EP_STOPPED)
        xhci_ep_state_set(xhci, number, target, EP_RUNNING);
    xhci_ep_run(xhci, number, target);
}

/* --- the BAR: 32-bit registers all --- */

static uint64_t xhci_read(void *opaque, uint64_t offset, unsigned width)
{
    struct xhci *xhci = opaque;
    (void)width;
    if (offset < BAR_OPERATIONAL)
        return capability_read(offset);
    if (offset < BAR_PORTS)
        return operational_read(xhci, offset - BAR_OPERATIONAL);
    if (offset < BAR_PORTS + XHCI_PORTS * PORT_SIZE)
        return xhci_port_read(xhci, (unsigned)(offset - BAR_PORTS) / PORT_SIZE, offset % PORT_SIZE);
    if (offset >= BAR_RUNTIME && offset < BAR_DOORBELLS)
        return xhci_runtime_read(xhci, offset - BAR_RUNTIME);
    return 0;
}

static void xhci_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct xhci *xhci = opaque;
    (void)width;
    if (offset >= BAR_DOORBELLS)
        doorbell_ring(xhci, (unsigned)(offset - BAR_DOORBELLS) / 4, (uint32_t)value);
    else if (offset >= BAR_RUNTIME)
        xhci_runtime_write(xhci, offset - BAR_RUNTIME, (uint32_t)value);
    else if (offset >= BAR_PORTS && offset < BAR_PORTS + XHCI_PORTS * PORT_SIZE)
        xhci_port_write(xhci, (unsigned)(offset - BAR_PORTS) / PORT_SIZE, offset % PORT_SIZE,
                        (uint32_t)value);
    else if (offset >= BAR_OPERATIONAL && offset < BAR_PORTS)
        operational_write(xhci, offset - BAR_OPERATIONAL, (uint32_t)value);
}

/* --- devices --- */

static void device_ready(void *host, struct usb_device *device)
{
    xhci_port_wake(host, device);
    xhci_device_retry(host, device);
}

bool xhci_plug(struct xhci *xhci, struct usb_device *device, struct error *err)
{
    bool usb3 = device->class->speed == USB_SPEED_SUPER;
    for (unsigned i = 0; i < XHCI_PORTS; i++) {
        if (xhci->ports[i].device || xhci->ports[i].usb3 != usb3)
            continue;
        xhci->ports[i].device = device;
        device->ready = device_ready;
        device->host = xhci;
        xhci_ports_reset(xhci);
        return true;
    }
    return error_set(err, ERROR_USAGE,
                     "the USB controller has %u ports for %s and the like, and all are taken",
                     usb3 ? XHCI_PORTS_USB3 : XHCI_PORTS_USB2, device->class->name);
}

/* --- making and ending it --- */

static void later(void *opaque)
{
    xhci_retry_all(opaque);
}

static void restored(void *object)
{
    controller_reset(object);
}

/* Saving a controller that runs comes with saving machines: until then a reset is all that its table is for.
 */
static const struct state_field fields[] = {
    STATE(struct xhci, usbcmd),
    STATE(struct xhci, usbsts, .reset = USBSTS_HALTED),
};
static const struct state_table table = {"xhci", 1, fields, ARRAY_LEN(fields), restored};

static void xhci_destroy(void *object)
{
    struct xhci *xhci = object;
    for (unsigned i = 1; i <= XHCI_SLOTS; i++)
        xhci_slot_disable(xhci, i);
    clock_timer_destroy(xhci->later);
    pci_function_fini(&xhci->pci);
    free(xhci);
}

static void bar_define(struct xhci *xhci)
{
    const struct bus_region registers = {.name = "xhci",
                                         .size = BAR_TABLE,
                                         .min_width = 4,
                                         .max_width = 4,
                                         .read = xhci_read,
                                         .write = xhci_write,
                                         .opaque = xhci};
    pci_bar_add(&xhci->pci, BAR, BAR_SIZE, PCI_BAR_64);
    pci_bar_region(&xhci->pci, BAR, &registers);
    pci_config_define(&xhci->pci, PCI_SERIAL_BUS_RELEASE, 1, 0x30, 0);
    pci_config_define(&xhci->pci, PCI_FRAME_LENGTH, 1, 0x20, 0x3f);
    pci_msi_add(&xhci->pci, 1);
    pci_msix_add(&xhci->pci, XHCI_INTERRUPTERS, BAR, BAR_TABLE, BAR_PENDING);
    pci_express_add(&xhci->pci);
}

struct xhci *xhci_create(struct machine *machine, const struct xhci_config *config, struct error *err)
{
    struct xhci *xhci = machine_alloc(sizeof(*xhci));
    snprintf(xhci->config_name, sizeof(xhci->config_name), "%s-config", config->name);
    struct pci_config pci = {.name = xhci->config_name,
                             .devfn = config->devfn,
                             .vendor = XHCI_VENDOR,
                             .device = XHCI_DEVICE,
                             .subsystem_vendor = XHCI_SUBSYSTEM_VENDOR,
                             .subsystem = XHCI_SUBSYSTEM,
                             .class_code = XHCI_CLASS,
                             .revision = 1,
                             .interrupt_pin = 1};
    xhci->machine = machine;
    xhci->later = clock_timer_create(machine->clock, later, xhci);
    for (unsigned i = XHCI_PORTS_USB2; i < XHCI_PORTS; i++)
        xhci->ports[i].usb3 = true;
    if (!pci_function_init(&xhci->pci, machine, config->bus, &pci, err)) {
        clock_timer_destroy(xhci->later);
        free(xhci);
        return NULL;
    }
    bar_define(xhci);
    machine_device_add(machine, config->name, &table, xhci, xhci_destroy);
    return xhci;
}
