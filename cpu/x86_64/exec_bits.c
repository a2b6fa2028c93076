/* Bit tests and scans, BMI1, BMI2, ADX, CRC32, random numbers. */
#include "base/bits.h"
#include "cpu/x86_64/arith.h"
#include "cpu/x86_64/kinds.h"
#include "host/random.h"

#define REG(width) x86_reg_get(c, i->reg, width)
#define RM(width)  x86_reg_get(c, i->rm, width)
#define IMM        ((unsigned)i->imm)

/* ---- BT, BTS, BTR, BTC ---- */

enum bit_change {
    BIT_NONE,
    BIT_SET,
    BIT_RESET,
    BIT_COMPLEMENT,
};

INLINE uint64_t bit_changed(enum bit_change change, uint64_t a, unsigned bit)
{
    uint64_t mask = (uint64_t)1 << bit;
    switch (change) {
    case BIT_SET: return a | mask;
    case BIT_RESET: return a & ~mask;
    case BIT_COMPLEMENT: return a ^ mask;
    default: return a;
    }
}

INLINE uint64_t op_bit(struct x86_core *c, enum bit_change change, unsigned width, uint64_t a, unsigned bit)
{
    bit &= 8 * width - 1;
    flags_bit(c, a, bit);
    return bit_changed(change, a, bit);
}

/* A bit offset in a register reaches out of the memory operand: the operand is the one that holds the bit. */
static inline uint64_t bit_operand(const struct x86_core *c, const struct x86_insn *i, uint64_t pc,
                                   unsigned width)
{
    int64_t bit = sign_extend(c->s.gpr[i->reg], 8 * width);
    uint64_t units = (uint64_t)(bit >> (width == 8 ? 6 : width == 4 ? 5 : 4));
    return (x86_offset(c, i, pc) + units * width) & x86_address_mask(i->asize);
}

/* The memory forms; `offset` of the operand and the bit in it. False: c->fault. */
static inline bool bit_in_memory(struct x86_core *c, const struct x86_insn *i, enum bit_change change,
                                 unsigned width, uint64_t offset, unsigned bit)
{
    struct x86_loaded loaded =
        change == BIT_NONE ? x86_read(c, i->seg, offset, width) : x86_read_to_write(c, i->seg, offset, width);
    bit &= 8 * width - 1;
    if (!loaded.ok)
        return false;
    if (change != BIT_NONE && !x86_write(c, i->seg, offset, width, bit_changed(change, loaded.value, bit)))
        return false;
    flags_bit(c, loaded.value, bit);
    return true;
}

#define BITS_SIZE(id, change, bits, width)                                                                   \
    X86_PLAIN(id##_r##bits##_r,                                                                              \
              x86_reg_set(c, i->rm, width, op_bit(c, change, width, RM(width), (unsigned)REG(width))))       \
    X86_PLAIN(id##_i##bits##_r, x86_reg_set(c, i->rm, width, op_bit(c, change, width, RM(width), IMM)))      \
    BITS_MEMORY(id##_r##bits, change, width, bit_operand(c, i, pc, width), (unsigned)REG(width))             \
    BITS_MEMORY(id##_i##bits, change, width, x86_offset(c, i, pc), IMM)
#define BITS_MEMORY(id, change, width, offset, bit)                                                          \
    X86_HANDLER(x86_##id##_m)                                                                                \
    {                                                                                                        \
        if (!bit_in_memory(c, i, change, width, offset, bit))                                                \
            TAIL return x86_raise(c, i, bank, pc);                                                           \
        TAIL return x86_next_slow(c, i, bank, pc);                                                           \
    }
#define BITS(id, change)                                                                                     \
    BITS_SIZE(id, change, 16, 2)                                                                             \
    BITS_SIZE(id, change, 32, 4)                                                                             \
    BITS_SIZE(id, change, 64, 8)

BITS(bts, BIT_SET)
BITS(btr, BIT_RESET)
BITS(btc, BIT_COMPLEMENT)

/* BT writes nothing: not even zeroes into the upper half of a 32-bit register. */
#define BIT_TEST(bits, width)                                                                                \
    X86_PLAIN(bt_r##bits##_r, op_bit(c, BIT_NONE, width, RM(width), (unsigned)REG(width)))                   \
    X86_PLAIN(bt_i##bits##_r, op_bit(c, BIT_NONE, width, RM(width), IMM))                                    \
    BITS_MEMORY(bt_r##bits, BIT_NONE, width, bit_operand(c, i, pc, width), (unsigned)REG(width))             \
    BITS_MEMORY(bt_i##bits, BIT_NONE, width, x86_offset(c, i, pc), IMM)
BIT_TEST(16, 2)
BIT_TEST(32, 4)
BIT_TEST(64, 8)

/* ---- scans and counts ---- */

/* Of zero: ZF, and the destination stays as it is. The flags but ZF are undefined. */
INLINE void op_bsf(struct x86_core *c, const struct x86_insn *i, unsigned width, uint64_t a)
{
    x86_flags_logic(c, width, a);
    if (a)
        x86_reg_set(c, i->reg, width, (uint64_t)__builtin_ctzll(a));
}

INLINE void op_bsr(struct x86_core *c, const struct x86_insn *i, unsigned width, uint64_t a)
{
    x86_flags_logic(c, width, a);
    if (a)
        x86_reg_set(c, i->reg, width, 63 - (uint64_t)__builtin_clzll(a));
}

/* Of zero: CF, and the operand size. */
INLINE void op_tzcnt(struct x86_core *c, const struct x86_insn *i, unsigned width, uint64_t a)
{
    uint64_t r = a ? (uint64_t)__builtin_ctzll(a) : 8 * width;
    x86_flags_result(c, width, r, a ? 0 : FLAG_CF);
    x86_reg_set(c, i->reg, width, r);
}

INLINE void op_lzcnt(struct x86_core *c, const struct x86_insn *i, unsigned width, uint64_t a)
{
    uint64_t r = a ? (uint64_t)__builtin_clzll(a) - (64 - 8 * width) : 8 * width;
    x86_flags_result(c, width, r, a ? 0 : FLAG_CF);
    x86_reg_set(c, i->reg, width, r);
}

INLINE void op_popcnt(struct x86_core *c, const struct x86_insn *i, unsigned width, uint64_t a)
{
    x86_flags_set(c, FLAGS_STATUS, a ? 0 : FLAG_ZF);
    x86_reg_set(c, i->reg, width, (uint64_t)__builtin_popcountll(a));
}

#define SCAN(op, bits, width)                                                                                \
    X86_PLAIN(op##bits##_r, op_##op(c, i, width, RM(width)))                                                 \
    X86_LOAD_M(op##bits, width, op_##op(c, i, width, v))
#define SCAN_SIZES(op)                                                                                       \
    SCAN(op, 16, 2)                                                                                          \
    SCAN(op, 32, 4)                                                                                          \
    SCAN(op, 64, 8)
SCAN_SIZES(bsf)
SCAN_SIZES(bsr)
SCAN_SIZES(tzcnt)
SCAN_SIZES(lzcnt)
SCAN_SIZES(popcnt)

/* ---- BMI1 and BMI2: r is ModRM.reg, v VEX.vvvv, s ModRM.r/m ---- */

#define BMI_DEST(width, value) x86_reg_set(c, i->reg, width, value)
#define VVVV(width)            x86_reg_get(c, i->vvvv, width)

INLINE void op_andn(struct x86_core *c, const struct x86_insn *i, unsigned width, uint64_t s)
{
    uint64_t r = ~VVVV(width) & s;
    x86_flags_logic(c, width, r);
    BMI_DEST(width, r);
}

INLINE void op_blsr(struct x86_core *c, const struct x86_insn *i, unsigned width, uint64_t s)
{
    uint64_t r = s & (s - 1);
    x86_flags_result(c, width, r, s ? 0 : FLAG_CF);
    x86_reg_set(c, i->vvvv, width, r);
}

INLINE void op_blsmsk(struct x86_core *c, const struct x86_insn *i, unsigned width, uint64_t s)
{
    uint64_t r = s ^ (s - 1);
    x86_flags_result(c, width, r, s ? 0 : FLAG_CF);
    x86_reg_set(c, i->vvvv, width, r);
}

INLINE void op_blsi(struct x86_core *c, const struct x86_insn *i, unsigned width, uint64_t s)
{
    uint64_t r = s & (0 - s);
    x86_flags_result(c, width, r, s ? FLAG_CF : 0);
    x86_reg_set(c, i->vvvv, width, r);
}

/* The low `count` bits. */
INLINE uint64_t low_bits(uint64_t v, unsigned count)
{
    return count >= 64 ? v : v & (((uint64_t)1 << count) - 1);
}

INLINE void op_bextr(struct x86_core *c, const struct x86_insn *i, unsigned width, uint64_t s)
{
    unsigned control = (unsigned)VVVV(width), start = control & 0xff, count = control >> 8 & 0xff;
    uint64_t r = start >= 8 * width ? 0 : low_bits(s >> start, count);
    x86_flags_logic(c, width, r);
    BMI_DEST(width, r);
}

INLINE void op_bzhi(struct x86_core *c, const struct x86_insn *i, unsigned width, uint64_t s)
{
    unsigned count = (unsigned)VVVV(width) & 0xff;
    uint64_t r = low_bits(s, count);
    x86_flags_result(c, width, r, count >= 8 * width ? FLAG_CF : 0);
    BMI_DEST(width, r);
}

INLINE void op_pext(struct x86_core *c, const struct x86_insn *i, unsigned width, uint64_t s)
{
    uint64_t r = 0, from = VVVV(width);
    for (unsigned at = 0; s; s &= s - 1, at++)
        r |= (from >> __builtin_ctzll(s) & 1) << at;
    BMI_DEST(width, r);
}

INLINE void op_pdep(struct x86_core *c, const struct x86_insn *i, unsigned width, uint64_t s)
{
    uint64_t r = 0, from = VVVV(width);
    for (; s; s &= s - 1, from >>= 1)
        r |= (from & 1) << __builtin_ctzll(s);
    BMI_DEST(width, r);
}

INLINE void op_mulx(struct x86_core *c, const struct x86_insn *i, unsigned width, uint64_t s)
{
    unsigned __int128 product = (unsigned __int128)x86_reg_get(c, RDX, width) * s;
    x86_reg_set(c, i->vvvv, width, (uint64_t)product);
    BMI_DEST(width, (uint64_t)(product >> (8 * width)));
}

INLINE void op_shlx(struct x86_core *c, const struct x86_insn *i, unsigned width, uint64_t s)
{
    BMI_DEST(width, s << (VVVV(width) & (8 * width - 1)));
}

INLINE void op_shrx(struct x86_core *c, const struct x86_insn *i, unsigned width, uint64_t s)
{
    BMI_DEST(width, s >> (VVVV(width) & (8 * width - 1)));
}

INLINE void op_sarx(struct x86_core *c, const struct x86_insn *i, unsigned width, uint64_t s)
{
    BMI_DEST(width, (uint64_t)(sign_extend(s, 8 * width) >> (VVVV(width) & (8 * width - 1))));
}

INLINE void op_rorx(struct x86_core *c, const struct x86_insn *i, unsigned width, uint64_t s)
{
    unsigned bits = 8 * width, by = IMM & (bits - 1);
    BMI_DEST(width, by == 0 ? s : s >> by | s << (bits - by));
}

#define BMI(op)                                                                                              \
    SCAN(op, 32, 4)                                                                                          \
    SCAN(op, 64, 8)
BMI(andn)
BMI(blsr)
BMI(blsmsk)
BMI(blsi)
BMI(bextr)
BMI(bzhi)
BMI(pext)
BMI(pdep)
BMI(mulx)
BMI(shlx)
BMI(shrx)
BMI(sarx)
BMI(rorx)

/* ---- ADX: two independent chains of carries ---- */

INLINE void add_with(struct x86_core *c, const struct x86_insn *i, unsigned width, uint64_t s, uint64_t flag)
{
    uint64_t a = REG(width), carry = x86_flags_status(c) & flag ? 1 : 0;
    unsigned __int128 sum = (unsigned __int128)a + s + carry;
    x86_reg_set(c, i->reg, width, (uint64_t)sum);
    x86_flags_merge(c, flag, (uint64_t)(sum >> (8 * width)) & 1 ? flag : 0);
}

INLINE void op_adcx(struct x86_core *c, const struct x86_insn *i, unsigned width, uint64_t s)
{
    add_with(c, i, width, s, FLAG_CF);
}

INLINE void op_adox(struct x86_core *c, const struct x86_insn *i, unsigned width, uint64_t s)
{
    add_with(c, i, width, s, FLAG_OF);
}
BMI(adcx)
BMI(adox)

/* ---- CRC32: the Castagnoli polynomial, reflected ---- */

static uint32_t crc32_update(uint32_t crc, uint64_t data, unsigned width)
{
    for (unsigned byte = 0; byte < width; byte++) {
        crc ^= (uint8_t)(data >> (8 * byte));
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return crc;
}

/* The destination has 32 bits; with REX.W the upper half is cleared all the same. */
INLINE void op_crc32(struct x86_core *c, const struct x86_insn *i, unsigned width, uint64_t s)
{
    c->s.gpr[i->reg] = crc32_update((uint32_t)c->s.gpr[i->reg], s, width);
}
X86_PLAIN(crc32_8_r, op_crc32(c, i, 1, RM(1)))
X86_LOAD_M(crc32_8, 1, op_crc32(c, i, 1, v))
SCAN_SIZES(crc32)

/* ---- random numbers ---- */

X86_DO(rdrand)
{
    uint64_t value;
    if (i->flags & INSN_MEM)
        return x86_fault_ud(c);
    host_random(&value, sizeof(value));
    x86_operand_reg_set(c, i->rm, i->opsize, value);
    x86_flags_set(c, FLAGS_STATUS, FLAG_CF);
    return true;
}
X86_HELPER(rdrand)

X86_HANDLER(x86_rdseed)
{
    TAIL return x86_rdrand(c, i, bank, pc);
}
