/*
 * Every user-mode instruction of the table against the host's own processor: random instances of each row
 * with random registers and memory, alone and in short runs (for lazy flags), executed natively and by the
 * core; all registers, memory, defined flags and faults must agree. A row that is added is tested without
 * more ado, if its operand format is known here.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "cpu/x86_64/kinds.h"
#include "tests/cpu/x86_64/x86_bare.h"
#include "tests/insn/x86_native.h"

/* ---- the table ---- */

struct row {
    const char *id;
    uint8_t map, prefix, opcode;
    uint32_t modrm;
    uint8_t operands, size, kind;
    uint16_t flags;
    uint8_t feature;
};

static const struct row rows[] = {
#define INSN(id, map, prefix, opcode, modrm, operands, size, kind, feature, flags)                           \
    {#id,         MAP_##map,       PREFIX_##prefix, opcode,        MODRM_##modrm, OPS_##operands,            \
     SIZE_##size, X86_KIND_##kind, flags,           FEAT_##feature},
#include "cpu/x86_64/insns.def"
#undef INSN
};

static bool starts(const char *id, const char *prefix)
{
    return strncmp(id, prefix, strlen(prefix)) == 0;
}

static bool any_of(const char *id, const char *const *list)
{
    for (; *list; list++) {
        size_t len = strlen(*list);
        if ((*list)[len - 1] == '*' ? strncmp(id, *list, len - 1) == 0 : strcmp(id, *list) == 0)
            return true;
    }
    return false;
}

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
                                           "adox",  "cmps",  "scas",   NULL};

static const struct flag_use *flag_use(const char *id)
{
    const struct flag_use *use = flag_uses;
    while (use->id && !any_of(id, (const char *const[]){use->id, NULL}))
        use++;
    return use;
}

/* ---- making instructions ---- */

struct maker {
    struct native_state *in;
    uint8_t *data;
    uint8_t code[256];
    unsigned at;
    uint64_t undefined; /* flags, so far */
    uint64_t doubtful;  /* flags that were undefined anywhere in the run */
    bool neighbours;    /* all of the run is from that list */
    bool alone;         /* registers may be chosen to suit the instruction */
    unsigned jump_at;   /* where a relative jump's distance lies, and its width; 0: none */
    unsigned jump_width;
    char text[256];
};

static uint64_t random_below(uint64_t n)
{
    return test_random() % n;
}

static uint64_t random_value(void)
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
    switch (random_below(6)) {
    case 0: return special[random_below(ARRAY_LEN(special))];
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
static uint64_t data_address(void)
{
    uint64_t offset = random_below(NATIVE_DATA_SIZE - 256) + 64;
    switch (random_below(16)) {
    case 0: offset = NATIVE_DATA_SIZE - random_below(24); break;
    case 1: offset = PAGE_SIZE - random_below(40); break;
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

static bool modrm_needed(const struct row *row)
{
    return row->modrm != MODRM_ANY || (row->operands != OPS_NONE && row->operands < OPS_O);
}

/* Choose the operands. Registers of an address are set so that it lies in the data. */
static void operands_choose(struct maker *m, const struct row *row, struct operands *o)
{
    bool may_memory = modrm_needed(row) && row->modrm >> 17 & 1, may_register = row->modrm >> 16 & 1;
    memset(o, 0, sizeof(*o));
    o->memory = may_memory && (!may_register || random_below(2));
    o->reg = (unsigned)random_below(16);
    o->rm = (unsigned)random_below(16);
    if (row->modrm & 0x3800)
        o->reg = (o->reg & 8) | (row->modrm >> 3 & 7);
    o->address = data_address();
    if (!o->memory)
        return;
    o->rip_relative = !m->alone || random_below(8) == 0;
    o->absolute = !o->rip_relative && random_below(8) == 0;
    if (m->alone && !o->rip_relative && !o->absolute) {
        o->base = (unsigned)random_below(16);
        o->has_index = random_below(2);
        o->index = (unsigned)random_below(16);
        if (o->index == 4 || o->index == o->base)
            o->has_index = false;
        o->scale = (unsigned)random_below(4);
        o->mod = (unsigned)random_below(2) + 1;
        o->disp = o->mod == 1 ? (int8_t)test_random() : (int32_t)(test_random() & 0xffff) - 0x8000;
        uint64_t index = random_below(64) - 32;
        if (o->has_index)
            m->in->gpr[o->index] = index;
        m->in->gpr[o->base] =
            o->address - (uint64_t)(int64_t)o->disp - (o->has_index ? index << o->scale : 0);
    }
}

static void emit_prefixes(struct maker *m, const struct row *row, const struct operands *o, bool wide,
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
    if (rex != 0x40 || random_below(4) == 0)
        emit(m, rex);
    if (row->map != MAP_1)
        emit(m, 0x0f);
    if (row->map == MAP_38 || row->map == MAP_3A)
        emit(m, row->map == MAP_38 ? 0x38 : 0x3a);
}

static void emit_vex(struct maker *m, const struct row *row, const struct operands *o, bool wide, bool l,
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
    if (row->map == MAP_V2 && x && b && !wide && random_below(2)) {
        emit(m, 0xc5);
        emit(m, (uint8_t)(r << 7 | last));
        return;
    }
    emit(m, 0xc4);
    emit(m, (uint8_t)(r << 7 | x << 6 | b << 5 | (row->map - MAP_V2 + 1)));
    emit(m, (uint8_t)((wide ? 0x80 : 0) | last));
}

/* ModRM and what belongs to it. The value is where a RIP-relative distance lies, or 0. */
static unsigned emit_modrm(struct maker *m, const struct row *row, const struct operands *o)
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

static void emit_immediate(struct maker *m, const struct row *row, unsigned width)
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
    case OPS_I: emit_number(m, short_width, random_value()); break;
    case OPS_O_I: emit_number(m, width, random_value()); break;
    case OPS_MOFFS: emit_number(m, 8, data_address()); break;
    case OPS_I16_I8:
        emit_number(m, 2, random_below(256));
        emit_number(m, 1, random_below(4));
        break;
    case OPS_I16: emit_number(m, 2, random_below(64)); break;
    case OPS_J8:
    case OPS_J:
        m->jump_width = row->operands == OPS_J8 ? 1 : 4;
        m->jump_at = m->at;
        m->at += m->jump_width;
        break;
    default: break;
    }
}

static bool is_string(const struct row *row)
{
    return row->operands == OPS_STRING;
}

/* Registers that instructions use without naming them. */
static void implicit_registers(struct maker *m, const struct row *row)
{
    if (is_string(row)) {
        m->in->gpr[RSI] = data_address();
        m->in->gpr[RDI] = random_below(4) ? data_address() : m->in->gpr[RSI] + random_below(16);
        m->in->gpr[RCX] = random_below(40);
        m->in->gpr[RBX] = data_address();
        if (random_below(2))
            m->in->rflags |= FLAG_DF;
    }
    if (starts(row->id, "leave") || starts(row->id, "enter"))
        m->in->gpr[RBP] = (data_address() & ~(uint64_t)63) + 64;
    if (starts(row->id, "loop") || starts(row->id, "jcxz"))
        m->in->gpr[RCX] = random_below(3);
    if (starts(row->id, "cmpxchg") && random_below(2)) {
        m->in->gpr[RAX] = random_value() & 0xff;
        memset(m->data, (int)(m->in->gpr[RAX] & 0xff), NATIVE_DATA_SIZE);
    }
    if (starts(row->id, "div") || starts(row->id, "idiv"))
        m->in->gpr[RDX] = random_below(4) ? random_below(3) : random_value();
}

/* Bit offsets in registers reach far out of the operand. */
static void bit_offset_tame(struct maker *m, const struct row *row, const struct operands *o)
{
    bool by_register = o->memory && !o->absolute && !o->rip_relative;
    bool in_address = by_register && (o->reg == o->base || (o->has_index && o->reg == o->index));
    if (o->memory && row->operands == OPS_EG && starts(row->id, "bt") && !in_address)
        m->in->gpr[o->reg] = random_below(2048) - 1024;
}

static unsigned width_of(const struct row *row, bool wide, bool narrow)
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

/* The flags an instance leaves undefined: of shifts that depends on the count, which is only known if it
 * is 1. */
static void note_flags(struct maker *m, const struct row *row)
{
    const struct flag_use *use = flag_use(row->id);
    if (!use->id)
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
static bool row_usable(const struct maker *m, const struct row *row, const struct x86_model *model)
{
    static const char *const alone_only[] = {"push*", "pop*", "enter", "leave", "xlat",     "call",
                                             "loop*", "jcxz", "div*",  "idiv*", "cmpxchg*", NULL};
    /* Bit offsets in registers reach far: these registers are to be chosen. */
    static const char *const far_reaching[] = {"bt_r", "bts_r", "btr_r", "btc_r", NULL};
    static const char *const ends[] = {"j*", "call", "loop*", NULL};
    if (any_of(row->id, excluded) || !x86_model_has(model, row->feature) ||
        !native_has(x86_feature_name(row->feature)))
        return false;
    if (row->flags & ROW_I64 || (row->flags & ROW_END && !any_of(row->id, ends) && !starts(row->id, "cli")))
        return false;
    if (row->operands == OPS_FAR || row->operands == OPS_HVX)
        return false;
    if (!m->alone && (any_of(row->id, alone_only) || any_of(row->id, far_reaching) || is_string(row)))
        return false;
    if (m->undefined && any_of(row->id, flag_readers))
        return false;
    return true;
}

static void make_insn(struct maker *m, const struct row *row)
{
    struct operands o;
    bool vex = row->map >= MAP_V2;
    bool wide = row->flags & ROW_W1 || (!(row->flags & ROW_W0) && random_below(3) == 0);
    bool narrow = random_below(4) == 0 && !(row->operands == OPS_J || row->operands == OPS_J8);
    bool l = row->flags & ROW_L1 || (!(row->flags & ROW_L0) && random_below(2));
    uint8_t rep = is_string(row) && random_below(2) ? (random_below(2) ? 0xf3 : 0xf2) : 0;
    unsigned rip_at = 0, start = m->at;
    implicit_registers(m, row);
    operands_choose(m, row, &o);
    bit_offset_tame(m, row, &o);
    bool lock = row->flags & ROW_LOCK && o.memory && random_below(3) == 0;
    unsigned vvvv = row->operands >= OPS_HWX && row->operands <= OPS_HEX_I8 ? (unsigned)random_below(16) : 0;
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

/* ---- the guest ---- */

struct guest {
    struct x86_bare *b;
    uint64_t code, data; /* physical */
};

#define PTE_USER   7u
#define PTE_KERNEL 3u

static void page_map(struct x86_bare *b, uint64_t *tables, uint64_t va, uint64_t pa, uint64_t attributes)
{
    uint64_t table = XB_PAGES;
    for (unsigned shift = 39; shift > 12; shift -= 9) {
        uint64_t at = table + (va >> shift & 511) * 8, entry = xb_load(b, at, 8);
        if (!(entry & 1) || entry & 0x80) {
            entry = *tables | PTE_USER;
            *tables += PAGE_SIZE;
            xb_store(b, at, 8, entry);
        }
        table = entry & ~(uint64_t)0xfff;
    }
    xb_store(b, table + (va >> 12 & 511) * 8, 8, pa | attributes);
}

static void guest_open(struct guest *g)
{
    uint64_t tables = XB_PAGES + 0x10000;
    g->b = xb_create("max");
    xb_long(g->b);
    /* Memory that only the kernel sees, but for the pages of the test. */
    xb_store(g->b, XB_PAGES, 8, 0);
    for (uint64_t page = 0; page < 0x40000; page += PAGE_SIZE)
        page_map(g->b, &tables, page, page, PTE_KERNEL);
    g->code = 0x400000;
    g->data = 0x500000;
    page_map(g->b, &tables, NATIVE_CODE, g->code, PTE_USER);
    for (uint64_t page = 0; page < NATIVE_DATA_SIZE; page += PAGE_SIZE)
        page_map(g->b, &tables, NATIVE_DATA + page, g->data + page, PTE_USER);
    /* INT3 is the way out. */
    xb_store(g->b, XB_IDT + 16 * EXC_BP + 5, 1, 0xee);
    g->b->s->cr4 |= CR4_OSXSAVE;
    g->b->s->xcr0 = XCR0_X87 | (x86_model_has(x86_model(g->b->vcpu), FEAT_SSE) ? XCR0_SSE : 0) |
                    (x86_model_has(x86_model(g->b->vcpu), FEAT_AVX) ? XCR0_AVX : 0);
}

static void guest_load(struct guest *g, const struct native_state *in)
{
    struct x86_state *s = g->b->s;
    xb_user(g->b);
    memcpy(s->gpr, in->gpr, sizeof(in->gpr));
    s->rflags = in->rflags | FLAG_IF | FLAG_ONE;
    s->fcw = le16_load(in->fx);
    s->fsw = le16_load(in->fx + 2);
    s->mxcsr = le32_load(in->fx + 24);
    for (unsigned n = 0; n < 8; n++) {
        unsigned physical = ((s->fsw >> 11 & 7) + n) & 7;
        s->st[physical].mant = le64_load(in->fx + 32 + 16 * n);
        s->st[physical].se = le16_load(in->fx + 40 + 16 * n);
    }
    s->ftw = in->fx[4] ? 0 : 0xffff;
    for (unsigned n = 0; n < 16; n++)
        memcpy(&s->vector[n], in->ymm[n], 32);
    x86_state_changed(g->b->vcpu);
}

/* Run; the vector the guest ended in, with its registers and flags at that time in *out. */
static int guest_run(struct guest *g, struct native_state *out)
{
    struct x86_bare *b = g->b;
    int vector = xb_run(b, NATIVE_CODE);
    bool has_code =
        vector == EXC_PF || vector == EXC_GP || vector == EXC_SS || vector == EXC_AC || vector == EXC_NP;
    unsigned at = has_code ? 1 : 0;
    if (vector < 0)
        return vector;
    memcpy(out->gpr, b->s->gpr, sizeof(out->gpr));
    out->rip = xb_frame(b, at);
    out->rflags = xb_frame(b, at + 2);
    out->gpr[RSP] = xb_frame(b, at + 3);
    return vector;
}

/* ---- comparing ---- */

/* The vector a signal stands for; -1: several, as given. */
static bool fault_agrees(const struct native_state *host, int vector, uint64_t cr2)
{
    switch (host->signal) {
    case SIGSEGV: return vector == EXC_GP || (vector == EXC_PF && cr2 == host->address);
    case SIGBUS: return vector == EXC_SS || vector == EXC_AC;
    case SIGFPE: return vector == EXC_DE || vector == EXC_MF || vector == EXC_XM;
    case SIGILL: return vector == EXC_UD;
    case SIGTRAP: return vector == EXC_DB || vector == EXC_BP;
    default: return false;
    }
}

static unsigned mismatches;

static bool agree(const struct maker *m, const char *what, uint64_t guest, uint64_t host)
{
    if (guest == host)
        return true;
    mismatches++;
    FAIL("%s%s is %#llx, the host has %#llx", m->text, what, (unsigned long long)guest,
         (unsigned long long)host);
    return false;
}

static bool registers_agree(const struct maker *m, const struct native_state *guest,
                            const struct native_state *host, uint64_t flags)
{
    static const char *const names[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                        "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
    bool ok = true;
    for (unsigned n = 0; n < 16; n++)
        ok &= agree(m, names[n], guest->gpr[n], host->gpr[n]);
    return agree(m, "flags", guest->rflags & flags, host->rflags & flags) && ok;
}

static bool vectors_agree(const struct maker *m, const struct x86_state *s, const struct native_state *host)
{
    bool ok = true;
    for (unsigned n = 0; n < 16; n++) {
        char name[16];
        for (unsigned q = 0; q < 4; q++) {
            snprintf(name, sizeof(name), "ymm%u.%u", n, q);
            ok &= agree(m, name, s->vector[n].q[q], le64_load(host->ymm[n] + 8 * q));
        }
    }
    ok &= agree(m, "mxcsr", s->mxcsr, le32_load(host->fx + 24));
    for (unsigned n = 0; n < 8; n++) {
        const struct x86_st *st = &s->st[((s->fsw >> 11 & 7) + n) & 7];
        ok &= agree(m, "st mantissa", st->mant, le64_load(host->fx + 32 + 16 * n));
        ok &= agree(m, "st exponent", st->se, le16_load(host->fx + 40 + 16 * n));
    }
    return ok;
}

static bool memory_agrees(const struct maker *m, const struct guest *g)
{
    const uint8_t *guest = g->b->memory + g->data, *host = native_data();
    for (uint64_t n = 0; n < NATIVE_DATA_SIZE; n++) {
        if (guest[n] != host[n]) {
            char what[32];
            snprintf(what, sizeof(what), "data[%#x]", (unsigned)n);
            return agree(m, what, guest[n], host[n]);
        }
    }
    return true;
}

/* ---- one run ---- */

static void state_random(struct native_state *in)
{
    memset(in, 0, sizeof(*in));
    for (unsigned n = 0; n < 16; n++)
        in->gpr[n] = random_value();
    in->gpr[RSP] = (data_address() & ~(uint64_t)7) + 8;
    in->rflags = (test_random() & FLAGS_STATUS) | FLAG_ONE;
    in->rip = NATIVE_CODE;
    le16_store(in->fx, 0x37f);
    in->fx[4] = 0; /* all empty */
    le32_store(in->fx + 24, 0x1f80);
    for (unsigned n = 0; n < 8; n++) {
        le64_store(in->fx + 32 + 16 * n, test_random());
        le16_store(in->fx + 40 + 16 * n, (uint16_t)test_random());
    }
    for (unsigned n = 0; n < 16; n++) {
        for (unsigned q = 0; q < 4; q++)
            le64_store(in->ymm[n] + 8 * q, random_value());
        memcpy(in->fx + 160 + 16 * n, in->ymm[n], 16);
    }
}

static void data_random(uint8_t *data)
{
    for (unsigned n = 0; n < NATIVE_DATA_SIZE; n += 8)
        le64_store(data + n, n % 512 < 256 ? test_random() : random_value());
}

/* Both ways out behind the instructions, and a jump to the second. */
static unsigned code_finish(struct maker *m)
{
    unsigned end = m->at, second = end + NATIVE_EXIT_SIZE;
    if (m->jump_at)
        le_store(m->code + m->jump_at, m->jump_width, second - end);
    return end;
}

static void run_both(struct guest *g, struct maker *m)
{
    static uint8_t before[NATIVE_DATA_SIZE];
    struct native_state host = *m->in, guest = {0};
    unsigned end = code_finish(m);
    memcpy(before, m->data, sizeof(before));
    memcpy(native_data(), before, sizeof(before));
    memcpy(native_code(), m->code, end);
    native_exit_put(native_code() + end, 1);
    native_exit_put(native_code() + end + NATIVE_EXIT_SIZE, 2);
    native_run(&host);

    xb_put(g->b, g->data, before, sizeof(before));
    memset(m->code + end, 0xcc, 2 * NATIVE_EXIT_SIZE);
    xb_put(g->b, g->code, m->code, end + 2 * NATIVE_EXIT_SIZE);
    guest_load(g, m->in);
    int vector = guest_run(g, &guest);

    uint64_t flags = (FLAGS_STATUS & ~m->undefined) | FLAG_DF;
    if (host.exit) {
        uint64_t rip = NATIVE_CODE + end + (host.exit == 2 ? NATIVE_EXIT_SIZE : 0) + 1;
        agree(m, "vector", (uint64_t)vector, EXC_BP);
        if (vector == EXC_BP)
            agree(m, "rip", guest.rip, rip);
        vectors_agree(m, g->b->s, &host);
    } else {
        if (!fault_agrees(&host, vector, g->b->s->cr2))
            FAIL("%s: vector %d, cr2 %#llx; the host has signal %d, address %#llx", m->text, vector,
                 (unsigned long long)g->b->s->cr2, host.signal, (unsigned long long)host.address);
        agree(m, "rip of the fault", guest.rip, host.rip);
        /* In a run of `neighbours` none that can fault changes flags before it does. */
        flags = m->neighbours ? (FLAGS_STATUS & ~m->doubtful) | FLAG_DF : FLAG_DF;
    }
    registers_agree(m, &guest, &host, flags);
    memory_agrees(m, g);
}

static uint8_t data[NATIVE_DATA_SIZE];

static void one_run(struct guest *g, const struct row *first)
{
    struct native_state in;
    struct maker m = {.in = &in, .data = data, .alone = true};
    state_random(&in);
    make_insn(&m, first);
    unsigned more = m.jump_at || random_below(2) ? 0 : (unsigned)random_below(5);
    m.alone = false;
    for (unsigned tries = 0; more && tries < 100 && !m.jump_at; tries++) {
        const struct row *row = &rows[random_below(ARRAY_LEN(rows))];
        if (!row_usable(&m, row, x86_model(g->b->vcpu)))
            continue;
        make_insn(&m, row);
        more--;
    }
    run_both(g, &m);
}

/* What is often fused with what stands beside it, in longer runs. */
static const char *const neighbours[] = {
    "add_*",  "sub_*", "and_*", "or_*",    "xor_*",   "adc_*",   "sbb_*", "cmp_*", "test_*", "inc_m",
    "dec_m",  "neg_m", "not_m", "shl_i",   "shr_i",   "sar_i",   "rol_i", "ror_i", "mov_m*", "mov_rm*",
    "mov_oi", "lea",   "nop_m", "movzx_*", "movsxd*", "imul_rm", "cmov*", "set*",  "j*",     NULL,
};

static void run_of_neighbours(struct guest *g, const struct row *const *list, unsigned count)
{
    struct native_state in;
    struct maker m = {.in = &in, .data = data, .neighbours = true};
    state_random(&in);
    for (unsigned more = 2 + (unsigned)random_below(9); more > 0 && !m.jump_at; more--) {
        const struct row *row = list[random_below(count)];
        if (row_usable(&m, row, x86_model(g->b->vcpu)))
            make_insn(&m, row);
    }
    run_both(g, &m);
}

static void compare_neighbours_with_host(void)
{
    const struct row *list[ARRAY_LEN(rows)];
    unsigned usable = 0;
    const char *missing = native_open();
    if (missing) {
        SKIP("%s", missing);
        return;
    }
    for (unsigned n = 0; n < ARRAY_LEN(rows); n++) {
        if (any_of(rows[n].id, neighbours))
            list[usable++] = &rows[n];
    }
    struct guest g;
    guest_open(&g);
    mismatches = 0;
    for (unsigned round = 0; round < 10000 && mismatches < 4; round++) {
        if (round % 16 == 0)
            data_random(data);
        run_of_neighbours(&g, list, usable);
    }
    xb_destroy(g.b);
    native_close();
}

static void compare_with_host(void)
{
    const char *missing = native_open();
    if (missing) {
        SKIP("%s", missing);
        return;
    }
    struct guest g;
    guest_open(&g);
    data_random(data);
    const char *only = test_env("TRIARCH_INSN"), *count = test_env("TRIARCH_INSN_COUNT");
    unsigned rounds = count ? (unsigned)atoi(count) : 60;
    for (unsigned n = 0; n < ARRAY_LEN(rows); n++) {
        struct maker m = {.alone = true};
        if (!row_usable(&m, &rows[n], x86_model(g.b->vcpu)) || (only && !starts(rows[n].id, only)))
            continue;
        mismatches = 0;
        for (unsigned round = 0; round < rounds && mismatches < 4; round++) {
            if (round % 16 == 0)
                data_random(data);
            one_run(&g, &rows[n]);
        }
    }
    xb_destroy(g.b);
    native_close();
}

static const struct test_case cases[] = {
    {"compare_with_host", compare_with_host},
    {"compare_neighbours_with_host", compare_neighbours_with_host},
};
TEST_SUITE(x86_64_user_test, "insn", cases);
