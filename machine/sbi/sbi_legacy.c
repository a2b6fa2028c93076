/* The legacy extensions (SBI 2.0, chapter 5), which older kernels and small programs use. */
#include "base/bits.h"
#include "machine/sbi/sbi_private.h"

enum legacy {
    LEGACY_SET_TIMER,
    LEGACY_PUTCHAR,
    LEGACY_GETCHAR,
    LEGACY_CLEAR_IPI,
    LEGACY_SEND_IPI,
    LEGACY_REMOTE_FENCE_I,
    LEGACY_REMOTE_SFENCE_VMA,
    LEGACY_REMOTE_SFENCE_VMA_ASID,
    LEGACY_SHUTDOWN,
};

#define MIP_SSIP ((uint64_t)1 << INT_SSI)

/* The mask of harts is in the caller's virtual memory; a null pointer means all. False: it can't be read. */
static bool mask_load(struct sbi_args *call, uint64_t address, uint64_t *mask, uint64_t *base)
{
    struct vcpu *vcpu = call->hart->vcpu;
    uint8_t bytes[8];
    *mask = 0;
    *base = address ? 0 : UINT64_MAX;
    if (!address)
        return true;
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        struct translation at = vcpu->ops->translate(vcpu, gva(address + i), WALK_READ);
        if (!at.ok || !ram_read(vcpu->mem->ram, at.pa, &bytes[i], 1))
            return false;
    }
    *mask = le64_load(bytes);
    return true;
}

/* The same as a call of the extension that took its place: mask and base first, then what followed the mask.
 */
static uint64_t masked_call(struct sbi_args *call, sbi_handler *handler, uint64_t function)
{
    struct sbi_args now = {.sbi = call->sbi, .hart = call->hart, .function = function};
    if (!mask_load(call, call->a[0], &now.a[0], &now.a[1]))
        return (uint64_t)SBI_ERR_INVALID_ADDRESS;
    for (unsigned i = 2; i < ARRAY_LEN(now.a); i++)
        now.a[i] = call->a[i - 1];
    return (uint64_t)handler(&now).error;
}

uint64_t sbi_legacy(struct sbi_args *call, uint64_t extension)
{
    struct vcpu *vcpu = call->hart->vcpu;
    call->function = 0;
    switch ((enum legacy)extension) {
    case LEGACY_SET_TIMER: return (uint64_t)sbi_time(call).error;
    case LEGACY_PUTCHAR:
        if (!sbi_console_put(call->sbi, (uint8_t)call->a[0]))
            sbi_call_again(call);
        return 0;
    case LEGACY_GETCHAR: return (uint64_t)(int64_t)sbi_console_get(call->sbi);
    case LEGACY_CLEAR_IPI: __atomic_and_fetch(&riscv_state(vcpu)->mip, ~MIP_SSIP, __ATOMIC_RELAXED); return 0;
    case LEGACY_SEND_IPI: return masked_call(call, sbi_ipi, 0);
    case LEGACY_REMOTE_FENCE_I: return masked_call(call, sbi_rfence, 0);
    case LEGACY_REMOTE_SFENCE_VMA: return masked_call(call, sbi_rfence, 1);
    case LEGACY_REMOTE_SFENCE_VMA_ASID: return masked_call(call, sbi_rfence, 2);
    case LEGACY_SHUTDOWN: call->a[0] = call->a[1] = 0; return (uint64_t)sbi_reset(call).error;
    }
    return (uint64_t)SBI_ERR_NOT_SUPPORTED;
}
