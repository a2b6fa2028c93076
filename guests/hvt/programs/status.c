/* Ends with the status that its argument says. */
#include "guests/hvt/hvt.h"

MANIFEST(0);

int guest_main(const struct boot_info *info)
{
    return (int)text_number(info->arguments);
}
