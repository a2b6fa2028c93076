/*
 * The SMC Calling Convention (DEN0028): which call is whose, and the calls about the architecture; and random
 * numbers (DEN0098).
 */
#include <stdlib.h>

#include "host/random.h"
#include "machine/psci/psci_private.h"

#define SMCCC_64BIT       (1u << 30)
#define SMCCC_VERSION     0x80000000u
#define SMCCC_FEATURES    0x80000001u
#define SMCCC_WORKAROUND3 0x80003fffu
#define SMCCC_WORKAROUND2 0x80007fffu
#define SMCCC_WORKAROUND1 0x80008000u
#define SMCCC_1_1         0x10001
#define NOT_REQUIRED      1

#define TRNG_FIRST    0x84000050u
#define TRNG_VERSION  0x84000050u
#define TRNG_FEATURES 0x84000051u
#define TRNG_UUID     0x84000052u
#define TRNG_RND      0x84000053u
#define TRNG_LAST     0x8400005fu
#define TRNG_1_0      0x10000

/* DEN0028, 7.4 to 7.9: this machine's cores need no work-arounds. */
static int64_t architecture(const struct psci_args *call, uint32_t function)
{
    switch (function) {
    case SMCCC_VERSION: return SMCCC_1_1;
    case SMCCC_FEATURES: break;
    default: return PSCI_NOT_SUPPORTED;
    }
    switch ((uint32_t)call->a[0]) {
    case SMCCC_VERSION:
    case SMCCC_FEATURES: return PSCI_SUCCESS;
    case SMCCC_WORKAROUND1:
    case SMCCC_WORKAROUND2:
    case SMCCC_WORKAROUND3: return NOT_REQUIRED;
    default: return PSCI_NOT_SUPPORTED;
    }
}

/* DEN0098, 2.6: up to three words of entropy, the last one in x3; bits beyond those asked for are zero. */
static int64_t random_get(struct psci_args *call)
{
    unsigned word_bits = call->wide ? 64 : 32;
    uint64_t bits = call->a[0];
    uint64_t words[3];
    if (bits == 0 || bits > 3 * word_bits)
        return PSCI_INVALID_PARAMETERS;
    host_random((uint8_t *)words, sizeof(words));
    for (unsigned i = 0; i < 3 && bits; i++) {
        unsigned taken = bits < word_bits ? (unsigned)bits : word_bits;
        call->more[2 - i] = words[i] & ~(uint64_t)0 >> (64 - taken);
        bits -= taken;
    }
    return PSCI_SUCCESS;
}

static int64_t uuid_get(struct psci_args *call)
{
    call->more[0] = 0x4e1d4a11;
    call->more[1] = 0x5c1f3b82;
    call->more[2] = 0x7a9c20e6;
    return 0x54524941;
}

int64_t trng_function(struct psci_args *call)
{
    uint32_t asked = (uint32_t)call->a[0] & ~SMCCC_64BIT;
    switch (call->function) {
    case TRNG_VERSION: return TRNG_1_0;
    case TRNG_FEATURES: return asked >= TRNG_FIRST && asked <= TRNG_RND ? PSCI_SUCCESS : PSCI_NOT_SUPPORTED;
    case TRNG_UUID: return uuid_get(call);
    case TRNG_RND: return random_get(call);
    default: return PSCI_NOT_SUPPORTED;
    }
}

static int64_t dispatch(struct psci_args *call, uint32_t function)
{
    if (function == SMCCC_VERSION || function == SMCCC_FEATURES)
        return architecture(call, function);
    if (call->function >= TRNG_FIRST && call->function <= TRNG_LAST)
        return call->psci->random ? trng_function(call) : PSCI_NOT_SUPPORTED;
    /* A kernel asks PSCI whether the calling convention has a version to ask for. */
    if (psci_has(call->function, call->wide))
        return psci_function(call);
    return PSCI_NOT_SUPPORTED;
}

void psci_call(struct psci *psci, struct vcpu *vcpu)
{
    struct aarch64_state *s = aarch64_state(vcpu);
    uint32_t function = (uint32_t)s->x[0];
    struct psci_args call = {.psci = psci,
                             .core = &psci->cores[vcpu->index],
                             .function = function & ~SMCCC_64BIT,
                             .wide = function & SMCCC_64BIT};
    for (unsigned i = 0; i < 3; i++)
        call.a[i] = call.wide ? s->x[1 + i] : (uint32_t)s->x[1 + i];
    int64_t result = dispatch(&call, function);
    if (call.replaced)
        return;
    s->x[0] = (uint64_t)result;
    if (call.function < TRNG_UUID || call.function > TRNG_RND || !psci->random)
        return;
    for (unsigned i = 0; i < 3; i++)
        s->x[1 + i] = call.more[i];
}
