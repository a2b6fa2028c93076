/*
 * Every instruction of the table that EL0 may use, with random operands, compared with the peer emulator: one
 * program is run here on a bare core and there as a process, and the memory it leaves must be the same.
 *
 * The program goes through slots. For each it loads all registers, flags and FPCR from the slot, runs one
 * instruction or a few, and stores everything back. X28 holds the slot's address throughout, so nothing under
 * test uses it. An UNDEFINED instruction is noted in the slot and skipped: by a signal handler there, by the
 * test's own code here.
 *
 * What a row's operands may be is said by its format (operands_choose). A row that can't be compared is named
 * in `left_out`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "cpu/aarch64/core.h"
#include "cpu/aarch64/decode.h"
#include "cpu/aarch64/fpcr.h"
#include "tests/harness/test.h"
#include "tests/insn/peer.h"

/* Everything the peer (QEMU 10.0) has too; for a process it leaves MOPS off. */
#define MODEL "max,-cssc,-mops"

#define BASE         0x40000000u
#define VARIANTS     16 /* of each row; a quarter of it for rows that are one condition of sixteen */
#define SEQUENCES    2000
#define WORDS        6000 /* random ones, most of them in SIMD&FP */
#define SLOT_SIZE    4096u
#define CODE_SIZE    512u     /* of one slot, at most */
#define HEAD_SIZE    0x10000u /* start, handler, vectors, signal stack */
#define SCRATCH_SIZE 1024u
#define POINTER      28

/* A slot: what goes in, what comes out. Offsets are immediates of loads and stores. */
struct registers {
    uint64_t x[31], sp, nzcv, fpcr, fpsr, undefined;
    uint64_t v[32][2];
    uint64_t pad[(1024 - 36 * 8 - 512) / 8];
};
struct slot {
    struct registers in;
    uint8_t scratch[SCRATCH_SIZE];
    struct registers out;
    uint8_t rest[SLOT_SIZE - 3 * 1024];
};
_Static_assert(sizeof(struct registers) == 1024 && sizeof(struct slot) == SLOT_SIZE, "slots are laid out");
#define SCRATCH_MIDDLE (1024u + SCRATCH_SIZE / 2)
#define OUT            (1024u + SCRATCH_SIZE)

struct program {
    unsigned slots, slots_max;
    uint32_t *code; /* at BASE + HEAD_SIZE */
    size_t words;
    struct slot *slot;
    struct note {
        const char *name;
        uint32_t insns[4];
        unsigned count;
    } * notes;
    uint32_t head[HEAD_SIZE / 4];
    uint32_t end; /* the address of the code behind the last slot */
};
static struct program program;

static uint32_t slots_address(void)
{
    return BASE + HEAD_SIZE + (uint32_t)program.slots_max * CODE_SIZE;
}

static uint32_t slot_address(unsigned n)
{
    return slots_address() + n * SLOT_SIZE;
}

/* ---- a little assembler ---- */

static void emit(uint32_t word)
{
    program.code[program.words++] = word;
}

/* Pairs at an immediate offset: STP is the LDP without bit 22. */
static uint32_t ldp_x(unsigned rt, unsigned rt2, unsigned rn, unsigned offset)
{
    return 0xa9400000 | (offset / 8) << 15 | rt2 << 10 | rn << 5 | rt;
}

static uint32_t ldp_q(unsigned rt, unsigned rt2, unsigned rn, unsigned offset)
{
    return 0xad400000 | (offset / 16) << 15 | rt2 << 10 | rn << 5 | rt;
}

static uint32_t ldr_x(unsigned rt, unsigned rn, unsigned offset)
{
    return 0xf9400000 | (offset / 8) << 10 | rn << 5 | rt;
}

#define LOAD_TO_STORE     0x00400000u
#define ADD_I(d, n, i)    (0x91000000u | (i) << 10 | (n) << 5 | (d))
#define MSR_NZCV(t)       (0xd51b4200u | (t))
#define MRS_NZCV(t)       (0xd53b4200u | (t))
#define MSR_FPCR(t)       (0xd51b4400u | (t))
#define MRS_FPCR(t)       (0xd53b4400u | (t))
#define MSR_FPSR(t)       (0xd51b4420u | (t))
#define MRS_FPSR(t)       (0xd53b4420u | (t))
#define MOVZ(d, i, shift) (0xd2800000u | (shift) / 16 << 21 | (uint32_t)(i) << 5 | (d))
#define MOVK(d, i, shift) (0xf2800000u | (shift) / 16 << 21 | (uint32_t)(i) << 5 | (d))
#define SVC               0xd4000001u
#define RET               0xd65f03c0u
#define HVC               0xd4000002u
#define ERET              0xd69f03e0u
#define SP                31u

static void emit_transfers(uint32_t direction)
{
    const size_t at = offsetof(struct registers, x);
    for (unsigned n = 0; n < 32; n += 2)
        emit((ldp_q(n, n + 1, POINTER, (unsigned)offsetof(struct registers, v) + 16 * n)) - direction);
    for (unsigned n = 0; n < POINTER; n += 2)
        emit(ldp_x(n, n + 1, POINTER, (unsigned)at + 8 * n) - direction);
    emit(ldr_x(30, POINTER, (unsigned)at + 8 * 30) - direction);
    emit(ldr_x(29, POINTER, (unsigned)at + 8 * 29) - direction);
}

/* One word of the slot from or to what needs a general register on the way. */
static void emit_special(size_t offset, uint32_t insn, bool load)
{
    uint32_t ldr = ldr_x(29, POINTER, (unsigned)offset);
    if (load) {
        emit(ldr);
        emit(insn);
    } else {
        emit(insn);
        emit(ldr - LOAD_TO_STORE);
    }
}

static void emit_enter(void)
{
    emit_special(offsetof(struct registers, fpcr), MSR_FPCR(29), true);
    emit_special(offsetof(struct registers, fpsr), MSR_FPSR(29), true);
    emit_special(offsetof(struct registers, sp), ADD_I(SP, 29, 0), true);
    emit_special(offsetof(struct registers, nzcv), MSR_NZCV(29), true);
    emit_transfers(0);
}

static void emit_leave(void)
{
    emit(ADD_I(POINTER, POINTER, OUT));
    emit_transfers(LOAD_TO_STORE);
    emit_special(offsetof(struct registers, sp), ADD_I(29, SP, 0), false);
    emit_special(offsetof(struct registers, nzcv), MRS_NZCV(29), false);
    emit_special(offsetof(struct registers, fpcr), MRS_FPCR(29), false);
    emit_special(offsetof(struct registers, fpsr), MRS_FPSR(29), false);
    emit(ADD_I(POINTER, POINTER, SLOT_SIZE - OUT));
}

/* ---- values ---- */

/* Bits that arithmetic finds interesting. */
static uint64_t value_choose(void)
{
    static const uint64_t special[] = {0,
                                       1,
                                       2,
                                       0x7f,
                                       0x80,
                                       0xff,
                                       0x7fff,
                                       0x8000,
                                       0xffff,
                                       0x7fffffff,
                                       0x80000000,
                                       0xffffffff,
                                       0x7fffffffffffffff,
                                       0x8000000000000000,
                                       ~(uint64_t)0,
                                       ~(uint64_t)1,
                                       0xffffffff00000000,
                                       0xffffffff80000000};
    switch (test_random_below(4)) {
    case 0: return special[test_random_below(ARRAY_LEN(special))];
    case 1: return test_random() >> test_random_below(64);
    case 2: return (uint64_t)((int64_t)test_random() >> test_random_below(64));
    default: return test_random();
    }
}

/* Floating-point numbers of one width: zeros, subnormals, ones, infinities, NaNs of both kinds, halves, and
 * others. */
static uint64_t float_choose(unsigned bits)
{
    unsigned fraction = bits == 64 ? 52 : bits == 32 ? 23 : 10, exponent_bits = bits - 1 - fraction;
    uint64_t bias = ((uint64_t)1 << (exponent_bits - 1)) - 1, exponent, mantissa;
    uint64_t top = 2 * bias + 1;
    switch (test_random_below(10)) {
    case 0: exponent = 0, mantissa = 0; break;
    case 1: exponent = 0, mantissa = test_random() >> test_random_below(60); break;
    case 2: exponent = top, mantissa = 0; break;
    case 3: exponent = top, mantissa = test_random() | (uint64_t)1 << (fraction - 1); break;
    case 4: exponent = top, mantissa = (test_random() & ~((uint64_t)1 << (fraction - 1))) | 1; break;
    case 5: exponent = bias + test_random_below(8), mantissa = (test_random() & 7) << (fraction - 3); break;
    case 6: exponent = bias - 4 + test_random_below(70), mantissa = test_random(); break;
    case 7: exponent = test_random_below(3), mantissa = test_random(); break;
    case 8: exponent = top - 1 - test_random_below(3), mantissa = test_random(); break;
    default: exponent = test_random(), mantissa = test_random(); break;
    }
    uint64_t sign = test_random() & 1;
    return sign << (bits - 1) | (exponent & top) << fraction | (mantissa & (((uint64_t)1 << fraction) - 1));
}

/* Half a register of elements alike: numbers of one width, bfloat16, bytes, or counts for shifts. */
static uint64_t elements_choose(unsigned kind)
{
    uint64_t v = 0;
    switch (kind) {
    case 0:
    case 1:
    case 2:
        for (unsigned at = 0, bits = 16u << kind; at < 64; at += bits)
            v |= float_choose(bits) << at;
        return v;
    case 3: return float_choose(32) >> 16 | (float_choose(32) & 0xffffffffffff0000);
    case 4: return value_choose() * 0x0101010101010101;
    case 5: return (uint64_t)((int64_t)test_random_below(160) - 80);
    default: return value_choose();
    }
}

/* Most operations want operands of one kind, so the registers of a slot are mostly of one. */
static void vector_choose(uint64_t v[2], unsigned kind)
{
    for (unsigned half = 0; half < 2; half++)
        v[half] = elements_choose(test_random_below(8) ? kind : (unsigned)test_random_below(8));
}

static void slot_fill(unsigned n)
{
    struct slot *slot = &program.slot[n];
    memset(slot, 0, sizeof(*slot));
    for (unsigned i = 0; i < 31; i++)
        slot->in.x[i] = value_choose();
    slot->in.x[POINTER] = slot_address(n);
    slot->in.sp = slot_address(n) + SCRATCH_MIDDLE;
    slot->in.nzcv = test_random_below(16) << 28;
    /* Rounding mode, flush to zero, default NaN, FZ16, AHP: mostly off. */
    if (test_random_below(2))
        slot->in.fpcr = test_random_below(4) << 22;
    if (test_random_below(4) == 0)
        slot->in.fpcr |= test_random_below(2) << 24 | test_random_below(2) << 25 |
                         test_random_below(2) << 19 | test_random_below(2) << 26;
    unsigned kind = (unsigned)test_random_below(8);
    for (unsigned i = 0; i < 32; i++)
        vector_choose(slot->in.v[i], kind);
    if (test_random_below(2))
        slot->in.fpsr = test_random() & 0x0800009f;
    for (unsigned i = 0; i < SCRATCH_SIZE; i += 8)
        le64_store(slot->scratch + i, value_choose());
}

/* ---- instructions ---- */

/* Rows that can't be compared here, by the beginnings of their names. */
static const char *const left_out[] = {
    "svc",
    "hvc",
    "smc",
    "brk",
    "hlt",
    "eret",
    "wf",
    "yield",
    "dcps", /* exceptions and waiting */
    "bl",
    "br",
    "ret",
    "b__", /* jumps: tests/cpu/aarch64 */
    "pac",
    "aut",
    "ldra", /* keys are random there */
    "mrs",
    "msr",
    "sys",
    "isb",
    "dsb",
    "esb",
    "hint",
    "stx",
    "stlx",               /* have to follow a load: exclusive_add */
    "fcvtzs__fixed_sc_h", /* the peer extends the sign beyond the element; the manual has zeros there */
};

static bool is_left_out(const struct a64_row *row)
{
    if (strcmp(row->name, "b") == 0)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(left_out); i++) {
        if (strncmp(row->name, left_out[i], strlen(left_out[i])) == 0)
            return true;
    }
    return false;
}

/* A row's bits with random ones in the place of operands. */
static uint32_t pattern_fill(const struct a64_row *row)
{
    return row->match | ((uint32_t)test_random() & ~row->mask);
}

static uint32_t field_set(uint32_t word, unsigned lo, unsigned len, uint32_t value)
{
    return (uint32_t)bits_set(word, lo, len, value);
}

/* A general register that is free: not the slot's pointer, not one of those given. */
static unsigned register_choose(unsigned not_a, unsigned not_b)
{
    for (;;) {
        unsigned r = (unsigned)test_random_below(31);
        if (r != POINTER && r != not_a && r != not_b)
            return r;
    }
}

static unsigned field_get(uint32_t word, unsigned lo)
{
    return word >> lo & 31;
}

/* Any register field that names the pointer gets another one. */
static uint32_t pointer_avoid(uint32_t word, unsigned lo)
{
    return field_get(word, lo) == POINTER ? field_set(word, lo, 5, register_choose(31, 31)) : word;
}

/* log2 of the bytes a load or store has an offset in. */
static unsigned scale_of(const struct a64_row *row, uint32_t word)
{
    bool pair = row->format == FMT_MEM_PAIR;
    if (row->flags & ROW_VREG)
        return pair ? (word >> 30) + 2 : (word >> 30) | (word >> 23 & 1) << 2;
    return pair ? 2 + (word >> 31) : word >> 30;
}

/* A base register that points into the scratch memory, operands around it, offsets that stay inside. */
static uint32_t memory_choose(const struct a64_row *row, uint32_t word, struct slot *slot, unsigned n)
{
    unsigned base = register_choose(31, 31), scale = scale_of(row, word);
    bool on_sp = test_random_below(8) == 0 && row->format != FMT_MEM_R;
    unsigned rn = on_sp ? SP : base;
    uint64_t middle = slot_address(n) + SCRATCH_MIDDLE;
    bool atomic = row->format == FMT_AMO || row->format == FMT_CAS || row->format == FMT_CASP ||
                  row->format == FMT_LDX || row->format == FMT_MEM_N || row->feature == FEAT_LRCPC2;
    slot->in.x[base] = middle + (atomic || on_sp ? 16 * test_random_below(4) : test_random_below(64));
    word = field_set(word, 5, 5, rn);
    if (!(row->flags & ROW_VREG) || row->format == FMT_V_SP)
        word = field_set(word, 0, 5, test_random_below(16) ? register_choose(base, 31) : 31);
    switch (row->format) {
    case FMT_MEM_U: word = field_set(word, 10, 12, (uint32_t)test_random_below(384 >> scale)); break;
    case FMT_MEM_S:
        if (atomic)
            word = field_set(word, 12, 9, (uint32_t)test_random_below(8) * 16);
        break;
    case FMT_MEM_R: {
        unsigned index = register_choose(base, field_get(word, 0));
        word = field_set(word, 16, 5, index);
        slot->in.x[index] = test_random_below(2) ? test_random_below(24)
                                                 : test_random_below(24) | (uint64_t)value_choose() << 32;
        if (strstr(row->name, "__lsl") || strstr(row->name, "__sxtx"))
            slot->in.x[index] = test_random_below(24);
        if (strstr(row->name, "__sxtw") && test_random_below(2))
            slot->in.x[index] = (uint32_t) - (int32_t)test_random_below(24);
        break;
    }
    case FMT_MEM_LIT: word = field_set(word, 5, 19, (uint32_t)test_random_below(16)); break;
    case FMT_MEM_PAIR: {
        unsigned second = (row->flags & ROW_VREG)
                              ? (field_get(word, 0) + 1 + (unsigned)test_random_below(30)) % 32
                              : register_choose(base, field_get(word, 0));
        word = field_set(word, 10, 5, second);
        word = field_set(
            word, 15, 7,
            (uint32_t)((int32_t)test_random_below(48 >> (scale - 2)) - (int32_t)(24 >> (scale - 2))));
        break;
    }
    case FMT_LDX: word = field_set(word, 10, 5, register_choose(base, field_get(word, 0))); break;
    case FMT_AMO:
    case FMT_CAS: word = field_set(word, 16, 5, register_choose(base, 31)); break;
    case FMT_CASP:
        word = field_set(word, 16, 5, (uint32_t)test_random_below(13) * 2);
        word = field_set(word, 0, 5, (uint32_t)test_random_below(13) * 2);
        /* The pairs must not hold the base. */
        if (base < 26) {
            slot->in.x[30] = slot->in.x[base];
            word = field_set(word, 5, 5, on_sp ? SP : 30);
        }
        break;
    default: break;
    }
    return word;
}

static uint32_t operands_choose(const struct a64_row *row, struct slot *slot, unsigned n)
{
    uint32_t word = pattern_fill(row);
    switch ((enum a64_format)row->format) {
    case FMT_MEM_U:
    case FMT_MEM_S:
    case FMT_MEM_R:
    case FMT_MEM_LIT:
    case FMT_MEM_PAIR:
    case FMT_MEM_N:
    case FMT_LDX:
    case FMT_AMO:
    case FMT_CAS:
    case FMT_CASP: return memory_choose(row, word, slot, n);
    case FMT_V_SP: {
        /* A base, and as the index a general register or 31. */
        word = memory_choose(row, pattern_fill(row), slot, n);
        word = field_set(word, 0, 5, (uint32_t)test_random_below(32));
        unsigned index = field_get(word, 16);
        if (index == POINTER || index == field_get(word, 5))
            word = field_set(word, 16, 5, row->pattern[0] ? 31 : 0);
        return word;
    }
    case FMT_CB:
    case FMT_TB: {
        /* Over one instruction, which is there for that. */
        unsigned len = row->format == FMT_TB ? 14 : 19;
        word = field_set(word, 5, len, 2);
        return row->name[0] == 'b' ? word : pointer_avoid(word, 0);
    }
    case FMT_NONE:
    case FMT_RAW: return word;
    case FMT_V: return word;
    case FMT_V_X: return pointer_avoid(word, 0);
    case FMT_ADR:
    case FMT_ADRP:
    case FMT_MOVW:
    case FMT_MOVK: return pointer_avoid(word, 0);
    default: return pointer_avoid(word, 0);
    }
}

/* ---- the program ---- */

static void slot_begin(const char *name)
{
    slot_fill(program.slots);
    program.notes[program.slots] = (struct note){.name = name};
    program.words = program.slots * (CODE_SIZE / 4);
    emit_enter();
}

static void slot_insn(uint32_t word)
{
    struct note *note = &program.notes[program.slots];
    if (note->count < ARRAY_LEN(note->insns))
        note->insns[note->count++] = word;
    emit(word);
}

/* Slots lie at fixed distances: fill the rest with a jump. */
static void slot_end(void)
{
    emit_leave();
    size_t next = (size_t)(program.slots + 1) * (CODE_SIZE / 4);
    emit(0x14000000u | (uint32_t)(next - program.words));
    program.slots++;
}

static void row_add(const struct a64_row *row)
{
    slot_begin(row->name);
    slot_insn(operands_choose(row, &program.slot[program.slots], program.slots));
    if (row->format == FMT_CB || row->format == FMT_TB)
        slot_insn(ADD_I(5, 5, 1));
    if (strcmp(row->name, "fjcvtzs") == 0)
        program.slot[program.slots].in.fpcr &= ~FPCR_FZ; /* Z of a flushed number: see in_sequences */
    slot_end();
}

/* A load-exclusive and its store; now and then one that can't succeed. */
static void exclusive_add(unsigned size, bool pair)
{
    slot_begin("exclusive");
    struct slot *slot = &program.slot[program.slots];
    uint32_t load = 0x08407c00u | size << 30 | (pair ? 0x00200000u : 0) | 0 << 5, store = load & ~0x00400000u;
    slot->in.x[0] = slot->in.sp + 16 * test_random_below(4);
    if (pair)
        load = field_set(load, 10, 5, 2);
    slot_insn(load | 1);
    if (test_random_below(4) == 0)
        slot_insn(0xd503305fu | 0xf00u); /* clrex */
    store = field_set(store, 16, 5, 3);
    slot_insn(pair ? field_set(store, 10, 5, 5) | 4 : store | 4);
    slot_end();
}

/* Registers that EL0 may read and write freely: written from X3 and read into X4. The peer keeps bits of FPCR
 * and FPSR that are for AArch32, so those are not set. */
static void registers_add(void)
{
    static const struct {
        uint32_t write, read;
        uint64_t mask;
    } moves[] = {
        {MSR_NZCV(3), MRS_NZCV(4), ~(uint64_t)0},
        {MSR_FPSR(3), MRS_FPSR(4), 0x0800009f},
        {MSR_FPCR(3), MRS_FPCR(4), 0x07c80000},
        {0xd51bd043, 0xd53bd044, ~(uint64_t)0}, /* tpidr_el0 */
    };
    for (unsigned n = 0; n < 40; n++) {
        slot_begin("mrs and msr");
        program.slot[program.slots].in.x[3] &= moves[n % 4].mask;
        slot_insn(moves[n % 4].write);
        slot_insn(moves[n % 4].read);
        slot_end();
    }
}

static bool in_sequences(const struct a64_row *row)
{
    /* FPToFixedJS clears Z for a subnormal number that was flushed; the peer doesn't. */
    if (strcmp(row->name, "fjcvtzs") == 0)
        return false;
    switch ((enum a64_format)row->format) {
    case FMT_ADD_I:
    case FMT_ADDS_I:
    case FMT_LOGIC_I:
    case FMT_TEST_I:
    case FMT_UBFM:
    case FMT_SBFM:
    case FMT_BFM:
    case FMT_EXTR:
    case FMT_RR:
    case FMT_RRR:
    case FMT_SHIFTED:
    case FMT_RRRR:
    case FMT_CCMP:
    case FMT_CCMP_I:
    case FMT_V:
    case FMT_V_X: return true;
    default: return false;
    }
}

static const struct a64_row *row_choose(const struct a64_row *rows, size_t count)
{
    for (;;) {
        const struct a64_row *row = &rows[test_random_below(count)];
        if (in_sequences(row) && !is_left_out(row))
            return row;
    }
}

/* Several in a row, so that flags and results are used by others. */
static void sequence_add(const struct a64_row *rows, size_t count)
{
    slot_begin("sequence");
    for (unsigned n = 0; n < 4; n++) {
        uint32_t word = operands_choose(row_choose(rows, count), &program.slot[program.slots], program.slots);
        slot_insn(word);
    }
    slot_end();
}

/* What the table lacks and the peer may have: MTE, and encodings that are CONSTRAINED UNPREDICTABLE. */
static bool is_optional(uint32_t word)
{
    static const struct {
        uint32_t mask, value;
    } words[] = {
        {0xff200000, 0xd9200000}, /* STG and its kind, LDG */
        {0xfe400000, 0x68000000}, /* STGP */
        {0xffe0f800, 0x9ac01000}, /* IRG, GMI */
        {0xdfe0fc00, 0x9ac00000}, /* SUBP, SUBPS */
        {0xff608000, 0x9b400000}, /* SMULH and UMULH without ones for Ra */
        {0x3fa00000, 0x08800000}, /* LDAR, STLR without ones for Rs and Rt2 */
        {0x3b200c00, 0x19000400}, /* MOPS */
    };
    for (size_t n = 0; n < ARRAY_LEN(words); n++) {
        if ((word & words[n].mask) == words[n].value)
            return true;
    }
    return false;
}

/* A word at random, to see that what the table lacks is UNDEFINED. False: it can't be compared. */
static bool word_choose(const struct a64_decoder *decoder, uint32_t *word, const char **name)
{
    static const struct {
        uint32_t mask, value;
    } spaces[] = {
        {0x0e000000, 0x0e000000}, /* SIMD&FP data processing */
        {0x0e000000, 0x0e000000},
        {0x0e000000, 0x0a000000}, /* data processing, registers */
        {0x0a000000, 0x08000000}, /* loads and stores */
    };
    size_t space = test_random_below(ARRAY_LEN(spaces));
    *word = ((uint32_t)test_random() & ~spaces[space].mask) | spaces[space].value;
    const struct a64_row *row = a64_row_find(decoder, *word);
    *name = row ? row->name : "unallocated";
    if (!row)
        return !is_optional(*word);
    if (is_left_out(row) || !in_sequences(row))
        return false;
    *word = pointer_avoid(*word, 0);
    return a64_row_find(decoder, *word) == row;
}

static void word_add(const struct a64_decoder *decoder)
{
    uint32_t word;
    const char *name;
    while (!word_choose(decoder, &word, &name))
        continue;
    slot_begin(name);
    struct slot *slot = &program.slot[program.slots];
    for (unsigned i = 0; i < POINTER; i++)
        slot->in.x[i] = test_random_below(2) ? slot->in.sp : slot->in.x[i];
    slot_insn(word);
    slot_end();
}

static void head_put(uint32_t offset, const uint32_t *words, size_t count)
{
    memcpy((uint8_t *)program.head + offset, words, count * 4);
}

#define HANDLER      0x400u
#define RESTORER     0x480u
#define ACTION       0x500u
#define STACK        0x540u
#define VECTORS      0x800u /* of the bare core; from EL0 at + 0x400 */
#define SIGNAL_STACK 0x4000u
#define PC_IN_FRAME  440u /* of struct ucontext: uc_mcontext.pc, and regs[28] */
#define X28_IN_FRAME (184u + 8 * 28)

/* Start: the peer needs a handler for SIGILL, on a stack of its own; then the first slot. */
static void head_make(void)
{
    uint32_t slots = slots_address();
    const uint32_t start[] = {
        MOVZ(0, STACK, 0),
        MOVK(0, BASE >> 16, 16),
        MOVZ(1, 0, 0),
        MOVZ(8, 132, 0),
        SVC, /* sigaltstack */
        MOVZ(0, 4, 0),
        MOVZ(1, ACTION, 0),
        MOVK(1, BASE >> 16, 16),
        MOVZ(2, 0, 0),
        MOVZ(3, 8, 0),
        MOVZ(8, 134, 0),
        SVC, /* rt_sigaction(SIGILL) */
        MOVZ(POINTER, slots & 0xffff, 0),
        MOVK(POINTER, slots >> 16, 16),
        MOVZ(0, HEAD_SIZE & 0xffff, 0),
        MOVK(0, (BASE + HEAD_SIZE) >> 16, 16),
        0xd61f0000u /* br x0 */,
    };
    /* The handler gets the frame in x2. */
    const uint32_t handler[] = {
        ldr_x(3, 2, PC_IN_FRAME),
        ADD_I(3, 3, 4),
        ldr_x(3, 2, PC_IN_FRAME) - LOAD_TO_STORE,
        ldr_x(4, 2, X28_IN_FRAME),
        MOVZ(3, 1, 0),
        ldr_x(3, 4, OUT + (unsigned)offsetof(struct registers, undefined)) - LOAD_TO_STORE,
        RET,
    };
    const uint32_t restorer[] = {MOVZ(8, 139, 0), SVC};
    const uint32_t vectors[] = {HVC, ERET};
    const uint64_t action[4] = {BASE + HANDLER, 0x0c000004 /* SA_SIGINFO, ONSTACK, RESTORER */,
                                BASE + RESTORER};
    const uint64_t stack[3] = {BASE + SIGNAL_STACK, 0, HEAD_SIZE - SIGNAL_STACK};
    head_put(0, start, ARRAY_LEN(start));
    head_put(HANDLER, handler, ARRAY_LEN(handler));
    head_put(RESTORER, restorer, ARRAY_LEN(restorer));
    head_put(VECTORS + 0x400, vectors, ARRAY_LEN(vectors));
    memcpy((uint8_t *)program.head + ACTION, action, sizeof(action));
    memcpy((uint8_t *)program.head + STACK, stack, sizeof(stack));
}

/* Behind the last slot: write all slots out, and end. */
static void tail_make(void)
{
    uint32_t slots = slots_address(), size = program.slots * SLOT_SIZE;
    program.words = program.slots * (CODE_SIZE / 4);
    program.end = BASE + HEAD_SIZE + 4 * (uint32_t)program.words;
    emit(MOVZ(20, slots & 0xffff, 0));
    emit(MOVK(20, slots >> 16, 16));
    emit(MOVZ(21, size & 0xffff, 0));
    emit(MOVK(21, size >> 16, 16));
    emit(MOVZ(0, 1, 0));
    emit(0xaa1403e1u); /* mov x1, x20 */
    emit(0xaa1503e2u); /* mov x2, x21 */
    emit(MOVZ(8, 64, 0));
    emit(SVC);         /* write */
    emit(0x8b000294u); /* add x20, x20, x0 */
    emit(0xcb0002b5u); /* sub x21, x21, x0 */
    emit(0xb5ffff35u); /* cbnz x21, the movz of x0 */
    emit(MOVZ(0, 0, 0));
    emit(MOVZ(8, 94, 0));
    emit(SVC); /* exit_group */
}

static void program_make(const struct a64_decoder *decoder)
{
    size_t count;
    const struct a64_row *rows = a64_rows(decoder, &count);
    program.slots_max = (unsigned)count * VARIANTS + SEQUENCES + WORDS + 1000;
    program.code = calloc(program.slots_max + 1, CODE_SIZE);
    program.slot = calloc(program.slots_max, SLOT_SIZE);
    program.notes = calloc(program.slots_max, sizeof(*program.notes));
    for (size_t n = 0; n < count; n++) {
        if (is_left_out(&rows[n]))
            continue;
        bool one_of_many = strchr(rows[n].pattern, 'c');
        for (unsigned i = 0; i < (one_of_many ? VARIANTS / 4 : VARIANTS); i++)
            row_add(&rows[n]);
    }
    for (unsigned n = 0; n < SEQUENCES; n++)
        sequence_add(rows, count);
    for (unsigned n = 0; n < WORDS; n++)
        word_add(decoder);
    for (unsigned n = 0; n < 64; n++)
        exclusive_add(n % 4, n % 8 >= 6);
    registers_add();
    head_make();
    tail_make();
}

/* ---- running it ---- */

/* Run the program under the peer; its slots, or NULL and the test failed. */
static struct slot *their_run(void)
{
    size_t slots = (size_t)program.slots * SLOT_SIZE;
    const struct peer_program as_file = {
        .emulator = "qemu-aarch64",
        .elf_machine = 183, /* EM_AARCH64 */
        .base = BASE,
        .pieces = {{program.head, sizeof(program.head)},
                   {program.code, (size_t)program.slots_max * CODE_SIZE},
                   {program.slot, slots}},
    };
    return peer_run(&as_file, slots);
}

/* An identity map of the first 512 GiB in blocks of 1 GiB: everything for EL0, and nothing of it for EL1 to
 * run but its vectors, which are flat because EL1 code may not be writable from EL0. */
#define TABLE 0x30000000u

static void tables_make(struct ram *ram)
{
    uint8_t entry[8];
    le64_store(entry, (TABLE + 4096) | 3);
    ram_write(ram, gpa(TABLE), entry, 8);
    for (uint64_t n = 0; n < 512; n++) {
        /* Block, AttrIndx 0, AP = EL0 and EL1, inner shareable, AF. */
        le64_store(entry, n << 30 | 0x741);
        ram_write(ram, gpa(TABLE + 4096 + 8 * n), entry, 8);
    }
    /* The vectors lie in the second half of the address space, for EL1 alone. */
    le64_store(entry, (TABLE + 3 * 4096) | 3);
    ram_write(ram, gpa(TABLE + 2 * 4096), entry, 8);
    le64_store(entry, ((uint64_t)BASE >> 30) << 30 | 0x701);
    ram_write(ram, gpa(TABLE + 3 * 4096), entry, 8);
}

static void context_set(struct aarch64_state *s)
{
    s->ttbr0_el1 = TABLE;
    s->ttbr1_el1 = TABLE + 2 * 4096;
    /* 48 bits, 4 KiB granules, tagged addresses for EL0: as Linux does it. */
    s->tcr_el1 = 16 | (uint64_t)16 << 16 | (uint64_t)2 << 30 | (uint64_t)5 << 32 | (uint64_t)1 << 37;
    s->mair_el1 = 0xff;
    s->sctlr_el1 |= SCTLR_M | SCTLR_UCT | SCTLR_UCI | SCTLR_DZE | SCTLR_SPAN;
    s->cpacr_el1 = 3 << CPACR_FPEN_SHIFT;
    s->vbar_el1 = 0xffff000000000000 + VECTORS;
    s->pstate = PSTATE_EL0T;
    s->pc = BASE + HEAD_SIZE;
    s->x[POINTER] = slots_address();
}

/* The vectors have called: an UNDEFINED instruction is noted and skipped, anything else is the end. */
static bool exception_seen(struct aarch64_state *s, struct ram *ram)
{
    uint8_t one[8] = {1};
    if (s->esr_el1 >> ESR_EC_SHIFT != EC_UNKNOWN)
        return false;
    ram_write(ram, gpa(s->x[POINTER] + OUT + offsetof(struct registers, undefined)), one, 8);
    s->elr_el1 += 4;
    return true;
}

static void stop_report(const struct aarch64_state *s)
{
    uint64_t n = (s->elr_el1 - BASE - HEAD_SIZE) / CODE_SIZE;
    FAIL("the core stopped at %#llx with ESR %#llx, FAR %#llx: slot %llu: %s %08x",
         (unsigned long long)s->elr_el1, (unsigned long long)s->esr_el1, (unsigned long long)s->far_el1,
         (unsigned long long)n, n < program.slots ? program.notes[n].name : "?",
         n < program.slots ? program.notes[n].insns[0] : 0);
}

/* Run it on a bare core with the same memory, up to the system call behind the last slot. */
static bool core_run(struct slot *slots)
{
    struct physmem mem = {.ram = ram_create()};
    mem.mmio = bus_create("mmio", NULL);
    struct clock *clock = clock_create(&(struct clock_config){0});
    uint64_t code = (uint64_t)program.slots_max * CODE_SIZE, size = (uint64_t)program.slots * SLOT_SIZE;
    uint64_t total = align_up(HEAD_SIZE + code + size, PAGE_SIZE);
    struct ram_block *block = ram_block_create(mem.ram, "program", total, NULL);
    struct ram_block *tables = ram_block_create(mem.ram, "tables", 4 * PAGE_SIZE, NULL);
    ram_map(mem.ram, block, 0, gpa(BASE), total, RAM_MAPPED, NULL);
    ram_map(mem.ram, tables, 0, gpa(TABLE), 4 * PAGE_SIZE, RAM_MAPPED, NULL);
    ram_write(mem.ram, gpa(BASE), program.head, HEAD_SIZE);
    ram_write(mem.ram, gpa(BASE + HEAD_SIZE), program.code, code);
    ram_write(mem.ram, gpa(slots_address()), program.slot, size);
    tables_make(mem.ram);

    struct error err;
    struct cpu_config config = {.model = MODEL, .mem = &mem, .clock = clock, .hypercalls = true};
    struct vcpu *vcpu = aarch64_ops.create(&config, &err);
    if (!vcpu) {
        FAIL("%s", err.text);
        return false;
    }
    struct vcpu_exit exit;
    struct aarch64_state *s = aarch64_state(vcpu);
    context_set(s);
    vcpu->engine = &interpreter_engine;
    vcpu->slice_end = (uint64_t)program.slots * 300;
    do
        vcpu_run(vcpu, &exit);
    while (exit.reason == EXIT_HYPERCALL && exception_seen(s, mem.ram));
    bool good =
        exit.reason == EXIT_HYPERCALL && s->esr_el1 >> ESR_EC_SHIFT == EC_SVC && s->elr_el1 > program.end;
    if (!good)
        stop_report(s);
    ram_read(mem.ram, gpa(slots_address()), slots, size);
    aarch64_ops.destroy(vcpu);
    ram_destroy(mem.ram);
    bus_destroy(mem.mmio);
    clock_destroy(clock);
    return good;
}

/* ---- comparing ---- */

struct report {
    char text[1400];
    int len;
};

static void report_value(struct report *report, const char *name, unsigned number, uint64_t was, uint64_t is,
                         uint64_t expected)
{
    if (is == expected || report->len > (int)sizeof(report->text) - 200)
        return;
    report->len += snprintf(report->text + report->len, sizeof(report->text) - (size_t)report->len,
                            "; %s%u was %llx, is %llx, expected %llx", name, number, (unsigned long long)was,
                            (unsigned long long)is, (unsigned long long)expected);
}

/* Tell what differs in one slot. */
static void slot_report(unsigned n, const struct slot *ours, const struct slot *theirs)
{
    const struct note *note = &program.notes[n];
    const struct registers *in = &program.slot[n].in, *a = &ours->out, *b = &theirs->out;
    struct report report = {0};
    report.len = snprintf(report.text, sizeof(report.text), "%s", note->name);
    for (unsigned i = 0; i < note->count; i++)
        report.len += snprintf(report.text + report.len, 20, " %08x", note->insns[i]);
    for (unsigned i = 0; i < 31; i++)
        report_value(&report, "x", i, in->x[i], a->x[i], b->x[i]);
    report_value(&report, "sp", 0, in->sp, a->sp, b->sp);
    report_value(&report, "nzcv", 0, in->nzcv, a->nzcv, b->nzcv);
    report_value(&report, "fpcr", 0, in->fpcr, a->fpcr, b->fpcr);
    report_value(&report, "fpsr", 0, in->fpsr, a->fpsr, b->fpsr);
    report_value(&report, "undefined", 0, 0, a->undefined, b->undefined);
    for (unsigned i = 0; i < 32; i++) {
        report_value(&report, "v.lo", i, in->v[i][0], a->v[i][0], b->v[i][0]);
        report_value(&report, "v.hi", i, in->v[i][1], a->v[i][1], b->v[i][1]);
    }
    for (unsigned i = 0; i < SCRATCH_SIZE; i += 8)
        report_value(&report, "memory+", i, le64_load(program.slot[n].scratch + i),
                     le64_load(ours->scratch + i), le64_load(theirs->scratch + i));
    unsigned rn = note->insns[0] >> 5 & 31, rm = note->insns[0] >> 16 & 31;
    snprintf(report.text + report.len, sizeof(report.text) - (size_t)report.len,
             " (x%u %llx, x%u %llx, v%u %llx:%llx, v%u %llx:%llx, nzcv %llx, fpcr %llx)", rn,
             (unsigned long long)in->x[rn % 31], rm, (unsigned long long)in->x[rm % 31], rn,
             (unsigned long long)in->v[rn][1], (unsigned long long)in->v[rn][0], rm,
             (unsigned long long)in->v[rm][1], (unsigned long long)in->v[rm][0], (unsigned long long)in->nzcv,
             (unsigned long long)in->fpcr);
    FAIL("%s", report.text);
}

static void agrees_with_the_peer(void)
{
    if (!peer_can_judge("qemu-aarch64", 10, 0))
        return;
    struct aarch64_model model;
    struct error err;
    if (!CHECK(aarch64_model_parse(&model, MODEL, &err)))
        return;
    struct a64_decoder *decoder = a64_decoder_create(&model);
    program_make(decoder);
    struct slot *ours = malloc((size_t)program.slots * SLOT_SIZE), *theirs = their_run();
    if (theirs && core_run(ours)) {
        unsigned shown = 0;
        for (unsigned i = 0; i < program.slots && shown < 30; i++) {
            if (memcmp(&ours[i], &theirs[i], SLOT_SIZE) != 0) {
                slot_report(i, &ours[i], &theirs[i]);
                shown++;
            }
        }
    }
    CHECK(program.slots > 5000);
    free(ours);
    free(theirs);
    free(program.code);
    free(program.slot);
    free(program.notes);
    a64_decoder_destroy(decoder);
}

static const struct test_case cases[] = {{"agrees_with_the_peer", agrees_with_the_peer}};
TEST_SUITE(aarch64_insn_test, "insn", cases);
