/* The riscv64 "virt" board, as it is built: memory, interrupt controllers, devices, firmware. */
#include "machine/riscv_virt.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "devices/char/uart16550.h"
#include "devices/irq/aclint.h"
#include "devices/irq/plic.h"
#include "devices/misc/fw_cfg.h"
#include "devices/misc/pflash.h"
#include "devices/misc/test_finisher.h"
#include "devices/net/net.h"
#include "devices/timer/goldfish_rtc.h"
#include "devices/virtio/virtio_blk.h"
#include "devices/virtio/virtio_console.h"
#include "devices/virtio/virtio_mmio.h"
#include "devices/virtio/virtio_net.h"
#include "devices/virtio/virtio_pci.h"
#include "devices/virtio/virtio_rng.h"
#include "host/clock.h"
#include "machine/riscv_virt_board.h"

/* The date of a deterministic machine: 2025-01-01 00:00 UTC. */
#define FIXED_EPOCH_NS (1735689600ull * 1000000000ull)

/* Memory that lives as long as the board. */
static void *board_memory(struct virt_board *board, size_t size)
{
    struct virt_memory *memory = machine_alloc(sizeof(*memory) + size);
    memory->next = board->memory;
    board->memory = memory;
    return memory->bytes;
}

#define NAME_SIZE 40

static const char *board_name(struct virt_board *board, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static const char *board_name(struct virt_board *board, const char *fmt, ...)
{
    char *name = board_memory(board, NAME_SIZE);
    va_list args;
    va_start(args, fmt);
    vsnprintf(name, NAME_SIZE, fmt, args);
    va_end(args);
    return name;
}

/* --- memory --- */

static bool ram_add(struct virt_board *board, struct error *err)
{
    struct ram *ram = board->run->machine.mem.ram;
    uint64_t size = board->config->memory;
    struct ram_block *block = ram_block_create(ram, "ram", size, err);
    unsigned id;
    board->rom = block ? ram_block_create(ram, "rom", VIRT_ROM_SIZE, err) : NULL;
    if (!board->rom)
        return false;
    return ram_map(ram, block, 0, gpa(VIRT_RAM), size, RAM_MAPPED, &id) &&
           ram_map(ram, board->rom, 0, gpa(VIRT_ROM), VIRT_ROM_SIZE, RAM_READONLY, &id);
}

/* --- interrupts --- */

static void hart_line_set(void *opaque, unsigned number, bool level)
{
    struct vcpu *vcpu = opaque;
    vcpu->ops->irq_set(vcpu, number, level);
}

static struct irq_line hart_line(const struct virt_board *board, unsigned hart, enum riscv_line line)
{
    return (struct irq_line){hart_line_set, board->run->vcpus[hart], line};
}

static bool clint_add(struct virt_board *board, struct error *err)
{
    unsigned harts = board->run->vcpu_count;
    struct aclint_hart *lines = machine_alloc(harts * sizeof(*lines));
    for (unsigned i = 0; i < harts; i++) {
        lines[i].msip = hart_line(board, i, RISCV_LINE_MSI);
        lines[i].mtip = hart_line(board, i, RISCV_LINE_MTI);
    }
    struct aclint_config config = {
        .base = VIRT_CLINT, .frequency = RISCV_TIMEBASE_HZ, .harts = harts, .lines = lines};
    bool ok = aclint_create(&board->run->machine, &config, err);
    free(lines);
    return ok;
}

/* Context 2n is hart n in M-mode, 2n + 1 in S-mode. */
static bool plic_add(struct virt_board *board, struct error *err)
{
    unsigned contexts = 2 * board->run->vcpu_count;
    struct irq_line *lines = machine_alloc(contexts * sizeof(*lines));
    for (unsigned i = 0; i < contexts; i++)
        lines[i] = hart_line(board, i / 2, i % 2 ? RISCV_LINE_SEI : RISCV_LINE_MEI);
    struct plic_config config = {.base = VIRT_PLIC,
                                 .size = VIRT_PLIC_SIZE,
                                 .sources = VIRT_IRQ_COUNT,
                                 .max_priority = VIRT_PLIC_PRIORITIES,
                                 .contexts = contexts,
                                 .lines = lines};
    board->plic = plic_create(&board->run->machine, &config, err);
    free(lines);
    return board->plic;
}

/* --- devices on the board --- */

static bool finisher_add(struct virt_board *board, struct error *err)
{
    struct test_finisher_config config = {.base = VIRT_FINISHER};
    return test_finisher_create(&board->run->machine, &config, err);
}

static bool rtc_add(struct virt_board *board, struct error *err)
{
    struct goldfish_rtc_config config = {.base = VIRT_RTC,
                                         .epoch =
                                             board->config->deterministic ? FIXED_EPOCH_NS : host_wall_ns(),
                                         .irq = plic_line(board->plic, VIRT_IRQ_RTC)};
    return goldfish_rtc_create(&board->run->machine, &config, err);
}

/* The port of the n-th --serial. *none: it was asked that there be none. */
static bool serial_open(struct virt_board *board, unsigned n, struct char_port **port, struct error *err)
{
    struct error failure = {0};
    *port = char_open(&board->run->machine, board->config->serials[n], &failure);
    if (!*port && failure.kind != ERROR_NONE)
        return error_set(err, failure.kind, "%s", failure.text);
    return true;
}

static bool uart_add(struct virt_board *board, struct error *err)
{
    struct char_port *port = NULL;
    if (board->config->serial_count && !serial_open(board, 0, &port, err))
        return false;
    board->run->console = port;
    struct uart16550_config config = {.name = "uart0",
                                      .bus = board->run->machine.mem.mmio,
                                      .base = VIRT_UART,
                                      .size = VIRT_UART_SIZE,
                                      .access_width = 8,
                                      .clock = VIRT_UART_CLOCK,
                                      .irq = plic_line(board->plic, VIRT_IRQ_UART),
                                      .port = port};
    return uart16550_create(&board->run->machine, &config, err);
}

/* A file as two items, its size and its bytes. */
static bool fw_cfg_file(struct virt_board *board, struct fw_cfg *fw_cfg, const char *path, uint16_t size_item,
                        uint16_t data_item, struct error *err)
{
    struct source source;
    if (!source_open(&source, path, board->config->progress, err))
        return false;
    uint8_t *bytes = source.size <= SOURCE_UNPACKED_MAX ? board_memory(board, source.size) : NULL;
    bool ok = bytes ? source_read(&source, 0, bytes, source.size, err)
                    : error_set(err, ERROR_IMAGE, "%s is too large", path);
    if (ok) {
        fw_cfg_add_number(fw_cfg, size_item, 4, source.size);
        fw_cfg_add_item_borrowed(fw_cfg, data_item, bytes, source.size);
    }
    source_close(&source);
    return ok;
}

/* A kernel that EFI firmware starts is handed to it this way. */
static bool fw_cfg_kernel(struct virt_board *board, struct fw_cfg *fw_cfg, struct error *err)
{
    const struct machine_config *config = board->config;
    const char *append = config->append ? config->append : "";
    if (!fw_cfg_file(board, fw_cfg, config->kernel, FW_CFG_KERNEL_SIZE, FW_CFG_KERNEL_DATA, err))
        return false;
    fw_cfg_add_number(fw_cfg, FW_CFG_CMDLINE_SIZE, 4, strlen(append) + 1);
    fw_cfg_add_item(fw_cfg, FW_CFG_CMDLINE_DATA, append, strlen(append) + 1);
    return !config->initrd ||
           fw_cfg_file(board, fw_cfg, config->initrd, FW_CFG_INITRD_SIZE, FW_CFG_INITRD_DATA, err);
}

static bool fw_cfg_add(struct virt_board *board, struct error *err)
{
    struct fw_cfg_config config = {.bus = board->run->machine.mem.mmio, .base = VIRT_FW_CFG};
    struct fw_cfg *fw_cfg = fw_cfg_create(&board->run->machine, &config, err);
    if (!fw_cfg)
        return false;
    fw_cfg_add_number(fw_cfg, FW_CFG_NB_CPUS, 2, board->run->vcpu_count);
    fw_cfg_add_number(fw_cfg, FW_CFG_MAX_CPUS, 2, board->run->vcpu_count);
    fw_cfg_add_number(fw_cfg, FW_CFG_RAM_SIZE, 8, board->config->memory);
    return !board->plan.flash || !board->config->kernel || fw_cfg_kernel(board, fw_cfg, err);
}

/* The first bank holds code, the second what it remembers. */
static bool flash_add(struct virt_board *board, struct error *err)
{
    const struct virt_plan *plan = &board->plan;
    struct pflash_config code = {.name = "flash0",
                                 .base = VIRT_FLASH,
                                 .size = VIRT_FLASH_SIZE,
                                 .block_size = VIRT_FLASH_BLOCK,
                                 .path = plan->flash ? plan->flash_code : NULL,
                                 .readonly = plan->flash};
    struct pflash_config vars = {.name = "flash1",
                                 .base = VIRT_FLASH + VIRT_FLASH_SIZE,
                                 .size = VIRT_FLASH_SIZE,
                                 .block_size = VIRT_FLASH_BLOCK,
                                 .path = plan->flash_vars[0] ? plan->flash_vars : NULL,
                                 .temporary = !plan->flash_vars_kept};
    return pflash_create(&board->run->machine, &code, err) && pflash_create(&board->run->machine, &vars, err);
}

static bool pci_add(struct virt_board *board, struct error *err)
{
    uint64_t ram_end = VIRT_RAM + board->config->memory;
    board->pci_high = align_up(ram_end, VIRT_PCI_HIGH_SIZE);
    struct pci_host_ecam_config config = {
        .name = "pci0",
        .ecam_base = VIRT_ECAM,
        .ecam_size = VIRT_ECAM_SIZE,
        .memory = {{VIRT_PCI_LOW, VIRT_PCI_LOW_SIZE, VIRT_PCI_LOW},
                   {board->pci_high, VIRT_PCI_HIGH_SIZE, board->pci_high}},
        .io = {VIRT_PCI_IO, VIRT_PCI_IO_SIZE, 0},
    };
    for (unsigned i = 0; i < ARRAY_LEN(config.intx); i++)
        config.intx[i] = plic_line(board->plic, VIRT_IRQ_PCI + i);
    board->pci = pci_host_ecam_create(&board->run->machine, &config, err);
    return board->pci;
}

/* --- virtio devices --- */

static bool virtio_attach(struct virt_board *board, struct virtio_device *device,
                          enum device_transport transport, struct error *err)
{
    if (transport == TRANSPORT_PCI) {
        struct virtio_pci_config config = {.name = board_name(board, "%s-pci", device->name),
                                           .bus = pci_host_ecam_bus(board->pci),
                                           .devfn = PCI_DEVFN_ANY,
                                           .device = device};
        return virtio_pci_create(&board->run->machine, &config, err);
    }
    if (board->mmio_used == VIRT_VIRTIO_SLOTS)
        return error_set(err, ERROR_USAGE,
                         "this board has %u virtio-mmio slots: use if=virtio for more disks",
                         VIRT_VIRTIO_SLOTS);
    board->mmio_devices[board->mmio_used++] = device;
    return true;
}

static bool disks_add(struct virt_board *board, struct error *err)
{
    const struct machine_config *config = board->config;
    board->disks = machine_alloc(config->disk_count * sizeof(*board->disks) + 1);
    for (unsigned i = 0; i < config->disk_count; i++) {
        struct block *block = board->disks[i] =
            block_open(&board->run->machine, &config->disks[i].block, err);
        if (!block)
            return false;
        struct virtio_blk_config disk = {.name = board_name(board, "disk%u", i), .block = block};
        struct virtio_device *device = virtio_blk_create(&board->run->machine, &disk);
        if (!virtio_attach(board, device, config->disks[i].transport, err))
            return false;
    }
    return true;
}

/* Cards get addresses that are nobody's (locally administered), one after the other. */
static bool nets_add(struct virt_board *board, struct error *err)
{
    const struct machine_config *config = board->config;
    board->nets = machine_alloc(config->net_count * sizeof(*board->nets) + 1);
    for (unsigned i = 0; i < config->net_count; i++) {
        struct error failure = {0};
        board->nets[i] = net_open(&board->run->machine, config->nets[i], &failure);
        if (!board->nets[i] && failure.kind != ERROR_NONE)
            return error_set(err, failure.kind, "%s", failure.text);
        struct virtio_net_config net = {.name = board_name(board, "net%u", i),
                                        .port = board->nets[i],
                                        .mac = {0x52, 0x54, 0x00, 0x12, 0x34, (uint8_t)(0x56 + i)}};
        struct virtio_device *device = virtio_net_create(&board->run->machine, &net);
        if (!virtio_attach(board, device, TRANSPORT_PCI, err))
            return false;
    }
    return true;
}

static bool consoles_add(struct virt_board *board, struct error *err)
{
    for (unsigned i = 1; i < board->config->serial_count; i++) {
        struct char_port *port;
        if (!serial_open(board, i, &port, err))
            return false;
        struct virtio_console_config console = {.name = board_name(board, "console%u", i - 1), .port = port};
        struct virtio_device *device = virtio_console_create(&board->run->machine, &console);
        if (!virtio_attach(board, device, TRANSPORT_PCI, err))
            return false;
    }
    return true;
}

/* Random numbers of the host would make every run another one. */
static bool rng_add(struct virt_board *board, struct error *err)
{
    return board->config->deterministic ||
           virtio_attach(board, virtio_rng_create(&board->run->machine, "rng0"), TRANSPORT_PCI, err);
}

/* The slots come last: by now it is known what is in them. */
static bool slots_add(struct virt_board *board, struct error *err)
{
    for (unsigned i = 0; i < VIRT_VIRTIO_SLOTS; i++) {
        struct virtio_mmio_config config = {.name = board_name(board, "virtio-mmio%u", i),
                                            .base = gpa(VIRT_VIRTIO + i * VIRT_VIRTIO_SIZE),
                                            .size = VIRT_VIRTIO_SIZE,
                                            .irq = plic_line(board->plic, VIRT_IRQ_VIRTIO + i),
                                            .device = board->mmio_devices[i]};
        if (!virtio_mmio_create(&board->run->machine, &config, err))
            return false;
    }
    return true;
}

/* --- the whole --- */

static bool harts_add(struct virt_board *board, struct error *err)
{
    const struct machine_config *config = board->config;
    struct cpu_config cpu = {.model = config->cpu_model, .hypercalls = board->plan.start == VIRT_START_SBI};
    return machine_vcpus_create(board->run, &riscv64_ops, config->engine, config->cpus, &cpu, err);
}

static bool board_build(struct virt_board *board, struct error *err)
{
    if (!ram_add(board, err) || !harts_add(board, err))
        return false;
    if (!finisher_add(board, err) || !clint_add(board, err) || !plic_add(board, err) ||
        !rtc_add(board, err) || !uart_add(board, err) || !fw_cfg_add(board, err) || !flash_add(board, err) ||
        !pci_add(board, err))
        return false;
    if (!disks_add(board, err) || !nets_add(board, err) || !consoles_add(board, err) ||
        !rng_add(board, err) || !slots_add(board, err))
        return false;
    if (board->plan.start == VIRT_START_SBI) {
        struct sbi_config sbi = {.run = board->run, .console = VIRT_UART};
        board->sbi = sbi_create(&sbi);
    }
    return true;
}

static void board_hypercall(void *opaque, struct vcpu *vcpu)
{
    struct virt_board *board = opaque;
    sbi_call(board->sbi, vcpu);
}

static bool board_boot(void *opaque, struct error *err)
{
    return virt_boot(opaque, err);
}

/* The devices are gone: what they stood on can go. */
static void board_destroy(void *opaque)
{
    struct virt_board *board = opaque;
    for (unsigned i = 0; board->disks && i < board->config->disk_count; i++) {
        if (board->disks[i])
            block_close(board->disks[i]);
    }
    for (unsigned i = 0; board->nets && i < board->config->net_count; i++) {
        if (board->nets[i])
            net_close(board->nets[i]);
    }
    while (board->memory) {
        struct virt_memory *memory = board->memory;
        board->memory = memory->next;
        free(memory);
    }
    sbi_destroy(board->sbi);
    free(board->disks);
    free(board->nets);
    free(board);
}

struct machine_run *riscv_virt_create(const struct machine_config *config, struct error *err)
{
    struct run_config run_config = {
        .deterministic = config->deterministic, .paused = config->paused, .timeout_ns = config->timeout_ns};
    struct machine_run *run = machine_run_create(&run_config, err);
    if (!run)
        return NULL;
    struct virt_board *board = machine_alloc(sizeof(*board));
    struct machine_board hooks = {board_hypercall, board_boot, board_destroy, board};
    board->run = run;
    board->config = config;
    machine_board_set(run, &hooks);
    if (virt_plan_make(board, err) && board_build(board, err))
        return run;
    machine_run_destroy(run);
    return NULL;
}
