/*
 * Memory: loads that each depend on the one before, all over more pages than an emulator's TLB may hold, and
 * the C library's memcpy on blocks from a few bytes to many pages.
 */
#include "bench.h"

#include <string.h>

enum { CHASE_NODES = 131072, NODE_SIZE = 64 };

/* A round is one load. Sattolo's shuffle makes a single cycle of all the nodes; the place it ends at comes
 * back. */
uint64_t bench_chase(uint64_t rounds)
{
    static struct {
        uint32_t next;
        char padding[NODE_SIZE - sizeof(uint32_t)];
    } nodes[CHASE_NODES];
    uint64_t state = 1;

    for (uint32_t i = 0; i < CHASE_NODES; i++)
        nodes[i].next = i;
    for (uint32_t i = CHASE_NODES - 1; i > 0; i--) {
        uint32_t other = (uint32_t)((uint64_t)next_random(&state) * i >> 32);
        uint32_t old = nodes[i].next;
        nodes[i].next = nodes[other].next;
        nodes[other].next = old;
    }
    uint32_t at = 0;
    for (uint64_t round = 0; round < rounds; round++)
        at = nodes[at].next;
    return at;
}

enum { COPY_BUFFER = 1 << 18, COPY_SIZES = 16 };

/* A round copies one block of each size, 8 bytes to 256 KiB in steps of about two, from and to odd places. */
uint64_t bench_memcpy(uint64_t rounds)
{
    static uint8_t from[COPY_BUFFER + 64], to[COPY_BUFFER + 64];
    uint64_t state = 1, sum = 0;

    for (size_t i = 0; i < sizeof(from); i++)
        from[i] = (uint8_t)next_random(&state);
    for (uint64_t round = 0; round < rounds; round++)
        for (int i = 0; i < COPY_SIZES; i++) {
            size_t length = ((size_t)8 << i) - round % 8;
            memcpy(to + round % 61, from + round % 31, length);
            touch_memory(to);
            sum = fold(sum, to[round % 61 + length / 2]);
        }
    return sum;
}
