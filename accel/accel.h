/*
 * The engines of this program, and which of them runs a guest. A hardware back end is a struct engine
 * (cpu/cpu.h) like the interpreter, with one thing more: whether it is good enough to be taken unasked.
 *
 * A user who names an engine gets it or an error. With "auto", a hardware back end is taken when it is for the
 * guest's architecture and has all that an operating system there may expect; else the interpreter.
 */
#pragma once

#include "cpu/cpu.h"

struct accel {
    const struct engine *engine;
    /* Whether this host seems to be meant to offer it to such guests: then a user wants to hear why not. */
    bool (*expected)(const struct cpu_ops *ops);
    /* What `auto` asks beyond engine.probe. False and err: what is missing, in words. */
    bool (*suits)(const struct cpu_ops *ops, struct error *err);
};

/* Every engine, the best first; NULL at the end. Those without `suits` are always good enough. */
const struct accel *accel_get(unsigned index);

/* What --accel can be, for help and errors: "auto|kvm|interp". */
const char *accel_names(void);

/*
 * The engine for a guest: the one called `name`, or with "auto" or NULL the best. Counted time needs an engine
 * that counts instructions: the interpreter. NULL and err (ERROR_USAGE for an unknown name).
 */
const struct engine *accel_choose(const char *name, const struct cpu_ops *ops, bool counted,
                                  struct error *err);
