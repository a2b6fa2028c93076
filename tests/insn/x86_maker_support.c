#include "tests/insn/x86_maker.h"

#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "cpu/x86_64/kinds.h"

/* ---- the instructions ---- */

/* What depends on the operating system, on where it runs or on chance, or leaves the code page. */
static const char *const excluded[] = {
    "cpuid",    "rdtsc*",  "rdpid",    "rdpmc",    "rdrand",   "rdseed",   "syscall",   "sysret",
    "sysenter", "sysexit", "int*",     "iret",     "popf",     "pushf",    "call_far*", "jmp_far*",
    "ret*",     "call_e",  "jmp_e",    "rd?sbase", "wrfsbase", "wrgsbase", "rdfsbase",  "rdgsbase",
    "mov_es",   "mov_se",  "push_seg", "pop_seg",  "load_far", "xgetbv",   "xsetbv",    "xsave*",
    "xrstor*",  "fxsave",  "fxrstor",  "rdpkru",   "wrpkru",   "sldt",     "str",       "sgdt",
    "sidt",     "smsw",    "lar",      "lsl",      "verr",     "verw",     "monitor",   "mwait",
    "invd",     "wbinvd",  "clac",     "stac",     "salc",     "ins",      "outs",      "pause",
    "mov_rc",   "mov_rd", /* approximations, and what x86_64_vector_test.c is more lenient with */
    "rcpps",    "rcpss",   "vrcp*",    "rsqrt*",   "vrsqrt*",  "maskmov*", "vmaskmov*", "fnstenv",
    "fnsave",   "fldenv",  "fstp_m80", "fbstp",    "frstor",   "f2xm1",    "fyl2x*",    "fptan",
    "fpatan",   "fsin*",   "fcos",     NULL,
};

/* ---- flags: which an instruction leaves undefined, and whether it reads any ---- */

struct flag_use {
    const char *id;
    uint64_t written, undefined;
};

#define ALL FLAGS_STATUS
static const struct flag_use flag_uses[] = {
    {"and_*", ALL, FLAG_AF},
    {"or_*", ALL, FLAG_AF},
    {"xor_*", ALL, FLAG_AF},
    {"test_*", ALL, FLAG_AF},
    {"add_*", ALL, 0},
    {"adc_*", ALL, 0},
    {"sub_*", ALL, 0},
    {"sbb_*", ALL, 0},
    {"cmp_*", ALL, 0},
    {"cmps", ALL, 0},
    {"scas", ALL, 0},
    {"neg_*", ALL, 0},
    {"inc_*", ALL & ~FLAG_CF, 0},
    {"dec_*", ALL & ~FLAG_CF, 0},
    {"mulx", 0, 0},
    {"mul", ALL, FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF}, /* and not mulss */
    {"mul8", ALL, FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF},
    {"imul*", ALL, FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF},
    {"div", ALL, ALL},
    {"div8", ALL, ALL},
    {"idiv*", ALL, ALL},
    {"shl_*", 0, FLAG_AF | FLAG_OF},
    {"shr_*", 0, FLAG_AF | FLAG_OF},
    {"sar_*", 0, FLAG_AF | FLAG_OF},
    {"shld_*", 0, FLAG_AF | FLAG_OF},
    {"shrd_*", 0, FLAG_AF | FLAG_OF},
    {"rol_*", 0, FLAG_OF},
    {"ror_*", 0, FLAG_OF},
    {"rcl_*", 0, FLAG_OF},
    {"rcr_*", 0, FLAG_OF},
    {"bt_*", FLAG_CF, FLAG_OF | FLAG_SF | FLAG_AF | FLAG_PF},
    {"bts_*", FLAG_CF, FLAG_OF | FLAG_SF | FLAG_AF | FLAG_PF},
    {"btr_*", FLAG_CF, FLAG_OF | FLAG_SF | FLAG_AF | FLAG_PF},
    {"btc_*", FLAG_CF, FLAG_OF | FLAG_SF | FLAG_AF | FLAG_PF},
    {"bsf", ALL, ALL & ~FLAG_ZF},
    {"bsr", ALL, ALL & ~FLAG_ZF},
    {"lzcnt", ALL, FLAG_OF | FLAG_SF | FLAG_PF | FLAG_AF},
    {"tzcnt", ALL, FLAG_OF | FLAG_SF | FLAG_PF | FLAG_AF},
    {"popcnt", ALL, 0},
    {"andn", ALL, FLAG_AF | FLAG_PF},
    {"bextr", ALL, FLAG_AF | FLAG_PF | FLAG_SF},
    {"bzhi", ALL, FLAG_AF | FLAG_PF},
    {"bls*", ALL, FLAG_AF | FLAG_PF},
    {"cmpxchg8", ALL, 0},
    {"cmpxchg", ALL, 0},
    {"xadd*", ALL, 0},
    {NULL, 0, 0},
};

/* Instructions that read arithmetic flags. */
static const char *const flag_readers[] = {"adc_*", "sbb_*", "rcl_*",  "rcr_*", "cmov*", "set*",
                                           "j*",    "loope", "loopne", "lahf",  "cmc",   "adcx",
                                           "adox",  "cmps",  "scas",   "fcmov", NULL};

static const struct flag_use *flag_use(const char *id)
{
    const struct flag_use *use = flag_uses;
    while (use->id && !x86_id_in(id, (const char *const[]){use->id, NULL}))
        use++;
    return use;
}

/* ---- making instructions ---- */

uint64_t maker_value(void)
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
                                       ~(uint64_t)0};
    switch (test_random_below(6)) {
    case 0: return special[test_random_below(ARRAY_LEN(special))];
    case 1: return test_random() & 0xff;
    case 2: return test_random() & 0xffffffff;
    case 3: return (uint64_t)(-(int64_t)(test_random() & 0xffff));
    default: return test_random();
    }
}

static void emit(struct maker *m, uint8_t byte)
{
    m->code[m->at++] = byte;
}

static void emit_number(struct maker *m, unsigned width, uint64_t value)
{
    le_store(m->code + m->at, width, value);
    m->at += width;
}

/* An address in the data, mostly aligned, sometimes at its very end or across a page. */
uint64_t maker_data_address(void)
{
    uint64_t offset = test_random_below(NATIVE_DATA_SIZE - 256) + 64;
    switch (test_random_below(16)) {
    case 0: offset = NATIVE_DATA_SIZE - test_random_below(24); break;
    case 1: offset = PAGE_SIZE - test_random_below(40); break;
    case 2:
    case 3: break;
    default: offset &= ~(uint64_t)31; break;
    }
    return NATIVE_DATA + offset;
}

struct operands {
    bool memory;
    unsigned reg, rm, base, index, scale, mod;
    bool rip_relative, absolute, has_index;
    int32_t disp;
    uint64_t address;
};

static bool modrm_needed(const struct x86_row *row)
{
    return row->modrm != MODRM_ANY || (row->operands != OPS_NONE && row->operands < OPS_O);
}

/* Choose the operands. Registers of an address are set so that it lies in the data. */
static void operands_choose(struct maker *m, const struct x86_row *row, struct operands *o)
{
    bool may_memory = modrm_needed(row) && row->modrm >> 17 & 1, may_register = row->modrm >> 16 & 1;
    memset(o, 0, sizeof(*o));
    o->memory = may_memory && (!may_register || test_random_below(2));
    o->reg = (unsigned)test_random_below(16);
    o->rm = (unsigned)test_random_below(16);
    if (row->modrm & 0x3800)
        o->reg = (o->reg & 8) | (row->modrm >> 3 & 7);
    o->address = maker_data_address();
    if (!o->memory)
        return;
    o->rip_relative = !m->alone || test_random_below(8) == 0;
    o->absolute = !o->rip_relative && test_random_below(8) == 0;
    if (m->alone && !o->rip_relative && !o->absolute) {
        o->base = (unsigned)test_random_below(16);
        o->has_index = test_random_below(2);
        o->index = (unsigned)test_random_below(16);
        if (o->index == 4 || o->index == o->base)
            o->has_index = false;
        o->scale = (unsigned)test_random_below(4);
        o->mod = (unsigned)test_random_below(2) + 1;
        o->disp = o->mod == 1 ? (int8_t)test_random() : (int32_t)(test_random() & 0xffff) - 0x8000;
        uint64_t index = test_random_below(64) - 32;
        if (o->has_index)
            m->in->gpr[o->index] = index;
        m->in->gpr[o->base] =
            o->address - (uint64_t)(int64_t)o->disp - (o->has_index ? index << o->scale : 0);
    }
}

static void emit_prefixes(struct maker *m, const struct x86_row *row, const struct operands *o, bool wide,
                          bool narrow, bool lock, uint8_t rep)
{
    uint8_t rex = (uint8_t)(0x40 | (wide ? 8 : 0) | (o->reg >> 3 << 2));
    if (lock)
        emit(m, 0xf0);
    if (rep)
        emit(m, rep);
    if (row->prefix == PREFIX_66 ||
        (narrow && (row->prefix & PREFIX_66 || row->prefix == PREFIX_F2 || row->prefix == PREFIX_F3)))
        emit(m, 0x66);
    if (row->prefix == PREFIX_F3)
        emit(m, 0xf3);
    if (row->prefix == PREFIX_F2)
        emit(m, 0xf2);
    if (o->memory)
        rex |= (uint8_t)((o->has_index ? o->index >> 3 << 1 : 0) |
                         (o->rip_relative || o->absolute ? 0 : o->base >> 3));
    else
        rex |= (uint8_t)(o->rm >> 3);
    if (rex != 0x40 || test_random_below(4) == 0)
        emit(m, rex);
    if (row->map != MAP_1)
        emit(m, 0x0f);
    if (row->map == MAP_38 || row->map == MAP_3A)
        emit(m, row->map == MAP_38 ? 0x38 : 0x3a);
}

static void emit_vex(struct maker *m, const struct x86_row *row, const struct operands *o, bool wide, bool l,
                     unsigned vvvv)
{
    uint8_t pp = row->prefix == PREFIX_66   ? 1
                 : row->prefix == PREFIX_F3 ? 2
                 : row->prefix == PREFIX_F2 ? 3
                                            : 0;
    uint8_t r = ~(o->reg >> 3) & 1, x = 1, b = 1;
    uint8_t last = (uint8_t)((~vvvv & 15) << 3 | (l ? 4 : 0) | pp);
    if (o->memory && !o->rip_relative && !o->absolute) {
        x = o->has_index ? ~(o->index >> 3) & 1 : 1;
        b = ~(o->base >> 3) & 1;
    } else if (!o->memory) {
        b = ~(o->rm >> 3) & 1;
    }
    if (row->map == MAP_V2 && x && b && !wide && test_random_below(2)) {
        emit(m, 0xc5);
        emit(m, (uint8_t)(r << 7 | last));
        return;
    }
    emit(m, 0xc4);
    emit(m, (uint8_t)(r << 7 | x << 6 | b << 5 | (row->map - MAP_V2 + 1)));
    emit(m, (uint8_t)((wide ? 0x80 : 0) | last));
}

/* ModRM and what belongs to it. The value is where a RIP-relative distance lies, or 0. */
static unsigned emit_modrm(struct maker *m, const struct x86_row *row, const struct operands *o)
{
    if ((row->modrm & 0xff00) == 0xff00) {
        emit(m, row->modrm & 0xff);
        return 0;
    }
    uint8_t reg = (uint8_t)((o->reg & 7) << 3);
    if (!o->memory) {
        emit(m, (uint8_t)(0xc0 | reg | (o->rm & 7)));
        return 0;
    }
    if (o->rip_relative) {
        emit(m, reg | 5);
        m->at += 4;
        return m->at - 4;
    }
    if (o->absolute) {
        emit(m, reg | 4);
        emit(m, 0x25);
        emit_number(m, 4, o->address);
        return 0;
    }
    if (o->has_index || (o->base & 7) == 4) {
        emit(m, (uint8_t)(o->mod << 6 | reg | 4));
        emit(m, (uint8_t)(o->scale << 6 | (o->has_index ? o->index & 7 : 4) << 3 | (o->base & 7)));
    } else {
        emit(m, (uint8_t)(o->mod << 6 | reg | (o->base & 7)));
    }
    emit_number(m, o->mod == 1 ? 1 : 4, (uint64_t)(int64_t)o->disp);
    return 0;
}

static void emit_immediate(struct maker *m, const struct x86_row *row, unsigned width)
{
    unsigned short_width = width > 4 ? 4 : width;
    switch (row->operands) {
    case OPS_EG_I8:
    case OPS_EG_I8S:
    case OPS_E_I8:
    case OPS_E_I8S:
    case OPS_EX_I8:
    case OPS_WX_I8:
    case OPS_WG_I8:
    case OPS_HWX_I8:
    case OPS_HWX_IS4:
    case OPS_HW_I8:
    case OPS_HEX_I8:
    case OPS_EG_V:
    case OPS_I8:
    case OPS_I8S: emit_number(m, 1, test_random()); break;
    case OPS_EG_I:
    case OPS_E_I:
    case OPS_A_I:
    case OPS_I: emit_number(m, short_width, maker_value()); break;
    case OPS_O_I: emit_number(m, width, maker_value()); break;
    case OPS_MOFFS: emit_number(m, 8, maker_data_address()); break;
    case OPS_I16_I8:
        emit_number(m, 2, test_random_below(256));
        emit_number(m, 1, test_random_below(4));
        break;
    case OPS_I16: emit_number(m, 2, test_random_below(64)); break;
    case OPS_J8:
    case OPS_J:
        m->jump_width = row->operands == OPS_J8 ? 1 : 4;
        m->jump_at = m->at;
        m->at += m->jump_width;
        break;
    default: break;
    }
}

static bool is_string(const struct x86_row *row)
{
    return row->operands == OPS_STRING;
}

/* Registers that instructions use without naming them. */
static void implicit_registers(struct maker *m, const struct x86_row *row)
{
    if (is_string(row)) {
        m->in->gpr[RSI] = maker_data_address();
        m->in->gpr[RDI] =
            test_random_below(4) ? maker_data_address() : m->in->gpr[RSI] + test_random_below(16);
        m->in->gpr[RCX] = test_random_below(40);
        m->in->gpr[RBX] = maker_data_address();
        if (test_random_below(2))
            m->in->rflags |= FLAG_DF;
    }
    if (x86_id_begins(row->id, "leave") || x86_id_begins(row->id, "enter"))
        m->in->gpr[RBP] = (maker_data_address() & ~(uint64_t)63) + 64;
    if (x86_id_begins(row->id, "loop") || x86_id_begins(row->id, "jcxz"))
        m->in->gpr[RCX] = test_random_below(3);
    if (x86_id_begins(row->id, "cmpxchg") && test_random_below(2)) {
        m->in->gpr[RAX] = maker_value() & 0xff;
        memset(m->data, (int)(m->in->gpr[RAX] & 0xff), NATIVE_DATA_SIZE);
    }
    if (x86_id_begins(row->id, "div") || x86_id_begins(row->id, "idiv"))
        m->in->gpr[RDX] = test_random_below(4) ? test_random_below(3) : maker_value();
}

/* Bit offsets in registers reach far out of the operand. */
static void bit_offset_tame(struct maker *m, const struct x86_row *row, const struct operands *o)
{
    bool by_register = o->memory && !o->absolute && !o->rip_relative;
    bool in_address = by_register && (o->reg == o->base || (o->has_index && o->reg == o->index));
    if (o->memory && row->operands == OPS_EG && x86_id_begins(row->id, "bt") && !in_address)
        m->in->gpr[o->reg] = test_random_below(2048) - 1024;
}

static unsigned width_of(const struct x86_row *row, bool wide, bool narrow)
{
    switch (row->size) {
    case SIZE_B: return 1;
    case SIZE_W: return 2;
    case SIZE_V: return wide ? 8 : narrow ? 2 : 4;
    case SIZE_Y: return wide ? 8 : 4;
    case SIZE_Z: return narrow ? 2 : 4;
    case SIZE_D64: return narrow && !wide ? 2 : 8;
    case SIZE_F64:
    case SIZE_Q:
    case SIZE_M: return 8;
    default: return 4;
    }
}

/* On the processors this was written beside, shifts set all flags as they do here; the manual promises less.
 */
static bool is_settled(const struct x86_row *row)
{
    static const char *const settled[] = {"shl_*", "shr_*", "sar_*", "rol_*",
                                          "ror_*", "rcl_*", "rcr_*", NULL};
    return test_env("TRIARCH_INSN_UNDEFINED") && x86_id_in(row->id, settled);
}

/* The flags an instance leaves undefined: of shifts that depends on the count, which is only known if it
 * is 1. */
static void note_flags(struct maker *m, const struct x86_row *row)
{
    const struct flag_use *use = flag_use(row->id);
    if (!use->id || is_settled(row))
        return;
    uint64_t undefined = use->undefined;
    bool shift = use->written == 0, by_one = row->operands == OPS_E_1;
    if (shift && by_one)
        undefined &= ~FLAG_OF;
    /* Bytes and words may be shifted further than they are long. */
    if (shift && !by_one && undefined & FLAG_AF && (row->size == SIZE_B || row->size == SIZE_V))
        undefined |= FLAG_CF;
    m->undefined = (m->undefined & ~use->written) | undefined;
    m->doubtful |= undefined;
}

/* Whether the row can stand at this place of a run. */
bool maker_row_usable(const struct maker *m, const struct x86_row *row, const struct x86_model *model)
{
    static const char *const alone_only[] = {"push*", "pop*", "enter", "leave", "xlat",     "call",
                                             "loop*", "jcxz", "div*",  "idiv*", "cmpxchg*", NULL};
    /* Bit offsets in registers reach far: these registers are to be chosen. */
    static const char *const far_reaching[] = {"bt_r", "bts_r", "btr_r", "btc_r", NULL};
    static const char *const ends[] = {"j*", "call", "loop*", NULL};
    if (x86_id_in(row->id, excluded) || !x86_model_has(model, row->feature) ||
        !native_has(x86_feature_name(row->feature)))
        return false;
    if (row->flags & ROW_I64 ||
        (row->flags & ROW_END && !x86_id_in(row->id, ends) && !x86_id_begins(row->id, "cli")))
        return false;
    if (row->operands == OPS_FAR || row->operands == OPS_HVX)
        return false;
    if (!m->alone && (x86_id_in(row->id, alone_only) || x86_id_in(row->id, far_reaching) || is_string(row)))
        return false;
    if (m->undefined && x86_id_in(row->id, flag_readers))
        return false;
    return true;
}

void maker_row_add(struct maker *m, const struct x86_row *row)
{
    struct operands o;
    bool vex = row->map >= MAP_V2;
    bool wide = row->flags & ROW_W1 || (!(row->flags & ROW_W0) && test_random_below(3) == 0);
    bool narrow = test_random_below(4) == 0 && !(row->operands == OPS_J || row->operands == OPS_J8);
    bool l = row->flags & ROW_L1 || (!(row->flags & ROW_L0) && test_random_below(2));
    uint8_t rep = is_string(row) && test_random_below(2) ? (test_random_below(2) ? 0xf3 : 0xf2) : 0;
    unsigned rip_at = 0, start = m->at;
    implicit_registers(m, row);
    operands_choose(m, row, &o);
    bit_offset_tame(m, row, &o);
    bool lock = row->flags & ROW_LOCK && o.memory && test_random_below(3) == 0;
    unsigned vvvv =
        row->operands >= OPS_HWX && row->operands <= OPS_HEX_I8 ? (unsigned)test_random_below(16) : 0;
    if (vex)
        emit_vex(m, row, &o, wide, l, vvvv);
    else
        emit_prefixes(m, row, &o, wide, narrow, lock, rep);
    emit(m, row->opcode);
    if (modrm_needed(row))
        rip_at = emit_modrm(m, row, &o);
    emit_immediate(m, row, width_of(row, wide, narrow));
    if (rip_at)
        le32_store(m->code + rip_at, (uint32_t)(o.address - (NATIVE_CODE + m->at)));
    note_flags(m, row);
    size_t used = strlen(m->text);
    used += (size_t)snprintf(m->text + used, sizeof(m->text) - used, "%s ", row->id);
    for (unsigned n = start; n < m->at && used < sizeof(m->text) - 4; n++)
        used += (size_t)snprintf(m->text + used, sizeof(m->text) - used, "%02x", m->code[n]);
    snprintf(m->text + used, sizeof(m->text) - used, "; ");
}
