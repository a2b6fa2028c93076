/*
 * An xHCI 1.1 host controller on PCI with four USB 2 and four USB 3 ports. Devices are plugged into the first
 * free port of their speed when the machine is built.
 */
#pragma once

#include "devices/pci/pci_bus.h"
#include "devices/usb/usb.h"

struct xhci;

struct xhci_config {
    const char *name; /* unique in the machine; kept */
    struct pci_bus *bus;
    int devfn;
};

/* NULL and err when the slot is taken. */
struct xhci *xhci_create(struct machine *machine, const struct xhci_config *config, struct error *err);

/* Plug a device in, before the machine runs. False and err when all ports of its speed are taken. */
bool xhci_plug(struct xhci *xhci, struct usb_device *device, struct error *err);
