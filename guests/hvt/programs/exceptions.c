/* Exceptions come to the program, which goes on after each. */
#include "guests/hvt/hvt.h"

MANIFEST(0);

static void illegal(void *arg)
{
    (void)arg;
    illegal_instruction();
}

static void stop(void *arg)
{
    (void)arg;
    breakpoint();
}

static void divide_by(void *arg)
{
    *(volatile uint64_t *)arg = divide(1, *(volatile uint64_t *)arg);
}

static void read_at(void *arg)
{
    (void)*(volatile uint8_t *)arg;
}

static void write_at(void *arg)
{
    *(volatile uint8_t *)arg = 1;
}

static void call_at(void *arg)
{
    ((void (*)(void))arg)();
}

static void expect(struct trap trap, enum trap_kind kind, const void *address, const char *what)
{
    check(trap.kind == kind && trap.address == (uintptr_t)address, what);
}

int guest_main(const struct boot_info *info)
{
    uint64_t zero = 0, two = 2;
    uint8_t *nowhere = (uint8_t *)0xc0000000, *end = (uint8_t *)info->memory_size;
    traps_init();
    check(trap_try(illegal, NULL).kind == TRAP_ILLEGAL, "an illegal instruction");
    check(trap_try(stop, NULL).kind == TRAP_BREAKPOINT, "a breakpoint");
    check(trap_try(divide_by, &two).kind == TRAP_NONE && two == 0, "a division");
#ifdef __x86_64__
    check(trap_try(divide_by, &zero).kind == TRAP_DIVIDE, "a division by zero");
#else
    check(trap_try(divide_by, &zero).kind == TRAP_NONE, "a division by zero, which has a result");
#endif
    expect(trap_try(read_at, nowhere), TRAP_READ, nowhere, "a read of no memory");
    expect(trap_try(write_at, nowhere), TRAP_WRITE, nowhere, "a write to no memory");
    expect(trap_try(call_at, nowhere), TRAP_FETCH, nowhere, "a call of no memory");
    expect(trap_try(read_at, end), TRAP_READ, end, "a read behind the end");
    /* What the tender keeps below the program. */
    expect(trap_try(read_at, (void *)8), TRAP_READ, (void *)8, "a read of the zero page");
    expect(trap_try(write_at, (void *)0x2000), TRAP_WRITE, (void *)0x2000, "a write to the page tables");
    expect(trap_try(read_at, (void *)0xffff), TRAP_READ, (void *)0xffff, "a read below the boot information");
    check(trap_try(read_at, (void *)(uintptr_t)info).kind == TRAP_NONE, "a read of the boot information");
    expect(trap_try(write_at, (void *)(uintptr_t)info), TRAP_WRITE, info, "a write to the boot information");
    expect(trap_try(call_at, (void *)(uintptr_t)info), TRAP_FETCH, info, "a call of the boot information");
    return check_status();
}
