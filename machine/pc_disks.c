/* Disks and CD drives on the PC's AHCI controller, and NVMe disks. */
#include <string.h>

#include "devices/storage/ahci.h"
#include "devices/storage/nvme.h"
#include "machine/pc_board.h"

#define AHCI_SLOT     31
#define AHCI_FUNCTION 2

/* The drive takes the medium and closes it. */
static struct ata_device *drive_create(struct pc_board *board, unsigned i, struct error *err)
{
    struct machine *machine = &board->run->machine;
    const struct disk_config *disk = &board->config->disks[i];
    struct block *block = block_open(machine, &disk->block, err);
    if (!block)
        return NULL;
    if (disk->cdrom)
        return atapi_create(machine, board_name(&board->parts, "cdrom%u", i), block);
    const char *name = board_name(&board->parts, "disk%u", i);
    return ata_disk_create(machine, name, block, board_name(&board->parts, "TA%05u", i));
}

bool pc_ahci_add(struct pc_board *board, struct error *err)
{
    struct ahci_config config = {.bus = board->parts.pci, .devfn = pci_devfn(AHCI_SLOT, AHCI_FUNCTION)};
    unsigned used = 0;
    for (unsigned i = 0; i < board->config->disk_count; i++) {
        if (board->config->disks[i].transport != TRANSPORT_AHCI)
            continue;
        if (used == AHCI_PORTS)
            return error_set(err, ERROR_USAGE,
                             "the AHCI controller has %u ports: use if=virtio for more disks", AHCI_PORTS);
        config.devices[used] = drive_create(board, i, err);
        if (!config.devices[used++])
            return false;
    }
    return ahci_create(&board->run->machine, &config, err);
}

bool pc_nvme_add(struct pc_board *board, struct error *err)
{
    struct machine *machine = &board->run->machine;
    for (unsigned i = 0; i < board->config->disk_count; i++) {
        const struct disk_config *disk = &board->config->disks[i];
        if (disk->transport != TRANSPORT_NVME)
            continue;
        struct nvme_config config = {.name = board_name(&board->parts, "nvme%u", i),
                                     .bus = board->parts.pci,
                                     .devfn = PCI_DEVFN_ANY,
                                     .block = block_open(machine, &disk->block, err),
                                     .serial = board_name(&board->parts, "TN%05u", i)};
        if (!config.block || !nvme_create(machine, &config, err))
            return false;
    }
    return true;
}
