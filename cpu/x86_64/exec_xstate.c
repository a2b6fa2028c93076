/* FXSAVE, FXRSTOR and the XSAVE family (SDM vol. 1, chapters 10.5 and 13). */
#include "base/bits.h"
#include "cpu/x86_64/control.h"
#include "cpu/x86_64/kinds.h"
#include "cpu/x86_64/mmu.h"
#include "cpu/x86_64/xstate.h"

#define COMPACT BIT(63) /* XCOMP_BV */

/* ---- the x87 part ---- */

uint8_t x86_ftw_abridge(uint16_t ftw)
{
    uint8_t abridged = 0;
    for (unsigned n = 0; n < 8; n++)
        abridged |= (uint8_t)((ftw >> (2 * n) & 3) != 3) << n;
    return abridged;
}

/* Valid, zero or special. */
static unsigned tag_of(const struct x86_st *st)
{
    unsigned exponent = st->se & 0x7fff;
    if (exponent == 0 && st->mant == 0)
        return 1;
    return exponent != 0 && exponent != 0x7fff && st->mant >> 63 ? 0 : 2;
}

uint16_t x86_ftw_expand(const struct x86_core *c, uint8_t abridged)
{
    unsigned ftw = 0;
    for (unsigned n = 0; n < 8; n++)
        ftw |= (abridged >> n & 1 ? tag_of(&c->s.st[n]) : 3) << (2 * n);
    return (uint16_t)ftw;
}

void x86_x87_reset(struct x86_state *s)
{
    s->fcw = FCW_RESET;
    s->fsw = 0;
    s->ftw = FTW_RESET;
    s->fop = s->fcs = s->fds = 0;
    s->fip = s->fdp = 0;
}

static void ferr_set(struct x86_core *c, bool level)
{
    if (c->s.ferr == level)
        return;
    c->s.ferr = level;
    c->s.ignne = 0;
    if (c->hooks.ferr_set)
        c->hooks.ferr_set(c->hooks.opaque, level);
}

/*
 * SDM vol. 1, D.2.1.3: the processor stops before the instruction until an interrupt comes, which FERR# asks
 * for, or IGNNE# lets it go on. Where no interrupt can come it goes on all the same.
 */
static __attribute__((noinline)) bool exception_outside(struct x86_core *c)
{
    bool is_news = !c->s.ferr;
    ferr_set(c, true);
    bool intr = __atomic_load_n(&c->lines, __ATOMIC_SEQ_CST) & (1u << X86_LINE_INTR);
    return !is_news || !intr || !(c->s.rflags & FLAG_IF) || x86_fault(c, (enum x86_exception)FAULT_AGAIN);
}

bool x86_x87_check(struct x86_core *c)
{
    bool waits = c->s.fsw & 0x80;
    if (likely(!waits && !c->s.ferr))
        return true;
    if (waits && c->s.cr0 & CR0_NE)
        return x86_fault(c, EXC_MF);
    if (waits)
        return c->s.ignne || exception_outside(c);
    ferr_set(c, false);
    return true;
}

/* ST(n) is the physical register TOP + n. */
static unsigned st_physical(const struct x86_core *c, unsigned n)
{
    return ((c->s.fsw >> 11 & 7) + n) & 7;
}

/* The first 24 bytes and the registers of an FXSAVE image; `wide`: pointers of 64 bits without selectors. */
static void x87_put(const struct x86_core *c, uint8_t *image, bool wide)
{
    le16_store(image, c->s.fcw);
    le16_store(image + 2, c->s.fsw);
    le16_store(image + 4, x86_ftw_abridge(c->s.ftw));
    le16_store(image + 6, c->s.fop);
    le64_store(image + 8, wide ? c->s.fip : (uint32_t)c->s.fip | (uint64_t)c->s.fcs << 32);
    le64_store(image + 16, wide ? c->s.fdp : (uint32_t)c->s.fdp | (uint64_t)c->s.fds << 32);
    for (unsigned n = 0; n < 8; n++) {
        const struct x86_st *st = &c->s.st[st_physical(c, n)];
        le64_store(image + 32 + 16 * n, st->mant);
        le64_store(image + 40 + 16 * n, st->se);
    }
}

static void x87_take(struct x86_core *c, const uint8_t *image, bool wide)
{
    c->s.fcw = (uint16_t)((le16_load(image) & 0x1f7f) | 0x40);
    c->s.fsw = le16_load(image + 2);
    c->s.fop = le16_load(image + 6) & 0x7ff;
    c->s.fip = wide ? le64_load(image + 8) : le32_load(image + 8);
    c->s.fcs = wide ? 0 : le16_load(image + 12);
    c->s.fdp = wide ? le64_load(image + 16) : le32_load(image + 16);
    c->s.fds = wide ? 0 : le16_load(image + 20);
    for (unsigned n = 0; n < 8; n++) {
        struct x86_st *st = &c->s.st[st_physical(c, n)];
        st->mant = le64_load(image + 32 + 16 * n);
        st->se = le16_load(image + 40 + 16 * n);
    }
    c->s.ftw = x86_ftw_expand(c, image[4]);
    /* The summary bits say whether an unmasked exception waits. */
    bool waits = c->s.fsw & ~c->s.fcw & 0x3f;
    c->s.fsw = (uint16_t)((c->s.fsw & ~0x8080u) | (waits ? 0x8080 : 0));
}

/* ---- the vector parts ---- */

static unsigned vector_count(const struct x86_core *c)
{
    return c->mode & MODE_64 ? 16 : 8;
}

static void xmm_put(const struct x86_core *c, uint8_t *image)
{
    for (unsigned n = 0; n < vector_count(c); n++)
        memcpy(image + 160 + 16 * n, &c->s.vector[n], 16);
}

static void xmm_take(struct x86_core *c, const uint8_t *image)
{
    for (unsigned n = 0; n < vector_count(c); n++)
        memcpy(&c->s.vector[n], image + 160 + 16 * n, 16);
}

static void upper_put(const struct x86_core *c, uint8_t *area)
{
    for (unsigned n = 0; n < vector_count(c); n++)
        memcpy(area + 16 * n, &c->s.vector[n].q[2], 16);
}

static void upper_take(struct x86_core *c, const uint8_t *area)
{
    for (unsigned n = 0; n < vector_count(c); n++)
        memcpy(&c->s.vector[n].q[2], area + 16 * n, 16);
}

static void vectors_clear(struct x86_core *c, unsigned from, unsigned to)
{
    for (unsigned n = 0; n < vector_count(c); n++) {
        for (unsigned q = from; q < to; q++)
            c->s.vector[n].q[q] = 0;
    }
}

/* ---- FXSAVE and FXRSTOR ---- */

static bool fx_allowed(struct x86_core *c, const struct x86_insn *i)
{
    uint64_t linear = c->view[i->seg].base + x86_operand_offset(c, i);
    if (c->s.cr0 & (CR0_EM | CR0_TS))
        return x86_fault(c, EXC_NM);
    return !(linear & 15) || x86_fault_gp(c, 0);
}

X86_DO(fxsave)
{
    uint8_t image[416];
    uint64_t offset = x86_operand_offset(c, i);
    /* What isn't saved stays as it was. */
    if (!fx_allowed(c, i) || !x86_write_check(c, i->seg, offset, sizeof(image)) ||
        !x86_read_bytes(c, i->seg, offset, image, sizeof(image)))
        return false;
    x87_put(c, image, i->flags & INSN_W);
    le32_store(image + 24, c->s.mxcsr);
    le32_store(image + 28, MXCSR_MASK);
    xmm_put(c, image);
    return x86_write_bytes(c, i->seg, offset, image, sizeof(image));
}
X86_HELPER(fxsave)

X86_DO(fxrstor)
{
    uint8_t image[512];
    if (!fx_allowed(c, i) || !x86_read_bytes(c, i->seg, x86_operand_offset(c, i), image, sizeof(image)))
        return false;
    uint32_t mxcsr = le32_load(image + 24);
    if (mxcsr & ~MXCSR_MASK)
        return x86_fault_gp(c, 0);
    x87_take(c, image, i->flags & INSN_W);
    c->s.mxcsr = mxcsr;
    xmm_take(c, image);
    return true;
}
X86_HELPER(fxrstor)

/* ---- XSAVE ---- */

#define AREA_MAX (XSAVE_PKRU_OFFSET + XSAVE_PKRU_SIZE)

/* An XSAVE instruction on its way. */
struct xsave {
    uint64_t offset;  /* of the area */
    uint64_t rfbm;    /* the components asked for */
    uint64_t written; /* those that are written */
    uint64_t layout;  /* those that have a place */
    bool compact;
};

static bool xsave_begin(struct x86_core *c, const struct x86_insn *i, struct xsave *x)
{
    x->offset = x86_operand_offset(c, i);
    if (!(c->s.cr4 & CR4_OSXSAVE))
        return x86_fault_ud(c);
    if (c->s.cr0 & CR0_TS)
        return x86_fault(c, EXC_NM);
    if ((c->view[i->seg].base + x->offset) & 63)
        return x86_fault_gp(c, 0);
    x->rfbm = c->s.xcr0 & ((c->s.gpr[RDX] << 32) | (uint32_t)c->s.gpr[RAX]);
    return true;
}

static unsigned pkru_place(const struct xsave *x)
{
    if (!x->compact)
        return XSAVE_PKRU_OFFSET;
    return XSAVE_AVX_OFFSET + (x->layout & XCR0_AVX ? XSAVE_AVX_SIZE : 0);
}

/* The area's length with the components that have a place. */
static unsigned area_size(const struct xsave *x)
{
    if (x->layout & XCR0_PKRU)
        return pkru_place(x) + XSAVE_PKRU_SIZE;
    return x->layout & XCR0_AVX ? XSAVE_AVX_OFFSET + XSAVE_AVX_SIZE : XSAVE_LEGACY_SIZE;
}

/* The components that are not as a reset leaves them (XINUSE). */
static uint64_t in_use(const struct x86_core *c)
{
    uint64_t low = 0, high = 0, inuse = 0;
    for (unsigned n = 0; n < 16; n++) {
        low |= c->s.vector[n].q[0] | c->s.vector[n].q[1];
        high |= c->s.vector[n].q[2] | c->s.vector[n].q[3];
    }
    uint64_t x87 = (c->s.fcw ^ FCW_RESET) | c->s.fsw | (c->s.ftw ^ FTW_RESET) | c->s.fop | c->s.fip |
                   c->s.fdp | c->s.fcs | c->s.fds;
    for (unsigned n = 0; n < 8; n++)
        x87 |= c->s.st[n].mant | c->s.st[n].se;
    inuse |= x87 ? XCR0_X87 : 0;
    inuse |= low ? XCR0_SSE : 0;
    inuse |= high ? XCR0_AVX : 0;
    return inuse | (c->s.pkru ? XCR0_PKRU : 0);
}

/* Fill in what is written; the rest of `area` is as it was in memory. */
static void area_put(const struct x86_core *c, const struct x86_insn *i, const struct xsave *x, uint8_t *area)
{
    if (x->written & XCR0_X87)
        x87_put(c, area, i->flags & INSN_W);
    if (x->written & XCR0_SSE)
        xmm_put(c, area);
    if (x->compact ? x->written & XCR0_SSE : x->rfbm & (XCR0_SSE | XCR0_AVX)) {
        le32_store(area + 24, c->s.mxcsr);
        le32_store(area + 28, MXCSR_MASK);
    }
    if (x->written & XCR0_AVX)
        upper_put(c, area + XSAVE_AVX_OFFSET);
    if (x->written & XCR0_PKRU)
        le64_store(area + pkru_place(x), c->s.pkru);
}

/* Read, change, write: so that what isn't saved stays. */
static bool area_update(struct x86_core *c, const struct x86_insn *i, const struct xsave *x,
                        uint64_t xstate_bv)
{
    uint8_t area[AREA_MAX];
    unsigned size = area_size(x);
    if (!x86_write_check(c, i->seg, x->offset, size) || !x86_read_bytes(c, i->seg, x->offset, area, size))
        return false;
    area_put(c, i, x, area);
    uint64_t kept = x->compact ? 0 : le64_load(area + XSAVE_HEADER) & ~x->rfbm;
    le64_store(area + XSAVE_HEADER, kept | xstate_bv);
    if (x->compact)
        le64_store(area + XSAVE_HEADER + 8, x->rfbm | COMPACT);
    return x86_write_bytes(c, i->seg, x->offset, area, size);
}

X86_DO(xsave)
{
    struct xsave x = {0};
    if (!xsave_begin(c, i, &x))
        return false;
    x.written = x.layout = x.rfbm;
    return area_update(c, i, &x, in_use(c) & x.rfbm);
}
X86_HELPER(xsave)

X86_DO(xsaveopt)
{
    struct xsave x = {0};
    if (!xsave_begin(c, i, &x))
        return false;
    x.layout = x.rfbm;
    x.written = in_use(c) & x.rfbm;
    return area_update(c, i, &x, x.written);
}
X86_HELPER(xsaveopt)

static bool save_compact(struct x86_core *c, const struct x86_insn *i, struct xsave *x)
{
    uint64_t inuse = in_use(c) | (c->s.mxcsr != MXCSR_RESET ? XCR0_SSE : 0);
    x->compact = true;
    x->layout = x->rfbm;
    x->written = inuse & x->rfbm;
    return area_update(c, i, x, x->written);
}

X86_DO(xsavec)
{
    struct xsave x = {0};
    return xsave_begin(c, i, &x) && save_compact(c, i, &x);
}
X86_HELPER(xsavec)

/* No component is the supervisor's, so XSS is 0 and this is XSAVEC for the kernel. */
X86_DO(xsaves)
{
    struct xsave x = {0};
    if (!xsave_begin(c, i, &x))
        return false;
    return c->s.cpl == 0 ? save_compact(c, i, &x) : x86_fault_gp(c, 0);
}
X86_HELPER(xsaves)

/* ---- XRSTOR ---- */

static bool all_zero(const uint8_t *p, unsigned len)
{
    while (len--) {
        if (*p++)
            return false;
    }
    return true;
}

/* What the header must be (SDM vol. 1, 13.8 and 13.12). */
static bool header_valid(const struct x86_core *c, const uint8_t *header, bool supervisor)
{
    uint64_t xstate_bv = le64_load(header), xcomp_bv = le64_load(header + 8);
    if (!(xcomp_bv & COMPACT))
        return !supervisor && xcomp_bv == 0 && !(xstate_bv & ~c->s.xcr0) && all_zero(header + 16, 8);
    return x86_has(c, FEAT_XSAVEC) && !(xcomp_bv & ~(c->s.xcr0 | COMPACT)) && !(xstate_bv & ~xcomp_bv) &&
           all_zero(header + 16, 48);
}

/* Load components of `load`, and give those of `init` their reset values. */
static void components_take(struct x86_core *c, const struct x86_insn *i, const struct xsave *x,
                            const uint8_t *area, uint64_t load)
{
    uint64_t init = x->rfbm & ~load;
    if (load & XCR0_X87)
        x87_take(c, area, i->flags & INSN_W);
    if (init & XCR0_X87) {
        x86_x87_reset(&c->s);
        memset(c->s.st, 0, sizeof(c->s.st));
    }
    if (load & XCR0_SSE)
        xmm_take(c, area);
    if (init & XCR0_SSE)
        vectors_clear(c, 0, 2);
    if (load & XCR0_AVX)
        upper_take(c, area + XSAVE_AVX_OFFSET);
    if (init & XCR0_AVX)
        vectors_clear(c, 2, 4);
    if (x->rfbm & XCR0_PKRU)
        x86_pkru_set(c, load & XCR0_PKRU ? le32_load(area + pkru_place(x)) : 0);
}

static bool restore(struct x86_core *c, const struct x86_insn *i, struct xsave *x, bool supervisor)
{
    uint8_t area[AREA_MAX];
    if (!x86_read_bytes(c, i->seg, x->offset, area, XSAVE_LEGACY_SIZE))
        return false;
    if (!header_valid(c, area + XSAVE_HEADER, supervisor))
        return x86_fault_gp(c, 0);
    uint64_t xstate_bv = le64_load(area + XSAVE_HEADER), xcomp_bv = le64_load(area + XSAVE_HEADER + 8);
    uint64_t load = x->rfbm & xstate_bv;
    x->compact = xcomp_bv & COMPACT;
    x->layout = x->compact ? xcomp_bv & ~COMPACT : x->rfbm;
    if (!x86_read_bytes(c, i->seg, x->offset, area, area_size(x)))
        return false;
    bool has_mxcsr = x->compact ? load & XCR0_SSE : x->rfbm & (XCR0_SSE | XCR0_AVX);
    uint32_t mxcsr = le32_load(area + 24);
    if (has_mxcsr && mxcsr & ~MXCSR_MASK)
        return x86_fault_gp(c, 0);
    if (has_mxcsr)
        c->s.mxcsr = mxcsr;
    else if (x->rfbm & XCR0_SSE)
        c->s.mxcsr = MXCSR_RESET;
    components_take(c, i, x, area, load);
    return true;
}

X86_DO(xrstor)
{
    struct xsave x = {0};
    return xsave_begin(c, i, &x) && restore(c, i, &x, false);
}
X86_SYSTEM(xrstor)

X86_DO(xrstors)
{
    struct xsave x = {0};
    if (!xsave_begin(c, i, &x))
        return false;
    return c->s.cpl == 0 ? restore(c, i, &x, true) : x86_fault_gp(c, 0);
}
X86_SYSTEM(xrstors)

/* ---- XCR0 ---- */

X86_DO(xgetbv)
{
    (void)i;
    uint32_t number = (uint32_t)c->s.gpr[RCX];
    uint64_t value = number == 1 ? in_use(c) & c->s.xcr0 : c->s.xcr0;
    if (!(c->s.cr4 & CR4_OSXSAVE))
        return x86_fault_ud(c);
    if (number > 1 || (number == 1 && !x86_has(c, FEAT_XGETBV1)))
        return x86_fault_gp(c, 0);
    c->s.gpr[RAX] = (uint32_t)value;
    c->s.gpr[RDX] = value >> 32;
    return true;
}
X86_HELPER(xgetbv)

X86_DO(xsetbv)
{
    (void)i;
    uint64_t value = (c->s.gpr[RDX] << 32) | (uint32_t)c->s.gpr[RAX];
    if (!(c->s.cr4 & CR4_OSXSAVE))
        return x86_fault_ud(c);
    if (c->s.cpl != 0 || (uint32_t)c->s.gpr[RCX])
        return x86_fault_gp(c, 0);
    return x86_xcr0_write(c, value);
}
X86_SYSTEM(xsetbv)
