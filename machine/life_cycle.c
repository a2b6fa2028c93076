#include "machine/life_cycle.h"

#define TO(state) (1u << MACHINE_##state)

static const struct {
    const char *name;
    unsigned next; /* a bit for each state that may follow */
} states[MACHINE_STATE_COUNT] = {
    [MACHINE_CREATING] = {"creating", TO(STOPPED) | TO(DESTROYING)},
    [MACHINE_STOPPED] = {"stopped", TO(RUNNING) | TO(PAUSED) | TO(DESTROYING)},
    [MACHINE_RUNNING] = {"running", TO(PAUSED) | TO(STOPPED)},
    [MACHINE_PAUSED] = {"paused", TO(RUNNING) | TO(STOPPED)},
    [MACHINE_DESTROYING] = {"destroying", 0},
};

bool machine_state_follows(enum machine_state from, enum machine_state to)
{
    return states[from].next >> to & 1;
}

const char *machine_state_name(enum machine_state state)
{
    return states[state].name;
}
