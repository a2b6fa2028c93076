/*
 * Power management of a platform without the fixed hardware of ACPI (hardware-reduced, ACPI 6.5, 4.8.3.7 and
 * 4.8.3.6): the sleep control and status registers and the reset register, a byte each.
 */
#pragma once

#include "devices/machine.h"

/* The registers, from the device's base. */
#define ACPI_POWER_SLEEP_CONTROL 0
#define ACPI_POWER_SLEEP_STATUS  1
#define ACPI_POWER_RESET         2
#define ACPI_POWER_SIZE          4

#define ACPI_POWER_S5          5 /* the sleep type of soft-off, for the object _S5 */
#define ACPI_POWER_RESET_VALUE 1

/* On `bus`, memory or ports. NULL and err when its place overlaps another device. */
struct acpi_power;

struct acpi_power *acpi_power_create(struct machine *machine, struct bus *bus, uint64_t base,
                                     struct error *err);
