/*
 * What the virt boards of all architectures have in common for the demo: a device tree that says what there
 * is, PCI with its configuration space in memory, and virtio devices on it for the screen, the keyboard and
 * the pointer.
 */
#pragma once

#include "guests/demo/demo.h"

/* Before the rest is used. `window`: where memory of PCI functions that has no place yet may be put. */
void virt_start(const void *tree, uint64_t window);
