/* Privileged instructions and those that tell about the processor. */
#include "base/bits.h"
#include "cpu/x86_64/blocks.h"
#include "cpu/x86_64/control.h"
#include "cpu/x86_64/debug.h"
#include "cpu/x86_64/far.h"
#include "cpu/x86_64/flags.h"
#include "cpu/x86_64/kinds.h"
#include "cpu/x86_64/mmu.h"
#include "cpu/x86_64/paravirtual.h"
#include "cpu/x86_64/pmu.h"
#include "cpu/x86_64/smm.h"

static bool privileged(struct x86_core *c)
{
    return c->s.cpl == 0 || x86_fault_gp(c, 0);
}

/* EDX:EAX. */
static void pair_set(struct x86_core *c, uint64_t value)
{
    c->s.gpr[RAX] = (uint32_t)value;
    c->s.gpr[RDX] = value >> 32;
}

static uint64_t pair_get(const struct x86_core *c)
{
    return (c->s.gpr[RDX] << 32) | (uint32_t)c->s.gpr[RAX];
}

/* ---- descriptor tables ---- */

static bool table_store(struct x86_core *c, const struct x86_insn *i, const struct x86_table *table)
{
    unsigned base_width = c->mode & MODE_64 ? 8 : 4;
    uint8_t bytes[10];
    if (c->s.cr4 & CR4_UMIP && c->s.cpl != 0)
        return x86_fault_gp(c, 0);
    le16_store(bytes, table->limit);
    le64_store(bytes + 2, table->base);
    return x86_write_bytes(c, i->seg, x86_operand_offset(c, i), bytes, 2 + base_width);
}

static bool table_load(struct x86_core *c, const struct x86_insn *i, struct x86_table *table)
{
    unsigned base_width = c->mode & MODE_64 ? 8 : 4;
    uint8_t bytes[10] = {0};
    if (!privileged(c) || !x86_read_bytes(c, i->seg, x86_operand_offset(c, i), bytes, 2 + base_width))
        return false;
    uint64_t base = le_load(bytes + 2, base_width);
    if (c->mode & MODE_64 && !x86_canonical_base(c, base))
        return x86_fault_gp(c, 0);
    /* A 16-bit operand has 24 bits of base. */
    if (i->opsize == 1)
        base &= 0xffffff;
    *table = (struct x86_table){.base = base, .limit = le16_load(bytes)};
    return true;
}

X86_DO(sgdt)
{
    return table_store(c, i, &c->s.gdtr);
}
X86_HELPER(sgdt)

X86_DO(sidt)
{
    return table_store(c, i, &c->s.idtr);
}
X86_HELPER(sidt)

X86_DO(lgdt)
{
    return table_load(c, i, &c->s.gdtr);
}
X86_SYSTEM(lgdt)

X86_DO(lidt)
{
    return table_load(c, i, &c->s.idtr);
}
X86_SYSTEM(lidt)

/* ---- control registers ---- */

X86_DO(smsw)
{
    if (c->s.cr4 & CR4_UMIP && c->s.cpl != 0)
        return x86_fault_gp(c, 0);
    if (i->flags & INSN_MEM)
        return x86_write(c, i->seg, x86_operand_offset(c, i), 2, c->s.cr0);
    x86_operand_reg_set(c, i->rm, i->opsize, c->s.cr0);
    return true;
}
X86_HELPER(smsw)

/* PE can be set and not cleared. */
X86_DO(lmsw)
{
    struct x86_loaded loaded = {.value = c->s.gpr[i->rm], .ok = true};
    if (!privileged(c))
        return false;
    if (i->flags & INSN_MEM)
        loaded = x86_read(c, i->seg, x86_operand_offset(c, i), 2);
    uint64_t mask = CR0_MP | CR0_EM | CR0_TS, value = (c->s.cr0 & ~mask) | (loaded.value & (mask | CR0_PE));
    return loaded.ok && x86_cr0_write(c, value);
}
X86_SYSTEM(lmsw)

X86_DO(clts)
{
    (void)i;
    if (!privileged(c))
        return false;
    c->s.cr0 &= ~CR0_TS;
    x86_resync(c);
    return true;
}
X86_SYSTEM(clts)

/* #UD for what isn't a control register comes before #GP for who may not have it. */
static bool control_register(struct x86_core *c, const struct x86_insn *i)
{
    const unsigned known = 1u << 0 | 1u << 2 | 1u << 3 | 1u << 4 | 1u << 8;
    return known >> i->reg & 1 ? privileged(c) : x86_fault_ud(c);
}

X86_DO(mov_rc)
{
    uint64_t value;
    if (!control_register(c, i))
        return false;
    switch (i->reg) {
    case 0: value = c->s.cr0; break;
    case 2: value = c->s.cr2; break;
    case 3: value = c->s.cr3; break;
    case 4: value = c->s.cr4; break;
    default: value = c->hooks.tpr_get ? c->hooks.tpr_get(c->hooks.opaque) : 0; break;
    }
    x86_operand_reg_set(c, i->rm, i->opsize, value);
    return true;
}
X86_HELPER(mov_rc)

static bool cr8_write(struct x86_core *c, uint64_t value)
{
    if (value > 15)
        return x86_fault_gp(c, 0);
    if (c->hooks.tpr_set)
        c->hooks.tpr_set(c->hooks.opaque, (uint8_t)value);
    x86_resync(c);
    return true;
}

X86_DO(mov_cr)
{
    uint64_t value = c->s.gpr[i->rm] & x86_address_mask(i->opsize);
    if (!control_register(c, i))
        return false;
    switch (i->reg) {
    case 0: return x86_cr0_write(c, value);
    case 2: c->s.cr2 = value; return true;
    case 3: return x86_cr3_write(c, value);
    case 4: return x86_cr4_write(c, value);
    default: return cr8_write(c, value);
    }
}
X86_SYSTEM(mov_cr)

/* ---- debug registers ---- */

/* Which one i means: DR4 and DR5 are DR6 and DR7 unless CR4.DE. False: #UD, #GP or #DB. */
static bool debug_register(struct x86_core *c, const struct x86_insn *i, unsigned *number)
{
    *number = i->reg;
    if (i->reg > 7 || ((i->reg == 4 || i->reg == 5) && c->s.cr4 & CR4_DE))
        return x86_fault_ud(c);
    if (!privileged(c))
        return false;
    if (*number == 4 || *number == 5)
        *number += 2;
    if (!(c->s.dr[7] & DR7_GD))
        return true;
    x86_debug_condition(c, DR6_BD);
    c->s.dr[7] &= ~(uint64_t)DR7_GD;
    return x86_fault(c, EXC_DB);
}

X86_DO(mov_rd)
{
    unsigned number;
    if (!debug_register(c, i, &number))
        return false;
    x86_operand_reg_set(c, i->rm, i->opsize, c->s.dr[number]);
    return true;
}
X86_SYSTEM(mov_rd)

X86_DO(mov_dr)
{
    unsigned number;
    uint64_t value = c->s.gpr[i->rm] & x86_address_mask(i->opsize);
    if (!debug_register(c, i, &number))
        return false;
    if (number >= 6 && value >> 32)
        return x86_fault_gp(c, 0);
    if (number == 6)
        value = (value & DR6_WRITABLE) | DR6_FIXED;
    if (number == 7)
        value = (value & DR7_WRITABLE) | DR7_FIXED;
    bool was_on = c->s.dr[7] & 0xff;
    c->s.dr[number] = value;
    /* Blocks and the TLB know where breakpoints are. */
    if (number != 6 && (was_on || c->s.dr[7] & 0xff)) {
        x86_blocks_drop_all(c);
        x86_flush_all(c);
    }
    return true;
}
X86_SYSTEM(mov_dr)

/* ---- MSRs, counters, identification ---- */

X86_DO(rdmsr)
{
    (void)i;
    uint64_t value;
    if (!privileged(c) || !x86_msr_read(c, (uint32_t)c->s.gpr[RCX], &value))
        return false;
    pair_set(c, value);
    return true;
}
X86_SYSTEM(rdmsr)

X86_DO(wrmsr)
{
    (void)i;
    return privileged(c) && x86_msr_write(c, (uint32_t)c->s.gpr[RCX], pair_get(c));
}
X86_SYSTEM(wrmsr)

static bool tsc_allowed(struct x86_core *c)
{
    return !(c->s.cr4 & CR4_TSD) || c->s.cpl == 0 || x86_fault_gp(c, 0);
}

X86_DO(rdtsc)
{
    (void)i;
    if (!tsc_allowed(c))
        return false;
    pair_set(c, x86_ticks(c) + c->s.tsc_offset);
    return true;
}
X86_SYSTEM(rdtsc)

X86_DO(rdtscp)
{
    (void)i;
    if (!tsc_allowed(c))
        return false;
    pair_set(c, x86_ticks(c) + c->s.tsc_offset);
    c->s.gpr[RCX] = (uint32_t)c->s.tsc_aux;
    return true;
}
X86_SYSTEM(rdtscp)

X86_DO(rdpid)
{
    c->s.gpr[i->rm] = (uint32_t)c->s.tsc_aux;
    return true;
}
X86_HELPER(rdpid)

X86_DO(rdpmc)
{
    (void)i;
    uint64_t value;
    if (c->s.cpl != 0 && !(c->s.cr4 & CR4_PCE))
        return x86_fault_gp(c, 0);
    if (!x86_pmu_rdpmc(c, (uint32_t)c->s.gpr[RCX], &value))
        return x86_fault_gp(c, 0);
    pair_set(c, value);
    return true;
}
X86_SYSTEM(rdpmc)

X86_DO(cpuid)
{
    (void)i;
    struct x86_cpuid id = x86_cpuid_of(c, (uint32_t)c->s.gpr[RAX], (uint32_t)c->s.gpr[RCX]);
    c->s.gpr[RAX] = id.reg[0];
    c->s.gpr[RBX] = id.reg[1];
    c->s.gpr[RCX] = id.reg[2];
    c->s.gpr[RDX] = id.reg[3];
    return true;
}
X86_HELPER(cpuid)

/* ---- the TLB and the caches, of which the guest's are not there ---- */

X86_DO(invlpg)
{
    if (!privileged(c))
        return false;
    x86_flush_page(c, (c->view[i->seg].base + x86_operand_offset(c, i)) & c->linear_mask);
    return true;
}
X86_SYSTEM(invlpg)

enum invpcid_type {
    INVPCID_ADDRESS,
    INVPCID_CONTEXT,
    INVPCID_ALL,
    INVPCID_ALL_BUT_GLOBAL,
};

X86_DO(invpcid)
{
    uint64_t type = c->s.gpr[i->reg] & x86_address_mask(i->opsize);
    uint8_t bytes[16];
    if (!privileged(c) || !x86_read_bytes(c, i->seg, x86_operand_offset(c, i), bytes, 16))
        return false;
    uint64_t first = le64_load(bytes), address = le64_load(bytes + 8);
    unsigned pcid = first & CR3_PCID;
    if (type > INVPCID_ALL_BUT_GLOBAL || first & ~(uint64_t)CR3_PCID)
        return x86_fault_gp(c, 0);
    if (type <= INVPCID_CONTEXT && pcid && !(c->s.cr4 & CR4_PCIDE))
        return x86_fault_gp(c, 0);
    if (type == INVPCID_ADDRESS && !x86_canonical_base(c, address))
        return x86_fault_gp(c, 0);
    switch (type) {
    case INVPCID_ADDRESS: x86_flush_pcid_page(c, pcid, address); break;
    case INVPCID_CONTEXT: x86_flush_pcid(c, pcid); break;
    case INVPCID_ALL: x86_flush_all(c); break;
    default: x86_flush_keep_global(c); break;
    }
    return true;
}
X86_SYSTEM(invpcid)

X86_DO(invd)
{
    (void)i;
    return privileged(c);
}
X86_SYSTEM(invd)

X86_DO(wbinvd)
{
    (void)i;
    return privileged(c);
}
X86_SYSTEM(wbinvd)

/* For permission these are loads of a byte. */
X86_DO(clflush)
{
    return x86_read(c, i->seg, x86_operand_offset(c, i), 1).ok;
}
X86_HELPER(clflush)

X86_HANDLER(x86_clwb)
{
    TAIL return x86_clflush(c, i, bank, pc);
}

/* ---- waiting for memory: a MWAIT that is let through at once is allowed, and an interrupt always ends it
 * ---- */

X86_DO(monitor)
{
    uint64_t offset = c->s.gpr[RAX] & x86_address_mask(i->asize);
    if (c->s.cpl != 0)
        return x86_fault_ud(c);
    if ((uint32_t)c->s.gpr[RCX])
        return x86_fault_gp(c, 0);
    return x86_read(c, i->seg, offset, 1).ok;
}
X86_HELPER(monitor)

X86_DO(mwait)
{
    (void)i;
    if (c->s.cpl != 0)
        return x86_fault_ud(c);
    return !((uint32_t)c->s.gpr[RCX] & ~1u) || x86_fault_gp(c, 0);
}
X86_SYSTEM(mwait)

/* ---- calls of the hypervisor, by the names of both makers ---- */

X86_DO(vmcall)
{
    (void)i;
    x86_hypercall(c);
    return true;
}
X86_HELPER(vmcall)

X86_DO(vmmcall)
{
    return vmcall_do(c, i);
}
X86_HELPER(vmmcall)

/* ---- protection ---- */

/* Kernels do this around every access to user memory: the block goes on, in another bank. */
static __attribute__((noinline)) bool ac_set(struct x86_core *c, uint64_t flag)
{
    if (c->s.cpl != 0)
        return x86_fault_ud(c);
    c->s.rflags = (c->s.rflags & ~(uint64_t)FLAG_AC) | flag;
    x86_bank_select(c);
    return true;
}

#define ACCESS(name, flag)                                                                                   \
    X86_HANDLER(x86_##name)                                                                                  \
    {                                                                                                        \
        if (unlikely(!ac_set(c, flag)))                                                                      \
            TAIL return x86_raise(c, i, bank, pc);                                                           \
        TAIL return x86_next(c, i, c->bank, pc);                                                             \
    }
ACCESS(clac, 0)
ACCESS(stac, FLAG_AC)

static bool pkru_allowed(struct x86_core *c, bool write)
{
    if (!(c->s.cr4 & CR4_PKE))
        return x86_fault_ud(c);
    return !((uint32_t)c->s.gpr[RCX] || (write && (uint32_t)c->s.gpr[RDX])) || x86_fault_gp(c, 0);
}

X86_DO(rdpkru)
{
    (void)i;
    if (!pkru_allowed(c, false))
        return false;
    pair_set(c, c->s.pkru);
    return true;
}
X86_HELPER(rdpkru)

X86_DO(wrpkru)
{
    (void)i;
    if (!pkru_allowed(c, true))
        return false;
    x86_pkru_set(c, (uint32_t)c->s.gpr[RAX]);
    return true;
}
X86_SYSTEM(wrpkru)

/* ---- FS and GS ---- */

X86_DO(swapgs)
{
    (void)i;
    if (!privileged(c))
        return false;
    uint64_t base = c->s.seg[GS].base;
    c->s.seg[GS].base = c->s.kernel_gs_base;
    c->s.kernel_gs_base = base;
    x86_base_update(c, GS);
    return true;
}
X86_HELPER(swapgs)

static bool base_read(struct x86_core *c, const struct x86_insn *i, unsigned number)
{
    if (!(c->s.cr4 & CR4_FSGSBASE))
        return x86_fault_ud(c);
    x86_operand_reg_set(c, i->rm, i->opsize, c->s.seg[number].base);
    return true;
}

static bool base_write(struct x86_core *c, const struct x86_insn *i, unsigned number)
{
    uint64_t base = c->s.gpr[i->rm] & x86_address_mask(i->opsize);
    if (!(c->s.cr4 & CR4_FSGSBASE))
        return x86_fault_ud(c);
    if (!x86_canonical_base(c, base))
        return x86_fault_gp(c, 0);
    c->s.seg[number].base = base;
    x86_base_update(c, number);
    return true;
}

X86_DO(rdfsbase)
{
    return base_read(c, i, FS);
}
X86_HELPER(rdfsbase)

X86_DO(rdgsbase)
{
    return base_read(c, i, GS);
}
X86_HELPER(rdgsbase)

X86_DO(wrfsbase)
{
    return base_write(c, i, FS);
}
X86_HELPER(wrfsbase)

X86_DO(wrgsbase)
{
    return base_write(c, i, GS);
}
X86_HELPER(wrgsbase)

/* ---- the rest ---- */

/* CR0.MP lets TS mean WAIT as well. An x87 exception that waits is raised here (SDM vol. 1, 8.6). */
X86_DO(fwait)
{
    (void)i;
    if ((c->s.cr0 & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS))
        return x86_fault(c, EXC_NM);
    return x86_x87_check(c);
}
X86_HELPER(fwait)

X86_DO(rsm)
{
    (void)i;
    if (!c->s.in_smm)
        return x86_fault_ud(c);
    x86_smm_leave(c);
    return true;
}
X86_SYSTEM(rsm)
