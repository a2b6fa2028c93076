/* Disks and CD drives on the PC's AHCI and IDE controllers, NVMe disks, and diskettes. */
#include <string.h>

#include "devices/storage/ahci.h"
#include "devices/storage/floppy.h"
#include "devices/storage/ide.h"
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

/* The drives of a controller with room for `most`, in the order in which they were asked for. */
static bool drives_create(struct pc_board *board, enum device_transport transport, const char *controller,
                          struct ata_device **drives, unsigned most, struct error *err)
{
    unsigned used = 0;
    for (unsigned i = 0; i < board->config->disk_count; i++) {
        if (board->config->disks[i].transport != transport)
            continue;
        if (used == most)
            return error_set(err, ERROR_USAGE,
                             "the %s controller has room for %u drives: use if=virtio for more disks",
                             controller, most);
        drives[used] = drive_create(board, i, err);
        if (!drives[used++])
            return false;
    }
    return true;
}

bool pc_ahci_add(struct pc_board *board, struct error *err)
{
    struct ahci_config config = {.bus = board->parts.pci, .devfn = pci_devfn(AHCI_SLOT, AHCI_FUNCTION)};
    return drives_create(board, TRANSPORT_AHCI, "AHCI", config.devices, AHCI_PORTS, err) &&
           ahci_create(&board->run->machine, &config, err);
}

bool pc_ide_add(struct pc_board *board, struct error *err)
{
    struct ide_config config = {.bus = board->parts.pci, .devfn = pci_devfn(PC_IDE_SLOT, PC_IDE_FUNCTION)};
    for (unsigned i = 0; i < IDE_CHANNELS; i++)
        config.irqs[i] = ich9_isa_line(board->lpc, PC_IRQ_IDE + i);
    return drives_create(board, TRANSPORT_IDE, "IDE", config.devices, IDE_DRIVES, err) &&
           (!config.devices[0] || ide_create(&board->run->machine, &config, err));
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

/* A byte of CMOS has a drive in each half, the first in the upper one; the equipment byte says how many. */
static void drives_define(struct pc_board *board, const struct floppy_config *config)
{
    uint8_t types = 0;
    unsigned count = 0;
    for (unsigned i = 0; i < FLOPPY_DRIVES && config->blocks[i]; i++, count++)
        types |= (uint8_t)(floppy_geometry(config->blocks[i]).drive_type << (i ? 0 : 4));
    cmos_rtc_define(board->cmos, CMOS_DISKETTES, types);
    cmos_rtc_define(board->cmos, CMOS_EQUIPMENT,
                    (uint8_t)(CMOS_EQUIPMENT_USUAL | CMOS_EQUIPMENT_DISKETTES | (count - 1) << 6));
}

bool pc_floppy_add(struct pc_board *board, struct error *err)
{
    struct machine *machine = &board->run->machine;
    struct floppy_config config = {
        .irq = ich9_isa_line(board->lpc, PC_IRQ_FLOPPY), .dma = board->dma, .channel = PC_DMA_FLOPPY};
    unsigned used = 0;
    bool ok = true;
    for (unsigned i = 0; ok && i < board->config->disk_count; i++) {
        const struct disk_config *disk = &board->config->disks[i];
        if (disk->transport != TRANSPORT_FLOPPY)
            continue;
        if (used == FLOPPY_DRIVES)
            ok = error_set(err, ERROR_USAGE, "a PC has %u diskette drives: give fewer --disk with if=floppy",
                           FLOPPY_DRIVES);
        else
            ok = (config.blocks[used++] = block_open(machine, &disk->block, err)) != NULL;
    }
    board->floppies = ok && used;
    if (board->floppies) {
        drives_define(board, &config);
        return floppy_create(machine, &config, err);
    }
    for (unsigned i = 0; i < FLOPPY_DRIVES; i++) {
        if (config.blocks[i])
            block_close(config.blocks[i]);
    }
    return ok;
}
