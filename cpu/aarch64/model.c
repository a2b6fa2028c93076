#include "cpu/aarch64/model.h"

#include <string.h>

static const struct {
    const char *name;
    uint8_t needs;
} features[FEAT_COUNT] = {
#define FEAT(id, feature_name, needs_id) [FEAT_##id] = {feature_name, FEAT_##needs_id},
#include "cpu/aarch64/features.def"
#undef FEAT
};

#define GRANULES_ALL (GRANULE_4K | GRANULE_16K | GRANULE_64K)

/* The features of a model are listed; `base` is a model it has all the features of. */
struct model {
    const char *name;
    const struct model *base;
    uint64_t midr, ctr, clidr, ccsidr_l1d, ccsidr_l1i, ccsidr_l2;
    uint16_t pmu;
    uint8_t pa_bits, breakpoints, watchpoints, event_counters, granules;
    uint8_t features[80]; /* up to FEAT_BASE, which is 0 and in all */
};

static const struct model cortex_a57 = {
    .name = "cortex-a57",
    .midr = 0x411fd070, /* r1p0 */
    .pmu = 0x4101,
    .ctr = 0x8444c004,
    .clidr = 0x0a200023,
    .ccsidr_l1d = 0x701fe00a,
    .ccsidr_l1i = 0x201fe012,
    .ccsidr_l2 = 0x70ffe07a,
    .pa_bits = 44,
    .breakpoints = 6,
    .watchpoints = 4,
    .event_counters = 6,
    .granules = GRANULE_4K | GRANULE_64K,
    .features = {FEAT_FP, FEAT_ASIMD, FEAT_CRC32, FEAT_AES, FEAT_PMULL, FEAT_SHA1, FEAT_SHA256, FEAT_PMU},
};

static const struct model cortex_a72 = {
    .name = "cortex-a72",
    .base = &cortex_a57,
    .midr = 0x410fd083, /* r0p3 */
    .pmu = 0x4102,
    .ctr = 0x8444c004,
    .clidr = 0x0a200023,
    .ccsidr_l1d = 0x701fe00a,
    .ccsidr_l1i = 0x201fe012,
    .ccsidr_l2 = 0x707fe07a,
    .pa_bits = 44,
    .breakpoints = 6,
    .watchpoints = 4,
    .event_counters = 6,
    .granules = GRANULE_4K | GRANULE_64K,
};

static const struct model neoverse_n1 = {
    .name = "neoverse-n1",
    .base = &cortex_a72,
    .midr = 0x414fd0c1, /* r4p1 */
    .pmu = 0x410c,
    .ctr = 0x8444c004,
    .clidr = 0x82000023,
    .ccsidr_l1d = 0x701fe01a,
    .ccsidr_l1i = 0x201fe01a,
    .ccsidr_l2 = 0x70ffe03a,
    .pa_bits = 48,
    .breakpoints = 6,
    .watchpoints = 4,
    .event_counters = 6,
    .granules = GRANULES_ALL,
    .features = {FEAT_RDM,  FEAT_DOTPROD, FEAT_FP16,  FEAT_LSE,  FEAT_LRCPC,  FEAT_LOR,  FEAT_DPB,
                 FEAT_SSBS, FEAT_PAN,     FEAT_PAN2,  FEAT_UAO,  FEAT_VMID16, FEAT_HPDS, FEAT_HAF,
                 FEAT_HDBS, FEAT_XNX,     FEAT_TTCNP, FEAT_CSV2, FEAT_CSV3,   FEAT_RAS,  FEAT_PMU_V1},
};

/* Everything there is. Its caches need no maintenance for what it fetches (CTR_EL0.DIC and IDC): written code
 * is noticed. No real part's number, so that nobody works around errata. */
static const struct model max = {
    .name = "max",
    .base = &neoverse_n1,
    .midr = 0x000f0510,
    .ctr = 0xb444c004,
    .clidr = 0x82000023,
    .ccsidr_l1d = 0x701fe01a,
    .ccsidr_l1i = 0x201fe01a,
    .ccsidr_l2 = 0x70ffe03a,
    .pa_bits = 52,
    .breakpoints = 6,
    .watchpoints = 4,
    .event_counters = 6,
    .granules = GRANULES_ALL,
    .features = {FEAT_SHA512, FEAT_SHA3,      FEAT_SM3,  FEAT_SM4,         FEAT_FHM,     FEAT_FCMA,
                 FEAT_JSCVT,  FEAT_FRINTTS,   FEAT_BF16, FEAT_I8MM,        FEAT_LSE2,    FEAT_LRCPC2,
                 FEAT_FLAGM,  FEAT_FLAGM2,    FEAT_DPB2, FEAT_SB,          FEAT_SPECRES, FEAT_DIT,
                 FEAT_RNG,    FEAT_MOPS,      FEAT_CSSC, FEAT_WFXT,        FEAT_BTI,     FEAT_PAUTH_IMPDEF,
                 FEAT_EPAC,   FEAT_PAUTH2,    FEAT_FPAC, FEAT_FPACCOMBINE, FEAT_PAN3,    FEAT_E0PD,
                 FEAT_TTL,    FEAT_TTST,      FEAT_LVA,  FEAT_LPA,         FEAT_LPA2,    FEAT_BBM,
                 FEAT_TLBIOS, FEAT_TLBIRANGE, FEAT_IDST, FEAT_ECV,         FEAT_EXS,     FEAT_PMU_V4,
                 FEAT_PMU_V5},
};

static const struct model *const models[] = {&max, &neoverse_n1, &cortex_a72, &cortex_a57};

const char *aarch64_model_name(unsigned index)
{
    return index < ARRAY_LEN(models) ? models[index]->name : NULL;
}

/* BASE is no choice. */
const char *aarch64_feature_name(unsigned index)
{
    return index + 1 < FEAT_COUNT ? features[index + 1].name : NULL;
}

static void feature_add(struct aarch64_model *model, unsigned feature)
{
    for (;; feature = features[feature].needs) {
        model->features[feature / 64] |= (uint64_t)1 << (feature % 64);
        if (feature == FEAT_BASE)
            return;
    }
}

static bool needs(unsigned feature, unsigned what)
{
    while (feature != what && feature != FEAT_BASE)
        feature = features[feature].needs;
    return feature == what;
}

static void feature_remove(struct aarch64_model *model, unsigned what)
{
    for (unsigned feature = 1; feature < FEAT_COUNT; feature++) {
        if (needs(feature, what))
            model->features[feature / 64] &= ~((uint64_t)1 << (feature % 64));
    }
}

static void features_of(struct aarch64_model *model, const struct model *from)
{
    if (from->base)
        features_of(model, from->base);
    for (unsigned n = 0; n < ARRAY_LEN(from->features) && from->features[n]; n++)
        feature_add(model, from->features[n]);
}

static void model_fill(struct aarch64_model *to, const struct model *from)
{
    *to = (struct aarch64_model){.midr = from->midr,
                                 .ctr = from->ctr,
                                 .clidr = from->clidr,
                                 .ccsidr_l1d = from->ccsidr_l1d,
                                 .ccsidr_l1i = from->ccsidr_l1i,
                                 .ccsidr_l2 = from->ccsidr_l2,
                                 .pmu = from->pmu,
                                 .pa_bits = from->pa_bits,
                                 .breakpoints = from->breakpoints,
                                 .watchpoints = from->watchpoints,
                                 .event_counters = from->event_counters,
                                 .granules = from->granules};
    strncpy(to->name, from->name, sizeof(to->name) - 1);
    feature_add(to, FEAT_BASE);
    features_of(to, from);
}

/* How many letters at the beginning agree: enough to guess what was meant. */
static size_t likeness(const char *a, const char *b, size_t len)
{
    size_t n = 0;
    while (n < len && a[n] && a[n] == b[n])
        n++;
    return n;
}

static bool is_name(const char *name, const char *text, size_t len)
{
    return strlen(name) == len && memcmp(name, text, len) == 0;
}

/* The nearest name, or the first one. */
static const char *nearest(const char *(*name)(unsigned index), const char *text, size_t len)
{
    const char *best = name(0);
    for (unsigned n = 0; name(n); n++) {
        if (likeness(name(n), text, len) > likeness(best, text, len))
            best = name(n);
    }
    return best;
}

static bool change(struct aarch64_model *model, const char *text, size_t len, struct error *err)
{
    if (len < 2 || (text[0] != '+' && text[0] != '-'))
        return error_set(err, ERROR_USAGE, "'%.*s' is no change to a CPU model: write +feature or -feature",
                         (int)len, text);
    for (unsigned feature = 1; feature < FEAT_COUNT; feature++) {
        if (!is_name(features[feature].name, text + 1, len - 1))
            continue;
        if (text[0] == '+')
            feature_add(model, feature);
        else
            feature_remove(model, feature);
        return true;
    }
    return error_set(err, ERROR_USAGE, "no CPU feature of aarch64 is called '%.*s' (is '%s' meant?)",
                     (int)len - 1, text + 1, nearest(aarch64_feature_name, text + 1, len - 1));
}

/* What features imply for the numbers. */
static void consistent(struct aarch64_model *model)
{
    if (!aarch64_model_has(model, FEAT_LPA) && model->pa_bits > 48)
        model->pa_bits = 48;
    if (aarch64_model_has(model, FEAT_LPA))
        model->pa_bits = 52;
}

bool aarch64_model_parse(struct aarch64_model *model, const char *text, struct error *err)
{
    const char *at = text && *text ? text : models[0]->name;
    size_t len = strcspn(at, ",");
    const struct model *found = NULL;
    for (size_t n = 0; n < ARRAY_LEN(models); n++) {
        if (is_name(models[n]->name, at, len))
            found = models[n];
    }
    if (!found)
        return error_set(err, ERROR_USAGE, "no CPU model of aarch64 is called '%.*s' (is '%s' meant?)",
                         (int)len, at, nearest(aarch64_model_name, at, len));
    model_fill(model, found);
    for (at += len; *at == ','; at += len) {
        at++;
        len = strcspn(at, ",");
        if (!change(model, at, len, err))
            return false;
    }
    consistent(model);
    return true;
}
