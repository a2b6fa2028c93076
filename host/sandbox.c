#include "host/sandbox_internal.h"

bool host_sandbox_enter(const struct host_sandbox *sandbox, struct error *err)
{
    /* Landlock first: its own system calls are not on the list of the other. */
    return sandbox_landlock_enter(sandbox, err) && sandbox_seccomp_enter(sandbox, err);
}
