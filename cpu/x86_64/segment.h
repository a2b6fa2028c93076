/*
 * Descriptors and what loads them, and stacks other than the current one: the parts far transfers, interrupts
 * and task switches are made of. Functions that can fail are false with c->fault set.
 */
#pragma once

#include "cpu/x86_64/mmu.h"

/* How control transfers report a selector: the exception, with EXT for what the program didn't ask for. */
#define ERROR_EXT 1u
#define ERROR_IDT 2u

struct x86_descriptor {
    uint64_t linear; /* where it lies */
    uint32_t low, high;
    uint32_t upper; /* bits 32..63 of the base or offset of 16-byte descriptors; else 0 */
    uint16_t selector;
    uint16_t attributes;
};

static inline unsigned x86_dpl(uint16_t attributes)
{
    return attributes >> SEG_DPL_SHIFT & 3;
}

static inline bool x86_is_code(uint16_t attributes)
{
    return (attributes & (SEG_S | SEG_CODE)) == (SEG_S | SEG_CODE);
}

static inline bool x86_is_data(uint16_t attributes)
{
    return (attributes & (SEG_S | SEG_CODE)) == SEG_S;
}

/* enum x86_system_type; only where S is clear. */
static inline unsigned x86_type(uint16_t attributes)
{
    return attributes & 15;
}

static inline bool x86_is_null(uint16_t selector)
{
    return (selector & ~3u) == 0;
}

/* The error code that names a selector. */
static inline uint32_t x86_selector_error(uint16_t selector, uint32_t ext)
{
    return (selector & ~3u) | ext;
}

/* Read the descriptor a selector (not null) names; beyond the table's limit: `vector` with the selector. */
bool x86_descriptor_read(struct x86_core *c, uint16_t selector, enum x86_exception vector, uint32_t ext,
                         struct x86_descriptor *d);

/* The second half of a 16-byte descriptor, whose type field must be 0. */
bool x86_descriptor_read_upper(struct x86_core *c, enum x86_exception vector, uint32_t ext,
                               struct x86_descriptor *d);

/* The segment a descriptor describes. */
struct x86_segment x86_segment_of(const struct x86_descriptor *d);

/* Set the accessed bit, or the busy bit of a TSS, in the table; d is brought up to date. */
bool x86_descriptor_mark(struct x86_core *c, struct x86_descriptor *d, uint16_t set, uint16_t clear);

/* Load a segment register from a program's selector, with all checks (MOV, POP, LDS...; not CS). */
bool x86_data_segment_load(struct x86_core *c, unsigned number, uint16_t selector);

/* As real and virtual-8086 mode load one: the base is the selector times 16, all else stays (real mode) or is
 * as the mode wants (virtual-8086). */
void x86_real_segment_load(struct x86_core *c, unsigned number, uint16_t selector);
void x86_v86_segment_load(struct x86_core *c, unsigned number, uint16_t selector);

/* A segment register becomes null. */
void x86_null_segment_load(struct x86_core *c, unsigned number, uint16_t selector);

/* The checks of SS for a stack of privilege `cpl`: type, RPL, DPL; `vector` for what is wrong, #SS when it is
 * not present. */
bool x86_stack_segment_read(struct x86_core *c, uint16_t selector, unsigned cpl, enum x86_exception vector,
                            uint32_t ext, struct x86_descriptor *d);

/* After a change to an outer level: data segments the new level may not see become null. */
void x86_data_segments_restrict(struct x86_core *c);

/* Load CS; CPL becomes `cpl`. */
void x86_code_segment_load(struct x86_core *c, const struct x86_descriptor *d, unsigned cpl);
void x86_cpl_set(struct x86_core *c, unsigned cpl);

/* Whether RIP may be `rip` in this code segment: its limit, or canonical; else #GP(0 | ext). */
bool x86_rip_valid(struct x86_core *c, const struct x86_descriptor *code, uint64_t rip, uint32_t ext);

/* A stack that may be another one than SS:RSP says. */
struct x86_stack {
    struct x86_segment ss;
    uint64_t sp;
    bool long_mode; /* no segmentation */
    enum x86_as as;
    uint32_t error; /* of #SS */
};

struct x86_stack x86_stack_current(const struct x86_core *c);
bool x86_stack_push(struct x86_core *c, struct x86_stack *stack, unsigned width, uint64_t value);
bool x86_stack_pop(struct x86_core *c, struct x86_stack *stack, unsigned width, uint64_t *value);
/* The value `offset` bytes above the top. */
bool x86_stack_peek(struct x86_core *c, const struct x86_stack *stack, uint64_t offset, unsigned width,
                    uint64_t *value);
/* Make sp, masked as the segment says, the current RSP. */
void x86_stack_commit(struct x86_core *c, const struct x86_stack *stack);

/* SSn:ESPn of the TSS, or RSPn. #TS when the TSS is too short. */
bool x86_tss_stack(struct x86_core *c, unsigned cpl, uint32_t ext, uint16_t *ss, uint64_t *sp);

/* ---- task.c ---- */

enum x86_task_cause {
    TASK_JUMP,
    TASK_CALL,
    TASK_INTERRUPT,
    TASK_IRET,
};

/* Switch to the task of a TSS descriptor (already checked for type and privilege), or of a task gate's
 * selector. */
bool x86_task_switch(struct x86_core *c, struct x86_descriptor *tss, enum x86_task_cause cause, uint32_t ext);
bool x86_task_gate(struct x86_core *c, const struct x86_descriptor *gate, enum x86_task_cause cause,
                   uint32_t ext);
/* IRET with NT set. */
bool x86_task_return(struct x86_core *c);

/* An exception's error code, pushed on the new task's stack. */
bool x86_task_push_error(struct x86_core *c, uint32_t code, uint32_t ext);
