/*
 * The paravirtual clock: a structure in the guest's memory says what time it was at a value of the time-stamp
 * counter and how fast that counts, so that the guest reads the time without leaving its code. It is written
 * anew only when the counter jumps. A reader takes it for complete when it finds the same even version before
 * and after; so the version is odd while the rest is written.
 */
#include "cpu/x86_64/paravirtual.h"

#include "base/bits.h"

#define NS_PER_SECOND 1000000000ull

/* msr.rst: struct pvclock_wall_clock and struct pvclock_vcpu_time_info. */
enum {
    WALL_SECONDS = 4,
    WALL_NS = 8,
    WALL_SIZE = 12,
    TIME_TSC = 8,
    TIME_NS = 16,
    TIME_MULTIPLIER = 24,
    TIME_SHIFT = 28,
    TIME_FLAGS = 29,
    TIME_SIZE = 32,
};
#define FLAG_TSC_STABLE 1u /* the counters of all processors agree */
#define TIME_ENABLED    BIT(0)

/* cpuid.rst. */
#define CLOCKSOURCE_STABLE BIT(24)

/* hypercalls.rst; results as negative numbers. */
#define HC_VAPIC_POLL_IRQ 1
#define RESULT_EPERM      1ull
#define RESULT_ENOSYS     1000ull

struct x86_cpuid x86_cpuid_kvm(uint32_t leaf)
{
    static const char signature[12] = "KVMKVMKVM";
    if (leaf & 0xff)
        return (struct x86_cpuid){{(leaf & 0xff) == 1 ? (uint32_t)CLOCKSOURCE_STABLE : 0}};
    return (struct x86_cpuid){
        {leaf + 1, le32_load(signature), le32_load(signature + 4), le32_load(signature + 8)}};
}

/* --- structures with a version --- */

/* The guest chose the address: where there is no memory, nothing is written. */
static void structure_put(const struct x86_core *c, uint64_t at, uint8_t *bytes, size_t size)
{
    struct ram *ram = c->vcpu.mem->ram;
    uint8_t version[4];
    if (!ram_read(ram, gpa(at), version, sizeof(version)))
        return;
    uint32_t odd = le32_load(version) | 1;
    le32_store(version, odd);
    le32_store(bytes, odd);
    ram_write(ram, gpa(at), version, sizeof(version));
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    ram_write(ram, gpa(at), bytes, size);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    le32_store(version, odd + 1);
    ram_write(ram, gpa(at), version, sizeof(version));
}

/* --- the date --- */

bool x86_wall_clock_read(struct x86_core *c, uint32_t number, uint64_t *value)
{
    (void)number;
    *value = c->s.kvm_wall_clock;
    return true;
}

/* The date at system time 0, once. */
bool x86_wall_clock_write(struct x86_core *c, uint32_t number, uint64_t value)
{
    uint8_t bytes[WALL_SIZE] = {0};
    (void)number;
    c->s.kvm_wall_clock = value;
    le32_store(bytes + WALL_SECONDS, (uint32_t)(c->hooks.epoch / NS_PER_SECOND));
    le32_store(bytes + WALL_NS, (uint32_t)(c->hooks.epoch % NS_PER_SECOND));
    structure_put(c, value, bytes, sizeof(bytes));
    return true;
}

/* --- the time --- */

/* Nanoseconds are ticks shifted left by `shift` (right, when it is negative) times multiplier / 2^32. */
static void rate_put(uint8_t *bytes)
{
    uint64_t multiplier = (NS_PER_SECOND << 32) / X86_TSC_HZ;
    int shift = 0;
    for (; multiplier >> 32; shift++)
        multiplier >>= 1;
    for (; !(multiplier >> 31); shift--)
        multiplier <<= 1;
    le32_store(bytes + TIME_MULTIPLIER, (uint32_t)multiplier);
    bytes[TIME_SHIFT] = (uint8_t)shift;
}

void x86_system_time_update(struct x86_core *c)
{
    uint8_t bytes[TIME_SIZE] = {0};
    if (!(c->s.kvm_system_time & TIME_ENABLED))
        return;
    uint64_t ticks = x86_ticks(c);
    le64_store(bytes + TIME_TSC, ticks + c->s.tsc_offset);
    le64_store(bytes + TIME_NS, clock_scale(ticks, NS_PER_SECOND, X86_TSC_HZ));
    rate_put(bytes);
    bytes[TIME_FLAGS] = c->s.tsc_offset == 0 ? FLAG_TSC_STABLE : 0;
    structure_put(c, c->s.kvm_system_time & ~TIME_ENABLED, bytes, sizeof(bytes));
}

bool x86_system_time_read(struct x86_core *c, uint32_t number, uint64_t *value)
{
    (void)number;
    *value = c->s.kvm_system_time;
    return true;
}

bool x86_system_time_write(struct x86_core *c, uint32_t number, uint64_t value)
{
    (void)number;
    c->s.kvm_system_time = value;
    x86_system_time_update(c);
    return true;
}

/* --- hypercalls --- */

static uint64_t hypercall_result(const struct x86_core *c)
{
    if (c->s.cpl != 0)
        return 0 - RESULT_EPERM;
    return (uint32_t)c->s.gpr[RAX] == HC_VAPIC_POLL_IRQ ? 0 : 0 - RESULT_ENOSYS;
}

void x86_hypercall(struct x86_core *c)
{
    uint64_t result = hypercall_result(c);
    vcpu_exit_count(&c->vcpu, EXIT_HYPERCALL);
    c->s.gpr[RAX] = c->mode & MODE_64 ? result : (uint32_t)result;
}
