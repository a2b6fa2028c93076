#include "devices/storage/ahci.h"

#include <stdlib.h>

#include "base/bits.h"
#include "devices/storage/ahci_internal.h"

#define AHCI_VENDOR   0x8086
#define AHCI_DEVICE   0x2922
#define AHCI_CLASS    0x010601
#define AHCI_REVISION 2

#define ABAR      5
#define ABAR_SIZE 0x1000u

/* AHCI 1.3.1, 3.1: generic host control; the ports' registers begin at 0x100. */
enum {
    CAP = 0x00,
    GHC = 0x04,
    IS = 0x08,
    PI = 0x0c,
    VS = 0x10,
    PORTS = 0x100,
    PORT_SIZE = 0x80,
};

/* 64-bit addresses, queued commands, command-list override, AHCI only, 3 Gb/s. */
#define CAP_VALUE                                                                                            \
    (1u << 31 | 1u << 30 | 1u << 24 | 1u << 18 | 2u << 20 | (AHCI_SLOTS - 1) << 8 | (AHCI_PORTS - 1))
#define VS_VALUE 0x00010200u

#define GHC_RESET     0x00000001u
#define GHC_INTERRUPT 0x00000002u
#define GHC_AHCI      0x80000000u

/* IS keeps a port's bit until it is cleared, and it comes back while the port has a reason. */
static void interrupts_update(struct ahci *ahci, bool event)
{
    for (unsigned i = 0; i < AHCI_PORTS; i++) {
        if (ahci->ports[i].is & ahci->ports[i].ie)
            ahci->is |= 1u << i;
    }
    bool level = ahci->ghc & GHC_INTERRUPT && ahci->is;
    pci_intx_set(&ahci->pci, level);
    if (level && event)
        pci_msi_notify(&ahci->pci, 0);
}

void ahci_port_interrupt(struct ahci_port *port, uint32_t bits)
{
    port->is |= bits;
    interrupts_update(port->ahci, (bits & port->ie) != 0);
}

static uint64_t ahci_read(void *opaque, uint64_t offset, unsigned width)
{
    const struct ahci *ahci = opaque;
    uint64_t port = (offset - PORTS) / PORT_SIZE;
    (void)width;
    if (offset >= PORTS)
        return port < AHCI_PORTS ? ahci_port_read(&ahci->ports[port], (unsigned)(offset % PORT_SIZE)) : 0;
    switch (offset) {
    case CAP: return CAP_VALUE;
    case GHC: return ahci->ghc;
    case IS: return ahci->is;
    case PI: return (1u << AHCI_PORTS) - 1;
    case VS: return VS_VALUE;
    default: return 0;
    }
}

static void controller_reset(struct ahci *ahci)
{
    for (unsigned i = 0; i < AHCI_PORTS; i++)
        ahci_port_reset(&ahci->ports[i]);
    ahci->ghc = GHC_AHCI;
    ahci->is = 0;
    interrupts_update(ahci, false);
}

static void ahci_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct ahci *ahci = opaque;
    uint64_t port = (offset - PORTS) / PORT_SIZE;
    (void)width;
    if (offset >= PORTS) {
        if (port < AHCI_PORTS)
            ahci_port_write(&ahci->ports[port], (unsigned)(offset % PORT_SIZE), (uint32_t)value);
        return;
    }
    switch (offset) {
    case GHC:
        if (value & GHC_RESET) {
            controller_reset(ahci);
            break;
        }
        ahci->ghc = GHC_AHCI | (value & GHC_INTERRUPT);
        interrupts_update(ahci, true);
        break;
    case IS:
        ahci->is &= ~(uint32_t)value;
        interrupts_update(ahci, true);
        break;
    default: break;
    }
}

static void restored(void *object)
{
    struct ahci *ahci = object;
    for (unsigned i = 0; i < AHCI_PORTS; i++) {
        struct ahci_port *port = &ahci->ports[i];
        if (!(port->cmd & CMD_POWER)) /* a reset: loaded ones have had theirs */
            ahci_port_reset(port);
        else
            ahci_port_run(port);
    }
    interrupts_update(ahci, false);
}

#define PORT_FIELD(member) STATE_EACH(struct ahci, ports, member)

/* A save is made with the requests to the images finished; commands not begun yet are still in CI. */
static const struct state_field fields[] = {
    STATE(struct ahci, ghc, .reset = GHC_AHCI),
    STATE(struct ahci, is),
    PORT_FIELD(clb),
    PORT_FIELD(fb),
    PORT_FIELD(is),
    PORT_FIELD(ie),
    PORT_FIELD(cmd),
    PORT_FIELD(tfd),
    PORT_FIELD(sig),
    PORT_FIELD(ssts),
    PORT_FIELD(sctl),
    PORT_FIELD(serr),
    PORT_FIELD(sact),
    PORT_FIELD(ci),
    PORT_FIELD(signature_waits),
    PORT_FIELD(resetting),
    PORT_FIELD(halted),
};
static const struct state_table table = {"ahci", 1, fields, ARRAY_LEN(fields), restored};

static void ahci_destroy(void *object)
{
    struct ahci *ahci = object;
    for (unsigned i = 0; i < AHCI_PORTS; i++)
        ahci_port_stop(&ahci->ports[i]);
    pci_function_fini(&ahci->pci);
    free(ahci);
}

struct ahci *ahci_create(struct machine *machine, const struct ahci_config *config, struct error *err)
{
    struct ahci *ahci = machine_alloc(sizeof(*ahci));
    struct pci_config pci = {.name = "ahci-config",
                             .devfn = config->devfn,
                             .vendor = AHCI_VENDOR,
                             .device = AHCI_DEVICE,
                             .class_code = AHCI_CLASS,
                             .revision = AHCI_REVISION,
                             .interrupt_pin = 1};
    struct bus_region registers = {.name = "ahci",
                                   .size = ABAR_SIZE,
                                   .min_width = 4,
                                   .max_width = 4,
                                   .read = ahci_read,
                                   .write = ahci_write,
                                   .opaque = ahci};
    ahci->machine = machine;
    if (!pci_function_init(&ahci->pci, machine, config->bus, &pci, err)) {
        free(ahci);
        return NULL;
    }
    pci_msi_add(&ahci->pci, 1);
    pci_bar_add(&ahci->pci, ABAR, ABAR_SIZE, 0);
    pci_bar_region(&ahci->pci, ABAR, &registers);
    for (unsigned i = 0; i < AHCI_PORTS; i++) {
        ahci->ports[i].ahci = ahci;
        ahci->ports[i].index = i;
        ahci->ports[i].device = config->devices[i];
    }
    machine_device_add(machine, "ahci", &table, ahci, ahci_destroy);
    return ahci;
}
