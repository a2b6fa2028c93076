/*
 * The instruction table's vocabulary: the kinds of instructions (which handlers a row has, by what the
 * decoder chooses among them), encodings, operand formats and operand sizes. insns.def explains the columns.
 */
#pragma once

#include "cpu/x86_64/interp.h"

/*
 * KIND_x(M, id): M(handler) for each handler of a row, in the order of sizes, then forms. Forms: _r register,
 * _m memory of any shape, _b and _x the fast shapes (interp.h).
 */
#define KIND_ONE(M, id) M(x86_##id)
#define KIND_RM(M, id)  M(x86_##id##_r) M(x86_##id##_m)
#define KIND_RBXM(M, id)                                                                                     \
    M(x86_##id##_r)                                                                                          \
    M(x86_##id##_b)                                                                                          \
    M(x86_##id##_x) M(x86_##id##_m)
/* By operand size 16, 32 and 64 (V), 32 and 64 (Y); x86_<id><bits>. */
#define KIND_V(M, id)     KIND_ONE(M, id##16) KIND_ONE(M, id##32) KIND_ONE(M, id##64)
#define KIND_VRM(M, id)   KIND_RM(M, id##16) KIND_RM(M, id##32) KIND_RM(M, id##64)
#define KIND_VRBXM(M, id) KIND_RBXM(M, id##16) KIND_RBXM(M, id##32) KIND_RBXM(M, id##64)
#define KIND_Y(M, id)     KIND_ONE(M, id##32) KIND_ONE(M, id##64)
#define KIND_YRM(M, id)   KIND_RM(M, id##32) KIND_RM(M, id##64)
/* Jumps within a segment: _f where RIP needs no check against a limit, _c elsewhere. */
#define KIND_JUMP(M, id) M(x86_##id##_f) M(x86_##id##_c)
/* Instructions that use the stack: _f in 64-bit mode with 64-bit operands, _c elsewhere. */
#define KIND_STACK(M, id) M(x86_##id##_f) M(x86_##id##_c)
/* The same with an r/m operand, which _c finds out for itself. */
#define KIND_STACKRM(M, id) M(x86_##id##_r) M(x86_##id##_m) M(x86_##id##_c)

enum x86_kind {
    X86_KIND_ONE,
    X86_KIND_RM,
    X86_KIND_RBXM,
    X86_KIND_V,
    X86_KIND_VRM,
    X86_KIND_VRBXM,
    X86_KIND_Y,
    X86_KIND_YRM,
    X86_KIND_JUMP,
    X86_KIND_STACK,
    X86_KIND_STACKRM,
};

enum x86_map {
    MAP_1,  /* one byte */
    MAP_2,  /* 0F */
    MAP_38, /* 0F 38 */
    MAP_3A, /* 0F 3A */
    MAP_V2, /* the same three with a VEX prefix */
    MAP_V38,
    MAP_V3A,
    MAPS,
};

/* Which of none, 66, F3, F2 may stand before the opcode; F3 and F2 hide a 66. */
enum x86_prefix {
    PREFIX_NP = 1,
    PREFIX_66 = 2,
    PREFIX_F3 = 4,
    PREFIX_F2 = 8,
    PREFIX_NO_REP = 3, /* the operand-size prefix means the operand size */
    PREFIX_ANY = 15,
};

/* What ModRM must be: any (ANY), a memory operand (M), a register (R); with a digit also ModRM.reg. X(b): the
 * whole byte. */
#define MODRM(mem, reg, mask, match) ((mem) << 17 | (reg) << 16 | (mask) << 8 | (match))
#define MODRM_ANY                    MODRM(1, 1, 0, 0)
#define MODRM_M                      MODRM(1, 0, 0, 0)
#define MODRM_R                      MODRM(0, 1, 0, 0)
#define MODRM_0                      MODRM(1, 1, 0x38, 0x00)
#define MODRM_1                      MODRM(1, 1, 0x38, 0x08)
#define MODRM_2                      MODRM(1, 1, 0x38, 0x10)
#define MODRM_3                      MODRM(1, 1, 0x38, 0x18)
#define MODRM_4                      MODRM(1, 1, 0x38, 0x20)
#define MODRM_5                      MODRM(1, 1, 0x38, 0x28)
#define MODRM_6                      MODRM(1, 1, 0x38, 0x30)
#define MODRM_7                      MODRM(1, 1, 0x38, 0x38)
#define MODRM_M0                     MODRM(1, 0, 0x38, 0x00)
#define MODRM_M1                     MODRM(1, 0, 0x38, 0x08)
#define MODRM_M2                     MODRM(1, 0, 0x38, 0x10)
#define MODRM_M3                     MODRM(1, 0, 0x38, 0x18)
#define MODRM_M4                     MODRM(1, 0, 0x38, 0x20)
#define MODRM_M5                     MODRM(1, 0, 0x38, 0x28)
#define MODRM_M6                     MODRM(1, 0, 0x38, 0x30)
#define MODRM_M7                     MODRM(1, 0, 0x38, 0x38)
#define MODRM_R0                     MODRM(0, 1, 0x38, 0x00)
#define MODRM_R1                     MODRM(0, 1, 0x38, 0x08)
#define MODRM_R2                     MODRM(0, 1, 0x38, 0x10)
#define MODRM_R3                     MODRM(0, 1, 0x38, 0x18)
#define MODRM_R4                     MODRM(0, 1, 0x38, 0x20)
#define MODRM_R5                     MODRM(0, 1, 0x38, 0x28)
#define MODRM_R6                     MODRM(0, 1, 0x38, 0x30)
#define MODRM_R7                     MODRM(0, 1, 0x38, 0x38)
#define MODRM_X(byte)                MODRM(0, 1, 0xff, byte)

/*
 * Operand formats: what follows the opcode, and what kind of register each field is. E is ModRM.r/m, G is
 * ModRM.reg as an integer register; X and W are the same as other registers (vector, MMX, x87, control). I is
 * an immediate of the operand size (at most 32 bits), I8 one of 8 bits, zero-extended, I8S sign-extended. H:
 * the VEX prefix's register is used (elsewhere it must be 1111b).
 */
enum x86_operands {
    OPS_NONE, /* nothing behind the opcode; rm = the opcode's low three bits are not a register */
    OPS_EG,
    OPS_EG_I8,
    OPS_EG_I8S,
    OPS_EG_I,
    OPS_E,
    OPS_E_1, /* imm = 1 */
    OPS_E_I8,
    OPS_E_I8S,
    OPS_E_I,
    OPS_EbG, /* r/m is a byte register or memory, the operand size is G's */
    OPS_EX,  /* r/m integer, reg something else */
    OPS_EX_I8,
    OPS_WX, /* both something else */
    OPS_WX_I8,
    OPS_WG, /* r/m something else, reg integer */
    OPS_WG_I8,
    OPS_HWX, /* VEX.vvvv, r/m, reg */
    OPS_HWX_I8,
    OPS_HWX_IS4, /* a fourth register in bits 7..4 of the immediate */
    OPS_HVX,     /* VSIB (gathers): the index is a vector register whatever its number */
    OPS_HW_I8,   /* VEX.vvvv is the destination, reg extends the opcode */
    OPS_HEG,     /* VEX.vvvv, r/m and reg integer */
    OPS_HE,
    OPS_HEX, /* VEX.vvvv and reg something else, r/m integer */
    OPS_HEX_I8,
    OPS_EG_V, /* as EG_I8 with VEX (RORX): no vvvv */
    OPS_O,    /* the register in the opcode's low three bits */
    OPS_O_I,  /* with an immediate of the full operand size */
    OPS_A_I,  /* rm = 0 (the accumulator), immediate */
    OPS_J8,   /* a relative jump */
    OPS_J,
    OPS_FAR,   /* a far pointer */
    OPS_MOFFS, /* an address; rm = reg = 0 */
    OPS_I8,
    OPS_I8S,
    OPS_I,
    OPS_I16,
    OPS_I16_I8, /* ENTER: imm = the 16-bit one, disp = the other */
    OPS_STRING, /* string instructions: segment override, address size */
};

/* Operand sizes. */
enum x86_size {
    SIZE_B,
    SIZE_W,
    SIZE_D,
    SIZE_Q,
    SIZE_V,   /* 16, 32 or 64 by mode and prefixes */
    SIZE_Y,   /* 32, or 64 with W */
    SIZE_Z,   /* 16 or 32 by mode and prefix (W has no effect) */
    SIZE_D64, /* as V, but 64 by default in 64-bit mode */
    SIZE_F64, /* 64 in 64-bit mode whatever the prefixes say, else as V */
    SIZE_M,   /* 64 in 64-bit mode, else 32 (control registers, descriptor tables) */
};

/* Flags of a row. */
enum x86_row_flag {
    ROW_0 = 0,
    ROW_END =
        1, /* ends its block: jumps, and what may change how the next instruction is fetched or decoded */
    ROW_LOCK = 2, /* LOCK is allowed when r/m is in memory: x86_locked runs then (exec_locked.c) */
    ROW_I64 = 4,  /* not in 64-bit mode */
    ROW_O64 = 8,  /* only in 64-bit mode */
    ROW_W0 = 16,  /* REX.W or VEX.W as it says; neither: ignored */
    ROW_W1 = 32,
    ROW_L0 = 64, /* VEX.L likewise */
    ROW_L1 = 128,
    ROW_PM = 256,   /* #UD in real and virtual-8086 mode */
    ROW_X87 = 512,  /* #NM when CR0.EM or CR0.TS */
    ROW_MMX = 1024, /* #UD when CR0.EM, #NM when CR0.TS */
    ROW_SSE = 2048, /* #UD when CR0.EM or no CR4.OSFXSR, #NM when CR0.TS */
    ROW_AVX = 4096, /* #UD when CR4.OSXSAVE or XCR0 say so, or not protected; #NM when CR0.TS */
};

/* Declares every handler of the table. */
#define X86_DECLARE(name) x86_handler name;
#define INSN(id, map, prefix, opcode, modrm, operands, size, kind, feature, flags)                           \
    KIND_##kind(X86_DECLARE, id)
#include "cpu/x86_64/insns.def"
#undef INSN
