/* A buffer that runs over on the stack is noticed before the function returns. */
#include "guests/hvt/hvt.h"

MANIFEST(0);

uintptr_t __stack_chk_guard = 0x00deadbeefcafe01;
void __stack_chk_fail(void) __attribute__((noreturn));

void __stack_chk_fail(void)
{
    print("the stack was smashed\n");
    halt(255, NULL);
}

__attribute__((noinline)) static uint8_t fill(volatile size_t len)
{
    uint8_t buffer[16];
    volatile uint8_t *to = buffer;
    for (size_t i = 0; i < len; i++)
        to[i] = 0x41;
    return to[0];
}

int guest_main(const struct boot_info *info)
{
    (void)info;
    check(fill(16) == 0x41, "a buffer that is just full");
    fill(64);
    print("nobody noticed\n");
    return 1;
}
