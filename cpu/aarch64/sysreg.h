/*
 * System registers and the operations of SYS: a table, one line each (sysregs.def), with what may access
 * them, what traps them, and how they are read and written.
 */
#pragma once

#include "cpu/aarch64/pe.h"

/* Who may. Anything else is UNDEFINED. */
enum aarch64_sysreg_access {
    R0 = 1,
    W0 = 2,
    R1 = 4,
    W1 = 8,
    RW1 = R1 | W1,
    RW0 = R0 | W0 | RW1,
    RO0 = R0 | R1,
    WO0 = W0 | W1,
    RO0_RW1 = R0 | RW1,
    RO1 = R1,
    WO1 = W1,
};

/* What may trap an access of EL0 to EL1 (EC 0x18), or of anybody. */
enum aarch64_sysreg_trap {
    TRAP_NONE,
    TRAP_UCT,  /* SCTLR_EL1.UCT: CTR_EL0 */
    TRAP_UCI,  /* SCTLR_EL1.UCI: cache maintenance */
    TRAP_DZE,  /* SCTLR_EL1.DZE: DC ZVA */
    TRAP_UMA,  /* SCTLR_EL1.UMA: DAIF */
    TRAP_RCTX, /* SCTLR_EL1.EnRCTX: prediction restriction */
    TRAP_TDCC, /* MDSCR_EL1.TDCC: the debug channel */
    TRAP_FREQ, /* CNTKCTL_EL1: readable with either counter */
    TRAP_PCT,  /* CNTKCTL_EL1.EL0PCTEN */
    TRAP_VCT,  /* CNTKCTL_EL1.EL0VCTEN */
    TRAP_PT,   /* CNTKCTL_EL1.EL0PTEN */
    TRAP_VT,   /* CNTKCTL_EL1.EL0VTEN */
    TRAP_PMU,  /* PMUSERENR_EL0.EN */
    TRAP_PMSW, /* and SW: software increment */
    TRAP_PMCR, /* and CR: reading the cycle counter */
    TRAP_PMER, /* and ER: reading event counters, writing PMSELR_EL0 */
    TRAP_FP,   /* CPACR_EL1.FPEN, at every level */
};

enum aarch64_sysreg_flag {
    SYS_0 = 0,
    SYS_END = 1, /* writing changes what blocks depend on, or what the outer loop looks at: ends the block */
};

struct aarch64_sysreg {
    const char *name;
    uint16_t number; /* A64_SYSREG; SYS operations have op0 = 1 */
    uint8_t access, trap, feature, flags;
    uint16_t offset; /* of the register in struct aarch64_state, when it is one */
    uint64_t mask;   /* its writable bits */
    /* NULL: that register. `write` returns false when it made a fault, and has then set c->fault. */
    uint64_t (*read)(struct aarch64_core *c, const struct aarch64_sysreg *r);
    bool (*write)(struct aarch64_core *c, const struct aarch64_sysreg *r, uint64_t value);
};

/* The index of a register the model has, or -1. `number`: as in bits 20:5 of the instruction. */
int aarch64_sysreg_find(const struct aarch64_core *c, uint32_t number);

/* The place in the state an access in this mode comes down to when there is nothing else to it; width 0:
 * there is. What is written is its lowest `width` bits, 32 or 64. */
struct aarch64_sysreg_place {
    uint16_t offset;
    uint8_t width;
};
struct aarch64_sysreg_place aarch64_sysreg_plain(uint32_t mode, int index, bool write);

/* Whether a write ends its block. */
bool aarch64_sysreg_ends(int index);

const struct aarch64_sysreg *aarch64_sysreg(int index);
unsigned aarch64_sysreg_count(void);

/* Whether the access is allowed now. False: c->fault is set. `rt` is for the syndrome. */
bool aarch64_sysreg_check(struct aarch64_core *c, const struct aarch64_sysreg *r, unsigned rt, bool write);

/* Whether UNDEFINED reads of this register are reported as trapped (FEAT_IDST: the ID space, at every level);
 * and the fault that is. Returns false. */
bool aarch64_sysreg_traps_undefined(const struct aarch64_core *c, uint32_t number);
bool aarch64_sysreg_trapped(struct aarch64_core *c, uint32_t number, unsigned rt, bool write);

/* Read or write without asking whether it is allowed: for handlers that did, and debuggers. */
uint64_t aarch64_sysreg_read(struct aarch64_core *c, const struct aarch64_sysreg *r);
bool aarch64_sysreg_write(struct aarch64_core *c, const struct aarch64_sysreg *r, uint64_t value);

/* Functions of the table, by the file they are in. */
#define SYSREG_READER(name) uint64_t name(struct aarch64_core *c, const struct aarch64_sysreg *r)
#define SYSREG_WRITER(name) bool name(struct aarch64_core *c, const struct aarch64_sysreg *r, uint64_t value)

SYSREG_READER(aarch64_read_id); /* id.c */
SYSREG_READER(aarch64_read_midr);
SYSREG_READER(aarch64_read_mpidr);
SYSREG_READER(aarch64_read_ctr);
SYSREG_READER(aarch64_read_dczid);
SYSREG_READER(aarch64_read_clidr);
SYSREG_READER(aarch64_read_ccsidr);
SYSREG_READER(aarch64_read_pmceid);

SYSREG_READER(aarch64_read_counter); /* timer.c */
SYSREG_READER(aarch64_read_timer);
SYSREG_WRITER(aarch64_write_timer);

SYSREG_READER(aarch64_read_pmu); /* pmu.c */
SYSREG_WRITER(aarch64_write_pmu);

SYSREG_READER(aarch64_read_debug); /* debug_registers.c */
SYSREG_WRITER(aarch64_write_debug);

SYSREG_WRITER(aarch64_write_tlbi); /* translation.c */
SYSREG_WRITER(aarch64_write_at);
SYSREG_READER(aarch64_read_translation);
SYSREG_WRITER(aarch64_write_translation);

SYSREG_READER(a64_read_fpcr); /* fpcr.c */
SYSREG_WRITER(a64_write_fpcr);
SYSREG_READER(a64_read_fpsr);
SYSREG_WRITER(a64_write_fpsr);
