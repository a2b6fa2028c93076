/* A manifest of a version that nobody knows: this must not be started. */
#include "guests/hvt/hvt.h"

static const struct {
    struct note_header header;
    uint32_t gap, version, count;
    struct device devices[1];
} manifest_note __attribute__((section(".note.manifest"), aligned(8), used)) = {
    {6, 4 + 8 + sizeof(struct device), 0x3154464d, "Solo5"}, 0, 7, 1, {{.type = DEVICE_NOTHING}}};

int guest_main(const struct boot_info *info)
{
    (void)info;
    print("it was started\n");
    return 0;
}
