/* Identification registers, composed from the model's features: they say what works. */
#include "base/bits.h"
#include "cpu/aarch64/sysreg.h"

/* A field of an ID register: its value when the model has the feature. Of several lines for a field the last
 * that applies counts, so they go from less to more. */
struct id_field {
    uint16_t number; /* CRm << 3 | op2 */
    uint8_t shift, value, feature;
};

#define ID(crm, op2) ((crm) << 3 | (op2))
enum {
    PFR0 = ID(4, 0),
    PFR1 = ID(4, 1),
    DFR0 = ID(5, 0),
    ISAR0 = ID(6, 0),
    ISAR1 = ID(6, 1),
    ISAR2 = ID(6, 2),
    MMFR0 = ID(7, 0),
    MMFR1 = ID(7, 1),
    MMFR2 = ID(7, 2),
};

/* clang-format off */
static const struct id_field fields[] = {
    {PFR0, 0, 1, FEAT_BASE},         /* EL0, EL1: AArch64 only */
    {PFR0, 4, 1, FEAT_BASE},
    {PFR0, 28, 1, FEAT_RAS},
    {PFR0, 48, 1, FEAT_DIT},
    {PFR0, 56, 1, FEAT_CSV2},
    {PFR0, 60, 1, FEAT_CSV3},
    {PFR1, 0, 1, FEAT_BTI},
    {PFR1, 4, 2, FEAT_SSBS},
    {DFR0, 0, 6, FEAT_BASE},         /* Armv8 debug */
    {DFR0, 0, 8, FEAT_LRCPC},        /* Armv8.2 came before LRCPC */
    {DFR0, 8, 1, FEAT_PMU},
    {DFR0, 8, 4, FEAT_PMU_V1},
    {DFR0, 8, 5, FEAT_PMU_V4},
    {DFR0, 8, 6, FEAT_PMU_V5},
    {ISAR0, 4, 1, FEAT_AES},
    {ISAR0, 4, 2, FEAT_PMULL},
    {ISAR0, 8, 1, FEAT_SHA1},
    {ISAR0, 12, 1, FEAT_SHA256},
    {ISAR0, 12, 2, FEAT_SHA512},
    {ISAR0, 16, 1, FEAT_CRC32},
    {ISAR0, 20, 2, FEAT_LSE},
    {ISAR0, 28, 1, FEAT_RDM},
    {ISAR0, 32, 1, FEAT_SHA3},
    {ISAR0, 36, 1, FEAT_SM3},
    {ISAR0, 40, 1, FEAT_SM4},
    {ISAR0, 44, 1, FEAT_DOTPROD},
    {ISAR0, 48, 1, FEAT_FHM},
    {ISAR0, 52, 1, FEAT_FLAGM},
    {ISAR0, 52, 2, FEAT_FLAGM2},
    {ISAR0, 56, 1, FEAT_TLBIOS},
    {ISAR0, 56, 2, FEAT_TLBIRANGE},
    {ISAR0, 60, 1, FEAT_RNG},
    {ISAR1, 0, 1, FEAT_DPB},
    {ISAR1, 0, 2, FEAT_DPB2},
    {ISAR1, 12, 1, FEAT_JSCVT},
    {ISAR1, 16, 1, FEAT_FCMA},
    {ISAR1, 20, 1, FEAT_LRCPC},
    {ISAR1, 20, 2, FEAT_LRCPC2},
    {ISAR1, 32, 1, FEAT_FRINTTS},
    {ISAR1, 36, 1, FEAT_SB},
    {ISAR1, 40, 1, FEAT_SPECRES},
    {ISAR1, 44, 1, FEAT_BF16},
    {ISAR1, 52, 1, FEAT_I8MM},
    {ISAR2, 0, 2, FEAT_WFXT},
    {ISAR2, 16, 1, FEAT_MOPS},
    {ISAR2, 52, 1, FEAT_CSSC},
    {MMFR0, 4, 2, FEAT_BASE},        /* 16-bit ASIDs */
    {MMFR0, 44, 1, FEAT_EXS},
    {MMFR0, 60, 1, FEAT_ECV},
    {MMFR1, 0, 1, FEAT_HAF},
    {MMFR1, 0, 2, FEAT_HDBS},
    {MMFR1, 4, 2, FEAT_VMID16},
    {MMFR1, 12, 1, FEAT_HPDS},
    {MMFR1, 16, 1, FEAT_LOR},
    {MMFR1, 20, 1, FEAT_PAN},
    {MMFR1, 20, 2, FEAT_PAN2},
    {MMFR1, 20, 3, FEAT_PAN3},
    {MMFR1, 28, 1, FEAT_XNX},
    {MMFR2, 0, 1, FEAT_TTCNP},
    {MMFR2, 4, 1, FEAT_UAO},
    {MMFR2, 16, 1, FEAT_LVA},
    {MMFR2, 28, 1, FEAT_TTST},
    {MMFR2, 32, 1, FEAT_LSE2},
    {MMFR2, 36, 1, FEAT_IDST},
    {MMFR2, 48, 1, FEAT_TTL},
    {MMFR2, 52, 2, FEAT_BBM},
    {MMFR2, 60, 1, FEAT_E0PD},
};
/* clang-format on */

/* PAuth's fields name the algorithm by their place: QARMA5, QARMA3, or one of the implementer's own. */
static uint64_t pauth_fields(const struct aarch64_core *c, unsigned number)
{
    if (!aarch64_has(c, FEAT_PAUTH))
        return 0;
    uint64_t level = aarch64_has(c, FEAT_FPACCOMBINE) ? 5
                     : aarch64_has(c, FEAT_FPAC)      ? 4
                     : aarch64_has(c, FEAT_PAUTH2)    ? 3
                     : aarch64_has(c, FEAT_EPAC)      ? 2
                                                      : 1;
    if (aarch64_has(c, FEAT_QARMA3))
        return number == ISAR2 ? level << 12 | (uint64_t)1 << 8 : 0;
    if (aarch64_has(c, FEAT_PAUTH_IMPDEF))
        return number == ISAR1 ? level << 8 | (uint64_t)1 << 28 : 0;
    return number == ISAR1 ? level << 4 | (uint64_t)1 << 24 : 0;
}

/* 0: with fp16 1, without any 15. */
static uint64_t fp_field(const struct aarch64_core *c, enum aarch64_feature feature)
{
    return !aarch64_has(c, feature) ? 15 : aarch64_has(c, FEAT_FP16);
}

static uint64_t pa_range(const struct aarch64_core *c)
{
    static const uint8_t sizes[] = {32, 36, 40, 42, 44, 48, 52};
    uint64_t code = 0;
    while (code + 1 < ARRAY_LEN(sizes) && sizes[code] < c->model.pa_bits)
        code++;
    return code;
}

static uint64_t granule_fields(const struct aarch64_core *c)
{
    bool lpa2 = aarch64_has(c, FEAT_LPA2);
    uint64_t tgran16 = !(c->model.granules & GRANULE_16K) ? 0 : lpa2 ? 2 : 1;
    uint64_t tgran64 = c->model.granules & GRANULE_64K ? 0 : 15;
    uint64_t tgran4 = !(c->model.granules & GRANULE_4K) ? 15 : lpa2;
    return tgran16 << 20 | tgran64 << 24 | tgran4 << 28;
}

/* What is no flag of a feature. */
static uint64_t measures(const struct aarch64_core *c, unsigned number)
{
    switch (number) {
    case PFR0:
        return fp_field(c, FEAT_FP) << 16 | fp_field(c, FEAT_ASIMD) << 20 |
               (c->board.gic.read ? (uint64_t)1 << 24 : 0);
    case DFR0:
        return (uint64_t)(c->model.breakpoints - 1u) << 12 | (uint64_t)(c->model.watchpoints - 1u) << 20 |
               (uint64_t)1 << 28; /* two context-aware breakpoints */
    case MMFR0: return pa_range(c) | granule_fields(c);
    case ISAR1:
    case ISAR2: return pauth_fields(c, number);
    default: return 0;
    }
}

SYSREG_READER(aarch64_read_id)
{
    unsigned number = r->number & 0x7f;
    uint64_t value = measures(c, number);
    for (size_t n = 0; n < ARRAY_LEN(fields); n++) {
        if (fields[n].number == number && aarch64_has(c, (enum aarch64_feature)fields[n].feature))
            value = bits_set(value, fields[n].shift, 4, fields[n].value);
    }
    return value;
}

SYSREG_READER(aarch64_read_midr)
{
    (void)r;
    return c->model.midr;
}

uint64_t aarch64_mpidr(struct vcpu *vcpu)
{
    return aarch64_core_of(vcpu)->board.mpidr | BIT(31);
}

SYSREG_READER(aarch64_read_mpidr)
{
    (void)r;
    return aarch64_mpidr(&c->vcpu);
}

SYSREG_READER(aarch64_read_ctr)
{
    (void)r;
    return c->model.ctr;
}

/* The block's size in words as a power of two; prohibited is what a trap makes it. */
SYSREG_READER(aarch64_read_dczid)
{
    (void)r;
    bool prohibited = aarch64_el(c) == 0 && !(c->s.sctlr_el1 & SCTLR_DZE);
    return (uint64_t)(__builtin_ctz(AARCH64_ZVA_BLOCK) - 2) | (prohibited ? BIT(4) : 0);
}

SYSREG_READER(aarch64_read_clidr)
{
    (void)r;
    return c->model.clidr;
}

SYSREG_READER(aarch64_read_ccsidr)
{
    (void)r;
    switch (c->s.csselr_el1) {
    case 0: return c->model.ccsidr_l1d;
    case 1: return c->model.ccsidr_l1i;
    case 2: return c->model.ccsidr_l2;
    default: return 0;
    }
}
