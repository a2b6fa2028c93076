/* Nothing that can be written is executed, nor are constants. */
#include "guests/hvt/hvt.h"

MANIFEST(0);

#if defined(__x86_64__)
#define RETURN 0xc3
#elif defined(__aarch64__)
#define RETURN 0xd65f03c0
#else
#define RETURN 0x00008067
#endif

static const uint32_t constant[] = {RETURN, 0};
static uint32_t variable[] = {RETURN, 0};
static uint32_t zeroed[2];

static void call_at(void *arg)
{
    ((void (*)(void))arg)();
}

static void expect(const void *address, const char *what)
{
    struct trap trap = trap_try(call_at, (void *)(uintptr_t)address);
    check(trap.kind == TRAP_FETCH && trap.address == (uintptr_t)address, what);
}

int guest_main(const struct boot_info *info)
{
    volatile uint32_t local[] = {RETURN, 0};
    uint32_t *heap = (uint32_t *)info->program_end;
    traps_init();
    zeroed[0] = heap[0] = RETURN;
    heap[0x100000] = RETURN; /* beyond what has pages of 4 KiB */
    expect(constant, "a call of a constant");
    expect(variable, "a call of a variable");
    expect(zeroed, "a call of a zeroed variable");
    expect((const void *)(uintptr_t)local, "a call of the stack");
    expect(heap, "a call of the heap");
    expect(heap + 0x100000, "a call far up in the heap");
    return check_status();
}
