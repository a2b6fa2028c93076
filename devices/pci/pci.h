/*
 * PCI functions as a device model sees them: configuration space with capabilities, BARs, INTx, MSI and
 * MSI-X. A device embeds a struct pci_function, fills it in its constructor with the calls below, and from
 * then on reacts to its own registers only; decoding, moving and sizing of BARs, masks and pending bits are
 * done here.
 *
 * Everything runs with the machine lock held but the constructors.
 */
#pragma once

#include "devices/machine.h"
#include "devices/pci/pci_regs.h"

struct pci_bus;
struct pci_function;

#define PCI_BARS      6
#define PCI_DEVFN_ANY (-1) /* the first free slot */

static inline int pci_devfn(unsigned slot, unsigned function)
{
    return (int)(slot << 3 | function);
}

/* A message-signalled interrupt: a store of `data` to `address`. */
struct msi_message {
    uint64_t address;
    uint32_t data;
    uint32_t requester; /* who sends it: bus, device and function */
};

/* Who receives messages. `deliver` returns false when nobody answers at the address. */
struct msi_target {
    bool (*deliver)(void *opaque, struct msi_message message);
    void *opaque;
};

struct pci_config {
    const char *name; /* unique in the machine; the configuration space is saved under it */
    int devfn;        /* or PCI_DEVFN_ANY */
    uint16_t vendor, device, subsystem_vendor, subsystem;
    uint32_t class_code; /* 24 bits: base class, sub-class, interface */
    uint8_t revision;
    uint8_t interrupt_pin; /* 1 to 4: INTA to INTD; 0: none */
    /* After a write of the guest to [offset, offset + width). May be NULL. */
    void (*config_written)(void *opaque, unsigned offset, unsigned width);
    /* Registers in a capability that have no storage: true when *value was given. May be NULL. */
    bool (*config_read)(void *opaque, unsigned offset, unsigned width, uint32_t *value);
    void *opaque;
};

/* The parts of a BAR: registers or memory at an offset in it. */
struct pci_window {
    uint64_t offset;
    struct bus_region region; /* registers */
    struct ram_block *block;  /* or memory */
    bool readonly;            /* memory that the guest can't write */
    bool mapped;
    unsigned id; /* in the bus or the RAM map */
    struct pci_window *next;
};

struct pci_bar {
    uint64_t size;
    uint8_t flags;    /* PCI_BAR_IO, _64, _PREFETCH */
    uint64_t address; /* where it is decoded, or PCI_BAR_UNMAPPED */
    struct pci_window *windows;
};
#define PCI_BAR_UNMAPPED (~(uint64_t)0)
#define PCI_BAR_ROM      PCI_BARS /* the expansion ROM's place among the BARs */

/* Private to devices/pci; a device only embeds it. */
struct pci_function {
    struct machine *machine;
    struct pci_bus *bus;
    struct pci_config config;
    int devfn;

    uint8_t initial[PCI_CONFIG_SIZE];  /* values after reset */
    uint8_t writable[PCI_CONFIG_SIZE]; /* bits a guest changes */
    uint8_t clearing[PCI_CONFIG_SIZE]; /* bits a guest clears by writing ones */
    uint8_t changed[PCI_CONFIG_SIZE];  /* bits that differ from `initial` now */
    unsigned capability_end;           /* where the next capability goes */
    unsigned capability_last;          /* the one to link it to */

    struct pci_bar bars[PCI_BARS + 1];

    uint8_t intx;     /* the level the device asks for */
    bool intx_driven; /* what this function adds to the bus's line */

    unsigned msi, msi_vectors;   /* offset of the capability, 0: none */
    unsigned msix, msix_vectors; /* likewise */
    unsigned msix_bar;
    struct {
        uint64_t address;
        uint32_t data;
        uint8_t unmasked, pending;
    } vectors[PCI_MSIX_VECTORS_MAX];
};

/*
 * Put a function on a bus. False and err when the slot is taken or none is free. The function's configuration
 * space gets its own entry in the machine's devices; pci_function_fini is called for it when the machine
 * goes.
 */
bool pci_function_init(struct pci_function *pci, struct machine *machine, struct pci_bus *bus,
                       const struct pci_config *config, struct error *err);
void pci_function_fini(struct pci_function *pci);

/* Configuration space from the device's side; offset is a multiple of width (1, 2, 4). */
uint32_t pci_config_get(const struct pci_function *pci, unsigned offset, unsigned width);
void pci_config_set(struct pci_function *pci, unsigned offset, unsigned width, uint32_t value);

/* Constructors only: the value after reset, and which bits of it a guest may change. */
void pci_config_define(struct pci_function *pci, unsigned offset, unsigned width, uint32_t initial,
                       uint32_t writable);

/* Constructors only: a capability of `size` bytes linked to the others; its offset. The first two bytes are
 * set, the rest is zero and read-only until defined. */
unsigned pci_capability_add(struct pci_function *pci, uint8_t id, unsigned size);

/* Constructors only: the PCI Express capability of an endpoint integrated in the root complex. */
void pci_express_add(struct pci_function *pci);

/*
 * Constructors only. A BAR of `size` bytes (a power of two, at least 16 or, for ports, 4) with flags from
 * PCI_BAR_*; a 64-bit one takes the next number too. Then its parts: registers (region->base is the offset in
 * the BAR) or memory that lies open to the guest. What no part covers reads as ones.
 */
void pci_bar_add(struct pci_function *pci, unsigned bar, uint64_t size, uint8_t flags);
void pci_bar_region(struct pci_function *pci, unsigned bar, const struct bus_region *region);
void pci_bar_memory(struct pci_function *pci, unsigned bar, uint64_t offset, struct ram_block *block);

/* Constructors only: the expansion ROM, a block of a power of two of bytes, at least 4 KiB. */
void pci_rom_add(struct pci_function *pci, struct ram_block *block);

/* The guest lets the function read and write memory. */
bool pci_bus_master(const struct pci_function *pci);

/* The level of the function's interrupt pin, as long as neither MSI nor MSI-X is in use. */
void pci_intx_set(struct pci_function *pci, bool level);

/*
 * Constructors only: the MSI or MSI-X capability. False, and no capability, when the bus has no receiver for
 * messages: the device then uses its pin. `vectors`: a power of two up to 32 for MSI; 1 to
 * PCI_MSIX_VECTORS_MAX for MSI-X, whose table and pending bits go into a BAR made before, at these offsets
 * (16 * vectors bytes and vectors / 8 bytes rounded up to 8).
 */
bool pci_msi_add(struct pci_function *pci, unsigned vectors);
bool pci_msix_add(struct pci_function *pci, unsigned vectors, unsigned bar, uint32_t table, uint32_t pba);

bool pci_msi_enabled(const struct pci_function *pci);
bool pci_msix_enabled(const struct pci_function *pci);

/* Signal a vector: sent, or kept pending while it is masked, or nothing while disabled or out of range. */
void pci_msi_notify(struct pci_function *pci, unsigned vector);
void pci_msix_notify(struct pci_function *pci, unsigned vector);
