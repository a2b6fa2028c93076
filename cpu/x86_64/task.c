/*
 * Task switches (SDM vol. 3, chapter 7) between the TSS forms of the 286 and the 386. What is wrong before
 * the new task's state is loaded is the old task's fault; afterwards it is the new one's, with as much of its
 * state as has been loaded.
 */
#include "base/bits.h"
#include "cpu/x86_64/far.h"
#include "cpu/x86_64/flags.h"
#include "cpu/x86_64/run.h"
#include "cpu/x86_64/segment.h"

#define TSS16_SIZE 44u
#define TSS_SIZE   104u

/* A TSS's state in either form. The order of registers is that of their encodings. */
struct tss {
    uint64_t cr3, rip, flags, gpr[8];
    uint16_t seg[6]; /* ES, CS, SS, DS, FS, GS */
    uint16_t ldt;
    bool trap;
};

static bool wide_of(uint16_t attributes)
{
    return attributes & 8;
}

/* Where the parts lie (SDM vol. 3, figures 7-2 and 7-11). */
struct layout {
    unsigned size, rip, flags, gpr, seg, segs, ldt, width, seg_stride;
};

static const struct layout layout16 = {.size = TSS16_SIZE,
                                       .rip = 14,
                                       .flags = 16,
                                       .gpr = 18,
                                       .seg = 34,
                                       .segs = 4,
                                       .ldt = 42,
                                       .width = 2,
                                       .seg_stride = 2};
static const struct layout layout32 = {.size = TSS_SIZE,
                                       .rip = 32,
                                       .flags = 36,
                                       .gpr = 40,
                                       .seg = 72,
                                       .segs = 6,
                                       .ldt = 96,
                                       .width = 4,
                                       .seg_stride = 4};

static const struct layout *layout_of(uint16_t attributes)
{
    return wide_of(attributes) ? &layout32 : &layout16;
}

static bool tss_read(struct x86_core *c, const struct x86_segment *seg, struct tss *tss)
{
    const struct layout *layout = layout_of(seg->attributes);
    uint8_t bytes[TSS_SIZE];
    if (!x86_linear_read(c, AS_SYSTEM, seg->base, bytes, layout->size))
        return false;
    *tss = (struct tss){.rip = le_load(bytes + layout->rip, layout->width),
                        .flags = le_load(bytes + layout->flags, layout->width),
                        .ldt = le16_load(bytes + layout->ldt)};
    for (unsigned n = 0; n < 8; n++)
        tss->gpr[n] = le_load(bytes + layout->gpr + n * layout->width, layout->width);
    for (unsigned n = 0; n < layout->segs; n++)
        tss->seg[n] = le16_load(bytes + layout->seg + n * layout->seg_stride);
    if (layout->width == 4) {
        tss->cr3 = le32_load(bytes + 28);
        tss->trap = bytes[100] & 1;
    } else {
        for (unsigned n = 0; n < 8; n++)
            tss->gpr[n] |= 0xffff0000;
    }
    return true;
}

/* The current task's registers into its TSS: EIP to GS, which lie together. */
static bool tss_save(struct x86_core *c, uint64_t rip, uint64_t flags)
{
    const struct x86_segment *tr = &c->s.seg[TR];
    const struct layout *layout = layout_of(tr->attributes);
    unsigned first = layout->rip, end = layout->seg + layout->segs * layout->seg_stride;
    uint8_t bytes[TSS_SIZE];
    /* The upper halves of selectors' slots stay as they are. */
    if (!x86_linear_read(c, AS_SYSTEM, tr->base, bytes, layout->size))
        return false;
    le_store(bytes + layout->rip, layout->width, rip);
    le_store(bytes + layout->flags, layout->width, flags);
    for (unsigned n = 0; n < 8; n++)
        le_store(bytes + layout->gpr + n * layout->width, layout->width, c->s.gpr[n]);
    for (unsigned n = 0; n < layout->segs; n++)
        le16_store(bytes + layout->seg + n * layout->seg_stride, c->s.seg[n].selector);
    return x86_linear_write(c, AS_SYSTEM, tr->base + first, bytes + first, end - first);
}

/* The busy bit of the task that is left. */
static bool old_task_unbusy(struct x86_core *c)
{
    struct x86_descriptor old;
    return x86_descriptor_read(c, c->s.seg[TR].selector, EXC_TS, 0, &old) &&
           x86_descriptor_mark(c, &old, 0, 2);
}

/* ---- the new task's segments; errors are the new task's #TS, #NP, #SS ---- */

static bool ldt_load(struct x86_core *c, uint16_t selector, uint32_t ext)
{
    struct x86_descriptor d;
    uint32_t error = x86_selector_error(selector, ext);
    x86_null_segment_load(c, LDTR, selector);
    if (x86_is_null(selector))
        return true;
    if (selector & 4)
        return x86_fault_code(c, EXC_TS, error);
    if (!x86_descriptor_read(c, selector, EXC_TS, ext, &d))
        return false;
    if (d.attributes & SEG_S || x86_type(d.attributes) != TYPE_LDT || !(d.attributes & SEG_P))
        return x86_fault_code(c, EXC_TS, error);
    c->s.seg[LDTR] = x86_segment_of(&d);
    return true;
}

static bool code_load(struct x86_core *c, uint16_t selector, uint32_t ext)
{
    struct x86_descriptor d;
    uint32_t error = x86_selector_error(selector, ext);
    unsigned rpl = selector & 3;
    if (x86_is_null(selector))
        return x86_fault_code(c, EXC_TS, ext);
    if (!x86_descriptor_read(c, selector, EXC_TS, ext, &d))
        return false;
    if (!x86_is_code(d.attributes) ||
        (d.attributes & SEG_CONFORMING ? x86_dpl(d.attributes) > rpl : x86_dpl(d.attributes) != rpl))
        return x86_fault_code(c, EXC_TS, error);
    if (!(d.attributes & SEG_P))
        return x86_fault_code(c, EXC_NP, error);
    if (!x86_descriptor_mark(c, &d, SEG_ACCESSED, 0))
        return false;
    x86_code_segment_load(c, &d, rpl);
    return true;
}

static bool stack_load(struct x86_core *c, uint16_t selector, unsigned cpl, uint32_t ext)
{
    struct x86_descriptor d;
    if (!x86_stack_segment_read(c, selector, cpl, EXC_TS, ext, &d) ||
        !x86_descriptor_mark(c, &d, SEG_ACCESSED, 0))
        return false;
    c->s.seg[SS] = x86_segment_of(&d);
    return true;
}

static bool data_load(struct x86_core *c, unsigned number, uint16_t selector, uint32_t ext)
{
    /* As MOV does it, but what is wrong with the selector is wrong with the TSS. */
    if (x86_data_segment_load(c, number, selector))
        return true;
    if (c->fault.vector == EXC_GP)
        c->fault.vector = EXC_TS;
    c->fault.code |= c->fault.vector == EXC_PF ? 0 : ext;
    return false;
}

static bool segments_load(struct x86_core *c, const struct tss *tss, uint32_t ext)
{
    static const uint8_t data[] = {ES, DS, FS, GS};
    /* While there is no SS, which is checked first, an exception needs the stack that the new TSS names. */
    x86_cpl_set(c, 3);
    if (!ldt_load(c, tss->ldt, ext))
        return false;
    if (x86_v86(c)) {
        for (unsigned n = ES; n <= GS; n++)
            x86_v86_segment_load(c, n, tss->seg[n]);
        return true;
    }
    if (!stack_load(c, tss->seg[SS], tss->seg[CS] & 3, ext))
        return false;
    x86_cpl_set(c, tss->seg[CS] & 3);
    if (!code_load(c, tss->seg[CS], ext))
        return false;
    for (unsigned n = 0; n < ARRAY_LEN(data); n++) {
        if (!data_load(c, data[n], tss->seg[data[n]], ext))
            return false;
    }
    return true;
}

/* Registers of the new task; segments have only their selectors until they are checked. */
static bool registers_load(struct x86_core *c, const struct tss *tss, bool wide)
{
    if (wide && c->s.cr0 & CR0_PG && tss->cr3 != c->s.cr3) {
        if (c->s.cr4 & CR4_PAE && !x86_pdptes_load(c, tss->cr3))
            return false;
        c->s.cr3 = tss->cr3;
        x86_flush_space(c);
    }
    c->s.rip = tss->rip;
    c->s.rflags = (tss->flags & FLAGS_ALL) | FLAG_ONE;
    c->lazy.how = LAZY_FLAGS;
    for (unsigned n = 0; n < 8; n++)
        c->s.gpr[n] = tss->gpr[n];
    for (unsigned n = ES; n <= GS; n++)
        c->s.seg[n] = (struct x86_segment){.selector = tss->seg[n]};
    return true;
}

/* The old task's flags as they are saved: IRET leaves a nested task. */
static uint64_t saved_flags(const struct x86_core *c, enum x86_task_cause cause)
{
    uint64_t flags = x86_flags_get(c);
    return cause == TASK_IRET ? flags & ~FLAG_NT : flags;
}

static bool tss_checks(struct x86_core *c, const struct x86_descriptor *d, enum x86_task_cause cause,
                       uint32_t ext)
{
    uint32_t error = x86_selector_error(d->selector, ext);
    bool busy = d->attributes & 2;
    if (busy != (cause == TASK_IRET))
        return x86_fault_code(c, cause == TASK_IRET ? EXC_TS : EXC_GP, error);
    if (!(d->attributes & SEG_P))
        return x86_fault_code(c, EXC_NP, error);
    if (x86_segment_of(d).limit + 1 < layout_of(d->attributes)->size)
        return x86_fault_code(c, EXC_TS, error);
    return true;
}

bool x86_task_switch(struct x86_core *c, struct x86_descriptor *d, enum x86_task_cause cause, uint32_t ext)
{
    struct tss tss;
    struct x86_segment seg = x86_segment_of(d);
    bool nested = cause == TASK_CALL || cause == TASK_INTERRUPT;
    bool wide = wide_of(d->attributes);
    uint16_t old_selector = c->s.seg[TR].selector;
    if (!tss_checks(c, d, cause, ext) ||
        !x86_linear_check(c, AS_SYSTEM, seg.base, layout_of(d->attributes)->size, false))
        return false;
    if (nested && !x86_linear_check(c, AS_SYSTEM, seg.base, 2, true))
        return false;
    /* The new one is read after the old one is written: they may be the same. */
    if (!tss_save(c, c->s.rip, saved_flags(c, cause)) || (!nested && !old_task_unbusy(c)) ||
        !tss_read(c, &seg, &tss))
        return false;
    if (nested) {
        if (!x86_system_write(c, seg.base, 2, old_selector))
            return false;
        tss.flags |= FLAG_NT;
    }
    if (!x86_descriptor_mark(c, d, 2, 0))
        return false;
    c->s.seg[TR] = x86_segment_of(d);
    c->s.cr0 |= CR0_TS;
    c->s.dr[7] &= ~(uint64_t)0x155; /* local breakpoints */
    x86_resync(c);
    if (!registers_load(c, &tss, wide))
        return false;
    c->task_switched = true;
    bool loaded = segments_load(c, &tss, ext) && (c->s.rip <= c->s.seg[CS].limit || x86_fault_gp(c, ext));
    x86_context(c); /* by which the stack is written, for an error code or another exception */
    if (!loaded)
        return false;
    if (tss.trap)
        x86_debug_trap(c, DR6_BT);
    return true;
}

bool x86_task_gate(struct x86_core *c, const struct x86_descriptor *gate, enum x86_task_cause cause,
                   uint32_t ext)
{
    struct x86_descriptor d;
    uint16_t selector = (uint16_t)(gate->low >> 16);
    uint32_t error = x86_selector_error(selector, ext);
    if (selector & 4 || x86_is_null(selector))
        return x86_fault_gp(c, error);
    if (!x86_descriptor_read(c, selector, EXC_GP, ext, &d))
        return false;
    unsigned type = x86_type(d.attributes);
    if (d.attributes & SEG_S || (type != TYPE_TSS && type != TYPE_TSS16))
        return x86_fault_gp(c, error);
    return x86_task_switch(c, &d, cause, ext);
}

bool x86_task_return(struct x86_core *c)
{
    struct x86_descriptor d;
    struct x86_loaded link = x86_system_read(c, c->s.seg[TR].base, 2);
    uint16_t selector = (uint16_t)link.value;
    if (!link.ok)
        return false;
    if (selector & 4 || x86_is_null(selector))
        return x86_fault_code(c, EXC_TS, x86_selector_error(selector, 0));
    if (!x86_descriptor_read(c, selector, EXC_TS, 0, &d))
        return false;
    unsigned type = x86_type(d.attributes);
    if (d.attributes & SEG_S || (type != TYPE_TSS_BUSY && type != TYPE_TSS16_BUSY))
        return x86_fault_code(c, EXC_TS, x86_selector_error(selector, 0));
    return x86_task_switch(c, &d, TASK_IRET, 0);
}

bool x86_task_push_error(struct x86_core *c, uint32_t code, uint32_t ext)
{
    struct x86_stack stack = x86_stack_current(c);
    stack.error = ext;
    if (!x86_stack_push(c, &stack, wide_of(c->s.seg[TR].attributes) ? 4 : 2, code))
        return false;
    x86_stack_commit(c, &stack);
    return true;
}
