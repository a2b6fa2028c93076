/*
 * RISC-V ACLINT: software interrupts and the machine timer of each hart, laid out as the SiFive CLINT that
 * software made for it finds (MSIP at 0, MTIMECMP at 0x4000, MTIME at 0xbff8), and optionally the supervisor
 * software interrupt device.
 */
#pragma once

#include "devices/machine.h"

#define ACLINT_SIZE      0x10000
#define ACLINT_SSWI_SIZE 0x4000
#define ACLINT_HARTS_MAX 4095

struct aclint_hart {
    struct irq_line msip, mtip; /* levels */
    struct irq_line ssip;       /* pulsed: up and down again sets the pending bit, which the hart clears */
};

struct aclint_config {
    uint64_t base;
    uint64_t sswi_base; /* 0: no SSWI device */
    uint64_t frequency; /* of MTIME, in Hz */
    unsigned harts;
    const struct aclint_hart *lines; /* one a hart; copied */
};

struct aclint;

/* NULL and err when its place overlaps another device. */
struct aclint *aclint_create(struct machine *machine, const struct aclint_config *config, struct error *err);

/* MTIME now, for the harts' `time` counter. Any thread. */
uint64_t aclint_time(struct aclint *aclint);
