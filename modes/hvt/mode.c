/*
 * Mode hvt: a tender for Solo5's unikernels (docs/hvt.md). The board is memory from address 0, one core and
 * the hypercalls; there is no interrupt controller and no timer device.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "host/store.h"
#include "machine/loader/detect.h"
#include "modes/hvt/board.h"
#include "modes/mode.h"

/* At least this much above the program: its stack. */
#define STACK_LEAST (64 * KIB)

/* --- memory --- */

static bool size_set(struct hvt_board *board, struct error *err)
{
    uint64_t asked = board->config->memory;
    board->size = align_down(asked, HVT_MEMORY_UNIT);
    if (board->size == 0)
        board->size = HVT_MEMORY_UNIT;
    if (board->size > HVT_MEMORY_MAX)
        return error_set(err, ERROR_USAGE, "a unikernel has 4 GiB of memory at most: give less");
    if (board->image.end + STACK_LEAST > board->size)
        return error_set(
            err, ERROR_IMAGE, "%s and its stack need %llu MiB of memory, and the machine has %llu",
            board->source.path,
            (unsigned long long)(align_up(board->image.end + STACK_LEAST, HVT_MEMORY_UNIT) / MIB),
            (unsigned long long)(board->size / MIB));
    if (board->size != asked)
        log_warn("memory comes in units of 2 MiB here: the unikernel gets %llu MiB",
                 (unsigned long long)(board->size / MIB));
    return true;
}

/*
 * Memory is shown range by range, so that what the guest may not write is read-only for everybody: for
 * hypercalls, and for a guest with page tables of its own.
 */
static bool memory_add(struct hvt_board *board, struct error *err)
{
    struct ram *ram = board->run->machine.mem.ram;
    uint64_t start = 0, at = HVT_LOAD_BASE;
    bool writable = true, ok = true;
    board->memory = ram_block_create(ram, "ram", board->size, err);
    while (board->memory && ok && start < board->size) {
        uint64_t end = at;
        bool next = at < board->size && hvt_access_at(&board->image, board->size, at, &end).writable;
        if (at == board->size || next != writable) {
            ok = ram_map(ram, board->memory, start, gpa(start), at - start,
                         writable ? RAM_MAPPED : RAM_READONLY, NULL);
            start = at;
            writable = next;
        }
        at = end;
    }
    return board->memory && ok;
}

/* --- what the guest is told --- */

static void manifest_put(const struct hvt_board *board, uint8_t *at)
{
    le32_store(at, HVT_MFT_VERSION);
    le32_store(at + 4, board->image.device_count);
    at += HVT_MFT_HEADER;
    for (unsigned i = 0; i < board->image.device_count; i++, at += HVT_MFT_ENTRY) {
        const struct hvt_attached *device = &board->devices[i];
        memcpy(at, board->image.devices[i].name, HVT_MFT_NAME_SIZE);
        le32_store(at + HVT_MFT_TYPE, board->image.devices[i].type);
        at[HVT_MFT_ATTACHED] = device->attached;
        if (device->block) {
            le64_store(at + HVT_MFT_CAPACITY, block_size(device->block));
            le16_store(at + HVT_MFT_BLOCK_SIZE, (uint16_t)device->sector_size);
        } else if (device->attached) {
            memcpy(at + HVT_MFT_MAC, device->mac, HVT_MAC_SIZE);
            le16_store(at + HVT_MFT_MTU, device->mtu);
        }
    }
}

/* What follows the structure on its page reads as zero, should a later ABI have more fields. */
static void boot_info_put(const struct hvt_board *board, uint8_t *memory)
{
    uint8_t *info = memory + HVT_BOOT_INFO;
    const char *cmdline = board->config->append ? board->config->append : "";
    le64_store(info + HVT_BOOT_MEMORY, board->size);
    le64_store(info + HVT_BOOT_END, board->image.end);
    le64_store(info + HVT_BOOT_CYCLES, board->arch->cycles(board->run->vcpus[0]));
    le64_store(info + HVT_BOOT_CMDLINE, HVT_CMDLINE);
    le64_store(info + HVT_BOOT_MANIFEST, HVT_MANIFEST);
    manifest_put(board, memory + HVT_MANIFEST);
    memcpy(memory + HVT_CMDLINE, cmdline, strlen(cmdline) + 1); /* its length was checked */
}

static bool boot(void *opaque, struct error *err)
{
    struct hvt_board *board = opaque;
    uint8_t *memory = ram_block_host(board->memory);
    if (board->booted)
        ram_discard(board->run->machine.mem.ram, gpa(0), board->size);
    board->booted = true;
    board->halted = false;
    if (!hvt_image_load(&board->image, &board->source, memory, err))
        return false;
    boot_info_put(board, memory);
    board->arch->start(board->run, &(struct hvt_start){&board->image, memory, board->size});
    ram_block_written(board->memory, 0, board->image.end);
    return true;
}

/* --- the board --- */

static void firmware_call(void *opaque, struct vcpu *vcpu)
{
    struct hvt_board *board = opaque;
    log_guest("a unikernel has no firmware to call");
    board->arch->call_refuse(vcpu);
}

static void halted(void *opaque, struct vcpu *vcpu)
{
    struct hvt_board *board = opaque;
    (void)vcpu;
    if (!board->arch->wakes)
        hvt_guest_bad(board, "it halted its processor, which nothing can wake");
}

static void console_writable(void *opaque)
{
    struct hvt_board *board = opaque;
    __atomic_store_n(&board->console_full, false, __ATOMIC_SEQ_CST);
    vcpu_kick(board->run->vcpus[0]);
}

static bool console_open(struct hvt_board *board, struct error *err)
{
    struct error none = {0};
    if (!board->config->serial_count)
        return true;
    board->console = char_open(&board->run->machine, "--serial", board->config->serials[0], &none);
    if (none.kind != ERROR_NONE)
        return error_set(err, none.kind, "%s", none.text);
    char_attach(board->console, &(struct char_handlers){.writable = console_writable, .opaque = board});
    board->run->console = board->console;
    return true;
}

static void destroy(void *opaque)
{
    struct hvt_board *board = opaque;
    hvt_devices_close(board);
    char_close(board->console);
    if (board->opened)
        source_close(&board->source);
    if (board->run->machine.mem.pio)
        bus_destroy(board->run->machine.mem.pio);
    free(board);
}

static const struct hvt_arch *const arches[GUEST_ARCH_COUNT] = {
    [GUEST_X86_64] = &hvt_x86_64,
    [GUEST_AARCH64] = &hvt_aarch64,
    [GUEST_RISCV64] = &hvt_riscv64,
};

static bool core_add(struct hvt_board *board, struct error *err)
{
    const struct machine_config *config = board->config;
    struct cpu_config cpu = {.model = config->cpu_model, .hypercalls = board->arch->hypercalls};
    if (!machine_vcpus_create(board->run, board->arch->ops, config->engine, 1, &cpu, err))
        return false;
    if (board->arch->connect)
        board->arch->connect(board->run);
    return true;
}

static bool hvt_init(const struct machine_config *config, struct error *err)
{
    if (config->append && strlen(config->append) >= HVT_CMDLINE_SIZE)
        return error_set(err, ERROR_USAGE, "a unikernel's arguments have %u bytes at most",
                         HVT_CMDLINE_SIZE - 1);
    return !config->hvt_dumpcore || host_folder_check(config->hvt_dumpcore, err) ||
           error_prefix(err, "no core could be dumped");
}

/* The file stays open: a reset reads it again. */
static bool image_open(struct hvt_board *board, struct error *err)
{
    const struct machine_config *config = board->config;
    board->opened = source_file_open(&board->source, config->kernel, config->progress, err);
    if (!board->opened)
        return false;
    if (!hvt_image_read(&board->image, &board->source, err))
        return false;
    board->arch = arches[config->arch];
    return board->image.arch == config->arch ||
           error_set(err, ERROR_IMAGE, "%s is a unikernel for %s, and --arch says %s", config->kernel,
                     guest_arch_name(board->image.arch), guest_arch_name(config->arch));
}

static bool build(struct hvt_board *board, struct error *err)
{
    return image_open(board, err) && size_set(board, err) && memory_add(board, err) && core_add(board, err) &&
           hvt_calls_add(board, err) && hvt_devices_open(board, err) && console_open(board, err);
}

static struct machine_run *hvt_create(const struct machine_config *config, struct error *err)
{
    const struct run_config run_config = {
        .deterministic = config->deterministic, .paused = config->paused, .timeout_ns = config->timeout_ns};
    struct machine_run *run = machine_run_create(&run_config, err);
    if (!run)
        return NULL;
    struct hvt_board *board = machine_alloc(sizeof(*board));
    *board = (struct hvt_board){.run = run, .config = config};
    const struct machine_board hooks = {
        .hypercall = firmware_call, .boot = boot, .halted = halted, .destroy = destroy, .opaque = board};
    machine_board_set(run, &hooks);
    return machine_run_built(run, build(board, err));
}

const struct mode hvt_mode = {
    .name = "hvt",
    .can = {.arches = MODE_EVERY_ARCH, .cpus_max = 1, .kernel_needed = true, .manifest = true},
    .init = hvt_init,
    .create = hvt_create,
};
