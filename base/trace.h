/*
 * Trace points. Code that may be traced asks `trace_on(TRACE_X)`, one load and test, and calls trace_line;
 * debug/trace.c decides what is on, counts and writes the lines.
 */
#pragma once

#include "base/types.h"

enum trace_kind {
    TRACE_INSN = 1 << 0,  /* each instruction, before it runs */
    TRACE_BLOCK = 1 << 1, /* each block entered */
    TRACE_EXC = 1 << 2,   /* exceptions and interrupts taken, returns from them */
    TRACE_IRQ = 1 << 3,   /* interrupt lines as controllers see them */
    TRACE_MMU = 1 << 4,   /* translations, faults, flushes */
    TRACE_IO = 1 << 5,    /* device register accesses */
};

extern uint32_t trace_mask;

static inline bool trace_on(enum trace_kind kind)
{
    return __builtin_expect(trace_mask & kind, 0) != 0;
}

/* One line of the given kind; cpu is the vCPU's index or -1. Thread-safe. */
void trace_line(enum trace_kind kind, int cpu, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Where lines go; debug/trace.c sets it. NULL: standard error. */
extern void (*trace_sink)(enum trace_kind kind, int cpu, const char *text);
