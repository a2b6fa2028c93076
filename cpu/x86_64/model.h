/*
 * CPU models: which features a processor has. A model string is a name and changes to it
 * ("x86-64-v3,+la57,-avx2"); dependencies are followed both ways.
 */
#pragma once

#include "base/error.h"

enum x86_feature {
#define FEAT(id, name, leaf, subleaf, reg, bit, first, needs) FEAT_##id,
#include "cpu/x86_64/features.def"
#undef FEAT
    FEAT_COUNT,
};

#define X86_PHYSICAL_BITS 40 /* MAXPHYADDR of every model */

struct x86_model {
    char name[32];
    uint64_t features[(FEAT_COUNT + 63) / 64];
    uint8_t physical_bits; /* MAXPHYADDR */
};

static inline bool x86_model_has(const struct x86_model *model, enum x86_feature feature)
{
    return model->features[feature / 64] >> (feature % 64) & 1;
}

/* Fill in *model from a model string (NULL or "": the default). False and err (ERROR_USAGE, naming the
 * nearest known name) for an unknown model or feature. */
bool x86_model_parse(struct x86_model *model, const char *text, struct error *err);

/* Where CPUID has the bit of a feature. */
struct x86_feature_place {
    uint32_t leaf;
    uint8_t subleaf, reg, bit; /* reg: EAX, EBX, ECX, EDX */
};

/* Take away every feature that `has` denies, and what needs it: an engine's limits. */
void x86_model_limit(struct x86_model *model,
                     bool (*has)(void *opaque, enum x86_feature feature, const struct x86_feature_place *place),
                     void *opaque);

/* The name of model or feature number `index`, NULL at the end: for help and `info`. */
const char *x86_model_name(unsigned index);
const char *x86_feature_name(unsigned index);
