/* Aborts, with what Solo5 says of a trap: for the dump of a core. */
#include "guests/hvt/hvt.h"

MANIFEST(0);

/* x86_64: CR2, error code, RIP, CS, RFLAGS, RSP, SS. riscv64: PC, X1 to X31. */
static const uint64_t registers[64] = {0x1010, 0x2020, 0x3030, 0x08, 0x5050, 0x6060, 0x10};

static volatile uint64_t mark;

int guest_main(const struct boot_info *info)
{
    mark = 0xfeedc0de00000000 + info->memory_size; /* computed: the code doesn't have it */
    print("aborting\n");
    halt(255, registers);
}
