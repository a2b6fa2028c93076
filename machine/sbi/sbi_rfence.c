/* Timer, inter-processor interrupts and remote fences (SBI 2.0, chapters 6 to 8). */
#include "machine/sbi/sbi_private.h"

struct sbi_result sbi_time(struct sbi_args *call)
{
    if (call->function != 0)
        return sbi_fail(SBI_ERR_NOT_SUPPORTED);
    sbi_event_count(call->hart, SBI_EVENT_SET_TIMER);
    riscv_timer_set(call->hart->vcpu, call->a[0]);
    return sbi_return(0);
}

/* The line sets the pending bit on its rising edge: two senders must not overlap. */
static void ipi_send(struct sbi_args *call, struct sbi_hart *to)
{
    struct vcpu *vcpu = to->vcpu;
    struct host_mutex *lock = &call->sbi->config.run->machine.lock;
    sbi_event_count(call->hart, SBI_EVENT_IPI_SENT);
    sbi_event_count(to, SBI_EVENT_IPI_RECEIVED);
    host_mutex_lock(lock);
    vcpu->ops->irq_set(vcpu, RISCV_LINE_SSI, true);
    vcpu->ops->irq_set(vcpu, RISCV_LINE_SSI, false);
    host_mutex_unlock(lock);
}

struct sbi_result sbi_ipi(struct sbi_args *call)
{
    if (call->function != 0)
        return sbi_fail(SBI_ERR_NOT_SUPPORTED);
    return sbi_each_hart(call, call->a[0], call->a[1], ipi_send);
}

/* A fence as it is handed to a hart; lives until the hart has done it. */
struct fence {
    uint64_t start, size;
    int64_t asid;
};

/* Stores drop the code decoded from them at once; that the hart has left its block is the fence. */
static void fence_i_do(struct vcpu *vcpu, void *arg)
{
    (void)vcpu;
    (void)arg;
}

static void fence_vma_do(struct vcpu *vcpu, void *arg)
{
    const struct fence *fence = arg;
    riscv_fence_vma(vcpu, fence->start, fence->size, fence->asid);
}

static void fence_i(struct sbi_args *call, struct sbi_hart *hart)
{
    sbi_event_count(call->hart, SBI_EVENT_FENCE_I_SENT);
    sbi_event_count(hart, SBI_EVENT_FENCE_I_RECEIVED);
    vcpu_call(hart->vcpu, call->hart->vcpu, fence_i_do, NULL, true);
}

static void fence_send(struct sbi_args *call, struct sbi_hart *hart, int64_t asid)
{
    struct fence fence = {.start = call->a[2], .size = call->a[3], .asid = asid};
    if (fence.start == 0 && fence.size == 0)
        fence.size = UINT64_MAX;
    vcpu_call(hart->vcpu, call->hart->vcpu, fence_vma_do, &fence, true);
}

static void sfence_vma(struct sbi_args *call, struct sbi_hart *hart)
{
    sbi_event_count(call->hart, SBI_EVENT_SFENCE_SENT);
    sbi_event_count(hart, SBI_EVENT_SFENCE_RECEIVED);
    fence_send(call, hart, -1);
}

static void sfence_vma_asid(struct sbi_args *call, struct sbi_hart *hart)
{
    sbi_event_count(call->hart, SBI_EVENT_SFENCE_ASID_SENT);
    sbi_event_count(hart, SBI_EVENT_SFENCE_ASID_RECEIVED);
    fence_send(call, hart, (int64_t)(call->a[4] & 0xffff));
}

struct sbi_result sbi_rfence(struct sbi_args *call)
{
    uint64_t mask = call->a[0], base = call->a[1];
    switch (call->function) {
    case 0: return sbi_each_hart(call, mask, base, fence_i);
    case 1: return sbi_each_hart(call, mask, base, sfence_vma);
    case 2: return sbi_each_hart(call, mask, base, sfence_vma_asid);
    default: return sbi_fail(SBI_ERR_NOT_SUPPORTED); /* those for the hypervisor extension */
    }
}
