/* FPCR, FPSR and the floating-point environment. */
#include "cpu/aarch64/fpcr.h"

#include "cpu/aarch64/sysreg.h"

/* cpu/fp's flags and FPSR's bits. */
static const struct {
    uint8_t flag, bit;
} flags[] = {
    {FP_INVALID, FPSR_IOC},   {FP_DIVBYZERO, FPSR_DZC}, {FP_OVERFLOW, FPSR_OFC},
    {FP_UNDERFLOW, FPSR_UFC}, {FP_INEXACT, FPSR_IXC},   {FP_INPUT_FLUSHED, FPSR_IDC},
};

static uint32_t flags_to_fpsr(uint8_t raised)
{
    uint32_t fpsr = 0;
    for (size_t n = 0; n < ARRAY_LEN(flags); n++)
        fpsr |= raised & flags[n].flag ? flags[n].bit : 0;
    return fpsr;
}

static uint8_t flags_of_fpsr(uint32_t fpsr)
{
    uint8_t raised = 0;
    for (size_t n = 0; n < ARRAY_LEN(flags); n++)
        raised |= fpsr & flags[n].bit ? flags[n].flag : 0;
    return raised;
}

/* The environment but its flags as FPCR says. */
static void env_set(struct aarch64_core *c)
{
    static const uint8_t rounds[4] = {FP_RNE, FP_RUP, FP_RDN, FP_RTZ};
    uint32_t fpcr = c->s.fpcr;
    uint8_t raised = c->fp.flags;
    c->fp = fp_env_arm;
    c->fp.flags = raised;
    c->fp.round = rounds[fpcr >> FPCR_RMODE_SHIFT & 3];
    c->fp.denormals = (uint8_t)((fpcr & FPCR_FZ ? FP_FLUSH_INPUTS | FP_FLUSH_OUTPUTS : 0) |
                                (fpcr & FPCR_FZ16 ? FP_FLUSH_F16 : 0));
    c->fp.nan_rule = fpcr & FPCR_DN ? FP_NAN_DEFAULT : FP_NAN_ARM;
    c->fp.half_alternative = fpcr & FPCR_AHP;
}

void aarch64_fp_enter(struct aarch64_core *c)
{
    c->fp.flags = flags_of_fpsr(c->s.fpsr);
    env_set(c);
}

void aarch64_fp_leave(struct aarch64_core *c)
{
    c->s.fpsr |= flags_to_fpsr(c->fp.flags);
}

SYSREG_READER(a64_read_fpcr)
{
    (void)r;
    return c->s.fpcr;
}

SYSREG_WRITER(a64_write_fpcr)
{
    (void)r;
    uint32_t mask = FPCR_AHP | FPCR_DN | FPCR_FZ | 3u << FPCR_RMODE_SHIFT;
    if (aarch64_has(c, FEAT_FP16))
        mask |= FPCR_FZ16;
    c->s.fpcr = (uint32_t)value & mask;
    env_set(c);
    return true;
}

SYSREG_READER(a64_read_fpsr)
{
    (void)r;
    return c->s.fpsr | (c->running ? flags_to_fpsr(c->fp.flags) : 0);
}

SYSREG_WRITER(a64_write_fpsr)
{
    (void)r;
    c->s.fpsr = (uint32_t)value & FPSR_WRITABLE;
    c->fp.flags = flags_of_fpsr(c->s.fpsr);
    return true;
}
