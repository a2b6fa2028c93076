/*
 * What --trace asks for: which kinds of lines, from which one on, how many, and to which file.
 */
#pragma once

#include "base/error.h"
#include "base/trace.h"

/*
 * SPEC is kinds[:FILE][,from=N][,count=N] with kinds among insn,block,exc,irq,mmu,io or all:
 * "insn,exc:log.txt,count=1000". From and count are lines of the trace, of all kinds together. False and err
 * (ERROR_USAGE, ERROR_IMAGE).
 */
bool trace_open(const char *spec, struct error *err);

/* Flush and close. */
void trace_close(void);
