#include "cpu/x86_64/flags.h"

static uint64_t flags_szp(uint64_t top, unsigned shift)
{
    uint64_t flags = top == 0 ? FLAG_ZF : 0;
    if ((int64_t)top < 0)
        flags |= FLAG_SF;
    if (!__builtin_parity((uint8_t)(top >> shift)))
        flags |= FLAG_PF;
    return flags;
}

uint64_t x86_flags_status(const struct x86_core *c)
{
    uint64_t a = c->lazy.a, b = c->lazy.b;
    unsigned shift = c->lazy.how >> 8;
    switch ((uint8_t)c->lazy.how) {
    case LAZY_SUB: return x86_flags_coa_sub(a, b, shift) | flags_szp(a - b, shift);
    case LAZY_ADD: return x86_flags_coa_add(a, b, shift) | flags_szp(a, shift);
    case LAZY_RESULT: return b | flags_szp(a, shift);
    default: return c->s.rflags & FLAGS_STATUS;
    }
}

bool x86_condition_holds(const struct x86_core *c, enum x86_condition condition)
{
    uint64_t flags = x86_flags_status(c);
    bool less = !(flags & FLAG_SF) != !(flags & FLAG_OF);
    bool holds;
    switch (condition >> 1) {
    case 0: holds = flags & FLAG_OF; break;
    case 1: holds = flags & FLAG_CF; break;
    case 2: holds = flags & FLAG_ZF; break;
    case 3: holds = flags & (FLAG_CF | FLAG_ZF); break;
    case 4: holds = flags & FLAG_SF; break;
    case 5: holds = flags & FLAG_PF; break;
    case 6: holds = less; break;
    default: holds = less || (flags & FLAG_ZF); break;
    }
    return holds != (condition & 1);
}
