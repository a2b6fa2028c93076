/* The devices of a machine in words, from their state tables: for the monitor. */
#pragma once

#include "devices/machine.h"

/* The names of all devices, or every field of the one called `name`; a line at a time. Machine lock held. */
void machine_devices_print(struct machine *machine, const char *name,
                           void (*print)(void *opaque, const char *text), void *opaque);
