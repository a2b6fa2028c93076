/*
 * The inside of a RISC-V core: the state, what the interpreter keeps beside it, and the functions its files
 * offer each other. Boards use core.h.
 */
#pragma once

#include "cpu/block.h"
#include "cpu/cpu.h"
#include "cpu/riscv64/core.h"

struct riscv_core;
struct riscv_insn;
struct riscv_next;

/* What decoding depends on beside the bytes: struct block's mode. */
#define MODE_FP    1u /* mstatus.FS is not Off */
#define MODE_BREAK 2u /* breakpoints are set: blocks check for them */

/* Where jumps went: found by virtual address, for indirect jumps and those that leave their page. */
#define JUMP_BITS 12
struct riscv_jump {
    uint64_t pc;
    uint64_t key; /* core->jump_key when it was filled in */
    const struct riscv_insn *first;
};

/* An exception on its way to riscv_raise. */
#define FAULT_STOP 0xff /* not an exception: run() is to return before the instruction (a watchpoint) */
struct riscv_fault {
    uint8_t cause; /* enum riscv_exception, or FAULT_STOP */
    uint64_t tval;
};

struct riscv_core {
    struct vcpu vcpu;
    struct riscv_state s;

    /* The translation context in effect (mmu.c keeps them right; the outer loop asks when `resync` is set).
     */
    uint64_t bank_key;
    uint64_t jump_key; /* bank generation and mode: what entries of `jumps` are compared with */
    uint32_t mode;
    bool resync;

    bool leaving; /* run() is to return; *exit says why */
    struct vcpu_exit *exit;
    struct riscv_fault fault;

    struct block_cache *blocks;
    struct riscv_jump jumps[1 << JUMP_BITS];

    uint32_t lines; /* 1 << enum riscv_line; atomic */
    struct riscv_model model;
};

static inline struct riscv_core *riscv_core_of(struct vcpu *vcpu)
{
    return container_of(vcpu, struct riscv_core, vcpu);
}

static inline bool riscv_has(const struct riscv_core *c, enum riscv_ext ext)
{
    return riscv_model_has(&c->model, ext);
}
