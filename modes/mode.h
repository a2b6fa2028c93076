/*
 * What a guest is shown: the one interface of all modes. A mode turns what the user asked for into a machine
 * that is ready to run.
 */
#pragma once

#include "machine/config.h"
#include "machine/machine_run.h"

struct mode {
    const char *name;
    /* The machine, for machine_run; `config` outlives it. NULL and err. */
    struct machine_run *(*create)(const struct machine_config *config, struct error *err);
};

/* A mode by its name, "auto" being the one that suits the configuration. NULL and err (ERROR_USAGE). */
const struct mode *mode_find(const char *name, const struct machine_config *config, struct error *err);

extern const struct mode type1_mode, hvt_mode;
