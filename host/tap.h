/* Tap devices: Ethernet interfaces of the host whose other end is a file descriptor. */
#pragma once

#include "base/error.h"

/* Attach to the interface `name`, which is made if it does not exist and we may. -1 and err. */
int host_tap_open(const char *name, struct error *err);

/* The longest payload of the interface's frames, or 0 when it doesn't say. */
uint16_t host_tap_mtu(const char *name);

/*
 * A descriptor that this program was started with, in decimal: another end of frames, which is ours from now
 * on. -1 and err: no number, not open, or standard input, output or error.
 */
int host_tap_adopt(const char *number, struct error *err);

void host_tap_close(int fd);

/* A frame; its length, or 0 when there is none now. */
size_t host_tap_read(int fd, void *frame, size_t size);

/* Send a frame; it is lost when the host has no room. */
void host_tap_write(int fd, const void *frame, size_t len);
