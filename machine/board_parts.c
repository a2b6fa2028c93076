#include "machine/board_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/clipboard/vdagent.h"
#include "devices/display/ramfb.h"
#include "devices/net/e1000.h"
#include "devices/net/net.h"
#include "devices/virtio/virtio_blk.h"
#include "devices/virtio/virtio_console.h"
#include "devices/virtio/virtio_gpu.h"
#include "devices/virtio/virtio_input.h"
#include "devices/virtio/virtio_net.h"
#include "devices/virtio/virtio_pci.h"
#include "devices/virtio/virtio_rng.h"
#include "host/clock.h"

/* The date of a deterministic machine: 2025-01-01 00:00 UTC. */
#define FIXED_EPOCH_NS (1735689600ull * 1000000000ull)

struct machine_run *board_run_create(const struct machine_config *config, struct error *err)
{
    struct run_config run = {
        .deterministic = config->deterministic, .paused = config->paused, .timeout_ns = config->timeout_ns};
    return machine_run_create(&run, err);
}

/* A piece of memory that is freed with the board. */
struct board_memory {
    struct board_memory *next;
    uint8_t bytes[];
};

void *board_alloc(struct board_parts *parts, size_t size)
{
    struct board_memory *memory = machine_alloc(sizeof(*memory) + size);
    memory->next = parts->memory;
    parts->memory = memory;
    return memory->bytes;
}

#define NAME_SIZE 40

const char *board_name(struct board_parts *parts, const char *fmt, ...)
{
    char *name = board_alloc(parts, NAME_SIZE);
    va_list args;
    va_start(args, fmt);
    vsnprintf(name, NAME_SIZE, fmt, args);
    va_end(args);
    return name;
}

bool board_console_open(struct board_parts *parts, struct char_port **port, struct error *err)
{
    *port = NULL;
    if (parts->config->serial_count && !board_serial_open(parts, 0, port, err))
        return false;
    parts->run->console = *port;
    return true;
}

bool board_serial_open(struct board_parts *parts, unsigned n, struct char_port **port, struct error *err)
{
    struct error failure = {0};
    *port = char_open(&parts->run->machine, "--serial", parts->config->serials[n], &failure);
    if (!*port && failure.kind != ERROR_NONE)
        return error_set(err, failure.kind, "%s", failure.text);
    return true;
}

uint64_t board_epoch(const struct board_parts *parts)
{
    return parts->config->deterministic ? FIXED_EPOCH_NS : host_wall_ns();
}

/* --- fw_cfg --- */

/* A file as two items, its size and its bytes. */
static bool fw_cfg_file(struct board_parts *parts, struct fw_cfg *fw_cfg, const char *path,
                        uint16_t size_item, uint16_t data_item, struct error *err)
{
    struct source source;
    if (!source_open(&source, path, parts->config->progress, err))
        return false;
    uint8_t *bytes = source.size <= SOURCE_UNPACKED_MAX ? board_alloc(parts, source.size) : NULL;
    bool ok = bytes ? source_read(&source, 0, bytes, source.size, err)
                    : error_set(err, ERROR_IMAGE, "%s is too large", path);
    if (ok) {
        fw_cfg_add_number(fw_cfg, size_item, 4, source.size);
        fw_cfg_add_item_borrowed(fw_cfg, data_item, bytes, source.size);
    }
    source_close(&source);
    return ok;
}

bool board_fw_cfg_kernel(struct board_parts *parts, struct fw_cfg *fw_cfg, struct error *err)
{
    const struct machine_config *config = parts->config;
    const char *append = config->append ? config->append : "";
    if (!fw_cfg_file(parts, fw_cfg, config->kernel, FW_CFG_KERNEL_SIZE, FW_CFG_KERNEL_DATA, err))
        return false;
    fw_cfg_add_number(fw_cfg, FW_CFG_CMDLINE_SIZE, 4, strlen(append) + 1);
    fw_cfg_add_item(fw_cfg, FW_CFG_CMDLINE_DATA, append, strlen(append) + 1);
    return !config->initrd ||
           fw_cfg_file(parts, fw_cfg, config->initrd, FW_CFG_INITRD_SIZE, FW_CFG_INITRD_DATA, err);
}

/* --- virtio devices --- */

static bool virtio_attach(struct board_parts *parts, struct virtio_device *device,
                          enum device_transport transport, struct error *err)
{
    if (transport == TRANSPORT_PCI) {
        struct virtio_pci_config config = {.name = board_name(parts, "%s-pci", device->name),
                                           .bus = parts->pci,
                                           .devfn = PCI_DEVFN_ANY,
                                           .transitional = parts->transitional,
                                           .device = device};
        return virtio_pci_create(&parts->run->machine, &config, err);
    }
    if (parts->slots_used == parts->slot_count)
        return error_set(err, ERROR_USAGE, "this board has %u virtio-mmio slots: use %s", parts->slot_count,
                         parts->config->transport == TRANSPORT_MMIO ? "--transport pci for more devices"
                                                                    : "if=virtio for more disks");
    parts->slots[parts->slots_used++] = device;
    return true;
}

static bool is_of_pc(enum device_transport transport)
{
    return transport == TRANSPORT_AHCI || transport == TRANSPORT_IDE || transport == TRANSPORT_NVME ||
           transport == TRANSPORT_FLOPPY;
}

static bool disks_add(struct board_parts *parts, struct error *err)
{
    const struct machine_config *config = parts->config;
    parts->disks = machine_alloc(config->disk_count * sizeof(*parts->disks) + 1);
    for (unsigned i = 0; i < config->disk_count; i++) {
        enum device_transport transport = config->disks[i].transport;
        if (transport == TRANSPORT_USB || (is_of_pc(transport) && parts->pc_disks))
            continue;
        if (is_of_pc(transport))
            return error_set(err, ERROR_USAGE,
                             "only a PC has AHCI, IDE and NVMe disks and diskettes: use if=virtio for %s",
                             config->disks[i].block.path);
        struct block *block = parts->disks[i] =
            block_open(&parts->run->machine, &config->disks[i].block, err);
        if (!block)
            return false;
        struct virtio_blk_config disk = {.name = board_name(parts, "disk%u", i), .block = block};
        struct virtio_device *device = virtio_blk_create(&parts->run->machine, &disk);
        if (!virtio_attach(parts, device, transport, err))
            return false;
    }
    return true;
}

/* Cards get addresses that are nobody's (locally administered), one after the other. */
#define NET_MAC(n)                                                                                           \
    {                                                                                                        \
        0x52, 0x54, 0x00, 0x12, 0x34, (uint8_t)(0x56 + (n))                                                  \
    }

static bool virtio_card_add(struct board_parts *parts, unsigned n, struct error *err)
{
    struct virtio_net_config net = {
        .name = board_name(parts, "net%u", n), .port = parts->nets[n], .mac = NET_MAC(n)};
    struct virtio_device *device = virtio_net_create(&parts->run->machine, &net);
    return virtio_attach(parts, device, parts->config->transport, err);
}

/* It closes the port itself. */
static bool e1000_card_add(struct board_parts *parts, unsigned n, struct error *err)
{
    struct e1000_config net = {.name = board_name(parts, "net%u", n),
                               .bus = parts->pci,
                               .devfn = PCI_DEVFN_ANY,
                               .mac = NET_MAC(n),
                               .port = parts->nets[n]};
    parts->nets[n] = NULL;
    return e1000_create(&parts->run->machine, &net, err);
}

static bool net_add(struct board_parts *parts, unsigned n, struct error *err)
{
    struct error failure = {0};
    enum net_model model;
    char *spec = board_alloc(parts, strlen(parts->config->nets[n]) + 1);
    strcpy(spec, parts->config->nets[n]);
    if (!net_model_take(spec, &model, err))
        return false;
    if (model != NET_VIRTIO && !parts->pci)
        return error_set(err, ERROR_USAGE, "this machine has no PCI: it takes --net with model=virtio only");
    parts->nets[n] = net_open(&parts->run->machine, spec, &failure);
    if (!parts->nets[n] && failure.kind != ERROR_NONE)
        return error_set(err, failure.kind, "%s", failure.text);
    return model == NET_E1000 ? e1000_card_add(parts, n, err) : virtio_card_add(parts, n, err);
}

static bool nets_add(struct board_parts *parts, struct error *err)
{
    const struct machine_config *config = parts->config;
    parts->nets = machine_alloc(config->net_count * sizeof(*parts->nets) + 1);
    for (unsigned i = 0; i < config->net_count; i++) {
        if (!net_add(parts, i, err))
            return false;
    }
    return true;
}

/* The host's ends of the named ports, the clipboard's behind those that were asked for. */
static bool ports_open(struct board_parts *parts, struct virtio_console_config *console,
                       struct virtio_console_port *ports, struct error *err)
{
    const struct machine_config *config = parts->config;
    console->ports = ports;
    console->port_count = config->port_count + config->clipboard;
    for (unsigned i = 0; i < config->port_count; i++) {
        struct error failure = {0};
        const char *option = board_name(parts, "--port %s", config->ports[i].name);
        ports[i].name = config->ports[i].name;
        ports[i].end = char_open(&parts->run->machine, option, config->ports[i].end, &failure);
        if (ports[i].end || failure.kind == ERROR_NONE)
            continue;
        while (i-- > 0)
            char_close(ports[i].end);
        return error_set(err, failure.kind, "%s", failure.text);
    }
    if (config->clipboard) {
        parts->run->clipboard = parts->clipboard = clipboard_create();
        ports[config->port_count] =
            (struct virtio_console_port){VDAGENT_PORT, vdagent_create(parts->clipboard)};
    }
    return true;
}

static bool console_attach(struct board_parts *parts, const struct virtio_console_config *config,
                           struct error *err)
{
    return virtio_attach(parts, virtio_console_create(&parts->run->machine, config), parts->config->transport,
                         err);
}

/* A console for each further serial port; the first one has the named ports as well. */
static bool consoles_add(struct board_parts *parts, struct error *err)
{
    const struct machine_config *config = parts->config;
    struct virtio_console_port *ports = board_alloc(parts, VIRTIO_CONSOLE_PORTS_MAX * sizeof(*ports));
    unsigned first = parts->first_console;
    struct virtio_console_config console = {.name = "console0"};
    if (!ports_open(parts, &console, ports, err))
        return false;
    if (console.port_count && config->serial_count <= first) {
        console.ports_only = true;
        return console_attach(parts, &console, err);
    }
    for (unsigned i = first; i < config->serial_count; i++) {
        if (!board_serial_open(parts, i, &console.port, err))
            return false;
        console.name = board_name(parts, "console%u", i - first);
        if (!console_attach(parts, &console, err))
            return false;
        console.port_count = 0;
    }
    return true;
}

/* Random numbers of the host would make every run another one. */
static bool rng_add(struct board_parts *parts, struct error *err)
{
    return parts->config->deterministic ||
           virtio_attach(parts, virtio_rng_create(&parts->run->machine, "rng0"), parts->config->transport,
                         err);
}

bool board_virtio_add(struct board_parts *parts, struct error *err)
{
    return disks_add(parts, err) && nets_add(parts, err) && consoles_add(parts, err) && rng_add(parts, err);
}

/* --- the screen --- */

/* On PCI where the board has it. */
static bool screen_attach(struct board_parts *parts, struct virtio_device *device, struct error *err)
{
    return device && virtio_attach(parts, device, parts->pci ? TRANSPORT_PCI : TRANSPORT_MMIO, err);
}

static bool input_add(struct board_parts *parts, struct error *err)
{
    static const struct {
        const char *name;
        enum virtio_input_kind kind;
    } devices[] = {{"keyboard0", VIRTIO_INPUT_KEYBOARD}, {"tablet0", VIRTIO_INPUT_TABLET}};
    if (!parts->run->input)
        parts->run->input = parts->input = input_create();
    for (unsigned i = 0; i < ARRAY_LEN(devices); i++) {
        struct virtio_input_config config = {devices[i].name, devices[i].kind, parts->run->input};
        if (!screen_attach(parts, virtio_input_create(&parts->run->machine, &config), err))
            return false;
    }
    return true;
}

static bool gpu_add(struct board_parts *parts, struct error *err)
{
    struct virtio_gpu_config config = {.name = "gpu0", .display = parts->display};
    return screen_attach(parts, virtio_gpu_create(&parts->run->machine, &config, err), err);
}

bool board_screen_add(struct board_parts *parts, struct fw_cfg *fw_cfg, struct error *err)
{
    enum screen_kind kind = parts->config->screen;
    if (kind == SCREEN_AUTO)
        kind = parts->config->screen_wanted ? SCREEN_VIRTIO : SCREEN_NONE;
    if (kind == SCREEN_NONE)
        return true;
    if (kind == SCREEN_VGA || (kind == SCREEN_RAMFB && !fw_cfg))
        return error_set(err, ERROR_USAGE, "this board has no %s: use --machine display=virtio",
                         kind == SCREEN_VGA ? "VGA" : "ramfb");
    parts->run->display = parts->display = display_create();
    if (kind == SCREEN_RAMFB)
        ramfb_create(&parts->run->machine, &(struct ramfb_config){fw_cfg, parts->display});
    else if (!gpu_add(parts, err))
        return false;
    return input_add(parts, err);
}

void board_parts_free(struct board_parts *parts)
{
    for (unsigned i = 0; parts->disks && i < parts->config->disk_count; i++) {
        if (parts->disks[i])
            block_close(parts->disks[i]);
    }
    for (unsigned i = 0; parts->nets && i < parts->config->net_count; i++) {
        if (parts->nets[i])
            net_close(parts->nets[i]);
    }
    while (parts->memory) {
        struct board_memory *memory = parts->memory;
        parts->memory = memory->next;
        free(memory);
    }
    if (parts->input)
        input_destroy(parts->input);
    clipboard_destroy(parts->clipboard);
    display_destroy(parts->display);
    free(parts->disks);
    free(parts->nets);
}
