/* What the tender tells: arguments, memory, the end of the program, zeroed and initialised variables. */
#include "guests/hvt/hvt.h"

MANIFEST(0);

extern char _end[];

static uint64_t zeroes[2000];
static volatile uint64_t initialised = 0x1122334455667788;

int guest_main(const struct boot_info *info)
{
    uint64_t sum = 0;
    print("arguments: [");
    print(info->arguments);
    print("]\nmemory: ");
    print_number(info->memory_size);
    print("\n");
    for (unsigned i = 0; i < 2000; i++)
        sum |= ((volatile uint64_t *)zeroes)[i];
    check(sum == 0, "variables are zero");
    check(initialised == 0x1122334455667788, "variables have their values");
    check(info->program_end == (uintptr_t)_end, "the end of the program");
    check((uintptr_t)__builtin_frame_address(0) > info->memory_size - 4096,
          "the stack is at the end of memory");
    /* All of what lies between is the program's to use. */
    *(volatile uint64_t *)info->program_end = 1;
    *(volatile uint64_t *)((info->program_end + info->memory_size) / 2 & ~7ull) = 2;
    return check_status();
}
