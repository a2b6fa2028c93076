/*
 * Intel's 82540EM gigabit Ethernet controller, which nearly every operating system has a driver for: legacy
 * and extended descriptors, checksum and segmentation offload, VLAN tags, EEPROM, PHY and statistics.
 */
#pragma once

#include "devices/net/net.h"
#include "devices/pci/pci_bus.h"

struct e1000_config {
    const char *name; /* unique in the machine; kept */
    struct pci_bus *bus;
    int devfn;
    uint8_t mac[6];
    struct net_port *port; /* taken, also on failure; NULL: no cable */
    struct ram_block *rom; /* boot code, or NULL: as pci_rom_add wants it */
};

struct e1000;

/* NULL and err when the slot is taken. */
struct e1000 *e1000_create(struct machine *machine, const struct e1000_config *config, struct error *err);
