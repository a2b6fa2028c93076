/*
 * The isa-debug-exit port: a guest that writes v to it ends the program with status (v << 1) | 1, which is
 * never the 0 of a clean power-off.
 */
#pragma once

#include "devices/machine.h"

#define DEBUG_EXIT_PORT     0x501
#define DEBUG_EXIT_PORT_OLD 0xf4 /* where most test guests write */

struct debug_exit;

/* Four ports from `port`. NULL and err when they are taken. */
struct debug_exit *debug_exit_create(struct machine *machine, const char *name, uint16_t port,
                                     struct error *err);
