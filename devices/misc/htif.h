/*
 * The host-target interface of the first RISC-V simulators, which the architecture's test programs still use:
 * two doublewords in RAM, `tohost` and `fromhost`, where a program's symbols say. A program ends by it, with
 * a status, and prints.
 */
#pragma once

#include "devices/char/char.h"

struct htif_config {
    uint64_t tohost, fromhost; /* physical; fromhost 0: the program takes no answers */
    struct char_port *console; /* stays the caller's, and outlives the device */
};

struct htif;

/* The machine owns it. Never NULL: where there is no RAM, nothing is ever asked. */
struct htif *htif_create(struct machine *machine, const struct htif_config *config);
