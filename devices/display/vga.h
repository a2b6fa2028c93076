/*
 * A standard VGA with the Bochs VBE extensions as a PCI function: text, planar and packed modes, and a linear
 * frame buffer. Its BIOS is an expansion ROM that the board brings.
 */
#pragma once

#include "devices/display/display.h"
#include "devices/pci/pci_bus.h"

struct vga_config {
    struct pci_bus *bus;
    int devfn;
    uint64_t memory;       /* bytes of video memory: a power of two, at least 1 MiB */
    struct ram_block *rom; /* the video BIOS, or NULL; a power of two of bytes, at least 4 KiB */
    struct display *display;
};

struct vga;

/* Draws into the display from its creation on. NULL and err when its place or the legacy ports are taken. */
struct vga *vga_create(struct machine *machine, const struct vga_config *config, struct error *err);

/* For a machine without firmware: text mode 3 with letters, as its BIOS would set it. Machine lock held. */
void vga_text_set(struct vga *vga);

/* Likewise: pixels of 32 bits in rows without gaps, as its BIOS would set them. Machine
 * lock held; the size is one that the memory has room for, the width a multiple of 8. */
void vga_linear_set(struct vga *vga, unsigned width, unsigned height);
