/* x87: control, status, environment and state. Only some of these wait for an exception. */
#include "base/bits.h"
#include "cpu/x86_64/x87_stack.h"
#include "cpu/x86_64/xstate.h"

#define FCW_FIXED 0x0040u /* reads as 1 */
#define FCW_VALID 0x1f7fu

/* ---- the stack pointer and tags ---- */

static bool top_move(struct x86_core *c, const struct x86_insn *i, unsigned by)
{
    struct x87 x;
    if (!x87_begin(c, i, 0, &x))
        return false;
    unsigned top = ((c->s.fsw >> FSW_TOP_SHIFT) + by) & 7;
    x87_codes_set(&c->s, 7u << FSW_TOP_SHIFT | FSW_C1, top << FSW_TOP_SHIFT);
    return true;
}

X86_DO(fincstp)
{
    return top_move(c, i, 1);
}
X86_HELPER(fincstp)

X86_DO(fdecstp)
{
    return top_move(c, i, 7);
}
X86_HELPER(fdecstp)

X86_DO(ffree)
{
    struct x87 x;
    if (!x87_begin(c, i, 0, &x))
        return false;
    x87_free(&c->s, i->modrm & 7);
    x87_codes_set(&c->s, FSW_C1, 0);
    return true;
}
X86_HELPER(ffree)

/* Not in the manual, but in processors: FFREE and a pop. */
X86_DO(ffreep)
{
    struct x87 x;
    if (!x87_begin(c, i, 0, &x))
        return false;
    x87_free(&c->s, i->modrm & 7);
    x87_codes_set(&c->s, FSW_C1, 0);
    x87_pop(&c->s);
    return true;
}
X86_HELPER(ffreep)

X86_DO(fnop)
{
    struct x87 x;
    return x87_begin(c, i, 0, &x);
}
X86_HELPER(fnop)

/* FNENI, FNDISI and FNSETPM of older coprocessors. */
X86_PLAIN(fnop_old, (void)0)

/* ---- control and status words ---- */

static void control_set(struct x86_state *s, uint16_t fcw)
{
    s->fcw = (uint16_t)((fcw & FCW_VALID) | FCW_FIXED);
    x87_summary_set(s);
}

X86_DO(fldcw)
{
    if (!x86_x87_check(c) || !x86_helper_load(c, i, 2, 1))
        return false;
    control_set(&c->s, c->operand.w[0]);
    return true;
}
X86_HELPER(fldcw)

X86_DO(fnstcw)
{
    c->operand.w[0] = c->s.fcw;
    return x86_helper_store(c, i, 2, 1);
}
X86_HELPER(fnstcw)

X86_DO(fnstsw)
{
    c->operand.w[0] = c->s.fsw;
    return x86_helper_store(c, i, 2, 1);
}
X86_HELPER(fnstsw)

X86_PLAIN(fnstsw_ax, x86_reg_set(c, RAX, 2, c->s.fsw))

X86_DO(fnclex)
{
    (void)i;
    c->s.fsw &= 0x7f00;
    return true;
}
X86_HELPER(fnclex)

X86_DO(fninit)
{
    (void)i;
    x86_x87_reset(&c->s);
    return true;
}
X86_HELPER(fninit)

/* ---- the environment: 14 or 28 bytes, and other pointers in real and virtual-8086 mode ---- */

static unsigned environment_size(const struct x86_insn *i)
{
    return i->opsize == 1 ? 14 : 28;
}

/* Seven numbers; those of 16 bits are padded with ones in the long format (but not the pointers). */
static void environment_put(const struct x86_core *c, uint8_t *image, bool wide)
{
    const struct x86_state *s = &c->s;
    uint32_t pad = wide ? 0xffff0000 : 0;
    bool real = x86_real_like(c);
    uint32_t ip = (uint32_t)s->fip + (real ? s->fcs * 16u : 0),
             dp = (uint32_t)s->fdp + (real ? s->fds * 16u : 0);
    uint32_t fields[7] = {s->fcw | pad, s->fsw | pad, s->ftw | pad, ip, s->fcs, dp, s->fds | pad};
    if (wide)
        fields[4] |= (uint32_t)s->fop << 16;
    if (real) {
        fields[3] &= 0xffff;
        fields[4] = (ip >> 16 << 12 & (wide ? 0x0ffff000 : 0xf000)) | s->fop;
        fields[5] &= 0xffff;
        fields[6] = dp >> 16 << 12 & (wide ? 0x0ffff000 : 0xf000);
    }
    for (unsigned n = 0; n < 7; n++)
        le_store(image + n * (wide ? 4 : 2), wide ? 4 : 2, fields[n]);
}

static void environment_take(struct x86_core *c, const uint8_t *image, bool wide)
{
    struct x86_state *s = &c->s;
    uint32_t fields[7];
    for (unsigned n = 0; n < 7; n++)
        fields[n] = (uint32_t)le_load(image + n * (wide ? 4 : 2), wide ? 4 : 2);
    s->fsw = (uint16_t)fields[1];
    control_set(s, (uint16_t)fields[0]);
    /* Processors keep of a tag whether the register is empty. */
    s->ftw = x86_ftw_expand(c, x86_ftw_abridge((uint16_t)fields[2]));
    if (x86_real_like(c)) {
        s->fip = fields[3] & 0xffff;
        s->fip |= (uint64_t)(fields[4] & 0x0ffff000) << 4;
        s->fdp = fields[5] & 0xffff;
        s->fdp |= (uint64_t)(fields[6] & 0x0ffff000) << 4;
        s->fop = fields[4] & 0x7ff;
        s->fcs = s->fds = 0;
        return;
    }
    s->fip = fields[3];
    s->fcs = (uint16_t)fields[4];
    s->fop = wide ? fields[4] >> 16 & 0x7ff : s->fop;
    s->fdp = fields[5];
    s->fds = (uint16_t)fields[6];
}

/* Environments are aligned as their numbers are, where that is checked. */
static bool environment_aligned(struct x86_core *c, const struct x86_insn *i)
{
    return x86_aligned(c, i->seg, x86_operand_offset(c, i), i->opsize == 1 ? 2 : 4);
}

X86_DO(fnstenv)
{
    uint8_t image[28];
    environment_put(c, image, i->opsize > 1);
    if (!environment_aligned(c, i) ||
        !x86_write_bytes(c, i->seg, x86_operand_offset(c, i), image, environment_size(i)))
        return false;
    control_set(&c->s, c->s.fcw | 0x3f);
    return true;
}
X86_HELPER(fnstenv)

X86_DO(fldenv)
{
    uint8_t image[28];
    if (!x86_x87_check(c) || !environment_aligned(c, i) ||
        !x86_read_bytes(c, i->seg, x86_operand_offset(c, i), image, environment_size(i)))
        return false;
    environment_take(c, image, i->opsize > 1);
    return true;
}
X86_HELPER(fldenv)

/* ---- the whole state: the environment, and ST(0) to ST(7) ---- */

#define STATE_REGISTERS 80u

X86_DO(fnsave)
{
    uint8_t image[28 + STATE_REGISTERS];
    unsigned size = environment_size(i);
    environment_put(c, image, i->opsize > 1);
    for (unsigned n = 0; n < 8; n++) {
        f80_t v = x87_get(&c->s, n);
        le64_store(image + size + 10 * n, v.mant);
        le16_store(image + size + 10 * n + 8, v.se);
    }
    if (!environment_aligned(c, i) ||
        !x86_write_bytes(c, i->seg, x86_operand_offset(c, i), image, size + STATE_REGISTERS))
        return false;
    x86_x87_reset(&c->s);
    return true;
}
X86_HELPER(fnsave)

X86_DO(frstor)
{
    uint8_t image[28 + STATE_REGISTERS];
    unsigned size = environment_size(i);
    if (!x86_x87_check(c) || !environment_aligned(c, i) ||
        !x86_read_bytes(c, i->seg, x86_operand_offset(c, i), image, size + STATE_REGISTERS))
        return false;
    unsigned top = le16_load(image + (i->opsize > 1 ? 4 : 2)) >> FSW_TOP_SHIFT;
    for (unsigned n = 0; n < 8; n++) {
        struct x86_st *st = &c->s.st[(top + n) & 7];
        st->mant = le64_load(image + size + 10 * n);
        st->se = le16_load(image + size + 10 * n + 8);
    }
    environment_take(c, image, i->opsize > 1);
    return true;
}
X86_HELPER(frstor)
