/*
 * The Q35 host bridge (00:00.0): configuration space through ports 0xcf8 and 0xcfc and as memory, RAM with
 * its holes, the shadow RAM registers below 1 MiB and the memory of system-management mode. It maps the
 * machine's RAM itself, because software moves parts of it in and out of sight. Closed SMRAM is a guarded
 * mapping (softmmu/ram.h): the core of a processor in system-management mode sees it, other processors and
 * devices don't.
 */
#pragma once

#include "devices/pci/pci_bus.h"

#define Q35_PIRQS PCI_INTX_LINES

/* What a function's pin (1: INTA) is wired to: PIRQA (0) to PIRQD for slots 25 to 31, by pin; PIRQE to PIRQH
 * for the others, by slot + pin. A board's tables say the same. */
unsigned q35_pirq(unsigned devfn, unsigned pin);

struct q35_host_config {
    struct ram_block *ram; /* its first below_4g bytes are shown from 0, the other above_4g from 4 GiB */
    uint64_t below_4g, above_4g;
    struct ram_block *rom; /* firmware that is shown below 1 MiB until it turns shadow RAM on; may be NULL */
    struct irq_line pirqs[Q35_PIRQS];
    struct msi_target msi;
};

struct q35_host;

/* NULL and err when ports overlap others or the RAM can't be mapped. */
struct q35_host *q35_host_create(struct machine *machine, const struct q35_host_config *config,
                                 struct error *err);

/* The bus that functions join; the bridge owns it. */
struct pci_bus *q35_host_bus(struct q35_host *host);

/* RAM below 1 MiB as firmware leaves it, readable and writable: for a start without firmware. Undone by a
 * reset. */
void q35_host_shadow_open(struct q35_host *host);
