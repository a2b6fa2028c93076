/*
 * What a guest of KVM finds, after Linux's Documentation/virt/kvm/x86: cpuid.rst (leaves), msr.rst (the
 * clock's structures) and hypercalls.rst.
 */
#include "base/bits.h"
#include "tests/cpu/x86_64/x86_bare.h"

#define WALL_CLOCK  0x4b564d00
#define SYSTEM_TIME 0x4b564d01

static void cpuid(struct x86_bare *b, uint32_t leaf)
{
    b->s->gpr[RAX] = leaf;
    b->s->gpr[RCX] = 0;
    CHECK_EQ(XB_EXEC(b, 0x0f, 0xa2), -1);
}

static int wrmsr(struct x86_bare *b, uint32_t number, uint64_t value)
{
    b->s->gpr[RCX] = number;
    b->s->gpr[RAX] = (uint32_t)value;
    b->s->gpr[RDX] = value >> 32;
    return XB_EXEC(b, 0x0f, 0x30);
}

static uint64_t rdmsr(struct x86_bare *b, uint32_t number)
{
    b->s->gpr[RCX] = number;
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x32), -1);
    return b->s->gpr[RDX] << 32 | b->s->gpr[RAX];
}

static void leaves(void)
{
    struct x86_bare *b = xb_create("x86-64-v3,+kvm-nopiodelay");
    xb_long(b);
    cpuid(b, 1);
    CHECK_EQ(b->s->gpr[RCX] >> 31 & 1, 1);
    cpuid(b, 0x40000000);
    CHECK_EQ(b->s->gpr[RAX], 0x40000001);
    CHECK_EQ(b->s->gpr[RBX], 0x4b4d564b); /* "KVMK", "VMKV", "M" */
    CHECK_EQ(b->s->gpr[RCX], 0x564b4d56);
    CHECK_EQ(b->s->gpr[RDX], 0x4d);
    cpuid(b, 0x40000001);
    /* KVM_FEATURE_NOP_IO_DELAY, KVM_FEATURE_CLOCKSOURCE2, KVM_FEATURE_CLOCKSOURCE_STABLE_BIT. */
    CHECK_EQ(b->s->gpr[RAX], 1u << 1 | 1u << 3 | 1u << 24);
    CHECK_EQ(b->s->gpr[RDX], 0);
    xb_destroy(b);
}

/* Without the feature there is nothing of it. */
static void absent(void)
{
    struct x86_bare *b = xb_create("max");
    xb_long(b);
    cpuid(b, 0x40000000);
    CHECK(b->s->gpr[RBX] != 0x4b4d564b);
    CHECK_EQ(wrmsr(b, SYSTEM_TIME, XB_DATA | 1), EXC_GP);
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x01, 0xc1), EXC_UD);
    xb_destroy(b);
}

/* The time the structure gives for a value of the counter, as msr.rst has the formula. */
static uint64_t time_of(struct x86_bare *b, uint64_t tsc)
{
    uint64_t delta = tsc - xb_load(b, XB_DATA + 8, 8);
    int8_t shift = (int8_t)xb_load(b, XB_DATA + 28, 1);
    delta = shift < 0 ? delta >> -shift : delta << shift;
    return xb_load(b, XB_DATA + 16, 8) +
           (uint64_t)((unsigned __int128)delta * xb_load(b, XB_DATA + 24, 4) >> 32);
}

static uint64_t rdtsc(struct x86_bare *b)
{
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x31), -1);
    return b->s->gpr[RDX] << 32 | b->s->gpr[RAX];
}

static void system_time(void)
{
    struct x86_bare *b = xb_create("x86-64-v3,+kvmclock");
    xb_long(b);
    xb_store(b, XB_DATA, 4, 7); /* a version from before */
    xb_store(b, XB_DATA + 32, 8, 0x5a5a);
    CHECK_EQ(wrmsr(b, SYSTEM_TIME, XB_DATA), -1); /* not enabled */
    CHECK_EQ(xb_load(b, XB_DATA, 4), 7);
    clock_advance(b->clock, 5000);
    CHECK_EQ(wrmsr(b, SYSTEM_TIME, XB_DATA | 1), -1);
    CHECK_EQ(rdmsr(b, SYSTEM_TIME), XB_DATA | 1);
    CHECK_EQ(xb_load(b, XB_DATA, 4), 8); /* even: complete */
    CHECK_EQ(xb_load(b, XB_DATA + 29, 1), 1);
    CHECK_EQ(time_of(b, rdtsc(b)), 5000);
    clock_advance(b->clock, 123456789);
    CHECK_EQ(time_of(b, rdtsc(b)), 123456789);
    /* The counter jumps, the time does not; and processors agree no longer. */
    CHECK_EQ(wrmsr(b, 0x10, 1000), -1);
    CHECK_EQ(xb_load(b, XB_DATA, 4), 10);
    CHECK_EQ(xb_load(b, XB_DATA + 29, 1), 0);
    CHECK_EQ(time_of(b, rdtsc(b)), 123456789);
    clock_advance(b->clock, 200000000);
    CHECK_EQ(time_of(b, rdtsc(b)), 200000000);
    CHECK_EQ(wrmsr(b, 0x3b, 0), -1); /* IA32_TSC_ADJUST */
    CHECK_EQ(xb_load(b, XB_DATA, 4), 12);
    CHECK_EQ(xb_load(b, XB_DATA + 29, 1), 1);
    CHECK_EQ(xb_load(b, XB_DATA + 32, 8), 0x5a5a);
    /* Off again: nothing more is written. */
    CHECK_EQ(wrmsr(b, SYSTEM_TIME, 0), -1);
    CHECK_EQ(wrmsr(b, 0x10, 0), -1);
    CHECK_EQ(xb_load(b, XB_DATA, 4), 12);
    xb_destroy(b);
}

static void wall_clock(void)
{
    struct x86_bare *b = xb_create("x86-64-v3,+kvmclock");
    struct x86_hooks hooks = {.epoch = 1700000000123456789ull};
    x86_hooks_set(b->vcpu, &hooks);
    xb_long(b);
    clock_advance(b->clock, 77); /* the structure has the date at 0 */
    CHECK_EQ(wrmsr(b, WALL_CLOCK, XB_DATA), -1);
    CHECK_EQ(xb_load(b, XB_DATA, 4), 2);
    CHECK_EQ(xb_load(b, XB_DATA + 4, 4), 1700000000);
    CHECK_EQ(xb_load(b, XB_DATA + 8, 4), 123456789);
    xb_destroy(b);
}

/* An address where there is no memory, or its end: nothing is written, and nothing else happens. */
static void wild_addresses(void)
{
    static const uint64_t wild[] = {XB_RAM_SIZE, XB_RAM_SIZE - 8, UINT64_MAX - 1, 0x8000000000000000,
                                    XB_DEVICE};
    struct x86_bare *b = xb_create("x86-64-v3,+kvmclock");
    xb_long(b);
    b->stored_at = 1;
    for (size_t i = 0; i < ARRAY_LEN(wild); i++) {
        CHECK_EQ(wrmsr(b, SYSTEM_TIME, wild[i] | 1), -1);
        CHECK_EQ(wrmsr(b, WALL_CLOCK, wild[i]), -1);
    }
    CHECK_EQ(b->stored_at, 1);
    xb_destroy(b);
}

static void hypercalls(void)
{
    struct x86_bare *b = xb_create("x86-64-v3,+kvmclock");
    xb_long(b);
    b->s->gpr[RAX] = 1; /* KVM_HC_VAPIC_POLL_IRQ */
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x01, 0xc1), -1);
    CHECK_EQ(b->s->gpr[RAX], 0);
    b->s->gpr[RAX] = 9; /* KVM_HC_CLOCK_PAIRING, which is not there: -KVM_ENOSYS */
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x01, 0xd9), -1);
    CHECK_EQ(b->s->gpr[RAX], (uint64_t)-1000);
    CHECK_EQ(vcpu_exits(b->vcpu, EXIT_HYPERCALL), 2);
    xb_user(b);
    b->s->gpr[RAX] = 1;
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x01, 0xc1), EXC_GP); /* of the HLT behind it */
    CHECK_EQ(b->s->gpr[RAX], (uint64_t)-1);         /* -KVM_EPERM */
    xb_destroy(b);
}

static const struct test_case cases[] = {
    {"leaves", leaves},
    {"absent", absent},
    {"system_time", system_time},
    {"wall_clock", wall_clock},
    {"wild_addresses", wild_addresses},
    {"hypercalls", hypercalls},
};
TEST_SUITE(x86_paravirtual_test, "unit", cases);
