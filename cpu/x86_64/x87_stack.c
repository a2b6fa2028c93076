/* The x87's stack, and how its exceptions get into the status word. */
#include "cpu/x86_64/x87_stack.h"

#include "cpu/x86_64/xstate.h"

static struct fp_env env_of(const struct x86_state *s)
{
    static const uint8_t precisions[] = {24, 64, 53, 64};
    struct fp_env env = fp_env_x87;
    env.round = (uint8_t)x86_round(s->fcw >> FCW_RC_SHIFT);
    env.x87_precision = precisions[s->fcw >> FCW_PC_SHIFT & 3];
    env.unmasked = (uint8_t)x86_fp_of_flags(~s->fcw & 0x3f);
    return env;
}

/* What FSTENV says about the last instruction that was none of control. */
static void pointers_set(struct x86_core *c, const struct x86_insn *i)
{
    struct x86_state *s = &c->s;
    s->fop = (uint16_t)((i->opcode & 7) << 8 | i->modrm);
    s->fip = s->rip - i->length;
    s->fcs = s->seg[CS].selector;
    if (i->flags & INSN_MEM) {
        s->fdp = x86_operand_offset(c, i);
        s->fds = s->seg[i->seg].selector;
    }
}

bool x87_begin(struct x86_core *c, const struct x86_insn *i, unsigned width, struct x87 *x)
{
    if (!x86_x87_check(c) || (width && !x86_helper_load(c, i, width, 1)))
        return false;
    pointers_set(c, i);
    *x = (struct x87){.c = c, .env = env_of(&c->s)};
    return true;
}

static unsigned flags_of(const struct x87 *x)
{
    if (x->underflow || x->overflow)
        return FSW_IE | FSW_SF;
    return x86_flags_of_fp(x->env.flags);
}

static unsigned unmasked_of(const struct x87 *x)
{
    return flags_of(x) & ~x->c->s.fcw & 0x3f;
}

bool x87_delivers(const struct x87 *x, bool to_memory)
{
    const unsigned overflow_underflow = 0x18;
    return !(unmasked_of(x) & (MXCSR_BEFORE | (to_memory ? overflow_underflow : 0)));
}

static bool end(struct x87 *x, bool to_memory)
{
    const unsigned inexact = 0x20;
    struct x86_state *s = &x->c->s;
    unsigned flags = flags_of(x);
    bool delivers = x87_delivers(x, to_memory);
    bool up = x->overflow || (!x->underflow && delivers && x->env.flags & FP_ROUNDED_UP);
    if (!x87_delivers(x, false))
        flags &= MXCSR_BEFORE | FSW_SF;
    if (!delivers)
        flags &= ~inexact;
    s->fsw = (uint16_t)((s->fsw & ~FSW_C1) | flags | (up ? FSW_C1 : 0));
    x87_summary_set(s);
    return delivers;
}

bool x87_end(struct x87 *x)
{
    return end(x, false);
}

bool x87_end_store(struct x87 *x)
{
    return end(x, true);
}

bool x87_end_keeping_c1(struct x87 *x)
{
    uint16_t c1 = x->underflow ? 0 : x->c->s.fsw & FSW_C1;
    bool delivers = x87_end(x);
    x->c->s.fsw |= c1;
    return delivers;
}

void x87_summary_set(struct x86_state *s)
{
    bool waits = s->fsw & ~s->fcw & 0x3f;
    s->fsw = (uint16_t)((s->fsw & ~(FSW_ES | FSW_B)) | (waits ? FSW_ES | FSW_B : 0));
}

f80_t x87_get(const struct x86_state *s, unsigned n)
{
    const struct x86_st *st = &s->st[x87_physical(s, n)];
    return (f80_t){.mant = st->mant, .se = st->se};
}

f80_t x87_operand(struct x87 *x, unsigned n)
{
    if (likely(!x87_empty(&x->c->s, n)))
        return x87_get(&x->c->s, n);
    x->underflow = true;
    return X87_INDEFINITE;
}

static unsigned tag_of(f80_t v)
{
    unsigned exponent = v.se & 0x7fff;
    if (exponent == 0 && v.mant == 0)
        return 1;
    return exponent != 0 && exponent != 0x7fff && v.mant >> 63 ? 0 : 2;
}

static void tag_set(struct x86_state *s, unsigned n, unsigned tag)
{
    unsigned shift = 2 * x87_physical(s, n);
    s->ftw = (uint16_t)((s->ftw & ~(3u << shift)) | tag << shift);
}

void x87_set(struct x86_state *s, unsigned n, f80_t value)
{
    s->st[x87_physical(s, n)] = (struct x86_st){.mant = value.mant, .se = value.se};
    tag_set(s, n, tag_of(value));
}

void x87_free(struct x86_state *s, unsigned n)
{
    tag_set(s, n, 3);
}

static void top_add(struct x86_state *s, unsigned by)
{
    unsigned top = ((s->fsw >> FSW_TOP_SHIFT) + by) & 7;
    s->fsw = (uint16_t)((s->fsw & ~(7u << FSW_TOP_SHIFT)) | top << FSW_TOP_SHIFT);
}

void x87_pop(struct x86_state *s)
{
    x87_free(s, 0);
    top_add(s, 1);
}

void x87_push(struct x86_state *s, f80_t value)
{
    top_add(s, 7);
    x87_set(s, 0, value);
}

void x87_room_check(struct x87 *x)
{
    x->overflow = !x->underflow && !x87_empty(&x->c->s, 7);
}
