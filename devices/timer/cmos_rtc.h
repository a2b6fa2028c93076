/*
 * The PC's clock chip, an MC146818: date, alarm, periodic interrupt, and 128 bytes of memory kept by a
 * battery in which firmware finds the size of RAM and what to boot.
 */
#pragma once

#include "devices/machine.h"

#define CMOS_SIZE 128

/* Bytes of the memory that firmware expects a machine to fill in. */
enum {
    CMOS_SHUTDOWN = 0x0f,
    CMOS_DISKETTES = 0x10,
    CMOS_EQUIPMENT = 0x14,
    CMOS_BASE_MEMORY = 0x15,     /* KiB below 640 KiB, two bytes */
    CMOS_EXTENDED_MEMORY = 0x17, /* KiB above 1 MiB, two bytes; again at 0x30 */
    CMOS_SUMMED_FIRST = 0x10,
    CMOS_SUMMED_LAST = 0x2d,
    CMOS_SUM = 0x2e, /* of those, high byte first */
    CMOS_CENTURY = 0x32,
    CMOS_MEMORY_ABOVE_16M = 0x34, /* 64 KiB units, two bytes */
    CMOS_BOOT_THIRD = 0x38,
    CMOS_BOOT_ORDER = 0x3d,
    CMOS_MEMORY_ABOVE_4G = 0x5b, /* 64 KiB units, three bytes */
    CMOS_OTHER_PROCESSORS = 0x5f,
};

/* What the equipment byte says. */
#define CMOS_EQUIPMENT_USUAL     0x06u /* a mouse and a coprocessor */
#define CMOS_EQUIPMENT_DISKETTES 0x01u /* bits 6 and 7: how many drives there are, less one */

struct cmos_rtc_config {
    uint64_t epoch; /* the date, in nanoseconds since 1970-01-01 UTC, at machine time 0 */
    struct irq_line irq;
    uint64_t memory_below_4g, memory_above_4g; /* bytes, for the bytes above */
    unsigned processors;
};

struct cmos_rtc;

/* Ports 0x70 and 0x71, and a second bank of memory at 0x72 and 0x73. NULL and err on overlap. */
struct cmos_rtc *cmos_rtc_create(struct machine *machine, const struct cmos_rtc_config *config,
                                 struct error *err);

/* Constructors of boards only: a byte of the memory as it is when the machine is first switched on. */
void cmos_rtc_define(struct cmos_rtc *rtc, uint8_t index, uint8_t value);
