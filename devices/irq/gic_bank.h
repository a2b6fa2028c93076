/*
 * 32 interrupts of an Arm generic interrupt controller: their state, and the registers for it, which
 * distributors and redistributors of every version lay out alike (IHI0048B 4.3, IHI0069 12.9 and 12.11).
 */
#pragma once

#include "base/state.h"

#define GIC_SGIS               16
#define GIC_PRIVATE            32   /* SGIs and PPIs: the first bank, of which each CPU has its own */
#define GIC_INTERRUPTS_MAX     1020 /* private and shared; numbers 1020 to 1023 say something special */
#define GIC_BANKS_MAX          32
#define GIC_SPURIOUS           1023
#define GIC_PRIORITY_IDLE      0xff /* lower than any interrupt can have */
#define GIC_BANK_FIELDS        14
#define GIC_BANK_REGISTERS     0x080 /* the first offset that belongs to banks, and the end */
#define GIC_BANK_REGISTERS_END 0xd00

struct gic_bank {
    uint32_t group; /* 1: Group 1 */
    uint32_t enable;
    uint32_t latched; /* pending by an edge, a message or software */
    uint32_t level;   /* the inputs */
    uint32_t active;
    uint32_t edge;        /* 1: edge-triggered */
    uint32_t priority[8]; /* a byte each */
};

/* What the controller fixes for a bank. */
struct gic_bank_rules {
    uint32_t present; /* the others read as zero and ignore writes */
    uint32_t always_enabled;
    uint32_t always_edge, always_level; /* the trigger can't be changed */
    uint32_t own_pending;               /* the pending bits are not software's to write */
    uint8_t priority_mask;              /* the priority bits there are */
};

static inline uint32_t gic_bank_pending(const struct gic_bank *bank)
{
    return bank->latched | (bank->level & ~bank->edge);
}

static inline uint8_t gic_bank_priority(const struct gic_bank *bank, unsigned n)
{
    return (uint8_t)(bank->priority[n / 4] >> n % 4 * 8);
}

/* After a reset or a load: what the rules fix. */
void gic_bank_settle(struct gic_bank *bank, const struct gic_bank_rules *rules);

/* The level of an input. */
void gic_bank_input(struct gic_bank *bank, unsigned n, bool level);

/* An acknowledge: pending becomes active; a level that is still there stays pending. */
void gic_bank_acknowledge(struct gic_bank *bank, unsigned n);

/* The interrupt of `candidates` with the highest priority, the lowest number among equals; 32 when there is
 * none with a priority above *priority, which becomes its priority. */
unsigned gic_bank_best(const struct gic_bank *bank, uint32_t candidates, uint8_t *priority);

/*
 * The register at `offset` (a multiple of 4, in the distributor's layout) of the bank that this offset
 * belongs to, and the write of it. gic_bank_of says which bank that is: a number, GIC_BANKS_MAX for offsets
 * that belong to none (target and routing registers are the controller's).
 */
unsigned gic_bank_of(uint64_t offset);
uint32_t gic_bank_read(const struct gic_bank *bank, const struct gic_bank_rules *rules, uint64_t offset);
void gic_bank_write(struct gic_bank *bank, const struct gic_bank_rules *rules, uint64_t offset,
                    uint32_t value);

/* A byte of the priority registers, which may be accessed so. */
bool gic_is_priority(uint64_t offset);
void gic_bank_priority_write(struct gic_bank *bank, const struct gic_bank_rules *rules, uint64_t offset,
                             uint8_t value);

/* The fields of `count` banks for a state table: the first is at `offset` in the object, the next one
 * `stride` behind it. */
void gic_bank_fields(struct state_field fields[static GIC_BANK_FIELDS], size_t offset, size_t stride,
                     unsigned count);

/* The identification registers at the end of each of a controller's pages, which begin at `first`; `part` is
 * the low byte of the part number, `revision` the architecture's. */
uint32_t gic_identification(uint64_t offset, uint64_t first, uint8_t part, uint8_t revision);
