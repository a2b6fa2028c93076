/*
 * The decoder: rows of the instruction table in buckets by major opcode and funct3, and operands by format.
 * Blocks are decoded once and run many times, so this is written to be short.
 */
#include "cpu/riscv64/decode.h"

#include <stdlib.h>

static const struct riscv_row rows[] = {
#define INSN(id, match, mask, format, ext, flags)                                                            \
    {#id, match, mask, FMT_##format, EXT_##ext, ROW_##flags, rv_##id},
#include "cpu/riscv64/insns.def"
#undef INSN
};

/* Row numbers in order of bucket, the most specific first; a row whose mask leaves funct3 open is in eight.
 */
#define BUCKETS 256
static uint16_t bucket_start[BUCKETS + 1];
static uint16_t bucket_rows[ARRAY_LEN(rows) * 8];

static unsigned bucket_of(uint32_t bits)
{
    return (bits >> 2 & 31) | (bits >> 12 & 7) << 5;
}

static int more_specific_first(const void *a, const void *b)
{
    const uint16_t *x = a, *y = b;
    int difference = __builtin_popcount(rows[*y].mask) - __builtin_popcount(rows[*x].mask);
    return difference ? difference : *x - *y;
}

void riscv_decode_init(void)
{
    if (bucket_start[BUCKETS])
        return;
    unsigned used = 0;
    for (unsigned bucket = 0; bucket < BUCKETS; bucket++) {
        uint32_t bits = 3 | (bucket & 31) << 2 | (bucket >> 5) << 12;
        bucket_start[bucket] = (uint16_t)used;
        for (unsigned row = 0; row < ARRAY_LEN(rows); row++) {
            if (((rows[row].match ^ bits) & rows[row].mask & 0x707f) == 0)
                bucket_rows[used++] = (uint16_t)row;
        }
        qsort(&bucket_rows[bucket_start[bucket]], used - bucket_start[bucket], sizeof(bucket_rows[0]),
              more_specific_first);
    }
    bucket_start[BUCKETS] = (uint16_t)used;
}

const struct riscv_row *riscv_row_find(const struct riscv_model *model, uint32_t bits)
{
    if ((bits & 3) != 3)
        return NULL;
    unsigned bucket = bucket_of(bits);
    for (unsigned i = bucket_start[bucket]; i < bucket_start[bucket + 1]; i++) {
        const struct riscv_row *row = &rows[bucket_rows[i]];
        if ((bits & row->mask) == row->match && riscv_model_has(model, row->ext))
            return row;
    }
    return NULL;
}

static int32_t imm_i(uint32_t bits)
{
    return (int32_t)bits >> 20;
}

static int32_t imm_s(uint32_t bits)
{
    return (int32_t)sign_extend(bits_get(bits, 7, 5) | bits_get(bits, 25, 7) << 5, 12);
}

static int32_t imm_b(uint32_t bits)
{
    return (int32_t)sign_extend(bits_get(bits, 8, 4) << 1 | bits_get(bits, 25, 6) << 5 |
                                    bits_get(bits, 7, 1) << 11 | bits_get(bits, 31, 1) << 12,
                                13);
}

static int32_t imm_j(uint32_t bits)
{
    return (int32_t)sign_extend(bits_get(bits, 21, 10) << 1 | bits_get(bits, 20, 1) << 11 |
                                    bits_get(bits, 12, 8) << 12 | bits_get(bits, 31, 1) << 20,
                                21);
}

static int32_t immediate(enum riscv_format format, uint32_t bits)
{
    switch (format) {
    case FMT_I:
    case FMT_LOAD:
    case FMT_FLOAD: return imm_i(bits);
    case FMT_STORE:
    case FMT_FSTORE: return imm_s(bits);
    case FMT_PREFETCH: return imm_s(bits) & ~31;
    case FMT_SHIFT6: return (int32_t)bits_get(bits, 20, 6);
    case FMT_SHIFT5: return (int32_t)bits_get(bits, 20, 5);
    case FMT_RNUM: return (int32_t)bits_get(bits, 20, 4);
    case FMT_U:
    case FMT_AUIPC: return (int32_t)(bits & 0xfffff000);
    case FMT_J: return imm_j(bits);
    case FMT_B: return imm_b(bits);
    case FMT_CSR:
    case FMT_CSRI: return (int32_t)bits_get(bits, 20, 12);
    case FMT_FENCE: return (int32_t)bits_get(bits, 20, 12);
    case FMT_F_FFF:
    case FMT_F_FF_RM:
    case FMT_F_F_RM:
    case FMT_X_F_RM:
    case FMT_F_X_RM: return (int32_t)(bits_get(bits, 12, 3) | bits_get(bits, 27, 5) << 8);
    default: return 0;
    }
}

static bool rd_is_integer(enum riscv_format format)
{
    switch (format) {
    case FMT_FLOAD:
    case FMT_F_FFF:
    case FMT_F_FF_RM:
    case FMT_F_FF:
    case FMT_F_F_RM:
    case FMT_F_F:
    case FMT_F_X_RM:
    case FMT_F_X:
    case FMT_F_XX:
    case FMT_F_I: return false;
    default: return true;
    }
}

/* Encodings inside a row that are reserved all the same. */
static bool reserved(const struct riscv_row *row, uint32_t bits)
{
    switch (row->format) {
    case FMT_F_FFF:
    case FMT_F_FF_RM:
    case FMT_F_F_RM:
    case FMT_X_F_RM:
    case FMT_F_X_RM: return bits_get(bits, 12, 3) == 5 || bits_get(bits, 12, 3) == 6;
    case FMT_AMO: return row->run == rv_amocas_q && (bits & (BIT(7) | BIT(20))); /* register pairs are even */
    case FMT_RNUM: return bits_get(bits, 20, 4) > 10;
    default: return false;
    }
}

static enum riscv_row_flag undefined(uint32_t bits, unsigned offset, struct riscv_insn *insn)
{
    *insn = (struct riscv_insn){
        .run = riscv_undefined, .imm = (int32_t)bits, .rd = 32, .offset = (uint8_t)offset};
    return ROW_END;
}

bool riscv_operands(const struct riscv_row *row, uint32_t bits, struct riscv_insn *insn)
{
    uint8_t rd = (uint8_t)bits_get(bits, 7, 5);
    *insn = (struct riscv_insn){
        .run = row->run,
        .imm = immediate(row->format, bits),
        .rd = rd == 0 && rd_is_integer(row->format) ? 32 : rd,
        .rs1 = (uint8_t)bits_get(bits, 15, 5),
        .rs2 = (uint8_t)bits_get(bits, 20, 5),
    };
    return !reserved(row, bits);
}

static bool pc_relative(enum riscv_format format)
{
    return format == FMT_AUIPC || format == FMT_J || format == FMT_B;
}

enum riscv_row_flag riscv_decode(const struct riscv_core *c, uint32_t bits, unsigned length, unsigned offset,
                                 struct riscv_insn *insn)
{
    uint32_t full = length == 4 ? bits : riscv_expand(&c->model, (uint16_t)bits);
    const struct riscv_row *row = riscv_row_find(&c->model, full);
    if (!row || !riscv_operands(row, full, insn) || (row->flags == ROW_FP && !(c->mode & MODE_FP)))
        return undefined(bits, offset, insn);
    insn->offset = (uint8_t)offset;
    if (pc_relative(row->format))
        insn->imm += 2 * (int32_t)offset;
    return row->flags;
}
