#include "cpu/x86_64/segment.h"

#include "base/bits.h"
#include "cpu/x86_64/flags.h"
#include "cpu/x86_64/kinds.h"

/* ---- descriptors ---- */

bool x86_descriptor_read(struct x86_core *c, uint16_t selector, enum x86_exception vector, uint32_t ext,
                         struct x86_descriptor *d)
{
    bool local = selector & 4;
    const struct x86_segment *ldt = &c->s.seg[LDTR];
    uint64_t base = local ? ldt->base : c->s.gdtr.base;
    uint32_t limit = local ? ldt->limit : c->s.gdtr.limit, end = selector | 7;
    if ((local && !(ldt->attributes & SEG_P)) || end > limit)
        return x86_fault_code(c, vector, x86_selector_error(selector, ext));
    uint64_t linear = base + (selector & ~7u);
    struct x86_loaded loaded = x86_system_read(c, linear, 8);
    *d = (struct x86_descriptor){.linear = linear,
                                 .low = (uint32_t)loaded.value,
                                 .high = (uint32_t)(loaded.value >> 32),
                                 .selector = selector,
                                 .attributes = loaded.value >> 40 & 0xf0ff};
    return loaded.ok;
}

bool x86_descriptor_read_upper(struct x86_core *c, enum x86_exception vector, uint32_t ext,
                               struct x86_descriptor *d)
{
    uint32_t limit = d->selector & 4 ? c->s.seg[LDTR].limit : c->s.gdtr.limit;
    if ((d->selector | 7u) + 8 > limit)
        return x86_fault_code(c, vector, x86_selector_error(d->selector, ext));
    struct x86_loaded loaded = x86_system_read(c, d->linear + 8, 8);
    if (!loaded.ok)
        return false;
    if (loaded.value >> 40 & 0x1f)
        return x86_fault_code(c, vector, x86_selector_error(d->selector, ext));
    d->upper = (uint32_t)loaded.value;
    return true;
}

struct x86_segment x86_segment_of(const struct x86_descriptor *d)
{
    uint32_t limit = (d->low & 0xffff) | (d->high & 0xf0000);
    return (struct x86_segment){
        .base = d->low >> 16 | (d->high & 0xff) << 16 | (d->high & 0xff000000) | (uint64_t)d->upper << 32,
        .limit = d->attributes & SEG_G ? limit << 12 | 0xfff : limit,
        .selector = d->selector,
        .attributes = d->attributes,
    };
}

bool x86_descriptor_mark(struct x86_core *c, struct x86_descriptor *d, uint16_t set, uint16_t clear)
{
    for (;;) {
        uint32_t high = (d->high | (uint32_t)set << 8) & ~((uint32_t)clear << 8);
        bool changed = false;
        if (high == d->high || x86_system_exchange(c, d->linear + 4, d->high, high, &changed)) {
            d->high = high;
            d->attributes = high >> 8 & 0xf0ff;
            return true;
        }
        if (!changed)
            return false;
        struct x86_loaded loaded = x86_system_read(c, d->linear + 4, 4);
        if (!loaded.ok)
            return false;
        d->high = (uint32_t)loaded.value;
    }
}

/* ---- loading segment registers ---- */

void x86_real_segment_load(struct x86_core *c, unsigned number, uint16_t selector)
{
    c->s.seg[number].selector = selector;
    c->s.seg[number].base = (uint64_t)selector << 4;
    c->s.seg[number].attributes |= SEG_P | SEG_S;
    /* What CS was before matters no more: real mode reads, writes and runs everything. */
    if (number == CS)
        c->s.seg[CS].attributes = SEG_P | SEG_S | SEG_WRITABLE | SEG_ACCESSED;
}

void x86_v86_segment_load(struct x86_core *c, unsigned number, uint16_t selector)
{
    c->s.seg[number] = (struct x86_segment){
        .base = (uint64_t)selector << 4,
        .limit = 0xffff,
        .selector = selector,
        .attributes = SEG_P | 3 << SEG_DPL_SHIFT | SEG_S | SEG_WRITABLE | SEG_ACCESSED,
    };
}

void x86_null_segment_load(struct x86_core *c, unsigned number, uint16_t selector)
{
    c->s.seg[number] = (struct x86_segment){.selector = selector};
    /* SS keeps its DPL, which is CPL. */
    if (number == SS)
        c->s.seg[SS].attributes = (uint16_t)(c->s.cpl << SEG_DPL_SHIFT);
}

bool x86_stack_segment_read(struct x86_core *c, uint16_t selector, unsigned cpl, enum x86_exception vector,
                            uint32_t ext, struct x86_descriptor *d)
{
    uint32_t error = x86_selector_error(selector, ext);
    if (x86_is_null(selector))
        return x86_fault_code(c, vector, ext);
    if (!x86_descriptor_read(c, selector, vector, ext, d))
        return false;
    if ((selector & 3) != cpl || x86_dpl(d->attributes) != cpl || !x86_is_data(d->attributes) ||
        !(d->attributes & SEG_WRITABLE))
        return x86_fault_code(c, vector, error);
    if (!(d->attributes & SEG_P))
        return x86_fault_code(c, EXC_SS, error);
    return true;
}

static bool stack_segment_load(struct x86_core *c, uint16_t selector)
{
    struct x86_descriptor d;
    /* 64-bit mode needs no stack segment, except at CPL 3. */
    if (x86_is_null(selector) && c->mode & MODE_64 && c->s.cpl < 3 && (selector & 3) == c->s.cpl) {
        x86_null_segment_load(c, SS, selector);
        return true;
    }
    if (!x86_stack_segment_read(c, selector, c->s.cpl, EXC_GP, 0, &d) ||
        !x86_descriptor_mark(c, &d, SEG_ACCESSED, 0))
        return false;
    c->s.seg[SS] = x86_segment_of(&d);
    return true;
}

bool x86_data_segment_load(struct x86_core *c, unsigned number, uint16_t selector)
{
    struct x86_descriptor d;
    uint32_t error = x86_selector_error(selector, 0);
    if (x86_real_like(c)) {
        if (x86_v86(c))
            x86_v86_segment_load(c, number, selector);
        else
            x86_real_segment_load(c, number, selector);
        return true;
    }
    if (number == SS)
        return stack_segment_load(c, selector);
    if (x86_is_null(selector)) {
        x86_null_segment_load(c, number, selector);
        return true;
    }
    if (!x86_descriptor_read(c, selector, EXC_GP, 0, &d))
        return false;
    bool code = x86_is_code(d.attributes), conforming = code && d.attributes & SEG_CONFORMING;
    if (!(d.attributes & SEG_S) || (code && !(d.attributes & SEG_READABLE)))
        return x86_fault_gp(c, error);
    if (!conforming && (x86_dpl(d.attributes) < c->s.cpl || x86_dpl(d.attributes) < (selector & 3u)))
        return x86_fault_gp(c, error);
    if (!(d.attributes & SEG_P))
        return x86_fault_code(c, EXC_NP, error);
    if (!x86_descriptor_mark(c, &d, SEG_ACCESSED, 0))
        return false;
    c->s.seg[number] = x86_segment_of(&d);
    return true;
}

void x86_data_segments_restrict(struct x86_core *c)
{
    static const uint8_t numbers[] = {ES, DS, FS, GS};
    for (unsigned n = 0; n < ARRAY_LEN(numbers); n++) {
        struct x86_segment *seg = &c->s.seg[numbers[n]];
        bool conforming = x86_is_code(seg->attributes) && seg->attributes & SEG_CONFORMING;
        if (!(seg->attributes & SEG_P) || conforming || x86_dpl(seg->attributes) >= c->s.cpl)
            continue;
        /* The base stays, as it does on processors: 64-bit code goes on using that of FS and GS. */
        seg->selector = 0;
        seg->attributes = 0;
    }
}

void x86_cpl_set(struct x86_core *c, unsigned cpl)
{
    c->s.cpl = (uint8_t)cpl;
    x86_resync(c);
}

void x86_code_segment_load(struct x86_core *c, const struct x86_descriptor *d, unsigned cpl)
{
    c->s.seg[CS] = x86_segment_of(d);
    c->s.seg[CS].selector = (uint16_t)((d->selector & ~3u) | cpl);
    x86_cpl_set(c, cpl);
}

bool x86_rip_valid(struct x86_core *c, const struct x86_descriptor *code, uint64_t rip, uint32_t ext)
{
    struct x86_segment seg = x86_segment_of(code);
    bool valid = x86_long_mode(c) && seg.attributes & SEG_L ? x86_canonical(c, rip) : rip <= seg.limit;
    return valid || x86_fault_gp(c, ext);
}

/* ---- stacks ---- */

struct x86_stack x86_stack_current(const struct x86_core *c)
{
    return (struct x86_stack){
        .ss = c->s.seg[SS], .sp = c->s.gpr[RSP], .long_mode = c->mode & MODE_64, .as = AS_CURRENT};
}

static uint64_t stack_mask(const struct x86_stack *stack)
{
    if (stack->long_mode)
        return ~(uint64_t)0;
    return stack->ss.attributes & SEG_DB ? 0xffffffff : 0xffff;
}

/* The linear address of [offset, offset + width) in the stack. */
static bool stack_linear(struct x86_core *c, const struct x86_stack *stack, uint64_t offset, unsigned width,
                         uint64_t *linear)
{
    uint64_t end = offset + width, top = (uint64_t)stack->ss.limit + 1, bottom = 0;
    if (stack->long_mode) {
        *linear = offset;
        return (x86_canonical(c, offset) && x86_canonical(c, offset + width - 1)) ||
               x86_fault_code(c, EXC_SS, stack->error);
    }
    if ((stack->ss.attributes & (SEG_DOWN | SEG_CODE)) == SEG_DOWN) {
        bottom = top;
        top = stack->ss.attributes & SEG_DB ? (uint64_t)1 << 32 : 0x10000;
    }
    *linear = (stack->ss.base + offset) & 0xffffffff;
    return (offset >= bottom && end <= top) || x86_fault_code(c, EXC_SS, stack->error);
}

bool x86_stack_push(struct x86_core *c, struct x86_stack *stack, unsigned width, uint64_t value)
{
    uint64_t sp = (stack->sp - width) & stack_mask(stack), linear;
    uint8_t bytes[8];
    le_store(bytes, width, value);
    if (!stack_linear(c, stack, sp, width, &linear) || !x86_linear_write(c, stack->as, linear, bytes, width))
        return false;
    stack->sp = sp;
    return true;
}

bool x86_stack_peek(struct x86_core *c, const struct x86_stack *stack, uint64_t offset, unsigned width,
                    uint64_t *value)
{
    uint64_t linear;
    uint8_t bytes[8];
    if (!stack_linear(c, stack, (stack->sp + offset) & stack_mask(stack), width, &linear) ||
        !x86_linear_read(c, stack->as, linear, bytes, width))
        return false;
    *value = le_load(bytes, width);
    return true;
}

bool x86_stack_pop(struct x86_core *c, struct x86_stack *stack, unsigned width, uint64_t *value)
{
    if (!x86_stack_peek(c, stack, 0, width, value))
        return false;
    stack->sp = (stack->sp + width) & stack_mask(stack);
    return true;
}

void x86_stack_commit(struct x86_core *c, const struct x86_stack *stack)
{
    uint64_t mask = stack_mask(stack), kept = c->s.gpr[RSP] & ~mask;
    /* A 32-bit stack pointer is a 32-bit result. */
    c->s.gpr[RSP] = mask == 0xffffffff ? stack->sp & mask : kept | (stack->sp & mask);
}

bool x86_tss_stack(struct x86_core *c, unsigned cpl, uint32_t ext, uint16_t *ss, uint64_t *sp)
{
    const struct x86_segment *tr = &c->s.seg[TR];
    bool wide = tr->attributes & 8; /* not a 286's */
    unsigned width = x86_long_mode(c) ? 8 : wide ? 4 : 2;
    unsigned offset = x86_long_mode(c) ? 4 + 8 * cpl : wide ? 4 + 8 * cpl : 2 + 4 * cpl;
    unsigned end = x86_long_mode(c) ? offset + 8 : offset + width + 2;
    if (end - 1 > tr->limit)
        return x86_fault_code(c, EXC_TS, x86_selector_error(tr->selector, ext));
    struct x86_loaded pointer = x86_system_read(c, tr->base + offset, width);
    *sp = pointer.value;
    *ss = (uint16_t)cpl;
    if (!pointer.ok || x86_long_mode(c))
        return pointer.ok;
    struct x86_loaded selector = x86_system_read(c, tr->base + offset + width, 2);
    *ss = (uint16_t)selector.value;
    return selector.ok;
}

/* ---- the instructions ---- */

/* A selector operand: 16 bits, wherever it is. */
static bool selector_get(struct x86_core *c, const struct x86_insn *i, uint16_t *selector)
{
    if (!(i->flags & INSN_MEM)) {
        *selector = (uint16_t)c->s.gpr[i->rm];
        return true;
    }
    struct x86_loaded loaded = x86_read(c, i->seg, x86_operand_offset(c, i), 2);
    *selector = (uint16_t)loaded.value;
    return loaded.ok;
}

/* A selector result: 16 bits in memory, zero-extended in a register. */
static bool selector_put(struct x86_core *c, const struct x86_insn *i, uint16_t selector)
{
    if (i->flags & INSN_MEM)
        return x86_write(c, i->seg, x86_operand_offset(c, i), 2, selector);
    x86_operand_reg_set(c, i->rm, i->opsize, selector);
    return true;
}

X86_DO(mov_es)
{
    if (i->reg > GS)
        return x86_fault_ud(c);
    return selector_put(c, i, c->s.seg[i->reg].selector);
}
X86_HELPER(mov_es)

X86_DO(mov_se)
{
    uint16_t selector;
    if (i->reg > GS || i->reg == CS)
        return x86_fault_ud(c);
    if (!selector_get(c, i, &selector) || !x86_data_segment_load(c, i->reg, selector))
        return false;
    if (i->reg == SS)
        c->s.shadow = SHADOW_MOV_SS;
    x86_resync(c);
    return true;
}
X86_SYSTEM(mov_se)

/* The segment register in the opcode of PUSH and POP. */
static unsigned opcode_segment(const struct x86_insn *i)
{
    return i->opcode >> 3 & 7;
}

X86_DO(push_seg)
{
    unsigned width = 1u << i->opsize;
    struct x86_stack stack = x86_stack_current(c);
    /* Processors write only the selector, and leave the rest of a 32-bit slot as it was. */
    unsigned written = width == 4 ? 2 : width;
    stack.sp = (stack.sp - (width - written)) & stack_mask(&stack);
    if (!x86_stack_push(c, &stack, written, c->s.seg[opcode_segment(i)].selector))
        return false;
    x86_stack_commit(c, &stack);
    return true;
}
X86_HELPER(push_seg)

X86_DO(pop_seg)
{
    unsigned number = opcode_segment(i);
    struct x86_stack stack = x86_stack_current(c);
    uint64_t selector;
    if (!x86_stack_pop(c, &stack, 1u << i->opsize, &selector) ||
        !x86_data_segment_load(c, number, (uint16_t)selector))
        return false;
    x86_stack_commit(c, &stack);
    if (number == SS)
        c->s.shadow = SHADOW_MOV_SS;
    x86_resync(c);
    return true;
}
X86_SYSTEM(pop_seg)

/* LES, LDS, LSS, LFS, LGS: a far pointer into a segment register and another. */
X86_DO(load_far)
{
    static const uint8_t by_opcode[] = {SS, 0, FS, GS};
    unsigned number = i->opcode == 0xc4 ? ES : i->opcode == 0xc5 ? DS : by_opcode[i->opcode - 0xb2];
    unsigned width = 1u << i->opsize;
    uint64_t offset = x86_operand_offset(c, i);
    struct x86_loaded pointer = x86_read(c, i->seg, offset, width);
    if (!pointer.ok)
        return false;
    struct x86_loaded selector = x86_read(c, i->seg, (offset + width) & x86_address_mask(i->asize), 2);
    if (!selector.ok || !x86_data_segment_load(c, number, (uint16_t)selector.value))
        return false;
    x86_operand_reg_set(c, i->reg, i->opsize, pointer.value);
    x86_resync(c);
    return true;
}
X86_SYSTEM(load_far)

/* LAR, LSL, VERR, VERW: whether the program could use a selector, without a fault if not. */
struct probe {
    struct x86_descriptor d;
    bool faulted; /* the table itself: #PF */
};

static bool probe(struct x86_core *c, uint16_t selector, struct probe *probe)
{
    probe->faulted = false;
    if (x86_is_null(selector))
        return false;
    /* Beyond the table's limit is no fault; where the table can't be read is one. */
    if (!x86_descriptor_read(c, selector, EXC_NP, 0, &probe->d)) {
        probe->faulted = c->fault.vector != EXC_NP;
        return false;
    }
    uint16_t attributes = probe->d.attributes;
    bool conforming = x86_is_code(attributes) && attributes & SEG_CONFORMING;
    return conforming || (x86_dpl(attributes) >= c->s.cpl && x86_dpl(attributes) >= (selector & 3u));
}

static bool zero_flag_set(struct x86_core *c, bool zero)
{
    x86_flags_set(c, FLAG_ZF, zero ? FLAG_ZF : 0);
    return true;
}

/* System types LAR knows; LSL those of them that have a limit. Gates and 16-bit types aren't valid in long
 * mode. */
#define LAR_TYPES      0x1a3eu /* 1, 2, 3, 4, 5, 9, 11, 12 */
#define LAR_TYPES_LONG 0x1a04u /* 2, 9, 11, 12 */
#define LSL_TYPES      0x0a0eu /* 1, 2, 3, 9, 11 */
#define LSL_TYPES_LONG 0x0a04u /* 2, 9, 11 */

/* The value LAR or LSL gives for i's selector in *value, or ZF = 0. False: fault. */
static bool probe_value(struct x86_core *c, const struct x86_insn *i, unsigned types, unsigned types_long,
                        struct probe *found, bool *valid)
{
    uint16_t selector;
    if (!selector_get(c, i, &selector))
        return false;
    *valid = probe(c, selector, found);
    if (found->faulted)
        return false;
    if (*valid && !(found->d.attributes & SEG_S))
        *valid = (x86_long_mode(c) ? types_long : types) >> x86_type(found->d.attributes) & 1;
    return true;
}

X86_DO(lar)
{
    struct probe found;
    bool valid;
    if (!probe_value(c, i, LAR_TYPES, LAR_TYPES_LONG, &found, &valid))
        return false;
    if (valid)
        x86_operand_reg_set(c, i->reg, i->opsize, found.d.high & 0x00ffff00);
    return zero_flag_set(c, valid);
}
X86_HELPER(lar)

X86_DO(lsl)
{
    struct probe found;
    bool valid;
    if (!probe_value(c, i, LSL_TYPES, LSL_TYPES_LONG, &found, &valid))
        return false;
    if (valid)
        x86_operand_reg_set(c, i->reg, i->opsize, x86_segment_of(&found.d).limit);
    return zero_flag_set(c, valid);
}
X86_HELPER(lsl)

static bool verify(struct x86_core *c, const struct x86_insn *i, bool write)
{
    struct probe found;
    bool valid;
    if (!probe_value(c, i, 0, 0, &found, &valid))
        return false;
    if (valid && write)
        valid = x86_is_data(found.d.attributes) && found.d.attributes & SEG_WRITABLE;
    else if (valid)
        valid = x86_is_data(found.d.attributes) || found.d.attributes & SEG_READABLE;
    return zero_flag_set(c, valid);
}

X86_DO(verr)
{
    return verify(c, i, false);
}
X86_HELPER(verr)

X86_DO(verw)
{
    return verify(c, i, true);
}
X86_HELPER(verw)

X86_DO(arpl)
{
    struct x86_loaded loaded = {.value = c->s.gpr[i->rm] & 0xffff, .ok = true};
    uint64_t offset = x86_operand_offset(c, i);
    if (i->flags & INSN_MEM)
        loaded = x86_read_to_write(c, i->seg, offset, 2);
    if (!loaded.ok)
        return false;
    uint64_t rpl = c->s.gpr[i->reg] & 3, result = (loaded.value & ~(uint64_t)3) | rpl;
    bool adjust = (loaded.value & 3) < rpl;
    if (adjust && i->flags & INSN_MEM && !x86_write(c, i->seg, offset, 2, result))
        return false;
    if (adjust && !(i->flags & INSN_MEM))
        x86_reg_set(c, i->rm, 2, result);
    return zero_flag_set(c, adjust);
}
X86_HELPER(arpl)

/* CR4.UMIP: these tell a program too much about its kernel. */
static bool umip_allows(struct x86_core *c)
{
    return !(c->s.cr4 & CR4_UMIP) || c->s.cpl == 0 || x86_fault_gp(c, 0);
}

X86_DO(sldt)
{
    return umip_allows(c) && selector_put(c, i, c->s.seg[LDTR].selector);
}
X86_HELPER(sldt)

X86_DO(str)
{
    return umip_allows(c) && selector_put(c, i, c->s.seg[TR].selector);
}
X86_HELPER(str)

/* A system segment's descriptor from the GDT, 16 bytes in long mode. */
static bool system_descriptor_read(struct x86_core *c, uint16_t selector, unsigned types,
                                   struct x86_descriptor *d)
{
    uint32_t error = x86_selector_error(selector, 0);
    if (selector & 4)
        return x86_fault_gp(c, error);
    if (!x86_descriptor_read(c, selector, EXC_GP, 0, d))
        return false;
    if (d->attributes & SEG_S || !(types >> x86_type(d->attributes) & 1))
        return x86_fault_gp(c, error);
    if (!(d->attributes & SEG_P))
        return x86_fault_code(c, EXC_NP, error);
    if (!x86_long_mode(c))
        return true;
    if (!x86_descriptor_read_upper(c, EXC_GP, 0, d))
        return false;
    return x86_canonical_base(c, x86_segment_of(d).base) || x86_fault_gp(c, error);
}

X86_DO(lldt)
{
    struct x86_descriptor d;
    uint16_t selector;
    if (c->s.cpl != 0)
        return x86_fault_gp(c, 0);
    if (!selector_get(c, i, &selector))
        return false;
    if (x86_is_null(selector)) {
        x86_null_segment_load(c, LDTR, selector);
        return true;
    }
    if (!system_descriptor_read(c, selector, 1u << TYPE_LDT, &d))
        return false;
    c->s.seg[LDTR] = x86_segment_of(&d);
    return true;
}
X86_SYSTEM(lldt)

X86_DO(ltr)
{
    struct x86_descriptor d;
    uint16_t selector;
    unsigned types = x86_long_mode(c) ? 1u << TYPE_TSS : 1u << TYPE_TSS | 1u << TYPE_TSS16;
    if (c->s.cpl != 0)
        return x86_fault_gp(c, 0);
    if (!selector_get(c, i, &selector))
        return false;
    if (x86_is_null(selector))
        return x86_fault_gp(c, 0);
    if (!system_descriptor_read(c, selector, types, &d) || !x86_descriptor_mark(c, &d, 2, 0))
        return false;
    c->s.seg[TR] = x86_segment_of(&d);
    return true;
}
X86_SYSTEM(ltr)
