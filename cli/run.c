/* vm-cli run: from options to a machine, and to its exit status. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accel/accel.h"
#include "base/bits.h"
#include "base/log.h"
#include "cli/automation.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/debugging.h"
#include "cli/disks.h"
#include "cli/display.h"
#include "cli/help.h"
#include "cli/hvt_resources.h"
#include "cli/options.h"
#include "cli/parse.h"
#include "cli/ports.h"
#include "cli/report.h"
#include "cli/run.h"
#include "cli/run_iso.h"
#include "cli/sandboxing.h"
#include "cli/signature.h"
#include "debug/trace.h"
#include "devices/clipboard/vdagent.h"
#include "devices/storage/floppy.h"
#include "host/file.h"
#include "host/memory.h"
#include "host/signal.h"
#include "machine/loader/compress.h"
#include "machine/loader/detect.h"
#include "modes/mode.h"

#define MEMORY_DEFAULT GIB
#define MEMORY_LEAST   MIB

/* The options as a machine's configuration, and what that points to. */
struct run {
    struct run_options options;
    struct machine_config config;
    struct disk_config disks[DISKS_MAX];
    struct port_config ports[VIRTIO_CONSOLE_PORTS_MAX];
    struct hvt_resource resources[HVT_RESOURCES_MAX];
    struct image_info image; /* the kernel's; IMAGE_UNKNOWN without one */
    const char *boot_disk;   /* it was a disk, and is started as one; else NULL */
    bool boot_diskette;      /* a small one */
    struct error passed_by;  /* an engine that --accel auto did not take */
    const struct mode *mode;
    struct display_choice display;
    bool sandbox;
};

/* --- single options --- */

static const struct {
    const char *name;
    enum guest_arch arch;
} arch_names[] = {
    {"riscv64", GUEST_RISCV64}, {"x86_64", GUEST_X86_64},   {"x8664", GUEST_X86_64},
    {"amd64", GUEST_X86_64},    {"aarch64", GUEST_AARCH64}, {"arm64", GUEST_AARCH64},
};

static bool arch_by_name(const char *name, enum guest_arch *arch, struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(arch_names); i++) {
        if (strcmp(name, arch_names[i].name) == 0) {
            *arch = arch_names[i].arch;
            return true;
        }
    }
    return error_set(err, ERROR_USAGE, "--arch %s is not known: use riscv64, x86_64 or aarch64", name);
}

/* What is looked at of a packed kernel. */
#define PACKED_LOOK (64 * KIB)

/* What the kernel is, or what is packed in it; without one, nothing is known. */
static bool kernel_look(struct run *run, struct image_info *info, struct error *err)
{
    struct source source;
    const char *path = run->options.kernel;
    *info = (struct image_info){.kind = IMAGE_UNKNOWN};
    if (!path)
        return true;
    if (!source_open(&source, path, NULL, err))
        return false;
    bool ok = image_detect(&source, info, err);
    if (ok && (info->kind == IMAGE_DISK || info->kind == IMAGE_QCOW2)) {
        run->boot_disk = path;
        run->boot_diskette = info->kind == IMAGE_DISK && source.size <= FLOPPY_MAX;
        run->options.kernel = NULL;
    } else if (ok && (info->kind == IMAGE_GZIP || info->kind == IMAGE_ZSTD)) {
        ok = source_start_unpack(&source, PACKED_LOOK, err) && image_detect(&source, info, err);
    }
    source_close(&source);
    return ok && (info->kind != IMAGE_ISO || iso_start(&run->options, info, err));
}

/* Without --arch, what the kernel says; and that the two agree. */
static bool arch_set(struct run *run, struct error *err)
{
    const struct run_options *options = &run->options;
    run->config.arch = GUEST_RISCV64;
    if (!kernel_look(run, &run->image, err))
        return false;
    const struct image_info info = run->image;
    if (info.arch_known)
        run->config.arch = info.arch;
    if (options->arch && !arch_by_name(options->arch, &run->config.arch, err))
        return false;
    if (info.arch_known && info.arch != run->config.arch)
        return error_set(err, ERROR_IMAGE, "%s is for %s (%s), and --arch says %s", options->kernel,
                         guest_arch_name(info.arch), image_kind_name(info.kind),
                         guest_arch_name(run->config.arch));
    return true;
}

static bool memory_set(struct run *run, struct error *err)
{
    char asked[32], host[32];
    uint64_t memory = run->options.memory ? run->options.memory : MEMORY_DEFAULT;
    uint64_t total = host_memory_total();
    format_size(memory, asked, sizeof(asked));
    format_size(total, host, sizeof(host));
    run->config.memory = memory;
    if (memory < MEMORY_LEAST)
        return error_set(err, ERROR_USAGE, "%s of memory are too little for a machine: give at least 1M",
                         asked);
    if (memory % PAGE_SIZE)
        return error_set(err, ERROR_USAGE, "memory comes in pages of 4 KiB: %s is no multiple of that",
                         asked);
    if (memory > total)
        return error_set(err, ERROR_USAGE,
                         "%s of memory are more than this host has (%s): give a smaller --memory", asked,
                         host);
    return true;
}

static bool screen_set(struct machine_config *config, const char *name, struct error *err)
{
    static const char *const names[] = {[SCREEN_AUTO] = "auto",
                                        [SCREEN_NONE] = "none",
                                        [SCREEN_VIRTIO] = "virtio",
                                        [SCREEN_RAMFB] = "ramfb",
                                        [SCREEN_VGA] = "vga"};
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        config->screen = (enum screen_kind)i;
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return error_set(err, ERROR_USAGE,
                     "--machine display=%s is not known: use auto, virtio, ramfb, vga or none", name);
}

/* --machine KEY=VALUE,...: what a board lets one choose. */
static bool machine_option_set(struct run *run, const char *option, struct error *err)
{
    struct machine_config *config = &run->config;
    unsigned value = (unsigned)(option[strlen(option) - 1] - '0');
    bool gic = strcmp(option, "gic-version=2") == 0 || strcmp(option, "gic-version=3") == 0;
    bool slots = strcmp(option, "virtio-mmio=1") == 0 || strcmp(option, "virtio-mmio=2") == 0;
    if (strncmp(option, "display=", 8) == 0)
        return screen_set(config, option + 8, err);
    if (!gic && !slots)
        return error_set(err, ERROR_USAGE,
                         "--machine knows display=auto|virtio|ramfb|vga|none, gic-version=2|3 and "
                         "virtio-mmio=1|2, not %s",
                         option);
    if (gic)
        config->gic_version = value;
    else
        config->virtio_legacy = value == 1;
    return config->arch == GUEST_AARCH64 || (slots && config->arch == GUEST_RISCV64) ||
           error_set(err, ERROR_USAGE, "--machine %s is for aarch64%s, and this machine is for %s", option,
                     slots ? " and riscv64" : "", guest_arch_name(config->arch));
}

static bool machine_options_set(struct run *run, struct error *err)
{
    char *rest = run->options.machine ? strdup(run->options.machine) : NULL, *copy = rest;
    bool ok = true;
    for (char *part; ok && rest && (part = parse_part(&rest)) != NULL;)
        ok = machine_option_set(run, part, err);
    free(copy);
    return ok;
}

/* A device that other boards don't have would be waited for in vain. */
static bool test_devices_set(struct run *run, struct error *err)
{
    run->config.debug_exit = run->options.debug_exit;
    run->config.test_device = run->options.test_device;
    if (run->config.arch == GUEST_X86_64 || !(run->options.debug_exit || run->options.test_device))
        return true;
    return error_set(err, ERROR_USAGE, "%s is for x86_64, and this machine is a %s",
                     run->options.debug_exit ? "--debug-exit" : "--test-device",
                     guest_arch_name(run->config.arch));
}

/* Only the interpreter sees the instructions that ask for it. */
static bool semihosting_set(struct run *run, struct error *err)
{
    run->config.semihosting = run->options.semihosting;
    if (run->options.semihosting && run->config.arch == GUEST_X86_64)
        return error_set(err, ERROR_USAGE,
                         "--semihosting is for aarch64 and riscv64, and this machine is a %s",
                         guest_arch_name(run->config.arch));
    return !run->options.semihosting || run->config.engine == &interpreter_engine ||
           error_set(err, ERROR_USAGE, "--semihosting needs the interpreter: add --accel interp");
}

/* The model "host" is the host's processor, which only an engine that uses it has. */
static bool engine_set(struct run *run, struct error *err)
{
    const struct run_options *options = &run->options;
    const struct engine *engine = accel_choose(options->accel, cpu_ops_find(run->config.arch),
                                               options->deterministic, &run->passed_by, err);
    run->config.engine = engine;
    if (!engine)
        return false;
    bool host = options->cpu && strncmp(options->cpu, "host", 4) == 0 && strchr(",", options->cpu[4]);
    return !host || engine != &interpreter_engine ||
           error_set(err, ERROR_USAGE,
                     "--cpu host needs the host's own processor: use --accel kvm, or --cpu max");
}

/* Before the disks, which may leave it to this. */
static bool transport_set(struct run *run, struct error *err)
{
    const char *name = run->options.transport;
    if (!name)
        return true;
    run->config.transport_chosen = true;
    run->config.transport = strcmp(name, "mmio") == 0 ? TRANSPORT_MMIO : TRANSPORT_PCI;
    if (strcmp(name, "mmio") == 0 || strcmp(name, "pci") == 0)
        return true;
    return error_set(err, ERROR_USAGE, "there is no transport %s for virtio devices: use pci or mmio", name);
}

static void firmware_set(struct run *run)
{
    const char *choice = run->options.firmware ? run->options.firmware : "auto";
    struct machine_config *config = &run->config;
    if (strcmp(choice, "auto") == 0) {
        config->firmware = FIRMWARE_AUTO;
    } else if (strcmp(choice, "builtin") == 0) {
        config->firmware = FIRMWARE_BUILTIN;
    } else if (strcmp(choice, "none") == 0) {
        config->firmware = FIRMWARE_NONE;
    } else {
        config->firmware = FIRMWARE_FILE;
        config->firmware_file = choice;
    }
}

/* A disk that was given as the kernel comes first: on a PC the old way, as the system on it may be old. */
static void boot_disk_add(struct run *run)
{
    bool pc = run->config.arch == GUEST_X86_64;
    run->disks[run->config.disk_count++] =
        (struct disk_config){.block = {.path = run->boot_disk},
                             .transport = !pc                  ? TRANSPORT_PCI
                                          : run->boot_diskette ? TRANSPORT_FLOPPY
                                                               : TRANSPORT_AHCI};
}

static bool disks_set(struct run *run, struct error *err)
{
    if (run->boot_disk)
        boot_disk_add(run);
    return disks_parse(&run->options, &run->config, run->disks, err);
}

/* --- the whole --- */

/* A machine has a network card and a serial port when nothing is said about them. */
static void lists_set(struct run *run)
{
    static const char *const default_net = HAVE_SLIRP ? "user" : "none";
    static const char *const default_serial = "stdio";
    run->config.nets = run->options.nets.count ? run->options.nets.items : &default_net;
    run->config.net_count = run->options.nets.count ? run->options.nets.count : run->mode->can.nets ? 1 : 0;
    run->config.serials = run->options.serials.count ? run->options.serials.items : &default_serial;
    run->config.serial_count = run->options.serials.count ? run->options.serials.count : 1;
}

/* This machine's, else this user's, else what suits the image. */
static bool mode_set(struct run *run, struct error *err)
{
    const char *usual = getenv("TRIARCH_MODE");
    const char *name = run->options.mode ? run->options.mode : usual && *usual ? usual : "auto";
    run->mode = mode_find(name, &run->config, &run->image, err);
    return run->mode;
}

/* After the mode, as some have no port for it. */
static bool clipboard_set(struct run *run, struct error *err)
{
    const struct run_options *options = &run->options;
    struct machine_config *config = &run->config;
    bool asked = options->clipboard && strcmp(options->clipboard, "on") == 0;
    if (!display_choice_clipboard(&run->display, options->clipboard, options->deterministic,
                                  &config->clipboard, err))
        return false;
    if (!asked && (!run->mode->can.consoles || config->screen == SCREEN_NONE))
        config->clipboard = false;
    for (unsigned i = 0; config->clipboard && i < config->port_count; i++) {
        if (strcmp(config->ports[i].name, VDAGENT_PORT) != 0)
            continue;
        config->clipboard = false; /* who has that port does it */
        if (asked)
            return error_set(err, ERROR_USAGE, "--port %s is the clipboard's: leave it or --clipboard out",
                             VDAGENT_PORT);
    }
    if (config->clipboard && config->port_count == VIRTIO_CONSOLE_PORTS_MAX - 1)
        return error_set(
            err, ERROR_USAGE,
            "the clipboard needs a port, and all are taken: give fewer --port, or --clipboard off");
    return true;
}

static bool config_make(struct run *run, struct error *err)
{
    const struct run_options *options = &run->options;
    struct machine_config *config = &run->config;
    bool sandboxed = options->sandbox && strcmp(options->sandbox, "on") == 0;
    if (options->initrd && !options->kernel)
        return error_set(err, ERROR_USAGE, "--initrd goes with a kernel: give --kernel FILE as well");
    if (!arch_set(run, err) || !machine_options_set(run, err) || !test_devices_set(run, err) ||
        !memory_set(run, err) || !engine_set(run, err) || !semihosting_set(run, err) ||
        !display_choice_parse(&run->display, options->display, sandboxed, err) || !transport_set(run, err) ||
        !disks_set(run, err) || !ports_parse(options, run->ports, &config->port_count, err) ||
        !hvt_resources_parse(options, run->resources, &config->hvt_resource_count, err))
        return false;
    firmware_set(run);
    config->ports = run->ports;
    config->usb = options->usb.items;
    config->usb_count = options->usb.count;
    config->pointer_wanted = display_choice_shows(&run->display);
    config->screen_wanted = config->pointer_wanted || options->screenshots.count || options->typed.count;
    config->cpu_model = options->cpu;
    config->cpus = options->cpus ? (unsigned)options->cpus : 1;
    config->kernel = options->kernel;
    config->initrd = options->initrd;
    config->append = options->append;
    config->dtb = options->dtb;
    config->hvt_resources = run->resources;
    config->hvt_dumpcore = options->hvt_dumpcore;
    config->debugcon = options->debugcon;
    config->firmware_vars = options->firmware_vars;
    config->deterministic = options->deterministic;
    config->paused = options->paused;
    config->timeout_ns = options->timeout_seconds * 1000000000u;
    config->progress = host_stderr_is_terminal() ? report_progress : NULL;
    if (!mode_set(run, err) || !clipboard_set(run, err))
        return false;
    lists_set(run);
    return sandboxing_wanted(options, run->mode == &hvt_mode, &run->sandbox, err);
}

/* Shells say 128 + the signal's number for a program that a signal ended. */
static void signalled(void *opaque, int number)
{
    machine_end(opaque, 128 + number);
}

static bool vm_go(struct run *run, struct vm *vm, int *status, struct error *err)
{
    struct machine_run *machine = vm->run;
    struct host_signals *signals = host_signals_create(machine->machine.loop, signalled, machine, err);
    if (!signals)
        return false;
    struct debugging *debugging = debugging_create(vm, &run->options, err);
    struct automation *automation = debugging ? automation_create(machine, &run->options, err) : NULL;
    const char *name = run->options.name ? run->options.name : guest_arch_name(run->config.arch);
    struct screen *screen = automation ? screen_open(machine, &run->display, name, err) : NULL;
    bool ok = screen && (!run->sandbox || sandboxing_enter(&run->options, run->mode == &hvt_mode, err)) &&
              machine_run(machine, status, err);
    screen_close(screen);
    automation_destroy(automation);
    debugging_destroy(debugging);
    host_signals_destroy(signals);
    return ok;
}

/* The machine, from its beginning to its end, and what it leaves (NULL: nothing that is asked for). */
static bool vm_run(struct run *run, struct signature *signature, int *status, struct error *err)
{
    struct vm *vm = vm_create(run->mode, &run->config, run->options.name, err);
    if (vm && run->passed_by.kind != ERROR_NONE)
        log_warn("%s", run->passed_by.text);
    bool ok = vm && vm_go(run, vm, status, err) &&
              (!signature || signature_write(signature, vm->run->machine.mem.ram, err));
    vm_destroy(vm);
    return ok;
}

static bool run_vm(struct run *run, int *status, struct error *err)
{
    const struct run_options *options = &run->options;
    struct signature *signature = NULL;
    bool ok = !options->trace || trace_open(options->trace, err);
    if (ok && options->signature)
        ok = (signature = signature_create(options->signature, options->kernel, err)) != NULL;
    ok = ok && vm_run(run, signature, status, err);
    signature_destroy(signature);
    trace_close();
    return ok;
}

int run_with(const struct run_options *options)
{
    static struct run run;
    struct error err = {0};
    int status = EXIT_STATUS_OK;
    run.options = *options;
    if (run.options.name)
        host_thread_name_set(run.options.name);
    if (run.options.verbose)
        log_level_set(LOG_VERBOSE);
    if (!config_make(&run, &err) || !run_vm(&run, &status, &err))
        return report_error(&err);
    return status;
}

int run_command(int count, char **words)
{
    struct run_options options;
    struct error err = {0};
    if (!run_options_parse(&options, count, words, &err))
        return report_error(&err);
    if (options.help)
        help_run(stdout);
    else if (options.print_config)
        config_write(stdout, &options);
    else
        return run_with(&options);
    return EXIT_STATUS_OK;
}
