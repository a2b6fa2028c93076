#include "cpu/cpu.h"

static const struct cpu_ops *const cores[GUEST_ARCH_COUNT] = {
    [GUEST_RISCV64] = &riscv64_ops,
    [GUEST_AARCH64] = &aarch64_ops,
    [GUEST_X86_64] = &x86_64_ops,
};

const struct cpu_ops *cpu_ops_find(enum guest_arch arch)
{
    return cores[arch];
}
