/* What the extensions of the built-in SBI share: a call's arguments and result, and what is kept per hart. */
#pragma once

#include "cpu/riscv64/core.h"
#include "cpu/riscv64/counters.h"
#include "machine/sbi/sbi.h"

/* SBI 2.0, table 1. */
enum sbi_error {
    SBI_SUCCESS = 0,
    SBI_ERR_FAILED = -1,
    SBI_ERR_NOT_SUPPORTED = -2,
    SBI_ERR_INVALID_PARAM = -3,
    SBI_ERR_DENIED = -4,
    SBI_ERR_INVALID_ADDRESS = -5,
    SBI_ERR_ALREADY_AVAILABLE = -6,
    SBI_ERR_ALREADY_STARTED = -7,
    SBI_ERR_ALREADY_STOPPED = -8,
    SBI_ERR_NO_SHMEM = -9,
};

/* SBI 2.0, table 9.4: states of a hart. */
enum sbi_hart_state {
    SBI_HART_STARTED = 0,
    SBI_HART_STOPPED = 1,
    SBI_HART_START_PENDING = 2,
    SBI_HART_SUSPENDED = 4,
};

/* Firmware events (SBI 2.0, 11.4) that this firmware has; their numbers. */
enum sbi_event {
    SBI_EVENT_SET_TIMER = 5,
    SBI_EVENT_IPI_SENT = 6,
    SBI_EVENT_IPI_RECEIVED = 7,
    SBI_EVENT_FENCE_I_SENT = 8,
    SBI_EVENT_FENCE_I_RECEIVED = 9,
    SBI_EVENT_SFENCE_SENT = 10,
    SBI_EVENT_SFENCE_RECEIVED = 11,
    SBI_EVENT_SFENCE_ASID_SENT = 12,
    SBI_EVENT_SFENCE_ASID_RECEIVED = 13,
    SBI_EVENTS = 22, /* with those for misaligned accesses and guests, which never happen here */
};

#define SBI_FIRMWARE_COUNTERS 8

/* A counter of firmware events. */
struct sbi_counter {
    bool running;
    uint8_t event;
    uint64_t value; /* while stopped; while running, what the event's count has to be reduced by */
};

struct sbi_hart {
    struct vcpu *vcpu;
    uint32_t state;              /* enum sbi_hart_state; atomic */
    uint64_t events[SBI_EVENTS]; /* since the start; atomic */
    struct sbi_counter counters[SBI_FIRMWARE_COUNTERS];
    uint64_t counters_taken; /* logical counters that config_matching gave out */
};

struct sbi {
    struct sbi_config config;
    unsigned hart_count;
    struct sbi_hart *harts;
};

struct sbi_result {
    int64_t error;
    uint64_t value;
};

struct sbi_args {
    struct sbi *sbi;
    struct sbi_hart *hart; /* the caller */
    uint64_t function, a[6];
    bool replaced; /* the hart's registers are set already: it goes on somewhere else */
};

/* A handler of an extension. */
typedef struct sbi_result sbi_handler(struct sbi_args *call);
sbi_handler sbi_time, sbi_ipi, sbi_rfence, sbi_hsm, sbi_reset, sbi_console, sbi_suspend, sbi_pmu;

/* Extensions 0 to 8 (SBI 2.0, 5): no functions, and one result, in a0. */
#define SBI_LEGACY_LAST 8
uint64_t sbi_legacy(struct sbi_args *call, uint64_t extension);

/* The call can't be done now: the hart makes it again. */
void sbi_call_again(struct sbi_args *call);

static inline struct sbi_result sbi_return(uint64_t value)
{
    return (struct sbi_result){SBI_SUCCESS, value};
}

static inline struct sbi_result sbi_fail(enum sbi_error error)
{
    return (struct sbi_result){error, 0};
}

/* Call fn for every hart of (mask, base) as SBI 2.0, 3.1 has it: base ~0 means all. INVALID_PARAM, with
 * nothing done, when a hart of the mask isn't there. */
struct sbi_result sbi_each_hart(struct sbi_args *call, uint64_t mask, uint64_t base,
                                void (*fn)(struct sbi_args *call, struct sbi_hart *hart));

void sbi_event_count(struct sbi_hart *hart, enum sbi_event event);

/* Whether a hart could start executing at a physical address. */
bool sbi_address_ok(const struct sbi *sbi, uint64_t address);

/* A control and status register of a hart, by its number, as a debugger sees it. */
uint64_t sbi_csr_get(struct vcpu *vcpu, unsigned csr);
void sbi_csr_set(struct vcpu *vcpu, unsigned csr, uint64_t value);

/* The debug console: a byte written (false: no room now), a byte read (-1: none). */
bool sbi_console_put(struct sbi *sbi, uint8_t byte);
int sbi_console_get(struct sbi *sbi);
