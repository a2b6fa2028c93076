#include "machine/virt_board.h"

#include <stdlib.h>

#include "devices/misc/pflash.h"
#include "machine/semihosting/semihosting.h"

void *virt_board_create(size_t size, const struct virt_kind *kind, const struct machine_config *config,
                        bool minimal, struct machine_board *hooks, struct error *err)
{
    struct machine_run *run = board_run_create(config, err);
    if (!run)
        return NULL;
    struct virt_board *board = hooks->opaque = machine_alloc(size);
    board->kind = kind;
    board->run = run;
    board->config = config;
    board->minimal = minimal;
    board->parts =
        (struct board_parts){.run = run, .config = config, .first_console = 1, .transitional = !minimal};
    machine_board_set(run, hooks);
    return board;
}

void virt_board_free(struct virt_board *board)
{
    board_parts_free(&board->parts);
    free(board);
}

void virt_semihosting_add(struct virt_board *board)
{
    const struct machine_config *config = board->config;
    struct semihosting_config semihosting = {.run = board->run,
                                             .program = config->kernel,
                                             .arguments = config->append,
                                             .epoch = board_epoch(&board->parts)};
    if (config->semihosting)
        board->run->semihosting = semihosting_create(&semihosting);
}

/* The first bank holds code, the second what it remembers. */
bool virt_flash_add(struct virt_board *board, struct error *err)
{
    const struct virt_range *flash = &board->kind->flash;
    const struct virt_plan *plan = &board->plan;
    struct pflash_config code = {.name = "flash0",
                                 .base = flash->base,
                                 .size = flash->size,
                                 .block_size = VIRT_FLASH_BLOCK,
                                 .path = plan->flash ? plan->flash_code : NULL,
                                 .readonly = plan->flash};
    struct pflash_config vars = {.name = "flash1",
                                 .base = flash->base + flash->size,
                                 .size = flash->size,
                                 .block_size = VIRT_FLASH_BLOCK,
                                 .path = plan->flash_vars[0] ? plan->flash_vars : NULL,
                                 .temporary = !plan->flash_vars_kept};
    return pflash_create(&board->run->machine, &code, err) && pflash_create(&board->run->machine, &vars, err);
}

bool virt_fw_cfg_add(struct virt_board *board, struct error *err)
{
    struct fw_cfg_config config = {.bus = board->run->machine.mem.mmio, .base = board->kind->fw_cfg};
    struct fw_cfg *fw_cfg = board->fw_cfg = fw_cfg_create(&board->run->machine, &config, err);
    if (!fw_cfg)
        return false;
    fw_cfg_add_number(fw_cfg, FW_CFG_NB_CPUS, 2, board->run->vcpu_count);
    fw_cfg_add_number(fw_cfg, FW_CFG_MAX_CPUS, 2, board->run->vcpu_count);
    fw_cfg_add_number(fw_cfg, FW_CFG_RAM_SIZE, 8, board->config->memory);
    return !board->plan.flash || !board->config->kernel || board_fw_cfg_kernel(&board->parts, fw_cfg, err);
}

bool virt_pci_add(struct virt_board *board, struct msi_target messages, struct error *err)
{
    const struct virt_kind *kind = board->kind;
    struct pci_host_ecam_config config = {
        .ecam_base = kind->ecam.base,
        .ecam_size = kind->ecam.size,
        .memory = {{kind->pci_low.base, kind->pci_low.size, kind->pci_low.base},
                   {board->pci_high.base, board->pci_high.size, board->pci_high.base}},
        .io = {kind->pci_io.base, kind->pci_io.size, 0},
        .msi = messages,
    };
    for (unsigned i = 0; i < ARRAY_LEN(config.intx); i++)
        config.intx[i] = kind->irq_line(board, kind->pci_irq + i);
    return board_pci_add(&board->parts, &config, err);
}

static struct irq_line slot_line(void *opaque, unsigned slot)
{
    const struct virt_board *board = opaque;
    return board->kind->irq_line(board, board->kind->slot_irq(slot));
}

/* The slots come last: by then it is known what is in them. */
bool virt_devices_add(struct virt_board *board, unsigned count, struct error *err)
{
    struct board_parts *parts = &board->parts;
    struct board_slots slots = {board->kind->slot.base, board->kind->slot.size, count, slot_line, board};
    if (board->minimal)
        return board_minimal_devices_add(parts, &slots, err);
    parts->slot_count = count;
    return board_virtio_add(parts, err) && board_screen_add(parts, board->fw_cfg, err) &&
           board_usb_add(parts, err) && board_slots_add(parts, &slots, err);
}
