/* The host's clocks. */
#pragma once

#include "base/types.h"

/* Monotonic nanoseconds. */
uint64_t host_clock_ns(void);

/* Nanoseconds since 1970-01-01 UTC. */
uint64_t host_wall_ns(void);
