#include "devices/irq/gic_bank.h"

#include "base/bits.h"

/* Offsets in the distributor's page: one bit an interrupt, then bytes, then two bits. */
#define IGROUPR    0x080
#define ISENABLER  0x100
#define ICENABLER  0x180
#define ISPENDR    0x200
#define ICPENDR    0x280
#define ISACTIVER  0x300
#define ICACTIVER  0x380
#define IPRIORITYR 0x400
#define ITARGETSR  0x800
#define ICFGR      0xc00
#define ICFGR_END  0xd00

void gic_bank_settle(struct gic_bank *bank, const struct gic_bank_rules *rules)
{
    bank->enable |= rules->always_enabled;
    bank->edge = (bank->edge | rules->always_edge) & ~rules->always_level;
}

void gic_bank_input(struct gic_bank *bank, unsigned n, bool level)
{
    uint32_t bit = 1u << n;
    if (level && !(bank->level & bit) && bank->edge & bit)
        bank->latched |= bit;
    bank->level = level ? bank->level | bit : bank->level & ~bit;
}

void gic_bank_acknowledge(struct gic_bank *bank, unsigned n)
{
    bank->latched &= ~(1u << n);
    bank->active |= 1u << n;
}

unsigned gic_bank_best(const struct gic_bank *bank, uint32_t candidates, uint8_t *priority)
{
    unsigned best = 32;
    for (; candidates; candidates &= candidates - 1) {
        unsigned n = (unsigned)__builtin_ctz(candidates);
        uint8_t own = gic_bank_priority(bank, n);
        if (own < *priority) {
            *priority = own;
            best = n;
        }
    }
    return best;
}

bool gic_is_priority(uint64_t offset)
{
    return offset >= IPRIORITYR && offset < ITARGETSR;
}

unsigned gic_bank_of(uint64_t offset)
{
    if (offset < IGROUPR)
        return GIC_BANKS_MAX;
    if (offset < IPRIORITYR)
        return offset % 0x80 / 4;
    if (gic_is_priority(offset))
        return (unsigned)((offset - IPRIORITYR) / 32);
    if (offset >= ICFGR && offset < ICFGR_END)
        return (unsigned)((offset - ICFGR) / 8);
    return GIC_BANKS_MAX;
}

/* Two bits an interrupt: the upper one is the trigger. Half a bank in a word. */
static uint32_t triggers_spread(uint32_t edge)
{
    uint32_t word = 0;
    for (unsigned i = 0; i < 16; i++)
        word |= (edge >> i & 1) << (2 * i + 1);
    return word;
}

static uint32_t triggers_gather(uint32_t word)
{
    uint32_t edge = 0;
    for (unsigned i = 0; i < 16; i++)
        edge |= (word >> (2 * i + 1) & 1) << i;
    return edge;
}

uint32_t gic_bank_read(const struct gic_bank *bank, const struct gic_bank_rules *rules, uint64_t offset)
{
    if (gic_is_priority(offset))
        return bank->priority[offset % 32 / 4];
    if (offset >= ICFGR)
        return triggers_spread((bank->edge & rules->present) >> offset % 8 * 4);
    switch (offset & ~(uint64_t)0x7f) {
    case IGROUPR: return bank->group & rules->present;
    case ISENABLER:
    case ICENABLER: return bank->enable & rules->present;
    case ISPENDR:
    case ICPENDR: return gic_bank_pending(bank) & rules->present;
    default: return bank->active & rules->present;
    }
}

static void triggers_write(struct gic_bank *bank, const struct gic_bank_rules *rules, uint64_t offset,
                           uint32_t value)
{
    unsigned shift = offset % 8 * 4;
    uint32_t mask = 0xffffu << shift & rules->present & ~(rules->always_edge | rules->always_level);
    bank->edge = (bank->edge & ~mask) | (triggers_gather(value) << shift & mask);
}

void gic_bank_write(struct gic_bank *bank, const struct gic_bank_rules *rules, uint64_t offset,
                    uint32_t value)
{
    if (gic_is_priority(offset)) {
        for (unsigned i = 0; i < 4; i++)
            gic_bank_priority_write(bank, rules, offset + i, (uint8_t)(value >> 8 * i));
        return;
    }
    if (offset >= ICFGR) {
        triggers_write(bank, rules, offset, value);
        return;
    }
    value &= rules->present;
    switch (offset & ~(uint64_t)0x7f) {
    case IGROUPR: bank->group = value; break;
    case ISENABLER: bank->enable |= value; break;
    case ICENABLER: bank->enable &= ~value | rules->always_enabled; break;
    case ISPENDR: bank->latched |= value & ~rules->own_pending; break;
    case ICPENDR: bank->latched &= ~value | rules->own_pending; break;
    case ISACTIVER: bank->active |= value; break;
    default: bank->active &= ~value; break;
    }
}

void gic_bank_priority_write(struct gic_bank *bank, const struct gic_bank_rules *rules, uint64_t offset,
                             uint8_t value)
{
    unsigned n = offset % 32;
    if (rules->present >> n & 1)
        bank->priority[n / 4] =
            (uint32_t)bits_set(bank->priority[n / 4], n % 4 * 8, 8, value & rules->priority_mask);
}

void gic_bank_fields(struct state_field fields[static GIC_BANK_FIELDS], size_t offset, size_t stride,
                     unsigned count)
{
    /* A reset of the controller leaves the inputs to who drives them. */
    static const struct state_field words[GIC_BANK_FIELDS] = {
        STATE(struct gic_bank, group),       STATE(struct gic_bank, enable),
        STATE(struct gic_bank, latched),     STATE(struct gic_bank, level, .keep = true),
        STATE(struct gic_bank, active),      STATE(struct gic_bank, edge),
        STATE(struct gic_bank, priority[0]), STATE(struct gic_bank, priority[1]),
        STATE(struct gic_bank, priority[2]), STATE(struct gic_bank, priority[3]),
        STATE(struct gic_bank, priority[4]), STATE(struct gic_bank, priority[5]),
        STATE(struct gic_bank, priority[6]), STATE(struct gic_bank, priority[7]),
    };
    for (unsigned i = 0; i < GIC_BANK_FIELDS; i++) {
        fields[i] = words[i];
        fields[i].offset += (uint32_t)offset;
        fields[i].stride = (uint32_t)stride;
        fields[i].count = count;
    }
}

uint32_t gic_identification(uint64_t offset, uint64_t first, uint8_t part, uint8_t revision)
{
    /* PIDR4 to PIDR7, PIDR0 to PIDR3, CIDR0 to CIDR3, with Arm's JEP106 code. */
    uint8_t bytes[12] = {0x04, 0,    0,    0,    part, 0xb4, (uint8_t)(revision << 4 | 0xb),
                         0,    0x0d, 0xf0, 0x05, 0xb1};
    return offset >= first && offset - first < 4 * sizeof(bytes) ? bytes[(offset - first) / 4] : 0;
}
