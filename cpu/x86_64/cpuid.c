/*
 * CPUID: the bits of features.def, and what the other leaves say, computed from the model and the state so
 * that it fits what works.
 */
#include <string.h>

#include "base/bits.h"
#include "cpu/x86_64/control.h"
#include "cpu/x86_64/paravirtual.h"
#include "cpu/x86_64/xstate.h"

enum { EAX, EBX, ECX, EDX };

#define LEAF_MAX          0x1fu
#define LEAF_HYPERVISOR   0x40000000u
#define LEAF_EXTENDED_MAX 0x80000008u

#define APIC_BASE_ENABLE 0x800u /* of IA32_APIC_BASE */

static const struct {
    uint32_t leaf;
    uint8_t subleaf, reg, bit;
} feature_bits[] = {
#define FEAT(id, name, leaf, subleaf, reg, bit, first, needs) {leaf, subleaf, reg, bit},
#include "cpu/x86_64/features.def"
#undef FEAT
};

/* The feature bits of a leaf. */
static struct x86_cpuid features_of(const struct x86_core *c, uint32_t leaf, uint32_t subleaf)
{
    struct x86_cpuid id = {{0}};
    for (unsigned n = 0; n < FEAT_COUNT; n++) {
        if (feature_bits[n].leaf == leaf && feature_bits[n].subleaf == subleaf && leaf && x86_has(c, n))
            id.reg[feature_bits[n].reg] |= (uint32_t)1 << feature_bits[n].bit;
    }
    return id;
}

static void text_put(uint32_t *reg, const char *text)
{
    *reg = le32_load(text);
}

static unsigned logical_processors(const struct x86_core *c)
{
    return c->cores * c->threads;
}

/* Bits of an APIC id that number `count` things. */
static unsigned id_bits(unsigned count)
{
    unsigned bits = 0;
    while ((1u << bits) < count)
        bits++;
    return bits;
}

/* SDM vol. 3, 11.4.3: a processor whose APIC is off says that it has none. */
static bool apic_shown(const struct x86_core *c)
{
    const struct x86_hooks *hooks = &c->hooks;
    return !hooks->apic_base_get || hooks->apic_base_get(hooks->opaque) & APIC_BASE_ENABLE;
}

static struct x86_cpuid leaf_features(const struct x86_core *c)
{
    struct x86_cpuid id = features_of(c, 1, 0);
    unsigned processors = logical_processors(c);
    id.reg[EAX] = X86_SIGNATURE;
    id.reg[EBX] = c->apic_id << 24 | (processors > 255 ? 255 : processors) << 16 | (64 / 8) << 8;
    if (c->s.cr4 & CR4_OSXSAVE)
        id.reg[ECX] |= 1u << 27;
    if (processors > 1)
        id.reg[EDX] |= 1u << 28;
    if (!apic_shown(c))
        id.reg[EDX] &= ~(1u << 9);
    return id;
}

/* Caches a guest can size its loops by: 32 KiB, 32 KiB, 1 MiB, 16 MiB, of 64-byte lines. */
static struct x86_cpuid leaf_cache(const struct x86_core *c, uint32_t subleaf)
{
    static const struct {
        uint8_t type, level;
        uint16_t ways;
        uint32_t sets;
        bool shared;
    } caches[] = {
        {1, 1, 8, 64, false}, {2, 1, 8, 64, false}, {3, 2, 16, 1024, false}, {3, 3, 16, 16384, true}};
    struct x86_cpuid id = {{0}};
    if (subleaf >= ARRAY_LEN(caches))
        return id;
    unsigned sharing = caches[subleaf].shared ? logical_processors(c) : c->threads;
    id.reg[EAX] = caches[subleaf].type | (uint32_t)caches[subleaf].level << 5 | 1u << 8 |
                  ((1u << id_bits(sharing)) - 1) << 14 | ((1u << id_bits(c->cores)) - 1) << 26;
    id.reg[EBX] = 63 | (uint32_t)(caches[subleaf].ways - 1) << 22;
    id.reg[ECX] = caches[subleaf].sets - 1;
    return id;
}

static struct x86_cpuid leaf_topology(const struct x86_core *c, uint32_t subleaf)
{
    struct x86_cpuid id = {{0, 0, subleaf & 0xff, c->apic_id}};
    if (subleaf == 0) {
        id.reg[EAX] = id_bits(c->threads);
        id.reg[EBX] = c->threads;
        id.reg[ECX] |= 1u << 8; /* SMT */
    } else if (subleaf == 1) {
        id.reg[EAX] = id_bits(c->cores) + id_bits(c->threads);
        id.reg[EBX] = logical_processors(c);
        id.reg[ECX] |= 2u << 8; /* core */
    }
    return id;
}

/* Version 2: four counters of 48 bits, three fixed ones; all seven events but those two kinds are missing. */
static struct x86_cpuid leaf_counters(const struct x86_core *c)
{
    if (!x86_has(c, FEAT_PMU))
        return (struct x86_cpuid){{0}};
    return (struct x86_cpuid){{2 | X86_PMCS << 8 | 48 << 16 | 7 << 24, 0x7c, 0, X86_FIXED_PMCS | 48 << 5}};
}

static uint32_t xsave_size(uint64_t components, bool compact)
{
    uint32_t size = XSAVE_LEGACY_SIZE;
    if (components & XCR0_AVX)
        size = XSAVE_AVX_OFFSET + XSAVE_AVX_SIZE;
    if (components & XCR0_PKRU)
        size = compact ? size + XSAVE_PKRU_SIZE : XSAVE_PKRU_OFFSET + XSAVE_PKRU_SIZE;
    return size;
}

static struct x86_cpuid leaf_xsave(const struct x86_core *c, uint32_t subleaf)
{
    uint64_t valid = x86_xcr0_valid(c);
    struct x86_cpuid id = {{0}};
    if (!x86_has(c, FEAT_XSAVE))
        return id;
    if (subleaf == 0)
        return (struct x86_cpuid){
            {(uint32_t)valid, xsave_size(c->s.xcr0, false), xsave_size(valid, false), 0}};
    if (subleaf == 1) {
        id = features_of(c, 0xd, 1);
        id.reg[EBX] = x86_has(c, FEAT_XSAVEC) ? xsave_size(c->s.xcr0 | c->s.xss, true) : 0;
    } else if (subleaf == 2 && valid & XCR0_AVX) {
        id.reg[EAX] = XSAVE_AVX_SIZE;
        id.reg[EBX] = XSAVE_AVX_OFFSET;
    } else if (subleaf == 9 && valid & XCR0_PKRU) {
        id.reg[EAX] = XSAVE_PKRU_SIZE;
        id.reg[EBX] = XSAVE_PKRU_OFFSET;
    }
    return id;
}

/* The counter's rate as a multiple of the crystal's. */
static struct x86_cpuid leaf_tsc(const struct x86_core *c)
{
    if (c->tsc_hz == X86_TSC_HZ)
        return (struct x86_cpuid){{1, 1, X86_TSC_HZ, 0}};
    return (struct x86_cpuid){{X86_TSC_HZ / 1000, (uint32_t)(c->tsc_hz / 1000), X86_TSC_HZ, 0}};
}

static struct x86_cpuid leaf_basic(const struct x86_core *c, uint32_t leaf, uint32_t subleaf)
{
    struct x86_cpuid id = features_of(c, leaf, subleaf);
    switch (leaf) {
    case 0:
        id.reg[EAX] = LEAF_MAX;
        text_put(&id.reg[EBX], "Genu");
        text_put(&id.reg[EDX], "ineI");
        text_put(&id.reg[ECX], "ntel");
        return id;
    case 1: return leaf_features(c);
    case 2: return (struct x86_cpuid){{0x00ff0001, 0, 0, 0}}; /* see leaf 4 */
    case 4: return leaf_cache(c, subleaf);
    case 5: return (struct x86_cpuid){{64, 64, 3, 0}}; /* MONITOR's lines */
    case 7:
        if (subleaf == 0 && c->s.cr4 & CR4_PKE)
            id.reg[ECX] |= 1u << 4;
        return id;
    case 0xa: return leaf_counters(c);
    case 0xb:
    case 0x1f: return leaf_topology(c, subleaf);
    case 0xd: return leaf_xsave(c, subleaf);
    case 0x15: return leaf_tsc(c);
    case 0x16:
        return (struct x86_cpuid){{(uint32_t)(c->tsc_hz / 1000000), (uint32_t)(c->tsc_hz / 1000000), 100, 0}};
    default: return id;
    }
}

static struct x86_cpuid leaf_extended(const struct x86_core *c, uint32_t leaf)
{
    static const char brand[48] = "Triarch x86-64 Processor";
    struct x86_cpuid id = features_of(c, leaf, 0);
    switch (leaf) {
    case 0x80000000: id.reg[EAX] = LEAF_EXTENDED_MAX; return id;
    case 0x80000001:
        /* Intel's processors know SYSCALL in 64-bit code only, and say so. */
        if (!(c->mode & MODE_64))
            id.reg[EDX] &= ~(1u << 11);
        return id;
    case 0x80000002:
    case 0x80000003:
    case 0x80000004:
        for (unsigned n = 0; n < 4; n++)
            id.reg[n] = le32_load(brand + (leaf - 0x80000002) * 16 + 4 * n);
        return id;
    case 0x80000006: id.reg[ECX] = 1024u << 16 | 8u << 12 | 64; return id;
    case 0x80000008:
        id.reg[EAX] = c->model.physical_bits | (x86_has(c, FEAT_LA57) ? 57u : 48u) << 8;
        return id;
    default: return id;
    }
}

static struct x86_cpuid leaf_hypervisor(const struct x86_core *c, uint32_t leaf)
{
    struct x86_cpuid id = features_of(c, leaf, 0);
    if (x86_has(c, FEAT_KVMCLOCK)) {
        const struct x86_cpuid kvm = x86_cpuid_kvm(leaf);
        for (unsigned n = 0; n < 4; n++)
            id.reg[n] |= kvm.reg[n];
        return id;
    }
    if (leaf == LEAF_HYPERVISOR) {
        id.reg[EAX] = LEAF_HYPERVISOR;
        text_put(&id.reg[EBX], "Tria");
        text_put(&id.reg[ECX], "rchT");
        text_put(&id.reg[EDX], "riar");
    }
    return id;
}

/* A leaf above the highest gives what the highest basic one gives (SDM vol. 2, CPUID). */
struct x86_cpuid x86_cpuid_of(const struct x86_core *c, uint32_t leaf, uint32_t subleaf)
{
    if (leaf >= LEAF_HYPERVISOR && leaf < LEAF_HYPERVISOR + 0x100 && x86_has(c, FEAT_HYPERVISOR))
        return leaf_hypervisor(c, leaf);
    if (leaf >= 0x80000000 && leaf <= LEAF_EXTENDED_MAX)
        return leaf_extended(c, leaf);
    return leaf_basic(c, leaf <= LEAF_MAX ? leaf : LEAF_MAX, subleaf);
}
