/* What the files of devices/pci share and no device needs. */
#pragma once

#include "devices/pci/pci_bus.h"

/* A guest's access to a function's configuration space. */
uint32_t pci_function_read(struct pci_function *pci, unsigned offset, unsigned width);
void pci_function_write(struct pci_function *pci, unsigned offset, unsigned width, uint32_t value);

/* Bring what the guest decodes in line with the BARs and the command register. */
void pci_bars_update(struct pci_function *pci);
/* Decode what could not be decoded because something else was there. */
void pci_bars_retry(struct pci_function *pci);
/* A place has become free: every function of the bus retries. */
void pci_bus_room(struct pci_bus *bus);
/* Unmap and forget all windows. */
void pci_bars_free(struct pci_function *pci);

/* Bring the function's line in line with its level, INTX_DISABLE and MSI. */
void pci_intx_update(struct pci_function *pci);

/* The guest wrote the message control or masks of MSI or MSI-X: send what may be sent now. */
void pci_msi_update(struct pci_function *pci);
