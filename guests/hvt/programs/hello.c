/* The least: a line, and a clean end. */
#include "guests/hvt/hvt.h"

MANIFEST(0);

int guest_main(const struct boot_info *info)
{
    (void)info;
    print("Hello, unikernel world\n");
    return 0;
}
