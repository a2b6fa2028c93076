/* System-management mode: entered by SMI between instructions, left by RSM. */
#pragma once

#include "cpu/x86_64/processor.h"

void x86_smm_enter(struct x86_core *c);
/* A save area that makes no sense shuts the processor down. */
void x86_smm_leave(struct x86_core *c);
