/* Software interrupts, system calls and returns, HLT, CLI, STI. */
#include "cpu/x86_64/far.h"
#include "cpu/x86_64/flags.h"
#include "cpu/x86_64/kinds.h"
#include "cpu/x86_64/run.h"
#include "cpu/x86_64/segment.h"

/* The handler runs without TF, and there is no trap before it (SDM vol. 3, 17.3.1.4). */
static bool software_interrupt(struct x86_core *c, enum x86_cause cause, uint8_t vector)
{
    const struct x86_fault event = {.vector = vector};
    if (!x86_deliver(c, cause, &event))
        return false;
    c->no_step = true;
    return true;
}

X86_DO(int3)
{
    (void)i;
    return software_interrupt(c, CAUSE_SOFTWARE, EXC_BP);
}
X86_SYSTEM(int3)

X86_DO(int_n)
{
    return software_interrupt(c, CAUSE_SOFTWARE, (uint8_t)i->imm);
}
X86_SYSTEM(int_n)

X86_DO(into)
{
    (void)i;
    return !(x86_flags_status(c) & FLAG_OF) || software_interrupt(c, CAUSE_SOFTWARE, EXC_OF);
}
X86_SYSTEM(into)

X86_DO(int1)
{
    (void)i;
    return software_interrupt(c, CAUSE_INT1, EXC_DB);
}
X86_SYSTEM(int1)

X86_HANDLER(x86_ud2)
{
    TAIL return x86_undefined(c, i, bank, pc);
}

X86_DO(bound)
{
    unsigned width = 1u << i->opsize, unused = 64 - 8 * width;
    uint64_t offset = x86_operand_offset(c, i);
    struct x86_loaded low = x86_read(c, i->seg, offset, width);
    if (!low.ok)
        return false;
    struct x86_loaded high = x86_read(c, i->seg, (offset + width) & x86_address_mask(i->asize), width);
    if (!high.ok)
        return false;
    int64_t index = (int64_t)(c->s.gpr[i->reg] << unused);
    bool inside = index >= (int64_t)(low.value << unused) && index <= (int64_t)(high.value << unused);
    return inside || x86_fault(c, EXC_BR);
}
X86_HELPER(bound)

/* ---- SYSCALL and SYSENTER: flat segments that no table is asked for ---- */

static void flat_load(struct x86_core *c, unsigned number, uint16_t selector, unsigned dpl, uint16_t more)
{
    c->s.seg[number] = (struct x86_segment){
        .limit = 0xffffffff,
        .selector = selector,
        .attributes =
            (uint16_t)(SEG_P | dpl << SEG_DPL_SHIFT | SEG_S | SEG_WRITABLE | SEG_ACCESSED | SEG_G | more),
    };
}

/* CS and SS of level `dpl`; 64-bit code or 32-bit. */
static void flat_enter(struct x86_core *c, uint16_t cs, uint16_t ss, unsigned dpl, bool code64)
{
    flat_load(c, CS, cs, dpl, (uint16_t)(SEG_CODE | (code64 ? SEG_L : SEG_DB)));
    flat_load(c, SS, ss, dpl, SEG_DB);
    x86_cpl_set(c, dpl);
}

X86_DO(syscall)
{
    (void)i;
    uint16_t cs = (uint16_t)(c->s.star >> 32 & ~3u);
    if (!(c->s.efer & EFER_SCE))
        return x86_fault_ud(c);
    c->s.gpr[RCX] = c->s.rip;
    c->s.gpr[11] = x86_flags_get(c) & ~FLAG_RF;
    c->no_step = c->s.sfmask & FLAG_TF;
    x86_flags_write(c, c->s.sfmask | FLAG_RF, 0);
    flat_enter(c, cs, (uint16_t)(cs + 8), 0, true);
    c->s.rip = c->s.lstar;
    return true;
}
X86_SYSTEM(syscall)

X86_DO(sysret)
{
    uint16_t base = (uint16_t)(c->s.star >> 48);
    bool wide = i->opsize == 3;
    if (!(c->s.efer & EFER_SCE))
        return x86_fault_ud(c);
    if (c->s.cpl != 0 || (wide && !x86_canonical(c, c->s.gpr[RCX])))
        return x86_fault_gp(c, 0);
    x86_flags_write(c, FLAGS_ALL, c->s.gpr[11] & ~(FLAG_RF | FLAG_VM));
    flat_enter(c, (uint16_t)((wide ? base + 16 : base) | 3), (uint16_t)((base + 8) | 3), 3, wide);
    c->s.rip = wide ? c->s.gpr[RCX] : (uint32_t)c->s.gpr[RCX];
    return true;
}
X86_SYSTEM(sysret)

X86_DO(sysenter)
{
    (void)i;
    uint16_t cs = (uint16_t)(c->s.sysenter_cs & ~3u);
    bool lm = x86_long_mode(c);
    if (!(c->s.cr0 & CR0_PE) || cs == 0)
        return x86_fault_gp(c, 0);
    x86_flags_write(c, FLAG_VM | FLAG_IF | FLAG_RF, 0);
    flat_enter(c, cs, (uint16_t)(cs + 8), 0, lm);
    c->s.gpr[RSP] = lm ? c->s.sysenter_esp : (uint32_t)c->s.sysenter_esp;
    c->s.rip = lm ? c->s.sysenter_eip : (uint32_t)c->s.sysenter_eip;
    return true;
}
X86_SYSTEM(sysenter)

X86_DO(sysexit)
{
    uint16_t base = (uint16_t)(c->s.sysenter_cs & ~3u);
    bool wide = i->opsize == 3;
    if (!(c->s.cr0 & CR0_PE) || base == 0 || c->s.cpl != 0)
        return x86_fault_gp(c, 0);
    if (wide && (!x86_canonical(c, c->s.gpr[RCX]) || !x86_canonical(c, c->s.gpr[RDX])))
        return x86_fault_gp(c, 0);
    uint16_t cs = (uint16_t)(base + (wide ? 32 : 16));
    flat_enter(c, cs | 3, (uint16_t)(cs + 8) | 3, 3, wide);
    c->s.gpr[RSP] = wide ? c->s.gpr[RCX] : (uint32_t)c->s.gpr[RCX];
    c->s.rip = wide ? c->s.gpr[RDX] : (uint32_t)c->s.gpr[RDX];
    return true;
}
X86_SYSTEM(sysexit)

/* ---- interrupts on, off, awaited ---- */

X86_DO(hlt)
{
    (void)i;
    if (c->s.cpl != 0)
        return x86_fault_gp(c, 0);
    c->s.activity = ACTIVITY_HALTED;
    x86_resync(c);
    return true;
}
X86_SYSTEM(hlt)

/* Which flag CLI and STI mean: IF, VIF where that stands for it (VME, PVI), or 0: #GP(0). */
static uint64_t interrupt_flag(const struct x86_core *c)
{
    if (!(c->s.cr0 & CR0_PE) || c->s.cpl <= x86_iopl(c))
        return FLAG_IF;
    if (x86_v86(c))
        return c->s.cr4 & CR4_VME ? FLAG_VIF : 0;
    return c->s.cpl == 3 && c->s.cr4 & CR4_PVI ? FLAG_VIF : 0;
}

X86_DO(cli)
{
    (void)i;
    uint64_t flag = interrupt_flag(c);
    c->s.rflags &= ~flag;
    return flag || x86_fault_gp(c, 0);
}
X86_HELPER(cli)

X86_DO(sti)
{
    uint64_t flag = interrupt_flag(c);
    if (!flag || (flag == FLAG_VIF && c->s.rflags & FLAG_VIP))
        return x86_fault_gp(c, 0);
    bool enabled = c->s.rflags & flag;
    c->s.rflags |= flag;
    /* Where no event waits, one that comes later may as well have come behind the next instruction of the
     * block; but no event may be taken at the block's end. */
    if (enabled || (!x86_event_waits(c) && i->left > 1))
        return true;
    c->s.shadow = flag == FLAG_IF ? SHADOW_STI : SHADOW_NONE;
    x86_resync(c);
    return true;
}
X86_HELPER(sti)
