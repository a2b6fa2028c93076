/*
 * The life of a machine: the states it is in and the ways between them. Run control asks here before every
 * change, so that a machine never does what its state does not allow.
 */
#pragma once

#include "base/types.h"

enum machine_state {
    MACHINE_CREATING,   /* memory, vCPUs and devices are added */
    MACHINE_STOPPED,    /* complete: before its power-on, and again after its end */
    MACHINE_RUNNING,    /* its vCPUs run */
    MACHINE_PAUSED,     /* its vCPUs are parked and its clock stands still */
    MACHINE_DESTROYING, /* devices and memory are taken down: the last one */
    MACHINE_STATE_COUNT,
};

/* Whether there is a way from one to the other; none leads back to where one is. */
bool machine_state_follows(enum machine_state from, enum machine_state to);

/* In a word: "paused". */
const char *machine_state_name(enum machine_state state);
