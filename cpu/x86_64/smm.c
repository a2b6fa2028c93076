/*
 * System-management mode with the state-save map of AMD64 (APM vol. 2, table 10-1), which firmware for
 * virtual machines expects of a processor with long mode.
 */
#include "cpu/x86_64/smm.h"

#include "cpu/x86_64/blocks.h"
#include "cpu/x86_64/control.h"
#include "cpu/x86_64/flags.h"
#include "cpu/x86_64/mmu.h"
#include "cpu/x86_64/run.h"

#define SMM_REVISION 0x00020064u

/* Places in the map, from SMBASE. */
enum {
    MAP_SEGMENTS = 0xfe00, /* 16 bytes each: ES, CS, SS, DS, FS, GS, GDTR, LDTR, IDTR, TR */
    MAP_IO_RESTART = 0xfec8,
    MAP_HALT_RESTART = 0xfec9,
    MAP_NMI_MASK = 0xfeca,
    MAP_EFER = 0xfed0,
    MAP_REVISION = 0xfefc,
    MAP_SMBASE = 0xff00,
    MAP_CR4 = 0xff48,
    MAP_CR3 = 0xff50,
    MAP_CR0 = 0xff58,
    MAP_DR7 = 0xff60,
    MAP_DR6 = 0xff68,
    MAP_RFLAGS = 0xff70,
    MAP_RIP = 0xff78,
    MAP_RAX = 0xfff8, /* the others below it in order */
};

/* The place of each segment register's 16 bytes. */
static const uint8_t segment_place[X86_SEGMENTS] = {
    [ES] = 0, [CS] = 1, [SS] = 2, [DS] = 3, [FS] = 4, [GS] = 5, [LDTR] = 7, [TR] = 9};
#define PLACE_GDTR 6
#define PLACE_IDTR 8

static void put(struct x86_core *c, unsigned at, unsigned width, uint64_t value)
{
    x86_physical_write(c, (uint64_t)c->s.smbase + at, width, value);
}

static uint64_t get(struct x86_core *c, unsigned at, unsigned width)
{
    return x86_physical_read(c, (uint64_t)c->s.smbase + at, width);
}

static void segment_save(struct x86_core *c, unsigned place, const struct x86_segment *seg)
{
    unsigned at = MAP_SEGMENTS + 16 * place;
    put(c, at, 2, seg->selector);
    put(c, at + 2, 2, seg->attributes);
    put(c, at + 4, 4, seg->limit);
    put(c, at + 8, 8, seg->base);
}

static struct x86_segment segment_restored(struct x86_core *c, unsigned place)
{
    unsigned at = MAP_SEGMENTS + 16 * place;
    return (struct x86_segment){
        .selector = (uint16_t)get(c, at, 2),
        .attributes = get(c, at + 2, 2) & SEG_ATTRIBUTES,
        .limit = (uint32_t)get(c, at + 4, 4),
        .base = get(c, at + 8, 8),
    };
}

static void table_save(struct x86_core *c, unsigned place, const struct x86_table *table)
{
    struct x86_segment seg = {.limit = table->limit, .base = table->base};
    segment_save(c, place, &seg);
}

static struct x86_table table_restored(struct x86_core *c, unsigned place)
{
    struct x86_segment seg = segment_restored(c, place);
    return (struct x86_table){.base = seg.base, .limit = (uint16_t)seg.limit};
}

static void state_save_map(struct x86_core *c)
{
    for (unsigned n = ES; n < X86_SEGMENTS; n++)
        segment_save(c, segment_place[n], &c->s.seg[n]);
    table_save(c, PLACE_GDTR, &c->s.gdtr);
    table_save(c, PLACE_IDTR, &c->s.idtr);
    put(c, MAP_IO_RESTART, 1, 0);
    put(c, MAP_HALT_RESTART, 1, c->s.activity == ACTIVITY_HALTED);
    put(c, MAP_NMI_MASK, 1, c->s.nmi_blocked);
    put(c, MAP_EFER, 8, c->s.efer);
    put(c, MAP_REVISION, 4, SMM_REVISION);
    put(c, MAP_SMBASE, 4, c->s.smbase);
    put(c, MAP_CR4, 8, c->s.cr4);
    put(c, MAP_CR3, 8, c->s.cr3);
    put(c, MAP_CR0, 8, c->s.cr0);
    put(c, MAP_DR7, 8, c->s.dr[7]);
    put(c, MAP_DR6, 8, c->s.dr[6]);
    put(c, MAP_RFLAGS, 8, x86_flags_get(c));
    put(c, MAP_RIP, 8, c->s.rip);
    for (unsigned n = 0; n < 16; n++)
        put(c, MAP_RAX - 8 * n, 8, c->s.gpr[n]);
}

/* APM vol. 2, 10.3.5: a kind of real mode with limits of 4 GiB. */
static void smm_state(struct x86_core *c)
{
    const uint16_t attributes = SEG_P | SEG_S | SEG_WRITABLE | SEG_ACCESSED | SEG_G;
    for (unsigned n = ES; n <= GS; n++)
        c->s.seg[n] = (struct x86_segment){.limit = 0xffffffff, .attributes = attributes};
    c->s.seg[CS].selector = (uint16_t)(c->s.smbase >> 4);
    c->s.seg[CS].base = c->s.smbase;
    c->s.rip = 0x8000;
    c->s.rflags = FLAG_ONE;
    c->lazy.how = LAZY_FLAGS;
    c->s.cr0 &= ~(CR0_PE | CR0_EM | CR0_TS | CR0_PG);
    c->s.cr4 = 0;
    c->s.efer = 0;
    c->s.dr[7] = DR7_FIXED;
    c->s.cpl = 0;
    c->s.activity = ACTIVITY_RUNNING;
    c->s.nmi_blocked = 1;
    /* An SMI comes before the traps of the instruction behind it, which are not the handler's. */
    c->s.debug_held = c->s.debug_pending;
    c->s.debug_pending = 0;
}

static void in_smm_set(struct x86_core *c, bool in_smm)
{
    c->s.in_smm = in_smm;
    x86_flush_all(c); /* it sees other memory now */
}

void x86_smm_enter(struct x86_core *c)
{
    in_smm_set(c, true);
    state_save_map(c);
    smm_state(c);
}

/* What of a save area is read before anything is changed. */
struct saved_control {
    uint64_t cr0, cr3, cr4, efer, flags;
};

/* What no processor can have been in (SDM vol. 3, 32.4.1; APM vol. 2, 10.3.3). */
static bool restorable(const struct x86_core *c, const struct saved_control *saved, uint16_t cs_attributes)
{
    bool paging = saved->cr0 & CR0_PG, long_mode = saved->efer & EFER_LMA;
    if (!x86_cr0_valid(saved->cr0) || !x86_cr4_valid(c, saved->cr4) || !x86_efer_valid(c, saved->efer))
        return false;
    if (long_mode != (paging && saved->efer & EFER_LME))
        return false;
    if (!long_mode)
        return !(saved->cr4 & CR4_PCIDE);
    return saved->cr4 & CR4_PAE && !(saved->flags & FLAG_VM) && !(saved->cr3 >> c->model.physical_bits) &&
           (cs_attributes & (SEG_L | SEG_DB)) != (SEG_L | SEG_DB);
}

static void shut_down(struct x86_core *c)
{
    c->s.activity = ACTIVITY_SHUTDOWN;
    x86_exit(c, EXIT_SHUTDOWN);
}

static void control_restore(struct x86_core *c, const struct saved_control *saved)
{
    c->s.cr0 = (saved->cr0 & CR0_ALL) | CR0_ET;
    c->s.cr4 = saved->cr4;
    c->s.cr3 = saved->cr3;
    c->s.efer = saved->efer;
    c->s.rflags = (saved->flags & FLAGS_ALL) | FLAG_ONE;
    c->lazy.how = LAZY_FLAGS;
    c->s.dr[7] = (get(c, MAP_DR7, 4) & DR7_WRITABLE) | DR7_FIXED;
    c->s.dr[6] = (get(c, MAP_DR6, 4) & DR6_WRITABLE) | DR6_FIXED;
    /* Blocks know where breakpoints are, and the handler may have moved them. */
    if (c->s.dr[7] & 0xff)
        x86_blocks_drop_all(c);
}

static void events_restore(struct x86_core *c)
{
    c->s.nmi_blocked = get(c, MAP_NMI_MASK, 1) & 1;
    c->s.activity = get(c, MAP_HALT_RESTART, 1) & 1 ? ACTIVITY_HALTED : ACTIVITY_RUNNING;
    c->s.debug_pending = c->s.debug_held;
    c->s.debug_held = 0;
}

void x86_smm_leave(struct x86_core *c)
{
    struct saved_control saved = {.cr0 = get(c, MAP_CR0, 8),
                                  .cr3 = get(c, MAP_CR3, 8),
                                  .cr4 = get(c, MAP_CR4, 8),
                                  .efer = get(c, MAP_EFER, 8),
                                  .flags = get(c, MAP_RFLAGS, 8)};
    if (!restorable(c, &saved, segment_restored(c, segment_place[CS]).attributes)) {
        shut_down(c);
        return;
    }
    for (unsigned n = ES; n < X86_SEGMENTS; n++)
        c->s.seg[n] = segment_restored(c, segment_place[n]);
    c->s.gdtr = table_restored(c, PLACE_GDTR);
    c->s.idtr = table_restored(c, PLACE_IDTR);
    control_restore(c, &saved);
    c->s.rip = get(c, MAP_RIP, 8);
    for (unsigned n = 0; n < 16; n++)
        c->s.gpr[n] = get(c, MAP_RAX - 8 * n, 8);
    c->s.cpl = x86_v86(c) ? 3 : saved.cr0 & CR0_PE ? c->s.seg[SS].attributes >> SEG_DPL_SHIFT & 3 : 0;
    events_restore(c);
    c->s.smbase = (uint32_t)get(c, MAP_SMBASE, 4);
    in_smm_set(c, false);
    if (saved.cr0 & CR0_PG && saved.cr4 & CR4_PAE && !x86_long_mode(c) && !x86_pdptes_load(c, c->s.cr3))
        shut_down(c);
}
