/* Hypercalls with arguments drawn by lot; the program's argument is the seed. Whatever comes of it, the
 * tender stands. */
#include "guests/hvt/hvt.h"

MANIFEST(2, BLOCK_DEVICE("disk"), NETWORK("net0"));

#define ROUNDS 2000

static uint64_t state;

/* Marsaglia, "Xorshift RNGs", 2003. */
static uint64_t lot(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint64_t buffer[1024];

/* Mostly good, often at a border, sometimes anything. */
static uint64_t value(const struct boot_info *info)
{
    const uint64_t values[] = {0,
                               1,
                               2,
                               63,
                               512,
                               4096,
                               (uintptr_t)buffer,
                               (uintptr_t)buffer + sizeof(buffer) - 4,
                               info->memory_size - 8,
                               info->memory_size,
                               0x2000,
                               (uintptr_t)guest_main,
                               UINT64_MAX,
                               UINT64_MAX - 511,
                               1ull << 63,
                               lot()};
    return values[lot() % (sizeof(values) / sizeof(values[0]))];
}

int guest_main(const struct boot_info *info)
{
    static const enum call calls[] = {CALL_WALLTIME,  CALL_BLOCK_WRITE, CALL_BLOCK_READ,
                                      CALL_NET_WRITE, CALL_NET_READ,    CALL_POLL};
    uint64_t seed = text_number(info->arguments);
    state = seed * 0x9e3779b97f4a7c15 + 1;
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t argument[8];
        enum call call = calls[lot() % 6];
        for (unsigned n = 0; n < 8; n++)
            argument[n] = n == 2 || lot() % 4 ? (uintptr_t)buffer : value(info);
        argument[0] = call == CALL_POLL ? lot() % 1000 : lot() % 8 ? lot() % 3 : value(info);
        if (lot() % 2)
            argument[1] = argument[3] = 512 * (lot() % 4);
        if (call == CALL_NET_WRITE || call == CALL_NET_READ) {
            argument[1] = (uintptr_t)buffer;
            argument[2] = lot() % 8 ? lot() % 1600 : value(info);
        }
        hypercall(call, lot() % 200 ? argument : (void *)(uintptr_t)value(info));
    }
    return 0;
}
