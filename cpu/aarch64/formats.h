/*
 * Operand formats: where an instruction's operands lie in its 32 bits and what the decoder (decode.c) makes
 * of them. Register number 31 becomes REG_SP, REG_ZERO (a source) or REG_DISCARD (a destination) here, so
 * that handlers index x[] and never ask.
 */
#pragma once

#include "base/types.h"

/* In the comments: d = rd, n = rn, m = rm of struct a64_insn; |SP: number 31 is the stack pointer. */
enum a64_format {
    FMT_NONE, /* no operands */
    FMT_RAW,  /* imm: the 32 bits */
    FMT_EXC,  /* imm: imm16 */

    /* Data processing */
    FMT_ADR,     /* d, imm: relative to the block's first instruction */
    FMT_ADRP,    /* d, imm: in pages */
    FMT_ADD_I,   /* d|SP, n|SP, imm: shifted as the instruction says */
    FMT_ADDS_I,  /* d, n|SP, imm */
    FMT_LOGIC_I, /* d|SP, n, imm; what does not fit is an index into core->bitmasks for the twin */
    FMT_TEST_I,  /* d, n, imm: likewise */
    FMT_MOVW,    /* d, imm: imm16, m: left shift */
    FMT_MOVK,    /* d (also read, so 31 is harmless), imm, m */
    FMT_UBFM,    /* d, n; (x << m) >> imm; picks the twin for lsl */
    FMT_SBFM,    /* d, n; (x << m) >> imm */
    FMT_BFM,     /* d; n rotated right by m, imm: lsb | width << 8 */
    FMT_EXTR,    /* d, n, m, imm: lsb */
    FMT_RR,      /* d, n */
    FMT_RRR,     /* d, n, m */
    FMT_SHIFTED, /* d, n, m, imm: amount */
    FMT_ADD_X,   /* d|SP, n|SP, m, imm: amount | option << 4 */
    FMT_ADDS_X,  /* d, n|SP, m, imm: likewise */
    FMT_RRRR,    /* d, n, m, imm: register a */
    FMT_RI8,     /* d, n, imm: imm8, signed if bit 18 is clear (CSSC) */
    FMT_CCMP,    /* n, m, imm: NZCV | the set of NZCV values the condition holds for << 16 */
    FMT_CCMP_I,  /* n, m: imm5, imm: likewise */
    FMT_RMIF,    /* n, m: rotation, imm: mask */
    FMT_R_SP,    /* d, n|SP (PAC with a register, XPAC) */
    FMT_RRR_SP,  /* d, n, m|SP (PACGA) */

    /* Branches */
    FMT_B,    /* imm: relative to the block's first instruction; picks the twin for another page */
    FMT_CB,   /* n, imm: relative to the block's first instruction */
    FMT_TB,   /* n, m: bit, imm: likewise */
    FMT_BR,   /* n, imm: the BTYPE it leaves */
    FMT_BR_M, /* n, m|SP: modifier, imm: likewise */

    /* Loads and stores. d is the register transferred, n|SP the base. */
    FMT_MEM_U,    /* imm: imm12, scaled */
    FMT_MEM_S,    /* imm: imm9 */
    FMT_MEM_R,    /* m, imm: amount */
    FMT_MEM_LIT,  /* imm: relative to the block's first instruction */
    FMT_MEM_PAIR, /* m: the second register, imm: imm7, scaled */
    FMT_MEM_PAC,  /* imm: imm10, scaled */
    FMT_MEM_N,    /* no offset */
    FMT_STX,      /* d: status, m: the register stored, imm: the second one */
    FMT_LDX,      /* d, m: the second register */
    FMT_AMO,      /* d: what was there, m: operand */
    FMT_CAS,      /* d: what is expected and what was there (31 stays 31), m: the new value */
    FMT_CASP,     /* likewise, both even */
    FMT_MOPS_CPY, /* d: destination, m: source, n: count, all raw, distinct and not 31 */
    FMT_MOPS_SET, /* d: destination, m: data (31: zero), n: count; d and n distinct and not 31, m neither */

    /* System */
    FMT_MRS,   /* d, imm: index of the register */
    FMT_MSR,   /* m, imm: likewise */
    FMT_SYS,   /* m, imm: index of the operation */
    FMT_MSR_I, /* imm: CRm */
    FMT_RT,    /* m: source (WFET) */

    /* SIMD&FP: d, n and m as they stand in bits 4:0, 9:5 and 20:16, imm: the 32 bits. */
    FMT_V,
    FMT_V_X,  /* d is a general register: 31 discards. A general source needs nothing: x[31] is zero */
    FMT_V_SP, /* n|SP: a base register; m general or 31 */
};

/* Flags of a row, and the names of their combinations. */
enum a64_row_flag {
    ROW_0 = 0,
    ROW_END = 1,   /* ends its block: jumps, and what may change how the next instruction is fetched */
    ROW_FP = 2,    /* traps while CPACR_EL1.FPEN says so */
    ROW_ST = 4,    /* FMT_MEM_*: d (and m of a pair) is stored */
    ROW_VREG = 8,  /* FMT_MEM_*: d (and m of a pair) is a SIMD&FP register */
    ROW_LAND = 16, /* may be the target of an indirect branch (BTI); which kinds, decode.c knows */
    ROW_WB = 32,   /* writes n back: if n is SP, its alignment may change */

    ROW_ST_WB = ROW_ST | ROW_WB,
    ROW_V = ROW_VREG | ROW_FP,
    ROW_V_ST = ROW_V | ROW_ST,
    ROW_V_WB = ROW_V | ROW_WB,
    ROW_V_ST_WB = ROW_V | ROW_ST | ROW_WB,
    ROW_FP_WB = ROW_FP | ROW_WB,
    ROW_END_LAND = ROW_END | ROW_LAND,
};
