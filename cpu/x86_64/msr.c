/* Model-specific registers: the table of msrs.def and the functions it names. */
#include "base/bits.h"
#include "base/trace.h"
#include "cpu/x86_64/control.h"
#include "cpu/x86_64/mmu.h"
#include "cpu/x86_64/paravirtual.h"
#include "cpu/x86_64/pmu.h"

/* Not vulnerable to what can be had by speculation: RDCL_NO, IBRS_ALL, SKIP_L1DFL_VMENTRY, SSB_NO, MDS_NO,
 * IF_PSCHANGE_MC_NO, TAA_NO, SBDR_SSDP_NO, FBSDP_NO, PSDP_NO, BHI_NO, PBRSB_NO, GDS_NO, RFDS_NO. */
#define ARCH_CAPABILITIES_VALUE                                                                              \
    (BIT(0) | BIT(1) | BIT(3) | BIT(4) | BIT(5) | BIT(6) | BIT(8) | BIT(13) | BIT(14) | BIT(15) | BIT(20) |  \
     BIT(24) | BIT(26) | BIT(27))

/* MAXPHYADDR is 40 in every model. */
#define PHYSICAL_MASK   (((uint64_t)1 << X86_PHYSICAL_BITS) - 1)
#define MTRR_BASE_VALID (PHYSICAL_MASK & ~(uint64_t)0xf00)
#define MTRR_MASK_VALID (PHYSICAL_MASK & ~(uint64_t)0x7ff)

typedef bool msr_read(struct x86_core *c, uint32_t number, uint64_t *value);
typedef bool msr_write(struct x86_core *c, uint32_t number, uint64_t value);

/* ---- time ---- */

/* A machine without a clock has the instructions it has run. */
uint64_t x86_ticks(const struct x86_core *c)
{
    if (!c->vcpu.clock)
        return c->vcpu.icount;
    return clock_scale(clock_now(c->vcpu.clock), c->tsc_hz, 1000000000);
}

static bool tsc_read(struct x86_core *c, uint32_t number, uint64_t *value)
{
    (void)number;
    *value = x86_ticks(c) + c->s.tsc_offset;
    return true;
}

/* A write of either register is one of the other by the same difference (SDM vol. 3, 18.17.3). */
static bool tsc_write(struct x86_core *c, uint32_t number, uint64_t value)
{
    (void)number;
    uint64_t difference = value - (x86_ticks(c) + c->s.tsc_offset);
    c->s.tsc_offset += difference;
    c->s.tsc_adjust += difference;
    x86_system_time_update(c);
    return true;
}

static bool tsc_adjust_read(struct x86_core *c, uint32_t number, uint64_t *value)
{
    (void)number;
    *value = c->s.tsc_adjust;
    return true;
}

static bool tsc_adjust_write(struct x86_core *c, uint32_t number, uint64_t value)
{
    (void)number;
    c->s.tsc_offset += value - c->s.tsc_adjust;
    c->s.tsc_adjust = value;
    x86_system_time_update(c);
    return true;
}

/* ---- the local APIC's, which the board has ---- */

static bool apic_base_read(struct x86_core *c, uint32_t number, uint64_t *value)
{
    (void)number;
    if (!c->hooks.apic_base_get)
        return false;
    *value = c->hooks.apic_base_get(c->hooks.opaque);
    return true;
}

static bool sysenter_cs_read(struct x86_core *c, uint32_t number, uint64_t *value)
{
    (void)number;
    *value = c->s.sysenter_cs;
    return true;
}

/* Only a selector is used; the rest is not reserved. */
static bool sysenter_cs_write(struct x86_core *c, uint32_t number, uint64_t value)
{
    (void)number;
    c->s.sysenter_cs = (uint32_t)value;
    return true;
}

static bool apic_base_write(struct x86_core *c, uint32_t number, uint64_t value)
{
    (void)number;
    return c->hooks.apic_base_set && c->hooks.apic_base_set(c->hooks.opaque, value);
}

static bool apic_read(struct x86_core *c, uint32_t number, uint64_t *value)
{
    return c->hooks.apic_msr_read && c->hooks.apic_msr_read(c->hooks.opaque, number, value);
}

static bool apic_write(struct x86_core *c, uint32_t number, uint64_t value)
{
    return c->hooks.apic_msr_write && c->hooks.apic_msr_write(c->hooks.opaque, number, value);
}

/* ---- small ones ---- */

static bool ignore_write(struct x86_core *c, uint32_t number, uint64_t value)
{
    (void)c, (void)number, (void)value;
    return true;
}

static bool pred_cmd_write(struct x86_core *c, uint32_t number, uint64_t value)
{
    (void)c, (void)number;
    return !(value & ~(uint64_t)1);
}

/* The microcode's revision. */
static bool bios_sign_read(struct x86_core *c, uint32_t number, uint64_t *value)
{
    (void)c, (void)number;
    *value = (uint64_t)1 << 32;
    return true;
}

/* Fast strings; no branch trace, no PEBS. */
#define MISC_ENABLE_FIXED    (BIT(11) | BIT(12))
#define MISC_ENABLE_WRITABLE (BIT(0) | BIT(3) | BIT(16) | BIT(18) | BIT(22) | BIT(23) | BIT(34))

static bool misc_enable_read(struct x86_core *c, uint32_t number, uint64_t *value)
{
    (void)number;
    *value = c->s.misc_enable | MISC_ENABLE_FIXED;
    return true;
}

static bool misc_enable_write(struct x86_core *c, uint32_t number, uint64_t value)
{
    (void)number;
    c->s.misc_enable = value & MISC_ENABLE_WRITABLE;
    return true;
}

static bool efer_read(struct x86_core *c, uint32_t number, uint64_t *value)
{
    (void)number;
    *value = c->s.efer;
    return true;
}

static bool x86_efer_msr_write(struct x86_core *c, uint32_t number, uint64_t value)
{
    (void)number;
    return x86_efer_write(c, value);
}

/* ---- memory types: kept, and without effect where there are no caches ---- */

/* Each byte one of the types `valid` has a bit for. */
static bool types_valid(uint64_t value, unsigned valid)
{
    for (unsigned n = 0; n < 8; n++) {
        unsigned type = value >> (8 * n) & 0xff;
        if (type > 7 || !(valid >> type & 1))
            return false;
    }
    return true;
}

#define TYPES_MTRR 0x73u /* UC, WC, WT, WP, WB */
#define TYPES_PAT  0xf3u /* and UC- */

static bool pat_read(struct x86_core *c, uint32_t number, uint64_t *value)
{
    (void)number;
    *value = c->s.pat;
    return true;
}

static bool pat_write(struct x86_core *c, uint32_t number, uint64_t value)
{
    (void)number;
    if (!types_valid(value, TYPES_PAT))
        return false;
    c->s.pat = value;
    return true;
}

static unsigned mtrr_fixed_index(uint32_t number)
{
    return number == 0x250 ? 0 : number < 0x260 ? number - 0x257 : number - 0x265;
}

static bool mtrr_fixed_read(struct x86_core *c, uint32_t number, uint64_t *value)
{
    *value = c->s.mtrr_fixed[mtrr_fixed_index(number)];
    return true;
}

static bool mtrr_fixed_write(struct x86_core *c, uint32_t number, uint64_t value)
{
    if (!types_valid(value, TYPES_MTRR))
        return false;
    c->s.mtrr_fixed[mtrr_fixed_index(number)] = value;
    return true;
}

static bool mtrr_def_type_read(struct x86_core *c, uint32_t number, uint64_t *value)
{
    (void)number;
    *value = c->s.mtrr_def_type;
    return true;
}

static bool mtrr_def_type_write(struct x86_core *c, uint32_t number, uint64_t value)
{
    (void)number;
    if (value & ~(uint64_t)0xcff || (value & 0xff) > 7 || !(TYPES_MTRR >> (value & 0xff) & 1))
        return false;
    c->s.mtrr_def_type = value;
    return true;
}

/* ---- the table ---- */

enum msr_kind {
    MSR_IS_CONST,
    MSR_IS_FIELD,
    MSR_IS_ADDRESS,
    MSR_IS_CALL,
    MSR_IS_ARRAY,
};

struct msr {
    uint32_t number;
    uint16_t offset;
    uint8_t count, step, kind, feature;
    uint64_t value; /* or the bits that may be written */
    msr_read *read;
    msr_write *write;
};

#define MSR_CONST(n, name, v, f)                                                                             \
    {.number = n, .count = 1, .kind = MSR_IS_CONST, .feature = FEAT_##f, .value = v},
#define MSR_FIELD(n, name, field, valid, f)                                                                  \
    {.number = n,                                                                                            \
     .count = 1,                                                                                             \
     .kind = MSR_IS_FIELD,                                                                                   \
     .feature = FEAT_##f,                                                                                    \
     .value = valid,                                                                                         \
     .offset = offsetof(struct x86_state, field)},
#define MSR_ADDRESS(n, name, field, f)                                                                       \
    {.number = n,                                                                                            \
     .count = 1,                                                                                             \
     .kind = MSR_IS_ADDRESS,                                                                                 \
     .feature = FEAT_##f,                                                                                    \
     .value = ~(uint64_t)0,                                                                                  \
     .offset = offsetof(struct x86_state, field)},
#define MSR_CALL(n, name, r, w, f)                                                                           \
    {.number = n, .count = 1, .kind = MSR_IS_CALL, .feature = FEAT_##f, .read = r, .write = w},
#define MSR_ARRAY(n, c, s, name, field, valid, f)                                                            \
    {.number = n,                                                                                            \
     .count = c,                                                                                             \
     .step = s,                                                                                              \
     .kind = MSR_IS_ARRAY,                                                                                   \
     .feature = FEAT_##f,                                                                                    \
     .value = valid,                                                                                         \
     .offset = offsetof(struct x86_state, field)},
static const struct msr msrs[] = {
#include "cpu/x86_64/msrs.def"
};
#undef MSR_CONST
#undef MSR_FIELD
#undef MSR_ADDRESS
#undef MSR_CALL
#undef MSR_ARRAY

static const struct msr *msr_find(const struct x86_core *c, uint32_t number)
{
    for (unsigned n = 0; n < ARRAY_LEN(msrs); n++) {
        const struct msr *msr = &msrs[n];
        uint32_t from = number - msr->number;
        bool hit = msr->count == 1 ? from == 0 : from % msr->step == 0 && from / msr->step < msr->count;
        if (hit && x86_has(c, msr->feature))
            return msr;
    }
    return NULL;
}

static uint64_t *msr_field(struct x86_core *c, const struct msr *msr, uint32_t number)
{
    unsigned index = msr->count == 1 ? 0 : (number - msr->number) / msr->step;
    return (uint64_t *)(void *)((uint8_t *)&c->s + msr->offset) + index;
}

/*
 * Registers of machine-check banks that don't take any value: status takes zero, which clears it, and control
 * all zeroes or all ones (SDM vol. 3, 16.3.2.1 and 16.3.2.2). What is in the address and miscellaneous ones
 * is for software; processors let it write them as they are, so that it can try its handler.
 */
static uint64_t *mc_register(struct x86_core *c, uint32_t number)
{
    unsigned bank = (number - 0x400) / 4, which = number & 3;
    if (number < 0x400 || bank >= X86_MC_BANKS || which > 1 || !x86_has(c, FEAT_MCA))
        return NULL;
    return which == 0 ? &c->s.mc_ctl[bank] : &c->s.mc_status[bank];
}

static bool mc_valid(uint32_t number, uint64_t value)
{
    return value == 0 || ((number & 3) == 0 && value == ~(uint64_t)0);
}

static bool is_x2apic(const struct x86_core *c, uint32_t number)
{
    return number >= 0x800 && number <= 0x8ff && x86_has(c, FEAT_X2APIC);
}

static bool lookup_read(struct x86_core *c, uint32_t number, uint64_t *value)
{
    const uint64_t *mc = mc_register(c, number);
    const struct msr *msr = msr_find(c, number);
    if (is_x2apic(c, number))
        return apic_read(c, number, value);
    if (mc) {
        *value = *mc;
        return true;
    }
    if (!msr)
        return false;
    if (msr->kind == MSR_IS_CALL)
        return msr->read && msr->read(c, number, value);
    *value = msr->kind == MSR_IS_CONST ? msr->value : *msr_field(c, msr, number);
    return true;
}

static bool lookup_write(struct x86_core *c, uint32_t number, uint64_t value)
{
    uint64_t *mc = mc_register(c, number);
    const struct msr *msr = msr_find(c, number);
    if (is_x2apic(c, number))
        return apic_write(c, number, value);
    if (mc) {
        *mc = mc_valid(number, value) ? value : *mc;
        return mc_valid(number, value);
    }
    if (!msr || msr->kind == MSR_IS_CONST)
        return false;
    if (msr->kind == MSR_IS_CALL)
        return msr->write && msr->write(c, number, value);
    if (value & ~msr->value || (msr->kind == MSR_IS_ADDRESS && !x86_canonical_base(c, value)))
        return false;
    *msr_field(c, msr, number) = value;
    x86_resync(c);
    return true;
}

bool x86_msr_read(struct x86_core *c, uint32_t number, uint64_t *value)
{
    if (lookup_read(c, number, value))
        return true;
    if (trace_on(TRACE_EXC))
        trace_line(TRACE_EXC, (int)c->vcpu.index, "no MSR %#x to read", number);
    return x86_fault_gp(c, 0);
}

bool x86_msr_write(struct x86_core *c, uint32_t number, uint64_t value)
{
    if (lookup_write(c, number, value))
        return true;
    if (trace_on(TRACE_EXC))
        trace_line(TRACE_EXC, (int)c->vcpu.index, "MSR %#x does not take %#llx", number,
                   (unsigned long long)value);
    return x86_fault_gp(c, 0);
}
