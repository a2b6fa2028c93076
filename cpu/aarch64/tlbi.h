/* TLB maintenance sent to other cores. */
#pragma once

#include "cpu/aarch64/pe.h"

/* DSB: return when every flush this core has sent is done. Does this core's own work meanwhile; state is
 * true. */
void aarch64_flushes_wait(struct aarch64_core *c);
