/*
 * The device that test programs for virtual machines expect on a PC (QEMU's pc-testdev, whose places these
 * are): something to read and write by port and by memory, and interrupt lines a program can move by itself.
 */
#pragma once

#include "devices/machine.h"

#define TEST_DEVICE_PORTS       0xe0       /* four bytes that keep what is written */
#define TEST_DEVICE_FLUSH       0xe4       /* a page for a hypervisor to forget; nothing here */
#define TEST_DEVICE_LINES       0x2000     /* one port a line: its level */
#define TEST_DEVICE_MEMORY      0xff000000 /* bytes that are a device's, and not RAM */
#define TEST_DEVICE_MEMORY_SIZE 0x10000
#define TEST_DEVICE_LINE_COUNT  24

struct test_device;

/* `lines` are copied. NULL and err when a place is taken. */
struct test_device *test_device_create(struct machine *machine,
                                       const struct irq_line lines[TEST_DEVICE_LINE_COUNT],
                                       struct error *err);
