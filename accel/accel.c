#include "accel/accel.h"

#include <string.h>

#include "accel/kvm/kvm.h"
#include "base/log.h"

static const struct accel accels[] = {
    {&kvm_engine, kvm_expected, kvm_suits},
    {&interpreter_engine, NULL, NULL},
};

const struct accel *accel_get(unsigned index)
{
    return index < ARRAY_LEN(accels) ? &accels[index] : NULL;
}

const char *accel_names(void)
{
    return "auto|kvm|interp";
}

/* Its own --cpu model "host" is what a back end has and nothing else does; so `auto` falls back aloud. */
static bool auto_takes(const struct accel *accel, const struct cpu_ops *ops, bool counted)
{
    struct error why = {0};
    if (!accel->suits)
        return true;
    if (counted || !accel->expected(ops))
        return false;
    if (accel->engine->probe(ops, &why) && accel->suits(ops, &why))
        return true;
    log_warn("%s is not used: %s", accel->engine->name, why.text);
    return false;
}

const struct engine *accel_choose(const char *name, const struct cpu_ops *ops, bool counted,
                                  struct error *err)
{
    bool any = !name || strcmp(name, "auto") == 0;
    for (unsigned i = 0; i < ARRAY_LEN(accels); i++) {
        const struct engine *engine = accels[i].engine;
        if (any && !auto_takes(&accels[i], ops, counted))
            continue;
        if (!any && strcmp(name, engine->name) != 0)
            continue;
        if (counted && engine != &interpreter_engine) {
            error_set(err, ERROR_USAGE, "--deterministic counts instructions, which %s can't: use --accel interp",
                      engine->name);
            return NULL;
        }
        if (!engine->probe(ops, err))
            return NULL;
        log_info("engine: %s", engine->name);
        return engine;
    }
    error_set(err, ERROR_USAGE, "there is no engine %s: use %s", name, accel_names());
    return NULL;
}
