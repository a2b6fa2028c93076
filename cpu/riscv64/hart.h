/*
 * The inside of a RISC-V core: the state, what the interpreter keeps beside it, and the functions its files
 * offer each other. Boards use core.h.
 */
#pragma once

#include "cpu/block.h"
#include "cpu/cpu.h"
#include "cpu/fp/fp.h"
#include "cpu/riscv64/core.h"
#include "softmmu/walkers/pmp.h"

struct riscv_core;
struct riscv_insn;

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

/* What counters can count beside retired instructions (counters.c). */
enum riscv_event {
    EVENT_LOAD_MISS, /* loads that missed both levels of the TLB */
    EVENT_STORE_MISS,
    EVENT_FETCH_MISS,
    EVENT_EXCEPTION,
    EVENT_INTERRUPT,
    EVENTS,
};

#define RISCV_COUNTERS 32 /* 0: mcycle, 2: minstret, 3..31: mhpmcounters; 1 is `time` and not counted */

struct riscv_core {
    struct vcpu vcpu;
    struct riscv_state s;

    /* The environment of floating-point arithmetic. While the core runs its flags are fflags; riscv_fp_enter
     * and riscv_fp_leave carry them from and to the state. */
    struct fp_env fp;

    /* The translation context in effect: riscv_context sets them when the outer loop sees `resync`. */
    struct tlb_bank *fetch_bank;
    uint64_t data_key, fetch_key;
    uint64_t jump_key; /* the fetch bank's generation and the mode: what `jumps` is compared with */
    uint32_t mode;
    struct pmp pmp;
    bool resync; /* the context, or which interrupts can be taken, may have changed */

    uint64_t loop_pc; /* without tail calls: the pc of the instruction that is to run */
    bool leaving;     /* run() is to return; *exit says why */
    struct vcpu_exit *exit;
    struct riscv_fault fault;

    uint32_t lines; /* 1 << enum riscv_line; atomic */

    uint32_t pauses; /* executed, for rv_pause */

    /* What an atomic operation is working on (riscv_atomic_at). */
    struct {
        uint64_t pa;
        bool watched; /* riscv_atomic_done is to be called */
    } atomic;

    /* run() stopped at a debug point here; going on from the same place doesn't stop again. */
    struct {
        bool valid, passing;
        uint64_t pc, icount;
    } stopped;

    /* Counters that count now: their registers lack source - start. */
    uint32_t counting;
    uint32_t hpm_selected;  /* mhpmcounters whose event is one there is */
    bool running;           /* counters count: inside run() */
    bool counters_filtered; /* some counter doesn't count in every mode */
    uint64_t counter_start[RISCV_COUNTERS];
    uint64_t events[EVENTS];

    struct clock_timer *timer; /* for stimecmp */
    uint32_t timer_due;        /* it has fired, or stimecmp was seen to be reached; atomic */

    struct block_cache *blocks;
    struct riscv_jump jumps[1 << JUMP_BITS];
    _Alignas(16) uint8_t single[sizeof(struct block) + 8 * 16]; /* riscv_block_single's block */

    struct riscv_register_table *registers; /* debug.c */
    uint64_t trace_x[32], trace_f[32];      /* before the instruction being traced */

    bool hypercalls, semihosting;
    struct riscv_model model;
};

static inline struct riscv_core *riscv_core_of(struct vcpu *vcpu)
{
    return container_of(vcpu, struct riscv_core, vcpu);
}

static inline void riscv_fp_enter(struct riscv_core *c)
{
    c->fp = fp_env_riscv;
    c->fp.flags = c->s.fflags;
}

static inline void riscv_fp_leave(struct riscv_core *c)
{
    c->s.fflags = c->fp.flags & FP_IEEE_FLAGS;
}

static inline bool riscv_has(const struct riscv_core *c, enum riscv_ext ext)
{
    return riscv_model_has(&c->model, ext);
}

/* The context, or which interrupts can be taken, may have changed: the outer loop is to look before the next
 * instruction. A handler that calls this ends its block with riscv_leave_after. */
static inline void riscv_resync(struct riscv_core *c)
{
    c->resync = true;
}

/* ---- trap.c ---- */

/* Take a trap: cause as in mcause. state.pc is the instruction it happens at. */
void riscv_trap(struct riscv_core *c, uint64_t cause, uint64_t tval);

/* Take the interrupt that is due, if there is one. */
bool riscv_interrupt(struct riscv_core *c);

/* mip as it is now: software's bits, lines, and the timer comparison. */
uint64_t riscv_mip(struct riscv_core *c);

/* Return from a trap (mret, sret): privilege and enables change, state.pc is set. */
void riscv_trap_return(struct riscv_core *c, enum riscv_privilege from);

/* Change privilege: counters that don't count everywhere are told. */
void riscv_privilege_set(struct riscv_core *c, enum riscv_privilege privilege);

/* Set or clear bits of mip that belong to software or to the core itself. Any thread. */
void riscv_mip_change(struct riscv_core *c, uint64_t set, uint64_t clear);

/* stimecmp or menvcfg.STCE changed: set the clock's timer for it. */
void riscv_timer_arm(struct riscv_core *c);

/* Look at the clock: whether stimecmp has been reached, also when the timer hasn't said so yet. Any thread.
 */
bool riscv_timer_look(struct riscv_core *c);

/* ---- run.c ---- */

void riscv_interpret(struct vcpu *vcpu, struct vcpu_exit *exit);

/* ---- counters.c ---- */

/* Counter n as of `icount` retired instructions. */
uint64_t riscv_counter_get(struct riscv_core *c, unsigned n, uint64_t icount);
void riscv_counter_set(struct riscv_core *c, unsigned n, uint64_t value);

/* Bring the registers up to date and stop counting: before a change of what decides about counting, and when
 * run() returns; then count on. Counting is off while the hart doesn't run. */
void riscv_counters_stop(struct riscv_core *c);
void riscv_counters_start(struct riscv_core *c);

/* mhpmevent, mcyclecfg or minstretcfg changed (between stop and start, or after a load). */
void riscv_counters_select(struct riscv_core *c);

/* Notice overflows up to now; returns the instruction count at which to ask again. */
uint64_t riscv_counters_check(struct riscv_core *c);

/* Something happened that a counter may be counting. */
void riscv_event(struct riscv_core *c, enum riscv_event event);

/* The counters that have overflowed since their OF bit was cleared, as in scountovf. */
uint32_t riscv_counters_overflowed(const struct riscv_core *c);
