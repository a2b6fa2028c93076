/*
 * Loads and stores of structures (LD1 to LD4, ST1 to ST4): of whole registers, of one lane, and of one
 * element into all lanes. In memory the elements of a structure follow each other; each goes to a register of
 * its own, and registers go around after V31.
 */
#include "cpu/aarch64/simd.h"

#include <string.h>

#include "softmmu/tlb.h"

#define REGISTER(n) c->s.v[(i->rd + (n)) & 31]

/* ---- the slow path: element by element, as alignment and devices see it, through c->structure ---- */

static bool structure_load(struct aarch64_core *c, uint64_t va, unsigned bytes, unsigned element)
{
    for (unsigned n = 0; n < bytes; n += element) {
        if (!a64_load_slow(c, va + n, element))
            return false;
        memcpy(c->structure + n, c->loaded, element);
    }
    return true;
}

static bool structure_store(struct aarch64_core *c, uint64_t va, unsigned bytes, unsigned element)
{
    for (unsigned n = 0; n < bytes; n += element) {
        uint64_t value = 0;
        memcpy(&value, c->structure + n, element);
        if (!a64_store_slow(c, va + n, element, value, 0))
            return false;
    }
    return true;
}

/* Post-index: by a register, or by what was transferred. */
INLINE void write_back(struct aarch64_core *c, const struct a64_insn *i, unsigned bytes)
{
    c->s.x[i->rn] += i->rm == 31 ? bytes : c->s.x[i->rm];
}

#define KEEP(bytes) (void)0
#define POST(bytes) write_back(c, i, bytes)

/* A load: `take` is a statement that fills registers from p. */
#define LOAD(id, bytes, element, take, writeback)                                                            \
    A64_HANDLERS(                                                                                            \
        id,                                                                                                  \
        {                                                                                                    \
            const uint8_t *p = tlb_read_hit(bank, c->s.x[i->rn], bytes);                                     \
            if (unlikely(!p))                                                                                \
                TAIL return a64_##id##_slow(c, i, bank, pc);                                                 \
            take;                                                                                            \
            writeback(bytes);                                                                                \
        },                                                                                                   \
        {                                                                                                    \
            const uint8_t *p = c->structure;                                                                 \
            if (!structure_load(c, c->s.x[i->rn], bytes, element))                                           \
                TAIL return a64_raise(c, i, bank, pc);                                                       \
            take;                                                                                            \
            writeback(bytes);                                                                                \
        })

/* A store: `give` is a statement that writes registers to p. */
#define STORE(id, bytes, element, give, writeback)                                                           \
    A64_HANDLERS(                                                                                            \
        id,                                                                                                  \
        {                                                                                                    \
            uint8_t *p = tlb_write_hit(bank, c->s.x[i->rn], bytes);                                          \
            if (unlikely(!p))                                                                                \
                TAIL return a64_##id##_slow(c, i, bank, pc);                                                 \
            give;                                                                                            \
            writeback(bytes);                                                                                \
        },                                                                                                   \
        {                                                                                                    \
            uint8_t *p = c->structure;                                                                       \
            give;                                                                                            \
            if (!structure_store(c, c->s.x[i->rn], bytes, element))                                          \
                TAIL return a64_raise(c, i, bank, pc);                                                       \
            writeback(bytes);                                                                                \
        })

/* ---- one to four registers as they are (LD1, ST1) ---- */

#define MEMORY_ELEMENT (1u << (simd_bits(i) >> 10 & 3))
#define BYTES(count)   ((count)*8u << simd_q(i))

INLINE void registers_take(struct aarch64_core *c, const struct a64_insn *i, const uint8_t *p, unsigned count)
{
    for (unsigned n = 0; n < count; n++) {
        if (simd_q(i))
            memcpy(&REGISTER(n), p + 16 * n, 16);
        else
            REGISTER(n) = (union aarch64_vector){{host_load(p + 8 * n, 8), 0}};
    }
}

INLINE void registers_give(const struct aarch64_core *c, const struct a64_insn *i, uint8_t *p, unsigned count)
{
    for (unsigned n = 0; n < count; n++) {
        if (simd_q(i))
            memcpy(p + 16 * n, &REGISTER(n), 16);
        else
            host_store(p + 8 * n, 8, REGISTER(n).d[0]);
    }
}

#define REGISTERS(count)                                                                                     \
    LOAD(ld1__r##count, BYTES(count), MEMORY_ELEMENT, registers_take(c, i, p, count), KEEP)                  \
    LOAD(ld1__r##count##_post, BYTES(count), MEMORY_ELEMENT, registers_take(c, i, p, count), POST)           \
    STORE(st1__r##count, BYTES(count), MEMORY_ELEMENT, registers_give(c, i, p, count), KEEP)                 \
    STORE(st1__r##count##_post, BYTES(count), MEMORY_ELEMENT, registers_give(c, i, p, count), POST)

REGISTERS(1)
REGISTERS(2)
REGISTERS(3)
REGISTERS(4)

/* ---- as many structures as registers have lanes (LD2 to LD4, ST2 to ST4) ---- */

#define DEFINE_INTERLEAVE(z)                                                                                 \
    INLINE void interleaved_take_##z(struct aarch64_core *c, const struct a64_insn *i, const uint8_t *p,     \
                                     unsigned count)                                                         \
    {                                                                                                        \
        for (unsigned n = 0; n < count; n++) {                                                               \
            union aarch64_vector r = {{0, 0}};                                                               \
            for (unsigned e = 0; e < LANES(z); e++)                                                          \
                r.z[e] = (u_##z)host_load(p + (e * count + n) * sizeof(u_##z), sizeof(u_##z));               \
            REGISTER(n) = r;                                                                                 \
        }                                                                                                    \
    }                                                                                                        \
    INLINE void interleaved_give_##z(const struct aarch64_core *c, const struct a64_insn *i, uint8_t *p,     \
                                     unsigned count)                                                         \
    {                                                                                                        \
        for (unsigned e = 0; e < LANES(z); e++)                                                              \
            for (unsigned n = 0; n < count; n++)                                                             \
                host_store(p + (e * count + n) * sizeof(u_##z), sizeof(u_##z), REGISTER(n).z[e]);            \
    }                                                                                                        \
    /* One element for each register: a lane of it, or all its lanes. */                                     \
    INLINE void lane_take_##z(struct aarch64_core *c, const struct a64_insn *i, const uint8_t *p,            \
                              unsigned count, unsigned lane)                                                 \
    {                                                                                                        \
        for (unsigned n = 0; n < count; n++)                                                                 \
            REGISTER(n).z[lane] = (u_##z)host_load(p + n * sizeof(u_##z), sizeof(u_##z));                    \
    }                                                                                                        \
    INLINE void lane_give_##z(const struct aarch64_core *c, const struct a64_insn *i, uint8_t *p,            \
                              unsigned count, unsigned lane)                                                 \
    {                                                                                                        \
        for (unsigned n = 0; n < count; n++)                                                                 \
            host_store(p + n * sizeof(u_##z), sizeof(u_##z), REGISTER(n).z[lane]);                           \
    }                                                                                                        \
    INLINE void replicated_take_##z(struct aarch64_core *c, const struct a64_insn *i, const uint8_t *p,      \
                                    unsigned count)                                                          \
    {                                                                                                        \
        for (unsigned n = 0; n < count; n++) {                                                               \
            union aarch64_vector r = {{0, 0}};                                                               \
            for (unsigned e = 0; e < LANES(z); e++)                                                          \
                r.z[e] = (u_##z)host_load(p + n * sizeof(u_##z), sizeof(u_##z));                             \
            REGISTER(n) = r;                                                                                 \
        }                                                                                                    \
    }

DEFINE_INTERLEAVE(b)
DEFINE_INTERLEAVE(h)
DEFINE_INTERLEAVE(s)
DEFINE_INTERLEAVE(d)

#define STRUCTURES_(count, z)                                                                                \
    LOAD(ld##count##__v_##z, BYTES(count), sizeof(u_##z), interleaved_take_##z(c, i, p, count), KEEP)        \
    LOAD(ld##count##__v_post_##z, BYTES(count), sizeof(u_##z), interleaved_take_##z(c, i, p, count), POST)   \
    STORE(st##count##__v_##z, BYTES(count), sizeof(u_##z), interleaved_give_##z(c, i, p, count), KEEP)       \
    STORE(st##count##__v_post_##z, BYTES(count), sizeof(u_##z), interleaved_give_##z(c, i, p, count), POST)
#define STRUCTURES(count)                                                                                    \
    STRUCTURES_(count, b) STRUCTURES_(count, h) STRUCTURES_(count, s) STRUCTURES_(count, d)

STRUCTURES(2)
STRUCTURES(3)
STRUCTURES(4)

/* ---- one structure, in one lane or all; the lane's number is Q:S:size less the bits that tell the size ----
 */

#define LANE   (simd_q(i) << 3 | (simd_bits(i) >> 10 & 7))
#define LANE_b LANE
#define LANE_h (LANE >> 1)
#define LANE_s (LANE >> 2)
#define LANE_d (LANE >> 3)

#define LANE_(count, z)                                                                                      \
    LOAD(ld##count##__lane_##z, count * sizeof(u_##z), sizeof(u_##z),                                        \
         lane_take_##z(c, i, p, count, LANE_##z), KEEP)                                                      \
    LOAD(ld##count##__lane_post_##z, count * sizeof(u_##z), sizeof(u_##z),                                   \
         lane_take_##z(c, i, p, count, LANE_##z), POST)                                                      \
    STORE(st##count##__lane_##z, count * sizeof(u_##z), sizeof(u_##z),                                       \
          lane_give_##z(c, i, p, count, LANE_##z), KEEP)                                                     \
    STORE(st##count##__lane_post_##z, count * sizeof(u_##z), sizeof(u_##z),                                  \
          lane_give_##z(c, i, p, count, LANE_##z), POST)                                                     \
    LOAD(ld##count##r_##z, count * sizeof(u_##z), sizeof(u_##z), replicated_take_##z(c, i, p, count), KEEP)  \
    LOAD(ld##count##r__post_##z, count * sizeof(u_##z), sizeof(u_##z), replicated_take_##z(c, i, p, count),  \
         POST)
#define LANES_OF(count) LANE_(count, b) LANE_(count, h) LANE_(count, s) LANE_(count, d)

LANES_OF(1)
LANES_OF(2)
LANES_OF(3)
LANES_OF(4)
