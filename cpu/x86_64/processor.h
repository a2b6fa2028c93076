/*
 * The inside of an x86-64 processor: the state, what the interpreter keeps beside it, and the functions its
 * files offer each other. Boards use core.h.
 */
#pragma once

#include "cpu/block.h"
#include "cpu/cpu.h"
#include "cpu/fp/fp.h"
#include "cpu/x86_64/core.h"

struct x86_core;
struct x86_insn;

/* What decoding depends on beside the bytes: struct block's mode. */
enum x86_mode {
    MODE_64 = 1,        /* 64-bit code; else MODE_32 or neither: 16-bit code */
    MODE_32 = 2,        /* CS.D */
    MODE_PROTECTED = 4, /* protected and not virtual-8086: VEX is decoded */
    MODE_FLAT = 8,      /* CS has base 0 and limit 4 GiB (or this is 64-bit code): EIP needs no check */
    MODE_TS = 16,       /* CR0.TS: #NM */
    MODE_EM = 32,       /* CR0.EM: #NM for x87, #UD for MMX and SSE */
    MODE_SSE = 64,      /* CR4.OSFXSR */
    MODE_AVX = 128,     /* CR4.OSXSAVE, and XCR0 has SSE and AVX */
    MODE_BREAK = 256,   /* breakpoints, of the debugger or in DR7: blocks check for them */
};

enum x86_lazy_kind {
    LAZY_FLAGS,
    LAZY_SUB,
    LAZY_ADD,
    LAZY_RESULT,
};

/* Where jumps went: found by linear address. */
#define JUMP_BITS 12
struct x86_jump {
    uint64_t linear;
    uint64_t key; /* core->jump_key when it was filled in */
    const struct x86_insn *first;
};

/* An exception on its way to x86_raise. */
#define FAULT_STOP  0xff /* not an exception: run() is to return before the instruction (a watchpoint) */
#define FAULT_AGAIN 0xfe /* nor this: the instruction begins again, behind the interrupt that waits */
struct x86_fault {
    uint8_t vector; /* enum x86_exception, or FAULT_... */
    bool has_code;
    uint32_t code;
    uint64_t address; /* CR2 of a page fault */
};

/*
 * A segment as data accesses see it: [offset, offset + width) is allowed without further look when its end is
 * not above read_end or write_end. 0 when there is more to check.
 */
struct x86_view {
    uint64_t base;
    uint64_t read_end, write_end;
};

/* What arrives from other threads and is latched. */
enum x86_event {
    EVENT_NMI,
    EVENT_SMI,
    EVENT_INIT,
    EVENT_SIPI,
    EVENT_NMI_AGAIN, /* another one before the first was looked at */
};

struct x86_core {
    struct vcpu vcpu;
    struct x86_state s;

    /* The arithmetic flags (flags.h). The operands lie apart so that no compiler makes one store of them:
     * putting them together would cost more than the store. */
    struct {
        uint64_t a;
        uint32_t how; /* enum x86_lazy_kind | shift << 8 */
        uint64_t b;
    } lazy;

    struct x86_view view[6]; /* by enum x86_segment_number */
    uint64_t linear_mask;    /* linear addresses have 32 bits outside 64-bit mode */
    uint64_t stack_mask;     /* of RSP, by SS.B */
    uint64_t code_base;      /* CS */
    uint64_t code_end;       /* the first RIP beyond the limit; all ones in 64-bit mode */

    /* An operand in memory of up to 32 bytes, on its way to or from a handler that can't have locals. */
    union x86_vector operand;

    /* MXCSR as the floating-point library wants it, made from the value sse_mxcsr (sse_float.h); sse_flags
     * are the flags that are no news. */
    struct fp_env sse_env;
    uint32_t sse_mxcsr;
    uint8_t sse_flags;

    /* The translation context in effect: x86_context sets them when the outer loop sees `resync`. */
    struct tlb_bank *bank;
    uint64_t bank_key, jump_key;
    uint32_t mode;
    bool resync;
    bool leave_after; /* an instruction wrote to decoded code, or hit a data breakpoint: leave behind it */

    uint64_t pushed; /* on its way out of line */
    uint64_t target; /* of a jump on its way out of line */
    bool run_single; /* the next instruction is to be run by itself */
    unsigned pauses;
    uint64_t loop_pc; /* without tail calls: pc of the block that goes on */

    bool leaving; /* run() is to return; *exit says why */
    struct vcpu_exit *exit;
    struct x86_fault fault;
    bool task_switched; /* the exception in `fault` belongs to the task that was switched to */
    bool faulted;       /* the instruction run last ended in an exception */
    bool no_step;       /* it took TF away, and is not trapped */
    bool stepping; /* one instruction is run by itself: REP makes one iteration at a time when TF asks for it
                    */
    uint64_t atomic_pa; /* what x86_atomic_done is to report, when atomic_watched */
    bool atomic_watched;
    uint32_t debug_hits; /* data breakpoints (DR6 bits) the current instruction has hit */

    uint32_t lines;  /* 1 << X86_LINE_INTR; atomic */
    uint32_t events; /* 1 << enum x86_event: have arrived and are not in state yet; atomic */
    uint8_t sipi_vector;
    bool a20_open;
    uint64_t physical_mask; /* without bit 20 while A20 is closed; and MAXPHYADDR */
    uint16_t pkeys_seen;    /* protection keys of pages that have been translated since the last full flush */

    /* run() stopped at a debug point here; going on from the same place doesn't stop again. */
    struct {
        bool valid, passing;
        uint64_t linear, icount;
    } stopped;

    struct block_cache *blocks;
    struct x86_jump jumps[1 << JUMP_BITS];
    _Alignas(32) uint8_t single[sizeof(struct block) + 6 * 32]; /* x86_block_single's block */

    struct x86_model model;
    struct x86_hooks hooks;
    bool bootstrap;
    uint32_t apic_id;
    unsigned cores, threads;
    uint64_t tsc_hz; /* X86_TSC_HZ; or what the host's counts, where an engine uses that */
};

static inline struct x86_core *x86_core_of(struct vcpu *vcpu)
{
    return container_of(vcpu, struct x86_core, vcpu);
}

static inline bool x86_has(const struct x86_core *c, enum x86_feature feature)
{
    return x86_model_has(&c->model, feature);
}

/* Modes of operation. */
static inline bool x86_long_mode(const struct x86_core *c)
{
    return c->s.efer & EFER_LMA;
}

static inline bool x86_code64(const struct x86_core *c)
{
    return c->mode & MODE_64;
}

static inline bool x86_v86(const struct x86_core *c)
{
    return c->s.rflags & FLAG_VM;
}

/* Real or virtual-8086 mode: selectors are paragraph numbers. */
static inline bool x86_real_like(const struct x86_core *c)
{
    return !(c->s.cr0 & CR0_PE) || x86_v86(c);
}

/* Whether the bits above the lowest `width` are all as the highest of these is. */
static inline bool x86_canonical_to(uint64_t va, unsigned width)
{
    unsigned unused = 64 - width;
    return (uint64_t)((int64_t)(va << unused) >> unused) == va;
}

/* Whether the bits above those that paging translates are all alike. */
static inline bool x86_canonical(const struct x86_core *c, uint64_t va)
{
    return x86_canonical_to(va, c->s.cr4 & CR4_LA57 ? 57 : 48);
}

/* The same of an address that is only kept or dropped, not used: bases of segments and tables, MSRs, operands
 * of invalidations. What counts is what the processor could translate, whatever CR4.LA57 is. */
static inline bool x86_canonical_base(const struct x86_core *c, uint64_t va)
{
    return x86_canonical_to(va, x86_has(c, FEAT_LA57) ? 57 : 48);
}

static inline unsigned x86_iopl(const struct x86_core *c)
{
    return (c->s.rflags & FLAG_IOPL) >> FLAG_IOPL_SHIFT;
}

/* The context, or which events can be taken, may have changed: the outer loop is to look before the next
 * instruction. A handler that calls this ends its block. */
static inline void x86_resync(struct x86_core *c)
{
    c->resync = true;
}

/* Note an exception in c->fault; the value is false, so that helpers can `return x86_fault_gp(c, 0)`. */
static inline bool x86_fault(struct x86_core *c, enum x86_exception vector)
{
    c->fault = (struct x86_fault){.vector = vector};
    return false;
}

static inline bool x86_fault_code(struct x86_core *c, enum x86_exception vector, uint32_t code)
{
    c->fault = (struct x86_fault){.vector = vector, .has_code = true, .code = code};
    return false;
}

static inline bool x86_fault_gp(struct x86_core *c, uint32_t code)
{
    return x86_fault_code(c, EXC_GP, code);
}

static inline bool x86_fault_ud(struct x86_core *c)
{
    return x86_fault(c, EXC_UD);
}
