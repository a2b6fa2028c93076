/*
 * A VNC client's keys. A client that can sends where a key is on the keyboard; from any other we hear only
 * what it means on the client's side, and press what means the same on a US keyboard.
 */
#pragma once

#include "ui/held.h"

#define VNC_KEYS_DOWN 32

struct vnc_keys {
    struct held held;
    /* Which key stands for a keysym that is down: it may come up under other modifiers. */
    struct {
        uint32_t keysym;
        uint16_t key;
        bool printable;
    } down[VNC_KEYS_DOWN];
    unsigned count;
};

/* All with the machine lock held. */
void vnc_keysym(struct vnc_keys *keys, uint32_t keysym, bool pressed);

/* QEMU's extended key event: the code of set 1, and 0x80 in place of the prefix e0. */
void vnc_keycode(struct vnc_keys *keys, uint32_t code, bool pressed);

void vnc_keys_release_all(struct vnc_keys *keys);
