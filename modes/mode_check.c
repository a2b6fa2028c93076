/* What was asked for, against what a mode can show. */
#include <string.h>

#include "modes/mode.h"

static bool absent(const struct mode *mode, const char *what, const char *advice, struct error *err)
{
    return error_set(err, ERROR_USAGE, "%s is not part of mode %s: %s", what, mode->name, advice);
}

static bool processor_check(const struct mode *mode, const struct machine_config *config, struct error *err)
{
    if (!(mode->can.arches >> config->arch & 1))
        return error_set(err, ERROR_USAGE, "mode %s is not there for %s: use another --mode", mode->name,
                         guest_arch_name(config->arch));
    if (config->cpus > mode->can.cpus_max)
        return error_set(err, ERROR_USAGE, "a guest of mode %s has at most %u processors: give fewer --cpus",
                         mode->name, mode->can.cpus_max);
    return true;
}

static bool images_check(const struct mode *mode, const struct machine_config *config, struct error *err)
{
    if (config->firmware == FIRMWARE_FILE && !mode->can.firmware)
        return absent(mode, "--firmware FILE", "use --mode type1, or leave it out", err);
    if (config->firmware_vars && !mode->can.firmware)
        return absent(mode, "--firmware-vars", "use --mode type1, or leave it out", err);
    if (!config->kernel && mode->can.kernel_needed)
        return error_set(err, ERROR_USAGE,
                         "mode %s starts programs only: give --kernel FILE, or use --mode type1", mode->name);
    if (config->initrd && !mode->can.initrd)
        return absent(mode, "--initrd", "leave it out", err);
    if (config->dtb && !mode->can.device_tree)
        return absent(mode, "--dtb", "leave it out", err);
    if (config->dtb && config->arch == GUEST_X86_64)
        return error_set(err, ERROR_USAGE,
                         "kernels for x86_64 are told of their machine by ACPI, not by a device tree: leave "
                         "--dtb out");
    return true;
}

static bool disks_check(const struct mode *mode, const struct machine_config *config, struct error *err)
{
    static const char *const asked[] = {
        [TRANSPORT_PCI] = "--disk if=virtio-pci", [TRANSPORT_MMIO] = "--disk if=virtio-mmio",
        [TRANSPORT_AHCI] = "--disk if=ahci",      [TRANSPORT_NVME] = "--disk if=nvme",
        [TRANSPORT_USB] = "--disk if=usb",        [TRANSPORT_FLOPPY] = "--disk if=floppy",
        [TRANSPORT_IDE] = "--disk if=ide"};
    for (unsigned i = 0; i < config->disk_count; i++) {
        enum device_transport transport = config->disks[i].transport;
        if (config->disks[i].cdrom && !mode->can.cdroms)
            return absent(mode, "--cdrom", "use --mode type1, or --disk FILE,readonly", err);
        if (!(mode->can.disks >> transport & 1))
            return absent(mode, asked[transport], "use --mode type1", err);
    }
    return true;
}

static bool extras_check(const struct mode *mode, const struct machine_config *config, struct error *err)
{
    if (config->transport_chosen && !mode->can.transport_chosen)
        return absent(mode, "--transport", "use --mode virtio, or --disk with if=virtio-mmio", err);
    if (config->gic_version && !mode->can.board_variants)
        return absent(mode, "--machine gic-version=", "use --mode type1, or leave it out", err);
    bool screen = config->screen != SCREEN_AUTO && config->screen != SCREEN_NONE;
    if (screen && !(mode->can.screens >> config->screen & 1))
        return absent(mode, "such a --machine display=", "leave it out, or use --mode type1", err);
    if (config->debug_exit && !mode->can.debug_ports)
        return absent(mode, "--debug-exit", "use --mode type1, or leave it out", err);
    if (config->semihosting && mode->can.manifest)
        return absent(mode, "--semihosting", "use --mode type1 or virtio, or leave it out", err);
    if (config->test_device && !mode->can.debug_ports)
        return absent(mode, "--test-device", "use --mode type1, or leave it out", err);
    if (config->usb_count && !mode->can.usb)
        return absent(mode, "--usb", "use --mode type1, or leave it out", err);
    if (config->debugcon && !mode->can.debug_ports)
        return absent(mode, "--debugcon", "use --mode type1, or leave it out", err);
    return true;
}

/* What devices there are in one mode only. */
static bool devices_check(const struct mode *mode, const struct machine_config *config, struct error *err)
{
    for (unsigned i = 0; i < config->net_count; i++) {
        if (!mode->can.nets && strcmp(config->nets[i], "none") != 0)
            return absent(mode, "--net", "use --hvt-net NAME=... for a network of the manifest", err);
    }
    if (config->serial_count > 1 && !mode->can.consoles)
        return absent(mode, "a second --serial", "give one, which is the console", err);
    if (config->port_count && !mode->can.consoles)
        return absent(mode, "--port", "use --mode type1 or virtio, or leave it out", err);
    if (config->clipboard && !mode->can.consoles)
        return absent(mode, "--clipboard on", "use --mode type1 or virtio, or leave it out", err);
    if (config->hvt_resource_count && !mode->can.manifest)
        return error_set(
            err, ERROR_USAGE,
            "--hvt-block and --hvt-net are not part of mode %s: leave them out, or use --mode hvt",
            mode->name);
    if (config->hvt_dumpcore && !mode->can.manifest)
        return absent(mode, "--hvt-dumpcore", "leave it out, or use --mode hvt", err);
    return true;
}

bool mode_check(const struct mode *mode, const struct machine_config *config, struct error *err)
{
    return processor_check(mode, config, err) && images_check(mode, config, err) &&
           disks_check(mode, config, err) && devices_check(mode, config, err) &&
           extras_check(mode, config, err) && (!mode->init || mode->init(config, err));
}
