/*
 * What the benchmark programs share: the benchmarks' one signature, the generator of their input, and the way
 * to give up. Everything is deterministic: the same rounds give the same checksum on every architecture and
 * every run.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Does `rounds` units of work (at least 1) and returns a checksum that depends on all of it. Calls
 * bench_fail() if the operating system refuses something.
 */
typedef uint64_t bench_function(uint64_t rounds);

struct benchmark {
    const char *group;
    const char *name;
    bench_function *run;
    uint64_t rounds; /* at scale 1: 0.3 to 1 s under a translating emulator */
};

bench_function bench_sieve, bench_quicksort, bench_calls, bench_recursion;
bench_function bench_crc32, bench_sha256;
bench_function bench_interpreter;
bench_function bench_mix;
bench_function bench_chase, bench_memcpy;
bench_function bench_nbody, bench_mandelbrot, bench_matrix;
bench_function bench_syscalls, bench_pipe, bench_fork, bench_faults, bench_signals, bench_atomics;

/* Says that the running benchmark failed at `what` (with errno's text) and ends the program. */
_Noreturn void bench_fail(const char *what);

/* A step of a 64-bit linear congruential generator (Knuth's MMIX constants); the high half is the result. */
static inline uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 32);
}

/* Folds a value into a checksum. */
static inline uint64_t fold(uint64_t sum, uint64_t value)
{
    return (sum ^ value) * 0x100000001b3u;
}

/* Makes the compiler believe that memory was read and changed: it can't drop or hoist a round's work. */
static inline void touch_memory(void *pointer)
{
    __asm__ volatile("" : "+r"(pointer) : : "memory");
}
