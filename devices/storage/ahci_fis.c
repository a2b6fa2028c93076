/* Frames from the device to the host (SATA 2.6, 10.3; AHCI 1.3.1, 4.2.1). */
#include "base/bits.h"
#include "devices/storage/ahci_internal.h"

/* Places in the received FIS structure. */
#define PLACE_PIO_SETUP 0x20
#define PLACE_REGISTER  0x40
#define PLACE_SET_BITS  0x58

#define FIS_REGISTER  0x34
#define FIS_PIO_SETUP 0x5f
#define FIS_SET_BITS  0xa1
#define FIS_INTERRUPT 0x40
#define FIS_TO_HOST   0x20

static void fis_receive(struct ahci_port *port, unsigned place, const uint8_t *fis, unsigned len)
{
    if (!(port->cmd & CMD_FIS))
        return;
    if (!ram_write(port->ahci->machine->mem.ram, gpa(port->fb + place), fis, len))
        log_guest("AHCI: port %u receives its frames where no RAM is, at %#llx", port->index,
                  (unsigned long long)port->fb);
}

static void task_file_put(uint8_t *fis, const struct ata_action *action, uint8_t status, uint8_t error)
{
    fis[2] = status;
    fis[3] = error;
    for (unsigned i = 0; i < 3; i++) {
        fis[4 + i] = (uint8_t)(action->lba >> 8 * i);
        fis[8 + i] = (uint8_t)(action->lba >> 8 * (i + 3));
    }
    fis[7] = action->device;
    le16_store(fis + 12, action->count);
}

void ahci_fis_register(struct ahci_port *port, const struct ata_action *action, uint8_t status)
{
    uint8_t fis[20] = {FIS_REGISTER, FIS_INTERRUPT};
    task_file_put(fis, action, status, action->error);
    fis_receive(port, PLACE_REGISTER, fis, sizeof(fis));
    port->tfd = status | (uint32_t)action->error << 8;
    ahci_port_interrupt(port, IS_D2H | (status & ATA_STATUS_ERROR ? IS_TASK_FILE : 0));
}

/* The first frame after a reset, which shows what kind of device there is. No interrupt. */
void ahci_fis_signature(struct ahci_port *port)
{
    uint32_t signature = port->device->signature;
    struct ata_action action = {.lba = signature >> 8, .count = (uint8_t)signature};
    uint8_t fis[20] = {FIS_REGISTER}, status = port->device->reset_status;
    task_file_put(fis, &action, status, 1);
    fis_receive(port, PLACE_REGISTER, fis, sizeof(fis));
    port->sig = signature;
    port->tfd = status | 1u << 8;
    port->signature_waits = !(port->cmd & CMD_FIS);
}

void ahci_fis_pio_setup(struct ahci_port *port, const struct ata_action *action, uint8_t status,
                        uint64_t bytes)
{
    uint8_t fis[20] = {FIS_PIO_SETUP, (uint8_t)(FIS_INTERRUPT | (action->write ? 0 : FIS_TO_HOST))};
    task_file_put(fis, action, ATA_STATUS_READY | ATA_STATUS_SEEK | ATA_STATUS_DATA, 0);
    fis[15] = status;
    le16_store(fis + 16, (uint16_t)bytes);
    fis_receive(port, PLACE_PIO_SETUP, fis, sizeof(fis));
    port->tfd = status;
    ahci_port_interrupt(port, IS_PIO_SETUP);
}

/* Queued commands `done` are over; with an error, the device has stopped. */
void ahci_fis_set_bits(struct ahci_port *port, uint32_t done, uint8_t status, uint8_t error)
{
    uint8_t fis[8] = {FIS_SET_BITS, FIS_INTERRUPT, status & 0x77, error};
    le32_store(fis + 4, done);
    fis_receive(port, PLACE_SET_BITS, fis, sizeof(fis));
    port->sact &= ~done;
    port->tfd = (port->tfd & (ATA_STATUS_BUSY | ATA_STATUS_DATA)) | (status & 0x77u) | (uint32_t)error << 8;
    ahci_port_interrupt(port, IS_SET_BITS | (status & ATA_STATUS_ERROR ? IS_TASK_FILE : 0));
}
