/* SSE4.2's string comparisons (SDM vol. 2, 4.1). */
#include "cpu/x86_64/flags.h"
#include "cpu/x86_64/vector.h"

/* Bits of the immediate. */
#define STRING_WORDS    0x01u
#define STRING_SIGNED   0x02u
#define STRING_NEGATIVE 0x10u
#define STRING_VALID    0x20u /* negate within the second string only */
#define STRING_LAST     0x40u /* index of the last one; or a mask of lanes */

/* Two strings of up to `count` characters. */
struct strings {
    const union x86_vector *a, *b;
    unsigned imm, count, length_a, length_b;
};

static int32_t character(const union x86_vector *v, unsigned k, unsigned imm)
{
    if (imm & STRING_WORDS)
        return imm & STRING_SIGNED ? (int16_t)v->w[k] : v->w[k];
    return imm & STRING_SIGNED ? (int8_t)v->b[k] : v->b[k];
}

/* Explicit lengths count as their magnitude, up to what fits. */
static unsigned explicit_length(const struct x86_core *c, const struct x86_insn *i, unsigned reg,
                                unsigned count)
{
    int64_t length = i->opsize == 3 ? (int64_t)c->s.gpr[reg] : (int32_t)c->s.gpr[reg];
    uint64_t magnitude = length < 0 ? -(uint64_t)length : (uint64_t)length;
    return magnitude < count ? (unsigned)magnitude : count;
}

/* Implicit ones end at a zero. */
static unsigned implicit_length(const union x86_vector *v, unsigned imm, unsigned count)
{
    unsigned length = 0;
    while (length < count && character(v, length, imm))
        length++;
    return length;
}

/* Whether b[j] is one of the characters of a, or in one of its ranges. */
static bool any_of(const struct strings *x, unsigned j)
{
    int32_t b = character(x->b, j, x->imm);
    for (unsigned k = 0; k < x->length_a && j < x->length_b; k++) {
        if (character(x->a, k, x->imm) == b)
            return true;
    }
    return false;
}

static bool in_ranges(const struct strings *x, unsigned j)
{
    int32_t b = character(x->b, j, x->imm);
    for (unsigned k = 0; k + 1 < x->length_a && j < x->length_b; k += 2) {
        if (character(x->a, k, x->imm) <= b && b <= character(x->a, k + 1, x->imm))
            return true;
    }
    return false;
}

/* Characters beyond both ends are equal, beyond one they differ. */
static bool equal_at(const struct strings *x, unsigned j)
{
    if (j >= x->length_a || j >= x->length_b)
        return j >= x->length_a && j >= x->length_b;
    return character(x->a, j, x->imm) == character(x->b, j, x->imm);
}

/* Whether a begins at b[j], as far as the register reaches. */
static bool found_at(const struct strings *x, unsigned j)
{
    for (unsigned k = 0; k < x->length_a && j + k < x->count; k++) {
        if (j + k >= x->length_b || character(x->a, k, x->imm) != character(x->b, j + k, x->imm))
            return false;
    }
    return true;
}

static unsigned compare(const struct strings *x)
{
    static bool (*const aggregations[])(const struct strings *, unsigned) = {any_of, in_ranges, equal_at,
                                                                             found_at};
    unsigned result = 0, all = (1u << x->count) - 1;
    for (unsigned j = 0; j < x->count; j++)
        result |= (unsigned)aggregations[x->imm >> 2 & 3](x, j) << j;
    if (x->imm & STRING_NEGATIVE)
        result ^= x->imm & STRING_VALID ? (1u << x->length_b) - 1 : all;
    return result;
}

/* The result as an index into ECX, or as a mask into XMM0. */
static void index_set(struct x86_core *c, const struct strings *x, unsigned result)
{
    unsigned index = x->count;
    if (result)
        index = x->imm & STRING_LAST ? 31 - (unsigned)__builtin_clz(result) : (unsigned)__builtin_ctz(result);
    x86_reg_set(c, RCX, 4, index);
}

static void mask_set(struct x86_core *c, const struct x86_insn *i, const struct strings *x, unsigned result)
{
    union x86_vector *d = &c->s.vector[0], r = {.q = {result}};
    for (unsigned k = 0; x->imm & STRING_LAST && k < 16; k++)
        r.b[k] = result >> (x->imm & STRING_WORDS ? k / 2 : k) & 1 ? 0xff : 0;
    d->q[0] = r.q[0];
    d->q[1] = r.q[1];
    if (i->flags & INSN_VEX)
        d->q[2] = d->q[3] = 0;
}

static __attribute__((noinline)) void strings_compare(struct x86_core *c, const struct x86_insn *i,
                                                      const union x86_vector *s, bool explicit, bool mask)
{
    const union x86_vector *a = &c->s.vector[i->reg];
    unsigned count = IMM & STRING_WORDS ? 8 : 16;
    struct strings x = {.a = a, .b = s, .imm = IMM, .count = count};
    x.length_a = explicit ? explicit_length(c, i, RAX, count) : implicit_length(a, IMM, count);
    x.length_b = explicit ? explicit_length(c, i, RDX, count) : implicit_length(s, IMM, count);
    unsigned result = compare(&x);
    x86_flags_set(c, FLAGS_STATUS,
                  (result ? FLAG_CF : 0) | (x.length_b < count ? FLAG_ZF : 0) |
                      (x.length_a < count ? FLAG_SF : 0) | (result & 1 ? FLAG_OF : 0));
    if (mask)
        mask_set(c, i, &x, result);
    else
        index_set(c, &x, result);
}

/* Their memory operands need no alignment. */
X86_VECTOR(pcmpestrm, 16, 1, strings_compare(c, i, s, true, true))
X86_VECTOR(pcmpestri, 16, 1, strings_compare(c, i, s, true, false))
X86_VECTOR(pcmpistrm, 16, 1, strings_compare(c, i, s, false, true))
X86_VECTOR(pcmpistri, 16, 1, strings_compare(c, i, s, false, false))
