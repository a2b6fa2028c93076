/* What the files of the AHCI controller share. */
#pragma once

#include "devices/dma.h"
#include "devices/storage/ahci.h"

#define AHCI_SLOTS 32

/* Port registers' bits (AHCI 1.3.1, 3.3). */
#define IS_D2H       (1u << 0)
#define IS_PIO_SETUP (1u << 1)
#define IS_SET_BITS  (1u << 3)
#define IS_PRD       (1u << 5)
#define IS_CONNECT   (1u << 6)
#define IS_OVERFLOW  (1u << 24)
#define IS_INTERFACE (1u << 27)
#define IS_HOST_BUS  (1u << 29)
#define IS_TASK_FILE (1u << 30)

#define CMD_START      (1u << 0)
#define CMD_SPIN_UP    (1u << 1)
#define CMD_POWER      (1u << 2)
#define CMD_OVERRIDE   (1u << 3)
#define CMD_FIS        (1u << 4)
#define CMD_SLOT_SHIFT 8
#define CMD_SLOT       (0x1fu << CMD_SLOT_SHIFT)
#define CMD_FIS_RUNS   (1u << 14)
#define CMD_LIST_RUNS  (1u << 15)
#define CMD_ATAPI      (1u << 24)

#define SERR_EXCHANGED (1u << 26)

/* A command under way. */
struct ahci_slot {
    struct ahci_port *port;
    uint8_t tag;
    bool active;
    bool queued;
    bool dropped;   /* the port was stopped: nothing is told of its end */
    bool flushing;  /* its data are moved, the flush is under way */
    bool interrupt; /* a PRD with its interrupt bit set was used */
    uint8_t range;  /* of a trim: the one under way */
    struct ata_command command;
    struct ata_action action;
    struct dma_list dma;
    struct block_request io;
};

struct ahci_port {
    struct ahci *ahci;
    unsigned index;
    struct ata_device *device;
    uint64_t clb, fb;
    uint32_t is, ie, cmd, tfd, sig, ssts, sctl, serr, sact, ci;
    bool signature_waits; /* the FIS after a reset, until there is a place for it */
    bool resetting;       /* between the two halves of a software reset */
    bool halted;          /* by an error, until it is stopped and started */
    struct ahci_slot slots[AHCI_SLOTS];
};

struct ahci {
    struct machine *machine;
    struct pci_function pci;
    uint32_t ghc, is;
    struct ahci_port ports[AHCI_PORTS];
};

/* ahci.c: a port's interrupt status has got these bits. */
void ahci_port_interrupt(struct ahci_port *port, uint32_t bits);

/* ahci_port.c: registers of one port, by offset from its first. */
uint32_t ahci_port_read(const struct ahci_port *port, unsigned offset);
void ahci_port_write(struct ahci_port *port, unsigned offset, uint32_t value);
void ahci_port_reset(struct ahci_port *port);

/* ahci_command.c: issue what may be issued; finish everything silently. */
void ahci_port_run(struct ahci_port *port);
void ahci_port_stop(struct ahci_port *port);

/* ahci_fis.c: what the device sends, into the guest's memory and the port's registers. */
void ahci_fis_signature(struct ahci_port *port);
void ahci_fis_register(struct ahci_port *port, const struct ata_action *action, uint8_t status);
void ahci_fis_pio_setup(struct ahci_port *port, const struct ata_action *action, uint8_t status,
                        uint64_t bytes);
void ahci_fis_set_bits(struct ahci_port *port, uint32_t done, uint8_t status, uint8_t error);
