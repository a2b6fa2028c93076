/*
 * What the process gives up once a machine is set up: a filter of system calls (seccomp) and, where the
 * kernel has it, of files and connections (Landlock). A guest that takes this program over then finds nothing
 * to take.
 *
 * The filter is a list of what is allowed. What no emulator ever does (starting programs, tracing others,
 * mounting) ends the process at once; anything else that is not on the list fails with EPERM.
 */
#pragma once

#include "base/error.h"

#define SANDBOX_PATHS_MAX 64

struct host_sandbox {
    /* Files and folders that are opened again later: to read, and to write in. Missing ones are passed over.
     */
    const char *read[SANDBOX_PATHS_MAX];
    unsigned read_count;
    const char *write[SANDBOX_PATHS_MAX];
    unsigned write_count;
    bool connects; /* makes connections of its own: a user network */
};

/* Whether system calls can be filtered: libseccomp was there at build time, and the kernel does it. How much
 * of Landlock this kernel has; 0: nothing. */
bool host_sandbox_there(void);
int host_sandbox_landlock(void);

/*
 * From here to the end of the process, for this thread, those it starts, and (system calls only) those that
 * are there. False and err when the host can't do it.
 */
bool host_sandbox_enter(const struct host_sandbox *sandbox, struct error *err);
