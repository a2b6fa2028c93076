/* Code and constants can't be written to. */
#include "guests/hvt/hvt.h"

MANIFEST(0);

static const uint64_t constant = 42;
static volatile uint64_t variable = 42;

static void write_at(void *arg)
{
    *(volatile uint64_t *)arg = 0;
}

static void expect(void *address, enum trap_kind kind, const char *what)
{
    struct trap trap = trap_try(write_at, address);
    check(trap.kind == kind && (kind == TRAP_NONE || trap.address == (uintptr_t)address), what);
}

int guest_main(const struct boot_info *info)
{
    (void)info;
    traps_init();
    expect((void *)(((uintptr_t)guest_main + 7) & ~7ull), TRAP_WRITE, "a write to code");
    expect((void *)(uintptr_t)&constant, TRAP_WRITE, "a write to a constant");
    check(*(const volatile uint64_t *)&constant == 42, "the constant is what it was");
    expect((void *)(uintptr_t)&variable, TRAP_NONE, "a write to a variable");
    check(variable == 0, "the variable has changed");
    return check_status();
}
