/*
 * The engine on Linux's KVM. A guest runs on the host's processor; devices, interrupt controllers and firmware
 * are this program's. What a host architecture adds is in kvm_<architecture>.c, chosen when the program is
 * built.
 */
#pragma once

#include "cpu/cpu.h"

extern const struct engine kvm_engine;

/* There is a /dev/kvm, and it is for guests of this architecture. */
bool kvm_expected(const struct cpu_ops *ops);

/*
 * Whether this KVM can run an operating system, and not only small guests: kvm_<architecture>.c says what that
 * takes, and a few instructions are tried. False and err: what is missing.
 */
bool kvm_suits(const struct cpu_ops *ops, struct error *err);
