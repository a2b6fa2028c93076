/*
 * tribench as a machine's first process: it finds its settings on the kernel's command line and turns the
 * machine off.
 */
#pragma once

#include <stdint.h>

struct settings {
    double scale;     /* factor on every benchmark's rounds */
    uint64_t rounds;  /* replaces them if not 0 */
    const char *only; /* which benchmarks to run; all if null */
};

/*
 * Mounts /proc, /sys and /dev and reads bench.scale=FACTOR and bench.only=LIST from the kernel's command
 * line; what is missing or out of range leaves *settings as it was. The strings stay valid for good.
 */
void init_prepare(struct settings *settings);

/*
 * Sleeps until the kernel has nothing more to do of its own: for a second or two it tests its ciphers while
 * the first process runs already, which would count as work of the first benchmark, and of whichever that is.
 */
void init_settle(void);

/* Powers the machine off; where that does nothing, waits for ever, since an init that returns is a kernel
 * panic. */
_Noreturn void init_power_off(void);
