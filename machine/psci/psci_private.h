/* What the parts of the firmware calls share: a call's arguments and the results. */
#pragma once

#include "cpu/aarch64/core.h"
#include "machine/psci/psci.h"

/* DEN0022, table 5. The SMCCC's own calls use the first two. */
enum psci_error {
    PSCI_SUCCESS = 0,
    PSCI_NOT_SUPPORTED = -1,
    PSCI_INVALID_PARAMETERS = -2,
    PSCI_DENIED = -3,
    PSCI_ALREADY_ON = -4,
    PSCI_INVALID_ADDRESS = -9,
};

enum psci_power {
    PSCI_ON,
    PSCI_OFF,
};

struct psci_core {
    struct vcpu *vcpu;
    uint32_t power; /* enum psci_power; atomic */
};

struct psci {
    struct machine_run *run;
    bool random;
    unsigned core_count;
    struct psci_core *cores;
};

struct psci_args {
    struct psci *psci;
    struct psci_core *core; /* the caller */
    uint32_t function;      /* with bit 30, which says that arguments have 64 bits, cleared */
    uint64_t a[3];
    uint64_t more[3]; /* results in x1 to x3; zero */
    bool wide;
    bool replaced; /* the core's registers are set already: it goes on somewhere else */
};

/* The result in x0. NOT_SUPPORTED for functions that are none of theirs. */
int64_t psci_function(struct psci_args *call);
int64_t trng_function(struct psci_args *call);

/* Whether there is such a PSCI or TRNG function, in this width. */
bool psci_has(uint32_t function, bool wide);
