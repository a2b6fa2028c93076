#include "devices/display/vga.h"

#include <assert.h>
#include <stdlib.h>

#include "base/bits.h"
#include "devices/display/edid.h"
#include "devices/display/vga_internal.h"

/* The identity by which firmware and drivers know the Bochs VBE interface. */
#define VGA_VENDOR           0x1234
#define VGA_DEVICE           0x1111
#define VGA_CLASS            0x030000
#define VGA_REVISION         2
#define VGA_SUBSYSTEM_VENDOR 0x1af4
#define VGA_SUBSYSTEM        0x1100

#define BAR_MEMORY    0
#define BAR_REGISTERS 2

/* The second BAR: what the monitor says, the VGA's ports from 0x3c0, the VBE registers, and what byte order
 * pixels have. */
#define REGISTERS_SIZE 0x1000u
#define PLACE_EDID     0x000u
#define PLACE_PORTS    0x400u
#define PLACE_VBE      0x500u
#define PLACE_ORDER    0x600u
#define ORDER_SIZE     8u
#define ORDER_LITTLE   0x1e1e1e1eu

#define WIDTH_PREFERRED  1280u
#define HEIGHT_PREFERRED 800u
#define WIDTH_LEAST      640u
#define HEIGHT_LEAST     480u

/* A window's size is the one that is preferred. */
static uint64_t edid_read(void *opaque, uint64_t offset, unsigned width)
{
    const struct vga *vga = opaque;
    uint8_t edid[EDID_SIZE];
    unsigned wide, high;
    if (!display_hint(vga->display, &wide, &high))
        wide = WIDTH_PREFERRED, high = HEIGHT_PREFERRED;
    edid_make(edid, wide > WIDTH_LEAST ? wide : WIDTH_LEAST, high > HEIGHT_LEAST ? high : HEIGHT_LEAST);
    return le_load(edid + offset, width);
}

static uint64_t ports_read(void *opaque, uint64_t offset, unsigned width)
{
    return vga_port_read(opaque, offset + 0x10, width);
}

static void ports_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    vga_port_write(opaque, offset + 0x10, value, width);
}

static uint64_t vbe_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)width;
    return vga_vbe_get(opaque, (unsigned)(offset / 2));
}

static void vbe_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    (void)width;
    vga_vbe_set(opaque, (unsigned)(offset / 2), (uint16_t)value);
}

static uint64_t order_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)opaque, (void)width;
    return offset ? ORDER_LITTLE : ORDER_SIZE;
}

static void registers_add(struct vga *vga)
{
    const struct bus_region regions[] = {
        {.name = "vga-edid",
         .base = PLACE_EDID,
         .size = EDID_SIZE,
         .max_width = 4,
         .read = edid_read,
         .opaque = vga},
        {.name = "vga-ports",
         .base = PLACE_PORTS,
         .size = 0x20,
         .max_width = 1,
         .read = ports_read,
         .write = ports_write,
         .opaque = vga},
        {.name = "vga-vbe",
         .base = PLACE_VBE,
         .size = 2 * VBE_REGISTERS,
         .min_width = 2,
         .max_width = 2,
         .read = vbe_read,
         .write = vbe_write,
         .opaque = vga},
        {.name = "vga-order",
         .base = PLACE_ORDER,
         .size = ORDER_SIZE,
         .min_width = 4,
         .max_width = 4,
         .read = order_read,
         .opaque = vga},
    };
    pci_bar_add(&vga->pci, BAR_REGISTERS, REGISTERS_SIZE, 0);
    for (unsigned i = 0; i < ARRAY_LEN(regions); i++)
        pci_bar_region(&vga->pci, BAR_REGISTERS, &regions[i]);
}

static bool legacy_add(struct vga *vga, struct error *err)
{
    const struct bus_region ports = {.name = "vga",
                                     .base = 0x3b0,
                                     .size = 0x30,
                                     .max_width = 1,
                                     .read = vga_port_read,
                                     .write = vga_port_write,
                                     .opaque = vga};
    const struct bus_region vbe = {.name = "vga-vbe",
                                   .base = 0x1ce,
                                   .size = 4,
                                   .max_width = 2,
                                   .read = vga_vbe_port_read,
                                   .write = vga_vbe_port_write,
                                   .opaque = vga};
    const struct bus_region window = {.name = "vga-memory",
                                      .base = 0xa0000,
                                      .size = 0x20000,
                                      .max_width = 1,
                                      .read = vga_memory_read,
                                      .write = vga_memory_write,
                                      .opaque = vga};
    unsigned id;
    return bus_add(vga->machine->mem.pio, &ports, &id, err) &&
           bus_add(vga->machine->mem.pio, &vbe, &id, err) &&
           bus_add(vga->machine->mem.mmio, &window, &id, err);
}

/* Loaded numbers that index are made fit. */
static void restored(void *object)
{
    struct vga *vga = object;
    vga->sequencer_index &= 7;
    vga->graphics_index &= 0xf;
    vga->attribute_index &= 0x3f;
    vga->dac_component %= 3;
    vga_vbe_restored(vga);
}

static const struct state_field fields[] = {
    STATE(struct vga, misc),
    STATE(struct vga, feature),
    STATE(struct vga, sequencer_index),
    STATE_ARRAY(struct vga, sequencer),
    STATE(struct vga, crtc_index),
    STATE_ARRAY(struct vga, crtc),
    STATE(struct vga, graphics_index),
    STATE_ARRAY(struct vga, graphics),
    STATE(struct vga, attribute_index),
    STATE_ARRAY(struct vga, attribute),
    STATE(struct vga, attribute_data),
    STATE_ARRAY(struct vga, latch),
    {.name = "dac", .offset = offsetof(struct vga, dac), .stride = 1, .count = 256 * 3, .width = 1},
    STATE(struct vga, dac_mask, .reset = 0xff),
    STATE(struct vga, dac_read),
    STATE(struct vga, dac_write),
    STATE(struct vga, dac_component),
    STATE(struct vga, dac_reading),
    STATE(struct vga, vbe_index),
    STATE(struct vga, vbe[VBE_ID], .reset = VBE_ID_LAST),
    STATE(struct vga, vbe[VBE_XRES]),
    STATE(struct vga, vbe[VBE_YRES]),
    STATE(struct vga, vbe[VBE_BPP], .reset = 8),
    STATE(struct vga, vbe[VBE_ENABLE]),
    STATE(struct vga, vbe[VBE_BANK]),
    STATE(struct vga, vbe[VBE_VIRTUAL_WIDTH]),
    STATE(struct vga, vbe[VBE_X_OFFSET]),
    STATE(struct vga, vbe[VBE_Y_OFFSET]),
    STATE(struct vga, vbe_low),
};
static const struct state_table table = {"vga", 1, fields, ARRAY_LEN(fields), restored};

static void vga_destroy(void *object)
{
    struct vga *vga = object;
    display_source_leave(vga->display, vga);
    pci_function_fini(&vga->pci);
    free(vga->drawn);
    free(vga);
}

struct vga *vga_create(struct machine *machine, const struct vga_config *config, struct error *err)
{
    assert(is_pow2(config->memory) && config->memory >= MIB);
    struct vga *vga = machine_alloc(sizeof(*vga));
    struct pci_config pci = {.name = "vga-config",
                             .devfn = config->devfn,
                             .vendor = VGA_VENDOR,
                             .device = VGA_DEVICE,
                             .subsystem_vendor = VGA_SUBSYSTEM_VENDOR,
                             .subsystem = VGA_SUBSYSTEM,
                             .class_code = VGA_CLASS,
                             .revision = VGA_REVISION};
    vga->machine = machine;
    vga->display = config->display;
    vga->size = config->memory;
    vga->block = ram_block_create(machine->mem.ram, "vga.memory", config->memory, err);
    if (!vga->block || !pci_function_init(&vga->pci, machine, config->bus, &pci, err)) {
        free(vga);
        return NULL;
    }
    vga->memory = ram_block_host(vga->block);
    /* It has no BAR for ports, but the VGA's own: software takes the bit for whether they are decoded. */
    vga->pci.writable[PCI_COMMAND] |= PCI_COMMAND_IO;
    pci_bar_add(&vga->pci, BAR_MEMORY, config->memory, PCI_BAR_PREFETCH);
    pci_bar_memory(&vga->pci, BAR_MEMORY, 0, vga->block);
    registers_add(vga);
    /* The legacy ports are no BAR, but firmware runs the BIOS only of a VGA that decodes ports. */
    pci_config_define(&vga->pci, PCI_COMMAND, 1, 0,
                      PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY);
    if (config->rom)
        pci_rom_add(&vga->pci, config->rom);
    machine_device_add(machine, "vga", &table, vga, vga_destroy);
    display_source_set(vga->display,
                       &(struct display_source){
                           .draw = vga_draw,
                           .opaque = vga,
                           .memory = {.ram = machine->mem.ram, .block = vga->block, .size = vga->size}});
    return legacy_add(vga, err) ? vga : NULL;
}
