/*
 * CPU models: which extensions a hart has. A model string is a name and changes to it
 * ("rva22s64,+zbc,-sstc"); dependencies are followed both ways.
 */
#pragma once

#include "base/error.h"

enum riscv_ext {
#define EXT(id, name, flags) EXT_##id,
#include "cpu/riscv64/extensions.def"
#undef EXT
    EXT_COUNT,
};

struct riscv_model {
    char name[32];
    uint64_t ext[(EXT_COUNT + 63) / 64];
    uint8_t satp_modes; /* the largest enum riscv_satp_mode */
};

static inline bool riscv_model_has(const struct riscv_model *model, enum riscv_ext ext)
{
    return model->ext[ext / 64] >> (ext % 64) & 1;
}

/* Fill in *model from a model string (NULL or "": the default). False and err (ERROR_USAGE, naming the
 * nearest known name) for an unknown model or extension, or an impossible combination. */
bool riscv_model_parse(struct riscv_model *model, const char *text, struct error *err);

/* The ISA string ("rv64imafdc_zicsr_...") and its null-separated list form for the device tree's
 * riscv,isa-extensions. Return the length (the list with its last null) they have, or would have with more
 * room. */
size_t riscv_model_isa(const struct riscv_model *model, char *text, size_t size);
size_t riscv_model_isa_list(const struct riscv_model *model, char *list, size_t size);

/* The name of model or extension number `index`, NULL at the end: for help and `info`. */
const char *riscv_model_name(unsigned index);
const char *riscv_extension_name(unsigned index);
