/* Hart state management and system suspend (SBI 2.0, chapters 9 and 13). */
#include "machine/sbi/sbi_private.h"

#define SUSPEND_RETENTIVE     0x00000000u
#define SUSPEND_NON_RETENTIVE 0x80000000u
#define SUSPEND_TO_RAM        0u

static uint32_t hart_state_get(const struct sbi_hart *hart)
{
    return __atomic_load_n(&hart->state, __ATOMIC_ACQUIRE);
}

static void hart_state_put(struct sbi_hart *hart, enum sbi_hart_state state)
{
    __atomic_store_n(&hart->state, state, __ATOMIC_RELEASE);
}

/* What a starting hart is to do; it lives as long as the call. */
struct start {
    struct sbi_hart *hart;
    uint64_t pc, opaque;
};

static void hart_start(struct vcpu *vcpu, void *arg)
{
    const struct start *start = arg;
    riscv_hart_start(vcpu, start->pc, start->opaque);
    hart_state_put(start->hart, SBI_HART_STARTED);
}

static struct sbi_result start_call(struct sbi_args *call)
{
    struct sbi *sbi = call->sbi;
    if (call->a[0] >= sbi->hart_count)
        return sbi_fail(SBI_ERR_INVALID_PARAM);
    struct sbi_hart *hart = &sbi->harts[call->a[0]];
    uint32_t stopped = SBI_HART_STOPPED;
    if (!sbi_address_ok(sbi, call->a[1]))
        return sbi_fail(SBI_ERR_INVALID_ADDRESS);
    if (!__atomic_compare_exchange_n(&hart->state, &stopped, SBI_HART_START_PENDING, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE))
        return sbi_fail(SBI_ERR_ALREADY_AVAILABLE);
    struct start start = {.hart = hart, .pc = call->a[1], .opaque = call->a[2]};
    vcpu_call(hart->vcpu, call->hart->vcpu, hart_start, &start, true);
    vcpu_kick(hart->vcpu);
    return sbi_return(0);
}

static struct sbi_result stop_call(struct sbi_args *call)
{
    riscv_hart_stop(call->hart->vcpu);
    call->replaced = true;
    /* From here on another hart may start this one. */
    hart_state_put(call->hart, SBI_HART_STOPPED);
    return sbi_return(0);
}

/* A suspended hart wakes without a call to here: it is known by its not being suspended any more. */
static struct sbi_result status_call(struct sbi_args *call)
{
    if (call->a[0] >= call->sbi->hart_count)
        return sbi_fail(SBI_ERR_INVALID_PARAM);
    struct sbi_hart *hart = &call->sbi->harts[call->a[0]];
    uint32_t state = hart_state_get(hart);
    if (state == SBI_HART_SUSPENDED && riscv_state(hart->vcpu)->waiting != WAIT_SUSPENDED)
        state = SBI_HART_STARTED;
    return sbi_return(state);
}

static void suspend(struct sbi_args *call)
{
    riscv_hart_suspend(call->hart->vcpu);
    hart_state_put(call->hart, SBI_HART_SUSPENDED);
}

/* Then go on at `pc` as a hart that starts. */
static void suspend_resume_at(struct sbi_args *call, uint64_t pc, uint64_t opaque)
{
    riscv_hart_resume_at(call->hart->vcpu, pc, opaque);
    call->replaced = true;
    suspend(call);
}

static struct sbi_result suspend_call(struct sbi_args *call)
{
    uint32_t type = (uint32_t)call->a[0];
    if (type == SUSPEND_NON_RETENTIVE) {
        if (!sbi_address_ok(call->sbi, call->a[1]))
            return sbi_fail(SBI_ERR_INVALID_ADDRESS);
        suspend_resume_at(call, call->a[1], call->a[2]);
    } else if (type == SUSPEND_RETENTIVE) {
        suspend(call);
    } else {
        bool platform = (type & ~SUSPEND_NON_RETENTIVE) >= 0x10000000;
        return sbi_fail(platform ? SBI_ERR_NOT_SUPPORTED : SBI_ERR_INVALID_PARAM);
    }
    return sbi_return(0);
}

struct sbi_result sbi_hsm(struct sbi_args *call)
{
    /* Who makes a call is awake. */
    hart_state_put(call->hart, SBI_HART_STARTED);
    switch (call->function) {
    case 0: return start_call(call);
    case 1: return stop_call(call);
    case 2: return status_call(call);
    case 3: return suspend_call(call);
    default: return sbi_fail(SBI_ERR_NOT_SUPPORTED);
    }
}

struct sbi_result sbi_suspend(struct sbi_args *call)
{
    uint32_t type = (uint32_t)call->a[0];
    if (call->function != 0)
        return sbi_fail(SBI_ERR_NOT_SUPPORTED);
    if (type != SUSPEND_TO_RAM)
        return sbi_fail(type >> 31 ? SBI_ERR_NOT_SUPPORTED : SBI_ERR_INVALID_PARAM);
    if (!sbi_address_ok(call->sbi, call->a[1]))
        return sbi_fail(SBI_ERR_INVALID_ADDRESS);
    for (unsigned i = 0; i < call->sbi->hart_count; i++) {
        struct sbi_hart *hart = &call->sbi->harts[i];
        if (hart != call->hart && hart_state_get(hart) != SBI_HART_STOPPED)
            return sbi_fail(SBI_ERR_DENIED);
    }
    suspend_resume_at(call, call->a[1], call->a[2]);
    return sbi_return(0);
}

void sbi_boot(struct sbi *sbi, uint64_t pc, uint64_t opaque)
{
    for (unsigned i = 0; i < sbi->hart_count; i++) {
        struct sbi_hart *hart = &sbi->harts[i];
        *hart = (struct sbi_hart){.vcpu = hart->vcpu, .state = i ? SBI_HART_STOPPED : SBI_HART_STARTED};
        if (i)
            riscv_hart_stop(hart->vcpu);
        else
            riscv_hart_start(hart->vcpu, pc, opaque);
    }
}
