/* The host's random numbers. */
#pragma once

#include "base/types.h"

/* Fill with bytes good enough for keys; ends the program when the host has none. */
void host_random(void *to, size_t len);
