/*
 * The x87's stack and exceptions, for its instructions. One goes
 *
 *     struct x87 x;
 *     if (!x87_begin(c, i, width, &x)) return false;     waiting exception (#MF), memory operand
 *     ... operands, results with x.env ...
 *     if (x87_end(&x)) ... results into place, pop or push ...
 *
 * An exception that is unmasked is noted in the status word, and raised by the next instruction that waits:
 * it is no failure of this one.
 */
#pragma once

#include "cpu/fp/x87.h"
#include "cpu/x86_64/sse_float.h"

/* The status word (SDM vol. 1, 8.1.3). */
#define FSW_IE BIT(0)
#define FSW_SF BIT(6)
#define FSW_ES BIT(7)
#define FSW_C0 BIT(8)
#define FSW_C1 BIT(9)
#define FSW_C2 BIT(10)
#define FSW_C3 BIT(14)
#define FSW_B  BIT(15)
#define FSW_CC (FSW_C0 | FSW_C2 | FSW_C3)

#define FSW_TOP_SHIFT 11
#define FCW_PC_SHIFT  8
#define FCW_RC_SHIFT  10

struct x87 {
    struct x86_core *c;
    struct fp_env env;
    bool underflow, overflow; /* of the stack */
};

bool x87_begin(struct x86_core *c, const struct x86_insn *i, unsigned width, struct x87 *x);

/* Exceptions into the status word. True: the results are to be delivered. To memory they aren't when overflow
 * or underflow is unmasked. x87_delivers answers without the status word being changed. */
bool x87_end(struct x87 *x);
bool x87_end_store(struct x87 *x);
bool x87_delivers(const struct x87 *x, bool to_memory);

/* Of instructions without results, that change C1 only where the stack underflows (FCMOVcc, FCOMI): the same,
 * but C1 stays else. */
bool x87_end_keeping_c1(struct x87 *x);

/* Busy and the error summary from flags and masks. */
void x87_summary_set(struct x86_state *s);

/* ---- registers ---- */

static inline unsigned x87_physical(const struct x86_state *s, unsigned n)
{
    return ((s->fsw >> FSW_TOP_SHIFT) + n) & 7;
}

static inline bool x87_empty(const struct x86_state *s, unsigned n)
{
    return (s->ftw >> 2 * x87_physical(s, n) & 3) == 3;
}

/* ST(n), which must not be empty: else that is noted, and the value the indefinite NaN. */
f80_t x87_operand(struct x87 *x, unsigned n);

/* As they are. */
f80_t x87_get(const struct x86_state *s, unsigned n);
void x87_set(struct x86_state *s, unsigned n, f80_t value);
void x87_free(struct x86_state *s, unsigned n);
void x87_pop(struct x86_state *s);
void x87_push(struct x86_state *s, f80_t value);

/* Note that there is no room to push. */
void x87_room_check(struct x87 *x);

/* The condition codes in `mask`. */
static inline void x87_codes_set(struct x86_state *s, uint64_t mask, uint64_t codes)
{
    s->fsw = (uint16_t)((s->fsw & ~mask) | (codes & mask));
}

#define X87_INDEFINITE ((f80_t){.mant = 0xc000000000000000, .se = 0xffff})
