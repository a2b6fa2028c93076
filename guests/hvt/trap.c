#include "guests/hvt/hvt.h"

static void *resume[5]; /* of __builtin_setjmp */
static volatile struct trap taken;
static volatile bool expected;

void trap_taken(enum trap_kind kind, uint64_t address)
{
    if (!expected) {
        print("a trap that nobody waits for, at ");
        print_hex(address);
        print("\n");
        halt(255, NULL);
    }
    expected = false;
    taken.kind = kind;
    taken.address = address;
    __builtin_longjmp(resume, 1);
}

/* A frame of its own: the one that setjmp was called in must not be left before it is gone back to. */
__attribute__((noinline)) struct trap trap_try(void (*fn)(void *arg), void *arg)
{
    struct trap result;
    taken.kind = TRAP_NONE;
    taken.address = 0;
    expected = true;
    if (!__builtin_setjmp(resume))
        fn(arg);
    expected = false;
    result.kind = taken.kind;
    result.address = taken.address;
    return result;
}
