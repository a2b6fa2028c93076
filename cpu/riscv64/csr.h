/*
 * Control and status registers: a table, one line a register (csr_table.c), and access by number with every
 * check the manual asks for.
 */
#pragma once

#include "cpu/riscv64/hart.h"

struct riscv_csr {
    uint16_t number;
    uint8_t count; /* registers `count` numbers on are the same: mhpmcounter3..31 */
    uint8_t first; /* the number in the first one's name */
    const char *name;
    enum riscv_ext ext;

    /* Either a 64-bit member of riscv_state (at this offset) of which `mask` is writable ... */
    uint16_t field;
    uint64_t mask;

    /* ... or functions; n counts from 0 in a row of several. A register without `write` is read-only. */
    uint64_t (*read)(struct riscv_core *c, unsigned n);
    void (*write)(struct riscv_core *c, unsigned n, uint64_t value);

    /* Whether the present privilege may (NULL: the number says it all). */
    bool (*allowed)(struct riscv_core *c, unsigned n, bool write);
};

/* The register of this number, if it exists and the present mode may access it so; else NULL: illegal. */
const struct riscv_csr *riscv_csr_find(struct riscv_core *c, unsigned number, bool write);

uint64_t riscv_csr_read(struct riscv_core *c, const struct riscv_csr *csr, unsigned number);
void riscv_csr_write(struct riscv_core *c, const struct riscv_csr *csr, unsigned number, uint64_t value);

/* The value that csrrs and csrrc change bits of: what was read, but for mip.SEIP without the external line
 * (Priv. 3.1.9). */
uint64_t riscv_csr_modify_base(struct riscv_core *c, unsigned number, uint64_t read);

/* For debuggers and disassembly: the name (into text), whatever the privilege; false if the model has none.
 */
bool riscv_csr_name(const struct riscv_model *model, unsigned number, char *text, size_t size);

/* The same without checks, for debuggers. False if there is no such register. */
bool riscv_csr_debug_read(struct riscv_core *c, unsigned number, uint64_t *value);
bool riscv_csr_debug_write(struct riscv_core *c, unsigned number, uint64_t value);

/* Build the look-up table; as riscv_decode_init. */
void riscv_csr_init(void);

/* The tables: machine, supervisor, counters and timers, floating point and the rest of user level. */
struct riscv_csr_table {
    const struct riscv_csr *rows;
    size_t count;
};
extern const struct riscv_csr_table riscv_csrs_machine, riscv_csrs_supervisor, riscv_csrs_counters,
    riscv_csrs_user;

/* A row whose register is a plain member of riscv_state. */
#define CSR_FIELD(csr_number, csr_name, csr_ext, member, writable)                                           \
    {                                                                                                        \
        .number = csr_number, .count = 1, .name = csr_name, .ext = EXT_##csr_ext,                            \
        .field = offsetof(struct riscv_state, member), .mask = writable                                      \
    }

/* mstatus and what follows from a change, also for sstatus. */
uint64_t riscv_mstatus_get(const struct riscv_core *c);
void riscv_mstatus_set(struct riscv_core *c, uint64_t value);

/* The xtvec, xepc and envcfg rules that both levels share: the value a write of `value` leaves. */
uint64_t riscv_tvec_legal(uint64_t old, uint64_t value);
uint64_t riscv_epc_legal(const struct riscv_core *c, uint64_t value);
uint64_t riscv_envcfg_legal(const struct riscv_core *c, uint64_t old, uint64_t value);

/* Whether mstateen0.ENVCFG and its like let the present mode through. */
bool riscv_stateen_allows(const struct riscv_core *c, unsigned n, uint64_t bit);
