/* What each operand format makes of an instruction's bits. */
#include "cpu/aarch64/decode.h"

#include "base/bits.h"
#include "cpu/aarch64/sysreg.h"

/* An instruction being decoded. */
struct word {
    const struct aarch64_core *c;
    const struct a64_row *row;
    uint32_t bits;
    uint32_t mode;
    unsigned offset, page_offset;
};

static uint32_t field(const struct word *w, unsigned lo, unsigned len)
{
    return (uint32_t)bits_get(w->bits, lo, len);
}

static int32_t signed_field(const struct word *w, unsigned lo, unsigned len)
{
    return (int32_t)sign_extend(field(w, lo, len), len);
}

static bool is_x(const struct word *w)
{
    return w->bits >> 31;
}

/* What register number 31 stands for. */
static uint8_t destination(uint32_t number)
{
    return (uint8_t)(number == 31 ? REG_DISCARD : number);
}

static uint8_t or_sp(uint32_t number)
{
    return (uint8_t)(number == 31 ? REG_SP : number);
}

uint64_t a64_bitmask(uint32_t n_immr_imms)
{
    unsigned n = n_immr_imms >> 12, immr = n_immr_imms >> 6 & 63, imms = n_immr_imms & 63;
    unsigned selector = n << 6 | (~imms & 63); /* its highest bit is the element's size */
    if (selector < 2)
        return 0;
    unsigned size = 1u << (31 - __builtin_clz(selector)), ones = (imms & (size - 1)) + 1;
    if (ones == size)
        return 0;
    unsigned rotation = immr & (size - 1);
    uint64_t element = ((uint64_t)1 << ones) - 1;
    if (rotation)
        element = (element >> rotation | element << (size - rotation)) & (~(uint64_t)0 >> (64 - size));
    for (; size < 64; size *= 2)
        element |= element << size;
    return element;
}

/* A special case of a row that its pattern can't express. */
static a64_handler *twin(a64_handler *run)
{
    static a64_handler *const twins[][2] = {
        {a64_ubfm_w, a64_lsl_i_w},
        {a64_ubfm_x, a64_lsl_i_x},
        {a64_and_i_x, a64_and_i__wide_x},
        {a64_orr_i_x, a64_orr_i__wide_x},
        {a64_eor_i_x, a64_eor_i__wide_x},
        {a64_ands_i_x, a64_ands_i__wide_x},
        {a64_mov_i_x, a64_mov_i__wide_x},
        {a64_tst_i_x, a64_tst_i__wide_x},
        {a64_b, a64_b__far},
        {a64_bl, a64_bl__far},
    };
    for (size_t n = 0; n < ARRAY_LEN(twins); n++) {
        if (twins[n][0] == run)
            return twins[n][1];
    }
    return run;
}

static bool logical_immediate(const struct word *w, struct a64_insn *insn)
{
    uint32_t encoding = field(w, 10, 13);
    uint64_t value = w->c->bitmasks[encoding];
    if (!is_x(w))
        value = (uint64_t)(int32_t)value;
    insn->imm = (int32_t)value;
    if ((uint64_t)(int64_t)insn->imm != value) {
        insn->imm = (int32_t)encoding;
        insn->run = twin(insn->run);
    }
    return value != 0;
}

static bool bitfield_extract(const struct word *w, struct a64_insn *insn)
{
    unsigned top = is_x(w) ? 63 : 31, immr = field(w, 16, 6), imms = field(w, 10, 6);
    insn->rm = (uint8_t)(top - imms);
    insn->imm = (int32_t)(imms >= immr ? top - imms + immr : immr - imms - 1);
    if (insn->imm == 0 && insn->rm)
        insn->run = twin(insn->run);
    return true;
}

static bool bitfield_insert(const struct word *w, struct a64_insn *insn)
{
    unsigned size = is_x(w) ? 64 : 32, immr = field(w, 16, 6), imms = field(w, 10, 6);
    unsigned lsb = imms >= immr ? 0 : size - immr, width = imms >= immr ? imms - immr + 1 : imms + 1;
    insn->rm = (uint8_t)immr;
    insn->imm = (int32_t)(lsb | width << 8);
    return true;
}

/* The NZCV values a condition holds for, as a set. */
static uint32_t condition_set(unsigned condition)
{
    uint32_t set = 0;
    for (unsigned nzcv = 0; nzcv < 16; nzcv++) {
        bool n = nzcv & 8, z = nzcv & 4, c = nzcv & 2, v = nzcv & 1;
        const bool holds[8] = {z, c, n, v, c && !z, n == v, n == v && !z, true};
        set |= (uint32_t)(holds[condition >> 1] != ((condition & 1) && condition != 15)) << nzcv;
    }
    return set;
}

/* Calls and jumps out of the page have twins that ask the jump cache at once, not looking for a link. */
static void branch_target(const struct word *w, struct a64_insn *insn, int32_t displacement)
{
    insn->imm = displacement + 4 * (int32_t)w->offset;
    int64_t target = (int64_t)w->page_offset + displacement;
    if (target < 0 || target >= (int64_t)PAGE_SIZE)
        insn->run = twin(insn->run);
}

/* The BTYPE an indirect branch leaves: from a guarded page, only X16 and X17 may jump where calls go. */
static int32_t branch_type(const struct word *w)
{
    unsigned opc = field(w, 21, 2), n = field(w, 5, 5);
    if (!aarch64_has(w->c, FEAT_BTI) || opc == 2)
        return 0;
    if (opc == 1)
        return 2;
    return (w->mode & MODE_GUARDED) && n != 16 && n != 17 ? 3 : 1;
}

/* log2 of what a load or store transfers for each register. */
static unsigned access_scale(const struct word *w)
{
    if (w->row->flags & ROW_VREG)
        return w->row->format == FMT_MEM_PAIR ? field(w, 30, 2) + 2 : field(w, 30, 2) | field(w, 23, 1) << 2;
    if (w->row->format == FMT_MEM_PAIR)
        return field(w, 30, 2) == 2 ? 3 : 2;
    return field(w, 30, 2);
}

/* The register a load fills or a store stores. */
static uint8_t transferred(const struct word *w, uint32_t number)
{
    return w->row->flags & (ROW_ST | ROW_VREG) ? (uint8_t)number : destination(number);
}

static bool memory_operands(const struct word *w, struct a64_insn *insn)
{
    unsigned scale = access_scale(w);
    insn->rd = transferred(w, field(w, 0, 5));
    insn->rn = or_sp(field(w, 5, 5));
    switch (w->row->format) {
    case FMT_MEM_U: insn->imm = (int32_t)(field(w, 10, 12) << scale); break;
    case FMT_MEM_S: insn->imm = signed_field(w, 12, 9); break;
    case FMT_MEM_R: insn->imm = (int32_t)(field(w, 12, 1) * scale); break;
    case FMT_MEM_LIT: insn->imm = signed_field(w, 5, 19) * 4 + 4 * (int32_t)w->offset; break;
    case FMT_MEM_PAC: insn->imm = ((w->bits >> 22 & 1 ? -512 : 0) + (int32_t)field(w, 12, 9)) * 8; break;
    case FMT_MEM_PAIR:
        insn->rm = transferred(w, field(w, 10, 5));
        insn->imm = signed_field(w, 15, 7) * (1 << scale);
        break;
    default: break;
    }
    return true;
}

static bool exclusive_operands(const struct word *w, struct a64_insn *insn)
{
    insn->rn = or_sp(field(w, 5, 5));
    switch (w->row->format) {
    case FMT_STX:
        insn->rd = destination(field(w, 16, 5));
        insn->rm = (uint8_t)field(w, 0, 5);
        insn->imm = (int32_t)field(w, 10, 5);
        return true;
    case FMT_LDX:
        insn->rd = destination(field(w, 0, 5));
        insn->rm = destination(field(w, 10, 5));
        return true;
    case FMT_AMO:
        insn->rd = destination(field(w, 0, 5));
        insn->rm = (uint8_t)field(w, 16, 5);
        return true;
    default: /* FMT_CAS, FMT_CASP */
        insn->rd = (uint8_t)field(w, 16, 5);
        insn->rm = (uint8_t)field(w, 0, 5);
        return w->row->format == FMT_CAS || !((insn->rd | insn->rm) & 1);
    }
}

static bool mops_operands(const struct word *w, struct a64_insn *insn)
{
    uint32_t d = field(w, 0, 5), n = field(w, 5, 5), s = field(w, 16, 5);
    bool set = w->row->format == FMT_MOPS_SET;
    insn->rd = (uint8_t)d;
    insn->rm = (uint8_t)s;
    insn->rn = (uint8_t)n;
    insn->imm = (int32_t)w->bits;
    return d != 31 && n != 31 && (set || s != 31) && d != n && d != s && n != s;
}

static bool system_operands(const struct word *w, struct a64_insn *insn)
{
    bool write = w->row->format != FMT_MRS;
    int index = aarch64_sysreg_find(w->c, field(w, 5, 16));
    insn->imm = index;
    insn->rd = write ? REG_DISCARD : destination(field(w, 0, 5));
    insn->rm = (uint8_t)field(w, 0, 5);
    if (index < 0) {
        insn->run = a64_mrs__absent;
        insn->imm = (int32_t)field(w, 5, 16);
        return !write && aarch64_sysreg_traps_undefined(w->c, field(w, 5, 16));
    }
    if (field(w, 5, 16) == A64_SYSREG(1, 3, 7, 4, 1))
        insn->run = a64_sys__zva;
    if (field(w, 5, 16) == A64_SYSREG(3, 3, 4, 2, 1) && (w->mode & MODE_EL1))
        insn->run = write ? a64_msr__daif : a64_mrs__daif;
    struct aarch64_sysreg_place plain = aarch64_sysreg_plain(w->mode, index, write);
    if (plain.width) {
        insn->imm = plain.offset;
        insn->run = !write ? a64_mrs__state : plain.width == 64 ? a64_msr__state : a64_msr__state32;
    }
    return true;
}

static bool extended_operand(const struct word *w, struct a64_insn *insn)
{
    unsigned amount = field(w, 10, 3);
    insn->imm = (int32_t)(amount | field(w, 13, 3) << 4);
    return amount <= 4;
}

/* d, n and m in their usual places are in *insn already. False: the operands make it UNDEFINED. */
static bool operands(const struct word *w, struct a64_insn *insn)
{
    switch ((enum a64_format)w->row->format) {
    case FMT_NONE: return true;
    case FMT_RAW: insn->imm = (int32_t)w->bits; return true;
    case FMT_EXC: insn->imm = (int32_t)field(w, 5, 16); return true;
    case FMT_ADR:
        insn->imm = signed_field(w, 5, 19) * 4 + (int32_t)field(w, 29, 2) + 4 * (int32_t)w->offset;
        return true;
    case FMT_ADRP: insn->imm = signed_field(w, 5, 19) * 4 + (int32_t)field(w, 29, 2); return true;
    case FMT_ADD_I: insn->rd = or_sp(field(w, 0, 5)); /* fall through */
    case FMT_ADDS_I:
        insn->rn = or_sp(field(w, 5, 5));
        insn->imm = (int32_t)(field(w, 10, 12) << (12 * field(w, 22, 1)));
        return true;
    case FMT_LOGIC_I: insn->rd = or_sp(field(w, 0, 5)); /* fall through */
    case FMT_TEST_I: return logical_immediate(w, insn);
    case FMT_MOVW:
    case FMT_MOVK:
        insn->imm = (int32_t)field(w, 5, 16);
        insn->rm = (uint8_t)(16 * field(w, 21, 2));
        return true;
    case FMT_UBFM:
    case FMT_SBFM: return bitfield_extract(w, insn);
    case FMT_BFM: return bitfield_insert(w, insn);
    case FMT_EXTR:
    case FMT_SHIFTED: insn->imm = (int32_t)field(w, 10, 6); return true;
    case FMT_RR:
    case FMT_RRR: return true;
    case FMT_ADD_X: insn->rd = or_sp(field(w, 0, 5)); /* fall through */
    case FMT_ADDS_X: insn->rn = or_sp(field(w, 5, 5)); return extended_operand(w, insn);
    case FMT_RRRR: insn->imm = (int32_t)field(w, 10, 5); return true;
    case FMT_RI8:
        insn->imm = w->bits >> 18 & 1 ? (int32_t)field(w, 10, 8) : signed_field(w, 10, 8);
        return true;
    case FMT_CCMP:
    case FMT_CCMP_I:
        insn->imm = (int32_t)(field(w, 0, 4) | condition_set(field(w, 12, 4)) << 16);
        return true;
    case FMT_RMIF:
        insn->rm = (uint8_t)field(w, 15, 6);
        insn->imm = (int32_t)field(w, 0, 4);
        return true;
    case FMT_R_SP: insn->rn = or_sp(field(w, 5, 5)); return true;
    case FMT_RRR_SP: insn->rm = or_sp(field(w, 16, 5)); return true;
    case FMT_B: branch_target(w, insn, signed_field(w, 0, 26) * 4); return true;
    case FMT_CB:
        insn->rn = (uint8_t)field(w, 0, 5);
        branch_target(w, insn, signed_field(w, 5, 19) * 4);
        return true;
    case FMT_TB:
        insn->rn = (uint8_t)field(w, 0, 5);
        insn->rm = (uint8_t)(field(w, 19, 5) | field(w, 31, 1) << 5);
        branch_target(w, insn, signed_field(w, 5, 14) * 4);
        return true;
    case FMT_BR_M: insn->rm = or_sp(field(w, 0, 5)); /* fall through */
    case FMT_BR: insn->imm = branch_type(w); return true;
    case FMT_MEM_U:
    case FMT_MEM_S:
    case FMT_MEM_R:
    case FMT_MEM_LIT:
    case FMT_MEM_PAIR:
    case FMT_MEM_PAC:
    case FMT_MEM_N: return memory_operands(w, insn);
    case FMT_STX:
    case FMT_LDX:
    case FMT_AMO:
    case FMT_CAS:
    case FMT_CASP: return exclusive_operands(w, insn);
    case FMT_MOPS_CPY:
    case FMT_MOPS_SET: return mops_operands(w, insn);
    case FMT_MRS:
    case FMT_MSR:
    case FMT_SYS: return system_operands(w, insn);
    case FMT_MSR_I: insn->imm = (int32_t)field(w, 8, 4); return true;
    case FMT_RT: insn->rm = (uint8_t)field(w, 0, 5); return true;
    case FMT_V:
    case FMT_V_SP:
        insn->imm = (int32_t)w->bits;
        insn->rd = (uint8_t)field(w, 0, 5);
        if (w->row->format == FMT_V_SP)
            insn->rn = or_sp(field(w, 5, 5));
        return true;
    case FMT_V_X: insn->imm = (int32_t)w->bits; return true;
    }
    return false;
}

static bool accesses_through_sp(const struct a64_row *row, const struct a64_insn *insn)
{
    switch ((enum a64_format)row->format) {
    case FMT_MEM_U:
    case FMT_MEM_S:
    case FMT_MEM_R:
    case FMT_MEM_PAIR:
    case FMT_MEM_PAC:
    case FMT_MEM_N:
    case FMT_STX:
    case FMT_LDX:
    case FMT_AMO:
    case FMT_CAS:
    case FMT_CASP:
    case FMT_V_SP: return insn->rn == REG_SP;
    default: return false;
    }
}

/* Whether the instruction may leave SP with another alignment than it had. */
static bool sp_written(const struct a64_row *row, const struct a64_insn *insn)
{
    switch ((enum a64_format)row->format) {
    case FMT_ADD_I: return insn->rd == REG_SP && (insn->rn != REG_SP || (insn->imm & 15));
    case FMT_LOGIC_I:
    case FMT_ADD_X: return insn->rd == REG_SP;
    case FMT_V_SP: return (row->flags & ROW_WB) && insn->rn == REG_SP;
    default: return (row->flags & ROW_WB) && insn->rn == REG_SP && (insn->imm & 15);
    }
}

/* Arm ARM, "BTI": the values of BTYPE a landing instruction takes, bit n for BTYPE n. */
static uint8_t landing(const struct aarch64_core *c, uint32_t mode, const struct a64_row *row, uint32_t bits)
{
    if (!row || !(row->flags & ROW_LAND))
        return 1;
    if (row->run == a64_brk || row->run == a64_hlt)
        return 0xf;
    if (row->run == a64_bti) {
        static const uint8_t takes[4] = {0x1, 0x7, 0xb, 0xf}; /* plain, c, j, jc */
        return takes[bits >> 6 & 3];
    }
    /* PACIxSP: BTI c, or jc while SCTLR_EL1.BTx is clear. */
    uint64_t strict = mode & MODE_EL1 ? SCTLR_BT1 : SCTLR_BT0;
    return c->s.sctlr_el1 & strict ? 0x7 : 0xf;
}

/* What a branch needs of its block: links for where it goes and, if it calls, for where it returns to. */
static void branch_kind(const struct word *w, struct a64_decoded *decoded)
{
    switch ((enum a64_format)w->row->format) {
    case FMT_CB:
    case FMT_TB:
        decoded->conditional = true;
        decoded->links = 1;
        break;
    case FMT_B:
        decoded->jumps = true;
        decoded->links = (uint8_t)(1 + field(w, 31, 1));
        break;
    case FMT_BR:
    case FMT_BR_M:
        decoded->jumps = true;
        decoded->links = field(w, 21, 2) == 1;
        break;
    default: break;
    }
}

/* Arm ARM C4.1, op0 of the top level. Prefetches are there, too, without operands of ours. */
static bool in_loads_and_stores(uint32_t bits)
{
    return (bits >> 25 & 5) == 4;
}

struct a64_decoded a64_decode(const struct aarch64_core *c, uint32_t mode, uint32_t bits, unsigned offset,
                              unsigned page_offset, struct a64_insn *insn)
{
    const struct a64_row *row = a64_row_find(c->decoder, bits);
    struct a64_decoded decoded = {.landing = landing(c, mode, row, bits)};
    struct word w = {
        .c = c, .row = row, .bits = bits, .mode = mode, .offset = offset, .page_offset = page_offset};
    *insn = (struct a64_insn){.run = row ? row->run : a64_undefined,
                              .rd = destination(field(&w, 0, 5)),
                              .rn = (uint8_t)field(&w, 5, 5),
                              .rm = (uint8_t)field(&w, 16, 5),
                              .offset = (uint8_t)offset};
    if (!row || !operands(&w, insn)) {
        insn->run = a64_undefined;
        decoded.end = true;
        return decoded;
    }
    if ((row->flags & ROW_FP) && !(mode & MODE_FP)) {
        insn->run = a64_fp_trap;
        decoded.end = true;
        return decoded;
    }
    if ((mode & MODE_SP_CHECK) && accesses_through_sp(row, insn))
        insn->run = a64_sp_fault;
    decoded.end = (row->flags & ROW_END) || insn->run == a64_sys ||
                  (insn->run == a64_msr && aarch64_sysreg_ends(insn->imm));
    branch_kind(&w, &decoded);
    decoded.sp_written = sp_written(row, insn);
    decoded.nothing = insn->run == a64_hint || insn->run == a64_bti;
    decoded.accesses = in_loads_and_stores(bits) && row->format != FMT_NONE;
    return decoded;
}
