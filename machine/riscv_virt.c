/* The riscv64 "virt" board, as it is built: memory, interrupt controllers, devices, firmware. */
#include "machine/riscv_virt.h"

#include <stdlib.h>

#include "base/bits.h"
#include "devices/char/uart16550.h"
#include "devices/irq/aclint.h"
#include "devices/irq/plic.h"
#include "devices/misc/test_finisher.h"
#include "devices/timer/goldfish_rtc.h"
#include "guests/demo_images.h"
#include "machine/riscv_virt_board.h"

/* --- memory and harts --- */

bool riscv_ram_add(struct riscv_board *board, struct error *err)
{
    return machine_memory_map(board->virt.run, "ram", RISCV_RAM, board->virt.config->memory, RAM_MAPPED, err);
}

static bool rom_add(struct riscv_board *board, struct error *err)
{
    board->rom = machine_memory_map(board->virt.run, "rom", RISCV_ROM, RISCV_ROM_SIZE, RAM_READONLY, err);
    return board->rom;
}

/* Tests of the architecture, which have HTIF, expect what the profile says of accessed and dirty bits. */
static const char *model_of(const struct riscv_board *board)
{
    const char *chosen = board->virt.config->cpu_model;
    return chosen || !board->htif.tohost ? chosen : "rva22s64";
}

bool riscv_harts_add(struct riscv_board *board, struct error *err)
{
    const struct machine_config *config = board->virt.config;
    struct cpu_config cpu = {.model = model_of(board),
                             .hypercalls = board->start == RISCV_START_SBI,
                             .semihosting = config->semihosting};
    if (!machine_vcpus_create(board->virt.run, &riscv64_ops, config->engine, config->cpus, &cpu, err))
        return false;
    virt_semihosting_add(&board->virt);
    return true;
}

/* --- interrupts --- */

static bool clint_add(struct riscv_board *board, struct error *err)
{
    unsigned harts = board->virt.run->vcpu_count;
    struct aclint_hart *lines = machine_alloc(harts * sizeof(*lines));
    for (unsigned i = 0; i < harts; i++) {
        lines[i].msip = machine_vcpu_line(board->virt.run, i, RISCV_LINE_MSI);
        lines[i].mtip = machine_vcpu_line(board->virt.run, i, RISCV_LINE_MTI);
    }
    struct aclint_config config = {
        .base = RISCV_CLINT, .frequency = RISCV_TIMEBASE_HZ, .harts = harts, .lines = lines};
    bool ok = aclint_create(&board->virt.run->machine, &config, err);
    free(lines);
    return ok;
}

/* Context 2n is hart n in M-mode, 2n + 1 in S-mode. */
bool riscv_plic_add(struct riscv_board *board, struct error *err)
{
    unsigned contexts = 2 * board->virt.run->vcpu_count;
    struct irq_line *lines = machine_alloc(contexts * sizeof(*lines));
    for (unsigned i = 0; i < contexts; i++)
        lines[i] = machine_vcpu_line(board->virt.run, i / 2, i % 2 ? RISCV_LINE_SEI : RISCV_LINE_MEI);
    struct plic_config config = {.base = RISCV_PLIC,
                                 .size = RISCV_PLIC_SIZE,
                                 .sources = RISCV_IRQ_COUNT,
                                 .max_priority = RISCV_PLIC_PRIORITIES,
                                 .contexts = contexts,
                                 .lines = lines};
    board->plic = plic_create(&board->virt.run->machine, &config, err);
    free(lines);
    return board->plic;
}

/* --- devices on the board --- */

static bool finisher_add(struct riscv_board *board, struct error *err)
{
    struct test_finisher_config config = {.base = RISCV_FINISHER};
    return test_finisher_create(&board->virt.run->machine, &config, err);
}

static bool rtc_add(struct riscv_board *board, struct error *err)
{
    struct goldfish_rtc_config config = {.base = RISCV_RTC,
                                         .epoch = board_epoch(&board->virt.parts),
                                         .irq = plic_line(board->plic, RISCV_IRQ_RTC)};
    return goldfish_rtc_create(&board->virt.run->machine, &config, err);
}

bool riscv_uart_add(struct riscv_board *board, struct error *err)
{
    struct char_port *port;
    if (!board_console_open(&board->virt.parts, &port, err))
        return false;
    board->htif.console = port;
    struct uart16550_config config = {.name = "uart0",
                                      .bus = board->virt.run->machine.mem.mmio,
                                      .base = RISCV_UART,
                                      .size = RISCV_UART_SIZE,
                                      .access_width = 8,
                                      .clock = RISCV_UART_CLOCK,
                                      .irq = plic_line(board->plic, RISCV_IRQ_UART),
                                      .port = port};
    return uart16550_create(&board->virt.run->machine, &config, err);
}

bool riscv_pci_add(struct riscv_board *board, struct error *err)
{
    uint64_t ram_end = RISCV_RAM + board->virt.config->memory;
    board->virt.pci_high = (struct virt_range){align_up(ram_end, RISCV_PCI_HIGH_SIZE), RISCV_PCI_HIGH_SIZE};
    return virt_pci_add(&board->virt, (struct msi_target){0}, err);
}

/* --- what run control asks for --- */

static void board_hypercall(void *opaque, struct vcpu *vcpu)
{
    struct riscv_board *board = opaque;
    sbi_call(board->sbi, vcpu);
}

static bool board_boot(void *opaque, struct error *err)
{
    return riscv_boot(opaque, err);
}

/* The devices are gone: what they stood on can go. */
static void board_destroy(void *opaque)
{
    struct riscv_board *board = opaque;
    sbi_destroy(board->sbi);
    virt_board_free(&board->virt);
}

/* --- this kind of board --- */

static struct irq_line irq_line(const struct virt_board *virt, unsigned irq)
{
    return plic_line(((const struct riscv_board *)virt)->plic, irq);
}

/* The first are where they are elsewhere; the minimal board has more. */
static unsigned slot_irq(unsigned slot)
{
    return slot < RISCV_VIRTIO_SLOTS ? RISCV_IRQ_VIRTIO + slot
                                     : RISCV_IRQ_VIRTIO_MORE + slot - RISCV_VIRTIO_SLOTS;
}

static const struct virt_kind kind = {
    .ram = RISCV_RAM,
    .uart = RISCV_UART,
    .fw_cfg = RISCV_FW_CFG,
    .flash = {RISCV_FLASH, RISCV_FLASH_SIZE},
    .slot = {RISCV_VIRTIO, RISCV_VIRTIO_SIZE},
    .ecam = {RISCV_ECAM, RISCV_ECAM_SIZE},
    .pci_io = {RISCV_PCI_IO, RISCV_PCI_IO_SIZE},
    .pci_low = {RISCV_PCI_LOW, RISCV_PCI_LOW_SIZE},
    .pci_irq = RISCV_IRQ_PCI,
    .irq_line = irq_line,
    .slot_irq = slot_irq,
    .interrupts = &riscv_fdt_interrupts,
    .tree_make = riscv_fdt_make,
    .arch = GUEST_RISCV64,
    .efi = FIRMWARE_EDK2_RISCV64,
    .efi_vars = FIRMWARE_EDK2_RISCV64_VARS,
    .efi_package = "qemu-efi-riscv64",
    .demo = demo_riscv64,
    .demo_size = &demo_riscv64_size,
};

struct riscv_board *riscv_board_create(const struct machine_config *config, bool minimal, struct error *err)
{
    struct machine_board hooks = {.hypercall = board_hypercall, .boot = board_boot, .destroy = board_destroy};
    return virt_board_create(sizeof(struct riscv_board), &kind, config, minimal, &hooks, err);
}

void riscv_sbi_add(struct riscv_board *board)
{
    struct sbi_config sbi = {.run = board->virt.run, .console = RISCV_UART};
    board->sbi = sbi_create(&sbi);
}

/* --- the whole --- */

static bool board_build(struct riscv_board *board, struct error *err)
{
    if (!riscv_ram_add(board, err) || !rom_add(board, err) || !riscv_harts_add(board, err))
        return false;
    if (!finisher_add(board, err) || !clint_add(board, err) || !riscv_plic_add(board, err) ||
        !rtc_add(board, err) || !riscv_uart_add(board, err) || !virt_fw_cfg_add(&board->virt, err) ||
        !virt_flash_add(&board->virt, err) || !riscv_pci_add(board, err) ||
        !virt_devices_add(&board->virt, RISCV_VIRTIO_SLOTS, err))
        return false;
    if (board->start == RISCV_START_SBI)
        riscv_sbi_add(board);
    if (board->htif.tohost)
        htif_create(&board->virt.run->machine, &board->htif);
    return true;
}

struct machine_run *riscv_virt_create(const struct machine_config *config, struct error *err)
{
    struct riscv_board *board = riscv_board_create(config, false, err);
    if (!board)
        return NULL;
    return machine_run_built(board->virt.run, riscv_plan_make(board, err) && board_build(board, err));
}
