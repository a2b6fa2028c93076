/* Counting why vCPUs leave their guests' code. */
#include "cpu/cpu.h"

/* Only the vCPU's thread writes: no read-modify-write of the host's is needed. */
void vcpu_exit_count(struct vcpu *vcpu, enum exit_reason reason)
{
    __atomic_store_n(&vcpu->exits[reason], vcpu->exits[reason] + 1, __ATOMIC_RELAXED);
}

uint64_t vcpu_exits(const struct vcpu *vcpu, enum exit_reason reason)
{
    return __atomic_load_n(&vcpu->exits[reason], __ATOMIC_RELAXED);
}

const char *exit_reason_name(enum exit_reason reason)
{
    static const char *const names[EXIT_REASON_COUNT] = {[EXIT_KICKED] = "kick",
                                                         [EXIT_INTERRUPT] = "interrupt",
                                                         [EXIT_EXCEPTION] = "exception",
                                                         [EXIT_PIO] = "io",
                                                         [EXIT_MMIO] = "mmio",
                                                         [EXIT_HALT] = "halt",
                                                         [EXIT_SHUTDOWN] = "shutdown",
                                                         [EXIT_HYPERCALL] = "hypercall",
                                                         [EXIT_SEMIHOSTING] = "semihosting",
                                                         [EXIT_DEBUG] = "debug",
                                                         [EXIT_ERROR] = "error"};
    return names[reason];
}

/* --- accesses of memory --- */

static void access_count(struct vcpu *vcpu, gpa_t p)
{
    if (!ram_at(vcpu->mem->ram, p, 1, RAM_READ))
        vcpu_exit_count(vcpu, EXIT_MMIO);
}

bool vcpu_load(struct vcpu *vcpu, gpa_t p, unsigned width, uint64_t *value)
{
    access_count(vcpu, p);
    return physmem_load(vcpu->mem, p, width, value);
}

bool vcpu_store(struct vcpu *vcpu, gpa_t p, unsigned width, uint64_t value)
{
    access_count(vcpu, p);
    return physmem_store(vcpu->mem, p, width, value);
}
