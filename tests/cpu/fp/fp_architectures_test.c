/*
 * Where the architectures differ: which NaN survives, what minimum and maximum make of one, what a conversion
 * that is invalid gives, how subnormals are flagged and flushed, and ARM's estimates. The SSE rows are what a
 * processor gives, the ARM rows what another implementation of the ARM ARM's pseudocode gives; the RISC-V
 * rows are its manual's rules.
 */
#include "cpu/fp/arm.h"
#include "cpu/fp/fast.h"
#include "tests/harness/test.h"

enum environment { RISCV, ARM, ARM_DN, ARM_FZ, SSE };

enum operation {
    ADD,
    MUL,
    DIV,
    SQRT,
    FMA,
    MIN_X86,
    MAX_X86,
    MIN_2008,
    MAX_PROPAGATE,
    MIN_NUMBER,
    MIN_PROPAGATE,
    RECPE,
    RSQRTE,
    RECPX,
    RECPS,
    RSQRTS,
    MULX,
    RINT32,
    BFDOT,
};

/* clang-format off */
static const struct {
    enum environment environment;
    enum operation operation;
    f32_t a, b, c, result;
    unsigned flags;
} rows[] = {
    {RISCV, ADD, 0x7fc12345, 0xffcabcde, 0x00000000, 0x7fc00000, 0x00},
    {RISCV, ADD, 0x3f800000, 0xff8abcde, 0x00000000, 0x7fc00000, 0x10},
    {RISCV, FMA, 0x7f800000, 0x00000000, 0x7fc12345, 0x7fc00000, 0x10},
    {RISCV, FMA, 0x3f800000, 0x3f800000, 0x7fc12345, 0x7fc00000, 0x00},
    {RISCV, SQRT, 0xbf800000, 0x00000000, 0x00000000, 0x7fc00000, 0x10},
    {RISCV, MIN_NUMBER, 0x7f812345, 0x3f800000, 0x00000000, 0x3f800000, 0x10},
    {RISCV, MIN_NUMBER, 0x3f800000, 0x7fc12345, 0x00000000, 0x3f800000, 0x00},
    {RISCV, MIN_NUMBER, 0x7fc12345, 0xffcabcde, 0x00000000, 0x7fc00000, 0x00},
    {RISCV, MIN_NUMBER, 0x7fc12345, 0x7f812345, 0x00000000, 0x7fc00000, 0x10},
    {RISCV, MIN_NUMBER, 0x00000000, 0x80000000, 0x00000000, 0x80000000, 0x00},
    {RISCV, MIN_PROPAGATE, 0x3f800000, 0x7fc12345, 0x00000000, 0x7fc00000, 0x00},
    {RISCV, MIN_PROPAGATE, 0x7f812345, 0x3f800000, 0x00000000, 0x7fc00000, 0x10},
    {RISCV, MIN_PROPAGATE, 0x80000000, 0x00000000, 0x00000000, 0x80000000, 0x00},
    {RISCV, MUL, 0x00012345, 0x3f800000, 0x00000000, 0x00012345, 0x00},
    {SSE, ADD, 0x7fc12345, 0xffcabcde, 0x00000000, 0x7fc12345, 0x00},
    {SSE, ADD, 0xffcabcde, 0x7fc12345, 0x00000000, 0xffcabcde, 0x00},
    {SSE, ADD, 0x7fc12345, 0xff8abcde, 0x00000000, 0x7fc12345, 0x10},
    {SSE, ADD, 0x7f812345, 0xffcabcde, 0x00000000, 0x7fc12345, 0x10},
    {SSE, ADD, 0x7f812345, 0xff8abcde, 0x00000000, 0x7fc12345, 0x10},
    {SSE, ADD, 0x3f800000, 0xffcabcde, 0x00000000, 0xffcabcde, 0x00},
    {SSE, ADD, 0x3f800000, 0xff8abcde, 0x00000000, 0xffcabcde, 0x10},
    {SSE, ADD, 0x7f812345, 0x3f800000, 0x00000000, 0x7fc12345, 0x10},
    {SSE, ADD, 0x00012345, 0x7fc12345, 0x00000000, 0x7fc12345, 0x00},
    {SSE, ADD, 0x7f800000, 0xff800000, 0x00000000, 0xffc00000, 0x10},
    {SSE, ADD, 0x00012345, 0x3f800000, 0x00000000, 0x3f800000, 0x21},
    {SSE, ADD, 0x00012345, 0x7f800000, 0x00000000, 0x7f800000, 0x20},
    {SSE, MUL, 0x7f800000, 0x00000000, 0x00000000, 0xffc00000, 0x10},
    {SSE, MUL, 0x00012345, 0x00000000, 0x00000000, 0x00000000, 0x20},
    {SSE, MUL, 0x00012345, 0x7f800000, 0x00000000, 0x7f800000, 0x20},
    {SSE, MUL, 0x00012345, 0x3f800000, 0x00000000, 0x00012345, 0x20},
    {SSE, DIV, 0x00000000, 0x00000000, 0x00000000, 0xffc00000, 0x10},
    {SSE, DIV, 0x3f800000, 0x00000000, 0x00000000, 0x7f800000, 0x08},
    {SSE, DIV, 0x00012345, 0x00000000, 0x00000000, 0x7f800000, 0x08},
    {SSE, DIV, 0x00000000, 0x00012345, 0x00000000, 0x00000000, 0x20},
    {SSE, DIV, 0x7f800000, 0x00012345, 0x00000000, 0x7f800000, 0x20},
    {SSE, DIV, 0x00012345, 0x00012345, 0x00000000, 0x3f800000, 0x20},
    {SSE, FMA, 0x7fc12345, 0xffcabcde, 0x7f812345, 0x7fc12345, 0x10},
    {SSE, FMA, 0x3f800000, 0xffcabcde, 0x7fc12345, 0xffcabcde, 0x00},
    {SSE, FMA, 0x3f800000, 0x3f800000, 0xff8abcde, 0xffcabcde, 0x10},
    {SSE, FMA, 0x7f800000, 0x00000000, 0x7fc12345, 0x7fc12345, 0x00},
    {SSE, FMA, 0x7f800000, 0x00000000, 0x7f812345, 0x7fc12345, 0x10},
    {SSE, FMA, 0x7f800000, 0x00000000, 0x3f800000, 0xffc00000, 0x10},
    {SSE, FMA, 0x7f812345, 0xffcabcde, 0x3f800000, 0x7fc12345, 0x10},
    {SSE, FMA, 0xffcabcde, 0x3f800000, 0x7f812345, 0xffcabcde, 0x10},
    {SSE, FMA, 0x00012345, 0x3f800000, 0x3f800000, 0x3f800000, 0x21},
    {SSE, MIN_X86, 0x7fc12345, 0x3f800000, 0x00000000, 0x3f800000, 0x10},
    {SSE, MAX_X86, 0x7fc12345, 0x3f800000, 0x00000000, 0x3f800000, 0x10},
    {SSE, MIN_X86, 0x3f800000, 0x7fc12345, 0x00000000, 0x7fc12345, 0x10},
    {SSE, MAX_X86, 0x3f800000, 0x7fc12345, 0x00000000, 0x7fc12345, 0x10},
    {SSE, MIN_X86, 0x7f812345, 0x3f800000, 0x00000000, 0x3f800000, 0x10},
    {SSE, MAX_X86, 0x7f812345, 0x3f800000, 0x00000000, 0x3f800000, 0x10},
    {SSE, MIN_X86, 0x3f800000, 0x7f812345, 0x00000000, 0x7f812345, 0x10},
    {SSE, MAX_X86, 0x3f800000, 0x7f812345, 0x00000000, 0x7f812345, 0x10},
    {SSE, MIN_X86, 0x00000000, 0x80000000, 0x00000000, 0x80000000, 0x00},
    {SSE, MAX_X86, 0x00000000, 0x80000000, 0x00000000, 0x80000000, 0x00},
    {SSE, MIN_X86, 0x80000000, 0x00000000, 0x00000000, 0x00000000, 0x00},
    {SSE, MAX_X86, 0x80000000, 0x00000000, 0x00000000, 0x00000000, 0x00},
    {SSE, MIN_X86, 0x00012345, 0x3f800000, 0x00000000, 0x00012345, 0x20},
    {SSE, MAX_X86, 0x00012345, 0x3f800000, 0x00000000, 0x3f800000, 0x20},
    {SSE, SQRT, 0x7f812345, 0x00000000, 0x00000000, 0x7fc12345, 0x10},
    {SSE, SQRT, 0xffcabcde, 0x00000000, 0x00000000, 0xffcabcde, 0x00},
    {SSE, SQRT, 0xbf800000, 0x00000000, 0x00000000, 0xffc00000, 0x10},
    {SSE, SQRT, 0x80000000, 0x00000000, 0x00000000, 0x80000000, 0x00},
    {SSE, SQRT, 0x80012345, 0x00000000, 0x00000000, 0xffc00000, 0x10},
    {SSE, SQRT, 0x00012345, 0x00000000, 0x00000000, 0x1e411636, 0x21},
    {ARM, ADD, 0x7fc12345, 0xffcabcde, 0x00000000, 0x7fc12345, 0x00},
    {ARM, ADD, 0xffcabcde, 0x7fc12345, 0x00000000, 0xffcabcde, 0x00},
    {ARM, ADD, 0x7fc12345, 0xff8abcde, 0x00000000, 0xffcabcde, 0x10},
    {ARM, ADD, 0x7f812345, 0xffcabcde, 0x00000000, 0x7fc12345, 0x10},
    {ARM, ADD, 0x7f812345, 0xff8abcde, 0x00000000, 0x7fc12345, 0x10},
    {ARM, ADD, 0x3f800000, 0xffcabcde, 0x00000000, 0xffcabcde, 0x00},
    {ARM, ADD, 0x3f800000, 0xff8abcde, 0x00000000, 0xffcabcde, 0x10},
    {ARM, ADD, 0x7f800000, 0xff800000, 0x00000000, 0x7fc00000, 0x10},
    {ARM_DN, ADD, 0x7fc12345, 0xffcabcde, 0x00000000, 0x7fc00000, 0x00},
    {ARM_DN, ADD, 0x7fc12345, 0xff8abcde, 0x00000000, 0x7fc00000, 0x10},
    {ARM, FMA, 0x7fc12345, 0xffcabcde, 0x7f812345, 0x7fc12345, 0x10},
    {ARM, FMA, 0x3f800000, 0xffcabcde, 0x7fc12345, 0x7fc12345, 0x00},
    {ARM, FMA, 0x3f800000, 0x3f800000, 0xff8abcde, 0xffcabcde, 0x10},
    {ARM, FMA, 0x7f800000, 0x00000000, 0x7fc12345, 0x7fc00000, 0x10},
    {ARM, FMA, 0x7f800000, 0x00000000, 0x7f812345, 0x7fc12345, 0x10},
    {ARM, FMA, 0x7f800000, 0x00000000, 0x3f800000, 0x7fc00000, 0x10},
    {ARM, FMA, 0x7f812345, 0xffcabcde, 0x3f800000, 0x7fc12345, 0x10},
    {ARM, FMA, 0xffcabcde, 0x3f800000, 0x7f812345, 0x7fc12345, 0x10},
    {ARM, FMA, 0xffcabcde, 0x7fc12345, 0x3f800000, 0xffcabcde, 0x00},
    {ARM_DN, FMA, 0x7f800000, 0x00000000, 0x7fc12345, 0x7fc00000, 0x10},
    {ARM, MIN_2008, 0x7fc12345, 0x3f800000, 0x00000000, 0x3f800000, 0x00},
    {ARM, MAX_PROPAGATE, 0x7fc12345, 0x3f800000, 0x00000000, 0x7fc12345, 0x00},
    {ARM, MIN_2008, 0x3f800000, 0x7fc12345, 0x00000000, 0x3f800000, 0x00},
    {ARM, MAX_PROPAGATE, 0x3f800000, 0x7fc12345, 0x00000000, 0x7fc12345, 0x00},
    {ARM, MIN_2008, 0x7f812345, 0x3f800000, 0x00000000, 0x7fc12345, 0x10},
    {ARM, MAX_PROPAGATE, 0x7f812345, 0x3f800000, 0x00000000, 0x7fc12345, 0x10},
    {ARM, MIN_2008, 0x3f800000, 0x7f812345, 0x00000000, 0x7fc12345, 0x10},
    {ARM, MAX_PROPAGATE, 0x3f800000, 0x7f812345, 0x00000000, 0x7fc12345, 0x10},
    {ARM, MIN_2008, 0x7fc12345, 0xff8abcde, 0x00000000, 0xffcabcde, 0x10},
    {ARM, MAX_PROPAGATE, 0x7fc12345, 0xff8abcde, 0x00000000, 0xffcabcde, 0x10},
    {ARM, MIN_2008, 0x00000000, 0x80000000, 0x00000000, 0x80000000, 0x00},
    {ARM, MAX_PROPAGATE, 0x00000000, 0x80000000, 0x00000000, 0x00000000, 0x00},
    {ARM, MUL, 0x00800000, 0x3f7fffff, 0x00000000, 0x00800000, 0x03},
    {ARM_FZ, MUL, 0x00800000, 0x3f7fffff, 0x00000000, 0x00000000, 0x02},
    {ARM, MUL, 0x00800001, 0x3f7fffff, 0x00000000, 0x00800000, 0x01},
    {ARM_FZ, MUL, 0x00800001, 0x3f7fffff, 0x00000000, 0x00800000, 0x01},
    {ARM, MUL, 0x00012345, 0x3f800000, 0x00000000, 0x00012345, 0x00},
    {ARM_FZ, MUL, 0x00012345, 0x3f800000, 0x00000000, 0x00000000, 0x40},
    {ARM, MUL, 0x00012345, 0x00000000, 0x00000000, 0x00000000, 0x00},
    {ARM_FZ, MUL, 0x00012345, 0x00000000, 0x00000000, 0x00000000, 0x40},
    {ARM, MUL, 0x00800000, 0x00800000, 0x00000000, 0x00000000, 0x03},
    {ARM_FZ, MUL, 0x00800000, 0x00800000, 0x00000000, 0x00000000, 0x02},
    {ARM, RECPE, 0x3f800000, 0x00000000, 0x00000000, 0x3f7f8000, 0x00},
    {ARM, RSQRTE, 0x3f800000, 0x00000000, 0x00000000, 0x3f7f8000, 0x00},
    {ARM, RECPX, 0x3f800000, 0x00000000, 0x00000000, 0x40000000, 0x00},
    {ARM, RECPE, 0x40000000, 0x00000000, 0x00000000, 0x3eff8000, 0x00},
    {ARM, RSQRTE, 0x40000000, 0x00000000, 0x00000000, 0x3f348000, 0x00},
    {ARM, RECPX, 0x40000000, 0x00000000, 0x00000000, 0x3f800000, 0x00},
    {ARM, RECPE, 0x3fc00000, 0x00000000, 0x00000000, 0x3f2a8000, 0x00},
    {ARM, RSQRTE, 0x3fc00000, 0x00000000, 0x00000000, 0x3f510000, 0x00},
    {ARM, RECPX, 0x3fc00000, 0x00000000, 0x00000000, 0x40000000, 0x00},
    {ARM, RECPE, 0x40400000, 0x00000000, 0x00000000, 0x3eaa8000, 0x00},
    {ARM, RSQRTE, 0x40400000, 0x00000000, 0x00000000, 0x3f138000, 0x00},
    {ARM, RECPX, 0x40400000, 0x00000000, 0x00000000, 0x3f800000, 0x00},
    {ARM, RECPE, 0x7f7fffff, 0x00000000, 0x00000000, 0x00200000, 0x00},
    {ARM, RSQRTE, 0x7f7fffff, 0x00000000, 0x00000000, 0x1f800000, 0x00},
    {ARM, RECPX, 0x7f7fffff, 0x00000000, 0x00000000, 0x00800000, 0x00},
    {ARM, RECPE, 0x00012345, 0x00000000, 0x00000000, 0x7f800000, 0x05},
    {ARM, RSQRTE, 0x00012345, 0x00000000, 0x00000000, 0x60aa0000, 0x00},
    {ARM, RECPX, 0x00012345, 0x00000000, 0x00000000, 0x7f000000, 0x00},
    {ARM, RECPE, 0x00200000, 0x00000000, 0x00000000, 0x7f7f8000, 0x00},
    {ARM, RSQRTE, 0x00200000, 0x00000000, 0x00000000, 0x5f7f8000, 0x00},
    {ARM, RECPX, 0x00200000, 0x00000000, 0x00000000, 0x7f000000, 0x00},
    {ARM, RECPE, 0x00400000, 0x00000000, 0x00000000, 0x7eff8000, 0x00},
    {ARM, RSQRTE, 0x00400000, 0x00000000, 0x00000000, 0x5f348000, 0x00},
    {ARM, RECPX, 0x00400000, 0x00000000, 0x00000000, 0x7f000000, 0x00},
    {ARM, RECPE, 0x00100000, 0x00000000, 0x00000000, 0x7f800000, 0x05},
    {ARM, RSQRTE, 0x00100000, 0x00000000, 0x00000000, 0x5fb48000, 0x00},
    {ARM, RECPX, 0x00100000, 0x00000000, 0x00000000, 0x7f000000, 0x00},
    {ARM, RECPE, 0x00000000, 0x00000000, 0x00000000, 0x7f800000, 0x08},
    {ARM, RSQRTE, 0x00000000, 0x00000000, 0x00000000, 0x7f800000, 0x08},
    {ARM, RECPX, 0x00000000, 0x00000000, 0x00000000, 0x7f000000, 0x00},
    {ARM, RECPE, 0x80000000, 0x00000000, 0x00000000, 0xff800000, 0x08},
    {ARM, RSQRTE, 0x80000000, 0x00000000, 0x00000000, 0xff800000, 0x08},
    {ARM, RECPX, 0x80000000, 0x00000000, 0x00000000, 0xff000000, 0x00},
    {ARM, RECPE, 0x7f800000, 0x00000000, 0x00000000, 0x00000000, 0x00},
    {ARM, RSQRTE, 0x7f800000, 0x00000000, 0x00000000, 0x00000000, 0x00},
    {ARM, RECPX, 0x7f800000, 0x00000000, 0x00000000, 0x00000000, 0x00},
    {ARM, RECPE, 0xff800000, 0x00000000, 0x00000000, 0x80000000, 0x00},
    {ARM, RSQRTE, 0xff800000, 0x00000000, 0x00000000, 0x7fc00000, 0x10},
    {ARM, RECPX, 0xff800000, 0x00000000, 0x00000000, 0x80000000, 0x00},
    {ARM, RECPE, 0x7f812345, 0x00000000, 0x00000000, 0x7fc12345, 0x10},
    {ARM, RSQRTE, 0x7f812345, 0x00000000, 0x00000000, 0x7fc12345, 0x10},
    {ARM, RECPX, 0x7f812345, 0x00000000, 0x00000000, 0x7fc12345, 0x10},
    {ARM, RECPE, 0xbf800000, 0x00000000, 0x00000000, 0xbf7f8000, 0x00},
    {ARM, RSQRTE, 0xbf800000, 0x00000000, 0x00000000, 0x7fc00000, 0x10},
    {ARM, RECPX, 0xbf800000, 0x00000000, 0x00000000, 0xc0000000, 0x00},
    {ARM, RECPE, 0x42f6e979, 0x00000000, 0x00000000, 0x3c050000, 0x00},
    {ARM, RSQRTE, 0x42f6e979, 0x00000000, 0x00000000, 0x3db88000, 0x00},
    {ARM, RECPX, 0x42f6e979, 0x00000000, 0x00000000, 0x3d000000, 0x00},
    {ARM_FZ, RECPE, 0x7f000000, 0x00000000, 0x00000000, 0x00000000, 0x02},
    {ARM, RECPS, 0x3f800000, 0x3f800000, 0x00000000, 0x3f800000, 0x00},
    {ARM, RSQRTS, 0x3f800000, 0x3f800000, 0x00000000, 0x3f800000, 0x00},
    {ARM, MULX, 0x3f800000, 0x3f800000, 0x00000000, 0x3f800000, 0x00},
    {ARM, RECPS, 0x7f800000, 0x00000000, 0x00000000, 0x40000000, 0x00},
    {ARM, RSQRTS, 0x7f800000, 0x00000000, 0x00000000, 0x3fc00000, 0x00},
    {ARM, MULX, 0x7f800000, 0x00000000, 0x00000000, 0x40000000, 0x00},
    {ARM, RECPS, 0x00000000, 0xff800000, 0x00000000, 0x40000000, 0x00},
    {ARM, RSQRTS, 0x00000000, 0xff800000, 0x00000000, 0x3fc00000, 0x00},
    {ARM, MULX, 0x00000000, 0xff800000, 0x00000000, 0xc0000000, 0x00},
    {ARM, RECPS, 0x7f800000, 0x3f800000, 0x00000000, 0xff800000, 0x00},
    {ARM, RSQRTS, 0x7f800000, 0x3f800000, 0x00000000, 0xff800000, 0x00},
    {ARM, MULX, 0x7f800000, 0x3f800000, 0x00000000, 0x7f800000, 0x00},
    {ARM, RECPS, 0x7f812345, 0xffcabcde, 0x00000000, 0xffc12345, 0x10},
    {ARM, RSQRTS, 0x7f812345, 0xffcabcde, 0x00000000, 0xffc12345, 0x10},
    {ARM, MULX, 0x7f812345, 0xffcabcde, 0x00000000, 0x7fc12345, 0x10},
    {ARM, RECPS, 0x7fc12345, 0x3f800000, 0x00000000, 0xffc12345, 0x00},
    {ARM, RSQRTS, 0x7fc12345, 0x3f800000, 0x00000000, 0xffc12345, 0x00},
    {ARM, MULX, 0x7fc12345, 0x3f800000, 0x00000000, 0x7fc12345, 0x00},
    {ARM, RECPS, 0x3f000000, 0x40000000, 0x00000000, 0x3f800000, 0x00},
    {ARM, RSQRTS, 0x3f000000, 0x40000000, 0x00000000, 0x3f800000, 0x00},
    {ARM, MULX, 0x3f000000, 0x40000000, 0x00000000, 0x3f800000, 0x00},
    {ARM, RECPS, 0x40400000, 0x3f800000, 0x00000000, 0xbf800000, 0x00},
    {ARM, RSQRTS, 0x40400000, 0x3f800000, 0x00000000, 0x00000000, 0x00},
    {ARM, MULX, 0x40400000, 0x3f800000, 0x00000000, 0x40400000, 0x00},
    {ARM, RINT32, 0x4f000000, 0x00000000, 0x00000000, 0xcf000000, 0x10},
    {ARM, RINT32, 0xcf000000, 0x00000000, 0x00000000, 0xcf000000, 0x00},
    {ARM, RINT32, 0xcf000001, 0x00000000, 0x00000000, 0xcf000000, 0x10},
    {ARM, RINT32, 0x3fc00000, 0x00000000, 0x00000000, 0x40000000, 0x01},
    {ARM, RINT32, 0x7fc12345, 0x00000000, 0x00000000, 0xcf000000, 0x10},
    {ARM, RINT32, 0x7f800000, 0x00000000, 0x00000000, 0xcf000000, 0x10},
    {ARM, RINT32, 0xbe800000, 0x00000000, 0x00000000, 0x80000000, 0x01},
    {ARM, BFDOT, 0x3f803f80, 0x40004040, 0x3f800000, 0x40c00000, 0x00},
    {ARM, BFDOT, 0x7f7f7f7f, 0x7f7f7f7f, 0x00000000, 0x7f800000, 0x00},
    {ARM, BFDOT, 0x3f810001, 0x3f833f80, 0x33000001, 0x3f840601, 0x00},
    {ARM, BFDOT, 0x7fc00000, 0x3f803f80, 0x3f800000, 0x7fc00000, 0x00},
    {ARM, BFDOT, 0x00803f80, 0x3f003f80, 0x00000000, 0x3f800000, 0x00},
};
/* clang-format on */

static struct fp_env environment(enum environment which)
{
    struct fp_env env = which == RISCV ? fp_env_riscv : which == SSE ? fp_env_sse : fp_env_arm;
    if (which == ARM_DN)
        env.nan_rule = FP_NAN_DEFAULT;
    if (which == ARM_FZ)
        env.denormals = FP_FLUSH_INPUTS | FP_FLUSH_OUTPUTS;
    return env;
}

static f32_t apply(struct fp_env *env, enum operation operation, f32_t a, f32_t b, f32_t c)
{
    switch (operation) {
    case ADD: return f32_add(env, a, b);
    case MUL: return f32_mul(env, a, b);
    case DIV: return f32_div(env, a, b);
    case SQRT: return f32_sqrt(env, a);
    case FMA: return f32_fma(env, a, b, c, 0);
    case MIN_X86: return f32_min(env, a, b, FP_MINMAX_X86);
    case MAX_X86: return f32_max(env, a, b, FP_MINMAX_X86);
    case MIN_2008: return f32_min(env, a, b, FP_MINMAX_NUM_2008);
    case MAX_PROPAGATE: return f32_max(env, a, b, FP_MINMAX_PROPAGATE);
    case MIN_NUMBER: return f32_min(env, a, b, FP_MINMAX_NUMBER);
    case MIN_PROPAGATE: return f32_min(env, a, b, FP_MINMAX_PROPAGATE);
    case RECPE: return f32_recip_estimate(env, a);
    case RSQRTE: return f32_rsqrt_estimate(env, a);
    case RECPX: return f32_recip_exponent(env, a);
    case RECPS: return f32_recip_step(env, a, b);
    case RSQRTS: return f32_rsqrt_step(env, a, b);
    case MULX: return f32_mul_extended(env, a, b);
    case RINT32: return f32_round_int_sized(env, a, FP_RNE, 32);
    case BFDOT: return bf16_dot(c, a, b);
    }
    return 0;
}

static void architectures(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fp_env env = environment(rows[i].environment);
        f32_t result = apply(&env, rows[i].operation, rows[i].a, rows[i].b, rows[i].c);
        test_context("row %zu", i);
        CHECK_EQ(result, rows[i].result);
        CHECK_EQ(env.flags & ~FP_ROUNDED_UP, rows[i].flags);
    }
}

/* RISC-V F, "Domains of float-to-integer conversions and behavior for invalid inputs"; ARM ARM FPToFixed; SDM
 * vol. 1, table 4-8 (and AVX-512's unsigned conversions, all ones). */
static void invalid_integers(void)
{
    static const struct {
        double value;
        int64_t riscv_i32, arm_i32, x86_i32;
        uint64_t riscv_u32, arm_u32, x86_u32;
    } table[] = {
        {0x1p31, INT32_MAX, INT32_MAX, INT32_MIN, 0x80000000, 0x80000000, 0x80000000},
        {-0x1.00000002p31, INT32_MIN, INT32_MIN, INT32_MIN, 0, 0, UINT32_MAX},
        {0x1p40, INT32_MAX, INT32_MAX, INT32_MIN, UINT32_MAX, UINT32_MAX, UINT32_MAX},
        {-1, -1, -1, -1, 0, 0, UINT32_MAX},
        {__builtin_inf(), INT32_MAX, INT32_MAX, INT32_MIN, UINT32_MAX, UINT32_MAX, UINT32_MAX},
        {-__builtin_inf(), INT32_MIN, INT32_MIN, INT32_MIN, 0, 0, UINT32_MAX},
        {__builtin_nan(""), INT32_MAX, 0, INT32_MIN, UINT32_MAX, 0, UINT32_MAX},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct fp_env riscv = fp_env_riscv, arm = fp_env_arm, sse = fp_env_sse;
        f64_t a = f64_from_host(table[i].value);
        test_context("%g", table[i].value);
        CHECK_EQ(f64_to_i32(&riscv, a, FP_RTZ), table[i].riscv_i32);
        CHECK_EQ(f64_to_i32(&arm, a, FP_RTZ), table[i].arm_i32);
        CHECK_EQ(f64_to_i32(&sse, a, FP_RTZ), table[i].x86_i32);
        CHECK_EQ(f64_to_u32(&riscv, a, FP_RTZ), table[i].riscv_u32);
        CHECK_EQ(f64_to_u32(&arm, a, FP_RTZ), table[i].arm_u32);
        CHECK_EQ(f64_to_u32(&sse, a, FP_RTZ), table[i].x86_u32);
        CHECK_EQ(riscv.flags & arm.flags & sse.flags, FP_INVALID);
    }
}

/* fcvtmod.w.d and FJCVTZS. */
static void modular(void)
{
    static const struct {
        double value;
        int32_t result;
        unsigned flags;
    } table[] = {
        {1.5, 1, FP_INEXACT},
        {-1.5, -1, FP_INEXACT},
        {0x1p31, INT32_MIN, FP_INVALID},
        {-0x1p31, INT32_MIN, 0},
        {0x1.00000003p32, 3, FP_INVALID},
        {-0x1.00000003p32, -3, FP_INVALID},
        {0x1.0000000000001p83, INT32_MIN, FP_INVALID},
        {0x1.0000000000001p84, 0, FP_INVALID},
        {0x1p1000, 0, FP_INVALID},
        {__builtin_inf(), 0, FP_INVALID},
        {-0.0, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct fp_env env = fp_env_riscv;
        test_context("%a", table[i].value);
        CHECK_EQ(f64_to_i32_modular(&env, f64_from_host(table[i].value)), table[i].result);
        CHECK_EQ(env.flags, table[i].flags);
    }
}

static void classes(void)
{
    CHECK_EQ(f64_class(0xfff0000000000000), 1 << 0);
    CHECK_EQ(f64_class(0xbff0000000000000), 1 << 1);
    CHECK_EQ(f64_class(0x8000000000000001), 1 << 2);
    CHECK_EQ(f64_class(0x8000000000000000), 1 << 3);
    CHECK_EQ(f64_class(0x0000000000000000), 1 << 4);
    CHECK_EQ(f32_class(0x007fffff), 1 << 5);
    CHECK_EQ(f32_class(0x00800000), 1 << 6);
    CHECK_EQ(f32_class(0x7f800000), 1 << 7);
    CHECK_EQ(f16_class(0x7c01), 1 << 8);
    CHECK_EQ(f16_class(0xfe00), 1 << 9);
    CHECK_EQ(f80_class((f80_t){1, 0x3fff}), 0);
}

static void comparisons(void)
{
    const f64_t one = 0x3ff0000000000000, two = 0x4000000000000000, quiet = 0x7ff8000000000000,
                signaling = 0x7ff0000000000001;
    struct fp_env env = fp_env_riscv;
    CHECK(f64_eq(&env, 0, 0x8000000000000000) && f64_le(&env, 0, 0x8000000000000000));
    CHECK(f64_lt(&env, one, two) && !f64_lt(&env, two, one) && !f64_lt(&env, one, one));
    CHECK(f64_lt(&env, one ^ 0x8000000000000000, one) && f64_le(&env, one, one));
    CHECK(!f64_eq(&env, quiet, quiet) && !f64_lt_quiet(&env, quiet, one) && !f64_le_quiet(&env, one, quiet));
    CHECK_EQ(env.flags, 0);
    CHECK(!f64_lt(&env, quiet, one));
    CHECK_EQ(env.flags, FP_INVALID);
    env.flags = 0;
    CHECK(!f64_le(&env, one, quiet));
    CHECK_EQ(env.flags, FP_INVALID);
    env.flags = 0;
    CHECK(!f64_eq(&env, one, signaling));
    CHECK_EQ(env.flags, FP_INVALID);
}

/* ARM ARM, FPConvert with FPCR.AHP: no infinities and no NaNs, so the range is twice as wide. */
static void half_alternative(void)
{
    struct fp_env env = fp_env_arm;
    env.half_alternative = true;
    CHECK_EQ(f16_to_f32(&env, 0x7fff), 0x47ffe000); /* 131008 */
    CHECK_EQ(f32_to_f16(&env, 0x47ffe000), 0x7fff);
    CHECK_EQ(env.flags, 0);
    CHECK_EQ(f32_to_f16(&env, 0x48000000), 0x7fff);
    CHECK_EQ(f32_to_f16(&env, 0xff800000), 0xffff);
    CHECK_EQ(f32_to_f16(&env, 0xffc00000), 0x8000);
    CHECK_EQ(env.flags, FP_INVALID);
}

/* SDM vol. 1, 4.9.1.5: where underflow is not masked, an exact tiny result is one too. */
static void underflow_unmasked(void)
{
    const f64_t smallest_normal = 0x0010000000000000, half = 0x3fe0000000000000;
    struct fp_env env = fp_env_sse;
    f64_mul(&env, smallest_normal, half);
    CHECK_EQ(env.flags, 0);
    env.unmasked = FP_UNDERFLOW;
    f64_mul(&env, smallest_normal, half);
    CHECK_EQ(env.flags, FP_UNDERFLOW);
}

static const struct test_case cases[] = {{"architectures", architectures},
                                         {"invalid_integers", invalid_integers},
                                         {"modular", modular},
                                         {"classes", classes},
                                         {"comparisons", comparisons},
                                         {"half_alternative", half_alternative},
                                         {"underflow_unmasked", underflow_unmasked}};
TEST_SUITE(fp_architectures_test, "unit", cases);
