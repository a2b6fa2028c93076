/* MXCSR as an fp_env, and the exceptions it unmasks. */
#include "cpu/x86_64/sse_float.h"

static unsigned reversed(unsigned flags)
{
    return (flags & 1) << 5 | (flags & 2) << 3 | (flags & 4) << 1 | (flags & 8) >> 1 | (flags & 16) >> 3 |
           (flags & 32) >> 5;
}

/* FP_DENORMAL is out of place: above FP_INVALID. */
unsigned x86_flags_of_fp(unsigned fp)
{
    unsigned flags = reversed((fp & 0x0f) | (fp & FP_INVALID) << 1 | (fp & FP_DENORMAL) >> 1);
    return flags;
}

unsigned x86_fp_of_flags(unsigned flags)
{
    unsigned fp = reversed(flags);
    return (fp & 0x0f) | (fp & 0x20) >> 1 | (fp & 0x10) << 1;
}

void sse_env_make(struct x86_core *c)
{
    uint32_t mxcsr = c->s.mxcsr;
    unsigned unmasked = ~mxcsr >> MXCSR_MASK_SHIFT & MXCSR_FLAGS;
    c->sse_env = fp_env_sse;
    c->sse_env.round = x86_round(mxcsr >> MXCSR_RC_SHIFT);
    c->sse_env.unmasked = (uint8_t)x86_fp_of_flags(unmasked);
    if (mxcsr & MXCSR_DAZ)
        c->sse_env.denormals |= FP_FLUSH_INPUTS;
    /* SDM vol. 1, 10.2.3.3: only with underflow masked. */
    if (mxcsr & MXCSR_FTZ && !(c->sse_env.unmasked & FP_UNDERFLOW))
        c->sse_env.denormals |= FP_FLUSH_OUTPUTS;
    c->sse_flags = unmasked ? 0 : (uint8_t)x86_fp_of_flags(mxcsr & MXCSR_FLAGS);
    c->sse_env.flags = c->sse_flags;
    c->sse_mxcsr = mxcsr | SSE_ENV_MADE;
}

/*
 * SDM vol. 1, 11.5.2 and 11.5.3: what is known of all lanes before they are computed comes first; if that
 * raises an unmasked exception nothing is known of results.
 */
bool sse_flags_raise(struct x86_core *c)
{
    unsigned flags = x86_flags_of_fp(c->sse_env.flags);
    unsigned unmasked = flags & ~c->s.mxcsr >> MXCSR_MASK_SHIFT & MXCSR_FLAGS;
    if (unmasked & MXCSR_BEFORE)
        flags &= MXCSR_BEFORE;
    c->s.mxcsr |= flags;
    sse_env_make(c);
    if (likely(!unmasked))
        return true;
    return x86_fault(c, c->s.cr4 & CR4_OSXMMEXCPT ? EXC_XM : EXC_UD);
}

/* ---- MXCSR itself ---- */

X86_DO(ldmxcsr)
{
    if (!x86_helper_load(c, i, 4, 1))
        return false;
    if (c->operand.d[0] >> 16)
        return x86_fault_gp(c, 0);
    c->s.mxcsr = c->operand.d[0];
    return true;
}
X86_HELPER(ldmxcsr)

X86_DO(stmxcsr)
{
    c->operand.d[0] = c->s.mxcsr;
    return x86_helper_store(c, i, 4, 1);
}
X86_HELPER(stmxcsr)
