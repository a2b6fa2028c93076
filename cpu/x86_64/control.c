#include "cpu/x86_64/control.h"

#include "base/bits.h"
#include "cpu/x86_64/mmu.h"
#include "cpu/x86_64/segment.h"

/* ---- CR0 ---- */

static bool long_mode_enter(struct x86_core *c)
{
    uint16_t tr = c->s.seg[TR].attributes;
    if (!(c->s.cr4 & CR4_PAE) || c->s.seg[CS].attributes & SEG_L)
        return x86_fault_gp(c, 0);
    /* There are no 286 task states in long mode. */
    if (tr & SEG_P && !(tr & 8))
        return x86_fault_gp(c, 0);
    c->s.efer |= EFER_LMA;
    return true;
}

static bool paging_change(struct x86_core *c, uint64_t value)
{
    if (value & CR0_PG && c->s.efer & EFER_LME)
        return long_mode_enter(c);
    if (!(value & CR0_PG) && c->s.efer & EFER_LMA) {
        if (c->mode & MODE_64 || c->s.cr4 & CR4_PCIDE)
            return x86_fault_gp(c, 0);
        c->s.efer &= ~EFER_LMA;
    }
    return true;
}

static bool pdptes_needed(const struct x86_core *c, uint64_t cr0, uint64_t cr4)
{
    return cr0 & CR0_PG && cr4 & CR4_PAE && !(c->s.efer & EFER_LME);
}

bool x86_cr0_valid(uint64_t value)
{
    return !(value >> 32 || (value & CR0_PG && !(value & CR0_PE)) || (value & CR0_NW && !(value & CR0_CD)));
}

bool x86_cr0_write(struct x86_core *c, uint64_t value)
{
    uint64_t changed;
    if (!x86_cr0_valid(value))
        return x86_fault_gp(c, 0);
    value = (value & CR0_ALL) | CR0_ET;
    changed = value ^ c->s.cr0;
    if (changed & (CR0_PG | CR0_CD | CR0_NW) && pdptes_needed(c, value, c->s.cr4) &&
        !x86_pdptes_load(c, c->s.cr3))
        return false;
    if (changed & CR0_PG && !paging_change(c, value))
        return false;
    c->s.cr0 = value;
    if (changed & (CR0_PG | CR0_PE | CR0_WP))
        x86_flush_all(c);
    x86_resync(c);
    return true;
}

/* ---- CR3 ---- */

bool x86_cr3_write(struct x86_core *c, uint64_t value)
{
    bool pcide = c->s.cr4 & CR4_PCIDE, keep = pcide && value & CR3_NOFLUSH;
    if (pcide)
        value &= ~CR3_NOFLUSH;
    if (x86_long_mode(c) && value >> c->model.physical_bits)
        return x86_fault_gp(c, 0);
    if (pdptes_needed(c, c->s.cr0, c->s.cr4) && !x86_pdptes_load(c, value))
        return false;
    c->s.cr3 = value;
    if (!keep)
        x86_flush_space(c);
    x86_resync(c);
    return true;
}

/* ---- CR4 ---- */

bool x86_cr4_valid(const struct x86_core *c, uint64_t value)
{
    static const struct {
        uint64_t bits;
        enum x86_feature feature;
    } rows[] = {
        {CR4_VME | CR4_PVI, FEAT_VME}, {CR4_TSD, FEAT_TSC},       {CR4_DE, FEAT_DE},
        {CR4_PSE, FEAT_PSE},           {CR4_PAE, FEAT_PAE},       {CR4_MCE, FEAT_MCE},
        {CR4_PGE, FEAT_PGE},           {CR4_OSFXSR, FEAT_FXSR},   {CR4_OSXMMEXCPT, FEAT_FXSR},
        {CR4_UMIP, FEAT_UMIP},         {CR4_LA57, FEAT_LA57},     {CR4_FSGSBASE, FEAT_FSGSBASE},
        {CR4_PCIDE, FEAT_PCID},        {CR4_OSXSAVE, FEAT_XSAVE}, {CR4_SMEP, FEAT_SMEP},
        {CR4_SMAP, FEAT_SMAP},         {CR4_PKE, FEAT_PKU},
    };
    uint64_t valid = CR4_PCE;
    for (unsigned n = 0; n < ARRAY_LEN(rows); n++)
        valid |= x86_has(c, rows[n].feature) ? rows[n].bits : 0;
    return !(value & ~valid);
}

bool x86_cr4_write(struct x86_core *c, uint64_t value)
{
    uint64_t changed = value ^ c->s.cr4;
    if (!x86_cr4_valid(c, value))
        return x86_fault_gp(c, 0);
    if (x86_long_mode(c) && (!(value & CR4_PAE) || changed & CR4_LA57))
        return x86_fault_gp(c, 0);
    if (changed & value & CR4_PCIDE && (!x86_long_mode(c) || c->s.cr3 & CR3_PCID))
        return x86_fault_gp(c, 0);
    if (changed & (CR4_PAE | CR4_PGE | CR4_PSE | CR4_SMEP) && pdptes_needed(c, c->s.cr0, value) &&
        !x86_pdptes_load(c, c->s.cr3))
        return false;
    c->s.cr4 = value;
    if (changed & (CR4_PSE | CR4_PAE | CR4_PGE | CR4_PCIDE | CR4_LA57 | CR4_SMEP | CR4_SMAP | CR4_PKE))
        x86_flush_all(c);
    x86_resync(c);
    return true;
}

/* ---- EFER, XCR0 ---- */

bool x86_efer_valid(const struct x86_core *c, uint64_t value)
{
    uint64_t valid = EFER_LMA | (x86_has(c, FEAT_SYSCALL) ? EFER_SCE : 0) |
                     (x86_has(c, FEAT_LM) ? EFER_LME : 0) | (x86_has(c, FEAT_NX) ? EFER_NXE : 0);
    return !(value & ~valid);
}

bool x86_efer_write(struct x86_core *c, uint64_t value)
{
    if (!x86_efer_valid(c, value) || ((value ^ c->s.efer) & EFER_LME && c->s.cr0 & CR0_PG))
        return x86_fault_gp(c, 0);
    uint64_t changed = (value ^ c->s.efer) & ~EFER_LMA;
    c->s.efer ^= changed;
    if (changed & EFER_NXE)
        x86_flush_all(c);
    x86_resync(c);
    return true;
}

uint64_t x86_xcr0_valid(const struct x86_core *c)
{
    return XCR0_X87 | (x86_has(c, FEAT_SSE) ? XCR0_SSE : 0) | (x86_has(c, FEAT_AVX) ? XCR0_AVX : 0) |
           (x86_has(c, FEAT_PKU) ? XCR0_PKRU : 0);
}

bool x86_xcr0_write(struct x86_core *c, uint64_t value)
{
    if (value & ~x86_xcr0_valid(c) || !(value & XCR0_X87) || (value & XCR0_AVX && !(value & XCR0_SSE)))
        return x86_fault_gp(c, 0);
    c->s.xcr0 = value;
    x86_resync(c);
    return true;
}
