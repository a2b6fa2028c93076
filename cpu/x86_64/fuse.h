/*
 * Making a decoded block faster without changing what can be seen of it: arithmetic flags that nobody reads
 * are not kept, and instructions that often follow each other share a handler.
 *
 * A fused handler stands in the first instruction's slot; the other slots stay what they are, for the slow
 * ways out, which go on from the instruction they are at.
 */
#pragma once

#include "cpu/x86_64/interp.h"

/* Build the look-up tables. Before x86_fuse, on one thread; again does nothing. */
void x86_fuse_init(void);

/* `slots` instructions, the end slot included, pseudo-instructions among them. */
void x86_fuse(struct x86_insn *insns, unsigned slots);

/* What can be done with an instruction. Numbers are places in the lists of fuse_ops.h, -1: in none. */
struct x86_fusible {
    x86_handler *run;
    x86_handler *quiet;           /* the same without setting flags, or NULL */
    uint16_t reads, writes;       /* arithmetic flags */
    bool pure;                    /* registers only: no fault, no way out behind it */
    bool shift;                   /* by an immediate that, when it is 0, keeps it from writing any flags */
    int8_t first, second;         /* of a pair */
    int8_t undone, faulting;      /* of a pair without the first's flags, though the second may fault */
    int8_t comparison, condition; /* of a branch */
    int8_t before;                /* of a comparison and its branch */
    int8_t before_jump;
};

/* Handlers of an instruction with a jump, of pairs (without the first's flags, in the second function), of
 * comparisons with a branch, and of the same with an instruction in front. */
x86_handler *x86_fused_jump(const struct x86_fusible *before, const struct x86_fusible *jump);
x86_handler *x86_fused_pair(const struct x86_fusible *first, const struct x86_fusible *second);
x86_handler *x86_fused_undone(const struct x86_fusible *first, const struct x86_fusible *second);
x86_handler *x86_fused_branch(const struct x86_fusible *comparison, const struct x86_fusible *branch);
x86_handler *x86_fused_three(const struct x86_fusible *before, const struct x86_fusible *comparison,
                             const struct x86_fusible *branch);
