#include "cli/disks.h"

#include <string.h>

#include "base/types.h"
#include "cli/parse.h"

/* --- the keys --- */

static bool format_set(struct disk_config *disk, const char *value, struct error *err)
{
    disk->block.format = value;
    return strcmp(value, "raw") == 0 || strcmp(value, "qcow2") == 0 ||
           error_set(err, ERROR_USAGE, "--disk knows the formats raw and qcow2, not %s", value);
}

/* With if=virtio it is as --transport says. */
static bool interface_set(struct disk_config *disk, const char *value, struct error *err)
{
    static const struct {
        const char *name;
        enum device_transport transport;
    } interfaces[] = {{"virtio-pci", TRANSPORT_PCI}, {"virtio-mmio", TRANSPORT_MMIO},
                      {"ahci", TRANSPORT_AHCI},      {"nvme", TRANSPORT_NVME},
                      {"usb", TRANSPORT_USB},        {"floppy", TRANSPORT_FLOPPY},
                      {"ide", TRANSPORT_IDE}};
    if (strcmp(value, "virtio") == 0)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(interfaces); i++) {
        disk->transport = interfaces[i].transport;
        if (strcmp(value, interfaces[i].name) == 0)
            return true;
    }
    return error_set(err, ERROR_USAGE,
                     "there is no --disk with if=%s: use virtio, virtio-mmio, ahci, ide, nvme, usb or floppy",
                     value);
}

static bool readonly_set(struct disk_config *disk, const char *value, struct error *err)
{
    (void)value;
    (void)err;
    return disk->block.readonly = true;
}

static bool snapshot_set(struct disk_config *disk, const char *value, struct error *err)
{
    (void)value;
    (void)err;
    return disk->block.snapshot = true;
}

static const struct {
    const char *name; /* with its '=' when it has a value */
    bool (*set)(struct disk_config *disk, const char *value, struct error *err);
} keys[] = {
    {"format=", format_set}, {"if=", interface_set}, {"readonly", readonly_set}, {"snapshot", snapshot_set}};

static bool key_unknown(const char *part, struct error *err)
{
    static const char *const names[] = {"format", "if", "readonly", "snapshot"};
    char name[16] = "";
    size_t len = strcspn(part, "=");
    strncat(name, part, len < sizeof(name) - 1 ? len : sizeof(name) - 1);
    const char *near = nearest_word(name, names, ARRAY_LEN(names));
    return error_set(err, ERROR_USAGE, "--disk doesn't know %s%s%s%s", part, near ? ": did you mean " : "",
                     near ? near : "", near ? "?" : ": use format=, if=, readonly or snapshot");
}

/* `given` has a bit for each key that was there. */
static bool key_set(struct disk_config *disk, const char *part, unsigned *given, struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        size_t len = strlen(keys[i].name);
        bool valued = keys[i].name[len - 1] == '=';
        if (valued ? strncmp(part, keys[i].name, len) != 0 : strcmp(part, keys[i].name) != 0)
            continue;
        if (*given >> i & 1)
            return error_set(err, ERROR_USAGE, "--disk %s says %s twice: give it once", disk->block.path,
                             keys[i].name);
        *given |= 1u << i;
        return keys[i].set(disk, part + len, err);
    }
    return key_unknown(part, err);
}

/* --- the disks --- */

static bool disk_parse(struct disk_config *disk, const char *spec, struct error *err)
{
    unsigned given = 0;
    char *rest = text_keep("%s", spec);
    disk->block.path = parse_part(&rest);
    if (!*disk->block.path)
        return error_set(err, ERROR_USAGE, "--disk %s names no file: write --disk FILE[,KEY=VALUE...]", spec);
    for (char *part; (part = parse_part(&rest)) != NULL;) {
        if (!key_set(disk, part, &given, err))
            return false;
    }
    return true;
}

/* Two disks in one file that is written would each destroy what the other keeps there. */
static bool shared_check(const struct disk_config *disks, unsigned last, struct error *err)
{
    const struct block_config *block = &disks[last].block;
    bool writes = !block->readonly && !block->snapshot;
    for (unsigned i = 0; i < last; i++) {
        const struct block_config *other = &disks[i].block;
        if (strcmp(block->path, other->path) == 0 && (writes || (!other->readonly && !other->snapshot)))
            return error_set(err, ERROR_USAGE,
                             "%s is given for two disks: give a file for each, or add readonly to both",
                             block->path);
    }
    return true;
}

/* A CD has nothing to choose but its controller, on a PC. */
static void cdrom_parse(struct disk_config *disk, const char *spec, enum guest_arch arch)
{
    static const char ide[] = ",if=ide";
    size_t len = strlen(spec), suffix = sizeof(ide) - 1;
    bool on_ide = len > suffix && strcmp(spec + len - suffix, ide) == 0;
    const char *path = on_ide ? text_keep("%.*s", (int)(len - suffix), spec) : spec;
    disk->block = (struct block_config){.path = path, .readonly = true, .format = "raw"};
    disk->cdrom = true;
    disk->transport = on_ide ? TRANSPORT_IDE : arch == GUEST_X86_64 ? TRANSPORT_AHCI : TRANSPORT_PCI;
}

static bool disk_add(struct machine_config *config, struct disk_config *disks, const char *spec, bool cdrom,
                     struct error *err)
{
    if (config->disk_count == DISKS_MAX)
        return error_set(err, ERROR_USAGE, "a machine has %u disks at most", DISKS_MAX);
    struct disk_config *disk = &disks[config->disk_count];
    *disk = (struct disk_config){.transport = config->transport};
    if (cdrom) {
        cdrom_parse(disk, spec, config->arch);
    } else if (!disk_parse(disk, spec, err)) {
        return false;
    }
    return shared_check(disks, config->disk_count++, err);
}

bool disks_parse(const struct run_options *options, struct machine_config *config, struct disk_config *disks,
                 struct error *err)
{
    config->disks = disks;
    for (unsigned i = 0; i < options->disks.count; i++) {
        if (!disk_add(config, disks, options->disks.items[i], false, err))
            return false;
    }
    for (unsigned i = 0; i < options->cdroms.count; i++) {
        if (!disk_add(config, disks, options->cdroms.items[i], true, err))
            return false;
    }
    return true;
}
