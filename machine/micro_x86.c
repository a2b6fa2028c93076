#include "machine/micro.h"
struct machine_run *micro_x86_create(const struct machine_config *config, struct error *err)
{
    (void)config;
    error_set(err, ERROR_USAGE, "no");
    return NULL;
}
