/* The PC, as it is built: memory, cores, interrupt controllers, the chipset, what is on ISA and on PCI. */
#include "machine/pc.h"

#include <stdlib.h>

#include "devices/char/uart16550.h"
#include "devices/display/vga.h"
#include "devices/input/i8042.h"
#include "devices/misc/debug_exit.h"
#include "devices/misc/debugcon.h"
#include "devices/misc/test_device.h"
#include "machine/pc_board.h"

/* --- memory and cores --- */

bool pc_ram_create(struct pc_board *board, struct error *err)
{
    uint64_t size = board->config->memory;
    if (size > PC_RAM_MAX)
        return error_set(err, ERROR_USAGE,
                         "a PC has at most %llu GiB of memory here: give a smaller --memory",
                         (unsigned long long)(PC_RAM_MAX / GIB));
    board->below_4g = size <= PC_RAM_LOW_MAX ? size : PC_RAM_LOW_SPLIT;
    board->above_4g = size - board->below_4g;
    board->ram = ram_block_create(board->run->machine.mem.ram, "ram", size, err);
    return board->ram;
}

static bool ram_add(struct pc_board *board, struct error *err)
{
    return pc_ram_create(board, err) && (!board->plan.firmware || pc_firmware_add(board, err));
}

static bool cores_add(struct pc_board *board, struct error *err)
{
    const struct machine_config *config = board->config;
    struct cpu_config cpu = {.model = config->cpu_model};
    return machine_vcpus_create(board->run, &x86_64_ops, config->engine, config->cpus, &cpu, err);
}

/* --- the chipset --- */

static bool host_add(struct pc_board *board, struct error *err)
{
    struct q35_host_config config = {.ram = board->ram,
                                     .below_4g = board->below_4g,
                                     .above_4g = board->above_4g,
                                     .rom = board->rom,
                                     .msi = lapic_msi(board->lapic)};
    board->pic = i8259_create(&board->run->machine, pc_intr_line(board), err);
    if (!board->pic)
        return false;
    for (unsigned i = 0; i < Q35_PIRQS; i++)
        config.pirqs[i] = pc_pirq_line(board, i);
    board->host = q35_host_create(&board->run->machine, &config, err);
    if (!board->host)
        return false;
    board->parts.pci = q35_host_bus(board->host);
    return true;
}

static bool lpc_add(struct pc_board *board, struct error *err)
{
    struct ich9_lpc_config config = {
        .bus = board->parts.pci, .smi = pc_smi_line(board), .a20 = pc_a20_line(board)};
    for (unsigned i = 0; i < ARRAY_LEN(config.pic); i++) {
        if (i != 2) /* the cascade */
            config.pic[i] = i8259_line(board->pic, i);
    }
    for (unsigned i = 0; i < ICH9_GSIS; i++)
        config.ioapic[i] = ioapic_line(board->ioapic, i);
    board->lpc = ich9_lpc_create(&board->run->machine, &config, err);
    return board->lpc;
}

static bool dma_add(struct pc_board *board, struct error *err)
{
    board->dma = i8237_create(&board->run->machine, err);
    return board->dma;
}

/* The clock's interrupt, beside its way through the HPET, is an event of the power management. */
static void rtc_set(void *opaque, unsigned number, bool level)
{
    struct pc_board *board = opaque;
    const struct irq_line lines[] = {hpet_clock_line(board->hpet), ich9_rtc_line(board->lpc)};
    (void)number;
    for (unsigned i = 0; i < ARRAY_LEN(lines); i++)
        irq_line_set(&lines[i], level);
}

/* The HPET stands between the old timers and their interrupts, so it comes before them. */
static bool timers_add(struct pc_board *board, struct error *err)
{
    struct machine *machine = &board->run->machine;
    struct hpet_config config = {.base = PC_HPET,
                                 .irq0 = ich9_isa_line(board->lpc, PC_IRQ_TIMER),
                                 .irq8 = ich9_isa_line(board->lpc, PC_IRQ_RTC)};
    for (unsigned i = PC_GSI_PIRQ; i < HPET_PINS; i++)
        config.pins[i] = ich9_gsi_line(board->lpc, i);
    board->hpet = hpet_create(machine, &config, err);
    if (!board->hpet || !(board->pit = i8254_create(machine, hpet_8254_line(board->hpet), err)))
        return false;
    struct cmos_rtc_config rtc = {.epoch = board_epoch(&board->parts),
                                  .irq = {rtc_set, board, 0},
                                  .memory_below_4g = board->below_4g,
                                  .memory_above_4g = board->above_4g,
                                  .processors = board->run->vcpu_count};
    board->cmos = cmos_rtc_create(machine, &rtc, err);
    return board->cmos;
}

/* --- on the ISA bus --- */

static bool keyboard_add(struct pc_board *board, struct error *err)
{
    struct machine *machine = &board->run->machine;
    board->run->input = board->input = input_create();
    struct i8042_config config = {.keyboard_irq = ich9_isa_line(board->lpc, PC_IRQ_KEYBOARD),
                                  .mouse_irq = ich9_isa_line(board->lpc, PC_IRQ_MOUSE),
                                  .a20 = ich9_a20_line(board->lpc),
                                  .keyboard = ps2_keyboard_create(machine, board->input),
                                  .mouse = ps2_mouse_create(machine, board->input)};
    return i8042_create(machine, &config, err);
}

/* The first --serial is COM1, the second COM2, others are virtio consoles. */
static bool uarts_add(struct pc_board *board, struct error *err)
{
    static const struct {
        const char *name;
        uint16_t port;
        enum pc_irq irq;
    } uarts[] = {{"uart0", PC_COM1, PC_IRQ_COM1}, {"uart1", PC_COM2, PC_IRQ_COM2}};
    for (unsigned i = 0; i < ARRAY_LEN(uarts); i++) {
        struct char_port *port = NULL;
        if (i < board->config->serial_count && !board_serial_open(&board->parts, i, &port, err))
            return false;
        if (i == 0)
            board->run->console = port;
        struct uart16550_config config = {.name = uarts[i].name,
                                          .bus = board->ports,
                                          .base = uarts[i].port,
                                          .access_width = 1,
                                          .clock = PC_UART_HZ,
                                          .irq = ich9_isa_line(board->lpc, uarts[i].irq),
                                          .port = port};
        if (!uart16550_create(&board->run->machine, &config, err))
            return false;
    }
    return true;
}

/* What a debug console says is for whoever asked for it with --debugcon. */
static bool debug_ports_add(struct pc_board *board, struct error *err)
{
    struct machine *machine = &board->run->machine;
    struct char_port *port = NULL;
    struct error failure = {0};
    if (board->config->debugcon) {
        port = char_open(machine, "--debugcon", board->config->debugcon, &failure);
        if (!port && failure.kind != ERROR_NONE)
            return error_set(err, failure.kind, "%s", failure.text);
    }
    if (!debugcon_create(machine, port, err))
        return false;
    return !board->config->debug_exit ||
           (debug_exit_create(machine, "debug-exit", DEBUG_EXIT_PORT, err) &&
            debug_exit_create(machine, "debug-exit-f4", DEBUG_EXIT_PORT_OLD, err));
}

static bool test_device_add(struct pc_board *board, struct error *err)
{
    struct irq_line lines[TEST_DEVICE_LINE_COUNT];
    for (unsigned i = 0; i < ARRAY_LEN(lines); i++)
        lines[i] = i < PC_GSI_PIRQ ? ich9_isa_line(board->lpc, i) : ich9_gsi_line(board->lpc, i);
    return !board->config->test_device || test_device_create(&board->run->machine, lines, err);
}

/* --- on PCI --- */

/* Something else, where it was asked for; a VGA otherwise. Its BIOS is for other firmware to run; without
 * firmware nobody asks for it. */
static bool screen_add(struct pc_board *board, struct error *err)
{
    if (board->config->screen != SCREEN_AUTO && board->config->screen != SCREEN_VGA)
        return board_screen_add(&board->parts, NULL, err);
    struct vga_config config = {
        .bus = board->parts.pci, .devfn = pci_devfn(PC_VGA_SLOT, 0), .memory = PC_VGA_MEMORY};
    board->run->display = config.display = board->display = display_create();
    if (board->plan.firmware && !pc_vga_rom_make(board, &config.rom, err))
        return false;
    board->vga = vga_create(&board->run->machine, &config, err);
    board->parts.lacks_tablet = true; /* there is a PS/2 mouse */
    return board->vga;
}

/* --- what run control asks for --- */

static bool board_boot(void *opaque, struct error *err)
{
    return pc_boot(opaque, err);
}

static bool board_sleep(void *opaque)
{
    return pc_sleep(opaque);
}

static bool board_wake(void *opaque, struct error *err)
{
    return pc_wake(opaque, err);
}

static void power_button(void *opaque)
{
    struct pc_board *board = opaque;
    if (board->lpc)
        ich9_power_button(board->lpc);
    else
        button_press(board->power_button);
}

/* The devices are gone: what they stood on can go. */
static void board_destroy(void *opaque)
{
    struct pc_board *board = opaque;
    board_parts_free(&board->parts);
    if (board->input)
        input_destroy(board->input);
    if (board->display)
        display_destroy(board->display);
    bus_destroy(board->ports);
    free(board);
}

struct pc_board *pc_board_create(const struct machine_config *config, struct error *err)
{
    struct machine_run *run = board_run_create(config, err);
    if (!run)
        return NULL;
    struct pc_board *board = machine_alloc(sizeof(*board));
    struct machine_board hooks = {.boot = board_boot,
                                  .sleep = board_sleep,
                                  .wake = board_wake,
                                  .destroy = board_destroy,
                                  .power_button = power_button,
                                  .opaque = board};
    board->run = run;
    board->config = config;
    board->parts = (struct board_parts){.run = run, .config = config};
    run->machine.mem.pio = board->ports = bus_create("ports", &run->machine.lock);
    machine_board_set(run, &hooks);
    return board;
}

/* --- the whole --- */

static bool board_build(struct pc_board *board, struct error *err)
{
    return ram_add(board, err) && cores_add(board, err) && pc_apic_add(board, err) && host_add(board, err) &&
           lpc_add(board, err) && dma_add(board, err) && pc_coprocessor_add(board, err) &&
           timers_add(board, err) && keyboard_add(board, err) && uarts_add(board, err) &&
           debug_ports_add(board, err) && test_device_add(board, err) && screen_add(board, err) &&
           pc_ahci_add(board, err) && pc_ide_add(board, err) && pc_nvme_add(board, err) &&
           pc_floppy_add(board, err) && board_virtio_add(&board->parts, err) &&
           board_usb_add(&board->parts, err) && pc_fw_cfg_add(board, err);
}

struct machine_run *pc_create(const struct machine_config *config, struct error *err)
{
    struct pc_board *board = pc_board_create(config, err);
    if (!board)
        return NULL;
    board->prepare = pc_prepare;
    board->acpi_make = pc_acpi_make;
    board->parts.pc_disks = true;
    board->parts.transitional = true;
    board->parts.first_console = 2;
    return machine_run_built(board->run, pc_plan_make(board, err) && board_build(board, err));
}
