/* Breaks the ABI in the way its argument says: the tender must end it, and nothing worse. */
#include "guests/hvt/hvt.h"

MANIFEST(0);

static void puts_from(const char *data, uint64_t len)
{
    struct call_puts call = {data, len};
    hypercall(CALL_PUTS, &call);
}

int guest_main(const struct boot_info *info)
{
    const char *what = info->arguments;
    if (text_equal(what, "argument"))
        hypercall(CALL_PUTS, (void *)0xfffffff8);
    else if (text_equal(what, "low"))
        puts_from((const char *)0x2000, 16);
    else if (text_equal(what, "wrap"))
        puts_from((const char *)info, ~0ull);
    else if (text_equal(what, "end"))
        puts_from((const char *)info->memory_size - 4, 8);
    else if (text_equal(what, "number"))
        hypercall((enum call)0, (void *)(uintptr_t)info);
    else if (text_equal(what, "cookie"))
        halt(0, (const void *)0x40);
    else if (text_equal(what, "readonly"))
        hypercall(CALL_WALLTIME, (void *)(uintptr_t)info);
    print("it went on\n");
    return 0;
}
