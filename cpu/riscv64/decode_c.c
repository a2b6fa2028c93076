/*
 * Compressed instructions: each is expanded to the 32-bit instruction it stands for (Unpriv. 26.8, Zcb 27.3),
 * so that there is one handler for both. Reserved encodings expand to 0, which is no instruction; hints
 * expand to something that writes x0.
 */
#include "cpu/riscv64/decode.h"

/* A register of the three-bit fields: x8..x15. */
static uint32_t low_register(uint16_t bits, unsigned at)
{
    return 8 + (uint32_t)bits_get(bits, at, 3);
}

static uint32_t encode_i(uint32_t opcode, uint32_t funct3, uint32_t rd, uint32_t rs1, int32_t imm)
{
    return opcode | rd << 7 | funct3 << 12 | rs1 << 15 | (uint32_t)imm << 20;
}

static uint32_t encode_r(uint32_t match, uint32_t rd, uint32_t rs1, uint32_t rs2)
{
    return match | rd << 7 | rs1 << 15 | rs2 << 20;
}

static uint32_t encode_s(uint32_t opcode, uint32_t funct3, uint32_t rs1, uint32_t rs2, uint32_t imm)
{
    return opcode | (imm & 31) << 7 | funct3 << 12 | rs1 << 15 | rs2 << 20 | (imm >> 5) << 25;
}

static uint32_t encode_b(uint32_t funct3, uint32_t rs1, int32_t offset)
{
    uint32_t imm = (uint32_t)offset;
    return 0x63 | (imm >> 11 & 1) << 7 | (imm >> 1 & 15) << 8 | funct3 << 12 | rs1 << 15 |
           (imm >> 5 & 63) << 25 | (imm >> 12 & 1) << 31;
}

static uint32_t encode_j(int32_t offset)
{
    uint32_t imm = (uint32_t)offset;
    return 0x6f | (imm >> 12 & 255) << 12 | (imm >> 11 & 1) << 20 | (imm >> 1 & 1023) << 21 |
           (imm >> 20 & 1) << 31;
}

enum {
    LOAD = 0x03,
    LOAD_FP = 0x07,
    OP_IMM = 0x13,
    OP_IMM_32 = 0x1b,
    STORE = 0x23,
    STORE_FP = 0x27,
    LUI = 0x37,
    JALR = 0x67,
};

/* imm[5] in bit 12, imm[4:0] in bits 6:2. */
static int32_t imm_ci(uint16_t bits)
{
    return (int32_t)sign_extend(bits_get(bits, 2, 5) | bits_get(bits, 12, 1) << 5, 6);
}

static uint32_t shamt(uint16_t bits)
{
    return (uint32_t)imm_ci(bits) & 63;
}

/* Offsets of c.lw and c.ld and their stores. */
static uint32_t offset_word(uint16_t bits)
{
    return (uint32_t)(bits_get(bits, 10, 3) << 3 | bits_get(bits, 6, 1) << 2 | bits_get(bits, 5, 1) << 6);
}

static uint32_t offset_double(uint16_t bits)
{
    return (uint32_t)(bits_get(bits, 10, 3) << 3 | bits_get(bits, 5, 2) << 6);
}

/* Zcb's loads and stores of bytes and halfwords (27.3.1). */
static uint32_t expand_zcb_memory(uint16_t bits)
{
    uint32_t rs1 = low_register(bits, 7), r = low_register(bits, 2);
    uint32_t byte = (uint32_t)(bits_get(bits, 6, 1) | bits_get(bits, 5, 1) << 1);
    uint32_t half = (uint32_t)bits_get(bits, 5, 1) << 1;
    switch (bits_get(bits, 10, 3)) {
    case 0: return encode_i(LOAD, 4, r, rs1, (int32_t)byte);                            /* c.lbu */
    case 1: return encode_i(LOAD, bits_get(bits, 6, 1) ? 1 : 5, r, rs1, (int32_t)half); /* c.lh, c.lhu */
    case 2: return encode_s(STORE, 0, rs1, r, byte);                                    /* c.sb */
    case 3: return bits_get(bits, 6, 1) ? 0 : encode_s(STORE, 1, rs1, r, half);         /* c.sh */
    default: return 0;
    }
}

static uint32_t expand_quadrant0(const struct riscv_model *model, uint16_t bits)
{
    uint32_t rs1 = low_register(bits, 7), r = low_register(bits, 2);
    switch (bits >> 13) {
    case 0: { /* c.addi4spn */
        uint32_t imm = (uint32_t)(bits_get(bits, 6, 1) << 2 | bits_get(bits, 5, 1) << 3 |
                                  bits_get(bits, 11, 2) << 4 | bits_get(bits, 7, 4) << 6);
        return imm ? encode_i(OP_IMM, 0, r, 2, (int32_t)imm) : 0;
    }
    case 1:
        return riscv_model_has(model, EXT_ZCD) ? encode_i(LOAD_FP, 3, r, rs1, (int32_t)offset_double(bits))
                                               : 0;
    case 2: return encode_i(LOAD, 2, r, rs1, (int32_t)offset_word(bits));
    case 3: return encode_i(LOAD, 3, r, rs1, (int32_t)offset_double(bits));
    case 4: return riscv_model_has(model, EXT_ZCB) ? expand_zcb_memory(bits) : 0;
    case 5: return riscv_model_has(model, EXT_ZCD) ? encode_s(STORE_FP, 3, rs1, r, offset_double(bits)) : 0;
    case 6: return encode_s(STORE, 2, rs1, r, offset_word(bits));
    default: return encode_s(STORE, 3, rs1, r, offset_double(bits));
    }
}

/* Zcb's one-operand instructions; those of Zba and Zbb need these, which the table sees to. */
static uint32_t expand_zcb_unary(uint32_t r, unsigned operation)
{
    switch (operation) {
    case 0: return encode_i(OP_IMM, 7, r, r, 0xff); /* c.zext.b: andi */
    case 1: return encode_r(0x60401013, r, r, 0);   /* c.sext.b */
    case 2: return encode_r(0x0800403b, r, r, 0);   /* c.zext.h */
    case 3: return encode_r(0x60501013, r, r, 0);   /* c.sext.h */
    case 4: return encode_r(0x0800003b, r, r, 0);   /* c.zext.w: add.uw with x0 */
    case 5: return encode_i(OP_IMM, 4, r, r, -1);   /* c.not: xori */
    default: return 0;
    }
}

/* c.sub and its neighbours: bits 12 and 6:5 choose. */
static uint32_t expand_register_register(const struct riscv_model *model, uint16_t bits)
{
    static const uint32_t matches[8] = {
        0x40000033, 0x00004033, 0x00006033, 0x00007033, /* sub xor or and */
        0x4000003b, 0x0000003b, 0x02000033, 0,          /* subw addw c.mul, Zcb's others */
    };
    uint32_t rd = low_register(bits, 7);
    unsigned choice = (unsigned)(bits_get(bits, 12, 1) << 2 | bits_get(bits, 5, 2));
    if (choice >= 6 && !riscv_model_has(model, EXT_ZCB))
        return 0;
    if (choice == 7)
        return expand_zcb_unary(rd, bits_get(bits, 2, 3));
    return encode_r(matches[choice], rd, rd, low_register(bits, 2));
}

static uint32_t expand_lui(const struct riscv_model *model, uint16_t bits)
{
    uint32_t rd = bits_get(bits, 7, 5);
    if (rd == 2) { /* c.addi16sp */
        int32_t imm = (int32_t)sign_extend(bits_get(bits, 6, 1) << 4 | bits_get(bits, 2, 1) << 5 |
                                               bits_get(bits, 5, 1) << 6 | bits_get(bits, 3, 2) << 7 |
                                               bits_get(bits, 12, 1) << 9,
                                           10);
        return imm ? encode_i(OP_IMM, 0, 2, 2, imm) : 0;
    }
    int32_t imm = imm_ci(bits);
    if (imm)
        return LUI | rd << 7 | (uint32_t)imm << 12;
    /* c.mop.n, n = 1, 3 .. 15: writes nothing. The others are reserved. */
    bool mop = riscv_model_has(model, EXT_ZCMOP) && (rd & 0x11) == 1;
    return mop ? encode_i(OP_IMM, 0, 0, 0, 0) : 0;
}

static uint32_t expand_alu(const struct riscv_model *model, uint16_t bits)
{
    uint32_t rd = low_register(bits, 7);
    switch (bits_get(bits, 10, 2)) {
    case 0: return encode_i(OP_IMM, 5, rd, rd, (int32_t)shamt(bits));           /* c.srli */
    case 1: return encode_i(OP_IMM, 5, rd, rd, (int32_t)(shamt(bits) | 0x400)); /* c.srai */
    case 2: return encode_i(OP_IMM, 7, rd, rd, imm_ci(bits));                   /* c.andi */
    default: return expand_register_register(model, bits);
    }
}

static int32_t offset_j(uint16_t bits)
{
    return (int32_t)sign_extend(bits_get(bits, 3, 3) << 1 | bits_get(bits, 11, 1) << 4 |
                                    bits_get(bits, 2, 1) << 5 | bits_get(bits, 7, 1) << 6 |
                                    bits_get(bits, 6, 1) << 7 | bits_get(bits, 9, 2) << 8 |
                                    bits_get(bits, 8, 1) << 10 | bits_get(bits, 12, 1) << 11,
                                12);
}

static int32_t offset_b(uint16_t bits)
{
    return (int32_t)sign_extend(bits_get(bits, 3, 2) << 1 | bits_get(bits, 10, 2) << 3 |
                                    bits_get(bits, 2, 1) << 5 | bits_get(bits, 5, 2) << 6 |
                                    bits_get(bits, 12, 1) << 8,
                                9);
}

static uint32_t expand_quadrant1(const struct riscv_model *model, uint16_t bits)
{
    uint32_t rd = bits_get(bits, 7, 5);
    switch (bits >> 13) {
    case 0: return encode_i(OP_IMM, 0, rd, rd, imm_ci(bits));             /* c.addi, c.nop */
    case 1: return rd ? encode_i(OP_IMM_32, 0, rd, rd, imm_ci(bits)) : 0; /* c.addiw */
    case 2: return encode_i(OP_IMM, 0, rd, 0, imm_ci(bits));              /* c.li */
    case 3: return expand_lui(model, bits);
    case 4: return expand_alu(model, bits);
    case 5: return encode_j(offset_j(bits));
    case 6: return encode_b(0, low_register(bits, 7), offset_b(bits));
    default: return encode_b(1, low_register(bits, 7), offset_b(bits));
    }
}

/* c.jr, c.mv, c.ebreak, c.jalr, c.add. */
static uint32_t expand_jump_move(uint16_t bits)
{
    uint32_t rd = bits_get(bits, 7, 5), rs2 = bits_get(bits, 2, 5);
    bool link = bits_get(bits, 12, 1);
    if (rs2)
        return encode_r(0x33, rd, link ? rd : 0, rs2);
    if (rd)
        return encode_i(JALR, 0, link, rd, 0);
    return link ? 0x00100073 : 0;
}

static uint32_t expand_quadrant2(const struct riscv_model *model, uint16_t bits)
{
    uint32_t rd = bits_get(bits, 7, 5), rs2 = bits_get(bits, 2, 5);
    uint32_t load_double =
        (uint32_t)(bits_get(bits, 5, 2) << 3 | bits_get(bits, 12, 1) << 5 | bits_get(bits, 2, 3) << 6);
    uint32_t load_word =
        (uint32_t)(bits_get(bits, 4, 3) << 2 | bits_get(bits, 12, 1) << 5 | bits_get(bits, 2, 2) << 6);
    uint32_t store_double = (uint32_t)(bits_get(bits, 10, 3) << 3 | bits_get(bits, 7, 3) << 6);
    uint32_t store_word = (uint32_t)(bits_get(bits, 9, 4) << 2 | bits_get(bits, 7, 2) << 6);
    bool zcd = riscv_model_has(model, EXT_ZCD);
    switch (bits >> 13) {
    case 0: return encode_i(OP_IMM, 1, rd, rd, (int32_t)shamt(bits)); /* c.slli */
    case 1: return zcd ? encode_i(LOAD_FP, 3, rd, 2, (int32_t)load_double) : 0;
    case 2: return rd ? encode_i(LOAD, 2, rd, 2, (int32_t)load_word) : 0;
    case 3: return rd ? encode_i(LOAD, 3, rd, 2, (int32_t)load_double) : 0;
    case 4: return expand_jump_move(bits);
    case 5: return zcd ? encode_s(STORE_FP, 3, 2, rs2, store_double) : 0;
    case 6: return encode_s(STORE, 2, 2, rs2, store_word);
    default: return encode_s(STORE, 3, 2, rs2, store_double);
    }
}

uint32_t riscv_expand(const struct riscv_model *model, uint16_t bits)
{
    if (!riscv_model_has(model, EXT_ZCA))
        return 0;
    switch (bits & 3) {
    case 0: return expand_quadrant0(model, bits);
    case 1: return expand_quadrant1(model, bits);
    default: return expand_quadrant2(model, bits);
    }
}
