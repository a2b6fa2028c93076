/*
 * x87, MMX, SSE and AVX instructions against the host's own processor. Beside random bits the operands are
 * numbers that are hard: zeros, subnormals, limits, infinities, NaNs; rounding modes, flush modes and
 * unmasked exceptions are random too. Registers, MXCSR, the x87's state, memory and faults must agree.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "cpu/x86_64/kinds.h"
#include "tests/insn/x86_compare.h"

/* ---- operands ---- */

static uint32_t hard_32(void)
{
    static const uint32_t numbers[] = {0,          1,          0x007fffff, 0x00800000, 0x00800001, 0x3f800000,
                                       0x3f800001, 0x3f7fffff, 0x40000000, 0x7f7fffff, 0x7f800000, 0x7f800001,
                                       0x7fc00000, 0x7fffffff, 0x4f000000, 0x4effffff, 0x4b000000, 0x3f000000,
                                       0x3fc00000, 0x00400000, 0x33800000};
    return numbers[test_random_below(ARRAY_LEN(numbers))] | (uint32_t)test_random_below(2) << 31;
}

static uint64_t hard_64(void)
{
    static const uint64_t numbers[] = {0,
                                       1,
                                       0x000fffffffffffff,
                                       0x0010000000000000,
                                       0x3ff0000000000000,
                                       0x3fefffffffffffff,
                                       0x3ff0000000000001,
                                       0x7fefffffffffffff,
                                       0x7ff0000000000000,
                                       0x7ff0000000000001,
                                       0x7ff8000000000000,
                                       0x7fffffffffffffff,
                                       0x41e0000000000000,
                                       0x41dfffffffc00000,
                                       0x43e0000000000000,
                                       0x3fe0000000000000,
                                       0x3ff8000000000000,
                                       0x36a0000000000000,
                                       0x380fffffffffffff,
                                       0x47efffffe0000000,
                                       0x47effffff0000000};
    return numbers[test_random_below(ARRAY_LEN(numbers))] | test_random_below(2) << 63;
}

/* 64 bits: a hard number, two, near ones, small integers, or anything. */
static uint64_t lane(void)
{
    switch (test_random_below(8)) {
    case 0: return hard_64();
    case 1:
    case 2: return hard_32() | (uint64_t)hard_32() << 32;
    case 3: return (test_random() & 0x800fffffffffffff) | (0x3f0 + test_random_below(32)) << 52;
    case 4: {
        uint64_t low = (test_random() & 0x807fffff) | (120 + test_random_below(16)) << 23;
        return low | ((test_random() & 0x807fffff) | (120 + test_random_below(16)) << 23) << 32;
    }
    case 5:
        return test_random_below(2) ? test_random_below(300) : (uint64_t) - (int64_t)test_random_below(300);
    case 6: return 0x0101010101010101 * test_random_below(256);
    default: return test_random();
    }
}

/* An x87 register: mostly a number, in whatever encoding. */
static void extended(uint8_t at[16])
{
    static const uint16_t exponents[] = {0,      1,      0x3fff, 0x3ffe, 0x4000,
                                         0x7ffe, 0x7fff, 0x403e, 0x3fbf, 0x4001};
    uint64_t mantissa = test_random() | (uint64_t)1 << 63;
    uint16_t exponent = (uint16_t)(test_random_below(2) ? exponents[test_random_below(ARRAY_LEN(exponents))]
                                                        : 0x3ff0 + test_random_below(64));
    switch (test_random_below(8)) {
    case 0: mantissa = (uint64_t)1 << 63; break;
    case 1: mantissa = 0xc000000000000000; break;
    case 2: mantissa = test_random_below(2) ? 0 : test_random() >> test_random_below(64); break;
    case 3: mantissa = ~(uint64_t)0 << test_random_below(64); break;
    default: break;
    }
    if (!exponent && test_random_below(4))
        mantissa &= ~((uint64_t)1 << 63);
    if (!mantissa && test_random_below(4))
        exponent = 0;
    memset(at, 0, 16);
    le64_store(at, mantissa);
    le16_store(at + 8, (uint16_t)(exponent | test_random_below(2) << 15));
}

static void x87_random(struct native_state *in)
{
    uint8_t tags = (uint8_t)(test_random_below(4) ? test_random_below(4) ? 0xff : test_random() : 0);
    uint16_t masks = (uint16_t)(test_random_below(6) ? 0x3f : test_random() & 0x3f);
    static const uint16_t precisions[] = {0x300, 0x300, 0x200, 0};
    le16_store(in->fx,
               (uint16_t)(0x40 | masks | precisions[test_random_below(4)] | test_random_below(4) << 10));
    uint16_t status = (uint16_t)(test_random() & 0x7f00);
    if (test_random_below(2))
        status |= (uint16_t)(test_random() & 0x7f);
    if (status & ~masks & 0x3f)
        status = test_random_below(8) ? (uint16_t)(status & ~0xffu) : (uint16_t)(status | 0x8080);
    le16_store(in->fx + 2, status);
    in->fx[4] = tags;
    for (unsigned n = 0; n < 8; n++)
        extended(in->fx + 32 + 16 * n);
}

/* Transcendental functions: the host's last bit may be wrong, and C1, inexact and underflow with it. */
static bool is_approximate(const struct x86_row *row)
{
    static const char *const ids[] = {"f2xm1", "fyl2x*", "fptan", "fpatan", "fsin*", "fcos", NULL};
    return x86_id_in(row->id, ids);
}

static void state_random(struct native_state *in, const struct x86_row *row)
{
    memset(in, 0, sizeof(*in));
    for (unsigned n = 0; n < 16; n++)
        in->gpr[n] = lane();
    in->rflags = (test_random() & FLAGS_STATUS) | FLAG_ONE;
    in->rip = NATIVE_CODE;
    le16_store(in->fx, 0x37f);
    if (row->flags & (ROW_X87 | ROW_MMX) || x86_id_begins(row->id, "cvt") || x86_id_begins(row->id, "mov"))
        x87_random(in);
    if (is_approximate(row)) { /* exceptions that depend on the last bit */
        le16_store(in->fx, le16_load(in->fx) | 0x3f);
        le16_store(in->fx + 2, le16_load(in->fx + 2) & 0x7f00);
    }
    uint32_t masks = test_random_below(6) ? 0x1f80 : (uint32_t)test_random() & 0x1f80;
    uint32_t flags = test_random_below(2) ? 0 : (uint32_t)test_random() & 0x3f;
    uint32_t modes = test_random_below(2) ? 0 : (uint32_t)test_random() & 0xe040;
    le32_store(in->fx + 24, masks | flags | modes);
    bool same = test_random_below(8) == 0;
    for (unsigned n = 0; n < 16; n++) {
        for (unsigned q = 0; q < 4; q++)
            le64_store(in->ymm[n] + 8 * q, same && n ? le64_load(in->ymm[0] + 8 * q) : lane());
        memcpy(in->fx + 160 + 16 * n, in->ymm[n], 16);
    }
}

/* ---- instances ---- */

struct instance {
    uint8_t code[32];
    unsigned length;
    bool memory;
    uint64_t address;
    char text[160];
};

static void emit(struct instance *x, uint64_t value, unsigned width)
{
    le_store(x->code + x->length, width, value);
    x->length += width;
}

static bool has_vvvv(const struct x86_row *row)
{
    return row->operands >= OPS_HWX && row->operands <= OPS_HEX_I8;
}

static bool has_immediate(const struct x86_row *row)
{
    static const uint8_t formats[] = {OPS_EG_I8,  OPS_EX_I8,   OPS_WX_I8, OPS_WG_I8,
                                      OPS_HWX_I8, OPS_HWX_IS4, OPS_HW_I8, OPS_HEX_I8};
    return memchr(formats, row->operands, sizeof(formats));
}

/* Vector indexes that stay in the data, from its middle. */
static void index_tame(struct native_state *in, const struct x86_row *row, unsigned index)
{
    bool wide = x86_id_begins(row->id, "vgatherq");
    for (unsigned k = 0; k < (wide ? 4 : 8); k++) {
        int64_t value = (int64_t)test_random_below(900) - 450;
        le_store(in->ymm[index] + k * (wide ? 8 : 4), wide ? 8 : 4, (uint64_t)value);
    }
    memcpy(in->fx + 160 + 16 * index, in->ymm[index], 16);
}

static void prefixes_emit(struct instance *x, const struct x86_row *row, unsigned rex, bool l, unsigned vvvv)
{
    static const uint8_t bytes[9] = {[PREFIX_66] = 0x66, [PREFIX_F3] = 0xf3, [PREFIX_F2] = 0xf2};
    static const uint8_t pp[9] = {[PREFIX_66] = 1, [PREFIX_F3] = 2, [PREFIX_F2] = 3};
    unsigned prefix = row->prefix > 8 ? 0 : row->prefix;
    if (row->map >= MAP_V2) {
        emit(x, 0xc4, 1);
        emit(x, (~rex << 5 & 0xe0) | (unsigned)(row->map - MAP_V2 + 1), 1);
        emit(x, (rex & 8) << 4 | (~vvvv & 15) << 3 | (unsigned)l << 2 | pp[prefix], 1);
        return;
    }
    if (bytes[prefix])
        emit(x, bytes[prefix], 1);
    if (rex)
        emit(x, 0x40 | rex, 1);
    if (row->map != MAP_1)
        emit(x, 0x0f, 1);
    if (row->map == MAP_38 || row->map == MAP_3A)
        emit(x, row->map == MAP_38 ? 0x38 : 0x3a, 1);
}

static uint64_t data_address(void)
{
    static const uint64_t places[] = {NATIVE_DATA_SIZE - 32, NATIVE_DATA_SIZE - 16, NATIVE_DATA_SIZE - 8,
                                      PAGE_SIZE - 16};
    uint64_t offset = test_random_below(NATIVE_DATA_SIZE - 1024);
    switch (test_random_below(16)) {
    case 0: return NATIVE_DATA + places[test_random_below(ARRAY_LEN(places))];
    case 1: return NATIVE_DATA + NATIVE_DATA_SIZE - test_random_below(40);
    case 2:
    case 3: return NATIVE_DATA + offset;
    default: return NATIVE_DATA + (offset & ~(uint64_t)31);
    }
}

static void instance_make(struct instance *x, const struct x86_row *row, struct native_state *in)
{
    bool may_memory = row->modrm >> 17 & 1, may_register = row->modrm >> 16 & 1;
    bool needs_modrm = row->modrm != MODRM_ANY || row->operands != OPS_NONE;
    bool vsib = row->operands == OPS_HVX;
    unsigned reg = (unsigned)test_random_below(16), rm = (unsigned)test_random_below(16),
             index = (unsigned)test_random_below(16);
    bool wide =
        row->flags & ROW_W1 || (row->size == SIZE_Y && !(row->flags & ROW_W0) && test_random_below(2));
    bool l = row->flags & ROW_L1 || (!(row->flags & ROW_L0) && test_random_below(2));
    memset(x, 0, sizeof(*x));
    x->memory = needs_modrm && may_memory && (!may_register || test_random_below(2));
    if (row->modrm & 0x3800)
        reg = row->modrm >> 3 & 7;
    if (row->flags & ROW_X87)
        reg &= 7, rm &= 7;
    x->address = data_address();
    if (x86_id_begins(row->id, "maskmov"))
        in->gpr[RDI] =
            NATIVE_DATA + test_random_below(NATIVE_DATA_SIZE - 16); /* masked bytes may fault or not */
    unsigned rex = (wide ? 8u : 0) | (reg >> 3 ? 4u : 0);
    rex |= vsib ? (index >> 3 ? 2u : 0) : !x->memory && needs_modrm && rm >> 3 ? 1u : 0;
    prefixes_emit(x, row, needs_modrm ? rex : rex & 8, l,
                  has_vvvv(row) ? (unsigned)test_random_below(16) : 0);
    emit(x, row->opcode, 1);
    if ((row->modrm & 0xff00) == 0xff00) {
        emit(x, row->modrm & 0xff, 1);
    } else if (vsib) {
        emit(x, (reg & 7) << 3 | 4, 1);
        emit(x, test_random_below(4) << 6 | (index & 7) << 3 | 5, 1);
        emit(x, NATIVE_DATA + NATIVE_DATA_SIZE / 2, 4);
        index_tame(in, row, index);
    } else if (x->memory) {
        emit(x, (reg & 7) << 3 | 4, 1);
        emit(x, 0x25, 1);
        emit(x, x->address, 4);
    } else if (needs_modrm) {
        emit(x, 0xc0 | (reg & 7) << 3 | (rm & 7), 1);
    }
    if (has_immediate(row))
        emit(x, test_random(), 1);
    int used = snprintf(x->text, sizeof(x->text), "%s ", row->id);
    for (unsigned n = 0; n < x->length; n++)
        used += snprintf(x->text + used, sizeof(x->text) - (size_t)used, "%02x", x->code[n]);
    snprintf(x->text + used, sizeof(x->text) - (size_t)used, " (mxcsr %04x fcw %04x fsw %04x tags %02x)",
             le32_load(in->fx + 24), le16_load(in->fx), le16_load(in->fx + 2), in->fx[4]);
}

/* ---- comparing ---- */

/* Which address of a page a masked access or one in several parts reports is not said anywhere. */
static uint64_t address_mask(const struct x86_row *row)
{
    return strstr(row->id, "maskmov") || row->flags & ROW_X87 ? ~(uint64_t)0xfff : ~(uint64_t)0;
}

/* Numbers in their order, but for the sign. */
static bool are_near(const struct x86_st *guest, uint64_t mantissa, uint16_t se)
{
    __int128 a = (__int128)(guest->se & 0x7fff) << 63 | (guest->mant << 1 >> 1);
    __int128 b = (__int128)(se & 0x7fff) << 63 | (mantissa << 1 >> 1);
    return a - b <= 1 && b - a <= 1 && (guest->se ^ se) < 0x8000;
}

/* FYL2XP1 wants an operand near zero. */
static bool is_defined(const struct x86_row *row, const struct native_state *in)
{
    return strcmp(row->id, "fyl2xp1") != 0 || (le16_load(in->fx + 40) & 0x7fff) < 0x3ffd;
}

static void x87_agrees(const struct instance *x, const struct x86_row *row, const struct x86_state *s,
                       const uint8_t *fx)
{
    bool approximate = is_approximate(row);
    uint16_t status_mask = approximate ? 0xfdcf : 0xffff;
    uint8_t tags = 0;
    x86_agree(x->text, "fcw", s->fcw, le16_load(fx));
    x86_agree(x->text, "fsw", s->fsw & status_mask, le16_load(fx + 2) & status_mask);
    for (unsigned n = 0; n < 8; n++)
        tags |= (uint8_t)((s->ftw >> 2 * n & 3) != 3) << n;
    x86_agree(x->text, "tags", tags, fx[4]);
    for (unsigned n = 0; n < 8; n++) {
        char name[16];
        const struct x86_st *st = &s->st[((s->fsw >> 11 & 7) + n) & 7];
        uint64_t mantissa = le64_load(fx + 32 + 16 * n);
        uint16_t se = le16_load(fx + 40 + 16 * n);
        if (approximate && are_near(st, mantissa, se))
            continue;
        snprintf(name, sizeof(name), "st%u", n);
        x86_agree(x->text, name, st->mant, mantissa);
        snprintf(name, sizeof(name), "st%u.se", n);
        x86_agree(x->text, name, st->se, se);
    }
}

static uint8_t data[NATIVE_DATA_SIZE];

static void data_random(void)
{
    for (unsigned n = 0; n < NATIVE_DATA_SIZE; n += 16) {
        extended(data + n);
        if (n % 64 < 48) {
            le64_store(data + n, lane());
            le64_store(data + n + 8, lane());
        }
    }
}

static void run_both(struct x86_twin *g, const struct x86_row *row)
{
    struct native_state in, host, guest = {0};
    struct instance x;
    uint8_t code[64];
    do
        state_random(&in, row);
    while (!is_defined(row, &in));
    instance_make(&x, row, &in);
    host = in;
    memcpy(native_data(), data, sizeof(data));
    memcpy(native_code(), x.code, x.length);
    native_exit_put(native_code() + x.length, 1);
    native_run(&host);

    memset(code, 0xcc, sizeof(code));
    memcpy(code, x.code, x.length);
    xb_put(g->b, g->data, data, sizeof(data));
    xb_put(g->b, g->code, code, sizeof(code));
    x86_twin_load(g, &in);
    int vector = x86_twin_run(g, &guest);
    const struct x86_state *s = g->b->s;
    if (host.exit) {
        x86_agree(x.text, "vector", (uint64_t)vector, EXC_BP);
    } else if (!x86_fault_agrees(&host, vector, s->cr2, address_mask(row))) {
        x86_agree(x.text, "vector, for a signal", (uint64_t)vector, (uint64_t)host.signal);
    } else {
        x86_agree(x.text, "rip of the fault", guest.rip, host.rip);
    }
    if (host.exit)
        x86_vectors_agree(x.text, g, &host);
    else
        x86_agree(x.text, "mxcsr", s->mxcsr, le32_load(host.fx + 24));
    /* Processors differ in whether an MMX instruction that faults has changed the tags. */
    if (host.exit || !(row->flags & ROW_MMX))
        x87_agrees(&x, row, s, host.fx);
    x86_registers_agree(x.text, &guest, &host, FLAGS_STATUS);
    /* Ten bytes and more are stored in parts: a fault may come after some. */
    if (host.exit || !(row->flags & ROW_X87))
        x86_memory_agrees(x.text, g);
}

/* Approximations, and what touches more than this test compares. */
static const char *const excluded[] = {"rcp*", "vrcp*", "rsqrt*", "vrsqrt*", NULL};

static bool usable(const struct x86_row *row, const struct x86_model *model)
{
    return row->flags & (ROW_X87 | ROW_MMX | ROW_SSE | ROW_AVX) && !(row->flags & (ROW_I64 | ROW_END)) &&
           !x86_id_in(row->id, excluded) && x86_model_has(model, row->feature) &&
           native_has(x86_feature_name(row->feature));
}

static void compare_with_host(void)
{
    const char *missing = native_open();
    if (missing) {
        SKIP("%s", missing);
        return;
    }
    struct x86_twin g;
    x86_twin_open(&g);
    const char *only = test_env("TRIARCH_INSN"), *count = test_env("TRIARCH_INSN_COUNT");
    unsigned rounds = count ? (unsigned)atoi(count) : 60;
    for (unsigned n = 0; n < x86_row_count; n++) {
        if (!usable(&x86_rows[n], x86_model(g.b->vcpu)) || (only && !x86_id_begins(x86_rows[n].id, only)))
            continue;
        x86_mismatches = 0;
        for (unsigned round = 0; round < rounds && x86_mismatches < 4; round++) {
            if (round % 16 == 0)
                data_random();
            run_both(&g, &x86_rows[n]);
        }
    }
    xb_destroy(g.b);
    native_close();
}

static const struct test_case cases[] = {
    {"compare_with_host", compare_with_host},
};
TEST_SUITE(x86_64_vector_test, "insn", cases);
