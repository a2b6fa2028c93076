#include "guests/demo/virt/virt.h"

#include "guests/demo/draw.h"
#include "guests/demo/fdt.h"
#include "guests/demo/virtio/pci.h"
#include "guests/demo/virtio/virtio.h"

static const void *device_tree;
static uint64_t window;

void virt_start(const void *tree, uint64_t pci_memory)
{
    device_tree = tree;
    window = pci_memory;
}

static void memory_note(void *opaque, const struct fdt_node *node)
{
    void (**fn)(uint64_t, uint64_t) = opaque;
    if (node->device_type && text_equal(node->device_type, "memory"))
        (*fn)(node->base, node->size);
}

void memory_each(void (*fn)(uint64_t base, uint64_t size))
{
    fdt_each(device_tree, memory_note, &fn);
}

static void device_note(void *opaque, const struct fdt_node *node)
{
    void (**fn)(const char *, const char *, uint64_t, uint64_t) = opaque;
    if (node->has_reg && node->compatible && node->size)
        (*fn)(node->name, node->compatible, node->base, node->size);
}

void devices_each(void (*fn)(const char *name, const char *kind, uint64_t base, uint64_t size))
{
    fdt_each(device_tree, device_note, &fn);
}

/* --- PCI, its configuration space in memory (ECAM), and what is on it --- */

static void ecam_note(void *opaque, const struct fdt_node *node)
{
    if (node->compatible && text_equal(node->compatible, "pci-host-ecam-generic"))
        *(uint64_t *)opaque = node->base;
}

static volatile uint32_t *config_at(unsigned function, unsigned offset)
{
    static uint64_t ecam;
    if (!ecam)
        fdt_each(device_tree, ecam_note, &ecam);
    return (volatile uint32_t *)(ecam + (function << 12) + (offset & 0xffc));
}

uint32_t config_read(unsigned function, unsigned offset)
{
    return *config_at(function, offset);
}

void config_write(unsigned function, unsigned offset, uint32_t value)
{
    *config_at(function, offset) = value;
}

uint64_t pci_window(void)
{
    return window;
}

bool screen_open(struct screen *screen)
{
    return virtio_screen_open(screen);
}

bool event_next(struct event *event)
{
    return virtio_event_next(event);
}
