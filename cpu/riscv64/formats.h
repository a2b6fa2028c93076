/*
 * Operand formats: where an instruction's operands lie in its 32 bits, and so how it is decoded (decode.c)
 * and printed (disassemble.c). Compressed instructions are expanded first (decode_c.c).
 */
#pragma once

#include "base/types.h"

enum riscv_format {
    FMT_NONE,     /* no operands */
    FMT_R,        /* rd, rs1, rs2 */
    FMT_R1,       /* rd, rs1 */
    FMT_I,        /* rd, rs1, imm12 */
    FMT_SHIFT6,   /* rd, rs1, shamt 0..63 */
    FMT_SHIFT5,   /* rd, rs1, shamt 0..31 */
    FMT_RNUM,     /* rd, rs1, imm in bits 20..23 (aes64ks1i) */
    FMT_U,        /* rd, imm20 << 12 */
    FMT_AUIPC,    /* the same, imm relative to the block's pc */
    FMT_J,        /* rd, target */
    FMT_B,        /* rs1, rs2, target */
    FMT_LOAD,     /* rd, imm12(rs1) */
    FMT_STORE,    /* rs2, imm12(rs1) */
    FMT_CSR,      /* rd, csr, rs1: imm is the CSR's number */
    FMT_CSRI,     /* rd, csr, uimm: imm is the CSR's number, rs1 the immediate */
    FMT_FENCE,    /* pred, succ in imm */
    FMT_RS1_RS2,  /* rs1, rs2 (sfence.vma) */
    FMT_AMO,      /* rd, rs2, (rs1) */
    FMT_LR,       /* rd, (rs1) */
    FMT_CBO,      /* (rs1) */
    FMT_PREFETCH, /* imm12(rs1) with the low five bits clear */
    FMT_FLOAD,    /* fd, imm12(rs1) */
    FMT_FSTORE,   /* fs2, imm12(rs1) */
    FMT_F_FFF,    /* fd, fs1, fs2, fs3, rounding mode */
    FMT_F_FF_RM,  /* fd, fs1, fs2, rounding mode */
    FMT_F_FF,     /* fd, fs1, fs2 */
    FMT_F_F_RM,   /* fd, fs1, rounding mode */
    FMT_F_F,      /* fd, fs1 */
    FMT_X_FF,     /* rd, fs1, fs2 */
    FMT_X_F_RM,   /* rd, fs1, rounding mode */
    FMT_X_F,      /* rd, fs1 */
    FMT_F_X_RM,   /* fd, rs1, rounding mode */
    FMT_F_X,      /* fd, rs1 */
    FMT_F_XX,     /* fd, rs1, rs2 */
    FMT_F_I,      /* fd, imm in bits 15..19 (fli) */
    FMT_MOP_R,    /* rd, rs1 (may-be-operations: rd becomes 0) */
};

/* Flags of a row. */
enum riscv_row_flag {
    ROW_0 = 0,
    ROW_END =
        1, /* ends its block: jumps, and what may change how the next instruction is fetched or counted */
    ROW_FP = 2, /* illegal while mstatus.FS is Off */
};
