/* The power state coordination interface. Section numbers are those of DEN0022, issue F. */
#include "machine/psci/psci.h"

#include <stdlib.h>

#include "machine/psci/psci_private.h"

/* 5.2: function identifiers; those with addresses also come with 64-bit arguments. */
enum psci_function {
    PSCI_VERSION = 0x84000000,
    PSCI_CPU_SUSPEND = 0x84000001,
    PSCI_CPU_OFF = 0x84000002,
    PSCI_CPU_ON = 0x84000003,
    PSCI_AFFINITY_INFO = 0x84000004,
    PSCI_MIGRATE_INFO_TYPE = 0x84000006,
    PSCI_SYSTEM_OFF = 0x84000008,
    PSCI_SYSTEM_RESET = 0x84000009,
    PSCI_FEATURES = 0x8400000a,
    PSCI_SYSTEM_SUSPEND = 0x8400000e,
    PSCI_SYSTEM_RESET2 = 0x84000012,
};
#define SMCCC_VERSION 0x80000000u

#define VERSION_1_1        0x10001
#define MIGRATE_NOT_NEEDED 2 /* there is no trusted system that would have to be moved */

/* 5.4.2.1: the original format of power_state. */
#define STATE_POWER_DOWN (1u << 16)
#define STATE_RESERVED   0xfcfe0000u

#define MPIDR_AFFINITY 0xff00ffffffull

bool psci_has(uint32_t function, bool wide)
{
    switch (function) {
    case PSCI_CPU_SUSPEND:
    case PSCI_CPU_ON:
    case PSCI_AFFINITY_INFO:
    case PSCI_SYSTEM_SUSPEND:
    case PSCI_SYSTEM_RESET2: return true;
    case PSCI_VERSION:
    case PSCI_CPU_OFF:
    case PSCI_MIGRATE_INFO_TYPE:
    case PSCI_SYSTEM_OFF:
    case PSCI_SYSTEM_RESET:
    case PSCI_FEATURES: return !wide;
    default: return false;
    }
}

static uint32_t power_get(const struct psci_core *core)
{
    return __atomic_load_n(&core->power, __ATOMIC_ACQUIRE);
}

static void power_put(struct psci_core *core, enum psci_power power)
{
    __atomic_store_n(&core->power, power, __ATOMIC_RELEASE);
}

static struct psci_core *core_find(const struct psci *psci, uint64_t affinity)
{
    for (unsigned i = 0; i < psci->core_count; i++) {
        if ((aarch64_mpidr(psci->cores[i].vcpu) & MPIDR_AFFINITY) == affinity)
            return &psci->cores[i];
    }
    return NULL;
}

/* Whether a core could start executing there. */
static bool entry_ok(const struct psci *psci, uint64_t pc)
{
    return pc % 4 == 0 && ram_at(psci->run->machine.mem.ram, gpa(pc), 4, RAM_READ);
}

/* What a starting core is to do; it lives as long as the call. */
struct start {
    uint64_t pc, context;
};

static void core_start(struct vcpu *vcpu, void *arg)
{
    const struct start *start = arg;
    aarch64_start(vcpu, start->pc, start->context);
}

/* 5.6. Of calls for the same core one succeeds; for the others it is on, as there is nothing that the core
 * could still have to do before it executes. */
static int64_t cpu_on(struct psci_args *call)
{
    struct psci_core *core = core_find(call->psci, call->a[0]);
    uint32_t power = PSCI_OFF;
    if (!core)
        return PSCI_INVALID_PARAMETERS;
    if (!entry_ok(call->psci, call->a[1]))
        return PSCI_INVALID_ADDRESS;
    if (!__atomic_compare_exchange_n(&core->power, &power, PSCI_ON, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE))
        return PSCI_ALREADY_ON;
    struct start start = {.pc = call->a[1], .context = call->a[2]};
    vcpu_call(core->vcpu, call->core->vcpu, core_start, &start, true);
    vcpu_kick(core->vcpu);
    return PSCI_SUCCESS;
}

/* 5.5. */
static int64_t cpu_off(struct psci_args *call)
{
    aarch64_stop(call->core->vcpu);
    call->replaced = true;
    /* From here on another core may start this one. */
    power_put(call->core, PSCI_OFF);
    return PSCI_SUCCESS;
}

/* Wait for an interrupt; with a power-down, then go on at `pc` as a core that starts. */
static int64_t suspend(struct psci_args *call, bool power_down, uint64_t pc, uint64_t context)
{
    if (power_down) {
        if (!entry_ok(call->psci, pc))
            return PSCI_INVALID_ADDRESS;
        aarch64_start(call->core->vcpu, pc, context);
        call->replaced = true;
    }
    aarch64_state(call->core->vcpu)->waiting = 1;
    return PSCI_SUCCESS;
}

/* 5.4. */
static int64_t cpu_suspend(struct psci_args *call)
{
    uint32_t state = (uint32_t)call->a[0];
    if (state & STATE_RESERVED)
        return PSCI_INVALID_PARAMETERS;
    return suspend(call, state & STATE_POWER_DOWN, call->a[1], call->a[2]);
}

/* 5.20: only the last core that is on may call it. */
static int64_t system_suspend(struct psci_args *call)
{
    for (unsigned i = 0; i < call->psci->core_count; i++) {
        const struct psci_core *core = &call->psci->cores[i];
        if (core != call->core && power_get(core) != PSCI_OFF)
            return PSCI_DENIED;
    }
    return suspend(call, true, call->a[0], call->a[1]);
}

/* 5.7: about single cores only, as from version 1.0 on is allowed. */
static int64_t affinity_info(const struct psci_args *call)
{
    const struct psci_core *core = core_find(call->psci, call->a[0]);
    return core && call->a[1] == 0 ? (int64_t)power_get(core) : PSCI_INVALID_PARAMETERS;
}

/* The machine stops before the caller gets to see a result. */
static int64_t request(struct psci_args *call, enum machine_request what)
{
    struct machine *machine = &call->psci->run->machine;
    host_mutex_lock(&machine->lock);
    machine->request(machine, what, 0);
    host_mutex_unlock(&machine->lock);
    return PSCI_SUCCESS;
}

/* 5.13: the architectural reset is the warm one, 0. */
static int64_t system_reset2(struct psci_args *call)
{
    return (uint32_t)call->a[0] == 0 ? request(call, MACHINE_RESET) : PSCI_INVALID_PARAMETERS;
}

static int64_t features(const struct psci_args *call)
{
    uint32_t asked = (uint32_t)call->a[0];
    bool there = asked == SMCCC_VERSION || psci_has(asked & ~(1u << 30), asked >> 30 & 1);
    return there ? PSCI_SUCCESS : PSCI_NOT_SUPPORTED;
}

int64_t psci_function(struct psci_args *call)
{
    switch ((enum psci_function)call->function) {
    case PSCI_VERSION: return VERSION_1_1;
    case PSCI_CPU_SUSPEND: return cpu_suspend(call);
    case PSCI_CPU_OFF: return cpu_off(call);
    case PSCI_CPU_ON: return cpu_on(call);
    case PSCI_AFFINITY_INFO: return affinity_info(call);
    case PSCI_MIGRATE_INFO_TYPE: return MIGRATE_NOT_NEEDED;
    case PSCI_SYSTEM_OFF: return request(call, MACHINE_POWER_OFF);
    case PSCI_SYSTEM_RESET: return request(call, MACHINE_RESET);
    case PSCI_FEATURES: return features(call);
    case PSCI_SYSTEM_SUSPEND: return system_suspend(call);
    case PSCI_SYSTEM_RESET2: return system_reset2(call);
    }
    return PSCI_NOT_SUPPORTED;
}

struct psci *psci_create(struct machine_run *run, bool random)
{
    struct psci *psci = machine_alloc(sizeof(*psci));
    psci->run = run;
    psci->random = random;
    psci->core_count = run->vcpu_count;
    psci->cores = machine_alloc(psci->core_count * sizeof(*psci->cores));
    for (unsigned i = 0; i < psci->core_count; i++)
        psci->cores[i].vcpu = run->vcpus[i];
    return psci;
}

void psci_destroy(struct psci *psci)
{
    if (!psci)
        return;
    free(psci->cores);
    free(psci);
}

void psci_boot(struct psci *psci, uint64_t pc, uint64_t context)
{
    for (unsigned i = 0; i < psci->core_count; i++) {
        struct psci_core *core = &psci->cores[i];
        core->power = i ? PSCI_OFF : PSCI_ON;
        if (i)
            aarch64_stop(core->vcpu);
        else
            aarch64_start(core->vcpu, pc, context);
    }
}
