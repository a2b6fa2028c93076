/*
 * The inside of an A64 processing element: the state, what the interpreter keeps beside it, and the functions
 * its files offer each other. Boards use core.h.
 */
#pragma once

#include "cpu/aarch64/core.h"
#include "cpu/aarch64/registers.h"
#include "cpu/block.h"
#include "cpu/cpu.h"
#include "cpu/fp/fp.h"

struct aarch64_core;
struct a64_insn;
struct a64_link;
struct a64_decoder;

/* What decoding depends on beside the bytes: struct block's mode. */
enum a64_mode {
    MODE_EL1 = 1,      /* at EL1: what is UNDEFINED or trapped at EL0 */
    MODE_FP = 2,       /* SIMD&FP instructions don't trap */
    MODE_GUARDED = 4,  /* a guarded page: the first instruction looks at BTYPE */
    MODE_SP_CHECK = 8, /* SP is misaligned and accesses through it fault */
    MODE_SP0 = 16,     /* EL1 on SP_EL0: SP_EL0 can't be accessed by name */
    MODE_COUNTED = 32, /* accesses to memory are counted (pmu.h) */
};

/* Where jumps went: found by virtual address, for indirect jumps and those that leave their page. */
#define JUMP_BITS 12
struct aarch64_jump {
    _Alignas(32) uint64_t pc; /* never in two cache lines */
    uint64_t key;             /* core->jump_key when it was filled in */
    const struct a64_insn *first;
};

/* Where calls will return to, as the caller's block knows it. */
#define RETURN_BITS 4
struct aarch64_return {
    uint64_t pc;
    uint64_t key; /* core->jump_key of the call */
    struct a64_link *link;
};

/* A synchronous exception on its way to a64_raise. */
struct aarch64_fault {
    uint8_t ec; /* enum aarch64_ec, for an exception taken from the current level */
    uint32_t iss;
    uint64_t far;
    bool far_valid;
    bool stop; /* not an exception: run() is to return before the instruction (a debugger's watchpoint) */
};

/* Where TCR_EL1 has pointer authentication codes (pauth.c): for each half of the address space and each use,
 * all bits above the address, bit 55 included, up to the tag. */
struct aarch64_pac_layout {
    uint64_t fields[2][2]; /* [upper][data] */
    bool any_tags[2];      /* [data]: bit 55 tells the halves apart, not bit 63 */
    bool quick;            /* aarch64_pauth_quick_* may be asked */
};

/* A code that was computed (pauth.c). */
#define PAC_BITS 8
struct aarch64_pac {
    uint64_t text, modifier, key[2], code;
    bool valid;
};

/* Whether a page is guarded (mmu.c). */
struct aarch64_guard {
    uint64_t page, generation;
    bool guarded;
};

enum aarch64_timer {
    TIMER_PHYSICAL,
    TIMER_VIRTUAL,
    AARCH64_TIMERS,
};

/* What the performance monitors count now (pmu.c). Counter 31 is the cycle counter. */
struct aarch64_counting {
    uint32_t active;    /* counters that count */
    uint64_t start[32]; /* their sources when they were last brought up to date */
    bool accesses;      /* of which one counts accesses to memory */
    uint64_t events[3]; /* enum aarch64_pmu_event */
};

struct aarch64_core {
    struct vcpu vcpu;
    struct aarch64_state s;

    /* The environment of floating-point arithmetic: FPCR, and while the core runs the cumulative flags of
     * FPSR (fpcr.h). */
    struct fp_env fp;

    /* What loads left behind for their handlers (out-of-line loads return whether they worked). */
    uint64_t loaded[2];
    uint8_t structure[64]; /* and loads and stores of structures that take the slow path */

    /* The context in effect (mmu.c keeps it right; the outer loop asks when `resync` is set). */
    struct tlb_bank *bank;
    uint64_t bank_key;
    uint64_t user_key;          /* of accesses as if at EL0 (LDTR, STTR) */
    struct tlb_bank *user_bank; /* the bank that had user_key last; its key says whether it still does */
    bool global_below;          /* the TLB may hold global pages of the lower half */
    uint64_t jump_key;          /* bank generation and mode: what entries of `jumps` are compared with */
    uint32_t mode;
    bool resync;

    uint64_t btype_at; /* the instruction, by vcpu.icount, whose PSTATE.BTYPE state.btype is */

    uint64_t loop_pc; /* without tail calls: the pc of the block that is run */
    bool leaving;     /* run() is to return; *exit says why */
    struct vcpu_exit *exit;
    struct aarch64_fault fault;

    /* What an atomic operation is working on (aarch64_atomic_at). */
    struct {
        uint64_t pa;
        bool watched; /* aarch64_atomic_done is to be called */
    } atomic;

    /* run() stopped at a debug point here; going on from the same place doesn't stop again. */
    struct {
        bool valid, passing;
        uint64_t pc, icount;
    } stopped;

    /* Software step: the instruction ended without exception; it was a load-exclusive; the last instruction
     * executed was a stepped one. */
    struct {
        bool completed, exclusive, stepped;
    } stepping;

    struct aarch64_call call;                   /* of the last EXIT_HYPERCALL */
    struct clock_timer *timers[AARCH64_TIMERS]; /* enum aarch64_timer */
    struct clock_timer *wait_timer;             /* state.wait_end */
    /* When WFE was last executed with an armed monitor, and how often in a row. */
    struct {
        uint64_t icount;
        unsigned turns;
    } watching;
    uint32_t outputs; /* levels last given to board.outputs; under board.lock */
    struct aarch64_counting counting;
    bool posted; /* TLB maintenance was sent to other cores since the last DSB */

    struct a64_decoder *decoder;
    const uint64_t *bitmasks; /* logical immediates by N:immr:imms */
    struct block_cache *blocks;
    struct aarch64_jump jumps[1 << JUMP_BITS];
    struct aarch64_return returns[1 << RETURN_BITS];            /* the latest ones, going round */
    unsigned calls;                                             /* which is the last */
    _Alignas(16) uint8_t single[sizeof(struct block) + 8 * 16]; /* aarch64_block_single's block */

    struct aarch64_guard guards[64];
    struct aarch64_pac pacs[1 << PAC_BITS];
    struct aarch64_pac_layout pac_layout;

    uint32_t lines;                           /* 1 << enum aarch64_line; atomic */
    uint64_t trace_x[REG_COUNT];              /* before the instruction being traced */
    struct aarch64_register_table *registers; /* gdb.c */
    bool hypercalls;
    bool running; /* inside run(): counters count */
    uint32_t timer_hz;
    struct aarch64_model model;
    struct aarch64_board board;
};

static inline struct aarch64_core *aarch64_core_of(struct vcpu *vcpu)
{
    return container_of(vcpu, struct aarch64_core, vcpu);
}

/* PSTATE.BTYPE of the instruction that is next: 0 unless a branch has just set it. */
static inline unsigned aarch64_btype(const struct aarch64_core *c)
{
    return c->vcpu.icount == c->btype_at ? c->s.btype : 0;
}

static inline void aarch64_btype_set(struct aarch64_core *c, unsigned type)
{
    c->s.btype = (uint8_t)type;
    c->btype_at = c->vcpu.icount;
}

static inline bool aarch64_has(const struct aarch64_core *c, enum aarch64_feature feature)
{
    return aarch64_model_has(&c->model, feature);
}

/* The context, or which interrupts can be taken, may have changed: the outer loop is to look before the next
 * instruction. A handler that calls this ends with a64_go_on or leaves. */
static inline void aarch64_resync(struct aarch64_core *c)
{
    c->resync = true;
}

static inline unsigned aarch64_el(const struct aarch64_core *c)
{
    return c->s.pstate >> 2 & 3;
}

/* SCTLR_EL1 after a reset, which depends on the features (translation.c). */
uint64_t aarch64_sctlr_reset(const struct aarch64_core *c);

/* ---- run.c ---- */

void aarch64_interpret(struct vcpu *vcpu, struct vcpu_exit *exit);

/* run() returns because of a debug point at state.pc, and will not stop there again when it goes on. */
void aarch64_stopped_here(struct aarch64_core *c);

/* TRACE_INSN: the instruction at state.pc before it runs, and the registers it changed (disassemble.c). */
void aarch64_trace_before(struct aarch64_core *c);
void aarch64_trace_after(struct aarch64_core *c);
