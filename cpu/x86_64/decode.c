/*
 * The decoder: prefixes, then the row by map, opcode, prefix and ModRM, then operands by the row's format.
 * Instructions are decoded once and run many times, so this is written to be short.
 */
#include "cpu/x86_64/decode.h"

#include <stdlib.h>

#include "base/bits.h"

/* Handlers by row, and the rows. */
#define X86_LIST(name) name,
static const struct x86_row rows[] = {
#define INSN(id, map, prefix, opcode, modrm, operands, size, kind, feature, flags)                           \
    {#id,                                                                                                    \
     MAP_##map,                                                                                              \
     PREFIX_##prefix,                                                                                        \
     opcode,                                                                                                 \
     MODRM_##modrm,                                                                                          \
     OPS_##operands,                                                                                         \
     SIZE_##size,                                                                                            \
     X86_KIND_##kind,                                                                                        \
     flags,                                                                                                  \
     FEAT_##feature,                                                                                         \
     (x86_handler *const[]){KIND_##kind(X86_LIST, id)}},
#include "cpu/x86_64/insns.def"
#undef INSN
};

/* Row numbers in order of map and opcode, the most special first. */
static uint16_t order[ARRAY_LEN(rows)];
static struct {
    uint16_t first, count;
    bool modrm; /* a ModRM byte follows */
} buckets[MAPS][256];

static bool operands_have_modrm(const struct x86_row *row)
{
    return row->modrm != MODRM_ANY || (row->operands != OPS_NONE && row->operands < OPS_O);
}

static unsigned speciality(const struct x86_row *row)
{
    unsigned modrm = (unsigned)__builtin_popcount(row->modrm >> 8 & 0xff) * 2 + (row->modrm >> 16 != 3);
    return (4 - (unsigned)__builtin_popcount(row->prefix)) * 32 + modrm;
}

static int by_bucket(const void *a, const void *b)
{
    const uint16_t *x = a, *y = b;
    const struct x86_row *p = &rows[*x], *q = &rows[*y];
    if (p->map != q->map)
        return p->map - q->map;
    if (p->opcode != q->opcode)
        return p->opcode - q->opcode;
    int difference = (int)speciality(q) - (int)speciality(p);
    return difference ? difference : *x - *y;
}

void x86_decode_init(void)
{
    if (buckets[MAP_1][0].count)
        return;
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
        order[i] = (uint16_t)i;
    qsort(order, ARRAY_LEN(rows), sizeof(order[0]), by_bucket);
    for (unsigned i = ARRAY_LEN(rows); i-- > 0;) {
        const struct x86_row *row = &rows[order[i]];
        buckets[row->map][row->opcode].first = (uint16_t)i;
        buckets[row->map][row->opcode].count++;
        buckets[row->map][row->opcode].modrm |= operands_have_modrm(row);
    }
}

/* An instruction being decoded. */
struct decoder {
    const struct x86_core *c;
    const uint8_t *bytes;
    unsigned available, at;
    bool missing; /* a byte that isn't there was asked for */

    bool mode64, prefix66, prefix67, lock, rex, vex;
    uint8_t rep;      /* F2, F3 or 0 */
    uint8_t rex_bits; /* W R X B */
    bool l;
    uint8_t vvvv;
    int seg; /* override or -1 */

    uint8_t map, opcode, modrm;
    const struct x86_row *row;
    struct x86_insn *insn;
};

static uint8_t take8(struct decoder *d)
{
    if (d->at >= d->available) {
        d->missing = true;
        return 0;
    }
    return d->bytes[d->at++];
}

static uint64_t take(struct decoder *d, unsigned width)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < width; i++)
        v |= (uint64_t)take8(d) << (8 * i);
    return v;
}

static int64_t take_signed(struct decoder *d, unsigned width)
{
    return sign_extend(take(d, width), 8 * width);
}

static bool rex_w(const struct decoder *d)
{
    return d->rex_bits & 8;
}

/* One legacy prefix; false: it isn't one. */
static bool prefix_take(struct decoder *d, uint8_t byte)
{
    switch (byte) {
    case 0x26: d->seg = ES; break;
    case 0x2e: d->seg = CS; break;
    case 0x36: d->seg = SS; break;
    case 0x3e: d->seg = DS; break;
    case 0x64: d->seg = FS; break;
    case 0x65: d->seg = GS; break;
    case 0x66: d->prefix66 = true; break;
    case 0x67: d->prefix67 = true; break;
    case 0xf0: d->lock = true; break;
    case 0xf2:
    case 0xf3: d->rep = byte; break;
    default: return false;
    }
    return true;
}

/* All prefixes up to the first byte of the opcode. A REX counts only right before it. */
static uint8_t prefixes_take(struct decoder *d)
{
    for (;;) {
        uint8_t byte = take8(d);
        if (d->missing)
            return 0;
        if (prefix_take(d, byte)) {
            d->rex = false;
            d->rex_bits = 0;
        } else if (d->mode64 && (byte & 0xf0) == 0x40) {
            d->rex = true;
            d->rex_bits = byte & 15;
        } else {
            return byte;
        }
    }
}

/* C4 and C5: a VEX prefix, where they aren't LES and LDS. */
static bool is_vex(struct decoder *d, uint8_t byte)
{
    if (byte != 0xc4 && byte != 0xc5)
        return false;
    if (d->mode64)
        return true;
    if (d->at >= d->available) {
        d->missing = true;
        return false;
    }
    return (d->bytes[d->at] & 0xc0) == 0xc0;
}

/* The rest of a VEX prefix and the opcode (SDM vol. 2, 2.3.5). False: #UD. */
static bool vex_take(struct decoder *d, uint8_t byte)
{
    static const uint8_t rep_of[] = {0, 0, 0xf3, 0xf2};
    if (d->prefix66 || d->rep || d->lock || d->rex || !(d->c->mode & MODE_PROTECTED))
        return false;
    d->vex = true;
    uint8_t last = take8(d);
    unsigned map = 1;
    d->rex_bits = ~last >> 5 & 4; /* R */
    if (byte == 0xc4) {
        d->rex_bits = ~last >> 5 & 7; /* R X B */
        map = last & 31;
        last = take8(d);
        d->rex_bits |= last >> 4 & 8; /* W */
    }
    d->l = last >> 2 & 1;
    d->vvvv = ~last >> 3 & 15;
    d->prefix66 = (last & 3) == 1;
    d->rep = rep_of[last & 3];
    if (!d->mode64) {
        d->rex_bits &= 8; /* W may extend the opcode all the same */
        d->vvvv &= 7;
    }
    d->map = (uint8_t)(MAP_V2 + map - 1);
    d->opcode = take8(d);
    return map >= 1 && map <= 3;
}

static void opcode_take(struct decoder *d, uint8_t byte)
{
    d->map = MAP_1;
    if (byte == 0x0f) {
        byte = take8(d);
        d->map = MAP_2;
        if (byte == 0x38 || byte == 0x3a) {
            d->map = byte == 0x38 ? MAP_38 : MAP_3A;
            byte = take8(d);
        }
    }
    d->opcode = byte;
}

static bool row_fits(const struct decoder *d, const struct x86_row *row)
{
    unsigned prefix = d->rep ? (d->rep == 0xf3 ? PREFIX_F3 : PREFIX_F2) : d->prefix66 ? PREFIX_66 : PREFIX_NP;
    bool memory = d->modrm < 0xc0, w = rex_w(d);
    if (!(row->prefix & prefix))
        return false;
    if (!(row->modrm >> (memory ? 17 : 16) & 1) || ((d->modrm ^ row->modrm) & (row->modrm >> 8 & 0xff)))
        return false;
    if (row->flags & (d->mode64 ? ROW_I64 : ROW_O64))
        return false;
    if (row->flags & (w ? ROW_W0 : ROW_W1) || row->flags & (d->l ? ROW_L0 : ROW_L1))
        return false;
    return x86_has(d->c, row->feature);
}

/* The row, which takes the ModRM byte if there is one. */
static const struct x86_row *row_find(struct decoder *d)
{
    unsigned first = buckets[d->map][d->opcode].first, count = buckets[d->map][d->opcode].count;
    bool modrm = buckets[d->map][d->opcode].modrm;
    if (modrm)
        d->modrm = take8(d);
    if (d->missing)
        return NULL;
    for (unsigned i = first; i < first + count; i++) {
        if (row_fits(d, &rows[order[i]]))
            return &rows[order[i]];
    }
    return NULL;
}

/* Whether operands of the row's kind may be used now: the handler that says no, or NULL. */
static x86_handler *row_forbidden(const struct decoder *d)
{
    unsigned flags = d->row->flags, mode = d->c->mode;
    bool no_vvvv = d->row->operands < OPS_HWX || d->row->operands > OPS_HEX_I8;
    if (d->lock && !(flags & ROW_LOCK && d->modrm < 0xc0))
        return x86_undefined;
    if (flags & (ROW_PM | ROW_AVX) && !(mode & MODE_PROTECTED))
        return x86_undefined;
    if (d->vex && no_vvvv && d->vvvv)
        return x86_undefined;
    if (!(flags & (ROW_X87 | ROW_MMX | ROW_SSE | ROW_AVX)))
        return NULL;
    if (flags & (ROW_MMX | ROW_SSE) && mode & MODE_EM)
        return x86_undefined;
    if ((flags & ROW_SSE && !(mode & MODE_SSE)) || (flags & ROW_AVX && !(mode & MODE_AVX)))
        return x86_undefined;
    return mode & MODE_TS || (flags & ROW_X87 && mode & MODE_EM) ? x86_unavailable : NULL;
}

static unsigned operand_size(const struct decoder *d)
{
    unsigned plain = ((d->c->mode & (MODE_32 | MODE_64)) != 0) != d->prefix66 ? 2 : 1;
    bool wide = d->mode64 && rex_w(d);
    switch (d->row->size) {
    case SIZE_B: return 0;
    case SIZE_W: return 1;
    case SIZE_D: return 2;
    case SIZE_Q: return 3;
    case SIZE_V: return wide ? 3 : plain;
    case SIZE_Y: return wide ? 3 : 2;
    case SIZE_Z: return plain;
    case SIZE_D64: return d->mode64 ? (d->prefix66 && !wide ? 1 : 3) : plain;
    case SIZE_F64: return d->mode64 ? 3 : plain;
    default: return d->mode64 ? 3 : 2;
    }
}

static unsigned address_size(const struct decoder *d)
{
    if (d->mode64)
        return d->prefix67 ? 2 : 3;
    return ((d->c->mode & MODE_32) != 0) != d->prefix67 ? 2 : 1;
}

/* A register number as handlers want it. */
static uint8_t register_of(const struct decoder *d, unsigned number, bool byte)
{
    if (!byte)
        return (uint8_t)number;
    return (uint8_t)(!d->rex && number >= 4 ? (number - 4) * 8 + 1 : number * 8);
}

/* 16-bit addresses (SDM vol. 2, table 2-1). */
static void memory16(struct decoder *d)
{
    static const uint8_t bases[] = {RBX, RBX, RBP, RBP, RSI, RDI, RBP, RBX};
    static const uint8_t indexes[] = {RSI, RDI, RSI, RDI, X86_ZERO, X86_ZERO, X86_ZERO, X86_ZERO};
    struct x86_insn *insn = d->insn;
    unsigned mod = d->modrm >> 6, rm = d->modrm & 7;
    insn->base = bases[rm];
    insn->index = indexes[rm];
    insn->scale = 1;
    if (mod == 0 && rm == 6)
        insn->base = X86_ZERO;
    if (mod == 2 || (mod == 0 && rm == 6))
        insn->disp = (int32_t)take_signed(d, 2);
    else if (mod == 1)
        insn->disp = (int32_t)take_signed(d, 1);
    insn->seg = insn->base == RBP ? SS : DS;
}

/* 32- and 64-bit addresses (table 2-2 and 2-3). */
static void memory32(struct decoder *d)
{
    struct x86_insn *insn = d->insn;
    unsigned mod = d->modrm >> 6, rm = d->modrm & 7, base = rm | (d->rex_bits & 1) << 3;
    insn->index = X86_ZERO;
    if (rm == 4) {
        uint8_t sib = take8(d);
        unsigned index = (sib >> 3 & 7) | (d->rex_bits & 2) << 2;
        base = (sib & 7) | (d->rex_bits & 1) << 3;
        if (index != 4 || d->row->operands == OPS_HVX)
            insn->index = (uint8_t)index;
        insn->scale = (uint8_t)(1 << (sib >> 6));
    }
    insn->base = (uint8_t)base;
    if (mod == 0 && (base & 7) == 5) {
        insn->base = rm == 5 && d->mode64 ? X86_RIP : X86_ZERO;
        insn->disp = (int32_t)take_signed(d, 4);
    } else if (mod == 1) {
        insn->disp = (int32_t)take_signed(d, 1);
    } else if (mod == 2) {
        insn->disp = (int32_t)take_signed(d, 4);
    }
    insn->seg = insn->base == RSP || insn->base == RBP ? SS : DS;
}

/* The segment a prefix asks for; in 64-bit mode only FS and GS mean anything. */
static void segment_override(struct decoder *d)
{
    if (d->seg >= (d->mode64 ? FS : ES))
        d->insn->seg = (uint8_t)d->seg;
}

static bool in_set(unsigned operands, uint64_t set)
{
    return set >> operands & 1;
}
#define OPS(x) ((uint64_t)1 << OPS_##x)
_Static_assert(OPS_STRING < 64, "sets of formats are 64-bit masks");

/* Formats in which ModRM.reg, or r/m as a register, is an integer register. */
#define OPS_REG_INTEGER                                                                                      \
    (OPS(EG) | OPS(EG_I8) | OPS(EG_I8S) | OPS(EG_I) | OPS(EbG) | OPS(WG) | OPS(WG_I8) | OPS(HEG) | OPS(EG_V))
#define OPS_RM_INTEGER                                                                                       \
    (OPS(EG) | OPS(EG_I8) | OPS(EG_I8S) | OPS(EG_I) | OPS(E) | OPS(E_1) | OPS(E_I8) | OPS(E_I8S) |           \
     OPS(E_I) | OPS(EbG) | OPS(EX) | OPS(EX_I8) | OPS(HEG) | OPS(HE) | OPS(HEX) | OPS(HEX_I8) | OPS(EG_V))

/* Moves of control and debug registers ignore ModRM.mod: r/m is always a register, and nothing follows. */
static bool always_register(const struct decoder *d)
{
    return d->map == MAP_2 && (d->opcode & 0xfc) == 0x20;
}

static void modrm_decode(struct decoder *d)
{
    struct x86_insn *insn = d->insn;
    unsigned operands = d->row->operands;
    bool reg_integer = in_set(operands, OPS_REG_INTEGER), rm_integer = in_set(operands, OPS_RM_INTEGER);
    bool byte = insn->opsize == 0, mmx = d->row->flags & ROW_MMX;
    unsigned reg = (d->modrm >> 3 & 7) | (mmx && !reg_integer ? 0 : (d->rex_bits & 4) << 1);
    insn->reg = register_of(d, reg, byte && reg_integer);
    if (d->modrm < 0xc0 && !always_register(d)) {
        insn->flags |= INSN_MEM;
        if (insn->asize == 1)
            memory16(d);
        else
            memory32(d);
        segment_override(d);
        return;
    }
    segment_override(d); /* MASKMOVQ and MASKMOVDQU have an address all the same */
    unsigned rm = (d->modrm & 7) | (mmx && !rm_integer ? 0 : (d->rex_bits & 1) << 3);
    insn->rm = register_of(d, rm, rm_integer && (byte || operands == OPS_EbG));
}

/* Immediates, jump distances, absolute addresses. */
static void immediate_decode(struct decoder *d)
{
    struct x86_insn *insn = d->insn;
    unsigned width = 1u << insn->opsize, short_width = width > 4 ? 4 : width;
    switch (d->row->operands) {
    case OPS_E_1: insn->imm = 1; break;
    case OPS_EG_I8:
    case OPS_E_I8:
    case OPS_EX_I8:
    case OPS_WX_I8:
    case OPS_WG_I8:
    case OPS_HWX_I8:
    case OPS_HWX_IS4:
    case OPS_HW_I8:
    case OPS_HEX_I8:
    case OPS_EG_V:
    case OPS_I8: insn->imm = take8(d); break;
    case OPS_EG_I8S:
    case OPS_E_I8S:
    case OPS_J8:
    case OPS_I8S: insn->imm = (int32_t)take_signed(d, 1); break;
    case OPS_EG_I:
    case OPS_E_I:
    case OPS_A_I:
    case OPS_J:
    case OPS_I: insn->imm = (int32_t)take_signed(d, short_width); break;
    case OPS_O_I: insn->imm64 = take(d, width); break;
    case OPS_FAR:
        insn->imm64 = take(d, short_width);
        insn->imm64 |= take(d, 2) << 32;
        break;
    case OPS_MOFFS: insn->imm64 = take(d, 1u << insn->asize); break;
    case OPS_I16: insn->imm = (int32_t)take(d, 2); break;
    case OPS_I16_I8:
        insn->imm = (int32_t)take(d, 2);
        insn->disp = take8(d);
        break;
    default: break;
    }
}

static void operands_decode(struct decoder *d)
{
    struct x86_insn *insn = d->insn;
    unsigned operands = d->row->operands;
    insn->opsize = (uint8_t)operand_size(d);
    insn->asize = (uint8_t)address_size(d);
    insn->base = insn->index = X86_ZERO;
    insn->seg = DS;
    insn->modrm = d->modrm;
    insn->opcode = d->opcode;
    insn->flags = (uint8_t)((d->lock ? INSN_LOCK : 0) | (d->rep == 0xf3 ? INSN_REP : 0) |
                            (d->rep == 0xf2 ? INSN_REPNE : 0) | (rex_w(d) ? INSN_W : 0) |
                            (d->l ? INSN_L : 0) | (d->vex ? INSN_VEX : 0));
    if (buckets[d->map][d->opcode].modrm)
        modrm_decode(d);
    else
        segment_override(d);
    insn->vvvv = d->vex ? d->vvvv : insn->reg;
    if (operands == OPS_O || operands == OPS_O_I)
        insn->rm = register_of(d, (d->opcode & 7) | (d->rex_bits & 1) << 3, insn->opsize == 0);
    immediate_decode(d);
}

/*
 * In 64-bit mode the bases of FS and GS and the block's RIP are in registers beside the guest's own, so that
 * most addresses made with them need no look at a segment, and none at the instruction's own place.
 */
static void memory_simplify(struct decoder *d)
{
    struct x86_insn *insn = d->insn;
    int64_t disp = (int64_t)insn->disp + insn->offset + insn->length;
    if (insn->base == X86_RIP && disp == (int32_t)disp) {
        insn->base = X86_BLOCK;
        insn->disp = (int32_t)disp;
    }
    bool lea = d->map == MAP_1 && d->opcode == 0x8d; /* doesn't look at segments */
    if (insn->seg < FS || lea || insn->base == X86_RIP)
        return;
    uint8_t seg_base = insn->seg == FS ? X86_FS_BASE : X86_GS_BASE;
    if (insn->base == X86_ZERO) {
        insn->base = seg_base;
    } else if (insn->index == X86_ZERO) {
        insn->index = seg_base;
        insn->scale = 1;
    } else {
        return;
    }
    insn->seg = DS;
}

/* Which of the fast shapes a memory operand has: 0 for a register, else its place in KIND_RBXM. */
static unsigned shape_choose(struct decoder *d)
{
    const struct x86_insn *insn = d->insn;
    if (!(insn->flags & INSN_MEM))
        return 0;
    if (!d->mode64 || insn->asize != 3)
        return 3;
    memory_simplify(d);
    if (insn->seg == FS || insn->seg == GS || insn->base == X86_RIP)
        return 3;
    return insn->index == X86_ZERO ? 1 : 2;
}

/* XCHG with memory is locked without a prefix; CMPXCHG and XADD are done as if they were. */
static bool is_locked(const struct decoder *d)
{
    unsigned opcode = d->opcode & 0xfe;
    bool always = d->map == MAP_1 ? opcode == 0x86 : d->map == MAP_2 && (opcode == 0xb0 || opcode == 0xc0);
    return d->lock || (always && d->insn->flags & INSN_MEM);
}

static x86_handler *handler_choose(struct decoder *d)
{
    const struct x86_insn *insn = d->insn;
    x86_handler *const *handlers = d->row->handlers;
    unsigned size = insn->opsize, memory = insn->flags & INSN_MEM ? 1 : 0;
    bool long_stack = d->mode64 && size == 3;
    if (is_locked(d))
        return x86_locked_choose(insn);
    switch (d->row->kind) {
    case X86_KIND_RM: return handlers[memory];
    case X86_KIND_RBXM: return handlers[shape_choose(d)];
    case X86_KIND_V: return handlers[size - 1];
    case X86_KIND_VRM: return handlers[(size - 1) * 2 + memory];
    case X86_KIND_VRBXM: return handlers[(size - 1) * 4 + shape_choose(d)];
    case X86_KIND_Y: return handlers[size - 2];
    case X86_KIND_YRM: return handlers[(size - 2) * 2 + memory];
    case X86_KIND_JUMP: return handlers[d->c->mode & MODE_FLAT && size >= 2 ? 0 : 1];
    case X86_KIND_STACK: return handlers[long_stack ? 0 : 1];
    case X86_KIND_STACKRM: return handlers[long_stack ? memory : 2];
    default: return handlers[0];
    }
}

/* What isn't an instruction: the handler raises the exception. */
static unsigned not_an_instruction(struct decoder *d, x86_handler *run, unsigned *flags)
{
    d->insn->run = run;
    d->insn->length = (uint8_t)d->at;
    *flags = ROW_END;
    return d->at;
}

unsigned x86_decode(const struct x86_core *c, const uint8_t *bytes, unsigned available, unsigned offset,
                    struct x86_insn *insn, unsigned *flags)
{
    struct decoder d = {
        .c = c,
        .bytes = bytes,
        .available = available < X86_LENGTH_MAX ? available : X86_LENGTH_MAX,
        .mode64 = c->mode & MODE_64,
        .seg = -1,
        .insn = insn,
    };
    *insn = (struct x86_insn){.offset = (uint16_t)offset};
    uint8_t byte = prefixes_take(&d);
    bool known = true;
    if (!d.missing && is_vex(&d, byte))
        known = vex_take(&d, byte);
    else if (!d.missing)
        opcode_take(&d, byte);
    if (known && !d.missing)
        d.row = row_find(&d);
    if (!d.missing) {
        x86_handler *forbidden = d.row ? row_forbidden(&d) : x86_undefined;
        if (forbidden)
            return not_an_instruction(&d, forbidden, flags);
        operands_decode(&d);
    }
    if (d.missing)
        return d.available == X86_LENGTH_MAX ? not_an_instruction(&d, x86_too_long, flags) : 0;
    insn->length = (uint8_t)d.at;
    insn->run = handler_choose(&d);
    *flags = d.row->flags;
    return d.at;
}
