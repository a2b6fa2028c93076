/* The registers that rule translation, and the instructions about translations: TLBI and AT. */
#include <stdlib.h>

#include "base/bits.h"
#include "cpu/aarch64/blocks.h"
#include "cpu/aarch64/mmu.h"
#include "cpu/aarch64/pauth.h"
#include "cpu/aarch64/sysreg.h"
#include "cpu/aarch64/tlbi.h"

enum translation_number {
    NUMBER_SCTLR = A64_SYSREG(3, 0, 1, 0, 0),
    NUMBER_TCR = A64_SYSREG(3, 0, 2, 0, 2),
    NUMBER_MAIR = A64_SYSREG(3, 0, 10, 2, 0),
};

/* Bits that belong to features. */
struct feature_bits {
    uint8_t feature;
    uint64_t bits;
};

static uint64_t bits_there(const struct aarch64_core *c, const struct feature_bits *table, size_t count)
{
    uint64_t bits = 0;
    for (size_t n = 0; n < count; n++) {
        if (aarch64_has(c, (enum aarch64_feature)table[n].feature))
            bits |= table[n].bits;
    }
    return bits;
}

/* What SCTLR_EL1 holds after a write: RES1 where a feature that is not there would let software choose 0. */
static uint64_t sctlr_value(const struct aarch64_core *c, uint64_t value)
{
    static const struct feature_bits writable[] = {
        {FEAT_BASE, SCTLR_M | SCTLR_A | SCTLR_C | SCTLR_SA | SCTLR_SA0 | SCTLR_UMA | SCTLR_I | SCTLR_DZE |
                        SCTLR_UCT | SCTLR_nTWI | SCTLR_nTWE | SCTLR_WXN | SCTLR_UCI},
        {FEAT_LSE2, SCTLR_nAA},
        {FEAT_SPECRES, SCTLR_EnRCTX},
        {FEAT_EXS, SCTLR_EOS | SCTLR_EIS},
        {FEAT_PAN, SCTLR_SPAN},
        {FEAT_PAUTH, SCTLR_EnIA | SCTLR_EnIB | SCTLR_EnDA | SCTLR_EnDB},
        {FEAT_MOPS, SCTLR_MSCEn},
        {FEAT_BTI, SCTLR_BT0 | SCTLR_BT1},
        {FEAT_SSBS, SCTLR_DSSBS},
        {FEAT_PAN3, SCTLR_EPAN},
    };
    /* ITD, SED, TSCXT, nTLSMD, LSMAOE. */
    uint64_t ones = BIT(7) | BIT(8) | BIT(20) | BIT(28) | BIT(29) | SCTLR_EOS | SCTLR_EIS | SCTLR_SPAN;
    uint64_t bits = bits_there(c, writable, ARRAY_LEN(writable));
    return (value & bits) | (ones & ~bits);
}

static uint64_t tcr_value(const struct aarch64_core *c, uint64_t value)
{
    static const struct feature_bits writable[] = {
        {FEAT_BASE, 0x77ffffffbf},
        {FEAT_HAF, TCR_HA},
        {FEAT_HDBS, TCR_HD},
        {FEAT_HPDS, TCR_HPD0 | TCR_HPD1},
        {FEAT_PAUTH, TCR_TBID0 | TCR_TBID1},
        {FEAT_E0PD, TCR_E0PD0 | TCR_E0PD1},
        {FEAT_LPA2, TCR_DS},
    };
    return value & bits_there(c, writable, ARRAY_LEN(writable));
}

uint64_t aarch64_sctlr_reset(const struct aarch64_core *c)
{
    return sctlr_value(c,
                       SCTLR_SA | SCTLR_SA0 | SCTLR_nTWI | SCTLR_nTWE | SCTLR_EOS | SCTLR_EIS | SCTLR_SPAN);
}

SYSREG_READER(aarch64_read_translation)
{
    switch (r->number) {
    case NUMBER_SCTLR: return c->s.sctlr_el1;
    case NUMBER_TCR: return c->s.tcr_el1;
    default: return c->s.mair_el1;
    }
}

/* Whatever translations were made from the old value is dropped; software that does it right wouldn't notice,
 * and writes that change nothing are common. */
SYSREG_WRITER(aarch64_write_translation)
{
    uint64_t *to = r->number == NUMBER_SCTLR ? &c->s.sctlr_el1
                   : r->number == NUMBER_TCR ? &c->s.tcr_el1
                                             : &c->s.mair_el1;
    if (r->number == NUMBER_SCTLR)
        value = sctlr_value(c, value);
    else if (r->number == NUMBER_TCR)
        value = tcr_value(c, value);
    uint64_t changed = *to ^ value;
    *to = value;
    if (r->number == NUMBER_TCR)
        aarch64_pauth_update(c);
    if (r->number == NUMBER_SCTLR && (changed & (SCTLR_BT0 | SCTLR_BT1)))
        aarch64_blocks_drop_all(c);
    if (r->number != NUMBER_SCTLR ? changed : changed & (SCTLR_M | SCTLR_A | SCTLR_WXN | SCTLR_EPAN))
        aarch64_flush_all(c);
    aarch64_resync(c);
    return true;
}

/* ---- TLBI ---- */

static void flush_work(struct vcpu *vcpu, void *arg)
{
    aarch64_flush(aarch64_core_of(vcpu), arg);
    free(arg);
}

static void flush_send(struct aarch64_core *c, const struct aarch64_flush *flush)
{
    for (unsigned n = 0; n < c->board.cpu_count; n++) {
        struct vcpu *other = c->board.cpus[n];
        if (other == &c->vcpu)
            continue;
        struct aarch64_flush *copy = malloc(sizeof(*copy));
        if (!copy)
            abort();
        *copy = *flush;
        vcpu_call(other, &c->vcpu, flush_work, copy, false);
        c->posted = true;
    }
}

static void nothing(struct vcpu *vcpu, void *arg)
{
    (void)vcpu, (void)arg;
}

/* Work is done in the order of its arrival. */
void aarch64_flushes_wait(struct aarch64_core *c)
{
    for (unsigned n = 0; n < c->board.cpu_count; n++) {
        if (c->board.cpus[n] != &c->vcpu)
            vcpu_call(c->board.cpus[n], &c->vcpu, nothing, NULL, true);
    }
    c->posted = false;
    aarch64_resync(c);
}

static uint16_t asid_of(const struct aarch64_core *c, uint64_t value)
{
    return (uint16_t)bits_get(value, 48, c->s.tcr_el1 & TCR_AS ? 16 : 8);
}

/* D17.8: TLBI R*: a base in granules, and a count from NUM and SCALE. */
static struct aarch64_flush range_of(const struct aarch64_core *c, uint64_t value)
{
    unsigned granule = 10 + 2 * (unsigned)bits_get(value, 46, 2);
    bool wide = (c->s.tcr_el1 & TCR_DS) && aarch64_has(c, FEAT_LPA2);
    unsigned shift = wide ? 16 : granule;
    uint64_t granules = (bits_get(value, 39, 5) + 1) << (5 * bits_get(value, 44, 2) + 1);
    if (granule < 12)
        return (struct aarch64_flush){.kind = FLUSH_ALL}; /* TG = 0 is reserved */
    return (struct aarch64_flush){.kind = FLUSH_VA,
                                  .asid = asid_of(c, value),
                                  .va = (uint64_t)sign_extend(bits_get(value, 0, 37), 37) << shift,
                                  .pages = granules << (granule - PAGE_BITS)};
}

/* op2: 0 everything, 1 and 5 by address, 2 by ASID, 3 and 7 by address in all spaces. */
static struct aarch64_flush flush_of(const struct aarch64_core *c, uint32_t number, uint64_t value)
{
    unsigned crm = number >> 3 & 15, op2 = number & 7;
    bool range = crm == 2 || crm == 5 || crm == 6;
    struct aarch64_flush flush = {.kind = FLUSH_VA,
                                  .asid = asid_of(c, value),
                                  .va = (uint64_t)sign_extend(bits_get(value, 0, 44), 44) << PAGE_BITS,
                                  .pages = 1};
    if (range)
        flush = range_of(c, value);
    else if (op2 == 0 || op2 == 2)
        flush.kind = op2 ? FLUSH_ASID : FLUSH_ALL;
    flush.all_spaces = op2 == 3 || op2 == 7;
    return flush;
}

SYSREG_WRITER(aarch64_write_tlbi)
{
    unsigned crm = r->number >> 3 & 15;
    struct aarch64_flush flush = flush_of(c, r->number, value);
    aarch64_flush(c, &flush);
    if (crm != 6 && crm != 7)
        flush_send(c, &flush);
    return true;
}

/* ---- AT ---- */

/* PAR_EL1 (D17.2.116). */
#define PAR_F           BIT(0)
#define PAR_SH_SHIFT    7
#define PAR_RES1        BIT(11)
#define PAR_ATTR_SHIFT  56
#define SHAREABLE_OUTER 2u
#define NORMAL_NC       0x44u

static uint64_t par_of(const struct aarch64_core *c, const struct arm64_result *result)
{
    if (result->walk.status != WALK_OK)
        return PAR_F | PAR_RES1 | (uint64_t)result->fsc << 1;
    uint8_t type = aarch64_memory_type(c, result->walk.memory_type);
    unsigned shareability = result->shareability;
    if (aarch64_is_device(type) || type == NORMAL_NC)
        shareability = SHAREABLE_OUTER;
    return PAR_RES1 | (uint64_t)type << PAR_ATTR_SHIFT | (uint64_t)shareability << PAR_SH_SHIFT |
           (result->walk.pa & bits_set(0, PAGE_BITS, 40, ~(uint64_t)0));
}

SYSREG_WRITER(aarch64_write_at)
{
    bool write = r->number & 1, user = r->number & 2, with_pan = (r->number >> 3 & 15) == 9;
    if (!aarch64_mmu_on(c)) {
        /* Flat; what data would be without the MMU: Device-nGnRnE. Too large is an address size fault. */
        uint64_t pa = arm64_untag(c->s.tcr_el1, value, false);
        c->s.par_el1 = pa >> c->model.pa_bits ? PAR_F | PAR_RES1 | FSC_ADDRESS_SIZE << 1
                                              : PAR_RES1 | (uint64_t)SHAREABLE_OUTER << PAR_SH_SHIFT |
                                                    (pa & bits_set(0, PAGE_BITS, 40, ~(uint64_t)0));
        return true;
    }
    struct arm64_result result = aarch64_walk(c, value, write ? WALK_WRITE : WALK_READ, user,
                                              with_pan && !user && (c->s.pstate & PSTATE_PAN), true);
    /* D8.15: an external abort of the walk is taken as an exception. */
    if (result.walk.status == WALK_BUS) {
        aarch64_data_abort(c, value, result.fsc, true);
        c->fault.iss |= (uint32_t)ISS_CM;
        return false;
    }
    c->s.par_el1 = par_of(c, &result);
    return true;
}
