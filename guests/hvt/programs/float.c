/* Floating point works from the first instruction on, with IEEE's defaults. */
#include "guests/hvt/hvt.h"

MANIFEST(0);

static volatile double one = 1, three = 3, two = 2, tiny = 0x1p-1074, large = 0x1.fffffffffffffp1023;
static volatile float single = 1.5f;
static volatile long double wide = 1;

int guest_main(const struct boot_info *info)
{
    (void)info;
    /* IEEE 754 binary64, round to nearest: 1/3 and the root of two. */
    union {
        double d;
        uint64_t u;
    } third = {one / three}, root = {__builtin_sqrt(two)}, half = {tiny / two}, infinite = {large * two};
    check(third.u == 0x3fd5555555555555, "a third");
    check(root.u == 0x3ff6a09e667f3bcd, "the root of two");
    check(half.u == 0, "a half of the least number");
    check(tiny > 0, "subnormal numbers");
    check(infinite.u == 0x7ff0000000000000, "an overflow");
    check(single * single == 2.25f, "a float");
    check((uint64_t)(three * 1e15) == 3000000000000000, "a conversion");
#ifdef __x86_64__
    /* The x87 unit with its 64 bits of precision. */
    check((double)((wide + 0x1p-60L - wide) * 0x1p60L) == 1, "a long double");
#else
    check(wide == 1, "a long double");
#endif
    return check_status();
}
