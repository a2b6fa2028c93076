/* The two halves of the sandbox: sandbox_seccomp.c (system calls) and sandbox_landlock.c (files and
 * connections). */
#pragma once

#include "host/sandbox.h"

/* Nothing where the kernel has no Landlock. False and err. */
bool sandbox_landlock_enter(const struct host_sandbox *sandbox, struct error *err);
bool sandbox_seccomp_enter(const struct host_sandbox *sandbox, struct error *err);
