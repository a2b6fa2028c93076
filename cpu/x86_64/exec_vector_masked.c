/* Vectors: memory accesses by mask, and gathers. What a mask leaves out causes no fault. */
#include "cpu/x86_64/vector.h"

/* Lanes of `width` bytes in memory, those of them that `lanes` has a bit for. */
struct masked {
    unsigned seg;
    uint64_t offset, address_mask;
    unsigned width, count, lanes;
};

static uint64_t lane_offset(const struct masked *m, unsigned lane)
{
    return (m->offset + lane * m->width) & m->address_mask;
}

/* All lanes are asked before one is written. */
static bool masked_store(struct x86_core *c, const struct masked *m, const uint8_t *from)
{
    for (unsigned k = 0; k < m->count; k++) {
        if (m->lanes >> k & 1 && !x86_write_check(c, m->seg, lane_offset(m, k), m->width))
            return false;
    }
    for (unsigned k = 0; k < m->count; k++) {
        if (m->lanes >> k & 1 &&
            !x86_write_bytes(c, m->seg, lane_offset(m, k), from + k * m->width, m->width))
            return false;
    }
    return true;
}

/* The other lanes become zero. */
static bool masked_load(struct x86_core *c, const struct masked *m, uint8_t *to)
{
    for (unsigned k = 0; k < m->count; k++) {
        struct x86_loaded loaded = {.ok = true};
        if (m->lanes >> k & 1)
            loaded = x86_read(c, m->seg, lane_offset(m, k), m->width);
        if (!loaded.ok)
            return false;
        for (unsigned j = 0; j < m->width; j++)
            to[k * m->width + j] = (uint8_t)(loaded.value >> 8 * j);
    }
    return true;
}

static unsigned signs(const union x86_vector *v, unsigned n, unsigned width)
{
    unsigned mask = 0;
    for (unsigned k = 0; k < n / width; k++)
        mask |= (unsigned)(v->b[k * width + width - 1] >> 7) << k;
    return mask;
}

/* ---- MASKMOVDQU and MASKMOVQ: bytes, to where rDI points ---- */

static struct masked at_rdi(const struct x86_core *c, const struct x86_insn *i, unsigned n,
                            const union x86_vector *mask)
{
    return (struct masked){.seg = i->seg,
                           .offset = c->s.gpr[RDI],
                           .address_mask = x86_address_mask(i->asize),
                           .width = 1,
                           .count = n,
                           .lanes = signs(mask, n, 1)};
}

X86_DO(maskmovdqu)
{
    struct masked m = at_rdi(c, i, 16, &c->s.vector[i->rm]);
    return masked_store(c, &m, c->s.vector[i->reg].b);
}
X86_HELPER(maskmovdqu)

X86_DO(maskmovq)
{
    union x86_vector v, s;
    if (!x86_mmx_operands(c, i, 8, &v, &s))
        return false;
    struct masked m = at_rdi(c, i, 8, &s);
    return masked_store(c, &m, v.b);
}
X86_HELPER(maskmovq)

/* ---- VMASKMOV and VPMASKMOV: VEX.vvvv has the mask ---- */

static struct masked at_operand(const struct x86_core *c, const struct x86_insn *i, unsigned width)
{
    return (struct masked){.seg = i->seg,
                           .offset = x86_operand_offset(c, i),
                           .address_mask = x86_address_mask(i->asize),
                           .width = width,
                           .count = VEX_WIDTH / width,
                           .lanes = signs(&c->s.vector[i->vvvv], VEX_WIDTH, width)};
}

static bool vmaskmov_load(struct x86_core *c, const struct x86_insn *i, unsigned width)
{
    struct masked m = at_operand(c, i, width);
    union x86_vector r = {{0}};
    if (!masked_load(c, &m, r.b))
        return false;
    c->s.vector[i->reg] = r;
    return true;
}

static bool vmaskmov_store(struct x86_core *c, const struct x86_insn *i, unsigned width)
{
    struct masked m = at_operand(c, i, width);
    return masked_store(c, &m, c->s.vector[i->reg].b);
}

X86_DO(vmaskmovps)
{
    return vmaskmov_load(c, i, 4);
}
X86_HELPER(vmaskmovps)

X86_DO(vmaskmovpd)
{
    return vmaskmov_load(c, i, 8);
}
X86_HELPER(vmaskmovpd)

X86_DO(vmaskmovps_st)
{
    return vmaskmov_store(c, i, 4);
}
X86_HELPER(vmaskmovps_st)

X86_DO(vmaskmovpd_st)
{
    return vmaskmov_store(c, i, 8);
}
X86_HELPER(vmaskmovpd_st)

/* ---- gathers ---- */

/* Destination, index and mask must be three registers, and the address needs a SIB byte. */
static bool gather_valid(const struct x86_insn *i)
{
    return (i->modrm & 7) == 4 && i->asize > 1 && i->reg != i->index && i->reg != i->vvvv &&
           i->index != i->vvvv;
}

static int64_t gather_index(const union x86_vector *index, unsigned k, unsigned width)
{
    return width == 4 ? (int64_t)(int32_t)index->d[k] : (int64_t)index->q[k];
}

/*
 * Lane after lane, first the low one; each that is done leaves its result and clears its mask, so that after
 * a fault the instruction goes on where it was (SDM vol. 2, VGATHERDPS).
 */
static bool gather(struct x86_core *c, const struct x86_insn *i, unsigned index_width, unsigned width)
{
    union x86_vector *d = &c->s.vector[i->reg], *mask = &c->s.vector[i->vvvv];
    const union x86_vector *index = &c->s.vector[i->index];
    unsigned count = VEX_WIDTH / (width > index_width ? width : index_width);
    if (!gather_valid(i))
        return x86_fault_ud(c);
    unsigned lanes = signs(mask, count * width, width);
    for (unsigned k = 0; k < 32; k++)
        mask->b[k] = k < count * width && lanes >> k / width & 1 ? 0xff : 0;
    for (unsigned k = 0; k < count; k++) {
        uint64_t offset = c->s.gpr[i->base] + (uint64_t)gather_index(index, k, index_width) * i->scale +
                          (uint64_t)(int64_t)i->disp;
        if (!(lanes >> k & 1))
            continue;
        struct x86_loaded loaded = x86_read(c, i->seg, offset & x86_address_mask(i->asize), width);
        if (!loaded.ok)
            return false;
        x86_host_store(d->b + k * width, width == 4 ? 4 : 8, loaded.value);
        x86_host_store(mask->b + k * width, width == 4 ? 4 : 8, 0);
    }
    for (unsigned k = count * width / 8; k < 4; k++)
        d->q[k] = 0;
    return true;
}

X86_DO(vgatherdd)
{
    return gather(c, i, 4, 4);
}
X86_HELPER(vgatherdd)

X86_DO(vgatherdq)
{
    return gather(c, i, 4, 8);
}
X86_HELPER(vgatherdq)

X86_DO(vgatherqd)
{
    return gather(c, i, 8, 4);
}
X86_HELPER(vgatherqd)

X86_DO(vgatherqq)
{
    return gather(c, i, 8, 8);
}
X86_HELPER(vgatherqq)
