#include "modes/mode.h"

#include <string.h>

/* Modes to come, so that asking for one is told apart from a mistake. */
static const char *const absent[] = {"virtio"};

const struct mode *mode_find(const char *name, const struct machine_config *config, struct error *err)
{
    (void)config;
    if (strcmp(name, "auto") == 0 || strcmp(name, type1_mode.name) == 0)
        return &type1_mode;
    if (strcmp(name, hvt_mode.name) == 0)
        return &hvt_mode;
    for (size_t i = 0; i < ARRAY_LEN(absent); i++) {
        if (strcmp(name, absent[i]) == 0) {
            error_set(err, ERROR_USAGE, "--mode %s is not there yet: use type1", name);
            return NULL;
        }
    }
    error_set(err, ERROR_USAGE, "there is no mode %s: use auto or type1", name);
    return NULL;
}
