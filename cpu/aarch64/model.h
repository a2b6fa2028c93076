/*
 * CPU models: which features a core has and what it calls itself. A model string is a name and changes to it
 * ("max,+pauth-impdef,-lva"); what a feature needs comes and goes with it.
 */
#pragma once

#include "base/error.h"

enum aarch64_feature {
#define FEAT(id, name, needs) FEAT_##id,
#include "cpu/aarch64/features.def"
#undef FEAT
    FEAT_COUNT,
};

struct aarch64_model {
    char name[32];
    uint64_t features[(FEAT_COUNT + 63) / 64];
    uint64_t midr;
    uint64_t ctr, clidr, ccsidr_l1d, ccsidr_l1i, ccsidr_l2;
    uint16_t pmu;    /* PMCR_EL0's IMP and IDCODE; 0: MIDR_EL1 says who made it */
    uint8_t pa_bits; /* 44, 48 or 52 */
    uint8_t breakpoints, watchpoints, event_counters;
    uint8_t granules; /* enum aarch64_granule */
};

/* Translation granules a model has. */
enum aarch64_granule {
    GRANULE_4K = 1,
    GRANULE_16K = 2,
    GRANULE_64K = 4,
};

static inline bool aarch64_model_has(const struct aarch64_model *model, enum aarch64_feature feature)
{
    return model->features[feature / 64] >> (feature % 64) & 1;
}

/* Fill in *model from a model string (NULL or "": the default). False and err (ERROR_USAGE, naming what was
 * meant if it is near) for an unknown model or feature. */
bool aarch64_model_parse(struct aarch64_model *model, const char *text, struct error *err);

/* The name of model or feature number `index`, NULL at the end: for help and `info`. */
const char *aarch64_model_name(unsigned index);
const char *aarch64_feature_name(unsigned index);
