/* FPCR and FPSR. */
#include "cpu/aarch64/sysreg.h"

/* AHP, DN, FZ, RMode; FZ16 with half-precision arithmetic. */
#define FPCR_WRITABLE 0x07c00000u
#define FPCR_FZ16     BIT(19)
/* QC, and the cumulative exception flags. */
#define FPSR_WRITABLE 0x0800009fu

SYSREG_READER(a64_read_fpcr)
{
    (void)r;
    return c->s.fpcr;
}

SYSREG_WRITER(a64_write_fpcr)
{
    (void)r;
    uint64_t writable = FPCR_WRITABLE | (aarch64_has(c, FEAT_FP16) ? FPCR_FZ16 : 0);
    c->s.fpcr = (uint32_t)(value & writable);
    return true;
}

SYSREG_READER(a64_read_fpsr)
{
    (void)r;
    return c->s.fpsr;
}

SYSREG_WRITER(a64_write_fpsr)
{
    (void)r;
    c->s.fpsr = (uint32_t)value & FPSR_WRITABLE;
    return true;
}
