/*
 * Pictures that a VGA is made to show: its registers for every standard mode and for the ways to use them
 * beyond it, with patterns that leave no plane, attribute or palette entry out. The same code runs in a guest
 * and in a test that compares two machines, so it reaches the hardware through a few functions.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct vga_io {
    void (*out)(void *opaque, uint16_t port, uint8_t value);
    void (*out16)(void *opaque, uint16_t port, uint16_t value);
    uint8_t (*in)(void *opaque, uint16_t port);
    uint8_t (*load)(void *opaque, uint32_t address);
    void (*store)(void *opaque, uint32_t address, const uint8_t *bytes, size_t len);
    void *opaque;
};

struct vga_picture {
    const char *name;
    void (*make)(const struct vga_io *io);
};

extern const struct vga_picture vga_pictures[];
extern const size_t vga_picture_count;
