/*
 * From instruction words to struct a64_insn: the rows of the instruction table that a model has, ordered for
 * looking up, and what the operand formats make of the bits.
 */
#pragma once

#include "cpu/aarch64/formats.h"
#include "cpu/aarch64/interp.h"

/* A row of the instruction table. */
struct a64_row {
    const char *name, *pattern;
    a64_handler *run;
    uint32_t match, mask; /* from the pattern, set by a64_decoder_create */
    uint8_t format;       /* enum a64_format */
    uint8_t flags;        /* enum a64_row_flag */
    uint8_t feature;      /* enum aarch64_feature */
    uint8_t variant; /* the condition or element size (log2 of its bytes) of rows that stand for several */
};

struct a64_decoder;

/* The table for one model. Memory exhaustion aborts. */
struct a64_decoder *a64_decoder_create(const struct aarch64_model *model);
void a64_decoder_destroy(struct a64_decoder *decoder);

/* The row of an instruction, or NULL: UNDEFINED. */
const struct a64_row *a64_row_find(const struct a64_decoder *decoder, uint32_t bits);

/* All rows the model has, for tests and listings. */
const struct a64_row *a64_rows(const struct a64_decoder *decoder, size_t *count);

/* The mnemonic of a row ("ldr", "b.eq"), as far as its name says. */
void a64_row_mnemonic(const struct a64_row *row, char *text, size_t size);

/* What the block builder must know of a decoded instruction. */
struct a64_decoded {
    bool end;         /* ends its block */
    bool conditional; /* which may go on there all the same: a branch that may not be taken */
    bool jumps;       /* and never goes on with the next slot */
    uint8_t links;    /* slots to leave for links */
    bool sp_written;  /* SP's alignment may have changed */
    bool nothing;     /* does nothing: needs no slot */
    bool accesses;    /* loads or stores */
    uint8_t landing;  /* bit n: fine as the first instruction of a guarded page with BTYPE n */
};

/* Decode the instruction `bits` for a block of this mode, as its number `offset`, `page_offset` into its
 * page. */
struct a64_decoded a64_decode(const struct aarch64_core *c, uint32_t mode, uint32_t bits, unsigned offset,
                              unsigned page_offset, struct a64_insn *insn);

/* The value of a logical immediate N:immr:imms of a 64-bit instruction, 0 where the encoding is reserved (no
 * valid one is 0). A 32-bit instruction's has N = 0, and uses half of the value. */
uint64_t a64_bitmask(uint32_t n_immr_imms);

/* All of them, for core->bitmasks. */
const uint64_t *a64_decoder_bitmasks(const struct a64_decoder *decoder);

/* Handlers the decoder puts in a row's place. */
a64_handler a64_undefined;
a64_handler a64_fp_trap;  /* CPACR_EL1.FPEN */
a64_handler a64_sp_fault; /* SP is misaligned */
a64_handler a64_lsl_i_w, a64_lsl_i_x;
a64_handler a64_and_i__wide_x, a64_orr_i__wide_x, a64_eor_i__wide_x, a64_ands_i__wide_x, a64_mov_i__wide_x,
    a64_tst_i__wide_x;
a64_handler a64_b__far, a64_bl__far;
a64_handler a64_sys__zva;
a64_handler a64_mrs__absent;
a64_handler a64_mrs__state, a64_msr__state, a64_msr__state32;
a64_handler a64_mrs__daif, a64_msr__daif;
